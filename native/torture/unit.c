// SPDX-License-Identifier: GPL-2.0-only
/*
 * What KUnit cannot do easily, and what tells at once what is wrong when the torture
 * would only say that something is: no memory at each allocation in turn, signals and
 * timeouts during waits, tables of many sizes.
 */
#include <linux/dma-fence-array.h>
#include <linux/dma-fence-leaves.h>
#include <linux/dma-resv.h>
#include <linux/slab.h>
#include <native.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include "fences.h"

static const char *at;

#define CHECK(c) do {							\
	if (!(c)) {							\
		fprintf(stderr, "FAILED: %s: line %d: %s\n", at, __LINE__, #c); \
		exit(1);						\
	}								\
} while (0)

static struct dma_resv obj;
static unsigned int expected_warnings;

static struct dma_fence *told(u64 context, u64 seqno)
{
	return fence_new(FENCE_TOLD, true, context, seqno);
}

static void add(struct dma_fence *fence, enum dma_resv_usage usage)
{
	CHECK(!dma_resv_lock(&obj, NULL));
	CHECK(!dma_resv_reserve_fences(&obj, 1));
	dma_resv_add_fence(&obj, fence, usage);
	dma_resv_unlock(&obj);
}

static unsigned int count(enum dma_resv_usage usage)
{
	struct dma_fence **fences;
	unsigned int n;

	CHECK(!dma_resv_get_fences(&obj, usage, &n, &fences));
	dma_fence_put_all(fences, n);

	return n;
}

static void done(struct dma_fence *fence)
{
	dma_fence_signal(fence);
	fence_disown(fence);
}

/* A fence of each usage: every query has those up to its own, and ends with them */
static void queries(void)
{
	struct dma_fence *fences[4];
	int u, q;

	for (u = 0; u < 4; ++u)
		add(fences[u] = told(dma_fence_context_alloc(1), 1), u);
	for (u = 0; u < 4; ++u) {
		for (q = 0; q < 4; ++q) {
			CHECK(count(q) == (q >= u ? q - u + 1 : 0));
			CHECK(dma_resv_test_signaled(&obj, q) == (q < u));
			CHECK(!!dma_resv_wait_timeout(&obj, q, false, 0) == (q < u));
		}
		done(fences[u]);
	}
	CHECK(dma_resv_test_signaled(&obj, DMA_RESV_USAGE_BOOKKEEP));
}

/* Having found some query idle says nothing about a weaker one, nor about later fences */
static void idle_is_not_for_ever(void)
{
	struct dma_fence *fence;
	int u, q, again;

	for (u = 0; u < 4; ++u) {
		add(fence = told(dma_fence_context_alloc(1), 1), u);
		for (again = 0; again < 2; ++again)
			for (q = 0; q < 4; ++q) {
				CHECK(dma_resv_test_signaled(&obj, q) == (q < u));
				CHECK(!count(q) == (q < u));
				CHECK(!!dma_resv_wait_timeout(&obj, q, true, 0) == (q < u));
			}
		done(fence);
		for (again = 0; again < 2; ++again)
			for (q = 4; q--;)
				CHECK(dma_resv_test_signaled(&obj, q) && !count(q));
	}
}

/*
 * Nothing that was true of one state of the table is believed of another one, even if
 * their sequences are alike: after 2^31 changes they are. Here the changes are left out.
 */
static void sequence_goes_round(void)
{
	struct dma_fence *fence, *idle;
	unsigned int *sequence, start;
	int q, i;

	for (i = -8; i <= 8; ++i) {
		add(idle = told(dma_fence_context_alloc(1), 1), DMA_RESV_USAGE_WRITE);
		done(idle);
		/* Whoever notes down that all have signaled does it now */
		for (q = 0; q < 4; ++q)
			CHECK(dma_resv_test_signaled(&obj, q) && !count(q));
		sequence = &rcu_dereference_protected(obj.table, true)->seq.sequence;
		start = *sequence;
		add(fence = told(dma_fence_context_alloc(1), 1), DMA_RESV_USAGE_KERNEL);
		sequence = &rcu_dereference_protected(obj.table, true)->seq.sequence;
		*sequence = start + 2 * i;
		for (q = 0; q < 4; ++q) {
			CHECK(!dma_resv_test_signaled(&obj, q));
			CHECK(count(q) == 1);
			CHECK(!dma_resv_wait_timeout(&obj, q, true, 0));
			CHECK(!dma_resv_wait_timeout(&obj, q, true, 1));
		}
		done(fence);
	}
}

