/* SPDX-License-Identifier: Apache-2.0 */
/* Values of a batch as text and as IntelMQ's JSON. */
#include "base/clock.h"
#include "base/json.h"
#include "event/batch.h"

static void format_int(const struct cell *c, struct buf *out)
{
	if (c->field == FIELD_TLP)
		buf_add(out, str_of(tlp_name((enum tlp)c->i)));
	else
		buf_i64(out, c->i);
}

static void format_float(double v, struct buf *out)
{
	struct json_out j = json_out(out);
	json_double(&j, v);
}

void cell_format(const struct batch *b, const struct cell *c, struct buf *out)
{
	struct ip ip;
	struct net net;
	switch ((enum cell_kind)c->kind) {
	case CELL_INT:
		format_int(c, out);
		break;
	case CELL_FLOAT:
		format_float(c->f, out);
		break;
	case CELL_BOOL:
		buf_add(out, c->i ? STR("true") : STR("false"));
		break;
	case CELL_TIME:
		time_format(out, c->i);
		break;
	case CELL_TEXT:
	case CELL_JSON:
		buf_add(out, cell_text(b, c));
		break;
	case CELL_IP:
		if (cell_ip(b, c, &ip))
			ip_format(out, &ip);
		break;
	case CELL_NET:
		if (cell_net(b, c, &net))
			net_format(out, &net);
		break;
	case CELL_KINDS:
		break;
	}
}

static void json_cell(const struct batch *b, const struct cell *c, struct json_out *j)
{
	char text[56];
	struct ip ip;
	struct net net;
	switch ((enum cell_kind)c->kind) {
	case CELL_INT:
		if (c->field == FIELD_TLP)
			json_str(j, str_of(tlp_name((enum tlp)c->i)));
		else
			json_i64(j, c->i);
		break;
	case CELL_FLOAT:
		json_double(j, c->f);
		break;
	case CELL_BOOL:
		json_flag(j, c->i != 0);
		break;
	case CELL_TIME:
		json_str(j, time_str(text, c->i));
		break;
	case CELL_TEXT:
		json_str(j, cell_text(b, c));
		break;
	case CELL_JSON:
		/* IntelMQ keeps JSON of its own fields as a string; extra ones as they are. */
		if (c->field == FIELD_EXTRA)
			json_raw(j, cell_text(b, c));
		else
			json_str(j, cell_text(b, c));
		break;
	case CELL_IP:
		json_str(j, cell_ip(b, c, &ip) ? ip_str(text, &ip) : STR_NONE);
		break;
	case CELL_NET:
		json_str(j, cell_net(b, c, &net) ? net_str(text, &net) : STR_NONE);
		break;
	case CELL_KINDS:
		json_null(j);
		break;
	}
}

static void json_name(const struct batch *b, const struct cell *c, struct json_out *j)
{
	char name[6 + EXTRA_KEY_MAX] = "extra.";
	if (c->field < FIELD_COUNT) {
		json_key(j, str_of(field_row((enum field)c->field)->name));
		return;
	}
	str key = str_head(batch_key(b, c->key), EXTRA_KEY_MAX);
	memcpy(name + 6, key.p, key.n);
	json_key(j, str_mem(name, key.n + 6));
}

void batch_row_json(const struct batch *b, const struct row *r, struct json_out *j)
{
	json_open(j, '{');
	for (uint32_t i = 0; i < r->cells; i++) {
		const struct cell *c = b->cell + r->first_cell + i;
		json_name(b, c, j);
		json_cell(b, c, j);
	}
	json_close(j, '}');
}
