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
#define atomic_inc(v)		((void)__atomic_fetch_add(&(v)->counter, 1, __ATOMIC_RELAXED))
#define atomic_dec_and_test(v)	(__atomic_sub_fetch(&(v)->counter, 1, __ATOMIC_SEQ_CST) == 0)
#define atomic64_fetch_add(i, v) __atomic_fetch_add(&(v)->counter, i, __ATOMIC_SEQ_CST)

#define cmpxchg(p, o, n) ({						\
	typeof(*(p)) __old = (o);					\
	__atomic_compare_exchange_n(p, &__old, n, false,		\
				    __ATOMIC_SEQ_CST, __ATOMIC_RELAXED); \
	__old; })
#define xchg(p, n)		__atomic_exchange_n(p, n, __ATOMIC_SEQ_CST)

#define test_bit(n, p)		(!!(READ_ONCE(*(p)) & BIT(n)))
#define set_bit(n, p)		((void)__atomic_fetch_or(p, BIT(n), __ATOMIC_RELAXED))
#define clear_bit(n, p)		((void)__atomic_fetch_and(p, ~BIT(n), __ATOMIC_RELAXED))
#define test_and_set_bit(n, p)	(!!(__atomic_fetch_or(p, BIT(n), __ATOMIC_SEQ_CST) & BIT(n)))
#define test_and_clear_bit(n, p) (!!(__atomic_fetch_and(p, ~BIT(n), __ATOMIC_SEQ_CST) & BIT(n)))

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
	int old = atomic_read(&kref->refcount.refs);

	do {
		if (!old)
			return false;
	} while (!__atomic_compare_exchange_n(&kref->refcount.refs.counter, &old,
					      old + 1, false, __ATOMIC_RELAXED,
					      __ATOMIC_RELAXED));
	if (unlikely(old < 0))
		native_bug("a saturated reference count");

	return true;
}

static inline int kref_put(struct kref *kref, void (*release)(struct kref *kref))
{
	int old = __atomic_fetch_sub(&kref->refcount.refs.counter, 1, __ATOMIC_RELEASE);

	if (old == 1) {
#ifdef NATIVE_TSAN
		(void)smp_load_acquire(&kref->refcount.refs.counter);
#else
		native_fence(__ATOMIC_ACQUIRE);
#endif
		release(kref);
		return 1;
	}
	if (unlikely(old <= 0))
		native_bug("a reference dropped that was not held");

	return 0;
}

#endif
