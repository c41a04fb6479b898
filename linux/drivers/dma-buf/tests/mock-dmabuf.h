/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A buffer without memory.
 */
#ifndef _DMABUF_TESTS_MOCK_DMABUF_H
#define _DMABUF_TESTS_MOCK_DMABUF_H

#include <linux/dma-buf.h>

struct dma_buf *mock_dmabuf_export(void);
void mock_dmabuf_close(struct dma_buf *dmabuf);

#endif /* _DMABUF_TESTS_MOCK_DMABUF_H */
