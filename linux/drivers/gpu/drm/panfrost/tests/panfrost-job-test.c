// SPDX-License-Identifier: GPL-2.0
/*
 * What becomes of a job and its fence when it runs, runs again, hangs, outlives its
 * file, or has to wait because the system sleeps. Included by panfrost_job.c; memory
 * takes the place of the registers, and the tests that of the GPU.
 */

#include <kunit/test.h>

#include <linux/dma-fence-check.h>
#include <linux/pm_domain.h>
#include <linux/sizes.h>

#define LONG_ENOUGH	(10 * HZ)
#define A_WHILE		100
#define TILER		1	/* the slot of jobs without requirements */

struct panfrost_fixture {
	struct panfrost_device pfdev;
	struct panfrost_compatible comp;
	struct panfrost_file_priv *priv;
	struct platform_device *pdev;
	struct dev_pm_domain domain;
	struct delayed_work done_work;
	void *regs;
	void *before;
	int resets_without_power;
};

static DEFINE_SPINLOCK(panfrost_test_lock);

static const char *panfrost_test_name(struct dma_fence *fence)
{
	return "panfrost-test";
}

static const struct dma_fence_ops panfrost_test_fence_ops = {
	.get_driver_name = panfrost_test_name,
	.get_timeline_name = panfrost_test_name,
};

static struct dma_fence *panfrost_test_fence(struct kunit *test)
{
	struct dma_fence *fence = kzalloc(sizeof(*fence), GFP_KERNEL);

	KUNIT_ASSERT_TRUE(test, fence);
	dma_fence_init(fence, &panfrost_test_fence_ops, &panfrost_test_lock,
		       dma_fence_context_alloc(1), 1);
	dma_fence_check_by_user(fence);

	return fence;
}

/* Has a job been written to the slot? The GPU takes it. */
static bool panfrost_test_take(struct panfrost_fixture *fix, int js)
{
	struct panfrost_device *pfdev = &fix->pfdev;

	if (job_read(pfdev, JS_COMMAND_NEXT(js)) != JS_COMMAND_START)
		return false;

	job_write(pfdev, JS_COMMAND_NEXT(js), JS_COMMAND_NOP);

	return true;
}

static bool panfrost_test_wait_job(struct panfrost_fixture *fix, int js)
{
	unsigned long end = jiffies + LONG_ENOUGH;

	while (time_before(jiffies, end)) {
		if (panfrost_test_take(fix, js))
			return true;
		usleep_range(1000, 2000);
	}

	return false;
}

static void panfrost_test_complete(struct panfrost_fixture *fix, int js)
{
	struct panfrost_device *pfdev = &fix->pfdev;

	/* With PREEMPT_RT an interrupt is a thread */
	if (!IS_ENABLED(CONFIG_PREEMPT_RT))
		local_irq_disable();
	job_write(pfdev, JOB_INT_STAT, JOB_INT_MASK_DONE(js));
	panfrost_job_irq_handler(0, pfdev);
	job_write(pfdev, JOB_INT_STAT, 0);
	if (!IS_ENABLED(CONFIG_PREEMPT_RT))
		local_irq_enable();
}

static void panfrost_test_done_work(struct work_struct *work)
{
	panfrost_test_complete(container_of(work, struct panfrost_fixture,
					    done_work.work), TILER);
}

/* Leaves time to do something while the scheduler is stopped */
static void panfrost_test_reset(struct work_struct *work)
{
	struct panfrost_fixture *fix = container_of(work, struct panfrost_fixture,
						    pfdev.reset.work);

	msleep(3 * A_WHILE);
	if (pm_runtime_status_suspended(fix->pfdev.dev))
		fix->resets_without_power++;
	panfrost_reset(work);
}

static atomic_t *panfrost_test_usage(struct panfrost_fixture *fix)
{
	return &fix->pfdev.dev->power.usage_count;
}

static bool panfrost_test_unused(struct panfrost_fixture *fix)
{
	unsigned long end = jiffies + LONG_ENOUGH;

	while (atomic_read(panfrost_test_usage(fix)) && time_before(jiffies, end))
		msleep(20);

	return !atomic_read(panfrost_test_usage(fix));
}

