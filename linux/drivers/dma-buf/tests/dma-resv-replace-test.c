// SPDX-License-Identifier: GPL-2.0
/*
 * dma_resv_replace_fences(): all the fences of one context make way for another.
 */

#include "dmabuf-kunit.h"
#include "resv-fixture.h"

static void replace_of_usage(struct kunit *test, enum dma_resv_usage usage)
{
	struct dma_fence *old = resv_add_new(test, usage);
	struct dma_fence *new = resv_new_fence(test);

	resv_replace(test, resv_obj(test), old->context, new, usage);
	RESV_EXPECT(test, resv_obj(test), { new, usage });
}

RESV_PER_USAGE(replace_of);

/* What is waited for by everybody stays so, whatever was asked for */
static void replace_does_not_demote_usage(struct kunit *test, enum dma_resv_usage usage)
{
	struct dma_fence *old = resv_add_new(test, usage);
	struct dma_fence *new = resv_new_fence(test);
	struct dma_resv *obj = resv_obj(test);

	resv_replace(test, obj, old->context, new, DMA_RESV_USAGE_BOOKKEEP);
	RESV_EXPECT(test, obj, { new, usage });
}

RESV_PER_USAGE(replace_does_not_demote);

/* Otherwise the usage is the one that was asked for */
static void replace_as_kernel_of_usage(struct kunit *test,
				       enum dma_resv_usage usage)
{
	struct dma_fence *old = resv_add_new(test, usage);
	struct dma_fence *new = resv_new_fence(test);
	struct dma_resv *obj = resv_obj(test);

	resv_replace(test, obj, old->context, new, DMA_RESV_USAGE_KERNEL);
	RESV_EXPECT(test, obj, { new, DMA_RESV_USAGE_KERNEL });
	KUNIT_EXPECT_FALSE(test,
			   dma_resv_test_signaled(obj, DMA_RESV_USAGE_KERNEL));
}

RESV_PER_USAGE(replace_as_kernel_of);

static void replace_leaves_other_contexts(struct kunit *test)
{
	struct dma_fence *a = resv_add_new(test, DMA_RESV_USAGE_BOOKKEEP);
	struct dma_fence *b = resv_add_new(test, DMA_RESV_USAGE_BOOKKEEP);
	struct dma_fence *c = resv_add_new(test, DMA_RESV_USAGE_WRITE);
	struct dma_fence *new = resv_new_fence(test);

	resv_replace(test, resv_obj(test), b->context, new,
		     DMA_RESV_USAGE_BOOKKEEP);
	RESV_EXPECT(test, resv_obj(test), { a, DMA_RESV_USAGE_BOOKKEEP },
		    { new, DMA_RESV_USAGE_BOOKKEEP },
		    { c, DMA_RESV_USAGE_WRITE });
}

static void replace_of_absent_context_adds_nothing(struct kunit *test)
{
	struct dma_fence *a = resv_add_new(test, DMA_RESV_USAGE_READ);
	struct dma_fence *new = resv_new_fence(test);

	resv_replace(test, resv_obj(test), a->context + 100000, new,
		     DMA_RESV_USAGE_READ);
	RESV_EXPECT(test, resv_obj(test), { a, DMA_RESV_USAGE_READ });
	KUNIT_EXPECT_EQ(test, kref_read(&new->refcount), 1u);
}

static void replace_in_empty_object(struct kunit *test)
{
	struct dma_fence *new = resv_new_fence(test);

	resv_replace(test, resv_obj(test), new->context, new,
		     DMA_RESV_USAGE_KERNEL);
	RESV_EXPECT_EMPTY(test, resv_obj(test));
}

/* One context may have an entry for each usage; one fence stands for them all */
static void replace_all_entries_of_a_context(struct kunit *test)
{
	u64 context = dma_fence_context_alloc(1);
	struct dma_fence *new = resv_new_fence(test);
	struct dma_resv *obj = resv_obj(test);
	enum dma_resv_usage usage;

	for (usage = 0; usage < RESV_USAGES; usage++)
		resv_add(test, obj, resv_new_fence_on(test, context, usage + 1),
			 usage);
	resv_replace(test, obj, context, new, DMA_RESV_USAGE_KERNEL);
	RESV_EXPECT(test, obj, { new, DMA_RESV_USAGE_KERNEL });
}

/* What takes the place may be in the object already */
static void replace_with_fence_that_is_there(struct kunit *test)
{
	struct dma_fence *old = resv_add_new(test, DMA_RESV_USAGE_BOOKKEEP);
	struct dma_fence *new = resv_add_new(test, DMA_RESV_USAGE_BOOKKEEP);
	struct dma_resv *obj = resv_obj(test);

	resv_replace(test, obj, old->context, new, DMA_RESV_USAGE_BOOKKEEP);
	KUNIT_EXPECT_FALSE(test,
			   dma_resv_test_signaled(obj, DMA_RESV_USAGE_BOOKKEEP));
	KUNIT_EXPECT_EQ(test, kref_read(&old->refcount), 1u);
	dma_fence_signal(new);
	KUNIT_EXPECT_TRUE(test,
			  dma_resv_test_signaled(obj, DMA_RESV_USAGE_BOOKKEEP));
}

/* Eviction: a fence that will not signal by itself makes way for one that has */
static void replace_with_signaled_fence(struct kunit *test)
{
	struct dma_fence *old = resv_add_new(test, DMA_RESV_USAGE_BOOKKEEP);
	struct dma_fence *stub = dma_fence_get_stub();
	struct dma_resv *obj = resv_obj(test);

	resv_replace(test, obj, old->context, stub, DMA_RESV_USAGE_BOOKKEEP);
	dma_fence_put(stub);
	RESV_EXPECT_EMPTY(test, obj);
	KUNIT_EXPECT_TRUE(test,
			  dma_resv_test_signaled(obj, DMA_RESV_USAGE_BOOKKEEP));
}

