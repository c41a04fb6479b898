# shellcheck shell=bash
# Seconds: the crafted logs, the series against the tree, the core in user space,
# and one boot with KUnit if its kernel was built before.
QUICK=1
. "$RESV_TOP/scripts/tiers/runner.sh"
. "$RESV_TOP/scripts/tiers/series.sh"
. "$RESV_TOP/scripts/tiers/native.sh"
if [ -e "$BUILD/kernel-quick/vmlinux" ]; then
	. "$RESV_TOP/scripts/tiers/kunit.sh"
else
	skip "kunit" "its kernel is not built yet; './resv test kunit' builds it"
fi
