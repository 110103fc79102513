/* SPDX-License-Identifier: Apache-2.0 */
/* A claim that was approved is a row of its organisation's constituency, from that day on.
 *
 * It never opens what was before: the row begins on the day of approval at the earliest, so an
 * event of an earlier day does not concern the organisation by it, whatever the claim says. */
#include <json-c/json.h>

#include "base/clock.h"
#include "route/org_card.h"

struct approving {
	struct tx *tx;
	struct records *r;
	const struct record *claim;
	struct json_object *body; /* of the claim */
	struct arena *a;
	struct err *err;
};

static str claim_text(const struct approving *x, const char *word)
{
	return json_text(meant_value(x->claim->type, x->body, word));
}

static int state_meant(const struct type *t, const char *word)
{
	const struct meaning *m = type_meaning(t, str_of(word));
	return m && !m->field ? (int)m->state : -1;
}

static str source_of(const struct approving *x)
{
	struct buf id = BUF_INIT(RECORD_ID_BYTES);
	record_id_format(&id, x->claim->type_name, &x->claim->id);
	str out = arena_str(x->a, buf_str(&id));
	buf_free(&id);
	return out;
}

static void add_text(struct json_object *o, const char *key, str value)
{
	if (value.n)
		json_object_object_add(o, key, json_object_new_string_len(value.p, (int)value.n));
}

static struct json_object *row_of_claim(const struct approving *x)
{
	struct json_object *row = json_object_new_object();
	char today[16];
	str from = claim_text(x, "claim.from"), day = time_day_str(today, tx_now_us(x->tx));
	add_text(row, "kind", claim_text(x, "claim.kind"));
	add_text(row, "value", claim_text(x, "claim.value"));
	add_text(row, "role", claim_text(x, "claim.role"));
	if (json_object_get_boolean(meant_value(x->claim->type, x->body, "claim.shared-address")))
		json_object_object_add(row, "shared_address", json_object_new_boolean(true));
	add_text(row, "from", from.n && str_cmp(from, day) > 0 ? from : day);
	add_text(row, "until", claim_text(x, "claim.until"));
	add_text(row, "source", source_of(x));
	return row;
}

/* The row ends yesterday; one that began only today was never in force for a day, and goes. */
static bool ended_row(const struct approving *x, struct json_object *row)
{
	char today[16], yesterday[16];
	str day = time_day_str(today, tx_now_us(x->tx)), from = json_get_str(row, "from");
	str before = time_day_str(yesterday, tx_now_us(x->tx) - DAY_US), until = json_get_str(row, "until");
	if (from.n && str_cmp(from, day) >= 0)
		return false;
	if (!until.n || str_cmp(until, before) > 0) {
		json_object_object_del(row, "until");
		add_text(row, "until", before);
	}
	return true;
}

/* The organisation's rows with that of the claim added, or ended. */
static str rows_after(const struct approving *x, struct json_object *old, bool approved)
{
	struct json_object *rows = json_object_new_array();
	str source = source_of(x);
	for (size_t i = 0; i < json_count(old); i++) {
		struct json_object *row = json_at(old, i);
		bool mine = str_eq(json_get_str(row, "source"), source);
		if (!mine || (!approved && ended_row(x, row)))
			json_object_array_add(rows, json_object_get(row));
	}
	if (approved)
		json_object_array_add(rows, row_of_claim(x));
	str out = arena_str(x->a, str_of(json_object_to_json_string_ext(rows, JSON_C_TO_STRING_PLAIN)));
	json_object_put(rows);
	return out;
}

static enum rc change_organisation(const struct approving *x, const struct type *t,
				   const struct record *org, bool approved)
{
	const struct type_field *f = meant_field(t, "organisation.claims");
	struct json_object *body = NULL;
	struct buf fields = BUF_INIT(RECORD_BODY_MAX);
	struct json_out j = json_out(&fields);
	struct record made;
	enum rc rc = json_read(org->body, &body, x->err);
	if (rc != RC_OK)
		return rc;
	json_open(&j, '{');
	json_key(&j, str_of(f->name));
	json_raw(&j, rows_after(x, json_get(body, f->name), approved));
	json_close(&j, '}');
	struct record_change c = {
		.type = t, .id = org->id, .fields = buf_str(&fields), .to_state = -1, .actor = x->claim->author,
		.why = arena_fmt(x->a, STR_FMT "-%llu was %s", STR_ARG(x->claim->type_name),
				 (unsigned long long)x->claim->number, approved ? "approved" : "ended"),
	};
	rc = fields.over ? fail(x->err, RC_LIMIT, "the organisation's record is full") :
			   record_put(x->tx, x->r, &c, x->a, &made, NULL, 0, NULL, x->err);
	json_free(body);
	buf_free(&fields);
	return rc;
}

static enum rc follow(const struct approving *x, const struct types *types, bool approved)
{
	struct uuid id;
	struct record org;
	str type;
	const struct type *t = directory_type(types);
	if (!t || !record_id_parse(claim_text(x, "claim.organisation"), &type, &id))
		return fail(x->err, RC_INPUT, "the claim names no organisation");
	enum rc rc = record_load(tx_conn(x->tx), types, id, x->a, &org, x->err);
	if (rc != RC_OK)
		return rc;
	if (org.type != t || org.erased)
		return fail(x->err, RC_INPUT, "the claim names no organisation that is there");
	return change_organisation(x, t, &org, approved);
}

enum rc claim_changed(struct tx *tx, struct records *r, void *ctx, const struct record *before,
		      const struct record *now, struct err *err)
{
	struct approving x = { .tx = tx, .r = r, .claim = now, .err = err };
	(void)ctx;
	if (now->number == 0 || !now->type || now->erased || !meant_field(now->type, "claim.organisation") ||
	    !meant_field(now->type, "claim.value"))
		return RC_OK;
	int approved = state_meant(now->type, "claim.approved"), was = before ? before->state : -1;
	if (approved < 0 || (now->state == approved) == (was == approved))
		return RC_OK;
	x.a = arena_new(KIB(16));
	struct snapshot_ref *ref = snapshot_hold(records_types_snapshot(r));
	enum rc rc = json_read(now->body, &x.body, err);
	if (rc == RC_OK)
		rc = follow(&x, snapshot_table(ref), now->state == approved);
	snapshot_drop(records_types_snapshot(r), ref);
	json_free(x.body);
	arena_free(x.a);
	return rc;
}
