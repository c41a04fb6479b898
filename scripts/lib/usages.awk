# In a C file of the kernel: what each function does with the fences of a dma_resv.
# Prints "FUNCTION OLD DECIDE WORDS": whether it uses the old interface, whether a
# comment of the semantic patch has something to decide, and which functions and usages
# of the new one it names, sorted.
BEGIN {
	was_old = 0; decide = 0; words = 0
	old = "dma_resv_(add_excl_fence|add_shared_fence|reserve_shared|get_excl|get_list|" \
		"get_excl_rcu|get_fences_rcu|wait_timeout_rcu|test_signaled_rcu)[ (\t]|" \
		"dma_resv_(wait_timeout|test_signaled|get_fences)_rcu$|" \
		"fence_excl|resv->fence[^s]|struct dma_resv_list|(^|[^a-z_])t?bo(\\.|->)moving"
	new = "DMA_RESV_USAGE_[A-Z]+|dma_resv_(usage_rw|add_fence|replace_fences|get_fences|" \
		"get_singleton|copy_fences|wait_timeout|test_signaled|for_each_fence[a-z_]*)"
}
# Keeps the words of a function sorted, and each once
function say(w,	i, t) {
	for (i = 1; i <= words; i++) {
		if (said[i] == w) return
		if (said[i] > w) { t = said[i]; said[i] = w; w = t }
	}
	said[++words] = w
}
function done(	i, list) {
	for (i = 1; i <= words; i++) list = list (i > 1 ? "," : "") said[i]
	if (was_old || decide || words) print name, was_old, decide, (words ? list : "-")
	was_old = 0; decide = 0; words = 0; in_function = 0
}
FNR == 1 { comment = 0; in_function = 0 }
{
	line = $0
	if (in_function && line ~ /dma_resv: decide/) decide = 1
	if (comment) {
		if (!sub(/^.*\*\//, "", line)) next
		comment = 0
	}
	gsub(/\/\*([^*]|\*+[^*\/])*\*+\//, "", line)
	if (sub(/\/\*.*/, "", line)) comment = 1
}
/^[A-Za-z_].*\(/ && !/;[ \t]*$/ {
	head = line
	sub(/\(.*/, "", head)
	n = split(head, word, /[ \t*]+/)
	name = word[n]
}
/^\{/ { in_function = 1 }
in_function {
	if (line ~ old) was_old = 1
	while (match(line, new)) {
		word_at = substr(line, RSTART, RLENGTH)
		rest = substr(line, RSTART + RLENGTH)
		# A longer name is another one
		if (rest !~ /^[a-z_]/) say(word_at)
		line = rest
	}
}
/^\}/ && in_function { done() }
