// SPDX-License-Identifier: GPL-2.0-only
/* Those who ask: every question the interface has, of any object, for any usage */
#include <linux/dma-fence-array.h>
#include <linux/slab.h>
#include <native.h>
#include <sched.h>
#include <unistd.h>
#include "torture.h"

static void looked(bool busy)
{
	saw(busy ? SEEN_BUSY : SEEN_IDLE);
}

static void ask(struct torturer *me, struct view *view)
{
	bool idle = dma_resv_test_signaled(&view->object->resv, view->query);

	if (idle)
		view_end_idle(view);
	else
		view_end_busy(view);
	looked(!idle);
}

static void wait_for(struct torturer *me, struct view *view, bool intr, unsigned long timeout)
{
	unsigned long before = get(me->interrupted);
	long ret;

	/* Somebody may have come late */
	native_signal(current, false);
	set(me->interruptible, intr);
	ret = dma_resv_wait_timeout(&view->object->resv, view->query, intr, timeout);
	set(me->interruptible, false);

	if (ret == -ERESTARTSYS) {
		saw(SEEN_INTERRUPTS);
		if (!intr || get(me->interrupts) == before)
			oracle_fail(view->object, "%s: interrupted by nobody", view->what);
	} else if (ret < 0 || ret > max(timeout, 1ul)) {
		oracle_fail(view->object, "%s: a wait for at most %lu returns %ld", view->what,
			    timeout, ret);
	} else if (ret) {
		view_end_waited(view);
		saw(SEEN_WAITS);
	} else {
		if (timeout == MAX_SCHEDULE_TIMEOUT)
			oracle_fail(view->object, "%s: a wait without limit timed out", view->what);
		view_end_busy(view);
		saw(SEEN_TIMEOUTS);
	}
}

static void poll(struct torturer *me, struct view *view)
{
	wait_for(me, view, dice(2), 0);
}

static void wait_long(struct torturer *me, struct view *view)
{
	wait_for(me, view, false, dice(2) ? MAX_SCHEDULE_TIMEOUT : 1000 * HZ);
}

static void wait_shortly(struct torturer *me, struct view *view)
{
	wait_for(me, view, dice(2), 1 + dice(3));
}

static void wait_interruptibly(struct torturer *me, struct view *view)
{
	wait_for(me, view, true, dice(2) ? MAX_SCHEDULE_TIMEOUT : 1000 * HZ);
}

static void check_no_memory(struct view *view, int ret, bool returned)
{
	native_fail_allocation = 0;
	if (!ret)
		return;
	if (ret != -ENOMEM || returned)
		oracle_fail(view->object, "%s: returns %d%s", view->what, ret,
			    returned ? " and something" : "");
	saw(SEEN_NO_MEMORY);
}

static void get_all(struct torturer *me, struct view *view)
{
	struct dma_fence **fences;
	unsigned int count, i;
	int ret;

	native_fail_allocation = dice(8) ? 0 : 1 + dice(2);
	ret = dma_resv_get_fences(&view->object->resv, view->query, &count, &fences);
	check_no_memory(view, ret, ret && (count || fences));
	if (ret)
		return;
	if (!count != !fences)
		oracle_fail(view->object, "%s: %u fences at %p", view->what, count, fences);
	for (i = 0; i < count; ++i)
		view_found(view, fences[i], -1, false);
	view_end_found(view);
	if (count)
		view_end_busy(view);
	looked(count);
	for (i = 0; i < count; ++i)
		dma_fence_put(fences[i]);
	kfree(fences);
}

static void get_one(struct torturer *me, struct view *view)
{
	struct dma_fence_array *array;
	struct dma_fence *fence;
	unsigned int i;
	bool nested = false;
	int ret;

	native_fail_allocation = dice(8) ? 0 : 1 + dice(6);
	ret = dma_resv_get_singleton(&view->object->resv, view->query, &fence);
	check_no_memory(view, ret, ret && fence);
	if (ret)
		return;
	array = fence ? to_dma_fence_array(fence) : NULL;
	/* One that is in the object by itself, or one that stands for several */
	for (i = 0; i < view->num_claims; ++i)
		nested |= view->claims[i].fence.fence == fence;
	for (i = 0; array && i < array->num_fences; ++i) {
		if (!nested && !to_test_fence(array->fences[i]))
			oracle_fail(view->object, "%s: a container inside of an array", view->what);
		view_found(view, array->fences[i], -1, true);
	}
	if (fence && !array)
		view_found(view, fence, -1, false);
	view_end_found(view);
	if (fence)
		view_end_busy(view);
	looked(fence);
	dma_fence_put(fence);
}

