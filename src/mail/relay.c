/* SPDX-License-Identifier: Apache-2.0 */
/* The relays that settings name: "smtps://user@mail.example.org:465, smtp://127.0.0.1:2525". */
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mail/letter.h"
#include "mail/mail_private.h"

enum { SECRET_MAX = 16 << 10 };

enum rc mail_secret_file(const char *setting, str path, struct arena *a, str *out, struct err *err)
{
	char text[SECRET_MAX + 1];
	struct stat st;

	*out = STR("");
	if (!path.n)
		return RC_OK;
	FILE *file = fopen(arena_z(a, path), "re");
	if (!file)
		return fail(err, RC_INPUT, "%s: '" STR_FMT "' cannot be read", setting, STR_ARG(path));
	bool open = fstat(fileno(file), &st) != 0 || (st.st_mode & 077) != 0;
	size_t n = fread(text, 1, sizeof text, file);
	(void)fclose(file);
	*out = arena_str(a, str_trim_all(str_mem(text, n)));
	sodium_memzero(text, sizeof text);
	if (open)
		return fail(err, RC_DENIED, "%s: '" STR_FMT "' may be read by others: chmod 600", setting, STR_ARG(path));
	if (!out->n || n == sizeof text)
		return fail(err, RC_INPUT, "%s: '" STR_FMT "' holds no secret", setting, STR_ARG(path));
	return RC_OK;
}

enum rc mail_secret(const struct settings *s, const char *setting, struct arena *a, str *out, struct err *err)
{
	return mail_secret_file(setting, settings_text(s, setting), a, out, err);
}

/* One password for all relays, or lines "HOST PASSWORD". */
static str password_of(str secret, str host)
{
	str rest = secret, line;
	while (str_has(secret, '\n') && str_line(&rest, &line)) {
		str password = str_trim(line), name = str_cut(&password, ' ');
		if (str_eq_nocase(name, host))
			return str_trim(password);
	}
	return str_has(secret, '\n') ? STR("") : secret;
}

static bool is_loopback(str host)
{
	return str_eq_nocase(host, STR("localhost")) || str_starts(host, STR("127.")) || str_eq(host, STR("[::1]"));
}

static bool is_host(str s)
{
	bool brackets = str_starts(s, STR("[")) && str_ends(s, STR("]"));
	str inner = brackets ? str_mem(s.p + 1, s.n - 2) : s;
	for (size_t i = 0; i < inner.n; i++) {
		char c = inner.p[i];
		bool ok = (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || c == '.' ||
			  (brackets ? c == ':' : c == '-');
		if (!ok)
			return false;
	}
	return inner.n > 0 && inner.n < 254;
}

/* What we say who we are (RFC 5321, section 4.1.1.1): the node's own address, else the domain that
 * our mail is from. */
static str greeting(const struct settings *s)
{
	str url = settings_text(s, "public_url"), name, from;
	url = str_from(url, str_find(url, STR("://")));
	url = str_starts(url, STR("://")) ? str_from(url, 3) : STR("");
	url = str_head(url, str_index(url, '/'));
	url = str_head(url, str_index(url, ':'));
	if (url.n && is_host(url) && str_has(url, '.'))
		return url;
	bool is = letter_mailbox(settings_text(s, "mail_from"), &name, &from);
	str domain = is ? str_from(from, str_index(from, '@') + 1) : STR("");
	return is_host(domain) ? domain : STR("");
}

static enum rc read_one(const struct settings *s, str text, str secret, bool oauth2, struct arena *a,
			struct relay *r, struct err *err)
{
	str rest = text;
	uint32_t port = 0;
	r->tls = str_starts_nocase(text, STR("smtps://"));
	if (!r->tls && !str_starts_nocase(text, STR("smtp://")))
		return fail(err, RC_INPUT, "mail_relays: '" STR_FMT "' begins neither with smtps:// nor with smtp://",
			    STR_ARG(text));
	rest = str_from(rest, r->tls ? 8 : 7);
	while (str_ends(rest, STR("/")))
		rest.n--;
	/* The user is an address as a rule: the last '@' ends it. */
	size_t at = rest.n;
	while (at > 0 && rest.p[at - 1] != '@')
		at--;
	str user = at > 0 ? str_head(rest, at - 1) : STR("");
	str host = str_from(rest, at);
	size_t colon = host.n;
	while (colon > 0 && host.p[colon - 1] != ':' && host.p[colon - 1] != ']')
		colon--;
	bool has_port = colon > 0 && host.p[colon - 1] == ':';
	if (has_port && (!str_to_u32(str_from(host, colon), &port) || port == 0 || port > 65535))
		return fail(err, RC_INPUT, "mail_relays: '" STR_FMT "' has no port behind its ':'", STR_ARG(text));
	host = has_port ? str_head(host, colon - 1) : host;
	if (!is_host(host))
		return fail(err, RC_INPUT, "mail_relays: '" STR_FMT "' names no host", STR_ARG(text));
	if (!str_is_plain(user) || (user.n && str_has(user, ':')))
		return fail(err, RC_INPUT, "mail_relays: '" STR_FMT "' has a user that is none; the password stands in "
					   "mail_password_file", STR_ARG(text));
	r->port = port ? port : r->tls ? 465 : 587;
	r->host = arena_z(a, host);
	r->user = arena_z(a, user);
	r->password = arena_z(a, user.n && !oauth2 ? password_of(secret, host) : STR(""));
	r->plain = !r->tls && !user.n && is_loopback(host);
	if (user.n && !oauth2 && !r->password[0])
		return fail(err, RC_INPUT, "mail_relays: '" STR_FMT "' signs in, and mail_password_file has no password for it",
			    STR_ARG(text));
	r->name = arena_fmt(a, STR_FMT ":%u", STR_ARG(host), r->port).p;
	r->url = arena_fmt(a, "%s://%s/" STR_FMT, r->tls ? "smtps" : "smtp", r->name, STR_ARG(greeting(s))).p;
	return RC_OK;
}

enum rc relays_read(const struct settings *s, struct arena *a, struct relay *list, size_t *count_out, struct err *err)
{
	str rest = settings_text(s, "mail_relays"), secret = STR("");
	bool oauth2 = settings_text(s, "mail_oauth2_token_url").n > 0;
	*count_out = 0;
	enum rc rc = mail_secret(s, "mail_password_file", a, &secret, err);
	while (rc == RC_OK && rest.n > 0) {
		str one = str_trim(str_cut(&rest, ','));
		if (one.n == 0)
			continue;
		if (*count_out == RELAYS_MAX)
			return fail(err, RC_LIMIT, "mail_relays: more than %d", RELAYS_MAX);
		rc = read_one(s, one, secret, oauth2, a, &list[(*count_out)++], err);
	}
	return rc;
}
