#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Builds all modules of this tree for one kernel:
#
#   tools/vm/build.sh KERNEL [--into DIR] [MAKE ARGUMENTS...]
#
# The sources are copied to build/KERNEL/ (or DIR) and built there, so that several kernels do not
# get into each other's way and the tree stays clean. All warnings are on, and each is an error.
# Called by the Makefile, check.sh and lint.sh.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
# shellcheck source=tools/progress.sh
. "$here/../progress.sh"
# shellcheck source=tools/vm/kernels.sh
. "$here/kernels.sh"
# shellcheck source=tools/vm/packages.sh
. "$here/packages.sh"

# What a module build leaves behind; neither copied from the tree nor deleted in the copy.
readonly BUILD_PRODUCTS='*.o *.ko *.mod *.mod.c *.a *.cmd .*.d modules.order Module.symvers .tmp_* .module-common.*'

# build_sync DIR: a copy of the sources that make sees as unchanged where they are.
build_sync() {
	local pattern exclude=()
	set -f
	for pattern in $BUILD_PRODUCTS; do
		exclude+=("--exclude=$pattern")
	done
	set +f
	mkdir -p "$1"
	rsync -a --delete --exclude=/.git --exclude=/build --exclude=/.built-for "${exclude[@]}" "$REPO/" "$1/"
}

# build_for DIR: empties a copy that was built for another kernel.
build_for() {
	[ "$(cat "$1/.built-for" 2>/dev/null)" = "$KERNEL_TREE $KERNEL_RELEASE" ] && return
	rm -rf "$1"
	mkdir -p "$1"
	echo "$KERNEL_TREE $KERNEL_RELEASE" >"$1/.built-for"
}

main() {
	local name=${1:-} dir title log
	[ -n "$name" ] || progress_fail 'usage: tools/vm/build.sh KERNEL [--into DIR] [MAKE ARGUMENTS...]'
	shift
	kernel_check "$name"
	kernel_open "$name"
	dir=$REPO/build/$name title="build the modules for $name"
	if [ "${1:-}" = --into ]; then
		dir=$(realpath -m -- "$2") title="$title in ${2#"$REPO/"}"
		shift 2
	fi
	log=${dir#"$REPO/build/"}
	log=$LOGS/build-${log//\//-}.log
	mkdir -p "$LOGS" "${dir%/*}"
	# Two builds in one directory would take each other's objects away.
	exec {lock}>"$dir.lock"
	flock "$lock"
	build_for "$dir"
	build_sync "$dir"
	: >"$log"
	progress_run "$title ($KERNEL_RELEASE)" "$log" \
		kernel_make "$dir" NEBULA_EXTRA=y NEBULA_WERROR=y W=1 "$@" modules
}

main "$@"
