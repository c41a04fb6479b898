/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * The interface that reservation objects had up to Linux 5.10, for drivers outside
 * the tree that have not been converted.
 */
#ifndef _LINUX_DMA_RESV_LEGACY_H
#define _LINUX_DMA_RESV_LEGACY_H

#include <linux/dma-fence-leaves.h>
#include <linux/dma-resv.h>
#include <linux/kernel.h>
#include <linux/sched/mm.h>

/**
 * DOC: Drivers Outside the Tree
 *
 * A driver that speaks of one exclusive fence and of shared ones goes on building
 * if it includes ``linux/dma-resv-legacy.h``, or has the compiler do so::
 *
 *	ccflags-y += -include linux/dma-resv-legacy.h
 *
 * Each old function then does what it did, and errs on the safe side where the old
 * interface can't tell what is meant:
 *
 * - An exclusive fence is added as %DMA_RESV_USAGE_WRITE, a shared one as
 *   %DMA_RESV_USAGE_READ. A driver that moves memory has to be converted, as its
 *   moves are %DMA_RESV_USAGE_KERNEL.
 * - To add an exclusive fence drops no other: that it signals after them is a
 *   promise that not every driver keeps.
 * - Who asks for the exclusive fence gets what stands for all KERNEL and WRITE
 *   fences; who asks for all fences gets all of them, BOOKKEEP included.
 *
 * What is new for such a driver:
 *
 * - dma_resv_add_excl_fence(), dma_resv_get_excl(), dma_resv_get_excl_rcu() and
 *   dma_resv_get_list() may sleep. Where a spinlock or RCU is held, call
 *   dma_resv_reserve_shared() before, or use the iterators.
 * - What dma_resv_get_list() returns can only be read, and is good until the end of
 *   the block from which it is called or until the object is changed, whichever
 *   comes first.
 *
 * There is nothing behind the members ``fence_excl``, ``fence`` and ``seq`` any
 * more, so code that reads them doesn't build. To walk the fences without the lock
 * there is dma_resv_for_each_fence_unlocked(), and to replace some of them
 * dma_resv_replace_fences(). ``scripts/coccinelle/api/dma_resv_usage.cocci`` converts
 * a driver as far as a script can know what it means.
 */

/**
 * struct dma_resv_legacy_list - the shared fences of a locked object
 * @shared_count: how many there are
 * @shared: the fences
 *
 * Known to drivers as struct dma_resv_list.
 */
struct dma_resv_legacy_list {
	unsigned int shared_count;
	struct dma_fence __rcu * const *shared;
};

/**
 * dma_resv_reserve_shared - make room for shared fences
 * @obj: the reservation object
 * @num_fences: how many are going to be added
 *
 * There is room for an exclusive fence as well afterwards.
 *
 * Context: The object is locked. May sleep to allocate memory.
 * Return: 0, or -ENOMEM.
 */
static inline int dma_resv_reserve_shared(struct dma_resv *obj,
					  unsigned int num_fences)
{
	return dma_resv_reserve_fences(obj, num_fences + 1);
}

/**
 * dma_resv_add_shared_fence - add a shared fence
 * @obj: the reservation object
 * @fence: the fence
 *
 * Context: The object is locked, and a slot reserved.
 */
static inline void dma_resv_add_shared_fence(struct dma_resv *obj,
					     struct dma_fence *fence)
{
	dma_resv_add_fence(obj, fence, DMA_RESV_USAGE_READ);
}

/**
 * dma_resv_add_excl_fence - add an exclusive fence
 * @obj: the reservation object
 * @fence: the fence, or NULL, which has no effect
 *
 * The fences that are there stay, and go when they have signaled. Reserves the slot,
 * as drivers did not have to. Other jobs may already depend on @fence, so this
 * doesn't wait for memory to be reclaimed.
 *
 * Context: The object is locked. May sleep unless dma_resv_reserve_shared() was
 * called before.
 */
static inline void dma_resv_add_excl_fence(struct dma_resv *obj,
					   struct dma_fence *fence)
{
	unsigned int flags;

	if (!fence)
		return;

	/* If this fails, dma_resv_add_fence() does without */
	flags = memalloc_noreclaim_save();
	dma_resv_reserve_fences(obj, 1);
	memalloc_noreclaim_restore(flags);
	dma_resv_add_fence(obj, fence, DMA_RESV_USAGE_WRITE);
}

/**
 * dma_resv_get_excl - get the exclusive fence of a locked object
 * @obj: the reservation object
 *
 * If there are several that it has to stand for, waits for all but one.
 *
 * Context: The object is locked. May sleep.
 * Return: the fence, without a reference, or NULL if there is nothing to wait for.
 */
static inline struct dma_fence *dma_resv_get_excl(struct dma_resv *obj)
{
	struct dma_fence *fence, *excl = NULL;
	struct dma_resv_iter cursor;

	might_sleep();
	dma_resv_for_each_fence(&cursor, obj, DMA_RESV_USAGE_WRITE, fence) {
		if (dma_fence_is_signaled(fence))
			continue;
		if (excl)
			dma_fence_wait(excl, false);
		excl = fence;
	}

	return excl;
}

