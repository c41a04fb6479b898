// SPDX-License-Identifier: GPL-2.0
/*
 * Which fences the commands of virtio-gpu wait for, which ones they add, and what
 * becomes of theirs, with the whole driver on a device whose host is a few lines
 * here. It has 3D, which hosts without a graphics card don't, answers when the test
 * says so, and remembers in which order it was told to do what.
 */

#include <drm/drm_atomic.h>
#include <drm/drm_atomic_uapi.h>
#include <drm/drm_file.h>
#include <drm/drm_fourcc.h>
#include <drm/virtgpu_drm.h>
#include <linux/file.h>
#include <linux/platform_device.h>
#include <linux/sched/signal.h>
#include <linux/virtio.h>
#include <linux/virtio_config.h>
#include <linux/virtio_gpu.h>
#include <linux/virtio_ring.h>

#include "../virtgpu_drv.h"
#include "resv-fixture.h"

#define HOST_SCREENS	2
#define HOST_RING	64
#define HOST_LOG	64

/* Long enough to tell who waited, short enough to do it often */
#define A_WHILE		max(HZ / 20, 3)

#define SIDE		64

struct virtgpu_host {
	struct resv_fixture fixture;
	struct platform_device *parent;
	struct virtio_device vdev;
	bool registered;
	u8 status;
	spinlock_t lock;	/* protects what follows */
	struct virtqueue *vqs[2];
	u16 seen[2];
	bool held;
	struct delayed_work release;

	/* Commands in the order in which they were done */
	u32 log[HOST_LOG];
	unsigned int nr_log;
	/* Cursors that were shown before everything else that was queued was done */
	unsigned int overtook;

	struct file *filp;
	struct drm_file *file;
	struct drm_framebuffer *fb[2];
};

#define to_host(x) container_of(x, struct virtgpu_host, vdev)

static struct virtgpu_host *host_of(struct kunit *test)
{
	return test->priv;
}

static struct virtio_gpu_device *vgdev_of(struct kunit *test)
{
	struct drm_device *dev = host_of(test)->vdev.priv;

	return dev->dev_private;
}

/* The host: takes commands from the rings */

static unsigned int host_pending(struct virtgpu_host *host, unsigned int q)
{
	const struct vring *ring = virtqueue_get_vring(host->vqs[q]);

	return (u16)(virtio16_to_cpu(&host->vdev, READ_ONCE(ring->avail->idx)) -
		     host->seen[q]);
}

static u32 host_do(struct virtgpu_host *host, const struct vring *ring, u16 head)
{
	struct vring_desc *desc = &ring->desc[head];
	struct virtio_gpu_ctrl_hdr *cmd, *resp;
	u32 type, len;

	cmd = phys_to_virt(virtio64_to_cpu(&host->vdev, desc->addr));
	type = le32_to_cpu(cmd->type);
	if (host->nr_log < HOST_LOG)
		host->log[host->nr_log++] = type;
	while (virtio16_to_cpu(&host->vdev, desc->flags) & VRING_DESC_F_NEXT)
		desc = &ring->desc[virtio16_to_cpu(&host->vdev, desc->next)];
	if (!(virtio16_to_cpu(&host->vdev, desc->flags) & VRING_DESC_F_WRITE))
		return 0;

	resp = phys_to_virt(virtio64_to_cpu(&host->vdev, desc->addr));
	len = virtio32_to_cpu(&host->vdev, desc->len);
	memset(resp, 0, len);
	resp->type = cpu_to_le32(type == VIRTIO_GPU_CMD_GET_DISPLAY_INFO ?
				 VIRTIO_GPU_RESP_OK_DISPLAY_INFO :
				 VIRTIO_GPU_RESP_OK_NODATA);
	resp->flags = cmd->flags;
	resp->fence_id = cmd->fence_id;

	return len;
}

