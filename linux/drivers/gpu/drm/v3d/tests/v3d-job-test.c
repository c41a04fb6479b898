// SPDX-License-Identifier: GPL-2.0+
/*
 * What becomes of a bin job and its fence when it runs, runs again, or hangs, and of
 * the power if a job can't be set up. Included by v3d_gem.c; memory takes the place
 * of the registers.
 */

#include <kunit/test.h>

#include <linux/delay.h>
#include <linux/pm_domain.h>
#include <linux/sizes.h>

#define LONG_ENOUGH	(10 * HZ)
#define A_WHILE		100

struct v3d_fixture {
	struct v3d_dev v3d;
	struct drm_sched_entity entity;
	struct platform_device *pdev;
	struct dev_pm_domain domain;
	atomic_t freed;
};

static void v3d_test_no_work(struct work_struct *work)
{
}

static int v3d_test_no_resume(struct device *dev)
{
	return -EIO;
}

static int v3d_test_init(struct kunit *test)
{
	struct v3d_fixture *fix = kunit_kzalloc(test, sizeof(*fix), GFP_KERNEL);
	struct drm_gpu_scheduler *sched;
	struct v3d_dev *v3d;
	void *regs;
	int i;

	KUNIT_ASSERT_TRUE(test, fix);
	test->priv = fix;
	v3d = &fix->v3d;
	regs = kunit_kzalloc(test, SZ_64K, GFP_KERNEL);
	KUNIT_ASSERT_TRUE(test, regs);
	v3d->hub_regs = (__force void __iomem *)regs;
	v3d->core_regs[0] = v3d->hub_regs + SZ_16K;
	v3d->bridge_regs = v3d->hub_regs + 2 * SZ_16K;
	v3d->ver = 41;
	v3d->cores = 1;
	V3D_BRIDGE_WRITE(V3D_TOP_GR_BRIDGE_REVISION,
			 V3D_SET_FIELD(7, V3D_TOP_GR_BRIDGE_MAJOR));
	INIT_WORK(&v3d->overflow_mem_work, v3d_test_no_work);
	spin_lock_init(&v3d->job_lock);
	mutex_init(&v3d->reset_lock);
	mutex_init(&v3d->cache_clean_lock);

	fix->pdev = platform_device_register_simple("kunit-v3d",
						    PLATFORM_DEVID_NONE, NULL, 0);
	KUNIT_ASSERT_FALSE(test, IS_ERR(fix->pdev));
	v3d->drm.dev = &fix->pdev->dev;
	pm_runtime_enable(v3d->drm.dev);

	for (i = 0; i < V3D_MAX_QUEUES; i++)
		v3d->queue[i].fence_context = dma_fence_context_alloc(1);
	KUNIT_ASSERT_EQ(test, v3d_sched_init(v3d), 0);
	sched = &v3d->queue[V3D_BIN].sched;
	sched->timeout = 60 * HZ;
	KUNIT_ASSERT_EQ(test, drm_sched_entity_init(&fix->entity,
						    DRM_SCHED_PRIORITY_NORMAL,
						    &sched, 1, NULL), 0);

	return 0;
}

static void v3d_test_exit(struct kunit *test)
{
	struct v3d_fixture *fix = test->priv;
	struct device *dev = fix->v3d.drm.dev;

	drm_sched_entity_destroy(&fix->entity);
	v3d_sched_fini(&fix->v3d);
	KUNIT_EXPECT_EQ(test, atomic_read(&dev->power.usage_count), 0);
	pm_runtime_disable(dev);
	dev_pm_domain_set(dev, NULL);
	platform_device_unregister(fix->pdev);
}

static void v3d_test_free(struct kref *ref)
{
	struct v3d_job *job = container_of(ref, struct v3d_job, refcount);
	struct v3d_fixture *fix = container_of(job->v3d, struct v3d_fixture, v3d);

	v3d_fence_put(job->irq_fence);
	dma_fence_put(job->done_fence);
	kfree(container_of(job, struct v3d_bin_job, base));
	atomic_inc(&fix->freed);
}

static struct v3d_bin_job *v3d_test_job(struct kunit *test)
{
	struct v3d_fixture *fix = test->priv;
	struct v3d_bin_job *bin = kzalloc(sizeof(*bin), GFP_KERNEL);

	KUNIT_ASSERT_TRUE(test, bin);
	bin->base.v3d = &fix->v3d;
	bin->base.free = v3d_test_free;
	kref_init(&bin->base.refcount);
	xa_init_flags(&bin->base.deps, XA_FLAGS_ALLOC);
	bin->base.irq_fence = v3d_fence_alloc();
	KUNIT_ASSERT_TRUE(test, bin->base.irq_fence);
	bin->end = 42;
	KUNIT_ASSERT_EQ(test, drm_sched_job_init(&bin->base.base, &fix->entity,
						 NULL), 0);

