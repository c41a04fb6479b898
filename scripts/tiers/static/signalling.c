// SPDX-License-Identifier: GPL-2.0-only
/* For signalling.cocci: what leads to the completion of a fence waits for nothing */

static void allocates(struct job *job)
{
	bool cookie = dma_fence_begin_signalling();

	job->entry = kmalloc(sizeof(*job->entry), GFP_KERNEL); /* expect: may wait for memory */
	dma_fence_signal(job->fence);
	dma_fence_end_signalling(cookie);
}

static void allocates_what_there_is(struct job *job)
{
	bool cookie = dma_fence_begin_signalling();

	job->entry = kmalloc(sizeof(*job->entry), GFP_NOWAIT);
	dma_fence_signal(job->fence);
	dma_fence_end_signalling(cookie);
}

static void allocates_before_and_after(struct job *job)
{
	bool cookie;

	job->entry = kmalloc(sizeof(*job->entry), GFP_KERNEL);
	cookie = dma_fence_begin_signalling();
	dma_fence_signal(job->fence);
	dma_fence_end_signalling(cookie);
	job->other = kmalloc(sizeof(*job->other), GFP_KERNEL);
}

static void waits(struct job *job)
{
	bool cookie = dma_fence_begin_signalling();

	if (job->dep)
		dma_fence_wait(job->dep, false); /* expect: may wait for memory */
	dma_fence_signal(job->fence);
	dma_fence_end_signalling(cookie);
}

static void locks(struct job *job)
{
	bool cookie = dma_fence_begin_signalling();

	dma_resv_lock(job->bo->resv, NULL); /* expect: may wait for memory */
	dma_fence_signal(job->fence);
	dma_resv_unlock(job->bo->resv);
	dma_fence_end_signalling(cookie);
}

static void tries_to_lock(struct job *job)
{
	bool cookie = dma_fence_begin_signalling();

	if (dma_resv_trylock(job->bo->resv))
		dma_resv_unlock(job->bo->resv);
	dma_fence_signal(job->fence);
	dma_fence_end_signalling(cookie);
}

static int make_entry(struct job *job, gfp_t gfp)
{
	job->entry = kzalloc(sizeof(*job->entry), gfp);
	return job->entry ? 0 : -ENOMEM;
}

static int make_log(struct job *job)
{
	job->log = kzalloc(sizeof(*job->log), GFP_KERNEL);
	return job->log ? 0 : -ENOMEM;
}

static void calls(struct job *job)
{
	bool cookie;

	make_log(job);
	cookie = dma_fence_begin_signalling();
	make_entry(job, GFP_ATOMIC);
	make_log(job); /* expect: make_log may wait */
	dma_fence_signal(job->fence);
	dma_fence_end_signalling(cookie);
}

static int not_ended(struct job *job)
{
	bool cookie = dma_fence_begin_signalling();

	if (job->stopped)
		return -ENODEV; /* expect: not ended here */
	dma_fence_signal(job->fence);
	dma_fence_end_signalling(cookie);

	return 0;
}

static int ended_on_both(struct job *job)
{
	bool cookie = dma_fence_begin_signalling();

	if (job->stopped) {
		dma_fence_end_signalling(cookie);
		return -ENODEV;
	}
	dma_fence_signal(job->fence);
	dma_fence_end_signalling(cookie);

	return 0;
}

static int not_always(struct job *job, bool annotate)
{
	bool cookie = false;

	if (annotate)
		cookie = dma_fence_begin_signalling();
	dma_fence_signal(job->fence);
	if (annotate)
		dma_fence_end_signalling(cookie);

	return 0;
}

static void may_not_recurse_but_waits(struct job *job)
{
	bool cookie = dma_fence_begin_signalling();

	job->entry = kzalloc(sizeof(*job->entry), GFP_NOFS); /* expect: this may wait */
	dma_fence_signal(job->fence);
	dma_fence_end_signalling(cookie);
}
