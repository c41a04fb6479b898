# shellcheck shell=bash
# Drivers whose hardware QEMU does not have, under lockdep: their KUnit suites
# and the mock selftests of i915, all of them at boot.
machine lockdep
log=$LOGS/boot-hardware-kunit.log
# -1: the mock selftests and nothing else, there is no device to probe
RESV_CMDLINE="i915.mock_selftests=-1 ${RESV_CMDLINE-}" \
	boot "$BUILD/kernel-lockdep" kunit "$log" "$(boot_limit lockdep)"
# What other kernels run is built into this one, too, and not counted again
elsewhere=$(expected_suites "$LINUX" quick)
verdicts "$log" "^(dma-buf selftest |kunit (${elsewhere// /|})\.)" job=kunit \
	suites="$(expected_suites "$LINUX" lockdep)" \
	mock="$(expected_mock_selftests "$LINUX")"
