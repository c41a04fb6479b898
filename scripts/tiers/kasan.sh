# shellcheck shell=bash
# Accesses, leaks and undefined behaviour are watched while everything runs: KUnit at boot,
# then the kselftests.
# depends: tree kernel:kasan guest
machine kasan
well_built kasan
KUNIT='*'
test_programs kasan selftests
