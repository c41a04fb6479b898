/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What those who own memory tell the run-time checker. Without CONFIG_DMABUF_CHECK
 * nothing is left of it.
 */
#ifndef __LINUX_DMA_RESV_CHECK_H
#define __LINUX_DMA_RESV_CHECK_H

#include <linux/dma-fence-check.h>
#include <linux/types.h>

struct address_space;
struct dma_fence;
struct dma_resv;

#ifdef CONFIG_DMABUF_CHECK
void __dma_resv_check_idle(struct dma_resv *obj, const char *what);
void __dma_resv_check_move(struct dma_resv *obj, struct dma_fence *move);
void __dma_resv_check_unmapped(struct dma_resv *obj,
			       struct address_space *mapping, pgoff_t first,
			       pgoff_t count, const char *what);

/**
 * dma_resv_check_idle - tell that memory goes away, or is about to move
 * @obj: the reservation object of the memory
 * @what: what happens to the memory, as in "freed"; a constant
 *
 * To be called after everybody was waited for. It is reported if a fence of any
 * usage has not signaled, other than those that user space decides about.
 *
 * Context: Any but interrupts. The lock of @obj is not needed.
 */
static inline void dma_resv_check_idle(struct dma_resv *obj, const char *what)
{
	if (static_branch_unlikely(&dma_fence_check_enabled))
		__dma_resv_check_idle(obj, what);
}

/**
 * dma_resv_check_move - tell that the memory is not needed once a move is complete
 * @obj: the reservation object of the memory
 * @move: fence of the move, which is about to be added to @obj
 *
 * It is reported if @move signals while a fence of any usage that is in @obj now
 * is still unsignaled.
 *
 * Context: @obj is locked. Allocates without waiting; what there is no memory for
 * is not checked.
 */
static inline void dma_resv_check_move(struct dma_resv *obj,
				       struct dma_fence *move)
{
	if (static_branch_unlikely(&dma_fence_check_enabled))
		__dma_resv_check_move(obj, move);
}

/**
 * dma_resv_check_unmapped - tell that no process may have memory mapped any more
 * @obj: the reservation object of the memory
 * @mapping: where processes map it, or NULL
 * @first: where in @mapping it begins, in pages
 * @count: how many pages it has there
 * @what: what happened to the memory, as in "was moved"; a constant
 *
 * To be called after the memory was unmapped, before a page fault may bring it
 * back. It is reported if a page table still has a page of it.
 *
 * Context: May sleep. @obj is locked, and page faults wait for that.
 */
static inline void dma_resv_check_unmapped(struct dma_resv *obj,
					   struct address_space *mapping,
					   pgoff_t first, pgoff_t count,
					   const char *what)
{
	if (static_branch_unlikely(&dma_fence_check_enabled) && mapping)
		__dma_resv_check_unmapped(obj, mapping, first, count, what);
}
#else
static inline void dma_resv_check_idle(struct dma_resv *obj,
				       const char *what) {}
static inline void dma_resv_check_move(struct dma_resv *obj,
				       struct dma_fence *move) {}
static inline void dma_resv_check_unmapped(struct dma_resv *obj,
					   struct address_space *mapping,
					   pgoff_t first, pgoff_t count,
					   const char *what) {}
#endif /* CONFIG_DMABUF_CHECK */

#endif /* __LINUX_DMA_RESV_CHECK_H */
