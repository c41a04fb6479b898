// SPDX-License-Identifier: GPL-2.0-only
/*
 * The order of locks around buffers and fences, taught to lockdep at boot.
 */

#include <linux/dma-buf.h>
#include <linux/dma-fence-array.h>
#include <linux/dma-fence-chain.h>
#include <linux/dma-resv.h>
#include <linux/err.h>
#include <linux/fs.h>
#include <linux/lockdep.h>
#include <linux/mmu_notifier.h>
#include <linux/mutex.h>
#include <linux/printk.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include <linux/spinlock.h>

#include "dma-buf-lockdep.h"

/**
 * DOC: order of locks
 *
 * Drivers that share a buffer meet in each other's locks: one faults, one evicts,
 * one waits. None of them can know all the others, so the order in which locks may
 * be taken is the same for everybody. Outermost first::
 *
 *	list of dma-bufs    dma_buf.lock    mmap_lock
 *	        |                |              |
 *	        +----------------+--------------+
 *	                         |
 *	                      dma_resv ............ several with one ww_acquire_ctx
 *	                       /    \
 *	        dma_buf.name_lock    allocating memory (fs_reclaim)
 *	                                 |
 *	                             i_mmap_rwsem
 *	                                 |
 *	                             MMU notifiers
 *	                                 |
 *	                             waiting for a fence
 *	                                 |
 *	                             what a signalling section takes
 *
 *	    dma_fence_chain.lock - dma_fence_array.lock - dma_buf.poll.lock
 *
 * What stands further down must not be held, or be going on, when something that
 * stands above it is taken or done. A signalling section is what is between
 * dma_fence_begin_signalling() and dma_fence_end_signalling(): others may be
 * waiting for it, with everything that is above it held.
 *
 * Left to itself, lockdep would learn this from what happens to run: a driver that
 * never met memory pressure, or another driver, looks good. So each step of the
 * order is shown to it at boot, before there are any drivers, and the first wrong
 * step of a driver is reported, whatever the others do.
 */

static struct sg_table *dma_buf_lockdep_map(struct dma_buf_attachment *attach,
					    enum dma_data_direction dir)
{
	return ERR_PTR(-ENODEV);
}

static void dma_buf_lockdep_unmap(struct dma_buf_attachment *attach,
				  struct sg_table *sgt,
				  enum dma_data_direction dir)
{
}

static void dma_buf_lockdep_release(struct dma_buf *dmabuf)
{
}

/* It is released from a work item, maybe after the init sections are gone */
static const struct dma_buf_ops dma_buf_lockdep_ops = {
	.map_dma_buf = dma_buf_lockdep_map,
	.unmap_dma_buf = dma_buf_lockdep_unmap,
	.release = dma_buf_lockdep_release,
};

/* Locks that may be held when an object is locked */
static void __init dma_buf_lockdep_outside(struct dma_buf *dmabuf, struct mm_struct *mm,
					   struct mutex *list_lock)
{
	struct dma_resv *resv = dmabuf->resv;
	struct ww_acquire_ctx ctx;

	/* debugfs goes through the list and shows the fences of each buffer */
	mutex_lock(list_lock);
	dma_resv_lock(resv, NULL);
	dma_resv_unlock(resv);
	mutex_unlock(list_lock);

	/* To map a buffer for the kernel its exporter pins it */
	mutex_lock(&dmabuf->lock);
	dma_resv_lock(resv, NULL);
	dma_resv_unlock(resv);
	mutex_unlock(&dmabuf->lock);

	/*
	 * The handler of a page fault locks the object whose memory it maps. So
	 * user memory must not be touched with an object locked, nor, with a
	 * context at hand, before the first one is.
	 */
	mmap_read_lock(mm);
	ww_acquire_init(&ctx, &reservation_ww_class);
	if (dma_resv_lock(resv, &ctx) == -EDEADLK)
		dma_resv_lock_slow(resv, &ctx);
	dma_resv_unlock(resv);
	ww_acquire_fini(&ctx);
	mmap_read_unlock(mm);
}

