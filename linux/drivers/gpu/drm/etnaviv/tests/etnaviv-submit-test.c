// SPDX-License-Identifier: GPL-2.0
/*
 * Which fences of its buffers a submission waits for, as what it adds its own, and
 * what the CPU waits for. Included by etnaviv_gem_submit.c, whose functions are
 * tested without a device.
 */

#include <kunit/test.h>

#include <linux/dma-fence-check.h>

#define USAGES (DMA_RESV_USAGE_BOOKKEEP + 1)

struct submit_fixture {
	struct etnaviv_gpu gpu;
	struct etnaviv_gem_object obj;
	struct etnaviv_gem_submit *submit;
	struct dma_fence *before[USAGES];
};

static spinlock_t submit_test_lock = __SPIN_LOCK_UNLOCKED(submit_test_lock);

static const char *submit_test_name(struct dma_fence *fence)
{
	return "etnaviv-test";
}

static const struct dma_fence_ops submit_test_ops = {
	.get_driver_name = submit_test_name,
	.get_timeline_name = submit_test_name,
};

static struct dma_fence *submit_test_fence(struct kunit *test)
{
	struct dma_fence *fence = kzalloc(sizeof(*fence), GFP_KERNEL);

	KUNIT_ASSERT_TRUE(test, fence);
	dma_fence_init(fence, &submit_test_ops, &submit_test_lock,
		       dma_fence_context_alloc(1), 1);
	dma_fence_check_by_user(fence);

	return fence;
}

/* A submission with one buffer that has an unsignaled fence of each usage */
static int submit_test_init(struct kunit *test)
{
	struct submit_fixture *fix = kunit_kzalloc(test, sizeof(*fix), GFP_KERNEL);
	struct drm_gem_object *gem = &fix->obj.base;
	enum dma_resv_usage u;

	KUNIT_ASSERT_TRUE(test, fix);
	test->priv = fix;

	mutex_init(&fix->gpu.fence_lock);
	idr_init(&fix->gpu.fence_idr);
	init_waitqueue_head(&fix->gpu.fence_event);

	kref_init(&gem->refcount);
	dma_resv_init(&gem->_resv);
	gem->resv = &gem->_resv;
	/* The buffer has pages, which nobody looks at */
	fix->obj.sgt = kunit_kzalloc(test, sizeof(*fix->obj.sgt), GFP_KERNEL);
	KUNIT_ASSERT_TRUE(test, fix->obj.sgt);

	dma_resv_lock(gem->resv, NULL);
	KUNIT_ASSERT_EQ(test, dma_resv_reserve_fences(gem->resv, USAGES), 0);
	for (u = 0; u < USAGES; u++) {
		fix->before[u] = submit_test_fence(test);
		dma_resv_add_fence(gem->resv, fix->before[u], u);
	}
	dma_resv_unlock(gem->resv);

	fix->submit = submit_create(NULL, &fix->gpu, 1, 0);
	KUNIT_ASSERT_TRUE(test, fix->submit);
	drm_gem_object_get(gem);
	fix->submit->bos[0].obj = &fix->obj;
	fix->submit->nr_bos = 1;

	return 0;
}

static void submit_test_exit(struct kunit *test)
{
	struct submit_fixture *fix = test->priv;
	enum dma_resv_usage u;

	if (fix->submit)
		etnaviv_submit_put(fix->submit);
	dma_resv_fini(fix->obj.base.resv);
	for (u = 0; u < USAGES; u++) {
		/* Nobody else keeps it by now */
		KUNIT_EXPECT_EQ(test, kref_read(&fix->before[u]->refcount), 1u);
		dma_fence_signal(fix->before[u]);
		dma_fence_put(fix->before[u]);
	}
	idr_destroy(&fix->gpu.fence_idr);
}

static void submit_test_sync(struct kunit *test, u32 flags, u32 bo_flags)
{
	struct submit_fixture *fix = test->priv;
	struct etnaviv_gem_submit *submit = fix->submit;

	submit->flags = flags;
	submit->bos[0].flags = bo_flags | BO_LOCKED;
	dma_resv_lock(fix->obj.base.resv, NULL);
	KUNIT_ASSERT_EQ(test, submit_fence_sync(submit), 0);
}

static void expect_waits(struct kunit *test, u32 flags, u32 bo_flags,
			 enum dma_resv_usage query)
{
	struct submit_fixture *fix = test->priv;
	struct etnaviv_gem_submit_bo *bo = &fix->submit->bos[0];
	unsigned int i, found;
	enum dma_resv_usage u;

	submit_test_sync(test, flags, bo_flags);

	for (u = 0; u < USAGES; u++) {
		for (i = 0, found = 0; i < bo->nr_fences; i++)
			found += bo->fences[i] == fix->before[u];
		KUNIT_EXPECT_EQ_MSG(test, found, u <= query ? 1u : 0u,
				    "usage %d", u);
	}
	KUNIT_EXPECT_EQ(test, bo->nr_fences, query + 1u);
}

static void read_waits_for_write(struct kunit *test)
{
	expect_waits(test, 0, ETNA_SUBMIT_BO_READ, DMA_RESV_USAGE_WRITE);
}

static void write_waits_for_read(struct kunit *test)
{
	expect_waits(test, 0, ETNA_SUBMIT_BO_WRITE, DMA_RESV_USAGE_READ);
}

static void both_wait_for_read(struct kunit *test)
{
	expect_waits(test, 0, ETNA_SUBMIT_BO_READ | ETNA_SUBMIT_BO_WRITE,
		     DMA_RESV_USAGE_READ);
}

