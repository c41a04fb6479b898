/*
 * Header file for reservations for dma-buf and ttm
 *
 * Copyright(C) 2011 Linaro Limited. All rights reserved.
 * Copyright (C) 2012-2013 Canonical Ltd
 * Copyright (C) 2012 Texas Instruments
 *
 * Authors:
 * Rob Clark <robdclark@gmail.com>
 * Maarten Lankhorst <maarten.lankhorst@canonical.com>
 * Thomas Hellstrom <thellstrom-at-vmware-dot-com>
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
 */
#ifndef _LINUX_RESERVATION_H
#define _LINUX_RESERVATION_H

#include <linux/build_bug.h>
#include <linux/ww_mutex.h>
#include <linux/dma-fence.h>
#include <linux/slab.h>
#include <linux/seqlock.h>
#include <linux/rcupdate.h>

extern struct ww_class reservation_ww_class;

/**
 * enum dma_resv_usage - why a fence is attached to a buffer
 *
 * The usage says what the operation behind a fence does to the buffer, and with
 * that who has to wait for it. The values are ordered: a query for one usage
 * yields the fences of that usage and of every usage before it, so asking for
 * less never hides what somebody asking for more has to see::
 *
 *	KERNEL < WRITE < READ < BOOKKEEP
 *
 * ================ ============================= ==============================
 * Query            Yields fences added as        Who asks
 * ================ ============================= ==============================
 * KERNEL           KERNEL                        everybody, before any access
 * WRITE            KERNEL, WRITE                 implicitly synchronized readers
 * READ             KERNEL, WRITE, READ           implicitly synchronized writers
 * BOOKKEEP         all of them                   memory management
 * ================ ============================= ==============================
 *
 * Pick the usage from what the operation is, not from who should be held up.
 * The overview of reservation objects has the rules that go with it.
 */
enum dma_resv_usage {
	/**
	 * @DMA_RESV_USAGE_KERNEL: The kernel manages the memory itself.
	 *
	 * Moves, clears, evictions, cache maintenance: until such an operation
	 * is complete the buffer has no valid content, or none at the place
	 * where it is expected. Nobody may touch the memory before, and user
	 * space supplying its own fences does not change that. Only a buffer
	 * that was pinned after a wait for its KERNEL fences needs no other.
	 */
	DMA_RESV_USAGE_KERNEL,

	/**
	 * @DMA_RESV_USAGE_WRITE: A job writes and is implicitly synchronized.
	 *
	 * Later jobs that read or write the buffer and rely on implicit
	 * synchronization wait for it.
	 */
	DMA_RESV_USAGE_WRITE,

	/**
	 * @DMA_RESV_USAGE_READ: A job reads and is implicitly synchronized.
	 *
	 * Later jobs that write the buffer and rely on implicit synchronization
	 * wait for it; other readers do not.
	 */
	DMA_RESV_USAGE_READ,

	/**
	 * @DMA_RESV_USAGE_BOOKKEEP: Something needs the memory to stay.
	 *
	 * For everything that must be complete before the memory is moved or
	 * freed, but takes no part in implicit synchronization: explicitly
	 * synchronized jobs, preemption and eviction fences, page-table updates
	 * and TLB flushes. Only memory management waits for it.
	 */
	DMA_RESV_USAGE_BOOKKEEP
};

/**
 * dma_resv_usage_rw - which fences an implicitly synchronized access waits for
 * @write: true when the access is going to write
 *
 * Readers wait for the writers before them, writers for readers as well. This is
 * the usage to query with; the fence of the access itself is added as
 * %DMA_RESV_USAGE_WRITE or %DMA_RESV_USAGE_READ.
 *
 * Context: Any.
 * Return: %DMA_RESV_USAGE_READ for a write, %DMA_RESV_USAGE_WRITE for a read.
 */
static inline enum dma_resv_usage dma_resv_usage_rw(bool write)
{
	return write ? DMA_RESV_USAGE_READ : DMA_RESV_USAGE_WRITE;
}

/*
 * From 5.14 to 5.18 there was a bool in the place of the usage, which C converts without
 * a word: a wait for all fences would become one for WRITE. A bool is known by its
 * type; true and false are int, as the usages are, and known by their names. What is
 * not noticed is an expression of type int, such as !x or a comparison.
 */
