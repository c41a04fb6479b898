// SPDX-License-Identifier: GPL-2.0
/*
 * A device without hardware that shows buffers without memory. Its planes, its
 * state and the helpers that work on them are real; its CRTC is never on, so that
 * nobody asks for a mode, a connector or an interrupt.
 */

#include <drm/drm_atomic_helper.h>
#include <drm/drm_atomic_uapi.h>
#include <drm/drm_drv.h>
#include <drm/drm_fourcc.h>
#include <drm/drm_managed.h>
#include <drm/drm_mode_config.h>
#include <drm/drm_modeset_helper_vtables.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "drm-mock.h"

static struct drm_mock *to_mock(struct drm_device *dev)
{
	return dev->dev_private;
}

static int drm_mock_prepare_fb(struct drm_plane *plane,
			       struct drm_plane_state *state)
{
	struct drm_mock *mock = to_mock(plane->dev);

	return mock->prepare ? mock->prepare(plane, state) : 0;
}

static int drm_mock_async_check(struct drm_plane *plane,
				struct drm_plane_state *state)
{
	return 0;
}

static void drm_mock_show(struct drm_plane *plane)
{
	struct drm_mock *mock = to_mock(plane->dev);
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(mock->watched); i++)
		if (mock->watched[i] && !dma_fence_is_signaled(mock->watched[i]))
			mock->unsignaled++;
	complete(&mock->shown);
}

static void drm_mock_update(struct drm_plane *plane,
			    struct drm_plane_state *old_state)
{
	drm_mock_show(plane);
}

static void drm_mock_async_update(struct drm_plane *plane,
				  struct drm_plane_state *state)
{
	swap(plane->state->fb, state->fb);
	drm_mock_show(plane);
}

static const struct drm_plane_helper_funcs drm_mock_plane_helper_funcs[] = {
	{
		.prepare_fb = drm_mock_prepare_fb,
		.atomic_update = drm_mock_update,
	}, {
		.atomic_update = drm_mock_update,
		.atomic_async_check = drm_mock_async_check,
		.atomic_async_update = drm_mock_async_update,
	},
};

static const struct drm_plane_funcs drm_mock_plane_funcs = {
	.destroy = drm_plane_cleanup,
	.reset = drm_atomic_helper_plane_reset,
	.atomic_duplicate_state = drm_atomic_helper_plane_duplicate_state,
	.atomic_destroy_state = drm_atomic_helper_plane_destroy_state,
};

static const struct drm_crtc_helper_funcs drm_mock_crtc_helper_funcs = {
};

static const struct drm_crtc_funcs drm_mock_crtc_funcs = {
	.destroy = drm_crtc_cleanup,
	.reset = drm_atomic_helper_crtc_reset,
	.atomic_duplicate_state = drm_atomic_helper_crtc_duplicate_state,
	.atomic_destroy_state = drm_atomic_helper_crtc_destroy_state,
};

static void drm_mock_fb_destroy(struct drm_framebuffer *fb)
{
	drm_framebuffer_cleanup(fb);
}

static const struct drm_framebuffer_funcs drm_mock_fb_funcs = {
	.destroy = drm_mock_fb_destroy,
};

static const struct drm_mode_config_funcs drm_mock_mode_config_funcs = {
	.atomic_check = drm_atomic_helper_check,
	.atomic_commit = drm_atomic_helper_commit,
};

static struct drm_driver drm_mock_driver = {
	.driver_features = DRIVER_GEM | DRIVER_MODESET | DRIVER_ATOMIC,
	.name = "drm-mock",
	.desc = "a device without hardware",
	.date = "20200101",
};

static int drm_mock_setup(struct drm_mock *mock)
{
	static const u32 format = DRM_FORMAT_XRGB8888;
	struct drm_device *dev = mock->dev;
	struct drm_plane *plane;
	unsigned int i;
	int ret;

	dev->dev_private = mock;
	ret = drmm_mode_config_init(dev);
	if (ret)
		return ret;
	dev->mode_config.funcs = &drm_mock_mode_config_funcs;

	for (i = 0; i < DRM_MOCK_PLANES; i++) {
		plane = &mock->planes[i];
		ret = drm_universal_plane_init(dev, plane, 1,
					       &drm_mock_plane_funcs, &format,
					       1, NULL,
					       i ? DRM_PLANE_TYPE_CURSOR :
						   DRM_PLANE_TYPE_PRIMARY, NULL);
		if (ret)
			return ret;
		drm_plane_helper_add(plane, &drm_mock_plane_helper_funcs[i]);
	}
	ret = drm_crtc_init_with_planes(dev, &mock->crtc, &mock->planes[0],
					&mock->planes[1], &drm_mock_crtc_funcs,
					NULL);
	if (ret)
		return ret;
	drm_crtc_helper_add(&mock->crtc, &drm_mock_crtc_helper_funcs);
	drm_mode_config_reset(dev);

	mock->fb.dev = dev;
	mock->fb.format = drm_format_info(format);
	for (i = 0; i < DRM_MOCK_BUFFERS; i++)
		mock->fb.obj[i] = &mock->buffers[i];
	ret = drm_framebuffer_init(dev, &mock->fb, &drm_mock_fb_funcs);
	if (ret)
		return ret;

	mock->state = drm_atomic_state_alloc(dev);
	if (!mock->state)
		return -ENOMEM;
	mock->state->acquire_ctx = &mock->ctx;

	/* All locks now, so that no test has to back off */
	drm_modeset_acquire_init(&mock->ctx, 0);
	mock->locked = true;
	do
		ret = drm_modeset_lock_all_ctx(dev, &mock->ctx);
	while (ret == -EDEADLK && !drm_modeset_backoff(&mock->ctx));

	return ret;
}

