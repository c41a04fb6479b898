// SPDX-License-Identifier: GPL-2.0
/*
 * resv_mover - buffers that move, and simulated GPU jobs which use them
 *
 * A device without hardware that does to a dma_resv what GPU drivers do: it
 * queries the fences that a job has to wait for, adds the fence of the job,
 * and runs the job (a timer) when those have signalled. The kernel part of
 * the demo; what waits for whom is decided by dma_resv alone.
 *
 * The same source shows the old meaning on a kernel without usages: there, a
 * move can only be the exclusive fence, and whatever else must be known to
 * memory management can only be a shared one.
 */
#include <linux/delay.h>
#include <linux/dma-buf.h>
#include <linux/dma-fence.h>
#include <linux/dma-mapping.h>
#include <linux/dma-resv.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/kref.h>
#include <linux/miscdevice.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/sync_file.h>
#include <linux/timer.h>
#include <linux/uaccess.h>
#include <linux/vmalloc.h>
#include <linux/workqueue.h>
#include <linux/xarray.h>

#if IS_ENABLED(CONFIG_DRM)
#include <drm/drm_drv.h>
#include <drm/drm_file.h>
#include <drm/drm_ioctl.h>
#endif

#include "resv_mover.h"

#define MOVER_MAX_PAGES		64
#define MOVER_MAX_MS		10000
#define MOVER_POISON		0x6b
#define MOVER_RESULT_TIMEOUT	(60 * HZ)

/* Two places for the memory; @cur is where jobs queued from now on find it. */
struct mover_buf {
	struct kref ref;		/* of the dma-buf, and of jobs that run */
	struct dma_resv resv;
	unsigned int nr_pages;
	unsigned int cur;		/* under the lock of the dma_resv */
	unsigned int mapped;		/* likewise: importers that pin it */
	struct page **set[2];
};

struct mover_job;

struct mover_dep {
	struct dma_fence *fence;
	struct dma_fence_cb cb;
	struct mover_job *job;
	u64 until;
	u32 usage;
	char name[RESV_MOVER_NAME_LEN];
};

struct mover_job {
	struct dma_fence fence;		/* first, dma_fence_free() frees it */
	spinlock_t lock;
	struct mover_buf *buf;
	struct timer_list timer;
	struct work_struct work;
	atomic_t pending;
	u32 kind, flags, ms;
	u32 frame, result;
	unsigned int set;
	u64 queued, start, end;
	char name[RESV_MOVER_NAME_LEN];
	unsigned int nr_deps;
	struct mover_dep deps[];
};

struct mover_file {
	struct xarray jobs;
};

static struct miscdevice mover_misc;
static struct workqueue_struct *mover_wq;

static uint unmap_ms;
module_param(unmap_ms, uint, 0644);
MODULE_PARM_DESC(unmap_ms, "how long the kernel takes to give a mapping back");

/* Buffers */

static void mover_buf_release(struct kref *ref)
{
	struct mover_buf *buf = container_of(ref, struct mover_buf, ref);
	unsigned int i, s;

	dma_resv_fini(&buf->resv);
	for (s = 0; s < 2; s++) {
		for (i = 0; buf->set[s] && i < buf->nr_pages; i++) {
			if (buf->set[s][i])
				__free_page(buf->set[s][i]);
		}
		kfree(buf->set[s]);
	}
	kfree(buf);
}

static struct mover_buf *mover_buf_create(unsigned int nr_pages)
{
	struct mover_buf *buf = kzalloc(sizeof(*buf), GFP_KERNEL);
	struct resv_mover_page *head;
	unsigned int i, s;

	if (!buf)
		return NULL;

