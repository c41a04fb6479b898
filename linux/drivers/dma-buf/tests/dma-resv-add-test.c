// SPDX-License-Identifier: GPL-2.0
/*
 * Which fences an object holds after fences were added: promotion, replacement
 * within a context, and room for any number of them.
 */

#include <linux/random.h>
#include <linux/slab.h>

#include "dmabuf-kunit.h"
#include "resv-fixture.h"

static void contexts_accumulate_usage(struct kunit *test, enum dma_resv_usage usage)
{
	struct dma_fence *a = resv_add_new(test, usage);
	struct dma_fence *b = resv_add_new(test, usage);
	struct dma_fence *c = resv_add_new(test, usage);

	RESV_EXPECT(test, resv_obj(test), { a, usage }, { b, usage },
		    { c, usage });
}

RESV_PER_USAGE(contexts_accumulate);

/* Adding a fence again promotes it, and never demotes it */
static void add_same_again_usage(struct kunit *test, enum dma_resv_usage usage)
{
	struct dma_fence *fences[RESV_USAGES];
	struct dma_resv *obj = resv_obj(test);
	struct resv_entry want[RESV_USAGES];
	enum dma_resv_usage first;

	for (first = 0; first < RESV_USAGES; first++) {
		fences[first] = resv_add_new(test, first);
		resv_add(test, obj, fences[first], usage);

		want[first].fence = fences[first];
		want[first].usage = usage < first ? usage : first;
	}
	resv_expect(test, obj, want, RESV_USAGES, __LINE__);
}

RESV_PER_USAGE(add_same_again);

/* A later fence takes over unless it is weaker, then both have to stay */
static void add_later_usage(struct kunit *test, enum dma_resv_usage usage)
{
	struct resv_entry want[2 * RESV_USAGES];
	struct dma_resv *obj = resv_obj(test);
	struct dma_fence *earlier, *later;
	enum dma_resv_usage first;
	unsigned int count = 0;
	u64 context;

	for (first = 0; first < RESV_USAGES; first++) {
		context = dma_fence_context_alloc(1);
		earlier = resv_new_fence_on(test, context, 5);
		later = resv_new_fence_on(test, context, 6);
		resv_add(test, obj, earlier, first);
		resv_add(test, obj, later, usage);

		want[count++] = (struct resv_entry){ later, usage };
		if (usage > first)
			want[count++] = (struct resv_entry){ earlier, first };
	}
	resv_expect(test, obj, want, count, __LINE__);
}

RESV_PER_USAGE(add_later);

/* An earlier fence is implied by what is there, unless it is stronger */
static void add_earlier_usage(struct kunit *test, enum dma_resv_usage usage)
{
	struct resv_entry want[2 * RESV_USAGES];
	struct dma_resv *obj = resv_obj(test);
	struct dma_fence *earlier, *later;
	enum dma_resv_usage first;
	unsigned int count = 0;
	u64 context;

	for (first = 0; first < RESV_USAGES; first++) {
		context = dma_fence_context_alloc(1);
		earlier = resv_new_fence_on(test, context, 5);
		later = resv_new_fence_on(test, context, 6);
		resv_add(test, obj, later, first);
		resv_add(test, obj, earlier, usage);

		want[count++] = (struct resv_entry){ later, first };
		if (usage < first)
			want[count++] = (struct resv_entry){ earlier, usage };
	}
	resv_expect(test, obj, want, count, __LINE__);
}

RESV_PER_USAGE(add_earlier);

static void same_context_fills_every_usage(struct kunit *test)
{
	u64 context = dma_fence_context_alloc(1);
	struct dma_resv *obj = resv_obj(test);
	struct dma_fence *fences[RESV_USAGES], *last;
	enum dma_resv_usage usage;

	for (usage = 0; usage < RESV_USAGES; usage++) {
		fences[usage] = resv_new_fence_on(test, context, usage + 1);
		resv_add(test, obj, fences[usage], usage);
	}
	RESV_EXPECT(test, obj, { fences[0], 0 }, { fences[1], 1 },
		    { fences[2], 2 }, { fences[3], 3 });

	/* Supersedes more than one entry at once */
	last = resv_new_fence_on(test, context, 9);
	resv_add(test, obj, last, DMA_RESV_USAGE_WRITE);
	RESV_EXPECT(test, obj, { fences[0], DMA_RESV_USAGE_KERNEL },
		    { last, DMA_RESV_USAGE_WRITE });
}

