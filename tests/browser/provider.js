// SPDX-License-Identifier: Apache-2.0
// An OpenID provider on loopback with the package oidc-provider.
//
//   node provider.js PORT CERT KEY REDIRECT_URI userinfo|token|mail
//
// Signs with keys made at each start, so a restart is a rotation. The last word
// says where the claims of a person stand. Prints its issuer when it listens; of
// 'mail', where a mail relay asks it what tokens are good for, a refresh token before.
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

// One that sends mail under its own name, and one that asks what its tokens are good for.
const machine = (id, grants) => ({
	client_id: id, client_secret: `secret-of-${id}`, grant_types: grants, redirect_uris: [], response_types: [],
	token_endpoint_auth_method: 'client_secret_basic',
});
const mail = where !== 'mail' ? {} : {
	features: { clientCredentials: { enabled: true }, introspection: { enabled: true, allowedPolicy: () => true } },
	scopes: ['openid', 'offline_access'], rotateRefreshToken: true,
	ttl: { ClientCredentials: 70, AccessToken: 70, RefreshToken: 3600, Grant: 3600 },
};

async function refreshToken(provider, clientId) {
	const grant = new provider.Grant({ accountId: clientId, clientId });
	grant.addOIDCScope('openid offline_access');
	const client = await provider.Client.find(clientId);
	return new provider.RefreshToken({ accountId: clientId, client, grantId: await grant.save(),
		scope: 'openid offline_access', gty: 'authorization_code' }).save();
}

async function main() {
	const { default: Provider } = await import('oidc-provider');
	const issuer = `https://localhost:${port}`;
	const provider = new Provider(issuer, {
		clients: [
			...ALGS.map((alg) => client(`ronda ${alg}`, alg, 'client_secret_basic')),
			client('public', 'ES256', 'none'),
			...(where === 'mail' ? [machine('cert@example.org', ['client_credentials', 'refresh_token']),
				machine('relay', ['client_credentials'])] : []),
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
		...mail,
	});
	if (where === 'mail') console.log(await refreshToken(provider, 'cert@example.org'));
	https.createServer({ cert: readFileSync(cert), key: readFileSync(key) }, provider.callback())
		.listen(Number(port), '127.0.0.1', () => console.log(issuer));
}
main();
