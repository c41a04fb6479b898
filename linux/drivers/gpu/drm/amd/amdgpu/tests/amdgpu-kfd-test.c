// SPDX-License-Identifier: GPL-2.0
/*
 * Compute processes: their eviction fence keeps the memory where it is, stops the
 * queues when somebody is about to move it, and bothers nobody else.
 */

#include <linux/dma-buf.h>
#include <linux/file.h>
#include <linux/kthread.h>
#include <linux/sched/mm.h>
#include <linux/workqueue.h>
#include <uapi/linux/kfd_ioctl.h>

#include "amdgpu-kunit.h"
#include "amdgpu-mock.h"
#include "amdgpu_amdkfd.h"
#include "amdgpu_dma_buf.h"
#include "oom-inject.h"

/**
 * struct compute - a compute process
 * @kgd: the device, as KFD calls it
 * @mm: its address space
 * @vm: its VM
 * @info: what the driver knows about it
 * @ef: its eviction fence, with a reference
 */
struct compute {
	struct kgd_dev *kgd;
	struct mm_struct *mm;
	struct amdgpu_vm *vm;
	void *info;
	struct dma_fence *ef;
};

static void compute_init(struct kunit *test, struct compute *p)
{
	void *vm = NULL;
	int r;

	memset(p, 0, sizeof(*p));
	p->kgd = (struct kgd_dev *)amdgpu_mock(test)->adev;
	p->mm = mm_alloc();
	KUNIT_ASSERT_TRUE(test, !!p->mm);

	/* The one that opens the device becomes its owner */
	kthread_use_mm(p->mm);
	r = amdgpu_amdkfd_gpuvm_create_process_vm(p->kgd, 0, &vm, &p->info,
						  &p->ef);
	kthread_unuse_mm(p->mm);
	if (r)
		mmput(p->mm);
	KUNIT_ASSERT_EQ(test, r, 0);
	p->vm = vm;
}

static void compute_fini(struct compute *p)
{
	amdgpu_amdkfd_gpuvm_destroy_process_vm(p->kgd, p->vm);
	dma_fence_put(p->ef);
	mmput(p->mm);
}

static struct kgd_mem *compute_alloc_pages(struct kunit *test, struct compute *p,
					   u64 address, unsigned long pages)
{
	struct kgd_mem *mem = NULL;
	int r;

	r = amdgpu_amdkfd_gpuvm_alloc_memory_of_gpu(p->kgd, address,
						    pages << PAGE_SHIFT, p->vm,
						    &mem, NULL,
						    KFD_IOC_ALLOC_MEM_FLAGS_VRAM |
						    KFD_IOC_ALLOC_MEM_FLAGS_WRITABLE);
	KUNIT_ASSERT_EQ(test, r, 0);

	return mem;
}

static struct kgd_mem *compute_alloc(struct kunit *test, struct compute *p)
{
	return compute_alloc_pages(test, p, 0x100000, 2);
}

static void compute_map(struct kunit *test, struct compute *p, struct kgd_mem *mem)
{
	KUNIT_EXPECT_EQ(test, 0,
			amdgpu_amdkfd_gpuvm_map_memory_to_gpu(p->kgd, mem,
							      p->vm));
}

static void compute_unmap(struct kunit *test, struct compute *p,
			  struct kgd_mem *mem)
{
	KUNIT_EXPECT_EQ(test, 0,
			amdgpu_amdkfd_gpuvm_unmap_memory_from_gpu(p->kgd, mem,
								  p->vm));
	/* Here the TLBs are flushed */
	KUNIT_EXPECT_EQ(test, 0, amdgpu_amdkfd_gpuvm_end_unmap(p->kgd, mem, true));
}

static void compute_free(struct kunit *test, struct compute *p,
			 struct kgd_mem *mem)
{
	KUNIT_EXPECT_EQ(test, 0,
			amdgpu_amdkfd_gpuvm_free_memory_of_gpu(p->kgd, mem,
							       NULL));
}

static struct dma_resv *root_of(struct compute *p)
{
	return p->vm->root.base.bo->tbo.base.resv;
}

static struct dma_resv *resv_of(struct kgd_mem *mem)
{
	return mem->bo->tbo.base.resv;
}

/* Has anybody asked for the process to be evicted? */
static bool evicted(struct dma_fence *ef)
{
	return test_bit(DMA_FENCE_FLAG_ENABLE_SIGNAL_BIT, &ef->flags) ||
	       test_bit(DMA_FENCE_FLAG_SIGNALED_BIT, &ef->flags);
}

static void fence_is_bookkeeping(struct kunit *test)
{
	struct kgd_mem *mem;
	struct compute p;

	compute_init(test, &p);
	AMDGPU_MOCK_EXPECT(test, root_of(&p), p.ef, DMA_RESV_USAGE_BOOKKEEP);

	mem = compute_alloc(test, &p);
	AMDGPU_MOCK_EXPECT(test, resv_of(mem), p.ef, -1);
	compute_map(test, &p, mem);
	AMDGPU_MOCK_EXPECT(test, resv_of(mem), p.ef, DMA_RESV_USAGE_BOOKKEEP);
	KUNIT_EXPECT_FALSE(test, evicted(p.ef));

	compute_unmap(test, &p, mem);
	AMDGPU_MOCK_EXPECT(test, resv_of(mem), p.ef, -1);
	AMDGPU_MOCK_EXPECT(test, root_of(&p), p.ef, DMA_RESV_USAGE_BOOKKEEP);
	compute_free(test, &p, mem);
	KUNIT_EXPECT_FALSE(test, evicted(p.ef));

	compute_fini(&p);
}

