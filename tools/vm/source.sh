# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# The kernel source that debug and uml are built from, and that lint takes its checkers from.
# Sourced by prepare.sh and lint.sh, after kernels.sh, packages.sh and archive.sh.
#
# KERNEL_SRC=DIR names a tree that is there already; else a source package of Debian is fetched.

# Newest first would move under our feet; the first is what the project is tested on.
readonly SOURCE_PACKAGES='linux-source-7.2 linux-source-7.3'
readonly SOURCE_SUITE=trixie-backports

# source_find: prints the directory of the source when it is there, or fails.
source_find() {
	local package dir
	if [ -n "${KERNEL_SRC:-}" ]; then
		source_given
		return
	fi
	for package in $SOURCE_PACKAGES; do
		dir=$(find "$NEBULA_CACHE/sources" -maxdepth 1 -name "$package-*" 2>/dev/null | sort -V | tail -n 1)
		if [ -n "$dir" ]; then
			echo "$dir"
			return
		fi
	done
	return 1
}

# source_given: KERNEL_SRC itself; a kernel can be built beside it only when none was built in it.
source_given() {
	[ -e "$KERNEL_SRC/scripts/checkpatch.pl" ] ||
		progress_fail "KERNEL_SRC=$KERNEL_SRC is not a kernel source tree: no scripts/checkpatch.pl in it"
	if [ -e "$KERNEL_SRC/.config" ] || [ -e "$KERNEL_SRC/include/config" ]; then
		progress_fail "KERNEL_SRC=$KERNEL_SRC has been built in; give a clean tree (make mrproper, or a copy)"
	fi
	realpath -- "$KERNEL_SRC"
}

# source_prepare: makes source_find succeed, or ends the script.
source_prepare() {
	local log=$LOGS/source.log
	[ -z "${KERNEL_SRC:-}" ] || return 0
	! source_find >/dev/null || return 0
	command -v apt-get >/dev/null || source_give_up 'this system has no apt-get'
	progress_run "fetch the package lists of $SOURCE_SUITE" "$log" archive_open "$SOURCE_SUITE" ||
		source_give_up "the lists of suite $SOURCE_SUITE could not be fetched"
	source_fetch "$log" ||
		source_give_up "none of $SOURCE_PACKAGES could be fetched from suite $SOURCE_SUITE"
}

source_fetch() {
	local package version
	for package in $SOURCE_PACKAGES; do
		version=$(archive_version "$package")
		[ -n "$version" ] || continue
		[ "$package" = "${SOURCE_PACKAGES%% *}" ] ||
			echo "  ${SOURCE_PACKAGES%% *} is not on offer; taking $package $version instead"
		progress_run "fetch $package $version" "$1" source_unpack "$package" "$version"
		return
	done
	return 1
}

# source_unpack PACKAGE VERSION: the tree appears under its final name when it is complete.
source_unpack() {
	local work=$NEBULA_CACHE/sources/.unpacking
	rm -rf "$work"
	mkdir -p "$work/tree"
	archive_download "$1" "$work" &&
		dpkg-deb --fsys-tarfile "$work"/*.deb |
		tar -xO "./usr/src/$1.tar.xz" |
			tar -xJ -C "$work/tree" --strip-components=1 &&
		mv "$work/tree" "$NEBULA_CACHE/sources/$1-${2//:/_}" &&
		rm -rf "$work"
}

source_give_up() {
	progress_fail "no kernel source for the debug and uml kernels: $1" \
		"  unpack a linux 7.x source tree yourself and name it with KERNEL_SRC=DIR; log: $LOGS/source.log"
}
