// SPDX-License-Identifier: GPL-2.0
/*
 * The run-time checker and reservation objects: who changed one without asking,
 * who ignored a move, who dropped a fence, who took memory away too early.
 *
 * For each fence that somebody adds there is a record of where that was, and only
 * fences with a record are judged. Whatever there is no memory for, or happened
 * while the checker was off, goes unnoticed and never leads to a report.
 *
 * That one fence must not signal before others is an order. It is judged when the
 * one has signaled, by asking the others: many only find out then. Interrupts come
 * in any order and callbacks take their time, so whoever is not complete by then is
 * asked once more, a while later.
 */

#include <linux/atomic.h>
#include <linux/dma-resv.h>
#include <linux/dma-resv-check.h>
#include <linux/export.h>
#include <linux/hashtable.h>
#include <linux/jiffies.h>
#include <linux/moduleparam.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>

#include "dma-fence-check.h"
#include "dma-resv-check.h"

static unsigned int tolerance = 100;
module_param(tolerance, uint, 0644);
MODULE_PARM_DESC(tolerance,
		 "How much later than due a fence may be found complete, in ms (default 100)");

/**
 * struct dma_resv_record - somebody added a fence to an object
 * @hash: entry in the table of all records
 * @link: entry in the records of @obj
 * @obj: the object
 * @node: the fence
 * @stack: where it was added last
 * @usage: the strongest that it was added with
 * @import: nobody but user space has added it
 */
struct dma_resv_record {
	struct hlist_node hash;
	struct list_head link;
	struct dma_resv *obj;
	struct dma_fence_node *node;
	depot_stack_handle_t stack;
	enum dma_resv_usage usage;
	bool import;
};

/**
 * struct dma_resv_party - a fence and what is known of it
 * @node: the fence
 * @usage: its usage in the object
 * @stack: where it was added
 */
struct dma_resv_party {
	struct dma_fence_node *node;
	enum dma_resv_usage usage;
	depot_stack_handle_t stack;
};

/**
 * struct dma_resv_order - one fence must not signal before others
 * @link: entry in the list of those that are not settled
 * @obj: the object, which may be gone
 * @kind: what it would be to break it
 * @asked: it looks broken since then, in jiffies, or 0
 * @late: the fence that comes afterwards
 * @count: how many come before
 * @early: those that come before
 */
struct dma_resv_order {
	struct list_head link;
	const struct dma_resv *obj;
	enum dma_fence_check_kind kind;
	unsigned long asked;
	struct dma_resv_party late;
	unsigned int count;
	struct dma_resv_party early[];
};

static DEFINE_SPINLOCK(check_lock);
/* Both under the lock */
static DEFINE_HASHTABLE(check_records, 12);
static LIST_HEAD(check_orders);
/* Those in the list, and those that are being looked at */
static atomic_t check_open = ATOMIC_INIT(0);

static void check_settle(struct work_struct *work);
static DECLARE_DELAYED_WORK(check_work, check_settle);

static u32 record_key(const struct dma_resv *obj,
		      const struct dma_fence_node *node)
{
	return hash_ptr(obj, 32) ^ hash_ptr(node, 32);
}

/* Under the lock */
static struct dma_resv_record *record_find(const struct dma_resv *obj,
					   const struct dma_fence_node *node)
{
	struct dma_resv_record *record;

	hash_for_each_possible(check_records, record, hash,
			       record_key(obj, node))
		if (record->obj == obj && record->node == node)
			return record;

	return NULL;
}

/* Under the lock; what is to be freed goes to @waste */
static void record_remove(struct dma_resv_record *record,
			  struct list_head *waste)
{
	hash_del(&record->hash);
	list_move(&record->link, waste);
}

static void records_free(struct list_head *waste)
{
	struct dma_resv_record *record, *next;

	list_for_each_entry_safe(record, next, waste, link) {
		dma_fence_node_put(record->node);
		kfree(record);
	}
}

/* Has the fence signaled, or is it gone? Doesn't ask */
static bool node_is_over(struct dma_fence_node *node)
{
	return dma_fence_node_completed_at(node) != KTIME_MAX ||
	       !READ_ONCE(node->fence);
}

