# shellcheck shell=bash
# From a git tree to series/ and linux/, the same bytes every time.

write_series() {	# TREE DEST
	local t
	while read -r t; do
		mkdir -p "$2/$t"
		pure_git -C "$1" format-patch -q -o "$2/$t" \
			--zero-commit --no-signature --full-index --no-renames -N \
			--subject-prefix=PATCH --diff-algorithm=myers --unified=3 --stat=72 \
			--src-prefix=a/ --dst-prefix=b/ --suffix=.patch \
			--filename-max-length=64 --no-attach --no-thread --no-notes \
			--no-base "$(range_of "$t")"
	done < <(topics)
}

# Which files are shown whole: added ones, and changed ones that a pattern in
# series/whole-files names.
whole_files() {		# TREE
	local kind path pat pats
	mapfile -t pats < <(grep -v '^#' "$SERIES/whole-files")
	pure_git -C "$1" diff --no-renames --name-status base HEAD |
	while IFS=$'\t' read -r kind path; do
		case $kind in
		A) printf '%s\n' "$path" ;;
		M)	for pat in "${pats[@]}"; do
				# shellcheck disable=SC2053 # it is a pattern
				if [[ $path == $pat ]]; then
					printf '%s\n' "$path"; break
				fi
			done ;;
		esac
	done
}

write_whole_files() {	# TREE DEST
	mkdir -p "$2"
	local files
	mapfile -t files < <(whole_files "$1")
	[ ${#files[@]} = 0 ] ||
		pure_git -C "$1" archive --format=tar HEAD -- "${files[@]}" |
			tar -C "$2" --no-same-owner --no-same-permissions -xf -
}
