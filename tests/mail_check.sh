#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What others look for in our mail, asked of a name server with records of every kind; relays that let
# us in and that do not; and a test letter, which in rehearsal goes to nobody else.
. "$RONDA_SOURCE/tests/lib.sh"
. "$RONDA_SOURCE/tests/servers.sh"
unset LANG LC_ALL LC_MESSAGES
dns_pid=
end_all() {
	[ -z "$dns_pid" ] || kill "$dns_pid" 2>/dev/null
	postfix_stop
	dovecot_stop
	finish
}
trap end_all EXIT
unbound=$(command -v unbound || echo /usr/sbin/unbound)
if ! servers_can || [ ! -x "$unbound" ]; then
	skip "what others look for in our mail" "${servers_lack:-there is no unbound}"
	done_testing
fi
r() { ronda "$@" -d "$D"; }
key() { # bits: as a TXT record holds it, in parts
	openssl genrsa "$1" 2>/dev/null | openssl rsa -pubout -outform DER 2>/dev/null | base64 -w0 | sed 's/.\{200\}/&" "/g'
}
free_port && dns_port=$port
cat >"$T/unbound.conf" <<END
server:
	interface: 127.0.0.1@$dns_port
	do-daemonize: no
	use-syslog: no
	logfile: ""
	chroot: ""
	username: ""
	directory: "$T"
	pidfile: ""
	module-config: "iterator"
	local-zone: "org." static
	local-zone: "example." static
	local-zone: "198.in-addr.arpa." static
	local-data: 'example.org. MX 10 mx.example.org.'
	local-data: 'example.org. MX 20 gone.example.org.'
	local-data: 'mx.example.org. A 198.18.0.25'
	local-data-ptr: '198.18.0.25 mx.example.org'
	local-data-ptr: '198.18.0.26 other.example.org'
	local-data: 'other.example.org. A 198.18.0.99'
	local-data: 'example.org. TXT "some words"'
	local-data: 'example.org. TXT "v=spf1 a:other.example.org include:_spf.example.org ~all"'
	local-data: '_spf.example.org. TXT "v=spf1 exists:%{i}.x.example.org include:_spf2.example.org -all"'
	local-data: '_spf2.example.org. TXT "v=spf1 ip4:192.0.2.0/24 mx:example.org -all"'
	local-data: '_dmarc.example.org. TXT "v=DMARC1; p=reject; rua=mailto:dmarc@example.org"'
	local-data: 'big._domainkey.example.org. TXT "v=DKIM1; k=rsa; p=$(key 2048)"'
	local-data: 'small._domainkey.example.org. TXT "v=DKIM1; k=rsa; p=$(key 1024)"'
	local-data: 'revoked._domainkey.example.org. TXT "v=DKIM1; p="'
	local-data: 'noise._domainkey.example.org. TXT "v=DKIM1; p=AAAA"'
	local-data: 'null.example. MX 0 .'
	local-data: 'null.example. TXT "v=spf1 -all"'
	local-data: 'sub.null.example. A 198.18.0.7'
	local-data: 'sub.null.example. TXT "v=spf1 redirect=null.example"'
	local-data: '_dmarc.null.example. TXT "v=DMARC1; p=none"'
	local-data: 'loop.example. TXT "v=spf1 include:loop.example -all"'
	local-data: 'twice.example. TXT "v=spf1 -all"'
	local-data: 'twice.example. TXT "v=spf1 +all"'
	local-data: 'typo.example. TXT "v=spf1 ip5:192.0.2.1 -all"'
	local-data: 'empty.example. TXT "v=spf1 a:n1.example a:n2.example a:n3.example -all"'
	local-data: 'soft.example. TXT "v=spf1 ip6:2001:db8::/32 ip4:192.0.2.1/33x ~all"'
	local-data: 'neutral.example. TXT "v=spf1 ip6:2001:db8::/32"'
	local-data: 'cidr.example. TXT "v=spf1 a:mx.example.org/24//64 -all"'
	local-data: 'missing.example. TXT "v=spf1 include:absent.example -all"'
remote-control:
	control-enable: no
END
"$unbound" -c "$T/unbound.conf" >"$T/unbound.log" 2>&1 &
dns_pid=$!
for _ in $(seq 1200); do
	[ -z "$(ss -Hlun "sport = :$dns_port")" ] || break
	sleep 0.05
done
dovecot_start
ok $? "a mailbox store runs"
postfix_start
ok $? "a relay runs"
ronda init "$D" --name "Team B" --country ID --team small --account "Lead A" >"$T/out" 2>"$T/err"
ok $? "a node is made"
printf '%s\n' "$MAIL_PASSWORD" >"$T/password"
printf 'another one\n' >"$T/wrong"
chmod 600 "$T/password" "$T/wrong"
# $1: mail_from's domain; then more settings
conf() {
	domain=$1
	shift
	{
		echo "dns_server = 127.0.0.1@$dns_port"
		echo "mail_from = Team B <cert@$domain>"
		echo "mail_timeout = 5s"
		echo "mail_ca_file = $CA_FILE"
		printf '%s\n' "$@"
	} >"$D/ronda.conf"
}
good="mail_relays = smtps://cert@example.org@localhost:$SMTPS_PORT, smtp://cert@example.org@localhost:$SUBMISSION_PORT, smtp://127.0.0.1:$SMTP_PORT"
password="mail_password_file = $T/password"
addresses="mail_addresses = 198.18.0.25"

