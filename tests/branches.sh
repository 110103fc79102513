#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Every branch of the two checks is taken by their tests: what may leave, who may do.
# Compiled here once more with the compiler's counters, linked with the rest of the build.
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

count=0 failed=0
measure() { # file of src/disclosure, its test
	# without sanitizers: they add branches of their own
	for file in "$1" "$2"; do
		gcc -std=gnu17 -D_GNU_SOURCE -O0 -g --coverage -include "$src/base/banned.h" -I"$src" \
			-c -o "$file.o" "$src/disclosure/$file.c" || return 1
	done
	gcc --coverage $sanitize -o "$1" "$1.o" "$2.o" \
		-Wl,--start-group "$build/librondaall.a" "$build/librondaparser.a" -Wl,--end-group \
		-lsodium -ljson-c -lsqlite3 -lzstd -lz -lidn2 -lpsl -lloc -lseccomp -lm 2>"$1.err" ||
		{ sed 's/^/# /' "$1.err" | head -20; return 1; }
	"./$1" >"$1.tap" || return 1
	gcov -b -c "$1.gcda" >"$1.sum" 2>/dev/null
	figure=$(awk -v f="disclosure/$1.c'" 'index($0, f) { on = 1 } on && /^Taken at least once/ {
		sub(/^[^:]*:/, ""); print; exit }' "$1.sum")
	echo "# $1.c: branches taken: $figure"
	grep -n 'branch .*\(never executed\|taken 0\( \|$\)\)' "$1.c.gcov" | head -20 | sed 's/^/# /'
	case $figure in 100.00%*) return 0 ;; esac
	return 1
}
echo "1..2"
for pair in authz:authz_test check:check_test; do
	count=$((count + 1))
	if measure "${pair%:*}" "${pair#*:}"; then
		echo "ok $count - every branch of ${pair%:*}.c"
	else
		failed=1
		echo "not ok $count - every branch of ${pair%:*}.c"
	fi
done
exit $failed
