/* SPDX-License-Identifier: Apache-2.0 */
#include "directory/rfc2350.h"

#include <json-c/json.h>

#include "base/clock.h"

enum { LINE = 78, INDENT = 4 };
#define NOT_SAID "Not stated."

struct writing {
	const struct type *t;
	struct json_object *body;
	struct buf *out;
};

static const struct type_field *field_of(const struct type *t, const char *word)
{
	const struct meaning *m = type_meaning(t, str_of(word));
	return m ? m->field : NULL;
}

static struct json_object *value_of(const struct writing *w, const char *word)
{
	const struct type_field *f = field_of(w->t, word);
	return f ? json_get(w->body, f->name) : NULL;
}

static void chapter(struct writing *w, const char *title)
{
	buf_fmt(w->out, "\n%s\n", title);
}

static void section(struct writing *w, const char *title)
{
	buf_fmt(w->out, "\n%s\n\n", title);
}

/* One paragraph, wrapped between words. */
static void paragraph(struct writing *w, str text)
{
	size_t column = 0;
	while (text.n) {
		str word = str_cut(&text, ' ');
		if (!word.n)
			continue;
		if (column && column + 1 + word.n > LINE) {
			buf_char(w->out, '\n');
			column = 0;
		}
		if (!column)
			buf_fmt(w->out, "%*s", INDENT, "");
		else
			buf_char(w->out, ' ');
		buf_add(w->out, word);
		column = (column ? column + 1 : INDENT) + word.n;
	}
	buf_char(w->out, '\n');
}

static void paragraphs(struct writing *w, str text)
{
	str line;
	if (!str_trim_all(text).n)
		paragraph(w, STR(NOT_SAID));
	while (str_line(&text, &line))
		if (str_trim_all(line).n)
			paragraph(w, str_trim_all(line));
}

static void said(struct writing *w, const char *word)
{
	str text = json_text(value_of(w, word));
	paragraphs(w, text.n ? text : STR(""));
}

/* A line of each contact that has this column: "role: value". */
static void of_contacts(struct writing *w, const char *column, const char *beside)
{
	struct json_object *list = value_of(w, "organisation.contacts");
	bool any = false;
	for (size_t i = 0; i < json_count(list); i++) {
		struct json_object *o = json_at(list, i);
		str value = json_get_str(o, column), role = json_get_str(o, "role"), more = json_get_str(o, beside);
		if (!value.n)
			continue;
		any = true;
		buf_fmt(w->out, "%*s" STR_FMT "%s" STR_FMT "%s" STR_FMT "%s\n", INDENT, "", STR_ARG(role),
			role.n ? ": " : "", STR_ARG(value), more.n ? " (" : "", STR_ARG(more.n ? more : STR("")),
			more.n ? ")" : "");
	}
	if (!any)
		paragraph(w, STR(NOT_SAID));
}

static void of_claims(struct writing *w)
{
	struct json_object *list = value_of(w, "organisation.claims");
	for (size_t i = 0; i < json_count(list); i++) {
		struct json_object *o = json_at(list, i);
		str until = json_get_str(o, "until");
		buf_fmt(w->out, "%*s" STR_FMT " " STR_FMT "%s" STR_FMT "\n", INDENT, "",
			STR_ARG(json_get_str(o, "kind")), STR_ARG(json_get_str(o, "value")),
			until.n ? ", until " : "", STR_ARG(until.n ? until : STR("")));
	}
	if (!json_count(list))
		paragraph(w, STR(NOT_SAID));
}

static void of_list(struct writing *w, const char *word)
{
	struct json_object *list = value_of(w, word);
	for (size_t i = 0; i < json_count(list); i++)
		buf_fmt(w->out, "%*s" STR_FMT "\n", INDENT, "", STR_ARG(json_text(json_at(list, i))));
	if (!json_count(list))
		paragraph(w, STR(NOT_SAID));
}

