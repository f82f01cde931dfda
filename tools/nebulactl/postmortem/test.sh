#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Crashes a guest, has QEMU write its memory to a file, and looks for what the guest had said about itself in what gdb
# and nebula.py find there. Takes a minute; prints "N passed, N failed".
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
repo=$(cd "$here/../../.." && pwd -P)
cd "$repo"
# shellcheck source=tools/progress.sh
. tools/progress.sh
# shellcheck source=tools/vm/kernels.sh
. tools/vm/kernels.sh
# shellcheck source=tools/vm/packages.sh
. tools/vm/packages.sh

passed=0 failed=0 runner=''
readonly LOG=build/logs/postmortem.log

end() {
	[ -z "$runner" ] || kill "$runner" 2>/dev/null || true
	rm -rf "$work"
}

# find TITLE PATTERN: an extended regular expression in a line of what gdb printed.
find_line() {
	if grep -qE "$2" "$work/gdb"; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		printf '  FAIL %s: no line is like %s\n' "$1" "$2"
	fi
}

# The guest's last words, or 150 seconds.
wait_for_crash() {
	local end=$((SECONDS + 150))
	until grep -q 'end Kernel panic' "$LOG" 2>/dev/null; do
		[ "$SECONDS" -lt "$end" ] && kill -0 "$runner" 2>/dev/null || return 1
		read -r -t 0.5 <> <(:) || true
	done
}

main() {
	local live
	packages_ensure boot guest postmortem
	work=$(mktemp -d "${TMPDIR:-/tmp}/nebula-postmortem.XXXXXX")
	trap end EXIT
	trap 'exit 130' INT TERM HUP
	tools/vm/prepare.sh stock
	tools/vm/build.sh stock
	rm -f "$LOG"
	tools/vm/run.sh stock postmortem.sh --mem 320 --log postmortem --append panic=0 \
		--qemu "-qmp unix:$work/qmp,server=on,wait=off" >"$work/run" 2>&1 &
	runner=$!
	progress_run 'a guest crashes' build/logs/postmortem-wait.log wait_for_crash || {
		cat "$work/run"
		echo '0 passed, 1 failed'
		exit 1
	}
	progress_run 'QEMU writes its memory' build/logs/postmortem-dump.log \
		python3 "$here/dump.py" "$work/qmp" "$work/core"
	wait "$runner" 2>/dev/null || true
	runner=''
	tools/nebulactl/fetch.sh "$LOG" "$work" >/dev/null
	"$here/load.sh" "$work/core" "$work/sections.nebula_memory,$work/sections.nebula_demo" \
		"build/stock/nebula_memory.ko,$(find build/stock -name nebula_demo.ko)" \
		-batch -ex 'nebula list' -ex 'nebula live conn' -ex 'nebula errors' >"$work/gdb" 2>&1 || true
	cp "$work/gdb" build/logs/postmortem-gdb.log
	# What the guest said of itself before.
	live=$(tr -d '\r' <"$LOG" | sed -n 's/.*| live: *//p' | head -n 1)
	find_line 'the pool, and how many are live' "^conn +pool +nebula_demo +insmod\[[0-9]+\] +$live of 1000 blocks +DOUBLE_FREE 1"
	find_line 'the arena, and that it was exhausted' '^request +bump +nebula_demo .* 0 of 131072 bytes +OUT_OF_MEMORY 1'
	find_line 'the stack, and the mistake' '^frames +stack +nebula_demo .* LIFO_VIOLATION 1'
	find_line 'a budget' '^tenants\.all +budget +nebula_demo '
	find_line 'a cache' '^tenants +cache +nebula_demo '
	find_line 'live blocks' "^$live live blocks of [0-9]+ bytes"
	find_line 'who allocated them' '^    conn_open\+[0-9]+'
	find_line 'the record of an exhaustion' '^\[ *[0-9]+\.[0-9]+\] request: OUT_OF_MEMORY in '
	find_line 'where that was' '^    service_exhaust\+[0-9]+'
	find_line 'where the module refused' '^    refuse_pointer\+[0-9]+'
	find_line 'the record of a double free' '\] conn: DOUBLE_FREE in '
	[ "$failed" -eq 0 ] || tail -n 40 "$work/gdb" | sed 's/^/       /'
	printf '%d passed, %d failed\n' "$passed" "$failed"
	[ "$failed" -eq 0 ]
}

main