static void host_run(struct virtgpu_host *host, unsigned int q)
{
	const struct vring *ring = virtqueue_get_vring(host->vqs[q]);
	struct vring_used *used = ring->used;
	unsigned int at;
	u16 head;

	spin_lock(&host->lock);
	while (!(host->held && !q) && host_pending(host, q)) {
		/* What is in the ring was there before its index */
		virt_rmb();
		head = virtio16_to_cpu(&host->vdev,
				       ring->avail->ring[host->seen[q] % ring->num]);
		if (q && host_pending(host, 0))
			host->overtook++;
		at = virtio16_to_cpu(&host->vdev, used->idx);
		used->ring[at % ring->num].id = cpu_to_virtio32(&host->vdev, head);
		used->ring[at % ring->num].len =
			cpu_to_virtio32(&host->vdev, host_do(host, ring, head));
		/* ... and what goes back likewise */
		virt_wmb();
		used->idx = cpu_to_virtio16(&host->vdev, at + 1);
		host->seen[q]++;
	}
	spin_unlock(&host->lock);
	vring_interrupt(0, host->vqs[q]);
}

static bool host_notify(struct virtqueue *vq)
{
	host_run(to_host(vq->vdev), vq->index);

	return true;
}

static void host_release(struct work_struct *work)
{
	struct virtgpu_host *host =
		container_of(work, struct virtgpu_host, release.work);

	spin_lock(&host->lock);
	host->held = false;
	spin_unlock(&host->lock);
	host_run(host, 0);
}

/* From now on, no command but for cursors is done, until it is said or for a while */
static void host_hold(struct virtgpu_host *host, bool for_a_while)
{
	spin_lock(&host->lock);
	host->held = true;
	host->nr_log = 0;
	host->overtook = 0;
	spin_unlock(&host->lock);
	if (for_a_while)
		schedule_delayed_work(&host->release, A_WHILE);
}

/* The driver has seen all of it when this is back */
static void host_let_go(struct virtgpu_host *host)
{
	struct drm_device *dev = host->vdev.priv;
	struct virtio_gpu_device *vgdev = dev->dev_private;

	mod_delayed_work(system_wq, &host->release, 0);
	flush_delayed_work(&host->release);
	flush_work(&vgdev->ctrlq.dequeue_work);
	flush_work(&vgdev->response_work);
	flush_work(&vgdev->obj_free_work);
}

static unsigned int host_count(struct virtgpu_host *host, u32 type)
{
	unsigned int i, n = 0;

	for (i = 0; i < host->nr_log; i++)
		n += host->log[i] == type;

	return n;
}

/* The host: a device of virtio */

static void host_get(struct virtio_device *vdev, unsigned int offset, void *buf,
		     unsigned int len)
{
	struct virtio_gpu_config config = {
		.num_scanouts = cpu_to_le32(HOST_SCREENS),
	};

	memcpy(buf, (void *)&config + offset, len);
}

static void host_set(struct virtio_device *vdev, unsigned int offset,
		     const void *buf, unsigned int len)
{
}

static u8 host_get_status(struct virtio_device *vdev)
{
	return to_host(vdev)->status;
}

static void host_set_status(struct virtio_device *vdev, u8 status)
{
	to_host(vdev)->status = status;
}

static void host_reset(struct virtio_device *vdev)
{
	to_host(vdev)->status = 0;
}

static void host_del_vqs(struct virtio_device *vdev)
{
	struct virtqueue *vq, *next;

	list_for_each_entry_safe(vq, next, &vdev->vqs, list)
		vring_del_virtqueue(vq);
}

static int host_find_vqs(struct virtio_device *vdev, unsigned int nvqs,
			 struct virtqueue *vqs[], vq_callback_t *callbacks[],
			 const char * const names[], const bool *ctx,
			 struct irq_affinity *desc)
{
	struct virtgpu_host *host = to_host(vdev);
	unsigned int i;

