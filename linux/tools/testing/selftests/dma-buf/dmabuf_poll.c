// SPDX-License-Identifier: GPL-2.0
/*
 * poll() and epoll on a dma-buf: EPOLLIN waits like a reader, EPOLLOUT like a
 * writer, for any number of pollers at once, and no wake-up is ever lost.
 */
#include "dmabuf_util.h"

#include <pthread.h>
#include <sys/epoll.h>
#include <sys/wait.h>

#include "../kselftest_harness.h"

#define RD DMA_BUF_SYNC_READ
#define WR DMA_BUF_SYNC_WRITE
#define RW DMA_BUF_SYNC_RW

#define INOUT (POLLIN | POLLOUT)

#define POLLERS		16
#define RACE_ROUNDS	1000
#define CHURN_ROUNDS	300

FIXTURE(poll)
{
	int buf;
	int tl[3];
};

FIXTURE_VARIANT(poll)
{
	enum buf_kind kind;
	const char *device;
};

FIXTURE_VARIANT_ADD(poll, vgem)
{
	.kind = BUF_VGEM,
	.device = "a vgem device",
};

FIXTURE_VARIANT_ADD(poll, udmabuf)
{
	.kind = BUF_UDMABUF,
	.device = "/dev/udmabuf",
};

FIXTURE_SETUP(poll)
{
	unsigned int i;

	self->buf = buf_new(variant->kind);
	if (self->buf == -ENODEV)
		SKIP_TEST("no buffer: %s is missing", variant->device);
	ASSERT_LE(0, self->buf);

	for (i = 0; i < ARRAY_SIZE(self->tl); i++) {
		self->tl[i] = sw_timeline();
		if (self->tl[i] < 0)
			SKIP_TEST("no fences: %s is missing", SW_TIMELINE_PATH);
	}

	if (buf_import(self->buf, 0, -1) == -ENOTTY)
		SKIP_TEST("this kernel cannot import a sync_file");
}

FIXTURE_TEARDOWN(poll)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(self->tl); i++)
		close(self->tl[i]);
	close(self->buf);
}

#define IMPORT(buf, flags, timeline, value) \
	ASSERT_EQ(0, buf_import_new(buf, flags, timeline, value))

/* What is ready right now, and what becomes ready. */
#define READY_NOW(buf, events) wait_events(buf, events, 0)
#define READY(buf, events) wait_events(buf, events, SIGNAL_TIMEOUT_MS)

TEST_F(poll, idle)
{
	EXPECT_EQ(POLLIN, READY_NOW(self->buf, POLLIN));
	EXPECT_EQ(POLLOUT, READY_NOW(self->buf, POLLOUT));
	EXPECT_EQ(INOUT, READY_NOW(self->buf, INOUT));
}

TEST_F(poll, no_events_asked_for)
{
	EXPECT_EQ(0, READY_NOW(self->buf, 0));
	EXPECT_EQ(0, READY_NOW(self->buf, POLLPRI));
	IMPORT(self->buf, WR, self->tl[0], 1);
	EXPECT_EQ(0, READY_NOW(self->buf, 0));
}

TEST_F(poll, a_write_holds_up_both)
{
	IMPORT(self->buf, WR, self->tl[0], 1);
	EXPECT_EQ(0, READY_NOW(self->buf, POLLIN));
	EXPECT_EQ(0, READY_NOW(self->buf, POLLOUT));
	EXPECT_EQ(0, READY_NOW(self->buf, INOUT));
	ASSERT_EQ(0, sw_advance(self->tl[0], 1));
	EXPECT_EQ(POLLIN, READY(self->buf, POLLIN));
	EXPECT_EQ(POLLOUT, READY(self->buf, POLLOUT));
	EXPECT_EQ(INOUT, READY(self->buf, INOUT));
}

/* What is polled is in no other place any more when it signals */
TEST_F(poll, timeline_is_closed)
{
	IMPORT(self->buf, WR, self->tl[0], 1);
	EXPECT_EQ(0, READY_NOW(self->buf, POLLIN));
	/* A later one takes its place in the buffer */
	IMPORT(self->buf, WR, self->tl[0], 2);
	ASSERT_EQ(0, close(self->tl[0]));
	self->tl[0] = sw_timeline();
	EXPECT_EQ(INOUT, READY(self->buf, INOUT));
}

