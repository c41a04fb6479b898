// SPDX-License-Identifier: GPL-2.0
/*
 * What the run-time checker makes of real moves: a device that doesn't wait for those
 * who use the memory is found out, one that does is left alone. TTM keeps processes
 * away from memory that moves, so there is nothing to find.
 */

#include <linux/delay.h>
#include <linux/mm.h>
#include <linux/pfn_t.h>

#include "dma-fence-check.h"
#include "dma-resv-check.h"
#include "mock-process.h"
#include "ttm-kunit.h"
#include "ttm-mock.h"

#define A_WHILE		max(HZ / 10, 3)

/* Where the process has the buffer that it maps */
#define MAPPED_AT	0x10000000ul

static unsigned int ttm_check_before[DMA_FENCE_CHECK_KINDS];
static struct mock_process process;
static struct ttm_buffer_object *mapped;
static struct vm_area_struct *mapped_vma;

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

static void ttm_check_exit(struct kunit *test)
{
	mock_process_end(&process);
	ttm_mock_exit(test);
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

static int map_mapped(struct mock_process *process, struct vm_area_struct *vma)
{
	mapped_vma = vma;

	return ttm_bo_mmap_obj(vma, mapped);
}

/* A buffer that a process has written to; false if there can be no process */
static bool map(struct kunit *test, int mem_type)
{
	int ret;

	process.mmap = map_mapped;
	ret = mock_process_begin(&process);
	if (ret == -EOPNOTSUPP) {
		kunit_info(test, "is for tests that are built in");
		return false;
	}
	KUNIT_ASSERT_EQ(test, ret, 0);

	ttm_mock(test)->mappable = true;
	ttm_mock(test)->bdev.dev_mapping = &process.mapping;
	mapped = ttm_mock_bo(test, mem_type, NULL);
	KUNIT_EXPECT_EQ(test, 0,
			mock_process_map(&process, MAPPED_AT,
					 drm_vma_node_start(&mapped->base.vma_node),
					 mapped->num_pages));
	KUNIT_EXPECT_EQ(test, 0, mock_process_access(MAPPED_AT + PAGE_SIZE));

	return true;
}

static void unmapped_before_move(struct kunit *test)
{
	if (!map(test, TTM_PL_TT))
		return;

	ttm_mock(test)->how = TTM_MOCK_MEMCPY;
	ttm_mock_lock(test, mapped);
	KUNIT_EXPECT_EQ(test, ttm_mock_validate(mapped, TTM_PL_VRAM, false), 0);
	ttm_bo_unreserve(mapped);
	ttm_check_found(test, DMA_FENCE_CHECK_KINDS);
}

/* As by a page fault of a driver that doesn't care for the reservation */
static void page_comes_back(void)
{
	unsigned long pfn = page_to_pfn(mapped->ttm->pages[0]);

	vmf_insert_mixed(mapped_vma, MAPPED_AT, __pfn_to_pfn_t(pfn, PFN_DEV));
}

static void mapped_while_moved(struct kunit *test)
{
	if (!map(test, TTM_PL_TT))
		return;

	ttm_mock(test)->how = TTM_MOCK_MEMCPY;
	ttm_mock(test)->moving = page_comes_back;
	dma_fence_check_expect(DMA_FENCE_CHECK_BUSY_MEMORY, true);
	ttm_mock_lock(test, mapped);
	KUNIT_EXPECT_EQ(test, ttm_mock_validate(mapped, TTM_PL_VRAM, false), 0);
	ttm_bo_unreserve(mapped);
	ttm_mock(test)->moving = NULL;
	ttm_check_found(test, DMA_FENCE_CHECK_BUSY_MEMORY);
}

/* It is in system memory, so it doesn't move before it is swapped out */
static void unmapped_before_swapout(struct kunit *test)
{
	struct ttm_operation_ctx ctx = { };
	int i;

	if (!map(test, TTM_PL_SYSTEM))
		return;

	/* There may be other devices, whose buffers come first */
	for (i = 0; i < 64; i++) {
		if (ttm_bo_swapout(&ttm_bo_glob, &ctx) ||
		    (mapped->ttm->page_flags & TTM_PAGE_FLAG_SWAPPED))
			break;
	}
	KUNIT_EXPECT_TRUE(test, !!(mapped->ttm->page_flags & TTM_PAGE_FLAG_SWAPPED));
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
	KUNIT_CASE(unmapped_before_move),
	KUNIT_CASE(unmapped_before_swapout),
	KUNIT_CASE(mapped_while_moved),
	{}
};

struct kunit_suite ttm_check_suite = {
	.name = "ttm-check",
	.init = ttm_check_init,
	.exit = ttm_check_exit,
	.test_cases = ttm_check_cases,
};
