# shellcheck shell=bash
# The sums of docs/drivers.md, as the table that it has at its end.

# Of the rows: drivers, places, and what became of them. A place has only new names if
# what it was and what it is are the same set of fences.
summary_of_rows() {	# DOC
	sed -n 's/^| `\([^`]*\.[ch]\)` | `[^`]*` | \([^|]*\) | \([^|]*\) |.*/\1|\2|\3/p' "$1" |
	awk -F'|' '
	{
		n = split($1, dir, "/")
		if ($1 ~ /^drivers\/gpu\//) driver = dir[3]
		else if ($1 ~ /^drivers\//) driver = dir[2] "/" dir[3]
		else driver = n > 1 ? dir[1] : "helpers"
		if (!(driver in seen)) { seen[driver]; drivers++ }
		places++
		was = $2; now = $3
		if (was ~ /^nothing/ || was ~ /instead of|or an explicit/)
			missing++
		else if ((was ~ /^exclusive( |$)/ && now ~ /^WRITE( |$)/) ||
			 (was ~ /^shared( |$)/ && now ~ /^READ( |$)/) ||
			 (was ~ /^all( |$)/ && now ~ /^BOOKKEEP( |$)/) ||
			 (was ~ /^(exclusive and shared)$/ && now ~ /^BOOKKEEP( |$)/) ||
			 (was ~ /^exclusive if written, else shared/ && now ~ /^WRITE or READ/) ||
			 (was ~ /^exclusive(,| or) .*all$/ && now ~ /query/))
			names++
		else
			meaning++
		if (now ~ /KERNEL/) kernel++
		if (now ~ /WRITE/) write++
		if (now ~ /READ/) read++
		if (now ~ /BOOKKEEP/) keep++
	}
	END {
		print "| drivers and subsystems with such places | " drivers + 0 " |"
		print "| places that add, wait for, test or copy fences | " places + 0 " |"
		print "| ... only got new names | " names + 0 " |"
		print "| ... mean something else now | " meaning + 0 " |"
		print "| ... did not wait before, or not with an explicit fence | " missing + 0 " |"
		print "| places that speak of KERNEL | " kernel + 0 " |"
		print "| places that speak of WRITE | " write + 0 " |"
		print "| places that speak of READ | " read + 0 " |"
		print "| places that speak of BOOKKEEP | " keep + 0 " |"
	}'
}

# Of the patches: how many, how large, and how many of them mend what was wrong before
summary_of_patches() {
	echo "| patches | $(lgit rev-list --count base..HEAD) |"
	echo "| ... that touch a driver | $(lgit log --format=%h base..HEAD -- drivers/gpu drivers/media drivers/staging drivers/infiniband | wc -l) |"
	echo "| ... that mend a bug of 5.10, for stable | $(lgit log --format=%h --grep='^Cc: stable@' base..HEAD | wc -l) |"
	echo "| lines in drivers and headers, without tests | $(lgit diff --numstat base HEAD -- drivers include ':!*/tests/*' ':!*selftest*' |
		awk '{ a += $1; d += $2 } END { print "+" a ", -" d }') |"
}

summary_table() {	# DOC
	echo '| what | how many |'
	echo '|---|---|'
	summary_of_rows "$1"
	summary_of_patches
}
