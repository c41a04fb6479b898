// SPDX-License-Identifier: GPL-2.0
/*
 * The atomic helpers wait for what planes have to wait for, before anything is
 * shown.
 */

#include <drm/drm_atomic_helper.h>
#include <drm/drm_atomic_uapi.h>
#include <drm/drm_gem_framebuffer_helper.h>

#include "drm-fence-kunit.h"
#include "drm-mock.h"

/* A plane without a hook has its buffers looked at nevertheless */
static void prepare_without_hook(struct kunit *test)
{
	struct drm_plane_state *state = drm_mock_plane(test, 1);
	struct drm_mock *mock = drm_mock(test);
	struct dma_fence *fence;

	fence = drm_mock_busy(test, 0, DMA_RESV_USAGE_KERNEL);
	KUNIT_EXPECT_EQ(test, drm_atomic_helper_prepare_planes(mock->dev,
							       mock->state), 0);
	KUNIT_EXPECT_PTR_EQ(test, state->fence, fence);
	drm_atomic_helper_cleanup_planes(mock->dev, mock->state);
}

/* A hook has it its own way */
static void prepare_with_hook(struct kunit *test)
{
	struct drm_plane_state *state = drm_mock_plane(test, 0);
	struct drm_mock *mock = drm_mock(test);

	drm_mock_busy(test, 0, DMA_RESV_USAGE_KERNEL);
	KUNIT_EXPECT_EQ(test, drm_atomic_helper_prepare_planes(mock->dev,
							       mock->state), 0);
	KUNIT_EXPECT_PTR_EQ(test, state->fence, (struct dma_fence *)NULL);
	drm_atomic_helper_cleanup_planes(mock->dev, mock->state);
}

static int fails(struct drm_plane *plane, struct drm_plane_state *state)
{
	return -EDOM;
}

static void prepare_fails(struct kunit *test)
{
	struct drm_mock *mock = drm_mock(test);

	drm_mock_plane(test, 0);
	drm_mock_plane(test, 1);
	mock->prepare = fails;
	KUNIT_EXPECT_EQ(test, drm_atomic_helper_prepare_planes(mock->dev,
							       mock->state),
			-EDOM);
}

static void wait_usage(struct kunit *test, enum dma_resv_usage usage,
		       bool explicit)
{
	struct drm_plane_state *state = drm_mock_plane(test, 1);
	struct mock_signaler signaler[2];
	struct drm_mock *mock = drm_mock(test);
	struct dma_fence *fence, *in_fence = NULL;
	bool waits;

	fence = drm_mock_busy(test, 0, usage);
	if (explicit) {
		in_fence = drm_mock_in_fence(test, state);
		mock_signal_later(&signaler[1], in_fence, DRM_MOCK_A_WHILE);
	}
	waits = resv_query_yields(explicit ? DMA_RESV_USAGE_KERNEL :
				  DMA_RESV_USAGE_WRITE, usage);
	mock_signal_later(&signaler[0], fence,
			  waits ? 2 * DRM_MOCK_A_WHILE : 20 * HZ);

	KUNIT_EXPECT_EQ(test, drm_atomic_helper_prepare_planes(mock->dev,
							       mock->state), 0);
	KUNIT_EXPECT_EQ(test, drm_atomic_helper_wait_for_fences(mock->dev,
								mock->state,
								true), 0);
	KUNIT_EXPECT_EQ(test, dma_fence_is_signaled(fence), waits);
	if (explicit)
		KUNIT_EXPECT_TRUE(test, dma_fence_is_signaled(in_fence));
	KUNIT_EXPECT_PTR_EQ(test, state->fence, (struct dma_fence *)NULL);

	mock_signal_end(&signaler[0]);
	if (explicit)
		mock_signal_end(&signaler[1]);
	drm_atomic_helper_cleanup_planes(mock->dev, mock->state);
}

static void wait_implicit_usage(struct kunit *test, enum dma_resv_usage usage)
{
	wait_usage(test, usage, false);
}

RESV_PER_USAGE(wait_implicit);

