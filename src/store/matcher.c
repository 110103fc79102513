/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"
#include "store/zone.h"

bool concern_next(str *text, int64_t *org_out)
{
	while (text->n) {
		str one = str_cut(text, '|');
		if (str_to_i64(str_cut(&one, ' '), org_out))
			return true;
	}
	return false;
}

enum tlp tlp_stored(int64_t v)
{
	return v >= 0 && v < TLP_COUNT ? (enum tlp)v : TLP_RED;
}

void matcher_make(const struct event_filter *f, struct matcher *out)
{
	enum tlp tlp;
	*out = (struct matcher){ .f = f };
	if (!f->text.p) { /* no text: the number and the network are meant as they are */
		out->has_number = out->has_time = f->op == FILTER_EQ || f->op == FILTER_ORG;
		out->number = out->time = f->number;
		out->real = (double)f->number;
		out->has_real = f->op == FILTER_EQ;
		out->has_net = f->op == FILTER_EQ || f->op == FILTER_IN_NET;
		out->net = f->net;
		return;
	}
	out->has_number = str_to_i64(f->text, &out->number);
	if (str_eq_nocase(f->text, STR("true")) || str_eq_nocase(f->text, STR("false"))) {
		out->has_number = true;
		out->number = f->text.n == 4;
	}
	if (f->field == FIELD_TLP && tlp_parse(f->text, &tlp)) {
		out->has_number = true;
		out->number = tlp;
	}
	out->has_real = str_to_double(f->text, &out->real);
	out->has_time = time_parse(f->text, true, &out->time);
	out->has_net = f->op == FILTER_IN_NET && f->text.n == 0;
	out->net = f->net;
	if (!out->has_net)
		out->has_net = net_parse(f->text, false, &out->net);
}

bool matcher_number(const struct matcher *m, enum cell_kind kind, int64_t v)
{
	double real;
	if (m->f->op != FILTER_EQ)
		return false;
	switch (kind) {
	case CELL_INT:
	case CELL_BOOL:
		return m->has_number && v == m->number;
	case CELL_TIME:
		return m->has_time && v == m->time;
	case CELL_FLOAT:
		memcpy(&real, &v, sizeof(real));
		return m->has_real && !(real < m->real) && !(real > m->real);
	case CELL_TEXT:
	case CELL_JSON:
	case CELL_IP:
	case CELL_NET:
	case CELL_KINDS:
		break;
	}
	return false;
}

static bool matches_address(const struct matcher *m, enum cell_kind kind, str s)
{
	struct net have = { .bits = kind == CELL_NET ? (uint8_t)s.p[16] : 128 };
	memcpy(have.ip.b, s.p, 16);
	if (!m->has_net)
		return false;
	if (m->f->op == FILTER_EQ && (kind == CELL_NET || m->net.bits == 128))
		return have.bits == m->net.bits && ip_cmp(&have.ip, &m->net.ip) == 0;
	return (m->f->op == FILTER_EQ || m->f->op == FILTER_IN_NET) &&
	       have.bits >= m->net.bits && net_has(&m->net, &have.ip);
}

bool matcher_bytes(const struct matcher *m, enum cell_kind kind, str s)
{
	int64_t org;
	if (kind == CELL_IP || kind == CELL_NET)
		return matches_address(m, kind, s);
	switch (m->f->op) {
	case FILTER_EQ:
		return m->f->text.p && str_eq(s, m->f->text);
	case FILTER_PREFIX:
		return str_starts(s, m->f->text);
	case FILTER_SUFFIX:
		return str_ends(s, m->f->text);
	case FILTER_ORG:
		while (concern_next(&s, &org))
			if (org == m->f->number)
				return true;
		return false;
	case FILTER_IN_NET:
		break;
	}
	return false;
}
