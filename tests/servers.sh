# SPDX-License-Identifier: Apache-2.0
# servers.sh: a mail relay and a mailbox store as there are outside, each an instance of its own in
# $T with its own ports of loopback; what is started ends by its own pid. Needs root, as they do.
# Used behind lib.sh:
#
#   . "$RONDA_SOURCE/tests/servers.sh"
#   servers_can || { skip "…" "$servers_lack"; done_testing; }
#   dovecot_start && postfix_start
#   trap 'postfix_stop; dovecot_stop; finish' EXIT
#
# Postfix takes mail for every domain and hands it to Dovecot, which keeps it as Maildir:
#   $SMTP_PORT         plain, without login, for loopback
#   $SUBMISSION_PORT   STARTTLS, with login     $SMTPS_PORT   TLS from the first byte, with login
#   $CA_FILE           what their certificate (localhost, 127.0.0.1) is trusted by
#   refused@…  is refused with 550 5.1.1        later@…   with 450 4.2.1
#   bounced@…  is taken, and a delivery status notification comes back
# Dovecot:
#   $IMAP_PORT, $IMAPS_PORT, login name ADDRESS, password $MAIL_PASSWORD for every address
#   $MAILS/ADDRESS/Maildir/{new,cur}/*
SERVERS=$T/servers
MAILS=$SERVERS/mails
MAIL_PASSWORD='a+Password:&='
CA_FILE=$SERVERS/cert.pem
postfix_pid='' dovecot_pid='' servers_lack=''
SMTP_PORT='' SUBMISSION_PORT='' SMTPS_PORT='' IMAP_PORT='' IMAPS_PORT=''

servers_can() {
	servers_lack=
	[ "$(id -u)" = 0 ] || servers_lack="root is needed to start Postfix and Dovecot"
	[ -x /usr/lib/postfix/sbin/master ] || servers_lack="Postfix is not installed"
	[ -x /usr/sbin/dovecot ] || servers_lack="Dovecot is not installed"
	[ -z "$servers_lack" ]
}
# A place their users may pass through, and a certificate.
servers_place() {
	[ ! -s "$CA_FILE" ] || return 0
	chmod 711 "$T"
	mkdir -p "$SERVERS" "$MAILS"
	chmod 755 "$SERVERS"
	chown mail:mail "$MAILS"
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost \
		-addext "subjectAltName=DNS:localhost,IP:127.0.0.1" -keyout "$SERVERS/key.pem" \
		-out "$CA_FILE" 2>/dev/null
}
listens() { [ -n "$(ss -Htln "sport = :$1")" ]; }
# Until somebody listens at the port, or the process has ended: port, pid
wait_listens() {
	for _ in $(seq 1200); do
		! listens "$1" || return 0
		kill -0 "$2" 2>/dev/null || return 1
		sleep 0.05
	done
	return 1
}
# Ends a process and waits for it: pid
end_server() {
	[ -n "$1" ] || return 0
	kill "$1" 2>/dev/null
	wait "$1" 2>/dev/null
	return 0
}

# --- Dovecot ---

# DOVECOT_PASSDB: another passdb instead of the one password for all.
dovecot_start() {
	servers_place || return 1
	mkdir -p "$SERVERS/dovecot"
	[ -n "$IMAP_PORT" ] || { free_port && IMAP_PORT=$port; free_port && IMAPS_PORT=$port; }
	passdb=${DOVECOT_PASSDB:-"passdb {
  driver = static
  args = password=$MAIL_PASSWORD
}"}
	# What Postfix reaches lies in its queue directory.
	postfix_place
	cat >"$SERVERS/dovecot/dovecot.conf" <<END
base_dir = $SERVERS/dovecot/run
state_dir = $SERVERS/dovecot/state
log_path = $SERVERS/dovecot/log
instance_name = ronda-test
protocols = imap lmtp
listen = 127.0.0.1
ssl = yes
ssl_cert = <$CA_FILE
ssl_key = <$SERVERS/key.pem
ssl_min_protocol = TLSv1.2
disable_plaintext_auth = no
auth_mechanisms = plain login xoauth2 oauthbearer
auth_username_chars =
mail_location = maildir:$MAILS/%u/Maildir
mail_uid = mail
mail_gid = mail
first_valid_uid = 1
first_valid_gid = 1
mail_fsync = never
mbox_write_locks = fcntl
$passdb
userdb {
  driver = static
  args = uid=mail gid=mail home=$MAILS/%u allow_all_users=yes
}
service imap-login {
  inet_listener imap {
    address = 127.0.0.1
    port = $IMAP_PORT
  }
  inet_listener imaps {
    address = 127.0.0.1
    port = $IMAPS_PORT
    ssl = yes
  }
}
service lmtp {
  unix_listener $POSTFIX_QUEUE/private/dovecot-lmtp {
    mode = 0600
    user = postfix
    group = postfix
  }
}
service auth {
  unix_listener $POSTFIX_QUEUE/private/auth {
    mode = 0660
    user = postfix
    group = postfix
  }
}
END
	/usr/sbin/dovecot -F -c "$SERVERS/dovecot/dovecot.conf" >"$SERVERS/dovecot/out" 2>&1 &
	dovecot_pid=$!
	wait_listens "$IMAP_PORT" $dovecot_pid
}
dovecot_stop() {
	end_server "$dovecot_pid"
	dovecot_pid=
}

# --- Postfix ---

