// SPDX-License-Identifier: GPL-2.0
/*
 * Readers without a lock against writers, for a while, over fences whose memory is
 * reused at once.
 *
 * Each timeline is a fence context with one usage. Its writer says beforehand what
 * it is going to do and afterwards what it has done, so that a reader can tell from
 * what it reads before and after a query which fences have to be in the answer and
 * which must not be:
 *
 * - a fence that had been added before the query and did not begin to signal until
 *   after it has to be there, itself or by a later one of its context;
 * - a fence that had signaled before the query must not be there.
 */

#include <linux/atomic.h>
#include <linux/delay.h>
#include <linux/dma-fence-array.h>
#include <linux/jiffies.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/random.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "dmabuf-kunit.h"
#include "resv-fixture.h"

static unsigned int torture_ms = 1000;
module_param(torture_ms, uint, 0444);
MODULE_PARM_DESC(torture_ms, "how long each torture goes on, in ms");

#define TIMELINES	(2 * RESV_USAGES)
#define PENDING		4
#define CHAFF_MAX	80
#define WRITERS		2
#define READERS		3

enum torture_op {
	OP_TEST,
	OP_POLL,
	OP_WAIT,
	OP_GET_FENCES,
	OP_SINGLETON,
	OP_WALK,
	OP_LOCKED_WALK,
	OP_COPY,
	OPS
};

#define ALL_OPS		(BIT(OPS) - 1)

enum torture_count {
	QUERIES, BUSY, IDLE, RESTARTS, FENCES, WAITS,
	ADDS, PROMOTIONS, REPLACES, CHAFF, GROWTHS, SHRINKS, SIGNALS,
	COUNTS
};

static const char * const count_names[COUNTS] = {
	"queries", "busy", "idle", "restarts", "fences", "waits",
	"adds", "promotions", "replaces", "chaff", "growths", "shrinks",
	"signals",
};

/**
 * struct timeline - fences of one context, numbered from 1
 * @context: the context
 * @usage: the usage, a promoted fence may have a stronger one
 * @begun: the latest fence that may be in the object
 * @added: the latest fence that has been added
 * @signaling: the latest fence that may have signaled
 * @signaled: the latest fence that has signaled
 * @pending: those in between, for the writer
 */
struct timeline {
	u64 context;
	enum dma_resv_usage usage;
	unsigned long begun;
	unsigned long added;
	unsigned long signaling;
	unsigned long signaled;
	struct dma_fence *pending[PENDING];
};

/**
 * struct torture - what goes on
 * @obj: the object that is tortured
 * @timelines: what is in it
 * @ops: mask of what readers do
 * @anchored: nobody changes the timelines, which keep every query busy
 * @handover: the first timeline's fences pass on so that it is never idle
 * @relay: so do those of the first and the last usage, in turn
 * @errors: how many were found
 * @error: the first of them
 */
struct torture {
	struct dma_resv *obj;
	struct timeline timelines[TIMELINES];
	unsigned long ops;
	bool anchored;
	bool handover;
	bool relay;
	atomic_t errors;
	char error[160];
};

/**
 * struct torturer - one of the threads
 * @torture: what it takes part in
 * @task: the thread
 * @id: number among the readers, or among the writers
 * @random: its dice
 * @copy: where a reader copies to
 * @chaff: what a writer is going to signal when it has dropped the lock
 * @num_chaff: how many of them
 * @counts: what it has done and seen
 */
struct torturer {
	struct torture *torture;
	struct task_struct *task;
	unsigned int id;
	struct rnd_state random;
	struct dma_resv copy;
	struct dma_fence *chaff[CHAFF_MAX];
	unsigned int num_chaff;
	unsigned long counts[COUNTS];
};

static unsigned int torturer_dice(struct torturer *me, unsigned int faces)
{
	return prandom_u32_state(&me->random) % faces;
}

__printf(2, 3)
static void torture_error(struct torture *torture, const char *fmt, ...)
{
	va_list args;

	if (atomic_inc_return(&torture->errors) > 1)
		return;

	va_start(args, fmt);
	vsnprintf(torture->error, sizeof(torture->error), fmt, args);
	va_end(args);
}

/* Leave something to the others, there may be no more than one processor */
static void torture_relax(struct torturer *me)
{
	if (torturer_dice(me, 32))
		cond_resched();
	else
		usleep_range(10, 20);
}

