# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# A throw-away copy of this system, in which something can be installed as root: what is written
# there lies in memory and is gone when the command ends. Sourced by test.sh, after kernels.sh and
# packages.sh.
#
# This system's own files shine through, so it takes no time; it has this system's kernel, and none
# can be loaded. uname -r answers with the release of the stock kernel there.

# Packages that are installed in the copy; they are fetched once.
readonly ROOT_ARCHIVES=$NEBULA_CACHE/archive/root

# root_why_not: why there can be no copy, or nothing.
root_why_not() {
	if ! packages_root true >/dev/null; then
		echo 'it takes root, or sudo without a password'
	elif ! command -v apt-get >/dev/null; then
		echo 'this system has no apt-get'
	elif ! root_run true >/dev/null 2>&1; then
		echo 'an overlay over this system cannot be mounted'
	fi
}

# root_run COMMAND...: in a copy, in which $WORK, $NEBULA_CACHE and the compiler's cache are the real ones.
root_run() {
	mkdir -p "$ROOT_ARCHIVES/partial" "$WORK/root"
	# shellcheck disable=SC2016 # the inner shell's
	packages_root unshare --mount --pid --fork --kill-child sh -ec '
		mount=$1 cache=$2 archives=$3 ccache=$4 release=$5
		shift 5
		mount -t tmpfs -o mode=755,size=80% tmpfs "$mount"
		mkdir "$mount/upper" "$mount/work" "$mount/root"
		mount -t overlay overlay -o "lowerdir=/,upperdir=$mount/upper,workdir=$mount/work" "$mount/root"
		root=$mount/root
		for dir in "$cache" "${mount%/root}" "$ccache"; do
			[ -d "$dir" ] || continue
			mkdir -p "$root$dir"
			mount --bind "$dir" "$root$dir"
		done
		mount -t proc proc "$root/proc"
		mount --rbind /dev "$root/dev"
		mkdir -p "$root$archives/partial" "$root/usr/local/bin"
		printf "#!/bin/sh\n[ \"\$*\" != -r ] || exec echo %s\nexec /bin/uname \"\$@\"\n" "$release" >"$root/usr/local/bin/uname"
		chmod 755 "$root/usr/local/bin/uname"
		PATH=/usr/local/bin:$PATH exec chroot "$root" "$@"
	' sh "$WORK/root" "$NEBULA_CACHE" "$ROOT_ARCHIVES" "${CCACHE_DIR:-$HOME/.cache/ccache}" "$KERNEL_RELEASE" "$@"
}

# root_checks SCRIPT ARGS...: runs SCRIPT there, which ends in a line of counts, and adds them.
root_checks() {
	local log=$LOGS/install-root.log last
	# What DKMS builds there is the same every time.
	root_run env "PATH=/usr/local/bin:/usr/lib/ccache:$PATH" "ROOT_ARCHIVES=$ROOT_ARCHIVES" "WORK=$WORK" "TREE=$TREE" "$@" 2>&1 |
		tee "$log" | sed -u '$d' || true
	last=$(tail -n 1 "$log")
	if [[ $last =~ ^([0-9]+)' passed, '([0-9]+)' failed'(', '([0-9]+)' skipped')?$ ]]; then
		passed=$((passed + BASH_REMATCH[1])) failed=$((failed + BASH_REMATCH[2]))
		skipped=$((skipped + ${BASH_REMATCH[4]:-0}))
	else
		failed=$((failed + 1))
		printf '  FAIL %s did not end: %s\n' "$1" "$last"
	fi
}

test_root() {
	local why
	why=$(root_why_not)
	if [ -n "$why" ]; then
		skip 'installation in a whole system, and DKMS' "$why"
	else
		root_checks "$TREE/tools/install/root_test.sh"
	fi
}
