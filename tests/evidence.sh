#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Exhibits from collection to court: bytes under their digest, custody that both sides confirm, what
# verify finds, and a package that stock tools check on a machine without ronda.
. "$RONDA_SOURCE/tests/lib.sh"
e() { ronda evidence -d "$D" "$@"; }
c() { ronda custody -d "$D" "$@"; }
wrong() { e verify >"$T/out" 2>"$T/err"; [ $? = 74 ]; } # and says so in $T/err

ronda init "$D" --name "Team B" --country ID --account "Lead A" >/dev/null 2>&1
ronda incident -d "$D" new title="A shop was broken into" class=intrusions severity=high >/dev/null
head -c 300000 /dev/urandom >"$T/disk.img"
printf 'login from 198.18.0.7\n' >"$T/auth.log"

# --- collected, put in, held ---
check "an exhibit" e new title="Disk of the web server" exhibit=2026-1/1 case=incident-1
check_fails 65 "its number is given once in the case" e new title="Another" exhibit=2026-1/1 case=incident-1
check "files are put in" e add 1 "$T/disk.img" "$T/auth.log" --media application/octet-stream
is "$(sed -n 's/.*sha256 \([0-9a-f]*\).*/\1/p' "$T/out" | head -1)" "$(sha256sum <"$T/disk.img" | cut -c1-64)" \
	"with the digest that sha256sum gives"
hex=$(sha256sum <"$T/disk.img" | cut -c1-64)
is "$(stat -c %a "$D/evidence/$hex")" 400 "the file is read-only under its digest"
cmp -s "$T/disk.img" "$D/evidence/$hex"
ok $? "and is what was given"
e show 1 --json >"$T/out"
has "$T/out" "$(sha512sum <"$T/disk.img" | cut -c1-128)" "the record names both digests"
check_fails 65 "without an authority it cannot be held" e move 1 held
has "$T/err" 'Authority' "which is said"
e edit 1 collected_at=2026-11-20T02:00:00Z collected_by="Analyst A" authority=warrant \
	authority_reference=PN-12/2026 authority_issuer="District Court" authority_from=2026-11-01 \
	authority_until=2030-12-31 collected_how="dd behind a write blocker" >/dev/null
check_fails 65 "nor without anybody who has it" e move 1 held
c new evidence=evidence-1 purpose="Collected on site" given_at=2026-11-20T02:00:00Z received_at=2026-11-20T02:00:00Z \
	receiver_name="Analyst A" receiver_words="I took it from the rack" place="Data centre" >/dev/null
check "the first custody entry" c move 1 received
check "now it is held" e move 1 held
check_fails 77 "rows of items are not for editing" e edit 1 items=
check "the same bytes again" e add 1 "$T/auth.log" --name again.log
is "$(ls "$D/evidence" | wc -l)" 2 "are one file"
check_fails 65 "to read an item needs a reason" e get 1 1 "$T/copy"
check "read with a reason" e get 1 1 "$T/copy" --why "examination"
cmp -s "$T/copy" "$T/disk.img"
ok $? "gives the bytes"
printf 'user root\n' >"$T/users.txt"
check "work goes into a derived exhibit" e derive 1 "$T/users.txt" --how "strings 2.40" --title "Users found" --exhibit 2026-1/1a
e chain 1 >"$T/chain"
has "$T/chain" '"what":"item.read".*"why":"examination"' "the chain says who read it and why"
has "$T/chain" '"what":"derived"' "and what was derived"
good=1
previous=$(printf %064d 0)
while read -r line; do
	case $line in *"\"previous\":\"$previous\""*) ;; *) good=0 ;; esac
	previous=$(printf %s "$line" | sha256sum | cut -c1-64)
done <"$T/chain"
is $good 1 "each line holds the SHA-256 of the one before"

