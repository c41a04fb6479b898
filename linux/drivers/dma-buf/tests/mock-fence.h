/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Fences without hardware, which signal when a test says so.
 */
#ifndef _DMABUF_TESTS_MOCK_FENCE_H
#define _DMABUF_TESTS_MOCK_FENCE_H

#include <linux/atomic.h>
#include <linux/dma-fence.h>
#include <linux/list.h>
#include <linux/spinlock.h>
#include <linux/timer.h>

/**
 * struct mock_fence - a fence that a test signals by hand
 * @base: the fence
 * @lock: the lock of @base
 * @owned: entry in the list of whoever keeps the fence for a test
 * @complete: the imagined hardware is done, see mock_fence_complete()
 * @asked: how often the imagined hardware was asked
 */
struct mock_fence {
	struct dma_fence base;
	spinlock_t lock; /* for base */
	struct list_head owned;
	bool complete;
	atomic_t asked;
};

static inline struct mock_fence *to_mock_fence(struct dma_fence *fence)
{
	return container_of(fence, struct mock_fence, base);
}

void mock_fence_by_user(bool user);

struct dma_fence *mock_fence_create(u64 context, u64 seqno);
struct dma_fence *mock_fence_create_polled(u64 context, u64 seqno);
struct dma_fence *mock_fence_create_early(u64 context, u64 seqno);
void mock_fence_complete(struct dma_fence *fence);

int mock_fence_recycling_start(void);
void mock_fence_recycling_stop(void);
struct dma_fence *mock_fence_create_recycled(u64 context, u64 seqno);
unsigned long mock_fence_recycled(void);

unsigned int mock_fence_live(void);
unsigned int mock_fence_drain(void);

/**
 * struct mock_signaler - signals a fence from a timer
 * @timer: the timer
 * @fence: the fence, with a reference
 */
struct mock_signaler {
	struct timer_list timer;
	struct dma_fence *fence;
};

void mock_signal_later(struct mock_signaler *signaler, struct dma_fence *fence,
		       unsigned long delay);
void mock_signal_end(struct mock_signaler *signaler);

#endif /* _DMABUF_TESTS_MOCK_FENCE_H */
