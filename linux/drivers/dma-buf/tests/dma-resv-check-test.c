// SPDX-License-Identifier: GPL-2.0
/*
 * What the run-time checker finds in reservation objects: each rule broken once, and
 * what comes closest to it without being wrong.
 */

#include <linux/delay.h>
#include <linux/dma-resv-check.h>
#include <linux/jiffies.h>

#include "../dma-resv-check.h"
#include "dmabuf-kunit.h"
#include "expect-report.h"
#include "oom-inject.h"
#include "resv-fixture.h"

static unsigned int reports_before;

static int check_init(struct kunit *test)
{
	/* These are to be taken for fences of a driver */
	mock_fence_by_user(false);
	reports_before = count_reports();

	return resv_fixture_init(test);
}

static void check_exit(struct kunit *test)
{
	resv_fixture_exit(test);
	mock_fence_by_user(true);
}

/* Whatever there is to find about fences that have signaled has been found */
static void check_settle(struct kunit *test)
{
	unsigned long end = jiffies + 10 * HZ;

	while (!dma_resv_check_settled() && time_before(jiffies, end))
		msleep(20);
	KUNIT_EXPECT_TRUE(test, dma_resv_check_settled());
}

/* What expect_report_begin() announced came, about @fence with @usage */
static void check_found(struct kunit *test, enum dma_fence_check_kind kind,
			struct dma_fence *fence, enum dma_resv_usage usage)
{
	static const char * const usages[] = {
		"kernel", "write", "read", "bookkeep"
	};
	char text[96];

	check_settle(test);
	snprintf(text, sizeof(text), "%s: mock:mock %llu:%llu %s in object ",
		 dma_fence_check_name(kind), fence->context, fence->seqno,
		 usages[usage]);
	expect_report_end(test, kind, 1, text);
}

static void check_found_nothing(struct kunit *test)
{
	check_settle(test);
	KUNIT_EXPECT_EQ(test, count_reports(), reports_before);
}

/*
 * Rule 1: no slot or no lock
 */

static void no_slot(struct kunit *test)
{
	struct dma_fence *fence = resv_new_fence(test);

	expect_report_begin(DMA_FENCE_CHECK_NO_SLOT);
	resv_lock(test, resv_obj(test));
	dma_resv_add_fence(resv_obj(test), fence, DMA_RESV_USAGE_READ);
	dma_resv_unlock(resv_obj(test));
	check_found(test, DMA_FENCE_CHECK_NO_SLOT, fence, DMA_RESV_USAGE_READ);
}

/* It takes the slot of an earlier one, so that is in order */
static void no_lock(struct kunit *test)
{
	u64 context = dma_fence_context_alloc(1);
	struct dma_fence *fence = resv_new_fence_on(test, context, 2);

	resv_add(test, resv_obj(test), resv_new_fence_on(test, context, 1),
		 DMA_RESV_USAGE_WRITE);
	expect_report_begin(DMA_FENCE_CHECK_NO_LOCK);
	dma_resv_add_fence(resv_obj(test), fence, DMA_RESV_USAGE_WRITE);
	check_found(test, DMA_FENCE_CHECK_NO_LOCK, fence, DMA_RESV_USAGE_WRITE);
}

static void slot_of_an_earlier_fence(struct kunit *test)
{
	u64 context = dma_fence_context_alloc(1);
	struct dma_fence *fence = resv_new_fence_on(test, context, 2);

	resv_add(test, resv_obj(test), resv_new_fence_on(test, context, 1),
		 DMA_RESV_USAGE_WRITE);
	resv_lock(test, resv_obj(test));
	dma_resv_add_fence(resv_obj(test), fence, DMA_RESV_USAGE_WRITE);
	dma_resv_unlock(resv_obj(test));
	check_found_nothing(test);
}

/*
 * Rule 2: a move ignored
 */

static void ignored_move(struct kunit *test, enum dma_resv_usage usage)
{
	struct dma_fence *move, *job;

	move = resv_add_new(test, DMA_RESV_USAGE_KERNEL);
	job = resv_add_new(test, usage);
	expect_report_begin(DMA_FENCE_CHECK_IGNORED_MOVE);
	dma_fence_signal(job);
	check_found(test, DMA_FENCE_CHECK_IGNORED_MOVE, job, usage);
	dma_fence_signal(move);
}

