# shellcheck shell=bash
# The tier pressure on the unpatched base, which loses a word in one round of a dozen or so:
# passes as soon as that is seen, so that it is known what the other one would see.
# depends: series/base kernel:pressure guest
PRESSURE_ON=base
. "$RESV_TOP/scripts/tiers/pressure.sh"
