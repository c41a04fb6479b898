// SPDX-License-Identifier: GPL-2.0-only
/* For reserve.cocci: every fence needs a slot, reserved under the same lock */

static void without_slot(struct bo *bo, struct dma_fence *fence)
{
	dma_resv_lock(bo->resv, NULL);
	dma_resv_add_fence(bo->resv, fence, DMA_RESV_USAGE_READ); /* expect: no slot was reserved */
	dma_resv_unlock(bo->resv);
}

static int with_slot(struct bo *bo, struct dma_fence *fence)
{
	int ret;

	dma_resv_lock(bo->resv, NULL);
	ret = dma_resv_reserve_fences(bo->resv, 1);
	if (!ret)
		dma_resv_add_fence(bo->resv, fence, DMA_RESV_USAGE_READ);
	dma_resv_unlock(bo->resv);

	return ret;
}

/* Dropping the lock drops the slots */
static int slot_of_another_lock(struct dma_resv *resv, struct dma_fence *fence)
{
	int ret;

	dma_resv_lock(resv, NULL);
	ret = dma_resv_reserve_fences(resv, 1);
	dma_resv_unlock(resv);
	if (ret)
		return ret;

	dma_resv_lock(resv, NULL);
	dma_resv_add_fence(resv, fence, DMA_RESV_USAGE_WRITE); /* expect: no slot was reserved */
	dma_resv_unlock(resv);

	return 0;
}

static int slot_of_a_helper(struct bo *bo, struct dma_fence *fence)
{
	int ret;

	ret = ttm_bo_reserve(bo, true, false, NULL);
	if (ret)
		return ret;
	ret = foo_make_room(bo);
	if (!ret)
		dma_resv_add_fence(bo->base.resv, fence, DMA_RESV_USAGE_KERNEL);
	ttm_bo_unreserve(bo);

	return ret;
}

static int without_slot_of_ttm(struct bo *bo, struct dma_fence *fence)
{
	int ret;

	ret = ttm_bo_reserve(bo, true, false, NULL);
	if (ret)
		return ret;
	dma_resv_add_fence(bo->base.resv, fence, DMA_RESV_USAGE_KERNEL); /* expect: no slot was reserved */
	ttm_bo_unreserve(bo);

	return 0;
}

/* Whoever locked it has reserved the slot */
static void locked_by_the_caller(struct bo *bo, struct dma_fence *fence)
{
	dma_resv_assert_held(bo->resv);
	dma_resv_add_fence(bo->resv, fence, DMA_RESV_USAGE_READ);
}

static int lock_of_several(struct job *job)
{
	struct ww_acquire_ctx ctx;
	int i, ret;

	ret = drm_gem_lock_reservations(job->bos, job->count, &ctx);
	if (ret)
		return ret;
	for (i = 0; i < job->count; i++)
		dma_resv_add_fence(job->bos[i]->resv, job->fence, /* expect: no slot was reserved */
				   DMA_RESV_USAGE_WRITE);
	drm_gem_unlock_reservations(job->bos, job->count, &ctx);

	return 0;
}

static int slots_of_several(struct job *job)
{
	struct ww_acquire_ctx ctx;
	int i, ret;

	ret = drm_gem_lock_reservations(job->bos, job->count, &ctx);
	if (ret)
		return ret;
	for (i = 0; i < job->count; i++) {
		ret = dma_resv_reserve_fences(job->bos[i]->resv, 1);
		if (ret)
			goto unlock;
	}
	for (i = 0; i < job->count; i++)
		dma_resv_add_fence(job->bos[i]->resv, job->fence,
				   DMA_RESV_USAGE_WRITE);
unlock:
	drm_gem_unlock_reservations(job->bos, job->count, &ctx);

	return ret;
}

static void does_not_look(struct bo *bo, struct dma_fence *fence)
{
	dma_resv_lock(bo->resv, NULL);
	dma_resv_reserve_fences(bo->resv, 1); /* expect: nobody looks */
	dma_resv_add_fence(bo->resv, fence, DMA_RESV_USAGE_READ);
	dma_resv_unlock(bo->resv);
}

static void add_what_failed(struct bo *bo, struct dma_fence *fence)
{
	if (dma_resv_reserve_fences(bo->resv, 1)) {
		pr_warn("no memory\n");
		dma_resv_add_fence(bo->resv, fence, DMA_RESV_USAGE_READ); /* expect: failed to reserve */
	}
}

static void wait_where_it_failed(struct bo *bo, struct dma_fence *fence)
{
	if (dma_resv_reserve_fences(bo->resv, 1)) {
		dma_fence_wait(fence, false);
		return;
	}
	dma_resv_add_fence(bo->resv, fence, DMA_RESV_USAGE_READ);
}

static int one_slot_for_two(struct bo *bo, struct dma_fence *a, struct dma_fence *b)
{
	int ret = dma_resv_reserve_fences(bo->resv, 1);

	if (ret)
		return ret;
	dma_resv_add_fence(bo->resv, a, DMA_RESV_USAGE_READ);
	dma_resv_add_fence(bo->resv, b, DMA_RESV_USAGE_READ); /* expect: already taken */

	return 0;
}

static int two_slots_for_two(struct bo *bo, struct dma_fence *a, struct dma_fence *b)
{
	int ret = dma_resv_reserve_fences(bo->resv, 2);

	if (ret)
		return ret;
	dma_resv_add_fence(bo->resv, a, DMA_RESV_USAGE_READ);
	dma_resv_add_fence(bo->resv, b, DMA_RESV_USAGE_READ);

	return 0;
}

/* To promote a fence takes no other slot */
static int one_slot_for_one_twice(struct bo *bo, struct dma_fence *a, bool write)
{
	int ret = dma_resv_reserve_fences(bo->resv, 1);

	if (ret)
		return ret;
	dma_resv_add_fence(bo->resv, a, DMA_RESV_USAGE_READ);
	dma_resv_add_fence(bo->resv, a, DMA_RESV_USAGE_WRITE);

	return 0;
}

static int one_of_two(struct bo *bo, struct dma_fence *a, struct dma_fence *b, bool write)
{
	int ret = dma_resv_reserve_fences(bo->resv, 1);

	if (ret)
		return ret;
	if (write)
		dma_resv_add_fence(bo->resv, a, DMA_RESV_USAGE_WRITE);
	else
		dma_resv_add_fence(bo->resv, b, DMA_RESV_USAGE_READ);

	return 0;
}

static int slot_of_some(struct bo *bo, struct dma_fence *fence, bool shared)
{
	int ret = 0;

	dma_resv_lock(bo->resv, NULL);
	if (shared) {
		ret = dma_resv_reserve_fences(bo->resv, 1);
		if (ret)
			goto unlock;
	}
	dma_resv_add_fence(bo->resv, fence, DMA_RESV_USAGE_READ); /* expect: only under a condition */
unlock:
	dma_resv_unlock(bo->resv);

	return ret;
}

static int slot_for_some(struct bo *bo, struct dma_fence *fence, bool shared)
{
	int ret = 0;

	dma_resv_lock(bo->resv, NULL);
	if (shared) {
		ret = dma_resv_reserve_fences(bo->resv, 1);
		if (ret)
			goto unlock;
	}
	if (shared)
		dma_resv_add_fence(bo->resv, fence, DMA_RESV_USAGE_READ);
unlock:
	dma_resv_unlock(bo->resv);

	return ret;
}