TEST_F(poll, a_read_holds_up_writers_only)
{
	IMPORT(self->buf, RD, self->tl[0], 1);
	EXPECT_EQ(POLLIN, READY_NOW(self->buf, POLLIN));
	EXPECT_EQ(0, READY_NOW(self->buf, POLLOUT));
	EXPECT_EQ(POLLIN, READY_NOW(self->buf, INOUT));
	ASSERT_EQ(0, sw_advance(self->tl[0], 1));
	EXPECT_EQ(POLLOUT, READY(self->buf, POLLOUT));
	EXPECT_EQ(INOUT, READY(self->buf, INOUT));
}

TEST_F(poll, out_waits_for_every_reader)
{
	int i;

	for (i = 0; i < 3; i++)
		IMPORT(self->buf, RD, self->tl[i], 1);
	for (i = 0; i < 3; i++) {
		EXPECT_EQ(0, READY_NOW(self->buf, POLLOUT));
		ASSERT_EQ(0, sw_advance(self->tl[2 - i], 1));
	}
	EXPECT_EQ(POLLOUT, READY(self->buf, POLLOUT));
}

TEST_F(poll, in_waits_for_every_writer)
{
	int i;

	for (i = 0; i < 3; i++)
		IMPORT(self->buf, WR, self->tl[i], 1);
	for (i = 0; i < 3; i++) {
		EXPECT_EQ(0, READY_NOW(self->buf, POLLIN));
		ASSERT_EQ(0, sw_advance(self->tl[i], 1));
	}
	EXPECT_EQ(POLLIN, READY(self->buf, POLLIN));
}

TEST_F(poll, writer_done_before_the_reader)
{
	IMPORT(self->buf, RD, self->tl[0], 1);
	IMPORT(self->buf, WR, self->tl[1], 1);
	EXPECT_EQ(0, READY_NOW(self->buf, INOUT));
	ASSERT_EQ(0, sw_advance(self->tl[1], 1));
	EXPECT_EQ(POLLIN, READY(self->buf, INOUT));
	EXPECT_EQ(0, READY_NOW(self->buf, POLLOUT));
	ASSERT_EQ(0, sw_advance(self->tl[0], 1));
	EXPECT_EQ(POLLOUT, READY(self->buf, POLLOUT));
}

TEST_F(poll, reader_done_before_the_writer)
{
	IMPORT(self->buf, RD, self->tl[0], 1);
	IMPORT(self->buf, WR, self->tl[1], 1);
	ASSERT_EQ(0, sw_advance(self->tl[0], 1));
	EXPECT_EQ(0, wait_events(self->buf, INOUT, 20));
	ASSERT_EQ(0, sw_advance(self->tl[1], 1));
	EXPECT_EQ(POLLIN, READY(self->buf, POLLIN));
	EXPECT_EQ(POLLOUT, READY(self->buf, POLLOUT));
}

TEST_F(poll, signalled_fence)
{
	int fence = sw_fence(self->tl[0], 1);

	ASSERT_LE(0, fence);
	ASSERT_EQ(0, sw_advance(self->tl[0], 1));
	ASSERT_EQ(0, buf_import(self->buf, RW, fence));
	EXPECT_EQ(INOUT, READY_NOW(self->buf, INOUT));
	close(fence);
}

TEST_F(poll, failed_fence_ends_the_wait)
{
	IMPORT(self->buf, WR, self->tl[0], 1);
	EXPECT_EQ(0, READY_NOW(self->buf, INOUT));
	ASSERT_EQ(0, close(self->tl[0]));
	self->tl[0] = -1;
	EXPECT_EQ(POLLIN, READY(self->buf, POLLIN));
	EXPECT_EQ(POLLOUT, READY(self->buf, POLLOUT));
}

