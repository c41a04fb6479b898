/* SPDX-License-Identifier: GPL-2.0-only */
/* What the kernel reports: warnings are counted and printed, bugs end the run */
#ifndef NATIVE_BUG_H
#define NATIVE_BUG_H

#include <linux/compiler.h>

void native_bug(const char *what) __attribute__((noreturn, cold));
void native_warn(const char *fmt, ...) __attribute__((cold)) __printf(1, 2);

#define WARN(c, fmt, ...) ({						\
	bool __c = !!(c);						\
	if (unlikely(__c))						\
		native_warn("%s:%d: " fmt, __FILE__, __LINE__,		\
			    ##__VA_ARGS__);				\
	__c; })
#define WARN_ON(c)		WARN(c, "%s", #c)
#define WARN_ONCE(c, fmt, ...) ({					\
	static int __once;						\
	bool __d = !!(c);						\
	if (unlikely(__d) && !__atomic_exchange_n(&__once, 1, __ATOMIC_RELAXED)) \
		native_warn("%s:%d: " fmt, __FILE__, __LINE__, ##__VA_ARGS__); \
	__d; })
#define WARN_ON_ONCE(c)		WARN_ONCE(c, "%s", #c)
#define pr_warn_once(fmt, ...)	((void)0)
#define BUG_ON(c)		do { if (unlikely(c)) native_bug(#c); } while (0)

/* Needs the optimizer, as the kernel's does */
#define BUILD_BUG_ON_MSG(c, msg) do {					\
	extern void native_build_bug(void) __attribute__((error(msg)));	\
	if (c)								\
		native_build_bug();					\
} while (0)

static inline void *ERR_PTR(long error) { return (void *)error; }
static inline long PTR_ERR(const void *ptr) { return (long)ptr; }
static inline bool IS_ERR(const void *ptr)
{
	return (unsigned long)ptr >= (unsigned long)-MAX_ERRNO;
}

#endif
