/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What is in arrays and chains of fences
 */
#ifndef __LINUX_DMA_FENCE_UNWRAP_H
#define __LINUX_DMA_FENCE_UNWRAP_H

#include <linux/kernel.h>

struct dma_fence;

/**
 * struct dma_fence_unwrap - position in an array or a chain of fences
 * @node: the node of the chain, or the fence that is none, with a reference
 * @index: which fence of @node is next, if that is an array
 */
struct dma_fence_unwrap {
	struct dma_fence *node;
	unsigned int index;
};

struct dma_fence *dma_fence_unwrap_first(struct dma_fence *head,
					 struct dma_fence_unwrap *cursor);
struct dma_fence *dma_fence_unwrap_next(struct dma_fence_unwrap *cursor);

/**
 * dma_fence_unwrap_for_each - visit what a fence is made of
 * @fence: the current fence
 * @cursor: a &struct dma_fence_unwrap pointer, need not be set up
 * @head: the fence, may be NULL
 *
 * Visits the fences in an array, in the nodes of a chain, and in arrays in the nodes
 * of a chain. A fence that is neither is visited itself. What is nested deeper, as
 * user space can do it at will, is not taken apart: dma_fence_get_leaves() does that.
 *
 * @fence is borrowed until the next step. Who leaves the loop early puts @node of the
 * cursor.
 */
#define dma_fence_unwrap_for_each(fence, cursor, head)			\
	for (fence = dma_fence_unwrap_first(head, cursor); fence;	\
	     fence = dma_fence_unwrap_next(cursor))

struct dma_fence *dma_fence_merge(struct dma_fence **fences,
				  unsigned int num_fences);

/**
 * dma_fence_unwrap_merge - get one fence that stands for others
 * @...: the fences, which may be NULL
 *
 * See dma_fence_merge().
 */
#define dma_fence_unwrap_merge(...) ({					\
	struct dma_fence *__fences[] = { __VA_ARGS__ };			\
									\
	dma_fence_merge(__fences, ARRAY_SIZE(__fences)); })

#endif /* __LINUX_DMA_FENCE_UNWRAP_H */
