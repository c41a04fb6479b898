// SPDX-License-Identifier: GPL-2.0
/*
 * Memory of dma-bufs for RDMA devices: what is mapped, what that waits for, and
 * what happens when the memory moves.
 */

#include <linux/anon_inodes.h>
#include <linux/fdtable.h>
#include <linux/fs.h>
#include <linux/jiffies.h>
#include <linux/platform_device.h>
#include <linux/sched/signal.h>
#include <rdma/ib_umem.h>

#include "ib-dmabuf-kunit.h"
#include "mock-mover.h"
#include "oom-inject.h"

struct umem_fixture {
	struct ib_device *ibdev;
	struct platform_device *pdev;
	struct device_dma_parameters dma_parms;
	struct mock_mover *mover;
	unsigned int moves;
};

static struct umem_fixture *the_fixture;

static void umem_move_notify(struct dma_buf_attachment *attach)
{
	struct ib_umem_dmabuf *umem_dmabuf = attach->importer_priv;

	the_fixture->moves++;
	ib_umem_dmabuf_unmap_pages(umem_dmabuf);
}

static const struct dma_buf_attach_ops umem_attach_ops = {
	.allow_peer2peer = true,
	.move_notify = umem_move_notify,
};

static const struct dma_buf_attach_ops umem_no_p2p_ops = {
	.move_notify = umem_move_notify,
};

static int umem_init(struct kunit *test)
{
	struct umem_fixture *f = kunit_kzalloc(test, sizeof(*f), GFP_KERNEL);

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, f);
	f->ibdev = kunit_kzalloc(test, sizeof(*f->ibdev), GFP_KERNEL);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, f->ibdev);
	f->pdev = platform_device_register_simple("ib-umem-kunit", -1, NULL, 0);
	KUNIT_ASSERT_FALSE(test, IS_ERR(f->pdev));
	f->pdev->dev.dma_parms = &f->dma_parms;
	dma_set_max_seg_size(&f->pdev->dev, SZ_1G);
	f->ibdev->dma_device = &f->pdev->dev;
	f->mover = mock_mover_create(test);
	the_fixture = f;
	test->priv = f;

	return 0;
}

static void umem_exit(struct kunit *test)
{
	struct umem_fixture *f = test->priv;

	if (!f)
		return;
	mock_mover_destroy(test, f->mover);
	platform_device_unregister(f->pdev);
	KUNIT_EXPECT_EQ(test, mock_fence_drain(), 0u);
}

static struct ib_umem_dmabuf *umem_get(struct kunit *test, size_t offset,
				       size_t size)
{
	struct umem_fixture *f = test->priv;
	struct ib_umem_dmabuf *umem_dmabuf;

	umem_dmabuf = ib_umem_dmabuf_get(f->ibdev, offset, size, f->mover->fd,
					 IB_ACCESS_LOCAL_WRITE,
					 &umem_attach_ops);
	KUNIT_ASSERT_FALSE(test, IS_ERR(umem_dmabuf));
	KUNIT_EXPECT_PTR_EQ(test, (void *)umem_dmabuf->sgt, NULL);

	return umem_dmabuf;
}

static int umem_map(struct ib_umem_dmabuf *umem_dmabuf)
{
	struct dma_resv *resv = umem_dmabuf->attach->dmabuf->resv;
	int ret;

	dma_resv_lock(resv, NULL);
	ret = ib_umem_dmabuf_map_pages(umem_dmabuf);
	dma_resv_unlock(resv);

	return ret;
}

/* Every page is there, in its place, and nothing else */
static void umem_expect_pages(struct kunit *test,
			      struct ib_umem_dmabuf *umem_dmabuf)
{
	struct umem_fixture *f = test->priv;
	struct ib_umem *umem = &umem_dmabuf->umem;
	size_t at = ALIGN_DOWN(umem->address, PAGE_SIZE);
	size_t end = PAGE_ALIGN(umem->address + umem->length);
	struct scatterlist *sg;
	size_t in;
	int i;

	for_each_sg(umem->sg_head.sgl, sg, umem->nmap, i) {
		KUNIT_EXPECT_LE(test, sg_dma_len(sg),
				ib_dma_max_seg_size(umem->ibdev));
		for (in = 0; in < sg_dma_len(sg); in += PAGE_SIZE) {
			KUNIT_EXPECT_EQ(test, sg_dma_address(sg) + in,
					mock_mover_address(f->mover, at));
			at += PAGE_SIZE;
		}
	}
	KUNIT_EXPECT_EQ(test, at, end);
}

