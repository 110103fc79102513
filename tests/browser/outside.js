// SPDX-License-Identifier: Apache-2.0
// Pages for people who are not of the team, in Chromium at the width of the smallest telephone: the page behind the
// link in a message, and the portal. First without any script, as they must work; then each page with axe-core looking.
//
//   node outside.js NODE ANSWER-LINK SIGN-IN-LINK [FOLDER]
//
// With FOLDER a picture of each page is left there. Prints "ok NAME" or "not ok NAME" for each thing seen.
'use strict';
const fs = require('fs');
const { chromium } = require('playwright-core');
const [node, answer, signIn, folder] = process.argv.slice(2);
const SMALL = 320;
const axe = fs.readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');

function see(ok, name, more) {
	console.log(`${ok ? 'ok' : 'not ok'} ${name}`);
	if (!ok) for (const line of (more || []).slice(0, 40)) console.log(`# ${line}`);
}

async function plain(page) { // no script runs: what is asked is what stands in the page
	const html = await page.content();
	see(!/<script/.test(html), `${new URL(page.url()).pathname.replace(/[a-z0-9]{20,}/, '*')} has no script`);
}

// What people do, without scripts.
async function use(browser) {
	const context = await browser.newContext({ viewport: { width: SMALL, height: 640 }, javaScriptEnabled: false });
	const page = await context.newPage();
	const places = [];
	page.setDefaultTimeout(20000);
	await page.goto(answer);
	await plain(page);
	await page.getByLabel('It is fixed').check();
	await page.getByLabel('Words').fill('closed at the border');
	await page.getByLabel('Your name').fill('Night desk');
	await page.getByRole('button', { name: 'Send the answer' }).click();
	see(await page.getByText('Your answer is with us').isVisible(), 'an answer is given without a script');
	see(await page.getByText('closed at the border').first().isVisible(), 'and stands there');
	await page.getByRole('link', { name: 'Bahasa Indonesia' }).click();
	see((await page.locator('html').getAttribute('lang')) === 'id', 'the page speaks another language');
	await page.goto(answer);
	await page.getByLabel('We have a question').check();
	await page.getByRole('button', { name: 'Send the answer' }).click();
	see(await page.getByRole('alert').getByText('A question needs words').isVisible(), 'what is wrong is said');
	await page.goto(`${node}/a/aaaaaaaaaaaaaaaaaaaab`);
	see(await page.getByText('This link opens nothing').first().isVisible(), 'a wrong link says so');
	places.push(answer, `${answer}?done=1`, `${node}/a/aaaaaaaaaaaaaaaaaaaab`, `${node}/portal/sign-in`, `${node}/login`, `${node}/portal/none`);

	await page.goto(signIn);
	places.push(signIn);
	await plain(page);
	await page.getByRole('button', { name: 'Sign in' }).click();
	see(new URL(page.url()).pathname === '/account', 'an invitation leads to where a password is set');
	await page.goto(`${node}/portal`);
	await plain(page);
	await page.getByRole('link', { name: 'Messages', exact: true }).click();
	await page.locator('main table a').first().click();
	await page.getByRole('button', { name: 'Read it' }).click();
	see(await page.getByText('Are you still there?').first().isVisible(), 'a message is opened');
	const message = page.url();
	await page.getByLabel('Received; we see to it').check();
	await page.getByRole('button', { name: 'Send the answer' }).click();
	see(await page.getByText('Your answer is with us').isVisible(), 'and answered');
	await page.getByRole('link', { name: 'Findings', exact: true }).click();
	await page.locator('main table a').first().click();
	await plain(page);
	const finding = page.url();
	see(await page.getByText('said to be fixed').first().isVisible(), 'a finding says what they claim');
	await page.getByRole('link', { name: 'Organisation', exact: true }).click();
	await page.getByLabel('Words').fill('our desk has moved');
	await page.getByRole('button', { name: 'Propose the change' }).click();
	see(await page.getByText('One of our team will see to it').isVisible(), 'a change is proposed');
	places.push(`${node}/portal`, `${node}/portal/findings`, finding, `${node}/portal/messages`, message,
		`${node}/portal/organisation`, `${node}/account`, `${node}/incident`,
		`${node}/warning`);
	const state = await context.storageState();
	await context.close();
	return { places, state };
}