static void move_ignored_by_reader(struct kunit *test)
{
	ignored_move(test, DMA_RESV_USAGE_READ);
}

static void move_ignored_by_writer(struct kunit *test)
{
	ignored_move(test, DMA_RESV_USAGE_WRITE);
}

static void move_then_reader(struct kunit *test)
{
	struct dma_fence *move, *job;

	move = resv_add_new(test, DMA_RESV_USAGE_KERNEL);
	job = resv_add_new(test, DMA_RESV_USAGE_READ);
	dma_fence_signal(move);
	dma_fence_signal(job);
	check_found_nothing(test);
}

/* Soon is a matter of the machine, so there is plenty of time */
static void check_found_nothing_soon(struct kunit *test, struct dma_fence *fence)
{
	unsigned int before = dma_resv_check_tolerate(1000);
	struct mock_signaler signaler;

	mock_signal_later(&signaler, fence, HZ / 50);
	check_found_nothing(test);
	mock_signal_end(&signaler);
	dma_resv_check_tolerate(before);
}

/* Interrupts come in any order */
static void reader_then_move_soon(struct kunit *test)
{
	struct dma_fence *move, *job;

	move = resv_add_new(test, DMA_RESV_USAGE_KERNEL);
	job = resv_add_new(test, DMA_RESV_USAGE_READ);
	dma_fence_signal(job);
	check_found_nothing_soon(test, move);
}

/* Nobody has asked the move whether it is complete */
static void lazy_move(struct kunit *test)
{
	struct dma_fence *move = resv_new_polled_fence(test), *job;

	resv_add(test, resv_obj(test), move, DMA_RESV_USAGE_KERNEL);
	job = resv_add_new(test, DMA_RESV_USAGE_READ);
	mock_fence_complete(move);
	KUNIT_EXPECT_FALSE(test, test_bit(DMA_FENCE_FLAG_SIGNALED_BIT,
					  &move->flags));
	dma_fence_signal(job);
	check_found_nothing(test);
}

static void reader_failed(struct kunit *test)
{
	struct dma_fence *move, *job;

	move = resv_add_new(test, DMA_RESV_USAGE_KERNEL);
	job = resv_add_new(test, DMA_RESV_USAGE_READ);
	dma_fence_set_error(job, -EIO);
	dma_fence_signal(job);
	check_found_nothing(test);
	dma_fence_signal(move);
}

/* Whether somebody has an interest in it or not, it comes after */
static void reader_on_the_timeline_of_the_move(struct kunit *test)
{
	u64 context = dma_fence_context_alloc(1);
	struct dma_fence *move, *job;

	move = resv_new_fence_on(test, context, 1);
	job = resv_new_fence_on(test, context, 2);
	resv_add(test, resv_obj(test), move, DMA_RESV_USAGE_KERNEL);
	resv_add(test, resv_obj(test), job, DMA_RESV_USAGE_READ);
	dma_fence_signal(job);
	check_found_nothing(test);
}

static void reader_waits_for_the_move(struct kunit *test)
{
	struct dma_fence *move, *between, *job;

	move = resv_add_new(test, DMA_RESV_USAGE_KERNEL);
	between = resv_new_fence(test);
	job = resv_new_fence(test);
	dma_fence_check_edge(job, between);
	dma_fence_check_edge(between, move);
	resv_add(test, resv_obj(test), job, DMA_RESV_USAGE_READ);
	KUNIT_EXPECT_TRUE(test, dma_resv_check_settled());
	dma_fence_signal(job);
	check_found_nothing(test);
}

static void bookkeeping_waits_for_nobody(struct kunit *test)
{
	struct dma_fence *update;

	resv_add_new(test, DMA_RESV_USAGE_KERNEL);
	update = resv_add_new(test, DMA_RESV_USAGE_BOOKKEEP);
	dma_fence_signal(update);
	check_found_nothing(test);
}

/* The move waits for the reader, even if that is promoted in the meantime */
static void reader_before_move(struct kunit *test)
{
	struct dma_fence *job;

	job = resv_add_new(test, DMA_RESV_USAGE_READ);
	resv_add_new(test, DMA_RESV_USAGE_KERNEL);
	resv_add(test, resv_obj(test), job, DMA_RESV_USAGE_WRITE);
	dma_fence_signal(job);
	check_found_nothing(test);
}

