// SPDX-License-Identifier: GPL-2.0
/*
 * Buffers that are shared with other drivers, and with other devices of the same:
 * importers wait for moves before they get at the memory, and hear of the next one.
 */

#include <linux/dma-buf.h>
#include <linux/file.h>
#include <linux/workqueue.h>

#include "amdgpu-kunit.h"
#include "amdgpu-mock.h"
#include "amdgpu_dma_buf.h"

/* What drm_prime does when user space asks for a file descriptor */
static struct dma_buf *export(struct kunit *test, struct amdgpu_bo *bo)
{
	struct dma_buf *dmabuf;

	dmabuf = amdgpu_gem_prime_export(&bo->tbo.base, 0);
	KUNIT_ASSERT_FALSE(test, IS_ERR(dmabuf));
	bo->tbo.base.dma_buf = dmabuf;

	return dmabuf;
}

static void unexport(struct amdgpu_bo *bo)
{
	struct dma_buf *dmabuf = bo->tbo.base.dma_buf;

	bo->tbo.base.dma_buf = NULL;
	dma_buf_put(dmabuf);
	/* From a kernel thread it is closed by a worker, or here if we are faster */
	flush_delayed_fput();
	flush_scheduled_work();
}

static struct amdgpu_bo *new_bo(struct kunit *test, u32 domain)
{
	return amdgpu_mock_bo(test, amdgpu_mock(test), 2, domain, 0, NULL);
}

static void add_fence(struct kunit *test, struct amdgpu_bo *bo,
		      struct dma_fence *fence, enum dma_resv_usage usage)
{
	amdgpu_mock_lock(test, bo->tbo.base.resv);
	amdgpu_mock_add(test, bo->tbo.base.resv, fence, usage);
	dma_resv_unlock(bo->tbo.base.resv);
}

/* An importer that is told of moves, and notes down the circumstances */
struct importer {
	unsigned int told;
	bool locked;
	u32 mem_type;
};

static void importer_move_notify(struct dma_buf_attachment *attach)
{
	struct amdgpu_bo *bo = gem_to_amdgpu_bo(attach->dmabuf->priv);
	struct importer *importer = attach->importer_priv;

	importer->told++;
	importer->locked = dma_resv_is_locked(attach->dmabuf->resv);
	importer->mem_type = bo->tbo.mem.mem_type;
}

static const struct dma_buf_attach_ops importer_ops = {
	.allow_peer2peer = true,
	.move_notify = importer_move_notify,
};

static struct dma_buf_attachment *attach(struct kunit *test,
					 struct dma_buf *dmabuf,
					 struct importer *importer)
{
	struct device *dev = &amdgpu_mock_other(test)->pdev->dev;
	struct dma_buf_attachment *attachment;

	memset(importer, 0, sizeof(*importer));
	attachment = dma_buf_dynamic_attach(dmabuf, dev, &importer_ops, importer);
	KUNIT_ASSERT_FALSE(test, IS_ERR(attachment));

	return attachment;
}

/* Sharing a buffer makes no fence mean anything else, and waits for none */
static void sharing_keeps_fence_usage(struct kunit *test,
				      enum dma_resv_usage usage)
{
	struct amdgpu_bo *bo = new_bo(test, AMDGPU_GEM_DOMAIN_GTT);
	struct dma_fence *fence, *own;
	struct dma_buf_attachment *attachment;
	struct importer importer;
	enum dma_resv_usage u;
	struct dma_buf *dmabuf;

	fence = amdgpu_mock_foreign_fence(test);
	own = amdgpu_mock_job_fence(test, amdgpu_mock(test), test);
	add_fence(test, bo, fence, usage);
	add_fence(test, bo, own, usage);
	amdgpu_mock_signal_later(test, fence, AMDGPU_MOCK_TOO_LONG);
	amdgpu_mock_signal_later(test, own, AMDGPU_MOCK_TOO_LONG);

	dmabuf = export(test, bo);
	KUNIT_EXPECT_PTR_EQ(test, dmabuf->resv, bo->tbo.base.resv);
	attachment = attach(test, dmabuf, &importer);
	AMDGPU_MOCK_EXPECT(test, dmabuf->resv, fence, usage);
	AMDGPU_MOCK_EXPECT(test, dmabuf->resv, own, usage);
	/* Nor does another fence stand for them */
	for (u = DMA_RESV_USAGE_KERNEL; u < usage; u++)
		KUNIT_EXPECT_TRUE(test, dma_resv_test_signaled(dmabuf->resv, u));

