// SPDX-License-Identifier: GPL-2.0
/*
 * What stands between a job and its fence is a signalling section to lockdep, and
 * freeing jobs is not in the way.
 */

#include <kunit/test.h>
#include <linux/completion.h>
#include <linux/debug_locks.h>
#include <linux/delay.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/workqueue.h>

#include <drm/gpu_scheduler.h>

#include "mock-fence.h"

#define LONG_ENOUGH	(10 * HZ)

struct sched_fixture {
	struct drm_gpu_scheduler sched;
	struct drm_sched_entity entity;
	struct completion freeing;
	struct completion may_free;
	struct delayed_work let_go;
	bool stopped;
	atomic_t freed;
	atomic_t freed_in_irq;
	atomic_t freed_annotated;
	atomic_t run_annotated;
};

struct sched_job {
	struct drm_sched_job base;
	struct sched_fixture *fix;
	struct dma_fence *hw;
	bool waits_in_free;
};

static struct sched_job *to_sched_job(struct drm_sched_job *base)
{
	return container_of(base, struct sched_job, base);
}

/* Nested sections are none of their own */
static bool in_signalling_section(void)
{
	bool cookie = dma_fence_begin_signalling();

	dma_fence_end_signalling(cookie);

	return cookie;
}

static struct dma_fence *sched_test_dependency(struct drm_sched_job *base,
					       struct drm_sched_entity *entity)
{
	return NULL;
}

static struct dma_fence *sched_test_run(struct drm_sched_job *base)
{
	struct sched_job *job = to_sched_job(base);

	atomic_add(in_signalling_section(), &job->fix->run_annotated);

	/* Without hardware, a job is done at once */
	return dma_fence_get(job->hw);
}

static void sched_test_timedout(struct drm_sched_job *base)
{
}

static void sched_test_free(struct drm_sched_job *base)
{
	struct sched_job *job = to_sched_job(base);
	struct sched_fixture *fix = job->fix;

	/* In a callback of a fence, under its lock: PREEMPT_RT has RCU for a sign */
	if (irqs_disabled() || rcu_preempt_depth())
		atomic_inc(&fix->freed_in_irq);
	else
		atomic_add(in_signalling_section(), &fix->freed_annotated);

	if (job->waits_in_free) {
		complete(&fix->freeing);
		wait_for_completion(&fix->may_free);
	}

	drm_sched_job_cleanup(base);
	dma_fence_put(job->hw);
	kfree(job);
	atomic_inc(&fix->freed);
}

static const struct drm_sched_backend_ops sched_test_ops = {
	.dependency = sched_test_dependency,
	.run_job = sched_test_run,
	.timedout_job = sched_test_timedout,
	.free_job = sched_test_free,
};

static const struct drm_sched_backend_ops sched_test_own_ops = {
	.dependency = sched_test_dependency,
	.run_job = sched_test_run,
	.timedout_job = sched_test_timedout,
	.free_job = sched_test_free,
	.own_annotations = true,
};

static void sched_test_start(struct kunit *test,
			     const struct drm_sched_backend_ops *ops)
{
	struct sched_fixture *fix = test->priv;
	struct drm_gpu_scheduler *sched = &fix->sched;

	/* One job at a time */
	KUNIT_ASSERT_EQ(test, drm_sched_init(sched, ops, 1, 0,
					     MAX_SCHEDULE_TIMEOUT, "kunit"), 0);
	fix->stopped = false;
	KUNIT_ASSERT_EQ(test, drm_sched_entity_init(&fix->entity,
						    DRM_SCHED_PRIORITY_NORMAL,
						    &sched, 1, NULL), 0);
}

static bool sched_test_freed(struct sched_fixture *fix, int count)
{
	unsigned long end = jiffies + LONG_ENOUGH;

	while (atomic_read(&fix->freed) < count && time_before(jiffies, end))
		msleep(20);

	return atomic_read(&fix->freed) == count;
}

/* Returns the fence that says that the job is done */
static struct dma_fence *sched_test_push(struct kunit *test, struct dma_fence *hw,
					 bool waits_in_free)
{
	struct sched_fixture *fix = test->priv;
	struct sched_job *job = kzalloc(sizeof(*job), GFP_KERNEL);
	struct dma_fence *done;

	KUNIT_ASSERT_TRUE(test, job);
	job->fix = fix;
	job->hw = dma_fence_get(hw);
	job->waits_in_free = waits_in_free;
	KUNIT_ASSERT_EQ(test, drm_sched_job_init(&job->base, &fix->entity, NULL),
			0);

	done = dma_fence_get(&job->base.s_fence->finished);
	drm_sched_entity_push_job(&job->base, &fix->entity);

	return done;
}

static void expect_done(struct kunit *test, struct dma_fence *done)
{
	KUNIT_EXPECT_GT(test, dma_fence_wait_timeout(done, false, LONG_ENOUGH), 0l);
	dma_fence_put(done);
}

/* Without lockdep, everything counts as annotated, and this would say nothing */
#ifdef CONFIG_LOCKDEP
static void running_is_annotated(struct kunit *test)
{
	struct sched_fixture *fix = test->priv;

	sched_test_start(test, &sched_test_ops);
	expect_done(test, sched_test_push(test, NULL, false));
	KUNIT_EXPECT_TRUE(test, sched_test_freed(fix, 1));

	KUNIT_EXPECT_EQ(test, atomic_read(&fix->run_annotated), 1);
	if (debug_locks)
		KUNIT_EXPECT_EQ(test, atomic_read(&fix->freed_annotated), 0);
}

