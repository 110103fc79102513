/* SPDX-License-Identifier: Apache-2.0 */
/* What happened with a record, as a page of its own and as part of others. */
#include "disclosure/read_timeline.h"
#include "incident/case.h"
#include "web/records.h"

static const struct page_word page_words[] = {
	{ "overview", "Overview", "Ikhtisar" },
	{ "timeline", "Timeline", "Garis waktu" },
	{ "version", "version", "versi" },
	{ "by", "by", "oleh" },
	{ "correspondence", "Correspondence", "Korespondensi" },
	{ "indicators", "Indicators", "Indikator" },
	{ "tasks", "Tasks", "Tugas" },
	{ "evidence", "Evidence", "Bukti" },
	{ "sharing", "Sharing", "Berbagi" },
	{ "history", "History", "Riwayat" },
	{ "similar", "Similar", "Serupa" },
	{ "linked", "Linked", "Tautan" },
	{ "severity", "Severity", "Tingkat" },
	{ "say_why", "Another than proposed: please say why.", "Berbeda dari usulan: mohon sebutkan alasannya." },
	{ "proposed", "Proposed by the rule", "Usulan menurut aturan" },
	{ "because", "Because", "Karena" },
	{ "assignee", "Assignee", "Petugas" },
	{ "nobody", "nobody yet", "belum ada" },
	{ "when", "When", "Kapan" },
	{ "what", "What", "Apa" },
	{ "who", "Who", "Siapa" },
	{ "about", "About", "Tentang" },
	{ "how", "How", "Bagaimana" },
	{ "state", "State", "Status" },
	{ "to", "To", "Kepada" },
	{ "older", "Older", "Lebih lama" },
	{ "nothing", "Nothing yet.", "Belum ada." },
	{ "responsible", "Responsible", "Penanggung jawab" },
	{ "edit", "Edit", "Ubah" },
	{ "link", "Link", "Tautkan" },
	{ "link_to", "Link to", "Tautkan dengan" },
	{ "unlink", "Unlink", "Lepas tautan" },
	{ "merge", "Merge into this", "Gabung ke sini" },
	{ "merge_other", "The other incident", "Insiden yang lain" },
	{ "unmerge", "Take the merge back", "Batalkan penggabungan" },
	{ "split", "Split", "Pisahkan" },
	{ "split_title", "Title of the new one", "Judul yang baru" },
	{ "hand_over", "Hand over", "Serahkan" },
	{ "hand_over_to", "To whom", "Kepada siapa" },
	{ "hand_over_note", "Note", "Catatan" },
	{ "confirm", "I take it over", "Saya terima" },
	{ "waits", "waits to be confirmed", "menunggu konfirmasi" },
	{ "make", "Make its tasks", "Buat tugasnya" },
	{ "call", "Call", "Telepon" },
	{ "ladder", "Ladder", "Eskalasi" },
	{ "due", "Due", "Tenggat" },
	{ "paused", "paused", "ditunda" },
	{ "exercise", "EXERCISE", "LATIHAN" },
	{ "held", "HELD", "DITAHAN" },
	{ "cut", "Of some sources only the newest are looked at.", "Dari beberapa sumber hanya yang terbaru dilihat." },
	{ "more_hidden", "There is more here that you may not see", "Ada lagi yang tidak boleh Anda lihat" },
	{ "members", "Incidents of it", "Insiden di dalamnya" },
	{ "organisation", "Organisation", "Organisasi" },
	{ "class", "Class", "Kelas" },
	{ "source", "Source", "Sumber" },
	{ "age", "Waiting since", "Menunggu sejak" },
	{ "marking", "Marking", "Penandaan" },
	{ "title", "Title", "Judul" },
	{ "choose", "Choose", "Pilih" },
	{ "do_with", "With those chosen", "Dengan yang dipilih" },
	{ "accept", "accept as incident", "terima sebagai insiden" },
	{ "look", "look into it", "telaah" },
	{ "reject", "reject (reason)", "tolak (alasan)" },
	{ "assign", "assign to", "tugaskan kepada" },
	{ "link_act", "link to incident", "tautkan dengan insiden" },
	{ "target", "Person or incident", "Orang atau insiden" },
	{ "reason", "Reason", "Alasan" },
	{ "go", "Go", "Jalankan" },
	{ "try", "Only try", "Coba saja" },
	{ "guess", "by address", "menurut alamat" },
	{ "feeds", "From feeds, last day", "Dari umpan data, sehari terakhir" },
	{ "feed", "Feed", "Umpan" },
	{ "events", "Events", "Kejadian" },
	{ "quarantine", "records in quarantine", "catatan di karantina" },
	{ "no_reports", "No report waits.", "Tidak ada laporan yang menunggu." },
	{ "statements", "Told without signing in", "Disampaikan tanpa masuk" },
	{ "done", "Done", "Selesai" },
	{ "tried", "Tried, nothing is changed", "Dicoba, tidak ada yang diubah" },
	{ "new", "New report", "Laporan baru" },
	{ "keys", "Keys, where scripts run: j down, k up, x choose, o open.",
	  "Tombol, bila skrip berjalan: j turun, k naik, x pilih, o buka." },
	{ "make_incident", "Make an incident", "Buat insiden" },
	{ "told", "mark as told", "tandai sudah diberi tahu" },
	{ "answered", "mark as answered", "tandai sudah dijawab" },
	{ "hold", "hold", "tahan" },
	{ "move", "move to a state", "pindahkan status" },
	{ "all", "all that it finds", "semua yang ditemukan" },
	{ "can_take_down", "Who can take it down", "Yang dapat menurunkannya" },
	{ "takedown", "Takedown", "Penurunan konten" },
	{ "takedown_target", "URL or domain", "URL atau domain" },
	{ "asked", "Asked", "Diminta" },
	{ "answer", "Answer", "Jawaban" },
	{ "acknowledged", "acknowledged", "diterima" },
	{ "says_done", "says it is done", "menyatakan selesai" },
	{ "refused", "refused", "ditolak" },
	{ "words", "In their words", "Kata mereka" },
	{ "note_it", "Note it", "Catat" },
	{ "down_since", "down since", "turun sejak" },
	{ "last_look", "Last look", "Pemeriksaan terakhir" },
	{ "next_ask", "Asked again", "Diminta lagi" },
	{ "next_look", "Next look", "Pemeriksaan berikutnya" },
	{ "by_hours", "All, by hours", "Semua, menurut jam" },
	{ "nothing_sent", "Nothing is sent now:", "Sekarang tidak ada yang dikirim:" },
	{ "nothing_was_sent", "Nothing was sent.", "Tidak ada yang dikirim." },
	{ "told_nothing", "Is told nothing", "Tidak diberi tahu" },
	{ "would_say", "See what it would say, and to whom", "Lihat isi pesan dan penerimanya" },
	{ "ask_chosen", "Ask those chosen", "Minta kepada yang dipilih" },
	{ "find_who", "Look again who can do it", "Cari lagi siapa yang dapat melakukannya" },
	{ "registries_off", "No registry is asked who they are: setting rdap_url is empty.", "Tidak ada registri yang ditanya siapa mereka: pengaturan rdap_url kosong." },
	{ "look_now", "Look now, through the proxy", "Periksa sekarang lewat proksi" },
	{ "looks", "Looks", "Pemeriksaan" },
	{ "head", "head", "kepala respons" },
	{ "back", "Back", "Kembali" },
	{ "hours", "hours", "jam" },
	{ "open_ones", "open", "masih terbuka" },
	{ "down_ones", "down", "sudah turun" },
	{ "half_within", "half of them within", "separuhnya dalam" },
	{ "came_back", "came back", "muncul kembali" },
	{ "more", "There are more than are shown.", "Masih ada yang tidak ditampilkan." },
};

