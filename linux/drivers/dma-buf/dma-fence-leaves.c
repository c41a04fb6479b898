// SPDX-License-Identifier: GPL-2.0-only
/*
 * Taking arrays and chains of fences apart
 *
 * User space can put arrays into chains and chains into arrays as often as it
 * likes, by merging sync_files and moving them through timelines. The result is a
 * graph with shared parts: walked as a tree, it grows exponentially with the number
 * of ioctls spent on it, and walked by recursion, it overflows the stack. So keep a
 * list of what is still to be looked at, and look at each fence once.
 */

#include <linux/dma-fence-array.h>
#include <linux/dma-fence-chain.h>
#include <linux/dma-fence-leaves.h>
#include <linux/dma-fence-unwrap.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/sort.h>
#include <linux/xarray.h>

struct fence_walk {
	/* Leaves in front, from @next on those that have not been looked at */
	struct dma_fence **fences;
	unsigned int next, count, size;
	/* Which containers, and fences without a context, were seen, by address */
	struct xarray seen;
	/* Where in @fences a context has its leaf */
	struct xarray contexts;
	/* Look for the leaf that signaled last, and keep it here */
	bool for_last;
	struct dma_fence *last;
};

/* Has @fence signaled? To ask a container is to have it walk over all that is inside. */
static bool fence_walk_is_over(struct fence_walk *walk, struct dma_fence *fence)
{
	bool container = dma_fence_is_container(fence);

	if (container ? !test_bit(DMA_FENCE_FLAG_SIGNALED_BIT, &fence->flags) :
			!dma_fence_is_signaled(fence))
		return false;
	if (!walk->for_last)
		return true;

	/* Containers may take notice much later than it happens */
	if (container)
		return false;
	if (!walk->last || ktime_after(dma_fence_timestamp(fence),
				       dma_fence_timestamp(walk->last))) {
		dma_fence_put(walk->last);
		walk->last = dma_fence_get(fence);
	}

	return true;
}

/* Put @fence on the list, unless the walk can do without it */
static int fence_walk_add(struct fence_walk *walk, struct dma_fence *fence)
{
	struct dma_fence **larger;
	unsigned int size;
	int ret;

	if (fence_walk_is_over(walk, fence))
		return 0;

	if (dma_fence_is_container(fence) || !fence->context) {
		/* No two fences are closer to each other, and near ones share memory */
		ret = xa_insert(&walk->seen,
				(unsigned long)fence / sizeof(*fence),
				xa_mk_value(1), GFP_KERNEL);
		if (ret)
			return ret == -EBUSY ? 0 : ret;
	}

	if (walk->count == walk->size) {
		size = max(8u, walk->size * 2);
		larger = krealloc(walk->fences, size * sizeof(*larger),
				  GFP_KERNEL | __GFP_NOWARN);
		if (!larger)
			return -ENOMEM;
		walk->fences = larger;
		walk->size = size;
	}
	walk->fences[walk->count++] = dma_fence_get(fence);

	return 0;
}

/* Take the next fence off the list, it is behind the leaves */
static struct dma_fence *fence_walk_take(struct fence_walk *walk)
{
	struct dma_fence *fence = walk->fences[walk->next];

	walk->fences[walk->next] = walk->fences[--walk->count];

	return fence;
}

/*
 * The next fence is a container: have what is in it take its place. Of a chain that is
 * one node and the rest; dma_fence_chain_walk() would ask each node's fence, which may
 * be a container itself.
 */
static int fence_walk_open(struct fence_walk *walk)
{
	struct dma_fence *fence = fence_walk_take(walk), *prev;
	struct dma_fence_array *array = to_dma_fence_array(fence);
	struct dma_fence_chain *chain;
	unsigned int i;
	int ret = 0;

	if (array) {
		for (i = 0; i < array->num_fences && !ret; ++i)
			ret = fence_walk_add(walk, array->fences[i]);
	} else {
		chain = to_dma_fence_chain(fence);
		rcu_read_lock();
		prev = dma_fence_get_rcu_safe(&chain->prev);
		rcu_read_unlock();
		ret = fence_walk_add(walk, chain->fence);
		if (prev && !ret)
			ret = fence_walk_add(walk, prev);
		dma_fence_put(prev);
	}
	dma_fence_put(fence);

	return ret;
}

