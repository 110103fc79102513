// SPDX-License-Identifier: Apache-2.0
// The pages for everybody, in Chromium without JavaScript at 320 pixels: somebody tells us something, sees how far
// it has come, changes the language, reads the warnings, asks for them by mail; and the figures at 360.
//
//   node public.js NODE TOKEN [FOLDER]
//
// TOKEN reads the figures. With FOLDER a picture of each page at its width and at 1280 is left there. Prints
// "ok NAME" or "not ok NAME" for each thing seen.
'use strict';
const fs = require('fs');
const { chromium } = require('playwright-core');
const axe = fs.readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');
const [node, token, folder] = process.argv.slice(2);
let pictures = 0;

function see(ok, name, more = []) {
	console.log(`${ok ? 'ok' : 'not ok'} ${name}`);
	if (!ok) for (const line of more.slice(0, 20)) console.log(`# ${line}`);
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
			if (f.labels.length === 0 && !f.getAttribute('aria-label')) found.push(`no label: ${f.outerHTML.slice(0, 120)}`);
		for (const b of document.querySelectorAll('button, main a[href]')) {
			const box = b.getBoundingClientRect();
			if (!b.textContent.trim()) found.push(`no words on ${b.outerHTML.slice(0, 120)}`);
			if (b.tagName === 'BUTTON' && box.height < 24) found.push(`too low to be touched: ${b.outerHTML.slice(0, 120)}`);
		}
		if (document.querySelector('script, iframe, img')) found.push('a script, frame or picture');
		if (document.querySelectorAll('h1').length !== 1) found.push('not one first heading');
		if (!document.documentElement.lang) found.push('no language');
		if (/\{\{|\[object |undefined|\(null\)/.test(document.body.innerText)) found.push('a word of the machine');
		return found;
	});
}

async function look(page, name, width) {
	const found = await faults(page);
	see(found.length === 0, `${name}: fits, labelled, no script`, found);
	if (!folder) return;
	const path = `${folder}/${String(++pictures).padStart(2, '0')}-${name.replace(/[^a-z0-9]+/gi, '_')}`;
	await page.screenshot({ path: `${path}-${width}.png`, fullPage: true });
	await page.setViewportSize({ width: 1280, height: 800 });
	await page.screenshot({ path: `${path}-1280.png`, fullPage: true });
	await page.setViewportSize({ width, height: 640 });
}

// The same pages in each language, looked at by axe-core, which is put there by this test alone.
async function examine(browser, places) {
	const context = await browser.newContext({ viewport: { width: 320, height: 640 }, bypassCSP: true });
	const page = await context.newPage();
	const wrong = [];
	for (const place of places)
		for (const lang of ['en', 'id']) {
			await page.goto(`${node}${place}${place.includes('?') ? '&' : '?'}lang=${lang}`);
			const spoken = await page.evaluate(() => document.documentElement.lang);
			if (spoken !== lang) wrong.push(`${place}: lang ${spoken}, not ${lang}`);
			for (const words of await faults(page)) wrong.push(`${place}: ${words}`);
			await page.evaluate(axe);
			for (const v of (await page.evaluate(() => window.axe.run(document))).violations)
				wrong.push(`${place} ${lang}: ${v.id}: ${v.help}: ${v.nodes.slice(0, 2).map((x) => x.html.slice(0, 120)).join(' | ')}`);
			if (!folder) continue;
			const path = `${folder}/${String(++pictures).padStart(2, '0')}-${place.replace(/[^a-z0-9]+/gi, '_').slice(0, 30)}-${lang}`;
			await page.screenshot({ path: `${path}-320.png`, fullPage: true });
			await page.setViewportSize({ width: 1280, height: 800 });
			await page.screenshot({ path: `${path}-1280.png`, fullPage: true });
			await page.setViewportSize({ width: 320, height: 640 });
		}
	see(wrong.length === 0, `axe-core finds nothing on ${places.length} pages in two languages`, wrong);
	await context.close();
}

// As faults() asks the page, which needs no JavaScript of its own.
async function open(browser, width, headers) {
	const context = await browser.newContext({ viewport: { width, height: 640 }, javaScriptEnabled: false, locale: 'en-GB',
		extraHTTPHeaders: headers });
	return context.newPage();
}

async function tell(page) {
	await page.goto(`${node}/report`);
	await look(page, 'the form', 320);
	await page.fill('[name=what]', '<script>document.title = "canary"</script>\nSomebody asked me for my password.');
	await page.fill('[name=where]', 'http://192.0.2.7/' + 'long'.repeat(60));
	await page.check('[name=consent]');
	await page.click('form[method=post] button');
	const number = new URL(page.url()).pathname.split('/').pop();
	see(/^([0-9A-Z]{4}-){4}[0-9A-Z]{4}$/.test(number), 'it can be sent, and gives a number', [page.url()]);
	await look(page, 'the receipt', 320);
	see((await page.innerText('main')).includes('Received.'), 'which says that it waits');
	await page.click('.languages a[lang=id]');
	see((await page.innerText('main')).includes('Diterima'), 'in Indonesian too', [await page.innerText('main')]);
	see((await page.context().cookies()).length === 0, 'no cookie was set');
	await page.goto(`${node}/report`);
	await page.fill('[name=number]', number.toLowerCase());
	await page.click('form[method=get] button');
	see((await page.innerText('main')).includes('Received.'), 'the number can be typed in');
	await page.goto(`${node}/report/status?number=nothing`);
	await look(page, 'no such number', 320);
	return number;
}

async function read(page) {
	await page.goto(`${node}/warnings`);
	await look(page, 'the warnings', 320);
	await page.click('main article a');
	await look(page, 'one of them', 320);
	await page.goto(`${node}/warnings/subscribe`);
	await look(page, 'the list', 320);
	await page.fill('[name=mail]', 'reader@example.org');
	await page.click('form[method=post] button');
	see((await page.innerText('main')).includes('on its way'), 'one can ask for them by mail');
}

async function main() {
	const browser = await chromium.launch({ executablePath: process.env.CHROMIUM || '/usr/bin/chromium', args: ['--no-sandbox'] });
	try {
		const page = await open(browser, 320, {});
		const number = await tell(page);
		await read(page);
		await examine(browser, ['/report', `/report/${number}`, `/report/${number}?new=1`, '/report/status?number=nothing',
			'/warnings', '/warnings/1', '/warnings/99', '/warnings/subscribe', '/warnings/list/aaaaaaaaaaaaaaaaaaaaa']);
		const staff = await open(browser, 360, { Authorization: `Bearer ${token}`, Accept: 'text/html' });
		for (const by of ['class', 'month']) {
			await staff.goto(`${node}/figures?by=${by}`);
			see((await staff.innerText('main')).includes('Told, and never answered'), `figures by ${by}`);
			await look(staff, `figures by ${by}`, 360);
		}
	} finally {
		await browser.close();
	}
	console.log('done');
}
main().catch((e) => {
	console.log(`not ok the browser: ${String(e).split('\n')[0]}`);
	process.exit(1);
});
