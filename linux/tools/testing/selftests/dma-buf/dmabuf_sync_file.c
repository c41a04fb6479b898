// SPDX-License-Identifier: GPL-2.0
/*
 * DMA_BUF_IOCTL_EXPORT_SYNC_FILE and DMA_BUF_IOCTL_IMPORT_SYNC_FILE on
 * buffers of two exporters. The fences are sw_sync ones, so a test decides
 * when each of them signals and never has to guess by time.
 */
#include "dmabuf_util.h"

#include <pthread.h>
#include <sched.h>
#include <stddef.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "../kselftest_harness.h"

#define RD DMA_BUF_SYNC_READ
#define WR DMA_BUF_SYNC_WRITE
#define RW DMA_BUF_SYNC_RW

#define MANY_FENCES	4096
#define HAMMER_THREADS	4
#define HAMMER_ROUNDS	200

TEST(ioctl_numbers)
{
	EXPECT_EQ(0xc0086202UL, (unsigned long)DMA_BUF_IOCTL_EXPORT_SYNC_FILE);
	EXPECT_EQ(0x40086203UL, (unsigned long)DMA_BUF_IOCTL_IMPORT_SYNC_FILE);
}

/* One layout for every ABI, so that the kernel needs no translation. */
TEST(ioctl_arguments)
{
	EXPECT_EQ(8UL, sizeof(struct dma_buf_export_sync_file));
	EXPECT_EQ(8UL, sizeof(struct dma_buf_import_sync_file));
	EXPECT_EQ(4UL, offsetof(struct dma_buf_export_sync_file, fd));
	EXPECT_EQ(4UL, offsetof(struct dma_buf_import_sync_file, fd));
}

FIXTURE(sync_file)
{
	int buf;
	int tl[3];
};

FIXTURE_VARIANT(sync_file)
{
	enum buf_kind kind;
	const char *device;
};

FIXTURE_VARIANT_ADD(sync_file, vgem)
{
	.kind = BUF_VGEM,
	.device = "a vgem device",
};

FIXTURE_VARIANT_ADD(sync_file, udmabuf)
{
	.kind = BUF_UDMABUF,
	.device = "/dev/udmabuf",
};

FIXTURE_SETUP(sync_file)
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

	if (buf_export(self->buf, 0) == -ENOTTY)
		SKIP_TEST("this kernel does not have the ioctls");
}

FIXTURE_TEARDOWN(sync_file)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(self->tl); i++)
		close(self->tl[i]);
	close(self->buf);
}

/* Is an export with these flags something that one still has to wait for? */
#define EXPECT_PENDS(buf, flags) do { \
	int _fd = buf_export(buf, flags); \
	ASSERT_LE(0, _fd); \
	EXPECT_TRUE(pends(_fd)); \
	close(_fd); \
} while (0)

#define EXPECT_IDLE(buf, flags) do { \
	int _fd = buf_export(buf, flags); \
	ASSERT_LE(0, _fd); \
	EXPECT_TRUE(signals(_fd)); \
	EXPECT_EQ(1, sync_status(_fd)); \
	close(_fd); \
} while (0)

/* Out of how many unsignalled fences is an export made? */
#define EXPECT_FENCES(n, buf, flags) do { \
	int _fd = buf_export(buf, flags); \
	ASSERT_LE(0, _fd); \
	EXPECT_EQ(n, sync_count_pending(_fd)); \
	close(_fd); \
} while (0)

#define IMPORT(buf, flags, timeline, value) \
	ASSERT_EQ(0, buf_import_new(buf, flags, timeline, value))

/* An idle buffer */

TEST_F(sync_file, idle_read)
{
	EXPECT_IDLE(self->buf, RD);
}

TEST_F(sync_file, idle_write)
{
	EXPECT_IDLE(self->buf, WR);
}

TEST_F(sync_file, idle_read_write)
{
	EXPECT_IDLE(self->buf, RW);
}

TEST_F(sync_file, idle_export_has_a_fence)
{
	const int signalled = 1;
	int fd = buf_export(self->buf, RW);

	ASSERT_LE(0, fd);
	EXPECT_EQ(1, sync_count(fd, NULL));
	EXPECT_EQ(1, sync_count(fd, &signalled));
	close(fd);
}

TEST_F(sync_file, idle_export_can_be_imported)
{
	int fd = buf_export(self->buf, RW);

	ASSERT_LE(0, fd);
	EXPECT_EQ(0, buf_import(self->buf, WR, fd));
	close(fd);
	EXPECT_IDLE(self->buf, RW);
}

/* Who waits for whom */

TEST_F(sync_file, reader_waits_for_writer)
{
	int fd;

	IMPORT(self->buf, WR, self->tl[0], 1);
	fd = buf_export(self->buf, RD);
	ASSERT_LE(0, fd);
	EXPECT_TRUE(pends(fd));
	EXPECT_EQ(0, sync_status(fd));

	ASSERT_EQ(0, sw_advance(self->tl[0], 1));
	EXPECT_TRUE(signals(fd));
	EXPECT_EQ(1, sync_status(fd));
	close(fd);
	EXPECT_IDLE(self->buf, RD);
}

TEST_F(sync_file, writer_waits_for_writer)
{
	IMPORT(self->buf, WR, self->tl[0], 1);
	EXPECT_PENDS(self->buf, WR);
	ASSERT_EQ(0, sw_advance(self->tl[0], 1));
	EXPECT_IDLE(self->buf, WR);
}

TEST_F(sync_file, reader_passes_reader)
{
	IMPORT(self->buf, RD, self->tl[0], 1);
	EXPECT_IDLE(self->buf, RD);
}

TEST_F(sync_file, writer_waits_for_reader)
{
	IMPORT(self->buf, RD, self->tl[0], 1);
	EXPECT_PENDS(self->buf, WR);
	ASSERT_EQ(0, sw_advance(self->tl[0], 1));
	EXPECT_IDLE(self->buf, WR);
}

