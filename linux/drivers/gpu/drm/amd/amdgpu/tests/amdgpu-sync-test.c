// SPDX-License-Identifier: GPL-2.0
/*
 * Which fences of a reservation object amdgpu waits for: for each mode a table of
 * who waits, whose fence it is, and with which usage it was added.
 */

#include <linux/kprobes.h>

#include "amdgpu-kunit.h"
#include "amdgpu-mock.h"

/* Whose fence it is */
enum whose {
	OWN,			/* a job of the VM that waits */
	OWN_OTHER_DEV,		/* the same, on another device */
	OTHER_VM,		/* a job of another VM of the device */
	OTHER_VM_OTHER_DEV,	/* of another device */
	UPDATE,			/* an update of page tables */
	UPDATE_OTHER_DEV,
	MOVE,			/* a move or a clear of memory */
	MOVE_OTHER_DEV,
	EVICTION,		/* asks KFD to evict a process */
	FOREIGN,		/* of another driver */
	FOREIGN_JOB,		/* of one with a scheduler, which has owners too */
	WHOSE_COUNT
};

static const char * const whose_name[WHOSE_COUNT] = {
	[OWN] = "own job",
	[OWN_OTHER_DEV] = "own job on another device",
	[OTHER_VM] = "job of another VM",
	[OTHER_VM_OTHER_DEV] = "job of another VM on another device",
	[UPDATE] = "page-table update",
	[UPDATE_OTHER_DEV] = "page-table update on another device",
	[MOVE] = "move",
	[MOVE_OTHER_DEV] = "move on another device",
	[EVICTION] = "eviction fence",
	[FOREIGN] = "fence of another driver",
	[FOREIGN_JOB] = "job of another driver",
};

/* Who waits */
enum waiter {
	VM,			/* a job, or an update, of a VM */
	KFD,			/* a process with queues of its own */
	MEMORY,			/* a move, or whoever waits for all of it */
	WAITER_COUNT
};

static const char * const waiter_name[WAITER_COUNT] = {
	[VM] = "VM",
	[KFD] = "KFD",
	[MEMORY] = "memory management",
};

/* VMs are nothing but addresses here */
static int own_vm, another_vm;

static void *waiter_owner(enum waiter waiter)
{
	switch (waiter) {
	case VM:
		return &own_vm;
	case KFD:
		return AMDGPU_FENCE_OWNER_KFD;
	default:
		return AMDGPU_FENCE_OWNER_UNDEFINED;
	}
}

static struct dma_fence *fence_of(struct kunit *test, enum whose whose)
{
	struct amdgpu_mock *dev = amdgpu_mock(test);

	switch (whose) {
	case OWN:
		return amdgpu_mock_job_fence(test, dev, &own_vm);
	case OWN_OTHER_DEV:
		return amdgpu_mock_job_fence(test, amdgpu_mock_other(test),
					     &own_vm);
	case OTHER_VM:
		return amdgpu_mock_job_fence(test, dev, &another_vm);
	case OTHER_VM_OTHER_DEV:
		return amdgpu_mock_job_fence(test, amdgpu_mock_other(test),
					     &another_vm);
	case UPDATE:
		return amdgpu_mock_job_fence(test, dev,
					     AMDGPU_FENCE_OWNER_VM);
	case UPDATE_OTHER_DEV:
		return amdgpu_mock_job_fence(test, amdgpu_mock_other(test),
					     AMDGPU_FENCE_OWNER_VM);
	case MOVE:
		return amdgpu_mock_job_fence(test, dev,
					     AMDGPU_FENCE_OWNER_UNDEFINED);
	case MOVE_OTHER_DEV:
		return amdgpu_mock_job_fence(test, amdgpu_mock_other(test),
					     AMDGPU_FENCE_OWNER_UNDEFINED);
	case EVICTION:
		return amdgpu_mock_eviction_fence(test);
	case FOREIGN_JOB:
		return amdgpu_mock_foreign_job_fence(test, dev, &own_vm);
	default:
		return amdgpu_mock_foreign_fence(test);
	}
}

