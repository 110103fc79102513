#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What a partner says twice, shuffled and by several connections at once leaves the same behind as said once and in
# order: events, first and second versions of records. RONDA_SHUFFLE_MESSAGES: how many.
. "$RONDA_SOURCE/tests/lib.sh"
. "$RONDA_SOURCE/tests/exchange_lib.sh"
count_of=${RONDA_SHUFFLE_MESSAGES:-200}
seed=${RONDA_SHUFFLE_SEED:-$$}
made_partner "$T/c" cccccccc-0000-4000-8000-000000000001
# What stands there, without what each node says of itself: ids, numbers, when it came.
state() { # directory
	ronda events -d "$1" --limit 1000000 --json 2>/dev/null | sed -E 's/"(id|time.observation|ronda\.[a-z_]*|feed\.[a-z_]*)": ?[^,}]*,?//g' | sort
	sqlite3 -readonly "$1/main.db" "SELECT hex(r.uuid), r.version, s.name, r.tlp, r.exercise, r.erased, r.title, v.body FROM record r
		JOIN record_name t ON t.id = r.type JOIN record_name s ON s.id = r.state JOIN record_version v ON v.id = r.version_id
		WHERE t.name = 'warning' ORDER BY r.uuid"
}
for way in order shuffled; do
	D=$T/$way
	ronda init "$D" --name "Team B" --country ID --team small --account "Lead A" >"$T/out" 2>"$T/err"
	with_exchange "$D"
	start_node "$D"
	ok $? "a node for what comes $way"
	line=$(ronda partner -d "$D" invite 2>/dev/null)
	"$HELPERS/ronda-partner" accept "$T/c" "$line" "Team C" >"$T/out" 2>"$T/err"
	ok $? "is paired"
	check "and confirmed" ronda partner -d "$D" confirm partner-1
	if [ $way = order ]; then
		check "$count_of messages, once, in order" "$HELPERS/ronda-partner" storm "$T/c" "$count_of" 1 0
	else
		echo "# seed $seed"
		check "the same twice, shuffled" "$HELPERS/ronda-partner" storm "$T/c" "$count_of" 2 "$seed"
	fi
	end_nodes
	check "all is sound" ronda verify -d "$D"
	state "$D" >"$T/state-$way"
done
is "$(ronda events -d "$D" --json | wc -l)" $(((count_of + 3) / 4)) "each event once"
cmp "$T/state-order" "$T/state-shuffled" >"$T/out" 2>&1
ok $? "the same end state"
[ "$(wc -l <"$T/state-order")" = $(((count_of + 3) / 4 + (count_of + 2) / 4 + count_of / 4)) ]
ok $? "with all of them in it"
done_testing