/* The queues don't wait later, so mapping waits like an implicit writer */
static void map_waits_usage(struct kunit *test, enum dma_resv_usage usage)
{
	struct dma_fence *fence = amdgpu_mock_foreign_fence(test);
	bool want = usage <= DMA_RESV_USAGE_READ;
	struct kgd_mem *mem;
	struct compute p;

	compute_init(test, &p);
	mem = compute_alloc(test, &p);
	amdgpu_mock_lock(test, resv_of(mem));
	amdgpu_mock_add(test, resv_of(mem), fence, usage);
	dma_resv_unlock(resv_of(mem));

	amdgpu_mock_signal_later(test, fence, want ? AMDGPU_MOCK_A_WHILE :
				 AMDGPU_MOCK_TOO_LONG);
	compute_map(test, &p, mem);
	KUNIT_EXPECT_EQ(test, dma_fence_is_signaled(fence), want);

	compute_unmap(test, &p, mem);
	compute_free(test, &p, mem);
	compute_fini(&p);
}

AMDGPU_MOCK_PER_USAGE(map_waits);

/* Neither jobs of the process, nor of others, nor its queues have it evicted */
static void nobody_waits(struct kunit *test)
{
	struct amdgpu_sync sync;
	enum dma_resv_usage usage;
	struct kgd_mem *mem;
	int r, other_vm;
	struct compute p;

	compute_init(test, &p);
	mem = compute_alloc(test, &p);
	compute_map(test, &p, mem);
	KUNIT_EXPECT_TRUE(test, dma_resv_test_signaled(resv_of(mem),
						       DMA_RESV_USAGE_READ));
	KUNIT_EXPECT_FALSE(test, dma_resv_test_signaled(resv_of(mem),
							DMA_RESV_USAGE_BOOKKEEP));

	amdgpu_mock_lock(test, resv_of(mem));
	amdgpu_sync_create(&sync);
	for (usage = 0; usage < AMDGPU_MOCK_USAGES; usage++) {
		KUNIT_EXPECT_EQ(test, 0,
				amdgpu_sync_resv(&sync, resv_of(mem), usage,
						 AMDGPU_SYNC_NE_OWNER, p.vm));
		KUNIT_EXPECT_EQ(test, 0,
				amdgpu_sync_resv(&sync, resv_of(mem), usage,
						 AMDGPU_SYNC_NE_OWNER,
						 &other_vm));
		KUNIT_EXPECT_EQ(test, 0,
				amdgpu_sync_resv(&sync, resv_of(mem), usage,
						 AMDGPU_SYNC_NE_OWNER,
						 AMDGPU_FENCE_OWNER_KFD));
	}
	KUNIT_EXPECT_PTR_EQ(test, (struct dma_fence *)NULL,
			    amdgpu_sync_peek_fence(&sync, NULL));
	r = amdgpu_bo_sync_wait(mem->bo, AMDGPU_FENCE_OWNER_KFD, false);
	KUNIT_EXPECT_EQ(test, r, 0);
	amdgpu_sync_free(&sync);
	dma_resv_unlock(resv_of(mem));
	KUNIT_EXPECT_FALSE(test, evicted(p.ef));

	compute_unmap(test, &p, mem);
	compute_free(test, &p, mem);
	compute_fini(&p);
}

/* Whoever moves the memory waits, which is what has the process evicted */
static void move_evicts(struct kunit *test)
{
	struct amdgpu_mock_ring *ring = &amdgpu_mock(test)->sdma;
	struct kgd_mem *mem;
	struct compute p;

	compute_init(test, &p);
	mem = compute_alloc(test, &p);
	compute_map(test, &p, mem);
	KUNIT_EXPECT_FALSE(test, evicted(p.ef));

	/* Let the scheduler do its part */
	ring->strict = true;
	amdgpu_mock_lock(test, resv_of(mem));
	amdgpu_mock_forget_jobs(ring);
	KUNIT_EXPECT_EQ(test, 0,
			amdgpu_mock_validate(mem->bo, AMDGPU_GEM_DOMAIN_GTT,
					     false));
	dma_resv_unlock(resv_of(mem));
	KUNIT_EXPECT_TRUE(test, amdgpu_mock_waited_for(test, ring, p.ef));
	KUNIT_EXPECT_GT(test, dma_fence_wait_timeout(p.ef, false, HZ), 0L);
	KUNIT_EXPECT_TRUE(test, evicted(p.ef));
	ring->strict = false;

	compute_unmap(test, &p, mem);
	compute_free(test, &p, mem);
	compute_fini(&p);
}

