# shellcheck shell=bash
# './resv apply' on other people's trees: fresh and older, git and plain; what
# does not fit is named and leaves no trace.
# depends: series scripts/apply.sh resv
. "$RESV_TOP/scripts/lib/putting.sh"

OLDER_VERSION=5.10.223-1
OLDER_SHA256=f733d27d239d65598d96d7a72f71ac50f49f2380192a1b3b4ca2f5ad5144dd63

# What a tree looks like, to see whether anything changed.
look() {
	(cd "$1" && find . -name .git -prune -o -printf '%p %y %s %T@ %m\n' |
		sort | sha256sum
	 while read -r f; do [ ! -e "$f" ] || sha256sum "$f"; done < <(touched_files))
}

apply_says() {	# TREE STATUS PATTERN NAME [ARGUMENT...]
	local rc=0
	"$RESV_TOP/resv" apply "${@:5}" "$1" >"$TMP/apply.out" 2>&1 </dev/null 9>&- || rc=$?
	if [ "$rc" = "$2" ] && grep -qE "$3" "$TMP/apply.out"; then
		ok "$4"
	else
		cp "$TMP/apply.out" "$LOGS/apply.log"
		fail "$4" "exit status $rc instead of $2, or not the words expected" "$LOGS/apply.log"
	fi
}

# The patched tree must hold our lines: on the pinned base exactly our files.
holds_series() {	# TREE NAME
	local f bad=
	while read -r f; do
		if lgit cat-file -e "HEAD:$f" 2>/dev/null; then
			lgit show "HEAD:$f" | cmp -s - "$1/$f" || bad=$f
		else
			[ ! -e "$1/$f" ] || bad=$f
		fi
	done < <(touched_files)
	if [ -z "$bad" ]; then ok "$2"; else fail "$2" "$bad differs from build/linux"; fi
}