/* Writers */

static void timeline_signal(struct torturer *me, struct timeline *timeline)
{
	unsigned long seqno = timeline->signaled + 1;
	struct dma_fence *fence;

	if (seqno > timeline->added)
		return;

	fence = timeline->pending[seqno % PENDING];
	timeline->pending[seqno % PENDING] = NULL;

	/* Said before it can be seen */
	smp_store_mb(timeline->signaling, seqno);
	if (torturer_dice(me, 2))
		mock_fence_complete(fence);
	else
		dma_fence_signal(fence);
	/* Not said before it is so, for view_begin() */
	smp_store_release(&timeline->signaled, seqno);

	dma_fence_put(fence);
	me->counts[SIGNALS]++;
}

/* With the lock held, and a slot reserved */
static void timeline_add(struct torturer *me, struct timeline *timeline,
			 bool replace)
{
	struct torture *torture = me->torture;
	unsigned long seqno = timeline->added + 1;
	struct dma_fence *fence;

	fence = mock_fence_create_recycled(timeline->context, seqno);
	if (!fence)
		return;

	/* Said before it can be seen */
	smp_store_mb(timeline->begun, seqno);
	if (replace) {
		dma_resv_replace_fences(torture->obj, timeline->context, fence,
					timeline->usage);
		me->counts[REPLACES]++;
	} else {
		dma_resv_add_fence(torture->obj, fence, timeline->usage);
		me->counts[ADDS]++;
	}
	timeline->pending[seqno % PENDING] = fence;
	/* Not said before it is so, for view_begin() */
	smp_store_release(&timeline->added, seqno);

	/* Eviction needs to know about a job that bookkeeping knew about */
	if (timeline->usage == DMA_RESV_USAGE_BOOKKEEP &&
	    !torturer_dice(me, 8)) {
		dma_resv_add_fence(torture->obj, fence, DMA_RESV_USAGE_READ);
		me->counts[PROMOTIONS]++;
	}
}

/* Fences of no lasting interest, one context each */
static void torture_chaff(struct torturer *me, unsigned int count,
			  enum dma_resv_usage usage)
{
	struct dma_fence *fence;

	while (count--) {
		fence = mock_fence_create_recycled(dma_fence_context_alloc(1),
						   1);
		if (!fence)
			return;
		dma_resv_add_fence(me->torture->obj, fence, usage);
		me->chaff[me->num_chaff++] = fence;
		me->counts[CHAFF]++;
	}
}

static void torture_signal_chaff(struct torturer *me)
{
	struct dma_fence *fence;

	while (me->num_chaff) {
		fence = me->chaff[--me->num_chaff];
		dma_fence_signal(fence);
		dma_fence_put(fence);
	}
}

/* All that a writer does to the object, with the lock held */
static void torture_change(struct torturer *me, struct timeline *timeline)
{
	struct torture *torture = me->torture;
	unsigned int chaff = torturer_dice(me, 12);
	unsigned int slots = 2 + chaff;

	if (!torturer_dice(me, 16)) {
		/* What is unsignaled, in a table of its own size */
		if (!dma_resv_copy_fences(torture->obj, torture->obj))
			me->counts[SHRINKS]++;
	}
	if (!torturer_dice(me, 16)) {
		slots += torturer_dice(me, 300);
		me->counts[GROWTHS]++;
	}
	if (dma_resv_reserve_fences(torture->obj, slots))
		return;

	if (torture->anchored) {
		torture_chaff(me, chaff, torturer_dice(me, RESV_USAGES));
		return;
	}

	/* A context that is not in the object any more cannot be replaced */
	timeline_add(me, timeline, timeline->signaled < timeline->added &&
		     !torturer_dice(me, 4));
	if (!torture->handover && !torturer_dice(me, 4))
		torture_chaff(me, chaff, DMA_RESV_USAGE_BOOKKEEP);
}

/* So that there is something idle to be seen */
static void torture_signal_all(struct torturer *me)
{
	struct timeline *timeline;
	unsigned int i;

	for (i = me->id; i < TIMELINES; i += WRITERS) {
		timeline = &me->torture->timelines[i];
		while (timeline->signaled < timeline->added)
			timeline_signal(me, timeline);
	}
}

/*
 * A fence at the end of the table makes way for one at its beginning, where readers
 * may have been already. In between is much that has signaled.
 */