TEST_F(sync_file, import_read_write_is_a_write)
{
	IMPORT(self->buf, RW, self->tl[0], 1);
	EXPECT_PENDS(self->buf, RD);
	EXPECT_PENDS(self->buf, WR);
	ASSERT_EQ(0, sw_advance(self->tl[0], 1));
	EXPECT_IDLE(self->buf, RW);
}

TEST_F(sync_file, export_read_write_is_a_write)
{
	IMPORT(self->buf, RD, self->tl[0], 1);
	EXPECT_PENDS(self->buf, RW);
	ASSERT_EQ(0, sw_advance(self->tl[0], 1));
	EXPECT_IDLE(self->buf, RW);
}

TEST_F(sync_file, reader_sees_the_writer_only)
{
	IMPORT(self->buf, RD, self->tl[0], 1);
	IMPORT(self->buf, WR, self->tl[1], 1);
	EXPECT_FENCES(1, self->buf, RD);
	EXPECT_FENCES(2, self->buf, WR);

	ASSERT_EQ(0, sw_advance(self->tl[1], 1));
	EXPECT_IDLE(self->buf, RD);
	EXPECT_PENDS(self->buf, WR);
}

TEST_F(sync_file, a_write_does_not_drop_readers)
{
	int fd;

	IMPORT(self->buf, RD, self->tl[0], 1);
	IMPORT(self->buf, RD, self->tl[1], 1);
	IMPORT(self->buf, WR, self->tl[2], 1);
	fd = buf_export(self->buf, WR);
	ASSERT_LE(0, fd);
	EXPECT_EQ(3, sync_count_pending(fd));

	ASSERT_EQ(0, sw_advance(self->tl[2], 1));
	EXPECT_TRUE(pends(fd));
	ASSERT_EQ(0, sw_advance(self->tl[0], 1));
	EXPECT_TRUE(pends(fd));
	ASSERT_EQ(0, sw_advance(self->tl[1], 1));
	EXPECT_TRUE(signals(fd));
	close(fd);
}

TEST_F(sync_file, several_writers_all_count)
{
	int fd;

	IMPORT(self->buf, WR, self->tl[0], 1);
	IMPORT(self->buf, WR, self->tl[1], 1);
	fd = buf_export(self->buf, RD);
	ASSERT_LE(0, fd);

	ASSERT_EQ(0, sw_advance(self->tl[1], 1));
	EXPECT_TRUE(pends(fd));
	ASSERT_EQ(0, sw_advance(self->tl[0], 1));
	EXPECT_TRUE(signals(fd));
	close(fd);
}

/* A snapshot is a snapshot */

TEST_F(sync_file, snapshot_of_idle_stays_signalled)
{
	int fd = buf_export(self->buf, RW);

	ASSERT_LE(0, fd);
	IMPORT(self->buf, WR, self->tl[0], 1);
	EXPECT_TRUE(signals(fd));
	EXPECT_EQ(1, sync_status(fd));
	close(fd);
	EXPECT_PENDS(self->buf, RW);
}

TEST_F(sync_file, snapshot_ignores_later_imports)
{
	int fd;

	IMPORT(self->buf, WR, self->tl[0], 1);
	fd = buf_export(self->buf, RW);
	ASSERT_LE(0, fd);
	IMPORT(self->buf, WR, self->tl[1], 1);
	IMPORT(self->buf, WR, self->tl[0], 2);

	EXPECT_EQ(1, sync_count(fd, NULL));
	ASSERT_EQ(0, sw_advance(self->tl[0], 1));
	EXPECT_TRUE(signals(fd));
	EXPECT_PENDS(self->buf, RD);
	close(fd);
}

TEST_F(sync_file, snapshot_outlives_the_buffer)
{
	int fd;

	IMPORT(self->buf, WR, self->tl[0], 1);
	IMPORT(self->buf, RD, self->tl[1], 1);
	fd = buf_export(self->buf, RW);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, close(self->buf));
	self->buf = -1;

	EXPECT_TRUE(pends(fd));
	ASSERT_EQ(0, sw_advance(self->tl[0], 1));
	ASSERT_EQ(0, sw_advance(self->tl[1], 1));
	EXPECT_TRUE(signals(fd));
	close(fd);
}

TEST_F(sync_file, buffer_closed_before_its_fences_signal)
{
	IMPORT(self->buf, WR, self->tl[0], 1);
	IMPORT(self->buf, RD, self->tl[1], 1);
	ASSERT_EQ(0, close(self->buf));
	self->buf = -1;
	EXPECT_EQ(0, sw_advance(self->tl[0], 1));
	EXPECT_EQ(0, sw_advance(self->tl[1], 1));
}

TEST_F(sync_file, imported_file_may_be_closed)
{
	int fence = sw_fence(self->tl[0], 1);

	ASSERT_LE(0, fence);
	ASSERT_EQ(0, buf_import(self->buf, WR, fence));
	ASSERT_EQ(0, close(fence));
	EXPECT_PENDS(self->buf, RD);
	ASSERT_EQ(0, sw_advance(self->tl[0], 1));
	EXPECT_IDLE(self->buf, RD);
}

/* Arrays and chains are taken apart */

TEST_F(sync_file, merged_file_is_taken_apart)
{
	int a = sw_fence(self->tl[0], 1), b = sw_fence(self->tl[1], 1), m;

	m = sync_merge2(a, b);
	ASSERT_LE(0, m);
	ASSERT_EQ(0, buf_import(self->buf, WR, m));
	close(a);
	close(b);
	close(m);
	EXPECT_FENCES(2, self->buf, RD);

	/* Only what is left of it is seen, so it cannot be in there whole. */
	ASSERT_EQ(0, sw_advance(self->tl[0], 1));
	EXPECT_FENCES(1, self->buf, RD);
	EXPECT_PENDS(self->buf, RD);
	ASSERT_EQ(0, sw_advance(self->tl[1], 1));
	EXPECT_IDLE(self->buf, RD);
}

