# shellcheck shell=bash
# Locks, sleeping and RCU are watched while everything runs: KUnit and the mock
# selftests of i915 at boot, with drivers whose hardware QEMU does not have, then
# the kselftests.
machine lockdep
# -1: the mock selftests and nothing else, there is no device to probe
RESV_CMDLINE="i915.mock_selftests=-1 ${RESV_CMDLINE-}"
MOCK_SELFTESTS=$(expected_mock_selftests "$LINUX")
test_programs lockdep selftests
