/* SPDX-License-Identifier: Apache-2.0 */
/* package.h: exhibits for a court, checked there with stock tools.
 *
 * A BagIt 1.0 folder (RFC 8493): items, custody as JSON lines and on paper in two languages, CASE
 * JSON-LD, README with the commands that check it; manifests; over tagmanifest-sha256.txt a CMS
 * signature (RFC 5652) and a time stamp (RFC 3161). docs/evidence.md says what these prove and what not. */
#ifndef RONDA_EVIDENCE_PACKAGE_H
#define RONDA_EVIDENCE_PACKAGE_H

#include "evidence/evidence.h"

enum { PACKAGE_PATH = 300, PACKAGE_WITHHELD_MOST = 500 };

/* Where the files go, one after another, each with its length beforehand. */
struct package_sink {
	enum rc (*begin)(void *ctx, const char *path, uint64_t bytes, struct err *err);
	enum rc (*bytes)(void *ctx, str s, struct err *err);
	enum rc (*end)(void *ctx, struct err *err);
	void *ctx;
};
/* A sink that makes one POSIX tar (ustar; lengths from 8 GiB in base 256, as GNU tar) of them. */
struct package_tar {
	enum rc (*put)(void *ctx, str s, struct err *err);
	void *ctx;
	const char *folder;        /* before each path */
	int64_t now_us;
	uint64_t bytes;            /* private */
};
struct package_sink package_tar_sink(struct package_tar *t);
MUST_CHECK enum rc package_tar_end(struct package_tar *t, struct err *err);

struct withheld {
	str exhibit;               /* as read_record takes it */
	unsigned item;
	str why;
};
struct package_request {
	const str *exhibits; size_t exhibit_count; /* exhibits, or what they are exhibits of */
	str recipient, why;
	const struct withheld *withheld; size_t withheld_count;
	str key_pem, cert_pem;     /* who signs; cert_pem: first his, then those above it */
	str tsa_pem;               /* authorities of the time stamp; "" none */
	/* Gives the answer of a time-stamp authority to `query` (DER both); NULL: "not yet stamped". */
	enum rc (*stamp)(void *ctx, str query, struct buf *answer, struct err *err);
	void *stamp_ctx;
	bool stamp_may_fail;       /* then it is "not yet stamped" */
	evidence_progress progress;
	void *progress_ctx;
};
struct package_made {
	uint64_t exhibits, items, withheld, files, bytes;
	char tagmanifest[65], signature[65], token[65]; /* SHA-256 of the files; "" none */
	char fingerprint[100];     /* of the signer's certificate, SHA-256, as openssl prints it */
	char unstamped[240];       /* why there is no time stamp; "" there is one */
};
/* The disclosure check for the channel export is asked for each exhibit; the act enters chain, journal
 * and ledger. RC_DENIED: no right, authority over, personal fields without a basis. */
MUST_CHECK enum rc evidence_package(struct evidence *e, const struct viewer *v, const struct package_request *q,
				    const struct package_sink *to, struct arena *a, struct package_made *out,
				    struct err *err);

/* --- signing (sign.c) --- */

/* A key (P-256) and a certificate for it that nobody else vouches for: ten years. */
MUST_CHECK enum rc package_signer_make(str name, int64_t now_us, struct buf *key_pem, struct buf *cert_pem,
				       struct err *err);
MUST_CHECK enum rc package_sign(str key_pem, str cert_pem, str what, struct buf *p7s, struct err *err);
MUST_CHECK enum rc package_fingerprint(str cert_pem, char out[100], struct err *err);
/* Asks for the stamp of `what`. */
MUST_CHECK enum rc package_stamp_query(str what, struct buf *query, struct err *err);
/* RC_DENIED: refused by the authority; RC_INPUT: it answers something else, or (with tsa_pem) is not
 * vouched for. */
MUST_CHECK enum rc package_stamp_check(str query, str answer, str tsa_pem, struct err *err);
/* The sheet that goes with it on paper: digests of what the signed part cannot hold. */
void package_cover(const struct package_made *m, str tagmanifest_name, struct buf *out);

#endif
