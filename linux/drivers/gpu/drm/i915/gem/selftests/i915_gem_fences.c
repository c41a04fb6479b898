// SPDX-License-Identifier: MIT
/*
 * Which fences of an object are waited for, and which are not
 *
 * An object is given a fence of each usage, all of which are signaled but one. An
 * operation that asks for some usage has to wait if that one is of this usage or
 * of a stronger one, and must not wait otherwise.
 */

#include <linux/completion.h>
#include <linux/dma-buf.h>
#include <linux/dma-fence-check.h>
#include <linux/slab.h>
#include <linux/workqueue.h>

#include "gem/i915_gem_clflush.h"
#include "gem/i915_gem_client_blt.h"
#include "gem/i915_gem_ioctls.h"
#include "gem/i915_gem_object.h"
#include "gem/i915_gem_object_blt.h"
#include "gem/i915_gem_region.h"
#include "gt/intel_context.h"
#include "gt/intel_engine.h"
#include "gt/intel_gt_buffer_pool.h"

#include "i915_drv.h"
#include "i915_selftest.h"
#include "i915_sw_fence.h"
#include "i915_vma.h"
#include "igt_fault.h"
#include "selftests/mock_gem_device.h"
#include "selftests/mock_gtt.h"
#include "selftests/mock_request.h"

/* So long nobody may take who needn't wait, not even here */
#define PATIENCE (10 * HZ)
/* So long nothing happens to those who wait */
#define DELAY (HZ / 10)

static const char * const usage_names[DMA_RESV_USAGES] = {
	"KERNEL", "WRITE", "READ", "BOOKKEEP"
};

struct mock_fence {
	struct dma_fence base;
	spinlock_t lock; /* of @base */
	struct timer_list timer;
};

static const char *mock_fence_name(struct dma_fence *fence)
{
	return "mock";
}

static void mock_fence_release(struct dma_fence *fence)
{
	struct mock_fence *mock = container_of(fence, typeof(*mock), base);

	del_timer_sync(&mock->timer);
	kfree_rcu(mock, base.rcu);
}

static const struct dma_fence_ops mock_fence_ops = {
	.get_driver_name = mock_fence_name,
	.get_timeline_name = mock_fence_name,
	.release = mock_fence_release,
};

static void mock_fence_timeout(struct timer_list *t)
{
	struct mock_fence *mock = from_timer(mock, t, timer);

	dma_fence_signal(&mock->base);
}

static struct dma_fence *mock_fence_create(void)
{
	struct mock_fence *mock;

	mock = kzalloc(sizeof(*mock), GFP_KERNEL);
	if (!mock)
		return NULL;

	spin_lock_init(&mock->lock);
	timer_setup(&mock->timer, mock_fence_timeout, 0);
	dma_fence_init(&mock->base, &mock_fence_ops, &mock->lock,
		       dma_fence_context_alloc(1), 1);
	dma_fence_check_by_user(&mock->base);

	return &mock->base;
}

static void mock_fence_signal_in(struct dma_fence *fence, unsigned long delay)
{
	struct mock_fence *mock = container_of(fence, typeof(*mock), base);

	mod_timer(&mock->timer, jiffies + delay);
}

/* An object with a fence of each usage */
struct fenced {
	struct drm_i915_private *i915;
	struct drm_i915_gem_object *obj;
	struct dma_fence *fences[DMA_RESV_USAGES];
	/* What an operation has under way */
	struct i915_sw_fence sw;
	struct i915_request *rq;
};

static void fenced_signal(struct fenced *f)
{
	unsigned int u;

	for (u = 0; u < DMA_RESV_USAGES; u++) {
		if (f->fences[u])
			dma_fence_signal(f->fences[u]);
	}
}

static void fenced_fini(struct fenced *f)
{
	unsigned int u;

	fenced_signal(f);
	i915_gem_object_put(f->obj);
	for (u = 0; u < DMA_RESV_USAGES; u++)
		dma_fence_put(f->fences[u]);
}

static int fenced_init(struct fenced *f, struct drm_i915_private *i915)
{
	unsigned int u;
	int err;

	memset(f, 0, sizeof(*f));
	f->i915 = i915;
	f->obj = i915_gem_object_create_shmem(i915, PAGE_SIZE);
	if (IS_ERR(f->obj))
		return PTR_ERR(f->obj);

	i915_gem_object_lock(f->obj, NULL);
	err = dma_resv_reserve_fences(f->obj->base.resv, DMA_RESV_USAGES);
	for (u = 0; u < DMA_RESV_USAGES && !err; u++) {
		f->fences[u] = mock_fence_create();
		if (f->fences[u])
			dma_resv_add_fence(f->obj->base.resv, f->fences[u], u);
		else
			err = -ENOMEM;
	}
	i915_gem_object_unlock(f->obj);
	if (err)
		fenced_fini(f);

	return err;
}

/* Signal all but the fence of usage @left */
static void fenced_leave(struct fenced *f, unsigned int left)
{
	unsigned int u;

	for (u = 0; u < DMA_RESV_USAGES; u++) {
		if (u != left)
			dma_fence_signal(f->fences[u]);
	}
}

/* Operations that wait here and now */
struct blocking_op {
	const char *name;
	enum dma_resv_usage usage;
	int (*run)(struct fenced *f);
	bool locks; /* waits with the object locked */
};

static int run_wait(struct fenced *f)
{
	return i915_gem_object_wait(f->obj, 0, MAX_SCHEDULE_TIMEOUT);
}

static int run_wait_all(struct fenced *f)
{
	return i915_gem_object_wait(f->obj, I915_WAIT_ALL,
				    MAX_SCHEDULE_TIMEOUT);
}

static int run_wait_kernel(struct fenced *f)
{
	return i915_gem_object_wait_kernel(f->obj);
}

static int set_domain(struct fenced *f, bool write,
		      int (*set)(struct drm_i915_gem_object *obj, bool write))
{
	int err;

	i915_gem_object_lock(f->obj, NULL);
	err = set(f->obj, write);
	i915_gem_object_unlock(f->obj);

	return err;
}

