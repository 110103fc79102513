/* SPDX-License-Identifier: Apache-2.0 */
#include "intake/feeds.h"

#include "base/json.h"

enum { NAME_BYTES = 63, WORDS_BYTES = 500, FORMAT_BYTES = 31, FOLDER_BYTES = 1000, ACCURACY_MOST = 100 };
#define MAPPING_BYTES KIB(256)
#define PERIOD_MOST (366 * DAY_US)

/* --- what may stand in a row --- */

static bool name_is_sound(str s)
{
	if (s.n == 0 || s.n > NAME_BYTES)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];
		bool letter = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
		bool inner = c == '_' || c == '.' || c == '-';

		if (!letter && !(inner && i > 0))
			return false;
	}
	return true;
}

/* Names stay out of the sentence: they may be anything. */
static enum rc check_words(str s, size_t most, const char *what, struct err *err)
{
	if (s.n > most || !str_is_plain(s))
		return fail(err, RC_INPUT, "the %s of a feed is at most %zu plain characters", what, most);
	return RC_OK;
}

static bool url_is_sound(str s)
{
	return s.n == 0 || str_starts_nocase(s, STR("https://")) || str_starts_nocase(s, STR("http://"));
}

static bool folder_is_sound(str s)
{
	return s.n == 0 || (s.n <= FOLDER_BYTES && s.p[0] == '/' && str_is_plain(s));
}

static enum rc no_accuracy(struct err *err)
{
	return fail(err, RC_INPUT, "the accuracy of a feed is a number from 0 to %d", ACCURACY_MOST);
}

static enum rc check_feed(const struct feed *f, struct err *err)
{
	enum rc rc;

	if (!name_is_sound(f->name))
		return fail(err, RC_INPUT, "'" STR_FMT "' is no name of a feed: 1 to %d of a-z 0-9 _ . -, "
			    "a letter or digit first", STR_ARG(str_head(f->name, 80)), NAME_BYTES);
	if ((unsigned)f->tlp >= TLP_COUNT)
		return fail(err, RC_INPUT, "feed '" STR_FMT "' needs a TLP marking for events that carry none",
			    STR_ARG(f->name));
	if ((rc = check_words(f->provider, WORDS_BYTES, "provider", err)) != RC_OK ||
	    (rc = check_words(f->url, WORDS_BYTES, "URL", err)) != RC_OK ||
	    (rc = check_words(f->licence, WORDS_BYTES, "licence", err)) != RC_OK ||
	    (rc = check_words(f->format, FORMAT_BYTES, "format", err)) != RC_OK)
		return rc;
	if (f->has_accuracy && (f->accuracy < 0 || f->accuracy > ACCURACY_MOST))
		return no_accuracy(err);
	if (!url_is_sound(f->url))
		return fail(err, RC_INPUT, "the URL of a feed begins with https:// or http://");
	if (!folder_is_sound(f->folder))
		return fail(err, RC_INPUT, "the folder of a feed is a whole path, from / on");
	if (f->mapping.n > MAPPING_BYTES)
		return fail(err, RC_INPUT, "the mapping of a feed is at most %zu bytes", MAPPING_BYTES);
	if (f->period_us < 0 || f->period_us > PERIOD_MOST)
		return fail(err, RC_INPUT, "reports of a feed are due at least once a year");
	return RC_OK;
}

/* --- writing --- */

static void act_body(const struct feed *f, struct buf *body)
{
	struct json_out out = json_out(body);

	json_open(&out, '{');
	json_put_str(&out, "provider", f->provider);
	json_put_str(&out, "url", f->url);
	json_put_str(&out, "licence", f->licence);
	json_put_str(&out, "tlp", str_of(tlp_name(f->tlp)));
	if (f->has_accuracy)
		json_put_i64(&out, "accuracy", f->accuracy);
	json_put_str(&out, "format", f->format);
	json_put_str(&out, "folder", f->folder);
	json_put_i64(&out, "mapping_bytes", (int64_t)f->mapping.n);
	json_put_i64(&out, "period_us", f->period_us);
	json_put_bool(&out, "exercise", f->exercise);
	json_put_bool(&out, "complete", f->complete);
	json_put_bool(&out, "on", f->on);
	json_close(&out, '}');
}

