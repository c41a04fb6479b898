// SPDX-License-Identifier: GPL-2.0
/*
 * What drm_sched tells the run-time checker of fences.
 */

#include <kunit/test.h>

#include <linux/atomic.h>
#include <linux/delay.h>
#include <linux/jiffies.h>
#include <linux/module.h>

#include <drm/gpu_scheduler.h>

#include "../../../dma-buf/dma-fence-check.h"
#include "mock-fence.h"

#define JOBS	2

struct check_job {
	struct drm_sched_job base;
	struct dma_fence *finished;
	struct dma_fence *hw;
	struct dma_fence *dependency;
};

/* Each job has a scheduler of its own, to which the others are strangers */
struct check_sched {
	struct drm_gpu_scheduler sched[JOBS];
	struct drm_sched_entity entity[JOBS];
	struct check_job job[JOBS];
};

static atomic_t jobs_freed;

static struct check_job *to_check_job(struct drm_sched_job *job)
{
	return container_of(job, struct check_job, base);
}

static struct dma_fence *check_dependency(struct drm_sched_job *job,
					  struct drm_sched_entity *entity)
{
	return xchg(&to_check_job(job)->dependency, NULL);
}

static struct dma_fence *check_run(struct drm_sched_job *job)
{
	return dma_fence_get(to_check_job(job)->hw);
}

static void check_timedout(struct drm_sched_job *job)
{
}

static void check_free(struct drm_sched_job *job)
{
	drm_sched_job_cleanup(job);
	atomic_inc(&jobs_freed);
}

static const struct drm_sched_backend_ops check_ops = {
	.dependency = check_dependency,
	.run_job = check_run,
	.timedout_job = check_timedout,
	.free_job = check_free,
};

static void check_init(struct kunit *test, struct check_sched *check)
{
	struct drm_gpu_scheduler *list;
	struct check_job *job;
	unsigned int i;

	atomic_set(&jobs_freed, 0);
	for (i = 0; i < JOBS; i++) {
		job = &check->job[i];
		list = &check->sched[i];
		KUNIT_ASSERT_EQ(test, drm_sched_init(list, &check_ops, 1, 0,
						     MAX_SCHEDULE_TIMEOUT,
						     "check"), 0);
		KUNIT_ASSERT_EQ(test, drm_sched_entity_init(&check->entity[i],
							    DRM_SCHED_PRIORITY_NORMAL,
							    &list, 1, NULL), 0);
		KUNIT_ASSERT_EQ(test, drm_sched_job_init(&job->base,
							 &check->entity[i],
							 NULL), 0);
		job->hw = mock_fence_create(dma_fence_context_alloc(1), 1);
		KUNIT_ASSERT_TRUE(test, job->hw);
		job->finished = dma_fence_get(&job->base.s_fence->finished);
	}
}

static void check_fini(struct check_sched *check)
{
	unsigned long end = jiffies + 5 * HZ;
	unsigned int i;

	for (i = 0; i < JOBS; i++)
		dma_fence_signal(check->job[i].hw);
	while (atomic_read(&jobs_freed) < JOBS && time_before(jiffies, end))
		usleep_range(1000, 2000);
	for (i = 0; i < JOBS; i++) {
		drm_sched_entity_destroy(&check->entity[i]);
		drm_sched_fini(&check->sched[i]);
		dma_fence_put(check->job[i].finished);
		dma_fence_put(check->job[i].hw);
	}
}

static bool reaches(struct dma_fence *from, struct dma_fence *to)
{
	struct dma_fence_node *a = dma_fence_node_get(from);
	struct dma_fence_node *b = dma_fence_node_get(to);
	bool ret = a && b && dma_fence_node_reaches(a, b);

	dma_fence_node_put(a);
	dma_fence_node_put(b);

	return ret;
}

