// SPDX-License-Identifier: GPL-2.0-only
/*
 * Creation of every kind, see maker.h.
 */
#include <linux/err.h>
#include <linux/irqflags.h>
#include "../../module/core/chunk.h"
#include "../../module/core/inject.h"
#include "maker.h"

/* The least number of steps that can fail: less would mean that no step was asked. */
#define STEPS_MIN	5U

static const char *const bad_names[] = {
	NULL, "", ".", "..", "a/b", "a b", "tab\t", "caf\xc3\xa9",
	"0123456789012345678901234567890123456789012345678901234567890123",
};

void *maker_create(const struct maker *maker, const char *name, const void *cfg)
{
	return maker->create(name, cfg, maker->cfg_size, NEBULA_ABI);
}

/* With a record that is newer than @seq, or has repeated. */
static void expect_refused(struct kunit *test, const struct maker *maker, const char *name,
			   const struct refusal *r, u64 *seq)
{
	void *made = maker_create(maker, name, r->cfg);
	struct nebula_error err;

	KUNIT_EXPECT_EQ_MSG(test, PTR_ERR_OR_ZERO(made), r->err, "%s", r->why);
	KUNIT_EXPECT_GT_MSG(test, fixture_heard(r->code, &err), 0U, "%s", r->why);
	KUNIT_EXPECT_TRUE_MSG(test, err.seq > *seq || err.repeated, "%s", r->why);
	*seq = err.seq;
	KUNIT_EXPECT_STREQ_MSG(test, err.what, r->what, "%s", r->why);
	KUNIT_EXPECT_EQ_MSG(test, err.kind, maker->kind, "%s", r->why);
	if (!IS_ERR_OR_NULL(made))
		maker->destroy(made);
}

void expect_refusals(struct kunit *test, const struct maker *maker, const struct refusal *rows,
		     unsigned int n)
{
	unsigned int i;
	u64 seq = 0;

	fixture_listen(test);
	for (i = 0; i < n; i++)
		expect_refused(test, maker, "x", &rows[i], &seq);
}

void expect_names_refused(struct kunit *test, const struct maker *maker, const void *cfg)
{
	const struct refusal r = { "bad name", "name", NEBULA_E_INVALID_CONFIG, -EINVAL, cfg };
	unsigned int i;
	u64 seq = 0;

	fixture_listen(test);
	for (i = 0; i < ARRAY_SIZE(bad_names); i++)
		expect_refused(test, maker, bad_names[i], &r, &seq);
}

void expect_abi_refused(struct kunit *test, const struct maker *maker, const void *cfg)
{
	void *made = maker->create("old", cfg, maker->cfg_size, NEBULA_ABI + 1);

	KUNIT_EXPECT_EQ(test, PTR_ERR_OR_ZERO(made), -ENOEXEC);
	made = maker->create("small", cfg, maker->cfg_size - 8, NEBULA_ABI);
	KUNIT_EXPECT_EQ(test, PTR_ERR_OR_ZERO(made), -ENOEXEC);
}

void expect_none_refused(struct kunit *test, const struct maker *maker)
{
	static const struct refusal r = {
		"none", "no configuration", NEBULA_E_INVALID_CONFIG, -EINVAL,
	};
	u64 seq = 0;

	fixture_listen(test);
	expect_refused(test, maker, "x", &r, &seq);
	/* A client of other headers is told of those first. */
	expect_abi_refused(test, maker, NULL);
}

void expect_atomic_refused(struct kunit *test, const struct maker *maker, const void *cfg)
{
	void *kept = maker_create(maker, "kept", cfg), *made;
	unsigned long flags;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, kept);
	local_irq_save(flags);
	made = maker_create(maker, "atomic", cfg);
	maker->destroy(kept);
	local_irq_restore(flags);
	KUNIT_EXPECT_EQ(test, PTR_ERR_OR_ZERO(made), -EPERM);
	EXPECT_ERROR(test, maker->common(kept), NEBULA_E_WRONG_CONTEXT);
	maker->use(test, kept, cfg);
	maker->destroy(kept);
}

void expect_unwound(struct kunit *test, const struct maker *maker, const void *cfg)
{
	unsigned int step = 0, seen;
	void *made;

	do {
		nebula_fault_arm(++step, 1);
		made = maker_create(maker, "step", cfg);
		seen = nebula_fault_disarm();
		if (!IS_ERR(made)) {
			/* An alternative was found, or nothing was left to fail. */
			maker->use(test, made, cfg);
			maker->destroy(made);
		} else {
			KUNIT_EXPECT_EQ(test, PTR_ERR(made), (long)-ENOMEM);
		}
		nebula_chunks_flush();
		KUNIT_ASSERT_EQ(test, fixture_regions(test), 0);
		KUNIT_ASSERT_EQ(test, fixture_region_bytes(test), 0);
	} while (seen >= step);
	KUNIT_EXPECT_GE(test, step, STEPS_MIN);
}
