/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What /dev/resv-mover offers: buffers that the kernel moves about, and
 * simulated GPU jobs on any buffer of it. Shared by the module and the demo. The
 * module has a DRM device as well, for timelines of drm_syncobj.
 */
#ifndef _RESV_MOVER_H
#define _RESV_MOVER_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define RESV_MOVER_NAME_LEN	16
#define RESV_MOVER_MAX_WAITS	12

/* What is done with the buffer, which decides whom it waits for. */
enum resv_mover_kind {
	RESV_JOB_READ,		/* implicit sync, reads */
	RESV_JOB_WRITE,		/* implicit sync, writes */
	RESV_JOB_EXPLICIT,	/* brings its own fences */
	RESV_JOB_FLUSH,		/* the slow end of a process: a TLB flush */
	RESV_JOB_MOVE,		/* the kernel moves the memory */
	RESV_JOB_CLEAR,		/* the kernel is busy with it where it is */
	RESV_JOB_KINDS,
};

/* An explicit job that changes the content. */
#define RESV_JOB_WRITES		0x1

struct resv_mover_create {
	__u32 pages;
	__s32 fd;		/* out: a dma-buf */
};

struct resv_mover_job {
	__s32 buf;		/* a dma-buf of this device */
	__u32 kind;
	__u32 ms;		/* how long it runs once it has started */
	__u32 flags;
	__s32 in_fence;		/* a sync_file to wait for, or -1 */
	__s32 out_fence;	/* out: a sync_file */
	__u32 id;		/* out: for RESV_MOVER_RESULT */
	__u32 pad;
	char name[RESV_MOVER_NAME_LEN];
};

/* How a dependency was found in the buffer. */
enum resv_mover_usage {
	RESV_WAIT_KERNEL,
	RESV_WAIT_WRITE,
	RESV_WAIT_READ,
	RESV_WAIT_BOOKKEEP,
	RESV_WAIT_IN_FENCE,	/* not found there: user space brought it */
	RESV_WAIT_EXCLUSIVE,	/* before usages: the exclusive fence */
	RESV_WAIT_SHARED,	/* before usages: a shared one */
};

struct resv_mover_wait {
	char name[RESV_MOVER_NAME_LEN];
	__u32 usage;
	__u32 pad;
	__u64 until_ns;		/* when it signalled */
};

#define RESV_RESULT_GARBAGE	0x1 /* the memory was not there yet */
#define RESV_RESULT_TORN	0x2 /* somebody else was still writing */

struct resv_mover_result {
	__u32 id;		/* in; waits until that job has ended */
	__u32 flags;
	__u32 frame;		/* how many writes the job saw completed */
	__u32 nr_waits;
	__u64 queued_ns;	/* times of CLOCK_MONOTONIC */
	__u64 start_ns;
	__u64 end_ns;
	struct resv_mover_wait waits[RESV_MOVER_MAX_WAITS];
};

struct resv_mover_info {
	__u32 has_usage;	/* is this kernel's dma_resv aware of usages? */
	__u32 pad;
};

#define RESV_MOVER_INFO		_IOR('V', 0, struct resv_mover_info)
#define RESV_MOVER_CREATE	_IOWR('V', 1, struct resv_mover_create)
#define RESV_MOVER_JOB		_IOWR('V', 2, struct resv_mover_job)
#define RESV_MOVER_RESULT	_IOWR('V', 3, struct resv_mover_result)

/* The first words of the memory. */
#define RESV_MOVER_MAGIC	0x72657376

struct resv_mover_page {
	__u32 magic;
	__u32 begun;		/* writes that have started on this page ... */
	__u32 done;		/* ... and those which ended */
};

#endif /* _RESV_MOVER_H */
