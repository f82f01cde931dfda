#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Makes man pages, section 9, of the contracts in the headers: build/man/NAME.9. Called by `make docs`.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
# shellcheck source=tools/progress.sh
. "$here/../progress.sh"
for part in kernels packages archive source; do
	# shellcheck source=/dev/null # each is checked by itself
	. "$here/../vm/$part.sh"
done

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
	local headers dir=$REPO/build/man
	mkdir -p "$LOGS"
	source_find >/dev/null || source_prepare
	SOURCE=$(source_find)
	rm -rf "$dir"
	mkdir -p "$dir"
	cd "$REPO"
	mapfile -t headers < <(find include/nebula -name '*.h' | sort)
	"$SOURCE/scripts/kernel-doc" -man -Wall -Werror "${headers[@]}" | docs_split "$dir"
	tools/docs/codes.sh >module/error/CODES.md
	tools/docs/pictures.sh
	echo "$(find "$dir" -name '*.9' | wc -l) man pages in build/man: man -l build/man/nebula_pool_alloc.9"
}

main "$@"
