/* SPDX-License-Identifier: GPL-2.0-only */
/* Tasks that sleep and are woken: one a thread */
#ifndef NATIVE_SCHED_H
#define NATIVE_SCHED_H

#include <linux/bug.h>
#include <linux/compiler.h>
#include <linux/lockdep.h>
#include <pthread.h>

#define TASK_RUNNING		0u
#define TASK_INTERRUPTIBLE	1u
#define TASK_UNINTERRUPTIBLE	2u
#define TASK_NORMAL		(TASK_INTERRUPTIBLE | TASK_UNINTERRUPTIBLE)
#define MAX_SCHEDULE_TIMEOUT	LONG_MAX
#define HZ			1000

struct task_struct {
	pthread_mutex_t lock;
	pthread_cond_t woken;
	unsigned int state;
	bool signalled;
	/* For the checker of fences: the core has no signalling sections */
	unsigned int dma_fence_signalling;
};

void __set_current_state(unsigned int state);
#define set_current_state(state) do { __set_current_state(state); smp_mb(); } while (0)
long schedule_timeout(long timeout);
int wake_up_state(struct task_struct *task, unsigned int state);
bool signal_pending(struct task_struct *task);
ktime_t ktime_get(void);

#define fatal_signal_pending(task) ((void)(task), false)
#define might_sleep()		((void)0)
#define need_resched()		true
#define cond_resched()		((void)0)

#endif
