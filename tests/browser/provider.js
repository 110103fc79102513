// SPDX-License-Identifier: Apache-2.0
// An OpenID provider on loopback with the package oidc-provider.
//
//   node provider.js PORT CERT KEY REDIRECT_URI userinfo|token
//
// Signs with keys made at each start, so a restart is a rotation. The last word
// says where the claims of a person stand. Prints its issuer when it listens.
'use strict';
const { generateKeyPairSync, randomUUID } = require('node:crypto');
const { readFileSync } = require('node:fs');
const https = require('node:https');

const [port, cert, key, redirect, where] = process.argv.slice(2);
const ALGS = ['RS256', 'PS256', 'ES256', 'EdDSA'];

function jwk(type, options) {
	const pair = generateKeyPairSync(type, options);
	return { ...pair.privateKey.export({ format: 'jwk' }), kid: randomUUID(), use: 'sig' };
}

const person = (id) => ({
	sub: id, name: `Duty of ${id}`, preferred_username: id, email: `${id}@example.org`,
	email_verified: true, groups: ['duty', 'lead & more'],
});

function client(id, alg, method) {
	return {
		client_id: id, redirect_uris: [redirect], grant_types: ['authorization_code'],
		response_types: ['code'], id_token_signed_response_alg: alg,
		token_endpoint_auth_method: method,
		...(method === 'none' ? {} : { client_secret: `secret of ${id}: +&=%` }),
	};
}

async function main() {
	const { default: Provider } = await import('oidc-provider');
	const issuer = `https://localhost:${port}`;
	const provider = new Provider(issuer, {
		clients: [
			...ALGS.map((alg) => client(`ronda ${alg}`, alg, 'client_secret_basic')),
			client('public', 'ES256', 'none'),
		],
		jwks: {
			keys: [jwk('rsa', { modulusLength: 2048 }), jwk('ec', { namedCurve: 'P-256' }),
				jwk('ed25519')],
		},
		enabledJWA: { idTokenSigningAlgValues: ALGS },
		claims: { openid: ['sub'], profile: ['name', 'preferred_username', 'groups'],
			email: ['email', 'email_verified'] },
		conformIdTokenClaims: where === 'userinfo',
		pkce: { methods: ['S256'], required: () => true },
		cookies: { keys: [randomUUID()] },
		findAccount: (ctx, id) => ({ accountId: id, claims: () => person(id) }),
	});
	https.createServer({ cert: readFileSync(cert), key: readFileSync(key) }, provider.callback())
		.listen(Number(port), '127.0.0.1', () => console.log(issuer));
}
main();
