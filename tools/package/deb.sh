#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Makes Debian packages of this tree in build/deb/. Called by `make deb`, and takes dpkg-deb alone.
#
#   nebula-memory-dkms   the sources, which DKMS builds for each kernel
#   nebula-memory-dev    what clients are built with, and man pages of what they may call
#   nebula-memory-tools  nebulactl, for this machine's architecture; where this tree has it
#
# The same commit gives the same packages, byte for byte, wherever it lies. DEBFULLNAME and DEBEMAIL name
# their maintainer, as for Debian's own tools; else it is the author of the commit.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
# shellcheck source=tools/progress.sh
. "$here/../progress.sh"
# shellcheck source=tools/install/common.sh
. "$here/../install/common.sh"
# shellcheck source=tools/package/version.sh
. "$here/version.sh"

readonly OUT=$REPO/build/deb LOG=$REPO/build/logs/deb.log

# deb_fill FILE: what is the same in all packages.
deb_fill() {
	sed "s|@FULL@|$FULL|g; s|@VERSION@|$VERSION|g; s|@ARCH@|$(dpkg --print-architecture)|g; s|@SHLIBS@|${SHLIBS:-}|g;
		s|@MAINTAINER@|$MAINTAINER|g" "$1"
}

# deb_doc PACKAGE: licence and changes, as every package has them.
deb_doc() {
	local doc=$OUT/stage/$1/usr/share/doc/$1
	mkdir -p "$doc"
	cp "$here/debian/copyright" "$doc/copyright"
	{
		printf '%s (%s) unstable; urgency=medium\n\n' nebula-memory "$FULL"
		printf '  * See README.md and CHANGELOG.md of the project.\n\n'
		printf ' -- %s  %s\n' "$MAINTAINER" "$(LC_ALL=C date -u -R -d "@$SOURCE_DATE_EPOCH")"
	} | gzip -9n >"$doc/changelog.gz"
	chmod -R u=rwX,go=rX "$OUT/stage/$1"
}

# deb_build PACKAGE: from its stage, and the scripts beside its control file.
deb_build() {
	local stage=$OUT/stage/$1 script
	deb_doc "$1"
	mkdir -p "$stage/DEBIAN"
	{
		deb_fill "$here/debian/$1.control" | sed '/^Description:/,$d; /^#/d'
		echo "Installed-Size: $(du -k -s --apparent-size --exclude=DEBIAN "$stage" | cut -f 1)"
		deb_fill "$here/debian/$1.control" | sed -n '/^Description:/,$p'
	} >"$stage/DEBIAN/control"
	(cd "$stage" && find usr -type f -print0 | sort -z | xargs -0 md5sum) >"$stage/DEBIAN/md5sums"
	for script in preinst postinst prerm postrm; do
		[ ! -e "$here/debian/$1.$script" ] || deb_fill "$here/debian/$1.$script" >"$stage/DEBIAN/$script"
		[ ! -e "$stage/DEBIAN/$script" ] || chmod 755 "$stage/DEBIAN/$script"
	done
	chmod 644 "$stage/DEBIAN/"{control,md5sums}
	chmod 755 "$stage/DEBIAN" "$stage"
	dpkg-deb --root-owner-group -Zxz --build "$stage" "$OUT" >>"$LOG"
}

deb_dkms_and_dev() {
	ROOT=$OUT/stage/nebula-memory-dkms
	dkms_source_put
	ROOT=$OUT/stage/nebula-memory-dev
	sdk_put
	deb_manuals "$ROOT/usr/share/man/man9"
	deb_build nebula-memory-dkms
	deb_build nebula-memory-dev
}

# deb_manuals DIR: those that make docs makes; it needs a kernel source for its kernel-doc.
deb_manuals() {
	local page
	if ! make -s -C "$REPO" docs >>"$LOG" 2>&1; then
		echo '  without man pages: make docs failed (it takes a kernel source; KERNEL_SRC=DIR names one), see build/logs/deb.log'
		return
	fi
	mkdir -p "$1"
	for page in "$REPO"/build/man/*.9; do
		# A page is of the date of its commit, not of today; and its name is one word, for whatis.
		sed -e '/^[.]SH NAME/{n;s/^\(struct\|enum\|union\) //}' -e "1,/^[.]TH/s/^\([.]TH .* [0-9][0-9]* \)\"[^\"]*\"/\1\"$(LC_ALL=C date -u -d "@$SOURCE_DATE_EPOCH" '+%B %Y')\"/" "$page" |
			gzip -9n >"$1/${page##*/}.gz"
	done
}

deb_tools() {
	local stage=$OUT/stage/nebula-memory-tools
	if ! grep -q '^install-tools:' "$REPO/Makefile"; then
		echo '  without nebula-memory-tools: this tree has no tools to install'
		return
	fi
	# Built apart, and without the names of its place.
	make -s -C "$REPO" install-tools PREFIX=/usr "DESTDIR=$stage" "BUILD=$OUT/stage/nebulactl" \
		"CFLAGS=-O2 -ffile-prefix-map=$REPO=." >>"$LOG" 2>&1 || {
		echo '  without nebula-memory-tools: make install-tools failed, see build/logs/deb.log'
		return
	}
	find "$stage/usr/bin" "$stage/usr/sbin" -type f -exec strip --strip-unneeded {} + 2>/dev/null || true
	find "$stage/usr/share/man" -type f ! -name '*.gz' -exec gzip -9n {} + 2>/dev/null || true
	SHLIBS=$(deb_shlibs "$stage")
	deb_build nebula-memory-tools
}

# deb_shlibs STAGE: the libraries that its programs need, with their versions. The tool wants a source package.
deb_shlibs() {
	local work=$OUT/stage/shlibs
	mkdir -p "$work/debian"
	printf 'Source: nebula-memory\n\nPackage: nebula-memory-tools\nArchitecture: any\n' >"$work/debian/control"
	mapfile -t programs < <(find "$1/usr/bin" "$1/usr/sbin" -type f -perm -u+x 2>/dev/null)
	(cd "$work" && dpkg-shlibdeps -O "${programs[@]}" 2>>"$LOG") | sed -n 's/^shlibs:Depends=//p'
}

main() {
	command -v dpkg-deb >/dev/null || fail 'make deb needs dpkg-deb (Debian: apt install dpkg-dev)' \
		'on other systems: make install, or make dkms-install'
	FULL=$(version_full)
	MAINTAINER=$(version_maintainer)
	SOURCE_DATE_EPOCH=$(version_date)
	export SOURCE_DATE_EPOCH
	export LC_ALL=C TZ=UTC
	umask 022
	rm -rf "$OUT"
	mkdir -p "$OUT/stage" "${LOG%/*}"
	: >"$LOG"
	progress_begin "make packages of $FULL"
	PROGRESS_NOTES=$({ deb_dkms_and_dev && deb_tools; } 2>&1) || {
		progress_end 1
		fail "$PROGRESS_NOTES" "the packages could not be made, see $LOG"
	}
	progress_end 0
	[ -z "$PROGRESS_NOTES" ] || printf '%s\n' "$PROGRESS_NOTES"
	rm -rf "$OUT/stage"
	(cd "$OUT" && for package in *.deb; do
		printf '  build/deb/%-58s %5d KiB\n' "$package" $(($(stat -c %s "$package") / 1024))
	done)
	echo 'install them with: sudo apt install ./build/deb/nebula-memory-*.deb'
}

main
