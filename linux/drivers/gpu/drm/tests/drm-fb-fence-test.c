// SPDX-License-Identifier: GPL-2.0
/*
 * What a plane has to wait for: the fences that drm_gem_fb_prepare_fb() finds.
 */

#include <drm/drm_atomic_uapi.h>
#include <drm/drm_fourcc.h>
#include <drm/drm_gem_framebuffer_helper.h>
#include <drm/drm_modeset_helper_vtables.h>
#include <drm/drm_simple_kms_helper.h>
#include <linux/dma-fence-array.h>
#include <linux/dma-fence-leaves.h>
#include <linux/slab.h>

#include "drm-fence-kunit.h"
#include "drm-mock.h"
#include "oom-inject.h"

/* Expect a plane to wait for these fences and no others, the NULL ones left out */
static void expect_fences(struct kunit *test, struct drm_plane_state *state,
			  struct dma_fence **want, unsigned int count)
{
	struct dma_fence **leaves;
	unsigned int n, i, k, wanted = 0;

	KUNIT_ASSERT_EQ(test, dma_fence_get_leaves(&state->fence,
						   state->fence ? 1 : 0,
						   &leaves, &n), 0);
	for (i = 0; i < count; i++) {
		if (!want[i])
			continue;
		wanted++;
		for (k = 0; k < n && leaves[k] != want[i]; k++)
			;
		KUNIT_EXPECT_TRUE_MSG(test, k < n, "fence %u is missing", i);
	}
	KUNIT_EXPECT_EQ(test, n, wanted);
	dma_fence_put_all(leaves, n);
}

#define EXPECT_FENCES(test, state, ...)					\
	expect_fences(test, state, (struct dma_fence *[]){ __VA_ARGS__ }, \
		      sizeof((struct dma_fence *[]){ __VA_ARGS__ }) /	\
		      sizeof(struct dma_fence *))

#define EXPECT_NO_FENCE(test, state)	expect_fences(test, state, NULL, 0)

static int prepare(struct drm_plane_state *state)
{
	return drm_gem_fb_prepare_fb(state->plane, state);
}

/* Scan-out is an implicitly synchronized reader */
static void implicit_usage(struct kunit *test, enum dma_resv_usage usage)
{
	struct drm_plane_state *state = drm_mock_plane(test, 0);
	struct dma_fence *fence = drm_mock_busy(test, 0, usage);

	KUNIT_EXPECT_EQ(test, prepare(state), 0);
	EXPECT_FENCES(test, state,
		      resv_query_yields(DMA_RESV_USAGE_WRITE, usage) ? fence : NULL);
}

RESV_PER_USAGE(implicit);

/* With an explicit fence it still does not look at what is being moved */
static void explicit_usage(struct kunit *test, enum dma_resv_usage usage)
{
	struct drm_plane_state *state = drm_mock_plane(test, 0);
	struct dma_fence *fence = drm_mock_busy(test, 0, usage);
	struct dma_fence *in_fence = drm_mock_in_fence(test, state);

	KUNIT_EXPECT_EQ(test, prepare(state), 0);
	EXPECT_FENCES(test, state, in_fence,
		      usage == DMA_RESV_USAGE_KERNEL ? fence : NULL);
}

RESV_PER_USAGE(explicit);

/* Nor does a cursor that is updated at once */
static void async_usage(struct kunit *test, enum dma_resv_usage usage)
{
	struct drm_plane_state *state = drm_mock_plane(test, 1);
	struct dma_fence *fence = drm_mock_busy(test, 0, usage);

	state->state->async_update = true;
	KUNIT_EXPECT_EQ(test, prepare(state), 0);
	EXPECT_FENCES(test, state,
		      usage == DMA_RESV_USAGE_KERNEL ? fence : NULL);
}

RESV_PER_USAGE(async);

