// SPDX-License-Identifier: GPL-2.0
/*
 * Mistakes of a caller, which are reported and survived. The lines around the
 * reports tell whoever judges the log that they are expected.
 */

#include <linux/delay.h>
#include <linux/printk.h>

#include "../dma-fence-check.h"
#include "dmabuf-kunit.h"
#include "oom-inject.h"
#include "resv-fixture.h"

#define FORGOTTEN	70

/* A warning, unless the run-time checker is there to say more than that */
static void expect_report(bool begin)
{
#ifdef CONFIG_DMABUF_CHECK
	if (static_branch_unlikely(&dma_fence_check_enabled)) {
		dma_fence_check_expect(DMA_FENCE_CHECK_NO_SLOT, begin);
		return;
	}
#endif
	if (begin)
		pr_info("resv-expect-warn BEGIN dma_resv_add_any\n");
	else
		pr_info("resv-expect-warn END\n");
}

/*
 * Nobody reserved a slot, and the object fills up. No fence may get lost: each is
 * in the object, or it was waited for.
 */
static void add_without_slot_keeps_dependency(struct kunit *test)
{
	struct mock_signaler signalers[2];
	struct dma_fence *fences[FORGOTTEN];
	struct dma_resv *obj = resv_obj(test);
	struct dma_resv_iter cursor;
	struct dma_fence *fence;
	unsigned int i, lost = 0;

	for (i = 0; i < FORGOTTEN; i++)
		fences[i] = resv_new_fence(test);
	/* It may choose to wait for the first, or for the last */
	mock_signal_later(&signalers[0], fences[0], HZ / 10);
	mock_signal_later(&signalers[1], fences[FORGOTTEN - 1], HZ / 10);

	resv_lock(test, obj);
	expect_report(true);
	for (i = 0; i < FORGOTTEN; i++)
		dma_resv_add_fence(obj, fences[i], i % RESV_USAGES);
	expect_report(false);

	for (i = 0; i < FORGOTTEN; i++) {
		if (dma_fence_is_signaled(fences[i]))
			continue;
		dma_resv_for_each_fence(&cursor, obj, i % RESV_USAGES, fence)
			if (fence == fences[i])
				break;
		lost += !fence;
	}
	dma_resv_unlock(obj);
	mock_signal_end(&signalers[0]);
	mock_signal_end(&signalers[1]);

	KUNIT_EXPECT_EQ(test, lost, 0u);
	KUNIT_EXPECT_FALSE(test, dma_resv_test_signaled(obj,
							DMA_RESV_USAGE_BOOKKEEP));
}

/* The warning came with the case before, but the checker reports each time */
static void expect_early(bool begin)
{
#ifdef CONFIG_DMABUF_CHECK
	if (static_branch_unlikely(&dma_fence_check_enabled)) {
		dma_fence_check_expect(DMA_FENCE_CHECK_NO_SLOT, begin);
		dma_fence_check_expect(DMA_FENCE_CHECK_EARLY, begin);
	}
#endif
}

static struct dma_fence *new_early_fence(struct kunit *test)
{
	u64 context = dma_fence_context_alloc(1);

	return resv_keep_fence(test, mock_fence_create_early(context, 1));
}

/*
 * Add @fence without a slot, nor memory for one, so that there is nothing left but to
 * wait for @early, whose own wait ends at once. Does it wait until that has signaled?
 */
static void add_waits(struct kunit *test, struct dma_fence *fence,
		      struct dma_fence *early)
{
	struct mock_signaler signaler;
	unsigned int failed;
	bool waited;

	mock_signal_later(&signaler, early, HZ / 10);
	expect_early(true);
	oom_inject_arm(1, true);
	dma_resv_add_fence(resv_obj(test), fence, DMA_RESV_USAGE_READ);
	failed = oom_inject_disarm(NULL);
	expect_early(false);
	waited = dma_fence_is_signaled(early);
	mock_signal_end(&signaler);

	KUNIT_EXPECT_GE(test, failed, 1u);
	KUNIT_EXPECT_TRUE(test, waited);
}

