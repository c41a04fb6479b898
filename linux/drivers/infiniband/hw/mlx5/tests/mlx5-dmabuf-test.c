// SPDX-License-Identifier: GPL-2.0
/*
 * Memory regions of dma-bufs on mlx5: what the device finds in its translation
 * when the memory is registered, moves, is faulted in, and goes away.
 */

#include <linux/delay.h>
#include <linux/dma-buf.h>
#include <linux/kthread.h>
#include <linux/random.h>

#include "mlx5-mock.h"
#include "mock-mover.h"
#include "oom-inject.h"

#define IOVA	0x7f0000000000ull

struct mlx5_fixture {
	struct mlx5_mock *mock;
	struct mock_mover *mover;
	u64 offset;
	u64 length;
	unsigned int too_early;
	struct completion locked;
	long ret;
};

/* The memory may be gone any time now, so the device has to be done with it */
static void mlx5_unmapping(void *data)
{
	struct mlx5_fixture *f = data;

	if (mlx5_mock_reaches(f->mock))
		f->too_early++;
}

static int mlx5_test_init(struct kunit *test)
{
	struct mlx5_fixture *f = kunit_kzalloc(test, sizeof(*f), GFP_KERNEL);

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, f);
	f->mover = mock_mover_create(test);
	f->mock = mlx5_mock_create(test);
	f->length = MOVER_SIZE;
	f->mover->unmapping = mlx5_unmapping;
	f->mover->unmapping_data = f;
	init_completion(&f->locked);
	test->priv = f;

	return 0;
}

static void mlx5_test_exit(struct kunit *test)
{
	struct mlx5_fixture *f = test->priv;

	if (!f)
		return;
	mock_mover_destroy(test, f->mover);
	KUNIT_EXPECT_EQ(test, f->too_early, 0u);
	mlx5_mock_destroy(test, f->mock);
	KUNIT_EXPECT_EQ(test, mock_fence_drain(), 0u);
}

static struct ib_mr *mlx5_try(struct mlx5_fixture *f)
{
	struct ib_mr *mr;

	mr = mlx5_ib_reg_user_mr_dmabuf(&f->mock->pd.ibpd, f->offset, f->length,
					IOVA + offset_in_page(f->offset),
					f->mover->fd, IB_ACCESS_LOCAL_WRITE,
					NULL);
	if (!IS_ERR(mr)) {
		mr->device = &f->mock->dev->ib_dev;
		mr->pd = &f->mock->pd.ibpd;
	}

	return mr;
}

static struct ib_mr *mlx5_reg(struct kunit *test)
{
	struct ib_mr *mr = mlx5_try(test->priv);

	KUNIT_ASSERT_FALSE(test, IS_ERR(mr));

	return mr;
}

static void mlx5_dereg(struct kunit *test, struct ib_mr *mr)
{
	struct mlx5_fixture *f = test->priv;

	KUNIT_EXPECT_EQ(test, mlx5_ib_dereg_mr(mr, NULL), 0);
	KUNIT_EXPECT_TRUE(test, mlx5_mock_has_key(f->mock));
	KUNIT_EXPECT_FALSE(test, f->mock->enabled);
	KUNIT_EXPECT_EQ(test, f->mover->mapped, 0);
	KUNIT_EXPECT_EQ(test, f->mover->pinned, 0);
	KUNIT_EXPECT_EQ(test, f->mover->attached, 0);
}

static int mlx5_fault(struct mlx5_fixture *f, u64 offset, u64 length)
{
	return mlx5_ib_kunit_fault(f->mock->dev, MOCK_KEY,
				   IOVA + offset_in_page(f->offset) + offset,
				   length);
}

/* A fault brings all of the memory back, wherever it is */
static int mlx5_pages(struct mlx5_fixture *f)
{
	return DIV_ROUND_UP(offset_in_page(f->offset) + f->length, PAGE_SIZE);
}

static int mlx5_advise(struct mlx5_fixture *f, u32 advice, u32 flags,
		       u64 offset, u32 length)
{
	struct ib_sge sge = {
		.addr = IOVA + offset_in_page(f->offset) + offset,
		.length = length,
		.lkey = MOCK_KEY,
	};

	return mlx5_ib_advise_mr(&f->mock->pd.ibpd, advice, flags, &sge, 1,
				 NULL);
}

/* The device reaches all of the MR, in the right place */
static void mlx5_expect_there(struct kunit *test)
{
	struct mlx5_fixture *f = test->priv;
	u64 in_page = offset_in_page(f->offset);
	u64 at, address;

	for (at = 0; at < f->length; at += PAGE_SIZE / 2) {
		KUNIT_EXPECT_TRUE(test, mlx5_mock_access(f->mock, in_page + at,
							 &address));
		KUNIT_EXPECT_EQ(test, address,
				mock_mover_address(f->mover, f->offset + at));
	}
}

static void mlx5_expect_gone(struct kunit *test)
{
	struct mlx5_fixture *f = test->priv;
	u64 in_page = offset_in_page(f->offset);
	u64 at, address;

	for (at = 0; at < f->length; at += PAGE_SIZE)
		KUNIT_EXPECT_FALSE(test, mlx5_mock_access(f->mock, in_page + at,
							  &address));
	KUNIT_EXPECT_EQ(test, f->mover->mapped, 0);
}

