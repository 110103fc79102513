#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A partner that says about shared items what is not his to say: refused in plain words, in the journal, and nothing changes.
. "$RONDA_SOURCE/tests/lib.sh"
. "$RONDA_SOURCE/tests/exchange_lib.sh"
C=cccccccc-0000-4000-8000-000000000001
E=dddddddd-0000-4000-8000-000000000002
GREEN=marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb
EXT=extension-definition--6f1f3d52-4c0e-4b3a-9d1e-0f9a7c5b8e21
BIN=$HELPERS/ronda-partner
ronda init "$D" --name "Team B" --country ID --team small --account "Lead A" >"$T/out" 2>"$T/err"
ok $? "a node is made"
with_exchange "$D"
made_partner "$T/c" $C
made_partner "$T/e" $E
serve
ok $? "and serves"
for n in 1 2; do
	folder=$T/$(echo $n | tr 12 ce) team="Team $(echo $n | tr 12 CE)"
	line=$(ronda partner -d "$D" invite 2>"$T/err")
	"$BIN" accept "$folder" "$line" "$team" >"$T/out" 2>&1
	check "$team is paired" ronda partner -d "$D" confirm partner-$n
	o=$(org "$D" "$team" 198.18.$n.0/24)
	check "is an organisation" ronda partner -d "$D" edit partner-$n "organisation=$o"
	agree "$D" "$o"
done
B=$(cat "$T/c/to")
id_of() { ronda incident -d "$D" show "$1" --json 2>/dev/null | sed -nE 's/.*"id": ?"([a-z]+--[^"]*)".*/\1/p' | head -1; }
check "an incident they both have" ronda incident -d "$D" new title=Shared class=intrusions severity=high
check "is worked on" ronda incident -d "$D" move 1 open
check "one that stays here" ronda incident -d "$D" new title=Ours class=intrusions severity=high
shared=$(id_of 1) ours=$(id_of 2)
offered() { ronda incident -d "$D" parts 1 2>/dev/null | grep -q "^Team E"; }
for _ in $(seq 600); do ! offered || break; sleep 0.1; done
offered
ok $? "it is offered to both"

said() { # uuid, version, about, what, label, further members of the body
	text="{\"id\":\"contribution--$1\",\"type\":\"contribution\",\"type_version\":2,\"version\":$2,\"origin\":\"$C\",\"organisation\":null,\"created\":\"2026-11-22T09:00:00Z\",\"changed\":\"2026-11-22T09:00:0$2Z\",\"state\":\"said\",\"labels\":{\"tlp\":\"$5\"},\"body\":{\"title\":\"x\",\"about\":\"$3\",\"what\":\"$4\"${6:-}}}"
	printf '{"objects":[{"type":"note","spec_version":"2.1","id":"note--%s","created":"2026-11-22T09:00:00.000Z","modified":"2026-11-22T09:00:0%s.000Z","content":"x","object_refs":["note--%s"],"object_marking_refs":["%s"],"extensions":{"%s":{"extension_type":"property-extension","origin":"%s","item":"contribution--%s","record":"%s"}}}]}' \
		"$1" "$2" "$1" "$GREEN" "$EXT" "$C" "$1" "$(printf %s "$text" | sed 's/"/\\"/g')"
}
post() { "$BIN" post "$T/c" "$@" >"$T/out" 2>"$T/err"; }
stands() { sqlite3 -readonly "$D/main.db" "SELECT count(*), coalesce(max(id), 0) FROM record_version; SELECT count(*) FROM record"; }
refused() { # name, words
	has "$T/out" "\"failure_count\": ?1.*$2" "$1"
	is "$(stands)" "$before" "  and nothing changed"
}
u() { echo "11111111-0000-4000-8000-0000000000$1"; }

said "$(u 01)" 1 "$shared" comment AMBER | post
has "$T/out" '"success_count": ?1' "a word about what he has is taken"
ronda incident -d "$D" words 1 >"$T/words"
is "$(grep -c '^.*Team C' "$T/words")" 1 "and is there"
before=$(stands)
said "$(u 01)" 1 "$shared" comment AMBER | post
is "$(stands)" "$before" "the same again changes nothing"
said "$(u 02)" 1 "$ours" comment AMBER | post
refused "about an item he never had" "about nothing that you were told"
said "$(u 03)" 1 "incident--$(u 99)" comment AMBER | post
refused "about one that is nowhere, in the same words" "about nothing that you were told"
said "$(u 04)" 1 "$shared" comment AMBER ',"others":true,"said_by":"Team E"' | post
refused "in another team's name" "only the team an item comes from says what another team said"
said "$(u 05)" 1 "$shared" comment GREEN | post
refused "marked looser than the item" "marked looser than the item"
said "$(u 06)" 1 "$shared" offered AMBER ',"until":"2030-01-01T00:00:00Z"' | post
refused "an offer to hand over what is not his" "only the team an item comes from hands it over"
check "it is offered to E" ronda incident -d "$D" offer 1 --to partner-2 --why "Yours"
offer=$(ronda contribution -d "$D" list what=offered --json 2>/dev/null | grep -oE 'contribution--[0-9a-f-]*' | head -1)
before=$(stands)
said "$(u 07)" 1 "$shared" accepted AMBER ",\"reply_to\":\"$offer\"" | post
refused "accepting what is offered to another" "no hand-over of it was offered to you"
said "$(u 08)" 1 "$shared" accepted AMBER ",\"reply_to\":\"contribution--$(u 98)\"" | post
refused "accepting what nobody offered" "no hand-over of it was offered to you"
is "$(ronda incident -d "$D" show 1 --json | grep -c '"state": \?"open"')" 1 "the incident is as it was"

# --- what was offered to him is offered for that alone, and who handles it is who accepted ---
state() { ronda incident -d "$D" show "$1" --json 2>/dev/null | sed -nE 's/.*"state": ?"([a-z-]*)".*/\1/p' | head -1; }
check "another one they both have" ronda incident -d "$D" new title=Third class=intrusions severity=high
check "is worked on" ronda incident -d "$D" move 3 open
third=$(id_of 3)
for _ in $(seq 300); do ronda incident -d "$D" parts 3 2>/dev/null | grep -q "^Team C" && break; sleep 0.1; done
check "it is offered to C" ronda incident -d "$D" offer 3 --to partner-1 --why "Yours"
to_c=$(ronda contribution -d "$D" list what=offered --json 2>/dev/null | grep -oE 'contribution--[0-9a-f-]*' | grep -v "$offer" | head -1)
before=$(stands)
said "$(u 09)" 1 "$shared" accepted AMBER ",\"reply_to\":\"$to_c\"" | post
refused "accepting one item by the offer of another" "no hand-over of it was offered to you"
said "$(u 10)" 1 "$third" accepted AMBER ",\"reply_to\":\"$to_c\"" | post
has "$T/out" '"success_count": ?1' "what was offered to him he accepts"
handed=$(state 3)
[ "$handed" != open ]
ok $? "it waits for him"
C=$E
said "$(u 11)" 1 "$third" closed AMBER | "$BIN" post "$T/e" >"$T/out" 2>"$T/err"
is "$(state 3)" "$handed" "who does not handle it does not close it"
check "the journal" ronda journal -d "$D" --json
has "$T/out" 'exchange.refused' "has what was refused"
done_testing
