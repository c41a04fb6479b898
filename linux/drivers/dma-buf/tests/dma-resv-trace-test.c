// SPDX-License-Identifier: GPL-2.0
/*
 * The tracepoints of reservation objects: each tells what was done, and when nothing
 * was, nothing. How it reads in a trace is for the selftests of user space to see.
 */

#include <linux/jiffies.h>
#include <linux/kernel.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/string.h>
#include <linux/trace.h>
#include <linux/trace_events.h>
#include <linux/tracepoint.h>
#include <trace/events/dma_fence.h>
#include <trace/events/dma_resv.h>

#include "dmabuf-kunit.h"
#include "resv-fixture.h"

#define A_WHILE		max(HZ / 20, 3)

/* What the probes saw of one object: how often, and the last of it */
static struct {
	struct dma_resv *obj;
	unsigned int adds, replaces, begins, ends;
	struct dma_fence *fence;
	enum dma_resv_usage usage;
	u64 replaced;
	bool intr;
	unsigned long timeout;
	long ret;
} seen;

static void probe_add(void *data, struct dma_resv *obj, struct dma_fence *fence,
		      enum dma_resv_usage usage)
{
	if (obj != READ_ONCE(seen.obj))
		return;
	seen.adds++;
	seen.fence = fence;
	seen.usage = usage;
}

static void probe_replace(void *data, struct dma_resv *obj, u64 replaced,
			  struct dma_fence *fence, enum dma_resv_usage usage)
{
	if (obj != READ_ONCE(seen.obj))
		return;
	seen.replaces++;
	seen.replaced = replaced;
	seen.fence = fence;
	seen.usage = usage;
}

static void probe_wait_begin(void *data, struct dma_resv *obj,
			     enum dma_resv_usage usage, bool intr,
			     unsigned long timeout)
{
	if (obj != READ_ONCE(seen.obj))
		return;
	seen.begins++;
	seen.usage = usage;
	seen.intr = intr;
	seen.timeout = timeout;
}

static void probe_wait_end(void *data, struct dma_resv *obj,
			   enum dma_resv_usage usage, long ret)
{
	if (obj != READ_ONCE(seen.obj))
		return;
	seen.ends++;
	seen.usage = usage;
	seen.ret = ret;
}

static void resv_trace_exit(struct kunit *test)
{
	WRITE_ONCE(seen.obj, NULL);
	unregister_trace_dma_resv_add(probe_add, NULL);
	unregister_trace_dma_resv_replace(probe_replace, NULL);
	unregister_trace_dma_resv_wait_begin(probe_wait_begin, NULL);
	unregister_trace_dma_resv_wait_end(probe_wait_end, NULL);
	tracepoint_synchronize_unregister();
	resv_fixture_exit(test);
}

static int resv_trace_init(struct kunit *test)
{
	int ret = resv_fixture_init(test);

	if (ret)
		return ret;

	memset(&seen, 0, sizeof(seen));
	WRITE_ONCE(seen.obj, resv_obj(test));
	ret = register_trace_dma_resv_add(probe_add, NULL) ?:
	      register_trace_dma_resv_replace(probe_replace, NULL) ?:
	      register_trace_dma_resv_wait_begin(probe_wait_begin, NULL) ?:
	      register_trace_dma_resv_wait_end(probe_wait_end, NULL);
	/* Without tracepoints there is nothing to be seen, which is right as well */
	if (!ret || !IS_ENABLED(CONFIG_TRACEPOINTS))
		return 0;

	resv_trace_exit(test);

	return ret;
}

static void expect_times(struct kunit *test, unsigned int seen_now, unsigned int want)
{
	KUNIT_EXPECT_EQ(test, seen_now, IS_ENABLED(CONFIG_TRACEPOINTS) ? want : 0);
}

/* What the last event was about, if events there are */
#define EXPECT_SEEN(test, same) \
	KUNIT_EXPECT_TRUE(test, !IS_ENABLED(CONFIG_TRACEPOINTS) || (same))

static void add_is_traced_usage(struct kunit *test, enum dma_resv_usage usage)
{
	struct dma_fence *fence = resv_add_new(test, usage);

	expect_times(test, seen.adds, 1);
	EXPECT_SEEN(test, seen.fence == fence);
	EXPECT_SEEN(test, seen.usage == usage);

	fence = resv_add_new(test, usage);
	expect_times(test, seen.adds, 2);
	EXPECT_SEEN(test, seen.fence == fence);
}

