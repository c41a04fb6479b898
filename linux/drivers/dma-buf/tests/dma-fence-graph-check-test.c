// SPDX-License-Identifier: GPL-2.0
/*
 * The graph of fences of the run-time checker: cycles, fences that are late, and what
 * is shown of it. Each mistake is planted, and what comes nearest to it and is right.
 */

#include <linux/delay.h>
#include <linux/dma-fence-array.h>
#include <linux/dma-fence-chain.h>
#include <linux/kernel.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "dmabuf-kunit.h"
#include "expect-report.h"
#include "oom-inject.h"
#include "resv-fixture.h"

#define LATE_MS		20

/* Reports before the test case, and those it wanted */
static unsigned int reports_before, reports_wanted;

static int graph_init(struct kunit *test)
{
	reports_before = count_reports();
	reports_wanted = 0;
	/* Of fences of user space less is reported */
	mock_fence_by_user(false);

	return resv_fixture_init(test);
}

static void graph_exit(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, count_reports() - reports_before, reports_wanted);
	resv_fixture_exit(test);
	mock_fence_by_user(true);
}

static void expect_cycle(struct kunit *test, struct dma_fence *fence,
			 struct dma_fence *on, const char *how)
{
	char text[128];

	snprintf(text, sizeof(text), "cycle: mock:mock %llu:%llu: waits for itself%s",
		 fence->context, fence->seqno, how);
	EXPECT_REPORT(test, DMA_FENCE_CHECK_CYCLE, text,
		      dma_fence_check_edge(fence, on));
	reports_wanted++;
}

static bool reaches(struct dma_fence *from, struct dma_fence *to)
{
	struct dma_fence_node *a = dma_fence_node_get(from);
	struct dma_fence_node *b = dma_fence_node_get(to);
	bool ret = a && b && dma_fence_node_reaches(a, b);

	dma_fence_node_put(a);
	dma_fence_node_put(b);

	return ret;
}

/* An array, which takes references of its own, kept until the test case is over */
static struct dma_fence *new_array(struct kunit *test, struct dma_fence *a,
				   struct dma_fence *b, bool any)
{
	struct dma_fence **fences = kmalloc_array(2, sizeof(*fences), GFP_KERNEL);
	struct dma_fence_array *array;

	KUNIT_ASSERT_TRUE(test, fences);
	fences[0] = dma_fence_get(a);
	fences[1] = dma_fence_get(b);
	array = dma_fence_array_create(2, fences, dma_fence_context_alloc(1), 1,
				       any);
	KUNIT_ASSERT_TRUE(test, array);

	return &array->base;
}

/* A node of a chain, which takes over the reference to @prev */
static struct dma_fence *new_chain(struct kunit *test, struct dma_fence *prev,
				   struct dma_fence *fence, u64 seqno)
{
	struct dma_fence_chain *chain = kzalloc(sizeof(*chain), GFP_KERNEL);

	KUNIT_ASSERT_TRUE(test, chain);
	dma_fence_chain_init(chain, prev, dma_fence_get(fence), seqno);

	return &chain->base;
}

static void cycle_of_two(struct kunit *test)
{
	struct dma_fence *a = resv_new_fence(test), *b = resv_new_fence(test);

	dma_fence_check_edge(a, b);
	expect_cycle(test, b, a, " by way of 1 other");
	/* It was said, and is no news */
	dma_fence_check_edge(b, a);
}

static void cycle_of_three(struct kunit *test)
{
	struct dma_fence *a = resv_new_fence(test), *b = resv_new_fence(test);
	struct dma_fence *c = resv_new_fence(test);

	dma_fence_check_edge(a, b);
	dma_fence_check_edge(b, c);
	expect_cycle(test, c, a, " by way of 2 others");
}

static void cycle_of_one(struct kunit *test)
{
	struct dma_fence *a = resv_new_fence(test);

	expect_cycle(test, a, a, "");
}

/* More steps than a report has lines for */
static void cycle_of_many(struct kunit *test)
{
	struct dma_fence *first = resv_new_fence(test), *last = first, *next;
	unsigned int i;

	for (i = 1; i < 20; i++) {
		next = resv_new_fence(test);
		dma_fence_check_edge(last, next);
		last = next;
	}
	expect_cycle(test, last, first, " by way of 19 others");
}

