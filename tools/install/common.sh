# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# Where an installation puts what, and who else may have put it there. Sourced by the scripts beside
# it. Below DESTDIR, or /:
#
#   lib/modules/KERNEL/updates/nebula_memory.ko*           the module, by make install
#   lib/modules/KERNEL/updates/dkms/nebula_memory.ko*      the module, by DKMS
#   lib/modules/KERNEL/nebula-memory/Module.symvers        its symbols, by either
#   usr/src/nebula-memory/{nebula.mk,include/}             what clients are built with, by either
#   usr/src/nebula-memory-VERSION/                         the sources that DKMS builds
#
# From the environment: KDIR, DESTDIR, RELEASE (a kernel whose headers are gone), DKMS.

# Where depmod, modinfo and dkms are, also when sudo or su left the path of a user.
PATH=$PATH:/usr/sbin:/sbin
REPO=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd -P)
VERSION=$(sed -n 's/^PACKAGE_VERSION="\(.*\)"$/\1/p' "$REPO/dkms.conf")
DKMS=${DKMS:-dkms}
# Where the module is, if it is loaded; another place in tests.
SYS_MODULE=${NEBULA_SYS_MODULE:-/sys/module}/nebula_memory
# shellcheck disable=SC2034 # for those that source this
readonly REPO VERSION DKMS SYS_MODULE

# fail MESSAGE...: one line each on stderr, and the end.
fail() {
	printf '%s\n' "$@" >&2
	exit 1
}

# root_open: sets ROOT, the absolute DESTDIR without a slash at its end, or empty for /.
root_open() {
	ROOT=
	[ -n "${DESTDIR:-}" ] || return 0
	ROOT=$(realpath -m -- "$DESTDIR")
	[ "$ROOT" != / ] || ROOT=
}

