#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What may not be kept is destroyed by one person, at once: afterwards no byte of it is anywhere,
# whatever way it came in, also when the node is killed in the middle; what stays says that it
# was; the same bytes do not come in again; a second person reviews.
. "$RONDA_SOURCE/tests/lib.sh"
unset LANG LC_ALL LC_MESSAGES

r() { ronda "$@" -d "$D"; }
nowhere() { # pattern, name: in no file of the directory, no log, nothing printed
	! grep -rlaiF "$1" "$D" "$T/node.log" "$T/said" >"$T/out" 2>/dev/null
	ok $? "$2"
}
somewhere() {
	grep -rqaF "$1" "$D"
	ok $? "$2"
}
# Made-up lines of a report: head; line HOST NUMBER
head_line() { made scan_telnet 0 0; }
line() { made scan_telnet "$2" 1 | sed -n "2s/host-[0-9]*/$1/p"; }

ronda init "$D" --name "Team B" --country ID --team small --account "Lead A" >"$T/out" 2>"$T/err"
ok $? "a node is made"
r account new "Lead B" --roles lead >/dev/null
r account new "Viewer A" --roles viewer >/dev/null
r account new "Care A" --roles protection >/dev/null
serve
ok $? "and serves"
lead=$(r token make lead --right operate --ceiling RED --personal --account "Lead B" 2>/dev/null)
viewer=$(r token make viewer --right read --ceiling AMBER --account "Viewer A" 2>/dev/null)
api() { # status in $status, body in $T/body
	status=$(curl -s -o "$T/body" -w '%{http_code}' --max-time 60 -H "Authorization: Bearer $lead" "$@" 2>"$T/curl")
}

# --- a report, by file: its bytes, its events, a record of it in quarantine, its name ---
p=qzpattern1a7f
made scan_telnet 100 3000 >"$T/2026-11-20-scan_telnet-a.csv"
check "an innocent report" r intake "$T/2026-11-20-scan_telnet-a.csv"
{ head_line; line "$p" 7; line plain 8; echo "\"soon\",high,${p}q,tcp,23,,,,,,,,,"; } >"$T/2026-11-20-scan_telnet-$p.csv"
r intake --no-wait "$T/2026-11-20-scan_telnet-$p.csv" >"$T/out" 2>"$T/err"
check "another, with what may not be kept" r count
somewhere "$p" "which is on the disk"
check_fails 64 "whom it is referred to must be said" r destroy report:2
check_fails 65 "without an address" r destroy report:2 --refer "https://police.example.org/x"
check_fails 65 "nor in the reference" r destroy report:2 --refer "Cybercrime unit" --reference "hxxp://$p.example.org"
check_fails 66 "what is not there" r destroy report:99 --refer "Cybercrime unit"
check_fails 66 "all or nothing" r destroy report:2 report:99 --refer "Cybercrime unit"
somewhere "$p" "leaves all else"
r hold set report 2 --reason "court order" >/dev/null
check_fails 77 "what is held stays" r destroy report:2 --refer "Cybercrime unit"
r hold lift 1 >/dev/null
r destroy report:2 --refer "Cybercrime unit" --reference 2026/118 >"$T/said" 2>&1
ok $? "one person destroys it"
has "$T/said" '^destroyed: destruction--' "at once"
nowhere "$p" "no byte of it is left"
is "$(r count --json | number count)" 3000 "the events of others are there"
check "a record says that it was" r destruction show 1 --json
has "$T/out" '"agency":"Cybercrime unit".*"reference":"2026/118"' "whom it was referred to"
has "$T/out" "\"digest\":\"$(sha256sum <"$T/2026-11-20-scan_telnet-$p.csv" | cut -d' ' -f1)\"" "and by what it would be known"
has "$T/out" '"state":"done"' "it is done, and to be reviewed"
check "all is sound" r verify

