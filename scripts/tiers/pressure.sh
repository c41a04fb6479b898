# shellcheck shell=bash
# Words that are written to framebuffers of qxl while these are evicted, swapped out
# and shown, memory is short, and the host is busy: none is lost. $RESV_PRESSURE_ROUNDS
# rounds of that, 20 without it, each of 10 s and more; all in one machine.
# depends: tree kernel:pressure guest
rounds=${RESV_PRESSURE_ROUNDS:-20}
[[ $rounds =~ ^[1-9][0-9]*$ ]] || die "RESV_PRESSURE_ROUNDS=$rounds is not a number of rounds"
limit=$((rounds * 120 + 120))
log=$LOGS/boot-$TIER-pressure.log

machine pressure
kernel=$BUILD/kernel-pressure
if [ -n "${PRESSURE_ON-}" ]; then
	base_tree
	build_kernel pressure "$BASE_TREE" "$kernel-base"
	cp "$kernel/initramfs.cpio" "$kernel-base/"
	kernel+=-base
	BOOT_UNTIL='a word that was written'
fi

# What is lost is lost where the device and the kernel run at odd moments.
load=()
stop_load() { [ ${#load[@]} = 0 ] || kill "${load[@]}" 2>/dev/null || :; }
at_exit stop_load
for _ in 1 2; do
	nice -n 5 bash -c 'while :; do :; done' 9>&- &
	load+=($!)
done

RESV_CMDLINE="${RESV_CMDLINE-} resv.rounds=$rounds resv.timeout=$limit" \
	boot "$kernel" pressure "$log" "$limit" "${SMALL_CARDS[@]}"
stop_load
if [ -z "${PRESSURE_ON-}" ]; then
	verdicts "$log" job=pressure
elif lost=$(grep -m 1 'a word that was written' "$log"); then
	ok "the base lost one: ${lost##*written: }"
else
	fail "the base loses a word" "not in $rounds rounds" "$log"
fi
