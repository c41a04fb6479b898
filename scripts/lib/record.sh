# shellcheck shell=bash
# docs/tested.md: what './resv test full' saw the last time that all of it passed
RECORD=$RESV_TOP/docs/tested.md
README=$RESV_TOP/README.md

# recorded TIER: 'INPUT DAY' of its row, if it has one
recorded() {
	awk -F' *[|] *' -v t="$1" '$2 == t { gsub(/`/, "", $3); print $3, $4 }' "$RECORD" 2>/dev/null || :
}

# record_sum: the sentence that README repeats
record_sum() {
	sed -n '/^The sum: /,/^$/p' "$RECORD" 2>/dev/null | tr '\n' ' ' | sed 's/^The sum: //; s/ *$//'
}
readme_sum() {
	sed -n '/<!-- tested -->/,/<!-- \/tested -->/ { /<!--/d; p }' "$README" |
		tr '\n' ' ' | sed 's/^The last full run (\[record\](docs\/tested.md)): //; s/ *$//'
}

# Which kernel the results of a tier come from
kernel_of_tier() {
	case $1 in
	kunit|demo|runner) echo quick ;;
	lockdep|lockdep-negative|modeset|rdma) echo lockdep ;;
	kasan|kcsan|before) echo "$1" ;;
	esac
}

# suite_matrix TIER...: a row a suite, a column a kernel, how many of it passed there
suite_matrix() {
	local t k
	for t; do
		k=$(kernel_of_tier "$t")
		[ -z "$k" ] || sed -n "s/^\\(ok\\|skip\\) $t: /$k \\1 /p" "$PASSED/$t"
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
			split("quick lockdep kasan kcsan before", order, " ")
			head = "| kind | suite |"; line = "|---|---|"
			for (i = 1; i <= 5; i++) if (order[i] in kernels) {
				head = head " " order[i] " |"; line = line "---|"
			}
			print head; print line
			for (row in rows) {
				out = "| " row " |"
				for (i = 1; i <= 5; i++) if (order[i] in kernels) {
					cell = n[row, order[i]]
					if (skipped[row, order[i]])
						cell = (cell + 0) ", " skipped[row, order[i]] " skipped"
					out = out " " cell " |"
				}
				print out | "sort"
			}
		}'
}

write_record() {	# TIER...
	local t input tools day wall cpu new=$TMP/tested.md sum
	sum="$(awk '{ n[$1]++ } END { printf "%d checks passed, 0 failed, %d skipped", n["ok"], n["skip"] }' "$RESULTS")"
	sum="$sum, in $# tiers, $(patches | wc -l) patches, $(date -u +%F)."
	{
		echo "# What was tested"
		echo
		echo "The sum: $sum"
		echo
		echo "Written by \`./resv test full\` when all of it passed; \`./resv test series\` compares. A tier's"
		echo "input is a hash of the files that it depends on: where it is still the same, the row is true of"
		echo "what you have before you. Times are those of the machine that ran it, with two processors and"
		echo "without KVM, and without a build where the kernel was there; the CPU time differs least from"
		echo "one machine to another."
		echo
		echo "| | |"
		echo "|---|---|"
		echo "| commit | $(git -C "$RESV_TOP" rev-parse --short=12 HEAD 2>/dev/null || echo "none")$(
			[ -z "$(git -C "$RESV_TOP" status --porcelain 2>/dev/null)" ] || echo ", with changes on top") |"
		echo "| base | $BASE_NAME |"
		echo "| compiler | $(gcc --version | head -n 1) |"
		echo "| machine emulator | $(qemu-system-x86_64 --version | head -n 1) |"
		echo "| sparse, Coccinelle | $(sparse --version 2>&1 | head -n 1), $(spatch --version 2>/dev/null | head -n 1) |"
		echo
		echo "## Tiers"
		echo
		echo "| tier | input | passed on | checks | skipped | seconds | CPU seconds |"
		echo "|---|---|---|---|---|---|---|"
		for t; do
			read -r input tools day wall cpu <"$PASSED/$t"
			echo "| $t | \`$input\` | $day | $(grep -c '^ok ' "$PASSED/$t" || :) | $(grep -c '^skip ' "$PASSED/$t" || :) | $wall | $cpu |"
		done
		echo
		echo "## Kernels and suites"
		echo
		echo "How many of a suite's cases passed, on which kernel ([what each is for](kernels.md))."
		echo
		suite_matrix "$@"
		echo
		echo "## Mutants"
		echo
		echo "What each patch in mutants/ spoils is in its first line; this is what noticed it, of the core in"
		echo "user space first."
		echo
		echo "| mutant | noticed by |"
		echo "|---|---|"
		sed -nE 's/^ok mutants: ([^:]*): (.*)/| \1 | \2 |/p' "$PASSED/mutants"
		echo
		echo "## Skipped"
		echo
		grep '^skip ' "$RESULTS" | sed 's/^skip /- /' || echo "Nothing."
	} >"$new"
	mv "$new" "$RECORD"
	awk -v sum="$sum" '
		/<!-- tested -->/ { print; print "The last full run ([record](docs/tested.md)): " sum; skip = 1; next }
		/<!-- \/tested -->/ { skip = 0 }
		!skip' "$README" >"$TMP/readme" && cat "$TMP/readme" >"$README"
	say "docs/tested.md has the record; README.md its sum"
}
