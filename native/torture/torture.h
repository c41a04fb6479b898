/* SPDX-License-Identifier: GPL-2.0-only */
/* Who takes part: writers and signallers in writer.c, readers in reader.c */
#ifndef TORTURE_H
#define TORTURE_H

#include <linux/sched.h>
#include "oracle.h"

#define OBJECTS		3
#define TIMELINES	3
#define MOST_CLAIMS	4

/* A fence that is going to signal, and what it is made of */
struct job {
	struct job *next;
	struct dma_fence *fence, *leaves[LEAVES];
	unsigned int num_leaves;
	struct { struct object *object; struct claim *claim; } claims[MOST_CLAIMS];
	unsigned int num_claims;
};

/* They signal in the order in which they came */
struct queue {
	pthread_mutex_t lock;
	struct job *first, **last;
	unsigned int count;
	/* A context, or 0 for fences that have nothing to do with each other */
	u64 context, seqno;
};

struct playground {
	struct object object;
	struct queue queues[TIMELINES + 1];
	/* How many fences it has at the most, for long */
	unsigned int limit;
};

extern struct playground playgrounds[OBJECTS];

struct torturer {
	pthread_t thread;
	char name[16];
	unsigned int number;
	struct task_struct *task;
	/* What it is at, and since when, for the watchdog */
	const char *doing;
	struct object *at;
	ktime_t since;
	/* A wait may be interrupted, how often that was begun and done */
	bool interruptible;
	unsigned long interrupts, interrupted;
	unsigned long count;
};

extern bool stop_readers, stop_writers, stop_signallers;
extern unsigned long seen[16];

enum { SEEN_IDLE, SEEN_BUSY, SEEN_RESTARTS, SEEN_FENCES, SEEN_WAITS, SEEN_TIMEOUTS,
       SEEN_INTERRUPTS, SEEN_NO_MEMORY, SEEN_ADDS, SEEN_PROMOTIONS, SEEN_REPLACES,
       SEEN_GROWTHS, SEEN_SHRINKS, SEEN_CONTAINERS, SEEN_SIGNALS, SEENS };

static inline void saw(unsigned int what)
{
	__atomic_fetch_add(&seen[what], 1, __ATOMIC_RELAXED);
}

static inline unsigned int dice(unsigned int faces)
{
	return native_random() % faces;
}

void begin_doing(struct torturer *me, const char *what, struct object *at);
void end_doing(struct torturer *me);
void *writer(void *me);
void *signaller(void *me);
void *reader(void *me);
void torturer_start(struct torturer *me);
bool queues_empty(void);

#endif
