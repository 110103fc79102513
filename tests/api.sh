#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The node as programs and browsers use it: reports sent, pages read, who is let
# in, and what every answer carries.
. "$RONDA_SOURCE/tests/lib.sh"
status=
ask() { # curl's arguments: the body in $T/body, the head in $T/head, $status
	: >"$T/body"
	status=$(curl -s -o "$T/body" -D "$T/head" -w '%{http_code}' --max-time 20 "$@" 2>"$T/curl")
}
answers() { # status, name, curl's arguments
	want=$1 name=$2
	shift 2
	ask "$@"
	[ "$status" = "$want" ] || { echo "# $status, want $want"; head -c 300 "$T/body" | sed 's/^/# /'; }
	[ "$status" = "$want" ]
	ok $? "$name"
}
bearer() { echo "Authorization: Bearer $1"; }
is_json() { [ "$(sqlite3 :memory: "SELECT json_valid(readfile('$1'))")" = 1 ]; }
head_of() { # name: a header's value
	tr -d '\r' <"$T/head" | sed -nE "s/^$1: //Ip" | head -1
}
token() { ronda token -d "$D" make "$@" 2>/dev/null; }

ronda init "$D" --name "Team B" --country ID >"$T/secret" 2>/dev/null
ronda feed -d "$D" add sensors --tlp GREEN
ronda feed -d "$D" add quiet --tlp GREEN
ronda feed -d "$D" off quiet
intake=$(token sensor)
read=$(token reader --right read)
operate=$(token operator --right operate --ceiling RED --personal)
bound=$(token hall --feed sensors)
short=$(token short --expires 1s)
far=$(token far --address 192.0.2.0/24)
gone=$(token gone --right operate)
ronda token -d "$D" revoke "$(ronda token -d "$D" list --json | grep '"gone"' | number id)"
serve --set intake_body_max=64K
ok $? "a node serves"
reports=$URL/api/reports

# --- reports ---
made scan_telnet 0 100 >"$T/a.csv"
answers 202 "a report is taken" -H "$(bearer "$intake")" --data-binary @"$T/a.csv" "$reports?name=2026-11-20-scan_telnet-a.csv"
is_json "$T/body" && equation "$T/body" && [ "$n_events" = 100 ]
ok $? "its summary is JSON and adds up"
sed 's/,"known.*"inputs/,"inputs/' "$T/body" | sed 's/"seconds.*//' >"$T/first"
answers 202 "the same bytes again" -H "$(bearer "$intake")" --data-binary @"$T/a.csv" "$reports?name=2026-11-20-scan_telnet-a.csv"
sed 's/,"known.*"inputs/,"inputs/' "$T/body" | sed 's/"seconds.*//' >"$T/second"
cmp -s "$T/first" "$T/second"
ok $? "get the first summary"
has "$T/body" '"known":true' "which says that they are known"
made scan_telnet 100 100 | gzip >"$T/b.csv.gz"
answers 202 "a packed report" -H "$(bearer "$intake")" --data-binary @"$T/b.csv.gz" "$reports?name=2026-11-20-scan_telnet-b.csv.gz"
is "$(number events <"$T/body")" 100 "is unpacked"
made scan_telnet 200 100 | gzip >"$T/c.csv.gz"
answers 202 "Content-Encoding says nothing new: the bytes tell" -H "$(bearer "$intake")" -H 'Content-Encoding: gzip' \
	--data-binary @"$T/c.csv.gz" "$reports?name=2026-11-20-scan_telnet-c.csv"
is "$(number events <"$T/body")" 100 "and are unpacked once"
answers 202 "a report for a token's own feed" -H "$(bearer "$bound")" --data-binary "198.18.5.5" "$reports"
answers 202 "waiting for the findings" -H "$(bearer "$intake")" --data-binary "198.18.5.6" "$reports?wait=findings"
has "$T/body" '"findings_seconds":' "is told how long that took"

