/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * RCU is liburcu's. In the benchmark (NATIVE_BENCH) it costs a reader what it costs
 * in a kernel without preemption, which is nothing: there a grace period is the time
 * between two rounds, when no other thread is at work.
 */
#ifndef NATIVE_RCUPDATE_H
#define NATIVE_RCUPDATE_H

#include <linux/compiler.h>

struct rcu_head {
	void *next;
	void (*func)(struct rcu_head *head);
};

void native_call_rcu(struct rcu_head *head, void (*func)(struct rcu_head *head));

#ifdef NATIVE_BENCH
#define rcu_read_lock()		barrier()
#define rcu_read_unlock()	barrier()
#else
void native_rcu_read_lock(void);
void native_rcu_read_unlock(void);
#define rcu_read_lock()		native_rcu_read_lock()
#define rcu_read_unlock()	native_rcu_read_unlock()
#endif

/* The address dependency of the kernel orders what is reached through the pointer */
#define rcu_dereference(p)		native_dereference(p)
#define rcu_dereference_check(p, c)	({ (void)sizeof(c); rcu_dereference(p); })
#define rcu_dereference_protected(p, c)	({ (void)sizeof(c); (p); })
#define rcu_access_pointer(p)		READ_ONCE(p)
#define rcu_pointer_handoff(p)		(p)
#define unrcu_pointer(p)		(p)
#define RCU_INITIALIZER(v)		(v)
#define rcu_assign_pointer(p, v)	smp_store_release(&(p), v)
#define RCU_INIT_POINTER(p, v)		WRITE_ONCE(p, v)
#define rcu_replace_pointer(p, v, c) ({					\
	typeof(p) __gone = rcu_dereference_protected(p, c);		\
	rcu_assign_pointer(p, v);					\
	__gone; })

/* A function that the compiler makes of its own for each type that is freed so */
#define kfree_rcu(ptr, member) do {					\
	typedef typeof(*(ptr)) native_freed;				\
	void native_free(struct rcu_head *head)				\
	{								\
		kfree(container_of(head, native_freed, member));	\
	}								\
	native_call_rcu(&(ptr)->member, native_free);			\
} while (0)
#define kvfree_rcu(ptr, member)		kfree_rcu(ptr, member)

#endif