	for (i = 0; i < nvqs && i < ARRAY_SIZE(host->vqs); i++) {
		vqs[i] = vring_create_virtqueue(i, HOST_RING, SMP_CACHE_BYTES, vdev,
						true, true, false, host_notify,
						callbacks[i], names[i]);
		if (!vqs[i]) {
			host_del_vqs(vdev);
			return -ENOMEM;
		}
		host->vqs[i] = vqs[i];
	}

	return 0;
}

static u64 host_get_features(struct virtio_device *vdev)
{
	return BIT_ULL(VIRTIO_F_VERSION_1) | BIT_ULL(VIRTIO_GPU_F_VIRGL);
}

static int host_finalize_features(struct virtio_device *vdev)
{
	vring_transport_features(vdev);

	return 0;
}

static const struct virtio_config_ops host_ops = {
	.get = host_get,
	.set = host_set,
	.get_status = host_get_status,
	.set_status = host_set_status,
	.reset = host_reset,
	.find_vqs = host_find_vqs,
	.del_vqs = host_del_vqs,
	.get_features = host_get_features,
	.finalize_features = host_finalize_features,
};

static void host_released(struct device *dev)
{
}

/* What user space does */

static void drm_command(struct kunit *test, unsigned int nr, void *arg, int ret)
{
	struct drm_file *file = host_of(test)->file;

	KUNIT_EXPECT_EQ(test, virtio_gpu_ioctls[nr].func(file->minor->dev, arg, file),
			ret);
}

static u32 new_buffer(struct kunit *test, bool dumb)
{
	struct virtgpu_host *host = host_of(test);
	struct drm_mode_create_dumb create = { SIDE, SIDE, 32 };
	struct drm_virtgpu_resource_create resource = {
		.target = 2,
		.format = VIRTIO_GPU_FORMAT_B8G8R8A8_UNORM,
		.width = SIDE,
		.height = SIDE,
		.depth = 1,
		.array_size = 1,
		.size = SIDE * SIDE * 4,
	};

	if (!dumb) {
		drm_command(test, DRM_VIRTGPU_RESOURCE_CREATE, &resource, 0);
		return resource.bo_handle;
	}
	KUNIT_EXPECT_EQ(test, virtio_gpu_mode_dumb_create(host->file,
							  host->file->minor->dev,
							  &create), 0);
	return create.handle;
}

static struct drm_framebuffer *new_fb(struct kunit *test, unsigned int i, bool dumb)
{
	struct virtgpu_host *host = host_of(test);
	struct drm_device *dev = host->vdev.priv;
	struct drm_mode_fb_cmd2 cmd = {
		.width = SIDE,
		.height = SIDE,
		.pixel_format = DRM_FORMAT_ARGB8888,
		.pitches = { SIDE * 4 },
		.handles = { new_buffer(test, dumb) },
	};
	struct drm_framebuffer *fb;

	fb = dev->mode_config.funcs->fb_create(dev, host->file, &cmd);
	KUNIT_ASSERT_FALSE(test, IS_ERR(fb));
	host->fb[i] = fb;

	return fb;
}

static struct dma_resv *resv_of(struct drm_framebuffer *fb)
{
	return fb->obj[0]->resv;
}

static void transfer(struct kunit *test, struct drm_framebuffer *fb, bool to_host,
		     int ret)
{
	struct drm_virtgpu_3d_transfer_to_host to = {
		.box = { .w = SIDE, .h = SIDE, .d = 1 },
	};
	struct drm_virtgpu_3d_transfer_from_host from = { .box = to.box };
	u32 handle;

	KUNIT_ASSERT_EQ(test, drm_gem_handle_create(host_of(test)->file, fb->obj[0],
						    &handle), 0);
	to.bo_handle = handle;
	from.bo_handle = handle;
	if (to_host)
		drm_command(test, DRM_VIRTGPU_TRANSFER_TO_HOST, &to, ret);
	else
		drm_command(test, DRM_VIRTGPU_TRANSFER_FROM_HOST, &from, ret);
	drm_gem_handle_delete(host_of(test)->file, handle);
}

