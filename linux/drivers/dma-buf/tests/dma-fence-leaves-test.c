// SPDX-License-Identifier: GPL-2.0
/*
 * Arrays and chains of fences are taken apart, however user space nested them.
 */

#include <linux/delay.h>
#include <linux/dma-fence-array.h>
#include <linux/dma-fence-chain.h>
#include <linux/dma-fence-leaves.h>
#include <linux/dma-fence-unwrap.h>
#include <linux/slab.h>

#include "dmabuf-kunit.h"
#include "oom-inject.h"
#include "resv-fixture.h"

/* Takes over the references */
static struct dma_fence *new_array(struct kunit *test, struct dma_fence *a,
				   struct dma_fence *b)
{
	struct dma_fence_array *array;
	struct dma_fence **fences;

	fences = kmalloc_array(2, sizeof(*fences), GFP_KERNEL);
	KUNIT_ASSERT_TRUE(test, fences);
	fences[0] = a;
	fences[1] = b;
	array = dma_fence_array_create(2, fences, dma_fence_context_alloc(1), 1,
				       false);
	KUNIT_ASSERT_TRUE(test, array);

	return &array->base;
}

/* Takes over the references, @previous may be NULL */
static struct dma_fence *new_chain(struct kunit *test,
				   struct dma_fence *previous,
				   struct dma_fence *fence, u64 seqno)
{
	struct dma_fence_chain *chain;

	chain = kzalloc(sizeof(*chain), GFP_KERNEL);
	KUNIT_ASSERT_TRUE(test, chain);
	dma_fence_chain_init(chain, previous, fence, seqno);

	return &chain->base;
}

/* Expect these leaves of a fence, in the order of their contexts, and put it */
static void expect_leaves(struct kunit *test, struct dma_fence *fence,
			  struct dma_fence **want, unsigned int num_want,
			  int line)
{
	struct dma_fence **leaves;
	unsigned int count, i;
	int ret;

	ret = dma_fence_get_leaves(&fence, 1, &leaves, &count);
	dma_fence_put(fence);
	KUNIT_ASSERT_EQ(test, ret, 0);
	KUNIT_EXPECT_EQ_MSG(test, count, num_want, "line %d", line);
	for (i = 0; i < min(count, num_want); i++)
		KUNIT_EXPECT_TRUE_MSG(test, leaves[i] == want[i],
				      "line %d, leaf %u", line, i);
	if (!count)
		KUNIT_EXPECT_TRUE(test, !leaves);
	dma_fence_put_all(leaves, count);
}

static void leaf_of_plain_fence(struct kunit *test)
{
	struct dma_fence *fence = resv_new_fence(test);

	expect_leaves(test, dma_fence_get(fence), &fence, 1, __LINE__);
	KUNIT_EXPECT_EQ(test, kref_read(&fence->refcount), 1u);
}

static void no_leaf_of_signaled_fence(struct kunit *test)
{
	struct dma_fence *fence = resv_new_fence(test);

	dma_fence_signal(fence);
	expect_leaves(test, dma_fence_get(fence), NULL, 0, __LINE__);
}

static void leaves_of_nothing(struct kunit *test)
{
	struct dma_fence **leaves = ERR_PTR(-EINVAL);
	unsigned int count = 77;

	KUNIT_EXPECT_EQ(test, dma_fence_get_leaves(NULL, 0, &leaves, &count), 0);
	KUNIT_EXPECT_EQ(test, count, 0u);
	KUNIT_EXPECT_TRUE(test, !leaves);
	dma_fence_put_all(leaves, count);
}

static void leaves_of_array(struct kunit *test)
{
	struct dma_fence *want[] = { resv_new_fence(test),
				     resv_new_fence(test) };
	struct dma_fence *array;

	/* The later context first, they come out sorted */
	array = new_array(test, dma_fence_get(want[1]), dma_fence_get(want[0]));
	expect_leaves(test, array, want, 2, __LINE__);
}

static void leaves_of_chain(struct kunit *test)
{
	struct dma_fence *want[] = { resv_new_fence(test), resv_new_fence(test),
				     resv_new_fence(test) };
	struct dma_fence *chain = NULL;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(want); i++)
		chain = new_chain(test, chain, dma_fence_get(want[i]), i + 1);
	expect_leaves(test, chain, want, ARRAY_SIZE(want), __LINE__);
}

static void leaves_of_array_in_chain_in_array(struct kunit *test)
{
	struct dma_fence *want[] = { resv_new_fence(test), resv_new_fence(test),
				     resv_new_fence(test),
				     resv_new_fence(test) };
	struct dma_fence *fence;

	fence = new_array(test, dma_fence_get(want[2]), dma_fence_get(want[0]));
	fence = new_chain(test, NULL, fence, 1);
	fence = new_chain(test, fence, dma_fence_get(want[3]), 2);
	fence = new_array(test, fence, dma_fence_get(want[1]));
	expect_leaves(test, fence, want, ARRAY_SIZE(want), __LINE__);
}

