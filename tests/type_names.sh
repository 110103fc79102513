#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Types are data: no C of the floors that carry them compares with a type's name or
# looks one up by it. Made-up trees show that it can fail.

src=${RONDA_SOURCE:-$(dirname "$0")/..}/src
made=$(mktemp -d) || exit 1
trap 'rm -rf "$made"' EXIT

# Prints a line for each place in the tree $1. A name in quotes is wrong where it is
# compared with (str_eq, strcmp, ==), looked up (types_find, record_load…), or begins an id
# ("incident--"); as the name of a column, a JSON member or a kind it is a word like others.
named() {
	names=$(cd "$1/record/types" && ls ./*.json | sed 's,^\./,,; s/\.json$//' | paste -sd '|')
	find "$1/record" "$1/web" "$1/cli" "$1/disclosure" -type f \( -name '*.c' -o -name '*.h' -o -name '*.def' \) \
		! -name '*_test.c' ! -name '*_test.h' ! -name 'record_world.h' 2>/dev/null | sort |
		xargs awk -v names="$names" '
		{
			line = $0
			sub(/^[ \t]*\*.*/, "", line)
			gsub(/\/\*.*/, "", line)
			quoted = "\"(" names ")\""
			compared = "(type|type_name|->type|\\.type|name)[ \t]*(==|!=)"
			called = "(str_eq|str_eq_nocase|str_cmp|strcmp|strncmp|memcmp|str_starts|types_find|type_is)[ \t]*\\("
			about = "(type|kind_of|t->name|->name)"
			if (FILENAME ~ /record\/labels\.c$/ && line ~ /STR\("organisation"\)/)
				next
			if (line ~ quoted && line ~ called && line ~ about)
				printf "%s:%d: compares with the name of a type\n", FILENAME, FNR
			else if (line ~ quoted && line ~ compared)
				printf "%s:%d: compares with the name of a type\n", FILENAME, FNR
			else if (line ~ "\"(" names ")--")
				printf "%s:%d: makes an id of a type by its name\n", FILENAME, FNR
		}'
}

count=0
failed=0
answer() { # ok? words
	count=$((count + 1))
	[ "$1" = 0 ] || failed=1
	[ "$1" = 0 ] && echo "ok $count - $2" || echo "not ok $count - $2"
}
try() { # wrong? file line
	rm -rf "$made/src"
	mkdir -p "$made/src/record/types" "$made/src/$(dirname "$2")"
	echo '{}' >"$made/src/record/types/incident.json"
	echo '{}' >"$made/src/record/types/note.json"
	printf '%s\n' "$3" >"$made/src/$2"
	found=0
	[ -z "$(named "$made/src")" ] || found=1
	[ "$found" = "$1" ]
	answer $? "$([ "$1" = 1 ] && echo refused || echo allowed): $3"
}

echo "1..11"
[ -f "$src/record/types/incident.json" ] && named "$src" >"$made/tree"
answer $? "the tree is read"
sed 's/^/# /' "$made/tree"
[ ! -s "$made/tree" ]
answer $? "no code of it names a type"
try 1 record/a.c '	if (str_eq(type, STR("incident")))'
try 1 web/a.c '	if (strcmp(r->type->name, "note") == 0)'
try 1 cli/a.c '	t = types_find(types, STR("incident"));'
try 1 disclosure/a.c '	buf_add(out, STR("incident--"));'
try 1 record/a.c '	if (type == "incident")'
try 0 record/a.c '	if (str_eq(type, str_of(t->name)))'
try 0 web/a.c '	json_put_str(j, "note", words);'
try 0 cli/a.c '	{ .name = "note" }, { .name = "type" },'
try 0 record/a_test.c '	t = types_find(types, STR("incident"));'
exit $failed
