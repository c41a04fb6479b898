# shellcheck shell=bash
# The core alone, as it is and not watched by anything: KUnit and the kernel's own
# dma-buf selftests at boot, then the kselftests that need no device.
# depends: series configs guest
machine quick
not_grown quick
KUNIT='*'
test_programs quick selftests