/* Show a cursor on the first screens, with one commit */
static void show(struct kunit *test, struct drm_framebuffer *fb, unsigned int screens)
{
	struct drm_device *dev = host_of(test)->vdev.priv;
	struct drm_modeset_acquire_ctx ctx;
	struct drm_plane_state *plane;
	struct drm_atomic_state *state;
	struct drm_crtc *crtc;
	int ret;

	drm_modeset_acquire_init(&ctx, 0);
	do
		ret = drm_modeset_lock_all_ctx(dev, &ctx);
	while (ret == -EDEADLK && !drm_modeset_backoff(&ctx));
	KUNIT_EXPECT_EQ(test, ret, 0);
	state = drm_atomic_state_alloc(dev);
	KUNIT_ASSERT_TRUE(test, state);
	state->acquire_ctx = &ctx;

	drm_for_each_crtc(crtc, dev) {
		if (!screens--)
			break;
		plane = drm_atomic_get_plane_state(state, crtc->cursor);
		KUNIT_ASSERT_FALSE(test, IS_ERR(plane));
		ret = drm_atomic_set_crtc_for_plane(plane, fb ? crtc : NULL);
		KUNIT_EXPECT_EQ(test, ret, 0);
		drm_atomic_set_fb_for_plane(plane, fb);
		plane->crtc_w = SIDE;
		plane->crtc_h = SIDE;
		plane->src_w = SIDE << 16;
		plane->src_h = SIDE << 16;
	}
	KUNIT_EXPECT_EQ(test, drm_atomic_commit(state), 0);
	drm_atomic_state_put(state);
	drm_modeset_drop_locks(&ctx);
	drm_modeset_acquire_fini(&ctx);
}

static void expect_unlocked(struct kunit *test, struct drm_framebuffer *fb)
{
	/* What comes next would wait for good */
	KUNIT_ASSERT_TRUE(test, dma_resv_trylock(resv_of(fb)));
	dma_resv_unlock(resv_of(fb));
}

/* For waits that a signal interrupts: there is one already */
static void interrupt(void)
{
	allow_signal(SIGINT);
	send_sig(SIGINT, current, 1);
}

static void interrupted(void)
{
	flush_signals(current);
	disallow_signal(SIGINT);
}

static void virtgpu_test_exit(struct kunit *test)
{
	struct virtgpu_host *host = host_of(test);
	unsigned int i;

	if (host->registered) {
		host_let_go(host);
		show(test, NULL, HOST_SCREENS);
		for (i = 0; i < ARRAY_SIZE(host->fb); i++)
			if (host->fb[i])
				drm_framebuffer_put(host->fb[i]);
		if (host->filp) {
			fput(host->filp);
			flush_delayed_fput();
		}
		unregister_virtio_device(&host->vdev);
	}
	cancel_delayed_work_sync(&host->release);
	if (host->parent)
		platform_device_unregister(host->parent);

	/* Frees all of it */
	resv_fixture_exit(test);
}

static int virtgpu_test_init(struct kunit *test)
{
	struct virtgpu_host *host = kzalloc(sizeof(*host), GFP_KERNEL);
	struct drm_device *dev;
	int ret;

	if (!host)
		return -ENOMEM;

	dma_resv_init(&host->fixture.obj);
	INIT_LIST_HEAD(&host->fixture.fences);
	spin_lock_init(&host->lock);
	INIT_DELAYED_WORK(&host->release, host_release);
	test->priv = host;

	host->parent = platform_device_register_simple("virtgpu-test", -1, NULL, 0);
	if (IS_ERR(host->parent)) {
		ret = PTR_ERR(host->parent);
		host->parent = NULL;
		goto err;
	}
	host->vdev.dev.parent = &host->parent->dev;
	host->vdev.dev.release = host_released;
	host->vdev.id.device = VIRTIO_ID_GPU;
	host->vdev.config = &host_ops;
	ret = register_virtio_device(&host->vdev);
	if (ret)
		goto err;
	host->registered = true;
	dev = host->vdev.priv;

	host->filp = mock_drm_getfile(dev->primary, O_RDWR);
	if (IS_ERR(host->filp)) {
		ret = PTR_ERR(host->filp);
		host->filp = NULL;
		goto err;
	}
	host->file = host->filp->private_data;
	return 0;

err:
	virtgpu_test_exit(test);
	return ret;
}

