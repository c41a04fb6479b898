// SPDX-License-Identifier: GPL-2.0
/*
 * All the suites make up one module.
 */

#include <linux/module.h>

#include "drm-fence-kunit.h"

kunit_test_suites(&drm_fb_fence_suite,
		  &drm_atomic_fence_suite,
		  &drm_gem_fence_suite);

MODULE_DESCRIPTION("KUnit tests for the fences of DRM's helpers");
MODULE_LICENSE("GPL v2");
