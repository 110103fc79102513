/* SPDX-License-Identifier: Apache-2.0 */
#include "web/public.h"

#include <json-c/json.h>

enum { KEPT_MOST = 8, NAME_MAX_BYTES = 24, HELPLINES_MAX = 64 << 10 };
#define KEPT_US (15 * SECOND_US)

static const struct { const char *name, *en, *id; } words[] = {
	{ "report", "Report something to us", "Laporkan kepada kami" },
	{ "danger", "Is somebody in danger now? Do not wait for us: call the emergency number of your country.",
	  "Apakah ada orang yang sedang dalam bahaya? Jangan menunggu kami: hubungi nomor darurat di negara Anda." },
	{ "helplines", "Who helps at once", "Yang dapat segera membantu" },
	{ "no_media", "Do not send pictures or films, least of all of children: to have them may be a crime. Say in words where they are.",
	  "Jangan kirim gambar atau film, terlebih lagi tentang anak: menyimpannya dapat merupakan tindak pidana. Sebutkan dengan kata-kata di mana letaknya." },
	{ "what", "What happened", "Apa yang terjadi" },
	{ "what_hint", "In your own words; at most 5000 letters. No passwords, no card numbers.",
	  "Dengan kata-kata Anda sendiri; paling banyak 5000 huruf. Jangan tulis kata sandi atau nomor kartu." },
	{ "when", "When, if you know", "Kapan, bila Anda tahu" },
	{ "where", "Address of the site, e-mail, telephone number, account - one a line",
	  "Alamat situs, surel, nomor telepon, akun - satu per baris" },
	{ "contact", "How we may reach you, if you like (e-mail or telephone)",
	  "Cara menghubungi Anda, bila berkenan (surel atau telepon)" },
	{ "consent", "You may ask me back about this.", "Anda boleh menghubungi saya kembali tentang hal ini." },
	{ "privacy", "What you write is read by our team alone, kept one year after it is closed, and then erased. You may leave out who you are. Nobody is told that it was you unless the law obliges us.",
	  "Yang Anda tulis hanya dibaca tim kami, disimpan satu tahun setelah ditutup, lalu dihapus. Anda tidak wajib menyebutkan diri. Identitas Anda tidak diberitahukan kepada siapa pun kecuali bila hukum mewajibkan kami." },
	{ "send", "Send", "Kirim" },
	{ "asked", "Do you have a receipt number?", "Sudah punya nomor tanda terima?" },
	{ "receipt", "Receipt number", "Nomor tanda terima" },
	{ "look", "How far is it?", "Sampai di mana?" },
	{ "thanks", "Thank you. We have it. Write this number down: it is the only way to see how far it has come.",
	  "Terima kasih. Laporan Anda sudah kami terima. Catatlah nomor ini: hanya dengan nomor ini Anda dapat melihat perkembangannya." },
	{ "received", "Received. Nobody has looked at it yet.", "Diterima. Belum ada yang menelaahnya." },
	{ "worked", "It is being worked on.", "Sedang ditangani." },
	{ "closed", "It is closed.", "Sudah ditutup." },
	{ "since", "Received at", "Diterima pada" },
	{ "changed", "Last change", "Perubahan terakhir" },
	{ "absent", "There is no such number. Look whether it is typed as it was shown.",
	  "Nomor itu tidak ada. Periksa apakah penulisannya sama dengan yang ditampilkan." },
	{ "often", "Too much was sent from here, or to us, just now. Please wait ten minutes, or call.",
	  "Terlalu banyak yang dikirim dari sini, atau kepada kami, baru saja. Tunggulah sepuluh menit, atau teleponlah." },
	{ "e_what", "Say what happened.", "Tulislah apa yang terjadi." },
	{ "e_long", "One of the fields is too long.", "Salah satu isian terlalu panjang." },
	{ "warnings", "Warnings", "Peringatan" },
	{ "none", "There are no warnings now.", "Saat ini tidak ada peringatan." },
	{ "all_warnings", "All warnings", "Semua peringatan" },
	{ "published", "Published", "Diterbitkan" },
	{ "rss", "As RSS", "Sebagai RSS" },
	{ "subscribe", "Get them by mail", "Terima lewat surel" },
	{ "mail", "Your mail address", "Alamat surel Anda" },
	{ "subscribe_hint", "We write to this address first: only who confirms there gets mail from us. Each mail has a link that ends it.",
	  "Kami lebih dulu menulis ke alamat ini: hanya yang memastikannya akan menerima surel dari kami. Setiap surel memuat tautan untuk berhenti." },
	{ "subscribe_go", "Subscribe", "Berlangganan" },
	{ "subscribe_done", "If this address can get mail, a message with a link is on its way.",
	  "Bila alamat ini dapat menerima surel, pesan berisi tautan sedang dikirim." },
	{ "e_mail", "This is no mail address.", "Ini bukan alamat surel." },
	{ "confirm", "Do you want our warnings by mail at this address?", "Apakah Anda ingin menerima peringatan kami di alamat surel ini?" },
	{ "confirm_go", "Yes, send them", "Ya, kirimkan" },
	{ "confirmed", "You will get our warnings from now on.", "Mulai sekarang Anda akan menerima peringatan kami." },
	{ "leave", "Do you want no more warnings by mail?", "Apakah Anda ingin berhenti menerima peringatan lewat surel?" },
	{ "leave_go", "Yes, end it", "Ya, berhenti" },
	{ "left", "You get no more mail from this list, and the address is erased.",
	  "Anda tidak lagi menerima surel dari daftar ini, dan alamatnya sudah dihapus." },
	{ "no_token", "This link opens nothing: it is mistyped, or was used before.",
	  "Tautan ini tidak membuka apa pun: salah ketik, atau sudah pernah dipakai." },
};