static int panfrost_test_init(struct kunit *test)
{
	struct panfrost_fixture *fix = kunit_kzalloc(test, sizeof(*fix), GFP_KERNEL);
	struct panfrost_device *pfdev;
	struct device *dev;
	int i;

	KUNIT_ASSERT_TRUE(test, fix);
	test->priv = fix;
	pfdev = &fix->pfdev;
	INIT_DELAYED_WORK(&fix->done_work, panfrost_test_done_work);

	fix->regs = kunit_kzalloc(test, SZ_16K, GFP_KERNEL);
	KUNIT_ASSERT_TRUE(test, fix->regs);
	fix->before = kunit_kzalloc(test, SZ_16K, GFP_KERNEL);
	KUNIT_ASSERT_TRUE(test, fix->before);
	pfdev->iomem = (__force void __iomem *)fix->regs;
	/* A reset takes no time */
	writel(GPU_IRQ_RESET_COMPLETED, pfdev->iomem + GPU_INT_RAWSTAT);

	fix->pdev = platform_device_register_simple("kunit-panfrost",
						    PLATFORM_DEVID_NONE, NULL, 0);
	KUNIT_ASSERT_FALSE(test, IS_ERR(fix->pdev));
	dev = &fix->pdev->dev;
	dev_set_drvdata(dev, pfdev);
	pfdev->dev = dev;
	pfdev->pdev = fix->pdev;
	pfdev->comp = &fix->comp;
	pfdev->coherent = true;
	pfdev->features.as_present = 0xff;
	pfdev->features.mmu_features = 0x2830;
	mutex_init(&pfdev->sched_lock);
	spin_lock_init(&pfdev->as_lock);
	INIT_LIST_HEAD(&pfdev->as_lru_list);
	INIT_WORK(&pfdev->reset.work, panfrost_reset);

	/* Takes the place of a driver, which would have to be bound */
	fix->domain.ops = panfrost_pm_ops;
	dev_pm_domain_set(dev, &fix->domain);
	pm_runtime_set_active(dev);
	pm_runtime_set_autosuspend_delay(dev, 0);
	pm_runtime_use_autosuspend(dev);
	pm_runtime_enable(dev);

	pfdev->js = kunit_kzalloc(test, sizeof(*pfdev->js), GFP_KERNEL);
	KUNIT_ASSERT_TRUE(test, pfdev->js);
	spin_lock_init(&pfdev->js->job_lock);
	for (i = 0; i < NUM_JOB_SLOTS; i++) {
		struct panfrost_queue_state *queue = &pfdev->js->queue[i];

		mutex_init(&queue->lock);
		queue->fence_context = dma_fence_context_alloc(1);
		KUNIT_ASSERT_EQ(test, drm_sched_init(&queue->sched,
						     &panfrost_sched_ops, 1, 0,
						     60 * HZ, "kunit"), 0);
	}

	fix->priv = kzalloc(sizeof(*fix->priv), GFP_KERNEL);
	KUNIT_ASSERT_TRUE(test, fix->priv);
	fix->priv->pfdev = pfdev;
	fix->priv->mmu = panfrost_mmu_ctx_create(pfdev);
	KUNIT_ASSERT_FALSE(test, IS_ERR(fix->priv->mmu));
	KUNIT_ASSERT_EQ(test, panfrost_job_open(fix->priv), 0);

	return 0;
}

/* As panfrost_postclose() does it, whatever is still on the hardware */
static void panfrost_test_close(struct panfrost_fixture *fix)
{
	panfrost_job_close(fix->priv);
	panfrost_mmu_ctx_put(fix->priv->mmu);
	memset(fix->priv, POISON_FREE, sizeof(*fix->priv));
	kfree(fix->priv);
	fix->priv = NULL;
}

