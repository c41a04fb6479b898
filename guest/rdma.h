/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the tests of RDMA share: software devices on a network device of their own,
 * and rdma-core's registration of dma-bufs.
 *
 * They are built with the distribution's headers and not with the kernel's, so the
 * numbers of the method and of its attributes are those that others know.
 */
#ifndef _GUEST_RDMA_H
#define _GUEST_RDMA_H

#include "kselftest_harness.h"

#include "dma-buf/dmabuf_util.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <sys/socket.h>

#include <infiniband/verbs.h>
#include <linux/netlink.h>
#include <rdma/rdma_netlink.h>

#define NETDEV	"dummy0"
#define ADDRESS	"10.0.0.1"

#define ACCESS_ALL (IBV_ACCESS_LOCAL_WRITE | IBV_ACCESS_REMOTE_WRITE |	\
		    IBV_ACCESS_REMOTE_READ | IBV_ACCESS_REMOTE_ATOMIC)

/*
 * What rdma-core's part for a NIC calls. It makes the request, and is in the library
 * for every part, also where ibv_reg_dmabuf_mr() does not come to it. It returns a
 * positive errno.
 */
struct verbs_mr {
	struct ibv_mr mr;
	__u64 more[8];		/* the library's */
};

int ibv_cmd_reg_dmabuf_mr(struct ibv_pd *pd, uint64_t offset, size_t length,
			  uint64_t iova, int fd, int access,
			  struct verbs_mr *mr);

/* To be given back with ibv_dereg_mr(), which frees it. NULL and errno on error */
static inline struct ibv_mr *reg_dmabuf(struct ibv_pd *pd, __u64 offset,
					size_t length, __u64 iova, int fd,
					int access)
{
	struct verbs_mr *mr = calloc(1, sizeof(*mr));

	if (!mr)
		return NULL;
	errno = ibv_cmd_reg_dmabuf_mr(pd, offset, length, iova, fd, access, mr);
	if (!errno)
		return &mr->mr;
	free(mr);

	return NULL;
}

static inline struct ibv_context *open_device(const char *name)
{
	struct ibv_device **list = ibv_get_device_list(NULL);
	struct ibv_context *context = NULL;
	unsigned int i;

	for (i = 0; list && list[i]; i++) {
		if (!strcmp(ibv_get_device_name(list[i]), name))
			context = ibv_open_device(list[i]);
	}
	if (list)
		ibv_free_device_list(list);

	return context;
}

static inline void put_attr(struct nlmsghdr *msg, int type, const char *text)
{
	struct nlattr *attr = (void *)((char *)msg + msg->nlmsg_len);
	size_t len = strlen(text) + 1;

	attr->nla_type = type;
	attr->nla_len = NLA_HDRLEN + len;
	memcpy(attr + 1, text, len);
	msg->nlmsg_len += NLA_ALIGN(attr->nla_len);
}

/* rdma link add TYPE type TYPE netdev NETDEV */
static inline int add_device(const char *type)
{
	struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	union {
		struct nlmsghdr msg;
		char room[512];
	} u = { .msg = {
		.nlmsg_len = NLMSG_HDRLEN,
		.nlmsg_type = RDMA_NL_GET_TYPE(RDMA_NL_NLDEV,
					       RDMA_NLDEV_CMD_NEWLINK),
		.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK,
	} };
	struct nlmsgerr *err = NLMSG_DATA(&u.msg);
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_RDMA);
	int ret = -EPROTO;

	if (fd < 0)
		return -errno;
	put_attr(&u.msg, RDMA_NLDEV_ATTR_DEV_NAME, type);
	put_attr(&u.msg, RDMA_NLDEV_ATTR_LINK_TYPE, type);
	put_attr(&u.msg, RDMA_NLDEV_ATTR_NDEV_NAME, NETDEV);
	if (sendto(fd, &u, u.msg.nlmsg_len, 0, (void *)&kernel,
		   sizeof(kernel)) < 0 || recv(fd, &u, sizeof(u), 0) < 0)
		ret = -errno;
	else if (u.msg.nlmsg_type == NLMSG_ERROR)
		ret = err->error;
	close(fd);

	return ret == -EEXIST ? 0 : ret;
}

static inline int link_up(const char *netdev, const char *address)
{
	struct ifreq req = { 0 };
	struct sockaddr_in *in = (void *)&req.ifr_addr;
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), ret = 0;

	if (fd < 0)
		return -errno;
	strcpy(req.ifr_name, netdev);
	in->sin_family = AF_INET;
	in->sin_addr.s_addr = inet_addr(address);
	if (ioctl(fd, SIOCSIFADDR, &req))
		ret = -errno;
	req.ifr_flags = IFF_UP;
	if (!ret && ioctl(fd, SIOCSIFFLAGS, &req))
		ret = -errno;
	close(fd);

	return ret;
}

static inline int add_devices(void)
{
	static const char *const types[] = { "rxe", "siw" };
	int ret = link_up(NETDEV, ADDRESS);
	unsigned int i;

	for (i = 0; !ret && i < 2; i++) {
		ret = add_device(types[i]);
		if (ret)
			printf("# %s: %s\n", types[i], strerror(-ret));
	}

	return ret;
}

/* The devices are there before any test is. */
#define RDMA_MAIN int main(int argc, char **argv)			\
{									\
	return add_devices() ? 1 : test_harness_run(argc, argv);	\
}

#endif /* _GUEST_RDMA_H */