static void busy_with_everything(struct kunit *test, struct dma_fence **fences)
{
	unsigned int i;

	for (i = 0; i < 2 * RESV_USAGES; i++)
		fences[i] = drm_mock_busy(test, 0, i / 2);
}

static void implicit_all_at_once(struct kunit *test)
{
	struct drm_plane_state *state = drm_mock_plane(test, 0);
	struct dma_fence *fences[2 * RESV_USAGES];

	busy_with_everything(test, fences);
	KUNIT_EXPECT_EQ(test, prepare(state), 0);
	expect_fences(test, state, fences, 2 * (DMA_RESV_USAGE_WRITE + 1));
}

static void explicit_all_at_once(struct kunit *test)
{
	struct drm_plane_state *state = drm_mock_plane(test, 0);
	struct dma_fence *in_fence = drm_mock_in_fence(test, state);
	struct dma_fence *fences[2 * RESV_USAGES];

	busy_with_everything(test, fences);
	KUNIT_EXPECT_EQ(test, prepare(state), 0);
	EXPECT_FENCES(test, state, in_fence, fences[0], fences[1]);
}

/* Each plane of the framebuffer may be in a buffer of its own */
static void implicit_several_buffers(struct kunit *test)
{
	struct drm_plane_state *state = drm_mock_plane(test, 0);
	struct dma_fence *fences[DRM_MOCK_BUFFERS];
	unsigned int i;

	for (i = 0; i < DRM_MOCK_BUFFERS; i++)
		fences[i] = drm_mock_busy(test, i, DMA_RESV_USAGE_WRITE);
	KUNIT_EXPECT_EQ(test, prepare(state), 0);
	expect_fences(test, state, fences, DRM_MOCK_BUFFERS);
}

static void explicit_several_buffers(struct kunit *test)
{
	struct drm_plane_state *state = drm_mock_plane(test, 0);
	struct dma_fence *fences[DRM_MOCK_BUFFERS + 1];
	unsigned int i;

	for (i = 0; i < DRM_MOCK_BUFFERS; i++) {
		drm_mock_busy(test, i, DMA_RESV_USAGE_WRITE);
		fences[i] = drm_mock_busy(test, i, DMA_RESV_USAGE_KERNEL);
	}
	fences[i] = drm_mock_in_fence(test, state);
	KUNIT_EXPECT_EQ(test, prepare(state), 0);
	expect_fences(test, state, fences, DRM_MOCK_BUFFERS + 1);
}

/* Mostly all of them are in one */
static void one_buffer_for_all(struct kunit *test)
{
	struct drm_plane_state *state = drm_mock_plane(test, 0);
	struct drm_mock *mock = drm_mock(test);
	struct dma_fence *fence;
	unsigned int i;

	for (i = 0; i < DRM_MOCK_BUFFERS; i++)
		mock->fb.obj[i] = &mock->buffers[1];
	fence = drm_mock_busy(test, 1, DMA_RESV_USAGE_WRITE);
	KUNIT_EXPECT_EQ(test, prepare(state), 0);
	KUNIT_EXPECT_PTR_EQ(test, state->fence, fence);
}

static void buffer_for_some(struct kunit *test)
{
	struct drm_plane_state *state = drm_mock_plane(test, 0);
	struct drm_mock *mock = drm_mock(test);
	struct dma_fence *fence;

	fence = drm_mock_busy(test, 2, DMA_RESV_USAGE_WRITE);
	mock->fb.obj[0] = NULL;
	mock->fb.obj[1] = NULL;
	KUNIT_EXPECT_EQ(test, prepare(state), 0);
	EXPECT_FENCES(test, state, fence);
}

static void no_buffer(struct kunit *test)
{
	struct drm_plane_state *state = drm_mock_plane(test, 0);
	struct drm_mock *mock = drm_mock(test);

	memset(mock->fb.obj, 0, sizeof(mock->fb.obj));
	KUNIT_EXPECT_EQ(test, prepare(state), 0);
	EXPECT_NO_FENCE(test, state);
}