static void signaled_leaves_are_left_out(struct kunit *test)
{
	struct dma_fence *done = resv_new_fence(test);
	struct dma_fence *want = resv_new_fence(test), *fence;

	dma_fence_signal(done);
	fence = new_array(test, dma_fence_get(done), dma_fence_get(want));
	expect_leaves(test, fence, &want, 1, __LINE__);
}

/* Of each context the latest, wherever it is */
static void latest_of_a_context_is_kept(struct kunit *test)
{
	u64 context = dma_fence_context_alloc(1);
	struct dma_fence *a = resv_new_fence_on(test, context, 1);
	struct dma_fence *b = resv_new_fence_on(test, context, 2);
	struct dma_fence *fence;

	fence = new_array(test, dma_fence_get(a), dma_fence_get(b));
	expect_leaves(test, fence, &b, 1, __LINE__);
	fence = new_array(test, dma_fence_get(b), dma_fence_get(a));
	expect_leaves(test, fence, &b, 1, __LINE__);
	fence = new_array(test, dma_fence_get(b), dma_fence_get(b));
	expect_leaves(test, fence, &b, 1, __LINE__);
}

/* Two to the power of 16 paths lead to the same two fences */
static void shared_parts_are_seen_once(struct kunit *test)
{
	struct dma_fence *want[] = { resv_new_polled_fence(test),
				     resv_new_polled_fence(test) };
	struct dma_fence *fence;
	unsigned int i;

	fence = new_array(test, dma_fence_get(want[0]), dma_fence_get(want[1]));
	for (i = 0; i < 16; i++)
		fence = new_array(test, dma_fence_get(fence), fence);
	expect_leaves(test, fence, want, 2, __LINE__);
	KUNIT_EXPECT_LT(test, atomic_read(&to_mock_fence(want[0])->asked), 100);
}

/* The same by the nodes of chains, behind the first of which nobody may ask */
static void shared_links_are_seen_once(struct kunit *test)
{
	struct dma_fence *want = resv_new_polled_fence(test), *fence;
	unsigned int i;

	fence = dma_fence_get(want);
	for (i = 0; i < 16; i++) {
		struct dma_fence *link = new_chain(test, NULL,
						   dma_fence_get(fence), 1);

		fence = new_chain(test, link, fence, 2);
	}
	atomic_set(&to_mock_fence(want)->asked, 0);
	expect_leaves(test, fence, &want, 1, __LINE__);
	KUNIT_EXPECT_LT(test, atomic_read(&to_mock_fence(want)->asked), 100);
}

static void leaves_without_memory(struct kunit *test)
{
	struct dma_fence *fences[20], **leaves;
	unsigned int nth, i, count, failed, errors = 0;
	int ret = -ENOMEM;

	if (!IS_ENABLED(CONFIG_KPROBES)) {
		kunit_info(test, "needs CONFIG_KPROBES, nothing was tested\n");
		return;
	}
	KUNIT_ASSERT_EQ(test, oom_inject_start(), 0);
	for (i = 0; i < ARRAY_SIZE(fences); i++)
		fences[i] = resv_new_fence(test);

	for (nth = 1; ret && nth < 64; nth++) {
		oom_inject_arm(nth, true);
		ret = dma_fence_get_leaves(fences, ARRAY_SIZE(fences), &leaves,
					   &count);
		failed = oom_inject_disarm(NULL);
		errors += ret == -ENOMEM && failed;
		KUNIT_EXPECT_EQ(test, count, ret ? 0u : 20u);
		dma_fence_put_all(leaves, count);
		for (i = 0; i < ARRAY_SIZE(fences); i++)
			KUNIT_EXPECT_EQ(test, kref_read(&fences[i]->refcount),
					1u);
	}
	oom_inject_stop();
	KUNIT_EXPECT_EQ(test, ret, 0);
	KUNIT_EXPECT_GE(test, errors, 2u);
}

/* A merge of fences of no timeline leaves none out: they don't include each other */
static void merge_keeps_fences_without_timeline(struct kunit *test)
{
	struct dma_fence *a = resv_new_fence_on(test, 0, 1);
	struct dma_fence *b = resv_new_fence_on(test, 0, 2);
	struct dma_fence *c = resv_new_fence(test), *merged, *fence;
	struct dma_fence_unwrap cursor;
	unsigned int count = 0;

	/* Two files with such a fence each, and one of them with another one */
	fence = new_array(test, dma_fence_get(a), dma_fence_get(c));
	merged = dma_fence_unwrap_merge(fence, b);
	dma_fence_put(fence);
	KUNIT_ASSERT_TRUE(test, merged);
	dma_fence_unwrap_for_each(fence, &cursor, merged)
		count += fence == a || fence == b || fence == c;
	KUNIT_EXPECT_EQ(test, count, 3u);

	dma_fence_enable_sw_signaling(merged);
	dma_fence_signal(b);
	dma_fence_signal(c);
	KUNIT_EXPECT_FALSE(test, dma_fence_is_signaled(merged));
	dma_fence_put(merged);
}