static int run_cpu_read(struct fenced *f)
{
	return set_domain(f, false, i915_gem_object_set_to_cpu_domain);
}

static int run_cpu_write(struct fenced *f)
{
	return set_domain(f, true, i915_gem_object_set_to_cpu_domain);
}

static int run_gtt_read(struct fenced *f)
{
	return set_domain(f, false, i915_gem_object_set_to_gtt_domain);
}

static int run_gtt_write(struct fenced *f)
{
	return set_domain(f, true, i915_gem_object_set_to_gtt_domain);
}

static int run_wc_write(struct fenced *f)
{
	return set_domain(f, true, i915_gem_object_set_to_wc_domain);
}

static int run_export_vmap(struct fenced *f)
{
	struct dma_buf *dmabuf;
	void *vaddr;

	dmabuf = i915_gem_prime_export(&f->obj->base, 0);
	if (IS_ERR(dmabuf))
		return PTR_ERR(dmabuf);

	vaddr = dma_buf_vmap(dmabuf);
	if (!IS_ERR_OR_NULL(vaddr))
		dma_buf_vunmap(dmabuf, vaddr);
	dma_buf_put(dmabuf);

	return vaddr ? PTR_ERR_OR_ZERO(vaddr) : -ENOMEM;
}

static int run_import(struct fenced *f)
{
	struct dma_buf_attachment *attach;
	struct dma_buf *dmabuf;
	struct sg_table *st;

	dmabuf = i915_gem_prime_export(&f->obj->base, 0);
	if (IS_ERR(dmabuf))
		return PTR_ERR(dmabuf);

	attach = dma_buf_attach(dmabuf, f->i915->drm.dev);
	if (IS_ERR(attach)) {
		dma_buf_put(dmabuf);
		return PTR_ERR(attach);
	}

	st = dma_buf_map_attachment(attach, DMA_BIDIRECTIONAL);
	if (!IS_ERR(st))
		dma_buf_unmap_attachment(attach, st, DMA_BIDIRECTIONAL);
	dma_buf_detach(dmabuf, attach);
	dma_buf_put(dmabuf);

	return PTR_ERR_OR_ZERO(st);
}

/* Not dma_buf_mmap(), for which there had to be a process that has the area */
static int run_export_mmap(struct fenced *f)
{
	struct vm_area_struct area = { .vm_end = f->obj->base.size };
	struct dma_buf *dmabuf;
	int err;

	dmabuf = i915_gem_prime_export(&f->obj->base, 0);
	if (IS_ERR(dmabuf))
		return PTR_ERR(dmabuf);

	area.vm_file = get_file(dmabuf->file);
	err = dmabuf->ops->mmap(dmabuf, &area);
	fput(area.vm_file);
	dma_buf_put(dmabuf);

	return err;
}

/* Nothing can be mapped here, so the pages are not to be had once it has waited */
static int run_fault(struct fenced *f,
		     vm_fault_t (*fault)(struct drm_i915_gem_object *obj))
{
	f->obj->mm.madv = I915_MADV_DONTNEED;

	return fault(f->obj) == VM_FAULT_SIGBUS ? 0 : -EINVAL;
}

static int run_fault_cpu(struct fenced *f)
{
	return run_fault(f, igt_fault_cpu);
}

static int run_fault_gtt(struct fenced *f)
{
	return run_fault(f, igt_fault_gtt);
}

static int run_debugger_reads(struct fenced *f)
{
	u32 x;
	int err;

	err = igt_access(f->obj, &x, sizeof(x), false);

	return err == sizeof(x) ? 0 : min(err, -EINVAL);
}

static int run_debugger_writes(struct fenced *f)
{
	u32 x = 0;
	int err;

	err = igt_access(f->obj, &x, sizeof(x), true);

	return err == sizeof(x) ? 0 : min(err, -EINVAL);
}

static int run_attach_phys(struct fenced *f)
{
	return i915_gem_object_attach_phys(f->obj, PAGE_SIZE);
}

static const struct blocking_op blocking_ops[] = {
	{ "wait", DMA_RESV_USAGE_WRITE, run_wait },
	{ "wait for all", DMA_RESV_USAGE_READ, run_wait_all },
	{ "wait for the kernel", DMA_RESV_USAGE_KERNEL, run_wait_kernel },
	{ "read by the CPU", DMA_RESV_USAGE_WRITE, run_cpu_read, true },
	{ "write by the CPU", DMA_RESV_USAGE_READ, run_cpu_write, true },
	{ "read through the GTT", DMA_RESV_USAGE_WRITE, run_gtt_read, true },
	{ "write through the GTT", DMA_RESV_USAGE_READ, run_gtt_write, true },
	{ "write past the caches", DMA_RESV_USAGE_READ, run_wc_write, true },
	{ "mapping by an importer", DMA_RESV_USAGE_KERNEL, run_export_vmap },
	{ "mapping for a device", DMA_RESV_USAGE_KERNEL, run_import },
	{ "mapping for a process", DMA_RESV_USAGE_KERNEL, run_export_mmap },
	{ "page fault", DMA_RESV_USAGE_KERNEL, run_fault_cpu },
	{ "page fault of the GTT", DMA_RESV_USAGE_KERNEL, run_fault_gtt },
	{ "read by a debugger", DMA_RESV_USAGE_KERNEL, run_debugger_reads },
	{ "write by a debugger", DMA_RESV_USAGE_KERNEL, run_debugger_writes },
	{ "move to contiguous memory", DMA_RESV_USAGE_BOOKKEEP, run_attach_phys },
};

/* One that somebody else runs, so that we see whether it waits */
struct blocking_run {
	struct work_struct work;
	const struct blocking_op *op;
	struct fenced *f;
	struct completion begun, done;
	int err;
};

static void blocking_work(struct work_struct *work)
{
	struct blocking_run *run = container_of(work, typeof(*run), work);

	complete(&run->begun);
	run->err = run->op->run(run->f);
	complete(&run->done);
}

