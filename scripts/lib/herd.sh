# shellcheck shell=bash
# herd7, which tells what a memory model allows: $HERD7, the machine's, or that of
# Debian sid in build/herd. The last runs with the C library that it was built for.

HERD=()
fetch_herd() {	# DIR
	local pkg
	[ ! -e "$1/complete" ] || return 0
	rm -rf "$1"
	mkdir -p "$1"
	for pkg in herdtools7 libgmp10 libc6; do
		fetch_deb "$pkg" - - sid || return
		dpkg-deb -x "$FETCHED" "$1" || cannot "cannot unpack $FETCHED" || return
		rm -f "$FETCHED"
	done
	touch "$1/complete"
}

# have_herd MODEL: sets HERD, the command, which can read that model
have_herd() {
	local dir=$BUILD/herd t
	if [ -n "${HERD7-}" ]; then
		HERD=("$(type -P "$HERD7")") || cannot "\$HERD7 is $HERD7, which is no program" || return
		HERD=("$(realpath "${HERD[0]}")")
	elif command -v herd7 >/dev/null; then
		HERD=(herd7)
	else
		fetch_herd "$dir" || return
		HERD=("$dir"/usr/lib64/ld-linux-x86-64.so.2
		      --library-path "$dir/usr/lib/x86_64-linux-gnu"
		      "$dir/usr/bin/herd7" -set-libdir "$dir/usr/share/herdtools7/herd")
	fi
	for t in MP+poonceonces:Sometimes MP+pooncerelease+poacquireonce:Never; do
		[ "$(herd "$1" "litmus-tests/${t%:*}.litmus" "$LOGS/herd.log")" = "${t#*:}" ] ||
			cannot "${HERD[*]} does not agree with the kernel's own tests of its model; see $LOGS/herd.log" ||
			return
	done
}

# herd MODEL TEST LOG: Never, Sometimes or Always; more if something is amiss
herd() {
	(cd "$1" && timeout 300 "${HERD[@]}" -conf linux-kernel.cfg "$2") >"$3" 2>&1 </dev/null ||
		echo "no answer"
	awk '/^Observation / { print $3 } /^Flag / { print $2 }' "$3"
}
