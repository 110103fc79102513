/* SPDX-License-Identifier: Apache-2.0 */
/* batch.h: up to 4,096 events, flat, without a pointer inside.
 *
 * A batch lives in one block of memory (a shared area in the parser child, an
 * ordinary block in the node): rows, cells, extra keys, rejects and a text
 * area, each at a fixed place, all references are offsets. So it can be copied
 * as it is, and a copy can be checked (batch_check) before it is believed.
 *
 * Writing: batch_row_begin(), then batch_set_*() in any order, then
 * batch_row_end(), which sorts the cells by (field, key) and refuses doubles;
 * or batch_row_cancel(). One thread at a time. */
#ifndef RONDA_EVENT_BATCH_H
#define RONDA_EVENT_BATCH_H

#include "base/arena.h"
#include "event/fields.h"

enum {
	BATCH_ROWS = 4096,
	BATCH_REJECTS = 4096,
	BATCH_CELLS = 1 << 18,
	BATCH_KEYS = 4096,
	EVENT_CELLS_MAX = 1000, /* fields of one event, extra.* among them */
	INPUT_ROWS_MAX = 64,    /* events one record may make */
	INPUT_CELLS_MAX = 4096, /* and the fields of all of them */
	EXTRA_KEY_MAX = 255,    /* bytes of the name of an extra field */
	REJECT_BYTES_MAX = 64 << 10,
	BATCH_SPARE_CELLS = 16  /* room a checked copy keeps behind each row for batch_amend */
};
#define INPUT_TEXT_MAX (2 * RECORD_MAX) /* text of all events of one record */
#define BATCH_TEXT ((uint32_t)MIB(16))
#define RECORD_MAX MIB(4) /* bytes of one record of a report */

enum cell_kind {
	CELL_INT,   /* i: also TLP (enum tlp), ASN, port */
	CELL_FLOAT, /* f: finite */
	CELL_BOOL,  /* i: 0 or 1 */
	CELL_TIME,  /* i: microseconds since 1970 UTC */
	CELL_TEXT,  /* n bytes of valid UTF-8 without NUL at `at` */
	CELL_JSON,  /* n bytes of JSON text at `at` (array, object, long number) */
	CELL_IP,    /* 16 bytes at `at` */
	CELL_NET,   /* 17 bytes at `at`: address, bits */
	CELL_KINDS
};

struct cell {
	uint8_t field; /* enum field */
	uint8_t kind;  /* enum cell_kind */
	uint16_t key;  /* FIELD_EXTRA: index into keys; else 0 */
	uint32_t n;    /* bytes at `at`; 0 for numbers */
	union {
		int64_t i;
		double f;
		uint64_t at; /* offset into text */
	};
};

struct row {
	uint64_t input;      /* which record of the report, from 1; rows of one input follow each other */
	uint64_t raw_offset; /* of that record in the unpacked report */
	uint32_t raw_bytes;
	uint32_t line;       /* from 1; UINT32_MAX when further down */
	uint32_t first_cell, cells;
};

enum reject { /* why a record was quarantined: never renumber, they are stored */
	REJECT_SYNTAX = 1,  /* not of its format */
	REJECT_FIELD = 2,   /* a required value is missing or wrong */
	REJECT_LIMIT = 3,   /* over a limit */
	REJECT_TEXT = 4,    /* no valid UTF-8 */
	REJECT_TIMEOUT = 5, /* took longer than a record may */
	REJECT_CRASH = 6,   /* the parser died on it twice */
	REJECT_PACKING = 7, /* the packing is broken: the rest of the entry is lost to us */
	REJECT_FORMAT = 8   /* no format claims these bytes */
};
const char *reject_name(enum reject r);

struct rejected {
	uint64_t input;
	uint64_t raw_offset;
	uint32_t raw_bytes, line;
	uint32_t reason;           /* enum reject */
	uint32_t words_n;          /* a sentence for people, in text */
	uint64_t words_at;
	uint64_t bytes_at;         /* the record itself, in text, cut at 64 KiB */
	uint32_t bytes_n;
	uint32_t spare;
};

struct key_ref {
	uint64_t at; /* name of an extra key, without "extra.", in text */
	uint32_t n;
	uint32_t spare;
};

struct batch_counts {
	uint64_t inputs;      /* records seen: = accepted + repeats + quarantined + dropped + blank */
	uint64_t quarantined; /* >= rejects held here */
	uint64_t dropped;     /* records of the format that state no event, as "127.0.0.1 localhost" */
	uint64_t blank;       /* empty lines and comments */
	uint64_t next_offset; /* all records before this place are in this batch or earlier ones */
	uint64_t next_input;
	uint32_t rows, cells, keys, rejects;
	uint64_t text;
};

