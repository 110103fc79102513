#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Letters that are signed and encrypted, through a real relay into a real mailbox, and read there by plain
# gpg and openssl; what must be encrypted and cannot be goes to nobody.
. "$RONDA_SOURCE/tests/lib.sh"
. "$RONDA_SOURCE/tests/servers.sh"
unset LANG LC_ALL LC_MESSAGES
THEIRS=$T/theirs
end_all() {
	[ ! -d "$THEIRS" ] || gpgconf --homedir "$THEIRS" --kill all
	postfix_stop
	dovecot_stop
	finish
}
trap end_all EXIT
servers_can || {
	skip "letters by a real relay" "$servers_lack"
	done_testing
}
r() { ronda "$@" -d "$D"; }
g() { gpg --batch -q --no-tty --homedir "$THEIRS" --trust-model always "$@"; }
later() { date -u -d "+$1" +%Y-%m-%dT%H:%M:%SZ; }
query() { sqlite3 -readonly -cmd '.timeout 5000' "$D/main.db" "$1"; }
wait_ended() { # how many messages
	for _ in $(seq 600); do
		[ "$(query "SELECT count(*) FROM outbox WHERE state IN (4, 5, 7, 8)")" -lt "$1" ] || return 0
		sleep 0.1
	done
	return 1
}
mail_of() { cat "$MAILS/$1"/Maildir/*/* 2>/dev/null | tr -d '\r'; }
# The lines of the first body part with a boundary, as they were signed: CRLF, without the last line end.
signed_part() {
	boundary=$(sed -n 's/.*boundary="\{0,1\}\([^";]*\)"\{0,1\}.*/\1/p' "$1" | head -1)
	awk -v b="--$boundary" '$0 == b { n++; next } n == 1 { if (k++) printf "\r\n"; printf "%s", $0 }' "$1"
}
attached() { # the base64 of the part with this type
	awk -v t="Content-Type: $2" 'index($0, t) == 1 { on = 1 } on && !body && /^$/ { body = 1; next } body && /^--=_/ { exit } body { print }' "$1"
}

