// SPDX-License-Identifier: GPL-2.0
/*
 * What a job depends on, and what user space waits for, by what they do to a
 * buffer.
 */

#include <drm/drm_file.h>
#include <linux/xarray.h>

#include "drm-fence-kunit.h"
#include "drm-mock.h"
#include "oom-inject.h"

/* Written down once more, instead of asking dma_resv_usage_rw() */
static enum dma_resv_usage waits_for(bool write)
{
	return write ? DMA_RESV_USAGE_READ : DMA_RESV_USAGE_WRITE;
}

static int add_implicit(struct kunit *test, struct xarray *deps, unsigned int i,
			bool write)
{
	struct drm_gem_object *obj = &drm_mock(test)->buffers[i];
	int ret;

	resv_lock(test, obj->resv);
	ret = drm_gem_fence_array_add_implicit(deps, obj, write);
	dma_resv_unlock(obj->resv);

	return ret;
}

static void drop_deps(struct xarray *deps)
{
	struct dma_fence *fence;
	unsigned long index;

	xa_for_each(deps, index, fence)
		dma_fence_put(fence);
	xa_destroy(deps);
}

static bool depends_on(struct xarray *deps, struct dma_fence *fence)
{
	struct dma_fence *entry;
	unsigned long index;

	xa_for_each(deps, index, entry)
		if (entry == fence)
			return true;

	return false;
}

static unsigned int count_deps(struct xarray *deps)
{
	struct dma_fence *fence;
	unsigned long index;
	unsigned int n = 0;

	xa_for_each(deps, index, fence)
		n++;

	return n;
}

static void job_depends(struct kunit *test, enum dma_resv_usage usage, bool write)
{
	bool yields = resv_query_yields(waits_for(write), usage);
	struct dma_fence *fence = drm_mock_busy(test, 0, usage);
	struct xarray deps;

	xa_init_flags(&deps, XA_FLAGS_ALLOC);
	KUNIT_EXPECT_EQ(test, add_implicit(test, &deps, 0, write), 0);
	KUNIT_EXPECT_EQ(test, depends_on(&deps, fence), yields);
	KUNIT_EXPECT_EQ(test, count_deps(&deps), yields ? 1u : 0u);
	drop_deps(&deps);
}

static void job_reads_usage(struct kunit *test, enum dma_resv_usage usage)
{
	job_depends(test, usage, false);
}

RESV_PER_USAGE(job_reads);

static void job_writes_usage(struct kunit *test, enum dma_resv_usage usage)
{
	job_depends(test, usage, true);
}

RESV_PER_USAGE(job_writes);

static void job_signaled(struct kunit *test)
{
	struct dma_fence *signaled, *fence;
	struct xarray deps;

	xa_init_flags(&deps, XA_FLAGS_ALLOC);
	signaled = drm_mock_busy(test, 0, DMA_RESV_USAGE_WRITE);
	fence = drm_mock_busy(test, 0, DMA_RESV_USAGE_WRITE);
	dma_fence_signal(signaled);
	KUNIT_EXPECT_EQ(test, add_implicit(test, &deps, 0, true), 0);
	KUNIT_EXPECT_TRUE(test, depends_on(&deps, fence));
	KUNIT_EXPECT_EQ(test, count_deps(&deps), 1u);
	drop_deps(&deps);
}

/* The last fence of a timeline stands for those before it, in all its buffers */
static void job_several_buffers(struct kunit *test)
{
	u64 context = dma_fence_context_alloc(1);
	struct dma_fence *old, *last, *other;
	struct drm_mock *mock = drm_mock(test);
	struct xarray deps;

	xa_init_flags(&deps, XA_FLAGS_ALLOC);
	old = resv_new_fence_on(test, context, 1);
	last = resv_new_fence_on(test, context, 2);
	resv_add(test, mock->buffers[0].resv, old, DMA_RESV_USAGE_WRITE);
	resv_add(test, mock->buffers[1].resv, last, DMA_RESV_USAGE_READ);
	resv_add(test, mock->buffers[2].resv, old, DMA_RESV_USAGE_KERNEL);
	other = drm_mock_busy(test, 2, DMA_RESV_USAGE_KERNEL);
	KUNIT_EXPECT_EQ(test, add_implicit(test, &deps, 0, true), 0);
	KUNIT_EXPECT_EQ(test, add_implicit(test, &deps, 1, true), 0);
	KUNIT_EXPECT_EQ(test, add_implicit(test, &deps, 2, true), 0);
	KUNIT_EXPECT_TRUE(test, depends_on(&deps, last));
	KUNIT_EXPECT_TRUE(test, depends_on(&deps, other));
	KUNIT_EXPECT_EQ(test, count_deps(&deps), 2u);
	drop_deps(&deps);
}

