# shellcheck shell=bash
# series/ and linux/ are what build/linux says, byte for byte, also after the
# series has been applied anew.

# depends: series linux docs/tested.md README.md

same() {	# NAME WANT HAVE
	local d
	mkdir -p "$2" "$3"
	if d=$(diff -rq -x base -x whole-files -x older -x '*cover-letter*' "$2" "$3"); then
		ok "$1"
	else
		fail "$1" "$(head -n 3 <<<"$d" | tr '\n' ';') './resv export' writes it"
	fi
}

write_series "$LINUX" "$TMP/want-series"
write_whole_files "$LINUX" "$TMP/want-linux"
same "series/ is what the tree says" "$TMP/want-series" "$SERIES"
same "linux/ is what the tree says" "$TMP/want-linux" "$RESV_TOP/linux"

# Apply it once more, in a clone that shares the objects and checks out only
# the files in question, and export that.
clone=$TMP/clone
pure_git clone -q --shared --no-checkout "$LINUX" "$clone"
# .gitattributes has a say in what a hunk is headed with.
{ echo .gitattributes; lgit diff --name-only --no-renames base HEAD; } | sed "s|^|/|" |
	pure_git -C "$clone" sparse-checkout set --no-cone --stdin
pure_git -C "$clone" checkout -q -B series base
mapfile -t list < <(patches)
if [ ${#list[@]} = 0 ]; then
	skip "applied anew" "the series has no patches"
elif pure_git -C "$clone" am -q --keep-cr --no-3way --whitespace=nowarn "${list[@]}" \
		>"$LOGS/round-trip.log" 2>&1; then
	write_series "$clone" "$TMP/again-series"
	same "series/ is stable when applied anew" "$TMP/again-series" "$SERIES"
else
	fail "applied anew" "git am refused the series" "$LOGS/round-trip.log"
fi
rm -rf "$clone"

n=0
for f in "${list[@]}"; do
	n=$((n + 1))
	case ${f##*/} in
	"$(printf %04d "$n")"-*) ;;
	*) fail "numbering" "${f##*/} should be number $n" ;;
	esac
	grep -q '^Signed-off-by: ' "$f" || fail "${f##*/}" "has no Signed-off-by"
done

# The record of the last full run, and what README says of it
if [ ! -e "$RECORD" ]; then
	skip "docs/tested.md" "there is no record yet; './resv test full' writes it"
elif [ "$(record_sum)" != "$(readme_sum)" ]; then
	fail "docs/tested.md" "README says '$(readme_sum)', the record '$(record_sum)'" "$RECORD"
else
	other=
	for t in $TEST_TIERS $MORE_TIERS; do
		[ "$t" != series ] || continue
		read -r input _ < <(recorded "$t") || input=
		[ "$input" = "$(input_of "$t")" ] ||
			other+=" $t"
	done
	ok "docs/tested.md and README agree${other:+; since then the input has changed of:$other}"
fi
