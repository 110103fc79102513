/* SPDX-License-Identifier: Apache-2.0 */
/* Two thousand cases of whom an event concerns. The first are written by hand, against one made-up
 * country: networks in networks, IPv6, names, IDN, CDN, anycast, shared addresses, seasons, successions,
 * the order by class. The rest are made at random and compared with a matcher that is written here
 * from docs/routing.md alone: it looks at every claim, and knows no table. */
#include "route/concern_private.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/hash.h"
#include "base/test.h"
#include "route/directory_private.h"

/* H asset holder, T host, N network, R registrar, C national CERT */
static const char role_letters[] = "HTNRC";

static const struct {
	const char *org;
	char role;
	const char *kind, *value;
	bool shared;
	const char *from, *until;
} country[] = {
	{ "team-id", 'C', "country", "ID", false, "", "" },
	{ "team-id", 'C', "domain", "id", false, "", "" },
	{ "team-sg", 'C', "country", "SG", false, "", "" },
	{ "team-sg", 'C', "domain", "sg", false, "", "" },
	{ "team-x", 'C', "domain", "xn--p1ai", false, "", "" },
	{ "bank", 'H', "net", "198.18.1.0/24", false, "", "" },
	{ "bank", 'H', "net", "2001:db8:1::/48", false, "", "" },
	{ "bank", 'H', "domain", "bank.example", false, "", "" },
	{ "branch", 'H', "net", "198.18.1.128/25", false, "", "" },
	{ "branch", 'H', "domain", "branch.bank.example", false, "", "" },
	{ "atm", 'H', "net", "198.18.1.129/32", false, "", "" },
	{ "vault", 'H', "net", "2001:db8:1:aa::/64", false, "", "" },
	{ "dns", 'H', "net", "2001:db8:1:aa::53/128", false, "", "" },
	{ "telco", 'N', "net", "198.18.0.0/16", false, "", "" },
	{ "telco", 'N', "net", "2001:db8::/32", false, "", "" },
	{ "telco", 'N', "asn", "64500", false, "", "" },
	{ "far", 'N', "net", "198.19.0.0/16", false, "", "" },
	{ "far", 'N', "asn", "4200000000", false, "", "" },
	{ "mobile", 'N', "net", "100.64.0.0/10", true, "", "" },
	{ "mobile", 'N', "asn", "64501", false, "", "" },
	{ "mvno", 'N', "net", "100.100.0.0/16", true, "", "" },
	{ "clinic", 'H', "net", "100.64.7.0/24", false, "", "" },
	{ "hostco", 'T', "net", "198.18.64.0/20", false, "", "" },
	{ "hostco", 'T', "domain", "hostco.example", false, "", "" },
	{ "hostco", 'N', "asn", "64502", false, "", "" },
	{ "cdn", 'T', "net", "198.18.80.0/24", false, "", "" },
	{ "cdn", 'T', "net", "2001:db8:80::/48", false, "", "" },
	{ "cdn", 'N', "asn", "64510", false, "", "" },
	{ "root-a", 'H', "net", "198.18.90.0/24", false, "", "" },
	{ "root-b", 'T', "net", "198.18.90.0/24", false, "", "" },
	{ "root-c", 'N', "net", "198.18.90.0/24", false, "", "" },
	{ "root-a", 'H', "net", "2001:db8:90::/48", false, "", "" },
	{ "root-b", 'T', "net", "2001:db8:90::/48", false, "", "" },
	{ "root-d", 'N', "asn", "64521", false, "", "" },
	{ "root-e", 'N', "asn", "64522", false, "", "" },
	{ "registry", 'R', "domain", "example", false, "", "" },
	{ "ministry", 'H', "domain", "gov.example", false, "", "" },
	{ "tax", 'H', "domain", "tax.gov.example", false, "", "" },
	{ "books", 'H', "domain", "xn--bcher-kva.example", false, "", "" },
	{ "old-isp", 'N', "asn", "64505", false, "", "2026-03-01" },
	{ "new-isp", 'N', "asn", "64505", false, "2026-03-01", "" },
	{ "election", 'H', "net", "198.18.40.0/24", false, "2026-01-01", "2026-02-01" },
	{ "election", 'H', "domain", "vote.example", false, "2026-01-01", "2026-02-01" },
	{ "tourism", 'H', "net", "198.18.41.0/24", false, "2026-06-01", "2026-07-01" },
	{ "tourism", 'H', "net", "198.18.41.0/24", false, "2026-12-01", "2027-01-01" },
	{ "fair", 'H', "net", "198.18.200.0/24", false, "", "" },
	{ "camp", 'N', "net", "198.18.200.0/24", true, "2026-01-01", "2026-02-01" },
	{ "agency-old", 'H', "net", "198.18.50.0/24", false, "", "2026-06-01" },
	{ "agency-new", 'H', "net", "198.18.50.0/24", false, "2026-06-01", "" },
	{ "agency-old", 'H', "domain", "agency.example", false, "", "2026-06-01" },
	{ "agency-new", 'H', "domain", "agency.example", false, "2026-06-01", "" },
	{ "agency-new", 'H', "net", "198.18.51.0/24", false, "", "" },
	{ "bureau-a", 'H', "domain", "bureau.example", false, "", "2026-06-01" },
	{ "bureau-b", 'H', "domain", "bureau.example", false, "2026-06-01", "2026-07-01" },
	{ "bureau-c", 'H', "domain", "bureau.example", false, "2026-07-01", "" },
};

