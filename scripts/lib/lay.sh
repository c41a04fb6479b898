# shellcheck shell=bash
# build/linux: the base as one commit, then one commit a patch. Each topic is a branch,
# topic/NAME, that ends with its last patch; git rebase moves them along.
#
# Kept inside build/linux/.git:
#   resv-base   the key of the base that was laid (written last)
#   resv-laid   one line a patch: sha256 of the patch file, commit
#   resv-topics where the branches of the topics were then
#   resv-laying there while patches are applied; a leftover means that we were
#               interrupted, and what is checked out is only ours

lgit() { pure_git -C "$LINUX" "$@"; }
laid_file() { printf '%s\n' "$LINUX/.git/resv-laid"; }

commit_base() {	# DIR: make a repository of an unpacked source
	local d=$1
	pure_git -C "$d" init -q -b series || return 1
	# Debian has git ignore everything but its own packaging; new files would
	# go unnoticed.
	if grep -qxF "/*" "$d/.gitignore"; then
		sed -i "/^\\/\*\$/d; /^!\\/debian\\/\$/d" "$d/.gitignore" || return 1
	fi
	pure_git -C "$d" add -A -f . || return 1
	GIT_AUTHOR_NAME=resv GIT_AUTHOR_EMAIL=resv@localhost \
	GIT_AUTHOR_DATE='2020-12-13T22:41:30Z' GIT_COMMITTER_DATE='2020-12-13T22:41:30Z' \
	pure_git -C "$d" commit -q --no-verify -m "Linux $(kernel_release "$d"), the base" || return 1
	pure_git -C "$d" tag base
}

# Work in build/linux that series/ does not have? Says what it is.
unexported() {
	local dirty head
	if [ -d "$LINUX/.git/rebase-merge" ] || [ -d "$LINUX/.git/rebase-apply" ]; then
		echo "a rebase or am is under way in it"; return
	fi
	dirty=$(lgit status --porcelain | head -n 3)
	if [ -n "$dirty" ]; then
		echo "uncommitted changes:"; echo "$dirty"; return
	fi
	head=$(lgit rev-parse HEAD)
	[ "$head" = "$(lgit rev-parse -q --verify refs/resv/laid || :)" ] ||
		{ echo "commits that were not exported:"; lgit log --oneline -5 refs/resv/laid..HEAD; return; }
	# Laid before there were topics, it has no such file.
	[ ! -e "$(topics_file)" ] || where_topics_end | cmp -s - "$(topics_file)" ||
		echo "branches topic/* that end elsewhere than in series/"
}

topics_file() { printf '%s\n' "$LINUX/.git/resv-topics"; }
where_topics_end() { lgit for-each-ref --format='%(refname:short) %(objectname)' refs/heads/topic; }

# mark_topics [TOPIC...]: have the branches of these, and no others, end where the
# patches say
mark_topics() {
	local t n=0 b
	while read -r b; do
		lgit branch -q -D "$b"
	done < <(lgit for-each-ref --format='%(refname:short)' refs/heads/topic)
	for t; do
		n=$((n + $(patches "$t" | wc -l)))
		b=$(sed -n "${n}s/.* //p" "$(laid_file)")
		lgit branch -q --no-track "topic/$t" "$b"
	done
	where_topics_end >"$(topics_file)"
}

