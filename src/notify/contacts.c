/* SPDX-License-Identifier: Apache-2.0 */
#include "notify/contacts.h"

#include "base/hash.h"
#include "notify/last_resort.h"

enum { UUID_OURS = 8, LIST_PAGE = 1000 };

struct uuid contact_id(const struct key *node_secret, str email)
{
	struct key key = key_derive(node_secret, "contact of last resort");
	struct buf low = BUF_INIT(KIB(1));
	struct uuid id;
	for (size_t i = 0; i < email.n; i++)
		buf_char(&low, email.p[i] >= 'A' && email.p[i] <= 'Z' ? (char)(email.p[i] + 0x20) : email.p[i]);
	struct hash128 h = keyed_hash128_raw(&key, buf_str(&low));
	memcpy(id.b, &h.hi, 8);
	memcpy(id.b + 8, &h.lo, 8);
	id.b[6] = (uint8_t)(UUID_OURS << 4 | (id.b[6] & 15));
	id.b[8] = (uint8_t)(0x80 | (id.b[8] & 0x3f));
	buf_free(&low);
	explicit_bzero(&key, sizeof key);
	return id;
}

bool last_resort_is(const struct uuid *id)
{
	return id->b[6] >> 4 == UUID_OURS && id->b[8] >> 6 == 2;
}

str contact_object(const struct key *node_secret, str email, struct arena *a)
{
	struct uuid id = contact_id(node_secret, email);
	struct buf b = BUF_INIT(64);
	buf_add(&b, STR("contact:"));
	for (size_t i = 0; i < sizeof id.b; i++)
		buf_fmt(&b, "%02x", id.b[i]);
	str out = arena_str(a, buf_str(&b));
	buf_free(&b);
	return out;
}

/* --- who there is --- */

static str email_of(str recipient)
{
	str rest = recipient;
	(void)str_cut(&rest, ':');
	return rest;
}

static enum rc count_messages(struct conn *c, struct contact_row *row, struct err *err)
{
	struct sql *q = sql(c, "SELECT count(*), coalesce(min(made_us), 0) FROM outbox WHERE recipient = ?");
	sql_str(q, 1, row->recipient);
	if (sql_row(q)) {
		row->messages = (uint64_t)sql_col_int(q, 0);
		row->first_us = sql_col_int(q, 1);
	}
	return sql_end(q, err);
}

enum rc contacts_list(struct conn *c, const struct key *node_secret, str after, size_t limit, struct arena *a,
		      struct contact_row **out, size_t *count_out, struct err *err)
{
	struct contact_row *list = ARENA_ARRAY(a, limit + 1, struct contact_row);
	size_t n = 0;
	/* from 'address:' to behind 'contact:'; an erased one has no '@' any more */
	struct sql *q = sql(c, "SELECT recipient FROM (SELECT DISTINCT recipient FROM outbox WHERE recipient > ?1 AND"
			       " recipient < 'contact;' UNION SELECT DISTINCT recipient FROM ledger WHERE recipient > ?1 AND"
			       " recipient < 'contact;' UNION SELECT 'contact:' || email FROM tell_contact WHERE email <> ''"
			       " AND 'contact:' || email > ?1) WHERE (recipient < 'address;' OR recipient > 'contact:')"
			       " AND instr(recipient, '@') > 0 ORDER BY recipient LIMIT ?2");
	sql_str(q, 1, after.n > 0 ? after : STR("address:"));
	sql_int(q, 2, (int64_t)limit);
	while (n < limit && sql_row(q)) {
		str recipient = arena_str(a, sql_col_str(q, 0)), email = email_of(recipient);
		list[n++] = (struct contact_row){ .object = contact_object(node_secret, email, a), .email = email,
						  .recipient = recipient,
						  .last_resort = last_resort_email(recipient, &email) };
	}
	enum rc rc = sql_end(q, err);
	for (size_t i = 0; rc == RC_OK && i < n; i++)
		rc = count_messages(c, &list[i], err);
	*out = list;
	*count_out = n;
	return rc;
}

static void add_up(struct contact_row *out, const struct contact_row *one, bool first)
{
	if (first) {
		*out = *one;
		return;
	}
	if (one->first_us && (!out->first_us || one->first_us < out->first_us))
		out->first_us = one->first_us;
	out->messages += one->messages;
	out->last_resort |= one->last_resort;
}

enum rc contact_find(struct conn *c, const struct key *node_secret, str object, struct arena *a, struct contact_row *out,
		     struct err *err)
{
	struct arena *pages = arena_new(KIB(64));
	str after = STR("");
	bool found = false;
	size_t n = LIST_PAGE;
	enum rc rc = RC_OK;
	while (rc == RC_OK && n == LIST_PAGE) {
		struct contact_row *list = NULL;
		rc = contacts_list(c, node_secret, after, LIST_PAGE, pages, &list, &n, err);
		for (size_t i = 0; rc == RC_OK && i < n; i++) {
			if (!str_eq(list[i].object, object))
				continue;
			add_up(out, &list[i], !found);
			found = true;
		}
		if (rc == RC_OK && n > 0)
			after = list[n - 1].recipient;
	}
	if (found) {
		out->object = arena_str(a, out->object);
		out->recipient = arena_str(a, out->recipient);
		out->email = email_of(out->recipient);
	}
	arena_free(pages);
	return rc != RC_OK || found ? rc : fail(err, RC_ABSENT, "there is no '" STR_FMT "'", STR_ARG(str_head(object, 60)));
}
