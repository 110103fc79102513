/* SPDX-License-Identifier: Apache-2.0 */
#include "base/cage.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/landlock.h>
#include <seccomp.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>

/* What newer kernels know and Debian 12's header does not name: <linux/landlock.h>
 * of 6.12. The kernel takes a shorter struct from an older program, never a
 * longer one with unknown bits, so bits and size follow the ABI it tells. */
struct rules_v6 {
	uint64_t fs, net, scoped;
};
enum {
	FS_BITS_V1 = 13, /* execute ... make_sym */
	FS_BITS_V2 = 14, /* refer */
	FS_BITS_V3 = 15, /* truncate */
	FS_BITS_V5 = 16, /* ioctl on devices */
	NET_BITS_V4 = 2, /* bind, connect TCP */
	SCOPES_V6 = 2    /* abstract sockets, signals */
};

static uint64_t all_bits(unsigned n)
{
	return (UINT64_C(1) << n) - 1;
}

static struct rules_v6 rules_for(long abi, size_t *bytes_out)
{
	unsigned fs = abi >= 5 ? FS_BITS_V5 : abi >= 3 ? FS_BITS_V3 : abi == 2 ? FS_BITS_V2 : FS_BITS_V1;
	*bytes_out = abi >= 6 ? 24 : abi >= 4 ? 16 : 8;
	return (struct rules_v6){
		.fs = all_bits(fs),
		.net = abi >= 4 ? all_bits(NET_BITS_V4) : 0,
		.scoped = abi >= 6 ? all_bits(SCOPES_V6) : 0,
	};
}

/* What each word allows, of what this kernel knows; a file takes only the first three. */
static uint64_t allowed_bits(unsigned may, uint64_t known, bool is_dir)
{
	const uint64_t of_files = LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_READ_FILE |
				  LANDLOCK_ACCESS_FS_WRITE_FILE | UINT64_C(1) << 14; /* truncate */
	uint64_t bits = may & CAGE_READ ? LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR : 0;
	if (may & CAGE_RUN)
		bits |= LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_READ_FILE;
	if (may & CAGE_WRITE)
		bits |= LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_DIR |
			LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_REG |
			LANDLOCK_ACCESS_FS_MAKE_SOCK | UINT64_C(1) << 14;
	return bits & known & (is_dir ? UINT64_MAX : of_files);
}

static enum rc allow_path(int rules, const struct cage_path *p, uint64_t known, struct err *err)
{
	struct stat st;
	int fd = open(p->path, O_PATH | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? RC_OK : fail_errno(err, errno, "cannot open '%s'", p->path);
	struct landlock_path_beneath_attr rule = { .parent_fd = fd };
	if (fstat(fd, &st) == 0)
		rule.allowed_access = allowed_bits(p->may, known, S_ISDIR(st.st_mode));
	long rc = rule.allowed_access ?
			  syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) : 0;
	int code = errno;
	close(fd);
	return rc == 0 ? RC_OK : fail_errno(err, code, "cannot allow '%s'", p->path);
}

enum rc cage_landlock(bool *present_out, struct err *err)
{
	return cage_landlock_but(NULL, 0, present_out, err);
}

enum rc cage_landlock_but(const struct cage_path *paths, size_t count, bool *present_out, struct err *err)
{
	*present_out = false;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return fail_errno(err, errno, "cannot give up new privileges");
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
	if (abi < 1) {
		/* Not built in, or switched off at boot: seccomp stands alone then. */
		if (errno == ENOSYS || errno == EOPNOTSUPP)
			return RC_OK;
		return fail_errno(err, errno, "cannot ask for Landlock");
	}
	size_t bytes;
	struct rules_v6 rules = rules_for(abi, &bytes);
	long fd = syscall(SYS_landlock_create_ruleset, &rules, bytes, 0);
	if (fd < 0)
		return fail_errno(err, errno, "cannot make Landlock's rules");
	enum rc rc = RC_OK;
	for (size_t i = 0; rc == RC_OK && i < count; i++)
		rc = allow_path((int)fd, &paths[i], rules.fs, err);
	if (rc == RC_OK && syscall(SYS_landlock_restrict_self, (int)fd, 0) != 0)
		rc = fail_errno(err, errno, "cannot enter Landlock");
	close((int)fd);
	*present_out = rc == RC_OK;
	return rc;
}

static enum rc limit(int resource, rlim_t most, const char *name, struct err *err)
{
	struct rlimit r = { most, most };
	if (setrlimit(resource, &r) != 0)
		return fail_errno(err, errno, "cannot limit %s", name);
	return RC_OK;
}

/* One above the highest open handle: not one more can be opened. */
static rlim_t handles_open(void)
{
	rlim_t n = 0;
	for (int fd = 0; fd < 256; fd++)
		if (fcntl(fd, F_GETFD) >= 0)
			n = (rlim_t)fd + 1;
	return n;
}