static const struct {
	const char *what, *type, *at, *facts, *want;
} written[] = {
	{ "bank's network inside the telco's", "scanner", "2026-05-01", "ip=198.18.1.7",
	  "bank H net 198.18.1.0/24; telco N net 198.18.0.0/16" },
	{ "a branch inside the bank", "scanner", "2026-05-01", "ip=198.18.1.200",
	  "branch H net 198.18.1.128/25; bank H net 198.18.1.0/24; telco N net 198.18.0.0/16" },
	{ "one machine inside the branch", "scanner", "2026-05-01", "ip=198.18.1.129",
	  "atm H net 198.18.1.129/32; branch H net 198.18.1.128/25; bank H net 198.18.1.0/24; telco N net 198.18.0.0/16" },
	{ "its neighbour below", "scanner", "2026-05-01", "ip=198.18.1.128",
	  "branch H net 198.18.1.128/25; bank H net 198.18.1.0/24; telco N net 198.18.0.0/16" },
	{ "its neighbour above", "scanner", "2026-05-01", "ip=198.18.1.130",
	  "branch H net 198.18.1.128/25; bank H net 198.18.1.0/24; telco N net 198.18.0.0/16" },
	{ "last address before the branch", "scanner", "2026-05-01", "ip=198.18.1.127",
	  "bank H net 198.18.1.0/24; telco N net 198.18.0.0/16" },
	{ "first address of the branch", "scanner", "2026-05-01", "ip=198.18.1.128",
	  "branch H net 198.18.1.128/25; bank H net 198.18.1.0/24; telco N net 198.18.0.0/16" },
	{ "last address of the bank", "scanner", "2026-05-01", "ip=198.18.1.255",
	  "branch H net 198.18.1.128/25; bank H net 198.18.1.0/24; telco N net 198.18.0.0/16" },
	{ "first address of the bank", "scanner", "2026-05-01", "ip=198.18.1.0",
	  "bank H net 198.18.1.0/24; telco N net 198.18.0.0/16" },
	{ "one before the bank", "scanner", "2026-05-01", "ip=198.18.0.255",
	  "telco N net 198.18.0.0/16" },
	{ "one after the bank", "scanner", "2026-05-01", "ip=198.18.2.0",
	  "telco N net 198.18.0.0/16" },
	{ "first of the telco", "scanner", "2026-05-01", "ip=198.18.0.0",
	  "telco N net 198.18.0.0/16" },
	{ "last of the telco", "scanner", "2026-05-01", "ip=198.18.255.255",
	  "telco N net 198.18.0.0/16" },
	{ "one before the telco", "scanner", "2026-05-01", "ip=198.17.255.255",
	  "" },
	{ "one after the telco", "scanner", "2026-05-01", "ip=198.19.0.0",
	  "far N net 198.19.0.0/16" },
	{ "a network is asked: inside the bank", "scanner", "2026-05-01", "net=198.18.1.0/26",
	  "bank H net 198.18.1.0/24; telco N net 198.18.0.0/16" },
	{ "a network is asked: the bank's own", "scanner", "2026-05-01", "net=198.18.1.0/24",
	  "bank H net 198.18.1.0/24; telco N net 198.18.0.0/16" },
	{ "a network is asked: larger than the bank", "scanner", "2026-05-01", "net=198.18.0.0/23",
	  "telco N net 198.18.0.0/16" },
	{ "a network is asked: larger than the telco", "scanner", "2026-05-01", "net=198.18.0.0/15",
	  "" },
	{ "a network is asked: the machine", "scanner", "2026-05-01", "net=198.18.1.129/32",
	  "atm H net 198.18.1.129/32; branch H net 198.18.1.128/25; bank H net 198.18.1.0/24; telco N net 198.18.0.0/16" },
	{ "an address wins over a network said beside it", "scanner", "2026-05-01", "ip=198.18.1.7 net=198.19.0.0/16",
	  "bank H net 198.18.1.0/24; telco N net 198.18.0.0/16" },
	{ "nobody's address", "scanner", "2026-05-01", "ip=203.0.113.9",
	  "" },
	{ "nobody's address, a country's", "scanner", "2026-05-01", "ip=203.0.113.9 cc=ID",
	  "team-id C country ID" },
	{ "the telco by network and number once", "scanner", "2026-05-01", "ip=198.18.1.7 asn=64500",
	  "bank H net 198.18.1.0/24; telco N net 198.18.0.0/16" },
	{ "the telco by number alone", "scanner", "2026-05-01", "ip=203.0.113.9 asn=64500",
	  "telco N asn AS64500" },
	{ "country last", "scanner", "2026-05-01", "ip=198.18.1.7 asn=64500 cc=ID",
	  "bank H net 198.18.1.0/24; telco N net 198.18.0.0/16; team-id C country ID" },
	{ "another country's team", "scanner", "2026-05-01", "ip=198.18.1.7 cc=SG",
	  "bank H net 198.18.1.0/24; telco N net 198.18.0.0/16; team-sg C country SG" },
	{ "no team for that country", "scanner", "2026-05-01", "ip=198.18.1.7 cc=TH",
	  "bank H net 198.18.1.0/24; telco N net 198.18.0.0/16" },
	{ "the number of one, the network of another", "scanner", "2026-05-01", "ip=198.18.1.7 asn=64502",
	  "bank H net 198.18.1.0/24; telco N net 198.18.0.0/16; hostco N asn AS64502" },
	{ "before the AS moved", "scanner", "2026-02-28T23:59:59Z", "asn=64505",
	  "old-isp N asn AS64505" },
	{ "the moment it moved", "scanner", "2026-03-01", "asn=64505",
	  "new-isp N asn AS64505" },
	{ "after it moved", "scanner", "2026-05-01", "asn=64505",
	  "new-isp N asn AS64505" },
	{ "long before", "scanner", "1999-01-01", "asn=64505",
	  "old-isp N asn AS64505" },
	{ "with country, before", "scanner", "2026-02-01", "asn=64505 cc=ID",
	  "old-isp N asn AS64505; team-id C country ID" },
	{ "with country, after", "scanner", "2026-05-01", "asn=64505 cc=ID",
	  "new-isp N asn AS64505; team-id C country ID" },
	{ "inside a bank's network on the moved AS", "scanner", "2026-05-01", "ip=198.18.1.7 asn=64505",
	  "bank H net 198.18.1.0/24; telco N net 198.18.0.0/16; new-isp N asn AS64505" },
	{ "a ddos from the moved AS, before", "ddos", "2026-02-01", "asn=64505 dip=198.18.1.7",
	  "old-isp N asn AS64505; bank H net 198.18.1.0/24; telco N net 198.18.0.0/16" },
	{ "a ddos from the moved AS, after", "ddos", "2026-05-01", "asn=64505 dip=198.18.1.7",
	  "new-isp N asn AS64505; bank H net 198.18.1.0/24; telco N net 198.18.0.0/16" },
	{ "AS 4200000000", "scanner", "2026-05-01", "asn=4200000000",
	  "far N asn AS4200000000" },
	{ "the largest AS number", "scanner", "2026-05-01", "asn=4294967295",
	  "" },
	{ "AS 1", "scanner", "2026-05-01", "asn=1",
	  "" },
	{ "IPv6: the bank", "scanner", "2026-05-01", "ip=2001:db8:1::7",
	  "bank H net 2001:db8:1::/48; telco N net 2001:db8::/32" },
	{ "IPv6: last address of the bank", "scanner", "2026-05-01", "ip=2001:db8:1:ffff:ffff:ffff:ffff:ffff",
	  "bank H net 2001:db8:1::/48; telco N net 2001:db8::/32" },
	{ "IPv6: one after", "scanner", "2026-05-01", "ip=2001:db8:2::",
	  "telco N net 2001:db8::/32" },
	{ "IPv6: one before", "scanner", "2026-05-01", "ip=2001:db8:0:ffff:ffff:ffff:ffff:ffff",
	  "telco N net 2001:db8::/32" },
	{ "IPv6: last of the telco", "scanner", "2026-05-01", "ip=2001:db8:ffff:ffff:ffff:ffff:ffff:ffff",
	  "telco N net 2001:db8::/32" },
	{ "IPv6: after the telco", "scanner", "2026-05-01", "ip=2001:db9::",
	  "" },
	{ "IPv6: long form", "scanner", "2026-05-01", "ip=2001:0db8:0001:0000:0000:0000:0000:0007",
	  "bank H net 2001:db8:1::/48; telco N net 2001:db8::/32" },
	{ "IPv6: capitals", "scanner", "2026-05-01", "ip=2001:DB8:1::A",
	  "bank H net 2001:db8:1::/48; telco N net 2001:db8::/32" },
	{ "IPv6: a /64 in the bank", "scanner", "2026-05-01", "ip=2001:db8:1:aa::1",
	  "vault H net 2001:db8:1:aa::/64; bank H net 2001:db8:1::/48; telco N net 2001:db8::/32" },
	{ "IPv6: the /64 beside it", "scanner", "2026-05-01", "ip=2001:db8:1:ab::1",
	  "bank H net 2001:db8:1::/48; telco N net 2001:db8::/32" },
	{ "IPv6: one address", "scanner", "2026-05-01", "ip=2001:db8:1:aa::53",
	  "dns H net 2001:db8:1:aa::53/128; vault H net 2001:db8:1:aa::/64; bank H net 2001:db8:1::/48; telco N net 2001:db8::/32" },
	{ "IPv6: a network of /49", "scanner", "2026-05-01", "net=2001:db8:1::/49",
	  "bank H net 2001:db8:1::/48; telco N net 2001:db8::/32" },
	{ "IPv6: a network of /47", "scanner", "2026-05-01", "net=2001:db8:0::/47",
	  "telco N net 2001:db8::/32" },
	{ "an IPv4 address written as IPv6", "scanner", "2026-05-01", "ip=::ffff:198.18.1.7",
	  "bank H net 198.18.1.0/24; telco N net 198.18.0.0/16" },
	{ "IPv6 with IPv4's digits is another", "scanner", "2026-05-01", "ip=::198.18.1.7",
	  "" },
	{ "IPv6: with country", "scanner", "2026-05-01", "ip=2001:db8:1::7 cc=ID",
	  "bank H net 2001:db8:1::/48; telco N net 2001:db8::/32; team-id C country ID" },
	{ "a ministry's name", "scanner", "2026-05-01", "fqdn=gov.example",
	  "ministry H domain gov.example; registry R domain example" },
	{ "a name under it", "scanner", "2026-05-01", "fqdn=www.gov.example",
	  "ministry H domain gov.example; registry R domain example" },
	{ "its agency first", "scanner", "2026-05-01", "fqdn=tax.gov.example",
	  "tax H domain tax.gov.example; ministry H domain gov.example; registry R domain example" },
	{ "deep under the agency", "scanner", "2026-05-01", "fqdn=a.b.c.tax.gov.example",
	  "tax H domain tax.gov.example; ministry H domain gov.example; registry R domain example" },
	{ "what only ends alike", "scanner", "2026-05-01", "fqdn=notgov.example",
	  "registry R domain example" },
	{ "what only begins alike", "scanner", "2026-05-01", "fqdn=gov.example.test",
	  "" },
	{ "the top-level domain itself", "scanner", "2026-05-01", "fqdn=example",
	  "registry R domain example" },
	{ "a name in capitals is normalised before", "scanner", "2026-05-01", "fqdn=bank.example",
	  "bank H domain bank.example; registry R domain example" },
	{ "the branch's name", "scanner", "2026-05-01", "fqdn=branch.bank.example",
	  "branch H domain branch.bank.example; bank H domain bank.example; registry R domain example" },
	{ "the host's name", "scanner", "2026-05-01", "fqdn=site.hostco.example",
	  "hostco T domain hostco.example; registry R domain example" },
	{ "a country's top-level domain", "scanner", "2026-05-01", "fqdn=toko.id",
	  "team-id C domain id" },
	{ "with the country as well: once", "scanner", "2026-05-01", "fqdn=toko.id cc=ID",
	  "team-id C domain id" },
	{ "one country's name in another", "scanner", "2026-05-01", "fqdn=toko.id cc=SG",
	  "team-id C domain id; team-sg C country SG" },
	{ "name from a URL", "scanner", "2026-05-01", "url=http://www.gov.example/x?y",
	  "ministry H domain gov.example; registry R domain example" },
	{ "name from a URL with a port", "scanner", "2026-05-01", "url=https://tax.gov.example:8443/",
	  "tax H domain tax.gov.example; ministry H domain gov.example; registry R domain example" },
	{ "a URL of an address names nobody", "scanner", "2026-05-01", "url=http://198.18.1.7/",
	  "" },
	{ "name from an account", "scanner", "2026-05-01", "account=someone@bank.example",
	  "bank H domain bank.example; registry R domain example" },
	{ "an account with two signs", "scanner", "2026-05-01", "account=a@b@bank.example",
	  "bank H domain bank.example; registry R domain example" },
	{ "an account without", "scanner", "2026-05-01", "account=someone",
	  "" },
	{ "the name wins over the URL", "scanner", "2026-05-01", "fqdn=bank.example url=http://gov.example/",
	  "bank H domain bank.example; registry R domain example" },
	{ "the URL wins over the account", "scanner", "2026-05-01", "url=http://gov.example/ account=x@bank.example",
	  "ministry H domain gov.example; registry R domain example" },
	{ "a name and an address", "scanner", "2026-05-01", "ip=198.18.64.9 fqdn=www.gov.example",
	  "ministry H domain gov.example; hostco T net 198.18.64.0/20; telco N net 198.18.0.0/16; registry R domain example" },
	{ "the same for phishing: the host first", "phishing", "2026-05-01", "ip=198.18.64.9 fqdn=www.gov.example",
	  "hostco T net 198.18.64.0/20; ministry H domain gov.example; registry R domain example; telco N net 198.18.0.0/16" },
	{ "a government's name hosted abroad", "scanner", "2026-05-01", "ip=198.19.5.5 fqdn=tax.gov.example cc=SG",
	  "tax H domain tax.gov.example; ministry H domain gov.example; far N net 198.19.0.0/16; registry R domain example; team-sg C country SG" },
	{ "for phishing: no host known, the holder", "phishing", "2026-05-01", "ip=198.19.5.5 fqdn=tax.gov.example cc=SG",
	  "tax H domain tax.gov.example; ministry H domain gov.example; registry R domain example; far N net 198.19.0.0/16; team-sg C country SG" },
	{ "IDN", "scanner", "2026-05-01", "fqdn=xn--bcher-kva.example",
	  "books H domain xn--bcher-kva.example; registry R domain example" },
	{ "IDN: a name under it", "scanner", "2026-05-01", "fqdn=www.xn--bcher-kva.example",
	  "books H domain xn--bcher-kva.example; registry R domain example" },
	{ "IDN: in a URL", "scanner", "2026-05-01", "url=http://shop.xn--bcher-kva.example/a",
	  "books H domain xn--bcher-kva.example; registry R domain example" },
	{ "IDN: another alike", "scanner", "2026-05-01", "fqdn=xn--bcher-kvb.example",
	  "registry R domain example" },
	{ "IDN: in a label below", "scanner", "2026-05-01", "fqdn=xn--bcher-kva.bank.example",
	  "bank H domain bank.example; registry R domain example" },
	{ "IDN top-level", "scanner", "2026-05-01", "fqdn=a.xn--p1ai",
	  "team-x C domain xn--p1ai" },
	{ "CDN: the edge", "scanner", "2026-05-01", "ip=198.18.80.7",
	  "cdn T net 198.18.80.0/24; telco N net 198.18.0.0/16" },
	{ "CDN: the edge and its number", "scanner", "2026-05-01", "ip=198.18.80.7 asn=64510",
	  "cdn T net 198.18.80.0/24; telco N net 198.18.0.0/16" },
	{ "CDN: number alone", "scanner", "2026-05-01", "asn=64510",
	  "cdn N asn AS64510" },
	{ "CDN: the customer by name", "scanner", "2026-05-01", "ip=198.18.80.7 fqdn=bank.example",
	  "bank H domain bank.example; cdn T net 198.18.80.0/24; telco N net 198.18.0.0/16; registry R domain example" },
	{ "CDN: phishing, the CDN first", "phishing", "2026-05-01", "ip=198.18.80.7 fqdn=login.evil.example",
	  "cdn T net 198.18.80.0/24; registry R domain example; telco N net 198.18.0.0/16" },
	{ "CDN: malware on the bank's name", "malware-distribution", "2026-05-01", "ip=198.18.80.7 fqdn=bank.example",
	  "cdn T net 198.18.80.0/24; bank H domain bank.example; registry R domain example; telco N net 198.18.0.0/16" },
	{ "CDN: a defaced site's holder", "defacement", "2026-05-01", "fqdn=www.bank.example ip=2001:db8:80::1",
	  "bank H domain bank.example; cdn T net 2001:db8:80::/48; telco N net 2001:db8::/32; registry R domain example" },
	{ "CDN: IPv6 edge", "scanner", "2026-05-01", "ip=2001:db8:80::1",
	  "cdn T net 2001:db8:80::/48; telco N net 2001:db8::/32" },
	{ "anycast: all who have it, each in his role", "scanner", "2026-05-01", "ip=198.18.90.53",
	  "root-a H net 198.18.90.0/24; root-b T net 198.18.90.0/24; root-c N net 198.18.90.0/24; telco N net 198.18.0.0/16" },
	{ "anycast: seen from one of its networks", "scanner", "2026-05-01", "ip=198.18.90.53 asn=64521",
	  "root-a H net 198.18.90.0/24; root-b T net 198.18.90.0/24; root-c N net 198.18.90.0/24; telco N net 198.18.0.0/16; root-d N asn AS64521" },
	{ "anycast: from another", "scanner", "2026-05-01", "ip=198.18.90.53 asn=64522",
	  "root-a H net 198.18.90.0/24; root-b T net 198.18.90.0/24; root-c N net 198.18.90.0/24; telco N net 198.18.0.0/16; root-e N asn AS64522" },
	{ "anycast: c2, hosts first", "c2-server", "2026-05-01", "ip=198.18.90.53",
	  "root-b T net 198.18.90.0/24; root-a H net 198.18.90.0/24; root-c N net 198.18.90.0/24; telco N net 198.18.0.0/16" },
	{ "anycast: IPv6", "scanner", "2026-05-01", "ip=2001:db8:90::53",
	  "root-a H net 2001:db8:90::/48; root-b T net 2001:db8:90::/48; telco N net 2001:db8::/32" },
	{ "anycast: in two countries, one said", "scanner", "2026-05-01", "ip=198.18.90.53 cc=SG",
	  "root-a H net 198.18.90.0/24; root-b T net 198.18.90.0/24; root-c N net 198.18.90.0/24; telco N net 198.18.0.0/16; team-sg C country SG" },
	{ "shared addresses", "scanner", "2026-05-01", "ip=100.70.1.1",
	  "mobile N shared net 100.64.0.0/10" },
	{ "shared: first", "scanner", "2026-05-01", "ip=100.64.0.0",
	  "mobile N shared net 100.64.0.0/10" },
	{ "shared: last", "scanner", "2026-05-01", "ip=100.127.255.255",
	  "mobile N shared net 100.64.0.0/10" },
	{ "shared: beyond", "scanner", "2026-05-01", "ip=100.128.0.0",
	  "" },
	{ "shared: a customer's own network inside is his", "scanner", "2026-05-01", "ip=100.64.7.9",
	  "clinic H net 100.64.7.0/24; mobile N net 100.64.0.0/10" },
	{ "shared: beside the customer's", "scanner", "2026-05-01", "ip=100.64.8.1",
	  "mobile N shared net 100.64.0.0/10" },
	{ "shared: with number", "scanner", "2026-05-01", "ip=100.70.1.1 asn=64501",
	  "mobile N shared net 100.64.0.0/10" },
	{ "shared: number alone is not", "scanner", "2026-05-01", "asn=64501",
	  "mobile N asn AS64501" },
	{ "shared: as the victim it does not matter", "ddos", "2026-05-01", "asn=64500 dip=100.70.1.1",
	  "telco N asn AS64500; mobile N net 100.64.0.0/10" },
	{ "shared: as the source it does", "ddos", "2026-05-01", "ip=100.70.1.1 dip=198.18.1.7",
	  "mobile N shared net 100.64.0.0/10; bank H net 198.18.1.0/24; telco N net 198.18.0.0/16" },
	{ "shared: the holder of a name on it", "scanner", "2026-05-01", "ip=100.70.1.1 fqdn=bank.example",
	  "bank H domain bank.example; mobile N shared net 100.64.0.0/10; registry R domain example" },
	{ "shared: a range in a range", "scanner", "2026-05-01", "ip=100.100.3.3",
	  "mvno N shared net 100.100.0.0/16; mobile N net 100.64.0.0/10" },
	{ "shared: a network is asked", "scanner", "2026-05-01", "net=100.70.0.0/16",
	  "mobile N shared net 100.64.0.0/10" },
	{ "shared for a season: in it, of all who claim it", "scanner", "2026-01-15", "ip=198.18.200.9",
	  "fair H shared net 198.18.200.0/24; camp N shared net 198.18.200.0/24; telco N net 198.18.0.0/16" },
	{ "shared for a season: before it, plain", "scanner", "2025-12-31", "ip=198.18.200.9",
	  "fair H net 198.18.200.0/24; telco N net 198.18.0.0/16" },
	{ "shared for a season: after it, plain", "scanner", "2026-05-01", "ip=198.18.200.9",
	  "fair H net 198.18.200.0/24; telco N net 198.18.0.0/16" },
	{ "season: before", "scanner", "2025-12-31T23:59:59Z", "ip=198.18.40.1",
	  "telco N net 198.18.0.0/16" },
	{ "season: first moment", "scanner", "2026-01-01", "ip=198.18.40.1",
	  "election H net 198.18.40.0/24; telco N net 198.18.0.0/16" },
	{ "season: within", "scanner", "2026-01-20", "ip=198.18.40.1",
	  "election H net 198.18.40.0/24; telco N net 198.18.0.0/16" },
	{ "season: last moment", "scanner", "2026-01-31T23:59:59.999999Z", "ip=198.18.40.1",
	  "election H net 198.18.40.0/24; telco N net 198.18.0.0/16" },
	{ "season: over", "scanner", "2026-02-01", "ip=198.18.40.1",
	  "telco N net 198.18.0.0/16" },
	{ "season: of a name, within", "scanner", "2026-01-20", "fqdn=vote.example",
	  "election H domain vote.example; registry R domain example" },
	{ "season: of a name, over", "scanner", "2026-05-01", "fqdn=vote.example",
	  "registry R domain example" },
	{ "season: twice a year, first", "scanner", "2026-06-15", "ip=198.18.41.1",
	  "tourism H net 198.18.41.0/24; telco N net 198.18.0.0/16" },
	{ "season: twice a year, between", "scanner", "2026-09-15", "ip=198.18.41.1",
	  "telco N net 198.18.0.0/16" },
	{ "season: twice a year, second", "scanner", "2026-12-15", "ip=198.18.41.1",
	  "tourism H net 198.18.41.0/24; telco N net 198.18.0.0/16" },
	{ "succession: before", "scanner", "2026-05-31T23:59:59Z", "ip=198.18.50.1",
	  "agency-old H net 198.18.50.0/24; telco N net 198.18.0.0/16" },
	{ "succession: the day", "scanner", "2026-06-01", "ip=198.18.50.1",
	  "agency-new H net 198.18.50.0/24; telco N net 198.18.0.0/16" },
	{ "succession: after", "scanner", "2027-01-01", "ip=198.18.50.1",
	  "agency-new H net 198.18.50.0/24; telco N net 198.18.0.0/16" },
	{ "succession: its name, before", "scanner", "2026-05-31", "fqdn=mail.agency.example",
	  "agency-old H domain agency.example; registry R domain example" },
	{ "succession: its name, after", "scanner", "2026-06-01", "fqdn=mail.agency.example",
	  "agency-new H domain agency.example; registry R domain example" },
	{ "succession: what was the new one's before stays", "scanner", "2026-05-01", "ip=198.18.51.1",
	  "agency-new H net 198.18.51.0/24; telco N net 198.18.0.0/16" },
	{ "succession: a chain, the third", "scanner", "2026-12-01", "fqdn=bureau.example",
	  "bureau-c H domain bureau.example; registry R domain example" },
	{ "succession: a chain, the second", "scanner", "2026-06-15", "fqdn=bureau.example",
	  "bureau-b H domain bureau.example; registry R domain example" },
	{ "succession: a chain, the first", "scanner", "2026-01-15", "fqdn=bureau.example",
	  "bureau-a H domain bureau.example; registry R domain example" },
	{ "order: infected-system", "infected-system", "2026-05-01", "ip=198.18.64.9 fqdn=bank.example cc=ID",
	  "bank H domain bank.example; hostco T net 198.18.64.0/20; telco N net 198.18.0.0/16; registry R domain example; team-id C country ID" },
	{ "order: scanner", "scanner", "2026-05-01", "ip=198.18.64.9 fqdn=bank.example cc=ID",
	  "bank H domain bank.example; hostco T net 198.18.64.0/20; telco N net 198.18.0.0/16; registry R domain example; team-id C country ID" },
	{ "order: vulnerable-system", "vulnerable-system", "2026-05-01", "ip=198.18.64.9 fqdn=bank.example cc=ID",
	  "bank H domain bank.example; hostco T net 198.18.64.0/20; telco N net 198.18.0.0/16; registry R domain example; team-id C country ID" },
	{ "order: spam", "spam", "2026-05-01", "ip=198.18.64.9 fqdn=bank.example cc=ID",
	  "bank H domain bank.example; hostco T net 198.18.64.0/20; telco N net 198.18.0.0/16; registry R domain example; team-id C country ID" },
	{ "order: blacklist", "blacklist", "2026-05-01", "ip=198.18.64.9 fqdn=bank.example cc=ID",
	  "bank H domain bank.example; hostco T net 198.18.64.0/20; telco N net 198.18.0.0/16; registry R domain example; team-id C country ID" },
	{ "order: other", "other", "2026-05-01", "ip=198.18.64.9 fqdn=bank.example cc=ID",
	  "bank H domain bank.example; hostco T net 198.18.64.0/20; telco N net 198.18.0.0/16; registry R domain example; team-id C country ID" },
	{ "order: none", "", "2026-05-01", "ip=198.18.64.9 fqdn=bank.example cc=ID",
	  "bank H domain bank.example; hostco T net 198.18.64.0/20; telco N net 198.18.0.0/16; registry R domain example; team-id C country ID" },
	{ "order: no-such-class", "no-such-class", "2026-05-01", "ip=198.18.64.9 fqdn=bank.example cc=ID",
	  "bank H domain bank.example; hostco T net 198.18.64.0/20; telco N net 198.18.0.0/16; registry R domain example; team-id C country ID" },
	{ "order: undetermined", "undetermined", "2026-05-01", "ip=198.18.64.9 fqdn=bank.example cc=ID",
	  "bank H domain bank.example; hostco T net 198.18.64.0/20; telco N net 198.18.0.0/16; registry R domain example; team-id C country ID" },
	{ "order: ddos-amplifier", "ddos-amplifier", "2026-05-01", "ip=198.18.64.9 fqdn=bank.example cc=ID",
	  "bank H domain bank.example; hostco T net 198.18.64.0/20; telco N net 198.18.0.0/16; registry R domain example; team-id C country ID" },
	{ "order: weak-crypto", "weak-crypto", "2026-05-01", "ip=198.18.64.9 fqdn=bank.example cc=ID",
	  "bank H domain bank.example; hostco T net 198.18.64.0/20; telco N net 198.18.0.0/16; registry R domain example; team-id C country ID" },
	{ "order: open-service", "open-service", "2026-05-01", "ip=198.18.64.9 fqdn=bank.example cc=ID",
	  "bank H domain bank.example; hostco T net 198.18.64.0/20; telco N net 198.18.0.0/16; registry R domain example; team-id C country ID" },
	{ "order: phishing", "phishing", "2026-05-01", "ip=198.18.64.9 fqdn=bank.example cc=ID",
	  "hostco T net 198.18.64.0/20; bank H domain bank.example; registry R domain example; telco N net 198.18.0.0/16; team-id C country ID" },
	{ "order: masquerade", "masquerade", "2026-05-01", "ip=198.18.64.9 fqdn=bank.example cc=ID",
	  "hostco T net 198.18.64.0/20; bank H domain bank.example; registry R domain example; telco N net 198.18.0.0/16; team-id C country ID" },
	{ "order: c2-server", "c2-server", "2026-05-01", "ip=198.18.64.9 fqdn=bank.example cc=ID",
	  "hostco T net 198.18.64.0/20; bank H domain bank.example; registry R domain example; telco N net 198.18.0.0/16; team-id C country ID" },
	{ "order: malware-distribution", "malware-distribution", "2026-05-01", "ip=198.18.64.9 fqdn=bank.example cc=ID",
	  "hostco T net 198.18.64.0/20; bank H domain bank.example; registry R domain example; telco N net 198.18.0.0/16; team-id C country ID" },
	{ "order: malware-configuration", "malware-configuration", "2026-05-01", "ip=198.18.64.9 fqdn=bank.example cc=ID",
	  "hostco T net 198.18.64.0/20; bank H domain bank.example; registry R domain example; telco N net 198.18.0.0/16; team-id C country ID" },
	{ "order: copyright", "copyright", "2026-05-01", "ip=198.18.64.9 fqdn=bank.example cc=ID",
	  "hostco T net 198.18.64.0/20; bank H domain bank.example; registry R domain example; telco N net 198.18.0.0/16; team-id C country ID" },
	{ "order: violence", "violence", "2026-05-01", "ip=198.18.64.9 fqdn=bank.example cc=ID",
	  "hostco T net 198.18.64.0/20; bank H domain bank.example; registry R domain example; telco N net 198.18.0.0/16; team-id C country ID" },
	{ "order: dga-domain", "dga-domain", "2026-05-01", "ip=198.18.64.9 fqdn=bank.example cc=ID",
	  "registry R domain example; team-id C country ID; hostco T net 198.18.64.0/20; bank H domain bank.example; telco N net 198.18.0.0/16" },
	{ "both ends: ddos", "ddos", "2026-05-01", "ip=198.18.64.9 dip=198.18.1.7",
	  "hostco T net 198.18.64.0/20; telco N net 198.18.0.0/16; bank H net 198.18.1.0/24" },
	{ "both ends: dos", "dos", "2026-05-01", "ip=198.18.64.9 dip=198.18.1.7",
	  "hostco T net 198.18.64.0/20; telco N net 198.18.0.0/16; bank H net 198.18.1.0/24" },
	{ "both ends: exploit", "exploit", "2026-05-01", "ip=198.18.64.9 dip=198.18.1.7",
	  "hostco T net 198.18.64.0/20; telco N net 198.18.0.0/16; bank H net 198.18.1.0/24" },
	{ "both ends: ids-alert", "ids-alert", "2026-05-01", "ip=198.18.64.9 dip=198.18.1.7",
	  "hostco T net 198.18.64.0/20; telco N net 198.18.0.0/16; bank H net 198.18.1.0/24" },
	{ "both ends: brute-force", "brute-force", "2026-05-01", "ip=198.18.64.9 dip=198.18.1.7",
	  "hostco T net 198.18.64.0/20; telco N net 198.18.0.0/16; bank H net 198.18.1.0/24" },
	{ "both ends: unauthorised-information-access", "unauthorised-information-access", "2026-05-01", "ip=198.18.64.9 dip=198.18.1.7",
	  "hostco T net 198.18.64.0/20; telco N net 198.18.0.0/16; bank H net 198.18.1.0/24" },
	{ "one end: scanner", "scanner", "2026-05-01", "ip=198.18.64.9 dip=198.18.1.7",
	  "hostco T net 198.18.64.0/20; telco N net 198.18.0.0/16" },
	{ "one end: spam", "spam", "2026-05-01", "ip=198.18.64.9 dip=198.18.1.7",
	  "hostco T net 198.18.64.0/20; telco N net 198.18.0.0/16" },
	{ "one end: phishing", "phishing", "2026-05-01", "ip=198.18.64.9 dip=198.18.1.7",
	  "hostco T net 198.18.64.0/20; telco N net 198.18.0.0/16" },
	{ "one end: c2-server", "c2-server", "2026-05-01", "ip=198.18.64.9 dip=198.18.1.7",
	  "hostco T net 198.18.64.0/20; telco N net 198.18.0.0/16" },
	{ "one end: infected-system", "infected-system", "2026-05-01", "ip=198.18.64.9 dip=198.18.1.7",
	  "hostco T net 198.18.64.0/20; telco N net 198.18.0.0/16" },
	{ "both ends: the same organisation once, as the source", "ddos", "2026-05-01", "ip=198.18.1.7 dip=198.18.1.8",
	  "bank H net 198.18.1.0/24; telco N net 198.18.0.0/16" },
	{ "both ends: two countries", "ddos", "2026-05-01", "cc=SG dcc=ID",
	  "team-sg C country SG; team-id C country ID" },
	{ "both ends: nobody at the source", "ddos", "2026-05-01", "ip=203.0.113.1 dip=198.18.1.7",
	  "bank H net 198.18.1.0/24; telco N net 198.18.0.0/16" },
	{ "both ends: the victim by name", "ddos", "2026-05-01", "ip=203.0.113.1 dfqdn=gov.example",
	  "ministry H domain gov.example; registry R domain example" },
	{ "both ends: the victim by URL", "brute-force", "2026-05-01", "ip=203.0.113.1 durl=https://tax.gov.example/login",
	  "tax H domain tax.gov.example; ministry H domain gov.example; registry R domain example" },
	{ "both ends: the victim by account", "brute-force", "2026-05-01", "ip=203.0.113.1 daccount=root@bank.example",
	  "bank H domain bank.example; registry R domain example" },
	{ "nothing is said", "scanner", "2026-05-01", "",
	  "" },
	{ "only a type", "phishing", "2026-05-01", "",
	  "" },
};