	dma_buf_detach(dmabuf, attachment);
	AMDGPU_MOCK_EXPECT(test, dmabuf->resv, fence, usage);
	AMDGPU_MOCK_EXPECT(test, dmabuf->resv, own, usage);
	KUNIT_EXPECT_FALSE(test, dma_fence_is_signaled(fence));
	KUNIT_EXPECT_FALSE(test, dma_fence_is_signaled(own));
	unexport(bo);
}

AMDGPU_MOCK_PER_USAGE(sharing_keeps_fence);

/* What importers do; each waits for moves, and for nothing else */
static void check_access(struct kunit *test, enum dma_resv_usage usage,
			 void (*access)(struct kunit *, struct dma_buf *))
{
	struct amdgpu_bo *bo = new_bo(test, AMDGPU_GEM_DOMAIN_GTT);
	struct dma_fence *fence = amdgpu_mock_foreign_fence(test);
	bool want = usage == DMA_RESV_USAGE_KERNEL;
	struct dma_buf *dmabuf = export(test, bo);

	add_fence(test, bo, fence, usage);
	amdgpu_mock_signal_later(test, fence, want ? AMDGPU_MOCK_A_WHILE :
				 AMDGPU_MOCK_TOO_LONG);
	access(test, dmabuf);
	KUNIT_EXPECT_EQ(test, dma_fence_is_signaled(fence), want);
	unexport(bo);
}

static void pin(struct kunit *test, struct dma_buf *dmabuf)
{
	struct dma_buf_attachment *attachment;
	struct importer importer;

	attachment = attach(test, dmabuf, &importer);
	amdgpu_mock_lock(test, dmabuf->resv);
	KUNIT_EXPECT_EQ(test, dma_buf_pin(attachment), 0);
	dma_buf_unpin(attachment);
	dma_resv_unlock(dmabuf->resv);
	dma_buf_detach(dmabuf, attachment);
}

static void pin_waits_usage(struct kunit *test, enum dma_resv_usage usage)
{
	check_access(test, usage, pin);
}

AMDGPU_MOCK_PER_USAGE(pin_waits);

/* Those who can't be told of moves have the buffer pinned, and get an sg table */
static void map_static(struct kunit *test, struct dma_buf *dmabuf)
{
	struct device *dev = &amdgpu_mock_other(test)->pdev->dev;
	struct dma_buf_attachment *attachment;
	struct sg_table *sgt;

	attachment = dma_buf_attach(dmabuf, dev);
	KUNIT_ASSERT_FALSE(test, IS_ERR(attachment));
	sgt = dma_buf_map_attachment(attachment, DMA_BIDIRECTIONAL);
	KUNIT_EXPECT_FALSE(test, IS_ERR_OR_NULL(sgt));
	if (!IS_ERR_OR_NULL(sgt))
		dma_buf_unmap_attachment(attachment, sgt, DMA_BIDIRECTIONAL);
	dma_buf_detach(dmabuf, attachment);
}

static void map_waits_usage(struct kunit *test, enum dma_resv_usage usage)
{
	check_access(test, usage, map_static);
}

AMDGPU_MOCK_PER_USAGE(map_waits);

static void map_cpu(struct kunit *test, struct dma_buf *dmabuf)
{
	void *address;

	/* As drm_gem_dmabuf_vmap() comes to it */
	address = amdgpu_gem_prime_vmap(dmabuf->priv);
	KUNIT_EXPECT_FALSE(test, IS_ERR_OR_NULL(address));
	if (!IS_ERR_OR_NULL(address))
		amdgpu_gem_prime_vunmap(dmabuf->priv, address);
}

static void vmap_waits_usage(struct kunit *test, enum dma_resv_usage usage)
{
	check_access(test, usage, map_cpu);
}

AMDGPU_MOCK_PER_USAGE(vmap_waits);

/*
 * Those who are told of moves get an sg table at once, and find the move that it took
 * among the KERNEL fences.
 */
