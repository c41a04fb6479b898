// SPDX-License-Identifier: GPL-2.0
/*
 * Page tables: which fences an update waits for, and who has to wait for it.
 */

#include "amdgpu-kunit.h"
#include "amdgpu-mock.h"
#include "amdgpu_gem.h"
#include "oom-inject.h"

static struct amdgpu_mock_process *new_process(struct kunit *test)
{
	return amdgpu_mock_process(test, amdgpu_mock(test),
				   AMDGPU_VM_CONTEXT_GFX);
}

static struct amdgpu_bo *new_bo(struct kunit *test, struct dma_resv *resv)
{
	return amdgpu_mock_bo(test, amdgpu_mock(test), 2, AMDGPU_GEM_DOMAIN_VRAM,
			      0, resv);
}

static struct amdgpu_bo *new_private_bo(struct kunit *test,
					struct amdgpu_mock_process *process)
{
	struct dma_resv *root = amdgpu_mock_root(process);
	struct amdgpu_bo *bo;

	amdgpu_mock_lock(test, root);
	bo = amdgpu_mock_bo(test, amdgpu_mock(test), 2, AMDGPU_GEM_DOMAIN_VRAM,
			    AMDGPU_GEM_CREATE_VM_ALWAYS_VALID, root);
	dma_resv_unlock(root);

	return bo;
}

/* Whose fence is in the object */
enum whose { OWN, OTHER_VM, UPDATE, EVICTION, FOREIGN, WHOSE_COUNT };

static const char * const whose_name[WHOSE_COUNT] = {
	[OWN] = "own job",
	[OTHER_VM] = "job of another VM",
	[UPDATE] = "page-table update",
	[EVICTION] = "eviction fence",
	[FOREIGN] = "fence of another driver",
};

static struct dma_fence *fence_of(struct kunit *test,
				  struct amdgpu_mock_process *process,
				  enum whose whose)
{
	struct amdgpu_mock *dev = amdgpu_mock(test);

	switch (whose) {
	case OWN:
		return amdgpu_mock_job_fence(test, dev, &process->fpriv.vm);
	case OTHER_VM:
		return amdgpu_mock_job_fence(test, dev, dev);
	case UPDATE:
		return amdgpu_mock_job_fence(test, dev, AMDGPU_FENCE_OWNER_VM);
	case EVICTION:
		return amdgpu_mock_eviction_fence(test);
	default:
		return amdgpu_mock_foreign_fence(test);
	}
}

/* The latest update of page tables */
static struct dma_fence *update_of(struct kunit *test,
				   struct amdgpu_mock_process *process)
{
	struct dma_fence *fence;

	fence = amdgpu_mock_newest(test, amdgpu_mock_root(process),
				   AMDGPU_FENCE_OWNER_VM);
	KUNIT_ASSERT_TRUE(test, !!fence);

	return fence;
}

/* Does mapping a buffer wait for a fence in its own object, or in the VM's? */
static bool map_waits(struct kunit *test, struct amdgpu_mock_process *process,
		      struct amdgpu_bo *bo, struct dma_resv *resv,
		      struct dma_fence *fence, enum dma_resv_usage usage)
{
	struct amdgpu_mock_ring *ring = &amdgpu_mock(test)->sdma;
	struct amdgpu_bo_va *bo_va = amdgpu_mock_map(test, process, bo);
	bool waits;

	amdgpu_mock_process_lock(test, process, bo);
	amdgpu_mock_add(test, resv, fence, usage);
	amdgpu_mock_forget_jobs(ring);
	amdgpu_mock_update(test, process, bo_va);
	amdgpu_mock_process_unlock(process, bo);

	waits = amdgpu_mock_waited_for(test, ring, fence);
	/* Out of the way of the next one */
	dma_fence_signal(fence);

	return waits;
}

/* For moves of the buffer, and for nobody who uses it, or has used its address */
static void map_shared_usage(struct kunit *test, enum dma_resv_usage usage)
{
	bool want = usage == DMA_RESV_USAGE_KERNEL;
	struct amdgpu_mock_process *process = new_process(test);
	enum whose whose;

	for (whose = 0; whose < WHOSE_COUNT; whose++) {
		struct amdgpu_bo *bo = new_bo(test, NULL);
		struct dma_fence *fence = fence_of(test, process, whose);
		bool waits;

		waits = map_waits(test, process, bo, bo->tbo.base.resv, fence,
				  usage);
		KUNIT_EXPECT_EQ_MSG(test, waits, want, "%s", whose_name[whose]);
	}
}

