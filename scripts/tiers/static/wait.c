// SPDX-License-Identifier: GPL-2.0-only
/* For wait.cocci: what a wait returns */

static int too_narrow(struct bo *bo)
{
	int ret;

	ret = dma_resv_wait_timeout(bo->resv, DMA_RESV_USAGE_READ, true, /* expect: does not fit */
				    MAX_SCHEDULE_TIMEOUT);
	return ret < 0 ? ret : 0;
}

static int wide_enough(struct bo *bo)
{
	long ret;

	ret = dma_resv_wait_timeout(bo->resv, DMA_RESV_USAGE_READ, true,
				    MAX_SCHEDULE_TIMEOUT);
	return ret < 0 ? ret : 0;
}

static int returns_the_rest(struct bo *bo)
{
	return dma_resv_wait_timeout(bo->resv, DMA_RESV_USAGE_READ, true, HZ); /* expect: as an int */
}

static long returns_a_long(struct bo *bo)
{
	return dma_resv_wait_timeout(bo->resv, DMA_RESV_USAGE_READ, true, HZ);
}

static int success_is_an_error(struct bo *bo)
{
	long ret;

	ret = dma_resv_wait_timeout(bo->resv, DMA_RESV_USAGE_READ, true, HZ); /* expect: taken for an error */
	if (ret)
		return ret;

	return foo_use(bo);
}

static int error_is_an_error(struct bo *bo)
{
	long ret;

	ret = dma_resv_wait_timeout(bo->resv, DMA_RESV_USAGE_READ, true, HZ);
	if (ret < 0)
		return ret;

	return ret ? foo_use(bo) : -ETIMEDOUT;
}

static int too_narrow_at_once(struct bo *bo)
{
	int ret = dma_resv_wait_timeout(bo->resv, DMA_RESV_USAGE_READ, true, /* expect: does not fit */
					MAX_SCHEDULE_TIMEOUT);

	return ret < 0 ? ret : 0;
}
