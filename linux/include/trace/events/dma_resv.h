/* SPDX-License-Identifier: GPL-2.0 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM dma_resv

#if !defined(_TRACE_DMA_RESV_H) || defined(TRACE_HEADER_MULTI_READ)
#define _TRACE_DMA_RESV_H

#include <linux/dma-fence.h>
#include <linux/dma-resv.h>
#include <linux/tracepoint.h>

TRACE_DEFINE_ENUM(DMA_RESV_USAGE_KERNEL);
TRACE_DEFINE_ENUM(DMA_RESV_USAGE_WRITE);
TRACE_DEFINE_ENUM(DMA_RESV_USAGE_READ);
TRACE_DEFINE_ENUM(DMA_RESV_USAGE_BOOKKEEP);

#define show_dma_resv_usage(usage)					\
	__print_symbolic(usage,						\
			 { DMA_RESV_USAGE_KERNEL, "kernel" },		\
			 { DMA_RESV_USAGE_WRITE, "write" },		\
			 { DMA_RESV_USAGE_READ, "read" },		\
			 { DMA_RESV_USAGE_BOOKKEEP, "bookkeep" })

/*
 * Names of fences. Each is asked for once, and copied while the probe has preemption
 * disabled: the next answer may be longer ("signaled"), or the name be freed.
 */
#define DMA_RESV_NAME_LEN	32

#define dma_resv_assign_name(dst, name) \
	strscpy_pad(dst, (name) ?: "(null)", DMA_RESV_NAME_LEN)

/* A fence is added, whether or not one that is there makes it superfluous */
TRACE_EVENT(dma_resv_add,
	    TP_PROTO(struct dma_resv *obj, struct dma_fence *fence,
		     enum dma_resv_usage usage),
	    TP_ARGS(obj, fence, usage),
	    TP_STRUCT__entry(__field(void *, obj)
			     __array(char, driver, DMA_RESV_NAME_LEN)
			     __array(char, timeline, DMA_RESV_NAME_LEN)
			     __field(u64, context)
			     __field(u64, seqno)
			     __field(int, usage)
	    ),
	    TP_fast_assign(__entry->obj = obj;
			   dma_resv_assign_name(__entry->driver,
						fence->ops->get_driver_name(fence));
			   dma_resv_assign_name(__entry->timeline,
						fence->ops->get_timeline_name(fence));
			   __entry->context = fence->context;
			   __entry->seqno = fence->seqno;
			   __entry->usage = usage;
	    ),
	    TP_printk("obj=%p driver=%s timeline=%s context=%llu seqno=%llu usage=%s",
		      __entry->obj, __entry->driver, __entry->timeline,
		      __entry->context, __entry->seqno,
		      show_dma_resv_usage(__entry->usage))
);

/* A fence takes the place of those of the context @replaced, of which there are some */
TRACE_EVENT(dma_resv_replace,
	    TP_PROTO(struct dma_resv *obj, u64 replaced, struct dma_fence *fence,
		     enum dma_resv_usage usage),
	    TP_ARGS(obj, replaced, fence, usage),
	    TP_STRUCT__entry(__field(void *, obj)
			     __array(char, driver, DMA_RESV_NAME_LEN)
			     __array(char, timeline, DMA_RESV_NAME_LEN)
			     __field(u64, replaced)
			     __field(u64, context)
			     __field(u64, seqno)
			     __field(int, usage)
	    ),
	    TP_fast_assign(__entry->obj = obj;
			   dma_resv_assign_name(__entry->driver,
						fence->ops->get_driver_name(fence));
			   dma_resv_assign_name(__entry->timeline,
						fence->ops->get_timeline_name(fence));
			   __entry->replaced = replaced;
			   __entry->context = fence->context;
			   __entry->seqno = fence->seqno;
			   __entry->usage = usage;
	    ),
	    TP_printk("obj=%p replaced=%llu driver=%s timeline=%s context=%llu seqno=%llu usage=%s",
		      __entry->obj, __entry->replaced, __entry->driver,
		      __entry->timeline, __entry->context, __entry->seqno,
		      show_dma_resv_usage(__entry->usage))
);

/* A query is not known to be idle. Each fence has a dma_fence_wait_start of its own */
TRACE_EVENT(dma_resv_wait_begin,
	    TP_PROTO(struct dma_resv *obj, enum dma_resv_usage usage, bool intr,
		     unsigned long timeout),
	    TP_ARGS(obj, usage, intr, timeout),
	    TP_STRUCT__entry(__field(void *, obj)
			     __field(int, usage)
			     __field(bool, intr)
			     __field(unsigned long, timeout)
	    ),
	    TP_fast_assign(__entry->obj = obj;
			   __entry->usage = usage;
			   __entry->intr = intr;
			   __entry->timeout = timeout;
	    ),
	    TP_printk("obj=%p usage=%s intr=%d timeout=%lu",
		      __entry->obj, show_dma_resv_usage(__entry->usage),
		      __entry->intr, __entry->timeout)
);

/* What came of it, as dma_resv_wait_timeout() returns it */
TRACE_EVENT(dma_resv_wait_end,
	    TP_PROTO(struct dma_resv *obj, enum dma_resv_usage usage, long ret),
	    TP_ARGS(obj, usage, ret),
	    TP_STRUCT__entry(__field(void *, obj)
			     __field(int, usage)
			     __field(long, ret)
	    ),
	    TP_fast_assign(__entry->obj = obj;
			   __entry->usage = usage;
			   __entry->ret = ret;
	    ),
	    TP_printk("obj=%p usage=%s ret=%ld",
		      __entry->obj, show_dma_resv_usage(__entry->usage),
		      __entry->ret)
);

#endif /* _TRACE_DMA_RESV_H */

/* This part must be outside protection */
#include <trace/define_trace.h>
