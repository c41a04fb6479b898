// SPDX-License-Identifier: GPL-2.0
/*
 * Which fences of its buffers a job waits for, and what it holds meanwhile. Included by
 * vc4_gem.c, whose functions are tested without a device.
 */

#include <kunit/test.h>

#include <linux/dma-fence-check.h>
#include <linux/lockdep.h>
#include <linux/sched/signal.h>

#define USAGES (DMA_RESV_USAGE_BOOKKEEP + 1)
#define BUFFERS 3

/* The buffer with fences that somebody else added before */
#define SHARED 1

struct vc4_submit_fixture {
	struct vc4_dev vc4;
	struct drm_vc4_submit_cl args;
	struct vc4_exec_info exec;
	struct vc4_bo bos[BUFFERS];
	struct drm_gem_cma_object *bo[BUFFERS];
	struct ww_acquire_ctx ctx;
	struct dma_fence *before[USAGES];
	/* Of the waits: how many, and how many of them were as they should not be */
	unsigned int waits, locked, uninterruptible;
	unsigned int waited[USAGES];
};

static struct vc4_submit_fixture *vc4_submit_fix;
static spinlock_t vc4_submit_lock = __SPIN_LOCK_UNLOCKED(vc4_submit_lock);

static const char *vc4_submit_name(struct dma_fence *fence)
{
	return "vc4-test";
}

/* Signals as soon as somebody waits, and notes who that was */
static long vc4_submit_wait(struct dma_fence *fence, bool intr, long timeout)
{
	struct vc4_submit_fixture *fix = vc4_submit_fix;
	unsigned int i;

	fix->waits++;
	fix->uninterruptible += !intr;
	for (i = 0; i < BUFFERS; i++)
		fix->locked += dma_resv_is_locked(fix->bo[i]->base.resv);
	for (i = 0; i < USAGES; i++)
		fix->waited[i] += fence == fix->before[i];

	if (intr && signal_pending(current))
		return -ERESTARTSYS;

	dma_fence_signal(fence);

	return timeout;
}

static const struct dma_fence_ops vc4_submit_ops = {
	.get_driver_name = vc4_submit_name,
	.get_timeline_name = vc4_submit_name,
	.wait = vc4_submit_wait,
};

static struct dma_fence *vc4_submit_fence(struct kunit *test, u64 context)
{
	struct dma_fence *fence = kzalloc(sizeof(*fence), GFP_KERNEL);

	KUNIT_ASSERT_TRUE(test, fence);
	dma_fence_init(fence, &vc4_submit_ops, &vc4_submit_lock, context, 1);
	dma_fence_check_by_user(fence);

	return fence;
}

static void vc4_submit_add(struct kunit *test, unsigned int i,
			   struct dma_fence *fence, enum dma_resv_usage usage)
{
	struct vc4_submit_fixture *fix = test->priv;
	struct dma_resv *resv = fix->bo[i]->base.resv;

	dma_resv_lock(resv, NULL);
	KUNIT_ASSERT_EQ(test, dma_resv_reserve_fences(resv, 1), 0);
	dma_resv_add_fence(resv, fence, usage);
	dma_resv_unlock(resv);
}

/* A job of some buffers, one of which has an unsignaled fence of each usage */
static int vc4_submit_init(struct kunit *test)
{
	struct vc4_submit_fixture *fix = kunit_kzalloc(test, sizeof(*fix), GFP_KERNEL);
	enum dma_resv_usage u;
	unsigned int i;

	KUNIT_ASSERT_TRUE(test, fix);
	test->priv = fix;
	vc4_submit_fix = fix;

	fix->vc4.dma_fence_context = dma_fence_context_alloc(1);
	fix->args.color_read.hindex = ~0;
	fix->args.color_write.hindex = ~0;
	fix->args.zs_read.hindex = ~0;
	fix->args.zs_write.hindex = ~0;
	fix->args.msaa_color_write.hindex = ~0;
	fix->args.msaa_zs_write.hindex = ~0;
	fix->exec.args = &fix->args;
	fix->exec.bo = fix->bo;
	fix->exec.bo_count = BUFFERS;

	for (i = 0; i < BUFFERS; i++) {
		struct drm_gem_object *gem = &fix->bos[i].base.base;

		fix->bo[i] = &fix->bos[i].base;
		dma_resv_init(&gem->_resv);
		gem->resv = &gem->_resv;
	}
	for (u = 0; u < USAGES; u++) {
		fix->before[u] = vc4_submit_fence(test, dma_fence_context_alloc(1));
		vc4_submit_add(test, SHARED, fix->before[u], u);
	}

	return 0;
}

