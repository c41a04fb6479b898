# shellcheck shell=bash
# './resv check' on trees as boards have them: what it says, and that nothing in them
# changes. And what it plans is done: './resv apply --3way' and '--without PATH'.
# depends: series linux scripts/check.sh scripts/apply.sh resv
. "$RESV_TOP/scripts/lib/putting.sh"
. "$RESV_TOP/scripts/lib/legacy.sh"
. "$RESV_TOP/scripts/lib/checking.sh"
need cocci
parts=$RESV_TOP/scripts/tiers/check-tree
t=$TMP/trees
mkdir -p "$t"

# Only what the series touches is there, and what makes it a kernel.
fresh() {	# TREE
	rm -rf "$1"
	cp -a "$t/base" "$1"
}
in_git() {	# TREE: commits all of it
	[ -d "$1/.git" ] || pure_git -C "$1" init -q -b work
	git -C "$1" config user.name resv
	git -C "$1" config user.email resv@localhost
	pure_git -C "$1" add -A -f .
	pure_git -C "$1" commit -q -m "${2-everything}"
}
mkdir "$t/base"
{ printf '%s\n' Makefile Kbuild; touched_files; } | sort -u >"$TMP/wanted"
mapfile -t files < <(lgit ls-tree -r --name-only base | sort | comm -12 - "$TMP/wanted")
lgit archive base -- "${files[@]}" | tar -x -C "$t/base"

# Of apply's git only what is checked out counts, of check everything.
at_work() { (cd "$1" && find . -name .git -prune -o -printf '%p %y %s %T@ %m\n' | sort && { git --git-dir=.git rev-parse HEAD 2>/dev/null || :; }
	find . -name .git -prune -o -type f -print0 | sort -z | xargs -0 sha256sum) | sha256sum; }
look() { (cd "$1" && find . -printf '%p %y %s %T@ %m\n' | sort && find . -type f -print0 | sort -z | xargs -0 sha256sum) | sha256sum; }

# run COMMAND TREE [ARGUMENT...]: what it says is in $TMP/said
run() { rc=0; "$RESV_TOP/resv" "$1" "${@:3}" "$2" >"$TMP/said" 2>"$TMP/noise" </dev/null 9>&- || rc=$?; }
# checked STATUS TREE NAME [ARGUMENT...]: it changes nothing. Then 'words' says what it is to say.
checked() {
	local before
	WHAT=$3
	before=$(look "$2")
	run check "$2" "${@:4}"
	if [ "$rc" != "$1" ]; then
		cat "$TMP/said" "$TMP/noise" >"$LOGS/check-tree.log"
		fail "$3" "exit status $rc instead of $1" "$LOGS/check-tree.log"
	elif [ "$before" != "$(look "$2")" ]; then
		fail "$3" "the tree changed"
	else
		ok "$3: exit status $1, the tree is as it was"
	fi
}
words() {	# WHAT PATTERN...
	local what=$1 p
	shift
	for p; do
		grep -qE -e "$p" "$TMP/said" "$TMP/noise" && continue
		cat "$TMP/said" "$TMP/noise" >"$LOGS/check-tree-words.log"
		fail "$WHAT: $what" "no line like '$p'" "$LOGS/check-tree-words.log"
		return
	done
	ok "$WHAT: $what"
}
no_words() {	# WHAT PATTERN
	if grep -qE -e "$2" "$TMP/said"; then
		fail "$WHAT: $1" "it says: $(grep -m 1 -E -e "$2" "$TMP/said")"
	else
		ok "$WHAT: $1"
	fi
}
# applied TREE NAME [ARGUMENT...]: './resv apply' does it
applied() {
	run apply "$1" "${@:3}"
	if [ "$rc" = 0 ]; then
		ok "$2"
	else
		cat "$TMP/said" "$TMP/noise" >"$LOGS/check-tree-apply.log"
		fail "$2" "exit status $rc" "$LOGS/check-tree-apply.log"
	fi
}
# is_series TREE NAME [FILE...]: all touched files that are there are those of build/linux,
# but FILEs
is_series() {
	local f bad=
	while read -r f; do
		[ -e "$1/$f" ] && [[ " ${*:3} " != *" $f "* ]] || continue
		lgit show "HEAD:$f" 2>/dev/null | cmp -s - "$1/$f" || bad=$f
	done < <(touched_files)
	if [ -z "$bad" ]; then ok "$2"; else fail "$2" "$bad differs from build/linux"; fi
}
row() { printf '^%s +%s$' "$1" "${*:2}" | sed 's/ \([0-9]\)/ +\1/g'; }
count() { patches "$1" | wc -l; }

