// SPDX-License-Identifier: GPL-2.0-only
/* A hash table with open addressing; a slot without an entry is free */
#include <linux/xarray.h>

static size_t find(const struct xarray *xa, unsigned long index)
{
	size_t i = index * 0x9e3779b97f4a7c15ul >> 20 & (xa->size - 1);

	while (xa->slots[i].entry && xa->slots[i].index != index)
		i = (i + 1) & (xa->size - 1);

	return i;
}

static int grow(struct xarray *xa, gfp_t gfp)
{
	struct xarray larger = { .size = xa->size ? xa->size * 2 : 16 };
	size_t i, to;

	larger.slots = kcalloc(larger.size, sizeof(*larger.slots), gfp);
	if (!larger.slots)
		return -ENOMEM;
	for (i = 0; i < xa->size; ++i) {
		if (!xa->slots[i].entry)
			continue;
		to = find(&larger, xa->slots[i].index);
		larger.slots[to].index = xa->slots[i].index;
		larger.slots[to].entry = xa->slots[i].entry;
	}
	larger.used = xa->used;
	xa_destroy(xa);
	*xa = larger;

	return 0;
}

void xa_destroy(struct xarray *xa)
{
	kfree(xa->slots);
	xa_init(xa);
}

void *xa_load(struct xarray *xa, unsigned long index)
{
	return xa->size ? xa->slots[find(xa, index)].entry : NULL;
}

void *xa_store(struct xarray *xa, unsigned long index, void *entry, gfp_t gfp)
{
	void *old;
	size_t i;

	if (xa->used * 2 >= xa->size && grow(xa, gfp))
		return (void *)-1UL;
	i = find(xa, index);
	old = xa->slots[i].entry;
	xa->used += !old;
	xa->slots[i].index = index;
	xa->slots[i].entry = entry;

	return old;
}

int xa_insert(struct xarray *xa, unsigned long index, void *entry, gfp_t gfp)
{
	if (xa_load(xa, index))
		return -EBUSY;
	return xa_err(xa_store(xa, index, entry, gfp));
}
