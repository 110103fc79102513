/* SPDX-License-Identifier: Apache-2.0 */
/* The file that setting destinations_file names: a JSON object,
 *
 *   { "https://hooks.example.org/cert": { "secret": "…", "mapping": "thehive",
 *                                         "headers": { "Authorization": "Bearer …" } } }
 *
 * It holds secrets: nobody but its owner may read it, and nothing of it is shown or logged. */
#include <fcntl.h>
#include <sodium.h>
#include <sys/stat.h>

#include <json-c/json.h>

#include "notify/notify_private.h"

enum { FILE_BYTES_MAX = 256 << 10, DESTINATIONS_MAX = 1000, SECRET_LEAST = 16 };

struct destinations {
	struct destination *list;
	size_t count;
	struct arena *a;
};

static enum rc refuse(struct err *err, str prefix, const char *words)
{
	return fail(err, RC_INPUT, "destinations_file: '" STR_FMT "': %s", STR_ARG(str_head(prefix, 100)), words);
}

static bool is_header(str name)
{
	bool good = name.n > 0 && name.n <= 64;
	for (size_t i = 0; good && i < name.n; i++) {
		char c = name.p[i];
		good = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-';
	}
	return good;
}

static enum rc read_headers(struct arena *a, struct json_object *o, struct destination *d, struct err *err)
{
	json_object_object_foreach(o, key, value)
	{
		str text = json_text(value);
		if (!is_header(str_of(key)) || text.n == 0 || !str_is_plain(text))
			return refuse(err, d->prefix, "a header is a name and plain text of one line");
		if (d->header_count == HEADERS_MAX)
			return refuse(err, d->prefix, "too many headers");
		d->headers[d->header_count++] = (struct fetch_header){ arena_z(a, str_of(key)), arena_str(a, text) };
	}
	return RC_OK;
}

static enum rc read_one(struct arena *a, str prefix, struct json_object *o, struct destination *d,
			struct err *err)
{
	static const char *const names[] = { "secret", "mapping", "headers" };
	*d = (struct destination){ .prefix = arena_str(a, prefix), .secret = STR(""), .mapping = STR("") };
	if (!str_starts(prefix, STR("https://")) && !str_starts(prefix, STR("http://")))
		return refuse(err, prefix, "is no beginning of a URL");
	if (json_only(o, names, COUNT_OF(names), NULL) != RC_OK)
		return refuse(err, prefix, "has secret, mapping and headers, no more");
	str secret = json_get_str(o, "secret"), mapping = json_get_str(o, "mapping");
	if (json_get(o, "secret") && secret.n < SECRET_LEAST)
		return refuse(err, prefix, "a secret is a text of at least 16 characters");
	d->secret = arena_str(a, secret.p ? secret : STR(""));
	d->mapping = arena_str(a, mapping.p ? mapping : STR(""));
	struct json_object *headers = json_get(o, "headers");
	if (headers && !json_object_is_type(headers, json_type_object))
		return refuse(err, prefix, "headers are an object");
	return headers ? read_headers(a, headers, d, err) : RC_OK;
}

static enum rc read_all(struct destinations *d, str text, struct err *err)
{
	struct json_object *o = NULL;
	struct err why = { 0 };
	if (json_read(text, &o, &why) != RC_OK || !json_object_is_type(o, json_type_object)) {
		json_free(o);
		return fail(err, RC_INPUT, "destinations_file: is no JSON object: %s", why.text);
	}
	size_t count = (size_t)json_object_object_length(o);
	enum rc rc = count > DESTINATIONS_MAX ? fail(err, RC_LIMIT, "destinations_file: more than %d",
						     DESTINATIONS_MAX) : RC_OK;
	if (rc == RC_OK)
		d->list = ARENA_ARRAY(d->a, count + 1, struct destination);
	json_object_object_foreach(o, key, value)
	{
		if (rc == RC_OK)
			rc = read_one(d->a, str_of(key), value, &d->list[d->count++], err);
	}
	json_free(o);
	return rc;
}

/* Bytes of the file; RC_DENIED: others may read it. */
static enum rc read_file(str path, struct buf *out, struct err *err)
{
	struct stat st;
	char z[1024];
	int fd = str_to_z(path, z, sizeof z) ? open(z, O_RDONLY | O_CLOEXEC | O_NOFOLLOW) : -1;
	enum rc rc = RC_OK;
	if (fd < 0 || fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
		rc = fail(err, RC_INPUT, "destinations_file: '" STR_FMT "' cannot be read", STR_ARG(path));
	else if (st.st_mode & 077)
		rc = fail(err, RC_DENIED, "destinations_file: '" STR_FMT "' holds secrets: take the rights of others "
			  "away (chmod 600)", STR_ARG(path));
	while (rc == RC_OK) {
		char *to = buf_room(out, KIB(4));
		ssize_t n = to ? read(fd, to, KIB(4)) : -1;
		if (n < 0)
			rc = fail(err, RC_INPUT, "destinations_file: '" STR_FMT "' is too long", STR_ARG(path));
		if (n <= 0)
			break;
		out->n += (size_t)n;
	}
	if (fd >= 0)
		close(fd);
	return rc;
}

enum rc destinations_open(str path, struct destinations **out, struct err *err)
{
	struct destinations *d = x_alloc(sizeof *d);
	struct buf text = BUF_INIT(FILE_BYTES_MAX);
	d->a = arena_new(KIB(4));
	enum rc rc = path.n ? read_file(path, &text, err) : RC_OK;
	if (rc == RC_OK && path.n)
		rc = read_all(d, buf_str(&text), err);
	if (text.p)
		sodium_memzero(text.p, text.size);
	buf_free(&text);
	if (rc == RC_OK)
		*out = d;
	else
		destinations_close(d);
	return rc;
}

void destinations_close(struct destinations *d)
{
	if (!d)
		return;
	for (size_t i = 0; i < d->count; i++) {
		sodium_memzero((char *)d->list[i].secret.p, d->list[i].secret.n);
		for (size_t k = 0; k < d->list[i].header_count; k++)
			sodium_memzero((char *)d->list[i].headers[k].value.p, d->list[i].headers[k].value.n);
	}
	arena_free(d->a);
	free(d);
}

/* "https://a.example.org" is no beginning of "https://a.example.org.other.example", nor of another
 * port. */
static bool fits(str prefix, str url)
{
	if (!str_starts(url, prefix))
		return false;
	char next = url.n > prefix.n ? url.p[prefix.n] : 0;
	return next == 0 || next == '/' || next == '?' || str_ends(prefix, STR("/"));
}

const struct destination *destination_of(const struct destinations *d, str url)
{
	const struct destination *best = NULL;
	for (size_t i = 0; i < d->count; i++)
		if (fits(d->list[i].prefix, url) && (!best || d->list[i].prefix.n > best->prefix.n))
			best = &d->list[i];
	return best;
}
