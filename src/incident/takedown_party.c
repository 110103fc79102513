/* SPDX-License-Identifier: Apache-2.0 */
/* Who is asked: rows of the record, how each is named, and reached. */
#include <json-c/json.h>

#include "base/hash.h"
#include "event/normalise.h"
#include "incident/takedown_private.h"

static const struct type_field *field_of(const struct type *t, const char *meaning)
{
	const struct meaning *m = type_meaning(t, str_of(meaning));
	return m ? m->field : NULL;
}

static int state_of(const struct type *t, const char *meaning)
{
	const struct meaning *m = type_meaning(t, str_of(meaning));
	return m && !m->field ? (int)m->state : -1;
}

bool takedown_type_of(const struct type *t, struct takedown_type *out)
{
	*out = (struct takedown_type){ .type = t };
	if (!t || state_of(t, "takedown.asked") < 0)
		return false;
	*out = (struct takedown_type){
		.type = t,
		.url = field_of(t, "takedown.url"), .domain = field_of(t, "takedown.domain"),
		.kind = field_of(t, "takedown.kind"), .incident = field_of(t, "takedown.incident"),
		.every = field_of(t, "takedown.every"), .proof = field_of(t, "takedown.proof"),
		.seen = field_of(t, "takedown.seen"), .parties = field_of(t, "message.parties"),
		.draft = state_of(t, "takedown.draft"), .asked = state_of(t, "takedown.asked"),
		.acknowledged = state_of(t, "takedown.acknowledged"), .down = state_of(t, "takedown.down"),
		.refused = state_of(t, "takedown.refused"), .given_up = state_of(t, "takedown.given-up"),
		.relapsed = state_of(t, "takedown.relapsed"),
	};
	return out->url && out->domain && out->kind && out->parties && out->proof && out->seen && out->every &&
	       out->draft >= 0 && out->down >= 0 && out->relapsed >= 0 && out->acknowledged >= 0;
}

bool takedown_type_find(const struct types *t, struct takedown_type *out)
{
	for (size_t i = 0; i < types_count(t); i++)
		if (takedown_type_of(types_at(t, i), out))
			return true;
	return false;
}

bool takedown_is(const struct type *t)
{
	struct takedown_type found;
	return takedown_type_of(t, &found);
}

bool takedown_is_open(const struct takedown_type *t, int state)
{
	return state >= 0 && (state == t->asked || state == t->acknowledged || state == t->relapsed);
}

str takedown_target(const struct takedown_type *t, struct json_object *body)
{
	str url = json_get_str(body, t->url->name), domain = json_get_str(body, t->domain->name);
	return url.n > 0 ? url : domain.n > 0 ? domain : STR("");
}

str takedown_defanged(str target, struct arena *a)
{
	struct buf b = BUF_INIT(KIB(32));
	url_defang(&b, target);
	str out = arena_str(a, buf_str(&b));
	buf_free(&b);
	return out;
}

/* --- rows --- */

static str column(struct json_object *row, const char *name)
{
	str s = json_get_str(row, name);
	return s.p ? s : STR("");
}

/* The same as long as it is the same role of the same one. */
static str key_of(const struct takedown_party *p, struct arena *a)
{
	struct buf b = BUF_INIT(KIB(8)), hex = BUF_INIT(64);
	buf_fmt(&b, STR_FMT "\n" STR_FMT "\n" STR_FMT "\n" STR_FMT, STR_ARG(p->role), STR_ARG(p->organisation),
		STR_ARG(p->email), STR_ARG(p->form));
	struct digest d = sha256(buf_str(&b));
	hex_format(&hex, d.b, 4);
	str key = arena_fmt(a, STR_FMT "-" STR_FMT, STR_ARG(p->role), STR_ARG(buf_str(&hex)));
	buf_free(&b);
	buf_free(&hex);
	return key;
}

size_t takedown_parties(struct json_object *rows, struct arena *a, struct takedown_party *out, size_t most)
{
	size_t n = 0;
	for (size_t i = 0; i < json_count(rows) && n < most; i++) {
		struct json_object *row = json_at(rows, i);
		struct takedown_party *p = &out[n++];
		*p = (struct takedown_party){
			.role = column(row, "role"), .organisation = column(row, "organisation"),
			.name = column(row, "name"), .email = column(row, "email"), .form = column(row, "form"),
			.language = column(row, "language"), .found = column(row, "found"), .tell = column(row, "tell"),
			.answer = column(row, "answer"), .answered = column(row, "answered"), .words = column(row, "words"),
		};
		p->key = key_of(p, a);
	}
	return n;
}

/* --- how it is reached --- */

