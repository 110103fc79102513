/* SPDX-License-Identifier: Apache-2.0 */
#include <elf.h>
#include <errno.h>
#include <link.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "base/cage.h"
#include "mail/crypto_private.h"

enum { HANDLES = 256, CPU_SECONDS = 120 };
#define OWN_MEMORY MIB(256)
/* CLONE_NEW*: a process may be made, a namespace not. */
#define NAMESPACES UINT64_C(0x7e020080)

static enum rc limit(int resource, rlim_t most, const char *name, struct err *err)
{
	struct rlimit r = { most, most };
	return setrlimit(resource, &r) == 0 ? RC_OK : fail_errno(err, errno, "cannot limit %s", name);
}

/* The three programs have them too. */
static enum rc limits(size_t area_bytes, struct err *err)
{
	enum rc rc = limit(RLIMIT_CORE, 0, "core files", err);
	if (rc == RC_OK)
		rc = limit(RLIMIT_NOFILE, HANDLES, "handles", err);
	if (rc == RC_OK)
		rc = limit(RLIMIT_FSIZE, MIB(256), "file size", err);
	if (rc == RC_OK)
		rc = limit(RLIMIT_CPU, CPU_SECONDS, "processor time", err);
#ifndef RONDA_SANITIZED
	if (rc == RC_OK)
		rc = limit(RLIMIT_AS, area_bytes + OWN_MEMORY, "memory", err);
#else
	(void)area_bytes;
#endif
	return rc;
}

/* What the loader, glibc, GPGME, gpg, gpgsm and gpg-agent call. The rest answers that it is not
 * permitted: these programs ask for some of it and go on without. */
static const char *const allowed[] = {
	"read", "write", "readv", "writev", "pread64", "pwrite64", "lseek", "open", "openat", "close",
	"close_range", "stat", "lstat", "fstat", "newfstatat", "statx", "statfs", "fstatfs", "access", "faccessat",
	"faccessat2", "readlink", "readlinkat", "getcwd", "chdir", "fchdir", "getdents", "getdents64",
	"fcntl", "flock", "ioctl", "dup", "dup2", "dup3", "pipe", "pipe2", "poll", "ppoll", "select",
	"pselect6", "munmap", "mmap", "mprotect", "mremap", "brk", "madvise", "mlock", "mlock2", "munlock",
	"fork", "vfork", "execve", "wait4", "waitid", "exit", "exit_group", "rt_sigaction", "rt_sigprocmask",
	"rt_sigreturn", "rt_sigsuspend", "rt_sigtimedwait", "sigaltstack", "restart_syscall", "inotify_init",
	"inotify_init1", "inotify_add_watch", "inotify_rm_watch", "connect", "bind", "listen", "accept",
	"accept4", "getsockname", "getpeername", "getsockopt", "setsockopt", "sendto", "sendmsg", "recvfrom",
	"recvmsg", "shutdown", "umask", "uname", "getpid", "gettid", "getppid", "getpgrp", "getuid", "geteuid",
	"getgid", "getegid", "getresuid", "getresgid", "getgroups", "prctl", "arch_prctl", "getrlimit",
	"prlimit64", "setrlimit", "getrusage", "times", "clock_gettime", "clock_getres", "gettimeofday", "time",
	"nanosleep", "clock_nanosleep", "alarm", "setitimer", "sysinfo", "getrandom", "futex",
	"set_robust_list", "get_robust_list", "set_tid_address", "rseq", "sched_yield", "sched_getaffinity",
	"mkdir", "mkdirat", "rename", "renameat", "renameat2", "unlink", "unlinkat", "link", "linkat",
	"ftruncate", "fsync", "fdatasync", "chmod", "fchmod", "fchmodat", "utime", "utimes", "utimensat",
	"fadvise64", "fallocate", "capget", "capset", "membarrier",
	"landlock_create_ruleset", "landlock_add_rule", "landlock_restrict_self",
};

static int add_rule(scmp_filter_ctx ctx, uint32_t action, const char *name, unsigned n,
		    const struct scmp_arg_cmp *args)
{
	int nr = seccomp_syscall_resolve_name(name);
	return nr < 0 ? 0 : seccomp_rule_add_array(ctx, action, nr, n, args);
}

