/* SPDX-License-Identifier: Apache-2.0 */
/* The reply: what we hold, why, from whom, who got it, how long it stays; and what is not given
 * out. */
#include <json-c/json.h>

#include "base/csv.h"
#include "base/json.h"
#include "privacy/beside.h"
#include "store/held.h"

enum { RECIPIENTS_LOOK = 200, ITEM_MAX = 8 << 20, GROUNDS = 8 };

/* In the reply of every request, so that it tells nothing. */
static const char *const neither[2] = {
	"We neither confirm nor deny that we hold anything beyond this which the law forbids us to tell "
	"you about at present.",
	"Kami tidak membenarkan maupun menyangkal bahwa kami menyimpan hal lain yang menurut hukum saat "
	"ini tidak boleh kami sampaikan kepada Anda.",
};

struct words2 {
	const char *name, *en, *id;
};
static const struct words2 grounds[] = {
	{ "others", "rights of other persons", "hak orang lain" },
	{ "security", "security of the node or of a source", "keamanan sistem atau sumber" },
	{ "not-his", "is about somebody else", "tentang orang lain" },
	{ "law", "must be kept by law", "wajib disimpan menurut hukum" },
};

/* --- what was found, and what becomes of it --- */

struct exceptions {
	struct json_object *rows; /* of the request */
	struct conn *c;
};

static str ground_of(const struct exceptions *e, str object)
{
	for (size_t i = 0; i < json_count(e->rows); i++)
		if (str_eq(json_get_str(json_at(e->rows, i), "object"), object))
			return json_get_str(json_at(e->rows, i), "ground");
	return STR("");
}

static enum rc judge(const struct exceptions *e, struct subject_found *f, struct arena *a,
		     struct err *err)
{
	bool secret = false;
	f->ground = arena_str(a, ground_of(e, f->object));
	enum rc rc = held_is_secret(e->c, f->object, &secret, err);
	f->fate = secret || str_eq(f->ground, STR("law-enforcement")) ? SUBJECT_NEITHER :
		  f->ground.n ? SUBJECT_CUT : SUBJECT_GIVEN;
	return rc;
}

static enum rc load_found(struct conn *c, const struct uuid *request, struct arena *a,
			  struct subject_found **out, size_t *count_out, struct err *err)
{
	size_t n = 0, room = 0;
	struct subject_found *list = NULL;
	struct sql *q = sql(c, "SELECT object, kind, identifier, erased FROM subject_found WHERE record = ?"
			       " ORDER BY kind, object");
	sql_blob(q, 1, str_mem(request->b, sizeof(request->b)));
	while (sql_row(q)) {
		if (n == room) {
			room = room ? 2 * room : 256;
			list = x_grow(list, room, sizeof(*list));
		}
		list[n++] = (struct subject_found){ .object = arena_str(a, sql_col_str(q, 0)),
						    .kind = arena_str(a, sql_col_str(q, 1)),
						    .identifier = (unsigned)sql_col_int(q, 2),
						    .ground = STR(""),
						    .erased = sql_col_int(q, 3) != 0 };
	}
	*out = ARENA_ARRAY(a, n + 1, struct subject_found);
	if (n)
		memcpy(*out, list, n * sizeof(*list));
	free(list);
	*count_out = n;
	return sql_end(q, err);
}

static enum rc list_of(struct reader *r, struct record_view *view, struct arena *a,
		       struct subject_found **out, size_t *count_out, struct err *err)
{
	const struct meaning *m = type_meaning(record_view_type(view), STR("subject.exceptions"));
	const struct exceptions e = { m && m->field ? json_get(view->body, m->field->name) : NULL,
				      reader_conn(r) };
	struct uuid request;
	str type;
	if (!record_id_parse(record_view_id(view, a), &type, &request))
		return fail(err, RC_ABSENT, "there is no such request");
	enum rc rc = load_found(reader_conn(r), &request, a, out, count_out, err);
	for (size_t i = 0; i < *count_out && rc == RC_OK; i++)
		rc = judge(&e, &(*out)[i], a, err);
	return rc;
}

enum rc subject_list(struct reader *r, const struct subject_ask *q, struct arena *a,
		     struct subject_found **out, size_t *count_out, struct err *err)
{
	struct record_view view = { 0 };
	struct identifiers i;
	*count_out = 0;
	enum rc rc = subject_load(r, q, a, &view, &i, err);
	if (rc == RC_OK)
		rc = list_of(r, &view, a, out, count_out, err);
	buf_free(&i.folded);
	record_view_end(&view);
	return rc;
}

/* --- one item, without what is about others --- */

struct replying {
	struct reader *r;
	const struct subject_ask *q;
	struct viewer bare;        /* the same without a basis for personal fields */
	struct identifiers list;
	struct arena *a, *one;
	struct subject_pack *out;
	struct json_out j;
	bool id_language;
	uint64_t cut_by[GROUNDS], events;
};

