# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# Starts a guest and watches it until it ends or runs out of time. Sourced by run.sh and
# selftest.sh, after kernels.sh.
#
# A guest is one process group: ending the group ends QEMU as well as all processes of a UML.

BOOT_GUEST=''

# boot_watch LOG INIT_LIMIT LIMIT POLL COMMAND...: runs COMMAND with its output in LOG, and calls
# the function POLL ten times a second until it ends. Sets BOOT_END to exited (then BOOT_STATUS is
# its status), no-init (the guest's init did not appear in INIT_LIMIT seconds) or timeout (LIMIT
# seconds are over).
boot_watch() {
	local log=$1 init_limit=$2 limit=$3 poll=$4 begin=$SECONDS init='' idle
	shift 4
	: >"$log"
	setsid "$@" </dev/null >"$log" 2>&1 &
	BOOT_GUEST=$!
	BOOT_END=exited
	exec {idle}<> <(:)
	while kill -0 "$BOOT_GUEST" 2>/dev/null; do
		read -r -t 0.1 -u "$idle" || true
		"$poll"
		[ -n "$init" ] || ! grep -aqF '[nebula] init' "$log" || init=reached
		if [ -z "$init" ] && [ $((SECONDS - begin)) -ge "$init_limit" ]; then
			BOOT_END=no-init
			break
		elif [ $((SECONDS - begin)) -ge "$limit" ]; then
			BOOT_END=timeout
			break
		fi
	done
	exec {idle}<&-
	[ "$BOOT_END" = exited ] || boot_end
	"$poll"
	BOOT_STATUS=0
	# shellcheck disable=SC2034 # for those who source this
	wait "$BOOT_GUEST" 2>/dev/null || BOOT_STATUS=$?
	BOOT_GUEST=''
}

# boot_end: ends the guest, if one runs, with every process it made.
boot_end() {
	[ -z "$BOOT_GUEST" ] || kill -KILL -- "-$BOOT_GUEST" 2>/dev/null || true
}

# boot_qemu_command KERNEL_IMAGE INITRAMFS ACCELERATOR CPUS MEMORY APPEND EXTRA...: sets BOOT_COMMAND.
boot_qemu_command() {
	local image=$1 initramfs=$2 accelerator=$3 cpus=$4 memory=$5 append=$6 console=ttyS0
	shift 6
	BOOT_COMMAND=(qemu-system-x86_64)
	case ${KERNEL_ARCH:-} in
	arm64) BOOT_COMMAND=(qemu-system-aarch64 -M 'virt,gic-version=3') console=ttyAMA0 ;;
	riscv) BOOT_COMMAND=(qemu-system-riscv64 -M virt) ;;
	esac
	BOOT_COMMAND+=(-accel "$accelerator" -cpu "${NEBULA_CPU:-max}" -smp "$cpus" -m "$memory"
		-nographic -no-reboot -nic none -monitor none
		-kernel "$image" -initrd "$initramfs"
		-append "console=$console panic=-1 no_timer_check loglevel=7 printk.devkmsg=on log_buf_len=4M $append" "$@")
}

# boot_uml_command KERNEL_IMAGE ROOT CPUS MEMORY APPEND: sets BOOT_COMMAND.
boot_uml_command() {
	BOOT_COMMAND=(env "TMPDIR=$(boot_uml_memory "$4" "$2")" "$1" seccomp=on ncpus="$3" mem="$4M"
		"uml_dir=$2.uml/" "hostfs=$2" rootfstype=hostfs rootflags=/ rw con=null "con0=fd:0,fd:1"
		panic=-1 loglevel=7 printk.devkmsg=on log_buf_len=4M)
	# shellcheck disable=SC2206 # kernel arguments, separated by white space
	BOOT_COMMAND+=($5 init=/init)
}

# boot_uml_memory MB ROOT: a directory for the file that is the guest's memory; it is deleted as
# soon as it is open. Shared memory is fast, but a container may have very little of it.
boot_uml_memory() {
	local free
	free=$(df --output=avail -m /dev/shm 2>/dev/null | tail -n 1 || true)
	if [ "${free:-0}" -gt "$1" ]; then
		echo /dev/shm
	else
		dirname "$2"
	fi
}