static void strongest_of_a_context_supersedes_all(struct kunit *test)
{
	u64 context = dma_fence_context_alloc(1);
	struct dma_fence *other = resv_add_new(test, DMA_RESV_USAGE_READ);
	struct dma_resv *obj = resv_obj(test);
	enum dma_resv_usage usage;
	struct dma_fence *last;

	for (usage = 0; usage < RESV_USAGES; usage++)
		resv_add(test, obj, resv_new_fence_on(test, context, usage + 1),
			 usage);
	last = resv_new_fence_on(test, context, 9);
	resv_add(test, obj, last, DMA_RESV_USAGE_KERNEL);
	RESV_EXPECT(test, obj, { last, DMA_RESV_USAGE_KERNEL },
		    { other, DMA_RESV_USAGE_READ });
}

static void stepwise_promotion_leaves_one_entry(struct kunit *test)
{
	struct dma_fence *fence = resv_new_fence(test);
	struct dma_resv *obj = resv_obj(test);

	resv_add(test, obj, fence, DMA_RESV_USAGE_BOOKKEEP);
	RESV_EXPECT(test, obj, { fence, DMA_RESV_USAGE_BOOKKEEP });
	resv_add(test, obj, fence, DMA_RESV_USAGE_READ);
	RESV_EXPECT(test, obj, { fence, DMA_RESV_USAGE_READ });
	resv_add(test, obj, fence, DMA_RESV_USAGE_WRITE);
	RESV_EXPECT(test, obj, { fence, DMA_RESV_USAGE_WRITE });
	resv_add(test, obj, fence, DMA_RESV_USAGE_KERNEL);
	RESV_EXPECT(test, obj, { fence, DMA_RESV_USAGE_KERNEL });
}

/* A promoted fence is waited for by those who did not have to before */
static void promotion_makes_weaker_query_busy(struct kunit *test)
{
	struct dma_fence *fence = resv_add_new(test, DMA_RESV_USAGE_BOOKKEEP);
	struct dma_resv *obj = resv_obj(test);

	KUNIT_EXPECT_TRUE(test,
			  dma_resv_test_signaled(obj, DMA_RESV_USAGE_READ));
	resv_add(test, obj, fence, DMA_RESV_USAGE_READ);
	KUNIT_EXPECT_FALSE(test,
			   dma_resv_test_signaled(obj, DMA_RESV_USAGE_READ));
	KUNIT_EXPECT_TRUE(test,
			  dma_resv_test_signaled(obj, DMA_RESV_USAGE_WRITE));
}

static void promotion_among_others(struct kunit *test)
{
	struct dma_fence *a = resv_add_new(test, DMA_RESV_USAGE_BOOKKEEP);
	struct dma_fence *b = resv_add_new(test, DMA_RESV_USAGE_BOOKKEEP);
	struct dma_fence *c = resv_add_new(test, DMA_RESV_USAGE_BOOKKEEP);
	struct dma_resv *obj = resv_obj(test);

	resv_add(test, obj, b, DMA_RESV_USAGE_WRITE);
	RESV_EXPECT(test, obj, { a, DMA_RESV_USAGE_BOOKKEEP },
		    { b, DMA_RESV_USAGE_WRITE }, { c, DMA_RESV_USAGE_BOOKKEEP });
	resv_add(test, obj, a, DMA_RESV_USAGE_KERNEL);
	resv_add(test, obj, c, DMA_RESV_USAGE_READ);
	RESV_EXPECT(test, obj, { a, DMA_RESV_USAGE_KERNEL },
		    { b, DMA_RESV_USAGE_WRITE }, { c, DMA_RESV_USAGE_READ });
}

