# shellcheck shell=bash
# Sparse on our lines in the drivers that the kernel lockdep has, and in what else builds
# for x86; what is ours as a whole is looked at by the tier static.
# depends: tree kernel:check kernel:lockdep
. "$RESV_TOP/scripts/lib/check.sh"

lgit diff --no-renames -U0 base HEAD -- 'drivers/*.c' | awk '
	/^\+\+\+ / { file = substr($2, 3) }
	/^@@ / {
		split($3, at, ",")
		n = at[2] == "" ? 1 : at[2]
		for (i = at[1] + 0; n-- > 0; i++) print file ":" i
	}' | sort >"$TMP/our-lines"
sed 's/:.*//' "$TMP/our-lines" | sort -u | grep -vE '^drivers/dma-buf/|/(self)?tests/' >"$TMP/left"

# sparse_in NAME SOURCE OUT: on what is built in OUT, of the files that are left
sparse_in() {
	local log=$LOGS/sparse-$1.log files targets ours
	mapfile -t files < <(while read -r f; do [ ! -e "$3/${f%.c}.o" ] || echo "$f"; done <"$TMP/left")
	if [ ${#files[@]} = 0 ]; then
		fail "$1" "none of the files is built there"
		return
	fi
	printf '%s\n' "${files[@]}" | sort | comm -13 - "$TMP/left" >"$TMP/left.new"
	mv "$TMP/left.new" "$TMP/left"
	mapfile -t targets < <(make_targets "${files[@]/%.c/.o}")
	progress_of() { local n; n=$(grep -csE '^  CHECK  ' "$1") || :; echo "$n of ${#files[@]} files, "; }
	if ! in_background "sparse on $1" "$log" kmake "$2" "$3" -k -j"$(nproc)" KBUILD_MODULES=1 C=2 \
			"${targets[@]}"; then
		fail "$1" "$(grep -m 1 '\*\*\*' "$log" || echo failed)" "$log"
		return
	fi
	sed -nE "s,^(.*/)?(drivers/[^:]*):([0-9]+):.*,\2:\3,p" "$log" |
		sed 's,/amdgpu/\.\./,/,' | sort -u >"$TMP/warned"
	ours=$(comm -12 "$TMP/warned" "$TMP/our-lines" | head -n 1)
	if [ -n "$ours" ]; then
		fail "$1" "$(grep -m 1 -F "${ours##*/}:" "$log")" "$log"
	else
		ok "$1 (our lines in ${#files[@]} files)"
	fi
}
build_kernel lockdep "$LINUX" "$BUILD/kernel-lockdep"
sparse_in kernel-lockdep "$LINUX" "$BUILD/kernel-lockdep"
check_out HEAD
# What does not build here is for other machines.
mapfile -t files <"$TMP/left"
check_make "building what sparse is to look at" "$LOGS/sparse-build.log" "${files[@]/%.c/.o}" || :
sparse_in drivers "$CHECK_TREE" "$CHECK_OUT"
progress_of() { :; }
ok "$(wc -l <"$TMP/left") files are for other machines"
