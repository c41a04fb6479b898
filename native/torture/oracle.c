// SPDX-License-Identifier: GPL-2.0-only
#include <linux/dma-fence-array.h>
#include <linux/dma-fence-chain.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include "oracle.h"

#define EVENTS		4096
#define SHOWN		60

unsigned long long oracle_seed;
__thread const char *oracle_thread = "main";

static u64 clock_now = 1, ids, next_event;

static struct event {
	u64 time;
	struct object *object;
	const char *thread, *what;
	u64 context, seqno;
	int usage;
} events[EVENTS];

static const char *const usage_names[] = { "KERNEL", "WRITE", "READ", "BOOKKEEP" };

static const char *usage_name(unsigned int usage)
{
	return usage < USAGES ? usage_names[usage] : "-";
}

u64 oracle_time(void)
{
	return __atomic_add_fetch(&clock_now, 1, __ATOMIC_SEQ_CST);
}

void history_add(struct object *object, const char *what, u64 context, u64 seqno, int usage)
{
	struct event *event = &events[__atomic_fetch_add(&next_event, 1, __ATOMIC_RELAXED) % EVENTS];

	set(event->time, oracle_time());
	set(event->object, object);
	set(event->thread, oracle_thread);
	set(event->what, what);
	set(event->context, context);
	set(event->seqno, seqno);
	set(event->usage, usage);
}

static void history_print(struct object *object)
{
	u64 i, end = get(next_event), start = end > EVENTS ? end - EVENTS : 0, count = 0;

	for (i = end; i-- > start && count < SHOWN;)
		count += get(events[i % EVENTS].object) == object;
	/* The others go on, which is of no interest any more */
	fprintf(stderr, "the last of what happened to object %u:\n", object->number);
	for (i++; i < end; ++i) {
		struct event *e = &events[i % EVENTS];

		if (get(e->object) == object)
			fprintf(stderr, "  %8llu %-10s %-14s %llu:%llu %s\n", get(e->time),
				get(e->thread), get(e->what), get(e->context), get(e->seqno),
				usage_name(get(e->usage)));
	}
	fprintf(stderr, "claims that are left:\n");
	for (i = 0; i < CLAIMS; ++i) {
		struct claim *c = &object->claims[i];

		if (get(c->id))
			fprintf(stderr, "  %llu:%llu %s%s leaves %u\n", c->fence.context,
				c->fence.seqno, usage_name(c->must), c->ending ? " ending" : "",
				c->num_leaves);
	}
}

void oracle_fail(struct object *object, const char *fmt, ...)
{
	static pthread_mutex_t once = PTHREAD_MUTEX_INITIALIZER;
	va_list args;

	/* Never unlocked: the first one tells, then it is over */
	pthread_mutex_lock(&once);
	fprintf(stderr, "FAILED at %llu, seed %llu, thread %s: ", get(clock_now), oracle_seed,
		oracle_thread);
	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
	fputc('\n', stderr);
	if (object)
		history_print(object);
	fflush(NULL);
	_exit(1);
}

/* Claims */

static void set_identity(struct identity *id, struct dma_fence *fence)
{
	set(id->fence, fence);
	set(id->context, fence->context);
	set(id->seqno, fence->seqno);
}

static void offer(struct object *object, struct dma_fence *fence, enum dma_resv_usage usage)
{
	struct test_fence *f = to_test_fence(fence);

	if (f && get(f->offered[object->number]) > usage)
		set(f->offered[object->number], usage);
}

static void begun(struct object *object, enum dma_resv_usage usage)
{
	unsigned int u;

	for (u = usage; u < USAGES; ++u)
		__atomic_fetch_add(&object->begun[u], 1, __ATOMIC_SEQ_CST);
}

struct claim *claim_begin(struct object *object, struct dma_fence *fence,
			  struct dma_fence *const *leaves, unsigned int num_leaves,
			  enum dma_resv_usage usage)
{
	struct claim *claim = NULL;
	unsigned int i;

	for (i = 0; i < CLAIMS && !claim; ++i)
		if (!get(object->claims[i].id))
			claim = &object->claims[i];
	if (!claim)
		return NULL;

