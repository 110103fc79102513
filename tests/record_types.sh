#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A type that nobody built in, six fields, four states and a clock in one file, and all
# that people do with records on the command line.
. "$RONDA_SOURCE/tests/lib.sh"
unset LANG LC_ALL LC_MESSAGES

ronda init "$D" --name "Team B" --country ID --team small --account "Lead A" >"$T/out" 2>"$T/err"
ok $? "a node is made"
ronda help -d "$D" >"$T/out"
has "$T/out" '^  incident ' "help lists what is built in"
has_not "$T/out" "  visit" "a visit is none of it"
check_fails 64 "so there is no such command" ronda visit -d "$D" list
has "$T/err" "there is no command 'visit'" "and it says so"

mkdir "$D/types"
cat >"$D/types/visit.json" <<'END'
{ "type": "visit", "version": 1, "title": "who",
  "label": { "en": "Visit", "id": "Kunjungan" }, "plural": { "en": "Visits", "id": "Kunjungan" },
  "help": { "en": "People who come to see us.", "id": "Orang yang berkunjung." },
  "fields": {
    "who": { "kind": "text", "max": 80, "share": "open", "required": ["*"], "label": { "en": "Who", "id": "Siapa" } },
    "day": { "kind": "date", "share": "open", "label": { "en": "Day", "id": "Hari" } },
    "purpose": { "kind": "choice", "share": "team", "label": { "en": "Purpose" },
      "choices": { "training": { "en": "Training", "id": "Pelatihan" }, "audit": { "en": "Audit" } } },
    "guests": { "kind": "number", "min": 1, "max": 50, "label": { "en": "Guests" } },
    "badge": { "kind": "text", "max": 20, "share": "open", "label": { "en": "Badge" } },
    "remarks": { "kind": "long", "label": { "en": "Remarks" } }
  },
  "states": {
    "asked": { "label": { "en": "Asked", "id": "Diminta" }, "to": {
      "agreed": { "roles": ["duty", "lead"] }, "declined": { "roles": ["lead"], "why": true } } },
    "agreed": { "label": { "en": "Agreed" }, "to": { "over": { "roles": ["analyst", "lead"] } } },
    "declined": { "label": { "en": "Declined" }, "closed": true },
    "over": { "label": { "en": "Over" }, "closed": true } },
  "clocks": { "answer": { "label": { "en": "To be answered" }, "start": ["asked"],
    "stop": ["agreed", "declined"], "due": "P2D" } },
  "rights": {
    "read": { "viewer": "all", "analyst": "all", "lead": "all" }, "create": { "analyst": "all", "lead": "all" },
    "edit": { "analyst": "all", "lead": "all" }, "move": { "analyst": "all", "lead": "all" },
    "link": { "lead": "all" }, "export": { "lead": "all" }, "import": { "lead": "all" }, "erase": { "lead": "all" } },
  "list": { "columns": ["who", "day", "purpose"], "filters": ["day", "purpose", "guests", "badge"], "sort": "day" } }
END
v() { word=$1; shift; ronda visit "$word" "$@" -d "$D"; }

