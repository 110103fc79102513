/* SPDX-License-Identifier: Apache-2.0 */
#include "web/outside.h"

#include <json-c/json.h>

enum { NONCE_BYTES = 16, FINDINGS_TEXT = 64 << 10, LABEL_MAX = 16 };

static const struct { const char *name, *en, *id; } words[] = {
	{ "skip", "Skip to the content", "Langsung ke isi" },
	{ "language", "Language", "Bahasa" },
	{ "demo", "made-up reports; nothing leaves this machine", "laporan karangan; tidak ada yang keluar dari mesin ini" },
	{ "times", "Times are UTC.", "Waktu dalam UTC." },
	{ "what_told", "What we told you", "Yang kami sampaikan" },
	{ "told_at", "Told", "Disampaikan" },
	{ "concerns", "What it concerns", "Yang bersangkutan" },
	{ "what", "What", "Apa" },
	{ "kind", "Kind", "Jenis" },
	{ "severity", "Severity", "Tingkat" },
	{ "first_seen", "First seen", "Pertama terlihat" },
	{ "last_seen", "Last seen", "Terakhir terlihat" },
	{ "state", "State", "Keadaan" },
	{ "open", "open", "terbuka" },
	{ "gone", "gone", "hilang" },
	{ "returned", "came back", "muncul lagi" },
	{ "more", "more are in the table", "lagi ada di tabel" },
	{ "table", "All of it as a table (CSV)", "Semuanya sebagai tabel (CSV)" },
	{ "left_out", "Some of it may not be shown any more.", "Sebagian tidak boleh ditampilkan lagi." },
	{ "answer", "Your answer", "Jawaban Anda" },
	{ "which", "For which of it", "Untuk yang mana" },
	{ "which_hint", "Tick none, and the answer is for all of it.", "Tanpa tanda centang, jawaban berlaku untuk semuanya." },
	{ "words", "Words", "Keterangan" },
	{ "words_hint", "What was done, or what you want to know; at most 2000 letters.",
	  "Apa yang sudah dilakukan, atau yang ingin Anda tanyakan; paling banyak 2000 huruf." },
	{ "by", "Your name, if you like", "Nama Anda, bila berkenan" },
	{ "file", "A file, if you like (at most 1 MiB)", "Berkas, bila perlu (paling besar 1 MiB)" },
	{ "send", "Send the answer", "Kirim jawaban" },
	{ "answered", "Answered so far", "Jawaban sejauh ini" },
	{ "thanks", "Thank you. Your answer is with us.", "Terima kasih. Jawaban Anda sudah kami terima." },
	{ "nobody", "No account is needed. Whoever has this link can read this page and answer: pass it on only to those who see to it.",
	  "Tidak perlu akun. Siapa pun yang memegang tautan ini dapat membaca halaman ini dan menjawab: teruskan hanya kepada yang menanganinya." },
	{ "absent_title", "This link opens nothing", "Tautan ini tidak membuka apa pun" },
	{ "absent", "It is mistyped, or too old. Answer the message itself, or write to us.",
	  "Tautannya salah ketik, atau sudah terlalu lama. Balas saja pesannya, atau tulis kepada kami." },
	{ "often", "Too many wrong tries from this address; wait ten minutes.",
	  "Terlalu banyak percobaan yang salah dari alamat ini; tunggu sepuluh menit." },
	{ "rehearsal", "REHEARSAL: this message was never sent to you. Nothing can be answered here, and nothing is changed.",
	  "GLADI: pesan ini tidak pernah dikirim kepada Anda. Di sini tidak ada yang dapat dijawab, dan tidak ada yang berubah." },
	{ "withdrawn", "This message was withdrawn. Nothing needs to be done.",
	  "Pesan ini sudah ditarik kembali. Tidak ada yang perlu dilakukan." },
	{ "gone_text", "What this message was about may not be shown any more. You can still answer it.",
	  "Isi pesan ini tidak boleh ditampilkan lagi. Anda tetap dapat menjawabnya." },
	{ "exercise", "EXERCISE - EXERCISE", "LATIHAN - LATIHAN" },
	{ "k_working", "We are working on it", "Sedang kami tangani" },
	{ "k_fixed", "It is fixed", "Sudah diperbaiki" },
	{ "k_not-ours", "It is not ours", "Bukan milik kami" },
	{ "k_false", "The report is false", "Laporan ini keliru" },
	{ "k_question", "We have a question", "Kami ingin bertanya" },
	{ "k_received", "Received; we see to it", "Sudah kami terima dan kami tindak lanjuti" },
	{ "e_kind", "Say what your answer is.", "Pilih jawaban Anda." },
	{ "e_question", "A question needs words.", "Pertanyaan perlu keterangan." },
	{ "e_long", "The words are too long.", "Keterangannya terlalu panjang." },
	{ "e_file", "The file is larger than 1 MiB.", "Berkasnya lebih besar dari 1 MiB." },
	{ "e_other", "This could not be taken:", "Ini tidak dapat diterima:" },
	{ "from_us", "from", "dari" },
	{ "portal", "Portal", "Portal" },
	{ "p_home", "Overview", "Ringkasan" },
	{ "p_findings", "Findings", "Temuan" },
	{ "p_messages", "Messages", "Pesan" },
	{ "p_organisation", "Organisation", "Organisasi" },
	{ "p_account", "Account", "Akun" },
	{ "p_out", "Sign out", "Keluar" },
	{ "p_none", "Nothing.", "Tidak ada." },
	{ "p_open", "open findings", "temuan terbuka" },
	{ "p_waiting", "messages not read yet", "pesan belum dibaca" },
	{ "p_unanswered", "messages not answered", "pesan belum dijawab" },
	{ "p_events", "Events", "Kejadian" },
	{ "p_returns", "Came back", "Muncul lagi" },
	{ "p_times", "times", "kali" },
	{ "p_shared", "Many people use this address.", "Alamat ini dipakai banyak orang." },
	{ "p_told", "What we told you about it", "Yang kami sampaikan tentangnya" },
	{ "p_not_told", "We have not told you about it yet.", "Kami belum memberi tahu Anda tentang hal ini." },
	{ "p_read", "Read it", "Baca" },
	{ "p_unread", "not read yet", "belum dibaca" },
	{ "p_message", "Message", "Pesan" },
	{ "p_date", "Date", "Tanggal" },
	{ "p_way", "Way", "Jalur" },
	{ "p_answer_to", "Answer", "Jawab" },
	{ "p_ranges", "Your ranges and domains", "Jaringan dan domain Anda" },
	{ "p_claims", "Claims", "Klaim" },
	{ "p_contacts", "Your contacts", "Kontak Anda" },
	{ "p_confirmed", "confirmed", "dipastikan" },
	{ "p_facts", "What we know of you", "Yang kami ketahui tentang Anda" },
	{ "p_wrong", "Something is wrong or has changed?", "Ada yang keliru atau berubah?" },
	{ "p_wrong_hint", "Write what is to be changed: a contact, a range, a name. One of our team confirms it before anything changes.",
	  "Tulis apa yang perlu diubah: kontak, jaringan, nama. Seorang dari tim kami memastikannya sebelum ada yang berubah." },
	{ "p_propose", "Propose the change", "Usulkan perubahan" },
	{ "p_proposed", "Thank you. One of our team will see to it.", "Terima kasih. Seorang dari tim kami akan menindaklanjutinya." },
	{ "p_warnings", "Warnings", "Peringatan" },
	{ "p_incidents", "Your incidents", "Insiden Anda" },
	{ "p_next", "Next", "Berikutnya" },
	{ "p_all", "All", "Semua" },
	{ "p_export", "Take it along:", "Bawa pulang:" },
	{ "p_claim_waits", "said to be fixed; not seen since", "dinyatakan sudah diperbaiki; belum terlihat lagi" },
	{ "p_claim_came-back", "said to be fixed, and seen again afterwards", "dinyatakan sudah diperbaiki, lalu terlihat lagi" },
	{ "p_claim_confirmed", "said to be fixed, and gone since", "dinyatakan sudah diperbaiki, dan memang hilang" },
};
static const struct { const char *code, *name; } languages[] = {
	{ "en", "English" }, { "id", "Bahasa Indonesia" },
};

