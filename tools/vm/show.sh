# shellcheck shell=bash
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

show_line() {
	[[ $1 =~ ^'['\ *[0-9.]+']'('['\ *[TC][0-9]+']')?' [nebula] '(.*)$ ]] || return 0
	case ${BASH_REMATCH[2]} in
	'| '*) printf '%s\n' "${BASH_REMATCH[2]#'| '}" ;;
	'begin '*) printf '\n== %s\n' "${BASH_REMATCH[2]#'begin '}" ;;
	'show '*) printf '\n-- %s\n' "${BASH_REMATCH[2]#'show '}" ;;
	'FAIL '*) printf '%s\n' "${BASH_REMATCH[2]}" ;;
	esac
}
