#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Line ends, NUL, directions of writing, encoded words and 100 KiB in every field that comes near a header of a mail or of an answer by
# HTTP, by every way such a field is filled: what a relay gets, and what a browser, has the headers we meant and no others.
. "$RONDA_SOURCE/tests/lib.sh"
. "$RONDA_SOURCE/tests/servers.sh"
unset LANG LC_ALL LC_MESSAGES
end_all() {
	sink_stop
	finish
}
trap end_all EXIT
command -v smtp-sink >/dev/null || {
	skip "headers of mails" "smtp-sink (of Postfix) is not installed"
	done_testing
}
r() { ronda "$@" -d "$D"; }
query() { sqlite3 -readonly -cmd '.timeout 5000' "$D/main.db" "$1"; }
chmod 711 "$T"
mkdir -m 777 "$T/dump"
mkdir -p "$T/box/new" "$T/box/cur" "$T/box/tmp"
sink_start -d "$T/dump/m."
ok $? "a relay that keeps what it gets"
r init --name "Team B" --country ID --team small --account "Lead A" >"$T/out" 2>"$T/err"
ok $? "a node is made"
cat >>"$D/ronda.conf" <<END
send_messages = yes
send_pace = 0s
mail_from = Team B <cert@example.org>
mail_relays = smtp://127.0.0.1:$SINK_PORT
mail_reply_to = cert+{token}@example.org
mail_in = $T/box
mail_in_every = 1s
mail_receipt = yes
portal = yes
public_pages = yes
public_url = https://ronda.example.org
END
check "live" r rehearsal live --all --why "a test of headers"
lead=$(r token make lead --right operate --ceiling RED --account "Lead A" 2>/dev/null | head -1)
check "the node serves" serve
curl -s -o /dev/null "$URL/warnings/subscribe" --data-urlencode mail=reader@example.net
query "SELECT details FROM outbox WHERE template = 'list.confirm'" | sed -nE 's,.*(/warnings/list/[a-z0-9]+).*,\1,p' >"$T/link"
curl -s -o /dev/null -d '' "$URL$(cat "$T/link")"

