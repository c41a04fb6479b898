/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the run-time checker of fences needs besides, for the benchmark: it is to do all
 * its work there and to find nothing. Most of it comes from headers that are not here.
 */
#ifndef NATIVE_CHECKER_H
#define NATIVE_CHECKER_H

#include <ctype.h>
#include <linux/atomic.h>
#include <linux/list.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <stdarg.h>
#include <stdio.h>

/* A branch that is not taken costs a load and a test here, not a nop */
struct static_key_false { bool on; };
#define STATIC_KEY_FALSE_INIT		{ false }
#define DECLARE_STATIC_KEY_FALSE(key)	extern struct static_key_false key
#define static_branch_unlikely(key)	unlikely(READ_ONCE((key)->on))
#ifdef NATIVE_CHECKER_OFF
#define static_branch_enable(key)	((void)(key))
#else
#define static_branch_enable(key)	((key)->on = true)
#endif

#define __initdata
#define __setup(name, function) \
	static int (*const native_setup)(char *) __maybe_unused = function
#define early_initcall(function)	subsys_initcall(function)
#define module_param(name, type, mode)
#define MODULE_PARM_DESC(name, text)

static inline int kstrtobool(const char *text, bool *value)
{
	*value = *text != '0';
	return 0;
}

static inline void strscpy(char *to, const char *from, size_t size)
{
	snprintf(to, size, "%s", from);
}

static inline int vscnprintf(char *to, size_t size, const char *fmt, va_list args)
{
	int n = vsnprintf(to, size, fmt, args);

	return n < (int)size ? n : (int)size - 1;
}

static inline __printf(3, 4) int scnprintf(char *to, size_t size, const char *fmt, ...)
{
	va_list args;
	int n;

	va_start(args, fmt);
	n = vscnprintf(to, size, fmt, args);
	va_end(args);

	return n;
}

#define pr_err(...)			fprintf(stderr, __VA_ARGS__)
#define DEFINE_RATELIMIT_STATE(name, interval, burst) const int name = burst
#define __ratelimit(state)		(*(state) > 0)

#define KTIME_MAX			((s64)~((u64)1 << 63))
#define jiffies				((unsigned long)(ktime_get() / 1000000))
#define msecs_to_jiffies(ms)		((unsigned long)(ms))
#define time_before(a, b)		((long)((a) - (b)) < 0)

/* Work that is put off comes after the end */
struct work_struct { void (*func)(struct work_struct *work); };
struct delayed_work { struct work_struct work; };
#define DECLARE_DELAYED_WORK(name, f)	struct delayed_work name = { { f } }
#define system_wq			NULL
#define queue_delayed_work(queue, delayed, delay) ((void)(delayed), (void)(delay))

struct hlist_node { struct hlist_node *next, **pprev; };
#define DEFINE_HASHTABLE(name, bits)	struct hlist_node *name[1 << (bits)]
#define native_bucket(table, key)	(&(table)[(key) % ARRAY_SIZE(table)])
#define hash_ptr(ptr, bits)		((u32)((unsigned long)(ptr) * 0x9e3779b97f4a7c15ul >> 32))
#define hash_add(table, node, key)	native_hash_add(native_bucket(table, key), node)
#define hash_for_each_possible(table, pos, m, key)			\
	for (struct hlist_node *__n = *native_bucket(table, key);	\
	     __n && (pos = container_of(__n, typeof(*pos), m), true); __n = __n->next)

static inline void native_hash_add(struct hlist_node **bucket, struct hlist_node *node)
{
	node->next = *bucket;
	node->pprev = bucket;
	if (node->next)
		node->next->pprev = &node->next;
	*bucket = node;
}

static inline void hash_del(struct hlist_node *node)
{
	*node->pprev = node->next;
	if (node->next)
		node->next->pprev = node->pprev;
}

/* Where the program is, as far as the library of C can tell */
typedef u32 depot_stack_handle_t;
unsigned int stack_trace_save(unsigned long *frames, unsigned int size, unsigned int skip);
depot_stack_handle_t stack_depot_save(unsigned long *frames, unsigned int n, gfp_t gfp);
unsigned int stack_depot_fetch(depot_stack_handle_t handle, unsigned long **frames);
#define preemptible()			true
#define filter_irq_stacks(frames, n)	(n)
#define stack_trace_print(frames, n, spaces) ((void)(frames), (void)(n))

#endif
