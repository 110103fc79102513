/* SPDX-License-Identifier: Apache-2.0 */
/* What people of a partner say about shared items, what they ask, and what our node answers by itself. Each line "TYPE N
 * VERSION STATE TLP BODY" is a record of theirs, TYPE--N, "-TYPE N VERSION" its withdrawal; together they are one envelope. In
 * BODY $WARNING is an item of ours that was offered to them, and each is about 192.0.2.7. Afterwards our item is as it
 * was; what our node made of it is marked no looser than what it is about, and the same again changes nothing. */
#include "exchange/taxii_private.h"
#include "exchange/who_knows_private.h"
#include "stix/stix_event.h"

#include "shared_world.h"

enum { LINES_MOST = 40, LIST_MOST = 4096, NUMBER_MOST = 12 };

struct envelope {
	struct buf text;
	struct json_out j;
	struct arena *a;
};

static str filled(str text, struct arena *a)
{
	struct buf out = BUF_INIT(KIB(64));
	while (text.n > 0) {
		bool is = str_starts(text, STR("$WARNING"));
		if (is)
			buf_add(&out, STR("warning--" SHARED_WARNING_ID));
		else
			buf_char(&out, text.p[0]);
		text = str_from(text, is ? 8 : 1);
	}
	str s = arena_str(a, buf_str(&out));
	buf_free(&out);
	return s;
}

static str record_text(str type, str id, str version, str state, str tlp, str body, struct arena *a)
{
	struct buf b = BUF_INIT(KIB(256));
	struct json_out j = json_out(&b);
	int64_t number = 0;
	(void)str_to_i64(version, &number);
	json_open(&j, '{');
	json_put_str(&j, "id", id);
	json_put_str(&j, "type", type);
	json_put_i64(&j, "type_version", 1);
	json_put_i64(&j, "version", number);
	json_put_str(&j, "origin", STR(PARTNER_NODE_ID));
	json_put_str(&j, "state", state);
	json_key(&j, STR("labels"));
	json_open(&j, '{');
	json_put_str(&j, "tlp", tlp);
	json_close(&j, '}');
	json_key(&j, STR("body"));
	json_raw(&j, body);
	json_close(&j, '}');
	str s = arena_str(a, buf_str(&b));
	buf_free(&b);
	return s;
}

static void add_line(struct envelope *e, str line)
{
	struct json_object *o = NULL;
	bool gone = line.n > 0 && line.p[0] == '-';
	line = str_from(line, gone);
	str type = str_cut(&line, ' '), n = str_head(str_cut(&line, ' '), NUMBER_MOST), version = str_cut(&line, ' ');
	str state = str_cut(&line, ' '), tlp = str_cut(&line, ' '), body = filled(line, e->a);
	str uuid = arena_fmt(e->a, "22222222-0000-4000-8000-%012llx", (unsigned long long)crc32_of(n));
	str id = arena_fmt(e->a, STR_FMT "--" STR_FMT, STR_ARG(type), STR_ARG(uuid));
	if (!gone && json_read(body, &o, NULL) != RC_OK)
		return;
	json_free(o);
	json_open(&e->j, '{');
	json_put_str(&e->j, "type", STR("note"));
	json_put_str(&e->j, "spec_version", STR("2.1"));
	json_put_str(&e->j, "id", arena_fmt(e->a, "note--" STR_FMT, STR_ARG(uuid)));
	json_put_str(&e->j, "created", STR("2026-11-22T09:00:00.000Z"));
	json_put_str(&e->j, "modified", arena_fmt(e->a, "2026-11-22T09:%02u:00.000Z", crc32_of(version) % 60));
	if (gone)
		json_put_bool(&e->j, "revoked", true);
	json_key(&e->j, STR("extensions"));
	json_open(&e->j, '{');
	json_key(&e->j, STR(STIX_EXTENSION));
	json_open(&e->j, '{');
	json_put_str(&e->j, "extension_type", STR("property-extension"));
	json_put_str(&e->j, "origin", STR(PARTNER_NODE_ID));
	json_put_str(&e->j, "item", id);
	if (!gone)
		json_put_str(&e->j, "record", record_text(type, id, version, state, tlp, body, e->a));
	json_close(&e->j, '}');
	json_close(&e->j, '}');
	json_close(&e->j, '}');
}