static void blocking_begin(struct blocking_run *run, struct fenced *f,
			   const struct blocking_op *op)
{
	INIT_WORK_ONSTACK(&run->work, blocking_work);
	init_completion(&run->begun);
	init_completion(&run->done);
	run->op = op;
	run->f = f;
	queue_work(system_unbound_wq, &run->work);
	wait_for_completion(&run->begun);
}

static int blocking_end(struct blocking_run *run)
{
	wait_for_completion(&run->done);
	flush_work(&run->work);
	destroy_work_on_stack(&run->work);
	if (run->err)
		pr_err("%s failed: %d\n", run->op->name, run->err);

	return run->err;
}

/* How long does it take if there is nothing to wait for? */
static int time_blocking(struct drm_i915_private *i915,
			 const struct blocking_op *op, unsigned long *took)
{
	unsigned long begin = jiffies;
	struct blocking_run run;
	struct fenced f;
	int err;

	err = fenced_init(&f, i915);
	if (err)
		return err;

	fenced_signal(&f);
	blocking_begin(&run, &f, op);
	err = blocking_end(&run);
	*took = jiffies - begin;
	fenced_fini(&f);

	return err;
}

static int check_blocking(struct drm_i915_private *i915,
			  const struct blocking_op *op, unsigned int left,
			  unsigned long took)
{
	bool must_wait = left <= op->usage, waits;
	struct blocking_run run;
	struct fenced f;
	int err, ret;

	err = fenced_init(&f, i915);
	if (err)
		return err;

	fenced_leave(&f, left);
	blocking_begin(&run, &f, op);
	waits = !wait_for_completion_timeout(&run.done, must_wait ?
					     DELAY + 4 * took : PATIENCE);
	if (waits != must_wait) {
		pr_err("%s %s for a %s fence\n", op->name,
		       waits ? "waits" : "doesn't wait", usage_names[left]);
		err = -EINVAL;
	}
	if (waits && !op->locks) {
		if (i915_gem_object_trylock(f.obj)) {
			i915_gem_object_unlock(f.obj);
		} else {
			pr_err("%s waits with the object locked\n", op->name);
			err = -EINVAL;
		}
	}
	if (!waits)
		complete(&run.done);

	fenced_signal(&f);
	ret = blocking_end(&run);
	fenced_fini(&f);

	return err ?: ret;
}

static int mock_wait(void *arg)
{
	unsigned int i, left;
	unsigned long took;
	int err;

	for (i = 0; i < ARRAY_SIZE(blocking_ops); i++) {
		err = time_blocking(arg, &blocking_ops[i], &took);
		if (err)
			return err;

		for (left = 0; left < DMA_RESV_USAGES; left++) {
			err = check_blocking(arg, &blocking_ops[i], left, took);
			if (err)
				return err;
		}
	}

	return 0;
}

/* Something that is done with a signal pending */
struct interrupted {
	int (*run)(struct fenced *f);
	struct fenced *f;
	struct completion begun;
};

static int interrupted_thread(void *arg)
{
	struct interrupted *it = arg;
	int err;

	allow_signal(SIGINT);
	send_sig(SIGINT, current, 1);
	complete(&it->begun);
	err = it->run(it->f);

	while (!kthread_should_stop())
		schedule_timeout_uninterruptible(1);

	return err;
}

static struct task_struct *interrupted_begin(struct interrupted *it)
{
	struct task_struct *task;

	init_completion(&it->begun);
	task = kthread_run(interrupted_thread, it, "igt/interrupted");
	if (IS_ERR(task))
		return task;

	get_task_struct(task);
	wait_for_completion(&it->begun);
	schedule_timeout_uninterruptible(DELAY);

	return task;
}

static int interrupted_end(struct task_struct *task)
{
	int err = kthread_stop(task);

	put_task_struct(task);

	return err;
}

/* A signal ends the wait of an importer, and dma-buf warns of errors here */
static int mock_vmap_interrupted(void *arg)
{
	struct task_struct *task;
	struct interrupted it;
	struct fenced f;
	int err;

	err = fenced_init(&f, arg);
	if (err)
		return err;
	fenced_leave(&f, DMA_RESV_USAGE_KERNEL);

	it.run = run_export_vmap;
	it.f = &f;
	task = interrupted_begin(&it);
	if (IS_ERR(task)) {
		err = PTR_ERR(task);
		goto out;
	}

	err = interrupted_end(task);
	if (err != -ENOMEM || i915_gem_object_has_pinned_pages(f.obj)) {
		pr_err("mapping returned %d when a signal came, and left %spages pinned\n",
		       err, i915_gem_object_has_pinned_pages(f.obj) ? "" : "no ");
		err = -EINVAL;
	} else {
		err = 0;
	}
out:
	fenced_fini(&f);
	return err;
}

/* Time runs out, and the fence is none of ours */
static int mock_wait_timeout(void *arg)
{
	struct fenced f;
	int err;

	err = fenced_init(&f, arg);
	if (err)
		return err;

	err = i915_gem_object_wait(f.obj, I915_WAIT_ALL, 2);
	if (err != -ETIME) {
		pr_err("waiting for too short a time returned %d\n", err);
		err = -EINVAL;
		goto out;
	}

	err = i915_gem_object_wait(f.obj, I915_WAIT_ALL, 0);
	if (err != -ETIME) {
		pr_err("not waiting returned %d\n", err);
		err = -EINVAL;
		goto out;
	}

	fenced_signal(&f);
	err = i915_gem_object_wait(f.obj, I915_WAIT_ALL, 0);
	if (err)
		pr_err("nothing to wait for, but that returned %d\n", err);
out:
	fenced_fini(&f);
	return err;
}

/* Operations that begin something which waits */
struct async_op {
	const char *name;
	enum dma_resv_usage usage;
	int (*begin)(struct fenced *f);
	bool (*done)(struct fenced *f);
	void (*end)(struct fenced *f);
};

static int __i915_sw_fence_call
fenced_notify(struct i915_sw_fence *sw, enum i915_sw_fence_notify state)
{
	return NOTIFY_DONE;
}

