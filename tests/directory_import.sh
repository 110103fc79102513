#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Other people's directories become ours: 5,000 organisations and 200,000 contacts in the forms
# teams, registries and sites publish; the second import changes nothing, undo restores. Then
# contacts of last resort, duplicates, merge and back, by command and page.
. "$RONDA_SOURCE/tests/lib.sh"
unset LANG LC_ALL LC_MESSAGES
good='kelapa muda di tepi jalan'
made() { awk -v form="$1" -v from="$2" -v n="$3" -v mark="${4:-}" -f "$RONDA_SOURCE/tests/directory.awk" >"$T/$1.$5"; }
dir() { ronda directory -d "$D" "$@"; }
# What stands, without versions, times and authors; what was erased is no more.
state() {
	ronda organisation -d "$D" export --json >"$T/all" 2>"$T/err" || return 1
	grep -v '"erased":true' "$T/all" | sed -E 's/"(version|number)":[0-9]+,?//g; s/"(changed|why|author)":"[^"]*",?//g' |
		sort | sha256sum | cut -c1-64
}
number() { sed -nE "s/.*\"$1\":([0-9]+).*/\1/p" "$T/out" | head -1; }

ronda init "$D" --name "Team B" --country ID --team small --account "Lead A" >"$T/out" 2>"$T/err"
ok $? "a node is made"
made ti 1 1500 "" json
made first 1 1500 "" json
made cerebrate 1 1000 "" json
made csv 1 1000 "" csv
made rpsl 1 160000 "" txt
gzip -f "$T/rpsl.txt"
check "the forms are listed" dir forms
has "$T/out" '^cerebrate.*organisations' "with what they bring"

# --- organisations ---
by_hand() { # JSON, name of the check
	printf '%s\n' "$1" >"$T/one.json"
	check "$2" ronda organisation -d "$D" import "$T/one.json" --why "by hand"
}
by_hand '{"name":"TI 7","kind":"csirt","country":"KH","contacts":[{"role":"abuse","email":"desk1@ti7.example.org","name":"Ours"}]}' "one stands already"
before=$(state)
is "${#before}" 64 "what stands has a digest"
check "what would come is said" dir import "$T/ti.json" --dry-run --json
is "$(number added)" 1499 "all but the one that stands"
is "$(state)" "$before" "and nothing is changed"
organisations=0 contacts=0 runs=
for f in ti.json first.json cerebrate.json csv.csv; do
	form=${f%.*}
	check "$form is imported" dir import "$T/$f" --form "$form" --json
	organisations=$((organisations + $(number organisations)))
	contacts=$((contacts + $(number contacts)))
	runs="$(number run) $runs"
done
is "$organisations" 5000 "organisations add up"
is "$contacts" 40000 "and their contacts"
is "$(ronda organisation -d "$D" export --json 2>/dev/null | grep -c '"state":"active"')" 5000 "as many stand"
after=$(state)
is "$(grep -oE '"(email|phone)":"' "$T/all" | wc -l)" 40000 "each contact stands"
ronda organisation -d "$D" show 1 --json >"$T/out" 2>"$T/err"
has "$T/out" '"name":"Ours"' "a contact entered by a person stays as it was"
for f in ti.json first.json cerebrate.json csv.csv; do
	dir import "$T/$f" --form "${f%.*}" --json >"$T/out" 2>"$T/err"
	is "$(number run) $(number added) $(number changed)" "0 0 0" "${f%.*} a second time changes nothing"
done
is "$(state)" "$after" "to the byte"

# --- contacts of last resort ---
made rpsl 1 100 old txt
check "a registry's dump" dir import "$T/rpsl.txt" --json
is "$(number entries)" 100 "has its ranges"
old=$(dir contacts 2>/dev/null | awk '/whois:test/ { print $NF }')
check "a larger one, packed" dir import "$T/rpsl.txt.gz" --json
is "$(number entries) $(number contacts)" "160000 160000" "adds up: 200,000 contacts in all"
check "a second time" dir import "$T/rpsl.txt.gz" --json
has "$T/out" '"same":true' "changes nothing"
check "who answers for an address nobody claims" ronda who -d "$D" 100.64.0.9 --json
has "$T/out" '"email":"abuse@net1.example.org".*"source":"whois:test"' "is told with its source"
check "and for one of IPv6, by its organisation" ronda who -d "$D" 2001:db8:2:70fe::1 --json
has "$T/out" 'abuse@net159998.example.org' "too"
check "the table before" dir contacts undo whois:test
is "$(dir contacts 2>/dev/null | awk '/whois:test/ { print $NF }')" "$old" "stands again, by its digest"
mkfifo "$T/endless"
ronda directory -d "$D" import - --form rpsl --source whois:test <"$T/endless" >"$T/out" 2>"$T/err" &
importer=$!
{ gzip -dc "$T/rpsl.txt.gz"; exec sleep 60; } >"$T/endless" &
feeder=$!
for i in $(seq 600); do
	ls -l "/proc/$importer/fd" 2>/dev/null | grep -q 'spill-.*(deleted)' && break
	sleep 0.1