/* What may be done with an object locked, and from there on */
static void __init dma_buf_lockdep_inside(struct dma_buf *dmabuf)
{
	struct address_space *mapping = dmabuf->file->f_mapping;
	struct dma_resv *resv = dmabuf->resv;

	/* A buffer is named while nobody is attached to it */
	dma_resv_lock(resv, NULL);
	spin_lock(&dmabuf->name_lock);
	spin_unlock(&dmabuf->name_lock);
	dma_resv_unlock(resv);

	/*
	 * Fences need slots, jobs need memory. Reclaim may thus come to an object
	 * that is locked, and must not wait for it: a shrinker tries.
	 */
	dma_resv_lock(resv, NULL);
	fs_reclaim_acquire(GFP_KERNEL);
	fs_reclaim_release(GFP_KERNEL);
	dma_resv_unlock(resv);

	/* If it can have the object it takes the mappings of user space away */
	fs_reclaim_acquire(GFP_KERNEL);
	i_mmap_lock_write(mapping);
	i_mmap_unlock_write(mapping);
	fs_reclaim_release(GFP_KERNEL);

#ifdef CONFIG_MMU_NOTIFIER
	/* Whoever shadows the page tables of the process is told of it */
	i_mmap_lock_write(mapping);
	lock_map_acquire(&__mmu_notifier_invalidate_range_start_map);
	lock_map_release(&__mmu_notifier_invalidate_range_start_map);
	i_mmap_unlock_write(mapping);

	/* It does not return before the device is done with the memory */
	lock_map_acquire(&__mmu_notifier_invalidate_range_start_map);
	__dma_fence_might_wait();
	lock_map_release(&__mmu_notifier_invalidate_range_start_map);
#endif

	/* Nor can a shrinker free what the device still uses */
	fs_reclaim_acquire(GFP_KERNEL);
	__dma_fence_might_wait();
	fs_reclaim_release(GFP_KERNEL);
}

/* Spin locks of containers, in which the locks of the fences inside nest */
static void __init dma_buf_lockdep_fences(struct dma_buf *dmabuf)
{
	struct dma_fence_chain *chain = kzalloc(sizeof(*chain), GFP_KERNEL);
	struct dma_fence **fences = kzalloc(sizeof(*fences), GFP_KERNEL);
	struct dma_fence_array *array = NULL;

	if (fences)
		fences[0] = dma_fence_get_stub();
	if (fences && chain)
		array = dma_fence_array_create(1, fences, dma_fence_context_alloc(1), 1, false);
	if (!array) {
		kfree(fences);
		kfree(chain);
		return;
	}
	dma_fence_chain_init(chain, NULL, &array->base, 1);

	/* To signal, a chain asks the arrays in it to, under its own lock */
	spin_lock_irq(&chain->lock);
	spin_lock(&array->lock);
	spin_unlock(&array->lock);
	spin_unlock_irq(&chain->lock);

	/* Who polls a buffer is woken by a fence, under the lock of the fence */
	spin_lock_irq(&array->lock);
	spin_lock(&dmabuf->poll.lock);
	spin_unlock(&dmabuf->poll.lock);
	spin_unlock_irq(&array->lock);

	/* The chain has the reference to the array, and that the one to the stub */
	dma_fence_put(&chain->base);
}

/**
 * dma_buf_lockdep - teach lockdep the order of locks around buffers and fences
 * @list_lock: the lock of the list of all dma-bufs
 *
 * Context: Process context at boot, before there are dma-bufs.
 */
void __init dma_buf_lockdep(struct mutex *list_lock)
{
	DEFINE_DMA_BUF_EXPORT_INFO(info);
	struct mm_struct *mm = mm_alloc();
	struct dma_buf *dmabuf;

	/* Each of its locks has to be of the class that those of a real one are */
	info.ops = &dma_buf_lockdep_ops;
	info.size = PAGE_SIZE;
	info.priv = list_lock;
	dmabuf = dma_buf_export(&info);
	if (!mm || IS_ERR(dmabuf)) {
		pr_warn("dma-buf: no memory to teach lockdep the order of locks\n");
		goto out;
	}

	dma_buf_lockdep_outside(dmabuf, mm, list_lock);
	dma_buf_lockdep_inside(dmabuf);
	dma_buf_lockdep_fences(dmabuf);
out:
	if (!IS_ERR(dmabuf))
		dma_buf_put(dmabuf);
	if (mm)
		mmput(mm);
}
