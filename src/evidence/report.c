/* SPDX-License-Identifier: Apache-2.0 */
/* The report on paper: every exhibit, every digest, every line of custody, in one language. */
#include "evidence/package_private.h"


/* Each command must print nothing wrong and end with 0 (the fourth and fifth say so in words). */
const char package_commands[] =
	"1  sha256sum --strict --quiet -c tagmanifest-sha256.txt manifest-sha256.txt\n"
	"2  sha512sum --strict --quiet -c manifest-sha512.txt\n"
	"3  bash -c 'diff <(find . ! -type d ! -path \"./signatures/*\" | LC_ALL=C sort)"
	" <({ cut -c67- manifest-sha256.txt tagmanifest-sha256.txt; echo tagmanifest-sha256.txt; }"
	" | sed s,^,./, | LC_ALL=C sort)'\n"
	"4  openssl cms -verify -binary -inform DER -in signatures/tagmanifest.p7s -content tagmanifest-sha256.txt"
	" -CAfile signatures/signer.pem -partial_chain -no_check_time -purpose any -out /dev/null\n"
	"5  openssl ts -verify -data tagmanifest-sha256.txt -in signatures/tagmanifest.tsr -CAfile signatures/tsa.pem\n";

enum word { W_TITLE, W_NODE, W_PACKAGE, W_MADE, W_BY, W_FOR, W_WHY, W_SIGNER, W_EXHIBIT, W_STATE, W_ITEMS, W_WITHHELD,
	    W_REASON, W_BYTES, W_FILE, W_CUSTODY, W_LINE, W_CHECKS, W_CHECKS_MORE, W_GIVER, W_RECEIVER, W_CONFIRMED,
	    W_PAPER, W_WORDS, W_NONE, W_SEALED, WORDS };
static const char *const words_en[WORDS] = {
	[W_TITLE] = "Evidence and chain of custody", [W_NODE] = "Issued by", [W_PACKAGE] = "Package",
	[W_MADE] = "Made at", [W_BY] = "Made by", [W_FOR] = "For", [W_WHY] = "Reason",
	[W_SIGNER] = "SHA-256 fingerprint of the signer's certificate", [W_EXHIBIT] = "Exhibit", [W_STATE] = "State",
	[W_ITEMS] = "Items", [W_WITHHELD] = "Withheld", [W_REASON] = "Reason", [W_BYTES] = "bytes", [W_FILE] = "File",
	[W_CUSTODY] = "Chain of custody", [W_LINE] = "SHA-256 of this line", [W_CHECKS] = "How to check this package",
	[W_CHECKS_MORE] = "In the folder of the package, with stock tools alone. Then compare the digests of the covering sheet "
			  "(signatures/cover.txt, printed and signed apart) with 'sha256sum tagmanifest-sha256.txt signatures/*' "
			  "and 'openssl x509 -in signatures/signer.pem -noout -fingerprint -sha256'.",
	[W_GIVER] = "Given by", [W_RECEIVER] = "Received by", [W_CONFIRMED] = "confirmed by", [W_PAPER] = "signed paper, SHA-256",
	[W_WORDS] = "in words", [W_NONE] = "none", [W_SEALED] = "kept sealed until packed",
};
static const char *const words_id[WORDS] = {
	[W_TITLE] = "Barang bukti dan rantai penguasaan", [W_NODE] = "Dikeluarkan oleh", [W_PACKAGE] = "Paket",
	[W_MADE] = "Dibuat pada", [W_BY] = "Dibuat oleh", [W_FOR] = "Untuk", [W_WHY] = "Alasan",
	[W_SIGNER] = "Sidik jari SHA-256 sertifikat penanda tangan", [W_EXHIBIT] = "Barang bukti", [W_STATE] = "Keadaan",
	[W_ITEMS] = "Isi", [W_WITHHELD] = "Tidak disertakan", [W_REASON] = "Alasan", [W_BYTES] = "byte", [W_FILE] = "Berkas",
	[W_CUSTODY] = "Rantai penguasaan", [W_LINE] = "SHA-256 baris ini", [W_CHECKS] = "Cara memeriksa paket ini",
	[W_CHECKS_MORE] = "Di dalam folder paket, cukup dengan alat bawaan. Lalu bandingkan intisari pada lembar pengantar "
			  "(signatures/cover.txt, dicetak dan ditandatangani terpisah) dengan 'sha256sum tagmanifest-sha256.txt signatures/*' "
			  "dan 'openssl x509 -in signatures/signer.pem -noout -fingerprint -sha256'.",
	[W_GIVER] = "Diberikan oleh", [W_RECEIVER] = "Diterima oleh", [W_CONFIRMED] = "dibenarkan oleh",
	[W_PAPER] = "surat bertanda tangan, SHA-256", [W_WORDS] = "secara lisan", [W_NONE] = "tidak ada",
	[W_SEALED] = "disegel sampai dikemas",
};

