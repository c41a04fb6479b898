/*
 * Copyright (C) 2012-2014 Canonical Ltd (Maarten Lankhorst)
 *
 * Based on bo.c which bears the following copyright notice,
 * but is dual licensed:
 *
 * Copyright (c) 2006-2009 VMware, Inc., Palo Alto, CA., USA
 * All Rights Reserved.
 *
 * Permission is hereby granted, free of charge, to any person obtaining a
 * copy of this software and associated documentation files (the
 * "Software"), to deal in the Software without restriction, including
 * without limitation the rights to use, copy, modify, merge, publish,
 * distribute, sub license, and/or sell copies of the Software, and to
 * permit persons to whom the Software is furnished to do so, subject to
 * the following conditions:
 *
 * The above copyright notice and this permission notice (including the
 * next paragraph) shall be included in all copies or substantial portions
 * of the Software.
 *
 * THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR
 * IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY,
 * FITNESS FOR A PARTICULAR PURPOSE AND NON-INFRINGEMENT. IN NO EVENT SHALL
 * THE COPYRIGHT HOLDERS, AUTHORS AND/OR ITS SUPPLIERS BE LIABLE FOR ANY CLAIM,
 * DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR
 * OTHERWISE, ARISING FROM, OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE
 * USE OR OTHER DEALINGS IN THE SOFTWARE.
 *
 **************************************************************************/
/*
 * Authors: Thomas Hellstrom <thellstrom-at-vmware-dot-com>
 */

#include <linux/dma-fence-array.h>
#include <linux/dma-fence-chain.h>
#include <linux/dma-fence-leaves.h>
#include <linux/dma-resv.h>
#include <linux/export.h>
#include <linux/hash.h>
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/seq_file.h>

#include "dma-resv-check.h"

/* The functions themselves */
#undef dma_resv_get_fences
#undef dma_resv_get_singleton
#undef dma_resv_wait_timeout
#undef dma_resv_test_signaled

#define CREATE_TRACE_POINTS
#include <trace/events/dma_resv.h>

EXPORT_TRACEPOINT_SYMBOL_GPL(dma_resv_add);
EXPORT_TRACEPOINT_SYMBOL_GPL(dma_resv_replace);
EXPORT_TRACEPOINT_SYMBOL_GPL(dma_resv_wait_begin);
EXPORT_TRACEPOINT_SYMBOL_GPL(dma_resv_wait_end);

/**
 * DOC: Reservation Object Overview
 *
 * A reservation object, &struct dma_resv, carries the fences of everything that
 * is still going on with a buffer. It answers one question: what has to be
 * complete before I may do this? Because the answer depends on what "this" is,
 * each fence has a usage, see &enum dma_resv_usage.
 *
 * The rules, which everybody who shares the buffer relies on:
 *
 * - CPU access, mapping, pinning and scan-out wait at least for the
 *   %DMA_RESV_USAGE_KERNEL query. An explicit fence from user space replaces
 *   implicit synchronization, never this wait.
 * - An implicitly synchronized job waits for the query that
 *   dma_resv_usage_rw() names.
 * - Before memory is moved or freed, its owner waits for the
 *   %DMA_RESV_USAGE_BOOKKEEP query, that is for everything.
 * - A fence may be promoted, by adding it again with a stronger usage (one that
 *   comes earlier in the order). It is never demoted.
 * - A fence takes the place of an older one from the same context only if it is
 *   later and its usage is at least as strong.
 * - Fences depend on each other without cycles, and no dependency is dropped: a
 *   fence leaves the object when it has signaled, or when something that stays
 *   is sure to signal after it.
 * - A fence that is in a reservation object signals in finite time. Nothing on
 *   the way to its signaling may wait for memory, nor take a lock that is held
 *   elsewhere while waiting for memory or for a fence.
 *
 * Everything that changes the object is done with its lock held, a &ww_mutex so
 * that several buffers can be locked in any order. Looking at the fences needs
 * no lock: readers run under RCU, next to a writer.
 *
 * A job that is implicitly synchronized goes through these steps::
 *
 *	dma_resv_lock(obj, ctx);
 *	ret = dma_resv_reserve_fences(obj, 1);
 *	if (ret)
 *		goto unlock;
 *	ret = dma_resv_get_fences(obj, dma_resv_usage_rw(write), &n, &deps);
 *	if (ret)
 *		goto unlock;
 *	... have the job wait for deps, nothing may fail from here on ...
 *	dma_resv_add_fence(obj, &job->fence,
 *			   write ? DMA_RESV_USAGE_WRITE : DMA_RESV_USAGE_READ);
 *	... hand the job to the hardware ...
 *	dma_resv_unlock(obj);
 */

DEFINE_WD_CLASS(reservation_ww_class);
EXPORT_SYMBOL(reservation_ww_class);

/*
 * The fences of an object, sorted by usage: those of usage u are in the slots from
 * end[u - 1] up to end[u], so that a query for u is one run from the first slot to
 * end[u] and looks at nothing that it does not ask for. Those of one usage are sorted
 * by context, so that adding a fence need not look at all of them.
 *
 * Writers hold the lock of the object and change @end and @slots inside a write
 * section of @seq. A table that has become too small is replaced by a larger one
 * and is not changed any more. Lockless readers therefore know that everything
 * they saw was in the object at one and the same time if, afterwards, the table is
 * still that of the object and @seq has not moved. As the object holds a reference
 * to each of its fences, it also means that none of the fences was freed in
 * between, or its memory put to another use.
 */

static struct dma_resv_table *dma_resv_table(struct dma_resv *obj)
{
	return rcu_dereference_check(obj->table, dma_resv_held(obj));
}

/* For the owner of the lock, and for readers that check what they got from it */
static struct dma_fence *dma_resv_slot(struct dma_resv_table *list,
				       unsigned int i)
{
	return rcu_dereference_check(list->slots[i], true);
}

static unsigned int dma_resv_count(struct dma_resv_table *list,
				   enum dma_resv_usage usage)
{
	/* A slot is only read after the bound that admits it */
	return list ? smp_load_acquire(&list->end[usage]) : 0;
}

static bool dma_resv_has_signaled(struct dma_fence *fence)
{
	return test_bit(DMA_FENCE_FLAG_SIGNALED_BIT, &fence->flags);
}