static void user_ignores_move(struct kunit *test)
{
	struct dma_fence *job = resv_new_fence(test);

	dma_fence_check_by_user(job);
	resv_add_new(test, DMA_RESV_USAGE_KERNEL);
	resv_add(test, resv_obj(test), job, DMA_RESV_USAGE_WRITE);
	dma_fence_signal(job);
	check_found_nothing(test);
}

/* As DMA_BUF_IOCTL_IMPORT_SYNC_FILE does */
static void import(struct kunit *test, struct dma_fence *fence)
{
	struct dma_resv *obj = resv_obj(test);

	resv_lock(test, obj);
	KUNIT_EXPECT_EQ(test, dma_resv_reserve_fences(obj, 1), 0);
	dma_resv_check_import(obj, true);
	dma_resv_add_fence(obj, fence, DMA_RESV_USAGE_WRITE);
	dma_resv_check_import(obj, false);
	dma_resv_unlock(obj);
}

static void import_ignores_move(struct kunit *test)
{
	struct dma_fence *job = resv_new_fence(test);

	resv_add_new(test, DMA_RESV_USAGE_KERNEL);
	import(test, job);
	dma_fence_signal(job);
	check_found_nothing(test);
}

/* Another fence where that of the move was doesn't count for it */
static void recycled_move(struct kunit *test)
{
	u64 context = dma_fence_context_alloc(1);
	struct dma_fence *move, *other, *job;

	KUNIT_ASSERT_EQ(test, mock_fence_recycling_start(), 0);
	move = mock_fence_create_recycled(context, 1);
	KUNIT_ASSERT_TRUE(test, !!move);
	resv_add(test, resv_obj(test), move, DMA_RESV_USAGE_KERNEL);
	job = resv_add_new(test, DMA_RESV_USAGE_READ);

	dma_fence_signal(move);
	dma_fence_put(move);
	resv_add(test, resv_obj(test), resv_new_fence_on(test, context, 2),
		 DMA_RESV_USAGE_KERNEL);
	other = mock_fence_create_recycled(dma_fence_context_alloc(1), 1);
	if (other != move)
		kunit_info(test, "got other memory\n");
	if (other)
		resv_add(test, resv_obj(test), other, DMA_RESV_USAGE_KERNEL);

	dma_fence_signal(job);
	check_found_nothing(test);

	/* They have to be gone before their memory is */
	if (other) {
		dma_fence_signal(other);
		resv_add(test, resv_obj(test),
			 resv_new_fence_on(test, other->context, 2),
			 DMA_RESV_USAGE_KERNEL);
		dma_fence_put(other);
	}
	mock_fence_recycling_stop();
}

/* Without memory for it nobody is accused, and nothing else goes wrong */
static void no_memory_for_the_checker(struct kunit *test)
{
	struct dma_resv *obj = resv_obj(test);
	struct dma_fence *move, *job, *stub;
	unsigned int failed;
	int ret;

	if (oom_inject_start()) {
		kunit_info(test, "needs CONFIG_KPROBES, nothing was tested\n");
		return;
	}

	move = resv_new_fence(test);
	job = resv_new_fence(test);
	resv_lock(test, obj);
	ret = dma_resv_reserve_fences(obj, 2);
	oom_inject_arm_checker();
	if (!ret) {
		dma_resv_add_fence(obj, move, DMA_RESV_USAGE_KERNEL);
		dma_resv_add_fence(obj, job, DMA_RESV_USAGE_READ);
	}
	failed = oom_inject_disarm(NULL);
	dma_resv_unlock(obj);
	oom_inject_stop();

	KUNIT_EXPECT_EQ(test, ret, 0);
	KUNIT_EXPECT_GE(test, failed, 2u);
	RESV_EXPECT(test, obj,
		    { move, DMA_RESV_USAGE_KERNEL },
		    { job, DMA_RESV_USAGE_READ });

	dma_fence_signal(job);
	dma_resv_check_idle(obj, "is freed");
	stub = dma_fence_get_stub();
	resv_replace(test, obj, move->context, stub, DMA_RESV_USAGE_KERNEL);
	dma_fence_put(stub);
	check_found_nothing(test);
}

