// SPDX-License-Identifier: Apache-2.0
// A duty officer's first day, in Chromium, on the node's own pages: in through
// the identity provider, a passkey of one's own, out, and in again with it.
//
//   node signing_in.js NODE
//
// Prints "ok NAME" or "not ok NAME" for each thing seen.
'use strict';
const { chromium } = require('playwright-core');
const node = process.argv[2];

function see(ok, name, more) {
	console.log(`${ok ? 'ok' : 'not ok'} ${name}`);
	if (!ok) console.log(`# ${JSON.stringify(more)}`);
}

async function run(page) {
	const text = () => page.innerText('body');
	await page.goto(`${node}/login`);
	await page.click('a[href="/login/provider"]');
	await page.waitForSelector('input[name=login]');
	see(!page.url().startsWith(node), 'the provider asks, at its own address', page.url());
	await page.fill('input[name=login]', 'siti');
	await page.fill('input[name=password]', 'x');
	await page.click('button[type=submit]');
	await page.waitForSelector('text=/authorize|continue/i');
	await page.click('button[type=submit]');
	await page.waitForURL(`${node}/login/oidc**`);
	see(/You are signed in/.test(await text()), 'back at the node, signed in', await text());
	await page.click('main a[href="/"]');
	see(await page.isVisible('form.out button'), 'the cookie goes along from then on', page.url());

	await page.goto(`${node}/account`);
	see(/siti/.test(await text()) && /duty/.test(await text()), 'an account of that name, with the role of its group',
		await text());
	await page.fill('#label', 'the key in the drawer');
	await page.click('form[data-passkey=create] button');
	await page.waitForSelector('text=the key in the drawer');
	see(true, 'a passkey is added');

	await page.click('form.out button');
	await page.goto(`${node}/account`);
	see(!/the key in the drawer/.test(await text()), 'signed out', page.url());
	await page.goto(`${node}/login`);
	await page.click('form[data-passkey=get] button');
	await page.waitForSelector('form.out');
	await page.goto(`${node}/account`);
	see(/siti/.test(await text()) && /last used/.test(await text()), 'in again with the passkey', await text());
}

async function main() {
	const browser = await chromium.launch({
		executablePath: process.env.CHROMIUM || '/usr/bin/chromium',
		// no name but ours is looked up: a page may ask for a font from far away
		args: ['--no-sandbox', '--disable-gpu', '--no-proxy-server', '--disable-dev-shm-usage',
			'--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1'],
	});
	let page;
	try {
		page = await (await browser.newContext({ ignoreHTTPSErrors: true })).newPage();
		page.setDefaultTimeout(20000);
		page.on('console', (m) => console.log(`# browser: ${m.text()}`));
		page.on('pageerror', (e) => { see(false, 'the page runs without an error', e.message); });
		const devtools = await page.context().newCDPSession(page);
		await devtools.send('WebAuthn.enable', { enableUI: false });
		await devtools.send('WebAuthn.addVirtualAuthenticator', {
			options: { protocol: 'ctap2', transport: 'internal', hasResidentKey: true,
				hasUserVerification: true, isUserVerified: true, automaticPresenceSimulation: true },
		});
		await run(page);
		console.log('done');
	} catch (e) {
		console.log(`not ok ${e.message.split('\n')[0]}`);
		console.log(`# at ${page && page.url()}: ${page && (await page.innerText('body')).slice(0, 600)
			.replace(/\s+/g, ' ')}`);
		process.exitCode = 1;
	} finally {
		await browser.close();
	}
}
main();
