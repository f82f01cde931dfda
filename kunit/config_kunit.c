// SPDX-License-Identifier: GPL-2.0-only
/*
 * Creating allocators: every field checked, every step failing once, nothing left behind.
 */
#include <linux/irqflags.h>
#include <linux/module.h>
#include <linux/notifier.h>
#include "fixture.h"

static u8 lent[4096] __aligned(8);

/**
 * struct bad_config - what nebula_bump_create_cfg() has to refuse, and how
 * @why: for the reader of a failure.
 * @what: field that the record names.
 * @code: code of the record.
 * @err: errno returned.
 * @cfg: the configuration; no field is a constant where it is used, so it compiles.
 */
struct bad_config {
	const char *why;
	const char *what;
	enum nebula_errc code;
	int err;
	struct nebula_bump_config cfg;
};

#define INVALID(field, reason, ...)								\
	{ reason, field, NEBULA_E_INVALID_CONFIG, -EINVAL, { __VA_ARGS__ } }
#define OVERFLOWS(field, reason, ...)								\
	{ reason, field, NEBULA_E_SIZE_OVERFLOW, -EOVERFLOW, { __VA_ARGS__ } }

static const struct bad_config bad_configs[] = {
	INVALID(".capacity", "no capacity", .capacity = 0),
	OVERFLOWS(".capacity", "all bits set", .capacity = SIZE_MAX),
	OVERFLOWS(".capacity", "one too many", .capacity = NEBULA_CAPACITY_MAX + 1),
	INVALID(".max_capacity", "limit without growth", .capacity = 4096, .max_capacity = 8192),
	INVALID(".max_capacity", "limit below capacity", .capacity = 8192, .max_capacity = 4096,
		.flags = NEBULA_GROW),
	OVERFLOWS(".max_capacity", "limit overflows", .capacity = 8192, .max_capacity = SIZE_MAX,
		  .flags = NEBULA_GROW),
	INVALID(".buffer and NEBULA_GROW", "both", .buffer = lent, .buffer_size = 4096,
		.flags = NEBULA_GROW),
	INVALID(".buffer_size", "buffer without size", .buffer = lent),
	INVALID(".buffer", "size without buffer", .capacity = 4096, .buffer_size = 4096),
	INVALID(".buffer_size", "capacity over buffer", .capacity = 8192, .buffer = lent,
		.buffer_size = 4096),
	OVERFLOWS(".buffer_size", "buffer wraps", .buffer = lent, .buffer_size = SIZE_MAX),
	INVALID(".buffer and .backing", "buffer as pages", .buffer = lent, .buffer_size = 4096,
		.backing = NEBULA_PAGES),
	INVALID(".backing", "buffer backing alone", .capacity = 4096, .backing = NEBULA_BUFFER),
	INVALID(".backing", "unknown backing", .capacity = 4096, .backing = 17),
	INVALID(".flags", "unknown flag", .capacity = 4096, .flags = BIT(30)),
	INVALID(".flags", "flag of pools", .capacity = 4096, .flags = NEBULA_STRICT),
	INVALID(".preset", "unknown preset", .capacity = 4096, .preset = 9),
	INVALID(".gfp", "high memory", .capacity = 4096, .gfp = GFP_HIGHUSER),
	INVALID(".node", "no such node", .capacity = 4096, .node = NEBULA_NODE(MAX_NUMNODES)),
	INVALID(".node", "negative node", .capacity = 4096, .node = -5),
};

static const char *const bad_names[] = {
	NULL, "", ".", "..", "a/b", "a b", "tab\t", "caf\xc3\xa9",
	"0123456789012345678901234567890123456789012345678901234567890123",
};

/* The newest error that the listener was told of. */
static struct nebula_error heard;

static int hear(struct notifier_block *nb, unsigned long code, void *data)
{
	heard = *(const struct nebula_error *)data;
	return NOTIFY_OK;
}

