/* SPDX-License-Identifier: Apache-2.0 */
#include "notify/bounce.h"

#include <json-c/json.h>

#include "disclosure/change.h"
#include "notify/last_resort.h"
#include "notify/letter_state.h"
#include "notify/notify_private.h"
#include "notify/round_private.h"
#include "store/sql.h"

enum { TRUST_FULL = 100, TRUST_DELAY = 10, WORDS_MAX = 300 };

/* --- status codes (RFC 3463) --- */

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

str bounce_status(str text)
{
	for (size_t i = 0; i + 4 < text.n; i++) {
		size_t n = i;
		if ((text.p[i] != '4' && text.p[i] != '5' && text.p[i] != '2') || text.p[i + 1] != '.' ||
		    (i > 0 && (is_digit(text.p[i - 1]) || text.p[i - 1] == '.')))
			continue;
		for (n = i + 2; n < text.n && n < i + 5 && is_digit(text.p[n]); n++)
			;
		size_t dot = n;
		if (n == i + 2 || n == text.n || text.p[n] != '.')
			continue;
		for (n = dot + 1; n < text.n && n < dot + 4 && is_digit(text.p[n]); n++)
			;
		if (n > dot + 1 && (n == text.n || (!is_digit(text.p[n]) && text.p[n] != '.')))
			return str_mem(text.p + i, n - i);
	}
	return STR("");
}

bool bounce_is_of_address(str status)
{
	/* No such mailbox, system, syntax, ambiguous, moved, no mail accepted (RFC 7505); disabled. */
	static const char *const of_address[] = { "5.1.0", "5.1.1", "5.1.2", "5.1.3", "5.1.4", "5.1.6", "5.1.10", "5.2.1" };
	for (size_t i = 0; i < COUNT_OF(of_address); i++)
		if (str_eq(status, str_of(of_address[i])))
			return true;
	return false;
}

/* --- the contact --- */

struct noting {
	struct tx *tx;
	const struct notify *n;
	const struct bounce *b;
	struct message m;
	struct arena *a;
	const char *why;
	bool next;
};

static int64_t trust_of(struct json_object *row)
{
	int64_t trust = TRUST_FULL;
	(void)json_get_i64(row, "trust", &trust);
	return trust;
}

/* Would the message go there? */
static bool fits(struct json_object *row, str role)
{
	str own = json_get_str(row, "role"), email = json_get_str(row, "email");
	return email.n > 0 && (role.n == 0 || str_eq(own, role)) && trust_of(row) > 0;
}

static struct json_object *first_that_fits(struct json_object *list, str role)
{
	struct json_object *best = NULL;
	int64_t best_order = 0;
	for (size_t i = 0; i < json_count(list); i++) {
		struct json_object *row = json_at(list, i);
		int64_t order = INT64_MAX;
		(void)json_get_i64(row, "order", &order);
		if (!fits(row, role) || (best && order >= best_order))
			continue;
		best = row;
		best_order = order;
	}
	return best;
}

static bool lower(struct json_object *row, bool permanent)
{
	int64_t trust = trust_of(row), less = permanent ? 0 : trust > TRUST_DELAY ? trust - TRUST_DELAY : 1;
	if (trust == 0)
		return false;
	json_object_object_add(row, "trust", json_object_new_int64(less));
	return less != trust;
}

/* Every row with that address, whatever its role: it is the mailbox that is not there. */
static bool lower_all(const struct noting *k, struct json_object *list, str role)
{
	bool did = false;
	str address = k->b->address;
	if (address.n == 0) {
		struct json_object *row = first_that_fits(list, role);
		return row && lower(row, k->b->permanent);
	}
	for (size_t i = 0; i < json_count(list); i++)
		if (str_eq_nocase(json_get_str(json_at(list, i), "email"), address))
			did = lower(json_at(list, i), k->b->permanent) || did;
	return did;
}

