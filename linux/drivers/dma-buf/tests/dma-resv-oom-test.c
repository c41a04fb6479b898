// SPDX-License-Identifier: GPL-2.0
/*
 * Out of memory: which functions may say so, and what they leave behind.
 */

#include <linux/sched.h>
#include <linux/slab.h>

#include "dmabuf-kunit.h"
#include "oom-inject.h"
#include "resv-fixture.h"

#define OOM_FENCES	12

/**
 * struct oom_case - a function that allocates memory
 * @before: bring about a state in which it has to, may be NULL
 * @call: call it
 * @after: check what it left behind and undo it, may be NULL
 */
struct oom_case {
	void (*before)(struct kunit *test);
	int (*call)(struct kunit *test);
	void (*after)(struct kunit *test, int ret);
};

static int oom_init(struct kunit *test)
{
	int ret = oom_inject_start();

	if (ret && ret != -EOPNOTSUPP)
		return ret;

	ret = resv_fixture_init(test);
	if (ret)
		oom_inject_stop();

	return ret;
}

static void oom_exit(struct kunit *test)
{
	if (IS_ENABLED(CONFIG_KPROBES))
		oom_inject_stop();
	resv_fixture_exit(test);
}

static bool oom_available(struct kunit *test)
{
	if (IS_ENABLED(CONFIG_KPROBES))
		return true;

	kunit_info(test, "needs CONFIG_KPROBES, nothing was tested\n");
	return false;
}

static struct resv_entry oom_entries[OOM_FENCES];

static void oom_fill(struct kunit *test)
{
	unsigned int i;

	for (i = 0; i < OOM_FENCES; i++) {
		oom_entries[i].usage = i % RESV_USAGES;
		oom_entries[i].fence = resv_add_new(test, oom_entries[i].usage);
	}
}

/* Have each allocation fail in turn, alone and with all the following ones */
static void oom_try(struct kunit *test, const struct oom_case *oom)
{
	unsigned int nth, failed, errors = 0, round;
	int ret;

	if (!oom_available(test))
		return;

	oom_fill(test);
	for (round = 0; round < 2; round++) {
		for (nth = 1; nth < 64; nth++) {
			if (oom->before)
				oom->before(test);
			oom_inject_arm(nth, round);
			ret = oom->call(test);
			failed = oom_inject_disarm(NULL);
			if (oom->after)
				oom->after(test, ret);

			resv_expect(test, resv_obj(test), oom_entries,
				    OOM_FENCES, __LINE__);
			if (!failed) {
				/* There are no more than these */
				KUNIT_EXPECT_EQ(test, ret, 0);
				break;
			}
			if (ret) {
				KUNIT_EXPECT_EQ_MSG(test, ret, -ENOMEM,
						    "allocation %u", nth);
				errors++;
			}
		}
		KUNIT_EXPECT_LT(test, nth, 64u);
	}
	kunit_info(test, "%u allocations failed the call\n", errors);
	KUNIT_EXPECT_GE_MSG(test, errors, 1u,
			    "no allocation was seen to fail the call");
}

/* The same call without a shortage: it must not allocate at all */
static void oom_never(struct kunit *test, int (*call)(struct kunit *test))
{
	unsigned int seen;
	int ret;

	if (!oom_available(test))
		return;

	/* Would it be noticed if it did? */
	oom_inject_arm(0, false);
	kfree(kmalloc(32, GFP_KERNEL));
	oom_inject_disarm(&seen);
	KUNIT_ASSERT_GE(test, seen, 1u);

	oom_inject_arm(1, true);
	ret = call(test);
	oom_inject_disarm(&seen);
	KUNIT_EXPECT_EQ(test, ret, 0);
	KUNIT_EXPECT_EQ_MSG(test, seen, 0u, "allocates memory");
}

/* Objects that a call needs besides the one of the fixture */
static struct dma_resv oom_obj;
static struct dma_fence *oom_old, *oom_fence, **oom_fences;
static unsigned int oom_count;

static void oom_lock_new_object(struct kunit *test)
{
	dma_resv_init(&oom_obj);
	resv_lock(test, &oom_obj);
}

static int oom_reserve_first(struct kunit *test)
{
	return dma_resv_reserve_fences(&oom_obj, 1);
}

static void oom_unlock_new_object(struct kunit *test, int ret)
{
	dma_resv_unlock(&oom_obj);
	RESV_EXPECT_EMPTY(test, &oom_obj);
	dma_resv_fini(&oom_obj);
}

static void reserve_in_new_object(struct kunit *test)
{
	static const struct oom_case oom = {
		.before = oom_lock_new_object,
		.call = oom_reserve_first,
		.after = oom_unlock_new_object,
	};

	oom_try(test, &oom);
}

static unsigned int oom_slots;

static void oom_lock(struct kunit *test)
{
	resv_lock(test, resv_obj(test));
}

static int oom_reserve_more(struct kunit *test)
{
	return dma_resv_reserve_fences(resv_obj(test), oom_slots);
}

