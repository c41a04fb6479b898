// SPDX-License-Identifier: GPL-2.0-only
/*
 * Every way to interleave a few tasks, up to two preemptions, where the torture has
 * luck. A task is a reader, a change, or a signaler; all of them are coroutines of one
 * thread that can be stopped before each marked access, so a schedule is two numbers:
 * how many accesses the first task makes, and how many the second, before the third
 * (or the first again) goes on. Each such pair of numbers is tried, for each order of
 * the tasks, each question and change, and several contents of the object.
 *
 * Afterwards is told what would be wrong with an answer: idle though at each moment
 * some fence was in the object and unsignaled; without a fence that was there all the
 * time; with a fence that was not there at any time, or had signaled before. Memory is
 * freed as soon as no task is in an RCU section that had begun before, and fences are
 * recycled at once.
 *
 * Not explored: a third preemption, more than three tasks, two changes at the same time
 * (they have the lock), and memory that is weaker than a machine which does one access
 * after the other: for that there are the litmus tests and the torture's weak flavour.
 */
#include <linux/dma-fence-array.h>
#include <linux/dma-fence-leaves.h>
#include <linux/dma-resv.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <native.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <ucontext.h>
#include <unistd.h>
#include "fences.h"

#define TASKS		3
#define USAGES		(DMA_RESV_USAGE_BOOKKEEP + 1)
#define NEVER		(~0u)
/* Under the sanitizer each schedule takes ten times as long */
#ifdef __SANITIZE_ADDRESS__
#define PAIRS_ONLY	true
#else
#define PAIRS_ONLY	false
#endif
#define NO_LIMIT	(~0u)

/* Coroutines */

struct task {
	/* Where it begins, and where it goes on: to switch takes no system call */
	ucontext_t start;
	jmp_buf context;
	bool started;
	struct task_struct self;
	unsigned int number, rcu_depth, steps;
	bool finished, preempted, sleeping, timed_out;
	void (*run)(struct task *task, unsigned int arg);
	unsigned int arg;
	char stack[64 << 10];
};

static struct task tasks[TASKS], *running;
static jmp_buf scheduler;
static struct task_struct *main_task;
__thread unsigned int native_steps;

static noinline void to_scheduler(void)
{
	struct task *me = running;

	running = NULL;
	current = main_task;
	native_steps = 0;
	if (!_setjmp(me->context))
		_longjmp(scheduler, 1);
}

void native_stumble(void)
{
	running->preempted = true;
	to_scheduler();
}

/* Whoever spins waits for another task */
void native_relax(void)
{
	if (running)
		to_scheduler();
}

static long sleep_here(long timeout)
{
	struct task *me = running;

	while (me->self.state != TASK_RUNNING) {
		me->sleeping = true;
		to_scheduler();
		if (me->timed_out && timeout != MAX_SCHEDULE_TIMEOUT)
			timeout = 0;
		if (!timeout)
			break;
	}
	me->sleeping = false;
	me->self.state = TASK_RUNNING;

	return timeout;
}

static void task_main(void)
{
	for (;;) {
		running->run(running, running->arg);
		running->finished = true;
		to_scheduler();
	}
}

/* Let a task make so many accesses. Returns whether it finished before, or has to wait. */
static noinline bool go_on(struct task *task, unsigned int steps)
{
	task->preempted = false;
	if (!task->finished) {
		running = task;
		current = &task->self;
		native_steps = steps;
		if (!_setjmp(scheduler)) {
			if (task->started)
				_longjmp(task->context, 1);
			task->started = true;
			setcontext(&task->start);
		}
	}

	return !task->preempted;
}

/* RCU, as soon as it can be */

struct callback {
	struct callback *next;
	struct rcu_head *head;
	void (*func)(struct rcu_head *head);
	unsigned int waits_for;
};

static struct callback *callbacks;

