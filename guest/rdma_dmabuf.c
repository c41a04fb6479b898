// SPDX-License-Identifier: GPL-2.0
/*
 * The method that registers memory of dma-bufs, as the distribution's rdma-core asks
 * for it: a device that has it, one that does not, and what is refused.
 */
#include "rdma.h"

#include <stddef.h>

#include <rdma/ib_user_ioctl_cmds.h>
#include <rdma/ib_user_ioctl_verbs.h>
#include <rdma/rdma_user_ioctl_cmds.h>

/* The request, piece by piece, so that any of them can be wrong. */
enum { HANDLE, PD, OFFSET, LENGTH, IOVA, FD, ACCESS, LKEY, RKEY, NR_ATTRS };

struct request {
	struct ib_uverbs_ioctl_hdr hdr;
	struct ib_uverbs_attr attrs[NR_ATTRS];
	__u32 lkey;
	__u32 rkey;
};

static void make_request(struct request *req, int driver, struct ibv_pd *pd,
			 int fd)
{
	static const __u16 len[NR_ATTRS] = { 0, 0, 8, 8, 8, 4, 4, 4, 4 };
	unsigned int i;

	memset(req, 0, sizeof(*req));
	req->hdr.length = offsetof(struct request, lkey);
	req->hdr.object_id = UVERBS_OBJECT_MR;
	req->hdr.method_id = UVERBS_METHOD_REG_DMABUF_MR;
	req->hdr.num_attrs = NR_ATTRS;
	req->hdr.driver_id = driver;
	for (i = 0; i < NR_ATTRS; i++) {
		req->attrs[i].attr_id = UVERBS_ATTR_REG_DMABUF_MR_HANDLE + i;
		req->attrs[i].len = len[i];
		req->attrs[i].flags = UVERBS_ATTR_F_MANDATORY;
	}
	req->attrs[PD].data = pd->handle;
	req->attrs[LENGTH].data = BUF_SIZE;
	req->attrs[FD].data = fd;
	req->attrs[LKEY].data = (uintptr_t)&req->lkey;
	req->attrs[RKEY].data = (uintptr_t)&req->rkey;
}

static int send_request(struct ibv_context *context, struct request *req)
{
	return ioctl(context->cmd_fd, RDMA_VERBS_IOCTL, &req->hdr) ? errno : 0;
}

FIXTURE(device)
{
	struct ibv_context *context;
	struct ibv_pd *pd;
	int buf;
};

FIXTURE_VARIANT(device)
{
	const char *type;
	int driver;
	int error;		/* whatever is registered, or 0 */
};

FIXTURE_VARIANT_ADD(device, rxe)
{
	.type = "rxe",
	.driver = RDMA_DRIVER_RXE,
};

FIXTURE_VARIANT_ADD(device, siw)
{
	.type = "siw",
	.driver = RDMA_DRIVER_SIW,
	.error = EOPNOTSUPP,
};

FIXTURE_SETUP(device)
{
	self->context = open_device(variant->type);
	ASSERT_NE(NULL, self->context);
	self->pd = ibv_alloc_pd(self->context);
	ASSERT_NE(NULL, self->pd);
	self->buf = buf_new(BUF_VGEM);
	ASSERT_LE(0, self->buf);
}

FIXTURE_TEARDOWN(device)
{
	EXPECT_EQ(0, close(self->buf));
	EXPECT_EQ(0, ibv_dealloc_pd(self->pd));
	EXPECT_EQ(0, ibv_close_device(self->context));
}

/* rdma-core's part for the device does not come to ask. */
TEST_F(device, library_cannot)
{
	errno = 0;
	EXPECT_EQ(NULL, ibv_reg_dmabuf_mr(self->pd, 0, BUF_SIZE, 0, self->buf,
					  ACCESS_ALL));
	EXPECT_EQ(EOPNOTSUPP, errno);
}

/* The errno of a registration, with all of it right but what the test says. */
struct reg {
	__u64 offset;
	__u64 length;
	__u64 iova;
	int fd;
	int access;
};

static int reg_error(struct ibv_pd *pd, struct reg reg)
{
	struct ibv_mr *mr = reg_dmabuf(pd, reg.offset, reg.length, reg.iova,
				       reg.fd, reg.access);

	return mr ? ibv_dereg_mr(mr) : errno;
}