static void explicit_read_waits_for_kernel(struct kunit *test)
{
	expect_waits(test, ETNA_SUBMIT_NO_IMPLICIT, ETNA_SUBMIT_BO_READ,
		     DMA_RESV_USAGE_KERNEL);
}

static void explicit_write_waits_for_kernel(struct kunit *test)
{
	expect_waits(test, ETNA_SUBMIT_NO_IMPLICIT, ETNA_SUBMIT_BO_WRITE,
		     DMA_RESV_USAGE_KERNEL);
}

static void expect_adds(struct kunit *test, u32 flags, u32 bo_flags,
			enum dma_resv_usage usage)
{
	struct submit_fixture *fix = test->priv;
	struct dma_resv *resv = fix->obj.base.resv;
	struct dma_fence *fence, *out = submit_test_fence(test);
	unsigned int count = 0, found = 0;
	struct dma_resv_iter cursor;

	submit_test_sync(test, flags, bo_flags);
	fix->submit->out_fence = out;
	submit_attach_object_fences(fix->submit);

	KUNIT_EXPECT_FALSE(test, dma_resv_is_locked(resv));
	dma_resv_lock(resv, NULL);
	dma_resv_for_each_fence(&cursor, resv, DMA_RESV_USAGE_BOOKKEEP, fence) {
		enum dma_resv_usage u = dma_resv_iter_usage(&cursor);

		count++;
		if (fence == out) {
			KUNIT_EXPECT_EQ(test, (int)u, (int)usage);
			found++;
		} else {
			KUNIT_EXPECT_PTR_EQ(test, fence, fix->before[u]);
		}
	}
	dma_resv_unlock(resv);
	KUNIT_EXPECT_EQ(test, found, 1u);
	KUNIT_EXPECT_EQ(test, count, USAGES + 1u);

	dma_fence_signal(out);
}

static void read_adds_read(struct kunit *test)
{
	expect_adds(test, 0, ETNA_SUBMIT_BO_READ, DMA_RESV_USAGE_READ);
}

static void write_adds_write(struct kunit *test)
{
	expect_adds(test, 0, ETNA_SUBMIT_BO_WRITE, DMA_RESV_USAGE_WRITE);
}

/* The result is for others, who may have nothing but implicit synchronization */
static void explicit_write_adds_write(struct kunit *test)
{
	expect_adds(test, ETNA_SUBMIT_NO_IMPLICIT, ETNA_SUBMIT_BO_WRITE,
		    DMA_RESV_USAGE_WRITE);
}

/* No job, nobody to wait: submit_test_exit() sees that the references are gone */
static void failure_drops_fences(struct kunit *test)
{
	struct submit_fixture *fix = test->priv;

	submit_test_sync(test, 0, ETNA_SUBMIT_BO_WRITE);
	KUNIT_EXPECT_EQ(test,
			kref_read(&fix->before[DMA_RESV_USAGE_READ]->refcount),
			3u);
	etnaviv_submit_put(fix->submit);
	fix->submit = NULL;
	KUNIT_EXPECT_FALSE(test, dma_resv_is_locked(fix->obj.base.resv));
}

/* The CPU is let in when the fences of @query have signaled, whatever else there is */
static void expect_cpu_waits(struct kunit *test, u32 op,
			     enum dma_resv_usage query)
{
	struct submit_fixture *fix = test->priv;
	struct drm_gem_object *gem = &fix->obj.base;
	struct drm_etnaviv_timespec past = { 0 };
	u32 look = op | ETNA_PREP_NOSYNC;
	enum dma_resv_usage u;

	for (u = 0; u <= query; u++) {
		KUNIT_EXPECT_EQ(test, etnaviv_gem_cpu_prep(gem, look, NULL),
				-EBUSY);
		KUNIT_EXPECT_EQ(test, etnaviv_gem_cpu_prep(gem, op, &past),
				-ETIMEDOUT);
		dma_fence_signal(fix->before[u]);
	}
	KUNIT_EXPECT_EQ(test, etnaviv_gem_cpu_prep(gem, look, NULL), 0);
	KUNIT_EXPECT_EQ(test, etnaviv_gem_cpu_prep(gem, op, &past), 0);
}

static void cpu_read_waits_for_write(struct kunit *test)
{
	expect_cpu_waits(test, ETNA_PREP_READ, DMA_RESV_USAGE_WRITE);
}

static void cpu_write_waits_for_read(struct kunit *test)
{
	expect_cpu_waits(test, ETNA_PREP_WRITE, DMA_RESV_USAGE_READ);
}

static struct kunit_case etnaviv_submit_cases[] = {
	KUNIT_CASE(read_waits_for_write),
	KUNIT_CASE(write_waits_for_read),
	KUNIT_CASE(both_wait_for_read),
	KUNIT_CASE(explicit_read_waits_for_kernel),
	KUNIT_CASE(explicit_write_waits_for_kernel),
	KUNIT_CASE(read_adds_read),
	KUNIT_CASE(write_adds_write),
	KUNIT_CASE(explicit_write_adds_write),
	KUNIT_CASE(failure_drops_fences),
	KUNIT_CASE(cpu_read_waits_for_write),
	KUNIT_CASE(cpu_write_waits_for_read),
	{}
};

static struct kunit_suite etnaviv_submit_suite = {
	.name = "etnaviv-submit",
	.init = submit_test_init,
	.exit = submit_test_exit,
	.test_cases = etnaviv_submit_cases,
};

kunit_test_suite(etnaviv_submit_suite);
