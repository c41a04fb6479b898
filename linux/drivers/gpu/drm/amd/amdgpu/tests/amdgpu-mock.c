// SPDX-License-Identifier: GPL-2.0
/*
 * A device without hardware, whose jobs end when a test says so. Everything above
 * the rings is the driver's own: TTM with its managers, the jobs and the suballocator
 * for their commands, the VM. The rings have a scheduler, and no commands: a job that
 * gets to run is written down together with what it had to wait for.
 *
 * The VRAM is memory of the kernel, so the CPU can be sent to it as well.
 */

#include <linux/delay.h>
#include <linux/dma-fence-check.h>
#include <linux/dma-mapping.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

#include <drm/drm_drv.h>
#include <drm/drm_file.h>

#include "amdgpu_amdkfd.h"
#include "amdgpu_dma_buf.h"
#include "amdgpu_gem.h"
#include "amdgpu-mock.h"

/* One level of page directories, and a table for 2 MB */
#define MOCK_PAGES		65536
#define MOCK_BLOCK_SIZE		9

#define MOCK_IB_POOL		(256 << 10)

/* More than a test submits */
#define MOCK_HW_JOBS		1000

struct amdgpu_mock_fence {
	struct dma_fence base;
	spinlock_t lock; /* for base */
	struct list_head node;
};

/* A fence of any kind that a test case owns */
struct amdgpu_mock_owned {
	struct list_head node;
	struct dma_fence *fence;
	struct drm_sched_entity entity;
	struct timer_list timer;
};

struct amdgpu_mock_job {
	struct list_head node;
	unsigned int count;
	struct dma_fence *waited_for[32];
};

static const char *mock_fence_name(struct dma_fence *fence)
{
	return "amdgpu-mock";
}

static const struct dma_fence_ops mock_fence_ops = {
	.get_driver_name = mock_fence_name,
	.get_timeline_name = mock_fence_name,
};

static struct amdgpu_mock_fence *mock_fence(u64 context, u64 seqno)
{
	struct amdgpu_mock_fence *mock;

	mock = kzalloc(sizeof(*mock), GFP_KERNEL);
	if (!mock)
		return NULL;

	spin_lock_init(&mock->lock);
	INIT_LIST_HEAD(&mock->node);
	dma_fence_init(&mock->base, &mock_fence_ops, &mock->lock, context,
		       seqno);

	return mock;
}

/*
 * The rings
 */

static struct amdgpu_mock_ring *to_mock_ring(struct drm_gpu_scheduler *sched)
{
	return container_of(sched, struct amdgpu_mock_ring, ring.sched);
}

static struct dma_fence *mock_dependency(struct drm_sched_job *sched_job,
					 struct drm_sched_entity *entity)
{
	struct amdgpu_mock_ring *ring = to_mock_ring(entity->rq->sched);
	bool strict = READ_ONCE(ring->strict);
	struct amdgpu_mock_job *job;
	struct dma_fence *fence;

	/* Nobody waits for what is only written down */
	if (!strict)
		dma_fence_check_by_user(&sched_job->s_fence->finished);

	job = kzalloc(sizeof(*job), GFP_KERNEL | __GFP_NOFAIL);

	while (job->count < ARRAY_SIZE(job->waited_for)) {
		fence = amdgpu_sched_ops.dependency(sched_job, entity);
		if (!fence)
			break;
		job->waited_for[job->count++] = dma_fence_get(fence);
		if (strict)
			break;
		dma_fence_put(fence);
	}
	WARN_ON(job->count == ARRAY_SIZE(job->waited_for));

	spin_lock(&ring->lock);
	list_add_tail(&job->node, &ring->jobs);
	spin_unlock(&ring->lock);

	return strict ? fence : NULL;
}

static struct dma_fence *mock_run_job(struct drm_sched_job *sched_job)
{
	struct amdgpu_mock_ring *ring = to_mock_ring(sched_job->sched);
	struct amdgpu_mock_fence *mock;
	bool hold;

	if (!READ_ONCE(ring->hold))
		return NULL;

	mock = mock_fence(dma_fence_context_alloc(1), 1);
	if (!mock)
		return ERR_PTR(-ENOMEM);

