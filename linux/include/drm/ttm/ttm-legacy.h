/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * The buffers of a submission as they were up to Linux 5.10, for drivers outside the
 * tree that have not been converted. linux/dma-resv-legacy.h and
 * drm/ttm/ttm_execbuf_util.h together include this one.
 */
#ifndef _TTM_LEGACY_H_
#define _TTM_LEGACY_H_

#include <drm/ttm/ttm_execbuf_util.h>

/**
 * DOC: Drivers of TTM
 *
 * A ``struct ttm_validate_buffer`` has its member ``num_shared`` again: 0 for a fence that
 * is exclusive, or else the number of shared fences, the one of the submission
 * included. It belongs to the driver, which may change it until its fence goes in.
 *
 * There is nothing like ``bo->moving`` any more, so code that uses it doesn't build.
 * Instead of waiting for that fence wait for the KERNEL ones, and add as such what
 * was put there.
 */

/*
 * An exclusive fence needed no slot, and neither did a move on the way to the
 * submission: that of the buffer, and that of what was evicted for it.
 */
#define TTM_LEGACY_SLOTS 3

static inline void ttm_legacy_add_slots(struct list_head *list, int slots)
{
	struct ttm_validate_buffer *entry;

	list_for_each_entry(entry, list, head)
		entry->num_fences += slots;
}

/**
 * ttm_legacy_reserve_buffers - ttm_eu_reserve_buffers() by num_shared
 * @ticket: as for ttm_eu_reserve_buffers()
 * @list: entries with their number of shared fences, which is the same afterwards
 * @intr: as for ttm_eu_reserve_buffers()
 * @dups: as for ttm_eu_reserve_buffers()
 *
 * There is room for an exclusive fence as well afterwards, and for those of moves.
 *
 * Context: As for ttm_eu_reserve_buffers().
 * Return: As for ttm_eu_reserve_buffers().
 */
static inline int ttm_legacy_reserve_buffers(struct ww_acquire_ctx *ticket,
					     struct list_head *list, bool intr,
					     struct list_head *dups)
{
	LIST_HEAD(new_dups);
	int ret;

	ttm_legacy_add_slots(list, TTM_LEGACY_SLOTS);
	ret = ttm_eu_reserve_buffers(ticket, list, intr, dups ? &new_dups : NULL);
	ttm_legacy_add_slots(list, -TTM_LEGACY_SLOTS);

	/* What was in @dups before has not been counted up */
	ttm_legacy_add_slots(&new_dups, -TTM_LEGACY_SLOTS);
	if (dups)
		list_splice(&new_dups, dups);

	return ret;
}

/**
 * ttm_legacy_fence_buffer_objects - ttm_eu_fence_buffer_objects() by num_shared
 * @ticket: as for ttm_eu_fence_buffer_objects()
 * @list: entries with their number of shared fences
 * @fence: the fence of the submission, or NULL if the device was waited for instead
 *
 * Where @fence is exclusive it is added as %DMA_RESV_USAGE_WRITE, where it is shared
 * as %DMA_RESV_USAGE_READ. Without a fence the buffers are just unlocked.
 *
 * Context: As for ttm_eu_fence_buffer_objects().
 */
static inline void ttm_legacy_fence_buffer_objects(struct ww_acquire_ctx *ticket,
						   struct list_head *list,
						   struct dma_fence *fence)
{
	struct ttm_validate_buffer *entry;

	if (!fence) {
		ttm_eu_backoff_reservation(ticket, list);
		return;
	}

	list_for_each_entry(entry, list, head)
		entry->usage = entry->num_fences ? DMA_RESV_USAGE_READ :
						   DMA_RESV_USAGE_WRITE;
	ttm_eu_fence_buffer_objects(ticket, list, fence);
}

/* From here on there are only the entries of the driver */
#define num_shared num_fences
#define ttm_eu_reserve_buffers ttm_legacy_reserve_buffers
#define ttm_eu_fence_buffer_objects ttm_legacy_fence_buffer_objects

#endif /* _TTM_LEGACY_H_ */
