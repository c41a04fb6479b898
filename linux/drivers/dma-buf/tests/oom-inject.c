// SPDX-License-Identifier: GPL-2.0
/*
 * Have allocations fail in the functions under test.
 *
 * The fault injection of mm/failslab.c passes over every allocation that may sleep
 * unless debugfs says otherwise, and nobody can write to debugfs at the time when
 * KUnit runs. The hook that it hangs on is there in any configuration, though, and
 * made to be redirected. So that is what is done here, for one task at a time and
 * without a backtrace in the log for each failure.
 */

#include <linux/errno.h>
#include <linux/export.h>
#include <linux/gfp.h>
#include <linux/kprobes.h>
#include <linux/preempt.h>
#include <linux/ptrace.h>
#include <linux/sched.h>

#include "oom-inject.h"

/*
 * The hooks are so small that compilers let their callers keep values in registers
 * which a function may change (-fipa-ra). What is called in their place must leave
 * those alone, too, and that can only be had on x86.
 */
#if defined(CONFIG_KPROBES) && defined(CONFIG_X86)
#define oom_in_place	__attribute__((no_caller_saved_registers))

/* Changed and looked at by @task only, except for @task itself */
static struct {
	struct task_struct *task;
	unsigned int nth;
	bool all_after;
	bool checker;
	unsigned int seen;
	unsigned int failed;
} oom;

/* The checker of fences allocates on paths that may not, and does without if need be */
static bool oom_is_checker(gfp_t gfp)
{
	return !gfpflags_allow_blocking(gfp) && gfp & __GFP_NOMEMALLOC;
}

/* So does kmemleak, which has a reserve for what it notes down */
static bool oom_is_kmemleak(gfp_t gfp)
{
	return !(~gfp & (__GFP_NORETRY | __GFP_NOMEMALLOC | __GFP_NOWARN));
}

static bool oom_fails(gfp_t gfp)
{
	if (!in_task() || gfp & __GFP_NOFAIL || oom_is_kmemleak(gfp) ||
	    oom_is_checker(gfp) != oom.checker)
		return false;

	oom.seen++;
	if (!oom.nth || oom.seen < oom.nth ||
	    (oom.seen > oom.nth && !oom.all_after))
		return false;
	oom.failed++;

	return true;
}

/* In place of should_failslab() */
static oom_in_place int oom_failslab(struct kmem_cache *cache, gfp_t gfp)
{
	return oom_fails(gfp) ? -ENOMEM : 0;
}

/* In place of should_fail_alloc_page() */
static oom_in_place bool oom_fail_alloc_page(gfp_t gfp, unsigned int order)
{
	/* The stack depot now and then makes room for what KASAN or the checker saves */
	if (!gfpflags_allow_blocking(gfp) && order == 2)
		return false;
	/* Now and then a slab is filled up, which has a second try if that fails */
	if (!order && (gfp & __GFP_NORETRY) && (gfp & __GFP_NOWARN))
		return false;

	return oom_fails(gfp);
}

static int oom_redirect(struct pt_regs *regs, void *instead)
{
	if (READ_ONCE(oom.task) != current)
		return 0;
	instruction_pointer_set(regs, (unsigned long)instead);

	return 1;
}

static int oom_redirect_slab(struct kprobe *probe, struct pt_regs *regs)
{
	return oom_redirect(regs, oom_failslab);
}

static int oom_redirect_page(struct kprobe *probe, struct pt_regs *regs)
{
	return oom_redirect(regs, oom_fail_alloc_page);
}

/* A probe that has one of these is not optimized, which would lose the redirect */
static void oom_post_handler(struct kprobe *probe, struct pt_regs *regs,
			     unsigned long flags)
{
}

static struct kprobe oom_probes[2];

/**
 * oom_inject_start - prepare to have allocations fail
 *
 * Return: 0, or -EOPNOTSUPP if the kernel is not configured for it, or why it did
 * not work.
 */
int oom_inject_start(void)
{
	struct kprobe *probes[] = { &oom_probes[0], &oom_probes[1] };

	/* Whatever a registration left behind would be in the way of the next */
	oom_probes[0] = (struct kprobe){
		.symbol_name = "should_failslab",
		.pre_handler = oom_redirect_slab,
		.post_handler = oom_post_handler,
	};
	oom_probes[1] = (struct kprobe){
		.symbol_name = "should_fail_alloc_page",
		.pre_handler = oom_redirect_page,
		.post_handler = oom_post_handler,
	};

	return register_kprobes(probes, ARRAY_SIZE(probes));
}
EXPORT_SYMBOL_GPL(oom_inject_start);

/**
 * oom_inject_stop - undo oom_inject_start()
 */
void oom_inject_stop(void)
{
	struct kprobe *probes[] = { &oom_probes[0], &oom_probes[1] };

	WRITE_ONCE(oom.task, NULL);
	unregister_kprobes(probes, ARRAY_SIZE(probes));
}
EXPORT_SYMBOL_GPL(oom_inject_stop);

/**
 * oom_inject_arm - have an allocation of this task fail
 * @nth: which one from now on, counted from 1, or 0 to only count
 * @all_after: let those after it fail as well
 */
void oom_inject_arm(unsigned int nth, bool all_after)
{
	oom.nth = nth;
	oom.all_after = all_after;
	oom.checker = false;
	oom.seen = 0;
	oom.failed = 0;
	WRITE_ONCE(oom.task, current);
}
EXPORT_SYMBOL_GPL(oom_inject_arm);

/**
 * oom_inject_arm_checker - have all allocations of the checker of fences fail
 *
 * Those of this task, and no others. oom_inject_disarm() ends it.
 */
void oom_inject_arm_checker(void)
{
	oom_inject_arm(1, true);
	oom.checker = true;
}
EXPORT_SYMBOL_GPL(oom_inject_arm_checker);

/**
 * oom_inject_disarm - end what oom_inject_arm() began
 * @seen: how many allocations there were, may be NULL
 *
 * Return: how many of them failed.
 */
unsigned int oom_inject_disarm(unsigned int *seen)
{
	WRITE_ONCE(oom.task, NULL);
	if (seen)
		*seen = oom.seen;

	return oom.failed;
}
EXPORT_SYMBOL_GPL(oom_inject_disarm);

#else /* !CONFIG_KPROBES || !CONFIG_X86 */

int oom_inject_start(void)
{
	return -EOPNOTSUPP;
}
EXPORT_SYMBOL_GPL(oom_inject_start);

void oom_inject_stop(void)
{
}

void oom_inject_arm(unsigned int nth, bool all_after)
{
}
EXPORT_SYMBOL_GPL(oom_inject_stop);

void oom_inject_arm_checker(void)
{
}
EXPORT_SYMBOL_GPL(oom_inject_arm_checker);

unsigned int oom_inject_disarm(unsigned int *seen)
{
	return 0;
}
EXPORT_SYMBOL_GPL(oom_inject_disarm);
EXPORT_SYMBOL_GPL(oom_inject_arm);

#endif /* CONFIG_KPROBES && CONFIG_X86 */
