// SPDX-License-Identifier: GPL-2.0
/*
 * How long radeon waits until a buffer is where it was moved to. Included by
 * radeon_object.c, whose functions are tested without a device.
 */

#include <kunit/test.h>

#include <linux/dma-fence-check.h>

#define USAGES (DMA_RESV_USAGE_BOOKKEEP + 1)

struct radeon_bo_fixture {
	struct radeon_bo bo;
	struct dma_fence *fences[USAGES];
	/* What the wait of a fence returns; positive: it signals */
	long result;
	/* Waits for fences of each usage, and the longest of all */
	unsigned int waits[USAGES];
	long timeout;
};

static struct radeon_bo_fixture *radeon_bo_fix;
static spinlock_t radeon_bo_test_lock = __SPIN_LOCK_UNLOCKED(radeon_bo_test_lock);

static const char *radeon_bo_test_name(struct dma_fence *fence)
{
	return "radeon-test";
}

static long radeon_bo_test_wait(struct dma_fence *fence, bool intr, long timeout)
{
	struct radeon_bo_fixture *fix = radeon_bo_fix;
	enum dma_resv_usage u;

	for (u = 0; u < USAGES; u++)
		fix->waits[u] += fence == fix->fences[u];
	fix->timeout = max(fix->timeout, timeout);
	if (fix->result > 0)
		dma_fence_signal(fence);

	return fix->result;
}

static const struct dma_fence_ops radeon_bo_test_ops = {
	.get_driver_name = radeon_bo_test_name,
	.get_timeline_name = radeon_bo_test_name,
	.wait = radeon_bo_test_wait,
};

/* A buffer with an unsignaled fence of each usage */
static int radeon_bo_test_init(struct kunit *test)
{
	struct radeon_bo_fixture *fix = kunit_kzalloc(test, sizeof(*fix), GFP_KERNEL);
	struct drm_gem_object *gem = &fix->bo.tbo.base;
	enum dma_resv_usage u;

	KUNIT_ASSERT_TRUE(test, fix);
	test->priv = fix;
	radeon_bo_fix = fix;

	dma_resv_init(&gem->_resv);
	gem->resv = &gem->_resv;
	dma_resv_lock(gem->resv, NULL);
	KUNIT_ASSERT_EQ(test, dma_resv_reserve_fences(gem->resv, USAGES), 0);
	for (u = 0; u < USAGES; u++) {
		struct dma_fence *fence = kzalloc(sizeof(*fence), GFP_KERNEL);

		KUNIT_ASSERT_TRUE(test, fence);
		dma_fence_init(fence, &radeon_bo_test_ops, &radeon_bo_test_lock,
			       dma_fence_context_alloc(1), 1);
		dma_fence_check_by_user(fence);
		dma_resv_add_fence(gem->resv, fence, u);
		fix->fences[u] = fence;
	}

	return 0;
}

static void radeon_bo_test_exit(struct kunit *test)
{
	struct radeon_bo_fixture *fix = test->priv;
	struct dma_resv *resv = fix->bo.tbo.base.resv;
	enum dma_resv_usage u;

	dma_resv_unlock(resv);
	for (u = 0; u < USAGES; u++) {
		dma_fence_signal(fix->fences[u]);
		dma_fence_put(fix->fences[u]);
	}
	dma_resv_fini(resv);
	radeon_bo_fix = NULL;
}

static void move_is_waited_for(struct kunit *test)
{
	struct radeon_bo_fixture *fix = test->priv;
	enum dma_resv_usage u;

	fix->result = 1;
	KUNIT_EXPECT_EQ(test, radeon_bo_wait_move(&fix->bo), 0);
	for (u = 0; u < USAGES; u++)
		KUNIT_EXPECT_EQ_MSG(test, fix->waits[u],
				    u == DMA_RESV_USAGE_KERNEL ? 1u : 0u,
				    "usage %d", u);
}

/* To a caller in the modeset core that is a conflict of locks */
static void lockup_is_no_deadlock(struct kunit *test)
{
	struct radeon_bo_fixture *fix = test->priv;

	fix->result = -EDEADLK;
	KUNIT_EXPECT_EQ(test, radeon_bo_wait_move(&fix->bo), -EBUSY);
}

static void wait_has_a_limit(struct kunit *test)
{
	struct radeon_bo_fixture *fix = test->priv;

	fix->result = 0;
	KUNIT_EXPECT_EQ(test, radeon_bo_wait_move(&fix->bo), -EBUSY);
	KUNIT_EXPECT_EQ(test, fix->waits[DMA_RESV_USAGE_KERNEL], 1u);
	KUNIT_EXPECT_LE(test, fix->timeout, 15l * HZ);
}

static struct kunit_case radeon_bo_cases[] = {
	KUNIT_CASE(move_is_waited_for),
	KUNIT_CASE(lockup_is_no_deadlock),
	KUNIT_CASE(wait_has_a_limit),
	{}
};

static struct kunit_suite radeon_bo_suite = {
	.name = "radeon-bo",
	.init = radeon_bo_test_init,
	.exit = radeon_bo_test_exit,
	.test_cases = radeon_bo_cases,
};

kunit_test_suite(radeon_bo_suite);
