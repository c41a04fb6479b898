// SPDX-License-Identifier: GPL-2.0-only
/* Memory that is as weak as the kernel's model allows: weak.h says how */
#include <linux/compiler.h>
#include <native.h>
#include <sched.h>
#include <stdlib.h>

#define VERSIONS	8
#define BUCKETS		4096
#define KNOWN		256
#define DEPENDENCIES	16

/* A value, since when it is there, and up to when a reader of it has seen everything */
struct version { u64 value, begin, view; };

struct place {
	struct place *next;
	uintptr_t at;
	unsigned int count;
	struct version versions[VERSIONS];
};

static struct bucket {
	char locked;
	struct place *first;
} buckets[BUCKETS];

static u64 now = 1, grace_period;

static __thread struct {
	/* Everything up to here is seen by loads, and by whom who sees our next store */
	u64 floor, store_floor;
	/* What loads have seen since */
	u64 seen;
	/* What we last read from a place, or wrote to it */
	struct { uintptr_t at; u64 begin; } known[KNOWN];
	/* Where a pointer that was loaded leads to */
	struct { uintptr_t at; size_t size; u64 view; } behind[DEPENDENCIES];
	unsigned int next_behind;
} me;

static void raise_to(u64 *value, u64 to)
{
	if (*value < to)
		*value = to;
}

static u64 tick(void) { return __atomic_add_fetch(&now, 1, __ATOMIC_SEQ_CST); }
static u64 time_now(void) { return __atomic_load_n(&now, __ATOMIC_SEQ_CST); }

/* Places that share eight bytes share a bucket, for native_forget() */
static struct bucket *lock_bucket(uintptr_t at)
{
	struct bucket *bucket = &buckets[(at >> 3) * 0x9e3779b97f4a7c15ul >> 40 & (BUCKETS - 1)];
	unsigned int spins = 0;

	while (__atomic_test_and_set(&bucket->locked, __ATOMIC_ACQUIRE))
		if (!(++spins % 64))
			sched_yield();

	return bucket;
}

static void unlock_bucket(struct bucket *bucket)
{
	__atomic_clear(&bucket->locked, __ATOMIC_RELEASE);
}

static u64 peek(const void *place, size_t size)
{
	switch (size) {
	case 1: return __atomic_load_n((const u8 *)place, __ATOMIC_RELAXED);
	case 2: return __atomic_load_n((const u16 *)place, __ATOMIC_RELAXED);
	case 4: return __atomic_load_n((const u32 *)place, __ATOMIC_RELAXED);
	default: return __atomic_load_n((const u64 *)place, __ATOMIC_RELAXED);
	}
}

static void poke(void *place, u64 value, size_t size)
{
	switch (size) {
	case 1: __atomic_store_n((u8 *)place, value, __ATOMIC_RELAXED); break;
	case 2: __atomic_store_n((u16 *)place, value, __ATOMIC_RELAXED); break;
	case 4: __atomic_store_n((u32 *)place, value, __ATOMIC_RELAXED); break;
	default: __atomic_store_n((u64 *)place, value, __ATOMIC_RELAXED);
	}
}

static u64 narrow(u64 value, size_t size)
{
	return size == 8 ? value : value & ((1ull << size * 8) - 1);
}

/* The past of a place, none if it was written plainly since, or not at all yet */
static struct place *find(struct bucket *bucket, uintptr_t at, u64 value)
{
	struct place *place;

	for (place = bucket->first; place && place->at != at; place = place->next)
		;
	if (place && place->count && place->versions[place->count - 1].value != value)
		place->count = 0;

	return place;
}

static void add_version(struct place *place, u64 value, u64 begin, u64 view)
{
	if (place->count == VERSIONS) {
		memmove(place->versions, place->versions + 1,
			(VERSIONS - 1) * sizeof(place->versions[0]));
		place->count--;
	}
	place->versions[place->count++] = (struct version) { value, begin, view };
}

static struct place *find_or_add(struct bucket *bucket, uintptr_t at, u64 value)
{
	struct place *place = find(bucket, at, value);

	if (!place) {
		place = calloc(1, sizeof(*place));
		if (!place)
			abort();
		place->at = at;
		place->next = bucket->first;
		bucket->first = place;
	}
	if (!place->count)
		add_version(place, value, 0, 0);

	return place;
}

/* What is not remembered any more is taken for granted everywhere */
static void remember(uintptr_t at, u64 begin)
{
	unsigned int i = at * 0x9e3779b97f4a7c15ul >> 32 & (KNOWN - 1);

	if (me.known[i].at != at)
		raise_to(&me.floor, me.known[i].begin);
	me.known[i].at = at;
	me.known[i].begin = begin;
}

static void remember_behind(u64 pointer, u64 view)
{
	unsigned int i = me.next_behind++ % DEPENDENCIES;
	size_t size;

	if (!pointer)
		return;
	raise_to(&me.floor, me.behind[i].view);
	me.behind[i].at = pointer;
	size = pointer < 4096 || pointer >> 47 ? 0 : native_extent((void *)(uintptr_t)pointer);
	me.behind[i].size = size ?: 128;
	me.behind[i].view = view;
}

