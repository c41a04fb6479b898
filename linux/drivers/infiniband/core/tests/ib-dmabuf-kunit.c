// SPDX-License-Identifier: GPL-2.0

#include "ib-dmabuf-kunit.h"

kunit_test_suites(&ib_umem_dmabuf_suite,
		  &ib_uverbs_dmabuf_suite);
