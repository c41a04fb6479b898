/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Wait-die mutexes that really lock, as large as those of a kernel without debugging.
 * The younger context gives way (-EDEADLK) when it already holds another lock.
 */
#ifndef NATIVE_WW_MUTEX_H
#define NATIVE_WW_MUTEX_H

#include <linux/atomic.h>
#include <linux/list.h>
#include <linux/lockdep.h>
#include <linux/spinlock.h>

struct ww_class { atomic64_t stamp; };

struct ww_acquire_ctx {
	struct ww_class *class;
	s64 stamp;
	unsigned int acquired;
};

struct ww_mutex {
	struct mutex base;
	struct ww_acquire_ctx *ctx;
};

#define DEFINE_WD_CLASS(name)	struct ww_class name = { ATOMIC64_INIT(0) }

int native_ww_lock_slow(struct ww_mutex *lock, struct ww_acquire_ctx *ctx);
/* Have those who wait look again */
void native_ww_look_again(void);

static inline void ww_mutex_init(struct ww_mutex *lock, struct ww_class *class)
{
	(void)class;
	lock->base.owner = NULL;
	spin_lock_init(&lock->base.wait_lock);
	lock->base.osq = 0;
	INIT_LIST_HEAD(&lock->base.wait_list);
	lock->ctx = NULL;
}

static inline void ww_mutex_destroy(struct ww_mutex *lock) { (void)lock; }

static inline void ww_acquire_init(struct ww_acquire_ctx *ctx, struct ww_class *class)
{
	ctx->class = class;
	ctx->stamp = atomic64_fetch_add(1, &class->stamp);
	ctx->acquired = 0;
}

static inline void ww_acquire_done(struct ww_acquire_ctx *ctx) { (void)ctx; }
static inline void ww_acquire_fini(struct ww_acquire_ctx *ctx) { (void)ctx; }

static inline bool native_ww_trylock(struct ww_mutex *lock)
{
	struct task_struct *nobody = NULL;

	if (!__atomic_compare_exchange_n(&lock->base.owner, &nobody, current, false,
					 __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
		return false;
	native_ordered();

	return true;
}

static inline void native_ww_set_ctx(struct ww_mutex *lock, struct ww_acquire_ctx *ctx)
{
	/* A waiter looks into it, see native_ww_lock_slow() */
	__atomic_store_n(&lock->ctx, ctx, __ATOMIC_RELEASE);
}

/* Later kernels can name a context as well */
#define ww_mutex_trylock(lock, ...)	native_ww_trylock(lock)

static inline int ww_mutex_lock(struct ww_mutex *lock, struct ww_acquire_ctx *ctx)
{
	if (unlikely(!native_ww_trylock(lock))) {
		int ret = native_ww_lock_slow(lock, ctx);

		if (ret)
			return ret;
	}
	if (!ctx) {
		native_ww_set_ctx(lock, NULL);
		return 0;
	}
	ctx->acquired++;
	(void)__atomic_exchange_n(&lock->ctx, ctx, __ATOMIC_SEQ_CST);
	/* Who waits may have to give way to this context, and has seen none yet */
	if (unlikely(__atomic_load_n(&lock->base.osq, __ATOMIC_SEQ_CST)))
		native_ww_look_again();

	return 0;
}

/* Nobody interrupts a wait for a lock here */
#define ww_mutex_lock_interruptible(l, c)	ww_mutex_lock(l, c)
#define ww_mutex_lock_slow(l, c)		((void)ww_mutex_lock(l, c))
#define ww_mutex_lock_slow_interruptible(l, c)	ww_mutex_lock(l, c)

static inline void ww_mutex_unlock(struct ww_mutex *lock)
{
	if (lock->ctx)
		lock->ctx->acquired--;
	native_ww_set_ctx(lock, NULL);
	/* The waiters' flag is looked at after the owner is gone */
	native_step();
	(void)__atomic_exchange_n(&lock->base.owner, NULL, __ATOMIC_SEQ_CST);
	native_ordered();
	if (unlikely(__atomic_load_n(&lock->base.osq, __ATOMIC_SEQ_CST)))
		native_ww_look_again();
}

static inline bool ww_mutex_is_locked(struct ww_mutex *lock)
{
	return __atomic_load_n(&lock->base.owner, __ATOMIC_RELAXED);
}

#endif
