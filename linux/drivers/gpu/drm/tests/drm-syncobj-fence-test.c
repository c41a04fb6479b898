// SPDX-License-Identifier: GPL-2.0
/*
 * Timelines that user space moves into each other.
 */

#include <drm/drm_drv.h>
#include <drm/drm_file.h>
#include <drm/drm_syncobj.h>
#include <linux/dma-fence-array.h>
#include <linux/dma-fence-chain.h>
#include <linux/dma-fence-leaves.h>
#include <linux/idr.h>
#include <linux/module.h>

#include "../drm_internal.h"
#include "resv-fixture.h"

static struct drm_driver syncobj_driver = {
	.driver_features = DRIVER_SYNCOBJ | DRIVER_SYNCOBJ_TIMELINE,
};

/* All that a transfer wants of a device and a file, and two syncobjs */
struct syncobj_test {
	struct drm_device dev;
	struct drm_file file;
	struct drm_syncobj *objs[2];
	u32 handles[2];
};

static struct syncobj_test *syncobj_test_begin(struct kunit *test)
{
	struct syncobj_test *t;
	unsigned int i;

	t = kunit_kzalloc(test, sizeof(*t), GFP_KERNEL);
	KUNIT_ASSERT_TRUE(test, t);
	t->dev.driver = &syncobj_driver;
	t->dev.driver_features = ~0u;
	drm_syncobj_open(&t->file);
	for (i = 0; i < ARRAY_SIZE(t->objs); i++) {
		KUNIT_ASSERT_EQ(test, drm_syncobj_create(&t->objs[i], 0, NULL),
				0);
		KUNIT_ASSERT_EQ(test, drm_syncobj_get_handle(&t->file,
							     t->objs[i],
							     &t->handles[i]), 0);
	}

	return t;
}

static void syncobj_test_end(struct syncobj_test *t)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(t->objs); i++)
		drm_syncobj_put(t->objs[i]);
	drm_syncobj_release(&t->file);
}

static void transfer(struct kunit *test, struct syncobj_test *t,
		     unsigned int from, unsigned int to, u64 point)
{
	struct drm_syncobj_transfer args = {
		.src_handle = t->handles[from],
		.dst_handle = t->handles[to],
		.dst_point = point,
	};

	KUNIT_EXPECT_EQ(test, drm_syncobj_transfer_ioctl(&t->dev, &args,
							 &t->file), 0);
}

/* Whoever does that twenty times makes a million ways from the last point to a fence */
static void transferred_timelines_do_not_nest(struct kunit *test)
{
	struct dma_fence *want[2], *head, *node, *fence, **leaves;
	struct syncobj_test *t = syncobj_test_begin(test);
	unsigned int i, j, count, nested = 0, nodes = 0;
	struct dma_fence_array *array;

	for (i = 0; i < 2; i++) {
		want[i] = resv_new_fence(test);
		drm_syncobj_replace_fence(t->objs[i], want[i]);
	}
	for (i = 1; i <= 20; i++) {
		transfer(test, t, 0, 1, i);
		transfer(test, t, 1, 0, i);
	}

	head = drm_syncobj_fence_get(t->objs[0]);
	dma_fence_chain_for_each(node, head) {
		nodes++;
		fence = dma_fence_chain_contained(node);
		array = to_dma_fence_array(fence);
		nested += dma_fence_is_chain(fence);
		for (j = 0; array && j < array->num_fences; j++)
			nested += dma_fence_is_container(array->fences[j]);
	}
	KUNIT_EXPECT_EQ(test, nested, 0u);
	KUNIT_EXPECT_GE(test, nodes, 20u);

	/* Nothing got lost by that */
	KUNIT_EXPECT_EQ(test, dma_fence_get_leaves(&head, 1, &leaves, &count), 0);
	KUNIT_EXPECT_EQ(test, count, 2u);
	dma_fence_put_all(leaves, count);

	dma_fence_enable_sw_signaling(head);
	dma_fence_signal(want[0]);
	KUNIT_EXPECT_FALSE(test, dma_fence_is_signaled(head));
	dma_fence_signal(want[1]);
	KUNIT_EXPECT_GT(test, dma_fence_wait_timeout(head, false, HZ), 0L);
	dma_fence_put(head);
	syncobj_test_end(t);
}

static void plain_fence_is_transferred_as_it_is(struct kunit *test)
{
	struct syncobj_test *t = syncobj_test_begin(test);
	struct dma_fence *want = resv_new_fence(test), *head;

	drm_syncobj_replace_fence(t->objs[0], want);
	transfer(test, t, 0, 1, 5);
	head = drm_syncobj_fence_get(t->objs[1]);
	KUNIT_EXPECT_PTR_EQ(test, dma_fence_chain_contained(head), want);
	KUNIT_EXPECT_EQ(test, head->seqno, 5ULL);
	dma_fence_put(head);
	syncobj_test_end(t);
}

static struct kunit_case drm_syncobj_fence_cases[] = {
	KUNIT_CASE(transferred_timelines_do_not_nest),
	KUNIT_CASE(plain_fence_is_transferred_as_it_is),
	{}
};

static struct kunit_suite drm_syncobj_fence_suite = {
	.name = "drm-syncobj-fence",
	.init = resv_fixture_init,
	.exit = resv_fixture_exit,
	.test_cases = drm_syncobj_fence_cases,
};

kunit_test_suites(&drm_syncobj_fence_suite);

MODULE_DESCRIPTION("KUnit tests for the fences of DRM's sync objects");
MODULE_LICENSE("GPL v2");
