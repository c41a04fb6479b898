# shellcheck shell=bash
# resv apply [TOPIC...] [--without TOPIC|PATH]... [--3way] TREE: put the series on somebody's
# own 5.10.y tree, or these topics and what they need, or all but some and what needs those
. "$RESV_TOP/scripts/lib/common.sh"
. "$RESV_TOP/scripts/lib/deps.sh"
. "$RESV_TOP/scripts/lib/base.sh"
. "$RESV_TOP/scripts/lib/putting.sh"
parse_put apply "$@"
tree=$TREE
[ ${#PUT[@]} -gt 0 ] && [ -n "$(patches "${PUT[@]}")" ] || die "there is nothing to apply"
need apply
require_5_10 "$tree" "$tree"
[ -w "$tree" ] || die "$tree cannot be written to"
mkdir -p "$BUILD"
make_tmp

kind=$(tree_kind "$tree")
if [ "$kind" = git ]; then
	! under_way "$tree" || die "a git am, rebase or merge is under way in $tree; finish it first"
	[ -z "$(git -C "$tree" status --porcelain | head -n 1)" ] ||
		die "$tree has changes that are not committed; commit or stash them first"
	# git am will need to know who commits.
	git -C "$tree" var GIT_COMMITTER_IDENT >/dev/null 2>&1 ||
		die "git in $tree does not know who you are: set user.name and user.email"
fi

[ -z "$THREE_WAY" ] || can_merge ||
	die "--3way needs the files of the base: './resv tree' lays build/linux, which has them"
rel=$(kernel_release "$tree")
list_patches
if already_there "$tree"; then
	say "$tree (Linux $rel) has that already; nothing to do"
	exit 0
fi
find_older "$tree"
[ ${#OLDER[@]} = 0 ] || say "Linux $rel is older than the pinned base; series/older comes first"
list_patches
if ! try_on_copy "$tree" "$TMP/copy"; then
	# Perhaps some of it is there.
	copy_touched "$tree" "$TMP/reverse"
	take_off "$TMP/reverse"
	if [ ${#THERE[@]} = 0 ] || { say "${#THERE[@]} patches are there already; trying the others"
			! try_on_copy "$tree" "$TMP/copy"; }; then
		note "$MISFIT"
		note "'./resv check $tree' says what can be done"
		die "the series does not fit $tree (Linux $rel); the tree was left as it was"
	fi
fi
if [ "$kind" = git ]; then
	put_git "$tree" ||
		die "git am refused what patch accepts (it allows no fuzz); the tree is left as it was"
else
	put_plain "$tree" "$TMP/copy" || die "writing to $tree failed"
fi
for f in "${BY_MERGE[@]}"; do
	say "merged, as its context differs; look at what became of it: $f"
done
say "$tree (Linux $rel, $kind) now has the $((${#LIST[@]} - ${#OLDER[@]})) patches of ${#PUT[@]} topics: ${PUT[*]}"