static void torture_relay(struct torturer *me)
{
	struct timeline *first = &me->torture->timelines[0];
	struct timeline *last = &me->torture->timelines[TIMELINES - WRITERS];
	struct torture *torture = me->torture;
	unsigned int i;

	if (dma_resv_lock(torture->obj, NULL))
		return;
	if (!dma_resv_reserve_fences(torture->obj, CHAFF_MAX))
		torture_chaff(me, CHAFF_MAX, DMA_RESV_USAGE_READ);
	dma_resv_unlock(torture->obj);
	torture_signal_chaff(me);

	for (i = 0; i < CHAFF_MAX / 4; i++) {
		if (dma_resv_lock(torture->obj, NULL))
			return;
		if (!dma_resv_reserve_fences(torture->obj, 1))
			timeline_add(me, i % 2 ? first : last, false);
		dma_resv_unlock(torture->obj);
		/* What was there is no longer needed, if that succeeded */
		if (i % 2 ? first->signaled < first->added :
			    last->signaled < last->added)
			timeline_signal(me, i % 2 ? last : first);
		if (i % 4 == 3)
			torture_relax(me);
	}
}

static void torture_write(struct torturer *me)
{
	struct torture *torture = me->torture;
	struct timeline *timeline;
	unsigned int i;

	/* Each writer has one timeline of each usage */
	i = torture->handover ? 0 : torturer_dice(me, RESV_USAGES);
	timeline = &torture->timelines[i * WRITERS + me->id];

	if (!torture->anchored && !torture->handover) {
		while (torturer_dice(me, 3))
			timeline_signal(me, timeline);
		if (timeline->added - timeline->signaled == PENDING)
			timeline_signal(me, timeline);
		if (!torturer_dice(me, 16)) {
			torture_signal_all(me);
			if (torturer_dice(me, 2))
				usleep_range(50, 100);
		}
	}

	if (dma_resv_lock(torture->obj, NULL))
		return;
	torture_change(me, timeline);
	dma_resv_unlock(torture->obj);
	torture_signal_chaff(me);

	/* Pass on: the next one is there before the last one signals */
	if (torture->handover)
		while (timeline->signaled + 1 < timeline->added)
			timeline_signal(me, timeline);
}

static int torture_writer(void *data)
{
	struct torturer *me = data;

	while (!kthread_should_stop()) {
		/* In a handover there is one baton */
		if (me->torture->handover && me->id)
			msleep(20);
		else if (me->torture->relay)
			torture_relay(me);
		else
			torture_write(me);
		torture_relax(me);
	}

	return 0;
}

/* Readers */

/**
 * struct view - what a reader knows about a query
 * @query: the usage that is asked for
 * @added: &timeline.added before the query
 * @signaled: &timeline.signaled before the query
 * @found: latest fence of each timeline in the answer, 0 if there is none
 * @count: how many of each timeline there are
 */
struct view {
	enum dma_resv_usage query;
	unsigned long added[TIMELINES];
	unsigned long signaled[TIMELINES];
	unsigned long found[TIMELINES];
	unsigned int count[TIMELINES];
};

static void view_begin(struct torturer *me, struct view *view)
{
	struct timeline *timelines = me->torture->timelines;
	unsigned int i;

	view->query = me->torture->relay ? DMA_RESV_USAGE_BOOKKEEP :
		      torturer_dice(me, RESV_USAGES);
	for (i = 0; i < TIMELINES; i++) {
		/* What was said is so for the query that follows */
		view->added[i] = smp_load_acquire(&timelines[i].added);
		/* Likewise */
		view->signaled[i] = smp_load_acquire(&timelines[i].signaled);
	}
	me->counts[QUERIES]++;
}

static void view_clear(struct view *view)
{
	memset(view->found, 0, sizeof(view->found));
	memset(view->count, 0, sizeof(view->count));
}

/* The query yielded a fence with a usage, or with an unknown one if negative */
static void view_found(struct torturer *me, struct view *view,
		       struct dma_fence *fence, int usage)
{
	struct torture *torture = me->torture;
	struct timeline *timeline;
	unsigned long seqno;
	u64 i;

	me->counts[FENCES]++;
	if (usage > (int)view->query)
		torture_error(torture, "%s query yields a %s fence",
			      resv_usage_name(view->query),
			      resv_usage_name(usage));

	i = fence->context - torture->timelines[0].context;
	if (i >= TIMELINES)
		return;

