// SPDX-License-Identifier: GPL-2.0
/*
 * When the GPU is on: while there are submissions, also those whose sync points were
 * lost in a hang, but not while the system sleeps. Included by etnaviv_gem_submit.c;
 * memory takes the place of the registers.
 */

#include <linux/delay.h>
#include <linux/platform_device.h>
#include <linux/pm_domain.h>
#include <linux/pm_runtime.h>
#include <linux/sizes.h>

#include "state_hi.xml.h"

#define LONG_ENOUGH	(10 * HZ)
#define A_WHILE		100

struct power_fixture {
	struct etnaviv_gpu gpu;
	struct drm_sched_entity entity;
	struct platform_device *pdev;
	struct dev_pm_domain domain;
	struct work_struct lock_work;
	struct completion locked;
};

static void power_test_no_work(struct work_struct *work)
{
}

static void power_test_no_sync_point(struct etnaviv_gpu *gpu,
				     struct etnaviv_event *event)
{
}

/* As the cooling device does it, when it's bad luck */
static void power_test_lock_work(struct work_struct *work)
{
	struct power_fixture *fix = container_of(work, struct power_fixture,
						 lock_work);

	mutex_lock(&fix->gpu.lock);
	complete(&fix->locked);
	msleep(2 * A_WHILE);
	mutex_unlock(&fix->gpu.lock);
}

static int power_test_init(struct kunit *test)
{
	struct power_fixture *fix = kunit_kzalloc(test, sizeof(*fix), GFP_KERNEL);
	struct drm_gpu_scheduler *sched;
	struct etnaviv_gpu *gpu;
	struct device *dev;
	void *regs;
	int i;

	KUNIT_ASSERT_TRUE(test, fix);
	test->priv = fix;
	INIT_WORK(&fix->lock_work, power_test_lock_work);
	init_completion(&fix->locked);

	gpu = &fix->gpu;
	/* None at all, rather than that of somebody else */
	gpu->irq = -1;
	mutex_init(&gpu->lock);
	mutex_init(&gpu->fence_lock);
	idr_init(&gpu->fence_idr);
	init_waitqueue_head(&gpu->fence_event);
	spin_lock_init(&gpu->fence_spinlock);
	spin_lock_init(&gpu->event_spinlock);
	init_completion(&gpu->event_free);
	for (i = 0; i < ETNA_NR_EVENTS; i++)
		complete(&gpu->event_free);
	INIT_WORK(&gpu->sync_point_work, power_test_no_work);
	gpu->fence_context = dma_fence_context_alloc(1);
	gpu->wq = alloc_ordered_workqueue("kunit-etnaviv", 0);
	KUNIT_ASSERT_TRUE(test, gpu->wq);
	gpu->drm = kunit_kzalloc(test, sizeof(*gpu->drm), GFP_KERNEL);
	KUNIT_ASSERT_TRUE(test, gpu->drm);

	regs = kunit_kzalloc(test, SZ_16K, GFP_KERNEL);
	KUNIT_ASSERT_TRUE(test, regs);
	gpu->mmio = (__force void __iomem *)regs;
	gpu->idle_mask = ~0;
	gpu_write(gpu, VIVS_HI_IDLE_STATE, ~0);

	fix->pdev = platform_device_register_simple("kunit-etnaviv",
						    PLATFORM_DEVID_NONE, NULL, 0);
	KUNIT_ASSERT_FALSE(test, IS_ERR(fix->pdev));
	dev = &fix->pdev->dev;
	dev_set_drvdata(dev, gpu);
	gpu->dev = dev;

	/* Takes the place of a driver, which would have to be bound */
	fix->domain.ops = *etnaviv_gpu_driver.driver.pm;
	dev_pm_domain_set(dev, &fix->domain);
	pm_runtime_set_autosuspend_delay(dev, 0);
	pm_runtime_use_autosuspend(dev);
	pm_runtime_enable(dev);

	KUNIT_ASSERT_EQ(test, etnaviv_sched_init(gpu), 0);
	sched = &gpu->sched;
	sched->timeout = 60 * HZ;
	KUNIT_ASSERT_EQ(test, drm_sched_entity_init(&fix->entity,
						    DRM_SCHED_PRIORITY_NORMAL,
						    &sched, 1, NULL), 0);

	return 0;
}

