# shellcheck shell=bash
# A kernel built, booted and judged: what the tiers with a test machine share.

boot_limit() { kernel_row "$1" | awk '{ print $3 }'; }

# machine KERNEL: build build/kernel-KERNEL and its initramfs from build/linux
machine() {
	build_kernel "$1" "$LINUX" "$BUILD/kernel-$1"
	warned "$1"
	build_guest "$LINUX" "$BUILD/kernel-$1"
}

# Of our files that the compiler warns about, WARNED has the first. Each is built again
# the next time, for whoever builds a kernel first may not be the one to say so.
warned() {	# KERNEL
	WARNED=
	local w
	while read -r w; do
		changed_here "${w%%: warning:*}" || continue
		WARNED=${WARNED:-$w}
		w=${w%%: warning:*}
		rm -f "$BUILD/kernel-$1/${w%.c}.o"
	done < <(warnings_in "$LOGS/build-kernel-$1.log")
}

# well_built KERNEL: none of our files warns, and it has not grown, for kernels that do
# make all tests slower, mostly unnoticed.
well_built() {
	local want have
	if [ -z "$WARNED" ]; then
		ok "no file of ours warns"
	else
		fail "no file of ours warns" "$WARNED" "$LOGS/build-kernel-$1.log"
	fi
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

# Graphics cards of QEMU with little video memory, in a machine that has little itself:
# what is on them is evicted and comes back. And all that there are drivers for.
SMALL_CARDS=(-m 384M -vga none -device VGA,vgamem_mb=4
	-device qxl,ram_size_mb=8,vram_size_mb=8,vgamem_mb=4)
ALL_CARDS=("${SMALL_CARDS[@]}" -device vmware-svga,vgamem_mb=4
	-device virtio-gpu-pci,max_outputs=2)

# test_mock KERNEL TREE: i915's mock selftests in the kernel that was built of TREE
test_mock() {
	local log=$LOGS/boot-$1-kunit.log
	RESV_CMDLINE="i915.mock_selftests=-1 ${RESV_CMDLINE-}" \
		boot "$BUILD/kernel-$1" kunit "$log" "$(boot_limit "$1")"
	verdicts "$log" job=kunit mock="$(expected_mock_selftests "$2")"
}