answers 401 "without a token" --data-binary x "$reports"
[ -n "$(head_of WWW-Authenticate)" ]
ok $? "the way in is named"
answers 403 "with a token that only reads" -H "$(bearer "$read")" --data-binary x "$reports"
answers 403 "for another feed than the token's" -H "$(bearer "$bound")" --data-binary x "$reports?feed=local"
answers 401 "from another address than the token's" -H "$(bearer "$far")" --data-binary x "$reports"
answers 401 "with a revoked token" -H "$(bearer "$gone")" --data-binary x "$reports"
sleep 1.1
answers 401 "with one that is over" -H "$(bearer "$short")" --data-binary x "$reports"
answers 404 "for a feed that is not there" -H "$(bearer "$intake")" --data-binary x "$reports?feed=nonesuch"
has "$T/body" 'nonesuch' "in words"
answers 403 "for one that is off" -H "$(bearer "$intake")" --data-binary x "$reports?feed=quiet"
answers 400 "for a format that is not there" -H "$(bearer "$intake")" --data-binary x "$reports?format=nonesuch"
answers 400 "what no format reads" -H "$(bearer "$intake")" --data-binary '{"not":"a report' "$reports"
is_json "$T/body" && grep -q '"words":"..' "$T/body"
ok $? "is refused in words"
answers 415 "a form with a file" -H "$(bearer "$intake")" -F file=@"$T/a.csv" "$reports"
head -c 65537 /dev/zero | tr '\0' 'x' >"$T/large"
answers 413 "one byte above the limit" -H "$(bearer "$intake")" -H 'Expect:' --data-binary @"$T/large" "$reports"
answers 413 "also in chunks" -H "$(bearer "$intake")" -H 'Transfer-Encoding: chunked' -H 'Expect:' --data-binary @"$T/large" "$reports"
answers 405 "GET is not the way" -H "$(bearer "$intake")" "$reports"
is "$(head_of Allow)" POST "and POST is named"
answers 401 "a wrong token" -H "$(bearer ronda_nonesuch)" --data-binary x "$reports"
is "$(ronda count -d "$D" --json type=scanner | number count)" "" "no refused report left events"

# --- pages ---
for page in / /events /findings /count /who /quarantine /feeds /tour; do
	answers 200 "$page as a page" -H "$(bearer "$operate")" -H 'Accept: text/html' "$URL$page"
	t=$(head_of Content-Type)
	stem=${page%/}
	ask -H "$(bearer "$operate")" "$URL${stem:-/index}.json"
	[ "$page" = / ] && ask -H "$(bearer "$operate")" -H 'Accept: application/json' "$URL/"
	is_json "$T/body"
	is "$t $(head_of Content-Type) $?" "text/html; charset=utf-8 application/json 0" "its type, and JSON's"
done
for page in /events /findings /count /quarantine /feeds; do
	ask -H "$(bearer "$operate")" "$URL$page.csv"
	is "$status $(head_of Content-Type)" "200 text/csv; charset=utf-8; header=present" "$page as CSV"
done
answers 200 "metrics" -H "$(bearer "$read")" "$URL/metrics"
has "$T/body" '^ronda_reports_total [1-9]' "in Prometheus's form"
answers 200 "health, for anybody" "$URL/healthz"
answers 400 "a bad query" -H "$(bearer "$read")" "$URL/events.json?ip=nonsense"
answers 400 "an unknown filter" -H "$(bearer "$read")" "$URL/events.json?nonesuch=1"
answers 403 "a filter by what may not be seen" -H "$(bearer "$read")" "$URL/events.json?source.account=x"
style=$(curl -s "$URL/login" | sed -nE 's/.*href="(\/style.css[^"]*)".*/\1/p' | head -1)
answers 200 "the stylesheet" "$URL$style"
tag=$(head_of ETag)
is "$(head_of Content-Type)" "text/css; charset=utf-8" "its type"
answers 304 "is not sent twice" -H "If-None-Match: $tag" "$URL$style"

