#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Who may include whom. Each folder under src/ uses only the floors below it;
# private headers stay in their folder; and pages, commands and duties read
# items through disclosure/read.h alone, records through read_records.h and change.h.
# Made-up trees show that it can fail.

src=${RONDA_SOURCE:-$(dirname "$0")/..}/src
made=$(mktemp -d) || exit 1
trap 'rm -rf "$made"' EXIT

# Prints a line for each thing wrong in the tree $1.
violations() {
	(cd "$1" && find . -type f \( -name '*.c' -o -name '*.h' -o -name '*.def' \) | sed 's,^\./,,' |
		sort | xargs awk '
	BEGIN {
		n = split("base event stix http mail store record enrich intake route disclosure notify DUTY " \
			  "node web cli", order, " ")
		for (i = 1; i <= n; i++)
			rank[order[i]] = i
		rank["exchange"] = rank["notify"]
		split("events.h quarantine.h upkeep.h backup.h rewrite.h", list, " ")
		for (i in list)
			unread["store/" list[i]] = 1
		unread["route/findings.h"] = 1
		unread["route/lives.h"] = 1
		records["record/record.h"] = 1
		engine = "(^|[^a-z0-9_])(record_(put|link|unlink|erase|load|load_number|load_version|" \
			 "history|links|list|set_due)|file_put|file_read)[ \t]*\\("
		readers = "(^|[^a-z0-9_])(events_scan|events_count|findings_list|findings_get|" \
			  "transitions_read|lives_each|ledger_counts|ledger_silent|quarantine_list|quarantine_get|raw_open|raw_read|" \
			  "batch_find|batch_find_extra|batch_row_json|cell_text|cell_format|cell_ip|" \
			  "cell_net)[ \t]*\\("
	}
	function floor_of(folder) { return folder in rank ? folder : "DUTY" }
	function bad(words) { printf "%s:%d: %s\n", FILENAME, FNR, words }
	FNR == 1 {
		folder = FILENAME ~ /\// ? substr(FILENAME, 1, index(FILENAME, "/") - 1) : ""
		is_test = FILENAME ~ /_test\.c$/ || FILENAME ~ /\/test_[^\/]*\.h$/
		floor = floor_of(folder)
		outer = folder != "" && !is_test &&
			(floor == "notify" || floor == "exchange" || floor == "DUTY" || floor == "web" || floor == "cli")
	}
	# What is a copy of a partner'"'"'s, and who the partners are, is nobody'"'"'s view: no reader of these tells anything;
	# nor is what follows, in its own job, from what teams say to each other.
	{ copies = FILENAME ~ /^(.*\/)?exchange\/(take(_[a-z_]+)?|together(_[a-z_]+)?|handover_follow|who_knows_answer|partner|pairing(_[a-z_]+)?|line|exchange_world)\.[ch]$/ }
	outer && $0 ~ readers && $0 !~ /^[ \t]*\*/ {
		bad("reads items past disclosure/read.h")
	}
	# route keeps its table as the records of organisations say
	folder != "" && !is_test && rank[floor] > rank["record"] && folder != "disclosure" &&
	folder != "route" && folder != "node" && !copies && $0 ~ engine && $0 !~ /^[ \t]*\*/ {
		bad("reaches records past disclosure/read_records.h and change.h")
	}
	/^[ \t]*#[ \t]*include[ \t]*"/ {
		path = $0
		sub(/^[^"]*"/, "", path)
		sub(/".*/, "", path)
		if (path ~ /(^|\/)\.\.?(\/|$)/)
			bad("a path that goes up or names \".\"")
		if (path !~ /\//)
			next
		to = substr(path, 1, index(path, "/") - 1)
		# a helper program speaks the language of the starter that runs it
		helper = FILENAME ~ /_main\.c$/ && path == "base/starter_private.h"
		if (path ~ /_private\.h$/ && to != folder && !is_test && !helper)
			bad("private header of " to)
		# which events were of a finding that is held back: to recall them, nobody is told what they say
		if (outer && path in unread && FILENAME !~ /(^|\/)exchange\/withdraw_held\.c$/)
			bad(path " is read through disclosure/read.h")
		if (outer && !copies && path in records)
			bad(path " is reached through disclosure/read_records.h and change.h")
		if (folder == "" || is_test || to == folder)
			next
		if (floor_of(to) == "DUTY" && floor == "DUTY")
			bad("a duty includes another")
		else if (rank[floor_of(to)] >= rank[floor])
			bad(folder " stands below " to)
		else if (to != "base" && (folder == "event" || folder == "http" || (folder == "mail" && to != "http")))
			bad(folder " uses base only")
		else if (to == "http" && floor != "web" && floor != "node" && floor != "notify" && floor != "exchange" && floor != "mail")
			bad(folder " speaks no HTTP")
	}')
}

count=0
failed=0
answer() { # ok? words
	count=$((count + 1))
	if [ "$1" = 0 ]; then
		echo "ok $count - $2"
	else
		failed=1
		echo "not ok $count - $2"
	fi
}

# A tree with one file $2 of one line $3: $1 = 1 when that is wrong.
try() {
	rm -rf "$made/src"
	mkdir -p "$made/src/$(dirname "$2")"
	printf '%s\n' "$3" > "$made/src/$2"
	violations "$made/src" > "$made/found"
	found=0
	[ -s "$made/found" ] && found=1
	[ "$found" = "$1" ]
	answer $? "$([ "$1" = 1 ] && echo refused || echo allowed): $2 with $3"
}

echo "1..63"
violations "$src" > "$made/tree"
sed 's/^/# /' "$made/tree"
[ ! -s "$made/tree" ] && [ -f "$src/disclosure/read.h" ]
answer $? "the tree keeps its floors"

try 0 store/a.c '#include "event/batch.h"'
try 1 event/a.c '#include "store/store.h"'
try 1 store/a.c '#include "record/journal.h"'
try 1 route/a.h '# include "disclosure/check.h"'
try 1 http/a.c '#include "event/fields.h"'
try 1 store/a.c '#include "http/http.h"'
try 0 web/a.c '#include "http/http.h"'
try 1 node/a.c '#include "web/web.h"'
try 1 web/a.c '#include "../store/events.h"'
try 1 web/a.c '#include "store/events.h"'
try 1 cli/a.c '	#include "store/quarantine.h"'
try 1 cli/a.c '#include "store/upkeep.h"'
try 1 web/a.c '#include "store/backup.h"'
try 1 web/a.c '#include "route/findings.h"'
try 0 exchange/withdraw_held.c '#include "route/findings.h"'
try 1 exchange/withdraw.c '#include "route/findings.h"'
try 0 web/a.c '#include "disclosure/read.h"'
try 1 web/a.c '	rc = events_scan(r, &q, each, NULL, err);'
try 1 cli/a.c '	s = cell_text(v->row->batch, c);'
try 0 cli/a.c '	rc = read_events(r, v, &q, each, NULL, err);'
try 0 node/a.c '	rc = events_scan(r, &q, each, NULL, err);'
try 1 node/a.c '#include "store/store_private.h"'
try 0 store/a.c '#include "store/store_private.h"'
try 0 intake/a_main.c '#include "base/starter_private.h"'
try 1 intake/a.c '#include "base/starter_private.h"'
try 0 intake/a_test.c '#include "store/store_private.h"'
try 1 drill/a.c '#include "store/events.h"'
try 1 drill/a.c '#include "incident/incident.h"'
try 0 drill/a.c '#include "disclosure/read.h"'
try 1 drill/a.c '#include "node/node.h"'
try 0 notify/a.c '#include "http/fetch.h"'
try 1 notify/a.c '#include "record/record.h"'
try 0 drill/a.c '#include "notify/notify.h"'
try 0 exchange/a.c '#include "http/fetch.h"'
try 1 exchange/a.c '#include "notify/notify.h"'
try 1 notify/a.c '#include "exchange/partner.h"'
try 1 exchange/a.c '#include "record/record.h"'
# copies of partners' records: these files alone, and nothing else of them
try 0 exchange/take_record.c '#include "record/record.h"'
try 0 exchange/pairing_keep.c '	return record_put(tx, r, &c, a, &out, NULL, 0, NULL, err);'
try 0 exchange/partner.c '	rc = record_list(c, t, &q, each, NULL, err);'
try 0 exchange/line.c '#include "record/record.h"'
try 1 exchange/taker.c '	rc = record_load(c, t, id, a, &r, err);'
try 1 exchange/partners.c '#include "record/record.h"'
try 1 exchange/partner_keys.c '	rc = record_list(c, t, &q, each, NULL, err);'
try 1 exchange/outline.c '	rc = record_load(c, t, id, a, &r, err);'
try 1 notify/take_record.c '#include "record/record.h"'
try 1 web/partner.c '	rc = record_load(c, t, id, a, &r, err);'
try 1 exchange/take_record.c '	rc = events_scan(r, &q, each, NULL, err);'
try 0 drill/a.c '#include "exchange/partner.h"'
try 1 notify/a.c '#include "drill/drill.h"'
try 1 web/a.c '	rc = record_load(c, t, id, a, &r, err);'
try 1 cli/a.c '	rc = record_list(c, t, &q, each, NULL, err);'
try 1 drill/a.c '	return record_put(tx, r, &c, a, &out, NULL, 0, NULL, err);'
try 1 intake/a.c '	rc = record_history(c, t, id, 0, each, NULL, err);'
try 1 web/a.c '	rc = file_read(rd, &d, &out, err);'
try 1 drill/a.c '#include "record/record.h"'
try 0 drill/a.c '#include "disclosure/change.h"'
try 0 cli/a.c '	rc = read_record(r, t, v, id, a, &out, err);'
try 0 web/a.c '	rc = read_record_links(r, t, v, id, a, each, NULL, err);'
try 0 node/a.c '	rc = record_list(c, t, &q, each, NULL, err);'
try 0 web/a.c ' * record_load() is not for pages'
try 0 web/a_test.c '	rc = record_load(c, t, id, a, &r, err);'
exit $failed