static void cycle_through_array(struct kunit *test)
{
	struct dma_fence *a = resv_new_fence(test), *b = resv_new_fence(test);
	struct dma_fence *array = new_array(test, a, b, false);

	expect_cycle(test, b, array, " by way of 1 other");
	dma_fence_put(array);
}

/* It need not wait for the one that waits for it */
static void array_of_any_is_no_cycle(struct kunit *test)
{
	struct dma_fence *a = resv_new_fence(test), *b = resv_new_fence(test);
	struct dma_fence *array = new_array(test, a, b, true);

	dma_fence_check_edge(b, array);
	dma_fence_put(array);
}

static void cycle_through_chain(struct kunit *test)
{
	struct dma_fence *a = resv_new_fence(test), *b = resv_new_fence(test);
	struct dma_fence *first = new_chain(test, NULL, a, 1);
	struct dma_fence *second = new_chain(test, first, b, 2);

	expect_cycle(test, a, second, " by way of 2 others");
	dma_fence_put(second);
}

/* A point of a timeline doesn't wait for what comes after it */
static void chain_is_no_cycle(struct kunit *test)
{
	struct dma_fence *a = resv_new_fence(test), *b = resv_new_fence(test);
	struct dma_fence *first = new_chain(test, NULL, a, 1);
	struct dma_fence *second = new_chain(test, dma_fence_get(first), b, 2);

	dma_fence_check_edge(b, first);
	KUNIT_EXPECT_TRUE(test, reaches(second, a));
	KUNIT_EXPECT_FALSE(test, reaches(first, b));
	dma_fence_put(second);
	dma_fence_put(first);
}

static void diamond_is_no_cycle(struct kunit *test)
{
	struct dma_fence *a = resv_new_fence(test), *b = resv_new_fence(test);
	struct dma_fence *c = resv_new_fence(test), *d = resv_new_fence(test);

	dma_fence_check_edge(a, b);
	dma_fence_check_edge(a, c);
	dma_fence_check_edge(b, d);
	dma_fence_check_edge(c, d);
	dma_fence_check_edge(a, d);
	dma_fence_check_edge(b, c);
	KUNIT_EXPECT_TRUE(test, reaches(a, d));
	KUNIT_EXPECT_FALSE(test, reaches(d, a));
	KUNIT_EXPECT_FALSE(test, reaches(c, b));
}

/* What has signaled waits for nobody, and nobody for it */
static void signaled_is_no_cycle(struct kunit *test)
{
	struct dma_fence *a = resv_new_fence(test), *b = resv_new_fence(test);
	struct dma_fence *c = resv_new_fence(test);

	dma_fence_check_edge(a, b);
	dma_fence_check_edge(b, c);
	KUNIT_EXPECT_TRUE(test, reaches(a, c));
	dma_fence_signal(b);
	KUNIT_EXPECT_FALSE(test, reaches(a, c));
	dma_fence_check_edge(c, a);
	dma_fence_check_edge(b, a);
	dma_fence_check_edge(a, b);
	KUNIT_EXPECT_FALSE(test, reaches(a, b));
}

/*
 * The memory of a fence that was waited for is that of another fence now, which is
 * not to blame for it.
 */
static void recycled_memory_is_no_cycle(struct kunit *test)
{
	struct dma_fence *a = resv_new_fence(test), *old, *fresh;
	u64 context = dma_fence_context_alloc(1);
	unsigned int i, recycled = 0;

	KUNIT_ASSERT_EQ(test, mock_fence_recycling_start(), 0);
	for (i = 0; i < 1000 && recycled < 3; i++) {
		old = mock_fence_create_recycled(context, 1);
		KUNIT_ASSERT_TRUE(test, old);
		dma_fence_check_edge(a, old);
		/* One has signaled before it goes, the next has not */
		if (i % 2)
			dma_fence_signal(old);
		dma_fence_put(old);
		fresh = mock_fence_create_recycled(context, 2);
		KUNIT_ASSERT_TRUE(test, fresh);
		dma_fence_check_edge(fresh, a);
		KUNIT_EXPECT_FALSE(test, reaches(a, fresh));
		dma_fence_put(fresh);
		recycled += fresh == old;
	}
	KUNIT_EXPECT_EQ(test, recycled, 3u);
	mock_fence_recycling_stop();
}

