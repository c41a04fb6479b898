// SPDX-License-Identifier: GPL-2.0
/*
 * Framebuffers and cursors of virtio-gpu, on two screens: who shares a buffer with
 * whom, and what a commit waits for. The second screen needs no monitor. And cursors
 * of qxl.
 *
 * The host has a copy of each dumb buffer, and what is drawn has to get there before
 * it is shown. Cursors have a queue of their own, which overtakes the other one, so
 * their order is a matter of fences. The events of virtio_gpu tell what was queued
 * and when the host had done it.
 */
#include "kms.h"

#include <signal.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>

#include "../kselftest_harness.h"

#include <drm/drm_fourcc.h>
#include <drm/virtgpu_drm.h>

#define RD DMA_BUF_SYNC_READ
#define WR DMA_BUF_SYNC_WRITE

#define SIDE		64
#define HEADS		2
#define CURSORS		3
#define HELD_MS		200
#define DONE_MS		20000

#define DRIVER		"/sys/bus/virtio/drivers/virtio_gpu/"
#define EVENTS		"events/virtio_gpu/enable"

/* Commands, as the events have them */
#define TRANSFER_2D	0x105
#define UPDATE_CURSOR	0x300

static const struct drm_mode_modeinfo small_mode = {
	.clock = 40000,
	.hdisplay = 320,
	.hsync_start = 330,
	.hsync_end = 340,
	.htotal = 360,
	.vdisplay = 200,
	.vsync_start = 204,
	.vsync_end = 208,
	.vtotal = 220,
	.name = "small",
};

FIXTURE(heads)
{
	struct kms head[HEADS];
	struct kms_fb screen[HEADS];
	struct kms_fb cursor[CURSORS];
	int tl[2];
};

/* Requests: properties of objects, which are set at once */

#define MAX_PROPS	32

struct request {
	struct kms *kms;
	__u32 n;
	bool failed;
	__u32 objects[MAX_PROPS];
	__u32 counts[MAX_PROPS];
	__u32 props[MAX_PROPS];
	__u64 values[MAX_PROPS];
};

static void set(struct request *r, __u32 object, __u32 type, const char *name,
		__u64 value)
{
	__u32 prop = kms_property(r->kms, object, type, name, NULL);

	if (!prop || r->n == MAX_PROPS) {
		r->failed = true;
		return;
	}
	r->objects[r->n] = object;
	r->counts[r->n] = 1;
	r->props[r->n] = prop;
	r->values[r->n++] = value;
}

static void set_plane(struct request *r, __u32 plane, const char *name,
		      __u64 value)
{
	set(r, plane, DRM_MODE_OBJECT_PLANE, name, value);
}

/* A cursor on a screen, or none */
static void set_cursor(struct request *r, const struct kms *head,
		       const struct kms_fb *fb)
{
	set_plane(r, head->cursor, "FB_ID", fb ? fb->id : 0);
	set_plane(r, head->cursor, "CRTC_ID", fb ? head->crtc : 0);
	if (!fb)
		return;
	set_plane(r, head->cursor, "SRC_W", SIDE << 16);
	set_plane(r, head->cursor, "SRC_H", SIDE << 16);
	set_plane(r, head->cursor, "CRTC_W", SIDE);
	set_plane(r, head->cursor, "CRTC_H", SIDE);
}

static void set_out_fence(struct request *r, const struct kms *head,
			  __s32 *out_fence)
{
	*out_fence = -1;
	set(r, head->crtc, DRM_MODE_OBJECT_CRTC, "OUT_FENCE_PTR",
	    (uintptr_t)out_fence);
}

static int commit(struct request *r, __u32 flags)
{
	struct drm_mode_atomic arg = {
		.flags = flags,
		.count_objs = r->n,
		.objs_ptr = (uintptr_t)r->objects,
		.count_props_ptr = (uintptr_t)r->counts,
		.props_ptr = (uintptr_t)r->props,
		.prop_values_ptr = (uintptr_t)r->values,
	};

	return r->failed ? -ENOENT :
			   xioctl(r->kms->fd, DRM_IOCTL_MODE_ATOMIC, &arg);
}

