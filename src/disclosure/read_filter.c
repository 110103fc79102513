/* SPDX-License-Identifier: Apache-2.0 */
/* Text of commands and URLs into conditions of a query. */
#include "disclosure/read.h"

#include "base/clock.h"
#include "event/normalise.h"

enum filter_kind { KIND_FIELD, KIND_FROM, KIND_UNTIL, KIND_REPORT, KIND_ORG };

/* All short names, and the help. Any name of fields.def and "extra.NAME" is understood too. */
static const struct filter_name {
	const char *name;
	enum filter_kind kind;
	enum field field;
} names[] = {
#define FILTER(name, kind, field, brief) { name, kind, field },
#include "disclosure/filter.def"
#undef FILTER
};

const struct filter_help filter_help[] = {
#define FILTER(name, kind, field, brief) { name, brief },
#include "disclosure/filter.def"
#undef FILTER
	{ "extra.NAME", "an extra field of the event" },
	{ "FIELD", "any field by its full name, as protocol.application=dns" },
	{ NULL, NULL },
};

static const struct filter_name *find_name(str name)
{
	for (size_t i = 0; i < COUNT_OF(names); i++)
		if (str_eq(name, str_of(names[i].name)))
			return &names[i];
	return NULL;
}

static enum rc bad_value(str name, str value, const char *wanted, struct err *err)
{
	return fail(err, RC_INPUT, STR_FMT ": '" STR_FMT "' is no %s", STR_ARG(str_head(name, 60)),
		    STR_ARG(str_head(value, 80)), wanted);
}

static enum rc add(struct filter_set *s, const struct event_filter *f, struct err *err)
{
	if (s->query.filter_count == COUNT_OF(s->list))
		return fail(err, RC_LIMIT, "at most %zu filters at once", COUNT_OF(s->list));
	s->list[s->query.filter_count++] = *f;
	s->query.filters = s->list;
	return RC_OK;
}

/* --- what is not a field --- */

static enum rc set_time(struct filter_set *s, bool from, str name, str value, struct err *err)
{
	int64_t us, ago;

	if (duration_parse(value, &ago))
		us = clock_now_us() - ago;
	else if (!time_parse(value, true, &us))
		return bad_value(name, value, "time (2026-01-31, 2026-01-31T12:00:00Z, or 2d for two days ago)", err);
	if (us < 0)
		us = 0;
	if (from) {
		s->query.from_us = us;
		if (s->query.until_us == 0)
			s->query.until_us = INT64_MAX;
	} else {
		s->query.until_us = us > 0 ? us : 1; /* 0 would mean: no end */
	}
	return RC_OK;
}

static enum rc set_report(struct filter_set *s, str name, str value, struct err *err)
{
	int64_t id;

	if (!str_to_i64(value, &id) || id <= 0)
		return bad_value(name, value, "number of a report", err);
	s->query.report = id;
	return RC_OK;
}

static enum rc set_org(struct filter_set *s, str name, str value, struct err *err)
{
	int64_t id;

	if (!str_to_i64(value, &id) || id <= 0)
		return bad_value(name, value, "number of an organisation", err);
	return add(s, &(struct event_filter){ .field = FIELD_RONDA_CONCERNS, .op = FILTER_ORG, .number = id },
		   err);
}

/* --- fields --- */

static bool can_ask(enum field_type t)
{
	return t != FT_JSON && t != FT_BASE64 && t != FT_CONCERNS && t != FT_FLOAT && t != FT_ACCURACY;
}

static bool is_text(enum field_type t)
{
	return t == FT_TEXT || t == FT_LOWER || t == FT_UPPER || t == FT_FQDN || t == FT_URL;
}

/* Letters as they are stored. */
static str fold(enum field_type t, str value, struct arena *a)
{
	char *z = arena_z(a, value);

	for (size_t i = 0; i < value.n; i++) {
		bool lower = z[i] >= 'a' && z[i] <= 'z', upper = z[i] >= 'A' && z[i] <= 'Z';

		if ((upper && (t == FT_LOWER || t == FT_FQDN)) || (lower && t == FT_UPPER))
			z[i] ^= 0x20;
	}
	return str_mem(z, value.n);
}

static void take_cell(const struct batch *b, const struct cell *c, struct arena *a,
		      struct event_filter *f)
{
	struct ip ip;

