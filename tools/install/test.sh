#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Installs and uninstalls in every way below directories of its own, builds clients against what is
# there, and gives it what it must refuse. Called by check.sh. What needs a whole system runs in a
# throw-away copy of this one, see root.sh; the machine itself is not touched.
#
# The tree that is installed is a copy in build/install-test/tree, built for the stock kernel.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
# shellcheck source=tools/progress.sh
. "$here/../progress.sh"
for part in kernels packages archive; do
	# shellcheck source=/dev/null # each is checked by itself
	. "$here/../vm/$part.sh"
done
# shellcheck source=tools/install/checks.sh
. "$here/checks.sh"
# shellcheck source=tools/install/root.sh
. "$here/root.sh"

readonly WORK=$REPO/build/install-test
readonly TREE=$WORK/tree OUT=$WORK/out

make_it() {
	make --no-print-directory -s "KDIR=$KERNEL_TREE" "$@"
}

# What make install puts there, all of it.
expected_files() {
	{
		echo "lib/modules/$KERNEL_RELEASE/nebula-memory/Module.symvers"
		echo "lib/modules/$KERNEL_RELEASE/updates/nebula_memory.ko"
		echo usr/src/nebula-memory/nebula.mk
		(cd "$REPO" && find include -name '*.h' | sed 's|^|usr/src/nebula-memory/|')
	} | sort
}

# installs_into DIR DESTDIR: all of it, nothing else, and nothing beside DIR.
installs_into() {
	make_it install "DESTDIR=$2"
	diff <(expected_files) <(files_of "$1")
	diff <(echo "${1##*/}") <(ls "$OUT")
	make_it uninstall "DESTDIR=$2"
	[ -d "$1" ] && [ -z "$(ls -A "$1")" ]
	rm -rf "$1"
}

test_destdir() {
	rm -rf "$OUT" && mkdir -p "$OUT"
	check 'DESTDIR, absolute' installs_into "$OUT/absolute" "$OUT/absolute"
	check 'DESTDIR, relative' installs_into "$OUT/relative" ../out/relative
	check 'DESTDIR, with blanks' installs_into "$OUT/with two blanks" "$OUT/with two blanks"
	check 'DESTDIR, with a slash at its end' installs_into "$OUT/slash" "$OUT/slash/"
	check 'DESTDIR, with quotes and a dollar' installs_into "$OUT/it's \"\$odd\"" "$OUT/it's \"\$\$odd\""
	check 'a second installation replaces the first' replaces
	check 'headers and modules of an older version go' old_ones_go
	check 'INSTALL_MOD_STRIP=1 strips the module' strips
	check 'uninstall with the headers gone' uninstalls_without_headers
	check 'uninstall of nothing says so' says 'has installed nothing' 0 make_it uninstall "DESTDIR=$OUT/none"
	check 'what other kernels need is kept' other_kernel_keeps
	check 'ALL=1 uninstalls for every kernel' uninstalls_all
	check 'files of others stay' others_stay
	check 'DKMS sources for a package' dkms_sources
}

replaces() {
	make_it install "DESTDIR=$OUT/d"
	make_it install "DESTDIR=$OUT/d"
	diff <(expected_files) <(files_of "$OUT/d")
}

old_ones_go() {
	touch "$OUT/d/usr/src/nebula-memory/include/nebula/gone.h"
	mv "$OUT/d/lib/modules/$KERNEL_RELEASE/updates/nebula_memory.ko"{,.xz}
	make_it install "DESTDIR=$OUT/d"
	diff <(expected_files) <(files_of "$OUT/d")
}

# strings_of MODULE: what modinfo shows, where there is none.
strings_of() {
	objcopy -O binary --only-section=.modinfo "$1" /dev/stdout | tr '\0' '\n'
}

strips() {
	local module=$OUT/d/lib/modules/$KERNEL_RELEASE/updates/nebula_memory.ko whole
	whole=$(stat -c %s "$module")
	make_it install "DESTDIR=$OUT/d" INSTALL_MOD_STRIP=1
	echo "$whole bytes, stripped $(stat -c %s "$module")"
	[ "$(stat -c %s "$module")" -lt "$((whole / 2))" ]
	strings_of "$module" | grep -x name=nebula_memory
}

