// SPDX-License-Identifier: GPL-2.0
/*
 * The order of locks around buffers and fences: does lockdep know it from the start?
 *
 * Each case is a mistake, and next to it what looks much the same and is right. At
 * boot all that is right is done. With dmabuf_lockdep_test.mistake=NAME that mistake
 * is made instead, and nothing else: lockdep reports the first problem that it finds
 * and then turns itself off, so there can be only one in a boot. Nothing has run
 * before from which lockdep could know better, so what it says it was taught by
 * dma_buf_lockdep().
 */

#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/dma-buf.h>
#include <linux/dma-fence.h>
#include <linux/dma-resv.h>
#include <linux/err.h>
#include <linux/fs.h>
#include <linux/init.h>
#include <linux/mm.h>
#include <linux/mmu_notifier.h>
#include <linux/moduleparam.h>
#include <linux/mutex.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include <linux/string.h>

static char *mistake = "";
module_param(mistake, charp, 0444);
MODULE_PARM_DESC(mistake, "The one mistake to make at boot, none if empty");

static DEFINE_MUTEX(dmabuf_lockdep_test_mutex);

/* Two buffers, somebody's memory, and a fence that has signaled long ago */
struct lockdep_test {
	struct dma_buf *a;
	struct dma_buf *b;
	struct mm_struct *mm;
	struct dma_fence *fence;
};

static struct sg_table *test_map(struct dma_buf_attachment *attach,
				 enum dma_data_direction dir)
{
	return ERR_PTR(-ENODEV);
}

static void test_unmap(struct dma_buf_attachment *attach, struct sg_table *sgt,
		       enum dma_data_direction dir)
{
}

static void test_release(struct dma_buf *dmabuf)
{
}

/* Nothing that is to be locked, so that only the core's locks are in play */
static void *test_vmap(struct dma_buf *dmabuf)
{
	return dmabuf;
}

static const struct dma_buf_ops test_ops = {
	.map_dma_buf = test_map,
	.unmap_dma_buf = test_unmap,
	.release = test_release,
	.vmap = test_vmap,
};

static struct dma_buf *test_export(void)
{
	DEFINE_DMA_BUF_EXPORT_INFO(info);

	info.ops = &test_ops;
	info.size = PAGE_SIZE;
	info.priv = &dmabuf_lockdep_test_mutex;

	return dma_buf_export(&info);
}

static void test_lock(struct dma_buf *dmabuf)
{
	dma_resv_lock(dmabuf->resv, NULL);
}

static void test_unlock(struct dma_buf *dmabuf)
{
	dma_resv_unlock(dmabuf->resv);
}

static void test_alloc(gfp_t gfp)
{
	kfree(kmalloc(64, gfp));
}

/* A lock that whoever signals needs is not held across a wait */

static void test_signal_under_mutex(void)
{
	bool cookie = dma_fence_begin_signalling();

	mutex_lock(&dmabuf_lockdep_test_mutex);
	mutex_unlock(&dmabuf_lockdep_test_mutex);
	dma_fence_end_signalling(cookie);
}

static void wait_under_lock(struct lockdep_test *t)
{
	test_signal_under_mutex();
	mutex_lock(&dmabuf_lockdep_test_mutex);
	dma_fence_wait(t->fence, false);
	mutex_unlock(&dmabuf_lockdep_test_mutex);
}

static void wait_before_lock(struct lockdep_test *t)
{
	test_signal_under_mutex();
	dma_fence_wait(t->fence, false);
	mutex_lock(&dmabuf_lockdep_test_mutex);
	mutex_unlock(&dmabuf_lockdep_test_mutex);
}

/* Who signals does not wait for memory */

static void alloc_in_section(struct lockdep_test *t)
{
	bool cookie = dma_fence_begin_signalling();

	test_alloc(GFP_KERNEL);
	dma_fence_end_signalling(cookie);
}

static void alloc_around_section(struct lockdep_test *t)
{
	bool cookie;

	test_alloc(GFP_KERNEL);
	cookie = dma_fence_begin_signalling();
	test_alloc(GFP_NOWAIT);
	test_alloc(GFP_ATOMIC);
	dma_fence_end_signalling(cookie);
	test_alloc(GFP_KERNEL);
}

