// SPDX-License-Identifier: GPL-2.0
/*
 * Buffers of a submission: the fence gets the usage that was asked for, there is
 * room for it, and the other fences stay.
 */

#include <drm/ttm/ttm_execbuf_util.h>

#include "oom-inject.h"
#include "ttm-kunit.h"
#include "ttm-mock.h"

/* What the submission does is independent of what was done before */
static void fence_has_usage_usage(struct kunit *test, enum dma_resv_usage usage)
{
	struct ttm_validate_buffer entry[TTM_MOCK_USAGES];
	struct dma_fence *before[TTM_MOCK_USAGES], *fence;
	struct ww_acquire_ctx ticket;
	enum dma_resv_usage u;
	LIST_HEAD(list);

	for (u = 0; u < TTM_MOCK_USAGES; u++) {
		entry[u].bo = ttm_mock_bo(test, TTM_PL_SYSTEM, NULL);
		entry[u].usage = usage;
		entry[u].num_fences = 1;
		ttm_mock_lock(test, entry[u].bo);
		before[u] = ttm_mock_add(test, entry[u].bo->base.resv, u);
		ttm_bo_unreserve(entry[u].bo);
		list_add_tail(&entry[u].head, &list);
	}

	KUNIT_ASSERT_EQ(test, ttm_eu_reserve_buffers(&ticket, &list, false, NULL),
			0);
	fence = ttm_mock_fence(test);
	ttm_eu_fence_buffer_objects(&ticket, &list, fence);

	for (u = 0; u < TTM_MOCK_USAGES; u++) {
		KUNIT_EXPECT_FALSE(test, dma_resv_is_locked(entry[u].bo->base.resv));
		TTM_MOCK_EXPECT(test, entry[u].bo->base.resv, fence, usage);
		TTM_MOCK_EXPECT(test, entry[u].bo->base.resv, before[u], u);
	}
}

TTM_MOCK_PER_USAGE(fence_has_usage);

/* Each buffer of a submission is used in its own way */
static void usages_are_mixed(struct kunit *test)
{
	struct ttm_validate_buffer entry[TTM_MOCK_USAGES];
	struct ww_acquire_ctx ticket;
	struct dma_fence *fence;
	enum dma_resv_usage u;
	LIST_HEAD(list);

	for (u = 0; u < TTM_MOCK_USAGES; u++) {
		entry[u].bo = ttm_mock_bo(test, TTM_PL_SYSTEM, NULL);
		entry[u].usage = u;
		entry[u].num_fences = 1;
		list_add_tail(&entry[u].head, &list);
	}

	KUNIT_ASSERT_EQ(test, ttm_eu_reserve_buffers(&ticket, &list, false, NULL),
			0);
	fence = ttm_mock_fence(test);
	ttm_eu_fence_buffer_objects(&ticket, &list, fence);

	for (u = 0; u < TTM_MOCK_USAGES; u++)
		TTM_MOCK_EXPECT(test, entry[u].bo->base.resv, fence, u);
}

/* Adding a fence to a slot takes no memory */
static void slots_are_reserved(struct kunit *test)
{
	struct ttm_validate_buffer entry = {
		.bo = ttm_mock_bo(test, TTM_PL_SYSTEM, NULL),
		.usage = DMA_RESV_USAGE_WRITE,
		.num_fences = 20,
	};
	struct ww_acquire_ctx ticket;
	struct dma_fence *fence[20];
	unsigned int seen;
	LIST_HEAD(list);
	bool oom;
	int i;

	for (i = 0; i < ARRAY_SIZE(fence); i++)
		fence[i] = ttm_mock_fence(test);
	oom = ttm_mock_oom(test);

	list_add(&entry.head, &list);
	KUNIT_ASSERT_EQ(test, ttm_eu_reserve_buffers(&ticket, &list, false, NULL),
			0);
	oom_inject_arm(0, false);
	for (i = 1; i < ARRAY_SIZE(fence); i++)
		dma_resv_add_fence(entry.bo->base.resv, fence[i],
				   DMA_RESV_USAGE_BOOKKEEP);
	ttm_eu_fence_buffer_objects(&ticket, &list, fence[0]);
	if (oom) {
		oom_inject_disarm(&seen);
		KUNIT_EXPECT_EQ(test, seen, 0u);
		oom_inject_stop();
	}
	TTM_MOCK_EXPECT(test, entry.bo->base.resv, fence[0],
			DMA_RESV_USAGE_WRITE);
}

