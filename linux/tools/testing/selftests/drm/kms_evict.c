// SPDX-License-Identifier: GPL-2.0
/*
 * More framebuffers than fit into video memory, shown one after the other: to
 * show one, the kernel has to evict others, and to bring it back with its
 * content. In the end memory is short as well, and others want it.
 *
 * Where a buffer is, is no guess: /proc/self/pagemap has the address of the
 * page that was touched, and the device's resources say whether it is theirs.
 *
 *	kms_evict [-p ROUNDS] [DRIVER...]
 *
 * A driver that is named must be there. Without one, those that are there are
 * tested. With -p only the last test is run, but that often: what goes wrong
 * there is a matter of luck.
 */
#include "kms.h"

#include <sched.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>

#include "../kselftest.h"

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))

#define MAX_BUFFERS	64
#define NR_OUT		3	/* at least that many don't fit */
#define EVENT_MS	20000
#define PRESSURE_MS	10000
#define STUCK_S		240	/* no single test takes that long */
#define PAGE		4096

#define TTM_ZONE "/sys/devices/virtual/drm/ttm/memory_accounting/kernel/"

enum way { SETCRTC, FLIP, COMMIT, NR_WAYS };

static const char * const way_names[] = {
	"mode set", "page flip", "atomic commit",
};

static const struct device {
	const char *driver;
	__u32 width, height;
} devices[] = {
	{ "bochs-drm", 640, 480 },
	{ "qxl", 1024, 768 },
};

struct buffer {
	struct kms_fb fb;
	__u32 seed;
	bool was_in;	/* has been in video memory */
	bool evicted;	/* ... and has left it */
};

struct range {
	__u64 start, end;
};

/* Shared with the processes that press. */
struct shared {
	unsigned int stop;
	unsigned int count;
};

static bool told_to_stop(const struct shared *s)
{
	return __atomic_load_n(&s->stop, __ATOMIC_RELAXED);
}

static const struct device *dev;
static struct kms kms;
static struct buffer buffers[MAX_BUFFERS];
static unsigned int nr_buffers, nr_returned;
static unsigned int pressure_rounds;
static struct range vram[6];
static __u64 vram_size;
static int pagemap;

/* The first thing that went wrong in the test that runs. */
static char wrong[128];

#define WRONG(fmt, ...) do {						\
	if (!*wrong)							\
		snprintf(wrong, sizeof(wrong), fmt, ##__VA_ARGS__);	\
} while (0)

static void report(const char *name)
{
	if (*wrong)
		ksft_print_msg("%s: %s\n", dev->driver, wrong);
	ksft_test_result(!*wrong, "%s: %s\n", dev->driver, name);
	fflush(stdout);
	*wrong = '\0';
	alarm(STUCK_S);
}

/* Where is it? */

static void find_vram(void)
{
	char path[64];
	struct stat st;
	unsigned int i;
	FILE *f;

	memset(vram, 0, sizeof(vram));
	vram_size = 0;
	fstat(kms.fd, &st);
	snprintf(path, sizeof(path), "/sys/dev/char/%u:%u/device/resource",
		 major(st.st_rdev), minor(st.st_rdev));
	f = fopen(path, "r");
	for (i = 0; f && i < ARRAY_SIZE(vram); i++) {
		if (fscanf(f, "%llx %llx %*x", &vram[i].start,
			   &vram[i].end) != 2)
			break;
		vram_size += vram[i].end - vram[i].start;
	}
	if (f)
		fclose(f);
}

static bool page_in_vram(const void *at)
{
	__u64 entry = 0, address;
	unsigned int i, tries;

	/* It may go away again between the access and the question. */
	for (tries = 0; tries < 100 && !(entry >> 63); tries++) {
		__atomic_load_n((const __u32 *)at, __ATOMIC_RELAXED);
		if (pread(pagemap, &entry, sizeof(entry),
			  (uintptr_t)at / PAGE * sizeof(entry)) !=
		    sizeof(entry))
			break;
	}
	if (!(entry >> 63) || !(entry << 9)) {
		WRONG("cannot tell where a buffer is");
		return false;
	}

	address = (entry & ((1ULL << 55) - 1)) * PAGE;
	for (i = 0; i < ARRAY_SIZE(vram); i++) {
		if (address >= vram[i].start && address < vram[i].end)
			return true;
	}

	return false;
}

static bool in_vram(struct buffer *b)
{
	bool first, last;
	int tries;

	/* Others may have it moved between the two questions, but not each time. */
	for (tries = 0; tries < 100; tries++) {
		first = page_in_vram(b->fb.map);
		last = page_in_vram((char *)b->fb.map + b->fb.size - PAGE);
		if (first == last)
			return first;
	}
	WRONG("half a buffer is in video memory");

	return false;
}

/* What is in it? */

