// SPDX-License-Identifier: GPL-2.0
/*
 * Fences that take too long, for the run-time checker: who holds them up.
 */

#include <linux/export.h>
#include <linux/init.h>
#include <linux/kernel.h>
#include <linux/moduleparam.h>
#include <linux/mutex.h>
#include <linux/workqueue.h>

#include "dma-fence-check.h"

#undef MODULE_PARAM_PREFIX
#define MODULE_PARAM_PREFIX "dma_fence_check."

static unsigned int late_ms = 60 * MSEC_PER_SEC;
module_param(late_ms, uint, 0644);
MODULE_PARM_DESC(late_ms, "After how many milliseconds a fence is late, 0 for never");

/* For the @looked and @asked of nodes */
static DEFINE_MUTEX(late_lock);

/**
 * dma_fence_late_limit - when is a fence late
 *
 * Return: after how many milliseconds, 0 for never.
 */
unsigned int dma_fence_late_limit(void)
{
	return READ_ONCE(late_ms);
}

/*
 * A fence that has to be told to signal, as those that keep memory in place until
 * somebody wants it, has all the time in the world until it is.
 */
static bool late_is_due(struct dma_fence_node *node, ktime_t now, unsigned int ms)
{
	struct dma_fence *fence = dma_fence_node_fence(node);
	bool due = false;

	if (!fence)
		return false;

	if (!node->asked && !fence->ops->enable_signaling)
		node->asked = node->seen;
	if (!node->asked &&
	    test_bit(DMA_FENCE_FLAG_ENABLE_SIGNAL_BIT, &fence->flags))
		node->asked = now;
	if (node->asked && ktime_ms_delta(now, node->asked) >= ms)
		due = !dma_fence_is_signaled(fence);
	dma_fence_put(fence);

	return due;
}

static void late_report(struct dma_fence_node *node,
			struct dma_fence_node *holder, s64 ms)
{
	struct dma_fence_check_party parties[] = {
		{ holder, -1, "was first seen", holder->stack },
		{ node, -1, "waits for it, and was first seen", node->stack },
	};

	if (node == holder)
		dma_fence_check_report(DMA_FENCE_CHECK_LATE, NULL, parties, 1,
				       "has not signaled for %lld ms", ms);
	else
		dma_fence_check_report(DMA_FENCE_CHECK_LATE, NULL, parties, 2,
				       "holds up %s:%s %llu:%llu for %lld ms",
				       node->driver, node->timeline,
				       node->context, node->seqno, ms);
}

/**
 * dma_fence_late_scan - look for fences that are late, and report them
 * @ms: after how many milliseconds a fence is late
 *
 * Asks fences whether they have signaled. Each is reported once at the most.
 *
 * Context: Process context.
 * Return: how many there were that had not been looked at before.
 */
unsigned int dma_fence_late_scan(unsigned int ms)
{
	struct dma_fence_node *node, *holder;
	ktime_t now = ktime_get();
	unsigned int late = 0;
	bool by_user;

	mutex_lock(&late_lock);
	for (node = dma_fence_node_next(NULL); node;
	     node = dma_fence_node_next(node)) {
		cond_resched();
		if (node->looked || !late_is_due(node, now, ms))
			continue;
		node->looked = true;
		holder = dma_fence_node_holder(node, &by_user);
		if (!by_user) {
			late++;
			late_report(node, holder ?: node,
				    ktime_ms_delta(now, node->asked));
		}
		dma_fence_node_put(holder);
	}
	mutex_unlock(&late_lock);

	return late;
}
EXPORT_SYMBOL_GPL(dma_fence_late_scan);

static void late_work_func(struct work_struct *work)
{
	unsigned int ms = dma_fence_late_limit();

	if (ms)
		dma_fence_late_scan(ms);
	/* A new limit is noticed the next time */
	ms = clamp_t(unsigned int, ms / 4, 250, 10 * MSEC_PER_SEC);
	queue_delayed_work(system_long_wq, to_delayed_work(work),
			   msecs_to_jiffies(ms));
}

static DECLARE_DELAYED_WORK(late_work, late_work_func);

static int __init dma_fence_late_init(void)
{
	if (static_branch_unlikely(&dma_fence_check_enabled))
		queue_delayed_work(system_long_wq, &late_work, 0);

	return 0;
}
subsys_initcall(dma_fence_late_init);
