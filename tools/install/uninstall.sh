#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Undoes make install for the kernel of KDIR, or RELEASE, or with ALL=1 for every kernel. Needs no
# headers. What DKMS or a package has installed is theirs. Called by `make uninstall`.
set -euo pipefail

# shellcheck source=tools/install/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

# uninstall_one: from MODULES.
uninstall_one() {
	local found=''
	[ -z "$(find "$MODULES/updates" -maxdepth 1 -name 'nebula_memory.ko*' 2>/dev/null)" ] || found=yes
	[ ! -d "$MODULES/nebula-memory" ] || [ -n "$(modules_found "$MODULES/updates/dkms")" ] || found=yes
	if [ -z "$found" ]; then
		echo "make install has installed nothing for $KERNEL"
		return
	fi
	may_write "$MODULES" uninstall
	find "$MODULES/updates" -maxdepth 1 -name 'nebula_memory.ko*' -delete 2>/dev/null || true
	[ -n "$(modules_found "$MODULES/updates/dkms")" ] || rm -rf -- "$MODULES/nebula-memory"
	rmdir -- "$MODULES/updates" 2>/dev/null || true
	dirs_remove "$MODULES"
	[ ! -d "$MODULES" ] || depmod_run
	echo "removed from $MODULES"
	[ -n "$ROOT" ] || [ "$KERNEL" != "$(uname -r)" ] || [ ! -d "$SYS_MODULE" ] ||
		echo 'nebula_memory is still loaded: modprobe -r its clients, and nebula_memory'
}

main() {
	local dir
	root_open
	if [ -n "${ALL:-}" ]; then
		for dir in "$ROOT"/lib/modules/*/; do
			RELEASE=$(basename -- "$dir")
			[ -d "$dir" ] || continue
			release_open
			uninstall_one
		done
	else
		release_open
		uninstall_one
	fi
	[ -n "$(dkms_versions)" ] || sdk_remove
}

main