static __u32 pattern(__u32 seed, __u32 word)
{
	return (seed + word + 1) * 0x9e3779b1u ^ seed;
}

static void fill(struct buffer *b, __u32 seed)
{
	__u32 i;

	b->seed = seed;
	for (i = 0; i < b->fb.size / 4; i++)
		b->fb.map[i] = pattern(seed, i);
}

static void check(struct buffer *b, const char *when)
{
	__u32 i;

	for (i = 0; i < b->fb.size / 4 && !*wrong; i++) {
		__u32 is = b->fb.map[i];

		if (is != pattern(b->seed, i))
			WRONG("buffer %d, word %u %s: %08x, not %08x",
			      (int)(b - buffers), i, when, is,
			      pattern(b->seed, i));
	}
}

static void check_all(const char *when)
{
	unsigned int i;

	for (i = 0; i < nr_buffers; i++)
		check(&buffers[i], when);
}

/* Show it */

static void show(struct buffer *b, enum way how)
{
	int ret;

	switch (how) {
	case FLIP:
		ret = kms_flip(&kms, &b->fb);
		break;
	case COMMIT:
		ret = kms_commit(&kms, &b->fb, -1, NULL);
		break;
	default:
		ret = kms_setcrtc(&kms, &b->fb);
		break;
	}
	if (ret)
		WRONG("%s: %s", way_names[how], strerror(-ret));
	else if (how != SETCRTC && !kms_flipped(&kms, EVENT_MS))
		WRONG("%s: no event came", way_names[how]);
}

static void show_and_check(struct buffer *b, enum way how)
{
	if (b->was_in && !in_vram(b))
		b->evicted = true;
	show(b, how);
	if (!*wrong && !in_vram(b))
		WRONG("it is shown, and not in video memory");
	nr_returned += b->evicted;
	b->was_in = true;
	b->evicted = false;
}

static void create(void)
{
	unsigned int out = 0, i;
	__u64 total = 0;
	int ret;

	for (nr_buffers = 0; nr_buffers < MAX_BUFFERS; nr_buffers++) {
		struct buffer *b = &buffers[nr_buffers];

		if (total > vram_size + NR_OUT * buffers[0].fb.size)
			break;
		memset(b, 0, sizeof(*b));
		ret = kms_fb_init(&kms, &b->fb);
		if (ret) {
			WRONG("buffer %u: %s", nr_buffers, strerror(-ret));
			return;
		}
		fill(b, nr_buffers);
		total += b->fb.size;
	}
	for (i = 0; i < nr_buffers; i++)
		out += !in_vram(&buffers[i]);
	if (out < NR_OUT)
		WRONG("only %u of %u buffers don't fit", out, nr_buffers);
	check_all("after all were created");
	if (pressure_rounds)
		return;
	ksft_print_msg("%s: %u buffers of %zu KiB, %u not in video memory\n",
		       dev->driver, nr_buffers, buffers[0].fb.size / 1024, out);
}

/* Twice, so that what was evicted for others comes back. */
static void cycle(enum way how)
{
	unsigned int i;

	nr_returned = 0;
	for (i = 0; i < 2 * nr_buffers && !*wrong; i++) {
		struct buffer *b = &buffers[i % nr_buffers];

		show_and_check(b, how);
		check(b, "when shown");
	}
	check_all("after all were shown");
	if (nr_returned < NR_OUT)
		WRONG("only %u were evicted and came back", nr_returned);
	ksft_print_msg("%s, %s: %u times evicted and back\n", dev->driver,
		       way_names[how], nr_returned);
}

static void write_while_out(void)
{
	unsigned int i, out = 0;

	for (i = 0; i < nr_buffers; i++) {
		struct buffer *b = &buffers[i];

		if (in_vram(b))
			continue;
		fill(b, b->seed + 1000);
		show_and_check(b, COMMIT);
		check(b, "written while evicted");
		out++;
	}
	if (!out)
		WRONG("none was out");
	check_all("after some were written while evicted");
}

/* What TTM has of the system's memory, in KiB */

static long ttm_get(const char *name)
{
	char path[128];
	long value = -1;
	FILE *f;

	snprintf(path, sizeof(path), TTM_ZONE "%s", name);
	f = fopen(path, "r");
	if (!f || fscanf(f, "%ld", &value) != 1)
		WRONG("cannot read TTM's %s", name);
	if (f)
		fclose(f);

	return value;
}

static void ttm_set_swap_limit(long kib)
{
	FILE *f = fopen(TTM_ZONE "swap_limit", "w");

	if (!f || fprintf(f, "%ld", kib) < 0 || fclose(f))
		WRONG("cannot write the swap limit");
}

