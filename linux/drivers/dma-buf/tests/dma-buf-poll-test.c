// SPDX-License-Identifier: GPL-2.0
/*
 * poll() on a buffer: EPOLLIN waits for what a reader waits for, EPOLLOUT for what
 * a writer waits for. Nobody who waits is forgotten, and nothing is left behind.
 */

#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/file.h>
#include <linux/jiffies.h>
#include <linux/kthread.h>
#include <linux/poll.h>

#include "dmabuf-kunit.h"
#include "mock-dmabuf.h"
#include "resv-fixture.h"

/**
 * struct poller - somebody who polls a buffer
 * @table: how the buffer finds the poller
 * @entry: its place on the wait queue
 * @queue: the wait queue, NULL until there was a poll
 * @events: what it polls for
 * @woken: it was woken since it last looked
 * @wakeups: how often it was woken
 */
struct poller {
	poll_table table;
	wait_queue_entry_t entry;
	wait_queue_head_t *queue;
	__poll_t events;
	struct completion woken;
	atomic_t wakeups;
};

static int poller_wake(wait_queue_entry_t *entry, unsigned int mode, int flags,
		       void *key)
{
	struct poller *poller = container_of(entry, struct poller, entry);

	/* As poll() does it: what it did not ask for is not for it */
	if (key && !(key_to_poll(key) & poller->events))
		return 0;
	atomic_inc(&poller->wakeups);
	complete(&poller->woken);

	return 1;
}

static void poller_queue(struct file *file, wait_queue_head_t *queue,
			 poll_table *table)
{
	struct poller *poller = container_of(table, struct poller, table);

	poller->queue = queue;
	add_wait_queue(queue, &poller->entry);
}

static void poller_init(struct poller *poller, __poll_t events)
{
	init_poll_funcptr(&poller->table, poller_queue);
	poller->table._key = events;
	init_waitqueue_func_entry(&poller->entry, poller_wake);
	poller->queue = NULL;
	poller->events = events;
	init_completion(&poller->woken);
	atomic_set(&poller->wakeups, 0);
}

static __poll_t poller_poll(struct poller *poller, struct dma_buf *dmabuf)
{
	__poll_t ready = vfs_poll(dmabuf->file, &poller->table);

	/* Once on the queue, always on the queue */
	poller->table._qproc = NULL;

	return ready & poller->events;
}

static void poller_end(struct poller *poller)
{
	if (poller->queue)
		remove_wait_queue(poller->queue, &poller->entry);
}

static struct dma_buf *poll_dmabuf;

static int poll_init(struct kunit *test)
{
	poll_dmabuf = mock_dmabuf_export();
	if (IS_ERR(poll_dmabuf))
		return PTR_ERR(poll_dmabuf);

	return resv_fixture_init(test);
}

static void poll_exit(struct kunit *test)
{
	if (!IS_ERR_OR_NULL(poll_dmabuf))
		mock_dmabuf_close(poll_dmabuf);
	poll_dmabuf = NULL;
	resv_fixture_exit(test);
}

static struct dma_fence *poll_add(struct kunit *test, enum dma_resv_usage usage)
{
	struct dma_fence *fence = resv_new_fence(test);

	resv_add(test, poll_dmabuf->resv, fence, usage);

	return fence;
}

static void poll_of_idle_buffer(struct kunit *test)
{
	struct poller poller;

	poller_init(&poller, EPOLLIN | EPOLLOUT);
	KUNIT_EXPECT_TRUE(test, poller_poll(&poller, poll_dmabuf) ==
			  (EPOLLIN | EPOLLOUT));
	poller_end(&poller);
}

static void poll_for(struct kunit *test, enum dma_resv_usage added,
		     __poll_t events, enum dma_resv_usage query)
{
	struct dma_fence *fence = poll_add(test, added);
	bool ready, want = !resv_query_yields(query, added);
	struct poller poller;

	poller_init(&poller, events);
	ready = poller_poll(&poller, poll_dmabuf);
	KUNIT_EXPECT_EQ(test, ready, want);

	dma_fence_signal(fence);
	if (!want)
		KUNIT_EXPECT_GE(test, atomic_read(&poller.wakeups), 1);
	KUNIT_EXPECT_TRUE(test, poller_poll(&poller, poll_dmabuf));
	poller_end(&poller);
}

