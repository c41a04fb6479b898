# shellcheck shell=bash
# KUnit and the kernel's own dma-buf selftests, at boot.
machine quick
test_kunit quick
