// SPDX-License-Identifier: GPL-2.0
/*
 * The interface of one exclusive fence and many shared ones, which drivers outside
 * the tree get from a header: what it means for them.
 */

#include <linux/dma-resv-legacy.h>
#include <linux/slab.h>

#include "dmabuf-kunit.h"
#include "resv-fixture.h"

static void add_excl(struct kunit *test, struct dma_fence *fence)
{
	resv_lock(test, resv_obj(test));
	dma_resv_add_excl_fence(resv_obj(test), fence);
	dma_resv_unlock(resv_obj(test));
}

static void add_shared(struct kunit *test, struct dma_fence *fence)
{
	int ret;

	resv_lock(test, resv_obj(test));
	ret = dma_resv_reserve_shared(resv_obj(test), 1);
	if (!ret)
		dma_resv_add_shared_fence(resv_obj(test), fence);
	dma_resv_unlock(resv_obj(test));
	KUNIT_ASSERT_EQ(test, ret, 0);
}

static void shared_fence_is_read(struct kunit *test)
{
	struct dma_fence *a = resv_new_fence(test);
	struct dma_fence *b = resv_new_fence(test);

	add_shared(test, a);
	add_shared(test, b);
	RESV_EXPECT(test, resv_obj(test), { a, DMA_RESV_USAGE_READ },
		    { b, DMA_RESV_USAGE_READ });
}

static void exclusive_fence_is_write(struct kunit *test)
{
	struct dma_fence *fence = resv_new_fence(test);

	add_excl(test, fence);
	RESV_EXPECT(test, resv_obj(test), { fence, DMA_RESV_USAGE_WRITE });
}

/* That it signals after the others is a promise that not every driver keeps */
static void exclusive_drops_none(struct kunit *test)
{
	struct dma_fence *kernel = resv_add_new(test, DMA_RESV_USAGE_KERNEL);
	struct dma_fence *write = resv_add_new(test, DMA_RESV_USAGE_WRITE);
	struct dma_fence *read = resv_add_new(test, DMA_RESV_USAGE_READ);
	struct dma_fence *keep = resv_add_new(test, DMA_RESV_USAGE_BOOKKEEP);
	struct dma_fence *fence = resv_new_fence(test);

	add_excl(test, fence);
	RESV_EXPECT(test, resv_obj(test), { kernel, DMA_RESV_USAGE_KERNEL },
		    { write, DMA_RESV_USAGE_WRITE },
		    { fence, DMA_RESV_USAGE_WRITE },
		    { read, DMA_RESV_USAGE_READ },
		    { keep, DMA_RESV_USAGE_BOOKKEEP });

	resv_lock(test, resv_obj(test));
	dma_resv_add_excl_fence(resv_obj(test), NULL);
	dma_resv_unlock(resv_obj(test));
	RESV_EXPECT(test, resv_obj(test), { kernel, DMA_RESV_USAGE_KERNEL },
		    { write, DMA_RESV_USAGE_WRITE },
		    { fence, DMA_RESV_USAGE_WRITE },
		    { read, DMA_RESV_USAGE_READ },
		    { keep, DMA_RESV_USAGE_BOOKKEEP });
}

/* A missing slot is reported, which fails the run */
static void exclusive_needs_no_slot(struct kunit *test)
{
	struct dma_resv *obj = resv_obj(test);
	struct dma_fence *fence;
	unsigned int i, count = 0;
	struct dma_resv_iter cursor;

	for (i = 0; i < 200; i++)
		add_excl(test, resv_new_fence(test));

	resv_lock(test, obj);
	dma_resv_for_each_fence(&cursor, obj, DMA_RESV_USAGE_WRITE, fence)
		count++;
	dma_resv_unlock(obj);
	KUNIT_EXPECT_EQ(test, count, 200u);
}

