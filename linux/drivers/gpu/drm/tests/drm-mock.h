/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A device without hardware that shows buffers without memory.
 */
#ifndef _DRM_TESTS_DRM_MOCK_H
#define _DRM_TESTS_DRM_MOCK_H

#include <drm/drm_atomic.h>
#include <drm/drm_crtc.h>
#include <drm/drm_framebuffer.h>
#include <drm/drm_gem.h>
#include <drm/drm_plane.h>

#include "resv-fixture.h"

#define DRM_MOCK_PLANES		2
#define DRM_MOCK_BUFFERS	4

/* Long enough to tell who waited, short enough to do it often */
#define DRM_MOCK_A_WHILE	max(HZ / 20, 3)

/**
 * struct drm_mock - a device, and what belongs to a test case
 * @fixture: the fences; comes first, so that the functions for it work
 * @parent: the parent of @dev
 * @dev: the device
 * @planes: its planes, the first one with a prepare_fb hook, see @prepare
 * @crtc: what they belong to, always off
 * @buffers: what there is to show, each with a reservation object of its own
 * @fb: one in which every buffer is used, once for each of its planes
 * @ctx: the locks of @state
 * @locked: @ctx is in use
 * @state: an atomic state, empty at first
 * @prepare: what the hook does, or NULL for nothing
 * @watched: fences to look at when the hardware would be touched
 * @unsignaled: how many of @watched were unsignaled then
 * @shown: the hardware would have been touched
 */
struct drm_mock {
	struct resv_fixture fixture;
	struct device *parent;
	struct drm_device *dev;
	struct drm_plane planes[DRM_MOCK_PLANES];
	struct drm_crtc crtc;
	struct drm_gem_object buffers[DRM_MOCK_BUFFERS];
	struct drm_framebuffer fb;
	struct drm_modeset_acquire_ctx ctx;
	bool locked;
	struct drm_atomic_state *state;
	int (*prepare)(struct drm_plane *plane, struct drm_plane_state *state);
	struct dma_fence *watched[2];
	unsigned int unsignaled;
	struct completion shown;
};

static inline struct drm_mock *drm_mock(struct kunit *test)
{
	return test->priv;
}

int drm_mock_init(struct kunit *test);
void drm_mock_exit(struct kunit *test);

struct drm_plane_state *drm_mock_plane(struct kunit *test, unsigned int i);
struct dma_fence *drm_mock_in_fence(struct kunit *test,
				    struct drm_plane_state *state);
void drm_mock_watch(struct kunit *test, struct dma_fence *a, struct dma_fence *b);
struct dma_fence *drm_mock_busy(struct kunit *test, unsigned int i,
				enum dma_resv_usage usage);

/* For waits that a signal interrupts: there is one already */
void drm_mock_interrupt(void);
void drm_mock_interrupted(void);

#endif /* _DRM_TESTS_DRM_MOCK_H */