static void walk(struct torturer *me, struct view *view)
{
	unsigned int passes = 0, any = 0;
	struct dma_resv_iter cursor;
	struct dma_fence *fence;

	dma_resv_iter_begin(&cursor, &view->object->resv, view->query);
	dma_resv_for_each_fence_unlocked(&cursor, fence) {
		if (dma_resv_iter_is_restarted(&cursor)) {
			if (passes++)
				saw(SEEN_RESTARTS);
			view_clear(view);
		}
		view_found(view, fence, dma_resv_iter_usage(&cursor), false);
		saw(SEEN_FENCES);
		any++;
		if (!dice(16))
			sched_yield();
		/* Left at any place, nothing stays behind */
		if (!dice(32)) {
			dma_resv_iter_end(&cursor);
			return;
		}
	}
	dma_resv_iter_end(&cursor);
	if (any && !passes)
		oracle_fail(view->object, "%s: a walk that never began", view->what);
	view_end_found(view);
	if (any)
		view_end_busy(view);
	if (!any && view_never_idle(view))
		oracle_fail(view->object, "%s: found nothing, but there always was something",
			    view->what);
	looked(any);
}

/* Of an object that is locked: everything once, in the order of usage */
static void look_locked(struct view *view, struct dma_resv *resv, bool copy)
{
	struct dma_resv_iter cursor;
	struct dma_fence *fence;
	bool busy = false;
	int usage, before = -1;

	dma_resv_for_each_fence(&cursor, resv, view->query, fence) {
		usage = dma_resv_iter_usage(&cursor);
		if (usage < before)
			oracle_fail(view->object, "%s: usages out of order", view->what);
		before = usage;
		view_found(view, fence, usage, true);
		busy |= copy || !dma_fence_is_signaled(fence);
	}
	view_end_found(view);
	if (!busy && view_never_idle(view))
		oracle_fail(view->object, "%s: nothing in it, but there always was something",
			    view->what);
	looked(busy);
}

static void walk_locked(struct torturer *me, struct view *view)
{
	struct dma_resv *resv = &view->object->resv;

	if (dma_resv_lock_interruptible(resv, NULL))
		oracle_fail(view->object, "%s: a lock failed", view->what);
	look_locked(view, resv, false);
	dma_resv_unlock(resv);
}

static void copy(struct torturer *me, struct view *view)
{
	struct dma_resv mine;
	int ret;

	dma_resv_init(&mine);
	if (dma_resv_lock(&mine, NULL))
		oracle_fail(view->object, "%s: a lock failed", view->what);
	native_fail_allocation = dice(8) ? 0 : 1 + dice(2);
	ret = dma_resv_copy_fences(&mine, &view->object->resv);
	check_no_memory(view, ret, false);
	if (!ret)
		look_locked(view, &mine, true);
	dma_resv_unlock(&mine);
	dma_resv_fini(&mine);
}

static const struct {
	const char *name;
	void (*run)(struct torturer *me, struct view *view);
	unsigned int weight;
} questions[] = {
	/* Waits take the time that the others had better use */
	{ "test_signaled", ask, 48 },
	{ "poll", poll, 16 },
	{ "wait", wait_long, 1 },
	{ "short wait", wait_shortly, 1 },
	{ "interruptible wait", wait_interruptibly, 1 },
	{ "get_fences", get_all, 16 },
	{ "get_singleton", get_one, 16 },
	{ "unlocked walk", walk, 32 },
	{ "locked walk", walk_locked, 6 },
	{ "copy_fences", copy, 12 },
};

void *reader(void *arg)
{
	unsigned int i, weights = 0, at;
	struct torturer *me = arg;
	struct view *view = kmalloc(sizeof(*view), GFP_KERNEL);

	torturer_start(me);
	for (i = 0; i < ARRAY_SIZE(questions); ++i)
		weights += questions[i].weight;
	while (!get(stop_readers)) {
		at = dice(weights);
		for (i = 0; at >= questions[i].weight; ++i)
			at -= questions[i].weight;
		view_begin(view, &playgrounds[dice(OBJECTS)].object, dice(USAGES),
			   questions[i].name);
		begin_doing(me, questions[i].name, view->object);
		questions[i].run(me, view);
		end_doing(me);
		me->count++;
	}
	kfree(view);
	native_thread_end();

	return NULL;
}