/* Above its limit, TTM takes the pages of buffers and hands them to shmem. */
static void swap_out(void)
{
	long limit = ttm_get("swap_limit"), before = ttm_get("used_memory");
	long want = buffers[0].fb.size / 1024, used;
	int ms;

	ttm_set_swap_limit(0);
	for (ms = 0; ms < EVENT_MS; ms += 20) {
		used = ttm_get("used_memory");
		if (before - used >= want)
			break;
		sleep_ms(20);
	}
	ttm_set_swap_limit(limit);
	if (before - used < want)
		WRONG("nothing was swapped out: %ld KiB, then %ld", before,
		      used);
	ksft_print_msg("%s: TTM used %ld KiB, after swapping out %ld\n",
		       dev->driver, before, used);
	check_all("after being swapped out");
	cycle(SETCRTC);
}

/* Pressure: what other processes do meanwhile. They return what went wrong. */

static int thrash(struct shared *s)
{
	struct kms other = kms;
	struct buffer b[3];
	unsigned int i;
	int ret;

	other.fd = drm_open_fitting(dev->driver, NULL);
	if (other.fd < 0)
		return 2;
	while (!told_to_stop(s)) {
		memset(b, 0, sizeof(b));
		for (i = 0; i < ARRAY_SIZE(b) && !*wrong; i++) {
			ret = kms_fb_init(&other, &b[i].fb);
			if (ret == -ENOMEM)
				continue;
			if (ret)
				WRONG("another process: %s", strerror(-ret));
			else
				fill(&b[i], s->count + i);
		}
		for (i = 0; i < ARRAY_SIZE(b); i++) {
			if (b[i].fb.map)
				check(&b[i], "of a process that thrashes");
			kms_fb_fini(&other, &b[i].fb);
		}
		if (*wrong)
			return 1;
		s->count++;
	}

	return 0;
}

/* Write to a buffer while it moves, and never lose a word. */
static int scribble(struct shared *s)
{
	struct buffer *b = &buffers[0];
	__u32 words = b->fb.size / 4, at = 1, *copy, i;

	copy = malloc(b->fb.size);
	if (!copy)
		return 2;
	for (i = 0; i < words; i++)
		copy[i] = pattern(b->seed, i);

	while (!told_to_stop(s)) {
		at = at * 1664525u + 1013904223u;
		i = (at >> 8) % words;
		if (b->fb.map[i] != copy[i]) {
			WRONG("a word that was written: %u is %08x, not %08x", i,
			      b->fb.map[i], copy[i]);
			return 1;
		}
		copy[i] = at;
		b->fb.map[i] = at;
		s->count++;
	}
	for (i = 0; i < words; i++) {
		if (b->fb.map[i] != copy[i]) {
			WRONG("a word that was written: in the end %u is %08x, not %08x",
			      i, b->fb.map[i], copy[i]);
			return 1;
		}
		b->fb.map[i] = pattern(b->seed, i);
	}

	return 0;
}

static long read_meminfo(const char *key)
{
	char line[128];
	long kib = 0;
	FILE *f = fopen("/proc/meminfo", "r");

	while (f && fgets(line, sizeof(line), f)) {
		if (!strncmp(line, key, strlen(key)))
			sscanf(line + strlen(key), ": %ld", &kib);
	}
	if (f)
		fclose(f);

	return kib;
}

