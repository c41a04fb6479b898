/* SPDX-License-Identifier: GPL-2.0-only */
/* Memory: malloc() with the kernel's sizes, counted, and failing when told to */
#ifndef NATIVE_SLAB_H
#define NATIVE_SLAB_H

#include <linux/compiler.h>
#include <linux/rcupdate.h>

#define GFP_KERNEL	1u
#define GFP_NOWAIT	2u
#define GFP_ATOMIC	2u
#define __GFP_NOWARN	4u
#define __GFP_ZERO	8u
#define __GFP_NOMEMALLOC 16u

void *kmalloc(size_t size, gfp_t gfp);
void *krealloc(const void *ptr, size_t size, gfp_t gfp);
void kfree(const void *ptr);
size_t ksize(const void *ptr);
size_t kmalloc_size_roundup(size_t size);

/* Since the start of the thread */
extern __thread unsigned long native_allocations;
/* Which allocation of this thread fails, counting from 1; 0: none */
extern __thread unsigned long native_fail_allocation;

static inline void *native_array(const void *old, size_t n, size_t size, gfp_t gfp)
{
	size_t bytes;

	return __builtin_mul_overflow(n, size, &bytes) ? NULL : krealloc(old, bytes, gfp);
}

#define kzalloc(size, gfp)		kmalloc(size, (gfp) | __GFP_ZERO)
#define kvmalloc(size, gfp)		kmalloc(size, gfp)
#define kvfree(ptr)			kfree(ptr)
#define kmalloc_array(n, size, gfp)	native_array(NULL, n, size, gfp)
#define kcalloc(n, size, gfp)		native_array(NULL, n, size, (gfp) | __GFP_ZERO)
#define krealloc_array(p, n, size, gfp)	native_array(p, n, size, gfp)

/* Later kernels */
#define kmalloc_obj(type)		((typeof(type) *)kmalloc(sizeof(type), GFP_KERNEL))
#define kzalloc_obj(type)		((typeof(type) *)kzalloc(sizeof(type), GFP_KERNEL))
#define kmalloc_objs(type, n)		((typeof(type) *)kmalloc_array(n, sizeof(type), GFP_KERNEL))
#define kzalloc_objs(type, n)		((typeof(type) *)kcalloc(n, sizeof(type), GFP_KERNEL))
#define kzalloc_flex(obj, member, n)	\
	((typeof(obj) *)kzalloc(struct_size(&(obj), member, n), GFP_KERNEL))

#endif
