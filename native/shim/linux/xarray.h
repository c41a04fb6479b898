/* SPDX-License-Identifier: GPL-2.0-only */
/* The part of the xarray that taking fences apart needs: a map that grows */
#ifndef NATIVE_XARRAY_H
#define NATIVE_XARRAY_H

#include <linux/slab.h>

struct xarray {
	struct { unsigned long index; void *entry; } *slots;
	size_t size, used;
};

static inline void xa_init(struct xarray *xa) { *xa = (struct xarray) {}; }
void xa_destroy(struct xarray *xa);
void *xa_load(struct xarray *xa, unsigned long index);
void *xa_store(struct xarray *xa, unsigned long index, void *entry, gfp_t gfp);
int xa_insert(struct xarray *xa, unsigned long index, void *entry, gfp_t gfp);

static inline void *xa_mk_value(unsigned long v) { return (void *)(v << 1 | 1); }
static inline unsigned long xa_to_value(const void *entry) { return (unsigned long)entry >> 1; }
static inline int xa_err(void *entry) { return entry == (void *)-1UL ? -ENOMEM : 0; }

#endif
