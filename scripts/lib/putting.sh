# shellcheck shell=bash
# Putting the series, or some of its topics, on somebody's tree: all that was asked for
# or nothing.

# The topics to put, in order
PUT=()

# find_older TREE: which of the patches for older trees this one needs. They make
# it look like the pinned base where what is put has to find its place.
OLDER=()
find_older() {
	local f
	OLDER=()
	touched_files >"$TMP/touched"
	for f in "$SERIES"/older/[0-9][0-9][0-9][0-9]-*.patch; do
		[ -f "$f" ] && grep -qxF -f <(files_of "$f") "$TMP/touched" || continue
		! patch -d "$1" -p1 -f -N -F0 --dry-run \
			<"$f" >/dev/null 2>&1 || OLDER+=("$f")
	done
}

# The command line that apply and check share: [TOPIC...] [--without TOPIC|PATH]... [--3way]
# TREE. Sets TREE, PUT, and what was left out.
TREE='' THREE_WAY='' WITHOUT=() CHOSEN=() GONE=() LEFT_OUT=()
parse_put() {	# COMMAND ARGUMENT...
	local command=$1 a t
	shift
	parse_args "$@"
	[ -z "$BASE_ARG" ] || usage_error "$command takes a tree, not --base"
	while [ ${#ARGS[@]} -gt 0 ]; do
		a=${ARGS[0]} ARGS=("${ARGS[@]:1}")
		case $a in
		--without)
			[ ${#ARGS[@]} -gt 0 ] || usage_error "--without needs a topic, or a path in the tree"
			a=${ARGS[0]%/} ARGS=("${ARGS[@]:1}")
			if [[ $a == */* ]]; then GONE+=("$a"); else require_topic "$a"; WITHOUT+=("$a"); fi ;;
		--3way)	THREE_WAY=1 ;;
		-*)	usage_error "$command does not know '$a'" ;;
		*)	if [ ${#ARGS[@]} = 0 ]; then TREE=$a; else require_topic "$a"; CHOSEN+=("$a"); fi ;;
		esac
	done
	[ -n "$TREE" ] || usage_error "$command needs a kernel tree, as its last argument"
	[ -d "$TREE" ] || usage_error "$TREE is not a directory"
	TREE=$(cd "$TREE" && pwd -P)
	for a in "${GONE[@]}"; do
		[ ! -e "$TREE/$a" ] ||
			usage_error "$a is there in $TREE; only what a tree does not have can be left out by its path"
	done
	mapfile -t PUT < <(if [ ${#CHOSEN[@]} = 0 ]; then topics; else with_needs "${CHOSEN[@]}"; fi)
	[ ${#WITHOUT[@]} -gt 0 ] || return 0
	mapfile -t LEFT_OUT < <(users_of "${WITHOUT[@]}" | grep -xF -f <(printf '%s\n' "${PUT[@]}") || :)
	for t in "${CHOSEN[@]}"; do
		[[ " ${LEFT_OUT[*]} " != *" $t "* ]] ||
			usage_error "$t can't be had without ${WITHOUT[*]}"
	done
	[ ${#LEFT_OUT[@]} -gt 0 ] || return 0
	mapfile -t PUT < <(printf '%s\n' "${PUT[@]}" | grep -vxF -f <(printf '%s\n' "${LEFT_OUT[@]}") || :)
	for t in "${LEFT_OUT[@]}"; do
		[[ " ${WITHOUT[*]} " = *" $t "* ]] || say "left out with ${WITHOUT[*]}, which it needs: $t"
	done
	! printf '%s\n' "${LEFT_OUT[@]}" | grep -qx legacy || say "the old interface stays for whoever still uses it"
}

tree_kind() {	# TREE: git, if it is the top of a repository, or plain
	if [ "$(git -C "$1" rev-parse --show-toplevel 2>/dev/null || :)" = "$1" ]; then echo git; else echo plain; fi
}

# under_way GIT-TREE: is a git am, rebase or merge?
under_way() {
	local d
	for d in rebase-apply rebase-merge MERGE_HEAD; do
		# What git says is relative to the tree
		! (cd "$1" && [ -e "$(git rev-parse --git-path "$d")" ]) || return 0
	done
	return 1
}

# list_patches: sets LIST to what is put on the tree, in order. What concerns paths in
# GONE is cut out, and a patch of which nothing stays is not there.
LIST=()
list_patches() {
	local f cut rc all
	mapfile -t LIST < <([ ${#OLDER[@]} = 0 ] || printf '%s\n' "${OLDER[@]}"; patches "${PUT[@]}")
	[ ${#GONE[@]} -gt 0 ] || return 0
	all=("${LIST[@]}")
	LIST=()
	for f in "${all[@]}"; do
		cut=$TMP/put/$(patch_name "$f")
		mkdir -p "${cut%/*}"
		awk -v gone="${GONE[*]}" '
			function is_gone(f,	i) {
				for (i = 1; i <= n; i++)
					if (f == path[i] || index(f, path[i] "/") == 1) return 1
				return 0
			}
			BEGIN { n = split(gone, path, " ") }
			/^diff --git / { skip = is_gone(substr($3, 3)) || is_gone(substr($4, 3)); skip ? cut++ : kept++ }
			!skip
			END { if (skip) print "-- "; exit cut ? (kept ? 1 : 2) : 0 }' "$f" >"$cut" && rc=0 || rc=$?
		case $rc in
		0)	LIST+=("$f"); rm "$cut" ;;
		1)	LIST+=("$cut") ;;
		2)	rm "$cut" ;;
		*)	return 1 ;;
		esac
	done
}
name_of() { patch_name "${1#"$TMP/put/"}"; }
topic_of() { local n; n=$(name_of "$1"); printf '%s\n' "${n%%/*}"; }

hunk_failures() {	# the output of patch or git apply: FILE: hunk N, one a line
	awk '
	/^checking file |^patching file / { f = $3; gsub(/\047/, "", f) }
	/^Hunk #[0-9]+ FAILED at/ { sub(/^#/, "", $2); print f ": hunk " $2 " (line " $5 + 0 ")" }
	/^\|\+\+\+ / { f = $2; sub(/^b\//, "", f) }
	/^No file to patch/ { print f ": there is no such file" }
	/^The next patch would (create|delete) the file/ { sub(/,$/, "", $NF); f = $8; gsub(/[,\047]/, "", f)
		print f ": it is " ($5 == "create" ? "already there" : "not as expected") }
	/previously applied\) patch detected/ { print f ": it is there already" }'
}

# The files that topics touch, those to put if none are named, from the patches themselves.
touched_files() {	# [TOPIC...]
	local list
	[ $# -gt 0 ] || set -- "${PUT[@]}"
	mapfile -t list < <(patches "$@")
	files_of "${list[@]}"
}

files_of() {	# PATCH...
	[ $# = 0 ] || awk '
		/^diff --git / { sub(/^a\//, "", $3); sub(/^b\//, "", $4); print $3; print $4 }' "$@" |
		sort -u
}

copy_touched() {	# TREE COPY [TOPIC...]
	local f
	rm -rf "$2"
	mkdir -p "$2"
	while read -r f; do
		[ ! -e "$1/$f" ] || (cd "$1" && cp -a --parents -- "$f" "$2/")
	done < <(touched_files "${@:3}")
}

patch_on() {	# COPY PATCH [OPTION...]: without fuzz; what it said is in $TMP/patch.out
	patch -d "$1" -p1 -f -E -F0 --no-backup-if-mismatch -r - "${@:3}" <"$2" >"$TMP/patch.out" 2>&1
}

# A patch that does not fit by its context still says by the hash of which file it was
# made. With that file, and the one that it makes of it, both from build/linux, git can
# merge. That is done here, not in the tree: what comes out becomes an ordinary patch
# that fits, so that no object of ours is missing there later.
mgit() {	# COPY ARGUMENT...
	GIT_ALTERNATE_OBJECT_DIRECTORIES=$LINUX/.git/objects \
		pure_git --git-dir="$TMP/merge.git" --work-tree="$1" -C "$1" "${@:2}"
}
can_merge() {	# are the files of the base at hand?
	local blob all
	[ -d "$LINUX/.git/objects" ] || return 1
	mapfile -t all < <(patches "${PUT[@]}")
	blob=$(awk '/^index / { sub(/\.\..*/, "", $2); if ($2 !~ /^0+$/) { print $2; exit } }' "${all[@]}")
	pure_git -C "$LINUX" cat-file -e "$blob" 2>/dev/null
}
# merge_on COPY PATCH: sets MERGED to the patch that fits; empty if nothing was left of it
MERGED=
merge_on() {
	local copy=$1 f=$2 before after
	[ -d "$TMP/merge.git" ] || pure_git init -q --bare "$TMP/merge.git"
	mgit "$copy" add -A -f .
	before=$(mgit "$copy" write-tree)
	if ! mgit "$copy" apply --3way --index --whitespace=nowarn "$f" >"$TMP/merge.out" 2>&1; then
		mgit "$copy" read-tree --reset -u "$before"
		return 1
	fi
	after=$(mgit "$copy" write-tree)
	MERGED=
	[ "$before" != "$after" ] || return 0
	MERGED=$TMP/put/merged/$(name_of "$f")
	mkdir -p "${MERGED%/*}"
	{	sed '/^diff --git /,$d' "$f"
		mgit "$copy" diff-tree -p --full-index --binary "$before" "$after"
		echo "-- "
	} >"$MERGED"
}

# try_patch COPY PATCH: put it on the copy. Sets HOW to fits, merged, there or fails, and
# FITS to the patch that did it.
HOW='' FITS=''
try_patch() {
	HOW=fits FITS=$2
	# To merge, git wants to find the files as they were.
	if [ -z "$THREE_WAY" ] || patch_on "$1" "$2" -N --dry-run; then
		! patch_on "$1" "$2" -N || return 0
	fi
	if [ -n "$THREE_WAY" ]; then
		cp "$TMP/patch.out" "$TMP/patch.keep"
		if merge_on "$1" "$2"; then
			HOW=merged FITS=$MERGED
			[ -n "$MERGED" ] || HOW=there
			return 0
		fi
		mv "$TMP/patch.keep" "$TMP/patch.out"
	fi
	HOW=fails FITS=
	return 1
}

# try_on_copy TREE COPY: apply to a copy of the touched files. Sets FITTED to what fits,
# BY_MERGE to the names of those patches that were merged, and MISFIT to what there is to
# say about the first one that does not fit: its name, the file and the hunk.
FITTED=() BY_MERGE=() MISFIT=''
try_on_copy() {
	local tree=$1 copy=$2 f n=0 bad
	FITTED=() BY_MERGE=()
	copy_touched "$tree" "$copy"
	for f in "${LIST[@]}"; do
		n=$((n + 1))
		[ -z "${THERE["$(name_of "$f")"]-}" ] || continue
		status "trying patch $n of ${#LIST[@]}"
		if ! try_patch "$copy" "$f"; then
			bad=$(hunk_failures <"$TMP/patch.out" | head -n 8)
			clear_status
			bad=${bad:-$(head -n 5 "$TMP/patch.out")}
			MISFIT="$(name_of "$f") does not fit:"$'\n'"  ${bad//$'\n'/$'\n'  }"
			return 1
		fi
		[ -z "$FITS" ] || FITTED+=("$FITS")
		[ "$HOW" != merged ] || BY_MERGE+=("$(name_of "$f")")
	done
	clear_status
}

# take_off COPY: what of the series is there comes off, the last patch first. THERE has
# the names of those patches.
declare -A THERE=()
take_off() {
	local copy=$1 i
	THERE=()
	for ((i = ${#LIST[@]} - 1; i >= 0; i--)); do
		status "looking for what is there already: patch $((i + 1))"
		! patch_on "$copy" "${LIST[i]}" -R --dry-run || ! patch_on "$copy" "${LIST[i]}" -R ||
			THERE["$(name_of "${LIST[i]}")"]=1
	done
	clear_status
}

already_there() {	# TREE: does it have all that is to be put?
	local copy=$TMP/reverse t all list
	copy_touched "$1" "$copy"
	take_back "$copy" "${LIST[@]}" && return
	# What came after it may have changed its lines: then all of that has to be there. One
	# look at the tree says mostly that it is not, without a copy.
	while read -r t; do
		mapfile -t all < <(with_needs "${PUT[@]}" "$t")
		mapfile -t list < <(patches "${all[@]}")
		patch_on "$1" "${list[-1]}" -R --dry-run || continue
		copy_touched "$1" "$copy" "${all[@]}"
		take_back "$copy" "${list[@]}" && return
	done < <(topics | tac)
	return 1
}

take_back() {	# COPY PATCH...: the last one first
	local copy=$1 i
	local -a list=("${@:2}")
	for ((i = ${#list[@]} - 1; i >= 0; i--)); do
		patch_on "$copy" "${list[i]}" -R || return 1
	done
}

# put_plain TREE: from the copy on which the series fits to the tree itself. If
# that is interrupted or the disk fills, the old files go back.
put_plain() {
	local tree=$1 copy=$2 keep=$TMP/keep f
	mkdir -p "$keep"
	PUT_TREE=$tree PUT_KEEP=$keep PUT_BACK=1
	at_exit put_back
	while read -r f; do
		if [ -e "$tree/$f" ]; then
			(cd "$tree" && cp -a --parents -- "$f" "$keep/") || return 1
		fi
	done < <(touched_files)
	while read -r f; do
		if [ -e "$copy/$f" ]; then
			mkdir -p "$(dirname "$tree/$f")" || return 1
			cmp -s "$copy/$f" "$tree/$f" && continue
			cp -a -- "$copy/$f" "$tree/$f.resv-new" &&
				mv -f -- "$tree/$f.resv-new" "$tree/$f" || return 1
		else
			rm -f -- "$tree/$f" || return 1
		fi
	done < <(touched_files)
	PUT_BACK=
}
PUT_BACK=
put_back() {
	[ -n "$PUT_BACK" ] || return 0
	local f
	while read -r f; do
		rm -f -- "$PUT_TREE/$f.resv-new"
		if [ -e "$PUT_KEEP/$f" ]; then
			cmp -s "$PUT_KEEP/$f" "$PUT_TREE/$f" ||
				cp -a -- "$PUT_KEEP/$f" "$PUT_TREE/$f"
		else
			rm -f -- "$PUT_TREE/$f"
			rmdir -p --ignore-fail-on-non-empty -- \
				"$(dirname "$PUT_TREE/$f")" 2>/dev/null || :
		fi
	done < <(touched_files)
	note "resv: stopped halfway; $PUT_TREE is as it was"
}

# put_git TREE: git am, back to where it was if that stops
put_git() {
	local tree=$1 rc=0
	PUT_TREE=$tree PUT_HEAD=$(git -C "$tree" rev-parse HEAD) PUT_BACK=1
	at_exit put_back_git
	in_background "git am of ${#FITTED[@]} patches" "$TMP/am.out" \
		git -C "$tree" -c commit.gpgSign=false am --keep-cr --whitespace=nowarn \
			"${FITTED[@]}" || rc=$?
	if [ "$rc" != 0 ]; then
		note "$(grep -E '^(error|fatal|Patch failed|Applying)' "$TMP/am.out" | tail -n 6)"
		return 1
	fi
	PUT_BACK=
}
put_back_git() {
	[ -n "$PUT_BACK" ] || return 0
	git -C "$PUT_TREE" am --abort >/dev/null 2>&1 || :
	git -C "$PUT_TREE" reset -q --hard "$PUT_HEAD"
	PUT_BACK=
	note "resv: $PUT_TREE is as it was"
}
