/* SPDX-License-Identifier: Apache-2.0 */
/* measure: runs a command and says how long it took and how much memory its
 * whole process tree held (sum of PSS from /proc/PID/smaps_rollup, every
 * 50 ms): {"seconds":…,"peak_mib":…,"peak_node_mib":…} on stderr. */
#include "base/clock.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static uint64_t pss_kib(long pid)
{
	char path[64], line[256];
	uint64_t kib = 0;
	snprintf(path, sizeof(path), "/proc/%ld/smaps_rollup", pid);
	FILE *f = fopen(path, "re");
	if (!f)
		return 0;
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, "Pss: %lu kB", &kib) == 1)
			break;
	fclose(f);
	return kib;
}

static long parent_of(long pid)
{
	char path[64], text[512];
	long parent = 0;
	snprintf(path, sizeof(path), "/proc/%ld/stat", pid);
	FILE *f = fopen(path, "re");
	if (!f)
		return 0;
	size_t n = fread(text, 1, sizeof(text) - 1, f);
	text[n] = '\0';
	fclose(f);
	const char *behind = strrchr(text, ')');
	if (behind && sscanf(behind + 1, " %*c %ld", &parent) != 1)
		parent = 0;
	return parent;
}

static bool descends(long pid, long from)
{
	for (int i = 0; pid > 1 && i < 8; i++) {
		if (pid == from)
			return true;
		pid = parent_of(pid);
	}
	return false;
}

static void sample(long root, uint64_t *peak, uint64_t *peak_root)
{
	uint64_t all = 0, mine = pss_kib(root);
	DIR *proc = opendir("/proc");
	struct dirent *e;
	while (proc && (e = readdir(proc))) {
		int64_t pid;
		if (str_to_i64(str_of(e->d_name), &pid) && pid != root && descends(pid, root))
			all += pss_kib(pid);
	}
	if (proc)
		closedir(proc);
	all += mine;
	*peak = all > *peak ? all : *peak;
	*peak_root = mine > *peak_root ? mine : *peak_root;
}

int main(int argc, char **argv)
{
	uint64_t peak = 0, peak_root = 0;
	int status = 0;
	if (argc < 2) {
		fprintf(stderr, "usage: measure COMMAND...\n");
		return 64;
	}
	int64_t start = clock_mono_us();
	pid_t pid = fork();
	if (pid == 0) {
		execvp(argv[1], argv + 1);
		_exit(127);
	}
	while (waitpid(pid, &status, WNOHANG) == 0) {
		sample(pid, &peak, &peak_root);
		usleep(50000);
	}
	fprintf(stderr, "{\"seconds\":%.3f,\"peak_mib\":%.1f,\"peak_node_mib\":%.1f}\n",
		(double)(clock_mono_us() - start) / 1e6, (double)peak / 1024, (double)peak_root / 1024);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}
