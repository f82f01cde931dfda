# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# What clients compile in, and the number that stands for it. Sourced by lint.sh and abi.sh, after
# rules_build.sh.

readonly ABI_FILE=tools/lint/abi.txt

# abi_number: NEBULA_ABI as the headers have it.
abi_number() {
	awk '$1 == "#define" && $2 == "NEBULA_ABI" { print $3 }' include/nebula/config.h
}

# abi_layout: the layout of all public structs on stock, as abi.txt keeps it.
abi_layout() {
	local dir=$REPO/build/lint/abi
	rm -rf "$dir"
	mkdir -p "$dir"
	printf '#include <linux/module.h>\n#include <nebula/nebula.h>\n' | client_module abi >"$dir/abi.c"
	# Unused types, too; and an object is enough, so nothing has to be linked.
	client_build stock "$dir" KBUILD_MODPOST_WARN=1 KBUILD_EXTRA_SYMBOLS= \
		KCFLAGS='-gdwarf-4 -fno-eliminate-unused-debug-types' >&2 || return 1
	readelf --wide --debug-dump=info "$dir/abi.o" | awk -f tools/lint/abi.awk >"$dir.types"
	[ "$(grep -c '^struct .* size ' "$dir.types")" -gt 10 ] || {
		echo 'no structs in what readelf shows' >&2
		return 1
	}
	echo '# nebula abi v1'
	echo "abi $(abi_number)"
	cat "$dir.types"
}

# abi_is_pinned: a change of the layout comes with another number, and both are written down.
abi_is_pinned() {
	local now=$REPO/build/lint/abi.txt
	mkdir -p "${now%/*}"
	abi_layout >"$now" || return 1
	diff -u "$ABI_FILE" "$now" || {
		echo 'the layout that clients compile in is not the one in tools/lint/abi.txt: raise NEBULA_ABI, then run make abi'
		return 1
	}
}
