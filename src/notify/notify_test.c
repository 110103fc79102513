/* SPDX-License-Identifier: Apache-2.0 */
#include "notify/test_senders.h"

/* --- small things --- */

TEST(short_messages)
{
	static const struct { const char *what, *text, *tail, *want; } rows[] = {
		{ "a short one", "Call us", " [#7]", "Call us [#7]" },
		{ "lines become spaces", "Call us\n\n  now\n", " [#7]", "Call us now [#7]" },
		{ "nothing", "", " [#7]", " [#7]" },
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct buf b = BUF_INIT(KIB(4));
		sms_fit(str_of(rows[i].text), str_of(rows[i].tail), &b);
		CHECK_MSG(str_eq(buf_str(&b), str_of(rows[i].want)), "%s: '" STR_FMT "'", rows[i].what, STR_ARG(buf_str(&b)));
		buf_free(&b);
	}
	static const struct { const char *unit; size_t bytes, times, holds; } fills[] = {
		{ "x", 1, 300, 154 },                /* 160 septets less " [7]", whose brackets take two each */
		{ "\xc3\xa4", 2, 300, 154 },         /* in the default alphabet */
		{ "{", 1, 300, 77 },                 /* of the extension: two septets each */
		{ "\xe0\xb8\x81", 3, 300, 66 },      /* Thai: 70 of UCS-2 */
		{ "\xf0\x9f\x98\x80", 4, 300, 33 },  /* two units each */
	};
	for (size_t i = 0; i < COUNT_OF(fills); i++) {
		struct buf text = BUF_INIT(KIB(4)), b = BUF_INIT(KIB(4));
		for (size_t n = 0; n < fills[i].times; n++)
			buf_add(&text, str_of(fills[i].unit));
		sms_fit(buf_str(&text), STR(" [7]"), &b);
		CHECK_INT((b.n - 4) / fills[i].bytes, fills[i].holds);
		CHECK(str_ends(buf_str(&b), STR(" [7]")));
		buf_free(&text);
		buf_free(&b);
	}
}

/* The key and the words of RFC 4231 section 4.3, with the time and the dot in front; reckoned by
 * openssl dgst -sha256 -hmac. */
TEST(a_signature)
{
	struct buf b = BUF_INIT(KIB(1));
	post_signature(STR("Jefe"), 0, STR("what do ya want for nothing?"), &b);
	CHECK_STR(buf_str(&b), STR("t=0,v1=37f471929915ccd2cbbe79feb84ffcff4f2bb25e15fc41c2506687331ae179cc"));
	buf_free(&b);
}

TEST(a_file_of_destinations)
{
	static const struct { const char *what, *text; enum rc rc; } rows[] = {
		{ "none", "{}", RC_OK },
		{ "all there is", "{\"https://a.example.org\":{\"secret\":\"sixteen letters or more\",\"mapping\":\"thehive\","
				  "\"headers\":{\"Authorization\":\"Bearer x\"}}}", RC_OK },
		{ "no object", "[]", RC_INPUT },
		{ "not JSON", "{", RC_INPUT },
		{ "no URL", "{\"a.example.org\":{}}", RC_INPUT },
		{ "a short secret", "{\"https://a.example.org\":{\"secret\":\"short\"}}", RC_INPUT },
		{ "a member nobody knows", "{\"https://a.example.org\":{\"secrets\":\"sixteen letters or more\"}}", RC_INPUT },
		{ "a header with a line end", "{\"https://a.example.org\":{\"headers\":{\"X\":\"a\\r\\nY: b\"}}}", RC_INPUT },
		{ "a header that is none", "{\"https://a.example.org\":{\"headers\":{\"X:\":\"a\"}}}", RC_INPUT },
	};
	struct test_dir d = test_dir_new();
	char path[512];
	test_dir_in(&d, path, "destinations");
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct destinations *list = NULL;
		FILE *f = fopen(path, "w");
		CHECK(f && fputs(rows[i].text, f) >= 0 && fclose(f) == 0 && chmod(path, 0600) == 0);
		enum rc rc = destinations_open(str_of(path), &list, &err);
		CHECK_MSG(rc == rows[i].rc, "%s: %s %s", rows[i].what, rc_name(rc), err.text);
		if (rc == RC_OK && i == 1) {
			CHECK(destination_of(list, STR("https://a.example.org/x")) != NULL);
			CHECK(destination_of(list, STR("https://a.example.org")) != NULL);
			CHECK(destination_of(list, STR("https://a.example.org.b.example")) == NULL);
			CHECK(destination_of(list, STR("http://a.example.org/x")) == NULL);
			CHECK(destination_of(list, STR("https://a.example.org:8443/x")) == NULL);
			CHECK(destination_of(list, STR("https://a.example.org:x@b.example/")) == NULL);
		}
		if (rc == RC_OK)
			destinations_close(list);
		CHECK(str_find(str_of(err.text), STR("sixteen")) == strlen(err.text));
	}
	struct destinations *list = NULL;
	CHECK(chmod(path, 0640) == 0);
	CHECK_RC(destinations_open(str_of(path), &list, &err), RC_DENIED, err);
	CHECK_RC(destinations_open(STR("/nowhere/at/all"), &list, &err), RC_INPUT, err);
	test_dir_end(&d);
}

