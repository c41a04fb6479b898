// SPDX-License-Identifier: GPL-2.0
/*
 * What the run-time checker finds in signalling sections: whoever waits for a fence
 * or for memory between begin and end is reported, and nobody else.
 *
 * lockdep would have something to say about the same mistakes, and then be of no use
 * any more, so it does not see them.
 */

#include <linux/gfp.h>
#include <linux/irq_work.h>
#include <linux/lockdep.h>
#include <linux/preempt.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include <linux/workqueue.h>

#include "../dma-fence-check.h"
#include "dmabuf-kunit.h"
#include "resv-fixture.h"

#define KIND	DMA_FENCE_CHECK_SIGNALLING

/* A section, and what was reported since it was entered */
struct section {
	unsigned int before;
	bool cookie;
};

static struct section section_begin(void)
{
	struct section section;

	lockdep_off();
	dma_fence_check_expect(KIND, true);
	section.before = dma_fence_check_reports(KIND);
	section.cookie = dma_fence_begin_signalling();

	return section;
}

static unsigned int section_end(struct section section)
{
	unsigned int reports;

	dma_fence_end_signalling(section.cookie);
	reports = dma_fence_check_reports(KIND) - section.before;
	dma_fence_check_expect(KIND, false);
	lockdep_on();

	return reports;
}

/* The last report is about this */
static void expect_last(struct kunit *test, const char *who, const char *what)
{
	char have[256], want[96];

	dma_fence_check_last(have, sizeof(have));
	snprintf(want, sizeof(want), "%s: %s: %s in a signalling section of ",
		 dma_fence_check_name(KIND), who, what);
	KUNIT_EXPECT_EQ_MSG(test, strncmp(have, want, strlen(want)), 0,
			    "it says: %s", have);
}

static void expect_last_wait(struct kunit *test, struct dma_fence *fence)
{
	char who[64];

	snprintf(who, sizeof(who), "mock:mock %llu:%llu", fence->context,
		 fence->seqno);
	expect_last(test, who, "is waited for");
}

static struct dma_fence *new_signaled(struct kunit *test)
{
	struct dma_fence *fence = resv_new_fence(test);

	dma_fence_signal(fence);

	return fence;
}

/* Whether the fence has signaled is luck: it is the same code when it has not */
static void wait_inside(struct kunit *test)
{
	struct dma_fence *fence = new_signaled(test);
	struct section section = section_begin();

	dma_fence_wait(fence, false);
	KUNIT_EXPECT_EQ(test, section_end(section), 1u);
	expect_last_wait(test, fence);
}

static void wait_with_timeout_inside(struct kunit *test)
{
	struct dma_fence *fence = resv_new_fence(test);
	struct section section = section_begin();

	dma_fence_wait_timeout(fence, true, 1);
	KUNIT_EXPECT_EQ(test, section_end(section), 1u);
	expect_last_wait(test, fence);
}

static void wait_for_any_inside(struct kunit *test)
{
	struct dma_fence *fences[] = { new_signaled(test), resv_new_fence(test) };
	struct section section = section_begin();
	unsigned int reports;

	dma_fence_wait_any_timeout(fences, ARRAY_SIZE(fences), false, 1, NULL);
	reports = section_end(section);
	/* It also allocates */
	KUNIT_EXPECT_GE(test, reports, 2u);
}

static void wait_for_object_inside(struct kunit *test)
{
	struct dma_fence *fence = resv_add_new(test, DMA_RESV_USAGE_WRITE);
	struct section section = section_begin();

	dma_resv_wait_timeout(resv_obj(test), DMA_RESV_USAGE_WRITE, false, 1);
	KUNIT_EXPECT_EQ(test, section_end(section), 1u);
	expect_last_wait(test, fence);
}

/* To look whether a fence has signaled is not to wait for it */
static void look_inside(struct kunit *test)
{
	struct dma_fence *fence = resv_add_new(test, DMA_RESV_USAGE_WRITE);
	struct section section = section_begin();

	dma_fence_is_signaled(fence);
	dma_fence_wait_timeout(fence, false, 0);
	dma_fence_wait_any_timeout(&fence, 1, false, 0, NULL);
	dma_resv_wait_timeout(resv_obj(test), DMA_RESV_USAGE_WRITE, false, 0);
	dma_resv_test_signaled(resv_obj(test), DMA_RESV_USAGE_WRITE);
	KUNIT_EXPECT_EQ(test, section_end(section), 0u);
}

