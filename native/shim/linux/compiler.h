/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The kernel's language: types, annotations, marked accesses and barriers.
 *
 * A marked access is an atomic one for the compiler and for the sanitizers. With
 * NATIVE_TSAN the ordering that the kernel gets from barriers of their own is put
 * into the accesses beside them, because ThreadSanitizer does not know barriers:
 * see native_in_write_section in seqlock.h. What is hidden by that, a barrier that
 * is missing where it was put into an access, is for NATIVE_WEAK to find: there the
 * accesses are as weak as the kernel's model allows, see weak.h.
 */
#ifndef NATIVE_COMPILER_H
#define NATIVE_COMPILER_H

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef unsigned long long u64;
typedef int32_t s32;
typedef long long s64;
typedef s64 ktime_t;
#define ktime_after(a, b)	((a) > (b))
typedef unsigned int gfp_t;
typedef unsigned long pgoff_t;

#define U16_MAX		((u16)~0U)
#define U32_MAX		((u32)~0U)
#define GOLDEN_RATIO_32	0x61C88647
#define reciprocal_scale(value, end)	((u32)((u64)(u32)(value) * (end) >> 32))
#define MAX_ERRNO	4095
#define ERESTARTSYS	512

#define __rcu
#define __force
#define __user
#define __iomem
#define __init
#define __must_check		__attribute__((warn_unused_result))
#undef __always_inline
#define __always_inline		inline __attribute__((always_inline))
#define noinline		__attribute__((noinline))
#define __maybe_unused		__attribute__((unused))
#define __printf(a, b)		__attribute__((format(printf, a, b)))
#define __acquires(x)
#define __releases(x)
#define __counted_by(x)
#define likely(x)		__builtin_expect(!!(x), 1)
#define unlikely(x)		__builtin_expect(!!(x), 0)
#define fallthrough		__attribute__((fallthrough))
#define EXPORT_SYMBOL(s)
#define EXPORT_SYMBOL_GPL(s)
#define IS_ENABLED(option)	0
#define subsys_initcall(f)	\
	static void __attribute__((constructor)) native_init_##f(void) { f(); }

#define BIT(n)			(1UL << (n))
#define BITS_PER_LONG		((int)sizeof(long) * CHAR_BIT)
#define ARRAY_SIZE(a)		(sizeof(a) / sizeof((a)[0]))
#define lower_32_bits(n)	((u32)((n) & 0xffffffff))
#define container_of(ptr, type, member) \
	((type *)((char *)(ptr) - offsetof(type, member)))
#define min_t(t, a, b)		({ t __a = (a), __b = (b); __a < __b ? __a : __b; })
#define max_t(t, a, b)		({ t __a = (a), __b = (b); __a > __b ? __a : __b; })
#define min(a, b)		min_t(typeof((a) + (b)), a, b)
#define max(a, b)		max_t(typeof((a) + (b)), a, b)
#define clamp(v, lo, hi)	min(max(v, lo), hi)
#define swap(a, b)		do { typeof(a) __t = (a); (a) = (b); (b) = __t; } while (0)
#define struct_size(p, member, n) \
	(sizeof(*(p)) + sizeof((p)->member[0]) * (size_t)(n))
#define roundup_pow_of_two(n) \
	((n) <= 1 ? 1UL : 1UL << (BITS_PER_LONG - __builtin_clzl((n) - 1UL)))

/*
 * Where two threads meet: in all but the benchmark it may take a while to get past a
 * marked access, see stumble.c
 */
#ifdef NATIVE_BENCH
#define native_step()		((void)0)
#else
extern __thread unsigned int native_steps;
void native_stumble(void);
#define native_step() \
	((void)(unlikely(native_steps) && !--native_steps && (native_stumble(), 0)))
#endif

#ifdef NATIVE_TSAN
#define NATIVE_LOAD		__ATOMIC_ACQUIRE
#define NATIVE_STORE		(native_in_write_section ? __ATOMIC_RELEASE : __ATOMIC_RELAXED)
#define native_fence(order)	__atomic_signal_fence(order)
#else
#define NATIVE_LOAD		__ATOMIC_RELAXED
#define NATIVE_STORE		__ATOMIC_RELAXED
#define native_fence(order)	__atomic_thread_fence(order)
#endif

extern __thread int native_in_write_section;

#define barrier()		__asm__ __volatile__("" ::: "memory")
#ifdef NATIVE_WEAK
#include <weak.h>
#else
#define native_load(p, order)	(native_step(), __atomic_load_n(p, order))
#define native_store(p, v, order) (native_step(), __atomic_store_n(p, v, order))
/* op is add, sub, or, and */
#define native_rmw(p, op, v, order) (native_step(), __atomic_fetch_##op(p, v, order))
#define native_xchg(p, v)	(native_step(), __atomic_exchange_n(p, v, __ATOMIC_SEQ_CST))
#define native_cmpxchg(p, o, n) ({					\
	typeof(*(p)) __old = (o);					\
	native_step();							\
	__atomic_compare_exchange_n(p, &__old, n, false,		\
				    __ATOMIC_SEQ_CST, __ATOMIC_RELAXED); \
	__old; })
#define native_dereference(p)	(native_step(), __atomic_load_n(&(p), NATIVE_LOAD))
#define smp_rmb()		native_fence(__ATOMIC_ACQUIRE)
#define smp_wmb()		native_fence(__ATOMIC_RELEASE)
#define smp_mb()		native_fence(__ATOMIC_SEQ_CST)
/* Ordering that the shim itself provides, by locks and sleeping, or needs */
#define native_ordered()	((void)0)
#define native_saw_latest()	((void)0)
#endif

#define READ_ONCE(x)		native_load(&(x), __ATOMIC_RELAXED)
#define WRITE_ONCE(x, v)	native_store(&(x), v, NATIVE_STORE)
#define smp_load_acquire(p)	native_load(p, __ATOMIC_ACQUIRE)
#define smp_store_release(p, v)	native_store(p, v, __ATOMIC_RELEASE)

#if defined(__x86_64__)
#define native_pause()		__builtin_ia32_pause()
#else
#define native_pause()		barrier()
#endif
#ifdef NATIVE_BENCH
#define cpu_relax()		native_pause()
#else
void native_relax(void);
#define cpu_relax()		native_relax()
#endif

#endif
