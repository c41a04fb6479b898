// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * What becomes of a task and its fence when it runs, runs again, hangs, or has to
 * wait because the system sleeps. Included by lima_drv.c; the registers are those of
 * a pipe without processors, whose callbacks take notes.
 */

#include <kunit/test.h>

#include <linux/delay.h>
#include <linux/dma-fence-check.h>
#include <linux/pm_domain.h>

#include "lima_ctx.h"

#define LONG_ENOUGH	(10 * HZ)
#define A_WHILE		100

struct lima_fixture {
	struct lima_device ldev;
	struct lima_sched_pipe *pipe;
	struct lima_vm vm;
	struct lima_ctx *ctx;
	struct platform_device *pdev;
	struct dev_pm_domain domain;
	struct delayed_work done_work;
	int timeout_ms;
	unsigned int hang_limit;
	unsigned int max_error_tasks;
	int reset_ms;
	int done_at_run;
	atomic_t runs;
	atomic_t resets;
	atomic_t without_power;
};

static DEFINE_SPINLOCK(lima_test_lock);

static const char *lima_test_name(struct dma_fence *fence)
{
	return "lima-test";
}

static const struct dma_fence_ops lima_test_fence_ops = {
	.get_driver_name = lima_test_name,
	.get_timeline_name = lima_test_name,
};

static struct dma_fence *lima_test_fence(struct kunit *test)
{
	struct dma_fence *fence = kzalloc(sizeof(*fence), GFP_KERNEL);

	KUNIT_ASSERT_TRUE(test, fence);
	dma_fence_init(fence, &lima_test_fence_ops, &lima_test_lock,
		       dma_fence_context_alloc(1), 1);
	dma_fence_check_by_user(fence);

	return fence;
}

static struct lima_fixture *to_lima_fixture(struct lima_sched_pipe *pipe)
{
	return container_of(pipe->ldev, struct lima_fixture, ldev);
}

static void lima_test_touch(struct lima_fixture *fix)
{
	if (pm_runtime_status_suspended(fix->ldev.dev))
		atomic_inc(&fix->without_power);
}

static void lima_test_run(struct lima_sched_pipe *pipe,
			  struct lima_sched_task *task)
{
	struct lima_fixture *fix = to_lima_fixture(pipe);

	lima_test_touch(fix);
	if (atomic_inc_return(&fix->runs) == fix->done_at_run)
		lima_sched_pipe_task_done(pipe);
}

static void lima_test_touch_pipe(struct lima_sched_pipe *pipe)
{
	lima_test_touch(to_lima_fixture(pipe));
}

static void lima_test_reset(struct lima_sched_pipe *pipe)
{
	struct lima_fixture *fix = to_lima_fixture(pipe);

	atomic_inc(&fix->resets);
	if (fix->reset_ms)
		msleep(fix->reset_ms);
	lima_test_touch(fix);
}

static void lima_test_done_work(struct work_struct *work)
{
	struct lima_fixture *fix = container_of(work, struct lima_fixture,
						done_work.work);

	lima_sched_pipe_task_done(fix->pipe);
}

static bool lima_test_wait(atomic_t *counter, int value)
{
	unsigned long end = jiffies + LONG_ENOUGH;

	while (atomic_read(counter) != value && time_before(jiffies, end))
		msleep(20);

	return atomic_read(counter) == value;
}

/* The references to the GPU, of tasks for one thing */
static atomic_t *lima_test_usage(struct lima_fixture *fix)
{
	return &fix->ldev.dev->power.usage_count;
}

static int lima_test_init(struct kunit *test)
{
	struct lima_fixture *fix = kunit_kzalloc(test, sizeof(*fix), GFP_KERNEL);
	struct lima_device *ldev;
	struct device *dev;

	KUNIT_ASSERT_TRUE(test, fix);
	test->priv = fix;
	fix->timeout_ms = lima_sched_timeout_ms;
	fix->hang_limit = lima_job_hang_limit;
	fix->max_error_tasks = lima_max_error_tasks;
	lima_sched_timeout_ms = 60 * MSEC_PER_SEC;
	INIT_DELAYED_WORK(&fix->done_work, lima_test_done_work);
	kref_init(&fix->vm.refcount);
	KUNIT_ASSERT_EQ(test, lima_sched_slab_init(), 0);

	fix->pdev = platform_device_register_simple("kunit-lima",
						    PLATFORM_DEVID_NONE, NULL, 0);
	KUNIT_ASSERT_FALSE(test, IS_ERR(fix->pdev));
	dev = &fix->pdev->dev;
	ldev = &fix->ldev;
	ldev->dev = dev;
	dev_set_drvdata(dev, ldev);
	INIT_LIST_HEAD(&ldev->error_task_list);
	mutex_init(&ldev->error_task_list_lock);

	/* Takes the place of a driver, which would have to be bound */
	fix->domain.ops = lima_pm_ops;
	dev_pm_domain_set(dev, &fix->domain);
	pm_runtime_set_active(dev);
	pm_runtime_set_autosuspend_delay(dev, 0);
	pm_runtime_use_autosuspend(dev);
	pm_runtime_enable(dev);

	return 0;
}