	f->op = FILTER_EQ;
	if (cell_ip(b, c, &ip)) {
		f->op = FILTER_IN_NET;
		f->net = (struct net){ .ip = ip, .bits = 128 };
	} else if (cell_net(b, c, &f->net)) {
		f->op = FILTER_EQ;
	} else if (c->kind == CELL_TEXT) {
		f->text = arena_str(a, cell_text(b, c));
	} else {
		f->number = c->i;
	}
}

/* The value takes the way of a report's, so that it is written as events are. */
static enum rc as_stored(enum field field, str value, struct arena *a, struct event_filter *f,
			 struct err *err)
{
	struct batch *b = batch_new();

	batch_row_begin(b, 1, 0, 0, 1);
	enum rc rc = event_set(b, field, value, err);
	if (rc == RC_OK && !batch_row_has(b, field))
		rc = fail(err, RC_INPUT, "%s needs a value", field_row(field)->name);
	if (rc == RC_OK)
		rc = batch_row_end(b, err);
	else
		batch_row_cancel(b);
	const struct cell *c = rc == RC_OK ? batch_find(b, &b->row[0], field) : NULL;
	if (c)
		take_cell(b, c, a, f);
	batch_free(b);
	return rc;
}

static enum rc add_field(struct filter_set *s, enum field field, str name, str value, struct arena *a,
			 struct err *err)
{
	struct event_filter f = { .field = field };
	enum field_type type = field_row(field)->type;
	bool pattern = is_text(type) && value.n > 1;
	enum tlp tlp;

	if (!can_ask(type))
		return fail(err, RC_INPUT, "events cannot be asked for by " STR_FMT, STR_ARG(name));
	if (type == FT_TLP && !tlp_parse(value, &tlp)) /* in an event it would be RED */
		return bad_value(name, value, "TLP marking", err);
	if (type == FT_IP && str_has(value, '/')) {
		if (!net_parse(value, false, &f.net))
			return bad_value(name, value, "address or network", err);
		f.op = FILTER_IN_NET;
	} else if (type == FT_FQDN && pattern && value.p[0] == '.') {
		f.op = FILTER_SUFFIX;
		f.text = fold(type, value, a);
	} else if (pattern && str_ends(value, STR("*"))) {
		f.op = FILTER_PREFIX;
		f.text = fold(type, str_head(value, value.n - 1), a);
	} else {
		enum rc rc = as_stored(field, value, a, &f, err);
		if (rc != RC_OK)
			return rc;
	}
	return add(s, &f, err);
}

static enum rc add_extra(struct filter_set *s, str name, str value, struct arena *a, struct err *err)
{
	struct event_filter f = { .field = FIELD_EXTRA, .op = FILTER_EQ };

	f.key = arena_str(a, str_from(name, 6));
	if (f.key.n == 0 || f.key.n > EXTRA_KEY_MAX)
		return fail(err, RC_INPUT, "extra.NAME needs a name");
	if (value.n > 1 && str_ends(value, STR("*"))) {
		f.op = FILTER_PREFIX;
		value = str_head(value, value.n - 1);
	}
	f.text = arena_str(a, value);
	return add(s, &f, err);
}

enum rc filter_add(struct filter_set *s, str name, str value, struct arena *a, struct err *err)
{
	enum field field;

	value = str_trim(value);
	if (value.n == 0)
		return fail(err, RC_INPUT, STR_FMT " needs a value", STR_ARG(str_head(name, 60)));
	if (value.n > KIB(8) || !str_is_plain(value))
		return fail(err, RC_INPUT, STR_FMT ": the value is no plain text of up to 8 KiB",
			    STR_ARG(str_head(name, 60)));
	if (str_starts(name, STR("extra.")))
		return add_extra(s, name, value, a, err);
	if (field_find(name, &field))
		return add_field(s, field, name, value, a, err);
	const struct filter_name *n = find_name(name);
	if (!n)
		return fail(err, RC_INPUT, "there is no filter '" STR_FMT "'", STR_ARG(str_head(name, 60)));
	switch (n->kind) {
	case KIND_FIELD:
		return add_field(s, n->field, name, value, a, err);
	case KIND_FROM:
	case KIND_UNTIL:
		return set_time(s, n->kind == KIND_FROM, name, value, err);
	case KIND_REPORT:
		return set_report(s, name, value, err);
	case KIND_ORG:
		break;
	}
	return set_org(s, name, value, err);
}
