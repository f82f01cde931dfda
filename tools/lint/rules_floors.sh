# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# Where things stand in module/. Sourced by lint.sh.

# includes_of: FILE INCLUDED, for all quoted includes in module/, relative to it.
includes_of() {
	local file include
	while read -r file include; do
		realpath -ms --relative-to=module "module/$(dirname "$file")/$include" |
			sed "s|^|$file |"
	done < <(cd module && grep -rn '^#include "' --include='*.[ch]' . |
		sed -E 's|^\./([^:]*):[0-9]+:#include "([^"]*)".*|\1 \2|')
}

# includes_go_down: no file includes one that stands higher, or beside it in another folder.
includes_go_down() {
	includes_of | awk '
		function name(path) {
			sub(/\/.*/, "", path)
			if (!(path in floor))
				sub(/\.[ch]$/, "", path)
			if (!(path in floor)) {
				printf "%s is not in tools/lint/floors.txt\n", path
				bad = 1
			}
			return path
		}
		FNR == NR {
			if (/^#/)
				next
			floors++
			joined[floors] = /\+/
			for (i = 1; i <= NF; i++)
				floor[$i] = floors
			next
		}
		{
			from = name($1)
			to = name($2)
			if (from == to || floor[to] > floor[from] ||
			    (floor[to] == floor[from] && joined[floor[to]]))
				next
			printf "module/%s includes module/%s, which stands higher or beside it\n", $1, $2
			bad = 1
		}
		END { exit bad }' tools/lint/floors.txt -
}