/* One cursor, waiting until it is shown */
static int show(struct kms *head, const struct kms_fb *fb)
{
	struct request r = { .kms = head };

	set_cursor(&r, head, fb);

	return commit(&r, 0);
}

/* ... or not waiting; the fence tells when it is */
static int show_later(struct kms *head, const struct kms_fb *fb, int in_fence,
		      __s32 *out_fence)
{
	struct request r = { .kms = head };

	set_cursor(&r, head, fb);
	if (in_fence >= 0)
		set_plane(&r, head->cursor, "IN_FENCE_FD", in_fence);
	set_out_fence(&r, head, out_fence);

	return commit(&r, DRM_MODE_ATOMIC_NONBLOCK);
}

/* Cursors have alpha */
static int cursor_add_side(struct kms *kms, struct kms_fb *fb, __u32 side)
{
	struct drm_mode_fb_cmd2 arg = {
		.width = side,
		.height = side,
		.pixel_format = DRM_FORMAT_ARGB8888,
		.handles = { fb->handle },
		.pitches = { side * 4 },
	};
	int ret = xioctl(kms->fd, DRM_IOCTL_MODE_ADDFB2, &arg);

	fb->id = arg.fb_id;

	return ret;
}

static int cursor_add(struct kms *kms, struct kms_fb *fb)
{
	return cursor_add_side(kms, fb, SIDE);
}

static int cursor_init_side(struct kms *kms, struct kms_fb *fb, __u32 side)
{
	struct kms small = *kms;
	int ret;

	small.mode.hdisplay = side;
	small.mode.vdisplay = side;
	ret = kms_fb_init(&small, fb);
	if (ret)
		return ret;
	xioctl(kms->fd, DRM_IOCTL_MODE_RMFB, &fb->id);

	return cursor_add_side(kms, fb, side);
}

static int cursor_init(struct kms *kms, struct kms_fb *fb)
{
	return cursor_init_side(kms, fb, SIDE);
}

/* A buffer whose owner sends it to the host by itself */
static int resource_init(struct kms *kms, struct kms_fb *fb)
{
	struct drm_virtgpu_resource_create arg = {
		.target = 2,
		.format = 1,	/* B8G8R8A8 */
		.width = SIDE,
		.height = SIDE,
		.depth = 1,
		.array_size = 1,
		.size = SIDE * SIDE * 4,
	};
	int ret = xioctl(kms->fd, DRM_IOCTL_VIRTGPU_RESOURCE_CREATE, &arg);

	memset(fb, 0, sizeof(*fb));
	if (ret)
		return ret;
	fb->handle = arg.bo_handle;

	return cursor_add(kms, fb);
}

static int transfer(struct kms *kms, const struct kms_fb *fb)
{
	struct drm_virtgpu_3d_transfer_to_host arg = {
		.bo_handle = fb->handle,
		.box = { .w = SIDE, .h = SIDE, .d = 1 },
	};

	return xioctl(kms->fd, DRM_IOCTL_VIRTGPU_TRANSFER_TO_HOST, &arg);
}

static int export(struct kms *kms, const struct kms_fb *fb)
{
	struct drm_prime_handle arg = {
		.handle = fb->handle,
		.flags = DRM_CLOEXEC | DRM_RDWR,
	};
	int ret = xioctl(kms->fd, DRM_IOCTL_PRIME_HANDLE_TO_FD, &arg);

	return ret ? ret : arg.fd;
}

