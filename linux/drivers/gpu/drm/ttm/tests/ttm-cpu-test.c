// SPDX-License-Identifier: GPL-2.0
/*
 * The CPU accesses a buffer: page faults and ptrace wait for KERNEL fences and for
 * nothing else.
 */

#include <linux/mm.h>

#include "ttm-kunit.h"
#include "ttm-mock.h"

#define A_WHILE		max(HZ / 10, 3)

/*
 * A page fault behind the end of the buffer. It comes to VM_FAULT_SIGBUS after it
 * has waited, and needs no address space to insert a page into.
 */
static unsigned int fault(struct ttm_buffer_object *bo, unsigned int flags)
{
	struct vm_area_struct vma = {
		.vm_end = 2 * TTM_MOCK_VRAM * PAGE_SIZE,
		.vm_private_data = bo,
	};
	struct vm_fault vmf = {
		.vma = &vma,
		.flags = flags,
		.address = TTM_MOCK_VRAM * PAGE_SIZE,
	};

	return (__force unsigned int)ttm_bo_vm_fault_reserved(&vmf, PAGE_KERNEL,
							      1, 1);
}

#define NOWAIT	(FAULT_FLAG_ALLOW_RETRY | FAULT_FLAG_RETRY_NOWAIT)
#define COME_AGAIN	((__force unsigned int)VM_FAULT_RETRY)
#define WENT_ON		((__force unsigned int)VM_FAULT_SIGBUS)

/* One that must not wait is told to come again, if it would have to */
static void fault_nowait_usage(struct kunit *test, enum dma_resv_usage usage)
{
	struct ttm_buffer_object *bo = ttm_mock_bo(test, TTM_PL_TT, NULL);
	struct dma_fence *fence;

	ttm_mock_lock(test, bo);
	KUNIT_EXPECT_EQ(test, fault(bo, NOWAIT), WENT_ON);

	fence = ttm_mock_add(test, bo->base.resv, usage);
	KUNIT_EXPECT_EQ(test, fault(bo, NOWAIT),
			usage == DMA_RESV_USAGE_KERNEL ? COME_AGAIN : WENT_ON);

	dma_fence_signal(fence);
	KUNIT_EXPECT_EQ(test, fault(bo, NOWAIT), WENT_ON);
	ttm_bo_unreserve(bo);
}

TTM_MOCK_PER_USAGE(fault_nowait);

static void fault_waits_usage(struct kunit *test, enum dma_resv_usage usage)
{
	struct ttm_buffer_object *bo = ttm_mock_bo(test, TTM_PL_TT, NULL);
	bool kernel = usage == DMA_RESV_USAGE_KERNEL;
	struct dma_fence *fence;

	ttm_mock_lock(test, bo);
	fence = ttm_mock_add(test, bo->base.resv, usage);
	ttm_mock_signal_later(fence, kernel ? A_WHILE : 5 * HZ);
	KUNIT_EXPECT_EQ(test, fault(bo, 0), WENT_ON);
	KUNIT_EXPECT_EQ(test, dma_fence_is_signaled(fence), kernel);
	ttm_bo_unreserve(bo);
}

TTM_MOCK_PER_USAGE(fault_waits);

/* Each KERNEL fence counts, not just the last one */
static void fault_waits_for_all(struct kunit *test)
{
	struct ttm_buffer_object *bo = ttm_mock_bo(test, TTM_PL_TT, NULL);
	struct dma_fence *fence[2];

	ttm_mock_lock(test, bo);
	fence[0] = ttm_mock_add(test, bo->base.resv, DMA_RESV_USAGE_KERNEL);
	fence[1] = ttm_mock_add(test, bo->base.resv, DMA_RESV_USAGE_KERNEL);
	dma_fence_signal(fence[1]);
	KUNIT_EXPECT_EQ(test, fault(bo, NOWAIT), COME_AGAIN);
	dma_fence_signal(fence[0]);
	KUNIT_EXPECT_EQ(test, fault(bo, NOWAIT), WENT_ON);
	ttm_bo_unreserve(bo);
}

