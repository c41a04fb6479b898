// SPDX-License-Identifier: GPL-2.0
/*
 * Walks over the fences of an object, with its lock and without.
 */

#include <linux/delay.h>
#include <linux/slab.h>

#include "dmabuf-kunit.h"
#include "resv-fixture.h"

static void unlocked_walk_of_empty_object(struct kunit *test)
{
	struct dma_resv_iter cursor;
	struct dma_fence *fence;

	dma_resv_iter_begin(&cursor, resv_obj(test), DMA_RESV_USAGE_BOOKKEEP);
	dma_resv_for_each_fence_unlocked(&cursor, fence)
		KUNIT_FAIL(test, "there is nothing to visit");
	KUNIT_EXPECT_TRUE(test, !fence);
	dma_resv_iter_end(&cursor);
}

static void locked_walk_of_empty_object(struct kunit *test)
{
	struct dma_resv_iter cursor;
	struct dma_fence *fence;

	resv_lock(test, resv_obj(test));
	dma_resv_for_each_fence(&cursor, resv_obj(test),
				DMA_RESV_USAGE_BOOKKEEP, fence)
		KUNIT_FAIL(test, "there is nothing to visit");
	dma_resv_unlock(resv_obj(test));
	KUNIT_EXPECT_TRUE(test, !fence);
}

static void unlocked_walk_without_a_step(struct kunit *test)
{
	struct dma_resv_iter cursor;

	resv_add_new(test, DMA_RESV_USAGE_WRITE);
	dma_resv_iter_begin(&cursor, resv_obj(test), DMA_RESV_USAGE_BOOKKEEP);
	dma_resv_iter_end(&cursor);
}

static void unlocked_walk_skips_signaled(struct kunit *test)
{
	struct dma_fence *fences[7], *fence;
	struct dma_resv_iter cursor;
	unsigned int i, count = 0;

	for (i = 0; i < ARRAY_SIZE(fences); i++)
		fences[i] = resv_add_new(test, i % RESV_USAGES);
	for (i = 0; i < ARRAY_SIZE(fences); i += 3)
		dma_fence_signal(fences[i]);

	dma_resv_iter_begin(&cursor, resv_obj(test), DMA_RESV_USAGE_BOOKKEEP);
	dma_resv_for_each_fence_unlocked(&cursor, fence) {
		KUNIT_EXPECT_FALSE(test, dma_fence_is_signaled(fence));
		count++;
	}
	dma_resv_iter_end(&cursor);
	KUNIT_EXPECT_EQ(test, count, 4u);
}

static void unlocked_walk_skips_what_signals_meanwhile(struct kunit *test)
{
	struct dma_fence *fences[6], *fence;
	struct dma_resv_iter cursor;
	unsigned int i, count = 0;

	for (i = 0; i < ARRAY_SIZE(fences); i++)
		fences[i] = resv_add_new(test, DMA_RESV_USAGE_WRITE);

	dma_resv_iter_begin(&cursor, resv_obj(test), DMA_RESV_USAGE_WRITE);
	dma_resv_for_each_fence_unlocked(&cursor, fence) {
		KUNIT_EXPECT_FALSE(test, dma_fence_is_signaled(fence));
		count++;
		for (i = 0; i < ARRAY_SIZE(fences); i++)
			if (fences[i] != fence)
				dma_fence_signal(fences[i]);
	}
	dma_resv_iter_end(&cursor);
	KUNIT_EXPECT_EQ(test, count, 1u);
}

static void unlocked_walk_is_restarted_first_only(struct kunit *test)
{
	struct dma_resv_iter cursor;
	struct dma_fence *fence;
	unsigned int i, count = 0;
	bool first;

	for (i = 0; i < 8; i++)
		resv_add_new(test, i % RESV_USAGES);

	dma_resv_iter_begin(&cursor, resv_obj(test), DMA_RESV_USAGE_BOOKKEEP);
	dma_resv_for_each_fence_unlocked(&cursor, fence) {
		first = !count++;
		KUNIT_EXPECT_EQ_MSG(test, dma_resv_iter_is_restarted(&cursor),
				    first, "fence %u", count);
	}
	dma_resv_iter_end(&cursor);
	KUNIT_EXPECT_EQ(test, count, 8u);
}