FIXTURE_SETUP(heads)
{
	struct kms first;
	int i, ret;

	ret = kms_open(&first, "virtio_gpu", 0, 0);
	if (ret == -ENODEV)
		SKIP_TEST("no device of virtio_gpu");
	ASSERT_EQ(0, ret);
	ASSERT_TRUE(first.atomic);
	first.mode = small_mode;
	for (i = 0; i < HEADS; i++) {
		ret = kms_head(&self->head[i], &first, i);
		if (ret == -ENODEV)
			SKIP_TEST("virtio_gpu has no screen %d (max_outputs=)", i);
		ASSERT_EQ(0, ret);
		ASSERT_NE(0, self->head[i].cursor);
		ASSERT_EQ(0, kms_fb_init(&self->head[i], &self->screen[i]));
		ASSERT_EQ(0, kms_setcrtc(&self->head[i], &self->screen[i]));
	}
	for (i = 0; i < CURSORS; i++)
		ASSERT_EQ(0, cursor_init(&first, &self->cursor[i]));
	for (i = 0; i < 2; i++) {
		self->tl[i] = sw_timeline();
		if (self->tl[i] < 0)
			SKIP_TEST("no fences: %s is missing", SW_TIMELINE_PATH);
	}
}

FIXTURE_TEARDOWN(heads)
{
	int i;

	for (i = 0; i < 2; i++)
		close(self->tl[i]);
	for (i = 0; i < HEADS; i++) {
		show(&self->head[i], NULL);
		EXPECT_EQ(0, kms_setcrtc(&self->head[i], NULL));
		kms_fb_fini(&self->head[i], &self->screen[i]);
	}
	for (i = 0; i < CURSORS; i++)
		kms_fb_fini(&self->head[0], &self->cursor[i]);
	close(self->head[0].fd);
}

/* Nobody has the buffer locked: an import takes the lock */
#define EXPECT_UNLOCKED(fb) do {					\
	int buf_ = export(&self->head[0], fb);				\
									\
	ASSERT_LE(0, buf_);						\
	EXPECT_EQ(0, buf_import_new(buf_, WR, self->tl[0], 1));		\
	EXPECT_EQ(0, sw_advance(self->tl[0], 1));			\
	EXPECT_EQ(POLLOUT, wait_events(buf_, POLLOUT, DONE_MS));	\
	close(buf_);							\
} while (0)

/* Screens */

TEST_F(heads, flip_each_screen)
{
	struct kms_fb other;
	int i, n;

	for (i = 0; i < HEADS; i++) {
		struct kms *head = &self->head[i];

		ASSERT_EQ(0, kms_fb_init(head, &other));
		for (n = 0; n < 8; n++) {
			ASSERT_EQ(0, kms_flip(head, n % 2 ? &self->screen[i] : &other));
			EXPECT_TRUE(kms_flipped(head, DONE_MS));
			ASSERT_EQ(0, kms_commit(head, n % 2 ? &other : &self->screen[i],
						-1, NULL));
			EXPECT_TRUE(kms_flipped(head, DONE_MS));
		}
		EXPECT_UNLOCKED(&other);
		ASSERT_EQ(0, kms_setcrtc(head, &self->screen[i]));
		kms_fb_fini(head, &other);
	}
}

TEST_F(heads, one_framebuffer_on_both_screens)
{
	struct request r = { .kms = &self->head[0] };
	__s32 out[HEADS];
	int i;

	for (i = 0; i < HEADS; i++) {
		set_plane(&r, self->head[i].plane, "FB_ID", self->screen[0].id);
		set_out_fence(&r, &self->head[i], &out[i]);
	}
	ASSERT_EQ(0, commit(&r, DRM_MODE_ATOMIC_NONBLOCK));
	for (i = 0; i < HEADS; i++)
		EXPECT_TRUE(signals(out[i]));
	EXPECT_UNLOCKED(&self->screen[0]);
}

/* Cursors */

TEST_F(heads, a_cursor_on_each_screen)
{
	int i;

	for (i = 0; i < 4 * CURSORS; i++)
		EXPECT_EQ(0, show(&self->head[i % HEADS],
				  &self->cursor[i % CURSORS]));
	for (i = 0; i < CURSORS; i++)
		EXPECT_UNLOCKED(&self->cursor[i]);
	for (i = 0; i < HEADS; i++)
		EXPECT_EQ(0, show(&self->head[i], NULL));
}