AMDGPU_MOCK_PER_USAGE(map_shared);

/* A buffer of the VM has the object of the page tables */
static void map_private_usage(struct kunit *test, enum dma_resv_usage usage)
{
	bool want = usage == DMA_RESV_USAGE_KERNEL;
	struct amdgpu_mock_process *process = new_process(test);
	struct dma_resv *root = amdgpu_mock_root(process);
	enum whose whose;

	for (whose = 0; whose < WHOSE_COUNT; whose++) {
		struct amdgpu_bo *bo = new_private_bo(test, process);
		struct dma_fence *fence = fence_of(test, process, whose);
		bool waits;

		waits = map_waits(test, process, bo, root, fence, usage);
		KUNIT_EXPECT_EQ_MSG(test, waits, want, "%s", whose_name[whose]);
	}
}

AMDGPU_MOCK_PER_USAGE(map_private);

/* What goes on in the rest of the VM is no concern of a buffer with its own object */
static void map_beside_usage(struct kunit *test, enum dma_resv_usage usage)
{
	struct amdgpu_mock_process *process = new_process(test);
	struct dma_resv *root = amdgpu_mock_root(process);
	struct amdgpu_bo *first = new_bo(test, NULL);
	struct amdgpu_bo_va *bo_va;
	enum whose whose;

	/* Have the table that the others need as well */
	bo_va = amdgpu_mock_map(test, process, first);
	amdgpu_mock_process_lock(test, process, first);
	amdgpu_mock_update(test, process, bo_va);
	amdgpu_mock_process_unlock(process, first);

	for (whose = 0; whose < WHOSE_COUNT; whose++) {
		struct amdgpu_bo *bo = new_bo(test, NULL);
		struct dma_fence *fence = fence_of(test, process, whose);

		KUNIT_EXPECT_FALSE_MSG(test,
				       map_waits(test, process, bo, root, fence,
						 usage),
				       "%s", whose_name[whose]);
	}
}

AMDGPU_MOCK_PER_USAGE(map_beside);

/*
 * Unmapping waits for moves, and for the jobs of the VM, which may use the address,
 * but for nobody else.
 */
static void unmap_usage(struct kunit *test, enum dma_resv_usage usage)
{
	struct amdgpu_mock_process *process = new_process(test);
	struct amdgpu_mock_ring *ring = &amdgpu_mock(test)->sdma;
	struct amdgpu_device *adev = amdgpu_mock(test)->adev;
	struct dma_resv *root = amdgpu_mock_root(process);
	struct amdgpu_vm *vm = &process->fpriv.vm;
	enum whose whose;

	for (whose = 0; whose < WHOSE_COUNT; whose++) {
		struct amdgpu_bo *bo = new_bo(test, NULL);
		struct dma_fence *fence = fence_of(test, process, whose);
		struct dma_fence *unmapped = NULL;
		struct amdgpu_bo_va *bo_va;
		u64 address = process->next;
		bool waits, want = whose == OWN ||
				   usage == DMA_RESV_USAGE_KERNEL;

		bo_va = amdgpu_mock_map(test, process, bo);
		amdgpu_mock_process_lock(test, process, bo);
		amdgpu_mock_update(test, process, bo_va);
		amdgpu_mock_add(test, root, fence, usage);
		amdgpu_mock_forget_jobs(ring);
		KUNIT_EXPECT_EQ(test, amdgpu_vm_bo_unmap(adev, bo_va, address), 0);
		KUNIT_EXPECT_EQ(test, amdgpu_vm_clear_freed(adev, vm, &unmapped),
				0);
		amdgpu_mock_process_unlock(process, bo);

		KUNIT_EXPECT_TRUE(test, !!unmapped);
		dma_fence_put(unmapped);
		waits = amdgpu_mock_waited_for(test, ring, fence);
		KUNIT_EXPECT_EQ_MSG(test, waits, want, "%s", whose_name[whose]);
		dma_fence_signal(fence);
	}
}

AMDGPU_MOCK_PER_USAGE(unmap);