/**
 * drm_mock_init - give a test case its device
 * @test: the test case
 *
 * Return: 0, or why there is none.
 */
int drm_mock_init(struct kunit *test)
{
	struct drm_mock *mock;
	unsigned int i;
	int ret;

	mock = kzalloc(sizeof(*mock), GFP_KERNEL);
	if (!mock)
		return -ENOMEM;

	dma_resv_init(&mock->fixture.obj);
	INIT_LIST_HEAD(&mock->fixture.fences);
	init_completion(&mock->shown);
	test->priv = mock;

	mock->parent = root_device_register("drm-mock");
	if (IS_ERR(mock->parent)) {
		ret = PTR_ERR(mock->parent);
		mock->parent = NULL;
		goto out;
	}
	mock->dev = drm_dev_alloc(&drm_mock_driver, mock->parent);
	if (IS_ERR(mock->dev)) {
		ret = PTR_ERR(mock->dev);
		mock->dev = NULL;
		goto out;
	}
	for (i = 0; i < DRM_MOCK_BUFFERS; i++)
		drm_gem_private_object_init(mock->dev, &mock->buffers[i],
					    PAGE_SIZE);
	ret = drm_mock_setup(mock);
out:
	if (ret)
		drm_mock_exit(test);

	return ret;
}

/**
 * drm_mock_exit - take it away, and see whether a reference leaked
 * @test: the test case
 */
void drm_mock_exit(struct kunit *test)
{
	struct drm_mock *mock = drm_mock(test);
	unsigned int i;

	if (!mock)
		return;

	if (mock->state)
		drm_atomic_state_put(mock->state);
	if (mock->locked) {
		drm_modeset_drop_locks(&mock->ctx);
		drm_modeset_acquire_fini(&mock->ctx);
	}
	if (mock->fb.funcs) {
		/* It may be shown still */
		for (i = 0; i < DRM_MOCK_PLANES; i++)
			drm_atomic_set_fb_for_plane(mock->planes[i].state, NULL);
		KUNIT_EXPECT_EQ(test, drm_framebuffer_read_refcount(&mock->fb),
				1u);
		drm_framebuffer_put(&mock->fb);
	}
	if (mock->dev) {
		for (i = 0; i < DRM_MOCK_BUFFERS; i++) {
			KUNIT_EXPECT_EQ(test,
					kref_read(&mock->buffers[i].refcount),
					1u);
			drm_gem_object_release(&mock->buffers[i]);
		}
		drm_dev_put(mock->dev);
	}
	if (mock->parent)
		root_device_unregister(mock->parent);

	/* Frees all of it */
	resv_fixture_exit(test);
}

/**
 * drm_mock_plane - have a plane show the framebuffer
 * @test: the test case
 * @i: which plane
 *
 * Return: its new state.
 */
struct drm_plane_state *drm_mock_plane(struct kunit *test, unsigned int i)
{
	struct drm_mock *mock = drm_mock(test);
	struct drm_plane_state *state;

	state = drm_atomic_get_plane_state(mock->state, &mock->planes[i]);
	KUNIT_ASSERT_FALSE(test, IS_ERR(state));
	KUNIT_ASSERT_EQ(test, drm_atomic_set_crtc_for_plane(state, &mock->crtc),
			0);
	drm_atomic_set_fb_for_plane(state, &mock->fb);

	return state;
}

/**
 * drm_mock_in_fence - have a plane wait for a new fence, as IN_FENCE_FD does
 * @test: the test case
 * @state: state of the plane
 *
 * Return: the fence, with a context of its own.
 */
struct dma_fence *drm_mock_in_fence(struct kunit *test,
				    struct drm_plane_state *state)
{
	struct dma_fence *fence = resv_new_fence(test);

	state->fence = dma_fence_get(fence);

	return fence;
}

/**
 * drm_mock_watch - which fences to look at when something is shown
 * @test: the test case
 * @a: a fence, or NULL
 * @b: another one, or NULL
 */
void drm_mock_watch(struct kunit *test, struct dma_fence *a, struct dma_fence *b)
{
	struct drm_mock *mock = drm_mock(test);

	mock->watched[0] = a;
	mock->watched[1] = b;
	mock->unsignaled = 0;
	reinit_completion(&mock->shown);
}

/**
 * drm_mock_busy - add a new fence to a buffer
 * @test: the test case
 * @i: which buffer
 * @usage: usage of the fence
 *
 * Return: the fence, with a context of its own.
 */
struct dma_fence *drm_mock_busy(struct kunit *test, unsigned int i,
				enum dma_resv_usage usage)
{
	struct dma_fence *fence = resv_new_fence(test);

	resv_add(test, drm_mock(test)->buffers[i].resv, fence, usage);

	return fence;
}

/**
 * drm_mock_interrupt - have every interruptible wait of this thread end at once
 */
void drm_mock_interrupt(void)
{
	allow_signal(SIGINT);
	send_sig(SIGINT, current, 1);
}

/**
 * drm_mock_interrupted - undo drm_mock_interrupt()
 */
void drm_mock_interrupted(void)
{
	flush_signals(current);
	disallow_signal(SIGINT);
}