	kref_init(&buf->ref);
	dma_resv_init(&buf->resv);
	buf->nr_pages = nr_pages;
	for (s = 0; s < 2; s++) {
		buf->set[s] = kcalloc(nr_pages, sizeof(*buf->set[s]),
				      GFP_KERNEL);
		for (i = 0; buf->set[s] && i < nr_pages; i++) {
			buf->set[s][i] = alloc_page(GFP_KERNEL | __GFP_ZERO);
			if (!buf->set[s][i])
				goto err;
			if (s)
				memset(page_address(buf->set[s][i]),
				       MOVER_POISON, PAGE_SIZE);
		}
		if (!buf->set[s])
			goto err;
	}
	head = page_address(buf->set[0][0]);
	head->magic = RESV_MOVER_MAGIC;

	return buf;

err:
	kref_put(&buf->ref, mover_buf_release);
	return NULL;
}

/* What differs between a kernel with usages and one without. */

#ifdef HAVE_DMA_RESV_USAGE

#define MOVER_HAS_USAGE	1

static const struct {
	bool waits;
	enum dma_resv_usage wait, add;
} mover_rules[RESV_JOB_KINDS] = {
	[RESV_JOB_READ] = { true, DMA_RESV_USAGE_WRITE, DMA_RESV_USAGE_READ },
	[RESV_JOB_WRITE] = { true, DMA_RESV_USAGE_READ, DMA_RESV_USAGE_WRITE },
	[RESV_JOB_EXPLICIT] = { true, DMA_RESV_USAGE_KERNEL,
				DMA_RESV_USAGE_BOOKKEEP },
	/* A flush does not touch the memory, it only keeps it from going. */
	[RESV_JOB_FLUSH] = { false, DMA_RESV_USAGE_KERNEL,
			     DMA_RESV_USAGE_BOOKKEEP },
	[RESV_JOB_MOVE] = { true, DMA_RESV_USAGE_BOOKKEEP,
			    DMA_RESV_USAGE_KERNEL },
	[RESV_JOB_CLEAR] = { true, DMA_RESV_USAGE_BOOKKEEP,
			     DMA_RESV_USAGE_KERNEL },
};

static const u32 mover_usage_names[] = {
	[DMA_RESV_USAGE_KERNEL] = RESV_WAIT_KERNEL,
	[DMA_RESV_USAGE_WRITE] = RESV_WAIT_WRITE,
	[DMA_RESV_USAGE_READ] = RESV_WAIT_READ,
	[DMA_RESV_USAGE_BOOKKEEP] = RESV_WAIT_BOOKKEEP,
};

/* Without @deps, only count. */
static unsigned int mover_query(struct dma_resv *resv, u32 kind,
				struct mover_dep *deps)
{
	struct dma_resv_iter cursor;
	struct dma_fence *fence;
	unsigned int n = 0;

	if (!mover_rules[kind].waits)
		return 0;

	dma_resv_for_each_fence(&cursor, resv, mover_rules[kind].wait, fence) {
		if (dma_fence_is_signaled(fence))
			continue;
		if (deps) {
			deps[n].fence = dma_fence_get(fence);
			deps[n].usage =
				mover_usage_names[dma_resv_iter_usage(&cursor)];
		}
		n++;
	}

	return n;
}

static int mover_reserve(struct dma_resv *resv)
{
	return dma_resv_reserve_fences(resv, 1);
}

static void mover_publish(struct dma_resv *resv, struct mover_job *job)
{
	dma_resv_add_fence(resv, &job->fence, mover_rules[job->kind].add);
}

static long mover_wait_moved(struct dma_resv *resv)
{
	return dma_resv_wait_timeout(resv, DMA_RESV_USAGE_KERNEL, true,
				     MAX_SCHEDULE_TIMEOUT);
}

static bool mover_is_moved(struct dma_resv *resv)
{
	return dma_resv_test_signaled(resv, DMA_RESV_USAGE_KERNEL);
}

#else /* !HAVE_DMA_RESV_USAGE */

#define MOVER_HAS_USAGE	0

static bool mover_waits_all(u32 kind)
{
	return kind == RESV_JOB_WRITE || kind == RESV_JOB_MOVE ||
	       kind == RESV_JOB_CLEAR;
}