static void umem_get_errors(struct kunit *test)
{
	struct umem_fixture *f = test->priv;
	struct device *dma_device = f->ibdev->dma_device;
	static const struct file_operations no_fops;
	int no_dmabuf;

#define EXPECT_GET(offset, size, fd, ret)				\
	KUNIT_EXPECT_EQ(test, (long)(ret),				\
			PTR_ERR(ib_umem_dmabuf_get(f->ibdev, offset, size, fd, \
						   0, &umem_attach_ops)))

	EXPECT_GET(0, 0, f->mover->fd, -EINVAL);
	EXPECT_GET(0, MOVER_SIZE + 1, f->mover->fd, -EINVAL);
	EXPECT_GET(1, MOVER_SIZE, f->mover->fd, -EINVAL);
	EXPECT_GET(MOVER_SIZE, 1, f->mover->fd, -EINVAL);
	EXPECT_GET(ULONG_MAX, 1, f->mover->fd, -EINVAL);
	EXPECT_GET(1, ULONG_MAX, f->mover->fd, -EINVAL);
	EXPECT_GET(ULONG_MAX - PAGE_SIZE + 1, PAGE_SIZE, f->mover->fd, -EINVAL);
	EXPECT_GET(0, ULONG_MAX, f->mover->fd, -EINVAL);
	EXPECT_GET(0, PAGE_SIZE, -1, -EBADF);
	EXPECT_GET(0, PAGE_SIZE, 1000, -EBADF);
	/* Libraries ask like this whether there are dma-bufs at all */
	EXPECT_GET(0, 0, -1, -EBADF);

	no_dmabuf = anon_inode_getfd("no-dmabuf", &no_fops, NULL, O_CLOEXEC);
	KUNIT_ASSERT_GE(test, no_dmabuf, 0);
	EXPECT_GET(0, PAGE_SIZE, no_dmabuf, -EINVAL);
	close_fd(no_dmabuf);

	f->ibdev->dma_device = NULL;
	EXPECT_GET(0, PAGE_SIZE, f->mover->fd, -EOPNOTSUPP);
	f->ibdev->dma_device = dma_device;

	f->mover->attach_error = -EBUSY;
	EXPECT_GET(0, PAGE_SIZE, f->mover->fd, -EBUSY);
#undef EXPECT_GET
}

static void umem_asks_for_p2p(struct kunit *test)
{
	struct umem_fixture *f = test->priv;
	struct ib_umem_dmabuf *umem_dmabuf;

	umem_dmabuf = umem_get(test, 0, PAGE_SIZE);
	KUNIT_EXPECT_TRUE(test, f->mover->p2p);
	ib_umem_release(&umem_dmabuf->umem);

	umem_dmabuf = ib_umem_dmabuf_get(f->ibdev, 0, PAGE_SIZE, f->mover->fd,
					 0, &umem_no_p2p_ops);
	KUNIT_ASSERT_FALSE(test, IS_ERR(umem_dmabuf));
	KUNIT_EXPECT_FALSE(test, f->mover->p2p);
	KUNIT_EXPECT_EQ(test, (int)umem_dmabuf->umem.writable, 0);
	ib_umem_release(&umem_dmabuf->umem);
}

static void umem_maps_part(struct kunit *test, size_t offset, size_t size)
{
	struct ib_umem_dmabuf *umem_dmabuf = umem_get(test, offset, size);

	KUNIT_ASSERT_EQ(test, umem_map(umem_dmabuf), 0);
	umem_expect_pages(test, umem_dmabuf);
	ib_umem_release(&umem_dmabuf->umem);
}

