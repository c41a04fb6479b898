/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The questions of the benchmark, put to the interface of the unpatched 5.10: the
 * writer is the exclusive fence, readers are shared ones, and who has to wait for the
 * kernel's moves waits for the exclusive fence. Where 5.10 has no function, it is what
 * its drivers write instead.
 */
#ifndef BENCH_BASE_H
#define BENCH_BASE_H

#include <linux/dma-fence-array.h>
#include <linux/dma-resv.h>

enum dma_resv_usage {
	DMA_RESV_USAGE_KERNEL, DMA_RESV_USAGE_WRITE, DMA_RESV_USAGE_READ,
	DMA_RESV_USAGE_BOOKKEEP
};

static inline int dma_resv_reserve_fences(struct dma_resv *obj, unsigned int n)
{
	return dma_resv_reserve_shared(obj, n);
}

static inline void dma_resv_add_fence(struct dma_resv *obj, struct dma_fence *fence,
				      enum dma_resv_usage usage)
{
	if (usage <= DMA_RESV_USAGE_WRITE)
		dma_resv_add_excl_fence(obj, fence);
	else
		dma_resv_add_shared_fence(obj, fence);
}

static inline bool dma_resv_test_signaled(struct dma_resv *obj, enum dma_resv_usage usage)
{
	return dma_resv_test_signaled_rcu(obj, usage >= DMA_RESV_USAGE_READ);
}

static inline long dma_resv_wait_timeout(struct dma_resv *obj, enum dma_resv_usage usage,
					 bool intr, unsigned long timeout)
{
	return dma_resv_wait_timeout_rcu(obj, usage >= DMA_RESV_USAGE_READ, intr, timeout);
}

static inline int dma_resv_get_fences(struct dma_resv *obj, enum dma_resv_usage usage,
				      unsigned int *n, struct dma_fence ***fences)
{
	return dma_resv_get_fences_rcu(obj, NULL, n, fences);
}

static inline int dma_resv_get_singleton(struct dma_resv *obj, enum dma_resv_usage usage,
					 struct dma_fence **fence)
{
	struct dma_fence_array *array;
	struct dma_fence **fences;
	unsigned int n;
	int ret;

	*fence = NULL;
	ret = dma_resv_get_fences_rcu(obj, NULL, &n, &fences);
	if (ret || !n)
		return ret;
	if (n == 1) {
		*fence = fences[0];
		kfree(fences);
		return 0;
	}
	array = dma_fence_array_create(n, fences, dma_fence_context_alloc(1), 1, false);
	*fence = array ? &array->base : NULL;
	return array ? 0 : -ENOMEM;
}

#endif
