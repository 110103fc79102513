// SPDX-License-Identifier: Apache-2.0
// The tour with partners in Chromium: each button pressed, what it says after it read; the pages of partners at the width
// of a small telephone and of a desk, with axe-core looking. JavaScript of the pages is off: the steps work without.
//
//   node tour.js NODE LINK [FOLDER]
//
// LINK signs in with Team A, once. With FOLDER a picture of each page is left there. Prints "ok NAME" or "not ok NAME".
'use strict';
const { chromium } = require('playwright-core');
const [node, link, folder] = process.argv.slice(2);
const { WIDTHS, see, looking } = require('./look.js');
const look = looking(folder);

async function press(page, step, until) {
	await page.click(`form[action="/tour/partners/${step}"] button`);
	for (let i = 0; i < 40 && !until.test(await page.innerText('main')); i++) {
		await new Promise((done) => { setTimeout(done, 500); });
		await page.reload();
	}
	const text = await page.innerText('main');
	see(until.test(text), `${step}: the page says what came of it`, text.split('\n').filter((l) => l.trim()));
}

async function walk(browser) {
	const plain = await browser.newContext({ viewport: { width: WIDTHS[0], height: 740 }, javaScriptEnabled: false });
	const page = await plain.newPage();
	page.setDefaultTimeout(60000);
	await page.goto(link);
	await page.click('main form button');
	await page.goto(`${node}/tour`);
	await page.click('main a[href="/tour/partners"]');
	await press(page, 'report', /Team C took it in [0-9.]+ s after us\. There it is the finding/);
	await press(page, 'keep', /Team B is not told: no agreement .* goes up to its marking\.[^]*refused\s+Team B/);
	await press(page, 'send', /is sent: 2 receipts, 1 missing: Team D/);
	await press(page, 'withdraw', /is withdrawn: 2 receipts, 1 missing: Team D/);
	await press(page, 'cut', /Team C is cut off now\. [0-9]+ things wait here for it[^]*Team C has not said so yet/);
	const inspected = await browser.newContext({ bypassCSP: true, storageState: await plain.storageState() });
	await look(inspected, page.url(), 'the tour while a team is cut off');
	await look(inspected, `${node}/tour/teams`, 'the teams side by side while one is cut off');
	await look(inspected, `${node}/partners`, 'the partners while one is cut off');
	await press(page, 'mend', /Nothing waits for it\.[^]*Team C said so after/);
	await press(page, 'report', /Team C took it in [0-9.]+ s after us\. There it is the finding/);
	await look(inspected, page.url(), 'the tour after its steps');
	await look(inspected, `${node}/tour/teams`, 'the teams side by side');
	await look(inspected, `${node}/tour`, 'the first three minutes');
	await page.goto(`${node}/`);
	await page.click('nav a[href="/partners"]');
	await look(inspected, page.url(), 'the partners');
	await page.click('main h2 a');
	await look(inspected, page.url(), 'one partner');
	await look(inspected, `${node}/objects`, 'the objects of others');
	// a case that others take part in: what is said of it, its page, and each team's part
	await page.goto(`${node}/incident`);
	await page.click('main tbody a');
	await page.click('main a[href$="/teams"]');
	await page.selectOption('select[name=what]', 'question');
	await page.fill('main form:has(button[value=say]) textarea', 'Since when do you see it?');
	await page.click('button[value=say]');
	await look(inspected, page.url(), 'each team with its part');
	await page.goto(`${node}/contribution`);
	await page.click('main tbody a');
	await look(inspected, page.url(), 'a contribution');
	await page.goto(`${node}/tour/teams`);
	await page.click('form[action="/tour/teams/3"] button');
	await page.click('main .note a');
	await page.click('main form button');
	see(/^http:\/\/127\.0\.0\.3:/.test(page.url()) && /Team C/.test(await page.innerText('header')), 'Team C is a click away',
		[page.url()]);
	const there = await browser.newContext({ bypassCSP: true, storageState: await plain.storageState() });
	await look(there, new URL('/objects', page.url()).href, 'the objects of others at Team C');
	await look(there, new URL('/warning', page.url()).href, 'the warnings at Team C');
	await page.goto(`${node}/partners`);
	see(page.url() === `${node}/partners`, 'and Team A stays signed in', [page.url()]);
}

async function main() {
	const browser = await chromium.launch({
		executablePath: process.env.CHROMIUM || '/usr/bin/chromium',
		args: ['--no-sandbox', '--disable-gpu', '--no-proxy-server', '--disable-dev-shm-usage',
			'--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.*'],
	});
	try {
		await walk(browser);
		console.log('done');
	} catch (e) {
		console.log(`not ok ${e.message.split('\n')[0]}`);
		process.exitCode = 1;
	} finally {
		await browser.close();
	}
}
main();