/* Nor for an object */

static void resv_in_section(struct lockdep_test *t)
{
	bool cookie = dma_fence_begin_signalling();

	test_lock(t->a);
	test_unlock(t->a);
	dma_fence_end_signalling(cookie);
}

/* The section begins when others can see the fence, with the object still locked */
static void section_under_resv(struct lockdep_test *t)
{
	bool cookie;

	test_lock(t->a);
	cookie = dma_fence_begin_signalling();
	test_unlock(t->a);
	dma_fence_end_signalling(cookie);
}

/* Several objects are locked with a context */

static void resv_under_resv(struct lockdep_test *t)
{
	test_lock(t->a);
	test_lock(t->b);
	test_unlock(t->b);
	test_unlock(t->a);
}

static void resv_with_context(struct lockdep_test *t)
{
	struct ww_acquire_ctx ctx;

	ww_acquire_init(&ctx, &reservation_ww_class);
	if (dma_resv_lock(t->a->resv, &ctx) == -EDEADLK)
		dma_resv_lock_slow(t->a->resv, &ctx);
	if (dma_resv_lock(t->b->resv, &ctx) == -EDEADLK) {
		dma_resv_unlock(t->a->resv);
		dma_resv_lock_slow(t->b->resv, &ctx);
	} else {
		dma_resv_unlock(t->a->resv);
	}
	dma_resv_unlock(t->b->resv);
	ww_acquire_fini(&ctx);
}

/* Mappings go away under the lock of the object, not the other way round */

static void resv_under_i_mmap(struct lockdep_test *t)
{
	struct address_space *mapping = t->a->file->f_mapping;

	i_mmap_lock_write(mapping);
	test_lock(t->a);
	test_unlock(t->a);
	i_mmap_unlock_write(mapping);
}

static void unmap_under_resv(struct lockdep_test *t)
{
	test_lock(t->a);
	unmap_mapping_range(t->a->file->f_mapping, 0, 0, 1);
	test_unlock(t->a);
}

/* Memory of user space may fault, and a fault locks the object */

static void mmap_lock_under_resv(struct lockdep_test *t)
{
	test_lock(t->a);
	mmap_read_lock(t->mm);
	mmap_read_unlock(t->mm);
	test_unlock(t->a);
}

static void resv_under_mmap_lock(struct lockdep_test *t)
{
	mmap_read_lock(t->mm);
	test_lock(t->a);
	test_unlock(t->a);
	mmap_read_unlock(t->mm);
}

/* The same if there is a context already but nothing locked with it */

static void mmap_lock_under_context(struct lockdep_test *t)
{
	struct ww_acquire_ctx ctx;

	ww_acquire_init(&ctx, &reservation_ww_class);
	mmap_read_lock(t->mm);
	mmap_read_unlock(t->mm);
	ww_acquire_fini(&ctx);
}

static void context_under_mmap_lock(struct lockdep_test *t)
{
	mmap_read_lock(t->mm);
	resv_with_context(t);
	mmap_read_unlock(t->mm);
}

/* An MMU notifier waits for fences, and locks no objects: it may be for memory */

struct test_notifier {
	struct mmu_notifier base;
	struct lockdep_test *t;
	void (*func)(struct lockdep_test *t);
};

static int test_invalidate(struct mmu_notifier *base,
			   const struct mmu_notifier_range *range)
{
	struct test_notifier *notifier = container_of(base, struct test_notifier, base);

	notifier->func(notifier->t);

	return 0;
}

static const struct mmu_notifier_ops test_notifier_ops = {
	.invalidate_range_start = test_invalidate,
};

static void test_notify(struct lockdep_test *t, void (*func)(struct lockdep_test *t))
{
	struct test_notifier notifier = {
		.base.ops = &test_notifier_ops,
		.t = t,
		.func = func,
	};
	struct mmu_notifier_range range;

	if (WARN_ON(mmu_notifier_register(&notifier.base, t->mm)))
		return;
	mmu_notifier_range_init(&range, MMU_NOTIFY_UNMAP, 0, NULL, t->mm, 0, PAGE_SIZE);
	mmu_notifier_invalidate_range_start(&range);
	mmu_notifier_invalidate_range_end(&range);
	mmu_notifier_unregister(&notifier.base, t->mm);
}

