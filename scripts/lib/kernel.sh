# shellcheck shell=bash
# Kernels, each in build/NAME, from the fragments that configs/kernels lists.

kernel_row() { awk -v n="$1" '$1 == n' "$RESV_TOP/configs/kernels"; }

# wanted_config NAME SOURCE: the fragments, one after the other
wanted_config() {
	local f
	for f in $(kernel_row "$1" | awk '{ for (i = 4; i <= NF; i++) print $i }'); do
		case $f in
		series*) known_symbols "$2" <"$RESV_TOP/configs/$f.config" ;;
		*)	cat "$RESV_TOP/configs/$f.config" ;;
		esac
	done
}

# known_symbols TREE: of a fragment, the symbols that TREE has. What the series
# brings is not there on the base, nor before the patch in question.
known_symbols() {
	local line
	while read -r line; do
		case $line in
		CONFIG_*)
			grep -rqsxE --include='Kconfig*' \
				"(menu)?config ${line:7:$((${#line} - 9))}" "$1/drivers" ||
				continue ;;
		esac
		printf '%s\n' "$line"
	done
}

# Symbols that were asked for and that .config does not have as asked.
unset_symbols() {	# WANTED .CONFIG
	grep -E '^CONFIG_|^# CONFIG_.* is not set$' "$1" | sort -u | while read -r line; do
		grep -qxF "$line" "$2" && continue
		case $line in
		'#'*)	# not there at all is fine as well
			line=${line#\# }
			grep -q "^${line%% *}=" "$2" || continue
			echo "${line%% *}=n" ;;
		*)	echo "$line" ;;
		esac
	done
}

kmake() {	# SOURCE OUT ARGS...
	local src=$1 out=$2
	shift 2
	env -u MAKEFLAGS -u MAKELEVEL -u ARCH -u CROSS_COMPILE LOCALVERSION= \
		KBUILD_BUILD_USER=resv KBUILD_BUILD_HOST=resv \
		KBUILD_BUILD_TIMESTAMP='2020-12-13 22:41:30' \
		make -C "$src" O="$out" "$@"
}

# The warnings in build logs, without line numbers, so that they compare.
warnings_in() {
	sed -n 's/^\([^ :]*\):[0-9:]* warning: /\1: warning: /p' "$@" |
		sed "s|^$BUILD/[^/]*/||; s|^\(\.\./\)*check-tree/||" | sort -u
}

# Is FILE one that the series adds or changes?
changed_here() { ! lgit diff --quiet --no-renames base HEAD -- "$1"; }

# configure NAME SOURCE OUT
configure() {
	local name=$1 src=$2 out=$3 log=$LOGS/config-${3##*/}.log missing vars
	mapfile -t vars < <(kernel_vars "$name")
	mkdir -p "$out"
	wanted_config "$name" "$src" >"$out/wanted.config"
	kmake "$src" "$out" -s KCONFIG_ALLCONFIG="$out/wanted.config" "${vars[@]}" \
		allnoconfig </dev/null >"$log" 2>&1 9>&- ||
		{ tail -n 5 "$log" >&2; die "cannot configure ${out##*/}; see $log"; }
	missing=$(unset_symbols "$out/wanted.config" "$out/.config")
	[ -z "$missing" ] ||
		die "the kernel's configuration refused what configs/ asks for: ${missing//$'\n'/ }"
}

# What configs/NAME.make has for make, a line each
kernel_vars() { sed '/^#/d' "$RESV_TOP/configs/$1.make" 2>/dev/null || :; }

# image_of OUT: what QEMU starts. On a PC it is the kernel itself or, where KASAN
# watches it, what unpacks it: the code at the other entry runs before KASAN can
image_of() {
	case ${1##*/} in
	kernel-deb) echo "$1/vmlinuz" ;;
	kernel-arm64) echo "$1/arch/arm64/boot/Image" ;;
	kernel-arm) echo "$1/arch/arm/boot/zImage" ;;
	kernel-kasan) echo "$1/arch/x86/boot/bzImage" ;;
	*)	echo "$1/vmlinux" ;;
	esac
}

# build_kernel NAME SOURCE OUT
build_kernel() {
	local name=$1 src=$2 out=$3 log=$LOGS/build-${3##*/}.log total vars image
	image=$(image_of "$3") image=${image##*/}
	mapfile -t vars < <(kernel_vars "$name")
	need build
	[ -e "$(image_of "$out")" ] || need_space 900 "building ${out##*/}"
	configure "$name" "$src" "$out"

	total=$(kernel_row "$name" | awk '{ print $2 }')
	[ ! -e "$(image_of "$out")" ] || total=
	progress_of() {
		local n
		n=$(grep -csE '^  CC ' "$1") || :
		echo "$n ${total:+of ~$total }objects, "
	}
	in_background "building ${out##*/}" "$log" \
		kmake "$src" "$out" -j"$(nproc)" "${vars[@]}" "$image" modules || {
		grep -E ': (error|fatal error):|\*\*\*|[Nn]o space left' "$log" | head -n 8 >&2
		die "building ${out##*/} failed; see $log"
	}
	progress_of() { :; }
}

# objects_of OUT: how many the kernel is linked from
objects_of() {
	(	cd "$1" || exit
		for a in */built-in.a lib/lib.a arch/*/built-in.a arch/*/*/built-in.a \
			arch/*/lib/lib.a; do
			[ ! -e "$a" ] || ar t "$a"
		done | sort -u | wc -l
	)
}

# The unpatched base, checked out beside build/linux.
BASE_TREE=$BUILD/linux-base
base_tree() {
	if [ "$(pure_git -C "$BASE_TREE" rev-parse HEAD 2>/dev/null || :)" != \
	     "$(lgit rev-parse 'base^{commit}')" ] ||
	   [ -n "$(pure_git -C "$BASE_TREE" status --porcelain | head -n 1)" ]; then
		rm -rf "$BASE_TREE"
		lgit worktree prune
		status "checking out the unpatched base"
		lgit worktree add -q --detach "$BASE_TREE" base ||
			die "cannot check out the unpatched base"
	fi
}
