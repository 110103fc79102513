// Holds each object of a STIX bundle against the OASIS JSON schemas: node stix.js SCHEMAS BUNDLE
'use strict';
const fs = require('fs');
const path = require('path');
const Ajv = require('ajv/dist/2020');

const [schemas, bundle] = process.argv.slice(2);
const ajv = new Ajv({ strict: false, allErrors: true, validateFormats: false, unicodeRegExp: false });
const ids = {};
for (const folder of fs.readdirSync(schemas))
	for (const file of fs.readdirSync(path.join(schemas, folder))) {
		const schema = JSON.parse(fs.readFileSync(path.join(schemas, folder, file)));
		ajv.addSchema(schema);
		ids[path.basename(file, '.json')] = schema.$id;
	}
const seen = {};
let wrong = 0;
const check = (name, o) => {
	const valid = ajv.getSchema(ids[name]);
	if (!valid || !valid(o)) {
		wrong++;
		console.log('not', name, o.id, valid ? ajv.errorsText(valid.errors).slice(0, 200) : 'has no schema');
	}
};
const b = JSON.parse(fs.readFileSync(bundle));
for (const o of b.objects) {
	seen[o.type] = (seen[o.type] || 0) + 1;
	check(o.type, o);
}
// the schema of a bundle lists none of these among what may stand in one
const unlisted = ['extension-definition', 'grouping', 'incident', 'note', 'opinion'];
check('bundle', { ...b, objects: b.objects.filter(o => !unlisted.includes(o.type)) });
// what is referred to stands before what refers to it
const known = new Set();
for (const o of b.objects) {
	for (const ref of [...(o.object_refs || []), ...(o.observed_data_refs || []), o.sighting_of_ref, o.created_by_ref,
		o.src_ref, o.dst_ref, ...(o.belongs_to_refs || []), ...(o.object_marking_refs || [])])
		if (ref && !known.has(ref)) {
			wrong++;
			console.log('not', o.id, 'refers to', ref, 'before it came');
		}
	known.add(o.id);
}
for (const type of Object.keys(seen).sort())
	console.log('type', type, seen[type]);
console.log('wrong', wrong);
