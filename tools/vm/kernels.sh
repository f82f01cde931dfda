# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# Which kernels there are, where they live and how a module is built for one. Sourced by every
# script in tools/vm/ and tools/lint/.
#
#   stock   the distribution's own kernel, unmodified; boots in QEMU
#   newest  the newest one of Debian's backports, unmodified; boots in QEMU, built for in a root of its own
#   debug   x86-64 kernel built here with KASAN, lockdep, kmemleak and KUnit; boots in QEMU
#   uml     User Mode Linux built here with KUnit and two CPUs; a process of the host
#   bare    the same without anything that the module can do without
#   gcov    the same, which counts what is executed of modules, for tools/coverage/
#
# Everything fetched or built lies in NEBULA_CACHE and survives `make clean`:
#
#   sources/linux-VERSION/            kernel source, shared by debug and uml
#   kernels/stock-RELEASE/vmlinuz
#   kernels/newest-RELEASE/{vmlinuz,root/}
#   kernels/{debug,uml,bare,gcov}-VERSION-KEY/  finished O= build tree; KEY covers fragment and compiler
#
# A directory appears under its final name only when it is complete.

REPO=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd -P)
NEBULA_CACHE=${XDG_CACHE_HOME:-${HOME:-/tmp}/.cache}/nebula-memory
LOGS=$REPO/build/logs
# shellcheck disable=SC2034 # for those who source this
readonly REPO NEBULA_CACHE LOGS

case $REPO$NEBULA_CACHE in
*[[:space:]:]*) progress_fail "the kernel's build system cannot work below a path with blanks or colons: $REPO, $NEBULA_CACHE" ;;
esac

# A make that called us must not reach into the makes that we call.
unset MAKEFLAGS MFLAGS MAKEOVERRIDES MAKELEVEL KBUILD_OUTPUT ARCH CROSS_COMPILE W C

# kernel_check NAME: ends the script when NAME is not one of ours.
kernel_check() {
	case $1 in
	stock | newest | debug | uml | bare | gcov) ;;
	*) progress_fail "unknown kernel '$1': it is one of stock, newest, debug, uml, bare, gcov" ;;
	esac
}

kernel_arch() {
	case $1 in
	uml | bare | gcov) echo um ;;
	stock) echo "${NEBULA_ARCH:-x86_64}" ;;
	*) echo x86_64 ;;
	esac
}

# kernel_fragments NAME: one name a line.
kernel_fragments() {
	[ "$1" != gcov ] || kernel_fragments uml
	echo "$REPO/tools/vm/configs/$1.config"
}

# kernel_key NAME: what a kernel built here depends on beside its source.
kernel_key() {
	{
		kernel_fragments "$1" | xargs cat
		gcc -dumpfullversion
		realpath -- "${KERNEL_SRC:-/}"
	} | sha256sum | cut -c1-10
}

# kernel_find NAME: prints the directory of the newest ready kernel, or fails.
kernel_find() {
	local found
	case $1 in
	stock) found=$(kernel_find_stock) ;;
	newest) found=$(kernel_find_newest) ;;
	*) found=$(kernel_find_built "$1") ;;
	esac
	[ -n "$found" ] && echo "$found"
}

kernel_find_built() {
	local dir
	for dir in "$NEBULA_CACHE"/kernels/"$1"-*-"$(kernel_key "$1")"; do
		# The build tree leads to its source through this link; without it no module can be built.
		[ ! -e "$dir/source/Makefile" ] || echo "$dir"
	done | sort -V | tail -n 1
}

