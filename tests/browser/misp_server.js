// SPDX-License-Identifier: Apache-2.0
// The other side of tests/misp_server.sh: answers the calls of a MISP server as MISP's code does, over events kept
// in a folder. Made for these tests, so it proves nothing about a real MISP.
//   node misp_server.js FOLDER KEY PORT
'use strict';
const fs = require('fs');
const http = require('http');
const path = require('path');

const [folder, key, port] = process.argv.slice(2);
const load = (file) => JSON.parse(fs.readFileSync(file, 'utf8'));
const eventPath = (uuid) => path.join(folder, `${path.basename(uuid)}.json`);
const events = () => fs.readdirSync(folder).filter((f) => f.endsWith('.json')).sort()
	.map((f) => load(path.join(folder, f)).Event);
const attributes = (event) => [...event.Attribute || [], ...(event.Object || []).flatMap((o) => o.Attribute)];

function say(res, status, what, more = {}) {
	const body = Buffer.from(JSON.stringify(what));
	res.writeHead(status, { 'Content-Type': 'application/json', 'Content-Length': body.length, Connection: 'close',
		...more });
	res.end(body);
}
function read(req, res) {
	if (req.url === '/servers/getVersion')
		return say(res, 200, { version: '2.5.3', perm_sync: true, perm_sighting: true, request_encoding: ['gzip'] });
	if (!req.url.startsWith('/events/view/'))
		return say(res, 404, { name: 'Not Found', message: 'Not Found' });
	const file = eventPath(req.url.split('/')[3]);
	if (!fs.existsSync(file))
		return say(res, 404, { name: 'Invalid event', message: 'Invalid event', url: req.url });
	say(res, 200, load(file));
}
function index(res, asked) {
	const wanted = asked.tag ? asked.tag.split('|') : [];
	say(res, 200, events().filter((e) => !wanted.length || (e.Tag || []).some((t) => wanted.includes(t.name)))
		.map((e) => ({ uuid: e.uuid, timestamp: e.timestamp, published: true, orgc_uuid: e.uuid })));
}
function add(res, asked) {
	const file = eventPath(asked.Event.uuid);
	if (fs.existsSync(file))
		return say(res, 302, { name: 'Event already exists' }, { Location: `/events/edit/${asked.Event.uuid}` });
	fs.writeFileSync(file, JSON.stringify(asked));
	say(res, 200, asked);
}
function edit(res, asked, uuid) {
	const file = eventPath(uuid);
	if (!fs.existsSync(file))
		return say(res, 404, { name: 'Invalid event', message: 'Invalid event' });
	const known = new Set(asked.Event.Object.map((o) => o.uuid));
	asked.Event.Object.push(...(load(file).Event.Object || []).filter((o) => !known.has(o.uuid)));
	fs.writeFileSync(file, JSON.stringify(asked));
	say(res, 200, asked);
}
function search(res, asked) {
	say(res, 200, { response: { Attribute: events().flatMap((e) => attributes(e).filter((a) => a.value === asked.value)
		.map((a) => ({ ...a, Event: { uuid: e.uuid, info: e.info }, Tag: e.Tag || [] }))) } });
}
function write(req, res, body) {
	const asked = JSON.parse(body);
	fs.writeFileSync(path.join(folder, 'last'), body);
	if (req.url === '/events/index')
		index(res, asked);
	else if (req.url === '/events/add')
		add(res, asked);
	else if (req.url.startsWith('/events/edit/'))
		edit(res, asked, req.url.split('/')[3]);
	else if (req.url === '/attributes/restSearch.json')
		search(res, asked);
	else if (req.url === '/sightings/add')
		say(res, 200, { Sighting: asked });
	else
		say(res, 404, { name: 'Not Found', message: 'Not Found' });
}
function answer(req, res, body) {
	fs.appendFileSync(path.join(folder, 'log'), `${req.method} ${req.url}\n`);
	if (req.headers.authorization !== key)
		say(res, 403, { name: 'Authentication failed.', message: 'Authentication failed.', url: req.url });
	else if (req.method === 'GET')
		read(req, res);
	else if (req.method === 'POST')
		write(req, res, body);
	else
		say(res, 501, { name: 'Not Implemented', message: 'Not Implemented' });
}
http.createServer((req, res) => {
	const parts = [];
	req.on('data', (part) => parts.push(part));
	req.on('end', () => {
		try {
			answer(req, res, Buffer.concat(parts));
		} catch (e) {
			// what it does not understand gets no answer
			console.error(e);
			req.socket.destroy();
		}
	});
}).listen(Number(port), '127.0.0.1');