static void signal_inside(struct kunit *test)
{
	struct dma_fence *fence = resv_new_fence(test);
	struct section section = section_begin();

	dma_fence_signal(fence);
	KUNIT_EXPECT_EQ(test, section_end(section), 0u);
}

static void wait_around(struct kunit *test)
{
	unsigned int before = dma_fence_check_reports(KIND);
	struct dma_fence *fence = new_signaled(test);
	struct section section;

	dma_fence_wait(fence, false);
	section = section_begin();
	KUNIT_EXPECT_EQ(test, section_end(section), 0u);
	dma_fence_wait(fence, false);
	KUNIT_EXPECT_EQ(test, dma_fence_check_reports(KIND), before);
}

/* The outer section goes on where the inner one ends */
static void nested(struct kunit *test)
{
	struct dma_fence *fence = new_signaled(test);
	struct section section = section_begin();
	bool cookie = dma_fence_begin_signalling();
	unsigned int reports;

	dma_fence_end_signalling(cookie);
	dma_fence_wait(fence, false);
	reports = section_end(section);
	KUNIT_EXPECT_EQ(test, reports, 1u);

	/* And ends where it does */
	section.before = dma_fence_check_reports(KIND);
	dma_fence_wait(fence, false);
	KUNIT_EXPECT_EQ(test, dma_fence_check_reports(KIND), section.before);
}

static unsigned int alloc_slab_inside(gfp_t gfp)
{
	struct section section = section_begin();

	kfree(kmalloc(100, gfp));

	return section_end(section);
}

static unsigned int alloc_page_inside(gfp_t gfp)
{
	struct section section = section_begin();

	free_page(__get_free_page(gfp));

	return section_end(section);
}

/* The slab may need a page for it, and that is one more place */
static void alloc_inside(struct kunit *test)
{
	KUNIT_EXPECT_GE(test, alloc_slab_inside(GFP_KERNEL), 1u);
	expect_last(test, "somebody", "may wait for memory");
	KUNIT_EXPECT_EQ(test, alloc_page_inside(GFP_KERNEL), 1u);
	expect_last(test, "somebody", "may wait for memory");
}

/* Reclaim without the file systems still asks MMU notifiers */
static void alloc_without_fs_inside(struct kunit *test)
{
	KUNIT_EXPECT_GE(test, alloc_slab_inside(GFP_NOFS), 1u);
	KUNIT_EXPECT_GE(test, alloc_slab_inside(GFP_NOIO), 1u);
	KUNIT_EXPECT_EQ(test, alloc_page_inside(GFP_NOFS), 1u);
}

static void alloc_from_cache_inside(struct kunit *test)
{
	struct kmem_cache *cache;
	struct section section;
	void *object;

	cache = kmem_cache_create("dma-fence-section", 200, 0, 0, NULL);
	KUNIT_ASSERT_TRUE(test, cache);
	section = section_begin();
	object = kmem_cache_alloc(cache, GFP_KERNEL);
	KUNIT_EXPECT_GE(test, section_end(section), 1u);
	kmem_cache_free(cache, object);

	section = section_begin();
	object = kmem_cache_alloc(cache, GFP_NOWAIT);
	KUNIT_EXPECT_EQ(test, section_end(section), 0u);
	if (object)
		kmem_cache_free(cache, object);
	kmem_cache_destroy(cache);
}

/* It may fail, which is what a signalling section has to be able to live with */
static void alloc_without_waiting_inside(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, alloc_slab_inside(GFP_NOWAIT), 0u);
	KUNIT_EXPECT_EQ(test, alloc_slab_inside(GFP_ATOMIC), 0u);
	KUNIT_EXPECT_EQ(test, alloc_page_inside(GFP_NOWAIT), 0u);
	KUNIT_EXPECT_EQ(test, alloc_page_inside(GFP_ATOMIC), 0u);
}

