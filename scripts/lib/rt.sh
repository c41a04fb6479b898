# shellcheck shell=bash
# The series on PREEMPT_RT: the base with its rt patch, and on that the series, put there
# as a user would, by './resv apply --3way'. build/linux-rt, a worktree of build/linux.
RT_TREE=$BUILD/linux-rt

# have_rt_patch: sets RT_PATCH: $RESV_RT_PATCH, or what comes with the base
RT_PATCH=
have_rt_patch() {
	local inner
	RT_PATCH=${RESV_RT_PATCH-}
	if [ -n "$RT_PATCH" ]; then
		[ -f "$RT_PATCH" ] || cannot "\$RESV_RT_PATCH is $RT_PATCH, which is no file"
		return
	fi
	base_source
	case $SOURCE in
	*.deb)	inner=$(dpkg-deb -c "$SOURCE" | awk '$NF ~ /\/linux-patch-[0-9.]*-rt\.patch\.xz$/ { print $NF; exit }') ;;
	*)	inner= ;;
	esac
	[ -n "$inner" ] ||
		cannot "there is no rt patch in $BASE_NAME; \$RESV_RT_PATCH can name one that fits" || return
	RT_PATCH=$TMP/rt.patch
	dpkg-deb --fsys-tarfile "$SOURCE" | tar -xO "$inner" | xz -d >"$RT_PATCH" ||
		cannot "cannot unpack $inner of $SOURCE"
}

# rt_tree: have it, of this very series and patch. Sets RT_SAID to what apply said when
# it was made.
RT_SAID=
rt_tree() {
	local key f log=$LOGS/rt-apply.log new=$RT_TREE.new
	have_rt_patch || return
	RT_SAID=$BUILD/linux-rt.said
	key="$(lgit rev-parse HEAD) $(cat "$RT_PATCH" "$SERIES"/rt/*.patch | sha256sum | cut -c1-16)"
	if [ "$(head -n 1 "$RT_SAID" 2>/dev/null || :)" = "$key $(pure_git -C "$RT_TREE" rev-parse HEAD 2>/dev/null || :)" ] &&
	   [ -z "$(pure_git -C "$RT_TREE" status --porcelain | head -n 1)" ]; then
		return 0
	fi
	rm -rf "$new"
	lgit worktree prune
	need_space 2500 "the tree for PREEMPT_RT"
	lgit worktree add -q --detach "$new" base
	pure_git -C "$new" apply --index --whitespace=nowarn "$RT_PATCH" >"$log" 2>&1 ||
		cannot "the rt patch does not fit $BASE_NAME; see $log" || return
	pure_git -C "$new" commit -q --no-verify -m "PREEMPT_RT$(cat "$new/localversion-rt")"
	# What the rt patch itself has to have mended
	for f in "$SERIES"/rt/*.patch; do
		pure_git -C "$new" am -q "$f" >"$log" 2>&1 </dev/null ||
			cannot "${f#"$RESV_TOP/"} does not fit; see $log" || return
	done
	GIT_COMMITTER_NAME=resv GIT_COMMITTER_EMAIL=resv@localhost \
		in_background "putting the series on PREEMPT_RT" "$log" \
		"$RESV_TOP/resv" apply --3way "$new" ||
		cannot "the series does not fit: $(grep -A 1 'does not fit' "$log" | head -n 2)" || return
	# What stays the same is not to be compiled anew, so the tree itself moves from one
	# state to the next.
	key="$key $(pure_git -C "$new" rev-parse HEAD)"
	if [ "$(pure_git -C "$RT_TREE" rev-parse --git-common-dir 2>/dev/null || :)" = "$LINUX/.git" ]; then
		pure_git -C "$RT_TREE" checkout -q -f --detach "${key##* }"
		pure_git -C "$RT_TREE" clean -fdxq
		lgit worktree remove --force "$new"
	else
		rm -rf "$RT_TREE"
		lgit worktree move "$new" "$RT_TREE"
	fi
	{ echo "$key"; cat "$log"; } >"$RT_SAID"
}