POSTFIX_ETC=$SERVERS/postfix/etc
POSTFIX_QUEUE=$SERVERS/postfix/queue
postfix_place() {
	[ ! -d "$POSTFIX_QUEUE" ] || return 0
	mkdir -p "$POSTFIX_ETC" "$SERVERS/postfix/data" "$SERVERS/postfix/log"
	for dir in active bounce corrupt defer deferred flush hold incoming private saved trace maildrop public pid; do
		mkdir -p "$POSTFIX_QUEUE/$dir"
	done
	chown -R postfix "$SERVERS/postfix/data" "$POSTFIX_QUEUE"
	chown root "$POSTFIX_QUEUE" "$POSTFIX_QUEUE/pid"
	chgrp postdrop "$POSTFIX_QUEUE/maildrop" "$POSTFIX_QUEUE/public"
	chmod 700 "$POSTFIX_QUEUE"/*
	chmod 755 "$POSTFIX_QUEUE/pid"
	chmod 730 "$POSTFIX_QUEUE/maildrop"
	chmod 710 "$POSTFIX_QUEUE/public"
}
# POSTFIX_MORE: further lines of main.cf.
postfix_start() {
	servers_place && postfix_place || return 1
	[ -n "$SMTP_PORT" ] || {
		free_port && SMTP_PORT=$port
		free_port && SUBMISSION_PORT=$port
		free_port && SMTPS_PORT=$port
	}
	cat >"$POSTFIX_ETC/main.cf" <<END
compatibility_level = 3.6
queue_directory = $POSTFIX_QUEUE
data_directory = $SERVERS/postfix/data
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
mail_owner = postfix
setgid_group = postdrop
maillog_file = $SERVERS/postfix/log/mail.log
maillog_file_prefixes = $SERVERS
myhostname = relay.example.org
inet_interfaces = loopback-only
inet_protocols = ipv4
mydestination =
alias_maps =
alias_database =
local_recipient_maps =
local_transport = error:nobody lives here
mynetworks = 127.0.0.0/8
virtual_mailbox_domains = regexp:$POSTFIX_ETC/domains
virtual_mailbox_maps =
virtual_transport = lmtp:unix:private/dovecot-lmtp
transport_maps = regexp:$POSTFIX_ETC/transport
smtpd_recipient_restrictions = check_recipient_access regexp:$POSTFIX_ETC/recipients, permit_mynetworks, permit_sasl_authenticated, reject
smtpd_relay_restrictions = permit_mynetworks, permit_sasl_authenticated, reject
smtpd_client_connection_count_limit = 0
smtpd_tls_cert_file = $CA_FILE
smtpd_tls_key_file = $SERVERS/key.pem
smtpd_sasl_type = dovecot
smtpd_sasl_path = private/auth
smtputf8_enable = yes
message_size_limit = 26214400
lmtp_destination_concurrency_limit = 8
minimal_backoff_time = 5s
maximal_backoff_time = 10s
queue_run_delay = 5s
${POSTFIX_MORE:-}
END
	echo '/./ ok' >"$POSTFIX_ETC/domains"
	# A relay behind ours that wants nobody: what is refused there comes back as a notification.
	free_port
	echo "/^bounced@/ smtp:[127.0.0.1]:$port" >"$POSTFIX_ETC/transport"
	{
		echo '/^refused@/ 550 5.1.1 no such mailbox'
		echo '/^later@/ 450 4.2.1 this mailbox is busy'
	} >"$POSTFIX_ETC/recipients"
	cat >"$POSTFIX_ETC/master.cf" <<END
127.0.0.1:$SMTP_PORT inet n - n - - smtpd
127.0.0.1:$SUBMISSION_PORT inet n - n - - smtpd
  -o smtpd_tls_security_level=encrypt -o smtpd_sasl_auth_enable=yes -o mynetworks=
127.0.0.1:$SMTPS_PORT inet n - n - - smtpd
  -o smtpd_tls_wrappermode=yes -o smtpd_sasl_auth_enable=yes -o mynetworks=
127.0.0.1:$port inet n - n - - smtpd
  -o myhostname=other.example.org -o { smtpd_recipient_restrictions = check_recipient_access static:{550 5.1.1 this mailbox is gone} }
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
relay unix - - n - - smtp
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
virtual unix - n n - - virtual
lmtp unix - - n - - lmtp
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
END
	/usr/lib/postfix/sbin/master -c "$POSTFIX_ETC" >"$SERVERS/postfix/log/out" 2>&1 &
	postfix_pid=$!
	wait_listens "$SMTP_PORT" $postfix_pid && listens "$SUBMISSION_PORT" && listens "$SMTPS_PORT"
}
postfix_stop() {
	end_server "$postfix_pid"
	postfix_pid=
}
# Mails still under way in it.
postfix_queued() { find "$POSTFIX_QUEUE/incoming" "$POSTFIX_QUEUE/active" "$POSTFIX_QUEUE/deferred" "$POSTFIX_QUEUE/maildrop" -type f | wc -l; }
# Until nothing is.
wait_delivered() {
	for _ in $(seq "${1:-600}"); do
		[ "$(postfix_queued)" != 0 ] || return 0
		sleep 0.1
	done
	return 1
}
# How many mails an address has: ADDRESS; "" all.
mails() { find "$MAILS${1:+/$1}" -type f -path '*/Maildir/*' \( -path '*/new/*' -o -path '*/cur/*' \) 2>/dev/null | wc -l; }

# --- a sink ---

sink_pid='' SINK_PORT=
# Takes what comes and forgets it: options of smtp-sink
sink_start() {
	free_port && SINK_PORT=$port
	smtp-sink -u nobody "$@" "127.0.0.1:$SINK_PORT" 1000 >"$T/sink.log" 2>&1 &
	sink_pid=$!
	wait_listens "$SINK_PORT" $sink_pid
}
sink_stop() {
	end_server "$sink_pid"
	sink_pid=
}
