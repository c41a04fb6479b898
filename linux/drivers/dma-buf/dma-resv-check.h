/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What reservation objects tell the run-time checker.
 */
#ifndef _DMA_RESV_CHECK_H
#define _DMA_RESV_CHECK_H

#include <linux/dma-resv.h>

#ifdef CONFIG_DMABUF_CHECK
#include <linux/dma-fence-check.h>
#include <linux/list.h>

void __dma_resv_check_mistake(struct dma_resv *obj, struct dma_fence *fence,
			      int usage, bool locked);
void __dma_resv_check_early(struct dma_resv *obj, struct dma_fence *fence);
void __dma_resv_check_add(struct dma_resv *obj, struct dma_fence *fence,
			  enum dma_resv_usage usage);
void __dma_resv_check_replace(struct dma_resv *obj, struct dma_fence *old,
			      struct dma_fence *fence,
			      enum dma_resv_usage usage);
void __dma_resv_check_copy(struct dma_resv *dst, struct dma_resv *src,
			   struct dma_resv_table *list);
void __dma_resv_check_fini(struct dma_resv *obj);
bool dma_resv_check_settled(void);
unsigned int dma_resv_check_tolerate(unsigned int ms);

static inline void dma_resv_check_init(struct dma_resv *obj)
{
	INIT_LIST_HEAD(&obj->records);
	obj->import = false;
}

/* Nobody else uses the object any more */
static inline void dma_resv_check_fini(struct dma_resv *obj)
{
	if (!list_empty(&obj->records))
		__dma_resv_check_fini(obj);
}

/*
 * The lock is not held, or no slot was reserved; @usage is -1 if no fence is being
 * added. Returns whether this does the reporting.
 */
static inline bool dma_resv_check_mistake(struct dma_resv *obj,
					  struct dma_fence *fence, int usage,
					  bool locked)
{
	if (!static_branch_unlikely(&dma_fence_check_enabled))
		return false;
	__dma_resv_check_mistake(obj, fence, usage, locked);

	return true;
}

/* The wait of @fence says that it has signaled. Returns whether this does the reporting. */
static inline bool dma_resv_check_early(struct dma_resv *obj,
					struct dma_fence *fence)
{
	if (!static_branch_unlikely(&dma_fence_check_enabled))
		return false;
	__dma_resv_check_early(obj, fence);

	return true;
}

/* @fence is about to be added */
static inline void dma_resv_check_add(struct dma_resv *obj,
				      struct dma_fence *fence,
				      enum dma_resv_usage usage)
{
	if (static_branch_unlikely(&dma_fence_check_enabled))
		__dma_resv_check_add(obj, fence, usage);
}

/* @old is about to be taken out, and @fence put in unless it has signaled */
static inline void dma_resv_check_replace(struct dma_resv *obj,
					  struct dma_fence *old,
					  struct dma_fence *fence,
					  enum dma_resv_usage usage)
{
	if (static_branch_unlikely(&dma_fence_check_enabled))
		__dma_resv_check_replace(obj, old, fence, usage);
}

/* @dst is about to get @list, with the fences of @src, in place of its own */
static inline void dma_resv_check_copy(struct dma_resv *dst,
				       struct dma_resv *src,
				       struct dma_resv_table *list)
{
	if (static_branch_unlikely(&dma_fence_check_enabled))
		__dma_resv_check_copy(dst, src, list);
}

/*
 * With the lock held, around the adding of what user space hands in. That may be
 * anything, and says nothing about the job behind the fence.
 */
static inline void dma_resv_check_import(struct dma_resv *obj, bool import)
{
	obj->import = import;
}
#else
static inline void dma_resv_check_init(struct dma_resv *obj) {}
static inline void dma_resv_check_fini(struct dma_resv *obj) {}
static inline bool dma_resv_check_mistake(struct dma_resv *obj,
					  struct dma_fence *fence, int usage,
					  bool locked)
{
	return false;
}

static inline bool dma_resv_check_early(struct dma_resv *obj,
					struct dma_fence *fence)
{
	return false;
}

static inline void dma_resv_check_add(struct dma_resv *obj,
				      struct dma_fence *fence,
				      enum dma_resv_usage usage) {}
static inline void dma_resv_check_replace(struct dma_resv *obj,
					  struct dma_fence *old,
					  struct dma_fence *fence,
					  enum dma_resv_usage usage) {}
static inline void dma_resv_check_copy(struct dma_resv *dst,
				       struct dma_resv *src,
				       struct dma_resv_table *list) {}
static inline void dma_resv_check_import(struct dma_resv *obj, bool import) {}
#endif /* CONFIG_DMABUF_CHECK */

#endif /* _DMA_RESV_CHECK_H */
