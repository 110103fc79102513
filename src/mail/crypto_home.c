/* SPDX-License-Identifier: Apache-2.0 */
/* DIR/gnupg and its agent. The agent is started here and not by gpg: a daemon that gpg starts would
 * outlive us; this one is our child, and the kernel ends it when we end (PR_SET_PDEATHSIG). */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "mail/crypto_private.h"

/* One process, one home, one agent: what a static is for. */
static struct {
	char path[HOME_MOST + 1];
	pid_t agent;
} home;

/* Written anew each time: what somebody adds there by hand does not switch the network on. */
static const struct { const char *name, *text; } files[] = {
	{ "gpg.conf", "# Written by ronda at each start.\n"
		      "batch\nno-tty\nno-autostart\ndisable-dirmngr\nno-auto-key-retrieve\n"
		      "no-auto-key-locate\nno-auto-key-import\npinentry-mode loopback\ntrust-model always\n"
		      "max-output 67108864\npersonal-digest-preferences SHA256 SHA512\ncert-digest-algo SHA256\n"
		      "weak-digest SHA1\nno-emit-version\nno-comments\n" },
	{ "gpgsm.conf", "# Written by ronda at each start.\n"
			"batch\nno-tty\nno-autostart\ndisable-dirmngr\ndisable-crl-checks\n"
			"disable-policy-checks\npinentry-mode loopback\n" },
	{ "gpg-agent.conf", "# Written by ronda at each start.\n"
			    "disable-scdaemon\nallow-loopback-pinentry\nno-allow-mark-trusted\n"
			    "no-allow-external-cache\n" },
};

const char *crypto_home(void)
{
	return home.path;
}