static void dma_resv_set_end(struct dma_resv_table *list, unsigned int usage,
			     unsigned int end)
{
	/* Pairs with the acquire in dma_resv_count() */
	smp_store_release(&list->end[usage], end);
}

/*
 * Readers spin until a change is over, so nobody may take the processor away from it,
 * with PREEMPT_RT either. A seqcount that knows of the mutex would have readers lock
 * that there, under RCU, and whatever other locks they hold.
 */
static void dma_resv_write_begin(struct dma_resv_table *list)
{
	preempt_disable();
	write_seqcount_begin(&list->seq);
}

static void dma_resv_write_end(struct dma_resv_table *list)
{
	write_seqcount_end(&list->seq);
	preempt_enable();
}

static struct dma_resv_table *dma_resv_table_alloc(unsigned int max, gfp_t gfp)
{
	struct dma_resv_table *list;
	size_t size;

	if (max > U16_MAX)
		return NULL;

	/* What the allocator would round up to anyway becomes slots */
	size = roundup_pow_of_two(struct_size(list, slots, max));
	if (gfp == GFP_KERNEL)
		list = kvmalloc(size, gfp | __GFP_NOWARN);
	else
		list = kmalloc(size, gfp | __GFP_NOWARN);
	if (!list)
		return NULL;

	seqcount_init(&list->seq);
	memset(list->end, 0, sizeof(list->end));
	list->reserved = 0;
	list->max = min_t(size_t, U16_MAX,
			  (size - sizeof(*list)) / sizeof(list->slots[0]));

	return list;
}

static void dma_resv_table_free(struct dma_resv_table *list)
{
	unsigned int i = dma_resv_count(list, DMA_RESV_USAGE_BOOKKEEP);

	if (!list)
		return;

	while (i)
		dma_fence_put(dma_resv_slot(list, --i));

	kvfree_rcu(list, rcu);
}

static unsigned int dma_resv_start(struct dma_resv_table *list, unsigned int usage)
{
	return usage ? list->end[usage - 1] : 0;
}

/* For the owner of the lock: the usage of the fence in slot @i */
static unsigned int dma_resv_usage(struct dma_resv_table *list, unsigned int i)
{
	return (i >= list->end[DMA_RESV_USAGE_KERNEL]) +
	       (i >= list->end[DMA_RESV_USAGE_WRITE]) +
	       (i >= list->end[DMA_RESV_USAGE_READ]);
}

/* The first of the slots from @from up to @to whose context is not less than @context */
static unsigned int dma_resv_find(struct dma_resv_table *list, unsigned int from,
				  unsigned int to, u64 context)
{
	unsigned int middle;

	while (from < to) {
		middle = (from + to) / 2;
		if (dma_resv_slot(list, middle)->context < context)
			from = middle + 1;
		else
			to = middle;
	}

	return from;
}

static noinline unsigned int dma_resv_search(struct dma_resv_table *list,
					     unsigned int i, u64 context)
{
	unsigned int u;

	for (u = dma_resv_usage(list, i); u < DMA_RESV_USAGES; ++u) {
		i = dma_resv_find(list, i, list->end[u], context);
		if (i < list->end[u] &&
		    dma_resv_slot(list, i)->context == context)
			break;
		i = list->end[u];
	}

	return i;
}

/* Up to here it is faster to look at each fence than to search */
#define DMA_RESV_FEW 16

/* The first slot from @i up to @count with a fence of @context, or @count */
static __always_inline unsigned int
dma_resv_find_context(struct dma_resv_table *list, unsigned int i,
		      unsigned int count, u64 context)
{
	if (count > DMA_RESV_FEW)
		return i < count ? dma_resv_search(list, i, context) : count;

	while (i < count && dma_resv_slot(list, i)->context != context)
		++i;

	return i;
}

/*
 * Inside a write section. Readers that are already under way follow any pointer within
 * the bounds before they find out that it does not count, so all slots are filled
 * before a bound admits one more.
 */
static void dma_resv_table_insert(struct dma_resv_table *list,
				  struct dma_fence *fence,
				  enum dma_resv_usage usage)
{
	unsigned int i, at;

	at = dma_resv_find(list, dma_resv_start(list, usage), list->end[usage],
			   fence->context);
	for (i = list->end[DMA_RESV_USAGE_BOOKKEEP]; i > at; --i)
		RCU_INIT_POINTER(list->slots[i], dma_resv_slot(list, i - 1));
	RCU_INIT_POINTER(list->slots[at], fence);

	for (i = usage; i < DMA_RESV_USAGES; ++i)
		dma_resv_set_end(list, i, list->end[i] + 1);
}

/* Inside a write section */
static void dma_resv_table_remove(struct dma_resv_table *list, unsigned int at)
{
	unsigned int u = dma_resv_usage(list, at);

	while (++at < list->end[DMA_RESV_USAGE_BOOKKEEP])
		RCU_INIT_POINTER(list->slots[at - 1], dma_resv_slot(list, at));

	for (; u < DMA_RESV_USAGES; ++u)
		dma_resv_set_end(list, u, list->end[u] - 1);
}

/* The slots of fences that can go, in their order: one of each usage, mostly none */
struct dma_resv_victims {
	unsigned int count;
	unsigned int at[DMA_RESV_USAGES];
};

static void dma_resv_victim(struct dma_resv_victims *victims, unsigned int i)
{
	if (victims->count < ARRAY_SIZE(victims->at))
		victims->at[victims->count++] = i;
}

/*
 * Take @victims out and put @fence in, which may be NULL, as a single step in the
 * eyes of every reader. Takes over the reference to @fence.
 */
static void dma_resv_table_update(struct dma_resv_table *list,
				  const struct dma_resv_victims *victims,
				  struct dma_fence *fence,
				  enum dma_resv_usage usage)
{
	struct dma_fence *gone[DMA_RESV_USAGES];
	unsigned int i, at;

	dma_resv_write_begin(list);
	/* From behind: taking one out moves nothing that is before it */
	for (i = victims->count; i--;) {
		at = victims->at[i];
		gone[i] = dma_resv_slot(list, at);
		if (fence && fence->context == gone[i]->context &&
		    dma_resv_usage(list, at) == usage) {
			RCU_INIT_POINTER(list->slots[at], fence);
			fence = NULL;
		} else {
			dma_resv_table_remove(list, at);
		}
	}
	if (fence)
		dma_resv_table_insert(list, fence, usage);
	dma_resv_write_end(list);

