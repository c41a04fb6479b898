// SPDX-License-Identifier: GPL-2.0
/*
 * The first and only program of the test machine: it mounts what the tests
 * need, runs the job that the kernel command line names (resv.job=NAME),
 * frames everything with markers that the host looks for, and powers off.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define __printf(a, b) __attribute__((__format__(__printf__, a, b)))

/* The exit codes that mean "skipped" in the kernel's own tests. */
#define SKIP_KSFT	4
#define SKIP_AUTOMAKE	77

#define STATUS_TIMEOUT	124

/* kmemleak takes nothing for lost that is younger than this. */
#define LEAK_AGE_S	6

#define MOVER_PATH	"/lib/modules/resv_mover.ko"
#define KMEMLEAK_PATH	"/sys/kernel/debug/kmemleak"

struct suite {
	const char *job;
	const char *name;
	const char *path;
	const char *arg;
	unsigned int seconds;
};

/* Those of the job modeset need emulated graphics cards. */
static const struct suite suites[] = {
	{ "selftests", "dma-buf-sync-file", "/tests/dmabuf_sync_file", NULL, 600 },
	{ "selftests", "dma-buf-poll", "/tests/dmabuf_poll", NULL, 600 },
	{ "selftests", "dma-buf-example", "/tests/dmabuf_example", NULL, 60 },
	{ "selftests", "dma-buf-vgem", "/tests/dmabuf_vgem", NULL, 120 },
	{ "selftests", "dma-buf-trace", "/tests/dmabuf_trace", NULL, 120 },
	{ "selftests", "dma-buf-sync-file-32", "/tests/32/dmabuf_sync_file", NULL, 600 },
	{ "selftests", "dma-buf-poll-32", "/tests/32/dmabuf_poll", NULL, 600 },
	{ "selftests", "dma-buf-example-32", "/tests/32/dmabuf_example", NULL, 60 },
	{ "selftests", "dma-buf-vgem-32", "/tests/32/dmabuf_vgem", NULL, 120 },
	{ "selftests", "fence-graph", "/tests/fence_graph", NULL, 60 },
	{ "selftests", "sync", "/tests/sync_test", NULL, 600 },
	{ "selftests", "udmabuf", "/tests/udmabuf", NULL, 60 },
	{ "selftests", "dmabuf-heaps", "/tests/dmabuf-heap", NULL, 60 },
	{ "modeset", "kms-fences", "/tests/kms_fences", NULL, 300 },
	{ "modeset", "kms-cursor", "/tests/kms_cursor", NULL, 300 },
	{ "modeset", "kms-evict-bochs", "/tests/kms_evict", "bochs-drm", 600 },
	{ "modeset", "kms-evict-qxl", "/tests/kms_evict", "qxl", 600 },
	{ "rdma", "rdma-dmabuf", "/tests/rdma_dmabuf", NULL, 300 },
	{ "rdma", "rdma-copy", "/tests/rdma_copy", NULL, 600 },
};

/* One write per marker, so that the kernel's own lines do not split it. */
static void __printf(1, 2) mark(const char *fmt, ...)
{
	char line[256];
	va_list args;
	int len;

	va_start(args, fmt);
	len = vsnprintf(line, sizeof(line), fmt, args);
	va_end(args);

	fflush(stdout);
	tcdrain(STDOUT_FILENO);
	if (write(STDOUT_FILENO, line, len) != len)
		_exit(1);
	tcdrain(STDOUT_FILENO);
}

static void mount_one(const char *type, const char *dir)
{
	mkdir(dir, 0755);
	if (mount(type, dir, type, 0, NULL) && errno != EBUSY)
		mark("RESV-NOTE mount %s: %s\n", dir, strerror(errno));
}

static void console_setup(void)
{
	struct termios t;
	int fd = open("/dev/console", O_RDWR);

	if (fd < 0)
		return;

	dup2(fd, STDIN_FILENO);
	dup2(fd, STDOUT_FILENO);
	dup2(fd, STDERR_FILENO);
	if (fd > STDERR_FILENO)
		close(fd);

	/* Lines end as the programs wrote them. */
	if (!tcgetattr(STDOUT_FILENO, &t)) {
		t.c_oflag &= ~OPOST;
		tcsetattr(STDOUT_FILENO, TCSANOW, &t);
	}
}

static bool write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);
	bool ok;

	if (fd < 0)
		return false;
	ok = write(fd, text, strlen(text)) == (ssize_t)strlen(text);
	close(fd);

	return ok;
}