/* Is a fence the only one that is waited for? Empties the container. */
static bool only_fence(struct amdgpu_sync *sync, struct dma_fence *fence)
{
	unsigned int same = 0, all = 0;
	struct dma_fence *f;

	while ((f = amdgpu_sync_get_fence(sync))) {
		all++;
		same += f == fence;
		dma_fence_put(f);
	}

	return same == 1 && all == 1;
}

/* The contract, written down on purpose instead of computed */
static bool query_yields(enum dma_resv_usage query, enum dma_resv_usage added)
{
	/* added as KERNEL, WRITE, READ, BOOKKEEP */
	static const bool yields[AMDGPU_MOCK_USAGES][AMDGPU_MOCK_USAGES] = {
		[DMA_RESV_USAGE_KERNEL]   = { true, false, false, false },
		[DMA_RESV_USAGE_WRITE]    = { true, true,  false, false },
		[DMA_RESV_USAGE_READ]     = { true, true,  true,  false },
		[DMA_RESV_USAGE_BOOKKEEP] = { true, true,  true,  true  },
	};

	return yields[query][added];
}

static void check_query(struct kunit *test, struct dma_resv *resv,
			enum dma_resv_usage query, enum amdgpu_sync_mode mode,
			enum waiter waiter, enum whose whose,
			struct dma_fence *fence, enum dma_resv_usage added,
			bool want)
{
	struct amdgpu_sync sync;
	bool have;
	int r;

	amdgpu_sync_create(&sync);
	r = amdgpu_sync_resv(&sync, resv, query, mode, waiter_owner(waiter));
	have = only_fence(&sync, fence);
	amdgpu_sync_free(&sync);

	KUNIT_EXPECT_EQ(test, r, 0);
	KUNIT_EXPECT_EQ_MSG(test, have, want, "%s asks for %s, %s as %s",
			    waiter_name[waiter], amdgpu_mock_usage_name(query),
			    whose_name[whose], amdgpu_mock_usage_name(added));
}

/*
 * Whoever waits, it is for each KERNEL fence. Of the others that the query yields,
 * the table says for which.
 */
static void check_mode(struct kunit *test, enum amdgpu_sync_mode mode,
		       const bool table[WAITER_COUNT][WHOSE_COUNT])
{
	enum dma_resv_usage query, added;
	struct dma_fence *fence;
	enum waiter waiter;
	enum whose whose;
	struct dma_resv resv;
	bool want;

	for (whose = 0; whose < WHOSE_COUNT; whose++) {
		fence = fence_of(test, whose);

		for (added = 0; added < AMDGPU_MOCK_USAGES; added++) {
			dma_resv_init(&resv);
			dma_resv_lock(&resv, NULL);
			amdgpu_mock_add(test, &resv, fence, added);

			for (query = 0; query < AMDGPU_MOCK_USAGES; query++) {
				for (waiter = 0; waiter < WAITER_COUNT; waiter++) {
					want = added == DMA_RESV_USAGE_KERNEL ||
					       (query_yields(query, added) &&
						table[waiter][whose]);
					check_query(test, &resv, query, mode,
						    waiter, whose, fence, added,
						    want);
				}
			}

			dma_resv_unlock(&resv);
			dma_resv_fini(&resv);
		}

		/* Nobody was evicted by being looked at */
		KUNIT_EXPECT_FALSE(test, dma_fence_is_signaled(fence));
	}
}

