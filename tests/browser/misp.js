// SPDX-License-Identifier: Apache-2.0
// Holds our MISP feed and our lists for Cerebrate against the rules of their formats, and serves a folder.
//   node misp.js manifest FILE             a manifest keeps the rules
//   node misp.js events FOLDER FILE        and so does FOLDER/event.UUID of each event in it
//   node misp.js latest FILE               prints the latest time in a manifest
//   node misp.js deleted FOLDER SECONDS    both events of GREEN are there, all deleted, later than SECONDS
//   node misp.js parts FOLDER              12,000 events of brute-force, each in one of three files
//   node misp.js organisations FILE        the list of organisations as a Cerebrate has it
//   node misp.js www FOLDER PORT           a web server on loopback that knows nothing of us; prints what is asked
// A rule that is not kept is an exception that says which.
'use strict';
const assert = require('assert');
const fs = require('fs');
const http = require('http');
const path = require('path');

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const load = (...names) => JSON.parse(utf8.decode(fs.readFileSync(path.join(...names))));
const text = (s) => typeof s === 'string';
const said = (s) => text(s) && s !== '';
// one member of each, which none may lack
const each = (list, key) => list.map((o) => {
	assert(key in o, key);
	return o[key];
});
function seconds(s) {
	assert.match(s, /^[0-9]+$/);
	return Number(s);
}
function manifest(file) {
	const all = Object.entries(load(file));
	assert(all.length, 'empty');
	for (const [uuid, e] of all) {
		assert.match(uuid, UUID);
		for (const key of ['info', 'date', 'timestamp', 'analysis', 'threat_level_id'])
			assert(text(e[key]), key);
		assert.match(e.date, /^\d{4}-\d\d-\d\d$/);
		assert(said(e.Orgc.uuid) && said(e.Orgc.name), 'whose it is');
		assert(each(e.Tag, 'name').some((name) => name.startsWith('tlp:')), 'no marking');
	}
	assert.equal(new Set(all.map(([, e]) => seconds(e.timestamp))).size, all.length, 'two releases in one second');
}
// pairs that the core format allows, of those there are here
const LEGAL = ['ip-src Network activity', 'ip-dst Network activity', 'port Network activity', 'port Other',
	'domain Network activity', 'hostname Network activity', 'url Network activity', 'AS Network activity',
	'text Network activity', 'text Other', 'text Payload delivery', 'md5 Payload delivery',
	'sha1 Payload delivery', 'sha256 Payload delivery', 'comment Other'];
function attribute(a, uuids) {
	assert(LEGAL.includes(`${a.type} ${a.category}`), JSON.stringify(a));
	assert(said(a.object_relation) && text(a.timestamp) && typeof a.to_ids === 'boolean', JSON.stringify(a));
	assert(text(a.uuid) && !uuids.has(a.uuid), `twice or none: ${a.uuid}`);
	uuids.add(a.uuid);
	assert(typeof a.deleted === 'boolean', 'deleted');
}
function events(folder, file) {
	const uuids = new Set();
	for (const [uuid, head] of Object.entries(load(file))) {
		const e = load(folder, `event.${uuid}`).Event;
		assert(e.uuid === uuid && e.timestamp === head.timestamp, 'not as the manifest says');
		assert(e.published === true && !('id' in e) && !('distribution' in e), 'its members');
		let live = 0;
		for (const o of e.Object) {
			assert(said(o.template_uuid) && said(o.template_version) && text(o.timestamp), JSON.stringify(o));
			for (const a of o.Attribute) {
				attribute(a, uuids);
				live += a.deleted ? 0 : 1;
			}
		}
		assert(live + e.Attribute.length > 0, 'empty for a server that pulls');
	}
}
function latest(file) {
	console.log(Math.max(...Object.values(load(file)).map((e) => seconds(e.timestamp))));
}
function deleted(folder, before) {
	const gone = Object.entries(load(folder, 'manifest.json'))
		.filter(([, e]) => each(e.Tag, 'name').includes('tlp:green'));
	assert.equal(gone.length, 2, 'a uuid left silently');
	for (const [uuid, head] of gone) {
		assert(seconds(head.timestamp) > seconds(before), 'no new time');
		const e = load(folder, `${uuid}.json`).Event;
		assert(e.Object.length > 0 && each(e.Object, 'deleted').every((is) => is === true), 'something is left');
		assert(e.Attribute.length > 0, 'empty for a server that pulls');
	}
}
function parts(folder) {
	const all = Object.entries(load(folder, 'manifest.json')).filter(([, e]) => e.info.includes('brute-force'));
	assert.equal(all.length, 3, 'parts');
	assert.equal(new Set(all.map(([, e]) => seconds(e.timestamp))).size, 3, 'two parts in one second');
	const seen = [];
	for (const [uuid] of all) {
		const objects = load(folder, `${uuid}.json`).Event.Object;
		assert(objects.length > 0 && objects.length <= 5000, `${objects.length} objects`);
		for (const o of objects) {
			const types = each(o.Attribute, 'type');
			seen.push(...each(o.Attribute.filter((a, i) => types[i] === 'ip-src'), 'value'));
		}
	}
	assert.equal(seen.length, 12000, 'addresses');
	assert.equal(new Set(seen).size, 12000, 'addresses that differ');
}
function organisations(file) {
	const rows = load(file);
	assert(each(rows, 'id').every(Number.isInteger), 'ids');
	rows.sort((a, b) => a.id - b.id);
	assert.deepStrictEqual(each(rows, 'name'), ['Team C', 'Team D']);
	const [c, d] = rows;
	assert.equal(d.uuid, '5d3b3b3e-9f1b-4a55-8f0e-0d3f2b8c7a11');
	assert.match(c.uuid, UUID);
	assert.deepStrictEqual([c.nationality, c.type, c.url, c.contacts],
		['Malaysia', 'csirt', 'https://c.example.org', 'abuse@example.org']);
	const fields = each(c.meta_fields, 'field'), values = each(c.meta_fields, 'value');
	for (const [field, value] of [['IPv4', '198.18.0.0/16'], ['IPv6', '2001:db8::/32'], ['AS number', '64500'],
		['domain', 'example.org'], ['time_zone', 'Asia/Kuala_Lumpur']])
		assert(fields.some((f, i) => f === field && values[i] === value), `${field} ${value}`);
}
function www(folder, port) {
	http.createServer((req, res) => {
		const file = path.join(folder, new URL(req.url, 'http://localhost').pathname);
		const found = fs.statSync(file, { throwIfNoEntry: false });
		const there = req.method === 'GET' && found !== undefined && found.isFile();
		const body = there ? fs.readFileSync(file) : Buffer.from('not here\n');
		const head = { 'Content-Type': there && file.endsWith('.json') ? 'application/json' : 'text/plain',
			'Content-Length': body.length, Connection: 'close' };
		if (there)
			head['Last-Modified'] = found.mtime.toUTCString();
		console.log(`${req.method} ${req.url} ${there ? 200 : 404}`);
		res.writeHead(there ? 200 : 404, head);
		res.end(body);
	}).listen(Number(port), '127.0.0.1');
}
const [what, ...rest] = process.argv.slice(2);
({ manifest, events, latest, deleted, parts, organisations, www })[what](...rest);
