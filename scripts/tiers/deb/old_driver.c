// SPDX-License-Identifier: GPL-2.0
/*
 * A driver outside the tree that was written for the interface of 5.10, for
 * ./resv test deb: builds against the package of headers, and says when it is loaded
 * whether an exclusive fence is what it was.
 */
#include <linux/dma-fence.h>
#include <linux/dma-resv.h>
#include <linux/module.h>

static int __init old_driver_init(void)
{
	struct dma_fence *fence = dma_fence_get_stub(), *excl;
	struct dma_resv resv;
	int ret;

	dma_resv_init(&resv);
	dma_resv_lock(&resv, NULL);
	ret = dma_resv_reserve_shared(&resv, 1);
	if (!ret)
		dma_resv_add_shared_fence(&resv, fence);
	dma_resv_add_excl_fence(&resv, fence);
	dma_resv_unlock(&resv);

	excl = dma_resv_get_excl_rcu(&resv);
	pr_info("old driver: %s\n", ret ? "no slot" :
		excl && !dma_fence_is_signaled(excl) ? "busy" :
		dma_resv_test_signaled_rcu(&resv, true) ? "idle" : "lost");
	dma_fence_put(excl);
	dma_fence_put(fence);
	dma_resv_fini(&resv);

	return ret;
}
module_init(old_driver_init);

static void __exit old_driver_exit(void)
{
}
module_exit(old_driver_exit);

MODULE_DESCRIPTION("A driver for the interface of 5.10");
MODULE_LICENSE("GPL");
