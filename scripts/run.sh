# shellcheck shell=bash
# resv run [--compare] [--base FILE|DIR]: boot the patched kernel, play the demo
for lib in common deps base lay kernel boot; do
	. "$RESV_TOP/scripts/lib/$lib.sh"
done
parse_args "$@"
compare=
for a in "${ARGS[@]}"; do
	case $a in
	--compare) compare=1 ;;
	*) usage_error "run does not know '$a'" ;;
	esac
done

# play NAME SOURCE OUT WHAT: print what the demo says, between its marks
play() {
	local log=$LOGS/demo-$1.log
	build_kernel quick "$2" "$3"
	build_guest "$2" "$3"
	boot "$3" demo "$log" 180
	say
	say "==== $4 ===="
	say
	tr -d '\r' <"$log" | awk '
		/^RESV-BEGIN demo/ { on = 1; next }
		/^RESV-END demo/ { on = 0 }
		on && !/^\[ *[0-9]+\.[0-9]+\] / && !/^RESV-/'
	grep -q '^RESV-END demo status=0' "$log" ||
		die "the demo did not end well$(grep -aoE -m 1 'RESV-END demo.*|Kernel panic.*|resv-host: timeout.*' "$log" | sed 's/^/: /'); see $log"
}

lock_build
need fetch build
lay_tree ""
if [ -n "$compare" ]; then
	base_tree
	play base "$BASE_TREE" "$BUILD/kernel-base" "Linux $(kernel_release "$BASE_TREE") as it comes"
fi
play patched "$LINUX" "$BUILD/kernel-quick" "Linux $(kernel_release "$LINUX") with the series"
if [ -n "$compare" ]; then
	say
	say "==== Side by side: how long who had to wait ===="
	say
	cat "$LOGS/demo-base.log" - "$LOGS/demo-patched.log" <<<"NEXT" | tr -d '\r' | awk '
		$1 == "NEXT" { next_log = 1 }
		$1 != "RESV-DEMO" { next }
		{
			for (i = 2; i <= NF; i++) { split($i, p, "="); v[p[1]] = p[2] }
			if (!next_log) { old[v["scene"]] = v["stall_ms"]; next }
			if (!shown++)
				printf "    %-12s %-12s %12s %12s\n", "scene", "who", "before", "now"
			printf "    %-12s %-12s %9s ms %9s ms\n", v["scene"], v["who"],
				v["scene"] in old ? old[v["scene"]] : "-", v["stall_ms"]
		}'
fi
say
say "took $((SECONDS - RESV_START)) s"
