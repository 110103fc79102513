/* SPDX-License-Identifier: Apache-2.0 */
/* Labels of a record, and ids: what is read is written so that it is read the same again; and
 * nothing that is not understood makes them looser. */
#include "record/record.h"

#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *a = arena_new(KIB(16));
	struct labels_of one, again;
	struct err err;
	str text = str_mem(data, size), type;
	struct uuid id;
	if (labels_parse(text, a, &one, &err) == RC_OK) {
		MUST(one.tlp <= TLP_COUNT && one.pap <= PAP_COUNT);
		MUST(one.named_count <= RECORD_NAMED_MAX && one.audience_count <= RECORD_AUDIENCE_MAX);
		MUST(labels_parse(one.json, a, &again, &err) == RC_OK);
		MUST(str_eq(again.json, one.json));
		MUST(again.tlp == one.tlp && again.pap == one.pap);
		MUST(again.exercise == one.exercise && again.held == one.held);
		MUST(again.named_count == one.named_count && again.audience_count == one.audience_count);
		MUST(str_eq(again.classification, one.classification) && str_eq(again.licence, one.licence));
	} else {
		MUST(err.text[0]);
	}
	if (record_id_parse(text, &type, &id)) {
		struct buf b = BUF_INIT(RECORD_ID_BYTES);
		str type_again;
		struct uuid id_again;
		record_id_format(&b, type, &id);
		MUST(!b.over && record_id_parse(buf_str(&b), &type_again, &id_again));
		MUST(str_eq(type, type_again) && uuid_equal(&id, &id_again));
		buf_free(&b);
	}
	arena_free(a);
	return 0;
}