static void panfrost_test_exit(struct kunit *test)
{
	struct panfrost_fixture *fix = test->priv;
	struct device *dev = fix->pfdev.dev;

	cancel_delayed_work_sync(&fix->done_work);
	if (fix->priv)
		panfrost_test_close(fix);
	flush_work(&fix->pfdev.reset.work);
	panfrost_job_fini(&fix->pfdev);

	/* Of the jobs, nothing is left */
	KUNIT_EXPECT_EQ(test, atomic_read(panfrost_test_usage(fix)), 0);
	KUNIT_EXPECT_EQ(test, fix->resets_without_power, 0);
	pm_runtime_disable(dev);
	dev_pm_domain_set(dev, NULL);
	platform_device_unregister(fix->pdev);
}

static struct panfrost_job *panfrost_test_job(struct kunit *test, u32 requirements)
{
	struct panfrost_fixture *fix = test->priv;
	struct panfrost_job *job = kzalloc(sizeof(*job), GFP_KERNEL);

	KUNIT_ASSERT_TRUE(test, job);
	kref_init(&job->refcount);
	xa_init_flags(&job->implicit_fences, XA_FLAGS_ALLOC);
	job->pfdev = &fix->pfdev;
	job->requirements = requirements;

	return job;
}

/* Returns the fence that others wait for */
static struct dma_fence *panfrost_test_queue(struct kunit *test, u32 requirements,
					     struct dma_fence *dependency)
{
	struct panfrost_job *job = panfrost_test_job(test, requirements);
	struct panfrost_fixture *fix = test->priv;
	struct dma_fence *done;

	if (dependency) {
		job->in_fences = kvmalloc(sizeof(*job->in_fences), GFP_KERNEL);
		KUNIT_ASSERT_TRUE(test, job->in_fences);
		job->in_fences[0] = dma_fence_get(dependency);
		job->in_fence_count = 1;
	}

	KUNIT_ASSERT_EQ(test, panfrost_job_push(job, fix->priv), 0);
	done = dma_fence_get(job->render_done_fence);
	panfrost_job_put(job);

	return done;
}

static void panfrost_expect_done(struct kunit *test, struct dma_fence *done,
				 int error)
{
	KUNIT_EXPECT_GT(test, dma_fence_wait_timeout(done, false, LONG_ENOUGH), 0l);
	KUNIT_EXPECT_EQ(test, done->error, error);
	dma_fence_put(done);
}

static void job_keeps_its_fence(struct kunit *test)
{
	struct panfrost_fixture *fix = test->priv;
	struct panfrost_queue_state *queue = &fix->pfdev.js->queue[TILER];
	struct panfrost_job *job = panfrost_test_job(test, 0);
	struct dma_fence *fence, *again;
	u64 seqno;

	KUNIT_ASSERT_EQ(test, drm_sched_job_init(&job->base,
						 &fix->priv->sched_entity[TILER],
						 NULL), 0);
	job->mmu = panfrost_mmu_ctx_get(fix->priv->mmu);
	job->done_fence = panfrost_fence_alloc();
	KUNIT_ASSERT_TRUE(test, job->done_fence);
	KUNIT_EXPECT_FALSE(test, job->done_fence->ops);

	fence = panfrost_job_run(&job->base);
	KUNIT_ASSERT_PTR_EQ(test, fence, job->done_fence);
	KUNIT_EXPECT_TRUE(test, panfrost_test_take(fix, TILER));
	KUNIT_EXPECT_EQ(test, kref_read(&fence->refcount), 2u);
	seqno = fence->seqno;
	KUNIT_EXPECT_EQ(test, seqno, queue->emit_seqno);

	panfrost_mmu_reset(&fix->pfdev);
	again = panfrost_job_run(&job->base);
	KUNIT_EXPECT_PTR_EQ(test, again, fence);
	KUNIT_EXPECT_TRUE(test, panfrost_test_take(fix, TILER));
	KUNIT_EXPECT_EQ(test, kref_read(&fence->refcount), 3u);
	KUNIT_EXPECT_EQ(test, fence->seqno, seqno);
	KUNIT_EXPECT_EQ(test, queue->emit_seqno, seqno);
	dma_fence_put(again);

	/* It completes after the scheduler was stopped: nothing to run again */
	panfrost_test_complete(fix, TILER);
	again = panfrost_job_run(&job->base);
	KUNIT_EXPECT_PTR_EQ(test, again, fence);
	KUNIT_EXPECT_FALSE(test, panfrost_test_take(fix, TILER));
	dma_fence_put(again);

	drm_sched_job_cleanup(&job->base);
	panfrost_job_put(job);
	KUNIT_EXPECT_EQ(test, kref_read(&fence->refcount), 1u);
	dma_fence_put(fence);
}