/* The value of "key=" on the kernel command line, or @fallback. */
static const char *kernel_arg(const char *key, const char *fallback)
{
	static char text[4096];
	static char value[64];
	ssize_t len;
	char *word, *rest;
	int fd = open("/proc/cmdline", O_RDONLY);

	if (fd < 0)
		return fallback;
	len = read(fd, text, sizeof(text) - 1);
	close(fd);
	text[len > 0 ? len : 0] = '\0';

	for (word = strtok_r(text, "\n ", &rest); word;
	     word = strtok_r(NULL, "\n ", &rest)) {
		if (strncmp(word, key, strlen(key)))
			continue;
		snprintf(value, sizeof(value), "%s", word + strlen(key));
		return value;
	}

	return fallback;
}

static void on_alarm(int sig)
{
	(void)sig;
}

/*
 * Run one program to its end, but no longer than @seconds. Nothing that
 * it started stays behind: from the first process, -1 means all others.
 */
static int run_bounded(const char *const argv[], unsigned int seconds)
{
	const char *path = argv[0];
	struct sigaction sa = { .sa_handler = on_alarm };
	bool late = false;
	int status;
	pid_t pid, ended;

	fflush(stdout);
	pid = fork();
	if (pid < 0)
		return 1;
	if (!pid) {
		execv(path, (char *const *)argv);
		_exit(127);
	}

	sigaction(SIGALRM, &sa, NULL);
	alarm(seconds);
	for (;;) {
		ended = waitpid(-1, &status, 0);
		if (ended == pid)
			break;
		if (ended > 0)
			continue;
		if (errno != EINTR)
			return 1;
		if (late) {
			mark("RESV-NOTE %s does not die\n", path);
			return STATUS_TIMEOUT;
		}
		late = true;
		mark("RESV-NOTE %s: stuck, killed after %u s\n", path, seconds);
		write_file("/proc/sysrq-trigger", "w");
		kill(-1, SIGKILL);
		alarm(10);
	}
	alarm(0);
	kill(-1, SIGKILL);
	while (waitpid(-1, NULL, WNOHANG) > 0)
		;

	if (late)
		return STATUS_TIMEOUT;

	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) :
				     WEXITSTATUS(status);
}

/* Ask kmemleak twice: only what both scans found unreferenced is shown. */
static int leakscan(void)
{
	char line[512];
	int leaks = 0;
	FILE *f;

	if (access(KMEMLEAK_PATH, R_OK))
		return 0;

	mark("RESV-LEAKS-BEGIN\n");
	sleep(LEAK_AGE_S);
	write_file(KMEMLEAK_PATH, "scan");
	sleep(1);
	write_file(KMEMLEAK_PATH, "scan");

	f = fopen(KMEMLEAK_PATH, "r");
	if (!f) {
		mark("RESV-LEAKS-END count=-1\n");
		return 1;
	}
	while (fgets(line, sizeof(line), f)) {
		leaks += !strncmp(line, "unreferenced object", 19);
		fputs(line, stdout);
	}
	fclose(f);
	mark("RESV-LEAKS-END count=%d\n", leaks);

	return leaks != 0;
}

static int job_leakscan(void)
{
	if (access(KMEMLEAK_PATH, R_OK)) {
		mark("RESV-NOTE this kernel has no kmemleak\n");
		return SKIP_KSFT;
	}

	return leakscan();
}

static int module_load(const char *path, const char *params)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), ret;

	if (fd < 0)
		return -errno;
	ret = syscall(SYS_finit_module, fd, params, 0) ? -errno : 0;
	close(fd);

	return ret;
}

static int job_demo(void)
{
	const char *const argv[] = { "/bin/demo", NULL };
	int ret, status;

	ret = module_load(MOVER_PATH, "");
	if (ret) {
		mark("RESV-NOTE %s: %s\n", MOVER_PATH, strerror(-ret));
		return 1;
	}

	status = run_bounded(argv, 120);

	/* Nothing may be left that keeps the module. */
	if (syscall(SYS_delete_module, "resv_mover", O_NONBLOCK) &&
	    errno != ENOSYS) {
		mark("RESV-NOTE resv_mover is still in use: %s\n",
		     strerror(errno));
		status |= 1;
	}

	return leakscan() | status;
}

