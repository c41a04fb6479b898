// SPDX-License-Identifier: GPL-2.0
/*
 * Memory regions of dma-bufs on rxe: where what is copied ends up, what registration
 * waits for, and who lets go of the memory.
 */

#include <linux/delay.h>
#include <linux/kthread.h>
#include <linux/vmalloc.h>

#include "rxe.h"
#include "rxe_loc.h"
#include "mock-mover.h"

#define IOVA	0x7f0000000000ull

struct rxe_fixture {
	struct rxe_dev *rxe;
	struct rxe_pd pd;
	struct rxe_mem mem;
	struct mock_mover *mover;
	struct completion locked;
	bool gave_up;
};

static int rxe_test_init(struct kunit *test)
{
	struct rxe_fixture *f = kunit_kzalloc(test, sizeof(*f), GFP_KERNEL);

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, f);
	f->mover = mock_mover_create(test);
	f->mover->memory = vzalloc(MOVER_SIZE);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, f->mover->memory);
	f->rxe = vzalloc(sizeof(*f->rxe));
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, f->rxe);

	/* As much of a device that is registered as its references need */
	refcount_set(&f->rxe->ib_dev.refcount, 1);
	init_completion(&f->rxe->ib_dev.unreg_completion);
	f->pd.ibpd.device = &f->rxe->ib_dev;
	init_completion(&f->locked);
	test->priv = f;

	return 0;
}

static void rxe_test_exit(struct kunit *test)
{
	struct rxe_fixture *f = test->priv;
	void *memory;

	if (!f)
		return;
	memory = f->mover->memory;
	mock_mover_destroy(test, f->mover);
	KUNIT_EXPECT_EQ(test, refcount_read(&f->rxe->ib_dev.refcount), 1u);
	KUNIT_EXPECT_EQ(test, mock_fence_drain(), 0u);
	vfree(f->rxe);
	vfree(memory);
}

static int rxe_reg(struct rxe_fixture *f, u64 offset, u64 length)
{
	memset(&f->mem, 0, sizeof(f->mem));

	return rxe_mem_init_dmabuf(&f->pd, offset, length,
				   IOVA + offset_in_page(offset), f->mover->fd,
				   IB_ACCESS_LOCAL_WRITE, &f->mem);
}

/* What happens when the last reference goes */
static void rxe_last_put(struct rxe_fixture *f)
{
	rxe_mem_cleanup(&f->mem.pelem);
	memset(&f->mem, 0, sizeof(f->mem));
}

/* It may take its time */
static void rxe_expect_gone(struct kunit *test)
{
	struct rxe_fixture *f = test->priv;
	unsigned long end = jiffies + 20 * HZ;

	while (refcount_read(&f->rxe->ib_dev.refcount) > 1 &&
	       time_before(jiffies, end))
		usleep_range(500, 1000);
	KUNIT_EXPECT_EQ(test, refcount_read(&f->rxe->ib_dev.refcount), 1u);
	KUNIT_EXPECT_EQ(test, f->mover->attached, 0);
	KUNIT_EXPECT_EQ(test, f->mover->pinned, 0);
	KUNIT_EXPECT_EQ(test, f->mover->vmapped, 0);
}

static void rxe_copies(struct kunit *test)
{
	struct rxe_fixture *f = test->priv;
	u64 offset = PAGE_SIZE + 4, length = 3 * PAGE_SIZE;
	u64 iova = IOVA + offset_in_page(offset);
	char in[] = "a few bytes", out[sizeof(in)] = { };

	KUNIT_ASSERT_EQ(test, rxe_reg(f, offset, length), 0);
	KUNIT_EXPECT_EQ(test, f->mover->pinned, 1);
	KUNIT_EXPECT_EQ(test, f->mover->mapped, 0);
	KUNIT_EXPECT_FALSE(test, f->mover->p2p);
	KUNIT_EXPECT_EQ(test, mock_mover_move(f->mover), -EBUSY);

	KUNIT_EXPECT_EQ(test, 0, rxe_mem_copy(&f->mem, iova + PAGE_SIZE - 3, in,
					      sizeof(in), to_mem_obj, NULL));
	KUNIT_EXPECT_EQ(test, 0, memcmp(f->mover->memory + offset + PAGE_SIZE - 3,
					in, sizeof(in)));
	KUNIT_EXPECT_EQ(test, 0, rxe_mem_copy(&f->mem, iova + PAGE_SIZE - 3, out,
					      sizeof(out), from_mem_obj, NULL));
	KUNIT_EXPECT_EQ(test, 0, memcmp(in, out, sizeof(in)));

	/* Up to its end, and not beyond it */
	KUNIT_EXPECT_EQ(test, 0, rxe_mem_copy(&f->mem, iova + length - 1, in, 1,
					      to_mem_obj, NULL));
	KUNIT_EXPECT_EQ(test, -EFAULT, rxe_mem_copy(&f->mem, iova + length - 1, in, 2,
						    to_mem_obj, NULL));
	KUNIT_EXPECT_EQ(test, -EFAULT, rxe_mem_copy(&f->mem, iova - 1, in, 2,
						    to_mem_obj, NULL));
	rxe_last_put(f);
	rxe_expect_gone(test);
}