TEST_F(sync_file, merged_file_as_a_read)
{
	int a = sw_fence(self->tl[0], 1), b = sw_fence(self->tl[1], 1), m;

	m = sync_merge2(a, b);
	ASSERT_LE(0, m);
	ASSERT_EQ(0, buf_import(self->buf, RD, m));
	EXPECT_IDLE(self->buf, RD);
	EXPECT_FENCES(2, self->buf, WR);
	close(a);
	close(b);
	close(m);
}

TEST_F(sync_file, merged_file_leaves_out_what_signalled)
{
	int a = sw_fence(self->tl[0], 1), b = sw_fence(self->tl[1], 1), fd, m;

	m = sync_merge2(a, b);
	ASSERT_LE(0, m);
	ASSERT_EQ(0, sw_advance(self->tl[0], 1));
	ASSERT_EQ(0, buf_import(self->buf, WR, m));
	fd = buf_export(self->buf, RD);
	ASSERT_LE(0, fd);
	EXPECT_EQ(1, sync_count(fd, NULL));
	EXPECT_EQ(1, sync_count_pending(fd));
	close(fd);
	close(a);
	close(b);
	close(m);
}

TEST_F(sync_file, merged_file_that_signalled_adds_nothing)
{
	int a = sw_fence(self->tl[0], 1), b = sw_fence(self->tl[1], 1), m;

	m = sync_merge2(a, b);
	ASSERT_LE(0, m);
	ASSERT_EQ(0, sw_advance(self->tl[0], 1));
	ASSERT_EQ(0, sw_advance(self->tl[1], 1));
	EXPECT_EQ(0, buf_import(self->buf, WR, m));
	EXPECT_IDLE(self->buf, RW);
	close(a);
	close(b);
	close(m);
}

TEST_F(sync_file, merged_file_next_to_its_members)
{
	int a = sw_fence(self->tl[0], 1), b = sw_fence(self->tl[1], 1), m;

	m = sync_merge2(a, b);
	ASSERT_LE(0, m);
	ASSERT_EQ(0, buf_import(self->buf, WR, a));
	ASSERT_EQ(0, buf_import(self->buf, WR, m));
	ASSERT_EQ(0, buf_import(self->buf, WR, b));
	EXPECT_FENCES(2, self->buf, RD);
	close(a);
	close(b);
	close(m);
}

TEST_F(sync_file, round_trips_do_not_nest)
{
	int other = buf_new(variant->kind), fd, i;

	ASSERT_LE(0, other);
	for (i = 0; i < 3; i++)
		IMPORT(self->buf, WR, self->tl[i], 1);

	/* Were an export wrapped each time, this would grow without end. */
	for (i = 0; i < 64; i++) {
		fd = buf_export(i & 1 ? other : self->buf, RW);
		ASSERT_LE(0, fd);
		ASSERT_EQ(3, sync_count_pending(fd));
		ASSERT_EQ(0, buf_import(i & 1 ? self->buf : other, WR, fd));
		close(fd);
	}

	for (i = 0; i < 3; i++) {
		EXPECT_PENDS(other, RD);
		ASSERT_EQ(0, sw_advance(self->tl[i], 1));
	}
	EXPECT_IDLE(other, RW);
	EXPECT_IDLE(self->buf, RW);
	close(other);
}

TEST_F(sync_file, own_export_imported_again)
{
	int fd, i;

	IMPORT(self->buf, WR, self->tl[0], 1);
	IMPORT(self->buf, RD, self->tl[1], 1);
	for (i = 0; i < 8; i++) {
		fd = buf_export(self->buf, RW);
		ASSERT_LE(0, fd);
		ASSERT_EQ(0, buf_import(self->buf, WR, fd));
		close(fd);
	}
	EXPECT_FENCES(2, self->buf, RD);

	/* No cycle: the buffer becomes idle when its fences signal. */
	ASSERT_EQ(0, sw_advance(self->tl[0], 1));
	ASSERT_EQ(0, sw_advance(self->tl[1], 1));
	EXPECT_IDLE(self->buf, RW);
}

static bool has_timelines(int fd)
{
	struct drm_get_cap cap = { .capability = DRM_CAP_SYNCOBJ_TIMELINE };

	return !xioctl(fd, DRM_IOCTL_GET_CAP, &cap) && cap.value;
}

/* Append a sync_file to a timeline syncobj, which chains it to the rest. */
static int chain_append(int dev, __u32 timeline, __u64 point, int fence)
{
	struct drm_syncobj_create create = { 0 };
	struct drm_syncobj_destroy destroy = { 0 };
	struct drm_syncobj_transfer transfer = { 0 };
	struct drm_syncobj_handle import = {
		.flags = DRM_SYNCOBJ_FD_TO_HANDLE_FLAGS_IMPORT_SYNC_FILE,
		.fd = fence,
	};
	int ret = xioctl(dev, DRM_IOCTL_SYNCOBJ_CREATE, &create);

	if (ret)
		return ret;

	import.handle = create.handle;
	transfer.src_handle = create.handle;
	transfer.dst_handle = timeline;
	transfer.dst_point = point;
	destroy.handle = create.handle;
	ret = xioctl(dev, DRM_IOCTL_SYNCOBJ_FD_TO_HANDLE, &import);
	if (!ret)
		ret = xioctl(dev, DRM_IOCTL_SYNCOBJ_TRANSFER, &transfer);
	xioctl(dev, DRM_IOCTL_SYNCOBJ_DESTROY, &destroy);

	return ret;
}