static unsigned int mover_query(struct dma_resv *resv, u32 kind,
				struct mover_dep *deps)
{
	struct dma_resv_list *list = dma_resv_get_list(resv);
	struct dma_fence *fence = dma_resv_get_excl(resv);
	unsigned int n = 0, i;

	if (kind == RESV_JOB_FLUSH)
		return 0;

	/* A move? A write? Nobody can tell, so everyone has to wait. */
	if (fence && !dma_fence_is_signaled(fence)) {
		if (deps) {
			deps[n].fence = dma_fence_get(fence);
			deps[n].usage = RESV_WAIT_EXCLUSIVE;
		}
		n++;
	}

	for (i = 0; mover_waits_all(kind) && list && i < list->shared_count;
	     i++) {
		fence = rcu_dereference_protected(list->shared[i],
						  dma_resv_held(resv));
		if (dma_fence_is_signaled(fence))
			continue;
		if (deps) {
			deps[n].fence = dma_fence_get(fence);
			deps[n].usage = RESV_WAIT_SHARED;
		}
		n++;
	}

	return n;
}

static int mover_reserve(struct dma_resv *resv)
{
	return dma_resv_reserve_shared(resv, 1);
}

static void mover_publish(struct dma_resv *resv, struct mover_job *job)
{
	if (mover_waits_all(job->kind))
		dma_resv_add_excl_fence(resv, &job->fence);
	else
		dma_resv_add_shared_fence(resv, &job->fence);
}

static long mover_wait_moved(struct dma_resv *resv)
{
	return dma_resv_wait_timeout_rcu(resv, false, true,
					 MAX_SCHEDULE_TIMEOUT);
}

static bool mover_is_moved(struct dma_resv *resv)
{
	return dma_resv_test_signaled_rcu(resv, false);
}

#endif /* HAVE_DMA_RESV_USAGE */

/*
 * Lock the buffer while it is not on its way. The wait is done unlocked, for
 * nobody else has to stand still for it.
 */
static int mover_lock_in_place(struct dma_resv *resv)
{
	long ret;

	for (;;) {
		ret = mover_wait_moved(resv);
		if (ret < 0)
			return ret;

		ret = dma_resv_lock_interruptible(resv, NULL);
		if (ret)
			return ret;
		if (mover_is_moved(resv))
			return 0;
		dma_resv_unlock(resv);
	}
}

/* Jobs: the fence */

static const char *mover_fence_driver(struct dma_fence *fence)
{
	return "resv_mover";
}

static const char *mover_fence_timeline(struct dma_fence *fence)
{
	return container_of(fence, struct mover_job, fence)->name;
}

static void mover_fence_release(struct dma_fence *fence)
{
	dma_fence_free(fence);
	module_put(THIS_MODULE);
}

static const struct dma_fence_ops mover_fence_ops = {
	.get_driver_name = mover_fence_driver,
	.get_timeline_name = mover_fence_timeline,
	.release = mover_fence_release,
};

/* Jobs: what runs. From here to the signal, nothing allocates or sleeps. */

static struct resv_mover_page *mover_job_head(struct mover_job *job)
{
	return page_address(job->buf->set[job->set][0]);
}

static bool mover_job_writes(struct mover_job *job)
{
	return job->kind == RESV_JOB_WRITE ||
	       (job->kind == RESV_JOB_EXPLICIT && job->flags & RESV_JOB_WRITES);
}

static void mover_job_check(struct mover_job *job)
{
	struct resv_mover_page *head = mover_job_head(job);

	if (job->kind == RESV_JOB_FLUSH || job->kind == RESV_JOB_MOVE ||
	    job->kind == RESV_JOB_CLEAR)
		return;

	if (READ_ONCE(head->magic) != RESV_MOVER_MAGIC)
		job->result |= RESV_RESULT_GARBAGE;
	else if (job->kind == RESV_JOB_READ &&
		 READ_ONCE(head->begun) != READ_ONCE(head->done))
		job->result |= RESV_RESULT_TORN;
}