static u64 behind(uintptr_t at)
{
	unsigned int i;
	u64 view = 0;

	for (i = 0; i < DEPENDENCIES; ++i)
		if (at - me.behind[i].at < me.behind[i].size)
			raise_to(&view, me.behind[i].view);

	return view;
}

static u64 floor_of(uintptr_t at)
{
	unsigned int i;
	u64 floor;

	floor = max(me.floor, behind(at));
	i = at * 0x9e3779b97f4a7c15ul >> 32 & (KNOWN - 1);
	if (me.known[i].at == at)
		raise_to(&floor, me.known[i].begin);

	return floor;
}

u64 native_weak_load(const void *ptr, size_t size, int order)
{
	uintptr_t at = (uintptr_t)ptr;
	struct bucket *bucket = lock_bucket(at);
	u64 value = peek(ptr, size), view = 0, floor;
	struct place *place = find(bucket, at, value);
	unsigned int last, oldest;

	if (place && place->count) {
		floor = floor_of(at);
		last = oldest = place->count - 1;
		while (oldest && place->versions[oldest].begin > floor)
			--oldest;
		if (oldest < last && !(native_random() % 3))
			last = oldest + native_random() % (last - oldest + 1);
		value = place->versions[last].value;
		view = place->versions[last].view;
		remember(at, place->versions[last].begin);
	}
	unlock_bucket(bucket);

	raise_to(&me.seen, view);
	if (order == __ATOMIC_ACQUIRE)
		raise_to(&me.floor, view);
	/* A pointer that was found behind another one leads no less far */
	if (order == NATIVE_DEPENDENCY)
		remember_behind(value, max(view, behind(at)));

	return value;
}

void native_weak_store(void *ptr, u64 value, size_t size, int order)
{
	uintptr_t at = (uintptr_t)ptr;
	struct bucket *bucket = lock_bucket(at);
	struct place *place = find_or_add(bucket, at, peek(ptr, size));
	u64 begin = tick();

	value = narrow(value, size);
	poke(ptr, value, size);
	add_version(place, value, begin, order == __ATOMIC_RELAXED ? me.store_floor : begin);
	unlock_bucket(bucket);
	remember(at, begin);
}

static u64 apply(u64 old, enum native_rmw what, u64 value)
{
	switch (what) {
	case NATIVE_RMW_add: return old + value;
	case NATIVE_RMW_sub: return old - value;
	case NATIVE_RMW_or: return old | value;
	case NATIVE_RMW_and: return old & value;
	default: return value;
	}
}

/* Always of the latest value, and always in the wake of the store that it changes */
u64 native_weak_rmw(void *ptr, size_t size, enum native_rmw what, u64 value, int order)
{
	uintptr_t at = (uintptr_t)ptr;
	struct bucket *bucket = lock_bucket(at);
	u64 old = peek(ptr, size), view, begin;
	struct place *place = find_or_add(bucket, at, old);

	begin = tick();
	view = place->versions[place->count - 1].view;
	raise_to(&me.seen, view);
	if (order == __ATOMIC_RELAXED)
		raise_to(&view, me.store_floor);
	else
		view = begin;
	value = narrow(apply(old, what, value), size);
	poke(ptr, value, size);
	add_version(place, value, begin, view);
	unlock_bucket(bucket);
	remember(at, begin);
	if (order != __ATOMIC_RELAXED)
		native_ordered();

	return old;
}

u64 native_weak_cmpxchg(void *ptr, size_t size, u64 expected, u64 value)
{
	uintptr_t at = (uintptr_t)ptr;
	struct bucket *bucket = lock_bucket(at);
	u64 old = peek(ptr, size), begin;
	struct place *place = find_or_add(bucket, at, old);
	bool done = old == narrow(expected, size);

	if (done) {
		begin = tick();
		value = narrow(value, size);
		poke(ptr, value, size);
		add_version(place, value, begin, begin);
	}
	unlock_bucket(bucket);
	if (done) {
		remember(at, begin);
		native_ordered();
	}

	return old;
}

/* A grace period may begin as soon as somebody asks for one */
void native_weak_grace_period(void)
{
	u64 old = __atomic_load_n(&grace_period, __ATOMIC_SEQ_CST), new = time_now();

	while (old < new && !__atomic_compare_exchange_n(&grace_period, &old, new, false,
							 __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
		;
}

void native_weak_rcu_read_lock(void)
{
	raise_to(&me.floor, __atomic_load_n(&grace_period, __ATOMIC_SEQ_CST));
}

void native_forget(const void *ptr, size_t size)
{
	struct place **link, *place;
	struct bucket *bucket;
	uintptr_t at;

	for (at = (uintptr_t)ptr & ~7ul; at < (uintptr_t)ptr + size; at += 8) {
		bucket = lock_bucket(at);
		for (link = &bucket->first; (place = *link);) {
			if (place->at - at < 8) {
				*link = place->next;
				free(place);
			} else {
				link = &place->next;
			}
		}
		unlock_bucket(bucket);
	}
}

void smp_rmb(void)
{
	raise_to(&me.floor, me.seen);
}

void smp_wmb(void)
{
	me.store_floor = time_now();
}

void smp_mb(void)
{
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	me.floor = me.store_floor = time_now();
}

void native_ordered(void)
{
	smp_mb();
}

/* By an atomic operation that has no past here, a reference count */
void native_saw_latest(void)
{
	raise_to(&me.seen, time_now());
}