/* An update takes no part in implicit synchronization of anything in the VM */
static void update_is_bookkeeping(struct kunit *test)
{
	struct amdgpu_mock_process *process = new_process(test);
	struct amdgpu_mock_ring *ring = &amdgpu_mock(test)->sdma;
	struct dma_resv *root = amdgpu_mock_root(process);
	struct amdgpu_bo *bo = new_bo(test, NULL);
	struct amdgpu_bo_va *bo_va;

	amdgpu_mock_hold(ring);
	bo_va = amdgpu_mock_map(test, process, bo);
	amdgpu_mock_process_lock(test, process, bo);
	amdgpu_mock_update(test, process, bo_va);
	amdgpu_mock_process_unlock(process, bo);

	AMDGPU_MOCK_EXPECT(test, root, update_of(test, process),
			   DMA_RESV_USAGE_BOOKKEEP);
	AMDGPU_MOCK_EXPECT(test, bo->tbo.base.resv, update_of(test, process),
			   -1);
	KUNIT_EXPECT_TRUE(test, dma_resv_test_signaled(root,
						       DMA_RESV_USAGE_READ));
	KUNIT_EXPECT_FALSE(test, dma_resv_test_signaled(root,
							DMA_RESV_USAGE_BOOKKEEP));
	KUNIT_EXPECT_FALSE(test, dma_fence_is_signaled(bo_va->last_pt_update));
}

/* Nor does the clear of the first page directory, or that of a table */
static void clear_is_bookkeeping(struct kunit *test)
{
	struct amdgpu_mock_ring *ring = &amdgpu_mock(test)->sdma;
	struct amdgpu_mock_process *process;

	amdgpu_mock_hold(ring);
	process = new_process(test);
	AMDGPU_MOCK_EXPECT(test, amdgpu_mock_root(process),
			   update_of(test, process), DMA_RESV_USAGE_BOOKKEEP);
}

/* What was done without the lock is added with the next update */
static void unlocked_is_bookkeeping(struct kunit *test)
{
	struct amdgpu_mock_process *process = new_process(test);
	struct dma_fence *unlocked = fence_of(test, process, UPDATE);
	struct amdgpu_vm *vm = &process->fpriv.vm;
	struct amdgpu_bo *bo = new_bo(test, NULL);
	struct amdgpu_bo_va *bo_va;

	dma_fence_put(vm->last_unlocked);
	vm->last_unlocked = dma_fence_get(unlocked);

	bo_va = amdgpu_mock_map(test, process, bo);
	amdgpu_mock_process_lock(test, process, bo);
	amdgpu_mock_update(test, process, bo_va);
	amdgpu_mock_process_unlock(process, bo);

	AMDGPU_MOCK_EXPECT(test, amdgpu_mock_root(process), unlocked,
			   DMA_RESV_USAGE_BOOKKEEP);
	KUNIT_EXPECT_TRUE(test, dma_fence_is_signaled(vm->last_unlocked));
}

/*
 * A process closes a buffer that another one goes on using: implicit synchronization
 * doesn't notice, mapping neither, but the memory stays until the page tables are
 * clear.
 */
static void close_shared(struct kunit *test)
{
	struct amdgpu_mock_process *leaves = new_process(test);
	struct amdgpu_mock_process *stays = new_process(test);
	struct amdgpu_mock_ring *ring = &amdgpu_mock(test)->sdma;
	struct amdgpu_bo *bo = new_bo(test, NULL);
	struct dma_resv *resv = bo->tbo.base.resv;
	struct amdgpu_bo_va *bo_va;
	struct amdgpu_sync sync;
	struct dma_fence *clear;

	bo_va = amdgpu_mock_map(test, leaves, bo);
	amdgpu_mock_process_lock(test, leaves, bo);
	amdgpu_mock_update(test, leaves, bo_va);
	amdgpu_mock_process_unlock(leaves, bo);

	amdgpu_mock_hold(ring);
	amdgpu_gem_object_close(&bo->tbo.base, &leaves->file);
	clear = update_of(test, leaves);
	AMDGPU_MOCK_EXPECT(test, resv, clear, DMA_RESV_USAGE_BOOKKEEP);
	AMDGPU_MOCK_EXPECT(test, amdgpu_mock_root(leaves), clear,
			   DMA_RESV_USAGE_BOOKKEEP);

	/* Whoever draws next, or shows it, doesn't wait */
	KUNIT_EXPECT_TRUE(test, dma_resv_test_signaled(resv,
						       DMA_RESV_USAGE_READ));
	amdgpu_mock_lock(test, resv);
	amdgpu_sync_create(&sync);
	KUNIT_EXPECT_EQ(test, 0, amdgpu_sync_resv(&sync, resv,
						  DMA_RESV_USAGE_READ,
						  AMDGPU_SYNC_NE_OWNER,
						  &stays->fpriv.vm));
	KUNIT_EXPECT_PTR_EQ(test, (struct dma_fence *)NULL,
			    amdgpu_sync_peek_fence(&sync, NULL));
	amdgpu_sync_free(&sync);
	dma_resv_unlock(resv);

	bo_va = amdgpu_mock_map(test, stays, bo);
	amdgpu_mock_process_lock(test, stays, bo);
	amdgpu_mock_forget_jobs(ring);
	amdgpu_mock_update(test, stays, bo_va);
	amdgpu_mock_process_unlock(stays, bo);
	KUNIT_EXPECT_FALSE(test, amdgpu_mock_waited_for(test, ring, clear));

	/* Whoever moves it does */
	amdgpu_mock_lock(test, resv);
	KUNIT_EXPECT_EQ(test, 0,
			amdgpu_mock_validate(bo, AMDGPU_GEM_DOMAIN_GTT, false));
	dma_resv_unlock(resv);
	KUNIT_EXPECT_TRUE(test, amdgpu_mock_waited_for(test, ring, clear));
	KUNIT_EXPECT_FALSE(test, dma_fence_is_signaled(clear));
}

