// SPDX-License-Identifier: GPL-2.0
/*
 * Moving a buffer: what the move waits for, and what it leaves for others to wait
 * for.
 */

#include <linux/delay.h>

#include "ttm-kunit.h"
#include "ttm-mock.h"

#define A_WHILE		max(HZ / 10, 3)

/* Everybody has to wait for the move, and the old memory stays for as long */
static void move_is_a_kernel_fence(struct kunit *test)
{
	struct ttm_buffer_object *bo = ttm_mock_bo(test, TTM_PL_VRAM, NULL);
	struct ttm_mock *dev = ttm_mock(test);
	int i;

	ttm_mock_lock(test, bo);
	KUNIT_EXPECT_EQ(test, ttm_mock_validate(bo, TTM_PL_TT, false), 0);
	KUNIT_EXPECT_EQ(test, bo->mem.mem_type, (u32)TTM_PL_TT);
	KUNIT_ASSERT_TRUE(test, !!dev->moved);
	KUNIT_EXPECT_FALSE(test, dma_fence_is_signaled(dev->moved));
	TTM_MOCK_EXPECT(test, bo->base.resv, dev->moved, DMA_RESV_USAGE_KERNEL);
	ttm_bo_unreserve(bo);

	KUNIT_EXPECT_FALSE(test, dma_resv_test_signaled(bo->base.resv,
							DMA_RESV_USAGE_KERNEL));
	KUNIT_EXPECT_FALSE(test, ttm_mock_vram_is_free(test));

	dma_fence_signal(dev->moved);
	KUNIT_EXPECT_TRUE(test, dma_resv_test_signaled(bo->base.resv,
						       DMA_RESV_USAGE_KERNEL));
	for (i = 0; i < 100 && !ttm_mock_vram_is_free(test); i++)
		msleep(20);
	KUNIT_EXPECT_LT(test, i, 100);
}

/* It waits by itself on the device, so TTM neither waits nor drops anything */
static void move_keeps_fence_usage(struct kunit *test, enum dma_resv_usage usage)
{
	struct ttm_buffer_object *bo = ttm_mock_bo(test, TTM_PL_VRAM, NULL);
	struct ttm_mock *dev = ttm_mock(test);
	struct dma_fence *fence;

	ttm_mock_lock(test, bo);
	fence = ttm_mock_add(test, bo->base.resv, usage);
	KUNIT_EXPECT_EQ(test, ttm_mock_validate(bo, TTM_PL_TT, true), 0);
	KUNIT_EXPECT_FALSE(test, dma_fence_is_signaled(fence));
	TTM_MOCK_EXPECT(test, bo->base.resv, fence, usage);
	TTM_MOCK_EXPECT(test, bo->base.resv, dev->moved, DMA_RESV_USAGE_KERNEL);
	ttm_bo_unreserve(bo);
}

TTM_MOCK_PER_USAGE(move_keeps_fence);

static void expect_wait(struct kunit *test, struct ttm_buffer_object *bo,
			int mem_type, enum dma_resv_usage usage)
{
	u32 was = bo->mem.mem_type;
	struct dma_fence *fence;

	ttm_mock_lock(test, bo);
	fence = ttm_mock_add(test, bo->base.resv, usage);
	KUNIT_EXPECT_EQ(test, ttm_mock_validate(bo, mem_type, true), -EBUSY);
	KUNIT_EXPECT_EQ(test, bo->mem.mem_type, was);

	ttm_mock_signal_later(fence, A_WHILE);
	KUNIT_EXPECT_EQ(test, ttm_mock_validate(bo, mem_type, false), 0);
	KUNIT_EXPECT_TRUE(test, dma_fence_is_signaled(fence));
	KUNIT_EXPECT_EQ(test, bo->mem.mem_type, (u32)mem_type);
	ttm_bo_unreserve(bo);
}

/* The CPU can only copy what nobody uses any more */
static void memcpy_waits_usage(struct kunit *test, enum dma_resv_usage usage)
{
	struct ttm_buffer_object *bo = ttm_mock_bo(test, TTM_PL_VRAM, NULL);

	ttm_mock(test)->how = TTM_MOCK_MEMCPY;
	expect_wait(test, bo, TTM_PL_TT, usage);
}

TTM_MOCK_PER_USAGE(memcpy_waits);

/* The device must not reach the pages any more when they are unbound */
static void unbind_waits_usage(struct kunit *test, enum dma_resv_usage usage)
{
	struct ttm_buffer_object *bo = ttm_mock_bo(test, TTM_PL_TT, NULL);

	expect_wait(test, bo, TTM_PL_SYSTEM, usage);
}

TTM_MOCK_PER_USAGE(unbind_waits);

static struct kunit_case ttm_move_cases[] = {
	KUNIT_CASE(move_is_a_kernel_fence),
	KUNIT_CASE(move_keeps_fence_kernel),
	KUNIT_CASE(move_keeps_fence_write),
	KUNIT_CASE(move_keeps_fence_read),
	KUNIT_CASE(move_keeps_fence_bookkeep),
	KUNIT_CASE(memcpy_waits_kernel),
	KUNIT_CASE(memcpy_waits_write),
	KUNIT_CASE(memcpy_waits_read),
	KUNIT_CASE(memcpy_waits_bookkeep),
	KUNIT_CASE(unbind_waits_kernel),
	KUNIT_CASE(unbind_waits_write),
	KUNIT_CASE(unbind_waits_read),
	KUNIT_CASE(unbind_waits_bookkeep),
	{}
};

struct kunit_suite ttm_move_suite = {
	.name = "ttm-move",
	.init = ttm_mock_init,
	.exit = ttm_mock_exit,
	.test_cases = ttm_move_cases,
};
