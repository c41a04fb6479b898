# shellcheck shell=bash
# A kernel built, booted and judged: what the tiers with a test machine share.

boot_limit() { kernel_row "$1" | awk '{ print $3 }'; }

# machine KERNEL: build build/kernel-KERNEL and its initramfs from build/linux
machine() {
	build_kernel "$1" "$LINUX" "$BUILD/kernel-$1"
	build_guest "$LINUX" "$BUILD/kernel-$1"
}

# test_boot KERNEL JOB [EXPECTATIONS...]
test_boot() {
	local kernel=$1 job=$2 log=$LOGS/boot-$1-$2.log
	shift 2
	boot "$BUILD/kernel-$kernel" "$job" "$log" "$(boot_limit "$kernel")"
	verdicts "$log" suites="$(expected_suites "$LINUX")" job="$job" "$@"
}