TEST_F(heads, one_cursor_on_both_screens)
{
	int i, n;

	for (n = 0; n < 2 * CURSORS; n++) {
		struct request r = { .kms = &self->head[0] };

		for (i = 0; i < HEADS; i++)
			set_cursor(&r, &self->head[i], &self->cursor[n % CURSORS]);
		ASSERT_EQ(0, commit(&r, 0));
		EXPECT_UNLOCKED(&self->cursor[n % CURSORS]);
	}
}

TEST_F(heads, one_cursor_on_both_screens_later)
{
	int i, n;

	for (n = 0; n < 2 * CURSORS; n++) {
		struct request r = { .kms = &self->head[0] };
		__s32 out[HEADS];

		for (i = 0; i < HEADS; i++) {
			set_cursor(&r, &self->head[i], &self->cursor[n % CURSORS]);
			set_out_fence(&r, &self->head[i], &out[i]);
		}
		ASSERT_EQ(0, commit(&r, DRM_MODE_ATOMIC_NONBLOCK));
		for (i = 0; i < HEADS; i++) {
			EXPECT_TRUE(signals(out[i]));
			close(out[i]);
		}
		EXPECT_UNLOCKED(&self->cursor[n % CURSORS]);
	}
}

/* What is given up after it was prepared hands back what it has */
TEST_F(heads, only_tested)
{
	int i;

	for (i = 0; i < 4; i++) {
		struct request r = { .kms = &self->head[0] };

		set_cursor(&r, &self->head[0], &self->cursor[i % CURSORS]);
		ASSERT_EQ(0, commit(&r, DRM_MODE_ATOMIC_TEST_ONLY));
	}
	EXPECT_UNLOCKED(&self->cursor[0]);
}

/* Two processes that show the same cursors, each on a screen of its own */
TEST_F_TIMEOUT(heads, race_for_a_cursor, 120)
{
	pid_t pid[HEADS];
	int i, n, status;

	for (i = 0; i < HEADS; i++) {
		pid[i] = fork();
		ASSERT_LE(0, pid[i]);
		if (pid[i])
			continue;
		for (n = 0; n < 300; n++)
			if (show(&self->head[i], &self->cursor[n % 2]))
				_exit(1);
		_exit(0);
	}
	for (i = 0; i < HEADS; i++) {
		ASSERT_EQ(pid[i], waitpid(pid[i], &status, 0));
		EXPECT_EQ(0, status);
	}
	for (i = 0; i < CURSORS; i++)
		EXPECT_UNLOCKED(&self->cursor[i]);
}

/* What others do with the buffer, and fences that user space gives */

#define EXPECT_HELD(out) EXPECT_EQ(0, wait_events(out, POLLIN, HELD_MS))

#define EXPECT_DONE(out) do {						\
	__s32 out_ = out;						\
									\
	EXPECT_EQ(POLLIN, wait_events(out_, POLLIN, DONE_MS));		\
	close(out_);							\
} while (0)

TEST_F(heads, cursor_waits_for_a_write)
{
	int buf = export(&self->head[0], &self->cursor[0]), i;
	__s32 out;

	ASSERT_LE(0, buf);
	for (i = 0; i < HEADS; i++) {
		ASSERT_EQ(0, buf_import_new(buf, WR, self->tl[0], i + 1));
		ASSERT_EQ(0, show_later(&self->head[i], &self->cursor[0], -1, &out));
		EXPECT_HELD(out);
		ASSERT_EQ(0, sw_advance(self->tl[0], 1));
		EXPECT_DONE(out);
	}
	close(buf);
}

TEST_F(heads, cursor_waits_for_no_read)
{
	int buf = export(&self->head[0], &self->cursor[0]);
	__s32 out;

	ASSERT_LE(0, buf);
	ASSERT_EQ(0, buf_import_new(buf, RD, self->tl[0], 1));
	ASSERT_EQ(0, show_later(&self->head[0], &self->cursor[0], -1, &out));
	EXPECT_DONE(out);
	EXPECT_EQ(0, wait_events(buf, POLLOUT, 0));
	ASSERT_EQ(0, sw_advance(self->tl[0], 1));
	close(buf);
}

