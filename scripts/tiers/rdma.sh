# shellcheck shell=bash
# Memory of dma-bufs on software RDMA devices, under lockdep. What asks for it is the
# machine's own rdma-core, as its distribution built it.
need rdma
machine lockdep
# KUnit ran as well; the tier lockdep counts that.
test_programs lockdep rdma '^(kunit|dma-buf selftest|expected warning) '
