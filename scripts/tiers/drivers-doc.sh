# shellcheck shell=bash
# docs/drivers.md has a row for each place in the converted drivers that adds,
# waits for, tests or copies fences, and each row has its place.

doc=$RESV_TOP/docs/drivers.md
drm=drivers/gpu/drm
# What is converted: here every place needs a row. Elsewhere a row needs a place.
# Paths are below drivers/gpu/drm, unless they begin with drivers/.
converted=(ttm radeon nouveau qxl vmwgfx amd bochs ast hisilicon vboxvideo
	'drm_*.c' vgem vkms virtio udl tiny mgag200 xen gma500
	etnaviv lima panfrost v3d vc4 msm
	arc arm armada aspeed atmel-hlcdc exynos fsl-dcu imx ingenic mcde mediatek
	meson mxsfb omapdrm pl111 rcar-du rockchip shmobile sti stm sun4i tegra tidss
	tilcdc tve200 xlnx zte
	drivers/media drivers/staging drivers/misc drivers/xen drivers/virtio
	drivers/tee drivers/vfio drivers/video drivers/gpu/host1x drivers/gpu/ipu-v3
	drivers/dma-buf/udmabuf.c drivers/dma-buf/heaps)
# Functions of the drivers that stand for such a call
wrappers='|ttm_bo_wait|ttm_eu_fence_buffer_objects|radeon_sync_resv'
wrappers+='|amdgpu_sync_resv|amdgpu_bo_sync_wait|amdgpu_bo_sync_wait_resv|amdgpu_bo_pin_settled'
wrappers+='|amdgpu_vm_add_update|amdgpu_vm_pt_busy|amdgpu_amdkfd_fence_attach|amdgpu_amdkfd_fence_detach'
wrappers+='|radeon_bo_wait_move|nouveau_fence_sync|nouveau_bo_fence|vmw_bo_fence_single'
wrappers+='|drm_gem_fence_array_add_implicit|drm_gem_dma_resv_wait|msm_gem_sync_object'
wrappers+='|vc4_wait_for_others|drm_gem_fb_prepare_fb'

in_tree() { sed "/^drivers\\//! s|^|$drm/|"; }

places_of() {	# PATHS...: "FILE FUNCTION" for each place in the tree
	lgit ls-files -- "$@" | { grep -E '\.[ch]$' | grep -v /tests/ || :; } |
	while read -r f; do
		echo "$LINUX/$f"
	done | xargs awk -v top="$LINUX/" -v wrappers="$wrappers" -f "$RESV_TOP/scripts/lib/places.awk" |
	sort -u
}

# | `FILE` | `FUNCTION` | ...
sed -n 's/^| `\([^`]*\.[ch]\)` | `\([^`]*\)` |.*/\1 \2/p' "$doc" | sort >"$TMP/rows"
mapfile -t files < <(printf '%s\n' "${converted[@]}" | in_tree)
places_of "${files[@]}" >"$TMP/places"
# A row elsewhere: look in its file
mapfile -t files < <(awk '{ print $1 }' "$TMP/rows" | sort -u | in_tree)
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
