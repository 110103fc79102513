// SPDX-License-Identifier: Apache-2.0
// Registers a passkey and signs in with it in Chromium, whose DevTools hold a
// virtual authenticator: the page's script, the browser and our checks, as they
// are.
//
//   node passkey.js APP
//
// Prints "ok NAME" or "not ok NAME" for each thing seen.
'use strict';
const { chromium } = require('playwright-core');
const app = process.argv[2];

let page;
let devtools;
let authenticator;

function see(ok, name, more) {
	console.log(`${ok ? 'ok' : 'not ok'} ${name}`);
	if (!ok) console.log(`# ${JSON.stringify(more)}`);
}

async function plug(options) {
	if (authenticator) await devtools.send('WebAuthn.removeVirtualAuthenticator', { authenticatorId: authenticator });
	authenticator = (await devtools.send('WebAuthn.addVirtualAuthenticator', {
		options: { protocol: 'ctap2', transport: 'internal', hasResidentKey: true,
			hasUserVerification: true, isUserVerified: true, automaticPresenceSimulation: true,
			...options },
	})).authenticatorId;
}

// Presses the button of a form; gives what our side answered, and the form's data.
async function press(form) {
	let sent;
	page.once('request', (r) => { sent = r.postData(); });
	await Promise.all([page.waitForNavigation(), page.click(`#${form} button`)]);
	return { ...JSON.parse(await page.evaluate(() => document.body.innerText)), sent };
}

async function fresh() {
	await page.goto(`${app}/passkey`);
}

// The words a form shows when the browser gave no answer.
async function refused(form) {
	await page.click(`#${form} button`);
	// a selector: a function would be compiled anew at each look, which the page's policy forbids
	await page.waitForSelector(`#${form} output:not(:empty)`, { state: 'attached' });
	return page.textContent(`#${form} output`);
}

async function run() {
	await fresh();
	see(await page.isVisible('#create button'), 'the forms show where there is the script');
	let r = await press('create');
	see(r.error === undefined && [-7, -8, -257].includes(r.alg), 'a passkey is registered', r);
	await fresh();
	r = await press('get');
	see(r.error === undefined && r.count > 0, 'it signs in', r);
	const first = r.count;
	await fresh();
	r = await press('get');
	see(r.error === undefined && r.count > first, 'and again, with a counter that goes forward', r);
	await fresh();
	r = await press('find');
	see(r.error === undefined && r.user === 'handle', 'and without a name: the answer names the account', r);
	const { sent } = r;
	// past the page, whose policy lets nothing but the form through
	const post = async (data) => {
		const a = await page.request.post(`${app}/passkey/get`, { data,
			headers: { 'content-type': 'application/x-www-form-urlencoded' } });
		return { status: a.status(), ...(await a.json()) };
	};
	r = await post(sent);
	see(r.status === 403 && r.error === 'denied', 'the same answer again is refused', r);
	await fresh();
	r = await post(sent);
	see(r.status === 403 && /another challenge/.test(r.words), 'and to another challenge', r);

	await fresh();
	const { credentials } = await devtools.send('WebAuthn.getCredentials', { authenticatorId: authenticator });
	const copy = { ...credentials[0], signCount: 1 };
	await devtools.send('WebAuthn.removeCredential', { authenticatorId: authenticator, credentialId: copy.credentialId });
	await devtools.send('WebAuthn.addCredential', { authenticatorId: authenticator, credential: copy });
	r = await press('get');
	see(/counter does not go forward/.test(r.words), 'a copy of the device with an old counter is refused', r);

	await devtools.send('WebAuthn.setUserVerified', { authenticatorId: authenticator, isUserVerified: false });
	await fresh();
	let words = await refused('get');
	see(words.length > 0, 'a device that does not know its holder gives no answer', words);

	await plug({});
	await fresh();
	words = await refused('get');
	see(words.length > 0, 'nor does a device that was never registered', words);
	await fresh();
	r = await press('create');
	see(r.error === undefined, 'another device is registered', r);
	await page.goto(`${app.replace('localhost', '127.0.0.1')}/passkey`);
	words = await refused('get');
	see(words.length > 0, 'a page at another address gets none', words);

	// a security key, as bought: no place for names, its own counter
	await plug({ transport: 'usb', hasResidentKey: false });
	await fresh();
	r = await press('create');
	see(r.error === undefined, 'a security key is registered', r);
	await fresh();
	r = await press('get');
	see(r.error === undefined, 'and signs in', r);
}

async function main() {
	const browser = await chromium.launch({
		executablePath: process.env.CHROMIUM || '/usr/bin/chromium',
		// no name but ours is looked up: a page may ask for a font from far away
		args: ['--no-sandbox', '--disable-gpu', '--no-proxy-server', '--disable-dev-shm-usage',
			'--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1'],
	});
	try {
		page = await (await browser.newContext()).newPage();
		page.setDefaultTimeout(20000);
		page.on('console', (m) => console.log(`# browser: ${m.text()}`));
		page.on('pageerror', (e) => { see(false, 'the page runs without an error', e.message); });
		devtools = await page.context().newCDPSession(page);
		await devtools.send('WebAuthn.enable', { enableUI: false });
		await plug({});
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
