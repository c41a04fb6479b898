// SPDX-License-Identifier: GPL-2.0
/*
 * Two processes, each with a device, a queue pair and dma-bufs of its own: what one
 * writes and reads through RDMA is what the other has there. And which fences of a
 * buffer its registration waits for.
 */
#include "rdma.h"

#include <pthread.h>
#include <sys/wait.h>

#include "mover/resv_mover.h"

#define HELD_MS		300
#define DONE_MS		20000
#define IOVA		(1ULL << 40)

/* Not the whole buffer, and neither end at a page */
#define FIRST		1000
#define LENGTH		(BUF_SIZE - 3000)

/* What one process tells the other. */
struct side {
	union ibv_gid gid;
	__u32 qpn;
	__u32 rkey;
};

struct end {
	struct ibv_context *context;
	struct ibv_pd *pd;
	struct ibv_cq *cq;
	struct ibv_qp *qp;
	struct ibv_mr *mr;
	int buf;
	unsigned char *mem;
	int gid_index;
	struct side peer;
};

/* The address comes to the device a while after it came to the network. */
static int find_gid(struct end *end, union ibv_gid *gid)
{
	union ibv_gid want = { 0 };
	long long limit = now_ms() + DONE_MS;
	int i;

	want.raw[10] = 0xff;
	want.raw[11] = 0xff;
	inet_pton(AF_INET, ADDRESS, want.raw + 12);
	for (i = 0;; i = (i + 1) % 16) {
		if (!ibv_query_gid(end->context, 1, i, gid) &&
		    !memcmp(gid, &want, sizeof(want)))
			return i;
		if (now_ms() > limit)
			return -1;
	}
}

static bool end_init(struct end *end, struct side *self, int buf, int access)
{
	struct ibv_qp_init_attr qp = {
		.qp_type = IBV_QPT_RC,
		.sq_sig_all = 1,
		.cap = {
			.max_send_wr = 4,
			.max_recv_wr = 4,
			.max_send_sge = 1,
			.max_recv_sge = 1,
		},
	};

	end->context = open_device("rxe");
	if (!end->context)
		return false;
	end->gid_index = find_gid(end, &self->gid);
	end->buf = buf;
	end->mem = mmap(NULL, BUF_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED,
			buf, 0);
	end->pd = ibv_alloc_pd(end->context);
	end->cq = ibv_create_cq(end->context, 4, NULL, NULL, 0);
	if (end->gid_index < 0 || end->mem == MAP_FAILED || !end->pd || !end->cq)
		return false;

	qp.send_cq = end->cq;
	qp.recv_cq = end->cq;
	end->qp = ibv_create_qp(end->pd, &qp);
	end->mr = reg_dmabuf(end->pd, FIRST, LENGTH, IOVA + FIRST, buf, access);
	if (!end->qp || !end->mr)
		return false;
	self->qpn = end->qp->qp_num;
	self->rkey = end->mr->rkey;

	return true;
}

static bool end_connect(struct end *end)
{
	struct ibv_qp_attr attr = {
		.port_num = 1,
		.qp_access_flags = ACCESS_ALL,
		.path_mtu = IBV_MTU_1024,
		.dest_qp_num = end->peer.qpn,
		.max_dest_rd_atomic = 1,
		.max_rd_atomic = 1,
		.min_rnr_timer = 12,
		/* Half a second, seven times */
		.timeout = 17,
		.retry_cnt = 6,
		.rnr_retry = 7,
		.ah_attr = {
			.is_global = 1,
			.port_num = 1,
			.grh = {
				.dgid = end->peer.gid,
				.sgid_index = end->gid_index,
				.hop_limit = 1,
			},
		},
	};

	attr.qp_state = IBV_QPS_INIT;
	if (ibv_modify_qp(end->qp, &attr, IBV_QP_STATE | IBV_QP_PKEY_INDEX |
			  IBV_QP_PORT | IBV_QP_ACCESS_FLAGS))
		return false;
	attr.qp_state = IBV_QPS_RTR;
	if (ibv_modify_qp(end->qp, &attr, IBV_QP_STATE | IBV_QP_AV |
			  IBV_QP_PATH_MTU | IBV_QP_DEST_QPN | IBV_QP_RQ_PSN |
			  IBV_QP_MAX_DEST_RD_ATOMIC | IBV_QP_MIN_RNR_TIMER))
		return false;
	attr.qp_state = IBV_QPS_RTS;
	return !ibv_modify_qp(end->qp, &attr, IBV_QP_STATE | IBV_QP_TIMEOUT |
			      IBV_QP_RETRY_CNT | IBV_QP_RNR_RETRY |
			      IBV_QP_SQ_PSN | IBV_QP_MAX_QP_RD_ATOMIC);
}

