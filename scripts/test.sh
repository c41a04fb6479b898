# shellcheck shell=bash
# resv test [TIER...] [full [--record]] [--base FILE|DIR]; a tier is scripts/tiers/NAME.sh
for lib in common deps base lay write kernel boot judge results machine memory record; do
	. "$RESV_TOP/scripts/lib/$lib.sh"
done

# What finds mistakes in a change of the series, within 45 minutes on two slow cores
TEST_TIERS="native series litmus drivers-doc kunit demo runner lockdep lockdep-negative modeset rdma drivers static"
# What full has besides
MORE_TIERS="kasan apply check-tree docs kcsan sparse mutants cross legacy before fixes rt deb bisect revert"
# Only by name
ON_DEMAND="quick pressure pressure-base arm64 arm"

# Every tier runs in a shell of its own, so that one that stops does not stop
# the others.
TIER_PID=
stop_tier() {
	[ -n "$TIER_PID" ] || return 0
	kill -TERM "$TIER_PID" 2>/dev/null || return 0
	wait "$TIER_PID" 2>/dev/null || :
}
run_tier() {
	local start=$SECONDS cpu rc=0
	TIER=$1
	count_cpu
	cpu=$CPU
	say "== $TIER"
	(
		AT_EXIT=() FAILED_AT=''
		trap run_at_exit EXIT
		at_exit ended_early
		trap 'exit 143' TERM
		. "$RESV_TOP/scripts/tiers/$TIER.sh"
	) &
	TIER_PID=$!
	wait "$TIER_PID" || rc=$?
	TIER_PID=
	[ "$rc" = 0 ] || fail "the tier itself" "it stopped early (status $rc), see above"
	count_cpu
	cpu=$((CPU - cpu))
	say "== $TIER took $((SECONDS - start)) s, $cpu s of CPU time"
	remember "$TIER" $((SECONDS - start)) "$cpu"
}

parse_args "$@"
tiers=()
full=
record=
for a in "${ARGS[@]-}"; do
	case $a in
	'')	read -ra all <<<"$TEST_TIERS"; tiers+=("${all[@]}") ;;
	full)	full=1; read -ra all <<<"$TEST_TIERS $MORE_TIERS"; tiers+=("${all[@]}") ;;
	--record) record=1 ;;
	-*)	usage_error "test does not know '$a'" ;;
	*)	[[ " $TEST_TIERS $MORE_TIERS $ON_DEMAND " = *" $a "* ]] ||
			usage_error "there is no test tier '$a'; there are: $ON_DEMAND $TEST_TIERS $MORE_TIERS full"
		tiers+=("$a") ;;
	esac
done
[ -z "$record" ] || [ ${#tiers[@]} -gt 0 ] || usage_error "--record is for 'test full', or for tiers by name"

# A mistake of ours ends the run by set -e, which says nothing.
set -E
FAILED_AT='' ENDED=''
trap 'FAILED_AT="${BASH_SOURCE[0]##*/}:$LINENO: $BASH_COMMAND"' ERR
ended_early() { [ -n "$ENDED" ] || [ -z "$FAILED_AT" ] || note "resv: ended early, at $FAILED_AT"; }

lock_build
at_exit ended_early
at_exit stop_tier
RESULTS=$LOGS/results
: >"$RESULTS"
need fetch build check apply
run_tier tree
if ! grep -q "^FAIL" "$RESULTS"; then
	n=0
	[ -z "$record" ] || from_record
	for t in "${tiers[@]}"; do
		n=$((n + 1))
		[ -z "$full" ] || say "-- $n of ${#tiers[@]}"
		[ -n "$full$record" ] && recall "$t" || run_tier "$t"
		[ -z "$record" ] || ! passed "$t" || to_record "$t"
	done
fi

not_run "${tiers[@]}"
if grep -q '^FAIL' "$RESULTS"; then
	say
	say "What failed (logs are in ${LOGS#"$PWD/"}):"
	grep '^FAIL' "$RESULTS"
fi
count_cpu
say "took $((SECONDS - RESV_START)) s, $CPU s of CPU time"
ENDED=1
tally