/* Sequence numbers are compared as the fences say, which may wrap at 32 bits */
static void later_fence_after_wrap_around(struct kunit *test)
{
	u64 context = dma_fence_context_alloc(1);
	struct dma_fence *before, *after;
	struct dma_resv *obj = resv_obj(test);

	before = resv_new_fence_on(test, context, U32_MAX);
	after = resv_new_fence_on(test, context, 1);
	resv_add(test, obj, before, DMA_RESV_USAGE_READ);
	resv_add(test, obj, after, DMA_RESV_USAGE_READ);
	RESV_EXPECT(test, obj, { after, DMA_RESV_USAGE_READ });

	resv_add(test, obj, before, DMA_RESV_USAGE_READ);
	RESV_EXPECT(test, obj, { after, DMA_RESV_USAGE_READ });
}

/* A reference for each place that holds one, no more, and none that is left */
static void add_takes_one_reference(struct kunit *test)
{
	struct dma_fence *fence = resv_new_fence(test);
	struct dma_resv *obj = resv_obj(test);

	resv_add(test, obj, fence, DMA_RESV_USAGE_BOOKKEEP);
	KUNIT_EXPECT_EQ(test, kref_read(&fence->refcount), 2u);
	resv_add(test, obj, fence, DMA_RESV_USAGE_BOOKKEEP);
	KUNIT_EXPECT_EQ(test, kref_read(&fence->refcount), 2u);
	resv_add(test, obj, fence, DMA_RESV_USAGE_WRITE);
	KUNIT_EXPECT_EQ(test, kref_read(&fence->refcount), 2u);
	resv_add(test, obj, fence, DMA_RESV_USAGE_READ);
	KUNIT_EXPECT_EQ(test, kref_read(&fence->refcount), 2u);
}

static void superseded_fence_is_put(struct kunit *test)
{
	u64 context = dma_fence_context_alloc(1);
	struct dma_resv *obj = resv_obj(test);
	struct dma_fence *a, *b;

	a = resv_new_fence_on(test, context, 1);
	b = resv_new_fence_on(test, context, 2);
	resv_add(test, obj, a, DMA_RESV_USAGE_READ);
	resv_add(test, obj, b, DMA_RESV_USAGE_READ);
	KUNIT_EXPECT_EQ(test, kref_read(&a->refcount), 1u);
	KUNIT_EXPECT_EQ(test, kref_read(&b->refcount), 2u);
}

static void fini_puts_everything(struct kunit *test)
{
	enum dma_resv_usage usage;
	struct dma_fence *fences[RESV_USAGES];
	struct dma_resv obj;

	dma_resv_init(&obj);
	for (usage = 0; usage < RESV_USAGES; usage++) {
		fences[usage] = resv_new_fence(test);
		resv_add(test, &obj, fences[usage], usage);
	}
	dma_resv_fini(&obj);
	for (usage = 0; usage < RESV_USAGES; usage++)
		KUNIT_EXPECT_EQ(test, kref_read(&fences[usage]->refcount), 1u);
}

static void fini_of_unused_object(struct kunit *test)
{
	struct dma_resv obj;
	int ret;

	dma_resv_init(&obj);
	dma_resv_fini(&obj);

	dma_resv_init(&obj);
	resv_lock(test, &obj);
	ret = dma_resv_reserve_fences(&obj, 8);
	dma_resv_unlock(&obj);
	dma_resv_fini(&obj);
	KUNIT_EXPECT_EQ(test, ret, 0);
}

static void signaled_fence_may_be_added(struct kunit *test)
{
	struct dma_fence *fence = resv_new_fence(test);
	enum dma_resv_usage usage;

	dma_fence_signal(fence);
	for (usage = 0; usage < RESV_USAGES; usage++)
		resv_add(test, resv_obj(test), fence, usage);
	RESV_EXPECT_EMPTY(test, resv_obj(test));
}

/* A fence that has signaled must not stand for a later one that has not */
static void signaled_earlier_fence_gives_way(struct kunit *test)
{
	u64 context = dma_fence_context_alloc(1);
	struct dma_resv *obj = resv_obj(test);
	struct dma_fence *a, *b;

	a = resv_new_fence_on(test, context, 1);
	b = resv_new_fence_on(test, context, 2);
	resv_add(test, obj, a, DMA_RESV_USAGE_WRITE);
	dma_fence_signal(a);
	resv_add(test, obj, b, DMA_RESV_USAGE_READ);
	RESV_EXPECT(test, obj, { b, DMA_RESV_USAGE_READ });
}

