#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What the documents and the help say is there, and works as it stands.
. "$RONDA_SOURCE/tests/lib.sh"
cd "$RONDA_SOURCE" || exit 1

# --- help, from the tables ---
for name in $(sed -nE 's/^COMMAND\(([a-z]+)\).*/\1/p' src/commands.def); do
	ronda help "$name" >"$T/out" 2>"$T/err"
	ok $? "there is help for $name"
	has "$T/out" "^ronda $name - [a-z].{8}" "  a brief sentence"
	is "$(sed -n '/^usage: /,/^[A-Z][a-z]*:$/p' "$T/out" | sed '1d;$d' | tr -d '\n' | wc -c | awk '{ print ($1 >= 20) }')" 1 "  a text"
	is "$(sed -n '/^Example:/,$p' "$T/out" | grep -cE "^  (.*\| )?ronda $name( |$)")" 1 "  and an example"
done
for name in $(sed -nE 's/^SETTING\(([a-z_]+),.*/\1/p' src/settings.def); do
	ronda settings -d "$T" --json "$name" >"$T/out" 2>"$T/err"
	has "$T/out" '"what":"[A-Za-z][^"]{19,}[.]"' "the setting $name has a sentence"
	grep -q "\`$name\`" docs/running.md || echo "# $name is not in docs/running.md"
done
ronda help man >"$T/ronda.1"
if command -v man >/dev/null; then
	MANROFFSEQ='' man --warnings -l "$T/ronda.1" >"$T/out" 2>"$T/err"
	is "$(cat "$T/err")" "" "the manual page renders without a warning"
	[ "$(wc -l <"$T/out")" -gt 100 ]
	ok $? "and is a whole one"
else
	skip "the manual page renders" "no man here"
fi
for name in $(sed -nE 's/^FORMAT\(([a-z]+)\).*/\1/p' src/intake/formats.def); do
	has docs/intake.md "\`$name\`" "docs/intake.md knows the format $name"
done
for path in $(sed -nE 's/^(ROUTE|BODY|UPLOAD)\(([A-Z]+, )?"([^"]*)".*/\3/p' src/routes.def | sort -u); do
	case $path in /log*) continue ;; esac
	has docs/http.md "$(echo "$path" | sed 's/[*]/ID/; s/[*]/N/')" "docs/http.md knows $path"
done

for path in $(sed -nE 's/^UNDER\("([^"]*)".*/\1/p' src/routes.def); do
	has docs/http.md "\`$path" "docs/http.md knows what begins with $path"
done

# --- links ---
for doc in README.md docs/*.md; do
	for link in $(grep -oE '\]\([^)#:]+\)' "$doc" | sed 's/^](//; s/)$//'); do
		[ -e "$(dirname "$doc")/$link" ]
		ok $? "$doc: $link is there"
	done
done
for doc in docs/*.md; do
	grep -q "($doc)" README.md || grep -q "(${doc#docs/})" docs/*.md
	ok $? "$doc is linked from somewhere"
done
[ "$(wc -l <README.md)" -le 150 ]
ok $? "README.md is one that people read"
for name in $(grep -oE '`[A-Z][A-Z_]+_[A-Z_]+`' docs/limits.md | tr -d '`' | sort -u); do
	grep -rqw "$name" src --include='*.[ch]'
	ok $? "the constant $name of docs/limits.md is there"
done
for test in $(grep -oE '`[a-z]+/[a-z_]+_test\.c`' docs/limits.md | tr -d '`' | sort -u); do
	[ -e "src/$test" ]
	ok $? "the test $test too"
done

# --- the first five minutes, as they stand, on a port that is free ---
sed -n '/^## The first five minutes/,/^## /p' README.md | sed -n '/^```sh$/,/^```$/p' | sed '1d;$d' >"$T/five.sh"
mkdir "$T/here"
ln -s "$RONDA_SOURCE/docs" "$T/here/docs"
ln -s "$(realpath "$RONDA_BUILD")" "$T/here/build"
free_port
sed -i "s/127\.0\.0\.1:8420/127.0.0.1:$port/" "$T/five.sh"
(cd "$T/here" && RONDA_LISTEN=127.0.0.1:$port sh -eu "$T/five.sh") >"$T/out" 2>"$T/err"
ok $? "the first five minutes of the README run"
has "$T/out" '^ronda_setup_' "  a set-up secret"
has "$T/out" '3 added' "  organisations"
has "$T/out" 'scan_telnet: 5 inputs = 3 accepted \+ 1 repeats \+ 1 quarantined' "  a report, counted"
has "$T/out" 'Bank Dua.*asset holder.*198\.18\.1\.0/24' "  whom it concerns, and why"
has "$T/out" 'vulnerable-system.*198\.18\.1\.9' "  events"
has "$T/out" 'open.*Bank Dua' "  findings"
has "$T/out" 'not a time' "  what is quarantined"
has "$T/out" '^--- Bank Dua .* by mail, en, in rehearsal' "  who would be told what"
has "$T/out" '^- ip 198\.18\.1\.9 port 23 ' "  word for word"
is "$(cd "$T/here" && ronda rehearsal -d node show --csv | grep -c '^"organisation",.*,"Bank Dua",.*"live"')" 1 "  one of them is live"
has "$T/out" '^Bank Dua.*not reached' "  and how long it takes"
has "$T/out" '"known":true' "  and the API knows the list again"
has "$T/out" ' 0 damaged' "  all sound"
done_testing
