# shellcheck shell=bash
# Locks, sleeping and RCU are watched while everything runs: KUnit and the mock
# selftests of i915 at boot, with drivers whose hardware QEMU does not have, then
# the kselftests.
# depends: tree kernel:lockdep guest
need graph
machine lockdep
well_built lockdep
KUNIT='*'
# -1: the mock selftests and nothing else, there is no device to probe
RESV_CMDLINE="i915.mock_selftests=-1 ${RESV_CMDLINE-}"
MOCK_SELFTESTS=$(expected_mock_selftests "$LINUX")
test_programs lockdep selftests

# The graph of fences that one of them shows is for Graphviz.
graph=$LOGS/fences
sed -n '/^RESV-GRAPH-BEGIN/,/^RESV-GRAPH-END/ { //!p }' "$LOGS/boot-lockdep-selftests.log" |
	tr -d '\r' >"$graph.dot"
if dot -Tsvg -o "$graph.svg" "$graph.dot" 2>"$graph.err" && [ ! -s "$graph.err" ] &&
     [ "$(grep -c 'class="edge"' "$graph.svg")" = 2 ]; then
	ok "graph of fences (${graph#"$PWD/"}.svg)"
else
	fail "graph of fences" "it has $(grep -c 'class="edge"' "$graph.svg") edges, not 2; $(head -n 1 "$graph.err")"
fi