/* Every template has a text in both languages, and every mapping makes what it says. */
TEST(texts_and_mappings)
{
	struct senders s = { .made = 0 };
	static const char *const mappings[] = { "webhook", "mattermost", "matrix", "thehive", "iris", "fir", "sms" };
	struct json_object *data = json_tokener_parse(
		"{\"key\":\"k-1\",\"kind\":\"round.check\",\"node\":\"Team \\\"B\\\"\",\"made\":\"2026-11-22\",\"urgent\":true,\"made_ms\":1,\"tlp_number\":2,"
		"\"subject\":\"a \\\"b\\\"\\n\",\"text\":\"line\\nline\",\"whole\":\"x\",\"link\":\"https://a.example.org\","
		"\"address\":\"+62\",\"language\":\"en\",\"reference\":\"\"}");
	begin_senders(&s, NULL);
	for (size_t i = 0; i < COUNT_OF(mappings); i++) {
		const char *type = NULL;
		struct buf b = BUF_INIT(KIB(16));
		struct json_object *o = NULL;
		const struct mustache *m = texts_mapping(s.n->texts, str_of(mappings[i]), &type);
		CHECK_MSG(m && strcmp(type, "application/json") == 0, "%s", mappings[i]);
		if (m)
			CHECK_RC(mustache_render(m, data, &b, &err), RC_OK, err);
		CHECK_MSG(json_read(buf_str(&b), &o, &err) == RC_OK, "%s: %s", mappings[i], err.text);
		json_free(o);
		buf_free(&b);
	}
	const char *type = NULL, *language = NULL;
	CHECK(texts_mapping(s.n->texts, STR("sms_form"), &type) && strcmp(type, "application/x-www-form-urlencoded") == 0);
	CHECK(!texts_mapping(s.n->texts, STR("absent"), &type));
	CHECK(texts_find(s.n->texts, STR("round.check"), STR("webhook"), STR("th id en"), &language) &&
	      strcmp(language, "id") == 0);
	CHECK(texts_find(s.n->texts, STR("round.check"), STR("webhook"), STR("th"), &language) &&
	      strcmp(language, "en") == 0);
	CHECK(!texts_find(s.n->texts, STR("absent"), STR("webhook"), STR(""), &language));
	json_object_put(data);
	end_senders(&s);
}

