/* SPDX-License-Identifier: GPL-2.0-only */
/* Atomic counters, bits and references: really atomic, fully ordered where the
 * kernel's are.
 */
#ifndef NATIVE_ATOMIC_H
#define NATIVE_ATOMIC_H

#include <linux/bug.h>
#include <linux/compiler.h>

typedef struct { int counter; } atomic_t;
typedef struct { s64 counter; } atomic64_t;

#define ATOMIC_INIT(i)		{ (i) }
#define ATOMIC64_INIT(i)	{ (i) }
#define atomic_read(v)		READ_ONCE((v)->counter)
#define atomic_read_acquire(v)	smp_load_acquire(&(v)->counter)
#define atomic_set(v, i)	WRITE_ONCE((v)->counter, i)
#define atomic_inc(v)		((void)native_rmw(&(v)->counter, add, 1, __ATOMIC_RELAXED))
#define atomic_dec(v)		((void)native_rmw(&(v)->counter, sub, 1, __ATOMIC_RELAXED))
#define atomic_dec_and_test(v)	(native_rmw(&(v)->counter, sub, 1, __ATOMIC_SEQ_CST) == 1)
#define atomic64_fetch_add(i, v) native_rmw(&(v)->counter, add, i, __ATOMIC_SEQ_CST)

#define cmpxchg(p, o, n)	native_cmpxchg(p, o, n)
#define xchg(p, n)		native_xchg(p, n)

#define test_bit(n, p)		(!!(READ_ONCE(*(p)) & BIT(n)))
#define set_bit(n, p)		((void)native_rmw(p, or, BIT(n), __ATOMIC_RELAXED))
#define clear_bit(n, p)		((void)native_rmw(p, and, ~BIT(n), __ATOMIC_RELAXED))
#define test_and_set_bit(n, p)	(!!(native_rmw(p, or, BIT(n), __ATOMIC_SEQ_CST) & BIT(n)))
#define test_and_clear_bit(n, p) (!!(native_rmw(p, and, ~BIT(n), __ATOMIC_SEQ_CST) & BIT(n)))

typedef struct { atomic_t refs; } refcount_t;
struct kref { refcount_t refcount; };

static inline int kref_read(struct kref *kref)
{
	return atomic_read(&kref->refcount.refs);
}

static inline void kref_init(struct kref *kref)
{
	atomic_set(&kref->refcount.refs, 1);
}

static inline void kref_get(struct kref *kref)
{
	int old = __atomic_fetch_add(&kref->refcount.refs.counter, 1, __ATOMIC_RELAXED);

	/* As refcount_t does: from nothing, or about to overflow */
	if (unlikely(old <= 0))
		native_bug("a reference taken to what has none");
}

static inline bool kref_get_unless_zero(struct kref *kref)
{
	int old;

	native_step();
	old = __atomic_load_n(&kref->refcount.refs.counter, __ATOMIC_RELAXED);
	do {
		if (!old)
			return false;
	} while (!__atomic_compare_exchange_n(&kref->refcount.refs.counter, &old,
					      old + 1, false, __ATOMIC_RELAXED,
					      __ATOMIC_RELAXED));
	if (unlikely(old < 0))
		native_bug("a saturated reference count");
	native_saw_latest();

	return true;
}

static inline int kref_put(struct kref *kref, void (*release)(struct kref *kref))
{
	int old;

	native_step();
	old = __atomic_fetch_sub(&kref->refcount.refs.counter, 1, __ATOMIC_RELEASE);
	if (old == 1) {
#ifdef NATIVE_TSAN
		(void)smp_load_acquire(&kref->refcount.refs.counter);
#else
		native_fence(__ATOMIC_ACQUIRE);
		native_ordered();
#endif
		release(kref);
		return 1;
	}
	if (unlikely(old <= 0))
		native_bug("a reference dropped that was not held");

	return 0;
}

#endif