# --- custody passes ---
ronda person -d "$D" new name="Lead A" >/dev/null
ronda person -d "$D" new name="Analyst B" >/dev/null
person() { ronda person -d "$D" show "$1" --json | sed -nE 's/.*"id": ?"(person--[0-9a-f-]*)".*/\1/p' | head -1; }
pass_on() { # given, received, shipping, giver
	c new evidence=evidence-1 purpose="To the laboratory" given_at="$1" received_at="$2" giver_name="$4" \
		giver_words="handed over" receiver_name="Laboratory C" place="Laboratory" shipping="$3" --json |
		sed -nE 's/.*"number": ?([0-9]+).*/\1/p' | head -1
}
n=$(pass_on 2026-11-20T03:00:00Z 2026-11-20T05:00:00Z "" "Analyst A")
c move "$n" given >/dev/null
check_fails 77 "one person cannot confirm for both sides" c move "$n" received
if [ "$(id -u)" = 0 ] && command -v setpriv >/dev/null && chmod 755 "$T" &&
	setpriv --reuid=65534 --clear-groups "$RONDA_BUILD/ronda" version >/dev/null 2>&1; then
	ronda account -d "$D" new "Analyst B" --roles analyst --unix 65534 --person "$(person 2)" >/dev/null
	serve
	chmod 711 "$D"
	second() { setpriv --reuid=65534 --regid=65534 --clear-groups "$RONDA_BUILD/ronda" custody -d "$D" "$@"; }
	check_fails 65 "an outside receiver confirms by paper or words" second move "$n" received
	second edit "$n" receiver_words="received in order" >/dev/null
	check_fails 65 "received later without a carrier is a gap" second move "$n" received
	has "$T/err" 'gap' "which is said"
	check_fails 77 "what the giver confirmed stays" second edit "$n" shipping="Courier 77"
	c move "$n" refused --why "carrier was missing" >/dev/null
	n=$(pass_on 2026-11-20T01:00:00Z 2026-11-20T01:00:00Z "" "Analyst A")
	c move "$n" given >/dev/null
	second edit "$n" receiver_words="received in order" >/dev/null
	check_fails 65 "given before it was had is an overlap" second move "$n" received
	has "$T/err" 'overlap' "which is said"
	n=$(pass_on 2026-11-20T03:00:00Z 2026-11-20T03:00:00Z "" "Analyst Z")
	c move "$n" given >/dev/null
	second edit "$n" receiver_words="received in order" >/dev/null
	check_fails 65 "given by who did not have it is a gap" second move "$n" received
	n=$(pass_on 2026-11-20T03:00:00Z 2026-11-20T05:00:00Z "Courier 77" "Analyst A")
	c move "$n" given >/dev/null
	second edit "$n" receiver_words="received in order" >/dev/null
	check "with a carrier, by two persons, it passes" second move "$n" received
	# one of us, with an account: nobody else confirms for him
	n=$(c new evidence=evidence-1 purpose="Back" given_at=2026-11-20T08:00:00Z received_at=2026-11-20T08:00:00Z \
		giver_name="Laboratory C" giver_words="ready" receiver="$(person 2)" place="Office" --json |
		sed -nE 's/.*"number": ?([0-9]+).*/\1/p' | head -1)
	second move "$n" given >/dev/null
	check_fails 77 "nobody confirms for a person with an account" c move "$n" received
	c move "$n" refused --why "again" >/dev/null
	n=$(c new evidence=evidence-1 purpose="Back" given_at=2026-11-20T08:00:00Z received_at=2026-11-20T08:00:00Z \
		giver_name="Laboratory C" giver_words="ready" receiver="$(person 2)" place="Office" --json |
		sed -nE 's/.*"number": ?([0-9]+).*/\1/p' | head -1)
	c move "$n" given >/dev/null
	check "he does" second move "$n" received
	check "another Unix user puts bytes in by standard input" sh -c \
		"printf 'a note' | setpriv --reuid=65534 --regid=65534 --clear-groups '$RONDA_BUILD/ronda' evidence -d '$D' add 1 - --name note.txt"
	chmod 700 "$D"
	stop_node
else
	skip "custody by two persons" "only root can become another"
fi
check "all is sound" e verify
check "for the whole node too" ronda verify -d "$D"

