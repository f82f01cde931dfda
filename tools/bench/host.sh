#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Measures in the kernel that runs, in nanoseconds and cycles: loads the modules, reads the figures several
# times on one CPU, and unloads them. Called by `make bench HOST=1`; KDIR is the kernel's build tree.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
# shellcheck source=tools/progress.sh
. "$here/../progress.sh"
# shellcheck source=tools/vm/kernels.sh
. "$here/../vm/kernels.sh"
# shellcheck source=tools/vm/packages.sh
. "$here/../vm/packages.sh"
# shellcheck source=tools/bench/measure.sh
. "$here/measure.sh"

readonly REPEATS=7
readonly FILES=/sys/kernel/debug/nebula_bench
readonly MODULES=$REPO/build/host

# host_container: what kind of container this is, or nothing.
host_container() {
	if command -v systemd-detect-virt >/dev/null; then
		systemd-detect-virt --container | grep -vx none || true
	elif [ -e /.dockerenv ] || [ -e /run/.containerenv ]; then
		echo container
	fi
}

host_refuse() {
	progress_fail "cannot measure in the running kernel: $1"
}

# host_check KDIR: ends the script where modules cannot be loaded, and says why.
host_check() {
	local container release
	container=$(host_container)
	[ -z "$container" ] || host_refuse "this is a container ($container), and the kernel is its host's"
	[ "$(id -u)" -eq 0 ] || host_refuse 'loading a module takes root; try sudo make bench HOST=1'
	[ -e /proc/modules ] || host_refuse 'it was built without modules'
	[ -e "$1/Makefile" ] || host_refuse "no build tree at $1; install the headers of $(uname -r), or name one with KDIR=DIR"
	release=$(kernel_release "$1")
	[ "$release" = "$(uname -r)" ] || host_refuse "$1 is of $release, and $(uname -r) runs"
	! grep -qs '\[\(integrity\|confidentiality\)\]' /sys/kernel/security/lockdown ||
		host_refuse 'it is locked down (secure boot), and the modules are not signed'
	! grep -qsx Y /sys/module/module/parameters/sig_enforce ||
		host_refuse 'it takes signed modules only, and these are not signed'
	mountpoint -q /sys/kernel/debug || host_refuse 'debugfs is not mounted at /sys/kernel/debug'
	! grep -q '^nebula_memory ' /proc/modules || host_refuse 'nebula_memory is loaded already; rmmod it first'
}

host_unload() {
	rmmod nebula_bench 2>/dev/null || true
	rmmod nebula_memory 2>/dev/null || true
}

# host_cpu: the last CPU that we may use; the first has most of the interrupts.
host_cpu() {
	taskset -cp $$ | sed 's/.*[ ,-]//'
}

host_measure() {
	local i cpu
	cpu=$(host_cpu)
	trap host_unload EXIT
	insmod "$MODULES/nebula_memory.ko"
	insmod "$MODULES/tools/bench/nebula_bench.ko"
	: >"$OUT/host"
	for ((i = 1; i <= REPEATS; i++)); do
		progress_run "measure on CPU $cpu, $i of $REPEATS" "$OUT/host" taskset -c "$cpu" cat "$FILES/averages"
	done
}

main() {
	local kdir=${KDIR:-/lib/modules/$(uname -r)/build}
	host_check "$kdir"
	packages_ensure module
	# Nothing is booted, so no image is needed.
	KDIR=$kdir KERNEL_IMAGE=/dev/null "$REPO/tools/vm/build.sh" stock --into "$MODULES"
	mkdir -p "$OUT"
	host_measure
	printf '\n%s on %s; %s\n\n' "$(uname -r)" "$(measure_cpu)" "$(measure_compiler)"
	awk -f "$here/repeats.awk" -f "$here/host.awk" "$OUT/host"
}

main "$@"
