# shellcheck shell=bash
# Data races are watched for while KUnit runs, the torture above all. Watching
# is slow, so it goes on for longer than in other machines.
# depends: tree kernel:kcsan guest
machine kcsan
well_built kcsan
RESV_CMDLINE="dmabuf_kunit.torture_ms=8000 ${RESV_CMDLINE-}"
test_kunit kcsan
if grep -q 'kcsan: enabled early' "$LOGS/boot-kcsan-kunit.log" &&
   nm "$BUILD/kernel-kcsan/drivers/dma-buf/dma-resv.o" | grep __tsan_write >/dev/null; then
	ok "races were watched for"
else
	fail "races were watched for" "the kernel or its configuration says that they were not" \
		"$LOGS/boot-kcsan-kunit.log"
fi