TEST_F(poll, merged_file)
{
	int a = sw_fence(self->tl[0], 1), b = sw_fence(self->tl[1], 1), m;

	m = sync_merge2(a, b);
	ASSERT_LE(0, m);
	ASSERT_EQ(0, buf_import(self->buf, WR, m));
	close(a);
	close(b);
	close(m);
	EXPECT_EQ(0, READY_NOW(self->buf, POLLIN));
	ASSERT_EQ(0, sw_advance(self->tl[0], 1));
	EXPECT_EQ(0, wait_events(self->buf, POLLIN, 20));
	ASSERT_EQ(0, sw_advance(self->tl[1], 1));
	EXPECT_EQ(POLLIN, READY(self->buf, POLLIN));
}

TEST_F(poll, timeout_passes_and_asking_again_works)
{
	int i;

	IMPORT(self->buf, WR, self->tl[0], 1);
	for (i = 0; i < 5; i++)
		EXPECT_EQ(0, wait_events(self->buf, POLLIN, 5));
	ASSERT_EQ(0, sw_advance(self->tl[0], 1));
	EXPECT_EQ(POLLIN, READY(self->buf, POLLIN));
}

/* Pollers that sleep while somebody else signals */

struct poller {
	pthread_t thread;
	int fd;
	short events;
	int got;
	long long woken;
};

static void *poller_thread(void *data)
{
	struct poller *p = data;

	p->got = READY(p->fd, p->events);
	p->woken = now_ms();

	return NULL;
}

static int poller_start(struct poller *p, int fd, short events)
{
	p->fd = fd;
	p->events = events;
	p->got = -1;

	return pthread_create(&p->thread, NULL, poller_thread, p);
}

TEST_F(poll, sleeping_reader_is_woken)
{
	struct poller p;
	long long before;

	IMPORT(self->buf, WR, self->tl[0], 1);
	ASSERT_EQ(0, poller_start(&p, self->buf, POLLIN));
	sleep_ms(30);
	before = now_ms();
	ASSERT_EQ(0, sw_advance(self->tl[0], 1));
	ASSERT_EQ(0, pthread_join(p.thread, NULL));
	EXPECT_EQ(POLLIN, p.got);
	EXPECT_LE(before, p.woken);
}

TEST_F(poll, sleeping_writer_waits_for_the_last_fence)
{
	struct poller p;
	long long before;

	IMPORT(self->buf, RD, self->tl[0], 1);
	IMPORT(self->buf, RD, self->tl[1], 1);
	IMPORT(self->buf, WR, self->tl[2], 1);
	ASSERT_EQ(0, poller_start(&p, self->buf, POLLOUT));
	sleep_ms(30);
	ASSERT_EQ(0, sw_advance(self->tl[0], 1));
	sleep_ms(10);
	ASSERT_EQ(0, sw_advance(self->tl[2], 1));
	sleep_ms(10);
	before = now_ms();
	ASSERT_EQ(0, sw_advance(self->tl[1], 1));
	ASSERT_EQ(0, pthread_join(p.thread, NULL));
	EXPECT_EQ(POLLOUT, p.got);
	EXPECT_LE(before, p.woken);
}

TEST_F(poll, fence_added_while_asleep)
{
	struct poller p;
	long long before;

	IMPORT(self->buf, WR, self->tl[0], 1);
	ASSERT_EQ(0, poller_start(&p, self->buf, POLLIN));
	sleep_ms(30);
	IMPORT(self->buf, WR, self->tl[1], 1);

	/* The first one wakes the poller, who must then see the second. */
	ASSERT_EQ(0, sw_advance(self->tl[0], 1));
	sleep_ms(30);
	before = now_ms();
	ASSERT_EQ(0, sw_advance(self->tl[1], 1));
	ASSERT_EQ(0, pthread_join(p.thread, NULL));
	EXPECT_EQ(POLLIN, p.got);
	EXPECT_LE(before, p.woken);
}