static void mlx5_register_part(struct kunit *test, u64 offset, u64 length)
{
	struct mlx5_fixture *f = test->priv;
	struct ib_mr *mr;

	f->offset = offset;
	f->length = length;
	mr = mlx5_reg(test);
	KUNIT_EXPECT_TRUE(test, f->mover->p2p);
	KUNIT_EXPECT_EQ(test, mr->lkey, (u32)MOCK_KEY);
	KUNIT_EXPECT_EQ(test, f->mover->pinned, MOVER_MOVES ? 0 : 2);
	mlx5_expect_there(test);
	mlx5_dereg(test, mr);
}

static void mlx5_registers(struct kunit *test)
{
	mlx5_register_part(test, 0, MOVER_SIZE);
	mlx5_register_part(test, 7, MOVER_SIZE - 7);
	mlx5_register_part(test, 5 * PAGE_SIZE + 100, 9 * PAGE_SIZE);
	mlx5_register_part(test, MOVER_SIZE - 1, 1);
}

static void mlx5_register_errors(struct kunit *test)
{
	struct mlx5_fixture *f = test->priv;
	int fd = f->mover->fd;

#define EXPECT_REG(ret)							\
	KUNIT_EXPECT_EQ(test, PTR_ERR_OR_ZERO(mlx5_try(f)), ret)

	f->length = MOVER_SIZE + 1;
	EXPECT_REG(-EINVAL);
	f->length = U64_MAX;
	EXPECT_REG(-EINVAL);
	f->length = 0;
	EXPECT_REG(-EINVAL);
	f->mover->fd = -1;
	EXPECT_REG(-EBADF);
	f->length = MOVER_SIZE;
	EXPECT_REG(-EBADF);
	f->mover->fd = fd;
	f->mover->attach_error = -EBUSY;
	EXPECT_REG(-EBUSY);
	f->mover->attach_error = 0;
	f->mover->map_error = -ENODEV;
	EXPECT_REG(-ENODEV);
	f->mover->map_error = 0;
	f->mover->size = PAGE_SIZE;
	EXPECT_REG(-EINVAL);
	f->mover->size = MOVER_SIZE;

	KUNIT_EXPECT_TRUE(test, mlx5_mock_has_key(f->mock));
	KUNIT_EXPECT_EQ(test, f->mover->attached, 0);
	KUNIT_EXPECT_EQ(test, f->mover->mapped, 0);

	/* No mkey is left, and the device can't be asked for one */
	mlx5_mock_empty_cache(f->mock);
	EXPECT_REG(-EIO);
	f->mock->dev->odp_caps.general_caps = 0;
	EXPECT_REG(-EIO);
#undef EXPECT_REG
}

static void mlx5_moves(struct kunit *test)
{
	struct mlx5_fixture *f = test->priv;
	struct ib_mr *mr = mlx5_reg(test);
	int i;

	for (i = 0; i < 3; i++) {
		mlx5_expect_there(test);
		KUNIT_EXPECT_EQ(test, mock_mover_move(f->mover), 0);
		mlx5_expect_gone(test);
		/* Once more, while it is not mapped */
		KUNIT_EXPECT_EQ(test, mock_mover_move(f->mover), 0);
		f->mover->piece = i & 1 ? 4 * PAGE_SIZE : PAGE_SIZE;
		KUNIT_EXPECT_EQ(test, mlx5_fault(f, 5, 2 * PAGE_SIZE),
				mlx5_pages(f));
	}
	mlx5_expect_there(test);
	/* A second fault for what has come back already */
	KUNIT_EXPECT_EQ(test, mlx5_fault(f, 0, 1), mlx5_pages(f));
	mlx5_expect_there(test);

	KUNIT_EXPECT_EQ(test, mock_mover_move(f->mover), 0);
	mlx5_dereg(test, mr);
}

static void mlx5_fault_ranges(struct kunit *test)
{
	struct mlx5_fixture *f = test->priv;
	struct ib_mr *mr;

	f->offset = PAGE_SIZE + 8;
	f->length = 2 * PAGE_SIZE;
	mr = mlx5_reg(test);
	KUNIT_EXPECT_EQ(test, mock_mover_move(f->mover), 0);

	KUNIT_EXPECT_EQ(test, mlx5_fault(f, -9, 4), -EFAULT);
	KUNIT_EXPECT_EQ(test, mlx5_fault(f, f->length, 1), -EFAULT);
	KUNIT_EXPECT_EQ(test, mlx5_fault(f, 0, f->length + 1), -EFAULT);
	KUNIT_EXPECT_EQ(test, mlx5_fault(f, 1, U64_MAX), -EFAULT);
	mlx5_expect_gone(test);

	/* It is not aligned, and so in three pages */
	KUNIT_EXPECT_EQ(test, mlx5_pages(f), 3);
	KUNIT_EXPECT_EQ(test, mlx5_fault(f, 0, f->length), 3);
	mlx5_expect_there(test);
	mlx5_dereg(test, mr);
}

