# shellcheck shell=bash
# The core built for user space: single calls, and threads that try to break it while
# an oracle looks on. Plain, and watched by the sanitizers of the compiler.
# depends: series native
. "$RESV_TOP/scripts/lib/native.sh"
need native
mkdir -p "$NATIVE"
for flavour in plain asan tsan weak; do
	if ! native_make "$flavour" torture; then
		fail "$flavour" "it does not build" "$LOGS/native-$flavour.log"
		continue
	fi
	for program in unit torture; do
		args=()
		[ $program = unit ] || args=(-t 5)
		log=$LOGS/native-$flavour-$program.log
		status "native: $program, $flavour"
		if native_run $flavour $program "$log" "${args[@]}"; then
			ok "$program, $flavour: $(tail -n 1 "$log" | cut -c1-100)"
		else
			fail "$program, $flavour" "$(native_why "$log")" "$log"
		fi
	done
done
