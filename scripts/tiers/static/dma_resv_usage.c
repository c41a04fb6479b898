// SPDX-License-Identifier: GPL-2.0-only
/* For dma_resv_usage.cocci: what is left of the interface with an exclusive fence */

static int before(struct bo *bo, struct dma_fence *fence)
{
	int ret = dma_resv_reserve_shared(bo->resv, 1); /* expect: have a usage */

	if (ret)
		return ret;
	dma_resv_wait_timeout_rcu(bo->resv, true, false, HZ); /* expect: have a usage */
	dma_resv_add_shared_fence(bo->resv, fence); /* expect: have a usage */
	dma_resv_add_excl_fence(bo->resv, fence); /* expect: have a usage */

	return dma_resv_test_signaled_rcu(bo->resv, true); /* expect: have a usage */
}

static int now(struct bo *bo, struct dma_fence *fence)
{
	int ret = dma_resv_reserve_fences(bo->resv, 1);

	if (ret)
		return ret;
	dma_resv_wait_timeout(bo->resv, DMA_RESV_USAGE_READ, false, HZ);
	dma_resv_add_fence(bo->resv, fence, DMA_RESV_USAGE_WRITE);

	return dma_resv_test_signaled(bo->resv, DMA_RESV_USAGE_READ);
}
