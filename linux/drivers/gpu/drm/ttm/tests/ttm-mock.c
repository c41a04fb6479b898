// SPDX-License-Identifier: GPL-2.0
/*
 * A device without hardware for TTM to manage the memory of, and fences that
 * signal when a test says so. The memory of its VRAM is not touched, only given
 * out and taken back; system memory is real.
 */

#include <linux/delay.h>
#include <linux/dma-fence-check.h>
#include <linux/slab.h>

#include "oom-inject.h"
#include "ttm-mock.h"

struct ttm_mock_fence {
	struct dma_fence base;
	spinlock_t lock; /* for base */
	struct list_head owned;
	struct timer_list timer;
};

struct ttm_mock_bo {
	struct ttm_buffer_object tbo;
	struct list_head owned;
};

static struct ttm_mock *to_mock(struct ttm_bo_device *bdev)
{
	return container_of(bdev, struct ttm_mock, bdev);
}

static const char *ttm_mock_fence_name(struct dma_fence *fence)
{
	return "ttm-mock";
}

static const struct dma_fence_ops ttm_mock_fence_ops = {
	.get_driver_name = ttm_mock_fence_name,
	.get_timeline_name = ttm_mock_fence_name,
};

static bool ttm_mock_fence_ask(struct dma_fence *fence)
{
	ttm_mock_signal_later(fence, TTM_MOCK_A_WHILE);

	return true;
}

static const struct dma_fence_ops ttm_mock_lazy_fence_ops = {
	.get_driver_name = ttm_mock_fence_name,
	.get_timeline_name = ttm_mock_fence_name,
	.enable_signaling = ttm_mock_fence_ask,
};

static void ttm_mock_fence_timer(struct timer_list *timer)
{
	struct ttm_mock_fence *mock = from_timer(mock, timer, timer);

	dma_fence_signal(&mock->base);
}

static struct dma_fence *ttm_mock_fence_ops_on(struct ttm_mock *dev,
					       const struct dma_fence_ops *ops,
					       u64 context, u64 seqno)
{
	struct ttm_mock_fence *mock;

	mock = kzalloc(sizeof(*mock), GFP_KERNEL);
	if (!mock)
		return NULL;

	spin_lock_init(&mock->lock);
	timer_setup(&mock->timer, ttm_mock_fence_timer, 0);
	dma_fence_init(&mock->base, ops, &mock->lock, context, seqno);
	if (!dev->checked)
		dma_fence_check_by_user(&mock->base);
	list_add_tail(&mock->owned, &dev->fences);

	return &mock->base;
}

static struct dma_fence *ttm_mock_fence_on(struct ttm_mock *dev, u64 context,
					   u64 seqno)
{
	return ttm_mock_fence_ops_on(dev, &ttm_mock_fence_ops, context, seqno);
}

/**
 * ttm_mock_lazy_fence - make a fence that signals a while after it is asked to
 * @test: the test case, which keeps a reference
 *
 * Return: the fence, without a reference for the caller.
 */
struct dma_fence *ttm_mock_lazy_fence(struct kunit *test)
{
	struct dma_fence *fence;

	fence = ttm_mock_fence_ops_on(ttm_mock(test), &ttm_mock_lazy_fence_ops,
				      dma_fence_context_alloc(1), 1);
	KUNIT_ASSERT_TRUE(test, !!fence);

	return fence;
}

/**
 * ttm_mock_fence - make a fence on a timeline of its own
 * @test: the test case, which keeps a reference
 *
 * Return: the fence, without a reference for the caller.
 */
struct dma_fence *ttm_mock_fence(struct kunit *test)
{
	struct dma_fence *fence;

	fence = ttm_mock_fence_on(ttm_mock(test), dma_fence_context_alloc(1), 1);
	KUNIT_ASSERT_TRUE(test, !!fence);

	return fence;
}

/**
 * ttm_mock_signal_later - have a fence signal by itself
 * @fence: the fence
 * @delay: when, in jiffies from now
 */
void ttm_mock_signal_later(struct dma_fence *fence, unsigned long delay)
{
	struct ttm_mock_fence *mock =
		container_of(fence, struct ttm_mock_fence, base);

	mod_timer(&mock->timer, jiffies + delay);
}

static struct ttm_tt *ttm_mock_tt_create(struct ttm_buffer_object *bo,
					 uint32_t page_flags)
{
	struct ttm_tt *tt;

	tt = kzalloc(sizeof(*tt), GFP_KERNEL);
	if (tt && ttm_tt_init(tt, bo, page_flags)) {
		kfree(tt);
		tt = NULL;
	}

	return tt;
}

