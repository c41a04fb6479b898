// SPDX-License-Identifier: GPL-2.0-only
/*
 * The operations that are measured, compiled once for each implementation against its
 * own headers, so that what is inline there is inline here.
 */
#ifdef IMPL_base
#include "base.h"
#else
#include <linux/dma-resv.h>
#endif
#ifdef CONFIG_DMABUF_CHECK
#include <linux/dma-fence-check.h>
#else
#define dma_fence_check_by_user(fence) ((void)(fence))
#endif
#include <linux/sched.h>
#include <linux/slab.h>
#include <native.h>
#include <stdlib.h>
#include "impl.h"

/* What is freed by RCU goes at the end of a round; this many objects at once */
#define OBJECTS 64

struct scene {
	struct dma_resv obj, copy, many[OBJECTS];
	unsigned int n, at;
	u64 seqno;
	/* Two of each context, so that one can replace the other */
	struct dma_fence *fences, *next;
	/* The fences in no particular order */
	unsigned int *order;
};

static const char *get_name(struct dma_fence *fence)
{
	return "bench";
}

/* A driver that has to look at the hardware, which has not got there yet */
static bool not_yet(struct dma_fence *fence)
{
	return READ_ONCE(fence->error) == 1;
}

static void keep(struct dma_fence *fence) { }

static const struct dma_fence_ops plain_ops = {
	.get_driver_name = get_name, .get_timeline_name = get_name, .release = keep,
};

static const struct dma_fence_ops signaled_ops = {
	.get_driver_name = get_name, .get_timeline_name = get_name, .release = keep,
	.signaled = not_yet,
};

static spinlock_t lock;

static enum dma_resv_usage usage_of(unsigned int i)
{
	return i ? DMA_RESV_USAGE_READ : DMA_RESV_USAGE_WRITE;
}

static void fill(struct scene *s, struct dma_resv *obj)
{
	unsigned int i;

	for (i = 0; i < s->n; ++i)
		dma_resv_add_fence(obj, &s->fences[s->order[i]], usage_of(i));
}

static struct scene *scene(unsigned int n, bool signaled_op, int state)
{
	const struct dma_fence_ops *ops = signaled_op ? &signaled_ops : &plain_ops;
	struct scene *s = calloc(1, sizeof(*s));
	unsigned int i, j, seed = 1;
	u64 context;

	s->n = n;
	s->seqno = 10;
	/* As slabs align them */
	s->fences = aligned_alloc(64, (n + 1) * sizeof(*s->fences));
	s->next = aligned_alloc(64, (n + 1) * sizeof(*s->next));
	s->order = calloc(n + 1, sizeof(*s->order));
	context = dma_fence_context_alloc(n + 1);
	for (i = 0; i <= n; ++i) {
		dma_fence_init(&s->fences[i], ops, &lock, context + i, 1);
		dma_fence_init(&s->next[i], ops, &lock, context + i, 2);
		/* They do what no driver may, and it is not reports that are measured */
		dma_fence_check_by_user(&s->fences[i]);
		dma_fence_check_by_user(&s->next[i]);
		s->order[i] = i;
	}
	for (i = n; i-- > 1;) {
		seed = seed * 1664525 + 1013904223;
		j = (seed >> 8) % (i + 1);
		swap(s->order[i], s->order[j]);
	}

	dma_resv_init(&s->copy);
	dma_resv_init(&s->obj);
	(void)dma_resv_lock(&s->copy, NULL);
	(void)dma_resv_lock(&s->obj, NULL);
	if (n && dma_resv_reserve_fences(&s->obj, n))
		abort();
	fill(s, &s->obj);
	if (state == SIGNALED)
		for (i = 0; i < n; ++i)
			dma_fence_signal(&s->fences[i]);

	return s;
}

static void end(struct scene *s)
{
	unsigned int i;

	dma_resv_unlock(&s->obj);
	dma_resv_unlock(&s->copy);
	dma_resv_fini(&s->obj);
	dma_resv_fini(&s->copy);
	native_rcu_barrier();
	for (i = 0; i <= s->n; ++i) {
		if (kref_read(&s->fences[i].refcount) != 1 ||
		    kref_read(&s->next[i].refcount) != 1)
			native_bug("the benchmark lost or leaked a reference");
		dma_fence_put(&s->fences[i]);
		dma_fence_put(&s->next[i]);
	}
	free(s->fences);
	free(s->next);
	free(s->order);
	free(s);
}