void put_words(struct page *p)
{
	page_put_words(p, page_words, COUNT_OF(page_words));
}

static const char *kind_words(const struct page *p, enum timeline_kind k)
{
	switch (k) {
	case TIMELINE_MADE: return say(p->language, "made", "dibuat");
	case TIMELINE_CHANGED: return say(p->language, "changed", "diubah");
	case TIMELINE_MOVED: return say(p->language, "moved on", "berpindah status");
	case TIMELINE_LINKED: return say(p->language, "linked", "ditautkan");
	case TIMELINE_RECORD: return say(p->language, "linked record", "catatan tertaut");
	case TIMELINE_FINDING: return say(p->language, "finding", "temuan");
	case TIMELINE_EVENT: return say(p->language, "event", "kejadian");
	case TIMELINE_MESSAGE: return say(p->language, "message", "pesan");
	case TIMELINE_NOTED: return say(p->language, "noted", "dicatat");
	case TIMELINE_KINDS: break;
	}
	return "";
}

struct listing {
	struct page *p;
	enum timeline_part part;
	size_t count;
};

static bool put_entry(void *ctx, const struct timeline_entry *e)
{
	struct listing *l = ctx;
	struct page *p = l->p;

	if (l->part == TIMELINE_DISCLOSED && !e->disclosed)
		return true;
	l->count++;
	str href = e->other.n > 0 ? id_href(p, e->other) : STR_NONE;

	json_open(&p->j, '{');
	json_put_time(&p->j, "at", e->at_us);
	json_put_str(&p->j, "kind", str_of(timeline_kind_name(e->kind)));
	if (p->form == FORM_HTML)
		json_put_str(&p->j, "kind_label", str_of(kind_words(p, e->kind)));
	json_put_bool(&p->j, "message", e->kind == TIMELINE_MESSAGE);
	json_put_str(&p->j, "what", e->what);
	json_put_str(&p->j, "who", e->who);
	page_put_actor_name(p, "who", e->who);
	json_put_str(&p->j, "other", e->other);
	json_put_str(&p->j, "other_title", e->other_title.n > 0 ? e->other_title : e->other);
	json_put_str(&p->j, "words", e->words);
	if (href.n > 0)
		json_put_str(&p->j, "href", href);
	json_close(&p->j, '}');
	return !p->doc.over;
}