TEST_F(sync_file, chain_is_taken_apart)
{
	struct drm_syncobj_handle export = {
		.flags = DRM_SYNCOBJ_HANDLE_TO_FD_FLAGS_EXPORT_SYNC_FILE,
	};
	struct drm_syncobj_create create = { 0 };
	int dev = drm_open_fitting(NULL, has_timelines), fence, i;

	if (dev < 0)
		SKIP(return, "no DRM device with timeline syncobjs");

	ASSERT_EQ(0, xioctl(dev, DRM_IOCTL_SYNCOBJ_CREATE, &create));
	for (i = 0; i < 3; i++) {
		fence = sw_fence(self->tl[i], 1);
		ASSERT_LE(0, fence);
		ASSERT_EQ(0, chain_append(dev, create.handle, i + 1, fence));
		close(fence);
	}

	export.handle = create.handle;
	ASSERT_EQ(0, xioctl(dev, DRM_IOCTL_SYNCOBJ_HANDLE_TO_FD, &export));
	ASSERT_EQ(0, buf_import(self->buf, WR, export.fd));
	EXPECT_FENCES(3, self->buf, RD);
	ASSERT_EQ(0, sw_advance(self->tl[2], 1));
	EXPECT_FENCES(2, self->buf, RD);
	ASSERT_EQ(0, sw_advance(self->tl[0], 1));
	ASSERT_EQ(0, sw_advance(self->tl[1], 1));
	EXPECT_IDLE(self->buf, RW);
	close(export.fd);
	close(dev);
}

/* The same fence, or the same timeline, again */

TEST_F(sync_file, same_fence_twice)
{
	int fence = sw_fence(self->tl[0], 1);

	ASSERT_LE(0, fence);
	ASSERT_EQ(0, buf_import(self->buf, WR, fence));
	ASSERT_EQ(0, buf_import(self->buf, WR, fence));
	EXPECT_FENCES(1, self->buf, RD);
	close(fence);
	ASSERT_EQ(0, sw_advance(self->tl[0], 1));
	EXPECT_IDLE(self->buf, RW);
}

TEST_F(sync_file, same_fence_a_thousand_times)
{
	int fence = sw_fence(self->tl[0], 1), i;

	ASSERT_LE(0, fence);
	for (i = 0; i < 1000; i++)
		ASSERT_EQ(0, buf_import(self->buf, i & 1 ? WR : RD, fence));
	EXPECT_FENCES(1, self->buf, RW);
	close(fence);
}

TEST_F(sync_file, a_read_is_promoted_to_a_write)
{
	int fence = sw_fence(self->tl[0], 1);

	ASSERT_LE(0, fence);
	ASSERT_EQ(0, buf_import(self->buf, RD, fence));
	EXPECT_IDLE(self->buf, RD);
	ASSERT_EQ(0, buf_import(self->buf, WR, fence));
	EXPECT_PENDS(self->buf, RD);
	EXPECT_FENCES(1, self->buf, WR);
	close(fence);
}

TEST_F(sync_file, a_write_is_not_demoted)
{
	int fence = sw_fence(self->tl[0], 1);

	ASSERT_LE(0, fence);
	ASSERT_EQ(0, buf_import(self->buf, WR, fence));
	ASSERT_EQ(0, buf_import(self->buf, RD, fence));
	EXPECT_PENDS(self->buf, RD);
	EXPECT_PENDS(self->buf, WR);
	close(fence);
}

TEST_F(sync_file, later_fence_replaces_the_older)
{
	int i;

	for (i = 1; i <= 100; i++)
		IMPORT(self->buf, WR, self->tl[0], i);
	EXPECT_FENCES(1, self->buf, RW);
	ASSERT_EQ(0, sw_advance(self->tl[0], 99));
	EXPECT_PENDS(self->buf, RD);
	ASSERT_EQ(0, sw_advance(self->tl[0], 1));
	EXPECT_IDLE(self->buf, RD);
}

TEST_F(sync_file, earlier_fence_does_not_replace_the_later)
{
	IMPORT(self->buf, WR, self->tl[0], 2);
	IMPORT(self->buf, WR, self->tl[0], 1);
	ASSERT_EQ(0, sw_advance(self->tl[0], 1));
	EXPECT_PENDS(self->buf, RD);
	ASSERT_EQ(0, sw_advance(self->tl[0], 1));
	EXPECT_IDLE(self->buf, RD);
}

TEST_F(sync_file, later_read_does_not_replace_a_write)
{
	int fd;

	IMPORT(self->buf, WR, self->tl[0], 1);
	IMPORT(self->buf, RD, self->tl[0], 2);
	fd = buf_export(self->buf, RD);
	ASSERT_LE(0, fd);
	EXPECT_TRUE(pends(fd));

	/* The reader need not wait for the read that came later, though. */
	ASSERT_EQ(0, sw_advance(self->tl[0], 1));
	EXPECT_TRUE(signals(fd));
	close(fd);
	EXPECT_PENDS(self->buf, WR);
	ASSERT_EQ(0, sw_advance(self->tl[0], 1));
	EXPECT_IDLE(self->buf, WR);
}

TEST_F(sync_file, earlier_write_next_to_a_later_read)
{
	IMPORT(self->buf, RD, self->tl[0], 2);
	IMPORT(self->buf, WR, self->tl[0], 1);
	EXPECT_PENDS(self->buf, RD);
	ASSERT_EQ(0, sw_advance(self->tl[0], 1));
	EXPECT_IDLE(self->buf, RD);
	EXPECT_PENDS(self->buf, WR);
	ASSERT_EQ(0, sw_advance(self->tl[0], 1));
	EXPECT_IDLE(self->buf, WR);
}

TEST_F(sync_file, signalled_fence_adds_nothing)
{
	int fence = sw_fence(self->tl[0], 1), fd;

	ASSERT_LE(0, fence);
	ASSERT_EQ(0, sw_advance(self->tl[0], 1));
	ASSERT_EQ(0, buf_import(self->buf, WR, fence));
	close(fence);
	fd = buf_export(self->buf, RW);
	ASSERT_LE(0, fd);
	EXPECT_EQ(1, sync_status(fd));
	close(fd);
}