/* Nobody but the job has its fence, which was never initialised */
static void job_that_never_ran_is_freed(struct kunit *test)
{
	struct panfrost_fixture *fix = test->priv;
	struct panfrost_job *job = panfrost_test_job(test, 0);

	job->mmu = panfrost_mmu_ctx_get(fix->priv->mmu);
	job->done_fence = panfrost_fence_alloc();
	KUNIT_EXPECT_TRUE(test, job->done_fence);
	panfrost_job_put(job);
	KUNIT_EXPECT_EQ(test, kref_read(&fix->priv->mmu->refcount), 1u);
}

static void queued_means_powered(struct kunit *test)
{
	struct panfrost_fixture *fix = test->priv;
	struct dma_fence *done = panfrost_test_queue(test, 0, NULL);

	KUNIT_EXPECT_TRUE(test, panfrost_test_wait_job(fix, TILER));
	KUNIT_EXPECT_EQ(test, atomic_read(panfrost_test_usage(fix)), 1);
	panfrost_test_complete(fix, TILER);
	panfrost_expect_done(test, done, 0);
	KUNIT_EXPECT_TRUE(test, panfrost_test_unused(fix));
}

static void job_outlives_its_file(struct kunit *test)
{
	struct panfrost_fixture *fix = test->priv;
	struct panfrost_mmu *mmu = fix->priv->mmu;
	struct dma_fence *done = panfrost_test_queue(test, 0, NULL);

	KUNIT_EXPECT_TRUE(test, panfrost_test_wait_job(fix, TILER));
	KUNIT_ASSERT_EQ(test, kref_read(&mmu->refcount), 2u);
	panfrost_test_close(fix);
	KUNIT_EXPECT_EQ(test, kref_read(&mmu->refcount), 1u);
	KUNIT_EXPECT_EQ(test, atomic_read(&mmu->as_count), 1);

	panfrost_test_complete(fix, TILER);
	panfrost_expect_done(test, done, 0);
	KUNIT_EXPECT_TRUE(test, panfrost_test_unused(fix));
	KUNIT_EXPECT_EQ(test, fix->pfdev.as_alloc_mask, 0ul);
}

/* The GPU is reset for the sake of another job */
static void job_runs_again_after_reset(struct kunit *test)
{
	struct panfrost_fixture *fix = test->priv;
	struct panfrost_job_slot *js = fix->pfdev.js;
	struct dma_fence *hangs, *done;

	js->queue[0].sched.timeout = msecs_to_jiffies(3 * A_WHILE);
	done = panfrost_test_queue(test, 0, NULL);
	KUNIT_EXPECT_TRUE(test, panfrost_test_wait_job(fix, TILER));
	hangs = panfrost_test_queue(test, PANFROST_JD_REQ_FS, NULL);
	KUNIT_EXPECT_TRUE(test, panfrost_test_wait_job(fix, 0));

	KUNIT_EXPECT_TRUE(test, panfrost_test_wait_job(fix, TILER));
	panfrost_test_complete(fix, TILER);
	panfrost_expect_done(test, done, 0);
	panfrost_expect_done(test, hangs, -ECANCELED);
	KUNIT_EXPECT_EQ(test, js->queue[TILER].emit_seqno, 1ull);
	KUNIT_EXPECT_TRUE(test, panfrost_test_unused(fix));
}

