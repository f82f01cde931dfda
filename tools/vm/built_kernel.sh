# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# Builds debug, uml and bare from source: allnoconfig, plus a fragment of which every line must survive.
# Sourced by prepare.sh, after kernels.sh and source.sh.

# built_kernel_prepare NAME
built_kernel_prepare() {
	local name=$1 source version
	source_prepare
	source=$(source_find)
	version=$(make -s -C "$source" kernelversion)
	built_kernel_make "$name" "$source" "$NEBULA_CACHE/kernels/$name-$version-$(kernel_key "$name")"
}

# built_kernel_make NAME SOURCE TARGET: TARGET appears when the build is complete, never before.
built_kernel_make() {
	local name=$1 source=$2 target=$3 log=$LOGS/build-$1-kernel.log
	local work=$NEBULA_CACHE/kernels/.building-$1
	rm -rf "$work"
	mkdir -p "$work" "$LOGS"
	: >"$log"
	progress_run "configure the $name kernel" "$log" built_kernel_configure "$name" "$source" "$work" ||
		progress_fail "the $name kernel could not be configured"
	built_kernel_fragment_kept "$name" "$work"
	BUILT_KERNEL_WORK=$work PROGRESS_DETAIL=built_kernel_objects \
		progress_run "build the $name kernel ${target##*/}" "$log" built_kernel_compile "$name" "$source" "$work" ||
		progress_fail "the $name kernel could not be built"
	# The only place where a build tree knows its own name.
	sed -i "s|^export KBUILD_OUTPUT = .*|export KBUILD_OUTPUT = $target|" "$work/Makefile"
	rm -rf "$target"
	mv "$work" "$target"
}

built_kernel_in() {
	local name=$1 source=$2 work=$3
	shift 3
	make -s -C "$source" ARCH="$(kernel_arch "$name")" O="$work" "$@"
}

built_kernel_configure() {
	built_kernel_in "$@" allnoconfig &&
		(cd "$2" && kernel_fragments "$1" | xargs scripts/kconfig/merge_config.sh -m -O "$3" "$3/.config") &&
		built_kernel_in "$@" olddefconfig
}

# built_kernel_fragment_kept NAME WORK: Kconfig drops a line in silence when a dependency is missing.
built_kernel_fragment_kept() {
	local lost
	lost=$(kernel_fragments "$1" | xargs grep -hE '^(CONFIG_|# CONFIG_)' | grep -vxFf "$2/.config" || true)
	[ -z "$lost" ] || progress_fail "Kconfig dropped these lines of $(kernel_fragments "$1" | tail -n 1):" "$lost"
}

built_kernel_compile() {
	case $1 in
	uml | bare | gcov) built_kernel_in "$@" -j"$(nproc)" linux modules ;;
	*) built_kernel_in "$@" -j"$(nproc)" bzImage modules ;;
	esac
}

built_kernel_objects() {
	echo "$(find "$BUILT_KERNEL_WORK" -name '*.o' | wc -l) objects"
}