# --- keys ---
check "a node is made" ronda init "$D" --name "Team B" --country ID --team small --account "Lead A"
check "our own key is made" r key generate "Team B" cert@example.org
own=$(cat "$T/out")
is ${#own} 40 "its fingerprint is told"
check "it is exported" r key export "$own"
cp "$T/out" "$T/own.asc"
has "$T/own.asc" '^-----BEGIN PGP PUBLIC KEY BLOCK' "as a public key"
mkdir -m 700 "$THEIRS"
for who in ani dedi; do
	g --passphrase '' --quick-gen-key "$who <$who@example.net>" future-default default "$([ $who = ani ] && echo 1y || echo seconds=3)" 2>/dev/null
	g --export --armor $who@example.net >"$T/$who.asc"
	check "the key of $who is taken in" r key import "$T/$who.asc"
done
fpr() { g --list-keys --with-colons "$1" | awk -F: '/^fpr/ { print $10; exit }'; }
ani=$(fpr ani@example.net) dedi=$(fpr dedi@example.net)
g --import "$T/own.asc"
check "the key ring is listed" r key list --csv
has "$T/out" "$own.*Team B <cert@example.org>.*yes" "with ours"
has "$T/out" "$ani.*ani <ani@example.net>.*no" "and another's"
check_fails 65 "nothing is taken out of junk" sh -c 'echo junk | ronda key import - -d "$1"' - "$D"
check_fails 77 "our own key is not deleted by a slip" r key delete "$own"
check "the journal names each" r journal --csv
has "$T/out" "key.generate.*key:$own" "that it was made"
has "$T/out" "key.import.*key:$ani" "that it came in"
# S/MIME: an authority, a certificate of ours with its key, one of eka.
cat >"$T/ca.cnf" <<END
[req]
distinguished_name=d
prompt=no
[d]
CN=Example CA
[ca]
basicConstraints=critical,CA:TRUE
keyUsage=critical,keyCertSign,cRLSign
[cert]
keyUsage=critical,digitalSignature,keyEncipherment
extendedKeyUsage=emailProtection
subjectAltName=email:cert@example.org
[eka]
keyUsage=critical,digitalSignature,keyEncipherment
extendedKeyUsage=emailProtection
subjectAltName=email:eka@example.net
END
(
	cd "$T" || exit 1
	openssl req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.pem -days 90 -config ca.cnf -extensions ca
	for who in cert eka; do
		openssl req -newkey rsa:2048 -nodes -keyout $who.key -out $who.csr -subj /CN=$who -config ca.cnf
		openssl x509 -req -in $who.csr -CA ca.pem -CAkey ca.key -days 80 -CAcreateserial -extfile ca.cnf -extensions $who -out $who.pem
	done
	echo 'a Password of a file' >password
	openssl pkcs12 -export -in cert.pem -inkey cert.key -out cert.p12 -passout file:password
) >"$T/out" 2>"$T/err"
ok $? "certificates are made"
check "the authority is believed in" r key import "$T/ca.pem" --smime
check_fails 65 "our certificate has a password" r key import "$T/cert.p12" --smime
echo another >"$T/wrong"
check_fails 65 "not this one" r key import "$T/cert.p12" --smime --password-file "$T/wrong"
check "our certificate comes with its key" r key import "$T/cert.p12" --smime --password-file "$T/password"
check "and another's without" r key import "$T/eka.pem" --smime
finger() { openssl x509 -in "$1" -noout -fingerprint -sha1 | sed 's/.*=//; s/://g'; }
own_cert=$(finger "$T/cert.pem") eka=$(finger "$T/eka.pem")
r key list --smime --csv >"$T/out"
has "$T/out" "$own_cert.*yes.*valid" "ours is good"
has "$T/out" "$eka.*no.*valid" "so is theirs"

# --- whom, and what ---
cat >"$T/organisations.jsonl" <<END
{"name":"Ani","kind":"constituent","contacts":[{"role":"abuse","email":"ani@example.net","channel":"mail","key":"$(echo "$ani" | sed 's/..../& /g')"}]}
{"name":"Budi","kind":"constituent","contacts":[{"role":"abuse","email":"budi@example.net","channel":"mail"}]}
{"name":"Cici","kind":"constituent","contacts":[{"role":"abuse","email":"cici@example.net","channel":"mail","encrypt":true}]}
{"name":"Dedi","kind":"constituent","contacts":[{"role":"abuse","email":"dedi@example.net","channel":"mail","key":"$dedi"}]}
{"name":"Eka","kind":"constituent","contacts":[{"role":"abuse","email":"eka@example.net","channel":"mail","key":"$eka"}]}
END
check "constituents" r organisation import "$T/organisations.jsonl"
members=$(r organisation list --json | grep -o '"id":"organisation--[^"]*"' | cut -d: -f2 | sort -u | paste -sd, -)
for _ in $(seq 600); do r key list "$dedi" --csv | grep -q expired && break; sleep 0.1; done
check "their keys are looked through" r key check --csv
has "$T/out" 'Cici.*takes encrypted mail only' "one has none, and must"
has "$T/out" "Dedi.*$dedi.*expired" "one has expired"
has_not "$T/out" Ani "a good one is not spoken of"
dovecot_start && postfix_start
ok $? "a relay and a mailbox store run"
cat >>"$D/ronda.conf" <<END
send_messages = yes
send_pace = 0s
mail_from = Team B <cert@example.org>
mail_relays = smtp://127.0.0.1:$SMTP_PORT
mail_sign = $own
mail_rehearsal = cert@example.org
mail_sign_smime = $own_cert
END
check "live" r rehearsal live --all --why "a test of keys"
secret='the SECRET words'
round() { # number, marking
	printf '{"title":"Round %s","kind":"notification","organisations":[%s],"answer_by":"%s","texts":[{"language":"en","subject":"Round %s","text":"%s"}]}' \
		"$1" "$members" "$(later '1 hour')" "$1" "$secret" >"$T/round"
	r round new --body "$T/round" --tlp "$2" >"$T/out" 2>"$T/err" && r round start "$1" >"$T/out" 2>"$T/err"
	ok $? "round $1, marked $2"
}
round 1 GREEN
check "the node serves" serve
wait_ended 5
ok $? "each message has ended"
for who in ani budi dedi eka; do
	for _ in $(seq 600); do [ -z "$(mail_of $who@example.net)" ] || break; sleep 0.1; done
done
mail_of ani@example.net >"$T/ani" && mail_of budi@example.net >"$T/budi" && mail_of eka@example.net >"$T/eka"
mail_of dedi@example.net >"$T/dedi"
[ -s "$T/ani" ] && [ -s "$T/budi" ] && [ -s "$T/dedi" ] && [ -s "$T/eka" ]
ok $? "all but one have theirs"
is "$(mail_of cici@example.net)" "" "who takes no other mail has none"
query "SELECT words FROM outbox WHERE recipient LIKE 'organisation--%'" >"$T/out"
has "$T/out" 'must be encrypted \(the contact takes no other mail\), and cannot be: the contact has no key' "in words"
has "$T/out" 'signed and encrypted' "the ledger knows what was"
has "$T/out" 'not encrypted: key .* is expired' "and what was not, and why"
# Signed.
signed_part "$T/budi" >"$T/entity"
attached "$T/budi" application/pgp-signature >"$T/sig"
g --verify "$T/sig" "$T/entity" 2>"$T/err"
ok $? "a signed letter verifies with plain gpg"
sed 's/SECRET/secret/' "$T/entity" >"$T/changed"
! g --verify "$T/sig" "$T/changed" 2>/dev/null
ok $? "a changed one does not"
# Encrypted.
has_not "$T/ani" SECRET "an encrypted letter shows nothing"
has "$T/ani" '^Subject: \[ronda #[0-9]+\] Encrypted message' "nor does its subject"
attached "$T/ani" application/octet-stream | sed -n '/BEGIN PGP/,$p' >"$T/sealed"
g --status-fd 1 -d -o "$T/plain" "$T/sealed" >"$T/status" 2>"$T/err"
ok $? "its reader opens it"
has "$T/plain" "$secret" "and reads it"
has "$T/plain" '^Subject: .*Round 1' "with its subject"
has "$T/status" GOODSIG "signed by us"
sed 's/^\([A-Za-z0-9+\/]\{20\}\)./\1A/' "$T/sealed" >"$T/broken"
! g -d -o "$T/plain2" "$T/broken" >/dev/null 2>&1
ok $? "a damaged one does not open"
# S/MIME.
has "$T/eka" 'application/pkcs7-mime; *smime-type=enveloped-data' "who has a certificate gets S/MIME"
has_not "$T/eka" SECRET "which shows nothing"
openssl cms -decrypt -in "$T/eka" -recip "$T/eka.pem" -inkey "$T/eka.key" -out "$T/inner" 2>"$T/err" &&
	openssl cms -verify -in "$T/inner" -CAfile "$T/ca.pem" -out "$T/plain" >/dev/null 2>"$T/err"
ok $? "openssl opens and verifies it"
has "$T/plain" "$secret" "and reads it"

# --- what must be encrypted ---
round 2 AMBER+STRICT
wait_ended 10
ok $? "each message has ended"
for _ in $(seq 600); do [ "$(ls "$MAILS"/ani@example.net/Maildir/new | wc -l)" -lt 2 ] || break; sleep 0.1; done
is "$(ls "$MAILS"/ani@example.net/Maildir/new "$MAILS"/ani@example.net/Maildir/cur | grep -c .)" 4 "who has a key has it" 
for who in budi cici dedi; do
	is "$(mail_of $who@example.net | grep -c 'Round 2\|#[6-9]\|#10')" 0 "who has none that may be used has nothing: $who"
done
query "SELECT words FROM outbox WHERE id > 5" >"$T/out"
has "$T/out" 'must be encrypted \(its marking asks for it\), and cannot be: key .* is expired' "in words"
is "$(query "SELECT count(*) FROM outbox WHERE id > 5 AND state = 7")" 3 "they are refused, and a person sees them"

# --- what comes in ---
mail() { # file, from, headers and body on stdin
	{
		printf 'From: <%s>\nTo: <cert@example.org>\nDate: Sun, 22 Nov 2026 10:00:00 +0000\nMessage-ID: <%s@example.net>\nMIME-Version: 1.0\n' "$2" "$(basename "$1")"
		cat
	} >"$1"
}
printf 'Content-Type: text/plain; charset=utf-8\r\n\r\nHALO inside\r\n' >"$T/part"
g --armor -u ani@example.net -b -o "$T/part.sig" "$T/part" 2>/dev/null
g --armor -u ani@example.net -r "$own" -se -o "$T/part.gpg" "$T/part" 2>/dev/null
signed() { # part, signature
	printf 'Subject: signed\nContent-Type: multipart/signed; micalg=pgp-sha256; protocol="application/pgp-signature"; boundary=b\n\n--b\n'
	cat "$1"
	printf '\n--b\nContent-Type: application/pgp-signature\n\n'
	cat "$2"
	printf '\n--b--\n'
}
encrypted() {
	printf 'Subject: ...\nContent-Type: multipart/encrypted; protocol="application/pgp-encrypted"; boundary=b\n\n--b\nContent-Type: application/pgp-encrypted\n\nVersion: 1\n\n--b\nContent-Type: application/octet-stream\n\n'
	cat "$1"
	printf '\n--b--\n'
}
signed "$T/part" "$T/part.sig" | mail "$T/good" ani@example.net
signed "$T/part" "$T/part.sig" | mail "$T/other" budi@example.net
sed 's/HALO/halo/' "$T/part" >"$T/part2"
signed "$T/part2" "$T/part.sig" | mail "$T/bad" ani@example.net
encrypted "$T/part.gpg" | mail "$T/secret" ani@example.net
g --armor -u ani@example.net -r ani@example.net -e -o "$T/notours.gpg" "$T/part" 2>/dev/null
encrypted "$T/notours.gpg" | mail "$T/notours" ani@example.net
printf 'Subject: smime\n' | cat - "$T/part" | tr -d '\r' >/dev/null
openssl cms -sign -in "$T/part" -signer "$T/eka.pem" -inkey "$T/eka.key" -binary -nodetach 2>/dev/null | openssl cms -encrypt -binary -aes256 "$T/cert.pem" 2>/dev/null | grep -v '^MIME-Version' >"$T/cms"
mail "$T/smime" eka@example.net <"$T/cms"
took() { # file, signature, encrypted, name
	r mail in "$T/$1" --json >"$T/out" 2>"$T/err"
	id=$(grep -o 'mail--[0-9a-f-]*' "$T/out" | head -1)
	r mail show "$id" --json >"$T/out" 2>"$T/err"
	grep -q "\"signature\":\"$2\"" "$T/out" && grep -q "\"encrypted\":$3" "$T/out"
	ok $? "$4"
}
took good good false "a good signature of the sender"
took other unknown false "a good signature of somebody else"
has "$T/out" 'does not name the sender' "in words"
took bad bad false "a changed mail"
took secret good true "a mail encrypted to us and signed"
has "$T/out" 'HALO inside' "is read"
took notours none true "one that is not for us"
has "$T/out" 'cannot be opened' "stays shut, in words"
took smime good true "S/MIME, signed inside, encrypted outside"
has "$T/out" 'HALO inside' "is read"

# --- in rehearsal ---
check "back to rehearsal" r rehearsal back --all --why "a test of keys"
round 3 AMBER+STRICT
for _ in $(seq 600); do
	[ -z "$(mail_of cert@example.org)" ] || break
	sleep 0.1
done
mail_of cert@example.org >"$T/own"
[ -s "$T/own" ]
ok $? "in rehearsal it comes to ourselves"
has_not "$T/own" SECRET "encrypted too"

# --- the process ---
agents() { for p in /proc/[0-9]*; do tr '\0' '\n' <"$p/environ" | grep -qx "GNUPGHOME=$D/gnupg" && basename "$p"; done 2>/dev/null; }
[ -n "$(agents)" ]
ok $? "the agent runs beside the node"
stop_node
for _ in $(seq 600); do [ -n "$(agents)" ] || break; sleep 0.1; done
is "$(agents)" "" "and ends with it"
is "$(stat -c %a "$D/gnupg")" 700 "the key ring is ours alone"
done_testing