/* Whichever allocation fails, nothing stays locked */
static void reserving_fails(struct kunit *test)
{
	struct ttm_validate_buffer entry[TTM_MOCK_USAGES];
	struct ww_acquire_ctx ticket;
	unsigned int nth, failed;
	LIST_HEAD(list);
	int i, ret;

	for (i = 0; i < ARRAY_SIZE(entry); i++) {
		entry[i].bo = ttm_mock_bo(test, TTM_PL_SYSTEM, NULL);
		entry[i].usage = DMA_RESV_USAGE_WRITE;
		entry[i].num_fences = 1;
		list_add_tail(&entry[i].head, &list);
	}
	if (!ttm_mock_oom(test))
		return;

	for (nth = 1; nth < 100; nth++) {
		oom_inject_arm(nth, false);
		ret = ttm_eu_reserve_buffers(&ticket, &list, false, NULL);
		failed = oom_inject_disarm(NULL);
		KUNIT_EXPECT_EQ(test, ret, failed ? -ENOMEM : 0);
		if (!ret)
			ttm_eu_backoff_reservation(&ticket, &list);
		for (i = 0; i < ARRAY_SIZE(entry); i++)
			KUNIT_EXPECT_FALSE(test, dma_resv_is_locked(entry[i].bo->base.resv));
		if (!failed)
			break;
	}
	KUNIT_EXPECT_GT(test, nth, 1u);
	oom_inject_stop();
}

/* Nor does a move that is under way ever end in an error */
static void moving_fails(struct kunit *test)
{
	struct ttm_mock *dev = ttm_mock(test);
	struct ttm_buffer_object *bo;
	unsigned int nth, failed = 1;
	int ret;

	if (!ttm_mock_oom(test))
		return;

	dev->signal_moves = TTM_MOCK_A_WHILE;
	for (nth = 1; nth < 100 && failed; nth++) {
		bo = ttm_mock_bo(test, TTM_PL_VRAM, NULL);
		ttm_mock_lock(test, bo);
		dev->moved = NULL;
		oom_inject_arm(nth, false);
		ret = ttm_mock_validate(bo, TTM_PL_TT, false);
		failed = oom_inject_disarm(NULL);
		KUNIT_EXPECT_TRUE_MSG(test, !ret || !dev->moved ||
				      dma_fence_is_signaled(dev->moved),
				      "allocation %u", nth);
		KUNIT_EXPECT_EQ(test, bo->mem.mem_type,
				ret ? (u32)TTM_PL_VRAM : (u32)TTM_PL_TT);
		if (dev->moved)
			dma_fence_wait(dev->moved, false);
		ttm_bo_unreserve(bo);
		ttm_mock_put(test, bo);
		ttm_mock_destroyed(test, nth);
	}
	KUNIT_EXPECT_GT(test, nth, 2u);
	oom_inject_stop();
}

/* After a move, and after an eviction, there is room for the caller's fence */
static void validate_leaves_a_slot(struct kunit *test)
{
	struct ttm_buffer_object *old = ttm_mock_bo(test, TTM_PL_VRAM, NULL);
	struct ttm_buffer_object *new = ttm_mock_bo(test, TTM_PL_SYSTEM, NULL);
	struct ttm_mock *dev = ttm_mock(test);
	struct dma_fence *fence[2];
	struct dma_fence *evicted;

	ttm_mock_lock(test, new);
	KUNIT_ASSERT_EQ(test, ttm_mock_validate(new, TTM_PL_VRAM, false), 0);
	fence[0] = ttm_mock_fence(test);
	dma_resv_add_fence(new->base.resv, fence[0], DMA_RESV_USAGE_WRITE);
	evicted = dev->moved;
	ttm_bo_unreserve(new);

	ttm_mock_lock(test, old);
	TTM_MOCK_EXPECT(test, new->base.resv, fence[0], DMA_RESV_USAGE_WRITE);
	KUNIT_EXPECT_EQ(test, old->mem.mem_type, (u32)TTM_PL_TT);
	dma_fence_signal(evicted);
	ttm_bo_unreserve(old);

	ttm_mock_lock(test, new);
	KUNIT_ASSERT_EQ(test, ttm_mock_validate(new, TTM_PL_TT, false), 0);
	fence[1] = ttm_mock_fence(test);
	dma_resv_add_fence(new->base.resv, fence[1], DMA_RESV_USAGE_READ);
	TTM_MOCK_EXPECT(test, new->base.resv, dev->moved, DMA_RESV_USAGE_KERNEL);
	TTM_MOCK_EXPECT(test, new->base.resv, fence[0], DMA_RESV_USAGE_WRITE);
	TTM_MOCK_EXPECT(test, new->base.resv, fence[1], DMA_RESV_USAGE_READ);
	ttm_bo_unreserve(new);
}

static struct kunit_case ttm_validate_cases[] = {
	KUNIT_CASE(fence_has_usage_kernel),
	KUNIT_CASE(fence_has_usage_write),
	KUNIT_CASE(fence_has_usage_read),
	KUNIT_CASE(fence_has_usage_bookkeep),
	KUNIT_CASE(usages_are_mixed),
	KUNIT_CASE(slots_are_reserved),
	KUNIT_CASE(reserving_fails),
	KUNIT_CASE(moving_fails),
	KUNIT_CASE(validate_leaves_a_slot),
	{}
};

struct kunit_suite ttm_validate_suite = {
	.name = "ttm-validate",
	.init = ttm_mock_init,
	.exit = ttm_mock_exit,
	.test_cases = ttm_validate_cases,
};
