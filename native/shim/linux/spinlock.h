/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef NATIVE_SPINLOCK_H
#define NATIVE_SPINLOCK_H

#include <linux/compiler.h>

typedef struct { int locked; } spinlock_t;

#define DEFINE_SPINLOCK(name)	spinlock_t name = { 0 }

void native_spin_slow(spinlock_t *lock);

static inline void spin_lock_init(spinlock_t *lock)
{
	__atomic_store_n(&lock->locked, 0, __ATOMIC_RELAXED);
}

static inline bool spin_trylock(spinlock_t *lock)
{
	int free = 0;

	if (!__atomic_compare_exchange_n(&lock->locked, &free, 1, false,
					 __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
		return false;
	native_ordered();

	return true;
}

static inline void spin_lock(spinlock_t *lock)
{
	if (unlikely(!spin_trylock(lock)))
		native_spin_slow(lock);
}

static inline void spin_unlock(spinlock_t *lock)
{
	native_step();
	__atomic_store_n(&lock->locked, 0, __ATOMIC_RELEASE);
}

/* There are no interrupts here; threads stand in for them */
#define spin_lock_irqsave(lock, flags)		do { (flags) = 0; spin_lock(lock); } while (0)
#define spin_unlock_irqrestore(lock, flags)	do { (void)(flags); spin_unlock(lock); } while (0)
#define spin_lock_irq(lock)			spin_lock(lock)
#define spin_unlock_irq(lock)			spin_unlock(lock)

typedef spinlock_t raw_spinlock_t;
#define DEFINE_RAW_SPINLOCK(name)		DEFINE_SPINLOCK(name)
#define raw_spin_lock_irqsave(lock, flags)	spin_lock_irqsave(lock, flags)
#define raw_spin_unlock_irqrestore(lock, flags)	spin_unlock_irqrestore(lock, flags)

#endif