TEST_F(heads, cursor_waits_for_an_in_fence_alone)
{
	int buf = export(&self->head[1], &self->cursor[0]), in;
	__s32 out;

	ASSERT_LE(0, buf);
	ASSERT_EQ(0, buf_import_new(buf, WR, self->tl[0], 1));
	in = sw_fence(self->tl[1], 1);
	ASSERT_LE(0, in);
	ASSERT_EQ(0, show_later(&self->head[1], &self->cursor[0], in, &out));
	EXPECT_HELD(out);
	ASSERT_EQ(0, sw_advance(self->tl[1], 1));
	EXPECT_DONE(out);
	EXPECT_EQ(0, wait_events(buf, POLLIN, 0));
	ASSERT_EQ(0, sw_advance(self->tl[0], 1));
	close(in);
	close(buf);
}

TEST_F(heads, screen_waits_for_a_write)
{
	int buf, i;

	for (i = 0; i < HEADS; i++) {
		buf = export(&self->head[i], &self->screen[i]);
		ASSERT_LE(0, buf);
		ASSERT_EQ(0, buf_import_new(buf, RD, self->tl[1], i + 1));
		ASSERT_EQ(0, kms_commit(&self->head[i], &self->screen[i], -1, NULL));
		EXPECT_TRUE(kms_flipped(&self->head[i], DONE_MS));
		ASSERT_EQ(0, buf_import_new(buf, WR, self->tl[0], i + 1));
		ASSERT_EQ(0, kms_commit(&self->head[i], &self->screen[i], -1, NULL));
		EXPECT_FALSE(kms_flipped(&self->head[i], HELD_MS));
		ASSERT_EQ(0, sw_advance(self->tl[0], 1));
		EXPECT_TRUE(kms_flipped(&self->head[i], DONE_MS));
		ASSERT_EQ(0, sw_advance(self->tl[1], 1));
		close(buf);
	}
}

TEST_F(heads, screen_waits_for_an_in_fence)
{
	int i, in;

	for (i = 0; i < HEADS; i++) {
		in = sw_fence(self->tl[0], i + 1);
		ASSERT_LE(0, in);
		ASSERT_EQ(0, kms_commit(&self->head[i], &self->screen[i], in, NULL));
		EXPECT_FALSE(kms_flipped(&self->head[i], HELD_MS));
		ASSERT_EQ(0, sw_advance(self->tl[0], 1));
		EXPECT_TRUE(kms_flipped(&self->head[i], DONE_MS));
		close(in);
	}
}

/* Another device has the buffer, and says that it writes */
TEST_F(heads, both_wait_for_vgem)
{
	const struct kms_fb *fbs[] = { &self->cursor[0], &self->screen[0] };
	int dev = drm_open_fitting("vgem", NULL), i, fence;
	struct drm_prime_handle import = { 0 };
	__s32 out;

	if (dev < 0)
		SKIP(return, "no device of vgem");

	for (i = 0; i < 2; i++) {
		import.fd = export(&self->head[0], fbs[i]);
		ASSERT_LE(0, import.fd);
		ASSERT_EQ(0, xioctl(dev, DRM_IOCTL_PRIME_FD_TO_HANDLE, &import));
		close(import.fd);
		fence = vgem_attach(dev, import.handle, true);
		ASSERT_LE(0, fence);
		ASSERT_EQ(0, i ? kms_commit(&self->head[0], fbs[i], -1, &out) :
				 show_later(&self->head[0], fbs[i], -1, &out));
		EXPECT_HELD(out);
		ASSERT_EQ(0, vgem_signal(dev, fence));
		EXPECT_DONE(out);
	}
	close(dev);
}

/* The order of the queues */

static bool trace_set(const char *file, const char *text)
{
	char path[128];
	FILE *f;

	snprintf(path, sizeof(path), "/sys/kernel/debug/tracing/%s", file);
	f = fopen(path, "w");

	return f && fputs(text, f) >= 0 && !fclose(f);
}