static void end_fini(struct end *end)
{
	ibv_destroy_qp(end->qp);
	if (end->mr)
		ibv_dereg_mr(end->mr);
	ibv_destroy_cq(end->cq);
	ibv_dealloc_pd(end->pd);
	ibv_close_device(end->context);
	munmap(end->mem, BUF_SIZE);
	close(end->buf);
}

/* How what was posted ended, or -1 */
static int await(struct end *end)
{
	long long limit = now_ms() + DONE_MS;
	struct ibv_wc wc;

	while (now_ms() < limit) {
		if (ibv_poll_cq(end->cq, 1, &wc) == 1)
			return wc.status;
	}

	return -1;
}

/* From or to the same place of the peer's buffer; how it ended, or -1 */
static int transfer(struct end *end, enum ibv_wr_opcode opcode,
		    unsigned int from, unsigned int length)
{
	struct ibv_sge sge = {
		.addr = IOVA + from,
		.length = length,
		.lkey = end->mr->lkey,
	};
	struct ibv_send_wr wr = {
		.sg_list = &sge,
		.num_sge = 1,
		.opcode = opcode,
		.wr.rdma = {
			.remote_addr = IOVA + from,
			.rkey = end->peer.rkey,
		},
	}, *bad;

	return ibv_post_send(end->qp, &wr, &bad) ? -1 : await(end);
}

/* Adds to the first of the peer's bytes. How long it takes to ask for that, or -1 */
static long long post_add(struct end *end)
{
	struct ibv_sge sge = {
		.addr = IOVA + FIRST,
		.length = sizeof(__u64),
		.lkey = end->mr->lkey,
	};
	struct ibv_send_wr wr = {
		.sg_list = &sge,
		.num_sge = 1,
		.opcode = IBV_WR_ATOMIC_FETCH_AND_ADD,
		.wr.atomic = {
			.remote_addr = IOVA + FIRST,
			.rkey = end->peer.rkey,
			.compare_add = 1,
		},
	}, *bad;
	long long start = now_ms();

	return ibv_post_send(end->qp, &wr, &bad) ? -1 : now_ms() - start;
}

/* rxe has no answer for what it refuses, so the peer asks until it has enough. */
static bool refused(int status)
{
	return status == IBV_WC_REM_ACCESS_ERR ||
	       status == IBV_WC_RETRY_EXC_ERR;
}

/* What process @who has at @i of its buffer in round @round. */
static unsigned char pattern(int who, int round, unsigned int i)
{
	return i * 7 + i / 251 + who * 31 + round * 101 + 1;
}

static void cpu_access(struct end *end, __u64 flags)
{
	struct dma_buf_sync sync = { .flags = flags | DMA_BUF_SYNC_RW };

	xioctl(end->buf, DMA_BUF_IOCTL_SYNC, &sync);
}

static void fill(struct end *end, int who, int round)
{
	unsigned int i;

	cpu_access(end, DMA_BUF_SYNC_START);
	for (i = 0; i < BUF_SIZE; i++)
		end->mem[i] = pattern(who, round, i);
	cpu_access(end, DMA_BUF_SYNC_END);
}

