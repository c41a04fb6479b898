/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The suites, each in a file of its own.
 */
#ifndef _DMABUF_TESTS_DMABUF_KUNIT_H
#define _DMABUF_TESTS_DMABUF_KUNIT_H

#include <kunit/test.h>

extern struct kunit_suite dma_resv_usage_suite;
extern struct kunit_suite dma_resv_add_suite;
extern struct kunit_suite dma_resv_replace_suite;
extern struct kunit_suite dma_resv_snapshot_suite;
extern struct kunit_suite dma_resv_iter_suite;
extern struct kunit_suite dma_resv_wait_suite;
extern struct kunit_suite dma_resv_oom_suite;
extern struct kunit_suite dma_resv_mistake_suite;
extern struct kunit_suite dma_resv_legacy_suite;
extern struct kunit_suite dma_resv_torture_suite;
extern struct kunit_suite dma_resv_trace_suite;
extern struct kunit_suite dma_fence_leaves_suite;
extern struct kunit_suite dma_buf_access_suite;
extern struct kunit_suite dma_buf_poll_suite;

/* Those that need the run-time checker */
extern struct kunit_suite dma_fence_check_graph_suite;
extern struct kunit_suite dma_resv_check_suite;
extern struct kunit_suite dma_resv_mapped_suite;
extern struct kunit_suite dma_fence_section_suite;

#endif /* _DMABUF_TESTS_DMABUF_KUNIT_H */