static void mover_job_finish(struct mover_job *job)
{
	struct resv_mover_page *head = mover_job_head(job);
	unsigned int i;

	mover_job_check(job);
	if (mover_job_writes(job))
		WRITE_ONCE(head->done, head->done + 1);
	else if (job->kind == RESV_JOB_READ &&
		 READ_ONCE(head->done) != job->frame)
		job->result |= RESV_RESULT_TORN;
	if (mover_job_writes(job))
		job->frame = head->done;

	job->end = ktime_get_ns();
	dma_fence_signal(&job->fence);
	kref_put(&job->buf->ref, mover_buf_release);
	for (i = 0; i < job->nr_deps; i++)
		dma_fence_put(job->deps[i].fence);
	dma_fence_put(&job->fence);
}

static void mover_job_move(struct work_struct *work)
{
	struct mover_job *job = container_of(work, struct mover_job, work);
	struct mover_buf *buf = job->buf;
	struct page **from = buf->set[job->set], **to = buf->set[!job->set];
	unsigned int i;

	for (i = 0; i < buf->nr_pages; i++) {
		memcpy(page_address(to[i]), page_address(from[i]), PAGE_SIZE);
		/* Whoever still looks at the old place shall find out. */
		memset(page_address(from[i]), MOVER_POISON, PAGE_SIZE);
	}

	mover_job_finish(job);
}

static void mover_job_timer(struct timer_list *timer)
{
	struct mover_job *job = from_timer(job, timer, timer);

	if (job->kind == RESV_JOB_MOVE)
		queue_work(mover_wq, &job->work);
	else
		mover_job_finish(job);
}

static void mover_job_start(struct mover_job *job)
{
	struct resv_mover_page *head = mover_job_head(job);

	job->start = ktime_get_ns();
	mover_job_check(job);
	job->frame = READ_ONCE(head->done);
	if (mover_job_writes(job))
		WRITE_ONCE(head->begun, head->begun + 1);
	mod_timer(&job->timer, jiffies + max(1UL, msecs_to_jiffies(job->ms)));
}

static void mover_job_dep_done(struct dma_fence *fence, struct dma_fence_cb *cb)
{
	struct mover_dep *dep = container_of(cb, struct mover_dep, cb);

	dep->until = ktime_get_ns();
	if (atomic_dec_and_test(&dep->job->pending))
		mover_job_start(dep->job);
}

static void mover_job_arm(struct mover_job *job)
{
	unsigned int i;

	for (i = 0; i < job->nr_deps; i++) {
		atomic_inc(&job->pending);
		if (dma_fence_add_callback(job->deps[i].fence,
					   &job->deps[i].cb,
					   mover_job_dep_done))
			atomic_dec(&job->pending);
	}

	/* The one that kept it from starting half-way through. */
	if (atomic_dec_and_test(&job->pending))
		mover_job_start(job);
}

/* Jobs: submission */

static struct mover_job *mover_job_create(struct mover_buf *buf,
					  const struct resv_mover_job *args,
					  unsigned int max_deps)
{
	struct mover_job *job;

	job = kzalloc(struct_size(job, deps, max_deps), GFP_KERNEL);
	if (!job)
		return NULL;

	/* The fence's functions live in this module. */
	__module_get(THIS_MODULE);
	job->buf = buf;
	job->kind = args->kind;
	job->flags = args->flags;
	job->ms = args->ms;
	job->set = buf->cur;
	strscpy(job->name, args->name, sizeof(job->name));
	atomic_set(&job->pending, 1);
	timer_setup(&job->timer, mover_job_timer, 0);
	INIT_WORK(&job->work, mover_job_move);
	spin_lock_init(&job->lock);
	dma_fence_init(&job->fence, &mover_fence_ops, &job->lock,
		       dma_fence_context_alloc(1), 1);

	return job;
}

