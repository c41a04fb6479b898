/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the dma-buf tests share: buffers from two exporters, software fences
 * whose moment of signalling the test decides, and thin wrappers that return
 * a negative errno instead of -1.
 */
#ifndef _DMABUF_UTIL_H
#define _DMABUF_UTIL_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <dirent.h>
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
#include <time.h>
#include <unistd.h>

#include <drm/drm.h>
#include <drm/drm_mode.h>
#include <drm/vgem_drm.h>
#include <linux/dma-buf.h>
#include <linux/sync_file.h>
#include <linux/udmabuf.h>

/* For installed headers that are older than the ioctls. */
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

#ifndef MFD_ALLOW_SEALING
#define MFD_ALLOW_SEALING	0x0002U
#endif
#ifndef F_ADD_SEALS
#define F_ADD_SEALS		(1024 + 9)
#define F_SEAL_SHRINK		0x0002
#endif

/* sw_sync has no header that is meant for user space. */
struct sw_fence_request {
	__u32 value;
	char name[32];
	__s32 fence;
};

#define SW_TIMELINE_PATH	"/sys/kernel/debug/sync/sw_sync"
#define SW_FENCE_NEW		_IOWR('W', 0, struct sw_fence_request)
#define SW_TIMELINE_ADVANCE	_IOW('W', 1, __u32)

#define BUF_SIZE		(4 * 4096)

/* Long enough for a slow emulator; only a failing test waits this long. */
#define SIGNAL_TIMEOUT_MS	5000

enum buf_kind {
	BUF_VGEM,
	BUF_UDMABUF,
};

static inline int xioctl(int fd, unsigned long request, void *arg)
{
	int ret;

	do {
		ret = ioctl(fd, request, arg);
	} while (ret == -1 && (errno == EINTR || errno == EAGAIN));

	return ret == -1 ? -errno : ret;
}

/* Find a DRM device by driver name, or any for which @fits says yes. */
static inline int drm_open_fitting(const char *name, bool (*fits)(int fd))
{
	char path[64], driver[32];
	struct drm_version version;
	int i, fd;

	for (i = 0; i < 64; i++) {
		snprintf(path, sizeof(path), "/dev/dri/card%d", i);
		fd = open(path, O_RDWR | O_CLOEXEC);
		if (fd < 0)
			continue;

		memset(&version, 0, sizeof(version));
		memset(driver, 0, sizeof(driver));
		version.name = driver;
		version.name_len = sizeof(driver) - 1;
		if (!xioctl(fd, DRM_IOCTL_VERSION, &version) &&
		    (!name || !strcmp(driver, name)) && (!fits || fits(fd)))
			return fd;

		close(fd);
	}

	return -ENODEV;
}

/* The device and the handle stay open where the caller asks for them. */
static inline int vgem_buffer_keep(int *devp, __u32 *handlep)
{
	struct drm_mode_create_dumb create = {
		.width = 64,
		.height = BUF_SIZE / 64 / 4,
		.bpp = 32,
	};
	struct drm_prime_handle prime = { .flags = DRM_CLOEXEC | DRM_RDWR };
	int dev, ret;

	dev = drm_open_fitting("vgem", NULL);
	if (dev < 0)
		return dev;

	ret = xioctl(dev, DRM_IOCTL_MODE_CREATE_DUMB, &create);
	if (!ret) {
		prime.handle = create.handle;
		ret = xioctl(dev, DRM_IOCTL_PRIME_HANDLE_TO_FD, &prime);
	}
	if (ret || !devp) {
		close(dev);
	} else {
		*devp = dev;
		*handlep = create.handle;
	}

	return ret ? ret : prime.fd;
}

static inline int udmabuf_buffer(void)
{
	struct udmabuf_create create = {
		.flags = UDMABUF_FLAGS_CLOEXEC,
		.size = BUF_SIZE,
	};
	int dev, mem, ret;

	dev = open("/dev/udmabuf", O_RDWR | O_CLOEXEC);
	if (dev < 0)
		return -ENODEV;

	mem = syscall(__NR_memfd_create, "dma-buf test", MFD_ALLOW_SEALING);
	if (mem < 0) {
		ret = -errno;
		goto out;
	}

	create.memfd = mem;
	if (ftruncate(mem, BUF_SIZE) || fcntl(mem, F_ADD_SEALS, F_SEAL_SHRINK))
		ret = -errno;
	else
		ret = xioctl(dev, UDMABUF_CREATE, &create);

	close(mem);
out:
	close(dev);
	return ret;
}

/* A fence of vgem itself: returns its handle. It expires after ten seconds. */
static inline int vgem_attach(int dev, __u32 handle, bool write)
{
	struct drm_vgem_fence_attach arg = {
		.handle = handle,
		.flags = write ? VGEM_FENCE_WRITE : 0,
	};
	int ret = xioctl(dev, DRM_IOCTL_VGEM_FENCE_ATTACH, &arg);

	return ret ? ret : (int)arg.out_fence;
}

