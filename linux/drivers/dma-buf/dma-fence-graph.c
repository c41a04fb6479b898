// SPDX-License-Identifier: GPL-2.0
/*
 * The graph of fences, for the run-time checker: who waits for whom.
 *
 * A fence becomes a node when somebody asks for it: when it is added to a
 * reservation object, waits for another fence, or has another fence wait for it.
 * A node is in the graph for as long as something may wait for its fence, that is
 * until the fence signals. A fence that is released before that can only matter as
 * a link between others: its node goes when it has no more edges on one side.
 *
 * Edges are between nodes in the graph, so that there is nothing to walk through
 * that is over.
 */

#include <linux/ctype.h>
#include <linux/export.h>
#include <linux/init.h>
#include <linux/kernel.h>
#include <linux/preempt.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/stacktrace.h>
#include <linux/string.h>

#include "dma-fence-check.h"

struct static_key_false dma_fence_check_enabled = STATIC_KEY_FALSE_INIT;
EXPORT_SYMBOL(dma_fence_check_enabled);

static bool enable __initdata = true;

static int __init dma_fence_check_setup(char *arg)
{
	return !kstrtobool(arg, &enable);
}
__setup("dma_fence_check=", dma_fence_check_setup);

static int __init dma_fence_check_init_key(void)
{
	if (enable)
		static_branch_enable(&dma_fence_check_enabled);

	return 0;
}
early_initcall(dma_fence_check_init_key);

/* Frames that are kept of a stack */
#define STACK_FRAMES	24

/**
 * dma_fence_check_stack - remember the stack of the caller
 *
 * Context: Any. Allocates without waiting.
 * Return: a handle for &struct dma_fence_check_party, 0 if there is no memory, or if
 * it can't be asked for, which with PREEMPT_RT takes locks that sleep.
 */
depot_stack_handle_t dma_fence_check_stack(void)
{
	unsigned long frames[STACK_FRAMES];
	unsigned int n;

	if (IS_ENABLED(CONFIG_PREEMPT_RT) && !preemptible())
		return 0;

	n = stack_trace_save(frames, ARRAY_SIZE(frames), 1);
	n = filter_irq_stacks(frames, n);

	return stack_depot_save(frames, n, DMA_FENCE_CHECK_GFP);
}
EXPORT_SYMBOL_GPL(dma_fence_check_stack);

/**
 * struct dma_fence_edge - one fence waits for another
 * @waiter: the one
 * @on: the other
 * @out: entry in the edges of @waiter
 * @in: entry in the edges of @on
 * @stack: where the checker was told
 */
struct dma_fence_edge {
	struct dma_fence_node *waiter;
	struct dma_fence_node *on;
	struct list_head out;
	struct list_head in;
	depot_stack_handle_t stack;
};

/* Innermost: nothing is called with it held, and nothing freed */
static DEFINE_SPINLOCK(graph_lock);
static LIST_HEAD(graph_nodes);
static u64 graph_mark;
static u64 graph_id;

static atomic_t graph_blind = ATOMIC_INIT(0);

/* What is to be freed once the lock is dropped */
struct graph_waste {
	struct list_head nodes;
	struct list_head edges;
};

#define DEFINE_GRAPH_WASTE(name) struct graph_waste name = { \
	LIST_HEAD_INIT((name).nodes), LIST_HEAD_INIT((name).edges) }

static void graph_clear(struct graph_waste *waste)
{
	struct dma_fence_node *node, *next_node;
	struct dma_fence_edge *edge, *next_edge;

	list_for_each_entry_safe(edge, next_edge, &waste->edges, out)
		kfree(edge);
	list_for_each_entry_safe(node, next_node, &waste->nodes, link)
		dma_fence_node_put(node);
}

static void graph_remove(struct dma_fence_node *node, struct graph_waste *waste)
{
	node->live = false;
	list_move_tail(&node->link, &waste->nodes);
}

