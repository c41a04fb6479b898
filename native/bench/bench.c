// SPDX-License-Identifier: GPL-2.0-only
/*
 * Every implementation side by side: one process, the same fences, rounds in turn.
 * Prints tables, and with -o writes every figure to a file.
 */
#include <linux/sched.h>
#include <linux/slab.h>
#include <native.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include "impl.h"

static const struct impl *const impls[] = {
	&impl_ours,
#ifdef WITH_base
	&impl_base,
#endif
#ifdef WITH_peer
	&impl_peer,
#endif
#ifdef WITH_off
	/* Ours with the checker of fences, not in use and in use */
	&impl_off,
	&impl_on,
#endif
};

#define IMPLS		ARRAY_SIZE(impls)
#define MOST_ROUNDS	101

static const unsigned int sizes[] = { 1, 4, 16, 64, 256, 1024 };
static unsigned int rounds = 21;
static const char *only;
static unsigned int only_n;
static FILE *out;

static int by_value(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static double median(double *values, unsigned int n)
{
	qsort(values, n, sizeof(*values), by_value);
	return n % 2 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2;
}

/* What @result (ns, less is better) says for an operation */
static void report(const char *what, bool op, unsigned int n, const double *result,
		   const double *allocations)
{
	char label[80];
	double ratio;
	unsigned int i;

	snprintf(label, sizeof(label), "%s%s", what, op ? " (op)" : "");
	printf("%-34s %5u", label, n);
	for (i = 0; i < IMPLS; ++i)
		printf(" %10.1f", result[i]);
	for (i = 1; i < IMPLS; ++i) {
		ratio = result[i] / result[0];
		printf(" %7.2f", ratio);
	}
	printf("   ");
	for (i = 0; allocations && i < IMPLS; ++i)
		printf(" %5.2f", allocations[i]);
	printf("\n");
	fflush(stdout);

	for (i = 0; out && i < IMPLS; ++i)
		fprintf(out, "%s\t%d\t%u\t%s\t%.2f\t%.3f\t%.3f\n", what, op, n, impls[i]->name,
			result[i], result[i] / result[0], allocations ? allocations[i] : 0);
}

static void measure(unsigned int k, unsigned int n, bool op)
{
	const struct operation *operation = &impls[0]->operations[k];
	static double samples[IMPLS][MOST_ROUNDS];
	double result[IMPLS], allocations[IMPLS], ns;
	unsigned int times = 1, i, r;
	struct scene *scenes[IMPLS];

	for (i = 0; i < IMPLS; ++i)
		scenes[i] = impls[i]->scene(operation->fences ? n : 0, op, operation->fences);

	/* As often as takes a fifth of a millisecond, the same for all */
	for (;;) {
		ns = impls[0]->operations[k].run(scenes[0], times);
		if (ns >= 100000 || times >= 1u << 20)
			break;
		times *= 2;
	}

	for (r = 0; r < rounds; ++r) {
		for (i = 0; i < IMPLS; ++i) {
			unsigned int which = (i + r) % IMPLS;
			unsigned long before = native_allocations;

			ns = impls[which]->operations[k].run(scenes[which], times);
			samples[which][r] = ns / times;
			allocations[which] = (double)(native_allocations - before) / times;
		}
	}

	for (i = 0; i < IMPLS; ++i) {
		result[i] = median(samples[i], rounds);
		impls[i]->end(scenes[i]);
	}
	report(operation->name, op, operation->scales ? n : 0, result, allocations);
}

/* Threads: each runs until all are told to stop */

struct worker {
	pthread_t thread;
	unsigned long (*run)(struct scene *scene, const bool *stop);
	struct scene *scene;
	const bool *stop;
	pthread_barrier_t *start;
	int cpu;
	unsigned long times;
};

static void *work(void *arg)
{
	struct worker *worker = arg;
	cpu_set_t cpus;

	native_thread_start();
	CPU_ZERO(&cpus);
	CPU_SET(worker->cpu, &cpus);
	pthread_setaffinity_np(pthread_self(), sizeof(cpus), &cpus);
	pthread_barrier_wait(worker->start);
	worker->times = worker->run(worker->scene, worker->stop);
	native_rcu_barrier();
	native_thread_end();

	return NULL;
}

/* Nanoseconds between two looks, of all readers together */
static double together(const struct impl *impl, struct scene *scene, unsigned int readers,
		       unsigned int writers)
{
	static unsigned int cpus;
	struct worker workers[4] = {};
	pthread_barrier_t start;
	unsigned int i;
	double times = 0;
	bool stop = false;
	ktime_t begin, took;

	if (!cpus)
		cpus = sysconf(_SC_NPROCESSORS_ONLN);
	pthread_barrier_init(&start, NULL, readers + writers + 1);
	for (i = 0; i < readers + writers; ++i) {
		workers[i].run = i < readers ? impl->reader : impl->writer;
		workers[i].scene = scene;
		workers[i].stop = &stop;
		workers[i].start = &start;
		workers[i].cpu = i % cpus;
		if (pthread_create(&workers[i].thread, NULL, work, &workers[i]))
			abort();
	}
	pthread_barrier_wait(&start);
	begin = ktime_get();
	usleep(5000);
	WRITE_ONCE(stop, true);
	took = ktime_get() - begin;
	for (i = 0; i < readers + writers; ++i) {
		pthread_join(workers[i].thread, NULL);
		times += i < readers ? workers[i].times : 0;
	}
	pthread_barrier_destroy(&start);

	return times ? took / times : took;
}

static const struct { unsigned int readers, writers; } crowds[] = {
	{ 1, 0 }, { 2, 0 }, { 1, 1 }, { 2, 1 },
};

static void measure_threads(unsigned int n, bool op, int state)
{
	static double samples[ARRAY_SIZE(crowds)][IMPLS][MOST_ROUNDS];
	static double scaling[IMPLS][MOST_ROUNDS];
	struct scene *scenes[IMPLS];
	double result[IMPLS];
	unsigned int i, r, c;
	char what[64];

	for (i = 0; i < IMPLS; ++i)
		scenes[i] = impls[i]->scene(n, op, state);
	for (r = 0; r < rounds; ++r)
		for (c = 0; c < ARRAY_SIZE(crowds); ++c)
			for (i = 0; i < IMPLS; ++i)
				samples[c][i][r] = together(impls[i], scenes[i], crowds[c].readers,
							    crowds[c].writers);

	for (i = 0; i < IMPLS; ++i)
		for (r = 0; r < rounds; ++r)
			scaling[i][r] = samples[0][i][r] / samples[1][i][r];
	for (c = 0; c < ARRAY_SIZE(crowds); ++c) {
		for (i = 0; i < IMPLS; ++i)
			result[i] = median(samples[c][i], rounds);
		snprintf(what, sizeof(what), "%u readers, %u writers%s", crowds[c].readers,
			 crowds[c].writers, state == SIGNALED ? ", signaled" : "");
		report(what, op, n, result, NULL);
	}
	printf("%-34s %5u", "  2 readers against 1, times", n);
	for (i = 0; i < IMPLS; ++i) {
		double times = median(scaling[i], rounds);

		printf(" %10.2f", times);
		if (out)
			fprintf(out, "scaling\t%d\t%u\t%s\t%.3f\t0\t0\n", op, n,
				impls[i]->name, times);
		impls[i]->end(scenes[i]);
	}
	printf("\n");
}

static void memory(void)
{
	static const unsigned int counts[] = { 0, 1, 4, 5, 16, 64, 1024 };
	struct scene *scene;
	unsigned int i, k;
	size_t bytes;

	printf("\nMemory of an object with its table, in bytes\n%-40s", "fences");
	for (i = 0; i < IMPLS; ++i)
		printf(" %10s", impls[i]->name);
	printf("\n");
	for (k = 0; k < ARRAY_SIZE(counts); ++k) {
		printf("%-40u", counts[k]);
		for (i = 0; i < IMPLS; ++i) {
			scene = impls[i]->scene(counts[k], false, BUSY);
			bytes = impls[i]->memory(scene);
			impls[i]->end(scene);
			printf(" %10zu", bytes);
			if (out)
				fprintf(out, "memory\t0\t%u\t%s\t%zu\t0\t0\n", counts[k],
					impls[i]->name, bytes);
		}
		printf("\n");
	}
}

static void heading(const char *what)
{
	unsigned int i;

	printf("\n%-34s %5s", what, "n");
	for (i = 0; i < IMPLS; ++i)
		printf(" %7s ns", impls[i]->name);
	for (i = 1; i < IMPLS; ++i)
		printf(" %4s/us", impls[i]->name);
	printf("    allocations\n");
}

int main(int argc, char **argv)
{
	unsigned int k, s, op;
	int opt;

	while ((opt = getopt(argc, argv, "r:o:f:n:")) != -1) {
		switch (opt) {
		case 'r':
			rounds = atoi(optarg);
			break;
		case 'f':
			only = optarg;
			break;
		case 'n':
			only_n = atoi(optarg);
			break;
		case 'o':
			out = fopen(optarg, "w");
			if (out)
				break;
			perror(optarg);
			return 1;
		default:
			rounds = 0;
		}
	}
	if (!rounds || rounds > MOST_ROUNDS || optind != argc) {
		fprintf(stderr, "usage: bench [-r ROUNDS] [-f OPERATION] [-n FENCES] [-o FILE]\n"
			"ROUNDS is 1 to %d\n", MOST_ROUNDS);
		return 2;
	}
	if (out)
		fprintf(out, "#operation\top\tn\timpl\tns\tof_ours\tallocations\n");

	heading("one thread");
	for (k = 0; k < impls[0]->num_operations; ++k) {
		const struct operation *operation = &impls[0]->operations[k];

		if (only && !strstr(operation->name, only))
			continue;
		for (op = 0; op < (operation->fences ? 2 : 1); ++op)
			for (s = 0; s < (operation->scales ? ARRAY_SIZE(sizes) : 1); ++s)
				if (!only_n || only_n == sizes[s])
					measure(k, sizes[s], op);
	}
	if (!only || !strcmp(only, "readers")) {
		heading("all readers together, per look");
		for (op = 0; op < 2; ++op)
			for (s = 0; s < ARRAY_SIZE(sizes); ++s)
				if (!only_n || only_n == sizes[s])
					measure_threads(sizes[s], op, BUSY);
	}
	if (!only)
		memory();

	if (out && fclose(out)) {
		perror("the file of -o");
		return 1;
	}

	return 0;
}