/* Nearly all that there is, and with swap more than that. */
static int take_memory(struct shared *s)
{
	const size_t step = 64 * PAGE;
	size_t size, i;
	char *at;

	while (!told_to_stop(s)) {
		size = read_meminfo("MemAvailable");
		size += read_meminfo("SwapFree") > 128 * 1024 ? 64 * 1024 :
							   -(size / 5);
		size *= 1024;
		at = mmap(NULL, size, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (at == MAP_FAILED)
			return 2;
		for (i = 0; i < size && !told_to_stop(s); i += PAGE) {
			at[i] = 1;
			if (!(i % step))
				sched_yield();
		}
		munmap(at, size);
		s->count++;
	}

	return 0;
}

static int swap_all_the_time(struct shared *s)
{
	long limit = ttm_get("swap_limit");

	while (!told_to_stop(s) && !*wrong) {
		ttm_set_swap_limit(0);
		sleep_ms(30);
		ttm_set_swap_limit(limit);
		sleep_ms(70);
		s->count++;
	}
	ttm_set_swap_limit(limit);

	return *wrong != '\0';
}

static const struct {
	const char *name;
	int (*run)(struct shared *s);
} pressers[] = {
	{ "thrash", thrash },
	{ "scribble", scribble },
	{ "take memory", take_memory },
	{ "swap", swap_all_the_time },
};

static void press(void)
{
	struct shared *s = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
				MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	long long end = now_ms() + PRESSURE_MS;
	pid_t pids[ARRAY_SIZE(pressers)];
	static unsigned int dice = 1;
	unsigned int shown = 0, i;
	int status;

	if (s == MAP_FAILED) {
		WRONG("no shared memory");
		return;
	}
	fflush(stdout);
	for (i = 0; i < ARRAY_SIZE(pressers); i++) {
		pids[i] = fork();
		if (pids[i])
			continue;
		status = pressers[i].run(&s[i]);
		if (*wrong)
			ksft_print_msg("%s: %s\n", dev->driver, wrong);
		fflush(stdout);
		_exit(status);
	}

	nr_returned = 0;
	while ((now_ms() < end || nr_returned < NR_OUT) && !*wrong) {
		struct buffer *b;

		dice = dice * 1664525u + 1013904223u;
		b = &buffers[(dice >> 8) % nr_buffers];
		show_and_check(b, (dice >> 20) % NR_WAYS);
		if (b != buffers)	/* that one is scribbled on */
			check(b, "under pressure");
		if (!(++shown % 16)) {
			kms_setcrtc(&kms, NULL);
			kms_setcrtc(&kms, &b->fb);
		}
	}

	for (i = 0; i < ARRAY_SIZE(pressers); i++)
		__atomic_store_n(&s[i].stop, 1, __ATOMIC_RELAXED);
	ksft_print_msg("%s: shown %u, evicted and back %u", dev->driver, shown,
		       nr_returned);
	for (i = 0; i < ARRAY_SIZE(pressers); i++) {
		if (pids[i] < 0 || waitpid(pids[i], &status, 0) != pids[i] ||
		    !WIFEXITED(status) || WEXITSTATUS(status))
			WRONG("%s failed", pressers[i].name);
		if (!s[i].count)
			WRONG("%s did nothing", pressers[i].name);
		printf(", %s %u", pressers[i].name, s[i].count);
	}
	printf("\n");
	munmap(s, PAGE);
	check_all("after the pressure");
}

/* All tests of a device; what can't be done there is skipped. */
#define NR_TESTS 7

static void on_alarm(int sig)
{
	static const char text[] = "Bail out! stuck\n";

	_exit(write(STDOUT_FILENO, text, sizeof(text) - 1) > 0 ? KSFT_FAIL :
								 KSFT_FAIL);
}

static void destroy(void)
{
	unsigned int i;

	kms_setcrtc(&kms, NULL);
	for (i = 0; i < nr_buffers; i++)
		kms_fb_fini(&kms, &buffers[i].fb);
}

static void press_device(void)
{
	unsigned int i;

	for (i = 0; i < pressure_rounds; i++) {
		create();
		/* A flip needs a mode. */
		if (!*wrong)
			show_and_check(&buffers[0], SETCRTC);
		if (!*wrong)
			press();
		report("under pressure");
		destroy();
	}
}

static void test_device(void)
{
	create();
	report("more buffers than fit");
	cycle(SETCRTC);
	report("evicted, and back for a mode");
	cycle(FLIP);
	report("evicted, and back for a page flip");
	cycle(COMMIT);
	report("evicted, and back for an atomic commit");
	write_while_out();
	report("written while evicted");
	swap_out();
	report("swapped out and back");
	press();
	report("under pressure");
	destroy();
}

static bool named(const char *driver, int argc, char **argv)
{
	int i;

	for (i = 1; i < argc; i++) {
		if (!strcmp(argv[i], driver))
			return true;
	}

	return false;
}

int main(int argc, char **argv)
{
	unsigned int tests = NR_TESTS, i, t;
	int ret;

	signal(SIGALRM, on_alarm);
	ksft_print_header();
	if (argc > 2 && !strcmp(argv[1], "-p")) {
		pressure_rounds = atoi(argv[2]);
		tests = pressure_rounds;
		argc -= 2;
		argv += 2;
	}
	ksft_set_plan((argc > 1 ? argc - 1 : (int)ARRAY_SIZE(devices)) * tests);
	pagemap = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	if (pagemap < 0)
		ksft_exit_fail_msg("no /proc/self/pagemap\n");

	for (i = 0; i < ARRAY_SIZE(devices); i++) {
		dev = &devices[i];
		if (argc > 1 && !named(dev->driver, argc, argv))
			continue;
		ret = kms_open(&kms, dev->driver, dev->width, dev->height);
		if (!ret) {
			alarm(STUCK_S);
			find_vram();
			if (pressure_rounds)
				press_device();
			else
				test_device();
			alarm(0);
			close(kms.fd);
			continue;
		}
		for (t = 0; t < tests; t++) {
			if (argc > 1)
				ksft_test_result_fail("%s: no device (%d)\n",
						      dev->driver, ret);
			else
				ksft_test_result_skip("%s: no device\n",
						      dev->driver);
		}
	}

	return ksft_get_fail_cnt() ? ksft_exit_fail() : ksft_exit_pass();
}
