# shellcheck shell=bash
# looked_after FILE [OPTION...]: has MAINTAINERS a section for FILE? Sections that take in
# every test, every rule and every file count for nobody. Options are get_maintainer.pl's.
BROAD_SECTIONS='THE REST|KERNEL SELFTEST FRAMEWORK|COCCINELLE/Semantic Patches \(SmPL\)|TRACING'
looked_after() {
	local f=$1
	shift
	(cd "$LINUX" && scripts/get_maintainer.pl --no-git --no-git-fallback --no-keywords \
		--no-rolestats --subsystem "$@" -f "$f") 2>&1 |
		grep -E '^[A-Z][^@]*$' | grep -qvxE "$BROAD_SECTIONS"
}