/* The first fence visited may have been skipped over to, but it begins a pass */
static void unlocked_walk_is_restarted_past_others(struct kunit *test)
{
	struct dma_fence *signaled, *fence, *last;
	struct dma_resv_iter cursor;
	unsigned int count = 0;

	signaled = resv_add_new(test, DMA_RESV_USAGE_KERNEL);
	resv_add_new(test, DMA_RESV_USAGE_BOOKKEEP);
	last = resv_add_new(test, DMA_RESV_USAGE_WRITE);
	dma_fence_signal(signaled);

	dma_resv_iter_begin(&cursor, resv_obj(test), DMA_RESV_USAGE_WRITE);
	dma_resv_for_each_fence_unlocked(&cursor, fence) {
		KUNIT_EXPECT_TRUE(test, dma_resv_iter_is_restarted(&cursor));
		KUNIT_EXPECT_PTR_EQ(test, fence, last);
		count++;
	}
	dma_resv_iter_end(&cursor);
	KUNIT_EXPECT_EQ(test, count, 1u);
}

static void locked_walk_is_restarted_first_only(struct kunit *test)
{
	struct dma_resv_iter cursor;
	struct dma_fence *fence;
	unsigned int i, count = 0;
	bool first;

	for (i = 0; i < 8; i++)
		resv_add_new(test, i % RESV_USAGES);

	resv_lock(test, resv_obj(test));
	dma_resv_for_each_fence(&cursor, resv_obj(test),
				DMA_RESV_USAGE_BOOKKEEP, fence) {
		first = !count++;
		KUNIT_EXPECT_EQ_MSG(test, dma_resv_iter_is_restarted(&cursor),
				    first, "fence %u", count);
	}
	dma_resv_unlock(resv_obj(test));
	KUNIT_EXPECT_EQ(test, count, 8u);
}

/* Whatever happens to the object, the fence at the cursor stays until the step */
static void unlocked_walk_holds_the_fence(struct kunit *test)
{
	u64 context = dma_fence_context_alloc(1);
	struct dma_fence *fence, *old, *new;
	struct dma_resv *obj = resv_obj(test);
	struct dma_resv_iter cursor;

	old = mock_fence_create(context, 1);
	KUNIT_ASSERT_TRUE(test, old);
	resv_add(test, obj, old, DMA_RESV_USAGE_READ);
	dma_fence_put(old);

	dma_resv_iter_begin(&cursor, obj, DMA_RESV_USAGE_READ);
	fence = dma_resv_iter_first_unlocked(&cursor);
	KUNIT_EXPECT_PTR_EQ(test, fence, old);

	new = resv_new_fence_on(test, context, 2);
	resv_add(test, obj, new, DMA_RESV_USAGE_READ);
	KUNIT_EXPECT_EQ(test, mock_fence_live(), 2u);
	KUNIT_EXPECT_EQ(test, kref_read(&old->refcount), 1u);

	/* All that was there at the time has been visited */
	fence = dma_resv_iter_next_unlocked(&cursor);
	KUNIT_EXPECT_PTR_EQ(test, fence, (struct dma_fence *)NULL);
	KUNIT_EXPECT_EQ(test, mock_fence_live(), 1u);
	dma_resv_iter_end(&cursor);
}

static void unlocked_walk_left_early(struct kunit *test)
{
	struct dma_resv_iter cursor;
	struct dma_fence *fence;
	unsigned int i;

	for (i = 0; i < 5; i++)
		resv_add_new(test, DMA_RESV_USAGE_WRITE);

	i = 0;
	dma_resv_iter_begin(&cursor, resv_obj(test), DMA_RESV_USAGE_WRITE);
	dma_resv_for_each_fence_unlocked(&cursor, fence)
		if (++i == 3)
			break;
	KUNIT_ASSERT_TRUE(test, fence);
	KUNIT_EXPECT_EQ(test, kref_read(&fence->refcount), 3u);
	dma_resv_iter_end(&cursor);
	KUNIT_EXPECT_EQ(test, kref_read(&fence->refcount), 2u);
}

