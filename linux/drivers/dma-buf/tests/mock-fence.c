// SPDX-License-Identifier: GPL-2.0
/*
 * Fences without hardware, which signal when a test says so. They are counted, so
 * that a test notices when somebody keeps a reference.
 */

#include <linux/atomic.h>
#include <linux/delay.h>
#include <linux/dma-fence-check.h>
#include <linux/errno.h>
#include <linux/export.h>
#include <linux/jiffies.h>
#include <linux/slab.h>

#include "mock-fence.h"

static atomic_t live = ATOMIC_INIT(0);

/* A test decides when they signal, and for most of them it is as with user space */
static bool by_user = true;

static struct kmem_cache *recycling_cache;
static atomic_long_t recycling_fresh = ATOMIC_LONG_INIT(0);
static atomic_long_t recycling_used = ATOMIC_LONG_INIT(0);

/**
 * mock_fence_by_user - what the checker is to take new fences for
 * @user: for those of user space, which is so at first; else for those of a driver
 */
void mock_fence_by_user(bool user)
{
	WRITE_ONCE(by_user, user);
}
EXPORT_SYMBOL_GPL(mock_fence_by_user);

static void mock_fence_made(struct dma_fence *fence)
{
	atomic_inc(&live);
	if (READ_ONCE(by_user))
		dma_fence_check_by_user(fence);
}

static const char *mock_fence_get_name(struct dma_fence *fence)
{
	return "mock";
}

static void mock_fence_release(struct dma_fence *fence)
{
	atomic_dec(&live);
	dma_fence_free(fence);
}

static void mock_fence_release_recycled(struct dma_fence *fence)
{
	atomic_dec(&live);
	/* No grace period: this is the point of it */
	kmem_cache_free(recycling_cache, to_mock_fence(fence));
}

static bool mock_fence_signaled(struct dma_fence *fence)
{
	struct mock_fence *mock = to_mock_fence(fence);

	atomic_inc(&mock->asked);

	return READ_ONCE(mock->complete);
}

/* See mock_fence_complete() for the other half */
static bool mock_fence_enable_signaling(struct dma_fence *fence)
{
	return !READ_ONCE(to_mock_fence(fence)->complete);
}

static const struct dma_fence_ops mock_fence_ops = {
	.get_driver_name = mock_fence_get_name,
	.get_timeline_name = mock_fence_get_name,
	.release = mock_fence_release,
};

static const struct dma_fence_ops mock_fence_polled_ops = {
	.get_driver_name = mock_fence_get_name,
	.get_timeline_name = mock_fence_get_name,
	.enable_signaling = mock_fence_enable_signaling,
	.signaled = mock_fence_signaled,
	.release = mock_fence_release,
};

/* It gives up at once, and says that the fence has signaled */
static long mock_fence_wait_gives_up(struct dma_fence *fence, bool intr,
				     long timeout)
{
	return timeout ?: 1;
}

/* Nor does it tell when asked: only who enables signaling finds out */
static const struct dma_fence_ops mock_fence_early_ops = {
	.get_driver_name = mock_fence_get_name,
	.get_timeline_name = mock_fence_get_name,
	.enable_signaling = mock_fence_enable_signaling,
	.wait = mock_fence_wait_gives_up,
	.release = mock_fence_release,
};

static const struct dma_fence_ops mock_fence_recycled_ops = {
	.get_driver_name = mock_fence_get_name,
	.get_timeline_name = mock_fence_get_name,
	.enable_signaling = mock_fence_enable_signaling,
	.signaled = mock_fence_signaled,
	.release = mock_fence_release_recycled,
};

static struct dma_fence *mock_fence_new(const struct dma_fence_ops *ops,
					u64 context, u64 seqno)
{
	struct mock_fence *mock;

	mock = kzalloc(sizeof(*mock), GFP_KERNEL);
	if (!mock)
		return NULL;

	spin_lock_init(&mock->lock);
	INIT_LIST_HEAD(&mock->owned);
	dma_fence_init(&mock->base, ops, &mock->lock, context, seqno);
	mock_fence_made(&mock->base);

	return &mock->base;
}

/**
 * mock_fence_create - make a fence that only dma_fence_signal() signals
 * @context: its context
 * @seqno: its place in the context
 *
 * Return: the fence with one reference, or NULL when out of memory.
 */
struct dma_fence *mock_fence_create(u64 context, u64 seqno)
{
	return mock_fence_new(&mock_fence_ops, context, seqno);
}
EXPORT_SYMBOL_GPL(mock_fence_create);

/**
 * mock_fence_create_polled - make a fence that signals once somebody looks
 * @context: its context
 * @seqno: its place in the context
 *
 * Like a fence of hardware whose interrupt is off until somebody waits: after
 * mock_fence_complete() it counts as signaled, but the flag is only set when it is
 * asked.
 *
 * Return: the fence with one reference, or NULL when out of memory.
 */
struct dma_fence *mock_fence_create_polled(u64 context, u64 seqno)
{
	return mock_fence_new(&mock_fence_polled_ops, context, seqno);
}
EXPORT_SYMBOL_GPL(mock_fence_create_polled);

/**
 * mock_fence_create_early - make a fence whose own wait always ends at once
 * @context: its context
 * @seqno: its place in the context
 *
 * Like a fence of a driver that gives up after a while and says it has signaled. After
 * mock_fence_complete() it signals when its signaling is enabled, not when asked.
 *
 * Return: the fence with one reference, or NULL when out of memory.
 */
