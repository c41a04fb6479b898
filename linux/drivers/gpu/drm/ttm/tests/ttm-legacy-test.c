// SPDX-License-Identifier: GPL-2.0
/*
 * Buffers of a submission as drivers outside the tree know them: one number says
 * whether the fence is exclusive, and how many slots there have to be.
 */

#include <linux/dma-resv-legacy.h>
#include <drm/ttm/ttm_execbuf_util.h>

#include "ttm-kunit.h"
#include "ttm-mock.h"

/* As on the stack of a driver that has never heard of the other members */
static void legacy_entry(struct ttm_validate_buffer *entry,
			 struct ttm_buffer_object *bo, unsigned int num_shared,
			 struct list_head *list)
{
	memset(entry, 0xa5, sizeof(*entry));
	entry->bo = bo;
	entry->num_shared = num_shared;
	list_add_tail(&entry->head, list);
}

static struct dma_fence *legacy_submit(struct kunit *test,
				       struct ww_acquire_ctx *ticket,
				       struct list_head *list)
{
	struct dma_fence *fence = ttm_mock_fence(test);

	ttm_eu_fence_buffer_objects(ticket, list, fence);

	return fence;
}

static void none_shared_is_write(struct kunit *test)
{
	struct ttm_buffer_object *bo = ttm_mock_bo(test, TTM_PL_SYSTEM, NULL);
	struct ttm_validate_buffer entry;
	struct ww_acquire_ctx ticket;
	struct dma_fence *fence;
	LIST_HEAD(list);

	legacy_entry(&entry, bo, 0, &list);
	KUNIT_ASSERT_EQ(test, ttm_eu_reserve_buffers(&ticket, &list, false, NULL),
			0);
	fence = legacy_submit(test, &ticket, &list);
	KUNIT_EXPECT_FALSE(test, dma_resv_is_locked(bo->base.resv));
	TTM_MOCK_EXPECT(test, bo->base.resv, fence, DMA_RESV_USAGE_WRITE);
}

static void shared_is_read(struct kunit *test)
{
	struct ttm_buffer_object *bo = ttm_mock_bo(test, TTM_PL_SYSTEM, NULL);
	struct ttm_validate_buffer entry;
	struct ww_acquire_ctx ticket;
	struct dma_fence *fence;
	LIST_HEAD(list);

	legacy_entry(&entry, bo, 1, &list);
	KUNIT_ASSERT_EQ(test, ttm_eu_reserve_buffers(&ticket, &list, false, NULL),
			0);
	fence = legacy_submit(test, &ticket, &list);
	KUNIT_EXPECT_FALSE(test, dma_resv_is_locked(bo->base.resv));
	TTM_MOCK_EXPECT(test, bo->base.resv, fence, DMA_RESV_USAGE_READ);
}

/* Who can't emit a fence waits for the device, and has none to add */
static void no_fence_unlocks(struct kunit *test)
{
	struct ttm_buffer_object *bo = ttm_mock_bo(test, TTM_PL_SYSTEM, NULL);
	struct ttm_validate_buffer entry;
	struct ww_acquire_ctx ticket;
	LIST_HEAD(list);

	legacy_entry(&entry, bo, 0, &list);
	KUNIT_ASSERT_EQ(test, ttm_eu_reserve_buffers(&ticket, &list, false, NULL),
			0);
	ttm_eu_fence_buffer_objects(&ticket, &list, NULL);
	KUNIT_EXPECT_FALSE(test, dma_resv_is_locked(bo->base.resv));
	KUNIT_EXPECT_TRUE(test, dma_resv_test_signaled(bo->base.resv,
						       DMA_RESV_USAGE_BOOKKEEP));
}