static void mover_job_name_deps(struct mover_job *job)
{
	struct mover_dep *dep;

	for (dep = job->deps; dep < job->deps + job->nr_deps; dep++) {
		dep->job = job;
		strscpy(dep->name,
			dep->fence->ops->get_timeline_name(dep->fence),
			sizeof(dep->name));
	}
}

static int mover_submit(struct mover_file *mf, struct resv_mover_job *args)
{
	struct dma_fence *in_fence = NULL;
	struct sync_file *out = NULL;
	struct mover_job *job = NULL;
	struct mover_buf *buf;
	struct dma_buf *dmabuf;
	struct dma_resv *resv;
	int fd, ret;

	dmabuf = dma_buf_get(args->buf);
	if (IS_ERR(dmabuf))
		return PTR_ERR(dmabuf);

	/* Only buffers of our own have the memory that a job looks at. */
	ret = -EINVAL;
	if (dmabuf->owner != THIS_MODULE)
		goto out_buf;
	buf = dmabuf->priv;
	resv = dmabuf->resv;

	if (args->in_fence >= 0) {
		in_fence = sync_file_get_fence(args->in_fence);
		if (!in_fence)
			goto out_buf;
	}

	fd = get_unused_fd_flags(O_CLOEXEC);
	if (fd < 0) {
		ret = fd;
		goto out_fence;
	}

	ret = dma_resv_lock_interruptible(resv, NULL);
	if (ret)
		goto out_fd;

	ret = -EBUSY;
	if (args->kind == RESV_JOB_MOVE && buf->mapped)
		goto out_unlock;

	/* Everything that can fail comes before anybody sees the fence. */
	ret = mover_reserve(resv);
	if (ret)
		goto out_unlock;

	ret = -ENOMEM;
	job = mover_job_create(buf, args,
			       mover_query(resv, args->kind, NULL) + 1);
	if (!job)
		goto out_unlock;
	out = sync_file_create(&job->fence);
	if (!out)
		goto out_unlock;
	ret = xa_alloc(&mf->jobs, &args->id, &job->fence, xa_limit_31b,
		       GFP_KERNEL);
	if (ret)
		goto out_unlock;
	dma_fence_get(&job->fence);

	job->queued = ktime_get_ns();
	job->nr_deps = mover_query(resv, args->kind, job->deps);
	if (in_fence) {
		job->deps[job->nr_deps].fence = dma_fence_get(in_fence);
		job->deps[job->nr_deps].usage = RESV_WAIT_IN_FENCE;
		job->nr_deps++;
	}
	mover_job_name_deps(job);
	kref_get(&buf->ref);
	mover_publish(resv, job);
	if (args->kind == RESV_JOB_MOVE) {
		/* New jobs and faults go to the new place, and wait for it. */
		buf->cur = !buf->cur;
		unmap_mapping_range(dmabuf->file->f_mapping, 0, 0, 1);
	}
	dma_resv_unlock(resv);

	mover_job_arm(job);

	/* Given back only once it cannot fail any more, see mover_ioctl(). */
	args->out_fence = fd;
	fd_install(fd, out->file);
	dma_fence_put(in_fence);
	dma_buf_put(dmabuf);
	return 0;

out_unlock:
	dma_resv_unlock(resv);
	if (out)
		fput(out->file);
	if (job)
		dma_fence_put(&job->fence);
out_fd:
	put_unused_fd(fd);
out_fence:
	dma_fence_put(in_fence);
out_buf:
	dma_buf_put(dmabuf);
	return ret;
}

