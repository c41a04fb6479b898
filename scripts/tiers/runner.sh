# shellcheck shell=bash
# Does the judge see what is wrong? Crafted logs first, then machines that
# really panic, hang and warn.

# depends: tree kernel:quick guest

good_log() {
cat <<'EOF'
[    0.100000] Linux version 5.10
[    1.000000] dma-buf: Running sanitycheck
[    1.100000] TAP version 14
[    1.100000] 1..2
[    1.200000]     # Subtest: dma-resv
[    1.200000]     1..2
[    1.300000]     ok 1 - add
[    1.300000]     ok 2 - wait
[    1.300000] ok 1 - dma-resv
[    1.400000]     # Subtest: dma-buf-poll
[    1.400000]     1..1
[    1.400000]     # one: resv-expect-warn BEGIN dma_resv_add_fence
[    1.400000] WARNING: CPU: 0 PID: 1 at drivers/dma-buf/dma-resv.c:1 dma_resv_add_fence+0x1/0x2
[    1.400000]     # one: resv-expect-warn END
[    1.450000] dma-fence-check: expected: late: mock:mock 7:1: has not signaled for 20 ms
[    1.500000]     ok 1 - one
[    1.500000] ok 2 - dma-buf-poll
RESV-BEGIN selftests
RESV-SUITE sync
TAP version 13
1..2
ok 1 alloc
ok 2 # SKIP not here
RESV-SUITE-END sync status=0
RESV-END selftests status=0
EOF
}
expect=(suites='dma-resv dma-buf-poll' programs=sync job=selftests)

# bad NAME PATTERN: the log on stdin must fail, and by that name
bad() {
	local log=$TMP/crafted.log out
	cat >"$log"
	out=$(judge "$log" "${expect[@]}" || :)
	if grep -qE "^FAIL $2" <<<"$out"; then
		ok "judge sees $1"
	else
		fail "judge sees $1" "it said: $(grep -m 2 FAIL <<<"$out" | tr '\n' ';' || :)"
	fi
}
with() { good_log | sed "$1"; }	# the good log, edited
adding() { with "/ok 1 - dma-resv/a [    1.350000] $1"; }

good_log >"$TMP/crafted.log"
if out=$(judge "$TMP/crafted.log" "${expect[@]}") && [ "$(grep -c '^ok' <<<"$out")" = 8 ] &&
   [ "$(grep -c '^skip' <<<"$out")" = 1 ]; then
	ok "judge passes a good log"
else
	fail "judge passes a good log" "it said: $(tr '\n' ';' <<<"$out")"
fi
with 's/ok 2 - wait/not ok 2 - wait/;s/ok 1 - dma-resv/not ok 1 - dma-resv/' |
	bad "a failed case" 'kunit dma-resv.wait: '
with 's/^ok 1 alloc/not ok 1 alloc/'	| bad "a failed selftest" 'sync: alloc: '
with '/ok 2 - wait/d'			| bad "a case that is lost" 'kunit dma-resv: truncated'
with '/Subtest: dma-buf-poll/,/ok 2 - dma-buf-poll/d' |
	bad "a missing suite" 'kunit dma-buf-poll: missing'
with '/ok 1 alloc/,$d'			| bad "a truncated log" 'job selftests: truncated'
with '/ok 2 - wait/,$d'			| bad "a suite cut short" 'kunit dma-resv: truncated'
with '/ok 2 # SKIP/d'			| bad "a selftest that stops early" 'sync: truncated'
with '/RESV-SUITE/d'			| bad "a missing program" 'sync: missing'
with 's/END sync status=0/END sync status=139/'	| bad "a program that crashed" 'sync: exited with status=139'
with 's/END selftests status=0/END selftests status=1/' | bad "a failed job" 'job selftests: ended with'
{ with "/ok 1 alloc/,\$d"; echo "resv-host: timeout after 9 s"; } | bad "a hang" "hang: timeout"
with '/WARNING: CPU/d'	| bad "an expected warning that did not come" "expected warning: no WARNING for"
with 's/resv:1 dma_resv_add_fence/x:1 other/;s/dma_resv_add_fence+/other+/' |
	bad "another warning than the expected" 'warning: WARNING: CPU'
