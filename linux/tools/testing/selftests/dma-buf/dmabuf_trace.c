// SPDX-License-Identifier: GPL-2.0
/*
 * The tracepoints of reservation objects: what user space does to a dma-buf shows
 * up there, with the names of the usages.
 */
#include "dmabuf_util.h"

#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <sys/time.h>

#include "../kselftest_harness.h"

#define RD DMA_BUF_SYNC_READ
#define WR DMA_BUF_SYNC_WRITE
#define RW DMA_BUF_SYNC_RW

#define A_WHILE_MS	50

/* What the kernel returns from a wait that a signal ends */
#define ERESTARTSYS	512

#define OBJ_SIZE	32

FIXTURE(trace)
{
	char dir[64];
	int buf;
	int tl;
};

/* Whoever else traces is not disturbed by an instance of our own */
static bool trace_open(char *dir, size_t size)
{
	static const char * const roots[] = {
		"/sys/kernel/tracing", "/sys/kernel/debug/tracing"
	};
	char path[128];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(roots); i++) {
		snprintf(path, sizeof(path), "%s/events/dma_resv/enable", roots[i]);
		if (access(path, W_OK))
			continue;
		snprintf(dir, size, "%s/instances/dmabuf-%d", roots[i], getpid());
		return !mkdir(dir, 0700);
	}

	return false;
}