# --- the values: as JSON has them, then as bytes ---
long=$(head -c 102400 /dev/zero | tr '\0' a)
cat >"$T/values" <<'END'
x\r\nX-Injected: yes\r\nBcc: victim@example.com
x\r\n\r\nX-Injected: yes
x\nX-Injected: yes
x\rX-Injected: yes
x\u0000X-Injected: yes\u0000
x\u202egnp.exe\u2066X-Injected: yes\u200f\u061c
x\u2028X-Injected: yes\u0085X-Injected: yes\u000bX\u001b[31m
=?utf-8?q?x=0d=0aX-Injected:_yes?= =?utf-8?b?eA0KWC1JbmplY3RlZDogeWVz?=
x\" <victim@example.com>, \"y\" <other@example.com>;\\
END
printf '%s X-Injected: yes\n' "$long" >>"$T/values"
post() { # path, JSON: kept?
	printf '%s' "$2" >"$T/body"
	curl -s --max-time 20 -H "Authorization: Bearer $lead" -H 'Content-Type: application/json' --data-binary "@$T/body" "$URL/$1" >"$T/made"
	grep -q '"version":\|"message":' "$T/made"
}
id_of() { grep -oE "$1--[0-9a-f-]{36}" "$T/made" | head -1; }
n=0
kept=0
refused=0
try() { # path, JSON
	if post "$1" "$2"; then kept=$((kept + 1)); else refused=$((refused + 1)); fi
}
soon=$(date -u -d '+1 hour' +%Y-%m-%dT%H:%M:%SZ)
while IFS= read -r v; do
	n=$((n + 1))
	# an organisation, its contact, each address
	try organisation "{\"fields\":{\"name\":\"$v\",\"kind\":\"vendor\"}}"
	try organisation "{\"fields\":{\"name\":\"Address $n\",\"kind\":\"vendor\",\"contacts\":[{\"role\":\"abuse\",\"channel\":\"mail\",\"email\":\"a$n@example.net$v\"}]}}"
	post organisation "{\"fields\":{\"name\":\"$v $n\",\"kind\":\"vendor\",\"contacts\":[{\"role\":\"abuse\",\"channel\":\"mail\",\"name\":\"$v\",\"email\":\"o$n@example.net\"}]}}" ||
		post organisation "{\"fields\":{\"name\":\"Plain $n\",\"kind\":\"vendor\",\"contacts\":[{\"role\":\"abuse\",\"channel\":\"mail\",\"name\":\"$v\",\"email\":\"o$n@example.net\"}]}}" ||
		post organisation "{\"fields\":{\"name\":\"Plain $n\",\"kind\":\"vendor\",\"contacts\":[{\"role\":\"abuse\",\"channel\":\"mail\",\"email\":\"o$n@example.net\"}]}}"
	org=$(id_of organisation)
	[ -n "$org" ] || { echo "# none for value $n"; head -c 300 "$T/made"; }
	# a case by its title, letters by their subjects, to whom, and what they answer
	post incident "{\"fields\":{\"title\":\"$v\",\"class\":\"other\",\"severity\":\"low\"}}" ||
		post incident '{"fields":{"title":"Plain","class":"other","severity":"low"}}'
	incident=$(id_of incident)
	try "incident/$incident/letters" "{\"do\":\"send\",\"to\":\"$org\",\"subject\":\"$v\",\"text\":\"$v\"}"
	try "incident/$incident/letters" "{\"do\":\"send\",\"to\":\"b$n@example.net$v\",\"subject\":\"x\",\"text\":\"x\",\"tlp\":\"CLEAR\"}"
	try "incident/$incident/letters" "{\"do\":\"send\",\"to\":\"$org\",\"subject\":\"x\",\"text\":\"x\",\"answers\":\"$v\"}"
	# a round, a warning for all, a takedown
	if post round "{\"fields\":{\"title\":\"$v\",\"kind\":\"contact\",\"organisations\":[\"$org\"],\"answer_by\":\"$soon\",\"texts\":[{\"language\":\"en\",\"subject\":\"$v\",\"text\":\"$v\"}]}}" ||
		post round "{\"fields\":{\"title\":\"Plain\",\"kind\":\"contact\",\"organisations\":[\"$org\"],\"answer_by\":\"$soon\",\"texts\":[{\"language\":\"en\",\"subject\":\"$v\",\"text\":\"x\"}]}}"; then
		r round start "$(id_of round)" >"$T/out" 2>"$T/err" || sed 's/^/# /' "$T/err"
		kept=$((kept + 1))
	else
		refused=$((refused + 1))
	fi
	try warning "{\"fields\":{\"title\":\"$v\",\"urgency\":\"act\",\"summary\":\"$v\",\"advice\":\"x\",\"review_by\":\"2030-01-01\"},\"labels\":{\"tlp\":\"CLEAR\"},\"why\":\"x\"}"
	warning=$(id_of warning)
	[ -z "$warning" ] || { r warning move "$warning" approved && r warning move "$warning" sent; } >"$T/out" 2>"$T/err" || sed 's/^/# /' "$T/err"
	try template "{\"fields\":{\"title\":\"$v\",\"class\":\"open-dns\",\"language\":\"en\",\"subject\":\"$v\",\"words\":\"x $v\"}}"
	# in the way of a browser
	printf '%b' "$(printf '%s' "$v" | sed 's/\\u\(....\)/\\x\1/g; s/\\x00\(..\)/\\x\1/g')" >"$T/raw"
	curl -s -o /dev/null -D - "$URL/warnings/subscribe" --data-urlencode "mail=c$n@example.net$(tr -d '\0' <"$T/raw" | head -c 90000)" >>"$T/heads"
	q=$(head -c 2000 "$T/raw" | od -An -v -tx1 | tr -d ' \n' | sed 's/../%&/g')
	for at in "warnings/subscribe?lang=$q" "login?next=$q&lang=$q" "report/$q" "a/$q" "portal/sign-in/$q" "warnings/$q" "incident/$q" \
		"incident.csv?text=$q" "incident.csv?sort=$q" "$q" "organisation/$org/file/$q?field=$q" "figures.csv?by=$q" "incident/$incident/history/$q"; do
		curl -s -o /dev/null -D - -H "Authorization: Bearer $lead" "$URL/$at" >>"$T/heads"
		curl -s -o /dev/null -D - --data-urlencode "name@$T/raw" --data-urlencode "next@$T/raw" "$URL/$at" >>"$T/heads"
	done
	# a file by such a name
	{
		printf -- '--b\r\nContent-Disposition: form-data; name="file"; filename="'
		head -c 4000 "$T/raw"
		printf '"\r\nContent-Type: text/plain\r\n\r\nx\r\n--b--\r\n'
	} >"$T/form"
	curl -s -o /dev/null -D - -H "Authorization: Bearer $lead" -H 'Content-Type: multipart/form-data; boundary=b' --data-binary "@$T/form" "$URL/organisation/$org" >>"$T/heads"
	curl -s -o "$T/out" -D - -H "Authorization: Bearer $lead" --data-binary "x" "$URL/api/reports?feed=$q&name=$q" >>"$T/heads"
	# mails that come in: whose answer repeats what they say
	{
		printf 'From: "'
		head -c 3000 "$T/raw"
		printf '" <m%s@example.net>\nTo: cert@example.org\nSubject: [NetOne #%s' $n $n
		head -c 3000 "$T/raw"
		printf '] help\nMessage-ID: <m%s' $n
		head -c 3000 "$T/raw"
		printf '@example.net>\nReferences: <r%s@example.net> <r' $n
		head -c 3000 "$T/raw"
		printf '> =?utf-8?q?=0d=0aX-Injected:_yes?=\nReply-To: x\r\n\ty <v@example.com>\n\nPlease help.\n'
	} >"$T/box/tmp/a$n"
	printf 'From: =?utf-8?q?x=0d=0aX-Injected:_yes=E2=80=AE?= <e%s@example.net>\nTo: cert@example.org\nSubject: =?utf-8?q?[NetOne_#%s=0d=0aX-Injected:_yes=00]_=0aBcc:_v@example.com?=\nMessage-ID: <e%s@example.net>\nReferences: <a@b\r\n\t\r\n X-Injected:yes> <%s@example.net>\nList-Unsubscribe: <mailto:x@example.com?subject=a%%0d%%0aX-Injected:yes>\n\nPlease help.\n' $n $n $n "$n" >"$T/box/tmp/e$n"
	for one in a$n e$n; do mv "$T/box/tmp/$one" "$T/box/new/$one"; done
done <"$T/values"
is $n 10 "ten kinds of hostile values"
echo "# $kept kept, $refused refused"
[ $kept -ge 10 ] && [ $refused -ge 50 ]
ok $? "$refused fields refuse such a value, $kept keep it"
for _ in $(seq 600); do
	[ "$(query "SELECT count(*) FROM mail_in WHERE state = 2")" -lt 20 ] || break
	sleep 0.1
done
is "$(query "SELECT count(*) FROM mail_in WHERE state = 2")" 20 "twenty hostile mails are filed"
# what they say comes back by an answer
for number in $(r mail list --json --limit 500 | grep -o '"number":[0-9]*' | tr -dc '0-9\n' | sort -un); do
	r incident letter 1 --answers "mail-$number" --words "We look." --tlp CLEAR >"$T/out" 2>"$T/err" && answered=$((${answered:-0} + 1))
done
[ "${answered:-0}" -ge 15 ]
ok $? "${answered:-0} are answered"
for _ in $(seq 600); do
	[ "$(query "SELECT count(*) FROM outbox WHERE state IN (1, 2, 3) AND driver = 'mail'")" != 0 ] || break
	sleep 0.1
done
is "$(query "SELECT count(*) FROM outbox WHERE state IN (1, 2, 3) AND driver = 'mail'")" 0 "everything has ended"
query "SELECT template, state, count(*) FROM outbox WHERE driver = 'mail' GROUP BY 1, 2" | sed 's/^/# /'

# --- what the relay got ---
sent=$(query "SELECT count(*) FROM outbox WHERE state = 4 AND driver = 'mail'")
is "$(find "$T/dump" -type f | wc -l)" "$sent" "each mail that was sent is there"
[ "$sent" -ge 35 ]
ok $? "$sent of them"
for template in mail.letter mail.receipt round.check list.warning list.confirm; do
	[ "$(query "SELECT count(*) FROM outbox WHERE state = 4 AND template = '$template'")" -gt 0 ]
	ok $? "also of $template"
done
# of each mail the header alone, unfolded; what the sink itself wrote before
find "$T/dump" -type f | while read -r mail; do
	tr -d '\r' <"$mail" | awk '/^$/ { exit } /^[ \t]/ { printf "%s", $0; next } { printf "%s%s", (NR > 1) ? "\n" : "", $0 } END { print "" }'
done >"$T/lines"
sed -nE 's/^([^: ]*):.*/\1/p' "$T/lines" | sort | uniq -c >"$T/names"
awk '{ print $2 }' "$T/names" | grep -vxE 'X-Client-(Addr|Proto)|X-Helo-Args|X-Mail-Args|X-Rcpt-Args|Received|Date|From|To|Subject|Message-ID|MIME-Version|Content-Type|Content-Transfer-Encoding|Content-Disposition|Reply-To|In-Reply-To|References|Auto-Submitted|X-Ronda-(Loop|Message|Thread)|Precedence|List-(Id|Unsubscribe|Unsubscribe-Post)' >"$T/out"
is "$(cat "$T/out")" "" "no header that is not ours"
is "$(grep -vc "^[A-Za-z-]*:[ 	]" "$T/lines")" 0 "and no line of a header without a name"
for name in Date From To Subject Message-ID MIME-Version; do
	is "$(awk -v n="$name" '$2 == n { print $1 }' "$T/names")" "$sent" "one $name each"
done
LC_ALL=C grep -nP '[^\x20-\x7e\t]' "$T/lines" | head -3 >"$T/out"
is "$(cat "$T/out")" "" "no byte that is not printable"
grep '^X-Rcpt-Args' "$T/lines" | grep -vE '^X-Rcpt-Args: <(o|m|e)[0-9]+@example\.net>( |$)|<reader@example\.net>' >"$T/out"
is "$(cat "$T/out")" "" "each goes to whom it was for"
sed -nE 's/^To:[ 	].*<([^<>]*)>$/\1/p; s/^To:[ 	]([^<> ]*)$/\1/p' "$T/lines" | grep -cE '^((o|m|e)[0-9]+|reader)@example\.net$' >"$T/out"
is "$(cat "$T/out")" "$sent" "and says so"
grep -q 'X-Injected' "$T/lines"
ok $? "the values came as far as there, as text"
# encoded words, opened
{
	grep -oE '=\?[A-Za-z0-9-]+\?[bB]\?[^?]*\?=' "$T/lines" | cut -d'?' -f4 | while read -r word; do printf '%s' "$word" | base64 -d; done
	grep -oE '=\?[A-Za-z0-9-]+\?[qQ]\?[^?]*\?=' "$T/lines" | cut -d'?' -f4 | sed 's/=\(..\)/\\x\1/g' | while read -r word; do printf '%b' "$word"; done
} >"$T/words"
LC_ALL=C grep -cP '[\x00-\x1f\x7f]|\xe2\x80[\x8e\x8f\xa8-\xae]|\xe2\x81[\xa6-\xa9]|\xc2[\x80-\x9f]|\xd8\x9c' "$T/words" >"$T/out"
is "$(cat "$T/out")" 0 "nor does an encoded word hold a line end, a NUL or a direction"
longest=$(find "$T/dump" -type f -exec awk 'length > m { m = length } END { print m + 0 }' {} + | sort -n | tail -1)
[ "$longest" -le 999 ]
ok $? "no line is too long ($longest)"

# --- what a browser got ---
[ "$(grep -c '^HTTP/' "$T/heads")" -gt 200 ]
ok $? "$(grep -c '^HTTP/' "$T/heads") answers by HTTP"
tr -d '\r' <"$T/heads" | grep -v '^HTTP/\|^$' >"$T/lines"
grep -ciE '^X-Injected|^Bcc' "$T/lines" >"$T/out"
is "$(cat "$T/out")" 0 "none has a header that was brought"
sed -nE 's/^([^: ]*):.*/\1/p' "$T/lines" | tr 'A-Z' 'a-z' | sort -u |
	grep -vxE 'date|server|content-(type|length|disposition|security-policy|language)|cache-control|connection|location|set-cookie|vary|referrer-policy|x-(content-type-options|frame-options|robots-tag)|retry-after|www-authenticate|allow|etag|permissions-policy|cross-origin-(opener|resource|embedder)-policy|strict-transport-security|keep-alive|transfer-encoding' >"$T/out"
is "$(cat "$T/out")" "" "nor one we do not know"
LC_ALL=C grep -cP '[^\x20-\x7e\t]' "$T/lines" >"$T/out"
is "$(cat "$T/out")" 0 "nor a byte that is not printable"
is "$(curl -s -o /dev/null -w '%{http_code}' "$URL/healthz")" 200 "and the node is well"
stop_node
has_not "$T/node.log" "$(printf '\033')" "nothing of it stands raw in the log"
is "$(grep -c '^X-Injected' "$T/node.log")" 0 "nor as a line of its own"
check "the store is sound" r verify
done_testing