# --- all is well ---
conf example.org "$good" "$password" "$addresses" "mail_dkim_selectors = big"
check "a domain that is as it should be" r mail check --csv
has "$T/out" '"MX","example.org","weak".*"1 of 2 hosts|"MX","example.org","weak","1 of 2 hosts' "a host of its MX has no address"
has "$T/out" '"SPF","198.18.0.25","good","pass for .example.org., by .mx:example.org. of ._spf2.example.org' "SPF through two includes"
has "$T/out" '"PTR","198.18.0.25","good"' "a name that leads back"
has "$T/out" '"DKIM","big._domainkey.example.org","good","an RSA key of 2048 bits"' "the key that the relay signs by"
has "$T/out" '"DMARC","example.org","good","p=reject"' "and DMARC"
is "$(grep -c '"relay",.*"good"' "$T/out")" 3 "each relay lets us in"

# --- what is not ---
conf example.org "$good" "$password" "mail_addresses = 198.18.0.26, 198.18.0.27" \
	"mail_dkim_selectors = small, revoked, noise, absent"
check_fails 78 "a domain with faults" r mail check --csv
has "$T/out" '"SPF","198.18.0.26","weak","softfail' "an address that SPF does not know"
has "$T/out" '"PTR","198.18.0.26","bad",.*does not lead back' "a name that leads elsewhere"
has "$T/out" '"PTR","198.18.0.27","bad","no name' "no name at all"
has "$T/out" '"DKIM","small.*"weak","an RSA key of 1024 bits' "a short key"
has "$T/out" '"DKIM","revoked.*"bad","the key is revoked' "a revoked one"
has "$T/out" '"DKIM","noise.*"bad","its p= is no key' "one that is none"
has "$T/out" '"DKIM","absent.*"bad","there is no key' "one that is not there"
spf() { # domain, verdict, result, name
	conf "$1" "$good" "$password" "$addresses"
	r mail check --csv >"$T/out" 2>"$T/err"
	has "$T/out" "\"SPF\",\"198.18.0.25\",\"$2\",\"$3" "SPF: $4"
}
spf null.example bad "fail for" "a domain that sends nothing"
has "$T/out" '"MX","null.example","bad","a null MX' "nor takes any"
has "$T/out" '"DMARC","null.example","weak","p=none' "and lets anybody write in its name"
spf sub.null.example bad "fail for" "redirect"
has "$T/out" '"DMARC","sub.null.example","weak","p=none' "DMARC of the domain above"
spf loop.example bad "permerror.*more than 10 times" "a record that includes itself"
spf twice.example bad "permerror.*2 records" "two records"
spf typo.example bad "permerror.*no term" "a term that is none"
spf empty.example bad "permerror.*have no record" "names without records"
spf soft.example bad "permerror.*no network" "a network that is none"
spf neutral.example weak "neutral" "no word of it"
spf cidr.example good "pass" "a length behind a name"
spf missing.example bad "permerror.*no record of its own" "an include of nothing"
spf none.example weak "none" "no record"
has "$T/out" '"MX","none.example","bad","neither MX nor address' "nor a way back"

# --- relays ---
conf example.org "$good" "mail_password_file = $T/wrong" "$addresses"
check_fails 78 "a password that is wrong" r mail check --csv
is "$(grep -c '"relay",.*"bad"' "$T/out")" 2 "is refused where one is asked"
conf example.org "mail_relays = smtps://cert@example.org@localhost:$SMTPS_PORT" "$password" "$addresses"
sed -i '/mail_ca_file/d' "$D/ronda.conf"
check_fails 78 "a certificate of nobody we trust" r mail check --csv
has "$T/out" '"relay",.*"bad",.*certificate' "is said"
conf example.org "mail_relays = smtp://cert@example.org@localhost:$SMTP_PORT" "$password" "$addresses"
check_fails 78 "a relay that knows no login" r mail check --csv
conf example.org "mail_relays = smtp://127.0.0.1:1" "$addresses"
check_fails 78 "a relay that is not there" r mail check --csv
has "$T/out" '"relay","127.0.0.1:1","bad"' "is said"
conf example.org "$addresses"
check_fails 78 "no relay" r mail check --csv
has "$T/out" 'mail_relays is empty' "is said"
check_fails 65 "no address of ours" r mail check --set mail_from=nobody
kill $dns_pid
wait $dns_pid 2>/dev/null
dns_pid=
conf example.org "mail_relays = smtp://127.0.0.1:$SMTP_PORT" "$addresses" "mail_dkim_selectors = big"
r mail check --csv >"$T/out" 2>"$T/err"
is "$(grep -c '"unknown"' "$T/out")" 5 "without a name server nothing is known"

# --- a test letter ---
conf example.org "$good" "$password"
check "a test letter to ourselves" r mail test cert@example.org
check_fails 77 "in rehearsal it goes to nobody else" r mail test someone@example.net
check "live" r rehearsal live --all --why "a test of the mail"
check "it goes to others" r mail test someone@example.net
check_fails 66 "one who is not there" r mail test refused@example.net
check_fails 75 "one who is busy" r mail test later@example.net
check_fails 65 "what is no address" r mail test "a b@example.net"
wait_delivered
is "$(mails)" 2 "two have arrived"
has "$(find "$MAILS/someone@example.net" -type f -path '*new*')" '^Subject: Test of the mail of Team B' "with its subject"
r ledger list --csv >"$T/out"
is "$(grep -c 'test letter' "$T/out")" 4 "the ledger has each"
done_testing
