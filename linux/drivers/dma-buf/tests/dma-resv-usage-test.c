// SPDX-License-Identifier: GPL-2.0
/*
 * Which fences a query yields: every function that asks, for every usage a fence
 * can be added with, with every usage that can be asked for.
 */

#include <linux/dma-fence-array.h>
#include <linux/jiffies.h>
#include <linux/slab.h>

#include "dmabuf-kunit.h"
#include "resv-fixture.h"

/* Long enough to be told from no wait at all, short enough to be waited for */
#define A_MOMENT	max(HZ / 50, 2)

static void test_signaled_of_usage(struct kunit *test, enum dma_resv_usage added)
{
	struct dma_fence *fence = resv_add_new(test, added);
	enum dma_resv_usage query;
	bool busy;

	for (query = 0; query < RESV_USAGES; query++) {
		busy = !dma_resv_test_signaled(resv_obj(test), query);
		KUNIT_EXPECT_EQ_MSG(test, busy, resv_query_yields(query, added),
				    "query %s", resv_usage_name(query));
	}

	dma_fence_signal(fence);
	for (query = 0; query < RESV_USAGES; query++) {
		busy = !dma_resv_test_signaled(resv_obj(test), query);
		KUNIT_EXPECT_FALSE_MSG(test, busy, "query %s, signaled",
				       resv_usage_name(query));
	}
}

RESV_PER_USAGE(test_signaled_of);

static void wait_poll_of_usage(struct kunit *test, enum dma_resv_usage added)
{
	struct dma_fence *fence = resv_add_new(test, added);
	struct dma_resv *obj = resv_obj(test);
	enum dma_resv_usage query;
	long want;

	for (query = 0; query < RESV_USAGES; query++) {
		want = resv_query_yields(query, added) ? 0 : 1;
		KUNIT_EXPECT_EQ_MSG(test,
				    dma_resv_wait_timeout(obj, query, false, 0),
				    want, "query %s", resv_usage_name(query));
		KUNIT_EXPECT_EQ_MSG(test,
				    dma_resv_wait_timeout(obj, query, true, 0),
				    want, "query %s, interruptible",
				    resv_usage_name(query));
	}

	dma_fence_signal(fence);
	for (query = 0; query < RESV_USAGES; query++)
		KUNIT_EXPECT_EQ_MSG(test,
				    dma_resv_wait_timeout(obj, query, false, 0),
				    1L, "query %s, signaled",
				    resv_usage_name(query));
}

RESV_PER_USAGE(wait_poll_of);

static void wait_of_usage(struct kunit *test, enum dma_resv_usage added)
{
	enum dma_resv_usage query;
	long ret;

	resv_add_new(test, added);
	for (query = 0; query < RESV_USAGES; query++) {
		ret = dma_resv_wait_timeout(resv_obj(test), query, false,
					    A_MOMENT);
		if (resv_query_yields(query, added))
			KUNIT_EXPECT_EQ_MSG(test, ret, 0L, "query %s",
					    resv_usage_name(query));
		else
			KUNIT_EXPECT_GT_MSG(test, ret, 0L, "query %s",
					    resv_usage_name(query));
	}
}

RESV_PER_USAGE(wait_of);

static void get_fences_of_usage(struct kunit *test, enum dma_resv_usage added)
{
	struct dma_fence *fence = resv_add_new(test, added);
	enum dma_resv_usage query;
	struct dma_fence **fences;
	unsigned int count, want;
	int ret;

	for (query = 0; query < RESV_USAGES; query++) {
		want = resv_query_yields(query, added) ? 1 : 0;
		count = 77;
		fences = ERR_PTR(-EINVAL);
		ret = dma_resv_get_fences(resv_obj(test), query, &count,
					  &fences);
		KUNIT_ASSERT_EQ(test, ret, 0);
		KUNIT_EXPECT_EQ_MSG(test, count, want, "query %s",
				    resv_usage_name(query));
		if (!want) {
			KUNIT_EXPECT_TRUE_MSG(test, !fences, "query %s",
					      resv_usage_name(query));
			continue;
		}
		if (count) {
			KUNIT_EXPECT_PTR_EQ(test, fences[0], fence);
			dma_fence_put(fences[0]);
		}
		kfree(fences);
	}
}

RESV_PER_USAGE(get_fences_of);

