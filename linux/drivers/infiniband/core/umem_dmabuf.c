// SPDX-License-Identifier: (GPL-2.0 OR BSD-3-Clause)
/*
 * Memory of dma-bufs for RDMA devices
 */

#include <linux/dma-buf.h>
#include <linux/dma-resv.h>
#include <linux/export.h>
#include <linux/mm.h>
#include <linux/overflow.h>
#include <linux/scatterlist.h>
#include <linux/slab.h>

#include "uverbs.h"

/**
 * DOC: memory of dma-bufs
 *
 * A &struct ib_umem_dmabuf is an &struct ib_umem whose memory belongs to a
 * dma-buf. Its exporter may move that memory at any time, unless it is pinned:
 * the driver is told through &dma_buf_attach_ops.move_notify, stops the device,
 * takes the mapping away, and makes a new one when the device asks for the
 * memory again.
 *
 * Mapping and unmapping happen under the lock of the buffer's &struct dma_resv,
 * and so does &dma_buf_attach_ops.move_notify. What the device does has no fence
 * there. It ends when the mapping does, so whoever moves the memory has nothing
 * to wait for. In the other direction the device is not synchronized implicitly
 * either: it only waits until what the kernel does with the memory is complete,
 * which is the %DMA_RESV_USAGE_KERNEL query.
 */

/*
 * Copies the DMA addresses of the pages that @umem is about into its own table,
 * in pieces that the device can take. The exporter may use its table for others,
 * so that is left as it is. With no @umem the pieces are only counted.
 *
 * Returns the number of pieces, or a negative errno if the table does not have
 * all pages.
 */
static long copy_pages(struct ib_umem *umem, struct sg_table *from,
		       struct scatterlist *to)
{
	unsigned long first = ALIGN_DOWN(umem->address, PAGE_SIZE);
	unsigned long left = ib_umem_num_pages(umem) * PAGE_SIZE;
	unsigned int max = max_t(unsigned int, PAGE_SIZE,
				 ALIGN_DOWN(ib_dma_max_seg_size(umem->ibdev),
					    PAGE_SIZE));
	struct scatterlist *sg;
	long pieces = 0;
	int i;

	for_each_sgtable_dma_sg(from, sg, i) {
		dma_addr_t addr = sg_dma_address(sg);
		unsigned long len = sg_dma_len(sg);

		if (!PAGE_ALIGNED(addr) || !PAGE_ALIGNED(len))
			return -EINVAL;

		if (first >= len) {
			first -= len;
			continue;
		}
		addr += first;
		len = min(len - first, left);
		left -= len;
		first = 0;

		while (len) {
			unsigned int piece = min_t(unsigned long, len, max);

			if (to) {
				sg_dma_address(to) = addr;
				sg_dma_len(to) = piece;
				to = sg_next(to);
			}
			addr += piece;
			len -= piece;
			pieces++;
		}

		if (!left)
			return pieces;
	}

	return -EINVAL;
}

static int fill_table(struct ib_umem *umem, struct sg_table *from)
{
	long pieces = copy_pages(umem, from, NULL);
	int ret;

	if (pieces < 0)
		return pieces;
	if (pieces > INT_MAX)
		return -E2BIG;

	ret = sg_alloc_table(&umem->sg_head, pieces, GFP_KERNEL);
	if (ret)
		return ret;

	copy_pages(umem, from, umem->sg_head.sgl);
	/* There are no pages to look at, so sg_nents stays 0 */
	umem->nmap = pieces;

	return 0;
}

/**
 * ib_umem_dmabuf_map_pages - have the memory of a dma-buf mapped for the device
 * @umem_dmabuf: the umem
 *
 * Maps the memory if it is not mapped, and then waits until nothing that the
 * kernel does with it is outstanding: the %DMA_RESV_USAGE_KERNEL query, and no
 * more. On success, the &ib_umem.sg_head of the umem has the DMA addresses,
 * beginning with the page that &ib_umem.address is in, until the mapping is
 * taken away by ib_umem_dmabuf_unmap_pages().
 *
 * Context: May sleep. The caller holds the lock of the buffer's &struct dma_resv.
 * Return: 0, -ERESTARTSYS if a signal came, -EINVAL if the exporter's table does
 * not have what was asked for, or another negative errno, of the exporter. After
 * an error the memory is mapped if and only if it was so before.
 */
