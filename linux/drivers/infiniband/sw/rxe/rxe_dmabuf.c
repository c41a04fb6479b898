// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * Memory of dma-bufs for rxe, which reaches it with the CPU
 */

#include <linux/dma-buf.h>
#include <linux/dma-resv.h>
#include <linux/sched/signal.h>

#include "rxe.h"
#include "rxe_loc.h"

/*
 * A work lets go of the device last, and then the device and the module may go. With
 * a queue of its own the module can wait until it has returned as well.
 */
static struct workqueue_struct *rxe_dmabuf_wq;

int rxe_dmabuf_init(void)
{
	rxe_dmabuf_wq = alloc_workqueue("rxe_dmabuf", 0, 0);

	return rxe_dmabuf_wq ? 0 : -ENOMEM;
}

/* There are no devices any more */
void rxe_dmabuf_exit(void)
{
	destroy_workqueue(rxe_dmabuf_wq);
}

/* It moves until it is pinned, but is not looked at before */
static void rxe_move_notify(struct dma_buf_attachment *attach)
{
}

static const struct dma_buf_attach_ops rxe_attach_ops = {
	.move_notify = rxe_move_notify,
};

/**
 * rxe_dmabuf_put - let go of the memory of a dma-buf
 * @buf: from rxe_dmabuf_get()
 *
 * The memory must not be used any more.
 *
 * Context: May sleep. Takes the lock of the buffer's &struct dma_resv.
 */
void rxe_dmabuf_put(struct rxe_dmabuf *buf)
{
	struct dma_buf_attachment *attach = buf->attach;
	struct dma_buf *dmabuf = attach->dmabuf;
	struct ib_device *device = buf->device;

	if (buf->vaddr)
		dma_buf_vunmap(dmabuf, buf->vaddr);
	if (buf->pinned) {
		dma_resv_lock(dmabuf->resv, NULL);
		dma_buf_unpin(attach);
		dma_resv_unlock(dmabuf->resv);
	}
	dma_buf_detach(dmabuf, attach);
	dma_buf_put(dmabuf);
	kfree(buf);
	ib_device_put(device);
}

static void rxe_dmabuf_work(struct work_struct *work)
{
	rxe_dmabuf_put(container_of(work, struct rxe_dmabuf, work));
}

/* Pins and maps what is attached, and waits until the memory is there */
static int rxe_dmabuf_map(struct rxe_dmabuf *buf)
{
	struct dma_buf *dmabuf = buf->attach->dmabuf;
	long ret;

	/* An exporter that can't pin keeps what is attached, or has a vmap */
	dma_resv_lock(dmabuf->resv, NULL);
	ret = dma_buf_pin(buf->attach);
	dma_resv_unlock(dmabuf->resv);
	if (ret)
		return ret;
	buf->pinned = true;

	/* There is no errno, so it may be that a signal ended a wait */
	buf->vaddr = dma_buf_vmap(dmabuf);
	if (!buf->vaddr)
		return signal_pending(current) ? -ERESTARTSYS : -ENOMEM;

	/* Any of that may have moved the memory, so this comes last */
	ret = dma_resv_wait_timeout(dmabuf->resv, DMA_RESV_USAGE_KERNEL, true,
				    MAX_SCHEDULE_TIMEOUT);

	return ret < 0 ? ret : 0;
}

/**
 * rxe_dmabuf_get - get the memory of a dma-buf, and have it stay where it is
 * @device: the device that is going to use it
 * @offset: where in the buffer the part that is used begins, in bytes
 * @length: how long it is, in bytes; the end does not overflow
 * @fd: file descriptor of the dma-buf
 *
 * Context: May sleep, and waits for the %DMA_RESV_USAGE_KERNEL query.
 * Return: the whole buffer; -EBADF or -EINVAL if @fd is not that of a dma-buf,
 * -EINVAL if the part is empty or not inside the buffer, -EOPNOTSUPP if the CPU can't
 * have it in one piece, -ERESTARTSYS if a signal came, or another error pointer, of the
 * exporter.
 */
struct rxe_dmabuf *rxe_dmabuf_get(struct ib_device *device, u64 offset,
				  u64 length, int fd)
{
	struct dma_buf *dmabuf = dma_buf_get(fd);
	struct rxe_dmabuf *buf;
	int err;

	if (IS_ERR(dmabuf))
		return ERR_CAST(dmabuf);

	err = -EINVAL;
	if (!length || offset + length > dmabuf->size)
		goto err_put;

	err = -EOPNOTSUPP;
	if (!dmabuf->ops->vmap)
		goto err_put;

	err = -ENODEV;
	if (!ib_device_try_get(device))
		goto err_put;

	err = -ENOMEM;
	buf = kzalloc(sizeof(*buf), GFP_KERNEL);
	if (!buf)
		goto err_device;
	buf->device = device;
	INIT_WORK(&buf->work, rxe_dmabuf_work);

	/* Nothing is mapped for the device, which does no DMA */
	buf->attach = dma_buf_dynamic_attach(dmabuf, &device->dev,
					     dma_buf_is_dynamic(dmabuf) ?
					     &rxe_attach_ops : NULL, NULL);
	if (IS_ERR(buf->attach)) {
		err = PTR_ERR(buf->attach);
		goto err_free;
	}

	err = rxe_dmabuf_map(buf);
	if (err) {
		rxe_dmabuf_put(buf);
		return ERR_PTR(err);
	}

	return buf;

err_free:
	kfree(buf);
err_device:
	ib_device_put(device);
err_put:
	dma_buf_put(dmabuf);
	return ERR_PTR(err);
}

/**
 * rxe_dmabuf_put_later - let go of the memory of a dma-buf, but not here
 * @buf: from rxe_dmabuf_get()
 *
 * For whoever was the last to use the memory in a task of a queue pair. That may be
 * a tasklet, or run in the call of a process, even one at the other end; either way
 * it must not sleep, because rxe_cleanup_task() spins until it is through.
 *
 * Context: Any.
 */
void rxe_dmabuf_put_later(struct rxe_dmabuf *buf)
{
	queue_work(rxe_dmabuf_wq, &buf->work);
}