/* Each one that is added makes up for two that are not needed any more */
static void records_prune(struct dma_resv *obj, struct list_head *waste)
{
	struct dma_resv_record *record;
	int i;

	for (i = 0; i < 2 && !list_empty(&obj->records); i++) {
		record = list_first_entry(&obj->records, typeof(*record), link);
		if (node_is_over(record->node))
			record_remove(record, waste);
		else
			list_move_tail(&record->link, &obj->records);
	}
}

/* Returns whether there was a record already, or may have been */
static bool record_add(struct dma_resv *obj, const struct dma_resv_party *party,
		       bool import)
{
	struct dma_resv_record *record, *fresh;
	unsigned long flags;
	bool known = true;
	LIST_HEAD(waste);

	fresh = kmalloc(sizeof(*fresh), DMA_FENCE_CHECK_GFP);

	spin_lock_irqsave(&check_lock, flags);
	record = record_find(obj, party->node);
	if (record) {
		record->stack = party->stack;
		record->usage = min(record->usage, party->usage);
		record->import &= import;
	} else if (fresh) {
		records_prune(obj, &waste);
		dma_fence_node_ref(party->node);
		fresh->obj = obj;
		fresh->node = party->node;
		fresh->stack = party->stack;
		fresh->usage = party->usage;
		fresh->import = import;
		hash_add(check_records, &fresh->hash,
			 record_key(obj, party->node));
		list_add_tail(&fresh->link, &obj->records);
		fresh = NULL;
		known = false;
	}
	spin_unlock_irqrestore(&check_lock, flags);

	kfree(fresh);
	records_free(&waste);

	return known;
}

static void party_put(struct dma_resv_party *party)
{
	dma_fence_node_put(party->node);
	party->node = NULL;
}

/*
 * Get what is known of a fence in an object. Returns false if that isn't enough to
 * hold it against anybody.
 */
static bool party_get(struct dma_resv_party *party, const struct dma_resv *obj,
		      struct dma_fence *fence)
{
	struct dma_resv_record *record;
	unsigned long flags;
	bool judged = false;

	party->node = dma_fence_node_get(fence);
	if (!party->node)
		return false;

	spin_lock_irqsave(&check_lock, flags);
	record = record_find(obj, party->node);
	if (record) {
		party->usage = record->usage;
		party->stack = record->stack;
		judged = !record->import && !READ_ONCE(party->node->by_user);
	}
	spin_unlock_irqrestore(&check_lock, flags);

	if (!judged)
		party_put(party);

	return judged;
}

static void check_report(enum dma_fence_check_kind kind,
			 const struct dma_resv *obj,
			 const struct dma_resv_party *who, const char *did,
			 depot_stack_handle_t stack,
			 const struct dma_resv_party *whom, const char *what)
{
	const struct dma_fence_check_party parties[] = {
		{ who->node, who->usage, did, stack },
		{ whom->node, whom->usage, "was added", whom->stack },
	};

	dma_fence_check_report(kind, obj, parties, ARRAY_SIZE(parties), "%s",
			       what);
}

static void check_wake(void)
{
	queue_delayed_work(system_wq, &check_work,
			   msecs_to_jiffies(READ_ONCE(tolerance)) / 2 + 1);
}

static void order_free(struct dma_resv_order *order)
{
	while (order->count)
		party_put(&order->early[--order->count]);
	party_put(&order->late);
	kfree(order);
}

/* Have @late come after the fences of a query that are in @obj now; it is locked */
static void order_add(struct dma_resv *obj, enum dma_fence_check_kind kind,
		      enum dma_resv_usage usage,
		      const struct dma_resv_party *late)
{
	struct dma_resv_order *order;
	struct dma_resv_iter cursor;
	struct dma_resv_party *early;
	struct dma_fence *before;
	unsigned int count = 0;
	unsigned long flags;

	dma_resv_for_each_fence(&cursor, obj, usage, before)
		count++;
	if (!count)
		return;
	order = kmalloc(struct_size(order, early, count), DMA_FENCE_CHECK_GFP);
	if (!order)
		return;

	order->obj = obj;
	order->kind = kind;
	order->asked = 0;
	order->late = *late;
	dma_fence_node_ref(late->node);
	order->count = 0;
	dma_resv_for_each_fence(&cursor, obj, usage, before) {
		if (test_bit(DMA_FENCE_FLAG_SIGNALED_BIT, &before->flags))
			continue;
		early = &order->early[order->count];
		if (!party_get(early, obj, before))
			continue;
		if (dma_fence_node_reaches(late->node, early->node))
			party_put(early);
		else
			order->count++;
	}
	if (!order->count) {
		order_free(order);
		return;
	}

	atomic_inc(&check_open);
	spin_lock_irqsave(&check_lock, flags);
	list_add_tail(&order->link, &check_orders);
	spin_unlock_irqrestore(&check_lock, flags);
	check_wake();
}