/* The place of the first byte that is not @from's inside and @who's outside. */
static int differs(struct end *end, int who, int from, int round)
{
	int i;
	bool inside;

	cpu_access(end, DMA_BUF_SYNC_START);
	for (i = 0; i < BUF_SIZE; i++) {
		inside = i >= FIRST && i < FIRST + LENGTH;
		if (end->mem[i] != pattern(inside ? from : who, round, i))
			break;
	}
	cpu_access(end, DMA_BUF_SYNC_END);

	return i;
}

enum { PARENT, CHILD };
enum {
	COMPARE = 'c',
	FILL = 'f',
	REVOKE = 'r',
	LEND = 'l',
	TAKE_BACK = 't',
	QUIT = 'q',
};

static int mover_buf(int mover)
{
	struct resv_mover_create create = { .pages = BUF_SIZE / 4096 };

	return xioctl(mover, RESV_MOVER_CREATE, &create) ?: create.fd;
}

/* Another one of the child's, which takes its time to be let go of */
static struct ibv_mr *lend(struct end *end)
{
	int mover = open("/dev/resv-mover", O_RDWR | O_CLOEXEC);
	int buf = mover_buf(mover);
	struct ibv_mr *mr = reg_dmabuf(end->pd, 0, BUF_SIZE, IOVA, buf,
				       IBV_ACCESS_REMOTE_READ);

	close(buf);
	close(mover);

	return mr;
}

static bool unmapping_takes(int ms)
{
	int fd = open("/sys/module/resv_mover/parameters/unmap_ms",
		      O_WRONLY | O_CLOEXEC);
	int len = dprintf(fd, "%d", ms);

	close(fd);

	return len > 0;
}

/* The process at the other end does what it is told, and says how it went. */
static void child_runs(int sock, enum buf_kind kind, int access)
{
	struct ibv_mr *lent = NULL;
	struct end end = { 0 };
	struct side self;
	int round = 0, result = 0;
	char command;

	if (!end_init(&end, &self, buf_new(kind), access) ||
	    write(sock, &self, sizeof(self)) != sizeof(self) ||
	    read(sock, &end.peer, sizeof(end.peer)) != sizeof(end.peer) ||
	    !end_connect(&end))
		_exit(1);
	fill(&end, CHILD, round);
	for (;;) {
		if (write(sock, &result, sizeof(result)) != sizeof(result) ||
		    read(sock, &command, 1) != 1)
			_exit(1);
		switch (command) {
		case COMPARE:
			result = differs(&end, CHILD, PARENT, round);
			break;
		case FILL:
			fill(&end, CHILD, ++round);
			break;
		case REVOKE:
			result = ibv_dereg_mr(end.mr);
			end.mr = NULL;
			break;
		case LEND:
			lent = lend(&end);
			result = lent ? lent->rkey : 0;
			break;
		case TAKE_BACK:
			result = ibv_dereg_mr(lent);
			break;
		case QUIT:
			end_fini(&end);
			_exit(0);
		}
	}
}

FIXTURE(pair)
{
	struct end end;
	pid_t child;
	int sock;
};

FIXTURE_VARIANT(pair)
{
	int access;	/* of what the child registers */
};

FIXTURE_VARIANT_ADD(pair, read_write)
{
	.access = ACCESS_ALL,
};

FIXTURE_VARIANT_ADD(pair, read_only)
{
	.access = IBV_ACCESS_REMOTE_READ,
};

/* Tells the child, and returns what it says. */
static int tell(FIXTURE_DATA(pair) *self, char command)
{
	int result = -1;

	if (command && write(self->sock, &command, 1) != 1)
		return -1;
	if (read(self->sock, &result, sizeof(result)) != sizeof(result))
		return -1;

	return result;
}

FIXTURE_SETUP(pair)
{
	const ssize_t len = sizeof(struct side);
	struct side mine;
	int sock[2];

	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM, 0, sock));
	self->child = fork();
	ASSERT_LE(0, self->child);
	if (!self->child) {
		close(sock[0]);
		child_runs(sock[1], BUF_VGEM, variant->access);
	}
	close(sock[1]);
	self->sock = sock[0];

	memset(&self->end, 0, sizeof(self->end));
	ASSERT_TRUE(end_init(&self->end, &mine, buf_new(BUF_VGEM), ACCESS_ALL));
	ASSERT_EQ(len, write(self->sock, &mine, len));
	ASSERT_EQ(len, read(self->sock, &self->end.peer, len));
	ASSERT_TRUE(end_connect(&self->end));
	ASSERT_EQ(0, tell(self, 0));
	fill(&self->end, PARENT, 0);
}

