/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the suites for reservation objects have in common.
 */
#ifndef _DMABUF_TESTS_RESV_FIXTURE_H
#define _DMABUF_TESTS_RESV_FIXTURE_H

#include <kunit/test.h>

#include <linux/dma-resv.h>
#include <linux/list.h>

#include "mock-fence.h"

#define RESV_USAGES	(DMA_RESV_USAGE_BOOKKEEP + 1)

/**
 * struct resv_fixture - what a test case has at hand
 * @obj: a reservation object, empty at first
 * @fences: the fences that were made for the test case, each with a reference
 */
struct resv_fixture {
	struct dma_resv obj;
	struct list_head fences;
};

/**
 * struct resv_entry - a fence that is, or should be, in an object
 * @fence: the fence
 * @usage: its usage
 */
struct resv_entry {
	struct dma_fence *fence;
	enum dma_resv_usage usage;
};

int resv_fixture_init(struct kunit *test);
void resv_fixture_exit(struct kunit *test);

static inline struct dma_resv *resv_obj(struct kunit *test)
{
	struct resv_fixture *fixture = test->priv;

	return &fixture->obj;
}

const char *resv_usage_name(enum dma_resv_usage usage);
bool resv_query_yields(enum dma_resv_usage query, enum dma_resv_usage added);

struct dma_fence *resv_keep_fence(struct kunit *test, struct dma_fence *fence);
struct dma_fence *resv_new_fence(struct kunit *test);
struct dma_fence *resv_new_fence_on(struct kunit *test, u64 context, u64 seqno);
struct dma_fence *resv_new_polled_fence(struct kunit *test);

void resv_lock(struct kunit *test, struct dma_resv *obj);
void resv_add(struct kunit *test, struct dma_resv *obj, struct dma_fence *fence,
	      enum dma_resv_usage usage);
struct dma_fence *resv_add_new(struct kunit *test, enum dma_resv_usage usage);
void resv_replace(struct kunit *test, struct dma_resv *obj, u64 context,
		  struct dma_fence *fence, enum dma_resv_usage usage);

void resv_expect(struct kunit *test, struct dma_resv *obj,
		 const struct resv_entry *want, unsigned int count, int line);

/**
 * RESV_EXPECT - expect an object to hold these unsignaled fences and no others
 * @test: the test case
 * @obj: the object, not locked
 * @...: initializers of &struct resv_entry, in any order
 */
#define RESV_EXPECT(test, obj, ...)					\
	resv_expect(test, obj, (const struct resv_entry []){ __VA_ARGS__ }, \
		    sizeof((const struct resv_entry []){ __VA_ARGS__ }) / \
		    sizeof(struct resv_entry), __LINE__)

#define RESV_EXPECT_EMPTY(test, obj) resv_expect(test, obj, NULL, 0, __LINE__)

/**
 * RESV_PER_USAGE - make a test case for each usage out of one function
 * @check: name of the function without its ending, which is _usage; it takes the
 *	   test case and a usage
 */
#define RESV_PER_USAGE(check)						\
static void check##_kernel(struct kunit *test)				\
{									\
	check##_usage(test, DMA_RESV_USAGE_KERNEL);			\
}									\
static void check##_write(struct kunit *test)				\
{									\
	check##_usage(test, DMA_RESV_USAGE_WRITE);			\
}									\
static void check##_read(struct kunit *test)				\
{									\
	check##_usage(test, DMA_RESV_USAGE_READ);			\
}									\
static void check##_bookkeep(struct kunit *test)			\
{									\
	check##_usage(test, DMA_RESV_USAGE_BOOKKEEP);			\
}

#endif /* _DMABUF_TESTS_RESV_FIXTURE_H */