	timeline = &torture->timelines[i];
	seqno = fence->seqno;
	view->found[i] = max(view->found[i], seqno);
	view->count[i]++;

	if (seqno <= view->signaled[i])
		torture_error(torture, "%s: %lu found, %lu has signaled",
			      resv_usage_name(timeline->usage), seqno,
			      view->signaled[i]);
	if (usage >= 0 && usage != timeline->usage &&
	    (timeline->usage != DMA_RESV_USAGE_BOOKKEEP ||
	     usage != DMA_RESV_USAGE_READ))
		torture_error(torture, "%s fence found as %s",
			      resv_usage_name(timeline->usage),
			      resv_usage_name(usage));
}

/* Was there a fence of this timeline throughout the query? */
static bool view_must(struct torturer *me, struct view *view, unsigned int i)
{
	struct timeline *timeline = &me->torture->timelines[i];

	return resv_query_yields(view->query, timeline->usage) &&
	       view->added[i] > READ_ONCE(timeline->signaling);
}

/* The query says that there is something, or nothing, to wait for */
static void view_end(struct torturer *me, struct view *view, bool busy)
{
	struct torture *torture = me->torture;
	struct timeline *timeline;
	bool may = false;
	unsigned int i;

	/* The answer comes before what follows, pairs with smp_store_mb() */
	smp_mb();
	for (i = 0; i < TIMELINES; i++) {
		timeline = &torture->timelines[i];
		if (!busy && view_must(me, view, i))
			torture_error(torture,
				      "%s query idle in spite of %s %lu",
				      resv_usage_name(view->query),
				      resv_usage_name(timeline->usage),
				      view->added[i]);
		if (resv_query_yields(view->query, timeline->usage) &&
		    READ_ONCE(timeline->begun) > view->signaled[i])
			may = true;
	}

	/* Neither chaff nor what was promoted is looked after in this */
	if (busy && !may && !torture->anchored &&
	    view->query <= DMA_RESV_USAGE_WRITE)
		torture_error(torture, "%s query busy without reason",
			      resv_usage_name(view->query));

	me->counts[busy ? BUSY : IDLE]++;
}

/* The query yielded fences: are they all there? */
static void view_end_found(struct torturer *me, struct view *view)
{
	struct torture *torture = me->torture;
	struct timeline *timeline;
	bool busy = false;
	unsigned int i;

	/* As in view_end() */
	smp_mb();
	for (i = 0; i < TIMELINES; i++) {
		timeline = &torture->timelines[i];
		if (view->found[i])
			busy = true;
		if (view->found[i] > READ_ONCE(timeline->begun))
			torture_error(torture, "%lu found, never added",
				      view->found[i]);
		if (view->count[i] > RESV_USAGES)
			torture_error(torture, "a timeline found %u times",
				      view->count[i]);
		if (view->found[i] < view->added[i] && view_must(me, view, i))
			torture_error(torture,
				      "%s query finds %lu instead of %s %lu",
				      resv_usage_name(view->query),
				      view->found[i],
				      resv_usage_name(timeline->usage),
				      view->added[i]);
	}
	me->counts[busy ? BUSY : IDLE]++;
}

/* There is not a moment without a fence during a handover */
static void view_never_idle(struct torturer *me, struct view *view, bool busy)
{
	if (me->torture->handover && !busy)
		torture_error(me->torture, "%s query idle during a handover",
			      resv_usage_name(view->query));
}

static void torture_test(struct torturer *me, struct view *view)
{
	bool busy = !dma_resv_test_signaled(me->torture->obj, view->query);

	view_end(me, view, busy);
	view_never_idle(me, view, busy);
}

static void torture_wait(struct torturer *me, struct view *view, long timeout)
{
	long ret;

	ret = dma_resv_wait_timeout(me->torture->obj, view->query, true,
				    timeout);
	if (ret < 0 || ret > max(timeout, 1L))
		torture_error(me->torture, "wait returns %ld", ret);
	if (timeout) {
		me->counts[WAITS]++;
		/* A wait that is over has nothing to say about later fences */
		if (ret > 0)
			view_end(me, view, false);
		else if (timeout > HZ)
			torture_error(me->torture, "wait does not end");
	} else {
		view_end(me, view, !ret);
	}
}

