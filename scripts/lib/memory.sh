# shellcheck shell=bash
# What passed, for which input. A tier says in its file what it depends on, in a line
# '# depends: DIR|FILE...'; 'tree' stands for what all patches together make of the base,
# which the cut into patches does not change, and 'kernel:NAME' for how configs/ has that
# kernel built. The libraries that have a part in it belong to it by themselves. What
# passed is in build/passed/TIER: a line about the run, then its results.
PASSED=$BUILD/passed

# Sets CPU to the seconds of CPU time that our children have used so far. A subshell
# would know of its own only.
CPU=0
count_cpu() {
	times >"$TMP/times"
	CPU=$(awk '{ for (i = 1; i < 3; i++) { split($i, t, /[ms]/); s += t[1] * 60 + t[2] } }
		END { printf "%d\n", s }' "$TMP/times")
}

# libraries_of SCRIPT...: these, and what they source or run, all the way
libraries_of() {
	local f more
	for f; do
		echo "$f"
		# shellcheck disable=SC2016 # for sed
		mapfile -t more < <(sed -n 's,.*\$RESV_TOP/\(scripts/\(lib\|tiers\)/[a-z-]*\.[a-z]*\).*,\1,p' "$RESV_TOP/$f")
		[ ${#more[@]} = 0 ] || ( libraries_of "${more[@]}" )
	done
}

# What test.sh sources for each tier. Itself, the memory and the record say what is run
# and what counts, and have no part in what a tier sees.
EVERY_TIER=(scripts/lib/{common,deps,base,lay,write,kernel,boot,judge,results,machine}.sh)

# What a kernel is configured by: the files, and its row of configs/kernels
kernel_files() {	# KERNEL
	local f
	for f in $(kernel_row "$1" | awk '{ for (i = 4; i <= NF; i++) print $i ".config" }') "$1.make"; do
		[ ! -e "$RESV_TOP/configs/$f" ] || echo "configs/$f"
	done
}

# input_of TIER: a hash of what it depends on
input_of() {
	local deps d have=() rows=() tree=
	read -ra deps < <(sed -n 's/^# depends: //p' "$RESV_TOP/scripts/tiers/$1.sh") || deps=()
	mapfile -t have < <(libraries_of "${EVERY_TIER[@]}" "scripts/tiers/$1.sh" | sort -u)
	[ ! -d "$RESV_TOP/scripts/tiers/$1" ] || have+=("scripts/tiers/$1")
	for d in "${deps[@]}"; do
		case $d in
		tree)	tree=$(lgit rev-parse 'HEAD^{tree}') ;;
		kernel:*)
			rows+=("$(kernel_row "${d#*:}")")
			mapfile -t -O ${#have[@]} have < <(kernel_files "${d#*:}") ;;
		*)	[ ! -e "$RESV_TOP/$d" ] || have+=("$d") ;;
		esac
	done
	(	cd "$RESV_TOP" || exit
		{	find "${have[@]}" -type f -print0 | sort -zu | xargs -0 sha256sum
			printf '%s\n' "${rows[@]}" "$tree"
		} | sha256sum | cut -c1-12
	)
}
# The same input, other tools: another run
tools_id() {
	{ gcc -dumpfullversion; qemu-system-x86_64 --version; ld --version; } 2>/dev/null |
		sha256sum | cut -c1-8
}

# What of a tier has a verdict of its own (a patch that builds, an end of a topic that
# boots, a mutant) keeps it, so that a long tier can be ended and goes on where it was:
# a line of build/passed/parts each, WHAT, a tab, VERDICT. The last line counts.
PARTS=$PASSED/parts
part() {	# WHAT: prints its verdict; false if there is none
	awk -F '\t' -v what="$1" '$1 == what { verdict = $2; n++ } END { print verdict; exit !n }' \
		"$PARTS" 2>/dev/null
}
known() { part "$1" >/dev/null; }
keep_part() {	# WHAT [VERDICT]
	mkdir -p "$PASSED"
	printf '%s\t%s\n' "$1" "${2-}" >>"$PARTS"
}
drop_part() {	# WHAT
	awk -F '\t' -v what="$1" '$1 != what' "$PARTS" >"$PARTS.new"
	mv "$PARTS.new" "$PARTS"
}

remember() {	# TIER SECONDS CPU-SECONDS
	[ "$1" != tree ] || return 0
	mkdir -p "$PASSED"
	rm -f "$PASSED/$1"
	# What is not in series/ is no input that could be named.
	[ -z "$(unexported)" ] && [ -z "$BASE_ARG" ] || return 0
	! grep -q "^FAIL $1: " "$RESULTS" || return 0
	{	echo "$(input_of "$1") $(tools_id) $(date -u +%F) $2 $3 $(
			git -C "$RESV_TOP" rev-parse --short=12 HEAD 2>/dev/null || echo none)"
		grep -E "^(ok|skip) $1: " "$RESULTS" || :
	} >"$PASSED/$1.new"
	mv "$PASSED/$1.new" "$PASSED/$1"
}

# passed TIER [DIR]: did it pass, for this very input and with these tools?
passed() {
	local input tools
	[ -z "$(unexported)" ] && [ -z "$BASE_ARG" ] && [ -f "${2-$PASSED}/$1" ] || return
	read -r input tools _ <"${2-$PASSED}/$1"
	[ "$input $tools" = "$(input_of "$1") $(tools_id)" ]
}

# recall TIER: if it passed here, then that counts.
recall() {
	passed "$1" || return
	say "== $1 passed on $(awk 'NR == 1 { print $3 }' "$PASSED/$1") for this very input"
	sed 1d "$PASSED/$1" | tee -a "$RESULTS"
}

# not_run TIER...: of the tiers that are none of these, when they last passed
not_run() {
	local t when input day said=
	for t in $TEST_TIERS $MORE_TIERS; do
		[[ " $* " != *" $t "* ]] || continue
		[ -n "$said" ] || { say; say "Not run ('./resv test full' runs all, or name them):"; said=1; }
		when="never on record"
		while read -r input day; do
			when="last passed on $day, for another input"
			[ "$input" != "$(input_of "$t")" ] ||
				{ when="passed on $day, for this very input"; break; }
		done < <(awk 'FNR == 1 { print $1, $3 }' "$RECORDED/$t" "$PASSED/$t" 2>/dev/null)
		say "$(printf '  %-18s %s' "$t" "$when")"
	done
}