static bool is_id(str language)
{
	return str_eq(language, STR("id"));
}

static str known(str language)
{
	for (size_t i = 0; i < COUNT_OF(languages); i++)
		if (str_eq_nocase(language, str_of(languages[i].code)))
			return str_of(languages[i].code);
	return STR_NONE;
}

str outside_language(struct page *p, str theirs)
{
	str chosen = known(http_query(p->q, "lang"));
	while (!chosen.p && theirs.n > 0)
		chosen = known(str_cut(&theirs, ' '));
	if (!chosen.p)
		chosen = known(p->language);
	return chosen.p ? chosen : STR("en");
}

str outside_word(str language, const char *name)
{
	for (size_t i = 0; i < COUNT_OF(words); i++)
		if (str_eq(str_of(words[i].name), str_of(name)))
			return str_of(is_id(language) ? words[i].id : words[i].en);
	return STR("");
}

void outside_put_frame(struct page *p, str language)
{
	json_put_str(&p->j, "lang", language);
	if (p->form != FORM_HTML)
		return;
	json_key(&p->j, STR("w"));
	json_open(&p->j, '{');
	for (size_t i = 0; i < COUNT_OF(words); i++)
		json_put_str(&p->j, words[i].name, str_of(is_id(language) ? words[i].id : words[i].en));
	json_close(&p->j, '}');
	json_key(&p->j, STR("languages"));
	json_open(&p->j, '[');
	for (size_t i = 0; i < COUNT_OF(languages); i++) {
		json_open(&p->j, '{');
		json_put_str(&p->j, "code", str_of(languages[i].code));
		json_put_str(&p->j, "name", str_of(languages[i].name));
		json_put_str(&p->j, "href", arena_fmt(p->a, "?lang=%s", languages[i].code));
		json_put_bool(&p->j, "current", str_eq(language, str_of(languages[i].code)));
		json_close(&p->j, '}');
	}
	json_close(&p->j, ']');
}