/* Before that, a test may set the parameters of the module */
static void lima_test_start(struct kunit *test)
{
	struct lima_fixture *fix = test->priv;
	struct lima_device *ldev = &fix->ldev;
	int i;

	for (i = 0; i < lima_pipe_num; i++) {
		struct lima_sched_pipe *pipe = ldev->pipe + i;

		KUNIT_ASSERT_EQ(test, lima_sched_pipe_init(pipe, "kunit"), 0);
		pipe->ldev = ldev;
		pipe->processor[0] = ldev->ip + lima_ip_gp;
		pipe->processor[0]->id = lima_ip_gp;
		pipe->processor[0]->dev = ldev;
		pipe->task_run = lima_test_run;
		pipe->task_fini = lima_test_touch_pipe;
		pipe->task_error = lima_test_reset;
		pipe->task_mask_irq = lima_test_touch_pipe;
	}
	fix->pipe = ldev->pipe + lima_pipe_gp;
	fix->pipe->task_slab = kmem_cache_create("kunit-lima",
						 sizeof(struct lima_sched_task),
						 0, 0, NULL);
	KUNIT_ASSERT_TRUE(test, fix->pipe->task_slab);

	fix->ctx = kzalloc(sizeof(*fix->ctx), GFP_KERNEL);
	KUNIT_ASSERT_TRUE(test, fix->ctx);
	KUNIT_ASSERT_EQ(test, lima_sched_context_init(fix->pipe, fix->ctx->context,
						      &fix->ctx->guilty), 0);
}

/* The context is gone, whatever it still has on the hardware */
static void lima_test_free_ctx(struct lima_fixture *fix)
{
	lima_sched_context_fini(fix->pipe, fix->ctx->context);
	memset(fix->ctx, POISON_FREE, sizeof(*fix->ctx));
	kfree(fix->ctx);
	fix->ctx = NULL;
}

static void lima_test_exit(struct kunit *test)
{
	struct lima_fixture *fix = test->priv;
	struct lima_sched_error_task *et, *tmp;
	struct device *dev = fix->ldev.dev;
	int i;

	cancel_delayed_work_sync(&fix->done_work);
	if (fix->ctx)
		lima_test_free_ctx(fix);
	for (i = 0; fix->pipe && i < lima_pipe_num; i++)
		lima_sched_pipe_fini(fix->ldev.pipe + i);
	if (fix->pipe) {
		kmem_cache_destroy(fix->pipe->task_slab);
		lima_vm_put(fix->pipe->current_vm);
	}
	list_for_each_entry_safe(et, tmp, &fix->ldev.error_task_list, list)
		kvfree(et);

	/* Of the tasks, nothing is left, and nothing was done without power */
	KUNIT_EXPECT_EQ(test, atomic_read(lima_test_usage(fix)), 0);
	KUNIT_EXPECT_EQ(test, kref_read(&fix->vm.refcount), 1u);
	KUNIT_EXPECT_EQ(test, atomic_read(&fix->without_power), 0);
	pm_runtime_disable(dev);
	dev_pm_domain_set(dev, NULL);
	platform_device_unregister(fix->pdev);

	rcu_barrier();
	lima_sched_slab_fini();
	lima_sched_timeout_ms = fix->timeout_ms;
	lima_job_hang_limit = fix->hang_limit;
	lima_max_error_tasks = fix->max_error_tasks;
}

static struct lima_sched_task *lima_test_task(struct kunit *test)
{
	struct lima_fixture *fix = test->priv;
	struct lima_sched_task *task;

	task = kmem_cache_zalloc(fix->pipe->task_slab, GFP_KERNEL);
	KUNIT_ASSERT_TRUE(test, task);
	KUNIT_ASSERT_EQ(test, lima_sched_task_init(task, fix->ctx->context, NULL,
						   0, &fix->vm), 0);

	return task;
}

/* As lima_gem_submit() does it. Returns the fence that others wait for. */
static struct dma_fence *lima_test_queue(struct kunit *test,
					 struct dma_fence *dependency)
{
	struct lima_fixture *fix = test->priv;
	struct lima_sched_task *task = lima_test_task(test);
	int ret = 0;