TEST_F(poll, later_fence_of_the_same_timeline)
{
	struct poller p;
	long long before;

	IMPORT(self->buf, WR, self->tl[0], 1);
	ASSERT_EQ(0, poller_start(&p, self->buf, POLLIN));
	sleep_ms(30);

	/* It replaces the one that the poller is waiting for. */
	IMPORT(self->buf, WR, self->tl[0], 2);
	ASSERT_EQ(0, sw_advance(self->tl[0], 1));
	sleep_ms(30);
	before = now_ms();
	ASSERT_EQ(0, sw_advance(self->tl[0], 1));
	ASSERT_EQ(0, pthread_join(p.thread, NULL));
	EXPECT_EQ(POLLIN, p.got);
	EXPECT_LE(before, p.woken);
}

TEST_F(poll, reader_and_writer_asleep_at_once)
{
	struct poller in, out;
	long long before;

	IMPORT(self->buf, WR, self->tl[0], 1);
	IMPORT(self->buf, RD, self->tl[1], 1);
	ASSERT_EQ(0, poller_start(&out, self->buf, POLLOUT));
	ASSERT_EQ(0, poller_start(&in, self->buf, POLLIN));
	sleep_ms(30);
	ASSERT_EQ(0, sw_advance(self->tl[0], 1));
	ASSERT_EQ(0, pthread_join(in.thread, NULL));
	EXPECT_EQ(POLLIN, in.got);
	sleep_ms(30);
	before = now_ms();
	ASSERT_EQ(0, sw_advance(self->tl[1], 1));
	ASSERT_EQ(0, pthread_join(out.thread, NULL));
	EXPECT_EQ(POLLOUT, out.got);
	EXPECT_LE(before, out.woken);
}

TEST_F(poll, many_threads)
{
	static const short events[] = { POLLIN, POLLOUT, INOUT, POLLOUT };
	struct poller p[POLLERS];
	int i;

	IMPORT(self->buf, WR, self->tl[0], 1);
	IMPORT(self->buf, RD, self->tl[1], 1);
	for (i = 0; i < POLLERS; i++)
		ASSERT_EQ(0, poller_start(&p[i], self->buf, events[i % 4]));
	sleep_ms(50);
	ASSERT_EQ(0, sw_advance(self->tl[0], 1));
	for (i = 0; i < POLLERS; i++) {
		if (!(p[i].events & POLLIN))
			continue;
		ASSERT_EQ(0, pthread_join(p[i].thread, NULL));
		EXPECT_EQ(POLLIN, p[i].got);
	}
	ASSERT_EQ(0, sw_advance(self->tl[1], 1));
	for (i = 0; i < POLLERS; i++) {
		if (p[i].events & POLLIN)
			continue;
		ASSERT_EQ(0, pthread_join(p[i].thread, NULL));
		EXPECT_EQ(POLLOUT, p[i].got);
	}
}

TEST_F(poll, many_processes)
{
	pid_t pid[POLLERS];
	int i, status;

	IMPORT(self->buf, WR, self->tl[0], 1);
	for (i = 0; i < POLLERS; i++) {
		short events = i & 1 ? POLLIN : POLLOUT;

		pid[i] = fork();
		ASSERT_LE(0, pid[i]);
		if (!pid[i])
			_exit(READY(self->buf, events) != events);
	}
	sleep_ms(50);
	ASSERT_EQ(0, sw_advance(self->tl[0], 1));
	for (i = 0; i < POLLERS; i++) {
		ASSERT_EQ(pid[i], waitpid(pid[i], &status, 0));
		EXPECT_EQ(0, status);
	}
}

TEST_F(poll, a_poller_that_gives_up_takes_nobody_along)
{
	struct poller p;

	IMPORT(self->buf, WR, self->tl[0], 1);
	ASSERT_EQ(0, poller_start(&p, self->buf, POLLIN));
	EXPECT_EQ(0, wait_events(self->buf, POLLIN, 30));
	ASSERT_EQ(0, sw_advance(self->tl[0], 1));
	ASSERT_EQ(0, pthread_join(p.thread, NULL));
	EXPECT_EQ(POLLIN, p.got);
}

