/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A device without hardware for TTM to manage the memory of, and fences that
 * signal when a test says so.
 */
#ifndef _TTM_TESTS_TTM_MOCK_H
#define _TTM_TESTS_TTM_MOCK_H

#include <kunit/test.h>

#include <drm/drm_vma_manager.h>
#include <drm/ttm/ttm_bo_driver.h>
#include <drm/ttm/ttm_placement.h>
#include <linux/dma-resv.h>
#include <linux/timer.h>

#define TTM_MOCK_USAGES		(DMA_RESV_USAGE_BOOKKEEP + 1)

/* A buffer that fills all of the mock device's VRAM, in pages */
#define TTM_MOCK_VRAM		8

/* Long enough for a wait to be noticed */
#define TTM_MOCK_A_WHILE	max(HZ / 10, 3)

/**
 * enum ttm_mock_move - how the mock device moves a buffer out of VRAM
 * @TTM_MOCK_PIPELINED: with a fence, and evictions are pipelined
 * @TTM_MOCK_ACCEL: with a fence, and evictions wait for it
 * @TTM_MOCK_MEMCPY: the CPU does it
 */
enum ttm_mock_move {
	TTM_MOCK_PIPELINED,
	TTM_MOCK_ACCEL,
	TTM_MOCK_MEMCPY,
};

/**
 * struct ttm_mock - a device, and what belongs to a test case
 * @bdev: the device
 * @vma_manager: where its mappings would be
 * @how: how it moves buffers
 * @keep_nothing: evict buffers by dropping their content
 * @checked: have the checker take fences for those of a driver, from now on
 * @mappable: processes can map buffers, from now on
 * @moving: called while a buffer is moved out of VRAM or into it, may be NULL
 * @signal_moves: after how many jiffies moves complete, 0 for never
 * @context: fence context of the moves
 * @seqno: the last one used in @context
 * @moved: fence of the last move
 * @destroyed: how many buffers are gone
 * @fences: all the fences that were made
 * @buffers: all the buffers that were made, with a reference
 */
struct ttm_mock {
	struct ttm_bo_device bdev;
	struct drm_vma_offset_manager vma_manager;
	enum ttm_mock_move how;
	bool keep_nothing;
	bool checked;
	bool mappable;
	void (*moving)(void);
	unsigned long signal_moves;
	u64 context;
	u64 seqno;
	struct dma_fence *moved;
	atomic_t destroyed;
	struct list_head fences;
	struct list_head buffers;
};

int ttm_mock_init(struct kunit *test);
void ttm_mock_exit(struct kunit *test);

static inline struct ttm_mock *ttm_mock(struct kunit *test)
{
	return test->priv;
}

const char *ttm_mock_usage_name(enum dma_resv_usage usage);

struct dma_fence *ttm_mock_fence(struct kunit *test);
struct dma_fence *ttm_mock_lazy_fence(struct kunit *test);
void ttm_mock_signal_later(struct dma_fence *fence, unsigned long delay);

struct ttm_buffer_object *ttm_mock_bo(struct kunit *test, int mem_type,
				      struct dma_resv *resv);
void ttm_mock_put(struct kunit *test, struct ttm_buffer_object *bo);
int ttm_mock_validate(struct ttm_buffer_object *bo, int mem_type, bool no_wait);
bool ttm_mock_vram_is_free(struct kunit *test);
bool ttm_mock_oom(struct kunit *test);
bool ttm_mock_destroyed(struct kunit *test, int count);

void ttm_mock_lock(struct kunit *test, struct ttm_buffer_object *bo);
struct dma_fence *ttm_mock_add(struct kunit *test, struct dma_resv *resv,
			       enum dma_resv_usage usage);
void ttm_mock_expect(struct kunit *test, struct dma_resv *resv,
		     struct dma_fence *fence, enum dma_resv_usage usage,
		     int line);

/* Expect an unsignaled fence to be in an object with that usage */
#define TTM_MOCK_EXPECT(test, resv, fence, usage) \
	ttm_mock_expect(test, resv, fence, usage, __LINE__)

/**
 * TTM_MOCK_PER_USAGE - make a test case for each usage out of one function
 * @check: name of the function without its ending, which is _usage; it takes the
 *	   test case and a usage
 */
#define TTM_MOCK_PER_USAGE(check)					\
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

#endif /* _TTM_TESTS_TTM_MOCK_H */