/* All of them, but only memory management has a process evicted */
static void always(struct kunit *test)
{
	static const bool table[WAITER_COUNT][WHOSE_COUNT] = {
		[VM] = {
			[OWN]			= true,
			[OWN_OTHER_DEV]		= true,
			[OTHER_VM]		= true,
			[OTHER_VM_OTHER_DEV]	= true,
			[UPDATE]		= true,
			[UPDATE_OTHER_DEV]	= true,
			[MOVE]			= true,
			[MOVE_OTHER_DEV]	= true,
			[EVICTION]		= false,
			[FOREIGN]		= true,
			[FOREIGN_JOB]		= true,
		},
		[KFD] = {
			[OWN]			= true,
			[OWN_OTHER_DEV]		= true,
			[OTHER_VM]		= true,
			[OTHER_VM_OTHER_DEV]	= true,
			[UPDATE]		= true,
			[UPDATE_OTHER_DEV]	= true,
			[MOVE]			= true,
			[MOVE_OTHER_DEV]	= true,
			[EVICTION]		= false,
			[FOREIGN]		= true,
			[FOREIGN_JOB]		= true,
		},
		[MEMORY] = {
			[OWN]			= true,
			[OWN_OTHER_DEV]		= true,
			[OTHER_VM]		= true,
			[OTHER_VM_OTHER_DEV]	= true,
			[UPDATE]		= true,
			[UPDATE_OTHER_DEV]	= true,
			[MOVE]			= true,
			[MOVE_OTHER_DEV]	= true,
			[EVICTION]		= true,
			[FOREIGN]		= true,
			[FOREIGN_JOB]		= true,
		},
	};

	check_mode(test, AMDGPU_SYNC_ALWAYS, table);
}

/* Those of others; what belongs to nobody is of others, too */
static void not_own(struct kunit *test)
{
	static const bool table[WAITER_COUNT][WHOSE_COUNT] = {
		[VM] = {
			[OWN]			= false,
			[OWN_OTHER_DEV]		= false,
			[OTHER_VM]		= true,
			[OTHER_VM_OTHER_DEV]	= true,
			[UPDATE]		= true,
			[UPDATE_OTHER_DEV]	= true,
			[MOVE]			= true,
			[MOVE_OTHER_DEV]	= true,
			[EVICTION]		= false,
			[FOREIGN]		= true,
			[FOREIGN_JOB]		= true,
		},
		[KFD] = {
			[OWN]			= true,
			[OWN_OTHER_DEV]		= true,
			[OTHER_VM]		= true,
			[OTHER_VM_OTHER_DEV]	= true,
			[UPDATE]		= true,
			[UPDATE_OTHER_DEV]	= true,
			[MOVE]			= true,
			[MOVE_OTHER_DEV]	= true,
			[EVICTION]		= false,
			[FOREIGN]		= true,
			[FOREIGN_JOB]		= true,
		},
		[MEMORY] = {
			[OWN]			= true,
			[OWN_OTHER_DEV]		= true,
			[OTHER_VM]		= true,
			[OTHER_VM_OTHER_DEV]	= true,
			[UPDATE]		= true,
			[UPDATE_OTHER_DEV]	= true,
			[MOVE]			= true,
			[MOVE_OTHER_DEV]	= true,
			[EVICTION]		= true,
			[FOREIGN]		= true,
			[FOREIGN_JOB]		= true,
		},
	};

	check_mode(test, AMDGPU_SYNC_NE_OWNER, table);
}

/* One's own, of which only a VM has any */
static void only_own(struct kunit *test)
{
	static const bool table[WAITER_COUNT][WHOSE_COUNT] = {
		[VM] = {
			[OWN]			= true,
			[OWN_OTHER_DEV]		= true,
		},
		/* The mode doesn't spare a process the eviction */
		[MEMORY] = {
			[EVICTION]		= true,
		},
	};

	check_mode(test, AMDGPU_SYNC_EQ_OWNER, table);
}

