# shellcheck shell=bash
# resv export [--base FILE|DIR]: build/linux -> series/ and linux/
. "$RESV_TOP/scripts/lib/common.sh"
. "$RESV_TOP/scripts/lib/deps.sh"
. "$RESV_TOP/scripts/lib/base.sh"
. "$RESV_TOP/scripts/lib/lay.sh"
. "$RESV_TOP/scripts/lib/write.sh"
. "$RESV_TOP/scripts/lib/overview.sh"
parse_args "$@"
[ ${#ARGS[@]} = 0 ] || usage_error "export does not know '${ARGS[0]}'"
lock_build
[ -e "$LINUX/.git/resv-base" ] || die "there is no build/linux yet; './resv tree' lays it"
[ ! -e "$LINUX/.git/resv-laying" ] ||
	die "build/linux is half laid (an interrupted run); './resv tree' first"
choose_base
[ "$(cat "$LINUX/.git/resv-base")" = "$BASE_KEY" ] ||
	die "build/linux was laid on another base than $BASE_NAME; say which with --base"
[ ! -d "$LINUX/.git/rebase-merge" ] && [ ! -d "$LINUX/.git/rebase-apply" ] ||
	die "a rebase or am is under way in build/linux; finish it first"
dirty=$(lgit status --porcelain | head -n 5)
[ -z "$dirty" ] || die "build/linux has changes that are not committed:
$dirty"
lgit merge-base --is-ancestor base HEAD || die "HEAD of build/linux does not descend from the tag base"
[ -z "$(lgit rev-list --merges base..HEAD)" ] || die "build/linux has merge commits; a series cannot"

check_topics
write_series "$LINUX" "$TMP/series"
write_whole_files "$LINUX" "$TMP/linux"
# Both are complete now; put them in place.
while read -r t; do
	mkdir -p "$SERIES/$t"
	rm -f "$SERIES/$t"/[0-9][0-9][0-9][0-9]-*.patch
	mv "$TMP/series/$t"/*.patch "$SERIES/$t/"
done < <(topics)
rm -rf "$RESV_TOP/linux"
[ -z "$(ls -A "$TMP/linux")" ] || mv "$TMP/linux" "$RESV_TOP/linux"
need graph
write_overview "$LINUX" "$SERIES/README.md"
overview_dot | dot -Tsvg >"$TMP/topics.svg" || die "dot failed on the picture of the topics"
mv "$TMP/topics.svg" "$SERIES/topics.svg"
record_laid
say "series/ has $(patches | wc -l) patches in $(topics | wc -l) topics, linux/ $(find "$RESV_TOP/linux" -type f 2>/dev/null | wc -l) files"