static bool sw_done(struct fenced *f)
{
	return i915_sw_fence_done(&f->sw);
}

static void sw_end(struct fenced *f)
{
	i915_sw_fence_wait(&f->sw);
	i915_sw_fence_fini(&f->sw);
}

static int sw_begin(struct fenced *f, enum dma_resv_usage usage)
{
	int pending;

	i915_sw_fence_init(&f->sw, fenced_notify);
	pending = i915_sw_fence_await_reservation(&f->sw, f->obj->base.resv,
						  usage, 0, GFP_KERNEL);
	i915_sw_fence_commit(&f->sw);
	if (pending >= 0 && !pending != i915_sw_fence_done(&f->sw))
		pending = -EINVAL;

	return min(pending, 0);
}

static int begin_sw_kernel(struct fenced *f)
{
	return sw_begin(f, DMA_RESV_USAGE_KERNEL);
}

static int begin_sw_write(struct fenced *f)
{
	return sw_begin(f, DMA_RESV_USAGE_WRITE);
}

static int begin_sw_read(struct fenced *f)
{
	return sw_begin(f, DMA_RESV_USAGE_READ);
}

static int begin_sw_bookkeep(struct fenced *f)
{
	return sw_begin(f, DMA_RESV_USAGE_BOOKKEEP);
}

static int begin_flip(struct fenced *f, bool explicit)
{
	int err;

	i915_sw_fence_init(&f->sw, fenced_notify);
	err = i915_gem_object_await_scanout(f->obj, &f->sw, explicit);
	i915_sw_fence_commit(&f->sw);

	return err;
}

static int begin_implicit_flip(struct fenced *f)
{
	return begin_flip(f, false);
}

static int begin_explicit_flip(struct fenced *f)
{
	return begin_flip(f, true);
}

static struct intel_context *mock_ce(struct fenced *f)
{
	return f->i915->gt.engine[RCS0]->kernel_context;
}

static int begin_exec(struct fenced *f, unsigned int flags)
{
	int err;

	f->rq = mock_request(mock_ce(f), 0);
	if (IS_ERR(f->rq))
		return PTR_ERR(f->rq);

	err = i915_request_await_exec_object(f->rq, f->obj, flags);
	i915_request_get(f->rq);
	i915_request_add(f->rq);

	return err;
}

static int begin_exec_read(struct fenced *f)
{
	return begin_exec(f, 0);
}

static int begin_exec_write(struct fenced *f)
{
	return begin_exec(f, EXEC_OBJECT_WRITE);
}

static int begin_exec_async(struct fenced *f)
{
	return begin_exec(f, EXEC_OBJECT_ASYNC | EXEC_OBJECT_WRITE);
}

static bool exec_done(struct fenced *f)
{
	return i915_request_completed(f->rq);
}

static void exec_end(struct fenced *f)
{
	i915_request_wait(f->rq, 0, MAX_SCHEDULE_TIMEOUT);
	i915_request_put(f->rq);
}

/* What the kernel does itself is complete if no KERNEL fence is left */
static bool kernel_done(struct fenced *f)
{
	return dma_resv_test_signaled(f->obj->base.resv, DMA_RESV_USAGE_KERNEL);
}

static void kernel_end(struct fenced *f)
{
	dma_resv_wait_timeout(f->obj->base.resv, DMA_RESV_USAGE_BOOKKEEP, false,
			      MAX_SCHEDULE_TIMEOUT);
}

static int begin_clflush(struct fenced *f)
{
	int err;

	/* Only pages that are there are dirty */
	err = i915_gem_object_pin_pages(f->obj);
	if (err)
		return err;

	i915_gem_object_lock(f->obj, NULL);
	f->obj->cache_dirty = true;
	if (!i915_gem_clflush_object(f->obj, I915_CLFLUSH_FORCE))
		err = -EINVAL;
	i915_gem_object_unlock(f->obj);
	i915_gem_object_unpin_pages(f->obj);

	/* They have to stay while the flush is pending */
	if (!err && dma_fence_is_signaled(f->fences[DMA_RESV_USAGE_KERNEL]) &&
	    !i915_gem_object_has_pinned_pages(f->obj) && !kernel_done(f)) {
		pr_err("pages of a pending flush are not pinned\n");
		err = -EINVAL;
	}

	return err;
}

static int nop_emit_bb_start(struct i915_request *rq, u64 offset, u32 length,
			     unsigned int flags)
{
	return 0;
}

static int begin_clear_pages(struct fenced *f)
{
	struct intel_context *ce = mock_ce(f);
	int err;

	err = i915_gem_object_pin_pages(f->obj);
	if (err)
		return err;

	ce->engine->emit_bb_start = nop_emit_bb_start;

	return i915_gem_schedule_fill_pages_blt(f->obj, ce, f->obj->mm.pages,
						&f->obj->mm.page_sizes, 0);
}

static void end_clear_pages(struct fenced *f)
{
	kernel_end(f);
	i915_gem_object_unpin_pages(f->obj);
}

static int begin_fill(struct fenced *f)
{
	struct intel_context *ce = mock_ce(f);

	ce->engine->emit_bb_start = nop_emit_bb_start;

	return i915_gem_object_fill_blt(f->obj, ce, 0);
}

static const struct async_op async_ops[] = {
	{ "KERNEL query", DMA_RESV_USAGE_KERNEL, begin_sw_kernel, sw_done, sw_end },
	{ "WRITE query", DMA_RESV_USAGE_WRITE, begin_sw_write, sw_done, sw_end },
	{ "READ query", DMA_RESV_USAGE_READ, begin_sw_read, sw_done, sw_end },
	{ "BOOKKEEP query", DMA_RESV_USAGE_BOOKKEEP, begin_sw_bookkeep, sw_done,
	  sw_end },
	{ "flip", DMA_RESV_USAGE_WRITE, begin_implicit_flip, sw_done, sw_end },
	{ "flip with a fence", DMA_RESV_USAGE_KERNEL, begin_explicit_flip,
	  sw_done, sw_end },
	{ "job that reads", DMA_RESV_USAGE_WRITE, begin_exec_read, exec_done,
	  exec_end },
	{ "job that writes", DMA_RESV_USAGE_READ, begin_exec_write, exec_done,
	  exec_end },
	{ "asynchronous job", DMA_RESV_USAGE_KERNEL, begin_exec_async, exec_done,
	  exec_end },
	{ "flush of the caches", DMA_RESV_USAGE_READ, begin_clflush, kernel_done,
	  kernel_end },
	{ "clear of the pages", DMA_RESV_USAGE_BOOKKEEP, begin_clear_pages,
	  kernel_done, end_clear_pages },
	{ "fill by the blitter", DMA_RESV_USAGE_BOOKKEEP, begin_fill,
	  kernel_done, kernel_end },
};