/* --- what is asked --- */

struct asked {
	struct side sides[SIDES];
	char text[512];
};

static void fact(struct asked *q, str key, str value)
{
	struct side *s = &q->sides[str_starts(key, STR("d")) ? 1 : 0];
	key = str_starts(key, STR("d")) ? str_from(key, 1) : key;
	if (str_eq(key, STR("ip")))
		CHECK(s->has_ip = ip_parse(value, &s->ip));
	else if (str_eq(key, STR("net")))
		CHECK(s->has_net = net_parse(value, false, &s->net));
	else if (str_eq(key, STR("asn")))
		CHECK(str_to_u32(value, &s->asn));
	else if (str_eq(key, STR("cc")))
		s->cc = value;
	else if (str_eq(key, STR("fqdn")))
		s->fqdn = value;
	else if (str_eq(key, STR("url")))
		s->url = value;
	else if (str_eq(key, STR("account")))
		s->account = value;
	else
		CHECK_MSG(false, "no such fact");
}

static void read_facts(struct asked *q, const char *facts)
{
	memset(q, 0, sizeof(*q));
	snprintf(q->text, sizeof(q->text), "%s", facts);
	for (str rest = str_of(q->text); rest.n;) {
		str value = str_cut(&rest, ' '), key = str_cut(&value, '=');
		fact(q, key, value);
	}
}

