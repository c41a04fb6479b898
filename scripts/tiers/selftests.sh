# shellcheck shell=bash
# kselftests in the guest: dma-buf and sync.
machine quick
# KUnit ran as well; the tier kunit counts that.
test_programs quick selftests '^(kunit|dma-buf selftest|expected warning) '
