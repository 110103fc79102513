#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Limits that people meet (docs/limits.md): one below, at, one above.
. "$RONDA_SOURCE/tests/lib.sh"
ronda init "$D" --name "Team B" --country ID >/dev/null 2>&1

addresses() { seq "$1" | awk '{ printf "198.18.%d.%d\n", $1 / 256, $1 % 256 }'; }
for n in 9999 10000; do
	is "$(addresses $n | ronda who -d "$D" --json - | wc -l)" $n "who answers $n lines"
done
addresses 10001 >"$T/many"
check_fails 73 "and not 10001" sh -c "ronda who -d '$D' - <'$T/many'"
has "$T/err" '10000' "naming the limit"

filters() { seq "$1" | awk '{ printf " extra.k%d=x", $1 }'; }
for n in 15 16; do
	# shellcheck disable=SC2046
	check "$n conditions at once" ronda events -d "$D" $(filters $n)
done
# shellcheck disable=SC2046
check_fails 73 "and not 17" ronda events -d "$D" $(filters 17)

organisations() { echo 'name,kind,country'; seq "$1" | sed 's/.*/Team &,constituent,ID/'; }
for n in 99999 100000; do
	organisations $n >"$T/orgs.csv"
	ronda directory -d "$D" import --dry-run --json "$T/orgs.csv" >"$T/out" 2>"$T/err"
	is "$(number added <"$T/out")" $n "a directory of $n organisations"
done
organisations 100001 >"$T/orgs.csv"
check_fails 73 "and not of 100001" ronda directory -d "$D" import --dry-run "$T/orgs.csv"
done_testing
