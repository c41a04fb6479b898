// SPDX-License-Identifier: GPL-2.0
/*
 * Memory is given back, to the device or to the system: not before everybody is
 * through with it.
 */

#include <linux/delay.h>

#include "oom-inject.h"
#include "ttm-kunit.h"
#include "ttm-mock.h"

#define A_WHILE		max(HZ / 10, 3)

static void idle_goes_at_once(struct kunit *test)
{
	struct ttm_buffer_object *bo = ttm_mock_bo(test, TTM_PL_VRAM, NULL);

	ttm_mock_put(test, bo);
	KUNIT_EXPECT_EQ(test, atomic_read(&ttm_mock(test)->destroyed), 1);
	KUNIT_EXPECT_TRUE(test, ttm_mock_vram_is_free(test));
}

/* A buffer outlives its last user until all its fences have signaled */
static void destroy_waits_usage(struct kunit *test, enum dma_resv_usage usage)
{
	struct ttm_buffer_object *bo = ttm_mock_bo(test, TTM_PL_VRAM, NULL);
	struct dma_fence *fence;

	ttm_mock_lock(test, bo);
	fence = ttm_mock_add(test, bo->base.resv, usage);
	ttm_bo_unreserve(bo);

	ttm_mock_put(test, bo);
	/* The work that frees deleted buffers gets its chances */
	msleep(100);
	KUNIT_EXPECT_EQ(test, atomic_read(&ttm_mock(test)->destroyed), 0);
	KUNIT_EXPECT_FALSE(test, ttm_mock_vram_is_free(test));

	dma_fence_signal(fence);
	KUNIT_EXPECT_TRUE(test, ttm_mock_destroyed(test, 1));
	KUNIT_EXPECT_TRUE(test, ttm_mock_vram_is_free(test));
}

TTM_MOCK_PER_USAGE(destroy_waits);

/* Fences that signal only if they are asked to are */
static void destroy_asks_usage(struct kunit *test, enum dma_resv_usage usage)
{
	struct ttm_buffer_object *bo = ttm_mock_bo(test, TTM_PL_VRAM, NULL);
	struct dma_fence *fence = ttm_mock_lazy_fence(test);

	ttm_mock_lock(test, bo);
	KUNIT_ASSERT_EQ(test, dma_resv_reserve_fences(bo->base.resv, 1), 0);
	dma_resv_add_fence(bo->base.resv, fence, usage);
	ttm_bo_unreserve(bo);

	ttm_mock_put(test, bo);
	KUNIT_EXPECT_TRUE(test, ttm_mock_destroyed(test, 1));
	KUNIT_EXPECT_TRUE(test, ttm_mock_vram_is_free(test));
}

TTM_MOCK_PER_USAGE(destroy_asks);

/* Who wants its memory waits if allowed to, for all of the fences */
static void reuse_waits_usage(struct kunit *test, enum dma_resv_usage usage)
{
	struct ttm_buffer_object *old = ttm_mock_bo(test, TTM_PL_VRAM, NULL);
	struct ttm_buffer_object *new = ttm_mock_bo(test, TTM_PL_SYSTEM, NULL);
	struct dma_fence *fence;

	ttm_mock(test)->how = TTM_MOCK_MEMCPY;
	ttm_mock_lock(test, old);
	fence = ttm_mock_add(test, old->base.resv, usage);
	ttm_bo_unreserve(old);
	ttm_mock_put(test, old);

	ttm_mock_lock(test, new);
	KUNIT_EXPECT_NE(test, ttm_mock_validate(new, TTM_PL_VRAM, true), 0);
	KUNIT_EXPECT_FALSE(test, dma_fence_is_signaled(fence));

	ttm_mock_signal_later(fence, A_WHILE);
	KUNIT_EXPECT_EQ(test, ttm_mock_validate(new, TTM_PL_VRAM, false), 0);
	KUNIT_EXPECT_TRUE(test, dma_fence_is_signaled(fence));
	KUNIT_EXPECT_TRUE(test, ttm_mock_destroyed(test, 1));
	ttm_bo_unreserve(new);
}