/* The page directory as well */
static void page_directory_move_evicts(struct kunit *test)
{
	struct amdgpu_sync sync;
	struct dma_fence *f;
	struct compute p;

	compute_init(test, &p);
	amdgpu_mock_lock(test, root_of(&p));
	amdgpu_sync_create(&sync);
	KUNIT_EXPECT_EQ(test, 0, amdgpu_sync_resv(&sync, root_of(&p),
						  DMA_RESV_USAGE_BOOKKEEP,
						  AMDGPU_SYNC_ALWAYS,
						  AMDGPU_FENCE_OWNER_UNDEFINED));
	f = amdgpu_sync_get_fence(&sync);
	KUNIT_EXPECT_PTR_EQ(test, f, p.ef);
	dma_fence_put(f);
	amdgpu_sync_free(&sync);
	dma_resv_unlock(root_of(&p));
	compute_fini(&p);
}

/* A process has nothing from evicting itself; it is no longer valuable to others */
static void own_memory_is_not_valuable(struct kunit *test)
{
	struct ttm_bo_driver *driver = amdgpu_mock(test)->adev->mman.bdev.driver;
	const struct ttm_place place = { .mem_type = TTM_PL_VRAM };
	bool own, other;
	struct kgd_mem *mem;
	struct compute p;

	compute_init(test, &p);
	mem = compute_alloc(test, &p);
	compute_map(test, &p, mem);

	amdgpu_mock_lock(test, resv_of(mem));
	other = driver->eviction_valuable(&mem->bo->tbo, &place);
	kthread_use_mm(p.mm);
	own = driver->eviction_valuable(&mem->bo->tbo, &place);
	kthread_unuse_mm(p.mm);
	dma_resv_unlock(resv_of(mem));
	KUNIT_EXPECT_TRUE(test, other);
	KUNIT_EXPECT_FALSE(test, own);

	compute_unmap(test, &p, mem);
	compute_free(test, &p, mem);
	compute_fini(&p);
}

/*
 * Unmapping takes the eviction fence out of the buffer and no other one: neither that
 * of another process, nor what anybody else has there. The memory stays until the
 * page tables are clear.
 */
static void unmap_leaves_others(struct kunit *test)
{
	struct dma_fence *fences[AMDGPU_MOCK_USAGES], *other_ef, *clear;
	struct amdgpu_mock_ring *ring = &amdgpu_mock(test)->sdma;
	enum dma_resv_usage usage;
	struct kgd_mem *mem;
	struct compute p;

	compute_init(test, &p);
	mem = compute_alloc(test, &p);
	compute_map(test, &p, mem);

	other_ef = amdgpu_mock_eviction_fence(test);
	amdgpu_mock_lock(test, resv_of(mem));
	amdgpu_mock_add(test, resv_of(mem), other_ef, DMA_RESV_USAGE_BOOKKEEP);
	for (usage = 0; usage < AMDGPU_MOCK_USAGES; usage++) {
		fences[usage] = amdgpu_mock_foreign_fence(test);
		amdgpu_mock_add(test, resv_of(mem), fences[usage], usage);
	}
	dma_resv_unlock(resv_of(mem));

	amdgpu_mock_hold(ring);
	compute_unmap(test, &p, mem);
	AMDGPU_MOCK_EXPECT(test, resv_of(mem), p.ef, -1);
	AMDGPU_MOCK_EXPECT(test, resv_of(mem), other_ef, DMA_RESV_USAGE_BOOKKEEP);
	for (usage = 0; usage < AMDGPU_MOCK_USAGES; usage++)
		AMDGPU_MOCK_EXPECT(test, resv_of(mem), fences[usage], usage);
	clear = amdgpu_mock_newest(test, resv_of(mem), AMDGPU_FENCE_OWNER_VM);
	KUNIT_EXPECT_TRUE(test, !!clear);
	if (clear)
		AMDGPU_MOCK_EXPECT(test, resv_of(mem), clear,
				   DMA_RESV_USAGE_BOOKKEEP);
	KUNIT_EXPECT_FALSE(test, evicted(p.ef));
	KUNIT_EXPECT_FALSE(test, evicted(other_ef));
	amdgpu_mock_release(ring);

	compute_free(test, &p, mem);
	compute_fini(&p);
}