#define dma_resv_usage_arg(usage) __dma_resv_usage_arg(usage, #usage)
#define __dma_resv_usage_arg(usage, text) ({				\
	BUILD_BUG_ON_MSG(__builtin_types_compatible_p(typeof(usage), bool) || \
			 !__builtin_strcmp(text, "true") ||		\
			 !__builtin_strcmp(text, "false") ||		\
			 !__builtin_strcmp(text, "1") ||		\
			 !__builtin_strcmp(text, "0"),			\
			 "not a bool: see enum dma_resv_usage");	\
	usage; })

struct seq_file;

#define DMA_RESV_USAGES (DMA_RESV_USAGE_BOOKKEEP + 1)

/**
 * struct dma_resv_table - the table with the fences of a reservation object
 * @rcu: to free the table
 * @seq: moves with every change
 * @end: first slot behind the fences of each usage
 * @reserved: up to how many fences dma_resv_reserve_fences() has made room for
 * @max: how many slots there are
 * @slots: the fences, sorted by usage, and by context within a usage
 *
 * Private to dma-resv.c, which explains it; here for the functions that are inline.
 */
struct dma_resv_table {
	struct rcu_head rcu;
	seqcount_t seq;
	u16 end[DMA_RESV_USAGES];
	u16 reserved;
	u16 max;
	struct dma_fence __rcu *slots[];
};

/**
 * struct dma_resv - the fences of everything that goes on with a buffer
 * @lock: held by whoever changes the object
 * @table: table of fences with their usage, private to dma-resv.c
 * @records: where fences were added, private to dma-resv-check.c
 * @import: fences that are being added come from user space, likewise
 */
struct dma_resv {
	struct ww_mutex lock;
	struct dma_resv_table __rcu *table;
#ifdef CONFIG_DMABUF_CHECK
	struct list_head records;
	bool import;
#endif
};

#define dma_resv_held(obj) lockdep_is_held(&(obj)->lock.base)
#define dma_resv_assert_held(obj) lockdep_assert_held(&(obj)->lock.base)

/* How many references a walk without the lock takes at once */
#define DMA_RESV_ITER_BATCH 8

/**
 * struct dma_resv_iter - position in the fences of a reservation object
 * @obj: the object whose fences are visited
 * @usage: the query, fences with a weaker usage are passed over
 * @fence: the fence visited last, with a reference, if the walk is unlocked
 * @fence_usage: usage of the fence visited last
 * @fences: the table that the walk is in
 * @seq: the state of @fences that @index refers to
 * @index: the slot at which the walk goes on
 * @end: first slot behind the fences of the query
 * @is_restarted: the walk began anew with the fence visited last
 * @next: which of @batch is visited next
 * @count: how many fences there are in @batch
 * @batch: fences of @fence_usage, with references from @next on
 *
 * For the functions below; the members are private to them. Lives on the stack
 * between dma_resv_iter_begin() and dma_resv_iter_end().
 */
struct dma_resv_iter {
	struct dma_resv *obj;
	enum dma_resv_usage usage;
	enum dma_resv_usage fence_usage;
	struct dma_fence *fence;
	struct dma_resv_table *fences;
	unsigned int seq;
	unsigned int index;
	unsigned int end;
	bool is_restarted;
	u8 next;
	u8 count;
	struct dma_fence *batch[DMA_RESV_ITER_BATCH];
};

struct dma_fence *dma_resv_iter_walk(struct dma_resv_iter *cursor, bool restart);

#ifdef CONFIG_DEBUG_MUTEXES
void dma_resv_iter_check(struct dma_resv_iter *cursor);
#else
static inline void dma_resv_iter_check(struct dma_resv_iter *cursor) {}
#endif

/**
 * dma_resv_iter_begin - prepare to visit the fences of an object
 * @cursor: the cursor to set up
 * @obj: the reservation object, which has to outlive the walk
 * @usage: visit the fences of this usage and of every stronger one
 *
 * Context: Any.
 */
static inline void dma_resv_iter_begin(struct dma_resv_iter *cursor,
				       struct dma_resv *obj,
				       enum dma_resv_usage usage)
{
	cursor->obj = obj;
	cursor->usage = usage;
	cursor->fence_usage = DMA_RESV_USAGE_KERNEL;
	cursor->fence = NULL;
	cursor->next = 0;
	cursor->count = 0;
}

#define dma_resv_iter_begin(cursor, obj, usage) \
	dma_resv_iter_begin(cursor, obj, dma_resv_usage_arg(usage))

/**
 * dma_resv_iter_end - drop what a walk still holds
 * @cursor: the cursor
 *
 * Pairs with dma_resv_iter_begin() for unlocked walks, wherever they are left.
 * The fence visited last must not be used afterwards without a reference of
 * one's own.
 *
 * Context: Any in which dma_fence_put() is allowed.
 */