static void test_resv(struct lockdep_test *t)
{
	test_lock(t->a);
	test_unlock(t->a);
}

static void test_wait(struct lockdep_test *t)
{
	dma_fence_wait(t->fence, false);
}

static void resv_in_notifier(struct lockdep_test *t)
{
	test_notify(t, test_resv);
}

static void wait_in_notifier(struct lockdep_test *t)
{
	test_notify(t, test_wait);
}

/* A shrinker tries to lock an object, and may wait for the fences if it could */

static void resv_in_reclaim(struct lockdep_test *t)
{
	fs_reclaim_acquire(GFP_KERNEL);
	test_resv(t);
	fs_reclaim_release(GFP_KERNEL);
}

static void trylock_in_reclaim(struct lockdep_test *t)
{
	fs_reclaim_acquire(GFP_KERNEL);
	if (dma_resv_trylock(t->a->resv)) {
		test_wait(t);
		unmap_mapping_range(t->a->file->f_mapping, 0, 0, 1);
		test_unlock(t->a);
	}
	fs_reclaim_release(GFP_KERNEL);
}

/* dma-buf's own locks: of the list, and of a buffer that the kernel maps */

static void export_under_resv(struct lockdep_test *t)
{
	struct dma_buf *dmabuf;

	test_lock(t->a);
	dmabuf = test_export();
	test_unlock(t->a);
	if (!IS_ERR(dmabuf))
		dma_buf_put(dmabuf);
}

static void export_before_resv(struct lockdep_test *t)
{
	struct dma_buf *dmabuf = test_export();

	test_resv(t);
	if (!IS_ERR(dmabuf))
		dma_buf_put(dmabuf);
}

static void vmap_under_resv(struct lockdep_test *t)
{
	test_lock(t->a);
	dma_buf_vunmap(t->a, dma_buf_vmap(t->a));
	test_unlock(t->a);
}

static void vmap_before_resv(struct lockdep_test *t)
{
	void *vaddr = dma_buf_vmap(t->a);

	test_resv(t);
	dma_buf_vunmap(t->a, vaddr);
}

#define CASE(wrong, right) { #wrong, wrong, #right, right }

static const struct {
	const char *wrong_name;
	void (*wrong)(struct lockdep_test *t);
	const char *right_name;
	void (*right)(struct lockdep_test *t);
} cases[] = {
	CASE(wait_under_lock, wait_before_lock),
	CASE(alloc_in_section, alloc_around_section),
	CASE(resv_in_section, section_under_resv),
	CASE(resv_under_resv, resv_with_context),
	CASE(resv_under_i_mmap, unmap_under_resv),
	CASE(mmap_lock_under_resv, resv_under_mmap_lock),
	CASE(mmap_lock_under_context, context_under_mmap_lock),
	CASE(resv_in_notifier, wait_in_notifier),
	CASE(resv_in_reclaim, trylock_in_reclaim),
	CASE(export_under_resv, export_before_resv),
	CASE(vmap_under_resv, vmap_before_resv),
};

static void test_run(struct lockdep_test *t, const char *name,
		     void (*func)(struct lockdep_test *t))
{
	pr_info("%s\n", name);
	func(t);
}

/* Before drivers, from which lockdep could learn something as well */
static int __init dmabuf_lockdep_test_init(void)
{
	struct lockdep_test t = {
		.a = test_export(),
		.b = test_export(),
		.mm = mm_alloc(),
		.fence = dma_fence_get_stub(),
	};
	unsigned int i, ran = 0;

	if (WARN_ON(IS_ERR(t.a) || IS_ERR(t.b) || !t.mm))
		return -ENOMEM;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		if (*mistake && strcmp(mistake, cases[i].wrong_name))
			continue;
		if (*mistake)
			test_run(&t, cases[i].wrong_name, cases[i].wrong);
		else
			test_run(&t, cases[i].right_name, cases[i].right);
		ran++;
	}
	pr_info("end of %u cases, lockdep is %s\n", ran,
		debug_locks ? "on" : "off");

	dma_fence_put(t.fence);
	mmput(t.mm);
	dma_buf_put(t.b);
	dma_buf_put(t.a);

	return 0;
}
fs_initcall(dmabuf_lockdep_test_init);
