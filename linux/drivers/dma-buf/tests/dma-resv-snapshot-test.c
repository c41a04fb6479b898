// SPDX-License-Identifier: GPL-2.0
/*
 * What is taken out of an object: arrays of fences, one fence for them all, a copy
 * of the object, a description.
 */

#include <linux/dma-fence-array.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "dmabuf-kunit.h"
#include "resv-fixture.h"

static void put_all(struct dma_fence **fences, unsigned int count)
{
	while (count)
		dma_fence_put(fences[--count]);
	kfree(fences);
}

/* The array has references of its own, whatever happens to the object */
static void get_fences_outlives_object(struct kunit *test)
{
	struct dma_fence **fences;
	unsigned int count, i;
	struct dma_resv obj;
	int ret;

	dma_resv_init(&obj);
	for (i = 0; i < 10; i++) {
		struct dma_fence *fence;

		fence = mock_fence_create(dma_fence_context_alloc(1), 1);
		KUNIT_ASSERT_TRUE(test, fence);
		resv_add(test, &obj, fence, i % RESV_USAGES);
		dma_fence_put(fence);
	}
	ret = dma_resv_get_fences(&obj, DMA_RESV_USAGE_BOOKKEEP, &count,
				  &fences);
	dma_resv_fini(&obj);

	KUNIT_ASSERT_EQ(test, ret, 0);
	KUNIT_EXPECT_EQ(test, count, 10u);
	KUNIT_EXPECT_EQ(test, mock_fence_live(), 10u);
	for (i = 0; i < count; i++)
		KUNIT_EXPECT_FALSE(test, dma_fence_is_signaled(fences[i]));
	put_all(fences, count);
	KUNIT_EXPECT_EQ(test, mock_fence_live(), 0u);
}

static void get_fences_leaves_out_signaled(struct kunit *test)
{
	struct dma_fence *added[9], **fences;
	unsigned int count, i;
	int ret;

	for (i = 0; i < ARRAY_SIZE(added); i++)
		added[i] = resv_add_new(test, DMA_RESV_USAGE_READ);
	for (i = 0; i < ARRAY_SIZE(added); i += 2)
		dma_fence_signal(added[i]);

	ret = dma_resv_get_fences(resv_obj(test), DMA_RESV_USAGE_READ, &count,
				  &fences);
	KUNIT_ASSERT_EQ(test, ret, 0);
	KUNIT_EXPECT_EQ(test, count, 4u);
	for (i = 0; i < count; i++)
		KUNIT_EXPECT_FALSE(test, dma_fence_is_signaled(fences[i]));
	put_all(fences, count);
}

static void get_fences_of_all_signaled(struct kunit *test)
{
	struct dma_fence **fences = ERR_PTR(-EINVAL);
	unsigned int count = 77, i;
	int ret;

	for (i = 0; i < 20; i++)
		dma_fence_signal(resv_add_new(test, DMA_RESV_USAGE_KERNEL));

	ret = dma_resv_get_fences(resv_obj(test), DMA_RESV_USAGE_BOOKKEEP,
				  &count, &fences);
	KUNIT_ASSERT_EQ(test, ret, 0);
	KUNIT_EXPECT_EQ(test, count, 0u);
	KUNIT_EXPECT_TRUE(test, !fences);
}

static void get_fences_of_many(struct kunit *test)
{
	unsigned int count, i, j, hits;
	struct dma_fence **added, **fences;
	const unsigned int max = 700;
	int ret;

	added = kunit_kzalloc(test, max * sizeof(*added), GFP_KERNEL);
	KUNIT_ASSERT_TRUE(test, added);
	for (i = 0; i < max; i++)
		added[i] = resv_add_new(test, DMA_RESV_USAGE_BOOKKEEP);

	ret = dma_resv_get_fences(resv_obj(test), DMA_RESV_USAGE_BOOKKEEP,
				  &count, &fences);
	KUNIT_ASSERT_EQ(test, ret, 0);
	KUNIT_EXPECT_EQ(test, count, max);
	for (i = 0; i < max; i++) {
		for (hits = 0, j = 0; j < count; j++)
			hits += fences[j] == added[i];
		KUNIT_EXPECT_EQ_MSG(test, hits, 1u, "fence %u", i);
	}
	put_all(fences, count);
}

