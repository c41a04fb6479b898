// SPDX-License-Identifier: GPL-2.0
/*
 * What the checker of fences shows in debugfs while fences wait for each other: the
 * graph, which goes to the console for the host to have a look at, and what is late.
 */
#include "dma-buf/dmabuf_util.h"

#include "kselftest_harness.h"

#define DIR		"/sys/kernel/debug/dma_fence_check/"

/* What is in the file @name, to be freed; NULL if it can't be read */
static char *slurp(const char *name)
{
	const size_t size = 1 << 20;
	char path[128], *text = NULL;
	FILE *f;

	snprintf(path, sizeof(path), DIR "%s", name);
	f = fopen(path, "r");
	if (!f)
		return NULL;
	text = calloc(1, size);
	if (text && !fread(text, 1, size - 1, f))
		*text = '\0';
	fclose(f);

	return text;
}

/* Lines that have both @a and @b */
static int lines_with(const char *text, const char *a, const char *b)
{
	int n = 0;
	const char *end, *at;
	char line[512];

	for (; *text; text = *end ? end + 1 : end) {
		end = strchrnul(text, '\n');
		snprintf(line, sizeof(line), "%.*s", (int)(end - text), text);
		at = strstr(line, a);
		n += at && strstr(line, b);
	}

	return n;
}

FIXTURE(graph)
{
	int timelines[2];
	int fences[2];
	int merged;
};

FIXTURE_SETUP(graph)
{
	unsigned int i;

	for (i = 0; i < 2; i++) {
		self->timelines[i] = sw_timeline();
		ASSERT_LE(0, self->timelines[i]);
		self->fences[i] = sw_fence(self->timelines[i], 1);
		ASSERT_LE(0, self->fences[i]);
	}
	self->merged = sync_merge2(self->fences[0], self->fences[1]);
	ASSERT_LE(0, self->merged);
}

FIXTURE_TEARDOWN(graph)
{
	unsigned int i;

	close(self->merged);
	for (i = 0; i < 2; i++) {
		close(self->fences[i]);
		close(self->timelines[i]);
	}
}

TEST_F(graph, shows_who_waits_for_whom)
{
	char *text = slurp("graph");

	if (!text)
		SKIP(return, "the kernel has no checker of fences");
	printf("RESV-GRAPH-BEGIN\n%sRESV-GRAPH-END\n", text);
	fflush(stdout);
	EXPECT_EQ(1, lines_with(text, "label=\"dma_fence_array", "unsignaled"));
	EXPECT_EQ(2, lines_with(text, "label=\"sw_sync", "by user space"));
	EXPECT_EQ(2, lines_with(text, " -> ", ";"));
	free(text);

	sw_advance(self->timelines[0], 1);
	text = slurp("graph");
	ASSERT_NE(NULL, text);
	EXPECT_EQ(1, lines_with(text, "label=\"sw_sync", "by user space"));
	EXPECT_EQ(1, lines_with(text, " -> ", ";"));
	free(text);
}

TEST_F(graph, late_limit_can_be_changed)
{
	char *text = slurp("late");
	int limit;

	if (!text)
		SKIP(return, "the kernel has no checker of fences");
	/* They are younger than a minute */
	EXPECT_EQ(0, lines_with(text, "sw_sync", ""));
	free(text);

	limit = open("/sys/module/dma_fence_check/parameters/late_ms", O_RDWR);
	ASSERT_LE(0, limit);
	ASSERT_EQ(1, write(limit, "1", 1));
	usleep(2000);
	text = slurp("late");
	ASSERT_EQ(5, write(limit, "60000", 5));
	close(limit);
	ASSERT_NE(NULL, text);
	EXPECT_EQ(2, lines_with(text, "sw_sync:", "user space decides"));
	EXPECT_EQ(1, lines_with(text, "dma_fence_array:", "user space decides"));
	free(text);
}

TEST(reports_are_counted)
{
	static const char * const kinds[] = {
		"no-slot", "no-lock", "ignored-move", "cycle", "dropped",
		"busy-memory", "late", "signalling", "(blind)"
	};
	char *text = slurp("reports");
	unsigned int i;

	if (!text)
		SKIP(return, "the kernel has no checker of fences");
	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		EXPECT_EQ(1, lines_with(text, kinds[i], " "));
	free(text);
}

TEST_HARNESS_MAIN
