# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# The order of accesses in what was compiled: what the sources ask for is one thing, what a compiler makes
# of plain words another. Sourced by lint.sh.

# What gcc is told and clang does not know; the order of accesses does not depend on it.
readonly ORDER_NOT_CLANG='-mfunction-return=*|-mindirect-branch*|-fconserve-stack|-mrecord-mcount|-mfentry|-pg|-ftrivial-auto-var-init=*|-mpreferred-stack-boundary=*|-fno-allow-store-data-races|-falign-*|-fplugin*|-mskip-rax-setup|-W*|-fzero-call-used-regs*|-mharden-sls*|-fmin-function-alignment*'

# order_objects DIR: the probe and a part of the module, by the compiler of the stock kernel.
order_objects() {
	rm -rf "$1"
	mkdir -p "$1/gcc" "$1/clang"
	rsync -a --exclude='*.o' --exclude='.*' "$REPO/Kbuild" "$REPO/include" "$REPO/module" "$1/"
	cp tools/lint/order/probe.c "$1/probe.c"
	echo 'obj-m += probe.o' >>"$1/Kbuild"
	kernel_make "$1" NEBULA_EXTRA= probe.o module/bump/owner.o >"$1/build.log" 2>&1 || faults "$1/build.log"
	cp "$1/probe.o" "$1/module/bump/owner.o" "$1/gcc/"
}

# order_clang CMD SOURCE OBJECT: compiles as the kernel's build did, by its .cmd file, with clang.
order_clang() {
	local word words=() next=''
	while IFS= read -r word; do
		if [ -n "$next" ]; then
			next=''
			continue
		fi
		# shellcheck disable=SC2254 # a list of patterns
		case $word in
		-o) next=skip ;;
		*.c | -c) ;;
		*) eval "case \$word in $ORDER_NOT_CLANG) ;; *) words+=(\"\$word\") ;; esac" ;;
		esac
	done < <(sed -n 's/^[a-z]*cmd_[^ ]* := *[^ ]*gcc[^ ]* //p' "$1" | sed 's/ ; .*//' | xargs printf '%s\n')
	(cd "$KERNEL_TREE" && clang -w -mstack-alignment=8 "${words[@]}" -c -o "$3" "$2")
}

# order_check COMPILER OBJECT NAME
order_check() {
	objdump -d --no-show-raw-insn "$2" >"$2.code"
	awk -v object="$3" -f tools/lint/order.awk "$dir/fields" tools/lint/order.txt "$2.code" | sed "s/^/$1: /"
	return "${PIPESTATUS[0]}"
}

# order_is_kept COMPILER: gcc or clang.
order_is_kept() {
	local dir=$REPO/build/lint/order-$1 bad=0
	[ "$(uname -m)" = x86_64 ] || { echo "objects of $(uname -m) are not read yet" && return 77; }
	command -v "$1" >/dev/null || { echo "$1 is not installed" && return 77; }
	kernel_open stock
	order_objects "$dir"
	nm "$dir/probe.o" >"$dir/fields"
	if [ "$1" = clang ]; then
		order_clang "$dir/.probe.o.cmd" "$dir/probe.c" "$dir/clang/probe.o"
		order_clang "$dir/module/bump/.owner.o.cmd" "$dir/module/bump/owner.c" "$dir/clang/owner.o"
	fi
	order_check "$1" "$dir/$1/probe.o" probe || bad=1
	order_check "$1" "$dir/$1/owner.o" bump/owner || bad=1
	return "$bad"
}
