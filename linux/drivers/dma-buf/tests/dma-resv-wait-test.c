// SPDX-License-Identifier: GPL-2.0
/*
 * dma_resv_wait_timeout(): it ends when the query is idle, when time is up, or when
 * a signal comes, and not otherwise.
 */

#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/jiffies.h>
#include <linux/kthread.h>
#include <linux/sched/signal.h>

#include "../dma-fence-check.h"
#include "dmabuf-kunit.h"
#include "resv-fixture.h"

#define A_WHILE		max(HZ / 20, 3)
#define LONG		(20 * HZ)

static void wait_ends_with_signal_usage(struct kunit *test, enum dma_resv_usage usage)
{
	struct dma_fence *fence = resv_add_new(test, usage);
	struct mock_signaler signaler;
	enum dma_resv_usage query;
	long ret;

	for (query = usage; query < RESV_USAGES; query++) {
		mock_signal_later(&signaler, fence, A_WHILE);
		ret = dma_resv_wait_timeout(resv_obj(test), query, false, LONG);
		KUNIT_EXPECT_TRUE_MSG(test, dma_fence_is_signaled(fence),
				      "query %s", resv_usage_name(query));
		KUNIT_EXPECT_GT(test, ret, 0L);
		KUNIT_EXPECT_LE(test, ret, (long)LONG);
		mock_signal_end(&signaler);

		fence = resv_add_new(test, usage);
	}
}

RESV_PER_USAGE(wait_ends_with_signal);

/* A weaker fence is none of its business: waited for, this one takes too long */
static void wait_ignores_weaker_usage(struct kunit *test, enum dma_resv_usage query)
{
	enum dma_resv_usage usage;
	struct dma_fence *fence;
	struct mock_signaler signaler;
	long ret;

	for (usage = query + 1; usage < RESV_USAGES; usage++)
		resv_add_new(test, usage);

	KUNIT_EXPECT_GT(test, dma_resv_wait_timeout(resv_obj(test), query, false,
						    A_WHILE), 0L);

	/* Neither when there is something else to wait for */
	fence = resv_add_new(test, query);
	mock_signal_later(&signaler, fence, A_WHILE);
	ret = dma_resv_wait_timeout(resv_obj(test), query, false, HZ * 2);
	KUNIT_EXPECT_GT(test, ret, 0L);
	KUNIT_EXPECT_TRUE(test, dma_fence_is_signaled(fence));
	mock_signal_end(&signaler);
}

RESV_PER_USAGE(wait_ignores_weaker);

static void wait_times_out(struct kunit *test)
{
	unsigned long start = jiffies;
	long ret;

	resv_add_new(test, DMA_RESV_USAGE_READ);
	ret = dma_resv_wait_timeout(resv_obj(test), DMA_RESV_USAGE_READ, false,
				    A_WHILE);
	KUNIT_EXPECT_EQ(test, ret, 0L);
	KUNIT_EXPECT_TRUE(test, time_after_eq(jiffies, start + A_WHILE));
}

/* The time is for all the fences together, not for each */
static void timeout_is_not_per_fence(struct kunit *test)
{
	struct mock_signaler signalers[6];
	unsigned long start = jiffies, spent;
	unsigned int i;
	long ret;

	for (i = 0; i < ARRAY_SIZE(signalers); i++)
		mock_signal_later(&signalers[i],
				  resv_add_new(test, DMA_RESV_USAGE_WRITE),
				  (i + 1) * A_WHILE);
	resv_add_new(test, DMA_RESV_USAGE_WRITE);

	ret = dma_resv_wait_timeout(resv_obj(test), DMA_RESV_USAGE_WRITE, false,
				    7 * A_WHILE);
	spent = jiffies - start;
	for (i = 0; i < ARRAY_SIZE(signalers); i++)
		mock_signal_end(&signalers[i]);

	KUNIT_EXPECT_EQ(test, ret, 0L);
	KUNIT_EXPECT_GE(test, spent, 7ul * A_WHILE);
	/* One each would be several times as long */
	KUNIT_EXPECT_LT(test, spent, 12ul * A_WHILE);
}

