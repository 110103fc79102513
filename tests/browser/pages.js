// SPDX-License-Identifier: Apache-2.0
// Every page that is reached from the watch board, in Chromium at the width of a small telephone:
// each answers, none scrolls sideways, each field has a label, each table says what it is. Then the correspondence on a
// case at 320 pixels, with axe-core looking.
//
//   node pages.js NODE LINK [FOLDER]
//
// LINK signs in, once. Of pages that differ only in an id (/events/…) two are looked at. With FOLDER a picture of
// each at 360 and at 1280 pixels is left there. Prints "ok NAME" or "not ok NAME" for each thing seen.
'use strict';
const fs = require('fs');
const { chromium } = require('playwright-core');
const axe = fs.readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');
const [node, link, folder] = process.argv.slice(2);
const SMALL = 360, SMALLEST = 320, WIDE = 1280, OF_A_KIND = 2, PAGES_MOST = 190;

function see(ok, name, more) {
	console.log(`${ok ? 'ok' : 'not ok'} ${name}`);
	if (!ok) for (const line of more.slice(0, 40)) console.log(`# ${line}`);
}

// "/incident/…/history?before=": what an address and its neighbours have in common
function kind(address) {
	const u = new URL(address);
	const path = u.pathname.replace(/[0-9a-f]{32}|[a-z]+--[-0-9a-f]{36}|(?<=\/)[0-9]+(?=\/|$)/g, '*');
	return `${path}?${[...new Set(u.searchParams.keys())].sort().join('&')}`;
}

