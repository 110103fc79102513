/* SPDX-License-Identifier: Apache-2.0 */
#include "route/finding_key.h"

#include "base/clock.h"
#include "event/normalise.h"
#include "route/findings.h"

enum subject { SUBJECT_ADDRESS, SUBJECT_CONTENT, SUBJECT_NAME, SUBJECT_ACCOUNT, SUBJECT_NOTHING };
enum port_rule { PORT_SERVICE, PORT_CLIENT, PORT_BY_EVENT };
enum what_rule { WHAT_KIND, WHAT_ANY };
enum part { PART_END, PART_IP, PART_NET, PART_NAME, PART_URL, PART_ASN, PART_ACCOUNT };

static const struct key_row {
	const char *type;
	enum subject subject;
	enum port_rule port;
	enum what_rule what;
} key_rows[] = {
#define FINDING(type, subject, port, what) { type, SUBJECT_##subject, PORT_##port, WHAT_##what },
#include "route/findings.def"
#undef FINDING
};

/* Which part of an event stands for the subject: the first that is there. */
static const uint8_t subject_parts[][6] = {
	[SUBJECT_ADDRESS] = { PART_IP, PART_NET, PART_NAME, PART_URL, PART_ASN },
	[SUBJECT_CONTENT] = { PART_URL, PART_NAME, PART_IP, PART_NET },
	[SUBJECT_NAME] = { PART_NAME, PART_URL, PART_IP, PART_NET },
	[SUBJECT_ACCOUNT] = { PART_ACCOUNT, PART_NAME, PART_URL, PART_IP, PART_NET },
	[SUBJECT_NOTHING] = { PART_END },
};

static const struct key_row *row_of(str type)
{
	size_t i = 0;
	while (i + 1 < COUNT_OF(key_rows) && !str_eq(type, str_of(key_rows[i].type)))
		i++;
	return &key_rows[i];
}

static uint32_t small(const struct cell *c, int64_t most)
{
	return c->kind == CELL_INT && c->i > 0 && c->i <= most ? (uint32_t)c->i : 0;
}

static void take_cell(struct finding_facts *f, const struct batch *b, const struct cell *c)
{
	switch (c->field) {
	case FIELD_CLASSIFICATION_TYPE: f->type = cell_text(b, c); break;
	case FIELD_CLASSIFICATION_IDENTIFIER: f->identifier = cell_text(b, c); break;
	case FIELD_SEVERITY: f->severity = cell_text(b, c); break;
	case FIELD_MALWARE_NAME: f->malware = cell_text(b, c); break;
	case FIELD_PROTOCOL_TRANSPORT: f->transport = cell_text(b, c); break;
	case FIELD_SOURCE_IP: f->has_ip = cell_ip(b, c, &f->ip); break;
	case FIELD_SOURCE_NETWORK: f->has_net = cell_net(b, c, &f->net); break;
	case FIELD_SOURCE_FQDN: f->fqdn = cell_text(b, c); break;
	case FIELD_SOURCE_URL: f->url = cell_text(b, c); break;
	case FIELD_SOURCE_ACCOUNT: f->account = cell_text(b, c); break;
	case FIELD_SOURCE_ASN: f->asn = small(c, UINT32_MAX); break;
	case FIELD_SOURCE_GEOLOCATION_CC: f->cc = cell_text(b, c); break;
	case FIELD_SOURCE_PORT:
		f->port = small(c, 65535);
		f->has_port = true;
		break;
	case FIELD_DESTINATION_IP:
	case FIELD_DESTINATION_PORT:
	case FIELD_DESTINATION_FQDN: f->has_destination = true; break;
	case FIELD_FEED_ACCURACY:
		if (c->kind == CELL_FLOAT && c->f >= 0 && c->f <= CONFIDENCE_MOST)
			f->confidence = (uint8_t)((unsigned)c->f + 1);
		break;
	case FIELD_EXERCISE: f->exercise = c->kind == CELL_BOOL && c->i; break;
	case FIELD_TLP:
		if (c->kind == CELL_INT && c->i >= 0 && c->i < TLP_COUNT)
			f->tlp = (enum tlp)c->i;
		break;
	case FIELD_TIME_SOURCE:
		if (c->kind == CELL_TIME)
			f->time_us = c->i;
		break;
	default: break;
	}
}

