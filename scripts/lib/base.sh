# shellcheck shell=bash
# The kernel source that the series goes on: pinned and fetched, or one's own.

pin() { awk -v k="$1" '$1 == k { print $2 }' "$SERIES/base"; }

# The package archive is reached through an apt root of our own, so that the
# machine's package lists and sources stay as they are. Mirrors, proxies and
# the like are the machine's.
APT_ROOT=$BUILD/apt
private_apt() {
	apt-get -o Dir::Etc::sourcelist="$APT_ROOT/sources.list" \
		-o Dir::Etc::sourceparts=/dev/null \
		-o Dir::State::lists="$APT_ROOT/lists" \
		-o Dir::Cache="$APT_ROOT/cache" \
		-o APT::Sandbox::User=root \
		-o Acquire::Languages=none \
		-o Acquire::Check-Valid-Until=false \
		-o Acquire::IndexTargets::deb::DEP-11::DefaultEnabled=false \
		-o Acquire::IndexTargets::deb::Contents-deb::DefaultEnabled=false \
		"$@"
}

# Prints 'MAIN SECURITY': where this machine gets Debian from.
machine_mirrors() {
	# shellcheck disable=SC2016 # the dollars are for apt
	apt-get indextargets --format '$(CREATED_BY) $(COMPONENT) $(RELEASE) $(REPO_URI)' |
	awk '
	$1 != "Packages" || $2 != "main" { next }
	$3 ~ /-security$|\/updates$/ { if (!sec) sec = $4; next }
	$3 ~ /^(bullseye|bookworm|trixie|forky|sid|testing|unstable|(old)*stable)$/ {
		if (!main || (main !~ /debian/ && $4 ~ /debian/)) main = $4
	}
	END {
		if (!main && sec) { main = sec; sub(/-security/, "", main) }
		if (!main) exit 1
		if (!sec) { sec = main; sub(/\/*$/, "-security/", sec) }
		print main, sec
	}'
}

own_base_hint="a kernel source of your own can be given with --base FILE|DIR"

# What follows returns 1 if something cannot be had, and WHY says so.
WHY=
cannot() { WHY=$*; return 1; }

apt_lists() {	# SUITE...
	local mirrors uri suite keys=/usr/share/keyrings/debian-archive-keyring.gpg
	command -v apt-get >/dev/null ||
		cannot "it comes from Debian through apt, which is not here" || return
	mirrors=$(machine_mirrors) ||
		cannot "this machine's apt knows no Debian mirror" || return
	mkdir -p "$APT_ROOT/lists/partial" "$APT_ROOT/cache/archives/partial"
	for suite; do
		uri=${mirrors% *}
		[[ $suite != *-security ]] || uri=${mirrors#* }
		echo "deb [arch=amd64 signed-by=$keys] $uri $suite main"
	done >"$APT_ROOT/sources.list"
	in_background "reading the package lists" "$LOGS/apt-update.log" private_apt update || {
		tail -n 5 "$LOGS/apt-update.log" >&2
		cannot "cannot read the package lists from this machine's mirrors (${mirrors/ / and })"
	}
}

check_sha256() {	# FILE SHA256
	local got
	got=$(sha256sum <"$1")
	[ "${got%% *}" = "$2" ]
}

# fetch_deb PACKAGE VERSION SHA256 SUITE...: sets FETCHED to the verified file. With
# - for both it is what the suites have today, verified by their signed lists alone.
FETCHED=
fetch_deb() {
	local pkg=$1 version=$2 sha=$3 dir=$TMP/fetch what spec file
	shift 3
	what="$pkg $version" spec="$pkg=$version"
	[ "$version" != - ] || what=$pkg spec=$pkg
	FETCHED=$BUILD/cache/${pkg}_${version}.deb
	if [ "$sha" != - ] && [ -f "$FETCHED" ]; then
		check_sha256 "$FETCHED" "$sha" && return 0
		rm -f "$FETCHED"
		note "$FETCHED was damaged (wrong sha256); fetching it again"
	fi
	need fetch
	need_space 300 "fetching $what"
	apt_lists "$@" || return
	rm -rf "$dir"
	mkdir -p "$dir" "$BUILD/cache"
	progress_of() { local s; s=$(du -sm "$dir"); echo "${s%%[!0-9]*} MB, "; }
	fetch_it() { cd "$dir" && private_apt download "$spec"; }
	if ! in_background "fetching $what" "$LOGS/fetch.log" fetch_it; then
		progress_of() { :; }
		tail -n 3 "$LOGS/fetch.log" >&2
		private_apt -s download "$spec" >/dev/null 2>&1 ||
			cannot "$what is not on this machine's mirrors (any more)" || return
		cannot "fetching $what failed; see $LOGS/fetch.log" || return
	fi
	progress_of() { :; }
	file=$(find "$dir" -name '*.deb')
	[ -f "$file" ] || cannot "fetching $what gave no file; see $LOGS/fetch.log" || return
	if [ "$sha" != - ] && ! check_sha256 "$file" "$sha"; then
		rm -f "$file"
		cannot "what the mirror gave as $what is not the pinned file (sha256 differs); it was removed" || return
	fi
	mv "$file" "$FETCHED"
}

# The same for a kernel source that the series goes on
fetch_base_deb() {	# PACKAGE VERSION SHA256
	fetch_deb "$@" bullseye-security bullseye || die "$WHY; $own_base_hint"
}

kernel_release() {	# DIR: the V.P.S of a kernel tree, or nothing
	[ -f "$1/Makefile" ] && [ -f "$1/Kbuild" ] || return 0
	awk '$2 == "=" && /^(VERSION|PATCHLEVEL|SUBLEVEL) / { v[$1] = $3 }
	     END { print v["VERSION"] "." v["PATCHLEVEL"] "." v["SUBLEVEL"] }' "$1/Makefile"
}
require_5_10() {	# DIR NAME
	local rel
	rel=$(kernel_release "$1")
	case $rel in
	5.10.*) ;;
	'') die "$2 is not a kernel source tree" ;;
	*)  die "$2 is Linux $rel; the series is for 5.10.y" ;;
	esac
}

deb_source_tar() {	# the kernel tarball inside a linux-source .deb
	dpkg-deb -c "$1" | awk '$NF ~ /^\.\/usr\/src\/.*\.tar\.(xz|gz|bz2)$/ { print $NF; exit }'
}

# unpack_source FILE|DIR DEST: DEST becomes the top of the kernel source
unpack_source() {
	local src=$1 dest=$2 inner
	rm -rf "$dest"
	mkdir -p "$dest" || return 1
	if [ -d "$src" ]; then
		tar -C "$src" --exclude=./.git --exclude='*.o' --exclude='*.ko' -cf - . |
			tar -C "$dest" -xf - || return 1
		[ ! -e "$dest/.config" ] && [ ! -d "$dest/include/config" ] ||
			make -s -C "$dest" mrproper || return 1
		return 0
	fi
	case $src in
	*.deb)
		inner=$(deb_source_tar "$src") && [ -n "$inner" ] ||
			{ echo "there is no kernel source in $src"; return 1; }
		case $inner in *.xz) z=-J ;; *.gz) z=-z ;; *) z=-j ;; esac
		dpkg-deb --fsys-tarfile "$src" | tar -xO "$inner" |
			tar -C "$dest" "$z" --strip-components=1 -xf - ;;
	*)
		tar -C "$dest" --strip-components=1 -xf "$src" ;;
	esac
}

# choose_base: what the base is. Sets BASE_KEY, which changes when it does, and
# BASE_NAME. Nothing is fetched yet.
choose_base() {
	if [ -z "$BASE_ARG" ]; then
		BASE_NAME="$(pin package) $(pin version)"
		BASE_KEY="pinned $(pin sha256)"
	elif [ -f "$BASE_ARG" ]; then
		case $BASE_ARG in
		*.deb|*.tar|*.tar.*|*.tgz) ;;
		*) usage_error "--base $BASE_ARG: neither a directory nor a tarball nor a .deb" ;;
		esac
		BASE_NAME=${BASE_ARG##*/}
		BASE_KEY="file $(stat -c '%n %s %Y' "$BASE_ARG")"
	else
		require_5_10 "$BASE_ARG" "--base $BASE_ARG"
		BASE_NAME="$BASE_ARG"
		BASE_KEY="dir $BASE_ARG $(cd "$BASE_ARG" &&
			find . -name .git -prune -o -type f -printf '%p %s %T@\n' |
			LC_ALL=C sort | sha256sum | cut -c1-64)"
	fi
}

# base_source: sets SOURCE to the file or directory to unpack
base_source() {
	SOURCE=$BASE_ARG
	[ -z "$SOURCE" ] || { need fetch; return 0; }
	fetch_base_deb "$(pin package)" "$(pin version)" "$(pin sha256)"
	SOURCE=$FETCHED
}