/* One reservation is good for as many fences as it says */
static void reserve_many_then_add(struct kunit *test)
{
	struct dma_resv *obj = resv_obj(test);
	struct resv_entry want[40];
	unsigned int i;
	int ret;

	for (i = 0; i < ARRAY_SIZE(want); i++) {
		want[i].fence = resv_new_fence(test);
		want[i].usage = i % RESV_USAGES;
	}

	resv_lock(test, obj);
	ret = dma_resv_reserve_fences(obj, ARRAY_SIZE(want));
	for (i = 0; !ret && i < ARRAY_SIZE(want); i++)
		dma_resv_add_fence(obj, want[i].fence, want[i].usage);
	dma_resv_unlock(obj);

	KUNIT_ASSERT_EQ(test, ret, 0);
	resv_expect(test, obj, want, ARRAY_SIZE(want), __LINE__);
}

/* The slots are on top of what is there, however full the object is */
static void reserve_on_top_of_what_is_there(struct kunit *test)
{
	struct dma_resv *obj = resv_obj(test);
	unsigned int round, i, count = 0;
	struct resv_entry want[1 + 2 + 3 + 4 + 5 + 6 + 7 + 8 + 9];
	int ret = 0;

	for (i = 0; i < ARRAY_SIZE(want); i++)
		want[i] = (struct resv_entry){ resv_new_fence(test),
					       DMA_RESV_USAGE_READ };

	for (round = 1; !ret && round < 10; round++) {
		resv_lock(test, obj);
		ret = dma_resv_reserve_fences(obj, round);
		for (i = 0; !ret && i < round; i++, count++)
			dma_resv_add_fence(obj, want[count].fence,
					   DMA_RESV_USAGE_READ);
		dma_resv_unlock(obj);
	}
	KUNIT_ASSERT_EQ(test, ret, 0);
	resv_expect(test, obj, want, ARRAY_SIZE(want), __LINE__);
}

/* A later, larger reservation contains the earlier one */
static void reserve_again_keeps_slots(struct kunit *test)
{
	struct dma_resv *obj = resv_obj(test);
	struct resv_entry want[24];
	unsigned int i;
	int ret;

	for (i = 0; i < ARRAY_SIZE(want); i++)
		want[i] = (struct resv_entry){ resv_new_fence(test),
					       DMA_RESV_USAGE_BOOKKEEP };

	resv_lock(test, obj);
	ret = dma_resv_reserve_fences(obj, 1);
	if (!ret)
		ret = dma_resv_reserve_fences(obj, ARRAY_SIZE(want));
	if (!ret)
		ret = dma_resv_reserve_fences(obj, 1);
	for (i = 0; !ret && i < ARRAY_SIZE(want); i++)
		dma_resv_add_fence(obj, want[i].fence, want[i].usage);
	dma_resv_unlock(obj);

	KUNIT_ASSERT_EQ(test, ret, 0);
	resv_expect(test, obj, want, ARRAY_SIZE(want), __LINE__);
}

/* Growing changes the container, never the fences */
static void reserve_keeps_fences_and_usages(struct kunit *test)
{
	struct dma_resv *obj = resv_obj(test);
	enum dma_resv_usage usage;
	struct resv_entry want[RESV_USAGES];
	unsigned int slots;
	int ret = 0;

	for (usage = 0; usage < RESV_USAGES; usage++)
		want[usage] = (struct resv_entry){ resv_add_new(test, usage),
						   usage };

	for (slots = 1; !ret && slots <= 4096; slots *= 4) {
		resv_lock(test, obj);
		ret = dma_resv_reserve_fences(obj, slots);
		dma_resv_unlock(obj);
		resv_expect(test, obj, want, RESV_USAGES, __LINE__);
	}
	KUNIT_EXPECT_EQ(test, ret, 0);
}

