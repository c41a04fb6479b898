// SPDX-License-Identifier: GPL-2.0-only
#include <native.h>

#ifdef NATIVE_BENCH

#include <linux/rcupdate.h>

/* Freed between two rounds, when no other thread is at work */
static __thread struct rcu_head *waiting;

void native_call_rcu(struct rcu_head *head, void (*func)(struct rcu_head *head))
{
	head->func = func;
	head->next = waiting;
	waiting = head;
}

void native_rcu_barrier(void)
{
	struct rcu_head *head;

	while ((head = waiting)) {
		waiting = head->next;
		head->func(head);
	}
}

void native_rcu_thread(bool start) { (void)start; }

#else

/* liburcu has a struct rcu_head of its own, of the same layout */
#include <urcu.h>

void native_rcu_read_lock(void);
void native_rcu_read_unlock(void);
void native_call_rcu(struct rcu_head *head, void (*func)(struct rcu_head *head));
void native_rcu_thread(bool start);

#ifdef NATIVE_TSAN
#include <sanitizer/tsan_interface.h>
/* liburcu is not built with the sanitizer: this is what a grace period promises */
static char grace_period;
#define left_section()		__tsan_release(&grace_period)
#define after_grace_period()	__tsan_acquire(&grace_period)
#else
#define left_section()		((void)0)
#define after_grace_period()	((void)0)
#endif

#ifdef NATIVE_WEAK
void native_weak_rcu_read_lock(void);
void native_weak_grace_period(void);
#else
#define native_weak_rcu_read_lock() ((void)0)
#define native_weak_grace_period() ((void)0)
#endif

void native_rcu_read_lock(void)
{
	rcu_read_lock();
	native_weak_rcu_read_lock();
}

void native_rcu_read_unlock(void)
{
	left_section();
	rcu_read_unlock();
}

struct callback {
	struct rcu_head rcu;
	struct rcu_head *head;
	void (*func)(struct rcu_head *head);
};

static void run_callback(struct rcu_head *rcu)
{
	struct callback *callback = caa_container_of(rcu, struct callback, rcu);

	after_grace_period();
	callback->func(callback->head);
	free(callback);
}

/* The memory of @head is left alone: a late reader may be looking at it */
void native_call_rcu(struct rcu_head *head, void (*func)(struct rcu_head *head))
{
	struct callback *callback = malloc(sizeof(*callback));

	if (!callback)
		abort();
	callback->head = head;
	callback->func = func;
	left_section();
	native_weak_grace_period();
	call_rcu(&callback->rcu, run_callback);
}

void native_rcu_barrier(void)
{
	rcu_barrier();
	after_grace_period();
}

void native_rcu_thread(bool start)
{
	if (start)
		rcu_register_thread();
	else
		rcu_unregister_thread();
}

#endif
