/* SPDX-License-Identifier: Apache-2.0 */
/* spf.h: may a host send mail for a domain? (Sender Policy Framework, RFC 7208)
 *
 * For our own domain and our own relays, before others ask it of our mail. Mechanisms ptr (section
 * 5.5: not to be used) and those with macros other than none (section 7) are not judged: they match
 * nothing here, which the words say. */
#ifndef RONDA_MAIL_SPF_H
#define RONDA_MAIL_SPF_H

#include "http/dns.h"

enum spf_result { SPF_NONE, SPF_NEUTRAL, SPF_PASS, SPF_FAIL, SPF_SOFTFAIL, SPF_TEMPERROR, SPF_PERMERROR };
const char *spf_result_name(enum spf_result r); /* "pass" */
/* *words_out: which mechanism decided, or what is wrong; in `a`. */
enum spf_result spf_check(const struct dns_ask *ask, str domain, const struct ip *ip, struct arena *a,
			  str *words_out);

/* dns_addresses() of a name that must have one: none is RC_ABSENT. */
MUST_CHECK enum rc spf_addresses(const struct dns_ask *ask, str name, struct arena *a,
				 struct ip out[DNS_ADDRESSES_MOST], size_t *count_out);

#endif
