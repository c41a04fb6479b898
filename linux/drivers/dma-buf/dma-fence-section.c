// SPDX-License-Identifier: GPL-2.0
/*
 * The run-time checker: nobody waits between dma_fence_begin_signalling() and
 * dma_fence_end_signalling(), neither for a fence nor for memory.
 *
 * lockdep checks what a lock stands for, and is too slow for most machines. This
 * looks at what is done: each task knows how deep in such sections it is, and where
 * the outermost began. Who waits for a fence comes by anyhow; allocations are seen
 * through the tracepoints of the allocator, whether or not this one had to wait.
 */

#include <linux/gfp.h>
#include <linux/init.h>
#include <linux/kernel.h>
#include <linux/preempt.h>
#include <linux/sched.h>
#include <trace/events/kmem.h>

#include "dma-fence-check.h"

/* An interrupt can neither wait nor tell who is to blame for what it interrupts */
void __dma_fence_check_begin(void)
{
	if (in_task() && !current->dma_fence_signalling++)
		current->dma_fence_signalling_stack = dma_fence_check_stack();
}

void __dma_fence_check_end(void)
{
	/* It may have begun before the checker was there */
	if (in_task() && current->dma_fence_signalling)
		current->dma_fence_signalling--;
}

static bool in_section(void)
{
	return unlikely(current->dma_fence_signalling) && in_task();
}

static void section_report(struct dma_fence_node *node, const char *what)
{
	const struct dma_fence_check_party parties[] = {
		{
			.node = node,
			.usage = -1,
			.what = what,
			.stack = dma_fence_check_stack(),
		}, {
			.usage = -1,
			.what = "began the signalling section",
			.stack = current->dma_fence_signalling_stack,
		},
	};

	/* Where it can't be remembered it can be printed */
	if (dma_fence_check_report(DMA_FENCE_CHECK_SIGNALLING, NULL, parties,
				   ARRAY_SIZE(parties),
				   "%s in a signalling section of %s/%d",
				   what, current->comm, task_pid_nr(current)) &&
	    !parties[0].stack)
		dump_stack();
}

void __dma_fence_check_wait(struct dma_fence *fence)
{
	struct dma_fence_node *node;

	if (!in_section())
		return;

	node = dma_fence_node_get(fence);
	section_report(node, "is waited for");
	if (node)
		dma_fence_node_put(node);
}

static void check_alloc(gfp_t gfp)
{
	if (in_section() && gfpflags_allow_blocking(gfp) &&
	    !(current->flags & PF_MEMALLOC))
		section_report(NULL, "may wait for memory");
}

static void probe_alloc(void *data, unsigned long call_site, const void *ptr,
			size_t bytes_req, size_t bytes_alloc, gfp_t gfp)
{
	check_alloc(gfp);
}

static void probe_alloc_node(void *data, unsigned long call_site, const void *ptr,
			     size_t bytes_req, size_t bytes_alloc, gfp_t gfp,
			     int node)
{
	check_alloc(gfp);
}

static void probe_page_alloc(void *data, struct page *page, unsigned int order,
			     gfp_t gfp, int migratetype)
{
	check_alloc(gfp);
}

static int __init dma_fence_section_init(void)
{
	if (!static_branch_unlikely(&dma_fence_check_enabled))
		return 0;

	return register_trace_kmalloc(probe_alloc, NULL) ?:
	       register_trace_kmem_cache_alloc(probe_alloc, NULL) ?:
	       register_trace_kmalloc_node(probe_alloc_node, NULL) ?:
	       register_trace_kmem_cache_alloc_node(probe_alloc_node, NULL) ?:
	       register_trace_mm_page_alloc(probe_page_alloc, NULL);
}
core_initcall(dma_fence_section_init);
