// SPDX-License-Identifier: GPL-2.0
/*
 * Who waits for whom on a shared buffer, for somebody who has never heard of
 * dma_resv. Every actor is a process of its own which gets the same dma-buf
 * as a file descriptor; the jobs run in the resv_mover module. The same program runs
 * on kernels without usages and without the sync_file ioctls, to compare.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <linux/dma-buf.h>
#include <linux/sync_file.h>

#include "mover/resv_mover.h"

#ifndef DMA_BUF_IOCTL_EXPORT_SYNC_FILE
struct dma_buf_export_sync_file {
	__u32 flags;
	__s32 fd;
};

struct dma_buf_import_sync_file {
	__u32 flags;
	__s32 fd;
};

#define DMA_BUF_IOCTL_EXPORT_SYNC_FILE \
	_IOWR(DMA_BUF_BASE, 2, struct dma_buf_export_sync_file)
#define DMA_BUF_IOCTL_IMPORT_SYNC_FILE \
	_IOW(DMA_BUF_BASE, 3, struct dma_buf_import_sync_file)
#endif

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))
#define NS_PER_MS	1000000ULL
#define COLUMNS		60
#define MAX_ACTORS	6
#define BUF_PAGES	16
#define WAIT_MS		10000

/* Below this, nobody has waited; an emulated CPU takes its time. */
#define NOISE_MS	60

enum action {
	JOB_READ = RESV_JOB_READ,
	JOB_WRITE = RESV_JOB_WRITE,
	JOB_EXPLICIT = RESV_JOB_EXPLICIT,
	JOB_FLUSH = RESV_JOB_FLUSH,
	JOB_MOVE = RESV_JOB_MOVE,
	CPU_MAP,	/* map the buffer and look at it */
	CPU_POLL,	/* wait with poll(), then look at it */
	SYNC_WAIT,	/* export a sync_file and wait for that */
	SYNC_HANDOVER,	/* export, explicit job, import: as Vulkan does */
};

struct actor {
	const char *name;
	enum action action;
	unsigned int at_ms;
	unsigned int run_ms;
	const char *what;
};

/* What a process tells about itself, in addition to what its job tells. */
struct outcome {
	int error;		/* of the sync_file ioctls */
	unsigned int job;
	unsigned int frame;
	bool garbage;
	__u64 asked_ns;	/* wanted to go on ... */
	__u64 ready_ns;	/* ... and could */
	unsigned int nr_waits;
	char waits[4][32];
};

struct played {
	struct outcome out;
	struct resv_mover_result res;
	bool has_job;
};

struct scene {
	const char *name;
	const char *caption;
	struct actor actors[MAX_ACTORS];
	const char *focus;	/* whose waiting is the point of the scene */
	bool focus_thread;	/* of its thread, not of its job */
	const char *verdict_new, *verdict_old;
	void (*expect)(const struct scene *s, const struct played *p);
};

static bool has_usage, has_ioctls;
static unsigned int failures, scene_failures;

static const char * const usage_names[] = {
	[RESV_WAIT_KERNEL] = "KERNEL",
	[RESV_WAIT_WRITE] = "WRITE",
	[RESV_WAIT_READ] = "READ",
	[RESV_WAIT_BOOKKEEP] = "BOOKKEEP",
	[RESV_WAIT_IN_FENCE] = "sync_file",
	[RESV_WAIT_EXCLUSIVE] = "exclusive",
	[RESV_WAIT_SHARED] = "shared",
};

static __u64 now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ULL + ts.tv_nsec;
}

static void sleep_until(__u64 ns)
{
	struct timespec ts = {
		.tv_sec = ns / 1000000000ULL,
		.tv_nsec = ns % 1000000000ULL,
	};

	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL);
}

static void __attribute__((noreturn)) die(const char *what)
{
	printf("demo: %s: %s\n", what, strerror(errno));
	exit(3);
}

static bool wait_fd(int fd, short events)
{
	struct pollfd p = { .fd = fd, .events = events };

	return poll(&p, 1, WAIT_MS) == 1;
}

