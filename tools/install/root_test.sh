#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Installs in a whole system, as make install and as DKMS, and looks at what is left. Run by test.sh
# in a throw-away copy of this one, see root.sh; never call it elsewhere.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
# shellcheck source=tools/install/checks.sh
. "$here/checks.sh"

[ -n "${ROOT_ARCHIVES:-}" ] || { echo 'run tools/install/test.sh, which makes a copy of the system first' >&2; exit 1; }

KERNEL=$(uname -r)
VERSION=$(sed -n 's/^PACKAGE_VERSION="\(.*\)"$/\1/p' "$TREE/dkms.conf")
readonly KERNEL VERSION MODULES=/lib/modules/$KERNEL CLIENT=/usr/src/nebula-client-1.0

# snapshot: every file where an installation may leave one, with its contents, and what depmod knows.
snapshot() {
	# The key that DKMS makes to sign with is the system's from then on.
	find /etc /lib/modules /usr/src /var/lib/dkms -xdev ! -type d ! -name 'modules.*' ! -name 'mok.*' \
		-newer "$WORK/begin" -print
	find /lib/modules /usr/src /var/lib/dkms -maxdepth 3 -type d | sort
	cat "$MODULES/modules.dep"
}

# left_nothing: the system is as it was before the first installation.
left_nothing() {
	diff "$WORK/before" <(snapshot)
}

quiet_make() {
	make --no-print-directory -s "$@"
}

depmod_knows() {
	grep "^$1: .*\|^$1:$" "$MODULES/modules.dep"
}

installs() {
	quiet_make install
	depmod_knows updates/nebula_memory.ko
	modprobe -S "$KERNEL" --show-depends nebula_memory | grep "$MODULES/updates/nebula_memory.ko"
	[ "$(modinfo -k "$KERNEL" -F version nebula_memory)" = "$VERSION" ]
}

# client_of_all: as its author would build it, without a word on where nebula_memory is.
client_builds() {
	client_tree "$CLIENT" /usr/src/nebula-memory/nebula.mk
	make -C "$MODULES/build" "M=$CLIENT" modules
	[ "$(modinfo -F depends "$CLIENT/client.ko")" = nebula_memory ]
	rm -rf "$CLIENT"
}

# loaded SRCVERSION: as if such a module were loaded, and used.
loaded() {
	mkdir -p "$WORK/sys/nebula_memory/holders/client"
	echo "$1" >"$WORK/sys/nebula_memory/srcversion"
	echo 0.0.9 >"$WORK/sys/nebula_memory/version"
	NEBULA_SYS_MODULE=$WORK/sys quiet_make install
}

upgrade_is_told() {
	says 'nebula_memory 0.0.9 is loaded and goes on running; client use it' 0 loaded 0123
	says 'modprobe -r client, modprobe -r nebula_memory' 0 loaded 0123
	loaded "$(modinfo -k "$KERNEL" -F srcversion nebula_memory)" | none loaded
}

uninstalls() {
	quiet_make uninstall
	left_nothing
}

dkms_installs() {
	quiet_make dkms-install
	dkms status | grep "nebula-memory/$VERSION, $KERNEL.*installed"
	depmod_knows updates/dkms/nebula_memory.ko
	[ -s "$MODULES/nebula-memory/Module.symvers" ]
}

# A client with a dkms.conf of its own, as the README has it.
dkms_client_builds() {
	client_tree "$CLIENT" /usr/src/nebula-memory/nebula.mk
	cat >"$CLIENT/dkms.conf" <<-'END'
		PACKAGE_NAME="nebula-client"
		PACKAGE_VERSION="1.0"
		BUILT_MODULE_NAME[0]="client"
		DEST_MODULE_LOCATION[0]="/updates/dkms"
		BUILD_DEPENDS[0]="nebula-memory"
		AUTOINSTALL="yes"
	END
	dkms add nebula-client/1.0
	dkms install -k "$KERNEL" nebula-client/1.0 || { cat /var/lib/dkms/nebula-client/1.0/build/make.log; return 1; }
	depmod_knows updates/dkms/client.ko | grep updates/dkms/nebula_memory.ko
}

# A later kernel's hook calls this: the client after what it is built against.
autoinstall_keeps_order() {
	dkms uninstall -k "$KERNEL" nebula-client/1.0
	dkms uninstall -k "$KERNEL" "nebula-memory/$VERSION"
	[ ! -e "$MODULES/nebula-memory" ]
	dkms autoinstall -k "$KERNEL"
	[ -s "$MODULES/nebula-memory/Module.symvers" ]
	depmod_knows updates/dkms/client.ko | grep updates/dkms/nebula_memory.ko
}

dkms_client_goes() {
	dkms remove nebula-client/1.0 --all
	rm -rf "$CLIENT"
	[ -s "$MODULES/nebula-memory/Module.symvers" ]
}

# DKMS refuses too, when it is asked without make.
dkms_is_told() {
	dkms uninstall -k "$KERNEL" "nebula-memory/$VERSION"
	mkdir -p "$MODULES/updates"
	touch "$MODULES/updates/nebula_memory.ko"
	says 'make install has installed nebula_memory' bad dkms install -k "$KERNEL" "nebula-memory/$VERSION"
	rm "$MODULES/updates/nebula_memory.ko"
	dkms install -k "$KERNEL" "nebula-memory/$VERSION"
}

# A version that comes after it takes its place.
dkms_upgrades() {
	rm -rf "$WORK/next"
	mkdir "$WORK/next"
	cp -r Makefile Kbuild dkms.conf LICENSE include module tools "$WORK/next/"
	cd "$WORK/next"
	sed -i "s/^\(PACKAGE_VERSION=\).*/\1\"$VERSION.1\"/" dkms.conf
	quiet_make dkms-install
	[ "$(dkms status nebula-memory)" = "nebula-memory/$VERSION.1, $KERNEL, x86_64: installed" ]
	[ ! -e "/usr/src/nebula-memory-$VERSION" ]
	cd "$TREE"
	rm -rf "$WORK/next"
}

dkms_uninstalls() {
	quiet_make dkms-uninstall
	left_nothing
}

main() {
	packages_get kmod dkms || {
		skip 'installation in a whole system, and DKMS' "kmod and dkms could not be installed there (no network?), see $WORK/packages.log"
		checks_end
		return
	}
	depmod "$KERNEL" 2>/dev/null
	touch "$WORK/begin"
	snapshot >"$WORK/before"
	check 'make install, and modprobe finds it' installs
	check 'a client builds with it' client_builds
	check 'an upgrade of a module that is loaded says so' upgrade_is_told
	check 'make dkms-install beside it' says 'Run make uninstall ALL=1 first' bad quiet_make dkms-install
	check 'make uninstall leaves nothing' uninstalls
	check 'make dkms-install' dkms_installs
	check 'a client with a dkms.conf builds with it' dkms_client_builds
	check 'DKMS installs both again, in their order' autoinstall_keeps_order
	check 'the client goes, and the symbols stay' dkms_client_goes
	check 'make install beside it' says 'Run make dkms-uninstall first' bad quiet_make install
	check 'dkms install beside make install' dkms_is_told
	check 'make dkms-install of a later version' dkms_upgrades
	check 'make dkms-uninstall leaves nothing' dkms_uninstalls
	checks_end
}

main
