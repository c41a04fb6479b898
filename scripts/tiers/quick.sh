# shellcheck shell=bash
# Seconds: the crafted logs, the series against the tree, and one boot with
# KUnit if its kernel was built before.
QUICK=1
. "$RESV_TOP/scripts/tiers/runner.sh"
. "$RESV_TOP/scripts/tiers/series.sh"
if [ -e "$BUILD/kernel-quick/vmlinux" ]; then
	. "$RESV_TOP/scripts/tiers/kunit.sh"
else
	skip "kunit" "its kernel is not built yet; './resv test kunit' builds it"
fi
