/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef NATIVE_SEQLOCK_H
#define NATIVE_SEQLOCK_H

#include <linux/ww_mutex.h>

typedef struct { unsigned int sequence; } seqcount_t;
typedef struct { seqcount_t seqcount; } seqcount_ww_mutex_t;

static inline void native_seqcount_init(seqcount_ww_mutex_t *s)
{
	s->seqcount.sequence = 0;
}

#define seqcount_ww_mutex_init(s, lock) ((void)(lock), native_seqcount_init(s))

/*
 * The write barrier of write_seqcount_begin() orders everything before the section
 * before each store in it. ThreadSanitizer is told by making those stores releases.
 */
static inline void write_seqcount_begin(seqcount_ww_mutex_t *s)
{
	WRITE_ONCE(s->seqcount.sequence, s->seqcount.sequence + 1);
	smp_wmb();
#ifdef NATIVE_TSAN
	native_in_write_section++;
#endif
}

static inline void write_seqcount_end(seqcount_ww_mutex_t *s)
{
#ifdef NATIVE_TSAN
	native_in_write_section--;
	smp_store_release(&s->seqcount.sequence, s->seqcount.sequence + 1);
#else
	smp_wmb();
	WRITE_ONCE(s->seqcount.sequence, s->seqcount.sequence + 1);
#endif
}

static inline unsigned int read_seqcount_begin(const seqcount_ww_mutex_t *s)
{
	unsigned int seq;

#ifdef NATIVE_TSAN
	while ((seq = smp_load_acquire(&s->seqcount.sequence)) & 1)
		cpu_relax();
#else
	while ((seq = READ_ONCE(s->seqcount.sequence)) & 1)
		cpu_relax();
	smp_rmb();
#endif

	return seq;
}

static inline int __read_seqcount_retry(const seqcount_ww_mutex_t *s, unsigned int seq)
{
	return READ_ONCE(s->seqcount.sequence) != seq;
}

static inline int read_seqcount_retry(const seqcount_ww_mutex_t *s, unsigned int seq)
{
	smp_rmb();
	return __read_seqcount_retry(s, seq);
}

#endif
