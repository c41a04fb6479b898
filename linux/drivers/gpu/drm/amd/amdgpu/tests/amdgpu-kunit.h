/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The suites, each in a file of its own.
 */
#ifndef _AMDGPU_TESTS_AMDGPU_KUNIT_H
#define _AMDGPU_TESTS_AMDGPU_KUNIT_H

#include <kunit/test.h>

extern struct kunit_suite amdgpu_sync_suite;
extern struct kunit_suite amdgpu_bo_suite;
extern struct kunit_suite amdgpu_vm_suite;
extern struct kunit_suite amdgpu_kfd_suite;
extern struct kunit_suite amdgpu_dma_buf_suite;

#endif /* _AMDGPU_TESTS_AMDGPU_KUNIT_H */