/* It changes nothing about the fences that are there, and doesn't wait for them */
static void close_keeps_fence_usage(struct kunit *test, enum dma_resv_usage usage)
{
	struct amdgpu_mock_process *process = new_process(test);
	struct amdgpu_mock_ring *ring = &amdgpu_mock(test)->sdma;
	struct amdgpu_bo *bo = new_bo(test, NULL);
	struct dma_resv *resv = bo->tbo.base.resv;
	struct dma_fence *fence = fence_of(test, process, FOREIGN);
	struct amdgpu_bo_va *bo_va;

	bo_va = amdgpu_mock_map(test, process, bo);
	amdgpu_mock_process_lock(test, process, bo);
	amdgpu_mock_update(test, process, bo_va);
	amdgpu_mock_add(test, resv, fence, usage);
	amdgpu_mock_process_unlock(process, bo);

	amdgpu_mock_forget_jobs(ring);
	amdgpu_gem_object_close(&bo->tbo.base, &process->file);
	AMDGPU_MOCK_EXPECT(test, resv, fence, usage);
	KUNIT_EXPECT_FALSE(test, amdgpu_mock_waited_for(test, ring, fence));
	KUNIT_EXPECT_FALSE(test, dma_fence_is_signaled(fence));
}

AMDGPU_MOCK_PER_USAGE(close_keeps_fence);

/*
 * The memory of a new table may still be read by the eviction that made room for it.
 * Neither its clear nor an update may come before.
 */
static void table_in_evicted_memory(struct kunit *test)
{
	struct amdgpu_mock_process *process = new_process(test);
	struct amdgpu_mock *dev = amdgpu_mock(test);
	struct ttm_resource_manager *vram;
	struct ttm_resource *gart = &dev->adev->gart.bo->tbo.mem;
	struct amdgpu_bo *bo, *next, *victim;
	struct amdgpu_bo_va *bo_va;
	struct dma_fence *eviction;
	u64 size;

	bo = amdgpu_mock_bo(test, dev, 2, AMDGPU_GEM_DOMAIN_GTT, 0, NULL);
	next = amdgpu_mock_bo(test, dev, 2, AMDGPU_GEM_DOMAIN_GTT, 0, NULL);
	bo_va = amdgpu_mock_map(test, process, bo);

	/* Behind what is pinned there is one buffer, and then the VRAM ends */
	victim = amdgpu_mock_bo(test, dev, 256, AMDGPU_GEM_DOMAIN_VRAM,
				AMDGPU_GEM_CREATE_CPU_ACCESS_REQUIRED |
				AMDGPU_GEM_CREATE_VRAM_CONTIGUOUS, NULL);
	KUNIT_ASSERT_EQ(test, victim->tbo.mem.mem_type, (u32)TTM_PL_VRAM);
	KUNIT_ASSERT_EQ(test, (u64)victim->tbo.mem.start,
			(u64)(gart->start + gart->num_pages));
	vram = ttm_manager_type(&dev->adev->mman.bdev, TTM_PL_VRAM);
	size = vram->size;
	vram->size = victim->tbo.mem.start + victim->tbo.num_pages;

	amdgpu_mock_hold(&dev->sdma);
	amdgpu_mock_process_lock(test, process, bo);
	amdgpu_mock_forget_jobs(&dev->sdma);
	amdgpu_mock_update(test, process, bo_va);
	amdgpu_mock_process_unlock(process, bo);
	vram->size = size;

	KUNIT_EXPECT_EQ(test, victim->tbo.mem.mem_type, (u32)TTM_PL_TT);
	eviction = amdgpu_mock_newest(test, victim->tbo.base.resv,
				      AMDGPU_FENCE_OWNER_UNDEFINED);
	KUNIT_ASSERT_TRUE(test, !!eviction);
	AMDGPU_MOCK_EXPECT(test, victim->tbo.base.resv, eviction,
			   DMA_RESV_USAGE_KERNEL);
	KUNIT_EXPECT_TRUE(test, amdgpu_mock_waited_for(test, &dev->sdma,
						       eviction));

	/* That was the clear. An update is no different. */
	bo_va = amdgpu_mock_map(test, process, next);
	amdgpu_mock_process_lock(test, process, next);
	amdgpu_mock_forget_jobs(&dev->sdma);
	amdgpu_mock_update(test, process, bo_va);
	amdgpu_mock_process_unlock(process, next);
	KUNIT_EXPECT_TRUE(test, amdgpu_mock_waited_for(test, &dev->sdma,
						       eviction));
}

