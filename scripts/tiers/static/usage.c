// SPDX-License-Identifier: GPL-2.0-only
/* For usage.cocci: what is added, what is asked for */

static void truth_values(struct dma_resv *resv, struct dma_fence *fence, bool write)
{
	dma_resv_wait_timeout(resv, true, false, HZ); /* expect: truth value */
	dma_resv_wait_timeout(resv, DMA_RESV_USAGE_READ, false, HZ);
	dma_resv_test_signaled(resv, write); /* expect: truth value */
	dma_resv_test_signaled(resv, dma_resv_usage_rw(write));
	dma_resv_get_fences(resv, !(flags & READ_ONLY), &count, &fences); /* expect: truth value */
	dma_resv_add_fence(resv, fence, flags & FOO_WRITE); /* expect: truth value */
	dma_resv_iter_begin(&cursor, resv, 0); /* expect: truth value */
}

static void a_usage(struct dma_resv *resv, enum dma_resv_usage usage)
{
	dma_resv_wait_timeout(resv, usage, false, HZ);
	dma_resv_iter_begin(&cursor, resv, job->usage);
}

static void added(struct dma_resv *resv, struct dma_fence *fence, bool write)
{
	dma_resv_add_fence(resv, fence, write ? DMA_RESV_USAGE_WRITE : DMA_RESV_USAGE_READ);
	dma_resv_add_fence(resv, fence, write ? DMA_RESV_USAGE_READ : DMA_RESV_USAGE_WRITE); /* expect: has to wait for */
	dma_resv_add_fence(resv, fence, dma_resv_usage_rw(write)); /* expect: has to wait for */
	dma_resv_add_fence(resv, fence,
			   (flags & FOO_WRITE) ? DMA_RESV_USAGE_WRITE : DMA_RESV_USAGE_READ);
	dma_resv_add_fence(resv, fence, /* expect: has to wait for */
			   (flags & FOO_WRITE) ? DMA_RESV_USAGE_READ : DMA_RESV_USAGE_WRITE);
	dma_resv_add_fence(resv, fence,
			   job->read_only ? DMA_RESV_USAGE_READ : DMA_RESV_USAGE_WRITE);
	dma_resv_add_fence(resv, fence,
			   job->no_write ? DMA_RESV_USAGE_READ : DMA_RESV_USAGE_WRITE);
}

static void added_later(struct dma_resv *resv, struct dma_fence *fence, bool write)
{
	enum dma_resv_usage usage = dma_resv_usage_rw(write);

	dma_resv_wait_timeout(resv, usage, false, HZ);
	dma_resv_add_fence(resv, fence, usage); /* expect: has to wait for */
}

static void one_after_the_other(struct dma_resv *resv, struct dma_fence *fence, bool write)
{
	enum dma_resv_usage usage = dma_resv_usage_rw(write);

	dma_resv_wait_timeout(resv, usage, false, HZ);
	usage = write ? DMA_RESV_USAGE_WRITE : DMA_RESV_USAGE_READ;
	dma_resv_add_fence(resv, fence, usage);
}

static void asked(struct dma_resv *resv, bool write, bool read_only)
{
	dma_resv_wait_timeout(resv, write ? DMA_RESV_USAGE_READ : DMA_RESV_USAGE_WRITE, false, HZ);
	dma_resv_wait_timeout(resv, write ? DMA_RESV_USAGE_WRITE : DMA_RESV_USAGE_READ, false, HZ); /* expect: own fence */
	dma_resv_wait_timeout(resv, read_only ? DMA_RESV_USAGE_WRITE : DMA_RESV_USAGE_READ, false, HZ);
	dma_resv_iter_begin(&cursor, resv, /* expect: own fence */
			    job->write ? DMA_RESV_USAGE_WRITE : DMA_RESV_USAGE_READ);
}

static void asked_later(struct dma_resv *resv, struct dma_fence *fence, bool write)
{
	enum dma_resv_usage usage = write ? DMA_RESV_USAGE_WRITE : DMA_RESV_USAGE_READ;

	dma_resv_add_fence(resv, fence, usage);
	dma_resv_test_signaled(resv, usage); /* expect: own fence */
}