/* A fence that is gone still passes on what it waited for */
static void cycle_through_released(struct kunit *test)
{
	struct dma_fence *a = resv_new_fence(test), *b = resv_new_fence(test);
	struct dma_fence *link = mock_fence_create(dma_fence_context_alloc(1), 1);

	KUNIT_ASSERT_TRUE(test, link);
	dma_fence_check_edge(a, link);
	dma_fence_check_edge(link, b);
	dma_fence_put(link);
	KUNIT_EXPECT_TRUE(test, reaches(a, b));
	expect_cycle(test, b, a, " by way of 2 others");
}

static unsigned int live_nodes(void)
{
	struct dma_fence_node *node;
	unsigned int n = 0;

	for (node = dma_fence_node_next(NULL); node;
	     node = dma_fence_node_next(node))
		n++;

	return n;
}

/* Nothing is left of fences that are gone, however they went */
static void released_leave_the_graph(struct kunit *test)
{
	unsigned int before = live_nodes(), i;
	struct dma_fence *fences[16];

	for (i = 0; i < ARRAY_SIZE(fences); i++) {
		fences[i] = mock_fence_create(dma_fence_context_alloc(1), 1);
		KUNIT_ASSERT_TRUE(test, fences[i]);
		if (i)
			dma_fence_check_edge(fences[i], fences[i - 1]);
	}
	KUNIT_EXPECT_EQ(test, live_nodes(), before + 16);
	/* Those in the middle stay as long as the ends do */
	for (i = 1; i < ARRAY_SIZE(fences) - 1; i++)
		dma_fence_put(fences[i]);
	KUNIT_EXPECT_EQ(test, live_nodes(), before + 16);
	KUNIT_EXPECT_TRUE(test, reaches(fences[15], fences[0]));
	dma_fence_signal(fences[0]);
	KUNIT_EXPECT_EQ(test, live_nodes(), before + 1);
	dma_fence_put(fences[0]);
	dma_fence_put(fences[15]);
	KUNIT_EXPECT_EQ(test, live_nodes(), before);

	/* Nor are they if it is the other end that goes */
	for (i = 0; i < 3; i++) {
		fences[i] = mock_fence_create(dma_fence_context_alloc(1), 1);
		KUNIT_ASSERT_TRUE(test, fences[i]);
		if (i)
			dma_fence_check_edge(fences[i], fences[i - 1]);
	}
	dma_fence_put(fences[1]);
	dma_fence_signal(fences[2]);
	KUNIT_EXPECT_EQ(test, live_nodes(), before + 1);
	dma_fence_put(fences[2]);
	dma_fence_put(fences[0]);
	KUNIT_EXPECT_EQ(test, live_nodes(), before);
}

static void node_outlives_fence(struct kunit *test)
{
	struct dma_fence *fence = mock_fence_create(dma_fence_context_alloc(1), 7);
	struct dma_fence_node *node;
	ktime_t before, done;

	KUNIT_ASSERT_TRUE(test, fence);
	node = dma_fence_node_get(fence);
	KUNIT_ASSERT_TRUE(test, node);
	KUNIT_EXPECT_FALSE(test, dma_fence_node_done(node));
	KUNIT_EXPECT_EQ(test, dma_fence_node_completed_at(node), KTIME_MAX);

	before = ktime_get();
	dma_fence_set_error(fence, -EIO);
	dma_fence_signal(fence);
	KUNIT_EXPECT_EQ(test, kref_read(&fence->refcount), 1u);
	dma_fence_put(fence);

	KUNIT_EXPECT_TRUE(test, dma_fence_node_done(node));
	done = dma_fence_node_completed_at(node);
	KUNIT_EXPECT_TRUE(test, done >= before && done <= ktime_get());
	KUNIT_EXPECT_EQ(test, node->error, -EIO);
	KUNIT_EXPECT_EQ(test, node->seqno, 7ull);
	KUNIT_EXPECT_FALSE(test, strcmp(node->driver, "mock"));
	KUNIT_EXPECT_FALSE(test, dma_fence_node_fence(node));
	dma_fence_node_put(node);
}

