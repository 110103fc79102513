/* SPDX-License-Identifier: Apache-2.0 */
/* How takedowns stand, for pages and commands. */
#include <json-c/json.h>

#include "incident/case.h"
#include "incident/takedown_private.h"

enum { ASKED_MOST = 500, LOOKS_SHOWN = 100, BOARD_MOST = 1000 };

/* --- one --- */

static enum rc read_asked(struct reader *r, const struct uuid *id, struct arena *a, struct takedown_status *out,
			  struct err *err)
{
	struct sql *q = sql(reader_conn(r), "SELECT a.party, a.at_us, a.template, a.message, o.state, o.words,"
					    " (SELECT l.at_us FROM ledger l WHERE l.message = a.message AND l.kind = ?3 LIMIT 1),"
					    " (SELECT l.words FROM ledger l WHERE l.message = a.message AND l.kind = ?4"
					    "  ORDER BY l.id DESC LIMIT 1)"
					    " FROM takedown_ask a LEFT JOIN outbox o ON o.id = a.message WHERE a.record = ?1"
					    " ORDER BY a.at_us, a.party LIMIT ?2");
	sql_blob(q, 1, str_mem(id->b, sizeof id->b));
	sql_int(q, 2, ASKED_MOST);
	sql_int(q, 3, LEDGER_SENT);
	sql_int(q, 4, LEDGER_ANSWER);
	out->asked = ARENA_ARRAY(a, ASKED_MOST, struct takedown_asked);
	while (out->asked_count < ASKED_MOST && sql_row(q)) {
		struct takedown_asked *one = &out->asked[out->asked_count++];
		*one = (struct takedown_asked){
			.key = arena_str(a, sql_col_str(q, 0)), .at_us = sql_col_int(q, 1),
			.template = arena_str(a, sql_col_str(q, 2)), .message = sql_col_int(q, 3),
			.state = str_of(sql_col_int(q, 4) ? message_state_name((enum message_state)sql_col_int(q, 4)) : ""),
			.words = arena_str(a, sql_col_str(q, 5)), .sent_us = sql_col_int(q, 6),
			.answer = arena_str(a, sql_col_str(q, 7)),
		};
	}
	return sql_end(q, err);
}

static enum rc read_looks(struct reader *r, const struct uuid *id, struct arena *a, struct takedown_status *out,
			  struct err *err)
{
	struct sql *q = sql(reader_conn(r), "SELECT at_us, outcome, status, digest, bytes, head, dns, words FROM takedown_look"
					    " WHERE record = ? ORDER BY at_us DESC LIMIT ?");
	sql_blob(q, 1, str_mem(id->b, sizeof id->b));
	sql_int(q, 2, LOOKS_SHOWN);
	out->looks = ARENA_ARRAY(a, LOOKS_SHOWN, struct takedown_look);
	while (out->look_count < LOOKS_SHOWN && sql_row(q))
		out->looks[out->look_count++] = (struct takedown_look){
			.at_us = sql_col_int(q, 0), .outcome = (enum look_outcome)sql_col_int(q, 1), .status = (int)sql_col_int(q, 2),
			.digest = arena_str(a, sql_col_str(q, 3)), .bytes = sql_col_int(q, 4),
			.head = arena_str(a, sql_col_str(q, 5)), .dns = arena_str(a, sql_col_str(q, 6)),
			.words = arena_str(a, sql_col_str(q, 7)),
		};
	return sql_end(q, err);
}

static const char *next_step(const struct takedown_type *t, int state, const struct takedown_status *s)
{
	if (state == t->draft)
		return s->party_count ? "Choose whom to ask." : "Find who can take it down.";
	if (state == t->down)
		return s->next_look_us ? "Nothing: it is watched for 30 days." : "";
	if (!takedown_is_open(t, state))
		return "";
	return s->next_ask_us ? "Those who were asked are asked again by themselves." :
				"Nobody is asked again by itself: call them, or ask somebody above them.";
}