/*
 * How many cursors were shown, or -1 if one was before the host had what the driver
 * sent it for that.
 */
static int count_cursors(void)
{
	FILE *f = fopen("/sys/kernel/debug/tracing/trace", "r");
	unsigned long long sent = 0, done = 0, id;
	unsigned int type, flags;
	int shown = 0;
	char line[512], *at;

	while (f && fgets(line, sizeof(line), f)) {
		at = strstr(line, " type=");
		if (!at || sscanf(at, " type=%x flags=%x fence_id=%llu", &type, &flags,
				  &id) != 3)
			continue;
		if (strstr(line, "virtio_gpu_cmd_response: ")) {
			if (flags & 1 && id > done)
				done = id;
		} else if (type == TRANSFER_2D) {
			sent = flags & 1 ? id : 0;
		} else if (type == UPDATE_CURSOR) {
			shown = shown < 0 || !sent || done < sent ? -1 : shown + 1;
			sent = 0;
		}
	}
	if (f)
		fclose(f);

	return shown;
}

static void ignore(int sig)
{
}

/* Signals come all the time, and one that is late for a commit doesn't spoil it */
TEST_F_TIMEOUT(heads, cursor_comes_after_its_upload, 120)
{
	struct sigaction sa = { .sa_handler = ignore, .sa_flags = SA_RESTART };
	struct itimerval often = { { 0, 300 }, { 0, 300 } }, never = { { 0 } };
	int n, shown = 0;

	if (!trace_set(EVENTS, "1"))
		SKIP(return, "no events of virtio_gpu");
	ASSERT_TRUE(trace_set("trace", ""));
	sigaction(SIGALRM, &sa, NULL);
	for (n = 0; n < 400; n++) {
		struct request r = { .kms = &self->head[0] };

		set_cursor(&r, &self->head[0], &self->cursor[n % 2]);
		setitimer(ITIMER_REAL, &often, NULL);
		shown += !commit(&r, 0);
		setitimer(ITIMER_REAL, &never, NULL);
	}
	EXPECT_EQ(400, shown);
	EXPECT_EQ(shown, count_cursors());
	trace_set(EVENTS, "0");
	EXPECT_UNLOCKED(&self->cursor[0]);
	EXPECT_UNLOCKED(&self->cursor[1]);
}

TEST_F_TIMEOUT(heads, cursor_comes_after_a_transfer, 120)
{
	struct kms_fb fb[2];
	int n;

	if (!trace_set(EVENTS, "1"))
		SKIP(return, "no events of virtio_gpu");
	ASSERT_TRUE(trace_set("trace", ""));
	for (n = 0; n < 2; n++)
		ASSERT_EQ(0, resource_init(&self->head[0], &fb[n]));
	for (n = 0; n < 100; n++) {
		ASSERT_EQ(0, transfer(&self->head[0], &fb[n % 2]));
		ASSERT_EQ(0, show(&self->head[0], &fb[n % 2]));
	}
	EXPECT_EQ(100, count_cursors());
	trace_set(EVENTS, "0");
	ASSERT_EQ(0, show(&self->head[0], NULL));
	for (n = 0; n < 2; n++) {
		EXPECT_UNLOCKED(&fb[n]);
		kms_fb_fini(&self->head[0], &fb[n]);
	}
}