# release_open: sets KERNEL, what the kernel to install for calls itself. Its headers may be gone.
release_open() {
	local kdir=${KDIR:-/lib/modules/$(uname -r)/build}
	KERNEL=${RELEASE:-}
	[ -n "$KERNEL" ] || KERNEL=$(sed -n 's/^#define UTS_RELEASE "\(.*\)"$/\1/p' \
		"$kdir/include/generated/utsrelease.h" 2>/dev/null || true)
	# Debian's build link names the kernel even when it leads nowhere.
	[ -n "$KERNEL" ] || [[ ! $kdir =~ /lib/modules/([^/]+)/build/*$ ]] || KERNEL=${BASH_REMATCH[1]}
	[ -n "$KERNEL" ] || fail "which kernel is meant? KDIR=$kdir has no include/generated/utsrelease.h;" \
		'name the kernel with RELEASE=..., as uname -r prints it'
	case $KERNEL in
	*/* | .*) fail "RELEASE=$KERNEL is not the release of a kernel, as uname -r prints it" ;;
	esac
	# shellcheck disable=SC2034 # for those that source this
	MODULES=$ROOT/lib/modules/$KERNEL
}

# may_write DIR TARGET: ends when DIR, or what of it is there already, cannot be written to.
may_write() {
	local dir=$1
	while [ ! -e "$dir" ]; do
		dir=$(dirname -- "$dir")
	done
	[ -d "$dir" ] || fail "$dir is in the way: it is not a directory"
	[ ! -w "$dir" ] || return 0
	[ "$(id -u)" -ne 0 ] || fail "$dir cannot be written to: it is on a file system that is mounted read-only"
	fail "$dir cannot be written to: run sudo make $2," \
		'or give DESTDIR=DIR, below which all of it is put'
}

# modules_found DIR...: the nebula_memory.ko, compressed or not, below each.
modules_found() {
	local dir
	for dir in "$@"; do
		[ ! -d "$dir" ] || find "$dir" -name 'nebula_memory.ko*' ! -name '*.new' | sort
	done
}

# package_of FILE: the Debian package that FILE belongs to, or nothing.
package_of() {
	[ -z "$ROOT" ] || return 0
	{ dpkg-query -S "$1" 2>/dev/null || true; } | sed -n 's/:.*//p' | head -n 1
}

# refuse_packaged FILE TARGET: ends when a package has FILE.
refuse_packaged() {
	local package
	package=$(package_of "$1")
	[ -z "$package" ] || fail "$1 belongs to the package $package, and make $2 would write over it:" \
		"apt remove $package first, or stay with the packages"
}

# file_put MODE FROM TO: TO is either as it was or complete.
file_put() {
	install -D -m "$1" -- "$2" "$3.new"
	mv -f -- "$3.new" "$3"
}

# sdk_put: what clients are built with, in place of what was there.
sdk_put() {
	local sdk=$ROOT/usr/src/nebula-memory file
	rm -rf -- "$sdk.new"
	while IFS= read -r file; do
		install -D -m 644 -- "$REPO/$file" "$sdk.new/$file"
	done < <(cd "$REPO" && find include -name '*.h' | sort)
	install -m 644 -- "$REPO/tools/install/nebula.mk" "$sdk.new/nebula.mk"
	rm -rf -- "$sdk"
	mv -T -- "$sdk.new" "$sdk"
}

# dkms_source_put: what DKMS builds the module from, in place of what was there.
dkms_source_put() {
	local source=$ROOT/usr/src/nebula-memory-$VERSION file
	rm -rf -- "$source.new"
	while IFS= read -r file; do
		install -D -m 644 -- "$REPO/$file" "$source.new/$file"
	done < <(cd "$REPO" && printf '%s\n' Kbuild LICENSE dkms.conf && find include module -name '*.[ch]' | sort)
	install -D -m 755 -- "$REPO/tools/install/dkms_hook.sh" "$source.new/tools/install/dkms_hook.sh"
	rm -rf -- "$source"
	mv -T -- "$source.new" "$source"
}

# sdk_remove: unless a kernel has a module that clients may still be built for.
sdk_remove() {
	local kept
	kept=$(find "$ROOT"/lib/modules/*/nebula-memory -maxdepth 0 2>/dev/null | sed 's|.*/lib/modules/||; s|/.*||' |
		sort | paste -sd ' ' || true)
	if [ -n "$kept" ]; then
		echo "kept for $kept: $ROOT/usr/src/nebula-memory"
		return
	fi
	[ ! -d "$ROOT/usr/src/nebula-memory" ] || [ -n "$(package_of "$ROOT/usr/src/nebula-memory/nebula.mk")" ] ||
		rm -rf -- "$ROOT/usr/src/nebula-memory" "$ROOT/usr/src/nebula-memory.new"
	dirs_remove "$ROOT/usr/src"
}

# dirs_remove DIR: below a DESTDIR, what has become empty; the system's own directories stay.
dirs_remove() {
	local dir=$1
	while [ -n "$ROOT" ] && [[ $dir == "$ROOT"/* ]] && rmdir -- "$dir" 2>/dev/null; do
		dir=$(dirname -- "$dir")
	done
}

# depmod_run: the indices of a system that is not this one are its own affair.
depmod_run() {
	[ -z "$ROOT" ] || return 0
	command -v depmod >/dev/null || fail "depmod is not installed, and modprobe finds nebula_memory only after it:" \
		"install it (Debian: apt install kmod) and run depmod $KERNEL"
	depmod "$KERNEL"
}

# dkms_versions: those that DKMS has, one a line.
dkms_versions() {
	local dir
	for dir in "$ROOT"/var/lib/dkms/nebula-memory/*/source; do
		[ ! -L "$dir" ] || basename -- "$(dirname -- "$dir")"
	done
}

# say_loaded MODULE: when another build of it is loaded than the one that was installed.
say_loaded() {
	local loaded users
	[ -z "$ROOT" ] && [ -d "$SYS_MODULE" ] && [ "$KERNEL" = "$(uname -r)" ] || return 0
	loaded=$(cat "$SYS_MODULE/srcversion" 2>/dev/null || true)
	[ "$loaded" != "$(modinfo -F srcversion "$1" 2>/dev/null)" ] || return 0
	users=$(find "$SYS_MODULE/holders" -mindepth 1 -printf '%f\n' 2>/dev/null | sort | paste -sd ' ' || true)
	echo "nebula_memory $(cat "$SYS_MODULE/version" 2>/dev/null || true) is loaded and goes on running${users:+; $users use it}."
	echo "To use $VERSION: ${users:+modprobe -r $users, }modprobe -r nebula_memory and modprobe nebula_memory, or reboot."
	[ -z "$users" ] || echo 'Build its clients again where the ABI is another one; old ones do not load (Unknown symbol nebula_abi_N).'
}
