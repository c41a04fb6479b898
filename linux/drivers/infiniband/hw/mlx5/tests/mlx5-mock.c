// SPDX-License-Identifier: GPL-2.0
/*
 * As much of an mlx5 device as memory regions need.
 */

#include <linux/dma-direct.h>
#include <linux/kprobes.h>
#include <linux/pci.h>
#include <linux/ptrace.h>
#include <linux/vmalloc.h>

#include "mlx5-mock.h"

static struct mlx5_mock *the_mock;

/* A request says which state the mkey has to be in, unless it is the last one */
static bool mock_wrong_state(struct mlx5_mock *mock,
			     const struct mlx5_umr_wr *umr)
{
	bool in_use = umr->wr.send_flags & MLX5_IB_SEND_UMR_FAIL_IF_FREE;

	return mock->destroyed ||
	       (!umr->ignore_free_state && in_use != mock->enabled);
}

/*
 * The device does what a work request says, and reports it at once. After an
 * error its queue does nothing more.
 */
static int mock_post_send(struct ib_qp *qp, const struct ib_send_wr *wr,
			  const struct ib_send_wr **bad)
{
	const struct mlx5_umr_wr *umr = umr_wr(wr);
	struct mlx5_mock *mock = the_mock;
	struct ib_wc wc = { .wr_cqe = wr->wr_cqe, .status = IB_WC_SUCCESS };
	const __be64 *mtt;
	unsigned int i;

	spin_lock(&mock->lock);
	if (++mock->posted == mock->refuse_at) {
		spin_unlock(&mock->lock);
		return -ENOMEM;
	}
	if (mock->dead || mock->posted == mock->fail_at ||
	    mock_wrong_state(mock, umr)) {
		mock->dead = true;
		wc.status = IB_WC_GENERAL_ERR;
		goto done;
	}

	if (wr->send_flags & MLX5_IB_SEND_UMR_UPDATE_XLT) {
		mtt = phys_to_virt(dma_to_phys(&mock->pdev->dev,
					       wr->sg_list[0].addr));
		for (i = 0; i < umr->xlt_size / sizeof(*mtt); i++)
			mock->mtt[umr->offset / sizeof(*mtt) + i] =
				be64_to_cpu(mtt[i]);
	}
	if (wr->send_flags & MLX5_IB_SEND_UMR_UPDATE_TRANSLATION)
		mock->page_shift = umr->page_shift;
	if (wr->send_flags & MLX5_IB_SEND_UMR_ENABLE_MR)
		mock->enabled = true;
	if (wr->send_flags & MLX5_IB_SEND_UMR_DISABLE_MR)
		mock->enabled = false;
done:
	spin_unlock(&mock->lock);
	wr->wr_cqe->done(NULL, &wc);

	return 0;
}

/*
 * There is nobody to send commands to, so the function that would have the mkey
 * destroyed is redirected.
 */
#if defined(CONFIG_KPROBES) && defined(CONFIG_HAVE_FUNCTION_ARG_ACCESS_API)
static int mock_destroy_mkey(struct mlx5_core_dev *mdev,
			     struct mlx5_core_mkey *mkey)
{
	struct mlx5_mock *mock = the_mock;
	int err;

	spin_lock(&mock->lock);
	mock->asked++;
	err = mock->destroy_error;
	if (!err)
		mock->destroyed = true;
	spin_unlock(&mock->lock);

	return err;
}

static int mock_destroy_redirect(struct kprobe *probe, struct pt_regs *regs)
{
	if (regs_get_kernel_argument(regs, 0) != (unsigned long)the_mock->mdev)
		return 0;
	instruction_pointer_set(regs, (unsigned long)mock_destroy_mkey);

	return 1;
}

/* A probe that has one of these is not optimized, which would lose the redirect */
static void mock_destroy_post(struct kprobe *probe, struct pt_regs *regs,
			      unsigned long flags)
{
}

static struct kprobe mock_probe;

