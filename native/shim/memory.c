// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory comes in the kernel's sizes. For the benchmark it comes from a free list a
 * thread and size, as slabs do; otherwise from malloc(), where the sanitizers see it.
 */
#include <linux/slab.h>
#include <native.h>
#include <stdlib.h>

#ifndef NATIVE_WEAK
#define native_forget(ptr, size) ((void)0)
#endif

__thread unsigned long native_allocations;
__thread unsigned long native_fail_allocation;
static long allocated;

struct block {
	union { size_t size; struct block *next; };
	/* Tells native_extent() that it is one of ours */
	size_t mark;
	char data[];
};

#define MARK		0x6b6d616c6c6f6321ul

#define LARGEST_CLASS	8192

size_t kmalloc_size_roundup(size_t size)
{
	if (size > 64 && size <= 96)
		return 96;
	if (size > 128 && size <= 192)
		return 192;
	return size <= 8 ? 8 : roundup_pow_of_two(size);
}

#ifdef NATIVE_BENCH
static unsigned int size_class(size_t size)
{
	return size == 96 ? 0 : size == 192 ? 1 : __builtin_ctzl(size);
}

static __thread struct block *free_blocks[16];

static struct block *get_block(size_t size)
{
	struct block **list = &free_blocks[size_class(size)], *block = *list;

	if (size > LARGEST_CLASS || !block)
		return malloc(sizeof(*block) + size);
	*list = block->next;
	return block;
}

static void put_block(struct block *block)
{
	struct block **list = &free_blocks[size_class(block->size)];

	if (block->size > LARGEST_CLASS) {
		free(block);
		return;
	}
	block->next = *list;
	*list = block;
}
#else
static struct block *get_block(size_t size)
{
	__atomic_fetch_add(&allocated, 1, __ATOMIC_RELAXED);
	return malloc(sizeof(struct block) + size);
}

static void put_block(struct block *block)
{
	__atomic_fetch_sub(&allocated, 1, __ATOMIC_RELAXED);
	native_forget(block->data, block->size);
	block->mark = 0;
	free(block);
}
#endif

static struct block *block_of(const void *ptr)
{
	return container_of((char *)(uintptr_t)ptr, struct block, data[0]);
}

size_t native_extent(const void *ptr)
{
	const struct block *block = block_of(ptr);

	return block->mark == MARK ? block->size : 0;
}

size_t ksize(const void *ptr)
{
	return ptr ? block_of(ptr)->size : 0;
}

void *kmalloc(size_t size, gfp_t gfp)
{
	struct block *block;

	native_allocations++;
	if (unlikely(native_fail_allocation) && !--native_fail_allocation)
		return NULL;

	size = kmalloc_size_roundup(size);
	block = get_block(size);
	if (!block)
		return NULL;
	block->size = size;
	block->mark = MARK;
	if (gfp & __GFP_ZERO)
		memset(block->data, 0, size);
#ifndef NATIVE_BENCH
	/* Whoever uses what has not been set is to notice */
	else
		memset(block->data, 0xa5, size);
#endif

	return block->data;
}

void kfree(const void *ptr)
{
	if (ptr)
		put_block(block_of(ptr));
}

void *krealloc(const void *ptr, size_t size, gfp_t gfp)
{
	void *new;

	if (ptr && size <= ksize(ptr))
		return (void *)(uintptr_t)ptr;
	new = kmalloc(size, gfp);
	if (!new)
		return NULL;
	if (ptr)
		memcpy(new, ptr, ksize(ptr));
	kfree(ptr);

	return new;
}

long native_allocated(void)
{
	return __atomic_load_n(&allocated, __ATOMIC_RELAXED);
}
