# shellcheck shell=bash
# Accesses, leaks and undefined behaviour are watched while everything runs: KUnit at boot,
# then the kselftests.
machine kasan
test_programs kasan selftests
