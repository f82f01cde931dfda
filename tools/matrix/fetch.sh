# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# Kernels of other suites and architectures, out of their packages, which are unpacked and never
# installed. Sourced by matrix.sh, after kernels.sh, packages.sh and archive.sh.
#
#   NEBULA_CACHE/matrix/SUITE-ARCH/                lists of that suite and architecture
#   NEBULA_CACHE/matrix/kernels/RELEASE/vmlinuz
#   NEBULA_CACHE/matrix/kernels/RELEASE/tree/      its headers, where they are built for on this system
#   NEBULA_CACHE/matrix/roots/SUITE/               a system of that suite, where they are not
#   NEBULA_CACHE/matrix/busybox-ARCH
#
# Each appears under its name when it is complete.

readonly MATRIX=$NEBULA_CACHE/matrix

# fetch_open SUITE ARCH: sets FETCH_APT, options for apt's tools, and fetches lists that are older than a day.
fetch_open() {
	local dir=$MATRIX/$1-$2 uri signed=''
	uri=$(archive_uri)
	[ -n "$uri" ] || { packages_update && uri=$(archive_uri); } || return 1
	[ -n "$uri" ] || return 1
	[ ! -r "$ARCHIVE_KEYRING" ] || signed="[signed-by=$ARCHIVE_KEYRING] "
	mkdir -p "$dir/lists/partial" "$dir/cache/archives/partial"
	touch "$dir/status"
	echo "deb $signed$uri $1 main" >"$dir/sources.list"
	FETCH_APT=(-o "Dir::Etc::sourcelist=$dir/sources.list" -o Dir::Etc::sourceparts=/dev/null -o "Dir::State::Lists=$dir/lists"
		-o "Dir::State::status=$dir/status" -o "Dir::Cache=$dir/cache" -o APT::Sandbox::User=
		-o "APT::Architecture=$2" -o "APT::Architectures::=$2")
	[ -z "$(find "$dir/fetched" -mtime -1 2>/dev/null)" ] || return 0
	apt-get "${FETCH_APT[@]}" -qq update --error-on=any && touch "$dir/fetched"
}

# fetch_releases FLAVOUR: of which there are an image and headers, oldest first.
fetch_releases() {
	local names
	names=$(apt-cache "${FETCH_APT[@]}" pkgnames linux-)
	sed -n "s/^linux-headers-\([0-9][^-]*\(-[0-9][0-9]*\)\{0,1\}\)-$1\$/\1/p" <<<"$names" | sort -V |
		while read -r release; do
			! grep -qxF -e "linux-image-$release-$1" -e "linux-binary-$release-$1" <<<"$names" ||
				echo "$release-$1"
		done
}