static void tell(const struct concerns *list, const char *const *names, char *out, size_t room)
{
	size_t n = 0;
	out[0] = 0;
	for (size_t i = 0; i < list->count && n < room; i++)
		n += (size_t)snprintf(out + n, room - n, "%s%s %c %s", i ? "; " : "", names[list->list[i].org],
				      role_letters[list->list[i].role], list->list[i].reason);
}

TEST(written_by_hand)
{
	const char *names[COUNT_OF(country) + 1] = { "" };
	struct org orgs[COUNT_OF(country)];
	struct scope_row rows[COUNT_OF(country)];
	size_t n = 0;
	struct directory *d = NULL;
	struct err err;
	for (size_t i = 0; i < COUNT_OF(country); i++) {
		size_t id = 1;
		while (id <= n && strcmp(names[id], country[i].org) != 0)
			id++;
		if (id > n) {
			names[id] = country[i].org;
			orgs[n++] = (struct org){ .id = (int64_t)id, .name = str_of(country[i].org) };
		}
		rows[i] = (struct scope_row){
			.org = (int64_t)id, .value = str_of(country[i].value), .shared_address = country[i].shared,
			.role = (enum concern_role)(strchr(role_letters, country[i].role) - role_letters),
		};
		CHECK(scope_kind_parse(str_of(country[i].kind), &rows[i].kind));
		CHECK(!*country[i].from || time_parse(str_of(country[i].from), true, &rows[i].from_us));
		CHECK(!*country[i].until || time_parse(str_of(country[i].until), true, &rows[i].until_us));
	}
	CHECK_RC(directory_make(orgs, n, rows, COUNT_OF(rows), 1, &d, &err), RC_OK, err);
	for (size_t i = 0; d && i < COUNT_OF(written); i++) {
		struct asked q;
		struct concerns got;
		char text[2048];
		int64_t at = 0;
		CHECK(time_parse(str_of(written[i].at), true, &at));
		read_facts(&q, written[i].facts);
		concerns_of_sides(d, str_of(written[i].type), q.sides, at, &got);
		tell(&got, names, text, sizeof(text));
		CHECK_MSG(strcmp(text, written[i].want) == 0, "%s:\n#   got  %s\n#   want %s", written[i].what, text,
			  written[i].want);
	}
	directory_free(d);
}

