/* SPDX-License-Identifier: Apache-2.0 */
/* The answer to who knows what, out of what the check lets the asker have. */
#include <json-c/json.h>

#include "base/ip.h"
#include "base/json.h"
#include "disclosure/told_partner.h"
#include "event/normalise.h"
#include "exchange/who_knows_private.h"
#include "record/outbox.h"

struct answering {
	struct exchange *x;
	struct reader *r;
	const struct types *types;
	struct arena *a;
	struct record asked;
	str item, value;
	struct partner from;       /* the asker, a partner in use */
	struct told_to to;
	bool too_often;
	struct told_known sum;
	uint64_t policy;
};

/* --- who asks --- */

/* *out: are there more questions of his within a day before this one than he has. */
static enum rc count_questions(struct answering *k, bool *out, struct err *err)
{
	int64_t most = k->x->w.settings ? settings_int(k->x->w.settings, "partner_questions_a_day") : 200, n = 0;
	struct sql *q = sql(reader_conn(k->r), "SELECT count(*) FROM record r JOIN record_name t ON t.id = r.type JOIN record_name o"
					       " ON o.id = r.origin WHERE t.name = ?1 AND o.name = ?2 AND r.created_us > ?3 - ?4"
					       " AND (r.created_us < ?3 OR (r.created_us = ?3 AND r.uuid <= ?5))");
	sql_str(q, 1, k->asked.type_name);
	sql_str(q, 2, k->asked.origin);
	sql_int(q, 3, k->asked.created_us);
	sql_int(q, 4, DAY_US);
	sql_blob(q, 5, str_mem(k->asked.id.b, sizeof k->asked.id.b));
	if (sql_row(q))
		n = sql_col_int(q, 0);
	*out = n > most;
	return sql_end(q, err);
}

static enum rc know_asker(struct answering *k, bool *may, struct err *err)
{
	*may = false;
	struct err none = { 0 };
	enum rc rc = partner_by_node(k->x, reader_conn(k->r), true, k->asked.origin, k->a, &k->from, &none);
	if (rc != RC_OK)
		return rc == RC_ABSENT ? RC_OK : fail(err, rc, "%s", none.text);
	rc = told_partner(k->r, k->x->w.policies, k->from.organisation, partner_feed(&k->from, k->a), k->from.exercise, &k->to, err);
	if (rc == RC_OK)
		rc = told_partner_flow(k->x->w.policies, k->from.organisation, STR("requests"), &k->to, may, err);
	k->policy = k->to.viewer.policy.number;
	return rc == RC_OK ? count_questions(k, &k->too_often, err) : rc;
}

/* --- events --- */

static bool is_hex(str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!((s.p[i] >= '0' && s.p[i] <= '9') || (s.p[i] >= 'a' && s.p[i] <= 'f') || (s.p[i] >= 'A' && s.p[i] <= 'F')))
			return false;
	return true;
}

/* The fields of events in which such a value stands. */
static const char *const *fields_of(str value, struct arena *a)
{
	static const char *const address[] = { "source.ip", "destination.ip", NULL };
	static const char *const domain[] = { "source.fqdn", "destination.fqdn", NULL };
	static const char *const md5[] = { "malware.hash.md5", NULL }, *const sha1[] = { "malware.hash.sha1", NULL },
				 *const sha256[] = { "malware.hash.sha256", NULL }, *const malware[] = { "malware.name", NULL };
	struct ip ip;
	str name;
	if (ip_parse(value, &ip))
		return address;
	if (is_hex(value) && (value.n == 32 || value.n == 40 || value.n == 64))
		return value.n == 32 ? md5 : value.n == 40 ? sha1 : sha256;
	return str_has(value, '.') && fqdn_normalise(value, a, &name) ? domain : malware;
}

static void add(struct told_known *sum, const struct told_known *n)
{
	if (n->count == 0)
		return;
	sum->first_us = sum->count == 0 || n->first_us < sum->first_us ? n->first_us : sum->first_us;
	sum->last_us = sum->count == 0 || n->last_us > sum->last_us ? n->last_us : sum->last_us;
	sum->tlp = n->tlp > sum->tlp ? n->tlp : sum->tlp;
	sum->count = sum->count + n->count < KNOWN_MOST ? sum->count + n->count : KNOWN_MOST;
}

