// SPDX-License-Identifier: GPL-2.0
/*
 * What the run-time checker makes of real moves: a device that doesn't wait for those
 * who use the memory is found out, one that does is left alone.
 */

#include <linux/delay.h>

#include "dma-fence-check.h"
#include "dma-resv-check.h"
#include "ttm-kunit.h"
#include "ttm-mock.h"

#define A_WHILE		max(HZ / 10, 3)

static unsigned int ttm_check_before[DMA_FENCE_CHECK_KINDS];

static int ttm_check_init(struct kunit *test)
{
	unsigned int kind;
	int ret;

	ret = ttm_mock_init(test);
	if (ret)
		return ret;

	ttm_mock(test)->checked = true;
	for (kind = 0; kind < DMA_FENCE_CHECK_KINDS; kind++)
		ttm_check_before[kind] = dma_fence_check_reports(kind);

	return 0;
}

/* As @kind and nothing else, or not at all if it is that of nothing */
static void ttm_check_found(struct kunit *test, enum dma_fence_check_kind kind)
{
	unsigned int k;
	int i;

	for (i = 0; i < 500 && !dma_resv_check_settled(); i++)
		msleep(20);
	KUNIT_EXPECT_TRUE(test, dma_resv_check_settled());

	if (kind < DMA_FENCE_CHECK_KINDS)
		dma_fence_check_expect(kind, false);
	for (k = 0; k < DMA_FENCE_CHECK_KINDS; k++)
		KUNIT_EXPECT_EQ_MSG(test, dma_fence_check_reports(k),
				    ttm_check_before[k] + (k == kind), "%s",
				    dma_fence_check_name(k));
}

/* A buffer somebody uses; the device moves it without regard to that */
static struct ttm_buffer_object *used(struct kunit *test,
				      enum dma_resv_usage usage,
				      struct dma_fence **fence)
{
	struct ttm_buffer_object *bo = ttm_mock_bo(test, TTM_PL_VRAM, NULL);

	ttm_mock_lock(test, bo);
	*fence = ttm_mock_add(test, bo->base.resv, usage);
	ttm_bo_unreserve(bo);

	return bo;
}

static void move(struct kunit *test, struct ttm_buffer_object *bo)
{
	ttm_mock_lock(test, bo);
	KUNIT_EXPECT_EQ(test, ttm_mock_validate(bo, TTM_PL_TT, true), 0);
	ttm_bo_unreserve(bo);
	KUNIT_ASSERT_TRUE(test, !!ttm_mock(test)->moved);
}

static void move_too_early_usage(struct kunit *test, enum dma_resv_usage usage)
{
	struct dma_fence *fence;

	move(test, used(test, usage, &fence));
	dma_fence_check_expect(DMA_FENCE_CHECK_BUSY_MEMORY, true);
	dma_fence_signal(ttm_mock(test)->moved);
	ttm_check_found(test, DMA_FENCE_CHECK_BUSY_MEMORY);
}

TTM_MOCK_PER_USAGE(move_too_early);

static void move_in_time_usage(struct kunit *test, enum dma_resv_usage usage)
{
	struct dma_fence *fence;

	move(test, used(test, usage, &fence));
	dma_fence_signal(fence);
	dma_fence_signal(ttm_mock(test)->moved);
	ttm_check_found(test, DMA_FENCE_CHECK_KINDS);
}

TTM_MOCK_PER_USAGE(move_in_time);

static void eviction_too_early(struct kunit *test)
{
	struct dma_fence *fence;

	used(test, DMA_RESV_USAGE_BOOKKEEP, &fence);
	ttm_mock_bo(test, TTM_PL_VRAM, NULL);
	KUNIT_ASSERT_TRUE(test, !!ttm_mock(test)->moved);
	dma_fence_check_expect(DMA_FENCE_CHECK_BUSY_MEMORY, true);
	dma_fence_signal(ttm_mock(test)->moved);
	ttm_check_found(test, DMA_FENCE_CHECK_BUSY_MEMORY);
}

