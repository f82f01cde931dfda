#!/usr/bin/env bash
# Makes man pages, section 9, of all that a client may call: build/man/NAME.9. Called by `make docs`. The
# contracts are those in the headers, and those at the functions that the module exports.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
# shellcheck source=tools/progress.sh
. "$here/progress.sh"
for part in kernels packages archive source; do
	# shellcheck source=/dev/null # each is checked by itself
	. "$here/vm/$part.sh"
done

# docs_pages FILE: the pages of a header, or of what a source file exports to clients.
docs_pages() {
	local symbols=()
	case $1 in
	include/*) "$SOURCE/scripts/kernel-doc" -man -Wall -Werror "$1" ;;
	*)
		mapfile -t symbols < <(sed -n 's/^EXPORT_SYMBOL_GPL(\(nebula_[a-z0-9_]*\)).*/\1/p' "$1")
		[ "${#symbols[@]}" -eq 0 ] ||
			"$SOURCE/scripts/kernel-doc" -man -Wall -Werror "${symbols[@]/#/-function=}" "$1"
		;;
	esac
}

# docs_split DIR: one file a page, named by its title.
docs_split() {
	awk -v dir="$1" '
		/^\.TH "/ {
			if (page != "")
				close(page)
			name = $0
			sub(/^\.TH "/, "", name)
			sub(/".*/, "", name)
			sub(/.* /, "", name)
			page = dir "/" name ".9"
		}
		page != "" { print >> page }'
}

main() {
	local file dir=$REPO/build/man
	mkdir -p "$LOGS"
	source_find >/dev/null || source_prepare
	SOURCE=$(source_find)
	rm -rf "$dir"
	mkdir -p "$dir"
	cd "$REPO"
	while read -r file; do
		docs_pages "$file"
	done < <(find include/nebula module -name '*.[ch]' ! -path 'module/*.h' | sort) | docs_split "$dir"
	echo "$(find "$dir" -name '*.9' | wc -l) man pages in build/man: man -l build/man/nebula_pool_alloc.9"
}

main "$@"
