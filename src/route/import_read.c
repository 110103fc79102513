/* SPDX-License-Identifier: Apache-2.0 */
/* Reads both forms of a directory file into drafts: JSON and CSV. */
#include <json-c/json.h>

#include "base/csv.h"
#include "base/json.h"
#include "route/import_private.h"

/* --- JSON --- */

static bool item_text(struct json_object *o, char number[24], str *out)
{
	*out = json_text(o);
	if (out->p)
		return true;
	if (!json_object_is_type(o, json_type_int))
		return false;
	snprintf(number, 24, "%lld", (long long)json_object_get_int64(o));
	*out = str_of(number);
	return true;
}

static void claims_of_array(struct import *im, enum scope_kind kind, const char *key,
			    struct json_object *array, bool shared)
{
	if (array && !json_object_is_type(array, json_type_array))
		import_error(im, im->line, im->now, "'%s' is no list", key);
	for (size_t i = 0; i < json_count(array); i++) {
		char number[24];
		str text;
		if (item_text(json_at(array, i), number, &text))
			import_claim(im, kind, text, shared);
		else
			import_error(im, im->line, im->now, "number %zu of '%s' is neither text nor a number",
				     i + 1, key);
	}
}

/* A key we don't know is more likely a slip of the pen than meant for others. */
static void concerned_with(struct import *im, struct json_object *o)
{
	static const struct { const char *key; enum scope_kind kind; } known[] = {
		{ "networks", SCOPE_NET }, { "asns", SCOPE_ASN },
		{ "domains", SCOPE_DOMAIN }, { "countries", SCOPE_COUNTRY },
	};
	if (!json_object_is_type(o, json_type_object))
		return;
	struct json_object_iterator it = json_object_iter_begin(o), end = json_object_iter_end(o);
	for (; !json_object_iter_equal(&it, &end); json_object_iter_next(&it)) {
		const char *key = json_object_iter_peek_name(&it);
		size_t k = 0;
		while (k < COUNT_OF(known) && strcmp(known[k].key, key) != 0)
			k++;
		if (k < COUNT_OF(known))
			claims_of_array(im, known[k].kind, key, json_object_iter_peek_value(&it), false);
		else
			import_error(im, im->line, im->now, "'%s' is none of networks, asns, domains, countries",
				     key);
	}
}

static void json_org(struct import *im, uint32_t number, struct json_object *o)
{
	if (!json_object_is_type(o, json_type_object)) {
		import_begin(im, number, STR_NONE, STR_NONE, STR_NONE);
		import_end(im, true);
		return;
	}
	import_begin(im, number, json_get_str(o, "name"), json_get_str(o, "kind"),
		     json_get_str(o, "country"));
	import_plain(im, json_get_str(o, "sector"), json_get_str(o, "timezone"));
	import_season(im, json_get_str(o, "season_from"), json_get_str(o, "season_until"));
	struct json_object *with = json_get(o, "concerned_with");
	concerned_with(im, with);
	claims_of_array(im, SCOPE_NET, "shared_address_networks", json_get(o, "shared_address_networks"),
			true);
	struct json_object *contacts = json_get(o, "contacts");
	for (size_t i = 0; i < json_count(contacts); i++) {
		struct json_object *c = json_at(contacts, i);
		import_contact(im, json_get_str(c, "role"), json_get_str(c, "email"),
			       json_get_str(c, "phone"));
	}
	import_end(im, json_get(with, "countries") != NULL);
}

enum rc import_json(struct import *im, str text, struct err *err)
{
	struct json_object *root;
	enum rc rc = json_read(text, &root, err);
	if (rc != RC_OK)
		return rc;
	struct json_object *list = json_get(root, "organisations");
	if (!json_object_is_type(list, json_type_array))
		rc = fail(err, RC_INPUT, "directory: no list 'organisations' in this JSON");
	else if (json_count(list) > IMPORT_ORGS_MAX)
		rc = fail(err, RC_LIMIT, "directory: more than %d organisations", IMPORT_ORGS_MAX);
	for (size_t i = 0; rc == RC_OK && i < json_count(list); i++)
		json_org(im, (uint32_t)i + 1, json_at(list, i));
	json_free(root);
	return rc;
}

/* --- CSV --- */

enum column {
	COL_NAME, COL_KIND, COL_COUNTRY, COL_SECTOR, COL_NETWORKS, COL_ASNS, COL_DOMAINS, COL_COUNTRIES,
	COL_EMAIL, COL_ROLE, COL_PHONE, COL_TIMEZONE, COL_FROM, COL_UNTIL, COL_SHARED, COLUMNS
};
static const char *const column_names[COLUMNS] = {
	"name", "kind", "country", "sector", "networks", "asns", "domains", "countries", "email", "role",
	"phone", "timezone", "season_from", "season_until", "shared_address",
};

struct header {
	enum column of[COLUMNS * 2];
	size_t count;
};

