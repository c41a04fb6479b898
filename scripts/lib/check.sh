# shellcheck shell=bash
# Building drivers without booting them: one tree, build/check-tree, checked
# out at the commit in question, and one object directory, build/check.

CHECK_TREE=$BUILD/check-tree
CHECK_OUT=$BUILD/check

cgit() { pure_git -C "$CHECK_TREE" "$@"; }

CHECK_CONFIGURED=
check_out() {	# COMMIT: have it in build/check-tree, configured
	local commit kconfig
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
	# Without a change in any Kconfig the configuration stays what it is.
	kconfig=$(cgit ls-tree -r "$commit" | grep 'Kconfig' | sha256sum)
	[ "$CHECK_CONFIGURED" != "$kconfig" ] || return 0
	configure check "$CHECK_TREE" "$CHECK_OUT"
	CHECK_CONFIGURED=$kconfig
}

# check_make WHAT LOG TARGETS...
check_make() {
	local what=$1 log=$2
	shift 2
	progress_of() { local n; n=$(grep -cE '^  CC ' "$1") || :; echo "$n objects, "; }
	in_background "$what" "$log" kmake "$CHECK_TREE" "$CHECK_OUT" \
		-k -j"$(nproc)" KBUILD_MODULES=1 "$@"
}

# The warnings in a build log, without line numbers, so that they compare.
warnings_in() {
	sed -n 's/^\([^ :]*\):[0-9:]* warning: /\1: warning: /p' "$@" |
		sed "s|^$CHECK_TREE/||" | sort -u
}