static void poll_in_of_usage(struct kunit *test, enum dma_resv_usage added)
{
	poll_for(test, added, EPOLLIN, DMA_RESV_USAGE_WRITE);
}

RESV_PER_USAGE(poll_in_of);

static void poll_out_of_usage(struct kunit *test, enum dma_resv_usage added)
{
	poll_for(test, added, EPOLLOUT, DMA_RESV_USAGE_READ);
}

RESV_PER_USAGE(poll_out_of);

static void in_and_out_become_ready_by_themselves(struct kunit *test)
{
	struct dma_fence *write = poll_add(test, DMA_RESV_USAGE_WRITE);
	struct dma_fence *read = poll_add(test, DMA_RESV_USAGE_READ);
	struct poller poller;

	poller_init(&poller, EPOLLIN | EPOLLOUT);
	KUNIT_EXPECT_FALSE(test, poller_poll(&poller, poll_dmabuf));
	dma_fence_signal(write);
	KUNIT_EXPECT_GE(test, atomic_read(&poller.wakeups), 1);
	KUNIT_EXPECT_TRUE(test,
			  poller_poll(&poller, poll_dmabuf) == EPOLLIN);

	atomic_set(&poller.wakeups, 0);
	dma_fence_signal(read);
	KUNIT_EXPECT_GE(test, atomic_read(&poller.wakeups), 1);
	KUNIT_EXPECT_TRUE(test, poller_poll(&poller, poll_dmabuf) ==
			  (EPOLLIN | EPOLLOUT));
	poller_end(&poller);
}

/* It takes all of them, and each time it was woken it can be woken again */
static void poll_waits_for_several_fences(struct kunit *test)
{
	struct dma_fence *fences[6];
	struct poller poller;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(fences); i++)
		fences[i] = poll_add(test, DMA_RESV_USAGE_WRITE);

	poller_init(&poller, EPOLLIN);
	for (i = 0; i < ARRAY_SIZE(fences); i++) {
		KUNIT_EXPECT_FALSE_MSG(test, poller_poll(&poller, poll_dmabuf),
				       "ready after %u fences", i);
		/* 5 has no factor in common with 6 */
		dma_fence_signal(fences[i * 5 % ARRAY_SIZE(fences)]);
	}
	KUNIT_EXPECT_GE(test, atomic_read(&poller.wakeups), 1);
	KUNIT_EXPECT_TRUE(test, poller_poll(&poller, poll_dmabuf));
	poller_end(&poller);
}

static void several_pollers_are_woken(struct kunit *test)
{
	struct dma_fence *fence = poll_add(test, DMA_RESV_USAGE_WRITE);
	struct poller pollers[6];
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(pollers); i++) {
		poller_init(&pollers[i], i % 2 ? EPOLLOUT : EPOLLIN);
		KUNIT_EXPECT_FALSE(test, poller_poll(&pollers[i], poll_dmabuf));
	}
	dma_fence_signal(fence);
	for (i = 0; i < ARRAY_SIZE(pollers); i++) {
		KUNIT_EXPECT_GE_MSG(test, atomic_read(&pollers[i].wakeups), 1,
				    "poller %u", i);
		KUNIT_EXPECT_TRUE(test, poller_poll(&pollers[i], poll_dmabuf));
		poller_end(&pollers[i]);
	}
}