	for (i = victims->count; i--;)
		dma_fence_put(gone[i]);
}

/*
 * Whoever changes an object without the lock is told so, once, and gets the lock
 * for the moment of the change. @usage is that of @fence, or -1 if none is added.
 * Returns whether the lock has to be dropped again.
 */
static noinline bool dma_resv_lock_now(struct dma_resv *obj,
				       struct dma_fence *fence, int usage)
{
	if (!dma_resv_check_mistake(obj, fence, usage, false))
		WARN_ONCE(1, "dma_resv changed without its lock\n");
	dma_resv_lock(obj, NULL);

	return true;
}

static bool dma_resv_lock_missing(struct dma_resv *obj,
				  struct dma_fence *fence, int usage)
{
	if (unlikely(!dma_resv_is_locked(obj)))
		return dma_resv_lock_now(obj, fence, usage);
	dma_resv_assert_held(obj);

	return false;
}

/**
 * dma_resv_init - initialize a reservation object
 * @obj: the reservation object
 *
 * Allocates nothing; that is left to dma_resv_reserve_fences().
 *
 * Context: Any.
 */
void dma_resv_init(struct dma_resv *obj)
{
	ww_mutex_init(&obj->lock, &reservation_ww_class);
	RCU_INIT_POINTER(obj->table, NULL);
	dma_resv_check_init(obj);
}
EXPORT_SYMBOL(dma_resv_init);

/**
 * dma_resv_fini - tear down a reservation object
 * @obj: the reservation object
 *
 * Drops the references to the fences that are left. Whether it is right to let go
 * of fences that have not signaled is for the owner of the memory to know.
 *
 * Context: Nobody else may hold or take the lock any more. Any in which
 * dma_fence_put() is allowed.
 */
void dma_resv_fini(struct dma_resv *obj)
{
	dma_resv_check_fini(obj);
	dma_resv_table_free(rcu_dereference_protected(obj->table, true));
	ww_mutex_destroy(&obj->lock);
}
EXPORT_SYMBOL(dma_resv_fini);

/* Let go of every fence that has signaled */
static void dma_resv_table_prune(struct dma_resv_table *list)
{
	unsigned int count = dma_resv_count(list, DMA_RESV_USAGE_BOOKKEEP);
	unsigned int i, u, end, kept = 0, signaled = 0;
	struct dma_fence *fence;

	/* Fences that only find out when asked are asked before the write section */
	for (i = 0; i < count; ++i)
		signaled += dma_fence_is_signaled(dma_resv_slot(list, i));
	if (!signaled)
		return;

	/*
	 * Those that stay move to the front, those that go change places with them.
	 * Others may signal meanwhile, they stay in the place they have.
	 */
	dma_resv_write_begin(list);
	for (i = 0, u = 0; u < DMA_RESV_USAGES; ++u) {
		for (end = list->end[u]; i < end; ++i) {
			fence = dma_resv_slot(list, i);
			if (dma_resv_has_signaled(fence))
				continue;
			RCU_INIT_POINTER(list->slots[i], dma_resv_slot(list, kept));
			RCU_INIT_POINTER(list->slots[kept++], fence);
		}
		dma_resv_set_end(list, u, kept);
	}
	dma_resv_write_end(list);

	while (count > kept)
		dma_fence_put(dma_resv_slot(list, --count));
}

/*
 * Make @list the table of @obj. The sequence goes on from that of the table before,
 * so that a cursor notices even if @list has the memory of a table it knew.
 */
static void dma_resv_table_publish(struct dma_resv *obj,
				   struct dma_resv_table *list)
{
	struct dma_resv_table *old = dma_resv_table(obj);

	if (old)
		list->seq.sequence = old->seq.sequence + 2;
	rcu_assign_pointer(obj->table, list);
}

/* Move to a table with @max slots or more, the fences stay the same */
static struct dma_resv_table *dma_resv_grow(struct dma_resv *obj,
					    unsigned int max, gfp_t gfp)
{
	struct dma_resv_table *list, *old = dma_resv_table(obj);
	unsigned int i;

	list = dma_resv_table_alloc(max, gfp);
	if (!list)
		return NULL;

	/* The references go along: readers of @old check before they use one */
	for (i = 0; i < dma_resv_count(old, DMA_RESV_USAGE_BOOKKEEP); ++i)
		RCU_INIT_POINTER(list->slots[i], dma_resv_slot(old, i));
	if (old) {
		memcpy(list->end, old->end, sizeof(list->end));
		list->reserved = old->reserved;
	}

	dma_resv_table_publish(obj, list);
	if (old)
		kvfree_rcu(old, rcu);

	return list;
}

/**
 * dma_resv_reserve_fences - make room for fences
 * @obj: the reservation object
 * @num_fences: how many fences are going to be added
 *
 * After this, dma_resv_add_fence() can be called @num_fences times before the lock
 * is dropped. Reservations do not add up: a second one also counts from the
 * fences that are in the object at the time. Do it where the operation can still
 * be given up, before its fence is visible to anybody. Later kernels take
 * @num_fences of 0 for a mistake. Here it reserves nothing, as those who lock a
 * buffer only to look at it, by ttm_eu_reserve_buffers() say, ask for that many.
 *
 * Context: The object is locked. May sleep to allocate memory.
 * Return: 0, or -ENOMEM; an object takes no more than 65535 fences.
 */
int dma_resv_reserve_fences(struct dma_resv *obj, unsigned int num_fences)
{
	struct dma_resv_table *list;
	unsigned int count;
	bool unlock;
	int ret = 0;

	unlock = dma_resv_lock_missing(obj, NULL, -1);

	list = dma_resv_table(obj);
	count = dma_resv_count(list, DMA_RESV_USAGE_BOOKKEEP);
	if (list && count + (u64)num_fences > list->max) {
		dma_resv_table_prune(list);
		count = dma_resv_count(list, DMA_RESV_USAGE_BOOKKEEP);
	}

	if (num_fences > U16_MAX - count) {
		ret = -ENOMEM;
	} else if (!list || count + num_fences > list->max) {
		/* Twice as large, so that adding one by one stays linear */
		list = dma_resv_grow(obj, clamp(2 * count, count + num_fences,
						(unsigned int)U16_MAX),
				     GFP_KERNEL);
		if (!list)
			ret = -ENOMEM;
	}
	if (!ret)
		list->reserved = max_t(u16, list->reserved, count + num_fences);

	if (unlock)
		dma_resv_unlock(obj);

	return ret;
}
EXPORT_SYMBOL(dma_resv_reserve_fences);