TEST_F(heads, transfer_waits_for_a_write)
{
	struct kms_fb fb;
	int buf, status;
	pid_t pid;

	ASSERT_EQ(0, resource_init(&self->head[0], &fb));
	buf = export(&self->head[0], &fb);
	ASSERT_LE(0, buf);
	ASSERT_EQ(0, buf_import_new(buf, RD, self->tl[1], 1));
	ASSERT_EQ(0, transfer(&self->head[0], &fb));

	ASSERT_EQ(0, buf_import_new(buf, WR, self->tl[0], 1));
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid)
		_exit(transfer(&self->head[0], &fb) != 0);
	sleep_ms(HELD_MS);
	EXPECT_EQ(0, waitpid(pid, &status, WNOHANG));
	ASSERT_EQ(0, sw_advance(self->tl[0], 1));
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);

	/* Who waits can be killed, and has nothing locked */
	ASSERT_EQ(0, buf_import_new(buf, WR, self->tl[0], 2));
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid)
		_exit(transfer(&self->head[0], &fb) != 0);
	sleep_ms(HELD_MS);
	ASSERT_EQ(0, buf_import_new(buf, RD, self->tl[1], 2));
	EXPECT_EQ(0, waitpid(pid, &status, WNOHANG));
	kill(pid, SIGKILL);
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_TRUE(WIFSIGNALED(status));
	EXPECT_EQ(0, wait_events(buf, POLLIN, 0));
	ASSERT_EQ(0, sw_advance(self->tl[0], 1));
	ASSERT_EQ(0, sw_advance(self->tl[1], 2));
	EXPECT_EQ(POLLOUT, wait_events(buf, POLLOUT, DONE_MS));
	close(buf);
	kms_fb_fini(&self->head[0], &fb);
}

/* qxl, whose cursors the CPU copies out of a buffer that processes map as well */

FIXTURE(copied)
{
	struct kms kms;
	struct kms_fb screen;
	struct kms_fb cursor[2];
};

FIXTURE_SETUP(copied)
{
	int i, ret;

	ret = kms_open(&self->kms, "qxl", 0, 0);
	if (ret == -ENODEV)
		SKIP_TEST("no device of qxl");
	ASSERT_EQ(0, ret);
	ASSERT_TRUE(self->kms.atomic);
	ASSERT_NE(0, self->kms.cursor);
	self->kms.mode = small_mode;
	ASSERT_EQ(0, kms_fb_init(&self->kms, &self->screen));
	ASSERT_EQ(0, kms_setcrtc(&self->kms, &self->screen));
	for (i = 0; i < 2; i++)
		ASSERT_EQ(0, cursor_init(&self->kms, &self->cursor[i]));
}

FIXTURE_TEARDOWN(copied)
{
	int i;

	show(&self->kms, NULL);
	EXPECT_EQ(0, kms_setcrtc(&self->kms, NULL));
	for (i = 0; i < 2; i++)
		kms_fb_fini(&self->kms, &self->cursor[i]);
	kms_fb_fini(&self->kms, &self->screen);
	close(self->kms.fd);
}

static void ignore_signal(int sig)
{
}

/* Each round all pages are brought in anew, and have what was written before */
static bool fault_in(struct kms *kms, const struct kms_fb *fb, __u32 round)
{
	struct drm_mode_map_dumb map = { .handle = fb->handle };
	size_t i, words = fb->size / sizeof(__u32);
	bool right = true;
	__u32 *at;

	if (xioctl(kms->fd, DRM_IOCTL_MODE_MAP_DUMB, &map))
		return false;
	at = mmap(NULL, fb->size, PROT_READ | PROT_WRITE, MAP_SHARED, kms->fd,
		  map.offset);
	if (at == MAP_FAILED)
		return false;
	for (i = 0; i < words; i++) {
		if (round && at[i] != round - 1 + i)
			right = false;
		at[i] = round + i;
	}
	munmap(at, fb->size);

	return right;
}

TEST_F_TIMEOUT(copied, mapped_and_interrupted, 120)
{
	struct itimerval often = { { 0, 2000 }, { 0, 2000 } }, never = { 0 };
	int n, ready[2], status;
	__u32 round;
	pid_t pid;

	ASSERT_EQ(0, pipe(ready));
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		struct pollfd end = { .fd = ready[0], .events = POLLIN };

		close(ready[1]);
		for (round = 0; !poll(&end, 1, 0); round++) {
			if (!fault_in(&self->kms, &self->cursor[0], round))
				_exit(1);
		}
		_exit(round < 20);
	}
	close(ready[0]);

	signal(SIGALRM, ignore_signal);
	setitimer(ITIMER_REAL, &often, NULL);
	for (n = 0; n < 200; n++) {
		EXPECT_EQ(0, show(&self->kms, &self->cursor[n % 2]));
		EXPECT_EQ(0, show(&self->kms, &self->cursor[n % 2]));
		if (n % 5 == 4)
			EXPECT_EQ(0, show(&self->kms, NULL));
	}
	setitimer(ITIMER_REAL, &never, NULL);
	signal(SIGALRM, SIG_DFL);

	close(ready[1]);
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
}