/* Nobody can hold on to the fence of @node, and there is nothing to pass on */
static bool graph_is_idle(struct dma_fence_node *node)
{
	return node->live && !node->fence &&
	       (list_empty(&node->out) || list_empty(&node->in));
}

static void graph_cut(struct dma_fence_edge *edge, struct graph_waste *waste)
{
	list_del(&edge->in);
	list_move_tail(&edge->out, &waste->edges);
	if (graph_is_idle(edge->waiter))
		graph_remove(edge->waiter, waste);
	if (graph_is_idle(edge->on))
		graph_remove(edge->on, waste);
}

/* Take @node out, and whatever is left without a purpose by that */
static void graph_retire(struct dma_fence_node *node, struct graph_waste *waste)
{
	struct dma_fence_edge *edge, *next;

	if (!node->live)
		return;

	/* The list grows while it is walked */
	graph_remove(node, waste);
	list_for_each_entry_from(node, &waste->nodes, link) {
		list_for_each_entry_safe(edge, next, &node->out, out)
			graph_cut(edge, waste);
		list_for_each_entry_safe(edge, next, &node->in, in)
			graph_cut(edge, waste);
	}
}

static bool graph_has_signaled(struct dma_fence *fence)
{
	return test_bit(DMA_FENCE_FLAG_SIGNALED_BIT, &fence->flags);
}

static void graph_signal(struct dma_fence_node *node, struct dma_fence *fence,
			 struct graph_waste *waste)
{
	if (node->signaled)
		return;
	node->signaled = true;
	node->error = fence->error;
	node->done = test_bit(DMA_FENCE_FLAG_TIMESTAMP_BIT, &fence->flags) ?
		     fence->timestamp : ktime_get();
	graph_retire(node, waste);
}

static void node_set_name(char *to, const char *from)
{
	strscpy(to, from ?: "", DMA_FENCE_NODE_NAME);
	/* It may come from user space and goes to the log and into quotes */
	for (; *to; to++)
		if (!isascii(*to) || !isprint(*to) || *to == '"' || *to == '\\')
			*to = '_';
}

static struct dma_fence_node *node_new(struct dma_fence *fence)
{
	struct dma_fence_node *node;

	node = kzalloc(sizeof(*node), DMA_FENCE_CHECK_GFP);
	if (!node)
		return NULL;

	/* For the fence, and for the graph */
	kref_init(&node->ref);
	kref_get(&node->ref);
	node->context = fence->context;
	node->seqno = fence->seqno;
	node_set_name(node->driver, fence->ops->get_driver_name(fence));
	/* What a timeline is called by may be gone after the fence has signaled */
	node_set_name(node->timeline, graph_has_signaled(fence) ? "signaled" :
		      fence->ops->get_timeline_name(fence));
	node->stack = dma_fence_check_stack();
	node->seen = ktime_get();
	node->fence = fence;
	node->live = true;
	INIT_LIST_HEAD(&node->out);
	INIT_LIST_HEAD(&node->in);

	return node;
}

/**
 * dma_fence_node_get - get the node of a fence, or make one
 * @fence: the fence, with a reference
 *
 * Context: Any. Allocates without waiting.
 * Return: the node, to be given back with dma_fence_node_put(), or NULL: there is no
 * memory, or the checker is off.
 */
struct dma_fence_node *dma_fence_node_get(struct dma_fence *fence)
{
	struct dma_fence_node *node, *fresh = NULL;
	unsigned long flags;
	DEFINE_GRAPH_WASTE(waste);

	if (!static_branch_unlikely(&dma_fence_check_enabled))
		return NULL;

	if (!READ_ONCE(fence->node)) {
		fresh = node_new(fence);
		if (!fresh) {
			atomic_inc(&graph_blind);
			return NULL;
		}
	}

	spin_lock_irqsave(&graph_lock, flags);
	node = fence->node;
	if (!node) {
		node = fresh;
		fresh = NULL;
		WRITE_ONCE(fence->node, node);
		node->id = ++graph_id;
		list_add_tail(&node->link, &graph_nodes);
		/* Pairs with test_and_set_bit() of who signals */
		smp_mb();
		if (graph_has_signaled(fence))
			graph_signal(node, fence, &waste);
	}
	kref_get(&node->ref);
	spin_unlock_irqrestore(&graph_lock, flags);