	/* One reference for the list, and one for the scheduler */
	dma_fence_get(&mock->base);
	spin_lock(&ring->lock);
	hold = ring->hold;
	if (hold)
		list_add_tail(&mock->node, &ring->running);
	spin_unlock(&ring->lock);

	if (!hold) {
		dma_fence_signal(&mock->base);
		dma_fence_put(&mock->base);
	}

	return &mock->base;
}

static void mock_timedout_job(struct drm_sched_job *sched_job)
{
}

static void mock_free_job(struct drm_sched_job *sched_job)
{
	amdgpu_sched_ops.free_job(sched_job);
}

static const struct drm_sched_backend_ops mock_sched_ops = {
	.dependency = mock_dependency,
	.run_job = mock_run_job,
	.timedout_job = mock_timedout_job,
	.free_job = mock_free_job,
	.own_annotations = true,
};

static void mock_pad_ib(struct amdgpu_ring *ring, struct amdgpu_ib *ib)
{
	ib->length_dw = ALIGN(ib->length_dw, 8);
}

static const struct amdgpu_ring_funcs mock_ring_funcs = {
	.type = AMDGPU_RING_TYPE_SDMA,
	.pad_ib = mock_pad_ib,
};

static int mock_ring_init(struct amdgpu_mock *dev, struct amdgpu_mock_ring *ring,
			  const char *name,
			  const struct drm_sched_backend_ops *ops)
{
	struct amdgpu_device *adev = dev->adev;

	ring->ring.adev = adev;
	ring->ring.funcs = &mock_ring_funcs;
	ring->ring.idx = adev->num_rings;
	strscpy(ring->ring.name, name, sizeof(ring->ring.name));
	adev->rings[adev->num_rings++] = &ring->ring;

	return drm_sched_init(&ring->ring.sched, ops, MOCK_HW_JOBS, 0,
			      MAX_SCHEDULE_TIMEOUT, ring->ring.name);
}

static void mock_ring_prepare(struct amdgpu_mock_ring *ring)
{
	spin_lock_init(&ring->lock);
	INIT_LIST_HEAD(&ring->jobs);
	INIT_LIST_HEAD(&ring->running);
}

static bool mock_ring_queues_empty(struct amdgpu_mock_ring *ring)
{
	struct drm_gpu_scheduler *sched = &ring->ring.sched;
	struct drm_sched_entity *entity;
	bool empty = true;
	int i;

	for (i = DRM_SCHED_PRIORITY_MIN; i < DRM_SCHED_PRIORITY_COUNT; i++) {
		struct drm_sched_rq *rq = &sched->sched_rq[i];

		spin_lock(&rq->lock);
		list_for_each_entry(entity, &rq->entities, list)
			if (spsc_queue_count(&entity->job_queue))
				empty = false;
		spin_unlock(&rq->lock);
	}

	return empty;
}

static bool mock_ring_is_idle(struct amdgpu_mock_ring *ring)
{
	struct drm_gpu_scheduler *sched = &ring->ring.sched;
	bool idle;

	spin_lock(&sched->job_list_lock);
	idle = list_empty(&sched->ring_mirror_list);
	spin_unlock(&sched->job_list_lock);

	return idle && mock_ring_queues_empty(ring);
}

static void mock_ring_fini(struct amdgpu_mock_ring *ring)
{
	int i;

	if (!ring->ring.sched.ready)
		return;

	/* Jobs that are done are freed by the scheduler's thread */
	for (i = 0; i < 500 && !mock_ring_is_idle(ring); i++)
		msleep(20);
	WARN_ON(!mock_ring_is_idle(ring));
	drm_sched_fini(&ring->ring.sched);
	amdgpu_mock_forget_jobs(ring);
}

/**
 * amdgpu_mock_hold - have jobs run until amdgpu_mock_release()
 * @ring: the ring
 *
 * Without this, they are done as soon as it is their turn.
 */
void amdgpu_mock_hold(struct amdgpu_mock_ring *ring)
{
	spin_lock(&ring->lock);
	ring->hold = true;
	spin_unlock(&ring->lock);
}

/**
 * amdgpu_mock_release - have all jobs complete
 * @ring: the ring
 */
