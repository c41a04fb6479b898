# shellcheck shell=bash
# Can the tests fail? Each patch in mutants/AREA spoils one thing and says in its first
# line what; the tests have to find that out: those of the core in user space and by
# KUnit, the others by KUnit, or i915's mock selftests. RESV_MUTANTS names some as
# AREA/NAME. What was caught stays caught for as long as nothing changes that has a
# part in it, so that this can be ended and goes on where it was.
# depends: series native mutants configs guest
. "$RESV_TOP/scripts/lib/native.sh"
need native
SCRATCH=$BUILD/mutants
CAUGHT=$BUILD/passed/mutants.d
mkdir -p "$NATIVE" "$SCRATCH" "$CAUGHT"

# AREA: the kernel with its suites, which of these, or the mock selftests
area_row() {
	case $1 in
	core)	echo "quick *" ;;
	ttm)	echo "lockdep ttm-*" ;;
	kms)	echo "lockdep drm-*" ;;
	amdgpu)	echo "lockdep amdgpu-*" ;;
	virtio)	echo "lockdep virtgpu-*" ;;
	small)	echo "lockdep [rv][ac]*-*" ;;	# radeon, vc4
	arm)	echo "lockdep *-[psj]*" ;;	# etnaviv, lima, panfrost, v3d, the scheduler
	rdma)	echo "lockdep [im][bl]*-*" ;;	# ib, mlx5
	i915)	echo "lockdep mock" ;;
	*)	die "mutants/$1: nobody says which kernel has its tests" ;;
	esac
}

# A tree with nothing but what the native build takes from one
mutant_tree() {	# PATCH
	rm -rf "$SCRATCH/tree"
	mkdir -p "$SCRATCH/tree/drivers" "$SCRATCH/tree/include/linux"
	cp -R "$LINUX/drivers/dma-buf" "$SCRATCH/tree/drivers/"
	cp "$LINUX"/include/linux/dma-fence*.h "$LINUX"/include/linux/dma-resv*.h \
		"$SCRATCH/tree/include/linux/"
	patch -s -p1 -f -d "$SCRATCH/tree" <"$1" >"$LOGS/mutant.log" 2>&1
}

# Prints by what it is caught: FLAVOUR PROGRAM, or nothing
caught_natively() {
	local flavour program args round
	for round in 1 2 3; do
		for flavour in plain asan tsan weak; do
			[ "$round" != 1 ] ||
				NATIVE=$SCRATCH/native LINUX=$SCRATCH/tree native_make "$flavour" torture ||
				{ echo "the compiler"; return; }
			for program in unit explore torture; do
				# Only torture finds more when it is run again.
				[ "$program" = torture ] || [ "$round" = 1 ] || continue
				[ "$program" != explore ] || [ "$flavour" = plain ] || continue
				args=()
				[ "$program" != torture ] || args=(-t $((2 * round)))
				NATIVE=$SCRATCH/native native_run "$flavour" "$program" \
					"$LOGS/mutant.log" "${args[@]}" ||
					{ echo "$program, $flavour"; return; }
			done
		done
	done
}

# Prints the first case that fails, or what the kernel said
caught_in_kernel() {	# PATCH KERNEL SUITES
	local log=$LOGS/boot-mutant.log
	local suites=$3 mock=
	[ "$suites" != mock ] || { suites=none; mock="i915.mock_selftests=-1"; }
	patch -s -p1 -f -d "$LINUX" <"$1" >"$LOGS/mutant.log" 2>&1
	(
		machine "$2"
		KUNIT=$suites RESV_CMDLINE="$mock ${RESV_CMDLINE-}" \
			boot "$BUILD/kernel-$2" kunit "$log" "$(boot_limit "$2")"
	) >"$LOGS/mutant-kunit.log" 2>&1 || echo "it does not build" >"$log"
	judge "$log" job=kunit ${mock:+mock="$(expected_mock_selftests "$LINUX")"} |
		sed -n 's/^FAIL \(kunit \|i915 mock selftest \)\?\([^:]*\):.*/\2/p' | head -n 1
	restore
}
restore() {
	lgit checkout -q -- .
	lgit clean -fdq
}

[ -z "$(lgit status --porcelain)" ] ||
	die "build/linux has changes that are not committed; mutants would get mixed up with them"
at_exit restore
[ -n "${RESV_MUTANTS-}" ] ||
	RESV_MUTANTS=$(cd "$RESV_TOP/mutants" && ls ./*/*.patch | sed 's,^\./,,; s,\.patch$,,')
read -ra mutants <<<"${RESV_MUTANTS//$'\n'/ }"
table=$LOGS/mutants.txt
printf '%-34s %-16s %s\n' mutant "in user space" "in the kernel" >"$table"
key="$(cat "$SERIES"/*.patch "$RESV_TOP"/configs/* "$RESV_TOP"/native/*/*.[ch] | sha256sum | cut -c1-16) $(tools_id)"
n=0
for name in "${mutants[@]}"; do
	patch=$RESV_TOP/mutants/$name.patch area=${name%/*}
	[ -f "$patch" ] || { fail "$name" "there is no such mutant"; continue; }
	known=$CAUGHT/${name//\//.}
	now="$key $(sha256sum <"$patch" | cut -c1-16)"
	if [ "$(head -n 1 "$known" 2>/dev/null || :)" = "$now" ]; then
		native=$(sed -n 2p "$known") kernel=$(sed -n 3p "$known")
	else
		say "mutant $((n + 1)) of ${#mutants[@]}: $name"
		if ! patch -s -p1 -f --dry-run -d "$LINUX" <"$patch" >"$LOGS/mutant.log" 2>&1; then
			fail "$name" "it no longer applies; it is to be made anew" "$LOGS/mutant.log"
			continue
		fi
		native=
		if [ "$area" = core ]; then
			mutant_tree "$patch"
			native=$(caught_natively)
		fi
		read -r machine suites < <(area_row "$area")
		kernel=$(caught_in_kernel "$patch" "$machine" "$suites")
		[ -z "$native$kernel" ] || printf '%s\n' "$now" "$native" "$kernel" >"$known"
	fi
	n=$((n + 1))
	printf '%-34s %-16s %s\n' "$name" "${native:--}" "${kernel:--}" >>"$table"
	if [ -z "$native$kernel" ]; then
		fail "$name" "nobody noticed: $(head -n 1 "$patch")"
	elif [ "$area" = core ]; then
		ok "$name: ${native:-not in user space}; ${kernel:-not by KUnit}"
	else
		ok "$name: $kernel"
	fi
done
say
say "$(cat "$table")"
