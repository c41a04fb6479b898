// SPDX-License-Identifier: GPL-2.0
/*
 * The memory of buffers: who waits before it is moved, wiped, pinned and mapped, and
 * with which usage moves are added.
 */

#include <linux/kthread.h>
#include <linux/mmu_notifier.h>
#include <linux/sched/mm.h>

#include "amdgpu-kunit.h"
#include "amdgpu-mock.h"

static struct amdgpu_bo *new_bo(struct kunit *test, u64 flags)
{
	return amdgpu_mock_bo(test, amdgpu_mock(test), 2, AMDGPU_GEM_DOMAIN_VRAM,
			      flags, NULL);
}

static struct dma_fence *new_move(struct kunit *test, struct amdgpu_bo *bo)
{
	return amdgpu_mock_newest(test, bo->tbo.base.resv,
				  AMDGPU_FENCE_OWNER_UNDEFINED);
}

/* Moves wait for everybody, evict processes, and leave all fences where they were */
static void move_waits_usage(struct kunit *test, enum dma_resv_usage usage)
{
	struct amdgpu_mock_ring *ring = &amdgpu_mock(test)->sdma;
	struct amdgpu_bo *bo = new_bo(test, 0);
	struct dma_resv *resv = bo->tbo.base.resv;
	struct dma_fence *fences[] = {
		amdgpu_mock_job_fence(test, amdgpu_mock(test), test),
		amdgpu_mock_job_fence(test, amdgpu_mock(test),
				      AMDGPU_FENCE_OWNER_VM),
		amdgpu_mock_eviction_fence(test),
		amdgpu_mock_foreign_fence(test),
	};
	struct dma_fence *move;
	int i;

	amdgpu_mock_lock(test, resv);
	for (i = 0; i < ARRAY_SIZE(fences); i++)
		amdgpu_mock_add(test, resv, fences[i], usage);
	amdgpu_mock_hold(ring);
	amdgpu_mock_forget_jobs(ring);
	KUNIT_EXPECT_EQ(test, 0,
			amdgpu_mock_validate(bo, AMDGPU_GEM_DOMAIN_GTT, false));
	KUNIT_EXPECT_EQ(test, bo->tbo.mem.mem_type, (u32)TTM_PL_TT);
	dma_resv_unlock(resv);

	for (i = 0; i < ARRAY_SIZE(fences); i++) {
		KUNIT_EXPECT_TRUE_MSG(test,
				      amdgpu_mock_waited_for(test, ring,
							     fences[i]),
				      "fence %d", i);
		AMDGPU_MOCK_EXPECT(test, resv, fences[i], usage);
		/* It was the ring who was to wait */
		KUNIT_EXPECT_FALSE(test, dma_fence_is_signaled(fences[i]));
	}

	if (usage != DMA_RESV_USAGE_KERNEL) {
		move = new_move(test, bo);
		KUNIT_ASSERT_TRUE(test, !!move);
		AMDGPU_MOCK_EXPECT(test, resv, move, DMA_RESV_USAGE_KERNEL);
	}
}

AMDGPU_MOCK_PER_USAGE(move_waits);

/* The memory of a new buffer is cleared before anybody touches it */
static void clear_is_kernel(struct kunit *test)
{
	struct dma_fence *clear;
	struct amdgpu_bo *bo;

	amdgpu_mock_hold(&amdgpu_mock(test)->sdma);
	bo = new_bo(test, AMDGPU_GEM_CREATE_VRAM_CLEARED);
	clear = new_move(test, bo);
	KUNIT_ASSERT_TRUE(test, !!clear);
	AMDGPU_MOCK_EXPECT(test, bo->tbo.base.resv, clear, DMA_RESV_USAGE_KERNEL);
}

/* If it shares an object with others, only moves are of interest to it */
static void clear_waits_usage(struct kunit *test, enum dma_resv_usage usage)
{
	struct amdgpu_mock_ring *ring = &amdgpu_mock(test)->sdma;
	bool waits, want = usage == DMA_RESV_USAGE_KERNEL;
	struct dma_fence *fence;
	struct dma_resv *resv;

	fence = amdgpu_mock_job_fence(test, amdgpu_mock(test), test);
	resv = new_bo(test, 0)->tbo.base.resv;
	amdgpu_mock_lock(test, resv);
	amdgpu_mock_add(test, resv, fence, usage);
	amdgpu_mock_forget_jobs(ring);
	amdgpu_mock_bo(test, amdgpu_mock(test), 2, AMDGPU_GEM_DOMAIN_VRAM,
		       AMDGPU_GEM_CREATE_VRAM_CLEARED, resv);
	dma_resv_unlock(resv);

	waits = amdgpu_mock_waited_for(test, ring, fence);
	KUNIT_EXPECT_EQ(test, waits, want);
}