static bool text_of_event(void *ctx, const struct event_view *v)
{
	struct buf *b = ctx;
	struct json_out j = json_out(b);
	event_view_json(v, &j);
	return true;
}

static enum rc read_item(struct replying *p, const struct viewer *v, const struct subject_found *f,
			 struct buf *b, struct err *err)
{
	struct json_out j = json_out(b);
	if (str_eq(f->kind, STR("event")))
		return read_event(p->r, v, str_from(f->object, 7), text_of_event, b, err);
	if (str_eq(f->kind, STR("finding"))) {
		struct finding finding;
		enum rc rc = read_finding(p->r, v, str_from(f->object, 9), p->one, &finding, err);
		if (rc == RC_OK)
			finding_json(&finding, NULL, &j);
		return rc;
	}
	const struct beside *beside = beside_of(f->kind);
	if (beside)
		return beside->put(p->r, p->q, f->object, v->as.personal_basis, p->one, &j, err);
	if (!str_eq(f->kind, STR("record")))
		return fail(err, RC_ABSENT, "its place alone is told");
	struct record_view view = { 0 };
	enum rc rc = read_record(p->r, p->q->types, v, f->object, p->one, &view, err);
	if (rc == RC_OK)
		record_view_json(&view, &j);
	record_view_end(&view);
	return rc;
}

/* A card about one person is his whole: its title is his name. */
static bool is_card(struct replying *p, const struct subject_found *f)
{
	const struct type *t = types_find(p->q->types, str_head(f->object, str_find(f->object, STR("--"))));
	return str_eq(f->kind, STR("record")) && t && t->title && t->title->personal;
}

/* Members that only a basis shows stay when they are his. */
static void put_members(struct replying *p, struct json_object *full, struct json_object *bare)
{
	json_object_object_foreach(full, key, value) {
		str text = str_of(json_object_to_json_string_ext(value, JSON_C_TO_STRING_PLAIN));
		struct json_object *other = json_get(bare, key);
		json_key(&p->j, str_of(key));
		if (str_eq(str_of(key), STR("body")) && other) {
			json_open(&p->j, '{');
			put_members(p, value, other);
			json_close(&p->j, '}');
		} else if (!other && identifier_in(&p->list, text) < 0) {
			json_str(&p->j, STR("[blackened: may be about another person]"));
		} else {
			json_raw(&p->j, text);
		}
	}
}

static void put_content(struct replying *p, const struct buf *full_text, const struct buf *bare_text)
{
	struct json_object *full = NULL, *bare = NULL;
	json_key(&p->j, STR("content"));
	if (json_read(buf_str(full_text), &full, NULL) == RC_OK &&
	    json_object_is_type(full, json_type_object) &&
	    json_read(bare_text->n ? buf_str(bare_text) : STR("{}"), &bare, NULL) == RC_OK) {
		json_open(&p->j, '{');
		put_members(p, full, bare);
		json_close(&p->j, '}');
	} else {
		json_null(&p->j);
	}
	json_free(full);
	json_free(bare);
}

/* --- what is said of each --- */

static struct privacy_about about(struct replying *p, const struct subject_found *f)
{
	if (str_eq(f->kind, STR("ledger")))
		return privacy_other(STR("message"), p->q->language);
	if (beside_of(f->kind))
		return privacy_other(f->kind, p->q->language);
	if (!str_eq(f->kind, STR("record")))
		return privacy_other(str_eq(f->kind, STR("quarantine")) ? STR("report") : STR("event"), p->q->language);
	const struct type *t = types_find(p->q->types, str_head(f->object, str_find(f->object, STR("--"))));
	str language = p->q->language;
	if (!t)
		return (struct privacy_about){ STR(""), STR(""), STR("") };
	return (struct privacy_about){ str_of(t->purpose ? words_in(t->purpose, language) : ""),
				       str_of(t->basis ? words_in(t->basis, language) : ""),
				       privacy_retention(t, language, p->one) };
}

static str source_of(struct replying *p, const struct buf *full)
{
	static const char *const members[] = { "feed.name", "author", "feed" };
	struct json_object *o = NULL;
	str out = STR("");
	if (json_read(buf_str(full), &o, NULL) == RC_OK)
		for (size_t i = 0; i < COUNT_OF(members) && !out.n; i++)
			out = arena_str(p->one, json_get_str(o, members[i]));
	json_free(o);
	return out;
}

