#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# One unique string in a RED event, in a personal field, in records that are RED, about a person
# or sealed; every output driven; all bytes that came out searched for it.
. "$RONDA_SOURCE/tests/lib.sh"
ronda init "$D" --name "Team B" --country ID >/dev/null 2>&1
# A type of its own: something only the named see, something nobody sees again, and a clock that
# tells who only watches.
mkdir "$D/types"
cat >"$D/types/vault.json" <<-'END'
	{ "type": "vault", "version": 1, "label": { "en": "Vault" }, "plural": { "en": "Vaults" }, "title": "title",
	  "fields": {
	    "title": { "kind": "text", "share": "open", "required": ["*"], "label": { "en": "Title" } },
	    "told": { "kind": "text", "share": "named", "label": { "en": "Told" } },
	    "key": { "kind": "secret", "share": "team", "label": { "en": "Key" } } },
	  "states": { "open": { "label": { "en": "Open" }, "to": { "shut": { "roles": ["lead"] } } },
	    "shut": { "label": { "en": "Shut" }, "closed": true, "to": {} } },
	  "clocks": { "look": { "label": { "en": "Look" }, "start": ["open"], "stop": ["shut"], "due": "PT1S", "tell": "viewer" } },
	  "rights": { "read": { "viewer": "all", "lead": "all" }, "create": { "lead": "all" }, "edit": { "lead": "all" },
	    "move": { "lead": "all" }, "export": { "lead": "all", "viewer": "all" } },
	  "list": { "columns": ["title"] } }
END
red=canaryred7f3a personal=canaryperson91bc marker='<script>alert(1)</script>'
{
	printf '{"__type":"Event","source.ip":"198.18.7.7","source.fqdn":"%s.example.org","time.source":"2026-11-20T01:00:00+00:00","classification.type":"phishing","classification.identifier":"%s","tlp":"RED","comment":"%s","extra.note":"%s"}\n' $red $red $red $red
	printf '{"__type":"Event","source.ip":"198.18.7.8","source.account":"%s","time.source":"2026-11-20T01:00:00+00:00","classification.type":"phishing","tlp":"GREEN","comment":"%s","classification.identifier":"\\u0022%s"}\n' $personal "$marker" "$marker"
	printf '{"__type":"Event","source.ip":"not an address","comment":"%s","tlp":"RED"}\n' $red
} >"$T/report.json"
check "a report with canaries" ronda intake -d "$D" "$T/report.json"
reader=$(ronda token -d "$D" make reader --right read --ceiling GREEN 2>/dev/null)
operator=$(ronda token -d "$D" make operator --right operate --ceiling GREEN 2>/dev/null)
red2=canaryred52ce personal2=canaryperson7d01 sealed2=canarysealed3b9f seen2=plainlyseen77
check "a RED record" ronda incident -d "$D" new title=$red2 summary=$red2 class=other severity=low --tlp RED
check "a GREEN one" ronda incident -d "$D" new title=$seen2 class=other severity=low \
	--labels '{"tlp":"GREEN","named":["account:1"]}'
check "a person" ronda person -d "$D" new name=$personal2 email=$personal2@example.org --tlp GREEN
printf 'seven rivers run north\n' | ronda seal -d "$D" key >/dev/null 2>&1
named3=canarynamed4c1e secret3=canarysecret88fa red3=canaryvault6b2d
check "a field for the named, and one never shown" ronda vault -d "$D" new title=$seen2 told=$named3 key=$secret3 \
	--labels '{"tlp":"GREEN","named":["account:1"]}'
check "a RED one with a clock" ronda vault -d "$D" new title=$red3 told=$named3 --tlp RED
check "a sealed field" ronda incident -d "$D" edit 2 victim=$sealed2
# Of each duty something RED, beside and behind what all may see.
red5=canaryduty60ab personal5=canarycontact8d3e
w() { ronda "$@" -d "$D" >"$T/out" 2>"$T/err" || { echo "# ronda $*"; sed 's/^/# /' "$T/err"; false; }; }
printf '%s\n' $red5 >"$T/$red5.txt"
w organisation new --tlp GREEN --body - <<END &&
{"name":"Bank Dua","kind":"constituent","country":"ID","contacts":[{"role":"abuse","name":"$personal5",
 "email":"$personal5@example.org","phone":"+62 0000","channel":"phone"}],
 "constituency":[{"kind":"network","value":"198.18.7.0/24"}]}
