# shellcheck shell=bash
# kselftests in the guest: dma-buf and sync.
machine quick
test_boot quick selftests
