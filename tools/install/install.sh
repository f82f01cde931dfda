#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Installs the module that was built in this tree for the kernel of KDIR, and what clients are built
# with, see common.sh. Called by `make install`, after the build.
set -euo pipefail

# shellcheck source=tools/install/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

# install_refuse: a second nebula_memory.ko would win or lose by the order of depmod's directories.
install_refuse() {
	local other
	other=$(modules_found "$MODULES" | grep -v "^$MODULES/updates/nebula_memory[.]ko[^/]*$" | head -n 1 || true)
	case $other in
	'') ;;
	"$MODULES"/updates/dkms/*) fail "DKMS has installed nebula_memory for $KERNEL: $other" \
		'Two would hide each other. Run make dkms-uninstall first' \
		'(with the package nebula-memory-dkms: apt remove nebula-memory-dkms), or stay with DKMS.' ;;
	*) fail "there is another nebula_memory for $KERNEL: $other" \
		'Two would hide each other. Remove that one first.' ;;
	esac
	[ -z "$(dkms_versions)" ] || fail "DKMS has nebula-memory $(dkms_versions | paste -sd ' ') and installs it for every later kernel." \
		'Run make dkms-uninstall first (with the package: apt remove nebula-memory-dkms), or stay with DKMS.'
	refuse_packaged "$ROOT/usr/src/nebula-memory/nebula.mk" install
}

# install_stage DIR: the kernel's own rules strip, sign and compress; DIR has no blanks, as they want it.
install_stage() {
	local unsigned=() output
	# Distributions keep their signing key to themselves.
	[ -e "$KDIR/certs/signing_key.pem" ] || unsigned=(CONFIG_MODULE_SIG_ALL=)
	rm -rf "$1"
	mkdir -p "$1"
	output=$("${MAKE:-make}" -s -C "$KDIR" "M=$REPO" ${unsigned[@]+"${unsigned[@]}"} "INSTALL_MOD_PATH=$1" \
		INSTALL_MOD_DIR=updates DEPMOD=true modules_install 2>&1) ||
		fail "$output" "the kernel's modules_install failed"
}

main() {
	local stage=$REPO/build/install module
	root_open
	release_open
	install_refuse
	may_write "$MODULES/updates" install
	may_write "$ROOT/usr/src" install
	[ -n "$ROOT" ] || [ -d "$MODULES" ] ||
		fail "there is no kernel $KERNEL on this system: $MODULES does not exist." \
			'Give DESTDIR=DIR to install for another system, or KDIR=DIR of a kernel that is here.'
	install_stage "$stage"
	module=$(modules_found "$stage")
	[ -n "$module" ] || fail 'modules_install did not install nebula_memory.ko: run make clean and make install again'
	file_put 644 "$module" "$MODULES/updates/${module##*/}"
	# The same module, uncompressed or compressed otherwise, from before.
	find "$MODULES/updates" -maxdepth 1 -name 'nebula_memory.ko*' ! -name "${module##*/}" -delete
	file_put 644 "$REPO/Module.symvers" "$MODULES/nebula-memory/Module.symvers"
	sdk_put
	rm -rf "$stage"
	depmod_run
	echo "$MODULES/updates/${module##*/}"
	echo "$ROOT/usr/src/nebula-memory/nebula.mk, for the Kbuild of clients"
	[ -z "$ROOT" ] || echo "On the system that this is for, run: depmod $KERNEL"
	say_loaded "$MODULES/updates/${module##*/}"
}

main