	graph_clear(&waste);
	kfree(fresh);

	return node;
}
EXPORT_SYMBOL_GPL(dma_fence_node_get);

/**
 * dma_fence_node_ref - get one more reference to a node
 * @node: the node
 */
void dma_fence_node_ref(struct dma_fence_node *node)
{
	kref_get(&node->ref);
}
EXPORT_SYMBOL_GPL(dma_fence_node_ref);

static void node_free(struct kref *ref)
{
	kfree(container_of(ref, struct dma_fence_node, ref));
}

/**
 * dma_fence_node_put - give a reference to a node back
 * @node: the node, or NULL
 *
 * Context: Any.
 */
void dma_fence_node_put(struct dma_fence_node *node)
{
	if (node)
		kref_put(&node->ref, node_free);
}
EXPORT_SYMBOL_GPL(dma_fence_node_put);

/**
 * dma_fence_node_fence - get the fence of a node
 * @node: the node
 *
 * Context: Any.
 * Return: the fence with a reference, or NULL if there are no more references to it.
 */
struct dma_fence *dma_fence_node_fence(struct dma_fence_node *node)
{
	struct dma_fence *fence;
	unsigned long flags;

	/* Memory is not freed before __dma_fence_check_release() had the lock */
	spin_lock_irqsave(&graph_lock, flags);
	fence = node->fence;
	if (fence)
		fence = dma_fence_get_rcu(fence);
	spin_unlock_irqrestore(&graph_lock, flags);

	return fence;
}
EXPORT_SYMBOL_GPL(dma_fence_node_fence);

/**
 * dma_fence_node_done - has the fence of a node completed
 * @node: the node
 *
 * Asks the fence, if it still exists: many only find out then.
 *
 * Context: Process context, no lock of a fence held.
 * Return: true if it has, or if nobody can tell any more: the fence was released
 * without being signaled, and does not pass on what another fence waits for.
 */
bool dma_fence_node_done(struct dma_fence_node *node)
{
	struct dma_fence *fence = dma_fence_node_fence(node);
	unsigned long flags;
	bool live;

	/* Takes the node out of the graph if it has */
	if (fence)
		dma_fence_is_signaled(fence);
	dma_fence_put(fence);

	spin_lock_irqsave(&graph_lock, flags);
	live = node->live;
	spin_unlock_irqrestore(&graph_lock, flags);

	return !live;
}
EXPORT_SYMBOL_GPL(dma_fence_node_done);

/**
 * dma_fence_node_completed_at - when did the fence of a node signal
 * @node: the node
 *
 * Does not ask the fence, see dma_fence_node_done() for that.
 *
 * Context: Any.
 * Return: the time, or %KTIME_MAX if the checker has not seen it signal.
 */
ktime_t dma_fence_node_completed_at(struct dma_fence_node *node)
{
	unsigned long flags;
	ktime_t time;

	spin_lock_irqsave(&graph_lock, flags);
	time = node->signaled ? node->done : KTIME_MAX;
	spin_unlock_irqrestore(&graph_lock, flags);

	return time;
}
EXPORT_SYMBOL_GPL(dma_fence_node_completed_at);

/* Let a search visit @node after @last, unless it was there. Returns whether it will */
static bool graph_visit(struct dma_fence_node **last, struct dma_fence_node *node)
{
	if (node->mark == graph_mark)
		return false;
	node->mark = graph_mark;
	node->next = NULL;
	if (*last)
		(*last)->next = node;
	*last = node;

	return true;
}

/* Is @node @to, or a later fence of its context if those count as well */
static bool graph_is_there(struct dma_fence_node *node, struct dma_fence_node *to,
			   bool ordered)
{
	return node == to || (ordered && to->context &&
			      node->context == to->context &&
			      node->seqno > to->seqno);
}