TEST_F(poll, a_killed_poller_takes_nobody_along)
{
	struct poller p;
	pid_t pid;

	IMPORT(self->buf, WR, self->tl[0], 1);
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid)
		_exit(READY(self->buf, INOUT));
	sleep_ms(30);
	ASSERT_EQ(0, poller_start(&p, self->buf, POLLOUT));
	sleep_ms(30);
	ASSERT_EQ(0, kill(pid, SIGKILL));
	ASSERT_EQ(pid, waitpid(pid, NULL, 0));
	ASSERT_EQ(0, sw_advance(self->tl[0], 1));
	ASSERT_EQ(0, pthread_join(p.thread, NULL));
	EXPECT_EQ(POLLOUT, p.got);
}

/* The buffer goes away before the fence that was polled */

TEST_F(poll, close_while_a_fence_pends)
{
	int before = fd_count();

	IMPORT(self->buf, WR, self->tl[0], 1);
	IMPORT(self->buf, RD, self->tl[1], 1);
	EXPECT_EQ(0, READY_NOW(self->buf, POLLIN));
	EXPECT_EQ(0, READY_NOW(self->buf, POLLOUT));
	ASSERT_EQ(0, close(self->buf));
	self->buf = -1;
	sleep_ms(20);
	EXPECT_EQ(0, sw_advance(self->tl[0], 1));
	EXPECT_EQ(0, sw_advance(self->tl[1], 1));
	EXPECT_EQ(before - 1, fd_count());
}

TEST_F(poll, close_many_while_fences_pend)
{
	int i, buf;

	for (i = 0; i < 100; i++) {
		buf = buf_new(variant->kind);
		ASSERT_LE(0, buf);
		IMPORT(buf, i & 1 ? WR : RD, self->tl[i % 3], i + 1);
		EXPECT_EQ(0, READY_NOW(buf, POLLOUT));
		ASSERT_EQ(0, close(buf));
	}
	for (i = 0; i < 3; i++)
		EXPECT_EQ(0, sw_advance(self->tl[i], 200));
}

TEST_F(poll, exit_while_a_fence_pends)
{
	int status;
	pid_t pid = fork();

	ASSERT_LE(0, pid);
	if (!pid) {
		int buf = buf_new(variant->kind);

		if (buf_import_new(buf, WR, self->tl[0], 1))
			_exit(1);
		_exit(READY_NOW(buf, INOUT) != 0);
	}
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
	EXPECT_EQ(0, sw_advance(self->tl[0], 1));
}

/* epoll */

static int epoll_on(int fd, __u32 events)
{
	struct epoll_event e = { .events = events };
	int ep = epoll_create1(EPOLL_CLOEXEC);

	if (ep < 0 || epoll_ctl(ep, EPOLL_CTL_ADD, fd, &e))
		return -errno;

	return ep;
}

static int epoll_rearm(int ep, int fd, __u32 events)
{
	struct epoll_event e = { .events = events };

	return epoll_ctl(ep, EPOLL_CTL_MOD, fd, &e) ? -errno : 0;
}

/* The events that epoll delivers within @ms, 0 if none. */
static int epoll_get(int ep, int ms)
{
	struct epoll_event e = { 0 };
	int ret;

	do {
		ret = epoll_wait(ep, &e, 1, ms);
	} while (ret < 0 && errno == EINTR);

	return ret < 0 ? -errno : (int)e.events;
}

TEST_F(poll, epoll_level)
{
	int ep;

	IMPORT(self->buf, WR, self->tl[0], 1);
	ep = epoll_on(self->buf, EPOLLIN);
	ASSERT_LE(0, ep);
	EXPECT_EQ(0, epoll_get(ep, 20));
	ASSERT_EQ(0, sw_advance(self->tl[0], 1));
	EXPECT_EQ((int)EPOLLIN, epoll_get(ep, SIGNAL_TIMEOUT_MS));
	EXPECT_EQ((int)EPOLLIN, epoll_get(ep, 0));

	IMPORT(self->buf, WR, self->tl[0], 2);
	EXPECT_EQ(0, epoll_get(ep, 20));
	ASSERT_EQ(0, sw_advance(self->tl[0], 1));
	EXPECT_EQ((int)EPOLLIN, epoll_get(ep, SIGNAL_TIMEOUT_MS));
	close(ep);
}