# spoil TREE: change one line that the last possible patch is the first to find
# missing; says 'PATCH FILE'
spoil() {
	local p f line
	while read -r p; do
		while read -r f; do
			[ -f "$1/$f" ] || continue
			while IFS= read -r line; do
				[ "$(grep -cxF -e "$line" "$1/$f")" = 1 ] || continue
				! patches | awk -v p="$p" '$0 == p { exit } { print }' |
					xargs -d '\n' -r cat |
					grep -xF -e " $line" -e "-$line" >/dev/null || continue
				awk -v want="$line" '$0 == want { print "/* spoiled */"; next } { print }' \
					"$1/$f" >"$TMP/spoilt"
				cat "$TMP/spoilt" >"$1/$f"
				echo "$(patch_name "$p") $f"
				return
			done < <(awk -v f="b/$f" '
				/^diff --git / { on = $4 == f }
				on && /^-[^-]/ && !/\\/ && length > 12 { print substr($0, 2) }' "$p")
		done < <(awk '/^diff --git / { sub(/^b\//, "", $4); print $4 }' "$p")
	done < <(patches | tac)
	return 1
}

if [ -z "$(patches)" ]; then
	skip "apply" "the series has no patches"
	return 0
fi
need_space 4000 "the apply tier"
t=$TMP/trees
mkdir -p "$t"

status "apply: a fresh tree"
fresh() { mkdir -p "$1"; lgit archive base | tar -C "$1" -xf -; }
fresh "$t/plain"
apply_says "$t/plain" 0 'now has the' "plain $(kernel_release "$LINUX")"
holds_series "$t/plain" "plain $(kernel_release "$LINUX") is build/linux"
before=$(look "$t/plain")
apply_says "$t/plain" 0 'already' "a second time says so"
[ "$before" = "$(look "$t/plain")" ] && ok "a second time changes nothing" ||
	fail "a second time changes nothing" "files changed"
rm -rf "$t/plain"

pure_git clone -q --shared --no-checkout "$LINUX" "$t/git"
git -C "$t/git" config user.name resv
git -C "$t/git" config user.email resv@localhost
pure_git -C "$t/git" checkout -q -B work base
apply_says "$t/git" 0 'now has the' "git $(kernel_release "$LINUX")"
[ "$(git -C "$t/git" rev-parse 'HEAD^{tree}')" = "$(lgit rev-parse 'HEAD^{tree}')" ] &&
	ok "git $(kernel_release "$LINUX") is build/linux" ||
	fail "git $(kernel_release "$LINUX") is build/linux" "the trees differ"

# Some topics, and all but some. What is laid is what the branch of the last one says, if
# nothing is left out before it.
pure_git -C "$t/git" checkout -q -B work base
apply_says "$t/git" 0 'topics: fixes contract core sync-file$' "what the ioctls need comes along" sync-file
[ "$(git -C "$t/git" rev-parse 'HEAD^{tree}')" = "$(lgit rev-parse 'topic/sync-file^{tree}')" ] &&
	ok "that is where the topic ends" || fail "that is where the topic ends" "the trees differ"
apply_says "$t/git" 0 'already' "a second time says so, of topics too" core
pure_git -C "$t/git" checkout -q -B work base
apply_says "$t/git" 0 'the old interface stays' "all but amdgpu" --without amdgpu
for gone in amdgpu legacy signalling; do
	grep -qE "topics:.* $gone( |\$)" "$TMP/apply.out" && fail "all but amdgpu" "$gone was put" || :
done
f=drivers/gpu/drm/amd/amdgpu/amdgpu_sync.c
[ "$(git -C "$t/git" rev-parse "HEAD:$f")" = "$(lgit rev-parse "topic/contract:$f")" ] &&
	ok "amdgpu's conversion is not there" || fail "amdgpu's conversion is not there" "it is"
apply_says "$t/git" 2 "can't be had without" "what needs each other" legacy --without ttm
apply_says "$t/git" 2 "there is no topic 'kernel'" "a topic that is none" kernel

pure_git -C "$t/git" checkout -q -B work base
git -C "$t/git" rev-parse HEAD >"$t/git/.git/MERGE_HEAD"
apply_says "$t/git" 1 'under way' "a merge that is under way"
rm "$t/git/.git/MERGE_HEAD"

# One hunk that does not fit.
if which=$(spoil "$t/git"); then
	apply_says "$t/git" 1 'not committed' "a dirty git tree is refused"
	pure_git -C "$t/git" commit -q -a -m spoiled
	before=$(look "$t/git") head=$(git -C "$t/git" rev-parse HEAD)
	apply_says "$t/git" 1 "${which% *} does not fit" "git: the patch that does not fit is named"
	grep -qE "${which#* }: .*(hunk|there|no such)" "$TMP/apply.out" &&
		ok "git: so are file and hunk" || fail "git: so are file and hunk" "not named"
	[ "$before$head" = "$(look "$t/git")$(git -C "$t/git" rev-parse HEAD)" ] &&
		ok "git: the tree is as it was" || fail "git: the tree is as it was" "it changed"
	rm -rf "$t/git/.git"
	before=$(look "$t/git")
	apply_says "$t/git" 1 "${which% *} does not fit" "plain: the patch that does not fit is named"
	[ "$before" = "$(look "$t/git")" ] &&
		ok "plain: the tree is as it was" || fail "plain: the tree is as it was" "it changed"
else
	skip "a spoiled hunk" "no patch of the series removes a line of the base"
fi
rm -rf "$t/git"

mkdir -p "$t/new"
printf 'VERSION = 6\nPATCHLEVEL = 1\nSUBLEVEL = 0\n' >"$t/new/Makefile"
touch "$t/new/Kbuild"
apply_says "$t/new" 1 '6\.1\.0' "another kernel version is refused"
apply_says "$t/none" 2 'not a directory' "wrong use exits 2"

# An older 5.10.y.
fetch_base_deb linux-source-5.10 "$OLDER_VERSION" "$OLDER_SHA256"
in_background "unpacking $OLDER_VERSION" "$LOGS/unpack-older.log" \
	unpack_source "$FETCHED" "$t/older"
in_background "committing $OLDER_VERSION" "$LOGS/unpack-older.log" commit_base "$t/older"
git -C "$t/older" config user.name resv
git -C "$t/older" config user.email resv@localhost
apply_says "$t/older" 0 'topics: fixes$' "the fixes alone on $OLDER_VERSION" fixes
pure_git -C "$t/older" reset -q --hard base
apply_says "$t/older" 0 'now has the' "git $OLDER_VERSION"
pure_git -C "$t/older" reset -q --hard base
rm -rf "$t/older/.git"
apply_says "$t/older" 0 'now has the' "plain $OLDER_VERSION"
rm -rf "$t"