static void growth_up_to_1500(struct kunit *test)
{
	const unsigned int max = 1500;
	struct resv_entry *want;
	unsigned int i;

	want = kunit_kzalloc(test, max * sizeof(*want), GFP_KERNEL);
	KUNIT_ASSERT_TRUE(test, want);

	for (i = 0; i < max; i++) {
		want[i].usage = i % RESV_USAGES;
		want[i].fence = resv_add_new(test, want[i].usage);
		/* At each size while it is small, and around powers of two */
		if (i < 20 || !((i + 1) & i) || !((i + 2) & (i + 1)))
			resv_expect(test, resv_obj(test), want, i + 1, __LINE__);
	}
	resv_expect(test, resv_obj(test), want, max, __LINE__);
}

/* Without anybody cleaning up, signaled fences do not pile up */
static void signaled_fences_do_not_pile_up(struct kunit *test)
{
	struct dma_fence *stays = resv_add_new(test, DMA_RESV_USAGE_READ);
	struct dma_resv *obj = resv_obj(test);
	struct dma_fence *fence;
	unsigned int i;

	for (i = 0; i < 3000; i++) {
		fence = mock_fence_create(dma_fence_context_alloc(1), 1);
		KUNIT_ASSERT_TRUE(test, fence);
		resv_add(test, obj, fence, i % RESV_USAGES);
		dma_fence_signal(fence);
		dma_fence_put(fence);
	}
	KUNIT_EXPECT_LT(test, mock_fence_live(), 100u);
	RESV_EXPECT(test, obj, { stays, DMA_RESV_USAGE_READ });
}

/* Nor is room made for what has signaled when there is none left */
static void signaled_fences_go_when_room_is_made(struct kunit *test)
{
	struct dma_fence *fences[64];
	struct dma_resv *obj = resv_obj(test);
	unsigned int i;
	int ret;

	for (i = 0; i < ARRAY_SIZE(fences); i++) {
		fences[i] = resv_add_new(test, i % RESV_USAGES);
		KUNIT_EXPECT_EQ(test, kref_read(&fences[i]->refcount), 2u);
	}
	for (i = 0; i < ARRAY_SIZE(fences); i++)
		dma_fence_signal(fences[i]);

	resv_lock(test, obj);
	ret = dma_resv_reserve_fences(obj, 1000);
	dma_resv_unlock(obj);
	KUNIT_EXPECT_EQ(test, ret, 0);
	for (i = 0; i < ARRAY_SIZE(fences); i++)
		KUNIT_EXPECT_EQ(test, kref_read(&fences[i]->refcount), 1u);
}

static void reserve_too_many(struct kunit *test, unsigned int slots)
{
	struct dma_fence *a = resv_add_new(test, DMA_RESV_USAGE_WRITE);
	struct dma_fence *b = resv_add_new(test, DMA_RESV_USAGE_BOOKKEEP);
	struct dma_resv *obj = resv_obj(test);
	struct dma_fence *c;
	int ret;

	resv_lock(test, obj);
	ret = dma_resv_reserve_fences(obj, slots);
	dma_resv_unlock(obj);
	KUNIT_EXPECT_EQ(test, ret, -ENOMEM);

	/* And the object is none the worse */
	RESV_EXPECT(test, obj, { a, DMA_RESV_USAGE_WRITE },
		    { b, DMA_RESV_USAGE_BOOKKEEP });
	c = resv_add_new(test, DMA_RESV_USAGE_READ);
	RESV_EXPECT(test, obj, { a, DMA_RESV_USAGE_WRITE },
		    { b, DMA_RESV_USAGE_BOOKKEEP }, { c, DMA_RESV_USAGE_READ });
}

static void reserve_65536_fails(struct kunit *test)
{
	reserve_too_many(test, 65536);
}

/* Does not fit on top of the two that are there, although it would alone */
static void reserve_65535_on_top_fails(struct kunit *test)
{
	reserve_too_many(test, 65535);
}

static void reserve_int_max_fails(struct kunit *test)
{
	reserve_too_many(test, INT_MAX);
}

/* Two more than what is there wraps around to nothing */
static void reserve_wrapping_around_fails(struct kunit *test)
{
	reserve_too_many(test, UINT_MAX - 1);
}