async function links(page) {
	return page.$$eval('a[href]', (all) => all.map((a) => a.href.replace(/#.*$/, '')));
}

// what a page does wrong, in words
async function faults(page) {
	return page.evaluate(() => {
		const found = [];
		const wide = document.documentElement.scrollWidth - document.documentElement.clientWidth;
		if (wide > 0) {
			const sticks = [...document.querySelectorAll('main *, header *')].filter((e) =>
				e.getBoundingClientRect().right > document.documentElement.clientWidth + 1).pop();
			found.push(`scrolls sideways by ${wide} pixels: ${sticks ? sticks.outerHTML.slice(0, 160) : ''}`);
		}
		for (const f of document.querySelectorAll('input:not([type=hidden]), select, textarea'))
			if (f.labels.length === 0 && !f.getAttribute('aria-label') && !f.getAttribute('aria-labelledby'))
				found.push(`a field has no label: ${f.outerHTML.slice(0, 160)}`);
		for (const b of document.querySelectorAll('button, a[href]'))
			if (!b.textContent.trim() && !b.getAttribute('aria-label'))
				found.push(`no words on ${b.outerHTML.slice(0, 160)}`);
		for (const form of document.querySelectorAll('form[method=post]'))
			if (!form.querySelector('[name=csrf]')) found.push(`a form without its token: ${form.action}`);
		for (const t of document.querySelectorAll('table'))
			if (!t.querySelector('th, caption')) found.push(`a table without headings: ${t.innerText.slice(0, 60)}`);
		const heads = document.querySelectorAll('h1').length;
		if (heads !== 1) found.push(`${heads} first headings`);
		// help beside a field may speak of {{templates}}
		const shown = document.body.cloneNode(true);
		shown.querySelectorAll('.hint').forEach(e => e.remove());
		if (/\{\{|\[object |undefined|\(null\)/.test(shown.innerText)) found.push('a word of the machine');
		return found;
	});
}

// The correspondence on a case at 320 pixels: as it is opened, a letter that is looked at before it goes, one with
// nobody to go to, with axe-core looking, which is put there by this test alone.
async function correspondence(browser, state, places) {
	const context = await browser.newContext({ viewport: { width: SMALLEST, height: 640 }, bypassCSP: true, storageState: state });
	const page = await context.newPage();
	const wrong = [];
	let n = 0;
	page.setDefaultTimeout(20000);
	const look = async (what) => {
		n++;
		for (const words of await faults(page)) wrong.push(`${what}: ${words}`);
		await page.evaluate(axe);
		for (const v of (await page.evaluate(() => window.axe.run(document))).violations)
			wrong.push(`${what}: ${v.id}: ${v.help}: ${v.nodes.slice(0, 2).map((x) => x.html.slice(0, 120)).join(' | ')}`);
		if (folder) await page.screenshot({ path: `${folder}/correspondence-${n}-${SMALLEST}.png`, fullPage: true });
	};
	for (const at of places) {
		const say = async (to) => {
			await page.goto(at);
			await page.fill('main form [name=to]', to);
			await page.fill('main form [name=subject]', 'A question');
			await page.fill('main form [name=text]', 'Since when do you see it?\n'.repeat(20));
			await page.click('main form button[value=letter]');
		};
		await page.goto(at);
		await look(at);
		await say(`a-very-long-address-of-somebody-nobody-knows-${'x'.repeat(19)}@example.org`);
		await look('a letter looked at');
		await say('nobody');
		await look('a letter to nobody');
	}
	see(n >= 3 && wrong.length === 0, `the correspondence page fits ${SMALLEST} pixels, and axe-core finds nothing`,
		n >= 3 ? wrong : ['it was not reached']);
	await context.close();
}

async function run(page) {
	const wrong = { answer: [], look: [] }, seen = new Set([`${node}/logout`]), kinds = new Map();
	let looked = 0;
	await page.goto(link);
	await page.click('main form button');
	const waiting = [{ at: `${node}/`, from: 'the start' }];
	while (waiting.length > 0 && looked < PAGES_MOST) {
		const { at, from } = waiting.shift();
		const k = kind(at), times = kinds.get(k) || 0;
		if (seen.has(at) || times >= OF_A_KIND) continue;
		seen.add(at);
		kinds.set(k, times + 1);
		// what a browser would keep as a file is asked for, not looked at
		const first = await page.context().request.get(at);
		if (first.status() !== 200) wrong.answer.push(`${first.status()} ${at} (a link on ${from})`);
		if (!/^text\/html/.test(first.headers()['content-type'] || '')) continue;
		await page.goto(at);
		looked++;
		for (const words of await faults(page)) wrong.look.push(`${at}: ${words}`);
		if (folder) {
			const name = `${String(looked).padStart(3, '0')}${new URL(at).pathname.replace(/[^a-z0-9]+/gi, '_')}`.slice(0, 60);
			await page.screenshot({ path: `${folder}/${name}-${SMALL}.png`, fullPage: true });
			await page.setViewportSize({ width: WIDE, height: 800 });
			await page.screenshot({ path: `${folder}/${name}-${WIDE}.png`, fullPage: true });
			await page.setViewportSize({ width: SMALL, height: 740 });
			console.log(`# ${name} ${at}`);
		}
		for (const to of await links(page))
			if (to.startsWith(`${node}/`) && !seen.has(to)) waiting.push({ at: to, from: at });
	}
	console.log(`# ${looked} pages`);
	see(looked >= 60, 'many pages are reached from the watch board', [`only ${looked}`]);
	for (const must of ['/triage', '/duty', '/privacy', '/records', '/organisation/duplicates', '/duty/ladder',
		'/duty/call', '/explain', '/break-glass', '/destroy', '/tour', '/round/stale', '/rehearsal', '/rule/due',
		'/answers', '/figures', '/takedown/board', '/partners', '/objects', '/tour/partners', '/tour/teams'])
		see([...seen].some((a) => new URL(a).pathname === must), `${must} is reached`, [must]);
	see(wrong.answer.length === 0, 'every link answers', wrong.answer);
	see(wrong.look.length === 0, `every page fits ${SMALL} pixels and says what its parts are`, wrong.look);
	return [...seen].filter((a) => /^\/incident\/[^/]+\/letters$/.test(new URL(a).pathname)).slice(0, OF_A_KIND);
}

async function main() {
	const browser = await chromium.launch({
		executablePath: process.env.CHROMIUM || '/usr/bin/chromium',
		args: ['--no-sandbox', '--disable-gpu', '--no-proxy-server', '--disable-dev-shm-usage',
			'--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1'],
	});
	let page;
	try {
		page = await (await browser.newContext({ viewport: { width: SMALL, height: 740 } })).newPage();
		page.setDefaultTimeout(20000);
		const letters = await run(page);
		await correspondence(browser, await page.context().storageState(), letters);
		console.log('done');
	} catch (e) {
		console.log(`not ok ${e.message.split('\n')[0]}`);
		console.log(`# at ${page && page.url()}`);
		process.exitCode = 1;
	} finally {
		await browser.close();
	}
}
main();