/* It takes the thread of the scheduler a moment to get there */
static bool soon_reaches(struct dma_fence *from, struct dma_fence *to)
{
	unsigned long end = jiffies + 5 * HZ;

	while (!reaches(from, to) && time_before(jiffies, end))
		usleep_range(1000, 2000);

	return reaches(from, to);
}

/* A job waits for its dependency, and then for the hardware */
static void job_waits(struct kunit *test)
{
	unsigned int before = dma_fence_check_reports(DMA_FENCE_CHECK_CYCLE);
	struct check_sched *check;
	struct check_job *job;

	check = kunit_kzalloc(test, sizeof(*check), GFP_KERNEL);
	KUNIT_ASSERT_TRUE(test, check);
	job = check->job;
	check_init(test, check);

	job[0].dependency = dma_fence_get(job[1].finished);
	drm_sched_entity_push_job(&job[0].base, &check->entity[0]);
	drm_sched_entity_push_job(&job[1].base, &check->entity[1]);
	KUNIT_EXPECT_TRUE(test, soon_reaches(job[0].finished, job[1].finished));
	KUNIT_EXPECT_TRUE(test, soon_reaches(job[1].finished, job[1].hw));
	KUNIT_EXPECT_FALSE(test, reaches(job[1].finished, job[0].finished));

	dma_fence_signal(job[1].hw);
	KUNIT_EXPECT_TRUE(test, soon_reaches(job[0].finished, job[0].hw));
	KUNIT_EXPECT_FALSE(test, reaches(job[0].finished, job[1].finished));
	check_fini(check);

	KUNIT_EXPECT_EQ(test, dma_fence_check_reports(DMA_FENCE_CHECK_CYCLE),
			before);
}

static void jobs_in_a_cycle(struct kunit *test)
{
	unsigned int before = dma_fence_check_reports(DMA_FENCE_CHECK_CYCLE);
	unsigned long end = jiffies + 5 * HZ;
	struct check_sched *check;
	struct check_job *job;
	char text[256];

	check = kunit_kzalloc(test, sizeof(*check), GFP_KERNEL);
	KUNIT_ASSERT_TRUE(test, check);
	job = check->job;
	check_init(test, check);

	dma_fence_check_expect(DMA_FENCE_CHECK_CYCLE, true);
	job[0].dependency = dma_fence_get(job[1].finished);
	job[1].dependency = dma_fence_get(job[0].finished);
	drm_sched_entity_push_job(&job[0].base, &check->entity[0]);
	drm_sched_entity_push_job(&job[1].base, &check->entity[1]);
	while (dma_fence_check_reports(DMA_FENCE_CHECK_CYCLE) == before &&
	       time_before(jiffies, end))
		usleep_range(1000, 2000);
	/* Both still wait, or they would not in a moment */
	usleep_range(10000, 20000);
	dma_fence_check_expect(DMA_FENCE_CHECK_CYCLE, false);

	KUNIT_EXPECT_EQ(test, dma_fence_check_reports(DMA_FENCE_CHECK_CYCLE),
			before + 1);
	dma_fence_check_last(text, sizeof(text));
	KUNIT_EXPECT_TRUE_MSG(test, strstr(text, "cycle: drm_sched:check "), "%s",
			      text);
	/* Scheduled and finished, of the one and the other */
	KUNIT_EXPECT_TRUE_MSG(test, strstr(text, "itself by way of 3 others"),
			      "%s", text);

	/* Cut it, so that the jobs come to an end */
	dma_fence_signal(job[0].finished);
	check_fini(check);
}

static struct kunit_case drm_sched_check_cases[] = {
	KUNIT_CASE(job_waits),
	KUNIT_CASE(jobs_in_a_cycle),
	{}
};

static struct kunit_suite drm_sched_check_suite = {
	.name = "drm-sched-check",
	.test_cases = drm_sched_check_cases,
};

kunit_test_suite(drm_sched_check_suite);

MODULE_DESCRIPTION("KUnit tests for what drm_sched tells the checker of fences");
MODULE_LICENSE("GPL v2");