static void wait_explicit_usage(struct kunit *test, enum dma_resv_usage usage)
{
	wait_usage(test, usage, true);
}

RESV_PER_USAGE(wait_explicit);

/* Every plane counts */
static void wait_several_planes(struct kunit *test)
{
	struct mock_signaler signaler[DRM_MOCK_PLANES];
	struct drm_mock *mock = drm_mock(test);
	struct dma_fence *fences[DRM_MOCK_PLANES];
	unsigned int i;

	for (i = 0; i < DRM_MOCK_PLANES; i++) {
		fences[i] = drm_mock_in_fence(test, drm_mock_plane(test, i));
		mock_signal_later(&signaler[i], fences[i],
				  (i + 1) * DRM_MOCK_A_WHILE);
	}
	KUNIT_EXPECT_EQ(test, drm_atomic_helper_wait_for_fences(mock->dev,
								mock->state,
								true), 0);
	for (i = 0; i < DRM_MOCK_PLANES; i++) {
		KUNIT_EXPECT_TRUE(test, dma_fence_is_signaled(fences[i]));
		mock_signal_end(&signaler[i]);
	}
}

/* A fence and nothing to show: that is for user space to do, and no reason to warn */
static void wait_without_framebuffer(struct kunit *test)
{
	struct drm_plane_state *state = drm_mock_plane(test, 0);
	struct drm_mock *mock = drm_mock(test);
	struct mock_signaler signaler;
	struct dma_fence *in_fence;

	drm_atomic_set_fb_for_plane(state, NULL);
	KUNIT_ASSERT_EQ(test, drm_atomic_set_crtc_for_plane(state, NULL), 0);
	in_fence = drm_mock_in_fence(test, state);
	mock_signal_later(&signaler, in_fence, DRM_MOCK_A_WHILE);
	KUNIT_EXPECT_EQ(test, drm_atomic_helper_prepare_planes(mock->dev,
							       mock->state), 0);
	KUNIT_EXPECT_EQ(test, drm_atomic_helper_wait_for_fences(mock->dev,
								mock->state,
								true), 0);
	KUNIT_EXPECT_TRUE(test, dma_fence_is_signaled(in_fence));
	KUNIT_EXPECT_PTR_EQ(test, state->fence, (struct dma_fence *)NULL);
	mock_signal_end(&signaler);
	drm_atomic_helper_cleanup_planes(mock->dev, mock->state);
}

/* Before the states are swapped a signal may end it, and nothing is lost */
static void wait_interrupted(struct kunit *test)
{
	struct drm_plane_state *state = drm_mock_plane(test, 0);
	struct drm_mock *mock = drm_mock(test);
	struct dma_fence *fence = drm_mock_in_fence(test, state);

	drm_mock_interrupt();
	KUNIT_EXPECT_EQ(test, drm_atomic_helper_wait_for_fences(mock->dev,
								mock->state,
								true),
			-ERESTARTSYS);
	drm_mock_interrupted();
	KUNIT_EXPECT_PTR_EQ(test, state->fence, fence);
}

/* Both an explicit fence and a move, whichever comes first */
static void commit_waits(struct kunit *test)
{
	struct mock_signaler signaler[2];
	struct drm_mock *mock = drm_mock(test);
	struct dma_fence *in_fence, *kernel;

	in_fence = drm_mock_in_fence(test, drm_mock_plane(test, 1));
	kernel = drm_mock_busy(test, 2, DMA_RESV_USAGE_KERNEL);
	drm_mock_watch(test, in_fence, kernel);
	mock_signal_later(&signaler[0], in_fence, DRM_MOCK_A_WHILE);
	mock_signal_later(&signaler[1], kernel, 2 * DRM_MOCK_A_WHILE);
	KUNIT_EXPECT_EQ(test, drm_atomic_commit(mock->state), 0);
	KUNIT_EXPECT_TRUE(test, try_wait_for_completion(&mock->shown));
	KUNIT_EXPECT_EQ(test, mock->unsignaled, 0u);
	mock_signal_end(&signaler[0]);
	mock_signal_end(&signaler[1]);
}