TTM_MOCK_PER_USAGE(reuse_waits);

/* Of a reservation object that lives on, the fences up to here matter */
static void shared_object_usage(struct kunit *test, enum dma_resv_usage usage)
{
	struct dma_fence *before, *after;
	struct ttm_buffer_object *bo;
	struct dma_resv *resv;

	resv = kunit_kzalloc(test, sizeof(*resv), GFP_KERNEL);
	KUNIT_ASSERT_TRUE(test, !!resv);
	dma_resv_init(resv);
	dma_resv_lock(resv, NULL);
	bo = ttm_mock_bo(test, TTM_PL_VRAM, resv);
	before = ttm_mock_add(test, resv, usage);
	dma_resv_unlock(resv);

	ttm_mock_put(test, bo);

	dma_resv_lock(resv, NULL);
	after = ttm_mock_add(test, resv, usage);
	dma_resv_unlock(resv);

	msleep(100);
	KUNIT_EXPECT_EQ(test, atomic_read(&ttm_mock(test)->destroyed), 0);
	dma_fence_signal(before);
	KUNIT_EXPECT_TRUE(test, ttm_mock_destroyed(test, 1));
	KUNIT_EXPECT_FALSE(test, dma_fence_is_signaled(after));

	dma_fence_signal(after);
	dma_resv_fini(resv);
}

TTM_MOCK_PER_USAGE(shared_object);

/*
 * Without memory to note down which they are, all fences of the object do. Nobody waits,
 * and there is memory again in the end.
 */
static void shared_object_oom(struct kunit *test)
{
	struct dma_fence *before, *after;
	struct ttm_buffer_object *bo;
	struct dma_resv *resv;
	unsigned long start;

	resv = kunit_kzalloc(test, sizeof(*resv), GFP_KERNEL);
	KUNIT_ASSERT_TRUE(test, !!resv);
	if (!ttm_mock_oom(test))
		return;
	dma_resv_init(resv);
	dma_resv_lock(resv, NULL);
	bo = ttm_mock_bo(test, TTM_PL_VRAM, resv);
	before = ttm_mock_add(test, resv, DMA_RESV_USAGE_BOOKKEEP);
	dma_resv_unlock(resv);
	ttm_mock_signal_later(before, 5 * HZ);

	start = jiffies;
	oom_inject_arm(1, true);
	ttm_mock_put(test, bo);
	KUNIT_EXPECT_GT(test, oom_inject_disarm(NULL), 0u);
	KUNIT_EXPECT_TRUE(test, time_before(jiffies, start + 2 * HZ));
	KUNIT_EXPECT_FALSE(test, dma_fence_is_signaled(before));
	oom_inject_stop();

	msleep(100);
	KUNIT_EXPECT_EQ(test, atomic_read(&ttm_mock(test)->destroyed), 0);
	dma_resv_lock(resv, NULL);
	after = ttm_mock_add(test, resv, DMA_RESV_USAGE_BOOKKEEP);
	dma_resv_unlock(resv);

	dma_fence_signal(before);
	/* The buffer itself waits for the object, as always if it can't leave it */
	msleep(100);
	KUNIT_EXPECT_FALSE(test, dma_fence_is_signaled(after));
	KUNIT_EXPECT_TRUE(test, ttm_mock_vram_is_free(test));

	dma_fence_signal(after);
	KUNIT_EXPECT_TRUE(test, ttm_mock_destroyed(test, 1));
	dma_resv_fini(resv);
}