static void oom_unlock(struct kunit *test, int ret)
{
	/* So that there is something to do for the next one, too */
	if (!ret)
		ret = dma_resv_copy_fences(resv_obj(test), resv_obj(test));
	dma_resv_unlock(resv_obj(test));
}

static void reserve_in_full_object(struct kunit *test)
{
	static const struct oom_case oom = {
		.before = oom_lock,
		.call = oom_reserve_more,
		.after = oom_unlock,
	};

	oom_slots = 100;
	oom_try(test, &oom);
}

/* Large tables come from another allocator */
static void reserve_large_table(struct kunit *test)
{
	static const struct oom_case oom = {
		.before = oom_lock,
		.call = oom_reserve_more,
		.after = oom_unlock,
	};

	oom_slots = 10000;
	oom_try(test, &oom);
}

/* What was reserved stays reserved when there is no memory for more */
static void failed_reserve_keeps_slots(struct kunit *test)
{
	struct dma_resv *obj = resv_obj(test);
	struct dma_fence *fences[10];
	unsigned int i, failed = 0;
	int ret, second = 0;

	if (!oom_available(test))
		return;

	for (i = 0; i < ARRAY_SIZE(fences); i++)
		fences[i] = resv_new_fence(test);

	resv_lock(test, obj);
	ret = dma_resv_reserve_fences(obj, ARRAY_SIZE(fences));
	if (!ret) {
		oom_inject_arm(1, true);
		second = dma_resv_reserve_fences(obj, 1000);
		failed = oom_inject_disarm(NULL);
		for (i = 0; i < ARRAY_SIZE(fences); i++)
			dma_resv_add_fence(obj, fences[i], DMA_RESV_USAGE_READ);
	}
	dma_resv_unlock(obj);

	KUNIT_EXPECT_EQ(test, ret, 0);
	KUNIT_EXPECT_EQ(test, second, -ENOMEM);
	KUNIT_EXPECT_GE(test, failed, 1u);
	for (i = 0; i < ARRAY_SIZE(fences); i++)
		KUNIT_EXPECT_EQ(test, kref_read(&fences[i]->refcount), 2u);
}

static void oom_poison_results(struct kunit *test)
{
	oom_fence = ERR_PTR(-EINVAL);
	oom_fences = ERR_PTR(-EINVAL);
	oom_count = 77;
}

static int oom_get_fences(struct kunit *test)
{
	return dma_resv_get_fences(resv_obj(test), DMA_RESV_USAGE_BOOKKEEP,
				   &oom_count, &oom_fences);
}

static void oom_check_references(struct kunit *test)
{
	unsigned int i;

	for (i = 0; i < OOM_FENCES; i++)
		KUNIT_EXPECT_EQ(test, kref_read(&oom_entries[i].fence->refcount),
				2u);
}

static void oom_put_fences(struct kunit *test, int ret)
{
	if (ret) {
		KUNIT_EXPECT_EQ(test, oom_count, 0u);
		KUNIT_EXPECT_TRUE(test, !oom_fences);
	} else {
		KUNIT_EXPECT_EQ(test, oom_count, (unsigned int)OOM_FENCES);
		while (oom_count)
			dma_fence_put(oom_fences[--oom_count]);
		kfree(oom_fences);
	}
	oom_check_references(test);
}

static void get_fences_without_memory(struct kunit *test)
{
	static const struct oom_case oom = {
		.before = oom_poison_results,
		.call = oom_get_fences,
		.after = oom_put_fences,
	};

	oom_try(test, &oom);
}

static int oom_get_singleton(struct kunit *test)
{
	return dma_resv_get_singleton(resv_obj(test), DMA_RESV_USAGE_BOOKKEEP,
				      &oom_fence);
}

static void oom_put_singleton(struct kunit *test, int ret)
{
	if (ret) {
		KUNIT_EXPECT_TRUE(test, !oom_fence);
	} else {
		KUNIT_EXPECT_FALSE(test, dma_fence_is_signaled(oom_fence));
		dma_fence_put(oom_fence);
	}
	oom_check_references(test);
}

static void get_singleton_without_memory(struct kunit *test)
{
	static const struct oom_case oom = {
		.before = oom_poison_results,
		.call = oom_get_singleton,
		.after = oom_put_singleton,
	};

	oom_try(test, &oom);
}

static void oom_lock_destination(struct kunit *test)
{
	dma_resv_init(&oom_obj);
	oom_old = resv_new_fence(test);
	resv_add(test, &oom_obj, oom_old, DMA_RESV_USAGE_WRITE);
	resv_lock(test, &oom_obj);
}

static int oom_copy(struct kunit *test)
{
	return dma_resv_copy_fences(&oom_obj, resv_obj(test));
}

static void oom_check_destination(struct kunit *test, int ret)
{
	dma_resv_unlock(&oom_obj);
	if (ret)
		RESV_EXPECT(test, &oom_obj, { oom_old, DMA_RESV_USAGE_WRITE });
	else
		resv_expect(test, &oom_obj, oom_entries, OOM_FENCES, __LINE__);
	dma_resv_fini(&oom_obj);
	KUNIT_EXPECT_EQ(test, kref_read(&oom_old->refcount), 1u);
	oom_check_references(test);
}

