/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * Framework for buffer objects that can be shared across devices/subsystems.
 *
 * Copyright(C) 2015 Intel Ltd
 *
 * This program is free software; you can redistribute it and/or modify it
 * under the terms of the GNU General Public License version 2 as published by
 * the Free Software Foundation.
 *
 * This program is distributed in the hope that it will be useful, but WITHOUT
 * ANY WARRANTY; without even the implied warranty of MERCHANTABILITY or
 * FITNESS FOR A PARTICULAR PURPOSE.  See the GNU General Public License for
 * more details.
 *
 * You should have received a copy of the GNU General Public License along with
 * this program.  If not, see <http://www.gnu.org/licenses/>.
 */

#ifndef _DMA_BUF_UAPI_H_
#define _DMA_BUF_UAPI_H_

#include <linux/ioctl.h>
#include <linux/types.h>

/* begin/end dma-buf functions used for userspace mmap. */
struct dma_buf_sync {
	__u64 flags;
};

#define DMA_BUF_SYNC_READ      (1 << 0)
#define DMA_BUF_SYNC_WRITE     (2 << 0)
#define DMA_BUF_SYNC_RW        (DMA_BUF_SYNC_READ | DMA_BUF_SYNC_WRITE)
#define DMA_BUF_SYNC_START     (0 << 2)
#define DMA_BUF_SYNC_END       (1 << 2)
#define DMA_BUF_SYNC_VALID_FLAGS_MASK \
	(DMA_BUF_SYNC_RW | DMA_BUF_SYNC_END)

#define DMA_BUF_NAME_LEN	32

/**
 * struct dma_buf_export_sync_file - get what an access has to wait for
 * @flags: DMA_BUF_SYNC_READ for what a reader waits for, DMA_BUF_SYNC_WRITE or
 *         both for what a writer waits for
 * @fd: returned: a sync_file, to be closed by the caller
 *
 * The sync_file has the fences that implicit synchronization would wait for at the
 * time of the call; if there are none it has signaled already. Fences added
 * to the buffer later on have no influence on it.
 *
 * Errors: EINVAL for other flags or none, EFAULT, ENOMEM, EMFILE, ENFILE; ENOTTY
 * from a kernel without this ioctl.
 */
struct dma_buf_export_sync_file {
	__u32 flags;
	__s32 fd;
};

/**
 * struct dma_buf_import_sync_file - have others wait for an access
 * @flags: DMA_BUF_SYNC_READ if the access reads, DMA_BUF_SYNC_WRITE or both if it
 *         writes
 * @fd: a sync_file, stays with the caller
 *
 * Adds the fences of the sync_file to the buffer. Implicit synchronization waits for
 * them as if a driver had added them: after a read only writers do, after a
 * write everybody. Nothing that is in the buffer is replaced by it, except earlier
 * fences of the same timelines.
 *
 * Errors: EINVAL for other flags or none and for an fd that is no sync_file,
 * EFAULT, ENOMEM, EINTR; ENOTTY from a kernel without this ioctl.
 */
struct dma_buf_import_sync_file {
	__u32 flags;
	__s32 fd;
};

#define DMA_BUF_BASE		'b'
#define DMA_BUF_IOCTL_SYNC	_IOW(DMA_BUF_BASE, 0, struct dma_buf_sync)

/* 32/64bitness of this uapi was botched in android, there's no difference
 * between them in actual uapi, they're just different numbers.
 */
#define DMA_BUF_SET_NAME	_IOW(DMA_BUF_BASE, 1, const char *)
#define DMA_BUF_SET_NAME_A	_IOW(DMA_BUF_BASE, 1, __u32)
#define DMA_BUF_SET_NAME_B	_IOW(DMA_BUF_BASE, 1, __u64)

#define DMA_BUF_IOCTL_EXPORT_SYNC_FILE	\
	_IOWR(DMA_BUF_BASE, 2, struct dma_buf_export_sync_file)
#define DMA_BUF_IOCTL_IMPORT_SYNC_FILE	\
	_IOW(DMA_BUF_BASE, 3, struct dma_buf_import_sync_file)

#endif