/* Fences that only find out when asked */
static void node_asks_fence(struct kunit *test)
{
	struct dma_fence *fence = resv_new_polled_fence(test);
	struct dma_fence_node *node = dma_fence_node_get(fence);

	KUNIT_ASSERT_TRUE(test, node);
	KUNIT_EXPECT_FALSE(test, dma_fence_node_done(node));
	mock_fence_complete(fence);
	KUNIT_EXPECT_EQ(test, dma_fence_node_completed_at(node), KTIME_MAX);
	KUNIT_EXPECT_TRUE(test, dma_fence_node_done(node));
	KUNIT_EXPECT_NE(test, dma_fence_node_completed_at(node), KTIME_MAX);
	dma_fence_node_put(node);
}

static void no_memory_is_blind(struct kunit *test)
{
	struct dma_fence *a = resv_new_fence(test), *b = resv_new_fence(test);
	unsigned int blind = dma_fence_check_blind();

	if (!IS_ENABLED(CONFIG_KPROBES)) {
		kunit_info(test, "needs CONFIG_KPROBES, nothing was tested\n");
		return;
	}

	KUNIT_ASSERT_EQ(test, oom_inject_start(), 0);
	oom_inject_arm_checker();
	dma_fence_check_edge(a, b);
	oom_inject_disarm(NULL);
	oom_inject_stop();

	KUNIT_EXPECT_GE(test, dma_fence_check_blind(), blind + 1);
	KUNIT_EXPECT_FALSE(test, reaches(a, b));
	/* It didn't see that edge, and sees the next one */
	dma_fence_check_edge(b, a);
	KUNIT_EXPECT_TRUE(test, reaches(b, a));
	dma_fence_signal(a);
	dma_fence_signal(b);
}

static void expect_late(struct kunit *test, struct dma_fence *holder,
			const char *how, struct dma_fence *held)
{
	char text[160];
	int n;

	n = snprintf(text, sizeof(text), "late: mock:mock %llu:%llu: %s",
		     holder->context, holder->seqno, how);
	if (held)
		snprintf(text + n, sizeof(text) - n, " mock:mock %llu:%llu for",
			 held->context, held->seqno);
	EXPECT_REPORT(test, DMA_FENCE_CHECK_LATE, text,
		      dma_fence_late_scan(LATE_MS));
	reports_wanted++;
}

static void publish(struct dma_fence *fence)
{
	dma_fence_node_put(dma_fence_node_get(fence));
}

/* A slow machine counts jiffies late, and sleeps for less than it was told to */
static void let_it_be_late(void)
{
	ktime_t begin = ktime_get();

	do {
		msleep(LATE_MS);
	} while (ktime_ms_delta(ktime_get(), begin) < LATE_MS);
}

/* Whatever else is in the graph by now, and however slow we are */
static void look_only_at(struct dma_fence *fence)
{
	struct dma_fence_node *node;

	for (node = dma_fence_node_next(NULL); node;
	     node = dma_fence_node_next(node))
		node->looked = node->fence != fence;
}

static void late_is_reported(struct kunit *test)
{
	struct dma_fence *fence = resv_new_fence(test);

	publish(fence);
	look_only_at(fence);
	KUNIT_EXPECT_EQ(test, dma_fence_late_scan(60 * MSEC_PER_SEC), 0u);
	let_it_be_late();
	expect_late(test, fence, "has not signaled for", NULL);
	/* Once is enough */
	let_it_be_late();
	KUNIT_EXPECT_EQ(test, dma_fence_late_scan(LATE_MS), 0u);
}

static void in_time_is_not_late(struct kunit *test)
{
	struct dma_fence *fence = resv_new_fence(test);

	publish(fence);
	look_only_at(fence);
	let_it_be_late();
	dma_fence_signal(fence);
	KUNIT_EXPECT_EQ(test, dma_fence_late_scan(LATE_MS), 0u);
}

/* The hardware is done, and nobody has looked yet */
static void unasked_is_not_late(struct kunit *test)
{
	struct dma_fence *fence = resv_new_polled_fence(test);

	publish(fence);
	look_only_at(fence);
	dma_fence_enable_sw_signaling(fence);
	KUNIT_EXPECT_EQ(test, dma_fence_late_scan(LATE_MS), 0u);
	let_it_be_late();
	WRITE_ONCE(to_mock_fence(fence)->complete, true);
	KUNIT_EXPECT_EQ(test, dma_fence_late_scan(LATE_MS), 0u);
	KUNIT_EXPECT_TRUE(test, test_bit(DMA_FENCE_FLAG_SIGNALED_BIT,
					 &fence->flags));
}

