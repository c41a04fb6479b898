# shellcheck shell=bash
# The series is cut into topics, a folder each. series/order has them in the order in
# which they are laid, a line each: NAME, whether it can be reverted alone, and the
# topics that it needs.

topics() { awk '!/^#/ && NF { print $1 }' "$SERIES/order"; }
require_topic() {
	topics | grep -qxF -e "$1" ||
		usage_error "there is no topic '$1'; there are: $(topics | tr '\n' ' ')"
}
revertible() { awk '!/^#/ && $2 == "alone" { print $1 }' "$SERIES/order"; }
# What a topic needs by itself, without what that needs in turn
needs_of() { awk -v t="$1" '!/^#/ && $1 == t { for (i = 3; i <= NF; i++) print $i }' "$SERIES/order"; }

# with_needs TOPIC...: these and all that they need, in order
with_needs() {
	awk -v want="$*" '
		!/^#/ && NF { order[++n] = $1; for (i = 3; i <= NF; i++) needs[$1] = needs[$1] " " $i }
		END {
			k = split(want, w, " ")
			for (i = 1; i <= k; i++) take[w[i]]
			# A topic needs earlier ones only, so once from the end is enough.
			for (i = n; i; i--)
				if (order[i] in take) {
					m = split(needs[order[i]], d, " ")
					for (j = 1; j <= m; j++) take[d[j]]
				}
			for (i = 1; i <= n; i++)
				if (order[i] in take) print order[i]
		}' "$SERIES/order"
}

# users_of TOPIC...: these and all that need one of them, in order
users_of() {
	awk -v want="$*" '
		BEGIN { k = split(want, w, " "); for (i = 1; i <= k; i++) take[w[i]] }
		!/^#/ && NF {
			for (i = 3; i <= NF; i++)
				if ($i in take) take[$1]
			if ($1 in take) print $1
		}' "$SERIES/order"
}

# patches [TOPIC...]: their patches, in order; without any, all
patches() {
	local t f
	while read -r t; do
		for f in "$SERIES/$t"/[0-9][0-9][0-9][0-9]-*.patch; do
			[ ! -f "$f" ] || printf '%s\n' "$f"
		done
	done < <(if [ $# = 0 ]; then topics; else topics | grep -xF -f <(printf '%s\n' "$@"); fi)
}

# TOPIC/NNNN-SUBJECT of a patch file, as we name it to others
patch_name() { printf '%s\n' "${1#"$SERIES/"}"; }

# In a git tree each topic is a branch, topic/NAME, that ends where the topic ends.

# range_of TOPIC: its commits, A..B, in a tree that has all topics
range_of() {
	awk -v t="$1" '!/^#/ && NF {
		if ($1 == t) print (before ? "topic/" before : "base") "..topic/" t
		before = $1
	}' "$SERIES/order"
}