/* The device is given 64 x 64 pixels, which this one doesn't have */
TEST_F(copied, too_small)
{
	struct request r = { .kms = &self->kms };
	struct kms_fb fb;

	ASSERT_EQ(0, cursor_init_side(&self->kms, &fb, 16));
	set_plane(&r, self->kms.cursor, "FB_ID", fb.id);
	set_plane(&r, self->kms.cursor, "CRTC_ID", self->kms.crtc);
	set_plane(&r, self->kms.cursor, "SRC_W", 16 << 16);
	set_plane(&r, self->kms.cursor, "SRC_H", 16 << 16);
	set_plane(&r, self->kms.cursor, "CRTC_W", 16);
	set_plane(&r, self->kms.cursor, "CRTC_H", 16);
	EXPECT_EQ(-EINVAL, commit(&r, 0));
	EXPECT_EQ(0, show(&self->kms, &self->cursor[0]));
	kms_fb_fini(&self->kms, &fb);
}

/* The last one, for it takes the device away, while somebody shows cursors. */

static bool driver_set(const char *file, const char *name)
{
	char path[128];
	FILE *f;

	snprintf(path, sizeof(path), DRIVER "%s", file);
	f = fopen(path, "w");

	return f && fputs(name, f) >= 0 && !fclose(f);
}

FIXTURE(device)
{
	char name[32];
	struct kms kms;
	struct kms_fb screen;
	struct kms_fb cursor[2];
};

FIXTURE_SETUP(device)
{
	DIR *dir = opendir(DRIVER);
	struct dirent *d;
	int i;

	while (dir && (d = readdir(dir))) {
		if (!strncmp(d->d_name, "virtio", 6))
			snprintf(self->name, sizeof(self->name), "%.31s", d->d_name);
	}
	if (!*self->name)
		SKIP_TEST("no device of virtio_gpu");
	closedir(dir);
	ASSERT_EQ(0, kms_open(&self->kms, "virtio_gpu", 0, 0));
	self->kms.mode = small_mode;
	ASSERT_EQ(0, kms_fb_init(&self->kms, &self->screen));
	ASSERT_EQ(0, kms_setcrtc(&self->kms, &self->screen));
	for (i = 0; i < 2; i++)
		ASSERT_EQ(0, cursor_init(&self->kms, &self->cursor[i]));
}

FIXTURE_TEARDOWN(device)
{
}

TEST_F_TIMEOUT(device, goes_and_comes_back, 120)
{
	int ready[2], n, status;
	struct kms kms;
	pid_t pid;

	ASSERT_EQ(0, pipe(ready));
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		for (n = 0; !show(&self->kms, &self->cursor[n % 2]); n++) {
			if (n == 20)
				close(ready[1]);
		}
		_exit(n < 20 || kms_cap(&self->kms, DRM_CLIENT_CAP_ATOMIC) != -ENODEV);
	}
	close(ready[1]);
	EXPECT_EQ(0, read(ready[0], &status, 1));
	EXPECT_TRUE(driver_set("unbind", self->name));
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);

	/* With our last reference, the device of before goes for good */
	munmap(self->screen.map, self->screen.size);
	for (n = 0; n < 2; n++)
		munmap(self->cursor[n].map, self->cursor[n].size);
	close(self->kms.fd);
	EXPECT_TRUE(driver_set("bind", self->name));
	ASSERT_EQ(0, kms_open(&kms, "virtio_gpu", 0, 0));
	close(kms.fd);
}

TEST_HARNESS_MAIN