/* The next fence is a leaf: of each context, the latest one includes the others */
static int fence_walk_leaf(struct fence_walk *walk)
{
	struct dma_fence *fence = walk->fences[walk->next], *other;
	unsigned long context = fence->context;
	void *entry;

	/* Context 0 is no timeline */
	if (!fence->context) {
		walk->next++;
		return 0;
	}

	entry = xa_load(&walk->contexts, context);
	other = entry ? walk->fences[xa_to_value(entry)] : NULL;

	/* Contexts have more bits than an index, where a long is short */
	if (!other || other->context != fence->context) {
		entry = xa_store(&walk->contexts, context,
				 xa_mk_value(walk->next), GFP_KERNEL);
		walk->next++;
		return xa_err(entry);
	}

	fence_walk_take(walk);
	if (dma_fence_is_later(fence, other)) {
		walk->fences[xa_to_value(entry)] = fence;
		fence = other;
	}
	dma_fence_put(fence);

	return 0;
}

static int fence_cmp_context(const void *a, const void *b)
{
	const struct dma_fence *const *x = a, *const *y = b;

	if ((*x)->context == (*y)->context)
		return 0;

	return (*x)->context < (*y)->context ? -1 : 1;
}

/**
 * dma_fence_put_all - drop an array of fences
 * @fences: the array, may be NULL if it is empty
 * @num_fences: how many there are in it
 *
 * Drops the references and frees the array.
 *
 * Context: Any in which dma_fence_put() is allowed.
 */
void dma_fence_put_all(struct dma_fence **fences, unsigned int num_fences)
{
	while (num_fences)
		dma_fence_put(fences[--num_fences]);
	kfree(fences);
}
EXPORT_SYMBOL_GPL(dma_fence_put_all);

/* Take everything apart that is in @fences */
static int fence_walk_all(struct fence_walk *walk, struct dma_fence **fences,
			  unsigned int num_fences)
{
	unsigned int i;
	int ret = 0;

	xa_init(&walk->seen);
	xa_init(&walk->contexts);

	for (i = 0; i < num_fences && !ret; ++i)
		if (fences[i])
			ret = fence_walk_add(walk, fences[i]);

	while (!ret && walk->next < walk->count) {
		if (dma_fence_is_container(walk->fences[walk->next]))
			ret = fence_walk_open(walk);
		else
			ret = fence_walk_leaf(walk);
		/* User space may have made it as large as it likes */
		if (!ret && fatal_signal_pending(current))
			ret = -EINTR;
		cond_resched();
	}

	xa_destroy(&walk->seen);
	xa_destroy(&walk->contexts);

	if (ret || !walk->count) {
		dma_fence_put_all(walk->fences, walk->count);
		walk->fences = NULL;
		walk->count = 0;
	} else {
		sort(walk->fences, walk->count, sizeof(*walk->fences),
		     fence_cmp_context, NULL);
	}

	return ret;
}

/**
 * dma_fence_get_leaves - get the fences that others are made of
 * @fences: fences, which may be arrays or chains
 * @num_fences: how many there are
 * @leaves: where the array of leaves goes, NULL if there are none
 * @num_leaves: where their number goes
 *
 * Takes arrays and chains apart, however deep they are nested. What is left are the
 * unsignaled fences that are neither, the latest one of each context, sorted by
 * context as sync_file_merge() wants them; context 0 counts as none. When all of
 * them have signaled, so have all of @fences. The caller passes the result to
 * dma_fence_put_all().
 *
 * Context: Process context, may sleep to allocate memory.
 * Return: 0; -ENOMEM, or -EINTR if the process is being killed, with nothing returned.
 */