/* Words of the chain's lines. */
static const struct {
	const char *name, *en, *id;
} line_words[] = {
	{ "state", "State changed", "Keadaan berubah" },
	{ "item.added", "Item put in", "Isi dimasukkan" },
	{ "item.read", "Copy taken for examination", "Salinan diambil untuk pemeriksaan" },
	{ "custody", "Custody passed", "Penguasaan berpindah" },
	{ "derived", "Exhibit derived", "Turunan dibuat" },
	{ "packing", "Being packed", "Sedang dikemas" },
	{ "packaged", "Packed and handed out", "Dikemas dan diserahkan" },
	{ "item", "Item", "Isi" },
	{ "why", "Reason", "Alasan" },
	{ "version", "Version of the entry", "Versi catatan" },
	{ "version_hash", "Hash of that version", "Hash versi itu" },
	{ "given_at", "Given at", "Diberikan pada" },
	{ "received_at", "Received at", "Diterima pada" },
	{ "purpose", "Purpose", "Tujuan" },
	{ "place", "Place", "Tempat" },
	{ "storage", "Kept in", "Disimpan di" },
	{ "shipping", "Carrier and shipping number", "Kurir dan nomor kiriman" },
	{ "from", "From", "Dari" },
	{ "to", "To", "Ke" },
	{ "how", "How", "Cara" },
	{ "package", "Package", "Paket" },
	{ "for", "For", "Untuk" },
	{ "withheld", "Items withheld", "Isi yang tidak disertakan" },
	{ "sha256", "SHA-256", "SHA-256" },
	{ "tagmanifest_sha256", "SHA-256 of its tagmanifest", "SHA-256 tagmanifest-nya" },
};

struct report {
	const struct court *c;
	const char *language;
	const char *const *w;
	bool html;
	struct buf *b;
};

static void put_text(struct report *r, str s)
{
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];
		if (!r->html)
			buf_char(r->b, c == '\n' || c == '\r' || c == '\t' ? ' ' : c);
		else if (c == '<')
			buf_add(r->b, STR("&lt;"));
		else if (c == '>')
			buf_add(r->b, STR("&gt;"));
		else if (c == '&')
			buf_add(r->b, STR("&amp;"));
		else if (c == '"')
			buf_add(r->b, STR("&quot;"));
		else
			buf_char(r->b, c);
	}
}

static void heading(struct report *r, unsigned level, str s)
{
	if (r->html)
		buf_fmt(r->b, "<h%u>", level);
	else
		buf_add(r->b, level == 1 ? STR("") : STR("\n"));
	put_text(r, s);
	if (r->html)
		buf_fmt(r->b, "</h%u>\n", level);
	else
		buf_add(r->b, level < 3 ? STR("\n==========\n") : STR("\n----------\n"));
}

