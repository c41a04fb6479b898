/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef NATIVE_SEQLOCK_H
#define NATIVE_SEQLOCK_H

#include <linux/ww_mutex.h>

typedef struct { unsigned int sequence; } seqcount_t;
typedef struct { seqcount_t seqcount; } seqcount_ww_mutex_t;

static inline void seqcount_init(seqcount_t *s)
{
	s->sequence = 0;
}

#define seqcount_ww_mutex_init(s, lock) ((void)(lock), seqcount_init(&(s)->seqcount))

/* Those of other cores are of the second type, which begins as the first */
#define write_seqcount_begin(s)		native_write_begin((seqcount_t *)(s))
#define write_seqcount_end(s)		native_write_end((seqcount_t *)(s))
#define read_seqcount_begin(s)		native_read_begin((const seqcount_t *)(s))
#define __read_seqcount_retry(s, seq)	native_read_retry((const seqcount_t *)(s), seq)
#define read_seqcount_retry(s, seq)	({ smp_rmb(); __read_seqcount_retry(s, seq); })

/* Threads are preempted wherever they are, which is what the tests want */
#define preempt_disable()		((void)0)
#define preempt_enable()		((void)0)

/*
 * The write barrier of write_seqcount_begin() orders everything before the section
 * before each store in it. ThreadSanitizer is told by making those stores releases.
 */
static inline void native_write_begin(seqcount_t *s)
{
	WRITE_ONCE(s->sequence, s->sequence + 1);
	smp_wmb();
#ifdef NATIVE_TSAN
	native_in_write_section++;
#endif
}

static inline void native_write_end(seqcount_t *s)
{
#ifdef NATIVE_TSAN
	native_in_write_section--;
	smp_store_release(&s->sequence, s->sequence + 1);
#else
	smp_wmb();
	WRITE_ONCE(s->sequence, s->sequence + 1);
#endif
}

static inline unsigned int native_read_begin(const seqcount_t *s)
{
	unsigned int seq;

#ifdef NATIVE_TSAN
	while ((seq = smp_load_acquire(&s->sequence)) & 1)
		cpu_relax();
#else
	while ((seq = READ_ONCE(s->sequence)) & 1)
		cpu_relax();
	smp_rmb();
#endif

	return seq;
}

static inline int native_read_retry(const seqcount_t *s, unsigned int seq)
{
	return READ_ONCE(s->sequence) != seq;
}

#endif
