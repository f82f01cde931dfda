#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Opens a crash image, or /proc/kcore, in gdb, with nebula_memory's symbols where the module was.
#
#   tools/nebulactl/postmortem/load.sh CORE SECTIONS MODULE.ko [GDB OPTIONS]
#
# CORE is what QEMU's dump-guest-memory wrote with paging, or kdump's vmcore as makedumpfile -E leaves it. SECTIONS has
# a line "NAME ADDRESS" for each section that matters; of a running system:
#
#   cd /sys/module/nebula_memory/sections && for s in .text .text.unlikely .data .bss .rodata; do echo "$s $(cat $s)"; done
#
# Other modules' symbols, which name their functions in call stacks, are loaded the same way: SECTIONS of several are
# separated by commas, and so are the MODULEs.
set -euo pipefail

[ $# -ge 3 ] || {
	echo 'usage: tools/nebulactl/postmortem/load.sh CORE SECTIONS[,SECTIONS...] MODULE.ko[,MODULE.ko...] [GDB OPTIONS]' >&2
	exit 2
}
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
IFS=, read -ra sections <<<"$2"
IFS=, read -ra modules <<<"$3"
core=$1
shift 3

commands=(-iex 'set confirm off' -iex 'set pagination off' -iex 'set auto-load safe-path /' -ex "core-file $core")
for i in "${!modules[@]}"; do
	symbols="add-symbol-file ${modules[i]}"
	while read -r name address; do
		case $name in
		.text) symbols+=" $address" ;;
		.*) symbols+=" -s $name $address" ;;
		esac
	done < <(sort -k 1,1 -r "${sections[i]}" | awk '$1 == ".text" { print; next } { rest[n++] = $0 }
		END { for (i = 0; i < n; i++) print rest[i] }')
	commands+=(-ex "$symbols")
done
exec gdb -nx -q "${commands[@]}" -x "$here/nebula.py" "$@"