/* One that finds out when asked, whoever asks */
static void asked(void)
{
	struct dma_fence *fence = fence_new(FENCE_ASKED, false, dma_fence_context_alloc(1), 1);

	add(fence, DMA_RESV_USAGE_READ);
	CHECK(!dma_resv_test_signaled(&obj, DMA_RESV_USAGE_READ));
	CHECK(count(DMA_RESV_USAGE_READ) == 1);
	fence_complete(fence, false);
	CHECK(dma_resv_test_signaled(&obj, DMA_RESV_USAGE_READ));
	CHECK(!count(DMA_RESV_USAGE_READ));
	fence_disown(fence);
}

/* Never demoted, promoted in place, and context 0 is no timeline */
static void usages(void)
{
	u64 context = dma_fence_context_alloc(1);
	struct dma_fence *a = told(context, 1), *b = told(context, 2), *c = told(0, 1),
			 *d = told(0, 2);

	add(a, DMA_RESV_USAGE_WRITE);
	add(a, DMA_RESV_USAGE_BOOKKEEP);
	CHECK(count(DMA_RESV_USAGE_WRITE) == 1 && count(DMA_RESV_USAGE_BOOKKEEP) == 1);
	add(b, DMA_RESV_USAGE_BOOKKEEP);
	CHECK(count(DMA_RESV_USAGE_WRITE) == 1 && count(DMA_RESV_USAGE_BOOKKEEP) == 2);
	add(a, DMA_RESV_USAGE_KERNEL);
	CHECK(count(DMA_RESV_USAGE_KERNEL) == 1 && count(DMA_RESV_USAGE_BOOKKEEP) == 2);
	add(b, DMA_RESV_USAGE_KERNEL);
	CHECK(count(DMA_RESV_USAGE_KERNEL) == 1 && count(DMA_RESV_USAGE_BOOKKEEP) == 1);
	add(c, DMA_RESV_USAGE_WRITE);
	add(d, DMA_RESV_USAGE_WRITE);
	CHECK(count(DMA_RESV_USAGE_WRITE) == 3);
	done(a), done(b), done(c), done(d);
}

/* As many contexts as many ways to put them in order, each replaced by a later fence */
static void contexts(void)
{
	enum { MOST = 80 };
	struct dma_fence *fences[MOST], *later, *one;
	struct dma_resv_iter cursor;
	unsigned int n, i, k, seen;
	u64 context;

	for (n = 1; n <= MOST; n += 1 + n / 8) {
		context = dma_fence_context_alloc(n);
		for (i = 0; i < n; ++i) {
			/* From both ends */
			k = i % 2 ? n - 1 - i / 2 : i / 2;
			add(fences[k] = told(context + k, 1), k % 4);
			CHECK(count(DMA_RESV_USAGE_BOOKKEEP) == i + 1);
		}
		for (i = 0; i < n; ++i) {
			later = told(context + i, 2);
			add(later, i % 4);
			CHECK(count(DMA_RESV_USAGE_BOOKKEEP) == n);
			done(fences[i]);
			fences[i] = later;
		}
		CHECK(!dma_resv_lock(&obj, NULL));
		seen = 0;
		dma_resv_for_each_fence(&cursor, &obj, DMA_RESV_USAGE_BOOKKEEP, one) {
			CHECK(one->seqno == 2);
			CHECK((one->context - context) % 4 == dma_resv_iter_usage(&cursor));
			seen++;
		}
		CHECK(seen == n);
		/* Let one stand for another */
		later = told(dma_fence_context_alloc(1), 1);
		dma_resv_replace_fences(&obj, context + n / 2, later, DMA_RESV_USAGE_BOOKKEEP);
		dma_resv_unlock(&obj);
		CHECK(count(DMA_RESV_USAGE_BOOKKEEP) == n);
		seen = n / 2 % 4;
		CHECK(count(seen) == (n - 1) / 4 * (seen + 1) + min((n - 1) % 4, seen) + 1);
		for (i = 0; i < n; ++i)
			done(fences[i]);
		CHECK(count(DMA_RESV_USAGE_BOOKKEEP) == 1);
		done(later);
		CHECK(!count(DMA_RESV_USAGE_BOOKKEEP));
		dma_resv_fini(&obj);
		dma_resv_init(&obj);
	}
}