: | bad "an empty log" 'console: truncated'
while IFS='|' read -r what name line; do
	adding "$line" | bad "$what" "$name: "
done <<'EOF'
a panic|panic|Kernel panic - not syncing: Fatal exception
an oops|oops|BUG: unable to handle page fault for address: 0000000000000008
a WARN|warning|WARNING: CPU: 1 PID: 7 at drivers/dma-buf/dma-buf.c:9 dma_buf_poll+0x1/0x2
a lock inversion|lockdep|WARNING: possible circular locking dependency detected
a recursive lock|lockdep|WARNING: possible recursive locking detected
suspicious RCU|lockdep|WARNING: suspicious RCU usage
sleeping in atomic context|atomic sleep|BUG: sleeping function called from invalid context at mm/slab.h:1
a use after free|kasan|BUG: KASAN: use-after-free in dma_resv_fini+0x1/0x2
a data race|kcsan|BUG: KCSAN: data-race in dma_resv_table_publish / dma_resv_iter_restart
undefined behaviour|ubsan|UBSAN: shift-out-of-bounds in drivers/dma-buf/dma-resv.c:1:2
a leak|kmemleak|kmemleak: 3 new suspected memory leaks (see /sys/kernel/debug/kmemleak)
a hung task|hung task|INFO: task init:1 blocked for more than 60 seconds.
an RCU stall|stall|rcu: INFO: rcu_preempt self-detected stall on CPU
an underflow|bug|BUG kmalloc-64 (Not tainted): Poison overwritten
a cycle of fences|fence check|dma-fence-check: cycle: mock:mock 7:1: waits for itself
EOF

# The mock selftests of i915.
mock_log() {
cat <<'EOF'
[    1.000000] i915: Performing mock selftests with st_random_seed=0x1 st_timeout=500
[    1.000000] i915: Running sanitycheck
[    1.000000] i915: Running fence
[    1.000000] i915: Running i915_sw_fence_mock_selftests/test_self
[    1.000000] i915: Running i915_sw_fence_mock_selftests/test_dag
RESV-BEGIN kunit
RESV-MOCK i915 -25
RESV-END kunit status=0
EOF
}
expect=(mock='sanitycheck fence' job=kunit)
mock_log >"$TMP/crafted.log"
if out=$(judge "$TMP/crafted.log" "${expect[@]}") &&
   [ "$(grep -c '^ok i915 mock selftest' <<<"$out")" = 3 ]; then
	ok "judge passes good mock selftests"
else
	fail "judge passes good mock selftests" "it said: $(tr '\n' ';' <<<"$out")"
fi
mock_log | sed '/test_dag/a i915/i915_sw_fence_mock_selftests: test_dag failed with error -22' |
	bad "a failed mock selftest" 'i915 mock selftest fence.test_dag: i915/'
mock_log | sed '/sw_fence/d;/fence/d'	| bad "a missing mock selftest" 'i915 mock selftest fence: missing'
mock_log | grep -v i915: | bad "no mock selftests at all" 'i915 mock selftest sanitycheck: missing'
mock_log | sed 's/-25/-12/' | bad "a mock selftest that fails in silence" 'i915 mock selftests: they returned -12'
mock_log | sed '/RESV/d' | bad "a mock selftest that does not end" 'i915 mock selftest fence.test_dag: truncated'

# Real machines.
[ -z "${QUICK-}" ] || return 0
machine quick
real() {	# JOB LIMIT NAME-PATTERN
	local log=$LOGS/boot-quick-$1.log out
	boot "$BUILD/kernel-quick" "$1" "$log" "$2"
	out=$(judge "$log" job="$1" || :)
	if grep -qE "^FAIL $3" <<<"$out" && grep -q "RESV-BEGIN $1" "$log"; then
		ok "a machine that does $1 fails by name"
	else
		fail "a machine that does $1 fails by name" \
			"the judge said: $(grep -m 2 FAIL <<<"$out" | tr '\n' ';' || :)" "$log"
	fi
}
real panic 120 'panic: '
real warn 120 'warning: '
real hang 45 'hang: '