# --- what verify finds ---
cp -a "$D" "$T/kept"
again() { rm -rf "$D"; cp -a "$T/kept" "$D"; }
chmod 600 "$D/evidence/$hex"
printf '\377' | dd of="$D/evidence/$hex" bs=1 seek=1000 conv=notrunc 2>/dev/null
wrong
ok $? "a changed byte is found"
has "$T/err" 'item 1: its file is not what was put in' "and the item is named"
rm -f "$D/evidence/$hex"
wrong
has "$T/err" 'item 1: its file is missing' "a missing file is found"
again
echo x >"$D/evidence/$(printf %064d 7)"
wrong
has "$T/err" 'which no item names' "an extra file is found"
again
tamper() { # SQL, pattern, name
	sqlite3 "$D/main.db" "$1"
	wrong
	ok $? "$3: found"
	has "$T/err" "$2" "$3: named"
	again
}
tamper "UPDATE evidence_chain SET line = replace(line, 'Data centre', 'Laundry') WHERE what = 'custody'" \
	'its words were changed' "a line of custody edited by SQL"
tamper "DELETE FROM evidence_chain WHERE what = 'item.read'" 'is missing' "a line taken out by SQL"
tamper "UPDATE evidence_chain SET hash = x'$(printf %064d 0)' WHERE n = 2" 'journal knows no such line' "a hash edited by SQL"
tamper "UPDATE evidence_item SET sha256 = x'$(printf %064d 0)' WHERE n = 1" 'item 1' "a digest edited by SQL"
tamper "UPDATE record_version SET body = replace(body, 'dd behind', 'cp before')" 'were changed' "a record edited by SQL"
tamper "DELETE FROM evidence_item" 'items are written by' "items taken out by SQL"

# --- authority over ---
e edit 1 authority_until=2026-11-21 >/dev/null
check_fails 77 "authority over: nothing is read" e get 1 1 "$T/none" --why "too late"
has "$T/err" "authority 'PN-12/2026' ended with 2026-11-21" "and the rule is named"
check_fails 77 "nothing is put in" e add 1 "$T/auth.log"
wrong
has "$T/err" 'ended with 2026-11-21' "and verify says so"
e edit 1 authority_until=2030-12-31 >/dev/null
check "renewed, it is read again" e get 1 2 "$T/copy2" --why "examination"

# --- sealed ---
printf 'seven rivers run north\n' | ronda seal -d "$D" key >/dev/null 2>&1
e new title="Sealed" exhibit=2026-1/2 --labels '{"tlp":"AMBER","named":["account:1"]}' case=incident-1 >"$T/out"
s=$(sed -nE 's/evidence-([0-9]+) .*/\1/p' "$T/out")
head -c 200000 /dev/zero | tr '\0' 'S' >"$T/secret"
check "sealed storage" e add "$s" "$T/secret" --sealed
! grep -rqa SSSSSSSSSSSSSSSS "$D"
ok $? "the directory holds none of its bytes"
check_fails 77 "without the passphrase it is not read" e get "$s" 1 "$T/none" --why look
printf 'seven rivers run north\n' | e get "$s" 1 "$T/opened" --why look --case-key >"$T/out" 2>"$T/err"
cmp -s "$T/opened" "$T/secret"
ok $? "with it, it is"

if [ "$(id -u)" = 0 ] && command -v setpriv >/dev/null && setpriv --reuid=65533 --clear-groups "$RONDA_BUILD/ronda" version >/dev/null 2>&1; then
	ronda account -d "$D" new "Lead S" --roles lead --unix 65533 >/dev/null
	n=$(ronda account -d "$D" list --json | sed -nE 's/.*"id": ?([0-9]+).*"Lead S".*/\1/p' | head -1)
	serve
	chmod 711 "$D"
	late() { printf 'eight rivers run south\n' | setpriv --reuid=65533 --regid=65533 --clear-groups "$RONDA_BUILD/ronda" "$@"; }
	late seal -d "$D" key >/dev/null 2>&1
	late evidence -d "$D" get "$s" 1 - --why look --case-key >"$T/opened" 2>"$T/err"
	! cmp -s "$T/opened" "$T/secret"
	ok $? "who is not named does not open it"
	printf 'seven rivers run north\n' | e edit "$s" --case-key --why "joins" --labels "{\"tlp\":\"AMBER\",\"named\":[\"account:1\",\"account:$n\"]}" >"$T/out" 2>"$T/err"
	ok $? "he is named"
	late evidence -d "$D" get "$s" 1 - --why look --case-key >"$T/opened" 2>"$T/err"
	cmp -s "$T/opened" "$T/secret"
	ok $? "and opens what was sealed before"
	chmod 700 "$D"
	stop_node