/*
 * Rule 4: a dropped dependency
 */

static void replace(struct kunit *test, struct dma_fence *old,
		    struct dma_fence *new)
{
	resv_replace(test, resv_obj(test), old->context, new,
		     DMA_RESV_USAGE_BOOKKEEP);
}

static void replace_drops(struct kunit *test)
{
	struct dma_fence *old = resv_add_new(test, DMA_RESV_USAGE_READ);

	expect_report_begin(DMA_FENCE_CHECK_DROPPED);
	replace(test, old, resv_new_fence(test));
	check_found(test, DMA_FENCE_CHECK_DROPPED, old, DMA_RESV_USAGE_READ);
}

static void replace_by_nothing_drops(struct kunit *test)
{
	struct dma_fence *old = resv_add_new(test, DMA_RESV_USAGE_BOOKKEEP);
	struct dma_fence *stub = dma_fence_get_stub();

	expect_report_begin(DMA_FENCE_CHECK_DROPPED);
	replace(test, old, stub);
	dma_fence_put(stub);
	check_found(test, DMA_FENCE_CHECK_DROPPED, old, DMA_RESV_USAGE_BOOKKEEP);
}

static void replacement_waits(struct kunit *test)
{
	struct dma_fence *old = resv_add_new(test, DMA_RESV_USAGE_READ);
	struct dma_fence *new = resv_new_fence(test);

	dma_fence_check_edge(new, old);
	replace(test, old, new);
	check_found_nothing(test);
}

static void replacement_is_later(struct kunit *test)
{
	struct dma_fence *old = resv_add_new(test, DMA_RESV_USAGE_READ);

	replace(test, old, resv_new_fence_on(test, old->context, 2));
	check_found_nothing(test);
}

static void another_one_waits(struct kunit *test)
{
	struct dma_fence *old = resv_add_new(test, DMA_RESV_USAGE_READ);
	struct dma_fence *other = resv_new_fence(test);

	dma_fence_check_edge(other, old);
	resv_add(test, resv_obj(test), other, DMA_RESV_USAGE_BOOKKEEP);
	replace(test, old, resv_new_fence(test));
	check_found_nothing(test);
}

static void replaced_has_signaled(struct kunit *test)
{
	struct dma_fence *old = resv_add_new(test, DMA_RESV_USAGE_READ);

	dma_fence_signal(old);
	replace(test, old, resv_new_fence(test));
	check_found_nothing(test);
}

/* Who gives up the memory by himself need not be asked to any more */
static void eviction_fence_is_taken_back(struct kunit *test)
{
	struct dma_fence *old = resv_new_fence(test);
	struct dma_fence *stub = dma_fence_get_stub();

	dma_fence_check_on_demand(old);
	resv_add(test, resv_obj(test), old, DMA_RESV_USAGE_BOOKKEEP);
	replace(test, old, stub);
	dma_fence_put(stub);
	check_found_nothing(test);
}

static void copy_over(struct kunit *test, struct dma_fence *kept)
{
	struct dma_resv src;
	int ret;

	dma_resv_init(&src);
	if (kept)
		resv_add(test, &src, kept, DMA_RESV_USAGE_READ);
	resv_lock(test, resv_obj(test));
	ret = dma_resv_copy_fences(resv_obj(test), &src);
	dma_resv_unlock(resv_obj(test));
	KUNIT_EXPECT_EQ(test, ret, 0);
	if (kept)
		dma_fence_signal(kept);
	dma_resv_fini(&src);
}

static void copy_drops(struct kunit *test)
{
	struct dma_fence *old = resv_add_new(test, DMA_RESV_USAGE_WRITE);

	expect_report_begin(DMA_FENCE_CHECK_DROPPED);
	copy_over(test, resv_new_fence(test));
	check_found(test, DMA_FENCE_CHECK_DROPPED, old, DMA_RESV_USAGE_WRITE);
}

static void copy_has_it(struct kunit *test)
{
	copy_over(test, resv_add_new(test, DMA_RESV_USAGE_READ));
	check_found_nothing(test);
}

static void copy_waits(struct kunit *test)
{
	struct dma_fence *old = resv_add_new(test, DMA_RESV_USAGE_READ);
	struct dma_fence *new = resv_new_fence(test);

	dma_fence_check_edge(new, old);
	copy_over(test, new);
	check_found_nothing(test);
}

