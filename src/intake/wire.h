/* SPDX-License-Identifier: Apache-2.0 */
/* wire.h: what the node and a parser child say to each other.
 *
 *   child  HELLO                      it is caged now
 *   node   JOB DATA... END            the bytes themselves stand in slots of the shared area
 *   child  NEED...                    one for each slot it has used up
 *   child  BATCH  node GO | STOP      a batch lies in the area; the child waits for the word
 *   child  RESULT                     ready for the next JOB
 *
 * One message is one packet. The node reads messages of a child that may lie:
 * message_read() checks every length and value. The slots are used in turn,
 * first the mapping's bytes (job.mapping_bytes), then the report's. */
#ifndef RONDA_INTAKE_WIRE_H
#define RONDA_INTAKE_WIRE_H

#include "base/buf.h"
#include "intake/parse.h"

enum { PARSER_SLOTS = 16, PARSER_SLOT_BYTES = 64 << 10 };
#define PARSER_MESSAGE_MAX KIB(16)
#define PARSER_MAPPING_MAX MIB(4)

/* The shared area: progress, slots, one batch. */
struct parser_area {
	_Alignas(4096) struct intake_progress progress;
	_Alignas(4096) unsigned char slot[PARSER_SLOTS][PARSER_SLOT_BYTES];
	_Alignas(4096) unsigned char batch[];
};
size_t parser_area_bytes(void);

enum message_kind {
	MESSAGE_HELLO = 1,
	MESSAGE_JOB,
	MESSAGE_DATA,
	MESSAGE_END,
	MESSAGE_NEED,
	MESSAGE_BATCH,
	MESSAGE_GO,
	MESSAGE_STOP,
	MESSAGE_RESULT
};

struct message {
	enum message_kind kind;
	union {
		struct {
			bool caged, landlock;
			char words[200]; /* why not caged */
		} hello;
		struct {
			struct intake_job job; /* its strs are views into the packet; no mapping, skips below */
			struct intake_skip skip[INTAKE_SKIPS];
			uint32_t mapping_bytes;
		} job;
		uint32_t data_bytes;
		struct batch_counts counts;
		struct intake_result result;
	};
};

/* Appends the packet; `out` should hold PARSER_MESSAGE_MAX: over means too long. */
void message_write(struct buf *out, const struct message *m);
/* RC_INPUT: no packet as it may be. */
MUST_CHECK enum rc message_read(str packet, struct message *out, struct err *err);

/* On a SOCK_SEQPACKET. False: the other side has gone (errno). */
bool message_send(int socket, const struct message *m);
/* Waits; `packet` must live as long as what `out` points to. RC_ABSENT: the other side has
 * gone. */
MUST_CHECK enum rc message_take(int socket, char packet[PARSER_MESSAGE_MAX], struct message *out,
				struct err *err);

#endif
