/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Fences for tests. Memory of recycled ones is used for another fence as soon as the
 * last reference is gone, as with SLAB_TYPESAFE_BY_RCU: late readers look at a fence
 * of another context with other operations. The others are freed by RCU.
 */
#ifndef TORTURE_FENCES_H
#define TORTURE_FENCES_H

#include <linux/dma-fence.h>

#define MAX_OBJECTS	4

enum fence_kind {
	/* Signaled when dma_fence_signal() says so */
	FENCE_TOLD,
	/* Has an operation that tells, and enables signaling */
	FENCE_ASKED,
};

struct test_fence {
	struct dma_fence base;
	spinlock_t lock;
	struct test_fence *next_free;
	bool recycled;
	bool done;
	/* Its owner has a reference: if it is released, somebody put one too many */
	bool owned;
	/* Waits that are to go wrong return this */
	long wait_error;
	/* Oracle: when it had signaled, and the strongest usage offered to an object */
	u64 finished;
	unsigned char offered[MAX_OBJECTS];
};

/* The caller owns a reference, to be given back with fence_disown() */
struct dma_fence *fence_new(enum fence_kind kind, bool recycled, u64 context, u64 seqno);
/* The same, with a wait operation that fails */
struct dma_fence *fence_new_broken(u64 context, long error);
void fence_disown(struct dma_fence *fence);
/* What a fence stands for is complete; its users may or may not be told at once */
void fence_complete(struct dma_fence *fence, bool tell);
/* NULL if it is not one of ours */
struct test_fence *to_test_fence(struct dma_fence *fence);

/* How many there are, how often memory was used again, and an end to it all */
long fences_alive(void);
unsigned long fences_recycled(void);
void fences_free_pool(void);

#endif
