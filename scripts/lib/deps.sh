# shellcheck shell=bash
# Tools that a fresh Debian 12 lacks: what for, how to see it is there, package. The one
# for 32 bits is named by the compiler's version, as gcc-multilib itself goes with no
# compiler for another machine: apt would remove one for the other.

deps_table() {
cat <<'EOF'
fetch	cmd:xz		xz-utils	to unpack the kernel source
fetch	cmd:git		git		to keep the kernel source and the patches apart
fetch	file:/usr/share/keyrings/debian-archive-keyring.gpg	debian-archive-keyring	to check the kernel source's signature
fetch	file:/etc/ssl/certs/ca-certificates.crt	ca-certificates	to fetch over https
apply	cmd:git		git		to apply patches to a git tree
apply	cmd:patch	patch		to apply patches to a plain tree
build	cmd:gcc		gcc		to build the kernel
build	cmd:make	make		to build the kernel
build	cmd:flex	flex		to build the kernel's configuration tool
build	cmd:bison	bison		to build the kernel's configuration tool
build	cmd:rsync		rsync		to give programs the kernel's headers
build	cmd:bc		bc		to build the kernel
build	cmd:perl	perl		to build the kernel
build	file:/usr/include/stdio.h	libc6-dev	to build programs
build	file:/usr/include/gelf.h	libelf-dev	to build the kernel's objtool
compat	m32:		gcc-VERSION-multilib	to build the 32-bit tests
compat	m32:		libc6-dev-i386	to build the 32-bit tests
build	cmd:qemu-system-x86_64	qemu-system-x86	to boot the kernel
native	cmd:gcc		gcc		to build programs
native	cmd:make	make		to build programs
native	cmd:patch	patch		to spoil the core on purpose
native	file:/usr/include/stdio.h	libc6-dev	to build programs
native	c:urcu.h	liburcu-dev	for RCU in user space
bench	cmd:gnuplot	gnuplot-nox	to draw the plot
rdma	c:infiniband/verbs.h	libibverbs-dev	to talk to RDMA devices
graph	cmd:dot		graphviz	to draw the graph of fences
check	cmd:perl	perl		to run checkpatch
check	cmd:sparse	sparse		to check annotations
cross	cmd:aarch64-linux-gnu-gcc	gcc-aarch64-linux-gnu	to build drivers for arm64
cross	cmd:arm-linux-gnueabihf-gcc	gcc-arm-linux-gnueabihf	to build drivers for arm
arm	cmd:aarch64-linux-gnu-gcc	gcc-aarch64-linux-gnu	to build a kernel for arm64
arm	file:/usr/aarch64-linux-gnu/lib/libc.a	libc6-dev-arm64-cross	to build programs for it
arm	cmd:arm-linux-gnueabihf-gcc	gcc-arm-linux-gnueabihf	to build a kernel for arm
arm	file:/usr/arm-linux-gnueabihf/lib/libc.a	libc6-dev-armhf-cross	to build programs for it
arm	cmd:qemu-system-aarch64	qemu-system-arm	to boot them
deb	cmd:dpkg-buildpackage	dpkg-dev	to build a package
deb	cmd:cpio	cpio		to pack the kernel's headers
deb	cmd:depmod	kmod		to index its modules
deb	file:/usr/include/openssl/ssl.h	libssl-dev	to build what signs modules
image	cmd:mmdebstrap	mmdebstrap	to fetch a Debian to boot
image	cmd:mkfs.ext4	e2fsprogs	to make a disk of it
cocci	cmd:spatch	coccinelle	to apply semantic patches
docs	cmd:perl	perl		to run kernel-doc
docs	cmd:sphinx-build	python3-sphinx	to build the documents
docs	file:/usr/lib/python3/dist-packages/sphinx_rtd_theme/__init__.py	python3-sphinx-rtd-theme	to build the documents
docs	cmd:dot		graphviz	to draw their pictures
EOF
}

dep_there() {
	case $1 in
	cmd:*) command -v "${1#cmd:}" >/dev/null ;;
	file:*) [ -e "${1#file:}" ] ;;
	c:*) echo "#include <${1#c:}>" | gcc -E -x c - >/dev/null 2>&1 ;;
	m32:) echo "int main(void) { return 0; }" |
		gcc -m32 -static -x c -o /dev/null - 2>/dev/null ;;
	esac
}

# need PURPOSE...: have what these purposes need, or install it, or say what
need() {
	local p sign pkg why missing=() reasons=() sudo=() log
	for p in "$@"; do
		while IFS=$'\t' read -r sign pkg why; do
			dep_there "$sign" && continue
			pkg=${pkg/VERSION/$(gcc -dumpversion)}
			[[ " ${missing[*]-} " = *" $pkg "* ]] && continue
			missing+=("$pkg")
			reasons+=("$(printf '  %-24s %s' "$pkg" "$why")")
		done < <(deps_table | tr -s '\t' | awk -F'\t' -v p="$p" -v OFS='\t' \
			'$1 == p { print $2, $3, $4 }')
	done
	[ ${#missing[@]} -gt 0 ] || return 0

	note "These Debian packages are missing here:"
	printf '%s\n' "${reasons[@]}" >&2
	command -v apt-get >/dev/null ||
		die "install them (this machine has no apt-get), then try again"
	if [ "$(id -u)" != 0 ]; then
		command -v sudo >/dev/null && sudo -v 2>/dev/null && sudo=(sudo) ||
			die "no right to install packages; have somebody run: apt-get install ${missing[*]}"
	fi
	note "Installing them with ${sudo[*]:+sudo }apt-get"
	mkdir -p "$LOGS"
	log=$LOGS/apt-install.log
	apt_install() {
		"${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get \
			-o DPkg::Lock::Timeout=120 \
			install -y --no-install-recommends "${missing[@]}"
	}
	apt_update() { "${sudo[@]}" apt-get -o DPkg::Lock::Timeout=120 update; }
	if ! in_background "apt-get install ${missing[*]}" "$log" apt_install; then
		# No package lists yet, or stale ones.
		in_background "apt-get update" "$log" apt_update ||
			{ tail -n 5 "$log" >&2; die "apt-get update failed; see $log"; }
		in_background "apt-get install ${missing[*]}" "$log" apt_install ||
			{ tail -n 5 "$log" >&2
			  die "could not install ${missing[*]}; see $log"; }
	fi
}
