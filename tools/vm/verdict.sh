# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# Whether a guest did what it should, judged by its log and by how it ended. Sourced by run.sh and
# selftest.sh, after kernels.sh. The rules are in verdict.awk.

# verdict LOG END STATUS LIMIT: prints the judgement; status 0 when the guest was good.
verdict() {
	local status=0 judgement
	judgement=$(LC_ALL=C awk -v end="$2" -v status="$3" -v limit="$4" -f "$REPO/tools/vm/verdict.awk" "$1") || status=$?
	if [ "$status" -ne 0 ]; then
		# A guest that stopped in silence: the last lines are all there is.
		case $judgement in
		*'kernel report'*) ;;
		*'without its verdict'* | *'still running'* | *'its init'*)
			echo '  the log ends with:'
			tail -n 15 "$1" | tr -d '\r' | sed 's/^/    /'
			;;
		esac
		echo "  full log: $1"
	fi
	printf '%s\n' "$judgement"
	return "$status"
}
