# shellcheck shell=dash
# SPDX-License-Identifier: GPL-2.0-only
# Loads what packages have installed, as a system does: by name. Run by `make install-test`, which puts the
# directories first and later beside this script: what there is in /lib/modules/KERNEL after an installation,
# and after an upgrade. The client in both is the one that was built before the upgrade.

nebula=/sys/kernel/debug/nebula_memory
modules=/lib/modules/$(uname -r)

# installed NAME: in place of what was installed before.
installed() {
	rm -rf "$modules"
	mkdir -p /lib/modules
	cp -r "./$1" "$modules"
}

client_loads_it() {
	modprobe client || return 1
	lsmod
	[ -d /sys/module/nebula_memory/holders/client ] && dmesg | grep 'client has 65536 bytes'
}

version() {
	cat /sys/module/nebula_memory/srcversion
}

# The file of the same name, which may be another one than what is loaded.
file_differs() {
	cmp "$modules/updates/dkms/nebula_memory.ko" ./first/updates/dkms/nebula_memory.ko
	[ $? -eq 1 ]
}

upgrade_while_loaded() {
	loaded=$(version)
	installed later
	file_differs && [ "$(version)" = "$loaded" ] && cat "$nebula/info"
}

# What modules-load.d does at boot: each line of its files is a name for modprobe.
load_at_boot() {
	mkdir -p /etc/modules-load.d
	echo nebula_memory >/etc/modules-load.d/nebula_memory.conf
	cat /etc/modules-load.d/*.conf | while read -r name; do
		modprobe "$name" || return 1
	done
	[ -d /sys/module/nebula_memory ]
}

if grep -q module.sig_enforce=1 /proc/cmdline; then
	step 'install' installed first
	step 'an unsigned module is refused' sh -c '! modprobe nebula_memory && ! [ -e /sys/module/nebula_memory ]'
	step 'the log says why' sh -c 'dmesg | grep -E "unsigned module|module verification failed|Key was rejected|is rejected"'
elif grep -q debugfs=off /proc/cmdline; then
	step 'install' installed first
	step 'there is no debugfs' sh -c "! [ -e $nebula ]"
	step 'a client loads, and what it needs' client_loads_it
	step 'unload both' sh -c 'rmmod client && rmmod nebula_memory'
	step 'load it again' modprobe nebula_memory
	step 'unload it' rmmod nebula_memory
else
	step 'install' installed first
	step 'a client loads, and what it needs' client_loads_it
	step 'it cannot be unloaded while a client uses it' sh -c '! rmmod nebula_memory'
	step 'an upgrade while it is loaded changes nothing yet' upgrade_while_loaded
	step 'unload both' modprobe -r client
	step 'the client of before loads with the new one' client_loads_it
	step 'unload both again' sh -c 'rmmod client && { rmmod nebula_memory || [ ! -e /sys/module/nebula_memory ]; }'
	step 'load it at boot' load_at_boot
	step 'unload it' rmmod nebula_memory
fi