# As it is
fresh "$t/plain"
checked 0 "$t/plain" "pristine"
words "all of each topic applies" "$(row fixes "$(count fixes)" 0 "$(count fixes)" 0 0)" \
	"$(row static "$(count static)" 0 "$(count static)" 0 0)"
words "the plan is one command" "^  1\. \./resv apply $t/plain\$"
no_words "and nothing else" '^  2\.|Pasted in|old interface|Not in this tree|is the first'

# Part of the series
applied "$t/plain" "a part of it is put" core
checked 0 "$t/plain" "a part of it is there"
words "it says of what" "$(row core "$(count core)" "$(count core)" 0 0 0)" \
	"$(row ttm "$(count ttm)" 0 "$(count ttm)" 0 0)"
no_words "what is ours is not taken for pasted in" 'Pasted in'
applied "$t/plain" "the rest goes on top"
is_series "$t/plain" "that is build/linux"
checked 0 "$t/plain" "all of it is there"
no_words "nothing is missed" 'Not in this tree'
words "it says so" 'All of it is there already' 'nothing is to be done'

# Half an implementation of the ioctls
fresh "$t/pasted"
in_git "$t/pasted"
while read -r part f; do
	awk -v part="$part" -f "$parts/paste.awk" "$t/base/$f" >"$t/pasted/$f"
	! cmp -s "$t/base/$f" "$t/pasted/$f" || fail "the paste" "$f is as it was"
done <<-'END'
	uapi include/uapi/linux/dma-buf.h
	header include/linux/dma-resv.h
	ioctl drivers/dma-buf/dma-buf.c
	core drivers/dma-buf/dma-resv.c
END
checked 1 "$t/pasted" "half of the ioctls, not committed"
words "that it is to be committed" 'commit or stash'
in_git "$t/pasted" "dma-buf: ioctls for a compositor"
pasted=$(git -C "$t/pasted" rev-parse --short HEAD)
checked 1 "$t/pasted" "half of the ioctls"
words "what is pasted in, and where" 'Pasted in already' \
	'drivers/dma-buf/dma-buf\.c:[0-9]+-[0-9]+: function dma_buf_export_sync_file' \
	'drivers/dma-buf/dma-buf\.c:[0-9]+: DMA_BUF_IOCTL_EXPORT_SYNC_FILE in dma_buf_ioctl' \
	'include/uapi/linux/dma-buf\.h:[0-9]+: macro DMA_BUF_IOCTL_IMPORT_SYNC_FILE'
words "what takes a bool" \
	'drivers/dma-buf/dma-resv\.c:[0-9]+-[0-9]+: function dma_resv_get_singleton, takes a bool; here it is an enum' \
	'include/linux/dma-resv\.h:[0-9]+-[0-9]+: declared dma_resv_get_singleton, takes a bool'
words "which structure is missing" 'not there: .*struct dma_buf_import_sync_file'
no_words "which is not" 'not there: .*struct dma_buf_export_sync_file'
words "what does not fit, with hunk and reason" \
	'^[a-z-]+/[0-9]{4}-.* is the first of its topic' ': hunk [0-9]+ \(line [0-9]+\): (there is no line|its lines are there)'
words "the plan reverts the commit" "^  1\. git -C $t/pasted revert --no-edit $pasted "
git -C "$t/pasted" revert --no-edit "$pasted" >/dev/null
checked 0 "$t/pasted" "reverted as planned"
git -C "$t/pasted" reset -q --hard HEAD~
rm -rf "$t/pasted/.git"
checked 1 "$t/pasted" "half of the ioctls, not in git"
words "the plan names the lines" '^  [0-9]+\. take out of .*/drivers/dma-buf/dma-buf\.c what was pasted in: .*lines [0-9]+-[0-9]+ \(dma_buf_export_sync_file\)'
rm -rf "$t/pasted"

