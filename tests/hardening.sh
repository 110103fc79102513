#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The finished binaries have the protection the build asks for.
. "$RONDA_SOURCE/tests/lib.sh"
for b in ronda ronda-parser ronda-mail ronda-crypto ronda-starter; do
	f=$RONDA_BUILD/$b
	readelf -hW "$f" | grep -q 'Type:.*DYN'
	ok $? "$b is position independent"
	readelf -lW "$f" | grep -q GNU_RELRO
	ok $? "$b has RELRO"
	readelf -dW "$f" | grep -qE 'BIND_NOW|Flags:.*NOW'
	ok $? "$b binds now"
	readelf -lW "$f" | grep GNU_STACK | grep -qv 'RWE'
	ok $? "$b has no executable stack"
	readelf -sW "$f" | grep -q '__stack_chk_fail'
	ok $? "$b guards its stack"
	# Debian's crt files lack the IBT note, so the linker drops it; the code has the landing pads.
	[ "$(uname -m)" != x86_64 ] || objdump -d "$f" | grep -q endbr64
	ok $? "$b has control-flow protection"
done
readelf -sW "$RONDA_BUILD/ronda" | grep -qE '_chk@|_chk$'
ok $? "ronda uses the checked libc calls"
! grep -qa RONDA_CLOCK_FILE "$RONDA_BUILD/ronda"
ok $? "a release has no clock that can be moved"
# A library takes the first of two functions of one name without a word.
nm -g --defined-only "$RONDA_BUILD/librondaall.a" "$RONDA_BUILD/librondaparser.a" 2>/dev/null |
	awk '$2 ~ /^[TDBR]$/ { print $3 }' | sort | uniq -d >"$T/out"
is "$(wc -l <"$T/out")" 0 "no two functions have one name"
done_testing
