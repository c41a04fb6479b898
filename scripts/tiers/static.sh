# shellcheck shell=bash
# What is found without running anything: checkpatch --strict on every patch, sparse
# on the files that we show whole (the tier sparse has the drivers), and the Coccinelle
# rules that come with the series. Each is tried on scripts/tiers/static/RULE.c first.
# depends: series kernel:check kernel:quick
. "$RESV_TOP/scripts/lib/check.sh"
. "$RESV_TOP/scripts/lib/maintainers.sh"
need cocci
mapfile -t list < <(patches)
[ ${#list[@]} -gt 0 ] || skip "checkpatch" "the series has no patches"

# Does MAINTAINERS, as COMMIT leaves it, name somebody for each file that this adds?
maintained() {	# COMMIT
	local f
	lgit show "$1:MAINTAINERS" >"$TMP/MAINTAINERS"
	while read -r f; do
		looked_after "$f" --mpath "$TMP/MAINTAINERS" || { echo "$f"; return 1; }
	done < <(lgit diff --no-renames --diff-filter=A --name-only "$1~" "$1")
}

# What checkpatch cannot know: a for_each macro has to name its cursor more than once.
# And it says of each file that comes or goes that MAINTAINERS may have to change: so it
# is to say it where that is so. Twenty patches at once, for it reads its lists anew each
# time; one by one only where it found something.
CHECKPATCH=(scripts/checkpatch.pl --strict --no-tree --quiet)
run_checkpatch() {	# IGNORED PATCH...
	local ignored=$1
	shift
	# shellcheck disable=SC2016 # for the shell that xargs starts
	(cd "$LINUX" && printf '%s\0' "$@" | xargs -0 -n 20 -P "$(nproc)" bash -c '
		logs=$1 series=$2 check=($3)
		shift 3
		! "${check[@]}" "$@" >/dev/null 2>&1 || exit 0
		for p; do
			name=${p#"$series/"}
			log=$logs/checkpatch-${name////-}.log
			! "${check[@]}" "$p" >"$log" 2>&1 || rm "$log"
		done' checkpatch "$LOGS" "$SERIES" "${CHECKPATCH[*]} --ignore $ignored")
}
rm -f "$LOGS"/checkpatch-*.log
mapfile -t commits < <(lgit rev-list --reverse base..HEAD)
covered=() others=()
for ((i = 0; i < ${#list[@]}; i++)); do
	status "MAINTAINERS: patch $((i + 1)) of ${#list[@]}"
	if grep -q '^new file mode' "${list[i]}" && new=$(maintained "${commits[i]}"); then
		covered+=("${list[i]}")
	elif grep -q '^deleted file mode' "${list[i]}" && ! grep -q '^new file mode' "${list[i]}"; then
		# What goes leaves no line behind: the tier docs looks for those.
		covered+=("${list[i]}")
	else
		others+=("${list[i]}")
	fi
done
in_background "checkpatch" "$LOGS/checkpatch.log" run_checkpatch MACRO_ARG_REUSE "${others[@]}" &&
	in_background "checkpatch" "$LOGS/checkpatch.log" \
		run_checkpatch MACRO_ARG_REUSE,FILE_PATH_CHANGES "${covered[@]}" ||
	fail "checkpatch" "it ended early" "$LOGS/checkpatch.log"
found=
for log in "$LOGS"/checkpatch-*.log; do
	[ -e "$log" ] || continue
	found=1
	fail "${log##*/}" "$(grep -m 1 -E '^(ERROR|WARNING|CHECK)' "$log" || echo failed)" "$log"
done
[ -n "$found" ] || [ ${#list[@]} = 0 ] || ok "checkpatch (${#list[@]} patches)"

# Sparse runs on what the quick kernel builds of the files that we show whole.
build_kernel quick "$LINUX" "$BUILD/kernel-quick"
mapfile -t files < <(whole_files "$LINUX" | grep '\.c$' | while read -r f; do
	[ ! -e "$BUILD/kernel-quick/${f%.c}.o" ] || echo "$f"
done)
log=$LOGS/sparse.log
in_background "sparse" "$log" kmake "$LINUX" "$BUILD/kernel-quick" -k -j"$(nproc)" C=2 \
	"${files[@]/%.c/.o}" || fail "sparse" "$(grep -m 1 '\*\*\*' "$log" || echo failed)" "$log"
for f in "${files[@]}"; do
	if ! grep -qE "^  CHECK  .*$f\$" "$log"; then
		fail "sparse $f" "it did not run" "$log"
	elif grep -qE "^(.*/)?$f:[0-9]" "$log"; then
		fail "sparse $f" "$(grep -m 1 -E "^(.*/)?$f:[0-9]" "$log")" "$log"
	else
		ok "sparse $f"
	fi
done

progress_of() { :; }

# The rules: in their test data they report each line that says
# "expect: WORDS OF THE MESSAGE" and no other; in the tree, nothing.
spatch_report() {	# RULE LOG FILE...
	local rule=$1 log=$2
	shift 2
	run_spatch() {
		printf '%s\0' "$@" | (cd "$LINUX" && xargs -0 -n 8 -P "$(nproc)" timeout 600 spatch \
			-D report --very-quiet --no-show-diff --no-includes --include-headers \
			--sp-file "$rule")
	}
	in_background "spatch ${rule##*/}" "$log" run_spatch "$@"
}
data=$RESV_TOP/scripts/tiers/static
mapfile -t rules < <(cd "$LINUX" && lgit diff --name-only --diff-filter=A base HEAD -- \
	'scripts/coccinelle/*.cocci' | xargs grep -l 'depends on report')
for rule in "${rules[@]}"; do
	name=${rule##*/} name=${name%.cocci}
	log=$LOGS/cocci-$name.log
	[ -e "$data/$name.c" ] || { fail "$name" "it has no test data"; continue; }
	if ! spatch_report "$rule" "$log" "$data"/*.c; then
		fail "$name finds what was planted" "spatch failed" "$log"
		continue
	fi
	wrong=$(awk -v own="$data/$name.c" '
		FNR == NR {
			if (match($0, /expect: .* \*\//))
				want[FNR] = substr($0, RSTART + 8, RLENGTH - 11)
			next
		}
		match($0, /:[0-9]+:[0-9-]+: /) {
			split(substr($0, RSTART + 1), at, ":")
			if (substr($0, 1, RSTART - 1) == own && at[1] in want && index($0, want[at[1]]))
				found[at[1]]
			else
				print "a report that is not expected: " $0
		}
		END {
			for (n in want)
				if (!(n in found)) print "no report of line " n ": " want[n]
		}' "$data/$name.c" "$log")
	if [ -n "$wrong" ]; then
		fail "$name finds what was planted" "${wrong%%$'\n'*}" "$log"
	else
		ok "$name finds what was planted ($(grep -c 'expect: ' "$data/$name.c")), and nothing else"
	fi
	# Only where one of the functions is named that the rule is about
	words=$(sed -n 's,^// Keywords: ,,p' "$LINUX/$rule" | tr -s ', \n' '|')
	# ... and but for tests that do what is wrong, to see that it is noticed
	mapfile -t files < <(lgit grep -lwE "${words%|}" -- '*.[ch]' ':!*legacy*' \
		':!*/dmabuf-lockdep-test.c' ':!*/dma-fence-section-check-test.c')
	log=$LOGS/cocci-$name-tree.log
	if ! spatch_report "$rule" "$log" "${files[@]}"; then
		fail "$name in the tree" "spatch failed" "$log"
	elif grep -qE ': (ERROR|WARNING): ' "$log"; then
		fail "$name in the tree" "$(grep -m 1 -E ': (ERROR|WARNING): ' "$log")" "$log"
	else
		ok "$name reports nothing in ${#files[@]} files"
	fi
done
