/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Marked accesses on a machine whose memory is as weak as the kernel's model allows,
 * whatever the machine underneath does.
 *
 * Each marked store gets the next time of a global clock, and the last few values of
 * each place are kept. A load returns any value that was current at some time since
 * the thread's floor, the time up to which it has seen everything:
 *
 * - smp_rmb() raises the floor to what the loads before it have seen, an acquire to
 *   what that load has seen, a full barrier or a lock to now, rcu_read_lock() to the
 *   start of the last grace period;
 * - what a load has seen depends on the store that it reads from: with a release all
 *   that was stored before, otherwise what was stored before the last smp_wmb() of the
 *   thread that stored it. Thereby stores come to light in any order, although they are
 *   all done at once;
 * - behind a pointer from rcu_dereference() the floor is what that load has seen;
 * - a thread never goes back behind what it has read from or written to a place.
 *
 * This is never weaker than the kernel's model, where it differs it is stronger: "all
 * that was stored before" is meant of all threads, though a release only promises what
 * its own thread has done and seen. Plain accesses are as ordered as the machine has
 * them, a place written plainly loses its past. Loads are not delayed behind later
 * stores.
 */
#ifndef NATIVE_WEAK_H
#define NATIVE_WEAK_H

enum native_rmw { NATIVE_RMW_add, NATIVE_RMW_sub, NATIVE_RMW_or, NATIVE_RMW_and,
		  NATIVE_RMW_xchg };

/* The load is an rcu_dereference() */
#define NATIVE_DEPENDENCY	100

u64 native_weak_load(const void *place, size_t size, int order);
void native_weak_store(void *place, u64 value, size_t size, int order);
u64 native_weak_rmw(void *place, size_t size, enum native_rmw what, u64 value, int order);
u64 native_weak_cmpxchg(void *place, size_t size, u64 old, u64 value);
void native_weak_grace_period(void);
void native_weak_rcu_read_lock(void);
/* The memory is somebody else's from now on */
void native_forget(const void *ptr, size_t size);
/* Bytes behind a pointer that come from kmalloc(), 0 if they do not */
size_t native_extent(const void *ptr);

void smp_rmb(void);
void smp_wmb(void);
void smp_mb(void);
void native_ordered(void);
void native_saw_latest(void);

#define native_load(p, order) \
	(native_step(), (typeof(*(p)))native_weak_load(p, sizeof(*(p)), order))
#define native_dereference(p) \
	(native_step(), (typeof(p))native_weak_load(&(p), sizeof(p), NATIVE_DEPENDENCY))
#define native_store(p, v, order) \
	(native_step(), native_weak_store(p, (u64)(typeof(*(p)))(v), sizeof(*(p)), order))
#define native_rmw(p, op, v, order) \
	(native_step(), (typeof(*(p)))native_weak_rmw(p, sizeof(*(p)), NATIVE_RMW_##op, v, order))
#define native_xchg(p, v)						\
	(native_step(), (typeof(*(p)))native_weak_rmw(p, sizeof(*(p)), NATIVE_RMW_xchg, \
		(u64)(typeof(*(p)))(v), __ATOMIC_SEQ_CST))
#define native_cmpxchg(p, o, n)						\
	(native_step(), (typeof(*(p)))native_weak_cmpxchg(p, sizeof(*(p)), \
		(u64)(typeof(*(p)))(o), (u64)(typeof(*(p)))(n)))

#endif
