# shellcheck shell=bash
# Drivers whose hardware QEMU does not have, under lockdep: their KUnit suites
# and mock selftests.
machine hardware
test_kunit hardware