static void umem_maps_what_was_asked(struct kunit *test)
{
	struct umem_fixture *f = test->priv;

	umem_maps_part(test, 0, MOVER_SIZE);
	umem_maps_part(test, 0, 1);
	umem_maps_part(test, MOVER_SIZE - 1, 1);
	umem_maps_part(test, 5 * PAGE_SIZE + 7, 9 * PAGE_SIZE);
	umem_maps_part(test, 4 * PAGE_SIZE, 4 * PAGE_SIZE);
	umem_maps_part(test, 4 * PAGE_SIZE - 1, 2);

	dma_set_max_seg_size(&f->pdev->dev, 3 * PAGE_SIZE + 5);
	umem_maps_part(test, 2 * PAGE_SIZE, 20 * PAGE_SIZE);

	f->mover->piece = MOVER_SIZE;
	umem_maps_part(test, 5 * PAGE_SIZE + 7, 9 * PAGE_SIZE);
}

static void umem_bad_tables(struct kunit *test)
{
	struct umem_fixture *f = test->priv;
	struct ib_umem_dmabuf *umem_dmabuf;

	umem_dmabuf = umem_get(test, 0, MOVER_SIZE);

	f->mover->size = MOVER_SIZE - PAGE_SIZE;
	KUNIT_EXPECT_EQ(test, umem_map(umem_dmabuf), -EINVAL);
	KUNIT_EXPECT_EQ(test, f->mover->mapped, 0);

	f->mover->size = MOVER_SIZE - 5;
	KUNIT_EXPECT_EQ(test, umem_map(umem_dmabuf), -EINVAL);
	f->mover->size = MOVER_SIZE;

	f->mover->skew = 512;
	KUNIT_EXPECT_EQ(test, umem_map(umem_dmabuf), -EINVAL);
	f->mover->skew = 0;

	f->mover->map_error = -ENODEV;
	KUNIT_EXPECT_EQ(test, umem_map(umem_dmabuf), -ENODEV);
	f->mover->map_error = 0;

	KUNIT_EXPECT_EQ(test, f->mover->mapped, 0);
	KUNIT_EXPECT_PTR_EQ(test, (void *)umem_dmabuf->sgt, NULL);
	KUNIT_EXPECT_EQ(test, umem_map(umem_dmabuf), 0);
	umem_expect_pages(test, umem_dmabuf);
	ib_umem_release(&umem_dmabuf->umem);
}

static void umem_waits_for_kernel(struct kunit *test)
{
	struct umem_fixture *f = test->priv;
	struct ib_umem_dmabuf *umem_dmabuf = umem_get(test, 0, MOVER_SIZE);
	struct mock_signaler signaler;
	struct dma_fence *fence;
	int i;

	/* The memory is not mapped, and then it is */
	for (i = 0; i < 2; i++) {
		fence = mock_fence_create(dma_fence_context_alloc(1), 1);
		KUNIT_ASSERT_NOT_ERR_OR_NULL(test, fence);
		mock_mover_add(test, f->mover, fence, DMA_RESV_USAGE_KERNEL);
		mock_signal_later(&signaler, fence, HZ / 20);
		KUNIT_EXPECT_EQ(test, umem_map(umem_dmabuf), 0);
		KUNIT_EXPECT_TRUE(test, dma_fence_is_signaled(fence));
		mock_signal_end(&signaler);
		/* So that a mistake is not a hang the next time */
		dma_fence_signal(fence);
		dma_fence_put(fence);
	}
	ib_umem_release(&umem_dmabuf->umem);
}

static void umem_waits_for_move_of_map(struct kunit *test)
{
	struct umem_fixture *f = test->priv;
	struct ib_umem_dmabuf *umem_dmabuf = umem_get(test, 0, MOVER_SIZE);
	struct mock_signaler signaler;
	struct dma_fence *fence;

	fence = mock_fence_create(dma_fence_context_alloc(1), 1);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, fence);
	f->mover->fence_on_map = fence;
	mock_signal_later(&signaler, fence, HZ / 20);
	KUNIT_EXPECT_EQ(test, umem_map(umem_dmabuf), 0);
	KUNIT_EXPECT_TRUE(test, dma_fence_is_signaled(fence));
	mock_signal_end(&signaler);
	f->mover->fence_on_map = NULL;
	dma_fence_put(fence);
	ib_umem_release(&umem_dmabuf->umem);
}