/* A process takes the buffer from the one that made it, without a network. */
static int fd_take(pid_t from, int fd)
{
	int pidfd = syscall(SYS_pidfd_open, from, 0), taken = -1;

	if (pidfd >= 0)
		taken = syscall(SYS_pidfd_getfd, pidfd, fd, 0);
	if (taken < 0)
		die("taking the buffer from the process that made it");
	close(pidfd);

	return taken;
}

/* The actors, each in a process of its own */

static int submit(int dev, int buf, const struct actor *a, __u32 kind,
		  int in_fence, struct outcome *out)
{
	struct resv_mover_job job = {
		.buf = buf,
		.kind = kind,
		.ms = a->run_ms,
		.in_fence = in_fence,
	};

	if (a->action == SYNC_HANDOVER)
		job.flags = RESV_JOB_WRITES;
	strncpy(job.name, a->name, sizeof(job.name) - 1);
	if (ioctl(dev, RESV_MOVER_JOB, &job))
		die("RESV_MOVER_JOB");
	out->job = job.id;

	return job.out_fence;
}

static int sync_export(int buf, __u32 flags)
{
	struct dma_buf_export_sync_file arg = { .flags = flags, .fd = -1 };

	return ioctl(buf, DMA_BUF_IOCTL_EXPORT_SYNC_FILE, &arg) ? -errno :
								  arg.fd;
}

static int sync_import(int buf, __u32 flags, int fd)
{
	struct dma_buf_import_sync_file arg = { .flags = flags, .fd = fd };

	return ioctl(buf, DMA_BUF_IOCTL_IMPORT_SYNC_FILE, &arg) ? -errno : 0;
}

/* Whose fences is this sync_file made of? */
static void sync_names(int fd, struct outcome *out)
{
	struct sync_fence_info each[4];
	struct sync_file_info info = {
		.num_fences = ARRAY_SIZE(each),
		.sync_fence_info = (uintptr_t)each,
	};
	unsigned int i;

	if (ioctl(fd, SYNC_IOC_FILE_INFO, &info))
		return;
	for (i = 0; i < info.num_fences; i++) {
		if (each[i].status)
			continue;
		memcpy(out->waits[out->nr_waits++], each[i].obj_name,
		       sizeof(out->waits[0]));
	}
}

static void look_at(int buf, struct outcome *out)
{
	const struct resv_mover_page *head;

	head = mmap(NULL, 4096, PROT_READ, MAP_SHARED, buf, 0);
	if (head == MAP_FAILED)
		die("mmap");
	out->garbage = head->magic != RESV_MOVER_MAGIC;
	out->frame = head->done;
	munmap((void *)head, 4096);
}

static void say(int up, const struct outcome *out)
{
	if (write(up, out, sizeof(*out)) != sizeof(*out))
		_exit(4);
}

/* From here on others may go on; this process may block now. */
static void say_submitted(int up)
{
	if (write(up, "s", 1) != 1)
		_exit(4);
}

static void handover(int dev, int up, int buf, const struct actor *a,
		     struct outcome *out)
{
	int in = sync_export(buf, DMA_BUF_SYNC_RW), fence;

	if (in >= 0) {
		fence = submit(dev, buf, a, RESV_JOB_EXPLICIT, in, out);
		out->error = sync_import(buf, DMA_BUF_SYNC_WRITE, fence);
		out->ready_ns = now_ns();
		say_submitted(up);
		return;
	}

	/* Without the ioctls: the CPU has to wait, before and after. */
	out->error = in;
	say_submitted(up);
	wait_fd(buf, POLLOUT);
	fence = submit(dev, buf, a, RESV_JOB_EXPLICIT, -1, out);
	wait_fd(fence, POLLIN);
	out->ready_ns = now_ns();
}

