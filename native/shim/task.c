// SPDX-License-Identifier: GPL-2.0-only
/* Tasks, sleeping, waking, locks that have to wait, and work that runs elsewhere */
#include <linux/irq_work.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/ww_mutex.h>
#include <native.h>
#include <pthread.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

/*
 * Tasks outlive their threads: somebody may wake one that is gone, as in the kernel,
 * where the waker holds no reference either but RCU keeps the task.
 */
static struct task_struct tasks[1024];
static unsigned int num_tasks;

static struct task_struct *native_task(void)
{
	unsigned int i = __atomic_fetch_add(&num_tasks, 1, __ATOMIC_RELAXED) %
			 ARRAY_SIZE(tasks);
	pthread_condattr_t attr;

	pthread_mutex_init(&tasks[i].lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&tasks[i].woken, &attr);
	pthread_condattr_destroy(&attr);

	return &tasks[i];
}

__thread struct task_struct *current;
__thread int native_in_write_section;

void native_rcu_thread(bool start);

void native_thread_start(void)
{
	current = native_task();
	native_rcu_thread(true);
	native_ordered();
}

void native_thread_end(void)
{
	native_rcu_thread(false);
}

static void __attribute__((constructor(101))) native_main_thread(void)
{
	native_thread_start();
}

ktime_t ktime_get(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000LL + ts.tv_nsec;
}

void __set_current_state(unsigned int state)
{
	pthread_mutex_lock(&current->lock);
	current->state = state;
	pthread_mutex_unlock(&current->lock);
}

long (*native_sleep)(long timeout);

/* Sleep unless woken since the state was set; a jiffy is a millisecond */
long schedule_timeout(long timeout)
{
	struct timespec until;
	ktime_t start = ktime_get(), end = 0;
	int ret = 0;

	if (native_sleep)
		return native_sleep(timeout);

	if (timeout != MAX_SCHEDULE_TIMEOUT) {
		end = start + timeout * 1000000LL;
		until.tv_sec = end / 1000000000;
		until.tv_nsec = end % 1000000000;
	}

	pthread_mutex_lock(&current->lock);
	while (current->state != TASK_RUNNING && ret != ETIMEDOUT) {
		if (current->state == TASK_INTERRUPTIBLE && current->signalled)
			break;
		if (timeout == MAX_SCHEDULE_TIMEOUT)
			pthread_cond_wait(&current->woken, &current->lock);
		else
			ret = pthread_cond_timedwait(&current->woken, &current->lock, &until);
	}
	current->state = TASK_RUNNING;
	pthread_mutex_unlock(&current->lock);
	native_ordered();

	if (timeout == MAX_SCHEDULE_TIMEOUT)
		return timeout;
	timeout = (end - ktime_get()) / 1000000;
	return timeout < 0 ? 0 : timeout;
}

int wake_up_state(struct task_struct *task, unsigned int state)
{
	int woken = 0;

	pthread_mutex_lock(&task->lock);
	if (task->state & state) {
		task->state = TASK_RUNNING;
		pthread_cond_signal(&task->woken);
		woken = 1;
	}
	pthread_mutex_unlock(&task->lock);

	return woken;
}

bool signal_pending(struct task_struct *task)
{
	bool pending;

	pthread_mutex_lock(&task->lock);
	pending = task->signalled;
	pthread_mutex_unlock(&task->lock);

	return pending;
}

void native_signal(struct task_struct *task, bool pending)
{
	pthread_mutex_lock(&task->lock);
	task->signalled = pending;
	pthread_cond_signal(&task->woken);
	pthread_mutex_unlock(&task->lock);
}

/* Locks */

void native_spin_slow(spinlock_t *lock)
{
	unsigned int spins = 0;

	while (!spin_trylock(lock)) {
		while (__atomic_load_n(&lock->locked, __ATOMIC_RELAXED)) {
			cpu_relax();
			/* The holder may have no CPU */
			if (!(++spins % 128))
				sched_yield();
		}
	}
}