/* It signals on demand, and there was no demand; then there is */
static void late_only_if_wanted(struct kunit *test)
{
	struct dma_fence *fence = resv_new_polled_fence(test);

	publish(fence);
	look_only_at(fence);
	let_it_be_late();
	KUNIT_EXPECT_EQ(test, dma_fence_late_scan(LATE_MS), 0u);
	dma_fence_enable_sw_signaling(fence);
	KUNIT_EXPECT_EQ(test, dma_fence_late_scan(LATE_MS), 0u);
	let_it_be_late();
	expect_late(test, fence, "has not signaled for", NULL);
}

/* One waits for two, one of which has somebody to wait for */
static void late_names_the_holder(struct kunit *test)
{
	struct dma_fence *waiter = resv_new_fence(test);
	struct dma_fence *between = resv_new_fence(test);
	struct dma_fence *holder = resv_new_fence(test);
	struct dma_fence *done = resv_new_fence(test);

	publish(waiter);
	let_it_be_late();
	dma_fence_check_edge(waiter, between);
	dma_fence_check_edge(between, done);
	dma_fence_check_edge(between, holder);
	dma_fence_signal(done);
	look_only_at(waiter);
	expect_late(test, holder, "holds up", waiter);
}

/* Fences of one context signal in their order, whether or not there is an edge */
static void late_knows_contexts(struct kunit *test)
{
	u64 context = dma_fence_context_alloc(1);
	struct dma_fence *waiter = resv_new_fence(test);
	struct dma_fence *second = resv_new_fence_on(test, context, 2);
	struct dma_fence *first = resv_new_fence_on(test, context, 1);

	publish(waiter);
	let_it_be_late();
	dma_fence_check_edge(waiter, second);
	publish(first);
	look_only_at(waiter);
	expect_late(test, first, "holds up", waiter);
}

static void by_user_is_not_late(struct kunit *test)
{
	struct dma_fence *user = resv_new_fence(test);
	struct dma_fence *waiter = resv_new_fence(test);

	dma_fence_check_by_user(user);
	dma_fence_check_edge(waiter, user);
	let_it_be_late();
	look_only_at(waiter);
	KUNIT_EXPECT_EQ(test, dma_fence_late_scan(LATE_MS), 0u);
	look_only_at(user);
	KUNIT_EXPECT_EQ(test, dma_fence_late_scan(LATE_MS), 0u);
}

static char *show(struct kunit *test, bool late)
{
	struct seq_file seq = { .size = 64 * 1024 };

	/* Zeroed, with a byte to spare: what is in there ends somewhere */
	seq.buf = kunit_kzalloc(test, seq.size + 1, GFP_KERNEL);
	KUNIT_ASSERT_TRUE(test, seq.buf);
	if (late)
		dma_fence_show_late(&seq, 0);
	else
		dma_fence_show_graph(&seq);

	return seq.buf;
}

static u64 node_id(struct dma_fence *fence)
{
	struct dma_fence_node *node = dma_fence_node_get(fence);
	u64 id = node ? node->id : 0;

	dma_fence_node_put(node);

	return id;
}

/* Lines of @text with this beginning */
static unsigned int count_lines(const char *text, const char *start)
{
	unsigned int n = 0;

	for (; text; text = strchr(text, '\n')) {
		text += *text == '\n';
		n += !strncmp(text, start, strlen(start));
	}

	return n;
}

static unsigned int count_char(const char *text, char c)
{
	unsigned int n = 0;

	for (; *text; text++)
		n += *text == c;

	return n;
}