static void sync_wait(int up, int buf, struct outcome *out)
{
	int fd = sync_export(buf, DMA_BUF_SYNC_READ);

	say_submitted(up);
	if (fd < 0) {
		out->error = fd;
	} else {
		sync_names(fd, out);
		wait_fd(fd, POLLIN);
	}
	out->ready_ns = now_ns();
}

static void act(int dev, int up, int down, int buffer, const struct actor *a)
{
	struct dma_buf_sync cpu = { .flags = DMA_BUF_SYNC_READ };
	struct outcome out = { 0 };
	int buf = fd_take(getppid(), buffer);
	char go;

	if (read(down, &go, 1) != 1)
		_exit(4);

	out.asked_ns = now_ns();
	switch (a->action) {
	case JOB_READ:
	case JOB_WRITE:
	case JOB_EXPLICIT:
	case JOB_MOVE:
	case JOB_FLUSH:
		/* These processes leave while their jobs go on. */
		submit(dev, buf, a, (__u32)a->action, -1, &out);
		out.ready_ns = now_ns();
		say_submitted(up);
		break;
	case SYNC_HANDOVER:
		handover(dev, up, buf, a, &out);
		break;
	case SYNC_WAIT:
		sync_wait(up, buf, &out);
		break;
	case CPU_POLL:
		say_submitted(up);
		wait_fd(buf, POLLIN);
		out.ready_ns = now_ns();
		ioctl(buf, DMA_BUF_IOCTL_SYNC, &cpu);
		look_at(buf, &out);
		cpu.flags |= DMA_BUF_SYNC_END;
		ioctl(buf, DMA_BUF_IOCTL_SYNC, &cpu);
		break;
	case CPU_MAP:
		say_submitted(up);
		look_at(buf, &out);
		out.ready_ns = now_ns();
		break;
	}
	say(up, &out);
	_exit(0);
}

/* The results */

static bool is_job(const struct actor *a)
{
	return a->action <= JOB_MOVE || a->action == SYNC_HANDOVER;
}

static int find(const struct scene *s, const char *name)
{
	int i;

	for (i = 0; i < MAX_ACTORS && s->actors[i].name; i++) {
		if (!strcmp(s->actors[i].name, name))
			return i;
	}
	die(name);
}

static __u64 asked(const struct played *p)
{
	return p->has_job ? p->res.queued_ns : p->out.asked_ns;
}

static __u64 started(const struct played *p)
{
	return p->has_job ? p->res.start_ns : p->out.ready_ns;
}

static __u64 ended(const struct played *p)
{
	return p->has_job ? p->res.end_ns : p->out.ready_ns;
}

static long waited_ms(const struct played *p)
{
	return (long)((started(p) - asked(p)) / NS_PER_MS);
}

static long thread_ms(const struct played *p)
{
	return (long)((p->out.ready_ns - p->out.asked_ns) / NS_PER_MS);
}

/* Who ended last before this one could go on? For waits that have no names. */
static const char *let_go(const struct scene *s, const struct played *all,
			  const struct played *p)
{
	const char *name = "?";
	__u64 last = 0;
	int i;

	for (i = 0; i < MAX_ACTORS && s->actors[i].name; i++) {
		if (!all[i].has_job || &all[i] == p ||
		    ended(&all[i]) > started(p) || ended(&all[i]) < last)
			continue;
		last = ended(&all[i]);
		name = s->actors[i].name;
	}

	return name;
}

static void print_row(const char *who, const char *whom, const char *under,
		      long ms)
{
	printf("    %-12s %-14s %-22s %5ld ms\n", who, whom, under, ms);
}

