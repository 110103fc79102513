# SPDX-License-Identifier: Apache-2.0
# lib.sh: helpers of the scenarios. Each prints TAP; `check` runs a command and
# names it; what a scenario starts ends with it.
#
#   . "$RONDA_SOURCE/tests/lib.sh"
#   check "a node is made" ronda init "$D" --name "Team B" --country ID
#   done_testing
set -u
RONDA_BUILD=$(cd "${RONDA_BUILD:-build}" && pwd)
PATH=$RONDA_BUILD:$PATH
T=$(mktemp -d "${TMPDIR:-/tmp}/ronda-test.XXXXXX")
D=$T/node
SHARED=${RONDA_SHARED:-$RONDA_SOURCE/../shared}
count=0
bad=0
node_pid=

finish() {
	[ -z "$node_pid" ] || kill -9 "$node_pid" 2>/dev/null
	[ -z "${MOUNTED:-}" ] || umount "$MOUNTED" 2>/dev/null
	rm -rf "$T"
}
trap finish EXIT
trap 'exit 1' INT TERM

ok() { # result, name
	count=$((count + 1))
	if [ "$1" = 0 ]; then
		echo "ok $count - $2"
	else
		bad=$((bad + 1))
		echo "not ok $count - $2"
		[ ! -s "$T/out" ] || sed 's/^/# out: /' "$T/out" | head -20
		[ ! -s "$T/err" ] || sed 's/^/# err: /' "$T/err" | head -20
	fi
}
skip() { # name, reason: printed loudly and counted
	count=$((count + 1))
	echo "ok $count - $1 # SKIP $2"
}
check() { # name, command...
	name=$1
	shift
	"$@" >"$T/out" 2>"$T/err"
	ok $? "$name"
}
check_fails() { # exit code, name, command...
	want=$1 name=$2
	shift 2
	"$@" >"$T/out" 2>"$T/err"
	got=$?
	[ $got = "$want" ] || echo "# exit $got, want $want"
	[ $got = "$want" ]
	ok $? "$name"
}
is() { # got, want, name
	[ "$1" = "$2" ] || echo "# got '$1', want '$2'"
	[ "$1" = "$2" ]
	ok $? "$3"
}
has() { # file, extended regular expression, name
	grep -qE -- "$2" "$1" || { echo "# no /$2/ in:"; head -c 2000 "$1" | sed -e 's/^/#   /' -e '$a\'; }
	grep -qE -- "$2" "$1"
	ok $? "$3"
}
has_not() { # file, fixed string, name
	! grep -qaF -- "$2" "$1"
	ok $? "$3"
}
# Until a command succeeds: so many seconds on a machine at rest; a busy one has four times that, a minute at least.
within() { # seconds, command...
	within_end=$(($(date +%s) + ($1 < 15 ? 60 : $1 * 4)))
	shift
	until "$@" >"$T/tried" 2>&1; do
		[ "$(date +%s)" -lt "$within_end" ] || return 1
		sleep 0.1
	done
}
# One number out of a flat JSON object: number KEY < file
number() { sed -nE "s/.*\"$1\": ?(-?[0-9.]+).*/\1/p" | head -1; }

# inputs = accepted + repeats + quarantined + dropped + blank
equation() { # file with intake's JSON
	s=$(tail -1 "$1")
	for k in inputs accepted repeats quarantined dropped blank events; do
		v=$(printf '%s' "$s" | number $k)
		eval "n_$k=${v:-none}"
	done
	[ "$n_inputs" != none ] &&
		[ "$n_inputs" = $((n_accepted + n_repeats + n_quarantined + n_dropped + n_blank)) ]
}

# A port of loopback where nobody listens, in $port, for those who must be told of it before they
# start: below those that the kernel gives away by itself, and others than of the tests beside.
ports=0
free_port() {
	while :; do
		port=$((10000 + ($$ * 8 + ports) % 20000))
		ports=$((ports + 1))
		[ -n "$(ss -Htan "sport = :$port")" ] || break
	done
}
# Starts 'ronda serve' on a free port; sets $node_pid and $URL.
serve() { # further options of 'ronda serve'
	: >"$T/address"
	ronda serve -d "$D" --set listen=127.0.0.1:0 "$@" >"$T/address" 2>"$T/node.log" &
	node_pid=$!
	for _ in $(seq 2400); do
		[ ! -s "$T/address" ] || break
		kill -0 $node_pid 2>/dev/null || break
		sleep 0.05
	done
	URL=$(head -1 "$T/address")
	[ -n "$URL" ]
}
stop_node() {
	[ -n "$node_pid" ] || return 0
	kill "$node_pid" 2>/dev/null
	wait "$node_pid" 2>/dev/null
	node_pid=
}
# Made-up Shadowserver lines: made TYPE FIRST COUNT
made() {
	awk -v first="$2" -v n="$3" 'BEGIN {
		print "timestamp,severity,ip,protocol,port,hostname,tag,asn,geo,region,city,naics,sector,banner"
		for (i = first; i < first + n; i++)
			printf "\"2026-11-20 %02d:%02d:%02d\",high,198.18.%d.%d,tcp,23,host-%d.example.org,telnet,64500,ID,,,0,,\"login:\"\n",
				i / 3600 % 24, i / 60 % 60, i % 60, i / 256 % 256, i % 256, i }'
}
done_testing() {
	echo "1..$count"
	[ $bad = 0 ]
	exit
}