TEST_F_TIMEOUT(sync_file, thousands_of_fences, 240)
{
	struct rlimit limit = { MANY_FENCES + 64, MANY_FENCES + 64 };
	int *tl = calloc(MANY_FENCES, sizeof(*tl)), fd, i;

	ASSERT_TRUE(tl);
	if (setrlimit(RLIMIT_NOFILE, &limit))
		SKIP(return, "may not open %d files", MANY_FENCES);

	for (i = 0; i < MANY_FENCES; i++) {
		tl[i] = sw_timeline();
		ASSERT_LE(0, tl[i]);
		IMPORT(self->buf, i & 1 ? WR : RD, tl[i], 1);
	}
	EXPECT_FENCES(MANY_FENCES / 2, self->buf, RD);

	fd = buf_export(self->buf, WR);
	ASSERT_LE(0, fd);
	EXPECT_EQ(MANY_FENCES, sync_count_pending(fd));
	for (i = 0; i < MANY_FENCES; i++) {
		if (i == MANY_FENCES / 2)
			continue;
		ASSERT_EQ(0, sw_advance(tl[i], 1));
	}
	EXPECT_TRUE(pends(fd));
	EXPECT_FENCES(1, self->buf, WR);

	ASSERT_EQ(0, sw_advance(tl[MANY_FENCES / 2], 1));
	EXPECT_TRUE(signals(fd));
	EXPECT_IDLE(self->buf, RW);
	close(fd);
	for (i = 0; i < MANY_FENCES; i++)
		close(tl[i]);
	free(tl);
}

/* Errors of the fences themselves */

TEST_F(sync_file, error_of_a_fence_is_reported)
{
	const int enoent = -ENOENT;
	int fd;

	IMPORT(self->buf, WR, self->tl[0], 1);
	fd = buf_export(self->buf, RD);
	ASSERT_LE(0, fd);

	/* A timeline that goes away signals what is left with -ENOENT. */
	ASSERT_EQ(0, close(self->tl[0]));
	self->tl[0] = -1;
	EXPECT_TRUE(signals(fd));
	EXPECT_EQ(-ENOENT, sync_status(fd));
	EXPECT_EQ(1, sync_count(fd, &enoent));
	close(fd);
}

TEST_F(sync_file, error_of_one_among_several)
{
	const int enoent = -ENOENT, done = 1;
	int fd;

	IMPORT(self->buf, WR, self->tl[0], 1);
	IMPORT(self->buf, WR, self->tl[1], 1);
	fd = buf_export(self->buf, RD);
	ASSERT_LE(0, fd);
	EXPECT_TRUE(pends(fd));
	ASSERT_EQ(0, close(self->tl[0]));
	self->tl[0] = -1;
	EXPECT_TRUE(pends(fd));
	ASSERT_EQ(0, sw_advance(self->tl[1], 1));
	EXPECT_TRUE(signals(fd));
	EXPECT_EQ(-ENOENT, sync_status(fd));
	EXPECT_EQ(1, sync_count(fd, &enoent));
	EXPECT_EQ(1, sync_count(fd, &done));
	close(fd);
}

TEST_F(sync_file, failed_fence_can_be_imported)
{
	int fence = sw_fence(self->tl[0], 1);

	ASSERT_LE(0, fence);
	ASSERT_EQ(0, close(self->tl[0]));
	self->tl[0] = -1;
	ASSERT_EQ(-ENOENT, sync_status(fence));
	EXPECT_EQ(0, buf_import(self->buf, WR, fence));
	EXPECT_TRUE(buf_export(self->buf, RW) >= 0);
	close(fence);
}

TEST_F(sync_file, failed_fence_leaves_the_buffer_idle)
{
	int fd;

	IMPORT(self->buf, WR, self->tl[0], 1);
	ASSERT_EQ(0, close(self->tl[0]));
	self->tl[0] = -1;
	fd = buf_export(self->buf, RW);
	ASSERT_LE(0, fd);
	EXPECT_TRUE(signals(fd));
	close(fd);
}

/* Wrong input: the right errno, no fd leaked, nothing changed */

static const __u32 bad_flags[] = {
	0,
	DMA_BUF_SYNC_END,
	DMA_BUF_SYNC_END | RD,
	DMA_BUF_SYNC_END | RW,
	RW | 8,
	1u << 31,
	RD | 1u << 31,
	~0u,
};

TEST_F(sync_file, export_with_bad_flags)
{
	int before = fd_count();
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(bad_flags); i++) {
		struct dma_buf_export_sync_file arg = {
			.flags = bad_flags[i],
			.fd = 12345,
		};

		EXPECT_EQ(-EINVAL, xioctl(self->buf,
					  DMA_BUF_IOCTL_EXPORT_SYNC_FILE, &arg));
		EXPECT_EQ(bad_flags[i], arg.flags);
		EXPECT_EQ(12345, arg.fd);
	}
	EXPECT_EQ(before, fd_count());
}

TEST_F(sync_file, import_with_bad_flags)
{
	int fence = sw_fence(self->tl[0], 1), before = fd_count();
	unsigned int i;

	ASSERT_LE(0, fence);
	for (i = 0; i < ARRAY_SIZE(bad_flags); i++)
		EXPECT_EQ(-EINVAL, buf_import(self->buf, bad_flags[i], fence));
	EXPECT_EQ(before, fd_count());
	EXPECT_IDLE(self->buf, RW);
	EXPECT_EQ(0, sync_status(fence));
	close(fence);
}

TEST_F(sync_file, import_of_no_fd)
{
	int closed = dup(self->buf);

	ASSERT_LE(0, closed);
	close(closed);
	EXPECT_EQ(-EINVAL, buf_import(self->buf, WR, -1));
	EXPECT_EQ(-EINVAL, buf_import(self->buf, RD, closed));
	EXPECT_EQ(-EINVAL, buf_import(self->buf, RD, 0x7fffffff));
	EXPECT_EQ(-EINVAL, buf_import(self->buf, RD, -2147483647 - 1));
	EXPECT_IDLE(self->buf, RW);
}

