# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
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
		keep(nebula_stack_create("x", .capacity = 0));|.capacity must not be zero
		keep(nebula_stack_create("x", .flags = NEBULA_SHARED));|.capacity must not be zero
		keep(nebula_stack_create("x", .capacity = SZ_1G + 1UL));|.capacity is more than 1 GiB
		keep(nebula_stack_create("x", .capacity = 4096, .max_capacity = 8192));|has no member named 'max_capacity'
		keep(nebula_scratch_create("x", .gfp = GFP_NOIO));|.per_cpu_size must not be zero
		keep(nebula_scratch_create("x", .per_cpu_size = SIZE_MAX));|.per_cpu_size is more than 1 GiB
		keep(nebula_scratch_create("x", .capacity = 4096));|has no member named 'capacity'
		keep(nebula_pool_create_for("x", struct item, 0));|.blocks must not be zero
		nebula_pool_free(bump, space);|incompatible pointer type
		nebula_bump_reset(any);|incompatible pointer type
		keep(nebula_stack_alloc(bump, 8, 8));|incompatible pointer type
		keep(nebula_alloc(space, 8, 8));|no pointer to an allocator
		keep(nebula_alloc((void *)bump, 8, 8));|no pointer to an allocator
		keep(nebula_alloc(&bump, 8, 8));|no pointer to an allocator
		keep(nebula_alloc((const struct nebula_pool *)pool, 8, 8));|no pointer to an allocator
		keep(nebula_zalloc(kept, 8, 8));|no pointer to an allocator
		keep(nebula_alloc_obj((struct item *)space, struct item));|no pointer to an allocator
		keep(nebula_zalloc_objs(space, struct item, 3));|no pointer to an allocator
		keep(nebula_alloc_flex(space, struct many, items, 3));|no pointer to an allocator
		keep(nebula_new(space, struct item, .a = 1));|no pointer to an allocator
		nebula_free(space, kept);|no pointer to an allocator
		nebula_free_sized(kept, space, 8);|no pointer to an allocator
		nebula_free_obj(item, item);|no pointer to an allocator
		nebula_free_obj(item, pool);|no pointer to an allocator
		nebula_last_error(space, (struct nebula_error *)space);|no pointer to an allocator
		nebula_stats_read(item, (struct nebula_stats *)space);|no pointer to an allocator
		kept = nebula_owns(kept, space) ? space : NULL;|no pointer to an allocator
		keep(nebula_allocator_of(space));|no pointer to an allocator
		nebula_last_error(pool, space);|incompatible pointer type
		keep(nebula_alloc_obj(pool, struct unknown));|incomplete type
		struct many *m = nebula_alloc_obj(pool, struct item); keep(m);|incompatible pointer type
		keep(nebula_new(pool, struct item, .c = 1));|has no member named 'c'
		keep(nebula_alloc_flex(pool, struct item, items, 3));|has no member named 'items'
		nebula_pool_of(struct item) items; nebula_pool_of_free(&items, (struct many *)space);|an object of another type
		nebula_pool_of(struct item) items; nebula_pool_of_free(&items, &item);|an object of another type
		nebula_pool_of(struct item) items; struct many *m = nebula_pool_of_alloc(&items); keep(m);|incompatible pointer type
		nebula_pool_of(struct item) items; kept = nebula_pool_of_create(&items, "x", 0) ? space : NULL;|.blocks must not be zero
		nebula_pool_of(struct item) items; nebula_free_obj(&items, item);|no pointer to an allocator
		NEBULA_AUTO_OBJ(kept, struct item, p); keep(p);|no pointer to an allocator
		NEBULA_AUTO_OBJ(pool, struct item, p); struct many *m = nebula_no_free_ptr(p); keep(m);|incompatible pointer type
		keep(nebula_no_free_ptr(item));|'__nebula_auto_item' undeclared
		guard(nebula_bump)(pool); keep(pool);|incompatible pointer type
		scoped_guard(nebula_stack, bump) keep(bump);|incompatible pointer type
		nebula_with_pool(tmp, struct item, 0) keep(tmp);|.blocks must not be zero
		keep(nebula_fallback_create("x", bump));|nebula_parts_1
		keep(nebula_fallback_create("x"));|nebula_parts_0
		keep(nebula_fallback_create("x", bump, pool, any, pool, bump));|nebula_parts_5
		keep(nebula_fallback_create("x", bump, kept));|no pointer to an allocator
		keep(nebula_split_create("x", 64, kept, pool));|no pointer to an allocator
		nebula_composite_destroy(pool);|incompatible pointer type
		kept = (void *)nebula_align_up((unsigned long)kept, 24UL);|negative width in bit-field
		kept = (void *)nebula_align_up(7UL, 0);|negative width in bit-field
		kept = (void *)nebula_align_down((unsigned long)kept, 24UL);|negative width in bit-field
		kept = (void *)nebula_align_down(7UL, 0);|negative width in bit-field
		kept = nebula_is_aligned((unsigned long)kept, 24UL) ? space : NULL;|negative width in bit-field
		kept = nebula_is_aligned(7, -8) ? space : NULL;|negative width in bit-field
		kept = (void *)nebula_padding((unsigned long)kept, 12);|negative width in bit-field
		kept = (void *)nebula_padding(7, 0);|negative width in bit-field
		keep(nebula_cache_create("x", .value_size = 8, .entries = 8));|.key_size must not be zero
		keep(nebula_cache_create("x", .key_size = 5000, .value_size = 8, .entries = 8));|.key_size is more than 4 KiB
		keep(nebula_cache_create("x", .key_size = 8, .entries = 8));|.value_size must not be zero
		keep(nebula_cache_create("x", .key_size = 8, .value_size = SZ_2M, .entries = 8));|.value_size is more than 1 MiB
		keep(nebula_cache_create("x", .key_size = 8, .value_size = 8));|.entries must not be zero
		keep(nebula_cache_create("x", .key_size = 8, .value_size = 8, .entries = -1));|.entries is more than 2^24
		keep(nebula_budget_create("x", .per_alloc = 1));|.limit must not be zero
		keep(nebula_budget_create("x", .limit = -1UL));|.limit overflows
		keep(nebula_budget_create("x", .limit = 1, .critical = 101));|.critical is more than 100 percent
		keep(nebula_budget_create("x", .limit = 1, .high = 95));|.high is more than .critical
		keep(nebula_budget_of("x", 0));|.limit must not be zero
		keep(nebula_budget_create("x", .limit = 1, .size = 1));|has no member named 'size'
		NEBULA_BUDGET_TREE(t, (all, none, 100, strict), (a, all, 60, loose), (b, all, 41, loose)); keep(t.a);|the budgets below all exceed its limit
		NEBULA_BUDGET_TREE(t, (a, all, 60, loose), (all, none, 200, strict), (b, a, 61, loose), (c, a, 1, strict), (d, c, 2, loose)); keep(t.a);|the budgets below c exceed its limit
		NEBULA_BUDGET_TREE(t, (all, none, 0, loose)); keep(t.all);|the limit of all is out of range
		NEBULA_BUDGET_TREE(t, (all, none, 100, strict), (a, al, 60, loose)); keep(t.a);|t_al
		NEBULA_BUDGET_TREE(t, (all, none, 100, tight)); keep(t.all);|NEBULA_TREE_IS_tight
		static NEBULA_DEFINE_ALLOCATOR(mine, .allocate = NULL); keep(&mine);|has no member named 'allocate'
	END
}

# refused_module BODY: a module whose only fault is in BODY.
refused_module() {
	cat <<-END
		#include <linux/module.h>
		#include <nebula/nebula.h>

		struct item { int a, b; };
		struct many { int count; struct item items[]; };

		static char space[64];
		static void *kept;
		static struct nebula_bump *bump;
		static struct nebula_pool *pool;
		static struct nebula_allocator *any;
		static struct item *item;

		static void keep(void *p)
		{
			kept = p;
		}

		static int __init refused_init(void)
		{
			$1
			keep(space);
			keep(nebula_alloc_obj(pool, *item));
			keep(nebula_fallback_create("x", bump, any));
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
		grep "refused_$n\.c" -A 3 "$dir.log" | sed "s/[‘’]/'/g" | grep -F "$message" >/dev/null ||
			! echo "no '$message' for: $body" || missing=1
	done < <(refused_lines)
	[ -e "$dir/accepted.o" ] || ! echo 'what is right does not compile either' || missing=1
	echo "$n refused"
	return "$missing"
}
