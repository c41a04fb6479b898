// SPDX-License-Identifier: GPL-2.0-only
/* Those who change objects, and those who have their fences signal */
#include <linux/dma-fence-array.h>
#include <linux/dma-fence-chain.h>
#include <linux/slab.h>
#include <native.h>
#include <sched.h>
#include <unistd.h>
#include "torture.h"

static void put_job(struct job *job)
{
	unsigned int i;

	if (job->num_leaves)
		dma_fence_put(job->fence);
	else
		fence_disown(job->fence);
	for (i = 0; i < job->num_leaves; ++i)
		fence_disown(job->leaves[i]);
	kfree(job);
}

static struct dma_fence *new_leaf(u64 context, u64 seqno)
{
	return fence_new(dice(2) ? FENCE_ASKED : FENCE_TOLD, dice(4), context, seqno);
}

/* An array, or a chain, of two or three */
static struct dma_fence *new_container(struct job *job)
{
	struct dma_fence_chain *chain;
	struct dma_fence_array *array;
	struct dma_fence **fences, *prev;
	unsigned int i;

	job->num_leaves = 2 + dice(LEAVES - 1);
	for (i = 0; i < job->num_leaves; ++i)
		job->leaves[i] = new_leaf(dice(4) ? dma_fence_context_alloc(1) : 0, 1);
	saw(SEEN_CONTAINERS);

	if (dice(2)) {
		fences = kmalloc_array(job->num_leaves, sizeof(*fences), GFP_KERNEL);
		for (i = 0; i < job->num_leaves; ++i)
			fences[i] = dma_fence_get(job->leaves[i]);
		array = dma_fence_array_create(job->num_leaves, fences,
					       dma_fence_context_alloc(1), 1, false);
		return &array->base;
	}

	prev = dma_fence_get(job->leaves[0]);
	for (i = 1; i < job->num_leaves; ++i) {
		chain = kmalloc(sizeof(*chain), GFP_KERNEL);
		dma_fence_chain_init(chain, prev, dma_fence_get(job->leaves[i]), i);
		prev = &chain->base;
	}

	return prev;
}

static struct job *new_job(struct queue *queue)
{
	struct job *job = kzalloc(sizeof(*job), GFP_KERNEL);

	if (queue->context)
		job->fence = new_leaf(queue->context, ++queue->seqno);
	else if (!dice(4))
		job->fence = new_container(job);
	else
		job->fence = new_leaf(dice(3) ? dma_fence_context_alloc(1) : 0, 1);

	return job;
}

/* It is in the object when this returns; whoever adds it makes it good */
static struct claim *claim_for(struct playground *playground, struct job *job,
			       enum dma_resv_usage usage)
{
	struct object *object = &playground->object;
	struct claim *claim;

	if (job->num_claims == MOST_CLAIMS)
		return NULL;
	claim = claim_begin(object, job->fence, job->leaves, job->num_leaves, usage);
	if (!claim)
		return NULL;
	job->claims[job->num_claims].object = object;
	job->claims[job->num_claims++].claim = claim;

	return claim;
}

static void enqueue(struct queue *queue, struct job *job)
{
	pthread_mutex_lock(&queue->lock);
	job->next = NULL;
	*queue->last = job;
	queue->last = &job->next;
	set(queue->count, queue->count + 1);
	pthread_mutex_unlock(&queue->lock);
}

static struct job *dequeue(struct queue *queue)
{
	struct job *job;
	unsigned int i;

	pthread_mutex_lock(&queue->lock);
	job = queue->first;
	if (job) {
		/* With the lock, for those who replace what is in the queue */
		for (i = 0; i < job->num_claims; ++i)
			claim_end(job->claims[i].object, job->claims[i].claim);
		queue->first = job->next;
		if (!queue->first)
			queue->last = &queue->first;
		set(queue->count, queue->count - 1);
	}
	pthread_mutex_unlock(&queue->lock);
	native_ordered();

	return job;
}

