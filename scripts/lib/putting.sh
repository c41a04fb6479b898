# shellcheck shell=bash
# Putting the series, or some of its topics, on somebody's tree: all that was asked for
# or nothing.

# The topics to put, in order
PUT=()

# find_older TREE: which of the patches for older trees this one needs. They make
# it look like the pinned base where the series has to find its place.
OLDER=()
find_older() {
	local f
	OLDER=()
	for f in "$SERIES"/older/[0-9][0-9][0-9][0-9]-*.patch; do
		[ ! -f "$f" ] || ! patch -d "$1" -p1 -f -N -F0 --dry-run \
			<"$f" >/dev/null 2>&1 || OLDER+=("$f")
	done
}

# What is put on the tree, in order.
to_put() {
	[ ${#OLDER[@]} = 0 ] || printf '%s\n' "${OLDER[@]}"
	patches "${PUT[@]}"
}

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
	[ $# -gt 0 ] || set -- "${PUT[@]}"
	patches "$@" | xargs -d '\n' -r awk '
		/^diff --git / { sub(/^a\//, "", $3); sub(/^b\//, "", $4); print $3; print $4 }' |
		sort -u
}

# try_on_copy TREE COPY: apply to a copy of the touched files. Names the patch,
# the file and the hunk that does not fit.
try_on_copy() {
	local tree=$1 copy=$2 f n=0 total bad
	rm -rf "$copy"
	mkdir -p "$copy"
	while read -r f; do
		[ ! -e "$tree/$f" ] || (cd "$tree" && cp -a --parents -- "$f" "$copy/")
	done < <(touched_files)
	total=$(to_put | wc -l)
	while read -r f; do
		n=$((n + 1))
		status "trying patch $n of $total"
		if ! patch -d "$copy" -p1 -f -N -E -F0 --no-backup-if-mismatch -r - \
				<"$f" >"$TMP/patch.out" 2>&1; then
			bad=$(hunk_failures <"$TMP/patch.out" | head -n 8)
			clear_status
			note "$(patch_name "$f") does not fit:"
			note "$(printf "%s\n" "${bad:-$(head -n 5 "$TMP/patch.out")}" | sed "s/^/  /")"
			return 1
		fi
	done < <(to_put)
	clear_status
}

already_there() {	# TREE: does it have all that is to be put?
	local t all
	can_take_back "$1" "${PUT[@]}" && return
	# What came after it may have changed its lines: then all of that has to be there.
	while read -r t; do
		mapfile -t all < <(with_needs "${PUT[@]}" "$t")
		can_take_back "$1" "${all[@]}" && return
	done < <(topics | tac)
	return 1
}

can_take_back() {	# TREE TOPIC...
	local tree=$1 copy=$TMP/reverse f
	shift
	rm -rf "$copy"; mkdir -p "$copy"
	while read -r f; do
		[ ! -e "$tree/$f" ] || (cd "$tree" && cp -a --parents -- "$f" "$copy/")
	done < <(touched_files "$@")
	while read -r f; do
		patch -d "$copy" -p1 -f -R -E -F0 --no-backup-if-mismatch -r - \
			<"$f" >/dev/null 2>&1 || return 1
	done < <(patches "$@" | tac)
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
	local tree=$1 list=() rc=0
	mapfile -t list < <(to_put)
	PUT_TREE=$tree PUT_HEAD=$(git -C "$tree" rev-parse HEAD) PUT_BACK=1
	at_exit put_back_git
	in_background "git am of ${#list[@]} patches" "$TMP/am.out" \
		git -C "$tree" -c commit.gpgSign=false am --keep-cr --whitespace=nowarn \
			"${list[@]}" || rc=$?
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