/* What has signaled is as good as gone, and has no usage to pass on */
static void replace_ignores_signaled(struct kunit *test)
{
	u64 context = dma_fence_context_alloc(1);
	struct dma_fence *new = resv_new_fence_on(test, context, 3);
	struct dma_resv *obj = resv_obj(test);
	struct dma_fence *a, *b;

	a = resv_new_fence_on(test, context, 1);
	b = resv_new_fence_on(test, context, 2);
	resv_add(test, obj, a, DMA_RESV_USAGE_KERNEL);
	resv_add(test, obj, b, DMA_RESV_USAGE_BOOKKEEP);
	dma_fence_signal(a);
	resv_replace(test, obj, context, new, DMA_RESV_USAGE_BOOKKEEP);
	RESV_EXPECT(test, obj, { new, DMA_RESV_USAGE_BOOKKEEP });
}

static void replace_of_signaled_adds_nothing(struct kunit *test)
{
	struct dma_fence *old = resv_add_new(test, DMA_RESV_USAGE_WRITE);

	dma_fence_signal(old);
	resv_replace(test, resv_obj(test), old->context, resv_new_fence(test),
		     DMA_RESV_USAGE_WRITE);
	RESV_EXPECT_EMPTY(test, resv_obj(test));
}

static void replace_moves_references(struct kunit *test)
{
	struct dma_fence *old = resv_add_new(test, DMA_RESV_USAGE_WRITE);
	struct dma_fence *new = resv_new_fence(test);

	resv_replace(test, resv_obj(test), old->context, new,
		     DMA_RESV_USAGE_WRITE);
	KUNIT_EXPECT_EQ(test, kref_read(&old->refcount), 1u);
	KUNIT_EXPECT_EQ(test, kref_read(&new->refcount), 2u);
}

/* No slot was reserved, and the object is as full as it gets */
static void replace_needs_no_slot(struct kunit *test)
{
	struct dma_resv *obj = resv_obj(test);
	struct resv_entry want[60];
	struct dma_fence *old;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(want); i++) {
		want[i].usage = i % RESV_USAGES;
		want[i].fence = resv_add_new(test, want[i].usage);
	}

	for (i = 0; i < ARRAY_SIZE(want); i++) {
		old = want[i].fence;
		want[i].fence = resv_new_fence(test);
		resv_replace(test, obj, old->context, want[i].fence,
			     want[i].usage);
	}
	resv_expect(test, obj, want, ARRAY_SIZE(want), __LINE__);
}

/* A reservation made before is still there afterwards */
static void replace_keeps_reservation(struct kunit *test)
{
	struct dma_fence *old = resv_add_new(test, DMA_RESV_USAGE_READ);
	struct dma_resv *obj = resv_obj(test);
	struct resv_entry want[12];
	unsigned int i;
	int ret;

	for (i = 0; i < ARRAY_SIZE(want); i++)
		want[i] = (struct resv_entry){ resv_new_fence(test),
					       DMA_RESV_USAGE_READ };

	resv_lock(test, obj);
	ret = dma_resv_reserve_fences(obj, ARRAY_SIZE(want) - 1);
	dma_resv_replace_fences(obj, old->context, want[0].fence,
				DMA_RESV_USAGE_READ);
	for (i = 1; !ret && i < ARRAY_SIZE(want); i++)
		dma_resv_add_fence(obj, want[i].fence, want[i].usage);
	dma_resv_unlock(obj);

	KUNIT_ASSERT_EQ(test, ret, 0);
	resv_expect(test, obj, want, ARRAY_SIZE(want), __LINE__);
}

static struct kunit_case dma_resv_replace_cases[] = {
	KUNIT_CASE(replace_of_kernel),
	KUNIT_CASE(replace_of_write),
	KUNIT_CASE(replace_of_read),
	KUNIT_CASE(replace_of_bookkeep),
	KUNIT_CASE(replace_does_not_demote_kernel),
	KUNIT_CASE(replace_does_not_demote_write),
	KUNIT_CASE(replace_does_not_demote_read),
	KUNIT_CASE(replace_does_not_demote_bookkeep),
	KUNIT_CASE(replace_as_kernel_of_kernel),
	KUNIT_CASE(replace_as_kernel_of_write),
	KUNIT_CASE(replace_as_kernel_of_read),
	KUNIT_CASE(replace_as_kernel_of_bookkeep),
	KUNIT_CASE(replace_leaves_other_contexts),
	KUNIT_CASE(replace_of_absent_context_adds_nothing),
	KUNIT_CASE(replace_in_empty_object),
	KUNIT_CASE(replace_all_entries_of_a_context),
	KUNIT_CASE(replace_with_fence_that_is_there),
	KUNIT_CASE(replace_with_signaled_fence),
	KUNIT_CASE(replace_ignores_signaled),
	KUNIT_CASE(replace_of_signaled_adds_nothing),
	KUNIT_CASE(replace_moves_references),
	KUNIT_CASE(replace_needs_no_slot),
	KUNIT_CASE(replace_keeps_reservation),
	{}
};

struct kunit_suite dma_resv_replace_suite = {
	.name = "dma-resv-replace",
	.init = resv_fixture_init,
	.exit = resv_fixture_exit,
	.test_cases = dma_resv_replace_cases,
};
