# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# The programs of the host that we need: what for, how to tell that they are there, and how they
# are installed on a Debian system. Sourced by prepare.sh, lint.sh and the tests of
# nebulactl, after kernels.sh.
#
# A need counts as met when its program or header is there, wherever it came from; so on another
# distribution it is enough to have the programs.

# purpose, Debian package, what proves that it is there
readonly PACKAGES_TABLE='
module  make              command:make
module  gcc               command:gcc
module  libc6-dev         header:stdlib.h
module  rsync             command:rsync
boot    qemu-system-x86   command:qemu-system-x86_64
boot    cpio              command:cpio
guest   busybox-static    static:busybox
root    debootstrap       command:debootstrap
root    util-linux        command:unshare
source  flex              command:flex
source  bison             command:bison
source  bc                command:bc
source  perl              command:perl
source  python3           command:python3
source  xz-utils          command:xz
source  libelf-dev        header:libelf.h
source  libssl-dev        header:openssl/ssl.h
matrix-arm64 gcc-aarch64-linux-gnu  command:aarch64-linux-gnu-gcc
matrix-arm64 gcc-12-aarch64-linux-gnu command:aarch64-linux-gnu-gcc-12
matrix-arm64 libc6-dev-arm64-cross  file:/usr/aarch64-linux-gnu/include/stdio.h
matrix-arm64 qemu-system-arm        command:qemu-system-aarch64
bench   binutils          command:objdump
bench   gnuplot-nox       command:gnuplot
trace   bpftrace          command:bpftrace
docs    graphviz          command:dot
nebulactl  gcc                 command:gcc
nebulactl  make                command:make
nebulactl  libjansson-dev      header:jansson.h
nebulactl  libncurses-dev      header:curses.h
nebulactl-test tmux                command:tmux
nebulactl-test python3             command:python3
nebulactl-test python3-jsonschema  command:jsonschema
postmortem gdb             command:gdb
postmortem python3         command:python3
fuzz    clang               command:clang
fuzz    libclang-rt-14-dev  file:/usr/lib/llvm-14/lib/clang/14.0.6/lib/linux/libclang_rt.fuzzer-x86_64.a
lint    sparse            command:sparse
lint    shellcheck        command:shellcheck
lint    python3           command:python3
lint    perl              command:perl
'

# packages_ensure PURPOSE...: installs what is missing, or ends the script and says what is.
packages_ensure() {
	local missing
	missing=$(packages_missing "$@")
	[ -z "$missing" ] || packages_install "$missing"
	missing=$(packages_missing "$@")
	[ -z "$missing" ] || packages_give_up "$missing" "they were installed and still cannot be found"
}

# packages_missing PURPOSE...: one name a line.
packages_missing() {
	local purpose package proof
	while read -r purpose package proof; do
		case " $* " in
		*" $purpose "*) packages_proved "$proof" || echo "$package" ;;
		esac
	done <<<"$PACKAGES_TABLE" | sort -u
}

packages_proved() {
	local subject=${1#*:} path
	case $1 in
	command:*) command -v "$subject" >/dev/null ;;
	header:*) echo "#include <$subject>" | gcc -E -x c - >/dev/null 2>&1 ;;
	file:*) [ -e "$subject" ] ;;
	static:*)
		path=$(command -v "$subject") && ! LC_ALL=C ldd "$path" 2>/dev/null | grep -q '=>'
		;;
	esac
}

# packages_install NAMES: NAMES are separated by white space. Never removes a package.
# shellcheck disable=SC2086,SC2116 # a list of names
packages_install() {
	local names
	names=$(echo $1)
	command -v apt-get >/dev/null || packages_give_up "$names" "this system has no apt-get"
	packages_root true >/dev/null || packages_give_up "$names" "neither root nor sudo without a password"
	packages_update || packages_give_up "$names" "the package lists could not be fetched (no network?)"
	progress_run "install $names" "$LOGS/packages.log" packages_root apt-get \
		install --yes --no-install-recommends --no-remove $names ||
		packages_give_up "$names" "apt-get could not install them"
}

# packages_update: fetches the system's package lists, once a run.
packages_update() {
	[ -z "${PACKAGES_UPDATED:-}" ] || return 0
	packages_root true >/dev/null || return 1
	progress_run 'fetch the package lists' "$LOGS/packages.log" \
		packages_root apt-get -qq update --error-on=any || return 1
	PACKAGES_UPDATED=yes
}

# packages_root COMMAND...: as root, directly or through sudo when that asks for no password.
packages_root() {
	if [ "$(id -u)" -eq 0 ]; then
		DEBIAN_FRONTEND=noninteractive "$@"
	else
		command -v sudo >/dev/null && sudo -n env DEBIAN_FRONTEND=noninteractive "$@" 2>&1
	fi
}

# packages_give_up NAMES REASON: says what is missing and how to give it.
# shellcheck disable=SC2086,SC2116 # a list of names
packages_give_up() {
	local names
	names=$(echo $1)
	progress_fail "missing on this system: $names (names of Debian packages)" \
		"  not installed by this script: $2" \
		"  install them in the way of your distribution (Debian: apt-get install $names) and run this again;" \
		"  a kernel source tree of your own is taken from KERNEL_SRC=DIR," \
		"  another distribution kernel's build tree from KDIR=DIR with its image in KERNEL_IMAGE=FILE"
}
