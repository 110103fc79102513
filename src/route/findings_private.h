/* SPDX-License-Identifier: Apache-2.0 */
/* findings_private.h: what the files of the findings share.
 *
 * A tally gathers what events say, one `struct seen` per finding. A fold adds a
 * tally to the findings there are; a rebuild compares a tally of everything with
 * them; a base keeps a tally of what is forgotten. Findings stand in main.db or
 * in layers and are read through a view (finding_layer.h); they are changed in
 * jobs that check that what they were made from still stands (finding_write.h). */
#ifndef RONDA_ROUTE_FINDINGS_PRIVATE_H
#define RONDA_ROUTE_FINDINGS_PRIVATE_H

#include "route/concern_private.h"
#include "route/finding_key.h"
#include "route/findings.h"

/* --- gathering --- */

/* An event on its way to its finding; the buffers are used again. */
struct finding_event {
	struct finding_facts f; /* views into the batch */
	struct hash128 id;
	bool shared_address;
	struct buf bytes, words;
};
#define FINDING_EVENT_INIT { .bytes = BUF_INIT(MIB(2)), .words = BUF_INIT(KIB(2)) }
/* The finding a row belongs to; false when it makes none. `time_us`: where the
 * event says none. */
bool finding_id_of(const struct key *finding_key_of_node, const struct batch *b, const struct row *r,
		   int64_t time_us, struct finding_event *e);
void finding_event_free(struct finding_event *e);

struct sighting { /* what one feed saw of a finding */
	int64_t feed, first_us, last_us;
	int64_t run; /* the newest report it stood in */
};
struct sighting_link {
	struct sighting s;
	struct sighting_link *next;
};

struct seen {
	struct hash128 id;
	uint64_t events;
	int64_t first_us, last_us;
	enum tlp tlp; /* strictest */
	uint8_t confidence; /* highest; as in struct finding */
	bool exercise, shared_address;
	struct sighting_link feeds; /* at least one */
	/* of the newest event; of two at one time, the one that came later */
	uint64_t seq; /* 0: out of the base, before all others */
	int64_t feed;
	struct ip ip;
	bool has_ip;
	uint32_t asn;
	str cc, type, identifier, severity, key, sides;
};

struct tally {
	struct arena *a;
	struct seen *list;
	size_t n, room;
	uint32_t *slots; /* place + 1 */
	size_t mask;
	struct key key;
	struct conn *c;       /* asks which feed a report is of */
	int64_t report, feed; /* asked last */
	unsigned part_shift;  /* only ids whose upper bits are `part`; 64: all */
	uint64_t part;
	struct finding_event e;
	struct buf sides;
};
void tally_init(struct tally *t, struct conn *c, const struct key *secret);
void tally_free(struct tally *t);
void tally_reset(struct tally *t);
void tally_event(struct tally *t, const struct event_row *e);
/* What stands in a base. */
void tally_seen(struct tally *t, const struct seen *s);
bool tally_wants(const struct tally *t, struct hash128 id);
void tally_sort(struct tally *t); /* by id; afterwards only reading */
int id_cmp(struct hash128 a, struct hash128 b);

struct key finding_key_derive(const struct key *secret);

/* --- rows --- */

struct finding_row {
	struct hash128 id;
	enum finding_state state;
	int64_t first_us, last_us, feed, run;
	uint64_t events, returns;
	enum tlp tlp;
	bool exercise, shared_address, has_ip;
	uint32_t asn, feeds; /* feeds 1: first_us, last_us, `feed` and `run` say all */
	struct ip ip;
	str cc, type, identifier, severity, key, concerns, sides;
	uint8_t confidence;  /* as in struct finding */
	/* By feed: of several feeds all; of one only what was noted of others. In main.db
	 * these are rows of their own, which views put in here. */
	struct sighting *seen;
	uint32_t seen_count;
	uint8_t id_form; /* out of a block, unchanged: see finding_block.c; else 0 */
};

/* Columns in the order finding_row_take() reads them, from column 0. */
#define FINDING_COLUMNS                                                                   \
	"id, state, first_seen, last_seen, feed, run, events, returns, tlp, exercise, "   \
	"shared_address, asn, feeds, ip, cc, type, identifier, severity, key, concerns, sides, "  \
	"confidence"
enum { FINDING_COLUMN_COUNT = 22 };
/* Copies the words, and what feeds saw, into `a`. */
void finding_row_own(struct finding_row *f, struct arena *a);
/* As people see it; views into the row. */
void finding_of_row(const struct finding_row *f, struct finding *out);
MUST_CHECK enum rc finding_add_marks(struct conn *c, struct arena *a, struct finding *f, struct err *err);
void finding_row_take(struct sql *q, struct arena *a, struct finding_row *out);
/* RC_ABSENT without words when there is none. */
MUST_CHECK enum rc finding_row_find(struct conn *c, struct hash128 id, struct arena *a,
				    struct finding_row *out, struct err *err);
