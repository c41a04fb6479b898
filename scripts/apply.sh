# shellcheck shell=bash
# resv apply TREE: put the series on somebody's own 5.10.y tree
. "$RESV_TOP/scripts/lib/common.sh"
. "$RESV_TOP/scripts/lib/deps.sh"
. "$RESV_TOP/scripts/lib/base.sh"
. "$RESV_TOP/scripts/lib/putting.sh"
parse_args "$@"
[ -z "$BASE_ARG" ] || usage_error "apply takes a tree, not --base"
[ ${#ARGS[@]} = 1 ] || usage_error "apply takes one argument: the kernel tree to patch"
tree=${ARGS[0]}
[[ $tree != -* ]] || usage_error "apply does not know '$tree'"
[ -d "$tree" ] || usage_error "$tree is not a directory"
tree=$(cd "$tree" && pwd -P)
[ -n "$(patches)" ] || die "the series has no patches"
need apply
require_5_10 "$tree" "$tree"
[ -w "$tree" ] || die "$tree cannot be written to"
mkdir -p "$BUILD"
make_tmp

kind=plain
if [ "$(git -C "$tree" rev-parse --show-toplevel 2>/dev/null || :)" = "$tree" ]; then
	kind=git
	for d in rebase-apply rebase-merge MERGE_HEAD; do
		[ ! -e "$(cd "$tree" && git rev-parse --git-path "$d")" ] ||
			die "a git am, rebase or merge is under way in $tree; finish it first"
	done
	[ -z "$(git -C "$tree" status --porcelain | head -n 1)" ] ||
		die "$tree has changes that are not committed; commit or stash them first"
	# git am will need to know who commits.
	git -C "$tree" var GIT_COMMITTER_IDENT >/dev/null 2>&1 ||
		die "git in $tree does not know who you are: set user.name and user.email"
fi

rel=$(kernel_release "$tree")
if already_there "$tree"; then
	say "$tree (Linux $rel) has the series already; nothing to do"
	exit 0
fi
find_older "$tree"
[ ${#OLDER[@]} = 0 ] || say "Linux $rel is older than the pinned base; series/older comes first"
try_on_copy "$tree" "$TMP/copy" ||
	die "the series does not fit $tree (Linux $rel); the tree was left as it was"
if [ $kind = git ]; then
	put_git "$tree" ||
		die "git am refused what patch accepts (it allows no fuzz); the tree is left as it was"
else
	put_plain "$tree" "$TMP/copy" || die "writing to $tree failed"
fi
say "$tree (Linux $rel, $kind) now has the $(patches | wc -l) patches of the series"
