/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The suites, each in a file of its own.
 */
#ifndef _TTM_TESTS_TTM_KUNIT_H
#define _TTM_TESTS_TTM_KUNIT_H

#include <kunit/test.h>

extern struct kunit_suite ttm_move_suite;
extern struct kunit_suite ttm_evict_suite;
extern struct kunit_suite ttm_free_suite;
extern struct kunit_suite ttm_cpu_suite;
extern struct kunit_suite ttm_validate_suite;
extern struct kunit_suite ttm_legacy_suite;
extern struct kunit_suite ttm_check_suite;

#endif /* _TTM_TESTS_TTM_KUNIT_H */
