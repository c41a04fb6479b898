/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The order of locks around buffers and fences, for lockdep.
 */
#ifndef _DMA_BUF_LOCKDEP_H
#define _DMA_BUF_LOCKDEP_H

struct mutex;

#ifdef CONFIG_LOCKDEP
void dma_buf_lockdep(struct mutex *list_lock);
#else
static inline void dma_buf_lockdep(struct mutex *list_lock)
{
}
#endif

#endif /* _DMA_BUF_LOCKDEP_H */