static void dynamic_map_tells(struct kunit *test)
{
	struct amdgpu_bo *bo = new_bo(test, AMDGPU_GEM_DOMAIN_VRAM);
	struct dma_buf *dmabuf = export(test, bo);
	struct dma_buf_attachment *attachment;
	struct importer importer;
	struct dma_fence *move;
	struct sg_table *sgt;

	attachment = attach(test, dmabuf, &importer);
	amdgpu_mock_hold(&amdgpu_mock(test)->sdma);
	amdgpu_mock_lock(test, dmabuf->resv);
	sgt = dma_buf_map_attachment(attachment, DMA_BIDIRECTIONAL);
	KUNIT_EXPECT_FALSE(test, IS_ERR_OR_NULL(sgt));
	KUNIT_EXPECT_EQ(test, bo->tbo.mem.mem_type, (u32)TTM_PL_TT);
	move = amdgpu_mock_newest(test, dmabuf->resv,
				  AMDGPU_FENCE_OWNER_UNDEFINED);
	KUNIT_EXPECT_TRUE(test, !!move);
	if (move)
		AMDGPU_MOCK_EXPECT(test, dmabuf->resv, move,
				   DMA_RESV_USAGE_KERNEL);
	if (!IS_ERR_OR_NULL(sgt))
		dma_buf_unmap_attachment(attachment, sgt, DMA_BIDIRECTIONAL);
	dma_resv_unlock(dmabuf->resv);
	dma_buf_detach(dmabuf, attachment);
	amdgpu_mock_release(&amdgpu_mock(test)->sdma);
	unexport(bo);
}

/* Each importer is told, under the lock, and while the buffer is still where it was */
static void move_is_told(struct kunit *test)
{
	struct amdgpu_bo *bo = new_bo(test, AMDGPU_GEM_DOMAIN_VRAM);
	struct dma_buf *dmabuf = export(test, bo);
	struct dma_buf_attachment *attachment[2];
	struct importer importer[2];
	int i;

	for (i = 0; i < 2; i++)
		attachment[i] = attach(test, dmabuf, &importer[i]);

	amdgpu_mock_lock(test, dmabuf->resv);
	KUNIT_EXPECT_EQ(test, 0,
			amdgpu_mock_validate(bo, AMDGPU_GEM_DOMAIN_GTT, false));
	dma_resv_unlock(dmabuf->resv);

	for (i = 0; i < 2; i++) {
		KUNIT_EXPECT_EQ(test, importer[i].told, 1u);
		KUNIT_EXPECT_TRUE(test, importer[i].locked);
		KUNIT_EXPECT_EQ(test, importer[i].mem_type, (u32)TTM_PL_VRAM);
		dma_buf_detach(dmabuf, attachment[i]);
	}
	unexport(bo);
}

/* Another device of ours lets go of the pages, and its page tables of the address */
static void move_reaches_other_device(struct kunit *test)
{
	struct amdgpu_mock *other = amdgpu_mock_other(test);
	struct amdgpu_mock_process *process;
	struct amdgpu_bo *bo, *import;
	struct amdgpu_bo_va *bo_va;
	struct drm_gem_object *obj;
	struct dma_buf *dmabuf;

	bo = new_bo(test, AMDGPU_GEM_DOMAIN_GTT);
	dmabuf = export(test, bo);
	obj = amdgpu_gem_prime_import(adev_to_drm(other->adev), dmabuf);
	KUNIT_ASSERT_FALSE(test, IS_ERR(obj));
	import = gem_to_amdgpu_bo(obj);
	amdgpu_mock_keep(test, obj);
	KUNIT_EXPECT_PTR_EQ(test, import->tbo.base.resv, bo->tbo.base.resv);

	process = amdgpu_mock_process(test, other, AMDGPU_VM_CONTEXT_GFX);
	bo_va = amdgpu_mock_map(test, process, import);
	amdgpu_mock_process_lock(test, process, import);
	KUNIT_EXPECT_EQ(test, 0, amdgpu_mock_validate(import,
						      AMDGPU_GEM_DOMAIN_GTT,
						      false));
	amdgpu_mock_update(test, process, bo_va);
	amdgpu_mock_process_unlock(process, import);
	KUNIT_EXPECT_EQ(test, import->tbo.mem.mem_type, (u32)TTM_PL_TT);
	KUNIT_EXPECT_FALSE(test, bo_va->cleared);

	amdgpu_mock_hold(&other->sdma);
	amdgpu_mock_lock(test, dmabuf->resv);
	KUNIT_EXPECT_EQ(test, 0,
			amdgpu_mock_validate(bo, AMDGPU_GEM_DOMAIN_VRAM, false));
	dma_resv_unlock(dmabuf->resv);
	KUNIT_EXPECT_EQ(test, import->tbo.mem.mem_type, (u32)TTM_PL_SYSTEM);
	KUNIT_EXPECT_TRUE(test, bo_va->cleared);
	/* Only the importer's own page tables are concerned */
	KUNIT_EXPECT_TRUE(test,
			  dma_resv_test_signaled(amdgpu_mock_root(process),
						 DMA_RESV_USAGE_READ));
	KUNIT_EXPECT_FALSE(test,
			   dma_resv_test_signaled(amdgpu_mock_root(process),
						  DMA_RESV_USAGE_BOOKKEEP));
	amdgpu_mock_release(&other->sdma);

	amdgpu_gem_object_close(obj, &process->file);
	amdgpu_mock_put(test, import);
	unexport(bo);
}