static void unlocked_walk_drops_references_on_the_way(struct kunit *test)
{
	struct dma_fence *fence, *last = NULL;
	struct dma_resv_iter cursor;
	unsigned int i;

	for (i = 0; i < 5; i++)
		resv_add_new(test, DMA_RESV_USAGE_WRITE);

	dma_resv_iter_begin(&cursor, resv_obj(test), DMA_RESV_USAGE_WRITE);
	dma_resv_for_each_fence_unlocked(&cursor, fence) {
		if (last)
			KUNIT_EXPECT_EQ(test, kref_read(&last->refcount), 2u);
		KUNIT_EXPECT_EQ(test, kref_read(&fence->refcount), 3u);
		last = fence;
	}
	if (last)
		KUNIT_EXPECT_EQ(test, kref_read(&last->refcount), 2u);
	dma_resv_iter_end(&cursor);
}

static void locked_walk_takes_no_reference(struct kunit *test)
{
	struct dma_resv_iter cursor;
	struct dma_fence *fence;
	unsigned int i, count = 0;

	for (i = 0; i < 8; i++)
		resv_add_new(test, i % RESV_USAGES);

	resv_lock(test, resv_obj(test));
	dma_resv_for_each_fence(&cursor, resv_obj(test),
				DMA_RESV_USAGE_BOOKKEEP, fence) {
		KUNIT_EXPECT_EQ(test, kref_read(&fence->refcount), 2u);
		if (++count == 5)
			break;
	}
	dma_resv_unlock(resv_obj(test));
	KUNIT_ASSERT_TRUE(test, fence);
	KUNIT_EXPECT_EQ(test, kref_read(&fence->refcount), 2u);
}

static void walk_again_with_the_same_cursor(struct kunit *test)
{
	struct dma_fence *a = resv_add_new(test, DMA_RESV_USAGE_WRITE);
	struct dma_fence *b = resv_add_new(test, DMA_RESV_USAGE_READ);
	struct dma_resv *obj = resv_obj(test);
	struct dma_resv_iter cursor;

	dma_resv_iter_begin(&cursor, obj, DMA_RESV_USAGE_WRITE);
	KUNIT_EXPECT_PTR_EQ(test, dma_resv_iter_first_unlocked(&cursor), a);
	dma_resv_iter_end(&cursor);

	dma_fence_signal(a);
	dma_resv_iter_begin(&cursor, obj, DMA_RESV_USAGE_READ);
	KUNIT_EXPECT_PTR_EQ(test, dma_resv_iter_first_unlocked(&cursor), b);
	KUNIT_EXPECT_TRUE(test, dma_resv_iter_usage(&cursor) ==
			  DMA_RESV_USAGE_READ);
	/* Nothing wrong with starting over by hand */
	KUNIT_EXPECT_PTR_EQ(test, dma_resv_iter_first_unlocked(&cursor), b);
	dma_resv_iter_end(&cursor);
	KUNIT_EXPECT_EQ(test, kref_read(&b->refcount), 2u);
}

static void walks_within_walks(struct kunit *test)
{
	struct dma_resv_iter outer, inner;
	struct dma_fence *a, *b;
	unsigned int i, count = 0;

	for (i = 0; i < 6; i++)
		resv_add_new(test, i % RESV_USAGES);

	dma_resv_iter_begin(&outer, resv_obj(test), DMA_RESV_USAGE_BOOKKEEP);
	dma_resv_for_each_fence_unlocked(&outer, a) {
		dma_resv_iter_begin(&inner, resv_obj(test),
				    DMA_RESV_USAGE_READ);
		dma_resv_for_each_fence_unlocked(&inner, b)
			count++;
		dma_resv_iter_end(&inner);
		/* A body may sleep */
		usleep_range(10, 20);
	}
	dma_resv_iter_end(&outer);
	KUNIT_EXPECT_EQ(test, count, 6u * 5);
}

/* More than a walk takes references to at once, behind the first */
#define MANY (DMA_RESV_ITER_BATCH + 4)

/*
 * Walk, change the object at the second fence, and see that the walk begins anew,
 * when it runs out of references at the latest, and that the last pass is complete.
 */
