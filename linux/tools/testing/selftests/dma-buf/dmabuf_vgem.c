// SPDX-License-Identifier: GPL-2.0
/*
 * The fence ioctls of vgem, and what others see of these fences. User space finds
 * all this as it was before fences had a usage: it needs no ioctl of dma-buf and
 * holds on kernels that have none.
 */
#include "dmabuf_util.h"

#include "../kselftest_harness.h"

#define READ	false
#define WRITE	true

/* vgem does not let anybody wait for longer than that */
#define EXPIRES_MS	10000

static int attach_flags(int dev, __u32 handle, __u32 flags, __u32 pad)
{
	struct drm_vgem_fence_attach arg = {
		.handle = handle,
		.flags = flags,
		.pad = pad,
	};

	return xioctl(dev, DRM_IOCTL_VGEM_FENCE_ATTACH, &arg);
}

static int signal_flags(int dev, __u32 fence, __u32 flags)
{
	struct drm_vgem_fence_signal arg = { .fence = fence, .flags = flags };

	return xioctl(dev, DRM_IOCTL_VGEM_FENCE_SIGNAL, &arg);
}

FIXTURE(vgem)
{
	int dev;
	int buf;
	__u32 handle;
};

FIXTURE_SETUP(vgem)
{
	self->buf = vgem_buffer_keep(&self->dev, &self->handle);
	if (self->buf == -ENODEV)
		SKIP_TEST("no vgem device");
	ASSERT_LE(0, self->buf);
}

FIXTURE_TEARDOWN(vgem)
{
	close(self->buf);
	close(self->dev);
}

#define ATTACH(write)		vgem_attach(self->dev, self->handle, write)
#define SIGNAL(fence)		vgem_signal(self->dev, fence)
#define READY_NOW(events)	wait_events(self->buf, events, 0)

/* What is there: who may come as well, and what is ready */
#define EXPECT_FREE_FOR(readers, writers) do {				\
	EXPECT_EQ((readers) ? POLLIN : 0, READY_NOW(POLLIN));		\
	EXPECT_EQ((writers) ? POLLOUT : 0, READY_NOW(POLLOUT));		\
	if (!(readers)) {						\
		EXPECT_EQ(-EBUSY, ATTACH(READ));			\
	}								\
	if (!(writers)) {						\
		EXPECT_EQ(-EBUSY, ATTACH(WRITE));			\
	}								\
} while (0)

TEST_F(vgem, idle)
{
	EXPECT_FREE_FOR(true, true);
}

TEST_F(vgem, write_excludes_everybody)
{
	int fence = ATTACH(WRITE);

	ASSERT_LT(0, fence);
	EXPECT_FREE_FOR(false, false);
	ASSERT_EQ(0, SIGNAL(fence));
	EXPECT_FREE_FOR(true, true);
}

TEST_F(vgem, read_excludes_writers)
{
	int fence = ATTACH(READ);

	ASSERT_LT(0, fence);
	EXPECT_FREE_FOR(true, false);
	ASSERT_EQ(0, SIGNAL(fence));
	EXPECT_FREE_FOR(true, true);
}

TEST_F(vgem, every_reader_counts)
{
	int fences[5];
	int i;

	for (i = 0; i < 5; i++) {
		fences[i] = ATTACH(READ);
		ASSERT_LT(0, fences[i]);
	}
	/* Neither the first nor the last one stands for the others */
	ASSERT_EQ(0, SIGNAL(fences[0]));
	EXPECT_FREE_FOR(true, false);
	ASSERT_EQ(0, SIGNAL(fences[4]));
	EXPECT_FREE_FOR(true, false);
	ASSERT_EQ(0, SIGNAL(fences[2]));
	ASSERT_EQ(0, SIGNAL(fences[1]));
	EXPECT_FREE_FOR(true, false);
	ASSERT_EQ(0, SIGNAL(fences[3]));
	EXPECT_FREE_FOR(true, true);
}

TEST_F(vgem, one_after_the_other)
{
	int fence, i;

	for (i = 0; i < 200; i++) {
		fence = ATTACH(i % 3 == 0);
		ASSERT_LT(0, fence);
		EXPECT_FREE_FOR(i % 3 != 0, false);
		ASSERT_EQ(0, SIGNAL(fence));
	}
	EXPECT_FREE_FOR(true, true);
}

