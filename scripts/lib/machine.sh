# shellcheck shell=bash
# A kernel built, booted and judged: what the tiers with a test machine share.

boot_limit() { kernel_row "$1" | awk '{ print $3 }'; }

# machine KERNEL: build build/kernel-KERNEL and its initramfs from build/linux
machine() {
	build_kernel "$1" "$LINUX" "$BUILD/kernel-$1"
	build_guest "$LINUX" "$BUILD/kernel-$1"
}

# test_kunit KERNEL, test_selftests KERNEL [PATTERN]: boot and judge. The
# suites run in every boot; with a pattern, what passed and matches it is not
# counted once more.
test_kunit() {
	local log=$LOGS/boot-$1-kunit.log
	boot "$BUILD/kernel-$1" kunit "$log" "$(boot_limit "$1")"
	verdicts "$log" '' job=kunit suites="$(expected_suites "$LINUX" "$1")"
}
test_selftests() {
	local log=$LOGS/boot-$1-selftests.log programs
	programs=$(expected_programs "$BUILD/kernel-$1/guest/root")
	[ -n "$programs" ] || fail "selftests" "the guest has none"
	boot "$BUILD/kernel-$1" selftests "$log" "$(boot_limit "$1")"
	verdicts "$log" "${2-}" job=selftests programs="$programs" \
		suites="$(expected_suites "$LINUX" "$1")"
}