static void rxe_errors(struct kunit *test)
{
	struct rxe_fixture *f = test->priv;
	void *memory = f->mover->memory;
	int fd = f->mover->fd;

#define EXPECT_REG(offset, length, ret) do {				\
	KUNIT_EXPECT_EQ(test, rxe_reg(f, offset, length), ret);		\
	rxe_last_put(f);						\
	rxe_expect_gone(test);						\
} while (0)

	EXPECT_REG(0, 0, -EINVAL);
	EXPECT_REG(1, MOVER_SIZE, -EINVAL);
	f->mover->fd = -1;
	EXPECT_REG(0, 0, -EBADF);
	f->mover->fd = fd;
	f->mover->attach_error = -EBUSY;
	EXPECT_REG(0, 1, -EBUSY);
	f->mover->attach_error = 0;
	f->mover->pin_error = -ENOSPC;
	EXPECT_REG(0, 1, -ENOSPC);
	f->mover->pin_error = 0;
	f->mover->memory = NULL;
	EXPECT_REG(0, 1, -ENOMEM);
	set_tsk_thread_flag(current, TIF_SIGPENDING);
	EXPECT_REG(0, 1, -ERESTARTSYS);
	clear_tsk_thread_flag(current, TIF_SIGPENDING);
	f->mover->memory = memory;

	/* The device is about to go */
	refcount_set(&f->rxe->ib_dev.refcount, 0);
	KUNIT_EXPECT_EQ(test, rxe_reg(f, 0, 1), -ENODEV);
	rxe_last_put(f);
	refcount_set(&f->rxe->ib_dev.refcount, 1);
	rxe_expect_gone(test);

	/* There is nothing to map it by */
	mock_mover_make_static(f->mover);
	EXPECT_REG(0, 1, -EOPNOTSUPP);
#undef EXPECT_REG
}

static void rxe_waits_for_kernel(struct kunit *test)
{
	struct rxe_fixture *f = test->priv;
	struct mock_signaler signaler[4];
	struct dma_fence *fence[4];
	int i;

	/* They do signal in the end, so that a mistake is not a hang */
	for (i = 0; i < 4; i++) {
		fence[i] = mock_fence_create(dma_fence_context_alloc(1), 1);
		KUNIT_ASSERT_NOT_ERR_OR_NULL(test, fence[i]);
		mock_mover_add(test, f->mover, fence[i],
			       DMA_RESV_USAGE_KERNEL + i);
		mock_signal_later(&signaler[i], fence[i], i ? 10 * HZ : HZ / 20);
	}
	KUNIT_EXPECT_EQ(test, rxe_reg(f, 0, MOVER_SIZE), 0);
	for (i = 0; i < 4; i++) {
		KUNIT_EXPECT_TRUE(test, dma_fence_is_signaled(fence[i]) == !i);
		mock_signal_end(&signaler[i]);
		dma_fence_put(fence[i]);
	}
	rxe_last_put(f);
	rxe_expect_gone(test);
}

static int rxe_locking_thread(void *data)
{
	struct rxe_fixture *f = data;
	struct dma_resv *resv = f->mover->dmabuf->resv;
	unsigned long end = jiffies + 2 * HZ;

	dma_resv_lock(resv, NULL);
	complete(&f->locked);
	while (!kthread_should_stop() && time_before(jiffies, end))
		usleep_range(500, 1000);
	f->gave_up = !kthread_should_stop();
	dma_resv_unlock(resv);
	while (!kthread_should_stop())
		usleep_range(500, 1000);

	return 0;
}

/* Where a task of a queue pair drops it, that can't wait for anybody */
static void rxe_last_put_does_not_sleep(struct kunit *test)
{
	struct rxe_fixture *f = test->priv;
	struct task_struct *task;

	KUNIT_ASSERT_EQ(test, rxe_reg(f, 0, MOVER_SIZE), 0);
	task = kthread_run(rxe_locking_thread, f, "rxe-kunit");
	KUNIT_ASSERT_FALSE(test, IS_ERR(task));
	wait_for_completion(&f->locked);

	/* As where a process posts a request: it is not in an interrupt */
	KUNIT_EXPECT_FALSE(test, in_interrupt());
	rxe_last_put(f);
	KUNIT_EXPECT_FALSE(test, f->gave_up);
	kthread_stop(task);
	KUNIT_EXPECT_FALSE(test, f->gave_up);
	rxe_expect_gone(test);
}

static struct kunit_case rxe_cases[] = {
	KUNIT_CASE(rxe_copies),
	KUNIT_CASE(rxe_errors),
	KUNIT_CASE(rxe_waits_for_kernel),
	KUNIT_CASE(rxe_last_put_does_not_sleep),
	{}
};

static struct kunit_suite rxe_dmabuf_suite = {
	.name = "rxe-dmabuf",
	.init = rxe_test_init,
	.exit = rxe_test_exit,
	.test_cases = rxe_cases,
};

kunit_test_suite(rxe_dmabuf_suite);