/* Returns whether there is nothing more to learn from it */
static bool order_is_settled(struct dma_resv_order *order)
{
	static const char * const what[DMA_FENCE_CHECK_KINDS] = {
		[DMA_FENCE_CHECK_IGNORED_MOVE] =
			"done while the kernel was still at work on the memory",
		[DMA_FENCE_CHECK_BUSY_MEMORY] =
			"moved the memory away while it was still in use",
	};
	struct dma_fence_node *node;
	unsigned int i;
	bool over;

	over = node_is_over(order->late.node);
	for (i = order->count; i--;) {
		node = order->early[i].node;
		if (!node_is_over(node) && !READ_ONCE(node->by_user) &&
		    !(over && dma_fence_node_done(node)))
			continue;
		party_put(&order->early[i]);
		order->early[i] = order->early[--order->count];
	}
	if (!order->count)
		return true;
	if (!over)
		return false;

	/* What failed need not have waited, what is gone never ran */
	if (READ_ONCE(order->late.node->by_user) ||
	    dma_fence_node_completed_at(order->late.node) == KTIME_MAX ||
	    (order->kind == DMA_FENCE_CHECK_IGNORED_MOVE &&
	     order->late.node->error))
		return true;

	if (!order->asked) {
		order->asked = jiffies | 1;
		return false;
	}
	if (time_before(jiffies, order->asked +
			msecs_to_jiffies(READ_ONCE(tolerance))))
		return false;

	for (i = 0; i < order->count; i++)
		check_report(order->kind, order->obj, &order->late, "was added",
			     order->late.stack, &order->early[i],
			     what[order->kind]);

	return true;
}

static void check_settle(struct work_struct *work)
{
	struct dma_resv_order *order, *next;
	LIST_HEAD(orders);
	bool more;

	spin_lock_irq(&check_lock);
	list_splice_init(&check_orders, &orders);
	spin_unlock_irq(&check_lock);

	list_for_each_entry_safe(order, next, &orders, link) {
		if (order_is_settled(order)) {
			list_del(&order->link);
			order_free(order);
			atomic_dec(&check_open);
		}
		cond_resched();
	}

	spin_lock_irq(&check_lock);
	list_splice(&orders, &check_orders);
	more = !list_empty(&check_orders);
	spin_unlock_irq(&check_lock);
	if (more)
		check_wake();
}

/**
 * dma_resv_check_settled - is everything judged that has signaled, for tests
 *
 * Return: true unless a fence that must not signal before others is unsignaled, or it
 * is still to be found out whether it did.
 */
bool dma_resv_check_settled(void)
{
	return !atomic_read(&check_open);
}
EXPORT_SYMBOL_GPL(dma_resv_check_settled);

/**
 * dma_resv_check_tolerate - change how late is too late, for tests
 * @ms: how much later than due a fence may be found complete, in milliseconds
 *
 * Return: what it was before.
 */
unsigned int dma_resv_check_tolerate(unsigned int ms)
{
	return xchg(&tolerance, ms);
}
EXPORT_SYMBOL_GPL(dma_resv_check_tolerate);

void __dma_resv_check_mistake(struct dma_resv *obj, struct dma_fence *fence,
			      int usage, bool locked)
{
	struct dma_fence_node *node = fence ? dma_fence_node_get(fence) : NULL;
	struct dma_fence_check_party party = {
		.node = node,
		.usage = usage,
		.what = "was about to go in",
		.stack = dma_fence_check_stack(),
	};

	dma_fence_check_report(locked ? DMA_FENCE_CHECK_NO_SLOT :
					DMA_FENCE_CHECK_NO_LOCK,
			       obj, &party, 1, "%s", locked ?
			       "added without a reserved slot" :
			       "changed the object without its lock");
	dma_fence_node_put(node);
}

