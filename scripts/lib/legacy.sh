# shellcheck shell=bash
# The drivers as they are in the base, where they use the interface that dma_resv had.

# What that is, and what TTM had. What only reads the members of a dma_resv doesn't say
# so by a name of its own.
LEGACY_NAMES='dma_resv_(add_excl_fence|add_shared_fence|reserve_shared|get_excl|get_list'
LEGACY_NAMES+='|get_excl_rcu|get_fences_rcu|wait_timeout_rcu|test_signaled_rcu)\b'
LEGACY_NAMES+='|struct dma_resv_list|->fence_excl\b|\bnum_shared\b|\bt?bo(\.|->)moving\b'

# TTM is not a driver: it has one interface, that of the series.
legacy_files() {	# the files of the base that use it
	lgit grep -lE "$LEGACY_NAMES" base -- 'drivers/*.[ch]' \
		':!drivers/dma-buf' ':!drivers/gpu/drm/ttm' | sed 's/^base://'
}

# driver_of: FILE... on stdin, each with the driver before it
driver_of() {
	sed -E 's,^drivers/gpu/drm/amd/.*,amdgpu &,; t
		s,^drivers/gpu/drm/([^/]*)/.*,\1 &,; t
		s,^drivers/gpu/drm/.*,helpers &,; t
		s,^drivers/([^/]*/)*([^/]*)/[^/]*$,\2 &,'
}

# convert_files DIR PATCH FILE...: files in DIR, by the semantic patch
convert_files() {
	local dir=$1 cocci=$2
	shift 2
	printf '%s\0' "$@" |
		(cd "$dir" && xargs -0 -n 1 -P "$(nproc)" spatch --very-quiet --no-show-diff -D patch \
			--no-includes --include-headers --in-place --sp-file "$cocci")
}

# convert_legacy DIR: the files of the base in DIR, converted by the semantic patch
convert_legacy() {
	mapfile -t files < <(legacy_files)
	mkdir -p "$1"
	lgit archive base -- "${files[@]}" | tar -x -C "$1"
	in_background "converting ${#files[@]} files" "$LOGS/legacy-cocci.log" \
		convert_files "$1" "$LINUX/scripts/coccinelle/api/dma_resv_usage.cocci" "${files[@]}"
}

# lay_legacy FILE...: in build/check-tree the directories of FILEs as the base has them,
# with the header
lay_legacy() {
	local dirs
	mapfile -t dirs < <(printf '%s\n' "$@" |
		sed -E 's,^(drivers/gpu/drm/[^/]*)/.*,\1,' | sort -u)
	cgit checkout -q base -- "${dirs[@]}"
	echo "subdir-ccflags-y += -include \$(srctree)/include/linux/dma-resv-legacy.h" \
		>>"$CHECK_TREE/drivers/gpu/drm/Makefile"
}

# build_legacy WHAT FILE...: adds those that don't build to $TMP/broken-WHAT
build_legacy() {
	local what=$1 objects o
	shift
	objects=("${@/%.c/.o}")
	for o in "${objects[@]}"; do rm -f "$CHECK_OUT/$o"; done
	check_make "drivers of the base $what" "$LOGS/legacy-$what-$CHECK.log" \
		"${objects[@]}" || :
	for o in "${objects[@]}"; do
		[ -e "$CHECK_OUT/$o" ] || echo "${o%.o}.c"
	done | sed 's,^drivers/gpu/drm/,,' >>"$TMP/broken-$what"
}

# compare_legacy DIR: each function of the base that uses the old interface, as the
# semantic patch has it and as we do: "DRIVER FILE FUNCTION VERDICT OURS ITS"
compare_legacy() {
	local words="$RESV_TOP/scripts/lib/usages.awk" driver f
	legacy_files | driver_of | while read -r driver f; do
		awk -f "$words" <(lgit show "base:$f") | awk '$2 { print $1 }' | sort >"$TMP/places"
		awk -f "$words" "$1/$f" | sort >"$TMP/its"
		{ awk -f "$words" "$LINUX/$f" 2>/dev/null || :; } | sort >"$TMP/ours"
		join -a 1 -e - -o 0,2.2,2.3,2.4 "$TMP/places" "$TMP/its" |
			join -a 1 -e - -o 0,1.2,1.3,1.4,2.4 - "$TMP/ours" |
			awk -v where="$driver $f" '{
				as = $4 == $5 ? "same" : "other"
				# Only a slot is reserved, or nothing is left to do
				verdict = $2 == 1 ? "left" : $3 == 1 ? "asks-" as : as
				print where, $1, verdict, $5, $4
			}'
	done
}

# legacy_table: of what compare_legacy prints, a table by driver
legacy_table() {
	awk '
	{ n[$1]++; c[$1, $4]++; N++; C[$4]++; if (!($1 in seen)) { seen[$1]; order[++k] = $1 } }
	function row(name, n, same, other, asks_same, asks_other, left) {
		printf "| %s | %d | %d | %d | %d | %d | %d |\n", name, n, same, other,
			asks_same, asks_other, left
	}
	END {
		print "| driver | functions | same | other | asks, same | asks, other | left |"
		print "|---|---|---|---|---|---|---|"
		for (i = 1; i <= k; i++) {
			d = order[i]
			row(d, n[d], c[d, "same"], c[d, "other"], c[d, "asks-same"],
				c[d, "asks-other"], c[d, "left"])
		}
		row("all", N, C["same"], C["other"], C["asks-same"], C["asks-other"], C["left"])
	}'
}
