# shellcheck shell=bash
# Can the tests fail? Each patch in mutants/AREA spoils one thing and says in its first
# line what; the tests have to find that out: those of the core in user space and by
# KUnit, the others by KUnit, or i915's mock selftests. RESV_MUTANTS names some as
# AREA/NAME. What was caught stays caught for as long as nothing changes that has a
# part in it, so that this can be ended and goes on where it was.
# depends: tree native mutants kernel:quick kernel:lockdep guest
. "$RESV_TOP/scripts/lib/native.sh"
need native
SCRATCH=$BUILD/mutants
MUTANTS_LOG=$LOGS/boot-mutants.log
mkdir -p "$NATIVE" "$SCRATCH"

# A kernel, the suites that it runs, and areas, which are how names of mutants begin: no
# suite of one runs code of another, so that one mutant of each shares a boot.
BOOTS="quick   *       core/
lockdep [!d]*   amdgpu/ virtio/ small/radeon small/vc4 arm/etnaviv arm/lima arm/panfrost arm/v3d rdma/mlx5 rdma/rxe i915/
lockdep ?[!m]*  ttm/ kms/ sched/ rdma/u
lockdep dma-resv-[cm]* check/"

# MUTANT: the suites that have to notice; mock is for i915's mock selftests
suites_of() {
	case $1 in
	core/*)		echo '*' ;;
	check/*)	echo 'dma-resv-@(check|mapped)' ;;
	ttm/*)		echo 'ttm-*' ;;
	kms/*)		echo 'drm-*-fence' ;;
	sched/*)	echo '@(drm-sched-*|lima-*|panfrost-*|v3d-*)' ;;
	amdgpu/*)	echo 'amdgpu-*' ;;
	virtio/*)	echo 'virtgpu-*' ;;
	i915/*)		echo 'mock' ;;
	rdma/u*)	echo '@(ib|mlx5|rxe)-*' ;;
	small/*-*|arm/*-*|rdma/*-*)
			set -- "${1#*/}"
			echo "${1%%-*}-*" ;;
	*)	die "mutants/$1: nobody says which suites are for it" ;;
	esac
}

