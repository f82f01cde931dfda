# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# Prints what the steps of a guest print, without the kernel's own lines, while the guest runs.
# Sourced by run.sh.

# show_open LOG: from here on show_new_lines reads LOG.
show_open() {
	exec {SHOW_FD}<"$1"
	SHOW_PART=''
}

# show_new_lines: everything that came since the last call; half a line is kept for the next.
show_new_lines() {
	local line
	while IFS= read -r -u "$SHOW_FD" line || {
		SHOW_PART+=$line
		false
	}; do
		show_line "${SHOW_PART}${line%$'\r'}"
		SHOW_PART=''
	done
}

# What is shown of each step, by its title: "FIRST LAST", lines of its beginning and of its end. Empty: all of
# all steps.
declare -A SHOW_STORY=()

# show_story FILE: lines of FIRST, LAST and a title; steps that it does not name are not shown.
show_story() {
	local first last title
	while read -r first last title; do
		case $first in
		'' | '#'*) ;;
		*) SHOW_STORY[$title]="$first $last" ;;
		esac
	done <"$1"
}

# show_end: the end of what the step that has just ended printed.
show_end() {
	local skipped=$((${#SHOW_REST[@]} - SHOW_LAST))
	if [ "${#SHOW_REST[@]}" -gt 0 ]; then
		[ "$skipped" -le 0 ] || printf '   ... %d lines more, V=1 shows them\n' "$skipped"
		[ "$skipped" -gt 0 ] || skipped=0
		[ "$SHOW_LAST" -eq 0 ] || printf '%s\n' "${SHOW_REST[@]:skipped}"
	fi
	SHOW_REST=() SHOW_FIRST=-1 SHOW_LAST=0
}
SHOW_REST=() SHOW_FIRST=-1 SHOW_LAST=0

# show_step TITLE: the step begins.
show_step() {
	show_end
	if [ "${#SHOW_STORY[@]}" -gt 0 ]; then
		[ -n "${SHOW_STORY[$1]-}" ] || return 0
		read -r SHOW_FIRST SHOW_LAST <<<"${SHOW_STORY[$1]}"
	fi
	printf '\n== %s\n' "$1"
}

show_text() {
	if [ "${#SHOW_STORY[@]}" -eq 0 ]; then
		printf '%s\n' "$1"
	elif [ "$SHOW_FIRST" -gt 0 ]; then
		printf '%s\n' "$1"
		SHOW_FIRST=$((SHOW_FIRST - 1))
	elif [ "$SHOW_FIRST" -eq 0 ]; then
		SHOW_REST+=("$1")
	fi
}

show_line() {
	[[ $1 =~ ^'['\ *[0-9.]+']'('['\ *[TC][0-9]+']')?' [nebula] '(.*)$ ]] || return 0
	case ${BASH_REMATCH[2]} in
	'| '*) show_text "${BASH_REMATCH[2]#'| '}" ;;
	'begin '*) show_step "${BASH_REMATCH[2]#'begin '}" ;;
	'show '*)
		show_text ''
		show_text "-- ${BASH_REMATCH[2]#'show '}"
		;;
	'FAIL '*) printf '%s\n' "${BASH_REMATCH[2]}" ;;
	esac
}