/* Whether the job writes may turn out after the buffers were reserved */
static void number_counts_when_fenced(struct kunit *test)
{
	struct ttm_validate_buffer entry[2];
	struct ww_acquire_ctx ticket;
	struct dma_fence *fence;
	LIST_HEAD(list);
	int i;

	for (i = 0; i < 2; i++)
		legacy_entry(&entry[i],
			     ttm_mock_bo(test, TTM_PL_SYSTEM, NULL),
			     i ? 0 : 2, &list);
	KUNIT_ASSERT_EQ(test, ttm_eu_reserve_buffers(&ticket, &list, false, NULL),
			0);
	entry[0].num_shared = 0;
	entry[1].num_shared = 2;
	fence = legacy_submit(test, &ticket, &list);
	TTM_MOCK_EXPECT(test, entry[0].bo->base.resv, fence,
			DMA_RESV_USAGE_WRITE);
	TTM_MOCK_EXPECT(test, entry[1].bo->base.resv, fence,
			DMA_RESV_USAGE_READ);
}

/* A list is backed off, and comes again, as often as it takes */
static void number_stays(struct kunit *test)
{
	struct ttm_validate_buffer entry[3];
	struct ww_acquire_ctx ticket;
	struct dma_fence *fence;
	unsigned int i, round;
	LIST_HEAD(list);

	for (i = 0; i < 3; i++)
		legacy_entry(&entry[i],
			     ttm_mock_bo(test, TTM_PL_SYSTEM, NULL), i, &list);
	for (round = 0; round < 6; round++) {
		KUNIT_ASSERT_EQ(test, ttm_eu_reserve_buffers(&ticket, &list, false,
							     NULL), 0);
		for (i = 0; i < 3; i++)
			KUNIT_EXPECT_EQ(test, entry[i].num_shared, i);
		if (round % 2) {
			ttm_eu_backoff_reservation(&ticket, &list);
			continue;
		}

		fence = legacy_submit(test, &ticket, &list);
		for (i = 0; i < 3; i++)
			TTM_MOCK_EXPECT(test, entry[i].bo->base.resv, fence,
					i ? DMA_RESV_USAGE_READ :
					    DMA_RESV_USAGE_WRITE);
	}
}

/* What was among the duplicates before is not an entry of this time */
static void number_of_duplicates_stays(struct kunit *test)
{
	struct ttm_buffer_object *bo = ttm_mock_bo(test, TTM_PL_SYSTEM, NULL);
	struct ttm_validate_buffer entry[3];
	struct ww_acquire_ctx ticket;
	struct dma_fence *fence;
	LIST_HEAD(list);
	LIST_HEAD(dups);

	legacy_entry(&entry[0], bo, 3, &list);
	legacy_entry(&entry[1], bo, 4, &list);
	legacy_entry(&entry[2], bo, 5, &dups);
	KUNIT_ASSERT_EQ(test, ttm_eu_reserve_buffers(&ticket, &list, false, &dups),
			0);
	KUNIT_EXPECT_EQ(test, entry[0].num_shared, 3u);
	KUNIT_EXPECT_EQ(test, entry[1].num_shared, 4u);
	KUNIT_EXPECT_EQ(test, entry[2].num_shared, 5u);
	KUNIT_EXPECT_TRUE(test, list_is_singular(&list));
	KUNIT_EXPECT_PTR_EQ(test, dups.next, &entry[1].head);
	KUNIT_EXPECT_PTR_EQ(test, dups.prev, &entry[2].head);
	fence = legacy_submit(test, &ticket, &list);
	TTM_MOCK_EXPECT(test, bo->base.resv, fence, DMA_RESV_USAGE_READ);
}

