#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Whether the module can be built here for the kernel of KDIR, and what to do when it cannot. Called by
# the Makefile before every build, with CC and LLVM as make has them.
set -euo pipefail

# shellcheck source=tools/install/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

check_tree() {
	case $REPO in
	*[[:space:]:]*) fail "the kernel's build system cannot work below a path with blanks or colons: $REPO" \
		'move this tree, or reach it by a link without them: ln -s, cd there, make' ;;
	esac
	[ -w "$REPO" ] || fail "$REPO cannot be written to, and the module is built in it:" \
		'copy the tree to a place of your own and run make there'
}

check_kernel() {
	[ -e "$KDIR/Makefile" ] || fail "no kernel build tree at $KDIR" \
		'install the headers of your kernel (Debian: linux-headers-amd64) or name a build tree with KDIR=DIR;' \
		'make demo needs neither: it fetches a kernel of its own'
	[ -e "$KDIR/include/config/auto.conf" ] || fail "the kernel tree $KDIR is not ready for modules: it has no include/config/auto.conf" \
			'run make modules_prepare in it, or name the headers of an installed kernel with KDIR=DIR'
	check_setting CONFIG_MODULES 'it takes no modules'
	check_setting CONFIG_64BIT 'it is a 32-bit kernel'
	check_version
}

# check_version: 6.5 has linux/cleanup.h, and some before it do.
check_version() {
	local code dir
	code=$(awk '$2 == "LINUX_VERSION_CODE" { print $3 }' "$KDIR/include/generated/uapi/linux/version.h" 2>/dev/null)
	[ "${code:-0}" -lt $((6 << 16 | 5 << 8)) ] || return 0
	# Debian's headers are in two directories, and the Makefile of one includes that of the other.
	for dir in "$KDIR" "$KDIR/source" "$(sed -n 's|^include \(.*\)/Makefile$|\1|p' "$KDIR/Makefile" | head -n 1)"; do
		[ ! -e "$dir/include/linux/cleanup.h" ] || return 0
	done
	fail "the kernel of $KDIR is too old: it has no include/linux/cleanup.h" \
		'nebula_memory needs Linux 6.5 or newer, or a late 6.1.y such as that of Debian 12'
}

# check_setting CONFIG WHY
check_setting() {
	grep -qx "$1=y" "$KDIR/include/config/auto.conf" ||
		fail "the kernel of $KDIR cannot have nebula_memory: $2 ($1 is not set)"
}

# check_compiler: the one that built the kernel is the one that its flags are for.
check_compiler() {
	local text cc
	text=$(sed -n 's/^CONFIG_CC_VERSION_TEXT="\{0,1\}\([^"]*\).*/\1/p' "$KDIR/include/config/auto.conf")
	cc=${CC:-}
	if [ -n "${LLVM:-}" ]; then
		cc=clang
	elif [ -z "$cc" ] && [ -e "$KDIR/.kernelvariables" ]; then
		# Debian's headers name the compiler with its version.
		cc=${text%% *}
	fi
	cc=${cc:-${CROSS_COMPILE:-}gcc}
	command -v "${cc%% *}" >/dev/null ||
		fail "the compiler $cc is not installed; the kernel of $KDIR was built by ${text:-an unknown one}" \
			"install it (Debian: apt install ${text%% *}), or name another one with CC=..."
	case $text in
	*clang*) [[ $cc == *clang* ]] || fail "the kernel of $KDIR was built by $text, and $cc does not know its flags:" \
		'run make LLVM=1, with that clang installed' ;;
	esac
}

main() {
	KDIR=${KDIR:?}
	check_tree
	check_kernel
	check_compiler
}

main