/* Several fences, of which each is decided about by itself */
static void mixed_object(struct kunit *test)
{
	struct dma_fence *kernel = fence_of(test, OWN);
	struct dma_fence *write = fence_of(test, FOREIGN);
	struct dma_fence *read = fence_of(test, OTHER_VM);
	struct dma_fence *own = fence_of(test, OWN);
	struct dma_fence *bookkeep = fence_of(test, OTHER_VM);
	struct amdgpu_sync sync;
	struct dma_fence *f;
	struct dma_resv resv;
	unsigned int n = 0;

	dma_resv_init(&resv);
	dma_resv_lock(&resv, NULL);
	amdgpu_mock_add(test, &resv, kernel, DMA_RESV_USAGE_KERNEL);
	amdgpu_mock_add(test, &resv, write, DMA_RESV_USAGE_WRITE);
	amdgpu_mock_add(test, &resv, read, DMA_RESV_USAGE_READ);
	amdgpu_mock_add(test, &resv, own, DMA_RESV_USAGE_READ);
	amdgpu_mock_add(test, &resv, bookkeep, DMA_RESV_USAGE_BOOKKEEP);

	amdgpu_sync_create(&sync);
	KUNIT_EXPECT_EQ(test, 0,
			amdgpu_sync_resv(&sync, &resv, DMA_RESV_USAGE_READ,
					 AMDGPU_SYNC_NE_OWNER, &own_vm));
	while ((f = amdgpu_sync_get_fence(&sync))) {
		KUNIT_EXPECT_TRUE(test, f == kernel || f == write || f == read);
		dma_fence_put(f);
		n++;
	}
	KUNIT_EXPECT_EQ(test, n, 3u);
	amdgpu_sync_free(&sync);

	dma_resv_unlock(&resv);
	dma_resv_fini(&resv);
}

static void add_to_sync(struct kunit *test, struct amdgpu_sync *sync,
			struct dma_fence *fence, enum dma_resv_usage usage)
{
	struct dma_resv resv;

	dma_resv_init(&resv);
	dma_resv_lock(&resv, NULL);
	amdgpu_mock_add(test, &resv, fence, usage);
	KUNIT_EXPECT_EQ(test, 0,
			amdgpu_sync_resv(sync, &resv, DMA_RESV_USAGE_BOOKKEEP,
					 AMDGPU_SYNC_ALWAYS,
					 AMDGPU_FENCE_OWNER_UNDEFINED));
	dma_resv_unlock(&resv);
	dma_resv_fini(&resv);
}

/* Of two objects with fences of one context the later is kept, found first or last */
static void later_of_a_context(struct kunit *test)
{
	u64 context = dma_fence_context_alloc(1);
	struct dma_fence *early, *late;
	struct amdgpu_sync sync;

	early = amdgpu_mock_foreign_fence_on(test, context, 1);
	late = amdgpu_mock_foreign_fence_on(test, context, 2);

	amdgpu_sync_create(&sync);
	add_to_sync(test, &sync, early, DMA_RESV_USAGE_KERNEL);
	add_to_sync(test, &sync, late, DMA_RESV_USAGE_BOOKKEEP);
	KUNIT_EXPECT_TRUE(test, only_fence(&sync, late));

	add_to_sync(test, &sync, late, DMA_RESV_USAGE_BOOKKEEP);
	add_to_sync(test, &sync, early, DMA_RESV_USAGE_KERNEL);
	KUNIT_EXPECT_TRUE(test, only_fence(&sync, late));
	amdgpu_sync_free(&sync);
}

/* What has signaled is not waited for */
static void signaled(struct kunit *test)
{
	struct dma_fence *fence = fence_of(test, FOREIGN);
	struct amdgpu_sync sync;

	amdgpu_sync_create(&sync);
	add_to_sync(test, &sync, fence, DMA_RESV_USAGE_KERNEL);
	dma_fence_signal(fence);
	KUNIT_EXPECT_PTR_EQ(test, (struct dma_fence *)NULL,
			    amdgpu_sync_peek_fence(&sync, NULL));

	add_to_sync(test, &sync, fence, DMA_RESV_USAGE_KERNEL);
	KUNIT_EXPECT_PTR_EQ(test, (struct dma_fence *)NULL,
			    amdgpu_sync_get_fence(&sync));
	amdgpu_sync_free(&sync);
}

