# shellcheck shell=bash
# The verdict on a console log, and what to expect in one.

# judge LOG [suites='A B'] [programs='A B'] [mock='A B'] [job=NAME]
judge() {
	local log=$1 a vars=()
	shift
	for a in "$@"; do vars+=(-v "$a"); done
	[ -s "$log" ] || { echo "FAIL console: truncated: the log is empty"; return 1; }
	awk "${vars[@]}" -f "$RESV_TOP/scripts/lib/judge.awk" "$log"
}

# expected_suites TREE KERNEL: the KUnit suites in the files that the series adds, but
# for those of drivers that this kernel does not have, as its fragments say, and those
# of the checker of fences (*-check-test.c) where it is not configured
expected_suites() {
	local only=() has
	has=" $(kernel_row "$2") "
	if [[ $has = *" drm "* ]]; then
		[[ $has = *" amdgpu "* ]] || only+=(':(exclude)drivers/gpu/drm/amd')
		[[ $has = *" suites "* ]] ||
			only+=(':(exclude)drivers/gpu/drm/'{etnaviv,radeon,vc4,lima,panfrost,v3d})
		[[ $has = *" rdma "* ]] || only+=(':(exclude)drivers/infiniband')
	else
		only=(drivers/dma-buf)
	fi
	[[ $has = *" series-contract "* ]] || only+=(':(exclude)*-check-test.c')
	pure_git -C "$1" diff --name-only --diff-filter=A --no-renames base HEAD -- "${only[@]}" |
	{ grep '\.c$' || :; } | while read -r f; do
		awk '/^(static )?struct kunit_suite / { in_suite = 1 }
		     in_suite && /\.name *= *"/ { split($0, p, "\""); print p[2] }
		     /^};/ { in_suite = 0 }' "$1/$f"
	done | tr '\n' ' '
}

# expected_mock_selftests TREE: the mock selftests of i915, in their order
expected_mock_selftests() {
	sed -n 's/^selftest(\([a-z_]*\),.*/\1/p' \
		"$1/drivers/gpu/drm/i915/selftests/i915_mock_selftests.h" | tr '\n' ' '
}

# expected_programs GUEST_ROOT JOB: the suites of that job that are there
expected_programs() {
	sed -n 's/^\t{ "'"$2"'", "\([^"]*\)", "\(\/[^"]*\)", .*},$/\1 \2/p' \
		"$RESV_TOP/guest/init.c" |
	while read -r name path; do
		[ ! -e "$1$path" ] || printf '%s ' "$name"
	done
}
