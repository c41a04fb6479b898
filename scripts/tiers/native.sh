# shellcheck shell=bash
# The core built for user space: single calls, every interleaving of a few tasks, and
# threads that try to break it while an oracle looks on. Plain, and watched by the
# sanitizers of the compiler. quick has the plain ones without the threads.
# depends: tree native
. "$RESV_TOP/scripts/lib/native.sh"
need native
mkdir -p "$NATIVE"
flavours=(plain asan tsan weak)
programs=(unit explore torture)
if [ -n "${QUICK-}" ]; then
	flavours=(plain)
	programs=(unit explore)
fi
for flavour in "${flavours[@]}"; do
	if ! native_make "$flavour" torture; then
		fail "$flavour" "it does not build" "$LOGS/native-$flavour.log"
		continue
	fi
	for program in "${programs[@]}"; do
		[ "$program" != explore ] || [[ $flavour = @(plain|asan) ]] || continue
		args=()
		[ "$program" != torture ] || args=(-t 5)
		log=$LOGS/native-$flavour-$program.log
		status "native: $program, $flavour"
		if native_run "$flavour" "$program" "$log" "${args[@]}"; then
			ok "$program, $flavour: $(tail -n 1 "$log" | cut -c1-100)"
		else
			fail "$program, $flavour" "$(native_why "$log")" "$log"
		fi
	done
done

# './resv bench' times the core with the checker of fences as well. Here it is only built.
if [ -z "${QUICK-}" ]; then
	mkdir -p "$NATIVE/checker"
	if ( NATIVE=$NATIVE/checker native_make bench CHECKER=1 bench ); then
		ok "with the checker of fences"
	else
		fail "with the checker of fences" "it does not build" "$LOGS/native-bench.log"
	fi
fi

# A bool in the place of a usage: the compiler has to refuse it, and nothing else
misuse=$RESV_TOP/native/torture/usage-is-no-bool.c
mapfile -t bad < <(grep -oE 'BAD == [0-9]+' "$misuse" | grep -oE '[0-9]+')
refused=0
for n in 0 "${bad[@]}"; do
	log=$LOGS/native-usage-$n.log
	if native_compile "$misuse" "-DBAD=$n" >"$log" 2>&1; then
		[ "$n" = 0 ] || fail "usage-is-no-bool" "line $n is not refused" "$log"
	elif [ "$n" = 0 ] || ! grep -q "not a bool" "$log"; then
		fail "usage-is-no-bool" "$n: $(grep -m 1 error "$log" || tail -n 1 "$log")" "$log"
	elif [ "$n" != 0 ]; then
		refused=$((refused + 1))
	fi
done
[ "$refused" = 0 ] || ok "usage-is-no-bool: $refused lines are refused"
