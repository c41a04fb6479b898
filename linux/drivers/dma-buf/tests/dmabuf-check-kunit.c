// SPDX-License-Identifier: GPL-2.0
/*
 * The suites for the run-time checker make up one module, where it is configured.
 */

#include <linux/module.h>

#include "dmabuf-kunit.h"

kunit_test_suites(&dma_fence_check_graph_suite,
		  &dma_fence_section_suite,
		  &dma_resv_check_suite,
		  &dma_resv_mapped_suite);

MODULE_DESCRIPTION("KUnit tests for the run-time checker of fences");
MODULE_LICENSE("GPL v2");