enum rc takedown_read(struct takedowns *t, struct reader *r, const struct types *types, const struct viewer *v, str id,
		      struct arena *a, struct takedown_status *out, struct err *err)
{
	struct record_view view = { 0 };
	struct takedown_type type;
	struct takedown_watch w = { .open = false };
	struct uuid record;
	bool found = false;
	str name;
	(void)t;
	*out = (struct takedown_status){ .target = STR(""), .next_step = "" };
	enum rc rc = read_record(r, types, v, id, a, &view, err);
	if (rc == RC_OK && (!takedown_type_of(record_view_type(&view), &type) || v->as.kind != RECIPIENT_STAFF ||
			    record_view_cuts(&view, type.parties) ||
			    !record_id_parse(record_view_id(&view, a), &name, &record)))
		rc = fail(err, RC_ABSENT, "'" STR_FMT "' is no takedown", STR_ARG(str_head(id, 80)));
	if (rc == RC_OK) {
		struct json_object *body = NULL;
		/* strings of the rows outlive the view */
		rc = json_read(arena_str(a, str_of(json_object_to_json_string_ext(view.body, JSON_C_TO_STRING_PLAIN))), &body, err);
		struct takedown_party list[TAKEDOWN_PARTIES_MOST];
		size_t n = rc == RC_OK ? takedown_parties(json_get(body, type.parties->name), a, list, COUNT_OF(list)) : 0;
		for (size_t i = 0; i < n; i++) {
			str *const parts[] = { &list[i].role, &list[i].organisation, &list[i].name, &list[i].email, &list[i].form,
					       &list[i].language, &list[i].found, &list[i].tell, &list[i].answer,
					       &list[i].answered, &list[i].words };
			for (size_t p = 0; p < COUNT_OF(parts); p++)
				*parts[p] = arena_str(a, *parts[p]);
			out->parties[out->party_count++] = list[i];
		}
		if (rc == RC_OK)
			out->target = takedown_defanged(takedown_target(&type, body), a);
		json_free(body);
	}
	if (rc == RC_OK)
		rc = takedown_watch_load(reader_conn(r), record, a, &found, &w, err);
	if (rc == RC_OK)
		rc = read_asked(r, &record, a, out, err);
	if (rc == RC_OK)
		rc = read_looks(r, &record, a, out, err);
	if (rc == RC_OK) {
		out->asked_us = w.asked_us;
		out->down_us = w.down_us;
		out->next_ask_us = w.ask_us;
		out->next_look_us = w.look_us;
		out->gone_run = w.gone_run;
		out->up_run = w.up_run;
		out->rounds = w.rounds;
		out->relapses = w.relapses;
		out->open = w.open;
		out->next_step = next_step(&type, record_view_state(&view), out);
	}
	record_view_end(&view);
	return rc;
}

/* --- all --- */

static int by_value(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
	return x < y ? -1 : x > y;
}

struct board_row {
	struct takedown_watch w;
	str last;
};

static enum rc read_rows(struct reader *r, struct arena *a, struct board_row *out, size_t *count_out, struct err *err)
{
	struct sql *q = sql(reader_conn(r), "SELECT w.item, w.open, w.down, w.asked_us, w.down_us, w.rounds, w.relapses,"
					    " l.outcome, l.status FROM takedown_watch w LEFT JOIN takedown_look l"
					    " ON l.record = w.record AND l.at_us = (SELECT MAX(at_us) FROM takedown_look"
					    " WHERE record = w.record) WHERE w.asked_us > 0"
					    " ORDER BY w.open DESC, CASE WHEN w.open THEN w.asked_us ELSE -w.down_us END LIMIT ?");
	sql_int(q, 1, BOARD_MOST);
	*count_out = 0;
	while (*count_out < BOARD_MOST && sql_row(q)) {
		struct board_row *one = &out[(*count_out)++];
		one->w = (struct takedown_watch){ .item = arena_str(a, sql_col_str(q, 0)), .open = sql_col_int(q, 1),
						  .down = sql_col_int(q, 2), .asked_us = sql_col_int(q, 3), .down_us = sql_col_int(q, 4),
						  .rounds = sql_col_int(q, 5), .relapses = sql_col_int(q, 6) };
		one->last = sql_col_int(q, 7) ? arena_fmt(a, "%s %lld", look_outcome_name((enum look_outcome)sql_col_int(q, 7)),
							  (long long)sql_col_int(q, 8)) : STR("");
	}
	return sql_end(q, err);
}

enum rc takedown_board_read(struct reader *r, const struct types *types, const struct viewer *v, struct arena *a,
			    struct takedown_board *out, struct err *err)
{
	struct board_row *rows = ARENA_ARRAY(a, BOARD_MOST, struct board_row);
	int64_t *hours = ARENA_ARRAY(a, BOARD_MOST, int64_t), now = clock_now_us();
	size_t n = 0;
	*out = (struct takedown_board){ .list = ARENA_ARRAY(a, BOARD_MOST, struct takedown_open), .median_hours = -1 };
	enum rc rc = v->as.kind == RECIPIENT_STAFF ? read_rows(r, a, rows, &n, err) : RC_OK;
	for (size_t i = 0; rc == RC_OK && i < n; i++) {
		struct record_view view = { 0 };
		struct takedown_watch *w = &rows[i].w;
		/* what he may not see is in no count */
		if (read_record(r, types, v, w->item, a, &view, NULL) == RC_OK && !record_view_labels(&view)->exercise) {
			int state = record_view_state(&view);
			int64_t end = w->down_us ? w->down_us : now;
			struct takedown_open *o = &out->list[out->count++];
			*o = (struct takedown_open){ .id = w->item, .name = case_name(&view, a), .asked_us = w->asked_us,
						     .state = state >= 0 ? record_view_type(&view)->states[state].name : "",
						     .hours = (end - w->asked_us) / HOUR_US, .rounds = w->rounds,
						     .relapses = w->relapses, .last = rows[i].last, .open = w->open };
			out->open += w->open;
			if (w->down)
				hours[out->down++] = o->hours;
		}
		record_view_end(&view);
	}
	if (out->down > 0) {
		qsort(hours, out->down, sizeof *hours, by_value);
		out->median_hours = hours[out->down / 2];
	}
	return rc;
}
