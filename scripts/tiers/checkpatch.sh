# shellcheck shell=bash
# checkpatch --strict on every patch; sparse on the files that the series adds
# or shows whole.
mapfile -t list < <(patches)
[ ${#list[@]} -gt 0 ] || skip "checkpatch" "the series has no patches"
# What checkpatch cannot know: a new file needs no MAINTAINERS line of its own, and
# a for_each macro has to name its cursor more than once.
for f in "${list[@]}"; do
	log=$LOGS/checkpatch-${f##*/}.log
	status "checkpatch: ${f##*/}"
	if (cd "$LINUX" && scripts/checkpatch.pl --strict --no-tree --quiet \
			--ignore FILE_PATH_CHANGES,MACRO_ARG_REUSE "$f") >"$log" 2>&1; then
		ok "checkpatch ${f##*/}"; rm -f "$log"
	else
		fail "checkpatch ${f##*/}" "$(grep -m 1 -E '^(ERROR|WARNING|CHECK)' "$log" || echo failed)" "$log"
	fi
done

# Sparse runs on what the quick kernel builds of ours.
build_kernel quick "$LINUX" "$BUILD/kernel-quick"
for f in $(whole_files "$LINUX" | grep '\.c$' || :); do
	o=${f%.c}.o
	[ -e "$BUILD/kernel-quick/$o" ] || continue
	log=$LOGS/sparse-${f//\//-}.log
	status "sparse: $f"
	kmake "$LINUX" "$BUILD/kernel-quick" -s C=2 "$o" </dev/null >"$log" 2>&1 || :
	if grep -qE "^(.*/)?$f:[0-9]" "$log"; then
		fail "sparse $f" "$(grep -m 1 -E "$f:[0-9]" "$log")" "$log"
	else
		ok "sparse $f"; rm -f "$log"
	fi
done