void finding_facts_of(const struct batch *b, const struct row *r, struct finding_facts *out)
{
	const struct cell *c = b->cell + r->first_cell, *end = c + r->cells;
	*out = (struct finding_facts){
		.type = STR_INIT(""), .identifier = STR_INIT(""), .severity = STR_INIT(""),
		.cc = STR_INIT(""), .tlp = TLP_RED, .time_us = TIME_NONE,
	};
	for (; c < end && c->field < FIELD_COUNT; c++)
		take_cell(out, b, c);
	/* As enrich.c does: the finding is the same before and after it. */
	str host;
	struct ip ip;
	if (!out->fqdn.n && out->url.n && url_host(out->url, &host) && !ip_parse(host, &ip))
		out->fqdn = host;
}

/* Each piece with its length, so that no two keys have the same bytes. */
static void key_piece(struct buf *key, unsigned char tag, const void *p, size_t n)
{
	buf_char(key, (char)tag);
	buf_varint(key, n);
	buf_add_mem(key, p, n);
}

enum { WORDS_MAX = 400 };

/* Cut for people, never inside a character. */
static void add_words(struct buf *words, str text)
{
	str head = str_head(text, WORDS_MAX);
	while (head.n < text.n && head.n && ((unsigned char)text.p[head.n] & 0xc0) == 0x80)
		head.n--;
	buf_add(words, head);
}

static bool subject_part(const struct finding_facts *f, enum part part, struct buf *key,
			 struct buf *words)
{
	const str texts[] = { [PART_NAME] = f->fqdn, [PART_URL] = f->url, [PART_ACCOUNT] = f->account };
	char raw[17], z[56];
	str text = STR_NONE;
	switch (part) {
	case PART_IP:
		if (!f->has_ip)
			return false;
		key_piece(key, PART_IP, f->ip.b, 16);
		buf_add(words, STR("ip "));
		buf_add(words, ip_str(z, &f->ip));
		return true;
	case PART_NET:
		if (!f->has_net)
			return false;
		memcpy(raw, f->net.ip.b, 16);
		raw[16] = (char)f->net.bits;
		key_piece(key, PART_NET, raw, sizeof(raw));
		buf_add(words, STR("net "));
		buf_add(words, net_str(z, &f->net));
		return true;
	case PART_ASN:
		if (!f->asn)
			return false;
		key_piece(key, PART_ASN, &f->asn, sizeof(f->asn));
		buf_fmt(words, "asn AS%u", f->asn);
		return true;
	case PART_NAME:
	case PART_URL:
	case PART_ACCOUNT:
		text = texts[part];
		break;
	case PART_END:
		return false;
	}
	if (!text.n)
		return false;
	key_piece(key, (unsigned char)part, text.p, text.n);
	if (part == PART_ACCOUNT) { /* who it is stays in the events */
		size_t at = str_index(text, '@');
		buf_add(words, STR("account of "));
		add_words(words, at < text.n ? str_from(text, at + 1) : STR("a person"));
	} else {
		buf_add(words, part == PART_NAME ? STR("domain ") : STR("url "));
		add_words(words, text);
	}
	return true;
}

bool finding_key(const struct finding_facts *f, bool per_event, struct buf *key, struct buf *words)
{
	const struct key_row *row = row_of(f->type);
	const uint8_t *part = subject_parts[row->subject];
	buf_reset(key);
	buf_reset(words);
	buf_char(key, (char)f->exercise);
	key_piece(key, 0, f->type.p, f->type.n);
	while (*part != PART_END && !subject_part(f, (enum part)*part, key, words))
		part++;
	if (*part == PART_END)
		return false;
	bool service = row->port == PORT_SERVICE || (row->port == PORT_BY_EVENT && !f->has_destination);
	if (f->has_port && (service || per_event)) {
		key_piece(key, 64, &f->port, sizeof(f->port));
		key_piece(key, 65, f->transport.p, f->transport.n);
		buf_add(words, STR(" port "));
		buf_u64(words, f->port);
	}
	str what = f->identifier.n ? f->identifier : f->malware;
	if (row->what == WHAT_KIND)
		key_piece(key, 66, what.p, what.n);
	if (per_event) {
		char z[40];
		key_piece(key, 67, &f->time_us, sizeof(f->time_us));
		buf_add(words, STR(" at "));
		buf_add(words, time_str(z, f->time_us));
	}
	return !key->over && !words->over;
}
