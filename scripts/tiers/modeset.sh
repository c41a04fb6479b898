# shellcheck shell=bash
# Two of QEMU's graphics cards with little video memory, in a machine that has
# little memory itself, under lockdep: framebuffers are evicted and come back,
# and commits to vkms and virtio-gpu wait for the fences that they have to.
# depends: tree kernel:lockdep guest
machine lockdep
test_programs lockdep modeset "${ALL_CARDS[@]}"

# Its test is skipped without the device, which is there to be tested.
if grep -q 'Initialized virtio_gpu .* for virtio0' "$LOGS/boot-lockdep-modeset.log"; then
	ok "virtio-gpu is there"
else
	fail "virtio-gpu is there" "it did not probe" "$LOGS/boot-lockdep-modeset.log"
fi

# QEMU's card lacks what vmwgfx asks for, so that one fails to probe, cleanly.
if grep -q 'vmw_probe.*Hardware has no pitchlock' "$LOGS/boot-lockdep-modeset.log"; then
	ok "vmwgfx refuses QEMU's card (no pitchlock)"
else
	skip "vmwgfx" "this QEMU's card is another one than the one we know"
fi