/* The fixture does it once more */
static void fini(struct kunit *test)
{
	dma_resv_fini(resv_obj(test));
	dma_resv_init(resv_obj(test));
}

static void fini_drops(struct kunit *test)
{
	struct dma_fence *fence = resv_add_new(test, DMA_RESV_USAGE_READ);

	expect_report_begin(DMA_FENCE_CHECK_DROPPED);
	fini(test);
	check_found(test, DMA_FENCE_CHECK_DROPPED, fence, DMA_RESV_USAGE_READ);
}

static void fini_when_lazily_complete(struct kunit *test)
{
	struct dma_fence *fence = resv_new_polled_fence(test);

	resv_add(test, resv_obj(test), fence, DMA_RESV_USAGE_WRITE);
	mock_fence_complete(fence);
	fini(test);
	check_found_nothing(test);
}

static void fini_with_fence_of_user(struct kunit *test)
{
	struct dma_fence *fence = resv_new_fence(test);

	dma_fence_check_by_user(fence);
	resv_add(test, resv_obj(test), fence, DMA_RESV_USAGE_WRITE);
	fini(test);
	check_found_nothing(test);
}

static void fini_with_import(struct kunit *test)
{
	struct dma_fence *fence = resv_new_fence(test);

	import(test, fence);
	fini(test);
	check_found_nothing(test);
}

/* What a driver adds by itself is the driver's, before or after */
static void fini_with_import_of_a_job(struct kunit *test)
{
	struct dma_fence *fence = resv_add_new(test, DMA_RESV_USAGE_BOOKKEEP);

	import(test, fence);
	expect_report_begin(DMA_FENCE_CHECK_DROPPED);
	fini(test);
	check_found(test, DMA_FENCE_CHECK_DROPPED, fence, DMA_RESV_USAGE_WRITE);
}

/*
 * Rule 5: memory that went too early
 */

static void busy_memory_usage(struct kunit *test, enum dma_resv_usage usage)
{
	struct dma_fence *fence = resv_add_new(test, usage);

	expect_report_begin(DMA_FENCE_CHECK_BUSY_MEMORY);
	dma_resv_check_idle(resv_obj(test), "is freed");
	check_found(test, DMA_FENCE_CHECK_BUSY_MEMORY, fence, usage);
}

RESV_PER_USAGE(busy_memory);

static void idle_memory(struct kunit *test)
{
	struct dma_fence *fence = resv_new_polled_fence(test);
	enum dma_resv_usage usage;

	for (usage = 0; usage < RESV_USAGES; usage++)
		dma_fence_signal(resv_add_new(test, usage));
	resv_add(test, resv_obj(test), fence, DMA_RESV_USAGE_READ);
	mock_fence_complete(fence);
	dma_resv_check_idle(resv_obj(test), "is freed");
	check_found_nothing(test);
}

static void memory_busy_by_user(struct kunit *test)
{
	struct dma_fence *fence = resv_new_fence(test);

	dma_fence_check_by_user(fence);
	resv_add(test, resv_obj(test), fence, DMA_RESV_USAGE_READ);
	import(test, resv_new_fence(test));
	dma_resv_check_idle(resv_obj(test), "is freed");
	check_found_nothing(test);
}

/* As TTM does for a move that the device carries out */
static struct dma_fence *move_away(struct kunit *test, struct dma_fence *waits_for)
{
	struct dma_fence *move = resv_new_fence(test);

	dma_fence_check_edge(move, waits_for);
	resv_lock(test, resv_obj(test));
	KUNIT_EXPECT_EQ(test, dma_resv_reserve_fences(resv_obj(test), 1), 0);
	dma_resv_check_move(resv_obj(test), move);
	dma_resv_add_fence(resv_obj(test), move, DMA_RESV_USAGE_KERNEL);
	dma_resv_unlock(resv_obj(test));

	return move;
}

static void moved_while_busy_usage(struct kunit *test, enum dma_resv_usage usage)
{
	struct dma_fence *move;

	resv_add_new(test, usage);
	move = move_away(test, NULL);
	expect_report_begin(DMA_FENCE_CHECK_BUSY_MEMORY);
	dma_fence_signal(move);
	check_found(test, DMA_FENCE_CHECK_BUSY_MEMORY, move,
		    DMA_RESV_USAGE_KERNEL);
}