# --- a command, from the file alone ---
ronda help -d "$D" >"$T/out"
has "$T/out" '^  visit +People who come' "help lists it"
LANG=id_ID.UTF-8 ronda help -d "$D" visit >"$T/out"
has "$T/out" '^  who +Siapa' "with its fields, in the reader's language"
check "one is made" v new who="Team A" day=2026-12-01 purpose=Pelatihan guests=3 --why "they asked"
has "$T/out" '^visit-1 version 1, asked$' "and named"
check "another" v new who="=SUM(A1)" day=2026-11-30 purpose=audit badge=B-2 remarks="two
lines"
check_fails 65 "a wrong value is refused" v new who=X guests=51
has "$T/err" "Guests: '51' is more than 50" "in words that begin with the field"
LANG=id_ID.UTF-8 v new day=2026-12-01 >"$T/out" 2>"$T/err"
has "$T/err" "Siapa: is missing" "in the reader's words for it"
check_fails 65 "several at once" v new day=soon2 guests=0
check_fails 65 "a field that is none" v new who=X gests=1
has "$T/err" "there is no field 'gests' in 'visit' \(do you mean 'guests'\?\)" "is named"
check_fails 65 "an id of one's own" v new who=X id=visit--01234567-89ab-4cde-8f01-23456789abcd
check_fails 65 "a state there is not" v list state=gone
check_fails 65 "a sort that is hostile" v list --sort "day; DROP TABLE record"
check_fails 65 "a filter that is hostile" v list "day' OR 1=1"
check_fails 66 "an id that is a path" v show ../../x
awk 'BEGIN { printf "{\"title\":\"big\",\"text_body\":\""; for (i = 0; i < 1000000; i++) printf "ten bytes."; print "\"}" }' >"$T/big.json"
check_fails 73 "a note of 10 MB" ronda note new --body "$T/big.json" -d "$D"
is "$(wc -l <"$T/err")" 1 "is refused in one sentence"
v list >"$T/out"
is "$(cut -f3 "$T/out" | tr '\n' '/')" "Who/=SUM(A1)/Team A/" "a list has its columns, in its order"
is "$(LANG=id_ID.UTF-8 v list | head -1 | cut -f3)" "Siapa" "in the reader's language"
is "$(LANG=id_ID.UTF-8 v list purpose=training | sed -n 2p | cut -f5)" Pelatihan "of choices too"
is "$(v list --csv | head -1 | tr -d '\r')" '"number","state","who","day","purpose","due","changed"' "names in CSV"
is "$(v list --sort -day --csv | cut -d, -f3 | sed -n 2p)" '"Team A"' "sorted the other way"
is "$(v list purpose=audit --json | wc -l)" 1 "filtered"
is "$(v list 'day>=2026-12-01' --json | wc -l)" 1 "by a bound"
is "$(v list state=asked --json | wc -l)" 2 "by state"
is "$(v list state=over --json | wc -l)" 0 "none is over"
check_fails 65 "not by what is not listed" v list remarks=x
is "$(v search lines --json | number number)" 2 "words are found"
v list --limit 1 >"$T/out" 2>"$T/err"
after=$(sed -n 's/.*--after //p' "$T/err")
is "$(v list --limit 1 --after "$after" | tail -1 | cut -f3)" "Team A" "a list goes on where it ended"
v show 2 >"$T/out"
has "$T/out" '^Purpose: Audit$' "show has labels"
has "$T/out" '^    lines$' "and lines of long texts"
has "$T/out" '^due: 2' "and its clock runs"
is "$(v show visit-1 --json | sed -nE 's/.*"purpose":"([a-z]+)".*/\1/p')" training "and JSON has names"
check_fails 66 "one that is not there" v show 99

# --- changing ---
check "a change" v edit 1 guests=4 badge=B-1
check_fails 78 "a change of what has changed" v edit 1 guests=9 --based-on 1
has "$T/out" 'yours:  9' "shows what you wanted"
has "$T/out" 'stands: 4' "and what stands"
v edit 1 --text >"$T/form"
has "$T/form" '^guests: 4$' "a record is a form"
sed -i 's/^guests: .*/guests: 5/' "$T/form"
check "that can be sent back" v edit 1 --form "$T/form"
is "$(v show 1 --json | sed -nE 's/.*"guests":([0-9]+).*/\1/p')" 5 "and changes what was changed"
echo '{"remarks":"from JSON","badge":null}' >"$T/body.json"
check "JSON does too" v edit 1 --body "$T/body.json"
is "$(v show 1 --json | grep -c '"badge"')" 0 "null takes away"
check_fails 77 "a move that is none" v move 1 over
check_fails 65 "a move that asks why" v move 1 declined
check "a move" v move 1 agreed
check "and the next, by its label" v move 1 Over
v show 1 >"$T/out"
has_not "$T/out" "due:" "its clock has stopped"
is "$(v history 1 --json | wc -l)" 6 "every version is kept"
is "$(v history 1 --csv | sed -n '7p' | cut -d, -f6 | tr -d '\r')" '"they asked"' "with the reason"
is "$(v show 1 1 --json | sed -nE 's/.*"guests":([0-9]+).*/\1/p')" 3 "an old version can be read"
check "a link" v link 1 related visit-2
has "$T/out" '^link [0-9]+$' "has a number"
link=$(sed -n 's/^link //p' "$T/out")
v show 2 >"$T/out"
has "$T/out" "^link $link: <- related visit--.*Team A" "and is seen from the other end"
check "it is taken away" v unlink 1 "$link"

