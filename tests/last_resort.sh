#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Rules by confidence, and contacts of last resort: a finding that is not sure enough is told when its source is
# surer; one that concerns nobody of the directory goes, when a rule says so, to whom a registry names for it:
# rehearsed first, within its marking, capped, once, and not any more when the directory knows somebody.
. "$RONDA_SOURCE/tests/lib.sh"
. "$RONDA_SOURCE/tests/servers.sh"
unset LANG LC_ALL LC_MESSAGES

end_all() {
	sink_stop
	finish
}
trap end_all EXIT
servers_can || {
	skip "contacts of last resort by mail" "$servers_lack"
	done_testing
}
r() { ronda "$@" -d "$D"; }
mkdir -m 777 "$T/sinks"
chmod 711 "$T"
sink_start -D "$T/sinks/mail"
ok $? "a relay runs"
send="--set send_messages=yes --set send_pace=0s --set mail_relays=smtp://127.0.0.1:$SINK_PORT
	--set mail_from=cert@example.org --set mail_rehearsal=watch@example.org"
query() { sqlite3 -readonly "$D/main.db" "$1" 2>/dev/null; }
until_is() { # SQL, value, name
	for _ in $(seq 1200); do
		[ "$(query "$1")" != "$2" ] || break
		sleep 0.05
	done
	is "$(query "$1")" "$2" "${3-}"
}
event() { # address, identifier, more members
	printf '{"source.ip":"%s","source.port":53,"classification.type":"vulnerable-system","classification.identifier":"%s","time.source":"%s"%s}\n' \
		"$1" "$2" "$(date -u +%Y-%m-%dT%H:%M:%SZ)" "${3-}"
}
report() { # feed, events...
	feed=$1
	shift
	"$@" >"$T/report.jsonl"
	check "a report" r intake --feed "$feed" --format intelmq "$T/report.jsonl"
}
id() { query "SELECT 'finding--' || lower(hex(id)) FROM finding WHERE key LIKE 'ip $1 %'"; }
mailed() { cat "$T"/sinks/* 2>/dev/null | grep -cE "^(RCPT TO:<|X-Rcpt-Args: <)$1>"; }

ronda init "$D" --name "Team B" --country ID --team small --account "Lead A" >"$T/out" 2>"$T/err"
ok $? "a node is made"
printf '{"name":"Alpha","kind":"constituent","country":"ID","contacts":[{"role":"abuse","email":"soc@alpha.example","channel":"mail"}],
	"constituency":[{"kind":"network","value":"198.18.1.0/24"}]}' >"$T/org"
check "an organisation" r organisation new --body "$T/org"
check "a feed that says how sure it is" r feed add guess --tlp GREEN --accuracy 20
check_fails 64 "no number" r feed add other --tlp GREEN --accuracy much
check_fails 65 "nor one above 100" r feed add other --tlp GREEN --accuracy 101
check "one that says nothing of it" r feed add plain --tlp GREEN
check "its accuracy is set" r feed accuracy plain 30
check "and taken back" r feed accuracy plain none
r feed list --csv >"$T/out"
has "$T/out" '"guess".*"20"' "is listed"

# --- by confidence ---
check "a rule" r rule new title="Sure DNS" types=vulnerable-system identifiers=open-dns pace=once pause=1s contact=abuse rank=1 \
	cap=1000 min_confidence=60
sure=$(sed -nE 's/^(rule-)?([0-9]+).*/\2/p' "$T/out" | head -1)
check "one for what says it" r rule new title="Stated NTP" types=vulnerable-system identifiers=open-ntp pace=once pause=1s contact=abuse \
	rank=2 cap=1000 confidence_stated=yes
stated=$(sed -nE 's/^(rule-)?([0-9]+).*/\2/p' "$T/out" | head -1)
check "one for nobody" r rule new title="Anybody SNMP" types=vulnerable-system identifiers=open-snmp pace=once pause=1s contact=abuse \
	rank=3 cap=2 last_resort=yes
last=$(sed -nE 's/^(rule-)?([0-9]+).*/\2/p' "$T/out" | head -1)
for rule in $sure $stated; do
	check "active" r rule move "$rule" active --why "a test"
done
# shellcheck disable=SC2086
check "the node serves" serve $send
check "live" r rehearsal live --all --why "a test"
guesses() { event 198.18.1.1 open-dns; event 198.18.1.2 open-dns ',"feed.accuracy":61.9'; event 198.18.1.3 open-ntp; }
says_nothing() { event 198.18.1.4 open-dns; event 198.18.1.5 open-ntp; }
report guess guesses
report plain says_nothing
until_is "SELECT count(DISTINCT v.item) FROM outbox_cover v JOIN outbox o ON o.id = v.message WHERE o.state = 4 AND v.item LIKE 'finding--%'" 3 \
	"told of what is sure enough, of what does not say, of what states it"
until_is "SELECT group_concat(confidence) FROM (SELECT confidence FROM finding ORDER BY ip)" "21,62,21,0,0" "as their sources say"
until_is "SELECT count(*) FROM tell WHERE state = 17" 2 "not of the others"
check "why" r explain "$(id 198.18.1.1)"
has "$T/out" "'Sure DNS': not sure enough \(confidence 20, it asks for 60\)" "what the rule asks for"
check "and why" r explain "$(id 198.18.1.5)"
has "$T/out" "'Stated NTP': it does not say how sure it is" "another"
check "the dry run" r rule dry-run "$sure"
has "$T/out" '1 findings would fit but for their confidence: below 60' "says so too"
check "what is counted" r rule counts --csv
has "$T/out" '"unsure","2"' "nothing is silent"
r findings --json >"$T/out"
has "$T/out" '"confidence":61' "the finding says it"
r token make web --right read --ceiling AMBER --personal --account "Lead A" >"$T/token" 2>&1
token=$(grep -o 'ronda_[A-Za-z0-9_-]*' "$T/token" | head -1)
page() { curl -s -H "Authorization: Bearer $token" -H "Accept: text/html" "$URL$1" >"$T/out"; }
page "/findings/$(id 198.18.1.2 | sed 's/finding--//')"
has "$T/out" '<dt>Confidence</dt><dd>61 of 100</dd>' "and its page"
page "/findings/$(id 198.18.1.4 | sed 's/finding--//')"
has_not "$T/out" 'Confidence' "which says nothing where nobody does"
page /feeds
has "$T/out" 'confidence 20 of 100' "and that of the feeds"
surer() { event 198.18.1.1 open-dns ',"feed.accuracy":95'; }
report plain surer
until_is "SELECT count(*) FROM tell WHERE state = 17" 1 "a surer source says the same"
until_is "SELECT count(*) FROM outbox_cover v JOIN outbox o ON o.id = v.message WHERE o.state = 4 AND v.item = '$(id 198.18.1.1)'" 1 "it is told"
before=$(query 'SELECT count(*) FROM outbox')
again() { event 198.18.1.1 open-dns; event 198.18.1.2 open-dns; }
report guess again
sleep 1
is "$(query 'SELECT count(*) FROM outbox')" "$before" "an unsure one again changes nothing"
is "$(query "SELECT confidence FROM finding WHERE key LIKE 'ip 198.18.1.1 %'")" 96 "the surest counts"
check "a rebuild" r rebuild
is "$(query 'SELECT count(*) FROM outbox')" "$before" "neither"

# --- contacts of last resort ---
cat >"$T/dump.txt" <<'END'
inetnum: 203.0.113.0 - 203.0.113.255
netname: NET
country: SG
abuse-c: D-TEST
source: TEST

role: Desk
nic-hdl: D-TEST
abuse-mailbox: abuse@net.example
source: TEST

inetnum: 192.0.2.128 - 192.0.2.255
netname: NEAR
country: ID
abuse-c: E-TEST
source: TEST

role: Meja
nic-hdl: E-TEST
abuse-mailbox: aduan@near.example
source: TEST
END
check "a registry's dump" r directory import "$T/dump.txt" --seen 2026-01-01
nobody() { event 203.0.113.1 open-snmp; }
report guess nobody
until_is "SELECT count(*) FROM finding WHERE key LIKE 'ip 203.0.113.1 %'" 1 "what concerns nobody"
check "without such a rule" r explain "$(id 203.0.113.1)"
has "$T/out" 'contact of last resort.*whois:test of 2026-01-01, range 203.0.113.0-203.0.113.255' "is told nobody, who is named is said"
check "rehearsal" r rehearsal back --all --why "a test"
check "the rule is active" r rule move "$last" active --why "a test"
check "its dry run" r rule dry-run "$last"
has "$T/out" 'contact of last resort \(contact:abuse@net.example\) by mail' "says who"
has "$T/out" 'whois:test \(2026-01-01\) names this address for range 203.0.113.0' "and tells him why"
rehearse() { event 203.0.113.2 open-snmp; }
report guess rehearse
until_is "SELECT count(*) FROM outbox WHERE recipient = 'contact:abuse@net.example' AND state IN (4, 9)" 1 "a message"
is "$(mailed abuse@net.example)" 0 "goes to nobody outside"
has "$(ls -t "$T"/sinks/* | head -1)" 'rehearsal for abuse@net.example' "but to ourselves"
check "live again" r rehearsal live --all --why "a test"
sleep 1
green() { event 203.0.113.3 open-snmp; event 203.0.113.4 open-snmp ',"tlp":"AMBER"'; event 203.0.113.5 open-dns ',"feed.accuracy":99'; event 192.0.2.77 open-snmp; }
report guess green
until_is "SELECT count(*) FROM outbox WHERE recipient = 'contact:abuse@net.example' AND state = 4" 1 "a message by the rule"
is "$(mailed abuse@net.example)" 1 "goes out"
sent=$(grep -lE '^(RCPT TO:<|X-Rcpt-Args: <)abuse@net.example>' "$T"/sinks/*)
has "$sent" '203\[?\.\]?0\[?\.\]?113\[?\.\]?3' "with what is theirs"
has_not "$sent" '113\[?\.\]?4' "not what is marked for others"
has_not "$sent" '113\[?\.\]?5|192\[?\.\]?0\[?\.\]?2|198\[?\.\]?18' "nor what the rule does not say, nor another's"
has "$sent" 'whois:test \(2026-01-01\) names this address' "and why he gets it"
is "$(query "SELECT count(*) FROM ledger WHERE recipient = 'contact:abuse@net.example' AND kind = 1")" 1 "the ledger has it"
check "why" r explain "$(id 203.0.113.3)"
has "$T/out" 'contact of last resort abuse@net.example.*Anybody SNMP.*is sent.*abuse contact of whois:test of 2026-01-01' "by which source"
page "/findings/$(id 203.0.113.3 | sed 's/finding--//')"
has "$T/out" 'contact of last resort abuse@net.example.*abuse contact of whois:test' "on its page too"
check "why not" r explain "$(id 203.0.113.4)"
has "$T/out" 'its label does not let it go' "its marking"
check "why not" r explain "$(id 203.0.113.5)"
has "$T/out" 'it tells no contact of last resort' "no such rule"
check "why not" r explain "$(id 192.0.2.77)"
has "$T/out" 'nobody that the directory knows' "nobody names anybody"
has_not "$T/out" 'contact of last resort' "nobody"
near() { event 192.0.2.200 open-snmp; }
report guess near
until_is "SELECT count(*) FROM outbox WHERE recipient = 'contact:aduan@near.example' AND state = 4" 1 "one of another country"
sent=$(grep -lE '^(RCPT TO:<|X-Rcpt-Args: <)aduan@near.example>' "$T"/sinks/*)
has "$sent" 'Anda menerima pesan ini karena whois:test' "reads its own language"
for n in 1 2; do
	more() { event "203.0.113.1$n" open-snmp; }
	report guess more
	until_is "SELECT count(*) FROM finding WHERE key LIKE '%203.0.113.1$n %'" 1 "another one"
	[ $n = 2 ] || until_is "SELECT count(*) FROM tell_message WHERE recipient = 'contact:abuse@net.example'" 2 "a second message"
done
sleep 2
is "$(query "SELECT count(*) FROM tell_message WHERE recipient = 'contact:abuse@net.example'")" 2 "two an hour: the cap"
check "why not" r explain "$(id 203.0.113.12)"
has "$T/out" 'at most 2 messages an hour' "the cap"
check "what is due" r rule due
has "$T/out" 'contact of last resort abuse@net.example' "says to whom"

# --- somebody is known ---
before=$(query "SELECT count(*) FROM outbox WHERE recipient LIKE 'contact:%'")
printf '{"name":"Gamma","kind":"provider","country":"SG","contacts":[{"role":"abuse","email":"noc@gamma.example","channel":"mail"}],
	"constituency":[{"kind":"network","value":"203.0.113.0/24"}]}' >"$T/org"
check "the directory learns whose it is" r organisation new --body "$T/org"
until_is "SELECT count(*) > 0 FROM outbox WHERE recipient LIKE 'organisation--%' AND maker = 'teller:rules' AND id >
	(SELECT max(id) FROM outbox WHERE recipient LIKE 'contact:%')" 1 "who is told now"
check "why" r explain "$(id 203.0.113.3)"
has "$T/out" 'Gamma.*Anybody SNMP.*told' "instead"
sleep 1
is "$(query "SELECT count(*) FROM outbox WHERE recipient LIKE 'contact:%'")" "$before" "the other hears no more"
is "$(query "SELECT count(*) FROM tell t JOIN tell_contact c ON c.id = t.organisation WHERE t.next_us IS NOT NULL")" 0 "nor is anything due to them"

# --- he asks that his address goes ---
told=$(query "SELECT count(*) FROM ledger WHERE recipient = 'contact:aduan@near.example'")
check "his address is erased" r erase contact:aduan@near.example --reason "asked for"
is "$(query "SELECT count(*) FROM ledger WHERE recipient GLOB 'contact:$(printf '[0-9a-f]%.0s' $(seq 32))'")" "$told" "that he was told stays"
sqlite3 -readonly "$D/main.db" .dump | grep -v 'INSERT INTO fallback_piece' >"$T/dump"
has_not "$T/dump" 'aduan@near' "who he is stands nowhere but in the registry's table"
before=$(query "SELECT count(*) FROM outbox WHERE recipient LIKE 'contact:%'")
later() { event 192.0.2.201 open-snmp; }
report guess later
until_is "SELECT count(*) FROM finding WHERE key LIKE 'ip 192.0.2.201 %'" 1 "what is new about his network"
sleep 2
is "$(query "SELECT count(*) FROM outbox WHERE recipient LIKE 'contact:%'")" "$before" "he is not told of"
check "why not" r explain "$(id 192.0.2.201)"
has "$T/out" 'its address was erased' "that is said"
stop_node
check "all adds up" r verify
done_testing
