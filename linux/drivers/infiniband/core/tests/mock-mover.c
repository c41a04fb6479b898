// SPDX-License-Identifier: GPL-2.0
/*
 * An exporter whose buffer moves when a test says so.
 */

#include <linux/err.h>
#include <linux/fcntl.h>
#include <linux/fdtable.h>
#include <linux/file.h>
#include <linux/slab.h>
#include <linux/workqueue.h>

#include "mock-mover.h"

static int mover_attach(struct dma_buf *dmabuf, struct dma_buf_attachment *attach)
{
	struct mock_mover *mover = dmabuf->priv;

	if (mover->attach_error)
		return mover->attach_error;
	mover->p2p = attach->peer2peer;
	mover->attached++;

	return 0;
}

static void mover_detach(struct dma_buf *dmabuf, struct dma_buf_attachment *attach)
{
	struct mock_mover *mover = dmabuf->priv;

	mover->attached--;
}

static void mover_relocate(struct mock_mover *mover)
{
	mover->where += SZ_1G;
	dma_buf_move_notify(mover->dmabuf);
}

static int mover_pin(struct dma_buf_attachment *attach)
{
	struct mock_mover *mover = attach->dmabuf->priv;

	if (mover->pin_error)
		return mover->pin_error;
	if (mover->moves_on_pin)
		mover_relocate(mover);
	mover->pinned++;

	return 0;
}

static void mover_unpin(struct dma_buf_attachment *attach)
{
	struct mock_mover *mover = attach->dmabuf->priv;

	mover->pinned--;
}

/* Where the byte at @offset is */
dma_addr_t mock_mover_address(struct mock_mover *mover, size_t offset)
{
	return mover->where + 2 * mover->piece * (offset / mover->piece) +
	       offset % mover->piece + mover->skew;
}

static struct sg_table *mover_map(struct dma_buf_attachment *attach,
				  enum dma_data_direction direction)
{
	struct mock_mover *mover = attach->dmabuf->priv;
	size_t size = mover->size, at = 0;
	struct scatterlist *sg;
	struct sg_table *sgt;
	int i;

	if (mover->map_error)
		return ERR_PTR(mover->map_error);

	sgt = kzalloc(sizeof(*sgt), GFP_KERNEL);
	if (!sgt)
		return ERR_PTR(-ENOMEM);
	if (sg_alloc_table(sgt, DIV_ROUND_UP(size, mover->piece), GFP_KERNEL)) {
		kfree(sgt);
		return ERR_PTR(-ENOMEM);
	}

	for_each_sgtable_dma_sg(sgt, sg, i) {
		sg_dma_address(sg) = mock_mover_address(mover, at);
		sg_dma_len(sg) = min(size - at, mover->piece);
		at += mover->piece;
	}

	if (mover->fence_on_map) {
		if (dma_resv_reserve_fences(attach->dmabuf->resv, 1)) {
			sg_free_table(sgt);
			kfree(sgt);
			return ERR_PTR(-ENOMEM);
		}
		dma_resv_add_fence(attach->dmabuf->resv, mover->fence_on_map,
				   DMA_RESV_USAGE_KERNEL);
	}
	mover->mapped++;

	return sgt;
}

static void mover_unmap(struct dma_buf_attachment *attach, struct sg_table *sgt,
			enum dma_data_direction direction)
{
	struct mock_mover *mover = attach->dmabuf->priv;

	if (mover->unmapping)
		mover->unmapping(mover->unmapping_data);
	mover->mapped--;
	sg_free_table(sgt);
	kfree(sgt);
}

static void *mover_vmap(struct dma_buf *dmabuf)
{
	struct mock_mover *mover = dmabuf->priv;

	if (mover->memory)
		mover->vmapped++;

	return mover->memory;
}

static void mover_vunmap(struct dma_buf *dmabuf, void *vaddr)
{
	struct mock_mover *mover = dmabuf->priv;

	mover->vmapped--;
}

