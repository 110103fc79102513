/* SPDX-License-Identifier: Apache-2.0 */
/* Letters as bytes, by GMime: encodings of headers (RFC 2047, 2231) and of bodies (RFC 2045). */
#include "mail/compose.h"

/* GLib's header of alloca() names what base/banned.h forbids: it is left out. */
#define __G_ALLOCA_H__
#include <gmime/gmime.h>
#include <sys/random.h>

#include "mail/letter.h"

enum { BOUNDARY_BYTES = 40, LINE_PLAIN = 76, SLICE = 57 << 10 };

struct composing {
	const struct helper_call *k;
	GMimeFormatOptions *options;
	struct buf b;        /* lines by \n until they are done */
	struct buf *out;     /* of the helper: what is done */
};

static GMimeFormatOptions *options_new(void)
{
	GMimeFormatOptions *o = g_mime_format_options_new();
	g_mime_format_options_set_param_encoding_method(o, GMIME_PARAM_ENCODING_METHOD_RFC2231);
	return o;
}

void compose_warm_up(void)
{
	g_mime_init();
	GMimeFormatOptions *o = options_new();
	char *text = g_mime_utils_header_encode_text(o, "r\xc3\xb3nda", "utf-8"); /* opens iconv */
	GMimeContentType *type = g_mime_content_type_parse(NULL, "text/plain; charset=utf-8");
	g_mime_content_type_set_parameter(type, "name", "r\xc3\xb3nda");
	g_free(g_mime_content_type_encode(type, o));
	g_object_unref(type);
	g_free(text);
	g_mime_format_options_free(o);
}

static str block(const struct composing *c, enum compose_block which)
{
	return c->k->blocks[which];
}

/* Lines by CRLF, whatever they end in here. */
static void put_lines(struct buf *out, str s)
{
	while (s.n > 0) {
		bool ends = str_has(s, '\n');
		str line = str_cut(&s, '\n');
		if (line.n > 0 && line.p[line.n - 1] == '\r')
			line.n--;
		buf_add(out, line);
		if (ends)
			buf_add(out, STR("\r\n"));
	}
}

static char *z_of(str s)
{
	return g_strndup(s.n ? s.p : "", s.n);
}

/* --- headers --- */

/* Takes `value`, already encoded. */
static void put_folded(struct composing *c, const char *name, char *value, bool structured)
{
	char *line = g_strconcat(name, ": ", value, NULL);
	char *folded = structured ? g_mime_utils_structured_header_fold(NULL, c->options, line) :
				    g_mime_utils_unstructured_header_fold(NULL, c->options, line);
	buf_add(&c->b, str_of(folded));
	if (c->b.n > 0 && c->b.p[c->b.n - 1] != '\n')
		buf_char(&c->b, '\n');
	g_free(folded);
	g_free(line);
	g_free(value);
}

static void put_text(struct composing *c, const char *name, str value)
{
	char *z = z_of(value);
	put_folded(c, name, g_mime_utils_header_encode_text(c->options, z, "utf-8"), false);
	g_free(z);
}

static void put_mailbox(struct composing *c, const char *header, str name, str address)
{
	char *z = z_of(name), *at = z_of(address);
	InternetAddressList *list = internet_address_list_new();
	InternetAddress *one = internet_address_mailbox_new(name.n ? z : NULL, at);
	internet_address_set_charset(one, "utf-8");
	internet_address_list_add(list, one);
	GString *line = g_string_new(header);
	g_string_append(line, ": ");
	internet_address_list_encode(list, c->options, line);
	buf_add(&c->b, str_mem(line->str, line->len));
	if (c->b.p[c->b.n - 1] != '\n')
		buf_char(&c->b, '\n');
	g_string_free(line, TRUE);
	g_object_unref(one);
	g_object_unref(list);
	g_free(z);
	g_free(at);
}

static void put_ids(struct composing *c, const char *header, str ids)
{
	if (ids.n == 0)
		return;
	buf_fmt(&c->b, "%s:", header);
	for (bool first = true; ids.n > 0; first = false) {
		str one = str_cut(&ids, ' ');
		buf_fmt(&c->b, "%s <" STR_FMT ">", first ? "" : "\n", STR_ARG(one));
	}
	buf_char(&c->b, '\n');
}