static struct notifier_block listener = { .notifier_call = hear };

static struct nebula_bump *create(const char *name, const struct nebula_bump_config *cfg)
{
	return nebula_bump_create_cfg(name, cfg, sizeof(*cfg), NEBULA_ABI, THIS_MODULE);
}

static void expect_refused(struct kunit *test, const char *name, const struct bad_config *bad)
{
	struct nebula_bump *b = create(name, &bad->cfg);

	nebula_error_flush();
	KUNIT_EXPECT_EQ_MSG(test, PTR_ERR_OR_ZERO(b), bad->err, "%s", bad->why);
	KUNIT_EXPECT_EQ_MSG(test, heard.code, bad->code, "%s", bad->why);
	KUNIT_EXPECT_STREQ_MSG(test, heard.what, bad->what, "%s", bad->why);
}

static void config_refusals(struct kunit *test)
{
	static const struct bad_config by_name = INVALID("name", "bad name", .capacity = 4096);
	unsigned int i;

	KUNIT_ASSERT_EQ(test, nebula_error_notifier_register(&listener), 0);
	for (i = 0; i < ARRAY_SIZE(bad_configs); i++)
		expect_refused(test, "x", &bad_configs[i]);
	for (i = 0; i < ARRAY_SIZE(bad_names); i++)
		expect_refused(test, bad_names[i], &by_name);
	nebula_error_notifier_unregister(&listener);
}

static void config_accepts_what_is_right(struct kunit *test)
{
	static const struct nebula_bump_config good[] = {
		{ .capacity = 1 },
		{ .capacity = 4096, .preset = NEBULA_DEVELOPMENT },
		{ .capacity = 4096, .gfp = GFP_NOFS },
		{ .capacity = SZ_1M, .gfp = GFP_NOIO },
		{ .capacity = 4096, .gfp = GFP_ATOMIC },
		{ .capacity = 4096, .gfp = GFP_KERNEL_ACCOUNT },
		{ .capacity = 4096, .flags = NEBULA_SHARED, .gfp = GFP_NOFS },
		{ .capacity = 4096, .flags = NEBULA_SHARED | NEBULA_GROW | NEBULA_ZERO },
		{ .capacity = 4096, .node = NEBULA_NODE(0) },
		{ .capacity = SZ_1M, .node = NEBULA_NODE(0), .backing = NEBULA_VMALLOC },
		{ .buffer = lent, .buffer_size = 4096 },
		{ .buffer = lent + 1, .buffer_size = 100 },
		{ .buffer = lent, .buffer_size = 4096, .capacity = 1000 },
		{ .buffer = lent + 3, .buffer_size = 4000, .flags = NEBULA_SHARED },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(good); i++) {
		struct nebula_bump *b = create("0123456789_.-abcXYZ", &good[i]);

		KUNIT_ASSERT_FALSE_MSG(test, IS_ERR(b), "configuration %u: %ld", i, PTR_ERR(b));
		KUNIT_EXPECT_NOT_NULL(test, nebula_bump_alloc(b, 16, 8));
		KUNIT_EXPECT_NOT_NULL(test, nebula_bump_alloc(b, 3, 1));
		nebula_bump_reset(b);
		KUNIT_EXPECT_EQ(test, nebula_bump_used(b), (size_t)0);
		nebula_bump_destroy(b);
	}
}

/* Fails step after step until none is left to fail. */
static void expect_unwound(struct kunit *test, const struct nebula_bump_config *cfg)
{
	unsigned int step = 0, seen;
	struct nebula_bump *b;

	do {
		nebula_fault_arm(++step, 1);
		b = create("step", cfg);
		seen = nebula_fault_disarm();
		if (!IS_ERR(b)) {
			/* An alternative was found, or nothing was left to fail. */
			nebula_bump_destroy(b);
		} else {
			KUNIT_EXPECT_EQ(test, PTR_ERR(b), (long)-ENOMEM);
		}
		nebula_chunks_flush();
		KUNIT_ASSERT_EQ(test, fixture_regions(test), 0);
		KUNIT_ASSERT_EQ(test, fixture_region_bytes(test), 0);
	} while (seen >= step);
	KUNIT_EXPECT_GE(test, step, 5U);
}