/* The row alone, whether or not one stood there. */
MUST_CHECK enum rc finding_row_put(struct conn *c, const struct finding_row *f, struct err *err);
MUST_CHECK enum rc finding_row_delete(struct conn *c, struct hash128 id, struct err *err);

MUST_CHECK enum rc sightings_load(struct conn *c, struct hash128 id, struct arena *a,
				  struct sighting **out, size_t *count_out, struct err *err);
/* Adds to what stands there. */
MUST_CHECK enum rc sighting_add(struct conn *c, struct hash128 id, const struct sighting *s,
				struct err *err);
/* Takes away what was read, not what was noted since. */
MUST_CHECK enum rc sighting_absorbed(struct conn *c, struct hash128 id, const struct sighting *s,
				     struct err *err);
/* Adds to a list that is sorted by feed; in `a` when it grows. */
void sightings_join(struct sighting **list, uint32_t *n, const struct sighting *s, struct arena *a);

/* --- transitions --- */

struct told {
	struct hash128 finding;
	uint8_t what, tlp;
	bool exercise;
};
/* Numbers and writes them: few as rows, many packed. */
MUST_CHECK enum rc transitions_add(struct tx *tx, const struct told *list, size_t n, struct err *err);
/* Rows become a pack when they are so many. */
MUST_CHECK enum rc transitions_pack(struct store *s, uint32_t many, bool *did_out, struct err *err);
/* One of a pack at a time; false: damaged. Bytes may be anything. */
typedef bool (*pack_each)(void *ctx, const struct transition_row *t);
bool pack_read(str body, uint64_t first_seq, pack_each each, void *ctx);

/* A finding as its first event makes it; concerns in `a`. */
void finding_row_of_seen(const struct seen *s, const struct directory *d, int64_t now_us,
			 struct arena *a, struct finding_row *out);
/* Whether people would call it another one. */
bool finding_row_changed(const struct finding_row *a, const struct finding_row *b);
void concerns_text(const struct directory *d, str type, str sides, int64_t now_us, struct arena *a,
		   str *out);

void id_bytes(struct hash128 id, char raw[16]);
struct hash128 id_of_bytes(str raw);

/* --- base --- */

/* Adds what stands in the base of the tally's part of all ids; stops when there
 * are more than `most`. */
MUST_CHECK enum rc base_load(struct conn *c, struct tally *t, size_t most, struct err *err);
/* First and last id of a part, as the key of a table. */
void part_bounds(const struct tally *t, char from[16], char upto[16]);

/* findings_rebuild() with at most so many findings of events in memory at once. */
MUST_CHECK enum rc findings_rebuild_by(struct store *s, const struct directory *d, size_t most,
				       bool undo, struct err *err);

/* --- background work --- */

/* From how many on rows, neighbouring layers and rows of transitions are made one. */
struct tend_sizes {
	uint32_t rows, layers, transitions;
};
extern const struct tend_sizes tend_sizes_default;
MUST_CHECK enum rc findings_tend_by(struct store *s, const struct tend_sizes *by, bool *did_out,
				    struct err *err);

/* --- cursors --- */

/* "fold": newest event folded. "base": newest event in the base. "findings":
 * raised whenever rows change in another way than by the fold. "run:FEED":
 * newest complete run seen. "teller:NAME". 0 when absent. */
MUST_CHECK enum rc cursor_get(struct conn *c, str name, int64_t *out, struct err *err);
MUST_CHECK enum rc cursor_set(struct conn *c, str name, int64_t seq, struct err *err);
MUST_CHECK enum rc findings_disturbed(struct tx *tx, struct err *err); /* raises "findings" */

/* All events behind `after`, up to `upto` (0: all), for which `each` is called;
 * damage is an error only when `strict`. */
MUST_CHECK enum rc findings_scan(struct reader *r, uint64_t after, uint64_t upto, bool oldest_first,
				 bool strict, event_each each, void *ctx, struct err *err);

/* --- gone --- */

/* What each feed saw, also where the row itself tells it. */
void sightings_of(const struct finding_row *f, struct sighting *alone, const struct sighting **out,
		  size_t *count_out);

/* Newest complete run of each feed, as the cursors say. */
struct runs {
	struct sighting *list; /* feed and run */
	size_t n;
};
MUST_CHECK enum rc runs_load(struct conn *c, struct arena *a, struct runs *out, struct err *err);
/* True when a feed that lists all there is does not list it any more, and no
 * other feed has seen it since. */
bool is_gone(const struct runs *runs, const struct sighting *list, size_t n);

#endif