static void run_callbacks(void)
{
	struct callback **at = &callbacks, *callback;
	unsigned int steps = native_steps;

	native_steps = 0;
	while ((callback = *at)) {
		if (callback->waits_for) {
			at = &callback->next;
			continue;
		}
		*at = callback->next;
		callback->func(callback->head);
		free(callback);
		at = &callbacks;
	}
	native_steps = steps;
}

void native_rcu_thread(bool start) {}

void native_rcu_read_lock(void)
{
	if (running)
		running->rcu_depth++;
}

void native_rcu_read_unlock(void)
{
	struct callback *callback;

	if (!running || --running->rcu_depth)
		return;
	for (callback = callbacks; callback; callback = callback->next)
		callback->waits_for &= ~(1u << running->number);
	run_callbacks();
}

void native_call_rcu(struct rcu_head *head, void (*func)(struct rcu_head *head))
{
	struct callback *callback = malloc(sizeof(*callback));
	unsigned int i;

	*callback = (struct callback){ callbacks, head, func, 0 };
	for (i = 0; i < TASKS; ++i)
		if (tasks[i].rcu_depth)
			callback->waits_for |= 1u << i;
	callbacks = callback;
	run_callbacks();
}

void native_rcu_barrier(void)
{
	run_callbacks();
}

/* What is done */

struct op {
	const char *name;
	void (*run)(struct task *task, unsigned int arg);
};

struct part { const struct op *op; unsigned int arg; };

struct state {
	enum fence_kind kind;
	/* Which of the first two have signaled to begin with, and which are not there */
	unsigned int signaled, absent;
	unsigned int sequence;
};

/* The first task makes @accesses[0], the second @accesses[1], then @rest go on in turn */
struct schedule {
	const struct state *state;
	const struct part *parts;
	unsigned int n;
	struct task *first, *second, *rest[TASKS];
	unsigned int accesses[2];
};

static struct schedule at;

static void print_schedule(void)
{
	unsigned int i;

	fprintf(stderr, "fences of kind %u, signaled %x, absent %x, task %u makes %u, task %u makes %u, then",
		at.state->kind, at.state->signaled, at.state->absent, at.first->number, at.accesses[0],
		at.second->number, at.accesses[1]);
	for (i = 0; i < at.n; ++i)
		fprintf(stderr, " %u", at.rest[i]->number);
	for (i = 0; i < at.n; ++i)
		fprintf(stderr, "%s %u: %s(%u)", i ? "," : ";", i, at.parts[i].op->name,
			at.parts[i].arg);
}

/* What is known of the fences */

enum { WRITER, KEEPER, LATER, OTHER, FENCES };

struct fact {
	struct dma_fence *fence;
	/* From when on and until when it may be found, by which query at least */
	unsigned int added, gone, usage;
	/* When it had signaled */
	unsigned int signaled;
};

/* From @from to @to, queries for @usage have to find one of @fences */
struct claim {
	unsigned int from, to, usage, fences;
};

static struct fact facts[FENCES];
static struct claim claims[16];
static unsigned int num_claims, now;
static struct dma_resv obj;
static unsigned long schedules;

static void wrong(const char *what, unsigned int query, unsigned int from)
{
	fputs("FAILED: ", stderr);
	print_schedule();
	fprintf(stderr, ": %s, query %u from %u to %u\n", what, query, from, now);
	abort();
}

static void claim(unsigned int fence, unsigned int usage)
{
	claims[num_claims++] = (struct claim){ ++now, NEVER, usage, 1u << fence };
}

/* Before a fence signals, or leaves for good */
static void unclaim(unsigned int fence)
{
	unsigned int i;

	for (i = 0, ++now; i < num_claims; ++i)
		if (claims[i].fences == 1u << fence && claims[i].to == NEVER)
			claims[i].to = now;
}

static void offer(unsigned int fence, unsigned int usage)
{
	if (facts[fence].added == NEVER)
		facts[fence].added = ++now;
	facts[fence].usage = min(facts[fence].usage, usage);
}

