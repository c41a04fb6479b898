// SPDX-License-Identifier: GPL-2.0-only
/*
 * The fences of a dma-buf as sync_files, and back
 */

#include <linux/dma-fence.h>
#include <linux/dma-fence-array.h>
#include <linux/dma-fence-leaves.h>
#include <linux/dma-resv.h>
#include <linux/fcntl.h>
#include <linux/file.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/sync_file.h>
#include <linux/uaccess.h>
#include <uapi/linux/dma-buf.h>

#include "dma-buf-sync-file.h"
#include "dma-resv-check.h"

/**
 * DOC: dma-buf and sync_file
 *
 * Some users of a buffer synchronize implicitly, others pass fences around in user
 * space. With two ioctls on the dma-buf a compositor, or a Vulkan driver, lets
 * both kinds share it:
 *
 * - %DMA_BUF_IOCTL_EXPORT_SYNC_FILE returns what an implicitly synchronized reader
 *   or writer would have to wait for right now, as a sync_file.
 * - %DMA_BUF_IOCTL_IMPORT_SYNC_FILE has implicitly synchronized users wait from now
 *   on for what is in a sync_file.
 *
 * A client with fences of its own exports before it uses the buffer, waits for the
 * result, and imports the fence of what it has submitted. Between the two others
 * can submit as well; whoever needs more than a snapshot has to see to it with
 * the other side.
 */

static bool sync_flags_valid(__u32 flags)
{
	return flags && !(flags & ~DMA_BUF_SYNC_RW);
}

/*
 * One fence for those of a query. Arrays and chains in the object are taken apart, and
 * the array has its fences in the order by context that sync_file_merge() wants.
 */
static int sync_file_fence(struct dma_resv *resv, enum dma_resv_usage usage,
			   struct dma_fence **fence)
{
	struct dma_fence **fences, **leaves;
	struct dma_fence_array *array;
	unsigned int count, num_leaves;
	int ret;

	ret = dma_resv_get_fences(resv, usage, &count, &fences);
	if (ret)
		return ret;
	ret = dma_fence_get_leaves(fences, count, &leaves, &num_leaves);
	dma_fence_put_all(fences, count);
	if (ret)
		return ret;

	if (num_leaves > 1) {
		array = dma_fence_array_create(num_leaves, leaves,
					       dma_fence_context_alloc(1), 1,
					       false);
		if (!array) {
			dma_fence_put_all(leaves, num_leaves);
			return -ENOMEM;
		}
		*fence = &array->base;
		return 0;
	}

	*fence = num_leaves ? leaves[0] : dma_fence_get_stub();
	kfree(leaves);

	return 0;
}

long dma_buf_export_sync_file(struct dma_resv *resv,
			      struct dma_buf_export_sync_file __user *argp)
{
	struct dma_buf_export_sync_file arg;
	struct sync_file *sync_file;
	struct dma_fence *fence;
	int ret;

	if (copy_from_user(&arg, argp, sizeof(arg)))
		return -EFAULT;
	if (!sync_flags_valid(arg.flags))
		return -EINVAL;

	ret = sync_file_fence(resv, dma_resv_usage_rw(arg.flags &
						      DMA_BUF_SYNC_WRITE),
			      &fence);
	if (ret)
		return ret;

	sync_file = sync_file_create(fence);
	dma_fence_put(fence);
	if (!sync_file)
		return -ENOMEM;

	arg.fd = get_unused_fd_flags(O_CLOEXEC);
	if (arg.fd < 0) {
		ret = arg.fd;
		goto err_file;
	}

	/* Once it is installed there is no way back, so tell user space first */
	if (copy_to_user(argp, &arg, sizeof(arg))) {
		ret = -EFAULT;
		goto err_fd;
	}
	fd_install(arg.fd, sync_file->file);

	return 0;

err_fd:
	put_unused_fd(arg.fd);
err_file:
	fput(sync_file->file);
	return ret;
}

/*
 * An object takes 65535 fences, and drivers that find no room can only fail. Half of
 * that is out of reach of imports, of which a single one may bring any number.
 */
#define IMPORT_MOST	(U16_MAX / 2)

static bool import_has_room(struct dma_resv *resv, unsigned int count)
{
	struct dma_resv_iter cursor;
	struct dma_fence *fence;

	if (count > IMPORT_MOST)
		return false;

	dma_resv_for_each_fence(&cursor, resv, DMA_RESV_USAGE_BOOKKEEP, fence)
		if (!dma_fence_is_signaled(fence) && ++count > IMPORT_MOST)
			return false;

	return true;
}

long dma_buf_import_sync_file(struct dma_resv *resv,
			      struct dma_buf_import_sync_file __user *argp)
{
	struct dma_buf_import_sync_file arg;
	struct dma_fence *fence, **leaves;
	enum dma_resv_usage usage;
	unsigned int count, i;
	int ret;

	if (copy_from_user(&arg, argp, sizeof(arg)))
		return -EFAULT;
	if (!sync_flags_valid(arg.flags))
		return -EINVAL;

	fence = sync_file_get_fence(arg.fd);
	if (!fence)
		return -EINVAL;
	ret = dma_fence_get_leaves(&fence, 1, &leaves, &count);
	dma_fence_put(fence);
	if (ret || !count)
		return ret;

	usage = arg.flags & DMA_BUF_SYNC_WRITE ? DMA_RESV_USAGE_WRITE :
						 DMA_RESV_USAGE_READ;

	ret = dma_resv_lock_interruptible(resv, NULL);
	/* Nothing has been done yet: callers need not know that a signal came */
	if (ret == -EINTR)
		ret = -ERESTARTSYS;
	if (ret)
		goto out;

	ret = import_has_room(resv, count) ?
	      dma_resv_reserve_fences(resv, count) : -ENOMEM;
	dma_resv_check_import(resv, true);
	for (i = 0; i < count && !ret; ++i) {
		dma_resv_add_fence(resv, leaves[i], usage);
		cond_resched();
	}
	dma_resv_check_import(resv, false);
	dma_resv_unlock(resv);
out:
	dma_fence_put_all(leaves, count);

	return ret;
}