TEST_F(poll, epoll_edge)
{
	int ep;

	IMPORT(self->buf, WR, self->tl[0], 1);
	ep = epoll_on(self->buf, EPOLLIN | EPOLLET);
	ASSERT_LE(0, ep);
	EXPECT_EQ(0, epoll_get(ep, 20));
	ASSERT_EQ(0, sw_advance(self->tl[0], 1));
	EXPECT_EQ((int)EPOLLIN, epoll_get(ep, SIGNAL_TIMEOUT_MS));
	EXPECT_EQ(0, epoll_get(ep, 20));

	/* The next fence counts from when somebody asks about it. */
	IMPORT(self->buf, WR, self->tl[0], 2);
	ASSERT_EQ(0, epoll_rearm(ep, self->buf, EPOLLIN | EPOLLET));
	EXPECT_EQ(0, epoll_get(ep, 20));
	ASSERT_EQ(0, sw_advance(self->tl[0], 1));
	EXPECT_EQ((int)EPOLLIN, epoll_get(ep, SIGNAL_TIMEOUT_MS));
	close(ep);
}

TEST_F(poll, epoll_oneshot)
{
	int ep;

	IMPORT(self->buf, WR, self->tl[0], 1);
	ep = epoll_on(self->buf, EPOLLOUT | EPOLLONESHOT);
	ASSERT_LE(0, ep);
	ASSERT_EQ(0, sw_advance(self->tl[0], 1));
	EXPECT_EQ((int)EPOLLOUT, epoll_get(ep, SIGNAL_TIMEOUT_MS));
	EXPECT_EQ(0, epoll_get(ep, 0));
	ASSERT_EQ(0, epoll_rearm(ep, self->buf, EPOLLOUT | EPOLLONESHOT));
	EXPECT_EQ((int)EPOLLOUT, epoll_get(ep, SIGNAL_TIMEOUT_MS));
	close(ep);
}

TEST_F(poll, epoll_two_fences_one_after_another)
{
	int ep;

	IMPORT(self->buf, RD, self->tl[0], 1);
	IMPORT(self->buf, RD, self->tl[1], 1);
	ep = epoll_on(self->buf, EPOLLOUT);
	ASSERT_LE(0, ep);
	ASSERT_EQ(0, sw_advance(self->tl[0], 1));
	EXPECT_EQ(0, epoll_get(ep, 20));
	ASSERT_EQ(0, sw_advance(self->tl[1], 1));
	EXPECT_EQ((int)EPOLLOUT, epoll_get(ep, SIGNAL_TIMEOUT_MS));
	close(ep);
}

TEST_F(poll, epoll_in_then_out)
{
	int ep;

	IMPORT(self->buf, WR, self->tl[0], 1);
	IMPORT(self->buf, RD, self->tl[1], 1);
	ep = epoll_on(self->buf, EPOLLIN | EPOLLOUT);
	ASSERT_LE(0, ep);
	EXPECT_EQ(0, epoll_get(ep, 20));
	ASSERT_EQ(0, sw_advance(self->tl[0], 1));
	EXPECT_EQ((int)EPOLLIN, epoll_get(ep, SIGNAL_TIMEOUT_MS));
	ASSERT_EQ(0, sw_advance(self->tl[1], 1));
	ASSERT_EQ(0, epoll_rearm(ep, self->buf, EPOLLOUT));
	EXPECT_EQ((int)EPOLLOUT, epoll_get(ep, SIGNAL_TIMEOUT_MS));
	close(ep);
}

TEST_F(poll, several_epolls_on_one_buffer)
{
	int ep[4], other = dup(self->buf), i;

	ASSERT_LE(0, other);
	IMPORT(self->buf, WR, self->tl[0], 1);
	for (i = 0; i < 4; i++) {
		ep[i] = epoll_on(i & 1 ? other : self->buf,
				 i & 2 ? EPOLLOUT : EPOLLIN);
		ASSERT_LE(0, ep[i]);
		EXPECT_EQ(0, epoll_get(ep[i], 0));
	}
	ASSERT_EQ(0, sw_advance(self->tl[0], 1));
	for (i = 0; i < 4; i++) {
		EXPECT_EQ((int)(i & 2 ? EPOLLOUT : EPOLLIN),
			  epoll_get(ep[i], SIGNAL_TIMEOUT_MS));
		close(ep[i]);
	}
	close(other);
}

