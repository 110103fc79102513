#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The unit tests of disclosure/ take every branch of every file of it.
#
# Compiled here once more with the compiler's counters, linked with the rest of the build. By rule,
# not by line, these are not counted:
#   an assertion's other side (NDEBUG): only a bug of our own takes it
#   the bounds inside STR_ARG(), which each message repeats
#   of a switch, one way out: that of a value that is none of the enum. Lines nobody ran count as
#   branches not taken, so that a case left out shows.
src=${RONDA_SOURCE:?}/src build=${RONDA_BUILD:?}
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1

if ! command -v gcov >/dev/null || ! command -v gcc >/dev/null; then
	echo "1..0 # SKIP no gcc or gcov"
	exit 0
fi
sanitize=
! nm "$build/librondaall.a" 2>/dev/null | grep -q __asan_init || sanitize=-fsanitize=address,undefined
libraries=$(sed -n '/^build test-disclosure-authz: /,/^ LINK_ARGS/s/^ LINK_ARGS = //p' "$build/build.ninja" |
	grep -o '[^ ]*/lib[^ ]*\.\(so\|a\)[^ ]*\|-l[a-z0-9]*' | tr '\n' ' ')

cat >branches.h <<'EOF'
#include "base/str.h"
#undef STR_ARG
#define STR_ARG(s) (int)(s).n, (s).p
EOF
# without sanitizers: they add branches of their own; counted atomically, as some tests have threads
compile() { # FILE.c
	gcc -std=gnu17 -D_GNU_SOURCE -DNDEBUG -O0 -g --coverage -fprofile-update=atomic -include "$src/base/banned.h" -I"$src" \
		-I/usr/include/json-c -include "$work/branches.h" -c -o "$(basename "$1" .c).o" "$1"
}
status=0
for file in "$src"/disclosure/*.c; do
	compile "$file" || exit 1
done
objects=$(ls ./*.o | grep -v '_test\.o$')
for test in "$src"/disclosure/*_test.c; do
	name=$(basename "$test" .c)
	# a test may have a function of its own in place of a floor below
	gcc --coverage $sanitize -Wl,-z,muldefs -o "$name" "$name.o" $objects \
		-Wl,--start-group "$build/librondaall.a" "$build/librondaparser.a" $libraries -Wl,--end-group \
		2>"$name.err" || { sed 's/^/# /' "$name.err" | head -20; exit 1; }
	RONDA_BUILD="$build" "./$name" >"$name.tap" 2>&1 || { echo "# $name failed here"; status=1; }
done

# taken and all branches of one FILE.c.gcov, then the lines that have others
count='
function line_ends() {
	if (n && line ~ /switch \(/ && missed == 1) { n--; missed = 0 }
	if (line ~ /^ *#####/ && !n) { n = 1; missed = 1 }
	all += n; taken += n - missed
	if (missed) print "# " missed " of " n ": " line >"missed"
	n = missed = 0
}
/^ *[0-9#=-]+\*?: *[0-9]+:/ { line_ends(); line = $0 }
/^branch/ { n++; if (/never executed|taken 0( |$)/) missed++ }
END { line_ends(); printf "%d %d\n", taken, all }'

names=$(ls ./*.o | sed -n '/_test\.o$/d; s/^\.\///; s/\.o$//p')
echo "1..$(echo "$names" | wc -l)"
i=0
for name in $names; do
	i=$((i + 1))
	: >missed
	gcov -b -c "$name.gcda" >/dev/null 2>&1
	set -- $(awk "$count" "$name.c.gcov")
	if [ "${1:-0}" = "${2:-1}" ]; then
		echo "ok $i - all $2 branches of $name.c"
	else
		echo "not ok $i - $1 of $2 branches of $name.c"
		head -20 missed
		status=1
	fi
done
exit $status
