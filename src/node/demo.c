/* SPDX-License-Identifier: Apache-2.0 */
#include "node/demo.h"

#include <stdlib.h>
#include <unistd.h>

#include "node/demo_story.h"
#include "node/demo_telling.h"
#include "node/demo_watch.h"
#include "route/directory_records.h"

static const char *const countries[] = { "BN", "ID", "KH", "LA", "MM", "MY", "PH", "SG", "TH", "TL", "VN" };
static const char *const zones[] = { "Asia/Brunei",       "Asia/Jakarta",    "Asia/Phnom_Penh",
				     "Asia/Vientiane",    "Asia/Yangon",     "Asia/Kuala_Lumpur",
				     "Asia/Manila",       "Asia/Singapore",  "Asia/Bangkok",
				     "Asia/Dili",         "Asia/Ho_Chi_Minh" };
enum { COUNTRIES = COUNT_OF(countries), ID = 1 };

/* Country i has 198.18.(16 i).0/20, 2001:db8:(i + 1)::/48 and AS 64500 + i. */
static unsigned asn_of(unsigned country)
{
	return 64500 + country;
}

void demo_team_name(unsigned number, char out[DEMO_TEAM_NAME])
{
	if (number < COUNTRIES)
		snprintf(out, DEMO_TEAM_NAME, "Team %c", 'A' + number);
	else
		snprintf(out, DEMO_TEAM_NAME, "Team %u", number + 1);
}

/* The first have a country each; the others 198.19.N.0/24 of their own. */
static void write_teams(struct buf *out, unsigned count)
{
	char name[DEMO_TEAM_NAME];
	for (unsigned i = 0; i < count; i++) {
		demo_team_name(i, name);
		if (i < COUNTRIES)
			buf_fmt(out, "%s,csirt,%s,,%s,,,,duty@team-%c.example,+0 000 10%02u,24x7,\n", name, countries[i],
				zones[i], 'a' + i, i);
		else
			buf_fmt(out, "%s,csirt,,,UTC,198.19.%u.0/24,,,duty@team-%u.example,+0 000 1%03u,24x7,\n", name, i,
				i + 1, i);
	}
}

static void write_overlay(struct buf *out)
{
	buf_add(out, STR("# made-up networks of the demonstration: CIDR ASN CC name\n"));
	for (unsigned i = 0; i < COUNTRIES; i++) {
		buf_fmt(out, "198.18.%u.0/20 %u %s Demonstration Telecom %s\n", 16 * i, asn_of(i), countries[i],
			countries[i]);
		buf_fmt(out, "2001:db8:%x::/48 %u %s Demonstration Telecom %s\n", i + 1, asn_of(i), countries[i],
			countries[i]);
	}
}

static void write_directory(struct buf *out, unsigned teams)
{
	buf_add(out, STR("name,kind,country,sector,timezone,networks,asns,domains,email,phone,role,shared_address\n"));
	write_teams(out, teams);
	for (unsigned i = 0; i < COUNTRIES; i++)
		buf_fmt(out, "Telecom %s,constituent,%s,telecommunications,%s,,%u,,abuse@telecom-%c.example,+0 000 20%02u,abuse,\n",
			countries[i], countries[i], zones[i], asn_of(i), 'a' + i, i);
	buf_add(out, STR(
		"Bank Dua,constituent,ID,finance,Asia/Jakarta,198.18.16.0/26 2001:db8:2:1::/64,,bank-dua.example,"
		"soc@bank-dua.example,+0 000 3000,abuse,\n"
		"Kementerian Tiga,constituent,ID,government,Asia/Jakarta,198.18.17.0/25,,tiga.example,"
		"csirt@tiga.example,+0 000 3001,abuse,\n"
		"Universitas Empat,constituent,ID,education,Asia/Jakarta,198.18.18.0/24,,empat.example,"
		"noc@empat.example,+0 000 3002,abuse,\n"
		"Rumah Sakit Lima,constituent,ID,health,Asia/Jakarta,198.18.19.0/27,,lima.example,"
		"it@lima.example,+0 000 3003,abuse,\n"
		"Seluler Enam,constituent,ID,telecommunications,Asia/Jakarta,198.18.24.0/22,,enam.example,"
		"abuse@enam.example,+0 000 3004,abuse,yes\n"));
}