static enum rc tell_journal(struct tx *tx, struct journal *j, const char *act, str name, str by,
			    const struct feed *f, struct err *err)
{
	struct buf object = BUF_INIT(128), body = BUF_INIT(KIB(16));

	buf_add(&object, STR("feed:"));
	buf_add(&object, name);
	if (f)
		act_body(f, &body);
	struct journal_act line = { .act = act, .actor = by, .object = buf_str(&object),
				    .body = buf_str(&body) };
	enum rc rc = journal_add(tx, j, &line, err);
	buf_free(&object);
	buf_free(&body);
	return rc;
}

static str or_empty(str s)
{
	return s.n > 0 ? s : STR("");
}

static enum rc insert_feed(struct tx *tx, const struct feed *f, struct err *err)
{
	struct sql *q = sql(tx_conn(tx),
			    "INSERT INTO feed (name, provider, url, licence, tlp, is_on, exercise, format,"
			    " mapping, folder, period_us, complete, made_us, last_report_us, accuracy)"
			    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, ?)");
	sql_str(q, 1, f->name);
	sql_str(q, 2, or_empty(f->provider));
	sql_str(q, 3, or_empty(f->url));
	sql_str(q, 4, or_empty(f->licence));
	sql_int(q, 5, f->tlp);
	sql_int(q, 6, f->on);
	sql_int(q, 7, f->exercise);
	sql_str(q, 8, f->format.n > 0 ? f->format : STR("auto"));
	sql_blob(q, 9, or_empty(f->mapping));
	sql_str(q, 10, or_empty(f->folder));
	sql_int(q, 11, f->period_us);
	sql_int(q, 12, f->complete);
	sql_int(q, 13, tx_now_us(tx));
	if (f->has_accuracy)
		sql_int(q, 14, f->accuracy);
	else
		sql_null(q, 14);
	return sql_run(q, err);
}

enum rc feed_add(struct tx *tx, struct journal *j, const struct feed *f, str by, int64_t *id_out,
		 struct err *err)
{
	enum rc rc = check_feed(f, err);
	if (rc != RC_OK)
		return rc;
	rc = insert_feed(tx, f, err);
	if (rc == RC_CONFLICT)
		return fail(err, RC_CONFLICT, "there is a feed '" STR_FMT "' already", STR_ARG(f->name));
	if (rc != RC_OK)
		return rc;
	*id_out = sql_last_id(tx_conn(tx));
	return tell_journal(tx, j, "feed.add", f->name, by, f, err);
}

static enum rc no_feed(str name, struct err *err)
{
	return fail(err, RC_ABSENT, "there is no feed '" STR_FMT "'", STR_ARG(str_head(name, 80)));
}

static enum rc feed_switch(struct tx *tx, struct journal *j, str name, bool on, str by, struct err *err)
{
	struct sql *q = sql(tx_conn(tx), "UPDATE feed SET is_on = ? WHERE name = ?");
	sql_int(q, 1, on);
	sql_str(q, 2, or_empty(name));
	enum rc rc = sql_run(q, err);
	if (rc != RC_OK)
		return rc;
	if (sql_changes(tx_conn(tx)) == 0)
		return no_feed(name, err);
	return tell_journal(tx, j, on ? "feed.on" : "feed.off", name, by, NULL, err);
}

enum rc feed_off(struct tx *tx, struct journal *j, str name, str by, struct err *err)
{
	return feed_switch(tx, j, name, false, by, err);
}

enum rc feed_on(struct tx *tx, struct journal *j, str name, str by, struct err *err)
{
	return feed_switch(tx, j, name, true, by, err);
}

enum rc feed_set_accuracy(struct tx *tx, struct journal *j, str name, int accuracy, str by, struct err *err)
{
	struct buf object = BUF_INIT(128), body = BUF_INIT(64);
	if (accuracy < -1 || accuracy > ACCURACY_MOST)
		return no_accuracy(err);
	struct sql *q = sql(tx_conn(tx), "UPDATE feed SET accuracy = ? WHERE name = ?");
	if (accuracy < 0)
		sql_null(q, 1);
	else
		sql_int(q, 1, accuracy);
	sql_str(q, 2, or_empty(name));
	enum rc rc = sql_run(q, err);
	if (rc == RC_OK && sql_changes(tx_conn(tx)) == 0)
		rc = no_feed(name, err);
	if (rc != RC_OK)
		return rc;
	buf_fmt(&object, "feed:" STR_FMT, STR_ARG(name));
	struct json_out out = json_out(&body);
	json_open(&out, '{');
	if (accuracy >= 0)
		json_put_i64(&out, "accuracy", accuracy);
	json_close(&out, '}');
	struct journal_act line = { .act = "feed.accuracy", .actor = by, .object = buf_str(&object),
				    .body = buf_str(&body) };
	rc = journal_add(tx, j, &line, err);
	buf_free(&object);
	buf_free(&body);
	return rc;
}