/* It doesn't matter which of the fences of a process is taken out */
static void detach_takes_all_of_a_process(struct kunit *test)
{
	u64 context = dma_fence_context_alloc(1);
	struct amdgpu_amdkfd_fence *old, *new;
	struct dma_fence *other_ef, *foreign;
	struct dma_resv resv;

	old = amdgpu_amdkfd_fence_create(context, &init_mm);
	new = amdgpu_amdkfd_fence_create(context, &init_mm);
	KUNIT_ASSERT_TRUE(test, old && new);
	other_ef = amdgpu_mock_eviction_fence(test);
	foreign = amdgpu_mock_foreign_fence(test);

	dma_resv_init(&resv);
	dma_resv_lock(&resv, NULL);
	amdgpu_mock_add(test, &resv, other_ef, DMA_RESV_USAGE_BOOKKEEP);
	amdgpu_mock_add(test, &resv, foreign, DMA_RESV_USAGE_BOOKKEEP);

	KUNIT_ASSERT_EQ(test, dma_resv_reserve_fences(&resv, 1), 0);
	amdgpu_amdkfd_fence_attach(&resv, old);
	AMDGPU_MOCK_EXPECT(test, &resv, &old->base, DMA_RESV_USAGE_BOOKKEEP);
	amdgpu_amdkfd_fence_detach(&resv, new);
	AMDGPU_MOCK_EXPECT(test, &resv, &old->base, -1);

	KUNIT_ASSERT_EQ(test, dma_resv_reserve_fences(&resv, 1), 0);
	amdgpu_amdkfd_fence_attach(&resv, new);
	AMDGPU_MOCK_EXPECT(test, &resv, &new->base, DMA_RESV_USAGE_BOOKKEEP);
	amdgpu_amdkfd_fence_detach(&resv, old);
	AMDGPU_MOCK_EXPECT(test, &resv, &new->base, -1);

	/* Not there any more: nothing happens */
	amdgpu_amdkfd_fence_detach(&resv, new);
	AMDGPU_MOCK_EXPECT(test, &resv, other_ef, DMA_RESV_USAGE_BOOKKEEP);
	AMDGPU_MOCK_EXPECT(test, &resv, foreign, DMA_RESV_USAGE_BOOKKEEP);
	KUNIT_EXPECT_FALSE(test, evicted(&old->base));
	KUNIT_EXPECT_FALSE(test, evicted(&new->base));
	KUNIT_EXPECT_FALSE(test, evicted(other_ef));

	dma_resv_unlock(&resv);
	dma_resv_fini(&resv);
	dma_fence_put(&old->base);
	dma_fence_put(&new->base);
}

/* The same buffer may be mapped by another handle, which counts as well */
static void unmap_of_two(struct kunit *test)
{
	struct kgd_mem *mem, *again = NULL;
	struct dma_buf *dmabuf;
	struct compute p;
	int r;

	compute_init(test, &p);
	mem = compute_alloc(test, &p);
	dmabuf = amdgpu_gem_prime_export(&mem->bo->tbo.base, 0);
	KUNIT_ASSERT_FALSE(test, IS_ERR(dmabuf));
	r = amdgpu_amdkfd_gpuvm_import_dmabuf(p.kgd, dmabuf, 0x200000, p.vm,
					      &again, NULL, NULL);
	dma_buf_put(dmabuf);
	flush_delayed_fput();
	flush_scheduled_work();
	KUNIT_ASSERT_EQ(test, r, 0);

	compute_map(test, &p, mem);
	compute_map(test, &p, again);
	AMDGPU_MOCK_EXPECT(test, resv_of(mem), p.ef, DMA_RESV_USAGE_BOOKKEEP);
	compute_unmap(test, &p, mem);
	AMDGPU_MOCK_EXPECT(test, resv_of(again), p.ef, DMA_RESV_USAGE_BOOKKEEP);
	compute_free(test, &p, mem);
	AMDGPU_MOCK_EXPECT(test, resv_of(again), p.ef, DMA_RESV_USAGE_BOOKKEEP);
	compute_unmap(test, &p, again);
	AMDGPU_MOCK_EXPECT(test, resv_of(again), p.ef, -1);

	compute_free(test, &p, again);
	compute_fini(&p);
}

/* Nor is memory given up while a TLB may have its address */
static void unmap_ends_late(struct kunit *test)
{
	struct kgd_mem *mem;
	struct compute p;

	compute_init(test, &p);
	mem = compute_alloc(test, &p);
	compute_map(test, &p, mem);
	KUNIT_EXPECT_EQ(test, 0,
			amdgpu_amdkfd_gpuvm_unmap_memory_from_gpu(p.kgd, mem,
								  p.vm));
	AMDGPU_MOCK_EXPECT(test, resv_of(mem), p.ef, DMA_RESV_USAGE_BOOKKEEP);
	KUNIT_EXPECT_EQ(test, 0, amdgpu_amdkfd_gpuvm_end_unmap(p.kgd, mem, true));
	AMDGPU_MOCK_EXPECT(test, resv_of(mem), p.ef, -1);

	compute_free(test, &p, mem);
	compute_fini(&p);
}

/* It can't be freed either, as when a signal comes before the TLBs are flushed */
static void free_needs_flush(struct kunit *test)
{
	struct kgd_mem *mem;
	struct compute p;

	compute_init(test, &p);
	mem = compute_alloc(test, &p);
	KUNIT_EXPECT_FALSE(test, amdgpu_amdkfd_gpuvm_in_tlb(mem, NULL));
	compute_map(test, &p, mem);
	KUNIT_EXPECT_EQ(test, 0,
			amdgpu_amdkfd_gpuvm_unmap_memory_from_gpu(p.kgd, mem,
								  p.vm));
	KUNIT_EXPECT_TRUE(test, amdgpu_amdkfd_gpuvm_in_tlb(mem, p.vm));
	KUNIT_EXPECT_TRUE(test, amdgpu_amdkfd_gpuvm_in_tlb(mem, NULL));
	KUNIT_ASSERT_EQ(test, -EBUSY,
			amdgpu_amdkfd_gpuvm_free_memory_of_gpu(p.kgd, mem,
							       NULL));
	AMDGPU_MOCK_EXPECT(test, resv_of(mem), p.ef, DMA_RESV_USAGE_BOOKKEEP);

	/* To map it again doesn't flush */
	compute_map(test, &p, mem);
	KUNIT_EXPECT_TRUE(test, amdgpu_amdkfd_gpuvm_in_tlb(mem, p.vm));
	compute_unmap(test, &p, mem);
	KUNIT_EXPECT_FALSE(test, amdgpu_amdkfd_gpuvm_in_tlb(mem, NULL));
	AMDGPU_MOCK_EXPECT(test, resv_of(mem), p.ef, -1);

	compute_free(test, &p, mem);
	compute_fini(&p);
}