static void power_test_exit(struct kunit *test)
{
	struct power_fixture *fix = test->priv;
	struct device *dev = fix->gpu.dev;

	flush_work(&fix->lock_work);
	drm_sched_entity_destroy(&fix->entity);
	etnaviv_sched_fini(&fix->gpu);
	destroy_workqueue(fix->gpu.wq);

	/* Of the submissions, nothing is left */
	KUNIT_EXPECT_EQ(test, atomic_read(&dev->power.usage_count), 0);
	pm_runtime_disable(dev);
	dev_pm_domain_set(dev, NULL);
	platform_device_unregister(fix->pdev);
	idr_destroy(&fix->gpu.fence_idr);
}

/* As etnaviv_ioctl_gem_submit() does it */
static struct etnaviv_gem_submit *power_test_submit(struct kunit *test)
{
	struct power_fixture *fix = test->priv;
	struct etnaviv_gem_submit *submit = submit_create(NULL, &fix->gpu, 0, 1);

	KUNIT_ASSERT_TRUE(test, submit);
	KUNIT_ASSERT_GE(test, pm_runtime_resume_and_get(fix->gpu.dev), 0);
	submit->runtime_resumed = true;

	return submit;
}

static void killed_client_leaves_gpu_usable(struct kunit *test)
{
	struct power_fixture *fix = test->priv;
	struct device *dev = fix->gpu.dev;
	int ret;

	fix->gpu.initialized = true;
	schedule_work(&fix->lock_work);
	wait_for_completion(&fix->locked);

	allow_signal(SIGKILL);
	send_sig(SIGKILL, current, 1);
	KUNIT_EXPECT_TRUE(test, fatal_signal_pending(current));
	ret = pm_runtime_resume_and_get(dev);
	flush_signals(current);
	disallow_signal(SIGKILL);

	KUNIT_EXPECT_EQ(test, ret, 0);
	KUNIT_EXPECT_EQ(test, dev->power.runtime_error, 0);
	if (!ret)
		pm_runtime_put_sync_suspend(dev);
	KUNIT_EXPECT_TRUE(test, pm_runtime_status_suspended(dev));
	ret = pm_runtime_resume_and_get(dev);
	KUNIT_EXPECT_EQ(test, ret, 0);
	if (!ret)
		pm_runtime_put_sync(dev);
}

/* Two events still refer to it, which the GPU won't come to */
static void hang_leaves_no_power(struct kunit *test)
{
	struct power_fixture *fix = test->priv;
	struct etnaviv_gem_submit *submit = power_test_submit(test);
	struct etnaviv_gpu *gpu = &fix->gpu;
	unsigned int events = gpu->event_free.done;
	int i;

	for (i = 1; i <= 2; i++) {
		kref_get(&submit->refcount);
		gpu->event[i].submit = submit;
		gpu->event[i].sync_point = power_test_no_sync_point;
		set_bit(i, gpu->event_bitmap);
	}
	etnaviv_submit_put(submit);
	KUNIT_EXPECT_EQ(test, atomic_read(&gpu->dev->power.usage_count), 1);

	etnaviv_gpu_recover_hang(gpu);
	flush_workqueue(gpu->wq);
	KUNIT_EXPECT_EQ(test, atomic_read(&gpu->dev->power.usage_count), 0);
	KUNIT_EXPECT_EQ(test, gpu->event_free.done, events + 2);
	for (i = 0; i < ETNA_NR_EVENTS; i++)
		KUNIT_EXPECT_TRUE(test, !gpu->event[i].submit);
}

#ifdef CONFIG_PM_SLEEP
/* What the PM core does when the system goes to sleep */
static int power_test_sleep(struct power_fixture *fix)
{
	int ret = 0;

	pm_runtime_get_noresume(fix->gpu.dev);
	pm_runtime_barrier(fix->gpu.dev);
	if (fix->domain.ops.suspend)
		ret = fix->domain.ops.suspend(fix->gpu.dev);
	if (ret)
		pm_runtime_put(fix->gpu.dev);

	return ret;
}