static void copy_without_memory(struct kunit *test)
{
	static const struct oom_case oom = {
		.before = oom_lock_destination,
		.call = oom_copy,
		.after = oom_check_destination,
	};

	oom_try(test, &oom);
}

/*
 * Past the point where a job can be given up there is nobody left to tell, and on
 * the way to signaling a fence nobody may wait for memory.
 */
static int oom_call_add(struct kunit *test)
{
	unsigned int i;

	for (i = 0; i < OOM_FENCES; i++)
		dma_resv_add_fence(resv_obj(test), oom_entries[i].fence,
				   oom_entries[i].usage);
	/* And once more, as something else */
	for (i = 0; i < OOM_FENCES; i++)
		dma_resv_add_fence(resv_obj(test), oom_entries[i].fence,
				   DMA_RESV_USAGE_WRITE);

	return 0;
}

static void add_never_allocates(struct kunit *test)
{
	struct dma_resv *obj = resv_obj(test);
	unsigned int i;
	int ret;

	for (i = 0; i < OOM_FENCES; i++)
		oom_entries[i] = (struct resv_entry){ resv_new_fence(test),
						      i % RESV_USAGES };

	resv_lock(test, obj);
	ret = dma_resv_reserve_fences(obj, 2 * OOM_FENCES);
	if (!ret)
		oom_never(test, oom_call_add);
	dma_resv_unlock(obj);
	KUNIT_EXPECT_EQ(test, ret, 0);
}

static int oom_call_replace(struct kunit *test)
{
	unsigned int i;

	for (i = 0; i < OOM_FENCES; i++)
		dma_resv_replace_fences(resv_obj(test),
					oom_entries[i].fence->context,
					oom_fence, DMA_RESV_USAGE_KERNEL);

	return 0;
}

static void replace_never_allocates(struct kunit *test)
{
	oom_fill(test);
	oom_fence = resv_new_fence(test);

	resv_lock(test, resv_obj(test));
	oom_never(test, oom_call_replace);
	dma_resv_unlock(resv_obj(test));
}

static int oom_call_queries(struct kunit *test)
{
	struct dma_resv *obj = resv_obj(test);
	enum dma_resv_usage query;
	int ret = 0;

	for (query = 0; query < RESV_USAGES; query++) {
		if (dma_resv_test_signaled(obj, query))
			ret = -EINVAL;
		if (dma_resv_wait_timeout(obj, query, true, 0))
			ret = -EINVAL;
	}

	return ret;
}

static void looking_never_allocates(struct kunit *test)
{
	oom_fill(test);
	oom_never(test, oom_call_queries);
}

static int oom_call_walks(struct kunit *test)
{
	struct dma_resv_iter cursor;
	struct dma_fence *fence;
	unsigned int count = 0;

	dma_resv_iter_begin(&cursor, resv_obj(test), DMA_RESV_USAGE_BOOKKEEP);
	dma_resv_for_each_fence_unlocked(&cursor, fence)
		count++;
	dma_resv_iter_end(&cursor);

	dma_resv_for_each_fence(&cursor, resv_obj(test),
				DMA_RESV_USAGE_BOOKKEEP, fence)
		count++;

	return count == 2 * OOM_FENCES ? 0 : -EINVAL;
}

static void walks_never_allocate(struct kunit *test)
{
	oom_fill(test);
	resv_lock(test, resv_obj(test));
	oom_never(test, oom_call_walks);
	dma_resv_unlock(resv_obj(test));
}

/* A query that yields nothing has nothing to allocate for */
static int oom_call_get_nothing(struct kunit *test)
{
	return dma_resv_get_fences(resv_obj(test), DMA_RESV_USAGE_READ,
				   &oom_count, &oom_fences);
}

static void get_no_fences_never_allocates(struct kunit *test)
{
	resv_add_new(test, DMA_RESV_USAGE_BOOKKEEP);
	oom_never(test, oom_call_get_nothing);
	KUNIT_EXPECT_EQ(test, oom_count, 0u);
}

static struct kunit_case dma_resv_oom_cases[] = {
	KUNIT_CASE(reserve_in_new_object),
	KUNIT_CASE(reserve_in_full_object),
	KUNIT_CASE(reserve_large_table),
	KUNIT_CASE(failed_reserve_keeps_slots),
	KUNIT_CASE(get_fences_without_memory),
	KUNIT_CASE(get_singleton_without_memory),
	KUNIT_CASE(copy_without_memory),
	KUNIT_CASE(add_never_allocates),
	KUNIT_CASE(replace_never_allocates),
	KUNIT_CASE(looking_never_allocates),
	KUNIT_CASE(walks_never_allocate),
	KUNIT_CASE(get_no_fences_never_allocates),
	{}
};

struct kunit_suite dma_resv_oom_suite = {
	.name = "dma-resv-oom",
	.init = oom_init,
	.exit = oom_exit,
	.test_cases = dma_resv_oom_cases,
};
