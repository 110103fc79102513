// SPDX-License-Identifier: Apache-2.0
// A TAXII 2.1 server for tests: node taxii_server.js FOLDER PORT
// It does as FOLDER/mode says (one word, read at each request), and notes what it was asked in FOLDER/asked and what was
// POSTed in FOLDER/posted. FOLDER/objects.json is what it has: a list of { added, object }; collections "feed" and "drop".
// Ours, so it proves how we bear a server, not that we understand the standard as others do.
'use strict'
const fs = require('fs'), http = require('http'), path = require('path')
const [folder, port] = process.argv.slice(2)
const type = 'application/taxii+json;version=2.1'
const file = name => path.join(folder, name)
const read = (name, other) => { try { return fs.readFileSync(file(name), 'utf8').trim() } catch { return other } }
const ids = { feed: '5b1f3a3e-8d11-4a55-8f0e-0d3f2b8c7a10', drop: '5b1f3a3e-8d11-4a55-8f0e-0d3f2b8c7a11' }
const statuses = new Map()
let turns = 0

function objects(q, mode) {
	const all = JSON.parse(read('objects.json', '[]')), limit = Math.min(+q.get('limit') || 100, +read('cap', 100))
	const after = q.get('added_after') || '', from = +(q.get('next') || '').replace(/^at-(\d+)$/, '$1') || 0
	const list = all.filter(o => o.added > after), page = list.slice(from, from + (mode === 'large' ? list.length : limit))
	const more = from + page.length < list.length
	const head = page.length ? { 'X-TAXII-Date-Added-First': page[0].added, 'X-TAXII-Date-Added-Last': page[page.length - 1].added } : {}
	const body = page.length ? { objects: page.map(o => o.object) } : {}
	if (more) body.more = true
	if (more && mode !== 'no-next' && mode !== 'one-moment') body.next = `at-${from + page.length}`
	return { head, body }
}

// Each mode is one way to be wrong; what is not named here is right.
const wrong = {
	'no-dates': a => { a.head = {} },
	'same-next': a => { if (a.body.objects) { a.body.more = true; a.body.next = 'at-1' } },
	'same-page': a => { a.body.more = true; a.body.next = `at-0${++turns}`.replace('at-0', 'at-') + 'x' },
	'empty-for-ever': a => { a.head = {}; a.body = { more: true, next: `at-${1000 + ++turns}` } },
	'no-place': a => { a.head = {}; a.body.more = true; delete a.body.next },
	'text': a => { a.type = 'text/html'; a.body = '<html>sign in' },
	'taxii20': a => { a.type = 'application/vnd.oasis.taxii+json; version=2.0' },
	'broken': a => { a.body = '{"objects":[{"type":"indicator",' },
	'nests': a => { a.body = '['.repeat(200000) },
	'not-a-list': a => { a.body = { objects: { a: 1 } } },
	'huge': a => { a.body = ' '.repeat(70 << 20) },
	'429': a => { a.status = 429; a.head = { 'Retry-After': '7200' }; a.body = { title: 'slow down' } },
	'503': a => { a.status = 503; a.head = { 'Retry-After': new Date(Date.now() + 3600e3).toUTCString() }; a.body = { title: 'busy' } },
	'500': a => { a.status = 500; a.type = 'text/plain'; a.body = 'Internal Server Error' },
	'418': a => { a.status = 418; a.body = { title: 'a tea pot' } },
	'away': a => { a.status = 302; a.head = { Location: `http://127.0.0.1:${+port + 1}/elsewhere/` }; a.body = '' },
	'here': (a, url) => { if (!url.searchParams.has('moved')) { a.status = 307; a.head = { Location: url.pathname + url.search + (url.search ? '&' : '?') + 'moved=1' }; a.body = '' } },
}