/* --- the rest, at random, against a matcher that is plain --- */

enum { TOWNS = 20, ASKED_A_TOWN = 100, ORGS = 24, CLAIMS = 120 };

static uint64_t next(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}
static unsigned pick(uint64_t *state, unsigned below)
{
	return (unsigned)((next(state) >> 11) % below);
}

struct plain_claim {
	struct scope_row row;
	char value[64];
	struct net net;
	uint32_t asn;
};

static const char *const labels[] = { "a", "b", "mail", "www", "xn--bcher-kva", "shop" };
static const char *const tops[] = { "example", "test", "id" };

/* Few values, so that they meet. */
static void random_name(uint64_t *seed, char *out, size_t room)
{
	size_t n = 0;
	for (unsigned i = pick(seed, 4); i > 0; i--)
		n += (size_t)snprintf(out + n, room - n, "%s.", labels[pick(seed, COUNT_OF(labels))]);
	snprintf(out + n, room - n, "%s", tops[pick(seed, COUNT_OF(tops))]);
}

static void random_net(uint64_t *seed, struct net *out, bool whole)
{
	char text[64];
	static const unsigned four[] = { 8, 15, 16, 20, 24, 25, 31, 32 }, six[] = { 32, 40, 48, 56, 64, 127, 128 };
	bool v4 = pick(seed, 3) > 0;
	unsigned bits = v4 ? four[pick(seed, COUNT_OF(four))] : six[pick(seed, COUNT_OF(six))];
	if (whole)
		bits = v4 ? 32 : 128;
	if (v4)
		snprintf(text, sizeof(text), "%u.%u.%u.%u/%u", pick(seed, 2) ? 198 : 100, 18 + pick(seed, 3),
			 pick(seed, 4), pick(seed, 4) * 64 + pick(seed, 2), bits);
	else
		snprintf(text, sizeof(text), "2001:db8:%x:%x::%x/%u", pick(seed, 3), pick(seed, 3) << 8,
			 pick(seed, 3), bits);
	CHECK(net_parse(str_of(text), false, out)); /* takes the host bits away */
}

