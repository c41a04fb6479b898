# shellcheck shell=bash
# The mock selftests of i915 on the unpatched base, under lockdep: what of the
# tier lockdep was like that before.
# depends: series/base kernel:before guest
base_tree
build_kernel before "$BASE_TREE" "$BUILD/kernel-before"
build_guest "$BASE_TREE" "$BUILD/kernel-before"
test_mock before "$BASE_TREE"