/* One that does not block leaves the wait to somebody else */
static void nonblocking_waits(struct kunit *test, bool kernel_first)
{
	struct drm_mock *mock = drm_mock(test);
	struct dma_fence *fences[2];

	fences[!kernel_first] = drm_mock_busy(test, 0, DMA_RESV_USAGE_KERNEL);
	fences[kernel_first] = drm_mock_in_fence(test, drm_mock_plane(test, 1));
	drm_mock_watch(test, fences[0], fences[1]);
	KUNIT_EXPECT_EQ(test, drm_atomic_nonblocking_commit(mock->state), 0);

	dma_fence_signal(fences[0]);
	KUNIT_EXPECT_EQ(test,
			wait_for_completion_timeout(&mock->shown,
						    DRM_MOCK_A_WHILE), 0ul);
	dma_fence_signal(fences[1]);
	KUNIT_EXPECT_GT(test,
			wait_for_completion_timeout(&mock->shown, 20 * HZ), 0ul);
	KUNIT_EXPECT_EQ(test, mock->unsignaled, 0u);

	/* The commit has a reference until its very end */
	while (kref_read(&mock->state->ref) > 1)
		schedule_timeout_uninterruptible(1);
}

static void nonblocking_waits_for_kernel(struct kunit *test)
{
	nonblocking_waits(test, false);
}

static void nonblocking_waits_for_explicit(struct kunit *test)
{
	nonblocking_waits(test, true);
}

/* A cursor waits for a move even if it is updated at once, and for nothing else */
static void async_commit_usage(struct kunit *test, enum dma_resv_usage usage)
{
	bool waits = usage == DMA_RESV_USAGE_KERNEL;
	struct drm_mock *mock = drm_mock(test);
	struct mock_signaler signaler;
	struct dma_fence *fence;

	drm_mock_plane(test, 1);
	fence = drm_mock_busy(test, 0, usage);
	drm_mock_watch(test, fence, NULL);
	mock_signal_later(&signaler, fence, waits ? DRM_MOCK_A_WHILE : 20 * HZ);

	mock->state->async_update = true;
	KUNIT_EXPECT_EQ(test, drm_atomic_helper_commit(mock->dev, mock->state,
						       false), 0);
	KUNIT_EXPECT_TRUE(test, try_wait_for_completion(&mock->shown));
	KUNIT_EXPECT_EQ(test, mock->unsignaled, waits ? 0u : 1u);
	mock_signal_end(&signaler);
}

RESV_PER_USAGE(async_commit);

static struct kunit_case drm_atomic_fence_cases[] = {
	KUNIT_CASE(prepare_without_hook),
	KUNIT_CASE(prepare_with_hook),
	KUNIT_CASE(prepare_fails),
	KUNIT_CASE(wait_implicit_kernel),
	KUNIT_CASE(wait_implicit_write),
	KUNIT_CASE(wait_implicit_read),
	KUNIT_CASE(wait_implicit_bookkeep),
	KUNIT_CASE(wait_explicit_kernel),
	KUNIT_CASE(wait_explicit_write),
	KUNIT_CASE(wait_explicit_read),
	KUNIT_CASE(wait_explicit_bookkeep),
	KUNIT_CASE(wait_several_planes),
	KUNIT_CASE(wait_without_framebuffer),
	KUNIT_CASE(wait_interrupted),
	KUNIT_CASE(commit_waits),
	KUNIT_CASE(nonblocking_waits_for_kernel),
	KUNIT_CASE(nonblocking_waits_for_explicit),
	KUNIT_CASE(async_commit_kernel),
	KUNIT_CASE(async_commit_write),
	KUNIT_CASE(async_commit_read),
	KUNIT_CASE(async_commit_bookkeep),
	{}
};

struct kunit_suite drm_atomic_fence_suite = {
	.name = "drm-atomic-fence",
	.init = drm_mock_init,
	.exit = drm_mock_exit,
	.test_cases = drm_atomic_fence_cases,
};