RESV_PER_USAGE(moved_while_busy);

/* Even if it fails: the memory is given back */
static void failed_move_while_busy(struct kunit *test)
{
	struct dma_fence *move;

	resv_add_new(test, DMA_RESV_USAGE_READ);
	move = move_away(test, NULL);
	expect_report_begin(DMA_FENCE_CHECK_BUSY_MEMORY);
	dma_fence_set_error(move, -EIO);
	dma_fence_signal(move);
	check_found(test, DMA_FENCE_CHECK_BUSY_MEMORY, move,
		    DMA_RESV_USAGE_KERNEL);
}

static void moved_when_idle(struct kunit *test)
{
	struct dma_fence *fence = resv_add_new(test, DMA_RESV_USAGE_BOOKKEEP);
	struct dma_fence *move = move_away(test, NULL);

	/* What comes later waits for the move, not the other way round */
	resv_add_new(test, DMA_RESV_USAGE_BOOKKEEP);
	dma_fence_signal(fence);
	dma_fence_signal(move);
	check_found_nothing(test);
}

static void move_waits_for_user(struct kunit *test)
{
	struct dma_fence *fence = resv_add_new(test, DMA_RESV_USAGE_READ);
	struct dma_fence *move;

	move = move_away(test, fence);
	KUNIT_EXPECT_TRUE(test, dma_resv_check_settled());
	dma_fence_signal(move);
	check_found_nothing_soon(test, fence);
}

static struct kunit_case dma_resv_check_cases[] = {
	KUNIT_CASE(no_slot),
	KUNIT_CASE(no_lock),
	KUNIT_CASE(slot_of_an_earlier_fence),
	KUNIT_CASE(move_ignored_by_reader),
	KUNIT_CASE(move_ignored_by_writer),
	KUNIT_CASE(move_then_reader),
	KUNIT_CASE(reader_then_move_soon),
	KUNIT_CASE(lazy_move),
	KUNIT_CASE(reader_failed),
	KUNIT_CASE(reader_on_the_timeline_of_the_move),
	KUNIT_CASE(reader_waits_for_the_move),
	KUNIT_CASE(bookkeeping_waits_for_nobody),
	KUNIT_CASE(reader_before_move),
	KUNIT_CASE(user_ignores_move),
	KUNIT_CASE(import_ignores_move),
	KUNIT_CASE(recycled_move),
	KUNIT_CASE(no_memory_for_the_checker),
	KUNIT_CASE(replace_drops),
	KUNIT_CASE(replace_by_nothing_drops),
	KUNIT_CASE(replacement_waits),
	KUNIT_CASE(replacement_is_later),
	KUNIT_CASE(another_one_waits),
	KUNIT_CASE(replaced_has_signaled),
	KUNIT_CASE(eviction_fence_is_taken_back),
	KUNIT_CASE(copy_drops),
	KUNIT_CASE(copy_has_it),
	KUNIT_CASE(copy_waits),
	KUNIT_CASE(fini_drops),
	KUNIT_CASE(fini_when_lazily_complete),
	KUNIT_CASE(fini_with_fence_of_user),
	KUNIT_CASE(fini_with_import),
	KUNIT_CASE(fini_with_import_of_a_job),
	KUNIT_CASE(busy_memory_kernel),
	KUNIT_CASE(busy_memory_write),
	KUNIT_CASE(busy_memory_read),
	KUNIT_CASE(busy_memory_bookkeep),
	KUNIT_CASE(idle_memory),
	KUNIT_CASE(memory_busy_by_user),
	KUNIT_CASE(moved_while_busy_kernel),
	KUNIT_CASE(moved_while_busy_write),
	KUNIT_CASE(moved_while_busy_read),
	KUNIT_CASE(moved_while_busy_bookkeep),
	KUNIT_CASE(failed_move_while_busy),
	KUNIT_CASE(moved_when_idle),
	KUNIT_CASE(move_waits_for_user),
	{}
};

struct kunit_suite dma_resv_check_suite = {
	.name = "dma-resv-check",
	.init = check_init,
	.exit = check_exit,
	.test_cases = dma_resv_check_cases,
};
