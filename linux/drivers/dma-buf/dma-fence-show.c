// SPDX-License-Identifier: GPL-2.0
/*
 * What the run-time checker knows, in debugfs.
 */

#include <linux/debugfs.h>
#include <linux/export.h>
#include <linux/init.h>
#include <linux/seq_file.h>

#include "dma-fence-check.h"

/**
 * dma_fence_show_graph - print who waits for whom, for Graphviz
 * @seq: where to print
 *
 * Fences that have signaled are not in the graph. It may change while it is printed.
 *
 * Context: Any.
 */
void dma_fence_show_graph(struct seq_file *seq)
{
	struct dma_fence_node *node;
	ktime_t now = ktime_get();
	const char *state, *style;

	seq_puts(seq, "digraph fences {\n\trankdir=LR;\n\tnode [shape=box];\n");
	for (node = dma_fence_node_next(NULL); node;
	     node = dma_fence_node_next(node)) {
		state = "unsignaled";
		style = "solid";
		if (READ_ONCE(node->by_user)) {
			state = "by user space";
			style = "dashed";
		} else if (!READ_ONCE(node->fence)) {
			state = "released";
			style = "dotted";
		}
		seq_printf(seq,
			   "\tn%llu [label=\"%s\\n%s\\n%llu:%llu\\n%s, %lld ms\", style=%s];\n",
			   node->id, node->driver, node->timeline, node->context,
			   node->seqno, state, ktime_ms_delta(now, node->seen),
			   style);
		dma_fence_node_show_waits(node, seq);
	}
	seq_puts(seq, "}\n");
}
EXPORT_SYMBOL_GPL(dma_fence_show_graph);

static void show_fence(struct seq_file *seq, const struct dma_fence_node *node,
		       ktime_t now)
{
	seq_printf(seq, "%s:%s %llu:%llu, %lld ms", node->driver, node->timeline,
		   node->context, node->seqno, ktime_ms_delta(now, node->seen));
}

/**
 * dma_fence_show_late - print fences that are not signaled, and who holds them up
 * @seq: where to print
 * @ms: leave out those that the checker knows for less than so many milliseconds
 *
 * Context: Process context.
 */
void dma_fence_show_late(struct seq_file *seq, unsigned int ms)
{
	struct dma_fence_node *node, *holder;
	ktime_t now = ktime_get();
	bool by_user;

	for (node = dma_fence_node_next(NULL); node;
	     node = dma_fence_node_next(node)) {
		if (ktime_ms_delta(now, node->seen) < ms ||
		    dma_fence_node_done(node))
			continue;
		holder = dma_fence_node_holder(node, &by_user);
		show_fence(seq, node, now);
		if (holder && holder != node) {
			seq_puts(seq, "; held up by ");
			show_fence(seq, holder, now);
		}
		seq_puts(seq, by_user ? "; user space decides\n" : "\n");
		dma_fence_node_put(holder);
	}
}
EXPORT_SYMBOL_GPL(dma_fence_show_late);

static int graph_show(struct seq_file *seq, void *unused)
{
	dma_fence_show_graph(seq);

	return 0;
}
DEFINE_SHOW_ATTRIBUTE(graph);

static int late_show(struct seq_file *seq, void *unused)
{
	dma_fence_show_late(seq, dma_fence_late_limit());

	return 0;
}
DEFINE_SHOW_ATTRIBUTE(late);

static int reports_show(struct seq_file *seq, void *unused)
{
	enum dma_fence_check_kind kind;

	for (kind = 0; kind < DMA_FENCE_CHECK_KINDS; kind++)
		seq_printf(seq, "%s %u\n", dma_fence_check_name(kind),
			   dma_fence_check_reports(kind));
	seq_printf(seq, "(blind) %u\n", dma_fence_check_blind());

	return 0;
}
DEFINE_SHOW_ATTRIBUTE(reports);

static int __init dma_fence_show_init(void)
{
	struct dentry *dir;

	if (!static_branch_unlikely(&dma_fence_check_enabled))
		return 0;

	dir = debugfs_create_dir("dma_fence_check", NULL);
	debugfs_create_file("graph", 0400, dir, NULL, &graph_fops);
	debugfs_create_file("late", 0400, dir, NULL, &late_fops);
	debugfs_create_file("reports", 0400, dir, NULL, &reports_fops);

	return 0;
}
subsys_initcall(dma_fence_show_init);