TEST_F(sync_file, import_of_other_files)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC), before, pipes[2];

	ASSERT_LE(0, null);
	ASSERT_EQ(0, pipe(pipes));
	before = fd_count();
	EXPECT_EQ(-EINVAL, buf_import(self->buf, WR, null));
	EXPECT_EQ(-EINVAL, buf_import(self->buf, WR, pipes[0]));
	EXPECT_EQ(-EINVAL, buf_import(self->buf, WR, self->buf));
	EXPECT_EQ(-EINVAL, buf_import(self->buf, WR, self->tl[0]));
	EXPECT_EQ(before, fd_count());
	EXPECT_IDLE(self->buf, RW);
	close(null);
	close(pipes[0]);
	close(pipes[1]);
}

TEST_F(sync_file, export_to_a_bad_pointer)
{
	int before = fd_count();
	void *hole = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS,
			  -1, 0);

	ASSERT_TRUE(hole != MAP_FAILED);
	EXPECT_EQ(-EFAULT,
		  xioctl(self->buf, DMA_BUF_IOCTL_EXPORT_SYNC_FILE, NULL));
	EXPECT_EQ(-EFAULT,
		  xioctl(self->buf, DMA_BUF_IOCTL_EXPORT_SYNC_FILE, hole));
	EXPECT_EQ(-EFAULT, xioctl(self->buf, DMA_BUF_IOCTL_EXPORT_SYNC_FILE,
				  (void *)-4096L));
	EXPECT_EQ(before, fd_count());
	munmap(hole, 4096);
}

TEST_F(sync_file, export_to_read_only_memory)
{
	struct dma_buf_export_sync_file *arg;
	int before, next, i;

	arg = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_TRUE(arg != MAP_FAILED);
	arg->flags = RW;
	arg->fd = 12345;
	ASSERT_EQ(0, mprotect(arg, 4096, PROT_READ));
	IMPORT(self->buf, WR, self->tl[0], 1);
	IMPORT(self->buf, WR, self->tl[1], 1);
	before = fd_count();

	/* The answer cannot be delivered after all the work was done. */
	for (i = 0; i < 100; i++)
		ASSERT_EQ(-EFAULT, xioctl(self->buf,
					  DMA_BUF_IOCTL_EXPORT_SYNC_FILE, arg));
	EXPECT_EQ(12345, arg->fd);
	EXPECT_EQ(before, fd_count());
	next = dup(self->buf);
	EXPECT_LE(next, before + 8);
	close(next);
	EXPECT_FENCES(2, self->buf, RW);
	munmap(arg, 4096);
}

TEST_F(sync_file, argument_across_the_end_of_memory)
{
	char *two = mmap(NULL, 8192, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int fence = sw_fence(self->tl[0], 1), before = fd_count();
	__u32 flags = RW;

	ASSERT_TRUE(two != MAP_FAILED);
	ASSERT_EQ(0, munmap(two + 4096, 4096));
	memcpy(two + 4092, &flags, sizeof(flags));
	EXPECT_EQ(-EFAULT, xioctl(self->buf, DMA_BUF_IOCTL_EXPORT_SYNC_FILE,
				  two + 4092));
	EXPECT_EQ(-EFAULT, xioctl(self->buf, DMA_BUF_IOCTL_IMPORT_SYNC_FILE,
				  two + 4092));
	EXPECT_EQ(before, fd_count());
	close(fence);
	munmap(two, 4096);
}

TEST_F(sync_file, import_from_a_bad_pointer)
{
	void *hole = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS,
			  -1, 0);

	ASSERT_TRUE(hole != MAP_FAILED);
	EXPECT_EQ(-EFAULT,
		  xioctl(self->buf, DMA_BUF_IOCTL_IMPORT_SYNC_FILE, NULL));
	EXPECT_EQ(-EFAULT,
		  xioctl(self->buf, DMA_BUF_IOCTL_IMPORT_SYNC_FILE, hole));
	EXPECT_IDLE(self->buf, RW);
	munmap(hole, 4096);
}

TEST_F(sync_file, import_from_read_only_memory)
{
	struct dma_buf_import_sync_file *arg;

	arg = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_TRUE(arg != MAP_FAILED);
	arg->flags = WR;
	arg->fd = sw_fence(self->tl[0], 1);
	ASSERT_EQ(0, mprotect(arg, 4096, PROT_READ));
	EXPECT_EQ(0, xioctl(self->buf, DMA_BUF_IOCTL_IMPORT_SYNC_FILE, arg));
	EXPECT_PENDS(self->buf, RD);
	close(arg->fd);
	munmap(arg, 4096);
}

TEST_F(sync_file, wrong_direction_or_size)
{
	struct dma_buf_export_sync_file arg[2] = { { .flags = RW, .fd = -1 } };
	int before = fd_count();

	EXPECT_EQ(-ENOTTY, xioctl(self->buf, _IOW('b', 2, arg[0]), arg));
	EXPECT_EQ(-ENOTTY, xioctl(self->buf, _IOR('b', 2, arg[0]), arg));
	EXPECT_EQ(-ENOTTY, xioctl(self->buf, _IOWR('b', 3, arg[0]), arg));
	EXPECT_EQ(-ENOTTY, xioctl(self->buf, _IOR('b', 3, arg[0]), arg));
	EXPECT_EQ(-ENOTTY, xioctl(self->buf, _IOWR('b', 2, arg), arg));
	EXPECT_EQ(-ENOTTY, xioctl(self->buf, _IOW('b', 3, __u32), arg));
	EXPECT_EQ(-ENOTTY, xioctl(self->buf, _IO('b', 2), arg));
	EXPECT_EQ(-1, arg[0].fd);
	EXPECT_EQ(before, fd_count());
}

TEST_F(sync_file, not_a_dma_buf)
{
	int fence = sw_fence(self->tl[0], 1);

	ASSERT_LE(0, fence);
	EXPECT_EQ(-ENOTTY, buf_export(fence, RW));
	EXPECT_EQ(-ENOTTY, buf_import(fence, RW, fence));
	EXPECT_EQ(-EBADF, buf_export(-1, RW));
	close(fence);
}