static int mover_result(struct mover_file *mf, struct resv_mover_result *res)
{
	struct dma_fence *fence = xa_erase(&mf->jobs, res->id);
	struct mover_job *job;
	unsigned int i;
	long ret;

	if (!fence)
		return -ENOENT;

	job = container_of(fence, struct mover_job, fence);
	ret = dma_fence_wait_timeout(fence, true, MOVER_RESULT_TIMEOUT);
	if (ret <= 0) {
		dma_fence_put(fence);
		return ret ? -EINTR : -ETIME;
	}

	memset(res, 0, sizeof(*res));
	res->flags = job->result;
	res->frame = job->frame;
	res->queued_ns = job->queued;
	res->start_ns = job->start;
	res->end_ns = job->end;
	for (i = 0; i < job->nr_deps; i++) {
		struct resv_mover_wait *w = &res->waits[res->nr_waits];

		if (!job->deps[i].until)
			continue;
		if (res->nr_waits == RESV_MOVER_MAX_WAITS)
			break;
		memcpy(w->name, job->deps[i].name, sizeof(w->name));
		w->usage = job->deps[i].usage;
		w->until_ns = job->deps[i].until;
		res->nr_waits++;
	}
	dma_fence_put(fence);

	return 0;
}

/* The dma-buf */

static struct sg_table *mover_map(struct dma_buf_attachment *attach,
				  enum dma_data_direction dir)
{
	struct dma_buf *dmabuf = attach->dmabuf;
	struct mover_buf *buf = dmabuf->priv;
	struct sg_table *sgt;
	int ret;

	sgt = kzalloc(sizeof(*sgt), GFP_KERNEL);
	if (!sgt)
		return ERR_PTR(-ENOMEM);

	ret = mover_lock_in_place(dmabuf->resv);
	if (ret)
		goto err_free;
	ret = sg_alloc_table_from_pages(sgt, buf->set[buf->cur], buf->nr_pages,
					0, buf->nr_pages << PAGE_SHIFT,
					GFP_KERNEL);
	if (ret)
		goto err_unlock;
	ret = dma_map_sgtable(attach->dev, sgt, dir, 0);
	if (ret)
		goto err_table;
	buf->mapped++;
	dma_resv_unlock(dmabuf->resv);

	return sgt;

err_table:
	sg_free_table(sgt);
err_unlock:
	dma_resv_unlock(dmabuf->resv);
err_free:
	kfree(sgt);
	return ERR_PTR(ret);
}

static void mover_unmap(struct dma_buf_attachment *attach,
			struct sg_table *sgt, enum dma_data_direction dir)
{
	struct mover_buf *buf = attach->dmabuf->priv;

	dma_unmap_sgtable(attach->dev, sgt, dir, 0);
	sg_free_table(sgt);
	kfree(sgt);

	dma_resv_lock(attach->dmabuf->resv, NULL);
	buf->mapped--;
	dma_resv_unlock(attach->dmabuf->resv);
}

/* What is mapped does not move any more; whether it has arrived is not looked at. */
static void *mover_vmap(struct dma_buf *dmabuf)
{
	struct mover_buf *buf = dmabuf->priv;
	void *vaddr;

	dma_resv_lock(dmabuf->resv, NULL);
	vaddr = vmap(buf->set[buf->cur], buf->nr_pages, VM_MAP, PAGE_KERNEL);
	if (vaddr)
		buf->mapped++;
	dma_resv_unlock(dmabuf->resv);

	return vaddr;
}

static void mover_vunmap(struct dma_buf *dmabuf, void *vaddr)
{
	struct mover_buf *buf = dmabuf->priv;

	if (unmap_ms)
		msleep(unmap_ms);
	vunmap(vaddr);
	dma_resv_lock(dmabuf->resv, NULL);
	buf->mapped--;
	dma_resv_unlock(dmabuf->resv);
}