RESV_PER_USAGE(add_is_traced);

/* With the usage that it gets, which may be stronger than what was asked for */
static void replace_is_traced(struct kunit *test)
{
	struct dma_fence *old = resv_new_fence(test);
	struct dma_fence *fence = resv_new_fence(test);

	resv_add(test, resv_obj(test), old, DMA_RESV_USAGE_WRITE);
	resv_replace(test, resv_obj(test), old->context, fence,
		     DMA_RESV_USAGE_BOOKKEEP);
	expect_times(test, seen.replaces, 1);
	EXPECT_SEEN(test, seen.fence == fence);
	EXPECT_SEEN(test, seen.replaced == old->context);
	EXPECT_SEEN(test, seen.usage == DMA_RESV_USAGE_WRITE);
}

static void nothing_to_replace_is_not_traced(struct kunit *test)
{
	resv_add_new(test, DMA_RESV_USAGE_READ);
	resv_replace(test, resv_obj(test), dma_fence_context_alloc(1),
		     resv_new_fence(test), DMA_RESV_USAGE_READ);
	expect_times(test, seen.replaces, 0);
}

static void wait_is_traced_usage(struct kunit *test, enum dma_resv_usage usage)
{
	struct dma_fence *fence = resv_add_new(test, usage);
	struct mock_signaler signaler;
	long ret;

	mock_signal_later(&signaler, fence, A_WHILE);
	ret = dma_resv_wait_timeout(resv_obj(test), usage, true, 20 * HZ);
	mock_signal_end(&signaler);
	expect_times(test, seen.begins, 1);
	expect_times(test, seen.ends, 1);
	EXPECT_SEEN(test, seen.usage == usage);
	EXPECT_SEEN(test, seen.intr);
	EXPECT_SEEN(test, seen.timeout == 20 * HZ);
	EXPECT_SEEN(test, seen.ret == ret);
}

RESV_PER_USAGE(wait_is_traced);

static void end_of_time_is_traced(struct kunit *test)
{
	resv_add_new(test, DMA_RESV_USAGE_READ);
	dma_resv_wait_timeout(resv_obj(test), DMA_RESV_USAGE_READ, false, A_WHILE);
	expect_times(test, seen.begins, 1);
	expect_times(test, seen.ends, 1);
	EXPECT_SEEN(test, !seen.intr);
	EXPECT_SEEN(test, seen.ret == 0);
}

static void idle_wait_is_not_traced(struct kunit *test)
{
	dma_fence_signal(resv_add_new(test, DMA_RESV_USAGE_WRITE));
	resv_add_new(test, DMA_RESV_USAGE_READ);
	dma_resv_wait_timeout(resv_obj(test), DMA_RESV_USAGE_WRITE, true, A_WHILE);
	expect_times(test, seen.begins, 0);
	expect_times(test, seen.ends, 0);
}

#ifdef CONFIG_EVENT_TRACING

/* A record as user space gets it, of the one task that makes any */
static struct {
	struct task_struct *task;
	unsigned int count, size;
	u8 bytes[256] __aligned(8);
} record;

static void record_write(struct trace_export *export, const void *entry,
			 unsigned int size)
{
	if (READ_ONCE(record.task) != current)
		return;
	record.count++;
	record.size = min_t(unsigned int, size, sizeof(record.bytes));
	memcpy(record.bytes, entry, record.size);
}

/* How the format of dma_fence's events in tracefs has it */
struct fence_record {
	struct trace_entry ent;
	u32 driver, timeline;
	unsigned int context, seqno;
};

static const char longest_name[] = "a name that has grown";
static unsigned int names_asked;

/* It is the longer the more often it was asked for */
static const char *growing_name(struct dma_fence *fence)
{
	size_t len = min_t(size_t, ++names_asked, sizeof(longest_name) - 1);

	return longest_name + sizeof(longest_name) - 1 - len;
}

static const char *steady_name(struct dma_fence *fence)
{
	return "mock";
}

static const struct dma_fence_ops growing_ops = {
	.get_driver_name = steady_name,
	.get_timeline_name = growing_name,
};

static DEFINE_SPINLOCK(growing_lock);

enum name_event { EVENT_ADD, EVENT_REPLACE, EVENT_EMIT };