void amdgpu_mock_release(struct amdgpu_mock_ring *ring)
{
	struct amdgpu_mock_fence *mock, *next;
	LIST_HEAD(running);

	spin_lock(&ring->lock);
	ring->hold = false;
	list_splice_init(&ring->running, &running);
	spin_unlock(&ring->lock);

	list_for_each_entry_safe(mock, next, &running, node) {
		dma_fence_signal(&mock->base);
		dma_fence_put(&mock->base);
	}
}

/**
 * amdgpu_mock_forget_jobs - start to write down jobs anew
 * @ring: the ring
 */
void amdgpu_mock_forget_jobs(struct amdgpu_mock_ring *ring)
{
	struct amdgpu_mock_job *job, *next;
	LIST_HEAD(jobs);

	spin_lock(&ring->lock);
	list_splice_init(&ring->jobs, &jobs);
	spin_unlock(&ring->lock);

	list_for_each_entry_safe(job, next, &jobs, node) {
		while (job->count)
			dma_fence_put(job->waited_for[--job->count]);
		kfree(job);
	}
}

static bool mock_is_written_down(struct amdgpu_mock_ring *ring,
				 struct dma_fence *fence)
{
	struct amdgpu_mock_job *job;
	bool found = false;
	unsigned int i;

	spin_lock(&ring->lock);
	list_for_each_entry(job, &ring->jobs, node)
		for (i = 0; i < job->count; i++)
			if (job->waited_for[i] == fence)
				found = true;
	spin_unlock(&ring->lock);

	return found;
}

/**
 * amdgpu_mock_waited_for - did a job have to wait for a fence
 * @test: the test case
 * @ring: the ring
 * @fence: the fence
 *
 * Return: whether one of those did that were submitted since
 * amdgpu_mock_forget_jobs().
 */
bool amdgpu_mock_waited_for(struct kunit *test, struct amdgpu_mock_ring *ring,
			    struct dma_fence *fence)
{
	int i;

	for (i = 0; i < 500; i++) {
		/* In this order: who has left the queue is written down */
		bool all = mock_ring_queues_empty(ring);

		if (mock_is_written_down(ring, fence))
			return true;
		if (all)
			return false;
		msleep(20);
	}
	KUNIT_FAIL(test, "the scheduler is stuck");

	return false;
}

/*
 * What the rings and the hub do, which is nothing
 */

static void mock_flush_hdp(struct amdgpu_device *adev, struct amdgpu_ring *ring)
{
}

static const struct amdgpu_asic_funcs mock_asic_funcs = {
	.flush_hdp = mock_flush_hdp,
};

static void mock_get_vm_pde(struct amdgpu_device *adev, int level, u64 *dst,
			    u64 *flags)
{
}

static void mock_get_vm_pte(struct amdgpu_device *adev,
			    struct amdgpu_bo_va_mapping *mapping, u64 *flags)
{
}

static u64 mock_map_mtype(struct amdgpu_device *adev, u32 flags)
{
	return 0;
}

static const struct amdgpu_gmc_funcs mock_gmc_funcs = {
	.get_vm_pde = mock_get_vm_pde,
	.get_vm_pte = mock_get_vm_pte,
	.map_mtype = mock_map_mtype,
};

static void mock_copy_pte(struct amdgpu_ib *ib, u64 pe, u64 src,
			  unsigned int count)
{
	ib->length_dw += 7;
}

static void mock_write_pte(struct amdgpu_ib *ib, u64 pe, u64 value,
			   unsigned int count, u32 incr)
{
	ib->length_dw += 4 + 2 * count;
}

static void mock_set_pte_pde(struct amdgpu_ib *ib, u64 pe, u64 addr,
			     unsigned int count, u32 incr, u64 flags)
{
	ib->length_dw += 10;
}

static const struct amdgpu_vm_pte_funcs mock_pte_funcs = {
	.copy_pte_num_dw = 7,
	.copy_pte = mock_copy_pte,
	.write_pte = mock_write_pte,
	.set_pte_pde = mock_set_pte_pde,
};

static void mock_emit_copy_buffer(struct amdgpu_ib *ib, u64 src, u64 dst,
				  u32 byte_count, bool tmz)
{
	ib->length_dw += 7;
}

static void mock_emit_fill_buffer(struct amdgpu_ib *ib, u32 data, u64 dst,
				  u32 byte_count)
{
	ib->length_dw += 5;
}