/* Waiters for any mutex wait here, there are never many; osq counts a mutex's own */
static pthread_mutex_t ww_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t ww_released = PTHREAD_COND_INITIALIZER;

int native_ww_lock_slow(struct ww_mutex *lock, struct ww_acquire_ctx *ctx)
{
	struct ww_acquire_ctx *holder;
	int ret = 0;

	if (__atomic_load_n(&lock->base.owner, __ATOMIC_RELAXED) == current && !ctx)
		native_bug("a mutex locked again by its holder");

	pthread_mutex_lock(&ww_lock);
	__atomic_fetch_add(&lock->base.osq, 1, __ATOMIC_SEQ_CST);
	while (!native_ww_trylock(lock)) {
		/* A context lives until its last lock is dropped, under ww_lock */
		holder = __atomic_load_n(&lock->ctx, __ATOMIC_ACQUIRE);
		if (ctx && holder == ctx) {
			ret = -EALREADY;
			break;
		}
		if (ctx && holder && ctx->acquired && holder->stamp < ctx->stamp) {
			ret = -EDEADLK;
			break;
		}
		pthread_cond_wait(&ww_released, &ww_lock);
	}
	__atomic_fetch_sub(&lock->base.osq, 1, __ATOMIC_SEQ_CST);
	pthread_mutex_unlock(&ww_lock);

	return ret;
}

void native_ww_look_again(void)
{
	pthread_mutex_lock(&ww_lock);
	pthread_cond_broadcast(&ww_released);
	pthread_mutex_unlock(&ww_lock);
}

/* Work */

static pthread_mutex_t work_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t work_queued = PTHREAD_COND_INITIALIZER;
static pthread_cond_t work_done = PTHREAD_COND_INITIALIZER;
static struct irq_work *work_first, **work_last = &work_first;
static bool work_running, work_started;

static void *work_thread(void *unused)
{
	struct irq_work *work;

	(void)unused;
	native_thread_start();
	pthread_mutex_lock(&work_lock);
	for (;;) {
		while (!work_first)
			pthread_cond_wait(&work_queued, &work_lock);
		work = work_first;
		work_first = work->next;
		if (!work_first)
			work_last = &work_first;
		work->pending = 0;
		work_running = true;
		pthread_mutex_unlock(&work_lock);
		native_ordered();
		work->func(work);
		pthread_mutex_lock(&work_lock);
		work_running = false;
		pthread_cond_broadcast(&work_done);
	}
	return NULL;
}

bool irq_work_queue(struct irq_work *work)
{
	pthread_t thread;
	bool queued;

	pthread_mutex_lock(&work_lock);
	if (!work_started) {
		work_started = true;
		if (pthread_create(&thread, NULL, work_thread, NULL))
			native_bug("no thread for irq_work");
		pthread_detach(thread);
	}
	queued = !work->pending;
	if (queued) {
		work->pending = 1;
		work->next = NULL;
		*work_last = work;
		work_last = &work->next;
		pthread_cond_signal(&work_queued);
	}
	pthread_mutex_unlock(&work_lock);

	return queued;
}

void native_irq_work_flush(void)
{
	pthread_mutex_lock(&work_lock);
	while (work_first || work_running)
		pthread_cond_wait(&work_done, &work_lock);
	pthread_mutex_unlock(&work_lock);
}

/* Reports */

static unsigned int warnings;
static bool warn_quietly;

void native_warn(const char *fmt, ...)
{
	va_list args;

	__atomic_fetch_add(&warnings, 1, __ATOMIC_RELAXED);
	if (READ_ONCE(warn_quietly))
		return;
	va_start(args, fmt);
	fputs("WARNING: ", stderr);
	vfprintf(stderr, fmt, args);
	fputc('\n', stderr);
	va_end(args);
}

unsigned int native_warnings(void)
{
	return READ_ONCE(warnings);
}

void native_print_warnings(bool print)
{
	WRITE_ONCE(warn_quietly, !print);
}

void native_bug(const char *what)
{
	fprintf(stderr, "BUG: %s\n", what);
	abort();
}