/* Have the event recorded, and only that: not what else looks at a fence */
static void record_event(struct kunit *test, enum name_event event)
{
	static const char * const names[][2] = {
		[EVENT_ADD] = { "dma_resv", "dma_resv_add" },
		[EVENT_REPLACE] = { "dma_resv", "dma_resv_replace" },
		[EVENT_EMIT] = { "dma_fence", "dma_fence_emit" },
	};
	struct trace_export export = {
		.write = record_write,
		.flags = TRACE_EXPORT_EVENT,
	};
	struct trace_array *instance;
	struct dma_fence *fence;

	memset(&record, 0, sizeof(record));
	fence = kzalloc(sizeof(*fence), GFP_KERNEL);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, fence);
	dma_fence_init(fence, &growing_ops, &growing_lock,
		       dma_fence_context_alloc(1), 1);

	/* Whoever else traces is not disturbed by an instance of our own */
	instance = trace_array_get_by_name("dma-resv-trace");
	KUNIT_EXPECT_NOT_ERR_OR_NULL(test, instance);
	if (instance) {
		KUNIT_EXPECT_EQ(test, 0,
				trace_array_set_clr_event(instance, names[event][0],
							  names[event][1], true));
		KUNIT_EXPECT_EQ(test, 0, register_ftrace_export(&export));

		names_asked = 0;
		WRITE_ONCE(record.task, current);
		if (event == EVENT_ADD)
			trace_dma_resv_add(resv_obj(test), fence,
					   DMA_RESV_USAGE_READ);
		else if (event == EVENT_REPLACE)
			trace_dma_resv_replace(resv_obj(test), 0, fence,
					       DMA_RESV_USAGE_READ);
		else
			trace_dma_fence_emit(fence);
		WRITE_ONCE(record.task, NULL);

		unregister_ftrace_export(&export);
		trace_array_set_clr_event(instance, names[event][0],
					  names[event][1], false);
		trace_array_put(instance);
		trace_array_destroy(instance);
	}
	dma_fence_signal(fence);
	dma_fence_put(fence);

	KUNIT_ASSERT_EQ(test, record.count, 1U);
}

/* Were it asked for again, it might be longer than what there is room for */
static void name_is_asked_for_once(struct kunit *test)
{
	record_event(test, EVENT_ADD);
	KUNIT_EXPECT_EQ(test, names_asked, 1U);
	record_event(test, EVENT_REPLACE);
	KUNIT_EXPECT_EQ(test, names_asked, 1U);
}

/* These do ask more than once, and take of the last answer what there is room for */
static void growing_name_stays_in_its_record(struct kunit *test)
{
	struct fence_record *got = (struct fence_record *)record.bytes;
	unsigned int start, len;

	record_event(test, EVENT_EMIT);
	start = got->timeline & 0xffff;
	len = got->timeline >> 16;
	KUNIT_EXPECT_GT(test, len, 0U);
	KUNIT_ASSERT_LE(test, start + len, record.size);
	KUNIT_EXPECT_LT(test, (unsigned int)strnlen(record.bytes + start, len), len);
}

#endif /* CONFIG_EVENT_TRACING */

static struct kunit_case dma_resv_trace_cases[] = {
	KUNIT_CASE(add_is_traced_kernel),
	KUNIT_CASE(add_is_traced_write),
	KUNIT_CASE(add_is_traced_read),
	KUNIT_CASE(add_is_traced_bookkeep),
	KUNIT_CASE(replace_is_traced),
	KUNIT_CASE(nothing_to_replace_is_not_traced),
	KUNIT_CASE(wait_is_traced_kernel),
	KUNIT_CASE(wait_is_traced_write),
	KUNIT_CASE(wait_is_traced_read),
	KUNIT_CASE(wait_is_traced_bookkeep),
	KUNIT_CASE(end_of_time_is_traced),
	KUNIT_CASE(idle_wait_is_not_traced),
#ifdef CONFIG_EVENT_TRACING
	KUNIT_CASE(name_is_asked_for_once),
	KUNIT_CASE(growing_name_stays_in_its_record),
#endif
	{}
};

struct kunit_suite dma_resv_trace_suite = {
	.name = "dma-resv-trace",
	.init = resv_trace_init,
	.exit = resv_trace_exit,
	.test_cases = dma_resv_trace_cases,
};
