// SPDX-License-Identifier: GPL-2.0
/*
 * Making room for a buffer: which fences of the one that has to go are waited for,
 * and what the one that comes has to wait for.
 */

#include "ttm-kunit.h"
#include "ttm-mock.h"

#define A_WHILE		max(HZ / 10, 3)

/* A pipelined eviction gives the memory away, and the fence along with it */
static void pipelined_is_passed_on(struct kunit *test)
{
	struct ttm_buffer_object *old = ttm_mock_bo(test, TTM_PL_VRAM, NULL);
	struct ttm_buffer_object *new = ttm_mock_bo(test, TTM_PL_VRAM, NULL);
	struct ttm_mock *dev = ttm_mock(test);

	KUNIT_EXPECT_EQ(test, old->mem.mem_type, (u32)TTM_PL_TT);
	KUNIT_EXPECT_EQ(test, new->mem.mem_type, (u32)TTM_PL_VRAM);
	KUNIT_ASSERT_TRUE(test, !!dev->moved);
	KUNIT_EXPECT_FALSE(test, dma_fence_is_signaled(dev->moved));
	TTM_MOCK_EXPECT(test, old->base.resv, dev->moved, DMA_RESV_USAGE_KERNEL);
	TTM_MOCK_EXPECT(test, new->base.resv, dev->moved, DMA_RESV_USAGE_KERNEL);

	/* The memory is not free before, even if nobody wants it any more */
	ttm_mock_put(test, new);
	KUNIT_EXPECT_FALSE(test, ttm_mock_vram_is_free(test));
	dma_fence_signal(dev->moved);
	KUNIT_EXPECT_TRUE(test, ttm_mock_destroyed(test, 1));
	KUNIT_EXPECT_TRUE(test, ttm_mock_vram_is_free(test));
}

/* Nor does it go to somebody who can't wait */
static void pipelined_is_refused(struct kunit *test)
{
	struct ttm_buffer_object *old = ttm_mock_bo(test, TTM_PL_VRAM, NULL);
	struct ttm_buffer_object *new = ttm_mock_bo(test, TTM_PL_SYSTEM, NULL);
	struct ttm_mock *dev = ttm_mock(test);

	ttm_mock_lock(test, new);
	KUNIT_EXPECT_NE(test, ttm_mock_validate(new, TTM_PL_VRAM, true), 0);
	KUNIT_EXPECT_EQ(test, old->mem.mem_type, (u32)TTM_PL_TT);
	KUNIT_EXPECT_EQ(test, new->mem.mem_type, (u32)TTM_PL_SYSTEM);
	KUNIT_ASSERT_TRUE(test, !!dev->moved);
	KUNIT_EXPECT_FALSE(test, dma_fence_is_signaled(dev->moved));
	ttm_bo_unreserve(new);
}

/* Without that the eviction is waited for, and there is nothing to pass on */
static void accelerated_is_waited_for(struct kunit *test)
{
	struct ttm_buffer_object *old = ttm_mock_bo(test, TTM_PL_VRAM, NULL);
	struct ttm_mock *dev = ttm_mock(test);
	struct ttm_buffer_object *new;

	dev->how = TTM_MOCK_ACCEL;
	dev->signal_moves = A_WHILE;
	new = ttm_mock_bo(test, TTM_PL_VRAM, NULL);

	KUNIT_EXPECT_EQ(test, old->mem.mem_type, (u32)TTM_PL_TT);
	KUNIT_ASSERT_TRUE(test, !!dev->moved);
	KUNIT_EXPECT_TRUE(test, dma_fence_is_signaled(dev->moved));
	KUNIT_EXPECT_TRUE(test, dma_resv_test_signaled(new->base.resv,
						       DMA_RESV_USAGE_BOOKKEEP));
}

/* But not for ever: the old memory is kept, and whoever wants it has to wait */
static void accelerated_takes_long(struct kunit *test)
{
	struct ttm_buffer_object *old = ttm_mock_bo(test, TTM_PL_VRAM, NULL);
	struct ttm_buffer_object *new = ttm_mock_bo(test, TTM_PL_SYSTEM, NULL);
	struct ttm_mock *dev = ttm_mock(test);

	dev->how = TTM_MOCK_ACCEL;
	/* TTM loses its patience, but not when it waits for the memory itself */
	dev->signal_moves = 20 * HZ;
	ttm_mock_lock(test, new);
	KUNIT_EXPECT_EQ(test, ttm_mock_validate(new, TTM_PL_VRAM, false), 0);
	ttm_bo_unreserve(new);
	KUNIT_EXPECT_EQ(test, old->mem.mem_type, (u32)TTM_PL_TT);
	KUNIT_EXPECT_EQ(test, new->mem.mem_type, (u32)TTM_PL_VRAM);
	KUNIT_EXPECT_TRUE(test, dma_resv_test_signaled(old->base.resv,
						       DMA_RESV_USAGE_KERNEL));
}

/* The device waits for whoever uses the old memory, TTM drops none of them */
static void pipelined_keeps_fence_usage(struct kunit *test,
					enum dma_resv_usage usage)
{
	struct ttm_buffer_object *old = ttm_mock_bo(test, TTM_PL_VRAM, NULL);
	struct dma_fence *fence;

	ttm_mock_lock(test, old);
	fence = ttm_mock_add(test, old->base.resv, usage);
	ttm_bo_unreserve(old);