static const struct amdgpu_buffer_funcs mock_buffer_funcs = {
	.copy_max_bytes = 0x400000,
	.copy_num_dw = 7,
	.emit_copy_buffer = mock_emit_copy_buffer,
	.fill_max_bytes = 0x400000,
	.fill_num_dw = 5,
	.emit_fill_buffer = mock_emit_fill_buffer,
};

/*
 * The device
 */

static const struct file_operations mock_fops = {
	.owner = THIS_MODULE,
};

static struct drm_driver mock_driver = {
	.driver_features = DRIVER_GEM,
	.gem_free_object_unlocked = amdgpu_gem_object_free,
	.gem_prime_export = amdgpu_gem_prime_export,
	.gem_prime_import = amdgpu_gem_prime_import,
	.fops = &mock_fops,
	.name = "amdgpu-mock",
	.desc = "amdgpu without hardware",
	.date = "2020",
};

static void mock_complete(struct amdgpu_mock *dev)
{
	amdgpu_mock_release(&dev->gfx);
	amdgpu_mock_release(&dev->sdma);
}

static void mock_free(struct amdgpu_mock *dev)
{
	struct amdgpu_device *adev = dev->adev;
	int i;

	if (!adev)
		goto free;

	if (adev->mman.initialized) {
		/* What was busy when it was given up, and what that refers to */
		for (i = 0; i < 500; i++) {
			if (!flush_delayed_work(&adev->mman.bdev.wq))
				break;
			msleep(20);
		}
		amdgpu_ttm_set_buffer_funcs_status(adev, false);
		for (i = 0; i < AMDGPU_IB_POOL_MAX; i++)
			if (adev->ib_pools[i].bo)
				amdgpu_sa_bo_manager_fini(adev,
							  &adev->ib_pools[i]);
		amdgpu_gart_table_vram_unpin(adev);
		amdgpu_gart_table_vram_free(adev);
		adev->mman.aper_base_kaddr = NULL;
		amdgpu_ttm_fini(adev);
		amdgpu_vm_manager_fini(adev);
	}
	mock_ring_fini(&dev->sdma);
	mock_ring_fini(&dev->gfx);
	vfree(dev->vram);
free:
	/* The device has a reference to its parent */
	devres_release_group(&dev->pdev->dev, NULL);
	platform_device_unregister(dev->pdev);
	kfree(dev);
}

static int mock_memory_init(struct amdgpu_mock *dev)
{
	struct amdgpu_device *adev = dev->adev;
	int i, r;

	dev->vram = vzalloc(AMDGPU_MOCK_VRAM);
	if (!dev->vram)
		return -ENOMEM;

	adev->asic_funcs = &mock_asic_funcs;
	adev->gmc.gmc_funcs = &mock_gmc_funcs;
	adev->gmc.mc_vram_size = AMDGPU_MOCK_VRAM;
	adev->gmc.real_vram_size = AMDGPU_MOCK_VRAM;
	adev->gmc.gart_start = 1ULL << 40;
	adev->gmc.gart_size = 64 << 20;
	adev->gart.table_size = (adev->gmc.gart_size >> PAGE_SHIFT) * 8;
	adev->gart.ready = true;
	spin_lock_init(&adev->mm_stats.lock);
	mutex_init(&adev->shadow_list_lock);
	INIT_LIST_HEAD(&adev->shadow_list);

	r = amdgpu_ttm_init(adev);
	if (r)
		return r;

	/* There is no aperture, but something better */
	adev->mman.aper_base_kaddr = (void __iomem *)dev->vram;
	adev->gmc.visible_vram_size = adev->gmc.real_vram_size;

	adev->mman.buffer_funcs = &mock_buffer_funcs;
	adev->mman.buffer_funcs_ring = &dev->sdma.ring;
	amdgpu_ttm_set_buffer_funcs_status(adev, true);

	adev->vm_manager.max_pfn = MOCK_PAGES;
	adev->vm_manager.num_level = 1;
	adev->vm_manager.root_level = AMDGPU_VM_PDB0;
	adev->vm_manager.block_size = MOCK_BLOCK_SIZE;
	adev->vm_manager.fragment_size = MOCK_BLOCK_SIZE;
	adev->vm_manager.vm_pte_funcs = &mock_pte_funcs;
	adev->vm_manager.vm_pte_scheds[0] = &dev->sdma.ring.sched;
	adev->vm_manager.vm_pte_num_scheds = 1;
	amdgpu_vm_manager_init(adev);
	adev->vm_manager.vm_update_mode = 0;

	r = amdgpu_gart_table_vram_alloc(adev);
	if (!r)
		r = amdgpu_gart_table_vram_pin(adev);

	for (i = 0; i < AMDGPU_IB_POOL_MAX && !r; i++)
		r = amdgpu_sa_bo_manager_init(adev, &adev->ib_pools[i],
					      MOCK_IB_POOL,
					      AMDGPU_GPU_PAGE_SIZE,
					      AMDGPU_GEM_DOMAIN_GTT);

	return r;
}

