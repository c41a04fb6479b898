// SPDX-License-Identifier: GPL-2.0-only
/* For put.cocci: what was got is put */

static int leaks_on_error(struct bo *bo)
{
	struct dma_fence *fence;
	int ret;

	ret = dma_resv_get_singleton(bo->resv, DMA_RESV_USAGE_WRITE, &fence);
	if (ret)
		return ret;
	ret = foo_power_up(bo);
	if (ret)
		return ret; /* expect: not put here */
	dma_fence_put(fence);

	return 0;
}

static int puts_on_error(struct bo *bo)
{
	struct dma_fence *fence;
	int ret;

	ret = dma_resv_get_singleton(bo->resv, DMA_RESV_USAGE_WRITE, &fence);
	if (ret)
		return ret;
	ret = foo_power_up(bo);
	if (ret)
		goto put;
	dma_fence_wait(fence, false);
put:
	dma_fence_put(fence);

	return ret;
}

static long only_waits(struct bo *bo)
{
	struct dma_fence *fence;
	long ret;

	if (dma_resv_get_singleton(bo->resv, DMA_RESV_USAGE_WRITE, &fence))
		return -ENOMEM;
	ret = dma_fence_wait_timeout(fence, true, HZ);

	return ret; /* expect: not put here */
}

/* The job has it now */
static int gives_away(struct bo *bo, struct job *job)
{
	struct dma_fence *fence;
	int ret;

	ret = dma_resv_get_singleton(bo->resv, DMA_RESV_USAGE_WRITE, &fence);
	if (ret)
		return ret;
	job->dep = fence;

	return 0;
}

static int frees_what_has_it(struct bo *bo)
{
	struct flip *flip = kzalloc(sizeof(*flip), GFP_KERNEL);
	int ret;

	if (!flip)
		return -ENOMEM;
	ret = dma_resv_get_singleton(bo->resv, DMA_RESV_USAGE_WRITE, &flip->fence);
	if (ret) {
		kfree(flip);
		return ret;
	}
	ret = foo_power_up(bo);
	if (ret) {
		kfree(flip); /* expect: was not put */
		return ret;
	}

	return foo_queue(bo, flip);
}

static int puts_what_has_it(struct bo *bo)
{
	struct flip *flip = kzalloc(sizeof(*flip), GFP_KERNEL);
	int ret;

	if (!flip)
		return -ENOMEM;
	ret = dma_resv_get_singleton(bo->resv, DMA_RESV_USAGE_WRITE, &flip->fence);
	if (ret)
		goto free;
	ret = foo_power_up(bo);
	if (ret)
		goto put;

	return foo_queue(bo, flip);

put:
	dma_fence_put(flip->fence);
free:
	kfree(flip);

	return ret;
}

/* There is nothing to put */
static int nothing_there(struct bo *bo)
{
	struct dma_fence *fence;
	int ret;

	ret = dma_resv_get_singleton(bo->resv, DMA_RESV_USAGE_WRITE, &fence);
	if (ret)
		return ret;
	if (!fence)
		return 0;
	ret = foo_depend(bo, fence);
	dma_fence_put(fence);

	return ret;
}

static int leaks_array(struct bo *bo)
{
	struct dma_fence **fences;
	unsigned int count;
	int ret;

	ret = dma_resv_get_fences(bo->resv, DMA_RESV_USAGE_READ, &count, &fences);
	if (ret)
		return ret;

	return count; /* expect: not put here */
}

static int frees_array(struct bo *bo)
{
	struct dma_fence **fences;
	unsigned int count, i;
	int ret;

	ret = dma_resv_get_fences(bo->resv, DMA_RESV_USAGE_READ, &count, &fences);
	if (ret)
		return ret;
	for (i = 0; i < count; i++)
		dma_fence_put(fences[i]);
	kfree(fences);

	return 0;
}

static bool leaves_walk(struct bo *bo, u64 context)
{
	struct dma_resv_iter cursor;
	struct dma_fence *fence;

	dma_resv_iter_begin(&cursor, bo->resv, DMA_RESV_USAGE_READ);
	dma_resv_for_each_fence_unlocked(&cursor, fence) {
		if (fence->context == context)
			return true; /* expect: without dma_resv_iter_end */
	}
	dma_resv_iter_end(&cursor);

	return false;
}

static bool ends_walk(struct bo *bo, u64 context)
{
	struct dma_resv_iter cursor;
	struct dma_fence *fence;
	bool found = false;

	dma_resv_iter_begin(&cursor, bo->resv, DMA_RESV_USAGE_READ);
	dma_resv_for_each_fence_unlocked(&cursor, fence) {
		if (fence->context == context) {
			dma_resv_iter_end(&cursor);
			return true;
		}
		found |= foo_knows(fence);
	}
	dma_resv_iter_end(&cursor);

	return found;
}

/* A walk under the lock holds nothing */
static bool leaves_locked_walk(struct bo *bo, u64 context)
{
	struct dma_resv_iter cursor;
	struct dma_fence *fence;

	dma_resv_for_each_fence(&cursor, bo->resv, DMA_RESV_USAGE_READ, fence) {
		if (fence->context == context)
			return true;
	}

	return false;
}
