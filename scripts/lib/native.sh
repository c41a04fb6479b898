# shellcheck shell=bash
# native/: the core of build/linux, and of others, built for user space.
NATIVE=$BUILD/native

# native_make FLAVOUR TARGET...: into build/native
native_make() {
	local flavour=$1 log=$LOGS/native-$1.log
	shift
	if ! make -s -C "$RESV_TOP/native" OUT="$NATIVE" FLAVOUR="$flavour" OURS="$LINUX" \
		"$@" </dev/null >"$log" 2>&1; then
		grep -m 5 -E 'error|Error' "$log" >&2 || tail -n 5 "$log" >&2
		return 1
	fi
}

# The unpatched core
native_base() {
	local commit
	commit=$(lgit rev-parse base)
	[ "$(cat "$NATIVE/base.commit" 2>/dev/null)" != "$commit" ] || return 0
	rm -rf "$NATIVE/base"
	mkdir -p "$NATIVE/base"
	lgit archive base drivers/dma-buf include/linux | tar -C "$NATIVE/base" -xf - || return 1
	echo "$commit" >"$NATIVE/base.commit"
}

# The core of a later kernel, to measure against: of a tree, or what Debian has today.
# Sets PEER_NAME; returns 1 if there is none, and WHY says so.
PEER_PACKAGE=linux-source-7.3
PEER_SUITE=trixie-backports
PEER_NAME=
native_peer() {	# [TREE]
	local deb=$BUILD/cache/${PEER_PACKAGE}_-.deb inner
	if [ -n "${1:-}" ]; then
		PEER_NAME="Linux $(kernel_release "$1")"
		ln -sfn "$(readlink -f "$1")" "$NATIVE/peer"
		return 0
	fi
	[ ! -L "$NATIVE/peer" ] || rm "$NATIVE/peer"
	if [ ! -f "$deb" ]; then
		fetch_deb "$PEER_PACKAGE" - - "$PEER_SUITE" || return 1
		deb=$FETCHED
		rm -rf "$NATIVE/peer"
	fi
	PEER_NAME="$PEER_PACKAGE $(dpkg-deb -f "$deb" Version)"
	[ ! -f "$NATIVE/peer/include/linux/dma-resv.h" ] || return 0
	mkdir -p "$NATIVE/peer"
	inner=$(deb_source_tar "$deb")
	unpack_peer() {
		dpkg-deb --fsys-tarfile "$deb" | tar -xO "$inner" |
			tar -C "$NATIVE/peer" -xJ --strip-components=1 --wildcards -f - \
				'*/drivers/dma-buf' '*/include/linux'
	}
	in_background "unpacking $PEER_NAME" "$LOGS/unpack-peer.log" unpack_peer || {
		rm -rf "$NATIVE/peer"
		WHY="cannot unpack $deb"
		return 1
	}
}

# native_run FLAVOUR PROGRAM LOG [ARGS]: a test program of native_make. Every one that
# hangs is ended.
native_run() {
	local flavour=$1 program=$2 log=$3
	shift 3
	env TSAN_OPTIONS="halt_on_error=1 suppressions=$RESV_TOP/native/torture/tsan.supp" \
	    ASAN_OPTIONS="detect_leaks=1" UBSAN_OPTIONS="print_stacktrace=1" \
		timeout -k 5 300 "$NATIVE/$flavour/torture/$program" "$@" </dev/null >"$log" 2>&1 9>&-
}

# native_compile FILE ARGS: a file by itself, with the headers that native_make has laid
native_compile() {
	local file=$1
	shift
	gcc -O2 -std=gnu11 -D_GNU_SOURCE -Wall -Wextra -Werror -Wno-unused-parameter "$@" \
		-I"$RESV_TOP/native/shim" -I"$NATIVE/include" -I"$NATIVE/headers/ours" \
		-c -o /dev/null "$file"
}

# What went wrong, in one line
native_why() {	# LOG
	grep -m 1 -E 'FAILED|BUG:|WARNING|ERROR|runtime error|SUMMARY' "$1" ||
		tail -n 1 "$1" | grep . || echo "it ended without a word"
}
