# shellcheck shell=bash
# What './resv run' shows first.
# depends: tree kernel:quick guest
machine quick
log=$LOGS/boot-quick-demo.log
boot "$BUILD/kernel-quick" demo "$log" "$(boot_limit quick)"
verdicts "$log" job=demo
scenes=$(grep -c '^RESV-DEMO ' "$log" || :)
if [ "$scenes" -ge 5 ]; then
	ok "$scenes scenes were played"
else
	fail "scenes were played" "only $scenes" "$log"
fi
