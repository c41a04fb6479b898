// SPDX-License-Identifier: GPL-2.0
/*
 * Processes that have opened the mock device, and what they have there.
 */

#include <linux/slab.h>

#include "amdgpu-mock.h"
#include "amdgpu_gem.h"

/* A buffer that a test case owns */
struct amdgpu_mock_buffer {
	struct list_head node;
	struct drm_gem_object *obj;
};

static struct amdgpu_mock_test *to_mock_test(struct kunit *test)
{
	return test->priv;
}

/**
 * amdgpu_mock_keep - let the test case own a buffer
 * @test: the test case
 * @obj: the buffer, whose reference is handed over
 */
void amdgpu_mock_keep(struct kunit *test, struct drm_gem_object *obj)
{
	struct amdgpu_mock_buffer *buffer;

	buffer = kzalloc(sizeof(*buffer), GFP_KERNEL);
	KUNIT_ASSERT_TRUE(test, !!buffer);
	buffer->obj = obj;
	list_add_tail(&buffer->node, &to_mock_test(test)->buffers);
}

/**
 * amdgpu_mock_bo - make a buffer as user space does
 * @test: the test case, which keeps a reference
 * @dev: the device
 * @pages: its size
 * @domain: where to put it
 * @flags: AMDGPU_GEM_CREATE_something
 * @resv: the locked reservation object that it shares, or NULL
 *
 * Return: the buffer.
 */
struct amdgpu_bo *amdgpu_mock_bo(struct kunit *test, struct amdgpu_mock *dev,
				 unsigned long pages, u32 domain, u64 flags,
				 struct dma_resv *resv)
{
	struct drm_gem_object *obj;
	int r;

	r = amdgpu_gem_object_create(dev->adev, pages << PAGE_SHIFT, PAGE_SIZE,
				     domain, flags, ttm_bo_type_device, resv,
				     &obj);
	KUNIT_ASSERT_EQ(test, r, 0);
	amdgpu_mock_keep(test, obj);

	return gem_to_amdgpu_bo(obj);
}

/**
 * amdgpu_mock_put - give up a buffer that nobody has mapped
 * @test: the test case
 * @bo: the buffer
 */
void amdgpu_mock_put(struct kunit *test, struct amdgpu_bo *bo)
{
	struct amdgpu_mock_buffer *buffer, *next;

	list_for_each_entry_safe(buffer, next, &to_mock_test(test)->buffers,
				 node) {
		if (buffer->obj != &bo->tbo.base)
			continue;
		list_del(&buffer->node);
		drm_gem_object_put(buffer->obj);
		kfree(buffer);
	}
}

/**
 * amdgpu_mock_validate - have a locked buffer where it is wanted
 * @bo: the buffer
 * @domain: where it is wanted
 * @no_wait: rather fail than wait for a fence
 *
 * Return: what ttm_bo_validate() does.
 */
int amdgpu_mock_validate(struct amdgpu_bo *bo, u32 domain, bool no_wait)
{
	struct ttm_operation_ctx ctx = { .no_wait_gpu = no_wait };

	amdgpu_bo_placement_from_domain(bo, domain);

	return ttm_bo_validate(&bo->tbo, &bo->placement, &ctx);
}

/**
 * amdgpu_mock_process - have somebody open a device
 * @test: the test case
 * @dev: the device
 * @vm_context: AMDGPU_VM_CONTEXT_GFX or AMDGPU_VM_CONTEXT_COMPUTE
 *
 * Return: the process, which ends with the test case.
 */
struct amdgpu_mock_process *amdgpu_mock_process(struct kunit *test,
						struct amdgpu_mock *dev,
						int vm_context)
{
	struct amdgpu_mock_process *process;
	int r;

	process = kzalloc(sizeof(*process), GFP_KERNEL);
	KUNIT_ASSERT_TRUE(test, !!process);

	process->dev = dev;
	process->file.driver_priv = &process->fpriv;
	r = amdgpu_vm_init(dev->adev, &process->fpriv.vm, vm_context, 0);
	if (r)
		kfree(process);
	KUNIT_ASSERT_EQ(test, r, 0);
	list_add_tail(&process->node, &to_mock_test(test)->processes);

	return process;
}

/**
 * amdgpu_mock_root - look up the reservation object of the page tables
 * @process: whose page tables
 *
 * Return: the reservation object.
 */
struct dma_resv *amdgpu_mock_root(struct amdgpu_mock_process *process)
{
	return process->fpriv.vm.root.base.bo->tbo.base.resv;
}

/**
 * amdgpu_mock_process_lock - lock the page tables, and have slots for updates
 * @test: the test case
 * @process: whose page tables
 * @bo: a buffer to lock as well, or NULL
 */
