/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Goes before dma-resv.c. A seqcount tells KCSAN to take everything in its
 * sections for atomic, which is all that goes on there. But what readers share
 * with a writer is marked in dma-resv.c, and has to stay so. Here only the
 * counter itself, which seqlock.h increments plainly, is exempt.
 */
#ifndef __ASSEMBLY__
#include <linux/kcsan-checks.h>
#include <asm/barrier.h>

/* The increment is a read and a write, next to the barrier in either order */
static inline void exempt_increment(void)
{
	kcsan_atomic_next(2);
}

#define kcsan_nestable_atomic_begin()	exempt_increment()
#define kcsan_nestable_atomic_end()	do { } while (0)
#define kcsan_atomic_next(n)		do { } while (0)

#undef smp_wmb
#define smp_wmb()	do { __smp_wmb(); exempt_increment(); } while (0)
#endif
