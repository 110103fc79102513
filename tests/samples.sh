#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Real samples, where they are at hand: the records of every file add up.
. "$RONDA_SOURCE/tests/lib.sh"
samples=$SHARED/data/samples
if [ ! -d "$samples" ]; then
	skip "real samples" "no samples beside this tree"
	done_testing
fi
ronda init "$D" --name "Team B" --country ID >/dev/null 2>&1
taken=0
wrong=0
refused=
for f in $(find "$samples/shadowserver/reports" "$samples/blocklists" "$samples/intelmq" "$samples/feeds" \
	"$samples/hostile/own" "$samples/hostile/json" "$samples/hostile/csv-spectrum" -type f ! -name SOURCES.md | sort); do
	ronda intake -d "$D" --no-wait --json "$f" >"$T/sum" 2>"$T/err"
	code=$?
	equation "$T/sum" || { wrong=$((wrong + 1)); echo "# does not add up: $f"; }
	case $code in
	0) taken=$((taken + 1)) ;;
	65) refused="$refused ${f#"$samples"/}" ;;
	*) wrong=$((wrong + 1)); echo "# exit $code: $f: $(cat "$T/err")" ;;
	esac
done
is $wrong 0 "every file adds up"
[ $taken -gt 100 ]
ok $? "most are taken in ($taken)"
for f in $refused; do echo "# no format here: $f"; done
check "and the store is sound" ronda verify -d "$D"
done_testing
