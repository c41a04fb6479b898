// SPDX-License-Identifier: GPL-2.0
/*
 * CPU access to a buffer waits like a reader, or like a writer.
 */

#include <linux/err.h>
#include <linux/jiffies.h>

#include "dmabuf-kunit.h"
#include "mock-dmabuf.h"
#include "resv-fixture.h"

static void access_waits(struct kunit *test, enum dma_resv_usage added,
			 enum dma_data_direction direction,
			 enum dma_resv_usage query)
{
	bool signaled, want = resv_query_yields(query, added);
	struct dma_fence *fence = resv_new_fence(test);
	struct mock_signaler signaler;
	struct dma_buf *dmabuf;
	int ret;

	dmabuf = mock_dmabuf_export();
	KUNIT_ASSERT_FALSE(test, IS_ERR(dmabuf));
	resv_add(test, dmabuf->resv, fence, added);

	/* Soon if it has to be waited for, and late if that is a mistake */
	mock_signal_later(&signaler, fence, want ? HZ / 20 : 3 * HZ);
	ret = dma_buf_begin_cpu_access(dmabuf, direction);
	signaled = dma_fence_is_signaled(fence);
	mock_signal_end(&signaler);
	dma_buf_end_cpu_access(dmabuf, direction);

	KUNIT_EXPECT_EQ(test, ret, 0);
	KUNIT_EXPECT_EQ(test, signaled, want);
	mock_dmabuf_close(dmabuf);
	KUNIT_EXPECT_EQ(test, kref_read(&fence->refcount), 1u);
}

/* From the device: the CPU reads what it wrote */
static void cpu_read_of_usage(struct kunit *test, enum dma_resv_usage added)
{
	access_waits(test, added, DMA_FROM_DEVICE, DMA_RESV_USAGE_WRITE);
}

RESV_PER_USAGE(cpu_read_of);

static void cpu_write_of_usage(struct kunit *test, enum dma_resv_usage added)
{
	access_waits(test, added, DMA_TO_DEVICE, DMA_RESV_USAGE_READ);
}

RESV_PER_USAGE(cpu_write_of);

static void cpu_read_and_write_of_usage(struct kunit *test, enum dma_resv_usage added)
{
	access_waits(test, added, DMA_BIDIRECTIONAL, DMA_RESV_USAGE_READ);
}

RESV_PER_USAGE(cpu_read_and_write_of);

/* The buffer is closed, its fences are let go of */
static void close_drops_fences(struct kunit *test)
{
	enum dma_resv_usage usage;
	struct dma_fence *fence;
	struct dma_buf *dmabuf;

	dmabuf = mock_dmabuf_export();
	KUNIT_ASSERT_FALSE(test, IS_ERR(dmabuf));
	for (usage = 0; usage < RESV_USAGES; usage++) {
		fence = mock_fence_create(dma_fence_context_alloc(1), 1);
		KUNIT_ASSERT_TRUE(test, fence);
		resv_add(test, dmabuf->resv, fence, usage);
		dma_fence_put(fence);
	}
	KUNIT_EXPECT_EQ(test, mock_fence_live(), (unsigned int)RESV_USAGES);
	mock_dmabuf_close(dmabuf);
	KUNIT_EXPECT_EQ(test, mock_fence_live(), 0u);
}

/* Who maps and never looks at the fences is given the memory when it is in place */
static void mapping_of_usage(struct kunit *test, enum dma_resv_usage added)
{
	bool signaled, want = resv_query_yields(DMA_RESV_USAGE_KERNEL, added);
	struct dma_fence *fence = resv_new_fence(test);
	struct dma_buf_attachment *attachment;
	struct mock_signaler signaler;
	struct device importer = {};
	struct sg_table *table;
	struct dma_buf *dmabuf;

	dmabuf = mock_dmabuf_export();
	KUNIT_ASSERT_FALSE(test, IS_ERR(dmabuf));
	attachment = dma_buf_attach(dmabuf, &importer);
	KUNIT_ASSERT_FALSE(test, IS_ERR(attachment));
	resv_add(test, dmabuf->resv, fence, added);

	mock_signal_later(&signaler, fence, want ? HZ / 20 : 3 * HZ);
	table = dma_buf_map_attachment(attachment, DMA_BIDIRECTIONAL);
	signaled = dma_fence_is_signaled(fence);
	mock_signal_end(&signaler);

	KUNIT_EXPECT_FALSE(test, IS_ERR(table));
	KUNIT_EXPECT_EQ(test, signaled, want);
	if (!IS_ERR(table))
		dma_buf_unmap_attachment(attachment, table, DMA_BIDIRECTIONAL);
	dma_buf_detach(dmabuf, attachment);
	mock_dmabuf_close(dmabuf);
}

RESV_PER_USAGE(mapping_of);

static struct kunit_case dma_buf_access_cases[] = {
	KUNIT_CASE(cpu_read_of_kernel),
	KUNIT_CASE(cpu_read_of_write),
	KUNIT_CASE(cpu_read_of_read),
	KUNIT_CASE(cpu_read_of_bookkeep),
	KUNIT_CASE(cpu_write_of_kernel),
	KUNIT_CASE(cpu_write_of_write),
	KUNIT_CASE(cpu_write_of_read),
	KUNIT_CASE(cpu_write_of_bookkeep),
	KUNIT_CASE(cpu_read_and_write_of_kernel),
	KUNIT_CASE(cpu_read_and_write_of_write),
	KUNIT_CASE(cpu_read_and_write_of_read),
	KUNIT_CASE(cpu_read_and_write_of_bookkeep),
	KUNIT_CASE(close_drops_fences),
	KUNIT_CASE(mapping_of_kernel),
	KUNIT_CASE(mapping_of_write),
	KUNIT_CASE(mapping_of_read),
	KUNIT_CASE(mapping_of_bookkeep),
	{}
};

struct kunit_suite dma_buf_access_suite = {
	.name = "dma-buf-access",
	.init = resv_fixture_init,
	.exit = resv_fixture_exit,
	.test_cases = dma_buf_access_cases,
};