static void remaining_time_is_returned(struct kunit *test)
{
	struct dma_fence *fence = resv_add_new(test, DMA_RESV_USAGE_WRITE);
	struct mock_signaler signaler;
	long ret;

	mock_signal_later(&signaler, fence, A_WHILE);
	ret = dma_resv_wait_timeout(resv_obj(test), DMA_RESV_USAGE_WRITE, false,
				    LONG);
	mock_signal_end(&signaler);
	/* At most what the wait has left, and not next to nothing either */
	KUNIT_EXPECT_LE(test, ret, (long)(LONG - A_WHILE + 1));
	KUNIT_EXPECT_GT(test, ret, (long)LONG / 2);
}

static void idle_wait_returns_time(struct kunit *test)
{
	dma_fence_signal(resv_add_new(test, DMA_RESV_USAGE_WRITE));
	resv_add_new(test, DMA_RESV_USAGE_BOOKKEEP);

	KUNIT_EXPECT_EQ(test, dma_resv_wait_timeout(resv_obj(test),
						    DMA_RESV_USAGE_READ, true,
						    A_WHILE), (long)A_WHILE);
	KUNIT_EXPECT_EQ(test, dma_resv_wait_timeout(resv_obj(test),
						    DMA_RESV_USAGE_READ, false,
						    MAX_SCHEDULE_TIMEOUT),
			MAX_SCHEDULE_TIMEOUT);
}

static void wait_without_end(struct kunit *test)
{
	struct dma_fence *fence = resv_add_new(test, DMA_RESV_USAGE_KERNEL);
	struct mock_signaler signaler;
	long ret;

	mock_signal_later(&signaler, fence, A_WHILE);
	ret = dma_resv_wait_timeout(resv_obj(test), DMA_RESV_USAGE_BOOKKEEP,
				    false, MAX_SCHEDULE_TIMEOUT);
	KUNIT_EXPECT_TRUE(test, dma_fence_is_signaled(fence));
	mock_signal_end(&signaler);
	KUNIT_EXPECT_GT(test, ret, 0L);
}

static void wait_is_for_all_of_them(struct kunit *test)
{
	/* Not in the order in which they were added */
	static const unsigned int when[] = { 3, 1, 5, 2, 4 };
	struct mock_signaler signalers[ARRAY_SIZE(when)];
	struct dma_fence *fences[ARRAY_SIZE(when)];
	unsigned int i;
	long ret;

	for (i = 0; i < ARRAY_SIZE(when); i++)
		fences[i] = resv_add_new(test, i % RESV_USAGES);
	for (i = 0; i < ARRAY_SIZE(when); i++)
		mock_signal_later(&signalers[i], fences[i], when[i] * A_WHILE);

	ret = dma_resv_wait_timeout(resv_obj(test), DMA_RESV_USAGE_BOOKKEEP,
				    false, LONG);
	KUNIT_EXPECT_GT(test, ret, 0L);
	for (i = 0; i < ARRAY_SIZE(when); i++) {
		KUNIT_EXPECT_TRUE_MSG(test, dma_fence_is_signaled(fences[i]),
				      "fence %u", i);
		mock_signal_end(&signalers[i]);
	}
}

/* More than anybody would keep on the stack, and it is the last that takes long */
static void wait_for_many(struct kunit *test)
{
	struct dma_resv *obj = resv_obj(test);
	struct dma_fence *fences[100];
	struct mock_signaler signaler;
	enum dma_resv_usage query;
	unsigned int i;
	long ret;

	for (i = 0; i < ARRAY_SIZE(fences); i++)
		fences[i] = resv_add_new(test, i * RESV_USAGES /
					 ARRAY_SIZE(fences));
	for (query = 0; query < RESV_USAGES; query++)
		KUNIT_EXPECT_EQ(test, dma_resv_wait_timeout(obj, query, false,
							    0), 0L);

	/* Nor is it over when the first one has signaled */
	mock_signal_later(&signaler, fences[0], A_WHILE);
	ret = dma_resv_wait_timeout(obj, DMA_RESV_USAGE_BOOKKEEP, false,
				    2 * A_WHILE);
	mock_signal_end(&signaler);
	KUNIT_EXPECT_EQ(test, ret, 0L);
}