static void get_singleton_of_usage(struct kunit *test, enum dma_resv_usage added)
{
	struct dma_fence *fence = resv_add_new(test, added), *want, *got;
	enum dma_resv_usage query;
	int ret;

	for (query = 0; query < RESV_USAGES; query++) {
		want = resv_query_yields(query, added) ? fence : NULL;
		got = ERR_PTR(-EINVAL);
		ret = dma_resv_get_singleton(resv_obj(test), query, &got);
		KUNIT_ASSERT_EQ(test, ret, 0);
		KUNIT_EXPECT_PTR_EQ_MSG(test, got, want, "query %s",
					resv_usage_name(query));
		dma_fence_put(got);
	}
}

RESV_PER_USAGE(get_singleton_of);

static void iter_unlocked_of_usage(struct kunit *test, enum dma_resv_usage added)
{
	struct dma_fence *fence = resv_add_new(test, added), *got;
	struct dma_resv_iter cursor;
	enum dma_resv_usage query;
	unsigned int count;

	for (query = 0; query < RESV_USAGES; query++) {
		count = 0;
		dma_resv_iter_begin(&cursor, resv_obj(test), query);
		dma_resv_for_each_fence_unlocked(&cursor, got) {
			count++;
			KUNIT_EXPECT_PTR_EQ(test, got, fence);
			KUNIT_EXPECT_EQ(test, dma_resv_iter_usage(&cursor),
					added);
		}
		dma_resv_iter_end(&cursor);
		KUNIT_EXPECT_EQ_MSG(test, count,
				    resv_query_yields(query, added) ? 1u : 0u,
				    "query %s", resv_usage_name(query));
	}
}

RESV_PER_USAGE(iter_unlocked_of);

static void iter_locked_of_usage(struct kunit *test, enum dma_resv_usage added)
{
	struct dma_fence *fence = resv_add_new(test, added), *got;
	struct dma_resv_iter cursor;
	enum dma_resv_usage query;
	unsigned int count;

	resv_lock(test, resv_obj(test));
	for (query = 0; query < RESV_USAGES; query++) {
		count = 0;
		dma_resv_for_each_fence(&cursor, resv_obj(test), query, got) {
			count++;
			KUNIT_EXPECT_PTR_EQ(test, got, fence);
			KUNIT_EXPECT_EQ(test, dma_resv_iter_usage(&cursor),
					added);
		}
		KUNIT_EXPECT_EQ_MSG(test, count,
				    resv_query_yields(query, added) ? 1u : 0u,
				    "query %s", resv_usage_name(query));
	}
	dma_resv_unlock(resv_obj(test));
}

RESV_PER_USAGE(iter_locked_of);

/* One fence of each usage at once: which of them does each query yield? */
static void get_fences_with_all_usages(struct kunit *test)
{
	struct dma_fence *added[RESV_USAGES], **fences;
	enum dma_resv_usage usage, query;
	unsigned int count, i, hits;
	int ret;

	for (usage = 0; usage < RESV_USAGES; usage++)
		added[usage] = resv_add_new(test, usage);

	for (query = 0; query < RESV_USAGES; query++) {
		ret = dma_resv_get_fences(resv_obj(test), query, &count,
					  &fences);
		KUNIT_ASSERT_EQ(test, ret, 0);
		for (usage = 0; usage < RESV_USAGES; usage++) {
			for (hits = 0, i = 0; i < count; i++)
				hits += fences[i] == added[usage];
			KUNIT_EXPECT_EQ_MSG(test, hits,
					    resv_query_yields(query, usage) ?
					    1u : 0u, "query %s, fence %s",
					    resv_usage_name(query),
					    resv_usage_name(usage));
		}
		KUNIT_EXPECT_EQ(test, count, (unsigned int)query + 1);
		for (i = 0; i < count; i++)
			dma_fence_put(fences[i]);
		kfree(fences);
	}
}

static bool array_has(struct dma_fence *fence, struct dma_fence *member)
{
	struct dma_fence_array *array = to_dma_fence_array(fence);
	unsigned int i;

	if (!array)
		return fence == member;
	for (i = 0; i < array->num_fences; i++)
		if (array->fences[i] == member)
			return true;

	return false;
}

