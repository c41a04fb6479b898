# shellcheck shell=bash
# resv check [TOPIC...] [--without TOPIC|PATH]... [--3way] TREE: what './resv apply' would
# meet in somebody's own 5.10.y tree, and what to do about it. Nothing in TREE changes.
for lib in common deps base putting legacy checking; do
	. "$RESV_TOP/scripts/lib/$lib.sh"
done
parse_put check "$@"
[ ${#PUT[@]} -gt 0 ] || die "there is nothing to apply"
need apply
require_5_10 "$TREE" "$TREE"
mkdir -p "$BUILD" "$LOGS"
make_tmp
OLD_NAMES="$LEGACY_NAMES|$OLD_MEMBERS"
BY_HAND=	# something is to be done that is not a command of ours
OTHERWISE=	# 'resv apply' with the same arguments does not do it
PLAN=()
plan() { PLAN+=("$*"); }
shown() { printf '%q' "$1"; }
asked=()	# what was asked for, to be asked again
for t in "${CHOSEN[@]}"; do asked+=("$t"); done
for t in "${WITHOUT[@]}" "${GONE[@]}"; do asked+=(--without "$t"); done
merging=$THREE_WAY

# Which kernel
rel=$(kernel_release "$TREE")
kind=$(tree_kind "$TREE")
what="Linux $rel"
for f in "$TREE"/localversion*; do
	[ ! -f "$f" ] || what+=" $(head -c 64 "$f" | tr -d '\n')"
done
if [ "$kind" = git ]; then
	# Without a lock on the index, which git would refresh.
	git_there() { GIT_OPTIONAL_LOCKS=0 git -C "$TREE" "$@"; }
	what+=", git, $(git_there log -1 --format=%h 2>/dev/null || echo 'no commit') on $(git_there branch --show-current 2>/dev/null)"
	if under_way "$TREE"; then
		plan "finish the git am, rebase or merge that is under way in $(shown "$TREE")"
		BY_HAND=1
	fi
	if [ -n "$(git_there status --porcelain | head -n 1)" ]; then
		what+=", with changes that are not committed"
		plan "git -C $(shown "$TREE") status      # commit or stash what is not committed"
		BY_HAND=1
	fi
else
	what+=", not a git tree"
fi
say "$TREE: $what"

# What is not there. Drivers are left out; what is put then is tried.
list_patches
mapfile -t missing < <(not_there "$TREE")
lost=()
if [ ${#missing[@]} -gt 0 ]; then
	say
	say "Not in this tree:"
	for f in "${missing[@]}"; do
		if dispensable "$f"; then
			say "  $f: $(about "$f") have something for it"
			say "    --without $f leaves that out and costs nothing, as nothing is there to convert"
			mapfile -t made < <(topics_for "$f")
			mapfile -t also < <([ ${#made[@]} = 0 ] || users_of "${made[@]}" | grep -xF -f <(printf '%s\n' "${PUT[@]}"))
			[ ${#made[@]} = 0 ] ||
				say "    (--without ${made[*]} would not do for the other topics, and leave out ${also[*]}; the old interface would stay)"
			GONE+=("$f")
			asked+=(--without "$f")
			OTHERWISE=1
		else
			say "  $f: $(about "$f") need it; it can't be left out"
			lost+=("$f")
		fi
	done
	list_patches
fi

# What is there already comes off a copy, to be looked at in the end.
copy_touched "$TREE" "$TMP/bare"
take_off "$TMP/bare"
find_older "$TREE"
list_patches

# What applies. Of a patch that doesn't, the parts that fit go on, so that what comes
# after it is tried on what it would find.
have_blobs=
can_merge && have_blobs=1 THREE_WAY=1 || THREE_WAY=
copy_touched "$TREE" "$TMP/copy"
declare -A N_ALL=() N_THERE=() N_FITS=() N_MERGED=() N_FAILS=() FIRST=() ALSO=()
failed=() merged=() n=0
for f in "${LIST[@]}"; do
	n=$((n + 1))
	t=$(topic_of "$f") name=$(name_of "$f")
	N_ALL[$t]=$((${N_ALL[$t]-0} + 1))
	if [ -n "${THERE[$name]-}" ]; then
		N_THERE[$t]=$((${N_THERE[$t]-0} + 1))
		continue
	fi
	status "trying patch $n of ${#LIST[@]}"
	if try_patch "$TMP/copy" "$f"; then
		case $HOW in
		fits)	N_FITS[$t]=$((${N_FITS[$t]-0} + 1)) ;;
		there)	N_THERE[$t]=$((${N_THERE[$t]-0} + 1)) ;;
		merged)	N_MERGED[$t]=$((${N_MERGED[$t]-0} + 1)); merged+=("$name") ;;
		esac
		continue
	fi
	N_FAILS[$t]=$((${N_FAILS[$t]-0} + 1))
	failed+=("$f")
	if [ -z "${FIRST[$t]-}" ]; then
		FIRST[$t]="$name"$'\n'$(hunk_failures <"$TMP/patch.out" | head -n 8 | why_not "$f" "$TMP/copy")
	else
		ALSO[$t]+=" ${name:$((${#t} + 1)):4}"
	fi
	patch_on "$TMP/copy" "$f" -N || :
done
clear_status
say
[ ${#OLDER[@]} = 0 ] || say "It is older than the pinned base; ${#OLDER[@]} patches of series/older come first."
say "$(printf '%-16s %8s %8s %8s %8s %8s' topic patches there fit 'by merge' 'do not')"
for t in ${OLDER[0]:+older} "${PUT[@]}"; do
	[ -n "${N_ALL[$t]-}" ] || { say "$(printf '%-16s %8d' "$t" 0)"; continue; }
	say "$(printf '%-16s %8d %8d %8d %8d %8d' "$t" "${N_ALL[$t]}" "${N_THERE[$t]-0}" \
		"${N_FITS[$t]-0}" "${N_MERGED[$t]-0}" "${N_FAILS[$t]-0}")"
done
for t in ${OLDER[0]:+older} "${PUT[@]}"; do
	[ -n "${FIRST[$t]-}" ] || continue
	say
	say "$(sed '1s/$/ is the first of its topic that does not fit:/; 2,$s/^/  /' <<<"${FIRST[$t]}")"
	[ -z "${ALSO[$t]-}" ] || say "  after it:${ALSO[$t]}"
done
if [ ${#merged[@]} -gt 0 ]; then
	say
	say "By a merge with the base's files (--3way), as their context differs:"
	for f in "${merged[@]}"; do say "  $f"; done
	[ -n "$merging" ] || OTHERWISE=1
	merging=1
elif [ ${#failed[@]} -gt 0 ] && [ -z "$have_blobs" ]; then
	say
	say "A merge (--3way) was not tried: build/linux, which would have the base's files, is not laid."
	plan "./resv tree      # lays the base's files, to merge with; then this check again"
fi

# What is pasted in
cand=$TMP/candidates
status "looking for users of dma_resv"
candidates "$TREE" >"$cand"
touched_files >"$TMP/touched"
mapfile -t core < <({ cat "$cand"; (cd "$TMP/bare" && find . -name '*.[ch]' | sed 's,^\./,,'); } | sort -u | grep -E "$INTERFACE" || :)
pick() {	# FILE...: where to look at each: without what is ours, or as it is
	local f
	for f; do
		if ! grep -qxF -e "$f" "$TMP/touched"; then echo "$TREE/$f"
		elif [ -e "$TMP/bare/$f" ]; then echo "$TMP/bare/$f"; fi
	done
}
plain_names() { sed "s,^$TREE/,,; s,^$TMP/bare/,,"; }
mapfile -t core_at < <(pick "${core[@]}")
functions_of "$NEW_NAMES" "${core_at[@]}" | plain_names >"$TMP/defined"
in_code "$NEW_NAMES" "${core_at[@]}" | plain_names | sort -u >"$TMP/named"
mapfile -t others < <(grep -vE "$INTERFACE" "$cand" || :)
mapfile -t others_at < <(pick "${others[@]}")
in_code "$NEW_NAMES" "${others_at[@]}" | plain_names | sort -u >"$TMP/named-elsewhere"
clear_status
if [ -s "$TMP/defined" ] || [ -s "$TMP/named" ] || [ -s "$TMP/named-elsewhere" ]; then
	say
	say "Pasted in already, and in the way of what the series brings:"
	while IFS=$'\t' read -r f from to kind_of name bool; do
		line="  $f:$from"
		[ "$from" = "$to" ] || line+="-$to"
		line+=": $kind_of $name"
		if [ "$bool" = bool ]; then
			line+=", takes a bool"
			[[ $name != dma_resv_* ]] || line+="; here it is an enum dma_resv_usage"
		fi
		say "$line"
	done <"$TMP/defined"
	# What stands by itself in a function that is not one of these
	awk -F'\t' 'FNR == NR { from[++n] = $2; to[n] = $3; file[n] = $1; next }
		{ for (i = 1; i <= n; i++) if ($1 == file[i] && $2 >= from[i] && $2 <= to[i]) next
		  print }' "$TMP/defined" "$TMP/named" >"$TMP/alone"
	while IFS=$'\t' read -r f line function name; do
		say "  $f:$line: $name${function:+ in $function}" | sed 's/ in -$//'
	done <"$TMP/alone"
	# Named, but neither defined nor declared
	awk -F'\t' 'FNR == NR { have[$5]; next } !($4 in have) && !($4 in said) { said[$4]; print $4 }' \
		"$TMP/defined" <(cat "$TMP/named" "$TMP/named-elsewhere") |
		grep -vE '^DMA_RESV_USAGE_|^dma_resv_usage$' >"$TMP/lacking" || :
	! grep -q '_SYNC_FILE' "$TMP/named" || for name in dma_buf_export_sync_file dma_buf_import_sync_file; do
		cut -f 4,5 "$TMP/defined" | grep -qxF "type"$'\t'"$name" || echo "struct $name"
	done >>"$TMP/lacking"
	[ ! -s "$TMP/lacking" ] || say "  used, but not there: $(awk '
		{ name[NR] = $0; if ($1 == "struct") type[$2] }
		END { for (i = 1; i <= NR; i++) if (!(name[i] in type)) printf "%s%s", (n++ ? ", " : ""), name[i] }' "$TMP/lacking")"
	if [ -s "$TMP/named-elsewhere" ]; then
		say "  and these rely on it:"
		while IFS=$'\t' read -r f line function name; do say "    $f:$line: $name in $function"; done <"$TMP/named-elsewhere"
	fi
	# Commits that brought it, if these are commits and not the import of everything
	mapfile -t where < <(cat "$TMP/defined" "$TMP/alone" | cut -f 1 | sort -u)
	by=()
	if [ "$kind" = git ] && [ ${#where[@]} -gt 0 ]; then
		status "looking for the commits that brought it"
		mapfile -t commits < <(git_there log --format=%H -G "${NEW_NAMES//\\b/}" -- "${where[@]}" 2>/dev/null)
		for c in "${commits[@]}"; do
			git_there rev-parse -q --verify "$c^" >/dev/null &&
				[ "$(git_there diff --name-only "$c^" "$c" | wc -l)" -le 30 ] || continue
			[[ "$(git_there log -1 --format=%s "$c")" != Revert* ]] || continue
			# What is ours came off, and is not to be taken for that.
			! patches | xargs -d '\n' grep -qxF -e "Subject: [PATCH] $(git_there log -1 --format=%s "$c" | cut -c1-60)" || continue
			by+=("$(git_there log -1 --format='%h' "$c")")
		done
		clear_status
	fi
	BY_HAND=1
	if [ ${#by[@]} -gt 0 ]; then
		plan "git -C $(shown "$TREE") revert --no-edit ${by[*]}      # takes out what was pasted in"
	else
		for f in "${where[@]}"; do
			plan "take out of $(shown "$TREE/$f") what was pasted in: $(awk -F'\t' -v f="$f" '
				$1 != f { next }
				NF == 6 { printf "%slines %s-%s (%s)", n++ ? ", " : "", $2, $3, $5 }
				NF == 4 { printf "%sline %s (%s)", n++ ? ", " : "", $2, $4 }' "$TMP/defined" "$TMP/alone")"
		done
		if [ -n "$have_blobs" ] && [ ${#where[@]} -gt 0 ]; then
			f=${where[0]}
			[ "${#where[@]}" = 1 ] || for f in "${where[@]}"; do [[ $f != *dma-buf.c ]] || break; done
			plan "to see what differs from the base: git -C $(shown "$LINUX") show base:$f | diff -u - $(shown "$TREE/$f")"
		fi
	fi
	[ ! -s "$TMP/named-elsewhere" ] ||
		plan "have those that rely on it ($(cut -f 1 "$TMP/named-elsewhere" | sort -u | tr '\n' ' ' | sed 's/ $//')) name a usage in the place of the bool, as docs/your-own-kernel.md says"
fi

# What does not fit, and is to be mended or done without
if [ ${#failed[@]} -gt 0 ] || [ ${#lost[@]} -gt 0 ]; then
	BY_HAND=1
	[ ${#lost[@]} = 0 ] || plan "bring back ${lost[*]}"
	for t in ${OLDER[0]:+older} "${PUT[@]}"; do
		[ -n "${FIRST[$t]-}" ] || continue
		f=$(sed -n '2s/^ *\([^:]*\):.*/\1/p' <<<"${FIRST[$t]}")
		plan "make $(shown "$TREE/${f:-?}") fit for series/${FIRST[$t]%%$'\n'*}: $(sed -n '2s/^ *[^:]*: //p' <<<"${FIRST[$t]}")"
	done
	plan "./resv check ${asked[*]}${asked[*]:+ }$(shown "$TREE")      # again, until nothing is left"
	# Topics that could be done without
	mapfile -t bad < <(for f in "${failed[@]}"; do topic_of "$f"; done | sort -u)
	if [ ${#lost[@]} = 0 ] && [[ " ${bad[*]} " != *" older "* && " ${bad[*]} " != *" fixes "* ]]; then
		mapfile -t also < <(users_of "${bad[@]}" | grep -xF -f <(printf '%s\n' "${PUT[@]}"))
		cost="leaves out ${also[*]}"
		! printf '%s\n' "${also[@]}" | grep -qx legacy || cost+=", and the old interface stays"
		instead=
		for t in "${bad[@]}"; do instead+="--without $t "; done
		plan "or, instead: ./resv apply ${asked[*]}${asked[*]:+ }${merging:+--3way }$instead$(shown "$TREE")      # $cost"
	fi
fi

# The command
todo=
for f in "${LIST[@]}"; do [ -n "${THERE["$(name_of "$f")"]-}" ] || todo=1; done
if [ -n "$todo" ]; then
	plan "./resv apply ${asked[*]}${asked[*]:+ }${merging:+--3way }$(shown "$TREE")"
	[ ${#merged[@]} = 0 ] || plan "look at what became of the ${#merged[@]} patches that were merged"
else
	say
	say "All of it is there already."
fi

# Who uses the old interface and is not converted
status "looking for users of the old interface"
old_places "$TREE" "${others[@]}" >"$TMP/places"
clear_status
if [ -s "$TMP/places" ]; then
	mapfile -t files < <(cut -f 1 "$TMP/places" | sort -u)
	rm -rf "$TMP/was" "$TMP/is"
	mkdir -p "$TMP/was" "$TMP/is"
	for f in "${files[@]}"; do (cd "$TREE" && cp --parents -- "$f" "$TMP/was/" && cp --parents -- "$f" "$TMP/is/"); done
	chmod -R u+w "$TMP/was" "$TMP/is"
	by_script=1
	( need cocci ) && in_background "asking the semantic patch about ${#files[@]} files" "$LOGS/check-cocci.log" \
		convert_files "$TMP/is" "$RESV_TOP/linux/scripts/coccinelle/api/dma_resv_usage.cocci" "${files[@]}" ||
		{ by_script=; note "without coccinelle, or where it fails, there is nothing to say about meanings"; }
	say
	say "Uses the old interface, and is not converted by the series; what the semantic patch makes of it:"
	for f in "${files[@]}"; do
		meanings "$TMP/was/$f" "$TMP/is/$f" >"$TMP/meanings" || :
		awk -F'\t' -v f="$f" '$1 == f' "$TMP/places" | sort -t$'\t' -k 2,2n |
		while IFS=$'\t' read -r _ line function name; do
			m=$(awk -v n="$line" '$1 == n { sub(/^[0-9]+ /, ""); print; exit }' "$TMP/meanings")
			say "  $f:$line: $function(): $name: ${m:-${by_script:+left for a person}}"
		done
	done
	legacy=
	! printf '%s\n' "${PUT[@]}" | grep -qx legacy || legacy=1
	while read -r d; do
		members=$(grep -F "$d/" "$TMP/places" | cut -f 4 | grep -E "${OLD_MEMBERS//\\b/}" | sort -u | tr '\n' ' ' || :)
		if [ -n "$legacy" ]; then
			plan "either: echo 'ccflags-y += -include linux/dma-resv-legacy.h' >>$(shown "$TREE/$d/Makefile")      # as it is"
			plan "or: (cd $(shown "$TREE") && make coccicheck MODE=patch COCCI=scripts/coccinelle/api/dma_resv_usage.cocci M=$d | patch -p1)      # then look for 'dma_resv: decide'"
			BY_HAND=1
		elif [ -z "$members" ]; then
			say "  $d goes on as it is: without the topic legacy the functions stay"
		fi
		if [ -n "$members" ] && printf '%s\n' "${PUT[@]}" | grep -qx core; then
			plan "change $d by hand where it reads members that are gone: $members"
			BY_HAND=1
		fi
	done < <(printf '%s\n' "${files[@]}" | sed 's,/[^/]*$,,' | sort -u)
fi

say
if [ ${#PLAN[@]} = 0 ]; then
	say "The plan: nothing is to be done"
else
	say "The plan:"
	n=0
	for p in "${PLAN[@]}"; do n=$((n + 1)); say "  $n. $p"; done
fi
[ -z "$BY_HAND$OTHERWISE" ]
