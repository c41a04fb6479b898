# shellcheck shell=bash
# The test machine: a kernel and an initramfs in QEMU, console in a log.

# build_guest SOURCE KERNEL_OUT: make KERNEL_OUT/initramfs.cpio
build_guest() {
	local src=$1 out=$2 log=$LOGS/guest-${2##*/}.log arch
	mapfile -t arch < <(kernel_vars "${2##*/kernel-}" | grep -E '^(ARCH|CROSS_COMPILE)=')
	! grep -q '^CONFIG_IA32_EMULATION=y' "$out/.config" || need compat
	in_background "building the guest programs" "$log" \
		make -C "$RESV_TOP/guest" O="$out/guest" KSRC="$src" KBUILD="$out" "${arch[@]}" || {
		tail -n 8 "$log" >&2
		die "building the guest programs failed; see $log"
	}
	(	cd "$out"
		echo 'nod /dev/console 0600 0 0 c 5 1' >guest/nodes
		[ -d guest/root/dev ] || echo 'dir /dev 0755 0 0' | cat - guest/nodes >guest/nodes.new
		[ ! -e guest/nodes.new ] || mv guest/nodes.new guest/nodes
		TMPDIR=$TMP "$src/usr/gen_initramfs.sh" -o initramfs.new \
			-u squash -g squash guest/root guest/nodes
		mv initramfs.new initramfs.cpio
	) || die "cannot pack the guest's file system from $out/guest/root"
}

# start_qemu ACCEL KERNEL_OUT LOG JOB ARGS... On a host that is busy the kernel may miss the
# ticks by which it checks the timer, so it is told not to. The suites of KUnit run if $KUNIT says
# so with a pattern.
KUNIT=
start_qemu() {
	local accel=$1 out=$2 log=$3 job=$4 qemu console initrd=()
	shift 4
	[ ! -e "$out/initramfs.cpio" ] || initrd=(-initrd "$out/initramfs.cpio")
	case ${out##*/} in
	kernel-arm64)
		qemu=(qemu-system-aarch64 -M virt -cpu max) console="ttyAMA0 earlycon" ;;
	kernel-arm)
		qemu=(qemu-system-arm -M virt,highmem=off -cpu cortex-a15) console="ttyAMA0 earlycon" ;;
	*)	qemu=(qemu-system-x86_64 -vga std) console="ttyS0 earlyprintk=serial no_timer_check" ;;
	esac
	: >"$log"
	set -m
	"${qemu[@]}" -accel "$accel" -smp "${RESV_CPUS:-2}" -m 2G -nodefaults -no-reboot \
		-display none -monitor none -serial "file:$log" \
		-kernel "$(image_of "$out")" "${initrd[@]}" \
		-append "console=$console panic=-1 resv.job=$job kunit.filter_glob=${KUNIT:-none} ${RESV_CMDLINE-}" \
		"$@" </dev/null >"$log.qemu" 2>&1 9>&- &
	BG_PID=$!
	set +m
}

# Does KVM work? /dev/kvm may be there and not work, so we boot the very kernel
# and see whether it gets anywhere. Asked once per boot of this machine.
ACCEL=
probe_kvm() {	# KERNEL_OUT
	local key cache=$BUILD/kvm i log=$LOGS/kvm-probe.log
	[ -z "$ACCEL" ] || return 0
	ACCEL=tcg,thread=multi
	# It is for machines of this machine's kind.
	[[ ${1##*/} != kernel-arm* ]] || return 0
	[ -r /dev/kvm ] && [ -w /dev/kvm ] || return 0
	key="$(cat /proc/sys/kernel/random/boot_id) $(qemu-system-x86_64 --version | head -n 1)"
	if [ "$(head -n 1 "$cache" 2>/dev/null || :)" = "$key" ]; then
		ACCEL=$(tail -n 1 "$cache")
		return 0
	fi
	start_qemu kvm "$1" "$log" none
	for ((i = 0; i < 100; i++)); do
		status "seeing whether KVM works: $((i / 4)) of at most 25 s"
		if grep -q '^RESV-BEGIN' "$log"; then ACCEL=kvm; break; fi
		kill -0 "$BG_PID" 2>/dev/null || break
		sleep 0.25
	done
	stop_background
	BG_PID=
	clear_status
	printf '%s\n' "$key" "$ACCEL" >"$TMP/kvm"
	mv "$TMP/kvm" "$cache"
	[ "$ACCEL" = kvm ] || note "KVM does not work here; emulating instead (slower)"
}

# boot KERNEL_OUT JOB LOG LIMIT [QEMU ARGS...]: run to the end or to the limit.
# What QEMU did is added to the log in lines that begin with resv-host. With
# BOOT_UNTIL set, a line that matches it is the end.
boot() {
	local out=$1 job=$2 log=$3 limit=$4 start what=${1##*/}
	shift 4
	probe_kvm "$out"
	start=$SECONDS
	start_qemu "$ACCEL" "$out" "$log" "$job" "$@"
	while kill -0 "$BG_PID" 2>/dev/null; do
		status "$what, job $job: $(grep -cE '^(\[ *[0-9.]+\] )?[ \t]*(not )?ok [0-9]' "$log" || :) results, $((SECONDS - start)) of at most $limit s"
		if [ $((SECONDS - start)) -ge "$limit" ]; then
			stop_background
			printf '\nresv-host: timeout after %s s\n' "$limit" >>"$log"
			break
		fi
		if [ -n "${BOOT_UNTIL-}" ] && grep -q "$BOOT_UNTIL" "$log"; then
			stop_background
			break
		fi
		sleep 0.25
	done
	wait "$BG_PID" 2>/dev/null || :
	BG_PID=
	clear_status
	if [ -s "$log.qemu" ]; then
		sed 's/^/resv-host: qemu: /' "$log.qemu" >>"$log"
	fi
	rm -f "$log.qemu"
	printf '\nresv-host: the machine stopped after %s s\n' $((SECONDS - start)) >>"$log"
}
