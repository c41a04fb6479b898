# shellcheck shell=bash
# Each topic of which series/order says that it can be reverted alone is: all of its
# patches, the last one first, on the final tree. What is left builds, boots, and passes
# the tests that are left.
# depends: series kernel:topics guest
. "$RESV_TOP/scripts/lib/check.sh"
while read -r t; do
	have_tree HEAD
	if ! cgit revert --no-edit "$(range_of "$t")" >"$LOGS/revert-$t.log" 2>&1; then
		cgit revert --abort >/dev/null 2>&1 || :
		fail "without $t" "$(grep -m 1 -E '^(error|CONFLICT)' "$LOGS/revert-$t.log")" "$LOGS/revert-$t.log"
		continue
	fi
	boots "without $t" "$(cgit rev-parse HEAD)"
done < <(revertible)