# A driver that was thrown out
fresh "$t/gone"
rm -r "$t/gone/drivers/gpu/drm/amd" "$t/gone/drivers/gpu/drm/vmwgfx"
sed -i '/amdgpu\|vmwgfx/d' "$t/gone/drivers/gpu/drm/"{Makefile,Kconfig}
checked 1 "$t/gone" "amdgpu and vmwgfx thrown out"
less=(--without drivers/gpu/drm/amd --without drivers/gpu/drm/vmwgfx)
words "what is not there, and what that costs" '^  drivers/gpu/drm/amd: [0-9]+ of fixes, ' '^  drivers/gpu/drm/vmwgfx: ' \
	'without amdgpu would not do .* leave out amdgpu legacy .*old interface would stay'
words "the plan is to leave them out" "^  1\. \./resv apply ${less[*]} (--3way )?$t/gone\$"
no_words "nothing by hand" '^  [0-9]+\. make'
mapfile -t how < <(sed -n "s,^  1\. \./resv apply \(.*\) $t/gone\$,\1,p" "$TMP/said" | tr ' ' '\n')
checked 0 "$t/gone" "with what the plan says" "${how[@]}"
applied "$t/gone" "it is applied as planned" "${how[@]}"
if [ -e "$t/gone/drivers/gpu/drm/amd" ]; then
	fail "what is left out does not come" "drivers/gpu/drm/amd is there"
else
	ok "what is left out does not come"
fi
[[ " ${how[*]} " = *" --3way "* ]] || is_series "$t/gone" "the others are those of build/linux" drivers/gpu/drm/{Kconfig,Makefile}
fresh "$t/gone"
run apply "$t/gone" --without drivers/gpu/drm/amd
[ "$rc" = 2 ] && ok "what is there can't be left out by its path" ||
	fail "what is there can't be left out by its path" "exit status $rc instead of 2"
rm -r "$t/gone/drivers/dma-buf"
checked 1 "$t/gone" "dma-buf itself thrown out"
words "that can't be" "drivers/dma-buf: .*it can't be left out" 'bring back drivers/dma-buf$'
no_words "no command is offered that leaves it out" '--without drivers/dma-buf'
rm -rf "$t/gone"

# A driver outside the tree
fresh "$t/mali"
mkdir -p "$t/mali/drivers/gpu/arm"
cp -r "$parts/mali-like" "$t/mali/drivers/gpu/arm/"
f=drivers/gpu/arm/mali-like/mali_like_fence.c
at() { grep -nF -m "${2-1}" -e "$1" "$parts/mali-like/mali_like_fence.c" | tail -n 1 | cut -d: -f1; }
checked 1 "$t/mali" "a driver outside the tree"
words "where it uses the old interface, and what that means" \
	"$f:$(at 'add_excl_fence(job' 1): mali_like_attach\(\): dma_resv_add_excl_fence: WRITE(;|\$)" \
	"$f:$(at 'add_shared_fence(job'): mali_like_attach\(\): dma_resv_add_shared_fence: READ(;|\$)" \
	"$f:$(at 'add_excl_fence(job' 2): mali_like_clear\(\): dma_resv_add_excl_fence: WRITE; decide: KERNEL" \
	"$f:$(at wait_timeout_rcu): mali_like_wait\(\): dma_resv_wait_timeout_rcu: WRITE\$"
words "members that are gone" "$f:$(at fence_excl): mali_like_idle\(\): " "$f:$(at read_seqcount_begin): mali_like_idle\(\): "
no_words "not what a comment says" "$f:$(at 'only spoken of'):"
words "the plan has both ways" "either: .*dma-resv-legacy\.h.*mali-like/Makefile" "or: .*coccicheck.*M=drivers/gpu/arm/mali-like"
checked 0 "$t/mali" "that driver, and only the fixes" fixes
rm -rf "$t/mali"