static bool comes_true(bool (*done)(struct fenced *f), struct fenced *f,
		       unsigned long timeout)
{
	unsigned long end = jiffies + timeout;

	while (!done(f)) {
		if (time_after(jiffies, end))
			return done(f);
		schedule_timeout_uninterruptible(1);
	}

	return true;
}

static int check_async(struct drm_i915_private *i915, const struct async_op *op,
		       unsigned int left, bool alone)
{
	bool must_wait = left <= op->usage, done;
	struct fenced f;
	int err;

	err = fenced_init(&f, i915);
	if (err)
		return err;

	if (alone)
		fenced_leave(&f, left);
	err = op->begin(&f);
	fenced_leave(&f, left);
	if (err) {
		pr_err("%s failed: %d\n", op->name, err);
		goto out;
	}

	done = comes_true(op->done, &f, must_wait ? DELAY : PATIENCE);
	if (done == must_wait) {
		pr_err("%s %s for a %s fence\n", op->name,
		       done ? "doesn't wait" : "waits", usage_names[left]);
		err = -EINVAL;
	}

	fenced_signal(&f);
	if (!comes_true(op->done, &f, PATIENCE)) {
		pr_err("%s isn't complete after all fences are\n", op->name);
		err = -EINVAL;
	}
	op->end(&f);
out:
	fenced_fini(&f);
	return err;
}

static int mock_await(void *arg)
{
	unsigned int i, left;
	int err;

	for (i = 0; i < ARRAY_SIZE(async_ops); i++) {
		for (left = 0; left < DMA_RESV_USAGES; left++) {
			/* There is nothing else, or it is done with first */
			err = check_async(arg, &async_ops[i], left, true) ?:
			      check_async(arg, &async_ops[i], left, false);
			if (err)
				return err;
		}
	}

	return 0;
}

/* The object has a pending flush, that waits for READ, and all there is to flush */
static int check_pending_flush(struct fenced *f)
{
	if (kernel_done(f)) {
		pr_err("a flush of the caches doesn't wait\n");
		return -EINVAL;
	}

	if (f->obj->cache_dirty || !i915_gem_object_has_pinned_pages(f->obj)) {
		pr_err("a pending flush has no pages\n");
		return -EINVAL;
	}

	return 0;
}

/* The caches are flushed whatever became of the jobs, nor is that a flaw of it */
static int mock_flush_after_error(void *arg)
{
	struct dma_resv_iter cursor;
	struct dma_fence *fence, *flush = NULL;
	struct fenced f;
	int err;

	err = fenced_init(&f, arg);
	if (err)
		return err;

	fenced_leave(&f, DMA_RESV_USAGE_READ);
	err = begin_clflush(&f) ?: check_pending_flush(&f);
	if (err)
		goto out;

	i915_gem_object_lock(f.obj, NULL);
	dma_resv_for_each_fence(&cursor, f.obj->base.resv,
				DMA_RESV_USAGE_KERNEL, fence) {
		if (!dma_fence_is_signaled(fence))
			flush = dma_fence_get(fence);
	}
	i915_gem_object_unlock(f.obj);

	dma_fence_set_error(f.fences[DMA_RESV_USAGE_READ], -EIO);
	fenced_signal(&f);
	kernel_end(&f);
	if (!flush || dma_fence_get_status(flush) != 1) {
		pr_err("after a failed job the status of a flush is %d\n",
		       flush ? dma_fence_get_status(flush) : 0);
		err = -EINVAL;
	}
	if (flush)
		dma_fence_put(flush);
out:
	fenced_signal(&f);
	kernel_end(&f);
	fenced_fini(&f);
	return err;
}

/* Pages that are not there are not got, and stay to be flushed when they come */
static int mock_flush_absent(void *arg)
{
	struct fenced f;
	int err;

	err = fenced_init(&f, arg);
	if (err)
		return err;

	i915_gem_object_lock(f.obj, NULL);
	f.obj->cache_dirty = true;
	if (i915_gem_clflush_object(f.obj, I915_CLFLUSH_FORCE) ||
	    i915_gem_clflush_object(f.obj, I915_CLFLUSH_FORCE |
					   I915_CLFLUSH_SYNC) ||
	    i915_gem_object_has_pages(f.obj) || !f.obj->cache_dirty) {
		pr_err("pages that are not there were flushed\n");
		err = -EINVAL;
	}
	i915_gem_object_unlock(f.obj);

	if (!err)
		err = i915_gem_object_pin_pages(f.obj);
	if (!err) {
		if (f.obj->cache_dirty) {
			pr_err("pages that come are not flushed\n");
			err = -EINVAL;
		}
		i915_gem_object_unpin_pages(f.obj);
	}

	fenced_fini(&f);
	return err;
}

static int run_clflush(struct fenced *f)
{
	int err = 0;

	i915_gem_object_lock(f->obj, NULL);
	f->obj->cache_dirty = true;
	if (!i915_gem_clflush_object(f->obj, I915_CLFLUSH_FORCE))
		err = -EINVAL;
	i915_gem_object_unlock(f->obj);

	return err;
}