/* What the PM core does when the system goes to sleep */
static int panfrost_test_sleep(struct panfrost_fixture *fix)
{
	int ret;

	pm_runtime_get_noresume(fix->pfdev.dev);
	pm_runtime_barrier(fix->pfdev.dev);
	ret = fix->domain.ops.suspend(fix->pfdev.dev);
	if (ret)
		pm_runtime_put(fix->pfdev.dev);
	/* Who says that a job is done may not be through with the registers */
	flush_work(&fix->done_work.work);
	memcpy(fix->before, fix->regs, SZ_16K);

	return ret;
}

static int panfrost_test_wake(struct panfrost_fixture *fix)
{
	int ret = fix->domain.ops.resume(fix->pfdev.dev);

	pm_runtime_put(fix->pfdev.dev);

	return ret;
}

/* A display signals the fence when it is suspended, after the GPU */
static void no_job_starts_while_asleep(struct kunit *test)
{
	struct panfrost_fixture *fix = test->priv;
	struct dma_fence *flip = panfrost_test_fence(test);
	struct dma_fence *done = panfrost_test_queue(test, 0, flip);

	KUNIT_ASSERT_EQ(test, panfrost_test_sleep(fix), 0);
	KUNIT_EXPECT_TRUE(test, pm_runtime_status_suspended(fix->pfdev.dev));
	dma_fence_signal(flip);
	dma_fence_put(flip);
	msleep(A_WHILE);
	KUNIT_EXPECT_EQ(test, memcmp(fix->before, fix->regs, SZ_16K), 0);

	KUNIT_EXPECT_EQ(test, panfrost_test_wake(fix), 0);
	KUNIT_EXPECT_TRUE(test, panfrost_test_wait_job(fix, TILER));
	panfrost_test_complete(fix, TILER);
	panfrost_expect_done(test, done, 0);
}

/* Nor are its address space and what is mapped there anything to the registers */
static void nothing_is_flushed_while_asleep(struct kunit *test)
{
	struct panfrost_fixture *fix = test->priv;
	struct dma_fence *done = panfrost_test_queue(test, 0, NULL);

	KUNIT_EXPECT_TRUE(test, panfrost_test_wait_job(fix, TILER));
	panfrost_test_complete(fix, TILER);
	panfrost_expect_done(test, done, 0);
	KUNIT_EXPECT_TRUE(test, panfrost_test_unused(fix));

	/* The address space still has its slot */
	pm_runtime_get_sync(fix->pfdev.dev);
	fix->priv->mmu->as = 1;
	list_add(&fix->priv->mmu->list, &fix->pfdev.as_lru_list);
	KUNIT_ASSERT_EQ(test, panfrost_test_sleep(fix), 0);
	panfrost_test_close(fix);
	KUNIT_EXPECT_EQ(test, memcmp(fix->before, fix->regs, SZ_16K), 0);
	KUNIT_EXPECT_EQ(test, panfrost_test_wake(fix), 0);
	pm_runtime_put(fix->pfdev.dev);
}

/* There is always one on the hardware or about to start */
static void sleep_waits_for_one_job(struct kunit *test)
{
	struct panfrost_fixture *fix = test->priv;
	struct dma_fence *first = panfrost_test_queue(test, 0, NULL);
	struct dma_fence *second = panfrost_test_queue(test, 0, NULL);

	KUNIT_EXPECT_TRUE(test, panfrost_test_wait_job(fix, TILER));
	schedule_delayed_work(&fix->done_work, msecs_to_jiffies(A_WHILE));
	KUNIT_ASSERT_EQ(test, panfrost_test_sleep(fix), 0);
	KUNIT_EXPECT_TRUE(test, dma_fence_is_signaled(first));
	panfrost_expect_done(test, first, 0);
	msleep(A_WHILE);
	KUNIT_EXPECT_EQ(test, memcmp(fix->before, fix->regs, SZ_16K), 0);

	KUNIT_EXPECT_EQ(test, panfrost_test_wake(fix), 0);
	KUNIT_EXPECT_TRUE(test, panfrost_test_wait_job(fix, TILER));
	panfrost_test_complete(fix, TILER);
	panfrost_expect_done(test, second, 0);
}