# check_topics: each of them has its branch, one after the other, the last one at HEAD
check_topics() {
	local t before=base
	while read -r t; do
		lgit rev-parse -q --verify "refs/heads/topic/$t" >/dev/null ||
			die "build/linux has no branch topic/$t; './resv tree' lays all topics"
		lgit merge-base --is-ancestor "$before" "topic/$t" ||
			die "in build/linux topic/$t doesn't come after $before"
		[ "$(lgit rev-list --count "$before..topic/$t")" != 0 ] ||
			die "in build/linux there is nothing between $before and topic/$t"
		before=topic/$t
	done < <(topics)
	[ "$(lgit rev-parse HEAD)" = "$(lgit rev-parse "$before")" ] ||
		die "in build/linux these are in no topic:
$(lgit log --oneline -5 "$before..HEAD")
Move each to the topic it belongs to ('git rebase -i base' takes the branches topic/* along);
what belongs to the last one is in it after 'git branch -f $before'."
}

record_laid() {	# HEAD is what series/ says, patch by patch
	local f c
	while read -r f && read -r c <&3; do
		printf '%s %s\n' "$(sha256sum <"$f" | cut -c1-64)" "$c"
	done < <(patches) 3< <(lgit rev-list --reverse base..HEAD) >"$TMP/laid"
	mv "$TMP/laid" "$(laid_file)"
	where_topics_end >"$(topics_file)"
	lgit update-ref refs/resv/laid HEAD
}

lay_base() {
	local tmp=$BUILD/linux.new
	base_source
	need_space 3000 "laying build/linux"
	progress_of() { local s; s=$(du -sm "$tmp" 2>/dev/null) || s=0; echo "${s%%[!0-9]*} of ~1100 MB, "; }
	in_background "unpacking $BASE_NAME" "$LOGS/unpack.log" unpack_source "$SOURCE" "$tmp" ||
		{ tail -n 3 "$LOGS/unpack.log" >&2; rm -rf "$tmp"
		  die "cannot unpack $SOURCE"; }
	progress_of() { :; }
	require_5_10 "$tmp" "$BASE_NAME"
	in_background "committing the base" "$LOGS/unpack.log" commit_base "$tmp" ||
		{ tail -n 3 "$LOGS/unpack.log" >&2; rm -rf "$tmp"
		  die "cannot commit the base; see $LOGS/unpack.log"; }
	pure_git -C "$tmp" update-ref refs/resv/laid HEAD
	printf '%s\n' "$BASE_KEY" >"$tmp/.git/resv-base"
	if [ -d "$LINUX" ]; then
		rm -rf "$BUILD/linux.old"
		mv "$LINUX" "$BUILD/linux.old"
	fi
	mv "$tmp" "$LINUX"
	rm -rf "$BUILD/linux.old" "$BUILD/linux-base"
	say "build/linux: base is $BASE_NAME (Linux $(kernel_release "$LINUX"))"
}

save_work() {	# --force: nothing is lost, it only steps aside
	local name
	name=saved-$(date +%Y%m%d-%H%M%S)
	if [ -d "$LINUX/.git/rebase-apply" ]; then lgit am --quit || :; fi
	if [ -d "$LINUX/.git/rebase-merge" ]; then lgit rebase --quit || :; fi
	lgit checkout -q -b "$name"
	lgit add -A
	[ -z "$(lgit status --porcelain)" ] ||
		lgit commit -q --no-verify -m "Work that was not exported"
	note "what was not exported is on branch $name of build/linux"
	lgit checkout -q -B series base
	: >"$(laid_file)"
	mark_topics
}

# lay_tree FORCE [TOPIC...]: bring build/linux to what series/ says, all of it or these
# topics and what they need
lay_tree() {
	local force=$1 chosen work all=() todo=() f sha commit keep=base n=0 laid=() old=()
	shift
	need fetch
	choose_base
	mapfile -t chosen < <(if [ $# = 0 ]; then topics; else with_needs "$@"; fi)
	if [ -e "$LINUX/.git/resv-laying" ]; then
		note "the last run was interrupted while applying patches; starting that over"
		rm -rf "$LINUX/.git/rebase-apply" "$LINUX/.git/index.lock"
		lgit reset -q --hard base
		lgit clean -fdxq
		: >"$(laid_file)"
		mark_topics
		lgit update-ref refs/resv/laid HEAD
		rm -f "$LINUX/.git/resv-laying"
	fi
	if [ -e "$LINUX/.git/resv-base" ]; then
		work=$(unexported)
		if [ -n "$work" ]; then
			[ -n "$force" ] ||
				die "build/linux holds work that series/ does not:
$work
Run './resv export' to keep it, or './resv tree --force' to set it aside."
			save_work
		fi
		if [ "$(cat "$LINUX/.git/resv-base")" != "$BASE_KEY" ]; then
			[ -z "$(lgit branch --list 'saved-*')" ] ||
				die "build/linux has saved-* branches and another base; move build/linux away first"
			note "build/linux has another base; laying it anew"
			lay_base
		fi
	else
		[ ! -e "$LINUX" ] || die "build/linux is there but is not ours; move it away"
		lay_base
	fi

	lgit config rebase.updateRefs true
	mapfile -t all < <(patches "${chosen[@]}")
	[ ! -f "$(laid_file)" ] || mapfile -t old <"$(laid_file)"
	for f in "${all[@]}"; do
		sha=$(sha256sum <"$f"); sha=${sha%% *}
		commit=${old[n]-}; commit=${commit#* }
		[ "${old[n]-}" = "$sha $commit" ] || break
		keep=$commit; laid+=("${old[n]}"); n=$((n + 1))
	done
	todo=("${all[@]:n}")
	if [ ${#todo[@]} = 0 ] && [ "$(lgit rev-parse HEAD)" = "$(lgit rev-parse "$keep^{commit}")" ] &&
	   [ "$(cat "$(topics_file)" 2>/dev/null | wc -l)" = "${#chosen[@]}" ]; then
		return 0
	fi

	touch "$LINUX/.git/resv-laying"
	lgit checkout -q -B series "$keep"
	for f in "${todo[@]}"; do
		n=$((n + 1))
		status "applying patch $n of ${#all[@]}: $(patch_name "$f")"
		if ! lgit am -q --keep-cr --no-3way --committer-date-is-author-date \
				--whitespace=nowarn "$f" >"$LOGS/am.log" 2>&1 </dev/null; then
			lgit am --abort >/dev/null 2>&1 || :
			lgit update-ref refs/resv/laid HEAD
			printf '%s\n' "${laid[@]}" >"$(laid_file)"
			mark_topics
			rm -f "$LINUX/.git/resv-laying"
			note "$(grep -E "^(error|fatal):" "$LOGS/am.log" | head -n 6)"
			die "$(patch_name "$f") does not apply on $BASE_NAME; build/linux ends before it"
		fi
		laid+=("$(sha256sum <"$f" | cut -c1-64) $(lgit rev-parse HEAD)")
	done
	[ ${#laid[@]} = 0 ] && : >"$TMP/laid" || printf '%s\n' "${laid[@]}" >"$TMP/laid"
	mv "$TMP/laid" "$(laid_file)"
	mark_topics "${chosen[@]}"
	lgit update-ref refs/resv/laid HEAD
	rm -f "$LINUX/.git/resv-laying"
	say "build/linux: ${#all[@]} patches in ${#chosen[@]} topics on $BASE_NAME"
}