/* The oldest go when there is no room, the others keep their usage */
static void prune(void)
{
	struct dma_fence *fences[64];
	unsigned int i, u;

	for (i = 0; i < 64; ++i)
		add(fences[i] = told(dma_fence_context_alloc(1), 1), i % 4);
	for (i = 0; i < 64; ++i)
		if (i % 3)
			dma_fence_signal(fences[i]);
	CHECK(!dma_resv_lock(&obj, NULL));
	CHECK(!dma_resv_reserve_fences(&obj, 1000));
	dma_resv_unlock(&obj);
	for (u = 0; u < 4; ++u) {
		unsigned int expected = 0;

		for (i = 0; i < 64; ++i)
			expected += i % 3 == 0 && i % 4 <= u;
		CHECK(count(u) == expected);
	}
	for (i = 0; i < 64; ++i)
		done(fences[i]);
}

/* In an object that is used, but never full, nobody keeps what has signaled for ever */
static void signaled_go(void)
{
	struct dma_fence *fences[60], *busy[4], *last, *next, *fence;
	struct dma_resv_iter cursor;
	unsigned int i, n, left = 0;

	for (i = 0; i < ARRAY_SIZE(busy); ++i)
		add(busy[i] = told(dma_fence_context_alloc(1), 1), i);
	for (i = 0; i < ARRAY_SIZE(fences); ++i)
		add(fences[i] = told(dma_fence_context_alloc(1), 1), i % 4);
	add(last = told(dma_fence_context_alloc(1), 1), DMA_RESV_USAGE_WRITE);
	for (i = 0; i < ARRAY_SIZE(fences); ++i)
		done(fences[i]);

	/* Each that comes looks at one of the others */
	for (n = 0; n < 10 * ARRAY_SIZE(fences); ++n) {
		add(next = told(last->context, last->seqno + 1), DMA_RESV_USAGE_WRITE);
		done(last);
		last = next;
	}

	CHECK(!dma_resv_lock(&obj, NULL));
	dma_resv_for_each_fence(&cursor, &obj, DMA_RESV_USAGE_BOOKKEEP, fence)
		left += dma_fence_is_signaled(fence);
	dma_resv_unlock(&obj);
	CHECK(!left);
	for (i = 0; i < ARRAY_SIZE(busy); ++i)
		CHECK(count(i) == i + 1 + (i >= DMA_RESV_USAGE_WRITE));
	for (i = 0; i < ARRAY_SIZE(busy); ++i)
		done(busy[i]);
	done(last);
}

/* Each allocation fails in turn: nothing changes, nothing is returned, nothing is lost */
static void no_memory(void)
{
	struct dma_fence *fences[12], **got, *single;
	unsigned int i, k, n, failed = 0;
	struct dma_resv copy;
	int ret;

	for (i = 0; i < 12; ++i)
		add(fences[i] = told(dma_fence_context_alloc(1), 1), i % 4);
	dma_resv_init(&copy);
	CHECK(!dma_resv_lock(&copy, NULL));
	for (k = 1; k < 12; ++k) {
		native_fail_allocation = k;
		ret = dma_resv_get_fences(&obj, DMA_RESV_USAGE_BOOKKEEP, &n, &got);
		native_fail_allocation = 0;
		CHECK(ret ? ret == -ENOMEM && !n && !got : n == 12);
		failed += !!ret;
		dma_fence_put_all(got, n);

		native_fail_allocation = k;
		ret = dma_resv_get_singleton(&obj, DMA_RESV_USAGE_BOOKKEEP, &single);
		native_fail_allocation = 0;
		CHECK(ret ? ret == -ENOMEM && !single : dma_fence_is_array(single));
		failed += !!ret;
		dma_fence_put(single);

		native_fail_allocation = k;
		ret = dma_resv_copy_fences(&copy, &obj);
		native_fail_allocation = 0;
		CHECK(!ret || ret == -ENOMEM);
		failed += !!ret;

		CHECK(!dma_resv_lock(&obj, NULL));
		native_fail_allocation = k;
		ret = dma_resv_reserve_fences(&obj, 60000);
		native_fail_allocation = 0;
		CHECK(!ret || ret == -ENOMEM);
		failed += !!ret;
		CHECK(dma_resv_reserve_fences(&obj, U16_MAX + 1) == -ENOMEM);
		dma_resv_unlock(&obj);
		CHECK(count(DMA_RESV_USAGE_BOOKKEEP) == 12);
	}
	CHECK(failed >= 3);
	dma_resv_unlock(&copy);
	dma_resv_fini(&copy);
	for (i = 0; i < 12; ++i)
		done(fences[i]);
}