/* A signal while somebody else is at the pages is no reason not to flush them */
static int mock_flush_interrupted(void *arg)
{
	struct task_struct *task;
	struct interrupted it;
	struct fenced f;
	int err;

	err = fenced_init(&f, arg);
	if (err)
		return err;
	fenced_leave(&f, DMA_RESV_USAGE_READ);

	/* Pages that are there, and not pinned */
	err = i915_gem_object_pin_pages(f.obj);
	if (err)
		goto out;
	i915_gem_object_unpin_pages(f.obj);

	/* As those who get pages, who allocate meanwhile */
	mutex_lock_nested(&f.obj->mm.lock, I915_MM_GET_PAGES);
	it.run = run_clflush;
	it.f = &f;
	task = interrupted_begin(&it);
	mutex_unlock(&f.obj->mm.lock);
	if (IS_ERR(task)) {
		err = PTR_ERR(task);
		goto out;
	}

	err = interrupted_end(task);
	if (err)
		pr_err("nothing is flushed when a signal comes\n");
	else
		err = check_pending_flush(&f);
out:
	fenced_signal(&f);
	kernel_end(&f);
	fenced_fini(&f);
	return err;
}

/* Two ways in which a write by the CPU that is under way misses its flush */
static void flush_dirty(struct drm_i915_gem_object *obj)
{
	i915_gem_clflush_object(obj, I915_CLFLUSH_FORCE);
}

static void make_incoherent(struct drm_i915_gem_object *obj)
{
	i915_gem_object_set_cache_coherency(obj, I915_CACHE_NONE);
	obj->cache_dirty = true;
	i915_gem_clflush_object(obj, I915_CLFLUSH_FORCE);
}

static int check_write(struct drm_i915_private *i915, unsigned int cache_level,
		       bool dirty,
		       void (*meanwhile)(struct drm_i915_gem_object *obj))
{
	unsigned int needs_clflush;
	bool missed, locked;
	struct fenced f;
	int err;

	err = fenced_init(&f, i915);
	if (err)
		return err;
	fenced_signal(&f);

	err = i915_gem_object_pin_pages(f.obj);
	if (err)
		goto out;

	i915_gem_object_lock(f.obj, NULL);
	i915_gem_object_set_cache_coherency(f.obj, cache_level);
	f.obj->cache_dirty = false;
	if (dirty)
		err = i915_gem_object_set_to_cpu_domain(f.obj, true);
	err = err ?: i915_gem_object_prepare_write(f.obj, &needs_clflush);
	if (!err)
		i915_gem_object_finish_access(f.obj);
	i915_gem_object_unlock(f.obj);
	if (err)
		goto out_unpin;

	/* Here PWRITE copies, and others come in between */
	if (meanwhile) {
		i915_gem_object_lock(f.obj, NULL);
		meanwhile(f.obj);
		locked = i915_gem_object_write_missed_clflush(f.obj,
							      needs_clflush);
		i915_gem_object_unlock(f.obj);
		if (!locked && !(needs_clflush & CLFLUSH_AFTER)) {
			pr_err("a write doesn't reckon with a flush under way\n");
			err = -EINVAL;
		}
	}

	missed = i915_gem_object_write_missed_clflush(f.obj, needs_clflush);
	if (missed != (meanwhile && !(needs_clflush & CLFLUSH_AFTER))) {
		pr_err("a write with flags %x has %smissed its flush\n",
		       needs_clflush, missed ? "" : "not ");
		err = -EINVAL;
	}
	kernel_end(&f);

out_unpin:
	i915_gem_object_unpin_pages(f.obj);
out:
	fenced_fini(&f);
	return err;
}

/* What PWRITE has decided to do without a flush, others may have upset */
static int mock_write(void *arg)
{
	return check_write(arg, I915_CACHE_NONE, false, NULL) ?:
	       check_write(arg, I915_CACHE_NONE, true, NULL) ?:
	       check_write(arg, I915_CACHE_LLC, true, NULL) ?:
	       check_write(arg, I915_CACHE_NONE, false, make_incoherent) ?:
	       check_write(arg, I915_CACHE_NONE, true, flush_dirty) ?:
	       check_write(arg, I915_CACHE_LLC, true, make_incoherent);
}

static int check_gtt_write(struct fenced *f, bool cached)
{
	if (i915_gem_object_gtt_write_is_cached(f->obj) == cached)
		return 0;

	pr_err("a write through the GTT takes the caches for %s\n",
	       cached ? "empty" : "filled");
	return -EINVAL;
}

/* The same for one that goes past the caches, and readers who come in between */
static int mock_gtt_write(void *arg)
{
	struct fenced f;
	int err;

	err = fenced_init(&f, arg);
	if (err)
		return err;
	fenced_signal(&f);
	i915_gem_object_set_cache_coherency(f.obj, I915_CACHE_NONE);
	f.obj->cache_coherent = 0;

	err = i915_gem_object_pin_pages(f.obj);
	if (err)
		goto out;

	err = run_gtt_write(&f) ?:
	      check_gtt_write(&f, false) ?:
	      run_cpu_read(&f) ?:
	      check_gtt_write(&f, true);
	f.obj->cache_coherent = I915_BO_CACHE_COHERENT_FOR_READ;
	err = err ?: check_gtt_write(&f, false);
	i915_gem_object_unpin_pages(f.obj);
out:
	fenced_fini(&f);
	return err;
}

/* A request that is under way until @sw is signaled, with the object in its use */
static struct i915_request *use_object(struct fenced *f, unsigned int flags)
{
	struct i915_request *rq;
	struct i915_vma *vma;
	int err;

	vma = i915_vma_instance(f->obj, &f->i915->ggtt.vm, NULL);
	if (IS_ERR(vma))
		return ERR_CAST(vma);

	err = i915_vma_pin(vma, 0, 0, PIN_GLOBAL);
	if (err)
		return ERR_PTR(err);

	rq = mock_request(mock_ce(f), 0);
	if (IS_ERR(rq))
		goto unpin;

