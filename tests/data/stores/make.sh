#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Makes a data directory as tests/stores.sh opens it for ever after: run once for each released
# version of the store, with the build of that day.
#
#   RONDA_BUILD=build sh tests/data/stores/make.sh v3
set -eu
RONDA_SOURCE=$(cd "$(dirname "$0")/../../.." && pwd)
export RONDA_SOURCE
name=$1 here=$RONDA_SOURCE/tests/data/stores
[ ! -e "$here/$name" ] || { echo "$here/$name is there" >&2; exit 1; }
. "$RONDA_SOURCE/tests/lib.sh"
r() { ronda "$@" -d "$D" >>"$T/said" 2>&1 || { echo "failed: ronda $*" >&2; tail -3 "$T/said" >&2; exit 1; }; }

ronda init "$D" --name "Team B" --country ID --team small --account "Lead A" >/dev/null 2>&1
cat >"$T/dir.csv" <<'END'
name,kind,country,sector,networks,asns,domains,email,role
Team B,csirt,ID,,,,.id,duty@team-b.example,24x7
Bank Dua,constituent,ID,finance,198.18.1.0/24,,bank-dua.example,soc@bank-dua.example,abuse
Telecom,provider,ID,telecommunications,198.18.0.0/16,64500,,abuse@telecom.example,abuse
END
r directory import "$T/dir.csv"
printf 'inetnum: 198.19.0.0 - 198.19.255.255\nabuse-mailbox: abuse@registry.example\nsource: TEST\n' >"$T/whois.txt"
r directory import "$T/whois.txt" --form rpsl --source whois:test
made scan_telnet 0 6000 >"$T/2026-11-20-scan_telnet-a.csv"
r intake "$T/2026-11-20-scan_telnet-a.csv"
echo 'not an address' >"$T/list"
r intake --format blocklist "$T/list"
f=$(ronda findings -d "$D" --json | sed -nE 's/.*"id": ?"([0-9a-f]{32})".*/\1/p' | head -1)
r incident from "$f" title="Open telnet"
r incident move 1 open
r incident new title="A leak" class=information-content-security severity=high parts=breach aware_at="2026-11-20 00:30" summary="Made up"
r note new title="A note" text_body="Kelapa muda di tepi jalan"
r question new title="Open telnet" over=findings words="type=vulnerable-system"
r person new name="Lead A"
r person new name="Duty B"
r duty plan --from 2026-11-20 --weeks 1 --persons person-1,person-2 --day 08:00-20:00 --night 20:00-08:00
r duty call incident-2 --organisation organisation-2 --result reached --phone "+62 0000" --words "Made up"
r round new title="Are you there" kind=contact organisations=organisation-2 texts='en | Are you there | Please answer' answer_by="2030-01-01 00:00"
r round start 1
r campaign new title="Made-up campaign"
r incident link 1 part-of campaign-1
r evidence new title="A disk image" exhibit=1 case=incident-2 collected_at="2026-11-20 10:00" collected_by="Lead A" \
	authority=warrant authority_reference="No. 1" authority_issuer="Made-up court" authority_from=2026-11-20
r evidence add 1 "$T/2026-11-20-scan_telnet-a.csv"
r hold place --case incident-2 incident-1 --reason "made up"
r claim new organisation=organisation-2 kind=domain value=second.example method=letter
r rule make-defaults
r rule move 1 active --why "made up"
r inhibition new title="Made up" organisation=organisation-2 reason="made up" until="2030-01-01 00:00"
r rehearsal live --organisation organisation-2 --why "made up"
r rehearsal back --organisation organisation-2 --why "made up"
r template from open-dns.en
r takedown new title="Made up" url=http://phishing.example/a kind=phishing
printf 'From: eka@telecom.example\r\nTo: cert@team-b.example\r\nSubject: Made up\r\nMessage-ID: <1@telecom.example>\r\nDate: Fri, 20 Nov 2026 10:00:00 +0000\r\n\r\nKelapa muda\r\n' >"$T/mail.eml"
r mail in "$T/mail.eml"
r note new title="To be erased" text_body="Made up"
r note erase 2 --why "made up"
r organisation new name="Team C" kind=csirt country=SG
team_c=$(ronda organisation -d "$D" list --json 'name=Team C' | sed -nE 's/.*"id": ?"(organisation--[0-9a-f-]{36})".*/\1/p' | head -1)
r agreement new title="With Team C" kind=memorandum parties="$team_c" tlp_ceiling=AMBER flows=findings,warnings from=2026-11-20
r agreement move 1 in-force
r partner new name="Team C" kind=node organisation="$team_c"
r partner move 1 active
r partner invite --set exchange_listen=127.0.0.1:8421 --set exchange_address=https://127.0.0.1:8421
r warning new title="Made up" urgency=act summary="Made up" advice="Made up" review_by=2030-01-01 --tlp GREEN
w=$(ronda warning -d "$D" list --json | sed -nE 's/.*"number": ?([0-9]+).*/\1/p' | head -1)
r warning move "$w" approved
r warning move "$w" sent
serve --set exchange=yes || { echo "it does not serve" >&2; exit 1; }
for _ in $(seq 100); do
	[ "$(sqlite3 -readonly "$D/main.db" "SELECT count(*) FROM collection_entry WHERE kind = 2")" = 0 ] || break
	sleep 0.1
done
stop_node
r verify
ronda count -d "$D" --by day,type,cc --json >"$here/$name.count"
ronda findings -d "$D" --json | sed -E 's/"id": ?"[0-9a-f]*"//' | wc -l >"$here/$name.findings"
ronda verify -d "$D" --json | grep -oE '"records":[0-9]+,"record_versions":[0-9]+,"records_sound":true' >"$here/$name.records"
rm -f "$D/sock" "$D/lock" "$D"/*.cache # made again when they are missing
cp -r "$D" "$here/$name"
cat "$here/$name.records"