/* A process with a page table for the 2 MB at 0x200000 that nothing is mapped by */
static void compute_init_table(struct kunit *test, struct compute *p)
{
	struct kgd_mem *mem;

	compute_init(test, p);
	/* On this one the leaves can be tables or entries */
	amdgpu_mock(test)->adev->asic_type = CHIP_VEGA10;
	mem = compute_alloc_pages(test, p, 0x200000, 2);
	compute_map(test, p, mem);
	compute_unmap(test, p, mem);
	compute_free(test, p, mem);
	KUNIT_EXPECT_TRUE(test, list_empty(&p->vm->stale));
}

/* Page tables that are taken out stay until a flush, if only queues may walk them */
static void tables_go_late(struct kunit *test)
{
	struct list_head *stale;
	struct kgd_mem *mem;
	struct compute p;
	LIST_HEAD(taken);

	compute_init_table(test, &p);
	stale = &p.vm->stale;
	/* Needs none if it is contiguous, and at the latest has none left behind */
	mem = compute_alloc_pages(test, &p, 0x200000, 512);
	compute_map(test, &p, mem);
	compute_unmap(test, &p, mem);
	KUNIT_EXPECT_FALSE(test, list_empty(stale));
	KUNIT_EXPECT_EQ(test, 0,
			amdgpu_amdkfd_gpuvm_sync_memory(p.kgd, mem, false));

	amdgpu_amdkfd_gpuvm_take_stale(p.vm, &taken);
	KUNIT_EXPECT_TRUE(test, list_empty(stale));
	KUNIT_EXPECT_FALSE(test, list_empty(&taken));
	amdgpu_amdkfd_gpuvm_free_stale(&taken);
	KUNIT_EXPECT_TRUE(test, list_empty(&taken));

	compute_free(test, &p, mem);
	compute_fini(&p);
}

/* Memory that can't be freed for lack of memory is still there, and can be freed later */
static void free_fails(struct kunit *test)
{
	unsigned int nth, failed = 1;
	struct amdgpu_bo *bo;
	struct kgd_mem *mem;
	struct compute p;
	int r;

	r = oom_inject_start();
	if (r == -EOPNOTSUPP)
		return;
	KUNIT_ASSERT_EQ(test, r, 0);

	compute_init(test, &p);
	for (nth = 1; nth < 100 && failed; nth++) {
		mem = compute_alloc(test, &p);
		compute_map(test, &p, mem);
		compute_unmap(test, &p, mem);
		/* It is wiped at the end, which is not what should fail */
		bo = amdgpu_bo_ref(mem->bo);

		oom_inject_arm(nth, false);
		r = amdgpu_amdkfd_gpuvm_free_memory_of_gpu(p.kgd, mem, NULL);
		failed = oom_inject_disarm(NULL);
		if (r) {
			/* It is what it was, and known to be mapped */
			compute_map(test, &p, mem);
			KUNIT_EXPECT_EQ(test, 0,
					amdgpu_amdkfd_gpuvm_end_unmap(p.kgd, mem,
								      true));
			AMDGPU_MOCK_EXPECT(test, resv_of(mem), p.ef,
					   DMA_RESV_USAGE_BOOKKEEP);
			compute_unmap(test, &p, mem);
			AMDGPU_MOCK_EXPECT(test, resv_of(mem), p.ef, -1);
			compute_free(test, &p, mem);
		}
		amdgpu_bo_unref(&bo);
	}
	KUNIT_EXPECT_GT(test, nth, 2u);
	compute_fini(&p);
	oom_inject_stop();
}

static int commit_fails(struct amdgpu_vm_update_params *params,
			struct dma_fence **fence)
{
	amdgpu_job_free(params->job);
	params->job = NULL;

	return -ENOMEM;
}