static int ttm_mock_tt_bind(struct ttm_bo_device *bdev, struct ttm_tt *tt,
			    struct ttm_resource *mem)
{
	return 0;
}

static void ttm_mock_tt_unbind(struct ttm_bo_device *bdev, struct ttm_tt *tt)
{
}

static void ttm_mock_tt_destroy(struct ttm_bo_device *bdev, struct ttm_tt *tt)
{
	ttm_tt_destroy_common(bdev, tt);
	ttm_tt_fini(tt);
	kfree(tt);
}

static const struct ttm_place ttm_mock_places[] = {
	[TTM_PL_SYSTEM] = {
		.mem_type = TTM_PL_SYSTEM,
		.flags = TTM_PL_FLAG_CACHED,
	},
	[TTM_PL_TT] = {
		.mem_type = TTM_PL_TT,
		.flags = TTM_PL_FLAG_CACHED,
	},
	[TTM_PL_VRAM] = {
		.mem_type = TTM_PL_VRAM,
		.flags = TTM_PL_FLAG_CACHED,
	},
};

static void ttm_mock_placement(struct ttm_placement *placement, int mem_type)
{
	placement->num_placement = 1;
	placement->placement = &ttm_mock_places[mem_type];
	placement->num_busy_placement = 1;
	placement->busy_placement = &ttm_mock_places[mem_type];
}

static void ttm_mock_evict_flags(struct ttm_buffer_object *bo,
				 struct ttm_placement *placement)
{
	if (to_mock(bo->bdev)->keep_nothing)
		return;

	ttm_mock_placement(placement, bo->mem.mem_type == TTM_PL_VRAM ?
			   TTM_PL_TT : TTM_PL_SYSTEM);
}

static int ttm_mock_move(struct ttm_buffer_object *bo, bool evict,
			 struct ttm_operation_ctx *ctx,
			 struct ttm_resource *new_mem)
{
	struct ttm_mock *dev = to_mock(bo->bdev);

	/* Nothing to bring along yet */
	if (bo->mem.mem_type == TTM_PL_SYSTEM && !bo->ttm) {
		ttm_bo_move_null(bo, new_mem);
		return 0;
	}

	if (dev->moving)
		dev->moving();

	if (dev->how == TTM_MOCK_MEMCPY)
		return ttm_bo_move_memcpy(bo, ctx, new_mem);

	dev->moved = ttm_mock_fence_on(dev, dev->context, ++dev->seqno);
	if (!dev->moved)
		return -ENOMEM;
	if (dev->signal_moves)
		ttm_mock_signal_later(dev->moved, dev->signal_moves);

	return ttm_bo_move_accel_cleanup(bo, dev->moved, evict,
					 dev->how == TTM_MOCK_PIPELINED,
					 new_mem);
}

static struct ttm_bo_driver ttm_mock_driver = {
	.ttm_tt_create = ttm_mock_tt_create,
	.ttm_tt_bind = ttm_mock_tt_bind,
	.ttm_tt_unbind = ttm_mock_tt_unbind,
	.ttm_tt_destroy = ttm_mock_tt_destroy,
	.eviction_valuable = ttm_bo_eviction_valuable,
	.evict_flags = ttm_mock_evict_flags,
	.move = ttm_mock_move,
};

static void ttm_mock_bo_destroy(struct ttm_buffer_object *bo)
{
	struct ttm_mock *dev = to_mock(bo->bdev);

	kfree(container_of(bo, struct ttm_mock_bo, tbo));
	atomic_inc(&dev->destroyed);
}

/**
 * ttm_mock_bo - make a buffer
 * @test: the test case, which keeps a reference
 * @mem_type: where to put it
 * @resv: its reservation object, locked, or NULL for one of its own
 *
 * It is as large as the VRAM.
 *
 * Return: the buffer, not locked unless by @resv.
 */
struct ttm_buffer_object *ttm_mock_bo(struct kunit *test, int mem_type,
				      struct dma_resv *resv)
{
	struct ttm_operation_ctx ctx = { };
	struct ttm_mock *dev = ttm_mock(test);
	struct ttm_placement placement;
	struct ttm_mock_bo *mock;
	int ret;

	mock = kzalloc(sizeof(*mock), GFP_KERNEL);
	KUNIT_ASSERT_TRUE(test, !!mock);