static void pair(struct report *r, const char *label, str value)
{
	if (!value.n)
		return;
	buf_add(r->b, r->html ? STR("<p><b>") : STR("  "));
	put_text(r, str_of(label));
	buf_add(r->b, r->html ? STR(":</b> <span>") : STR(": "));
	put_text(r, value);
	buf_add(r->b, r->html ? STR("</span></p>\n") : STR("\n"));
}

static void pair_hex(struct report *r, const char *label, const void *p, size_t n)
{
	struct buf hex = BUF_INIT(200);
	hex_format(&hex, p, n);
	pair(r, label, buf_str(&hex));
	buf_free(&hex);
}

static const char *line_word(const struct report *r, const char *name)
{
	for (size_t i = 0; i < COUNT_OF(line_words); i++)
		if (strcmp(line_words[i].name, name) == 0)
			return strcmp(r->language, "id") == 0 ? line_words[i].id : line_words[i].en;
	return name;
}

static str choice_word(const struct report *r, const struct type_field *f, str value)
{
	for (size_t i = 0; i < f->choice_count; i++)
		if (str_eq(value, str_of(f->choices[i].name)))
			return str_of(words_in(f->choices[i].label, str_of(r->language)));
	return value;
}

/* --- an exhibit --- */

static void fields_of(struct report *r, const struct court_exhibit *x)
{
	for (size_t i = 0; i < x->t->field_count; i++) {
		const struct type_field *f = &x->t->fields[i];
		struct buf b = BUF_INIT(KIB(64));
		if (f->kind == KIND_ROWS || f->share == SHARE_SEALED)
			continue;
		record_view_text(&x->view, f, &b);
		str value = buf_str(&b);
		if (f->kind == KIND_PERSON || f->kind == KIND_REFERENCE)
			value = court_name(r->c, value);
		if (f->kind == KIND_CHOICE)
			value = choice_word(r, f, value);
		pair(r, words_in(f->label, str_of(r->language)), value);
		buf_free(&b);
	}
}

static void item_of(struct report *r, const struct court_item *i)
{
	pair(r, r->w[W_FILE], i->withheld.n ? i->item.name : str_of(i->path));
	if (i->withheld.n) {
		pair(r, r->w[W_WITHHELD], i->item.name);
		pair(r, r->w[W_REASON], i->withheld);
	}
	pair(r, r->w[W_BYTES], arena_fmt(r->c->a, "%llu", (unsigned long long)i->item.bytes));
	pair_hex(r, "SHA-256", i->item.sha256.b, sizeof(i->item.sha256.b));
	pair_hex(r, "SHA-512", i->item.sha512, sizeof(i->item.sha512));
	if (i->item.key.n)
		pair(r, r->w[W_ITEMS], str_of(r->w[W_SEALED]));
	buf_add(r->b, r->html ? STR("<hr>\n") : STR("\n"));
}

static void side_of(struct report *r, struct json_object *line, const char *key, enum word label)
{
	struct json_object *o = json_get(line, key);
	str person = json_get_str(o, "person"), name = json_get_str(o, "name");
	if (!o)
		return;
	pair(r, r->w[label], arena_fmt(r->c->a, STR_FMT ", %s " STR_FMT, STR_ARG(person.n ? court_name(r->c, person) : name),
				       r->w[W_CONFIRMED], STR_ARG(court_name(r->c, json_get_str(o, "confirmed_by")))));
	pair(r, r->w[W_WORDS], json_get_str(o, "words"));
	pair(r, r->w[W_PAPER], json_get_str(o, "paper_sha256"));
}

/* What was put in, in words. */
static bool item_in(struct report *r, const char *key, struct json_object *value)
{
	int64_t n = 0, bytes = 0;
	if (strcmp(key, "item") != 0 || !json_object_is_type(value, json_type_object))
		return false;
	(void)json_get_i64(value, "number", &n);
	(void)json_get_i64(value, "bytes", &bytes);
	pair(r, line_word(r, key), arena_fmt(r->c->a, "%lld, " STR_FMT ", %lld %s", (long long)n,
					     STR_ARG(json_get_str(value, "name")), (long long)bytes, r->w[W_BYTES]));
	pair(r, "SHA-256", json_get_str(value, "sha256"));
	pair(r, "SHA-512", json_get_str(value, "sha512"));
	return true;
}