static vm_fault_t mover_fault(struct vm_fault *vmf)
{
	struct dma_buf *dmabuf = vmf->vma->vm_private_data;
	struct mover_buf *buf = dmabuf->priv;
	struct page *page;
	vm_fault_t ret;

	if (vmf->pgoff >= buf->nr_pages)
		return VM_FAULT_SIGBUS;

	/* Interrupted: let the signal be handled, and fault again. */
	if (mover_lock_in_place(dmabuf->resv))
		return VM_FAULT_NOPAGE;

	/* Under the lock, so that a move zaps it afterwards, not before. */
	page = buf->set[buf->cur][vmf->pgoff];
	ret = vmf_insert_pfn(vmf->vma, vmf->address, page_to_pfn(page));
	dma_resv_unlock(dmabuf->resv);

	return ret;
}

static const struct vm_operations_struct mover_vm_ops = {
	.fault = mover_fault,
};

static int mover_mmap(struct dma_buf *dmabuf, struct vm_area_struct *vma)
{
	if (!(vma->vm_flags & VM_SHARED))
		return -EINVAL;

	vma->vm_flags |= VM_PFNMAP | VM_DONTEXPAND | VM_DONTDUMP;
	vma->vm_private_data = dmabuf;
	vma->vm_ops = &mover_vm_ops;

	return 0;
}

static void mover_release(struct dma_buf *dmabuf)
{
	struct mover_buf *buf = dmabuf->priv;

	kref_put(&buf->ref, mover_buf_release);
}

static const struct dma_buf_ops mover_dma_buf_ops = {
	.map_dma_buf = mover_map,
	.unmap_dma_buf = mover_unmap,
	.mmap = mover_mmap,
	.vmap = mover_vmap,
	.vunmap = mover_vunmap,
	.release = mover_release,
};

static int mover_create(struct resv_mover_create *args)
{
	DEFINE_DMA_BUF_EXPORT_INFO(info);
	struct dma_buf *dmabuf;
	struct mover_buf *buf;
	int fd;

	if (!args->pages || args->pages > MOVER_MAX_PAGES)
		return -EINVAL;

	buf = mover_buf_create(args->pages);
	if (!buf)
		return -ENOMEM;

	info.ops = &mover_dma_buf_ops;
	info.size = args->pages << PAGE_SHIFT;
	info.flags = O_RDWR;
	info.resv = &buf->resv;
	info.priv = buf;
	dmabuf = dma_buf_export(&info);
	if (IS_ERR(dmabuf)) {
		kref_put(&buf->ref, mover_buf_release);
		return PTR_ERR(dmabuf);
	}

	fd = dma_buf_fd(dmabuf, O_CLOEXEC);
	if (fd < 0) {
		dma_buf_put(dmabuf);
		return fd;
	}
	args->fd = fd;

	return 0;
}

/* The device */

static int mover_open(struct inode *inode, struct file *file)
{
	struct mover_file *mf = kzalloc(sizeof(*mf), GFP_KERNEL);

	if (!mf)
		return -ENOMEM;

	xa_init_flags(&mf->jobs, XA_FLAGS_ALLOC1);
	file->private_data = mf;

	return 0;
}

static int mover_close(struct inode *inode, struct file *file)
{
	struct mover_file *mf = file->private_data;
	struct dma_fence *fence;
	unsigned long id;

	/* The jobs themselves run on, like those of a process that exits. */
	xa_for_each(&mf->jobs, id, fence)
		dma_fence_put(fence);
	xa_destroy(&mf->jobs);
	kfree(mf);

	return 0;
}

