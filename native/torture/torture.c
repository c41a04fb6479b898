// SPDX-License-Identifier: GPL-2.0-only
/*
 * Threads that change, ask and signal the same few objects, next to an oracle: see
 * oracle.h for what it can tell. What they do follows from the seed; when they do it
 * is up to the machine, so a seed makes a failure likely again, no more.
 */
#include <execinfo.h>
#include <linux/slab.h>
#include <native.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/time.h>
#include <unistd.h>
#include "torture.h"

#define WRITERS		2
#define SIGNALLERS	2
#define READERS		4
#define THREADS		(WRITERS + SIGNALLERS + READERS)

/* Nothing takes that long, not even on a busy machine under a sanitizer */
#define WATCHDOG_S	60

struct playground playgrounds[OBJECTS];
bool stop_readers, stop_writers, stop_signallers;
unsigned long seen[16];

static const char *const seen_names[SEENS] = {
	"idle", "busy", "restarts", "fences", "waits", "timeouts", "interrupts", "no memory",
	"adds", "promotions", "replaces", "growths", "shrinks", "containers", "signals",
};

static struct torturer torturers[THREADS];
static double seconds = 3;

void begin_doing(struct torturer *me, const char *what, struct object *at)
{
	set(me->since, ktime_get());
	set(me->at, at);
	set(me->doing, what);
}

void end_doing(struct torturer *me)
{
	set(me->doing, NULL);
}

void torturer_start(struct torturer *me)
{
	oracle_thread = me->name;
	native_thread_start();
	native_random_seed(oracle_seed + 1000 * (1 + (me - torturers)));
	/* Everybody has a pace of his own */
	native_stumble_every(8u << dice(6));
	set(me->task, current);
}

static void start(struct torturer *me, void *(*run)(void *), const char *name, unsigned int number)
{
	snprintf(me->name, sizeof(me->name), "%s %u", name, number);
	me->number = number;
	if (pthread_create(&me->thread, NULL, run, me)) {
		fprintf(stderr, "torture: cannot start a thread\n");
		exit(1);
	}
}

/* Is anybody at something for too long? And now and then interrupt one who waits. */
static void watch(void)
{
	struct torturer *t;
	const char *doing;
	ktime_t since;

	for (t = torturers; t < torturers + THREADS; ++t) {
		since = get(t->since);
		doing = get(t->doing);
		if (doing && ktime_get() - since > WATCHDOG_S * 1000000000LL)
			oracle_fail(get(t->at), "%s has been at '%s' of object %u for %d s",
				    t->name, doing, get(t->at)->number, WATCHDOG_S);
		if (get(t->interruptible) && !dice(4)) {
			__atomic_fetch_add(&t->interrupts, 1, __ATOMIC_SEQ_CST);
			native_signal(get(t->task), true);
			__atomic_fetch_add(&t->interrupted, 1, __ATOMIC_SEQ_CST);
		}
	}
}

static void watch_until(ktime_t end)
{
	while (ktime_get() < end) {
		watch();
		usleep(1000);
	}
}

static void join(unsigned int from, unsigned int count)
{
	unsigned int i;

	/* The watchdog looks as long as they have something to do */
	for (i = from; i < from + count; ++i) {
		while (get(torturers[i].doing)) {
			watch();
			usleep(1000);
		}
		pthread_join(torturers[i].thread, NULL);
	}
}

static void prepare(void)
{
	static const unsigned int limits[OBJECTS] = { 3, 6, 72 };
	unsigned int i, q;

	for (i = 0; i < OBJECTS; ++i) {
		struct playground *p = &playgrounds[i];

		dma_resv_init(&p->object.resv);
		/* It goes round soon */
		if (dma_resv_lock(&p->object.resv, NULL) ||
		    dma_resv_reserve_fences(&p->object.resv, 1))
			exit(1);
		rcu_dereference_protected(p->object.resv.table, true)->seq.sequence =
			-1000;
		dma_resv_unlock(&p->object.resv);
		p->object.number = i;
		p->limit = limits[i];
		pthread_mutex_init(&p->object.lock, NULL);
		for (q = 0; q <= TIMELINES; ++q) {
			pthread_mutex_init(&p->queues[q].lock, NULL);
			p->queues[q].last = &p->queues[q].first;
			if (q == TIMELINES)
				continue;
			p->queues[q].context = dma_fence_context_alloc(1);
			/* Numbers have 32 bits and go round */
			p->queues[q].seqno = q ? 0 : U32_MAX - 100;
		}
	}
}

