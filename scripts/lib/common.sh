# shellcheck shell=bash
# What every subcommand shares: paths, messages, progress, the lock, clean-up.
set -euo pipefail
shopt -s inherit_errexit
umask 022
export LC_ALL=C TZ=UTC

BUILD=$RESV_TOP/build
SERIES=$RESV_TOP/series
LINUX=$BUILD/linux
LOGS=$BUILD/logs
BASE_ARG=		# what --base said
RESV_START=$SECONDS

say()  { clear_status; printf '%s\n' "$*"; }
note() { clear_status; printf '%s\n' "$*" >&2; }
die()  { clear_status; printf 'resv: %s\n' "$*" >&2; exit 1; }
usage_error() {
	clear_status
	printf "resv: %s\nresv: see './resv help'\n" "$*" >&2
	exit 2
}

# Progress goes to stderr: one line that is rewritten on a terminal, else an
# occasional line of its own.
STATUS_TTY=; [ -t 2 ] && STATUS_TTY=1
STATUS_ON=
STATUS_LAST=-100
status() {
	if [ -n "$STATUS_TTY" ]; then
		printf '\r\033[K%.*s' "${COLUMNS:-79}" "$*" >&2
		STATUS_ON=1
	elif [ $((SECONDS - STATUS_LAST)) -ge 20 ]; then
		printf '%s\n' "$*" >&2
		STATUS_LAST=$SECONDS
	fi
}
clear_status() {
	[ -z "$STATUS_ON" ] || printf '\r\033[K' >&2
	STATUS_ON=
}

# at_exit COMMAND...: run it however we end; the last one registered runs first
AT_EXIT=()
at_exit() { AT_EXIT+=("$(printf '%q ' "$@")"); }
run_at_exit() {
	local rc=$? i
	trap '' INT TERM HUP
	stop_background
	clear_status
	for ((i = ${#AT_EXIT[@]} - 1; i >= 0; i--)); do
		eval "${AT_EXIT[i]}" || :
	done
	exit "$rc"
}
trap run_at_exit EXIT
trap 'note "resv: interrupted"; exit 130' INT
trap 'note "resv: told to stop"; exit 143' TERM HUP

# One temporary directory for the whole run, inside build/ so that renames
# out of it are atomic.
TMP=
make_tmp() {
	[ -z "$TMP" ] || return 0
	mkdir -p "$BUILD/tmp"
	TMP=$(mktemp -d "$BUILD/tmp/run.XXXXXX")
	at_exit rm -rf "$TMP"
}

# Only one run at a time works in build/.
lock_build() {
	mkdir -p "$BUILD" "$LOGS" || die "cannot create $BUILD"
	exec 9>"$BUILD/lock"
	if ! flock -n 9; then
		note "another resv is at work in build/; waiting for it (up to an hour)"
		flock -w 3600 9 || die "the other resv still runs; try again later"
	fi
	# Left over from a run that was killed outright.
	rm -rf "$BUILD/tmp"
	make_tmp
}

# need_space MB WHAT
need_space() {
	local free
	free=$(df -Pm "$BUILD" | awk 'NR == 2 { print $4 }')
	[ "$free" -ge "$1" ] ||
		die "$2 needs about $1 MB in $BUILD, but only $free MB are free"
}
disk_full_hint() {
	local free
	free=$(df -Pm "$BUILD" | awk 'NR == 2 { print $4 }')
	[ "$free" -ge 50 ] || note "resv: the disk that holds $BUILD is full ($free MB left)"
}

# in_background WHAT LOG COMMAND...: run a long command quietly in LOG, with
# the elapsed time as progress; 'progress_of' may say more.
progress_of() { :; }
BG_PID=
in_background() {
	local what=$1 log=$2 start=$SECONDS rc=0
	shift 2
	set -m		# a process group of its own, so that all of it can be stopped
	"$@" </dev/null >"$log" 2>&1 9>&- &
	BG_PID=$!
	set +m
	while kill -0 "$BG_PID" 2>/dev/null; do
		status "$what: $(progress_of "$log")$((SECONDS - start)) s"
		sleep 0.5
	done
	wait "$BG_PID" || rc=$?
	BG_PID=
	clear_status
	[ "$rc" = 0 ] || disk_full_hint
	return "$rc"
}
stop_background() {
	[ -n "$BG_PID" ] || return 0
	kill -TERM -- "-$BG_PID" 2>/dev/null || return 0
	sleep 0.3
	kill -KILL -- "-$BG_PID" 2>/dev/null || :
}

# Options that several subcommands know. Sets BASE_ARG and ARGS.
ARGS=()
parse_args() {
	while [ $# -gt 0 ]; do
		case $1 in
		--base)
			[ $# -ge 2 ] || usage_error "--base needs a file or a directory"
			BASE_ARG=$2; shift ;;
		--base=*)
			BASE_ARG=${1#*=} ;;
		*)
			ARGS+=("$1") ;;
		esac
		shift
	done
	[ -n "$BASE_ARG" ] || return 0
	[ -e "$BASE_ARG" ] || usage_error "--base $BASE_ARG: there is no such file or directory"
	BASE_ARG=$(readlink -f "$BASE_ARG")
}

# Git as we use it does not depend on the user's or the machine's settings.
pure_git() {
	GIT_CONFIG_NOSYSTEM=1 GIT_CONFIG_GLOBAL=/dev/null GIT_TERMINAL_PROMPT=0 \
	GIT_COMMITTER_NAME='resv' GIT_COMMITTER_EMAIL='resv@localhost' \
	env -u GIT_DIR -u GIT_WORK_TREE -u GIT_INDEX_FILE \
		git -c core.hooksPath=/dev/null -c gc.auto=0 -c advice.detachedHead=false \
		-c core.autocrlf=false -c commit.gpgSign=false \
		-c user.name=resv -c user.email=resv@localhost \
		-c safe.directory='*' "$@"
}

. "$RESV_TOP/scripts/lib/topics.sh"
