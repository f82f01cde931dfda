#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Builds this tree for every kernel of rows.txt with all warnings as errors, boots it there, and prints the
# README's table. Called by `make matrix`; KERNELS="NAME..." picks rows. Needs root for newer suites, whose
# compiler is not this system's.
#
# A row that cannot be had, because the archive or this system lacks something, is skipped and says why.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
# shellcheck source=tools/progress.sh
. "$here/../progress.sh"
for part in kernels packages archive; do
	# shellcheck source=/dev/null # each is checked by itself
	. "$here/../vm/$part.sh"
done
# shellcheck source=tools/matrix/fetch.sh
. "$here/fetch.sh"

readonly RESULTS=$REPO/build/matrix/results
passed=0 failed=0 skipped=0

matrix_rows() {
	sed '/^#/d; /^$/d' "$here/rows.txt"
}

# matrix_skip NAME REASON
matrix_skip() {
	skipped=$((skipped + 1))
	printf '  skip %s: %s\n' "$1" "$2"
	printf '| %s | not run here: %s | |\n' "$1" "$2" >"$RESULTS/$1"
}

# matrix_ready: sets release of a row, and fetches it; prints why not.
matrix_ready() {
	local purpose=matrix-$arch
	fetch_open "$suite" "$arch" || { why="the lists of $suite for $arch could not be fetched"; return 1; }
	release=$(fetch_releases "$flavour" | sort -V | case $pick in oldest) head -n 1 ;; *) tail -n 1 ;; esac)
	[ -n "$release" ] || { why="$suite has no $flavour kernel with headers for $arch"; return 1; }
	[ "$arch" = amd64 ] || packages_ensure "$purpose"
	[ "$compiler" = gcc ] || command -v "$compiler" >/dev/null || { why="$compiler is not installed"; return 1; }
	[ -e "$MATRIX/kernels/$release" ] || progress_run "fetch $release" "$LOGS/matrix-fetch.log" \
		fetch_kernel "$suite" "$arch" "$release" || { why="$release could not be fetched, see build/logs/matrix-fetch.log"; return 1; }
	[ "$arch" = amd64 ] || fetch_busybox "$arch" || { why="busybox-static for $arch could not be fetched"; return 1; }
}

# matrix_environment: what tools/vm is told of a kernel that is not one of its own.
matrix_environment() {
	export KDIR KERNEL_IMAGE NEBULA_ARCH NEBULA_CROSS NEBULA_ROOT NEBULA_BUSYBOX NEBULA_CPU
	KERNEL_IMAGE=$MATRIX/kernels/$release/vmlinuz NEBULA_ARCH=x86_64 NEBULA_CROSS='' NEBULA_ROOT='' NEBULA_BUSYBOX='' NEBULA_CPU=$cpu
	KDIR=$MATRIX/kernels/$release/tree/usr/src/linux-headers-$release
	case $suite in
	trixie*) NEBULA_ROOT=$MATRIX/roots/$suite KDIR=$MATRIX/roots/$suite/usr/src/linux-headers-$release ;;
	esac
	case $arch in
	arm64) NEBULA_ARCH=arm64 NEBULA_CROSS=aarch64-linux-gnu- NEBULA_BUSYBOX=$MATRIX/busybox-arm64 ;;
	esac
}

# matrix_row NAME ARCH SUITE FLAVOUR PICK CPU COMPILER
matrix_row() {
	local name=$1 arch=$2 suite=$3 flavour=$4 pick=$5 cpu=$6 compiler=$7 release why begin=$SECONDS how log dir=$REPO/build/matrix/$1
	shift 7
	matrix_ready || { matrix_skip "$name" "$why"; return; }
	matrix_environment
	[ "$compiler" = gcc ] || set -- "CC=$compiler" "$@"
	log=$REPO/build/matrix/$name.log
	printf '%s: %s\n' "$name" "$release"
	how="QEMU, $cpu, 2 CPUs"
	if ! "$REPO/tools/vm/build.sh" stock --into "$dir" "$@"; then
		matrix_failed "$name" "$release" "$how" 'does not build'
	elif ! "$REPO/tools/vm/run.sh" stock matrix.sh --modules "$dir" --log "matrix-$name" --timeout 400 -- \
		"$REPO/tools/samples/expected" "$REPO/tools/vm/guest/samples.sh" | tee "$log"; then
		matrix_failed "$name" "$release" "$how" 'fails, see build/logs'
	else
		passed=$((passed + 1))
		# shellcheck disable=SC2016 # marks of code
		printf '| Debian %s, %s | %s | `W=1 -Werror`%s; the samples, torture: %s |\n' "$release" "$arch" "$how" \
			"$([ "$compiler" = gcc ] || echo " with $compiler")" "$(tail -n 1 "$log")" >"$RESULTS/$name"
		printf '  %-58s %4d s\n' "$name in all" $((SECONDS - begin))
	fi
}

# matrix_failed NAME RELEASE HOW WHAT
matrix_failed() {
	failed=$((failed + 1))
	printf '  FAIL %s: %s\n' "$1" "$4"
	printf '| Debian %s | %s | FAILS: %s |\n' "$2" "$3" "$4" >"$RESULTS/$1"
}

# matrix_table: as the README has it, of all rows that were ever run in this tree.
matrix_table() {
	local name rest
	printf '\n| kernel | how | what runs |\n|---|---|---|\n'
	while read -r name rest; do
		[ ! -e "$RESULTS/$name" ] || cat "$RESULTS/$name"
	done < <(matrix_rows)
	echo
}

main() {
	local row name picked=0
	mkdir -p "$RESULTS" "$LOGS"
	packages_ensure module boot guest root
	while read -r -u 3 -a row; do
		name=${row[0]}
		case " ${KERNELS:-$name} " in
		*" $name "*) ;;
		*) continue ;;
		esac
		picked=$((picked + 1))
		matrix_row "${row[@]}"
	done 3< <(matrix_rows)
	[ "$picked" -gt 0 ] || progress_fail "KERNELS=$KERNELS names no row; they are: $(matrix_rows | cut -d ' ' -f 1 | paste -sd ' ')"
	matrix_table
	printf '%d passed, %d failed' "$passed" "$failed"
	[ "$skipped" -eq 0 ] || printf ', %d skipped' "$skipped"
	printf '\n'
	[ "$failed" -eq 0 ]
}

main