AMDGPU_MOCK_PER_USAGE(clear_waits);

/* Memory is wiped when everybody is through with it, and is not free before that */
static void wipe_waits_usage(struct kunit *test, enum dma_resv_usage usage)
{
	struct amdgpu_bo *bo = new_bo(test, AMDGPU_GEM_CREATE_VRAM_WIPE_ON_RELEASE);
	struct amdgpu_mock_ring *ring = &amdgpu_mock(test)->sdma;
	struct ttm_resource_manager *vram;
	struct dma_fence *fence;
	u64 used;
	int i;

	vram = ttm_manager_type(&amdgpu_mock(test)->adev->mman.bdev, TTM_PL_VRAM);
	fence = amdgpu_mock_job_fence(test, amdgpu_mock(test),
				      AMDGPU_FENCE_OWNER_VM);
	amdgpu_mock_lock(test, bo->tbo.base.resv);
	amdgpu_mock_add(test, bo->tbo.base.resv, fence, usage);
	dma_resv_unlock(bo->tbo.base.resv);

	amdgpu_mock_hold(ring);
	amdgpu_mock_forget_jobs(ring);
	used = amdgpu_vram_mgr_usage(vram);
	amdgpu_mock_put(test, bo);
	KUNIT_EXPECT_TRUE(test, amdgpu_mock_waited_for(test, ring, fence));
	KUNIT_EXPECT_EQ(test, amdgpu_vram_mgr_usage(vram), used);

	/* What it waited for is not all: the wipe itself has to be through */
	dma_fence_signal(fence);
	msleep(100);
	KUNIT_EXPECT_EQ(test, amdgpu_vram_mgr_usage(vram), used);
	amdgpu_mock_release(ring);
	for (i = 0; i < 100 && amdgpu_vram_mgr_usage(vram) == used; i++)
		msleep(20);
	KUNIT_EXPECT_NE(test, amdgpu_vram_mgr_usage(vram), used);
}

AMDGPU_MOCK_PER_USAGE(wipe_waits);

/* What is done to a buffer by the CPU, with the buffer locked */
static int map(struct amdgpu_bo *bo)
{
	return amdgpu_bo_kmap(bo, NULL);
}

static int pin(struct amdgpu_bo *bo)
{
	int r = amdgpu_bo_pin_settled(bo, AMDGPU_GEM_DOMAIN_VRAM, false);

	if (!r)
		amdgpu_bo_unpin(bo);

	return r;
}

static void check_cpu_waits(struct kunit *test, int (*access)(struct amdgpu_bo *),
			    enum dma_resv_usage usage)
{
	struct amdgpu_bo *bo = new_bo(test, AMDGPU_GEM_CREATE_CPU_ACCESS_REQUIRED);
	struct dma_fence *fence = amdgpu_mock_foreign_fence(test);
	bool want = usage == DMA_RESV_USAGE_KERNEL;

	amdgpu_mock_lock(test, bo->tbo.base.resv);
	amdgpu_mock_add(test, bo->tbo.base.resv, fence, usage);
	amdgpu_mock_signal_later(test, fence, want ? AMDGPU_MOCK_A_WHILE :
				 AMDGPU_MOCK_TOO_LONG);
	KUNIT_EXPECT_EQ(test, access(bo), 0);
	KUNIT_EXPECT_EQ(test, dma_fence_is_signaled(fence), want);
	dma_resv_unlock(bo->tbo.base.resv);
}

/* Whoever accesses the memory waits for moves, and is asked for nothing else */
static void kmap_waits_usage(struct kunit *test, enum dma_resv_usage usage)
{
	check_cpu_waits(test, map, usage);
}

AMDGPU_MOCK_PER_USAGE(kmap_waits);

/* Like the display does */
static void pin_waits_usage(struct kunit *test, enum dma_resv_usage usage)
{
	check_cpu_waits(test, pin, usage);
}