struct dma_fence *mock_fence_create_early(u64 context, u64 seqno)
{
	return mock_fence_new(&mock_fence_early_ops, context, seqno);
}
EXPORT_SYMBOL_GPL(mock_fence_create_early);

/**
 * mock_fence_complete - let the imagined hardware be done
 * @fence: a fence of mock_fence_create_polled(), _early() or _recycled()
 */
void mock_fence_complete(struct dma_fence *fence)
{
	/* Either this sees that the interrupt is on, or who enables it sees that */
	smp_store_mb(to_mock_fence(fence)->complete, true);
	if (test_bit(DMA_FENCE_FLAG_ENABLE_SIGNAL_BIT, &fence->flags))
		dma_fence_signal(fence);
}
EXPORT_SYMBOL_GPL(mock_fence_complete);

/* Runs once for each piece of memory, however many fences it will be */
static void mock_fence_ctor(void *memory)
{
	struct mock_fence *mock = memory;

	memset(mock, 0, sizeof(*mock));
	spin_lock_init(&mock->lock);
	INIT_LIST_HEAD(&mock->owned);
	mock->base.ops = &mock_fence_recycled_ops;
	atomic_long_inc(&recycling_fresh);
}

/**
 * mock_fence_recycling_start - prepare for mock_fence_create_recycled()
 *
 * Return: 0, or -ENOMEM.
 */
int mock_fence_recycling_start(void)
{
	atomic_long_set(&recycling_fresh, 0);
	atomic_long_set(&recycling_used, 0);
	recycling_cache = kmem_cache_create("mock_fence",
					    sizeof(struct mock_fence), 0,
					    SLAB_TYPESAFE_BY_RCU,
					    mock_fence_ctor);

	return recycling_cache ? 0 : -ENOMEM;
}
EXPORT_SYMBOL_GPL(mock_fence_recycling_start);

/**
 * mock_fence_recycling_stop - undo mock_fence_recycling_start()
 *
 * All the fences have to be gone.
 */
void mock_fence_recycling_stop(void)
{
	kmem_cache_destroy(recycling_cache);
	recycling_cache = NULL;
}
EXPORT_SYMBOL_GPL(mock_fence_recycling_stop);

/**
 * mock_fence_create_recycled - make a fence whose memory is reused at once
 * @context: its context
 * @seqno: its place in the context
 *
 * The memory is %SLAB_TYPESAFE_BY_RCU: who finds the fence under RCU and without a
 * reference may be looking at another fence a moment later.
 *
 * Return: the fence with one reference, or NULL when out of memory.
 */
struct dma_fence *mock_fence_create_recycled(u64 context, u64 seqno)
{
	struct mock_fence *mock;

	mock = kmem_cache_alloc(recycling_cache, GFP_KERNEL);
	if (!mock)
		return NULL;

	WRITE_ONCE(mock->complete, false);
	dma_fence_init(&mock->base, &mock_fence_recycled_ops, &mock->lock,
		       context, seqno);
	mock_fence_made(&mock->base);
	atomic_long_inc(&recycling_used);

	return &mock->base;
}
EXPORT_SYMBOL_GPL(mock_fence_create_recycled);

/**
 * mock_fence_recycled - how often memory was used for another fence
 *
 * Return: the count since mock_fence_recycling_start().
 */
unsigned long mock_fence_recycled(void)
{
	long reused = atomic_long_read(&recycling_used) -
		      atomic_long_read(&recycling_fresh);

	return max(reused, 0L);
}

/**
 * mock_fence_live - how many mock fences are referenced by anybody
 *
 * Return: the number.
 */
unsigned int mock_fence_live(void)
{
	return atomic_read(&live);
}

/**
 * mock_fence_drain - wait until the last references are gone
 *
 * Some are dropped from a work item or a callback, a moment after the test is
 * done with them.
 *
 * Return: how many fences are left, after a second at most.
 */
unsigned int mock_fence_drain(void)
{
	unsigned long end = jiffies + HZ;

	while (mock_fence_live() && time_before(jiffies, end))
		usleep_range(1000, 2000);

	return mock_fence_live();
}

static void mock_signaler_fire(struct timer_list *timer)
{
	struct mock_signaler *signaler = from_timer(signaler, timer, timer);

	dma_fence_signal(signaler->fence);
}

/**
 * mock_signal_later - signal a fence after a while
 * @signaler: to be ended with mock_signal_end()
 * @fence: the fence
 * @delay: the while, in jiffies
 */
void mock_signal_later(struct mock_signaler *signaler, struct dma_fence *fence,
		       unsigned long delay)
{
	signaler->fence = dma_fence_get(fence);
	timer_setup_on_stack(&signaler->timer, mock_signaler_fire, 0);
	mod_timer(&signaler->timer, jiffies + delay);
}
EXPORT_SYMBOL_GPL(mock_signal_later);

/**
 * mock_signal_end - end what mock_signal_later() began
 * @signaler: the signaler, whose fence need not have been signaled
 */
void mock_signal_end(struct mock_signaler *signaler)
{
	del_timer_sync(&signaler->timer);
	destroy_timer_on_stack(&signaler->timer);
	dma_fence_put(signaler->fence);
}
EXPORT_SYMBOL_GPL(mock_signal_end);
