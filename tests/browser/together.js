// SPDX-License-Identifier: Apache-2.0
// The page of one item and several teams in Chromium, in English and Indonesian, at the width of a small telephone and of a
// desk, at the team the item comes from and at one that has a copy; JavaScript of the pages is off.
//
//   node together.js LINK_A ITEM_A LINK_B ITEM_B [FOLDER]
//
// Each link signs in, once; ITEM: "/incident/1". With FOLDER a picture of each page is left there.
'use strict';
const { chromium } = require('playwright-core');
const { see, looking } = require('./look.js');
const [linkA, itemA, linkB, itemB, folder] = process.argv.slice(2);
const look = looking(folder);

// Words of the other language that stand in what the page itself says: none are looked for in what people wrote.
async function strangers(page, words) {
	return page.evaluate((list) => {
		const copy = document.querySelector('main div[lang]').cloneNode(true);
		for (const e of copy.querySelectorAll('article > p:not(.sub), a, option, [role=alert], td:nth-child(4)')) e.remove();
		return list.filter((w) => new RegExp(`\\b${w}\\b`, 'i').test(copy.textContent + [...copy.querySelectorAll('[data-label]')].map((e) => e.dataset.label)));
	}, words);
}

async function sign_in(browser, link, locale) {
	const context = await browser.newContext({ locale, javaScriptEnabled: false, viewport: { width: 360, height: 740 } });
	const page = await context.newPage();
	await page.goto(link);
	await page.fill('input[name=new]', 'kelapa muda di tepi jalan');
	await page.click('main form button');
	return { context, page };
}

async function walk(browser) {
	for (const [link, item, where] of [[linkA, itemA, 'its origin'], [linkB, itemB, 'a team with a copy']]) {
		const { context, page } = await sign_in(browser, link, 'en');
		const at = new URL(`${item}/teams`, link).href;
		for (const [locale, own, other] of [
			['en', ['Team', 'Has it since', 'Receipt', 'Last word', 'What they say', 'Say something', 'Comment'], ['tim', 'sejak', 'terima', 'kita', 'sampaikan', 'menjawab', 'alasan', 'tawarkan']],
			['id', ['Tim', 'Ada padanya sejak', 'Tanda terima', 'Pernyataan terakhir', 'Yang disampaikan tim-tim', 'Sampaikan sesuatu', 'Komentar'], ['since', 'receipt', 'we', 'said', 'say', 'reason', 'offer', 'answer', 'waits']],
		]) {
			const spoken = await browser.newContext({ locale, bypassCSP: true, storageState: await context.storageState() });
			const seen = await spoken.newPage();
			await seen.goto(at);
			const text = await seen.innerText('main');
			const missing = own.filter((w) => !text.includes(w)), wrong = await strangers(seen, other);
			see(missing.length + wrong.length === 0, `at ${where} the page speaks ${locale}`, [`missing: ${missing}`, `of the other: ${wrong}`, text]);
			await look(spoken, at, `the teams, ${locale}, at ${where}`);
			await spoken.close();
		}
		await page.goto(at);
		await page.selectOption('select[name=what]', 'question');
		await page.fill('main form:has(button[value=say]) textarea', `Asked at ${where}`);
		await page.click('button[value=say]');
		see((await page.innerText('main')).includes(`Asked at ${where}`), `and a question is asked there`, []);
		await context.close();
	}
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