AMDGPU_MOCK_PER_USAGE(pin_waits);

/* That holds locks which recovery wants, so it ends */
static void pin_gives_up(struct kunit *test)
{
	struct dma_fence *fence = amdgpu_mock_foreign_fence(test);
	struct amdgpu_bo *bo = new_bo(test, 0);

	amdgpu_mock_lock(test, bo->tbo.base.resv);
	amdgpu_mock_add(test, bo->tbo.base.resv, fence, DMA_RESV_USAGE_KERNEL);
	amdgpu_mock_signal_later(test, fence, 20 * HZ);
	KUNIT_EXPECT_EQ(test, pin(bo), -EBUSY);
	KUNIT_EXPECT_EQ(test, bo->pin_count, 0u);
	KUNIT_EXPECT_FALSE(test, dma_fence_is_signaled(fence));
	dma_resv_unlock(bo->tbo.base.resv);
}

/* Somebody who might wait for ever */
struct kernel_bo {
	struct amdgpu_device *adev;
	struct completion done;
	int r;
};

static int make_kernel_bo(void *data)
{
	struct kernel_bo *mine = data;
	struct amdgpu_bo *bo = NULL;
	u64 addr;

	mine->r = amdgpu_bo_create_kernel(mine->adev, PAGE_SIZE, PAGE_SIZE,
					  AMDGPU_GEM_DOMAIN_VRAM, &bo, &addr,
					  NULL);
	if (!mine->r)
		amdgpu_bo_free_kernel(&bo, &addr, NULL);
	complete(&mine->done);

	return 0;
}

/* Have VRAM that is to be had only when a copy is through, which it isn't */
static void fill_vram(struct kunit *test)
{
	struct ttm_resource_manager *vram;
	int i;

	vram = ttm_manager_type(&amdgpu_mock(test)->adev->mman.bdev, TTM_PL_VRAM);
	amdgpu_mock_hold(&amdgpu_mock(test)->sdma);
	for (i = 0; i < 32 && !READ_ONCE(vram->move); i++)
		amdgpu_mock_bo(test, amdgpu_mock(test), 256,
			       AMDGPU_GEM_DOMAIN_VRAM, 0, NULL);
	KUNIT_ASSERT_TRUE(test, !!READ_ONCE(vram->move));
}

static void check_kernel_bo(struct kunit *test, bool in_reset)
{
	struct kernel_bo mine = { .adev = amdgpu_mock(test)->adev };
	struct task_struct *task;
	bool back;

	init_completion(&mine.done);
	fill_vram(test);
	atomic_set(&mine.adev->in_gpu_reset, in_reset);
	task = kthread_run(make_kernel_bo, &mine, "amdgpu-mock");
	back = !IS_ERR(task) &&
		wait_for_completion_timeout(&mine.done, AMDGPU_MOCK_TOO_LONG);
	KUNIT_EXPECT_EQ(test, back, in_reset);

	amdgpu_mock_release(&amdgpu_mock(test)->sdma);
	if (!IS_ERR(task) && !back)
		wait_for_completion(&mine.done);
	KUNIT_EXPECT_EQ(test, mine.r, in_reset ? -EBUSY : 0);
	atomic_set(&mine.adev->in_gpu_reset, 0);
}

/* The kernel's own buffers are ready for use when they are made */
static void kernel_bo_waits(struct kunit *test)
{
	check_kernel_bo(test, false);
}

/* Recovery would wait for itself, as copies go on when it is over */
static void kernel_bo_in_reset(struct kunit *test)
{
	check_kernel_bo(test, true);
}

#ifdef CONFIG_HMM_MIRROR