static enum rc change(const struct noting *k, const struct addressee *who, const char *field,
		      struct json_object *list, struct err *err)
{
	struct viewer v;
	struct record_view view = { 0 };
	struct change_errors errors = { .count = 0 };
	struct json_object *fields = json_object_new_object();
	json_object_object_add(fields, field, json_object_get(list));
	const struct change_request q = {
		.id = addressee_id(who, k->a), .why = str_of(k->why),
		.fields = arena_str(k->a, str_of(json_object_to_json_string_ext(fields, JSON_C_TO_STRING_PLAIN))),
	};
	json_free(fields);
	enum rc rc = node_viewer(k->n, &v, err);
	if (rc == RC_OK)
		rc = change_record_tx(k->tx, k->n->w.records, &v, &q, k->a, &view, &errors, err);
	record_view_end(&view);
	/* A copy of another node's, one that is gone, a body that its type takes no more: the ledger says so
	 * all the same. These are said before anything of the change is written. */
	bool before = rc == RC_DENIED || rc == RC_ABSENT || rc == RC_CONFLICT || (rc == RC_INPUT && errors.count > 0);
	return before ? RC_OK : rc;
}

static enum rc mark_contact(struct noting *k, struct err *err)
{
	struct addressee who = { 0 };
	struct uuid id;
	str type, email, role = k->m.recipient, of = arena_str(k->a, str_cut(&role, '/'));
	if (k->b->permanent && last_resort_email(k->m.recipient, &email))
		return last_resort_dead(k->tx, k->n, k->m.recipient, err);
	if (!record_id_parse(of, &type, &id))
		return RC_OK; /* an account, a role: a person of ours sees that it failed */
	struct snapshot_ref *types = snapshot_hold(records_types_snapshot(k->n->w.records));
	enum rc rc = told_addressee(tx_conn(k->tx), snapshot_table(types), of, k->a, &who, err);
	const struct meaning *rows = rc == RC_OK ? type_meaning(who.type, STR("organisation.contacts")) : NULL;
	struct json_object *list = rows && rows->field ? json_get(who.body, rows->field->name) : NULL;
	if (list && lower_all(k, list, role))
		rc = change(k, &who, rows->field->name, list, err);
	k->next = rc == RC_OK && list && first_that_fits(list, role) != NULL;
	json_free(who.body);
	snapshot_drop(records_types_snapshot(k->n->w.records), types);
	return rc == RC_ABSENT ? RC_OK : rc;
}

/* --- the ledger --- */

static enum rc is_known(struct conn *c, int64_t message, str reference, bool *out, struct err *err)
{
	struct sql *q = sql(c, "SELECT 1 FROM ledger WHERE message = ? AND message > 0 AND kind = ? AND reference = ?");
	sql_int(q, 1, message);
	sql_int(q, 2, LEDGER_BOUNCED);
	sql_str(q, 3, reference);
	*out = sql_row(q);
	return sql_end(q, err);
}

enum rc bounce_note(struct tx *tx, const struct notify *n, const struct bounce *b, bool *next_out, struct err *err)
{
	struct noting k = { .tx = tx, .n = n, .b = b, .a = arena_new(KIB(16)) };
	bool known = false;
	str words = str_head(b->words, WORDS_MAX);
	str reference = arena_fmt(k.a, "bounce:" STR_FMT ":" STR_FMT, STR_ARG(b->status), STR_ARG(b->address));
	enum rc rc = outbox_load(tx_conn(tx), b->message, k.a, &k.m, err);
	k.why = arena_fmt(k.a, "mail to " STR_FMT " did not arrive: " STR_FMT,
			  STR_ARG(b->address.n ? b->address : STR("its contact")), STR_ARG(str_head(words, 150))).p;
	if (rc == RC_OK)
		rc = is_known(tx_conn(tx), b->message, reference, &known, err);
	if (rc == RC_OK && !known)
		rc = ledger_bounced(tx, b->message, reference, words, err);
	if (rc == RC_OK && !known)
		rc = mark_contact(&k, err);
	bool ended = k.m.state == MESSAGE_SENT || k.m.state == MESSAGE_UNCERTAIN;
	if (rc == RC_OK && !known && b->permanent && ended)
		rc = outbox_returned(tx, b->message, k.next, str_of(k.why), err);
	if (rc == RC_OK && !known)
		rc = letter_follow(tx, n, b->message, err);
	if (next_out)
		*next_out = rc == RC_OK && k.next;
	arena_free(k.a);
	return rc;
}