static long mover_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	void __user *user = (void __user *)arg;
	union {
		struct resv_mover_info info;
		struct resv_mover_create create;
		struct resv_mover_job job;
		struct resv_mover_result result;
	} u;
	int ret;

	if (_IOC_TYPE(cmd) != 'V' || _IOC_SIZE(cmd) > sizeof(u))
		return -ENOTTY;

	memset(&u, 0, sizeof(u));
	if (_IOC_DIR(cmd) & _IOC_WRITE &&
	    copy_from_user(&u, user, _IOC_SIZE(cmd)))
		return -EFAULT;

	switch (cmd) {
	case RESV_MOVER_INFO:
		u.info.has_usage = MOVER_HAS_USAGE;
		ret = 0;
		break;
	case RESV_MOVER_CREATE:
		ret = mover_create(&u.create);
		break;
	case RESV_MOVER_JOB:
		if (u.job.kind >= RESV_JOB_KINDS || u.job.ms > MOVER_MAX_MS ||
		    u.job.flags & ~RESV_JOB_WRITES || u.job.pad)
			return -EINVAL;
		u.job.name[sizeof(u.job.name) - 1] = '\0';
		ret = mover_submit(file->private_data, &u.job);
		break;
	case RESV_MOVER_RESULT:
		ret = mover_result(file->private_data, &u.result);
		break;
	default:
		return -ENOTTY;
	}

	/*
	 * A caller that cannot be told its new fd still has it. This device
	 * serves the demo; an interface to stay would take it back.
	 */
	if (!ret && copy_to_user(user, &u, _IOC_SIZE(cmd)))
		ret = -EFAULT;

	return ret;
}

static const struct file_operations mover_fops = {
	.owner = THIS_MODULE,
	.open = mover_open,
	.release = mover_close,
	.unlocked_ioctl = mover_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
};

static struct miscdevice mover_misc = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "resv-mover",
	.fops = &mover_fops,
};

/* For those who want to see that a warning does not go unnoticed. */
static bool warn;
module_param(warn, bool, 0);
MODULE_PARM_DESC(warn, "warn when loaded");

/*
 * None of the drivers whose devices QEMU has knows timelines of drm_syncobj, so
 * there is a DRM device that has nothing else.
 */
#if IS_ENABLED(CONFIG_DRM)

static const struct file_operations mover_drm_fops = {
	.owner = THIS_MODULE,
	.open = drm_open,
	.release = drm_release,
	.unlocked_ioctl = drm_ioctl,
	.compat_ioctl = drm_compat_ioctl,
	.poll = drm_poll,
	.read = drm_read,
	.llseek = noop_llseek,
};

static struct drm_driver mover_drm_driver = {
	.driver_features = DRIVER_SYNCOBJ | DRIVER_SYNCOBJ_TIMELINE,
	.fops = &mover_drm_fops,
	.name = "resv_mover",
	.desc = "Timelines of drm_syncobj, for tests",
	.date = "20200101",
};

static struct drm_device *mover_drm;

static int mover_drm_init(void)
{
	int ret;

	mover_drm = drm_dev_alloc(&mover_drm_driver, mover_misc.this_device);
	if (IS_ERR(mover_drm))
		return PTR_ERR(mover_drm);
	ret = drm_dev_register(mover_drm, 0);
	if (ret)
		drm_dev_put(mover_drm);

	return ret;
}

static void mover_drm_exit(void)
{
	drm_dev_unregister(mover_drm);
	drm_dev_put(mover_drm);
}

#else

static int mover_drm_init(void)
{
	return 0;
}

static void mover_drm_exit(void)
{
}

#endif

static int __init mover_init(void)
{
	int ret;

	WARN(warn, "resv_mover: told to warn\n");

	/* Fences signal from it, so memory pressure must not stop it. */
	mover_wq = alloc_workqueue("resv_mover", WQ_MEM_RECLAIM | WQ_HIGHPRI,
				   0);
	if (!mover_wq)
		return -ENOMEM;

	ret = misc_register(&mover_misc);
	if (ret)
		goto err_wq;
	ret = mover_drm_init();
	if (ret)
		goto err_misc;

	return 0;

err_misc:
	misc_deregister(&mover_misc);
err_wq:
	destroy_workqueue(mover_wq);
	return ret;
}

static void __exit mover_exit(void)
{
	mover_drm_exit();
	misc_deregister(&mover_misc);
	destroy_workqueue(mover_wq);
}

module_init(mover_init);
module_exit(mover_exit);

MODULE_DESCRIPTION("Moving buffers and simulated jobs, to show dma_resv");
MODULE_LICENSE("GPL v2");