static int leave_where_it_is(void *data, struct amdgpu_bo *bo)
{
	return 0;
}

/*
 * A table that takes longer to be copied than TTM waits is where it is going to be. What
 * is written to it comes after the copy, and so does the entry that leads to it.
 */
static void table_moves_slowly(struct kunit *test)
{
	struct amdgpu_mock_process *process = new_process(test);
	struct amdgpu_mock *dev = amdgpu_mock(test);
	struct amdgpu_vm *vm = &process->fpriv.vm;
	struct amdgpu_bo_va *bo_va, *next_va;
	struct amdgpu_bo *bo, *next, *table;
	struct dma_fence *move;
	long left;

	bo = new_bo(test, NULL);
	next = new_bo(test, NULL);
	bo_va = amdgpu_mock_map(test, process, bo);
	next_va = amdgpu_mock_map(test, process, next);
	amdgpu_mock_process_lock(test, process, bo);
	amdgpu_mock_update(test, process, bo_va);
	amdgpu_mock_process_unlock(process, bo);
	left = amdgpu_vm_wait_idle(vm, AMDGPU_MOCK_TOO_LONG);
	KUNIT_ASSERT_GT(test, left, 0L);
	KUNIT_ASSERT_TRUE(test, !!vm->root.entries);
	table = vm->root.entries[0].base.bo;
	KUNIT_ASSERT_TRUE(test, !!table);
	KUNIT_ASSERT_EQ(test, table->tbo.mem.mem_type, (u32)TTM_PL_VRAM);

	/* This is where the 15 seconds go */
	amdgpu_mock_hold(&dev->sdma);
	amdgpu_mock_process_lock(test, process, next);
	KUNIT_EXPECT_EQ(test, 0, amdgpu_mock_validate(table,
						      AMDGPU_GEM_DOMAIN_GTT,
						      false));
	KUNIT_EXPECT_EQ(test, table->tbo.mem.mem_type, (u32)TTM_PL_TT);
	move = amdgpu_mock_newest(test, amdgpu_mock_root(process),
				  AMDGPU_FENCE_OWNER_UNDEFINED);
	if (!move || dma_fence_is_signaled(move)) {
		KUNIT_FAIL(test, "the move is not under way");
		goto out;
	}
	AMDGPU_MOCK_EXPECT(test, amdgpu_mock_root(process), move,
			   DMA_RESV_USAGE_KERNEL);
	KUNIT_EXPECT_EQ(test, 0, amdgpu_vm_validate_pt_bos(dev->adev, vm,
							   leave_where_it_is,
							   NULL));

	amdgpu_mock_forget_jobs(&dev->sdma);
	KUNIT_EXPECT_EQ(test, 0, amdgpu_vm_bo_update(dev->adev, next_va, false));
	KUNIT_EXPECT_TRUE(test, amdgpu_mock_waited_for(test, &dev->sdma, move));

	amdgpu_mock_forget_jobs(&dev->sdma);
	KUNIT_EXPECT_FALSE(test, list_empty(&vm->relocated));
	KUNIT_EXPECT_EQ(test, 0, amdgpu_vm_update_pdes(dev->adev, vm, false));
	KUNIT_EXPECT_TRUE(test, amdgpu_mock_waited_for(test, &dev->sdma, move));
out:
	amdgpu_mock_process_unlock(process, next);
	amdgpu_mock_release(&dev->sdma);
}