answers 404 "an address that is not there" -H "$(bearer "$read")" "$URL/nonesuch.json"
cp "$T/body" "$T/absent"
printf '{"__type":"Event","source.ip":"198.18.9.9","time.source":"2026-11-20T01:02:03+00:00","classification.type":"phishing","tlp":"RED"}\n' >"$T/red.json"
ronda intake -d "$D" "$T/red.json" >/dev/null
red=$(ronda events -d "$D" --json tlp=RED | sed -nE 's/.*"id":"([^"]+)".*/\1/p')
answers 200 "a RED event, for who may see it" -H "$(bearer "$operate")" "$URL/events/$red.json"
answers 404 "and for who may not" -H "$(bearer "$read")" "$URL/events/$red.json"
cp "$T/body" "$T/forbidden"
answers 404 "one that is not there" -H "$(bearer "$read")" "$URL/events/9${red#?}.json"
cmp -s "$T/body" "$T/forbidden"
ok $? "reads the same"

# --- 2,500 events, page by page ---
made scan_telnet 10000 2500 >"$T/2026-11-20-scan_telnet-m.csv"
ronda intake -d "$D" --feed sensors "$T/2026-11-20-scan_telnet-m.csv" >/dev/null
: >"$T/ids"
next="/events.json?feed=sensors&type=vulnerable-system&limit=1000"
pages=0
while [ -n "$next" ] && [ $pages -lt 10 ]; do
	ask -H "$(bearer "$operate")" "$URL$next"
	sqlite3 :memory: "SELECT json_extract(value, '\$.id') FROM json_each(readfile('$T/body'), '\$.rows')" >>"$T/ids"
	next=$(sqlite3 :memory: "SELECT coalesce(json_extract(readfile('$T/body'), '\$.next_url'), '')")
	pages=$((pages + 1))
done
is "$pages $(wc -l <"$T/ids") $(sort -u "$T/ids" | wc -l)" "3 2500 2500" "paging gives each event once"

# --- every answer ---
for path in / /login /healthz /style.css /nonesuch /events.json /api/reports; do
	ask "$URL$path"
	missing=
	for h in Content-Security-Policy X-Content-Type-Options X-Frame-Options Referrer-Policy Cache-Control; do
		[ -n "$(head_of $h)" ] || missing="$missing $h"
	done
	is "$missing" "" "$path ($status) carries the security headers"
done

