# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# What may run in an NMI. Sourced by lint.sh.

readonly CONTEXT_FLAGS=(
	-ffunction-sections -fno-inline-functions -fno-inline-small-functions
	-fno-inline-functions-called-once -fno-ipa-cp
)

# context_objects DIR: the objects of nebula_memory for stock, with each function in a section of
# its own, and none made a part of another unless its source says so.
context_objects() {
	local dir=$1 objects
	mkdir -p "$dir"
	rsync -a --delete --exclude='*.o' --exclude='.*' "$REPO/Kbuild" "$REPO/include" "$REPO/module" "$dir/"
	# What a source that has moved left behind.
	find "$dir/module" -name '*.o' | while read -r object; do
		[ -e "${object%o}c" ] || rm -f "$object"
	done
	kernel_open stock
	mapfile -t objects < <(cd "$dir" && printf '%s\n' module/*.c module/*/*.c | sed 's/c$/o/')
	kernel_make "$dir" NEBULA_EXTRA= KCFLAGS="${CONTEXT_FLAGS[*]}" "${objects[@]}" >"$dir.log" 2>&1 ||
		faults "$dir.log"
}

# nmi_takes_no_lock: what an NMI reaches of this module calls nothing of the kernel's that
# contexts.txt does not vouch for.
nmi_takes_no_lock() {
	local dir=$REPO/build/lint/contexts
	context_objects "$dir"
	sed -n 's/^EXPORT_SYMBOL_GPL(\([a-z0-9_]*\)).*/\1/p' "$dir"/module/*.c "$dir"/module/*/*.c >"$dir/exports.txt"
	(cd "$dir/module" && objdump -t ./*.o ./*/*.o) >"$dir/symbols"
	(cd "$dir/module" && objdump -dr --no-show-raw-insn ./*.o ./*/*.o) >"$dir/code"
	awk -f tools/lint/contexts.awk tools/lint/contexts.txt "$dir/exports.txt" "$dir/symbols" "$dir/code"
}