static void mlx5_fault_errors(struct kunit *test)
{
	struct mlx5_fixture *f = test->priv;
	struct ib_mr *mr = mlx5_reg(test);

	KUNIT_EXPECT_EQ(test, mock_mover_move(f->mover), 0);
	f->mover->map_error = -ENOMEM;
	KUNIT_EXPECT_EQ(test, mlx5_fault(f, 0, 1), -ENOMEM);
	mlx5_expect_gone(test);
	f->mover->map_error = 0;

	f->mover->size = PAGE_SIZE;
	KUNIT_EXPECT_EQ(test, mlx5_fault(f, 0, 1), -EINVAL);
	mlx5_expect_gone(test);
	f->mover->size = MOVER_SIZE;

	/* The device can't be told. It may be told again. */
	f->mock->refuse_at = f->mock->posted + 1;
	KUNIT_EXPECT_EQ(test, mlx5_fault(f, 0, 1), -ENOMEM);
	KUNIT_EXPECT_EQ(test, mlx5_fault(f, 0, 1), mlx5_pages(f));
	mlx5_expect_there(test);

	/* Or the memory moves, before or after */
	KUNIT_EXPECT_EQ(test, mock_mover_move(f->mover), 0);
	f->mock->refuse_at = f->mock->posted + 1;
	KUNIT_EXPECT_EQ(test, mlx5_fault(f, 0, 1), -ENOMEM);
	KUNIT_EXPECT_EQ(test, mock_mover_move(f->mover), 0);
	mlx5_expect_gone(test);
	mlx5_dereg(test, mr);
}

/* Every request to the device fails once, and every allocation */
static void mlx5_register_fails(struct kunit *test)
{
	struct mlx5_fixture *f = test->priv;
	unsigned int nth, failed, failures = 0;
	struct ib_mr *mr;

	f->mock->refuse_at = f->mock->posted + 1;
	KUNIT_EXPECT_EQ(test, PTR_ERR_OR_ZERO(mlx5_try(f)), -ENOMEM);
	KUNIT_EXPECT_TRUE(test, mlx5_mock_has_key(f->mock));
	KUNIT_EXPECT_EQ(test, f->mover->attached, 0);

	if (!IS_ENABLED(CONFIG_KPROBES)) {
		kunit_info(test, "needs CONFIG_KPROBES\n");
		return;
	}
	KUNIT_ASSERT_EQ(test, oom_inject_start(), 0);
	for (nth = 1; nth < 100; nth++) {
		oom_inject_arm(nth, false);
		mr = mlx5_try(f);
		failed = oom_inject_disarm(NULL);
		if (!IS_ERR(mr)) {
			/* Where memory is short there is an emergency page */
			mlx5_expect_there(test);
			mlx5_dereg(test, mr);
		} else {
			KUNIT_EXPECT_EQ(test, PTR_ERR(mr), -ENOMEM + 0L);
			KUNIT_EXPECT_TRUE(test, mlx5_mock_has_key(f->mock));
			KUNIT_EXPECT_EQ(test, f->mover->attached, 0);
			KUNIT_EXPECT_EQ(test, f->mover->mapped, 0);
			failures++;
		}
		if (!failed)
			break;
	}
	oom_inject_stop();
	KUNIT_EXPECT_GE(test, failures, 5u);
}

static void mlx5_waits_for_kernel(struct kunit *test)
{
	struct mlx5_fixture *f = test->priv;
	struct mock_signaler signaler;
	struct dma_fence *fence;
	struct ib_mr *mr = NULL;
	u32 sync = IB_UVERBS_ADVISE_MR_FLAG_FLUSH;
	int i;

	/* When it is registered, on a fault, and when it is prefetched */
	for (i = 0; i < 3; i++) {
		fence = mock_fence_create(dma_fence_context_alloc(1), 1);
		KUNIT_ASSERT_NOT_ERR_OR_NULL(test, fence);
		if (mr)
			KUNIT_EXPECT_EQ(test, mock_mover_move(f->mover), 0);
		mock_mover_add(test, f->mover, fence, DMA_RESV_USAGE_KERNEL);
		mock_signal_later(&signaler, fence, HZ / 20);
		if (!mr)
			mr = mlx5_reg(test);
		else if (i == 1)
			KUNIT_EXPECT_EQ(test, mlx5_fault(f, 0, 1), mlx5_pages(f));
		else
			KUNIT_EXPECT_EQ(test, 0,
					mlx5_advise(f, IB_UVERBS_ADVISE_MR_ADVICE_PREFETCH,
						    sync, 0, 1));
		KUNIT_EXPECT_TRUE(test, dma_fence_is_signaled(fence));
		mlx5_expect_there(test);
		mock_signal_end(&signaler);
		/* So that a mistake is not a hang the next time */
		dma_fence_signal(fence);
		dma_fence_put(fence);
	}
	mlx5_dereg(test, mr);
}

static void mlx5_waits_for_nothing_else(struct kunit *test)
{
	struct mlx5_fixture *f = test->priv;
	struct mock_signaler signaler[3];
	struct dma_fence *fence[3];
	struct ib_mr *mr;
	int i;

	/* They do signal in the end, so that a mistake is not a hang */
	for (i = 0; i < 3; i++) {
		fence[i] = mock_fence_create(dma_fence_context_alloc(1), 1);
		KUNIT_ASSERT_NOT_ERR_OR_NULL(test, fence[i]);
		mock_mover_add(test, f->mover, fence[i],
			       DMA_RESV_USAGE_WRITE + i);
		mock_signal_later(&signaler[i], fence[i], 10 * HZ);
	}
	mr = mlx5_reg(test);
	KUNIT_EXPECT_EQ(test, mock_mover_move(f->mover), 0);
	KUNIT_EXPECT_EQ(test, mlx5_fault(f, 0, 1), mlx5_pages(f));
	mlx5_expect_there(test);
	mlx5_dereg(test, mr);

	for (i = 0; i < 3; i++) {
		KUNIT_EXPECT_FALSE(test, dma_fence_is_signaled(fence[i]));
		mock_signal_end(&signaler[i]);
		dma_fence_put(fence[i]);
	}
}

