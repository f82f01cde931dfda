# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# The guest's root directory: busybox, init, the steps, the guest script with the programs it calls,
# modules and files. QEMU gets it packed as an initramfs; UML gets the directory itself, so both see
# the same paths. Sourced by run.sh, after kernels.sh.

# initramfs_lay_out ROOT GUEST MODULES_DIR FILES...
initramfs_lay_out() {
	local root=$1 guest=$2 modules=$3 module
	shift 3
	mkdir -p "$root"/{bin,dev,proc,sys,tmp,nebula}
	cp -L "${NEBULA_BUSYBOX:-$(command -v busybox)}" "$root/bin/busybox"
	cp "$REPO"/tools/vm/guest/{init,steps.sh} "$root/nebula/"
	cp "$guest" "$root/nebula/guest.sh"
	# modules.order names what the last build made; an older .ko beside it is not ours any more.
	while read -r module; do
		module=$modules/${module%.o}
		cp "${module%.ko}.ko" "$root/nebula/"
	done < <(sed "s|^$modules/||" "$modules/modules.order" 2>/dev/null)
	initramfs_programs "$root/nebula" "$guest"
	[ $# -eq 0 ] || cp -r "$@" "$root/nebula/"
	ln -s nebula/init "$root/init"
	chmod 755 "$root/nebula/init"
}

# initramfs_programs DIR GUEST: the programs of ours that the guest script calls as ./NAME.
initramfs_programs() {
	local source name
	for source in "$REPO"/tools/vm/guest/*.c; do
		name=$(basename "$source" .c)
		! grep -qF "./$name " "$2" ||
			"${NEBULA_CROSS:-}gcc" -static -O2 -Wall -Wextra -Werror -o "$1/$name" "$source"
	done
}

# initramfs_pack ROOT FILE
initramfs_pack() {
	(cd "$1" && find . -print0 | cpio --null --create --quiet --format=newc --owner=0:0 | gzip -1) >"$2"
}