void amdgpu_mock_process_lock(struct kunit *test,
			      struct amdgpu_mock_process *process,
			      struct amdgpu_bo *bo)
{
	struct dma_resv *root = amdgpu_mock_root(process);
	struct dma_resv *first = root, *second = NULL;
	int r;

	if (bo && bo->tbo.base.resv != root)
		second = bo->tbo.base.resv;

	ww_acquire_init(&process->ticket, &reservation_ww_class);
	r = dma_resv_lock(first, &process->ticket);
	KUNIT_ASSERT_EQ(test, r, 0);
	/* Deadlocks are made up for the sake of debugging */
	while (second) {
		r = dma_resv_lock(second, &process->ticket);
		if (r != -EDEADLK)
			break;
		dma_resv_unlock(first);
		dma_resv_lock_slow(second, &process->ticket);
		swap(first, second);
	}
	KUNIT_ASSERT_EQ(test, r, 0);
	ww_acquire_done(&process->ticket);
	KUNIT_ASSERT_EQ(test,
			dma_resv_reserve_fences(root, AMDGPU_VM_UPDATE_SLOTS),
			0);
}

/**
 * amdgpu_mock_process_unlock - undo amdgpu_mock_process_lock()
 * @process: whose page tables
 * @bo: the buffer that was locked as well, or NULL
 */
void amdgpu_mock_process_unlock(struct amdgpu_mock_process *process,
				struct amdgpu_bo *bo)
{
	struct dma_resv *root = amdgpu_mock_root(process);

	if (bo && bo->tbo.base.resv != root)
		dma_resv_unlock(bo->tbo.base.resv);
	dma_resv_unlock(root);
	ww_acquire_fini(&process->ticket);
}

/**
 * amdgpu_mock_map - have a process map a buffer, without updating the page tables
 * @test: the test case
 * @process: the process
 * @bo: the buffer
 *
 * Return: what the VM knows about the buffer.
 */
struct amdgpu_bo_va *amdgpu_mock_map(struct kunit *test,
				     struct amdgpu_mock_process *process,
				     struct amdgpu_bo *bo)
{
	struct amdgpu_bo_va *bo_va;
	int r;

	r = amdgpu_gem_object_open(&bo->tbo.base, &process->file);
	KUNIT_ASSERT_EQ(test, r, 0);

	amdgpu_mock_process_lock(test, process, bo);
	bo_va = amdgpu_vm_bo_find(&process->fpriv.vm, bo);
	KUNIT_ASSERT_TRUE(test, !!bo_va);
	r = amdgpu_vm_bo_map(process->dev->adev, bo_va, process->next, 0,
			     amdgpu_bo_size(bo), AMDGPU_PTE_READABLE |
			     AMDGPU_PTE_WRITEABLE | AMDGPU_PTE_VALID);
	process->next += amdgpu_bo_size(bo);
	amdgpu_mock_process_unlock(process, bo);
	KUNIT_ASSERT_EQ(test, r, 0);

	return bo_va;
}

/**
 * amdgpu_mock_update - update page tables for a mapping, as a submission does
 * @test: the test case
 * @process: whose page tables, locked
 * @bo_va: the mapping
 */
void amdgpu_mock_update(struct kunit *test, struct amdgpu_mock_process *process,
			struct amdgpu_bo_va *bo_va)
{
	struct amdgpu_device *adev = process->dev->adev;

	KUNIT_EXPECT_EQ(test, amdgpu_vm_bo_update(adev, bo_va, false), 0);
	KUNIT_EXPECT_EQ(test, amdgpu_vm_update_pdes(adev, &process->fpriv.vm,
						    false), 0);
}

/**
 * amdgpu_mock_processes_fini - end all processes, and give up all buffers
 * @test: the test case
 */
void amdgpu_mock_processes_fini(struct kunit *test)
{
	struct amdgpu_mock_test *mock = to_mock_test(test);
	struct amdgpu_mock_process *process, *next_process;
	struct amdgpu_mock_buffer *buffer, *next_buffer;

	list_for_each_entry_safe(process, next_process, &mock->processes, node) {
		struct amdgpu_vm *vm = &process->fpriv.vm;

		list_for_each_entry(buffer, &mock->buffers, node) {
			struct drm_gem_object *obj = buffer->obj;

			if (amdgpu_vm_bo_find(vm, gem_to_amdgpu_bo(obj)))
				amdgpu_gem_object_close(obj, &process->file);
		}
		amdgpu_vm_fini(process->dev->adev, vm);
		kfree(process);
	}

	list_for_each_entry_safe(buffer, next_buffer, &mock->buffers, node) {
		drm_gem_object_put(buffer->obj);
		kfree(buffer);
	}
}