static void put_headers(struct composing *c, size_t count)
{
	buf_fmt(&c->b, "Date: " STR_FMT "\n", STR_ARG(block(c, COMPOSE_DATE)));
	put_mailbox(c, "From", block(c, COMPOSE_FROM_NAME), block(c, COMPOSE_FROM));
	put_mailbox(c, "To", block(c, COMPOSE_TO_NAME), block(c, COMPOSE_TO));
	if (block(c, COMPOSE_REPLY_TO).n > 0)
		put_mailbox(c, "Reply-To", STR(""), block(c, COMPOSE_REPLY_TO));
	put_text(c, "Subject", block(c, COMPOSE_SUBJECT));
	put_ids(c, "Message-ID", block(c, COMPOSE_ID));
	put_ids(c, "In-Reply-To", block(c, COMPOSE_IN_REPLY_TO));
	put_ids(c, "References", block(c, COMPOSE_REFERENCES));
	for (size_t i = 0; i < count; i++) {
		str value = c->k->blocks[COMPOSE_FIXED + i], name = str_cut(&value, ':');
		char *z = z_of(name);
		if (value.n > 1)
			put_text(c, z, str_from(value, 1));
		g_free(z);
	}
	buf_add(&c->b, STR("MIME-Version: 1.0\n"));
}

/* --- parts --- */

static void boundary_new(char out[BOUNDARY_BYTES])
{
	unsigned char bytes[15];
	if (getrandom(bytes, sizeof bytes, 0) != (ssize_t)sizeof bytes)
		abort();
	out[0] = '=';
	out[1] = '_';
	for (size_t i = 0; i < sizeof bytes; i++) {
		out[2 + 2 * i] = "0123456789abcdef"[bytes[i] >> 4];
		out[3 + 2 * i] = "0123456789abcdef"[bytes[i] & 15];
	}
	out[2 + 2 * sizeof bytes] = '\0';
}

/* "From " at the start of a line is changed by who keeps mails in files (RFC 3156 section 5). */
static bool is_from(str line)
{
	return str_starts(line, STR("From "));
}

static void put_quoted(struct composing *c, str text)
{
	size_t start = c->b.n;
	GMimeEncoding e;
	g_mime_encoding_init_encode(&e, GMIME_CONTENT_ENCODING_QUOTEDPRINTABLE);
	char *to = buf_room(&c->b, g_mime_encoding_outlen(&e, text.n) + 16);
	if (!to)
		return;
	c->b.n += g_mime_encoding_flush(&e, text.n ? text.p : "", text.n, to);
	if ( str_find(text, STR("From ")) >= text.n)
		return;
	char *made = g_strndup(c->b.p + start, c->b.n - start);
	str rest = str_mem(made, c->b.n - start);
	c->b.n = start;
	while (rest.n > 0) {
		bool ends = str_has(rest, '\n');
		str line = str_cut(&rest, '\n');
		if (is_from(line)) {
			buf_add(&c->b, STR("=46rom=\n"));
			line = str_from(line, 4);
		}
		buf_add(&c->b, line);
		if (ends)
			buf_char(&c->b, '\n');
	}
	g_free(made);
}

/* As it is, in lines that nobody changes on the way? */
static bool is_plain_text(str text, size_t *eight_out)
{
	bool plain = true;
	*eight_out = 0;
	for (size_t i = 0; i < text.n; i++)
		*eight_out += (unsigned char)text.p[i] >= 0x7f;
	while (text.n > 0) {
		str line = str_cut(&text, '\n');
		plain = plain && line.n <= LINE_PLAIN && !is_from(line) &&
			(line.n == 0 || (line.p[line.n - 1] != ' ' && line.p[line.n - 1] != '\t'));
	}
	return plain && *eight_out == 0;
}

static void put_encoding(struct composing *c, const char *how)
{
	buf_fmt(&c->b, "Content-Transfer-Encoding: %s\n\n", how);
}

static void end_line(struct composing *c)
{
	if (c->b.n > 0 && c->b.p[c->b.n - 1] != '\n')
		buf_char(&c->b, '\n');
}

/* What is done leaves: a long part is never here as a whole. */
static void flush(struct composing *c)
{
	put_lines(c->out, buf_str(&c->b));
	buf_reset(&c->b);
}

static void put_base64(struct composing *c, str bytes)
{
	GMimeEncoding e;
	char *to = g_malloc(2 * SLICE);
	g_mime_encoding_init_encode(&e, GMIME_CONTENT_ENCODING_BASE64);
	put_encoding(c, "base64");
	flush(c);
	for (; bytes.n > SLICE; bytes = str_from(bytes, SLICE))
		put_lines(c->out, str_mem(to, g_mime_encoding_step(&e, bytes.p, SLICE, to)));
	buf_add_mem(&c->b, to, g_mime_encoding_flush(&e, bytes.n ? bytes.p : "", bytes.n, to));
	g_free(to);
}