/* Whoever was told to wait has left nothing behind */
TEST_F(vgem, refused)
{
	int fence = ATTACH(WRITE), i;

	ASSERT_LT(0, fence);
	for (i = 0; i < 20; i++)
		ASSERT_EQ(-EBUSY, ATTACH(i & 1));
	ASSERT_EQ(0, SIGNAL(fence));
	EXPECT_FREE_FOR(true, true);
}

TEST_F(vgem, other_buffers_are_free)
{
	struct drm_mode_create_dumb create = {
		.width = 64,
		.height = 16,
		.bpp = 32,
	};
	int fence = ATTACH(WRITE), other;

	ASSERT_LT(0, fence);
	ASSERT_EQ(0, xioctl(self->dev, DRM_IOCTL_MODE_CREATE_DUMB, &create));
	other = vgem_attach(self->dev, create.handle, WRITE);
	ASSERT_LT(0, other);
	EXPECT_NE(fence, other);
	ASSERT_EQ(0, SIGNAL(fence));
	EXPECT_FREE_FOR(true, true);
	EXPECT_EQ(-EBUSY, vgem_attach(self->dev, create.handle, READ));
	ASSERT_EQ(0, SIGNAL(other));
}

TEST_F(vgem, another_client)
{
	struct drm_prime_handle prime = { .fd = self->buf };
	int dev = drm_open_fitting("vgem", NULL), fence;

	ASSERT_LE(0, dev);
	ASSERT_EQ(0, xioctl(dev, DRM_IOCTL_PRIME_FD_TO_HANDLE, &prime));

	fence = vgem_attach(dev, prime.handle, WRITE);
	ASSERT_LT(0, fence);
	EXPECT_FREE_FOR(false, false);
	/* Handles are those of the client */
	EXPECT_EQ(-ENOENT, SIGNAL(fence));
	EXPECT_FREE_FOR(false, false);
	/* And signal when it goes away */
	close(dev);
	EXPECT_FREE_FOR(true, true);
}

TEST_F(vgem, signal_once)
{
	int fence = ATTACH(WRITE);

	ASSERT_LT(0, fence);
	EXPECT_EQ(0, SIGNAL(fence));
	EXPECT_EQ(-ENOENT, SIGNAL(fence));
	EXPECT_EQ(-ENOENT, SIGNAL(fence + 1));
	EXPECT_EQ(-ENOENT, SIGNAL(0));
}

TEST_F(vgem, invalid)
{
	int fence;

	EXPECT_EQ(-EINVAL, attach_flags(self->dev, self->handle, 2, 0));
	EXPECT_EQ(-EINVAL, attach_flags(self->dev, self->handle, ~0u, 0));
	EXPECT_EQ(-EINVAL, attach_flags(self->dev, self->handle, 0, 1));
	EXPECT_EQ(-ENOENT, attach_flags(self->dev, self->handle + 1, 0, 0));
	EXPECT_EQ(-ENOENT, attach_flags(self->dev, 0, VGEM_FENCE_WRITE, 0));
	EXPECT_FREE_FOR(true, true);

	fence = ATTACH(WRITE);
	ASSERT_LT(0, fence);
	EXPECT_EQ(-EINVAL, signal_flags(self->dev, fence, 1));
	EXPECT_FREE_FOR(false, false);
	EXPECT_EQ(0, SIGNAL(fence));
}

static void expires(struct __test_metadata *_metadata,
		    struct _test_data_vgem *self, bool write)
{
	long long start = now_ms();
	int fence = ATTACH(write);

	ASSERT_LT(0, fence);
	EXPECT_EQ(0, wait_events(self->buf, POLLOUT, EXPIRES_MS * 9 / 10));
	EXPECT_FREE_FOR(!write, false);
	EXPECT_EQ(POLLOUT, wait_events(self->buf, POLLOUT, EXPIRES_MS));
	EXPECT_LE(EXPIRES_MS - 100, now_ms() - start);
	EXPECT_FREE_FOR(true, true);
	/* The client is told that it was late, once */
	EXPECT_EQ(-ETIMEDOUT, SIGNAL(fence));
	EXPECT_EQ(-ENOENT, SIGNAL(fence));
}

TEST_F(vgem, write_expires)
{
	expires(_metadata, self, WRITE);
}

TEST_F(vgem, read_expires)
{
	expires(_metadata, self, READ);
}

TEST_HARNESS_MAIN
