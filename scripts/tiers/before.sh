# shellcheck shell=bash
# The mock selftests of i915 on the unpatched base, under lockdep: what of the
# tier lockdep was like that before.
# depends: series/base configs guest
base_tree
build_kernel before "$BASE_TREE" "$BUILD/kernel-before"
build_guest "$BASE_TREE" "$BUILD/kernel-before"
log=$LOGS/boot-before-kunit.log
RESV_CMDLINE="i915.mock_selftests=-1 ${RESV_CMDLINE-}" \
	boot "$BUILD/kernel-before" kunit "$log" "$(boot_limit before)"
verdicts "$log" job=kunit mock="$(expected_mock_selftests "$BASE_TREE")"