/* Pieces of the pools of command buffers that nobody gives back */
static unsigned int pieces_leaked(struct amdgpu_device *adev)
{
	struct amdgpu_sa_bo *piece;
	unsigned int i, leaked = 0;

	/* What is submitted has a fence by which it comes back */
	for (i = 0; i < AMDGPU_IB_POOL_MAX; i++)
		list_for_each_entry(piece, &adev->ib_pools[i].olist, olist)
			if (!piece->fence)
				leaked++;

	return leaked;
}

/* Whichever allocation fails, the mapping is not lost, and the job is not leaked */
static void update_fails(struct kunit *test)
{
	struct amdgpu_device *adev = amdgpu_mock(test)->adev;
	struct amdgpu_mock_process *process;
	struct amdgpu_bo_va *bo_va;
	struct amdgpu_bo *bo;
	unsigned int nth, failed = 1;
	int r;

	r = oom_inject_start();
	if (r == -EOPNOTSUPP)
		return;
	KUNIT_ASSERT_EQ(test, r, 0);

	for (nth = 1; nth < 100 && failed; nth++) {
		/* Whose page tables are not there yet */
		process = new_process(test);
		bo = new_bo(test, NULL);
		bo_va = amdgpu_mock_map(test, process, bo);
		amdgpu_mock_process_lock(test, process, bo);
		oom_inject_arm(nth, false);
		r = amdgpu_vm_bo_update(adev, bo_va, false);
		failed = oom_inject_disarm(NULL);
		KUNIT_EXPECT_EQ(test, pieces_leaked(adev), 0u);
		if (r) {
			KUNIT_EXPECT_FALSE(test, list_empty(&bo_va->valids));
			KUNIT_EXPECT_TRUE(test, bo_va->unknown);
			KUNIT_EXPECT_EQ(test, 0, amdgpu_vm_bo_update(adev, bo_va,
								     false));
		}
		KUNIT_EXPECT_TRUE(test, list_empty(&bo_va->invalids));
		KUNIT_EXPECT_FALSE(test, bo_va->unknown);
		amdgpu_mock_process_unlock(process, bo);
	}
	KUNIT_EXPECT_GT(test, nth, 2u);
	oom_inject_stop();
}

/* Page tables are not evicted while anything is going on in the VM */
static void busy_tables_stay_usage(struct kunit *test, enum dma_resv_usage usage)
{
	struct amdgpu_mock_process *process = new_process(test);
	struct dma_fence *fence = fence_of(test, process, FOREIGN);
	struct amdgpu_bo *root = process->fpriv.vm.root.base.bo;
	long left;

	/* They have just been cleared */
	left = amdgpu_vm_wait_idle(&process->fpriv.vm, AMDGPU_MOCK_TOO_LONG);
	KUNIT_ASSERT_GT(test, left, 0L);

	amdgpu_mock_lock(test, root->tbo.base.resv);
	amdgpu_mock_add(test, root->tbo.base.resv, fence, usage);
	KUNIT_EXPECT_FALSE(test, amdgpu_vm_evictable(root));
	dma_fence_signal(fence);
	KUNIT_EXPECT_TRUE(test, amdgpu_vm_evictable(root));
	process->fpriv.vm.evicting = false;
	dma_resv_unlock(root->tbo.base.resv);
}

AMDGPU_MOCK_PER_USAGE(busy_tables_stay);

/* Before a VM goes away, or is suspended, all of it is waited for */
static void idle_waits_usage(struct kunit *test, enum dma_resv_usage usage)
{
	struct amdgpu_mock_process *process = new_process(test);
	struct dma_fence *fence = fence_of(test, process, FOREIGN);
	struct dma_resv *root = amdgpu_mock_root(process);
	long left;

	amdgpu_mock_lock(test, root);
	amdgpu_mock_add(test, root, fence, usage);
	dma_resv_unlock(root);

	amdgpu_mock_signal_later(test, fence, AMDGPU_MOCK_A_WHILE);
	left = amdgpu_vm_wait_idle(&process->fpriv.vm, AMDGPU_MOCK_TOO_LONG);
	KUNIT_EXPECT_GT(test, left, 0L);
	KUNIT_EXPECT_TRUE(test, dma_fence_is_signaled(fence));
}

AMDGPU_MOCK_PER_USAGE(idle_waits);