/* What TheHive 5, DFIR-IRIS and FIR are sent, to the byte; hostile text stays text. */
TEST(bodies_of_case_tools)
{
	static const struct { const char *mapping, *body; } rows[] = {
		{ "thehive", "{\"type\":\"ronda\",\"source\":\"Team \\\"B\\\"\",\"sourceRef\":\"k-1\",\"title\":\"a \\\"b\\\"},\\\\\","
			     "\"description\":\"one\\ntwo {{x}}\\u0001\",\"date\":1795353910000,\"severity\":3,\"tlp\":2,"
			     "\"tags\":[\"ronda\",\"takedown.ask\",\"exercise\"],\"externalLink\":\"https://a.example.org/x\"}" },
		{ "iris", "{\"alert_title\":\"a \\\"b\\\"},\\\\\",\"alert_description\":\"one\\ntwo {{x}}\\u0001\","
			  "\"alert_source\":\"Team \\\"B\\\"\",\"alert_source_ref\":\"k-1\",\"alert_source_link\":\"https://a.example.org/x\","
			  "\"alert_source_event_time\":\"2026-11-22T13:25:10\",\"alert_severity_id\":5,\"alert_status_id\":2,"
			  "\"alert_customer_id\":1,\"alert_tags\":\"ronda,takedown.ask,exercise\"}" },
		{ "fir", "{\"subject\":\"a \\\"b\\\"},\\\\\",\"description\":\"one\\ntwo {{x}}\\u0001\\n\\nhttps://a.example.org/x\","
			 "\"date\":\"2026-11-22T13:25:10.000000+00:00\",\"category\":\"ThreatIntel\",\"severity\":\"3\","
			 "\"detection\":\"External\",\"confidentiality\":1,\"is_incident\":false}" },
		{ "webhook", "{\"id\":\"k-1\",\"kind\":\"takedown.ask\",\"from\":\"Team \\\"B\\\"\",\"made\":\"2026-11-22T13:25:10.000000+00:00\","
			     "\"urgent\":true,\"exercise\":true,\"language\":\"en\",\"subject\":\"a \\\"b\\\"},\\\\\","
			     "\"text\":\"one\\ntwo {{x}}\\u0001\",\"link\":\"https://a.example.org/x\",\"item\":\"takedown--1\"}" },
	};
	struct senders s = { .made = 0 };
	struct json_object *data = json_tokener_parse(
		"{\"key\":\"k-1\",\"kind\":\"takedown.ask\",\"node\":\"Team \\\"B\\\"\",\"node_short\":\"Team \\\"B\\\"\","
		"\"made\":\"2026-11-22T13:25:10.000000+00:00\",\"made_utc\":\"2026-11-22T13:25:10\",\"made_ms\":1795353910000,"
		"\"tlp_number\":2,\"urgent\":true,\"exercise\":true,\"subject\":\"a \\\"b\\\"},\\\\\","
		"\"text\":\"one\\ntwo {{x}}\\u0001\",\"link\":\"https://a.example.org/x\",\"language\":\"en\","
		"\"reference\":\"takedown--1\",\"address\":\"\"}");
	begin_senders(&s, NULL);
	CHECK(data != NULL);
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		const char *type = NULL;
		struct buf b = BUF_INIT(KIB(16));
		struct json_object *o = NULL;
		const struct mustache *m = texts_mapping(s.n->texts, str_of(rows[i].mapping), &type);
		CHECK_RC(mustache_render(m, data, &b, &err), RC_OK, err);
		CHECK_MSG(str_eq(str_trim_all(buf_str(&b)), str_of(rows[i].body)), "%s: %.*s", rows[i].mapping,
			  (int)b.n, b.p);
		CHECK_MSG(json_read(buf_str(&b), &o, &err) == RC_OK, "%s: %s", rows[i].mapping, err.text);
		json_free(o);
		buf_free(&b);
	}
	json_object_put(data);
	end_senders(&s);
}

/* --- sending --- */

TEST(how_a_try_ends)
{
	static const struct { const char *path; enum message_state state; enum ledger_kind kind; const char *words; } rows[] = {
		{ "/ok", MESSAGE_SENT, LEDGER_SENT, "answered 202" },
		{ "/no", MESSAGE_FAILED, LEDGER_FAILED, "answered 404 no" },
		{ "/cut", MESSAGE_UNCERTAIN, LEDGER_UNCERTAIN, "was not reached" },
	};
	struct senders s = { .made = 0 };
	begin_senders(&s, NULL);
	str item = incident(&s, GREEN, STR(""));
	CHECK_RC(notify_start(s.n, &err), RC_OK, err);
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		str who = organisation(&s, rows[i].path, GREEN);
		int64_t id = queue(&s, "webhook", who, item, "clock.due", LANE_INCIDENT);
		CHECK_MSG(comes_to(&s, id, rows[i].state), "%s is %s", rows[i].path,
			  message_state_name(message_of(&s, id).state));
		struct ledger_row row = last_row(&s, who);
		CHECK_INT(row.kind, rows[i].kind);
		CHECK_MSG(str_find(row.words, str_of(rows[i].words)) < row.words.n, "%s: " STR_FMT, rows[i].path,
			  STR_ARG(row.words));
		CHECK_INT(atomic_load(&s.hook.tries[id]), 1);
	}
	/* 503: again, with the same key, until it is taken */
	int64_t id = queue(&s, "webhook", organisation(&s, "/twice", GREEN), item, "clock.due", LANE_INCIDENT);
	CHECK(comes_to(&s, id, MESSAGE_SENT));
	CHECK_INT(atomic_load(&s.hook.tries[id]), 2);
	/* nobody there: nothing has gone, so it is tried again */
	str who = make_record(&s, "organisation", GREEN,
			      STR("{\"name\":\"Gone\",\"kind\":\"constituent\",\"contacts\":[{\"webhook\":\"https://[2001:db8::1]/x\"}]}"));
	id = queue(&s, "webhook", who, item, "clock.due", LANE_INCIDENT);
	for (int i = 0; i < 1000 && message_of(&s, id).words.n == 0; i++)
		usleep(10000);
	CHECK_INT(message_of(&s, id).state, MESSAGE_QUEUED);
	CHECK_INT(message_of(&s, id).tries, 1);
	CHECK(str_find(message_of(&s, id).words, STR("not on the list")) < message_of(&s, id).words.n);
	/* a text message through the gateway */
	who = make_record(&s, "organisation", GREEN,
			  STR("{\"name\":\"Phone\",\"kind\":\"constituent\",\"contacts\":[{\"phone\":\"+62 21 555 0100\"}]}"));
	id = queue(&s, "sms", who, item, "clock.due", LANE_INCIDENT);
	CHECK(comes_to(&s, id, MESSAGE_SENT));
	CHECK(strstr(s.hook.last, "\"to\":\"+62 21 555 0100\"") && strstr(s.hook.last, "[#"));
	end_senders(&s);
}

