# shellcheck shell=bash
# The record, docs/tested.md: what './resv test full --record' saw pass, a tier at a time:
# docs/tested/TIER is what build/passed/TIER was where it passed, docs/tested/parts has the
# verdicts of what is less than a tier. So it can be gathered in pieces, and on several
# machines: what stands there for the very same input and tools counts.
RECORD=$RESV_TOP/docs/tested.md
RECORDED=$RESV_TOP/docs/tested
README=$RESV_TOP/README.md

# Take over what is on record for what we have before us.
from_record() {
	local t
	mkdir -p "$PASSED"
	for t in $TEST_TIERS $MORE_TIERS; do
		passed "$t" || ! passed "$t" "$RECORDED" || cp "$RECORDED/$t" "$PASSED/$t"
	done
	[ ! -e "$RECORDED/parts" ] || cat "$RECORDED/parts" >>"$PARTS"
}

# to_record TIER: it has passed
to_record() {
	mkdir -p "$RECORDED"
	cp "$PASSED/$1" "$RECORDED/$1"
	# The last line about each counts; those of mutants and patches of another state never will.
	{ [ ! -e "$PARTS" ] || tac "$PARTS"; } | awk -F '\t' '!seen[$1]++' | sort >"$RECORDED/parts"
	write_record
}

# record_sum: the sentence that README repeats
record_sum() {
	sed -n '/^The sum: /,/^$/p' "$RECORD" 2>/dev/null | tr '\n' ' ' | sed 's/^The sum: //; s/ *$//'
}
readme_sum() {
	sed -n '/<!-- tested -->/,/<!-- \/tested -->/ { /<!--/d; p }' "$README" |
		tr '\n' ' ' | sed 's/^The record of the full run (\[docs\/tested.md\](docs\/tested.md)): //; s/ *$//'
}

# Which kernel the results of a tier come from
kernel_of_tier() {
	case $1 in
	kunit|demo|runner) echo quick ;;
	lockdep|lockdep-negative|modeset|rdma) echo lockdep ;;
	kasan|kcsan|before|rt) echo "$1" ;;
	esac
}

# suite_matrix TIER...: a row a suite, a column a kernel, how many of it passed there
suite_matrix() {
	local t k
	for t; do
		k=$(kernel_of_tier "$t")
		[ -z "$k" ] || sed -n "s/^\\(ok\\|skip\\) $t: /$k \\1 /p" "$RECORDED/$t"
	done | awk '
		{ kernel = $1; verdict = $2; name = $0; sub(/^[^ ]* [^ ]* /, "", name) }
		name ~ /^kunit /		{ sub(/^kunit /, "", name); sub(/\..*/, "", name); kind = "KUnit" }
		name ~ /^i915 mock selftest /	{ name = "i915"; kind = "mock selftests" }
		name ~ /^dma-buf selftest /	{ name = "dma-buf"; kind = "selftests in the kernel" }
		!kind && name ~ /^[a-z0-9_-]+: /	{ sub(/: .*/, "", name); kind = "program" }
		kind {
			row = kind " | " name
			rows[row]; kernels[kernel]
			verdict == "ok" ? n[row, kernel]++ : skipped[row, kernel]++
			kind = ""
		}
		END {
			n_order = split("quick lockdep kasan kcsan rt before", order, " ")
			head = "| kind | suite |"; line = "|---|---|"
			for (i = 1; i <= n_order; i++) if (order[i] in kernels) {
				head = head " " order[i] " |"; line = line "---|"
			}
			print head; print line
			for (row in rows) {
				out = "| " row " |"
				for (i = 1; i <= n_order; i++) if (order[i] in kernels) {
					cell = n[row, order[i]]
					if (skipped[row, order[i]])
						cell = (cell + 0) ", " skipped[row, order[i]] " skipped"
					out = out " " cell " |"
				}
				print out | "sort"
			}
		}'
}

# booted TIER NAME: what that was, if it is on record
booted() {
	local results
	results=$(passed "$1" "$RECORDED" && sed -n "s/^ok $1: $2 (\([0-9]* results\).*/\1/p" "$RECORDED/$1") || :
	echo "${results:-not yet}"
}