static void torture_get_fences(struct torturer *me, struct view *view)
{
	struct dma_fence **fences;
	unsigned int count, i;

	if (dma_resv_get_fences(me->torture->obj, view->query, &count, &fences))
		return;
	view_clear(view);
	for (i = 0; i < count; i++)
		view_found(me, view, fences[i], -1);
	view_end_found(me, view);

	for (i = 0; i < count; i++)
		dma_fence_put(fences[i]);
	kfree(fences);
}

static void torture_singleton(struct torturer *me, struct view *view)
{
	struct dma_fence_array *array;
	struct dma_fence *fence;
	unsigned int i;

	if (dma_resv_get_singleton(me->torture->obj, view->query, &fence))
		return;
	view_clear(view);
	array = fence ? to_dma_fence_array(fence) : NULL;
	for (i = 0; array && i < array->num_fences; i++)
		view_found(me, view, array->fences[i], -1);
	if (fence && !array)
		view_found(me, view, fence, -1);
	view_end_found(me, view);
	dma_fence_put(fence);
}

static void torture_walk(struct torturer *me, struct view *view)
{
	struct dma_resv_iter cursor;
	struct dma_fence *fence;
	bool first = true;

	view_clear(view);
	dma_resv_iter_begin(&cursor, me->torture->obj, view->query);
	dma_resv_for_each_fence_unlocked(&cursor, fence) {
		if (dma_resv_iter_is_restarted(&cursor)) {
			view_clear(view);
			me->counts[RESTARTS] += !first;
		}
		first = false;
		view_found(me, view, fence, dma_resv_iter_usage(&cursor));
		/* Something may well happen in the meantime */
		if (!torturer_dice(me, 64))
			usleep_range(10, 20);
	}
	dma_resv_iter_end(&cursor);
	view_end_found(me, view);
	view_never_idle(me, view, !first);
}

static void torture_look_locked(struct torturer *me, struct view *view,
				struct dma_resv *obj)
{
	struct dma_resv_iter cursor;
	struct dma_fence *fence;
	bool busy = false, any = false;

	view_clear(view);
	dma_resv_for_each_fence(&cursor, obj, view->query, fence) {
		any = true;
		if (dma_fence_is_signaled(fence))
			continue;
		busy = true;
		view_found(me, view, fence, dma_resv_iter_usage(&cursor));
	}
	view_end_found(me, view);
	/* What was copied may have signaled since, but there was something */
	view_never_idle(me, view, obj == me->torture->obj ? busy : any);
}

static void torture_locked_walk(struct torturer *me, struct view *view)
{
	if (dma_resv_lock(me->torture->obj, NULL))
		return;
	torture_look_locked(me, view, me->torture->obj);
	dma_resv_unlock(me->torture->obj);
}

static void torture_copy(struct torturer *me, struct view *view)
{
	if (dma_resv_lock(&me->copy, NULL))
		return;
	if (!dma_resv_copy_fences(&me->copy, me->torture->obj))
		torture_look_locked(me, view, &me->copy);
	dma_resv_unlock(&me->copy);
}

static void torture_read(struct torturer *me)
{
	enum torture_op op = torturer_dice(me, OPS);
	struct view view;

	if (!(me->torture->ops & BIT(op)))
		return;
	/* Waits take time that others had better use */
	if (op == OP_WAIT && me->torture->ops != BIT(OP_WAIT) &&
	    torturer_dice(me, 8))
		return;

	view_begin(me, &view);
	switch (op) {
	case OP_TEST:
		torture_test(me, &view);
		break;
	case OP_POLL:
		torture_wait(me, &view, 0);
		break;
	case OP_WAIT:
		/* Not for those that never signal */
		torture_wait(me, &view, me->torture->ops == BIT(OP_WAIT) ?
			     20 * HZ : 1);
		break;
	case OP_GET_FENCES:
		torture_get_fences(me, &view);
		break;
	case OP_SINGLETON:
		torture_singleton(me, &view);
		break;
	case OP_WALK:
		torture_walk(me, &view);
		break;
	case OP_LOCKED_WALK:
		torture_locked_walk(me, &view);
		break;
	default:
		torture_copy(me, &view);
	}
}

static int torture_reader(void *data)
{
	struct torturer *me = data;

	dma_resv_init(&me->copy);
	while (!kthread_should_stop()) {
		torture_read(me);
		torture_relax(me);
	}
	dma_resv_fini(&me->copy);

	return 0;
}

/* The whole of it */

