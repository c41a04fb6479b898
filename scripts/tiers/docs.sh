# shellcheck shell=bash
# What the series documents comes out as it should: MAINTAINERS names somebody for each
# file that it adds, kernel-doc has nothing to say about our files nor about our lines
# in others, and neither has Sphinx about the pages.
# depends: tree
need docs

. "$RESV_TOP/scripts/lib/maintainers.sh"
lgit diff --no-renames --diff-filter=A --name-only base HEAD >"$TMP/added"
while read -r f; do
	looked_after "$f" || echo "$f"
done <"$TMP/added" >"$LOGS/docs-maintainers.log"
if [ -s "$LOGS/docs-maintainers.log" ]; then
	fail "MAINTAINERS" "no section of its own: $(head -n 1 "$LOGS/docs-maintainers.log")" \
		"$LOGS/docs-maintainers.log"
else
	ok "MAINTAINERS ($(wc -l <"$TMP/added") files)"
fi

# "FILE: MESSAGE" for each warning of kernel-doc, without the line, so that they compare
kernel_doc_of() {	# TREE LIST
	(cd "$1" && while read -r f; do
		[ ! -e "$f" ] || "$LINUX/scripts/kernel-doc" -none "$f" 2>&1
	done) <"$2" | sed -nE 's/^([^ :]+):[0-9]+: (warning|error): /\1: /p' | sort
}
{ whole_files "$LINUX"; lgit ls-files drivers/dma-buf; } | grep '\.[ch]$' | sort -u >"$TMP/ours"
lgit diff --no-renames --diff-filter=M --name-only base HEAD -- '*.[ch]' | sort |
	comm -23 - "$TMP/ours" >"$TMP/others"
mapfile -t others <"$TMP/others"
mkdir "$TMP/base"
lgit archive --format=tar base -- "${others[@]}" | tar -C "$TMP/base" -xf -
kernel_doc_of "$LINUX" "$TMP/ours" >"$LOGS/docs-kernel-doc.log"
comm -23 <(kernel_doc_of "$LINUX" "$TMP/others") <(kernel_doc_of "$TMP/base" "$TMP/others") \
	>>"$LOGS/docs-kernel-doc.log"
if [ -s "$LOGS/docs-kernel-doc.log" ]; then
	fail "kernel-doc" "$(head -n 1 "$LOGS/docs-kernel-doc.log")" "$LOGS/docs-kernel-doc.log"
else
	ok "kernel-doc ($(cat "$TMP/ours" "$TMP/others" | wc -l) files)"
fi

# Sphinx reads a page again if it or a source of it has changed, and says nothing about
# the others. Ours are to be read each time, so their doctrees go.
out=$BUILD/docs
sphinx() {	# SET OPTIONS PAGE...
	local set=$1 options=$2 log=$LOGS/docs-$1.log page bad
	shift 2
	for page; do
		rm -f "$out/Documentation/output/.doctrees/$set/$page.doctree" \
			"$out/Documentation/output/$set/$page.html"
	done
	mkdir -p "$out"
	progress_of() { sed -nE 's/^(reading|writing)[^[]*\[ *([0-9]+%)\].*/\1 \2, /p' "$1" | tail -n 1; }
	if ! in_background "Sphinx: $set" "$log" kmake "$LINUX" "$out" htmldocs \
			SPHINXDIRS="$set" SPHINXOPTS="-n $options"; then
		fail "Sphinx: $set" "$(grep -m 1 -E '\*\*\*|rror' "$log" || echo failed)" "$log"
		return
	fi
	# A name of the kernel that no document has is no mistake, unless it is one of
	# dma-buf. Those in the head of a function come with it.
	bad=$(sed "s,$LINUX/,,g" "$log" | awk '
		FNR == NR { ours[$0]; next }
		/reference target not found/ {
			if (/c:(type|func|macro|struct|enum|member) [^:]*: (dma_(buf|fence|resv)|DMA_(BUF|FENCE|RESV))/)
				print
			next
		}
		!/[Ww]arning|WARNING|[Ee]rror|ERROR/ { next }
		/dma-(buf|fence|resv)/ { print; next }
		{
			n = split($0, words, /[ :]+/)
			for (i = 1; i <= n; i++) if (words[i] in ours) { print; next }
		}' "$TMP/ours" -)
	for page; do
		[ -s "$out/Documentation/output/$set/$page.html" ] ||
			bad="$page was not made${bad:+$'\n'}$bad"
		# A title without its underline is no mistake to Sphinx
		! grep -qs '<title>&lt;no title' "$out/Documentation/output/$set/$page.html" ||
			bad="$page has no title${bad:+$'\n'}$bad"
	done
	if [ -n "$bad" ]; then
		fail "Sphinx: $set" "${bad%%$'\n'*}" "$log"
	else
		ok "Sphinx: $set ($# pages of ours)"
	fi
}
sphinx driver-api '' dma-buf infiniband
# Most of this one is media, of which nothing is ours
sphinx userspace-api '-D exclude_patterns=output,media' dma-buf-sync-file
progress_of() { :; }