static void print_waits(const struct scene *s, const struct played *all, int i)
{
	const struct actor *a = &s->actors[i];
	const struct played *p = &all[i];
	unsigned int w;

	if (p->out.error == -ENOTTY && a->action == SYNC_WAIT) {
		printf("    %-12s %s\n", a->name,
		       "cannot ask: the kernel lacks the ioctl (ENOTTY)");
		return;
	}
	if (p->has_job) {
		for (w = 0; w < p->res.nr_waits; w++)
			print_row(a->name, p->res.waits[w].name,
				  usage_names[p->res.waits[w].usage],
				  (long)((p->res.waits[w].until_ns -
					  asked(p)) / NS_PER_MS));
		if (!p->res.nr_waits)
			print_row(a->name, "nobody", "-", waited_ms(p));
		return;
	}
	if (a->action == SYNC_WAIT) {
		for (w = 0; w < p->out.nr_waits; w++)
			print_row(a->name, p->out.waits[w], "sync_file (READ)",
				  waited_ms(p));
		return;
	}
	if (a->action == CPU_POLL)
		print_row(a->name, let_go(s, all, p),
			  has_usage ? "EPOLLIN (WRITE)" : "EPOLLIN (exclusive)",
			  waited_ms(p));
	else
		print_row(a->name, let_go(s, all, p), has_usage ?
			  "page fault (KERNEL)" : "page fault (exclusive)",
			  waited_ms(p));
}

static void print_remarks(const struct scene *s, const struct played *all,
			  int i)
{
	const struct actor *a = &s->actors[i];
	const struct played *p = &all[i];

	if (a->action == SYNC_HANDOVER && p->out.error == -ENOTTY)
		printf("    %s: no ioctl to take or give a sync_file (ENOTTY)\n",
		       a->name);
	if (a->action == SYNC_HANDOVER)
		printf("    %s: its thread was blocked for %ld ms\n", a->name,
		       thread_ms(p));
	if (p->out.garbage || p->res.flags & RESV_RESULT_GARBAGE)
		printf("    %s: TOUCHED MEMORY THAT WAS NOT THERE YET\n",
		       a->name);
	if (p->res.flags & RESV_RESULT_TORN)
		printf("    %s: READ A FRAME THAT WAS STILL BEING WRITTEN\n",
		       a->name);
}

static int column(__u64 t, __u64 from, __u64 to)
{
	__u64 c = (t - from) * COLUMNS / (to - from);

	return c > COLUMNS ? COLUMNS : (int)c;
}

static void print_timeline(const struct scene *s, const struct played *all,
			   int nr)
{
	__u64 from = UINT64_MAX, to = 0;
	char bar[COLUMNS + 1], scale[32];
	int i, c, begin, start, end;

	for (i = 0; i < nr; i++) {
		if (asked(&all[i]) < from)
			from = asked(&all[i]);
		if (ended(&all[i]) > to)
			to = ended(&all[i]);
	}
	if (to <= from)
		to = from + 1;

	snprintf(scale, sizeof(scale), "%llu ms",
		 (unsigned long long)((to - from) / NS_PER_MS));
	printf("    %-12s 0%*s\n", "", COLUMNS, scale);
	for (i = 0; i < nr; i++) {
		const struct played *p = &all[i];

		memset(bar, ' ', COLUMNS);
		bar[COLUMNS] = '\0';
		begin = column(asked(p), from, to);
		start = column(started(p), from, to);
		end = column(ended(p), from, to);
		if (end == start)
			end = start + 1;
		for (c = begin; c < COLUMNS && c < end; c++)
			bar[c] = c < start ? '.' : '#';
		if (start >= COLUMNS)
			bar[COLUMNS - 1] = '#';
		printf("    %-12s|%s| %s", s->actors[i].name, bar,
		       s->actors[i].what);
		if (s->actors[i].action == JOB_READ)
			printf(": frame %u", p->res.frame);
		printf("\n");
	}
}

/* What the contract says must have happened */

static void expect(const struct scene *s, bool ok, const char *what)
{
	if (ok)
		return;
	printf("RESV-DEMO-FAIL scene=%s expected: %s\n", s->name, what);
	scene_failures++;
}

static bool waited_for(const struct scene *s, const struct played *all,
		       const char *who, const char *whom, __u32 usage)
{
	const struct played *p = &all[find(s, who)];
	unsigned int i;

	for (i = 0; i < p->res.nr_waits; i++) {
		if (!strcmp(p->res.waits[i].name, whom) &&
		    p->res.waits[i].usage == usage &&
		    p->res.waits[i].until_ns <= p->res.start_ns)
			return true;
	}

	return false;
}

