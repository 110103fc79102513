/* SPDX-License-Identifier: Apache-2.0 */
/* The frame of what is written: who writes, each once, and what all objects have. */
#include "base/clock.h"
#include "stix/stix_private.h"

enum { SEEN_FIRST = 1024, SEEN_MOST = 1 << 20 };
#define EPOCH "2022-01-01T00:00:00.000Z"

/* Name space of what ronda makes; made once, at random. */
static const struct uuid ours = { { 0x7d, 0x0b, 0x52, 0x6e, 0x19, 0xc4, 0x4a, 0x8f, 0xb3, 0x60, 0x2a, 0x91, 0x5e,
				    0xd4, 0x77, 0x08 } };

struct uuid stix_space(str node_id)
{
	return uuid_version5(&ours, node_id);
}

/* --- writing each once --- */

static size_t place_of(const struct stix_writer *w, struct hash128 h)
{
	size_t at = (size_t)h.lo & (w->seen_room - 1);
	while ((w->seen[at].hi || w->seen[at].lo) && (w->seen[at].hi != h.hi || w->seen[at].lo != h.lo))
		at = (at + 1) & (w->seen_room - 1);
	return at;
}

/* An id ends in 16 bytes that are random or a hash themselves; what stands before makes them another. */
static struct hash128 tag_of(const char *id, unsigned more)
{
	str text = str_of(id);
	struct uuid u = { { 0 } };
	struct hash128 h = { 0, 1 + more };
	if (text.n > UUID_TEXT_BYTES && uuid_parse(str_from(text, text.n - UUID_TEXT_BYTES), &u))
		text.n -= UUID_TEXT_BYTES;
	for (size_t i = 0; i < text.n; i++)
		h.lo = h.lo * 0x100000001b3 + (unsigned char)text.p[i];
	for (size_t i = 0; i < 8; i++) {
		h.hi = h.hi << 8 | u.b[i];
		h.lo += (uint64_t)u.b[8 + i] << (8 * i);
	}
	return h;
}

/* Twice the same object does no harm, so the set is emptied before it grows without end. */
bool stix_is_new(struct stix_writer *w, const char *id, unsigned more)
{
	const struct hash128 h = tag_of(id, more);
	if (2 * w->seen_count >= w->seen_room) {
		struct hash128 *old = w->seen;
		size_t room = w->seen_room;
		w->seen_room = room >= SEEN_MOST ? SEEN_FIRST : room ? 2 * room : SEEN_FIRST;
		w->seen = x_array(w->seen_room, sizeof *w->seen);
		w->seen_count = 0;
		for (size_t i = 0; room < SEEN_MOST && i < room; i++)
			if (old[i].hi || old[i].lo) {
				w->seen[place_of(w, old[i])] = old[i];
				w->seen_count++;
			}
		free(old);
	}
	size_t at = place_of(w, h);
	if (w->seen[at].hi || w->seen[at].lo)
		return false;
	w->seen[at] = h;
	w->seen_count++;
	return true;
}

void stix_out(struct stix_writer *w, const struct buf *b, const char *id, const char *version, enum tlp tlp,
	      enum stix_part part)
{
	const struct stix_given o = { .json = buf_str(b), .id = str_of(id), .version = str_of(version), .tlp = tlp,
				      .part = part, .at = part == STIX_FRAME ? 0 : w->at++ };
	w->over = w->over || b->over;
	if (!w->stopped && !b->over)
		w->stopped = !w->give(w->ctx, &o);
}

enum rc stix_end(struct stix_writer *w, struct err *err)
{
	bool over = w->over;
	w->over = false;
	if (w->stopped)
		return fail(err, RC_CONFLICT, "nobody takes it any more");
	return over ? fail(err, RC_LIMIT, "an object is larger than %d bytes", STIX_OBJECT_MAX) : RC_OK;
}

void stix_put_mark(struct stix_writer *w, enum tlp tlp)
{
	if (!stix_is_new(w, stix_tlp_id(tlp), 0))
		return;
	struct buf b = BUF_INIT(KIB(4));
	struct json_out j = json_out(&b);
	stix_tlp_json(tlp, &j);
	stix_out(w, &b, stix_tlp_id(tlp), "", TLP_CLEAR, STIX_FRAME);
	buf_free(&b);
}

/* --- what all have --- */

void stix_time(int64_t us, char out[STIX_TIME_MAX])
{
	char at[40];
	str s = time_str(at, us);
	const str end = str_has(s, '.') ? STR("Z") : STR(".000Z");
	s = str_head(s, s.n - STR("+00:00").n);
	memcpy(out, s.p, s.n);
	memcpy(out + s.n, end.p, end.n);
	out[s.n + end.n] = '\0';
}