else
	skip "a person named later" "only root can become another"
fi

# --- the package ---
tsa=$T/tsa
mkdir "$tsa"
(
	cd "$tsa" || exit 1
	cat >ca.cnf <<-'END'
		[req]
		distinguished_name = dn
		[dn]
		[ca]
		basicConstraints = critical,CA:TRUE
		keyUsage = critical,keyCertSign
		[tsa]
		basicConstraints = CA:FALSE
		keyUsage = critical,digitalSignature
		extendedKeyUsage = critical,timeStamping
		[tsa_reply]
		dir = .
		serial = ./serial
		crypto_device = builtin
		signer_cert = ./tsa.pem
		certs = ./ca.pem
		signer_key = ./tsa.key
		signer_digest = sha256
		default_policy = 1.2.3.4.1
		digests = sha256
		accuracy = secs:1
		ordering = yes
		tsa_name = yes
		ess_cert_id_chain = no
		ess_cert_id_alg = sha256
	END
	echo 01 >serial
	openssl req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.pem -subj "/CN=Stamps A" -days 30 -config ca.cnf -extensions ca
	openssl req -newkey rsa:2048 -nodes -keyout tsa.key -out tsa.csr -subj "/CN=Stamps" -config ca.cnf
	openssl x509 -req -in tsa.csr -CA ca.pem -CAkey ca.key -set_serial 2 -days 30 -extfile ca.cnf -extensions tsa -out tsa.pem
) >"$T/out" 2>&1
check_fails 66 "without a key nothing is signed" e package incident-1 --to "$T/p0" --for "District Court" --why "order 7"
[ ! -e "$T/p0" ]
ok $? "and nothing is left half done"
check "a key of our own" e key
has "$T/err" 'self-made' "is said to be self-made"
fingerprint=$(cat "$T/out")
printf 'evidence_tsa_certs = %s\n' "$tsa/ca.pem" >>"$D/ronda.conf"
pack() { # to, options
	to=$1
	shift
	printf 'seven rivers run north\n' | e package 1 2 --to "$to" --for "District Court" --why "order 7" --case-key "$@"
}
check "packed without a time stamp" pack "$T/package"
has "$T/err" 'not yet stamped' "which is said"
has "$T/package/signatures/cover.txt" 'not yet stamped' "on the covering sheet too"
(cd "$tsa" && openssl ts -reply -queryfile "$T/package/signatures/tagmanifest.tsq" -section tsa_reply -config ca.cnf -out "$T/answer.tsr") 2>/dev/null
check "stamped later with an answer fetched otherwise" e stamp "$T/package" --tsr-in "$T/answer.tsr"
# as a court has it: no ronda, stock tools alone
court() { # in the folder: the printed commands; prints how many fail
	(
		cd "$1" || exit 9
		failed=0
		for k in 1 2 3 4 5; do
			command=$(sed -n "s/^$k  //p" "$T/commands")
			env -i PATH=/usr/bin:/bin sh -c "$command" >"$T/out" 2>&1 || failed=$((failed + 1))
		done
		echo $failed
	)
}
sed -n '/^[1-5]  /p' "$T/package/data/README.txt" >"$T/commands"
is "$(wc -l <"$T/commands")" 5 "the package prints five commands"
cp -a "$T/package" "$T/p"
is "$(court "$T/p")" 0 "and all five hold"
has "$T/package/data/custody.en.html" "$hex" "the paper has every digest, in English"
has "$T/package/data/custody.id.txt" "Rantai penguasaan" "and Indonesian"
has "$T/package/data/custody.id.txt" "Surat perintah atau penetapan pengadilan" "with its words for choices"
has "$T/package/data/custody.id.txt" "Penguasaan berpindah" "and for what happened"
has "$T/package/data/custody.id.html" '@page' "with page numbers"
has "$T/package/data/custody.en.txt" "$fingerprint" "and the signer's fingerprint"
has "$T/package/signatures/cover.txt" "$(sha256sum <"$T/package/signatures/tagmanifest.tsr" | cut -c1-64)" "the covering sheet has the token's digest"
has "$T/package/signatures/cover.txt" "$(sha256sum <"$T/package/signatures/tagmanifest.p7s" | cut -c1-64)" "and the signature's"
if command -v node >/dev/null; then
	check "CASE: every name ends in a UUID, every reference is there, every record of provenance has something" \
		node -e '
		const doc = JSON.parse(require("fs").readFileSync(process.argv[1])), seen = new Set(), asked = [];
		const uuid = /[0-9a-f]{8}-[0-9a-f]{4}-[0-5][0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}$/;
		const walk = (o) => { if (!o || typeof o !== "object") return;
			if (Array.isArray(o)) return o.forEach(walk);
			if (o["@id"]) { if (!uuid.test(o["@id"])) throw o["@id"]; if (o["@type"]) seen.add(o["@id"]); else asked.push(o["@id"]); }
			for (const k in o) { const p = k.split(":"); if (p.length === 2 && !doc["@context"][p[0]]) throw k; walk(o[k]); } };
		walk(doc["@graph"]);
		for (const a of asked) if (!seen.has(a)) throw a;
		const types = (t) => doc["@graph"].filter((n) => n["@type"] === t);
		for (const p of types("case-investigation:ProvenanceRecord"))
			if (!p["uco-core:object"].length || !p["case-investigation:exhibitNumber"]) throw p;
		if (types("case-investigation:InvestigativeAction").length < 5 || types("case-investigation:Authorization").length !== 2) throw "few";
		' "$T/package/data/case.jsonld"
