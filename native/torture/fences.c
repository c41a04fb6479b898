// SPDX-License-Identifier: GPL-2.0-only
#include <linux/sched.h>
#include <linux/slab.h>
#include <pthread.h>
#include "fences.h"

static pthread_mutex_t pool_lock = PTHREAD_MUTEX_INITIALIZER;
static struct test_fence *pool;
static unsigned long recycled;
static long alive;

static struct test_fence *test_fence(struct dma_fence *fence)
{
	return container_of(fence, struct test_fence, base);
}

static const char *get_name(struct dma_fence *fence)
{
	return "test";
}

static bool is_done(struct dma_fence *fence)
{
	return READ_ONCE(test_fence(fence)->done);
}

static bool is_not_done(struct dma_fence *fence)
{
	return !is_done(fence);
}

static long wait_fails(struct dma_fence *fence, bool intr, long timeout)
{
	return test_fence(fence)->wait_error;
}

static void release(struct dma_fence *fence)
{
	struct test_fence *f = test_fence(fence);

	if (f->owned)
		native_bug("a fence is released while its owner holds a reference");
	__atomic_fetch_sub(&alive, 1, __ATOMIC_RELAXED);
	if (!f->recycled) {
		dma_fence_free(fence);
		return;
	}
	pthread_mutex_lock(&pool_lock);
	f->next_free = pool;
	pool = f;
	pthread_mutex_unlock(&pool_lock);
}

static const struct dma_fence_ops told_ops = {
	.get_driver_name = get_name, .get_timeline_name = get_name, .release = release,
};

static const struct dma_fence_ops asked_ops = {
	.get_driver_name = get_name, .get_timeline_name = get_name, .release = release,
	.signaled = is_done, .enable_signaling = is_not_done,
};

static const struct dma_fence_ops broken_ops = {
	.get_driver_name = get_name, .get_timeline_name = get_name, .release = release,
	.wait = wait_fails,
};

static struct test_fence *from_pool(void)
{
	struct test_fence *f;

	pthread_mutex_lock(&pool_lock);
	f = pool;
	if (f)
		pool = f->next_free;
	pthread_mutex_unlock(&pool_lock);
	native_ordered();
	if (f)
		__atomic_fetch_add(&recycled, 1, __ATOMIC_RELAXED);

	return f;
}

static void fence_init(struct test_fence *f, const struct dma_fence_ops *ops, u64 context,
		       u64 seqno)
{
	spin_lock_init(&f->lock);
	f->owned = true;
	f->wait_error = 0;
	f->finished = 0;
	memset(f->offered, 0xff, sizeof(f->offered));
	WRITE_ONCE(f->done, false);
	dma_fence_init(&f->base, ops, &f->lock, context, seqno);
}

/* Memory that a late reader may be looking at: named in tsan.supp */
static noinline void recycled_fence_init(struct test_fence *f, const struct dma_fence_ops *ops,
					 u64 context, u64 seqno)
{
	/* Marked, so that a weak memory knows the past of these */
	WRITE_ONCE(f->base.flags, 0);
	WRITE_ONCE(f->base.ops, ops);
	WRITE_ONCE(f->base.context, context);
	WRITE_ONCE(f->base.seqno, seqno);
	fence_init(f, ops, context, seqno);
}

static struct dma_fence *new(const struct dma_fence_ops *ops, bool recycled, u64 context,
			     u64 seqno)
{
	struct test_fence *f = recycled ? from_pool() : NULL;

	if (f) {
		recycled_fence_init(f, ops, context, seqno);
	} else {
		f = kmalloc(sizeof(*f), GFP_KERNEL);
		if (!f)
			return NULL;
		fence_init(f, ops, context, seqno);
	}
	f->recycled = recycled;
	__atomic_fetch_add(&alive, 1, __ATOMIC_RELAXED);

	return &f->base;
}

struct dma_fence *fence_new(enum fence_kind kind, bool recycled, u64 context, u64 seqno)
{
	return new(kind == FENCE_ASKED ? &asked_ops : &told_ops, recycled, context, seqno);
}

struct dma_fence *fence_new_broken(u64 context, long error)
{
	struct dma_fence *fence = new(&broken_ops, false, context, 1);

	if (fence)
		test_fence(fence)->wait_error = error;

	return fence;
}

void fence_disown(struct dma_fence *fence)
{
	test_fence(fence)->owned = false;
	dma_fence_put(fence);
}

void fence_complete(struct dma_fence *fence, bool tell)
{
	struct test_fence *f = test_fence(fence);

	if (fence->ops != &asked_ops) {
		dma_fence_signal(fence);
		return;
	}
	WRITE_ONCE(f->done, true);
	/* Who enables signaling now sees that it is done, or we see that it has */
	smp_mb();
	if (tell || test_bit(DMA_FENCE_FLAG_ENABLE_SIGNAL_BIT, &fence->flags))
		dma_fence_signal(fence);
}

struct test_fence *to_test_fence(struct dma_fence *fence)
{
	return fence->ops->release == release ? test_fence(fence) : NULL;
}

long fences_alive(void)
{
	return __atomic_load_n(&alive, __ATOMIC_RELAXED);
}

unsigned long fences_recycled(void)
{
	return __atomic_load_n(&recycled, __ATOMIC_RELAXED);
}

void fences_free_pool(void)
{
	struct test_fence *f;

	while ((f = pool)) {
		pool = f->next_free;
		kfree(f);
	}
}
