# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# The oldest kernel that is supported, and those that are not. Sourced by lint.sh, after archive.sh.

# The oldest headers of a 6.1 kernel that Debian's main archive still has; older than those that the
# security archive has, so they lack what was ported back since.
readonly OLDEST_RELEASE=6.1.0-47 OLDEST_SUITE=bookworm
readonly OLDEST_ROOT=$NEBULA_CACHE/kernels/headers-$OLDEST_RELEASE

oldest_unpack() {
	local work=$NEBULA_CACHE/kernels/.fetching-oldest package file
	rm -rf "$work"
	mkdir -p "$work/tree"
	archive_open "$OLDEST_SUITE" || return 1
	for package in "linux-headers-$OLDEST_RELEASE-amd64" "linux-headers-$OLDEST_RELEASE-common" \
		"linux-kbuild-6.1/$OLDEST_SUITE"; do
		archive_download "$package" "$work" || return 1
	done
	for file in "$work"/*.deb; do
		dpkg-deb --extract "$file" "$work/tree" || return 1
	done
	# One path in it is absolute.
	sed -i "s|/usr/src/|$OLDEST_ROOT&|" "$work/tree/usr/src/linux-headers-$OLDEST_RELEASE-amd64/Makefile"
	mv -T "$work/tree" "$OLDEST_ROOT"
	rm -rf "$work"
}

builds_on_oldest() {
	if [ ! -e "$OLDEST_ROOT" ] && ! oldest_unpack; then
		echo "linux-headers-$OLDEST_RELEASE-amd64 cannot be fetched from suite $OLDEST_SUITE"
		return 77
	fi
	# There is no image, and none is booted.
	KDIR=$OLDEST_ROOT/usr/src/linux-headers-$OLDEST_RELEASE-amd64 KERNEL_IMAGE=/dev/null \
		"$REPO/tools/vm/build.sh" stock --into "$REPO/build/oldest" >/dev/null ||
		faults "$LOGS/build-oldest.log"
}

# kbuild_says TEXT SETTINGS...: what make says of a kernel with these settings.
kbuild_says() {
	local text=$1
	shift
	{ make -rR -f Kbuild src=. "$@" 2>&1 || true; } | grep -F "$text"
}

unfit_kernels_are_told() {
	kbuild_says 'needs a 64-bit kernel' CONFIG_MODULES=y
	! kbuild_says 'nebula_memory needs' CONFIG_MODULES=y CONFIG_64BIT=y
}
