// SPDX-License-Identifier: GPL-2.0
/*
 * What the uverbs method for memory of dma-bufs lets through to a driver, and
 * what it says to user space otherwise.
 */

#include <linux/kernel.h>
#include <linux/slab.h>
#include <rdma/ib_verbs.h>
#include <rdma/uverbs_ioctl.h>

#include "ib-dmabuf-kunit.h"
#include "rdma_core.h"
#include "uverbs.h"

/* The driver saw it, and has an errno of its own */
#define FROM_DRIVER	(-ENOTTY)

struct uverbs_call {
	struct ib_device ibdev;
	struct ib_pd pd;
	struct ib_uobject pd_uobj;
	struct ib_uobject mr_uobj;
	int (*handler)(struct uverbs_attr_bundle *attrs);
	struct uverbs_attr_bundle *bundle;
	u64 offset, length, iova;
	int fd, access;
};

static struct uverbs_call *the_call;

static struct ib_mr *uverbs_reg(struct ib_pd *pd, u64 offset, u64 length,
				u64 virt_addr, int fd, int access,
				struct ib_udata *udata)
{
	the_call->offset = offset;
	the_call->length = length;
	the_call->iova = virt_addr;
	the_call->fd = fd;
	the_call->access = access;

	return ERR_PTR(FROM_DRIVER);
}

static struct uverbs_attr *uverbs_attr_of(struct uverbs_call *call, u16 id)
{
	u32 bkey = uapi_bkey_attr(uapi_key_attr(id));

	__set_bit(bkey, call->bundle->attr_present);

	return &call->bundle->attrs[bkey];
}

static void uverbs_set(struct uverbs_call *call, u16 id, u64 data, u16 len)
{
	struct uverbs_attr *attr = uverbs_attr_of(call, id);

	attr->ptr_attr.data = data;
	attr->ptr_attr.len = len;
}

static int uverbs_init(struct kunit *test)
{
	const struct uverbs_object_def *obj = uverbs_def_obj_mr[0].chain_obj_tree;
	struct uverbs_call *call = kunit_kzalloc(test, sizeof(*call), GFP_KERNEL);
	size_t i;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, call);
	for (i = 0; i < obj->num_methods; i++) {
		if ((*obj->methods)[i]->id == UVERBS_METHOD_REG_DMABUF_MR)
			call->handler = (*obj->methods)[i]->handler;
	}
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, call->handler);

	call->bundle = kunit_kzalloc(test,
				     struct_size(call->bundle, attrs,
						 UVERBS_API_ATTR_BKEY_LEN),
				     GFP_KERNEL);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, call->bundle);

	call->ibdev.ops.reg_user_mr_dmabuf = uverbs_reg;
	call->pd.device = &call->ibdev;
	call->pd_uobj.object = &call->pd;
	uverbs_attr_of(call, UVERBS_ATTR_REG_DMABUF_MR_PD_HANDLE)->obj_attr.uobject =
		&call->pd_uobj;
	uverbs_attr_of(call, UVERBS_ATTR_REG_DMABUF_MR_HANDLE)->obj_attr.uobject =
		&call->mr_uobj;
	the_call = call;
	test->priv = call;

	return 0;
}

static int uverbs_call(struct kunit *test, u64 offset, u64 length, u64 iova,
		       u64 access)
{
	struct uverbs_call *call = test->priv;

	uverbs_set(call, UVERBS_ATTR_REG_DMABUF_MR_OFFSET, offset, 8);
	uverbs_set(call, UVERBS_ATTR_REG_DMABUF_MR_LENGTH, length, 8);
	uverbs_set(call, UVERBS_ATTR_REG_DMABUF_MR_IOVA, iova, 8);
	uverbs_set(call, UVERBS_ATTR_REG_DMABUF_MR_FD, 42, 4);
	uverbs_set(call, UVERBS_ATTR_REG_DMABUF_MR_ACCESS_FLAGS, access, 8);
	call->fd = 0;

	return call->handler(call->bundle);
}

static void uverbs_hands_over(struct kunit *test)
{
	struct uverbs_call *call = test->priv;
	const u64 iova = 0x123456789000 + 5;

	KUNIT_EXPECT_EQ(test, FROM_DRIVER,
			uverbs_call(test, PAGE_SIZE + 5, 77, iova,
				    IB_ACCESS_REMOTE_READ));
	KUNIT_EXPECT_EQ(test, call->offset, (u64)PAGE_SIZE + 5);
	KUNIT_EXPECT_EQ(test, call->length, 77ull);
	KUNIT_EXPECT_EQ(test, call->iova, iova);
	KUNIT_EXPECT_EQ(test, call->fd, 42);
	KUNIT_EXPECT_EQ(test, call->access, (int)IB_ACCESS_REMOTE_READ);

	/* Whether there is such a file is for others to find out */
	uverbs_set(call, UVERBS_ATTR_REG_DMABUF_MR_FD, (u32)-1, 4);
	KUNIT_EXPECT_EQ(test, call->handler(call->bundle), FROM_DRIVER);
	KUNIT_EXPECT_EQ(test, call->fd, -1);
}