done
ls -l "/proc/$importer/fd" 2>/dev/null | grep -q 'spill-.*(deleted)'
ok $? "a dump that does not fit memory goes to the disk, under no name"
kill -9 "$importer"
wait "$importer" 2>"$T/err"
kill "$feeder" 2>"$T/err"
is "$(dir contacts 2>/dev/null | awk '/whois:test/ { print $NF }')" "$old" "cut in the middle, the table before stands"
is "$(ls "$D" | grep -c '^spill-')" 0 "and nothing is left behind"
printf 'Contact: mailto:security@sub.example.net\nExpires: 2099-01-01T00:00:00Z\n' >"$T/security.txt"
check "a security.txt" dir import "$T/security.txt" --subject example.net
check "is known" ronda who -d "$D" www.example.net
has "$T/out" 'last resort.*security@sub.example.net' "for what is below its domain"
check_fails 77 "sites are not asked before it is switched on" dir refresh --security-txt example.net

printf 'inetnum: 198.51.100.0 - 198.51.100.255\nnetname: NET\nabuse-c: D-OTHER\nsource: OTHER\n\nrole: D\nnic-hdl: D-OTHER\nabuse-mailbox: desk@other.example.org\n' >"$T/other.txt"
check "another registry's" dir import "$T/other.txt"
is "$(dir contacts 2>/dev/null | grep -c '^whois:')" 2 "stands beside the first"
printf '198.51.100.7\n' >"$T/list.txt"
check "something is reported there" ronda intake -d "$D" --feed local "$T/list.txt"

# --- back ---
for run in $runs; do
	ronda organisation -d "$D" import undo "$run" --why "a test" >"$T/out" 2>"$T/err"
	ok $? "run $run is undone"
done
is "$(state)" "$before" "all is as it was, to the byte"

# --- duplicates ---
by_hand '{"name":"PT Bank Kelapa","kind":"constituent","country":"ID","website":"https://kelapa.example.org/"}' "one"
by_hand '{"name":"Bank Kelapa Tbk","kind":"constituent","country":"ID","contacts":[{"role":"abuse","email":"abuse@kelapa.example.org"}]}' "and the same again"
check "are shown" dir duplicates --json
has "$T/out" '"name":"PT Bank Kelapa".*"other_name":"Bank Kelapa Tbk".*nearly the same name' "with the reason"
one=$(number number) two=$(number other_number)
apart=$(state)
check_fails 65 "not merged without a reason" dir merge "$one" "$two"
check "merged" dir merge "$one" "$two" --why "one bank" --json
ronda organisation -d "$D" show "$one" --json >"$T/out" 2>"$T/err"
has "$T/out" 'abuse@kelapa.example.org' "the one has what the other knew"
check "not shown again" dir duplicates --json
is "$(wc -l <"$T/out")" 0 "as one is former"
check "and taken back" dir unmerge "$two"
is "$(state)" "$apart" "both as they were, to the byte"

# --- the page, without JavaScript ---
ronda account -d "$D" new "Duty A" --roles duty >"$T/out" 2>"$T/err"
serve
ok $? "a node serves"
once=$(ronda account -d "$D" invite "Duty A" 2>/dev/null | sed -nE 's,.*/welcome\?once=,,p')
curl -s -o /dev/null -c "$T/jar" --data-urlencode "once=$once" --data-urlencode "new=$good" "$URL/welcome"
go() { curl -s -o "$T/out" -D "$T/head" -w '%{http_code}' --max-time 60 -b "$T/jar" -H 'Accept: text/html' "$@" 2>"$T/err"; }
is "$(go "$URL/organisation/duplicates")" 200 "a page of them"
has "$T/out" 'Bank Kelapa Tbk' "names both"
has "$T/out" 'nearly the same name' "with the reason"
csrf=$(sed -nE 's/.*name="csrf" value="([^"]*)".*/\1/p' "$T/out" | head -1)
keep=$(sed -nE 's/.*name="keep" value="([^"]*)".*/\1/p' "$T/out" | head -1)
other=$(sed -nE 's/.*name="other" value="([^"]*)".*/\1/p' "$T/out" | head -1)
is "$(go --data-urlencode "keep=$keep" --data-urlencode "other=$other" --data-urlencode "why=one bank" "$URL/organisation/duplicates")" 403 "its form needs its token"
is "$(go --data-urlencode "csrf=$csrf" --data-urlencode "keep=$keep" --data-urlencode "other=$other" --data-urlencode "why=one bank" "$URL/organisation/duplicates")" 303 "and merges"
go "$URL/organisation/duplicates?merged=1" >/dev/null
has "$T/out" 'They are one now' "which is said"
is "$(go --data-urlencode "csrf=$csrf" --data-urlencode "undo=$other" "$URL/organisation/duplicates")" 303 "and takes back"
go "$URL/who?q=www.example.net" >/dev/null
has "$T/out" 'security@sub.example.net' "a page tells contacts of last resort"
finding=$(curl -s -b "$T/jar" "$URL/findings.json" | grep -oE '"id":"[0-9a-f]{32}"' | head -1 | cut -d'"' -f4)
is "$(go "$URL/findings/$finding")" 200 "the finding's page"
has "$T/out" 'desk@other.example.org' "too, as nobody in the directory is concerned"
check "the node's checks find nothing" ronda verify -d "$D"
done_testing
