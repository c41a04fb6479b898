// SPDX-License-Identifier: GPL-2.0
/*
 * A buffer without memory, for what dma-buf does with its fences.
 */

#include <linux/err.h>
#include <linux/fcntl.h>
#include <linux/file.h>
#include <linux/workqueue.h>

#include "mock-dmabuf.h"

/* Somewhere, without anything in it */
static struct sg_table mock_dmabuf_memory;

static struct sg_table *mock_dmabuf_map(struct dma_buf_attachment *attachment,
					enum dma_data_direction direction)
{
	return &mock_dmabuf_memory;
}

static void mock_dmabuf_unmap(struct dma_buf_attachment *attachment,
			      struct sg_table *table,
			      enum dma_data_direction direction)
{
}

static void mock_dmabuf_release(struct dma_buf *dmabuf)
{
}

static const struct dma_buf_ops mock_dmabuf_ops = {
	.map_dma_buf = mock_dmabuf_map,
	.unmap_dma_buf = mock_dmabuf_unmap,
	.release = mock_dmabuf_release,
};

/**
 * mock_dmabuf_export - make a buffer, with a reservation object of its own
 *
 * Return: the buffer, or an error pointer.
 */
struct dma_buf *mock_dmabuf_export(void)
{
	DEFINE_DMA_BUF_EXPORT_INFO(info);

	info.ops = &mock_dmabuf_ops;
	info.size = PAGE_SIZE;
	info.flags = O_RDWR;
	/* Must not be NULL, is not looked at */
	info.priv = &info;

	return dma_buf_export(&info);
}

/**
 * mock_dmabuf_close - drop the only reference to a buffer
 * @dmabuf: the buffer, which is gone when this returns
 */
void mock_dmabuf_close(struct dma_buf *dmabuf)
{
	/* From a kernel thread it is closed by a worker, or here if we are faster */
	dma_buf_put(dmabuf);
	flush_delayed_fput();
	flush_scheduled_work();
}
