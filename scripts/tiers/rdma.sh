# shellcheck shell=bash
# Memory of dma-bufs on software RDMA devices, under lockdep. What asks for it is the
# machine's own rdma-core, as its distribution built it.
# depends: tree kernel:lockdep guest
need rdma
machine lockdep
test_programs lockdep rdma