static unsigned int nr_waits(const struct scene *s, const struct played *all,
			     const char *who)
{
	return all[find(s, who)].res.nr_waits;
}

static bool free_to_go(const struct scene *s, const struct played *all,
		       const char *who)
{
	return !nr_waits(s, all, who) &&
	       waited_ms(&all[find(s, who)]) < NOISE_MS;
}

/* One that ran before the other had ended. */
static bool overlap(const struct scene *s, const struct played *all,
		    const char *a, const char *b)
{
	const struct played *pa = &all[find(s, a)], *pb = &all[find(s, b)];

	return started(pa) < ended(pb) && started(pb) < ended(pa);
}

static void expect_clean(const struct scene *s, const struct played *all)
{
	int i;

	for (i = 0; i < MAX_ACTORS && s->actors[i].name; i++)
		expect(s, !all[i].out.garbage && !all[i].res.flags,
		       "nobody sees garbage or half a frame");
}

static void expect_implicit(const struct scene *s, const struct played *p)
{
	expect(s, waited_for(s, p, "reader 1", "writer", RESV_WAIT_WRITE) &&
	       nr_waits(s, p, "reader 1") == 1,
	       "reader 1 waits for the writer only");
	expect(s, waited_for(s, p, "reader 2", "writer", RESV_WAIT_WRITE) &&
	       nr_waits(s, p, "reader 2") == 1,
	       "reader 2 waits for the writer only");
	expect(s, overlap(s, p, "reader 1", "reader 2"),
	       "the readers run side by side");
	expect(s, waited_for(s, p, "writer 2", "reader 1", RESV_WAIT_READ) &&
	       waited_for(s, p, "writer 2", "reader 2", RESV_WAIT_READ),
	       "writer 2 waits for both readers");
	expect(s, p[find(s, "reader 2")].res.frame == 1,
	       "reader 2 sees the first frame");
	expect_clean(s, p);
}

static void expect_move(const struct scene *s, const struct played *p)
{
	const struct played *move = &p[find(s, "move")];
	const struct played *cpu = &p[find(s, "CPU")];

	expect(s, waited_for(s, p, "explicit", "move", RESV_WAIT_KERNEL),
	       "the explicit client waits for the move");
	expect(s, waited_for(s, p, "reader", "move", RESV_WAIT_KERNEL),
	       "the reader waits for the move");
	expect(s, started(cpu) >= ended(move),
	       "the page fault waits for the move");
	expect_clean(s, p);
}

static void expect_explicit(const struct scene *s, const struct played *p)
{
	expect(s, free_to_go(s, p, "explicit"),
	       "the explicit client waits for nobody");
	expect(s, overlap(s, p, "explicit", "writer"),
	       "the explicit client runs beside the writer");
	expect(s, waited_for(s, p, "reader", "writer", RESV_WAIT_WRITE) &&
	       nr_waits(s, p, "reader") == 1,
	       "the reader waits for the writer only");
	expect_clean(s, p);
}

static void expect_beside(const struct scene *s, const struct played *p)
{
	expect(s, free_to_go(s, p, "writer"),
	       "the implicit writer waits for nobody");
	expect(s, waited_for(s, p, "move", "explicit", RESV_WAIT_BOOKKEEP),
	       "the move waits for the explicit job");
	expect(s, waited_for(s, p, "move", "writer", RESV_WAIT_WRITE),
	       "the move waits for the writer");
	expect_clean(s, p);
}

static void expect_flush(const struct scene *s, const struct played *p)
{
	expect(s, free_to_go(s, p, "writer"),
	       "the writer does not wait for the flush");
	expect(s, waited_for(s, p, "reader", "writer", RESV_WAIT_WRITE) &&
	       nr_waits(s, p, "reader") == 1,
	       "the reader waits for the writer, not for the flush");
	expect(s, waited_for(s, p, "move", "exiting", RESV_WAIT_BOOKKEEP),
	       "the move waits for the flush");
	expect_clean(s, p);
}

