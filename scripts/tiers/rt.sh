# shellcheck shell=bash
# PREEMPT_RT, where spinlocks sleep and interrupts are threads: the series goes onto the
# base with its rt patch, and KUnit, the kselftests and the modesetting tests find
# nothing under lockdep.
# depends: series kernel:rt guest scripts/apply.sh scripts/lib/putting.sh
. "$RESV_TOP/scripts/lib/rt.sh"
if ! rt_tree; then
	fail "the tree" "$WHY"
	return 0
fi
ok "$(sed -n "s|^.*(\(Linux [^,]*\),.*now has the \([0-9]* patches\).*|\2 go onto \1$(cat "$RT_TREE/localversion-rt")|p" "$RT_SAID"), $(grep -c '^merged' "$RT_SAID" || :) by a merge"

# From here on it is the tree that is built and judged.
LINUX=$RT_TREE
machine rt
well_built rt
KUNIT='*'
# Threads that signal fences for each other take their time where each lock may sleep.
RESV_CMDLINE="resv.timeout=1200 ${RESV_CMDLINE-}"
test_programs rt selftests
KUNIT=
test_programs rt modeset "${ALL_CARDS[@]}"
