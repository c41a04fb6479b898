# shellcheck shell=bash
# resv test [TIER...] [--base FILE|DIR]; a tier is scripts/tiers/NAME.sh
for lib in common deps base lay write kernel boot judge results machine; do
	. "$RESV_TOP/scripts/lib/$lib.sh"
done

ALL_TIERS="native series litmus drivers-doc kunit selftests runner lockdep lockdep-negative modeset rdma kasan apply drivers static"
# Not part of full: they take long, or seldom find anything new.
ON_DEMAND="quick pressure mutants kcsan bisect cross legacy before"

# Every tier runs in a shell of its own, so that one that stops does not stop
# the others.
TIER_PID=
stop_tier() {
	[ -n "$TIER_PID" ] || return 0
	kill -TERM "$TIER_PID" 2>/dev/null || return 0
	wait "$TIER_PID" 2>/dev/null || :
}
run_tier() {
	local start=$SECONDS rc=0
	TIER=$1
	say "== $TIER"
	(
		AT_EXIT=()
		trap run_at_exit EXIT
		trap 'exit 143' TERM
		. "$RESV_TOP/scripts/tiers/$TIER.sh"
	) &
	TIER_PID=$!
	wait "$TIER_PID" || rc=$?
	TIER_PID=
	[ "$rc" = 0 ] || fail "the tier itself" "it stopped early (status $rc), see above"
	say "== $TIER took $((SECONDS - start)) s"
}

parse_args "$@"
tiers=()
for a in "${ARGS[@]}"; do
	case $a in
	full) read -ra all <<<"$ALL_TIERS"; tiers+=("${all[@]}") ;;
	-*) usage_error "test does not know '$a'" ;;
	*)	[[ " $ALL_TIERS $ON_DEMAND " = *" $a "* ]] ||
			usage_error "there is no test tier '$a'; there are: $ON_DEMAND $ALL_TIERS full"
		tiers+=("$a") ;;
	esac
done
[ ${#ARGS[@]} -gt 0 ] || read -ra tiers <<<"$ALL_TIERS"

lock_build
at_exit stop_tier
RESULTS=$LOGS/results
: >"$RESULTS"
need fetch build check apply
run_tier tree
if ! grep -q "^FAIL" "$RESULTS"; then
	for t in "${tiers[@]}"; do run_tier "$t"; done
fi

if grep -q '^FAIL' "$RESULTS"; then
	say
	say "What failed (logs are in ${LOGS#"$PWD/"}):"
	grep '^FAIL' "$RESULTS"
fi
say "took $((SECONDS - RESV_START)) s"
tally