static void exclusive_takes_no_shared_slot(struct kunit *test)
{
	struct dma_fence *excl = resv_new_fence(test);
	struct dma_resv *obj = resv_obj(test);
	unsigned int i, count, want;
	struct dma_resv_iter cursor;
	struct dma_fence *fence;
	int ret;

	/* Whatever room there happens to be in the table */
	for (want = 1; want < 40; want += 3) {
		resv_lock(test, obj);
		ret = dma_resv_reserve_shared(obj, want);
		dma_resv_add_excl_fence(obj, excl);
		for (i = 0; !ret && i < want; i++)
			dma_resv_add_shared_fence(obj, resv_new_fence(test));
		count = 0;
		dma_resv_for_each_fence(&cursor, obj, DMA_RESV_USAGE_READ, fence) {
			dma_fence_signal(fence);
			count++;
		}
		dma_resv_unlock(obj);
		KUNIT_EXPECT_EQ(test, ret, 0);
		KUNIT_EXPECT_GT(test, count, want);
		excl = resv_new_fence(test);
	}
}

static void get_excl_locked_of_one(struct kunit *test)
{
	struct dma_resv *obj = resv_obj(test);
	struct dma_fence *fence;

	resv_add_new(test, DMA_RESV_USAGE_READ);
	resv_add_new(test, DMA_RESV_USAGE_BOOKKEEP);
	resv_lock(test, obj);
	KUNIT_EXPECT_TRUE(test, !dma_resv_get_excl(obj));
	dma_resv_unlock(obj);

	fence = resv_add_new(test, DMA_RESV_USAGE_WRITE);
	resv_lock(test, obj);
	KUNIT_EXPECT_PTR_EQ(test, dma_resv_get_excl(obj), fence);
	dma_fence_signal(fence);
	KUNIT_EXPECT_TRUE(test, !dma_resv_get_excl(obj));
	dma_resv_unlock(obj);
}

static void get_excl_locked_waits_for_the_rest(struct kunit *test)
{
	struct dma_fence *kernel = resv_add_new(test, DMA_RESV_USAGE_KERNEL);
	struct dma_fence *write = resv_add_new(test, DMA_RESV_USAGE_WRITE);
	struct dma_resv *obj = resv_obj(test);
	struct mock_signaler signaler;

	mock_signal_later(&signaler, kernel, HZ / 10);
	resv_lock(test, obj);
	KUNIT_EXPECT_PTR_EQ(test, dma_resv_get_excl(obj), write);
	dma_resv_unlock(obj);
	KUNIT_EXPECT_TRUE(test, dma_fence_is_signaled(kernel));
	KUNIT_EXPECT_FALSE(test, dma_fence_is_signaled(write));
	mock_signal_end(&signaler);
}

/* As drivers go through the list */
static unsigned int shared_of(struct dma_resv *obj, struct dma_fence *fence)
{
	struct dma_resv_list *list;
	unsigned int i, n = 0;

	list = dma_resv_get_list(obj);
	for (i = 0; list && i < list->shared_count; i++)
		n += rcu_dereference_protected(list->shared[i],
					       dma_resv_held(obj)) == fence;

	return n;
}

static void get_list_has_shared_ones(struct kunit *test)
{
	struct dma_resv *obj = resv_obj(test);
	struct dma_fence *read, *keep;

	resv_lock(test, obj);
	KUNIT_EXPECT_TRUE(test, !dma_resv_get_list(obj));
	dma_resv_unlock(obj);

	read = resv_add_new(test, DMA_RESV_USAGE_READ);
	keep = resv_add_new(test, DMA_RESV_USAGE_BOOKKEEP);
	resv_lock(test, obj);
	KUNIT_EXPECT_EQ(test, dma_resv_get_list(obj)->shared_count, 2u);
	KUNIT_EXPECT_EQ(test, shared_of(obj, read), 1u);
	KUNIT_EXPECT_EQ(test, shared_of(obj, keep), 1u);
	dma_resv_unlock(obj);
}

/* Whoever leaves out the exclusive fence if there are shared ones misses nothing */
static void get_list_waits_for_exclusive_usage(struct kunit *test,
					       enum dma_resv_usage usage)
{
	struct dma_fence *excl = resv_add_new(test, usage);
	struct dma_fence *read = resv_add_new(test, DMA_RESV_USAGE_READ);
	struct dma_resv *obj = resv_obj(test);
	struct mock_signaler signaler;

