#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A site goes down and comes back: nobody is asked before a person says whom, those asked are asked again,
# thanked, told that it came back; it is looked at through a proxy only, and called down with proof.
. "$RONDA_SOURCE/tests/lib.sh"
. "$RONDA_SOURCE/tests/clock.sh"

hook_pid='' site_pid='' proxy_pid='' dns_pid='' registry_pid=''
end_all() {
	for p in $hook_pid $site_pid $proxy_pid $dns_pid $registry_pid; do
		kill "$p" 2>/dev/null
	done
	finish
}
trap end_all EXIT
proxy=$(command -v tinyproxy || echo /usr/bin/tinyproxy)
unbound=$(command -v unbound || echo /usr/sbin/unbound)
if [ ! -x "$proxy" ] || [ ! -x "$unbound" ]; then
	skip "takedowns" "there is no tinyproxy or no unbound"
	done_testing
fi
wait_file() {
	for _ in $(seq 1200); do
		[ ! -s "$1" ] || return 0
		sleep 0.05
	done
	return 1
}
"$RONDA_BUILD/tests/helpers/ronda-hook" "$T/hooks" >"$T/hook.port" &
hook_pid=$!
"$RONDA_BUILD/tests/helpers/ronda-site" "$T/site.log" "$T/answer" >"$T/site.port" &
site_pid=$!
wait_file "$T/hook.port" && wait_file "$T/site.port"
ok $? "a receiver and a site"
HOOK=http://127.0.0.1:$(cat "$T/hook.port")
SITE=http://127.0.0.1:$(cat "$T/site.port")
free_port
PROXY=http://127.0.0.1:$port
cat >"$T/proxy.conf" <<END
Port $port
Listen 127.0.0.1
Timeout 10
MaxClients 10
StartServers 1
Allow 127.0.0.1
LogLevel Warning
LogFile "$T/proxy.log"
END
start_proxy() {
	"$proxy" -d -c "$T/proxy.conf" >"$T/proxy.out" 2>&1 &
	proxy_pid=$!
	for _ in $(seq 1200); do
		[ -z "$(ss -Htln "sport = :${PROXY##*:}")" ] || break
		sleep 0.05
	done
}
start_proxy
free_port
cat >"$T/unbound.conf" <<END
server:
	interface: 127.0.0.1@$port
	do-daemonize: no
	use-syslog: no
	logfile: ""
	chroot: ""
	username: ""
	directory: "$T"
	pidfile: ""
	module-config: "iterator"
	local-zone: "example." static
	local-data: 'there.example. A 192.0.2.10'
remote-control:
	control-enable: no
END
DNS=127.0.0.1@$port
"$unbound" -c "$T/unbound.conf" >"$T/unbound.log" 2>&1 &
dns_pid=$!
say() { # status, body: at once or not at all
	printf '%s\n%s' "$1" "$2" >"$T/answer.new"
	mv "$T/answer.new" "$T/answer"
}
say 200 '<form action="steal">Bank Satu</form>'

at "2026-11-20 08:00"
ronda init "$D" --name "Team B" --country ID --team small --account "Lead A" >"$T/out" 2>"$T/err"
ok $? "a node is made"
printf '{"name":"Host Tiga","kind":"provider","languages":["id"],"contacts":[{"role":"abuse","webhook":"%s/ok","channel":"webhook"}]}' \
	"$HOOK" >"$T/org"
host=$(r organisation new --body "$T/org" --json | sed -nE 's/.*"id": ?"(organisation--[^"]*)".*/\1/p' | head -1)
printf '{"name":"Host Empat","kind":"provider","contacts":[{"role":"abuse","webhook":"%s/ok","channel":"webhook"}]}' \
	"$HOOK" >"$T/org"
r organisation new --body "$T/org" >/dev/null
cat >"$D/platforms.json" <<END
[ {"name":"Host Tiga","role":"host","domains":["127.0.0.1"],"organisation":"$host"},
  {"name":"Example Pages","role":"platform","domains":["127.0.0.1"],"form":"https://pages.example.net/abuse"},
  {"name":"Elsewhere","role":"platform","domains":["elsewhere.example"],"form":"https://elsewhere.example/abuse"},
  {"name":"Example List","role":"block-list","kinds":["phishing"],"email":"add@list.example.net"} ]
END
r incident new title="Bank Satu imitated" class=fraud severity=high rsit_type=phishing >/dev/null
check_fails 65 "no address" r incident takedown 1 "not an address"
check "a takedown of an incident" r incident takedown 1 "$(printf '%s' "$SITE" | sed 's/http/hxxp/; s/\./[.]/g')/login" \
	imitates="Bank Satu" evidence="A form that asks for the PIN."
has "$T/err" "3 who can take it down are proposed; nobody was told" "proposes who can do it"
r takedown show 1 --json >"$T/out"
has "$T/out" "\"url\":\"$SITE/login\"" "has the address"
has "$T/out" '"kind":"phishing"' "and the kind of the incident"
r incident show 1 >"$T/out"
has "$T/out" 'takedown' "is linked to it"
check "a dry run" r takedown dry-run 1
has "$T/out" 'mohon turunkan hxxp://127\[\.\]0\[\.\]0\[\.\]1' "says in their language what it would say, defanged"
has "$T/out" 'platform-[0-9a-f]+ Example Pages by print at https://pages.example.net/abuse' "has the form of a platform"
has "$T/out" 'please list hxxp' "a block list is asked to list it"
has_not "$T/out" "$SITE" "nothing in it can be clicked"
is "$(sqlite3 -readonly "$D/main.db" 'SELECT count(*) FROM outbox WHERE template LIKE "takedown%"')" 0 "it makes no message"
check_fails 77 "it is not looked at unless that is switched on" r takedown look 1
has "$T/err" 'takedown_check is off' "which is said"
check_fails 65 "without a proxy that cannot be switched on" r takedown status 1 --set takedown_check=yes
is "$(wc -l <"$T/site.log" 2>/dev/null || echo 0)" 0 "the site has seen nobody"

send="--set send_messages=yes --set webhook_hosts=$HOOK --set send_pace=0s"
look="--set takedown_check=yes --set takedown_proxy=$PROXY --set takedown_inside=$SITE --set takedown_dns=$DNS"
! ronda rehearsal --help >/dev/null 2>&1 || r rehearsal live --all --why "test" >/dev/null
# shellcheck disable=SC2086
check "the node runs" serve $send $look
hooked() { # how many of this kind arrived, once there are so many
	for _ in $(seq 600); do
		n=$(grep -c "\"kind\":\"$1\"" "$T/hooks" 2>/dev/null)
		[ "${n:-0}" -lt "$2" ] || break
		sleep 0.1
	done
	echo "${n:-0}"
}
check_fails 64 "nobody is asked by accident" r takedown ask 1
check_fails 65 "nor somebody who is not there" r takedown ask 1 registrar
check "the host and the platform are asked" r takedown ask 1 host platform
is "$(hooked takedown.ask 1)" 1 "the host was told, nobody else"
r takedown status 1 --csv >"$T/out"
has "$T/out" '"host-[0-9a-f]+","Host Tiga","yes",.*"takedown.ask","sent"' "when and by which message"
has "$T/out" '"platform-[0-9a-f]+","Example Pages","yes",.*"takedown.ask","queued"' "the form waits for a person"
has "$T/out" '"block-list-[0-9a-f]+","Example List","proposed"' "who was not chosen is only proposed"
check "what is to be pasted" r outbox print
has "$T/out" 'https://pages.example.net/abuse' "with the address of the form"
check "a person has filled it in" r outbox posted "$(r outbox list --csv | sed -nE 's/^"?([0-9]+)"?,.*"print".*/\1/p' | head -1)" --words "by the form"
check "it stands in the ledger" r ledger list --csv
has "$T/out" '"sent","print"' "as told"
until_has '"up","?200' r takedown looks 1 --csv
ok $? "it is looked at: up"
has "$T/out" '[0-9a-f]{64}' "with the digest of what was there"
has_not "$T/out" 'steal' "which itself is not kept"
grep -q 'X-Odd: ?' "$T/out" && ! grep -q "$(printf '\033')" "$T/out"
ok $? "a hostile head is plain"
has_not "$T/out" 'seen=1' "and cookies are left out"

# --- time goes on ---
at "2026-11-21 09:00"
is "$(hooked takedown.repeat 1)" 1 "a day later it is asked again"
until_has '"takedown.repeat","(sent|queued)"' r takedown status 1 --csv
ok $? "which is seen"
say 503 'later'
at "2026-11-21 10:30"
until_has '"unknown","?503' r takedown looks 1 --csv
ok $? "a server that is busy proves nothing"
say 404 'gone'
at "2026-11-21 12:10"
until_has '"gone","?404' r takedown looks 1 --csv
r takedown show 1 >"$T/out"
has "$T/out" 'Asked' "one look that finds nothing is not enough"
looked_at() { # hour: until it was looked at then
	looks=$(r takedown looks 1 --csv | wc -l)
	at "2026-11-21 $1"
	for _ in $(seq 600); do
		[ "$(r takedown looks 1 --csv | wc -l)" = "$looks" ] || break
		sleep 0.1
	done
}
looked_at 13:30
at "2026-11-21 15:00"
until_has 'Down' r takedown show 1
ok $? "three in a row are"
has "$T/out" 'gone, status 404, 4 bytes, SHA-256 [0-9a-f]{64}' "with proof"
has "$T/out" '2026-11-21T12:10' "since the first of them"
is "$(hooked takedown.thanks 1)" 1 "who was told is thanked"
check "figures" r takedown board
has "$T/out" 'down.*	28	' "hours from asked to down"
has "$T/err" '0 open, 1 down, half of these within 28 hours' "and for all"
say 200 'back again'
for hour in 17 19 21; do
	looked_at "$hour:00"
done
until_has 'Came back' r takedown show 1
ok $? "it came back"
is "$(hooked takedown.back 1)" 1 "the host is told so"
grep -h '"kind":"takedown.back"' "$T/hooks" | cut -f5 >"$T/body"
has "$T/body" 'muncul kembali' "in its language"
check "they answer" r takedown answer 1 host acknowledged --words "we look at it"
r takedown show 1 >"$T/out"
has "$T/out" 'Acknowledged' "it moves on"
kill "$proxy_pid"
wait "$proxy_pid" 2>/dev/null
proxy_pid=
seen=$(wc -l <"$T/site.log")
at "2026-11-22 09:00"
until_has '"unknown","?0"?,.*was not reached' r takedown looks 1 --csv
ok $? "without the proxy it is not known"
is "$(wc -l <"$T/site.log")" "$seen" "and nobody asks past it"
awk -F'\t' '$4 == "-" { bad = 1 } END { exit bad }' "$T/site.log"
ok $? "each request came by the proxy"
grep -q 'ronda' "$T/site.log"
[ $? = 1 ]
ok $? "none says who looks"
start_proxy

# --- pages ---
token=$(r token make pages --right operate --ceiling RED --personal --account "Lead A" 2>/dev/null)
get() { curl -s -H "Authorization: Bearer $token" -H 'Accept: text/html' "$URL$1" >"$T/out"; }
get /takedown/1
has "$T/out" 'Who can take it down' "the record's page has the parties"
has "$T/out" 'hxxp://127\[.\]0\[.\]0\[.\]1' "with the target defanged"
has_not "$T/out" "href=\"$SITE" "and no link to it"
get /incident/1
has "$T/out" 'hxxp://127.*back|unknown 0' "the incident's page has it"
get /takedown/1/would-say.json
has "$T/out" '"subject":"Team B: mohon turunkan' "what it would say, for programs"
get /takedown/board
has "$T/out" 'came back' "the list by hours"
curl -s -X POST -H "Authorization: Bearer $token" -H 'Content-Type: application/json' -d '{"target":"third.example"}' \
	"$URL/incident/1/do/takedown" >"$T/out"
has "$T/out" '"done":"takedown"' "another is made from the incident's page"
third=$(sed -nE 's/.*"id":"(takedown--[^"]*)".*/\1/p' "$T/out")
curl -s -X POST -H "Authorization: Bearer $token" -H 'Content-Type: application/json' -d '{"parties":[]}' \
	"$URL/takedown/$third/parties/ask" >"$T/out"
has "$T/out" 'choose who is asked' "whose page asks nobody by accident"
r takedown move 2 given-up --why "a test" >/dev/null 2>&1

# --- a domain ---
check "a domain that is not there any more" r takedown start nowhere.example kind=c2
r takedown edit 3 parties="host | $host" >/dev/null 2>&1
r takedown show 3 --json >"$T/out"
has "$T/out" '"domain":"nowhere.example"' "is one too"
check "looked at by hand" r takedown look 3
has "$T/out" 'gone.*NXDOMAIN' "the DNS says it"

# --- what is not told, what is not looked at ---
check "one that is RED" r takedown start "$SITE/red" kind=phishing
r takedown edit 4 --labels '{"tlp":"RED","named":["account:1"]}' >"$T/out" 2>"$T/err"
before=$(grep -c . "$T/hooks")
r takedown dry-run 4 >"$T/out" 2>"$T/err"
has "$T/out" 'is told nothing: ' "goes to nobody"
r takedown ask 4 all >"$T/out" 2>"$T/err"
sleep 1
is "$(grep -c . "$T/hooks")" "$before" "whoever asks for it"
r incident new title="Not for us" class=abusive-content severity=high rsit_type=violence >/dev/null
check_fails 77 "of abuse of children none is made" r incident takedown 2 "$SITE/never"
check "one that names such an incident" r takedown start "$SITE/never" kind=other incident=incident-2
check_fails 77 "is not looked at" r takedown look 5
! grep -q '/never' "$T/site.log"
ok $? "ever"
check "of an exercise" r takedown start "$SITE/drill" kind=phishing
r takedown edit 6 --labels '{"tlp":"GREEN","exercise":true}' >/dev/null 2>&1

# --- registries: a site of ours plays one ---
"$RONDA_BUILD/tests/helpers/ronda-site" "$T/registry.log" "$T/rdap" >"$T/registry.port" &
registry_pid=$!
wait_file "$T/registry.port"
ok $? "a registry"
cat >"$T/rdap" <<'END'
200
{"objectClassName":"domain","ldhName":"there.example","entities":[{"roles":["registrar"],"entities":[{"roles":["abuse"],
"vcardArray":["vcard",[["version",{},"text","4.0"],["fn",{},"text","Registrar Satu"],["email",{},"text","abuse@registrar.example.net"]]]}]}]}
END
check "one on a name that is registered" r takedown start www.there.example kind=c2
there=$(sed -nE 's/^(takedown--.*)/\1/p' "$T/out" | head -1)
has "$T/err" 'registries were not asked.*set rdap_url' "it is said that no registry was asked"
has_not "$T/out" "registrar" "so none is known"
get "/takedown/$there"
has "$T/out" 'No registry is asked who they are' "the page says so too"
is "$(wc -l <"$T/registry.log" 2>/dev/null || echo 0)" 0 "and nobody was"
red=$(r takedown start red.example kind=c2 2>/dev/null | sed -nE 's/^(takedown--.*)/\1/p')
r takedown edit "$red" --labels '{"tlp":"RED","named":["account:1"]}' >/dev/null 2>&1
stop_node
# shellcheck disable=SC2086
check "the node may ask it" serve $send $look --set "rdap_url=http://127.0.0.1:$(cat "$T/registry.port")/rdap"
check "who can do it is looked for again" r takedown propose "$there"
is "$(cat "$T/out")" 1 "one more is found"
is "$(cat "$T/err")" "" "and there is nothing to say"
r takedown show "$there" --json >"$T/out"
has "$T/out" '"role":"registrar"[^}]*"email":"abuse@registrar.example.net"' "the registrar, as the registry says"
has "$T/out" '"found":"rdap, domain' "with where that is from"
is "$(cut -f1,2 "$T/registry.log")" "GET	/rdap/domain/there.example" "it was asked for the name as registered, and for no address of a test network"
check "once more" r takedown propose "$there"
is "$(cat "$T/out") $(wc -l <"$T/registry.log")" "0 1" "what is known is not asked again"
get "/takedown/$there"
has_not "$T/out" 'No registry is asked' "the page does not say that none is"
check "of one that is RED" r takedown propose "$red"
has "$T/err" 'of what is RED, held or of an exercise nobody outside hears' "none is asked, in words"
is "$(wc -l <"$T/registry.log")" 1 "nothing of them came there"
printf '503\nlater' >"$T/rdap.new"
mv "$T/rdap.new" "$T/rdap"
check "one of which the registry does not say" r takedown start else.example kind=c2
has "$T/err" 'registries were not asked, or did not say: .*503' "is made all the same"
check "it can be given up" r takedown move 5 given-up --why "for the authority"
check "the records agree" r verify
has_not "$T/node.log" "$SITE/login" "the log has no address of it"
done_testing