FIXTURE_TEARDOWN(pair)
{
	char quit = QUIT;
	int status;

	EXPECT_EQ(1, write(self->sock, &quit, 1));
	EXPECT_EQ(self->child, waitpid(self->child, &status, 0));
	EXPECT_EQ(0, status);
	end_fini(&self->end);
	close(self->sock);
}

TEST_F(pair, write)
{
	int status;

	EXPECT_EQ(FIRST, tell(self, COMPARE));
	status = transfer(&self->end, IBV_WR_RDMA_WRITE, FIRST, LENGTH);
	if (variant->access & IBV_ACCESS_REMOTE_WRITE) {
		EXPECT_EQ(IBV_WC_SUCCESS, status);
		EXPECT_EQ(BUF_SIZE, tell(self, COMPARE));
	} else {
		EXPECT_TRUE(refused(status));
		EXPECT_EQ(FIRST, tell(self, COMPARE));
	}
}

TEST_F(pair, read)
{
	EXPECT_EQ(FIRST, differs(&self->end, PARENT, CHILD, 0));
	EXPECT_EQ(IBV_WC_SUCCESS,
		  transfer(&self->end, IBV_WR_RDMA_READ, FIRST, LENGTH));
	EXPECT_EQ(BUF_SIZE, differs(&self->end, PARENT, CHILD, 0));

	/* What is new there comes over as well */
	EXPECT_EQ(0, tell(self, FILL));
	fill(&self->end, PARENT, 1);
	EXPECT_EQ(IBV_WC_SUCCESS,
		  transfer(&self->end, IBV_WR_RDMA_READ, FIRST, LENGTH));
	EXPECT_EQ(BUF_SIZE, differs(&self->end, PARENT, CHILD, 1));
}

TEST_F(pair, beyond_the_end)
{
	EXPECT_TRUE(refused(transfer(&self->end, IBV_WR_RDMA_READ, FIRST,
				     LENGTH + 1)));
	EXPECT_EQ(BUF_SIZE, differs(&self->end, PARENT, PARENT, 0));
}

TEST_F(pair, before_the_begin)
{
	EXPECT_TRUE(refused(transfer(&self->end, IBV_WR_RDMA_READ, FIRST - 1,
				     LENGTH)));
	EXPECT_EQ(BUF_SIZE, differs(&self->end, PARENT, PARENT, 0));
}

TEST_F(pair, deregistered)
{
	EXPECT_EQ(0, tell(self, REVOKE));
	EXPECT_TRUE(refused(transfer(&self->end, IBV_WR_RDMA_READ, FIRST,
				     LENGTH)));
	EXPECT_EQ(BUF_SIZE, differs(&self->end, PARENT, PARENT, 0));
}

/*
 * The peer's queue pair keeps what it served a read from, and lets go of it when
 * there is something else to serve. That may be in the call of who asks for it.
 */
TEST_F(pair, asking_takes_no_time)
{
	__u32 rkey = self->end.peer.rkey;
	long long took;

	if (!(variant->access & IBV_ACCESS_REMOTE_ATOMIC))
		return;

	self->end.peer.rkey = tell(self, LEND);
	ASSERT_NE(0, self->end.peer.rkey);
	EXPECT_EQ(IBV_WC_SUCCESS,
		  transfer(&self->end, IBV_WR_RDMA_READ, FIRST, LENGTH));
	EXPECT_EQ(0, tell(self, TAKE_BACK));
	self->end.peer.rkey = rkey;

	ASSERT_TRUE(unmapping_takes(HELD_MS * 10));
	took = post_add(&self->end);
	EXPECT_TRUE(unmapping_takes(0));
	EXPECT_LE(0, took);
	EXPECT_GT(HELD_MS * 10, took);
	EXPECT_EQ(IBV_WC_SUCCESS, await(&self->end));
}

