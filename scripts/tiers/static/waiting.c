// SPDX-License-Identifier: GPL-2.0-only
/* For waiting.cocci: a fence may need the one who waits for it */

static int waits_prepare_fb(struct drm_plane *plane, struct drm_plane_state *state)
{
	struct bo *bo = to_bo(state->fb);

	if (!bo->idle)
		dma_resv_wait_timeout(bo->resv, DMA_RESV_USAGE_WRITE, true, HZ); /* expect: left to the commit */

	return 0;
}

static int waits_for_fence_prepare_fb(struct drm_plane *plane, struct drm_plane_state *state)
{
	return dma_fence_wait(state->fence, true); /* expect: left to the commit */
}

static int waits_for_move_for_ever_prepare_fb(struct drm_plane *plane, struct drm_plane_state *state)
{
	struct bo *bo = to_bo(state->fb);

	dma_resv_wait_timeout(bo->resv, DMA_RESV_USAGE_KERNEL, false, MAX_SCHEDULE_TIMEOUT); /* expect: left to the commit */
	return 0;
}

static int waits_for_move_prepare_fb(struct drm_plane *plane, struct drm_plane_state *state)
{
	struct bo *bo = to_bo(state->fb);
	long ret;

	ret = dma_resv_wait_timeout(bo->resv, DMA_RESV_USAGE_KERNEL, true, MAX_SCHEDULE_TIMEOUT);
	if (ret < 0)
		return ret;
	ret = dma_resv_wait_timeout(bo->other, DMA_RESV_USAGE_KERNEL, false, HZ);

	return ret > 0 ? 0 : -EBUSY;
}

static int looks_prepare_fb(struct drm_plane *plane, struct drm_plane_state *state)
{
	struct bo *bo = to_bo(state->fb);

	bo->idle = dma_resv_wait_timeout(bo->resv, DMA_RESV_USAGE_WRITE, true, 0) > 0 &&
		   !ttm_bo_wait(bo->ttm, true, true);
	return dma_resv_get_singleton(bo->resv, DMA_RESV_USAGE_WRITE, &state->fence);
}

static int pin(struct bo *bo)
{
	bo->pins++;
	return ttm_bo_wait(bo->ttm, true, false);
}

static int calls_prepare_fb(struct drm_plane *plane, struct drm_plane_state *state)
{
	return pin(to_bo(state->fb)); /* expect: waits for fences by pin */
}

static void waits_in_commit(struct drm_plane_state *state)
{
	dma_fence_wait(state->fence, false);
}

static void reset(struct gpu *gpu)
{
	drm_sched_stop(&gpu->sched, NULL);
	dma_fence_wait_timeout(gpu->move, false, HZ); /* expect: with the scheduler stopped */
	drm_sched_start(&gpu->sched, true);
}

static void reset_calls(struct gpu *gpu)
{
	drm_sched_stop(&gpu->sched, NULL);
	pin(gpu->bo); /* expect: called with the scheduler stopped */
	if (gpu->table_lost)
		gpu_write_table(gpu);
	drm_sched_start(&gpu->sched, true);
}

static void reset_waits_after(struct gpu *gpu)
{
	dma_fence_wait_timeout(gpu->move, false, HZ);
	drm_sched_stop(&gpu->sched, NULL);
	if (!dma_fence_wait_timeout(gpu->move, false, 0))
		gpu->guilty = gpu->move;
	drm_sched_start(&gpu->sched, true);
	pin(gpu->bo);
}

static int waits_locked(struct bo *bo)
{
	long ret;

	dma_resv_lock(bo->resv, NULL);
	ret = dma_resv_wait_timeout(bo->resv, DMA_RESV_USAGE_READ, true, MAX_SCHEDULE_TIMEOUT); /* expect: with the lock */
	dma_resv_unlock(bo->resv);

	return ret < 0 ? ret : 0;
}

static long waits_reserved(struct bo *bo, bool write)
{
	long ret;

	ret = ttm_bo_reserve(bo->ttm, true, false, NULL);
	if (ret)
		return ret;
	ret = dma_resv_wait_timeout(bo->resv, dma_resv_usage_rw(write), true, HZ); /* expect: with the lock */
	ttm_bo_unreserve(bo->ttm);

	return ret;
}

static void waits_for_memory(struct bo *bo)
{
	dma_resv_lock(bo->resv, NULL);
	dma_resv_wait_timeout(bo->resv, DMA_RESV_USAGE_KERNEL, true, HZ);
	dma_resv_wait_timeout(bo->resv, DMA_RESV_USAGE_BOOKKEEP, true, HZ);
	dma_resv_unlock(bo->resv);
}

static void waits_first(struct bo *bo)
{
	for (;;) {
		dma_resv_wait_timeout(bo->resv, DMA_RESV_USAGE_READ, true, MAX_SCHEDULE_TIMEOUT);
		dma_resv_lock(bo->resv, NULL);
		if (dma_resv_wait_timeout(bo->resv, DMA_RESV_USAGE_READ, true, 0) > 0)
			break;
		dma_resv_unlock(bo->resv);
	}
	use(bo);
	dma_resv_unlock(bo->resv);
}

static void waits_in_walk(struct bo *bo)
{
	struct dma_resv_iter cursor;
	struct dma_fence *fence;

	dma_resv_for_each_fence(&cursor, bo->resv, DMA_RESV_USAGE_READ, fence) {
		if (fence->context != bo->context)
			dma_fence_wait(fence, false); /* expect: without end */
	}
}

static int waits_in_unlocked_walk(struct bo *bo)
{
	struct dma_resv_iter cursor;
	struct dma_fence *fence;

	dma_resv_iter_begin(&cursor, bo->resv, DMA_RESV_USAGE_READ);
	dma_resv_for_each_fence_unlocked(&cursor, fence) {
		dma_fence_wait(fence, false);
	}
	dma_resv_iter_end(&cursor);

	return 0;
}