# --- a browser ---
secret=$(cat "$T/secret")
answers 303 "a page asks to sign in" -H 'Accept: text/html' "$URL/events"
has "$T/head" '^Location: /login\?next=' "and comes back afterwards"
answers 200 "the set-up secret makes the first token" -H 'Accept: text/html' --data-urlencode "token=$secret" "$URL/login"
first=$(grep -oE 'ronda_[A-Za-z0-9_-]{20,}' "$T/body" | head -1)
answers 200 "which works" -H "$(bearer "$first")" "$URL/events.json?limit=1"
answers 303 "the secret works once" --data-urlencode "token=$secret" "$URL/login"
has "$T/head" '^Location: /login\?wrong' "and is refused then"
answers 303 "signing in with a token" -c "$T/jar" --data-urlencode "token=$operate" -d next=/findings "$URL/login"
is "$(head_of Location)" /findings "leads where one wanted to go"
has "$T/head" '^Set-Cookie: ronda=.*HttpOnly; SameSite=Strict' "its cookie is the browser's alone"
answers 303 "never elsewhere" --data-urlencode "token=$operate" --data-urlencode next=//evil.example/ "$URL/login"
is "$(head_of Location)" / "but home"
answers 200 "with the cookie one reads" -b "$T/jar" -H 'Accept: text/html' "$URL/who"
csrf=$(sed -nE 's/.*name="csrf" value="([^"]+)".*/\1/p' "$T/body" | head -1)
answers 401 "and sends no reports" -b "$T/jar" --data-binary x "$reports"
answers 403 "a form without its token" -b "$T/jar" -d text=198.18.0.1 "$URL/who"
answers 403 "a form from elsewhere" -b "$T/jar" -H 'Origin: https://evil.example' -d "csrf=$csrf" -d text=198.18.0.1 "$URL/who"
answers 403 "signing out without it" -b "$T/jar" -X POST -d x=y "$URL/logout"
answers 200 "a form of ours" -b "$T/jar" -H "Origin: $URL" -H 'Accept: text/html' -d "csrf=$csrf" -d text=198.18.0.1 "$URL/who"
answers 303 "signing out" -b "$T/jar" -d "csrf=$csrf" "$URL/logout"
answers 401 "ends the session" -b "$T/jar" "$URL/events.json"
stop_node
serve --sign-in
for _ in $(seq 1200); do [ "$(wc -l <"$T/address")" -lt 2 ] || break; sleep 0.05; done
link=$(sed -n 2p "$T/address")
once=${link##*once=}
[ -n "$once" ]
ok $? "a sign-in link is printed"
answers 200 "opening it does not use it up" "$link"
answers 303 "it signs in" -d "once=$once" "$URL/login"
is "$(head_of Location)" / "and leads home"
answers 403 "once" -d "once=$once" "$URL/login"
stop_node

# --- proxies ---
serve --set trusted_proxies=127.0.0.0/8 --set http_per_address=1
answers 202 "a proxy's word counts for a token's address" -H "$(bearer "$far")" -H 'X-Forwarded-For: 192.0.2.7' --data-binary 198.18.5.7 "$URL/api/reports"
answers 401 "also against it" -H "$(bearer "$far")" -H 'X-Forwarded-For: 198.51.100.1' --data-binary 198.18.5.8 "$URL/api/reports"
answers 401 "what the client itself claims does not" -H "$(bearer "$far")" -H 'X-Forwarded-For: 192.0.2.7, 198.51.100.1' --data-binary 198.18.5.9 "$URL/api/reports"
stop_node
serve
answers 401 "nor does anybody's who is no proxy" -H "$(bearer "$far")" -H 'X-Forwarded-For: 192.0.2.7' --data-binary 198.18.5.7 "$URL/api/reports"
stop_node
for at in 0.0.0.0:0 '[::]:0' 192.0.2.1:0; do
	timeout 60 ronda serve -d "$D" --set "listen=$at" >"$T/out" 2>"$T/err"
	[ $? = 77 ] && grep -q 'without TLS' "$T/err"
	ok $? "no open listener without TLS at $at"
done

# --- TLS ---
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$T/key.pem" -out "$T/cert.pem" \
	-days 2 -subj /CN=localhost -addext subjectAltName=IP:127.0.0.1 2>/dev/null
serve --set tls_cert="$T/cert.pem" --set tls_key="$T/key.pem"
ok $? "a node serves TLS"
answers 200 "its certificate is believed" --cacert "$T/cert.pem" "$URL/healthz"
has "$T/head" '^Strict-Transport-Security: max-age=' "browsers are told to stay with it"
answers 303 "signing in" --cacert "$T/cert.pem" --data-urlencode "token=$operate" "$URL/login"
has "$T/head" '^Set-Cookie: __Host-ronda=.*; Secure' "the cookie is bound to the host"
port=${URL##*:}
for v in 1_1 1_2 1_3; do
	echo | timeout 60 openssl s_client -tls$v -cipher 'ALL:@SECLEVEL=0' -connect "127.0.0.1:$port" >"$T/out" 2>&1
	grep -qE '^ *(New, TLSv1|Protocol *: TLSv1\.[23])' "$T/out" && grep -q 'BEGIN CERTIFICATE' "$T/out"
	got=$?
	[ $v = 1_1 ] && want=1 || want=0
	is $got $want "TLS $v: $([ $want = 0 ] && echo taken || echo refused)"
done
stop_node
done_testing