static str kind_label(str language, enum answer_kind kind, bool about_findings)
{
	char name[LABEL_MAX];
	snprintf(name, sizeof name, "k_%s", answer_kind_name(kind));
	return outside_word(language, kind == ANSWER_WORKING && !about_findings ? "k_received" : name);
}

void outside_put_kinds(struct page *p, str language, bool about_findings, str chosen)
{
	json_key(&p->j, STR("kinds"));
	json_open(&p->j, '[');
	for (int k = ANSWER_WORKING; k <= ANSWER_QUESTION; k++) {
		str name = str_of(answer_kind_name((enum answer_kind)k));
		json_open(&p->j, '{');
		json_put_str(&p->j, "name", name);
		json_put_str(&p->j, "label", kind_label(language, (enum answer_kind)k, about_findings));
		json_put_bool(&p->j, "chosen", str_eq(name, chosen));
		json_close(&p->j, '}');
	}
	json_close(&p->j, ']');
}

void outside_put_answers(struct page *p, str language, const struct answer_row *list, size_t count)
{
	json_key(&p->j, STR("answers"));
	json_open(&p->j, '[');
	for (size_t i = 0; i < count; i++) {
		json_open(&p->j, '{');
		json_put_i64(&p->j, "id", list[i].id);
		json_put_time(&p->j, "at", list[i].at_us);
		json_put_str(&p->j, "kind", str_of(answer_kind_name(list[i].kind)));
		json_put_str(&p->j, "label", kind_label(language, list[i].kind, list[i].findings > 0));
		json_put_str(&p->j, "words", list[i].words);
		json_put_str(&p->j, "by", list[i].by);
		json_put_i64(&p->j, "findings", (int64_t)list[i].findings);
		if (list[i].has_file)
			json_put_str(&p->j, "file_name", list[i].file_name.n ? list[i].file_name : STR("file"));
		json_close(&p->j, '}');
	}
	json_close(&p->j, ']');
}

static void put_text(struct page *p, struct json_object *o, const char *name)
{
	str s = json_get_str(o, name);
	json_put_str(&p->j, name, s.p ? s : STR(""));
}

void outside_put_covers(struct page *p, str language, struct json_object *data, size_t limit)
{
	static const char *const shown[] = { "id", "key", "type", "identifier", "severity", "first_seen", "last_seen", "state" };
	struct json_object *list = json_get(data, "covers"), *one = json_get(data, "finding");
	size_t count = json_count(list);
	int64_t all = 0;
	(void)json_get_i64(data, "cover_count", &all);
	if (count == 0 && one)
		all = 1;
	json_key(&p->j, STR("covers"));
	json_open(&p->j, '[');
	for (size_t i = 0; i < (count == 0 && one ? 1 : count) && i < limit; i++) {
		struct json_object *o = count ? json_at(list, i) : one;
		json_open(&p->j, '{');
		for (size_t k = 0; k < COUNT_OF(shown); k++)
			put_text(p, o, shown[k]);
		json_put_str(&p->j, "state_label", outside_word(language, arena_z(p->a, json_get_str(o, "state"))));
		json_close(&p->j, '}');
	}
	json_close(&p->j, ']');
	json_put_i64(&p->j, "cover_count", all);
	json_put_bool(&p->j, "choosable", all > 1);
	if ((size_t)all > limit)
		json_put_i64(&p->j, "covers_more", all - (int64_t)limit);
}

/* --- the form --- */

void outside_put_nonce(struct page *p)
{
	uint8_t bytes[NONCE_BYTES];
	struct buf hex = BUF_INIT(2 * NONCE_BYTES + 1);
	random_bytes(bytes, sizeof bytes);
	hex_format(&hex, bytes, sizeof bytes);
	json_put_str(&p->j, "nonce", buf_str(&hex));
	buf_free(&hex);
}

struct gathering {
	struct buf ids;
};