static void running_has_own_annotations(struct kunit *test)
{
	struct sched_fixture *fix = test->priv;

	sched_test_start(test, &sched_test_own_ops);
	expect_done(test, sched_test_push(test, NULL, false));

	if (debug_locks)
		KUNIT_EXPECT_EQ(test, atomic_read(&fix->run_annotated), 0);
	KUNIT_EXPECT_TRUE(test, sched_test_freed(fix, 1));
}
#endif

/* The first job is stuck in free_job() while the second one runs */
static void freeing_holds_up_nothing(struct kunit *test)
{
	struct sched_fixture *fix = test->priv;

	sched_test_start(test, &sched_test_ops);
	expect_done(test, sched_test_push(test, NULL, true));
	KUNIT_EXPECT_NE(test, wait_for_completion_timeout(&fix->freeing,
							  LONG_ENOUGH), 0ul);

	expect_done(test, sched_test_push(test, NULL, false));
	KUNIT_EXPECT_EQ(test, atomic_read(&fix->freed), 0);

	complete_all(&fix->may_free);
	KUNIT_EXPECT_TRUE(test, sched_test_freed(fix, 2));
}

/*
 * The second job is killed with its entity, and is done when the first one is. That
 * is said by an interrupt.
 */
static void killed_jobs_are_freed_in_process_context(struct kunit *test)
{
	struct sched_fixture *fix = test->priv;
	struct dma_fence *hw, *first, *second;

	hw = mock_fence_create(dma_fence_context_alloc(1), 1);
	KUNIT_ASSERT_TRUE(test, hw);
	sched_test_start(test, &sched_test_ops);
	first = sched_test_push(test, hw, false);
	drm_sched_entity_flush(&fix->entity, LONG_ENOUGH);
	second = sched_test_push(test, NULL, false);
	drm_sched_entity_fini(&fix->entity);

	/* With PREEMPT_RT that is a thread */
	if (!IS_ENABLED(CONFIG_PREEMPT_RT))
		local_irq_disable();
	dma_fence_signal(hw);
	if (!IS_ENABLED(CONFIG_PREEMPT_RT))
		local_irq_enable();
	dma_fence_put(hw);

	expect_done(test, first);
	KUNIT_EXPECT_EQ(test, second->error, -ESRCH);
	expect_done(test, second);
	KUNIT_EXPECT_TRUE(test, sched_test_freed(fix, 2));
	KUNIT_EXPECT_EQ(test, atomic_read(&fix->freed_in_irq), 0);
}

static void let_go(struct work_struct *work)
{
	struct sched_fixture *fix = container_of(work, struct sched_fixture,
						 let_go.work);

	complete_all(&fix->may_free);
}

/* The worker has to wait, and whoever stops the scheduler for the worker */
static void stopping_waits_for_freeing(struct kunit *test)
{
	struct sched_fixture *fix = test->priv;

	sched_test_start(test, &sched_test_ops);
	expect_done(test, sched_test_push(test, NULL, true));
	KUNIT_EXPECT_NE(test, wait_for_completion_timeout(&fix->freeing,
							  LONG_ENOUGH), 0ul);
	drm_sched_entity_destroy(&fix->entity);

	schedule_delayed_work(&fix->let_go, max(HZ / 10, 3));
	drm_sched_fini(&fix->sched);
	fix->stopped = true;
	KUNIT_EXPECT_EQ(test, atomic_read(&fix->freed), 1);
}

static int sched_test_init(struct kunit *test)
{
	struct sched_fixture *fix = kunit_kzalloc(test, sizeof(*fix), GFP_KERNEL);

	KUNIT_ASSERT_TRUE(test, fix);
	init_completion(&fix->freeing);
	init_completion(&fix->may_free);
	INIT_DELAYED_WORK(&fix->let_go, let_go);
	fix->stopped = true;
	test->priv = fix;

	return 0;
}

static void sched_test_exit(struct kunit *test)
{
	struct sched_fixture *fix = test->priv;

	cancel_delayed_work_sync(&fix->let_go);
	complete_all(&fix->may_free);
	if (!fix->stopped) {
		drm_sched_entity_destroy(&fix->entity);
		drm_sched_fini(&fix->sched);
	}
}

static struct kunit_case sched_signalling_cases[] = {
#ifdef CONFIG_LOCKDEP
	KUNIT_CASE(running_is_annotated),
	KUNIT_CASE(running_has_own_annotations),
#endif
	KUNIT_CASE(freeing_holds_up_nothing),
	KUNIT_CASE(killed_jobs_are_freed_in_process_context),
	KUNIT_CASE(stopping_waits_for_freeing),
	{}
};

static struct kunit_suite sched_signalling_suite = {
	.name = "drm-sched-signalling",
	.init = sched_test_init,
	.exit = sched_test_exit,
	.test_cases = sched_signalling_cases,
};

kunit_test_suite(sched_signalling_suite);

MODULE_DESCRIPTION("Tests of the signalling sections of the GPU scheduler");
MODULE_LICENSE("GPL v2");