write_record() {
	local t input day wall cpu commit new=$TMP/tested.md sum have=() missing=()
	for t in $TEST_TIERS $MORE_TIERS; do
		if passed "$t" "$RECORDED"; then have+=("$t"); else missing+=("$t"); fi
	done
	cd "$RECORDED" || return
	sum="$(sed -s 1d "${have[@]}" | awk '{ n[$1]++ } END { printf "%d checks passed, 0 failed, %d skipped", n["ok"], n["skip"] }')"
	if [ ${#missing[@]} = 0 ]; then
		sum="$sum, in all of its ${#have[@]} tiers"
	else
		sum="$sum, in ${#have[@]} of its $((${#have[@]} + ${#missing[@]})) tiers (not yet: ${missing[*]})"
	fi
	sum="$sum, $(patches | wc -l) patches, $(date -u +%F)."
	{
		echo "# What was tested"
		echo
		echo "The sum: $sum"
		echo
		echo "Written by \`./resv test full --record\`, a tier at a time, when it has passed; \`./resv test"
		echo "series\` compares. A tier's input is a hash of what it depends on: where it is still the same,"
		echo "the row is true of what you have before you. Times are those of the machine that ran it,"
		echo "with two processors and without KVM, and without a build where the kernel was there; the"
		echo "CPU time differs least from one machine to another."
		echo
		echo "| | |"
		echo "|---|---|"
		echo "| base | $(pin package) $(pin version) |"
		echo "| compiler | $(gcc --version | head -n 1) |"
		echo "| machine emulator | $(qemu-system-x86_64 --version | head -n 1) |"
		echo "| sparse, Coccinelle | $(sparse --version 2>&1 | head -n 1), $(spatch --version 2>/dev/null | head -n 1) |"
		echo
		echo "## Tiers"
		echo
		echo "| tier | input | at commit | passed on | checks | skipped | seconds | CPU seconds |"
		echo "|---|---|---|---|---|---|---|---|"
		for t in "${have[@]}"; do
			read -r input _ day wall cpu commit <"$t"
			echo "| $t | \`$input\` | \`$commit\` | $day | $(grep -c '^ok ' "$t" || :) | $(grep -c '^skip ' "$t" || :) | $wall | $cpu |"
		done
		for t in "${missing[@]}"; do
			echo "| $t | not yet |  |  |  |  |  |  |"
		done
		echo
		echo "## Kernels and suites"
		echo
		echo "How many of a suite's cases passed, on which kernel ([what each is for](kernels.md))."
		echo
		suite_matrix "${have[@]}"
		echo
		echo "## Topics"
		echo
		echo "How many results the kernel gave that was built and booted where a topic ends, and of the whole"
		echo "series without it, where that is possible."
		echo
		echo "| topic | its end | without it |"
		echo "|---|---|---|"
		while read -r t; do
			echo "| [$t](../series/$t) | $(booted bisect "the end of $t boots") |" \
				"$(if revertible | grep -qx "$t"; then booted revert "without $t"; else echo -; fi) |"
		done < <(topics)
		echo
		echo "## Mutants"
		echo
		echo "What each patch in mutants/ spoils is in its first line; this is what noticed it, of the core in"
		echo "user space first."
		echo
		echo "| mutant | noticed by |"
		echo "|---|---|"
		[[ " ${missing[*]} " = *" mutants "* ]] ||
			sed -nE 's/^ok mutants: ([^:]*): (.*)/| \1 | \2 |/p' mutants
		echo
		echo "## Skipped"
		echo
		sed -s 1d "${have[@]}" | grep '^skip ' | sed 's/^skip /- /' || echo "Nothing."
	} >"$new"
	cd "$OLDPWD" || return
	mv "$new" "$RECORD"
	awk -v sum="$sum" '
		/<!-- tested -->/ { print; print "The record of the full run ([docs/tested.md](docs/tested.md)): " sum; skip = 1; next }
		/<!-- \/tested -->/ { skip = 0 }
		!skip' "$README" >"$TMP/readme" && cat "$TMP/readme" >"$README"
}