uninstalls_without_headers() {
	make --no-print-directory -s uninstall "DESTDIR=$OUT/d" KDIR=/nowhere "RELEASE=$KERNEL_RELEASE"
	[ -z "$(ls -A "$OUT/d")" ]
	make_it install "DESTDIR=$OUT/d"
	make --no-print-directory -s uninstall "DESTDIR=$OUT/d" "KDIR=/nowhere/lib/modules/$KERNEL_RELEASE/build"
	[ -z "$(ls -A "$OUT/d")" ]
}

# copy_to_other: as if it were installed for another kernel as well.
copy_to_other() {
	rm -rf "$OUT/d"
	make_it install "DESTDIR=$OUT/d"
	cp -r "$OUT/d/lib/modules/$KERNEL_RELEASE" "$OUT/d/lib/modules/6.99.9-other"
}

other_kernel_keeps() {
	copy_to_other
	says 'kept for 6.99.9-other' 0 make_it uninstall "DESTDIR=$OUT/d"
	[ -e "$OUT/d/usr/src/nebula-memory/nebula.mk" ]
	[ ! -e "$OUT/d/lib/modules/$KERNEL_RELEASE" ]
}

uninstalls_all() {
	copy_to_other
	make_it uninstall "DESTDIR=$OUT/d" ALL=1
	[ -z "$(ls -A "$OUT/d")" ]
}

others_stay() {
	rm -rf "$OUT/d"
	mkdir -p "$OUT/d/lib/modules/$KERNEL_RELEASE/updates" "$OUT/d/usr/src/other"
	touch "$OUT/d/lib/modules/$KERNEL_RELEASE/"{modules.dep,updates/other.ko} "$OUT/d/usr/src/other/file"
	make_it install "DESTDIR=$OUT/d"
	make_it uninstall "DESTDIR=$OUT/d"
	[ "$(files_of "$OUT/d" | wc -l)" -eq 3 ]
	rm -rf "$OUT/d"
}

dkms_sources() {
	make_it dkms-install "DESTDIR=$OUT/d"
	files_of "$OUT/d" | grep -x "usr/src/nebula-memory-$VERSION/dkms.conf" >/dev/null
	files_of "$OUT/d" | none '[.](o|ko|cmd|mod)$'
	make_it dkms-uninstall "DESTDIR=$OUT/d"
	[ -z "$(ls -A "$OUT/d")" ]
}

client_make() {
	make -C "$KERNEL_TREE" "M=$OUT/client" "$@"
}

test_clients() {
	local mk=$OUT/d/usr/src/nebula-memory/nebula.mk
	(cd "$TREE" && make_it install "DESTDIR=$OUT/d") >/dev/null
	client_tree "$OUT/client" "$mk"
	check 'a client builds with nebula.mk' client_builds
	check 'make clean of it needs nothing installed' client_cleans
	check 'it says when nothing is installed for the kernel' client_is_told_missing
	check 'NEBULA_SYMVERS names a build that is not installed' client_takes_symvers
	check 'it says when the headers have another ABI' client_is_told_abi
}

client_builds() {
	client_make modules >"$OUT/client.log" 2>&1 || { cat "$OUT/client.log"; return 1; }
	none 'WARNING|undefined' <"$OUT/client.log"
	strings_of "$OUT/client/client.ko" | grep -x depends=nebula_memory
	# Where the kernel has symbol versions, those of the module are in the client.
	! grep -q '^CONFIG_MODVERSIONS=y' "$KERNEL_TREE/include/config/auto.conf" ||
		grep '"nebula_abi_' "$OUT/client/client.mod.c"
}

client_cleans() {
	mv "$OUT/d/lib" "$OUT/d/away"
	client_make clean
	[ ! -e "$OUT/client/client.ko" ]
}

