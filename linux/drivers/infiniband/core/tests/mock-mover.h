/* SPDX-License-Identifier: GPL-2.0 */
/*
 * An exporter whose buffer moves when a test says so. There is no memory behind
 * it, only addresses.
 */
#ifndef _IB_TESTS_MOCK_MOVER_H
#define _IB_TESTS_MOCK_MOVER_H

#include <kunit/test.h>

#include <linux/dma-buf.h>
#include <linux/dma-resv.h>

#include "mock-fence.h"

#define MOVER_SIZE	(1024 * PAGE_SIZE)

/**
 * struct mock_mover - a buffer that moves
 * @dmabuf: the buffer, with a reference
 * @fd: its file descriptor
 * @where: where it begins now, on the bus
 * @piece: the memory is contiguous in pieces of so many bytes, with as much in
 *	   between
 * @size: how much of it mappings have, if that is not all
 * @skew: added to the address of each piece
 * @attach_error: errno that attaching fails with
 * @pin_error: errno that pinning fails with
 * @map_error: errno that mapping fails with
 * @fence_on_map: added as a KERNEL fence when it is mapped
 * @moves_on_pin: pinning moves it first
 * @unmapping: called before a mapping goes
 * @unmapping_data: for @unmapping
 * @p2p: what the last attachment said about peer-to-peer
 * @attached: number of attachments
 * @pinned: how often it is pinned
 * @mapped: number of mappings
 * @memory: what the kernel finds in it, if it can be mapped for the kernel
 * @vmapped: whether it is
 * @released: the buffer is gone
 */
struct mock_mover {
	struct dma_buf *dmabuf;
	int fd;
	dma_addr_t where;
	size_t piece;
	size_t size;
	size_t skew;
	int attach_error;
	int pin_error;
	int map_error;
	struct dma_fence *fence_on_map;
	bool moves_on_pin;
	void (*unmapping)(void *data);
	void *unmapping_data;
	bool p2p;
	int attached;
	int pinned;
	int mapped;
	void *memory;
	int vmapped;
	bool released;
};

/* Without that, dma-buf pins what is mapped, so there is nothing that moves */
#define MOVER_MOVES	IS_ENABLED(CONFIG_DMABUF_MOVE_NOTIFY)
#define MOVER_CASE(test_name) {						\
	.run_case = MOVER_MOVES ? (test_name) : mock_mover_skip,	\
	.name = #test_name						\
}

void mock_mover_skip(struct kunit *test);
struct mock_mover *mock_mover_create(struct kunit *test);
void mock_mover_make_static(struct mock_mover *mover);
void mock_mover_close_fd(struct mock_mover *mover);
void mock_mover_destroy(struct kunit *test, struct mock_mover *mover);
dma_addr_t mock_mover_address(struct mock_mover *mover, size_t offset);
int mock_mover_move(struct mock_mover *mover);
void mock_mover_add(struct kunit *test, struct mock_mover *mover,
		    struct dma_fence *fence, enum dma_resv_usage usage);

#endif /* _IB_TESTS_MOCK_MOVER_H */