static int add_rules(scmp_filter_ctx ctx)
{
	int bad = 0;
	for (size_t i = 0; i < COUNT_OF(allowed); i++)
		bad |= add_rule(ctx, SCMP_ACT_ALLOW, allowed[i], 0, NULL);
	struct scmp_arg_cmp local = { 0, SCMP_CMP_EQ, AF_UNIX, 0 };
	bad |= add_rule(ctx, SCMP_ACT_ALLOW, "socket", 1, &local);
	bad |= add_rule(ctx, SCMP_ACT_ALLOW, "socketpair", 1, &local);
	/* Its arguments stand in memory, where a filter cannot look: glibc takes clone instead. */
	bad |= add_rule(ctx, SCMP_ACT_ERRNO(ENOSYS), "clone3", 0, NULL);
	struct scmp_arg_cmp no_namespace = { 0, SCMP_CMP_MASKED_EQ, NAMESPACES, 0 };
	bad |= add_rule(ctx, SCMP_ACT_ALLOW, "clone", 1, &no_namespace);
	/* The agent is told to read again, a program may abort: nothing else is sent to anybody. */
	struct scmp_arg_cmp hup = { 1, SCMP_CMP_EQ, SIGHUP, 0 }, probe = { 1, SCMP_CMP_EQ, 0, 0 };
	bad |= add_rule(ctx, SCMP_ACT_ALLOW, "kill", 1, &hup);
	bad |= add_rule(ctx, SCMP_ACT_ALLOW, "kill", 1, &probe);
	struct scmp_arg_cmp aborts = { 2, SCMP_CMP_EQ, SIGABRT, 0 };
	bad |= add_rule(ctx, SCMP_ACT_ALLOW, "tgkill", 1, &aborts);
	return bad;
}

enum rc crypto_cage_enter(size_t area_bytes, struct err *err)
{
	enum rc rc = cage_drop_privileges(err);
	if (rc == RC_OK)
		rc = limits(area_bytes, err);
	scmp_filter_ctx ctx = rc == RC_OK ? seccomp_init(SCMP_ACT_ERRNO(EPERM)) : NULL;
	if (rc == RC_OK && (!ctx || add_rules(ctx) != 0))
		rc = fail(err, RC_IO, "cannot make the list of system calls");
	int code = rc == RC_OK ? seccomp_load(ctx) : 0;
	if (ctx)
		seccomp_release(ctx);
	return rc == RC_OK && code != 0 ? fail_errno(err, -code, "cannot lock the list of system calls") : rc;
}

/* The loader is a program too: the one this very program was started by. */
static int find_loader(struct dl_phdr_info *info, size_t size, void *ctx)
{
	const char **out = ctx;
	(void)size;
	for (unsigned i = 0; i < info->dlpi_phnum; i++)
		if (info->dlpi_phdr[i].p_type == PT_INTERP)
			*out = (const char *)(info->dlpi_addr + info->dlpi_phdr[i].p_vaddr);
	return 1; /* the first is the program */
}

enum rc crypto_cage_files(const char *home, struct err *err)
{
	const char *loader = "/lib64/ld-linux-x86-64.so.2";
	bool present;
	dl_iterate_phdr(find_loader, &loader);
	const struct cage_path paths[] = {
		{ GPG, CAGE_RUN },	 { GPGSM, CAGE_RUN },		 { GPG_AGENT, CAGE_RUN },
		{ loader, CAGE_RUN },	 { "/usr/lib", CAGE_READ },	 { "/lib", CAGE_READ },
		{ "/lib64", CAGE_READ }, { "/etc/ld.so.cache", CAGE_READ }, { "/usr/share/gnupg", CAGE_READ },
		{ "/dev/null", CAGE_READ | CAGE_WRITE }, { "/dev/urandom", CAGE_READ },
		{ home, CAGE_READ | CAGE_WRITE },
	};
	return cage_landlock_but(paths, COUNT_OF(paths), &present, err);
}
