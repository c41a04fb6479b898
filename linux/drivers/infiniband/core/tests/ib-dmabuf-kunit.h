/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The suites, each in a file of its own.
 */
#ifndef _IB_TESTS_IB_DMABUF_KUNIT_H
#define _IB_TESTS_IB_DMABUF_KUNIT_H

#include <kunit/test.h>

extern struct kunit_suite ib_umem_dmabuf_suite;
extern struct kunit_suite ib_uverbs_dmabuf_suite;

#endif /* _IB_TESTS_IB_DMABUF_KUNIT_H */