TEST_F(poll, epoll_closed_while_a_fence_pends)
{
	int ep;

	IMPORT(self->buf, WR, self->tl[0], 1);
	ep = epoll_on(self->buf, EPOLLIN | EPOLLOUT);
	ASSERT_LE(0, ep);
	EXPECT_EQ(0, epoll_get(ep, 0));
	close(ep);
	EXPECT_EQ(0, READY_NOW(self->buf, INOUT));
	ASSERT_EQ(0, sw_advance(self->tl[0], 1));
	EXPECT_EQ(POLLIN, READY(self->buf, POLLIN));
}

TEST_F(poll, buffer_closed_under_epoll)
{
	int ep;

	IMPORT(self->buf, WR, self->tl[0], 1);
	ep = epoll_on(self->buf, EPOLLIN | EPOLLOUT);
	ASSERT_LE(0, ep);
	EXPECT_EQ(0, epoll_get(ep, 0));
	ASSERT_EQ(0, close(self->buf));
	self->buf = -1;
	EXPECT_EQ(0, sw_advance(self->tl[0], 1));

	/* Whether the event is still seen is up to epoll; a crash is not. */
	epoll_get(ep, 20);
	close(ep);
}

/* Races */

struct signaller {
	pthread_t thread;
	pthread_barrier_t barrier;
	int timeline;
	int rounds;
};

static void *signaller_thread(void *data)
{
	struct signaller *s = data;
	int i;

	for (i = 0; i < s->rounds; i++) {
		pthread_barrier_wait(&s->barrier);
		sw_advance(s->timeline, 1);
	}

	return NULL;
}

TEST_F_TIMEOUT(poll, no_wake_up_is_lost, 120)
{
	struct signaller s = { .timeline = self->tl[0], .rounds = RACE_ROUNDS };
	int lost = 0, i;

	ASSERT_EQ(0, pthread_barrier_init(&s.barrier, NULL, 2));
	ASSERT_EQ(0, pthread_create(&s.thread, NULL, signaller_thread, &s));
	for (i = 0; i < RACE_ROUNDS; i++) {
		short events = i & 1 ? POLLIN : POLLOUT;

		IMPORT(self->buf, WR, self->tl[0], i + 1);
		pthread_barrier_wait(&s.barrier);

		/* The fence signals before, while, or after we go to sleep. */
		if (READY(self->buf, events) != events && ++lost == 3)
			break;
	}
	EXPECT_EQ(0, lost);
	if (lost < 3)
		pthread_join(s.thread, NULL);
}

TEST_F_TIMEOUT(poll, no_epoll_wake_up_is_lost, 120)
{
	struct signaller s = { .timeline = self->tl[0], .rounds = RACE_ROUNDS };
	int lost = 0, ep = epoll_on(self->buf, EPOLLIN), i;

	ASSERT_LE(0, ep);
	ASSERT_EQ(0, pthread_barrier_init(&s.barrier, NULL, 2));
	ASSERT_EQ(0, pthread_create(&s.thread, NULL, signaller_thread, &s));
	for (i = 0; i < RACE_ROUNDS; i++) {
		IMPORT(self->buf, WR, self->tl[0], i + 1);
		pthread_barrier_wait(&s.barrier);
		if (epoll_get(ep, SIGNAL_TIMEOUT_MS) != EPOLLIN && ++lost == 3)
			break;
	}
	EXPECT_EQ(0, lost);
	if (lost < 3)
		pthread_join(s.thread, NULL);
	close(ep);
}

struct churn {
	pthread_t thread;
	int buf;
	int timeline;
	int errors;
};

/* Fences come and go while others poll. */
static void *churn_thread(void *data)
{
	struct churn *c = data;
	int i;

	for (i = 1; i <= CHURN_ROUNDS; i++) {
		if (buf_import_new(c->buf, i & 1 ? RD : WR, c->timeline, i))
			c->errors++;
		sched_yield();
		if (sw_advance(c->timeline, 1))
			c->errors++;
	}

	return NULL;
}