/*
 * Is there a way from @from to @to along the edges, or if @ordered, to a later fence
 * of the same context? Then it can be followed back from its end by @via. Breadth
 * first, so it is a shortest one.
 */
static bool graph_search(struct dma_fence_node *from, struct dma_fence_node *to,
			 bool ordered)
{
	struct dma_fence_node *node, *last = NULL;
	struct dma_fence_edge *edge;

	if (graph_is_there(from, to, ordered))
		return true;
	/* Mostly @to is new and nothing waits for it yet */
	if (list_empty(&to->in) && !ordered)
		return false;

	graph_mark++;
	graph_visit(&last, from);
	for (node = from; node; node = node->next) {
		list_for_each_entry(edge, &node->out, out) {
			if (!graph_visit(&last, edge->on))
				continue;
			edge->on->via = edge;
			if (graph_is_there(edge->on, to, ordered))
				return true;
		}
	}

	return false;
}

/**
 * dma_fence_node_reaches - does one fence signal after another
 * @from: the node of the one
 * @to: the node of the other
 *
 * Context: Any.
 * Return: true if @from waits for @to, as far as the checker knows and as long as
 * neither has signaled, directly or by way of others; or if they are the same, or of
 * one context in that order.
 */
bool dma_fence_node_reaches(struct dma_fence_node *from,
			    struct dma_fence_node *to)
{
	unsigned long flags;
	bool reaches;

	spin_lock_irqsave(&graph_lock, flags);
	reaches = graph_search(from, to, true);
	spin_unlock_irqrestore(&graph_lock, flags);

	return reaches;
}
EXPORT_SYMBOL_GPL(dma_fence_node_reaches);

/**
 * dma_fence_node_next - walk through the graph
 * @node: a node, whose reference is given back, or NULL to begin
 *
 * Nodes may come and go meanwhile. Those that were there all along are visited, in
 * the order in which they came.
 *
 * Context: Any.
 * Return: the node that comes after @node, with a reference, or NULL at the end.
 */
struct dma_fence_node *dma_fence_node_next(struct dma_fence_node *node)
{
	struct dma_fence_node *next;
	unsigned long flags;

	spin_lock_irqsave(&graph_lock, flags);
	next = list_entry(&graph_nodes, struct dma_fence_node, link);
	if (node && node->live)
		next = node;
	list_for_each_entry_continue(next, &graph_nodes, link)
		if (!node || next->id > node->id)
			break;
	if (&next->link == &graph_nodes)
		next = NULL;
	else
		kref_get(&next->ref);
	spin_unlock_irqrestore(&graph_lock, flags);

	dma_fence_node_put(node);

	return next;
}
EXPORT_SYMBOL_GPL(dma_fence_node_next);

/**
 * dma_fence_node_show_waits - print what the fence of a node waits for
 * @node: the node
 * @seq: where to print, an edge a line as Graphviz has it
 *
 * Context: Any.
 */
void dma_fence_node_show_waits(struct dma_fence_node *node, struct seq_file *seq)
{
	struct dma_fence_edge *edge;
	unsigned long flags;

	spin_lock_irqsave(&graph_lock, flags);
	list_for_each_entry(edge, &node->out, out)
		seq_printf(seq, "\tn%llu -> n%llu;\n", node->id, edge->on->id);
	spin_unlock_irqrestore(&graph_lock, flags);
}

/* The earliest fence that has to signal before @node does, being of its context */
static struct dma_fence_node *graph_first_of_context(struct dma_fence_node *node)
{
	struct dma_fence_node *first = node, *other;

	if (node->context)
		list_for_each_entry(other, &graph_nodes, link)
			if (other->context == node->context &&
			    other->seqno < first->seqno)
				first = other;

	return first;
}

