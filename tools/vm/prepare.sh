#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Makes one kernel ready to boot: tools/vm/prepare.sh stock|newest|debug|uml|bare|gcov
#
# Installs what the host lacks, fetches or builds the kernel, and leaves it in the cache. Does
# nothing, and needs no network, when the kernel is there. Called by the Makefile and by check.sh.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
# shellcheck source=tools/progress.sh
. "$here/../progress.sh"
# shellcheck source=tools/vm/kernels.sh
. "$here/kernels.sh"
# shellcheck source=tools/vm/packages.sh
. "$here/packages.sh"
# shellcheck source=tools/vm/archive.sh
. "$here/archive.sh"
# shellcheck source=tools/vm/source.sh
. "$here/source.sh"
# shellcheck source=tools/vm/built_kernel.sh
. "$here/built_kernel.sh"
# shellcheck source=tools/vm/stock_kernel.sh
. "$here/stock_kernel.sh"
# shellcheck source=tools/vm/newest_kernel.sh
. "$here/newest_kernel.sh"

# Two runs at once would build the same thing twice over each other.
prepare_lock() {
	mkdir -p "$NEBULA_CACHE/kernels" "$NEBULA_CACHE/sources" "$LOGS"
	exec {lock}>"$NEBULA_CACHE/lock"
	if ! flock -n "$lock"; then
		echo '  another run is preparing a kernel; waiting for it'
		flock "$lock"
	fi
}

# prepare_purposes KERNEL: what the host's programs are needed for, see packages.sh.
prepare_purposes() {
	echo module guest
	[ "$(kernel_arch "$1")" = um ] || echo boot
	kernel_find "$1" >/dev/null 2>&1 || case $1 in
	stock) ;;
	newest) echo root ;;
	*) echo source ;;
	esac
}

main() {
	[ $# -eq 1 ] || progress_fail 'usage: tools/vm/prepare.sh stock|newest|debug|uml|bare|gcov'
	kernel_check "$1"
	# shellcheck disable=SC2046 # a list
	packages_ensure $(prepare_purposes "$1")
	! kernel_find "$1" >/dev/null || return 0
	prepare_lock
	! kernel_find "$1" >/dev/null || return 0
	case $1 in
	stock) stock_kernel_prepare ;;
	newest) newest_kernel_prepare ;;
	*) built_kernel_prepare "$1" ;;
	esac
}

main "$@"
