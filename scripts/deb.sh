# shellcheck shell=bash
# resv deb [--config FILE] [--base FILE|DIR] [TOPIC...]: Debian packages of the patched kernel
for lib in common deps base lay kernel deb; do
	. "$RESV_TOP/scripts/lib/$lib.sh"
done
parse_args "$@"
chosen=()
while [ ${#ARGS[@]} -gt 0 ]; do
	a=${ARGS[0]} ARGS=("${ARGS[@]:1}")
	case $a in
	--config)
		[ ${#ARGS[@]} -gt 0 ] || usage_error "--config needs a file"
		CONFIG=${ARGS[0]} ARGS=("${ARGS[@]:1}")
		[ -s "$CONFIG" ] || usage_error "--config $CONFIG: there is no such file"
		grep -q '^CONFIG_' "$CONFIG" || usage_error "--config $CONFIG: that is no kernel configuration" ;;
	-*)	usage_error "deb does not know '$a'" ;;
	*)	require_topic "$a"; chosen+=("$a") ;;
	esac
done
lock_build
need fetch build deb
mkdir -p "$DEB"
[ -n "$CONFIG" ] || debian_config || die "$WHY; a configuration of your own can be given with --config FILE"
# Debian's takes 8 GB of objects, and more for the packages.
[ -d "$DEB_OUT" ] || [ "$CONFIG" != "$DEB/debian.config" ] || need_space 12000 "building with Debian's configuration"
lay_tree "" "${chosen[@]}"
deb_config "$CONFIG"
build_debs
say "Built, to be installed with 'apt-get install ./FILE' or 'dpkg -i FILE':"
for f in "${DEBS[@]}"; do say "  ${f#"$PWD/"} ($(du -m "$f" | cut -f1) MB)"; done