static void about_document(struct writing *w, const struct record_view *v)
{
	char day[16];
	chapter(w, "1. About this document");
	section(w, "1.1 Date of last update");
	paragraph(w, time_day_str(day, v->record->changed_us));
	section(w, "1.2 Distribution list for notifications");
	paragraph(w, STR("Changes are not announced by a list of their own; ask the address under 2.7."));
	section(w, "1.3 Where it may be found");
	said(w, "organisation.website");
}

static void contact_information(struct writing *w)
{
	chapter(w, "2. Contact information");
	section(w, "2.1 Name of the team");
	said(w, "organisation.name");
	if (json_count(value_of(w, "organisation.other-names"))) {
		paragraph(w, STR("Also known as:"));
		of_list(w, "organisation.other-names");
	}
	section(w, "2.2 Address");
	said(w, "organisation.address");
	section(w, "2.3 Time zone");
	said(w, "organisation.timezone");
	section(w, "2.4 Telephone number");
	of_contacts(w, "phone", "hours");
	section(w, "2.5 Facsimile number");
	paragraph(w, STR("None."));
	section(w, "2.6 Other telecommunication");
	of_contacts(w, "webhook", "channel");
	section(w, "2.7 Electronic mail address");
	of_contacts(w, "email", "languages");
	section(w, "2.8 Public keys and encryption");
	of_contacts(w, "key", "key_until");
	section(w, "2.9 Team members");
	paragraph(w, STR("Members are not named here."));
	section(w, "2.10 Other information");
	said(w, "organisation.website");
	section(w, "2.11 Points of contact and hours");
	of_contacts(w, "hours", "channel");
	paragraph(w, STR("Languages:"));
	of_list(w, "organisation.languages");
}

static void charter(struct writing *w)
{
	chapter(w, "3. Charter");
	section(w, "3.1 Mission");
	said(w, "organisation.mission");
	section(w, "3.2 Constituency");
	of_claims(w);
	section(w, "3.3 Sponsorship and affiliation");
	of_list(w, "organisation.external");
	section(w, "3.4 Authority");
	said(w, "organisation.authority");
}

static void policies(struct writing *w)
{
	chapter(w, "4. Policies");
	section(w, "4.1 Types of incidents and level of support");
	paragraph(w, STR("Incidents are classed by the Reference Security Incident Taxonomy; the level of support "
			 "follows from their severity."));
	section(w, "4.2 Co-operation and disclosure of information");
	paragraph(w, STR("Information is marked and handled by the Traffic Light Protocol, version 2.0. What is "
			 "received is passed on only as its marking, and an agreement where one is needed, allow."));
	section(w, "4.3 Communication and authentication");
	paragraph(w, STR("Unencrypted mail is enough for what is not sensitive. For all else the keys under 2.8 are "
			 "used."));
	chapter(w, "5. Services");
	section(w, "5.1 What is offered");
	said(w, "organisation.services");
	chapter(w, "6. Forms for reporting incidents");
	section(w, "6.1 What to send");
	paragraph(w, STR("No form is needed. Say what happened, when and in which time zone, the addresses and ports "
			 "concerned, and whom else you told."));
	chapter(w, "7. Disclaimer");
	section(w, "7.1 No warranty");
	paragraph(w, STR("Care was taken in writing this, but nobody answers for errors, omissions or what follows "
			 "from using it."));
}

enum rc rfc2350_write(const struct record_view *v, int64_t now_us, struct buf *out, struct err *err)
{
	struct writing w = { .t = record_view_type(v), .body = v->body, .out = out };
	char day[16];
	if (!w.t || !field_of(w.t, "organisation.name"))
		return fail(err, RC_INPUT, "this is no organisation");
	buf_fmt(out, STR_FMT ": description after RFC 2350\nMade on " STR_FMT " from its record, version %llu.\n",
		STR_ARG(json_text(value_of(&w, "organisation.name"))), STR_ARG(time_day_str(day, now_us)),
		(unsigned long long)record_view_version(v));
	about_document(&w, v);
	contact_information(&w);
	charter(&w);
	policies(&w);
	return RC_OK;
}