	ttm_mock_bo(test, TTM_PL_VRAM, NULL);
	KUNIT_EXPECT_EQ(test, old->mem.mem_type, (u32)TTM_PL_TT);
	KUNIT_EXPECT_FALSE(test, dma_fence_is_signaled(fence));
	TTM_MOCK_EXPECT(test, old->base.resv, fence, usage);
}

TTM_MOCK_PER_USAGE(pipelined_keeps_fence);

static void expect_wait(struct kunit *test, enum dma_resv_usage usage,
			u32 evicted_to)
{
	struct ttm_buffer_object *old = ttm_mock_bo(test, TTM_PL_VRAM, NULL);
	struct ttm_buffer_object *new = ttm_mock_bo(test, TTM_PL_SYSTEM, NULL);
	struct dma_fence *fence;

	ttm_mock_lock(test, old);
	fence = ttm_mock_add(test, old->base.resv, usage);
	ttm_bo_unreserve(old);

	ttm_mock_lock(test, new);
	KUNIT_EXPECT_NE(test, ttm_mock_validate(new, TTM_PL_VRAM, true), 0);
	KUNIT_EXPECT_EQ(test, old->mem.mem_type, (u32)TTM_PL_VRAM);
	KUNIT_EXPECT_FALSE(test, dma_fence_is_signaled(fence));

	ttm_mock_signal_later(fence, A_WHILE);
	KUNIT_EXPECT_EQ(test, ttm_mock_validate(new, TTM_PL_VRAM, false), 0);
	KUNIT_EXPECT_TRUE(test, dma_fence_is_signaled(fence));
	KUNIT_EXPECT_EQ(test, old->mem.mem_type, evicted_to);
	KUNIT_EXPECT_EQ(test, new->mem.mem_type, (u32)TTM_PL_VRAM);
	ttm_bo_unreserve(new);
}

static void memcpy_waits_usage(struct kunit *test, enum dma_resv_usage usage)
{
	ttm_mock(test)->how = TTM_MOCK_MEMCPY;
	expect_wait(test, usage, TTM_PL_TT);
}

TTM_MOCK_PER_USAGE(memcpy_waits);

/* If the content isn't kept, the memory is freed, which has to wait as well */
static void dropping_waits_usage(struct kunit *test, enum dma_resv_usage usage)
{
	ttm_mock(test)->how = TTM_MOCK_MEMCPY;
	ttm_mock(test)->keep_nothing = true;
	expect_wait(test, usage, TTM_PL_SYSTEM);
}

TTM_MOCK_PER_USAGE(dropping_waits);

/* A pinned buffer stays where it is, and nobody waits for it in vain */
static void pinned_stays_usage(struct kunit *test, enum dma_resv_usage usage)
{
	struct ttm_buffer_object *old = ttm_mock_bo(test, TTM_PL_VRAM, NULL);
	struct ttm_buffer_object *new = ttm_mock_bo(test, TTM_PL_SYSTEM, NULL);
	struct dma_fence *fence;

	ttm_mock_lock(test, old);
	fence = ttm_mock_add(test, old->base.resv, usage);
	ttm_bo_pin(old);
	ttm_bo_unreserve(old);

	ttm_mock_lock(test, new);
	ttm_mock_signal_later(fence, 2 * HZ);
	KUNIT_EXPECT_NE(test, ttm_mock_validate(new, TTM_PL_VRAM, false), 0);
	KUNIT_EXPECT_FALSE(test, dma_fence_is_signaled(fence));
	KUNIT_EXPECT_EQ(test, old->mem.mem_type, (u32)TTM_PL_VRAM);
	ttm_bo_unreserve(new);

	ttm_mock_lock(test, old);
	ttm_bo_unpin(old);
	ttm_bo_unreserve(old);
}

TTM_MOCK_PER_USAGE(pinned_stays);

static struct kunit_case ttm_evict_cases[] = {
	KUNIT_CASE(pipelined_is_passed_on),
	KUNIT_CASE(pipelined_is_refused),
	KUNIT_CASE(accelerated_is_waited_for),
	KUNIT_CASE(accelerated_takes_long),
	KUNIT_CASE(pipelined_keeps_fence_kernel),
	KUNIT_CASE(pipelined_keeps_fence_write),
	KUNIT_CASE(pipelined_keeps_fence_read),
	KUNIT_CASE(pipelined_keeps_fence_bookkeep),
	KUNIT_CASE(memcpy_waits_kernel),
	KUNIT_CASE(memcpy_waits_write),
	KUNIT_CASE(memcpy_waits_read),
	KUNIT_CASE(memcpy_waits_bookkeep),
	KUNIT_CASE(dropping_waits_kernel),
	KUNIT_CASE(dropping_waits_write),
	KUNIT_CASE(dropping_waits_read),
	KUNIT_CASE(dropping_waits_bookkeep),
	KUNIT_CASE(pinned_stays_kernel),
	KUNIT_CASE(pinned_stays_write),
	KUNIT_CASE(pinned_stays_read),
	KUNIT_CASE(pinned_stays_bookkeep),
	{}
};

struct kunit_suite ttm_evict_suite = {
	.name = "ttm-evict",
	.init = ttm_mock_init,
	.exit = ttm_mock_exit,
	.test_cases = ttm_evict_cases,
};