static void random_claim(uint64_t *seed, struct plain_claim *c)
{
	memset(c, 0, sizeof(*c));
	c->row.org = 1 + pick(seed, ORGS);
	c->row.kind = (enum scope_kind)pick(seed, SCOPE_KINDS);
	c->row.role = (enum concern_role)pick(seed, ROLE_COUNT);
	if (pick(seed, 4) == 0)
		c->row.from_us = 100 * (int64_t)pick(seed, 10);
	if (pick(seed, 4) == 0)
		c->row.until_us = c->row.from_us + 100 * (int64_t)(1 + pick(seed, 10));
	switch (c->row.kind) {
	case SCOPE_NET: {
		char text[56];
		random_net(seed, &c->net, false);
		snprintf(c->value, sizeof(c->value), STR_FMT, STR_ARG(net_str(text, &c->net)));
		c->row.shared_address = pick(seed, 5) == 0;
		break;
	}
	case SCOPE_ASN:
		c->asn = 64500 + pick(seed, 6);
		snprintf(c->value, sizeof(c->value), "%u", c->asn);
		break;
	case SCOPE_DOMAIN:
		random_name(seed, c->value, sizeof(c->value));
		break;
	case SCOPE_COUNTRY:
		snprintf(c->value, sizeof(c->value), "%s", pick(seed, 2) ? "ID" : "SG");
		break;
	case SCOPE_KINDS:
		break;
	}
	c->row.value = str_of(c->value);
}

