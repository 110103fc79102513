/* SPDX-License-Identifier: Apache-2.0 */
/* Indicators as rows of a field: one that is given, and those that a text names. */
#include "incident/from_private.h"

#include "incident/indicators.h"

const struct type_field *indicator_column(const struct type_field *f, enum kind kind, enum kind or)
{
	for (size_t i = 0; f && i < f->row_count; i++)
		if (f->rows[i].kind == kind || f->rows[i].kind == or)
			return &f->rows[i];
	return NULL;
}

bool indicator_put(const struct type_field *column, str text, struct json_out *j)
{
	struct buf value = BUF_INIT(KIB(16));
	struct json_out one = json_out(&value);
	bool good = column && kind_parse(column, text, STR(""), &one, NULL) == RC_OK &&
		    !str_eq(buf_str(&value), STR("null"));

	if (good) {
		json_open(j, '{');
		json_key(j, str_of(column->name));
		json_raw(j, buf_str(&value));
		json_close(j, '}');
	}
	buf_free(&value);
	return good;
}

static bool looks_defanged(str word)
{
	return str_find(word, STR("[.]")) < word.n || str_find(word, STR("(.)")) < word.n ||
	       str_find(word, STR("[dot]")) < word.n;
}

/* A word is one thing at most; prose has many dots, so a bare domain must stand alone on its line
 * or be defanged. */
static bool put_word(const struct type_field *f, str word, bool alone, struct json_out *j)
{
	bool digits = word.n > 0 && ((word.p[0] >= '0' && word.p[0] <= '9') || str_has(word, ':'));
	bool url = str_find(word, STR("://")) < word.n;

	if (url)
		return indicator_put(indicator_column(f, KIND_URL, KIND_URL), word, j);
	if (digits && indicator_put(indicator_column(f, KIND_NETWORK, KIND_ADDRESS), word, j))
		return true;
	if (word.n >= 32 && indicator_put(indicator_column(f, KIND_HASH, KIND_HASH), word, j))
		return true;
	return (alone || looks_defanged(word)) && str_has(word, '.') && !str_has(word, '@') &&
	       indicator_put(indicator_column(f, KIND_DOMAIN, KIND_DOMAIN), word, j);
}

static bool is_gap(char c)
{
	return c == ' ' || c == '\t' || c == ',' || c == ';' || c == '<' || c == '>' || c == '"' || c == '\'' ||
	       c == '|';
}

void indicators_in_text(const struct type_field *f, str text, struct json_out *j, size_t *count)
{
	str line;

	while (*count < INDICATORS_MOST && str_line(&text, &line)) {
		str rest = str_trim_all(line);
		bool alone = true;
		for (size_t i = 0; i < rest.n; i++)
			alone = alone && !is_gap(rest.p[i]);
		while (rest.n > 0 && *count < INDICATORS_MOST) {
			size_t n = 0;
			while (n < rest.n && !is_gap(rest.p[n]))
				n++;
			str word = str_head(rest, n);
			while (word.n > 0 && (word.p[word.n - 1] == '.' || word.p[word.n - 1] == ')'))
				word.n--;
			*count += put_word(f, word, alone, j);
			rest = str_from(rest, n + 1);
		}
	}
}