/* For @objects of them, from @first on: @prepare, then the timed @step, then @clean */
#define FOR_MANY(s, times, prepare, step, clean) ({			\
	unsigned int __left = (times), __n, __i;			\
	ktime_t __start, __sum = 0;					\
	for (; __left; __left -= __n) {					\
		__n = min(__left, (unsigned int)OBJECTS);		\
		for (__i = 0; __i < __n; ++__i) {			\
			struct dma_resv *obj = &(s)->many[__i];		\
			prepare;					\
		}							\
		__start = ktime_get();					\
		for (__i = 0; __i < __n; ++__i) {			\
			struct dma_resv *obj = &(s)->many[__i];		\
			step;						\
		}							\
		__sum += ktime_get() - __start;				\
		for (__i = 0; __i < __n; ++__i) {			\
			struct dma_resv *obj = &(s)->many[__i];		\
			clean;						\
		}							\
		native_rcu_barrier();					\
	}								\
	(double)__sum; })

#define TIMED(times, step) ({						\
	unsigned int __i;						\
	ktime_t __start = ktime_get();					\
	for (__i = 0; __i < (times); ++__i) {				\
		step;							\
		barrier();						\
	}								\
	(double)(ktime_get() - __start); })

/* For steps that leave something to RCU, which is not part of the time */
#define TIMED_FREEING(times, step) ({					\
	unsigned int __left, __some;					\
	double __ns = 0;						\
	for (__left = (times); __left; __left -= __some) {		\
		__some = min(__left, (unsigned int)OBJECTS);		\
		__ns += TIMED(__some, step);				\
		native_rcu_barrier();					\
	}								\
	__ns; })

static void locked(struct dma_resv *obj)
{
	dma_resv_init(obj);
	(void)dma_resv_lock(obj, NULL);
}

static void drop(struct dma_resv *obj)
{
	dma_resv_unlock(obj);
	dma_resv_fini(obj);
}

static double init_fini(struct scene *s, unsigned int times)
{
	struct dma_resv *obj = &s->many[0];

	return TIMED(times, ({ dma_resv_init(obj); barrier(); dma_resv_fini(obj); }));
}

static double add_first(struct scene *s, unsigned int times)
{
	return FOR_MANY(s, times, locked(obj), ({
		if (dma_resv_reserve_fences(obj, 1))
			abort();
		dma_resv_add_fence(obj, &s->fences[0], DMA_RESV_USAGE_READ);
	}), drop(obj));
}

static double add_replace(struct scene *s, unsigned int times)
{
	/* Not the writer, if there is anything else: it is the exclusive fence of 5.10 */
	unsigned int first = s->n > 1, i;
	double ns;

	ns = TIMED(times, ({
		/* All over the table: a prime */
		s->at = (s->at + 619) % s->n ?: first;
		i = s->order[s->at];
		s->next[i].seqno = ++s->seqno;
		dma_resv_add_fence(&s->obj, &s->next[i], usage_of(s->at));
		s->fences[i].seqno = ++s->seqno;
		dma_resv_add_fence(&s->obj, &s->fences[i], usage_of(s->at));
	}));

	return ns / 2;
}

static double add_contexts(struct scene *s, unsigned int times)
{
	return FOR_MANY(s, times, ({
		locked(obj);
		if (dma_resv_reserve_fences(obj, s->n))
			abort();
	}), fill(s, obj), drop(obj));
}

static double test_all(struct scene *s, unsigned int times)
{
	return TIMED(times, dma_resv_test_signaled(&s->obj, DMA_RESV_USAGE_BOOKKEEP));
}

static double test_kernel(struct scene *s, unsigned int times)
{
	return TIMED(times, dma_resv_test_signaled(&s->obj, DMA_RESV_USAGE_KERNEL));
}

static double wait_all(struct scene *s, unsigned int times)
{
	return TIMED(times, dma_resv_wait_timeout(&s->obj, DMA_RESV_USAGE_BOOKKEEP, false, 100));
}

/* Something that looks at each fence, and cannot be optimized away */
#define LOOK(fence) __asm__ __volatile__("" : : "r" (fence))

static double iterate_locked(struct scene *s, unsigned int times)
{
	struct dma_fence *fence;

#ifdef IMPL_base
	return TIMED(times, ({
		struct dma_resv_list *list = dma_resv_get_list(&s->obj);
		unsigned int i, count = list ? list->shared_count : 0;

		fence = dma_resv_get_excl(&s->obj);
		if (fence)
			LOOK(fence);
		for (i = 0; i < count; ++i) {
			fence = rcu_dereference_protected(list->shared[i],
							  dma_resv_held(&s->obj));
			LOOK(fence);
		}
	}));
#else
	struct dma_resv_iter cursor;

	return TIMED(times, ({
		dma_resv_for_each_fence(&cursor, &s->obj, DMA_RESV_USAGE_BOOKKEEP, fence)
			LOOK(fence);
	}));
#endif
}

