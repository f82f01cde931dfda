# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# Which version of the project this tree is, and of when. Sourced by deb.sh and release.sh, with REPO.
#
# dkms.conf has the version. A commit that is not tagged with it comes before it, or after its tag;
# what git knows goes into a release as the file tools/package/release, as there is no git in it.

# version_base: what dkms.conf says.
version_base() {
	sed -n 's/^PACKAGE_VERSION="\(.*\)"$/\1/p' "$REPO/dkms.conf"
}

version_git() {
	git -C "$REPO" "$@" 2>/dev/null
}

# version_is_git: REPO itself is a repository, and not only below one.
version_is_git() {
	[ "$(version_git rev-parse --show-toplevel)" = "$REPO" ]
}

# version_full: with what git knows, in the order that packages have: 0.1.0~git.12.abc, 0.1.0, 0.1.0+git.3.abc
version_full() {
	local base tag dirty=''
	base=$(version_base)
	if ! version_is_git; then
		sed -n 1p "$REPO/tools/package/release" 2>/dev/null || echo "$base"
		return
	fi
	tag=v$base
	[ -z "$(version_git status --porcelain)" ] || dirty=.dirty
	if [ "$(version_git rev-list -n 1 "$tag")" = "$(version_git rev-parse HEAD)" ]; then
		echo "$base${dirty:++git.0$dirty}"
	elif version_git rev-parse -q --verify "$tag" >/dev/null; then
		echo "$base+git.$(version_git rev-list --count "$tag..HEAD").$(version_git rev-parse --short=9 HEAD)$dirty"
	else
		echo "$base~git.$(version_git rev-list --count HEAD).$(version_git rev-parse --short=9 HEAD)$dirty"
	fi
}

# version_date: seconds since 1970, of the commit; the same tree gives the same packages.
version_date() {
	if version_is_git; then
		version_git log -1 --format=%ct
	elif [ -e "$REPO/tools/package/release" ]; then
		sed -n 2p "$REPO/tools/package/release"
	else
		stat -c %Y "$REPO/dkms.conf"
	fi
}

# version_maintainer: of packages of this tree.
version_maintainer() {
	if [ -n "${DEBEMAIL:-}" ]; then
		echo "${DEBFULLNAME:-nebula_memory maintainers} <$DEBEMAIL>"
	elif version_is_git; then
		version_git log -1 --format='%an <%ae>'
	elif [ -e "$REPO/tools/package/release" ]; then
		sed -n 3p "$REPO/tools/package/release"
	else
		echo 'nebula_memory maintainers <root@localhost>'
	fi
}
