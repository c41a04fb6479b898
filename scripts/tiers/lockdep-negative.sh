# shellcheck shell=bash
# lockdep knows the order of locks around buffers and fences from the start. One boot
# each for the mistakes of tests/dmabuf-lockdep-test.c, which has to end in one report
# with the locks that we expect, and one boot for what is right. They are ended
# when the test is over, before drivers and KUnit have their turn.
# depends: tree kernel:lockdep guest
machine lockdep
END='dmabuf_lockdep_test: end of'

lockdep_boot() {	# NAME COMMAND LINE: to $LOG, as far as the end of the test
	LOG=$LOGS/boot-lockdep-negative-$1.log
	BOOT_UNTIL=$END RESV_CMDLINE=$2 boot "$BUILD/kernel-lockdep" kunit "$LOG" 120
	sed -i "/$END/q" "$LOG"
}

# The locks of a report: the cycle, from what is held to what is wanted, or the two
# that are the same
reported_locks() {
	awk '/ -> #[0-9]+ \(/ { cycle = cycle " " lock($0) }
	     /\}, at: / && n < 2 { n++; pair = pair " " lock($0) }
	     function lock(s) { sub(/^[^(]*\(/, "", s); sub(/\)\{.*/, "", s); return s }
	     END { print substr(cycle ? cycle : pair, 2) }' "$1"
}

lockdep_boot right ''
if ! grep -q "$END [1-9][0-9]* cases, lockdep is on" "$LOG"; then
	fail "what is right" "it did not come to its end, or lockdep is off" "$LOG"
elif ! out=$(judge "$LOG"); then
	fail "what is right" "$(grep -m 1 '^FAIL' <<<"$out")" "$LOG"
else
	ok "what is right is not reported"
fi

# From what is held to what is wanted, over what may already lead back
expected='
wait_under_lock circular dmabuf_lockdep_test_mutex dma_fence_map
alloc_in_section circular dma_fence_map fs_reclaim
resv_in_section circular dma_fence_map fs_reclaim reservation_ww_class_mutex
resv_under_resv recursive reservation_ww_class_mutex reservation_ww_class_mutex
resv_under_i_mmap circular &mapping->i_mmap_rwsem fs_reclaim reservation_ww_class_mutex
mmap_lock_under_resv circular reservation_ww_class_mutex reservation_ww_class_acquire &mm->mmap_lock
mmap_lock_under_context circular reservation_ww_class_acquire &mm->mmap_lock
resv_in_notifier circular mmu_notifier_invalidate_range_start fs_reclaim reservation_ww_class_mutex
resv_in_reclaim circular fs_reclaim reservation_ww_class_mutex
export_under_resv circular reservation_ww_class_mutex &db_list.lock
vmap_under_resv circular reservation_ww_class_mutex &dmabuf->lock
'
while read -r mistake kind locks; do
	[ -n "$mistake" ] || continue
	# The checker of fences has its own word for some of them
	lockdep_boot "$mistake" "dma_fence_check=0 dmabuf_lockdep_test.mistake=$mistake"
	splats=$(judge "$LOG" | grep '^FAIL' || :)
	found=$(reported_locks "$LOG")
	if ! grep -q "$END 1 cases" "$LOG"; then
		fail "$mistake" "it did not come to its end" "$LOG"
	elif [[ $splats != "FAIL lockdep: WARNING: possible $kind "* || $splats = *$'\n'* ]]; then
		fail "$mistake" "one $kind lock was to be reported, but: ${splats:-nothing was}" "$LOG"
	elif [ "$found" != "$locks" ]; then
		fail "$mistake" "reported for $found, not for $locks" "$LOG"
	else
		ok "$mistake: $locks"
	fi
done <<<"$expected"

# Each mistake of the test has been made
for mistake in $(sed -n 's/^\tCASE(\([a-z_]*\),.*/\1/p' \
		"$LINUX/drivers/dma-buf/tests/dmabuf-lockdep-test.c"); do
	grep -q "^$mistake " <<<"$expected" ||
		fail "$mistake" "nothing says what it ends in"
done