static enum rc count_events(struct answering *k, struct err *err)
{
	enum rc rc = RC_OK;
	for (const char *const *f = fields_of(k->value, k->a); rc == RC_OK && *f; f++) {
		struct filter_set set = { .list = { { .field = 0 } } };
		struct told_known n = { .count = 0 };
		struct err why = { 0 };
		rc = filter_add(&set, str_of(*f), k->value, k->a, &why);
		if (rc == RC_OK)
			rc = told_known(k->r, &k->to, &set.list[0], KNOWN_MOST, &n, &why);
		if (rc == RC_INPUT) /* no value of this field, or a damaged piece, which is for `verify` to tell */
			rc = RC_OK;
		else if (rc != RC_OK)
			return fail(err, rc, "%s", why.text);
		add(&k->sum, &n);
	}
	return rc;
}

/* --- records --- */

static bool is_part(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '_';
}

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

/* The value whole, not within a longer one; a dot behind it may end a sentence. */
static bool stands_in(str text, str value)
{
	for (size_t i = 0; i + value.n <= text.n; i++) {
		size_t n = 0;
		while (n < value.n && lower(text.p[i + n]) == lower(value.p[n]))
			n++;
		if (n < value.n || (i > 0 && (is_part(text.p[i - 1]) || text.p[i - 1] == '.')))
			continue;
		size_t end = i + n;
		bool goes_on = end < text.n && (is_part(text.p[end]) ||
						(text.p[end] == '.' && end + 1 < text.n && is_part(text.p[end + 1])));
		if (!goes_on)
			return true;
	}
	return false;
}

struct searching {
	struct answering *k;
	enum rc rc;
	struct err *err;
};

/* Ours alone, as the asker may see it. */
static bool look_at(void *ctx, const struct record *r)
{
	struct searching *s = ctx;
	struct answering *k = s->k;
	struct told told = { .rule = "" };
	struct err why = { 0 };
	uint64_t bit = r->state < 0 ? 0 : UINT64_C(1) << r->state;
	if (r->number == 0 || r->erased || !(r->type->offer_in & bit) || (r->type->offer_not_in & bit))
		return true;
	struct arena *a = arena_new(KIB(16)); /* of one record: a common word may stand in very many */
	enum rc rc = told_item(k->r, k->types, &k->to, together_record_id(r, a), 0, a, &told, &why);
	if (rc == RC_OK && stands_in(str_of(json_object_to_json_string_ext(told.view.body, JSON_C_TO_STRING_PLAIN |
											       JSON_C_TO_STRING_NOSLASHESCAPE)), k->value))
		add(&k->sum, &(const struct told_known){ 1, r->created_us, r->changed_us, told.tlp });
	told_end(&told);
	arena_free(a);
	if (rc != RC_OK && rc != RC_DENIED && rc != RC_ABSENT)
		s->rc = fail(s->err, rc, "%s", why.text);
	return s->rc == RC_OK && k->sum.count < KNOWN_MOST;
}

static enum rc count_records(struct answering *k, struct err *err)
{
	struct searching s = { .k = k, .rc = RC_OK, .err = err };
	for (size_t i = 0; s.rc == RC_OK && i < types_count(k->types); i++) {
		const struct type *t = types_at(k->types, i);
		const struct record_query q = { .type = t, .text = k->value, .text_share = SHARE_PARTY, .tlp_mask = UINT32_MAX,
						.exercise = true, .states = t->offer_in };
		struct err why = { 0 };
		bool flows = false;
		if (!t->offer_flow || type_meaning(t, STR("inquiry.value")))
			continue;
		s.rc = told_partner_flow(k->x->w.policies, k->from.organisation, str_of(t->offer_flow), NULL, &flows, err);
		if (s.rc != RC_OK || !flows)
			continue;
		enum rc rc = record_list(reader_conn(k->r), k->types, &q, look_at, &s, &why);
		if (rc != RC_OK && rc != RC_INPUT) /* what cannot be searched for stands nowhere */
			s.rc = fail(err, rc, "%s", why.text);
	}
	return s.rc;
}

/* --- saying so --- */

static void put_time(struct json_out *j, const struct type_field *f, int64_t us)
{
	char text[40];
	if (f && us)
		json_put_str(j, f->name, time_str(text, us));
}