/* A server that says back all it was sent: the words that people read have no secret. */
TEST(secrets_stay_where_they_are)
{
	struct senders s = { .made = 0 };
	struct test_dir d = test_dir_new();
	char path[512], set[600];
	snprintf(set, sizeof set, "destinations_file=%s", test_dir_in(&d, path, "destinations"));
	begin_senders(&s, set);
	FILE *f = fopen(path, "w");
	CHECK(f && fprintf(f, "{\"http://127.0.0.1:%u\":{\"secret\":\"canary of the signature\",\"headers\":"
			      "{\"X-Api\":\"Token canary-of-the-header\"}}}", s.hook.port) > 0 &&
	      fclose(f) == 0 && chmod(path, 0600) == 0);
	CHECK_RC(notify_start(s.n, &err), RC_OK, err);
	str who = organisation(&s, "/tell", GREEN);
	int64_t id = queue(&s, "webhook", who, incident(&s, GREEN, STR("")), "clock.due", LANE_INCIDENT);
	CHECK(comes_to(&s, id, MESSAGE_FAILED));
	CHECK(strstr(s.hook.last, "canary-of-the-header") && strstr(s.hook.last, "Ronda-Signature: t="));
	CHECK(!strstr(s.hook.last, "canary of the signature"));
	CHECK_STR(last_row(&s, who).words, STR("answered 403"));
	end_senders(&s);
	test_dir_end(&d);
}

