/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The run-time checker inside: the graph of fences, and reports.
 */
#ifndef _DMA_FENCE_CHECK_H
#define _DMA_FENCE_CHECK_H

#include <linux/dma-fence-check.h>
#include <linux/gfp.h>
#include <linux/kref.h>
#include <linux/ktime.h>
#include <linux/list.h>
#include <linux/stackdepot.h>
#include <linux/types.h>

struct dma_resv;
struct seq_file;

/**
 * enum dma_fence_check_kind - what a report is about
 * @DMA_FENCE_CHECK_NO_SLOT: a fence was added without a reserved slot
 * @DMA_FENCE_CHECK_NO_LOCK: an object was changed without its lock
 * @DMA_FENCE_CHECK_IGNORED_MOVE: a job was done before the memory was in place
 * @DMA_FENCE_CHECK_CYCLE: a fence waits for itself
 * @DMA_FENCE_CHECK_DROPPED: a fence left an object, and nothing there waits for it
 * @DMA_FENCE_CHECK_BUSY_MEMORY: memory was moved or freed while in use
 * @DMA_FENCE_CHECK_LATE: a fence was not signaled for a long time
 * @DMA_FENCE_CHECK_SIGNALLING: something on the way to a signal may wait for it
 * @DMA_FENCE_CHECK_EARLY: a driver's wait was over before the fence had signaled
 * @DMA_FENCE_CHECK_KINDS: how many there are
 */
enum dma_fence_check_kind {
	DMA_FENCE_CHECK_NO_SLOT,
	DMA_FENCE_CHECK_NO_LOCK,
	DMA_FENCE_CHECK_IGNORED_MOVE,
	DMA_FENCE_CHECK_CYCLE,
	DMA_FENCE_CHECK_DROPPED,
	DMA_FENCE_CHECK_BUSY_MEMORY,
	DMA_FENCE_CHECK_LATE,
	DMA_FENCE_CHECK_SIGNALLING,
	DMA_FENCE_CHECK_EARLY,
	DMA_FENCE_CHECK_KINDS
};

/* Without waiting, and from nobody's reserves: to do without is no harm */
#define DMA_FENCE_CHECK_GFP	(GFP_NOWAIT | __GFP_NOWARN | __GFP_NOMEMALLOC)

/* Longer names are cut off */
#define DMA_FENCE_NODE_NAME	32

/**
 * struct dma_fence_node - what the checker knows of a fence
 * @ref: the node outlives its fence for as long as somebody has a reference
 * @context: of the fence
 * @seqno: of the fence
 * @driver: of the fence, nothing in it needs quotes
 * @timeline: of the fence, likewise
 * @stack: where the checker met the fence for the first time
 * @seen: when that was
 * @looked: the search for late fences has no more to do with it
 * @asked: when that search first saw that somebody waits for it, or 0
 * @fence: the fence, NULL once it was released; no reference
 * @live: something may still wait for the fence: it is in the graph
 * @signaled: the fence has signaled
 * @by_user: user space decides when the fence signals
 * @on_demand: the fence signals because somebody wants the memory
 * @error: with which error it signaled, or 0
 * @done: when it signaled, or was released before it did
 * @id: a number that grows, in the order in which nodes came to the graph
 * @link: entry in the list of nodes in the graph
 * @out: edges to what the fence waits for
 * @in: edges from what waits for the fence
 * @mark: the last search that came by
 * @via: the edge on which it came
 * @next: whom it visits next
 *
 * What comes after @asked is protected by the lock of the graph, what comes before
 * that does not change, except for @looked and @asked.
 */
struct dma_fence_node {
	struct kref ref;
	u64 context;
	u64 seqno;
	char driver[DMA_FENCE_NODE_NAME];
	char timeline[DMA_FENCE_NODE_NAME];
	depot_stack_handle_t stack;
	ktime_t seen;
	bool looked;
	ktime_t asked;

	struct dma_fence *fence;
	bool live;
	bool signaled;
	bool by_user;
	bool on_demand;
	int error;
	ktime_t done;
	u64 id;
	struct list_head link;
	struct list_head out;
	struct list_head in;

	u64 mark;
	struct dma_fence_edge *via;
	struct dma_fence_node *next;
};

struct dma_fence_node *dma_fence_node_get(struct dma_fence *fence);
void dma_fence_node_ref(struct dma_fence_node *node);
void dma_fence_node_put(struct dma_fence_node *node);
bool dma_fence_node_done(struct dma_fence_node *node);
ktime_t dma_fence_node_completed_at(struct dma_fence_node *node);
bool dma_fence_node_reaches(struct dma_fence_node *from,
			    struct dma_fence_node *to);
struct dma_fence *dma_fence_node_fence(struct dma_fence_node *node);
struct dma_fence_node *dma_fence_node_next(struct dma_fence_node *node);
struct dma_fence_node *dma_fence_node_holder(struct dma_fence_node *node,
					     bool *by_user);
void dma_fence_node_show_waits(struct dma_fence_node *node, struct seq_file *seq);
unsigned int dma_fence_check_blind(void);

/**
 * struct dma_fence_check_party - somebody who has to do with a report
 * @node: the fence, or NULL
 * @usage: its usage in the object, or -1
 * @what: what @stack shows, as in "added" or "waits"
 * @stack: what dma_fence_check_stack() returned there
 */
struct dma_fence_check_party {
	struct dma_fence_node *node;
	int usage;
	const char *what;
	depot_stack_handle_t stack;
};

depot_stack_handle_t dma_fence_check_stack(void);
__printf(5, 6)
bool dma_fence_check_report(enum dma_fence_check_kind kind,
			    const struct dma_resv *obj,
			    const struct dma_fence_check_party *parties,
			    unsigned int count, const char *fmt, ...);
unsigned int dma_fence_check_reports(enum dma_fence_check_kind kind);
const char *dma_fence_check_name(enum dma_fence_check_kind kind);
void dma_fence_check_expect(enum dma_fence_check_kind kind, bool expected);
void dma_fence_check_last(char *text, size_t size);

unsigned int dma_fence_late_limit(void);
unsigned int dma_fence_late_scan(unsigned int ms);
void dma_fence_show_graph(struct seq_file *seq);
void dma_fence_show_late(struct seq_file *seq, unsigned int ms);

#endif /* _DMA_FENCE_CHECK_H */