/* Cursors */

static void one_cursor_on_two_screens(struct kunit *test)
{
	struct virtgpu_host *host = host_of(test);
	struct drm_framebuffer *fb = new_fb(test, 0, true);

	host_hold(host, true);
	show(test, fb, 2);
	KUNIT_EXPECT_EQ(test, host_count(host, VIRTIO_GPU_CMD_TRANSFER_TO_HOST_2D),
			2u);
	KUNIT_EXPECT_EQ(test, host_count(host, VIRTIO_GPU_CMD_UPDATE_CURSOR), 2u);
	KUNIT_EXPECT_EQ(test, host->overtook, 0u);
	expect_unlocked(test, fb);
}

/* Nothing is left behind by a commit that moves a cursor, nor by the next image */
static void image_sent_once(struct kunit *test)
{
	struct virtgpu_host *host = host_of(test);
	struct drm_framebuffer *a = new_fb(test, 0, true);
	struct drm_framebuffer *b = new_fb(test, 1, true);

	host_hold(host, true);
	show(test, a, 1);
	show(test, a, 1);
	show(test, b, 1);
	show(test, a, 1);
	KUNIT_EXPECT_EQ(test, host_count(host, VIRTIO_GPU_CMD_TRANSFER_TO_HOST_2D),
			3u);
	KUNIT_EXPECT_EQ(test, host_count(host, VIRTIO_GPU_CMD_UPDATE_CURSOR), 3u);
	KUNIT_EXPECT_EQ(test, host_count(host, VIRTIO_GPU_CMD_MOVE_CURSOR), 1u);
	KUNIT_EXPECT_EQ(test, host->overtook, 0u);
}

static void cursor_waits_in_spite_of_signals(struct kunit *test)
{
	struct virtgpu_host *host = host_of(test);
	struct drm_framebuffer *fb = new_fb(test, 0, true);

	host_hold(host, true);
	interrupt();
	show(test, fb, 1);
	interrupted();
	KUNIT_EXPECT_EQ(test, host_count(host, VIRTIO_GPU_CMD_TRANSFER_TO_HOST_2D),
			1u);
	KUNIT_EXPECT_EQ(test, host_count(host, VIRTIO_GPU_CMD_UPDATE_CURSOR), 1u);
	KUNIT_EXPECT_EQ(test, host->overtook, 0u);
	expect_unlocked(test, fb);
}

/* Somebody else who has a buffer locked */
struct locker {
	struct work_struct work;
	struct dma_resv *resv;
	struct completion locked, done;
};

static void locker_work(struct work_struct *work)
{
	struct locker *locker = container_of(work, struct locker, work);

	dma_resv_lock(locker->resv, NULL);
	complete(&locker->locked);
	wait_for_completion(&locker->done);
	dma_resv_unlock(locker->resv);
}

static void cursor_needs_no_lock(struct kunit *test)
{
	struct virtgpu_host *host = host_of(test);
	struct drm_framebuffer *fb = new_fb(test, 0, true);
	struct locker locker = { .resv = resv_of(fb) };

	init_completion(&locker.locked);
	init_completion(&locker.done);
	INIT_WORK_ONSTACK(&locker.work, locker_work);
	host_hold(host, true);
	schedule_work(&locker.work);
	wait_for_completion(&locker.locked);
	show(test, fb, 1);
	complete(&locker.done);
	flush_work(&locker.work);
	destroy_work_on_stack(&locker.work);
	KUNIT_EXPECT_EQ(test, host_count(host, VIRTIO_GPU_CMD_UPDATE_CURSOR), 1u);
}