static void vc4_submit_exit(struct kunit *test)
{
	struct vc4_submit_fixture *fix = test->priv;
	enum dma_resv_usage u;
	unsigned int i;

	for (i = 0; i < BUFFERS; i++)
		dma_resv_fini(fix->bo[i]->base.resv);
	for (u = 0; u < USAGES; u++) {
		/* Nobody else keeps it by now */
		KUNIT_EXPECT_EQ(test, kref_read(&fix->before[u]->refcount), 1u);
		dma_fence_signal(fix->before[u]);
		dma_fence_put(fix->before[u]);
	}
	vc4_submit_fix = NULL;
}

static int vc4_submit_lock_bos(struct vc4_submit_fixture *fix)
{
	return vc4_lock_bo_reservations(&fix->vc4.base, &fix->exec, &fix->ctx);
}

static void vc4_submit_unlock_bos(struct vc4_submit_fixture *fix)
{
	vc4_unlock_bo_reservations(&fix->vc4.base, &fix->exec, &fix->ctx);
}

static void expect_unlocked(struct kunit *test)
{
	struct vc4_submit_fixture *fix = test->priv;
	unsigned int i;

	for (i = 0; i < BUFFERS; i++)
		KUNIT_EXPECT_FALSE(test,
				   dma_resv_is_locked(fix->bo[i]->base.resv));
}

/* Waits for @query, one after the other, with nothing locked; then the job can go */
static void expect_waits(struct kunit *test, enum dma_resv_usage query)
{
	struct vc4_submit_fixture *fix = test->priv;
	enum dma_resv_usage u;

	KUNIT_EXPECT_EQ(test, vc4_submit_lock_bos(fix), -EAGAIN);
	expect_unlocked(test);
	KUNIT_EXPECT_EQ(test, fix->waits, 0u);

	KUNIT_EXPECT_EQ(test, vc4_wait_for_others(&fix->vc4, &fix->exec), 0);
	for (u = 0; u < USAGES; u++)
		KUNIT_EXPECT_EQ_MSG(test, fix->waited[u], u <= query ? 1u : 0u,
				    "usage %d", u);
	KUNIT_EXPECT_EQ(test, fix->locked, 0u);
	KUNIT_EXPECT_EQ(test, fix->uninterruptible, 0u);

	KUNIT_ASSERT_EQ(test, vc4_submit_lock_bos(fix), 0);
	KUNIT_EXPECT_EQ(test, fix->waits, query + 1u);
	vc4_submit_unlock_bos(fix);
}

static void read_waits_for_write(struct kunit *test)
{
	struct vc4_submit_fixture *fix = test->priv;

	/* Another one is written, which has no fences */
	fix->args.color_write.hindex = SHARED - 1;
	fix->args.color_read.hindex = SHARED;
	fix->args.zs_read.hindex = SHARED;
	expect_waits(test, DMA_RESV_USAGE_WRITE);
}

static void color_write_waits_for_read(struct kunit *test)
{
	struct vc4_submit_fixture *fix = test->priv;

	fix->args.color_write.hindex = SHARED;
	expect_waits(test, DMA_RESV_USAGE_READ);
}

static void zs_write_waits_for_read(struct kunit *test)
{
	struct vc4_submit_fixture *fix = test->priv;

	fix->args.zs_write.hindex = SHARED;
	expect_waits(test, DMA_RESV_USAGE_READ);
}

static void msaa_color_write_waits_for_read(struct kunit *test)
{
	struct vc4_submit_fixture *fix = test->priv;

	fix->args.msaa_color_write.hindex = SHARED;
	expect_waits(test, DMA_RESV_USAGE_READ);
}