else
	skip "CASE JSON-LD" "no nodejs"
fi
missed=
(cd "$T/package" && find . -type f ! -name cover.txt ! -name tagmanifest.tsq ! -name tsa.pem ! -name signer.pem ! -name tagmanifest.tsr) >"$T/files"
while read -r f; do
	rm -rf "$T/p"
	cp -a "$T/package" "$T/p"
	size=$(stat -c %s "$T/p/$f")
	at=$((size / 2))
	was=$(dd if="$T/p/$f" bs=1 skip=$at count=1 2>/dev/null | od -An -tu1 | tr -d ' ')
	printf "\\$(printf %03o $((was ^ 1)))" | dd of="$T/p/$f" bs=1 seek=$at conv=notrunc 2>/dev/null
	[ "$(court "$T/p")" != 0 ] || missed="$missed changed:$f"
	rm "$T/p/$f"
	[ "$(court "$T/p")" != 0 ] || missed="$missed removed:$f"
done <"$T/files"
is "$missed" "" "a flipped byte or a missing file: caught in each of $(wc -l <"$T/files") files"
for f in data/extra data/items/extra extra.txt; do
	rm -rf "$T/p"
	cp -a "$T/package" "$T/p"
	echo x >"$T/p/$f"
	[ "$(court "$T/p")" != 0 ]
	ok $? "an added $f is caught"
done
# signed again by another: the commands hold, the paper does not
rm -rf "$T/p"
cp -a "$T/package" "$T/p"
openssl req -x509 -newkey rsa:2048 -nodes -keyout "$T/other.key" -out "$T/p/signatures/signer.pem" -subj "/CN=Other" -days 30 2>/dev/null
openssl cms -sign -binary -in "$T/p/tagmanifest-sha256.txt" -signer "$T/p/signatures/signer.pem" -inkey "$T/other.key" \
	-outform DER -out "$T/p/signatures/tagmanifest.p7s" 2>/dev/null
is "$(court "$T/p")" 0 "signed by another key with its certificate the commands cannot see it"
openssl x509 -in "$T/p/signatures/signer.pem" -noout -fingerprint -sha256 >"$T/out"
has_not "$T/out" "$fingerprint" "but the printed fingerprint differs"
cp "$T/package/signatures/signer.pem" "$T/p/signatures/signer.pem"
is "$(court "$T/p")" 1 "without its certificate the fourth fails"
head -c 60 /dev/urandom >"$T/junk.tsr"
check_fails 65 "an answer that is none is refused" e stamp "$T/package" --tsr-in "$T/junk.tsr"