static void no_framebuffer(struct kunit *test)
{
	struct drm_plane_state *state = drm_mock_plane(test, 0);

	drm_atomic_set_fb_for_plane(state, NULL);
	drm_mock_busy(test, 0, DMA_RESV_USAGE_KERNEL);
	KUNIT_EXPECT_EQ(test, prepare(state), 0);
	EXPECT_NO_FENCE(test, state);
}

/* What user space gave for nothing to show is left to it */
static void explicit_no_framebuffer(struct kunit *test)
{
	struct drm_plane_state *state = drm_mock_plane(test, 0);
	struct dma_fence *in_fence = drm_mock_in_fence(test, state);

	drm_atomic_set_fb_for_plane(state, NULL);
	drm_mock_busy(test, 0, DMA_RESV_USAGE_KERNEL);
	KUNIT_EXPECT_EQ(test, prepare(state), 0);
	KUNIT_EXPECT_PTR_EQ(test, state->fence, in_fence);
}

static void several_planes(struct kunit *test)
{
	struct drm_plane_state *state[DRM_MOCK_PLANES];
	struct dma_fence *kernel, *write, *in_fence;

	state[0] = drm_mock_plane(test, 0);
	state[1] = drm_mock_plane(test, 1);
	kernel = drm_mock_busy(test, 0, DMA_RESV_USAGE_KERNEL);
	write = drm_mock_busy(test, 0, DMA_RESV_USAGE_WRITE);
	in_fence = drm_mock_in_fence(test, state[1]);
	KUNIT_EXPECT_EQ(test, prepare(state[0]), 0);
	KUNIT_EXPECT_EQ(test, prepare(state[1]), 0);
	EXPECT_FENCES(test, state[0], kernel, write);
	EXPECT_FENCES(test, state[1], kernel, in_fence);
}

/* User space merges fences, and arrays of arrays are not to be had */
static void explicit_merged(struct kunit *test)
{
	struct drm_plane_state *state = drm_mock_plane(test, 0);
	struct dma_fence *fences[3], **merged;
	struct dma_fence_array *array;
	unsigned int i;

	merged = kmalloc_array(2, sizeof(*merged), GFP_KERNEL);
	KUNIT_ASSERT_TRUE(test, !!merged);
	for (i = 0; i < 2; i++) {
		fences[i] = resv_new_fence(test);
		merged[i] = dma_fence_get(fences[i]);
	}
	array = dma_fence_array_create(2, merged, dma_fence_context_alloc(1),
				       1, false);
	KUNIT_ASSERT_TRUE(test, !!array);
	state->fence = &array->base;

	fences[2] = drm_mock_busy(test, 0, DMA_RESV_USAGE_KERNEL);
	KUNIT_EXPECT_EQ(test, prepare(state), 0);
	expect_fences(test, state, fences, 3);

	array = to_dma_fence_array(state->fence);
	KUNIT_ASSERT_TRUE(test, !!array);
	for (i = 0; i < array->num_fences; i++)
		KUNIT_EXPECT_FALSE(test, dma_fence_is_array(array->fences[i]));
}

static void explicit_alone_is_kept(struct kunit *test)
{
	struct drm_plane_state *state = drm_mock_plane(test, 0);
	struct dma_fence *in_fence = drm_mock_in_fence(test, state);

	KUNIT_EXPECT_EQ(test, prepare(state), 0);
	KUNIT_EXPECT_PTR_EQ(test, state->fence, in_fence);
}

/* That it has signaled does not make the update an implicit one */
static void explicit_signaled(struct kunit *test)
{
	struct drm_plane_state *state = drm_mock_plane(test, 0);
	struct dma_fence *kernel;

	dma_fence_signal(drm_mock_in_fence(test, state));
	drm_mock_busy(test, 0, DMA_RESV_USAGE_WRITE);
	KUNIT_EXPECT_EQ(test, prepare(state), 0);
	EXPECT_NO_FENCE(test, state);

	kernel = drm_mock_busy(test, 1, DMA_RESV_USAGE_KERNEL);
	KUNIT_EXPECT_EQ(test, prepare(state), 0);
	EXPECT_FENCES(test, state, kernel);
}