/* The lock is not needed, neither is it in the way */
static void queries_under_the_lock(struct kunit *test)
{
	struct dma_fence *fence = resv_add_new(test, DMA_RESV_USAGE_WRITE);
	struct dma_fence **fences = NULL, *single = NULL;
	struct dma_resv *obj = resv_obj(test);
	unsigned int count = 0;
	int ret;

	resv_lock(test, obj);
	ret = dma_resv_get_fences(obj, DMA_RESV_USAGE_WRITE, &count, &fences);
	if (!ret)
		ret = dma_resv_get_singleton(obj, DMA_RESV_USAGE_WRITE, &single);
	KUNIT_EXPECT_FALSE(test,
			   dma_resv_test_signaled(obj, DMA_RESV_USAGE_WRITE));
	KUNIT_EXPECT_EQ(test, dma_resv_wait_timeout(obj, DMA_RESV_USAGE_WRITE,
						    false, 1), 0L);
	dma_resv_unlock(obj);

	KUNIT_EXPECT_EQ(test, ret, 0);
	KUNIT_EXPECT_EQ(test, count, 1u);
	KUNIT_EXPECT_PTR_EQ(test, single, fence);
	dma_fence_put(single);
	put_all(fences, count);
}

static void singleton_takes_one_reference(struct kunit *test)
{
	struct dma_fence *fence = resv_add_new(test, DMA_RESV_USAGE_WRITE), *got;
	int ret;

	ret = dma_resv_get_singleton(resv_obj(test), DMA_RESV_USAGE_WRITE, &got);
	KUNIT_ASSERT_EQ(test, ret, 0);
	KUNIT_EXPECT_PTR_EQ(test, got, fence);
	KUNIT_EXPECT_EQ(test, kref_read(&fence->refcount), 3u);
	dma_fence_put(got);
	KUNIT_EXPECT_EQ(test, kref_read(&fence->refcount), 2u);
}

/* It signals when the last of them has, in whichever order they do */
static void singleton_waits_for_all(struct kunit *test, unsigned int count)
{
	struct dma_fence *fences[8], *got;
	unsigned int i;
	int ret;

	for (i = 0; i < count; i++)
		fences[i] = resv_add_new(test, i % RESV_USAGES);

	ret = dma_resv_get_singleton(resv_obj(test), DMA_RESV_USAGE_BOOKKEEP,
				     &got);
	KUNIT_ASSERT_EQ(test, ret, 0);
	KUNIT_ASSERT_TRUE(test, got);
	KUNIT_EXPECT_TRUE(test, dma_fence_is_array(got));
	dma_fence_enable_sw_signaling(got);

	for (i = 0; i < count; i++) {
		KUNIT_EXPECT_FALSE_MSG(test, dma_fence_is_signaled(got),
				       "signaled after %u of %u", i, count);
		/* 3 has no factor in common with the counts */
		dma_fence_signal(fences[i * 3 % count]);
	}
	KUNIT_EXPECT_GT(test, dma_fence_wait_timeout(got, false, HZ), 0L);
	dma_fence_put(got);
}

static void singleton_of_two(struct kunit *test)
{
	singleton_waits_for_all(test, 2);
}

static void singleton_of_eight(struct kunit *test)
{
	singleton_waits_for_all(test, 8);
}

/* Signaled ones do not count: there is one left, so it is that one */
static void singleton_of_one_unsignaled(struct kunit *test)
{
	struct dma_fence *fences[5], *got;
	unsigned int i;
	int ret;

	for (i = 0; i < ARRAY_SIZE(fences); i++)
		fences[i] = resv_add_new(test, DMA_RESV_USAGE_READ);
	for (i = 0; i < ARRAY_SIZE(fences); i++)
		if (i != 3)
			dma_fence_signal(fences[i]);

	ret = dma_resv_get_singleton(resv_obj(test), DMA_RESV_USAGE_READ, &got);
	KUNIT_ASSERT_EQ(test, ret, 0);
	KUNIT_EXPECT_PTR_EQ(test, got, fences[3]);
	dma_fence_put(got);
}

