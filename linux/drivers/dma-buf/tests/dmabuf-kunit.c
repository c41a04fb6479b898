// SPDX-License-Identifier: GPL-2.0
/*
 * All the suites make up one module.
 */

#include <linux/module.h>

#include "dmabuf-kunit.h"

kunit_test_suites(&dma_resv_usage_suite,
		  &dma_resv_add_suite,
		  &dma_resv_replace_suite,
		  &dma_resv_snapshot_suite,
		  &dma_resv_iter_suite,
		  &dma_resv_wait_suite,
		  &dma_resv_oom_suite,
		  &dma_resv_mistake_suite,
		  &dma_resv_legacy_suite,
		  &dma_resv_torture_suite,
		  &dma_resv_trace_suite,
		  &dma_fence_leaves_suite,
		  &dma_buf_access_suite,
		  &dma_buf_poll_suite);

MODULE_DESCRIPTION("KUnit tests for dma-buf");
MODULE_LICENSE("GPL v2");