str public_word(str language, const char *name)
{
	for (size_t i = 0; i < COUNT_OF(words); i++)
		if (strcmp(words[i].name, name) == 0)
			return str_of(str_eq(language, STR("id")) ? words[i].id : words[i].en);
	return STR("");
}

enum rc public_on(struct page *p, struct err *err)
{
	if (!settings_bool(p->w->n->settings, "public_pages"))
		return fail(err, RC_ABSENT, "there is nothing here");
	return RC_OK;
}

enum rc public_finder(struct page *p, struct viewer *out, struct err *err)
{
	*out = viewer_node(p->w->n->roles, "public");
	return policies_apply(p->w->n->policies, out, err);
}

str public_base(struct page *p)
{
	str url = settings_text(p->w->n->settings, "public_url");
	while (str_ends(url, STR("/")))
		url.n--;
	return url;
}

str public_frame(struct page *p)
{
	str language = outside_language(p, STR(""));
	if (p->form == FORM_CSV)
		p->form = FORM_HTML;
	outside_put_frame(p, language);
	if (p->form != FORM_HTML)
		return language;
	json_key(&p->j, STR("pw"));
	json_open(&p->j, '{');
	for (size_t i = 0; i < COUNT_OF(words); i++)
		json_put_str(&p->j, words[i].name, str_of(str_eq(language, STR("id")) ? words[i].id : words[i].en));
	json_close(&p->j, '}');
	return language;
}

/* --- helplines --- */

static str in_language(struct json_object *o, const char *name, str language)
{
	struct json_object *words_of = json_get(o, name);
	str plain = json_text(words_of);
	char code[8];
	if (plain.p)
		return plain;
	if (!str_to_z(language, code, sizeof code))
		return STR("");
	str s = json_get_str(words_of, code);
	if (!s.p)
		s = json_get_str(words_of, "en");
	return s.p ? s : STR("");
}

static void put_line(struct page *p, struct json_object *o, str language)
{
	struct buf tel = BUF_INIT(64);
	str phone = json_get_str(o, "phone"), hours = json_get_str(o, "hours");
	for (size_t i = 0; i < phone.n && i < 40; i++)
		if ((phone.p[i] >= '0' && phone.p[i] <= '9') || (phone.p[i] == '+' && i == 0))
			buf_char(&tel, phone.p[i]);
	json_open(&p->j, '{');
	json_put_str(&p->j, "name", in_language(o, "name", language));
	json_put_str(&p->j, "for", in_language(o, "for", language));
	json_put_str(&p->j, "phone", phone.p ? phone : STR(""));
	json_put_str(&p->j, "hours", hours.p ? hours : STR(""));
	if (tel.n > 0)
		json_put_str(&p->j, "href", arena_fmt(p->a, "tel:" STR_FMT, STR_ARG(buf_str(&tel))));
	json_close(&p->j, '}');
	buf_free(&tel);
}