/* With the object locked, and slots reserved */
static void add_one(struct playground *playground, struct queue *queue, struct job *job)
{
	struct dma_resv *resv = &playground->object.resv;
	enum dma_resv_usage usage = dice(USAGES), other;
	struct claim *claim = claim_for(playground, job, usage);

	if (claim) {
		dma_resv_add_fence(resv, job->fence, usage);
		claim_good(&playground->object, claim, usage);
		saw(SEEN_ADDS);
		if (!dice(4)) {
			other = dice(USAGES);
			/* A promotion, or nothing */
			if (other < usage) {
				claim_offer(&playground->object, claim, other);
				saw(SEEN_PROMOTIONS);
			}
			dma_resv_add_fence(resv, job->fence, other);
			claim_good(&playground->object, claim, min(usage, other));
		}
	}
	enqueue(queue, job);
}

static void replace_some(struct playground *playground, struct queue *queue)
{
	struct object *object = &playground->object;
	enum dma_resv_usage usage = dice(USAGES), must = usage;
	struct claim *claim;
	struct job *job, *old;
	unsigned int i, may = usage;
	bool any = false;

	job = new_job(dice(2) ? queue : &playground->queues[TIMELINES]);
	claim = claim_for(playground, job, usage);
	if (!claim) {
		enqueue(&playground->queues[TIMELINES], job);
		return;
	}

	/* What is about to signal may be replaced as well */
	for (i = 0; i < CLAIMS; ++i)
		if (get(object->claims[i].id) &&
		    get(object->claims[i].fence.context) == queue->context)
			may = min(may, get(object->claims[i].may));
	claim_offer(object, claim, may);

	/* Nothing that is surely replaced signals while this is under way */
	pthread_mutex_lock(&queue->lock);
	for (old = queue->first; old; old = old->next) {
		for (i = 0; i < old->num_claims; ++i) {
			if (old->claims[i].object != object || old->claims[i].claim->ending)
				continue;
			any = true;
			must = min(must, old->claims[i].claim->must + 0u);
			claim_end(object, old->claims[i].claim);
		}
	}
	native_ordered();
	history_add(object, "replace all of", queue->context, 0, usage);
	dma_resv_replace_fences(&object->resv, queue->context, job->fence, usage);
	if (any)
		claim_good(object, claim, must);
	else
		claim_end(object, claim);
	pthread_mutex_unlock(&queue->lock);
	saw(SEEN_REPLACES);
	enqueue(job->fence->context == queue->context ? queue : &playground->queues[TIMELINES], job);
}

static void change(struct playground *playground)
{
	struct dma_resv *resv = &playground->object.resv;
	struct queue *queue = &playground->queues[dice(TIMELINES + 1)];
	unsigned int room = 4, n = 1 + dice(2);
	struct job *first, *second;

	if (!dice(8)) {
		saw(SEEN_SHRINKS);
		native_fail_allocation = dice(4) ? 0 : 1;
		(void)!dma_resv_copy_fences(resv, resv);
		native_fail_allocation = 0;
	}
	if (!dice(8)) {
		saw(SEEN_GROWTHS);
		room += dice(100);
	}
	native_fail_allocation = dice(16) ? 0 : 1;
	if (dma_resv_reserve_fences(resv, room))
		room = 0;
	native_fail_allocation = 0;
	if (!room)
		return;

	if (queue->context && !dice(4)) {
		replace_some(playground, queue);
		return;
	}
	if (queue->context && !dice(4)) {
		/* The later one comes first, but both before either can signal */
		first = new_job(queue);
		second = new_job(queue);
		for (n = 0; n < 2; ++n) {
			enum dma_resv_usage usage = dice(USAGES);
			struct job *job = n ? first : second;
			struct claim *claim = claim_for(playground, job, usage);

			if (!claim)
				continue;
			dma_resv_add_fence(resv, job->fence, usage);
			claim_good(&playground->object, claim, usage);
		}
		enqueue(queue, first);
		enqueue(queue, second);
		return;
	}
	while (n--)
		add_one(playground, queue, new_job(queue));
}

