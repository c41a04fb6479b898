# shellcheck shell=bash
# Looking at somebody's tree without changing it: what does not fit and why, what is not
# there, who uses the old interface, what is pasted in.

# Code that is the interface itself, or tests it, is no user of it.
INTERFACE='^(drivers/dma-buf/|drivers/gpu/drm/ttm/|include/linux/dma-|include/uapi/linux/dma-buf\.h|include/linux/sync_file\.h|include/drm/ttm/)'
# What reads members that are gone has no function that could be offered in their place.
OLD_MEMBERS='(->|\.)fence_excl\b|resv(->|\.)seq\b|seqcount(_begin|_retry)?\(&[^,)]*(->|\.)seq\b|rcu_dereference(_protected)?\([a-z_>.-]*(resv|robj|obj)(->|\.)fence\b|\bt?bo(\.|->)moving\b'
# What the series brings, by the names that mainline has
NEW_NAMES='\b(DMA_BUF_IOCTL_(EX|IM)PORT_SYNC_FILE|DMA_RESV_USAGE_[A-Z]+|dma_resv_usage(_rw)?|dma_buf_(export|import)_sync_file|dma_resv_(add_fence|reserve_fences|get_singleton|get_fences|wait_timeout|test_signaled|iter_[a-z_]+|for_each_fence(_unlocked)?|replace_fences|describe|iter)|dma_fence_unwrap[a-z_]*)\b'

# for_awk NAMES: such an expression as it is to be handed to any awk
for_awk() { sed 's/\\b//g; s/\\/&&/g' <<<"$1"; }

