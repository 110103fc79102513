/* SPDX-License-Identifier: Apache-2.0 */
/* package_private.h: what the files that make a package share. */
#ifndef RONDA_EVIDENCE_PACKAGE_PRIVATE_H
#define RONDA_EVIDENCE_PACKAGE_PRIVATE_H

#include "evidence/evidence_private.h"
#include "evidence/package.h"

struct court_item {
	struct item item;
	char path[PACKAGE_PATH];   /* in the package */
	str withheld;              /* why it is not in it; "" it is */
};
struct court_exhibit {
	struct record_view view;
	const struct type *t;
	str id;
	struct json_object *body;
	struct court_item *item; size_t item_count;
	struct chain_line *line; size_t line_count;
};
struct court {
	struct reader *r;
	const struct types *types;
	const struct viewer *v;
	struct arena *a;
	str node, package;         /* names of both */
	int64_t now_us;
	str recipient, why, actor;
	char fingerprint[100];     /* of the signer's certificate */
	struct court_exhibit *exhibit; size_t count;
};

/* "Lead A (account:1)": of an account or a person the viewer may see; else as given. */
str court_name(const struct court *c, str actor);
/* One field as text, by its meaning; "" none. */
str court_text(const struct court *c, const struct court_exhibit *x, const char *meaning);
/* The commands that check a package, one a line, numbered; both languages have the same. */
extern const char package_commands[];
void readme_write(const struct court *c, struct buf *out);
/* The custody report; `language` "en" or "id". */
void report_write(const struct court *c, const char *language, bool html, struct buf *out);
/* CASE 1.x on UCO, as JSON-LD. */
void case_write(const struct court *c, struct buf *out);

#endif