/* Could nobody say at any time since @from that @query is idle? */
static bool never_idle(unsigned int query, unsigned int from)
{
	unsigned int at = from, i, to;

	do {
		to = at;
		for (i = 0; i < num_claims; ++i)
			if (claims[i].usage <= query && claims[i].from <= at && claims[i].to > at)
				at = claims[i].to;
	} while (to != at && at <= now);

	return at > now;
}

static bool there(unsigned int fence, unsigned int query, unsigned int from)
{
	struct fact *fact = &facts[fence];

	return fact->usage <= query && fact->added <= now && fact->gone >= from &&
	       fact->signaled >= from;
}

static void check_busy(unsigned int query, unsigned int from)
{
	unsigned int i;

	for (i = 0, ++now; i < FENCES; ++i)
		if (there(i, query, from))
			return;
	wrong("busy with nothing in it", query, from);
}

static void check_idle(unsigned int query, unsigned int from)
{
	++now;
	if (never_idle(query, from))
		wrong("idle, though there always was something", query, from);
}

static unsigned int which(struct dma_fence *fence, unsigned int query, unsigned int from)
{
	unsigned int i;

	for (i = 0; i < FENCES; ++i) {
		if (facts[i].fence == fence) {
			if (!there(i, query, from))
				wrong("found what is not there", query, from);
			return 1u << i;
		}
	}
	wrong("found what nobody knows", query, from);
	return 0;
}

static void check_found(unsigned int found, unsigned int query, unsigned int from)
{
	unsigned int i;

	if (!found)
		check_idle(query, from);
	for (i = 0, ++now; i < num_claims; ++i)
		if (claims[i].usage <= query && claims[i].from <= from && claims[i].to > now &&
		    !(claims[i].fences & found))
			wrong("missed a fence", query, from);
}

/* The readers; @query is a usage */

static void test(struct task *task, unsigned int query)
{
	unsigned int from = ++now;

	if (dma_resv_test_signaled(&obj, query))
		check_idle(query, from);
	else
		check_busy(query, from);
}

static void look(struct task *task, unsigned int query)
{
	unsigned int from = ++now;

	if (dma_resv_wait_timeout(&obj, query, false, 0) > 0)
		check_idle(query, from);
	else
		check_busy(query, from);
}

/* What was there when it began has signaled when it ends, unless time is up */
static void wait(struct task *task, unsigned int query)
{
	unsigned int from = ++now, i;

	if (dma_resv_wait_timeout(&obj, query, false, 1) <= 0) {
		check_busy(query, from);
		return;
	}
	for (i = 0, ++now; i < num_claims; ++i)
		if (claims[i].usage <= query && claims[i].from <= from && claims[i].to > now)
			wrong("did not wait for a fence", query, from);
}

static void get(struct task *task, unsigned int query)
{
	unsigned int from = ++now, i, n, found = 0;
	struct dma_fence **fences;

	if (dma_resv_get_fences(&obj, query, &n, &fences))
		wrong("no memory", query, from);
	for (i = 0, ++now; i < n; ++i)
		found |= which(fences[i], query, from);
	check_found(found, query, from);
	dma_fence_put_all(fences, n);
}

static void single(struct task *task, unsigned int query)
{
	unsigned int from = ++now, i, found = 0;
	struct dma_fence_array *array;
	struct dma_fence *fence;

	if (dma_resv_get_singleton(&obj, query, &fence))
		wrong("no memory", query, from);
	++now;
	array = fence ? to_dma_fence_array(fence) : NULL;
	for (i = 0; array && i < array->num_fences; ++i)
		found |= which(array->fences[i], query, from);
	if (fence && !array)
		found = which(fence, query, from);
	check_found(found, query, from);
	dma_fence_put(fence);
}