static void config_unwinds_each_step(struct kunit *test)
{
	static const struct nebula_bump_config owner = { .capacity = SZ_16K };
	static const struct nebula_bump_config shared = {
		.capacity = SZ_64K,
		.flags = NEBULA_SHARED | NEBULA_GROW,
	};
	static const struct nebula_bump_config vmalloced = {
		.capacity = SZ_1M,
		.backing = NEBULA_VMALLOC,
	};

	expect_unwound(test, &owner);
	expect_unwound(test, &shared);
	expect_unwound(test, &vmalloced);
}

static void config_in_atomic_context(struct kunit *test)
{
	struct nebula_bump *kept = nebula_bump_create("kept", .capacity = 4096), *b;
	unsigned long flags;

	ASSERT_BUMP(test, kept);
	local_irq_save(flags);
	b = nebula_bump_create("atomic", .capacity = 4096);
	nebula_bump_destroy(kept);
	local_irq_restore(flags);
	KUNIT_EXPECT_EQ(test, PTR_ERR_OR_ZERO(b), -EPERM);
	EXPECT_ERROR(test, kept, NEBULA_E_WRONG_CONTEXT);
	KUNIT_EXPECT_NOT_NULL(test, nebula_bump_alloc(kept, 16, 8));
	nebula_bump_destroy(kept);
}

static void config_of_another_abi(struct kunit *test)
{
	static const struct nebula_bump_config cfg = { .capacity = 4096 };
	struct nebula_bump *b;

	b = nebula_bump_create_cfg("old", &cfg, sizeof(cfg), NEBULA_ABI + 1, THIS_MODULE);
	KUNIT_EXPECT_EQ(test, PTR_ERR_OR_ZERO(b), -ENOEXEC);
	b = nebula_bump_create_cfg("small", &cfg, sizeof(cfg) - 8, NEBULA_ABI, THIS_MODULE);
	KUNIT_EXPECT_EQ(test, PTR_ERR_OR_ZERO(b), -ENOEXEC);
}

static void expect_name(struct kunit *test, struct nebula_bump *b, const char *name)
{
	struct nebula_error err;

	KUNIT_EXPECT_NULL(test, nebula_bump_alloc(b, 1, 3));
	KUNIT_ASSERT_TRUE(test, nebula_last_error(b, &err));
	KUNIT_EXPECT_STREQ(test, err.name, name);
}

static void config_equal_names_are_told_apart(struct kunit *test)
{
	struct nebula_bump *a = nebula_bump_create("conn", .capacity = 4096);
	struct nebula_bump *b = nebula_bump_create("conn", .capacity = 4096), *c;

	ASSERT_BUMP(test, a);
	ASSERT_BUMP(test, b);
	expect_name(test, a, "conn");
	expect_name(test, b, "conn.2");
	nebula_bump_destroy(a);
	c = nebula_bump_create("conn", .capacity = 4096);
	ASSERT_BUMP(test, c);
	expect_name(test, c, "conn");
	nebula_bump_destroy(c);
	nebula_bump_destroy(b);
}

static struct kunit_case cases[] = {
	KUNIT_CASE(config_refusals),
	KUNIT_CASE(config_accepts_what_is_right),
	KUNIT_CASE(config_unwinds_each_step),
	KUNIT_CASE(config_in_atomic_context),
	KUNIT_CASE(config_of_another_abi),
	KUNIT_CASE(config_equal_names_are_told_apart),
	{ }
};

static struct kunit_suite suite = {
	.name = "nebula_config",
	.init = fixture_init,
	.exit = fixture_exit,
	.test_cases = cases,
};

kunit_test_suite(suite);
