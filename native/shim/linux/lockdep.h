/* SPDX-License-Identifier: GPL-2.0-only */
/* Mutexes know their owner; a spinlock is taken at its word */
#ifndef NATIVE_LOCKDEP_H
#define NATIVE_LOCKDEP_H

#include <linux/bug.h>
#include <linux/list.h>
#include <linux/spinlock.h>

struct mutex {
	struct task_struct *owner;
	spinlock_t wait_lock;
	int osq;
	struct list_head wait_list;
};

extern __thread struct task_struct *current;

struct lock_class_key { };
#define lockdep_set_class(lock, key)	((void)(lock), (void)(key))

#ifdef NATIVE_BENCH
#define lockdep_is_held(lock)		({ (void)sizeof(lock); 1; })
#define lockdep_assert_held(lock)	((void)sizeof(lock))
#else
#define lockdep_is_held(lock)	_Generic(*(lock),			\
	struct mutex: __atomic_load_n(&((struct mutex *)(void *)(lock))->owner, \
				      __ATOMIC_RELAXED) == current,	\
	spinlock_t: true)
#define lockdep_assert_held(lock) \
	((void)WARN_ON(!lockdep_is_held(lock)))
#endif

#endif
