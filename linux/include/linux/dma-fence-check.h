/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What fences and drivers tell the run-time checker. Without CONFIG_DMABUF_CHECK
 * nothing is left of it.
 */
#ifndef __LINUX_DMA_FENCE_CHECK_H
#define __LINUX_DMA_FENCE_CHECK_H

struct dma_fence;

#ifdef CONFIG_DMABUF_CHECK
#include <linux/dma-fence.h>
#include <linux/jump_label.h>
#include <linux/sched.h>

DECLARE_STATIC_KEY_FALSE(dma_fence_check_enabled);

void __dma_fence_check_edges(struct dma_fence *fence, struct dma_fence **on,
			     unsigned int count);
void __dma_fence_check_by_user(struct dma_fence *fence);
void __dma_fence_check_on_demand(struct dma_fence *fence);
void __dma_fence_check_signal(struct dma_fence *fence);
void __dma_fence_check_release(struct dma_fence *fence);
void __dma_fence_check_begin(void);
void __dma_fence_check_end(void);
void __dma_fence_check_wait(struct dma_fence *fence);

/**
 * dma_fence_check_edge - tell that a fence waits for another one
 * @fence: the fence, with a reference; or NULL
 * @on: what has to signal before @fence does, with a reference; or NULL
 *
 * To be called before the wait begins. Does not keep the references.
 *
 * Context: Any. Allocates without waiting; what there is no memory for is not
 * checked.
 */
static inline void dma_fence_check_edge(struct dma_fence *fence,
					struct dma_fence *on)
{
	if (static_branch_unlikely(&dma_fence_check_enabled))
		__dma_fence_check_edges(fence, &on, 1);
}

/**
 * dma_fence_check_edges - tell that a fence waits for several others
 * @fence: the fence, with a reference
 * @on: what has to signal before @fence does, with references
 * @count: how many they are
 *
 * Context: As for dma_fence_check_edge().
 */
static inline void dma_fence_check_edges(struct dma_fence *fence,
					 struct dma_fence **on,
					 unsigned int count)
{
	if (static_branch_unlikely(&dma_fence_check_enabled))
		__dma_fence_check_edges(fence, on, count);
}

/**
 * dma_fence_check_by_user - tell that user space decides when a fence signals
 * @fence: the fence, with a reference
 *
 * It may take forever, and what waits for it may as well.
 *
 * Context: Any. Allocates without waiting.
 */
static inline void dma_fence_check_by_user(struct dma_fence *fence)
{
	if (static_branch_unlikely(&dma_fence_check_enabled))
		__dma_fence_check_by_user(fence);
}

/**
 * dma_fence_check_on_demand - tell that nothing happens behind a fence by itself
 * @fence: the fence, with a reference
 *
 * It stands for no operation on the memory but for the right to use it, and signals
 * because somebody wants the memory and has it given up: an eviction fence. Who
 * gives the memory up before that may take it out of an object.
 *
 * Context: Any. Allocates without waiting.
 */
static inline void dma_fence_check_on_demand(struct dma_fence *fence)
{
	if (static_branch_unlikely(&dma_fence_check_enabled))
		__dma_fence_check_on_demand(fence);
}

/**
 * dma_fence_check_signal - tell that a fence has signaled
 * @fence: the fence
 *
 * For dma_fence_signal_locked(), and for drivers that set
 * %DMA_FENCE_FLAG_SIGNALED_BIT on their own: after that, and before the callbacks.
 *
 * Context: Any in which nobody drops the last reference to @fence.
 */
static inline void dma_fence_check_signal(struct dma_fence *fence)
{
	/* Either this sees the node, or who makes it sees the bit */
	if (static_branch_unlikely(&dma_fence_check_enabled) &&
	    READ_ONCE(fence->node))
		__dma_fence_check_signal(fence);
}

/* For dma_fence_init() */
static inline void dma_fence_check_init(struct dma_fence *fence)
{
	fence->node = NULL;
}

/* For dma_fence_release() */
static inline void dma_fence_check_release(struct dma_fence *fence)
{
	if (static_branch_unlikely(&dma_fence_check_enabled) &&
	    READ_ONCE(fence->node))
		__dma_fence_check_release(fence);
}

/* For dma_fence_begin_signalling() and dma_fence_end_signalling() */
static inline void dma_fence_check_begin(void)
{
	if (static_branch_unlikely(&dma_fence_check_enabled))
		__dma_fence_check_begin();
}

static inline void dma_fence_check_end(void)
{
	if (static_branch_unlikely(&dma_fence_check_enabled))
		__dma_fence_check_end();
}

/* For what waits for a fence */
static inline void dma_fence_check_wait(struct dma_fence *fence)
{
	if (static_branch_unlikely(&dma_fence_check_enabled) &&
	    current->dma_fence_signalling)
		__dma_fence_check_wait(fence);
}
#else
static inline void dma_fence_check_edge(struct dma_fence *fence,
					struct dma_fence *on) {}
static inline void dma_fence_check_edges(struct dma_fence *fence,
					 struct dma_fence **on,
					 unsigned int count) {}
static inline void dma_fence_check_by_user(struct dma_fence *fence) {}
static inline void dma_fence_check_on_demand(struct dma_fence *fence) {}
static inline void dma_fence_check_signal(struct dma_fence *fence) {}
static inline void dma_fence_check_init(struct dma_fence *fence) {}
static inline void dma_fence_check_release(struct dma_fence *fence) {}
static inline void dma_fence_check_begin(void) {}
static inline void dma_fence_check_end(void) {}
static inline void dma_fence_check_wait(struct dma_fence *fence) {}
#endif /* CONFIG_DMABUF_CHECK */

#endif /* __LINUX_DMA_FENCE_CHECK_H */
