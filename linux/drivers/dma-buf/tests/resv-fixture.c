// SPDX-License-Identifier: GPL-2.0
/*
 * What the suites for reservation objects have in common.
 */

#include <linux/export.h>
#include <linux/slab.h>

#include "resv-fixture.h"

/**
 * resv_fixture_init - give a test case its object
 * @test: the test case
 *
 * Return: 0, or -ENOMEM.
 */
int resv_fixture_init(struct kunit *test)
{
	struct resv_fixture *fixture;

	fixture = kzalloc(sizeof(*fixture), GFP_KERNEL);
	if (!fixture)
		return -ENOMEM;

	dma_resv_init(&fixture->obj);
	INIT_LIST_HEAD(&fixture->fences);
	test->priv = fixture;

	return 0;
}
EXPORT_SYMBOL_GPL(resv_fixture_init);

/**
 * resv_fixture_exit - take it away, and see whether a reference leaked
 * @test: the test case
 */
void resv_fixture_exit(struct kunit *test)
{
	struct resv_fixture *fixture = test->priv;
	struct mock_fence *mock, *next;

	if (!fixture)
		return;

	list_for_each_entry(mock, &fixture->fences, owned)
		dma_fence_signal(&mock->base);

	/* A test case that was aborted takes the lock to its grave */
	if (dma_resv_is_locked(&fixture->obj)) {
		kunit_err(test, "the object is still locked, left alone\n");
		kunit_set_failure(test);
		return;
	}
	dma_resv_fini(&fixture->obj);

	list_for_each_entry_safe(mock, next, &fixture->fences, owned) {
		list_del_init(&mock->owned);
		dma_fence_put(&mock->base);
	}
	kfree(fixture);
	test->priv = NULL;

	KUNIT_EXPECT_EQ_MSG(test, mock_fence_drain(), 0u,
			    "somebody keeps references to fences");
}
EXPORT_SYMBOL_GPL(resv_fixture_exit);

/**
 * resv_usage_name - name of a usage for messages
 * @usage: the usage
 *
 * Return: the name.
 */
const char *resv_usage_name(enum dma_resv_usage usage)
{
	static const char * const names[RESV_USAGES] = {
		"KERNEL", "WRITE", "READ", "BOOKKEEP",
	};

	return usage < RESV_USAGES ? names[usage] : "(none)";
}

/**
 * resv_query_yields - what the contract says about a query
 * @query: the usage that is asked for
 * @added: the usage with which a fence is in the object
 *
 * Written down as a table on purpose, not computed from the order of the values
 * as the code under test does.
 *
 * Return: whether the query yields the fence.
 */
bool resv_query_yields(enum dma_resv_usage query, enum dma_resv_usage added)
{
	/* added as KERNEL, WRITE, READ, BOOKKEEP */
	static const bool yields[RESV_USAGES][RESV_USAGES] = {
		[DMA_RESV_USAGE_KERNEL]   = { true, false, false, false },
		[DMA_RESV_USAGE_WRITE]    = { true, true,  false, false },
		[DMA_RESV_USAGE_READ]     = { true, true,  true,  false },
		[DMA_RESV_USAGE_BOOKKEEP] = { true, true,  true,  true  },
	};

	return yields[query][added];
}
EXPORT_SYMBOL_GPL(resv_query_yields);

/**
 * resv_keep_fence - let the fixture own a fence
 * @test: the test case, aborted when there is no fence
 * @fence: a mock fence whose reference is handed over, or NULL
 *
 * The fixture signals the fence and drops the reference at the end.
 *
 * Return: @fence.
 */
struct dma_fence *resv_keep_fence(struct kunit *test, struct dma_fence *fence)
{
	struct resv_fixture *fixture = test->priv;

	KUNIT_ASSERT_TRUE_MSG(test, fence, "no memory for a fence");
	list_add_tail(&to_mock_fence(fence)->owned, &fixture->fences);

	return fence;
}
EXPORT_SYMBOL_GPL(resv_keep_fence);

/**
 * resv_new_fence_on - make a fence
 * @test: the test case, whose fixture owns the fence
 * @context: its context
 * @seqno: its place in the context
 *
 * Return: the fence.
 */
struct dma_fence *resv_new_fence_on(struct kunit *test, u64 context, u64 seqno)
{
	return resv_keep_fence(test, mock_fence_create(context, seqno));
}
EXPORT_SYMBOL_GPL(resv_new_fence_on);

/**
 * resv_new_fence - make a fence with a context of its own
 * @test: the test case, whose fixture owns the fence
 *
 * Return: the fence.
 */
struct dma_fence *resv_new_fence(struct kunit *test)
{
	return resv_new_fence_on(test, dma_fence_context_alloc(1), 1);
}
EXPORT_SYMBOL_GPL(resv_new_fence);

/**
 * resv_new_polled_fence - make a fence that signals once somebody looks
 * @test: the test case, whose fixture owns the fence
 *
 * Return: the fence, with a context of its own.
 */
struct dma_fence *resv_new_polled_fence(struct kunit *test)
{
	u64 context = dma_fence_context_alloc(1);

	return resv_keep_fence(test, mock_fence_create_polled(context, 1));
}
EXPORT_SYMBOL_GPL(resv_new_polled_fence);