static int torture_init(struct kunit *test)
{
	int ret = mock_fence_recycling_start();

	if (ret)
		return ret;

	ret = resv_fixture_init(test);
	if (ret)
		mock_fence_recycling_stop();

	return ret;
}

static void torture_exit(struct kunit *test)
{
	resv_fixture_exit(test);
	mock_fence_recycling_stop();
}

/* The first fence of each timeline that has one to begin with */
static int torture_prepare(struct torturer *me)
{
	struct dma_resv_table *table;
	struct torture *torture = me->torture;
	unsigned int i, count;
	u64 context;
	int ret;

	context = dma_fence_context_alloc(TIMELINES);
	for (i = 0; i < TIMELINES; i++) {
		torture->timelines[i].context = context + i;
		torture->timelines[i].usage = i / WRITERS;
	}

	count = torture->anchored ? TIMELINES : torture->handover ? 1 : 0;

	ret = dma_resv_lock(torture->obj, NULL);
	if (ret)
		return ret;
	ret = dma_resv_reserve_fences(torture->obj, 2 * count);
	if (!ret) {
		/* The sequence goes round soon */
		table = rcu_dereference_protected(torture->obj->table,
						  dma_resv_held(torture->obj));
		table->seq.sequence = -1000;
	}
	for (i = 0; !ret && i < count; i++) {
		timeline_add(me, &torture->timelines[i], false);
		if (!torture->timelines[i].added)
			ret = -ENOMEM;
	}
	dma_resv_unlock(torture->obj);

	return ret;
}

static void torture_report(struct kunit *test, struct torturer *all,
			   unsigned int count, unsigned long *sums)
{
	char line[256] = "";
	unsigned int i, j;
	int len = 0;

	for (i = 0; i < COUNTS; i++) {
		for (sums[i] = 0, j = 0; j < count; j++)
			sums[i] += all[j].counts[i];
		len += scnprintf(line + len, sizeof(line) - len, " %s %lu",
				 count_names[i], sums[i]);
	}
	kunit_info(test, "saw%s recycled %lu\n", line, mock_fence_recycled());
}

/* Has everything of what is asked for been seen? Somewhat later is fine. */
static bool torture_seen(struct torturer *all, unsigned int count,
			 unsigned long which)
{
	unsigned long sum;
	unsigned int i, j;

	for (i = 0; i < COUNTS; i++) {
		for (sum = 0, j = 0; j < count; j++)
			/* They count on, more or less will do */
			sum += data_race(all[j].counts[i]);
		if (which & BIT(i) && !sum)
			return false;
	}

	return true;
}

static void torture_run(struct kunit *test, struct torture *torture,
			unsigned long which, unsigned long *sums)
{
	struct torturer *all, *me;
	unsigned int i;
	int ret;

	all = kunit_kzalloc(test, (WRITERS + READERS) * sizeof(*all),
			    GFP_KERNEL);
	KUNIT_ASSERT_TRUE(test, all);

	torture->obj = resv_obj(test);
	for (i = 0; i < WRITERS + READERS; i++) {
		me = &all[i];
		me->torture = torture;
		me->id = i < WRITERS ? i : i - WRITERS;
		prandom_seed_state(&me->random, get_random_u64());
	}
	ret = torture_prepare(&all[0]);
	KUNIT_EXPECT_EQ(test, ret, 0);

	for (i = 0; !ret && i < WRITERS + READERS; i++) {
		me = &all[i];
		me->task = kthread_run(i < WRITERS ? torture_writer :
				       torture_reader, me, "resv-torture-%u", i);
		if (IS_ERR(me->task))
			me->task = NULL;
		KUNIT_EXPECT_TRUE(test, me->task);
	}

	if (!ret)
		msleep(torture_ms);
	/* Some kernels take longer to see something, but there is a limit */
	for (i = 0; !ret && i < 100 &&
	     !torture_seen(all, WRITERS + READERS, which); i++)
		msleep(100);

	/* Readers first: the writers keep them from waiting for ever */
	for (i = WRITERS + READERS; i--;)
		if (all[i].task)
			kthread_stop(all[i].task);

	for (i = 0; i < TIMELINES; i++)
		while (torture->timelines[i].signaled <
		       torture->timelines[i].added)
			timeline_signal(&all[0], &torture->timelines[i]);

	torture_report(test, all, WRITERS + READERS, sums);
	KUNIT_EXPECT_EQ_MSG(test, atomic_read(&torture->errors), 0, "first: %s",
			    torture->error);
	KUNIT_EXPECT_GT_MSG(test, mock_fence_recycled(), 0ul,
			    "no memory was reused");
	for (i = 0; i < COUNTS; i++)
		if (which & BIT(i))
			KUNIT_EXPECT_GT_MSG(test, sums[i], 0ul, "no %s seen",
					    count_names[i]);
}