# --- out and in again ---
v export --csv >"$T/out.csv"
is "$(wc -l <"$T/out.csv" | awk '{ print ($1 >= 3) }')" 1 "CSV goes out"
has "$T/out.csv" "\"'=SUM\(A1\)\"" "with nothing a spreadsheet would run"
check "what went out comes in" v import "$T/out.csv"
has "$T/out" '^2 rows: 0 added, 0 changed, 2 the same, 0 refused$' "and changes nothing"
v export --json >"$T/out.json"
check "as JSON too" v import "$T/out.json" --json
has "$T/out" '"rows":2,"added":0,"changed":0,"same":2' "nothing either"
check "the journal has the act" sh -c "ronda journal -d '$D' list --limit 200 --json | grep -q record.export"

awk 'BEGIN { print "Siapa;day;Purpose;guests;badge;kind of nothing"
	for (i = 1; i <= 600; i++) printf "Guest %d;2027-01-%02d;training;%d;G-%d;x\n", i, i % 28 + 1, i % 50 + 1, i }' >"$T/many.csv"
check_fails 65 "a column that is no field is refused" v import "$T/many.csv"
has "$T/err" "column 'kind of nothing' is no field of 'visit'" "by its name"
check "a dry run" v import "$T/many.csv" --map "kind of nothing=" --dry-run
has "$T/out" '^would be: 600 rows: 600 added' "says what would happen"
is "$(v list --json | wc -l)" 2 "and nothing has"
sed '412s/;training;/;holiday;/; 500s/2027/soon/' "$T/many.csv" >"$T/bad.csv"
check_fails 65 "two bad rows" v import "$T/bad.csv" --map "kind of nothing="
has "$T/err" "^row 412: Purpose: 'holiday' is none of training, audit" "the first is named by its row"
has "$T/out" '^600 rows: 0 added, 0 changed, 0 the same, 2 refused$' "counted"
has "$T/err" "^row 500: Day: 'soon-01-.*' is no date" "and the other"
is "$(v list --json | wc -l)" 2 "nothing is half done"
check "without them" v import "$T/many.csv" --map "kind of nothing="
run=$(sed -n 's/^run //p' "$T/out")
is "$(v list --json | wc -l)" 602 "all are there"
sed 's/;training;/;audit;/' "$T/many.csv" >"$T/again.csv"
check "the key finds them again" v import "$T/again.csv" --map "kind of nothing=" --key badge
has "$T/out" '^600 rows: 0 added, 600 changed' "and changes them"
second=$(sed -n 's/^run //p' "$T/out")
is "$(v list purpose=audit --json | wc -l)" 601 "as the file says"
sed -n '1p;2p;2p' "$T/many.csv" >"$T/twice.csv"
check_fails 65 "one record in two rows" v import "$T/twice.csv" --map "kind of nothing=" --key badge
has "$T/err" "^row 3: is the same record as row 2" "is told"
check "the second run is undone" v import undo "$second"
has "$T/out" '^0 erased, 600 put back, 0 left$' "all of it"
is "$(v list purpose=audit --json | wc -l)" 1 "as it was before"
check_fails 78 "not twice" v import undo "$second"
check_fails 78 "the first is not, while its records changed since" v import undo "$run"
is "$(v import list --csv | sed -n 2p | cut -d, -f4)" '"undone"' "the runs are listed"