static void mover_release(struct dma_buf *dmabuf)
{
	struct mock_mover *mover = dmabuf->priv;

	mover->released = true;
}

static const struct dma_buf_ops mover_ops = {
	.attach = mover_attach,
	.detach = mover_detach,
	.pin = mover_pin,
	.unpin = mover_unpin,
	.map_dma_buf = mover_map,
	.unmap_dma_buf = mover_unmap,
	.vmap = mover_vmap,
	.vunmap = mover_vunmap,
	.release = mover_release,
};

static const struct dma_buf_ops mover_static_ops = {
	.attach = mover_attach,
	.detach = mover_detach,
	.map_dma_buf = mover_map,
	.unmap_dma_buf = mover_unmap,
	.release = mover_release,
};

/* From here on the buffer is one of an exporter that moves nothing */
void mock_mover_make_static(struct mock_mover *mover)
{
	mover->dmabuf->ops = &mover_static_ops;
}

/* Instead of a MOVER_CASE() */
void mock_mover_skip(struct kunit *test)
{
	kunit_info(test, "needs CONFIG_DMABUF_MOVE_NOTIFY\n");
}

/* Make a buffer, with a file descriptor */
struct mock_mover *mock_mover_create(struct kunit *test)
{
	DEFINE_DMA_BUF_EXPORT_INFO(info);
	struct mock_mover *mover;

	mover = kunit_kzalloc(test, sizeof(*mover), GFP_KERNEL);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, mover);
	mover->where = SZ_16M;
	mover->piece = 4 * PAGE_SIZE;
	mover->size = MOVER_SIZE;

	info.ops = &mover_ops;
	info.size = MOVER_SIZE;
	info.flags = O_RDWR;
	info.priv = mover;
	mover->dmabuf = dma_buf_export(&info);
	KUNIT_ASSERT_FALSE(test, IS_ERR(mover->dmabuf));

	get_dma_buf(mover->dmabuf);
	mover->fd = dma_buf_fd(mover->dmabuf, O_CLOEXEC);
	KUNIT_ASSERT_GE(test, mover->fd, 0);

	return mover;
}

/* User space closes its file descriptor */
void mock_mover_close_fd(struct mock_mover *mover)
{
	if (mover->fd >= 0)
		close_fd(mover->fd);
	mover->fd = -1;
}

/* Let go of the buffer, and expect that nobody else has hold of it */
void mock_mover_destroy(struct kunit *test, struct mock_mover *mover)
{
	mock_mover_close_fd(mover);
	dma_buf_put(mover->dmabuf);
	flush_delayed_fput();
	flush_scheduled_work();

	KUNIT_EXPECT_EQ(test, mover->attached, 0);
	KUNIT_EXPECT_EQ(test, mover->pinned, 0);
	KUNIT_EXPECT_EQ(test, mover->mapped, 0);
	KUNIT_EXPECT_EQ(test, mover->vmapped, 0);
	KUNIT_EXPECT_TRUE(test, mover->released);
}

/* Move the memory, as far as that is allowed */
int mock_mover_move(struct mock_mover *mover)
{
	struct dma_resv *resv = mover->dmabuf->resv;
	int ret = 0;

	dma_resv_lock(resv, NULL);
	if (mover->pinned)
		ret = -EBUSY;
	else
		mover_relocate(mover);
	dma_resv_unlock(resv);

	return ret;
}

void mock_mover_add(struct kunit *test, struct mock_mover *mover,
		    struct dma_fence *fence, enum dma_resv_usage usage)
{
	struct dma_resv *resv = mover->dmabuf->resv;
	int ret;

	dma_resv_lock(resv, NULL);
	ret = dma_resv_reserve_fences(resv, 1);
	if (!ret)
		dma_resv_add_fence(resv, fence, usage);
	dma_resv_unlock(resv);
	KUNIT_ASSERT_EQ(test, ret, 0);
}