/* --- what stands --- */

static int64_t number(struct sql *q)
{
	MUST(sql_row(q));
	int64_t n = sql_col_int(q, 0);
	MUST(sql_end(q, &err) == RC_OK);
	return n;
}

struct stands {
	int64_t ours, versions, loose;
};

static struct stands look(struct partner_world *w)
{
	struct stands s;
	struct reader *r;
	struct uuid id;
	MUST(uuid_parse(STR(SHARED_WARNING_ID), &id) && store_read_begin(w->team.w.s, &r, &err) == RC_OK);
	struct sql *q = sql(reader_conn(r), "SELECT version FROM record WHERE uuid = ?");
	sql_blob(q, 1, str_mem(id.b, sizeof id.b));
	s.ours = number(q);
	s.versions = number(sql(reader_conn(r), "SELECT count(*) FROM record_version"));
	/* what our node passes on, or answers, about an item that is AMBER */
	q = sql(reader_conn(r), "SELECT count(*) FROM record r JOIN record_name o ON o.id = r.origin JOIN record_index i"
				" ON i.record = r.id AND i.value = 'warning--" SHARED_WARNING_ID "' WHERE o.name = ?1 AND r.erased = 0"
				" AND r.tlp < ?2");
	sql_str(q, 1, store_node_id(w->team.w.s));
	sql_int(q, 2, TLP_AMBER);
	s.loose = number(q);
	store_read_end(r);
	return s;
}

static void answer_all(struct partner_world *w)
{
	struct uuid *list = x_array(LIST_MOST, sizeof *list);
	const struct types *types = snapshot_table(w->team.w.held);
	size_t n = 0;
	struct reader *r;
	MUST(store_read_begin(w->team.w.s, &r, &err) == RC_OK);
	struct sql *q = sql(reader_conn(r), "SELECT r.uuid FROM record r JOIN record_name t ON t.id = r.type WHERE t.name = 'inquiry'"
					    " ORDER BY r.changed_us DESC");
	while (n < LIST_MOST && sql_row(q))
		memcpy(list[n++].b, sql_col_blob(q, 0).p, sizeof list->b);
	MUST(sql_end(q, &err) == RC_OK);
	for (size_t i = 0; i < n && i < LINES_MOST; i++)
		MUST(who_knows_answer(&w->team.x, r, types, list[i], &err) == RC_OK);
	store_read_end(r);
	free(list);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	bool fresh;
	struct partner_world *w = partner_world_of("{\"name\":\"Team C\",\"kind\":\"node\",\"node\":\"" PARTNER_NODE_ID "\","
						   "\"organisation\":\"" SHARED_HOUSE "\"}", &fresh);
	struct envelope e = { .text = BUF_INIT(MIB(8)), .a = arena_new(KIB(64)) };
	struct taken taken;
	str text = str_mem(data, size), line;
	if (fresh)
		shared_world_fill(w);
	e.j = json_out(&e.text);
	json_open(&e.j, '{');
	json_key(&e.j, STR("objects"));
	json_open(&e.j, '[');
	for (int i = 0; i < LINES_MOST && str_line(&text, &line); i++)
		add_line(&e, line);
	json_close(&e.j, ']');
	json_close(&e.j, '}');
	struct stands before = look(w);
	for (int again = 0; again < 2; again++) {
		enum rc rc = take_envelope(&w->team.x, &w->from, buf_str(&e.text), STR("test"), e.a, &taken, &err);
		MUST(rc == RC_OK || rc == RC_INPUT);
		answer_all(w);
		struct stands after = look(w);
		MUST(after.ours == before.ours && after.loose == 0);
		MUST(!again || after.versions == before.versions);
		before = after;
	}
	buf_free(&e.text);
	arena_free(e.a);
	return 0;
}