static void mlx5_prefetches(struct kunit *test)
{
	const u32 sync = IB_UVERBS_ADVISE_MR_FLAG_FLUSH;
	struct mlx5_fixture *f = test->priv;
	struct ib_mr *mr = mlx5_reg(test);
	unsigned long end;
	u64 address;

	KUNIT_EXPECT_EQ(test, mock_mover_move(f->mover), 0);
	KUNIT_EXPECT_EQ(test, 0,
			mlx5_advise(f, IB_UVERBS_ADVISE_MR_ADVICE_PREFETCH_NO_FAULT,
				    sync, 0, 1));
	mlx5_expect_gone(test);
	KUNIT_EXPECT_EQ(test, -EFAULT,
			mlx5_advise(f, IB_UVERBS_ADVISE_MR_ADVICE_PREFETCH,
				    sync, f->length, 1));
	mlx5_expect_gone(test);
	KUNIT_EXPECT_EQ(test, 0,
			mlx5_advise(f, IB_UVERBS_ADVISE_MR_ADVICE_PREFETCH_WRITE,
				    sync, 0, 1));
	mlx5_expect_there(test);

	KUNIT_EXPECT_EQ(test, mock_mover_move(f->mover), 0);
	KUNIT_EXPECT_EQ(test, 0,
			mlx5_advise(f, IB_UVERBS_ADVISE_MR_ADVICE_PREFETCH, 0,
				    0, 1));
	end = jiffies + 10 * HZ;
	while (!mlx5_mock_access(f->mock, 0, &address) &&
	       time_before(jiffies, end))
		usleep_range(500, 1000);
	mlx5_expect_there(test);
	mlx5_dereg(test, mr);
}

static void mlx5_rereg_refused(struct kunit *test)
{
	struct mlx5_fixture *f = test->priv;
	struct ib_mr *mr;
	int odp;

	for (odp = 1; odp >= 0; odp--) {
		if (!odp)
			f->mock->dev->odp_caps.general_caps = 0;
		mr = mlx5_reg(test);
		KUNIT_EXPECT_EQ(test, -EOPNOTSUPP,
				mlx5_ib_rereg_user_mr(mr, IB_MR_REREG_ACCESS,
						      0, 0, 0, 0, NULL, NULL));
		mlx5_expect_there(test);
		mlx5_dereg(test, mr);
	}
}

static void mlx5_pins(struct kunit *test)
{
	struct mlx5_fixture *f = test->priv;
	struct ib_mr *mr;

	f->mock->dev->odp_caps.general_caps = 0;
	f->offset = PAGE_SIZE + 4;
	f->length = 7 * PAGE_SIZE;
	mr = mlx5_reg(test);
	KUNIT_EXPECT_EQ(test, f->mover->pinned, MOVER_MOVES ? 1 : 2);
	KUNIT_EXPECT_EQ(test, mock_mover_move(f->mover), -EBUSY);
	mlx5_expect_there(test);
	KUNIT_EXPECT_TRUE(test, xa_empty(&f->mock->dev->odp_mkeys));
	mlx5_dereg(test, mr);
	KUNIT_EXPECT_EQ(test, mock_mover_move(f->mover), 0);

	/* The capability is there, but nobody looks after page faults */
	f->mock->dev->odp_caps.general_caps = IB_ODP_SUPPORT;
	f->mock->dev->odp_pf_eq.core = NULL;
	mr = mlx5_reg(test);
	KUNIT_EXPECT_EQ(test, f->mover->pinned, MOVER_MOVES ? 1 : 2);
	mlx5_expect_there(test);
	mlx5_dereg(test, mr);

	/* In large pages where the memory and the address allow it */
	f->offset = 0;
	f->length = MOVER_SIZE;
	mr = mlx5_reg(test);
	KUNIT_EXPECT_EQ(test, f->mock->page_shift, PAGE_SHIFT + 2u);
	mlx5_expect_there(test);
	mlx5_dereg(test, mr);

	f->mock->refuse_at = f->mock->posted + 1;
	KUNIT_EXPECT_EQ(test, PTR_ERR_OR_ZERO(mlx5_try(f)), -ENOMEM);
	KUNIT_EXPECT_EQ(test, f->mover->pinned, 0);
	KUNIT_EXPECT_TRUE(test, mlx5_mock_has_key(f->mock));
}

/* Memory that does not move needs neither page faults nor small pages */
static void mlx5_static_exporter(struct kunit *test)
{
	struct mlx5_fixture *f = test->priv;
	struct ib_mr *mr;

	mock_mover_make_static(f->mover);
	mr = mlx5_reg(test);
	KUNIT_EXPECT_EQ(test, f->mock->page_shift, PAGE_SHIFT + 2u);
	KUNIT_EXPECT_TRUE(test, xa_empty(&f->mock->dev->odp_mkeys));
	mlx5_expect_there(test);
	mlx5_dereg(test, mr);
}