static void walk_and_change(struct kunit *test,
			    void (*change)(struct kunit *test),
			    const struct resv_entry *want, unsigned int count)
{
	unsigned int steps = 0, passes = 0, n = 0, i, hits;
	struct resv_entry have[MANY + 1];
	struct dma_resv_iter cursor;
	struct dma_fence *fence;

	dma_resv_iter_begin(&cursor, resv_obj(test), DMA_RESV_USAGE_BOOKKEEP);
	dma_resv_for_each_fence_unlocked(&cursor, fence) {
		if (dma_resv_iter_is_restarted(&cursor)) {
			passes++;
			n = 0;
		}
		KUNIT_ASSERT_LT(test, n, (unsigned int)ARRAY_SIZE(have));
		have[n].fence = fence;
		have[n++].usage = dma_resv_iter_usage(&cursor);
		if (++steps == 2)
			change(test);
	}
	dma_resv_iter_end(&cursor);

	KUNIT_EXPECT_EQ(test, passes, 2u);
	KUNIT_EXPECT_EQ(test, n, count);
	KUNIT_EXPECT_LE(test, steps, 1 + DMA_RESV_ITER_BATCH + count);
	while (count--) {
		for (hits = 0, i = 0; i < n; i++)
			hits += have[i].fence == want[count].fence &&
				have[i].usage == want[count].usage;
		KUNIT_EXPECT_EQ(test, hits, 1u);
	}
}

static struct resv_entry change_entry;
static u64 change_context;

static void change_add(struct kunit *test)
{
	resv_add(test, resv_obj(test), change_entry.fence, change_entry.usage);
}

static void walk_restarts_after_add(struct kunit *test)
{
	struct resv_entry want[MANY + 1];
	unsigned int i;

	for (i = 0; i < MANY; i++)
		want[i] = (struct resv_entry){
			resv_add_new(test, DMA_RESV_USAGE_READ),
			DMA_RESV_USAGE_READ
		};
	want[MANY] = (struct resv_entry){ resv_new_fence(test),
					  DMA_RESV_USAGE_KERNEL };
	change_entry = want[MANY];
	walk_and_change(test, change_add, want, MANY + 1);
}

/* The fence sits where the walk has been already, under another usage */
static void walk_restarts_after_promotion(struct kunit *test)
{
	struct resv_entry want[MANY];
	unsigned int i;

	for (i = 0; i < MANY; i++)
		want[i] = (struct resv_entry){
			resv_add_new(test, DMA_RESV_USAGE_BOOKKEEP),
			DMA_RESV_USAGE_BOOKKEEP
		};
	want[0].usage = DMA_RESV_USAGE_WRITE;
	change_entry = want[0];
	walk_and_change(test, change_add, want, MANY);
}

static void walk_restarts_after_same_context(struct kunit *test)
{
	struct resv_entry want[MANY];
	unsigned int i;

	for (i = 0; i < MANY; i++)
		want[i] = (struct resv_entry){
			resv_add_new(test, DMA_RESV_USAGE_WRITE),
			DMA_RESV_USAGE_WRITE
		};
	want[0].fence = resv_new_fence_on(test, want[0].fence->context, 2);
	change_entry = want[0];
	walk_and_change(test, change_add, want, MANY);
}

static void change_replace(struct kunit *test)
{
	resv_replace(test, resv_obj(test), change_context, change_entry.fence,
		     change_entry.usage);
}

static void walk_restarts_after_replace(struct kunit *test)
{
	struct resv_entry want[MANY];
	unsigned int i;

	for (i = 0; i < MANY; i++)
		want[i] = (struct resv_entry){
			resv_add_new(test, DMA_RESV_USAGE_WRITE),
			DMA_RESV_USAGE_WRITE
		};
	change_context = want[3].fence->context;
	want[3].fence = resv_new_fence(test);
	change_entry = want[3];
	walk_and_change(test, change_replace, want, MANY);
}

