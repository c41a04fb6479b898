# shellcheck shell=bash
# What the checks of the test tiers report, and the tally of it.
# Every check is one line in $RESULTS: ok NAME, skip NAME: WHY, FAIL NAME: WHY.

RESULTS=
result() {
	clear_status
	printf '%s\n' "$*" | tee -a "$RESULTS"
}
ok()   { result "ok $TIER: $*"; }
skip() { result "skip $TIER: $1: $2"; }
fail() {	# NAME WHY [LOG]
	result "FAIL $TIER: $1: $2"
	[ -z "${3-}" ] || say "     see $3"
}

# verdicts LOG EXPECTATIONS...: judge a console log, report every line
verdicts() {
	local log=$1 verdict rest bad=
	shift
	while read -r verdict rest; do
		result "$verdict $TIER: $rest"
		[ "$verdict" != FAIL ] || bad=1
	done < <(judge "$log" "$@")
	[ -z "$bad" ] || say "     see $log"
}

tally() {	# prints the last line; fails if any check did
	awk '{ n[$1]++ }
	END {
		printf "%d passed, %d failed", n["ok"], n["FAIL"]
		if (n["skip"]) printf ", %d skipped", n["skip"]
		printf "\n"
		exit n["FAIL"] > 0 || !n["ok"]
	}' "$RESULTS"
}