/* One of them leaves, the others stay */
static void poller_that_leaves_takes_nobody_along(struct kunit *test)
{
	struct dma_fence *fence = poll_add(test, DMA_RESV_USAGE_KERNEL);
	struct poller first, second;

	poller_init(&first, EPOLLIN);
	poller_init(&second, EPOLLIN);
	KUNIT_EXPECT_FALSE(test, poller_poll(&first, poll_dmabuf));
	KUNIT_EXPECT_FALSE(test, poller_poll(&second, poll_dmabuf));
	poller_end(&first);
	dma_fence_signal(fence);
	KUNIT_EXPECT_EQ(test, atomic_read(&first.wakeups), 0);
	KUNIT_EXPECT_GE(test, atomic_read(&second.wakeups), 1);
	poller_end(&second);
}

/* Or who waits for the next edge would see it again and again, and never sleep */
static void ready_poll_wakes_nobody(struct kunit *test)
{
	struct dma_fence *fence;
	struct poller poller;

	poller_init(&poller, EPOLLIN | EPOLLOUT);
	KUNIT_EXPECT_TRUE(test, poller_poll(&poller, poll_dmabuf));
	KUNIT_EXPECT_TRUE(test, poller_poll(&poller, poll_dmabuf));
	KUNIT_EXPECT_EQ(test, atomic_read(&poller.wakeups), 0);

	fence = poll_add(test, DMA_RESV_USAGE_WRITE);
	KUNIT_EXPECT_FALSE(test, poller_poll(&poller, poll_dmabuf));
	dma_fence_signal(fence);
	atomic_set(&poller.wakeups, 0);
	KUNIT_EXPECT_TRUE(test, poller_poll(&poller, poll_dmabuf));
	KUNIT_EXPECT_EQ(test, atomic_read(&poller.wakeups), 0);
	poller_end(&poller);
}

static void poll_sees_fences_added_later(struct kunit *test)
{
	struct dma_fence *fence;
	struct poller poller;
	unsigned int i;

	poller_init(&poller, EPOLLIN);
	for (i = 0; i < 5; i++) {
		KUNIT_EXPECT_TRUE(test, poller_poll(&poller, poll_dmabuf));
		fence = poll_add(test, DMA_RESV_USAGE_WRITE);
		atomic_set(&poller.wakeups, 0);
		KUNIT_EXPECT_FALSE(test, poller_poll(&poller, poll_dmabuf));
		dma_fence_signal(fence);
		KUNIT_EXPECT_GE(test, atomic_read(&poller.wakeups), 1);
	}
	poller_end(&poller);
}

/* The fence that it was waiting for makes way for another one */
static void poll_when_fence_is_replaced(struct kunit *test)
{
	struct dma_fence *old = poll_add(test, DMA_RESV_USAGE_WRITE);
	struct dma_fence *new = resv_new_fence(test);
	struct poller poller;

	poller_init(&poller, EPOLLIN);
	KUNIT_EXPECT_FALSE(test, poller_poll(&poller, poll_dmabuf));
	resv_replace(test, poll_dmabuf->resv, old->context, new,
		     DMA_RESV_USAGE_WRITE);
	dma_fence_signal(old);
	KUNIT_EXPECT_FALSE(test, poller_poll(&poller, poll_dmabuf));
	atomic_set(&poller.wakeups, 0);
	dma_fence_signal(new);
	KUNIT_EXPECT_GE(test, atomic_read(&poller.wakeups), 1);
	KUNIT_EXPECT_TRUE(test, poller_poll(&poller, poll_dmabuf));
	poller_end(&poller);
}

/* Nobody has to wait for the fence any more, although it has not signaled */
static void poll_when_fence_is_taken_out(struct kunit *test)
{
	struct dma_fence *old = poll_add(test, DMA_RESV_USAGE_WRITE);
	struct dma_fence *stub = dma_fence_get_stub();
	struct poller poller;

	poller_init(&poller, EPOLLIN | EPOLLOUT);
	KUNIT_EXPECT_FALSE(test, poller_poll(&poller, poll_dmabuf));
	resv_replace(test, poll_dmabuf->resv, old->context, stub,
		     DMA_RESV_USAGE_WRITE);
	dma_fence_put(stub);
	KUNIT_EXPECT_TRUE(test, poller_poll(&poller, poll_dmabuf) ==
			  (EPOLLIN | EPOLLOUT));
	poller_end(&poller);
}