static struct amdgpu_mock *mock_create(void)
{
	struct amdgpu_device *adev;
	struct amdgpu_mock *dev;
	int r;

	dev = kzalloc(sizeof(*dev), GFP_KERNEL);
	if (!dev)
		return NULL;

	mock_ring_prepare(&dev->gfx);
	mock_ring_prepare(&dev->sdma);

	dev->pdev = platform_device_register_simple("amdgpu-mock",
						    PLATFORM_DEVID_AUTO,
						    NULL, 0);
	if (IS_ERR(dev->pdev)) {
		kfree(dev);
		return NULL;
	}
	dma_coerce_mask_and_coherent(&dev->pdev->dev, DMA_BIT_MASK(64));

	if (!devres_open_group(&dev->pdev->dev, NULL, GFP_KERNEL)) {
		platform_device_unregister(dev->pdev);
		kfree(dev);
		return NULL;
	}
	adev = devm_drm_dev_alloc(&dev->pdev->dev, &mock_driver,
				  struct amdgpu_device, ddev);
	if (IS_ERR(adev))
		goto err;

	dev->adev = adev;
	adev->dev = &dev->pdev->dev;
	/* No shadows of page tables */
	adev->flags = AMD_IS_APU;
	dev_set_drvdata(adev->dev, adev_to_drm(adev));

	/* The owner of a job is taken for serious only with the driver's own */
	r = mock_ring_init(dev, &dev->gfx, "mock-gfx", &amdgpu_sched_ops);
	if (!r)
		r = mock_ring_init(dev, &dev->sdma, "mock-sdma",
				   &mock_sched_ops);
	if (!r)
		r = mock_memory_init(dev);
	if (!r)
		return dev;

err:
	mock_free(dev);

	return NULL;
}

/**
 * amdgpu_mock_other - have another device
 * @test: the test case
 *
 * Return: the device, always the same.
 */
struct amdgpu_mock *amdgpu_mock_other(struct kunit *test)
{
	struct amdgpu_mock_test *mock = test->priv;

	if (!mock->other)
		mock->other = mock_create();
	KUNIT_ASSERT_TRUE(test, !!mock->other);

	return mock->other;
}

/**
 * amdgpu_mock_init - set up what a test case needs
 * @test: the test case
 *
 * Return: 0 or an error.
 */
int amdgpu_mock_init(struct kunit *test)
{
	struct amdgpu_mock_test *mock;

	mock = kunit_kzalloc(test, sizeof(*mock), GFP_KERNEL);
	if (!mock)
		return -ENOMEM;

	INIT_LIST_HEAD(&mock->fences);
	INIT_LIST_HEAD(&mock->processes);
	INIT_LIST_HEAD(&mock->buffers);
	mock->dev = mock_create();
	if (!mock->dev)
		return -ENOMEM;
	test->priv = mock;

	return 0;
}

/**
 * amdgpu_mock_exit - undo amdgpu_mock_init()
 * @test: the test case
 */
void amdgpu_mock_exit(struct kunit *test)
{
	struct amdgpu_mock_test *mock = test->priv;
	struct amdgpu_mock_owned *owned, *next;

	if (!mock)
		return;

	mock_complete(mock->dev);
	if (mock->other)
		mock_complete(mock->other);

	list_for_each_entry_safe(owned, next, &mock->fences, node) {
		del_timer_sync(&owned->timer);
		dma_fence_signal(owned->fence);
		dma_fence_put(owned->fence);
		if (owned->entity.rq)
			drm_sched_entity_destroy(&owned->entity);
		kfree(owned);
	}

	amdgpu_mock_processes_fini(test);
	if (mock->other)
		mock_free(mock->other);
	mock_free(mock->dev);
}