enum rc feed_reported(struct tx *tx, int64_t feed, int64_t at_us, struct err *err)
{
	struct sql *q = sql(tx_conn(tx),
			    "UPDATE feed SET last_report_us = max(last_report_us, ?) WHERE id = ?");
	sql_int(q, 1, at_us);
	sql_int(q, 2, feed);
	return sql_run(q, err);
}

/* --- reading --- */

#define FEED_COLUMNS \
	"SELECT id, name, provider, url, licence, tlp, is_on, exercise, format, mapping, folder," \
	" period_us, complete, made_us, last_report_us, accuracy FROM feed "

static void take_feed(struct sql *q, struct arena *a, struct feed *out)
{
	*out = (struct feed){
		.id = sql_col_int(q, 0),
		.name = arena_str(a, sql_col_str(q, 1)),
		.provider = arena_str(a, sql_col_str(q, 2)),
		.url = arena_str(a, sql_col_str(q, 3)),
		.licence = arena_str(a, sql_col_str(q, 4)),
		.tlp = (enum tlp)sql_col_int(q, 5),
		.on = sql_col_int(q, 6) != 0,
		.exercise = sql_col_int(q, 7) != 0,
		.format = arena_str(a, sql_col_str(q, 8)),
		.mapping = arena_str(a, sql_col_blob(q, 9)),
		.folder = arena_str(a, sql_col_str(q, 10)),
		.period_us = sql_col_int(q, 11),
		.complete = sql_col_int(q, 12) != 0,
		.made_us = sql_col_int(q, 13),
		.last_report_us = sql_col_int(q, 14),
		.has_accuracy = !sql_col_null(q, 15),
		.accuracy = (int)sql_col_int(q, 15),
	};
}

static enum rc take_one(struct sql *q, struct arena *a, struct feed *out, bool *found_out,
			struct err *err)
{
	*found_out = sql_row(q);
	if (*found_out)
		take_feed(q, a, out);
	return sql_end(q, err);
}

enum rc feed_by_name(struct conn *c, str name, struct arena *a, struct feed *out, struct err *err)
{
	bool found;
	struct sql *q = sql(c, FEED_COLUMNS "WHERE name = ?");
	sql_str(q, 1, or_empty(name));
	enum rc rc = take_one(q, a, out, &found, err);
	return rc != RC_OK || found ? rc : no_feed(name, err);
}

enum rc feed_by_id(struct conn *c, int64_t id, struct arena *a, struct feed *out, struct err *err)
{
	bool found;
	struct sql *q = sql(c, FEED_COLUMNS "WHERE id = ?");
	sql_int(q, 1, id);
	enum rc rc = take_one(q, a, out, &found, err);
	return rc != RC_OK || found ? rc : fail(err, RC_ABSENT, "there is no feed %lld", (long long)id);
}

enum rc feed_list(struct conn *c, struct arena *a, struct feed **out, size_t *count_out,
		  struct err *err)
{
	size_t n = 0, room = 16;
	struct feed *list = ARENA_ARRAY(a, room, struct feed);
	struct sql *q = sql(c, FEED_COLUMNS "ORDER BY name");
	while (sql_row(q)) {
		if (n == room) {
			struct feed *more = ARENA_ARRAY(a, room * 2, struct feed);
			memcpy(more, list, n * sizeof(*list));
			list = more;
			room *= 2;
		}
		take_feed(q, a, &list[n++]);
	}
	*out = list;
	*count_out = n;
	return sql_end(q, err);
}

/* Half a period of grace: a daily report an hour late is no news. */
bool feed_overdue(const struct feed *f, int64_t now_us)
{
	int64_t since = f->last_report_us > 0 ? f->last_report_us : f->made_us;
	return f->on && f->period_us > 0 && now_us - since > f->period_us + f->period_us / 2;
}