static void umem_waits_for_nothing_else(struct kunit *test)
{
	struct umem_fixture *f = test->priv;
	struct ib_umem_dmabuf *umem_dmabuf = umem_get(test, 0, MOVER_SIZE);
	struct mock_signaler signaler[3];
	struct dma_fence *fence[3];
	enum dma_resv_usage usage;
	int i;

	/* They do signal in the end, so that a mistake is not a hang */
	for (i = 0; i < 3; i++) {
		usage = DMA_RESV_USAGE_WRITE + i;
		fence[i] = mock_fence_create(dma_fence_context_alloc(1), 1);
		KUNIT_ASSERT_NOT_ERR_OR_NULL(test, fence[i]);
		mock_mover_add(test, f->mover, fence[i], usage);
		mock_signal_later(&signaler[i], fence[i], 10 * HZ);
	}

	KUNIT_EXPECT_EQ(test, umem_map(umem_dmabuf), 0);
	KUNIT_EXPECT_EQ(test, umem_map(umem_dmabuf), 0);
	KUNIT_EXPECT_EQ(test, mock_mover_move(f->mover), 0);
	KUNIT_EXPECT_EQ(test, f->moves, 1u);
	KUNIT_EXPECT_EQ(test, umem_map(umem_dmabuf), 0);
	ib_umem_release(&umem_dmabuf->umem);

	for (i = 0; i < 3; i++) {
		KUNIT_EXPECT_FALSE(test, dma_fence_is_signaled(fence[i]));
		mock_signal_end(&signaler[i]);
		dma_fence_put(fence[i]);
	}
}

static void umem_interrupted(struct kunit *test)
{
	struct umem_fixture *f = test->priv;
	struct ib_umem_dmabuf *umem_dmabuf = umem_get(test, 0, MOVER_SIZE);
	struct mock_signaler signaler;
	struct dma_fence *fence;
	int ret;

	fence = mock_fence_create(dma_fence_context_alloc(1), 1);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, fence);
	mock_mover_add(test, f->mover, fence, DMA_RESV_USAGE_KERNEL);
	mock_signal_later(&signaler, fence, 10 * HZ);

	set_tsk_thread_flag(current, TIF_SIGPENDING);
	ret = umem_map(umem_dmabuf);
	clear_tsk_thread_flag(current, TIF_SIGPENDING);
	KUNIT_EXPECT_EQ(test, ret, -ERESTARTSYS);
	KUNIT_EXPECT_EQ(test, f->mover->mapped, 0);
	KUNIT_EXPECT_PTR_EQ(test, (void *)umem_dmabuf->sgt, NULL);

	mock_signal_end(&signaler);
	dma_fence_signal(fence);
	dma_fence_put(fence);
	KUNIT_EXPECT_EQ(test, umem_map(umem_dmabuf), 0);
	ib_umem_release(&umem_dmabuf->umem);
}

/* Memory that is not pinned moves, unless dma-buf had it pinned to map it */
static void umem_stays_if_it_has_to(struct kunit *test)
{
	struct umem_fixture *f = test->priv;
	struct ib_umem_dmabuf *umem_dmabuf = umem_get(test, 0, MOVER_SIZE);

	KUNIT_EXPECT_EQ(test, mock_mover_move(f->mover), 0);
	KUNIT_ASSERT_EQ(test, umem_map(umem_dmabuf), 0);
	KUNIT_EXPECT_EQ(test, f->mover->pinned, MOVER_MOVES ? 0 : 1);
	KUNIT_EXPECT_EQ(test, mock_mover_move(f->mover),
			MOVER_MOVES ? 0 : -EBUSY);
	ib_umem_release(&umem_dmabuf->umem);
	KUNIT_EXPECT_EQ(test, f->mover->pinned, 0);
	KUNIT_EXPECT_EQ(test, mock_mover_move(f->mover), 0);
}

static void umem_moves(struct kunit *test)
{
	struct umem_fixture *f = test->priv;
	struct ib_umem_dmabuf *umem_dmabuf = umem_get(test, PAGE_SIZE,
						      9 * PAGE_SIZE);
	int i;

	/* Before it was ever mapped, too */
	KUNIT_EXPECT_EQ(test, mock_mover_move(f->mover), 0);
	for (i = 0; i < 3; i++) {
		KUNIT_ASSERT_EQ(test, umem_map(umem_dmabuf), 0);
		umem_expect_pages(test, umem_dmabuf);
		KUNIT_EXPECT_EQ(test, mock_mover_move(f->mover), 0);
		KUNIT_EXPECT_EQ(test, f->mover->mapped, 0);
		KUNIT_EXPECT_EQ(test, umem_dmabuf->umem.nmap, 0);
		f->mover->piece = i & 1 ? 4 * PAGE_SIZE : PAGE_SIZE;
	}
	KUNIT_EXPECT_EQ(test, f->moves, 4u);
	ib_umem_release(&umem_dmabuf->umem);
}