static void wait_for_last_of_many(struct kunit *test)
{
	struct mock_signaler signalers[20];
	struct dma_fence *fences[20];
	unsigned int i;
	long ret;

	for (i = 0; i < ARRAY_SIZE(fences); i++)
		fences[i] = resv_add_new(test, DMA_RESV_USAGE_READ);
	/* All but one, wherever in the order that is */
	for (i = 0; i < ARRAY_SIZE(fences) - 1; i++)
		mock_signal_later(&signalers[i], fences[i], 2);
	ret = dma_resv_wait_timeout(resv_obj(test), DMA_RESV_USAGE_READ, false,
				    A_WHILE);
	for (i = 0; i < ARRAY_SIZE(fences) - 1; i++)
		mock_signal_end(&signalers[i]);
	KUNIT_EXPECT_EQ(test, ret, 0L);
}

/* The hardware is done, but nobody enabled the interrupt that would say so */
static void wait_looks_at_polled_fence(struct kunit *test)
{
	struct dma_fence *fence = resv_new_polled_fence(test);

	resv_add(test, resv_obj(test), fence, DMA_RESV_USAGE_WRITE);
	mock_fence_complete(fence);
	KUNIT_EXPECT_GT(test, dma_resv_wait_timeout(resv_obj(test),
						    DMA_RESV_USAGE_WRITE, false,
						    A_WHILE), 0L);
}

/* What the checker says about it, if it is there */
static void expect_early(bool begin)
{
#ifdef CONFIG_DMABUF_CHECK
	if (static_branch_unlikely(&dma_fence_check_enabled))
		dma_fence_check_expect(DMA_FENCE_CHECK_EARLY, begin);
#endif
}

static struct dma_fence *add_early(struct kunit *test)
{
	u64 context = dma_fence_context_alloc(1);
	struct dma_fence *fence;

	fence = resv_keep_fence(test, mock_fence_create_early(context, 1));
	resv_add(test, resv_obj(test), fence, DMA_RESV_USAGE_WRITE);

	return fence;
}

/* The driver says that it is done, but the fence has not signaled */
static void wait_is_not_over_before_the_fence(struct kunit *test)
{
	struct dma_fence *fence = add_early(test);
	struct mock_signaler signaler;
	bool signaled;
	long ret;

	mock_signal_later(&signaler, fence, A_WHILE);
	expect_early(true);
	ret = dma_resv_wait_timeout(resv_obj(test), DMA_RESV_USAGE_WRITE, false,
				    LONG);
	expect_early(false);
	signaled = dma_fence_is_signaled(fence);
	mock_signal_end(&signaler);
	KUNIT_EXPECT_GT(test, ret, 0L);
	KUNIT_EXPECT_LT(test, ret, (long)LONG);
	KUNIT_EXPECT_TRUE(test, signaled);
}

/* It never does: the time is what ends the wait */
static void wait_that_ends_early_times_out(struct kunit *test)
{
	unsigned long start = jiffies;
	long ret;

	add_early(test);
	expect_early(true);
	ret = dma_resv_wait_timeout(resv_obj(test), DMA_RESV_USAGE_BOOKKEEP,
				    true, A_WHILE);
	expect_early(false);
	KUNIT_EXPECT_EQ(test, ret, 0L);
	KUNIT_EXPECT_TRUE(test, time_after_eq(jiffies, start + A_WHILE));
}

/* Without time the driver's wait is not even asked, but signaling is enabled */
static void look_enables_signaling(struct kunit *test)
{
	struct dma_fence *fence = add_early(test);
	struct dma_resv *obj = resv_obj(test);

	KUNIT_EXPECT_EQ(test, dma_resv_wait_timeout(obj, DMA_RESV_USAGE_WRITE,
						    false, 0), 0L);
	KUNIT_EXPECT_TRUE(test, test_bit(DMA_FENCE_FLAG_ENABLE_SIGNAL_BIT,
					 &fence->flags));

	/* That alone may be what it takes */
	dma_fence_signal(fence);
	fence = add_early(test);
	mock_fence_complete(fence);
	KUNIT_EXPECT_EQ(test, dma_resv_wait_timeout(obj, DMA_RESV_USAGE_WRITE,
						    false, 0), 1L);
}