/**
 * resv_lock - lock an object
 * @test: the test case, aborted when that fails
 * @obj: the object
 */
void resv_lock(struct kunit *test, struct dma_resv *obj)
{
	KUNIT_ASSERT_EQ(test, dma_resv_lock(obj, NULL), 0);
}
EXPORT_SYMBOL_GPL(resv_lock);

/**
 * resv_add - lock, reserve, add, unlock
 * @test: the test case, aborted when that fails
 * @obj: the object
 * @fence: the fence
 * @usage: its usage
 */
void resv_add(struct kunit *test, struct dma_resv *obj, struct dma_fence *fence,
	      enum dma_resv_usage usage)
{
	int ret;

	resv_lock(test, obj);
	ret = dma_resv_reserve_fences(obj, 1);
	if (!ret)
		dma_resv_add_fence(obj, fence, usage);
	dma_resv_unlock(obj);

	KUNIT_ASSERT_EQ(test, ret, 0);
}
EXPORT_SYMBOL_GPL(resv_add);

/**
 * resv_add_new - add a new fence to the object of the test case
 * @test: the test case
 * @usage: usage of the fence
 *
 * Return: the fence, with a context of its own.
 */
struct dma_fence *resv_add_new(struct kunit *test, enum dma_resv_usage usage)
{
	struct dma_fence *fence = resv_new_fence(test);

	resv_add(test, resv_obj(test), fence, usage);

	return fence;
}
EXPORT_SYMBOL_GPL(resv_add_new);

/**
 * resv_replace - lock, replace, unlock
 * @test: the test case
 * @obj: the object
 * @context: whose fences are replaced
 * @fence: what takes their place
 * @usage: its usage
 */
void resv_replace(struct kunit *test, struct dma_resv *obj, u64 context,
		  struct dma_fence *fence, enum dma_resv_usage usage)
{
	resv_lock(test, obj);
	dma_resv_replace_fences(obj, context, fence, usage);
	dma_resv_unlock(obj);
}
EXPORT_SYMBOL_GPL(resv_replace);

static void resv_print(struct kunit *test, const char *what,
		       const struct resv_entry *entries, unsigned int count)
{
	unsigned int i;

	for (i = 0; i < min(count, 16u); i++)
		kunit_info(test, "%s: %llu:%llu %s\n", what,
			   entries[i].fence->context, entries[i].fence->seqno,
			   resv_usage_name(entries[i].usage));
	if (!count)
		kunit_info(test, "%s: nothing\n", what);
}

static bool resv_same(const struct resv_entry *a, const struct resv_entry *b,
		      unsigned int count)
{
	unsigned int i, j, in_a, in_b;

	for (i = 0; i < count; i++) {
		in_a = 0;
		in_b = 0;
		for (j = 0; j < count; j++) {
			in_a += a[i].fence == a[j].fence &&
				a[i].usage == a[j].usage;
			in_b += a[i].fence == b[j].fence &&
				a[i].usage == b[j].usage;
		}
		if (in_a != in_b)
			return false;
	}

	return true;
}

static void resv_compare(struct kunit *test, const char *walk,
			 const struct resv_entry *have, unsigned int have_count,
			 const struct resv_entry *want, unsigned int want_count,
			 int line)
{
	if (have_count == want_count && resv_same(have, want, want_count))
		return;

	KUNIT_FAIL(test, "line %d: the %s walk does not find what it should",
		   line, walk);
	resv_print(test, "found", have, min(have_count, want_count + 16));
	resv_print(test, "should be", want, want_count);
}

/**
 * resv_expect - expect certain fences, see RESV_EXPECT()
 * @test: the test case
 * @obj: the object, not locked
 * @want: what should be in it
 * @count: how many those are
 * @line: where in the test that is expected
 */
void resv_expect(struct kunit *test, struct dma_resv *obj,
		 const struct resv_entry *want, unsigned int count, int line)
{
	const unsigned int room = count + 16;
	struct dma_resv_iter cursor;
	struct resv_entry *have;
	struct dma_fence *fence;
	unsigned int n = 0;

	have = kunit_kzalloc(test, room * sizeof(*have), GFP_KERNEL);
	KUNIT_ASSERT_TRUE(test, have);

	resv_lock(test, obj);
	dma_resv_for_each_fence(&cursor, obj, DMA_RESV_USAGE_BOOKKEEP, fence) {
		if (dma_fence_is_signaled(fence))
			continue;
		if (n < room) {
			have[n].fence = fence;
			have[n].usage = dma_resv_iter_usage(&cursor);
		}
		n++;
	}
	dma_resv_unlock(obj);
	resv_compare(test, "locked", have, n, want, count, line);

	n = 0;
	dma_resv_iter_begin(&cursor, obj, DMA_RESV_USAGE_BOOKKEEP);
	dma_resv_for_each_fence_unlocked(&cursor, fence) {
		if (dma_resv_iter_is_restarted(&cursor))
			n = 0;
		if (n < room) {
			have[n].fence = fence;
			have[n].usage = dma_resv_iter_usage(&cursor);
		}
		n++;
	}
	dma_resv_iter_end(&cursor);
	resv_compare(test, "unlocked", have, n, want, count, line);

	kunit_kfree(test, have);
}
EXPORT_SYMBOL_GPL(resv_expect);
