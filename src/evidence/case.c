/* SPDX-License-Identifier: Apache-2.0 */
/* CASE 1.x (on UCO 1.x) as JSON-LD: investigation, authorizations, actions, provenance, files. */
#include "evidence/package_private.h"

static void put_ref(struct json_out *j, const char *key, str id)
{
	json_key(j, str_of(key));
	json_open(j, '{');
	json_put_str(j, "@id", id);
	json_close(j, '}');
}

static void put_typed(struct json_out *j, const char *key, const char *type, str value)
{
	json_key(j, str_of(key));
	json_open(j, '{');
	json_put_str(j, "@type", str_of(type));
	json_put_str(j, "@value", value);
	json_close(j, '}');
}

static void put_time(struct json_out *j, const char *key, int64_t us)
{
	char text[40];
	put_typed(j, key, "xsd:dateTime", time_str(text, us));
}

static void node(struct json_out *j, str id, const char *type)
{
	json_open(j, '{');
	json_put_str(j, "@id", id);
	json_put_str(j, "@type", str_of(type));
}

/* The same name in each package, ending in a UUID as UCO asks for (of a name, version 5 in its bits). */
static str kb(const struct court *c, const char *what, str id)
{
	struct digest d = sha256(arena_fmt(c->a, "%s " STR_FMT, what, STR_ARG(id)));
	struct uuid u;
	struct buf b = BUF_INIT(64);
	memcpy(u.b, d.b, sizeof(u.b));
	u.b[6] = (uint8_t)((u.b[6] & 0x0f) | 0x50);
	u.b[8] = (uint8_t)((u.b[8] & 0x3f) | 0x80);
	uuid_format(&b, &u);
	str s = arena_fmt(c->a, "kb:%s-" STR_FMT, what, STR_ARG(buf_str(&b)));
	buf_free(&b);
	return s;
}

static str action_id(const struct court *c, const struct court_exhibit *x, unsigned n)
{
	return kb(c, "action", arena_fmt(c->a, STR_FMT " %u", STR_ARG(x->id), n));
}

static void put_hash(struct json_out *j, str id, const char *method, const void *p, size_t n)
{
	struct buf hex = BUF_INIT(200);
	hex_format(&hex, p, n);
	node(j, id, "uco-types:Hash");
	put_typed(j, "uco-types:hashMethod", "uco-vocabulary:HashNameVocab", str_of(method));
	put_typed(j, "uco-types:hashValue", "xsd:hexBinary", buf_str(&hex));
	json_close(j, '}');
	buf_free(&hex);
}

static str item_id(const struct court *c, const struct court_exhibit *x, const struct court_item *i)
{
	return kb(c, "file", arena_fmt(c->a, STR_FMT " %u", STR_ARG(x->id), i->item.n));
}

static void put_item(const struct court *c, const struct court_exhibit *x, const struct court_item *i,
		     struct json_out *j)
{
	str id = item_id(c, x, i);
	node(j, id, "uco-observable:File");
	if (i->withheld.n)
		json_put_str(j, "uco-core:description", arena_fmt(c->a, "withheld: " STR_FMT, STR_ARG(i->withheld)));
	json_key(j, STR("uco-core:hasFacet"));
	json_open(j, '[');
	node(j, kb(c, "name", id), "uco-observable:FileFacet");
	json_put_str(j, "uco-observable:fileName", i->item.name);
	if (!i->withheld.n)
		json_put_str(j, "uco-observable:filePath", str_of(i->path));
	json_key(j, STR("uco-observable:sizeInBytes"));
	json_i64(j, (int64_t)i->item.bytes);
	json_close(j, '}');
	node(j, kb(c, "content", id), "uco-observable:ContentDataFacet");
	json_put_str(j, "uco-observable:mimeType", i->item.media);
	json_key(j, STR("uco-observable:hash"));
	json_open(j, '[');
	put_hash(j, kb(c, "sha256", id), "SHA256", i->item.sha256.b, 32);
	put_hash(j, kb(c, "sha512", id), "SHA512", i->item.sha512, 64);
	json_close(j, ']');
	json_close(j, '}');
	json_close(j, ']');
	json_close(j, '}');
}

static void put_authorization(const struct court *c, const struct court_exhibit *x, struct json_out *j)
{
	int64_t from = meant_time(x->t, x->body, "evidence.authority-from");
	int64_t until = meant_time(x->t, x->body, "evidence.authority-until");
	node(j, kb(c, "authorization", x->id), "case-investigation:Authorization");
	json_put_str(j, "case-investigation:authorizationType", court_text(c, x, "evidence.authority"));
	json_put_str(j, "case-investigation:authorizationIdentifier", court_text(c, x, "evidence.authority-reference"));
	str issuer = court_text(c, x, "evidence.authority-issuer");
	if (issuer.n)
		json_put_str(j, "uco-core:description", issuer);
	if (from != TIME_NONE)
		put_time(j, "uco-core:startTime", from);
	if (until != TIME_NONE)
		put_time(j, "uco-core:endTime", until + DAY_US - SECOND_US);
	json_close(j, '}');
}

static void put_provenance(const struct court *c, const struct court_exhibit *x, struct json_out *j)
{
	str root = meant_text(x->t, x->body, "evidence.derived");
	node(j, kb(c, "provenance", x->id), "case-investigation:ProvenanceRecord");
	json_put_str(j, "case-investigation:exhibitNumber", court_text(c, x, "evidence.exhibit"));
	json_put_str(j, "uco-core:description", court_name(c, x->id));
	if (root.n)
		put_ref(j, "case-investigation:wasDerivedFrom", kb(c, "provenance", root));
	/* a compilation holds something: without items, what was done */
	json_key(j, STR("uco-core:object"));
	json_open(j, '[');
	for (size_t i = 0; i < x->item_count || i == 0; i++) {
		json_open(j, '{');
		json_put_str(j, "@id", x->item_count ? item_id(c, x, &x->item[i]) : action_id(c, x, 1));
		json_close(j, '}');
	}
	json_close(j, ']');
	json_close(j, '}');
}

