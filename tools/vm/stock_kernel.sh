# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# The distribution's own kernel, unmodified: its headers are installed on the host, its image is
# only unpacked into the cache. Sourced by prepare.sh, after kernels.sh and packages.sh.

# The package that always depends on the current kernel of this Debian release.
readonly STOCK_META=linux-image-amd64

stock_kernel_prepare() {
	if [ -n "${KDIR:-}" ]; then
		kernel_open stock
		return
	fi
	command -v apt-get >/dev/null ||
		packages_give_up "$STOCK_META linux-headers-amd64" 'this system has no apt-get'
	# Lists older than the archive name packages that it no longer has, or do not exist yet.
	stock_kernel_try || { packages_update && stock_kernel_try; } ||
		packages_give_up "$STOCK_META linux-headers-amd64" "see $LOGS/stock-kernel.log"
}

stock_kernel_try() {
	local release
	release=$(stock_kernel_release)
	[ -n "$release" ] || return 1
	[ -n "$(kernel_headers "$release")" ] || packages_install "linux-headers-$release"
	progress_run "fetch the stock kernel $release" "$LOGS/stock-kernel.log" stock_kernel_fetch "$release"
}

# stock_kernel_release: what the distribution's kernel is called, or nothing.
stock_kernel_release() {
	apt-cache depends "$STOCK_META" 2>/dev/null |
		sed -n 's/^ *Depends: linux-image-\([0-9][^ ]*\)$/\1/p' | head -n 1
}

stock_kernel_fetch() {
	local work=$NEBULA_CACHE/kernels/.fetching-stock
	rm -rf "$work"
	mkdir -p "$work/tree"
	(cd "$work" && apt-get -o APT::Sandbox::User= download "linux-image-$1") &&
		dpkg-deb --fsys-tarfile "$work"/*.deb |
		tar -xO "./boot/vmlinuz-$1" >"$work/tree/vmlinuz" &&
		[ -s "$work/tree/vmlinuz" ] &&
		mv -T "$work/tree" "$NEBULA_CACHE/kernels/stock-$1" &&
		rm -rf "$work"
}