static inline void dma_resv_iter_end(struct dma_resv_iter *cursor)
{
	dma_fence_put(cursor->fence);
	cursor->fence = NULL;
	while (cursor->next < cursor->count)
		dma_fence_put(cursor->batch[cursor->next++]);
}

/**
 * dma_resv_iter_usage - usage of the fence visited last
 * @cursor: the cursor, after dma_resv_iter_begin()
 *
 * Means nothing before the first fence and after the end, where it may be called
 * nevertheless.
 *
 * Context: Any.
 * Return: the usage with which the fence is in the object.
 */
static inline enum dma_resv_usage
dma_resv_iter_usage(struct dma_resv_iter *cursor)
{
	return cursor->fence_usage;
}

/**
 * dma_resv_iter_is_restarted - did the walk begin anew with the last fence
 * @cursor: the cursor
 *
 * An unlocked walk starts over when the object changed since the previous step.
 * Whoever accumulates something has to throw it away then.
 *
 * Context: Any.
 * Return: true for the first fence of each pass, which includes the very first.
 */
static inline bool dma_resv_iter_is_restarted(struct dma_resv_iter *cursor)
{
	return cursor->is_restarted;
}

/**
 * dma_resv_iter_next - visit the next fence of a locked object
 * @cursor: the cursor, after dma_resv_iter_first()
 *
 * Context: The object has been locked since dma_resv_iter_first(), and has not
 * been changed.
 * Return: the next fence of the query, signaled or not, without a reference, or
 * NULL at the end.
 */
static inline struct dma_fence *dma_resv_iter_next(struct dma_resv_iter *cursor)
{
	dma_resv_assert_held(cursor->obj);
	cursor->is_restarted = false;
	dma_resv_iter_check(cursor);
	if (cursor->index >= cursor->end)
		return NULL;

	while (cursor->fence_usage < cursor->usage &&
	       cursor->index >= cursor->fences->end[cursor->fence_usage])
		++cursor->fence_usage;

	return rcu_dereference_protected(cursor->fences->slots[cursor->index++],
					 dma_resv_held(cursor->obj));
}

/**
 * dma_resv_iter_first - start to visit the fences of a locked object
 * @cursor: the cursor, after dma_resv_iter_begin()
 *
 * See dma_resv_for_each_fence(), which is the way to use it.
 *
 * Context: The object is locked.
 * Return: the first fence of the query, signaled or not, without a reference, or
 * NULL if there is none. Fences come in the order of their usage.
 */
static inline struct dma_fence *dma_resv_iter_first(struct dma_resv_iter *cursor)
{
	struct dma_fence *fence;

	cursor->fences = rcu_dereference_protected(cursor->obj->table,
						   dma_resv_held(cursor->obj));
	cursor->fence_usage = DMA_RESV_USAGE_KERNEL;
	cursor->index = 0;
	cursor->end = 0;
	if (cursor->fences) {
		cursor->end = cursor->fences->end[cursor->usage];
		cursor->seq = cursor->fences->seq.sequence;
	}
	fence = dma_resv_iter_next(cursor);
	cursor->is_restarted = true;

	return fence;
}

/**
 * dma_resv_iter_first_unlocked - start to visit fences without the lock
 * @cursor: the cursor, after dma_resv_iter_begin()
 *
 * See dma_resv_for_each_fence_unlocked(), which is the way to use it.
 *
 * Context: Any but interrupts.
 * Return: the first unsignaled fence of the query, with a reference that the
 * cursor owns, or NULL if there is none.
 */
static inline struct dma_fence *
dma_resv_iter_first_unlocked(struct dma_resv_iter *cursor)
{
	dma_resv_iter_end(cursor);

	return dma_resv_iter_walk(cursor, true);
}

/**
 * dma_resv_iter_next_unlocked - visit the next fence without the lock
 * @cursor: the cursor, after dma_resv_iter_first_unlocked()
 *
 * Drops the reference to the previous fence. Starts over when it finds that the
 * object changed, which dma_resv_iter_is_restarted() then tells.
 *
 * Context: Any but interrupts.
 * Return: the next unsignaled fence of the query, with a reference that the
 * cursor owns, or NULL at the end.
 */