static void cursor_waits_for_a_transfer(struct kunit *test)
{
	struct virtgpu_host *host = host_of(test);
	struct drm_framebuffer *fb = new_fb(test, 0, false);

	host_hold(host, true);
	transfer(test, fb, true, 0);
	show(test, fb, 1);
	KUNIT_EXPECT_EQ(test, host_count(host, VIRTIO_GPU_CMD_TRANSFER_TO_HOST_3D),
			1u);
	KUNIT_EXPECT_EQ(test, host_count(host, VIRTIO_GPU_CMD_UPDATE_CURSOR), 1u);
	KUNIT_EXPECT_EQ(test, host->overtook, 0u);
}

/* Transfers and jobs: whom they wait for. The host doesn't answer meanwhile. */

static void transfer_after(struct kunit *test, enum dma_resv_usage usage, bool to_host,
			   int ret)
{
	struct virtgpu_host *host = host_of(test);
	struct drm_framebuffer *fb = new_fb(test, 0, false);
	struct dma_fence *fence = resv_new_fence(test);

	host_hold(host, false);
	interrupt();
	transfer(test, fb, to_host, 0);
	resv_add(test, resv_of(fb), fence, usage);
	transfer(test, fb, to_host, ret);
	expect_unlocked(test, fb);
	dma_fence_signal(fence);
	transfer(test, fb, to_host, 0);
	interrupted();
}

static void to_host_waits_for_write(struct kunit *test)
{
	transfer_after(test, DMA_RESV_USAGE_WRITE, true, -ERESTARTSYS);
}

static void to_host_waits_for_kernel(struct kunit *test)
{
	transfer_after(test, DMA_RESV_USAGE_KERNEL, true, -ERESTARTSYS);
}

static void to_host_passes_read(struct kunit *test)
{
	transfer_after(test, DMA_RESV_USAGE_READ, true, 0);
}

static void from_host_waits_for_read(struct kunit *test)
{
	transfer_after(test, DMA_RESV_USAGE_READ, false, -ERESTARTSYS);
}

static void from_host_passes_bookkeep(struct kunit *test)
{
	transfer_after(test, DMA_RESV_USAGE_BOOKKEEP, false, 0);
}

static void job_waits_for_all_its_buffers(struct kunit *test)
{
	struct drm_framebuffer *fb[2] = {
		new_fb(test, 0, false), new_fb(test, 1, false),
	};
	struct virtio_gpu_device *vgdev = vgdev_of(test);
	struct dma_fence *fence = resv_new_fence(test);
	struct virtio_gpu_object_array *objs = virtio_gpu_array_alloc(2);

	KUNIT_ASSERT_TRUE(test, objs);
	virtio_gpu_array_add_obj(objs, fb[0]->obj[0]);
	virtio_gpu_array_add_obj(objs, fb[1]->obj[0]);
	resv_add(test, resv_of(fb[1]), fence, DMA_RESV_USAGE_READ);

	interrupt();
	KUNIT_EXPECT_EQ(test, virtio_gpu_array_lock_idle(vgdev, objs, true),
			-ERESTARTSYS);
	interrupted();
	expect_unlocked(test, fb[0]);
	expect_unlocked(test, fb[1]);

	dma_fence_signal(fence);
	KUNIT_EXPECT_EQ(test, virtio_gpu_array_lock_idle(vgdev, objs, true), 0);
	KUNIT_EXPECT_TRUE(test, objs->locked);
	virtio_gpu_array_unlock_resv(objs);
	virtio_gpu_array_put_free(objs);
}

/* Fences: which ones are added, and that each signals */

static void transfers_add_write(struct kunit *test)
{
	struct virtgpu_host *host = host_of(test);
	struct drm_framebuffer *fb = new_fb(test, 0, false);

	host_hold(host, false);
	transfer(test, fb, true, 0);
	KUNIT_EXPECT_FALSE(test, dma_resv_test_signaled(resv_of(fb),
							DMA_RESV_USAGE_WRITE));
	KUNIT_EXPECT_TRUE(test, dma_resv_test_signaled(resv_of(fb),
						       DMA_RESV_USAGE_KERNEL));
	host_let_go(host);
	KUNIT_EXPECT_TRUE(test, dma_resv_test_signaled(resv_of(fb),
						       DMA_RESV_USAGE_BOOKKEEP));
}