/* Taking the memory away doesn't wait, but it isn't free before */
static void gutting_usage(struct kunit *test, enum dma_resv_usage usage)
{
	struct ttm_buffer_object *bo = ttm_mock_bo(test, TTM_PL_VRAM, NULL);
	struct dma_fence *fence;
	int i;

	ttm_mock_lock(test, bo);
	fence = ttm_mock_add(test, bo->base.resv, usage);
	KUNIT_EXPECT_EQ(test, ttm_mock_validate(bo, -1, true), 0);
	KUNIT_EXPECT_EQ(test, bo->mem.mem_type, (u32)TTM_PL_SYSTEM);
	KUNIT_EXPECT_FALSE(test, dma_fence_is_signaled(fence));
	TTM_MOCK_EXPECT(test, bo->base.resv, fence, usage);
	ttm_bo_unreserve(bo);

	msleep(100);
	KUNIT_EXPECT_FALSE(test, ttm_mock_vram_is_free(test));
	dma_fence_signal(fence);
	for (i = 0; i < 100 && !ttm_mock_vram_is_free(test); i++)
		msleep(20);
	KUNIT_EXPECT_LT(test, i, 100);
}

TTM_MOCK_PER_USAGE(gutting);

/* The pages go to shmem, so nobody may use them any more */
static void swapout_waits_usage(struct kunit *test, enum dma_resv_usage usage)
{
	struct ttm_buffer_object *bo = ttm_mock_bo(test, TTM_PL_TT, NULL);
	struct ttm_operation_ctx ctx = { };
	struct dma_fence *fence;
	int i;

	ttm_mock_lock(test, bo);
	fence = ttm_mock_add(test, bo->base.resv, usage);
	ttm_bo_unreserve(bo);

	ttm_mock_signal_later(fence, A_WHILE);
	/* There may be other devices, whose buffers come first */
	for (i = 0; i < 64; i++) {
		if (ttm_bo_swapout(&ttm_bo_glob, &ctx) ||
		    (bo->ttm->page_flags & TTM_PAGE_FLAG_SWAPPED))
			break;
	}
	KUNIT_EXPECT_TRUE(test, !!(bo->ttm->page_flags & TTM_PAGE_FLAG_SWAPPED));
	KUNIT_EXPECT_TRUE(test, dma_fence_is_signaled(fence));
}

TTM_MOCK_PER_USAGE(swapout_waits);

static struct kunit_case ttm_free_cases[] = {
	KUNIT_CASE(idle_goes_at_once),
	KUNIT_CASE(destroy_waits_kernel),
	KUNIT_CASE(destroy_waits_write),
	KUNIT_CASE(destroy_waits_read),
	KUNIT_CASE(destroy_waits_bookkeep),
	KUNIT_CASE(destroy_asks_kernel),
	KUNIT_CASE(destroy_asks_write),
	KUNIT_CASE(destroy_asks_read),
	KUNIT_CASE(destroy_asks_bookkeep),
	KUNIT_CASE(reuse_waits_kernel),
	KUNIT_CASE(reuse_waits_write),
	KUNIT_CASE(reuse_waits_read),
	KUNIT_CASE(reuse_waits_bookkeep),
	KUNIT_CASE(shared_object_kernel),
	KUNIT_CASE(shared_object_write),
	KUNIT_CASE(shared_object_read),
	KUNIT_CASE(shared_object_bookkeep),
	KUNIT_CASE(shared_object_oom),
	KUNIT_CASE(gutting_kernel),
	KUNIT_CASE(gutting_write),
	KUNIT_CASE(gutting_read),
	KUNIT_CASE(gutting_bookkeep),
	KUNIT_CASE(swapout_waits_kernel),
	KUNIT_CASE(swapout_waits_write),
	KUNIT_CASE(swapout_waits_read),
	KUNIT_CASE(swapout_waits_bookkeep),
	{}
};

struct kunit_suite ttm_free_suite = {
	.name = "ttm-free",
	.init = ttm_mock_init,
	.exit = ttm_mock_exit,
	.test_cases = ttm_free_cases,
};