/**
 * dma_fence_node_holder - who holds up the fence of a node
 * @node: the node
 * @by_user: set to whether it depends on user space
 *
 * Follows the edges, and the order of fences of one context, to the end.
 *
 * Context: Any.
 * Return: of the fences that wait for nothing else, the one that is known longest,
 * with a reference; @node itself may be it. NULL if there is none that user space
 * isn't responsible for, or if @node waits for itself.
 */
struct dma_fence_node *dma_fence_node_holder(struct dma_fence_node *node,
					     bool *by_user)
{
	struct dma_fence_node *holder = NULL, *last = NULL, *first;
	struct dma_fence_edge *edge;
	unsigned long flags;

	*by_user = false;
	spin_lock_irqsave(&graph_lock, flags);
	graph_mark++;
	graph_visit(&last, node);
	for (; node && node->live; node = node->next) {
		list_for_each_entry(edge, &node->out, out)
			graph_visit(&last, edge->on);
		*by_user |= node->by_user;
		if (node->by_user || !list_empty(&node->out))
			continue;
		first = graph_first_of_context(node);
		if (first != node)
			graph_visit(&last, first);
		else if (!holder || node->id < holder->id)
			holder = node;
	}
	if (holder)
		kref_get(&holder->ref);
	spin_unlock_irqrestore(&graph_lock, flags);

	return holder;
}
EXPORT_SYMBOL_GPL(dma_fence_node_holder);

/* Is the edge there already? Looks through the shorter one of the lists */
static bool graph_has_edge(struct dma_fence_node *waiter,
			   struct dma_fence_node *on)
{
	struct list_head *out = waiter->out.next, *in = on->in.next;

	for (; out != &waiter->out && in != &on->in;
	     out = out->next, in = in->next)
		if (list_entry(out, struct dma_fence_edge, out)->on == on ||
		    list_entry(in, struct dma_fence_edge, in)->waiter == waiter)
			return true;

	return false;
}

/**
 * struct graph_cycle - a way from a fence back to itself, for a report
 * @steps: each waits for the next, the last for the first; with references
 * @length: how many there are, the last ones may not be in @steps
 */
struct graph_cycle {
	struct dma_fence_check_party steps[8];
	unsigned int length;
};

static void graph_set_step(struct graph_cycle *cycle, unsigned int i,
			   struct dma_fence_edge *edge)
{
	if (i >= ARRAY_SIZE(cycle->steps))
		return;
	dma_fence_node_ref(edge->waiter);
	cycle->steps[i] = (struct dma_fence_check_party) {
		edge->waiter, -1, "waits for the next one", edge->stack
	};
}

/* Under the lock: the cycle that @edge closes if it is added, none has length 0 */
static void graph_find_cycle(struct graph_cycle *cycle,
			     struct dma_fence_edge *edge)
{
	struct dma_fence_node *node;
	unsigned int i;

	cycle->length = 0;
	if (!graph_search(edge->on, edge->waiter, false))
		return;

	/* Twice the way back: the first time to count */
	for (node = edge->waiter; node != edge->on; node = node->via->waiter)
		cycle->length++;
	i = cycle->length++;
	for (node = edge->waiter; node != edge->on; node = node->via->waiter)
		graph_set_step(cycle, i--, node->via);
	graph_set_step(cycle, 0, edge);
}

static void graph_report_cycle(struct graph_cycle *cycle)
{
	unsigned int others = cycle->length - 1, i, n;
	bool printed = false;

	n = min_t(unsigned int, cycle->length, ARRAY_SIZE(cycle->steps));
	if (cycle->length == 1)
		printed = dma_fence_check_report(DMA_FENCE_CHECK_CYCLE, NULL,
						 cycle->steps, n,
						 "waits for itself");
	else if (cycle->length)
		printed = dma_fence_check_report(DMA_FENCE_CHECK_CYCLE, NULL,
						 cycle->steps, n,
						 "waits for itself by way of %u other%s",
						 others, others == 1 ? "" : "s");
	if (printed && n < cycle->length)
		pr_err("  and %u more\n", cycle->length - n);
	for (i = 0; i < n; i++)
		dma_fence_node_put(cycle->steps[i].node);
}