static void msaa_zs_write_waits_for_read(struct kunit *test)
{
	struct vc4_submit_fixture *fix = test->priv;

	fix->args.msaa_zs_write.hindex = SHARED;
	expect_waits(test, DMA_RESV_USAGE_READ);
}

/* They are executed in order anyway */
static void own_jobs_are_not_waited_for(struct kunit *test)
{
	struct vc4_submit_fixture *fix = test->priv;
	struct dma_fence *own = vc4_submit_fence(test, fix->vc4.dma_fence_context);

	vc4_submit_add(test, SHARED - 1, own, DMA_RESV_USAGE_WRITE);
	fix->args.color_write.hindex = SHARED - 1;
	expect_waits(test, DMA_RESV_USAGE_WRITE);
	KUNIT_EXPECT_FALSE(test, dma_fence_is_signaled(own));

	dma_fence_signal(own);
	dma_fence_put(own);
}

static void signal_ends_the_wait(struct kunit *test)
{
	struct vc4_submit_fixture *fix = test->priv;
	int ret;

	set_thread_flag(TIF_SIGPENDING);
	ret = vc4_wait_for_others(&fix->vc4, &fix->exec);
	clear_thread_flag(TIF_SIGPENDING);

	KUNIT_EXPECT_EQ(test, ret, -ERESTARTSYS);
	KUNIT_EXPECT_EQ(test, fix->waits, 1u);
}

/* Between the wait and the locks somebody has added one more */
static void late_fence_starts_over(struct kunit *test)
{
	struct vc4_submit_fixture *fix = test->priv;
	struct dma_fence *late = vc4_submit_fence(test, dma_fence_context_alloc(1));

	KUNIT_EXPECT_EQ(test, vc4_wait_for_others(&fix->vc4, &fix->exec), 0);
	vc4_submit_add(test, BUFFERS - 1, late, DMA_RESV_USAGE_KERNEL);
	KUNIT_EXPECT_EQ(test, vc4_submit_lock_bos(fix), -EAGAIN);
	expect_unlocked(test);

	KUNIT_EXPECT_EQ(test, vc4_wait_for_others(&fix->vc4, &fix->exec), 0);
	KUNIT_EXPECT_TRUE(test, dma_fence_is_signaled(late));
	KUNIT_ASSERT_EQ(test, vc4_submit_lock_bos(fix), 0);
	vc4_submit_unlock_bos(fix);
	KUNIT_EXPECT_EQ(test, fix->locked, 0u);

	dma_fence_put(late);
}

/* To lockdep the acquire context is one more lock that is held */
static void failure_ends_the_context(struct kunit *test)
{
#ifdef CONFIG_LOCKDEP
	struct vc4_submit_fixture *fix = test->priv;
	int depth = lockdep_depth(current);

	fix->bo[BUFFERS - 1] = fix->bo[0];
	KUNIT_EXPECT_EQ(test, vc4_submit_lock_bos(fix), -EALREADY);
	fix->bo[BUFFERS - 1] = &fix->bos[BUFFERS - 1].base;

	expect_unlocked(test);
	KUNIT_EXPECT_EQ(test, lockdep_depth(current), depth);
#else
	kunit_info(test, "says nothing without lockdep");
#endif
}

static struct kunit_case vc4_submit_cases[] = {
	KUNIT_CASE(read_waits_for_write),
	KUNIT_CASE(color_write_waits_for_read),
	KUNIT_CASE(zs_write_waits_for_read),
	KUNIT_CASE(msaa_color_write_waits_for_read),
	KUNIT_CASE(msaa_zs_write_waits_for_read),
	KUNIT_CASE(own_jobs_are_not_waited_for),
	KUNIT_CASE(signal_ends_the_wait),
	KUNIT_CASE(late_fence_starts_over),
	KUNIT_CASE(failure_ends_the_context),
	{}
};

static struct kunit_suite vc4_submit_suite = {
	.name = "vc4-submit",
	.init = vc4_submit_init,
	.exit = vc4_submit_exit,
	.test_cases = vc4_submit_cases,
};

kunit_test_suite(vc4_submit_suite);