static void expect_sync_file(const struct scene *s, const struct played *p)
{
	const struct played *vulkan = &p[find(s, "vulkan")];
	const struct played *waiter = &p[find(s, "waiter")];
	const struct played *cpu = &p[find(s, "CPU")];

	expect(s, !vulkan->out.error && !waiter->out.error,
	       "both ioctls are there");
	expect(s, waited_for(s, p, "vulkan", "writer", RESV_WAIT_IN_FENCE),
	       "the explicit job waits for the exported fence");
	expect(s, thread_ms(vulkan) < NOISE_MS,
	       "the thread of the explicit client is never blocked");
	expect(s, waited_for(s, p, "reader", "vulkan", RESV_WAIT_WRITE),
	       "the reader waits for the imported fence");
	expect(s, p[find(s, "reader")].res.frame == 2,
	       "the reader sees the frame of the explicit client");
	expect(s, started(waiter) >= ended(vulkan),
	       "the exported sync_file covers the imported fence");
	expect(s, started(cpu) >= ended(vulkan) && cpu->out.frame == 2,
	       "EPOLLIN waits for the imported fence");
	expect_clean(s, p);
}

static const struct scene scenes[] = {
	{
		.name = "implicit",
		.caption =
			"Programs that know nothing of each other share a buffer; the kernel keeps them in order.",
		.actors = {
			{ "writer", JOB_WRITE, 0, 150, "draws frame 1" },
			{ "reader 1", JOB_READ, 20, 150, "shows it" },
			{ "reader 2", JOB_READ, 40, 150, "records it" },
			{ "writer 2", JOB_WRITE, 60, 100, "draws frame 2" },
		},
		.focus = "reader 2",
		.verdict_new =
			"readers wait for the writer, the next writer for the readers, readers never for each other.",
		.verdict_old =
			"the same here: this is what the exclusive and the shared fences were made for.",
		.expect = expect_implicit,
	},
	{
		.name = "move",
		.caption =
			"The kernel moves the buffer to other memory while it is in use.",
		.actors = {
			{ "move", JOB_MOVE, 0, 250, "kernel moves the pages" },
			{ "explicit", JOB_EXPLICIT, 25, 100, "explicit sync" },
			{ "reader", JOB_READ, 50, 100, "implicit sync" },
			{ "CPU", CPU_MAP, 75, 0, "reads through mmap" },
		},
		.focus = "explicit",
		.verdict_new =
			"everybody waits for the move, it is KERNEL; explicit sync is no excuse.",
		.verdict_old =
			"all wait as well, but only because each exclusive fence must be taken for a move. The next scene shows the price.",
		.expect = expect_move,
	},
	{
		.name = "explicit",
		.caption =
			"A client that has arranged its order itself (explicit sync) uses a buffer that somebody writes.",
		.actors = {
			{ "writer", JOB_WRITE, 0, 300, "implicit sync" },
			{ "explicit", JOB_EXPLICIT, 25, 100, "other part of it" },
			{ "reader", JOB_READ, 50, 60, "implicit sync" },
		},
		.focus = "explicit",
		.verdict_new =
			"the writer is WRITE, not KERNEL: the explicit client runs at once, the reader waits.",
		.verdict_old =
			"the writer's exclusive fence might have been a move: the explicit client stalls for nothing.",
		.expect = expect_explicit,
	},
	{
		.name = "beside",
		.caption =
			"The explicit client is first; then an implicit writer comes, and the kernel wants to move the buffer.",
		.actors = {
			{ "explicit", JOB_EXPLICIT, 0, 300, "explicit sync" },
			{ "writer", JOB_WRITE, 25, 100, "implicit sync" },
			{ "move", JOB_MOVE, 50, 50, "kernel moves the pages" },
		},
		.focus = "writer",
		.verdict_new =
			"BOOKKEEP holds the memory where it is, and holds up nobody else: only the move waits for it.",
		.verdict_old =
			"the explicit job can only be a shared fence, so the writer stalls behind it.",
		.expect = expect_beside,
	},
	{
		.name = "flush",
		.caption =
			"A process that shared the buffer exits, and its slow TLB flush still holds on to the memory.",
		.actors = {
			{ "exiting", JOB_FLUSH, 0, 400, "TLB flush" },
			{ "writer", JOB_WRITE, 25, 80, "another process" },
			{ "reader", JOB_READ, 50, 80, "and one more" },
			{ "move", JOB_MOVE, 75, 40, "kernel moves the pages" },
		},
		.focus = "writer",
		.verdict_new =
			"the flush is BOOKKEEP: the others go on, only the move has to wait for it.",
		.verdict_old =
			"the flush can only be a shared fence: the writer stalls behind it, and the reader behind the writer.",
		.expect = expect_flush,
	},
	{
		.name = "sync_file",
		.caption =
			"A Vulkan client takes what it must wait for out of the buffer as a sync_file, and puts its own fence back in.",
		.actors = {
			{ "writer", JOB_WRITE, 0, 150, "draws frame 1" },
			{ "vulkan", SYNC_HANDOVER, 25, 150, "draws frame 2" },
			{ "reader", JOB_READ, 50, 80, "shows a frame" },
			{ "waiter", SYNC_WAIT, 75, 0, "polls a sync_file" },
			{ "CPU", CPU_POLL, 100, 0, "polls the buffer" },
		},
		.focus = "vulkan",
		.focus_thread = true,
		.verdict_new =
			"export and import join both worlds: no thread is blocked, and the reader shows the new frame.",
		.verdict_old =
			"without the ioctls the thread of the client has to block, and a reader that came after it shows the old frame.",
		.expect = expect_sync_file,
	},
};