static enum rc read_header(const str *fields, size_t n, struct header *h, struct err *err)
{
	bool seen[COLUMNS] = { false };
	if (n > COUNT_OF(h->of))
		return fail(err, RC_INPUT, "directory: %zu columns are more than there are", n);
	for (size_t i = 0; i < n; i++) {
		size_t c = 0;
		while (c < COLUMNS && !str_eq_nocase(str_trim(fields[i]), str_of(column_names[c])))
			c++;
		if (c == COLUMNS || seen[c])
			return fail(err, RC_INPUT, "directory: column '" STR_FMT "' is %s",
				    STR_ARG(fields[i]), c == COLUMNS ? "unknown" : "there twice");
		seen[c] = true;
		h->of[i] = (enum column)c;
	}
	h->count = n;
	return seen[COL_NAME] ? RC_OK : fail(err, RC_INPUT, "directory: there is no column 'name'");
}

/* Takes the next word off *list: spaces, ';' or ',' between. */
static bool next_word(str *list, str *word)
{
	size_t i = 0, from;
	while (i < list->n && strchr(" \t\r\n;,", list->p[i]))
		i++;
	for (from = i; i < list->n && !strchr(" \t\r\n;,", list->p[i]);)
		i++;
	*word = str_mem(list->p + from, i - from);
	*list = str_from(*list, i);
	return word->n > 0;
}

static void claims_of_list(struct import *im, enum scope_kind kind, str list, bool shared)
{
	for (str word; next_word(&list, &word);)
		import_claim(im, kind, word, shared);
}

/* "yes" marks the row's networks; anything else is a list of networks of its own. */
static bool says_yes(str s)
{
	return str_eq_nocase(s, STR("yes")) || str_eq_nocase(s, STR("true")) || str_eq(s, STR("1"));
}
static bool says_no(str s)
{
	return s.n == 0 || str_eq_nocase(s, STR("no")) || str_eq_nocase(s, STR("false")) ||
	       str_eq(s, STR("0"));
}

static void csv_org(struct import *im, uint32_t line, const str v[COLUMNS])
{
	import_begin(im, line, v[COL_NAME], v[COL_KIND], v[COL_COUNTRY]);
	import_plain(im, v[COL_SECTOR], v[COL_TIMEZONE]);
	import_season(im, v[COL_FROM], v[COL_UNTIL]);
	bool yes = says_yes(v[COL_SHARED]);
	claims_of_list(im, SCOPE_NET, v[COL_NETWORKS], yes);
	if (!yes && !says_no(v[COL_SHARED]))
		claims_of_list(im, SCOPE_NET, v[COL_SHARED], true);
	claims_of_list(im, SCOPE_ASN, v[COL_ASNS], false);
	claims_of_list(im, SCOPE_DOMAIN, v[COL_DOMAINS], false);
	claims_of_list(im, SCOPE_COUNTRY, v[COL_COUNTRIES], false);
	str emails = v[COL_EMAIL];
	for (str email; next_word(&emails, &email);)
		import_contact(im, v[COL_ROLE], email, v[COL_PHONE]);
	if (v[COL_EMAIL].n == 0 && v[COL_PHONE].n)
		import_contact(im, v[COL_ROLE], STR_NONE, v[COL_PHONE]);
	import_end(im, v[COL_COUNTRIES].n != 0);
}

static enum rc csv_record(struct import *im, str record, uint32_t line, struct header *h,
			  struct err *err)
{
	str fields[COLUMNS * 2 + 1], values[COLUMNS] = { STR_NONE };
	size_t n;
	struct err why;
	if (str_trim_all(record).n == 0)
		return RC_OK;
	enum rc rc = csv_split(record, ',', '"', im->a, fields, COUNT_OF(fields), &n, &why);
	if (h->count == 0)
		return rc == RC_OK ? read_header(fields, n, h, err) :
				     fail(err, rc, "directory: line %u: %s", line, why.text);
	if (rc == RC_OK && n > h->count)
		rc = fail(&why, RC_INPUT, "%zu fields, the header has %zu", n, h->count);
	if (rc != RC_OK) {
		import_error(im, line, NULL, "%s", why.text);
		im->result->refused++;
		return RC_OK;
	}
	for (size_t i = 0; i < n; i++)
		values[h->of[i]] = str_trim_all(fields[i]);
	csv_org(im, line, values);
	return RC_OK;
}

enum rc import_csv(struct import *im, str text, struct err *err)
{
	struct header h = { .count = 0 };
	enum rc rc = RC_OK;
	uint32_t line = 1;
	size_t records = 0;
	while (rc == RC_OK && text.n) {
		size_t n = csv_frame(text, '"', true);
		str record = str_head(text, n);
		if (records++ > IMPORT_ORGS_MAX)
			return fail(err, RC_LIMIT, "directory: more than %d lines", IMPORT_ORGS_MAX);
		rc = csv_record(im, record, line, &h, err);
		for (size_t i = 0; i < n; i++)
			line += record.p[i] == '\n';
		text = str_from(text, n);
	}
	if (rc == RC_OK && h.count == 0)
		return fail(err, RC_INPUT, "directory: the file is empty");
	return rc;
}
