# shellcheck shell=bash
# The users of dma_resv that no booted kernel has build at the end of the series: no
# error, no warning in a file of ours, no symbol that nobody exports. Of amdgpu that is
# its displays, of nouveau all but nvkm, which is five hundred files that know no
# buffers. The rest of amdgpu, i915, radeon, TTM, the emulated cards, those of ARM and
# RDMA are in the kernel lockdep.
# depends: tree kernel:check kernel:lockdep kernel:quick
. "$RESV_TOP/scripts/lib/check.sh"

drm=drivers/gpu/drm
mapfile -t displays < <(lgit diff --name-only --no-renames --diff-filter=AM base HEAD -- \
		$drm/amd/display $drm/amd/amdgpu/dce_v*.c $drm/amd/amdgpu/*_{si,cik}.c |
	grep '\.c$' | sed 's/c$/o/')
mapfile -t nouveau < <(lgit ls-files "$drm/nouveau/nouveau_*.c" "$drm/nouveau/dispnv*/*.c" |
	grep -vE '_(backlight|dmem|led|platform|svm)\.c' | sed 's/c$/o/')
build_kernel lockdep "$LINUX" "$BUILD/kernel-lockdep"
check_out HEAD
build_dirs displays	"${displays[@]}"
build_dirs nouveau	"${nouveau[@]}"

# Modules are not linked here, so see that what they ask of us is exported.
status "drivers: exported symbols"
mapfile -t objs < <(for d in "$CHECK_OUT" "$BUILD/kernel-lockdep"; do
	[ ! -d "$d/drivers" ] ||
		find "$d/drivers" -name '*.o' ! -name 'built-in*' ! -path '*/tests/*' ! -path '*/selftests/*'
done)
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
{ nm "$BUILD"/kernel-{lockdep,quick}/drivers/dma-buf/*.o 2>/dev/null || :; } | awk '$2 ~ /^[TDRB]$/ { print $3 }' | sort -u >"$TMP/core"
mapfile -t others < <(printf "%s\n" "${objs[@]}" | grep -v "/drivers/dma-buf/")
nm -u "${others[@]}" 2>/dev/null | awk '$1 == "U" { print $2 }' | sort -u |
	comm -12 - "$TMP/core" | comm -23 - "$TMP/exported" >"$TMP/unexported"
unexported=$(tr "\n" " " <"$TMP/unexported")
if [ -z "$missing$unexported" ]; then
	ok "every symbol that is asked for is exported"
else
	fail "every symbol that is asked for is exported" "not: $missing$unexported"
fi
