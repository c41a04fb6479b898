// SPDX-License-Identifier: GPL-2.0
/*
 * A renderer and a compositor, which have fences, share a buffer with a display,
 * which has none. This is the example of
 * Documentation/userspace-api/dma-buf-sync-file.rst, which shows parts of it.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <linux/dma-buf.h>
#include <linux/udmabuf.h>

#include "../kselftest.h"

/* example: access */

static int ioctl_again(int fd, unsigned long request, void *arg)
{
	int ret;

	do {
		ret = ioctl(fd, request, arg);
	} while (ret == -1 && (errno == EINTR || errno == EAGAIN));

	return ret == -1 ? -errno : 0;
}

/* Returns a sync_file that @access has to wait for, or a negative errno */
static int access_begin(int buf, __u32 access)
{
	struct dma_buf_export_sync_file arg = { .flags = access };
	int ret = ioctl_again(buf, DMA_BUF_IOCTL_EXPORT_SYNC_FILE, &arg);

	return ret ? ret : arg.fd;
}

/* From now on others wait for @fence, which is a sync_file and stays with us */
static int access_end(int buf, __u32 access, int fence)
{
	struct dma_buf_import_sync_file arg = { .flags = access, .fd = fence };

	return ioctl_again(buf, DMA_BUF_IOCTL_IMPORT_SYNC_FILE, &arg);
}

/* example: poll */

/* Is what @fd stands for complete within @ms? -1 is for as long as it takes */
static bool complete(int fd, short events, int ms)
{
	struct pollfd p = { .fd = fd, .events = events };
	int ret;

	do {
		ret = poll(&p, 1, ms);
	} while (ret == -1 && (errno == EINTR || errno == EAGAIN));

	return ret == 1 && p.revents == events;
}

/* For a kernel without the ioctls: begin when there is nothing to wait for any more */
static bool access_begin_late(int buf, __u32 access)
{
	return complete(buf, access & DMA_BUF_SYNC_WRITE ? POLLOUT : POLLIN, -1);
}

/* ... and have nothing left that others would have to wait for */
static bool access_end_late(int fence)
{
	return complete(fence, POLLIN, -1);
}

/* example: engine */

/*
 * An engine does one job after the other, and has a fence for each. It takes the
 * place of a GPU, and its fences are those of sw_sync: they signal when they are told.
 */
struct engine {
	int timeline;
	__u32 submitted;
};

struct job {
	int wait;	/* sync_file to wait for before the job begins */
	int done;	/* sync_file that signals when it has ended */
};

struct sw_fence_request {
	__u32 value;
	char name[32];
	__s32 fence;
};

#define SW_TIMELINE	"/sys/kernel/debug/sync/sw_sync"
#define SW_FENCE	_IOWR('W', 0, struct sw_fence_request)
#define SW_ADVANCE	_IOW('W', 1, __u32)

static int engine_submit(struct engine *engine, int wait, struct job *job)
{
	struct sw_fence_request arg = {
		.value = ++engine->submitted,
		.name = "job",
	};
	int ret = ioctl_again(engine->timeline, SW_FENCE, &arg);

	job->wait = wait;
	job->done = ret ? ret : arg.fence;

	return ret;
}

/* Do the next job, unless what it waits for is not complete */
static bool engine_run(struct engine *engine, struct job *job)
{
	__u32 one = 1;

	return complete(job->wait, POLLIN, 0) &&
	       !ioctl_again(engine->timeline, SW_ADVANCE, &one);
}

/* example: submit */

/* Have @engine read or write @buf, in turn with everybody else who does */
static int submit(struct engine *engine, int buf, __u32 access, struct job *job)
{
	int wait, ret;

	wait = access_begin(buf, access);
	if (wait < 0)
		return wait;
	ret = engine_submit(engine, wait, job);
	if (ret) {
		close(wait);
		return ret;
	}

	return access_end(buf, access, job->done);
}

/* example: end */

static void job_free(struct job *job)
{
	close(job->wait);
	close(job->done);
}

static int buffer_new(void)
{
	struct udmabuf_create create = {
		.flags = UDMABUF_FLAGS_CLOEXEC,
		.size = 4 * sysconf(_SC_PAGESIZE),
	};
	int dev, buf = -1;

	dev = open("/dev/udmabuf", O_RDWR | O_CLOEXEC);
	if (dev < 0)
		ksft_exit_skip("no buffer: %s\n", strerror(errno));

	create.memfd = memfd_create("picture", MFD_ALLOW_SEALING);
	if (!ftruncate(create.memfd, create.size) &&
	    !fcntl(create.memfd, F_ADD_SEALS, F_SEAL_SHRINK))
		buf = ioctl(dev, UDMABUF_CREATE, &create);
	if (buf < 0)
		ksft_exit_fail_msg("no buffer: %s\n", strerror(errno));
	close(create.memfd);
	close(dev);

	return buf;
}

static void engine_start(struct engine *engine)
{
	engine->submitted = 0;
	engine->timeline = open(SW_TIMELINE, O_RDWR | O_CLOEXEC);
	if (engine->timeline < 0)
		ksft_exit_skip("no fences: %s\n", strerror(errno));
}

static bool idle(int buf, __u32 access)
{
	int wait = access_begin(buf, access);
	bool ret = wait >= 0 && complete(wait, POLLIN, 0);

	close(wait);

	return ret;
}

static void must(bool result, const char *what)
{
	if (result)
		ksft_test_result_pass("%s\n", what);
	else
		ksft_test_result_fail("%s\n", what);
}

int main(void)
{
	struct engine renderer, compositor;
	struct job draw, compose, redraw;
	int buf;

	ksft_print_header();

	buf = buffer_new();
	engine_start(&renderer);
	engine_start(&compositor);
	if (access_begin(buf, 0) == -ENOTTY)
		ksft_exit_skip("this kernel does not have the ioctls\n");

	ksft_set_plan(9);
	must(idle(buf, DMA_BUF_SYNC_RW), "nobody waits for a new buffer");

	/* example: play */

	/* All three are queued, before any of them has begun */
	if (submit(&renderer, buf, DMA_BUF_SYNC_WRITE, &draw) ||
	    submit(&compositor, buf, DMA_BUF_SYNC_READ, &compose) ||
	    submit(&renderer, buf, DMA_BUF_SYNC_WRITE, &redraw))
		ksft_exit_fail_msg("a job could not be submitted\n");

	must(!engine_run(&compositor, &compose), "the compositor waits for the picture");
	must(!complete(buf, POLLIN, 0), "the display, which has no fences, does as well");

	must(engine_run(&renderer, &draw), "the renderer waits for nobody");
	must(!engine_run(&renderer, &redraw), "the next picture waits for the compositor");
	must(engine_run(&compositor, &compose), "the compositor has waited for the first");
	must(engine_run(&renderer, &redraw), "the next picture is drawn");

	/* example: done */

	must(idle(buf, DMA_BUF_SYNC_RW), "nobody waits once all is done");
	must(access_begin_late(buf, DMA_BUF_SYNC_RW) && access_end_late(redraw.done),
	     "nor does a program that does without the ioctls");

	job_free(&draw);
	job_free(&compose);
	job_free(&redraw);
	close(renderer.timeline);
	close(compositor.timeline);
	close(buf);

	ksft_exit(!ksft_get_fail_cnt());
}