/* What can't be cleared now, as the page tables are on their way out, is not forgotten */
static void move_of_evicted_vm(struct kunit *test)
{
	struct amdgpu_mock *other = amdgpu_mock_other(test);
	struct amdgpu_mock_process *process;
	struct amdgpu_bo *bo, *import;
	struct amdgpu_bo_va *bo_va;
	struct drm_gem_object *obj;
	struct dma_buf *dmabuf;
	struct amdgpu_vm *vm;

	bo = new_bo(test, AMDGPU_GEM_DOMAIN_GTT);
	dmabuf = export(test, bo);
	obj = amdgpu_gem_prime_import(adev_to_drm(other->adev), dmabuf);
	KUNIT_ASSERT_FALSE(test, IS_ERR(obj));
	import = gem_to_amdgpu_bo(obj);
	amdgpu_mock_keep(test, obj);

	process = amdgpu_mock_process(test, other, AMDGPU_VM_CONTEXT_GFX);
	vm = &process->fpriv.vm;
	bo_va = amdgpu_mock_map(test, process, import);
	amdgpu_mock_process_lock(test, process, import);
	KUNIT_EXPECT_EQ(test, 0, amdgpu_mock_validate(import,
						      AMDGPU_GEM_DOMAIN_GTT,
						      false));
	amdgpu_mock_update(test, process, bo_va);
	amdgpu_mock_process_unlock(process, import);

	vm->evicting = true;
	amdgpu_mock_lock(test, dmabuf->resv);
	KUNIT_EXPECT_EQ(test, 0,
			amdgpu_mock_validate(bo, AMDGPU_GEM_DOMAIN_VRAM, false));
	dma_resv_unlock(dmabuf->resv);
	KUNIT_EXPECT_FALSE(test, bo_va->cleared);
	amdgpu_gem_object_close(obj, &process->file);
	KUNIT_EXPECT_FALSE(test, list_empty(&vm->freed));

	/* Nor is it by somebody who comes too early */
	amdgpu_mock_process_lock(test, process, NULL);
	KUNIT_EXPECT_EQ(test, -EBUSY,
			amdgpu_vm_clear_freed(other->adev, vm, NULL));
	KUNIT_EXPECT_FALSE(test, list_empty(&vm->freed));
	vm->evicting = false;
	KUNIT_EXPECT_EQ(test, 0, amdgpu_vm_clear_freed(other->adev, vm, NULL));
	KUNIT_EXPECT_TRUE(test, list_empty(&vm->freed));
	amdgpu_mock_process_unlock(process, NULL);

	amdgpu_mock_put(test, import);
	unexport(bo);
}

static struct kunit_case amdgpu_dma_buf_cases[] = {
	KUNIT_CASE(sharing_keeps_fence_kernel),
	KUNIT_CASE(sharing_keeps_fence_write),
	KUNIT_CASE(sharing_keeps_fence_read),
	KUNIT_CASE(sharing_keeps_fence_bookkeep),
	KUNIT_CASE(pin_waits_kernel),
	KUNIT_CASE(pin_waits_write),
	KUNIT_CASE(pin_waits_read),
	KUNIT_CASE(pin_waits_bookkeep),
	KUNIT_CASE(map_waits_kernel),
	KUNIT_CASE(map_waits_write),
	KUNIT_CASE(map_waits_read),
	KUNIT_CASE(map_waits_bookkeep),
	KUNIT_CASE(vmap_waits_kernel),
	KUNIT_CASE(vmap_waits_write),
	KUNIT_CASE(vmap_waits_read),
	KUNIT_CASE(vmap_waits_bookkeep),
	KUNIT_CASE(dynamic_map_tells),
	KUNIT_CASE(move_is_told),
	KUNIT_CASE(move_reaches_other_device),
	KUNIT_CASE(move_of_evicted_vm),
	{}
};

struct kunit_suite amdgpu_dma_buf_suite = {
	.name = "amdgpu-dma-buf",
	.init = amdgpu_mock_init,
	.exit = amdgpu_mock_exit,
	.test_cases = amdgpu_dma_buf_cases,
};
