# shellcheck shell=bash
# The order in which writers publish and lockless readers look, by the kernel's
# memory model. docs/ordering.md says what the tests are about. A line of a test
# that ends in one of
#	// weak NAME: LINE	with LINE in its place the outcome is possible,
#	// also NAME: LINE	(replace this line as well)
#	// spare NAME: LINE	it still is not: the line is more than is needed
# stands for another test; without a weak one a test would prove nothing.
# depends: series/base native/litmus
. "$RESV_TOP/scripts/lib/herd.sh"
MODEL=$LINUX/tools/memory-model

litmus() {	# FILE
	local name log=$LOGS/litmus got kind variant bad="" possible=() spare=()
	name=$(basename "$1" .litmus)
	got=$(herd "$MODEL" "$1" "$log-$name.log")
	if [ "$got" != Never ]; then
		fail "$name" "never is right, herd7 says: ${got:-nothing}" "$log-$name.log"
		return
	fi
	while read -r kind variant; do
		sed -E "s,^.*// (weak|also|spare) $variant: ?,," "$1" >"$TMP/$name-$variant.litmus"
		got=$(herd "$MODEL" "$TMP/$name-$variant.litmus" "$log-$name-$variant.log")
		case $kind,$got in
		weak,*Sometimes*|weak,*Always*) possible+=("$variant") ;;
		spare,Never) spare+=("$variant") ;;
		*)	fail "$name" "$variant is $kind, herd7 says: ${got:-nothing}" "$log-$name-$variant.log"
			bad=1 ;;
		esac
	done < <(sed -nE 's,^.*// (weak|spare) ([a-z-]+):.*,\1 \2,p' "$1")
	[ -z "$bad" ] || return 0
	[ ${#possible[@]} -gt 0 ] ||
		{ fail "$name" "there is no line without which it is possible"; return 0; }
	ok "$name: never, but with ${possible[*]}${spare:+; spared: ${spare[*]}}"
}

if have_herd "$MODEL"; then
	for f in "$RESV_TOP"/native/litmus/*.litmus; do litmus "$f"; done
else
	skip "herd7" "$WHY; \$HERD7 can name one"
fi