	KUNIT_ASSERT_GE(test, pm_runtime_resume_and_get(fix->ldev.dev), 0);
	if (dependency)
		ret = drm_gem_fence_array_add(&task->deps,
					      dma_fence_get(dependency));
	KUNIT_ASSERT_EQ(test, ret, 0);

	return lima_sched_context_queue_task(fix->ctx->context, task);
}

static void lima_expect_runs(struct kunit *test, int count)
{
	struct lima_fixture *fix = test->priv;

	lima_test_wait(&fix->runs, count);
	KUNIT_EXPECT_EQ(test, atomic_read(&fix->runs), count);
}

static void lima_expect_done(struct kunit *test, struct dma_fence *done, int error)
{
	KUNIT_EXPECT_GT(test, dma_fence_wait_timeout(done, false, LONG_ENOUGH), 0l);
	KUNIT_EXPECT_EQ(test, done->error, error);
	dma_fence_put(done);
}

static void task_keeps_its_fence(struct kunit *test)
{
	struct lima_fixture *fix = test->priv;
	struct dma_fence *fence, *again;
	struct lima_sched_task *task;
	struct drm_sched_job *job;
	u64 seqno;

	lima_test_start(test);
	task = lima_test_task(test);
	job = &task->base;

	KUNIT_EXPECT_FALSE(test, task->fence->ops);
	fence = fix->pipe->base.ops->run_job(job);
	KUNIT_ASSERT_PTR_EQ(test, fence, task->fence);
	KUNIT_EXPECT_EQ(test, kref_read(&fence->refcount), 2u);
	seqno = fence->seqno;
	KUNIT_EXPECT_EQ(test, seqno, (u64)fix->pipe->fence_seqno);
	KUNIT_EXPECT_EQ(test, fence->context, fix->pipe->fence_context);

	again = fix->pipe->base.ops->run_job(job);
	KUNIT_EXPECT_PTR_EQ(test, again, fence);
	KUNIT_EXPECT_EQ(test, kref_read(&fence->refcount), 3u);
	KUNIT_EXPECT_EQ(test, fence->seqno, seqno);
	KUNIT_EXPECT_EQ(test, (u64)fix->pipe->fence_seqno, seqno);
	KUNIT_EXPECT_EQ(test, atomic_read(&fix->runs), 2);
	dma_fence_put(again);

	/* It completes after the scheduler was stopped: nothing to run again */
	lima_sched_pipe_task_done(fix->pipe);
	again = fix->pipe->base.ops->run_job(job);
	KUNIT_EXPECT_PTR_EQ(test, again, fence);
	KUNIT_EXPECT_EQ(test, atomic_read(&fix->runs), 2);
	dma_fence_put(again);

	lima_sched_task_fini(task);
	kmem_cache_free(fix->pipe->task_slab, task);
	KUNIT_EXPECT_EQ(test, kref_read(&fence->refcount), 1u);
	dma_fence_put(fence);
}

/* Nobody but the task has its fence, which was never initialised */
static void task_that_never_ran_is_freed(struct kunit *test)
{
	struct lima_fixture *fix = test->priv;
	struct lima_sched_task *task;

	lima_test_start(test);
	task = lima_test_task(test);
	lima_sched_task_fini(task);
	kmem_cache_free(fix->pipe->task_slab, task);
	KUNIT_EXPECT_EQ(test, fix->pipe->fence_seqno, 0u);
}

static void failed_task_leaves_its_buffers(struct kunit *test)
{
	struct lima_fixture *fix = test->priv;
	struct lima_sched_context *context;
	struct lima_sched_task task = { };
	struct drm_sched_rq *rq;
	struct lima_bo *bo;

	lima_test_start(test);
	context = fix->ctx->context;
	bo = kunit_kzalloc(test, sizeof(*bo), GFP_KERNEL);
	KUNIT_ASSERT_TRUE(test, bo);
	kref_init(&bo->base.base.refcount);

	/* There is no scheduler that is ready */
	rq = context->base.rq;
	context->base.rq = NULL;
	KUNIT_EXPECT_EQ(test, lima_sched_task_init(&task, context, &bo, 1,
						   &fix->vm), -ENOENT);
	context->base.rq = rq;
	KUNIT_EXPECT_EQ(test, kref_read(&bo->base.base.refcount), 1u);
}

