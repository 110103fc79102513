/* SPDX-License-Identifier: Apache-2.0 */
#include "intake/wire.h"

#include <errno.h>
#include <sys/socket.h>

size_t parser_area_bytes(void)
{
	return sizeof(struct parser_area) + batch_area_bytes();
}

static void put_block(struct buf *b, str s)
{
	buf_varint(b, s.n);
	buf_add(b, s);
}

static void put_hello(struct buf *b, const struct message *m)
{
	buf_char(b, m->hello.caged);
	buf_char(b, m->hello.landlock);
	put_block(b, str_of(m->hello.words));
}

static void put_job(struct buf *b, const struct message *m)
{
	const struct intake_job *j = &m->job.job;
	put_block(b, j->format);
	put_block(b, j->hints.file_name);
	put_block(b, j->hints.feed);
	buf_le32(b, m->job.mapping_bytes);
	buf_le64(b, j->resume_offset);
	buf_le64(b, j->resume_input);
	buf_le64(b, j->packed_bytes);
	buf_le32(b, j->records_a_batch);
	buf_le32(b, (uint32_t)j->skips);
	for (size_t i = 0; i < j->skips; i++) {
		buf_le64(b, j->skip[i].offset);
		buf_le32(b, j->skip[i].reason);
		buf_char(b, j->skip[i].line);
	}
}

static void put_counts(struct buf *b, const struct batch_counts *c)
{
	const uint64_t wide[] = { c->inputs,	  c->quarantined, c->dropped, c->blank,
				  c->next_offset, c->next_input,  c->text };
	const uint32_t narrow[] = { c->rows, c->cells, c->keys, c->rejects };
	for (size_t i = 0; i < COUNT_OF(wide); i++)
		buf_le64(b, wide[i]);
	for (size_t i = 0; i < COUNT_OF(narrow); i++)
		buf_le32(b, narrow[i]);
}

static void put_result(struct buf *b, const struct intake_result *r)
{
	buf_char(b, (char)r->rc);
	buf_char(b, r->unknown_type);
	put_block(b, str_of(r->words));
	put_block(b, str_of(r->format));
	put_block(b, str_of(r->packing));
	put_block(b, str_of(r->type));
	buf_le64(b, r->unpacked_bytes);
	buf_le32(b, r->entries);
}

void message_write(struct buf *out, const struct message *m)
{
	buf_char(out, (char)m->kind);
	switch (m->kind) {
	case MESSAGE_HELLO: put_hello(out, m); break;
	case MESSAGE_JOB: put_job(out, m); break;
	case MESSAGE_DATA: buf_le32(out, m->data_bytes); break;
	case MESSAGE_BATCH: put_counts(out, &m->counts); break;
	case MESSAGE_RESULT: put_result(out, &m->result); break;
	case MESSAGE_END:
	case MESSAGE_NEED:
	case MESSAGE_GO:
	case MESSAGE_STOP: break;
	}
}

/* A bool is 0 or 1 and nothing else: other bytes in one are undefined to C. */
static bool get_bool(struct wire *w)
{
	uint8_t v = wire_u8(w);
	w->bad |= v > 1;
	return v == 1;
}

/* Text for people, out of a child that may lie: made harmless, not refused,
 * since an honest one quotes outside bytes. */
static void get_words(struct wire *w, char *to, size_t size)
{
	str s = wire_block(w);
	if (s.n >= size) {
		w->bad = true;
		s.n = 0;
	}
	bool utf8 = str_is_utf8(s);
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];
		to[i] = c < 0x20 || c == 0x7f || (c >= 0x80 && !utf8) ? '?' : (char)c;
	}
	to[s.n] = '\0';
}

static void get_name(struct wire *w, char *to, size_t size)
{
	get_words(w, to, size);
	for (; *to; to++)
		w->bad |= !((*to >= 'a' && *to <= 'z') || (*to >= '0' && *to <= '9') ||
			    *to == '_' || *to == '-');
}

static void get_hello(struct wire *w, struct message *m)
{
	m->hello.caged = get_bool(w);
	m->hello.landlock = get_bool(w);
	get_words(w, m->hello.words, sizeof(m->hello.words));
}

