// SPDX-License-Identifier: Apache-2.0
// One's own account in Chromium with a virtual authenticator: in with a password, a passkey added,
// out, and in again with nothing but the passkey.
//
//   node account.js NODE NAME PASSWORD
//
// Prints "ok NAME" or "not ok NAME" for each thing seen.
'use strict';
const { chromium } = require('playwright-core');
const [node, name, password] = process.argv.slice(2);

let page;

function see(ok, what, more) {
	console.log(`${ok ? 'ok' : 'not ok'} ${what}`);
	if (!ok) console.log(`# ${JSON.stringify(more)}`);
}

const submit = (button) => Promise.all([page.waitForNavigation(), page.click(button)]);
const text = () => page.evaluate(() => document.body.innerText);

async function signOut() {
	await submit('form[action="/logout"] button');
	see(page.url().endsWith('/login'), 'signed out', page.url());
}

async function run() {
	await page.goto(`${node}/login`);
	see(await page.isVisible('form[action="/login/passkey"] button'), 'the page offers a passkey');
	await page.fill('#name', name);
	await page.fill('#password', password);
	await submit('form[action="/login"]:has(#name) button');
	see(page.url().endsWith('/account'), 'a role that asks for a second factor leads to the account', page.url());
	await page.fill('#label', 'a laptop');
	await submit('form[action="/account/passkey"] button');
	see(/a laptop/.test(await text()), 'a passkey is added', await text());
	await page.goto(`${node}/events`);
	see(/You are/.test(await text()), 'which opens the rest', page.url());
	await signOut();

	await submit('form[action="/login/passkey"] button');
	see(page.url() === `${node}/`, 'the passkey alone signs in', page.url());
	await page.goto(`${node}/account`);
	see(/last used/.test(await text()), 'and was noted', await text());
	await signOut();

	// name and password: then the passkey is asked for as the second factor
	await page.fill('#name', name);
	await page.fill('#password', password);
	await submit('form[action="/login"]:has(#name) button');
	see(/Second factor/.test(await text()), 'after the password a second factor is asked', await text());
	await submit('form[action="/login/passkey"] button');
	see(page.url() === `${node}/`, 'the passkey is one', page.url());
	await page.goto(`${node}/account`);
	await page.fill('form[action="/account/passkey-remove"] input[name=password]', password);
	await submit('form[action="/account/passkey-remove"] button');
	see(/enrol one-time codes first/.test(await text()), 'the last second factor stays', await text());
}

async function main() {
	const browser = await chromium.launch({
		executablePath: process.env.CHROMIUM || '/usr/bin/chromium',
		args: ['--no-sandbox', '--disable-gpu', '--no-proxy-server', '--disable-dev-shm-usage'],
	});
	try {
		page = await (await browser.newContext()).newPage();
		page.setDefaultTimeout(20000);
		page.on('pageerror', (e) => { see(false, 'the page runs without an error', e.message); });
		const devtools = await page.context().newCDPSession(page);
		await devtools.send('WebAuthn.enable', { enableUI: false });
		await devtools.send('WebAuthn.addVirtualAuthenticator', { options: { protocol: 'ctap2', transport: 'internal',
			hasResidentKey: true, hasUserVerification: true, isUserVerified: true,
			automaticPresenceSimulation: true } });
		await run();
		console.log('done');
	} finally {
		await browser.close();
	}
}
main().catch((e) => {
	console.log(`not ok ${e.message.split('\n')[0]}`);
	console.error(e);
	process.exit(1);
});
