/* SPDX-License-Identifier: GPL-2.0 */
/*
 * As much of an mlx5 device as memory regions need: the send queue that they are
 * changed through, and one mkey in the cache. Its command interface is down, but
 * for the command that destroys the mkey.
 */
#ifndef _MLX5_TESTS_MLX5_MOCK_H
#define _MLX5_TESTS_MLX5_MOCK_H

#include <kunit/test.h>

#include <linux/platform_device.h>

#include "mlx5_ib.h"

/* More than the emergency page has room for */
#define MOCK_MTTS	1024
#define MOCK_KEY	0x4200

/**
 * struct mlx5_mock - the device
 * @dev: for the RDMA driver
 * @mdev: for the core driver
 * @pci: that it was found on
 * @bus: where that is
 * @pci_command: what may be done there
 * @pdev: that DMA is mapped for
 * @dma_parms: of @pdev
 * @pd: the protection domain of the test
 * @umr_pd: that of the device itself
 * @qp: the send queue
 * @enabled: the mkey may be used
 * @mtt: its translation
 * @page_shift: its page size
 * @lock: serializes what the device looks at
 * @posted: how many requests there were
 * @refuse_at: the one that can't be posted, 0 for none
 * @fail_at: the one to fail, 0 for none
 * @dead: one did, and so does each that follows
 * @commands: the mkey can be destroyed. Needs CONFIG_KPROBES
 * @destroyed: it was
 * @destroy_error: errno that this fails with
 * @asked: how often it was asked for
 */
struct mlx5_mock {
	struct mlx5_ib_dev *dev;
	struct mlx5_core_dev *mdev;
	struct pci_dev *pci;
	struct pci_bus *bus;
	u16 pci_command;
	struct platform_device *pdev;
	struct device_dma_parameters dma_parms;
	struct mlx5_ib_pd pd;
	struct mlx5_ib_pd umr_pd;
	struct ib_qp qp;
	bool enabled;
	u64 mtt[MOCK_MTTS];
	unsigned int page_shift;
	spinlock_t lock; /* for the members above it */
	unsigned int posted;
	unsigned int refuse_at;
	unsigned int fail_at;
	bool dead;
	bool commands;
	bool destroyed;
	int destroy_error;
	unsigned int asked;
};

struct mlx5_mock *mlx5_mock_create(struct kunit *test);
void mlx5_mock_destroy(struct kunit *test, struct mlx5_mock *mock);
bool mlx5_mock_has_key(struct mlx5_mock *mock);
void mlx5_mock_empty_cache(struct mlx5_mock *mock);
bool mlx5_mock_reaches(struct mlx5_mock *mock);
bool mlx5_mock_access(struct mlx5_mock *mock, u64 offset, u64 *address);

#endif /* _MLX5_TESTS_MLX5_MOCK_H */
