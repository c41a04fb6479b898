# shellcheck shell=bash
# resv help
. "$RESV_TOP/scripts/lib/common.sh"
[ $# = 0 ] || usage_error "help takes no arguments"
cat <<'EOF'
resv: dma_resv usage categories (kernel, write, read, bookkeep) for Linux 5.10

  ./resv run [--compare]   build the patched kernel, boot it in QEMU and play
                           the demo; --compare plays it on the unpatched
                           kernel too
  ./resv test [TIER...]    run tests; without a tier those marked +, what finds
                           mistakes in a change of the series; full is really
                           all and may be interrupted: what passed for the same
                           input is not run again. What was not run is listed;
                           the last line is 'N passed, N failed'
  ./resv bench [--rounds N] [--peer TREE] [--checker]
                           time the core in user space beside the unpatched one
                           and a later kernel's (linux-source-7.3 of Debian, or
                           TREE): a table, a file, a plot; --checker: with the
                           checker of fences, not in use and in use, instead
  ./resv tree [--force] [TOPIC...]
                           lay build/linux, a git tree: the base is one commit,
                           then one commit a patch, and each topic is a branch
                           topic/NAME that ends with its last patch. With topics
                           it is these and what they need. Work that was not
                           exported stops it; --force puts that work on a branch
                           named saved-DATE and goes on
  ./resv export            write series/ and linux/ back from build/linux
  ./resv check [TOPIC...] [--without TOPIC|PATH]... [--3way] TREE
                           say what apply with the same arguments would meet in
                           TREE (what fits, what is not there, what is pasted in,
                           who uses the old interface), and what to do about it.
                           Nothing in TREE changes. 0 if apply does it all, 1 if
                           more is to be done
  ./resv apply [TOPIC...] [--without TOPIC|PATH]... [--3way] TREE
                           put the series on your own 5.10.y tree (git or
                           plain), or these topics and what they need, or all
                           but those and what needs them; all that was asked for
                           or nothing. A PATH is a driver that TREE doesn't have.
                           --3way merges what does not fit with the files of the
                           base, from build/linux. series/README.md has the topics
  ./resv deb [--config FILE] [TOPIC...]
                           Debian packages of the patched kernel (image, headers,
                           linux-libc-dev) into build/deb, with Debian's own
                           configuration (hours) or FILE. What was compiled stays
  ./resv help              this text

  --base FILE|DIR          (all but apply, check) use this kernel source as
                           the base: a tarball, a .deb or a directory; without
                           it the one pinned in series/base is fetched

Test tiers (+ is './resv test'; with kernel-NAME, the kernel that is booted):
  quick      runner's crafted logs, series, and one KUnit boot if its kernel was
             built before: a minute
+ native     the core in user space: unit tests, torture with sanitizers
+ series     series/ and linux/ agree with each other, byte for byte, and
             docs/tested.md with README
+ litmus     the order between writers and lockless readers, by the kernel's
             memory model; herd7 is fetched if it is neither installed nor $HERD7
+ drivers-doc  docs/drivers.md has a row for each place that is converted, and
             each row has its place
+ kunit      the core by itself: KUnit at boot (kernel-quick)
+ demo       what './resv run' shows (kernel-quick)
+ runner     the judge of console logs: crafted logs, and machines that panic,
             hang and warn (kernel-quick)
+ lockdep    KUnit and kselftests with lock, sleep and RCU checking and the
             checker of fences; amdgpu, i915 and mlx5 among them, whose hardware
             need not be there (kernel-lockdep)
+ lockdep-negative  mistakes with locks around buffers and fences, a boot for each:
             lockdep reports them, with the locks in question (kernel-lockdep)
+ modeset    framebuffers that are evicted and come back, and commits that wait
             for fences, on bochs, qxl, virtio-gpu and vkms (kernel-lockdep)
+ rdma       memory of dma-bufs on software RDMA devices, with Debian's rdma-core
             in the guest (kernel-lockdep)
+ drivers    the users of dma_resv that no booted kernel has build for x86
+ static     checkpatch --strict on every patch, sparse and the Coccinelle rules of
             the series on what it touches
  kasan      KUnit and kselftests with KASAN, kmemleak and UBSAN (kernel-kasan)
  apply      the series, and some of its topics, on a fresh 5.10.262 and 5.10.223;
             a patch that does not fit leaves the tree alone
  check-tree what check says of trees with code pasted in, drivers gone or added, lines
             changed; and apply --3way and --without PATH, as it plans them
  docs       kernel-doc and Sphinx have nothing to say about what the series documents,
             and MAINTAINERS has a section for each file that it adds
  kcsan      KUnit with the data race detector (kernel-kcsan)
  mutants    spoil the core and drivers in some 180 ways, and see that the tests
             find each; $RESV_MUTANTS names some as AREA/NAME
  sparse     sparse on our lines in the drivers that were built
  cross      drivers of ARM machines build for arm64 and arm
  legacy     the drivers of the base with the header for the old interface, and
             converted by the semantic patch
  before     i915's mock selftests on the unpatched base, to compare with lockdep's
  fixes      the topic fixes by itself on the unpatched base: built for x86, arm64 and
             arm, i915's mock selftests, and framebuffers that are evicted
  rt         on the base with its rt patch, with CONFIG_PREEMPT_RT: KUnit, kselftests and
             modeset under lockdep; $RESV_RT_PATCH names another patch (kernel-rt)
  deb        packages of a small configuration, installed in a Debian on a disk, which
             boots; a driver for the old interface built against the headers; as root
  bisect     the end of each topic boots and passes the tests that are there by then,
             and every patch builds what it touches, without a new warning, the newest
             first: hours; $RESV_BISECT_SECONDS ends it early
  revert     each topic that can be reverted alone is, and what is left boots
  pressure   the part of modeset where memory is short, again and again on a busy
             machine, for words that are lost; $RESV_PRESSURE_ROUNDS says how often
  pressure-base  that on the unpatched base, which has to lose one
  arm64, arm  KUnit and kselftests on QEMU's virt (kernel-arm64, kernel-arm). Not all of
             it passes: memory can't be made to run out there yet
  full       all of these but quick, pressure*, arm64 and arm; with --record it counts what docs/tested.md
             has for this very input and these tools, and writes what passes into it

Exit status: 0 fine, 1 something failed, 2 wrong use.
Everything that is fetched and built is under build/; remove it to start anew.
EOF
