# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# The command lines of cases.txt. Sourced by run.sh.

# case_run NAME STATUS COLUMNS ARGS...: standard output, then standard error, compared with expected/NAME.txt.
case_run() {
	local name=$1 want=$2 columns=$3 status=0 environment=()
	shift 3
	[ "$columns" -eq 0 ] || environment=(COLUMNS="$columns")
	(cd "$GOLDEN" && env -u COLUMNS -u TERM -u NO_COLOR LC_ALL=C NEBULACTL_DEBUGFS=/nowhere \
		ASAN_OPTIONS=exitcode=99 UBSAN_OPTIONS=exitcode=99 "${environment[@]}" "$CTL" "$@") \
		>"$WORK/output" 2>"$WORK/errors" </dev/null || status=$?
	{
		cat "$WORK/output"
		[ ! -s "$WORK/errors" ] || { echo '-- standard error' && cat "$WORK/errors"; }
	} >"$WORK/both"
	[ -z "${UPDATE:-}" ] || cp "$WORK/both" "$EXPECTED/$name.txt"
	if [ "$status" -ne "$want" ]; then
		echo "status $status, not $want" >>"$WORK/both"
		outcome "$name" 1 "$WORK/both"
	elif ! diff -u "$EXPECTED/$name.txt" "$WORK/both" >"$WORK/diff" 2>&1; then
		outcome "$name" 1 "$WORK/diff"
	else
		outcome "$name" 0
	fi
	# What has --json is as the schema says.
	[ "$status" -ge 2 ] || [[ " $* " != *' --json '* ]] || cp "$WORK/output" "$WORK/$name.json"
}

test_cases() {
	local name status columns arguments
	while read -r name status columns arguments; do
		# shellcheck disable=SC2086 # arguments, separated by white space
		case $name in
		'' | '#'*) ;;
		*) case_run "$name" "$status" "$columns" $arguments ;;
		esac
	done <"$HERE/cases.txt"
	test_machine
}

# says TITLE STATUS TEXT COMMAND...: how a command ends, and what is in what it prints.
says() {
	local title=$1 want=$2 text=$3 status=0
	shift 3
	"$@" >"$WORK/both" 2>&1 </dev/null || status=$?
	if [ "$status" -ne "$want" ] || ! grep -qF -- "$text" "$WORK/both"; then
		echo "status $status, and not $want with: $text" >>"$WORK/both"
		outcome "$title" 1 "$WORK/both"
	else
		outcome "$title" 0
	fi
}

# What this machine may not have: debugfs, the module, the rights to read it.
test_machine() {
	mkdir -p "$WORK/debug"
	NEBULACTL_DEBUGFS=$WORK/nowhere says 'debugfs is not mounted' 3 \
		"debugfs is not mounted: mount -t debugfs debugfs $WORK/nowhere" ctl list
	NEBULACTL_DEBUGFS=$WORK/debug says 'the module is not loaded' 3 'modprobe nebula_memory' ctl list
	cp -r "$GOLDEN/busy" "$WORK/debug/nebula_memory"
	NEBULACTL_DEBUGFS=$WORK/debug says 'the module is loaded' 0 '14 allocators' ctl list
	if [ "$(id -u)" -eq 0 ] && command -v setpriv >/dev/null; then
		chmod 755 "$WORK"
		chmod 700 "$WORK/debug"
		cp "$CTL" "$WORK/ctl" && chmod 755 "$WORK/ctl"
		NEBULACTL_DEBUGFS=$WORK/debug says 'not root' 3 'only root can read' \
			setpriv --reuid=65534 --clear-groups env LC_ALL=C "$WORK/ctl" list
		chmod 700 "$WORK"
	else
		skip 'not root' 'the test is not run by root, or there is no setpriv'
	fi
	says 'a full disk' 3 'standard output' bash -c "'$CTL' list --root '$GOLDEN/busy' >/dev/full"
}