/* A job that waits for the move, and one that doesn't */
static void job_after_move(struct kunit *test)
{
	struct ttm_buffer_object *bo = ttm_mock_bo(test, TTM_PL_VRAM, NULL);
	struct dma_fence *job;

	move(test, bo);
	ttm_mock_lock(test, bo);
	job = ttm_mock_add(test, bo->base.resv, DMA_RESV_USAGE_READ);
	ttm_bo_unreserve(bo);
	dma_fence_signal(ttm_mock(test)->moved);
	dma_fence_signal(job);
	ttm_check_found(test, DMA_FENCE_CHECK_KINDS);
}

static void job_before_move(struct kunit *test)
{
	struct ttm_buffer_object *bo = ttm_mock_bo(test, TTM_PL_VRAM, NULL);
	struct dma_fence *job;

	move(test, bo);
	ttm_mock_lock(test, bo);
	job = ttm_mock_add(test, bo->base.resv, DMA_RESV_USAGE_READ);
	ttm_bo_unreserve(bo);
	dma_fence_check_expect(DMA_FENCE_CHECK_IGNORED_MOVE, true);
	dma_fence_signal(job);
	ttm_check_found(test, DMA_FENCE_CHECK_IGNORED_MOVE);
}

/* TTM waits before it copies, unbinds or frees, so there is nothing to report */
static void cpu_waits_usage(struct kunit *test, enum dma_resv_usage usage)
{
	struct ttm_buffer_object *bo;
	struct dma_fence *fence;

	ttm_mock(test)->how = TTM_MOCK_MEMCPY;
	bo = used(test, usage, &fence);
	ttm_mock_signal_later(fence, A_WHILE);
	ttm_mock_lock(test, bo);
	KUNIT_EXPECT_EQ(test, ttm_mock_validate(bo, TTM_PL_TT, false), 0);
	fence = ttm_mock_add(test, bo->base.resv, usage);
	ttm_mock_signal_later(fence, A_WHILE);
	KUNIT_EXPECT_EQ(test, ttm_mock_validate(bo, TTM_PL_SYSTEM, false), 0);
	fence = ttm_mock_add(test, bo->base.resv, usage);
	ttm_bo_unreserve(bo);

	ttm_mock_put(test, bo);
	ttm_mock_signal_later(fence, A_WHILE);
	KUNIT_EXPECT_TRUE(test, ttm_mock_destroyed(test, 1));
	ttm_check_found(test, DMA_FENCE_CHECK_KINDS);
}

TTM_MOCK_PER_USAGE(cpu_waits);

/* Memory is handed over to an object that looks after it, and nothing is dropped */
static void gutting_drops_nothing(struct kunit *test)
{
	struct ttm_buffer_object *bo;
	struct dma_fence *fence;

	bo = used(test, DMA_RESV_USAGE_READ, &fence);
	ttm_mock_lock(test, bo);
	KUNIT_EXPECT_EQ(test, ttm_mock_validate(bo, -1, true), 0);
	ttm_bo_unreserve(bo);
	ttm_mock_put(test, bo);
	msleep(100);
	dma_fence_signal(fence);
	KUNIT_EXPECT_TRUE(test, ttm_mock_destroyed(test, 1));
	ttm_check_found(test, DMA_FENCE_CHECK_KINDS);
}

static struct kunit_case ttm_check_cases[] = {
	KUNIT_CASE(move_too_early_kernel),
	KUNIT_CASE(move_too_early_write),
	KUNIT_CASE(move_too_early_read),
	KUNIT_CASE(move_too_early_bookkeep),
	KUNIT_CASE(move_in_time_kernel),
	KUNIT_CASE(move_in_time_write),
	KUNIT_CASE(move_in_time_read),
	KUNIT_CASE(move_in_time_bookkeep),
	KUNIT_CASE(eviction_too_early),
	KUNIT_CASE(job_after_move),
	KUNIT_CASE(job_before_move),
	KUNIT_CASE(cpu_waits_kernel),
	KUNIT_CASE(cpu_waits_write),
	KUNIT_CASE(cpu_waits_read),
	KUNIT_CASE(cpu_waits_bookkeep),
	KUNIT_CASE(gutting_drops_nothing),
	{}
};

struct kunit_suite ttm_check_suite = {
	.name = "ttm-check",
	.init = ttm_check_init,
	.exit = ttm_mock_exit,
	.test_cases = ttm_check_cases,
};