static void graph_add_edge(struct dma_fence_node *waiter, struct dma_fence *on,
			   depot_stack_handle_t stack)
{
	struct graph_cycle cycle = { .length = 0 };
	struct dma_fence_node *target;
	struct dma_fence_edge *edge;
	unsigned long flags;

	target = dma_fence_node_get(on);
	if (!target)
		return;
	edge = kmalloc(sizeof(*edge), DMA_FENCE_CHECK_GFP);
	if (!edge) {
		atomic_inc(&graph_blind);
		goto out;
	}
	edge->waiter = waiter;
	edge->on = target;
	edge->stack = stack;

	spin_lock_irqsave(&graph_lock, flags);
	if (waiter->live && target->live && !graph_has_edge(waiter, target)) {
		graph_find_cycle(&cycle, edge);
		list_add_tail(&edge->out, &waiter->out);
		list_add_tail(&edge->in, &target->in);
		edge = NULL;
	}
	spin_unlock_irqrestore(&graph_lock, flags);

	kfree(edge);
	graph_report_cycle(&cycle);
out:
	dma_fence_node_put(target);
}

void __dma_fence_check_edges(struct dma_fence *fence, struct dma_fence **on,
			     unsigned int count)
{
	struct dma_fence_node *waiter = NULL;
	depot_stack_handle_t stack = 0;

	if (!fence || graph_has_signaled(fence))
		return;

	for (; count--; on++) {
		if (!*on || graph_has_signaled(*on))
			continue;
		/* It takes longer to look at the stack than all the rest */
		if (!waiter) {
			waiter = dma_fence_node_get(fence);
			stack = dma_fence_check_stack();
		}
		if (!waiter)
			break;
		graph_add_edge(waiter, *on, stack);
	}
	dma_fence_node_put(waiter);
}
EXPORT_SYMBOL(__dma_fence_check_edges);

static void node_mark(struct dma_fence *fence, bool by_user, bool on_demand)
{
	struct dma_fence_node *node = dma_fence_node_get(fence);
	unsigned long flags;

	if (!node)
		return;

	spin_lock_irqsave(&graph_lock, flags);
	node->by_user |= by_user;
	node->on_demand |= on_demand;
	spin_unlock_irqrestore(&graph_lock, flags);
	dma_fence_node_put(node);
}

void __dma_fence_check_by_user(struct dma_fence *fence)
{
	node_mark(fence, true, false);
}
EXPORT_SYMBOL(__dma_fence_check_by_user);

void __dma_fence_check_on_demand(struct dma_fence *fence)
{
	node_mark(fence, false, true);
}
EXPORT_SYMBOL(__dma_fence_check_on_demand);

void __dma_fence_check_signal(struct dma_fence *fence)
{
	unsigned long flags;
	DEFINE_GRAPH_WASTE(waste);

	spin_lock_irqsave(&graph_lock, flags);
	if (fence->node)
		graph_signal(fence->node, fence, &waste);
	spin_unlock_irqrestore(&graph_lock, flags);

	graph_clear(&waste);
}
EXPORT_SYMBOL(__dma_fence_check_signal);

void __dma_fence_check_release(struct dma_fence *fence)
{
	struct dma_fence_node *node;
	unsigned long flags;
	DEFINE_GRAPH_WASTE(waste);

	spin_lock_irqsave(&graph_lock, flags);
	node = fence->node;
	WRITE_ONCE(fence->node, NULL);
	node->fence = NULL;
	if (graph_is_idle(node))
		graph_retire(node, &waste);
	spin_unlock_irqrestore(&graph_lock, flags);

	graph_clear(&waste);
	dma_fence_node_put(node);
}

/**
 * dma_fence_check_blind - how often there was no memory for a node or an edge
 *
 * Return: the number since boot.
 */
unsigned int dma_fence_check_blind(void)
{
	return atomic_read(&graph_blind);
}
EXPORT_SYMBOL_GPL(dma_fence_check_blind);
