# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# Rules that compile something. Sourced by lint.sh.

# faults LOG: what a compiler complained about, or else the end of the log; fails.
faults() {
	grep -E -A 4 'warning:|error:|undefined!' "$1" || grep -F '***' "$1" || tail -n 20 "$1"
	return 1
}

# build_without_warnings KERNEL
build_without_warnings() {
	"$REPO/tools/vm/build.sh" "$1" >/dev/null || faults "$LOGS/build-$1.log"
}

# public_headers: as a client includes them.
public_headers() {
	(cd "$REPO/include" && find nebula -name '*.h' | sort)
}

# client_build KERNEL DIR [MAKE ARGUMENTS...]: builds the .c files in DIR, each as a module, as a client would.
client_build() {
	local kernel=$1 dir=$2 file
	shift 2
	kernel_open "$kernel"
	{
		echo "ccflags-y := -I$REPO/include -Werror"
		for file in "$dir"/*.c; do
			echo "obj-m += $(basename "$file" .c).o"
		done
	} >"$dir/Kbuild"
	kernel_make "$dir" W=1 "$@" modules >"$dir.log" 2>&1 || faults "$dir.log"
}

# client_module NAME: a module's source on standard output, from lines of C on standard input.
client_module() {
	echo '// SPDX-License-Identifier: GPL-2.0-only'
	cat
	printf '\nMODULE_DESCRIPTION("%s");\nMODULE_LICENSE("GPL");\n' "$1"
}

# headers_compile_alone KERNEL: each first in its file, and twice.
headers_compile_alone() {
	local dir=$REPO/build/lint/headers-$1 header name
	rm -rf "$dir"
	mkdir -p "$dir"
	for header in $(public_headers); do
		name=$(basename "$header" .h)
		printf '#include <%s>\n#include <%s>\n#include <linux/module.h>\n' "$header" "$header" |
			client_module "$name" >"$dir/header_$name.c"
	done
	# Including a header is enough to depend on nebula_memory, see NEBULA_ABI.
	client_build "$1" "$dir" "KBUILD_EXTRA_SYMBOLS=$REPO/build/$1/Module.symvers"
}

# readme_blocks WHAT DIR: each C block of the READMEs after a line <!-- WHAT: NAME.c --> into a file.
readme_blocks() {
	mkdir -p "$2"
	awk -v what="<!-- $1: " -v dir="$2" '
		index($0, what) == 1 {
			file = substr($0, length(what) + 1)
			file = dir "/" substr(file, 1, index(file, " ") - 1)
			next
		}
		/^```/ && inside { inside = 0; file = ""; next }
		/^```c/ && file != "" { inside = 1; next }
		inside { print > file }
	' README.md tools/samples/README.md
	ls "$2"/*.c || {
		echo "no README has a C block marked <!-- $1: NAME.c -->"
		return 1
	}
}

# readme_clients_compile: clients are modules as they stand, snippets are functions never called.
readme_clients_compile() {
	local dir=$REPO/build/lint/readme file
	rm -rf "$dir"
	readme_blocks client "$dir"
	readme_blocks snippet "$dir/snippets"
	for file in "$dir"/snippets/*.c; do
		{
			printf '#include <linux/module.h>\n#include <nebula/nebula.h>\n\n'
			sed 's/^static /static __maybe_unused /' "$file"
		} | client_module snippet >"$dir/$(basename "$file")"
	done
	client_build stock "$dir" "KBUILD_EXTRA_SYMBOLS=$REPO/build/stock/Module.symvers"
}

# sparse_is_silent: on stock, because sparse does not understand the 7.x headers.
sparse_is_silent() {
	local log=$LOGS/lint-sparse.log checked
	kernel_open stock
	kernel_make "$REPO/build/stock" -k NEBULA_EXTRA=y W=1 NEBULA_WERROR=y C=2 CHECK=sparse modules >"$log" 2>&1 ||
		tail -n 3 "$log"
	if grep -E 'warning:|error:|\*\*\*' "$log" | sort -u; then
		return 1
	fi
	checked=$(grep -c '^  CHECK ' "$log" || true)
	echo "sparse read $checked files"
	[ "$checked" -gt 0 ]
}

# What the module can do without, and says so where it is asked for.
readonly OPTIONS='DEBUG_FS STACKTRACE TRACEPOINTS FAULT_INJECTION KALLSYMS'

# builds_without_options: what knows of them compiles on stock as if it had none of them.
builds_without_options() {
	local dir=$REPO/build/lint/without option objects
	rm -rf "$dir"
	mkdir -p "$dir"
	for option in $OPTIONS; do
		echo "#undef CONFIG_$option"
	done >"$dir.h"
	(cd "$REPO" && find Kbuild module include -name '*.[ch]' -o -name Kbuild) | rsync -a --files-from=- "$REPO/" "$dir/"
	mapfile -t objects < <(cd "$dir" && grep -lE 'debugfs|stack_save|tracepoint|trace/events|fault|KALLSYMS|DEBUG_FS' \
		module/*.c module/*/*.c | sed 's/c$/o/')
	kernel_open stock
	kernel_make "$dir" W=1 NEBULA_WERROR=y KCFLAGS="-include $dir.h" "${objects[@]}" >"$dir.log" 2>&1 || faults "$dir.log"
	echo "${#objects[@]} objects"
	[ "${#objects[@]}" -gt 8 ]
}
