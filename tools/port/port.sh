#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Ports the kernel's XArray to a nebula_pool, step by step, out of the kernel's source: builds it as it is and as it
# has become, runs the kernel's own test of it, lib/test_xarray.c, on both, and compares what nodes cost. Called by
# `make port`; the steps are described in README.md.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
# shellcheck source=tools/progress.sh
. "$here/../progress.sh"
for part in kernels packages archive source; do
	# shellcheck source=/dev/null # each is checked by itself
	. "$here/../vm/$part.sh"
done

readonly PORT=$REPO/build/port

# port_step FROM TO SCRIPT: what a step changes; it must change something.
port_step() {
	sed -E -f "$here/$3" "$1" >"$2"
	if diff -u --label "before $3" --label "after $3" "$1" "$2" >"$PORT/$3.diff"; then
		progress_fail "$3 finds nothing to change: this kernel's lib/xarray.c is another one"
	fi
	cat "$PORT/$3.diff"
}

# port_lay_out SOURCE: two modules, of the same files but for xarray.c.
port_lay_out() {
	local name
	rm -rf "$PORT"
	mkdir -p "$PORT"
	cp "$1/lib/xarray.c" "$PORT/step0.c"
	cp "$1/lib/test_xarray.c" "$1/lib/radix-tree.h" "$here"/*.[ch] "$PORT/"
	port_step "$PORT/step0.c" "$PORT/step1.c" step1.sed
	port_step "$PORT/step1.c" "$PORT/step2.c" step2.sed
	cp "$PORT/step0.c" "$PORT/xarray_kernel.c"
	cp "$PORT/step2.c" "$PORT/xarray_pool.c"
	for name in kernel pool; do
		echo "obj-m += port_$name.o"
		cp "$here/main.c" "$PORT/port_$name.c"
		echo "CFLAGS_port_$name.o := -I$REPO/include -DPORT_$name"
	done >"$PORT/Kbuild"
}

main() {
	local status=0
	mkdir -p "$LOGS"
	"$REPO/tools/vm/prepare.sh" uml
	"$REPO/tools/vm/build.sh" uml
	source_prepare
	kernel_open uml
	port_lay_out "$(source_find)"
	progress_run 'build the XArray, as it is and ported' "$LOGS/build-port.log" \
		kernel_make "$PORT" KBUILD_EXTRA_SYMBOLS="$REPO/build/uml/Module.symvers" modules
	"$REPO/tools/vm/run.sh" uml port.sh --timeout 600 -- "$PORT"/*.ko >"$LOGS/port.log" || status=$?
	sed -n 's/.*\[nebula\] | figure /  /p' "$LOGS/uml-port.log" | tr -d '\r'
	cat "$LOGS/port.log"
	return "$status"
}

main "$@"
