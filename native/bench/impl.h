/* SPDX-License-Identifier: GPL-2.0-only */
/* What the benchmark asks of each implementation of dma_resv */
#ifndef BENCH_IMPL_H
#define BENCH_IMPL_H

#include <stdbool.h>
#include <stddef.h>

/* An object with fences, and what the operations need besides */
struct scene;

struct operation {
	const char *name;
	/* Depends on the number of fences */
	bool scales;
	/* Runs it @times times in a row; returns the nanoseconds that took */
	double (*run)(struct scene *scene, unsigned int times);
	/* The fences that it needs: none, busy or signaled ones */
	enum { NO_FENCES, BUSY, SIGNALED } fences;
};

struct impl {
	const char *name, *title;
	struct scene *(*scene)(unsigned int fences, bool signaled_op, int state);
	void (*end)(struct scene *scene);
	const struct operation *operations;
	unsigned int num_operations;
	/* For threads: look until told to stop, or change the object; how often */
	unsigned long (*reader)(struct scene *scene, const bool *stop);
	unsigned long (*writer)(struct scene *scene, const bool *stop);
	/* Memory of an object, in bytes */
	size_t unused;
	size_t (*memory)(struct scene *scene);
};

extern const struct impl impl_ours, impl_base, impl_peer, impl_off, impl_on;

#endif