#define EXPECT_REG(error_, ...)						\
	EXPECT_EQ(variant->error ?: (error_), reg_error(self->pd,	\
		  (struct reg) { .length = BUF_SIZE, .fd = self->buf,	\
				 .access = ACCESS_ALL, __VA_ARGS__ }))

TEST_F(device, registers)
{
	EXPECT_REG(0);
	EXPECT_REG(0, .access = 0);
	EXPECT_REG(0, .length = 1);
	EXPECT_REG(0, .offset = 4096, .length = BUF_SIZE - 4096);
	EXPECT_REG(0, .offset = 4097, .length = 2, .iova = (1ULL << 40) + 1);
	EXPECT_REG(0, .offset = BUF_SIZE - 1, .length = 1, .iova = 4095);
}

TEST_F(device, bad_fd)
{
	int dev_null = open("/dev/null", O_RDWR | O_CLOEXEC);
	int udmabuf = buf_new(BUF_UDMABUF);

	EXPECT_REG(EBADF, .fd = -1);
	EXPECT_REG(EBADF, .fd = 1000);
	/* So libraries find out whether there are dma-bufs at all */
	EXPECT_REG(EBADF, .fd = -1, .length = 0);
	EXPECT_REG(EINVAL, .fd = dev_null);
	/* One that the kernel can't have in one piece */
	EXPECT_REG(EOPNOTSUPP, .fd = udmabuf);
	close(dev_null);
	close(udmabuf);
}

TEST_F(device, bad_range)
{
	EXPECT_REG(EINVAL, .length = 0);
	EXPECT_REG(EINVAL, .length = BUF_SIZE + 1);
	EXPECT_REG(EINVAL, .offset = BUF_SIZE);
	EXPECT_REG(EINVAL, .offset = BUF_SIZE - 1, .iova = 4095, .length = 2);
	EXPECT_REG(EINVAL, .offset = -4096ULL);
	EXPECT_REG(EINVAL, .length = -1ULL);
	EXPECT_REG(EINVAL, .iova = -4096ULL);
	EXPECT_REG(EINVAL, .iova = 1);
	EXPECT_REG(EINVAL, .offset = 1, .length = 1);
}

TEST_F(device, bad_access)
{
	EXPECT_REG(EINVAL, .access = IBV_ACCESS_REMOTE_WRITE);
	EXPECT_REG(EINVAL, .access = IBV_ACCESS_REMOTE_ATOMIC);
	EXPECT_REG(EINVAL, .access = ACCESS_ALL | IBV_ACCESS_ON_DEMAND);
	EXPECT_REG(EINVAL, .access = ACCESS_ALL | IBV_ACCESS_HUGETLB);
	EXPECT_REG(EINVAL, .access = ACCESS_ALL | IBV_ACCESS_MW_BIND);
	EXPECT_REG(EINVAL, .access = ACCESS_ALL | IBV_ACCESS_ZERO_BASED);
	EXPECT_REG(EINVAL, .access = ~0);
}

/* Refused before the device comes into it, but for the first. */
TEST_F(device, bad_request)
{
	struct request req;

#define WITH(member, value) ({						\
	make_request(&req, variant->driver, self->pd, self->buf);	\
	req.member = (value);						\
	send_request(self->context, &req);				\
})
	EXPECT_EQ(variant->error ?: EBADF, WITH(attrs[FD].data, -1));
	EXPECT_EQ(EPROTONOSUPPORT, WITH(hdr.method_id, 99));
	EXPECT_EQ(EPROTONOSUPPORT, WITH(attrs[ACCESS].attr_id, 99));
	EXPECT_EQ(ENOENT, WITH(attrs[PD].data, 4711));
	EXPECT_EQ(EINVAL, WITH(attrs[OFFSET].len, 4));
	EXPECT_EQ(EINVAL, WITH(attrs[ACCESS].len, 2));
	EXPECT_EQ(EINVAL, WITH(attrs[FD].len, 0));
	EXPECT_EQ(EINVAL, WITH(attrs[FD].len, 8));
	EXPECT_EQ(EINVAL, WITH(attrs[RKEY].attr_id, req.attrs[LKEY].attr_id));
#undef WITH

	/* The last one is missing */
	make_request(&req, variant->driver, self->pd, self->buf);
	req.hdr.num_attrs--;
	req.hdr.length -= sizeof(req.attrs[0]);
	EXPECT_EQ(EINVAL, send_request(self->context, &req));
}

RDMA_MAIN