static int power_test_wake(struct power_fixture *fix)
{
	int ret = 0;

	if (fix->domain.ops.resume)
		ret = fix->domain.ops.resume(fix->gpu.dev);
	pm_runtime_put(fix->gpu.dev);

	return ret;
}

/* A submission that waits for another device, which signals when it is asleep, too */
static void expect_sleep(struct kunit *test, int error)
{
	struct power_fixture *fix = test->priv;
	struct etnaviv_gem_submit *submit = power_test_submit(test);
	struct dma_fence *done, *flip = submit_test_fence(test);

	/* The submission takes no time, so the GPU has nothing to do */
	fix->gpu.completed_fence = 1;
	submit->in_fence = dma_fence_get(flip);
	KUNIT_ASSERT_EQ(test, etnaviv_sched_push_job(&fix->entity, submit), 0);
	done = dma_fence_get(submit->out_fence);

	KUNIT_ASSERT_EQ(test, power_test_sleep(fix), 0);
	KUNIT_EXPECT_TRUE(test, pm_runtime_status_suspended(fix->gpu.dev));
	dma_fence_signal(flip);
	dma_fence_put(flip);
	msleep(A_WHILE);
	KUNIT_EXPECT_FALSE(test, submit->gpu_fence->ops);
	KUNIT_EXPECT_FALSE(test, dma_fence_is_signaled(done));
	etnaviv_submit_put(submit);

	KUNIT_EXPECT_EQ(test, power_test_wake(fix), error);
	KUNIT_EXPECT_GT(test, dma_fence_wait_timeout(done, false, LONG_ENOUGH), 0l);
	KUNIT_EXPECT_EQ(test, done->error, error);
	dma_fence_put(done);
}

static void no_submission_starts_while_asleep(struct kunit *test)
{
	expect_sleep(test, 0);
}

static int power_test_no_resume(struct device *dev)
{
	return -EIO;
}

static void submissions_fail_if_gpu_does_not_wake_up(struct kunit *test)
{
	struct power_fixture *fix = test->priv;
	struct etnaviv_gem_submit *submit = power_test_submit(test);

	/* It is on by now */
	fix->domain.ops.runtime_resume = power_test_no_resume;
	expect_sleep(test, -EIO);
	etnaviv_submit_put(submit);
}

/* A sync point comes after the last job, and takes its time */
static void sleep_waits_for_sync_points(struct kunit *test)
{
	struct power_fixture *fix = test->priv;
	struct etnaviv_gem_submit *submit = power_test_submit(test);

	set_bit(0, fix->gpu.event_bitmap);
	KUNIT_EXPECT_EQ(test, power_test_sleep(fix), -EBUSY);
	KUNIT_EXPECT_FALSE(test, pm_runtime_status_suspended(fix->gpu.dev));
	clear_bit(0, fix->gpu.event_bitmap);
	KUNIT_EXPECT_EQ(test, power_test_sleep(fix), 0);
	KUNIT_EXPECT_EQ(test, power_test_wake(fix), 0);
	etnaviv_submit_put(submit);
}
#endif /* CONFIG_PM_SLEEP */

static struct kunit_case etnaviv_power_cases[] = {
	KUNIT_CASE(killed_client_leaves_gpu_usable),
	KUNIT_CASE(hang_leaves_no_power),
#ifdef CONFIG_PM_SLEEP
	KUNIT_CASE(no_submission_starts_while_asleep),
	KUNIT_CASE(submissions_fail_if_gpu_does_not_wake_up),
	KUNIT_CASE(sleep_waits_for_sync_points),
#endif
	{}
};

static struct kunit_suite etnaviv_power_suite = {
	.name = "etnaviv-power",
	.init = power_test_init,
	.exit = power_test_exit,
	.test_cases = etnaviv_power_cases,
};

kunit_test_suite(etnaviv_power_suite);