#ifdef CONFIG_DEBUG_MUTEXES
/**
 * dma_resv_reset_max_fences - take back reservations that were not used
 * @obj: the reservation object
 *
 * A reservation is good until the lock is dropped. dma_resv_unlock() makes sure,
 * with debugging enabled, that nobody gets away with an older one.
 *
 * Context: The object is locked.
 */
void dma_resv_reset_max_fences(struct dma_resv *obj)
{
	struct dma_resv_table *list = dma_resv_table(obj);

	dma_resv_assert_held(obj);
	if (list)
		list->reserved = dma_resv_count(list, DMA_RESV_USAGE_BOOKKEEP);
}
EXPORT_SYMBOL(dma_resv_reset_max_fences);
#endif

/*
 * A driver's own wait may give up and say that the fence has signaled. Nobody must
 * touch memory on that word. What every fence has is the callback, so wait for that,
 * for as long as there is time.
 */
static noinline long dma_resv_wait_again(struct dma_resv *obj,
					 struct dma_fence *fence, bool intr,
					 long timeout)
{
	if (!dma_resv_check_early(obj, fence))
		pr_warn_once("dma_resv: wait of %s:%s ends before its fence has signaled\n",
			     fence->ops->get_driver_name(fence),
			     fence->ops->get_timeline_name(fence));

	return dma_fence_default_wait(fence, intr, timeout);
}

/*
 * Nobody can be told that it did not work out: wait until @fence has signaled, whatever
 * comes of the driver's own wait. Without end, for what else there is to do is to lose
 * a fence.
 */
static void dma_resv_wait_signaled(struct dma_resv *obj, struct dma_fence *fence)
{
	long ret = dma_fence_wait_timeout(fence, false, MAX_SCHEDULE_TIMEOUT);

	if (dma_fence_is_signaled(fence))
		return;
	if (ret > 0)
		dma_resv_wait_again(obj, fence, false, MAX_SCHEDULE_TIMEOUT);
	else
		dma_fence_default_wait(fence, false, MAX_SCHEDULE_TIMEOUT);
}

/*
 * There is no slot for a fence that has to be in the object, a mistake of the
 * caller's. Nothing can be given up any more, and it is not known what may be
 * waited for, so try to do without waiting. Otherwise let the first fence finish and
 * take its place: it has the strongest usage, so it is the least likely to wait for
 * somebody who wants this lock, as eviction fences do, and of those the oldest
 * context. A fence as new as the caller's may not even have been handed to the
 * hardware, and is only waited for if there is nothing else. Returns the table, or
 * NULL if the fence has signaled instead.
 */
static struct dma_resv_table *dma_resv_force_slot(struct dma_resv *obj,
						  struct dma_fence *fence,
						  enum dma_resv_usage usage)
{
	struct dma_resv_table *list = dma_resv_table(obj);
	unsigned int count = dma_resv_count(list, DMA_RESV_USAGE_BOOKKEEP);

	if (!dma_resv_check_mistake(obj, fence, usage, true))
		WARN_ONCE(1, "fence %s:%s added to a dma_resv without a reserved slot\n",
			  fence->ops->get_driver_name(fence),
			  fence->ops->get_timeline_name(fence));

	if (list && count < list->max)
		return list;

	list = dma_resv_grow(obj, count + 1, GFP_NOWAIT);
	if (list)
		return list;

	list = dma_resv_table(obj);
	dma_resv_wait_signaled(obj, list ? dma_resv_slot(list, 0) : fence);
	/* That makes room, as the first one goes at least */
	if (list)
		dma_resv_table_prune(list);

	return list;
}

/*
 * Does waiting for @a include @b? Context 0 is what fences have that are on no
 * timeline, their numbers say nothing.
 */
static __always_inline bool dma_resv_covers(struct dma_fence *a, struct dma_fence *b)
{
	return a == b || (a->context && a->context == b->context &&
			  !dma_fence_is_later(b, a));
}

/* Add a fence, whatever is there already, and even if no slot is reserved */
static noinline void dma_resv_add_any(struct dma_resv *obj,
				      struct dma_fence *fence,
				      enum dma_resv_usage usage)
{
	struct dma_resv_victims gone;
	u64 context = fence->context;
	unsigned int i, u, count = 0;
	struct dma_resv_table *list;
	struct dma_fence *old;
	bool unlock;

	unlock = dma_resv_lock_missing(obj, fence, usage);

	list = dma_resv_table(obj);
	if (list)
		count = list->end[DMA_RESV_USAGE_BOOKKEEP];
	gone.count = 0;
	for (i = 0; (i = dma_resv_find_context(list, i, count, context)) < count; ++i) {
		old = dma_resv_slot(list, i);
		u = dma_resv_usage(list, i);
		/* Of context 0 there may be any number */
		if ((context && dma_resv_has_signaled(old)) ||
		    (u >= usage && old != fence && dma_resv_covers(fence, old)))
			dma_resv_victim(&gone, i);
		else if (u <= usage && dma_resv_covers(old, fence))
			goto out;
		else if (u > usage && old == fence)
			dma_resv_victim(&gone, i);
	}

	if (!gone.count && (!list || count >= list->reserved))
		list = dma_resv_force_slot(obj, fence, usage);
	if (list)
		dma_resv_table_update(list, &gone, dma_fence_get(fence), usage);
out:
	if (unlock)
		dma_resv_unlock(obj);
}

static noinline void dma_resv_take_out(struct dma_resv_table *list, u32 at)
{
	struct dma_resv_victims gone = { 1, { at } };

	dma_resv_table_update(list, &gone, NULL, 0);
}

/*
 * A fence has been added: look at one of the others, and let go of it if it has
 * signaled. Otherwise it would keep its driver and what that knows of the job until
 * the table is full, which it may never be. Which one changes with the sequence, evenly,
 * so that all have been looked at after a few times as many additions. None is asked,
 * only the flag counts: asking is for dma_resv_table_prune().
 */
