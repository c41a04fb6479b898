// SPDX-License-Identifier: GPL-2.0
/*
 * The suites, which are part of the driver, as they look into it.
 */

#include "amdgpu-kunit.h"

kunit_test_suites(&amdgpu_sync_suite,
		  &amdgpu_bo_suite,
		  &amdgpu_vm_suite,
		  &amdgpu_kfd_suite,
		  &amdgpu_dma_buf_suite);
