# shellcheck shell=bash
# The packages of './resv deb', of a small configuration: installed in a Debian of 5.10's
# time, on a disk, which boots with the kernel and finds the ioctls; and a driver outside
# the tree builds against the headers of the package, and loads.
# depends: tree kernel:deb resv scripts/deb.sh
. "$RESV_TOP/scripts/lib/deb.sh"
. "$RESV_TOP/scripts/lib/image.sh"
need deb image
kernel=$BUILD/kernel-deb
here=$RESV_TOP/scripts/tiers/deb
root=$TMP/debian

# What is wrong is said before anything begins.
refuses() {	# PATTERN ARGUMENT...
	local rc=0 name="says: $1"
	"$RESV_TOP/resv" deb "${@:2}" >"$TMP/deb.out" 2>&1 </dev/null 9>&- || rc=$?
	if [ "$rc" = 2 ] && grep -qE "$1" "$TMP/deb.out"; then
		ok "$name"
	else
		fail "$name" "exit status $rc instead of 2, or not the words expected: $(head -n 1 "$TMP/deb.out")"
	fi
}
echo nothing >"$TMP/no-config"
refuses 'no such file' --config "$TMP/none"
refuses 'no kernel configuration' --config "$TMP/no-config"
refuses 'needs a file' --config
refuses 'no topic' colour

mkdir -p "$DEB"
configure deb "$LINUX" "$kernel"
deb_config "$kernel/.config"
build_debs
release=$(cat "$DEB_OUT/include/config/kernel.release")
for p in linux-image-"$release" linux-headers-"$release" linux-libc-dev; do
	f=$DEB/${p}_$(deb_version)_amd64.deb
	if [ -s "$f" ]; then ok "$p ($(du -m "$f" | cut -f1) MB)"; else fail "$p" "$f was not made"; fi
done

# A module builds against the headers as they come out of the package.
rm -rf "$TMP/headers"
dpkg-deb -x "$DEB/linux-headers-${release}_$(deb_version)_amd64.deb" "$TMP/headers"
mkdir -p "$TMP/module"
cp "$here"/{Kbuild,old_driver.c} "$TMP/module/"
if make -C "$TMP/headers/usr/src/linux-headers-$release" M="$TMP/module" modules \
		>"$LOGS/deb-module.log" 2>&1 && ! grep -q 'warning:' "$LOGS/deb-module.log"; then
	ok "a driver for the old interface builds against the headers"
else
	fail "a driver for the old interface builds against the headers" \
		"$(grep -m 1 -E 'error:|warning:' "$LOGS/deb-module.log")" "$LOGS/deb-module.log"
	return 0
fi

if ! debian_root bullseye "$root" systemd-sysv kmod; then
	fail "a Debian to boot" "$WHY"
	return 0
fi
cp "${DEBS[@]}" "$root/tmp/"
if chroot "$root" sh -c 'DEBIAN_FRONTEND=noninteractive dpkg -i /tmp/*.deb' \
		>"$LOGS/deb-install.log" 2>&1; then
	ok "dpkg installs them"
else
	fail "dpkg installs them" "$(grep -m 1 -E '^dpkg: error|rror' "$LOGS/deb-install.log")" "$LOGS/deb-install.log"
	return 0
fi
rm -f "$root"/tmp/*.deb

# The ioctls are asked by the kselftest of the series, which knows them from the third
# package.
mkdir -p "$root/resv"
cp "$here/test" "$TMP/module/old_driver.ko" "$root/resv/"
dpkg-deb -x "$DEB/linux-libc-dev_$(deb_version)_amd64.deb" "$TMP/libc"
make -s -C "$LINUX/tools/testing/selftests/dma-buf" OUTPUT="$TMP/module" \
	CC="gcc -static -I$TMP/libc/usr/include -I$TMP/libc/usr/include/x86_64-linux-gnu" \
	>"$LOGS/deb-selftest.log" 2>&1 || :
cp "$TMP/module/dmabuf_sync_file" "$root/resv/" 2>/dev/null ||
	fail "dmabuf_sync_file" "it does not build" "$LOGS/deb-selftest.log"
cat >"$root/etc/systemd/system/resv.service" <<-'EOF'
	[Unit]
	Requires=sysinit.target
	After=sysinit.target

	[Service]
	Type=oneshot
	ExecStart=/resv/test
	StandardOutput=tty
	StandardError=tty
	TTYPath=/dev/ttyS0
EOF
cp "$root/boot/vmlinuz-$release" "$kernel/vmlinuz"
if ! debian_disk "$root" "$kernel/disk" 1200; then
	fail "a disk" "$WHY"
	return 0
fi
log=$LOGS/boot-deb.log
RESV_CMDLINE="root=/dev/vda rw systemd.unit=resv.service ${RESV_CMDLINE-}" \
	boot "$kernel" deb "$log" "$(boot_limit deb)" -drive "file=$kernel/disk,format=raw,if=virtio,snapshot=on"
verdicts "$log" job=deb programs="package dmabuf_sync_file old_driver"
