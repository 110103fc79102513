#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# An IntelMQ beside us: asks whom an event concerns as its tuency expert does, and pushes events.
. "$RONDA_SOURCE/tests/lib.sh"

check "a node is made" ronda init "$D" --name "Team B" --country ID
check "an organisation" ronda organisation -d "$D" new name="Team C" kind=csirt \
	'constituency=[{"kind":"network","value":"198.18.0.0/16","role":"holder"},{"kind":"domain","value":"example.org","role":"holder"}]' \
	'contacts=[{"role":"press","email":"press@example.org"},{"role":"abuse","email":"abuse@example.org"},{"role":"abuse","email":"desk@example.org"}]'
check "one without a desk" ronda organisation -d "$D" new name="Small" kind=constituent \
	'constituency=[{"kind":"network","value":"198.19.0.0/16","role":"holder"}]' 'contacts=[{"role":"management","email":"chief@example.org"}]'
check "a feed" ronda feed -d "$D" add intelmq --tlp AMBER
make() { # name, options: a token
	name=$1
	shift
	ronda token -d "$D" make "$name" --expires 30d "$@" 2>/dev/null | grep -o 'ronda_[A-Za-z0-9_-]*'
}
token=$(make expert --right read --ceiling AMBER --personal)
plain=$(make plain --right read --ceiling AMBER)
push=$(make push --right intake --feed intelmq)
serve
ask() { # token, query
	curl -s -o "$T/body" -w '%{http_code}' -H "Authorization: Bearer $1" "$URL/intelmq/lookup?classification_taxonomy=malicious-code&classification_type=infected-system&feed_provider=Example&feed_name=intelmq&feed_status=production&$2"
}
is "$(ask "$token" ip=198.18.0.1)" 200 "an address"
is "$(cat "$T/body")" '{"ip":{"destinations":[{"source":"portal","name":"Team C","contacts":[{"email":"abuse@example.org"},{"email":"desk@example.org"}]}]},"suppress":false,"interval":{"unit":"immediate","length":1}}' "as the contract has it"
is "$(ask "$token" 'ip=198.19.0.1&domain=www.example.org')" 200 "an address and a name"
has "$T/body" '"ip":\{"destinations":\[\{"source":"portal","name":"Small","contacts":\[\{"email":"chief@example.org"\}\]' "the first who can be written to"
has "$T/body" '"domain":\{"destinations":\[\{"source":"portal","name":"Team C"' "and who has the name"
is "$(ask "$token" ip=203.0.113.1)" 200 "nobody's"
has "$T/body" '"ip":\{"destinations":\[\]\}' "is nobody's"
is "$(ask "$plain" ip=198.18.0.1)" 200 "without a basis for personal fields"
has_not "$T/body" "@example.org" "no contact is named"
is "$(ask "$token" "")" 400 "what is looked up must be said"
is "$(ask "$token" ip=nonsense)" 400 "and be an address"
is "$(ask ronda_nonsense ip=198.18.0.1)" 401 "a stranger is told nothing"
stop_node

check "a rule" ronda rule -d "$D" new title=daily pace=daily types=infected-system
check "in use" ronda rule -d "$D" move rule-1 active --why asked
serve
is "$(ask "$token" ip=198.18.0.1)" 200 "with a rule"
has "$T/body" '"suppress":false,"interval":\{"unit":"days","length":1\}' "its pace"
check "an inhibition" ronda inhibition -d "$D" new title=i organisation=organisation-1 reason=asked until=2099-01-01T00:00:00Z
check "in force" ronda inhibition -d "$D" move inhibition-1 active --why asked
is "$(ask "$token" ip=198.18.0.1)" 200 "with an inhibition"
has "$T/body" '"suppress":true' "it is kept back"
is "$(ask "$token" ip=198.19.0.1)" 200 "another organisation"
has "$T/body" '"suppress":false' "is told"

# --- events, as its REST output sends them ---
give() { # token, body
	curl -s -o "$T/body" -w '%{http_code}' -H "Authorization: Bearer $1" -H 'Content-Type: application/json' -d "$2" "$URL/intelmq/push"
}
event='{"source.ip":"198.18.0.7","classification.type":"infected-system","classification.taxonomy":"malicious-code","time.source":"2026-11-20T10:00:00+00:00","feed.name":"x","raw":"eHg="}'
is "$(give "$push" "$event")" 202 "an event is taken"
has "$T/body" '"accepted":1' "as one"
is "$(give "$push" "$event")" 202 "again"
is "$(give "$token" "$event")" 403 "who may only read sends none"
is "$(give "$push" 'no json')" 202 "what is none is kept for people"
has "$T/body" '"quarantined":1' "in quarantine"
ronda events -d "$D" --json ip=198.18.0.7 >"$T/out"
is "$(wc -l <"$T/out")" 1 "it is there once"
has "$T/out" '"feed.name":"intelmq"' "under our feed"
stop_node

done_testing