	ttm_mock_placement(&placement, mem_type);
	/* Frees the buffer if it fails */
	ret = ttm_bo_init_reserved(&dev->bdev, &mock->tbo,
				   TTM_MOCK_VRAM * PAGE_SIZE,
				   dev->mappable ? ttm_bo_type_device :
						   ttm_bo_type_kernel,
				   &placement, 0, &ctx, 0, NULL, resv,
				   ttm_mock_bo_destroy);
	KUNIT_ASSERT_EQ(test, ret, 0);
	list_add_tail(&mock->owned, &dev->buffers);
	if (!resv)
		ttm_bo_unreserve(&mock->tbo);

	return &mock->tbo;
}

/**
 * ttm_mock_put - give up a buffer
 * @test: the test case
 * @bo: the buffer
 */
void ttm_mock_put(struct kunit *test, struct ttm_buffer_object *bo)
{
	list_del(&container_of(bo, struct ttm_mock_bo, tbo)->owned);
	ttm_bo_put(bo);
}

/**
 * ttm_mock_validate - have a locked buffer where it is wanted
 * @bo: the buffer
 * @mem_type: where it is wanted, or -1 for nowhere
 * @no_wait: rather fail than wait for a fence
 *
 * Return: what ttm_bo_validate() does.
 */
int ttm_mock_validate(struct ttm_buffer_object *bo, int mem_type, bool no_wait)
{
	struct ttm_operation_ctx ctx = { .no_wait_gpu = no_wait };
	struct ttm_placement placement = { };

	if (mem_type >= 0)
		ttm_mock_placement(&placement, mem_type);

	return ttm_bo_validate(bo, &placement, &ctx);
}

/**
 * ttm_mock_vram_is_free - could a buffer get the VRAM right now
 * @test: the test case
 *
 * It can not while somebody has it, nor while it is still written by whoever had
 * it before.
 *
 * Return: true if it could.
 */
bool ttm_mock_vram_is_free(struct kunit *test)
{
	struct ttm_mock *dev = ttm_mock(test);
	struct ttm_resource_manager *man;
	struct ttm_buffer_object *bo;
	bool keep_nothing = dev->keep_nothing;
	enum ttm_mock_move how = dev->how;
	int ret;

	bo = ttm_mock_bo(test, TTM_PL_SYSTEM, NULL);
	ttm_mock_lock(test, bo);

	/* Nobody shall make room for it */
	man = ttm_manager_type(&dev->bdev, TTM_PL_VRAM);
	ret = list_empty(&man->lru[0]) ? 0 : -EBUSY;
	if (!ret) {
		dev->keep_nothing = false;
		dev->how = TTM_MOCK_MEMCPY;
		ret = ttm_mock_validate(bo, TTM_PL_VRAM, true);
		dev->keep_nothing = keep_nothing;
		dev->how = how;
	}

	ttm_bo_unreserve(bo);
	ttm_mock_put(test, bo);
	/* That one is not to be counted */
	atomic_dec(&dev->destroyed);

	return !ret;
}

/**
 * ttm_mock_oom - prepare to have allocations fail
 * @test: the test case, which undoes it by oom_inject_stop()
 *
 * Return: whether that can be done.
 */
bool ttm_mock_oom(struct kunit *test)
{
	int ret = oom_inject_start();

	if (ret == -EOPNOTSUPP)
		kunit_info(test, "needs KPROBES, on x86");
	else
		KUNIT_EXPECT_EQ(test, ret, 0);

	return !ret;
}

/**
 * ttm_mock_destroyed - wait until so many buffers are gone
 * @test: the test case
 * @count: how many
 *
 * Return: whether they were within a second.
 */
bool ttm_mock_destroyed(struct kunit *test, int count)
{
	struct ttm_mock *dev = ttm_mock(test);
	int i;

	for (i = 0; i < 100 && atomic_read(&dev->destroyed) < count; i++)
		msleep(20);

	return atomic_read(&dev->destroyed) == count;
}

/**
 * ttm_mock_lock - lock a buffer
 * @test: the test case
 * @bo: the buffer
 */
void ttm_mock_lock(struct kunit *test, struct ttm_buffer_object *bo)
{
	KUNIT_ASSERT_EQ(test, ttm_bo_reserve(bo, false, false, NULL), 0);
}

/**
 * ttm_mock_add - add a new fence to a locked reservation object
 * @test: the test case
 * @resv: the reservation object
 * @usage: the usage of the fence
 *
 * Return: the fence, without a reference for the caller.
 */