# --- a run that is cut off goes on, or back ---
# With twice as many rows when it was over before we looked.
cut_off() { # letter of their badges; rows in $rows
	for rows in 800 1600 3200 6400; do
		cut_one "$1" && return
		v import undo "$run" >"$T/out" 2>"$T/err"
	done
	return 1
}
before=$(v list --json | wc -l)
cut_one() {
	awk -v a="$1$rows" -v n=$rows 'BEGIN { for (i = 1; i <= n; i++) printf "{\"who\":\"Cut %d\",\"badge\":\"%s-%d\"}\n", i, a, i }' >"$T/cut.jsonl"
	ronda visit import "$T/cut.jsonl" -d "$D" --tlp GREEN >/dev/null 2>&1 &
	pid=$!
	for _ in $(seq 3000); do
		applied=$(sqlite3 -readonly "$D/main.db" "SELECT applied FROM import_run WHERE state = 1 ORDER BY id DESC LIMIT 1" 2>/dev/null)
		[ "${applied:-0}" = 0 ] || break
		kill -0 $pid 2>/dev/null || break
		sleep 0.01
	done
	kill -9 $pid 2>/dev/null
	wait $pid 2>/dev/null
	run=$(v import list --json | head -1 | number run)
	[ "$(v import list --json | head -1 | sed -nE 's/.*"state":"([a-z ]+)".*/\1/p')" = applying ]
}
cut_off C
ok $? "an import is killed while it is applied"
some=$(v list --json | wc -l)
[ "$some" -gt "$before" ] && [ "$some" -lt $((before + rows)) ]
ok $? "some of it is there"
check "it is resumed" v import resume "$run"
is "$(v list --json | wc -l)" $((before + rows)) "all of it is there, each once"
is "$(v show "$(v list badge=C$rows-$rows --json | number number)" --json | sed -nE 's/.*"tlp":"([A-Z]+)".*/\1/p')" GREEN \
	"marked as it was asked"
check_fails 65 "what is done is not resumed" v import resume "$run"
check "and undone" v import undo "$run"
has "$T/out" "^$rows erased, 0 put back, 0 left\$" "what it made is erased"
cut_off D
ok $? "another is killed"
check "and undone at once" v import undo "$run"
is "$(v list --json | wc -l)" "$before" "nothing of it is left"
is "$(sqlite3 -readonly "$D/main.db" "SELECT count(*) FROM import_row WHERE fields IS NOT NULL")" 0 \
	"nor of what was laid aside"

# --- rights ---
if [ "$(id -u)" = 0 ] && command -v setpriv >/dev/null && chmod 755 "$T" &&
	setpriv --reuid=65534 --regid=65534 --clear-groups "$RONDA_BUILD/ronda" version >/dev/null 2>&1; then
	as() { setpriv --reuid=65534 --regid=65534 --clear-groups "$RONDA_BUILD/ronda" "$@"; }
	ronda account -d "$D" new "Analyst A" --roles analyst --unix 65534 >/dev/null
	serve
	ok $? "a node serves"
	chmod 711 "$D"
	check "an analyst reads" as visit show 2 -d "$D"
	check_fails 77 "moves what he may not" as visit move 2 agreed -d "$D"
	check_fails 77 "exports what he may not" as visit export -d "$D"
	has_not "$T/out" "SUM" "nothing of it came out"
	check_fails 77 "imports what he may not" sh -c "printf 'who\nX\n' | setpriv --reuid=65534 --regid=65534 --clear-groups '$RONDA_BUILD/ronda' visit import - -d '$D'"
	check_fails 77 "erases what he may not" as visit erase 2 --why x -d "$D"
	chmod 700 "$D"
	stop_node
else
	skip "an analyst's rights" "needs root and setpriv"
fi

# --- while a node serves, and a language of the caller's ---
serve
ok $? "a node serves again"
is "$(LANG=id_ID.UTF-8 v list --limit 1 2>/dev/null | head -1 | cut -f3)" "Siapa" "a node that serves speaks the caller's language"
check "erasing" v erase 2 --why "they asked us to"
stop_node
is "$(v list badge=B-2 --json | wc -l)" 0 "it is gone"
v show 2 >"$T/out"
has "$T/out" '^why: they asked us to$' "what is left says why"
ronda verify -d "$D" >"$T/out" 2>"$T/err"
ok $? "and all is sound"
cp "$D/types/visit.json" "$T/visit.json"
sed 's/"kind": "date"/"kind": "dat"/' "$T/visit.json" >"$D/types/visit.json"
check_fails 65 "a type file with an error stops the node" ronda visit -d "$D" list
has "$T/err" "types/visit.json:6: there is no kind 'dat' \(do you mean 'date'\?\)" "and names file, line and reason"
done_testing