/*
 * The move can't wait until the device can be told, so the MR is switched off.
 * Its next fault switches it on.
 */
static void mlx5_zap_fails(struct kunit *test)
{
	struct mlx5_fixture *f = test->priv;
	struct ib_mr *mr = mlx5_reg(test);
	int i;

	for (i = 0; i < 2; i++) {
		f->mock->refuse_at = f->mock->posted + 1;
		KUNIT_EXPECT_EQ(test, mock_mover_move(f->mover), 0);
		mlx5_expect_gone(test);
		KUNIT_EXPECT_EQ(test, mock_mover_move(f->mover), 0);
		KUNIT_EXPECT_EQ(test, mlx5_fault(f, 0, 1), mlx5_pages(f));
		mlx5_expect_there(test);
	}
	KUNIT_EXPECT_EQ(test, mock_mover_move(f->mover), 0);
	mlx5_expect_gone(test);
	KUNIT_EXPECT_EQ(test, mlx5_fault(f, 0, 1), mlx5_pages(f));

	/* It can't be switched on at once, and moves meanwhile */
	f->mock->refuse_at = f->mock->posted + 1;
	KUNIT_EXPECT_EQ(test, mock_mover_move(f->mover), 0);
	f->mock->refuse_at = f->mock->posted + 1;
	KUNIT_EXPECT_EQ(test, mlx5_fault(f, 0, 1), -ENOMEM);
	KUNIT_EXPECT_EQ(test, mock_mover_move(f->mover), 0);
	mlx5_expect_gone(test);
	KUNIT_EXPECT_EQ(test, mlx5_fault(f, 0, 1), mlx5_pages(f));
	mlx5_expect_there(test);

	/* Or is not on when it goes */
	f->mock->refuse_at = f->mock->posted + 1;
	KUNIT_EXPECT_EQ(test, mock_mover_move(f->mover), 0);
	mlx5_dereg(test, mr);
	mr = mlx5_reg(test);
	mlx5_expect_there(test);
	mlx5_dereg(test, mr);
}

/*
 * An mkey that can't be switched off is destroyed, while the memory is there, and if
 * that fails as well, the device is cut off: whether the memory may move or not.
 */
static void mlx5_dereg_fails_with(struct kunit *test, int error)
{
	struct mlx5_fixture *f = test->priv;
	struct ib_mr *mr = mlx5_reg(test);

	if (!f->mock->commands) {
		kunit_info(test, "needs CONFIG_KPROBES\n");
		mlx5_dereg(test, mr);
		return;
	}
	f->mock->fail_at = f->mock->posted + 1;
	f->mock->destroy_error = error;
	KUNIT_EXPECT_EQ(test, mlx5_ib_dereg_mr(mr, NULL), 0);
	KUNIT_EXPECT_TRUE(test, f->mock->dead);
	KUNIT_EXPECT_EQ(test, f->mock->asked, 1u);
	KUNIT_EXPECT_TRUE(test, f->mock->destroyed == !error);
	KUNIT_EXPECT_EQ(test, f->mock->pci_command,
			(u16)(error ? 0 : PCI_COMMAND_MASTER));
	KUNIT_EXPECT_FALSE(test, mlx5_mock_has_key(f->mock));
	KUNIT_EXPECT_FALSE(test, mlx5_mock_reaches(f->mock));
	KUNIT_EXPECT_EQ(test, f->mover->mapped, 0);
	KUNIT_EXPECT_EQ(test, f->mover->attached, 0);
	f->mock->dead = false;
}

static void mlx5_dereg_fails(struct kunit *test)
{
	mlx5_dereg_fails_with(test, 0);
}

static void mlx5_dereg_cuts_off(struct kunit *test)
{
	mlx5_dereg_fails_with(test, -EIO);
}

static void mlx5_pinned_dereg_fails(struct kunit *test)
{
	struct mlx5_fixture *f = test->priv;

	f->mock->dev->odp_caps.general_caps = 0;
	mlx5_dereg_fails_with(test, 0);
}

static void mlx5_pinned_dereg_cuts_off(struct kunit *test)
{
	struct mlx5_fixture *f = test->priv;

	f->mock->dev->odp_caps.general_caps = 0;
	mlx5_dereg_fails_with(test, -EIO);
}

static int mlx5_mover_thread(void *data)
{
	struct mlx5_fixture *f = data;

	while (!kthread_should_stop()) {
		mock_mover_move(f->mover);
		cond_resched();
	}

	return 0;
}

static int mlx5_faulting_thread(void *data)
{
	struct mlx5_fixture *f = data;

	while (!kthread_should_stop()) {
		mlx5_fault(f, 0, 1);
		cond_resched();
	}

	return 0;
}

static struct task_struct *mlx5_start(struct kunit *test,
				      int (*body)(void *data))
{
	struct task_struct *task = kthread_run(body, test->priv, "mlx5-kunit");

	KUNIT_ASSERT_FALSE(test, IS_ERR(task));

	return task;
}

#define MLX5_WAIT(condition) do {					\
	unsigned long end = jiffies + 20 * HZ;				\
									\
	while (!(condition)) {						\
		if (time_after(jiffies, end)) {				\
			KUNIT_FAIL(test, "in vain: " #condition);	\
			break;						\
		}							\
		usleep_range(500, 1000);				\
	}								\
} while (0)