static void uverbs_no_driver(struct kunit *test)
{
	struct uverbs_call *call = test->priv;

	call->ibdev.ops.reg_user_mr_dmabuf = NULL;
	KUNIT_EXPECT_EQ(test, -EOPNOTSUPP,
			uverbs_call(test, 0, PAGE_SIZE, 0, 0));
	/* Even if all else is wrong, so that user space learns of it */
	KUNIT_EXPECT_EQ(test, -EOPNOTSUPP, uverbs_call(test, 0, 0, 1, -1));
}

static void uverbs_ranges(struct kunit *test)
{
#define EXPECT_RANGE(offset, length, iova, ret)				\
	KUNIT_EXPECT_EQ(test, ret, uverbs_call(test, offset, length, iova, 0))

	EXPECT_RANGE(0, PAGE_SIZE, 0, FROM_DRIVER);
	EXPECT_RANGE(1, PAGE_SIZE, PAGE_SIZE + 1, FROM_DRIVER);
	EXPECT_RANGE(0, PAGE_SIZE, (u64)-PAGE_SIZE, FROM_DRIVER);
	/* Which errno that gets depends on the file descriptor */
	EXPECT_RANGE(0, 0, 0, FROM_DRIVER);
	EXPECT_RANGE(0, 0, (u64)-PAGE_SIZE, FROM_DRIVER);

	EXPECT_RANGE(1, PAGE_SIZE, 0, -EINVAL);
	EXPECT_RANGE(0, PAGE_SIZE, 8, -EINVAL);
	EXPECT_RANGE((u64)-PAGE_SIZE, 2 * PAGE_SIZE, 0, -EINVAL);
	EXPECT_RANGE(PAGE_SIZE, U64_MAX, 0, -EINVAL);
	EXPECT_RANGE(0, PAGE_SIZE + 1, (u64)-PAGE_SIZE, -EINVAL);
	EXPECT_RANGE(0, U64_MAX, PAGE_SIZE, -EINVAL);
#undef EXPECT_RANGE
}

static void uverbs_access(struct kunit *test)
{
	struct uverbs_call *call = test->priv;
	const int lw = IB_ACCESS_LOCAL_WRITE;

#define EXPECT_ACCESS(access, ret)					\
	KUNIT_EXPECT_EQ(test, ret, uverbs_call(test, 0, PAGE_SIZE, 0, access))

	EXPECT_ACCESS(0, FROM_DRIVER);
	EXPECT_ACCESS(lw, FROM_DRIVER);
	EXPECT_ACCESS(IB_ACCESS_REMOTE_READ, FROM_DRIVER);
	EXPECT_ACCESS(lw | IB_ACCESS_REMOTE_WRITE, FROM_DRIVER);
	EXPECT_ACCESS(lw | IB_ACCESS_REMOTE_ATOMIC, FROM_DRIVER);
	EXPECT_ACCESS(IB_ACCESS_RELAXED_ORDERING, FROM_DRIVER);

	EXPECT_ACCESS(IB_ACCESS_REMOTE_WRITE, -EINVAL);
	EXPECT_ACCESS(IB_ACCESS_REMOTE_ATOMIC, -EINVAL);
	EXPECT_ACCESS(lw | IB_ACCESS_MW_BIND, -EINVAL);
	EXPECT_ACCESS(lw | IB_ZERO_BASED, -EINVAL);
	EXPECT_ACCESS(lw | IB_ACCESS_ON_DEMAND, -EINVAL);
	EXPECT_ACCESS(lw | IB_ACCESS_HUGETLB, -EINVAL);
	EXPECT_ACCESS(lw | IB_ACCESS_RELAXED_ORDERING << 1, -EINVAL);
	EXPECT_ACCESS(BIT_ULL(40), -EINVAL);
#undef EXPECT_ACCESS

	/* Left out means none */
	__clear_bit(uapi_bkey_attr(uapi_key_attr(UVERBS_ATTR_REG_DMABUF_MR_ACCESS_FLAGS)),
		    call->bundle->attr_present);
	call->access = -1;
	KUNIT_EXPECT_EQ(test, call->handler(call->bundle), FROM_DRIVER);
	KUNIT_EXPECT_EQ(test, call->access, 0);
}

static struct kunit_case uverbs_cases[] = {
	KUNIT_CASE(uverbs_hands_over),
	KUNIT_CASE(uverbs_no_driver),
	KUNIT_CASE(uverbs_ranges),
	KUNIT_CASE(uverbs_access),
	{}
};

struct kunit_suite ib_uverbs_dmabuf_suite = {
	.name = "ib-uverbs-dmabuf",
	.init = uverbs_init,
	.test_cases = uverbs_cases,
};