static void get_singleton_with_all_usages(struct kunit *test)
{
	enum dma_resv_usage usage, query;
	struct dma_fence *added[RESV_USAGES], *got;
	int ret;

	for (usage = 0; usage < RESV_USAGES; usage++)
		added[usage] = resv_add_new(test, usage);

	for (query = 0; query < RESV_USAGES; query++) {
		ret = dma_resv_get_singleton(resv_obj(test), query, &got);
		KUNIT_ASSERT_EQ(test, ret, 0);
		KUNIT_ASSERT_TRUE(test, got);
		for (usage = 0; usage < RESV_USAGES; usage++)
			KUNIT_EXPECT_EQ_MSG(test, array_has(got, added[usage]),
					    resv_query_yields(query, usage),
					    "query %s, fence %s",
					    resv_usage_name(query),
					    resv_usage_name(usage));
		dma_fence_put(got);
	}
}

/* As the fences signal from the strongest on, the queries become idle in order */
static void queries_become_idle_in_order(struct kunit *test)
{
	struct dma_fence *added[RESV_USAGES];
	enum dma_resv_usage usage, query;
	bool idle, want;

	for (usage = 0; usage < RESV_USAGES; usage++)
		added[usage] = resv_add_new(test, usage);

	for (usage = 0; usage < RESV_USAGES; usage++) {
		dma_fence_signal(added[usage]);
		for (query = 0; query < RESV_USAGES; query++) {
			idle = dma_resv_test_signaled(resv_obj(test), query);
			want = query <= usage;
			KUNIT_EXPECT_EQ_MSG(test, idle, want, "query %s",
					    resv_usage_name(query));
		}
	}
}

/* The weaker ones signaling does not make a query idle that has a stronger one */
static void stronger_fence_keeps_all_queries_busy(struct kunit *test)
{
	enum dma_resv_usage usage, query;
	struct dma_fence *fence;

	resv_add_new(test, DMA_RESV_USAGE_KERNEL);
	for (usage = DMA_RESV_USAGE_WRITE; usage < RESV_USAGES; usage++) {
		fence = resv_add_new(test, usage);
		dma_fence_signal(fence);
	}

	for (query = 0; query < RESV_USAGES; query++) {
		KUNIT_EXPECT_FALSE(test, dma_resv_test_signaled(resv_obj(test),
								query));
		KUNIT_EXPECT_EQ(test, dma_resv_wait_timeout(resv_obj(test),
							    query, false, 0),
				0L);
	}
}

static void empty_object_is_idle(struct kunit *test)
{
	struct dma_resv *obj = resv_obj(test);
	enum dma_resv_usage query;
	struct dma_fence *fence;

	for (query = 0; query < RESV_USAGES; query++) {
		KUNIT_EXPECT_TRUE(test, dma_resv_test_signaled(obj, query));
		KUNIT_EXPECT_EQ(test, dma_resv_wait_timeout(obj, query, true, 0),
				1L);
		KUNIT_EXPECT_GT(test, dma_resv_wait_timeout(obj, query, true, HZ),
				0L);
		fence = ERR_PTR(-EINVAL);
		KUNIT_EXPECT_EQ(test, dma_resv_get_singleton(obj, query, &fence),
				0);
		KUNIT_EXPECT_TRUE(test, !fence);
	}
	RESV_EXPECT_EMPTY(test, obj);
}

static void usage_rw(struct kunit *test)
{
	KUNIT_EXPECT_TRUE(test,
			  dma_resv_usage_rw(false) == DMA_RESV_USAGE_WRITE);
	KUNIT_EXPECT_TRUE(test, dma_resv_usage_rw(true) == DMA_RESV_USAGE_READ);
}

/* Readers do not wait for each other, writers wait for everybody */
static void implicit_sync_is_readers_writer(struct kunit *test)
{
	struct dma_resv *obj = resv_obj(test);
	struct dma_fence *read, *write;

	read = resv_add_new(test, DMA_RESV_USAGE_READ);
	KUNIT_EXPECT_TRUE(test,
			  dma_resv_test_signaled(obj, dma_resv_usage_rw(false)));
	KUNIT_EXPECT_FALSE(test,
			   dma_resv_test_signaled(obj, dma_resv_usage_rw(true)));

	write = resv_add_new(test, DMA_RESV_USAGE_WRITE);
	KUNIT_EXPECT_FALSE(test,
			   dma_resv_test_signaled(obj, dma_resv_usage_rw(false)));

	dma_fence_signal(write);
	KUNIT_EXPECT_TRUE(test,
			  dma_resv_test_signaled(obj, dma_resv_usage_rw(false)));
	dma_fence_signal(read);
	KUNIT_EXPECT_TRUE(test,
			  dma_resv_test_signaled(obj, dma_resv_usage_rw(true)));
}