static int mlx5_reg_thread(void *data)
{
	struct mlx5_fixture *f = data;

	f->ret = PTR_ERR_OR_ZERO(mlx5_try(f));
	while (!kthread_should_stop())
		usleep_range(500, 1000);

	return 0;
}

static int mlx5_fault_thread(void *data)
{
	struct mlx5_fixture *f = data;

	f->ret = mlx5_fault(f, 0, 1);
	while (!kthread_should_stop())
		usleep_range(500, 1000);

	return 0;
}

/*
 * The queue that the mkey is disabled by is dead, but the move can't wait. What is left
 * of the MR is what user space has to deregister.
 */
static void mlx5_queue_dies_with(struct kunit *test, int error)
{
	struct mlx5_fixture *f = test->priv;
	struct dma_resv *resv = f->mover->dmabuf->resv;
	struct xarray *mkeys = &f->mock->dev->odp_mkeys;
	u32 sync = IB_UVERBS_ADVISE_MR_FLAG_FLUSH;
	struct mlx5_core_mkey other = { };
	struct ib_mr *mr = mlx5_reg(test);
	struct task_struct *task;

	if (!f->mock->commands) {
		kunit_info(test, "needs CONFIG_KPROBES\n");
		mlx5_dereg(test, mr);
		return;
	}
	f->mock->fail_at = f->mock->posted + 1;
	f->mock->destroy_error = error;

	/* There is a fault under way, too */
	dma_resv_lock(resv, NULL);
	task = mlx5_start(test, mlx5_fault_thread);
	MLX5_WAIT(READ_ONCE(task->state) == TASK_INTERRUPTIBLE);
	f->mover->where += SZ_1G;
	dma_buf_move_notify(f->mover->dmabuf);
	dma_resv_unlock(resv);
	kthread_stop(task);
	KUNIT_EXPECT_EQ(test, f->ret, -EIO + 0L);

	mlx5_expect_gone(test);
	KUNIT_EXPECT_TRUE(test, f->mock->dead);
	KUNIT_EXPECT_EQ(test, f->mock->asked, 1u);
	KUNIT_EXPECT_TRUE(test, f->mock->destroyed == !error);
	KUNIT_EXPECT_EQ(test, f->mock->pci_command,
			(u16)(error ? 0 : PCI_COMMAND_MASTER));

	/* It is not asked anything any more */
	KUNIT_EXPECT_EQ(test, f->mock->posted, f->mock->fail_at + 1);
	KUNIT_EXPECT_EQ(test, mlx5_fault(f, 0, 1), 0);
	KUNIT_EXPECT_EQ(test, -ENOENT,
			mlx5_advise(f, IB_UVERBS_ADVISE_MR_ADVICE_PREFETCH,
				    sync, 0, 1));
	KUNIT_EXPECT_EQ(test, mock_mover_move(f->mover), 0);
	KUNIT_EXPECT_EQ(test, f->mock->posted, f->mock->fail_at + 1);
	mlx5_expect_gone(test);

	/* Its place may have gone to another */
	KUNIT_EXPECT_EQ(test, 0, xa_err(xa_store(mkeys, mlx5_base_mkey(MOCK_KEY),
						 &other, GFP_KERNEL)));
	KUNIT_EXPECT_EQ(test, mlx5_ib_dereg_mr(mr, NULL), 0);
	KUNIT_EXPECT_PTR_EQ(test, xa_erase(mkeys, mlx5_base_mkey(MOCK_KEY)),
			    (void *)&other);
	KUNIT_EXPECT_EQ(test, f->mock->asked, 1u);
	KUNIT_EXPECT_FALSE(test, mlx5_mock_has_key(f->mock));
	KUNIT_EXPECT_EQ(test, f->mover->mapped, 0);
	KUNIT_EXPECT_EQ(test, f->mover->attached, 0);
	KUNIT_EXPECT_EQ(test, PTR_ERR_OR_ZERO(mlx5_try(f)), -EIO);
	f->mock->dead = false;
}

static void mlx5_queue_dies(struct kunit *test)
{
	mlx5_queue_dies_with(test, 0);
}

static void mlx5_device_dies(struct kunit *test)
{
	mlx5_queue_dies_with(test, -EIO);
}

