# shellcheck shell=bash
# resv tree [--force] [--base FILE|DIR] [TOPIC...]
. "$RESV_TOP/scripts/lib/common.sh"
. "$RESV_TOP/scripts/lib/deps.sh"
. "$RESV_TOP/scripts/lib/base.sh"
. "$RESV_TOP/scripts/lib/lay.sh"
parse_args "$@"
force= chosen=()
for a in "${ARGS[@]}"; do
	case $a in
	--force) force=1 ;;
	-*) usage_error "tree does not know '$a'" ;;
	*)	require_topic "$a"; chosen+=("$a") ;;
	esac
done
lock_build
lay_tree "$force" "${chosen[@]}"
say "build/linux is at $(lgit log -1 --format='%h %s')"
