/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The suites, each in a file of its own.
 */
#ifndef _DRM_TESTS_DRM_FENCE_KUNIT_H
#define _DRM_TESTS_DRM_FENCE_KUNIT_H

#include <kunit/test.h>

extern struct kunit_suite drm_fb_fence_suite;
extern struct kunit_suite drm_atomic_fence_suite;
extern struct kunit_suite drm_gem_fence_suite;

#endif /* _DRM_TESTS_DRM_FENCE_KUNIT_H */
