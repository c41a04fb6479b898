# shellcheck shell=bash
# series/ and linux/ are what build/linux says, byte for byte, also after the
# series has been applied anew.

# depends: series linux
. "$RESV_TOP/scripts/lib/overview.sh"

same() {	# NAME WANT HAVE
	local d
	mkdir -p "$2" "$3"
	if d=$(diff -rq -x base -x order -x whole-files -x older -x rt -x README.md -x topics.svg \
			-x '*cover-letter*' "$2" "$3"); then
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
am_topics() {	# each with its branch
	local t
	while read -r t; do
		pure_git -C "$clone" am -q --keep-cr --no-3way --whitespace=nowarn \
			"$SERIES/$t"/[0-9]*.patch || return
		pure_git -C "$clone" branch -q --no-track "topic/$t"
	done < <(topics)
}
if am_topics >"$LOGS/round-trip.log" 2>&1; then
	write_series "$clone" "$TMP/again-series"
	same "series/ is stable when applied anew" "$TMP/again-series" "$SERIES"
else
	fail "applied anew" "git am refused the series" "$LOGS/round-trip.log"
fi
rm -rf "$clone"

for f in "${list[@]}"; do
	grep -q '^Signed-off-by: ' "$f" || fail "$(patch_name "$f")" "has no Signed-off-by"
done

# What a cover letter quotes that begins as subjects do is the subject of a patch
lgit log --format=%s base..HEAD >"$TMP/subjects"
sed 's/: .*//' "$TMP/subjects" | sort -u >"$TMP/prefixes"
while read -r t; do
	while IFS= read -r quoted; do
		! grep -qxF -e "${quoted%%: *}" "$TMP/prefixes" || grep -qF -e "$quoted" "$TMP/subjects" ||
			fail "$t" "its cover letter names a patch that there is not: $quoted"
	done < <(tr '\n' ' ' <"$(cover_of "$t")" | grep -oE '"[^"]+: [^"]+"' | tr -d '"' | tr -s ' ')
done < <(topics)

# Topics: numbered from 1, with a cover letter, and needing earlier ones only
seen=
while read -r t; do
	n=0
	while read -r f; do
		n=$((n + 1))
		case ${f##*/} in
		"$(printf %04d "$n")"-*) ;;
		*) fail "numbering" "$(patch_name "$f") should be number $n" ;;
		esac
	done < <(patches "$t")
	[ "$n" -gt 0 ] || fail "$t" "it has no patches"
	[ -n "$(title_of "$t" 2>/dev/null)" ] ||
		fail "$t" "its cover letter is missing, or has no 'Subject: ' in the first line"
	for need in $(needs_of "$t"); do
		[[ " $seen " = *" $need "* ]] || fail "$t" "it needs $need, which is not before it in series/order"
	done
	! grep -l '^Cc: stable@' "$SERIES/$t"/*.patch >"$TMP/stable" || [ "$t" = fixes ] ||
		fail "$(patch_name "$(head -n 1 "$TMP/stable")")" "Cc: stable outside of fixes"
	seen+=" $t"
done < <(topics)
write_overview "$LINUX" "$TMP/overview"
if cmp -s "$TMP/overview" "$SERIES/README.md" &&
   [ "$(grep -c 'class="node"' "$SERIES/topics.svg") $(grep -c 'class="edge"' "$SERIES/topics.svg")" = \
     "$(overview_dot | grep -c 'label=') $(overview_dot | grep -c -e '->')" ]; then
	ok "series/README.md and its picture are what the topics say"
else
	fail "series/README.md and its picture are what the topics say" "'./resv export' writes it"
fi

# The record of the last full run, and what README says of it
if [ ! -e "$RECORD" ]; then
	skip "docs/tested.md" "there is no record yet; './resv test full --record' writes it"
elif [ "$(record_sum)" != "$(readme_sum)" ]; then
	fail "docs/tested.md" "README says '$(readme_sum)', the record '$(record_sum)'" "$RECORD"
else
	other=
	for t in $TEST_TIERS $MORE_TIERS; do
		[ "$t" != series ] || continue
		passed "$t" "$RECORDED" || other+=" $t"
	done
	ok "docs/tested.md and README agree${other:+; not on record for this very input and these tools:$other}"
fi