static void put_words(struct composing *c, str text)
{
	size_t eight;
	buf_add(&c->b, STR("Content-Type: text/plain; charset=utf-8\n"));
	if (is_plain_text(text, &eight)) {
		put_encoding(c, "7bit");
		buf_add(&c->b, text);
	} else if (eight * 3 > text.n) {
		put_base64(c, text);
	} else {
		put_encoding(c, "quoted-printable");
		put_quoted(c, text);
	}
	end_line(c);
}

static void put_type(struct composing *c, str type, const char *parameter, const char *value)
{
	char *z = z_of(type);
	GMimeContentType *t = g_mime_content_type_parse(NULL, z);
	if (!t)
		t = g_mime_content_type_new("application", "octet-stream");
	if (parameter)
		g_mime_content_type_set_parameter(t, parameter, value);
	char *text = g_mime_content_type_encode(t, c->options);
	buf_fmt(&c->b, "Content-Type: %s", text + (*text == ' '));
	end_line(c);
	g_free(text);
	g_free(z);
	g_object_unref(t);
}

static void put_disposition(struct composing *c, const char *name)
{
	GMimeContentDisposition *d = g_mime_content_disposition_new();
	g_mime_content_disposition_set_disposition(d, "attachment");
	g_mime_content_disposition_set_parameter(d, "filename", name);
	char *text = g_mime_content_disposition_encode(d, c->options);
	buf_fmt(&c->b, "Content-Disposition: %s", text + (*text == ' '));
	end_line(c);
	g_free(text);
	g_object_unref(d);
}

static bool has_eighth_bit(str s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] >= 0x80)
			return true;
	return false;
}

/* A file keeps its bytes: base64. A mail inside a mail, and what tells of one, may not be encoded
 * (RFC 2046 section 5.2, RFC 6522). */
static void put_part(struct composing *c, const str *part)
{
	char *name = z_of(part[1]);
	put_type(c, part[0], part[1].n ? "name" : NULL, name);
	if (part[1].n)
		put_disposition(c, name);
	if (str_starts_nocase(part[0], STR("message/")) || str_starts_nocase(part[0], STR("text/rfc822-headers"))) {
		put_encoding(c, has_eighth_bit(part[2]) ? "8bit" : "7bit");
		buf_add(&c->b, part[2]);
		end_line(c);
	} else {
		put_base64(c, part[2]);
		end_line(c);
	}
	g_free(name);
}

static void put_entity(struct composing *c, const str *parts, size_t count)
{
	char boundary[BOUNDARY_BYTES];
	str type = block(c, COMPOSE_TYPE);
	if (count == 0 && type.n == 0) {
		put_words(c, block(c, COMPOSE_TEXT));
		return;
	}
	boundary_new(boundary);
	put_type(c, type.n ? type : STR("multipart/mixed"), "boundary", boundary);
	buf_fmt(&c->b, "\n--%s\n", boundary);
	put_words(c, block(c, COMPOSE_TEXT));
	for (size_t i = 0; i < count; i++) {
		buf_fmt(&c->b, "\n--%s\n", boundary);
		put_part(c, parts + 3 * i);
	}
	buf_fmt(&c->b, "\n--%s--\n", boundary);
}

/* --- around what is signed or encrypted --- */

/* CMS as gpgsm writes it: DER, or its base64 between lines of dashes. */
static void put_cms(struct composing *c, str cms)
{
	if (cms.n > 0 && *cms.p == 0x30) {
		put_base64(c, cms);
		return;
	}
	put_encoding(c, "base64");
	while (cms.n > 0) {
		str line = str_trim_all(str_cut(&cms, '\n'));
		if (line.n > 0 && *line.p != '-')
			buf_fmt(&c->b, STR_FMT "\n", STR_ARG(line));
	}
}