void __dma_resv_check_early(struct dma_resv *obj, struct dma_fence *fence)
{
	struct dma_fence_check_party party = {
		.node = dma_fence_node_get(fence),
		.usage = -1,
		.what = "waited for",
		.stack = dma_fence_check_stack(),
	};

	dma_fence_check_report(DMA_FENCE_CHECK_EARLY, obj, &party, 1, "%s",
			       "said to have signaled by its own wait, and has not");
	dma_fence_node_put(party.node);
}

void __dma_resv_check_add(struct dma_resv *obj, struct dma_fence *fence,
			  enum dma_resv_usage usage)
{
	struct dma_resv_party party;
	bool known;

	/* That is a mistake, which is reported elsewhere */
	if (!dma_resv_is_locked(obj))
		return;

	party.node = dma_fence_node_get(fence);
	if (!party.node)
		return;
	party.usage = usage;
	party.stack = dma_fence_check_stack();
	known = record_add(obj, &party, obj->import);

	/* What was there before may well be done before what came meanwhile */
	if (!known && !obj->import &&
	    (usage == DMA_RESV_USAGE_WRITE || usage == DMA_RESV_USAGE_READ) &&
	    !READ_ONCE(party.node->by_user) && !node_is_over(party.node))
		order_add(obj, DMA_FENCE_CHECK_IGNORED_MOVE,
			  DMA_RESV_USAGE_KERNEL, &party);
	party_put(&party);
}

void __dma_resv_check_move(struct dma_resv *obj, struct dma_fence *move)
{
	struct dma_resv_party party = {
		.node = dma_fence_node_get(move),
		.usage = DMA_RESV_USAGE_KERNEL,
		.stack = dma_fence_check_stack(),
	};

	if (party.node)
		order_add(obj, DMA_FENCE_CHECK_BUSY_MEMORY,
			  DMA_RESV_USAGE_BOOKKEEP, &party);
	party_put(&party);
}
EXPORT_SYMBOL_GPL(__dma_resv_check_move);

void __dma_resv_check_idle(struct dma_resv *obj, const char *what)
{
	struct dma_resv_party party;
	struct dma_resv_iter cursor;
	struct dma_fence *fence;

	dma_resv_iter_begin(&cursor, obj, DMA_RESV_USAGE_BOOKKEEP);
	dma_resv_for_each_fence_unlocked(&cursor, fence) {
		if (!party_get(&party, obj, fence))
			continue;
		check_report(DMA_FENCE_CHECK_BUSY_MEMORY, obj, &party, what,
			     dma_fence_check_stack(), &party,
			     "the memory goes while it is still in use");
		party_put(&party);
	}
	dma_resv_iter_end(&cursor);
}
EXPORT_SYMBOL_GPL(__dma_resv_check_idle);

/* Does any of the fences in @obj, except for those of its context, wait for @old? */
static bool fences_cover(struct dma_resv *obj, struct dma_fence *old,
			 struct dma_fence_node *node_old)
{
	struct dma_fence_node *node;
	struct dma_resv_iter cursor;
	struct dma_fence *fence;
	bool covered = false;

	dma_resv_for_each_fence(&cursor, obj, DMA_RESV_USAGE_BOOKKEEP, fence) {
		if (fence->context == old->context ||
		    test_bit(DMA_FENCE_FLAG_SIGNALED_BIT, &fence->flags))
			continue;
		node = dma_fence_node_get(fence);
		/* Without memory one can't say that it doesn't */
		covered = !node || dma_fence_node_reaches(node, node_old);
		dma_fence_node_put(node);
		if (covered)
			break;
	}

	return covered;
}

void __dma_resv_check_replace(struct dma_resv *obj, struct dma_fence *old,
			      struct dma_fence *fence,
			      enum dma_resv_usage usage)
{
	bool stays = !test_bit(DMA_FENCE_FLAG_SIGNALED_BIT, &fence->flags);
	struct dma_resv_party party, by = { .usage = usage };
	struct dma_resv_record *record;
	unsigned long flags;
	bool covered;
	LIST_HEAD(waste);

	if (old == fence)
		return;