	i915_request_get(rq);
	err = i915_sw_fence_await_sw_fence_gfp(&rq->submit, &f->sw, GFP_KERNEL);
	i915_vma_lock(vma);
	if (err >= 0)
		err = i915_vma_move_to_active(vma, rq, flags);
	i915_vma_unlock(vma);
	i915_request_add(rq);
	if (err < 0) {
		i915_request_put(rq);
		rq = ERR_PTR(err);
	}
unpin:
	i915_vma_unpin(vma);
	return rq;
}

/* With what usage is @fence in the object? DMA_RESV_USAGES if it isn't. */
static unsigned int usage_of(struct fenced *f, struct dma_fence *fence)
{
	unsigned int usage = DMA_RESV_USAGES;
	struct dma_resv_iter cursor;
	struct dma_fence *it;

	i915_gem_object_lock(f->obj, NULL);
	dma_resv_for_each_fence(&cursor, f->obj->base.resv,
				DMA_RESV_USAGE_BOOKKEEP, it) {
		if (it == fence)
			usage = dma_resv_iter_usage(&cursor);
	}
	i915_gem_object_unlock(f->obj);

	return usage;
}

/* How the fence of a job is added, and that no other one is lost by that */
static int check_exec(struct drm_i915_private *i915, unsigned int flags)
{
	unsigned int usage = flags & EXEC_OBJECT_WRITE ? DMA_RESV_USAGE_WRITE :
							 DMA_RESV_USAGE_READ;
	const u32 reader = 0x10000u << i915->gt.engine[RCS0]->uabi_class;
	u32 busy = usage == DMA_RESV_USAGE_WRITE ?
		   reader | (i915->gt.engine[RCS0]->uabi_class + 1) : reader;
	struct i915_request *rq;
	struct fenced f;
	unsigned int u;
	int err;

	err = fenced_init(&f, i915);
	if (err)
		return err;

	if (i915_gem_object_busy(f.obj)) {
		pr_err("foreign fences are reported as ours\n");
		err = -EINVAL;
		goto out;
	}

	i915_sw_fence_init(&f.sw, fenced_notify);
	rq = use_object(&f, flags);
	if (IS_ERR(rq)) {
		err = PTR_ERR(rq);
		goto out_sw;
	}

	if (usage_of(&f, &rq->fence) != usage) {
		pr_err("a job with flags %x is not %s\n", flags,
		       usage_names[usage]);
		err = -EINVAL;
	}
	for (u = 0; u < DMA_RESV_USAGES; u++) {
		if (usage_of(&f, f.fences[u]) != u) {
			pr_err("a job with flags %x drops a %s fence\n", flags,
			       usage_names[u]);
			err = -EINVAL;
		}
	}
	if (i915_gem_object_busy(f.obj) != busy) {
		pr_err("busy is %x with flags %x, not %x\n",
		       i915_gem_object_busy(f.obj), flags, busy);
		err = -EINVAL;
	}

	i915_sw_fence_commit(&f.sw);
	i915_request_wait(rq, 0, MAX_SCHEDULE_TIMEOUT);
	i915_request_put(rq);
	if (i915_gem_object_busy(f.obj)) {
		pr_err("busy is %x when the job is complete\n",
		       i915_gem_object_busy(f.obj));
		err = -EINVAL;
	}
	i915_sw_fence_fini(&f.sw);
	goto out;

out_sw:
	i915_sw_fence_commit(&f.sw);
	i915_sw_fence_fini(&f.sw);
out:
	fenced_fini(&f);
	return err;
}

static int mock_exec(void *arg)
{
	static const unsigned int flags[] = {
		0, EXEC_OBJECT_WRITE, EXEC_OBJECT_ASYNC,
		EXEC_OBJECT_ASYNC | EXEC_OBJECT_WRITE
	};
	unsigned int i;
	int err;

	for (i = 0; i < ARRAY_SIZE(flags); i++) {
		err = check_exec(arg, flags[i]);
		if (err)
			return err;
	}

	return 0;
}

/* A request in the object that writes, and is under way until @sw is signaled */
static struct i915_request *add_writer(struct fenced *f)
{
	struct intel_context *ce;
	struct i915_request *rq;
	int err;

	ce = intel_context_create(f->i915->gt.engine[RCS0]);
	if (IS_ERR(ce))
		return ERR_CAST(ce);

	rq = mock_request(ce, 0);
	intel_context_put(ce);
	if (IS_ERR(rq))
		return rq;

	i915_request_get(rq);
	err = i915_sw_fence_await_sw_fence_gfp(&rq->submit, &f->sw, GFP_KERNEL);
	i915_gem_object_lock(f->obj, NULL);
	if (err >= 0)
		err = dma_resv_reserve_fences(f->obj->base.resv, 1);
	if (!err)
		dma_resv_add_fence(f->obj->base.resv, &rq->fence,
				   DMA_RESV_USAGE_WRITE);
	i915_gem_object_unlock(f->obj);
	i915_request_add(rq);
	if (err) {
		i915_request_put(rq);
		rq = ERR_PTR(err);
	}

	return rq;
}

static int check_busy(struct fenced *f, u64 last_write, u16 class)
{
	const u32 readers = 0x10000u << I915_ENGINE_CLASS_RENDER |
			    0x10000u << I915_ENGINE_CLASS_COPY;
	u32 busy;

	f->obj->last_write = last_write;
	busy = i915_gem_object_busy(f->obj);
	if (busy == (readers | (class + 1)))
		return 0;

	pr_err("busy is %x, but class %u is the last to write\n", busy, class);
	return -EINVAL;
}