static void fault_waits_for_move(struct kunit *test)
{
	struct ttm_buffer_object *bo = ttm_mock_bo(test, TTM_PL_VRAM, NULL);
	struct ttm_mock *dev = ttm_mock(test);

	ttm_mock_lock(test, bo);
	KUNIT_ASSERT_EQ(test, ttm_mock_validate(bo, TTM_PL_TT, false), 0);
	KUNIT_ASSERT_TRUE(test, !!dev->moved);
	KUNIT_EXPECT_EQ(test, fault(bo, NOWAIT), COME_AGAIN);
	ttm_mock_signal_later(dev->moved, A_WHILE);
	KUNIT_EXPECT_EQ(test, fault(bo, 0), WENT_ON);
	KUNIT_EXPECT_TRUE(test, dma_fence_is_signaled(dev->moved));
	ttm_bo_unreserve(bo);
}

/* Also for the one that made room for the buffer */
static void fault_waits_for_eviction(struct kunit *test)
{
	struct ttm_buffer_object *new;
	struct ttm_mock *dev = ttm_mock(test);

	ttm_mock_bo(test, TTM_PL_VRAM, NULL);
	new = ttm_mock_bo(test, TTM_PL_VRAM, NULL);
	KUNIT_ASSERT_TRUE(test, !!dev->moved);

	ttm_mock_lock(test, new);
	KUNIT_EXPECT_EQ(test, fault(new, NOWAIT), COME_AGAIN);
	dma_fence_signal(dev->moved);
	KUNIT_EXPECT_EQ(test, fault(new, NOWAIT), WENT_ON);
	ttm_bo_unreserve(new);
}

static void ptrace_waits_usage(struct kunit *test, enum dma_resv_usage usage)
{
	struct ttm_buffer_object *bo = ttm_mock_bo(test, TTM_PL_TT, NULL);
	bool kernel = usage == DMA_RESV_USAGE_KERNEL;
	struct vm_area_struct vma = {
		.vm_end = TTM_MOCK_VRAM * PAGE_SIZE,
		.vm_private_data = bo,
	};
	struct dma_fence *fence;
	u64 word;

	ttm_mock_lock(test, bo);
	fence = ttm_mock_add(test, bo->base.resv, usage);
	ttm_bo_unreserve(bo);

	ttm_mock_signal_later(fence, kernel ? A_WHILE : 5 * HZ);
	KUNIT_EXPECT_EQ(test, ttm_bo_vm_access(&vma, 0, &word, sizeof(word), 0),
			(int)sizeof(word));
	KUNIT_EXPECT_EQ(test, dma_fence_is_signaled(fence), kernel);
}

TTM_MOCK_PER_USAGE(ptrace_waits);

static struct kunit_case ttm_cpu_cases[] = {
	KUNIT_CASE(fault_nowait_kernel),
	KUNIT_CASE(fault_nowait_write),
	KUNIT_CASE(fault_nowait_read),
	KUNIT_CASE(fault_nowait_bookkeep),
	KUNIT_CASE(fault_waits_kernel),
	KUNIT_CASE(fault_waits_write),
	KUNIT_CASE(fault_waits_read),
	KUNIT_CASE(fault_waits_bookkeep),
	KUNIT_CASE(fault_waits_for_all),
	KUNIT_CASE(fault_waits_for_move),
	KUNIT_CASE(fault_waits_for_eviction),
	KUNIT_CASE(ptrace_waits_kernel),
	KUNIT_CASE(ptrace_waits_write),
	KUNIT_CASE(ptrace_waits_read),
	KUNIT_CASE(ptrace_waits_bookkeep),
	{}
};

struct kunit_suite ttm_cpu_suite = {
	.name = "ttm-cpu",
	.init = ttm_mock_init,
	.exit = ttm_mock_exit,
	.test_cases = ttm_cpu_cases,
};
