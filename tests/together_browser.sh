#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The page of one item and several teams in a real browser, in both languages and at both widths, with axe-core looking.
. "$RONDA_SOURCE/tests/lib.sh"
. "$RONDA_SOURCE/tests/exchange_lib.sh"
unset LANG LC_ALL LC_MESSAGES RONDA_DIR
B=$RONDA_SOURCE/tests/browser
if ! command -v node >/dev/null || ! command -v chromium >/dev/null || ! "$B/install" >"$T/out" 2>&1; then
	tail -3 "$T/out" | sed 's/^/# /'
	skip "the page of several teams in a browser" "no node or chromium, or npm's registry is not reached"
	done_testing
fi
within() { # command...: until it succeeds, a minute at most
	for _ in $(seq 300); do
		! "$@" || return 0
		sleep 0.2
	done
	return 1
}
check "two nodes" two_nodes
A=$T/a B_=$T/b
check "an incident" ronda incident -d "$A" new "title=Mail server taken over" class=intrusions severity=high "summary=A web shell was found"
check "is worked on" ronda incident -d "$A" move 1 open
I=$(ronda incident -d "$A" show 1 --json | grep -oE 'incident--[-0-9a-f]{36}' | head -1)
within ronda incident -d "$B_" show "$I" >"$T/out" 2>"$T/err"
ok $? "B has it"
asked=$(ronda incident -d "$B_" say "$I" "Is the host still up? We have seen the same web shell on 3 machines since last week, and the one who made it comes back each night to look what became of it" --what question 2>"$T/err")
asked_there() { ronda incident -d "$A" words 1 2>/dev/null | grep -q "host still up"; }
within asked_there
ok $? "A sees what B asks"
check "A answers" ronda incident -d "$A" say 1 "It is off the net" --reply "$asked"
check "and offers it" ronda incident -d "$A" offer 1 --to 1 --why "The host is in your country"
offered() { ronda incident -d "$B_" words "$I" 2>/dev/null | grep -q "in your country"; }
within offered
ok $? "B sees the offer"
for n in a b; do
	ronda account -d "$T/$n" new "Duty" --roles duty >"$T/out" 2>"$T/err"
	once=$(ronda account -d "$T/$n" invite "Duty" 2>/dev/null | sed -nE 's,.*/welcome\?once=,,p')
	eval "link_$n=$(head -1 "$T/$n.address")/welcome?once=$once"
done
HOME=$T timeout 300 node "$B/together.js" "$link_a" /incident/1 "$link_b" "/incident/$I" ${PICTURES:+"$PICTURES"} >"$T/seen" 2>"$T/err"
while read -r word rest; do
	case $word in
	ok) ok 0 "$rest" ;;
	not) ok 1 "${rest#ok }" ;;
	'#') echo "# $rest" ;;
	esac
done <"$T/seen"
has "$T/seen" '^done$' "the browser came to the end"
end_nodes
done_testing
