// SPDX-License-Identifier: Apache-2.0
// Reads mails by a parser that is not ours, and their reports by the public schema of X-ARF.
//   node letters.js read FOLDER            a line of JSON a mail, by name of file
//   node letters.js save FOLDER OUT        its files into OUT/N-NAME
//   node letters.js xarf SCHEMAS FILE...   each is a valid report; prints what is wrong
const fs = require("fs"), path = require("path");
const files = (d) => fs.readdirSync(d, { recursive: true }).map((f) => path.join(d, String(f)))
	.filter((f) => fs.statSync(f).isFile()).sort();
async function read(folder, out) {
	const { simpleParser } = require("mailparser");
	let n = 0;
	for (const f of files(folder).filter((f) => /\/(new|cur)\//.test(f))) {
		const m = await simpleParser(fs.createReadStream(f));
		n++;
		for (const a of out ? m.attachments : [])
			fs.writeFileSync(path.join(out, `${n}-${a.filename}`), a.content);
		if (!out)
			console.log(JSON.stringify({ from: m.from.text, to: m.to.text, subject: m.subject, id: m.messageId,
				reply: m.inReplyTo || "", references: m.references || "", headers: m.headerLines.map((h) => h.key),
				text: m.text, files: m.attachments.map((a) => `${a.filename} ${a.contentType} ${a.size}`) }));
	}
}
function xarf(schemas, list) {
	const Ajv = require("ajv/dist/2020"), formats = require("ajv-formats");
	const load = (d) => files(d).filter((f) => f.endsWith(".json")).map((f) => JSON.parse(fs.readFileSync(f)));
	const ajv = new Ajv({ strict: false, allErrors: true });
	formats(ajv);
	const types = load(path.join(schemas, "types"));
	const core = JSON.parse(fs.readFileSync(path.join(schemas, "v4", "xarf-core.json")));
	for (const s of [core, ...types])
		ajv.addSchema(s);
	let bad = 0;
	for (const f of list) {
		const report = JSON.parse(fs.readFileSync(f));
		const schema = types.find((s) => {
			const own = (s.allOf || []).find((p) => p.properties && p.properties.type);
			return own && own.properties.type.const === report.type &&
				(!own.properties.category || own.properties.category.const === report.category);
		});
		const check = schema && ajv.getSchema(schema.$id);
		if (!check || !check(report)) {
			bad++;
			console.log(`${f}: ${check ? JSON.stringify(check.errors) : `no schema of ${report.category}/${report.type}`}`);
		} else {
			console.log(`valid ${report.category}/${report.type}`);
		}
	}
	process.exitCode = bad ? 1 : 0;
}
const [what, ...rest] = process.argv.slice(2);
if (what === "read")
	read(rest[0], null);
else if (what === "save")
	read(rest[0], rest[1]);
else
	xarf(rest[0], rest.slice(1));