/* The CPU updates page tables by the same rules, except that it waits itself */
static void cpu_map_usage(struct kunit *test, enum dma_resv_usage usage)
{
	bool waits = usage == DMA_RESV_USAGE_KERNEL;
	struct amdgpu_mock_process *process;
	struct amdgpu_bo_va *bo_va;
	struct dma_fence *fence;
	struct amdgpu_bo *bo;

	amdgpu_mock(test)->adev->vm_manager.vm_update_mode =
		AMDGPU_VM_USE_CPU_FOR_GFX;
	process = new_process(test);
	fence = fence_of(test, process, OWN);
	bo = new_bo(test, NULL);
	bo_va = amdgpu_mock_map(test, process, bo);

	amdgpu_mock_process_lock(test, process, bo);
	amdgpu_mock_add(test, bo->tbo.base.resv, fence, usage);
	amdgpu_mock_signal_later(test, fence, waits ? AMDGPU_MOCK_A_WHILE :
				 AMDGPU_MOCK_TOO_LONG);
	amdgpu_mock_update(test, process, bo_va);
	KUNIT_EXPECT_EQ(test, dma_fence_is_signaled(fence), waits);
	amdgpu_mock_process_unlock(process, bo);
}

AMDGPU_MOCK_PER_USAGE(cpu_map);

static void cpu_unmap_usage(struct kunit *test, enum dma_resv_usage usage)
{
	bool waits = usage == DMA_RESV_USAGE_KERNEL;
	struct amdgpu_device *adev = amdgpu_mock(test)->adev;
	struct dma_fence *own, *other, *unmapped = NULL;
	struct amdgpu_mock_process *process;
	struct amdgpu_bo_va *bo_va;
	struct dma_resv *root;
	struct amdgpu_bo *bo;

	adev->vm_manager.vm_update_mode = AMDGPU_VM_USE_CPU_FOR_GFX;
	process = new_process(test);
	root = amdgpu_mock_root(process);
	own = fence_of(test, process, OWN);
	other = fence_of(test, process, OTHER_VM);
	bo = new_bo(test, NULL);
	bo_va = amdgpu_mock_map(test, process, bo);

	amdgpu_mock_process_lock(test, process, bo);
	amdgpu_mock_update(test, process, bo_va);
	amdgpu_mock_add(test, root, own, usage);
	amdgpu_mock_add(test, root, other, usage);
	amdgpu_mock_signal_later(test, own, AMDGPU_MOCK_A_WHILE);
	amdgpu_mock_signal_later(test, other, waits ? AMDGPU_MOCK_A_WHILE :
				 AMDGPU_MOCK_TOO_LONG);
	KUNIT_EXPECT_EQ(test, amdgpu_vm_bo_unmap(adev, bo_va, 0), 0);
	KUNIT_EXPECT_EQ(test, amdgpu_vm_clear_freed(adev, &process->fpriv.vm,
						    &unmapped), 0);
	dma_fence_put(unmapped);
	KUNIT_EXPECT_TRUE(test, dma_fence_is_signaled(own));
	KUNIT_EXPECT_EQ(test, dma_fence_is_signaled(other), waits);
	amdgpu_mock_process_unlock(process, bo);
}

AMDGPU_MOCK_PER_USAGE(cpu_unmap);

/* The CPU takes over from the rings only after they are through */
static void cpu_takes_over(struct kunit *test)
{
	struct amdgpu_mock_process *process = new_process(test);
	struct dma_fence *update = fence_of(test, process, UPDATE);
	struct amdgpu_device *adev = amdgpu_mock(test)->adev;
	struct dma_resv *root = amdgpu_mock_root(process);

	amdgpu_mock_lock(test, root);
	amdgpu_mock_add(test, root, update, DMA_RESV_USAGE_BOOKKEEP);
	dma_resv_unlock(root);

	amdgpu_mock_signal_later(test, update, AMDGPU_MOCK_A_WHILE);
	adev->vm_manager.vm_update_mode = AMDGPU_VM_USE_CPU_FOR_COMPUTE;
	KUNIT_EXPECT_EQ(test, amdgpu_vm_make_compute(adev, &process->fpriv.vm, 0),
			0);
	KUNIT_EXPECT_TRUE(test, process->fpriv.vm.use_cpu_for_update);
	KUNIT_EXPECT_TRUE(test, dma_fence_is_signaled(update));
}