END
	w incident edit 2 organisation=organisation-1 && w incident link 1 related incident-2 --why $red5 &&
	w duty call incident-1 --organisation organisation-1 --result reached --phone "+62 0000" --words $red5 &&
	w note new title=$red5 text_body=$red5 --tlp RED && w note link 1 related incident-2 --why $red5 &&
	w campaign new title=$red5 --tlp RED && w incident link 2 part-of campaign-1 --why $red5 &&
	w question new title=$red5 over=incident words="text=$red5" --tlp RED &&
	w round new title=$red5 kind=contact organisations=organisation-1 texts="en | $red5 | $red5" \
		answer_by="2030-01-01 00:00" --tlp RED &&
	w round start 1 &&
	w evidence new title=$red5 exhibit=1 case=incident-1 collected_at="2026-11-20 10:00" collected_by=$red5 \
		authority=warrant authority_reference=$red5 authority_issuer=$red5 authority_from=2026-11-20 --tlp RED &&
	w evidence add 1 "$T/$red5.txt" &&
	w claim new organisation=organisation-1 kind=domain value=$red5.example method=letter remarks=$red5 --tlp RED &&
	w hold place --case incident-1 incident-1 --reason $red5 &&
	w incident new title=$red5 class=fraud severity=low summary=$red5 indicators="198.18.7.9 | $red5.example" --tlp RED &&
	w incident new title=$seen2 class=fraud severity=low summary=x indicators="198.18.7.9 |" --tlp GREEN &&
	w takedown new title=$red5 url="https://$red5.example.org/x" kind=phishing evidence=$red5 --tlp RED
ok $? "something RED of each duty"
ronda account -d "$D" add watcher --roles viewer >"$T/out" 2>&1 || ronda account -d "$D" new watcher --roles viewer >"$T/out" 2>&1
watcher=$(ronda token -d "$D" make watcher --right read --ceiling GREEN --account watcher 2>/dev/null)
[ -n "$watcher" ]
ok $? "a token of somebody who only watches"
serve --set log_level=debug 2>/dev/null
ok $? "a node serves, logging all it can"
: >"$T/all"
: >"$T/html"
for token in "$reader" "$operator" "$watcher" none; do
	for path in /incident /incident/1 /incident/2 /incident/1/history /incident/2/history /incident/2/edit \
		/incident/1/edit /incident/2/history/1 /incident/new /person /person/1 /person/1/history /records \
		/vault /vault/1 /vault/2 /vault/1/history /vault/1/history/1 /vault/1/edit /notices /approvals /account \
		/ /events /findings /count /who /quarantine /feeds /tour /healthz /metrics /login; do
		for suffix in "" .json .csv; do
			curl -s -i -H "Authorization: Bearer $token" -H 'Accept: text/html' "$URL$path$suffix" >"$T/one"
			cat "$T/one" >>"$T/all"
			! grep -qi '^content-type: text/html' "$T/one" || cat "$T/one" >>"$T/html"
		done
	done
	# the pages and programs' answers of the duties
	for path in /triage /duty /duty.ics /privacy /destroy /explain /break-glass /organisation /organisation/1 \
		/organisation/1/history /organisation/duplicates /round /round/1 /round/1/dry-run /round/stale /question \
		/question/1 /question/1/ask /campaign /campaign/1 /call /call/1 /note /note/1 /evidence /evidence/1 \
		/evidence/1/items /claim /claim/1 /preservation /preservation/1 /shift /handover /subject /destruction \
		/incident/1/timeline /incident/2/timeline /incident/4 /incident/4/timeline /takedown /takedown/1 \
		/takedown/board /takedown/1/would-say /takedown/1/history; do
		for suffix in "" .json .csv; do
			curl -s -i -H "Authorization: Bearer $token" -H 'Accept: text/html' "$URL$path$suffix" >>"$T/all"
		done
	done
	for q in "duty/call.json?about=incident-1" "duty/call?about=incident-2" "duty/ladder.json?about=incident-1" \
		"duty/ladder?about=incident-2" "who?q=198.18.7.7" "who.json?q=198.18.7.7" "who.csv?q=198.18.7.7" \
		"explain.json?item=incident-1&to=organisation-1&by=mail" "explain?item=incident-2&to=organisation-1&by=mail" \
		"search.json?text=canaryduty" "call.json?text=canaryduty" "campaign.json?sort=title" "duty.ics?days=60"; do
		curl -s -i -H "Authorization: Bearer $token" "$URL/$q" >>"$T/all"
	done
	for path in round/1/answer round/1/start evidence/1/items/1 evidence/1/check evidence/1/package question/1/ask \
		incident/1/do/merge incident/2/do/merge duty/call triage from; do
		curl -s -i -H "Authorization: Bearer $token" -H 'Content-Type: application/json' \
			-d '{"other":"incident-1","about":"incident-1","why":"x","ids":["incident-1"]}' "$URL/$path" >>"$T/all"
	done
	# a beginning finds what its whole would
	for q in "incident.json?text=canary" "incident?text=canaryre" "person.json?text=canaryper" "person.csv?text=canary" \
		"search?text=canary" "search.json?text=canary" "search.csv?text=plainly" "vault.json?text=canarynam" \
		"incident.json?text=canarysea" "person.json?name=canary" "incident/1.json?x=1" "incident.json?sort=title" \
		"incident.json?title=nothing" "person.json?sort=name" "nosuch.json" "incident/canary.json"; do
		curl -s -i -H "Authorization: Bearer $token" "$URL/$q" >>"$T/all"
	done
	curl -s -i -H "Authorization: Bearer $token" -d 'summary=x' "$URL/incident/1" >>"$T/all"
	curl -s -i -H "Authorization: Bearer $token" -H 'Content-Type: application/json' -d '{"summary":7}' "$URL/incident/2" >>"$T/all"
	for q in "events.json?ip=198.18.7.7" "events.json?identifier=$red" "count.json?by=identifier" "count.csv?by=identifier" \
		"events.json?fqdn=$red.example.org" "findings.json?ip=198.18.7.7" "events?type=phishing" "findings?type=phishing"; do
		# The question itself stands in its answer: what the asker knows is no leak.
		curl -s -i -H "Authorization: Bearer $token" "$URL/$q" | sed 's/"query":{[^}]*}//' >>"$T/all"
	done