static void polling_often_takes_no_more_references(struct kunit *test)
{
	struct dma_fence *fence = poll_add(test, DMA_RESV_USAGE_WRITE);
	struct poller poller;
	unsigned int i, refs;

	poller_init(&poller, EPOLLIN | EPOLLOUT);
	poller_poll(&poller, poll_dmabuf);
	refs = kref_read(&fence->refcount);
	for (i = 0; i < 50; i++)
		KUNIT_EXPECT_FALSE(test, poller_poll(&poller, poll_dmabuf));
	KUNIT_EXPECT_EQ(test, kref_read(&fence->refcount), refs);
	dma_fence_signal(fence);
	KUNIT_EXPECT_TRUE(test, poller_poll(&poller, poll_dmabuf) ==
			  (EPOLLIN | EPOLLOUT));
	KUNIT_EXPECT_EQ(test, kref_read(&fence->refcount), 2u);
	poller_end(&poller);
}

/* Nothing of the buffer may be left with a fence that outlives it */
static void close_while_polled(struct kunit *test)
{
	struct dma_fence *write = poll_add(test, DMA_RESV_USAGE_WRITE);
	struct dma_fence *read = poll_add(test, DMA_RESV_USAGE_READ);
	struct poller poller;

	poller_init(&poller, EPOLLIN | EPOLLOUT);
	KUNIT_EXPECT_FALSE(test, poller_poll(&poller, poll_dmabuf));
	poller_end(&poller);

	mock_dmabuf_close(poll_dmabuf);
	poll_dmabuf = NULL;
	KUNIT_EXPECT_EQ(test, kref_read(&write->refcount), 1u);
	KUNIT_EXPECT_EQ(test, kref_read(&read->refcount), 1u);
	KUNIT_EXPECT_TRUE(test, list_empty(&write->cb_list));
	KUNIT_EXPECT_TRUE(test, list_empty(&read->cb_list));
	dma_fence_signal(write);
	dma_fence_signal(read);
}

/* The same while the fence signals */
static void close_while_signaling(struct kunit *test)
{
	struct mock_signaler signaler;
	struct poller poller;
	unsigned int i;

	for (i = 0; i < 50; i++) {
		struct dma_fence *fence = poll_add(test, DMA_RESV_USAGE_WRITE);

		poller_init(&poller, EPOLLIN | EPOLLOUT);
		KUNIT_EXPECT_FALSE(test, poller_poll(&poller, poll_dmabuf));
		poller_end(&poller);
		mock_signal_later(&signaler, fence, i % 2);
		usleep_range(1, 100 * i + 100);
		mock_dmabuf_close(poll_dmabuf);
		mock_signal_end(&signaler);
		KUNIT_EXPECT_EQ(test, kref_read(&fence->refcount), 1u);

		poll_dmabuf = mock_dmabuf_export();
		KUNIT_ASSERT_FALSE(test, IS_ERR(poll_dmabuf));
	}
}

#define RACERS	3
#define ROUNDS	200

/**
 * struct poll_race - threads that poll while fences come and go
 * @lost: somebody was not woken
 * @sleeps: how often somebody had to be woken
 */
struct poll_race {
	atomic_t lost;
	atomic_t sleeps;
};

static struct poll_race poll_race;

static int poll_racer(void *data)
{
	struct poller poller;

	while (!kthread_should_stop()) {
		poller_init(&poller, (unsigned long)data % 2 ? EPOLLOUT :
			    EPOLLIN);
		while (!poller_poll(&poller, poll_dmabuf)) {
			atomic_inc(&poll_race.sleeps);
			if (!wait_for_completion_timeout(&poller.woken,
							 20 * HZ)) {
				atomic_inc(&poll_race.lost);
				break;
			}
			/* What comes from now on is for the next look */
			reinit_completion(&poller.woken);
		}
		poller_end(&poller);
		usleep_range(1, 50);
	}

	return 0;
}