/* The ioctl finds the object by its handle, and lets go of it */
static int mock_busy_ioctl(void *arg)
{
	struct drm_i915_private *i915 = arg;
	struct drm_i915_gem_busy args = {};
	struct drm_file *file;
	struct fenced f;
	int err;

	file = kzalloc(sizeof(*file), GFP_KERNEL);
	if (!file)
		return -ENOMEM;
	idr_init_base(&file->object_idr, 1);

	err = fenced_init(&f, i915);
	if (err)
		goto out;

	err = idr_alloc(&file->object_idr, &f.obj->base, 1, 0, GFP_KERNEL);
	if (err < 0)
		goto out_fini;

	args.handle = err;
	args.busy = ~0;
	err = i915_gem_busy_ioctl(&i915->drm, &args, file);
	if (err || args.busy || kref_read(&f.obj->base.refcount) != 1) {
		pr_err("the busy ioctl returned %d, says %x and left %u references\n",
		       err, args.busy, kref_read(&f.obj->base.refcount));
		err = -EINVAL;
	}
	args.handle++;
	if (!err && i915_gem_busy_ioctl(&i915->drm, &args, file) != -ENOENT) {
		pr_err("the busy ioctl found what isn't there\n");
		err = -EINVAL;
	}
out_fini:
	fenced_fini(&f);
out:
	idr_destroy(&file->object_idr);
	kfree(file);
	return err;
}

/* Two engines write: both read as well, and the last one is the writer */
static int mock_busy(void *arg)
{
	struct drm_i915_private *i915 = arg;
	struct intel_engine_cs *engine = i915->gt.engine[RCS0], *blitter;
	struct i915_request *rq[2];
	struct fenced f;
	unsigned int i;
	int err;

	/* There is one mock engine; of the other one only the class is needed */
	blitter = kzalloc(sizeof(*blitter), GFP_KERNEL);
	if (!blitter)
		return -ENOMEM;
	blitter->uabi_class = I915_ENGINE_CLASS_COPY;

	err = fenced_init(&f, i915);
	if (err)
		goto out;

	i915_sw_fence_init(&f.sw, fenced_notify);
	rq[0] = add_writer(&f);
	rq[1] = add_writer(&f);
	if (IS_ERR(rq[0]) || IS_ERR(rq[1])) {
		err = -ENOMEM;
		goto out_rq;
	}

	rq[1]->engine = blitter;
	err = check_busy(&f, rq[0]->fence.context, I915_ENGINE_CLASS_RENDER);
	if (!err)
		err = check_busy(&f, rq[1]->fence.context,
				 I915_ENGINE_CLASS_COPY);
	rq[1]->engine = engine;

out_rq:
	i915_sw_fence_commit(&f.sw);
	for (i = 0; i < ARRAY_SIZE(rq); i++) {
		if (IS_ERR(rq[i]))
			continue;
		i915_request_wait(rq[i], 0, MAX_SCHEDULE_TIMEOUT);
		i915_request_put(rq[i]);
	}
	i915_sw_fence_fini(&f.sw);
	fenced_fini(&f);
out:
	kfree(blitter);
	return err;
}

/*
 * A binding that is under way is not in the object, so that nobody waits for it who
 * has nothing to do with it. It keeps the pages, and who unbinds waits.
 */
static int mock_bind(void *arg)
{
	struct drm_i915_private *i915 = arg;
	struct dma_fence *prev;
	struct i915_ppgtt *ppgtt;
	struct i915_vma *vma;
	struct fenced f;
	int err;

	err = fenced_init(&f, i915);
	if (err)
		return err;
	fenced_signal(&f);

	prev = mock_fence_create();
	ppgtt = mock_ppgtt(i915, "mock");
	if (!prev || !ppgtt) {
		err = -ENOMEM;
		goto out;
	}
	ppgtt->vm.bind_async_flags = I915_VMA_LOCAL_BIND;

	vma = i915_vma_instance(f.obj, &ppgtt->vm, NULL);
	if (IS_ERR(vma)) {
		err = PTR_ERR(vma);
		goto out;
	}

	/* What the binding has to wait for */
	err = i915_active_acquire(&vma->active);
	if (err)
		goto out;
	dma_fence_put(i915_active_set_exclusive(&vma->active, prev));
	i915_active_release(&vma->active);

	err = i915_vma_pin(vma, 0, 0, PIN_USER);
	if (err) {
		pr_err("binding failed: %d\n", err);
		goto out;
	}
	i915_vma_unpin(vma);

	if (!i915_vma_is_active(vma)) {
		pr_err("a binding under way is not known\n");
		err = -EINVAL;
	}
	if (!dma_resv_test_signaled(f.obj->base.resv, DMA_RESV_USAGE_BOOKKEEP)) {
		pr_err("a binding under way is a fence of the object\n");
		err = -EINVAL;
	}
	if (__i915_gem_object_put_pages(f.obj) != -EBUSY) {
		pr_err("a binding under way doesn't keep the pages\n");
		err = -EINVAL;
	}

	mock_fence_signal_in(prev, DELAY);
	if (i915_vma_unbind(vma)) {
		pr_err("unbinding failed\n");
		err = -EINVAL;
	}
	if (!dma_fence_is_signaled(prev) || i915_vma_is_active(vma)) {
		pr_err("unbinding doesn't wait for the binding\n");
		err = -EINVAL;
	}
out:
	if (prev)
		dma_fence_signal(prev);
	fenced_fini(&f);
	i915_gem_drain_freed_objects(i915);
	if (ppgtt)
		i915_vm_put(&ppgtt->vm);
	dma_fence_put(prev);
	return err;
}

int i915_gem_fences_mock_selftests(void)
{
	static const struct i915_subtest tests[] = {
		SUBTEST(mock_wait),
		SUBTEST(mock_wait_timeout),
		SUBTEST(mock_vmap_interrupted),
		SUBTEST(mock_await),
		SUBTEST(mock_flush_after_error),
		SUBTEST(mock_flush_absent),
		SUBTEST(mock_flush_interrupted),
		SUBTEST(mock_write),
		SUBTEST(mock_gtt_write),
		SUBTEST(mock_exec),
		SUBTEST(mock_busy),
		SUBTEST(mock_busy_ioctl),
		SUBTEST(mock_bind),
	};
	struct drm_i915_private *i915;
	int err;

	i915 = mock_gem_device();
	if (!i915)
		return -ENOMEM;

	err = i915_subtests(tests, i915);

	/* The batches of the blitter stay in the pool, and a mock device forgets it */
	mock_device_flush(i915);
	intel_gt_flush_buffer_pool(&i915->gt);
	mock_destroy_device(i915);
	return err;
}