/* The device is told in two pieces, because there is no more room than a page */
static void mlx5_in_pieces(struct kunit *test)
{
	struct mlx5_fixture *f = test->priv;
	struct ib_mr *mr = mlx5_reg(test);
	unsigned int posted;

	if (oom_inject_start()) {
		kunit_info(test, "needs CONFIG_KPROBES\n");
		mlx5_dereg(test, mr);
		return;
	}

#define IN_PIECES(call, ret, pieces) do {				\
	posted = f->mock->posted;					\
	oom_inject_arm(1, true);					\
	KUNIT_EXPECT_EQ(test, call, ret);				\
	KUNIT_EXPECT_GE(test, oom_inject_disarm(NULL), 1u);		\
	KUNIT_EXPECT_EQ(test, f->mock->posted - posted, pieces);	\
} while (0)

	/* A fault for what is there already needs no memory for the mapping */
	IN_PIECES(mlx5_fault(f, 0, 1), mlx5_pages(f), 2u);
	mlx5_expect_there(test);
	IN_PIECES(mock_mover_move(f->mover), 0, 2u);
	mlx5_expect_gone(test);
	KUNIT_EXPECT_TRUE(test, f->mock->enabled);

	/* The second piece can't be zapped */
	KUNIT_EXPECT_EQ(test, mlx5_fault(f, 0, 1), mlx5_pages(f));
	f->mock->refuse_at = f->mock->posted + 2;
	IN_PIECES(mock_mover_move(f->mover), 0, 3u);
	mlx5_expect_gone(test);
	KUNIT_EXPECT_FALSE(test, f->mock->enabled);

	/* Nor enabled, and then it can */
	f->mock->refuse_at = f->mock->posted + 1;
	KUNIT_EXPECT_EQ(test, mlx5_fault(f, 0, 1), -ENOMEM);
	f->mock->refuse_at = f->mock->posted + 2;
	IN_PIECES(mlx5_fault(f, 0, 1), -ENOMEM, 2u);
	KUNIT_EXPECT_FALSE(test, f->mock->enabled);
	IN_PIECES(mlx5_fault(f, 0, 1), mlx5_pages(f), 2u);
	mlx5_expect_there(test);
#undef IN_PIECES
	oom_inject_stop();
	mlx5_dereg(test, mr);
}

/* Before a registration is through there is nothing that could fault */
static void mlx5_found_when_enabled(struct kunit *test)
{
	struct mlx5_fixture *f = test->priv;
	struct mock_signaler signaler;
	struct task_struct *task;
	struct dma_fence *fence;
	u32 sync = IB_UVERBS_ADVISE_MR_FLAG_FLUSH;

	fence = mock_fence_create(dma_fence_context_alloc(1), 1);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, fence);
	mock_mover_add(test, f->mover, fence, DMA_RESV_USAGE_KERNEL);

	task = mlx5_start(test, mlx5_reg_thread);
	MLX5_WAIT(READ_ONCE(f->mover->mapped));
	/* So that a mistake is not a hang */
	mock_signal_later(&signaler, fence, 10 * HZ);
	KUNIT_EXPECT_EQ(test, -ENOENT,
			mlx5_advise(f, IB_UVERBS_ADVISE_MR_ADVICE_PREFETCH,
				    sync, 0, 1));
	KUNIT_EXPECT_EQ(test, mlx5_fault(f, 0, 1), 0);
	KUNIT_EXPECT_FALSE(test, dma_fence_is_signaled(fence));

	/* And so there is nothing left if a signal ends it */
	set_tsk_thread_flag(task, TIF_SIGPENDING);
	wake_up_process(task);
	MLX5_WAIT(!READ_ONCE(f->mover->attached));
	kthread_stop(task);
	KUNIT_EXPECT_EQ(test, f->ret, -ERESTARTSYS + 0L);
	KUNIT_EXPECT_TRUE(test, mlx5_mock_has_key(f->mock));

	mock_signal_end(&signaler);
	dma_fence_signal(fence);
	dma_fence_put(fence);
	mlx5_dereg(test, mlx5_reg(test));
}

/* The memory moves while a registration that failed is taken back */
static void mlx5_enable_fails(struct kunit *test)
{
	struct mlx5_fixture *f = test->priv;
	struct srcu_struct *srcu = &f->mock->dev->odp_srcu;
	struct task_struct *task;
	int idx;

	/* Somebody else's fault, which that has to wait for */
	idx = srcu_read_lock(srcu);
	f->mock->refuse_at = f->mock->posted + 1;
	task = mlx5_start(test, mlx5_reg_thread);
	MLX5_WAIT(READ_ONCE(f->mock->posted) >= f->mock->refuse_at);
	KUNIT_EXPECT_EQ(test, mock_mover_move(f->mover), 0);
	mlx5_expect_gone(test);
	KUNIT_EXPECT_FALSE(test, f->mock->dead);
	srcu_read_unlock(srcu, idx);
	MLX5_WAIT(!READ_ONCE(f->mover->attached));
	kthread_stop(task);
	KUNIT_EXPECT_EQ(test, f->ret, -ENOMEM + 0L);
	KUNIT_EXPECT_TRUE(test, mlx5_mock_has_key(f->mock));
}

static int mlx5_locking_thread(void *data)
{
	struct mlx5_fixture *f = data;
	struct dma_resv *resv = f->mover->dmabuf->resv;

	dma_resv_lock(resv, NULL);
	complete(&f->locked);
	while (!kthread_should_stop())
		usleep_range(500, 1000);
	dma_resv_unlock(resv);

	return 0;
}

/* A signal while another has the lock: the call is made anew, if it may be */
static void mlx5_interrupted(struct kunit *test)
{
	struct mlx5_fixture *f = test->priv;
	u32 sync = IB_UVERBS_ADVISE_MR_FLAG_FLUSH;
	struct ib_mr *mr = mlx5_reg(test);
	struct task_struct *task;

	task = mlx5_start(test, mlx5_locking_thread);
	wait_for_completion(&f->locked);
	set_tsk_thread_flag(current, TIF_SIGPENDING);
	KUNIT_EXPECT_EQ(test, -ERESTARTSYS,
			mlx5_advise(f, IB_UVERBS_ADVISE_MR_ADVICE_PREFETCH,
				    sync, 0, 1));
	clear_tsk_thread_flag(current, TIF_SIGPENDING);
	kthread_stop(task);
	mlx5_dereg(test, mr);
}