/* A job is a reader if none of the mappings lets it write */
static void writable(struct kunit *test)
{
	const u64 read = AMDGPU_PTE_READABLE | AMDGPU_PTE_VALID;
	const u64 write = read | AMDGPU_PTE_WRITEABLE;
	struct amdgpu_mock_process *process = new_process(test);
	struct amdgpu_device *adev = amdgpu_mock(test)->adev;
	struct amdgpu_bo *bo = new_bo(test, NULL);
	struct amdgpu_bo_va *bo_va;

	KUNIT_ASSERT_EQ(test, 0, amdgpu_gem_object_open(&bo->tbo.base,
							&process->file));
	amdgpu_mock_process_lock(test, process, bo);
	bo_va = amdgpu_vm_bo_find(&process->fpriv.vm, bo);
	KUNIT_EXPECT_FALSE(test, amdgpu_vm_bo_writable(bo_va));

	KUNIT_EXPECT_EQ(test, 0, amdgpu_vm_bo_map(adev, bo_va, 0, 0, PAGE_SIZE,
						  read));
	KUNIT_EXPECT_FALSE(test, amdgpu_vm_bo_writable(bo_va));
	amdgpu_mock_update(test, process, bo_va);
	KUNIT_EXPECT_FALSE(test, amdgpu_vm_bo_writable(bo_va));

	KUNIT_EXPECT_EQ(test, 0, amdgpu_vm_bo_map(adev, bo_va, PAGE_SIZE, 0,
						  PAGE_SIZE, write));
	KUNIT_EXPECT_TRUE(test, amdgpu_vm_bo_writable(bo_va));
	amdgpu_mock_update(test, process, bo_va);
	KUNIT_EXPECT_TRUE(test, amdgpu_vm_bo_writable(bo_va));

	KUNIT_EXPECT_EQ(test, 0, amdgpu_vm_bo_unmap(adev, bo_va, PAGE_SIZE));
	KUNIT_EXPECT_FALSE(test, amdgpu_vm_bo_writable(bo_va));
	amdgpu_mock_process_unlock(process, bo);
}

static struct kunit_case amdgpu_vm_cases[] = {
	KUNIT_CASE(map_shared_kernel),
	KUNIT_CASE(map_shared_write),
	KUNIT_CASE(map_shared_read),
	KUNIT_CASE(map_shared_bookkeep),
	KUNIT_CASE(map_private_kernel),
	KUNIT_CASE(map_private_write),
	KUNIT_CASE(map_private_read),
	KUNIT_CASE(map_private_bookkeep),
	KUNIT_CASE(map_beside_kernel),
	KUNIT_CASE(map_beside_write),
	KUNIT_CASE(map_beside_read),
	KUNIT_CASE(map_beside_bookkeep),
	KUNIT_CASE(unmap_kernel),
	KUNIT_CASE(unmap_write),
	KUNIT_CASE(unmap_read),
	KUNIT_CASE(unmap_bookkeep),
	KUNIT_CASE(update_is_bookkeeping),
	KUNIT_CASE(clear_is_bookkeeping),
	KUNIT_CASE(unlocked_is_bookkeeping),
	KUNIT_CASE(close_shared),
	KUNIT_CASE(close_keeps_fence_kernel),
	KUNIT_CASE(close_keeps_fence_write),
	KUNIT_CASE(close_keeps_fence_read),
	KUNIT_CASE(close_keeps_fence_bookkeep),
	KUNIT_CASE(table_in_evicted_memory),
	KUNIT_CASE(table_moves_slowly),
	KUNIT_CASE(update_fails),
	KUNIT_CASE(busy_tables_stay_kernel),
	KUNIT_CASE(busy_tables_stay_write),
	KUNIT_CASE(busy_tables_stay_read),
	KUNIT_CASE(busy_tables_stay_bookkeep),
	KUNIT_CASE(idle_waits_kernel),
	KUNIT_CASE(idle_waits_write),
	KUNIT_CASE(idle_waits_read),
	KUNIT_CASE(idle_waits_bookkeep),
	KUNIT_CASE(cpu_map_kernel),
	KUNIT_CASE(cpu_map_write),
	KUNIT_CASE(cpu_map_read),
	KUNIT_CASE(cpu_map_bookkeep),
	KUNIT_CASE(cpu_unmap_kernel),
	KUNIT_CASE(cpu_unmap_write),
	KUNIT_CASE(cpu_unmap_read),
	KUNIT_CASE(cpu_unmap_bookkeep),
	KUNIT_CASE(cpu_takes_over),
	KUNIT_CASE(writable),
	{}
};

struct kunit_suite amdgpu_vm_suite = {
	.name = "amdgpu-vm",
	.init = amdgpu_mock_init,
	.exit = amdgpu_mock_exit,
	.test_cases = amdgpu_vm_cases,
};