async function faults(page) {
	return page.evaluate(() => {
		const found = [];
		const wide = document.documentElement.scrollWidth - document.documentElement.clientWidth;
		if (wide > 0) {
			const sticks = [...document.querySelectorAll('main *, header *')].filter((e) =>
				e.getBoundingClientRect().right > document.documentElement.clientWidth + 1).pop();
			found.push(`scrolls sideways by ${wide} pixels: ${sticks ? sticks.outerHTML.slice(0, 160) : ''}`);
		}
		if (document.querySelectorAll('h1').length !== 1) found.push('not one first heading');
		if (/\{\{|\[object |undefined|\(null\)/.test(document.body.innerText)) found.push('a word of the machine');
		return found;
	});
}

// The same pages in each language, looked at by axe-core, which is put there by this test alone.
async function look(browser, { places, state }) {
	const context = await browser.newContext({ viewport: { width: SMALL, height: 640 }, bypassCSP: true, storageState: state });
	const page = await context.newPage();
	const wrong = [], broken = [], tongues = [];
	let n = 0;
	page.setDefaultTimeout(20000);
	const all = places.flatMap((at) => ['en', 'id'].map((lang) => [`${at}${at.includes('?') ? '&' : '?'}lang=${lang}`, lang]));
	for (const [at, lang] of all) {
		await page.goto(at);
		const spoken = await page.evaluate(() => [document.documentElement.lang, document.querySelectorAll('.languages a').length,
			document.body.innerText]);
		if (spoken[0] !== lang || spoken[1] !== 2) tongues.push(`${at}: lang ${spoken[0]}, ${spoken[1]} links`);
		const english = /\b(the|your|and|sign out|overview|findings|messages|state|changed|history)\b/i.exec(
			lang === 'id' ? await page.evaluate(() => { // what people wrote is theirs
				for (const e of document.querySelectorAll('[lang=en], .letter, .long, h1, time, code, main td a, main dd .value')) e.remove();
				return document.body.innerText;
			}) : '');
		if (english) tongues.push(`${at}: '${english[0]}' in ${english.input.slice(Math.max(0, english.index - 40), english.index + 40)}`);
		if (lang === 'id') await page.goto(at);
		for (const words of await faults(page)) broken.push(`${at}: ${words}`);
		await page.evaluate(axe);
		const result = await page.evaluate(() => window.axe.run(document));
		for (const v of result.violations)
			wrong.push(`${at}: ${v.id}: ${v.help}: ${v.nodes.slice(0, 2).map((x) => x.html.slice(0, 120)).join(' | ')}`);
		if (!folder) continue;
		const picture = `${folder}/${String(++n).padStart(2, '0')}${new URL(at).pathname.replace(/[^a-z0-9]+/gi, '_').slice(0, 40)}-${lang}`;
		await page.screenshot({ path: `${picture}-${SMALL}.png`, fullPage: true });
		await page.setViewportSize({ width: 1280, height: 800 });
		await page.screenshot({ path: `${picture}-1280.png`, fullPage: true });
		await page.setViewportSize({ width: SMALL, height: 640 });
	}
	console.log(`# ${all.length} pages`);
	see(tongues.length === 0, 'each page is in English and in Indonesian, says which, and leads to the other', tongues);
	see(broken.length === 0, `every page fits ${SMALL} pixels`, broken);
	see(wrong.length === 0, 'axe-core finds nothing', wrong);
	await context.close();
}

async function main() {
	const browser = await chromium.launch({
		executablePath: process.env.CHROMIUM || '/usr/bin/chromium',
		args: ['--no-sandbox', '--disable-gpu', '--no-proxy-server', '--disable-dev-shm-usage',
			'--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1'],
	});
	try {
		await look(browser, await use(browser));
		console.log('done');
	} catch (e) {
		console.log(`not ok ${e.message.split('\n')[0]}`);
		for (const line of String(e.stack).split('\n').slice(1, 6)) console.log(`# ${line}`);
		process.exitCode = 1;
	} finally {
		await browser.close();
	}
}
main();