struct dma_fence *ttm_mock_add(struct kunit *test, struct dma_resv *resv,
			       enum dma_resv_usage usage)
{
	struct dma_fence *fence = ttm_mock_fence(test);

	KUNIT_ASSERT_EQ(test, dma_resv_reserve_fences(resv, 1), 0);
	dma_resv_add_fence(resv, fence, usage);

	return fence;
}

/**
 * ttm_mock_usage_name - what to call a usage
 * @usage: the usage
 *
 * Return: its name.
 */
const char *ttm_mock_usage_name(enum dma_resv_usage usage)
{
	static const char * const names[TTM_MOCK_USAGES] = {
		"KERNEL", "WRITE", "READ", "BOOKKEEP"
	};

	return names[usage];
}

void ttm_mock_expect(struct kunit *test, struct dma_resv *resv,
		     struct dma_fence *fence, enum dma_resv_usage usage,
		     int line)
{
	struct dma_resv_iter cursor;
	struct dma_fence *f;
	int found = -1;

	dma_resv_iter_begin(&cursor, resv, DMA_RESV_USAGE_BOOKKEEP);
	dma_resv_for_each_fence_unlocked(&cursor, f) {
		if (f == fence)
			found = dma_resv_iter_usage(&cursor);
	}
	dma_resv_iter_end(&cursor);

	KUNIT_EXPECT_EQ_MSG(test, found, (int)usage, "line %d: fence is %s",
			    line, found < 0 ? "missing" :
			    ttm_mock_usage_name(found));
}

/**
 * ttm_mock_init - set up the mock device for a test case
 * @test: the test case
 *
 * Return: 0 or an error.
 */
int ttm_mock_init(struct kunit *test)
{
	struct ttm_mock *dev;
	int ret;

	dev = kunit_kzalloc(test, sizeof(*dev), GFP_KERNEL);
	if (!dev)
		return -ENOMEM;

	INIT_LIST_HEAD(&dev->fences);
	INIT_LIST_HEAD(&dev->buffers);
	atomic_set(&dev->destroyed, 0);
	dev->context = dma_fence_context_alloc(1);
	drm_vma_offset_manager_init(&dev->vma_manager, 1 << 20, 1 << 20);

	ret = ttm_bo_device_init(&dev->bdev, &ttm_mock_driver, NULL,
				 &dev->vma_manager, false);
	if (ret)
		goto err_vma;

	ret = ttm_range_man_init(&dev->bdev, TTM_PL_VRAM, false, TTM_MOCK_VRAM);
	if (ret)
		goto err_bdev;

	ret = ttm_range_man_init(&dev->bdev, TTM_PL_TT, true,
				 8 * TTM_MOCK_VRAM);
	if (ret)
		goto err_vram;

	test->priv = dev;

	return 0;

err_vram:
	ttm_range_man_fini(&dev->bdev, TTM_PL_VRAM);
err_bdev:
	ttm_bo_device_release(&dev->bdev);
err_vma:
	drm_vma_offset_manager_destroy(&dev->vma_manager);

	return ret;
}

/**
 * ttm_mock_exit - undo ttm_mock_init()
 * @test: the test case
 */
void ttm_mock_exit(struct kunit *test)
{
	struct ttm_mock *dev = test->priv;
	struct ttm_mock_fence *mock;
	struct ttm_mock_bo *bo, *next_bo;

	if (!dev)
		return;

	list_for_each_entry(mock, &dev->fences, owned) {
		del_timer_sync(&mock->timer);
		dma_fence_signal(&mock->base);
	}

	/* Moves from here on have nobody to signal them */
	dev->how = TTM_MOCK_MEMCPY;
	dev->keep_nothing = false;

	list_for_each_entry_safe(bo, next_bo, &dev->buffers, owned)
		ttm_bo_put(&bo->tbo);

	/* It may be about to give back the memory of one that was deleted */
	ttm_bo_lock_delayed_workqueue(&dev->bdev);
	ttm_range_man_fini(&dev->bdev, TTM_PL_VRAM);
	ttm_range_man_fini(&dev->bdev, TTM_PL_TT);
	ttm_bo_device_release(&dev->bdev);
	drm_vma_offset_manager_destroy(&dev->vma_manager);

	while (!list_empty(&dev->fences)) {
		mock = list_first_entry(&dev->fences, struct ttm_mock_fence,
					owned);
		list_del(&mock->owned);
		dma_fence_put(&mock->base);
	}
}
