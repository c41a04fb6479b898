// SPDX-License-Identifier: GPL-2.0
/*
 * What does a commit of an atomic display driver wait for? vkms shows a buffer
 * of /dev/resv-mover, whose fences of each usage signal when the test says so,
 * with and without a fence that user space gives along (IN_FENCE_FD).
 *
 * Nothing here blocks: a commit that has to wait is seen to be incomplete, by
 * its event and by its OUT_FENCE, and seen to complete when it may.
 */
#include "kms.h"

#include "kselftest_harness.h"

#include "mover/resv_mover.h"

#define SIDE		64
#define HELD_MS		300	/* several frames */
#define DONE_MS		20000

/* What keeps what from signalling. */
enum gate { KERNEL, JOB, IN_FENCE, NR_GATES };

FIXTURE(commit)
{
	struct kms kms;
	struct kms_fb idle;
	struct kms_fb fb;
	int mover;
	int buf;
	int gates[NR_GATES];
	int in_fence;
	__s32 out_fence;
};

FIXTURE_SETUP(commit)
{
	struct resv_mover_create create = { .pages = SIDE * SIDE * 4 / 4096 };
	struct drm_prime_handle import = { 0 };
	unsigned int i;

	self->in_fence = -1;
	self->mover = open("/dev/resv-mover", O_RDWR | O_CLOEXEC);
	ASSERT_LE(0, self->mover);
	ASSERT_EQ(0, kms_open(&self->kms, "vkms", 0, 0));
	ASSERT_TRUE(self->kms.atomic);
	/* Few frames a second: a slow emulator can't keep up with more. */
	self->kms.mode = (struct drm_mode_modeinfo) {
		.clock = 128,
		.hdisplay = SIDE,
		.hsync_start = SIDE + 4,
		.hsync_end = SIDE + 8,
		.htotal = SIDE + 16,
		.vdisplay = SIDE,
		.vsync_start = SIDE + 4,
		.vsync_end = SIDE + 8,
		.vtotal = SIDE + 16,
		.name = "small",
	};
	for (i = 0; i < NR_GATES; i++) {
		self->gates[i] = sw_timeline();
		ASSERT_LE(0, self->gates[i]);
	}

	ASSERT_EQ(0, kms_fb_init(&self->kms, &self->idle));
	ASSERT_EQ(0, kms_setcrtc(&self->kms, &self->idle));

	ASSERT_EQ(0, xioctl(self->mover, RESV_MOVER_CREATE, &create));
	self->buf = create.fd;
	import.fd = create.fd;
	ASSERT_EQ(0, xioctl(self->kms.fd, DRM_IOCTL_PRIME_FD_TO_HANDLE,
			    &import));
	self->fb.handle = import.handle;
	ASSERT_EQ(0, kms_fb_add(&self->kms, &self->fb, SIDE * 4));
}

FIXTURE_TEARDOWN(commit)
{
	unsigned int i;

	for (i = 0; i < NR_GATES; i++)
		close(self->gates[i]);
	EXPECT_EQ(POLLOUT, wait_events(self->buf, POLLOUT, DONE_MS));
	kms_setcrtc(&self->kms, NULL);
	close(self->kms.fd);
	close(self->buf);
	close(self->mover);
}

/* A job on the buffer, which can't begin before its gate opens. */
#define ADD(kind_, gate) do {						\
	struct resv_mover_job job_ = {					\
		.buf = self->buf,					\
		.kind = kind_,						\
		.in_fence = sw_fence(self->gates[gate], 1),		\
		.name = #gate,						\
	};								\
									\
	ASSERT_LE(0, job_.in_fence);					\
	ASSERT_EQ(0, xioctl(self->mover, RESV_MOVER_JOB, &job_));	\
	close(job_.in_fence);						\
	close(job_.out_fence);						\
} while (0)

#define OPEN(gate) ASSERT_EQ(0, sw_advance(self->gates[gate], 1))

#define GIVE_IN_FENCE() do {						\
	self->in_fence = sw_fence(self->gates[IN_FENCE], 1);		\
	ASSERT_LE(0, self->in_fence);					\
} while (0)

#define COMMIT()							\
	ASSERT_EQ(0, kms_commit(&self->kms, &self->fb, self->in_fence,	\
				&self->out_fence))

