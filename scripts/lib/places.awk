# In C files of the kernel: where fences are added, waited for, tested or copied.
# Prints "FILE FUNCTION" for each such place, as often as there are calls; FILE is
# below drivers/gpu/drm, or else below top.
BEGIN {
	calls = "(dma_resv_(add_fence|add_shared_fence|add_excl_fence|replace_fences|" \
		"get_fences|get_fences_rcu|get_singleton|get_excl_rcu|copy_fences|" \
		"wait_timeout|wait_timeout_rcu|test_signaled|test_signaled_rcu|" \
		"for_each_fence|iter_begin|describe)" wrappers ")[ (]"
	usage = "(tv\\.|entry->|val_buf->|val_buf\\.|\t\\.)usage = "
}
FNR == 1 { in_function = ""; name = ""; comment = 0 }
# Comments talk about these functions, too
comment { if (/\*\//) comment = 0; next }
/^[ \t]*\/\*/ { if (!/\*\//) comment = 1; next }
/^[A-Za-z_].*\(/ && !/;[ \t]*$/ {
	line = $0
	sub(/\(.*/, "", line)
	n = split(line, word, /[ \t*]+/)
	name = word[n]
}
/^\{/ { in_function = name }
/^\}/ { in_function = "" }
in_function != "" && ($0 ~ "(^|[^A-Za-z0-9_])" calls || $0 ~ usage) {
	f = substr(FILENAME, length(top) + 1)
	sub(/^drivers\/gpu\/drm\//, "", f)
	print f, in_function
}