/* What a line has besides what stands in its heading. */
static void rest_of(struct report *r, struct json_object *line)
{
	static const char *const shown[] = { "n", "previous", "exhibit", "at", "what", "by", "giver", "receiver" };
	json_object_object_foreach(line, key, value) {
		bool skip = false;
		for (size_t i = 0; i < COUNT_OF(shown); i++)
			skip = skip || strcmp(key, shown[i]) == 0;
		if (!skip && !item_in(r, key, value))
			pair(r, line_word(r, key), json_object_is_type(value, json_type_string) ?
					     json_text(value) :
					     str_of(json_object_to_json_string_ext(value, JSON_C_TO_STRING_PLAIN)));
	}
}

static void line_of(struct report *r, const struct chain_line *l)
{
	struct json_object *o = NULL;
	char at[40];
	if (l->line.n && json_read(l->line, &o, NULL) != RC_OK)
		o = NULL;
	heading(r, 3, arena_fmt(r->c->a, "%u. " STR_FMT " " STR_FMT " " STR_FMT, l->n, STR_ARG(time_str(at, l->at_us)),
				STR_ARG(str_of(line_word(r, arena_z(r->c->a, l->what)))), STR_ARG(court_name(r->c, json_get_str(o, "by")))));
	if (o) {
		side_of(r, o, "giver", W_GIVER);
		side_of(r, o, "receiver", W_RECEIVER);
		rest_of(r, o);
	}
	pair_hex(r, r->w[W_LINE], l->hash.b, sizeof(l->hash.b));
	json_free(o);
}

static void exhibit_of(struct report *r, const struct court_exhibit *x)
{
	int state = record_view_state(&x->view);
	heading(r, 2, arena_fmt(r->c->a, "%s " STR_FMT, r->w[W_EXHIBIT],
				STR_ARG(court_text(r->c, x, "evidence.exhibit"))));
	pair(r, "ID", x->id);
	pair(r, r->w[W_STATE], str_of(state >= 0 ? words_in(x->t->states[state].label, str_of(r->language)) : ""));
	fields_of(r, x);
	heading(r, 3, str_of(r->w[W_ITEMS]));
	for (size_t i = 0; i < x->item_count; i++)
		item_of(r, &x->item[i]);
	if (!x->item_count)
		pair(r, r->w[W_ITEMS], str_of(r->w[W_NONE]));
	heading(r, 2, str_of(r->w[W_CUSTODY]));
	for (size_t i = 0; i < x->line_count; i++)
		line_of(r, &x->line[i]);
}

static const char html_head[] =
	"<!doctype html>\n<html lang=\"%s\">\n<head><meta charset=\"utf-8\"><title>%s</title>\n<style>\n"
	"@page { size: A4; margin: 20mm 18mm; @bottom-right { content: counter(page) \" / \" counter(pages); } }\n"
	"body { font: 10pt/1.4 serif; max-width: 60em; margin: auto; } h1, h2, h3 { font-family: sans-serif; }\n"
	"h2 { break-after: avoid; border-top: 1px solid; } h3, p { margin: .3em 0; } span, pre { overflow-wrap: anywhere;"
	" white-space: pre-wrap; }\n</style></head>\n<body>\n";