static int trace_set(const char *dir, const char *file, const char *text)
{
	char path[128];
	int fd, ret = 0;

	snprintf(path, sizeof(path), "%s/%s", dir, file);
	fd = open(path, O_WRONLY | O_TRUNC);
	if (fd < 0)
		return -errno;
	if (write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		ret = -errno;
	close(fd);

	return ret;
}

/*
 * Copy what event number @n of the name says, or fail. A task is traced alone, so
 * nobody else's are among them.
 */
static bool trace_get(const char *dir, const char *event, int n, char *text, size_t size)
{
	char path[128], line[512], mark[64], *at;
	bool found = false;
	FILE *f;

	snprintf(path, sizeof(path), "%s/trace", dir);
	snprintf(mark, sizeof(mark), ": %s: ", event);
	f = fopen(path, "r");
	if (!f)
		return false;
	while (!found && fgets(line, sizeof(line), f)) {
		at = strstr(line, mark);
		if (*line == '#' || !at || n--)
			continue;
		at += strlen(mark);
		at[strcspn(at, "\n")] = '\0';
		snprintf(text, size, "%s", at);
		found = true;
	}
	fclose(f);

	return found;
}

FIXTURE_SETUP(trace)
{
	char pid[16];

	self->buf = buf_new(BUF_UDMABUF);
	if (self->buf == -ENODEV)
		SKIP_TEST("no buffer: /dev/udmabuf is missing");
	ASSERT_LE(0, self->buf);
	self->tl = sw_timeline();
	if (self->tl < 0)
		SKIP_TEST("no fences: %s is missing", SW_TIMELINE_PATH);
	if (!trace_open(self->dir, sizeof(self->dir)))
		SKIP_TEST("no tracefs, or no events of dma_resv in it");

	snprintf(pid, sizeof(pid), "%d", getpid());
	ASSERT_EQ(0, trace_set(self->dir, "set_event_pid", pid));
	ASSERT_EQ(0, trace_set(self->dir, "events/dma_resv/enable", "1"));
}

FIXTURE_TEARDOWN(trace)
{
	trace_set(self->dir, "events/dma_resv/enable", "0");
	rmdir(self->dir);
	close(self->tl);
	close(self->buf);
}

/* What only the kernel knows: contexts, and times in jiffies. 0 if it is not there */
static long long number(const char *text, const char *key)
{
	const char *at = strstr(text, key);

	return at ? atoll(at + strlen(key)) : 0;
}

static void expect_no_event(struct __test_metadata *_metadata, const char *dir,
			    const char *event, int n)
{
	char text[512] = "";

	EXPECT_FALSE(trace_get(dir, event, n, text, sizeof(text)));
	EXPECT_STREQ("", text);
}

/* Compare everything but the object, whose name goes to @obj */
static void __attribute__((__format__(__printf__, 6, 7)))
expect_event(struct __test_metadata *_metadata, const char *dir,
	     const char *event, int n, char *obj, const char *format, ...)
{
	char text[512] = "", want[256];
	size_t len = strlen("obj=");
	va_list args;

	va_start(args, format);
	vsnprintf(want, sizeof(want), format, args);
	va_end(args);

	*obj = '\0';
	EXPECT_TRUE(trace_get(dir, event, n, text, sizeof(text)));
	EXPECT_EQ(0, strncmp(text, "obj=", len));
	if (strncmp(text, "obj=", len))
		return;
	snprintf(obj, OBJ_SIZE, "%.*s", (int)strcspn(text + len, " "), text + len);
	len += strcspn(text + len, " ");
	len += strspn(text + len, " ");
	EXPECT_STREQ(want, text + len);
}

static long long expect_number(struct __test_metadata *_metadata, const char *dir,
			       const char *event, int n, const char *key)
{
	char text[512] = "";
	long long ret;

	EXPECT_TRUE(trace_get(dir, event, n, text, sizeof(text)));
	ret = number(text, key);
	EXPECT_LT(0, ret);

	return ret;
}

static void expect_add(struct __test_metadata *_metadata, const char *dir, int n,
		       char *obj, int seqno, const char *usage)
{
	long long context = expect_number(_metadata, dir, "dma_resv_add", n,
					  "context=");

	expect_event(_metadata, dir, "dma_resv_add", n, obj,
		     "driver=sw_sync timeline=%s context=%lld seqno=%d usage=%s",
		     program_invocation_short_name, context, seqno, usage);
}

TEST_F(trace, an_import_is_an_add)
{
	char a[OBJ_SIZE], b[OBJ_SIZE];

	ASSERT_EQ(0, buf_import_new(self->buf, WR, self->tl, 1));
	ASSERT_EQ(0, buf_import_new(self->buf, RD, self->tl, 2));
	expect_add(_metadata, self->dir, 0, a, 1, "write");
	expect_add(_metadata, self->dir, 1, b, 2, "read");
	expect_no_event(_metadata, self->dir, "dma_resv_add", 2);
	EXPECT_STREQ(a, b);
}

TEST_F(trace, an_export_adds_nothing)
{
	int fd;

	ASSERT_EQ(0, buf_import_new(self->buf, WR, self->tl, 1));
	fd = buf_export(self->buf, RW);
	ASSERT_LE(0, fd);
	close(fd);
	expect_no_event(_metadata, self->dir, "dma_resv_add", 1);
	expect_no_event(_metadata, self->dir, "dma_resv_replace", 0);
	expect_no_event(_metadata, self->dir, "dma_resv_wait_begin", 0);
}

static void *advance_later(void *tl)
{
	sleep_ms(A_WHILE_MS);
	sw_advance(*(int *)tl, 1);

	return NULL;
}

static int access_begin(int buf, __u64 flags)
{
	struct dma_buf_sync sync = { .flags = DMA_BUF_SYNC_START | flags };

	return ioctl(buf, DMA_BUF_IOCTL_SYNC, &sync) ? -errno : 0;
}

static void expect_wait(struct __test_metadata *_metadata, const char *dir, int buf,
			int tl, __u64 access, const char *usage)
{
	char added[OBJ_SIZE], begun[OBJ_SIZE], ended[OBJ_SIZE];
	long long timeout, left;
	pthread_t thread;

	ASSERT_EQ(0, buf_import_new(buf, WR, tl, 1));
	ASSERT_EQ(0, pthread_create(&thread, NULL, advance_later, &tl));
	EXPECT_EQ(0, access_begin(buf, access));
	pthread_join(thread, NULL);

	expect_add(_metadata, dir, 0, added, 1, "write");
	timeout = expect_number(_metadata, dir, "dma_resv_wait_begin", 0, "timeout=");
	expect_event(_metadata, dir, "dma_resv_wait_begin", 0, begun,
		     "usage=%s intr=1 timeout=%lld", usage, timeout);
	left = expect_number(_metadata, dir, "dma_resv_wait_end", 0, "ret=");
	expect_event(_metadata, dir, "dma_resv_wait_end", 0, ended,
		     "usage=%s ret=%lld", usage, left);
	EXPECT_STREQ(added, begun);
	EXPECT_STREQ(added, ended);
}

TEST_F(trace, a_read_waits_for_writes)
{
	expect_wait(_metadata, self->dir, self->buf, self->tl, RD, "write");
}

TEST_F(trace, a_write_waits_for_reads)
{
	expect_wait(_metadata, self->dir, self->buf, self->tl, WR, "read");
}

static void on_alarm(int sig)
{
}

TEST_F(trace, an_interrupted_wait_says_so)
{
	struct sigaction sa = { .sa_handler = on_alarm };
	struct itimerval soon = { .it_value.tv_usec = A_WHILE_MS * 1000 };
	char obj[OBJ_SIZE];

	ASSERT_EQ(0, buf_import_new(self->buf, WR, self->tl, 1));
	ASSERT_EQ(0, sigaction(SIGALRM, &sa, NULL));
	ASSERT_EQ(0, setitimer(ITIMER_REAL, &soon, NULL));
	EXPECT_EQ(-EINTR, access_begin(self->buf, RD));
	expect_event(_metadata, self->dir, "dma_resv_wait_end", 0, obj, "usage=write ret=%d",
		     -ERESTARTSYS);
}

TEST_F(trace, idle_is_no_wait)
{
	EXPECT_EQ(0, access_begin(self->buf, RD | WR));
	expect_no_event(_metadata, self->dir, "dma_resv_wait_begin", 0);
	expect_no_event(_metadata, self->dir, "dma_resv_wait_end", 0);
}

TEST_F(trace, off_is_off)
{
	ASSERT_EQ(0, trace_set(self->dir, "events/dma_resv/enable", "0"));
	ASSERT_EQ(0, buf_import_new(self->buf, WR, self->tl, 1));
	expect_no_event(_metadata, self->dir, "dma_resv_add", 0);
}

TEST_HARNESS_MAIN