enum rc put_timeline(struct page *p, const char *name, enum timeline_part part, str id, str after, size_t limit,
		     size_t *count_out, struct err *err)
{
	const struct timeline_query q = { .id = id, .after = after, .limit = limit, .language = p->language,
					  .messages = part != TIMELINE_ALL };
	struct listing l = { .p = p, .part = part };
	char *next = ARENA_ARRAY(p->a, TIMELINE_CURSOR_BYTES, char);
	bool cut = false;

	json_key(&p->j, str_of(name));
	json_open(&p->j, '[');
	enum rc rc = read_timeline(p->r, page_types(p), &p->caller.viewer, &q, p->a, put_entry, &l, next, &cut, err);
	json_close(&p->j, ']');
	json_put_str(&p->j, arena_fmt(p->a, "%s_next", name).p, str_of(next));
	json_put_bool(&p->j, arena_fmt(p->a, "%s_cut", name).p, cut);
	if (next[0] && part == TIMELINE_ALL)
		json_put_str(&p->j, "older_href",
			     page_link(p, arena_fmt(p->a, "/%s/" STR_FMT "/timeline", p->type->name, STR_ARG(id)).p, "after",
				       str_of(next)));
	*count_out = l.count;
	return rc;
}

enum rc page_record_timeline(struct page *p, struct err *err)
{
	static const char *const columns[] = { "at", "kind", "what", "who", "other", "other_title", "words", NULL };
	struct record_view v = { 0 };
	str after = http_query(p->q, "after");

	p->template = "timeline";
	p->columns = columns;
	enum rc rc = load_record(p, &v, err);
	if (rc == RC_OK && p->form == FORM_CSV && !record_view_may(&v, ACTION_EXPORT, -1))
		rc = fail(err, RC_DENIED, "none of your roles may export this");
	if (rc == RC_OK) {
		p->title = arena_fmt(p->a, "%s: %s", say(p->language, "Timeline", "Garis waktu"), record_title(p, &v)).p;
		put_type(p, p->type);
		put_words(p);
		json_put_str(&p->j, "record_href", record_href(p, &v, ""));
		size_t n = 0;
		rc = put_timeline(p, "rows", TIMELINE_ALL, record_view_id(&v, p->a), after.p ? after : STR(""),
				  page_limit(p, 100), &n, err);
		p->row_count = n;
	}
	record_view_end(&v);
	return rc;
}