TEST(who_may_be_told)
{
	struct senders s = { .made = 0 };
	begin_senders(&s, NULL);
	str real = organisation(&s, "/ok", GREEN), played = organisation(&s, "/ok", "{\"tlp\":\"GREEN\",\"exercise\":true}");
	str none = make_record(&s, "organisation", GREEN, STR("{\"name\":\"None\",\"kind\":\"constituent\"}"));
	const struct {
		const char *what;
		str to, item;
		const char *template;
		enum message_state state;
		const char *words;
	} rows[] = {
		{ "GREEN", real, incident(&s, GREEN, STR("")), "round.check", MESSAGE_SENT, "" },
		{ "AMBER of others", real, incident(&s, "{\"tlp\":\"AMBER\"}", STR("")), "round.check", MESSAGE_REFUSED, "" },
		{ "AMBER of its own", real, incident(&s, "{\"tlp\":\"AMBER\"}", real), "round.check", MESSAGE_SENT, "" },
		{ "RED of its own", real, incident(&s, "{\"tlp\":\"RED\"}", real), "round.check", MESSAGE_REFUSED,
		  "stricter than" },
		{ "held", real, incident(&s, "{\"tlp\":\"GREEN\",\"held\":true}", real), "round.check", MESSAGE_REFUSED,
		  "holds it back" },
		{ "an exercise to one outside it", real, incident(&s, "{\"tlp\":\"GREEN\",\"exercise\":true}", STR("")),
		  "round.check", MESSAGE_REFUSED, "exercise" },
		{ "what is real to one of an exercise", played, incident(&s, GREEN, STR("")), "round.check",
		  MESSAGE_REFUSED, "exercise" },
		{ "an exercise to one of it", played, incident(&s, "{\"tlp\":\"GREEN\",\"exercise\":true}", STR("")),
		  "round.check", MESSAGE_SENT, "" },
		{ "RED, bare", real, incident(&s, "{\"tlp\":\"RED\"}", real), "duty.page", MESSAGE_SENT, "" },
		{ "a template that is none", real, incident(&s, GREEN, STR("")), "absent", MESSAGE_FAILED, "no template" },
		{ "what is not there", real, STR("incident--00000000-0000-4000-8000-000000000000"), "round.check",
		  MESSAGE_FAILED, "not there any more" },
		{ "nobody", STR("organisation--00000000-0000-4000-8000-000000000000"), incident(&s, GREEN, STR("")),
		  "round.check", MESSAGE_FAILED, "" },
		{ "one without an address", none, incident(&s, GREEN, STR("")), "round.check", MESSAGE_FAILED,
		  "no address" },
		{ "a kind of recipient that is none", STR("partner:7"), incident(&s, GREEN, STR("")), "round.check",
		  MESSAGE_FAILED, "nobody knows who" },
	};
	CHECK_RC(notify_start(s.n, &err), RC_OK, err);
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		s.hook.last[0] = '\0';
		int64_t id = queue(&s, "webhook", rows[i].to, rows[i].item, rows[i].template, LANE_INCIDENT);
		CHECK_MSG(comes_to(&s, id, rows[i].state), "%s is %s", rows[i].what,
			  message_state_name(message_of(&s, id).state));
		struct ledger_row row = last_row(&s, rows[i].to);
		CHECK_MSG(str_find(row.words, str_of(rows[i].words)) < row.words.n + !*rows[i].words, "%s: " STR_FMT,
			  rows[i].what, STR_ARG(row.words));
		CHECK_MSG(!strstr(s.hook.last, "canary-team") && !strstr(s.hook.last, "organisation--0"), "%s tells too much",
			  rows[i].what);
		if (strcmp(rows[i].template, "duty.page") == 0)
			CHECK(!strstr(s.hook.last, "canary") && !strstr(s.hook.last, "incident--"));
		if (strcmp(rows[i].what, "an exercise to one of it") == 0)
			CHECK(strstr(s.hook.last, "EXERCISE - EXERCISE"));
		if (rows[i].state != MESSAGE_SENT)
			CHECK_MSG(s.hook.last[0] == '\0', "%s went out", rows[i].what);
	}
	end_senders(&s);
}

/* The urgent first, each host at its pace, and one host in nobody's way. */
TEST(lanes_and_pace)
{
	enum { BULK = 12 };
	struct senders s = { .made = 0 };
	int64_t bulk[BULK];
	begin_senders(&s, "send_pace=1s");
	str who = organisation(&s, "/ok", GREEN), item = incident(&s, GREEN, STR(""));
	for (size_t i = 0; i < BULK; i++)
		bulk[i] = queue(&s, "webhook", who, item, "clock.due", LANE_BULK);
	int64_t urgent = queue(&s, "webhook", who, item, "clock.due", LANE_WARNING);
	int64_t elsewhere = queue(&s, "sms", make_record(&s, "organisation", GREEN,
		STR("{\"name\":\"Phone\",\"kind\":\"constituent\",\"contacts\":[{\"phone\":\"+62\"}]}")), item, "clock.due", LANE_BULK);
	CHECK_RC(notify_start(s.n, &err), RC_OK, err);
	CHECK(comes_to(&s, urgent, MESSAGE_SENT));
	(void)elsewhere;
	int64_t before = atomic_load(&s.hook.at_us[urgent]);
	usleep(3200000);
	int sent = 0;
	for (size_t i = 0; i < BULK; i++) {
		int64_t at = atomic_load(&s.hook.at_us[bulk[i]]);
		sent += at != 0;
		CHECK_MSG(at == 0 || at - before > 900000, "a message of the lane of bulk came %lld us after the urgent one",
			  (long long)(at - before));
	}
	CHECK_MSG(sent >= 1 && sent <= 5, "%d in three seconds", sent);
	/* what waits for its turn counts no tries */
	for (size_t i = 0; i < BULK; i++)
		CHECK(message_of(&s, bulk[i]).tries <= 1);
	end_senders(&s);
}