/* The fence waited for is replaced by a later one, and that one is gone as well */
static void wait_when_fence_is_replaced(struct kunit *test)
{
	u64 context = dma_fence_context_alloc(1);
	struct dma_fence *a = resv_new_fence_on(test, context, 1);
	struct dma_fence *b = resv_new_fence_on(test, context, 2);
	struct mock_signaler signal_a, signal_b;
	long ret;

	resv_add(test, resv_obj(test), a, DMA_RESV_USAGE_WRITE);
	resv_add(test, resv_obj(test), b, DMA_RESV_USAGE_WRITE);
	mock_signal_later(&signal_a, a, A_WHILE);
	mock_signal_later(&signal_b, b, 2 * A_WHILE);
	ret = dma_resv_wait_timeout(resv_obj(test), DMA_RESV_USAGE_WRITE, false,
				    LONG);
	KUNIT_EXPECT_GT(test, ret, 0L);
	KUNIT_EXPECT_TRUE(test, dma_fence_is_signaled(b));
	mock_signal_end(&signal_a);
	mock_signal_end(&signal_b);
}

/**
 * struct waiter - a thread that waits for an object
 * @task: the thread
 * @obj: the object
 * @usage: the query
 * @intr: whether the wait is interruptible
 * @ready: the thread is about to wait
 * @done: the wait is over
 * @ret: what it returned
 */
struct waiter {
	struct task_struct *task;
	struct dma_resv *obj;
	enum dma_resv_usage usage;
	bool intr;
	struct completion ready;
	struct completion done;
	long ret;
};

static int waiter_main(void *data)
{
	struct waiter *waiter = data;

	allow_signal(SIGUSR1);
	complete(&waiter->ready);
	waiter->ret = dma_resv_wait_timeout(waiter->obj, waiter->usage,
					    waiter->intr, LONG);
	complete(&waiter->done);

	while (!kthread_should_stop()) {
		if (signal_pending(current))
			flush_signals(current);
		schedule_timeout_interruptible(1);
	}

	return 0;
}

static void waiter_start(struct kunit *test, struct waiter *waiter,
			 enum dma_resv_usage usage, bool intr)
{
	waiter->obj = resv_obj(test);
	waiter->usage = usage;
	waiter->intr = intr;
	init_completion(&waiter->ready);
	init_completion(&waiter->done);
	waiter->task = kthread_run(waiter_main, waiter, "resv-waiter");
	KUNIT_ASSERT_FALSE(test, IS_ERR(waiter->task));
	wait_for_completion(&waiter->ready);
}

static bool waiter_is_done(struct waiter *waiter, unsigned long timeout)
{
	return wait_for_completion_timeout(&waiter->done, timeout);
}

static void interruptible_wait_is_interrupted(struct kunit *test)
{
	struct waiter waiter;

	resv_add_new(test, DMA_RESV_USAGE_WRITE);
	waiter_start(test, &waiter, DMA_RESV_USAGE_WRITE, true);
	KUNIT_EXPECT_FALSE(test, waiter_is_done(&waiter, A_WHILE));
	send_sig(SIGUSR1, waiter.task, 1);
	KUNIT_EXPECT_TRUE(test, waiter_is_done(&waiter, LONG / 2));
	kthread_stop(waiter.task);
	KUNIT_EXPECT_EQ(test, waiter.ret, (long)-ERESTARTSYS);
}

static void uninterruptible_wait_is_not(struct kunit *test)
{
	struct dma_fence *fence = resv_add_new(test, DMA_RESV_USAGE_WRITE);
	struct waiter waiter;

	waiter_start(test, &waiter, DMA_RESV_USAGE_WRITE, false);
	send_sig(SIGUSR1, waiter.task, 1);
	KUNIT_EXPECT_FALSE(test, waiter_is_done(&waiter, 2 * A_WHILE));
	dma_fence_signal(fence);
	KUNIT_EXPECT_TRUE(test, waiter_is_done(&waiter, LONG / 2));
	kthread_stop(waiter.task);
	KUNIT_EXPECT_GT(test, waiter.ret, 0L);
}