static void get_and_put(struct scene *s, bool look)
{
	struct dma_fence **fences;
	unsigned int n, i;

	if (dma_resv_get_fences(&s->obj, DMA_RESV_USAGE_BOOKKEEP, &n, &fences))
		abort();
	for (i = 0; look && i < n; ++i)
		if (!dma_fence_is_signaled(fences[i]))
			LOOK(fences[i]);
	while (n)
		dma_fence_put(fences[--n]);
	kfree(fences);
}

static double iterate_unlocked(struct scene *s, unsigned int times)
{
#ifdef IMPL_base
	/* There is no such thing: a driver takes all and passes over the signaled ones */
	return TIMED(times, get_and_put(s, true));
#else
	struct dma_resv_iter cursor;
	struct dma_fence *fence;

	return TIMED(times, ({
		dma_resv_iter_begin(&cursor, &s->obj, DMA_RESV_USAGE_BOOKKEEP);
		dma_resv_for_each_fence_unlocked(&cursor, fence)
			LOOK(fence);
		dma_resv_iter_end(&cursor);
	}));
#endif
}

static double get_fences(struct scene *s, unsigned int times)
{
	return TIMED(times, get_and_put(s, false));
}

static double get_singleton(struct scene *s, unsigned int times)
{
	return TIMED_FREEING(times, ({
		struct dma_fence *fence;

		if (dma_resv_get_singleton(&s->obj, DMA_RESV_USAGE_BOOKKEEP, &fence))
			abort();
		if (s->n > 1)
			set_bit(DMA_FENCE_FLAG_SIGNALED_BIT, &fence->flags);
		dma_fence_put(fence);
	}));
}

static double copy_fences(struct scene *s, unsigned int times)
{
	return TIMED_FREEING(times, ({
		if (dma_resv_copy_fences(&s->copy, &s->obj))
			abort();
	}));
}

static const struct operation operations[] = {
	{ "init + fini", false, init_fini, NO_FENCES },
	{ "reserve + add, first fence", false, add_first, NO_FENCES },
	{ "add, same context", true, add_replace, BUSY },
	{ "add n contexts", true, add_contexts, BUSY },
	{ "test, idle", false, test_all, NO_FENCES },
	{ "test, busy", true, test_all, BUSY },
	{ "test, all signaled", true, test_all, SIGNALED },
	{ "KERNEL query", true, test_kernel, BUSY },
	{ "iterate, locked", true, iterate_locked, BUSY },
	{ "iterate, unlocked", true, iterate_unlocked, BUSY },
	{ "get_fences", true, get_fences, BUSY },
	{ "get_singleton", true, get_singleton, BUSY },
	{ "copy_fences", true, copy_fences, BUSY },
	{ "wait, all signaled", true, wait_all, SIGNALED },
};

static unsigned long reader(struct scene *s, const bool *stop)
{
	unsigned long times = 0;

	while (!READ_ONCE(*stop)) {
		dma_resv_test_signaled(&s->obj, DMA_RESV_USAGE_BOOKKEEP);
		times++;
	}

	return times;
}

static unsigned long writer(struct scene *s, const bool *stop)
{
	unsigned long times = 0;

	while (!READ_ONCE(*stop)) {
		add_replace(s, 8);
		times += 16;
	}

	return times;
}

static size_t memory(struct scene *s)
{
#ifdef IMPL_base
	return sizeof(s->obj) + ksize(s->obj.fence);
#elif defined(IMPL_peer)
	return sizeof(s->obj) + ksize(s->obj.fences);
#else
	return sizeof(s->obj) + ksize(s->obj.table);
#endif
}

#define NAME_OF(x)	NAME_OF_(x)
#define NAME_OF_(x)	#x
#define PASTE(a, b)	PASTE_(a, b)
#define PASTE_(a, b)	a##b

const struct impl PASTE(impl_, IMPL) = {
	.name = NAME_OF(IMPL),
	.scene = scene,
	.end = end,
	.operations = operations,
	.num_operations = ARRAY_SIZE(operations),
	.reader = reader,
	.writer = writer,
	.unused = sizeof(struct dma_resv),
	.memory = memory,
};