/* --- whom of an organisation --- */

TEST(the_right_contact)
{
	static const char contacts[] =
		"{\"name\":\"Many\",\"kind\":\"constituent\",\"timezone\":\"UTC\",\"languages\":[\"id\"],\"contacts\":["
		"{\"role\":\"management\",\"webhook\":\"https://m.example.org/\",\"order\":1},"
		"{\"role\":\"abuse\",\"webhook\":\"https://a2.example.org/\",\"order\":3,\"channel\":\"webhook\"},"
		"{\"role\":\"abuse\",\"webhook\":\"https://a1.example.org/\",\"order\":2,\"channel\":\"webhook\",\"languages\":\"en\"},"
		"{\"role\":\"security\",\"phone\":\"+62 1\",\"order\":4,\"channel\":\"phone\"},"
		"{\"role\":\"legal\",\"webhook\":\"https://never.example.org/\",\"hours\":\"Sun 03:00-03:01\"},"
		"{\"role\":\"press\",\"email\":\"p@example.org\"}]}";
	static const struct { const char *what, *role, *driver, *address, *languages; enum lane lane; enum rc rc; } rows[] = {
		{ "whose channel it is, in order", "", "webhook", "https://a1.example.org/", "en", LANE_BULK, RC_OK },
		{ "by role", "/management", "webhook", "https://m.example.org/", "id", LANE_BULK, RC_OK },
		{ "another address", "", "sms", "+62 1", "id", LANE_BULK, RC_OK },
		{ "a role without that address", "/press", "webhook", "", "id", LANE_BULK, RC_ABSENT },
		{ "outside their hours it waits", "/legal", "webhook", "https://never.example.org/", "id", LANE_BULK, RC_BUSY },
		{ "unless it is urgent", "/legal", "webhook", "https://never.example.org/", "id", LANE_WARNING, RC_OK },
	};
	static const struct { const char *role, *driver; int contact; } chosen[] = {
		{ "", "webhook", 0 }, { "/abuse", "webhook", 2 }, { "/security", "print", 3 }, { "/press", "mail", 5 },
		{ "/operations", NULL, -1 },
	};
	struct senders s = { .made = 0 };
	begin_senders(&s, NULL);
	str id = make_record(&s, "organisation", GREEN, str_of(contacts));
	struct reader *r = begin(&s.w);
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct reached who;
		const struct resolving k = { s.n, r, types_of(&s.w), driver_find(str_of(rows[i].driver)), rows[i].lane,
					     clock_now_us(), s.w.a };
		enum rc rc = notify_resolve(&k, arena_fmt(s.w.a, STR_FMT "%s", STR_ARG(id), rows[i].role), &who, &err);
		CHECK_MSG(rc == rows[i].rc, "%s: %s %s", rows[i].what, rc_name(rc), err.text);
		if (rc == RC_OK)
			CHECK_MSG(str_eq(who.address, str_of(rows[i].address)) && str_eq(who.languages, str_of(rows[i].languages)),
				  "%s: " STR_FMT " " STR_FMT, rows[i].what, STR_ARG(who.address), STR_ARG(who.languages));
		if (rc == RC_BUSY)
			CHECK(who.retry_us > 0);
	}
	for (size_t i = 0; i < COUNT_OF(chosen); i++) {
		const char *driver;
		int contact;
		CHECK_RC(notify_choose(s.n, r, types_of(&s.w), arena_fmt(s.w.a, STR_FMT "%s", STR_ARG(id), chosen[i].role),
				       s.w.a, &driver, &contact, &err), RC_OK, err);
		CHECK_MSG((!driver && !chosen[i].driver) || (driver && chosen[i].driver && strcmp(driver, chosen[i].driver) == 0),
			  "'%s': %s", chosen[i].role, driver ? driver : "(none)");
		CHECK_INT(contact, chosen[i].contact);
	}
	store_read_end(r);
	end_senders(&s);
}

TEST_MAIN(TEST_RUN(short_messages), TEST_RUN(a_signature), TEST_RUN(a_file_of_destinations),
	  TEST_RUN(texts_and_mappings), TEST_RUN(bodies_of_case_tools), TEST_RUN(how_a_try_ends), TEST_RUN(secrets_stay_where_they_are), TEST_RUN(who_may_be_told),
	  TEST_RUN(lanes_and_pace), TEST_RUN(the_right_contact))