static inline struct dma_fence *
dma_resv_iter_next_unlocked(struct dma_resv_iter *cursor)
{
	dma_fence_put(cursor->fence);
	cursor->is_restarted = false;

	while (cursor->next < cursor->count) {
		cursor->fence = cursor->batch[cursor->next++];
		if (!test_bit(DMA_FENCE_FLAG_SIGNALED_BIT,
			      &cursor->fence->flags))
			return cursor->fence;
		dma_fence_put(cursor->fence);
	}
	cursor->fence = NULL;

	if (cursor->index >= cursor->end &&
	    rcu_access_pointer(cursor->obj->table) == cursor->fences)
		return NULL;

	return dma_resv_iter_walk(cursor, false);
}

/**
 * dma_resv_for_each_fence_unlocked - visit unsignaled fences without the lock
 * @cursor: a &struct dma_resv_iter pointer, after dma_resv_iter_begin()
 * @fence: the current fence
 *
 * Each pass visits every fence of the query that is in the object for as long as
 * the pass takes; signaled fences are left out. When the object changes in
 * between the walk starts over, see dma_resv_iter_is_restarted(), so a fence may
 * be visited more than once. To wait for a whole query there are functions that
 * are not held up by fences added later; do not build that wait from this loop.
 *
 * The cursor holds a reference to @fence until the next step. The body may sleep.
 * Always follow the loop with dma_resv_iter_end().
 */
#define dma_resv_for_each_fence_unlocked(cursor, fence)			\
	for (fence = dma_resv_iter_first_unlocked(cursor); fence;	\
	     fence = dma_resv_iter_next_unlocked(cursor))

/**
 * dma_resv_for_each_fence - visit the fences of a locked object
 * @cursor: a &struct dma_resv_iter pointer, need not be set up
 * @obj: the reservation object
 * @usage: visit the fences of this usage and of every stronger one
 * @fence: the current fence
 *
 * Visits each fence once, signaled or not. The lock of @obj is held throughout,
 * and the body does not change the object: %CONFIG_DEBUG_MUTEXES reports one that
 * does. No reference is taken, and
 * dma_resv_iter_end() is not needed.
 */
#define dma_resv_for_each_fence(cursor, obj, usage, fence)		\
	for (dma_resv_iter_begin(cursor, obj, usage),			\
	     fence = dma_resv_iter_first(cursor); fence;		\
	     fence = dma_resv_iter_next(cursor))

#ifdef CONFIG_DEBUG_MUTEXES
void dma_resv_reset_max_fences(struct dma_resv *obj);
#else
static inline void dma_resv_reset_max_fences(struct dma_resv *obj) {}
#endif

/**
 * dma_resv_lock - lock the reservation object
 * @obj: the reservation object
 * @ctx: the locking context
 *
 * Locks the reservation object for exclusive access and modification. Note,
 * that the lock is only against other writers, readers will run concurrently
 * with a writer under RCU. The seqlock is used to notify readers if they
 * overlap with a writer.
 *
 * As the reservation object may be locked by multiple parties in an
 * undefined order, a #ww_acquire_ctx is passed to unwind if a cycle
 * is detected. See ww_mutex_lock() and ww_acquire_init(). A reservation
 * object may be locked by itself by passing NULL as @ctx.
 */
static inline int dma_resv_lock(struct dma_resv *obj,
				struct ww_acquire_ctx *ctx)
{
	return ww_mutex_lock(&obj->lock, ctx);
}

/**
 * dma_resv_lock_interruptible - lock the reservation object
 * @obj: the reservation object
 * @ctx: the locking context
 *
 * Locks the reservation object interruptible for exclusive access and
 * modification. Note, that the lock is only against other writers, readers
 * will run concurrently with a writer under RCU. The seqlock is used to
 * notify readers if they overlap with a writer.
 *
 * As the reservation object may be locked by multiple parties in an
 * undefined order, a #ww_acquire_ctx is passed to unwind if a cycle
 * is detected. See ww_mutex_lock() and ww_acquire_init(). A reservation
 * object may be locked by itself by passing NULL as @ctx.
 */
static inline int dma_resv_lock_interruptible(struct dma_resv *obj,
					      struct ww_acquire_ctx *ctx)
{
	return ww_mutex_lock_interruptible(&obj->lock, ctx);
}

/**
 * dma_resv_lock_slow - slowpath lock the reservation object
 * @obj: the reservation object
 * @ctx: the locking context
 *
 * Acquires the reservation object after a die case. This function
 * will sleep until the lock becomes available. See dma_resv_lock() as
 * well.
 */
static inline void dma_resv_lock_slow(struct dma_resv *obj,
				      struct ww_acquire_ctx *ctx)
{
	ww_mutex_lock_slow(&obj->lock, ctx);
}