done
for word in "due --within 3d" "notice list" "outbox list" "ledger list"; do # of the owner's account: he is named
	ronda ${word%% *} -d "$D" ${word#* } >>"$T/owner" 2>&1
done
# What a crash leaves behind: words on its handles, and no picture of its memory.
(cd "$T" && kill -ABRT "$node_pid")
wait "$node_pid" 2>/dev/null
node_pid=
[ -z "$(find "$T" "$D" -name 'core*' -print)" ]
ok $? "a crash leaves no core file"
[ "$(wc -c <"$T/all")" -gt 20000 ]
ok $? "every output was driven"
grep -q '198.18.7.8' "$T/all"
ok $? "what may be seen is seen"
has_not "$T/all" $red "the RED canary came out nowhere"
has_not "$T/all" $personal "nor the personal one"
grep -q 'alert(1)' "$T/html"
ok $? "markup from a feed is shown on pages"
has_not "$T/html" "$marker" "as text, never as markup"
grep -q $seen2 "$T/all"
ok $? "and of records what may be seen"
grep -q 'is due' "$T/all"
ok $? "who only watches hears that something is due"
has_not "$T/owner" $secret3 "a secret is shown to nobody"
for word in $red2 $personal2 $sealed2 $named3 $secret3 $red3 $red5 $personal5; do
	has_not "$T/all" $word "$word of a record came out nowhere"
	has_not "$T/node.log" $word "nor in the log"
done
for file in "$D"/main.db "$D"/main.db-wal; do
	! grep -qaF $sealed2 "$file" 2>/dev/null
	ok $? "what is sealed does not stand in ${file##*/}"
done
ronda incident -d "$D" export >"$T/out" 2>&1
has_not "$T/out" $sealed2 "nor in an export of who may open it"
ronda incident -d "$D" search canarysealed >"$T/out" 2>&1
has_not "$T/out" $seen2 "nor is it found by it"
ronda backup -d "$D" key "$T/backup.key" >"$T/public" 2>/dev/null
check "a backup" ronda backup -d "$D" --to "$T/backup" --key "$(tr -d '\n' <"$T/public")"
for word in $red2 $personal2 $sealed2 $named3 $secret3 $red $red5 $personal5; do
	! grep -qaF $word "$T/backup"
	ok $? "a backup does not show $word"
done
ronda journal -d "$D" --json >"$T/out"
for word in $red2 $personal2 $sealed2 $named3 $secret3 $red3 $red5 $personal5; do
	has_not "$T/out" $word "nor does the journal"
done
ronda incident -d "$D" show 1 >"$T/out" 2>&1
has "$T/out" $red2 "its author sees it"
has_not "$T/node.log" $red "the log does not have it"
has_not "$T/node.log" $personal "nor the personal one"
has_not "$T/node.log" "$reader" "nor a token"
! grep -qaF "$reader" "$D/main.db"
ok $? "a token does not stand in the database"
ronda events -d "$D" --json ip=198.18.7.7 >"$T/out"
has "$T/out" $red "the owner on the machine does see it"
done_testing