/* Their desk for abuse when they have one, else as they want to be reached. */
static str organisation_recipient(struct reader *r, const struct takedowns *t, const struct types *types,
				  str organisation, struct arena *a, const char **driver_out)
{
	int contact = -1;
	str abuse = arena_fmt(a, STR_FMT "/abuse", STR_ARG(organisation));
	if (notify_choose(t->w.notify, r, types, abuse, a, driver_out, &contact, NULL) == RC_OK && *driver_out)
		return abuse;
	if (notify_choose(t->w.notify, r, types, organisation, a, driver_out, &contact, NULL) != RC_OK)
		*driver_out = NULL;
	return arena_str(a, organisation); /* it is of rows that are freed before the message is written */
}

str takedown_recipient(struct reader *r, const struct takedowns *t, const struct types *types, str id,
		       const struct takedown_party *p, struct arena *a, const char **driver_out)
{
	*driver_out = NULL;
	if (p->organisation.n > 0)
		return organisation_recipient(r, t, types, p->organisation, a, driver_out);
	/* A form is filled in by a person, who says so: as a letter that is posted. */
	*driver_out = p->email.n > 0 ? "mail" : p->form.n > 0 ? "print" : NULL;
	return arena_fmt(a, "party:" STR_FMT "/" STR_FMT, STR_ARG(id), STR_ARG(p->key));
}

struct message takedown_message(const struct takedowns *t, str id, const char *template,
				const struct takedown_party *p, str recipient, const char *driver, int64_t round,
				struct arena *a)
{
	const char *lists = str_eq(p->role, STR("block-list")) ? ",\"lists\":true" : "";
	bool ends = str_eq(str_of(template), STR("takedown.thanks"));
	return (struct message){
		.lane = LANE_INCIDENT, .driver = str_of(driver), .recipient = recipient, .item = id,
		.template = str_of(template), .details = arena_fmt(a, "{\"round\":%lld%s}", (long long)round, lists),
		.purpose = PURPOSE_HANDLING, .policy = policies_number(t->w.policies),
		/* what is asked is withdrawn when the record is over; thanks are not */
		.maker = arena_fmt(a, "%s:" STR_FMT, ends ? "thanks" : "takedown", STR_ARG(id)), .made_at = (uint64_t)round,
	};
}

/* --- the resolver --- */

static bool takes(str recipient)
{
	return str_starts(recipient, STR("party:"));
}

static enum rc reach(const struct resolving *k, const struct takedown_party *p, struct reached *out, struct err *err)
{
	bool form = !k->driver->column;
	str address = form ? (p->form.n > 0 ? p->form : p->email) :
		      str_eq(str_of(k->driver->column), STR("email")) ? p->email : STR("");
	if (address.n == 0)
		return fail(err, RC_ABSENT, "'" STR_FMT "' has no address for %s", STR_ARG(p->key), k->driver->name);
	out->address = arena_str(k->a, address);
	out->name = arena_str(k->a, p->name.n > 0 ? p->name : p->email.n > 0 ? p->email : p->role);
	out->languages = arena_str(k->a, p->language);
	enum rc rc = told_organisation(k->r, notify_world_of(k->n)->policies, (struct uuid){ { 0 } }, false,
				       k->driver->channel, &out->to, err);
	out->to.invited = str_eq(p->tell, STR("yes"));
	return rc;
}

static enum rc find(const struct resolving *k, str recipient, struct reached *out, struct err *err)
{
	struct addressee item = { 0 };
	struct takedown_type type;
	struct takedown_party parties[TAKEDOWN_PARTIES_MOST];
	str rest = str_from(recipient, STR("party:").n), id = arena_str(k->a, str_cut(&rest, '/'));
	*out = (struct reached){ .address = STR(""), .name = STR(""), .languages = STR(""), .record = STR("") };
	enum rc rc = told_addressee(reader_conn(k->r), k->types, id, k->a, &item, err);
	if (rc != RC_OK)
		return rc;
	size_t n = takedown_type_of(item.type, &type) ?
			   takedown_parties(json_get(item.body, type.parties->name), k->a, parties, COUNT_OF(parties)) : 0;
	size_t i = 0;
	while (i < n && !str_eq(parties[i].key, rest))
		i++;
	rc = i < n ? reach(k, &parties[i], out, err) :
		     fail(err, RC_ABSENT, "'" STR_FMT "' is not among those who can take it down any more", STR_ARG(rest));
	json_free(item.body);
	return rc;
}

const struct resolver resolver_party = {
	.name = "party",
	.help = "party:takedown--UUID/KEY: one of those who can take something down, without a record of its own",
	.takes = takes,
	.find = find,
};
