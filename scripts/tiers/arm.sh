# shellcheck shell=bash
# The same on arm, where a pointer has 32 bits.
# depends: tree kernel:arm guest
ARM=arm
. "$RESV_TOP/scripts/tiers/arm64.sh"