static const struct {
	const char *name, *provider, *format;
	enum tlp tlp;
	int64_t period_us;
	bool complete;
} feeds[] = {
	{ "scan-telnet", "Demonstration Scanner", "shadowserver", TLP_GREEN, DAY_US, true },
	{ "scan-rdp", "Demonstration Scanner", "shadowserver", TLP_GREEN, DAY_US, true },
	{ "sinkhole", "Demonstration Sinkhole", "shadowserver", TLP_AMBER, HOUR_US, false },
	{ "websites", "Demonstration Web Watch", "shadowserver", TLP_GREEN, DAY_US, true },
	{ "blocklist", "Demonstration Block List", "blocklist", TLP_CLEAR, 6 * HOUR_US, false },
};

/* --- the reports --- */

static uint64_t next(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

/* A made-up machine: its number alone says where it stands. Every eighth has an
 * IPv6 address; three of ten stand in Indonesia, so that Team B has work. */
struct machine {
	char ip[48], name[64];
	unsigned country;
};

static struct machine machine(unsigned number)
{
	struct machine m;
	unsigned mixed = number * 2654435761u;
	m.country = number % 10 < 3 ? ID : mixed % COUNTRIES;
	unsigned host = mixed >> 12 & 0xfff;
	if (number % 8 == 7)
		snprintf(m.ip, sizeof(m.ip), "2001:db8:%x:%x::%x", m.country + 1, host >> 8, (host & 0xff) + 1);
	else
		snprintf(m.ip, sizeof(m.ip), "198.18.%u.%u", 16 * m.country + (host >> 8), host & 0xff);
	snprintf(m.name, sizeof(m.name), "host-%u.telecom-%c.example", number, 'a' + m.country);
	return m;
}

static void line_scan(struct buf *out, const struct machine *m, const char *at, uint64_t *seed, unsigned port,
		      const char *severity, const char *tag, const char *banner)
{
	(void)seed;
	buf_fmt(out, "\"%s\",%s,%s,tcp,%u,%s,%s,%u,%s,,,0,,\"%s\"\r\n", at, severity, m->ip, port, m->name, tag,
		asn_of(m->country), countries[m->country], banner);
}

static void line_telnet(struct buf *out, const struct machine *m, const char *at, uint64_t *seed)
{
	line_scan(out, m, at, seed, next(seed) % 20 ? 23 : 2323, "high", "telnet", "login:");
}

static void line_rdp(struct buf *out, const struct machine *m, const char *at, uint64_t *seed)
{
	bool worst = next(seed) % 6 == 0;
	line_scan(out, m, at, seed, 3389, worst ? "critical" : "medium", worst ? "rdp;cve-2019-0708" : "rdp", "");
}

static void line_sinkhole(struct buf *out, const struct machine *m, const char *at, uint64_t *seed)
{
	static const char *const families[] = { "avalanche-demo", "mirai-demo", "qakbot-demo", "gozi-demo" };
	buf_fmt(out, "\"%s\",high,tcp,%s,%u,%u,%s,,,%s,0,,192.0.2.%u,80,64511,US,%s,sinkhole\r\n", at, m->ip,
		(unsigned)(1024 + next(seed) % 60000), asn_of(m->country), countries[m->country], m->name,
		(unsigned)(1 + next(seed) % 9), families[next(seed) % COUNT_OF(families)]);
}

static void line_website(struct buf *out, const struct machine *m, const char *at, uint64_t *seed)
{
	buf_fmt(out, "\"%s\",critical,%s,80,%s,hacked-webserver,http,%u,%s,,,/wp-content/x%u.php,www.site-%u.example,"
		"spam,,0,\r\n", at, m->ip, m->name, asn_of(m->country), countries[m->country],
		(unsigned)(next(seed) % 100), (unsigned)(next(seed) % 500));
}

static const struct {
	const char *type, *header;
	void (*line)(struct buf *out, const struct machine *m, const char *at, uint64_t *seed);
} kinds[] = {
	{ "scan_telnet", "timestamp,severity,ip,protocol,port,hostname,tag,asn,geo,region,city,naics,sector,banner",
	  line_telnet },
	{ "scan_rdp", "timestamp,severity,ip,protocol,port,hostname,tag,asn,geo,region,city,naics,sector,rdp_protocol",
	  line_rdp },
	{ "event4_sinkhole", "timestamp,severity,protocol,src_ip,src_port,src_asn,src_geo,src_region,src_city,"
			     "src_hostname,src_naics,src_sector,dst_ip,dst_port,dst_asn,dst_geo,infection,tag",
	  line_sinkhole },
	{ "compromised_website", "timestamp,severity,ip,port,hostname,tag,application,asn,geo,region,city,url,"
				 "http_host,category,system,naics,sector",
	  line_website },
};

enum rc demo_report(const char *type, uint64_t seed, unsigned first, unsigned lines, int64_t at_us,
		    struct buf *out, struct err *err)
{
	size_t k = 0;
	while (k < COUNT_OF(kinds) && !str_eq(str_of(type), str_of(kinds[k].type)))
		k++;
	if (k == COUNT_OF(kinds))
		return fail(err, RC_ABSENT, "the demonstration makes no '%s'", type);
	seed = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
	buf_add(out, str_of(kinds[k].header));
	buf_add(out, STR("\r\n"));
	for (unsigned i = 0; i < lines; i++) {
		char text[40], at[20] = { 0 };
		struct machine m = machine(first + i);
		str when = time_str(text, at_us + (int64_t)i * SECOND_US / 4);
		memcpy(at, when.p, 19);
		at[10] = ' ';
		kinds[k].line(out, &m, at, &seed);
	}
	return out->over ? fail(err, RC_LIMIT, "the report grew too long") : RC_OK;
}

static enum rc deliver(struct node *n, const char *feed, const char *type, str text, int64_t at_us, struct err *err)
{
	char name[96], day[16];
	time_day_str(day, at_us);
	snprintf(name, sizeof(name), "%s-%s-demonstration.%s", day, type,
		 str_eq(str_of(type), STR("blocklist")) ? "txt" : str_eq(str_of(type), STR("intelmq")) ? "jsonl" : "csv");
	struct delivery d = { .feed = str_of(feed), .file_name = str_of(name), .actor = STR("node") };
	struct intake_summary summary;
	struct intake *in = NULL;
	enum rc rc = intake_begin(n->pipeline, &d, &in, err);
	if (rc != RC_OK)
		return rc;
	rc = intake_bytes(in, text, err);
	if (rc != RC_OK) {
		intake_abort(in);
		return rc;
	}
	return intake_end(in, false, NULL, NULL, &summary, err);
}

static enum rc deliver_report(struct node *n, const char *feed, const char *type, uint64_t seed, unsigned first,
			      unsigned lines, int64_t at_us, struct err *err)
{
	struct buf text = BUF_INIT(MIB(16));
	enum rc rc = demo_report(type, seed, first, lines, at_us, &text, err);
	if (rc == RC_OK)
		rc = deliver(n, feed, type, buf_str(&text), at_us, err);
	buf_free(&text);
	return rc;
}

static enum rc deliver_blocklist(struct node *n, int64_t at_us, struct err *err)
{
	struct buf text = BUF_INIT(MIB(1));
	buf_add(&text, STR("# made-up block list of the demonstration\n"));
	for (unsigned i = 0; i < 400; i++) {
		struct machine m = machine(5000 + 7 * i);
		buf_fmt(&text, "%s\n", m.ip);
	}
	buf_add(&text, STR("phishing.site-9.example\nhttp://login.site-12.example/bank/\nthis line is no address\n"));
	enum rc rc = deliver(n, "blocklist", "blocklist", buf_str(&text), at_us, err);
	buf_free(&text);
	return rc;
}

enum rc demo_fill(struct node *n, struct err *err)
{
	int64_t today = clock_now_us() - HOUR_US, yesterday = today - DAY_US;
	/* Of yesterday's telnet hosts a fifth is not in today's complete run: gone. */
	static const struct { const char *feed, *type; unsigned first, lines, gone; } runs[] = {
		{ "scan-telnet", "scan_telnet", 0, 3000, 600 },
		{ "scan-rdp", "scan_rdp", 10000, 1500, 200 },
		{ "websites", "compromised_website", 20000, 300, 60 },
	};
	enum rc rc = demo_rules(n, err);
	for (size_t i = 0; rc == RC_OK && i < COUNT_OF(runs); i++)
		rc = deliver_report(n, runs[i].feed, runs[i].type, 1, runs[i].first, runs[i].lines, yesterday, err);
	if (rc == RC_OK)
		rc = pipeline_settle(n->pipeline, err);
	for (size_t i = 0; rc == RC_OK && i < COUNT_OF(runs); i++)
		rc = deliver_report(n, runs[i].feed, runs[i].type, 2, runs[i].first + runs[i].gone, runs[i].lines,
				    today, err);
	if (rc == RC_OK)
		rc = deliver_report(n, "sinkhole", "event4_sinkhole", 3, 30000, 2000, today, err);
	if (rc == RC_OK)
		rc = deliver_blocklist(n, today, err);
	if (rc == RC_OK)
		rc = pipeline_settle(n->pipeline, err);
	if (rc == RC_OK)
		rc = demo_story(n, err);
	return rc == RC_OK ? demo_told(n, err) : rc;
}

enum rc demo_tick(struct node *n, unsigned number, struct err *err)
{
	return deliver_report(n, "sinkhole", "event4_sinkhole", 100 + number, 30000 + number * 37 % 4000,
			      40 + number % 50, clock_now_us() - 30 * SECOND_US, err);
}

/* --- what the tour does --- */

enum rc demo_partner_report(struct node *n, unsigned team, unsigned lines, char ip_out[DEMO_IP], struct err *err)
{
	struct buf text = BUF_INIT(MIB(1));
	char at[40];
	int64_t now = clock_now_us();
	if (team >= COUNTRIES)
		return fail(err, RC_ABSENT, "team %u has no network here", team + 1);
	for (unsigned i = 0; i < lines; i++) {
		char ip[DEMO_IP];
		uint64_t r = random_u64();
		/* of so many that none was seen before */
		snprintf(ip, sizeof ip, "2001:db8:%x:%x::%x", team + 1, 0x1000 + (unsigned)(r % 0xe000),
			 1 + (unsigned)(r >> 32 & 0xfff));
		if (i == 0)
			memcpy(ip_out, ip, DEMO_IP);
		str when = time_str(at, now - SECOND_US + (int64_t)i);
		buf_fmt(&text, "{\"time.source\":\"" STR_FMT "\",\"classification.type\":\"infected-system\","
			"\"malware.name\":\"mirai-demo\",\"protocol.transport\":\"tcp\",\"source.port\":%u,\"tlp\":\"AMBER\","
			"\"source.ip\":\"%s\",\"source.geolocation.cc\":\"%s\"}\n", STR_ARG(when),
			(unsigned)(1024 + (r >> 16) % 60000), ip, countries[team]);
	}
	enum rc rc = deliver(n, "local", "intelmq", buf_str(&text), now, err);
	buf_free(&text);
	return rc;
}

str demo_warning_fields(const char *title, struct arena *a)
{
	char day[16];
	time_day_str(day, clock_now_us() + 30 * DAY_US);
	return arena_fmt(a, "{\"title\":\"%s\",\"urgency\":\"act\",\"summary\":\"Made up, for the tour.\","
			 "\"advice\":\"Nothing is to be done.\",\"review_by\":\"%s\"}", title, day);
}

/* --- the node --- */

/* One person a role, so that each page can be seen as each of them sees it. */
static enum rc add_accounts(struct tx *tx, struct node *n, int64_t lead_uid, struct arena *arena, struct err *err)
{
	static const struct {
		const char *name, *roles;
	} people[] = {
		{ "Lead A", "lead" }, { "Duty A", "duty" }, { "Analyst A", "analyst" }, { "Viewer A", "viewer" },
		{ "Liaison A", "liaison" }, { "Protection A", "protection" }, { "Auditor A", "auditor" },
		{ "Administrator A", "administrator" },
	};
	struct uuid watch[DEMO_WATCH_PEOPLE];
	enum rc rc = RC_OK;
	for (size_t i = 0; rc == RC_OK && i < COUNT_OF(people); i++) {
		int64_t id;
		struct account_new a = { .name = str_of(people[i].name), .unix_uid = i == 0 ? lead_uid : -1 };
		if (i < COUNT_OF(watch)) { /* the first take turns */
			rc = demo_person(tx, n, a.name, arena, &watch[i], err);
			a.person = watch[i];
		}
		if (rc == RC_OK)
			rc = roles_parse(n->roles, str_of(people[i].roles), &a.roles, err);
		if (rc == RC_OK)
			rc = account_make(tx, n->journal, n->roles, &a, STR("node"), &id, err);
	}
	return rc == RC_OK ? demo_roster(tx, n, watch, arena, err) : rc;
}

struct rows {
	struct node *n;
	unsigned teams;
	int64_t lead_uid; /* Unix user who is the lead on the command line; -1: nobody */
};

static enum rc add_rows(struct tx *tx, void *ctx, struct err *err)
{
	const struct rows *k = ctx;
	struct node *n = k->n;
	struct arena *a = arena_new(KIB(64));
	struct buf text = BUF_INIT(KIB(64));
	struct import_result result;
	struct directory_system sys = { n->records, STR("node"), STR("the demonstration") };
	struct directory_writer as = { directory_put_as_system, &sys };
	write_directory(&text, k->teams);
	enum rc rc = directory_import(tx, n->organisations, &as, buf_str(&text), false, false, a, &result,
				      err);
	if (rc == RC_OK && result.refused)
		rc = fail(err, RC_INPUT, "the demonstration's directory, row %u: %s", result.errors[0].row,
			  result.errors[0].words);
	if (rc == RC_OK)
		rc = add_accounts(tx, n, k->lead_uid, a, err);
	for (size_t i = 0; rc == RC_OK && i < COUNT_OF(feeds); i++) {
		int64_t id;
		struct feed f = { .name = str_of(feeds[i].name), .provider = str_of(feeds[i].provider),
				  .url = STR(""), .licence = STR("made up"), .tlp = feeds[i].tlp, .on = true,
				  .format = str_of(feeds[i].format), .mapping = STR(""), .folder = STR(""),
				  .period_us = feeds[i].period_us, .complete = feeds[i].complete };
		rc = feed_add(tx, n->journal, &f, STR("node"), &id, err);
	}
	buf_free(&text);
	arena_free(a);
	return rc;
}

/* A node beside many others on one machine takes little of it. */
static void write_team_settings(struct buf *text, const struct demo_team *t)
{
	buf_fmt(text, "exchange = yes\nexchange_listen = %s\nexchange_address = https://%s\n", t->exchange_listen,
		t->exchange_listen);
	if (t->network_cache)
		buf_fmt(text, "network_cache = %s\n", t->network_cache);
	if (t->teams > COUNTRIES)
		buf_add(text, STR("parsers = 1\nhttp_threads = 2\nrepeat_memory = 1M\n"));
	if (t->teams > COUNTRIES && t->number > 0) /* it exchanges with Team A alone */
		buf_add(text, STR("exchange_threads = 1\nsend_threads = 1\n"));
}

static enum rc write_files(const char *dir, const struct demo_team *t, struct err *err)
{
	struct io_dir *d = NULL;
	struct buf text = BUF_INIT(KIB(64));
	enum rc rc = io_dir_open(dir, &d, err);
	if (rc != RC_OK)
		return rc;
	write_overlay(&text);
	rc = io_replace_file(d, "networks.txt", buf_str(&text), err);
	buf_reset(&text);
	buf_fmt(&text, "# a demonstration: everything in this node is made up\ndemo = yes\nlisten = %s\n"
		"network_overlay = %s/networks.txt\nportal = yes\n", t->listen, dir);
	if (!str_ends(str_of(t->listen), STR(":0"))) /* links in letters need an address */
		buf_fmt(&text, "public_url = http://%s\n", t->listen);
	if (t->exchange_listen)
		write_team_settings(&text, t);
	if (rc == RC_OK)
		rc = io_replace_file(d, "ronda.conf", buf_str(&text), err);
	buf_free(&text);
	io_dir_close(d);
	return rc;
}

enum rc demo_create_team(const char *dir, const struct demo_team *t, struct err *err)
{
	static const struct node_options plain = { 0 };
	char secret[128], name[DEMO_TEAM_NAME];
	struct rows k = { .teams = t->teams > COUNTRIES ? t->teams : COUNTRIES,
			  .lead_uid = t->exchange_listen ? (int64_t)getuid() : -1 };
	demo_team_name(t->number, name);
	enum rc rc = node_create(dir, name, t->number < COUNTRIES ? countries[t->number] : "ZZ", secret, sizeof(secret),
				 err);
	if (rc == RC_OK)
		rc = write_files(dir, t, err);
	if (rc == RC_OK)
		rc = node_open(dir, &plain, &k.n, err);
	if (rc == RC_OK)
		rc = store_write(k.n->store, add_rows, &k, err);
	node_close(k.n);
	return rc;
}

enum rc demo_create(const char *dir, const char *listen, struct err *err)
{
	const struct demo_team b = { .number = ID, .teams = COUNTRIES, .listen = listen };
	return demo_create_team(dir, &b, err);
}

void demo_team_lines(unsigned from, unsigned teams, uint64_t seed, unsigned lines, int64_t at_us, struct buf *out)
{
	uint64_t state = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
	char text[40];
	for (unsigned i = 0; i < lines; i++) {
		unsigned team = (unsigned)(next(&state) % teams), host = (unsigned)(next(&state) % 250);
		if (team == from)
			team = (team + 1) % teams;
		str at = time_str(text, at_us + (int64_t)i);
		buf_fmt(out, "{\"time.source\":\"" STR_FMT "\",\"classification.type\":\"infected-system\","
			"\"malware.name\":\"mirai-demo\",\"protocol.transport\":\"tcp\",\"source.port\":%u,\"tlp\":\"AMBER\",",
			STR_ARG(at), (unsigned)(1024 + next(&state) % 60000));
		if (team < COUNTRIES)
			buf_fmt(out, "\"source.ip\":\"198.18.%u.%u\",\"source.geolocation.cc\":\"%s\"}\n",
				16 * team + (unsigned)(next(&state) % 16), host, countries[team]);
		else
			buf_fmt(out, "\"source.ip\":\"198.19.%u.%u\"}\n", team, host);
	}
}
