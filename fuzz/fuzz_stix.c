/* SPDX-License-Identifier: Apache-2.0 */
/* What others send as STIX: whatever the bytes, objects that are slices of them or ours, events that are flat JSON. */
#include "base/clock.h"
#include "stix/stix_pattern.h"
#include "stix/stix_read.h"

#include "fuzz.h"

static void check_object(const struct stix_object *o, str envelope, struct arena *a)
{
	struct json_pair *p;
	size_t count;
	struct err err;
	MUST(o->what != STIX_BAD || o->words.n > 0);
	MUST(o->tlp <= TLP_COUNT);
	MUST(str_is_utf8(o->id) && str_is_utf8(o->type) && str_is_utf8(o->words));
	switch (o->what) {
	case STIX_OUR_EVENT:
	case STIX_OUR_RECORD:
	case STIX_OUR_ANSWER:
		MUST(json_flat(o->text, a, &p, &count, &err) == RC_OK);
		break;
	case STIX_WITHDRAWN:
		MUST(o->item.n > 0 && o->revoked);
		break;
	case STIX_BAD:
	case STIX_HELPER:
	case STIX_FOREIGN:
		MUST(o->text.p >= envelope.p && o->text.p + o->text.n <= envelope.p + envelope.n);
		break;
	}
	MUST(o->event_count == 0 || (o->what == STIX_FOREIGN && !o->revoked));
	for (size_t i = 0; i < o->event_count; i++) {
		MUST(json_flat(o->events[i], a, &p, &count, &err) == RC_OK);
		for (size_t k = 0; k < count; k++)
			MUST(p[k].kind != JSON_NEST);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *a = arena_new(KIB(16));
	str text = str_mem(data, size);
	struct stix_object *o;
	struct stix_match *m;
	size_t count;
	bool whole;
	struct err err;
	if (stix_read(text, 1000, a, &o, &count, &err) == RC_OK) {
		MUST(count <= 1000);
		for (size_t i = 0; i < count; i++)
			check_object(&o[i], text, a);
	} else {
		MUST(err.text[0]);
	}
	if (stix_pattern_read(text, a, &m, &count, &whole, &err) == RC_OK)
		MUST(count > 0 && count <= STIX_MATCHES_MOST);
	else
		MUST(err.text[0]);
	arena_free(a);
	return 0;
}