static void get_job(struct wire *w, struct message *m)
{
	struct intake_job *j = &m->job.job;
	j->format = wire_block(w);
	j->hints.file_name = wire_block(w);
	j->hints.feed = wire_block(w);
	m->job.mapping_bytes = wire_le32(w);
	w->bad |= m->job.mapping_bytes > PARSER_MAPPING_MAX;
	j->resume_offset = wire_le64(w);
	j->resume_input = wire_le64(w);
	j->packed_bytes = wire_le64(w);
	j->records_a_batch = wire_le32(w);
	uint32_t skips = wire_le32(w);
	w->bad |= skips > INTAKE_SKIPS;
	for (uint32_t i = 0; !w->bad && i < skips; i++)
		m->job.skip[i] = (struct intake_skip){
			.offset = wire_le64(w),
			.reason = wire_le32(w),
			.line = get_bool(w),
		};
	j->skips = w->bad ? 0 : skips;
	j->skip = m->job.skip;
}

static void get_counts(struct wire *w, struct batch_counts *c)
{
	uint64_t *const wide[] = { &c->inputs,	    &c->quarantined, &c->dropped, &c->blank,
				   &c->next_offset, &c->next_input,  &c->text };
	uint32_t *const narrow[] = { &c->rows, &c->cells, &c->keys, &c->rejects };
	for (size_t i = 0; i < COUNT_OF(wide); i++)
		*wide[i] = wire_le64(w);
	for (size_t i = 0; i < COUNT_OF(narrow); i++)
		*narrow[i] = wire_le32(w);
}

static void get_result(struct wire *w, struct intake_result *r)
{
	uint8_t rc = wire_u8(w);
	w->bad |= rc != RC_OK && rc != RC_INPUT && rc != RC_LIMIT && rc != RC_IO;
	r->rc = w->bad ? RC_IO : (enum rc)rc;
	r->unknown_type = get_bool(w);
	get_words(w, r->words, sizeof(r->words));
	get_name(w, r->format, sizeof(r->format));
	get_name(w, r->packing, sizeof(r->packing));
	get_words(w, r->type, sizeof(r->type));
	r->unpacked_bytes = wire_le64(w);
	r->entries = wire_le32(w);
}

static void get_data(struct wire *w, struct message *m)
{
	m->data_bytes = wire_le32(w);
	w->bad |= m->data_bytes == 0 || m->data_bytes > PARSER_SLOT_BYTES;
}

enum rc message_read(str packet, struct message *out, struct err *err)
{
	struct wire w = wire_of(packet);
	uint8_t kind = wire_u8(&w);
	*out = (struct message){ 0 };
	switch (kind) {
	case MESSAGE_HELLO: get_hello(&w, out); break;
	case MESSAGE_JOB: get_job(&w, out); break;
	case MESSAGE_DATA: get_data(&w, out); break;
	case MESSAGE_BATCH: get_counts(&w, &out->counts); break;
	case MESSAGE_RESULT: get_result(&w, &out->result); break;
	case MESSAGE_END:
	case MESSAGE_NEED:
	case MESSAGE_GO:
	case MESSAGE_STOP: break;
	default: return fail(err, RC_INPUT, "message of unknown kind %u", kind);
	}
	if (w.bad || wire_left(&w))
		return fail(err, RC_INPUT, "message of kind %u is broken", kind);
	out->kind = (enum message_kind)kind;
	return RC_OK;
}

bool message_send(int socket, const struct message *m)
{
	struct buf b = BUF_INIT(PARSER_MESSAGE_MAX);
	message_write(&b, m);
	struct iovec io = { b.p, b.n };
	struct msghdr h = { .msg_iov = &io, .msg_iovlen = 1 };
	ssize_t n = -1;
	if (b.over)
		errno = EMSGSIZE;
	else
		do
			n = sendmsg(socket, &h, MSG_NOSIGNAL);
		while (n < 0 && errno == EINTR);
	bool sent = !b.over && n == (ssize_t)b.n;
	buf_free(&b);
	return sent;
}

enum rc message_take(int socket, char packet[PARSER_MESSAGE_MAX], struct message *out,
		     struct err *err)
{
	struct iovec io = { packet, PARSER_MESSAGE_MAX };
	struct msghdr h = { .msg_iov = &io, .msg_iovlen = 1 };
	ssize_t n;
	do
		n = recvmsg(socket, &h, 0);
	while (n < 0 && errno == EINTR);
	if (n <= 0)
		return fail(err, RC_ABSENT, "the other side has gone");
	/* Handles sent along find no room and are closed by the kernel: MSG_CTRUNC. */
	if (h.msg_flags & (MSG_TRUNC | MSG_CTRUNC))
		return fail(err, RC_INPUT, "message too long");
	return message_read(str_mem(packet, (size_t)n), out, err);
}
