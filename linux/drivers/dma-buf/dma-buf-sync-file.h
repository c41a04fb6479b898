/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The fences of a dma-buf as sync_files, and back
 */
#ifndef __DMA_BUF_SYNC_FILE_H
#define __DMA_BUF_SYNC_FILE_H

#include <linux/compiler.h>
#include <linux/errno.h>

struct dma_buf_export_sync_file;
struct dma_buf_import_sync_file;
struct dma_resv;

#ifdef CONFIG_SYNC_FILE
long dma_buf_export_sync_file(struct dma_resv *resv,
			      struct dma_buf_export_sync_file __user *argp);
long dma_buf_import_sync_file(struct dma_resv *resv,
			      struct dma_buf_import_sync_file __user *argp);
#else
static inline long
dma_buf_export_sync_file(struct dma_resv *resv,
			 struct dma_buf_export_sync_file __user *argp)
{
	return -ENOTTY;
}

static inline long
dma_buf_import_sync_file(struct dma_resv *resv,
			 struct dma_buf_import_sync_file __user *argp)
{
	return -ENOTTY;
}
#endif

#endif /* __DMA_BUF_SYNC_FILE_H */