/* oom_inject_stop() ends it */
static bool no_memory_begin(struct kunit *test)
{
	int ret = oom_inject_start();

	if (ret == -EOPNOTSUPP) {
		kunit_info(test, "needs CONFIG_KPROBES, nothing was tested\n");
		return false;
	}
	KUNIT_ASSERT_EQ(test, ret, 0);

	return true;
}

/* What was waited for is gone, and only then is there room for another one */
static void add_to_full_object_waits(struct kunit *test)
{
	struct dma_resv *obj = resv_obj(test);
	struct dma_fence *early, *last;
	struct dma_resv_table *table;
	unsigned int i, count;

	if (!no_memory_begin(test))
		return;

	early = new_early_fence(test);
	last = resv_new_fence(test);
	resv_add(test, obj, early, DMA_RESV_USAGE_KERNEL);
	table = rcu_dereference_protected(obj->table, true);
	for (i = 1; i < table->max; i++)
		resv_add_new(test, DMA_RESV_USAGE_READ);

	resv_lock(test, obj);
	add_waits(test, last, early);
	count = table->end[DMA_RESV_USAGE_BOOKKEEP];
	dma_resv_unlock(obj);
	oom_inject_stop();

	KUNIT_EXPECT_PTR_EQ(test, rcu_access_pointer(obj->table), table);
	KUNIT_EXPECT_EQ(test, count, (unsigned int)table->max);
	KUNIT_EXPECT_EQ(test, kref_read(&early->refcount), 1u);
	KUNIT_EXPECT_EQ(test, kref_read(&last->refcount), 2u);
}

/* Without a table there is no other fence to wait for */
static void add_to_new_object_waits(struct kunit *test)
{
	struct dma_fence *early;

	if (!no_memory_begin(test))
		return;

	early = new_early_fence(test);
	resv_lock(test, resv_obj(test));
	add_waits(test, early, early);
	dma_resv_unlock(resv_obj(test));
	oom_inject_stop();

	RESV_EXPECT_EMPTY(test, resv_obj(test));
}

/* The slots move under the feet of the walk, at last to another table */
static void add_inside_walk_is_reported(struct kunit *test)
{
	struct dma_resv *obj = resv_obj(test);
	struct dma_resv_iter cursor;
	struct dma_fence *fence;
	unsigned int i, steps = 0;
	int ret = 0;

	if (!IS_ENABLED(CONFIG_DEBUG_MUTEXES)) {
		kunit_info(test, "needs CONFIG_DEBUG_MUTEXES, nothing was tested\n");
		return;
	}
	for (i = 0; i < 20; i++)
		resv_add_new(test, i % RESV_USAGES);

	resv_lock(test, obj);
	/* Who only looks is not reported */
	dma_resv_for_each_fence(&cursor, obj, DMA_RESV_USAGE_BOOKKEEP, fence)
		steps += !dma_fence_is_signaled(fence);
	KUNIT_EXPECT_EQ(test, steps, 20u);

	steps = 0;
	pr_info("resv-expect-warn BEGIN dma_resv_iter_check\n");
	dma_resv_for_each_fence(&cursor, obj, DMA_RESV_USAGE_BOOKKEEP, fence) {
		ret |= dma_resv_reserve_fences(obj, 1);
		if (!ret)
			dma_resv_add_fence(obj, resv_new_fence(test),
					   DMA_RESV_USAGE_KERNEL);
		steps++;
	}
	pr_info("resv-expect-warn END\n");
	dma_resv_unlock(obj);
	KUNIT_EXPECT_EQ(test, ret, 0);
	KUNIT_EXPECT_EQ(test, steps, 20u);
}

static struct kunit_case dma_resv_mistake_cases[] = {
	KUNIT_CASE(add_without_slot_keeps_dependency),
	KUNIT_CASE(add_to_full_object_waits),
	KUNIT_CASE(add_to_new_object_waits),
	KUNIT_CASE(add_inside_walk_is_reported),
	{}
};

struct kunit_suite dma_resv_mistake_suite = {
	.name = "dma-resv-mistake",
	.init = resv_fixture_init,
	.exit = resv_fixture_exit,
	.test_cases = dma_resv_mistake_cases,
};