/*
 * Fences
 */

static void mock_owned_timer(struct timer_list *timer)
{
	struct amdgpu_mock_owned *owned = from_timer(owned, timer, timer);

	dma_fence_signal(owned->fence);
}

static struct amdgpu_mock_owned *mock_owned(struct kunit *test)
{
	struct amdgpu_mock_owned *owned;

	owned = kzalloc(sizeof(*owned), GFP_KERNEL);
	KUNIT_ASSERT_TRUE(test, !!owned);
	timer_setup(&owned->timer, mock_owned_timer, 0);

	return owned;
}

static struct dma_fence *mock_own(struct kunit *test,
				  struct amdgpu_mock_owned *owned,
				  struct dma_fence *fence)
{
	struct amdgpu_mock_test *mock = test->priv;

	if (!fence)
		kfree(owned);
	KUNIT_ASSERT_TRUE(test, !!fence);
	dma_fence_check_by_user(fence);
	owned->fence = fence;
	list_add_tail(&owned->node, &mock->fences);

	return fence;
}

/**
 * amdgpu_mock_foreign_fence_on - make a fence of some other driver
 * @test: the test case, which keeps a reference
 * @context: its context
 * @seqno: its place in the context
 *
 * Return: the fence, without a reference for the caller.
 */
struct dma_fence *amdgpu_mock_foreign_fence_on(struct kunit *test, u64 context,
					       u64 seqno)
{
	struct amdgpu_mock_owned *owned = mock_owned(test);
	struct amdgpu_mock_fence *mock = mock_fence(context, seqno);

	return mock_own(test, owned, mock ? &mock->base : NULL);
}

/**
 * amdgpu_mock_foreign_fence - make a fence of some other driver
 * @test: the test case, which keeps a reference
 *
 * Return: the fence, without a reference for the caller.
 */
struct dma_fence *amdgpu_mock_foreign_fence(struct kunit *test)
{
	return amdgpu_mock_foreign_fence_on(test, dma_fence_context_alloc(1), 1);
}

static struct dma_fence *mock_job_fence(struct kunit *test,
					struct amdgpu_mock_ring *ring, void *owner)
{
	struct drm_gpu_scheduler *sched = &ring->ring.sched;
	struct amdgpu_mock_owned *owned = mock_owned(test);
	struct drm_sched_fence *fence;

	/* A timeline of its own */
	drm_sched_entity_init(&owned->entity, DRM_SCHED_PRIORITY_NORMAL, &sched,
			      1, NULL);
	fence = drm_sched_fence_create(&owned->entity, owner);

	return mock_own(test, owned, fence ? &fence->finished : NULL);
}

/**
 * amdgpu_mock_job_fence - make a fence of a job on the gfx ring
 * @test: the test case, which keeps a reference
 * @dev: the device
 * @owner: who submitted the job: a VM or AMDGPU_FENCE_OWNER_something
 *
 * Return: the fence, without a reference for the caller.
 */
struct dma_fence *amdgpu_mock_job_fence(struct kunit *test,
					struct amdgpu_mock *dev, void *owner)
{
	return mock_job_fence(test, &dev->gfx, owner);
}

/**
 * amdgpu_mock_foreign_job_fence - make a fence of another driver's scheduler
 * @test: the test case, which keeps a reference
 * @dev: the device
 * @owner: who submitted the job, in the view of the other driver
 *
 * Return: the fence, without a reference for the caller.
 */
struct dma_fence *amdgpu_mock_foreign_job_fence(struct kunit *test,
						struct amdgpu_mock *dev,
						void *owner)
{
	/* Its operations aren't those of amdgpu */
	return mock_job_fence(test, &dev->sdma, owner);
}

/**
 * amdgpu_mock_eviction_fence - make a fence that asks KFD to evict a process
 * @test: the test case, which keeps a reference
 *
 * There is no such process, so it signals once it is asked to.
 *
 * Return: the fence, without a reference for the caller.
 */
struct dma_fence *amdgpu_mock_eviction_fence(struct kunit *test)
{
	struct amdgpu_mock_owned *owned = mock_owned(test);
	struct amdgpu_amdkfd_fence *fence;