	mock_signal_later(&signaler, excl, HZ / 10);
	resv_lock(test, obj);
	KUNIT_EXPECT_EQ(test, shared_of(obj, read), 1u);
	KUNIT_EXPECT_EQ(test, shared_of(obj, excl), 0u);
	dma_resv_unlock(obj);
	KUNIT_EXPECT_TRUE(test, dma_fence_is_signaled(excl));
	mock_signal_end(&signaler);
}

static void get_list_waits_for_kernel(struct kunit *test)
{
	get_list_waits_for_exclusive_usage(test, DMA_RESV_USAGE_KERNEL);
}

static void get_list_waits_for_write(struct kunit *test)
{
	get_list_waits_for_exclusive_usage(test, DMA_RESV_USAGE_WRITE);
}

/* If the shared ones have signaled there is only the exclusive one, and no wait */
static void get_list_of_signaled_is_empty(struct kunit *test)
{
	struct dma_fence *write = resv_add_new(test, DMA_RESV_USAGE_WRITE);
	struct dma_fence *read = resv_add_new(test, DMA_RESV_USAGE_READ);
	struct dma_resv *obj = resv_obj(test);

	dma_fence_signal(read);
	resv_lock(test, obj);
	KUNIT_EXPECT_EQ(test, dma_resv_get_list(obj)->shared_count, 0u);
	KUNIT_EXPECT_PTR_EQ(test, dma_resv_get_excl(obj), write);
	dma_resv_unlock(obj);
	KUNIT_EXPECT_FALSE(test, dma_fence_is_signaled(write));
}

static void get_excl_of_one(struct kunit *test)
{
	struct dma_fence *fence = resv_new_fence(test), *got;

	KUNIT_EXPECT_TRUE(test, !dma_resv_get_excl_rcu(resv_obj(test)));
	add_shared(test, resv_new_fence(test));
	KUNIT_EXPECT_TRUE(test, !dma_resv_get_excl_rcu(resv_obj(test)));

	add_excl(test, fence);
	got = dma_resv_get_excl_rcu(resv_obj(test));
	KUNIT_EXPECT_PTR_EQ(test, got, fence);
	dma_fence_put(got);
}

/* Nobody who knows only the exclusive fence may miss a move of the kernel's */
static void get_excl_stands_for_kernel_and_write(struct kunit *test)
{
	struct dma_fence *kernel = resv_add_new(test, DMA_RESV_USAGE_KERNEL);
	struct dma_fence *write = resv_add_new(test, DMA_RESV_USAGE_WRITE);
	struct dma_fence *got;

	resv_add_new(test, DMA_RESV_USAGE_READ);
	got = dma_resv_get_excl_rcu(resv_obj(test));
	KUNIT_ASSERT_TRUE(test, got);
	dma_fence_enable_sw_signaling(got);
	KUNIT_EXPECT_FALSE(test, dma_fence_is_signaled(got));
	dma_fence_signal(write);
	KUNIT_EXPECT_FALSE(test, dma_fence_is_signaled(got));
	dma_fence_signal(kernel);
	KUNIT_EXPECT_GT(test, dma_fence_wait_timeout(got, false, HZ), 0L);
	dma_fence_put(got);
}

/* Does the array have the fence? With an array to tell them apart, NULL is none */
static unsigned int hits(struct dma_fence **fences, unsigned int count,
			 struct dma_fence *fence)
{
	unsigned int n = 0;

	while (count--)
		n += fences[count] == fence;

	return n;
}

static void get_fences_returns_all(struct kunit *test)
{
	struct dma_fence *added[RESV_USAGES], *excl, **fences;
	enum dma_resv_usage usage;
	unsigned int count;
	int ret;

	for (usage = 0; usage < RESV_USAGES; usage++)
		added[usage] = resv_add_new(test, usage);

	/* For who frees the memory when these have signaled, so all of them */
	ret = dma_resv_get_fences_rcu(resv_obj(test), &excl, &count, &fences);
	KUNIT_ASSERT_EQ(test, ret, 0);
	KUNIT_EXPECT_TRUE(test, excl);
	KUNIT_EXPECT_EQ(test, count, 4u);
	for (usage = 0; usage < RESV_USAGES; usage++)
		KUNIT_EXPECT_EQ_MSG(test, hits(fences, count, added[usage]), 1u,
				    "%s", resv_usage_name(usage));
	dma_fence_put(excl);
	while (count)
		dma_fence_put(fences[--count]);
	kfree(fences);
}

