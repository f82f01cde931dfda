#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# What DKMS calls beside the build, see dkms.conf: it keeps the symbols of the module for clients, in
# the place where make install puts them.
#
#   dkms_hook.sh built BUILT              after a build, in its directory; BUILT is what DKMS keeps of it
#   dkms_hook.sh check MODULES            before it installs to MODULES, which is /lib/modules/KERNEL
#   dkms_hook.sh installed MODULES BUILT  after that
#   dkms_hook.sh removed TREE             after it removed one from TREE, which is /lib/modules
set -eu

case $1 in
built)
	mkdir -p "$2"
	cp Module.symvers "$2/Module.symvers"
	;;
check)
	for module in "$2"/updates/nebula_memory.ko*; do
		[ -e "$module" ] || continue
		echo "make install has installed nebula_memory: $module"
		echo 'Two would hide each other. Run make uninstall ALL=1 first, in the tree it came from.'
		exit 1
	done
	;;
installed)
	mkdir -p "$2/nebula-memory"
	cp "$3/Module.symvers" "$2/nebula-memory/Module.symvers"
	;;
removed)
	# DKMS does not say for which kernel. Where no module is left, no client can be built.
	for dir in "$2"/*/nebula-memory; do
		[ -d "$dir" ] || continue
		kernel=${dir%/nebula-memory}
		[ -n "$(find "$kernel/updates" -name 'nebula_memory.ko*' 2>/dev/null)" ] || rm -rf "$dir"
	done
	;;
esac
