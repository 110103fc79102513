/* SPDX-License-Identifier: Apache-2.0 */
/* Does time tell whether there is an account? Medians of wrong sign-ins for four kinds of names:
 *   bench-login [tries]
 * Ends with 1 when two medians differ by more than 5 %. */
#include <stdlib.h>

#include "base/test_dir.h"
#include "disclosure/login.h"

enum { PEOPLE = 4 };

static int by_time(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
	return x < y ? -1 : x > y;
}

static enum rc fill(struct tx *tx, void *ctx, struct err *err)
{
	struct login *l = ctx;
	static const char *const names[] = { "known", "disabled", "without" };
	char hash[PASSWORD_HASH_SIZE];
	enum rc rc = password_hash(secrets_passwords(l->secrets), STR("kelapa muda di tepi jalan"), hash, err);
	for (size_t i = 0; rc == RC_OK && i < COUNT_OF(names); i++) {
		int64_t id = 0;
		struct account_new n = { .name = str_of(names[i]), .roles = 1, .unix_uid = -1 };
		rc = account_make(tx, l->journal, l->roles, &n, STR("bench"), &id, err);
		if (rc == RC_OK && i < 2)
			rc = account_set_password(tx, l->journal, id, str_of(hash), STR("bench"), err);
		if (rc == RC_OK && i == 1)
			rc = account_disable(tx, l->journal, id, true, STR("bench"), err);
	}
	return rc;
}

static enum rc open_all(const char *dir, struct login *l, struct roles **roles, struct err *err)
{
	enum rc rc = store_create(dir, "Bench", "ID", err);
	if (rc == RC_OK)
		rc = store_open(dir, NULL, NULL, &l->store, err);
	if (rc == RC_OK)
		rc = journal_open(l->store, &l->journal, err);
	if (rc == RC_OK)
		rc = roles_load(NULL, roles, err);
	l->roles = *roles;
	if (rc == RC_OK)
		rc = secrets_open(l->store, &l->secrets, err);
	if (rc == RC_OK)
		rc = secrets_ready(l->secrets, err);
	return rc == RC_OK ? store_write(l->store, fill, l, err) : rc;
}

int main(int argc, char **argv)
{
	static const char *const names[PEOPLE] = { "known", "disabled", "without", "nobody" };
	uint64_t tries = 200;
	struct test_dir dir = test_dir_new();
	struct login l = { .store = NULL };
	struct roles *roles = NULL;
	struct err err = { 0 };
	if (argc > 1 && (!str_to_u64(str_of(argv[1]), &tries) || tries == 0 || tries > 100000))
		return 64;
	if (hash_init(&err) != RC_OK || open_all(dir.path, &l, &roles, &err) != RC_OK) {
		fprintf(stderr, "bench-login: %s\n", err.text);
		return 1;
	}
	int64_t *took = x_array(PEOPLE * tries, sizeof(*took)), least = INT64_MAX, most = 0;
	for (size_t i = 0; i < PEOPLE * tries; i++) { /* in turn: the machine changes its mind under way */
		size_t kind = i % PEOPLE;
		struct login_result in;
		l.guard = guard_new(); /* else the eleventh is not looked at */
		int64_t begin = clock_mono_us();
		enum rc rc = login_password(&l, str_of(names[kind]), STR("not the password of anybody"), NULL, &in, NULL);
		took[kind * tries + i / PEOPLE] = clock_mono_us() - begin;
		guard_free(l.guard);
		if (rc != RC_DENIED)
			return 1;
	}
	for (size_t k = 0; k < PEOPLE; k++) {
		qsort(took + k * tries, tries, sizeof(*took), by_time);
		int64_t median = took[k * tries + tries / 2];
		least = median < least ? median : least;
		most = median > most ? median : most;
		printf("%-10s %6.2f ms\n", names[k], (double)median / 1000);
	}
	double apart = 100.0 * (double)(most - least) / (double)least;
	printf("%.1f %% apart\n", apart);
	free(took);
	secrets_close(l.secrets);
	roles_free(roles);
	journal_close(l.journal);
	store_close(l.store);
	test_dir_end(&dir);
	return apart > 5;
}
