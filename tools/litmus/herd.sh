# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# herd7, which runs litmus tests: that of the host, or else Debian's, which has it in its newest suite
# only. Its program wants that suite's libc, so it is run with that libc's own loader, out of the
# cache: nothing is installed. Sourced by litmus.sh, after kernels.sh, packages.sh and archive.sh.

readonly HERD_SUITE=sid
readonly HERD_PACKAGES='herdtools7 libc6 libgmp10'

# herd_prepare: sets HERD, the command, or HERD_WHY and fails.
herd_prepare() {
	local dir=$NEBULA_CACHE/herd log=$LOGS/herd.log loader
	if command -v herd7 >/dev/null; then
		HERD=(herd7)
		return
	fi
	if [ ! -e "$dir/usr/bin/herd7" ] && ! herd_fetch "$dir" "$log"; then
		HERD_WHY=${HERD_WHY:-"herd7 could not be fetched, see $log; install it (opam install herdtools7)"}
		return 1
	fi
	loader=$(find "$dir" -name 'ld-linux-x86-64.so.2' | head -n 1)
	HERD=("$loader" --library-path "$dir/usr/lib/x86_64-linux-gnu" "$dir/usr/bin/herd7"
		-set-libdir "$dir/usr/share/herdtools7/herd")
	if ! "${HERD[@]}" -version >/dev/null 2>&1; then
		HERD_WHY="Debian's herd7 does not run here; install it (opam install herdtools7)"
		return 1
	fi
}

# herd_fetch DIR LOG: the directory appears when it is complete.
herd_fetch() {
	local work=$1.making package lock
	if ! command -v apt-get >/dev/null || [ "$(uname -m)" != x86_64 ]; then
		HERD_WHY='there is no herd7, and no Debian to fetch it from; install it (opam install herdtools7)'
		return 1
	fi
	mkdir -p "$NEBULA_CACHE"
	exec {lock}>"$NEBULA_CACHE/herd.lock"
	flock "$lock"
	[ ! -e "$1/usr/bin/herd7" ] || return 0
	rm -rf "$work"
	mkdir -p "$work/packages"
	progress_run "fetch the package lists of $HERD_SUITE" "$2" archive_open "$HERD_SUITE" || return 1
	for package in $HERD_PACKAGES; do
		progress_run "fetch $package" "$2" archive_download "$package" "$work/packages" || return 1
	done
	for package in "$work"/packages/*.deb; do
		dpkg-deb -x "$package" "$work/root" || return 1
	done
	mkdir -p "$work/kept"
	(cd "$work/root" && find usr/bin/herd7 usr/share/herdtools7/herd usr/lib* -print0 |
		cpio -0pdm --quiet "$work/kept") || return 1
	mv -T "$work/kept" "$1" && rm -rf "$work" "$ARCHIVE"
	exec {lock}>&-
}