static void queued_means_powered(struct kunit *test)
{
	struct lima_fixture *fix = test->priv;
	struct dma_fence *done;

	lima_test_start(test);
	done = lima_test_queue(test, NULL);
	lima_expect_runs(test, 1);
	KUNIT_EXPECT_EQ(test, atomic_read(lima_test_usage(fix)), 1);

	lima_sched_pipe_task_done(fix->pipe);
	lima_expect_done(test, done, 0);
	KUNIT_EXPECT_TRUE(test, lima_test_wait(lima_test_usage(fix), 0));
}

static void killed_task_leaves_no_power(struct kunit *test)
{
	struct lima_fixture *fix = test->priv;
	struct dma_fence *done, *never;

	lima_test_start(test);
	never = lima_test_fence(test);
	done = lima_test_queue(test, never);
	lima_test_free_ctx(fix);
	dma_fence_signal(never);
	dma_fence_put(never);

	lima_expect_done(test, done, -ESRCH);
	KUNIT_EXPECT_TRUE(test, lima_test_wait(lima_test_usage(fix), 0));
	KUNIT_EXPECT_EQ(test, atomic_read(&fix->runs), 0);
}

static void task_runs_again_after_reset(struct kunit *test)
{
	struct lima_fixture *fix = test->priv;
	struct dma_fence *done;

	lima_sched_timeout_ms = A_WHILE;
	lima_job_hang_limit = 1;
	fix->done_at_run = 2;
	lima_test_start(test);
	done = lima_test_queue(test, NULL);
	lima_expect_done(test, done, 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&fix->runs), 2);
	KUNIT_EXPECT_EQ(test, fix->pipe->fence_seqno, 1u);
	KUNIT_EXPECT_TRUE(test, lima_test_wait(lima_test_usage(fix), 0));
}

/* The dump has the name of the process, the context is not there to ask */
static void guilty_task_outlives_its_context(struct kunit *test)
{
	struct lima_fixture *fix = test->priv;
	struct lima_sched_error_task *et;
	struct lima_dump_chunk *chunk;
	struct dma_fence *done;
	const char *name;

	lima_sched_timeout_ms = 5 * A_WHILE;
	lima_max_error_tasks = 1;
	lima_test_start(test);
	done = lima_test_queue(test, NULL);
	lima_expect_runs(test, 1);
	lima_test_free_ctx(fix);

	lima_expect_done(test, done, -ECANCELED);
	KUNIT_EXPECT_TRUE(test, lima_test_wait(lima_test_usage(fix), 0));
	KUNIT_EXPECT_EQ(test, atomic_read(&fix->runs), 1);

	KUNIT_ASSERT_FALSE(test, list_empty(&fix->ldev.error_task_list));
	et = list_first_entry(&fix->ldev.error_task_list,
			      struct lima_sched_error_task, list);
	/* The first one is the frame, which is empty */
	chunk = et->data + sizeof(struct lima_dump_task) + sizeof(*chunk);
	KUNIT_ASSERT_EQ(test, chunk->id, (u32)LIMA_DUMP_CHUNK_PROCESS_NAME);
	name = (char *)(chunk + 1);
	KUNIT_EXPECT_EQ(test, strcmp(name, current->comm), 0);
}

/* What the PM core does when the system goes to sleep */
static int lima_test_sleep(struct lima_fixture *fix)
{
	int ret;

	pm_runtime_get_noresume(fix->ldev.dev);
	pm_runtime_barrier(fix->ldev.dev);
	ret = fix->domain.ops.suspend(fix->ldev.dev);
	if (ret)
		pm_runtime_put(fix->ldev.dev);

	return ret;
}

static int lima_test_wake(struct lima_fixture *fix)
{
	int ret = fix->domain.ops.resume(fix->ldev.dev);

	pm_runtime_put(fix->ldev.dev);

	return ret;
}

/* A display signals the fence when it is suspended, after the GPU */
static void no_task_starts_while_asleep(struct kunit *test)
{
	struct lima_fixture *fix = test->priv;
	struct dma_fence *done, *flip;

	lima_test_start(test);
	flip = lima_test_fence(test);
	done = lima_test_queue(test, flip);

	KUNIT_ASSERT_EQ(test, lima_test_sleep(fix), 0);
	KUNIT_EXPECT_TRUE(test, pm_runtime_status_suspended(fix->ldev.dev));
	dma_fence_signal(flip);
	dma_fence_put(flip);
	msleep(A_WHILE);
	KUNIT_EXPECT_EQ(test, atomic_read(&fix->runs), 0);

	KUNIT_EXPECT_EQ(test, lima_test_wake(fix), 0);
	lima_expect_runs(test, 1);
	lima_sched_pipe_task_done(fix->pipe);
	lima_expect_done(test, done, 0);
}