static void reserve_uint_max_fails(struct kunit *test)
{
	reserve_too_many(test, UINT_MAX);
}

/*
 * The same rules once more, as a program of its own that is compared with the
 * object after each of many random steps.
 */
#define MODEL_CONTEXTS	5

struct model {
	u64 contexts;
	u64 signaled[MODEL_CONTEXTS];
	unsigned int count;
	struct resv_entry entries[MODEL_CONTEXTS * RESV_USAGES];
};

static void model_drop(struct model *model, unsigned int i)
{
	model->entries[i] = model->entries[--model->count];
}

static void model_add(struct model *model, struct dma_fence *fence,
		      enum dma_resv_usage usage)
{
	struct resv_entry *old;
	unsigned int i;

	for (i = 0; i < model->count; i++) {
		old = &model->entries[i];
		if (old->fence->context == fence->context &&
		    old->fence->seqno >= fence->seqno && old->usage <= usage)
			return;
	}

	for (i = model->count; i--;) {
		old = &model->entries[i];
		if (old->fence->context == fence->context &&
		    old->fence->seqno <= fence->seqno && old->usage >= usage)
			model_drop(model, i);
	}
	model->entries[model->count++] = (struct resv_entry){ fence, usage };
}

static void model_replace(struct model *model, u64 context,
			  struct dma_fence *fence, enum dma_resv_usage usage)
{
	bool found = false;
	unsigned int i;

	for (i = model->count; i--;) {
		if (model->entries[i].fence->context == context) {
			usage = min(usage, model->entries[i].usage);
			model_drop(model, i);
			found = true;
		}
	}
	if (found)
		model_add(model, fence, usage);
}

/* The fences of a context signal in order */
static void model_signal(struct model *model, struct dma_fence *last)
{
	struct dma_fence *fence;
	unsigned int i;

	model->signaled[last->context - model->contexts] = last->seqno;
	for (i = model->count; i--;) {
		fence = model->entries[i].fence;
		if (fence->context == last->context &&
		    fence->seqno <= last->seqno) {
			dma_fence_signal(fence);
			model_drop(model, i);
		}
	}
}

static struct dma_fence *model_fence(struct kunit *test, struct model *model,
				     unsigned int step, u32 dice)
{
	unsigned int timeline = (dice >> 16) % MODEL_CONTEXTS;
	u64 seqno = 1000 + 32 * step - 31 * (dice >> 28);

	/* An old acquaintance, or one that need not be the latest */
	if (model->count && dice & 0x80)
		return model->entries[(dice >> 20) % model->count].fence;
	if (seqno <= model->signaled[timeline])
		seqno = 1000 + 32 * step;

	return resv_new_fence_on(test, model->contexts + timeline, seqno);
}

static void model_step(struct kunit *test, struct model *model,
		       unsigned int step, u32 dice)
{
	struct dma_fence *fence = model_fence(test, model, step, dice);
	enum dma_resv_usage usage = (dice >> 8) % RESV_USAGES;
	u64 context = fence->context;

	switch (dice % 8) {
	case 0:
		model_signal(model, fence);
		break;
	case 1:
		fence = resv_new_fence_on(test, context, 1016 + 32 * step);
		resv_replace(test, resv_obj(test), context, fence, usage);
		model_replace(model, context, fence, usage);
		break;
	default:
		resv_add(test, resv_obj(test), fence, usage);
		model_add(model, fence, usage);
	}
}

static void random_steps_match_model(struct kunit *test)
{
	struct rnd_state random;
	struct model *model;
	unsigned int step;

	model = kunit_kzalloc(test, sizeof(*model), GFP_KERNEL);
	KUNIT_ASSERT_TRUE(test, model);
	model->contexts = dma_fence_context_alloc(MODEL_CONTEXTS);
	prandom_seed_state(&random, 20210510);

	for (step = 1; step <= 2000; step++) {
		model_step(test, model, step, prandom_u32_state(&random));
		resv_expect(test, resv_obj(test), model->entries, model->count,
			    __LINE__);
		if (!READ_ONCE(test->success)) {
			kunit_err(test, "differs at step %u\n", step);
			return;
		}
	}
}

