/* SPDX-License-Identifier: Apache-2.0 */
/* test_keys.h: as much of a node as signs, encrypts and opens mail, and somebody else with a plain gpg. */
#ifndef RONDA_NOTIFY_TEST_KEYS_H
#define RONDA_NOTIFY_TEST_KEYS_H

#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/test.h"
#include "base/test_dir.h"
#include "mail/crypto.h"
#include "node/node_settings.h"
#include "notify/notify_private.h"

struct keys_world {
	struct test_dir d;
	struct starter *starter;
	struct log *log;
	struct notify n;
	struct arena *a;
	char home[512], other[512];
	struct err err;
};

static inline struct keys_world keys_open(void)
{
	struct keys_world w = { .d = test_dir_new(), .a = arena_new(KIB(64)), .log = log_new(LOG_LEVEL_ERROR) };
	const struct calls_options write = { .helper = "mail", .most = 1, .question_bytes = MIB(64), .answer_bytes = MIB(64),
					     .limit_ms = 60000 },
		read = { .helper = "mail", .most = 1, .question_bytes = MIB(64), .answer_bytes = MIB(64), .limit_ms = 60000,
			 .serves = 1 },
		crypto = { .helper = "crypto", .most = 1, .question_bytes = MIB(64), .answer_bytes = MIB(64), .limit_ms = 60000,
			   .always = test_dir_in(&w.d, w.home, "gnupg") };
	CHECK_RC(starter_new(&w.starter, &w.err), RC_OK, w.err);
	w.n.w.log = w.log;
	w.n.w.mail_writer = calls_new(w.starter, w.log, &write);
	w.n.w.mail_reader = calls_new(w.starter, w.log, &read);
	w.n.w.crypto = calls_new(w.starter, w.log, &crypto);
	CHECK(mkdir(test_dir_in(&w.d, w.other, "o"), 0700) == 0);
	return w;
}

/* `one` (may be NULL): "mail_sign=…". */
static inline void keys_settings(struct keys_world *w, const char *one)
{
	struct settings *s = NULL;
	settings_free((struct settings *)w->n.w.settings);
	CHECK_RC(node_settings_read(w->d.path, one ? &one : NULL, one != NULL, &s, &w->err), RC_OK, w->err);
	w->n.w.settings = s;
}

/* A shell line in the test's directory, `$G` standing for gpg with the other's keys. */
static inline bool keys_shell(struct keys_world *w, const char *line)
{
	char command[8192], said[512];
	int status = -1;
	snprintf(command, sizeof command,
		 "cd %s && G='gpg --batch -q --no-tty --homedir %s --trust-model always' && (%s)", w->d.path,
		 w->other, line);
	pid_t pid = fork();
	if (pid == 0) {
		int fd = open(test_dir_in(&w->d, said, "said"), O_WRONLY | O_CREAT | O_TRUNC, 0600);
		char *argv[] = { (char[]){ "sh" }, (char[]){ "-c" }, command, NULL };
		if (fd >= 0 && dup2(fd, 1) >= 0 && dup2(fd, 2) >= 0)
			execv("/bin/sh", argv);
		_exit(127);
	}
	bool good = pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0;
	CHECK_MSG(good, "%s", line);
	return good;
}

static inline void keys_write(struct keys_world *w, const char *name, str bytes)
{
	char path[512];
	FILE *f = fopen(test_dir_in(&w->d, path, name), "w");
	CHECK(f && fwrite(bytes.p, 1, bytes.n, f) == bytes.n);
	if (f)
		fclose(f);
}

static inline str keys_file(struct keys_world *w, const char *name)
{
	static char text[1 << 18];
	char path[512];
	FILE *f = fopen(test_dir_in(&w->d, path, name), "r");
	size_t n = f ? fread(text, 1, sizeof text, f) : 0;
	CHECK_MSG(f != NULL, "%s", name);
	if (f)
		fclose(f);
	return arena_str(w->a, str_mem(text, n));
}

/* Our own; the other one has its public half. */
static inline str keys_own(struct keys_world *w)
{
	str key = STR(""), text = STR("");
	CHECK_RC(crypto_generate(w->n.w.crypto, STR("CERT"), STR("cert@example.org"), clock_now_us() + 400 * DAY_US, w->a, &key,
				 &w->err), RC_OK, w->err);
	CHECK_RC(crypto_export(w->n.w.crypto, CRYPTO_OPENPGP, key, w->a, &text, &w->err), RC_OK, w->err);
	keys_write(w, "own.asc", text);
	(void)keys_shell(w, "$G --import own.asc");
	return key;
}

/* A key pair of NAME@example.net; its public half is here unless `unknown`. */
static inline str keys_other(struct keys_world *w, const char *name, const char *how, bool unknown)
{
	struct crypto_key *keys = NULL;
	size_t count = 0;
	char line[1024], file[64];
	snprintf(line, sizeof line, "$G --passphrase '' --quick-gen-key '%s <%s@example.net>' %s && $G --export --armor %s@example.net > %s.asc", name,
		 name, how, name, name);
	snprintf(file, sizeof file, "%s.asc", name);
	if (!keys_shell(w, line) || unknown)
		return STR("");
	CHECK_RC(crypto_import(w->n.w.crypto, CRYPTO_OPENPGP, keys_file(w, file), STR(""), w->a, &keys, &count, &w->err), RC_OK,
		 w->err);
	CHECK_INT(count, 1);
	return count ? keys[0].fingerprint : STR("");
}

static inline void keys_close(struct keys_world *w)
{
	(void)keys_shell(w, "gpgconf --homedir $PWD/o --kill all");
	settings_free((struct settings *)w->n.w.settings);
	calls_free(w->n.w.mail_writer);
	calls_free(w->n.w.mail_reader);
	calls_free(w->n.w.crypto);
	starter_free(w->starter);
	log_free(w->log);
	arena_free(w->a);
	test_dir_end(&w->d);
}

#define KEY_GOOD "future-default default 1y"

#endif