# --- the authority asked over HTTP, a copy for the defence, a tar ---
if command -v node >/dev/null; then
	free_port
	(cd "$tsa" && exec node -e '
		const http = require("http"), fs = require("fs"), { execFileSync } = require("child_process");
		http.createServer((q, a) => { const b = []; q.on("data", (d) => b.push(d)); q.on("end", () => {
			if (q.headers["content-type"] !== "application/timestamp-query") { a.statusCode = 415; return a.end(); }
			fs.writeFileSync("q.tsq", Buffer.concat(b));
			execFileSync("openssl", ["ts", "-reply", "-queryfile", "q.tsq", "-section", "tsa_reply", "-config", "ca.cnf", "-out", "r.tsr"]);
			a.setHeader("Content-Type", "application/timestamp-reply"); a.end(fs.readFileSync("r.tsr")); }); })
			.listen(Number(process.argv[1]), "127.0.0.1");' "$port") >/dev/null 2>&1 &
	tsa_pid=$!
	for _ in $(seq 1200); do
		[ -z "$(ss -Hltn "sport = :$port")" ] || break
		sleep 0.05
	done
	printf 'evidence_tsa = http://127.0.0.1:%s/\n' "$port" >>"$D/ronda.conf"
	check "stamped while it is packed" pack "$T/stamped"
	is "$(court "$T/stamped")" 0 "all five commands hold"
	kill $tsa_pid 2>/dev/null
	wait $tsa_pid 2>/dev/null
	check "the authority is away: packed all the same" pack "$T/away"
	has "$T/err" 'not yet stamped' "and it says not yet stamped"
	sed -i '/^evidence_tsa =/d' "$D/ronda.conf"
else
	skip "a time-stamp authority over HTTP" "no nodejs"
fi
check "a copy for the defence" pack "$T/defence" --withhold "1/2=names a witness"
[ ! -e "$T/defence/data/items/evidence-1/0002-auth.log" ]
ok $? "leaves the item out"
has "$T/defence/data/custody.en.txt" 'names a witness' "says why"
has "$T/defence/data/custody.en.txt" "$(sha256sum <"$T/auth.log" | cut -c1-64)" "and gives its digest"
printf 'seven rivers run north\n' | e package incident-1 --to - --for "District Court" --why "order 7" --case-key >"$T/p.tar" 2>"$T/err"
mkdir "$T/untar" && tar -xf "$T/p.tar" -C "$T/untar"
is "$(sed 4,5d "$T/commands" >"$T/c3"; mv "$T/commands" "$T/c5"; cp "$T/c3" "$T/commands"; (cd "$T/untar/package" && for k in 1 2 3; do sh -c "$(sed -n "s/^$k  //p" "$T/commands")" >/dev/null 2>&1 || echo bad; done); mv "$T/c5" "$T/commands")" \
	"" "all exhibits of an incident as one tar hold too"
ronda ledger -d "$D" list >"$T/out"
has "$T/out" 'District Court' "the ledger says who got it"
e chain 1 >"$T/out"
has "$T/out" '"what":"packaged".*"tagmanifest_sha256"' "and the chain, with the digest of what left"
e edit 1 authority_until=2026-11-21 >/dev/null
check_fails 77 "authority over: nothing is packed" pack "$T/late"
e edit 1 authority_until=2030-12-31 >/dev/null
# An outside validator has its say where there is one; Debian 12 has none.
! command -v bagit.py >/dev/null || check "bagit.py accepts it" bagit.py --validate "$T/package"

# --- pages ---
token=$(ronda token -d "$D" make web --right operate --ceiling RED --personal --account "Lead A" 2>/dev/null)
ronda account -d "$D" new "Analyst W" --roles analyst >/dev/null 2>&1
weak=$(ronda token -d "$D" make weak --right read --ceiling RED --account "Analyst W" 2>/dev/null)
serve --set evidence_item_max=100M
web() { curl -s -o "$T/out" -w '%{http_code}' --max-time 60 -H "Authorization: Bearer $token" "$@"; }
is "$(web "$URL/evidence/1" -H 'Accept: text/html')" 200 "the page of an exhibit"
has "$T/out" 'href="/evidence/evidence--[0-9a-f-]*/items"' "leads to its items and custody"
is "$(web "$URL/evidence/1/items" -H 'Accept: text/html')" 200 "which are shown"
has "$T/out" "$hex" "with digests"
has "$T/out" 'Courier 77|Data centre' "and custody"
has "$T/out" 'Held by <b>' "and who has it"
is "$(web "$URL/incident/1/items")" 404 "other types have no such page"
is "$(web "$URL/evidence/1/items" -F "file=@$T/users.txt" -F media=text/plain)" 303 "a form puts a file in"
dd if=/dev/urandom of="$T/large" bs=1M count=80 2>/dev/null
is "$(web "$URL/api/evidence?exhibit=1&name=large.img" --data-binary "@$T/large" -H 'Content-Type: application/octet-stream')" 201 \
	"the API takes what is larger than a report may be"
has "$T/out" "$(sha256sum <"$T/large" | cut -c1-64)" "with its digest"
dd if=/dev/zero of="$T/over" bs=1M count=101 2>/dev/null
is "$(web "$URL/api/evidence?exhibit=1&name=over.img" --data-binary "@$T/over" -H 'Content-Type: application/octet-stream')" 413 \
	"but nothing over evidence_item_max"
is "$(web "$URL/api/evidence?exhibit=99&name=x" --data-binary x -H 'Content-Type: application/octet-stream')" 404 "nor for no exhibit"
is "$(web "$URL/evidence/1/items/1" -d why=)" 400 "a copy needs a reason"
is "$(web "$URL/evidence/1/items/1" -d why=examination)" 200 "with one it is given"
cmp -s "$T/out" "$T/disk.img"
ok $? "byte by byte"
is "$(web "$URL/evidence/1/check.json" -d x=1)" 200 "read again from the page"
has "$T/out" '"sound":true' "and sound"
is "$(web "$URL/evidence/1/package" -d for=Court -d why=order)" 200 "a package from the page"
rm -rf "$T/untar"
mkdir "$T/untar" && tar -xf "$T/out" -C "$T/untar" && (cd "$T/untar/package" && sha256sum --strict --quiet -c tagmanifest-sha256.txt manifest-sha256.txt)
ok $? "is whole"
is "$(web "$URL/evidence/1/package" -d for= -d why=order)" 400 "for nobody it is not made"
is "$(curl -s -o "$T/out" -w '%{http_code}' -H "Authorization: Bearer $weak" "$URL/evidence/1/package" -d for=Court -d why=order)" 403 \
	"an analyst hands nothing out"
is "$(curl -s -o "$T/out" -w '%{http_code}' "$URL/evidence/1/items.json")" 401 "a stranger sees nothing"
stop_node

# --- a kill, a full disk, memory ---
truncate -s 256M "$T/big"
dd if=/dev/urandom of="$T/big" bs=1M count=40 seek=100 conv=notrunc 2>/dev/null
items=$(e items 1 | wc -l)
lost=0
for ms in 010 040 080 120 160 200 250 300 400 500; do
	ronda evidence -d "$D" add 1 "$T/big" --name "big-$ms" >"$T/added" 2>/dev/null &
	pid=$!
	sleep 0.$ms
	kill -9 $pid 2>/dev/null
	wait $pid 2>/dev/null
	[ ! -s "$T/added" ] || items=$((items + 1))
	now=$(e items 1 | wc -l)
	# acknowledged is there; not acknowledged may be there, whole
	[ "$now" -ge "$items" ] || lost=$((lost + 1))
	items=$now
done
is $lost 0 "kill -9 while adding: nothing acknowledged is lost"
check "nothing is there in part" e verify
is "$(find "$D/evidence" -name '*.part' | wc -l)" 0 "and nothing is left over"
check "256 MiB go in" e add 1 "$T/big" --name big
[ "$(du -m "$D/evidence/$(sha256sum <"$T/big" | cut -c1-64)" | cut -f1)" -lt 100 ]
ok $? "holes stay holes"
if nm "$RONDA_BUILD/librondaall.a" 2>/dev/null | grep -q __asan_init; then
	skip "within 256 MiB of address space" "sanitizers take terabytes of it"
else
	(
		ulimit -v 262144
		exec ronda evidence -d "$D" add 1 "$T/big" --name "within memory"
	) >"$T/out" 2>"$T/err"
	ok $? "also where all the address space is 256 MiB"
fi
mkdir "$T/small"
if mount -t tmpfs -o size=96m tmpfs "$T/small" 2>/dev/null; then
	MOUNTED=$T/small
	ronda init "$T/small/node" --name "Team C" --country ID --account "Lead C" --set reserve=4M >/dev/null 2>&1
	printf 'reserve = 4M\n' >"$T/small/node/ronda.conf"
	ronda evidence -d "$T/small/node" new title=x exhibit=1 >/dev/null
	dd if=/dev/zero of="$T/small/ballast" bs=1M count=40 2>/dev/null
	check_fails 73 "a full disk is said" ronda evidence -d "$T/small/node" add 1 "$T/large"
	is "$(ls "$T/small/node/evidence" | wc -l)" 0 "and nothing is left half done"
	check "what fits goes in" ronda evidence -d "$T/small/node" add 1 "$T/users.txt"
	umount "$T/small" && MOUNTED=
else
	skip "a full disk" "mounting needs root"
fi

# --- the weekly reading ---
cp -a "$D" "$T/kept2"
chmod 600 "$D/evidence/$hex"
printf '\377' | dd of="$D/evidence/$hex" bs=1 seek=1000 conv=notrunc 2>/dev/null
sqlite3 "$D/main.db" "UPDATE evidence_item SET checked_us = 0"
serve --set evidence_check_rate=1G
for _ in $(seq 600); do
	left=$(sqlite3 -readonly "$D/main.db" "SELECT count(*) FROM evidence_item WHERE checked_us = 0 AND state <> 3")
	[ "$left" = 0 ] && break
	sleep 0.1
done
stop_node
is "$left" 0 "everything is read again in the background"
is "$(sqlite3 -readonly "$D/main.db" "SELECT count(*) FROM journal WHERE act = 'evidence.alarm'")" 1 "what differs is a line of the journal, once"
ronda notice -d "$D" list --json >"$T/out"
has "$T/out" 'item 1 is not what was put in' "and a notice to the lead, with the reason"
rm -rf "$D"
mv "$T/kept2" "$D"

# --- backup and erasing ---
key=$(ronda backup -d "$D" key "$T/backup.key" 2>/dev/null)
check "a backup" ronda backup -d "$D" --to "$T/backup" --key "$key"
check "restored" ronda restore "$T/backup" --key "$T/backup.key" --to "$T/node2"
cmp -s "$T/node2/evidence/$hex" "$T/disk.img"
ok $? "with the evidence in it"
check "that is sound" ronda evidence -d "$T/node2" verify
e edit 1 --labels '{"tlp":"AMBER","held":true}' --why "appeal" >/dev/null
check_fails 77 "under hold nothing is destroyed" e move 1 destroyed --why "case closed"
e edit 1 --labels '{"tlp":"AMBER"}' --why "appeal over" >/dev/null
check "destroyed" e move 1 destroyed --why "case closed"
e verify >/dev/null 2>&1
[ ! -e "$D/evidence/$hex" ] || ronda evidence -d "$D" items 1 >/dev/null
[ ! -e "$D/evidence/$hex" ]
ok $? "its bytes are gone"
check "and all is sound" e verify
check "a record that is erased" e erase "$s" --why "court order"
for _ in $(seq 40); do
	[ -z "$(ronda erase -d "$D" list 2>/dev/null)" ] && break
	ronda erase -d "$D" work >/dev/null 2>&1 || break
done
is "$(ls "$D/evidence" | wc -l)" 1 "takes its bytes along"
# --- what may not be kept ---
p=qzpattern77c1
head -c 100000 /dev/zero | sed "s/.*/$p/" >"$T/$p"
x=$(e new title="Seen on $p" exhibit=x1 --json | sed -nE 's/.*"number": ?([0-9]+).*/\1/p' | head -1)
e add "$x" "$T/$p" >/dev/null
grep -rqaF "$p" "$D/evidence"
ok $? "bytes that may not be kept"
check "destroyed and referred" ronda destroy -d "$D" "evidence-$x" --refer "Cybercrime unit"
for _ in $(seq 600); do
	grep -rqaF "$p" "$D" || break
	ronda erase -d "$D" work >/dev/null 2>&1
	sleep 0.1
done
! grep -rlaF "$p" "$D"
ok $? "are nowhere"
check_fails 77 "and do not come back" e add 2 "$T/$p" --name other
has "$T/err" 'destroyed' "which is said"
check "all is sound in the end" e verify
done_testing