static void umem_pinned(struct kunit *test)
{
	struct umem_fixture *f = test->priv;
	struct ib_umem_dmabuf *umem_dmabuf;

	f->mover->moves_on_pin = true;
	umem_dmabuf = ib_umem_dmabuf_get_pinned(f->ibdev, 0, MOVER_SIZE,
						f->mover->fd, 0);
	KUNIT_ASSERT_FALSE(test, IS_ERR(umem_dmabuf));
	KUNIT_EXPECT_EQ(test, f->mover->pinned, MOVER_MOVES ? 1 : 2);
	KUNIT_EXPECT_TRUE(test, f->mover->p2p);
	umem_expect_pages(test, umem_dmabuf);
	KUNIT_EXPECT_EQ(test, mock_mover_move(f->mover), -EBUSY);

	ib_umem_dmabuf_revoke(umem_dmabuf);
	KUNIT_EXPECT_EQ(test, f->mover->pinned, 0);
	KUNIT_EXPECT_EQ(test, f->mover->mapped, 0);
	KUNIT_EXPECT_EQ(test, mock_mover_move(f->mover), 0);
	KUNIT_EXPECT_EQ(test, umem_map(umem_dmabuf), -EINVAL);
	ib_umem_dmabuf_revoke(umem_dmabuf);
	ib_umem_release(&umem_dmabuf->umem);
}

static void umem_pinned_errors(struct kunit *test)
{
	struct umem_fixture *f = test->priv;

#define EXPECT_PINNED(ret)						\
	KUNIT_EXPECT_EQ(test, (long)(ret),				\
			PTR_ERR(ib_umem_dmabuf_get_pinned(f->ibdev, 0,	\
							  MOVER_SIZE,	\
							  f->mover->fd, 0)))
	f->mover->pin_error = -EPERM;
	EXPECT_PINNED(-EPERM);
	KUNIT_EXPECT_EQ(test, f->mover->attached, 0);
	f->mover->pin_error = 0;

	f->mover->map_error = -ENODEV;
	EXPECT_PINNED(-ENODEV);
	KUNIT_EXPECT_EQ(test, f->mover->pinned, 0);
	KUNIT_EXPECT_EQ(test, f->mover->attached, 0);
	f->mover->map_error = 0;

	f->mover->size = PAGE_SIZE;
	EXPECT_PINNED(-EINVAL);
	KUNIT_EXPECT_EQ(test, f->mover->pinned, 0);
	KUNIT_EXPECT_EQ(test, f->mover->mapped, 0);
#undef EXPECT_PINNED
}

/* What was tried with too little memory leaves nothing behind */
static void umem_out_of_memory(struct kunit *test)
{
	struct umem_fixture *f = test->priv;
	struct ib_umem_dmabuf *umem_dmabuf;
	unsigned int nth, failed, failures = 0;

	if (!IS_ENABLED(CONFIG_KPROBES)) {
		kunit_info(test, "needs CONFIG_KPROBES\n");
		return;
	}
	KUNIT_ASSERT_EQ(test, oom_inject_start(), 0);
	for (nth = 1; nth < 100; nth++) {
		oom_inject_arm(nth, false);
		umem_dmabuf = ib_umem_dmabuf_get_pinned(f->ibdev, 0, MOVER_SIZE,
							f->mover->fd, 0);
		failed = oom_inject_disarm(NULL);
		if (!IS_ERR(umem_dmabuf)) {
			umem_expect_pages(test, umem_dmabuf);
			ib_umem_release(&umem_dmabuf->umem);
		} else {
			KUNIT_EXPECT_EQ(test, PTR_ERR(umem_dmabuf), -ENOMEM + 0L);
			failures++;
		}
		KUNIT_EXPECT_EQ(test, f->mover->mapped, 0);
		KUNIT_EXPECT_EQ(test, f->mover->pinned, 0);
		KUNIT_EXPECT_EQ(test, f->mover->attached, 0);
		if (!failed)
			break;
	}
	oom_inject_stop();
	/* The umem, the attachment, two tables of which one has a head */
	KUNIT_EXPECT_GE(test, failures, 5u);
}