client_is_told_missing() {
	says "nebula_memory is not installed for kernel $KERNEL_RELEASE" bad client_make modules
}

client_takes_symvers() {
	client_make "NEBULA_SYMVERS=$TREE/Module.symvers" modules
	[ -e "$OUT/client/client.ko" ]
	client_make clean
	mv "$OUT/d/away" "$OUT/d/lib"
}

client_is_told_abi() {
	sed -i 's/^\(#define NEBULA_ABI[[:space:]]*\).*/\199/' "$OUT/d/usr/src/nebula-memory/include/nebula/config.h"
	says 'have ABI 99' bad client_make modules
}

# kernel_tree DIR LINE...: what looks like a build tree, with these settings.
kernel_tree() {
	local dir=$1
	shift
	mkdir -p "$dir/include/config" "$dir/include/generated/uapi/linux" "$dir/include/linux"
	touch "$dir/Makefile" "$dir/include/linux/cleanup.h"
	echo '#define UTS_RELEASE "6.6.6-fake"' >"$dir/include/generated/utsrelease.h"
	echo "#define LINUX_VERSION_CODE $((6 << 16 | 1 << 8 | 90))" >"$dir/include/generated/uapi/linux/version.h"
	printf '%s\n' "$@" >"$dir/include/config/auto.conf"
}

# told TEXT MAKE_ARGUMENTS...: make modules refuses with it, and names no line of a script.
told() {
	local text=$1
	shift
	says "$text" bad make --no-print-directory -s modules "$@"
}

test_refusals() {
	local fake=$OUT/fake
	rm -rf "$OUT" && mkdir -p "$OUT"
	check 'no headers' told 'no kernel build tree at /nowhere' KDIR=/nowhere
	kernel_tree "$fake" CONFIG_MODULES=y CONFIG_64BIT=y
	check 'a kernel tree that is not prepared' no_auto_conf
	kernel_tree "$fake" CONFIG_MODULES=y
	check 'a 32-bit kernel' told 'it is a 32-bit kernel' "KDIR=$fake"
	kernel_tree "$fake" CONFIG_64BIT=y
	check 'a kernel without modules' told 'it takes no modules' "KDIR=$fake"
	kernel_tree "$fake" CONFIG_MODULES=y CONFIG_64BIT=y
	rm "$fake/include/linux/cleanup.h"
	check 'a kernel that is too old' told 'is too old' "KDIR=$fake"
	kernel_tree "$fake" CONFIG_MODULES=y CONFIG_64BIT=y 'CONFIG_CC_VERSION_TEXT="gcc-99 (GCC) 99.1"'
	check 'a compiler that is not there' told 'the compiler gcc-99 is not installed' "KDIR=$fake" CC=gcc-99
	kernel_tree "$fake" CONFIG_MODULES=y CONFIG_64BIT=y 'CONFIG_CC_VERSION_TEXT="Debian clang version 14.0.6"'
	check 'a kernel of clang, and gcc' told 'run make LLVM=1' "KDIR=$fake"
	check 'a release that is a path' says 'is not the release of a kernel' bad \
		make -s uninstall KDIR=/nowhere RELEASE=../../etc "DESTDIR=$OUT"
	check 'no way to know the kernel' says 'which kernel is meant' bad make -s uninstall KDIR=/nowhere "DESTDIR=$OUT"
	check 'a file where DESTDIR should be' says 'it is not a directory' bad make_it install "DESTDIR=$TREE/Kbuild"
	check 'make install beside DKMS' refused_beside_dkms
	check 'make install beside a module of others' refused_beside_other
	check 'make install where DKMS has it for later kernels' refused_where_registered
	check 'make dkms-install beside make install' refused_beside_install
	check 'what was refused changed nothing' nothing_changed
	check 'a path with blanks' refused_with_blanks
	test_unprivileged
}

no_auto_conf() {
	rm "$OUT/fake/include/config/auto.conf"
	told 'run make modules_prepare' "KDIR=$OUT/fake"
}

