// SPDX-License-Identifier: GPL-2.0-only
/*
 * A bool in the place of a usage: each of the lines that are marked bad has to be
 * refused by the compiler, all of the others taken without a word. The tier builds this
 * once as it is, and once for each bad line, by its number.
 */
#include <linux/dma-resv.h>

#define WAIT_ALL	true

struct test_op {
	bool (*test)(struct dma_resv *obj, enum dma_resv_usage usage);
	long (*wait)(struct dma_resv *obj, enum dma_resv_usage usage, bool intr,
		     unsigned long timeout);
};

extern const struct test_op test_op;
const struct test_op test_op = { dma_resv_test_signaled, dma_resv_wait_timeout };

bool usages(struct dma_resv *obj, enum dma_resv_usage usage, bool all, unsigned int u, int i);
bool usages(struct dma_resv *obj, enum dma_resv_usage usage, bool all, unsigned int u, int i)
{
	struct dma_resv_iter cursor;
	struct dma_fence **fences, *fence;
	unsigned int n;

	(void)dma_resv_test_signaled(obj, DMA_RESV_USAGE_KERNEL);
	(void)dma_resv_test_signaled(obj, usage);
	(void)dma_resv_test_signaled(obj, u);
	(void)dma_resv_test_signaled(obj, i);
	(void)dma_resv_wait_timeout(obj, dma_resv_usage_rw(all), true, 1);
	(void)dma_resv_wait_timeout(obj, dma_resv_usage_rw(true), all, 1);
	(void)dma_resv_get_fences(obj, all ? DMA_RESV_USAGE_BOOKKEEP : DMA_RESV_USAGE_WRITE,
				  &n, &fences);
	(void)dma_resv_get_singleton(obj, DMA_RESV_USAGE_READ, &fence);
	dma_resv_for_each_fence(&cursor, obj, DMA_RESV_USAGE_READ, fence)
		(void)fence;
#if BAD == 1
	(void)dma_resv_test_signaled(obj, true);
#elif BAD == 2
	(void)dma_resv_test_signaled(obj, all);
#elif BAD == 3
	(void)dma_resv_wait_timeout(obj, false, true, 1);
#elif BAD == 4
	(void)dma_resv_wait_timeout(obj, WAIT_ALL, true, 1);
#elif BAD == 5
	(void)dma_resv_wait_timeout(obj, 1, true, 1);
#elif BAD == 6
	(void)dma_resv_get_fences(obj, all, &n, &fences);
#elif BAD == 7
	(void)dma_resv_get_singleton(obj, true, &fence);
#elif BAD == 8
	dma_resv_iter_begin(&cursor, obj, all);
#elif BAD == 9
	dma_resv_for_each_fence(&cursor, obj, false, fence)
		(void)fence;
#elif BAD == 10
	(void)dma_resv_test_signaled(obj, (bool)usage);
#endif
	return false;
}