/**
 * dma_resv_lock_slow_interruptible - slowpath lock the reservation
 * object, interruptible
 * @obj: the reservation object
 * @ctx: the locking context
 *
 * Acquires the reservation object interruptible after a die case. This function
 * will sleep until the lock becomes available. See
 * dma_resv_lock_interruptible() as well.
 */
static inline int dma_resv_lock_slow_interruptible(struct dma_resv *obj,
						   struct ww_acquire_ctx *ctx)
{
	return ww_mutex_lock_slow_interruptible(&obj->lock, ctx);
}

/**
 * dma_resv_trylock - trylock the reservation object
 * @obj: the reservation object
 *
 * Tries to lock the reservation object for exclusive access and modification.
 * Note, that the lock is only against other writers, readers will run
 * concurrently with a writer under RCU. The seqlock is used to notify readers
 * if they overlap with a writer.
 *
 * Also note that since no context is provided, no deadlock protection is
 * possible.
 *
 * Returns true if the lock was acquired, false otherwise.
 */
static inline bool __must_check dma_resv_trylock(struct dma_resv *obj)
{
	return ww_mutex_trylock(&obj->lock);
}

/**
 * dma_resv_is_locked - is the reservation object locked
 * @obj: the reservation object
 *
 * Returns true if the mutex is locked, false if unlocked.
 */
static inline bool dma_resv_is_locked(struct dma_resv *obj)
{
	return ww_mutex_is_locked(&obj->lock);
}

/**
 * dma_resv_locking_ctx - returns the context used to lock the object
 * @obj: the reservation object
 *
 * Returns the context used to lock a reservation object or NULL if no context
 * was used or the object is not locked at all.
 */
static inline struct ww_acquire_ctx *dma_resv_locking_ctx(struct dma_resv *obj)
{
	return READ_ONCE(obj->lock.ctx);
}

/**
 * dma_resv_unlock - unlock the reservation object
 * @obj: the reservation object
 *
 * Unlocks the reservation object following exclusive access.
 */
static inline void dma_resv_unlock(struct dma_resv *obj)
{
	dma_resv_reset_max_fences(obj);
	ww_mutex_unlock(&obj->lock);
}

void dma_resv_init(struct dma_resv *obj);
void dma_resv_fini(struct dma_resv *obj);
int dma_resv_reserve_fences(struct dma_resv *obj, unsigned int num_fences);
void dma_resv_add_fence(struct dma_resv *obj, struct dma_fence *fence,
			enum dma_resv_usage usage);
void dma_resv_replace_fences(struct dma_resv *obj, uint64_t context,
			     struct dma_fence *fence,
			     enum dma_resv_usage usage);
int dma_resv_get_fences(struct dma_resv *obj, enum dma_resv_usage usage,
			unsigned int *num_fences, struct dma_fence ***fences);
int dma_resv_get_singleton(struct dma_resv *obj, enum dma_resv_usage usage,
			   struct dma_fence **fence);
int dma_resv_copy_fences(struct dma_resv *dst, struct dma_resv *src);
long dma_resv_wait_timeout(struct dma_resv *obj, enum dma_resv_usage usage,
			   bool intr, unsigned long timeout);
bool dma_resv_test_signaled(struct dma_resv *obj, enum dma_resv_usage usage);
void dma_resv_describe(struct dma_resv *obj, struct seq_file *seq);

/**
 * dma_resv_set_deadline - tell by when the fences of a query should have signaled
 * @obj: the reservation object
 * @usage: the query
 * @deadline: the time
 *
 * See dma_fence_set_deadline(): nobody here takes the hint.
 */
static inline void dma_resv_set_deadline(struct dma_resv *obj,
					 enum dma_resv_usage usage,
					 ktime_t deadline)
{
}

#define dma_resv_get_fences(obj, usage, num_fences, fences) \
	dma_resv_get_fences(obj, dma_resv_usage_arg(usage), num_fences, fences)
#define dma_resv_get_singleton(obj, usage, fence) \
	dma_resv_get_singleton(obj, dma_resv_usage_arg(usage), fence)
#define dma_resv_wait_timeout(obj, usage, intr, timeout) \
	dma_resv_wait_timeout(obj, dma_resv_usage_arg(usage), intr, timeout)
#define dma_resv_test_signaled(obj, usage) \
	dma_resv_test_signaled(obj, dma_resv_usage_arg(usage))

#endif /* _LINUX_RESERVATION_H */
