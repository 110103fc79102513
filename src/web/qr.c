/* SPDX-License-Identifier: Apache-2.0 */
#include <qrencode.h>

#include "web/page.h"

enum { QUIET = 4 }; /* modules of white around, ISO/IEC 18004 section 6.3.8 */

void page_qr(struct page *p, str text)
{
	struct buf path = BUF_INIT(KIB(256));
	QRcode *qr = QRcode_encodeString8bit(arena_z(p->a, text), 0, QR_ECLEVEL_M);
	if (!qr) /* the text stands beside it */
		return;
	for (int y = 0; y < qr->width; y++)
		for (int x = 0; x < qr->width; x++)
			if (qr->data[y * qr->width + x] & 1)
				buf_fmt(&path, "M%d %dh1v1h-1z", x + QUIET, y + QUIET);
	json_put_str(&p->j, "qr", buf_str(&path));
	json_put_i64(&p->j, "qr_size", qr->width + 2 * QUIET);
	QRcode_free(qr);
	if (path.p)
		explicit_bzero(path.p, path.n);
	buf_free(&path);
}