TEST_F_TIMEOUT(poll, pollers_while_fences_come_and_go, 120)
{
	struct poller p[POLLERS];
	struct churn c[3];
	int i, round;

	for (i = 0; i < 3; i++) {
		c[i].buf = self->buf;
		c[i].timeline = self->tl[i];
		c[i].errors = 0;
		ASSERT_EQ(0, pthread_create(&c[i].thread, NULL, churn_thread,
					    &c[i]));
	}
	for (round = 0; round < 10; round++) {
		for (i = 0; i < POLLERS; i++)
			ASSERT_EQ(0, poller_start(&p[i], self->buf,
						  i & 1 ? POLLIN : POLLOUT));
		for (i = 0; i < POLLERS; i++) {
			ASSERT_EQ(0, pthread_join(p[i].thread, NULL));
			EXPECT_EQ(p[i].events, p[i].got);
		}
	}
	for (i = 0; i < 3; i++) {
		ASSERT_EQ(0, pthread_join(c[i].thread, NULL));
		EXPECT_EQ(0, c[i].errors);
	}
	EXPECT_EQ(INOUT, READY(self->buf, INOUT));
}

/*
 * The fences of a driver, which need no ioctl of dma-buf: this part also
 * holds on kernels that cannot import a sync_file.
 */

FIXTURE(poll_driver)
{
	int dev;
	int buf;
	__u32 handle;
};

FIXTURE_SETUP(poll_driver)
{
	self->buf = vgem_buffer_keep(&self->dev, &self->handle);
	if (self->buf == -ENODEV)
		SKIP_TEST("no vgem device");
	ASSERT_LE(0, self->buf);
}

FIXTURE_TEARDOWN(poll_driver)
{
	close(self->buf);
	close(self->dev);
}

TEST_F(poll_driver, write)
{
	int fence = vgem_attach(self->dev, self->handle, true);

	ASSERT_LT(0, fence);
	EXPECT_EQ(0, READY_NOW(self->buf, POLLIN));
	EXPECT_EQ(0, READY_NOW(self->buf, POLLOUT));
	ASSERT_EQ(0, vgem_signal(self->dev, fence));
	EXPECT_EQ(POLLIN, READY(self->buf, POLLIN));
	EXPECT_EQ(POLLOUT, READY(self->buf, POLLOUT));
}

TEST_F(poll_driver, read)
{
	int fence = vgem_attach(self->dev, self->handle, false);

	ASSERT_LT(0, fence);
	EXPECT_EQ(POLLIN, READY_NOW(self->buf, POLLIN));
	EXPECT_EQ(0, READY_NOW(self->buf, POLLOUT));
	ASSERT_EQ(0, vgem_signal(self->dev, fence));
	EXPECT_EQ(POLLOUT, READY(self->buf, POLLOUT));
}

TEST_F(poll_driver, two_reads)
{
	int a = vgem_attach(self->dev, self->handle, false);
	int b = vgem_attach(self->dev, self->handle, false);

	ASSERT_LT(0, a);
	ASSERT_LT(0, b);
	EXPECT_EQ(0, READY_NOW(self->buf, POLLOUT));
	ASSERT_EQ(0, vgem_signal(self->dev, b));
	EXPECT_EQ(0, wait_events(self->buf, POLLOUT, 20));
	ASSERT_EQ(0, vgem_signal(self->dev, a));
	EXPECT_EQ(POLLOUT, READY(self->buf, POLLOUT));
}

TEST_F(poll_driver, sleeping_reader_is_woken)
{
	int fence = vgem_attach(self->dev, self->handle, true);
	struct poller p;

	ASSERT_LT(0, fence);
	ASSERT_EQ(0, poller_start(&p, self->buf, POLLIN));
	sleep_ms(30);
	ASSERT_EQ(0, vgem_signal(self->dev, fence));
	ASSERT_EQ(0, pthread_join(p.thread, NULL));
	EXPECT_EQ(POLLIN, p.got);
}

TEST_HARNESS_MAIN