static bool in_net(const struct net *n, const struct ip *ip)
{
	for (unsigned bit = 0; bit < n->bits; bit++)
		if ((n->ip.b[bit / 8] ^ ip->b[bit / 8]) >> (7 - bit % 8) & 1)
			return false;
	return true;
}

static bool ends_in(str name, str domain)
{
	if (name.n < domain.n || memcmp(name.p + name.n - domain.n, domain.p, domain.n) != 0)
		return false;
	return name.n == domain.n || name.p[name.n - domain.n - 1] == '.';
}

struct plain_match {
	const struct plain_claim *claim;
	unsigned side, place, what; /* what: 0 network, 1 name, 2 number, 3 country */
	size_t exact;               /* bits, letters */
	bool shared;
};

/* Does the claim concern this side? how exactly? */
static bool concerns_side(const struct plain_claim *c, const struct side *s, struct plain_match *m)
{
	str name = s->fqdn;
	switch (c->row.kind) {
	case SCOPE_NET:
		m->what = 0;
		m->exact = c->net.bits;
		return s->has_ip ? in_net(&c->net, &s->ip) :
				   s->has_net && c->net.bits <= s->net.bits && in_net(&c->net, &s->net.ip);
	case SCOPE_DOMAIN:
		m->what = 1;
		m->exact = c->row.value.n;
		return name.n && ends_in(name, c->row.value);
	case SCOPE_ASN:
		m->what = 2;
		return s->asn == c->asn;
	case SCOPE_COUNTRY:
		m->what = 3;
		return str_eq(s->cc, c->row.value);
	case SCOPE_KINDS:
		break;
	}
	return false;
}

static int by_rank(const void *a, const void *b)
{
	const struct plain_match *x = a, *y = b;
	if (x->side != y->side)
		return x->side < y->side ? -1 : 1;
	if (x->place != y->place)
		return x->place < y->place ? -1 : 1;
	if (x->what != y->what)
		return x->what < y->what ? -1 : 1;
	if (x->exact != y->exact)
		return x->exact > y->exact ? -1 : 1;
	return x->claim->row.org < y->claim->row.org ? -1 : x->claim->row.org > y->claim->row.org;
}