static __always_inline void dma_resv_sweep(struct dma_resv_table *list)
{
	u32 at = reciprocal_scale(list->seq.sequence * GOLDEN_RATIO_32,
				  list->end[DMA_RESV_USAGE_BOOKKEEP]);

	if (unlikely(dma_resv_has_signaled(dma_resv_slot(list, at))))
		dma_resv_take_out(list, at);
}

/**
 * dma_resv_add_fence - add a fence
 * @obj: the reservation object
 * @fence: the fence, the object takes a reference of its own
 * @usage: what the operation behind @fence does, see &enum dma_resv_usage
 *
 * From now on @fence is part of every query for @usage or a weaker one. It takes
 * the place of earlier fences of its context that are not stronger; conversely
 * nothing changes if a fence that is as late and as strong is already there. To
 * promote a fence add it again with a stronger usage. Adding it with a weaker one
 * has no effect.
 *
 * A slot must have been reserved with dma_resv_reserve_fences(). If it was not,
 * the caller is reported once, and may find itself waiting for a fence.
 *
 * Context: The object is locked. Does not sleep unless a slot is missing.
 */
void dma_resv_add_fence(struct dma_resv *obj, struct dma_fence *fence,
			enum dma_resv_usage usage)
{
	struct dma_resv_table *list = rcu_access_pointer(obj->table);
	struct dma_fence *old;
	unsigned int i, count;

	dma_resv_check_add(obj, fence, usage);
	trace_dma_resv_add(obj, fence, usage);

	if (unlikely(!list || !dma_resv_is_locked(obj)))
		goto any;
	dma_resv_assert_held(obj);

	/* Nearly always there is no fence of the context, or just the last one */
	count = list->end[DMA_RESV_USAGE_BOOKKEEP];
	i = dma_resv_find_context(list, 0, count, fence->context);
	if (i == count) {
		if (unlikely(count >= list->reserved))
			goto any;
		dma_fence_get(fence);
		dma_resv_write_begin(list);
		dma_resv_table_insert(list, fence, usage);
		dma_resv_write_end(list);
		dma_resv_sweep(list);
		return;
	}

	old = dma_resv_slot(list, i);
	if (unlikely(dma_resv_usage(list, i) != usage || old == fence ||
		     !dma_resv_covers(fence, old) ||
		     dma_resv_find_context(list, i + 1, count,
					   fence->context) < count))
		goto any;

	dma_fence_get(fence);
	dma_resv_write_begin(list);
	RCU_INIT_POINTER(list->slots[i], fence);
	dma_resv_write_end(list);
	dma_fence_put(old);
	dma_resv_sweep(list);
	return;

any:
	dma_resv_add_any(obj, fence, usage);
}
EXPORT_SYMBOL(dma_resv_add_fence);

/**
 * dma_resv_replace_fences - let another fence stand for those of a context
 * @obj: the reservation object
 * @context: the fence context whose fences are replaced
 * @fence: what stands in their place
 * @usage: usage of @fence
 *
 * For fences that can be shown to be of no consequence once @fence has signaled,
 * even though they have not signaled themselves: a preemption fence after the
 * process lost its page tables, say. Replacing them takes away what others would
 * wait for, so this is right only if the operations behind the old fences cannot
 * reach the memory any more when @fence signals.
 *
 * Nothing is demoted: where a replaced fence has a stronger usage than @usage,
 * @fence gets that. @fence is in the object once afterwards, however many fences it
 * replaces. If the context has no fence in the object, or only fences that have
 * signaled, which are as good as gone, nothing happens. So whoever needs @fence to be
 * in the object adds it. No slot needs to be reserved.
 *
 * Context: The object is locked. Does not sleep.
 */
void dma_resv_replace_fences(struct dma_resv *obj, uint64_t context,
			     struct dma_fence *fence,
			     enum dma_resv_usage usage)
{
	struct dma_fence *old, *next = dma_fence_is_signaled(fence) ? NULL : fence;
	struct dma_resv_victims gone;
	struct dma_resv_table *list;
	unsigned int i, count;
	bool unlock;

	unlock = dma_resv_lock_missing(obj, fence, usage);

	list = dma_resv_table(obj);
	do {
		gone.count = 0;
		count = dma_resv_count(list, DMA_RESV_USAGE_BOOKKEEP);
		for (i = 0; (i = dma_resv_find_context(list, i, count, context)) < count; ++i) {
			old = dma_resv_slot(list, i);
			if ((old == fence && !next) || dma_fence_is_signaled(old))
				continue;
			dma_resv_victim(&gone, i);
			usage = min_t(enum dma_resv_usage, usage,
				      dma_resv_usage(list, i));
			dma_resv_check_replace(obj, old, fence, usage);
		}

		/* The first round puts @fence in, others finish the job */
		if (gone.count) {
			trace_dma_resv_replace(obj, context, fence, usage);
			dma_resv_table_update(list, &gone, dma_fence_get(next),
					      usage);
		}
		next = NULL;
	} while (gone.count);

	if (unlock)
		dma_resv_unlock(obj);
}
EXPORT_SYMBOL(dma_resv_replace_fences);

/* Under RCU: the table of @obj and its state, for readers without the lock */
static struct dma_resv_table *dma_resv_read_begin(struct dma_resv *obj,
						  unsigned int *seq)
{
	struct dma_resv_table *list = rcu_dereference(obj->table);

	*seq = list ? read_seqcount_begin(&list->seq) : 0;

	return list;
}

/* Does anything that was seen since dma_resv_read_begin() not count? */
static bool dma_resv_read_stale(struct dma_resv *obj,
				struct dma_resv_table *list, unsigned int seq)
{
	/*
	 * What was read comes before both tests. A table that is not in use any
	 * more may be gone, unless RCU has been held since it was.
	 */
	smp_rmb();
	if (rcu_access_pointer(obj->table) != list)
		return true;

	/* And if it has become a table again, then with that table's sequence */
	smp_rmb();
	return list && __read_seqcount_retry(&list->seq, seq);
}

/* A fence of which we hold a reference knows more than its flag says: drop it */
static noinline bool dma_resv_put_signaled(struct dma_fence *fence)
{
	if (!dma_fence_is_signaled(fence))
		return false;
	dma_fence_put(fence);

	return true;
}