/* Registration, and the fences that it finds. */
FIXTURE(fences)
{
	struct ibv_context *context;
	struct ibv_pd *pd;
	struct ibv_mr *mr;
	int mover;
	int buf;
	int gate;
	int done[2];
};

FIXTURE_SETUP(fences)
{
	self->mr = NULL;
	self->context = open_device("rxe");
	ASSERT_NE(NULL, self->context);
	self->pd = ibv_alloc_pd(self->context);
	ASSERT_NE(NULL, self->pd);
	self->mover = open("/dev/resv-mover", O_RDWR | O_CLOEXEC);
	ASSERT_LE(0, self->mover);
	self->buf = mover_buf(self->mover);
	ASSERT_LE(0, self->buf);
	self->gate = sw_timeline();
	ASSERT_LE(0, self->gate);
	ASSERT_EQ(0, pipe(self->done));
}

FIXTURE_TEARDOWN(fences)
{
	if (self->mr)
		EXPECT_EQ(0, ibv_dereg_mr(self->mr));
	close(self->gate);
	EXPECT_EQ(POLLOUT, wait_events(self->buf, POLLOUT, DONE_MS));
	EXPECT_EQ(0, ibv_dealloc_pd(self->pd));
	EXPECT_EQ(0, ibv_close_device(self->context));
	close(self->buf);
	close(self->mover);
	close(self->done[0]);
	close(self->done[1]);
}

/* A job on the buffer, which begins when the gate opens. */
static int add_job(FIXTURE_DATA(fences) *self, enum resv_mover_kind kind)
{
	struct resv_mover_job job = {
		.buf = self->buf,
		.kind = kind,
		.in_fence = sw_fence(self->gate, 1),
		.name = "gated",
	};
	int ret = xioctl(self->mover, RESV_MOVER_JOB, &job);

	close(job.in_fence);
	if (!ret)
		close(job.out_fence);

	return ret;
}

static void *registers(void *data)
{
	FIXTURE_DATA(fences) *self = data;

	self->mr = reg_dmabuf(self->pd, 0, BUF_SIZE, 0, self->buf, ACCESS_ALL);
	if (write(self->done[1], "", 1) != 1)
		abort();

	return NULL;
}

#define REGISTER(held) do {						\
	pthread_t thread;						\
									\
	ASSERT_EQ(0, pthread_create(&thread, NULL, registers, self));	\
	if (held) {							\
		EXPECT_EQ(0, wait_events(self->done[0], POLLIN, HELD_MS)); \
		EXPECT_EQ(0, sw_advance(self->gate, 1));		\
	}								\
	EXPECT_EQ(POLLIN, wait_events(self->done[0], POLLIN, DONE_MS));	\
	ASSERT_EQ(0, pthread_join(thread, NULL));			\
	EXPECT_NE(NULL, self->mr);					\
} while (0)

TEST_F(fences, clear_is_waited_for)
{
	EXPECT_EQ(0, add_job(self, RESV_JOB_CLEAR));
	REGISTER(true);
}

TEST_F(fences, move_is_waited_for)
{
	EXPECT_EQ(0, add_job(self, RESV_JOB_MOVE));
	REGISTER(true);
}

TEST_F(fences, others_are_not)
{
	EXPECT_EQ(0, add_job(self, RESV_JOB_READ));
	EXPECT_EQ(0, add_job(self, RESV_JOB_WRITE));
	EXPECT_EQ(0, add_job(self, RESV_JOB_EXPLICIT));
	EXPECT_EQ(0, add_job(self, RESV_JOB_FLUSH));
	REGISTER(false);
}

TEST_F(fences, memory_stays_while_registered)
{
	REGISTER(false);
	EXPECT_EQ(-EBUSY, add_job(self, RESV_JOB_MOVE));
	EXPECT_EQ(0, ibv_dereg_mr(self->mr));
	self->mr = NULL;
	EXPECT_EQ(0, add_job(self, RESV_JOB_MOVE));
}

RDMA_MAIN
