# shellcheck shell=bash
# For drivers outside the tree, tried out on those of the base: what builds as it is
# with linux/dma-resv-legacy.h, and what the semantic patch makes of it compared with
# what we did by hand. docs/your-own-kernel.md has both as tables.
. "$RESV_TOP/scripts/lib/check.sh"
. "$RESV_TOP/scripts/lib/legacy.sh"
need cocci
doc=$RESV_TOP/docs/your-own-kernel.md
log=$LOGS/legacy-build.log

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

# The header: every file that uses the old interface, in directories of the base
check_out HEAD
mapfile -t files < <(legacy_files)
mapfile -t dirs < <(printf '%s\n' "${files[@]}" |
	sed -E 's,^(drivers/gpu/drm/[^/]*)/.*,\1,' | sort -u)
cgit checkout -q base -- "${dirs[@]}"
echo "subdir-ccflags-y += -include \$(srctree)/include/linux/dma-resv-legacy.h" \
	>>"$CHECK_TREE/drivers/gpu/drm/Makefile"
# msm is for machines that an x86 kernel can't have, but these files build here, too
mapfile -t objects < <(printf '%s\n' "${files[@]}" | sed -n 's/\.c$/.o/p')
for o in "${objects[@]}"; do rm -f "$CHECK_OUT/$o"; done
check_make "drivers of the base" "$log" CONFIG_DRM_MSM=m "${objects[@]}" || :
for o in "${objects[@]}"; do
	[ -e "$CHECK_OUT/$o" ] || echo "${o%.o}.c"
done | sed 's,^drivers/gpu/drm/,,' | sort >"$TMP/broken"
sed -n '/^| file of the base/,/^$/s/^| `\([^`]*\)`.*/\1/p' "$doc" | sort >"$TMP/known"
new=$(comm -23 "$TMP/broken" "$TMP/known" | tr '\n' ' ')
gone=$(comm -13 "$TMP/broken" "$TMP/known" | tr '\n' ' ')
if [ -z "$new$gone" ]; then
	ok "$((${#objects[@]} - $(wc -l <"$TMP/broken"))) of ${#objects[@]} files build as they are, the others are known"
else
	fail "files build as they are" "not: ${new:-none}; but now: ${gone:-none}" "$log"
fi
