# shellcheck shell=bash
# For drivers outside the tree, tried out on those of the base: what builds as it is
# with linux/dma-resv-legacy.h, what more does after the semantic patch, and what that
# makes of it compared with what we did by hand. docs/your-own-kernel.md has all of it
# as tables.
# depends: tree kernel:check kernel:cross-arm64 docs/your-own-kernel.md
. "$RESV_TOP/scripts/lib/check.sh"
. "$RESV_TOP/scripts/lib/legacy.sh"
need cocci
need cross
doc=$RESV_TOP/docs/your-own-kernel.md

# The semantic patch
rm -rf "$TMP/converted"
if ! convert_legacy "$TMP/converted"; then
	fail "the semantic patch" "spatch failed" "$LOGS/legacy-cocci.log"
else
	compare_legacy "$TMP/converted" >"$LOGS/legacy-places.txt"
	legacy_table <"$LOGS/legacy-places.txt" >"$LOGS/legacy-table.txt"
	if diff <(sed -n '/^| driver | functions/,/^$/p' "$doc" | sed '/^$/d') \
			"$LOGS/legacy-table.txt" >"$TMP/diff"; then
		ok "the semantic patch does what the table says ($(wc -l <"$LOGS/legacy-places.txt") functions)"
	else
		fail "the semantic patch does what the table says" \
			"$(sed -n 2p "$TMP/diff")" "$LOGS/legacy-table.txt"
	fi
fi

# The header: every file that uses the old interface, in directories of the base. Then
# all of them once more, converted. Msm has ARM in it, the others build for x86.
legacy_files | grep '\.c$' >"$TMP/files"
: >"$TMP/broken-as-is"
: >"$TMP/broken-converted"
for machine in check cross-arm64; do
	match=(-v)
	[ "$machine" = check ] || match=()
	mapfile -t files < <(grep "${match[@]}" '^drivers/gpu/drm/msm/' "$TMP/files")
	check_for "$machine"
	check_out HEAD
	lay_legacy "${files[@]}"
	build_legacy as-is "${files[@]}"
	cp -r "$TMP/converted/." "$CHECK_TREE"
	build_legacy converted "${files[@]}"
done

# not_built WHAT NAME HEAD: the files that didn't build are those of a table
not_built() {
	local broken=$TMP/broken-$1 new gone all
	all=$(wc -l <"$TMP/files")
	sort -o "$broken" "$broken"
	sed -n "/^| $3 /,/^\$/s/^| \`\([^\`]*\)\`.*/\1/p" "$doc" | sort >"$TMP/known"
	new=$(comm -23 "$broken" "$TMP/known" | tr '\n' ' ')
	gone=$(comm -13 "$broken" "$TMP/known" | tr '\n' ' ')
	if [ -z "$new$gone" ]; then
		ok "$((all - $(wc -l <"$broken"))) of $all files build $2, the others are known"
	else
		fail "files build $2" "not: ${new:-none}; but now: ${gone:-none}" \
			"$LOGS/legacy-$1-check.log"
	fi
}
not_built as-is "as they are" "file of the base"
not_built converted "with header and semantic patch" "left for a person"
