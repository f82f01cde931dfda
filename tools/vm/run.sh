#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Boots a kernel with this tree's modules, runs a guest script in it and judges the run:
#
#   tools/vm/run.sh KERNEL GUEST [OPTIONS] [-- FILES...]
#
# GUEST is a script in tools/vm/guest/; FILES lie beside it in the guest's /nebula/. prepare.sh and
# build.sh must have run for KERNEL. Status 0 only when the verdict is good. Called by the Makefile,
# check.sh and the bench.
#
#   --smp N          CPUs (2)                        --mem MB       memory (1024)
#   --append ARGS    more kernel arguments           --timeout S    time limit for the whole run
#   --qemu ARGS      more QEMU arguments             --log NAME     build/logs/NAME.log
#   --modules DIR    modules built there             --show         print what the guest prints
#   --story FILE     print the parts of it that FILE names, see tools/demo/story
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
# shellcheck source=tools/progress.sh
. "$here/../progress.sh"
# shellcheck source=tools/vm/kernels.sh
. "$here/kernels.sh"
# shellcheck source=tools/vm/initramfs.sh
. "$here/initramfs.sh"
# shellcheck source=tools/vm/boot.sh
. "$here/boot.sh"
# shellcheck source=tools/vm/kvm.sh
. "$here/kvm.sh"
# shellcheck source=tools/vm/show.sh
. "$here/show.sh"
# shellcheck source=tools/vm/verdict.sh
. "$here/verdict.sh"

run_usage() {
	progress_fail 'usage: tools/vm/run.sh KERNEL GUEST [OPTIONS] [-- FILES...], see the head of the script'
}

# run_arguments ARGS...: sets kernel, guest, files and one variable for each option.
run_arguments() {
	[ $# -ge 2 ] || run_usage
	kernel=$1 guest=$REPO/tools/vm/guest/$2 files=()
	cpus=2 memory=1024 append='' qemu='' timeout='' log=$1-${2%.sh} modules=$REPO/build/$1 show='' out=''
	shift 2
	while [ $# -gt 0 ] && [ "$1" != -- ]; do
		case $1 in
		--show)
			show=show_new_lines
			shift
			continue
			;;
		--smp | --mem | --append | --qemu | --timeout | --log | --modules | --story | --out) [ $# -ge 2 ] || run_usage ;;
		*) run_usage ;;
		esac
		case $1 in
		--smp) cpus=$2 ;;
		--mem) memory=$2 ;;
		--append) append="$append $2" ;;
		--qemu) qemu="$qemu $2" ;;
		--timeout) timeout=$2 ;;
		--log) log=$2 ;;
		--modules) modules=$(realpath -m -- "$2") ;;
		--out) out=$(realpath -m -- "$2") ;;
		--story) show=show_new_lines && show_story "$2" ;;
		esac
		shift 2
	done
	[ $# -eq 0 ] || files=("${@:2}")
	kernel_check "$kernel"
	[ -e "$guest" ] || progress_fail "no guest script $guest"
	[ -e "$modules/modules.order" ] || progress_fail "no modules in $modules: run tools/vm/build.sh $kernel"
	log=$LOGS/$log.log
}

# run_limits: how long this kernel may take to its init, and altogether.
run_limits() {
	case $kernel in
	stock | newest) init_limit=60 timeout=${timeout:-180} ;;
	debug)
		init_limit=240 timeout=${timeout:-1500}
		# Slab debugging turns off the slabs' per-CPU caches, whose stale slots hide leaks from kmemleak.
		# It also turns off the hashing of pointers; with hashing, the raw ones stand out.
		# KASAN is to report each fault, not only the first.
		append="numa=fake=2 slab_debug=FZ hash_pointers=always kasan_multi_shot $append"
		;;
	uml | bare | gcov)
		init_limit=30 timeout=${timeout:-600}
		# Most of what the suites do here would be waiting for grace periods; the debug kernel waits.
		append="rcupdate.rcu_expedited=1 $append"
		;;
	esac
	# The guest's init has this in its environment.
	append="nebula_kernel=$kernel $append"
}

run_command() {
	machine=UML
	if [ "$KERNEL_ARCH" = um ]; then
		boot_uml_command "$KERNEL_IMAGE" "$work/root" "$cpus" "$memory" "$append"
		return
	fi
	kvm_choose "$KERNEL_IMAGE" "$qemu" "$work"
	machine=$KVM_MACHINE
	initramfs_pack "$work/root" "$work/initramfs.gz"
	# shellcheck disable=SC2086 # arguments, separated by white space
	boot_qemu_command "$KERNEL_IMAGE" "$work/initramfs.gz" "$KVM_ACCELERATOR" "$cpus" "$memory" "$append" $qemu
}

# run_guest: starts the guest that BOOT_COMMAND names and comes back when it has ended.
run_guest() {
	: >"$log"
	[ -z "$show" ] || show_open "$log"
	PROGRESS_QUIET=$show progress_begin "run ${guest##*/} on $kernel $KERNEL_RELEASE ($machine, smp $cpus)"
	boot_watch "$log" "$init_limit" "$timeout" "${show:-true}" "${BOOT_COMMAND[@]}"
	[ -z "$show" ] || show_end
	progress_end 0
}

main() {
	run_arguments "$@"
	kernel_open "$kernel"
	run_limits
	mkdir -p "$LOGS"
	work=$(mktemp -d "${TMPDIR:-/tmp}/nebula-memory.XXXXXX")
	trap 'boot_end; rm -rf "$work"' EXIT
	trap 'exit 130' INT TERM HUP
	initramfs_lay_out "$work/root" "$guest" "$modules" ${files[@]+"${files[@]}"}
	run_command
	run_guest
	if [ "$BOOT_END" = no-init ]; then
		echo "  the $kernel guest did not reach its init within $init_limit s; starting it once more"
		mv "$log" "${log%.log}-no-init.log"
		run_guest
	fi
	[ "$BOOT_END" != no-init ] || timeout=$init_limit
	if [ -n "$out" ] && [ -d "$work/root/out" ]; then
		mkdir -p "$out" && cp -R "$work/root/out/." "$out/"
	fi
	verdict "$log" "$BOOT_END" "$BOOT_STATUS" "$timeout"
}

main "$@"
