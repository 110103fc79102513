/* SPDX-License-Identifier: Apache-2.0 */
/* The memory of a batch, and the table of its extra keys. */
#include "event/batch_private.h"

#include <sodium.h>

#include "base/hash.h"

enum { KEY_SLOTS = 2 * BATCH_KEYS };

static size_t up64(size_t n)
{
	return (n + 63) & ~(size_t)63;
}

void batch_lay(struct batch *b, void *area)
{
	unsigned char *p = area;
	b->row = (struct row *)p;
	p += up64(BATCH_ROWS * sizeof(struct row));
	b->cell = (struct cell *)p;
	p += up64(BATCH_CELLS * sizeof(struct cell));
	b->key = (struct key_ref *)p;
	p += up64(BATCH_KEYS * sizeof(struct key_ref));
	b->reject = (struct rejected *)p;
	p += up64(BATCH_REJECTS * sizeof(struct rejected));
	b->text = p;
}

size_t batch_area_bytes(void)
{
	return up64(BATCH_ROWS * sizeof(struct row)) + up64(BATCH_CELLS * sizeof(struct cell)) +
	       up64(BATCH_KEYS * sizeof(struct key_ref)) +
	       up64(BATCH_REJECTS * sizeof(struct rejected)) + BATCH_TEXT;
}

void batch_attach(struct batch *b, void *area)
{
	*b = (struct batch){0};
	batch_lay(b, area);
	b->key_slots = x_array(KEY_SLOTS, sizeof(*b->key_slots));
	b->key_head = x_array(BATCH_KEYS, sizeof(*b->key_head));
	b->spare = x_array(BATCH_ROWS, sizeof(*b->spare));
	b->slot_seed = random_u64();
}

void batch_detach(struct batch *b)
{
	free(b->key_slots);
	free(b->key_head);
	free(b->spare);
	*b = (struct batch){0};
}

struct batch *batch_new(void)
{
	struct batch *b = x_alloc(sizeof(*b));
	/* calloc gives fresh pages of a large block: what is not used costs nothing. */
	void *area = x_alloc(batch_area_bytes());
	batch_attach(b, area);
	b->owned = area;
	return b;
}

void batch_free(struct batch *b)
{
	if (!b)
		return;
	void *area = b->owned;
	batch_detach(b);
	free(area);
	free(b);
}

void batch_reset(struct batch *b)
{
	if (b->c.keys)
		memset(b->key_slots, 0, KEY_SLOTS * sizeof(*b->key_slots));
	b->c = b->input_start = (struct batch_counts){0};
	b->open = b->failed = false;
}

bool batch_full(const struct batch *b)
{
	const struct batch_counts *c = &b->c;
	size_t spare = BATCH_SPARE_CELLS * ((size_t)c->rows + INPUT_ROWS_MAX);
	return c->rows + INPUT_ROWS_MAX > BATCH_ROWS || c->rejects >= BATCH_REJECTS ||
	       c->keys + EVENT_CELLS_MAX > BATCH_KEYS ||
	       c->cells + INPUT_CELLS_MAX + spare > BATCH_CELLS ||
	       c->text + INPUT_TEXT_MAX + EVENT_CELLS_MAX * EXTRA_KEY_MAX + REJECT_BYTES_MAX +
			       KIB(1) >
		       BATCH_TEXT;
}

/* --- extra keys --- */

static size_t key_slot(const struct batch *b, str key)
{
	unsigned char seed[crypto_shorthash_KEYBYTES] = {0}, hash[crypto_shorthash_BYTES];
	uint64_t h;
	memcpy(seed, &b->slot_seed, sizeof(b->slot_seed));
	crypto_shorthash(hash, (const unsigned char *)key.p, key.n, seed);
	memcpy(&h, hash, sizeof(h));
	return (size_t)(h % KEY_SLOTS);
}

/* The slot that holds `key`, or the empty one where it belongs. */
static uint16_t *key_find(const struct batch *b, str key)
{
	size_t slot = key_slot(b, key);
	while (b->key_slots[slot] && !str_eq(batch_key(b, (uint16_t)(b->key_slots[slot] - 1)), key))
		slot = (slot + 1) % KEY_SLOTS;
	return &b->key_slots[slot];
}

static uint64_t head_of(str key)
{
	uint64_t head = 0;
	for (size_t i = 0; i < 8; i++)
		head = head << 8 | (i < key.n ? (unsigned char)key.p[i] : 0);
	return head;
}

bool batch_key_index(struct batch *b, uint32_t index)
{
	str key = batch_key(b, (uint16_t)index);
	uint16_t *slot = key_find(b, key);
	if (*slot)
		return false;
	*slot = (uint16_t)(index + 1);
	b->key_head[index] = head_of(key);
	return true;
}

bool batch_key_add(struct batch *b, str key, uint16_t *out)
{
	uint16_t *slot = key_find(b, key);
	if (!*slot) {
		uint32_t n = b->c.keys;
		if (n == BATCH_KEYS || key.n > BATCH_TEXT - b->c.text)
			return false;
		b->key[n] = (struct key_ref){.at = b->c.text, .n = (uint32_t)key.n};
		memcpy(b->text + b->c.text, key.p, key.n);
		b->c.text += key.n;
		b->key_head[n] = head_of(key);
		b->c.keys++;
		*slot = (uint16_t)(n + 1);
	}
	*out = (uint16_t)(*slot - 1);
	return true;
}

/* In the reverse of their order nothing that was put in later can stand behind
 * the emptied slot. */
void batch_keys_forget(struct batch *b, uint32_t down_to)
{
	while (b->c.keys > down_to) {
		*key_find(b, batch_key(b, (uint16_t)(b->c.keys - 1))) = 0;
		b->c.keys--;
	}
}