# --- the same bytes again ---
mv "$T/2026-11-20-scan_telnet-$p.csv" "$T/2026-11-20-scan_telnet-again.csv"
check_fails 77 "the same bytes are not taken again" r intake --no-wait "$T/2026-11-20-scan_telnet-again.csv"
intake=$(r token make sender --right intake 2>/dev/null)
status=$(curl -s -o "$T/body" -w '%{http_code}' -H "Authorization: Bearer $intake" --data-binary "@$T/2026-11-20-scan_telnet-again.csv" "$URL/api/reports")
is "$status" 403 "nor by POST"
nowhere "$p" "nor kept"
for _ in $(seq 600); do
	r journal list --json >"$T/journal"
	[ "$(grep -c '"act":"destroy.again"' "$T/journal")" = 0 ] || break
	sleep 0.1
done
has "$T/journal" '"act":"destroy.again"' "that it came is written down"
r notice list --json >"$T/out"
has "$T/out" 'role:duty' "and the duty officer is told"

# --- by POST, a large one: its parts stand in a file before the last of it has come ---
p=qzpattern2b8e
{ head_line; for i in $(seq 9000); do line "$p-$i" "$i"; done; } >"$T/large.csv"
made scan_telnet 0 30000 | sed 1d >>"$T/large.csv"
api() {
	status=$(curl -s -o "$T/body" -w '%{http_code}' --max-time 60 -H "Authorization: Bearer $lead" "$@" 2>"$T/curl")
}
status=$(curl -s -o "$T/body" -w '%{http_code}' -H "Authorization: Bearer $intake" --data-binary "@$T/large.csv" "$URL/api/reports?format=shadowserver&name=2026-11-20-scan_telnet-l.csv&wait=findings")
is "$status" 202 "a large report comes by POST"
report=$(number report <"$T/body")
kept=$(cat "$D"/raw/*.seg | wc -c)
r destroy "report:$report" --refer "Cybercrime unit" >"$T/said" 2>&1
has "$T/said" '^destroyed' "until it is destroyed"
nowhere "$p" "then no byte of it is left"
left=$(cat "$D"/raw/*.seg 2>/dev/null | wc -c)
[ "$left" -lt $((kept / 4)) ]
ok $? "nor its packed bytes"
status=$(curl -s -o "$T/body" -w '%{http_code}' -H "Authorization: Bearer $intake" --data-binary "@$T/large.csv" "$URL/api/reports?format=shadowserver&name=2026-11-20-scan_telnet-l.csv")
is "$status" 403 "and it does not come in again"
for _ in $(seq 600); do
	r erase list --json >"$T/out"
	grep -q 'raw:' "$T/out" || [ "$(cat "$D"/raw/*.seg 2>/dev/null | wc -c)" -gt "$left" ] || break
	sleep 0.1
done
is "$(cat "$D"/raw/*.seg 2>/dev/null | wc -c)" "$left" "not even the parts that came before it was known"

# --- a watched folder: what was taken stays beside it, and goes too ---
p=qzpattern2f9a
mkdir "$T/in"
check "a feed with a folder" r feed add watched --tlp AMBER --folder "$T/in"
{ head_line; line "$p" 15001; } >"$T/in/2026-11-20-scan_telnet-w.csv"
printf '\377\330\377\340%s, a picture' "$p" >"$T/in/picture.jpg"
cp "$T/in/picture.jpg" "$T/picture.jpg"
for _ in $(seq 600); do
	[ ! -e "$T/in/picture.jpg" ] || [ ! -e "$T/in/2026-11-20-scan_telnet-w.csv" ] || { sleep 0.1; continue; }
	[ -e "$T/in/refused/picture.jpg" ] && [ -e "$T/in/done/2026-11-20-scan_telnet-w.csv" ] && break
	sleep 0.1
done
grep -rqaF "$p" "$T/in/done" && grep -rqaF "$p" "$T/in/refused"
ok $? "its files are taken and refused, and moved away"
reports=$(r quarantine list --json | sed -nE 's/.*"report":([0-9]+).*"reason":"format".*/report:\1/p' | head -1)
n=$(r events --json source.reverse_dns="$p.example.org" | sed -nE 's/.*"id":"([0-9a-f]{32})".*/event--\1/p' | head -1)
r destroy $reports $n --refer "Cybercrime unit" >"$T/said" 2>&1
has "$T/said" '^destroyed' "both are destroyed"
nowhere "$p" "no byte of them is left in the node"
! grep -rqaF "$p" "$T/in"
ok $? "nor in the folder"
cp "$T/picture.jpg" "$T/in/again.jpg"
for _ in $(seq 600); do
	[ -e "$T/in/again.jpg" ] || break
	sleep 0.1
done
! grep -rqaF "$p" "$T/in" "$D"
ok $? "the picture that comes again is gone at once"

# --- one event of many, by its id: the others stay ---
p=qzpattern3c9d
{ head_line; line plain 20001; line "$p" 20002; line plain 20003; } >"$T/2026-11-20-scan_telnet-e.csv"
check "a report of three events" r intake "$T/2026-11-20-scan_telnet-e.csv"
before=$(r count --json | number count)
event=$(r events --json source.reverse_dns="$p.example.org" | sed -nE 's/.*"id":"([0-9a-f]{32})".*/\1/p' | head -1)
is "${#event}" 32 "one of them"
r destroy "event--$event" --refer "Cybercrime unit" >"$T/said" 2>&1
has "$T/said" '^destroyed' "is destroyed"
nowhere "$p" "no byte of it is left"
is "$(r count --json | number count)" $((before - 1)) "the others are there"
check "all is sound" r verify

# --- a finding: all its events ---
p=qzpattern4d0c
{ head_line; line "$p" 30001; } >"$T/2026-11-20-scan_telnet-f.csv"
{ head_line; line "${p}b" 30001; } >"$T/2026-11-20-scan_telnet-g.csv"
check "an event" r intake "$T/2026-11-20-scan_telnet-f.csv"
check "another of the same finding" r intake "$T/2026-11-20-scan_telnet-g.csv"
ip=198.18.$((30001 / 256 % 256)).$((30001 % 256))
finding=$(r findings --json --ip $ip | sed -nE 's/.*"id":"([0-9a-f]{32})".*/\1/p' | head -1)
is "${#finding}" 32 "a finding"
r destroy "finding--$finding" --refer "Cybercrime unit" >"$T/said" 2>&1
has "$T/said" '^destroyed' "is destroyed"
nowhere "$p" "no byte of its events is left"
is "$(r findings --json --ip $ip | wc -l)" 0 "nor the finding"

# --- a record in quarantine: the bytes of its report go, the events stay ---
p=qzpattern5e1b
{ head_line; line plain 40001; echo "\"soon\",high,$p,tcp,23,,,,,,,,,"; } >"$T/2026-11-20-scan_telnet-q.csv"
r intake --no-wait "$T/2026-11-20-scan_telnet-q.csv" >/dev/null 2>&1
q=$(r quarantine list --json | sed -nE 's/.*"id":([0-9]+).*/\1/p' | head -1)
before=$(r count --json | number count)
r destroy "quarantine:$q" --refer "Cybercrime unit" >"$T/said" 2>&1
has "$T/said" '^destroyed' "a record in quarantine is destroyed"
nowhere "$p" "no byte of it is left"
is "$(r count --json | number count)" "$before" "no event went"

p=qzpattern5f0c
printf '\377\330\377\340%s, packed' "$p" >"$T/packed.jpg"
gzip -k "$T/packed.jpg"
r intake --no-wait "$T/packed.jpg.gz" >/dev/null 2>&1
q=$(r quarantine list --json | sed -nE 's/.*"id":([0-9]+).*/\1/p' | head -1)
r destroy "quarantine:$q" --refer "Cybercrime unit" >"$T/said" 2>&1
has "$T/said" '^destroyed' "a picture that came packed is destroyed"
check_fails 77 "it is not taken packed again" r intake --no-wait "$T/packed.jpg.gz"
check_fails 77 "nor alone" r intake --no-wait "$T/packed.jpg"
nowhere "$p" "nor kept"
gzip -9 -n -c "$T/packed.jpg" >"$T/other.gz"
before=$(r quarantine list --json | wc -l)
r intake --no-wait "$T/other.gz" >"$T/out" 2>&1
is "$(r quarantine list --json | wc -l)" "$before" "packed otherwise it is known inside"
for _ in $(seq 600); do
	r erase list --all --json >"$T/out"
	! grep -q 'sent again.*"state":"erasing"\|"state":"erasing".*sent again' "$T/out" && grep -q 'sent again' "$T/out" && break
	sleep 0.1
done
has "$T/out" 'sent again' "its report goes by itself"
check_fails 77 "and is known then" r intake --no-wait "$T/other.gz"

# --- records: text, a note, a file, reasons, links, messages about them ---
p=qzpattern6f2a
check "a record" r incident new title="$p" class=fraud severity=high summary="about $p" internal="$p"
check "is changed" r incident edit 1 summary="more of $p" --why "$p said so"
printf 'GIF89a%s and bytes' "$p" >"$T/picture.bin"
api -F "fields={\"title\":\"$p file\",\"text_body\":\"$p\"}" "$URL/note"
note=$(curl -s -o "$T/body" -w '%{http_code}' -H "Authorization: Bearer $lead" -F based_on=0 -F "f.title=$p file" -F f.files.there=1 -F "f.files=@$T/picture.bin" -F "why=$p" "$URL/note")
is "$note" 303 "a note with a file"
check "a link" r incident link 1 related note-1 --why "$p too"
check "found by its words" r incident search "$p"
somewhere "$p" "it is all on the disk"
check_fails 77 "a hold keeps it" sh -c "ronda incident edit 1 -d '$D' --labels '{\"tlp\":\"AMBER\",\"held\":true}' >/dev/null && ronda destroy incident-1 -d '$D' --refer x"
check "until it is lifted" r incident edit 1 --labels '{"tlp":"AMBER"}'
r destroy incident-1 note-1 --refer "Hotline" --reference "H-7" >"$T/said" 2>&1
has "$T/said" '^destroyed' "both are destroyed"
nowhere "$p" "no byte of them is left"
is "$(curl -s -o "$T/body" -w '%{http_code}' -H "Authorization: Bearer $lead" -F based_on=0 -F "f.title=again" -F f.files.there=1 -F "f.files=@$T/picture.bin" "$URL/note")" 403 "the file is not taken again"
nowhere "$p" "nor kept"

# --- evidence: its items, in the folder under their digest ---
p=qzpattern9b4d
printf '\377\330\377\340%s and more of it' "$p" >"$T/item.bin"
check "an exhibit" r evidence new exhibit=E-9 title="Disk of $p" case="$(r incident new title='A case' class=fraud severity=low --json | sed -nE 's/.*"id":"(incident--[^"]*)".*/\1/p')" \
	collected_at=2026-11-20T10:00:00Z collected_how="copied" authority=consent
check "an item of it" r evidence add 1 "$T/item.bin" --name "$p.bin"
grep -rqaF "$p" "$D/evidence"
ok $? "stands in the folder"
r destroy evidence-1 --refer "Hotline" >"$T/said" 2>&1
has "$T/said" '^destroyed' "is destroyed"
nowhere "$p" "no byte of it is left, nor of the chain"
check "another exhibit" r evidence new exhibit=E-10 title="Disk" case=incident-2 collected_at=2026-11-20T10:00:00Z collected_how="copied" authority=consent
check_fails 77 "the item is not taken again" r evidence add 2 "$T/item.bin"
nowhere "$p" "nor kept"

# --- what others keep of a record: indicators, messages ---
p=qzpattern0c5e
echo "{ \"title\": \"$p\", \"class\": \"fraud\", \"severity\": \"low\", \"indicators\": [ { \"domain\": \"$p.example.org\", \"url\": \"http://$p.example.org/$p\" } ] }" >"$T/fields.json"
check "an incident with indicators" r incident new --body "$T/fields.json"
n=$(r incident list --json | sed -nE 's/.*"number":([0-9]+).*"title":"'"$p"'".*/\1/p' | head -1)
check "a call about it" r call new title="Call about $p" about="incident-$n" direction=out result=reached words="$p" at=2026-11-20T10:00:00Z
r destroy "incident-$n" call-1 --refer "Hotline" >"$T/said" 2>&1
has "$T/said" '^destroyed' "both are destroyed"
nowhere "$p" "no byte of them is left, also not in other tables"

# --- killed in the middle: it goes on, and ends ---
p=qzpattern7a3f
{ head_line; for i in $(seq 500); do line "$p-$i" "$((50000 + i))"; done; } >"$T/2026-11-20-scan_telnet-k.csv"
check "a report" r intake "$T/2026-11-20-scan_telnet-k.csv"
report=$(sed -nE 's/.*: report ([0-9]+),.*/\1/p' "$T/out")
check "its destruction begins" r destroy "report:$report" --refer "Hotline" --no-wait
kill -9 "$node_pid"
wait "$node_pid" 2>/dev/null
serve
ok $? "the node died, and serves again"
for _ in $(seq 600); do
	r destruction list --json >"$T/list"
	grep -q '"state":"destroying"' "$T/list" || break
	sleep 0.1
done
has_not "$T/list" '"state":"destroying"' "it went on to its end"
nowhere "$p" "no byte of it is left"

# --- the second person ---
check_fails 77 "who did it does not review it" sh -c "ronda destruction edit 1 -d '$D' review='as it should be' && ronda destruction move 1 reviewed -d '$D'"
api "$URL/destruction/1.json"
is "$status" 200 "a second person reads what was done"
api -F based_on=0 -F move=1 -F state=reviewed "$URL/destruction/1"
is "$status" 303 "and reviews it"
r due --within 2d >"$T/out"
has "$T/out" 'destruction-2' "the others wait for it"
has_not "$T/out" 'destruction-1	' "the first does not"
status=$(curl -s -o "$T/body" -w '%{http_code}' -H "Authorization: Bearer $viewer" "$URL/destruction/1.json")
is "$status" 404 "who has none of the roles sees nothing of it"
check_fails 77 "and it is not destroyed itself" r destroy destruction-1 --refer "Hotline"

# --- in a large team one is enough, too ---
if [ "$(id -u)" = 0 ] && command -v setpriv >/dev/null; then
	chmod 755 "$T"
	as() { u=$1; shift; setpriv --reuid="$u" --regid="$u" --clear-groups "$@"; }
	ronda init "$T/large" --name "Team C" --country MY --team large --account "Admin A" >/dev/null 2>&1
	ronda account -d "$T/large" new "Care A" --roles protection --unix 65533 >/dev/null 2>&1
	stop_node
	{ head_line; line qzpattern8 7; } >"$T/2026-11-20-scan_telnet-z.csv"
	D=$T/large
	serve
	chmod 711 "$D"
	ronda intake -d "$T/large" --no-wait "$T/2026-11-20-scan_telnet-z.csv" >/dev/null
	as 65533 "$RONDA_BUILD/ronda" destroy report:1 -d "$T/large" --refer "Hotline" >"$T/said" 2>&1
	has "$T/said" '^destroyed' "in a large team one person is enough"
	! grep -raqF qzpattern8 "$T/large"
	ok $? "and nothing is left"
	check_fails 77 "but not an administrator" ronda destroy report:1 -d "$T/large" --refer "Hotline"
else
	skip "in a large team one person is enough" "not root, or no setpriv"
fi
stop_node
done_testing