int ib_umem_dmabuf_map_pages(struct ib_umem_dmabuf *umem_dmabuf)
{
	struct dma_buf_attachment *attach = umem_dmabuf->attach;
	bool was_mapped = umem_dmabuf->sgt;
	struct sg_table *sgt;
	long ret;

	dma_resv_assert_held(attach->dmabuf->resv);

	if (umem_dmabuf->revoked)
		return -EINVAL;

	if (!was_mapped) {
		sgt = dma_buf_map_attachment(attach, DMA_BIDIRECTIONAL);
		if (IS_ERR(sgt))
			return PTR_ERR(sgt);

		ret = fill_table(&umem_dmabuf->umem, sgt);
		if (ret) {
			dma_buf_unmap_attachment(attach, sgt,
						 DMA_BIDIRECTIONAL);
			return ret;
		}
		umem_dmabuf->sgt = sgt;
	}

	/* Mapping may have moved the memory, so this comes after it */
	ret = dma_resv_wait_timeout(attach->dmabuf->resv,
				    DMA_RESV_USAGE_KERNEL, true,
				    MAX_SCHEDULE_TIMEOUT);
	if (ret < 0) {
		if (!was_mapped)
			ib_umem_dmabuf_unmap_pages(umem_dmabuf);
		return ret;
	}

	return 0;
}
EXPORT_SYMBOL(ib_umem_dmabuf_map_pages);

/**
 * ib_umem_dmabuf_unmap_pages - take the mapping of a dma-buf's memory away
 * @umem_dmabuf: the umem
 *
 * The device must not reach the memory any more. Does nothing if the memory is
 * not mapped. Waits for no fence.
 *
 * Context: May sleep. The caller holds the lock of the buffer's &struct dma_resv.
 */
void ib_umem_dmabuf_unmap_pages(struct ib_umem_dmabuf *umem_dmabuf)
{
	struct ib_umem *umem = &umem_dmabuf->umem;

	dma_resv_assert_held(umem_dmabuf->attach->dmabuf->resv);

	if (!umem_dmabuf->sgt)
		return;

	sg_free_table(&umem->sg_head);
	umem->nmap = 0;
	dma_buf_unmap_attachment(umem_dmabuf->attach, umem_dmabuf->sgt,
				 DMA_BIDIRECTIONAL);
	umem_dmabuf->sgt = NULL;
}
EXPORT_SYMBOL(ib_umem_dmabuf_unmap_pages);

/**
 * ib_umem_dmabuf_get - get a part of a dma-buf as memory for a device
 * @device: the device that is going to use it
 * @offset: where the part begins in the buffer, in bytes
 * @size: how long it is, in bytes
 * @fd: file descriptor of the dma-buf
 * @access: IB_ACCESS_xxx flags
 * @ops: what to call when the exporter moves the memory. It has move_notify,
 *	 and sets allow_peer2peer if the device can reach memory of other devices.
 *
 * The memory is not mapped yet, see ib_umem_dmabuf_map_pages(). From here on,
 * &dma_buf_attach_ops.move_notify may be called, even before this returns; it
 * finds the umem in &dma_buf_attachment.importer_priv, and has nothing to do as
 * long as &ib_umem_dmabuf.sgt is NULL. The buffer stays, even if all its file
 * descriptors are closed, until ib_umem_release().
 *
 * Context: May sleep.
 * Return: the umem; -EBADF or -EINVAL if @fd is not that of a dma-buf, -EINVAL if
 * the part is empty or not inside the buffer, -EOPNOTSUPP if the device does no
 * DMA of its own, or another error pointer, of the exporter.
 */
struct ib_umem_dmabuf *ib_umem_dmabuf_get(struct ib_device *device,
					  unsigned long offset, size_t size,
					  int fd, int access,
					  const struct dma_buf_attach_ops *ops)
{
	struct ib_umem_dmabuf *umem_dmabuf;
	struct dma_buf *dmabuf;
	unsigned long end;
	int ret;

	/* Software devices go through the CPU, and there is nothing to attach */
	if (!device->dma_device)
		return ERR_PTR(-EOPNOTSUPP);

	if (check_add_overflow(offset, (unsigned long)size, &end) ||
	    PAGE_ALIGN(end) < end)
		return ERR_PTR(-EINVAL);

	dmabuf = dma_buf_get(fd);
	if (IS_ERR(dmabuf))
		return ERR_CAST(dmabuf);

	/* After the file: libraries look for EBADF with an empty part of fd -1 */
	if (!size || end > dmabuf->size) {
		ret = -EINVAL;
		goto err_put;
	}

	umem_dmabuf = kzalloc(sizeof(*umem_dmabuf), GFP_KERNEL);
	if (!umem_dmabuf) {
		ret = -ENOMEM;
		goto err_put;
	}

	umem_dmabuf->umem.ibdev = device;
	umem_dmabuf->umem.address = offset;
	umem_dmabuf->umem.iova = offset;
	umem_dmabuf->umem.length = size;
	umem_dmabuf->umem.writable = ib_access_writable(access);
	umem_dmabuf->umem.is_dmabuf = 1;

	umem_dmabuf->attach = dma_buf_dynamic_attach(dmabuf,
						     device->dma_device, ops,
						     umem_dmabuf);
	if (IS_ERR(umem_dmabuf->attach)) {
		ret = PTR_ERR(umem_dmabuf->attach);
		goto err_free;
	}

	return umem_dmabuf;

err_free:
	kfree(umem_dmabuf);
err_put:
	dma_buf_put(dmabuf);
	return ERR_PTR(ret);
}
EXPORT_SYMBOL(ib_umem_dmabuf_get);