/* Who reclaims memory does not wait for it */
static void alloc_by_reclaim_inside(struct kunit *test)
{
	unsigned int flags = memalloc_noreclaim_save();
	unsigned int reports = alloc_slab_inside(GFP_KERNEL) +
			       alloc_page_inside(GFP_KERNEL);

	memalloc_noreclaim_restore(flags);
	KUNIT_EXPECT_EQ(test, reports, 0u);
}

static void alloc_around(struct kunit *test)
{
	unsigned int before = dma_fence_check_reports(KIND);
	struct section section;

	kfree(kmalloc(100, GFP_KERNEL));
	section = section_begin();
	KUNIT_EXPECT_EQ(test, section_end(section), 0u);
	kfree(kmalloc(100, GFP_KERNEL));
	free_page(__get_free_page(GFP_KERNEL));
	KUNIT_EXPECT_EQ(test, dma_fence_check_reports(KIND), before);
}

/* An interrupt that has a section of its own, or half of one */
struct interrupt {
	struct irq_work work;
	bool begins;
	bool ends;
};

static void interrupt_handler(struct irq_work *work)
{
	struct interrupt *interrupt = container_of(work, struct interrupt, work);

	/* To lockdep it is nothing, so there is no cookie that matters */
	if (interrupt->begins)
		dma_fence_begin_signalling();
	if (interrupt->ends)
		dma_fence_end_signalling(true);
}

static void interrupt_us(bool begins, bool ends)
{
	struct interrupt interrupt = { .begins = begins, .ends = ends };

	/* On this processor, so that it is this task that is interrupted, and no thread */
	init_irq_work(&interrupt.work, interrupt_handler);
	atomic_or(IRQ_WORK_HARD_IRQ, &interrupt.work.flags);
	migrate_disable();
	irq_work_queue(&interrupt.work);
	irq_work_sync(&interrupt.work);
	migrate_enable();
}

static void interrupt_begins_nothing(struct kunit *test)
{
	unsigned int before = dma_fence_check_reports(KIND);

	interrupt_us(true, false);
	dma_fence_wait(new_signaled(test), false);
	KUNIT_EXPECT_EQ(test, dma_fence_check_reports(KIND), before);
}

static void interrupt_ends_nothing(struct kunit *test)
{
	struct dma_fence *fence = new_signaled(test);
	struct section section = section_begin();

	interrupt_us(false, true);
	dma_fence_wait(fence, false);
	KUNIT_EXPECT_EQ(test, section_end(section), 1u);
}

static void work_handler(struct work_struct *work)
{
	free_page(__get_free_page(GFP_KERNEL));
}

/* Others may wait, they are in no section */
static void others_may_wait(struct kunit *test)
{
	struct work_struct work;
	struct section section;

	INIT_WORK_ONSTACK(&work, work_handler);
	section = section_begin();
	schedule_work(&work);
	flush_work(&work);
	KUNIT_EXPECT_EQ(test, section_end(section), 0u);
	destroy_work_on_stack(&work);
}

static struct kunit_case dma_fence_section_cases[] = {
	KUNIT_CASE(wait_inside),
	KUNIT_CASE(wait_with_timeout_inside),
	KUNIT_CASE(wait_for_any_inside),
	KUNIT_CASE(wait_for_object_inside),
	KUNIT_CASE(look_inside),
	KUNIT_CASE(signal_inside),
	KUNIT_CASE(wait_around),
	KUNIT_CASE(nested),
	KUNIT_CASE(alloc_inside),
	KUNIT_CASE(alloc_without_fs_inside),
	KUNIT_CASE(alloc_from_cache_inside),
	KUNIT_CASE(alloc_without_waiting_inside),
	KUNIT_CASE(alloc_by_reclaim_inside),
	KUNIT_CASE(alloc_around),
	KUNIT_CASE(interrupt_begins_nothing),
	KUNIT_CASE(interrupt_ends_nothing),
	KUNIT_CASE(others_may_wait),
	{}
};

struct kunit_suite dma_fence_section_suite = {
	.name = "dma-fence-section",
	.init = resv_fixture_init,
	.exit = resv_fixture_exit,
	.test_cases = dma_fence_section_cases,
};