/* A table stays if the update that takes it out is not submitted */
static void lost_tables_stay(struct kunit *test)
{
	const struct amdgpu_vm_update_funcs *real;
	struct amdgpu_vm_update_funcs broken;
	struct amdgpu_bo *table;
	struct kgd_mem *mem;
	struct compute p;
	LIST_HEAD(taken);

	compute_init_table(test, &p);
	KUNIT_ASSERT_TRUE(test, !!p.vm->root.entries);
	table = amdgpu_bo_ref(p.vm->root.entries[1].base.bo);
	KUNIT_ASSERT_TRUE(test, !!table);
	KUNIT_EXPECT_TRUE(test, list_empty(&table->shadow_list));

	real = p.vm->update_funcs;
	broken = *real;
	broken.commit = commit_fails;
	mem = compute_alloc_pages(test, &p, 0x200000, 512);
	p.vm->update_funcs = &broken;
	KUNIT_EXPECT_EQ(test, -ENOMEM,
			amdgpu_amdkfd_gpuvm_map_memory_to_gpu(p.kgd, mem, p.vm));
	p.vm->update_funcs = real;
	KUNIT_EXPECT_TRUE(test, !p.vm->root.entries[1].base.bo);

	/* Neither a flush has it, nor one who looks for memory */
	amdgpu_amdkfd_gpuvm_take_stale(p.vm, &taken);
	amdgpu_amdkfd_gpuvm_free_stale(&taken);
	KUNIT_EXPECT_FALSE(test, list_empty(&table->shadow_list));
	KUNIT_EXPECT_TRUE(test, list_empty(&table->tbo.lru));

	/* Nor when it is overwritten at last */
	compute_map(test, &p, mem);
	compute_unmap(test, &p, mem);
	KUNIT_EXPECT_EQ(test, 0,
			amdgpu_amdkfd_gpuvm_sync_memory(p.kgd, mem, false));
	amdgpu_amdkfd_gpuvm_take_stale(p.vm, &taken);
	amdgpu_amdkfd_gpuvm_free_stale(&taken);
	KUNIT_EXPECT_FALSE(test, list_empty(&table->shadow_list));

	compute_free(test, &p, mem);
	compute_fini(&p);
	KUNIT_EXPECT_TRUE(test, list_empty(&table->shadow_list));
	amdgpu_bo_unref(&table);
}

/* Nor does a flush have one while the update that takes it out has not run */
static void tables_wait_for_update(struct kunit *test)
{
	struct amdgpu_mock_ring *ring = &amdgpu_mock(test)->sdma;
	struct kgd_mem *mem;
	struct compute p;
	LIST_HEAD(taken);

	compute_init_table(test, &p);

	/* One thread unmaps, another one is about to flush for something else */
	mem = compute_alloc_pages(test, &p, 0x200000, 512);
	amdgpu_mock_hold(ring);
	compute_map(test, &p, mem);
	compute_unmap(test, &p, mem);
	KUNIT_EXPECT_FALSE(test, list_empty(&p.vm->stale));
	amdgpu_amdkfd_gpuvm_take_stale(p.vm, &taken);
	KUNIT_EXPECT_TRUE(test, list_empty(&taken));
	KUNIT_EXPECT_FALSE(test, list_empty(&p.vm->stale));
	amdgpu_amdkfd_gpuvm_free_stale(&taken);

	amdgpu_mock_release(ring);
	KUNIT_EXPECT_EQ(test, 0,
			amdgpu_amdkfd_gpuvm_sync_memory(p.kgd, mem, false));
	amdgpu_amdkfd_gpuvm_take_stale(p.vm, &taken);
	KUNIT_EXPECT_FALSE(test, list_empty(&taken));
	KUNIT_EXPECT_TRUE(test, list_empty(&p.vm->stale));
	amdgpu_amdkfd_gpuvm_free_stale(&taken);

	compute_free(test, &p, mem);
	compute_fini(&p);
}

/* What becomes of it if page tables can't be updated */
static int broken_map(struct compute *p, struct kgd_mem *mem, bool map)
{
	const struct amdgpu_vm_update_funcs *real = p->vm->update_funcs;
	struct amdgpu_vm_update_funcs broken = *real;
	int r;

	broken.commit = commit_fails;
	p->vm->update_funcs = &broken;
	if (map)
		r = amdgpu_amdkfd_gpuvm_map_memory_to_gpu(p->kgd, mem, p->vm);
	else
		r = amdgpu_amdkfd_gpuvm_unmap_memory_from_gpu(p->kgd, mem,
							      p->vm);
	p->vm->update_funcs = real;

	return r;
}

/* Memory that page tables still lead to stays, until they don't */
static void unmap_fails(struct kunit *test)
{
	struct kgd_mem *mem;
	struct compute p;

	compute_init(test, &p);
	mem = compute_alloc(test, &p);
	compute_map(test, &p, mem);
	KUNIT_ASSERT_EQ(test, broken_map(&p, mem, false), -ENOMEM);

	/* Whatever TLBs are flushed in the meantime */
	KUNIT_EXPECT_EQ(test, 0, amdgpu_amdkfd_gpuvm_end_unmap(p.kgd, mem, true));
	AMDGPU_MOCK_EXPECT(test, resv_of(mem), p.ef, DMA_RESV_USAGE_BOOKKEEP);
	KUNIT_ASSERT_EQ(test, -EBUSY,
			amdgpu_amdkfd_gpuvm_free_memory_of_gpu(p.kgd, mem,
							       NULL));

	compute_unmap(test, &p, mem);
	AMDGPU_MOCK_EXPECT(test, resv_of(mem), p.ef, -1);
	compute_free(test, &p, mem);
	compute_fini(&p);
}

/* But not for the sake of queues that are gone */
static void unmap_fails_at_the_end(struct kunit *test)
{
	struct kgd_mem *mem;
	struct compute p;

	compute_init(test, &p);
	mem = compute_alloc(test, &p);
	compute_map(test, &p, mem);
	KUNIT_EXPECT_EQ(test, broken_map(&p, mem, false), -ENOMEM);
	KUNIT_EXPECT_EQ(test, 0,
			amdgpu_amdkfd_gpuvm_end_unmap(p.kgd, mem, false));
	compute_free(test, &p, mem);
	compute_fini(&p);
}