void report_write(const struct court *c, const char *language, bool html, struct buf *out)
{
	char at[40];
	struct report r = { .c = c, .language = language, .html = html, .b = out,
			    .w = strcmp(language, "id") == 0 ? words_id : words_en };
	if (html)
		buf_fmt(out, html_head, language, r.w[W_TITLE]);
	heading(&r, 1, str_of(r.w[W_TITLE]));
	pair(&r, r.w[W_NODE], c->node);
	pair(&r, r.w[W_PACKAGE], c->package);
	pair(&r, r.w[W_MADE], time_str(at, c->now_us));
	pair(&r, r.w[W_BY], c->actor);
	pair(&r, r.w[W_FOR], c->recipient);
	pair(&r, r.w[W_WHY], c->why);
	pair(&r, r.w[W_SIGNER], str_of(c->fingerprint));
	for (size_t i = 0; i < c->count; i++)
		exhibit_of(&r, &c->exhibit[i]);
	heading(&r, 2, str_of(r.w[W_CHECKS]));
	buf_add(out, html ? STR("<pre>") : STR(""));
	for (const char *p = package_commands; *p; p++) /* lines stay lines */
		if (*p == '\n')
			buf_char(out, '\n');
		else
			put_text(&r, str_mem(p, 1));
	buf_add(out, html ? STR("</pre>\n<p>") : STR("\n"));
	put_text(&r, str_of(r.w[W_CHECKS_MORE]));
	buf_add(out, html ? STR("</p>\n</body>\n</html>\n") : STR("\n"));
}

/* --- the others --- */

void readme_write(const struct court *c, struct buf *out)
{
	buf_fmt(out, "Evidence of " STR_FMT ", package " STR_FMT "\n\n", STR_ARG(c->node), STR_ARG(c->package));
	buf_add(out, STR("This folder is a BagIt 1.0 bag (RFC 8493). data/items has the exhibits; data/custody.jsonl who had\n"
			 "them and what was done, one JSON object a line: in each exhibit \"previous\" is the SHA-256 of the line\n"
			 "before, without its newline; data/custody.en.html, .id.html and .txt are the same for people;\n"
			 "data/case.jsonld is CASE/UCO. Check it here, with nothing of ours installed:\n\n"));
	buf_add(out, str_of(package_commands));
	buf_add(out, STR("\n1 and 2: every file is as it was packed. 3 prints nothing: no file is missing, none was added\n"
			 "(signatures/ aside). 4: the list of digests was signed by the holder of the certificate in\n"
			 "signatures/signer.pem. 5: it existed at the time the token names; without signatures/tagmanifest.tsr\n"
			 "the package is not yet stamped.\n\n"
			 "What these cannot see: somebody may have put everything in signatures/ there anew, with another key.\n"
			 "So compare, with the covering sheet that came on paper:\n\n"
			 "   sha256sum tagmanifest-sha256.txt signatures/tagmanifest.p7s signatures/tagmanifest.tsr\n"
			 "   openssl x509 -in signatures/signer.pem -noout -fingerprint -sha256\n\n"
			 "A byte changed in the token's unsigned parts shows only by its digest on that sheet; the proof of\n"
			 "time still holds. Files added to signatures/ prove nothing and are not looked at.\n"));
}

void package_cover(const struct package_made *m, str tagmanifest_name, struct buf *out)
{
	(void)tagmanifest_name;
	buf_fmt(out, "Covering sheet / Lembar pengantar\n\n"
		     "SHA-256 tagmanifest-sha256.txt\n  %s\n"
		     "SHA-256 signatures/tagmanifest.p7s\n  %s\n"
		     "SHA-256 signatures/tagmanifest.tsr\n  %s\n"
		     "Certificate / Sertifikat (SHA-256)\n  %s\n\n",
		m->tagmanifest, m->signature, m->token[0] ? m->token : "not yet stamped / belum distempel waktu", m->fingerprint);
	if (m->unstamped[0])
		buf_fmt(out, "Not yet stamped / Belum distempel waktu: %s\n\n", m->unstamped);
	buf_add(out, STR("Printed, compared and signed by / Dicetak, dicocokkan dan ditandatangani oleh:\n\n"
			 "  ______________________________   ____________________\n"
			 "  name / nama                      date / tanggal\n"));
}