static void graph_is_shown(struct kunit *test)
{
	struct dma_fence *a = resv_new_fence(test), *b = resv_new_fence(test);
	struct dma_fence *user = resv_new_fence(test);
	char line[80], *text;

	dma_fence_check_edge(a, b);
	dma_fence_check_edge(a, user);
	dma_fence_check_by_user(user);
	text = show(test, false);

	KUNIT_EXPECT_EQ(test, count_lines(text, "digraph fences {"), 1u);
	KUNIT_EXPECT_EQ(test, count_lines(text, "}"), 1u);
	KUNIT_EXPECT_EQ(test, count_char(text, '{'), count_char(text, '}'));
	KUNIT_EXPECT_EQ(test, count_char(text, '['), count_char(text, ']'));
	KUNIT_EXPECT_EQ(test, count_char(text, '"') % 2, 0u);

	snprintf(line, sizeof(line), "\tn%llu -> n%llu;", node_id(a), node_id(b));
	KUNIT_EXPECT_EQ(test, count_lines(text, line), 1u);
	snprintf(line, sizeof(line), "\tn%llu -> n%llu;", node_id(a), node_id(user));
	KUNIT_EXPECT_EQ(test, count_lines(text, line), 1u);
	snprintf(line, sizeof(line), "\tn%llu [label=\"mock\\nmock\\n%llu:1\\nunsignaled, ",
		 node_id(b), b->context);
	KUNIT_EXPECT_EQ(test, count_lines(text, line), 1u);
	snprintf(line, sizeof(line), "\tn%llu [label=\"mock\\nmock\\n%llu:1\\nby user space, ",
		 node_id(user), user->context);
	KUNIT_EXPECT_EQ(test, count_lines(text, line), 1u);

	/* What has signaled is not in it */
	snprintf(line, sizeof(line), "\tn%llu ", node_id(b));
	dma_fence_signal(b);
	text = show(test, false);
	KUNIT_EXPECT_EQ(test, count_lines(text, line), 0u);
}

static void late_is_shown(struct kunit *test)
{
	struct dma_fence *a = resv_new_fence(test), *b = resv_new_fence(test);
	struct dma_fence *user = resv_new_fence(test);
	char line[80], *text, *at;

	dma_fence_check_edge(a, b);
	dma_fence_check_by_user(user);
	text = show(test, true);

	snprintf(line, sizeof(line), "mock:mock %llu:1, ", a->context);
	KUNIT_EXPECT_EQ(test, count_lines(text, line), 1u);
	at = strstr(text, line);
	KUNIT_ASSERT_TRUE(test, at);
	*strchrnul(at, '\n') = '\0';
	snprintf(line, sizeof(line), "; held up by mock:mock %llu:1, ", b->context);
	KUNIT_EXPECT_TRUE(test, strstr(at, line));

	text = show(test, true);
	snprintf(line, sizeof(line), "mock:mock %llu:1, ", user->context);
	at = strstr(text, line);
	KUNIT_ASSERT_TRUE(test, at);
	*strchrnul(at, '\n') = '\0';
	KUNIT_EXPECT_TRUE(test, strstr(at, "; user space decides"));
}

static struct kunit_case dma_fence_check_graph_cases[] = {
	KUNIT_CASE(cycle_of_two),
	KUNIT_CASE(cycle_of_three),
	KUNIT_CASE(cycle_of_one),
	KUNIT_CASE(cycle_of_many),
	KUNIT_CASE(cycle_through_array),
	KUNIT_CASE(array_of_any_is_no_cycle),
	KUNIT_CASE(cycle_through_chain),
	KUNIT_CASE(chain_is_no_cycle),
	KUNIT_CASE(diamond_is_no_cycle),
	KUNIT_CASE(signaled_is_no_cycle),
	KUNIT_CASE(recycled_memory_is_no_cycle),
	KUNIT_CASE(cycle_through_released),
	KUNIT_CASE(released_leave_the_graph),
	KUNIT_CASE(node_outlives_fence),
	KUNIT_CASE(node_asks_fence),
	KUNIT_CASE(no_memory_is_blind),
	KUNIT_CASE(late_is_reported),
	KUNIT_CASE(in_time_is_not_late),
	KUNIT_CASE(unasked_is_not_late),
	KUNIT_CASE(late_only_if_wanted),
	KUNIT_CASE(late_names_the_holder),
	KUNIT_CASE(late_knows_contexts),
	KUNIT_CASE(by_user_is_not_late),
	KUNIT_CASE(graph_is_shown),
	KUNIT_CASE(late_is_shown),
	{}
};

struct kunit_suite dma_fence_check_graph_suite = {
	.name = "dma-fence-check-graph",
	.init = graph_init,
	.exit = graph_exit,
	.test_cases = dma_fence_check_graph_cases,
};
