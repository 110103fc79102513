/* SPDX-License-Identifier: Apache-2.0 */
#include "disclosure/media.h"

enum { TEXT_LOOK = 1024 };

/* Signatures of the formats' own specifications; `at` from the front. */
static const struct {
	size_t at, n;
	const char *magic;
	enum media media;
} signatures[] = {
	{ 0, 3, "\xff\xd8\xff", MEDIA_IMAGE },                    /* JPEG */
	{ 0, 8, "\x89PNG\r\n\x1a\n", MEDIA_IMAGE },               /* PNG */
	{ 0, 8, "\x8aMNG\r\n\x1a\n", MEDIA_VIDEO },
	{ 0, 4, "GIF8", MEDIA_IMAGE },                            /* GIF */
	{ 0, 4, "II*\0", MEDIA_IMAGE },                           /* TIFF, raw files of cameras */
	{ 0, 4, "MM\0*", MEDIA_IMAGE },
	{ 0, 4, "II+\0", MEDIA_IMAGE },                           /* BigTIFF */
	{ 8, 4, "WEBP", MEDIA_IMAGE },                            /* RIFF….WEBP */
	{ 0, 4, "8BPS", MEDIA_IMAGE },                            /* PSD */
	{ 0, 4, "\0\0\1\0", MEDIA_IMAGE },                        /* ICO */
	{ 0, 2, "\xff\x0a", MEDIA_IMAGE },                        /* JPEG XL */
	{ 0, 12, "\0\0\0\x0cJXL \r\n\x87\n", MEDIA_IMAGE },
	{ 0, 12, "\0\0\0\x0cjP  \r\n\x87\n", MEDIA_IMAGE },       /* JPEG 2000 */
	{ 0, 4, "\xff\x4f\xff\x51", MEDIA_IMAGE },
	{ 8, 4, "AVI ", MEDIA_VIDEO },                            /* RIFF….AVI */
	{ 0, 4, "\x1a\x45\xdf\xa3", MEDIA_VIDEO },                /* Matroska, WebM */
	{ 0, 4, "\0\0\1\xba", MEDIA_VIDEO },                      /* MPEG programme stream */
	{ 0, 4, "\0\0\1\xb3", MEDIA_VIDEO },                      /* MPEG video */
	{ 0, 4, "FLV\1", MEDIA_VIDEO },
	{ 0, 4, "OggS", MEDIA_VIDEO },
	{ 0, 8, "\x30\x26\xb2\x75\x8e\x66\xcf\x11", MEDIA_VIDEO }, /* ASF, WMV */
	{ 0, 4, ".RMF", MEDIA_VIDEO },
	{ 4, 4, "moov", MEDIA_VIDEO },                            /* QuickTime */
	{ 4, 4, "mdat", MEDIA_VIDEO },
};

/* ISO base media (ISO/IEC 14496-12): HEIF and AVIF are pictures, all others films. */
static enum media of_brand(str s)
{
	static const char *const pictures[] = { "heic", "heix", "hevc", "heim", "mif1", "msf1", "avif", "avis" };
	if (s.n < 12 || memcmp(s.p + 4, "ftyp", 4) != 0)
		return MEDIA_NONE;
	for (size_t i = 0; i < COUNT_OF(pictures); i++)
		if (memcmp(s.p + 8, pictures[i], 4) == 0)
			return MEDIA_IMAGE;
	return MEDIA_VIDEO;
}

/* "BM", the size of the file, four bytes of zero, and a header of one of the known lengths. */
static bool is_bitmap(str s)
{
	static const char lengths[] = { 12, 40, 52, 56, 108, 124 };
	return s.n >= 18 && memcmp(s.p, "BM", 2) == 0 && memcmp(s.p + 6, "\0\0\0\0", 4) == 0 &&
	       memchr(lengths, s.p[14], sizeof(lengths)) != NULL;
}

/* A transport stream has 0x47 every 188 bytes (ISO/IEC 13818-1). */
static bool is_transport(str s)
{
	return s.n > 376 && s.p[0] == 0x47 && s.p[188] == 0x47 && s.p[376] == 0x47;
}

static bool is_drawing(str s)
{
	str head = str_head(s, TEXT_LOOK);
	for (size_t i = 0; i + 4 < head.n; i++)
		if (str_eq_nocase(str_mem(head.p + i, 4), STR("<svg")))
			return true;
	return false;
}

enum media media_sniff(str bytes)
{
	enum media m;
	if (str_starts(bytes, STR("\xef\xbb\xbf")))
		bytes = str_from(bytes, 3);
	/* what stands before it does not keep a program from showing it; \n\r\t begin no signature */
	while (bytes.n && (bytes.p[0] == ' ' || bytes.p[0] == '\n' || bytes.p[0] == '\r' || bytes.p[0] == '\t'))
		bytes = str_from(bytes, 1);
	for (size_t i = 0; i < COUNT_OF(signatures); i++)
		if (bytes.n >= signatures[i].at + signatures[i].n &&
		    memcmp(bytes.p + signatures[i].at, signatures[i].magic, signatures[i].n) == 0)
			return signatures[i].media;
	if ((m = of_brand(bytes)) != MEDIA_NONE)
		return m;
	if (is_bitmap(bytes) || is_drawing(bytes))
		return MEDIA_IMAGE;
	return is_transport(bytes) ? MEDIA_VIDEO : MEDIA_NONE;
}

const char *media_name(enum media m)
{
	return m == MEDIA_IMAGE ? "image" : m == MEDIA_VIDEO ? "video" : "";
}

bool media_may_have(const struct viewer *v, str bytes)
{
	if (media_sniff(bytes) == MEDIA_NONE)
		return true;
	for (size_t i = 0; v->all_roles && i < roles_count(v->all_roles); i++)
		if (v->roles >> i & 1 && roles_at(v->all_roles, i)->opens_media)
			return true;
	return false;
}

enum rc media_take(struct tx *tx, struct records *r, str bytes, struct digest *out, struct err *err)
{
	return file_put(tx, r, STR("outside"), bytes, out, err);
}

enum rc media_give(struct reader *r, const struct viewer *v, const struct digest *d, struct buf *out, struct err *err)
{
	enum rc rc = file_read(r, d, out, err);
	if (rc == RC_OK && !media_may_have(v, buf_str(out))) {
		buf_reset(out);
		rc = fail(err, RC_DENIED, "pictures and films that strangers sent are not handed out");
	}
	return rc;
}
