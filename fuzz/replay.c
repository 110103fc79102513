/* SPDX-License-Identifier: Apache-2.0 */
/* Runs every file of a folder through one target, with any compiler: what the
 * fuzzer once found stays found. An empty input and one byte come first. */
#include <dirent.h>

#include "base/buf.h"
#include "fuzz.h"

static bool replay(const char *folder, const char *name)
{
	char path[1024], part[KIB(16)];
	struct buf b = BUF_INIT(MIB(64));
	(void)snprintf(path, sizeof(path), "%s/%s", folder, name);
	FILE *f = fopen(path, "rbe");
	if (!f)
		return false;
	for (size_t n; (n = fread(part, 1, sizeof(part), f)) > 0;)
		buf_add_mem(&b, part, n);
	(void)fclose(f);
	/* A copy of just its size, so that a sanitizer sees one byte too far. */
	uint8_t *exact = malloc(b.n ? b.n : 1);
	MUST(exact);
	if (b.n)
		memcpy(exact, b.p, b.n);
	(void)LLVMFuzzerTestOneInput(exact, b.n);
	free(exact);
	buf_free(&b);
	return true;
}

int main(int argc, char **argv)
{
	unsigned run = 0, bad = 0;
	if (argc != 2)
		return 2;
	(void)LLVMFuzzerTestOneInput((const uint8_t *)"", 0);
	(void)LLVMFuzzerTestOneInput((const uint8_t *)"0", 1);
	DIR *d = opendir(argv[1]);
	for (struct dirent *e; d && (e = readdir(d));) {
		if (e->d_name[0] == '.')
			continue;
		printf("# %s\n", e->d_name); /* said first: the one that ends us is the last line */
		(void)fflush(stdout);
		bool ok = replay(argv[1], e->d_name);
		printf("%s %u - %s\n", ok ? "ok" : "not ok", ++run, e->d_name);
		bad += !ok;
	}
	if (d)
		(void)closedir(d);
	printf("%s %u - there are inputs\n1..%u\n", run ? "ok" : "not ok", run + 1, run + 1);
	return bad || !run;
}