static void number_stays_after_error(struct kunit *test)
{
	struct ttm_buffer_object *bo = ttm_mock_bo(test, TTM_PL_SYSTEM, NULL);
	struct ttm_validate_buffer entry[2];
	struct ww_acquire_ctx ticket;
	LIST_HEAD(list);

	legacy_entry(&entry[0], bo, 0, &list);
	legacy_entry(&entry[1], bo, 7, &list);
	KUNIT_EXPECT_EQ(test, ttm_eu_reserve_buffers(&ticket, &list, false, NULL),
			-EALREADY);
	KUNIT_EXPECT_FALSE(test, dma_resv_is_locked(bo->base.resv));
	KUNIT_EXPECT_EQ(test, entry[0].num_shared, 0u);
	KUNIT_EXPECT_EQ(test, entry[1].num_shared, 7u);
}

/* A missing slot would be reported with a backtrace */
static void slots_for_shared_and_excl(struct kunit *test)
{
	struct ttm_validate_buffer entry;
	struct ww_acquire_ctx ticket;
	struct ttm_buffer_object *bo;
	struct dma_fence *fence;
	unsigned int n, i;

	for (n = 1; n < 20; n++) {
		LIST_HEAD(list);

		bo = ttm_mock_bo(test, TTM_PL_SYSTEM, NULL);
		legacy_entry(&entry, bo, n, &list);
		KUNIT_ASSERT_EQ(test, ttm_eu_reserve_buffers(&ticket, &list, false,
							     NULL), 0);
		dma_resv_add_fence(bo->base.resv, ttm_mock_fence(test),
				   DMA_RESV_USAGE_WRITE);
		for (i = 1; i < n; i++)
			dma_resv_add_shared_fence(bo->base.resv,
						  ttm_mock_fence(test));
		fence = legacy_submit(test, &ticket, &list);
		TTM_MOCK_EXPECT(test, bo->base.resv, fence, DMA_RESV_USAGE_READ);
	}
}

/* The buffer moves to memory from which another one is evicted */
static void slots_after_move(struct kunit *test)
{
	struct ttm_buffer_object *new = ttm_mock_bo(test, TTM_PL_TT, NULL);
	struct ttm_mock *dev = ttm_mock(test);
	struct dma_fence *shared, *fence;
	struct ttm_validate_buffer entry;
	struct ww_acquire_ctx ticket;
	LIST_HEAD(list);
	int i;

	ttm_mock_bo(test, TTM_PL_VRAM, NULL);
	legacy_entry(&entry, new, 4, &list);
	KUNIT_ASSERT_EQ(test, ttm_eu_reserve_buffers(&ticket, &list, false, NULL),
			0);
	KUNIT_ASSERT_EQ(test, ttm_mock_validate(new, TTM_PL_VRAM, false), 0);
	TTM_MOCK_EXPECT(test, new->base.resv, dev->moved, DMA_RESV_USAGE_KERNEL);
	dma_resv_add_fence(new->base.resv, ttm_mock_fence(test),
			   DMA_RESV_USAGE_WRITE);
	for (i = 1; i < 4; i++) {
		shared = ttm_mock_fence(test);
		dma_resv_add_shared_fence(new->base.resv, shared);
	}
	fence = legacy_submit(test, &ticket, &list);
	TTM_MOCK_EXPECT(test, new->base.resv, shared, DMA_RESV_USAGE_READ);
	TTM_MOCK_EXPECT(test, new->base.resv, fence, DMA_RESV_USAGE_READ);
}

static struct kunit_case ttm_legacy_cases[] = {
	KUNIT_CASE(none_shared_is_write),
	KUNIT_CASE(shared_is_read),
	KUNIT_CASE(no_fence_unlocks),
	KUNIT_CASE(number_counts_when_fenced),
	KUNIT_CASE(number_stays),
	KUNIT_CASE(number_of_duplicates_stays),
	KUNIT_CASE(number_stays_after_error),
	KUNIT_CASE(slots_for_shared_and_excl),
	KUNIT_CASE(slots_after_move),
	{}
};

struct kunit_suite ttm_legacy_suite = {
	.name = "ttm-legacy",
	.init = ttm_mock_init,
	.exit = ttm_mock_exit,
	.test_cases = ttm_legacy_cases,
};