/* Until it is pinned the memory may well move, but is not mapped either */
static void pinned_move_notify(struct dma_buf_attachment *attach)
{
	struct ib_umem_dmabuf *umem_dmabuf = attach->importer_priv;

	WARN_ON_ONCE(umem_dmabuf->sgt);
}

static const struct dma_buf_attach_ops pinned_attach_ops = {
	.allow_peer2peer = true,
	.move_notify = pinned_move_notify,
};

/**
 * ib_umem_dmabuf_get_pinned - get a part of a dma-buf that does not move
 * @device: the device that is going to use it
 * @offset: where the part begins in the buffer, in bytes
 * @size: how long it is, in bytes
 * @fd: file descriptor of the dma-buf
 * @access: IB_ACCESS_xxx flags
 *
 * For devices that can't wait for memory to come back. The memory is pinned and
 * mapped, and stays so until ib_umem_dmabuf_revoke() or ib_umem_release().
 *
 * Context: May sleep, and waits for the %DMA_RESV_USAGE_KERNEL query.
 * Return: the umem, or an error pointer as from ib_umem_dmabuf_get() and
 * ib_umem_dmabuf_map_pages().
 */
struct ib_umem_dmabuf *ib_umem_dmabuf_get_pinned(struct ib_device *device,
						 unsigned long offset,
						 size_t size, int fd,
						 int access)
{
	struct ib_umem_dmabuf *umem_dmabuf;
	struct dma_resv *resv;
	int ret;

	umem_dmabuf = ib_umem_dmabuf_get(device, offset, size, fd, access,
					 &pinned_attach_ops);
	if (IS_ERR(umem_dmabuf))
		return umem_dmabuf;

	resv = umem_dmabuf->attach->dmabuf->resv;
	dma_resv_lock(resv, NULL);
	ret = dma_buf_pin(umem_dmabuf->attach);
	if (!ret) {
		umem_dmabuf->pinned = 1;
		ret = ib_umem_dmabuf_map_pages(umem_dmabuf);
	}
	dma_resv_unlock(resv);

	if (ret) {
		ib_umem_dmabuf_release(umem_dmabuf);
		return ERR_PTR(ret);
	}

	return umem_dmabuf;
}
EXPORT_SYMBOL(ib_umem_dmabuf_get_pinned);

/**
 * ib_umem_dmabuf_revoke - give the memory back to the exporter for good
 * @umem_dmabuf: the umem
 *
 * Unmaps the memory, and unpins it if it was pinned. It can't be mapped again.
 * The device must not reach the memory any more. May be called more than once.
 *
 * Context: May sleep. Takes the lock of the buffer's &struct dma_resv.
 */
void ib_umem_dmabuf_revoke(struct ib_umem_dmabuf *umem_dmabuf)
{
	struct dma_resv *resv = umem_dmabuf->attach->dmabuf->resv;

	dma_resv_lock(resv, NULL);
	umem_dmabuf->revoked = 1;
	ib_umem_dmabuf_unmap_pages(umem_dmabuf);
	if (umem_dmabuf->pinned)
		dma_buf_unpin(umem_dmabuf->attach);
	umem_dmabuf->pinned = 0;
	dma_resv_unlock(resv);
}
EXPORT_SYMBOL(ib_umem_dmabuf_revoke);

/**
 * ib_umem_dmabuf_release - free a umem and let go of its dma-buf
 * @umem_dmabuf: the umem
 *
 * What ib_umem_release() does for it. The device must not reach the memory any
 * more; if that is still mapped or pinned, it is not afterwards.
 *
 * Context: May sleep. Takes the lock of the buffer's &struct dma_resv.
 */
void ib_umem_dmabuf_release(struct ib_umem_dmabuf *umem_dmabuf)
{
	struct dma_buf *dmabuf = umem_dmabuf->attach->dmabuf;

	ib_umem_dmabuf_revoke(umem_dmabuf);
	dma_buf_detach(dmabuf, umem_dmabuf->attach);
	dma_buf_put(dmabuf);
	kfree(umem_dmabuf);
}
EXPORT_SYMBOL(ib_umem_dmabuf_release);