static void singleton_of_all_signaled(struct kunit *test)
{
	struct dma_fence *got = ERR_PTR(-EINVAL);
	unsigned int i;
	int ret;

	for (i = 0; i < 5; i++)
		dma_fence_signal(resv_add_new(test, DMA_RESV_USAGE_WRITE));
	ret = dma_resv_get_singleton(resv_obj(test), DMA_RESV_USAGE_READ, &got);
	KUNIT_EXPECT_EQ(test, ret, 0);
	KUNIT_EXPECT_TRUE(test, !got);
}

/* What is added later is not part of it */
static void singleton_is_a_snapshot(struct kunit *test)
{
	struct dma_fence *a = resv_add_new(test, DMA_RESV_USAGE_WRITE);
	struct dma_fence *b = resv_add_new(test, DMA_RESV_USAGE_WRITE), *got;
	int ret;

	ret = dma_resv_get_singleton(resv_obj(test), DMA_RESV_USAGE_WRITE, &got);
	KUNIT_ASSERT_EQ(test, ret, 0);
	resv_add_new(test, DMA_RESV_USAGE_WRITE);
	dma_fence_signal(a);
	dma_fence_signal(b);
	KUNIT_EXPECT_GT(test, dma_fence_wait_timeout(got, false, HZ), 0L);
	dma_fence_put(got);
}

static void singleton_never_waited_for_is_freed(struct kunit *test)
{
	struct dma_fence *got;
	int ret;

	resv_add_new(test, DMA_RESV_USAGE_WRITE);
	resv_add_new(test, DMA_RESV_USAGE_READ);
	ret = dma_resv_get_singleton(resv_obj(test), DMA_RESV_USAGE_READ, &got);
	KUNIT_ASSERT_EQ(test, ret, 0);
	dma_fence_put(got);
}

/* The fence for several may itself go into an object */
static void singleton_can_be_added(struct kunit *test)
{
	struct dma_fence *a = resv_add_new(test, DMA_RESV_USAGE_WRITE);
	struct dma_fence *b = resv_add_new(test, DMA_RESV_USAGE_WRITE), *got;
	struct dma_resv other;
	int ret;

	dma_resv_init(&other);
	ret = dma_resv_get_singleton(resv_obj(test), DMA_RESV_USAGE_WRITE, &got);
	KUNIT_ASSERT_EQ(test, ret, 0);
	resv_add(test, &other, got, DMA_RESV_USAGE_KERNEL);
	dma_fence_put(got);

	KUNIT_EXPECT_FALSE(test, dma_resv_test_signaled(&other,
							DMA_RESV_USAGE_KERNEL));
	dma_fence_signal(a);
	KUNIT_EXPECT_FALSE(test, dma_resv_test_signaled(&other,
							DMA_RESV_USAGE_KERNEL));
	dma_fence_signal(b);
	KUNIT_EXPECT_GT(test, dma_resv_wait_timeout(&other,
						    DMA_RESV_USAGE_KERNEL,
						    false, HZ), 0L);
	dma_resv_fini(&other);
}

static int copy(struct kunit *test, struct dma_resv *dst, struct dma_resv *src)
{
	int ret;

	resv_lock(test, dst);
	ret = dma_resv_copy_fences(dst, src);
	dma_resv_unlock(dst);

	return ret;
}

static void copy_of_usage(struct kunit *test, enum dma_resv_usage usage)
{
	struct dma_fence *fence = resv_add_new(test, usage);
	struct dma_resv dst;

	dma_resv_init(&dst);
	KUNIT_EXPECT_EQ(test, copy(test, &dst, resv_obj(test)), 0);
	RESV_EXPECT(test, &dst, { fence, usage });
	RESV_EXPECT(test, resv_obj(test), { fence, usage });
	dma_resv_fini(&dst);
	KUNIT_EXPECT_EQ(test, kref_read(&fence->refcount), 2u);
}