struct json_out stix_begin(const struct stix_writer *w, struct buf *b, const char *type, const char *id,
			   const char *created, const char *modified, enum tlp tlp)
{
	struct json_out j = json_out(b);
	json_open(&j, '{');
	json_put_str(&j, "type", str_of(type));
	json_put_str(&j, "spec_version", STR("2.1"));
	json_put_str(&j, "id", str_of(id));
	json_put_str(&j, "created_by_ref", str_of(w->identity));
	json_put_str(&j, "created", str_of(created));
	json_put_str(&j, "modified", str_of(modified));
	json_key(&j, STR("object_marking_refs"));
	json_open(&j, '[');
	json_str(&j, str_of(stix_tlp_id(tlp)));
	json_close(&j, ']');
	return j;
}

void stix_put_extension_among(struct json_out *j, struct json_object *others, const char *member, str text, str origin,
			      str item)
{
	json_key(j, STR("extensions"));
	json_open(j, '{');
	json_put_members(j, others, STIX_EXTENSION);
	json_key(j, STR(STIX_EXTENSION));
	json_open(j, '{');
	json_put_str(j, "extension_type", STR("property-extension"));
	if (origin.n > 0)
		json_put_str(j, "origin", origin);
	json_put_str(j, "item", item);
	if (member)
		json_put_str(j, member, text);
	json_close(j, '}');
	json_close(j, '}');
}

void stix_put_extension(struct json_out *j, const char *member, str text, str origin, str item)
{
	stix_put_extension_among(j, NULL, member, text, origin, item);
}

/* --- once at the start --- */

static void put_identity(struct stix_writer *w, const char *id, const char *name, const char *class)
{
	struct buf b = BUF_INIT(KIB(64));
	struct json_out j = json_out(&b);
	json_open(&j, '{');
	json_put_str(&j, "type", STR("identity"));
	json_put_str(&j, "spec_version", STR("2.1"));
	json_put_str(&j, "id", str_of(id));
	json_put_str(&j, "created", STR(EPOCH));
	json_put_str(&j, "modified", STR(EPOCH));
	json_put_str(&j, "name", str_of(name));
	json_put_str(&j, "identity_class", str_of(class));
	json_close(&j, '}');
	stix_out(w, &b, id, EPOCH, TLP_CLEAR, STIX_FRAME);
	buf_free(&b);
}

static void put_frame(struct stix_writer *w)
{
	char project[STIX_ID_MAX];
	struct buf b = BUF_INIT(KIB(64));
	stix_namer_id(w->namer, &ours, "identity", STR("ronda"), project);
	put_identity(w, project, "ronda", "system");
	put_identity(w, w->identity, w->name_text, "organization");
	struct json_out j = json_out(&b);
	json_open(&j, '{');
	json_put_str(&j, "type", STR("extension-definition"));
	json_put_str(&j, "spec_version", STR("2.1"));
	json_put_str(&j, "id", STR(STIX_EXTENSION));
	json_put_str(&j, "created_by_ref", str_of(project));
	json_put_str(&j, "created", STR(EPOCH));
	json_put_str(&j, "modified", STR("2026-11-22T00:00:00.000Z"));
	json_put_str(&j, "name", STR("ronda item"));
	json_put_str(&j, "description",
		     STR("The item whole, as JSON text: 'event' (flat, with the field names of IntelMQ), 'record' or 'answer'; "
			 "'origin' is the node it belongs to, 'item' its id there."));
	json_put_str(&j, "schema", STR("docs/stix.md of ronda"));
	json_put_str(&j, "version", STR("1.1.0"));
	json_key(&j, STR("extension_types"));
	json_open(&j, '[');
	json_str(&j, STR("property-extension"));
	json_close(&j, ']');
	json_close(&j, '}');
	stix_out(w, &b, STIX_EXTENSION, "2026-11-22T00:00:00.000Z", TLP_CLEAR, STIX_FRAME);
	buf_free(&b);
}

struct stix_writer *stix_writer_new(str node_id, str node_name, stix_give give, void *ctx)
{
	struct stix_writer *w = x_alloc(sizeof *w);
	w->text = w->canonical = w->value = (struct buf)BUF_INIT(STIX_OBJECT_MAX);
	w->a = arena_new(KIB(4));
	w->namer = stix_namer_new();
	w->give = give;
	w->ctx = ctx;
	w->name_text = x_alloc(node_name.n + 1);
	(void)str_to_z(node_name, w->name_text, node_name.n + 1);
	(void)str_to_z(node_id, w->node_text, sizeof w->node_text);
	w->space = stix_space(node_id);
	stix_namer_id(w->namer, &w->space, "identity", STR("node"), w->identity);
	put_frame(w);
	return w;
}

void stix_writer_free(struct stix_writer *w)
{
	if (!w)
		return;
	free(w->seen);
	buf_free(&w->text);
	buf_free(&w->canonical);
	buf_free(&w->value);
	arena_free(w->a);
	stix_namer_free(w->namer);
	free(w->name_text);
	free(w);
}