static struct torture *torture_new(struct kunit *test, unsigned long ops)
{
	struct torture *torture;

	torture = kunit_kzalloc(test, sizeof(*torture), GFP_KERNEL);
	KUNIT_ASSERT_TRUE(test, torture);
	torture->ops = ops;

	return torture;
}

/* Everything at once */
static void readers_against_writers(struct kunit *test)
{
	struct torture *torture = torture_new(test, ALL_OPS);
	unsigned long sums[COUNTS];

	torture_run(test, torture, BIT(COUNTS) - 1, sums);
}

/* One fence takes over from another, the object is busy at all times */
static void handover_is_never_idle(struct kunit *test)
{
	struct torture *torture;
	unsigned long sums[COUNTS];

	torture = torture_new(test, BIT(OP_TEST) | BIT(OP_WALK) |
			      BIT(OP_LOCKED_WALK));
	torture->handover = true;
	torture_run(test, torture, BIT(QUERIES) | BIT(BUSY) | BIT(RESTARTS) |
		    BIT(ADDS) | BIT(REPLACES) | BIT(SIGNALS) | BIT(SHRINKS), sums);
}

/* The same from one end of the table to the other */
static void relay_is_never_idle(struct kunit *test)
{
	struct torture *torture;
	unsigned long sums[COUNTS];

	torture = torture_new(test, BIT(OP_TEST) | BIT(OP_WALK) | BIT(OP_COPY) |
			      BIT(OP_LOCKED_WALK));
	torture->handover = true;
	torture->relay = true;
	torture_run(test, torture, BIT(QUERIES) | BIT(BUSY) | BIT(ADDS) |
		    BIT(SIGNALS) | BIT(CHAFF), sums);
}

/* A wait ends although the object never becomes idle */
static void waits_end_during_handover(struct kunit *test)
{
	struct torture *torture = torture_new(test, BIT(OP_WAIT));
	unsigned long sums[COUNTS];

	torture->handover = true;
	torture_run(test, torture, BIT(WAITS) | BIT(ADDS) | BIT(SIGNALS), sums);
}

/* Some fences stay, while others come and go around them */
static void anchored_fences_are_always_found(struct kunit *test)
{
	struct torture *torture = torture_new(test, ALL_OPS);
	unsigned long sums[COUNTS];

	torture->anchored = true;
	torture_run(test, torture, BIT(QUERIES) | BIT(BUSY) | BIT(RESTARTS) |
		    BIT(FENCES) | BIT(WAITS) | BIT(CHAFF) | BIT(GROWTHS) |
		    BIT(SHRINKS), sums);
	KUNIT_EXPECT_EQ_MSG(test, sums[IDLE], 0ul, "idle in spite of anchors");
}

/* Snapshots, where a fence may vanish between being seen and being referenced */
static void snapshots_against_writers(struct kunit *test)
{
	struct torture *torture;
	unsigned long sums[COUNTS];

	torture = torture_new(test, BIT(OP_GET_FENCES) | BIT(OP_SINGLETON) |
			      BIT(OP_COPY));
	torture_run(test, torture, BIT(QUERIES) | BIT(BUSY) | BIT(IDLE) |
		    BIT(FENCES) | BIT(ADDS) | BIT(REPLACES) | BIT(CHAFF), sums);
}

static struct kunit_case dma_resv_torture_cases[] = {
	KUNIT_CASE(readers_against_writers),
	KUNIT_CASE(handover_is_never_idle),
	KUNIT_CASE(relay_is_never_idle),
	KUNIT_CASE(waits_end_during_handover),
	KUNIT_CASE(anchored_fences_are_always_found),
	KUNIT_CASE(snapshots_against_writers),
	{}
};

struct kunit_suite dma_resv_torture_suite = {
	.name = "dma-resv-torture",
	.init = torture_init,
	.exit = torture_exit,
	.test_cases = dma_resv_torture_cases,
};