refused_beside_dkms() {
	mkdir -p "$OUT/d/lib/modules/$KERNEL_RELEASE/updates/dkms"
	touch "$OUT/d/lib/modules/$KERNEL_RELEASE/updates/dkms/nebula_memory.ko.xz"
	says 'Run make dkms-uninstall first' bad make_it install "DESTDIR=$OUT/d"
}

refused_beside_other() {
	mkdir -p "$OUT/e/lib/modules/$KERNEL_RELEASE/extra"
	touch "$OUT/e/lib/modules/$KERNEL_RELEASE/extra/nebula_memory.ko"
	says 'there is another nebula_memory' bad make_it install "DESTDIR=$OUT/e"
}

refused_where_registered() {
	mkdir -p "$OUT/f/var/lib/dkms/nebula-memory/0.0.9"
	ln -s /usr/src/nebula-memory-0.0.9 "$OUT/f/var/lib/dkms/nebula-memory/0.0.9/source"
	says 'DKMS has nebula-memory 0.0.9' bad make_it install "DESTDIR=$OUT/f"
}

refused_beside_install() {
	mkdir -p "$OUT/g/lib/modules/6.99.9-other/updates"
	touch "$OUT/g/lib/modules/6.99.9-other/updates/nebula_memory.ko"
	says 'Run make uninstall ALL=1 first' bad make_it dkms-install "DESTDIR=$OUT/g"
}

nothing_changed() {
	[ "$(files_of "$OUT/d" | wc -l) $(files_of "$OUT/e" | wc -l) $(files_of "$OUT/f" | wc -l) $(files_of "$OUT/g" | wc -l)" = '1 1 1 1' ]
}

refused_with_blanks() {
	mkdir -p "$OUT/two blanks"
	cp -r Makefile Kbuild dkms.conf tools "$OUT/two blanks/"
	cd "$OUT/two blanks"
	told 'cannot work below a path with blanks' "KDIR=$KERNEL_TREE"
}

# unprivileged COMMAND...: without root's right to write everywhere.
unprivileged() {
	setpriv --reuid 65534 --regid 65534 --clear-groups "$@"
}

test_unprivileged() {
	if [ "$(id -u)" -ne 0 ]; then
		check 'not root' says 'run sudo make install' bad tools/install/install.sh
		skip 'a read-only tree' 'only root can make a tree that this user cannot write to'
	elif ! unprivileged test -x "$TREE"; then
		skip 'not root' "other users cannot reach $TREE"
		skip 'a read-only tree' "other users cannot reach $TREE"
	else
		mkdir -p "$OUT/root"
		check 'not root' says 'run sudo make install' bad \
			env "KDIR=$KERNEL_TREE" "DESTDIR=$OUT/root" setpriv --reuid 65534 --clear-groups tools/install/install.sh
		check 'a read-only tree' says 'cannot be written to, and the module is built in it' bad \
			unprivileged make --no-print-directory -s modules "KDIR=$KERNEL_TREE"
	fi
}

# prepare_tree: a copy of this tree, built; what it was built from stays for the next run.
prepare_tree() {
	mkdir -p "$TREE"
	rsync -a --delete --exclude=/.git --exclude=/build --exclude='*.o' --exclude='*.ko' --exclude='*.mod*' --exclude='.*.cmd' \
		--exclude='.*.d' --exclude=/Module.symvers --exclude=/modules.order "$REPO/" "$TREE/"
	(cd "$TREE" && make_it -j"$(nproc)" modules)
}

main() {
	"$REPO/tools/vm/prepare.sh" stock
	kernel_open stock
	VERSION=$(sed -n 's/^PACKAGE_VERSION="\(.*\)"$/\1/p' "$REPO/dkms.conf")
	mkdir -p "$WORK" "$LOGS"
	unset DESTDIR RELEASE ALL KDIR INSTALL_MOD_STRIP CC LLVM
	progress_run 'build what is installed' "$LOGS/install-test.log" prepare_tree ||
		progress_fail 'the module could not be built'
	test_destdir
	test_clients
	test_refusals
	test_root
	rm -rf "$OUT"
	checks_end
}

main
