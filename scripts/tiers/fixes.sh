# shellcheck shell=bash
# The topic fixes by itself on the unpatched base: what it touches builds for x86, arm64
# or arm without a new warning, and under lockdep it boots, passes the mock selftests of
# i915 as the base does, and loses no word where the base loses one (see pressure).
# depends: series kernel:before kernel:check kernel:cross-arm64 kernel:cross-arm guest
. "$RESV_TOP/scripts/lib/check.sh"
need cross
mapfile -t commits < <(lgit rev-list "base..topic/fixes")

# What the base warns about is not ours; what it cannot build for a machine is built for
# another one.
: >"$TMP/built"
for machine in check cross-arm64 cross-arm; do
	check_for "$machine"
	no_objects
	check_out base
	mapfile -t files < <(sources_of "${commits[@]}")
	log=$LOGS/fixes-base-$machine.log
	check_make "the base for $machine" "$log" "${files[@]/%.c/.o}" || :
	warnings_in "$log" >"$TMP/base-warnings"
	mapfile -t files < <(for f in "${files[@]}"; do
		[ ! -e "$CHECK_OUT/${f%.c}.o" ] || echo "$f"
	done | grep -vxFf "$TMP/built" || :)
	[ ${#files[@]} -gt 0 ] || continue
	check_out topic/fixes
	log=$LOGS/fixes-$machine.log
	if ! check_make "fixes for $machine" "$log" "${files[@]/%.c/.o}"; then
		fail "builds for $machine" "$(grep -m 1 -E ' error: |\*\*\*' "$log" || echo 'make failed')" "$log"
	elif new=$(warnings_in "$log" | comm -13 "$TMP/base-warnings" -) && [ -n "$new" ]; then
		fail "builds for $machine" "warns: $(head -n 2 <<<"$new" | tr '\n' ';')" "$log"
	else
		ok "${#files[@]} files build for $machine"
	fi
	printf '%s\n' "${files[@]}" >>"$TMP/built"
	no_objects
done
have_tree topic/fixes
left=$(sources_of "${commits[@]}" | grep -vxFf "$TMP/built" || :)
[ -z "$left" ] || fail "all of it builds" "not: ${left//$'\n'/ }"

kernel=$BUILD/kernel-before
build_kernel before "$CHECK_TREE" "$kernel"
guest_anew "$CHECK_TREE" "$kernel"
test_mock before "$CHECK_TREE"

# The test of framebuffers that are evicted comes with a later topic, and runs on any kernel.
selftests=$LINUX/tools/testing/selftests
mkdir -p "$TMP/headers"
in_background "building the test of framebuffers" "$LOGS/fixes-headers.log" \
	kmake "$LINUX" "$TMP/headers" -s headers_install INSTALL_HDR_PATH="$TMP/usr"
gcc -O2 -static -I"$TMP/usr/include" -I"$selftests" \
	-o "$kernel/guest/root/tests/kms_evict" "$selftests/drm/kms_evict.c"
build_guest "$CHECK_TREE" "$kernel"
log=$LOGS/boot-fixes-pressure.log
RESV_CMDLINE="${RESV_CMDLINE-} resv.rounds=2 resv.timeout=600" \
	boot "$kernel" pressure "$log" 600 "${SMALL_CARDS[@]}"
verdicts "$log" job=pressure
