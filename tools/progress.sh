# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# What a long step looks like on the screen: one line, ticking while it lasts, and the tail of its
# log when it fails. Sourced by the scripts in tools/; prints nothing when sourced.

readonly PROGRESS_TICK_TTY=1
readonly PROGRESS_TICK_PLAIN=30

# progress_fail MESSAGE...: one line for each message on stderr, then the end of the script.
progress_fail() {
	printf '%s\n' "$@" >&2
	exit 1
}

# progress_begin TITLE: from here on, TITLE and the seconds it takes are on the screen.
# PROGRESS_DETAIL, when set, is a command whose output is put behind the seconds; with
# PROGRESS_QUIET only the last line is printed.
progress_begin() {
	PROGRESS_TITLE=$1 PROGRESS_BEGIN=$SECONDS
	progress_tick "$1" "$SECONDS" $$ </dev/null &
	PROGRESS_TICKER=$!
}

# progress_end STATUS: the line that stays.
progress_end() {
	local note=''
	kill "$PROGRESS_TICKER" 2>/dev/null || true
	wait "$PROGRESS_TICKER" 2>/dev/null || true
	[ "$1" -eq 0 ] || note="  FAILED (status $1)"
	[ ! -t 1 ] || printf '\r\033[K'
	printf '  %-58s %4d s%s\n' "$PROGRESS_TITLE" $((SECONDS - PROGRESS_BEGIN)) "$note"
}

# progress_run TITLE LOG COMMAND [ARGS...]: runs COMMAND with its output appended to LOG. Returns
# the command's status; when that is bad, the tail of the log is on the screen.
progress_run() {
	local title=$1 log=$2 status=0
	shift 2
	mkdir -p "$(dirname "$log")"
	progress_begin "$title"
	# The command stays in the foreground so that an interrupt from the keyboard reaches it.
	"$@" </dev/null >>"$log" 2>&1 || status=$?
	progress_end "$status"
	if [ "$status" -ne 0 ]; then
		tail -n 25 "$log" | sed 's/^/    /'
		printf '  full log: %s\n' "$log"
	fi
	return "$status"
}

# progress_tick TITLE BEGIN PARENT: runs in the background until killed, or until PARENT is gone.
progress_tick() {
	local title=$1 begin=$2 parent=$3 idle tick=$PROGRESS_TICK_PLAIN last=0 elapsed
	[ ! -t 1 ] || tick=$PROGRESS_TICK_TTY
	# A pipe without a writer: `read -t` waits on it without a child that would outlive us.
	exec {idle}<> <(:)
	while kill -0 "$parent" 2>/dev/null; do
		read -r -t 1 -u "$idle" || true
		elapsed=$((SECONDS - begin))
		[ $((elapsed - last)) -ge "$tick" ] || continue
		last=$elapsed
		[ -n "${PROGRESS_QUIET:-}" ] || progress_line "$title" "$elapsed"
	done
}

progress_line() {
	local detail=''
	[ -z "${PROGRESS_DETAIL:-}" ] || detail=", $($PROGRESS_DETAIL)"
	if [ -t 1 ]; then
		printf '\r\033[K  %s ... %d s%s' "$1" "$2" "$detail"
	else
		printf '  %s ... %d s%s\n' "$1" "$2" "$detail"
	fi
}
