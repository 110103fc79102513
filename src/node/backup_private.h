/* SPDX-License-Identifier: Apache-2.0 */
/* backup_private.h: the stream, between backup.c and restore.c. */
#ifndef RONDA_NODE_BACKUP_PRIVATE_H
#define RONDA_NODE_BACKUP_PRIVATE_H

#include <sodium.h>

#include "node/backup.h"

/* The head, in the clear: magic, version, the public key, the sealed key of the stream
 * and secretstream's own head. All of it is bound to the first message. */
#define BACKUP_MAGIC "RONDABAK"
enum {
	BACKUP_VERSION = 1,
	SEALED = crypto_secretstream_xchacha20poly1305_KEYBYTES + crypto_box_SEALBYTES,
	HEAD_KEY = 12,
	HEAD_SEALED = HEAD_KEY + crypto_box_PUBLICKEYBYTES,
	HEAD_STREAM = HEAD_SEALED + SEALED,
	HEAD_BYTES = HEAD_STREAM + crypto_secretstream_xchacha20poly1305_HEADERBYTES,
	MESSAGE = 65536, /* bytes in a message, before encryption */
	MESSAGE_MORE = crypto_secretstream_xchacha20poly1305_ABYTES
};
#define LISTING_MAX MIB(16)

void backup_public_text(const unsigned char key[32], char text[BACKUP_KEY_TEXT]);

#endif