/* So does memory that was mapped only in part */
static void map_fails(struct kunit *test)
{
	struct kfd_bo_va_list *entry;
	struct kgd_mem *mem;
	struct compute p;

	compute_init(test, &p);
	mem = compute_alloc(test, &p);
	KUNIT_ASSERT_EQ(test, broken_map(&p, mem, true), -ENOMEM);
	AMDGPU_MOCK_EXPECT(test, resv_of(mem), p.ef, DMA_RESV_USAGE_BOOKKEEP);
	KUNIT_ASSERT_EQ(test, -EBUSY,
			amdgpu_amdkfd_gpuvm_free_memory_of_gpu(p.kgd, mem,
							       NULL));

	/* To map it again completes it */
	entry = list_first_entry(&mem->bo_va_list, struct kfd_bo_va_list,
				 bo_list);
	KUNIT_EXPECT_TRUE(test, entry->bo_va->unknown);
	compute_map(test, &p, mem);
	KUNIT_EXPECT_FALSE(test, entry->bo_va->unknown);
	KUNIT_EXPECT_EQ(test, mem->mapped_to_gpu_memory, 1u);

	compute_unmap(test, &p, mem);
	AMDGPU_MOCK_EXPECT(test, resv_of(mem), p.ef, -1);
	compute_free(test, &p, mem);
	compute_fini(&p);
}

/* Who is told that all updates are complete has waited for them */
static void sync_fails(struct kunit *test)
{
	struct amdgpu_mock_ring *ring = &amdgpu_mock(test)->sdma;
	struct kgd_mem *mem;
	struct compute p;
	int r;

	r = oom_inject_start();
	if (r == -EOPNOTSUPP)
		return;
	KUNIT_ASSERT_EQ(test, r, 0);

	compute_init(test, &p);
	mem = compute_alloc(test, &p);
	amdgpu_mock_hold(ring);
	compute_map(test, &p, mem);
	oom_inject_arm(1, false);
	r = amdgpu_amdkfd_gpuvm_sync_memory(p.kgd, mem, false);
	KUNIT_EXPECT_GT(test, oom_inject_disarm(NULL), 0u);
	KUNIT_EXPECT_EQ(test, r, -ENOMEM);

	amdgpu_mock_release(ring);
	KUNIT_EXPECT_EQ(test, 0,
			amdgpu_amdkfd_gpuvm_sync_memory(p.kgd, mem, false));
	compute_unmap(test, &p, mem);
	compute_free(test, &p, mem);
	compute_fini(&p);
	oom_inject_stop();
}

/* After an eviction all of the memory gets a new fence, also as BOOKKEEP */
static void restore_renews(struct kunit *test)
{
	struct dma_fence *new = NULL;
	struct kgd_mem *mem;
	struct compute p;

	compute_init(test, &p);
	mem = compute_alloc(test, &p);
	compute_map(test, &p, mem);

	amdgpu_mock_lock(test, resv_of(mem));
	KUNIT_EXPECT_EQ(test, 0,
			amdgpu_mock_validate(mem->bo, AMDGPU_GEM_DOMAIN_GTT,
					     false));
	dma_resv_unlock(resv_of(mem));
	dma_fence_signal(p.ef);

	KUNIT_EXPECT_EQ(test, 0,
			amdgpu_amdkfd_gpuvm_restore_process_bos(p.info, &new));
	KUNIT_EXPECT_TRUE(test, new && new != p.ef);
	if (new) {
		AMDGPU_MOCK_EXPECT(test, resv_of(mem), new,
				   DMA_RESV_USAGE_BOOKKEEP);
		AMDGPU_MOCK_EXPECT(test, root_of(&p), new,
				   DMA_RESV_USAGE_BOOKKEEP);
		KUNIT_EXPECT_FALSE(test, evicted(new));
		dma_fence_put(p.ef);
		p.ef = new;
	}
	KUNIT_EXPECT_EQ(test, mem->bo->tbo.mem.mem_type, (u32)TTM_PL_VRAM);

	compute_unmap(test, &p, mem);
	compute_free(test, &p, mem);
	compute_fini(&p);
}

/* It waits for those who moved the page directory, or update it, but not in vain */
static void restore_waits_usage(struct kunit *test, enum dma_resv_usage usage)
{
	struct dma_fence *fence = amdgpu_mock_foreign_fence(test);
	struct dma_fence *new = NULL;
	struct compute p;

	compute_init(test, &p);
	amdgpu_mock_lock(test, root_of(&p));
	amdgpu_mock_add(test, root_of(&p), fence, usage);
	dma_resv_unlock(root_of(&p));
	dma_fence_signal(p.ef);

	amdgpu_mock_signal_later(test, fence, AMDGPU_MOCK_A_WHILE);
	KUNIT_EXPECT_EQ(test, 0,
			amdgpu_amdkfd_gpuvm_restore_process_bos(p.info, &new));
	KUNIT_EXPECT_TRUE(test, dma_fence_is_signaled(fence));
	if (new) {
		dma_fence_put(p.ef);
		p.ef = new;
	}
	compute_fini(&p);
}

