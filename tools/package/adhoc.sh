#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Makes the packages twice and compares them, and installs, upgrades and removes them in a throw-away copy
# of this system, see tools/install/root.sh. Called by check.sh.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
# shellcheck source=tools/progress.sh
. "$here/../progress.sh"
for part in kernels packages archive; do
	# shellcheck source=/dev/null # each is checked by itself
	. "$here/../vm/$part.sh"
done
# shellcheck source=tools/install/checks.sh
. "$here/../install/checks.sh"
# shellcheck source=tools/install/root.sh
. "$here/../install/root.sh"

readonly WORK=$REPO/build/package-test
readonly TREE=$WORK/tree

# packages_in DIR [VERSION]: those of a copy of this tree, outside of git, in DIR/build/deb.
packages_in() {
	mkdir -p "$1"
	rsync -a --delete --exclude=/.git --exclude=/build --exclude='*.o' --exclude='*.ko' --exclude='*.mod*' --exclude='.*.cmd' \
		"$REPO/" "$1/"
	[ -z "${2:-}" ] || sed -i "s/^\(PACKAGE_VERSION=\).*/\1\"$2\"/" "$1/dkms.conf"
	export DEBFULLNAME='nebula_memory maintainers' DEBEMAIL=maintainers@nebula-memory.example.net
	# Another mask, another time zone and another language make no other package.
	(cd "$1" && umask "${3:-022}" && "${@:4}" make --no-print-directory -s deb)
}

same_packages() {
	local package
	packages_in "$WORK/second-place" '' 077 env TZ=Asia/Tokyo LC_ALL=C.UTF-8
	[ "$(cd "$TREE/build/deb" && echo *)" = "$(cd "$WORK/second-place/build/deb" && echo *)" ]
	for package in "$TREE"/build/deb/*.deb; do
		cmp "$package" "$WORK/second-place/build/deb/${package##*/}"
	done
	rm -rf "$WORK/second-place"
}

has_files() {
	dpkg-deb --contents "$TREE"/build/deb/nebula-memory-dkms_*.deb >"$WORK/dkms.txt"
	dpkg-deb --contents "$TREE"/build/deb/nebula-memory-dev_*.deb >"$WORK/dev.txt"
	grep -E 'usr/src/nebula-memory-[0-9.]*/dkms.conf$' "$WORK/dkms.txt"
	grep 'usr/src/nebula-memory/nebula.mk$' "$WORK/dev.txt"
	grep 'usr/src/nebula-memory/include/nebula/nebula.h$' "$WORK/dev.txt"
	grep 'usr/share/man/man9/nebula_pool_alloc.9.gz$' "$WORK/dev.txt"
	none '[.](o|ko|cmd|mod|rej|orig)$' <"$WORK/dkms.txt"
	none ' usr/src/nebula-memory/' <"$WORK/dkms.txt"
}

main() {
	local version why
	"$REPO/tools/vm/prepare.sh" stock
	kernel_open stock
	mkdir -p "$WORK" "$LOGS"
	version=$(sed -n 's/^PACKAGE_VERSION="\(.*\)"$/\1/p' "$REPO/dkms.conf")
	progress_run 'make the packages' "$LOGS/package-test.log" packages_in "$TREE" ||
		progress_fail 'the packages could not be made'
	check 'they have what they should, and nothing else' has_files
	check 'made again elsewhere they are the same' same_packages
	why=$(root_why_not)
	if [ -n "$why" ]; then
		skip 'installation of the packages' "$why"
	else
		progress_run 'make those of a later version' "$LOGS/package-test.log" packages_in "$WORK/later" "$version.1" ||
			progress_fail 'the packages of a later version could not be made'
		root_checks "$TREE/tools/package/root_test.sh"
		rm -rf "$WORK/later"
	fi
	checks_end
}

kernel_open stock
mkdir -p "$WORK" "$LOGS"
packages_in "$TREE"
check 'they have what they should, and nothing else' has_files
check 'made again elsewhere they are the same' same_packages
sed '/^main$/d' tools/package/root_test.sh > $TREE/tools/package/adhoc_root.sh
echo "packages_get kmod dkms lintian; check 'lintian finds nothing' lintian_is_silent; checks_end" >> $TREE/tools/package/adhoc_root.sh
chmod +x $TREE/tools/package/adhoc_root.sh
root_checks "$TREE/tools/package/adhoc_root.sh"
checks_end
