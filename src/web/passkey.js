/* SPDX-License-Identifier: Apache-2.0
 * Forms that ask the browser for a passkey:
 *   <form hidden method="post" data-passkey="create|get" data-options="JSON" data-failed="words">
 *     <input type="hidden" name="passkey"> <button> ... <output role="alert"></output> </form>
 * Bytes are base64url in the options and in the JSON that is posted. */
'use strict';
(() => {
	const bytes = (t) => Uint8Array.from(atob(t.replace(/-/g, '+').replace(/_/g, '/')),
		(c) => c.charCodeAt(0));
	const text = (b) => b && btoa(Array.from(new Uint8Array(b), (n) => String.fromCharCode(n)).join(''))
		.replace(/\+/g, '-').replace(/\//g, '_').replace(/=+$/, '');
	const list = (l) => (l || []).map((c) => Object.assign({}, c, { id: bytes(c.id) }));

	async function ask(form) {
		const publicKey = JSON.parse(form.dataset.options);
		publicKey.challenge = bytes(publicKey.challenge);
		if (publicKey.user) publicKey.user.id = bytes(publicKey.user.id);
		if (publicKey.excludeCredentials)
			publicKey.excludeCredentials = list(publicKey.excludeCredentials);
		if (publicKey.allowCredentials)
			publicKey.allowCredentials = list(publicKey.allowCredentials);
		const made = await navigator.credentials[form.dataset.passkey]({ publicKey });
		const response = {};
		for (const part of ['clientDataJSON', 'attestationObject', 'authenticatorData', 'signature',
			'userHandle'])
			if (made.response[part]) response[part] = text(made.response[part]);
		return { id: made.id, type: made.type, response };
	}

	for (const form of document.querySelectorAll('form[data-passkey]')) {
		if (!window.PublicKeyCredential) continue;
		form.hidden = false;
		form.addEventListener('submit', async (event) => {
			event.preventDefault();
			try {
				form.elements.passkey.value = JSON.stringify(await ask(form));
				form.submit();
			} catch (e) {
				form.querySelector('output').textContent = form.dataset.failed || e.message;
			}
		});
	}
})();