function answer(req, body) {
	const url = new URL(req.url, `http://127.0.0.1:${port}`), q = url.searchParams, mode = read('mode', 'good')
	const a = { status: 200, head: {}, type, body: {} }, key = read('key', '')
	const part = url.pathname.split('/').filter(Boolean)
	if (key && req.headers.authorization !== key)
		return { ...a, status: 401, head: { 'WWW-Authenticate': 'Basic realm="test"' }, body: { title: 'who are you?' } }
	if (url.pathname === '/taxii2/')
		a.body = mode === 'other-root' ? { title: 't', default: 'http://198.51.100.7/api/' } :
			{ title: 't', default: '/api/', api_roots: ['/api/', '/gone/', 'https://198.51.100.7/x/'] }
	else if (url.pathname === '/api/')
		a.body = { title: 'root', versions: [type], max_content_length: +read('max', 1 << 20) }
	else if (url.pathname === '/api/collections/')
		a.body = { collections: [{ id: ids.feed, title: 'Feed', alias: 'feed', can_read: true, can_write: false },
			{ id: ids.drop, title: 'Drop', alias: 'drop', can_read: mode === 'two', can_write: true }] }
	else if (part[0] === 'api' && part[1] === 'collections' && part[3] === 'objects' && req.method === 'GET')
		Object.assign(a, objects(q, mode))
	else if (part[0] === 'api' && part[1] === 'collections' && part[2] === ids.drop && req.method === 'POST')
		return post(JSON.parse(body), body.length, a, mode)
	else if (part[0] === 'api' && part[1] === 'status' && statuses.has(part[2])) {
		const s = statuses.get(part[2])
		a.body = --s.turns > 0 ? { id: part[2], status: 'pending', total_count: s.n, success_count: 0, failure_count: 0, pending_count: s.n } : s.done
		return a
	} else
		return { ...a, status: 404, body: { title: 'nothing here' } }
	const paged = part[3] === 'objects'
	if (wrong[mode] && (paged || mode === 'away' || mode === 'here'))
		wrong[mode](a, url)
	return a
}

function post(envelope, bytes, a, mode) {
	const list = envelope.objects, id = `s-${statuses.size + 1}`
	if (bytes > +read('max', 1 << 20)) return { ...a, status: 413, body: { title: 'too much' } }
	if (mode === 'refuse-all') return { ...a, status: 422, body: { title: 'not these' } }
	if (mode === 'refuse-some' && list.some(o => o.type === 'indicator')) return { ...a, status: 422, body: { title: 'no indicators' } }
	if (mode === '503') return { ...a, status: 503, head: { 'Retry-After': '1' }, body: { title: 'busy' } }
	const bad = mode === 'fail-some' ? list.filter(o => o.type === 'observed-data') : []
	const of = o => ({ id: o.id, version: o.modified || o.created || '2026-01-01T00:00:00Z' })
	fs.appendFileSync(file('posted'), list.map(o => JSON.stringify(o) + '\n').join(''))
	fs.appendFileSync(file('envelopes'), `${bytes}\n`)
	const done = { id, status: 'complete', total_count: list.length, success_count: list.length - bad.length,
		failure_count: bad.length, pending_count: 0 }
	if (bad.length) done.failures = bad.map(o => ({ ...of(o), message: 'we keep no such things' }))
	statuses.set(id, { n: list.length, turns: mode === 'slow' ? 3 : 0, done })
	a.status = 202
	a.body = mode === 'slow' ? { id, status: 'pending', total_count: list.length, success_count: 0, failure_count: 0, pending_count: list.length } : done
	return a
}

http.createServer((req, res) => {
	let body = ''
	req.on('data', d => { body += d }).on('end', () => {
		fs.appendFileSync(file('asked'), `${req.method} ${req.url} ${req.headers.accept || ''}\n`)
		const a = answer(req, body), text = typeof a.body === 'string' ? a.body : JSON.stringify(a.body)
		if (read('mode') === 'skew') a.head.Date = new Date(Date.now() + 86400e3).toUTCString()
		res.writeHead(a.status, { 'Content-Type': a.type, ...a.head })
		res.end(text)
	})
}).listen(+port, '127.0.0.1')