static void get_fences_without_excl(struct kunit *test)
{
	struct dma_fence *excl = resv_new_fence(test), **fences;
	unsigned int count;
	int ret;

	add_excl(test, excl);
	ret = dma_resv_get_fences_rcu(resv_obj(test), NULL, &count, &fences);
	KUNIT_ASSERT_EQ(test, ret, 0);
	KUNIT_EXPECT_EQ(test, count, 1u);
	KUNIT_EXPECT_EQ(test, hits(fences, count, excl), 1u);
	while (count)
		dma_fence_put(fences[--count]);
	kfree(fences);
}

static void get_fences_of_idle_object(struct kunit *test)
{
	struct dma_fence *excl = ERR_PTR(-EINVAL), **fences = ERR_PTR(-EINVAL);
	unsigned int count = 77;
	int ret;

	ret = dma_resv_get_fences_rcu(resv_obj(test), &excl, &count, &fences);
	KUNIT_EXPECT_EQ(test, ret, 0);
	KUNIT_EXPECT_EQ(test, count, 0u);
	KUNIT_EXPECT_TRUE(test, !excl);
	KUNIT_EXPECT_TRUE(test, !fences);
}

/* Not all: KERNEL and WRITE; all: every one, the memory may be freed after it */
static void test_and_wait_of_usage(struct kunit *test, enum dma_resv_usage usage)
{
	bool excl = usage <= DMA_RESV_USAGE_WRITE;
	struct dma_resv *obj = resv_obj(test);
	struct dma_fence *fence = resv_add_new(test, usage);

	KUNIT_EXPECT_EQ(test, !dma_resv_test_signaled_rcu(obj, false), (int)excl);
	KUNIT_EXPECT_FALSE(test, dma_resv_test_signaled_rcu(obj, true));
	KUNIT_EXPECT_EQ(test, dma_resv_wait_timeout_rcu(obj, false, true, 0),
			excl ? 0L : 1L);
	KUNIT_EXPECT_EQ(test, dma_resv_wait_timeout_rcu(obj, true, true, 0), 0L);
	KUNIT_EXPECT_EQ(test, dma_resv_wait_timeout_rcu(obj, true, false, 2), 0L);

	dma_fence_signal(fence);
	KUNIT_EXPECT_TRUE(test, dma_resv_test_signaled_rcu(obj, false));
	KUNIT_EXPECT_TRUE(test, dma_resv_test_signaled_rcu(obj, true));
	KUNIT_EXPECT_GT(test, dma_resv_wait_timeout_rcu(obj, true, false, HZ),
			0L);
}

RESV_PER_USAGE(test_and_wait_of);

static struct kunit_case dma_resv_legacy_cases[] = {
	KUNIT_CASE(shared_fence_is_read),
	KUNIT_CASE(exclusive_fence_is_write),
	KUNIT_CASE(exclusive_drops_none),
	KUNIT_CASE(exclusive_needs_no_slot),
	KUNIT_CASE(exclusive_takes_no_shared_slot),
	KUNIT_CASE(get_excl_locked_of_one),
	KUNIT_CASE(get_excl_locked_waits_for_the_rest),
	KUNIT_CASE(get_list_has_shared_ones),
	KUNIT_CASE(get_list_waits_for_kernel),
	KUNIT_CASE(get_list_waits_for_write),
	KUNIT_CASE(get_list_of_signaled_is_empty),
	KUNIT_CASE(get_excl_of_one),
	KUNIT_CASE(get_excl_stands_for_kernel_and_write),
	KUNIT_CASE(get_fences_returns_all),
	KUNIT_CASE(get_fences_without_excl),
	KUNIT_CASE(get_fences_of_idle_object),
	KUNIT_CASE(test_and_wait_of_kernel),
	KUNIT_CASE(test_and_wait_of_write),
	KUNIT_CASE(test_and_wait_of_read),
	KUNIT_CASE(test_and_wait_of_bookkeep),
	{}
};

struct kunit_suite dma_resv_legacy_suite = {
	.name = "dma-resv-legacy",
	.init = resv_fixture_init,
	.exit = resv_fixture_exit,
	.test_cases = dma_resv_legacy_cases,
};