static void sleep_is_refused_to_a_long_job(struct kunit *test)
{
	struct panfrost_fixture *fix = test->priv;
	struct dma_fence *first = panfrost_test_queue(test, 0, NULL);
	struct dma_fence *second = panfrost_test_queue(test, 0, NULL);

	KUNIT_EXPECT_TRUE(test, panfrost_test_wait_job(fix, TILER));
	KUNIT_EXPECT_EQ(test, panfrost_test_sleep(fix), -EBUSY);
	KUNIT_EXPECT_FALSE(test, pm_runtime_status_suspended(fix->pfdev.dev));
	panfrost_test_complete(fix, TILER);
	panfrost_expect_done(test, first, 0);
	KUNIT_EXPECT_TRUE(test, panfrost_test_wait_job(fix, TILER));
	panfrost_test_complete(fix, TILER);
	panfrost_expect_done(test, second, 0);
}

/* No job counts as being on the hardware while that is reset */
static void sleep_waits_for_reset(struct kunit *test)
{
	struct panfrost_fixture *fix = test->priv;
	struct panfrost_queue_state *queue = &fix->pfdev.js->queue[TILER];
	unsigned long end = jiffies + LONG_ENOUGH;
	struct dma_fence *done;

	INIT_WORK(&fix->pfdev.reset.work, panfrost_test_reset);
	queue->sched.timeout = msecs_to_jiffies(A_WHILE);
	done = panfrost_test_queue(test, 0, NULL);
	while (atomic_read(&queue->status) == PANFROST_QUEUE_STATUS_ACTIVE &&
	       time_before(jiffies, end))
		msleep(20);
	panfrost_test_take(fix, TILER);

	KUNIT_ASSERT_EQ(test, panfrost_test_sleep(fix), 0);
	KUNIT_EXPECT_TRUE(test, dma_fence_is_signaled(done));
	KUNIT_EXPECT_FALSE(test, work_busy(&fix->pfdev.reset.work));
	panfrost_expect_done(test, done, -ECANCELED);
	KUNIT_EXPECT_EQ(test, panfrost_test_wake(fix), 0);
}

static int panfrost_test_no_resume(struct device *dev)
{
	return -EIO;
}

static void jobs_fail_if_gpu_does_not_wake_up(struct kunit *test)
{
	struct panfrost_fixture *fix = test->priv;
	struct dma_fence *flip = panfrost_test_fence(test);
	struct dma_fence *done = panfrost_test_queue(test, 0, flip);

	KUNIT_ASSERT_EQ(test, panfrost_test_sleep(fix), 0);
	dma_fence_signal(flip);
	dma_fence_put(flip);
	fix->domain.ops.runtime_resume = panfrost_test_no_resume;
	KUNIT_EXPECT_EQ(test, panfrost_test_wake(fix), -EIO);
	panfrost_expect_done(test, done, -EIO);
	KUNIT_EXPECT_EQ(test, memcmp(fix->before, fix->regs, SZ_16K), 0);
}

static struct kunit_case panfrost_job_cases[] = {
	KUNIT_CASE(job_keeps_its_fence),
	KUNIT_CASE(job_that_never_ran_is_freed),
	KUNIT_CASE(queued_means_powered),
	KUNIT_CASE(job_outlives_its_file),
	KUNIT_CASE(job_runs_again_after_reset),
	KUNIT_CASE(no_job_starts_while_asleep),
	KUNIT_CASE(nothing_is_flushed_while_asleep),
	KUNIT_CASE(sleep_waits_for_one_job),
	KUNIT_CASE(sleep_is_refused_to_a_long_job),
	KUNIT_CASE(sleep_waits_for_reset),
	KUNIT_CASE(jobs_fail_if_gpu_does_not_wake_up),
	{}
};

static struct kunit_suite panfrost_job_suite = {
	.name = "panfrost-job",
	.init = panfrost_test_init,
	.exit = panfrost_test_exit,
	.test_cases = panfrost_job_cases,
};

kunit_test_suite(panfrost_job_suite);