static enum rc limits(const struct cage *cage, struct err *err)
{
	enum rc rc = limit(RLIMIT_CORE, 0, "core files", err);
	if (rc == RC_OK)
		rc = limit(RLIMIT_NPROC, 0, "processes", err);
	if (rc == RC_OK)
		rc = limit(RLIMIT_NOFILE, handles_open(), "handles", err);
#ifndef RONDA_SANITIZED
	/* A sanitizer maps terabytes of shadow and writes what it found to a file. */
	if (rc == RC_OK)
		rc = limit(RLIMIT_FSIZE, 0, "file size", err);
	if (rc == RC_OK)
		rc = limit(RLIMIT_AS, cage->memory_bytes, "memory", err);
#else
	(void)cage;
#endif
	return rc;
}

enum rc cage_drop_privileges(struct err *err)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct none[2] = { { 0 } };
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return fail_errno(err, errno, "cannot give up new privileges");
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
		return fail_errno(err, errno, "cannot shut out debuggers");
	if (syscall(SYS_capset, &head, none) != 0)
		return fail_errno(err, errno, "cannot drop capabilities");
	return RC_OK;
}

/* What glibc, zlib, zstd, json-c and our own parsers call while they work. */
static const char *const allowed[] = {
	"read", "write", "readv", "writev", "recvmsg", "sendmsg", "poll", "ppoll",
	"munmap", "mremap", "brk", "madvise",
	"exit", "exit_group", "futex", "restart_syscall",
	"clock_gettime", "gettimeofday", "getrandom",
	"rt_sigreturn", "rt_sigprocmask", "getpid", "gettid",
#ifdef RONDA_SANITIZED
	"sigaltstack", "sched_yield", "sched_getaffinity", "rt_sigaction", "close",
	"getrusage", "fstat", "newfstatat", "nanosleep", "clock_nanosleep",
#endif
};

/* Looking for a file gets an error, and nothing. */
#ifndef RONDA_SANITIZED
static const char *const files[] = { "open", "openat", "readlink", "readlinkat", "access", "stat", "newfstatat" };
#endif

#ifdef RONDA_SANITIZED
/* A sanitizer that reports looks for maps and symbols: it gets an error and goes
 * on to print. */
static const char *const refused[] = { "open", "openat", "readlink", "readlinkat", "access",
				       "prctl", "ioctl", "stat", "getrlimit", "prlimit64" };
#endif

static int add_rule(scmp_filter_ctx ctx, uint32_t action, const char *name, unsigned n,
		    const struct scmp_arg_cmp *args)
{
	int nr = seccomp_syscall_resolve_name(name);
	/* Negative: this machine has no such call (arm64 has no open, no poll). */
	return nr < 0 ? 0 : seccomp_rule_add_array(ctx, action, nr, n, args);
}

static int add_rules(scmp_filter_ctx ctx, bool refuse_files)
{
	int bad = 0;
#ifndef RONDA_SANITIZED
	for (size_t i = 0; refuse_files && i < COUNT_OF(files); i++)
		bad |= add_rule(ctx, SCMP_ACT_ERRNO(EACCES), files[i], 0, NULL);
#else
	(void)refuse_files; /* refused anyway */
#endif
	for (size_t i = 0; i < COUNT_OF(allowed); i++)
		bad |= add_rule(ctx, SCMP_ACT_ALLOW, allowed[i], 0, NULL);
#ifdef RONDA_SANITIZED
	for (size_t i = 0; i < COUNT_OF(refused); i++)
		bad |= add_rule(ctx, SCMP_ACT_ERRNO(EACCES), refused[i], 0, NULL);
#endif
	/* Memory may never become code. */
	struct scmp_arg_cmp no_code = { 2, SCMP_CMP_MASKED_EQ, PROT_EXEC, 0 };
	bad |= add_rule(ctx, SCMP_ACT_ALLOW, "mmap", 1, &no_code);
	bad |= add_rule(ctx, SCMP_ACT_ALLOW, "mprotect", 1, &no_code);
	/* abort() signals itself, and so dies with its own name. */
	struct scmp_arg_cmp self = { 0, SCMP_CMP_EQ, (scmp_datum_t)getpid(), 0 };
	bad |= add_rule(ctx, SCMP_ACT_ALLOW, "tgkill", 1, &self);
	return bad;
}

static enum rc allow_list(const struct cage *cage, struct err *err)
{
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_KILL_PROCESS);
	if (!ctx)
		return fail(err, RC_IO, "cannot make the list of system calls");
	enum rc rc = RC_OK;
	if (add_rules(ctx, cage->refuse_files) != 0)
		rc = fail(err, RC_IO, "cannot fill the list of system calls");
	if (rc == RC_OK) {
		int code = seccomp_load(ctx);
		if (code != 0)
			rc = fail_errno(err, -code, "cannot lock the list of system calls");
	}
	seccomp_release(ctx);
	return rc;
}

enum rc cage_enter(struct cage *cage, struct err *err)
{
	/* Landlock needs one more handle and the list comes last: the steps before
	 * it are themselves not on it. */
	enum rc rc = cage_landlock(&cage->landlock, err);
	if (rc == RC_OK)
		rc = cage_drop_privileges(err);
	if (rc == RC_OK)
		rc = limits(cage, err);
	if (rc == RC_OK)
		rc = allow_list(cage, err);
	return rc;
}
