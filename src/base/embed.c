/* SPDX-License-Identifier: Apache-2.0 */
/* embed: writes a C file that holds other files as arrays, at build time.
 *
 *   embed OUT.c HEADER STRUCT ARRAY FILE...
 *
 * HEADER declares `struct STRUCT { const char *name, *p; size_t n; }`, the ARRAY of
 * them and `STRUCT_count`. A file is found again by its name without folders. */
#include <stdio.h>
#include <string.h>

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');
	return slash ? slash + 1 : path;
}

static int write_bytes(FILE *out, const char *path, int number)
{
	FILE *in = fopen(path, "rb");
	if (!in) {
		perror(path);
		return 1;
	}
	fprintf(out, "static const unsigned char file_%d[] = {", number);
	int c;
	long n = 0;
	while ((c = getc(in)) != EOF)
		fprintf(out, "%s%d,", n++ % 24 == 0 ? "\n\t" : "", c);
	fprintf(out, "%s0\n};\n", n % 24 == 0 ? "\n\t" : "");
	int bad = ferror(in);
	fclose(in);
	return bad;
}

int main(int argc, char **argv)
{
	FILE *out = argc > 5 ? fopen(argv[1], "wb") : NULL;
	if (!out) {
		fprintf(stderr, "embed: give an output, a header, a struct, an array and files\n");
		return 1;
	}
	fprintf(out, "/* made by embed from the files it names */\n#include \"%s\"\n\n", argv[2]);
	int bad = 0;
	for (int i = 5; i < argc; i++)
		bad |= write_bytes(out, argv[i], i);
	fprintf(out, "const struct %s %s[] = {\n", argv[3], argv[4]);
	for (int i = 5; i < argc; i++)
		fprintf(out, "\t{ \"%s\", (const char *)file_%d, sizeof(file_%d) - 1 },\n",
			base_name(argv[i]), i, i);
	fprintf(out, "};\nconst size_t %s_count = sizeof(%s) / sizeof(%s[0]);\n", argv[3], argv[4],
		argv[4]);
	bad |= ferror(out);
	return fclose(out) != 0 || bad;
}