static void walk(struct task *task, unsigned int query)
{
	unsigned int from = ++now, found = 0;
	struct dma_resv_iter cursor;
	struct dma_fence *fence;

	dma_resv_iter_begin(&cursor, &obj, query);
	dma_resv_for_each_fence_unlocked(&cursor, fence) {
		if (dma_resv_iter_is_restarted(&cursor))
			found = 0;
		++now;
		found |= which(fence, query, from);
	}
	dma_resv_iter_end(&cursor);
	check_found(found, query, from);
}

static void copy(struct task *task, unsigned int query)
{
	unsigned int from = ++now, found = 0;
	struct dma_resv_iter cursor;
	struct dma_fence *fence;
	struct dma_resv mine;

	dma_resv_init(&mine);
	dma_resv_lock(&mine, NULL);
	if (dma_resv_copy_fences(&mine, &obj))
		wrong("no memory", query, from);
	++now;
	dma_resv_for_each_fence(&cursor, &mine, query, fence)
		found |= which(fence, query, from);
	check_found(found, query, from);
	dma_resv_unlock(&mine);
	dma_resv_fini(&mine);
}

/* The changes */

static void lock(void)
{
	while (!dma_resv_trylock(&obj))
		native_relax();
}

/* A fence that was not there takes part as @usage */
static void add(struct task *task, unsigned int usage)
{
	lock();
	dma_resv_reserve_fences(&obj, 1);
	offer(OTHER, usage);
	dma_resv_add_fence(&obj, facts[OTHER].fence, usage);
	claim(OTHER, usage);
	dma_resv_unlock(&obj);
}

/* At no time is the object idle */
static void hand_over(struct task *task, unsigned int usage)
{
	add(task, usage);
	unclaim(KEEPER);
	dma_fence_signal(facts[KEEPER].fence);
	facts[KEEPER].signaled = ++now;
}

static void replace(unsigned int usage, bool any)
{
	unsigned int was = facts[KEEPER].usage, next = any ? OTHER : LATER;
	bool busy = false;
	unsigned int i;

	lock();
	dma_resv_reserve_fences(&obj, 1);
	offer(next, min(was, usage));
	/* Who looks meanwhile finds the one or the other */
	for (i = 0; i < num_claims; ++i) {
		if (claims[i].fences == 1u << KEEPER) {
			claims[i].fences |= 1u << next;
			busy = true;
		}
	}
	if (any)
		dma_resv_replace_fences(&obj, facts[KEEPER].fence->context, facts[next].fence,
					usage);
	else
		dma_resv_add_fence(&obj, facts[next].fence, usage);
	/* What has signaled is not replaced by something that has not */
	if (!any || busy)
		claim(next, min(was, usage));
	facts[KEEPER].gone = ++now;
	dma_resv_unlock(&obj);
}

/* A later one of the same context takes a fence's place */
static void succeed(struct task *task, unsigned int usage)
{
	replace(min(usage, facts[KEEPER].usage), false);
}

static void replace_any(struct task *task, unsigned int usage)
{
	replace(usage, true);
}

static void promote(struct task *task, unsigned int usage)
{
	bool signaled;

	lock();
	dma_resv_reserve_fences(&obj, 1);
	offer(KEEPER, usage);
	signaled = dma_fence_is_signaled(facts[KEEPER].fence);
	dma_resv_add_fence(&obj, facts[KEEPER].fence, usage);
	if (!signaled)
		claim(KEEPER, usage);
	dma_resv_unlock(&obj);
}

static void grow(struct task *task, unsigned int usage)
{
	lock();
	dma_resv_reserve_fences(&obj, 40);
	dma_resv_unlock(&obj);
}

/* As many as there is only room for without those that have signaled */
static void prune(struct task *task, unsigned int usage)
{
	struct dma_resv_table *table;

	lock();
	table = rcu_dereference_protected(obj.table, true);
	dma_resv_reserve_fences(&obj, table->max - table->end[DMA_RESV_USAGE_BOOKKEEP] + 1);
	dma_resv_unlock(&obj);
}