static const struct {
	const char *type;
	unsigned sides;
	const char *order;
} classes[] = {
	{ "scanner", 1, "HTNRC" }, { "infected-system", 1, "HTNRC" }, { "phishing", 1, "THRNC" },
	{ "c2-server", 1, "THRNC" }, { "dga-domain", 1, "RCTHN" }, { "ddos", 2, "HTNRC" },
	{ "brute-force", 2, "HTNRC" }, { "", 1, "HTNRC" },
};

static bool in_force(const struct plain_claim *c, int64_t at)
{
	return at >= c->row.from_us && (!c->row.until_us || at < c->row.until_us);
}

/* Shared is what somebody in force says of this very network, when none smaller is claimed. */
static bool is_shared(const struct plain_claim *claims, const struct plain_claim *c, const struct side *s,
		      int64_t at)
{
	bool shared = false;
	for (size_t i = 0; i < CLAIMS; i++) {
		const struct plain_claim *o = &claims[i];
		struct plain_match m = { 0 };
		if (o->row.kind != SCOPE_NET || !in_force(o, at) || !concerns_side(o, s, &m))
			continue;
		if (o->net.bits > c->net.bits)
			return false;
		shared |= o->net.bits == c->net.bits && o->row.shared_address;
	}
	return shared;
}

static void reason_of(const struct plain_match *m, char *out, size_t room)
{
	static const char *const heads[] = { "net ", "domain ", "asn AS", "country " };
	snprintf(out, room, "%s%s%s", m->shared ? "shared " : "", heads[m->what], m->claim->value);
}

static void plain_answer(const struct plain_claim *claims, const struct asked *q, size_t class, int64_t at,
			 char *out, size_t room)
{
	struct plain_match list[CLAIMS * SIDES];
	int64_t told[CONCERNS_MAX];
	char role[CONCERNS_MAX], reasons[CONCERNS_MAX][80];
	bool shared[CONCERNS_MAX];
	size_t n = 0, count = 0, len = 0;
	for (unsigned side = 0; side < classes[class].sides; side++)
		for (size_t i = 0; i < CLAIMS; i++) {
			struct plain_match m = { .claim = &claims[i], .side = side };
			if (!in_force(&claims[i], at) || !concerns_side(&claims[i], &q->sides[side], &m))
				continue;
			m.place = (unsigned)(strchr(classes[class].order, role_letters[claims[i].row.role]) -
					     classes[class].order);
			m.shared = side == 0 && claims[i].row.kind == SCOPE_NET &&
				   is_shared(claims, &claims[i], &q->sides[side], at);
			list[n++] = m;
		}
	qsort(list, n, sizeof(*list), by_rank);
	for (size_t i = 0; i < n; i++) {
		size_t k = 0;
		while (k < count && told[k] != list[i].claim->row.org)
			k++;
		if (k == count && count == CONCERNS_MAX)
			continue;
		if (k < count && (!list[i].shared || shared[k]))
			continue;
		/* that an address is shared must not get lost behind a better reason */
		if (k == count) {
			told[count] = list[i].claim->row.org;
			role[count++] = role_letters[list[i].claim->row.role];
		}
		shared[k] = list[i].shared;
		reason_of(&list[i], reasons[k], sizeof(reasons[k]));
	}
	out[0] = 0;
	for (size_t k = 0; k < count && len < room; k++)
		len += (size_t)snprintf(out + len, room - len, "%s%lld %c %s", k ? "; " : "", (long long)told[k],
					role[k], reasons[k]);
}

static void random_side(uint64_t *seed, struct side *s, char name[64])
{
	memset(s, 0, sizeof(*s));
	struct net n;
	if (pick(seed, 4)) {
		random_net(seed, &n, true);
		s->ip = n.ip;
		s->has_ip = true;
	} else if (pick(seed, 2)) {
		random_net(seed, &s->net, false);
		s->has_net = true;
	}
	if (pick(seed, 2)) {
		random_name(seed, name, 64);
		s->fqdn = str_of(name);
	}
	s->asn = pick(seed, 2) ? 64500 + pick(seed, 7) : 0;
	s->cc = pick(seed, 2) ? STR("ID") : pick(seed, 2) ? STR("SG") : STR_NONE;
}

static void tell_numbers(const struct concerns *list, char *out, size_t room)
{
	size_t n = 0;
	out[0] = 0;
	for (size_t i = 0; i < list->count && n < room; i++)
		n += (size_t)snprintf(out + n, room - n, "%s%lld %c %s", i ? "; " : "",
				      (long long)list->list[i].org, role_letters[list->list[i].role],
				      list->list[i].reason);
}

TEST(made_at_random)
{
	static struct plain_claim claims[CLAIMS]; /* views into themselves */
	struct org orgs[ORGS];
	struct scope_row rows[CLAIMS];
	uint64_t seed = UINT64_C(0x9e3779b97f4a7c15);
	size_t answered = 0, shared = 0, several = 0;
	for (int i = 0; i < ORGS; i++)
		orgs[i] = (struct org){ .id = i + 1, .name = STR("somebody") };
	for (int town = 0; town < TOWNS; town++) {
		struct directory *d = NULL;
		struct err err;
		for (int i = 0; i < CLAIMS; i++) {
			random_claim(&seed, &claims[i]);
			rows[i] = claims[i].row;
		}
		CHECK_RC(directory_make(orgs, ORGS, rows, CLAIMS, 1, &d, &err), RC_OK, err);
		for (int i = 0; d && i < ASKED_A_TOWN; i++) {
			struct asked q;
			struct concerns got;
			char names[SIDES][64], is[4096], want[4096];
			size_t class = pick(&seed, COUNT_OF(classes));
			int64_t at = 50 + 100 * (int64_t)pick(&seed, 20);
			for (size_t k = 0; k < SIDES; k++)
				random_side(&seed, &q.sides[k], names[k]);
			concerns_of_sides(d, str_of(classes[class].type), q.sides, at, &got);
			tell_numbers(&got, is, sizeof(is));
			plain_answer(claims, &q, class, at, want, sizeof(want));
			CHECK_MSG(strcmp(is, want) == 0, "town %d, %d (%s):\n#   got  %s\n#   want %s", town, i,
				  classes[class].type, is, want);
			answered += got.count > 0;
			several += got.count > 3;
			shared += strstr(is, "shared") != NULL;
		}
		directory_free(d);
	}
	/* It would prove little if most were about nobody. */
	CHECK_MSG(answered > 1500 && several > 800 && shared > 50, "%zu answered, %zu several, %zu shared", answered,
		  several, shared);
	printf("# %zu written, %d made: %zu answered, %zu with more than three, %zu shared\n", COUNT_OF(written),
	       TOWNS * ASKED_A_TOWN, answered, several, shared);
}

TEST_MAIN(TEST_RUN(written_by_hand), TEST_RUN(made_at_random))
