// SPDX-License-Identifier: GPL-2.0
/*
 * Reports of the run-time checker: who did what, once for each kind and place.
 */

#include <linux/export.h>
#include <linux/kernel.h>
#include <linux/ratelimit.h>
#include <linux/stacktrace.h>

#include "dma-fence-check.h"

/* How many places are remembered */
#define PLACES	512

static const char * const kinds[DMA_FENCE_CHECK_KINDS] = {
	[DMA_FENCE_CHECK_NO_SLOT] = "no-slot",
	[DMA_FENCE_CHECK_NO_LOCK] = "no-lock",
	[DMA_FENCE_CHECK_IGNORED_MOVE] = "ignored-move",
	[DMA_FENCE_CHECK_CYCLE] = "cycle",
	[DMA_FENCE_CHECK_DROPPED] = "dropped",
	[DMA_FENCE_CHECK_BUSY_MEMORY] = "busy-memory",
	[DMA_FENCE_CHECK_LATE] = "late",
	[DMA_FENCE_CHECK_SIGNALLING] = "signalling",
	[DMA_FENCE_CHECK_EARLY] = "early",
};

static const char * const usages[] = { "kernel", "write", "read", "bookkeep" };

/* Raw, as probes of tracepoints report as well, and can't be preempted */
static DEFINE_RAW_SPINLOCK(report_lock);
/* All of these under the lock */
static unsigned int reports[DMA_FENCE_CHECK_KINDS];
static unsigned int expected[DMA_FENCE_CHECK_KINDS];
static struct {
	enum dma_fence_check_kind kind;
	depot_stack_handle_t stack;
} places[PLACES];
static unsigned int num_places;
static char last_report[256];

static DEFINE_RATELIMIT_STATE(report_rate, 5 * HZ, 20);

/**
 * dma_fence_check_name - the name of a kind of report
 * @kind: the kind
 *
 * Return: the word that comes after "dma-fence-check: " in a report.
 */
const char *dma_fence_check_name(enum dma_fence_check_kind kind)
{
	return kinds[kind];
}
EXPORT_SYMBOL_GPL(dma_fence_check_name);

/* Under the lock. Is this to be printed? */
static bool report_is_new(enum dma_fence_check_kind kind,
			  depot_stack_handle_t stack)
{
	unsigned int i;

	if (expected[kind])
		return true;

	for (i = 0; i < num_places; i++)
		if (places[i].kind == kind && places[i].stack == stack)
			return false;
	/* What is too much for now is still new the next time */
	if (num_places == PLACES || !__ratelimit(&report_rate))
		return false;
	places[num_places].kind = kind;
	places[num_places++].stack = stack;

	return true;
}

static void report_party(char *text, size_t size,
			 const struct dma_fence_check_party *party)
{
	const struct dma_fence_node *node = party->node;
	int n;

	n = node ? scnprintf(text, size, "%s:%s %llu:%llu", node->driver,
			     node->timeline, node->context, node->seqno) :
		   scnprintf(text, size, "somebody");
	if (party->usage >= 0 && party->usage < ARRAY_SIZE(usages))
		scnprintf(text + n, size - n, " %s", usages[party->usage]);
}

static void report_stack(const struct dma_fence_check_party *party)
{
	unsigned long *frames;
	unsigned int n;

	if (!party->stack)
		return;
	n = stack_depot_fetch(party->stack, &frames);
	stack_trace_print(frames, n, 4);
}

/**
 * dma_fence_check_report - report that somebody broke the contract
 * @kind: what it is about
 * @obj: the object, or NULL
 * @parties: who has to do with it, the first of them is who did it
 * @count: how many they are, at least one
 * @fmt: what happened, to be read after the name of the first one's fence
 *
 * Every call is counted. What is printed is the first of each kind from the stack
 * of the first party, or of the last if that has none, unless there are too many at
 * once; see also dma_fence_check_expect().
 *
 * Context: Any.
 * Return: true if it was printed.
 */
bool dma_fence_check_report(enum dma_fence_check_kind kind,
			    const struct dma_resv *obj,
			    const struct dma_fence_check_party *parties,
			    unsigned int count, const char *fmt, ...)
{
	char who[112], what[112], where[32] = "";
	unsigned long flags;
	bool print, wanted;
	unsigned int i;
	va_list args;

	va_start(args, fmt);
	vscnprintf(what, sizeof(what), fmt, args);
	va_end(args);
	report_party(who, sizeof(who), &parties[0]);
	if (obj)
		scnprintf(where, sizeof(where), " in object %p", obj);

	raw_spin_lock_irqsave(&report_lock, flags);
	reports[kind]++;
	wanted = expected[kind];
	print = report_is_new(kind, parties[0].stack ?: parties[count - 1].stack);
	if (print)
		scnprintf(last_report, sizeof(last_report), "%s: %s%s: %s",
			  kinds[kind], who, where, what);
	raw_spin_unlock_irqrestore(&report_lock, flags);
	if (!print)
		return false;

	pr_err("dma-fence-check: %s%s: %s%s: %s\n", wanted ? "expected: " : "",
	       kinds[kind], who, where, what);
	for (i = 0; i < count; i++) {
		report_party(who, sizeof(who), &parties[i]);
		pr_err("  %s %s%s\n", who, parties[i].what,
		       parties[i].stack ? " here:" : "");
		report_stack(&parties[i]);
	}

	return true;
}
EXPORT_SYMBOL_GPL(dma_fence_check_report);

/**
 * dma_fence_check_reports - how often something was found
 * @kind: of this kind
 *
 * Return: the number since boot, including what was not printed.
 */
unsigned int dma_fence_check_reports(enum dma_fence_check_kind kind)
{
	unsigned long flags;
	unsigned int n;

	raw_spin_lock_irqsave(&report_lock, flags);
	n = reports[kind];
	raw_spin_unlock_irqrestore(&report_lock, flags);

	return n;
}
EXPORT_SYMBOL_GPL(dma_fence_check_reports);

/**
 * dma_fence_check_expect - have every report of a kind printed, for tests
 * @kind: the kind
 * @expect: begin, or end; it nests
 *
 * The first line of such a report says that it is expected.
 */
void dma_fence_check_expect(enum dma_fence_check_kind kind, bool expect)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&report_lock, flags);
	expected[kind] += expect ? 1 : -1;
	raw_spin_unlock_irqrestore(&report_lock, flags);
}
EXPORT_SYMBOL_GPL(dma_fence_check_expect);

/**
 * dma_fence_check_last - the report that was printed last, for tests
 * @text: where its first line goes, without "dma-fence-check: "
 * @size: how much room there is
 */
void dma_fence_check_last(char *text, size_t size)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&report_lock, flags);
	strscpy(text, last_report, size);
	raw_spin_unlock_irqrestore(&report_lock, flags);
}
EXPORT_SYMBOL_GPL(dma_fence_check_last);
