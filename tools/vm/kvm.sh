# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# Whether QEMU may use hardware virtualisation. /dev/kvm can open and still hang every guest, so it
# is used only after a kernel has been seen to boot through it. Sourced by run.sh, after boot.sh and
# initramfs.sh.
# shellcheck disable=SC2034 # the answers are for run.sh

readonly KVM_PROBE_LIMIT=15

# kvm_choose IMAGE QEMU_ARGS WORK: sets KVM_ACCELERATOR, for -accel, and KVM_MACHINE, for people.
kvm_choose() {
	case $2 in
	*-icount*)
		# Counting instructions is the emulator's, and it counts on one host thread only.
		KVM_ACCELERATOR=tcg,thread=single KVM_MACHINE='QEMU, TCG, icount'
		return
		;;
	esac
	if [ "$KERNEL_ARCH" = "$(uname -m)" ] && [ -r /dev/kvm ] && [ -w /dev/kvm ] && [ "$(kvm_probed "$1" "$3")" = works ]; then
		KVM_ACCELERATOR=kvm KVM_MACHINE='QEMU, KVM'
	else
		KVM_ACCELERATOR=tcg,thread=multi KVM_MACHINE='QEMU, TCG'
	fi
}

# kvm_probed IMAGE WORK: prints works or fails; asks the machine once for each kernel and host kernel.
kvm_probed() {
	local answer
	answer=$NEBULA_CACHE/kvm/$(sha256sum "$1" | cut -c1-10)-$(uname -r)
	if [ ! -e "$answer" ]; then
		mkdir -p "${answer%/*}"
		kvm_probe "$1" "$2" >"$answer.$$"
		mv "$answer.$$" "$answer"
		echo "  KVM on this machine: $(cat "$answer")" >&2
	fi
	cat "$answer"
}

# kvm_probe IMAGE WORK: boots a guest that has nothing to do.
kvm_probe() {
	local root=$2/kvm-root
	initramfs_lay_out "$root" "$REPO/tools/vm/guest/hello.sh" "$root"
	initramfs_pack "$root" "$root.gz"
	boot_qemu_command "$1" "$root.gz" kvm 1 512 ''
	boot_watch "$2/kvm.log" "$KVM_PROBE_LIMIT" "$KVM_PROBE_LIMIT" true "${BOOT_COMMAND[@]}"
	if grep -aqF '[nebula] verdict: 1 passed, 0 failed' "$2/kvm.log"; then
		echo works
	else
		echo fails
	fi
}