/* The same fence in two objects, both locked */
static void share(struct torturer *me)
{
	struct playground *a = &playgrounds[dice(OBJECTS)], *b = &playgrounds[dice(OBJECTS)];
	struct ww_acquire_ctx ctx;
	struct claim *claim;
	unsigned int usage;
	struct job *job;
	int ret;

	if (a == b || get(b->object.num_claims) >= b->limit)
		return;
	begin_doing(me, "lock two objects", &a->object);
	ww_acquire_init(&ctx, &reservation_ww_class);
	ret = dma_resv_lock(&a->object.resv, &ctx);
	if (ret)
		oracle_fail(&a->object, "the first lock of a context returns %d", ret);
	while ((ret = dma_resv_lock(&b->object.resv, &ctx)) == -EDEADLK) {
		dma_resv_unlock(&a->object.resv);
		dma_resv_lock_slow(&b->object.resv, &ctx);
		swap(a, b);
	}
	if (ret)
		oracle_fail(&b->object, "the second lock of a context returns %d", ret);
	if (!dma_resv_reserve_fences(&a->object.resv, 1) &&
	    !dma_resv_reserve_fences(&b->object.resv, 1)) {
		job = new_job(&a->queues[TIMELINES]);
		usage = dice(USAGES);
		claim = claim_for(b, job, usage);
		if (claim) {
			dma_resv_add_fence(&b->object.resv, job->fence, usage);
			claim_good(&b->object, claim, usage);
		}
		usage = dice(USAGES);
		claim = claim_for(a, job, usage);
		if (claim) {
			dma_resv_add_fence(&a->object.resv, job->fence, usage);
			claim_good(&a->object, claim, usage);
		}
		enqueue(&a->queues[TIMELINES], job);
	}
	dma_resv_unlock(&a->object.resv);
	dma_resv_unlock(&b->object.resv);
	ww_acquire_fini(&ctx);
	end_doing(me);
}

void *writer(void *arg)
{
	struct playground *playground;
	struct torturer *me = arg;

	torturer_start(me);
	while (!get(stop_writers)) {
		playground = &playgrounds[dice(OBJECTS)];
		if (get(playground->object.num_claims) >= playground->limit) {
			sched_yield();
			continue;
		}
		if (!dice(8)) {
			share(me);
		} else {
			begin_doing(me, "change", &playground->object);
			if (dma_resv_lock(&playground->object.resv, NULL))
				oracle_fail(&playground->object, "a lock failed");
			change(playground);
			dma_resv_unlock(&playground->object.resv);
			end_doing(me);
		}
		if (!dice(8))
			usleep(dice(50));
	}
	native_thread_end();

	return NULL;
}

/* Signallers */

static void finish(struct dma_fence *fence)
{
	struct test_fence *f = to_test_fence(fence);

	fence_complete(fence, dice(2));
	set(f->finished, oracle_time());
}

static void signal_job(struct job *job)
{
	unsigned int i;

	for (i = 0; i < job->num_leaves; ++i)
		finish(job->leaves[i]);
	if (!job->num_leaves)
		finish(job->fence);
	/* An array finds out by itself */
	while (!dma_fence_is_signaled(job->fence))
		sched_yield();
	for (i = 0; i < job->num_claims; ++i)
		claim_free(job->claims[i].object, job->claims[i].claim);
	put_job(job);
	saw(SEEN_SIGNALS);
}

bool queues_empty(void)
{
	unsigned int i, q;

	for (i = 0; i < OBJECTS; ++i)
		for (q = 0; q <= TIMELINES; ++q)
			if (get(playgrounds[i].queues[q].count))
				return false;

	return true;
}

void *signaller(void *arg)
{
	struct torturer *me = arg;
	struct playground *playground;
	struct queue *queue;
	struct job *job;
	bool last = false;

	torturer_start(me);
	for (;;) {
		playground = &playgrounds[dice(OBJECTS)];
		queue = &playground->queues[dice(TIMELINES + 1)];
		if (get(stop_signallers) && queues_empty()) {
			if (last)
				break;
			last = true;
		}
		/* Some stay for long, so that there is something to be missed */
		if (!get(stop_signallers) && get(playground->object.num_claims) < playground->limit &&
		    dice(4)) {
			sched_yield();
			continue;
		}
		/* One at a time, or a context would not signal in order */
		begin_doing(me, "signal", &playground->object);
		job = queue->context && me->number ? NULL : dequeue(queue);
		if (job)
			signal_job(job);
		end_doing(me);
		if (!dice(4))
			usleep(dice(100));
	}
	native_thread_end();

	return NULL;
}