TEST_F(sync_file, no_fd_left)
{
	struct rlimit limit, none;
	int before, fd;

	IMPORT(self->buf, WR, self->tl[0], 1);
	before = fd_count();
	fd = dup(self->buf);
	ASSERT_LE(0, fd);
	close(fd);

	ASSERT_EQ(0, getrlimit(RLIMIT_NOFILE, &limit));
	none = limit;
	none.rlim_cur = fd;
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &none));
	EXPECT_EQ(-EMFILE, buf_export(self->buf, RD));
	/* Wrong flags are wrong first. */
	EXPECT_EQ(-EINVAL, buf_export(self->buf, 0));
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &limit));
	EXPECT_EQ(before, fd_count());
	EXPECT_PENDS(self->buf, RD);
}

TEST_F(sync_file, exported_fd_is_close_on_exec)
{
	int fd = buf_export(self->buf, RD);

	ASSERT_LE(0, fd);
	EXPECT_EQ(FD_CLOEXEC, fcntl(fd, F_GETFD));
	close(fd);
}

TEST_F(sync_file, export_leaves_the_flags_alone)
{
	struct dma_buf_export_sync_file arg = { .flags = RW, .fd = -5 };

	ASSERT_EQ(0, xioctl(self->buf, DMA_BUF_IOCTL_EXPORT_SYNC_FILE, &arg));
	EXPECT_EQ((__u32)RW, arg.flags);
	EXPECT_LE(0, arg.fd);
	close(arg.fd);
}

TEST_F(sync_file, nothing_leaks_over_many_rounds)
{
	int before = fd_count(), fd, i;

	for (i = 0; i < 1000; i++) {
		IMPORT(self->buf, i & 1 ? WR : RD, self->tl[i % 3], i + 1);
		fd = buf_export(self->buf, i & 2 ? WR : RD);
		ASSERT_LE(0, fd);
		close(fd);
	}
	EXPECT_EQ(before, fd_count());
	for (i = 0; i < 3; i++)
		ASSERT_EQ(0, sw_advance(self->tl[i], 1000));
	EXPECT_IDLE(self->buf, RW);
}

/* Sharing */

TEST_F(sync_file, another_fd_of_the_same_buffer)
{
	int other = dup(self->buf);

	ASSERT_LE(0, other);
	IMPORT(other, WR, self->tl[0], 1);
	close(other);
	EXPECT_PENDS(self->buf, RD);
}

TEST_F(sync_file, other_buffers_are_not_touched)
{
	int other = buf_new(variant->kind);

	ASSERT_LE(0, other);
	IMPORT(other, WR, self->tl[0], 1);
	EXPECT_IDLE(self->buf, RW);
	EXPECT_PENDS(other, RD);
	close(other);
}

TEST_F(sync_file, two_processes)
{
	pid_t pid = fork();
	int status;

	ASSERT_LE(0, pid);
	if (!pid) {
		if (buf_import_new(self->buf, WR, self->tl[0], 1))
			_exit(1);
		_exit(pends(buf_export(self->buf, RD)) ? 0 : 2);
	}

	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);

	/* The fence outlives the process that added it. */
	EXPECT_PENDS(self->buf, RD);
	ASSERT_EQ(0, sw_advance(self->tl[0], 1));
	EXPECT_IDLE(self->buf, RD);
}

static int fd_send(int sock, int fd)
{
	union {
		struct cmsghdr head;
		char space[CMSG_SPACE(sizeof(int))];
	} control = { .head = { 0 } };
	char byte = 0;
	struct iovec iov = { .iov_base = &byte, .iov_len = 1 };
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &fd, sizeof(int));

	return sendmsg(sock, &msg, 0) == 1 ? 0 : -errno;
}

static int fd_receive(int sock)
{
	union {
		struct cmsghdr head;
		char space[CMSG_SPACE(sizeof(int))];
	} control;
	char byte;
	struct iovec iov = { .iov_base = &byte, .iov_len = 1 };
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	int fd;

	if (recvmsg(sock, &msg, 0) != 1 || !CMSG_FIRSTHDR(&msg))
		return -EPROTO;
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&msg)), sizeof(int));

	return fd;
}

/* A producer that knows only fences hands a frame to an implicit consumer. */
TEST_F(sync_file, files_passed_over_a_socket)
{
	int pair[2], fence, status;
	pid_t pid;

	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		int buf = fd_receive(pair[1]), fd = fd_receive(pair[1]);

		if (buf < 0 || fd < 0 || buf_import(buf, WR, fd))
			_exit(1);
		fd = buf_export(buf, RD);
		_exit(fd >= 0 && !fd_send(pair[1], fd) ? 0 : 2);
	}

	fence = sw_fence(self->tl[0], 1);
	ASSERT_LE(0, fence);
	ASSERT_EQ(0, fd_send(pair[0], self->buf));
	ASSERT_EQ(0, fd_send(pair[0], fence));
	close(fence);
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	ASSERT_EQ(0, status);

	fence = fd_receive(pair[0]);
	ASSERT_LE(0, fence);
	EXPECT_TRUE(pends(fence));
	EXPECT_PENDS(self->buf, RD);
	ASSERT_EQ(0, sw_advance(self->tl[0], 1));
	EXPECT_TRUE(signals(fence));
	close(fence);
	close(pair[0]);
	close(pair[1]);
}

struct delayed_advance {
	int timeline;
	long long at;
};

static void *advance_later(void *data)
{
	struct delayed_advance *d = data;

	sleep_ms(50);
	d->at = now_ms();
	sw_advance(d->timeline, 1);

	return NULL;
}

static int cpu_access(int buf, __u64 flags)
{
	struct dma_buf_sync arg = { .flags = flags };

	return xioctl(buf, DMA_BUF_IOCTL_SYNC, &arg);
}

