#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Installs, upgrades and removes the packages in a whole system. Run by test.sh in a throw-away copy of this
# one, see tools/install/root.sh; never call it elsewhere.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
# shellcheck source=tools/install/checks.sh
. "$here/../install/checks.sh"

[ -n "${ROOT_ARCHIVES:-}" ] || { echo 'run tools/package/test.sh, which makes a copy of the system first' >&2; exit 1; }

KERNEL=$(uname -r)
VERSION=$(sed -n 's/^PACKAGE_VERSION="\(.*\)"$/\1/p' "$TREE/dkms.conf")
readonly KERNEL VERSION MODULES=/lib/modules/$KERNEL CLIENT=/usr/src/nebula-client-1.0
readonly DEB=$TREE/build/deb LATER=$WORK/later/build/deb

lintian_is_silent() {
	# The address is that of the commit; who makes a package for others gives DEBEMAIL.
	lintian --fail-on error,warning --allow-root --tag-display-limit 0 \
		--suppress-tags bogus-mail-host,bogus-mail-host-in-debian-changelog,initial-upload-closes-no-bugs \
		"$DEB"/*.deb
}

installs() {
	dpkg -i "$DEB"/nebula-memory-dkms_*.deb "$DEB"/nebula-memory-dev_*.deb
	dkms status | grep "nebula-memory/$VERSION, $KERNEL.*installed"
	grep '^updates/dkms/nebula_memory.ko:' "$MODULES/modules.dep"
	[ -s "$MODULES/nebula-memory/Module.symvers" ]
}

client_builds() {
	client_tree "$CLIENT" /usr/src/nebula-memory/nebula.mk
	make -C "$MODULES/build" "M=$CLIENT" modules
	[ "$(modinfo -F depends "$CLIENT/client.ko")" = nebula_memory ]
	install -D -m 644 "$CLIENT/client.ko" "$MODULES/updates/client.ko"
	rm -rf "$CLIENT"
	depmod "$KERNEL" 2>/dev/null
	grep '^updates/client.ko: updates/dkms/nebula_memory.ko$' "$MODULES/modules.dep"
	boot_keep first
}

# boot_keep NAME: what is installed, for install-test, which boots it.
boot_keep() {
	rm -rf "${WORK:?}/boot/$1"
	mkdir -p "${WORK:?}/boot/$1"
	cp -r "$MODULES/updates" "$MODULES"/modules.* "$WORK/boot/$1/"
}

upgrades() {
	dpkg -i "$LATER"/nebula-memory-dkms_*.deb "$LATER"/nebula-memory-dev_*.deb
	[ "$(dkms status nebula-memory)" = "nebula-memory/$VERSION.1, $KERNEL, x86_64: installed" ]
	[ ! -e "/usr/src/nebula-memory-$VERSION" ]
	[ -s "$MODULES/nebula-memory/Module.symvers" ]
	boot_keep later
}

removes() {
	rm "$MODULES/updates/client.ko"
	dpkg --purge nebula-memory-dev nebula-memory-dkms
	[ -z "$(find /lib/modules /usr/src /var/lib/dkms /usr/share/doc /usr/share/man /var/lib/dpkg/info -name '*nebula*')" ]
	none nebula <"$MODULES/modules.dep"
}

refused_beside_install() {
	mkdir -p "$MODULES/updates"
	touch "$MODULES/updates/nebula_memory.ko"
	says 'Run make uninstall ALL=1 first' bad dpkg -i "$DEB"/nebula-memory-dkms_*.deb
	rm "$MODULES/updates/nebula_memory.ko"
	dpkg --purge --force-all nebula-memory-dkms || true
}

main() {
	packages_get kmod dkms || {
		skip 'installation of the packages' "kmod and dkms could not be installed there (no network?), see $WORK/packages.log"
		checks_end
		return
	}
	depmod "$KERNEL" 2>/dev/null
	check 'beside make install they are refused' refused_beside_install
	check 'installed, and DKMS builds the module' installs
	check 'a client builds with them' client_builds
	check 'make install beside them is refused' says 'DKMS has installed nebula_memory' bad \
		env "KDIR=$MODULES/build" tools/install/install.sh
	check 'make dkms-install beside them is refused' says 'belongs to the package nebula-memory-d' bad \
		make --no-print-directory -s dkms-install
	check 'a later version takes their place' upgrades
	check 'removal leaves nothing' removes
	if packages_get lintian; then
		check 'lintian finds nothing' lintian_is_silent
	else
		skip 'lintian' "it could not be installed there (no network?), see $WORK/packages.log"
	fi
	checks_end
}

main
