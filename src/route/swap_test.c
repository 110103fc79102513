/* SPDX-License-Identifier: Apache-2.0 */
/* The table is swapped while others ask it: every answer is one table's, never of two, and the newest
 * soon. Also run under a thread sanitizer. */
#include "base/hash.h"
#include "base/snapshot.h"
#include "base/test.h"
#include "route/directory_private.h"

#include <pthread.h>
#include <stdatomic.h>

enum { NETS = 2000, ASKERS = 3, SWAPS = 60 };

struct world {
	struct snapshot *table;
	atomic_bool over;
	atomic_uint wrong, asked, seen_last;
};

static void free_table(void *table)
{
	directory_free(table);
}

/* In table `version` every network, name and number is of organisation `version`. */
static struct directory *table_of(uint64_t version)
{
	static char values[NETS][3][32]; /* written once, before there are threads */
	struct scope_row *rows = x_array(3 * NETS, sizeof(*rows));
	struct org o = { .id = (int64_t)version, .name = STR("one") };
	struct directory *d = NULL;
	struct err err;
	for (size_t i = 0; i < NETS; i++) {
		if (version == 1) {
			snprintf(values[i][0], 32, "198.18.%zu.%zu/32", i / 256, i % 256);
			snprintf(values[i][1], 32, "n%zu.example", i);
			snprintf(values[i][2], 32, "%zu", 64500 + i);
		}
		for (size_t k = 0; k < 3; k++)
			rows[3 * i + k] = (struct scope_row){
				.org = o.id, .value = str_of(values[i][k]),
				.kind = k == 0 ? SCOPE_NET : k == 1 ? SCOPE_DOMAIN : SCOPE_ASN };
	}
	if (directory_make(&o, 1, rows, 3 * NETS, version, &d, &err) != RC_OK)
		d = NULL;
	free(rows);
	return d;
}

static bool answers(const struct directory *d, size_t i)
{
	char name[40];
	struct ip ip = { { [10] = 0xff, [11] = 0xff, [12] = 198, [13] = 18, [14] = (uint8_t)(i / 256),
			   [15] = (uint8_t)(i % 256) } };
	struct match m[3];
	snprintf(name, sizeof(name), "www.n%zu.example", i);
	size_t n = directory_match_ip(d, &ip, 1, m, 1);
	n += n == 1 ? directory_match_domain(d, str_of(name), 1, m + 1, 1) : 0;
	n += n == 2 ? directory_match_asn(d, 64500 + (uint32_t)i, 1, m + 2, 1) : 0;
	int64_t want = (int64_t)directory_version(d);
	return n == 3 && m[0].org == want && m[1].org == want && m[2].org == want &&
	       directory_org(d, want) != NULL && directory_org(d, want + 1) == NULL;
}

static void *ask(void *arg)
{
	struct world *w = arg;
	uint64_t before = 0;
	for (size_t i = 0; !atomic_load(&w->over); i++) {
		struct snapshot_ref *ref = snapshot_hold(w->table);
		const struct directory *d = snapshot_table(ref);
		uint64_t version = directory_version(d);
		for (size_t k = 0; k < 50; k++)
			if (!answers(d, (i * 50 + k) % NETS))
				atomic_fetch_add(&w->wrong, 1);
		if (version < before) /* an older one never comes back */
			atomic_fetch_add(&w->wrong, 1);
		if (version == SWAPS)
			atomic_fetch_add(&w->seen_last, 1);
		before = version;
		snapshot_drop(w->table, ref);
		atomic_fetch_add(&w->asked, 50);
	}
	return NULL;
}

TEST(swapped_under_load)
{
	struct world w = { .table = snapshot_new(free_table) };
	pthread_t askers[ASKERS];
	snapshot_swap(w.table, table_of(1));
	for (size_t i = 0; i < ASKERS; i++)
		CHECK(pthread_create(&askers[i], NULL, ask, &w) == 0);
	for (uint64_t v = 2; v <= SWAPS; v++)
		snapshot_swap(w.table, table_of(v));
	while (atomic_load(&w.seen_last) < ASKERS)
		(void)sched_yield();
	atomic_store(&w.over, true);
	for (size_t i = 0; i < ASKERS; i++)
		pthread_join(askers[i], NULL);
	CHECK_INT(atomic_load(&w.wrong), 0);
	printf("# %u asked while %d tables were swapped\n", atomic_load(&w.asked), SWAPS);
	snapshot_free(w.table);
}

TEST_MAIN(TEST_RUN(swapped_under_load))
