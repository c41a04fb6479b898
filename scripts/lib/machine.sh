# shellcheck shell=bash
# A kernel built, booted and judged: what the tiers with a test machine share.

boot_limit() { kernel_row "$1" | awk '{ print $3 }'; }

# machine KERNEL: build build/kernel-KERNEL and its initramfs from build/linux
machine() {
	build_kernel "$1" "$LINUX" "$BUILD/kernel-$1"
	build_guest "$LINUX" "$BUILD/kernel-$1"
}

# test_kunit KERNEL, test_programs KERNEL JOB [PATTERN [QEMU ARGS...]]: boot and
# judge. The suites of KUnit run in every boot; with a pattern, what passed and
# matches it is not counted once more. $MOCK_SELFTESTS are those of i915 that the
# command line asks for.
MOCK_SELFTESTS=
test_kunit() {
	local log=$LOGS/boot-$1-kunit.log
	boot "$BUILD/kernel-$1" kunit "$log" "$(boot_limit "$1")"
	verdicts "$log" '' job=kunit suites="$(expected_suites "$LINUX" "$1")"
}
test_programs() {
	local kernel=$1 job=$2 hide=${3-} log=$LOGS/boot-$1-$2.log programs
	shift $(($# < 3 ? $# : 3))
	programs=$(expected_programs "$BUILD/kernel-$kernel/guest/root" "$job")
	[ -n "$programs" ] || fail "$job" "the guest has none of its programs"
	boot "$BUILD/kernel-$kernel" "$job" "$log" "$(boot_limit "$kernel")" "$@"
	verdicts "$log" "$hide" job="$job" programs="$programs" \
		suites="$(expected_suites "$LINUX" "$kernel")" mock="$MOCK_SELFTESTS"
}
