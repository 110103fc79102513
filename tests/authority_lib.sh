# SPDX-License-Identifier: Apache-2.0
# authority_lib.sh: authorities of a community, as openssl makes them.
# In $T/NAME.pem and .key; signed by itself, or by another one.
authority() { # name, who signs it
	openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$T/$1.key" -out "$T/$1.request" -subj "/CN=$1" 2>/dev/null || return
	printf 'basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign\n' >"$T/$1.extensions"
	if [ $# = 2 ]; then
		certify "$T/$1.request" "$2" "$T/$1.pem" 30 "$T/$1.extensions"
	else
		openssl x509 -req -in "$T/$1.request" -signkey "$T/$1.key" -days 30 -extfile "$T/$1.extensions" -out "$T/$1.pem" 2>/dev/null
	fi
}
# What the request asks for stands in the certificate, and what a file of extensions adds. A number of days from now; "over": long
# ago; "early": not for years.
certify() { # request, authority, certificate to be, days | over | early, file of extensions
	case $4 in
	over) when="-startdate 20200101000000Z -enddate 20200201000000Z" ;;
	early) when="-startdate 20900101000000Z -enddate 20900201000000Z" ;;
	*) when="-days $4" ;;
	esac
	: >"$T/issued"
	printf '[ca]\ndefault_ca=c\n[c]\ndatabase=%s/issued\nnew_certs_dir=%s\nrand_serial=yes\ndefault_md=sha256\npolicy=p\ncopy_extensions=copy\n[p]\norganizationName=optional\ncommonName=supplied\n' \
		"$T" "$T" >"$T/authority.conf"
	# shellcheck disable=SC2086 # words
	openssl ca -batch -notext -utf8 -config "$T/authority.conf" -cert "$T/$2.pem" -keyfile "$T/$2.key" -in "$1" -out "$3" $when \
		${5:+-extfile "$5"} >"$T/authority.out" 2>&1
}