static void gather(void *ctx, str name, str value)
{
	struct gathering *g = ctx;
	if (str_eq(name, STR("finding")))
		buf_fmt(&g->ids, "%s" STR_FMT, g->ids.n ? " " : "", STR_ARG(str_trim(value)));
}

/* Forms end lines by CR LF (WHATWG HTML, form submission); ours by LF. */
static str unix_lines(struct page *p, str text)
{
	struct buf b = BUF_INIT(KIB(64));
	for (size_t i = 0; i < text.n; i++)
		if (text.p[i] != '\r')
			buf_char(&b, text.p[i]);
	str out = arena_str(p->a, str_trim_all(buf_str(&b)));
	buf_free(&b);
	return out;
}

static void take_file(struct page *p, struct answer_new *out)
{
	for (size_t i = 0; i < p->part_count; i++)
		if (str_eq(p->parts[i].name, STR("file")) && p->parts[i].value.n > 0) {
			out->file = p->parts[i].value;
			out->file_name = p->parts[i].file_name.p ? p->parts[i].file_name : STR("file");
		}
}

static void take_form(struct page *p, struct answer_new *out, str *kind)
{
	struct gathering g = { .ids = BUF_INIT(FINDINGS_TEXT) };
	page_form_each(p, gather, &g);
	out->findings = arena_str(p->a, buf_str(&g.ids));
	buf_free(&g.ids);
	*kind = str_trim(page_form(p, "kind"));
	out->words = unix_lines(p, page_form(p, "words"));
	out->by = str_trim(page_form(p, "by"));
	out->key = str_trim(page_form(p, "nonce"));
	take_file(p, out);
}

static enum rc take_json(struct page *p, struct answer_new *out, str *kind, struct err *err)
{
	struct json_object *o = NULL, *list;
	struct buf ids = BUF_INIT(FINDINGS_TEXT);
	enum rc rc = json_read(p->body, &o, err);
	if (rc != RC_OK)
		return rc;
	list = json_get(o, "findings");
	for (size_t i = 0; i < json_count(list); i++)
		buf_fmt(&ids, "%s" STR_FMT, i ? " " : "", STR_ARG(json_text(json_at(list, i))));
	out->findings = arena_str(p->a, buf_str(&ids));
	*kind = arena_str(p->a, json_get_str(o, "kind"));
	out->words = arena_str(p->a, json_get_str(o, "words"));
	out->by = arena_str(p->a, json_get_str(o, "by"));
	out->key = arena_str(p->a, json_get_str(o, "key"));
	buf_free(&ids);
	json_free(o);
	return RC_OK;
}

/* A program that says no key: the same answer twice is one. */
static str key_of(struct page *p, const struct answer_new *q)
{
	struct buf b = BUF_INIT(KIB(128)), hex = BUF_INIT(80);
	buf_fmt(&b, "%d\n" STR_FMT "\n" STR_FMT "\n" STR_FMT, (int)q->kind, STR_ARG(q->findings), STR_ARG(q->words),
		STR_ARG(q->by));
	struct digest d = sha256(buf_str(&b));
	hex_format(&hex, d.b, NONCE_BYTES);
	str key = arena_str(p->a, buf_str(&hex));
	buf_free(&b);
	buf_free(&hex);
	return key;
}

static enum rc wrong(struct page *p, str language, const char *word, struct err *err)
{
	return fail(err, RC_INPUT, "%s", arena_z(p->a, outside_word(language, word)));
}

enum rc outside_take_answer(struct page *p, str language, struct answer_new *out, struct err *err)
{
	str kind = STR("");
	enum rc rc = RC_OK;
	if (p->body.p)
		rc = take_json(p, out, &kind, err);
	else
		take_form(p, out, &kind);
	if (rc != RC_OK)
		return rc;
	if (!answer_kind_parse(kind, &out->kind))
		return wrong(p, language, "e_kind", err);
	if (out->kind == ANSWER_QUESTION && out->words.n == 0)
		return wrong(p, language, "e_question", err);
	if (out->words.n > ANSWER_WORDS_MAX)
		return wrong(p, language, "e_long", err);
	if (out->file.n > ANSWER_FILE_MAX)
		return wrong(p, language, "e_file", err);
	if (out->key.n == 0)
		out->key = key_of(p, out);
	return RC_OK;
}

struct giving {
	struct notify *n;
	const struct answer_new *q;
	int64_t id;
};

static enum rc give(struct tx *tx, void *ctx, struct err *err)
{
	struct giving *g = ctx;
	return answer_put(tx, g->n, g->q, &g->id, err);
}

enum rc outside_give(struct page *p, const struct answer_new *q, int64_t *id_out, struct err *err)
{
	struct giving g = { .n = p->w->n->notify, .q = q };
	enum rc rc = store_write(p->w->n->store, give, &g, err);
	*id_out = g.id;
	return rc;
}