/* A fault waits for a move that is under way, and the next move waits for it */
static void mlx5_move_during_fault(struct kunit *test)
{
	struct mlx5_fixture *f = test->priv;
	struct ib_mr *mr = mlx5_reg(test);
	struct task_struct *task;
	struct dma_fence *fence;
	u64 address;

	fence = mock_fence_create(dma_fence_context_alloc(1), 1);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, fence);
	KUNIT_EXPECT_EQ(test, mock_mover_move(f->mover), 0);
	mock_mover_add(test, f->mover, fence, DMA_RESV_USAGE_KERNEL);

	task = mlx5_start(test, mlx5_faulting_thread);
	while (!READ_ONCE(f->mover->mapped))
		usleep_range(500, 1000);
	KUNIT_EXPECT_FALSE(test, mlx5_mock_access(f->mock, 0, &address));

	dma_fence_signal(fence);
	KUNIT_EXPECT_EQ(test, mock_mover_move(f->mover), 0);
	kthread_stop(task);
	dma_fence_put(fence);

	KUNIT_EXPECT_EQ(test, mlx5_fault(f, 0, 1), mlx5_pages(f));
	mlx5_expect_there(test);
	mlx5_dereg(test, mr);
}

/* All at once, and what the device reaches at any time is where the memory is */
static void mlx5_all_at_once(struct kunit *test)
{
	struct mlx5_fixture *f = test->priv;
	struct task_struct *mover, *fault[2];
	struct dma_resv *resv = f->mover->dmabuf->resv;
	unsigned long end = jiffies + 3 * HZ;
	unsigned int round, wrong = 0, reached = 0;
	struct ib_mr *mr;
	u64 address;

	mover = mlx5_start(test, mlx5_mover_thread);
	fault[0] = mlx5_start(test, mlx5_faulting_thread);
	fault[1] = mlx5_start(test, mlx5_faulting_thread);

	for (round = 0; round < 20 || time_before(jiffies, end); round++) {
		mr = mlx5_try(f);
		if (IS_ERR(mr)) {
			KUNIT_FAIL(test, "register: %ld", PTR_ERR(mr));
			break;
		}
		dma_resv_lock(resv, NULL);
		if (mlx5_mock_access(f->mock, 9 * PAGE_SIZE, &address)) {
			reached++;
			if (address != mock_mover_address(f->mover, 9 * PAGE_SIZE))
				wrong++;
		}
		dma_resv_unlock(resv);
		if (round & 1)
			usleep_range(500, 1000);
		mlx5_dereg(test, mr);
	}

	kthread_stop(fault[0]);
	kthread_stop(fault[1]);
	kthread_stop(mover);
	KUNIT_EXPECT_EQ(test, wrong, 0u);
	KUNIT_EXPECT_GT(test, reached, 0u);
}

static void mlx5_exporter_gone(struct kunit *test)
{
	struct mlx5_fixture *f = test->priv;
	struct ib_mr *mr = mlx5_reg(test);

	mock_mover_close_fd(f->mover);
	KUNIT_EXPECT_EQ(test, mock_mover_move(f->mover), 0);

	/* Its device was unplugged, say */
	f->mover->map_error = -ENODEV;
	KUNIT_EXPECT_EQ(test, mlx5_fault(f, 0, 1), -ENODEV);
	mlx5_expect_gone(test);
	mlx5_dereg(test, mr);
}

static struct kunit_case mlx5_cases[] = {
	KUNIT_CASE(mlx5_registers),
	KUNIT_CASE(mlx5_register_errors),
	MOVER_CASE(mlx5_moves),
	MOVER_CASE(mlx5_fault_ranges),
	MOVER_CASE(mlx5_fault_errors),
	KUNIT_CASE(mlx5_register_fails),
	MOVER_CASE(mlx5_waits_for_kernel),
	MOVER_CASE(mlx5_waits_for_nothing_else),
	MOVER_CASE(mlx5_prefetches),
	KUNIT_CASE(mlx5_rereg_refused),
	KUNIT_CASE(mlx5_pins),
	KUNIT_CASE(mlx5_static_exporter),
	MOVER_CASE(mlx5_zap_fails),
	KUNIT_CASE(mlx5_dereg_fails),
	KUNIT_CASE(mlx5_dereg_cuts_off),
	KUNIT_CASE(mlx5_pinned_dereg_fails),
	KUNIT_CASE(mlx5_pinned_dereg_cuts_off),
	MOVER_CASE(mlx5_queue_dies),
	MOVER_CASE(mlx5_device_dies),
	MOVER_CASE(mlx5_in_pieces),
	MOVER_CASE(mlx5_found_when_enabled),
	MOVER_CASE(mlx5_enable_fails),
	MOVER_CASE(mlx5_interrupted),
	MOVER_CASE(mlx5_move_during_fault),
	MOVER_CASE(mlx5_all_at_once),
	MOVER_CASE(mlx5_exporter_gone),
	{}
};

static struct kunit_suite mlx5_dmabuf_suite = {
	.name = "mlx5-dmabuf",
	.init = mlx5_test_init,
	.exit = mlx5_test_exit,
	.test_cases = mlx5_cases,
};

kunit_test_suite(mlx5_dmabuf_suite);