static enum rc write_file(int dir, const char *name, const char *text, struct err *err)
{
	int fd = openat(dir, name, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	size_t n = strlen(text);
	bool good = fd >= 0 && write(fd, text, n) == (ssize_t)n;
	int code = errno;
	if (fd >= 0)
		close(fd);
	return good ? RC_OK : fail_errno(err, code, "cannot write '%s'", name);
}

/* Ours alone, or not at all. */
static enum rc check_home(int dir, struct err *err)
{
	struct stat st;
	if (fstat(dir, &st) != 0)
		return fail_errno(err, errno, "cannot look at '%s'", home.path);
	if (st.st_uid != geteuid() || (st.st_mode & 077) != 0)
		return fail(err, RC_DENIED, "'%s' is open to others: make it 0700", home.path);
	return RC_OK;
}

static enum rc prepare(struct err *err)
{
	if (mkdir(home.path, 0700) != 0 && errno != EEXIST)
		return fail_errno(err, errno, "cannot make '%s'", home.path);
	int dir = open(home.path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (dir < 0)
		return fail_errno(err, errno, "cannot open '%s'", home.path);
	enum rc rc = check_home(dir, err);
	for (size_t i = 0; rc == RC_OK && i < COUNT_OF(files); i++)
		rc = write_file(dir, files[i].name, files[i].text, err);
	close(dir);
	return rc;
}

static enum rc enter(struct err *err)
{
	umask(077);
	enum rc rc = prepare(err);
	if (rc == RC_OK && (setenv("GNUPGHOME", home.path, 1) != 0 || chdir(home.path) != 0))
		rc = fail_errno(err, errno, "cannot go to '%s'", home.path);
	/* Once, not for each context: it runs the program to ask for its version. */
	if (rc == RC_OK && gpgme_set_engine_info(GPGME_PROTOCOL_OpenPGP, GPG, home.path) != 0)
		rc = fail(err, RC_IO, "gpg is not installed");
	if (rc == RC_OK && gpgme_set_engine_info(GPGME_PROTOCOL_CMS, GPGSM, home.path) != 0)
		rc = fail(err, RC_IO, "gpgsm is not installed");
	if (rc == RC_OK)
		rc = crypto_cage_files(home.path, err);
	return rc;
}

enum rc crypto_home_enter(str path, struct err *err)
{
	if (home.path[0])
		return str_eq(path, str_of(home.path)) ? RC_OK :
			       fail(err, RC_DENIED, "ronda-crypto has another home already");
	if (path.n == 0 || path.p[0] != '/' || !str_ends(path, STR("/gnupg")))
		return fail(err, RC_INPUT, "'" STR_FMT "' is no home for keys", STR_ARG(path));
	if (!str_to_z(path, home.path, sizeof home.path))
		return fail(err, RC_LIMIT, "the node's directory has too long a path for gpg-agent's socket: at most %d bytes",
			    HOME_MOST - (int)STR("/gnupg").n);
	enum rc rc = enter(err);
	if (rc != RC_OK)
		home.path[0] = '\0';
	return rc;
}

/* Its socket is handed over as systemd does it: handle 3, counted and named in the environment. */
static void become_agent(int listening, pid_t parent)
{
	char pid[24];
	char *argv[] = { (char[]){ "gpg-agent" }, (char[]){ "--supervised" }, NULL };
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(127);
	snprintf(pid, sizeof pid, "%ld", (long)getpid());
	int null = open("/dev/null", O_RDWR);
	int s = fcntl(listening, F_DUPFD, 20);
	if (null < 0 || s < 0 || dup2(null, 0) < 0 || dup2(null, 1) < 0 || dup2(null, 2) < 0 || dup2(s, 3) < 0 ||
	    setenv("LISTEN_PID", pid, 1) != 0 || setenv("LISTEN_FDS", "1", 1) != 0 ||
	    setenv("LISTEN_FDNAMES", "std", 1) != 0)
		_exit(127);
	close_range(4, ~0U, 0);
	execv(GPG_AGENT, argv);
	_exit(127);
}

static enum rc listen_at(struct sockaddr_un *at, int *out, struct err *err)
{
	(void)unlink(at->sun_path);
	int s = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (s >= 0 && bind(s, (const struct sockaddr *)at, sizeof *at) == 0 && listen(s, 16) == 0) {
		*out = s;
		return RC_OK;
	}
	int code = errno;
	if (s >= 0)
		close(s);
	return fail_errno(err, code, "cannot make gpg-agent's socket");
}

enum rc crypto_agent(struct err *err)
{
	int status, s;
	if (home.agent > 0 && waitpid(home.agent, &status, WNOHANG) == 0)
		return RC_OK;
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	snprintf(at.sun_path, sizeof at.sun_path, "%s/S.gpg-agent", home.path);
	enum rc rc = listen_at(&at, &s, err);
	if (rc != RC_OK)
		return rc;
	pid_t self = getpid();
	home.agent = fork();
	if (home.agent == 0)
		become_agent(s, self);
	int code = errno;
	close(s);
	return home.agent > 0 ? RC_OK : fail_errno(err, code, "cannot start gpg-agent");
}

static void become_gpgsm(int file, int said)
{
	char *argv[] = { (char[]){ "gpgsm" }, (char[]){ "--status-fd" }, (char[]){ "1" }, (char[]){ "--passphrase-fd" },
			 (char[]){ "3" }, (char[]){ "--import" }, NULL };
	int f = fcntl(file, F_DUPFD, 20), s = fcntl(said, F_DUPFD, 20), null = open("/dev/null", O_RDWR);
	int n = fcntl(null, F_DUPFD, 20);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (f < 0 || s < 0 || n < 0 || dup2(f, 0) < 0 || dup2(s, 1) < 0 || dup2(n, 2) < 0 || dup2(n, 3) < 0)
		_exit(127);
	close_range(4, ~0U, 0);
	execv(GPGSM, argv);
	_exit(127);
}

static bool put_aside(int file, str bytes)
{
	while (bytes.n > 0) {
		ssize_t n = write(file, bytes.p, bytes.n);
		if (n <= 0)
			return false;
		bytes = str_from(bytes, (size_t)n);
	}
	return lseek(file, 0, SEEK_SET) == 0;
}

/* A private key stands in the file until it is read: it has no name in the directory then. */
enum rc crypto_run_gpgsm_import(str bytes, char *said, size_t size, struct err *err)
{
	int file = open("import.tmp", O_RDWR | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600), line[2], status;
	(void)unlink("import.tmp");
	said[0] = '\0';
	if (file < 0 || !put_aside(file, bytes) || pipe2(line, O_CLOEXEC) != 0) {
		int code = errno;
		if (file >= 0)
			close(file);
		return fail_errno(err, code, "cannot import");
	}
	pid_t pid = fork();
	if (pid == 0)
		become_gpgsm(file, line[1]);
	close(line[1]);
	close(file);
	size_t n = 0;
	for (ssize_t got; n + 1 < size && (got = read(line[0], said + n, size - 1 - n)) > 0;)
		n += (size_t)got;
	said[n] = '\0';
	close(line[0]);
	if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFEXITED(status) || WEXITSTATUS(status) != 0)
		return fail(err, RC_INPUT, "cannot import: gpgsm cannot read it; has it a password (--password-file)?");
	return RC_OK;
}

enum rc crypto_trust(const char *fingerprint, struct err *err)
{
	int fd = open("trustlist.txt", O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0600);
	char line[128];
	int n = snprintf(line, sizeof line, "%s S relax\n", fingerprint);
	bool good = fd >= 0 && write(fd, line, (size_t)n) == n;
	int code = errno;
	if (fd >= 0)
		close(fd);
	if (good && home.agent > 0)
		(void)kill(home.agent, SIGHUP);
	return good ? RC_OK : fail_errno(err, code, "cannot write who is trusted");
}