static void signal_writer(struct task *task, unsigned int tell)
{
	unclaim(WRITER);
	fence_complete(facts[WRITER].fence, tell);
	/* The other kind only has when somebody asks */
	if (tell)
		facts[WRITER].signaled = ++now;
}

static const struct op readers[] = {
	{ "test_signaled", test }, { "wait 0", look }, { "get_fences", get },
	{ "walk", walk }, { "get_singleton", single }, { "copy_fences", copy },
	{ "wait", wait },
};

static const struct op changes[] = {
	{ "prune", prune }, { "grow", grow }, { "add", add }, { "succeed", succeed },
	{ "promote", promote }, { "replace", replace_any }, { "hand over", hand_over },
};

static const struct op signalers[] = { { "signal", signal_writer } };

/* One schedule after the other */

static void prepare(void)
{
	const struct state *state = at.state;
	static const unsigned int usages[] = { DMA_RESV_USAGE_WRITE, DMA_RESV_USAGE_BOOKKEEP };
	unsigned int i;

	now = 0;
	num_claims = 0;
	dma_resv_init(&obj);
	dma_resv_lock(&obj, NULL);
	dma_resv_reserve_fences(&obj, 2);
	rcu_dereference_protected(obj.table, true)->seq.sequence = state->sequence;
	for (i = 0; i < FENCES; ++i) {
		/* In the order of their contexts the later comes first */
		facts[i] = (struct fact){ .added = NEVER, .gone = NEVER, .usage = NEVER,
					  .signaled = NEVER };
		facts[i].fence = fence_new(state->kind, true,
					   i == LATER ? KEEPER + 1 : i + 1, 1 + (i == LATER));
	}
	for (i = WRITER; i <= KEEPER; ++i) {
		if (state->absent & 1u << i)
			continue;
		offer(i, usages[i]);
		dma_resv_add_fence(&obj, facts[i].fence, usages[i]);
		if (!(state->signaled & 1u << i)) {
			claim(i, usages[i]);
			continue;
		}
		dma_fence_signal(facts[i].fence);
		facts[i].signaled = ++now;
	}
	dma_resv_unlock(&obj);
	for (i = 0; i < at.n; ++i) {
		tasks[i].finished = false;
		tasks[i].sleeping = false;
		tasks[i].timed_out = false;
		tasks[i].run = at.parts[i].op->run;
		tasks[i].arg = at.parts[i].arg;
	}
	++now;
}

static void clean_up(void)
{
	unsigned int i;

	for (i = 0; i < FENCES; ++i)
		dma_fence_signal(facts[i].fence);
	dma_resv_fini(&obj);
	for (i = 0; i < FENCES; ++i)
		fence_disown(facts[i].fence);
	if (fences_alive())
		wrong("a fence is left over", 0, 0);
	schedules++;
}

/* To the end, each as far as it gets; who still sleeps then has slept long enough */
static void finish(void)
{
	unsigned int round, i, open = at.n;

	for (round = 0; open; ++round) {
		for (i = 0, open = 0; i < at.n; ++i) {
			go_on(at.rest[i], NO_LIMIT);
			open += !at.rest[i]->finished;
		}
		for (i = 0; open && round > 2 && i < at.n; ++i)
			at.rest[i]->timed_out = at.rest[i]->sleeping;
		if (round > 1000)
			wrong("nobody gets on", 0, 0);
	}
}

/* For each number of accesses of the first, each number of the second */
static void explore_order(void)
{
	bool first_ended = false, second_ended;
	unsigned int *a = &at.accesses[0], *b = &at.accesses[1];

	for (*a = 1; !first_ended; ++*a) {
		second_ended = false;
		for (*b = 1; !first_ended && !second_ended; ++*b) {
			prepare();
			first_ended = go_on(at.first, *a);
			second_ended = go_on(at.second, *b);
			finish();
			clean_up();
		}
	}
}

