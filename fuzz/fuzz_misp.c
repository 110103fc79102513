/* SPDX-License-Identifier: Apache-2.0 */
/* A MISP event of others: whatever the bytes, lines that are flat JSON, marked no looser than what was asked. */
#include "exchange/misp_event.h"

#include "fuzz.h"

struct given {
	struct arena *a;
	size_t count;
};

static bool keep(void *ctx, str line)
{
	struct given *g = ctx;
	struct json_pair *p;
	size_t count;
	bool marked = false;
	MUST(json_flat(line, g->a, &p, &count, NULL) == RC_OK);
	for (size_t i = 0; i < count; i++) {
		enum tlp t;
		MUST(p[i].kind == JSON_STRING);
		if (str_eq(p[i].key, STR("tlp")))
			marked = tlp_parse(p[i].value, &t);
	}
	MUST(marked);
	g->count++;
	return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct misp_marking mark = { TLP_AMBER, size % 2 != 0 };
	struct arena *a = arena_new(KIB(16));
	struct given g = { .a = a };
	struct json_object *o = NULL;
	struct misp_heard h;
	struct err err;
	if (json_read(str_mem(data, size), &o, NULL) == RC_OK) {
		if (misp_read_event(o, &mark, a, keep, &g, &h, &err) == RC_OK) {
			MUST(g.count <= h.events);
			MUST(h.deleted_id_count == 0 || h.deleted > 0);
			for (size_t i = 0; i < h.deleted_id_count; i++) {
				struct uuid u;
				MUST(uuid_parse(h.deleted_ids[i], &u));
			}
		} else {
			MUST(err.text[0] && g.count == 0);
		}
	}
	json_free(o);
	arena_free(a);
	return 0;
}