static str fields_text(const struct answering *k, const struct type *t)
{
	struct buf b = BUF_INIT(KIB(4));
	struct json_out j = json_out(&b);
	str words = k->too_often ? STR("Too many questions in a day: this one was not looked up.") :
		    k->sum.count ? STR("Known.") : STR("Nothing that we may tell.");
	json_open(&j, '{');
	json_put_str(&j, t->title->name, words);
	json_put_str(&j, together_field(t, "contribution.about")->name, k->item);
	json_put_str(&j, together_field(t, "contribution.what")->name, STR("knows"));
	if (together_field(t, "contribution.count") && !k->too_often)
		json_put_i64(&j, together_field(t, "contribution.count")->name, (int64_t)k->sum.count);
	put_time(&j, together_field(t, "contribution.first"), k->sum.first_us);
	put_time(&j, together_field(t, "contribution.last"), k->sum.last_us);
	json_close(&j, '}');
	str text = arena_str(k->a, buf_str(&b));
	buf_free(&b);
	return text;
}

static enum rc put_ledger(struct tx *tx, struct answering *k, struct err *err)
{
	str who = together_record_id(&(const struct record){ .type_name = STR("partner"), .id = k->from.id }, k->a);
	str words = k->too_often ? STR("asked too often, not answered") :
				   arena_fmt(k->a, "asked who knows '" STR_FMT "': told %llu", STR_ARG(k->value),
					     (unsigned long long)k->sum.count);
	const struct ledger_row row = { .kind = k->too_often ? LEDGER_REFUSED : LEDGER_SENT, .driver = STR("sync"), .recipient = who,
					.item = k->item, .item_version = k->asked.version, .policy = k->policy,
					.purpose = PURPOSE_HANDLING, .cut = STR(""), .reference = STR("who knows"), .words = words,
					.rule = k->too_often ? STR("the partner's questions of a day are used up") :
							       STR("the agreement lets requests flow"), .covers = 1 };
	int64_t id;
	return ledger_add(tx, &row, &id, err);
}

static enum rc answer_job(struct tx *tx, void *ctx, struct err *err)
{
	struct answering *k = ctx;
	const struct type *t = together_type_find(k->types);
	enum tlp tlp = k->asked.labels.tlp > k->sum.tlp ? k->asked.labels.tlp : k->sum.tlp;
	struct record out;
	struct err why = { 0 };
	const struct record_change c = {
		.type = t, .fields = fields_text(k, t), .to_state = -1, .actor = STR("node"),
		.new_id = together_passed_id(store_node_id(k->x->w.store), arena_fmt(k->a, "who knows " STR_FMT, STR_ARG(k->item))),
		.labels = arena_fmt(k->a, "{\"tlp\":\"%s\"%s}", tlp_name(tlp < TLP_COUNT ? tlp : TLP_RED),
				    k->asked.labels.exercise ? ",\"exercise\":true" : ""),
	};
	enum rc rc = record_put(tx, k->x->w.records, &c, k->a, &out, NULL, 0, NULL, &why);
	if (rc == RC_CONFLICT) /* answered before */
		return RC_OK;
	return rc == RC_OK ? put_ledger(tx, k, err) : fail(err, rc, "%s", why.text);
}

static enum rc look_up(struct answering *k, bool *may, struct err *err)
{
	struct json_object *body = NULL;
	struct err none = { 0 };
	*may = false;
	const struct meaning *asked = k->asked.type ? type_meaning(k->asked.type, STR("inquiry.asked")) : NULL;
	if (k->asked.erased || !asked || k->asked.state != (int)asked->state)
		return RC_OK;
	enum rc rc = json_read(k->asked.body, &body, err);
	if (rc == RC_OK)
		k->value = arena_str(k->a, json_get_str(body, together_field(k->asked.type, "inquiry.value")->name));
	json_free(body);
	if (rc != RC_OK || who_knows_value(k->value, &none) != RC_OK)
		return rc; /* of what we would not ask either nothing is said */
	rc = know_asker(k, may, err);
	if (rc != RC_OK || !*may || k->too_often)
		return rc;
	rc = count_events(k, err);
	return rc == RC_OK ? count_records(k, err) : rc;
}

enum rc who_knows_answer(struct exchange *x, struct reader *r, const struct types *types, struct uuid id, struct err *err)
{
	struct answering k = { .x = x, .r = r, .types = types, .a = arena_new(KIB(16)), .sum = { .tlp = TLP_CLEAR } };
	bool may = false;
	enum rc rc = record_load(reader_conn(r), types, id, k.a, &k.asked, err);
	if (rc == RC_OK) {
		k.item = together_record_id(&k.asked, k.a);
		rc = look_up(&k, &may, err);
	}
	if (rc == RC_OK && may && together_type_find(types))
		rc = store_write(x->w.store, answer_job, &k, err);
	arena_free(k.a);
	return rc == RC_ABSENT ? RC_OK : rc;
}