	return bin;
}

/* Has a bin job been written to the registers? */
static bool v3d_test_take(struct v3d_fixture *fix)
{
	struct v3d_dev *v3d = &fix->v3d;

	if (V3D_CORE_READ(0, V3D_CLE_CT0QEA) != 42)
		return false;

	V3D_CORE_WRITE(0, V3D_CLE_CT0QEA, 0);

	return true;
}

static bool v3d_test_freed(struct v3d_fixture *fix)
{
	unsigned long end = jiffies + LONG_ENOUGH;

	while (!atomic_read(&fix->freed) && time_before(jiffies, end))
		msleep(20);

	return atomic_read(&fix->freed) == 1;
}

static void bin_job_keeps_its_fence(struct kunit *test)
{
	struct v3d_fixture *fix = test->priv;
	struct v3d_queue_state *queue = &fix->v3d.queue[V3D_BIN];
	struct v3d_bin_job *bin = v3d_test_job(test);
	struct drm_sched_job *job = &bin->base.base;
	struct dma_fence *fence, *again;
	u64 seqno;

	KUNIT_EXPECT_FALSE(test, bin->base.irq_fence->ops);
	fence = queue->sched.ops->run_job(job);
	KUNIT_ASSERT_PTR_EQ(test, fence, bin->base.irq_fence);
	KUNIT_EXPECT_TRUE(test, v3d_test_take(fix));
	KUNIT_EXPECT_PTR_EQ(test, fix->v3d.bin_job, bin);
	KUNIT_EXPECT_EQ(test, kref_read(&fence->refcount), 2u);
	seqno = fence->seqno;
	KUNIT_EXPECT_EQ(test, seqno, queue->emit_seqno);

	again = queue->sched.ops->run_job(job);
	KUNIT_EXPECT_PTR_EQ(test, again, fence);
	KUNIT_EXPECT_TRUE(test, v3d_test_take(fix));
	KUNIT_EXPECT_EQ(test, kref_read(&fence->refcount), 3u);
	KUNIT_EXPECT_EQ(test, fence->seqno, seqno);
	KUNIT_EXPECT_EQ(test, queue->emit_seqno, seqno);
	dma_fence_put(again);

	/* It completes after the scheduler was stopped: nothing to run again */
	dma_fence_signal(fence);
	again = queue->sched.ops->run_job(job);
	KUNIT_EXPECT_PTR_EQ(test, again, fence);
	KUNIT_EXPECT_FALSE(test, v3d_test_take(fix));
	dma_fence_put(again);

	drm_sched_job_cleanup(job);
	v3d_job_put(&bin->base);
	KUNIT_EXPECT_EQ(test, kref_read(&fence->refcount), 1u);
	dma_fence_put(fence);
}

/* A request for overflow memory would follow the pointer */
static void guilty_bin_job_is_forgotten(struct kunit *test)
{
	struct v3d_fixture *fix = test->priv;
	struct v3d_bin_job *bin = v3d_test_job(test);
	struct dma_fence *done;

	fix->v3d.queue[V3D_BIN].sched.timeout = msecs_to_jiffies(A_WHILE);
	done = dma_fence_get(&bin->base.base.s_fence->finished);
	drm_sched_entity_push_job(&bin->base.base, &fix->entity);

	KUNIT_EXPECT_GT(test, dma_fence_wait_timeout(done, false, LONG_ENOUGH), 0l);
	KUNIT_EXPECT_EQ(test, done->error, -ECANCELED);
	KUNIT_EXPECT_TRUE(test, v3d_test_freed(fix));
	KUNIT_EXPECT_TRUE(test, !fix->v3d.bin_job);
	dma_fence_put(done);
}

static void failed_job_leaves_no_power(struct kunit *test)
{
	struct v3d_fixture *fix = test->priv;
	struct v3d_job job = { };

	fix->domain.ops.runtime_resume = v3d_test_no_resume;
	dev_pm_domain_set(fix->v3d.drm.dev, &fix->domain);
	KUNIT_EXPECT_EQ(test, v3d_job_init(&fix->v3d, NULL, &job, v3d_test_free, 0),
			-EIO);
	KUNIT_EXPECT_EQ(test, atomic_read(&fix->v3d.drm.dev->power.usage_count), 0);
}

static struct kunit_case v3d_job_cases[] = {
	KUNIT_CASE(bin_job_keeps_its_fence),
	KUNIT_CASE(guilty_bin_job_is_forgotten),
	KUNIT_CASE(failed_job_leaves_no_power),
	{}
};

static struct kunit_suite v3d_job_suite = {
	.name = "v3d-job",
	.init = v3d_test_init,
	.exit = v3d_test_exit,
	.test_cases = v3d_job_cases,
};

kunit_test_suite(v3d_job_suite);