static void play(const struct scene *s, struct played *all, int nr)
{
	struct resv_mover_create create = { .pages = BUF_PAGES };
	int dev[MAX_ACTORS], up[MAX_ACTORS][2], down[MAX_ACTORS][2], i;
	pid_t pid[MAX_ACTORS];
	__u64 t0;
	char byte;

	fflush(stdout);
	for (i = 0; i < nr; i++) {
		dev[i] = open("/dev/resv-mover", O_RDWR | O_CLOEXEC);
		if (dev[i] < 0)
			die("/dev/resv-mover");
		if (!i && ioctl(dev[0], RESV_MOVER_CREATE, &create))
			die("RESV_MOVER_CREATE");
		if (pipe2(up[i], O_CLOEXEC) || pipe2(down[i], O_CLOEXEC))
			die("pipe");
		pid[i] = fork();
		if (pid[i] < 0)
			die("fork");
		if (!pid[i]) {
			/* The buffer is taken by itself, not with fork(). */
			close(create.fd);
			act(dev[i], up[i][1], down[i][0], create.fd,
			    &s->actors[i]);
		}
		close(up[i][1]);
		close(down[i][0]);
	}

	/* One after the other, whatever the speed of the machine. */
	t0 = now_ns();
	for (i = 0; i < nr; i++) {
		sleep_until(t0 + s->actors[i].at_ms * NS_PER_MS);
		if (write(down[i][1], "g", 1) != 1 ||
		    read(up[i][0], &byte, 1) != 1)
			die(s->actors[i].name);
	}

	for (i = 0; i < nr; i++) {
		struct played *p = &all[i];

		if (read(up[i][0], &p->out, sizeof(p->out)) != sizeof(p->out))
			die(s->actors[i].name);
		if (waitpid(pid[i], NULL, 0) != pid[i])
			die("waitpid");
		p->has_job = is_job(&s->actors[i]);
		p->res.id = p->out.job;
		if (p->has_job && ioctl(dev[i], RESV_MOVER_RESULT, &p->res))
			die("RESV_MOVER_RESULT");
		close(up[i][0]);
		close(down[i][1]);
		close(dev[i]);
	}
	close(create.fd);
}