AMDGPU_MOCK_PER_USAGE(restore_waits);

/* Of the memory that the queues are going to use, it waits for moves only */
static void restore_memory_usage(struct kunit *test, enum dma_resv_usage usage)
{
	struct dma_fence *fence = amdgpu_mock_foreign_fence(test);
	bool want = usage == DMA_RESV_USAGE_KERNEL;
	struct dma_fence *new = NULL;
	struct kgd_mem *mem;
	struct compute p;

	compute_init(test, &p);
	mem = compute_alloc(test, &p);
	compute_map(test, &p, mem);

	amdgpu_mock_lock(test, resv_of(mem));
	amdgpu_mock_add(test, resv_of(mem), fence, usage);
	dma_resv_unlock(resv_of(mem));
	dma_fence_signal(p.ef);

	amdgpu_mock_signal_later(test, fence, want ? AMDGPU_MOCK_A_WHILE :
				 AMDGPU_MOCK_TOO_LONG);
	KUNIT_EXPECT_EQ(test, 0,
			amdgpu_amdkfd_gpuvm_restore_process_bos(p.info, &new));
	KUNIT_EXPECT_EQ(test, dma_fence_is_signaled(fence), want);
	if (new) {
		dma_fence_put(p.ef);
		p.ef = new;
	}

	compute_unmap(test, &p, mem);
	compute_free(test, &p, mem);
	compute_fini(&p);
}

AMDGPU_MOCK_PER_USAGE(restore_memory);

/*
 * The VM goes away while page tables are being updated: nobody is evicted for it, and
 * the fences that the page directory had stay in it.
 */
static void teardown_leaves_others(struct kunit *test)
{
	struct dma_fence *fences[AMDGPU_MOCK_USAGES];
	enum dma_resv_usage usage;
	struct amdgpu_bo *root;
	struct compute p;

	compute_init(test, &p);
	root = amdgpu_bo_ref(p.vm->root.base.bo);
	amdgpu_mock_lock(test, root->tbo.base.resv);
	for (usage = 0; usage < AMDGPU_MOCK_USAGES; usage++) {
		fences[usage] = amdgpu_mock_foreign_fence(test);
		amdgpu_mock_add(test, root->tbo.base.resv, fences[usage], usage);
	}
	dma_resv_unlock(root->tbo.base.resv);

	amdgpu_amdkfd_gpuvm_destroy_cb(amdgpu_mock(test)->adev, p.vm);
	AMDGPU_MOCK_EXPECT(test, root->tbo.base.resv, p.ef, -1);
	for (usage = 0; usage < AMDGPU_MOCK_USAGES; usage++)
		AMDGPU_MOCK_EXPECT(test, root->tbo.base.resv, fences[usage],
				   usage);

	amdgpu_bo_unref(&root);
	amdgpu_amdkfd_gpuvm_destroy_process_vm(p.kgd, p.vm);
	KUNIT_EXPECT_FALSE(test, evicted(p.ef));
	dma_fence_put(p.ef);
	mmput(p.mm);
}

static struct kunit_case amdgpu_kfd_cases[] = {
	KUNIT_CASE(fence_is_bookkeeping),
	KUNIT_CASE(map_waits_kernel),
	KUNIT_CASE(map_waits_write),
	KUNIT_CASE(map_waits_read),
	KUNIT_CASE(map_waits_bookkeep),
	KUNIT_CASE(nobody_waits),
	KUNIT_CASE(move_evicts),
	KUNIT_CASE(page_directory_move_evicts),
	KUNIT_CASE(own_memory_is_not_valuable),
	KUNIT_CASE(unmap_leaves_others),
	KUNIT_CASE(unmap_of_two),
	KUNIT_CASE(unmap_ends_late),
	KUNIT_CASE(free_needs_flush),
	KUNIT_CASE(tables_go_late),
	KUNIT_CASE(lost_tables_stay),
	KUNIT_CASE(tables_wait_for_update),
	KUNIT_CASE(unmap_fails),
	KUNIT_CASE(unmap_fails_at_the_end),
	KUNIT_CASE(map_fails),
	KUNIT_CASE(sync_fails),
	KUNIT_CASE(detach_takes_all_of_a_process),
	KUNIT_CASE(restore_renews),
	KUNIT_CASE(restore_waits_kernel),
	KUNIT_CASE(restore_waits_write),
	KUNIT_CASE(restore_waits_read),
	KUNIT_CASE(restore_waits_bookkeep),
	KUNIT_CASE(restore_memory_kernel),
	KUNIT_CASE(restore_memory_write),
	KUNIT_CASE(restore_memory_read),
	KUNIT_CASE(restore_memory_bookkeep),
	KUNIT_CASE(teardown_leaves_others),
	KUNIT_CASE(free_fails),
	{}
};

struct kunit_suite amdgpu_kfd_suite = {
	.name = "amdgpu-kfd",
	.init = amdgpu_mock_init,
	.exit = amdgpu_mock_exit,
	.test_cases = amdgpu_kfd_cases,
};