#define EXPECT_HELD() do {						\
	EXPECT_FALSE(kms_flipped(&self->kms, HELD_MS));			\
	EXPECT_TRUE(pends(self->out_fence));				\
} while (0)

#define EXPECT_DONE() do {						\
	EXPECT_TRUE(kms_flipped(&self->kms, DONE_MS));			\
	EXPECT_TRUE(signals(self->out_fence));				\
} while (0)

TEST_F(commit, nothing_to_wait_for)
{
	COMMIT();
	EXPECT_DONE();
}

TEST_F(commit, in_fence_alone)
{
	GIVE_IN_FENCE();
	COMMIT();
	EXPECT_HELD();
	OPEN(IN_FENCE);
	EXPECT_DONE();
}

TEST_F(commit, kernel_alone)
{
	ADD(RESV_JOB_CLEAR, KERNEL);
	COMMIT();
	EXPECT_HELD();
	OPEN(KERNEL);
	EXPECT_DONE();
}

TEST_F(commit, both_kernel_first)
{
	ADD(RESV_JOB_CLEAR, KERNEL);
	GIVE_IN_FENCE();
	COMMIT();
	EXPECT_HELD();
	OPEN(KERNEL);
	EXPECT_HELD();
	OPEN(IN_FENCE);
	EXPECT_DONE();
}

TEST_F(commit, both_in_fence_first)
{
	ADD(RESV_JOB_CLEAR, KERNEL);
	GIVE_IN_FENCE();
	COMMIT();
	EXPECT_HELD();
	OPEN(IN_FENCE);
	EXPECT_HELD();
	OPEN(KERNEL);
	EXPECT_DONE();
}

TEST_F(commit, kernel_and_an_in_fence_that_signalled)
{
	ADD(RESV_JOB_CLEAR, KERNEL);
	GIVE_IN_FENCE();
	OPEN(IN_FENCE);
	COMMIT();
	EXPECT_HELD();
	OPEN(KERNEL);
	EXPECT_DONE();
}

TEST_F(commit, kernel_that_signalled_and_in_fence)
{
	ADD(RESV_JOB_CLEAR, KERNEL);
	GIVE_IN_FENCE();
	OPEN(KERNEL);
	EXPECT_EQ(POLLOUT, wait_events(self->buf, POLLOUT, DONE_MS));
	COMMIT();
	EXPECT_HELD();
	OPEN(IN_FENCE);
	EXPECT_DONE();
}

TEST_F(commit, in_fence_takes_the_place_of_a_write)
{
	ADD(RESV_JOB_WRITE, JOB);
	GIVE_IN_FENCE();
	COMMIT();
	EXPECT_HELD();
	OPEN(IN_FENCE);
	EXPECT_DONE();
	EXPECT_EQ(0, wait_events(self->buf, POLLIN, 0));
}

TEST_F(commit, in_fence_takes_the_place_of_a_write_but_not_of_kernel)
{
	ADD(RESV_JOB_CLEAR, KERNEL);
	ADD(RESV_JOB_WRITE, JOB);
	GIVE_IN_FENCE();
	COMMIT();
	OPEN(IN_FENCE);
	EXPECT_HELD();
	OPEN(KERNEL);
	EXPECT_DONE();
	EXPECT_EQ(0, wait_events(self->buf, POLLIN, 0));
}

TEST_F(commit, write_without_in_fence)
{
	ADD(RESV_JOB_WRITE, JOB);
	COMMIT();
	EXPECT_HELD();
	OPEN(JOB);
	EXPECT_DONE();
}

TEST_F(commit, write_after_kernel_without_in_fence)
{
	ADD(RESV_JOB_CLEAR, KERNEL);
	ADD(RESV_JOB_WRITE, JOB);
	COMMIT();
	OPEN(KERNEL);
	EXPECT_HELD();
	OPEN(JOB);
	EXPECT_DONE();
}

TEST_F(commit, reads_dont_matter)
{
	ADD(RESV_JOB_READ, JOB);
	COMMIT();
	EXPECT_DONE();
	EXPECT_EQ(0, wait_events(self->buf, POLLOUT, 0));
}

TEST_F(commit, bookkeeping_doesnt_matter)
{
	ADD(RESV_JOB_FLUSH, JOB);
	COMMIT();
	EXPECT_DONE();
}

TEST_HARNESS_MAIN