static void change_copy(struct kunit *test)
{
	struct dma_resv src;
	int ret;

	dma_resv_init(&src);
	resv_add(test, &src, change_entry.fence, change_entry.usage);
	resv_lock(test, resv_obj(test));
	ret = dma_resv_copy_fences(resv_obj(test), &src);
	dma_resv_unlock(resv_obj(test));
	dma_resv_fini(&src);
	KUNIT_EXPECT_EQ(test, ret, 0);
}

static void walk_restarts_after_copy(struct kunit *test)
{
	struct resv_entry want;
	unsigned int i;

	for (i = 0; i < MANY; i++)
		resv_add_new(test, DMA_RESV_USAGE_WRITE);
	want = (struct resv_entry){ resv_new_fence(test),
				    DMA_RESV_USAGE_READ };
	change_entry = want;
	walk_and_change(test, change_copy, &want, 1);
}

/*
 * Between two steps the table is replaced often enough for its memory to be used
 * again, for a table that looks the same but for the fences.
 */
static void walk_restarts_when_table_is_reused(struct kunit *test)
{
	struct dma_resv *obj = resv_obj(test);
	struct dma_resv_iter cursor;
	unsigned int i, round;

	for (round = 0; round < 8; round++) {
		for (i = 0; i < 3; i++) {
			change_entry.fence = resv_new_fence(test);
			change_entry.usage = DMA_RESV_USAGE_READ;
			change_copy(test);
			/* The walk is not at its end */
			resv_add_new(test, DMA_RESV_USAGE_READ);
			if (!i) {
				dma_resv_iter_begin(&cursor, obj,
						    DMA_RESV_USAGE_READ);
				dma_resv_iter_first_unlocked(&cursor);
			}
			/* Tables are freed some time after a grace period */
			if (i < 2)
				msleep(40);
		}
		KUNIT_EXPECT_PTR_EQ(test, dma_resv_iter_next_unlocked(&cursor),
				    change_entry.fence);
		KUNIT_EXPECT_TRUE(test, dma_resv_iter_is_restarted(&cursor));
		dma_resv_iter_end(&cursor);
	}
}

/* Growing may or may not restart the walk, but it must not lose a fence */
static void walk_survives_growth(struct kunit *test)
{
	unsigned int n = 0, steps = 0, slots = 2;
	struct dma_resv_iter cursor;
	struct dma_fence *fence;
	int ret = 0;

	for (n = 0; n < 20; n++)
		resv_add_new(test, n % RESV_USAGES);

	dma_resv_iter_begin(&cursor, resv_obj(test), DMA_RESV_USAGE_BOOKKEEP);
	dma_resv_for_each_fence_unlocked(&cursor, fence) {
		if (dma_resv_iter_is_restarted(&cursor))
			n = 0;
		n++;
		if (++steps % 8 || slots > 2048)
			continue;
		resv_lock(test, resv_obj(test));
		ret = dma_resv_reserve_fences(resv_obj(test), slots *= 2);
		dma_resv_unlock(resv_obj(test));
		if (ret)
			break;
	}
	dma_resv_iter_end(&cursor);
	KUNIT_EXPECT_EQ(test, ret, 0);
	KUNIT_EXPECT_GT(test, slots, 2u);
	KUNIT_EXPECT_EQ(test, n, 20u);
}

/* When nothing is left after the change, the walk ends */
static void walk_ends_when_all_signal(struct kunit *test)
{
	unsigned int i, count = 0;
	struct dma_resv_iter cursor;
	struct dma_fence *fences[5], *fence;

	for (i = 0; i < ARRAY_SIZE(fences); i++)
		fences[i] = resv_add_new(test, DMA_RESV_USAGE_READ);

	dma_resv_iter_begin(&cursor, resv_obj(test), DMA_RESV_USAGE_READ);
	dma_resv_for_each_fence_unlocked(&cursor, fence) {
		count++;
		for (i = 0; i < ARRAY_SIZE(fences); i++)
			dma_fence_signal(fences[i]);
	}
	KUNIT_EXPECT_EQ(test, count, 1u);
	KUNIT_EXPECT_TRUE(test, !fence);
	dma_resv_iter_end(&cursor);
}