/* What came of looking through slots: where it stopped, and with how many fences */
struct dma_resv_run {
	unsigned int slot;
	unsigned int count;
};

/*
 * Take references to the unsignaled fences in the slots from @slot up to @end, to
 * @max of them at the most.
 *
 * A fence that is looked at without a reference may be somebody else's by the time.
 * The caller finds out, and then drops what it got. But a fence must not be asked
 * before that, whose answer has it signal: what it goes by may still be that of the
 * fence before it.
 */
static __always_inline struct dma_resv_run
dma_resv_gather(struct dma_resv *obj, struct dma_resv_table *list,
		unsigned int seq, unsigned int slot, unsigned int end,
		struct dma_fence **fences, unsigned int max)
{
	struct dma_fence *fence;
	unsigned int n = 0;
	bool ask;

	for (; slot < end; ++slot) {
		fence = dma_resv_slot(list, slot);
		if (dma_resv_has_signaled(fence))
			continue;
		ask = READ_ONCE(fence->ops)->signaled;
		if (n == max || !dma_fence_get_rcu(fence))
			break;
		if (ask) {
			if (dma_resv_read_stale(obj, list, seq)) {
				dma_fence_put(fence);
				break;
			}
			if (dma_resv_put_signaled(fence))
				continue;
		}
		fences[n++] = fence;
	}

	return (struct dma_resv_run) { slot, n };
}

static noinline void dma_resv_put_run(struct dma_fence **fences, unsigned int n)
{
	while (n)
		dma_fence_put(fences[--n]);
}

/**
 * dma_resv_iter_walk - take references for an unlocked walk
 * @cursor: the cursor, all of whose references have been dropped
 * @restart: go to the start, else on from where the references ended
 *
 * The part of dma_resv_iter_first_unlocked() and dma_resv_iter_next_unlocked() that
 * is not inline.
 *
 * Context: Any but interrupts.
 * Return: the next unsignaled fence of the query, with a reference that the
 * cursor owns, or NULL at the end.
 */
struct dma_fence *dma_resv_iter_walk(struct dma_resv_iter *cursor, bool restart)
{
	/* Many go no further than the first fence */
	unsigned int u, bound, most = restart ? 1 : DMA_RESV_ITER_BATCH;
	struct dma_resv_table *list = cursor->fences;
	struct dma_resv_run run;

	/* What is seen only counts if the table still stands afterwards */
	rcu_read_lock();
	/* The table of the previous step is only alive if still in use */
	restart = restart ||
		  dma_resv_read_stale(cursor->obj, list, cursor->seq);
	for (;;) {
		if (restart) {
			list = dma_resv_read_begin(cursor->obj, &cursor->seq);
			cursor->fences = list;
			cursor->fence_usage = DMA_RESV_USAGE_KERNEL;
			cursor->index = 0;
			cursor->end = dma_resv_count(list, cursor->usage);
			cursor->is_restarted = true;
		}

		/* Fences of one usage at a time */
		run = (struct dma_resv_run) { cursor->index, 0 };
		restart = false;
		for (u = cursor->fence_usage;
		     !restart && !run.count && run.slot < cursor->end; ++u) {
			bound = min_t(unsigned int, cursor->end,
				      dma_resv_count(list, u));
			run = dma_resv_gather(cursor->obj, list, cursor->seq,
					      run.slot, bound,
					      cursor->batch, most);
			/* Stopped at a fence that is gone, or that was the last usage */
			restart = run.count < most && (run.slot < bound ||
				  (u == cursor->usage && run.slot < cursor->end));
			cursor->fence_usage = u;
		}

		restart |= dma_resv_read_stale(cursor->obj, list, cursor->seq);
		if (likely(!restart))
			break;
		dma_resv_put_run(cursor->batch, run.count);
	}
	rcu_read_unlock();

	cursor->index = run.slot;
	cursor->count = run.count;
	cursor->next = 1;
	cursor->fence = run.count ? cursor->batch[0] : NULL;

	return cursor->fence;
}
EXPORT_SYMBOL(dma_resv_iter_walk);

#ifdef CONFIG_DEBUG_MUTEXES
/**
 * dma_resv_iter_check - report a locked walk whose body changes the object
 * @cursor: the cursor
 *
 * To add a fence or to take one out moves others to different slots, so that some may
 * not be visited, and those not waited for. The walk goes on in the table that there
 * is now.
 *
 * Context: The object is locked.
 */
void dma_resv_iter_check(struct dma_resv_iter *cursor)
{
	struct dma_resv_table *list = dma_resv_table(cursor->obj);

	if (list == cursor->fences &&
	    (!list || list->seq.sequence == cursor->seq))
		return;

	WARN_ONCE(1, "dma_resv changed inside dma_resv_for_each_fence()\n");
	cursor->fences = list;
	cursor->seq = list->seq.sequence;
	cursor->end = min_t(unsigned int, cursor->end, list->end[cursor->usage]);
}
EXPORT_SYMBOL(dma_resv_iter_check);
#endif

/*
 * Take references to the unsignaled fences of a query, to @max of them at the most.
 * They come in the order of their usage; @ends, unless it is NULL, tells where each
 * usage ends. Returns how many they are, or @max + 1 if there are more. @sleep tells
 * whether the caller may.
 */
static unsigned int dma_resv_collect(struct dma_resv *obj,
				     enum dma_resv_usage usage,
				     struct dma_fence **fences,
				     unsigned int max, u16 *ends, bool sleep)
{
	struct dma_resv_run run;
	struct dma_resv_table *list;
	unsigned int seq, u, end, n;

	rcu_read_lock();
	for (;;) {
		list = dma_resv_read_begin(obj, &seq);
		run = (struct dma_resv_run) { 0, 0 };
		n = 0;
		end = 0;
		for (u = ends ? 0 : usage; u <= usage && run.slot == end; ++u) {
			end = dma_resv_count(list, u);
			run = dma_resv_gather(obj, list, seq, run.slot, end,
					      fences + n, max - n);
			n += run.count;
			if (ends)
				ends[u] = n;
		}

		/* To stop short of @max is to have met a fence that is gone */
		if (likely(!dma_resv_read_stale(obj, list, seq) &&
			   (run.slot == end || n == max)))
			break;
		dma_resv_put_run(fences, n);

		/* Writers may go on for as long as they like, others have to get on */
		if (sleep && need_resched()) {
			rcu_read_unlock();
			cond_resched();
			rcu_read_lock();
		}
	}
	rcu_read_unlock();

	return n + (run.slot < end);
}

