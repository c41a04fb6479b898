# shellcheck shell=bash
# The core and the drivers of emulated cards on arm64, where stores may be seen in another
# order, as far as the compiler goes: the emulator keeps this machine's order.
# The cases that have memory run out fail, for that can be done on x86 alone, and the
# suites after them find what those left behind.
# depends: tree kernel:arm64 guest
: "${ARM:=arm64}"
need arm
machine "$ARM"
well_built "$ARM"
KUNIT='*'
test_programs "$ARM" selftests