TEST_F(sync_file, cpu_read_waits_for_an_imported_write)
{
	struct delayed_advance d = { .timeline = self->tl[0] };
	pthread_t thread;
	long long after;

	IMPORT(self->buf, WR, self->tl[0], 1);
	ASSERT_EQ(0, pthread_create(&thread, NULL, advance_later, &d));
	EXPECT_EQ(0, cpu_access(self->buf, DMA_BUF_SYNC_START | RD));
	after = now_ms();
	ASSERT_EQ(0, pthread_join(thread, NULL));
	EXPECT_LE(d.at, after);
	EXPECT_EQ(0, cpu_access(self->buf, DMA_BUF_SYNC_END | RD));
}

TEST_F(sync_file, cpu_read_passes_an_imported_read)
{
	IMPORT(self->buf, RD, self->tl[0], 1);
	EXPECT_EQ(0, cpu_access(self->buf, DMA_BUF_SYNC_START | RD));
	EXPECT_EQ(0, cpu_access(self->buf, DMA_BUF_SYNC_END | RD));
	EXPECT_PENDS(self->buf, WR);
}

TEST_F(sync_file, cpu_write_waits_for_an_imported_read)
{
	struct delayed_advance d = { .timeline = self->tl[0] };
	pthread_t thread;
	long long after;

	IMPORT(self->buf, RD, self->tl[0], 1);
	ASSERT_EQ(0, pthread_create(&thread, NULL, advance_later, &d));
	EXPECT_EQ(0, cpu_access(self->buf, DMA_BUF_SYNC_START | WR));
	after = now_ms();
	ASSERT_EQ(0, pthread_join(thread, NULL));
	EXPECT_LE(d.at, after);
	EXPECT_EQ(0, cpu_access(self->buf, DMA_BUF_SYNC_END | WR));
}

/* Everything at once */

struct hammer {
	int buf;
	int errors;
};

static void *hammer_thread(void *data)
{
	struct hammer *h = data;
	int tl = sw_timeline(), fd, i;

	for (i = 1; i <= HAMMER_ROUNDS; i++) {
		if (buf_import_new(h->buf, i & 1 ? WR : RD, tl, i))
			h->errors++;

		/* Our own fence must be in there as long as it pends. */
		fd = buf_export(h->buf, RW);
		if (fd < 0 || !pends(fd))
			h->errors++;
		if (sw_advance(tl, 1))
			h->errors++;
		close(fd);
	}
	close(tl);

	return NULL;
}

TEST_F_TIMEOUT(sync_file, threads_at_once, 120)
{
	struct hammer h[HAMMER_THREADS];
	pthread_t threads[HAMMER_THREADS];
	int i;

	for (i = 0; i < HAMMER_THREADS; i++) {
		h[i].buf = self->buf;
		h[i].errors = 0;
		ASSERT_EQ(0, pthread_create(&threads[i], NULL, hammer_thread,
					    &h[i]));
	}
	for (i = 0; i < HAMMER_THREADS; i++) {
		ASSERT_EQ(0, pthread_join(threads[i], NULL));
		EXPECT_EQ(0, h[i].errors);
	}
	EXPECT_IDLE(self->buf, RW);
}

/* Together with a driver that fences its own buffers */

FIXTURE(vgem_fence)
{
	int dev;
	int buf;
	int tl;
	__u32 handle;
};

FIXTURE_SETUP(vgem_fence)
{
	self->buf = vgem_buffer_keep(&self->dev, &self->handle);
	if (self->buf == -ENODEV)
		SKIP_TEST("no vgem device");
	ASSERT_LE(0, self->buf);
	self->tl = sw_timeline();
	if (self->tl < 0)
		SKIP_TEST("no fences: %s is missing", SW_TIMELINE_PATH);
	if (buf_export(self->buf, 0) == -ENOTTY)
		SKIP_TEST("this kernel does not have the ioctls");
}

FIXTURE_TEARDOWN(vgem_fence)
{
	close(self->buf);
	close(self->dev);
	close(self->tl);
}

TEST_F(vgem_fence, its_write_is_exported)
{
	int fence = vgem_attach(self->dev, self->handle, true), fd;

	ASSERT_LT(0, fence);
	fd = buf_export(self->buf, RD);
	ASSERT_LE(0, fd);
	EXPECT_TRUE(pends(fd));
	ASSERT_EQ(0, vgem_signal(self->dev, fence));
	EXPECT_TRUE(signals(fd));
	close(fd);
}

TEST_F(vgem_fence, its_read_is_exported)
{
	int fence = vgem_attach(self->dev, self->handle, false);

	ASSERT_LT(0, fence);
	EXPECT_IDLE(self->buf, RD);
	EXPECT_PENDS(self->buf, WR);
	ASSERT_EQ(0, vgem_signal(self->dev, fence));
	EXPECT_IDLE(self->buf, WR);
}

TEST_F(vgem_fence, it_respects_an_imported_write)
{
	IMPORT(self->buf, WR, self->tl, 1);
	EXPECT_EQ(-EBUSY, vgem_attach(self->dev, self->handle, false));
	EXPECT_EQ(-EBUSY, vgem_attach(self->dev, self->handle, true));
	ASSERT_EQ(0, sw_advance(self->tl, 1));
	EXPECT_LT(0, vgem_attach(self->dev, self->handle, true));
}

TEST_F(vgem_fence, it_respects_an_imported_read)
{
	IMPORT(self->buf, RD, self->tl, 1);
	EXPECT_EQ(-EBUSY, vgem_attach(self->dev, self->handle, true));
	EXPECT_LT(0, vgem_attach(self->dev, self->handle, false));
	EXPECT_FENCES(2, self->buf, WR);
}

TEST_F(vgem_fence, its_write_keeps_what_was_imported)
{
	int fence;

	IMPORT(self->buf, RD, self->tl, 1);
	fence = vgem_attach(self->dev, self->handle, false);
	ASSERT_LT(0, fence);
	ASSERT_EQ(0, vgem_signal(self->dev, fence));
	EXPECT_PENDS(self->buf, WR);
	EXPECT_IDLE(self->buf, RD);
}

TEST_HARNESS_MAIN
