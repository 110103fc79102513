# SPDX-License-Identifier: Apache-2.0
# portal_world.sh: behind lib.sh, what scenarios of people outside begin with: a server that takes what they are sent
# (its address in $HOOK, what came in $T/hooks), and the address that a node's links will lead to ($URL, $port).
unset LANG LC_ALL LC_MESSAGES
hook_pid=
end_all() {
	[ -z "$hook_pid" ] || kill "$hook_pid" 2>/dev/null
	finish
}
trap end_all EXIT
"$RONDA_BUILD/tests/helpers/ronda-hook" "$T/hooks" >"$T/port" &
hook_pid=$!
for _ in $(seq 1200); do
	[ ! -s "$T/port" ] || break
	sleep 0.05
done
HOOK=http://127.0.0.1:$(cat "$T/port")
free_port
URL=http://127.0.0.1:$port
r() { ronda "$@" -d "$D"; }
later() { date -u -d "+$1" +%Y-%m-%dT%H:%M:%SZ; }
query() { sqlite3 -readonly -cmd '.timeout 5000' "$D/main.db" "$1"; }
until_is() { # what SQL says in the end
	for _ in $(seq 1200); do
		[ "$(query "$1" 2>/dev/null)" != "$2" ] || return 0
		sleep 0.05
	done
	echo "# '$(query "$1")', want '$2'"
	return 1
}
findings_are() { # how many of telnet the fold has made
	for _ in $(seq 600); do
		[ "$(r findings --limit 10000 --json 2>/dev/null | grep -c telnet)" != "$1" ] || return 0
		sleep 0.1
	done
	return 1
}
serve_links() { # further options of 'ronda serve': its links lead to $URL, messages go to $HOOK without a pace
	serve --set "listen=127.0.0.1:$port" --set "public_url=$URL" --set send_messages=yes --set "webhook_hosts=$HOOK" \
		--set send_pace=0s "$@"
}
