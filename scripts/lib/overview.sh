# shellcheck shell=bash
# series/README.md and its picture: the topics, written by './resv export'.

cover_of() { printf '%s\n' "$SERIES/$1/0000-cover-letter.txt"; }

# The subject of a topic's cover letter, without the part in brackets
title_of() {
	sed -n '1s/^Subject: *\(\[[^]]*\] *\)\{0,1\}//p' "$(cover_of "$1")"
}

overview_table() {	# GIT-TREE
	local t range needs
	echo '| topic | what it does | patches | lines | needs | can be reverted alone |'
	echo '|---|---|---|---|---|---|'
	while read -r t; do
		range=$(range_of "$t")
		needs=$(needs_of "$t" | sed 's/.*/[&](&)/' | tr '\n' ' ')
		echo "| [$t]($t) | $(title_of "$t") | $(pure_git -C "$1" rev-list --count "$range") |" \
			"$(pure_git -C "$1" diff --numstat --no-renames "${range%%..*}" "${range##*..}" |
			   awk '{ a += $1; d += $2 } END { print "+" a ", -" d }')" \
			"| ${needs% } | $(revertible | grep -qx "$t" && echo yes || echo no) |"
	done < <(topics)
}

# The picture is for Graphviz.
overview_dot() {
	local t n
	echo 'digraph topics {'
	echo '	rankdir=BT; node [shape=box, fontname="sans-serif", style=filled, fillcolor="#eef3fa"];'
	while read -r t; do
		echo "	\"$t\" [label=\"$t\\n$(patches "$t" | wc -l) patches\"$(
			! revertible | grep -qx "$t" || echo ', fillcolor="#e8f6e8"')];"
		while read -r n; do
			echo "	\"$t\" -> \"$n\";"
		done < <(needs_of "$t")
	done < <(topics)
	echo '}'
}

write_overview() {	# GIT-TREE FILE
	cat >"$2" <<'END'
# The series

A folder is a topic: its cover letter, and its patches from 0001 on. They are laid from top to bottom, and each
needs what its row says and what that needs in turn. `./resv tree TOPIC...` lays some of them, `./resv apply
TOPIC... TREE` puts them on a tree of yours; by hand it is `git am series/TOPIC/*.patch` for each of them in order.

![which topic needs which](topics.svg)

An arrow goes from a topic to one that it needs. Green ones can be taken back alone from the whole series.
Where each ends, the kernel boots and passes the tests that are there by then: [the record](../docs/tested.md#topics).

END
	overview_table "$1" >>"$2"
}