RESV_PER_USAGE(copy_of);

static void copy_replaces_what_was_there(struct kunit *test)
{
	struct dma_fence *a = resv_add_new(test, DMA_RESV_USAGE_WRITE);
	struct dma_fence *b = resv_add_new(test, DMA_RESV_USAGE_BOOKKEEP);
	struct dma_fence *old = resv_new_fence(test);
	struct dma_resv dst;

	dma_resv_init(&dst);
	resv_add(test, &dst, old, DMA_RESV_USAGE_KERNEL);
	KUNIT_EXPECT_EQ(test, copy(test, &dst, resv_obj(test)), 0);
	RESV_EXPECT(test, &dst, { a, DMA_RESV_USAGE_WRITE },
		    { b, DMA_RESV_USAGE_BOOKKEEP });
	KUNIT_EXPECT_EQ(test, kref_read(&old->refcount), 1u);
	dma_resv_fini(&dst);
}

static void copy_of_empty_object_empties(struct kunit *test)
{
	struct dma_fence *old = resv_new_fence(test);
	struct dma_resv dst;

	dma_resv_init(&dst);
	resv_add(test, &dst, old, DMA_RESV_USAGE_KERNEL);
	KUNIT_EXPECT_EQ(test, copy(test, &dst, resv_obj(test)), 0);
	RESV_EXPECT_EMPTY(test, &dst);
	dma_resv_fini(&dst);
	KUNIT_EXPECT_EQ(test, kref_read(&old->refcount), 1u);
}

static void copy_leaves_out_signaled(struct kunit *test)
{
	struct dma_fence *a = resv_add_new(test, DMA_RESV_USAGE_READ);
	struct dma_fence *b = resv_add_new(test, DMA_RESV_USAGE_READ);
	struct dma_fence *c = resv_new_polled_fence(test);
	struct dma_resv dst;

	resv_add(test, resv_obj(test), c, DMA_RESV_USAGE_READ);
	dma_fence_signal(a);
	mock_fence_complete(c);
	dma_resv_init(&dst);
	KUNIT_EXPECT_EQ(test, copy(test, &dst, resv_obj(test)), 0);
	RESV_EXPECT(test, &dst, { b, DMA_RESV_USAGE_READ });
	KUNIT_EXPECT_EQ(test, kref_read(&b->refcount), 3u);
	dma_resv_fini(&dst);
}

static void copy_of_many_and_grow(struct kunit *test)
{
	const unsigned int max = 300;
	struct resv_entry *want;
	struct dma_resv dst;
	unsigned int i;

	want = kunit_kzalloc(test, (max + 30) * sizeof(*want), GFP_KERNEL);
	KUNIT_ASSERT_TRUE(test, want);
	for (i = 0; i < max; i++) {
		want[i].usage = i % RESV_USAGES;
		want[i].fence = resv_add_new(test, want[i].usage);
	}

	dma_resv_init(&dst);
	KUNIT_EXPECT_EQ(test, copy(test, &dst, resv_obj(test)), 0);
	resv_expect(test, &dst, want, max, __LINE__);

	/* The copy is an object like any other */
	for (; i < max + 30; i++) {
		want[i].usage = i % RESV_USAGES;
		want[i].fence = resv_new_fence(test);
		resv_add(test, &dst, want[i].fence, want[i].usage);
	}
	resv_expect(test, &dst, want, max + 30, __LINE__);
	resv_expect(test, resv_obj(test), want, max, __LINE__);
	dma_resv_fini(&dst);
}