int dma_fence_get_leaves(struct dma_fence **fences, unsigned int num_fences,
			 struct dma_fence ***leaves, unsigned int *num_leaves)
{
	struct fence_walk walk = {};
	int ret;

	ret = fence_walk_all(&walk, fences, num_fences);
	*leaves = walk.fences;
	*num_leaves = walk.count;

	return ret;
}
EXPORT_SYMBOL_GPL(dma_fence_get_leaves);

/**
 * dma_fence_merge - get one fence that stands for several
 * @fences: the fences, which may be arrays, chains, or NULL
 * @num_fences: how many there are
 *
 * The fence signals when all of @fences have. Arrays and chains are taken apart for
 * it, see dma_fence_get_leaves(): it is an array of leaves, or the only one that has
 * not signaled. If all have, it is the one that did so last, which tells when that was.
 *
 * Context: Process context, may sleep to allocate memory.
 * Return: the fence, with a reference; NULL if there is no memory, or if the process is
 * being killed.
 */
struct dma_fence *dma_fence_merge(struct dma_fence **fences,
				  unsigned int num_fences)
{
	struct fence_walk walk = {};
	struct dma_fence_array *array;
	struct dma_fence *single;

	if (fence_walk_all(&walk, fences, num_fences))
		return NULL;

	if (!walk.count) {
		/* Only then, as it looks into all that is over as well */
		walk = (struct fence_walk) { .for_last = true };
		if (fence_walk_all(&walk, fences, num_fences)) {
			dma_fence_put(walk.last);
			return NULL;
		}
		dma_fence_put_all(walk.fences, walk.count);

		return walk.last ?: dma_fence_get_stub();
	}

	if (walk.count == 1) {
		single = dma_fence_get(walk.fences[0]);
		dma_fence_put_all(walk.fences, 1);

		return single;
	}

	array = dma_fence_array_create(walk.count, walk.fences,
				       dma_fence_context_alloc(1), 1, false);
	if (!array) {
		dma_fence_put_all(walk.fences, walk.count);
		return NULL;
	}

	return &array->base;
}
EXPORT_SYMBOL_GPL(dma_fence_merge);

/**
 * dma_fence_unwrap_first - begin to visit what a fence is made of
 * @head: the fence, may be NULL
 * @cursor: the cursor to set up
 *
 * See dma_fence_unwrap_for_each(), which is the way to use it.
 *
 * Context: Any in which dma_fence_put() is allowed.
 * Return: the first fence, borrowed, or NULL if there is none.
 */
struct dma_fence *dma_fence_unwrap_first(struct dma_fence *head,
					 struct dma_fence_unwrap *cursor)
{
	cursor->node = dma_fence_get(head);
	cursor->index = 0;

	return dma_fence_unwrap_next(cursor);
}
EXPORT_SYMBOL_GPL(dma_fence_unwrap_first);

/**
 * dma_fence_unwrap_next - go on to visit what a fence is made of
 * @cursor: the cursor, after dma_fence_unwrap_first()
 *
 * Context: Any in which dma_fence_put() is allowed.
 * Return: the next fence, borrowed until the next step, or NULL at the end.
 */
struct dma_fence *dma_fence_unwrap_next(struct dma_fence_unwrap *cursor)
{
	struct dma_fence_array *array;
	struct dma_fence *fence;
	unsigned int i;

	while (cursor->node) {
		fence = dma_fence_chain_contained(cursor->node);
		array = to_dma_fence_array(fence);
		i = cursor->index++;
		if (array ? i < array->num_fences : !i)
			return array ? array->fences[i] : fence;

		/* This drops the reference to the node */
		cursor->node = dma_fence_chain_walk(cursor->node);
		cursor->index = 0;
	}

	return NULL;
}
EXPORT_SYMBOL_GPL(dma_fence_unwrap_next);
