#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The directory as a Cerebrate has it: for accounts, and for everybody what is for everybody.
. "$RONDA_SOURCE/tests/lib.sh"

if ! command -v node >/dev/null; then
	skip "the directory as a Cerebrate has it" "no node"
	done_testing
fi

check "a node is made" ronda init "$D" --name "Team B" --country ID --account boss
check "an organisation" ronda organisation -d "$D" new name="Team C" kind=csirt country=MY website=https://c.example.org timezone=Asia/Kuala_Lumpur \
	'constituency=[{"kind":"network","value":"198.18.0.0/16","role":"holder"},{"kind":"network","value":"2001:db8::/32","role":"holder"},{"kind":"asn","value":"64500","role":"holder"},{"kind":"domain","value":"example.org","role":"holder"}]' \
	'contacts=[{"role":"abuse","name":"Duty Desk","email":"abuse@example.org"}]'
check "one from a Cerebrate, which is CLEAR" ronda organisation -d "$D" new name="Team D" kind=csirt \
	external=cerebrate:5d3b3b3e-9f1b-4a55-8f0e-0d3f2b8c7a11 --tlp CLEAR --why published
check "an agreement" ronda agreement -d "$D" new title="Neighbours" kind=community "parties=organisation-1,organisation-2" \
	from=2020-01-01 tlp_ceiling=GREEN flows=findings
token=$(ronda token -d "$D" make c --right read --ceiling AMBER --personal --account boss --reads-only --expires 30d 2>/dev/null | grep -o 'ronda_[A-Za-z0-9_-]*')
plain=$(ronda token -d "$D" make p --right read --ceiling AMBER --account boss --reads-only --expires 30d 2>/dev/null | grep -o 'ronda_[A-Za-z0-9_-]*')
ask() { # path, key as Cerebrate sends it
	curl -s -o "$T/body" -w '%{http_code}' ${2:+-H "Authorization: $2"} -H 'Accept: application/json' "$URL$1"
}
serve
is "$(ask '/organisations/index.json?full=1' "$token")" 200 "organisations"
node "$RONDA_SOURCE/tests/browser/misp.js" organisations "$T/body" >"$T/out" 2>"$T/err"
ok $? "with the fields that readers name"
cp "$T/body" "$T/organisations.json"
is "$(ask '/organisations/index.json?name=Team%20D' "$token")" 200 "by name"
is "$(grep -o '"name"' "$T/body" | wc -l)" 1 "is one"
is "$(ask '/organisations/index.json?limit=1&page=2' "$token")" 200 "by pages"
is "$(grep -o '"uuid"' "$T/body" | wc -l)" 1 "of one"
is "$(ask /organisations/view/1.json "$token")" 200 "one by its number"
has "$T/body" '^\{"id":1,' "alone"
is "$(ask /organisations/view/5d3b3b3e-9f1b-4a55-8f0e-0d3f2b8c7a11.json "$token")" 200 "one by its uuid"
has "$T/body" '"name":"Team D"' "is that"
is "$(ask /organisations/view/99.json "$token")" 404 "one there is not"
is "$(ask /individuals/index.json "$token")" 200 "individuals"
has "$T/body" '"email":"abuse@example.org","first_name":"Duty","last_name":"Desk","position":"abuse"' "are who can be reached"
uuid=$(sed -nE 's/^\[\{"id":"([0-9a-f-]*)".*/\1/p' "$T/body")
is "$(ask "/individuals/view/$uuid.json" "$token")" 200 "one of them"
is "$(ask /individuals/index.json "$plain")" 200 "without a basis for personal fields"
is "$(cat "$T/body")" "[]" "nobody"
is "$(ask /sharing-groups/index.json "$token")" 200 "sharing groups"
is "$(cat "$T/body")" "[]" "none before the agreement is in force"
is "$(ask /instance/status.json "$token")" 200 "who asks"
has "$T/body" '"role":\{"name":"read"\}\},"application":"ronda"' "and what answers"
is "$(ask /organisations/index.json)" 401 "strangers are told nothing"
is "$(ask /open/organisations/index.json)" 404 "not even what is open, unless the setting says so"
stop_node
check "the agreement" ronda agreement -d "$D" move agreement-1 in-force
serve --set cerebrate_open=yes
is "$(ask /sharingGroups/index.json "$token")" 200 "is a sharing group then"
has "$T/body" '"name":"Neighbours","releasability":"up to TLP:GREEN"' "with its marking"
has "$T/body" '"sharing_group_orgs":\[\{"id":1,.*"name":"Team C".*"name":"Team D"' "and its parties"
is "$(ask /sharingGroups/view/1.json "$token")" 200 "one of them"
is "$(ask /open/organisations/index.json)" 200 "everybody may read"
has "$T/body" '"name":"Team D"' "what is CLEAR"
has_not "$T/body" "Team C" "and nothing else"
is "$(ask /open/individuals/index.json)" 200 "and of people"
is "$(cat "$T/body")" "[]" "nobody"
stop_node

# --- what we read as a Cerebrate's list is what we give ---
E=$T/other
check "another node" ronda init "$E" --name "Team E" --country ID
check "takes the list" ronda directory -d "$E" import "$T/organisations.json" --form cerebrate
ronda organisation -d "$E" list --json >"$T/out"
has "$T/out" 'Team C' "an organisation is there"
ronda who -d "$E" 198.18.0.1 >"$T/out"
has "$T/out" 'Team C' "with its networks"

done_testing
