#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Installs the packages in a throw-away copy of this system, and boots what is installed then: clients, an
# upgrade, a kernel that takes only signed modules, and one without debugfs. Called by `make install-test`.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
repo=$(cd "$here/../.." && pwd -P)
readonly here repo

boot() {
	"$repo/tools/vm/run.sh" stock installed.sh --modules "$repo/build/package-test/boot/none" "$@" -- \
		"$repo"/build/package-test/boot/{first,later}
}

main() {
	local status=0 log=$repo/build/logs/install-test.txt
	mkdir -p "${log%/*}"
	rm -rf "$repo/build/package-test/boot"
	{
		"$repo/tools/package/test.sh" || status=1
		mkdir -p "$repo/build/package-test/boot/none"
		: >"$repo/build/package-test/boot/none/modules.order"
		if [ -d "$repo/build/package-test/boot/later" ]; then
			boot --log installed || status=1
			boot --log installed-signed --append module.sig_enforce=1 || status=1
			boot --log installed-no-debugfs --append debugfs=off || status=1
		else
			echo '  nothing was installed, so nothing is booted'
			echo '0 passed, 0 failed, 3 skipped'
		fi
		echo "status $status"
	} | tee "$log" | grep -v '^status '
	awk '/^[0-9]+ passed, [0-9]+ failed/ { passed += $1; failed += $3; skipped += $5 }
		END { printf "%d passed, %d failed%s\n", passed, failed, skipped ? ", " skipped " skipped" : "" }' "$log"
	tail -n 1 "$log" | grep -qx 'status 0'
}

main
