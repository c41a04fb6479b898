# shellcheck shell=bash
# The core alone, as it is and not watched by anything: KUnit and the kernel's own
# dma-buf selftests at boot.
# depends: tree kernel:quick guest
machine quick
well_built quick
test_kunit quick
