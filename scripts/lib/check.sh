# shellcheck shell=bash
# Building drivers without booting them: one tree, build/check-tree, checked
# out at the commit in question, and one object directory, build/check.

CHECK_TREE=$BUILD/check-tree
check_for() {	# KERNEL of configs/kernels
	CHECK=$1 CHECK_OUT=$BUILD/$1
}
check_for check

cgit() { pure_git -C "$CHECK_TREE" "$@"; }

# have_tree COMMIT: check it out in build/check-tree
have_tree() {
	local commit
	commit=$(lgit rev-parse "$1^{commit}")
	if [ "$(cgit rev-parse --git-common-dir 2>/dev/null || :)" != "$LINUX/.git" ] ||
	   [ -e "$(cgit rev-parse --git-path index.lock)" ]; then
		rm -rf "$CHECK_TREE"
		lgit worktree prune
		need_space 2500 "the build checks"
		lgit worktree add -q --detach "$CHECK_TREE" "$commit"
	fi
	cgit checkout -q -f --detach "$commit"
	cgit clean -fdxq
}

CHECK_CONFIGURED=
check_out() {	# COMMIT: have it in build/check-tree, configured
	local kconfig
	have_tree "$1"
	# Without a change in any Kconfig the configuration stays what it is.
	kconfig=$(cgit ls-tree -r HEAD | grep 'Kconfig' | sha256sum)
	[ "$CHECK_CONFIGURED" != "$CHECK $kconfig" ] || return 0
	configure "$CHECK" "$CHECK_TREE" "$CHECK_OUT"
	CHECK_CONFIGURED="$CHECK $kconfig"
}

# TARGETS of make. What is in amd/display and amd/amdkfd is built by way of amd/amdgpu.
make_targets() { printf '%s\n' "$@" | sed -E 's,^(drivers/gpu/drm/amd)/(display|amdkfd)/,\1/amdgpu/../\2/,'; }

# check_make WHAT LOG TARGETS...
check_make() {
	local what=$1 log=$2 vars targets
	mapfile -t vars < <(kernel_vars "$CHECK")
	shift 2
	mapfile -t targets < <(make_targets "$@")
	progress_of() { local n; n=$(grep -csE '^  CC ' "$1") || :; echo "$n objects, "; }
	in_background "$what" "$log" kmake "$CHECK_TREE" "$CHECK_OUT" \
		-k -j"$(nproc)" KBUILD_MODULES=1 "${vars[@]}" "${targets[@]}"
}

# sources_of COMMIT...: the .c files that these change or add, as build/check-tree has
# them; one that is only #included by others stands for those.
sources_of() {
	local c f dir o users
	for c; do
		cgit diff --name-only --no-renames --diff-filter=AM "$c~" "$c"
	done | sort -u |
	{ grep -E '^(drivers|lib|kernel|mm|include)/.*\.[ch]$' || :; } |
	while read -r f; do
		case $f in
		include/linux/dma-*.h|include/linux/sync_file.h|drivers/dma-buf/*.h)
			cgit ls-files 'drivers/dma-buf/*.c' ;;
		*.h)	;;
		*)	[ -e "$CHECK_TREE/$f" ] || continue
			# What a Makefile names is no such file, and asking there is quick.
			dir=${f%/*} o=$(basename "$f" .c).o
			if cgit grep -qwF "$o" HEAD -- "$dir"/{Makefile,Kbuild} ||
			   cgit grep -qwF "${dir##*/}/$o" HEAD -- "${dir%/*}/Makefile"; then
				echo "$f"
				continue
			fi
			users=$(cgit grep -lE "#include \"(.*/)?${f##*/}\"" -- \
				"$(cut -d/ -f1-4 <<<"$f")" || :)
			echo "${users:-$f}" ;;
		esac
	done | sort -u
}

# Objects of older states must not be there for those who look at the last one.
no_objects() { find "$CHECK_OUT/drivers" "$CHECK_OUT/lib" -name '*.o' -delete 2>/dev/null || :; }

# What boots does with a tree depends on the guest and on how its kernel is configured.
boot_state() {	# COMMIT
	echo "boots $(tree_of "$1") $(cd "$RESV_TOP" && { kernel_files topics; find guest -type f; } |
		sort | xargs -d '\n' cat | sha256sum | cut -c1-16) $(gcc -dumpfullversion)"
}
tree_of() { lgit ls-tree "$1" | grep -vE $'\t(Documentation|MAINTAINERS)$' | sha256sum | cut -c1-16; }

# Programs of another state would be taken for those of this one.
guest_anew() {	# SOURCE KERNEL-OUT
	rm -rf "$2/guest"
	build_guest "$1" "$2"
}

# boots NAME COMMIT: the kernel topics of it boots, and passes KUnit and
# what programs there are by then
boots() {
	local name=$1 log=$LOGS/boot-$TIER-${1//[^a-z0-9-]/-}.log kernel=$BUILD/kernel-topics
	local state results programs bad
	state=$(boot_state "$2")
	if results=$(part "$state"); then
		ok "$name ($results, unchanged since)"
		return
	fi
	have_tree "$2"
	if ! (	build_kernel topics "$CHECK_TREE" "$kernel"
		guest_anew "$CHECK_TREE" "$kernel" ); then
		fail "$name" "it does not build" "$LOGS/build-kernel-topics.log"
		return
	fi
	programs=$(expected_programs "$kernel/guest/root" selftests)
	KUNIT='*' boot "$kernel" selftests "$log" "$(boot_limit topics)"
	judge "$log" job=selftests programs="$programs" \
		suites="$(expected_suites "$CHECK_TREE" topics)" >"$TMP/judged" || :
	bad=$(grep '^FAIL' "$TMP/judged" | head -n 2 | tr '\n' ';') || :
	if [ -n "$bad" ]; then
		fail "$name" "$bad" "$log"
	else
		results="$(grep -c '^ok' "$TMP/judged" || :) results"
		ok "$name ($results)"
		keep_part "$state" "$results"
	fi
}

# build_dirs NAME TARGETS...: one check, that they build and our files don't warn
build_dirs() {
	local name=$1 log=$LOGS/$TIER-$1.log start=$SECONDS bad='' t
	shift
	if ! check_make "$TIER: $name" "$log" "$@"; then
		fail "$name" "$(grep -m 1 -E ' error: |\*\*\*' "$log" || echo 'make failed')" "$log"
		return
	fi
	# make is content with a directory that has nothing to build.
	for t in "$@"; do
		[ -n "$(find "$CHECK_OUT/$t" -name "*.o" -print -quit 2>/dev/null)" ] ||
			{ fail "$name" "$t built nothing" "$log"; return; }
	done
	bad=$(warnings_in "$log" | while read -r w; do
		changed_here "${w%%: warning:*}" && echo "$w"
	done | head -n 2) || :
	if [ -n "$bad" ]; then
		fail "$name" "warns: ${bad//$'\n'/;}" "$log"
	else
		ok "$name ($(grep -cE '^  CC ' "$log" || :) objects, $((SECONDS - start)) s)"
	fi
}