static void mock_probe_start(struct mlx5_mock *mock)
{
	/* Whatever a registration left behind would be in the way of the next */
	mock_probe = (struct kprobe){
		.symbol_name = "mlx5_core_destroy_mkey",
		.pre_handler = mock_destroy_redirect,
		.post_handler = mock_destroy_post,
	};
	mock->commands = !register_kprobe(&mock_probe);
}

static void mock_probe_stop(struct mlx5_mock *mock)
{
	if (mock->commands)
		unregister_kprobe(&mock_probe);
}
#else
static void mock_probe_start(struct mlx5_mock *mock) { }
static void mock_probe_stop(struct mlx5_mock *mock) { }
#endif

/* Its configuration space has a command register, and that is all there is on the bus */
static int mock_config_read(struct pci_bus *bus, unsigned int devfn, int where,
			    int size, u32 *val)
{
	*val = where == PCI_COMMAND ? READ_ONCE(the_mock->pci_command) : 0;

	return PCIBIOS_SUCCESSFUL;
}

static int mock_config_write(struct pci_bus *bus, unsigned int devfn, int where,
			     int size, u32 val)
{
	if (where == PCI_COMMAND)
		WRITE_ONCE(the_mock->pci_command, val);

	return PCIBIOS_SUCCESSFUL;
}

static struct pci_ops mock_pci_ops = {
	.read = mock_config_read,
	.write = mock_config_write,
};

static bool mock_cut_off(struct mlx5_mock *mock)
{
	return !(READ_ONCE(mock->pci_command) & PCI_COMMAND_MASTER);
}

static struct mlx5_cache_ent *mock_ent(struct mlx5_mock *mock)
{
	return &mock->dev->cache.ent[MR_CACHE_LAST_STD_ENTRY];
}

/* Is the mkey back in the cache? */
bool mlx5_mock_has_key(struct mlx5_mock *mock)
{
	return !list_empty(&mock_ent(mock)->head);
}

void mlx5_mock_empty_cache(struct mlx5_mock *mock)
{
	struct mlx5_cache_ent *ent = mock_ent(mock);
	struct mlx5_ib_mr *mr, *next;

	list_for_each_entry_safe(mr, next, &ent->head, list) {
		list_del(&mr->list);
		kfree(mr);
	}
}

/* The device wants to reach @offset in the MR. If it can't, it would fault. */
bool mlx5_mock_access(struct mlx5_mock *mock, u64 offset, u64 *address)
{
	bool reached = false;
	u64 mtt;

	spin_lock(&mock->lock);
	if (mock->enabled && !mock->destroyed && !mock_cut_off(mock)) {
		mtt = mock->mtt[offset >> mock->page_shift];
		reached = mtt & MLX5_IB_MTT_PRESENT;
		*address = (mtt & ~(u64)MLX5_IB_MTT_PRESENT) +
			   (offset & (BIT_ULL(mock->page_shift) - 1));
	}
	spin_unlock(&mock->lock);

	return reached;
}

/* Can the device reach anything? */
bool mlx5_mock_reaches(struct mlx5_mock *mock)
{
	bool reaches = false;
	unsigned int i;

	spin_lock(&mock->lock);
	if (mock->enabled && !mock->destroyed && !mock_cut_off(mock)) {
		for (i = 0; i < MOCK_MTTS && !reaches; i++)
			reaches = mock->mtt[i] & MLX5_IB_MTT_PRESENT;
	}
	spin_unlock(&mock->lock);

	return reaches;
}