/* How many fences a query has at the most */
static unsigned int dma_resv_bound(struct dma_resv *obj, enum dma_resv_usage usage)
{
	struct dma_resv_table *list;
	unsigned int seq, bound;

	rcu_read_lock();
	list = dma_resv_read_begin(obj, &seq);
	bound = dma_resv_count(list, usage);
	rcu_read_unlock();

	return bound;
}

/* All the fences of a query at one moment, in an array from @gfp */
static int dma_resv_snapshot(struct dma_resv *obj, enum dma_resv_usage usage,
			     unsigned int *num_fences,
			     struct dma_fence ***fences, gfp_t gfp)
{
	struct dma_fence **array = NULL;
	unsigned int n = 0, size;

	*num_fences = 0;
	*fences = NULL;

	for (;;) {
		/* More than last time, so that it ends though fences keep coming */
		size = max(dma_resv_bound(obj, usage), n);
		if (size) {
			array = kmalloc_array(size, sizeof(*array),
					      gfp | __GFP_NOWARN);
			if (!array)
				return -ENOMEM;
		}
		n = dma_resv_collect(obj, usage, array, size, NULL, true);
		if (n <= size)
			break;
		dma_fence_put_all(array, size);
		n = 2 * size + 1;
	}

	if (!n) {
		kfree(array);
		array = NULL;
	}
	*num_fences = n;
	*fences = array;

	return 0;
}

/**
 * dma_resv_get_fences - get the unsignaled fences of a query
 * @obj: the reservation object
 * @usage: get the fences of this usage and of every stronger one
 * @num_fences: where the number of fences goes
 * @fences: where the array goes, NULL when there are no fences
 *
 * Takes a snapshot, with a reference to each fence. The caller drops the
 * references and frees the array with kfree().
 *
 * Context: Process context, may sleep to allocate memory. The lock is not needed.
 * Return: 0, or -ENOMEM with nothing returned.
 */
int dma_resv_get_fences(struct dma_resv *obj, enum dma_resv_usage usage,
			unsigned int *num_fences, struct dma_fence ***fences)
{
	return dma_resv_snapshot(obj, usage, num_fences, fences, GFP_KERNEL);
}
EXPORT_SYMBOL_GPL(dma_resv_get_fences);

/**
 * dma_resv_get_singleton - get one fence that stands for a query
 * @obj: the reservation object
 * @usage: stand for the fences of this usage and of every stronger one
 * @fence: where the fence goes, NULL when nothing is unsignaled
 *
 * The fence signals when all those of the query have. If there is more than one
 * it is a &struct dma_fence_array made for the purpose. Arrays and chains in the
 * object are taken apart for it: they do not nest.
 *
 * Context: Process context, may sleep to allocate memory. The lock is not needed.
 * Return: 0, with a reference in @fence, or -ENOMEM.
 */
int dma_resv_get_singleton(struct dma_resv *obj, enum dma_resv_usage usage,
			   struct dma_fence **fence)
{
	struct dma_fence **fences, **leaves, *single;
	unsigned int count, num_leaves, i;
	struct dma_fence_array *array;
	int ret;

	/* Mostly there is one fence or none, which takes no memory */
	if (dma_resv_bound(obj, usage) <= 1) {
		count = dma_resv_collect(obj, usage, &single, 1, NULL, true);
		if (count <= 1) {
			*fence = count ? single : NULL;
			return 0;
		}
		dma_fence_put(single);
	}

	*fence = NULL;
	ret = dma_resv_get_fences(obj, usage, &count, &fences);
	if (ret)
		return ret;

	for (i = 0; i < count && count > 1; ++i) {
		if (!dma_fence_is_array(fences[i]) &&
		    !to_dma_fence_chain(fences[i]))
			continue;
		ret = dma_fence_get_leaves(fences, count, &leaves, &num_leaves);
		dma_fence_put_all(fences, count);
		if (ret)
			return ret;
		fences = leaves;
		count = num_leaves;
		break;
	}

	if (count <= 1) {
		if (count)
			*fence = fences[0];
		kfree(fences);
		return 0;
	}

	array = dma_fence_array_create(count, fences, dma_fence_context_alloc(1),
				       1, false);
	if (!array) {
		dma_fence_put_all(fences, count);
		return -ENOMEM;
	}
	*fence = &array->base;

	return 0;
}
EXPORT_SYMBOL_GPL(dma_resv_get_singleton);

/**
 * dma_resv_copy_fences - let an object have the fences of another one
 * @dst: the object that gets them, what it had before is dropped
 * @src: the object that keeps them
 *
 * Every unsignaled fence is copied with its usage. For handing over memory that
 * is still in use to an object which looks after it from then on.
 *
 * Context: @dst is locked, @src need not be. May sleep to allocate memory.
 * Return: 0, or -ENOMEM with @dst unchanged.
 */
int dma_resv_copy_fences(struct dma_resv *dst, struct dma_resv *src)
{
	struct dma_resv_table *old, *list;
	unsigned int n;
	bool unlock;

	for (;;) {
		n = max(1u, dma_resv_bound(src, DMA_RESV_USAGE_BOOKKEEP));
		list = dma_resv_table_alloc(n, GFP_KERNEL);
		if (!list)
			return -ENOMEM;

		n = dma_resv_collect(src, DMA_RESV_USAGE_BOOKKEEP,
				     (struct dma_fence __force **)list->slots,
				     list->max, list->end, true);
		if (n <= list->max)
			break;

		/* There have come more, drop those that did fit */
		list->end[DMA_RESV_USAGE_BOOKKEEP] = list->max;
		dma_resv_table_free(list);
	}
	list->reserved = n;

	unlock = dma_resv_lock_missing(dst, NULL, -1);
	dma_resv_check_copy(dst, src, list);
	old = dma_resv_table(dst);
	dma_resv_table_publish(dst, list);
	dma_resv_table_free(old);
	if (unlock)
		dma_resv_unlock(dst);

	return 0;
}
EXPORT_SYMBOL(dma_resv_copy_fences);

/* Small enough for the stack, and seldom is there more to wait for at once */
#define DMA_RESV_WAIT_BATCH 16