static void implicit_signaled(struct kunit *test)
{
	struct drm_plane_state *state = drm_mock_plane(test, 0);

	dma_fence_signal(drm_mock_busy(test, 0, DMA_RESV_USAGE_KERNEL));
	dma_fence_signal(drm_mock_busy(test, 1, DMA_RESV_USAGE_WRITE));
	KUNIT_EXPECT_EQ(test, prepare(state), 0);
	EXPECT_NO_FENCE(test, state);
}

static void simple_pipe(struct kunit *test, int (*hook)(struct drm_simple_display_pipe *,
							struct drm_plane_state *))
{
	static const u32 format = DRM_FORMAT_XRGB8888;
	struct drm_simple_display_pipe_funcs funcs = { .prepare_fb = hook };
	struct drm_plane_state *state = drm_mock_plane(test, 0);
	struct drm_mock *mock = drm_mock(test);
	struct drm_simple_display_pipe *pipe;
	struct dma_fence *in_fence, *kernel;

	/* The device cleans it up, but does not free it */
	pipe = kzalloc(sizeof(*pipe), GFP_KERNEL);
	KUNIT_ASSERT_TRUE(test, !!pipe);
	KUNIT_ASSERT_EQ(test, drm_simple_display_pipe_init(mock->dev, pipe,
							   &funcs, &format, 1,
							   NULL, NULL), 0);
	drm_mock_busy(test, 0, DMA_RESV_USAGE_WRITE);
	kernel = drm_mock_busy(test, 3, DMA_RESV_USAGE_KERNEL);
	in_fence = drm_mock_in_fence(test, state);
	KUNIT_EXPECT_EQ(test,
			pipe->plane.helper_private->prepare_fb(&pipe->plane, state),
			0);
	EXPECT_FENCES(test, state, in_fence, kernel);

	drm_crtc_cleanup(&pipe->crtc);
	drm_plane_cleanup(&pipe->plane);
	drm_encoder_cleanup(&pipe->encoder);
	kfree(pipe);
}

static void simple_pipe_with_hook(struct kunit *test)
{
	simple_pipe(test, drm_gem_fb_simple_display_pipe_prepare_fb);
}

static void simple_pipe_without_hook(struct kunit *test)
{
	simple_pipe(test, NULL);
}

/* How many of @fences does a plane wait for? */
static unsigned int count_fences(struct kunit *test,
				 struct drm_plane_state *state,
				 struct dma_fence **fences, unsigned int count)
{
	unsigned int n, i, k, found = 0;
	struct dma_fence **leaves;

	KUNIT_ASSERT_EQ(test, dma_fence_get_leaves(&state->fence,
						   state->fence ? 1 : 0,
						   &leaves, &n), 0);
	for (i = 0; i < count; i++) {
		for (k = 0; k < n && leaves[k] != fences[i]; k++)
			;
		found += k < n;
	}
	dma_fence_put_all(leaves, n);

	return found;
}

/* With several of them, it takes memory to even ask a buffer for its fences */
#define FENCES_PER_BUFFER	2
#define OOM_FENCES		(FENCES_PER_BUFFER * DRM_MOCK_BUFFERS)