	fence = amdgpu_amdkfd_fence_create(dma_fence_context_alloc(1), &init_mm);

	return mock_own(test, owned, fence ? &fence->base : NULL);
}

/**
 * amdgpu_mock_signal_later - have a fence signal by itself
 * @test: the test case
 * @fence: one of its fences
 * @delay: when, in jiffies from now
 */
void amdgpu_mock_signal_later(struct kunit *test, struct dma_fence *fence,
			      unsigned long delay)
{
	struct amdgpu_mock_test *mock = test->priv;
	struct amdgpu_mock_owned *owned;

	list_for_each_entry(owned, &mock->fences, node)
		if (owned->fence == fence)
			mod_timer(&owned->timer, jiffies + delay);
}

/*
 * Reservation objects
 */

/**
 * amdgpu_mock_usage_name - what to call a usage
 * @usage: the usage
 *
 * Return: its name.
 */
const char *amdgpu_mock_usage_name(enum dma_resv_usage usage)
{
	static const char * const names[AMDGPU_MOCK_USAGES] = {
		"KERNEL", "WRITE", "READ", "BOOKKEEP"
	};

	return names[usage];
}

/**
 * amdgpu_mock_lock - lock a reservation object
 * @test: the test case
 * @resv: the reservation object
 */
void amdgpu_mock_lock(struct kunit *test, struct dma_resv *resv)
{
	KUNIT_ASSERT_EQ(test, dma_resv_lock(resv, NULL), 0);
}

/**
 * amdgpu_mock_add - add a fence to a locked reservation object
 * @test: the test case
 * @resv: the reservation object
 * @fence: the fence
 * @usage: its usage
 */
void amdgpu_mock_add(struct kunit *test, struct dma_resv *resv,
		     struct dma_fence *fence, enum dma_resv_usage usage)
{
	KUNIT_ASSERT_EQ(test, dma_resv_reserve_fences(resv, 1), 0);
	dma_resv_add_fence(resv, fence, usage);
}

/**
 * amdgpu_mock_usage_of - look a fence up
 * @resv: the reservation object
 * @fence: the fence, which has not signaled
 *
 * Return: its usage, or -1 if it is not there.
 */
int amdgpu_mock_usage_of(struct dma_resv *resv, struct dma_fence *fence)
{
	struct dma_resv_iter cursor;
	struct dma_fence *f;
	int found = -1;

	dma_resv_iter_begin(&cursor, resv, DMA_RESV_USAGE_BOOKKEEP);
	dma_resv_for_each_fence_unlocked(&cursor, f) {
		if (dma_resv_iter_is_restarted(&cursor))
			found = -1;
		if (f == fence)
			found = dma_resv_iter_usage(&cursor);
	}
	dma_resv_iter_end(&cursor);

	return found;
}

void amdgpu_mock_expect(struct kunit *test, struct dma_resv *resv,
			struct dma_fence *fence, int usage, int line)
{
	int found = amdgpu_mock_usage_of(resv, fence);

	KUNIT_EXPECT_EQ_MSG(test, found, usage, "line %d: fence is %s", line,
			    found < 0 ? "missing" :
			    amdgpu_mock_usage_name(found));
}

/**
 * amdgpu_mock_newest - find the fence of a job by its owner
 * @test: the test case, which keeps a reference
 * @resv: the reservation object
 * @owner: the owner
 *
 * Return: the latest of those that have not signaled, without a reference for the
 * caller, or NULL.
 */
struct dma_fence *amdgpu_mock_newest(struct kunit *test, struct dma_resv *resv,
				     void *owner)
{
	struct dma_fence *f, *found = NULL;
	struct drm_sched_fence *s_fence;
	struct dma_resv_iter cursor;

	dma_resv_iter_begin(&cursor, resv, DMA_RESV_USAGE_BOOKKEEP);
	dma_resv_for_each_fence_unlocked(&cursor, f) {
		s_fence = to_drm_sched_fence(f);
		if (!s_fence || s_fence->owner != owner)
			continue;
		if (found && found->context == f->context &&
		    dma_fence_is_later(found, f))
			continue;
		dma_fence_put(found);
		found = dma_fence_get(f);
	}
	dma_resv_iter_end(&cursor);

	return found ? mock_own(test, mock_owned(test), found) : NULL;
}