static struct dma_fence *late[40];

static void *signal_later(void *unused)
{
	unsigned int i;

	native_thread_start();
	for (i = 0; i < ARRAY_SIZE(late); ++i) {
		usleep(500);
		dma_fence_signal(late[i]);
	}
	native_thread_end();

	return NULL;
}

/* A wait waits for all there is, more than fits into one batch, and no longer */
static void waits(void)
{
	struct dma_fence *broken;
	pthread_t thread;
	unsigned int i;
	long ret;

	for (i = 0; i < ARRAY_SIZE(late); ++i)
		add(late[i] = told(dma_fence_context_alloc(1), 1), i % 4);
	CHECK(!dma_resv_wait_timeout(&obj, DMA_RESV_USAGE_KERNEL, false, 2));
	native_signal(current, true);
	CHECK(dma_resv_wait_timeout(&obj, DMA_RESV_USAGE_BOOKKEEP, true, 1000) == -ERESTARTSYS);
	CHECK(!dma_resv_wait_timeout(&obj, DMA_RESV_USAGE_BOOKKEEP, false, 2));
	native_signal(current, false);

	CHECK(!pthread_create(&thread, NULL, signal_later, NULL));
	ret = dma_resv_wait_timeout(&obj, DMA_RESV_USAGE_BOOKKEEP, true, 60000);
	CHECK(ret > 0 && ret < 60000);
	for (i = 0; i < ARRAY_SIZE(late); ++i)
		CHECK(dma_fence_is_signaled(late[i]));
	CHECK(dma_resv_wait_timeout(&obj, DMA_RESV_USAGE_BOOKKEEP, true, 5) == 5);
	CHECK(dma_resv_wait_timeout(&obj, DMA_RESV_USAGE_BOOKKEEP, true, 0) == 1);
	pthread_join(thread, NULL);
	for (i = 0; i < ARRAY_SIZE(late); ++i)
		fence_disown(late[i]);

	/* A driver's wait that says "done" too early is not believed, time still runs */
	broken = fence_new_broken(dma_fence_context_alloc(1), 5);
	add(broken, DMA_RESV_USAGE_WRITE);
	CHECK(!dma_resv_wait_timeout(&obj, DMA_RESV_USAGE_WRITE, false, 5));
	done(broken);

	/* What else it returns is passed on */
	broken = fence_new_broken(dma_fence_context_alloc(1), -EIO);
	add(broken, DMA_RESV_USAGE_WRITE);
	CHECK(dma_resv_wait_timeout(&obj, DMA_RESV_USAGE_WRITE, false, 5) == -EIO);
	done(broken);
}

/*
 * No slot, no memory, and a wait that ends before the fence has signaled or that goes
 * wrong: nothing is written behind the table, and no fence gets lost.
 */
static void *signal_soon(void *fence)
{
	native_thread_start();
	usleep(20000);
	dma_fence_signal(fence);
	native_thread_end();

	return NULL;
}

