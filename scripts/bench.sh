# shellcheck shell=bash
# resv bench [--rounds N] [--peer TREE] [--base FILE|DIR] [--checker]
for lib in common deps base lay native; do
	. "$RESV_TOP/scripts/lib/$lib.sh"
done

parse_args "$@"
set -- "${ARGS[@]}"
rounds=21 peer='' checker=''
while [ $# -gt 0 ]; do
	case $1 in
	--rounds)
		[[ ${2:-} =~ ^[0-9]+$ ]] && [ "$2" -ge 1 ] && [ "$2" -le 101 ] ||
			usage_error "--rounds needs a number from 1 to 101"
		rounds=$2; shift ;;
	--peer)
		[ -f "${2:-}/drivers/dma-buf/dma-resv.c" ] ||
			usage_error "--peer needs the top of a kernel source"
		peer=$2; shift ;;
	--checker) checker=1 ;;
	*) usage_error "bench does not know '$1'" ;;
	esac
	shift
done

lock_build
need fetch build bench
# What is being worked on is measured as it is
[ -e "$LINUX/.git/resv-base" ] || lay_tree ""
out=$BUILD/bench
mkdir -p "$NATIVE" "$out"
where() {
	say "ours: build/linux at $(lgit log -1 --format='%h %s')$([ -z "$(lgit status --porcelain)" ] || echo ', with changes that are not committed')"
	say "$(awk -F': *' '/^model name/ { print $2; exit }' /proc/cpuinfo), $(nproc) CPUs, load $(cut -d' ' -f1 /proc/loadavg)"
}

# What the checker of fences costs: not there, there and not in use, in use
if [ -n "$checker" ]; then
	NATIVE=$NATIVE/checker
	native_make bench CHECKER=1 bench || die "the benchmark does not build; see $LOGS/native-bench.log"
	where
	"$NATIVE/bench/bench" -r "$rounds" -o "$out/checker.tsv" | tee "$out/checker.txt"
	exit
fi

native_base || die "cannot take the base out of build/linux"
trees=(BASE="$NATIVE/base")
if native_peer "$peer"; then
	trees+=(PEER="$NATIVE/peer")
else
	note "There is no later kernel to compare with ($WHY); comparing with the base alone."
fi
native_make bench "${trees[@]}" bench || die "the benchmark does not build; see $LOGS/native-bench.log"

say "base: $(lgit log -1 --format=%s base)"
[ -z "$PEER_NAME" ] || say "peer: $PEER_NAME"
where
"$NATIVE/bench/bench" -r "$rounds" -o "$out/bench.tsv" | tee "$out/bench.txt"
awk -f "$RESV_TOP/native/bench/verdict.awk" "$out/bench.tsv" | tee -a "$out/bench.txt"
gnuplot -e "data='$out/bench.tsv'; out='$out/bench.svg'" "$RESV_TOP/native/bench/plot.gp" ||
	die "cannot draw $out/bench.svg"
say
say "table: ${out#"$PWD/"}/bench.txt   figures: ${out#"$PWD/"}/bench.tsv   plot: ${out#"$PWD/"}/bench.svg"