static void several_waiters_are_woken(struct kunit *test)
{
	struct dma_fence *fences[RESV_USAGES];
	struct waiter waiters[RESV_USAGES];
	enum dma_resv_usage usage, later;

	for (usage = 0; usage < RESV_USAGES; usage++)
		fences[usage] = resv_add_new(test, usage);
	for (usage = 0; usage < RESV_USAGES; usage++)
		waiter_start(test, &waiters[usage], usage, usage % 2);

	for (usage = 0; usage < RESV_USAGES; usage++) {
		for (later = usage; later < RESV_USAGES; later++)
			KUNIT_EXPECT_FALSE(test, waiter_is_done(&waiters[later],
								1));
		dma_fence_signal(fences[usage]);
		KUNIT_EXPECT_TRUE_MSG(test, waiter_is_done(&waiters[usage],
							   LONG / 2),
				      "waiter for %s", resv_usage_name(usage));
		kthread_stop(waiters[usage].task);
		KUNIT_EXPECT_GT(test, waiters[usage].ret, 0L);
	}
}

/* Somebody who keeps adding fences must not keep others waiting */
static void wait_is_not_held_up_by_later_fences(struct kunit *test)
{
	struct dma_fence *fence = resv_add_new(test, DMA_RESV_USAGE_WRITE), *next;
	struct waiter waiter;
	unsigned int i;
	bool done = false;

	waiter_start(test, &waiter, DMA_RESV_USAGE_WRITE, false);
	KUNIT_EXPECT_FALSE(test, waiter_is_done(&waiter, A_WHILE));

	/* At no time is the object idle */
	for (i = 0; i < 100 && !done; i++) {
		next = resv_add_new(test, DMA_RESV_USAGE_WRITE);
		dma_fence_signal(fence);
		fence = next;
		done = waiter_is_done(&waiter, 2);
	}
	KUNIT_EXPECT_TRUE(test, done);
	KUNIT_EXPECT_FALSE(test, dma_fence_is_signaled(fence));
	dma_fence_signal(fence);
	kthread_stop(waiter.task);
}

static struct kunit_case dma_resv_wait_cases[] = {
	KUNIT_CASE(wait_ends_with_signal_kernel),
	KUNIT_CASE(wait_ends_with_signal_write),
	KUNIT_CASE(wait_ends_with_signal_read),
	KUNIT_CASE(wait_ends_with_signal_bookkeep),
	KUNIT_CASE(wait_ignores_weaker_kernel),
	KUNIT_CASE(wait_ignores_weaker_write),
	KUNIT_CASE(wait_ignores_weaker_read),
	KUNIT_CASE(wait_ignores_weaker_bookkeep),
	KUNIT_CASE(wait_times_out),
	KUNIT_CASE(timeout_is_not_per_fence),
	KUNIT_CASE(remaining_time_is_returned),
	KUNIT_CASE(idle_wait_returns_time),
	KUNIT_CASE(wait_without_end),
	KUNIT_CASE(wait_is_for_all_of_them),
	KUNIT_CASE(wait_for_many),
	KUNIT_CASE(wait_for_last_of_many),
	KUNIT_CASE(wait_looks_at_polled_fence),
	KUNIT_CASE(wait_is_not_over_before_the_fence),
	KUNIT_CASE(wait_that_ends_early_times_out),
	KUNIT_CASE(look_enables_signaling),
	KUNIT_CASE(wait_when_fence_is_replaced),
	KUNIT_CASE(interruptible_wait_is_interrupted),
	KUNIT_CASE(uninterruptible_wait_is_not),
	KUNIT_CASE(several_waiters_are_woken),
	KUNIT_CASE(wait_is_not_held_up_by_later_fences),
	{}
};

struct kunit_suite dma_resv_wait_suite = {
	.name = "dma-resv-wait",
	.init = resv_fixture_init,
	.exit = resv_fixture_exit,
	.test_cases = dma_resv_wait_cases,
};