/*
 * An object that is in use does not keep what has signaled, though it never has as
 * many fences again as it had once.
 */
static void signaled_go_while_others_come(struct kunit *test)
{
	struct dma_fence *fences[40], *busy[RESV_USAGES], *last;
	struct dma_resv *obj = resv_obj(test);
	unsigned int i, kept = 0;

	for (i = 0; i < ARRAY_SIZE(fences); i++)
		fences[i] = resv_add_new(test, i % RESV_USAGES);
	for (i = 0; i < RESV_USAGES; i++)
		busy[i] = resv_add_new(test, i);
	last = resv_add_new(test, DMA_RESV_USAGE_READ);
	for (i = 0; i < ARRAY_SIZE(fences); i++)
		dma_fence_signal(fences[i]);

	for (i = 2; i < 10 * ARRAY_SIZE(fences); i++) {
		last = resv_new_fence_on(test, last->context, i);
		resv_add(test, obj, last, DMA_RESV_USAGE_READ);
	}

	for (i = 0; i < ARRAY_SIZE(fences); i++)
		kept += kref_read(&fences[i]->refcount) > 1;
	KUNIT_EXPECT_EQ(test, kept, 0u);
	RESV_EXPECT(test, obj, { busy[0], 0 }, { busy[1], 1 }, { busy[2], 2 },
		    { busy[3], 3 }, { last, DMA_RESV_USAGE_READ });
}

static struct kunit_case dma_resv_add_cases[] = {
	KUNIT_CASE(contexts_accumulate_kernel),
	KUNIT_CASE(contexts_accumulate_write),
	KUNIT_CASE(contexts_accumulate_read),
	KUNIT_CASE(contexts_accumulate_bookkeep),
	KUNIT_CASE(add_same_again_kernel),
	KUNIT_CASE(add_same_again_write),
	KUNIT_CASE(add_same_again_read),
	KUNIT_CASE(add_same_again_bookkeep),
	KUNIT_CASE(add_later_kernel),
	KUNIT_CASE(add_later_write),
	KUNIT_CASE(add_later_read),
	KUNIT_CASE(add_later_bookkeep),
	KUNIT_CASE(add_earlier_kernel),
	KUNIT_CASE(add_earlier_write),
	KUNIT_CASE(add_earlier_read),
	KUNIT_CASE(add_earlier_bookkeep),
	KUNIT_CASE(same_context_fills_every_usage),
	KUNIT_CASE(strongest_of_a_context_supersedes_all),
	KUNIT_CASE(stepwise_promotion_leaves_one_entry),
	KUNIT_CASE(promotion_makes_weaker_query_busy),
	KUNIT_CASE(promotion_among_others),
	KUNIT_CASE(later_fence_after_wrap_around),
	KUNIT_CASE(add_takes_one_reference),
	KUNIT_CASE(superseded_fence_is_put),
	KUNIT_CASE(fini_puts_everything),
	KUNIT_CASE(fini_of_unused_object),
	KUNIT_CASE(signaled_fence_may_be_added),
	KUNIT_CASE(signaled_earlier_fence_gives_way),
	KUNIT_CASE(reserve_many_then_add),
	KUNIT_CASE(reserve_on_top_of_what_is_there),
	KUNIT_CASE(reserve_again_keeps_slots),
	KUNIT_CASE(reserve_keeps_fences_and_usages),
	KUNIT_CASE(growth_up_to_1500),
	KUNIT_CASE(signaled_fences_do_not_pile_up),
	KUNIT_CASE(signaled_fences_go_when_room_is_made),
	KUNIT_CASE(reserve_65536_fails),
	KUNIT_CASE(reserve_65535_on_top_fails),
	KUNIT_CASE(reserve_int_max_fails),
	KUNIT_CASE(reserve_wrapping_around_fails),
	KUNIT_CASE(reserve_uint_max_fails),
	KUNIT_CASE(random_steps_match_model),
	KUNIT_CASE(signaled_go_while_others_come),
	{}
};

struct kunit_suite dma_resv_add_suite = {
	.name = "dma-resv-add",
	.init = resv_fixture_init,
	.exit = resv_fixture_exit,
	.test_cases = dma_resv_add_cases,
};