/* Whom it went to, each once, by comma. */
static enum rc recipients_of(struct replying *p, const struct subject_found *f, str *out, struct err *err)
{
	struct ledger_row *rows = NULL;
	size_t n = 0;
	struct buf b = BUF_INIT(KIB(16));
	const struct ledger_query q = { .recipient = STR(""), .item = f->object, .limit = RECIPIENTS_LOOK };
	enum rc rc = str_eq(f->kind, STR("ledger")) || str_eq(f->kind, STR("quarantine")) || beside_of(f->kind) ? RC_OK :
		     read_ledger(p->r, p->q->types, p->q->roles, p->q->viewer, &q, p->one, &rows, &n, err);
	if (rc == RC_DENIED || rc == RC_ABSENT)
		rc = RC_OK;
	for (size_t i = 0; rc == RC_OK && i < n; i++) {
		bool sent = rows[i].kind == LEDGER_SENT || rows[i].kind == LEDGER_SHOWN ||
			    rows[i].kind == LEDGER_UNCERTAIN;
		if (!sent || (b.n && memmem(b.p, b.n, rows[i].recipient.p, rows[i].recipient.n)))
			continue;
		if (b.n)
			buf_add(&b, STR(", "));
		buf_add(&b, rows[i].recipient);
	}
	*out = arena_str(p->one, buf_str(&b));
	buf_free(&b);
	return rc;
}

static void put_row(struct replying *p, const struct subject_found *f, const struct privacy_about *why,
		    str source, str recipients)
{
	const str cells[] = { f->object, f->kind, source, why->purpose, why->basis, why->retention, recipients };
	struct csv_out csv = { .b = &p->out->table, .guard = true };
	for (size_t i = 0; i < COUNT_OF(cells); i++)
		csv_field(&csv, cells[i]);
	csv_end(&csv);
	buf_fmt(&p->out->letter, "- " STR_FMT, STR_ARG(f->object));
	if (source.n)
		buf_fmt(&p->out->letter, p->id_language ? ", dari " STR_FMT : ", from " STR_FMT, STR_ARG(source));
	if (recipients.n)
		buf_fmt(&p->out->letter, p->id_language ? ", diberikan kepada " STR_FMT : ", given to " STR_FMT,
			STR_ARG(recipients));
	buf_fmt(&p->out->letter, p->id_language ? ", disimpan " STR_FMT "\n" : ", kept " STR_FMT "\n",
		STR_ARG(why->retention));
}

static enum rc put_item(struct replying *p, const struct subject_found *f, struct err *err)
{
	struct buf full = BUF_INIT(ITEM_MAX), bare = BUF_INIT(ITEM_MAX);
	str recipients = STR("");
	enum rc rc = read_item(p, p->q->viewer, f, &full, err);
	if (rc == RC_OK && read_item(p, is_card(p, f) ? p->q->viewer : &p->bare, f, &bare, NULL) != RC_OK)
		buf_reset(&bare);
	bool told = rc == RC_OK || str_eq(f->kind, STR("ledger")) || str_eq(f->kind, STR("quarantine"));
	if (rc == RC_ABSENT) /* gone meanwhile, or its place alone is told */
		rc = RC_OK;
	if (rc == RC_OK && told)
		rc = recipients_of(p, f, &recipients, err);
	if (rc == RC_OK && told) {
		struct privacy_about why = about(p, f);
		str source = source_of(p, &full);
		json_open(&p->j, '{');
		json_put_str(&p->j, "object", f->object);
		json_put_str(&p->j, "kind", f->kind);
		json_put_str(&p->j, "source", source);
		json_put_str(&p->j, "purpose", why.purpose);
		json_put_str(&p->j, "basis", why.basis);
		json_put_str(&p->j, "retention", why.retention);
		json_put_str(&p->j, "recipients", recipients);
		put_content(p, &full, &bare);
		json_close(&p->j, '}');
		put_row(p, f, &why, source, recipients);
		p->out->given++;
	}
	buf_free(&full);
	buf_free(&bare);
	return rc;
}

/* --- the letter --- */

static void begin_letter(struct replying *p, struct record_view *view)
{
	struct buf *b = &p->out->letter;
	const struct meaning *m = type_meaning(record_view_type(view), STR("subject.received"));
	str received = m && m->field ? json_get_str(view->body, m->field->name) : STR("");
	static const char *const kinds[IDENTIFIER_KINDS] = { "ip", "e-mail", "domain", "name", "phone" };
	buf_fmt(b, p->id_language ? "Jawaban atas permintaan Anda tanggal " STR_FMT "\n\nKami mencari:\n" :
				    "Answer to your request of " STR_FMT "\n\nWe looked for:\n",
		STR_ARG(received));
	for (size_t i = 0; i < p->list.count; i++)
		buf_fmt(b, "- %s " STR_FMT "\n", kinds[p->list.list[i].kind], STR_ARG(p->list.list[i].value));
	buf_add(b, p->id_language ? STR("\nYang kami simpan (isi lengkap ada di objects.json):\n") :
				    STR("\nWhat we hold (its content is in objects.json):\n"));
}