/* Without a restart: what others add is not visited by who holds the lock */
static void locked_walk_visits_each_once(struct kunit *test)
{
	struct resv_entry want[40];
	struct dma_resv_iter cursor;
	struct dma_fence *fence;
	unsigned int i, j, hits[ARRAY_SIZE(want)] = {}, others = 0;

	for (i = 0; i < ARRAY_SIZE(want); i++) {
		want[i].usage = i % RESV_USAGES;
		want[i].fence = resv_add_new(test, want[i].usage);
	}

	resv_lock(test, resv_obj(test));
	dma_resv_for_each_fence(&cursor, resv_obj(test), DMA_RESV_USAGE_READ,
				fence) {
		for (j = 0; j < ARRAY_SIZE(want); j++)
			if (want[j].fence == fence &&
			    want[j].usage == dma_resv_iter_usage(&cursor))
				break;
		if (j < ARRAY_SIZE(want))
			hits[j]++;
		else
			others++;
	}
	dma_resv_unlock(resv_obj(test));

	KUNIT_EXPECT_EQ(test, others, 0u);
	for (i = 0; i < ARRAY_SIZE(want); i++)
		KUNIT_EXPECT_EQ_MSG(test, hits[i],
				    want[i].usage == DMA_RESV_USAGE_BOOKKEEP ?
				    0u : 1u, "fence %u", i);
}

/* It says nothing then, but is no reason to look at a table that is not there */
static void usage_is_asked_after_the_end(struct kunit *test)
{
	const enum dma_resv_usage last = DMA_RESV_USAGE_BOOKKEEP;
	struct dma_resv *obj = resv_obj(test);
	struct dma_resv_iter cursor;
	struct dma_fence *fence;

	resv_lock(test, obj);
	dma_resv_for_each_fence(&cursor, obj, last, fence)
		KUNIT_FAIL(test, "there is no fence");
	KUNIT_EXPECT_LE(test, dma_resv_iter_usage(&cursor), last);
	dma_resv_unlock(obj);

	dma_resv_iter_begin(&cursor, obj, last);
	KUNIT_EXPECT_LE(test, dma_resv_iter_usage(&cursor), last);
	dma_resv_for_each_fence_unlocked(&cursor, fence)
		KUNIT_FAIL(test, "there is no fence");
	KUNIT_EXPECT_LE(test, dma_resv_iter_usage(&cursor), last);
	dma_resv_iter_end(&cursor);
}

static struct kunit_case dma_resv_iter_cases[] = {
	KUNIT_CASE(unlocked_walk_of_empty_object),
	KUNIT_CASE(locked_walk_of_empty_object),
	KUNIT_CASE(unlocked_walk_without_a_step),
	KUNIT_CASE(unlocked_walk_skips_signaled),
	KUNIT_CASE(unlocked_walk_skips_what_signals_meanwhile),
	KUNIT_CASE(unlocked_walk_is_restarted_first_only),
	KUNIT_CASE(unlocked_walk_is_restarted_past_others),
	KUNIT_CASE(locked_walk_is_restarted_first_only),
	KUNIT_CASE(unlocked_walk_holds_the_fence),
	KUNIT_CASE(unlocked_walk_left_early),
	KUNIT_CASE(unlocked_walk_drops_references_on_the_way),
	KUNIT_CASE(locked_walk_takes_no_reference),
	KUNIT_CASE(walk_again_with_the_same_cursor),
	KUNIT_CASE(walks_within_walks),
	KUNIT_CASE(walk_restarts_after_add),
	KUNIT_CASE(walk_restarts_after_promotion),
	KUNIT_CASE(walk_restarts_after_same_context),
	KUNIT_CASE(walk_restarts_after_replace),
	KUNIT_CASE(walk_restarts_after_copy),
	KUNIT_CASE(walk_restarts_when_table_is_reused),
	KUNIT_CASE(walk_survives_growth),
	KUNIT_CASE(walk_ends_when_all_signal),
	KUNIT_CASE(locked_walk_visits_each_once),
	KUNIT_CASE(usage_is_asked_after_the_end),
	{}
};

struct kunit_suite dma_resv_iter_suite = {
	.name = "dma-resv-iter",
	.init = resv_fixture_init,
	.exit = resv_fixture_exit,
	.test_cases = dma_resv_iter_cases,
};
