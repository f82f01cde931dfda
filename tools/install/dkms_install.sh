#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Lets DKMS build and install the module, for the kernel of KDIR and every later one. With DESTDIR
# only the sources are put there, as a package wants them. Called by `make dkms-install`.
set -euo pipefail

# shellcheck source=tools/install/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

# dkms_refuse: what make install put there, for any kernel, and what a package has.
dkms_refuse() {
	local other
	other=$(find "$ROOT"/lib/modules/*/updates -maxdepth 1 -name 'nebula_memory.ko*' 2>/dev/null | head -n 1 || true)
	[ -z "$other" ] || fail "make install has installed nebula_memory: $other" \
		'Two would hide each other. Run make uninstall ALL=1 first, or stay with make install.'
	refuse_packaged "$ROOT/usr/src/nebula-memory-$VERSION/dkms.conf" dkms-install
	refuse_packaged "$ROOT/usr/src/nebula-memory/nebula.mk" dkms-install
}

# dkms_drop: every version that DKMS has; one is enough, and it may be this one.
dkms_drop() {
	local version
	for version in $(dkms_versions); do
		refuse_packaged "/usr/src/nebula-memory-$version/dkms.conf" dkms-install
		echo "remove nebula-memory $version from DKMS"
		"$DKMS" remove "nebula-memory/$version" --all >/dev/null
		rm -rf -- "/usr/src/nebula-memory-$version"
	done
}

main() {
	root_open
	dkms_refuse
	may_write "$ROOT/usr/src" dkms-install
	if [ -n "$ROOT" ]; then
		dkms_source_put
		sdk_put
		echo "$ROOT/usr/src/nebula-memory-$VERSION"
		echo "On the system that this is for, run: dkms install nebula-memory/$VERSION"
		return
	fi
	command -v "$DKMS" >/dev/null || fail 'dkms is not installed: install it in the way of your distribution' \
		'(Debian: apt install dkms), or use make install, for one kernel'
	release_open
	[ -d "/lib/modules/$KERNEL" ] || fail "there is no kernel $KERNEL on this system: /lib/modules/$KERNEL does not exist"
	dkms_drop
	dkms_source_put
	sdk_put
	"$DKMS" add "nebula-memory/$VERSION"
	"$DKMS" install -k "$KERNEL" "nebula-memory/$VERSION"
	say_loaded "$(modules_found "/lib/modules/$KERNEL/updates/dkms")"
}

main