/**
 * dma_resv_get_excl_rcu - get the exclusive fence
 * @obj: the reservation object
 *
 * If there are several that it has to stand for, it is an array of them. If there is
 * no memory for that, waits for the fences instead.
 *
 * Context: Process context, may sleep. The lock is not needed.
 * Return: the fence, with a reference, or NULL if there is nothing to wait for.
 */
static inline struct dma_fence *dma_resv_get_excl_rcu(struct dma_resv *obj)
{
	struct dma_fence *fence;

	if (dma_resv_get_singleton(obj, DMA_RESV_USAGE_WRITE, &fence))
		dma_resv_wait_timeout(obj, DMA_RESV_USAGE_WRITE, false,
				      MAX_SCHEDULE_TIMEOUT);

	return fence;
}

static inline struct dma_resv_legacy_list *
dma_resv_legacy_get_list(struct dma_resv *obj, struct dma_resv_legacy_list *shared)
{
	struct dma_resv_table *list;
	struct dma_fence *fence;
	unsigned int start, end;

	might_sleep();
	list = rcu_dereference_protected(obj->table, dma_resv_held(obj));
	if (!list)
		return NULL;

	start = list->end[DMA_RESV_USAGE_WRITE];
	for (end = list->end[DMA_RESV_USAGE_BOOKKEEP]; end > start; --end) {
		fence = rcu_dereference_protected(list->slots[end - 1],
						  dma_resv_held(obj));
		if (!dma_fence_is_signaled(fence))
			break;
	}
	if (end > start)
		dma_resv_wait_timeout(obj, DMA_RESV_USAGE_WRITE, false,
				      MAX_SCHEDULE_TIMEOUT);
	shared->shared_count = end - start;
	shared->shared = list->slots + start;

	return shared;
}

/**
 * dma_resv_get_list - get the shared fences of a locked object
 * @obj: the reservation object
 *
 * If any of the READ and BOOKKEEP fences, which it has, is unsignaled, waits for the
 * KERNEL and WRITE ones: drivers rely on shared fences to come after the exclusive
 * one, and leave one or the other out.
 *
 * Context: The object is locked. May sleep.
 * Return: the list, or NULL if there is none. See above for how long it is good.
 */
#define dma_resv_get_list(obj)						\
	dma_resv_legacy_get_list(obj, &(struct dma_resv_legacy_list){})

/**
 * dma_resv_get_fences_rcu - get exclusive and shared fences
 * @obj: the reservation object
 * @pfence_excl: where the exclusive fence goes, may be NULL
 * @pshared_count: where the number of shared fences goes
 * @pshared: where the array of shared fences goes, see dma_resv_get_fences()
 *
 * The array has what the exclusive fence stands for as well, whether that was
 * asked for by itself or not.
 *
 * Context: Process context, may sleep to allocate memory. The lock is not needed.
 * Return: 0, or -ENOMEM with nothing returned.
 */
static inline int dma_resv_get_fences_rcu(struct dma_resv *obj,
					  struct dma_fence **pfence_excl,
					  unsigned int *pshared_count,
					  struct dma_fence ***pshared)
{
	int ret;

	ret = dma_resv_get_fences(obj, DMA_RESV_USAGE_BOOKKEEP, pshared_count,
				  pshared);
	if (ret || !pfence_excl)
		return ret;

	ret = dma_resv_get_singleton(obj, DMA_RESV_USAGE_WRITE, pfence_excl);
	if (ret) {
		dma_fence_put_all(*pshared, *pshared_count);
		*pshared = NULL;
		*pshared_count = 0;
	}

	return ret;
}

static inline enum dma_resv_usage dma_resv_legacy_usage(bool all)
{
	return all ? DMA_RESV_USAGE_BOOKKEEP : DMA_RESV_USAGE_WRITE;
}

/**
 * dma_resv_wait_timeout_rcu - wait for the exclusive fence, or for all
 * @obj: the reservation object
 * @wait_all: wait for all fences
 * @intr: whether a signal interrupts the wait
 * @timeout: how long to wait at the most, in jiffies
 *
 * Context: As for dma_resv_wait_timeout().
 * Return: As for dma_resv_wait_timeout().
 */
static inline long dma_resv_wait_timeout_rcu(struct dma_resv *obj, bool wait_all,
					     bool intr, unsigned long timeout)
{
	return dma_resv_wait_timeout(obj, dma_resv_legacy_usage(wait_all), intr,
				     timeout);
}

/**
 * dma_resv_test_signaled_rcu - has the exclusive fence signaled, or have all
 * @obj: the reservation object
 * @test_all: test all fences
 *
 * Context: As for dma_resv_test_signaled().
 * Return: As for dma_resv_test_signaled().
 */
static inline bool dma_resv_test_signaled_rcu(struct dma_resv *obj, bool test_all)
{
	return dma_resv_test_signaled(obj, dma_resv_legacy_usage(test_all));
}

/* From here on the list of the object itself can't be mistaken for the one above */
#define dma_resv_list dma_resv_legacy_list

/* So that the compiler says why there is no such member */
#define fence_excl fence_excl__is_gone__use_dma_resv_get_singleton

/* If it comes later it includes the same */
#ifdef _TTM_EXECBUF_UTIL_H_
#include <drm/ttm/ttm-legacy.h>
#endif

#endif /* _LINUX_DMA_RESV_LEGACY_H */
