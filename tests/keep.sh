#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Events are kept as long as keep_events says: with a clock that is moved, the old day goes by itself, what is
# held and what was found stay, and the journal says so.
. "$RONDA_SOURCE/tests/lib.sh"
. "$RONDA_SOURCE/tests/clock.sh"
at "2026-11-01 09:00"
ronda init "$D" --name "Team B" --country ID >"$T/out" 2>"$T/err"
ok $? "a node is made"
printf 'keep_events = 30d\n' >>"$D/ronda.conf"
check "a feed" r feed add scan --tlp GREEN
scan() { # day, last digit
	printf '{"time.source":"%sT08:00:00Z","classification.type":"vulnerable-system","source.ip":"192.0.2.%s","source.port":23}\n' "$1" "$2"
}
scan 2026-11-01 1 >"$T/one"
scan 2026-11-02 2 >"$T/two"
check "a report of the first day" r intake --feed scan "$T/one"
at "2026-11-02 09:00"
check "and one that is held" r intake --feed scan "$T/two"
check "held" r hold set report 2 --reason "asked for by a court"
check "the node serves" serve
at "2026-11-30 09:00"
scan 2026-11-30 3 >"$T/three"
check "a report of the thirtieth day" r intake --feed scan "$T/three"
sleep 1.5
is "$(r events --json | wc -l)" 3 "a day before its time nothing is gone"
at "2026-12-04 09:00"
gone() { [ "$(r events --json | wc -l)" = 2 ]; }
for _ in $(seq 600); do
	! gone || break
	sleep 0.1
done
is "$(r events --json | sed -nE 's/.*"source.ip": ?"([^"]*)".*/\1/p' | sort | xargs)" "192.0.2.2 192.0.2.3" \
	"the old one goes by itself, what is held stays"
is "$(r findings --json | wc -l)" 3 "its finding stays"
r journal list --json >"$T/out"
is "$(grep -c '"act": *"forget"' "$T/out")" 1 "one line of the journal says so"
grep '"forget"' "$T/out" | grep -q '"actor": *"retention"'
ok $? "and by what"
at "2026-12-04 23:00"
sleep 1.5
is "$(r journal list --json | grep -c '"act": *"forget"')" 1 "the same day there is nothing more to do"
stop_node
check "and all is sound" r verify
done_testing
