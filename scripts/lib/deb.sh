# shellcheck shell=bash
# Debian packages of the patched kernel: image, headers and libc's headers, as the
# kernel's own bindeb-pkg makes them, in build/deb.
DEB=$BUILD/deb
DEB_OUT=$DEB/linux		# objects; make leaves the packages beside it
DEB_SUFFIX=-resv

# debian_config: sets CONFIG to Debian's own for amd64, from its package
CONFIG=
debian_config() {
	CONFIG=$DEB/debian.config
	# Any version of it will do: olddefconfig asks the tree.
	[ -s "$CONFIG" ] || {
		fetch_deb linux-config-5.10 - - bullseye-security bullseye || return
		dpkg-deb --fsys-tarfile "$FETCHED" |
			tar -xO ./usr/src/linux-config-5.10/config.amd64_none_amd64.xz |
			xz -d >"$CONFIG.new" || cannot "there is no configuration for amd64 in $FETCHED" || return
		rm -f "$FETCHED"
		mv "$CONFIG.new" "$CONFIG"
	}
}

# deb_config CONFIG: what is built: that, less what only Debian can do (its keys) and
# what makes packages ten times as large, and with the ioctls. Where it comes out as it
# was, what is compiled stays.
deb_config() {
	local new=$DEB_OUT/.config.new
	mkdir -p "$DEB_OUT"
	cp "$1" "$new"
	"$LINUX/scripts/config" --file "$new" \
		--set-str LOCALVERSION "$DEB_SUFFIX" --disable LOCALVERSION_AUTO \
		--set-str SYSTEM_TRUSTED_KEYS "" --set-str SYSTEM_REVOCATION_KEYS "" \
		--set-str BUILD_SALT "" --disable DEBUG_INFO \
		--enable SYNC_FILE
	kmake "$LINUX" "$DEB_OUT" KCONFIG_CONFIG=.config.new olddefconfig \
		</dev/null >"$LOGS/deb-config.log" 2>&1 9>&- ||
		die "cannot configure; see $LOGS/deb-config.log"
	grep -q '^CONFIG_SYNC_FILE=y' "$new" && grep -q '^CONFIG_MODULES=y' "$new" ||
		die "that configuration has no sync_files, or no modules"
	cmp -s "$new" "$DEB_OUT/.config" || cp "$new" "$DEB_OUT/.config"
}

# deb_version: that of the packages: the base's, and how often the series has changed it
deb_version() { echo "$(kernel_release "$LINUX")-resv$(lgit rev-list --count base..HEAD)"; }

# build_debs: sets DEBS to the packages
DEBS=()
build_debs() {
	local log=$LOGS/build-deb.log total
	total=$(cat "$DEB/objects" 2>/dev/null || :)
	progress_of() {
		local n
		n=$(grep -csE '^  CC ' "$1") || :
		echo "$n ${total:+of ~$total }objects, "
	}
	rm -f "$DEB"/*.deb
	KDEB_PKGVERSION=$(deb_version) DEBEMAIL=resv@localhost DEBFULLNAME=resv \
		in_background "building packages" "$log" \
		kmake "$LINUX" "$DEB_OUT" -j"$(nproc)" bindeb-pkg || {
		grep -E ': (error|fatal error):|\*\*\*|[Nn]o space left|dpkg-.*: error' "$log" | head -n 8 >&2
		die "building packages failed; see $log. What was compiled stays, run it again"
	}
	progress_of() { :; }
	objects_of "$DEB_OUT" >"$DEB/objects"
	DEBS=("$DEB"/*.deb)
}
