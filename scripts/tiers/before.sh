# shellcheck shell=bash
# The mock selftests of i915 on the unpatched base, under lockdep: what of the
# tier lockdep was like that before.
# depends: series/base kernel:before guest
. "$RESV_TOP/scripts/lib/check.sh"
# The tier fixes goes on from what is built here.
have_tree base
build_kernel before "$CHECK_TREE" "$BUILD/kernel-before"
guest_anew "$CHECK_TREE" "$BUILD/kernel-before"
test_mock before "$CHECK_TREE"