static void told(struct dma_resv *resv, bool write, bool read_only)
{
	dma_resv_wait_timeout(resv, dma_resv_usage_rw(!write), false, HZ); /* expect: is written */
	dma_resv_wait_timeout(resv, dma_resv_usage_rw(!read_only), false, HZ);
	dma_resv_wait_timeout(resv, dma_resv_usage_rw(read_only), false, HZ); /* expect: is written */
	dma_resv_wait_timeout(resv, dma_resv_usage_rw(!(op & FOO_NO_WRITE)), false, HZ);
	dma_resv_wait_timeout(resv, dma_resv_usage_rw(op & FOO_PREP_READ), false, HZ); /* expect: is written */
	dma_resv_wait_timeout(resv, dma_resv_usage_rw(op & FOO_PREP_WRITE), false, HZ);
	dma_resv_wait_timeout(resv, dma_resv_usage_rw(access & FOO_READ_WRITE), false, HZ);
}

static int job_waits_for_everything(struct bo *bo, struct job *job)
{
	int ret = dma_resv_get_fences(bo->resv, DMA_RESV_USAGE_BOOKKEEP, &n, &job->deps); /* expect: no part in implicit */

	if (!ret)
		dma_resv_add_fence(bo->resv, job->fence, DMA_RESV_USAGE_READ);

	return ret;
}

static void job_looks_at_everything(struct bo *bo, struct job *job)
{
	dma_resv_for_each_fence(&cursor, bo->resv, DMA_RESV_USAGE_BOOKKEEP, fence) /* expect: no part in implicit */
		job_depend(job, fence);
	dma_resv_add_fence(bo->resv, job->fence, DMA_RESV_USAGE_WRITE);
}

static int move_waits_for_everything(struct bo *bo, struct job *move)
{
	int ret = dma_resv_get_fences(bo->resv, DMA_RESV_USAGE_BOOKKEEP, &n, &move->deps);

	if (!ret)
		dma_resv_add_fence(bo->resv, move->fence, DMA_RESV_USAGE_KERNEL);

	return ret;
}

static void freed_too_early(struct bo *bo)
{
	dma_resv_wait_timeout(&bo->resv, DMA_RESV_USAGE_READ, false, MAX_SCHEDULE_TIMEOUT); /* expect: before memory is freed */
	dma_resv_fini(&bo->resv);
	kfree(bo);
}

static void freed_when_idle(struct bo *bo)
{
	dma_resv_wait_timeout(&bo->resv, DMA_RESV_USAGE_BOOKKEEP, false, MAX_SCHEDULE_TIMEOUT);
	dma_resv_fini(&bo->resv);
	kfree(bo);
}

/* Whoever looks how far it got is not about to give memory back */
static long tried(struct dma_resv *resv)
{
	long ret = dma_resv_wait_timeout(resv, DMA_RESV_USAGE_KERNEL, false, HZ);

	dma_resv_fini(resv);

	return ret;
}

static void foo_free(struct drm_gem_object *obj)
{
	if (dma_resv_test_signaled(obj->resv, DMA_RESV_USAGE_WRITE)) /* expect: memory is gone */
		foo_give_back(obj);
}

static bool foo_invalidate(struct mmu_interval_notifier *mn,
			   const struct mmu_notifier_range *range, unsigned long seq)
{
	dma_resv_wait_timeout(to_foo(mn)->resv, dma_resv_usage_rw(true), false, MAX_SCHEDULE_TIMEOUT); /* expect: memory is gone */

	return true;
}

static bool bar_invalidate(struct mmu_interval_notifier *mn,
			   const struct mmu_notifier_range *range, unsigned long seq)
{
	dma_resv_wait_timeout(to_foo(mn)->resv, DMA_RESV_USAGE_BOOKKEEP, false, MAX_SCHEDULE_TIMEOUT);

	return true;
}

/* Whoever maps it only waits for the kernel */
static void *foo_vmap(struct drm_gem_object *obj)
{
	dma_resv_wait_timeout(obj->resv, DMA_RESV_USAGE_KERNEL, false, MAX_SCHEDULE_TIMEOUT);

	return foo_address(obj);
}

static const struct drm_gem_object_funcs foo_funcs = {
	.free = foo_free,
	.vmap = foo_vmap,
};

static const struct mmu_interval_notifier_ops foo_mn_ops = {
	.invalidate = foo_invalidate,
};

static const struct mmu_interval_notifier_ops bar_mn_ops = {
	.invalidate = bar_invalidate,
};