kernel_find_stock() {
	local dir
	for dir in "$NEBULA_CACHE"/kernels/stock-*; do
		[ ! -e "$dir/vmlinuz" ] || [ -z "$(kernel_headers "${dir##*/stock-}")" ] || echo "$dir"
	done | sort -V | tail -n 1
}

kernel_find_newest() {
	find "$NEBULA_CACHE/kernels" -maxdepth 1 -name 'newest-*' 2>/dev/null | sort -V | tail -n 1
}

# kernel_headers RELEASE: prints the build tree of an installed distribution kernel, or nothing.
kernel_headers() {
	local dir
	for dir in "/lib/modules/$1/build" "/usr/src/linux-headers-$1" "/usr/src/kernels/$1"; do
		if [ -e "$dir/Makefile" ]; then
			realpath -- "$dir"
			return
		fi
	done
}

# kernel_release TREE: what the kernel calls itself.
kernel_release() {
	sed -n 's/^#define UTS_RELEASE "\(.*\)"$/\1/p' "$1/include/generated/utsrelease.h" 2>/dev/null || true
}

# kernel_open NAME: sets KERNEL_DIR, KERNEL_TREE (for `make -C`), KERNEL_IMAGE, KERNEL_RELEASE,
# KERNEL_ARCH and KERNEL_ROOT of a ready kernel; the last is where modules for it are built, or empty. KDIR, when given, stands in for the stock kernel's build tree.
kernel_open() {
	KERNEL_ARCH=$(kernel_arch "$1") KERNEL_ROOT=''
	if [ "$1" = stock ] && [ -n "${KDIR:-}" ]; then
		kernel_open_kdir
		return
	fi
	KERNEL_DIR=$(kernel_find "$1") ||
		progress_fail "the $1 kernel is not ready: run tools/vm/prepare.sh $1"
	case $1 in
	stock)
		KERNEL_RELEASE=${KERNEL_DIR##*/stock-}
		KERNEL_TREE=$(kernel_headers "$KERNEL_RELEASE")
		KERNEL_IMAGE=$KERNEL_DIR/vmlinuz
		;;
	newest)
		KERNEL_RELEASE=${KERNEL_DIR##*/newest-}
		KERNEL_ROOT=$KERNEL_DIR/root
		KERNEL_TREE=$KERNEL_ROOT/usr/src/linux-headers-$KERNEL_RELEASE
		KERNEL_IMAGE=$KERNEL_DIR/vmlinuz
		;;
	debug)
		KERNEL_TREE=$KERNEL_DIR
		KERNEL_RELEASE=$(kernel_release "$KERNEL_TREE")
		KERNEL_IMAGE=$KERNEL_DIR/arch/x86/boot/bzImage
		;;
	uml | bare | gcov)
		KERNEL_TREE=$KERNEL_DIR
		KERNEL_RELEASE=$(kernel_release "$KERNEL_TREE")
		KERNEL_IMAGE=$KERNEL_DIR/linux
		;;
	esac
}

# kernel_open_kdir: NEBULA_ARCH, NEBULA_CROSS and NEBULA_ROOT, when given, say of which architecture it is, what the
# names of its compiler begin with, and in which root modules for it are built; see tools/matrix.
kernel_open_kdir() {
	KERNEL_TREE=$(realpath -- "$KDIR")
	KERNEL_ROOT=${NEBULA_ROOT:-}
	KERNEL_DIR=$KERNEL_TREE
	KERNEL_RELEASE=$(kernel_release "$KERNEL_TREE")
	[ -n "$KERNEL_RELEASE" ] ||
		progress_fail "KDIR=$KDIR is not a kernel build tree: no include/generated/utsrelease.h in it"
	KERNEL_IMAGE=${KERNEL_IMAGE:-/boot/vmlinuz-$KERNEL_RELEASE}
	[ -r "$KERNEL_IMAGE" ] ||
		progress_fail "no image for KDIR=$KDIR: $KERNEL_IMAGE cannot be read; name it with KERNEL_IMAGE=FILE"
}

# kernel_make DIR [ARGS...]: the kernel's own build system on the module sources in DIR.
kernel_make() {
	local dir=$1
	shift
	[ -z "${NEBULA_CROSS:-}" ] || set -- CROSS_COMPILE="$NEBULA_CROSS" "$@"
	set -- make -C "${KERNEL_TREE#"$KERNEL_ROOT"}" ARCH="$KERNEL_ARCH" M="$dir" -j"$(nproc)" "$@"
	if [ -n "$KERNEL_ROOT" ]; then
		kernel_in_root "$dir" "$@"
	else
		"$@"
	fi
}

# kernel_in_root DIR COMMAND...: in KERNEL_ROOT, where DIR is in its own place. The mounts end with COMMAND.
kernel_in_root() {
	# shellcheck disable=SC2016 # the inner shell's
	packages_root unshare --mount sh -ec '
		root=$1 dir=$2
		shift 2
		mkdir -p "$root$dir"
		mount --bind "$dir" "$root$dir"
		mount -t proc proc "$root/proc"
		exec chroot "$root" "$@"
	' sh "$KERNEL_ROOT" "$@"
}