struct mlx5_mock *mlx5_mock_create(struct kunit *test)
{
	struct mlx5_mock *mock = kunit_kzalloc(test, sizeof(*mock), GFP_KERNEL);
	struct mlx5_cache_ent *ent;
	struct mlx5_ib_dev *dev;
	struct mlx5_ib_mr *mr;
	unsigned int i;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, mock);
	mock->dev = vzalloc(sizeof(*mock->dev));
	mock->mdev = vzalloc(sizeof(*mock->mdev));
	mock->pci = kunit_kzalloc(test, sizeof(*mock->pci), GFP_KERNEL);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, mock->dev);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, mock->mdev);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, mock->pci);
	mock->pdev = platform_device_register_simple("mlx5-kunit", -1, NULL, 0);
	KUNIT_ASSERT_FALSE(test, IS_ERR(mock->pdev));
	dma_coerce_mask_and_coherent(&mock->pdev->dev, DMA_BIT_MASK(64));
	mock->pdev->dev.dma_parms = &mock->dma_parms;
	dma_set_max_seg_size(&mock->pdev->dev, SZ_2G);
	spin_lock_init(&mock->lock);

	mock->bus = kunit_kzalloc(test, sizeof(*mock->bus), GFP_KERNEL);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, mock->bus);
	mock->bus->ops = &mock_pci_ops;
	mock->pci->bus = mock->bus;
	mock->pci_command = PCI_COMMAND_MASTER;
	mock->pci->error_state = pci_channel_io_normal;
	mock->mdev->pdev = mock->pci;
	mock->mdev->state = MLX5_DEVICE_STATE_UP;
	mock->mdev->cmd.state = MLX5_CMDIF_STATE_DOWN;

	dev = mock->dev;
	dev->mdev = mock->mdev;
	dev->ib_dev.dma_device = &mock->pdev->dev;
	dev->ib_dev.dev.parent = &mock->pdev->dev;
	dev->ib_dev.ops.post_send = mock_post_send;
	dev->odp_caps.general_caps = IB_ODP_SUPPORT;
	/* Not looked into: there are page faults */
	dev->odp_pf_eq.core = (struct mlx5_eq *)mock;
	KUNIT_ASSERT_EQ(test, init_srcu_struct(&dev->odp_srcu), 0);
	xa_init(&dev->odp_mkeys);
	mutex_init(&dev->slow_path_mutex);

	mock->pd.ibpd.device = &dev->ib_dev;
	mock->umr_pd.ibpd.device = &dev->ib_dev;
	mock->qp.device = &dev->ib_dev;
	dev->umrc.pd = &mock->umr_pd.ibpd;
	dev->umrc.qp = &mock->qp;
	sema_init(&dev->umrc.sem, 1);

	for (i = 0; i < MAX_MR_CACHE_ENTRIES; i++) {
		ent = &dev->cache.ent[i];
		INIT_LIST_HEAD(&ent->head);
		spin_lock_init(&ent->lock);
		ent->order = i + 2;
		ent->dev = dev;
		ent->disabled = true;
	}

	mr = kzalloc(sizeof(*mr), GFP_KERNEL);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, mr);
	ent = mock_ent(mock);
	mr->dev = dev;
	mr->cache_ent = ent;
	mr->order = ent->order;
	mr->mmkey.key = MOCK_KEY;
	mr->mmkey.type = MLX5_MKEY_MR;
	list_add(&mr->list, &ent->head);
	ent->available_mrs = 1;
	ent->total_mrs = 1;
	the_mock = mock;
	mock_probe_start(mock);

	return mock;
}

void mlx5_mock_destroy(struct kunit *test, struct mlx5_mock *mock)
{
	struct mlx5_ib_dev *dev = mock->dev;

	KUNIT_EXPECT_TRUE(test, xa_empty(&dev->odp_mkeys));
	KUNIT_EXPECT_EQ(test, atomic_read(&mock->mdev->priv.reg_pages), 0);
	KUNIT_EXPECT_FALSE(test, mock->dead);
	KUNIT_EXPECT_FALSE(test, mlx5_mock_reaches(mock));
	mock_probe_stop(mock);
	mlx5_mock_empty_cache(mock);
	cleanup_srcu_struct(&dev->odp_srcu);
	platform_device_unregister(mock->pdev);
	vfree(mock->mdev);
	vfree(dev);
}