# in_code NAMES FILE...: where one of NAMES, an extended regular expression, is in the code
# of FILEs: FILE, line, function or -, what matched, separated by tabs
in_code() {
	local names=$1
	shift
	[ $# = 0 ] || awk -v names="$(for_awk "$names")" '
	FNR == 1 { comment = 0; inside = 0; name = "" }
	{
		line = $0
		if (comment) { if (!sub(/^.*\*\//, "", line)) next; comment = 0 }
		gsub(/\/\*([^*]|\*+[^*\/])*\*+\//, "", line)
		if (sub(/\/\*.*/, "", line)) comment = 1
		sub(/\/\/.*/, "", line)
	}
	line ~ /^[A-Za-z_].*\(/ && line !~ /;[ \t]*$/ {
		head = line; sub(/\(.*/, "", head)
		n = split(head, word, /[ \t*]+/); name = word[n]
	}
	line ~ /^\{/ { inside = 1 }
	{
		rest = line
		while (match_word(rest)) {
			print FILENAME "\t" FNR "\t" (inside ? name : "-") "\t" found
			rest = after
		}
	}
	line ~ /^\}/ { inside = 0 }
	# There is no sign for the end of a word that every awk knows.
	function match_word(s,	c, before) {
		while (match(s, names)) {
			found = substr(s, RSTART, RLENGTH)
			c = RSTART > 1 ? substr(s, RSTART - 1, 1) : before
			after = substr(s, RSTART + RLENGTH)
			if (!(found ~ /^[A-Za-z_]/ && c ~ /[A-Za-z0-9_]/) &&
			    !(found ~ /[A-Za-z0-9_]$/ && after ~ /^[A-Za-z0-9_]/)) return 1
			before = substr(s, RSTART, 1)
			s = substr(s, RSTART + 1)
		}
		return 0
	}' "$@"
}

# functions_of NAMES FILE...: functions and types in FILEs that are called so, or take
# 'bool write': FILE, first and last line, what (function, declared, type, macro), name,
# and whether it takes a bool
functions_of() {
	local names=$1
	shift
	[ $# = 0 ] || awk -v names="^($(for_awk "$names"))\$" '
	function say(what, name, bool) { print file "\t" start "\t" end "\t" what "\t" name "\t" bool }
	function ours(name) { return name ~ names }
	FNR == 1 { head = ""; body = 0 }
	body {
		if ($0 ~ /^\}/) { end = FNR; say(kind, name, bool); body = 0 }
		next
	}
	/^[ \t]*#[ \t]*define[ \t]/ {
		split($0, word, /[ \t(]+/)
		name = word[1] ~ /define$/ ? word[2] : word[3]
		file = FILENAME; start = end = FNR
		if (ours(name)) say("macro", name, "-")
		head = ""; next
	}
	/^(struct|enum) [a-z_]+ *\{/ {
		file = FILENAME; start = FNR; kind = "type"; name = $2; bool = "-"
		sub(/\{.*/, "", name)
		if (ours(name)) body = 1
		next
	}
	head == "" && /^[A-Za-z_][^;{=]*\(/ { head = $0; file = FILENAME; start = FNR; decide() ; next }
	# The type in a line of its own
	head == "" && /^(static|struct|int|long|bool|void|unsigned)[^;{=(]*$/ { type = FNR }
	head != "" { head = head " " $0; decide() }
	function decide(	s, n, word) {
		if (head !~ /\)/) return
		if (head !~ /\) *(;|\{)|\)[^(]*(;|\{)$/) { if (length(head) > 1000) head = ""; return }
		s = head; sub(/\(.*/, "", s)
		n = split(s, word, /[ \t*]+/); name = word[n]
		bool = head ~ /\(([^)]*[ ,\t])?bool / ? "bool" : "-"
		if (type == start - 1) start = type
		if (ours(name) || (file ~ /dma-(buf|resv|fence)/ && head ~ /[(, \t]bool write[,)]/)) {
			end = FNR
			if (head ~ /;[ \t]*$/) say("declared", name, bool)
			else { kind = "function"; body = 1; if (head ~ /\}[ \t]*$/) { say(kind, name, bool); body = 0 } }
		}
		head = ""
	}' "$@"
}

# why_not PATCH TREE: a line for each hunk on stdin that did not fit ("FILE: hunk N (line
# L)", "FILE: there is no such file"), with the reason
why_not() {
	local line f n
	while IFS= read -r line; do
		f=${line%%: *} n=
		[[ $line =~ hunk\ ([0-9]+) ]] && n=${BASH_REMATCH[1]}
		if [ -z "$n" ] || [ ! -f "$2/$f" ]; then
			printf '%s\n' "$line"
			continue
		fi
		printf '%s: %s\n' "$line" "$(awk -v f="b/$f" -v n="$n" '
			FNR == NR { have[$0]; next }
			/^diff --git / { on = $4 == f; h = 0; next }
			on && /^@@ / { h++; next }
			on && h == n && /^[ -]/ && $0 != "-- " {
				line = substr($0, 2)
				if (!(line in have)) { gone = line; exit }
			}
			END {
				if (gone == "") print "its lines are there, but not in a row"
				else { gsub(/^[ \t]+|[ \t]+$/, "", gone); print "there is no line \"" gone "\"" }
			}' "$2/$f" "$1")"
	done
}

# files_of_base: of the files that the patches in LIST change, those that no patch of
# them adds or removes
files_of_base() {
	printf '%s\n' "${LIST[@]}" | xargs -d '\n' -r awk '
		/^diff --git / { f = substr($3, 3); if (!(f in seen)) { seen[f] = 1; order[++n] = f } }
		# What was removed may be gone, what is new need not be there.
		/^(new|deleted) file mode / && (seen[f] == 1 || /^deleted/) { fresh[f] }
		/^index / { seen[f] = 2 }
		END { for (i = 1; i <= n; i++) if (!(order[i] in fresh)) print order[i] }'
}

# not_there TREE: what of the base's files is missing: a directory if it is gone as a whole
not_there() {
	local f d
	while read -r f; do
		[ ! -e "$1/$f" ] || continue
		d=$f
		while [ "${d%/*}" != "$d" ] && [ ! -d "$1/${d%/*}" ]; do d=${d%/*}; done
		printf '%s\n' "$d"
	done < <(files_of_base) | sort -u
}
# Can do without it: a driver, a directory of documents or of tests, but nothing that
# others are built on.
dispensable() {	# PATH
	case $1 in
	drivers/dma-buf*|drivers/gpu|drivers/gpu/drm|drivers/gpu/drm/ttm*|drivers/gpu/drm/scheduler*) return 1 ;;
	Documentation*|tools/*|MAINTAINERS) return 0 ;;
	drivers/*/*) [[ $1 != *.[ch] && $1 != */Makefile && $1 != */Kconfig ]] ;;
	*) return 1 ;;
	esac
}

# about PATH: how many patches of each topic have something for it: "15 of fixes, ..."
about() {
	patches "${PUT[@]}" | xargs -d '\n' grep -lF "diff --git a/$1" |
		awk -F/ '{ n[$(NF - 1)]++; if (!($(NF - 1) in s)) { s[$(NF - 1)]; o[++k] = $(NF - 1) } }
			END { for (i = 1; i <= k; i++) printf "%s%d of %s", (i > 1 ? ", " : ""), n[o[i]], o[i] }'
}
# topics_for PATH: the topics that are made for it: those with hardly anything else
topics_for() {
	local t
	for t in "${PUT[@]}"; do
		[ "$(grep -lF "diff --git a/$1" "$SERIES/$t"/[0-9]*.patch | wc -l)" -le \
			$(($(patches "$t" | wc -l) * 3 / 4)) ] || printf '%s\n' "$t"
	done
}

# candidates TREE: files of it that speak of dma_resv at all
candidates() {
	(cd "$1" && grep -rlE --include='*.[ch]' --exclude-dir=.git --exclude-dir=Documentation \
		"dma_resv|\b(DMA_BUF_IOCTL|dma_buf)_(EX|IM|ex|im)(PORT|port)_(SYNC_FILE|sync_file)|ttm_(bo|validate_buffer|buffer_object)\b" . || :) |
		sed 's,^\./,,' | sort
}

# old_places TREE FILE...: what uses the old interface and is not what the series replaces
old_places() {
	local tree=$1
	shift
	patches | xargs -d '\n' -r awk -v names="$(for_awk "$OLD_NAMES")" '
		/^diff --git / { f = substr($3, 3) }
		/^-/ && $0 ~ names { print f "\t" substr($0, 2) }' | sort -u >"$TMP/replaced"
	(cd "$tree" && in_code "$OLD_NAMES" "$@") | sort -u | while IFS=$'\t' read -r f n function name; do
		line=$(sed -n "${n}p" "$tree/$f")
		grep -qxF -e "$f"$'\t'"$line" "$TMP/replaced" ||
			printf '%s\t%s\t%s\t%s\n' "$f" "$n" "$function" "$name"
	done
}

# meanings OLD NEW: of a file and what the semantic patch makes of it: "LINE MEANING" for
# each line of OLD that changed
meanings() {
	diff -U0 "$1" "$2" | awk '
	function flush(	i, usage, decide, say) {
		if (!count && !add) return
		usage = ""; decide = ""
		rest = text
		while (match(rest, /DMA_RESV_USAGE_[A-Z]+|dma_resv_usage_rw\([^()]*\)/)) {
			u = substr(rest, RSTART, RLENGTH); rest = substr(rest, RSTART + RLENGTH)
			sub(/DMA_RESV_USAGE_/, "", u)
			if (index(" " usage " ", " " u " ") == 0) usage = usage (usage == "" ? "" : " ") u
		}
		if (match(text, /dma_resv: decide: [^*]*/)) {
			decide = substr(text, RSTART + 18, RLENGTH - 18)
			gsub(/[ \t]+$/, "", decide)
		}
		if (usage == "" && text ~ /dma_resv_reserve_fences/) usage = "reserve slots"
		say = usage == "" ? (decide == "" ? "rewritten" : "") : usage
		if (decide != "") say = say (say == "" ? "" : "; ") "decide: " decide
		# A comment goes before the line that it is about.
		if (!count) { first++; count = 1 }
		for (i = first; i < first + count; i++) print i, say
	}
	/^@@ / {
		flush()
		split($2, a, ","); first = -a[1]; count = (2 in a) ? a[2] : 1
		split("", a); text = ""; add = 0; next
	}
	/^\+\+\+ |^--- / { next }
	/^\+/ { text = text " " substr($0, 2); add++ }
	END { flush() }' | sort -k 1,1n -u
}