void public_put_helplines(struct page *p, str language)
{
	struct buf text = BUF_INIT(HELPLINES_MAX);
	struct json_object *o = NULL;
	struct err err = { 0 };
	enum rc rc = io_read_file(store_dir(p->w->n->store), "helplines.json", &text, &err);
	if (rc == RC_OK)
		rc = json_read(buf_str(&text), &o, &err);
	if (rc == RC_OK && !json_object_is_type(o, json_type_array))
		rc = fail(&err, RC_INPUT, "not a list");
	if (rc != RC_OK && rc != RC_ABSENT)
		log_warn(p->w->n->log, "helplines.json cannot be shown", L_Z("why", err.text));
	json_key(&p->j, STR("helplines"));
	json_open(&p->j, '[');
	for (size_t i = 0; rc == RC_OK && i < json_count(o); i++)
		put_line(p, json_at(o, i), language);
	json_close(&p->j, ']');
	json_put_bool(&p->j, "has_helplines", rc == RC_OK && json_count(o) > 0);
	json_free(o);
	buf_free(&text);
}

/* --- how often --- */

/* The hour in the upper half, how many in the lower. */
static bool hour_has_room(struct web *w, uint64_t most)
{
	uint64_t hour = (uint64_t)(clock_mono_us() / HOUR_US), was = atomic_load(&w->told_hour), now;
	do {
		uint64_t n = was >> 32 == hour ? was & UINT32_MAX : 0;
		if (n >= most)
			return false;
		now = hour << 32 | (n + 1);
	} while (!atomic_compare_exchange_weak(&w->told_hour, &was, now));
	return true;
}

bool public_enter(struct page *p, bool all)
{
	int64_t most = settings_int(p->w->n->settings, "public_reports");
	if (!guard_open(p->w->told, &p->q->from))
		return false;
	if (all && !hour_has_room(p->w, (uint64_t)most))
		return false;
	guard_wrong(p->w->told, &p->q->from);
	return true;
}

/* --- what is kept --- */

struct kept {
	struct arena *a;
	struct { char name[NAME_MAX_BYTES]; int64_t at_us; str bytes; } list[KEPT_MOST];
	size_t count;
};

static void kept_free(void *table)
{
	struct kept *k = table;
	arena_free(k->a);
	free(k);
}

void public_open(struct web *w)
{
	w->told = guard_new();
	w->receipts = guard_new();
	w->kept = snapshot_new(kept_free);
}

void public_close(struct web *w)
{
	guard_free(w->told);
	guard_free(w->receipts);
	if (w->kept)
		snapshot_free(w->kept);
}

bool public_kept(struct web *w, const char *name, struct buf *out)
{
	struct snapshot_ref *ref = snapshot_hold(w->kept);
	const struct kept *k = snapshot_table(ref);
	int64_t now = clock_mono_us();
	bool found = false;
	for (size_t i = 0; k && i < k->count && !found; i++) {
		found = strcmp(k->list[i].name, name) == 0 && now - k->list[i].at_us < KEPT_US;
		if (found)
			buf_add(out, k->list[i].bytes);
	}
	snapshot_drop(w->kept, ref);
	return found;
}

static void kept_add(struct kept *k, const char *name, int64_t at_us, str bytes)
{
	if (k->count == KEPT_MOST)
		return;
	snprintf(k->list[k->count].name, NAME_MAX_BYTES, "%s", name);
	k->list[k->count].at_us = at_us;
	k->list[k->count++].bytes = arena_str(k->a, bytes);
}

/* Two that make the same at once: the later stays. What another kept meanwhile may be made again. */
void public_keep(struct web *w, const char *name, str bytes)
{
	struct kept *now = x_alloc(sizeof *now);
	struct snapshot_ref *ref = snapshot_hold(w->kept);
	const struct kept *was = snapshot_table(ref);
	int64_t at = clock_mono_us();
	*now = (struct kept){ .a = arena_new(KIB(4)) };
	kept_add(now, name, at, bytes);
	for (size_t i = 0; was && i < was->count; i++)
		if (strcmp(was->list[i].name, name) != 0 && at - was->list[i].at_us < KEPT_US)
			kept_add(now, was->list[i].name, was->list[i].at_us, was->list[i].bytes);
	snapshot_drop(w->kept, ref);
	snapshot_swap(w->kept, now);
}
