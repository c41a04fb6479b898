# shellcheck shell=bash
# What passed, for which input. A tier says in its file what it depends on, in a line
# '# depends: DIR|FILE...'; 'tree' stands for what all patches together make of the base,
# which the cut into patches does not change. The scripts are always part of it. What passed
# is in build/passed/TIER: a line about the run, then its results.
PASSED=$BUILD/passed

# Sets CPU to the seconds of CPU time that our children have used so far. A subshell
# would know of its own only.
CPU=0
count_cpu() {
	times >"$TMP/times"
	CPU=$(awk '{ for (i = 1; i < 3; i++) { split($i, t, /[ms]/); s += t[1] * 60 + t[2] } }
		END { printf "%d\n", s }' "$TMP/times")
}

# input_of TIER: a hash of what it depends on
input_of() {
	local deps d have=()
	read -ra deps < <(sed -n 's/^# depends: //p' "$RESV_TOP/scripts/tiers/$1.sh") || deps=()
	for d in "${deps[@]}" scripts/lib scripts/test.sh scripts/tiers/"$1"{,.sh}; do
		[ ! -e "$RESV_TOP/$d" ] || have+=("$d")
	done
	(	cd "$RESV_TOP" || exit
		{	find "${have[@]}" -type f -print0 | sort -z | xargs -0 sha256sum
			[[ " ${deps[*]-} " != *' tree '* ]] || lgit rev-parse 'HEAD^{tree}'
		} | sha256sum | cut -c1-12
	)
}
# The same input, other tools: another run
tools_id() {
	{ gcc -dumpfullversion; qemu-system-x86_64 --version; ld --version; } 2>/dev/null |
		sha256sum | cut -c1-8
}

remember() {	# TIER SECONDS CPU-SECONDS
	[ "$1" != tree ] || return 0
	mkdir -p "$PASSED"
	rm -f "$PASSED/$1"
	# What is not in series/ is no input that could be named.
	[ -z "$(unexported)" ] && [ -z "$BASE_ARG" ] || return 0
	! grep -q "^FAIL $1: " "$RESULTS" || return 0
	{	echo "$(input_of "$1") $(tools_id) $(date -u +%F) $2 $3"
		grep -E "^(ok|skip) $1: " "$RESULTS" || :
	} >"$PASSED/$1.new"
	mv "$PASSED/$1.new" "$PASSED/$1"
}

# recall TIER: did it pass here, for this very input? Then that counts.
recall() {
	local input tools day rest
	[ -z "$(unexported)" ] && [ -z "$BASE_ARG" ] && [ -f "$PASSED/$1" ] || return
	read -r input tools day rest <"$PASSED/$1"
	[ "$input $tools" = "$(input_of "$1") $(tools_id)" ] || return
	say "== $1 passed on $day for this very input"
	sed 1d "$PASSED/$1" | tee -a "$RESULTS"
}

# not_run TIER...: of the tiers that are none of these, when they last passed
not_run() {
	local t when input day rest said=
	for t in $TEST_TIERS $MORE_TIERS; do
		[[ " $* " != *" $t "* ]] || continue
		[ -n "$said" ] || { say; say "Not run ('./resv test full' runs all, or name them):"; said=1; }
		when="never on record"
		while read -r input day rest; do
			when="last passed on $day, for another input"
			[ "$input" != "$(input_of "$t")" ] ||
				{ when="passed on $day, for this very input"; break; }
		done < <(recorded "$t"; [ ! -f "$PASSED/$t" ] || awk 'NR == 1 { print $1, $3 }' "$PASSED/$t")
		say "$(printf '  %-18s %s' "$t" "$when")"
	done
}