	by.node = stays ? dma_fence_node_get(fence) : NULL;
	by.stack = dma_fence_check_stack();
	if (party_get(&party, obj, old)) {
		covered = stays && (!by.node ||
				    dma_fence_node_reaches(by.node,
							   party.node));
		/* It may have signaled meanwhile, and is not in the graph then */
		if (!covered && !READ_ONCE(party.node->on_demand) &&
		    !fences_cover(obj, old, party.node) &&
		    !dma_fence_is_signaled(old))
			check_report(DMA_FENCE_CHECK_DROPPED, obj, &party,
				     "was replaced", by.stack, &party,
				     "replaced, and nothing that stays waits for it");

		spin_lock_irqsave(&check_lock, flags);
		record = record_find(obj, party.node);
		if (record)
			record_remove(record, &waste);
		spin_unlock_irqrestore(&check_lock, flags);
		records_free(&waste);
		party_put(&party);
	}
	if (by.node)
		record_add(obj, &by, false);
	party_put(&by);
}

/* What @src knows about the fences in @list, @dst knows from now on */
static void records_copy(struct dma_resv *dst, struct dma_resv *src,
			 struct dma_resv_table *list)
{
	struct dma_resv_record *record, copy;
	struct dma_resv_party party;
	struct dma_fence *fence;
	unsigned long flags;
	unsigned int i;

	for (i = 0; i < list->end[DMA_RESV_USAGE_BOOKKEEP]; i++) {
		fence = rcu_dereference_protected(list->slots[i], true);
		party.node = dma_fence_node_get(fence);
		if (!party.node)
			continue;
		spin_lock_irqsave(&check_lock, flags);
		record = record_find(src, party.node);
		if (record)
			copy = *record;
		spin_unlock_irqrestore(&check_lock, flags);
		if (record) {
			party.usage = copy.usage;
			party.stack = copy.stack;
			record_add(dst, &party, copy.import);
		}
		party_put(&party);
	}
}

/* Does any of the fences in @list wait for that of @node_old? */
static bool list_covers(struct dma_resv_table *list,
			struct dma_fence_node *node_old)
{
	struct dma_fence_node *node;
	struct dma_fence *fence;
	bool covered = false;
	unsigned int i;

	for (i = 0; i < list->end[DMA_RESV_USAGE_BOOKKEEP] && !covered; i++) {
		fence = rcu_dereference_protected(list->slots[i], true);
		node = dma_fence_node_get(fence);
		covered = !node || dma_fence_node_reaches(node, node_old);
		dma_fence_node_put(node);
	}

	return covered;
}

void __dma_resv_check_copy(struct dma_resv *dst, struct dma_resv *src,
			   struct dma_resv_table *list)
{
	struct dma_resv_party party;
	struct dma_resv_iter cursor;
	struct dma_fence *fence;

	records_copy(dst, src, list);

	dma_resv_for_each_fence(&cursor, dst, DMA_RESV_USAGE_BOOKKEEP, fence) {
		if (dma_fence_is_signaled(fence) ||
		    !party_get(&party, dst, fence))
			continue;
		/* It may have signaled meanwhile, and is not in the graph then */
		if (!list_covers(list, party.node) && !dma_fence_is_signaled(fence))
			check_report(DMA_FENCE_CHECK_DROPPED, dst, &party,
				     "was overwritten", dma_fence_check_stack(),
				     &party,
				     "dropped by a copy, and nothing that stays waits for it");
		party_put(&party);
	}
}

void __dma_resv_check_fini(struct dma_resv *obj)
{
	struct dma_resv_table *list = rcu_dereference_protected(obj->table, true);
	struct dma_resv_record *record, *next;
	struct dma_resv_party party;
	struct dma_fence *fence;
	unsigned long flags;
	LIST_HEAD(waste);
	unsigned int i;

	/* Nobody else has the object. This may be an interrupt: RCU calls back */
	for (i = 0; list && i < list->end[DMA_RESV_USAGE_BOOKKEEP]; i++) {
		fence = rcu_dereference_protected(list->slots[i], true);
		if (dma_fence_is_signaled(fence) ||
		    !party_get(&party, obj, fence))
			continue;
		check_report(DMA_FENCE_CHECK_DROPPED, obj, &party, "was let go of",
			     dma_fence_check_stack(), &party,
			     "the object goes while it is not signaled");
		party_put(&party);
	}

	spin_lock_irqsave(&check_lock, flags);
	list_for_each_entry_safe(record, next, &obj->records, link)
		record_remove(record, &waste);
	spin_unlock_irqrestore(&check_lock, flags);
	records_free(&waste);
}
