/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What is known about the fences of an object, beside the object itself.
 *
 * A claim is a fence in an object. Writers make it before they add the fence, and say
 * when that is done; before a fence begins to signal, or is replaced, its claims end.
 * A reader takes a view of the claims before a query and looks again after it. A claim
 * that was good all the time has to be in the answer: the fence itself, a later one of
 * its context, or all that it is made of.
 */
#ifndef TORTURE_ORACLE_H
#define TORTURE_ORACLE_H

#include <linux/dma-resv.h>
#include <pthread.h>
#include "fences.h"

#define USAGES		(DMA_RESV_USAGE_BOOKKEEP + 1)
#define NO_USAGE	255
#define CLAIMS		96
#define LEAVES		3
#define MOST_FOUND	256

struct identity { struct dma_fence *fence; u64 context, seqno; };

struct claim {
	/* Changes with every use, 0: free */
	u64 id;
	struct identity fence, leaves[LEAVES];
	unsigned int num_leaves;
	/* Surely found by queries for @must, and possibly by those for @may */
	unsigned int must, may;
	bool ending;
};

struct object {
	struct dma_resv resv;
	unsigned int number;
	pthread_mutex_t lock;
	struct claim claims[CLAIMS];
	unsigned int num_claims;
	/* By query: additions begun, claims that are good, how often there was none */
	u64 begun[USAGES];
	long good[USAGES];
	u64 gaps[USAGES];
};

struct view {
	struct object *object;
	enum dma_resv_usage query;
	const char *what;
	u64 begin, begun, gaps;
	bool busy, maybe_busy;
	unsigned int num_claims;
	struct claim claims[CLAIMS];
	unsigned int at[CLAIMS];
	unsigned int num_found;
	struct identity found[MOST_FOUND];
};

#define get(x)		__atomic_load_n(&(x), __ATOMIC_SEQ_CST)
#define set(x, v)	__atomic_store_n(&(x), v, __ATOMIC_SEQ_CST)

/* How many claims did not give way to the limits above */
u64 oracle_time(void);

/* With the lock of the object; NULL if there is no room */
struct claim *claim_begin(struct object *object, struct dma_fence *fence,
			  struct dma_fence *const *leaves, unsigned int num_leaves,
			  enum dma_resv_usage usage);
/* It may become stronger */
void claim_offer(struct object *object, struct claim *claim, enum dma_resv_usage usage);
/* It surely is as strong now */
void claim_good(struct object *object, struct claim *claim, enum dma_resv_usage usage);
/* From now on it may be gone, or is */
void claim_end(struct object *object, struct claim *claim);
void claim_free(struct object *object, struct claim *claim);

void view_begin(struct view *view, struct object *object, enum dma_resv_usage query,
		const char *what);
void view_clear(struct view *view);
/* @usage is negative if not known; @signaled: it may have signaled long ago */
void view_found(struct view *view, struct dma_fence *fence, int usage, bool signaled);
/* The query yielded what was found; it said that there is something, see below, too */
void view_end_found(struct view *view);
/* It said that there is something to wait for, or nothing */
void view_end_busy(struct view *view);
void view_end_idle(struct view *view);
/* A wait ended: what was there in the beginning has signaled */
void view_end_waited(struct view *view);
/* There was no moment without an unsignaled fence */
bool view_never_idle(struct view *view);

/* What happens to an object, for whoever wants to know how it came to that */
void history_add(struct object *object, const char *what, u64 context, u64 seqno, int usage);
/* Prints what is wrong and the history, and ends the program */
void __printf(2, 3) __attribute__((noreturn))
oracle_fail(struct object *object, const char *fmt, ...);
extern unsigned long long oracle_seed;
extern __thread const char *oracle_thread;

#endif
