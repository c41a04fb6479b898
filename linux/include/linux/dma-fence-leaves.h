/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Taking arrays and chains of fences apart
 */
#ifndef __LINUX_DMA_FENCE_LEAVES_H
#define __LINUX_DMA_FENCE_LEAVES_H

struct dma_fence;

int dma_fence_get_leaves(struct dma_fence **fences, unsigned int num_fences,
			 struct dma_fence ***leaves, unsigned int *num_leaves);
void dma_fence_put_all(struct dma_fence **fences, unsigned int num_fences);

#endif /* __LINUX_DMA_FENCE_LEAVES_H */