/* Pages of user space are not taken away before everybody is through with them */
static void notifier_waits_usage(struct kunit *test, enum dma_resv_usage usage)
{
	const struct mmu_notifier_range range = {
		.flags = MMU_NOTIFIER_RANGE_BLOCKABLE,
	};
	struct dma_fence *fence = amdgpu_mock_foreign_fence(test);
	struct amdgpu_bo *bo = new_bo(test, 0);
	struct mm_struct *mm = mm_alloc();
	int r;

	KUNIT_ASSERT_TRUE(test, !!mm);
	mutex_init(&amdgpu_mock(test)->adev->notifier_lock);
	kthread_use_mm(mm);
	r = amdgpu_mn_register(bo, PAGE_SIZE);
	kthread_unuse_mm(mm);
	KUNIT_EXPECT_EQ(test, r, 0);
	if (r)
		goto out;

	amdgpu_mock_lock(test, bo->tbo.base.resv);
	amdgpu_mock_add(test, bo->tbo.base.resv, fence, usage);
	dma_resv_unlock(bo->tbo.base.resv);

	amdgpu_mock_signal_later(test, fence, AMDGPU_MOCK_A_WHILE);
	KUNIT_EXPECT_TRUE(test, bo->notifier.ops->invalidate(&bo->notifier,
							     &range, 1));
	KUNIT_EXPECT_TRUE(test, dma_fence_is_signaled(fence));
	amdgpu_mn_unregister(bo);
out:
	mmput(mm);
}

AMDGPU_MOCK_PER_USAGE(notifier_waits);

/* They are watched until then, even if nobody has a handle of the buffer any more */
static void notifier_stays_usage(struct kunit *test, enum dma_resv_usage usage)
{
	struct dma_fence *fence = amdgpu_mock_foreign_fence(test);
	struct amdgpu_bo *bo = new_bo(test, 0);
	struct mm_struct *mm = mm_alloc();
	int r;

	KUNIT_ASSERT_TRUE(test, !!mm);
	mutex_init(&amdgpu_mock(test)->adev->notifier_lock);
	kthread_use_mm(mm);
	r = amdgpu_mn_register(bo, PAGE_SIZE);
	kthread_unuse_mm(mm);
	KUNIT_EXPECT_EQ(test, r, 0);
	if (r)
		goto out;

	amdgpu_mock_lock(test, bo->tbo.base.resv);
	amdgpu_mock_add(test, bo->tbo.base.resv, fence, usage);
	dma_resv_unlock(bo->tbo.base.resv);

	/* It is not gone as long as the fence hasn't signaled */
	amdgpu_mock_put(test, bo);
	KUNIT_EXPECT_PTR_EQ(test, bo->notifier.mm, mm);
	dma_fence_signal(fence);
out:
	mmput(mm);
}

AMDGPU_MOCK_PER_USAGE(notifier_stays);

#endif /* CONFIG_HMM_MIRROR */

static struct kunit_case amdgpu_bo_cases[] = {
	KUNIT_CASE(move_waits_kernel),
	KUNIT_CASE(move_waits_write),
	KUNIT_CASE(move_waits_read),
	KUNIT_CASE(move_waits_bookkeep),
	KUNIT_CASE(clear_is_kernel),
	KUNIT_CASE(clear_waits_kernel),
	KUNIT_CASE(clear_waits_write),
	KUNIT_CASE(clear_waits_read),
	KUNIT_CASE(clear_waits_bookkeep),
	KUNIT_CASE(wipe_waits_kernel),
	KUNIT_CASE(wipe_waits_write),
	KUNIT_CASE(wipe_waits_read),
	KUNIT_CASE(wipe_waits_bookkeep),
	KUNIT_CASE(kmap_waits_kernel),
	KUNIT_CASE(kmap_waits_write),
	KUNIT_CASE(kmap_waits_read),
	KUNIT_CASE(kmap_waits_bookkeep),
	KUNIT_CASE(pin_waits_kernel),
	KUNIT_CASE(pin_waits_write),
	KUNIT_CASE(pin_waits_read),
	KUNIT_CASE(pin_waits_bookkeep),
	KUNIT_CASE(pin_gives_up),
	KUNIT_CASE(kernel_bo_waits),
	KUNIT_CASE(kernel_bo_in_reset),
#ifdef CONFIG_HMM_MIRROR
	KUNIT_CASE(notifier_waits_kernel),
	KUNIT_CASE(notifier_waits_write),
	KUNIT_CASE(notifier_waits_read),
	KUNIT_CASE(notifier_waits_bookkeep),
	KUNIT_CASE(notifier_stays_kernel),
	KUNIT_CASE(notifier_stays_write),
	KUNIT_CASE(notifier_stays_read),
	KUNIT_CASE(notifier_stays_bookkeep),
#endif
	{}
};

struct kunit_suite amdgpu_bo_suite = {
	.name = "amdgpu-bo",
	.init = amdgpu_mock_init,
	.exit = amdgpu_mock_exit,
	.test_cases = amdgpu_bo_cases,
};