static struct virtio_gpu_fence *submit(struct kunit *test, struct drm_framebuffer *fb)
{
	struct virtio_gpu_device *vgdev = vgdev_of(test);
	struct virtio_gpu_fence *fence = virtio_gpu_fence_alloc(vgdev);
	struct virtio_gpu_object_array *objs = virtio_gpu_array_alloc(1);

	KUNIT_ASSERT_TRUE(test, fence);
	KUNIT_ASSERT_TRUE(test, objs);
	virtio_gpu_array_add_obj(objs, fb->obj[0]);
	KUNIT_EXPECT_EQ(test, virtio_gpu_array_lock_resv(objs), 0);
	virtio_gpu_cmd_submit(vgdev, NULL, 0, 1, objs, fence);
	virtio_gpu_notify(vgdev);

	return fence;
}

/* The host has one job when the device goes away, and the next one comes after it */
static void device_goes_away(struct kunit *test)
{
	struct virtgpu_host *host = host_of(test);
	struct drm_framebuffer *fb = new_fb(test, 0, false);
	struct drm_device *dev = host->vdev.priv;
	struct virtio_gpu_fence *queued, *late;
	struct drm_gem_object *obj = fb->obj[0];
	unsigned int refs;

	drm_dev_get(dev);
	host_let_go(host);
	refs = kref_read(&obj->refcount);

	host_hold(host, false);
	queued = submit(test, fb);
	KUNIT_EXPECT_FALSE(test, dma_fence_is_signaled(&queued->f));
	KUNIT_EXPECT_EQ(test, kref_read(&obj->refcount), refs + 1);
	unregister_virtio_device(&host->vdev);
	host->registered = false;

	KUNIT_EXPECT_TRUE(test, dma_fence_is_signaled(&queued->f));
	KUNIT_EXPECT_EQ(test, queued->f.error, -ENODEV);
	KUNIT_EXPECT_EQ(test, kref_read(&obj->refcount), refs);

	late = submit(test, fb);
	KUNIT_EXPECT_TRUE(test, dma_fence_is_signaled(&late->f));
	KUNIT_EXPECT_EQ(test, late->f.error, -ENODEV);
	KUNIT_EXPECT_EQ(test, kref_read(&obj->refcount), refs);
	expect_unlocked(test, fb);

	dma_fence_put(&queued->f);
	dma_fence_put(&late->f);
	drm_framebuffer_put(fb);
	host->fb[0] = NULL;
	fput(host->filp);
	flush_delayed_fput();
	drm_dev_put(dev);
}

static struct kunit_case virtgpu_fence_cases[] = {
	KUNIT_CASE(one_cursor_on_two_screens),
	KUNIT_CASE(image_sent_once),
	KUNIT_CASE(cursor_waits_in_spite_of_signals),
	KUNIT_CASE(cursor_needs_no_lock),
	KUNIT_CASE(cursor_waits_for_a_transfer),
	KUNIT_CASE(to_host_waits_for_write),
	KUNIT_CASE(to_host_waits_for_kernel),
	KUNIT_CASE(to_host_passes_read),
	KUNIT_CASE(from_host_waits_for_read),
	KUNIT_CASE(from_host_passes_bookkeep),
	KUNIT_CASE(job_waits_for_all_its_buffers),
	KUNIT_CASE(transfers_add_write),
	KUNIT_CASE(device_goes_away),
	{}
};

static struct kunit_suite virtgpu_fence_suite = {
	.name = "virtgpu-fence",
	.init = virtgpu_test_init,
	.exit = virtgpu_test_exit,
	.test_cases = virtgpu_fence_cases,
};

kunit_test_suites(&virtgpu_fence_suite);
