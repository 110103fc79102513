/* SPDX-License-Identifier: Apache-2.0 */
#include "base/totp.h"

#include <oath.h>

#include "base/clock.h"
#include "base/hash.h"

enum { DIGITS = 6 };
#define STEP_US (30 * SECOND_US)

struct totp_secret totp_secret_new(void)
{
	struct totp_secret s = { .n = TOTP_SECRET_BYTES };
	random_bytes(s.b, s.n);
	return s;
}

void totp_secret_format(struct buf *out, const struct totp_secret *s)
{
	char *text = NULL;
	size_t n = 0;

	if (oath_base32_encode((const char *)s->b, s->n, &text, &n) != OATH_OK) {
		out->over = true;
		return;
	}
	while (n && text[n - 1] == '=')
		n--;
	buf_add(out, (str){ text, n });
	explicit_bzero(text, n);
	free(text);
}

bool totp_secret_parse(str text, struct totp_secret *out)
{
	char z[128], *bytes = NULL;
	size_t n = 0, count = 0;

	for (size_t i = 0; i < text.n; i++) {
		char c = text.p[i];
		if (c == ' ' || c == '-')
			continue;
		c = c >= 'a' && c <= 'z' ? (char)(c - 32) : c;
		bool known = (c >= 'A' && c <= 'Z') || (c >= '2' && c <= '7');
		if (!known || n == sizeof(z))
			return false;
		z[n++] = c;
	}
	bool ok = oath_base32_decode(z, n, &bytes, &count) == OATH_OK;
	ok = ok && count >= TOTP_SECRET_BYTES_MIN && count <= TOTP_SECRET_BYTES_MAX;
	if (ok) {
		*out = (struct totp_secret){ .n = count };
		memcpy(out->b, bytes, count);
	}
	if (bytes)
		explicit_bzero(bytes, count);
	free(bytes);
	explicit_bzero(z, sizeof(z));
	return ok;
}

void totp_uri(struct buf *out, const struct totp_secret *s, str issuer, str account)
{
	buf_add(out, STR("otpauth://totp/"));
	percent_format(out, issuer);
	buf_char(out, ':');
	percent_format(out, account);
	buf_add(out, STR("?secret="));
	totp_secret_format(out, s);
	buf_add(out, STR("&issuer="));
	percent_format(out, issuer);
	buf_add(out, STR("&algorithm=SHA1&digits=6&period=30"));
}

int64_t totp_step(int64_t now_us)
{
	return now_us / STEP_US;
}

bool totp_code(const struct totp_secret *s, int64_t step, char out[7])
{
	return oath_hotp_generate((const char *)s->b, s->n, (uint64_t)step, DIGITS, false,
				  OATH_HOTP_DYNAMIC_TRUNCATION, out) == OATH_OK;
}

enum rc totp_check(const struct totp_secret *s, str code, int64_t now_us, int64_t last_step,
		   int64_t *step_out, struct err *err)
{
	char typed[DIGITS];
	size_t n = 0;
	int64_t now = totp_step(now_us), found = -1;

	for (size_t i = 0; i < code.n; i++) {
		if (code.p[i] == ' ')
			continue;
		if (code.p[i] < '0' || code.p[i] > '9' || n == DIGITS)
			return fail(err, RC_INPUT, "code: six digits are wanted");
		typed[n++] = code.p[i];
	}
	if (n != DIGITS)
		return fail(err, RC_INPUT, "code: six digits are wanted");
	/* All three, whichever is right. The latest counts: it uses up the others. */
	for (int64_t step = now - 1; step <= now + 1; step++) {
		char right[DIGITS + 1];
		if (step >= 0 && totp_code(s, step, right) &&
		    str_eq_secret(str_mem(typed, DIGITS), str_mem(right, DIGITS)))
			found = step;
	}
	if (found < 0)
		return fail(err, RC_DENIED, "code: it is wrong");
	if (last_step > 0 && found <= last_step)
		return fail(err, RC_CONFLICT, "code: it was used already, wait for the next");
	*step_out = found;
	return RC_OK;
}