static void forced_wait(long result, bool full)
{
	struct dma_fence *fences[64], *last, *broken = fence_new_broken(dma_fence_context_alloc(1),
									result);
	struct dma_resv_table *table = NULL;
	unsigned int i, n = 0;
	pthread_t thread;

	last = full ? told(dma_fence_context_alloc(1), 1) : broken;
	if (full) {
		add(broken, DMA_RESV_USAGE_KERNEL);
		table = rcu_access_pointer(obj.table);
		for (n = 1; n < table->max; ++n)
			add(fences[n] = told(dma_fence_context_alloc(1), 1), DMA_RESV_USAGE_READ);
	}

	CHECK(!pthread_create(&thread, NULL, signal_soon, broken));
	CHECK(!dma_resv_lock(&obj, NULL));
	native_fail_allocation = 1;
	dma_resv_add_fence(&obj, last, DMA_RESV_USAGE_WRITE);
	CHECK(!native_fail_allocation);
	CHECK(dma_fence_is_signaled(broken));
	CHECK(rcu_access_pointer(obj.table) == table);
	CHECK(!table || table->end[DMA_RESV_USAGE_BOOKKEEP] == table->max);
	dma_resv_unlock(&obj);
	pthread_join(thread, NULL);
	CHECK(count(DMA_RESV_USAGE_WRITE) == full);

	for (i = 1; i < n; ++i)
		done(fences[i]);
	fence_disown(broken);
	if (full)
		done(last);
	dma_resv_fini(&obj);
	dma_resv_init(&obj);
}

static void forced(void)
{
	/* Which is reported once, and here alone */
	const unsigned int before = native_warnings();

	native_print_warnings(false);
	forced_wait(5, true);
	forced_wait(-EIO, true);
	forced_wait(5, false);
	forced_wait(-EIO, false);
	native_print_warnings(true);
	CHECK(native_warnings() == before + 1);
	expected_warnings = 1;
}

/* Each fence that signals brings a later one of its context */
static struct dma_fence *busy[17];

static void *keep_busy(void *stop)
{
	struct dma_fence *next;
	unsigned int i;

	native_thread_start();
	for (i = 0; !READ_ONCE(*(bool *)stop); i = (i + 1) % ARRAY_SIZE(busy)) {
		next = told(busy[i]->context, busy[i]->seqno + 1);
		add(next, DMA_RESV_USAGE_WRITE);
		done(busy[i]);
		busy[i] = next;
	}
	native_thread_end();

	return NULL;
}

/* A wait is for what was there when it began, however much comes after that */
static void wait_beside_many_contexts(void)
{
	bool stop = false;
	pthread_t thread;
	unsigned int i;
	long ret;

	for (i = 0; i < ARRAY_SIZE(busy); ++i)
		add(busy[i] = told(dma_fence_context_alloc(1), 1), DMA_RESV_USAGE_WRITE);
	CHECK(!pthread_create(&thread, NULL, keep_busy, &stop));
	ret = dma_resv_wait_timeout(&obj, DMA_RESV_USAGE_WRITE, false, 5000);
	WRITE_ONCE(stop, true);
	pthread_join(thread, NULL);
	CHECK(ret > 0);
	for (i = 0; i < ARRAY_SIZE(busy); ++i)
		done(busy[i]);
}

static const struct { const char *name; void (*run)(void); } tests[] = {
	{ "queries", queries }, { "idle is not for ever", idle_is_not_for_ever },
	{ "asked", asked }, { "usages", usages }, { "contexts", contexts },
	{ "prune", prune }, { "signaled go", signaled_go }, { "no memory", no_memory }, { "waits", waits },
	{ "forced", forced },
	{ "sequence goes round", sequence_goes_round },
	{ "wait beside many contexts", wait_beside_many_contexts },
};

/* With a name, only that one */
int main(int argc, char **argv)
{
	unsigned int i, round;

	/* A test that hangs is one that fails */
	alarm(120);
	for (i = 0; i < ARRAY_SIZE(tests); ++i) {
		at = tests[i].name;
		if (argc > 1 && strcmp(argv[1], at))
			continue;
		dma_resv_init(&obj);
		tests[i].run();
		dma_resv_fini(&obj);
		for (round = 0; round < 3; ++round) {
			native_irq_work_flush();
			native_rcu_barrier();
		}
		CHECK(!fences_alive());
		fences_free_pool();
		CHECK(!native_allocated());
		CHECK(native_warnings() == expected_warnings);
	}
	printf("%zu unit tests\n", ARRAY_SIZE(tests));

	return 0;
}
