# shellcheck shell=bash
# Every patch, the last one first, builds the objects of the files that it touches,
# without a warning that the base does not give. A patch that touches a header of dma-buf
# also builds all of drivers/dma-buf; what includes other headers builds at the
# end of the series. And at the end of each topic the kernel boots, and passes what tests
# there are by then.
# depends: series kernel:check kernel:topics guest
. "$RESV_TOP/scripts/lib/check.sh"

mapfile -t commits < <(lgit rev-list --reverse base..HEAD)
mapfile -t list < <(patches)
if [ ${#commits[@]} = 0 ]; then
	skip "bisect" "the series has no patches"
	return 0
fi

# That of all that is compiled here, and of what the patch touches
mark="$(sha256sum <"$RESV_TOP/configs/check.config" | cut -c1-16) $(gcc -dumpfullversion)"
state_of() {	# COMMIT
	echo "patch $({	lgit ls-tree "$1" | grep -vE $'\t(Documentation|MAINTAINERS|tools)$'
		lgit diff --name-only --no-renames "$1~" "$1"
	} | sha256sum | cut -c1-16) $mark"
}

# How long to go on; 0 is for all of them
start=$SECONDS limit=${RESV_BISECT_SECONDS:-0}

# The ends of the topics first, the last one first
while read -r t; do
	if [ "$limit" -gt 0 ] && [ $((SECONDS - start)) -ge "$limit" ]; then
		skip "the end of $t boots" "time is up"
	else
		boots "the end of $t boots" "topic/$t"
	fi
done < <(topics | tac)

todo=()
for c in "${commits[@]}"; do known "$(state_of "$c")" || todo+=("$c"); done
if [ ${#todo[@]} -gt 0 ]; then
	at_exit no_objects
	# What the base makes of all those files: its warnings are not ours, and
	# what it cannot build here (drivers for other machines) neither can we.
	check_out base
	log=$LOGS/bisect-base.log
	mapfile -t all < <(sources_of "${commits[@]}" |
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

# The newest first
for ((i = ${#commits[@]} - 1; i >= 0; i--)); do
	c=${commits[i]} name=$(patch_name "${list[i]}") log=$LOGS/bisect-$(printf %04d $((i + 1))).log
	if [ "$limit" -gt 0 ] && [ $((SECONDS - start)) -ge "$limit" ]; then
		skip "the other $((i + 1)) patches" "time is up; './resv test bisect' builds all"
		break
	fi
	if known "$(state_of "$c")"; then
		ok "$name (built before, unchanged)"
		continue
	fi
	check_out "$c"
	mapfile -t files < <(sources_of "$c" | grep -vxFf "$TMP/elsewhere" || :)
	if [ ${#files[@]} = 0 ]; then
		ok "$name (nothing to build)"
		keep_part "$(state_of "$c")"
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
	keep_part "$(state_of "$c")"
done
