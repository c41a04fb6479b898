// SPDX-License-Identifier: GPL-2.0
/*
 * Reports of the run-time checker, wanted and unwanted.
 */

#include <linux/string.h>

#include "expect-report.h"

/* As there is one test at a time */
static unsigned int count_before;

/**
 * count_reports - how many reports there were, of any kind
 *
 * Return: the number since boot.
 */
unsigned int count_reports(void)
{
	enum dma_fence_check_kind kind;
	unsigned int n = 0;

	for (kind = 0; kind < DMA_FENCE_CHECK_KINDS; kind++)
		n += dma_fence_check_reports(kind);

	return n;
}

/**
 * expect_report_begin - from here on, a report is wanted
 * @kind: its kind
 */
void expect_report_begin(enum dma_fence_check_kind kind)
{
	count_before = count_reports();
	dma_fence_check_expect(kind, true);
}

/**
 * expect_report_end - up to here
 * @test: the test case, which fails if something else was reported
 * @kind: as it began
 * @count: how many reports there should have been
 * @text: what the first line of the last one says
 */
void expect_report_end(struct kunit *test, enum dma_fence_check_kind kind,
		       unsigned int count, const char *text)
{
	char last[256];

	dma_fence_check_expect(kind, false);

	KUNIT_EXPECT_EQ(test, count_reports() - count_before, count);
	dma_fence_check_last(last, sizeof(last));
	KUNIT_EXPECT_TRUE_MSG(test, strstr(last, text),
			      "'%s' is not in '%s'", text, last);
}
