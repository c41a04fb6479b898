# shellcheck shell=bash
# docs/drivers.md has a row for each place in the converted drivers that adds,
# waits for, tests or copies fences, and each row has its place.

doc=$RESV_TOP/docs/drivers.md
drm=drivers/gpu/drm
# What is converted: here every place needs a row. Elsewhere a row needs a place.
converted=(ttm radeon nouveau qxl vmwgfx bochs ast hisilicon vboxvideo
	drm_gem_vram_helper.c)
# Functions of the drivers that stand for such a call
wrappers='|ttm_bo_wait|ttm_eu_fence_buffer_objects|radeon_sync_resv'
wrappers+='|radeon_bo_wait_move|nouveau_fence_sync|nouveau_bo_fence|vmw_bo_fence_single'

places_of() {	# PATHS...: "FILE FUNCTION" for each place in the tree
	lgit ls-files -- "$@" | { grep -E '\.[ch]$' | grep -v /tests/ || :; } |
	while read -r f; do
		echo "$LINUX/$f"
	done | xargs awk -v wrappers="$wrappers" -f "$RESV_TOP/scripts/lib/places.awk" |
	sort -u
}

# | `FILE` | `FUNCTION` | ...
sed -n 's/^| `\([^`]*\.[ch]\)` | `\([^`]*\)` |.*/\1 \2/p' "$doc" | sort >"$TMP/rows"
places_of "${converted[@]/#/$drm/}" >"$TMP/places"
# A row elsewhere: look in its file
awk '{ print $1 }' "$TMP/rows" | sort -u | sed "s|^|$drm/|" >"$TMP/files"
mapfile -t files <"$TMP/files"
places_of "${files[@]}" >"$TMP/there"

rows_are() {	# WHAT NAMES
	if [ -z "$2" ]; then
		ok "$1 ($(wc -l <"$TMP/$3"))"
	else
		fail "$1" "not: ${2//$'\n'/, }" "$doc"
	fi
}
rows_are "every place has a row" "$(comm -23 "$TMP/places" "$TMP/rows")" places
rows_are "every row has a place" "$(comm -13 "$TMP/there" "$TMP/rows")" rows
rows_are "no row is there twice" "$(uniq -d "$TMP/rows")" rows
if grep '^| `' "$doc" | awk -F'|' 'NF != 8 || / \| +\|/ { bad = 1 } END { exit !bad }'; then
	fail "every row is complete" "a cell is missing or empty" "$doc"
else
	ok "every row is complete"
fi

# The table of sums at its end is what comes of the rows and the patches
. "$RESV_TOP/scripts/lib/summary.sh"
summary_table "$doc" >"$LOGS/summary.txt"
if diff <(sed -n '/^| what | how many |/,/^$/p' "$doc" | sed '/^$/d') "$LOGS/summary.txt" \
		>"$TMP/diff"; then
	ok "the sums are right"
else
	fail "the sums are right" "$(sed -n '/^[<>]/p' "$TMP/diff" | head -n 2 | tr '\n' ' ')" \
		"$LOGS/summary.txt"
fi