	set_identity(&claim->fence, fence);
	for (i = 0; i < num_leaves; ++i) {
		set_identity(&claim->leaves[i], leaves[i]);
		offer(object, leaves[i], usage);
	}
	offer(object, fence, usage);
	set(claim->num_leaves, num_leaves);
	set(claim->must, NO_USAGE);
	set(claim->may, usage);
	set(claim->ending, false);
	set(claim->id, __atomic_add_fetch(&ids, 1, __ATOMIC_SEQ_CST));
	__atomic_fetch_add(&object->num_claims, 1, __ATOMIC_SEQ_CST);
	begun(object, usage);
	history_add(object, "add", fence->context, fence->seqno, usage);

	return claim;
}

void claim_offer(struct object *object, struct claim *claim, enum dma_resv_usage usage)
{
	unsigned int i;

	for (i = 0; i < claim->num_leaves; ++i)
		offer(object, claim->leaves[i].fence, usage);
	offer(object, claim->fence.fence, usage);
	if (usage < claim->may) {
		set(claim->may, usage);
		begun(object, usage);
	}
	history_add(object, "add again", claim->fence.context, claim->fence.seqno, usage);
}

void claim_good(struct object *object, struct claim *claim, enum dma_resv_usage usage)
{
	unsigned int u;

	pthread_mutex_lock(&object->lock);
	if (!claim->ending && usage < claim->must) {
		for (u = usage; u < min(claim->must, USAGES + 0u); ++u)
			__atomic_fetch_add(&object->good[u], 1, __ATOMIC_SEQ_CST);
		set(claim->must, usage);
		history_add(object, "is in", claim->fence.context, claim->fence.seqno, usage);
	}
	pthread_mutex_unlock(&object->lock);
}

void claim_end(struct object *object, struct claim *claim)
{
	unsigned int u;

	pthread_mutex_lock(&object->lock);
	if (!claim->ending) {
		set(claim->ending, true);
		for (u = claim->must; u < USAGES; ++u)
			if (!__atomic_sub_fetch(&object->good[u], 1, __ATOMIC_SEQ_CST))
				__atomic_fetch_add(&object->gaps[u], 1, __ATOMIC_SEQ_CST);
		history_add(object, "ends", claim->fence.context, claim->fence.seqno, -1);
	}
	pthread_mutex_unlock(&object->lock);
}

void claim_free(struct object *object, struct claim *claim)
{
	history_add(object, "has ended", claim->fence.context, claim->fence.seqno, -1);
	set(claim->id, 0);
	__atomic_fetch_sub(&object->num_claims, 1, __ATOMIC_SEQ_CST);
}

/* Views */

static void copy_identity(struct identity *to, struct identity *from)
{
	to->fence = get(from->fence);
	to->context = get(from->context);
	to->seqno = get(from->seqno);
}

void view_clear(struct view *view)
{
	view->num_found = 0;
}

void view_begin(struct view *view, struct object *object, enum dma_resv_usage query,
		const char *what)
{
	unsigned int i, k;

	view->object = object;
	view->query = query;
	view->what = what;
	view->num_claims = view->num_found = 0;
	view->maybe_busy = false;
	view->gaps = get(object->gaps[query]);
	view->busy = get(object->good[query]) > 0;
	view->begun = get(object->begun[query]);
	for (i = 0; i < CLAIMS; ++i) {
		struct claim *claim = &object->claims[i], *copy = &view->claims[view->num_claims];

		copy->id = get(claim->id);
		if (!copy->id)
			continue;
		copy_identity(&copy->fence, &claim->fence);
		copy->num_leaves = min(get(claim->num_leaves), LEAVES + 0u);
		for (k = 0; k < copy->num_leaves; ++k)
			copy_identity(&copy->leaves[k], &claim->leaves[k]);
		copy->must = get(claim->must);
		copy->may = get(claim->may);
		copy->ending = get(claim->ending);
		/* What changed meanwhile has begun, or is over */
		if (get(claim->id) != copy->id)
			continue;
		view->maybe_busy |= copy->may <= query;
		if (!copy->ending && copy->must <= query)
			view->at[view->num_claims++] = i;
	}
	view->begin = get(clock_now);
	smp_mb();
}

static bool is_good(struct view *view, unsigned int i)
{
	struct claim *claim = &view->object->claims[view->at[i]];

	/* In this order: one that was reused has ended first */
	return !get(claim->ending) && get(claim->id) == view->claims[i].id;
}