static inline int vgem_signal(int dev, __u32 fence)
{
	struct drm_vgem_fence_signal arg = { .fence = fence };

	return xioctl(dev, DRM_IOCTL_VGEM_FENCE_SIGNAL, &arg);
}

/* Returns a dma-buf, or -ENODEV where the kernel lacks the exporter. */
static inline int buf_new(enum buf_kind kind)
{
	return kind == BUF_VGEM ? vgem_buffer_keep(NULL, NULL) :
				  udmabuf_buffer();
}

static inline int buf_export(int buf, __u32 flags)
{
	struct dma_buf_export_sync_file arg = { .flags = flags, .fd = -1 };
	int ret = xioctl(buf, DMA_BUF_IOCTL_EXPORT_SYNC_FILE, &arg);

	return ret ? ret : arg.fd;
}

static inline int buf_import(int buf, __u32 flags, int fd)
{
	struct dma_buf_import_sync_file arg = { .flags = flags, .fd = fd };

	return xioctl(buf, DMA_BUF_IOCTL_IMPORT_SYNC_FILE, &arg);
}

static inline int sw_timeline(void)
{
	int fd = open(SW_TIMELINE_PATH, O_RDWR | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

static inline int sw_fence(int timeline, __u32 value)
{
	struct sw_fence_request arg = { .value = value, .name = "test" };
	int ret = xioctl(timeline, SW_FENCE_NEW, &arg);

	return ret ? ret : arg.fence;
}

static inline int sw_advance(int timeline, __u32 by)
{
	return xioctl(timeline, SW_TIMELINE_ADVANCE, &by);
}

/* A new fence goes straight into the buffer; nothing else holds it. */
static inline int buf_import_new(int buf, __u32 flags, int timeline, __u32 value)
{
	int fence = sw_fence(timeline, value), ret;

	if (fence < 0)
		return fence;
	ret = buf_import(buf, flags, fence);
	close(fence);

	return ret;
}

static inline int sync_merge2(int a, int b)
{
	struct sync_merge_data arg = { .name = "merged", .fd2 = b };
	int ret = xioctl(a, SYNC_IOC_MERGE, &arg);

	return ret ? ret : arg.fence;
}

/* 1: signalled, 0: not yet, negative: signalled with that error */
static inline int sync_status(int fd)
{
	struct sync_file_info info;

	memset(&info, 0, sizeof(info));
	if (xioctl(fd, SYNC_IOC_FILE_INFO, &info))
		return -EBADF;

	return info.status;
}

/* How many fences @fd is made of, or how many of them have @status. */
static inline int sync_count(int fd, const int *status)
{
	struct sync_file_info info;
	struct sync_fence_info *each;
	int ret, n = 0;
	__u32 i;

	memset(&info, 0, sizeof(info));
	ret = xioctl(fd, SYNC_IOC_FILE_INFO, &info);
	if (ret || !status)
		return ret ? ret : (int)info.num_fences;

	each = calloc(info.num_fences, sizeof(*each));
	if (!each)
		return -ENOMEM;

	info.sync_fence_info = (uintptr_t)each;
	ret = xioctl(fd, SYNC_IOC_FILE_INFO, &info);
	for (i = 0; !ret && i < info.num_fences; i++)
		n += each[i].status == *status;

	free(each);
	return ret ? ret : n;
}

static inline int sync_count_pending(int fd)
{
	const int pending = 0;

	return sync_count(fd, &pending);
}

/* The events that are ready within @ms, or a negative errno. */
static inline int wait_events(int fd, short events, int ms)
{
	struct pollfd p = { .fd = fd, .events = events };
	int ret;

	do {
		ret = poll(&p, 1, ms);
	} while (ret < 0 && errno == EINTR);

	if (ret < 0)
		return -errno;

	return ret ? p.revents : 0;
}

/* A fence that should have signalled may take a moment to say so ... */
static inline bool signals(int fd)
{
	return wait_events(fd, POLLIN, SIGNAL_TIMEOUT_MS) == POLLIN;
}

/* ... and one that must not have is asked at once. */
static inline bool pends(int fd)
{
	return wait_events(fd, POLLIN, 0) == 0;
}

static inline int fd_count(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int n = 0;

	if (!dir)
		return -1;
	while (readdir(dir))
		n++;
	closedir(dir);

	return n;
}

static inline long long now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000LL + ts.tv_nsec / 1000000;
}

static inline void sleep_ms(int ms)
{
	poll(NULL, 0, ms);
}

/*
 * To be used in FIXTURE_SETUP: leave with the harness' exit code for a
 * skipped test, because a plain return from there still runs the test.
 */
#define SKIP_TEST(fmt, ...) SKIP(_exit(255), fmt, ##__VA_ARGS__)

#endif /* _DMABUF_UTIL_H */