static void no_object(struct kunit *test)
{
	struct amdgpu_sync sync;

	amdgpu_sync_create(&sync);
	KUNIT_EXPECT_EQ(test, -EINVAL,
			amdgpu_sync_resv(&sync, NULL, DMA_RESV_USAGE_BOOKKEEP,
					 AMDGPU_SYNC_ALWAYS,
					 AMDGPU_FENCE_OWNER_UNDEFINED));
	amdgpu_sync_free(&sync);
}

static void empty_object(struct kunit *test)
{
	struct amdgpu_sync sync;
	struct dma_resv resv;

	dma_resv_init(&resv);
	dma_resv_lock(&resv, NULL);
	amdgpu_sync_create(&sync);
	KUNIT_EXPECT_EQ(test, 0,
			amdgpu_sync_resv(&sync, &resv, DMA_RESV_USAGE_BOOKKEEP,
					 AMDGPU_SYNC_ALWAYS,
					 AMDGPU_FENCE_OWNER_UNDEFINED));
	KUNIT_EXPECT_PTR_EQ(test, (struct dma_fence *)NULL,
			    amdgpu_sync_peek_fence(&sync, NULL));
	amdgpu_sync_free(&sync);
	dma_resv_unlock(&resv);
	dma_resv_fini(&resv);
}

/*
 * The CPU waits for the same fences as a job would. The others signal much later, so
 * that a wait that is not called for is noticed, and ends.
 */
static void cpu_waits(struct kunit *test)
{
	struct dma_fence *kernel = fence_of(test, MOVE);
	struct dma_fence *own = fence_of(test, OWN);
	struct dma_fence *other = fence_of(test, OTHER_VM);
	struct dma_resv resv;
	int r;

	dma_resv_init(&resv);
	dma_resv_lock(&resv, NULL);
	amdgpu_mock_add(test, &resv, kernel, DMA_RESV_USAGE_KERNEL);
	amdgpu_mock_add(test, &resv, own, DMA_RESV_USAGE_BOOKKEEP);
	amdgpu_mock_add(test, &resv, other, DMA_RESV_USAGE_WRITE);

	amdgpu_mock_signal_later(test, kernel, AMDGPU_MOCK_A_WHILE);
	amdgpu_mock_signal_later(test, own, AMDGPU_MOCK_A_WHILE);
	amdgpu_mock_signal_later(test, other, AMDGPU_MOCK_TOO_LONG);
	r = amdgpu_bo_sync_wait_resv(&resv, DMA_RESV_USAGE_BOOKKEEP,
				     AMDGPU_SYNC_EQ_OWNER, &own_vm, false);
	KUNIT_EXPECT_EQ(test, r, 0);
	KUNIT_EXPECT_TRUE(test, dma_fence_is_signaled(kernel));
	KUNIT_EXPECT_TRUE(test, dma_fence_is_signaled(own));
	KUNIT_EXPECT_FALSE(test, dma_fence_is_signaled(other));

	dma_resv_unlock(&resv);
	dma_resv_fini(&resv);
}

#ifdef CONFIG_KPROBES

/*
 * Fault injection passes over allocations that may sleep unless debugfs says
 * otherwise, which is not there yet when this runs. So do it at the same place.
 */
static struct task_struct *oom_task;
static unsigned int oom_after;

static int oom_failslab(struct kmem_cache *cache, gfp_t gfp)
{
	return in_task() && !oom_after-- ? -ENOMEM : 0;
}

static int oom_redirect(struct kprobe *probe, struct pt_regs *regs)
{
	if (READ_ONCE(oom_task) != current)
		return 0;
	instruction_pointer_set(regs, (unsigned long)oom_failslab);

	return 1;
}

/* A probe that has one of these is not optimized, which would lose the redirect */
static void oom_post_handler(struct kprobe *probe, struct pt_regs *regs,
			     unsigned long flags)
{
}