static void check_end(void)
{
	unsigned int i;

	for (i = 0; i < OBJECTS; ++i)
		dma_resv_fini(&playgrounds[i].object.resv);
	/* The work of one array may put another one */
	for (i = 0; i < 3; ++i) {
		native_irq_work_flush();
		native_rcu_barrier();
	}
	if (fences_alive())
		oracle_fail(NULL, "%ld fences are left", fences_alive());
	fences_free_pool();
	if (native_allocated())
		oracle_fail(NULL, "%ld pieces of memory are left", native_allocated());
	if (native_warnings())
		oracle_fail(NULL, "%u warnings", native_warnings());
}

static void __maybe_unused crashed(int number)
{
	void *trace[32];

	dprintf(2, "FAILED: signal %d in thread %s, seed %llu\n", number, oracle_thread,
		oracle_seed);
	backtrace_symbols_fd(trace, backtrace(trace, ARRAY_SIZE(trace)), 2);
	signal(number, SIG_DFL);
	raise(number);
}

static bool number(const char *arg, double *value)
{
	char *end;

	*value = strtod(arg, &end);
	return *arg && !*end && *value >= 0;
}

int main(int argc, char **argv)
{
	struct timeval tv;
	bool usage = false;
	unsigned int i;
	double value;
	int opt;

	gettimeofday(&tv, NULL);
	oracle_seed = (tv.tv_sec * 1000000ull + tv.tv_usec) % 1000000000;
	while ((opt = getopt(argc, argv, "s:t:")) != -1) {
		if (opt == 's' && number(optarg, &value))
			oracle_seed = value;
		else if (opt == 't' && number(optarg, &value) && value <= 86400)
			seconds = value;
		else
			usage = true;
	}
	if (usage || optind != argc) {
		fprintf(stderr, "usage: torture [-s SEED] [-t SECONDS]\n");
		return 2;
	}
	/* The sanitizers tell more, in their own way */
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
	signal(SIGSEGV, crashed);
	signal(SIGBUS, crashed);
	signal(SIGABRT, crashed);
#endif
	printf("seed %llu\n", oracle_seed);
	fflush(stdout);
	native_random_seed(oracle_seed);

	prepare();
	for (i = 0; i < READERS; ++i)
		start(&torturers[i], reader, "reader", i);
	for (i = 0; i < WRITERS; ++i)
		start(&torturers[READERS + i], writer, "writer", i);
	for (i = 0; i < SIGNALLERS; ++i)
		start(&torturers[READERS + WRITERS + i], signaller, "signaller", i);

	watch_until(ktime_get() + seconds * 1e9);
	/* In this order: each needs those after it to get to an end */
	set(stop_readers, true);
	join(0, READERS);
	set(stop_writers, true);
	join(READERS, WRITERS);
	set(stop_signallers, true);
	join(READERS + WRITERS, SIGNALLERS);
	native_ordered();
	check_end();

	printf("saw");
	for (i = 0; i < SEENS; ++i)
		printf(" %s %lu,", seen_names[i], seen[i]);
	printf(" recycled %lu\n", fences_recycled());
	/* What did not come up was not tested either */
	for (i = 0; seconds >= 1 && i < SEENS; ++i) {
		if (!seen[i]) {
			fprintf(stderr, "FAILED: there were no %s, seed %llu\n", seen_names[i],
				oracle_seed);
			return 1;
		}
	}

	return 0;
}
