# shellcheck shell=bash
# What must not compile, and what the compiler has to say of it. Sourced by lint.sh.

# refused_lines: body of a function|message.
refused_lines() {
	cat <<-'END'
		keep(nebula_bump_create("x", .capacity = 0));|.capacity must not be zero
		keep(nebula_bump_create("x", .flags = NEBULA_GROW));|.capacity must not be zero
		keep(nebula_bump_create("x", .capacity = SIZE_MAX));|.capacity overflows
		keep(nebula_bump_create("x", .capacity = 4096, .max_capacity = -1UL));|.max_capacity overflows
		keep(nebula_bump_create("x", .buffer = space, .buffer_size = 64, .flags = NEBULA_GROW));|.buffer excludes NEBULA_GROW
		keep(nebula_bump_create("x", .capacity = 4096, .blocks = 3));|has no member named 'blocks'
		keep(nebula_pool_create("x", .blocks = 8));|.block_size must not be zero
		keep(nebula_pool_create("x", .block_size = 64));|.blocks must not be zero
		keep(nebula_pool_create("x", .block_size = 64, .blocks = -1U));|.blocks is more than 2^31
		keep(nebula_pool_create("x", .block_size = 64, .blocks = 8, .align = 24));|.align must be a power of two
		keep(nebula_pool_create("x", .block_size = 64, .blocks = 8, .align = SZ_64K));|.align must not be larger than a page
		keep(nebula_pool_create("x", .block_size = SIZE_MAX / 4, .blocks = 8));|.block_size * .blocks overflows
		keep(nebula_pool_create("x", .block_size = 64, .blocks = 8, .capacity = 512));|has no member named 'capacity'
		nebula_pool_free((struct nebula_bump *)space, space);|incompatible pointer type
		nebula_last_error(space, (struct nebula_error *)space);|_Generic
		nebula_bump_reset((struct nebula_allocator *)space);|incompatible pointer type
	END
}

# refused_module BODY: a module whose only fault is in BODY.
refused_module() {
	cat <<-END
		#include <linux/module.h>
		#include <nebula/nebula.h>

		static char space[64];
		static void *kept;

		static void keep(void *p)
		{
			kept = p;
		}

		static int __init refused_init(void)
		{
			$1
			keep(space);
			return !kept;
		}
		module_init(refused_init);
	END
}

# Each is a module of its own, compiled with all others whatever comes of them.
wrong_code_does_not_compile() {
	local dir=$REPO/build/lint/refused body message n=0 missing=0
	rm -rf "$dir"
	mkdir -p "$dir"
	while IFS='|' read -r body message; do
		n=$((n + 1))
		refused_module "$body" | client_module refused >"$dir/refused_$n.c"
	done < <(refused_lines)
	refused_module '' | client_module refused >"$dir/accepted.c"
	if LC_MESSAGES=C client_build stock "$dir" -k >/dev/null 2>&1; then
		echo 'all of it compiles'
		return 1
	fi

	n=0
	while IFS='|' read -r body message; do
		n=$((n + 1))
		grep "refused_$n\.c" -A 3 "$dir.log" | sed "s/[‘’]/'/g" | grep -qF "$message" ||
			! echo "no '$message' for: $body" || missing=1
	done < <(refused_lines)
	[ -e "$dir/accepted.o" ] || ! echo 'what is right does not compile either' || missing=1
	echo "$n refused"
	return "$missing"
}
