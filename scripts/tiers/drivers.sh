# shellcheck shell=bash
# All drivers that know dma_resv build at the end of the series: no error, no
# warning in a file of ours, no symbol that nobody exports.
. "$RESV_TOP/scripts/lib/check.sh"

drm=drivers/gpu/drm
check_out HEAD
lgit diff --name-only --no-renames base HEAD >"$TMP/ours"

one() {		# NAME TARGETS...
	local name=$1 log=$LOGS/drivers-$1.log start=$SECONDS bad='' t
	shift
	if ! check_make "drivers: $name" "$log" "$@"; then
		fail "$name" "$(grep -m 1 -E ' error: |\*\*\*' "$log" || echo 'make failed')" "$log"
		return
	fi
	# make is content with a directory that has nothing to build.
	for t in "$@"; do
		[ -n "$(find "$CHECK_OUT/$t" -name "*.o" -print -quit 2>/dev/null)" ] ||
			{ fail "$name" "$t built nothing" "$log"; return; }
	done
	bad=$(warnings_in "$log" | while read -r w; do
		grep -qxF "${w%%: warning:*}" "$TMP/ours" && echo "$w"
	done | head -n 2) || :
	if [ -n "$bad" ]; then
		fail "$name" "warns: ${bad//$'\n'/;}" "$log"
	else
		ok "$name ($(grep -cE '^  CC ' "$log" || :) objects, $((SECONDS - start)) s)"
	fi
}

one core	drivers/dma-buf/ $drm/ttm/ $drm/scheduler/ \
		$drm/drm_gem.o $drm/drm_gem_shmem_helper.o $drm/drm_gem_vram_helper.o \
		$drm/drm_gem_framebuffer_helper.o $drm/drm_gem_ttm_helper.o \
		$drm/drm_prime.o $drm/drm_syncobj.o $drm/drm_atomic_helper.o
one emulated	$drm/vgem/ $drm/vkms/ $drm/bochs/ $drm/qxl/ $drm/virtio/
one vmwgfx	$drm/vmwgfx/
one radeon	$drm/radeon/
one amdgpu	$drm/amd/amdgpu/
one i915	$drm/i915/
one nouveau	$drm/nouveau/
one mlx5	drivers/infiniband/core/ drivers/infiniband/hw/mlx5/ \
		drivers/net/ethernet/mellanox/mlx5/core/
one arm		$drm/etnaviv/ $drm/lima/ $drm/panfrost/ $drm/v3d/ $drm/vc4/

# Modules are not linked here, so see that what they ask of us is exported.
status "drivers: exported symbols"
mapfile -t objs < <(find "$CHECK_OUT/drivers" -name '*.o' ! -name 'built-in*')
asked='^(dma_resv|dma_buf|dma_fence|sync_file|drm_gem|ttm)_'
nm -u "${objs[@]}" 2>/dev/null | awk -v re="$asked" '$1 == "U" && $2 ~ re { print $2 }' |
	sort -u >"$TMP/asked"
(cd "$CHECK_TREE" && git grep -hE '^EXPORT_SYMBOL(_GPL|_NS|_NS_GPL)?\(' -- drivers lib kernel) |
	sed 's/^[^(]*(\([A-Za-z0-9_]*\).*/\1/' | sort -u >"$TMP/exported"
nm "${objs[@]}" 2>/dev/null | awk '$2 ~ /^[TDRB]$/ { print $3 }' | sort -u >"$TMP/defined"
missing=$(comm -23 "$TMP/asked" "$TMP/exported" | comm -23 - "$TMP/defined" | tr '\n' ' ')
# What drivers/dma-buf defines and others ask for, but nobody exports.
nm "$CHECK_OUT"/drivers/dma-buf/*.o | awk '$2 ~ /^[TDRB]$/ { print $3 }' | sort -u >"$TMP/core"
mapfile -t others < <(printf "%s\n" "${objs[@]}" | grep -v "/drivers/dma-buf/")
nm -u "${others[@]}" 2>/dev/null | awk '$1 == "U" { print $2 }' | sort -u |
	comm -12 - "$TMP/core" | comm -23 - "$TMP/exported" >"$TMP/unexported"
unexported=$(tr "\n" " " <"$TMP/unexported")
if [ -z "$missing$unexported" ]; then
	ok "every symbol that is asked for is exported"
else
	fail "every symbol that is asked for is exported" "not: $missing$unexported"
fi
