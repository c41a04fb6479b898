# shellcheck shell=bash
# Can the tests fail? Each of native/mutants spoils one thing in the core; the tests
# in user space have to find that out, or KUnit. RESV_MUTANTS names some, and
# RESV_MUTANTS_KUNIT=no leaves out KUnit, which takes most of the time.
# depends: series native mutants configs guest
. "$RESV_TOP/scripts/lib/native.sh"
need native
SCRATCH=$BUILD/mutants
mkdir -p "$NATIVE" "$SCRATCH"

# A tree with nothing but what the native build takes from one
mutant_tree() {	# PATCH
	rm -rf "$SCRATCH/tree"
	mkdir -p "$SCRATCH/tree/drivers" "$SCRATCH/tree/include/linux"
	cp -R "$LINUX/drivers/dma-buf" "$SCRATCH/tree/drivers/"
	cp "$LINUX"/include/linux/dma-fence*.h "$LINUX/include/linux/dma-resv.h" \
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
			for program in unit torture; do
				[ "$program,$round" != unit,2 ] && [ "$program,$round" != unit,3 ] || continue
				args=()
				[ "$program" = unit ] || args=(-t $((2 * round)))
				NATIVE=$SCRATCH/native native_run "$flavour" "$program" \
					"$LOGS/mutant.log" "${args[@]}" ||
					{ echo "$program, $flavour"; return; }
			done
		done
	done
}

# Prints the first KUnit case that fails, or what the kernel said
caught_by_kunit() {	# PATCH
	local log=$LOGS/boot-mutant.log
	patch -s -p1 -f -d "$LINUX" <"$1" >"$LOGS/mutant.log" 2>&1
	(
		machine quick
		boot "$BUILD/kernel-quick" kunit "$log" "$(boot_limit quick)"
	) >"$LOGS/mutant-kunit.log" 2>&1 || :
	judge "$log" job=kunit suites="$(expected_suites "$LINUX" quick)" |
		sed -n 's/^FAIL \(kunit \)\?\([^:]*\):.*/\2/p' | head -n 1
	lgit checkout -q -- drivers/dma-buf include/linux
}

if [ "${RESV_MUTANTS_KUNIT-}" != no ]; then
	[ -z "$(lgit status --porcelain)" ] ||
		die "build/linux has changes that are not committed; mutants would get mixed up with them"
	at_exit lgit checkout -q -- drivers/dma-buf include/linux
	machine quick
fi
[ -n "${RESV_MUTANTS-}" ] || RESV_MUTANTS=$(cd "$RESV_TOP/native/mutants" && ls ./*.patch | sed 's,^\./,,; s,\.patch$,,')
read -ra mutants <<<"${RESV_MUTANTS//$'\n'/ }"
table=$LOGS/mutants.txt
printf '%-26s %-16s %s\n' mutant "in user space" KUnit >"$table"
n=0
for name in "${mutants[@]}"; do
	patch=$RESV_TOP/native/mutants/$name.patch
	say "mutant $((++n)) of ${#mutants[@]}: $name"
	[ -f "$patch" ] || { fail "$name" "there is no such mutant"; continue; }
	mutant_tree "$patch" ||
		{ fail "$name" "it no longer applies; it is to be made anew" "$LOGS/mutant.log"; continue; }
	native=$(caught_natively)
	kunit=
	[ "${RESV_MUTANTS_KUNIT-}" = no ] || kunit=$(caught_by_kunit "$patch")
	printf '%-26s %-16s %s\n' "$name" "${native:--}" "${kunit:--}" >>"$table"
	if [ -n "$native$kunit" ]; then
		ok "$name: ${native:-not in user space}; ${kunit:-not by KUnit}"
	else
		fail "$name" "nobody noticed: $(head -n 1 "$patch")"
	fi
done
say
say "$(cat "$table")"