# A context that differs. The file is one that a single patch has a single hunk for, so
# that nothing else has a say: the third line before the change is only context, and a line
# that goes is not.
read -r which f far near < <(
	patches | xargs -d '\n' cat | awk '/^diff --git / { n[substr($3, 3)]++ } END { for (f in n) if (n[f] == 1) print f }' >"$TMP/once"
	while read -r p; do
		awk -v p="$p" '
			FNR == NR { once[$0]; next }
			function done() { if (f in once && hunks == 1 && far && near) { print p, f, far, near; exit } }
			/^diff --git / { done(); f = substr($3, 3); hunks = 0; far = 0; near = 0; next }
			/^@@ / { hunks++; split($2, a, ","); line = -a[1]; lead = 0; changed = 0; next }
			hunks && /^ / { if (!changed) { if (!lead++ && length > 8) far = line }; line++; next }
			hunks && /^-/ && $0 != "-- " { if (!changed && lead < 3) far = 0; changed = 1; if (!near && length > 8) near = line; line++ }
			hunks && /^\+/ { if (!changed && lead < 3) far = 0; changed = 1 }
			END { done() }' "$TMP/once" "$p"
	done < <(patches "$(topics | grep -vx fixes | head -n 1)" arm ttm) | grep '\.[ch] ' | head -n 1)
spoil() { sed -i "$3s,\$, /* a vendor's */," "$1/$2"; }
name=$(patch_name "$which")
for kind in plain git; do
	fresh "$t/context"
	spoil "$t/context" "$f" "$far"
	[ $kind = plain ] || in_git "$t/context"
	checked 1 "$t/context" "$kind, a context that differs"
	words "it merges" "By a merge" "^  $name\$" "^  1\. \./resv apply --3way $t/context\$"
	before=$(at_work "$t/context")
	run apply "$t/context"
	[ "$rc$before" = "1$(at_work "$t/context")" ] && ok "$kind: it is not merged unless asked for" ||
		fail "$kind: it is not merged unless asked for" "exit status $rc, or the tree changed"
	checked 0 "$t/context" "$kind, that with --3way" --3way
	applied "$t/context" "$kind: it is merged" --3way
	WHAT="$kind, merged" words "which patch is named" "merged, .*: $name\$"
	is_series "$t/context" "$kind: all but that file is build/linux" "$f"
	lgit show "HEAD:$f" >"$TMP/ours"
	d=$(diff "$TMP/ours" "$t/context/$f" || :)
	[ "$(grep -c '^[<>]' <<<"$d")" = 2 ] && grep -q "^> .*a vendor's" <<<"$d" &&
		ok "$kind: the file has both changes" || fail "$kind: the file has both changes" "${d//$'\n'/;}"
	[ $kind = plain ] || { git -C "$t/context" fsck --connectivity-only >/dev/null 2>&1 &&
		ok "git: no object is missing" || fail "git: no object is missing" "git fsck says so"; }

	fresh "$t/context"
	spoil "$t/context" "$f" "$near"
	[ $kind = plain ] || in_git "$t/context"
	checked 1 "$t/context" "$kind, a line that differs"
	words "patch, file, hunk and reason are named" "^$name is the first of its topic" \
		"^  $f: hunk 1 \(line [0-9]+\): there is no line \"" "^  [0-9]+\. make $t/context/$f fit for series/$name: "
	no_words "it does not merge" "^  $name\$"
	before=$(at_work "$t/context")
	run apply "$t/context" --3way
	[ "$rc" = 1 ] && grep -qF "$name does not fit" "$TMP/noise" && ok "$kind: a conflict is refused" ||
		fail "$kind: a conflict is refused" "exit status $rc, or not the words"
	[ "$before" = "$(at_work "$t/context")" ] && ok "$kind: a conflict leaves the tree as it was" ||
		fail "$kind: a conflict leaves the tree as it was" "it changed"
done
rm -rf "$t/context"

# Wrong use
mkdir -p "$t/none" "$t/new"
printf 'VERSION = 6\nPATCHLEVEL = 1\nSUBLEVEL = 0\n' >"$t/new/Makefile"
touch "$t/new/Kbuild"
while IFS='|' read -r status words what args; do
	WHAT="wrong use"
	# shellcheck disable=SC2086 # several arguments
	run check $args
	[ "$rc" = "$status" ] && grep -qE "$words" "$TMP/noise" && ok "$what: exit status $status" ||
		fail "$what" "exit status $rc instead of $status, or it says: $(head -n 1 "$TMP/noise")"
done <<-END
	1|is not a kernel source tree|not a kernel|$t/none
	1|6\.1\.0; the series is for 5\.10|another version|$t/new
	2|is not a directory|not a directory|$t/nowhere
	2|there is no topic 'kernel'|a topic that is none|$t/base kernel
	2|can't be had without|topics that need each other|$t/base legacy --without ttm
	2|does not know '--force'|an option that is none|$t/base --force
END
rm -rf "$t"
