#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# bench/poor_line.sh: 1,000 events from one node to its partner over a line of 32 kbit/s with a second each way there and
# back and a tenth of all packets lost, by each congestion control that this kernel has of reno and bbr: seconds, bytes on the
# wire for each event (IP packets, lost ones too), and what a break in the middle costs. Needs root and /dev/net/tun; else says so.
# RONDA_POOR_EVENTS, RONDA_POOR_LOSS (per cent), RONDA_POOR_DELAY (ms one way), RONDA_POOR_RATE (bits a second). RONDA_POOR_BREAK=no: no break.
set -u
RONDA_SOURCE=$(cd "$(dirname "$0")/.." && pwd)
RONDA_BUILD=${RONDA_BUILD:-$RONDA_SOURCE/build}
export RONDA_SOURCE
. "$RONDA_SOURCE/tests/lib.sh"
. "$RONDA_SOURCE/tests/exchange_lib.sh"
events=${RONDA_POOR_EVENTS:-1000}
loss=${RONDA_POOR_LOSS:-10}
delay=${RONDA_POOR_DELAY:-500}
rate=${RONDA_POOR_RATE:-32000}
if [ "$(id -u)" != 0 ] || [ ! -c /dev/net/tun ] || ! command -v ip >/dev/null; then
	echo "poor line: not measured: it needs root, ip and /dev/net/tun"
	exit 0
fi
na=ronda-a-$$ nb=ronda-b-$$
cleanup() {
	finish
	ip netns del $na 2>/dev/null
	ip netns del $nb 2>/dev/null
}
trap cleanup EXIT
# Nodes as in two_nodes(), each in a namespace of its own.
in_ns() { ip netns exec "$@"; }
start_in() { # namespace, directory
	: >"$2.address"
	in_ns "$1" ronda serve -d "$2" --set listen=127.0.0.1:0 >"$2.address" 2>>"$2.log" &
	started=$!
	pids="$pids $started"
	for _ in $(seq 400); do
		[ ! -s "$2.address" ] || return 0
		sleep 0.05
	done
	return 1
}
# As unlike each other as such reports are: addresses, names, seconds, networks and half of the banners by chance.
varied() { # how many
	awk -v n="$1" 'BEGIN {
		srand(7)
		split("telnet mikrotik busybox zyxel huawei", tag, " ")
		split("ID SG MY PH TH", cc, " ")
		print "timestamp,severity,ip,protocol,port,hostname,tag,asn,geo,region,city,naics,sector,banner"
		for (i = 0; i < n; i++)
			printf "\"2026-11-20 %02d:%02d:%02d\",high,198.18.%d.%d,tcp,%d,host-%x.pool-%d.example.org,%s,%d,%s,,,0,,\"%s\"\n",
				rand() * 24, rand() * 60, rand() * 60, rand() * 256, rand() * 256, rand() < 0.8 ? 23 : 1024 + rand() * 60000,
				rand() * 16777216, rand() * 30, tag[1 + int(rand() * 5)], 64496 + rand() * 16, cc[1 + int(rand() * 5)],
				rand() < 0.5 ? "login:" : sprintf("BusyBox v1.%d.%d built-in shell %x", rand() * 36, rand() * 5, rand() * 65536) }'
}
measure() { # congestion control, break: yes or no
	rm -rf "$T"/a* "$T"/b*
	ip netns add $na && ip netns add $nb || exit 1
	"$RONDA_BUILD/bench/wire" $na $nb 0 0 100000000 >"$T/wire" 2>&1 &
	wire=$!
	pids="$pids $wire"
	sleep 0.5
	for k in a:1:$na b:2:$nb; do
		i=${k#*:} i=${i%%:*} ns=${k##*:} n=${k%%:*}
		in_ns "$ns" ip link set lo up
		in_ns "$ns" ip addr add 192.0.2.$i/24 dev wire
		in_ns "$ns" ip link set wire up
		in_ns "$ns" sysctl -qw net.ipv4.tcp_congestion_control="$1"
		ronda init "$T/$n" --name "Team $n" --country ID --team small --account Lead >/dev/null 2>&1
		printf 'exchange = yes\nexchange_listen = 192.0.2.%s:8421\nexchange_address = https://192.0.2.%s:8421\n' $i $i >>"$T/$n/ronda.conf"
		start_in "$ns" "$T/$n" || { echo "node $n does not start"; cat "$T/$n.log"; exit 1; }
	done
	line=$(ronda partner -d "$T/b" invite 2>/dev/null)
	ronda partner -d "$T/a" accept "$line" >/dev/null 2>&1
	for n in a b; do
		ronda partner -d "$T/$n" confirm partner-1 >/dev/null 2>&1
		o=$(org "$T/$n" "The other" 198.18.0.0/16)
		ronda partner -d "$T/$n" edit partner-1 "organisation=$o" >/dev/null 2>&1
		agree "$T/$n" "$o"
	done
	# Now the line becomes poor: the devices stay, another program carries their packets.
	sleep 2
	kill "$wire"
	wait "$wire" 2>/dev/null
	"$RONDA_BUILD/bench/wire" $na $nb "$loss" "$delay" "$rate" >"$T/wire" 2>&1 &
	wire=$!
	pids="$pids $wire"
	sleep 0.5
	for k in 1:$na 2:$nb; do
		in_ns "${k#*:}" ip addr add 192.0.2.${k%%:*}/24 dev wire
		in_ns "${k#*:}" ip link set wire up
	done
	varied "$events" >"$T/2026-11-20-scan_telnet-poor.csv"
	t0=$(date +%s)
	ronda intake -d "$T/a" --no-wait "$T/2026-11-20-scan_telnet-poor.csv" >/dev/null 2>&1
	if [ "$2" = yes ]; then
		sleep 12
		kill -USR1 "$wire"
		sleep 20
		kill -USR2 "$wire"
	fi
	for _ in $(seq 900); do
		[ "$(events_of "$T/b")" -lt "$events" ] || break
		sleep 1
	done
	t1=$(date +%s)
	got=$(events_of "$T/b")
	sleep 5
	kill "$wire"
	wait "$wire" 2>/dev/null
	there=$(tail -1 "$T/wire" | number there)
	back=$(tail -1 "$T/wire" | number back)
	printf '%-5s break: %-3s  %s of %s events in %s s; %s bytes there, %s back: %s bytes an event on the wire\n' "$1" "$2" "$got" "$events" \
		$((t1 - t0)) "$there" "$back" $(((there + back) / events))
	end_nodes
	ip netns del $na
	ip netns del $nb
}
echo "line: $rate bit/s, $delay ms each way, $loss % lost; $events events"
for control in ${RONDA_POOR_CONTROLS:-reno bbr}; do
	if ! grep -qw "$control" /proc/sys/net/ipv4/tcp_available_congestion_control; then
		echo "$control: this kernel has it not"
		continue
	fi
	measure "$control" no
done
[ "${RONDA_POOR_BREAK:-yes}" = no ] || measure "$control" yes