/* The entity goes out as it was signed: nothing here touches it. */
static void put_signed(struct composing *c, bool pgp, str lines)
{
	char boundary[BOUNDARY_BYTES], *micalg = z_of(block(c, COMPOSE_MICALG));
	GMimeContentType *t = g_mime_content_type_new("multipart", "signed");
	boundary_new(boundary);
	g_mime_content_type_set_parameter(t, "protocol",
					  pgp ? "application/pgp-signature" : "application/pkcs7-signature");
	g_mime_content_type_set_parameter(t, "micalg", micalg);
	g_mime_content_type_set_parameter(t, "boundary", boundary);
	char *text = g_mime_content_type_encode(t, c->options);
	buf_fmt(&c->b, "Content-Type: %s", text + (*text == ' '));
	end_line(c);
	buf_fmt(&c->b, "\n--%s\n", boundary);
	g_free(text);
	g_free(micalg);
	g_object_unref(t);
	flush(c);
	buf_add(c->out, lines);
	buf_fmt(&c->b, "\n--%s\nContent-Type: %s\nContent-Disposition: attachment; filename=%s\n", boundary,
		pgp ? "application/pgp-signature; name=signature.asc" : "application/pkcs7-signature; name=smime.p7s",
		pgp ? "signature.asc" : "smime.p7s");
	if (pgp) {
		put_encoding(c, "7bit");
		buf_add(&c->b, block(c, COMPOSE_SEALED));
	} else {
		put_cms(c, block(c, COMPOSE_SEALED));
	}
	end_line(c);
	buf_fmt(&c->b, "\n--%s--\n", boundary);
}

static void put_encrypted(struct composing *c, bool pgp)
{
	char boundary[BOUNDARY_BYTES];
	if (!pgp) {
		buf_add(&c->b, STR("Content-Type: application/pkcs7-mime; smime-type=enveloped-data;\n\tname=smime.p7m\n"
				   "Content-Disposition: attachment; filename=smime.p7m\n"));
		put_cms(c, block(c, COMPOSE_SEALED));
		end_line(c);
		return;
	}
	boundary_new(boundary);
	buf_fmt(&c->b,
		"Content-Type: multipart/encrypted; protocol=\"application/pgp-encrypted\";\n\tboundary=\"%s\"\n\n"
		"--%s\nContent-Type: application/pgp-encrypted\n\nVersion: 1\n\n"
		"--%s\nContent-Type: application/octet-stream; name=encrypted.asc\n"
		"Content-Disposition: inline; filename=encrypted.asc\n", boundary, boundary, boundary);
	put_encoding(c, "7bit");
	buf_add(&c->b, block(c, COMPOSE_SEALED));
	end_line(c);
	buf_fmt(&c->b, "\n--%s--\n", boundary);
}

static void put_wrap(struct composing *c, enum letter_seal how)
{
	switch (how) {
	case LETTER_PGP_SIGNED:
	case LETTER_SMIME_SIGNED:
		put_signed(c, how == LETTER_PGP_SIGNED, block(c, COMPOSE_ENTITY_BYTES));
		break;
	case LETTER_PGP_ENCRYPTED:
	case LETTER_SMIME_ENCRYPTED:
		put_encrypted(c, how == LETTER_PGP_ENCRYPTED);
		break;
	}
}

enum rc compose_answer(struct helper_call *k, struct err *err)
{
	uint32_t headers;
	struct composing c = { .k = k, .b = BUF_INIT(2 * LETTER_BYTES_MAX), .out = &k->answer };
	if (k->count < COMPOSE_FIXED || k->blocks[COMPOSE_WHAT].n != 2 ||
	    !str_to_u32(k->blocks[COMPOSE_HEADER_COUNT], &headers) || headers > k->count - COMPOSE_FIXED ||
	    (k->count - COMPOSE_FIXED - headers) % 3 != 0)
		return fail(err, RC_INPUT, "nonsense");
	const char what = k->blocks[COMPOSE_WHAT].p[0];
	const enum letter_seal how = (enum letter_seal)(k->blocks[COMPOSE_WHAT].p[1] - 'a');
	c.options = options_new();
	buf_le64(&k->answer, 0); /* how long it is: said when it is known */
	if (what != COMPOSE_ENTITY)
		put_headers(&c, headers);
	if (what == COMPOSE_WRAP)
		put_wrap(&c, how);
	else
		put_entity(&c, k->blocks + COMPOSE_FIXED + headers, (k->count - COMPOSE_FIXED - headers) / 3);
	flush(&c);
	enum rc rc = c.b.over || k->answer.over ? fail(err, RC_LIMIT, "the letter is too long") : RC_OK;
	if (rc == RC_OK) {
		struct buf length = BUF_INIT(8);
		buf_le64(&length, k->answer.n - 8);
		memcpy(k->answer.p, length.p, 8);
		buf_free(&length);
	}
	g_mime_format_options_free(c.options);
	buf_free(&c.b);
	return rc;
}
