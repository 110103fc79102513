/* SPDX-License-Identifier: Apache-2.0 */
#include "exchange/misp_client.h"
#include "exchange/exchange_private.h"
#include "exchange/misp_sync.h"

enum { FOUND_MOST = 1000, WORD_MOST = 500 };

static str word(struct arena *a, struct json_object *o, const char *key)
{
	return arena_str(a, str_head(json_get_str(o, key), WORD_MOST));
}

static int64_t seconds_of(struct json_object *o)
{
	int64_t v = 0;
	str s = json_get_str(o, "timestamp");
	if (!(s.p ? str_to_i64(s, &v) : json_get_i64(o, "timestamp", &v)) || v < 0 || v > INT64_MAX / SECOND_US)
		return 0;
	return v * SECOND_US;
}

static struct misp_found found_of(struct json_object *o, struct arena *a)
{
	struct json_object *event = json_get(o, "Event"), *tags = json_get(o, "Tag");
	struct buf all = BUF_INIT(KIB(4));
	bool ids = false;
	for (size_t i = 0; i < json_count(tags) && i < 50; i++) {
		if (i > 0)
			buf_char(&all, ' ');
		buf_add(&all, str_head(json_get_str(json_at(tags, i), "name"), 100));
	}
	struct misp_found f = { .event = word(a, event, "uuid"), .info = word(a, event, "info"), .type = word(a, o, "type"),
				.category = word(a, o, "category"), .value = word(a, o, "value"), .uuid = word(a, o, "uuid"),
				.tags = arena_str(a, buf_str(&all)), .at_us = seconds_of(o),
				.ids = json_get_bool(o, "to_ids", &ids) && ids };
	buf_free(&all);
	return f;
}

enum rc misp_search(struct exchange *x, const struct partner *p, str value, struct arena *a, struct misp_found **out,
		    size_t *count_out, struct err *err)
{
	struct buf body = BUF_INIT(KIB(16));
	struct json_out j = json_out(&body);
	struct json_object *o = NULL;
	struct misp_server s;
	*count_out = 0;
	enum rc rc = misp_partner_open(x, p, &s, err);
	if (rc != RC_OK)
		return rc;
	json_open(&j, '{');
	json_put_str(&j, "returnFormat", STR("json"));
	json_put_str(&j, "value", value);
	json_put_i64(&j, "limit", FOUND_MOST);
	json_put_bool(&j, "includeEventUuid", true);
	json_put_bool(&j, "includeEventTags", true);
	json_close(&j, '}');
	rc = misp_ask(&s, STR("/attributes/restSearch.json"), buf_str(&body), a, &o, err);
	struct json_object *list = json_get(json_get(o, "response"), "Attribute");
	*out = ARENA_ARRAY(a, FOUND_MOST, struct misp_found);
	for (size_t i = 0; rc == RC_OK && i < json_count(list) && i < FOUND_MOST; i++)
		(*out)[(*count_out)++] = found_of(json_at(list, i), a);
	json_free(o);
	misp_server_close(&s);
	buf_free(&body);
	return rc;
}

enum rc misp_version(struct exchange *x, const struct partner *p, struct arena *a, str *out, struct err *err)
{
	struct json_object *o = NULL;
	struct misp_server s;
	enum rc rc = misp_partner_open(x, p, &s, err);
	if (rc != RC_OK)
		return rc;
	rc = misp_ask(&s, STR("/servers/getVersion"), STR_NONE, a, &o, err);
	if (rc == RC_OK)
		*out = word(a, o, "version");
	json_free(o);
	misp_server_close(&s);
	return rc;
}

enum rc misp_sight(struct exchange *x, const struct partner *p, str attribute_uuid, enum misp_sighting what,
		   struct err *err)
{
	struct buf body = BUF_INIT(KIB(4));
	struct json_out j = json_out(&body);
	struct arena *a = arena_new(KIB(4));
	struct json_object *o = NULL;
	struct misp_server s;
	struct uuid u;
	enum rc rc = uuid_parse(attribute_uuid, &u) ? misp_partner_open(x, p, &s, err) :
		fail(err, RC_INPUT, "'" STR_FMT "' is no uuid", STR_ARG(attribute_uuid));
	if (rc == RC_OK) {
		json_open(&j, '{');
		json_put_str(&j, "uuid", attribute_uuid);
		json_put_str(&j, "type", what == MISP_SEEN ? STR("0") : what == MISP_FALSE_POSITIVE ? STR("1") : STR("2"));
		json_put_str(&j, "source", store_node_name(x->w.store));
		json_close(&j, '}');
		rc = misp_ask(&s, STR("/sightings/add"), buf_str(&body), a, &o, err);
		misp_server_close(&s);
	}
	json_free(o);
	arena_free(a);
	buf_free(&body);
	return rc;
}