/* A fence whose hardware is done counts as signaled, although nobody said so */
static void polled_fence_is_looked_at(struct kunit *test)
{
	struct dma_fence *fence = resv_new_polled_fence(test);
	struct dma_resv *obj = resv_obj(test);

	resv_add(test, obj, fence, DMA_RESV_USAGE_WRITE);
	KUNIT_EXPECT_FALSE(test,
			   dma_resv_test_signaled(obj, DMA_RESV_USAGE_READ));

	mock_fence_complete(fence);
	KUNIT_EXPECT_TRUE(test,
			  dma_resv_test_signaled(obj, DMA_RESV_USAGE_READ));
}

static void polled_fence_is_left_out_of_snapshots(struct kunit *test)
{
	struct dma_fence *fence = resv_new_polled_fence(test), **fences;
	struct dma_resv *obj = resv_obj(test);
	unsigned int count;
	int ret;

	resv_add(test, obj, fence, DMA_RESV_USAGE_KERNEL);
	mock_fence_complete(fence);

	ret = dma_resv_get_fences(obj, DMA_RESV_USAGE_BOOKKEEP, &count, &fences);
	KUNIT_ASSERT_EQ(test, ret, 0);
	KUNIT_EXPECT_EQ(test, count, 0u);
	KUNIT_EXPECT_TRUE(test, !fences);
	KUNIT_EXPECT_EQ(test, dma_resv_wait_timeout(obj, DMA_RESV_USAGE_BOOKKEEP,
						    false, 0), 1L);
}

static struct kunit_case dma_resv_usage_cases[] = {
	KUNIT_CASE(test_signaled_of_kernel),
	KUNIT_CASE(test_signaled_of_write),
	KUNIT_CASE(test_signaled_of_read),
	KUNIT_CASE(test_signaled_of_bookkeep),
	KUNIT_CASE(wait_poll_of_kernel),
	KUNIT_CASE(wait_poll_of_write),
	KUNIT_CASE(wait_poll_of_read),
	KUNIT_CASE(wait_poll_of_bookkeep),
	KUNIT_CASE(wait_of_kernel),
	KUNIT_CASE(wait_of_write),
	KUNIT_CASE(wait_of_read),
	KUNIT_CASE(wait_of_bookkeep),
	KUNIT_CASE(get_fences_of_kernel),
	KUNIT_CASE(get_fences_of_write),
	KUNIT_CASE(get_fences_of_read),
	KUNIT_CASE(get_fences_of_bookkeep),
	KUNIT_CASE(get_singleton_of_kernel),
	KUNIT_CASE(get_singleton_of_write),
	KUNIT_CASE(get_singleton_of_read),
	KUNIT_CASE(get_singleton_of_bookkeep),
	KUNIT_CASE(iter_unlocked_of_kernel),
	KUNIT_CASE(iter_unlocked_of_write),
	KUNIT_CASE(iter_unlocked_of_read),
	KUNIT_CASE(iter_unlocked_of_bookkeep),
	KUNIT_CASE(iter_locked_of_kernel),
	KUNIT_CASE(iter_locked_of_write),
	KUNIT_CASE(iter_locked_of_read),
	KUNIT_CASE(iter_locked_of_bookkeep),
	KUNIT_CASE(get_fences_with_all_usages),
	KUNIT_CASE(get_singleton_with_all_usages),
	KUNIT_CASE(queries_become_idle_in_order),
	KUNIT_CASE(stronger_fence_keeps_all_queries_busy),
	KUNIT_CASE(empty_object_is_idle),
	KUNIT_CASE(usage_rw),
	KUNIT_CASE(implicit_sync_is_readers_writer),
	KUNIT_CASE(polled_fence_is_looked_at),
	KUNIT_CASE(polled_fence_is_left_out_of_snapshots),
	{}
};

struct kunit_suite dma_resv_usage_suite = {
	.name = "dma-resv-usage",
	.init = resv_fixture_init,
	.exit = resv_fixture_exit,
	.test_cases = dma_resv_usage_cases,
};
