/* SPDX-License-Identifier: Apache-2.0 */
/* records_world.h: persons and incidents for tests of the gate: of our team, of two organisations. */
#ifndef RONDA_DISCLOSURE_RECORDS_WORLD_H
#define RONDA_DISCLOSURE_RECORDS_WORLD_H

#include "record/record_world.h"

#include "disclosure/change.h"
#include "disclosure/seal.h"

static const struct uuid house_a = { { 0xa, 1 } }, house_b = { { 0xb, 2 } };

/* Bits of world_roles. */
enum { VIEWER = 1 << 0, ANALYST = 1 << 1, DUTY = 1 << 2, LEAD = 1 << 3, LIAISON = 1 << 4,
       AUDITOR = 1 << 6, CONSTITUENT = 1 << 8 };

static inline struct viewer staff(uint32_t roles, int account)
{
	struct viewer v = {
		.right = RIGHT_READ,
		.as = { .kind = RECIPIENT_STAFF, .ceiling = TLP_RED, .named = true,
			.personal_basis = true },
		.channel = CHANNEL_SCREEN, .account = account, .roles = roles,
		.policy = { .number = 1, .public_k = 5 },
	};
	snprintf(v.actor, sizeof(v.actor), "account:%d", account);
	return v;
}

static inline struct viewer person_of(struct uuid organisation, int account)
{
	struct viewer v = staff(CONSTITUENT, account);

	v.as = (struct recipient){ .kind = RECIPIENT_CONSTITUENT, .ceiling = TLP_AMBER_STRICT,
				   .named = true };
	v.right = RIGHT_PUBLIC;
	v.organisation = organisation;
	return v;
}

static inline str id_str(struct world *w, const char *type, const struct uuid *id)
{
	struct buf b = BUF_INIT(RECORD_ID_BYTES);

	record_id_format(&b, str_of(type), id);
	str s = arena_str(w->a, buf_str(&b));
	buf_free(&b);
	return s;
}

static inline const struct types *types_of(struct world *w)
{
	return snapshot_table(w->held);
}

static inline struct reader *begin(struct world *w)
{
	struct reader *r = NULL;
	CHECK_RC(store_read_begin(w->s, &r, &err), RC_OK, err);
	return r;
}

/* What `v` is shown of `id`, as JSON; STR_NONE: it does not exist for him. */
static inline str shown(struct world *w, const struct viewer *v, str id)
{
	struct reader *r = begin(w);
	struct record_view view;
	struct buf text = BUF_INIT(MIB(1));
	struct json_out j = json_out(&text);

	enum rc rc = read_record(r, types_of(w), v, id, w->a, &view, &err);
	if (rc == RC_OK)
		record_view_json(&view, &j);
	else
		CHECK_RC(rc, RC_ABSENT, err);
	str s = rc == RC_OK ? arena_str(w->a, buf_str(&text)) : STR_NONE;
	record_view_end(&view);
	store_read_end(r);
	buf_free(&text);
	return s;
}

static inline bool holds(str text, const char *word)
{
	return text.p && str_find(text, str_of(word)) < text.n;
}

static inline enum rc change(struct world *w, const struct viewer *v, const struct change_request *q,
		      struct record_view *out)
{
	struct record_view view;
	struct change_errors errors;

	err = (struct err){ 0 };
	enum rc rc = change_record(w->r, w->s, v, q, w->a, &view, &errors, &err);
	if (out)
		*out = view;
	else
		record_view_end(&view);
	return rc;
}

#define WHOLE(title, organisation)                                                              \
	"{\"title\":\"" title "\",\"class\":\"fraud\",\"severity\":\"low\",\"summary\":\"canary-party\","  \
	"\"internal\":\"canary-team\",\"loss_method\":\"canary-block\",\"organisation\":" organisation "}"

/* An incident as our lead writes it down, with these labels. */
static inline struct uuid make(struct world *w, str organisation, const char *labels, int n)
{
	struct viewer lead = staff(LEAD | ANALYST, 1);
	struct record_view view;
	str fields = organisation.n ?
		arena_fmt(w->a, WHOLE("canary title %d", "\"" STR_FMT "\""), n, STR_ARG(organisation)) :
		arena_fmt(w->a, WHOLE("canary title %d", "null"), n);
	const struct change_request q = { .type = STR("incident"), .fields = fields,
					  .labels = str_of(labels) };

	CHECK_RC(change(w, &lead, &q, &view), RC_OK, err);
	struct uuid id = view.record ? view.record->id : (struct uuid){ 0 };
	record_view_end(&view);
	return id;
}

#endif