static void put_action(const struct court *c, const struct court_exhibit *x, const struct chain_line *l,
		       str before, struct json_out *j)
{
	struct json_object *o = NULL;
	if (!l->line.n || json_read(l->line, &o, NULL) != RC_OK)
		o = NULL;
	node(j, action_id(c, x, l->n), "case-investigation:InvestigativeAction");
	json_put_str(j, "uco-core:name", l->what);
	if (l->line.n)
		json_put_str(j, "uco-core:description", l->line);
	put_time(j, "uco-action:startTime", l->at_us);
	put_time(j, "uco-action:endTime", l->at_us);
	str by = json_get_str(o, "by");
	if (by.n)
		put_ref(j, "uco-action:performer", kb(c, "identity", by));
	if (before.n)
		put_ref(j, "case-investigation:wasInformedBy", before);
	put_ref(j, "uco-action:object", kb(c, "provenance", x->id));
	json_close(j, '}');
	json_free(o);
}

/* Each account that acted, once. */
static void put_identities(const struct court *c, struct json_out *j)
{
	str seen[256];
	size_t n = 0;
	for (size_t x = 0; x < c->count; x++)
		for (size_t i = 0; i < c->exhibit[x].line_count; i++) {
			struct json_object *o = NULL;
			if (json_read(c->exhibit[x].line[i].line, &o, NULL) != RC_OK)
				continue;
			str by = arena_str(c->a, json_get_str(o, "by"));
			bool known = !by.n || n == COUNT_OF(seen);
			json_free(o);
			for (size_t k = 0; !known && k < n; k++)
				known = str_eq(seen[k], by);
			if (known)
				continue;
			seen[n++] = by;
			node(j, kb(c, "identity", by), "uco-identity:Identity");
			json_put_str(j, "uco-core:name", court_name(c, by));
			json_close(j, '}');
		}
}

static void put_context(struct json_out *j)
{
	static const struct {
		const char *key, *iri;
	} names[] = {
		{ "kb", "urn:ronda:" },
		{ "case-investigation", "https://ontology.caseontology.org/case/investigation/" },
		{ "case-vocabulary", "https://ontology.caseontology.org/case/vocabulary/" },
		{ "uco-action", "https://ontology.unifiedcyberontology.org/uco/action/" },
		{ "uco-core", "https://ontology.unifiedcyberontology.org/uco/core/" },
		{ "uco-identity", "https://ontology.unifiedcyberontology.org/uco/identity/" },
		{ "uco-observable", "https://ontology.unifiedcyberontology.org/uco/observable/" },
		{ "uco-types", "https://ontology.unifiedcyberontology.org/uco/types/" },
		{ "uco-vocabulary", "https://ontology.unifiedcyberontology.org/uco/vocabulary/" },
		{ "xsd", "http://www.w3.org/2001/XMLSchema#" },
	};
	json_key(j, STR("@context"));
	json_open(j, '{');
	for (size_t i = 0; i < COUNT_OF(names); i++)
		json_put_str(j, names[i].key, str_of(names[i].iri));
	json_close(j, '}');
}

static void put_investigation(const struct court *c, struct json_out *j)
{
	node(j, kb(c, "investigation", c->package), "case-investigation:Investigation");
	json_put_str(j, "uco-core:name", c->package);
	json_put_str(j, "uco-core:description", c->why);
	put_typed(j, "case-investigation:investigationForm", "case-vocabulary:InvestigationFormVocab", STR("case"));
	json_key(j, STR("case-investigation:relevantAuthorization"));
	json_open(j, '[');
	for (size_t i = 0; i < c->count; i++) {
		if (!court_text(c, &c->exhibit[i], "evidence.authority").n)
			continue;
		json_open(j, '{');
		json_put_str(j, "@id", kb(c, "authorization", c->exhibit[i].id));
		json_close(j, '}');
	}
	json_close(j, ']');
	json_key(j, STR("uco-core:object"));
	json_open(j, '[');
	for (size_t i = 0; i < c->count; i++) {
		json_open(j, '{');
		json_put_str(j, "@id", kb(c, "provenance", c->exhibit[i].id));
		json_close(j, '}');
	}
	json_close(j, ']');
	json_close(j, '}');
}

void case_write(const struct court *c, struct buf *out)
{
	struct json_out j = json_out(out);
	json_open(&j, '{');
	put_context(&j);
	json_key(&j, STR("@graph"));
	json_open(&j, '[');
	put_investigation(c, &j);
	put_identities(c, &j);
	for (size_t x = 0; x < c->count; x++) {
		const struct court_exhibit *e = &c->exhibit[x];
		str before = STR("");
		if (court_text(c, e, "evidence.authority").n)
			put_authorization(c, e, &j);
		put_provenance(c, e, &j);
		for (size_t i = 0; i < e->item_count; i++)
			put_item(c, e, &e->item[i], &j);
		for (size_t i = 0; i < e->line_count; i++) {
			put_action(c, e, &e->line[i], before, &j);
			before = action_id(c, e, e->line[i].n);
		}
	}
	json_close(&j, ']');
	json_close(&j, '}');
	buf_char(out, '\n');
}