static void explore(const struct state *state, const struct part *parts, unsigned int n)
{
	/* Who goes on, and in which order, after the second preemption */
	static const unsigned int ways[][TASKS] = { { 2, 1, 0 }, { 2, 0, 1 }, { 0, 1, 2 } };
	struct task *order[TASKS];
	unsigned int f, s, w, i;

	for (f = 0; f < n; ++f) {
		for (s = 0; s < n; ++s) {
			if (s == f)
				continue;
			order[0] = &tasks[f];
			order[1] = &tasks[s];
			order[2] = n == 3 ? &tasks[3 - f - s] : NULL;
			at = (struct schedule){ state, parts, n, order[0], order[1] };
			for (w = 0; n == 3 && w < ARRAY_SIZE(ways); ++w) {
				for (i = 0; i < n; ++i)
					at.rest[i] = order[ways[w][i]];
				explore_order();
			}
			if (n == 2) {
				at.rest[0] = order[0];
				at.rest[1] = order[1];
				explore_order();
			}
		}
	}
}

static void all(const struct state *state)
{
	unsigned int r, q, q2, c, u;
	struct part parts[TASKS];

	for (r = 0; r < ARRAY_SIZE(readers); ++r)
	for (q = 0; q < USAGES; ++q)
	for (c = 0; c < ARRAY_SIZE(changes); ++c)
	for (u = 0; u < USAGES; ++u) {
		/* These do not add anything as one usage or another */
		if ((changes[c].run == prune || changes[c].run == grow) && u)
			continue;
		parts[0] = (struct part){ &readers[r], q };
		parts[1] = (struct part){ &changes[c], u };
		explore(state, parts, 2);
		/* One more, where that is another usage than the first two fences have */
		if (q % 2 == 0 || u % 2 || PAIRS_ONLY)
			continue;
		if (!((state->signaled | state->absent) & 1u << WRITER)) {
			parts[2] = (struct part){ signalers, q == DMA_RESV_USAGE_BOOKKEEP };
			explore(state, parts, 3);
		}
		/* Two who ask, one of which only looks */
		for (q2 = DMA_RESV_USAGE_WRITE; r < 4 && !u && q2 < USAGES; q2 += 2) {
			parts[2] = (struct part){ &readers[0], q2 };
			explore(state, parts, 3);
		}
	}
}

static noinline void make_task(struct task *task, unsigned int number)
{
	task->number = number;
	task->finished = true;
	pthread_mutex_init(&task->self.lock, NULL);
	pthread_cond_init(&task->self.woken, NULL);
	getcontext(&task->start);
	task->start.uc_stack.ss_sp = task->stack;
	task->start.uc_stack.ss_size = sizeof(task->stack);
	makecontext(&task->start, task_main, 0);
}

int main(void)
{
	static const struct { unsigned int signaled, absent; } states[] = {
		{ 0, 0 }, { 1u << WRITER, 0 }, { 1u << KEEPER, 0 }, { 0, 1u << WRITER },
	};
	unsigned int i, kind;
	struct state state;

	alarm(280);
	main_task = current;
	native_sleep = sleep_here;
	for (i = 0; i < TASKS; ++i)
		make_task(&tasks[i], i);
	for (kind = FENCE_TOLD; kind <= FENCE_ASKED; ++kind)
	for (i = 0; i < ARRAY_SIZE(states); ++i) {
		/* The sequence goes round while they are at it */
		state = (struct state){ kind, states[i].signaled, states[i].absent, -6 };
		all(&state);
	}
	fences_free_pool();
	native_rcu_barrier();
	if (native_allocated())
		native_bug("memory is left");
	if (native_warnings())
		native_bug("warnings");
	printf("%lu schedules\n", schedules);

	return 0;
}
