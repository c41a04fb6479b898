# shellcheck shell=bash
# resv help
. "$RESV_TOP/scripts/lib/common.sh"
[ $# = 0 ] || usage_error "help takes no arguments"
cat <<'EOF'
resv: dma_resv usage categories (kernel, write, read, bookkeep) for Linux 5.10

  ./resv run [--compare]   build the patched kernel, boot it in QEMU and play
                           the demo; --compare plays it on the unpatched
                           kernel too
  ./resv test [TIER...]    run tests; without a tier: full. The last line is
                           'N passed, N failed'
  ./resv bench [--rounds N] [--peer TREE] [--checker]
                           time the core in user space beside the unpatched one
                           and a later kernel's (linux-source-7.3 of Debian, or
                           TREE): a table, a file, a plot; --checker: with the
                           checker of fences, not in use and in use, instead
  ./resv tree [--force]    lay build/linux, a git tree: the base is one commit,
                           then one commit a patch. Work that was not exported
                           stops it; --force puts that work on a branch named
                           saved-DATE and goes on
  ./resv export            write series/ and linux/ back from build/linux
  ./resv apply TREE        put the series on your own 5.10.y tree (git or
                           plain); all of it or nothing
  ./resv help              this text

  --base FILE|DIR          (all but apply) use this kernel source as
                           the base: a tarball, a .deb or a directory; without
                           it the one pinned in series/base is fetched

Test tiers:
  quick      runner, series, and one KUnit boot if its kernel was built before
  native     the core in user space: unit tests and torture, with sanitizers
  mutants    spoil the core in some thirty ways, and see that the tests find
             each: an hour with KUnit
  runner     the judge of console logs: crafted logs, and machines that panic,
             hang and warn
  series     series/ and linux/ agree with each other, byte for byte
  kunit      KUnit at boot
  selftests  kselftests in the guest: dma-buf and sync
  lockdep    KUnit and selftests with lock, sleep and RCU checking, amdgpu, i915
             and mlx5 among them, whose hardware need not be there
  lockdep-negative  mistakes with locks around buffers and fences, a boot for each:
             lockdep reports them, with the locks in question
  modeset    framebuffers that are evicted and come back, and commits that wait
             for fences, on bochs, qxl and vkms, under lockdep
  pressure   the part of modeset where memory is short, again and again on a busy
             machine, for words that are lost; $RESV_PRESSURE_ROUNDS says how often
  rdma       memory of dma-bufs on software RDMA devices, with Debian's rdma-core
             in the guest, under lockdep
  kasan      KUnit and selftests with KASAN, kmemleak and UBSAN, RDMA among them
  kcsan      KUnit with the data race detector
  litmus     the order between writers and lockless readers, by the kernel's
             memory model; herd7 is fetched if it is neither installed nor $HERD7
  apply      the series on a fresh 5.10.262 and 5.10.223; a patch that does not
             fit leaves the tree alone
  bisect     every patch builds what it touches, without a new warning, the newest
             first: an hour; $RESV_BISECT_SECONDS ends it early
  drivers    all x86 users of dma_resv build at the end of the series
  cross      drivers of ARM machines build for arm64 and arm
  legacy     the drivers of the base with the header for the old interface, and
             converted by the semantic patch
  before     i915's mock selftests on the unpatched base, to compare with lockdep's
  drivers-doc  docs/drivers.md has a row for each place that is converted, and
             each row has its place
  static     checkpatch --strict on every patch, sparse and the Coccinelle rules of
             the series on what it touches
  full       all of these but quick, pressure, mutants, kcsan, bisect, cross,
             legacy and before

Exit status: 0 fine, 1 something failed, 2 wrong use.
Everything that is fetched and built is under build/; remove it to start anew.
EOF