struct batch {
	struct batch_counts c;
	struct row *row;       /* BATCH_ROWS */
	struct cell *cell;     /* BATCH_CELLS */
	struct key_ref *key;   /* BATCH_KEYS */
	struct rejected *reject;
	unsigned char *text;   /* BATCH_TEXT */
	/* writer's own, outside the area */
	uint16_t *key_slots;   /* hash table of keys */
	uint64_t *key_head;    /* first eight bytes of each key, for sorting */
	uint8_t *spare;        /* of each row: free cells behind it */
	void *owned;           /* the area, when batch_new() made it */
	uint64_t slot_seed;
	bool open;             /* between row_begin and row_end */
	bool failed;           /* a set broke a rule: row_end gives fail_rc and fail_words */
	bool fail_twice;       /* the words are the name of a field that came twice */
	enum rc fail_rc;
	const char *fail_words;
	uint64_t has[2];       /* a bit for each field of the open row */
	uint32_t next_key;     /* the key that followed the last one the row before */
	uint64_t mark_text;
	uint32_t mark_keys;
	struct batch_counts input_start; /* as it was before the first row of this input */
};

/* Bytes of memory a batch needs. */
size_t batch_area_bytes(void);
/* Lays a batch over `area` (at least batch_area_bytes(), 64-aligned). */
void batch_attach(struct batch *b, void *area);
void batch_detach(struct batch *b); /* frees only the writer's own */
struct batch *batch_new(void);      /* with memory of its own */
void batch_free(struct batch *b);
void batch_reset(struct batch *b);

/* True when no further record of the largest kind (INPUT_* above, and its
 * reject) is sure to fit: give the batch away first. */
bool batch_full(const struct batch *b);

void batch_row_begin(struct batch *b, uint64_t input, uint64_t raw_offset, uint32_t raw_bytes,
		     uint32_t line);
/* Values as they will be stored; strings are copied. `key` only for FIELD_EXTRA.
 * Text that is no UTF-8 or holds a NUL, a time outside 1970..2261, a float that
 * is not finite, and a value over a limit fail the row, as row_end says. */
void batch_set_int(struct batch *b, enum field f, str key, int64_t v);
void batch_set_float(struct batch *b, enum field f, str key, double v);
void batch_set_bool(struct batch *b, enum field f, str key, bool v);
void batch_set_time(struct batch *b, enum field f, int64_t us);
void batch_set_text(struct batch *b, enum field f, str key, str v); /* CELL_TEXT */
void batch_set_json(struct batch *b, enum field f, str key, str v); /* CELL_JSON, valid JSON */
void batch_set_ip(struct batch *b, enum field f, const struct ip *ip);
void batch_set_net(struct batch *b, enum field f, const struct net *net);
/* RC_OK; RC_LIMIT too many cells; RC_INPUT a field twice, bad text: then the row is gone. */
MUST_CHECK enum rc batch_row_end(struct batch *b, struct err *err);
void batch_row_cancel(struct batch *b);
/* True while the open row has a value for f. */
bool batch_row_has(const struct batch *b, enum field f);
bool batch_row_has_extra(const struct batch *b, str key);
/* True while the open row has any value (or failed trying). */
bool batch_row_begun(const struct batch *b);

/* Adds one quarantined record (not between begin and end). Counts it even when
 * there is no room left to hold its bytes. Rows that this input made already
 * are taken back: a record is accepted whole or not at all. */
void batch_reject(struct batch *b, enum reject reason, uint64_t input, uint64_t raw_offset,
		  str record, uint32_t line, const char *fmt, ...) PRINTF_LIKE(7, 8);

/* Reading. NULL when the row has none. Cells of a row are sorted
 * by field, extra ones by the bytes of their names. */
const struct cell *batch_find(const struct batch *b, const struct row *r, enum field f);
const struct cell *batch_find_extra(const struct batch *b, const struct row *r, str key);
str cell_text(const struct batch *b, const struct cell *c); /* the bytes of TEXT, JSON, IP, NET */
bool cell_ip(const struct batch *b, const struct cell *c, struct ip *out);
bool cell_net(const struct batch *b, const struct cell *c, struct net *out);
str batch_key(const struct batch *b, uint16_t key);
/* The name with dots as on the wire ("source.ip", "extra.tag"), in `a`. */
str cell_name(const struct batch *b, const struct cell *c, struct arena *a);
/* The value as text for people and CSV (times, addresses written out). Cells are
 * reached through rows only: the space between rows holds nothing of meaning. */
void cell_format(const struct batch *b, const struct cell *c, struct buf *out);

/* Adds a cell to a finished row, replacing one of the same field: used by the
 * node for what it adds itself (enrich, route, labels). The cells of the row
 * move to the end of the cell array when they do not fit in place. RC_LIMIT
 * when the batch has no room. */
MUST_CHECK enum rc batch_amend(struct batch *b, uint32_t row, const struct cell *value, str bytes);

/* The index of an extra key, added when new; false when there is no room. */
bool batch_key_add(struct batch *b, str key, uint16_t *out);

/* Copies what is used of a foreign batch (`area` may change under us): counts
 * are those the child sent over its socket. Then checks the copy: every
 * offset, kind, enum, key, length, UTF-8, time range, order, and that the counts
 * add up. RC_INPUT names the first thing wrong: the child is then not believed
 * any more, and `to` is empty. */
MUST_CHECK enum rc batch_copy_checked(struct batch *to, const void *area,
				      const struct batch_counts *counts, struct err *err);

/* One whole event as IntelMQ's flat JSON object, one line, no newline. */
struct json_out;
void batch_row_json(const struct batch *b, const struct row *r, struct json_out *j);

#endif
