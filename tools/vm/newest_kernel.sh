# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# The newest stock kernel of Debian's backports, unmodified. Its headers want that suite's compiler, so
# it comes with a root directory of that suite, in which modules are built; the host stays as it is.
# Sourced by prepare.sh, after kernels.sh, packages.sh and archive.sh.

readonly NEWEST_SUITE=trixie-backports

newest_kernel_prepare() {
	local log=$LOGS/newest-kernel.log release
	command -v apt-get >/dev/null || newest_give_up 'this system has no apt-get'
	packages_root true >/dev/null || newest_give_up 'a root directory takes root, or sudo without a password'
	progress_run "fetch the package lists of $NEWEST_SUITE" "$log" archive_open "$NEWEST_SUITE" ||
		newest_give_up "the lists of suite $NEWEST_SUITE could not be fetched"
	release=$(newest_kernel_release)
	[ -n "$release" ] || newest_give_up "suite $NEWEST_SUITE has no linux-image-amd64"
	newest_kernel_make "$NEBULA_CACHE/kernels/newest-$release" "$release" "$log"
}

# newest_kernel_release: what the suite's kernel is called, or nothing.
newest_kernel_release() {
	archive_tool apt-cache --no-all-versions show linux-image-amd64 2>/dev/null |
		sed -n 's/^Depends: .*linux-image-\([0-9][^ ,]*\).*/\1/p' | head -n 1
}

# newest_kernel_make TARGET RELEASE LOG: TARGET appears when it is complete, never before.
newest_kernel_make() {
	local work=$NEBULA_CACHE/kernels/.making-newest
	packages_root rm -rf --one-file-system "$work"
	mkdir -p "$work"
	progress_run "fetch the newest stock kernel $2" "$3" newest_kernel_fetch "$work" "$2" ||
		newest_give_up "its image could not be fetched, see $3"
	progress_run "make a root of ${NEWEST_SUITE%-backports} for it" "$3" newest_root_make "$work/root" ||
		newest_give_up "debootstrap failed, see $3"
	progress_run "install its headers and compiler there" "$3" newest_root_fill "$work/root" "$2" ||
		newest_give_up "the packages could not be installed, see $3"
	mv -T "$work" "$1"
}

newest_kernel_fetch() {
	archive_download "linux-binary-$2" "$1" &&
		dpkg-deb --fsys-tarfile "$1"/*.deb | tar -xO --wildcards '*/vmlinuz*' >"$1/vmlinuz" &&
		[ -s "$1/vmlinuz" ] && rm -f "$1"/*.deb
}

newest_root_make() {
	packages_root unshare --mount debootstrap --variant=minbase --include=make "${NEWEST_SUITE%-backports}" "$1" \
		"$(archive_uri)"
}

# The archive is the host's, and so is the way to it.
newest_root_fill() {
	echo "deb $(archive_uri) $NEWEST_SUITE main" | packages_root tee "$1/etc/apt/sources.list.d/newest.list"
	apt-config dump | sed -n '/^Acquire::.*Proxy/p' | packages_root tee "$1/etc/apt/apt.conf.d/host"
	packages_root chroot "$1" apt-get -qq update --error-on=any &&
		packages_root chroot "$1" apt-get -qq install --yes --no-install-recommends "linux-headers-$2" binutils &&
		packages_root chroot "$1" apt-get clean
}

newest_give_up() {
	progress_fail "the newest stock kernel is not ready: $1"
}
