# shellcheck shell=bash
# Locks, sleeping and RCU are watched while everything runs: KUnit at boot,
# then the kselftests.
machine lockdep
test_programs lockdep selftests