void view_found(struct view *view, struct dma_fence *fence, int usage, bool signaled)
{
	struct test_fence *f = to_test_fence(fence);
	unsigned int i;
	u64 finished;

	if (usage > (int)view->query)
		oracle_fail(view->object, "%s: a query for %s yields a fence as %s", view->what,
			    usage_name(view->query), usage_name(usage));
	for (i = 0; i < view->num_found; ++i)
		if (view->found[i].fence == fence)
			oracle_fail(view->object, "%s: a query for %s yields %llu:%llu twice",
				    view->what, usage_name(view->query), (u64)fence->context,
				    (u64)fence->seqno);
	if (view->num_found < MOST_FOUND)
		set_identity(&view->found[view->num_found++], fence);

	if (f) {
		unsigned int offered = get(f->offered[view->object->number]);

		if (offered == NO_USAGE)
			oracle_fail(view->object, "%s: %llu:%llu found, which never was in it",
				    view->what, (u64)fence->context, (u64)fence->seqno);
		if (offered > view->query || (usage >= 0 && usage < (int)offered))
			oracle_fail(view->object,
				    "%s: a query for %s yields %llu:%llu (as %s), which is %s",
				    view->what, usage_name(view->query), (u64)fence->context,
				    (u64)fence->seqno, usage_name(usage), usage_name(offered));
		finished = get(f->finished);
		if (!signaled && finished && finished <= view->begin)
			oracle_fail(view->object,
				    "%s: %llu:%llu found, which had signaled before (at %llu, begun at %llu)",
				    view->what, (u64)fence->context, (u64)fence->seqno, finished,
				    view->begin);
		return;
	}
	for (i = 0; i < view->num_claims; ++i)
		if (view->claims[i].fence.fence == fence && is_good(view, i) &&
		    get(view->object->claims[view->at[i]].may) > view->query)
			oracle_fail(view->object, "%s: a query for %s yields a container as %s",
				    view->what, usage_name(view->query),
				    usage_name(view->claims[i].may));
}

static bool covered_by(const struct identity *id, const struct identity *found)
{
	return found->fence == id->fence ||
	       (id->context && found->context == id->context &&
		(s32)(u32)(found->seqno - id->seqno) >= 0);
}

static bool covered(struct view *view, const struct identity *id)
{
	unsigned int i;

	for (i = 0; i < view->num_found; ++i)
		if (covered_by(id, &view->found[i]))
			return true;

	return false;
}

static bool claim_covered(struct view *view, const struct claim *claim)
{
	unsigned int i;

	if (covered(view, &claim->fence))
		return true;
	for (i = 0; i < claim->num_leaves; ++i)
		if (!covered(view, &claim->leaves[i]))
			return false;

	return claim->num_leaves > 0;
}

void view_end_found(struct view *view)
{
	unsigned int i;

	smp_mb();
	if (view->num_found == MOST_FOUND)
		return;
	for (i = 0; i < view->num_claims; ++i) {
		struct claim *claim = &view->claims[i];

		if (!claim_covered(view, claim) && is_good(view, i))
			oracle_fail(view->object,
				    "%s: a query for %s, begun at %llu, misses %llu:%llu, which was in it as %s (%u found)",
				    view->what, usage_name(view->query), view->begin,
				    claim->fence.context, claim->fence.seqno,
				    usage_name(claim->must), view->num_found);
	}
}

void view_end_busy(struct view *view)
{
	struct object *object = view->object;

	smp_mb();
	if (!view->maybe_busy && get(object->begun[view->query]) == view->begun)
		oracle_fail(object,
			    "%s: a query for %s, begun at %llu, is busy, but there was nothing for it",
			    view->what, usage_name(view->query), view->begin);
}

bool view_never_idle(struct view *view)
{
	smp_mb();
	return view->busy && get(view->object->gaps[view->query]) == view->gaps;
}

void view_end_waited(struct view *view)
{
	unsigned int i;

	smp_mb();
	for (i = 0; i < view->num_claims; ++i)
		if (is_good(view, i))
			oracle_fail(view->object,
				    "%s: a query for %s, begun at %llu, is idle in spite of %llu:%llu %s",
				    view->what, usage_name(view->query), view->begin,
				    view->claims[i].fence.context, view->claims[i].fence.seqno,
				    usage_name(view->claims[i].must));
}

void view_end_idle(struct view *view)
{
	view_end_waited(view);
	if (view_never_idle(view))
		oracle_fail(view->object,
			    "%s: a query for %s, begun at %llu, is idle, but there never was a moment without a fence",
			    view->what, usage_name(view->query), view->begin);
}