# A verdict on MUTANT in WHERE (native or kernel) stays for as long as its input does.
key="$({	lgit rev-parse 'HEAD^{tree}'
	cd "$RESV_TOP" && { kernel_files quick; kernel_files lockdep; } | sort -u | xargs cat native/*/*.[ch]
} | sha256sum | cut -c1-16) $(tools_id)"
mutant() {	# MUTANT WHERE: as build/passed/parts has it
	echo "mutant $1 $2 $key $(sha256sum <"$RESV_TOP/mutants/$1.patch" | cut -c1-16)"
}
keep() {	# MUTANT WHERE VERDICT
	keep_part "$(mutant "$1" "$2")" "$3"
	clear_status
	note "$1: ${3:-not noticed} ($2)"
}

# A tree with nothing but what the native build takes from one
mutant_tree() {	# PATCH
	rm -rf "$SCRATCH/tree"
	mkdir -p "$SCRATCH/tree/drivers" "$SCRATCH/tree/include/linux"
	# With the time of now, for what the mutant before had spoiled is to be built anew
	lgit archive HEAD drivers/dma-buf include/linux | tar -xm -C "$SCRATCH/tree" \
		--wildcards 'drivers/dma-buf/*' 'include/linux/dma-fence*.h' 'include/linux/dma-resv*.h'
	patch -s -p1 -f -d "$SCRATCH/tree" <"$1" >"$LOGS/mutant-native.log" 2>&1
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
				[ "$program" != torture ] || args=(-t $((2 * 3 ** (round - 1))))
				NATIVE=$SCRATCH/native native_run "$flavour" "$program" \
					"$LOGS/mutant-native.log" "${args[@]}" ||
					{ echo "$program, $flavour"; return; }
			done
		done
	done
}
# All of them, while the kernels are at work on the other processor
natively() {	# MUTANT...
	local m
	for m; do
		mutant_tree "$RESV_TOP/mutants/$m.patch"
		keep "$m" native "$(caught_natively 2>/dev/null)"
	done
}

# mock_of AREA|MUTANT...: what has i915's mock selftests run, if one of these needs them
mock_of() { [[ " $*" != *" i915/"* ]] || echo "i915.mock_selftests=-1"; }

# boot_mutants KERNEL SUITES LIMIT MOCK [MUTANT...]: build, boot and judge, into
# $TMP/judged. Returns 1 if there is nothing to judge. What watches all locks and objects
# takes most of the time of a boot; it is off unless WATCHED is set.
WATCHED=
boot_mutants() {
	local kernel=$1 suites=$2 limit=$3 mock=$4 unwatched='' m rc=0
	[ -n "$WATCHED" ] || unwatched="lockdep.prove_locking=0 no_debug_objects"
	shift 4
	for m; do
		patch -s -p1 -f -d "$LINUX" <"$RESV_TOP/mutants/$m.patch" >"$LOGS/mutants.log" 2>&1
	done
	(
		# A shell of its own is to stop what it has in the background by itself.
		AT_EXIT=()
		trap run_at_exit EXIT
		trap 'exit 143' INT TERM
		machine "$kernel"
		# The first failure is enough where only one is to blame.
		[ $# != 1 ] || BOOT_UNTIL='not ok [0-9]\|Oops: '
		KUNIT=$suites RESV_CMDLINE="$mock $unwatched ${RESV_CMDLINE-}" \
			boot "$BUILD/kernel-$kernel" kunit "$MUTANTS_LOG" "$limit"
	) || rc=1
	judge "$MUTANTS_LOG" job=kunit ${mock:+mock="$(expected_mock_selftests "$LINUX")"} \
		>"$TMP/judged" || :
	restore
	return "$rc"
}
restore() {
	lgit checkout -q -- .
	lgit clean -fdq
}

# Prints the first failure that MUTANT is to blame for, by name. One that is alone is to
# blame for whatever happens.
first_failure() {	# MUTANT [alone]
	local name suites
	suites=$(suites_of "$1")
	sed -n 's/^FAIL //p' "$TMP/judged" | while read -r name; do
		name=${name%%:*}
		case $name in
		'kunit '*)	name=${name#kunit }
				# shellcheck disable=SC2053
				[ -n "${2-}" ] || [[ ${name%%.*} == $suites ]] || continue ;;
		'i915 mock '*)	[ -n "${2-}" ] || [ "$suites" = mock ] || continue
				name=${name#i915 mock selftest } ;;
		*)	[ -n "${2-}" ] || continue ;;
		esac
		echo "$name"
		break
	done
}

# caught_alone MUTANT KERNEL SUITES LIMIT: prints by what, if by anything
caught_alone() {
	if boot_mutants "$2" "$3" "$4" "$(mock_of "$1")" "$1" >&2; then
		first_failure "$1" alone
	else
		echo "the compiler"
	fi
}

# in_rounds KERNEL SUITES AREA...: the mutants of the areas that are not decided yet
in_rounds() {
	local kernel=$1 suites=$2 area m found limit n=0 todo=0
	local -a round
	local -A left=()
	shift 2
	for area; do
		for m in "${mutants[@]}"; do
			[[ $m = "$area"* ]] && ! known "$(mutant "$m" kernel)" || continue
			left[$area]+="$m "
			todo=$((todo + 1))
		done
	done
	[ "$todo" -gt 0 ] || return 0

	# Without any of them nothing may fail; and how long that takes.
	say "mutants: $todo on the kernel $kernel ($*)"
	if ! boot_mutants "$kernel" "$suites" "$(boot_limit "$kernel")" "$(mock_of "$@")" ||
	     grep -q '^FAIL' "$TMP/judged"; then
		fail "$kernel without a mutant" "$(grep -m 1 '^FAIL' "$TMP/judged")" "$MUTANTS_LOG"
		return 0
	fi
	limit=$(sed -n 's/^resv-host: the machine stopped after \([0-9]*\) s$/\1/p' "$MUTANTS_LOG")
	limit=$((3 * limit + 60))

	while [ "$n" -lt "$todo" ]; do
		round=()
		for area; do
			read -r m _ <<<"${left[$area]-} "
			[ -n "$m" ] || continue
			round+=("$m")
			left[$area]=${left[$area]#"$m "}
		done
		status "mutants $((n + 1)) to $((n + ${#round[@]})) of $todo on the kernel $kernel"
		if [ ${#round[@]} -gt 1 ]; then
			if boot_mutants "$kernel" "$suites" "$limit" "$(mock_of "${round[@]}")" "${round[@]}"; then
				for m in "${round[@]}"; do
					found=$(first_failure "$m")
					[ -z "$found" ] || keep "$m" kernel "$found"
				done
			fi
		fi
		for m in "${round[@]}"; do
			n=$((n + 1))
			known "$(mutant "$m" kernel)" && continue
			found=$(caught_alone "$m" "$kernel" "$suites" "$limit")
			if [ -z "$found" ] && [ "$kernel" = lockdep ]; then
				found=$(WATCHED=1 caught_alone "$m" "$kernel" "$suites" "$(boot_limit "$kernel")")
			fi
			keep "$m" kernel "$found"
		done
	done
}

[ -z "$(lgit status --porcelain)" ] ||
	die "build/linux has changes that are not committed; mutants would get mixed up with them"
at_exit restore
[ -n "${RESV_MUTANTS-}" ] ||
	RESV_MUTANTS=$(cd "$RESV_TOP/mutants" && find . -name "*.patch" | sort | sed "s|^\./||; s|\.patch$||")
mutants=() todo=()
for m in ${RESV_MUTANTS}; do
	if [ ! -f "$RESV_TOP/mutants/$m.patch" ]; then
		fail "$m" "there is no such mutant"
	elif ! patch -s -p1 -f --dry-run -d "$LINUX" <"$RESV_TOP/mutants/$m.patch" >"$LOGS/mutants.log" 2>&1; then
		fail "$m" "it no longer applies; it is to be made anew" "$LOGS/mutants.log"
	else
		suites_of "$m" >/dev/null
		mutants+=("$m")
		[ "${m%/*}" != core ] || known "$(mutant "$m" native)" || todo+=("$m")
	fi
done
set -m		# a process group of its own, so that all of it can be stopped
natively "${todo[@]}" 9>&- &
native_pid=$!
set +m
stop_native() { kill -TERM -- "-$native_pid" 2>/dev/null || :; }
at_exit stop_native
while read -r kernel suites areas; do
	read -ra areas <<<"$areas"
	in_rounds "$kernel" "$suites" "${areas[@]}" </dev/null
done <<<"$BOOTS"
while kill -0 "$native_pid" 2>/dev/null; do
	status "waiting for the core's mutants in user space"
	sleep 1
done
wait "$native_pid" || :

table=$LOGS/mutants.txt
printf '%-34s %-16s %s\n' mutant "in user space" "in the kernel" >"$table"
for m in "${mutants[@]}"; do
	native=$(part "$(mutant "$m" native)") || :
	kernel=$(part "$(mutant "$m" kernel)") || :
	printf '%-34s %-16s %s\n' "$m" "${native:--}" "${kernel:--}" >>"$table"
	if [ -z "$native$kernel" ]; then
		fail "$m" "nobody noticed: $(head -n 1 "$RESV_TOP/mutants/$m.patch")"
		drop_part "$(mutant "$m" native)"
		drop_part "$(mutant "$m" kernel)"
	elif [ "${m%/*}" = core ]; then
		ok "$m: ${native:-not in user space}; ${kernel:-not by KUnit}"
	else
		ok "$m: $kernel"
	fi
done
say
say "$(cat "$table")"
