/* SPDX-License-Identifier: GPL-2.0-only */
/* What programs tell the shim, beside the kernel's own interfaces */
#ifndef NATIVE_H
#define NATIVE_H

#include <stdbool.h>
#include <stdint.h>

struct task_struct;

/* First thing in every thread that uses fences or RCU, and the last */
void native_thread_start(void);
void native_thread_end(void);

/* Wait until everything passed to RCU has been freed */
void native_rcu_barrier(void);
/* Wait until all work queued so far has run */
void native_irq_work_flush(void);

/* Warnings that were given since the start; whether to print them */
unsigned int native_warnings(void);
void native_print_warnings(bool print);

/* Is a signal pending for @task? Wakes it if it sleeps interruptibly. */
void native_signal(struct task_struct *task, bool pending);

/* What sleeps in place of a thread, where several tasks share one: see explore.c */
extern long (*native_sleep)(long timeout);

/* Memory that has been allocated and not freed yet, in objects */
long native_allocated(void);

/* Dice, of each thread its own */
void native_random_seed(unsigned long long seed);
uint32_t native_random(void);
/* About every how many marked accesses this thread is held up; 0: never */
void native_stumble_every(unsigned int steps);

#endif
