# shellcheck shell=bash
# All drivers that know dma_resv build at the end of the series: no error, no
# warning in a file of ours, no symbol that nobody exports. Of amdgpu, i915 and
# mlx5, all of which is in the kernel lockdep, that is what the series touches; of
# nouveau all but nvkm, which is five hundred files that know no buffers.
# depends: series configs
. "$RESV_TOP/scripts/lib/check.sh"

drm=drivers/gpu/drm
touched() {	# DIRECTORY
	lgit diff --name-only --no-renames --diff-filter=AM base HEAD -- "$1" |
		grep '\.c$' | grep -vE '/tests/|/selftests/|/gvt/' | sed 's/c$/o/'
}
mapfile -t amdgpu < <(touched $drm/amd)
mapfile -t i915 < <(touched $drm/i915)
mapfile -t nouveau < <(lgit ls-files "$drm/nouveau/nouveau_*.c" "$drm/nouveau/dispnv*/*.c" |
	grep -vE '_(backlight|dmem|led|platform|svm)\.c' | sed 's/c$/o/')
mapfile -t rdma < <(touched drivers/infiniband)
check_out HEAD
build_dirs core	drivers/dma-buf/ $drm/ttm/ $drm/scheduler/ \
		$drm/drm_gem.o $drm/drm_gem_shmem_helper.o $drm/drm_gem_vram_helper.o \
		$drm/drm_gem_framebuffer_helper.o $drm/drm_gem_ttm_helper.o \
		$drm/drm_prime.o $drm/drm_syncobj.o $drm/drm_atomic_helper.o
build_dirs emulated	$drm/vgem/ $drm/vkms/ $drm/bochs/ $drm/qxl/ $drm/virtio/
build_dirs vmwgfx	$drm/vmwgfx/
build_dirs radeon	$drm/radeon/
build_dirs amdgpu	"${amdgpu[@]}"
# i915 has functions of its own that are called dma_fence_work_...
build_dirs i915	"${i915[@]}" $drm/i915/i915_sw_fence_work.o
build_dirs nouveau	"${nouveau[@]}"
build_dirs rdma	"${rdma[@]}"
build_dirs arm		$drm/etnaviv/ $drm/lima/ $drm/panfrost/ $drm/v3d/ $drm/vc4/

# Modules are not linked here, so see that what they ask of us is exported.
status "drivers: exported symbols"
mapfile -t objs < <(find "$CHECK_OUT/drivers" -name '*.o' ! -name 'built-in*')
asked='^(dma_resv|dma_buf|dma_fence|sync_file|drm_gem|ttm)_'
nm -u "${objs[@]}" 2>/dev/null | awk -v re="$asked" '$1 == "U" && $2 ~ re { print $2 }' |
	sort -u >"$TMP/asked"
exported_by() {	# MACRO
	(cd "$CHECK_TREE" && git grep -hE "^$1(_GPL|_NS|_NS_GPL)?\\(" -- drivers lib kernel) |
		sed 's/^[^(]*(\([A-Za-z0-9_]*\).*/\1/'
}
{	exported_by EXPORT_SYMBOL
	exported_by EXPORT_TRACEPOINT_SYMBOL |
		sed 's/.*/__tracepoint_&\n__traceiter_&\n__SCK__tp_func_&\n__SCT__tp_func_&/'
} | sort -u >"$TMP/exported"
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
