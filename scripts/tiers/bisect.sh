# shellcheck shell=bash
# Every patch, the last one first, builds the objects of the files that it touches,
# without a warning that the base does not give. A patch that touches a header of dma-buf
# also builds all of drivers/dma-buf; what includes other headers builds at the
# end of the series.
# depends: series configs
. "$RESV_TOP/scripts/lib/check.sh"

# The .c files that a commit changes or adds; one that is only #included by
# others stands for those.
sources_of() {	# COMMIT
	local f users
	cgit diff --name-only --no-renames --diff-filter=AM "$1~" "$1" |
	{ grep -E '^(drivers|lib|kernel|mm|include)/.*\.[ch]$' || :; } |
	while read -r f; do
		case $f in
		include/linux/dma-*.h|include/linux/sync_file.h|drivers/dma-buf/*.h)
			cgit ls-files 'drivers/dma-buf/*.c' ;;
		*.h)	;;
		*)	# What a Makefile names is no such file, and asking there is quick.
			if cgit grep -qwF "$(basename "$f" .c).o" "$1" -- \
					"${f%/*}"/{Makefile,Kbuild} "${f%/*/*}/Makefile"; then
				echo "$f"
				continue
			fi
			users=$(cgit grep -lE "#include \"(.*/)?${f##*/}\"" -- \
				"$(cut -d/ -f1-4 <<<"$f")" || :)
			echo "${users:-$f}" ;;
		esac
	done | sort -u
}

mapfile -t commits < <(lgit rev-list --reverse base..HEAD)
mapfile -t list < <(patches)
if [ ${#commits[@]} = 0 ]; then
	skip "bisect" "the series has no patches"
	return 0
fi

# What was verified before, in the very same state, stays verified: that of all that is
# compiled here, and of what the patch touches.
verified=$CHECK_OUT/verified
mark="$(sha256sum <"$RESV_TOP/configs/check.config" | cut -c1-16) $(gcc -dumpfullversion)"
state_of() {	# COMMIT
	{	lgit ls-tree "$1" | grep -vE $'\t(Documentation|MAINTAINERS|tools)$'
		lgit diff --name-only --no-renames "$1~" "$1"
	} | sha256sum | cut -c1-16
}
known() { grep -qsxF "$(state_of "$1") $mark" "$verified"; }
remember_state() { echo "$(state_of "$1") $mark" >>"$verified"; }

# Objects of older states must not be there for those who look at the last one.
clean_up() { find "$CHECK_OUT/drivers" "$CHECK_OUT/lib" -name '*.o' -delete 2>/dev/null || :; }

todo=()
for c in "${commits[@]}"; do known "$c" || todo+=("$c"); done
if [ ${#todo[@]} -gt 0 ]; then
	at_exit clean_up
	# What the base makes of all those files: its warnings are not ours, and
	# what it cannot build here (drivers for other machines) neither can we.
	check_out base
	log=$LOGS/bisect-base.log
	mapfile -t all < <(for c in "${commits[@]}"; do sources_of "$c"; done | sort -u |
		while read -r f; do [ ! -e "$CHECK_TREE/$f" ] || echo "$f"; done)
	: >"$log"
	[ ${#all[@]} = 0 ] ||
		check_make "what the base warns about" "$log" "${all[@]/%.c/.o}" || :
	warnings_in "$log" >"$TMP/base-warnings"
	for f in "${all[@]}"; do
		[ -e "$CHECK_OUT/${f%.c}.o" ] || echo "$f"
	done >"$TMP/elsewhere"
	while read -r f; do
		skip "$f" "the base does not build it on x86"
	done <"$TMP/elsewhere"
	# Tests that are part of something which is a module here, and what needs
	# lockdep; the kernel lockdep builds them.
	lgit ls-files 'drivers/gpu/drm/amd/amdgpu/tests/*.c' \
		'drivers/gpu/drm/tests/drm-syncobj-*.c' 'drivers/infiniband/*/tests/*.c' \
		'drivers/dma-buf/*lockdep*.c' >>"$TMP/elsewhere"
fi

# How long to go on, the newest first; 0 is for all of them
start=$SECONDS limit=${RESV_BISECT_SECONDS:-0}
for ((i = ${#commits[@]} - 1; i >= 0; i--)); do
	c=${commits[i]} name=${list[i]##*/} log=$LOGS/bisect-$(printf %04d $((i + 1))).log
	if [ "$limit" -gt 0 ] && [ $((SECONDS - start)) -ge "$limit" ]; then
		skip "the other $((i + 1)) patches" "time is up; './resv test bisect' builds all"
		break
	fi
	if known "$c"; then
		ok "$name (built before, unchanged)"
		continue
	fi
	check_out "$c"
	mapfile -t files < <(sources_of "$c" | grep -vxFf "$TMP/elsewhere" || :)
	if [ ${#files[@]} = 0 ]; then
		ok "$name (nothing to build)"
		remember_state "$c"
		continue
	fi
	if ! check_make "patch $((i + 1)) of ${#commits[@]}, ${#files[@]} files" "$log" "${files[@]/%.c/.o}"; then
		fail "$name" "$(grep -m 1 -E ' error: |\*\*\*' "$log" || echo 'make failed')" "$log"
		continue
	fi
	new=$(warnings_in "$log" | comm -13 "$TMP/base-warnings" -)
	if [ -n "$new" ]; then
		fail "$name" "warns: $(head -n 2 <<<"$new" | tr '\n' ';')" "$log"
		continue
	fi
	ok "$name (${#files[@]} files)"
	remember_state "$c"
done
