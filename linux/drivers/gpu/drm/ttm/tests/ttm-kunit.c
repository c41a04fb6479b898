// SPDX-License-Identifier: GPL-2.0
/*
 * All the suites make up one module.
 */

#include <linux/module.h>

#include "ttm-kunit.h"

kunit_test_suites(&ttm_move_suite,
#ifdef CONFIG_DMABUF_CHECK
		  &ttm_check_suite,
#endif
		  &ttm_evict_suite,
		  &ttm_free_suite,
		  &ttm_cpu_suite,
		  &ttm_validate_suite,
		  &ttm_legacy_suite);

MODULE_DESCRIPTION("KUnit tests for the fences of TTM");
MODULE_LICENSE("GPL v2");
