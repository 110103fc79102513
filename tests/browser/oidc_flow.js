// SPDX-License-Identifier: Apache-2.0
// Goes the way of a browser through a sign-in: follows redirects, keeps cookies
// by origin, fills in the provider's forms.
//
//   node oidc_flow.js APP STEP
//
// Prints what APP answered at the end, as JSON with its status. NODE_EXTRA_CA_CERTS
// names the provider's certificate. Steps: good, cancel, state, replay, code, crossed.
// START: where APP begins a sign-in, when not at /oidc. THEN: what is asked of APP afterwards,
// by the same browser.
'use strict';
const begin = process.env.START || '/oidc';
const afterwards = process.env.THEN;
const [app, step] = process.argv.slice(2);

class Browser {
	cookies = new Map();

	async get(url, options = {}) {
		const { origin } = new URL(url);
		const jar = this.cookies.get(origin) || new Map();
		this.cookies.set(origin, jar);
		const headers = { ...options.headers, cookie: [...jar].map(([k, v]) => `${k}=${v}`).join('; ') };
		const answer = await fetch(url, { ...options, headers, redirect: 'manual' });
		for (const line of answer.headers.getSetCookie()) {
			const [pair] = line.split(';');
			const at = pair.indexOf('=');
			if (/expires=Thu, 01 Jan 1970/i.test(line)) jar.delete(pair.slice(0, at));
			else jar.set(pair.slice(0, at), pair.slice(at + 1));
		}
		return answer;
	}

	// From `url` to the address the provider sends us back to, which is not opened.
	async toTheEnd(url, login, cancel) {
		let answer = await this.get(url);
		for (let i = 0; i < 20; i++) {
			const next = answer.headers.get('location');
			if (next) {
				const to = new URL(next, url);
				if (to.origin === new URL(app).origin) return to.href;
				url = to.href;
				answer = await this.get(url);
				continue;
			}
			const page = await answer.text();
			const form = /<form[^>]*action="([^"]+)"/.exec(page);
			if (!form) throw new Error(`no form at ${url}: ${answer.status} ${page.slice(0, 400)}`);
			const abort = /href="([^"]*abort)"/.exec(page);
			if (cancel) {
				url = new URL(abort[1], url).href;
				answer = await this.get(url);
				continue;
			}
			const prompt = /name="prompt" value="([^"]+)"/.exec(page)[1];
			url = new URL(form[1], url).href;
			answer = await this.get(url, {
				method: 'POST',
				headers: { 'content-type': 'application/x-www-form-urlencoded' },
				body: new URLSearchParams(prompt === 'login'
					? { prompt, login, password: 'x' } : { prompt }).toString(),
			});
		}
		throw new Error('too many steps');
	}
}

async function main() {
	const browser = new Browser();
	const start = await browser.get(`${app}${begin}`);
	if (start.status !== 303) return [start.status, await start.json()];
	let back = await browser.toTheEnd(start.headers.get('location'), 'siti', step === 'cancel');
	if (step === 'state') back = back.replace(/state=[^&]*/, `state=${'A'.repeat(43)}`);
	if (step === 'code') back = back.replace(/code=[^&]*/, 'code=made-up');
	if (step === 'crossed') {
		// another sign-in of the same browser, with this one's code
		const again = await browser.get(`${app}${begin}`);
		const other = new URL(again.headers.get('location')).searchParams.get('state');
		back = back.replace(/state=[^&]*/, `state=${other}`);
	}
	let answer = await browser.get(back, { headers: { accept: 'application/json' } });
	if (step === 'replay') {
		await answer.text();
		answer = await browser.get(back, { headers: { accept: 'application/json' } });
	}
	if (afterwards && answer.status === 200) {
		await answer.text();
		answer = await browser.get(app + afterwards);
	}
	return [answer.status, await answer.json()];
}

main().then(([status, body]) => console.log(JSON.stringify({ status, ...body })), (e) => {
	console.error(e);
	process.exit(1);
});