static void no_wake_up_is_lost(struct kunit *test)
{
	struct task_struct *racers[RACERS];
	unsigned long end = jiffies + 5 * HZ;
	struct dma_fence *fence;
	unsigned long i;

	memset(&poll_race, 0, sizeof(poll_race));
	for (i = 0; i < RACERS; i++) {
		racers[i] = kthread_run(poll_racer, (void *)i, "resv-poll-%lu",
					i);
		if (IS_ERR(racers[i]))
			racers[i] = NULL;
		KUNIT_EXPECT_TRUE(test, racers[i]);
	}

	for (i = 0; i < ROUNDS && time_before(jiffies, end); i++) {
		fence = poll_add(test, DMA_RESV_USAGE_WRITE);
		if (i % 3)
			usleep_range(10, 20 * (i % 16) + 20);
		dma_fence_signal(fence);
		if (i % 5)
			usleep_range(10, 20);
	}

	for (i = 0; i < RACERS; i++)
		if (racers[i])
			kthread_stop(racers[i]);
	kunit_info(test, "saw sleeps %d\n", atomic_read(&poll_race.sleeps));
	KUNIT_EXPECT_EQ(test, atomic_read(&poll_race.lost), 0);
	KUNIT_EXPECT_GT(test, atomic_read(&poll_race.sleeps), 0);
}

/* It runs under the fence's lock, which the release of the fence may want */
static void callback_keeps_its_reference(struct kunit *test)
{
	struct dma_fence *fence = poll_add(test, DMA_RESV_USAGE_WRITE);
	unsigned int before, during;
	struct poller poller;
	unsigned long flags;

	poller_init(&poller, EPOLLIN);
	KUNIT_EXPECT_FALSE(test, poller_poll(&poller, poll_dmabuf));
	before = kref_read(&fence->refcount);

	spin_lock_irqsave(fence->lock, flags);
	dma_fence_signal_locked(fence);
	during = kref_read(&fence->refcount);
	spin_unlock_irqrestore(fence->lock, flags);
	KUNIT_EXPECT_EQ(test, during, before);

	/* Whoever is woken looks again, and then it goes */
	KUNIT_EXPECT_TRUE(test, poller_poll(&poller, poll_dmabuf) == EPOLLIN);
	KUNIT_EXPECT_EQ(test, kref_read(&fence->refcount), before - 1);
	poller_end(&poller);
}

static struct kunit_case dma_buf_poll_cases[] = {
	KUNIT_CASE(poll_of_idle_buffer),
	KUNIT_CASE(callback_keeps_its_reference),
	KUNIT_CASE(poll_in_of_kernel),
	KUNIT_CASE(poll_in_of_write),
	KUNIT_CASE(poll_in_of_read),
	KUNIT_CASE(poll_in_of_bookkeep),
	KUNIT_CASE(poll_out_of_kernel),
	KUNIT_CASE(poll_out_of_write),
	KUNIT_CASE(poll_out_of_read),
	KUNIT_CASE(poll_out_of_bookkeep),
	KUNIT_CASE(in_and_out_become_ready_by_themselves),
	KUNIT_CASE(poll_waits_for_several_fences),
	KUNIT_CASE(several_pollers_are_woken),
	KUNIT_CASE(poller_that_leaves_takes_nobody_along),
	KUNIT_CASE(ready_poll_wakes_nobody),
	KUNIT_CASE(poll_sees_fences_added_later),
	KUNIT_CASE(poll_when_fence_is_replaced),
	KUNIT_CASE(poll_when_fence_is_taken_out),
	KUNIT_CASE(polling_often_takes_no_more_references),
	KUNIT_CASE(close_while_polled),
	KUNIT_CASE(close_while_signaling),
	KUNIT_CASE(no_wake_up_is_lost),
	{}
};

struct kunit_suite dma_buf_poll_suite = {
	.name = "dma-buf-poll",
	.init = poll_init,
	.exit = poll_exit,
	.test_cases = dma_buf_poll_cases,
};