/* No memory: it says so, waits for nothing, and leaves the explicit fence alone */
static bool prepare_fails_at(struct kunit *test, unsigned int nth, bool all_after,
			     bool explicit, unsigned int *refused)
{
	struct drm_plane_state *state = drm_mock_plane(test, 0);
	struct dma_fence *fences[OOM_FENCES], *in_fence = NULL;
	unsigned int failed, i;
	int ret;

	for (i = 0; i < OOM_FENCES; i++)
		fences[i] = drm_mock_busy(test, i / FENCES_PER_BUFFER, explicit ?
					  DMA_RESV_USAGE_KERNEL :
					  DMA_RESV_USAGE_WRITE);
	if (explicit)
		in_fence = drm_mock_in_fence(test, state);

	oom_inject_arm(nth, all_after);
	ret = prepare(state);
	failed = oom_inject_disarm(NULL);

	if (ret) {
		++*refused;
		KUNIT_EXPECT_EQ(test, ret, -ENOMEM);
		KUNIT_EXPECT_PTR_EQ(test, state->fence, in_fence);
	} else {
		/* Either there was memory, or it was done without */
		KUNIT_EXPECT_EQ(test, count_fences(test, state, fences, OOM_FENCES),
				OOM_FENCES + 0u);
		if (in_fence)
			KUNIT_EXPECT_EQ(test, count_fences(test, state, &in_fence, 1),
					1u);
	}
	for (i = 0; i < OOM_FENCES; i++)
		dma_fence_signal(fences[i]);
	dma_fence_put(state->fence);
	state->fence = NULL;

	return failed;
}

static void no_memory(struct kunit *test, bool explicit)
{
	unsigned int nth = 0, refused = 0;

	if (!IS_ENABLED(CONFIG_KPROBES)) {
		kunit_info(test, "needs CONFIG_KPROBES, nothing was tested\n");
		return;
	}
	KUNIT_ASSERT_EQ(test, oom_inject_start(), 0);
	while (prepare_fails_at(test, ++nth, false, explicit, &refused) && nth < 64)
		prepare_fails_at(test, nth, true, explicit, &refused);
	oom_inject_stop();

	/* Once for each buffer, and to merge them; only the last one has memory */
	KUNIT_EXPECT_GT(test, nth, DRM_MOCK_BUFFERS + 1u);
	KUNIT_EXPECT_LT(test, nth, 64u);
	KUNIT_EXPECT_GE(test, refused, nth - 1);
}

static void no_memory_implicit(struct kunit *test)
{
	no_memory(test, false);
}

static void no_memory_explicit(struct kunit *test)
{
	no_memory(test, true);
}

static struct kunit_case drm_fb_fence_cases[] = {
	KUNIT_CASE(implicit_kernel),
	KUNIT_CASE(implicit_write),
	KUNIT_CASE(implicit_read),
	KUNIT_CASE(implicit_bookkeep),
	KUNIT_CASE(explicit_kernel),
	KUNIT_CASE(explicit_write),
	KUNIT_CASE(explicit_read),
	KUNIT_CASE(explicit_bookkeep),
	KUNIT_CASE(async_kernel),
	KUNIT_CASE(async_write),
	KUNIT_CASE(async_read),
	KUNIT_CASE(async_bookkeep),
	KUNIT_CASE(implicit_all_at_once),
	KUNIT_CASE(explicit_all_at_once),
	KUNIT_CASE(implicit_several_buffers),
	KUNIT_CASE(explicit_several_buffers),
	KUNIT_CASE(one_buffer_for_all),
	KUNIT_CASE(buffer_for_some),
	KUNIT_CASE(no_buffer),
	KUNIT_CASE(no_framebuffer),
	KUNIT_CASE(explicit_no_framebuffer),
	KUNIT_CASE(several_planes),
	KUNIT_CASE(explicit_merged),
	KUNIT_CASE(explicit_alone_is_kept),
	KUNIT_CASE(explicit_signaled),
	KUNIT_CASE(implicit_signaled),
	KUNIT_CASE(simple_pipe_with_hook),
	KUNIT_CASE(simple_pipe_without_hook),
	KUNIT_CASE(no_memory_implicit),
	KUNIT_CASE(no_memory_explicit),
	{}
};

struct kunit_suite drm_fb_fence_suite = {
	.name = "drm-fb-fence",
	.init = drm_mock_init,
	.exit = drm_mock_exit,
	.test_cases = drm_fb_fence_cases,
};