static int run_suites(const char *job)
{
	char only[64];
	unsigned int seconds;
	int failed = 0, ran = 0, status;
	size_t i;

	snprintf(only, sizeof(only), "%s", kernel_arg("resv.suite=", ""));
	for (i = 0; i < ARRAY_SIZE(suites); i++) {
		const char *const argv[] = { suites[i].path, suites[i].arg, NULL };

		if (strcmp(job, suites[i].job) ||
		    (*only && strcmp(only, suites[i].name)))
			continue;

		/* Kernels before the series do not have all of them. */
		if (access(suites[i].path, X_OK)) {
			mark("RESV-NOTE suite %s is not here\n", suites[i].name);
			continue;
		}

		seconds = atoi(kernel_arg("resv.timeout=", "0"));
		mark("RESV-SUITE %s\n", suites[i].name);
		status = run_bounded(argv,
				     seconds ? seconds : suites[i].seconds);
		if (status == SKIP_AUTOMAKE)
			status = SKIP_KSFT;
		mark("RESV-SUITE-END %s status=%d\n", suites[i].name, status);
		failed += status && status != SKIP_KSFT;
		ran++;
	}

	/* A run without any suite is not a success. */
	return leakscan() || failed || !ran;
}

static int run_suites_with_mover(const char *job)
{
	int ret = module_load(MOVER_PATH, "");

	if (ret) {
		mark("RESV-NOTE %s: %s\n", MOVER_PATH, strerror(-ret));
		return 1;
	}

	return run_suites(job);
}

static int job_selftests(void)
{
	return run_suites_with_mover("selftests");
}

static int job_modeset(void)
{
	return run_suites_with_mover("modeset");
}

/* What is lost there is lost seldom, so again and again: resv.rounds=N */
static int job_pressure(void)
{
	char rounds[64], seconds[64];
	const char *const argv[] = { "/tests/kms_evict", "-p", rounds, "qxl", NULL };

	snprintf(rounds, sizeof(rounds), "%s", kernel_arg("resv.rounds=", "20"));
	snprintf(seconds, sizeof(seconds), "%s", kernel_arg("resv.timeout=", "3600"));

	return run_bounded(argv, atoi(seconds));
}

static int job_rdma(void)
{
	return run_suites_with_mover("rdma");
}

/* KUnit is built in and ran before user space came up. */
static int job_kunit(void)
{
	return 0;
}

/* So did i915's mock selftests, if it was told to run them; this is how they ended. */
static void mark_mock_selftests(void)
{
	char result[16];
	FILE *f = fopen("/sys/module/i915/parameters/mock_selftests", "r");

	if (!f)
		return;
	if (fgets(result, sizeof(result), f))
		mark("RESV-MOCK i915 %s", result);
	fclose(f);
}

static int job_panic(void)
{
	write_file("/proc/sys/kernel/sysrq", "1");
	write_file("/proc/sysrq-trigger", "c");
	mark("RESV-NOTE the kernel survived sysrq-c\n");

	return 1;
}

static int job_hang(void)
{
	for (;;)
		pause();

	return 1;
}

static int job_warn(void)
{
	return module_load(MOVER_PATH, "warn=1") != 0;
}

static const struct {
	const char *name;
	int (*run)(void);
} jobs[] = {
	{ "demo", job_demo },
	{ "selftests", job_selftests },
	{ "modeset", job_modeset },
	{ "pressure", job_pressure },
	{ "rdma", job_rdma },
	{ "kunit", job_kunit },
	{ "leakscan", job_leakscan },
	{ "panic", job_panic },
	{ "hang", job_hang },
	{ "warn", job_warn },
};

int main(void)
{
	char job[64];
	int status = 127;
	size_t i;

	if (getpid() != 1) {
		fprintf(stderr, "this is the init of the test machine\n");
		return 2;
	}

	mount_one("devtmpfs", "/dev");
	console_setup();
	mount_one("proc", "/proc");
	mount_one("sysfs", "/sys");
	mount_one("debugfs", "/sys/kernel/debug");
	mount_one("tmpfs", "/tmp");
	mount_one("tmpfs", "/dev/shm");
	setenv("PATH", "/bin:/tests", 1);
	setenv("HOME", "/tmp", 1);

	snprintf(job, sizeof(job), "%s", kernel_arg("resv.job=", "demo"));
	mark("RESV-BEGIN %s\n", job);
	mark_mock_selftests();
	for (i = 0; i < ARRAY_SIZE(jobs); i++) {
		if (!strcmp(jobs[i].name, job))
			status = jobs[i].run();
	}
	if (status == 127)
		mark("RESV-NOTE no such job: %s\n", job);

	mark("RESV-END %s status=%d\n", job, status);
	sync();

	/* Nothing here knows how to power off; QEMU ends where others reboot. */
	reboot(RB_AUTOBOOT);
	for (;;)
		pause();
}