static void umem_outlives_fd(struct kunit *test)
{
	struct umem_fixture *f = test->priv;
	struct ib_umem_dmabuf *umem_dmabuf = umem_get(test, 0, MOVER_SIZE);

	mock_mover_close_fd(f->mover);
	dma_buf_put(f->mover->dmabuf);
	flush_delayed_fput();
	KUNIT_EXPECT_FALSE(test, f->mover->released);

	KUNIT_EXPECT_EQ(test, umem_map(umem_dmabuf), 0);
	umem_expect_pages(test, umem_dmabuf);
	KUNIT_EXPECT_EQ(test, mock_mover_move(f->mover), 0);
	KUNIT_EXPECT_EQ(test, umem_map(umem_dmabuf), 0);

	/* For umem_exit() */
	get_dma_buf(f->mover->dmabuf);
	ib_umem_release(&umem_dmabuf->umem);
}

static void umem_page_sizes(struct kunit *test)
{
	struct umem_fixture *f = test->priv;
	struct ib_umem_dmabuf *umem_dmabuf = umem_get(test, 0, MOVER_SIZE);
	struct ib_umem *umem = &umem_dmabuf->umem;
	const unsigned long any = GENMASK(30, PAGE_SHIFT);

	KUNIT_EXPECT_EQ(test, ib_umem_find_best_pgsz(umem, any, 0), 0ul);
	KUNIT_ASSERT_EQ(test, umem_map(umem_dmabuf), 0);
	KUNIT_EXPECT_EQ(test, ib_umem_find_best_pgsz(umem, any, 0),
			4 * PAGE_SIZE);
	KUNIT_EXPECT_EQ(test, ib_umem_find_best_pgsz(umem, any, PAGE_SIZE),
			PAGE_SIZE);
	KUNIT_EXPECT_EQ(test, ib_umem_find_best_pgsz(umem, PAGE_SIZE, 0),
			PAGE_SIZE);

	KUNIT_ASSERT_EQ(test, mock_mover_move(f->mover), 0);
	f->mover->piece = MOVER_SIZE;
	KUNIT_EXPECT_EQ(test, ib_umem_find_best_pgsz(umem, any, 0), 0ul);
	KUNIT_ASSERT_EQ(test, umem_map(umem_dmabuf), 0);
	KUNIT_EXPECT_EQ(test, ib_umem_find_best_pgsz(umem, any, 0),
			MOVER_SIZE);
	ib_umem_release(umem);
}

static void umem_no_cpu_access(struct kunit *test)
{
	struct ib_umem_dmabuf *umem_dmabuf = umem_get(test, 0, MOVER_SIZE);
	u8 byte;

	KUNIT_ASSERT_EQ(test, umem_map(umem_dmabuf), 0);
	KUNIT_EXPECT_EQ(test, ib_umem_copy_from(&byte, &umem_dmabuf->umem, 0, 1),
			-EINVAL);
	ib_umem_release(&umem_dmabuf->umem);
}

static struct kunit_case umem_cases[] = {
	KUNIT_CASE(umem_get_errors),
	KUNIT_CASE(umem_asks_for_p2p),
	KUNIT_CASE(umem_maps_what_was_asked),
	KUNIT_CASE(umem_bad_tables),
	KUNIT_CASE(umem_waits_for_kernel),
	KUNIT_CASE(umem_waits_for_move_of_map),
	MOVER_CASE(umem_waits_for_nothing_else),
	KUNIT_CASE(umem_interrupted),
	KUNIT_CASE(umem_stays_if_it_has_to),
	MOVER_CASE(umem_moves),
	KUNIT_CASE(umem_pinned),
	KUNIT_CASE(umem_pinned_errors),
	KUNIT_CASE(umem_out_of_memory),
	MOVER_CASE(umem_outlives_fd),
	MOVER_CASE(umem_page_sizes),
	KUNIT_CASE(umem_no_cpu_access),
	{}
};

struct kunit_suite ib_umem_dmabuf_suite = {
	.name = "ib-umem-dmabuf",
	.init = umem_init,
	.exit = umem_exit,
	.test_cases = umem_cases,
};