/* Whoever gets no error has all of them; references are counted at the end */
static void job_no_memory(struct kunit *test)
{
	unsigned int nth = 0, failed, errors = 0, i;
	struct xarray deps;
	int ret;

	if (!IS_ENABLED(CONFIG_KPROBES)) {
		kunit_info(test, "needs CONFIG_KPROBES, nothing was tested\n");
		return;
	}
	KUNIT_ASSERT_EQ(test, oom_inject_start(), 0);
	for (i = 0; i < 8; i++)
		drm_mock_busy(test, 0, i % RESV_USAGES);
	do {
		xa_init_flags(&deps, XA_FLAGS_ALLOC);
		oom_inject_arm(++nth, true);
		ret = add_implicit(test, &deps, 0, true);
		failed = oom_inject_disarm(NULL);
		if (ret) {
			errors++;
			KUNIT_EXPECT_EQ(test, ret, -ENOMEM);
		} else {
			KUNIT_EXPECT_EQ(test, count_deps(&deps), 6u);
		}
		drop_deps(&deps);
	} while (failed && nth < 64);
	oom_inject_stop();
	KUNIT_EXPECT_GT(test, errors, 0u);
	KUNIT_EXPECT_LT(test, nth, 64u);
}

#define HANDLE	1

/* A file in which HANDLE is the first buffer */
static struct drm_file *open_file(struct kunit *test)
{
	struct drm_file *file = kunit_kzalloc(test, sizeof(*file), GFP_KERNEL);

	KUNIT_ASSERT_TRUE(test, !!file);
	spin_lock_init(&file->table_lock);
	idr_init_base(&file->object_idr, HANDLE);
	KUNIT_ASSERT_EQ(test, idr_alloc(&file->object_idr,
					&drm_mock(test)->buffers[0], HANDLE, 0,
					GFP_KERNEL), HANDLE);

	return file;
}

static void user_waits(struct kunit *test, enum dma_resv_usage usage, bool write)
{
	bool waits = resv_query_yields(waits_for(write), usage);
	struct dma_fence *fence = drm_mock_busy(test, 0, usage);
	struct drm_file *file = open_file(test);
	struct mock_signaler signaler;

	/* A look, too short a wait, and one that is long enough */
	KUNIT_EXPECT_EQ(test, drm_gem_dma_resv_wait(file, HANDLE,
						    write, 0),
			waits ? -ETIME : 0l);
	KUNIT_EXPECT_EQ(test, drm_gem_dma_resv_wait(file, HANDLE,
						    write, DRM_MOCK_A_WHILE),
			waits ? -ETIME : 0l);
	mock_signal_later(&signaler, fence, waits ? DRM_MOCK_A_WHILE : 20 * HZ);
	KUNIT_EXPECT_EQ(test, drm_gem_dma_resv_wait(file, HANDLE,
						    write, 20 * HZ), 0l);
	KUNIT_EXPECT_EQ(test, dma_fence_is_signaled(fence), waits);
	mock_signal_end(&signaler);
	idr_destroy(&file->object_idr);
}

static void user_reads_usage(struct kunit *test, enum dma_resv_usage usage)
{
	user_waits(test, usage, false);
}

RESV_PER_USAGE(user_reads);

static void user_writes_usage(struct kunit *test, enum dma_resv_usage usage)
{
	user_waits(test, usage, true);
}

RESV_PER_USAGE(user_writes);

static void user_interrupted(struct kunit *test)
{
	struct drm_file *file = open_file(test);

	drm_mock_busy(test, 0, DMA_RESV_USAGE_READ);
	drm_mock_interrupt();
	KUNIT_EXPECT_EQ(test, drm_gem_dma_resv_wait(file, HANDLE,
						    true, 20 * HZ),
			(long)-ERESTARTSYS);
	drm_mock_interrupted();
	idr_destroy(&file->object_idr);
}

static void user_without_buffer(struct kunit *test)
{
	struct drm_file *file = open_file(test);

	KUNIT_EXPECT_EQ(test, drm_gem_dma_resv_wait(file, HANDLE + 1,
						    true, 0), (long)-EINVAL);
	idr_destroy(&file->object_idr);
}

static struct kunit_case drm_gem_fence_cases[] = {
	KUNIT_CASE(job_reads_kernel),
	KUNIT_CASE(job_reads_write),
	KUNIT_CASE(job_reads_read),
	KUNIT_CASE(job_reads_bookkeep),
	KUNIT_CASE(job_writes_kernel),
	KUNIT_CASE(job_writes_write),
	KUNIT_CASE(job_writes_read),
	KUNIT_CASE(job_writes_bookkeep),
	KUNIT_CASE(job_signaled),
	KUNIT_CASE(job_several_buffers),
	KUNIT_CASE(job_no_memory),
	KUNIT_CASE(user_reads_kernel),
	KUNIT_CASE(user_reads_write),
	KUNIT_CASE(user_reads_read),
	KUNIT_CASE(user_reads_bookkeep),
	KUNIT_CASE(user_writes_kernel),
	KUNIT_CASE(user_writes_write),
	KUNIT_CASE(user_writes_read),
	KUNIT_CASE(user_writes_bookkeep),
	KUNIT_CASE(user_interrupted),
	KUNIT_CASE(user_without_buffer),
	{}
};

struct kunit_suite drm_gem_fence_suite = {
	.name = "drm-gem-fence",
	.init = drm_mock_init,
	.exit = drm_mock_exit,
	.test_cases = drm_gem_fence_cases,
};
