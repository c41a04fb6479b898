# shellcheck shell=bash
# docs/drivers.md has a row for each place in the drivers that adds, waits for,
# tests or copies fences, and each row has its place.
# depends: series docs/drivers.md

doc=$RESV_TOP/docs/drivers.md
# Functions of the drivers that stand for such a call
wrappers='|ttm_bo_wait|ttm_eu_fence_buffer_objects|radeon_sync_resv'
wrappers+='|amdgpu_sync_resv|amdgpu_bo_sync_wait|amdgpu_bo_sync_wait_resv|amdgpu_bo_pin_settled'
wrappers+='|amdgpu_vm_add_update|amdgpu_vm_pt_busy|amdgpu_amdkfd_fence_attach|amdgpu_amdkfd_fence_detach'
wrappers+='|radeon_bo_wait_move|nouveau_fence_sync|nouveau_bo_fence|vmw_bo_fence_single'
wrappers+='|i915_sw_fence_await_reservation|i915_gem_object_(wait|wait_kernel|await_scanout)'
wrappers+='|i915_request_await_(reservation|object|exec_object)|i915_vma_move_to_active(_usage)?'
wrappers+='|drm_gem_fence_array_add_implicit|drm_gem_dma_resv_wait|msm_gem_sync_object'
wrappers+='|vc4_wait_for_others|drm_gem_fb_prepare_fb|nouveau_bo_wait_move|virtio_gpu_array_lock_idle'

# "FILE FUNCTION" for each place in the tree. Rows leave out drivers/gpu/drm/.
lgit grep -lE "dma_resv_|usage = $wrappers" -- 'drivers/*.[ch]' |
	grep -vE '^drivers/dma-buf/|/(self)?tests/|/selftest_' | sed "s|^|$LINUX/|" |
	xargs awk -v top="$LINUX/" -v wrappers="$wrappers" -f "$RESV_TOP/scripts/lib/places.awk" |
	sort -u >"$TMP/places"

# | `FILE` | `FUNCTION` | ...
sed -n 's/^| `\([^`]*\.[ch]\)` | `\([^`]*\)` |.*/\1 \2/p' "$doc" | sort >"$TMP/rows"

rows_are() {	# WHAT NAMES
	if [ -z "$2" ]; then
		ok "$1 ($(wc -l <"$TMP/$3"))"
	else
		fail "$1" "not: ${2//$'\n'/, }" "$doc"
	fi
}
rows_are "every place has a row" "$(comm -23 "$TMP/places" "$TMP/rows")" places
rows_are "every row has a place" "$(comm -13 "$TMP/places" "$TMP/rows")" rows
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
