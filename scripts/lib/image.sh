# shellcheck shell=bash
# A Debian of packages, for a machine with a disk.

# debian_root SUITE DIR [PACKAGE...]: unpack a small one, with these packages, into DIR.
# What was fetched stays in build/cache.
debian_root() {
	local suite=$1 dir=$2 tar mirrors log=$LOGS/debian-$1.log
	local keys=/usr/share/keyrings/debian-archive-keyring.gpg
	shift 2
	tar=$BUILD/cache/debian-$suite-$(cksum <<<"$*" | cut -d' ' -f1).tar
	[ "$(id -u)" = 0 ] || cannot "only root can unpack a Debian and install into it" || return
	if [ ! -f "$tar" ]; then
		need image
		need_space 1500 "a Debian to boot"
		mirrors=$(machine_mirrors) || cannot "this machine's apt knows no Debian mirror" || return
		printf 'deb [signed-by=%s] %s\n' "$keys" "${mirrors% *} $suite main" \
			"$keys" "${mirrors#* } $suite-security main" >"$TMP/debian.list"
		in_background "fetching a Debian ($suite)" "$log" mmdebstrap --format=tar \
			--variant=minbase --include="$(IFS=,; echo "$*")" \
			--aptopt='Acquire::Check-Valid-Until "false"' \
			"$suite" "$tar.new" "$TMP/debian.list" ||
			cannot "fetching a Debian failed: $(grep -m 1 '^E: ' "$log")" || return
		mv "$tar.new" "$tar"
	fi
	mkdir -p "$dir"
	tar -C "$dir" --numeric-owner --exclude='./dev/*' -xf "$tar" ||
		cannot "cannot unpack $tar"
}

# debian_disk DIR FILE MB
debian_disk() {
	rm -f "$2"
	truncate -s "$3M" "$2"
	mkfs.ext4 -q -F -d "$1" "$2" >"$LOGS/debian-disk.log" 2>&1 ||
		cannot "cannot make a disk of $1; see $LOGS/debian-disk.log"
}
