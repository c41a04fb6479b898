# shellcheck shell=bash
# A kernel built, booted and judged: what the tiers with a test machine share.

boot_limit() { kernel_row "$1" | awk '{ print $3 }'; }

# machine KERNEL: build build/kernel-KERNEL and its initramfs from build/linux
machine() {
	! kernel_row "$1" | grep -qw user || need compat
	build_kernel "$1" "$LINUX" "$BUILD/kernel-$1"
	build_guest "$LINUX" "$BUILD/kernel-$1"
}

# Kernels that grow make all tests slower, mostly unnoticed.
not_grown() {	# KERNEL
	local want have
	want=$(kernel_row "$1" | awk '{ print $2 }')
	have=$(objects_of "$BUILD/kernel-$1")
	if [ $((have * 100)) -le $((want * 105)) ]; then
		ok "the kernel has $have objects"
	else
		fail "the kernel has $have objects" "more than 5 % over the $want of configs/kernels"
	fi
}

# test_kunit KERNEL, test_programs KERNEL JOB [QEMU ARGS...]: boot and judge. With
# KUNIT='*', the suites run before. $MOCK_SELFTESTS are those of i915 that the command
# line asks for.
MOCK_SELFTESTS=
test_kunit() {
	local log=$LOGS/boot-$1-kunit.log
	KUNIT='*' boot "$BUILD/kernel-$1" kunit "$log" "$(boot_limit "$1")"
	verdicts "$log" job=kunit suites="$(expected_suites "$LINUX" "$1")"
}
test_programs() {
	local kernel=$1 job=$2 log=$LOGS/boot-$1-$2.log programs suites=
	shift 2
	programs=$(expected_programs "$BUILD/kernel-$kernel/guest/root" "$job")
	[ -n "$programs" ] || fail "$job" "the guest has none of its programs"
	[ "$KUNIT" != '*' ] || suites=$(expected_suites "$LINUX" "$kernel")
	boot "$BUILD/kernel-$kernel" "$job" "$log" "$(boot_limit "$kernel")" "$@"
	verdicts "$log" job="$job" programs="$programs" suites="$suites" mock="$MOCK_SELFTESTS"
}

# test_mock KERNEL TREE: i915's mock selftests in the kernel that was built of TREE
test_mock() {
	local log=$LOGS/boot-$1-kunit.log
	RESV_CMDLINE="i915.mock_selftests=-1 ${RESV_CMDLINE-}" \
		boot "$BUILD/kernel-$1" kunit "$log" "$(boot_limit "$1")"
	verdicts "$log" job=kunit mock="$(expected_mock_selftests "$2")"
}
