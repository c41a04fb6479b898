/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A device without hardware, whose jobs end when a test says so.
 */
#ifndef _AMDGPU_TESTS_AMDGPU_MOCK_H
#define _AMDGPU_TESTS_AMDGPU_MOCK_H

#include <kunit/test.h>

#include <linux/dma-resv.h>
#include <linux/platform_device.h>

#include <drm/drm_file.h>

#include "amdgpu.h"

#define AMDGPU_MOCK_USAGES	(DMA_RESV_USAGE_BOOKKEEP + 1)

#define AMDGPU_MOCK_VRAM	(16UL << 20)

/* Long enough for a wait to be noticed, and for one that should not be */
#define AMDGPU_MOCK_A_WHILE	max(HZ / 10, 3)
#define AMDGPU_MOCK_TOO_LONG	(2 * HZ)

/**
 * struct amdgpu_mock_ring - a ring, and what was submitted to it
 * @ring: the ring
 * @lock: for the lists and the flags
 * @jobs: the jobs, as &struct amdgpu_mock_job
 * @running: what jobs run until it signals, as &struct amdgpu_mock_fence
 * @hold: jobs run until amdgpu_mock_release()
 * @strict: jobs are not run before what they wait for has signaled
 */
struct amdgpu_mock_ring {
	struct amdgpu_ring ring;
	spinlock_t lock; /* for all that follows */
	struct list_head jobs;
	struct list_head running;
	bool hold;
	bool strict;
};

/**
 * struct amdgpu_mock - a device
 * @adev: the device, as far as the code under test looks at it
 * @pdev: its parent
 * @vram: its memory
 * @gfx: ring of user space, whose jobs never run
 * @sdma: ring for moves, and for page tables
 */
struct amdgpu_mock {
	struct amdgpu_device *adev;
	struct platform_device *pdev;
	void *vram;
	struct amdgpu_mock_ring gfx;
	struct amdgpu_mock_ring sdma;
};

/**
 * struct amdgpu_mock_process - somebody who has opened a device
 * @node: entry in the list of processes
 * @dev: the device
 * @file: the open file, as far as the code under test looks at it
 * @fpriv: with the VM
 * @ticket: for amdgpu_mock_process_lock()
 * @next: where the next buffer is mapped
 */
struct amdgpu_mock_process {
	struct list_head node;
	struct amdgpu_mock *dev;
	struct drm_file file;
	struct amdgpu_fpriv fpriv;
	struct ww_acquire_ctx ticket;
	u64 next;
};

/**
 * struct amdgpu_mock_test - what belongs to a test case
 * @dev: the device
 * @other: another device, if amdgpu_mock_other() was called
 * @fences: all the fences that were made
 * @processes: all the processes
 * @buffers: all the buffers, with a reference
 */
struct amdgpu_mock_test {
	struct amdgpu_mock *dev;
	struct amdgpu_mock *other;
	struct list_head fences;
	struct list_head processes;
	struct list_head buffers;
};

int amdgpu_mock_init(struct kunit *test);
void amdgpu_mock_exit(struct kunit *test);
struct amdgpu_mock *amdgpu_mock_other(struct kunit *test);

static inline struct amdgpu_mock *amdgpu_mock(struct kunit *test)
{
	return ((struct amdgpu_mock_test *)test->priv)->dev;
}

const char *amdgpu_mock_usage_name(enum dma_resv_usage usage);

struct dma_fence *amdgpu_mock_foreign_fence(struct kunit *test);
struct dma_fence *amdgpu_mock_foreign_fence_on(struct kunit *test, u64 context,
					       u64 seqno);
struct dma_fence *amdgpu_mock_job_fence(struct kunit *test,
					struct amdgpu_mock *dev, void *owner);
struct dma_fence *amdgpu_mock_foreign_job_fence(struct kunit *test,
						struct amdgpu_mock *dev,
						void *owner);
struct dma_fence *amdgpu_mock_eviction_fence(struct kunit *test);
void amdgpu_mock_signal_later(struct kunit *test, struct dma_fence *fence,
			      unsigned long delay);

void amdgpu_mock_lock(struct kunit *test, struct dma_resv *resv);
void amdgpu_mock_add(struct kunit *test, struct dma_resv *resv,
		     struct dma_fence *fence, enum dma_resv_usage usage);
int amdgpu_mock_usage_of(struct dma_resv *resv, struct dma_fence *fence);
struct dma_fence *amdgpu_mock_newest(struct kunit *test, struct dma_resv *resv,
				     void *owner);
void amdgpu_mock_expect(struct kunit *test, struct dma_resv *resv,
			struct dma_fence *fence, int usage, int line);

/* Expect a fence to be in an object with that usage, or with -1 not at all */
#define AMDGPU_MOCK_EXPECT(test, resv, fence, usage) \
	amdgpu_mock_expect(test, resv, fence, usage, __LINE__)

void amdgpu_mock_hold(struct amdgpu_mock_ring *ring);
void amdgpu_mock_release(struct amdgpu_mock_ring *ring);
void amdgpu_mock_forget_jobs(struct amdgpu_mock_ring *ring);
bool amdgpu_mock_waited_for(struct kunit *test, struct amdgpu_mock_ring *ring,
			    struct dma_fence *fence);

struct amdgpu_bo *amdgpu_mock_bo(struct kunit *test, struct amdgpu_mock *dev,
				 unsigned long pages, u32 domain, u64 flags,
				 struct dma_resv *resv);
void amdgpu_mock_keep(struct kunit *test, struct drm_gem_object *obj);
void amdgpu_mock_put(struct kunit *test, struct amdgpu_bo *bo);
int amdgpu_mock_validate(struct amdgpu_bo *bo, u32 domain, bool no_wait);

struct amdgpu_mock_process *amdgpu_mock_process(struct kunit *test,
						struct amdgpu_mock *dev,
						int vm_context);
struct dma_resv *amdgpu_mock_root(struct amdgpu_mock_process *process);
void amdgpu_mock_process_lock(struct kunit *test,
			      struct amdgpu_mock_process *process,
			      struct amdgpu_bo *bo);
void amdgpu_mock_process_unlock(struct amdgpu_mock_process *process,
				struct amdgpu_bo *bo);
struct amdgpu_bo_va *amdgpu_mock_map(struct kunit *test,
				     struct amdgpu_mock_process *process,
				     struct amdgpu_bo *bo);
void amdgpu_mock_update(struct kunit *test, struct amdgpu_mock_process *process,
			struct amdgpu_bo_va *bo_va);
void amdgpu_mock_processes_fini(struct kunit *test);

/**
 * AMDGPU_MOCK_PER_USAGE - make a test case for each usage out of one function
 * @check: name of the function without its ending, which is _usage; it takes the
 *	   test case and a usage
 */
#define AMDGPU_MOCK_PER_USAGE(check)					\
static void check##_kernel(struct kunit *test)				\
{									\
	check##_usage(test, DMA_RESV_USAGE_KERNEL);			\
}									\
static void check##_write(struct kunit *test)				\
{									\
	check##_usage(test, DMA_RESV_USAGE_WRITE);			\
}									\
static void check##_read(struct kunit *test)				\
{									\
	check##_usage(test, DMA_RESV_USAGE_READ);			\
}									\
static void check##_bookkeep(struct kunit *test)			\
{									\
	check##_usage(test, DMA_RESV_USAGE_BOOKKEEP);			\
}

#endif /* _AMDGPU_TESTS_AMDGPU_MOCK_H */