static void copy_twice(struct kunit *test)
{
	struct dma_fence *a = resv_add_new(test, DMA_RESV_USAGE_KERNEL), *b;
	struct dma_resv dst;

	dma_resv_init(&dst);
	KUNIT_EXPECT_EQ(test, copy(test, &dst, resv_obj(test)), 0);
	b = resv_add_new(test, DMA_RESV_USAGE_READ);
	KUNIT_EXPECT_EQ(test, copy(test, &dst, resv_obj(test)), 0);
	RESV_EXPECT(test, &dst, { a, DMA_RESV_USAGE_KERNEL },
		    { b, DMA_RESV_USAGE_READ });
	dma_resv_fini(&dst);
}

static char *describe(struct kunit *test, struct dma_resv *obj)
{
	struct seq_file seq = { .size = 4096 };

	/* Zeroed, with a byte to spare: what is in there ends somewhere */
	seq.buf = kunit_kzalloc(test, seq.size + 1, GFP_KERNEL);
	KUNIT_ASSERT_TRUE(test, seq.buf);

	resv_lock(test, obj);
	dma_resv_describe(obj, &seq);
	dma_resv_unlock(obj);

	return seq.buf;
}

static bool describes(const char *text, const char *usage)
{
	size_t len = strlen(usage);

	for (; *text; text++)
		if (!strncasecmp(text, usage, len))
			return true;

	return false;
}

static void describe_of_usage(struct kunit *test, enum dma_resv_usage added)
{
	enum dma_resv_usage usage;
	bool found, want;
	char *text;

	resv_add_new(test, added);
	text = describe(test, resv_obj(test));
	for (usage = 0; usage < RESV_USAGES; usage++) {
		found = describes(text, resv_usage_name(usage));
		want = usage == added;
		KUNIT_EXPECT_EQ_MSG(test, found, want, "%s in \"%s\"",
				    resv_usage_name(usage), text);
	}
	KUNIT_EXPECT_TRUE_MSG(test, describes(text, "mock"),
			      "no driver in \"%s\"", text);
}

RESV_PER_USAGE(describe_of);

static void describe_lists_every_fence(struct kunit *test)
{
	unsigned int i, count = 0;
	char *text;

	for (i = 0; i < 12; i++)
		resv_add_new(test, i % RESV_USAGES);
	for (text = describe(test, resv_obj(test)); *text; text++)
		count += *text == '\n';
	KUNIT_EXPECT_EQ(test, count, 12u);
}

static struct kunit_case dma_resv_snapshot_cases[] = {
	KUNIT_CASE(get_fences_outlives_object),
	KUNIT_CASE(get_fences_leaves_out_signaled),
	KUNIT_CASE(get_fences_of_all_signaled),
	KUNIT_CASE(get_fences_of_many),
	KUNIT_CASE(queries_under_the_lock),
	KUNIT_CASE(singleton_takes_one_reference),
	KUNIT_CASE(singleton_of_two),
	KUNIT_CASE(singleton_of_eight),
	KUNIT_CASE(singleton_of_one_unsignaled),
	KUNIT_CASE(singleton_of_all_signaled),
	KUNIT_CASE(singleton_is_a_snapshot),
	KUNIT_CASE(singleton_never_waited_for_is_freed),
	KUNIT_CASE(singleton_can_be_added),
	KUNIT_CASE(copy_of_kernel),
	KUNIT_CASE(copy_of_write),
	KUNIT_CASE(copy_of_read),
	KUNIT_CASE(copy_of_bookkeep),
	KUNIT_CASE(copy_replaces_what_was_there),
	KUNIT_CASE(copy_of_empty_object_empties),
	KUNIT_CASE(copy_leaves_out_signaled),
	KUNIT_CASE(copy_of_many_and_grow),
	KUNIT_CASE(copy_twice),
	KUNIT_CASE(describe_of_kernel),
	KUNIT_CASE(describe_of_write),
	KUNIT_CASE(describe_of_read),
	KUNIT_CASE(describe_of_bookkeep),
	KUNIT_CASE(describe_lists_every_fence),
	{}
};

struct kunit_suite dma_resv_snapshot_suite = {
	.name = "dma-resv-snapshot",
	.init = resv_fixture_init,
	.exit = resv_fixture_exit,
	.test_cases = dma_resv_snapshot_cases,
};
