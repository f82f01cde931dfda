#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Makes a tarball of the last commit in build/release/, which builds without a network, and the text of
# its tag. Called by `make release`. The same commit gives the same tarball, byte for byte.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
# shellcheck source=tools/install/common.sh
. "$here/../install/common.sh"
# shellcheck source=tools/package/version.sh
. "$here/version.sh"

readonly OUT=$REPO/build/release

# release_notes: of this version, out of the CHANGELOG.
release_notes() {
	awk -v version="$(version_base)" '
		/^## / { inside = index($0, "## " version) == 1; next }
		inside' "$REPO/CHANGELOG.md"
}

main() {
	local full name date
	version_is_git || fail 'make release takes a git repository: the tarball is of its last commit'
	[ -z "$(version_git status --porcelain)" ] || fail 'there are changes that are not committed:' \
		"$(version_git status --short | head)" 'commit or stash them, then run make release again'
	[ -n "$(release_notes)" ] || fail "CHANGELOG.md has no section ## $(version_base): write it first"
	full=$(version_full) date=$(version_date)
	name=nebula-memory-$full
	rm -rf "$OUT"
	mkdir -p "$OUT/$name"
	version_git archive HEAD | tar -x -C "$OUT/$name"
	printf '%s\n%s\n%s\n' "$full" "$date" "$(version_maintainer)" >"$OUT/$name/tools/package/release"
	# All of it of the date of the commit, and of the same user everywhere.
	tar -c -C "$OUT" --sort=name --format=gnu --mtime="@$date" --owner=0 --group=0 --numeric-owner \
		--mode=u=rwX,go=rX "$name" | xz -T1 -9 >"$OUT/$name.tar.xz"
	rm -rf "${OUT:?}/$name"
	{
		printf 'nebula_memory %s\n' "$(version_base)"
		release_notes
	} >"$OUT/tag.txt"
	(cd "$OUT" && sha256sum "$name.tar.xz" >SHA256SUMS)
	echo "build/release/$name.tar.xz"
	echo "to tag it: git tag -s v$(version_base) -F build/release/tag.txt, then make release once more"
}

main
