#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Undoes make dkms-install, for every kernel and every version. Needs no headers. Called by
# `make dkms-uninstall`.
set -euo pipefail

# shellcheck source=tools/install/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

main() {
	local version source versions
	root_open
	versions=$(dkms_versions)
	for version in $versions; do
		refuse_packaged "/usr/src/nebula-memory-$version/dkms.conf" dkms-uninstall
	done
	may_write "$ROOT/usr/src" dkms-uninstall
	if [ -n "$versions" ] && [ -z "$ROOT" ]; then
		command -v "$DKMS" >/dev/null || fail "dkms is not installed any more; it left /var/lib/dkms/nebula-memory behind"
		for version in $versions; do
			"$DKMS" remove "nebula-memory/$version" --all
		done
	fi
	for source in "$ROOT"/usr/src/nebula-memory-*/; do
		[ ! -e "$source/dkms.conf" ] || [ -n "$(package_of "${source}dkms.conf")" ] || rm -rf -- "$source"
	done
	[ -n "$versions" ] || echo 'DKMS has no nebula-memory'
	sdk_remove
}

main