/* It is said that not all the fences were added, and none is lost or leaked */
static void out_of_memory(struct kunit *test)
{
	struct kprobe probe = {
		.symbol_name = "should_failslab",
		.pre_handler = oom_redirect,
		.post_handler = oom_post_handler,
	};
	enum dma_resv_usage usage;
	struct amdgpu_sync sync;
	struct dma_resv resv;
	struct dma_fence *f;
	unsigned int after;
	int r, wait;

	dma_resv_init(&resv);
	dma_resv_lock(&resv, NULL);
	for (usage = 0; usage < AMDGPU_MOCK_USAGES; usage++)
		amdgpu_mock_add(test, &resv, fence_of(test, FOREIGN), usage);
	KUNIT_ASSERT_EQ(test, register_kprobe(&probe), 0);

	for (after = 0; after < AMDGPU_MOCK_USAGES; after++) {
		amdgpu_sync_create(&sync);
		oom_after = after;
		WRITE_ONCE(oom_task, current);
		r = amdgpu_sync_resv(&sync, &resv, DMA_RESV_USAGE_BOOKKEEP,
				     AMDGPU_SYNC_ALWAYS,
				     AMDGPU_FENCE_OWNER_UNDEFINED);
		/* Nobody signals them: this must not come to wait */
		oom_after = after;
		wait = amdgpu_bo_sync_wait_resv(&resv, DMA_RESV_USAGE_BOOKKEEP,
						AMDGPU_SYNC_ALWAYS,
						AMDGPU_FENCE_OWNER_UNDEFINED,
						false);
		WRITE_ONCE(oom_task, NULL);

		KUNIT_EXPECT_EQ(test, r, -ENOMEM);
		KUNIT_EXPECT_EQ(test, wait, -ENOMEM);
		for (usage = 0; usage < after; usage++) {
			f = amdgpu_sync_get_fence(&sync);
			KUNIT_EXPECT_TRUE(test, !!f);
			dma_fence_put(f);
		}
		KUNIT_EXPECT_PTR_EQ(test, (struct dma_fence *)NULL,
				    amdgpu_sync_get_fence(&sync));
		amdgpu_sync_free(&sync);
	}

	unregister_kprobe(&probe);
	dma_resv_unlock(&resv);
	dma_resv_fini(&resv);
}

#endif /* CONFIG_KPROBES */

/* A scheduler doesn't wait for its own jobs, but it does for what they run */
static void vmid_of_own_job(struct kunit *test)
{
	struct amdgpu_mock *dev = amdgpu_mock(test);
	struct dma_fence *foreign = amdgpu_mock_foreign_fence(test);
	struct dma_fence *hw = amdgpu_mock_foreign_fence(test);
	struct dma_fence *job;

	job = amdgpu_mock_job_fence(test, dev, test);
	/* Not on the ring yet */
	KUNIT_EXPECT_PTR_EQ(test, job,
			    amdgpu_vmid_wait_for(&dev->gfx.ring, job));

	to_drm_sched_fence(job)->parent = dma_fence_get(hw);
	KUNIT_EXPECT_PTR_EQ(test, hw,
			    amdgpu_vmid_wait_for(&dev->gfx.ring, job));
	KUNIT_EXPECT_PTR_EQ(test, job,
			    amdgpu_vmid_wait_for(&dev->sdma.ring, job));
	KUNIT_EXPECT_PTR_EQ(test, foreign,
			    amdgpu_vmid_wait_for(&dev->gfx.ring, foreign));
}

static struct kunit_case amdgpu_sync_cases[] = {
	KUNIT_CASE(always),
	KUNIT_CASE(not_own),
	KUNIT_CASE(only_own),
	KUNIT_CASE(mixed_object),
	KUNIT_CASE(later_of_a_context),
	KUNIT_CASE(signaled),
	KUNIT_CASE(no_object),
	KUNIT_CASE(empty_object),
	KUNIT_CASE(cpu_waits),
	KUNIT_CASE(vmid_of_own_job),
#ifdef CONFIG_KPROBES
	KUNIT_CASE(out_of_memory),
#endif
	{}
};

struct kunit_suite amdgpu_sync_suite = {
	.name = "amdgpu-sync",
	.init = amdgpu_mock_init,
	.exit = amdgpu_mock_exit,
	.test_cases = amdgpu_sync_cases,
};