/* There is always one on the hardware or about to start */
static void sleep_waits_for_one_task(struct kunit *test)
{
	struct lima_fixture *fix = test->priv;
	struct dma_fence *first, *second;

	lima_test_start(test);
	first = lima_test_queue(test, NULL);
	second = lima_test_queue(test, NULL);
	lima_expect_runs(test, 1);

	schedule_delayed_work(&fix->done_work, msecs_to_jiffies(A_WHILE));
	KUNIT_ASSERT_EQ(test, lima_test_sleep(fix), 0);
	KUNIT_EXPECT_TRUE(test, dma_fence_is_signaled(first));
	lima_expect_done(test, first, 0);
	msleep(A_WHILE);
	KUNIT_EXPECT_EQ(test, atomic_read(&fix->runs), 1);

	KUNIT_EXPECT_EQ(test, lima_test_wake(fix), 0);
	lima_expect_runs(test, 2);
	lima_sched_pipe_task_done(fix->pipe);
	lima_expect_done(test, second, 0);
}

static void sleep_is_refused_to_a_long_task(struct kunit *test)
{
	struct lima_fixture *fix = test->priv;
	struct dma_fence *first, *second;

	lima_test_start(test);
	first = lima_test_queue(test, NULL);
	second = lima_test_queue(test, NULL);
	lima_expect_runs(test, 1);

	KUNIT_EXPECT_EQ(test, lima_test_sleep(fix), -EBUSY);
	KUNIT_EXPECT_FALSE(test, pm_runtime_status_suspended(fix->ldev.dev));
	lima_sched_pipe_task_done(fix->pipe);
	lima_expect_done(test, first, 0);
	lima_expect_runs(test, 2);
	lima_sched_pipe_task_done(fix->pipe);
	lima_expect_done(test, second, 0);
}

/* No task counts as being on the hardware while that is reset */
static void sleep_waits_for_reset(struct kunit *test)
{
	struct lima_fixture *fix = test->priv;
	struct dma_fence *done;

	lima_sched_timeout_ms = A_WHILE;
	fix->reset_ms = 3 * A_WHILE;
	lima_test_start(test);
	done = lima_test_queue(test, NULL);
	KUNIT_ASSERT_TRUE(test, lima_test_wait(&fix->resets, 1));

	KUNIT_ASSERT_EQ(test, lima_test_sleep(fix), 0);
	KUNIT_EXPECT_TRUE(test, dma_fence_is_signaled(done));
	lima_expect_done(test, done, -ECANCELED);
	KUNIT_EXPECT_EQ(test, lima_test_wake(fix), 0);
}

static int lima_test_no_resume(struct device *dev)
{
	return -EIO;
}

static void tasks_fail_if_gpu_does_not_wake_up(struct kunit *test)
{
	struct lima_fixture *fix = test->priv;
	struct dma_fence *done, *flip;

	lima_test_start(test);
	flip = lima_test_fence(test);
	done = lima_test_queue(test, flip);

	KUNIT_ASSERT_EQ(test, lima_test_sleep(fix), 0);
	dma_fence_signal(flip);
	dma_fence_put(flip);
	fix->domain.ops.runtime_resume = lima_test_no_resume;
	KUNIT_EXPECT_EQ(test, lima_test_wake(fix), -EIO);
	lima_expect_done(test, done, -EIO);
	KUNIT_EXPECT_EQ(test, atomic_read(&fix->runs), 0);
}

static struct kunit_case lima_sched_cases[] = {
	KUNIT_CASE(task_keeps_its_fence),
	KUNIT_CASE(task_that_never_ran_is_freed),
	KUNIT_CASE(failed_task_leaves_its_buffers),
	KUNIT_CASE(queued_means_powered),
	KUNIT_CASE(killed_task_leaves_no_power),
	KUNIT_CASE(task_runs_again_after_reset),
	KUNIT_CASE(guilty_task_outlives_its_context),
	KUNIT_CASE(no_task_starts_while_asleep),
	KUNIT_CASE(sleep_waits_for_one_task),
	KUNIT_CASE(sleep_is_refused_to_a_long_task),
	KUNIT_CASE(sleep_waits_for_reset),
	KUNIT_CASE(tasks_fail_if_gpu_does_not_wake_up),
	{}
};

static struct kunit_suite lima_sched_suite = {
	.name = "lima-sched",
	.init = lima_test_init,
	.exit = lima_test_exit,
	.test_cases = lima_sched_cases,
};

kunit_test_suite(lima_sched_suite);