static void end_letter(struct replying *p)
{
	struct buf *b = &p->out->letter;
	int l = p->id_language;
	if (!p->out->given)
		buf_add(b, l ? STR("- tidak ada\n") : STR("- nothing\n"));
	buf_add(b, l ? STR("\nTujuan dan dasar hukum:\n") : STR("\nPurposes and legal bases:\n"));
	struct privacy_about event = privacy_other(STR("event"), p->q->language);
	if (p->events)
		buf_fmt(b, "- event: " STR_FMT " " STR_FMT "\n", STR_ARG(event.purpose), STR_ARG(event.basis));
	buf_add(b, l ? STR("- setiap catatan: lihat table.csv\n") : STR("- each record: see table.csv\n"));
	for (size_t i = 0; i < COUNT_OF(grounds); i++)
		if (p->cut_by[i])
			buf_fmt(b, l ? "\nTidak diberikan: %llu, karena: %s\n" : "\nNot given out: %llu, because of: %s\n",
				(unsigned long long)p->cut_by[i], l ? grounds[i].id : grounds[i].en);
	buf_add(b, l ? STR("\nBagian yang dapat menyangkut orang lain dihitamkan. Isian tersegel tidak dapat dicari.\n") :
		       STR("\nParts that may be about other persons are blackened. Sealed fields cannot be searched.\n"));
	buf_fmt(b, "\n%s\n", neither[l]);
	buf_add(b, l ? STR("\nAnda dapat mengadu kepada otoritas pelindungan data pribadi.\n") :
		       STR("\nYou may complain to the data protection authority.\n"));
}

static void count_cut(struct replying *p, const struct subject_found *f)
{
	for (size_t i = 0; i < COUNT_OF(grounds); i++)
		p->cut_by[i] += str_eq(f->ground, str_of(grounds[i].name));
	p->out->cut++;
}

static enum rc put_all(struct replying *p, const struct subject_found *list, size_t n, struct err *err)
{
	enum rc rc = RC_OK;
	buf_add(&p->out->table, STR("object,kind,source,purpose,basis,retention,recipients\r\n"));
	p->j = json_out(&p->out->objects);
	json_open(&p->j, '[');
	for (size_t i = 0; i < n && rc == RC_OK; i++) {
		if (list[i].fate == SUBJECT_CUT)
			count_cut(p, &list[i]);
		if (list[i].fate != SUBJECT_GIVEN || list[i].erased)
			continue;
		p->events += str_eq(list[i].kind, STR("event"));
		rc = put_item(p, &list[i], err);
		arena_reset(p->one);
	}
	json_close(&p->j, ']');
	buf_char(&p->out->objects, '\n');
	if (rc == RC_OK && (p->out->objects.over || p->out->letter.over || p->out->table.over))
		rc = fail(err, RC_LIMIT, "the reply is over %d MiB: split the request by time", SUBJECT_PACK_MAX >> 20);
	return rc;
}

static enum rc is_reviewed(struct record_view *view, bool large_team, struct err *err)
{
	const struct type *t = record_view_type(view);
	const struct meaning *m = type_meaning(t, STR("subject.reviewed"));
	int state = record_view_state(view);
	if (!large_team || !m || state == (int)m->state || (state >= 0 && t->states[state].closed))
		return RC_OK;
	return fail(err, RC_BUSY, "a second person must review what was found first");
}

enum rc subject_reply(struct reader *r, const struct subject_ask *q, bool large_team, struct arena *a,
		      struct subject_pack *out, struct err *err)
{
	struct record_view view = { 0 };
	struct subject_found *list = NULL;
	size_t n = 0;
	struct replying *p = ARENA_NEW(a, struct replying);
	*p = (struct replying){ .r = r, .q = q, .bare = *q->viewer, .a = a, .one = arena_new(KIB(64)),
				.out = out, .id_language = str_starts(q->language, STR("id")) };
	p->bare.as.personal_basis = false;
	out->given = out->cut = 0;
	enum rc rc = subject_load(r, q, a, &view, &p->list, err);
	if (rc == RC_OK)
		rc = is_reviewed(&view, large_team, err);
	if (rc == RC_OK)
		rc = list_of(r, &view, a, &list, &n, err);
	if (rc == RC_OK) {
		begin_letter(p, &view);
		rc = put_all(p, list, n, err);
		end_letter(p);
	}
	record_view_end(&view);
	buf_free(&p->list.folded);
	arena_free(p->one);
	return rc;
}

enum rc subject_erased(struct tx *tx, const struct uuid *request, str object, struct err *err)
{
	struct sql *q = sql(tx_conn(tx), "UPDATE subject_found SET erased = 1 WHERE record = ? AND object = ?");
	sql_blob(q, 1, str_mem(request->b, sizeof(request->b)));
	sql_str(q, 2, object);
	return sql_run(q, err);
}