static void merge_of_one_is_that_one(struct kunit *test)
{
	struct dma_fence *done = resv_new_fence(test);
	struct dma_fence *want = resv_new_fence(test), *fence;

	dma_fence_signal(done);
	fence = dma_fence_unwrap_merge(done, NULL, want, done);
	KUNIT_EXPECT_PTR_EQ(test, fence, want);
	dma_fence_put(fence);
}

static void merge_of_nothing_has_signaled(struct kunit *test)
{
	struct dma_fence *fence = dma_fence_unwrap_merge(NULL, NULL);

	KUNIT_ASSERT_TRUE(test, fence);
	KUNIT_EXPECT_TRUE(test, dma_fence_is_signaled(fence));
	dma_fence_put(fence);
}

/* When all are over it tells when the last one was, wherever that is */
static void merge_knows_when_the_last_signaled(struct kunit *test)
{
	struct dma_fence *fences[4], *a, *b, *merged;
	unsigned int last, i;

	for (last = 0; last < ARRAY_SIZE(fences); last++) {
		for (i = 0; i < ARRAY_SIZE(fences); i++)
			fences[i] = resv_new_fence(test);
		a = new_array(test, dma_fence_get(fences[0]),
			      dma_fence_get(fences[1]));
		b = new_chain(test, NULL, dma_fence_get(fences[2]), 1);
		b = new_chain(test, b, dma_fence_get(fences[3]), 2);

		for (i = 0; i < ARRAY_SIZE(fences); i++)
			if (i != last)
				dma_fence_signal(fences[i]);
		usleep_range(10, 20);
		dma_fence_signal(fences[last]);
		/* Long after that, somebody looks */
		usleep_range(10, 20);
		dma_fence_enable_sw_signaling(a);
		KUNIT_EXPECT_TRUE(test, dma_fence_is_signaled(a));

		merged = dma_fence_unwrap_merge(a, b);
		KUNIT_EXPECT_PTR_EQ(test, merged, fences[last]);
		dma_fence_put(merged);
		dma_fence_put(a);
		dma_fence_put(b);
	}
}

static void unwrap_visits_arrays_in_chains(struct kunit *test)
{
	struct dma_fence *want[] = { resv_new_fence(test), resv_new_fence(test),
				     resv_new_fence(test) };
	struct dma_fence_unwrap cursor;
	struct dma_fence *head, *fence;
	unsigned int i = 0;

	head = new_array(test, dma_fence_get(want[1]), dma_fence_get(want[2]));
	fence = new_chain(test, NULL, head, 1);
	head = new_chain(test, fence, dma_fence_get(want[0]), 2);
	/* The latest node comes first */
	dma_fence_unwrap_for_each(fence, &cursor, head) {
		KUNIT_ASSERT_LT(test, i, (unsigned int)ARRAY_SIZE(want));
		KUNIT_EXPECT_PTR_EQ(test, fence, want[i++]);
	}
	KUNIT_EXPECT_EQ(test, i, (unsigned int)ARRAY_SIZE(want));
	dma_fence_put(head);

	i = 0;
	dma_fence_unwrap_for_each(fence, &cursor, want[0])
		i += fence == want[0];
	KUNIT_EXPECT_EQ(test, i, 1u);
	dma_fence_unwrap_for_each(fence, &cursor, NULL)
		i++;
	KUNIT_EXPECT_EQ(test, i, 1u);
}

static struct kunit_case dma_fence_leaves_cases[] = {
	KUNIT_CASE(leaf_of_plain_fence),
	KUNIT_CASE(no_leaf_of_signaled_fence),
	KUNIT_CASE(leaves_of_nothing),
	KUNIT_CASE(leaves_of_array),
	KUNIT_CASE(leaves_of_chain),
	KUNIT_CASE(leaves_of_array_in_chain_in_array),
	KUNIT_CASE(signaled_leaves_are_left_out),
	KUNIT_CASE(latest_of_a_context_is_kept),
	KUNIT_CASE(shared_parts_are_seen_once),
	KUNIT_CASE(shared_links_are_seen_once),
	KUNIT_CASE(leaves_without_memory),
	KUNIT_CASE(merge_keeps_fences_without_timeline),
	KUNIT_CASE(merge_of_one_is_that_one),
	KUNIT_CASE(merge_of_nothing_has_signaled),
	KUNIT_CASE(merge_knows_when_the_last_signaled),
	KUNIT_CASE(unwrap_visits_arrays_in_chains),
	{}
};

struct kunit_suite dma_fence_leaves_suite = {
	.name = "dma-fence-leaves",
	.init = resv_fixture_init,
	.exit = resv_fixture_exit,
	.test_cases = dma_fence_leaves_cases,
};