static long show(const struct scene *s, int number)
{
	struct played all[MAX_ACTORS];
	unsigned int garbage = 0, torn = 0;
	const struct played *focus;
	char who[32];
	long stall;
	int nr, i;

	for (nr = 0; nr < MAX_ACTORS && s->actors[nr].name; nr++)
		;
	memset(all, 0, sizeof(all));
	play(s, all, nr);

	printf("\n== %d. %s ==\n  %s\n\n", number, s->name, s->caption);
	print_timeline(s, all, nr);
	printf("\n    %-12s %-14s %-22s %8s\n", "who", "waited for", "under",
	       "how long");
	for (i = 0; i < nr; i++)
		print_waits(s, all, i);
	for (i = 0; i < nr; i++) {
		print_remarks(s, all, i);
		garbage += all[i].out.garbage ||
			   all[i].res.flags & RESV_RESULT_GARBAGE;
		torn += !!(all[i].res.flags & RESV_RESULT_TORN);
	}

	focus = &all[find(s, s->focus)];
	stall = s->focus_thread ? thread_ms(focus) : waited_ms(focus);
	printf("\n  => %s\n\n", has_usage ? s->verdict_new : s->verdict_old);

	snprintf(who, sizeof(who), "%s", s->focus);
	for (i = 0; who[i]; i++)
		who[i] = who[i] == ' ' ? '_' : who[i];

	scene_failures = 0;
	if (has_usage)
		s->expect(s, all);
	failures += scene_failures;
	printf("RESV-DEMO scene=%s kernel=%s who=%s stall_ms=%ld ", s->name,
	       has_usage ? "usages" : "old", who, stall);
	printf("garbage=%u torn=%u ioctl=%s checks=%s\n", garbage, torn,
	       has_ioctls ? "yes" : "ENOTTY",
	       !has_usage ? "none" : scene_failures ? "failed" : "ok");

	return stall;
}

static void probe(void)
{
	struct resv_mover_create create = { .pages = 1 };
	struct resv_mover_info info = { 0 };
	int dev = open("/dev/resv-mover", O_RDWR | O_CLOEXEC), fd;

	if (dev < 0)
		die("/dev/resv-mover");
	if (ioctl(dev, RESV_MOVER_INFO, &info) ||
	    ioctl(dev, RESV_MOVER_CREATE, &create))
		die("resv_mover");
	has_usage = info.has_usage;
	fd = sync_export(create.fd, DMA_BUF_SYNC_RW);
	has_ioctls = fd != -ENOTTY;
	if (fd >= 0)
		close(fd);
	close(create.fd);
	close(dev);
}

int main(void)
{
	long stall[ARRAY_SIZE(scenes)];
	size_t i;

	setvbuf(stdout, NULL, _IOLBF, 0);
	probe();

	printf("\nOne buffer, several processes, and who waits for whom.\n");
	printf("Each line is a process with a job on the same shared buffer;\n");
	printf("'.' is waiting, '#' is running, time goes to the right.\n");
	printf("This kernel: %s\n", has_usage ?
	       "each fence says what it is for (KERNEL, WRITE, READ, BOOKKEEP)" :
	       "fences are only \"exclusive\" or \"shared\"");

	for (i = 0; i < ARRAY_SIZE(scenes); i++)
		stall[i] = show(&scenes[i], i + 1);

	printf("\n== In short ==\n");
	printf("    %-12s %-12s %s\n", "scene", "who", "had to wait");
	for (i = 0; i < ARRAY_SIZE(scenes); i++)
		printf("    %-12s %-12s %6ld ms\n", scenes[i].name,
		       scenes[i].focus, stall[i]);
	printf("\nRESV-DEMO-END scenes=%zu failed=%u\n", ARRAY_SIZE(scenes),
	       failures);

	return failures ? 1 : 0;
}