# fetch_unpack DIR PACKAGE...: those of the lists that are open.
fetch_unpack() {
	local dir=$1 package file
	shift
	mkdir -p "$dir.debs"
	for package in "$@"; do
		(cd "$dir.debs" && apt-get "${FETCH_APT[@]}" -qq download "$package") || return 1
		for file in "$dir.debs"/*.deb; do
			dpkg-deb --extract "$file" "$dir" && rm -f "$file" || return 1
		done
	done
	rmdir "$dir.debs"
}

# fetch_image RELEASE FILE: newer kernels are in linux-binary, and linux-image depends on it.
fetch_image() {
	local work=$MATRIX/.image
	rm -rf "$work" "$work.debs"
	if apt-cache "${FETCH_APT[@]}" pkgnames "linux-binary-$1" | grep -x "linux-binary-$1" >/dev/null; then
		fetch_unpack "$work" "linux-binary-$1"
	else
		fetch_unpack "$work" "linux-image-$1"
	fi || return 1
	find "$work" -name 'vmlinuz*' -type f | head -n 1 | xargs -I {} cp {} "$2"
	rm -rf "$work"
	[ -s "$2" ]
}

# fetch_kernel SUITE ARCH RELEASE: image and headers; with a root its headers are installed there.
fetch_kernel() {
	local suite=$1 arch=$2 release=$3 work=$MATRIX/.kernel target=$MATRIX/kernels/$3
	[ ! -e "$target" ] || return 0
	rm -rf "$work"
	mkdir -p "$work" "$MATRIX/kernels"
	fetch_image "$release" "$work/vmlinuz" || return 1
	case $suite in
	trixie*) fetch_root_headers "$suite" "$arch" "$release" ;;
	*) fetch_headers "$suite" "$arch" "$release" "$work/tree" "$target/tree" ;;
	esac || return 1
	mv -T "$work" "$target"
}

# fetch_headers_of RELEASE: the packages of its headers but for the programs, which are of another architecture.
fetch_headers_of() {
	apt-cache "${FETCH_APT[@]}" depends "linux-headers-$1" | sed -n 's/^ *Depends: \(linux-headers-.*\)/\1/p'
	echo "linux-headers-$1"
}

fetch_kbuild_of() {
	apt-cache "${FETCH_APT[@]}" depends "linux-headers-$1" | sed -n 's/^ *Depends: \(linux-kbuild-.*\)/\1/p'
}

# fetch_headers SUITE ARCH RELEASE DIR FINAL: into DIR, which will be FINAL.
fetch_headers() {
	local kbuild names
	mapfile -t names < <(fetch_headers_of "$3")
	kbuild=$(fetch_kbuild_of "$3")
	fetch_unpack "$4" "${names[@]}" || return 1
	# Those programs work for all architectures, and are needed for this machine's.
	fetch_open "$1" "$(dpkg --print-architecture)" && fetch_unpack "$4" "$kbuild/$1" || return 1
	fetch_open "$1" "$2" || return 1
	sed -i "s|/usr/src/|$5&|" "$4/usr/src/linux-headers-$3/Makefile"
}

# fetch_root SUITE: a system of it, in which the headers of its backports can be used.
fetch_root() {
	local suite=${1%-backports} target=$MATRIX/roots/$1 work=$MATRIX/.root
	[ ! -e "$target" ] || return 0
	packages_root rm -rf --one-file-system "$work"
	mkdir -p "$MATRIX/roots"
	packages_root unshare --mount debootstrap --variant=minbase --include=make,binutils "$suite" "$work" "$(archive_uri)" &&
		echo "deb $(archive_uri) $1 main" | packages_root tee "$work/etc/apt/sources.list.d/backports.list" &&
		apt-config dump | sed -n '/^Acquire::.*Proxy/p' | packages_root tee "$work/etc/apt/apt.conf.d/host" &&
		packages_root chroot "$work" apt-get -qq update --error-on=any &&
		mv -T "$work" "$target"
}

# fetch_root_headers SUITE ARCH RELEASE: those of another architecture are unpacked, with programs of this one.
fetch_root_headers() {
	local root=$MATRIX/roots/$1 names kbuild gcc
	fetch_root "$1" || return 1
	if [ "$2" = "$(dpkg --print-architecture)" ]; then
		packages_root chroot "$root" apt-get -qq install --yes --no-install-recommends "linux-headers-$3"
		return
	fi
	kbuild=$(fetch_kbuild_of "$3")
	gcc=$(apt-cache "${FETCH_APT[@]}" depends "linux-headers-$3" | sed -n 's/^ *|*Depends: \(gcc-[0-9]*\).*/\1/p' | head -n 1)
	mapfile -t names < <(fetch_headers_of "$3")
	packages_root chroot "$root" apt-get -qq install --yes --no-install-recommends "$kbuild" "${gcc:-gcc}-aarch64-linux-gnu" &&
		fetch_unpack "$MATRIX/.headers" "${names[@]}" &&
		packages_root cp -a "$MATRIX/.headers/." "$root/" && rm -rf "$MATRIX/.headers"
}

# fetch_busybox ARCH: static, for the guest; of the suite whose lists are open.
fetch_busybox() {
	local target=$MATRIX/busybox-$1 work=$MATRIX/.busybox
	[ ! -e "$target" ] || return 0
	rm -rf "$work"
	fetch_unpack "$work" busybox-static || return 1
	cp "$work"/*bin/busybox "$target.new" 2>/dev/null || cp "$work"/usr/bin/busybox "$target.new" || return 1
	mv "$target.new" "$target"
	rm -rf "$work"
}