/* Wait for all of @fences, whose references are dropped. Returns what is left. */
static long dma_resv_wait_all(struct dma_resv *obj, struct dma_fence **fences,
			      unsigned int count, bool intr, long timeout)
{
	unsigned int i;
	long ret;

	for (i = 0; i < count; ++i) {
		if (timeout > 0) {
			ret = dma_fence_wait_timeout(fences[i], intr, timeout);
			if (ret > 0 && !dma_fence_is_signaled(fences[i]))
				ret = dma_resv_wait_again(obj, fences[i], intr,
							  min(ret, timeout));
			timeout = ret;
		}
		dma_fence_put(fences[i]);
	}

	return timeout;
}

/*
 * Does a query that is not known to be idle turn out to be, by itself or because
 * somebody looks? Some fences only find out that they have signaled when their
 * signaling is enabled, so who polls has to do that.
 */
static bool dma_resv_poll(struct dma_resv *obj, enum dma_resv_usage usage)
{
	struct dma_fence *fence;

	if (dma_resv_collect(obj, usage, &fence, 1, NULL, true)) {
		dma_fence_enable_sw_signaling(fence);
		dma_fence_put(fence);
	}

	return dma_resv_test_signaled(obj, usage);
}

/**
 * dma_resv_wait_timeout - wait for the fences of a query
 * @obj: the reservation object
 * @usage: wait for the fences of this usage and of every stronger one
 * @intr: whether a signal interrupts the wait
 * @timeout: how long to wait at the most, in jiffies, 0 to only look
 *
 * Waits for the fences that are in the object now. Fences added meanwhile do not
 * prolong the wait, unless there are more than 16 and no memory to note them down.
 *
 * Context: Process context, sleeps. The lock is not needed; it may be held if no
 * fence depends on somebody who takes it.
 * Return: what is left of @timeout, at least 1, when all have signaled; 0 if time
 * ran out before; -ERESTARTSYS if interrupted, or the error of a driver's wait.
 */
long dma_resv_wait_timeout(struct dma_resv *obj, enum dma_resv_usage usage,
			   bool intr, unsigned long timeout)
{
	struct dma_fence *batch[DMA_RESV_WAIT_BATCH], **fences;
	const unsigned int most = ARRAY_SIZE(batch);
	long ret = timeout ?: 1;
	unsigned int count;

	if (dma_resv_test_signaled(obj, usage))
		return ret;
	if (!timeout)
		return dma_resv_poll(obj, usage);

	trace_dma_resv_wait_begin(obj, usage, intr, timeout);

	do {
		/* In batches there might be no end, whoever waits may not allocate */
		if (dma_resv_bound(obj, usage) > most &&
		    !dma_resv_snapshot(obj, usage, &count, &fences, GFP_NOWAIT)) {
			ret = dma_resv_wait_all(obj, fences, count, intr, ret);
			kfree(fences);
			break;
		}

		count = dma_resv_collect(obj, usage, batch, most, NULL, true);
		ret = dma_resv_wait_all(obj, batch, min(count, most), intr, ret);
	} while (ret > 0 && count > most);

	trace_dma_resv_wait_end(obj, usage, ret);

	return ret;
}
EXPORT_SYMBOL_GPL(dma_resv_wait_timeout);

/*
 * With references: for a fence that may know more than its flag says, and when the
 * object was changed meanwhile. Ends the RCU section.
 */
static noinline bool dma_resv_ask(struct dma_resv *obj, enum dma_resv_usage usage,
				  struct dma_resv_table *list, unsigned int seq,
				  struct dma_fence *fence)
	__releases(RCU)
{
	bool busy = false;

	if (fence && dma_fence_get_rcu(fence)) {
		busy = !dma_resv_read_stale(obj, list, seq) &&
		       !dma_fence_is_signaled(fence);
		dma_fence_put(fence);
	}
	rcu_read_unlock();
	if (busy)
		return false;

	if (!dma_resv_collect(obj, usage, &fence, 1, NULL, false))
		return true;
	dma_fence_put(fence);

	return false;
}

/**
 * dma_resv_test_signaled - have the fences of a query signaled
 * @obj: the reservation object
 * @usage: test the fences of this usage and of every stronger one
 *
 * Context: Any but interrupts. The lock is not needed.
 * Return: true if there was a moment during the call at which none of the fences
 * was unsignaled.
 */
bool dma_resv_test_signaled(struct dma_resv *obj, enum dma_resv_usage usage)
{
	struct dma_resv_table *list;
	struct dma_fence *fence;
	unsigned int seq, i, end;

	rcu_read_lock();
	list = dma_resv_read_begin(obj, &seq);
	end = dma_resv_count(list, usage);
	for (i = 0; i < end; ++i) {
		fence = dma_resv_slot(list, i);
		if (!dma_resv_has_signaled(fence))
			goto busy;
	}

	if (unlikely(dma_resv_read_stale(obj, list, seq)))
		return dma_resv_ask(obj, usage, list, seq, NULL);
	rcu_read_unlock();

	return true;

busy:
	/* Without that operation the flag is all there is to know */
	if (READ_ONCE(fence->ops)->signaled)
		return dma_resv_ask(obj, usage, list, seq, fence);
	if (unlikely(dma_resv_read_stale(obj, list, seq)))
		return dma_resv_ask(obj, usage, list, seq, NULL);
	rcu_read_unlock();

	return false;
}
EXPORT_SYMBOL_GPL(dma_resv_test_signaled);

/**
 * dma_resv_describe - print the fences of an object
 * @obj: the reservation object
 * @seq: where to print
 *
 * One line a fence with its usage, driver, timeline, number and state, for debugfs.
 *
 * Context: The object is locked.
 */
void dma_resv_describe(struct dma_resv *obj, struct seq_file *seq)
{
	static const char * const names[DMA_RESV_USAGES] = {
		"kernel", "write", "read", "bookkeep"
	};
	struct dma_resv_iter cursor;
	struct dma_fence *fence;

	dma_resv_for_each_fence(&cursor, obj, DMA_RESV_USAGE_BOOKKEEP, fence) {
		seq_printf(seq, "\t%s fence: ",
			   names[dma_resv_iter_usage(&cursor)]);
		dma_fence_describe(fence, seq);
	}
}
EXPORT_SYMBOL_GPL(dma_resv_describe);
