/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Reports of the run-time checker, wanted and unwanted.
 */
#ifndef _DMABUF_TESTS_EXPECT_REPORT_H
#define _DMABUF_TESTS_EXPECT_REPORT_H

#include <kunit/test.h>

#include "../dma-fence-check.h"

unsigned int count_reports(void);

void expect_report_begin(enum dma_fence_check_kind kind);
void expect_report_end(struct kunit *test, enum dma_fence_check_kind kind,
		       unsigned int count, const char *text);

/**
 * EXPECT_REPORT - expect a statement to be reported
 * @test: the test case
 * @kind: the kind of report
 * @text: what its first line says
 * @statement: what is reported, once
 */
#define EXPECT_REPORT(test, kind, text, statement)			\
do {									\
	expect_report_begin(kind);					\
	statement;							\
	expect_report_end(test, kind, 1, text);				\
} while (0)

#endif /* _DMABUF_TESTS_EXPECT_REPORT_H */
