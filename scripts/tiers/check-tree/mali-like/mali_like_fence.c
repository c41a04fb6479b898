// SPDX-License-Identifier: GPL-2.0
/* A driver outside the tree, as boards have them: for ./resv test check-tree */
#include <linux/dma-resv.h>
#include <linux/slab.h>

struct mali_like_job {
	struct dma_resv *resv;
	struct dma_fence *done;
	struct dma_fence *before;
	bool writes;
};

/* dma_resv_add_excl_fence() is only spoken of here */
void mali_like_attach(struct mali_like_job *job)
{
	if (job->writes)
		dma_resv_add_excl_fence(job->resv, job->done);
	else
		dma_resv_add_shared_fence(job->resv, job->done);
}

void mali_like_clear(struct mali_like_job *job)
{
	dma_resv_add_excl_fence(job->resv, job->done);
}

long mali_like_wait(struct mali_like_job *job)
{
	return dma_resv_wait_timeout_rcu(job->resv, false, true, 1000);
}

unsigned int mali_like_count(struct mali_like_job *job)
{
	struct dma_resv_list *list = dma_resv_get_list(job->resv);

	return list ? list->shared_count : 0;
}

bool mali_like_idle(struct mali_like_job *job)
{
	struct dma_fence *fence;
	unsigned int seq;
	bool idle;

	rcu_read_lock();
	do {
		seq = read_seqcount_begin(&job->resv->seq);
		fence = rcu_dereference(job->resv->fence_excl);
		idle = !fence || dma_fence_is_signaled(fence);
	} while (read_seqcount_retry(&job->resv->seq, seq));
	rcu_read_unlock();
	return idle;
}
