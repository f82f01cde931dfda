// SPDX-License-Identifier: GPL-2.0-only
/*
 * Every code that the module records, provoked by what a client can do, and passed to a notifier:
 * one record, its detail, and the report that it has to have.
 */
#include <linux/bitmap.h>
#include <linux/irqflags.h>
#include <linux/limits.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include "../../module/core/inject.h"
#include "../fixture.h"

#define REPORT_SIZE	2048

/* How a code comes about. */
struct provocation {
	enum nebula_errc code;		/* the code */
	/* brings it about, once, and nothing else */
	void (*provoke)(struct kunit *test, enum nebula_errc code);
	const char *head;		/* what the first line says behind the time */
	const char *lines;		/* further lines, in their order, or NULL */
	enum nebula_detail detail;	/* of the record */
};

static void bump_alloc(struct kunit *test, size_t size, size_t align)
{
	struct nebula_bump *b = nebula_bump_create("conn", .capacity = PAGE_SIZE);

	ASSERT_BUMP(test, b);
	OPTIMIZER_HIDE_VAR(size);
	KUNIT_EXPECT_NULL(test, nebula_bump_alloc(b, size, align));
	nebula_bump_destroy(b);
}

static void ask_for_too_much(struct kunit *test, enum nebula_errc code)
{
	bump_alloc(test, 10000, 8);
}

static void align_to_three(struct kunit *test, enum nebula_errc code)
{
	bump_alloc(test, 10, 3);
}

static void ask_for_a_negative_size(struct kunit *test, enum nebula_errc code)
{
	bump_alloc(test, -16, 8);
}

static struct nebula_pool *pool_create(struct kunit *test, u32 flags)
{
	struct nebula_pool *p = nebula_pool_create("conn", .block_size = 64, .blocks = 2,
						   .flags = NEBULA_STRICT | flags);

	ASSERT_POOL(test, p);
	return p;
}

static void exhaust(struct kunit *test, enum nebula_errc code)
{
	struct held *h = held_create(test, pool_create(test, 0), 3);

	KUNIT_EXPECT_EQ(test, held_take(h, 3), 2U);
	held_give(h, 2);
	nebula_pool_destroy(h->pool);
}

static void have_the_kernel_refuse(struct kunit *test, enum nebula_errc code)
{
	struct nebula_bump *b;

	nebula_fault_arm(1, 1);
	b = nebula_bump_create("conn", .capacity = SZ_1M);
	nebula_fault_disarm();
	KUNIT_EXPECT_EQ(test, PTR_ERR_OR_ZERO(b), -ENOMEM);
}

static void ask_a_pool_for_more_than_a_block(struct kunit *test, enum nebula_errc code)
{
	struct nebula_pool *p = pool_create(test, 0);

	KUNIT_EXPECT_NULL(test, nebula_allocator_alloc(&p->common, 65, 8));
	nebula_pool_destroy(p);
}

static void ask_for_more_blocks_than_there_are(struct kunit *test, enum nebula_errc code)
{
	struct nebula_pool *p = pool_create(test, 0);
	void *objs[3];

	KUNIT_EXPECT_FALSE(test, nebula_pool_alloc_bulk(p, ARRAY_SIZE(objs), objs));
	nebula_pool_destroy(p);
}

static void forget_a_field(struct kunit *test, enum nebula_errc code)
{
	const struct nebula_pool_config cfg = { .block_size = 64 };
	struct nebula_pool *p = nebula_pool_create_cfg("conn", &cfg, sizeof(cfg), NEBULA_ABI,
						       THIS_MODULE);

	KUNIT_EXPECT_EQ(test, PTR_ERR_OR_ZERO(p), -EINVAL);
}

static void take_a_checkpoint_of_a_shared_one(struct kunit *test, enum nebula_errc code)
{
	struct nebula_bump *b = nebula_bump_create("conn", .capacity = SZ_16K,
						   .flags = NEBULA_SHARED);

	ASSERT_BUMP(test, b);
	nebula_bump_checkpoint(b);
	nebula_bump_destroy(b);
}

static void grow_with_interrupts_off(struct kunit *test, enum nebula_errc code)
{
	struct nebula_pool *p = pool_create(test, 0);
	unsigned long flags;

	local_irq_save(flags);
	KUNIT_EXPECT_EQ(test, nebula_pool_grow(p, 1, GFP_ATOMIC), -EPERM);
	local_irq_restore(flags);
	nebula_pool_destroy(p);
}

static void free_twice(struct kunit *test, enum nebula_errc code)
{
	struct nebula_pool *p = pool_create(test, 0);
	void *obj = nebula_pool_alloc(p);

	nebula_pool_free(p, obj);
	nebula_pool_free(p, obj);
	nebula_pool_destroy(p);
}

static void free_what_is_not_its_own(struct kunit *test, enum nebula_errc code)
{
	struct nebula_pool *p = pool_create(test, 0);

	nebula_pool_free(p, test);
	nebula_pool_destroy(p);
}

static void free_a_member(struct kunit *test, enum nebula_errc code)
{
	struct nebula_pool *p = pool_create(test, 0);
	void *obj = nebula_pool_alloc(p);

	nebula_pool_free(p, obj + 8);
	nebula_pool_free(p, obj);
	nebula_pool_destroy(p);
}

static void free_in_the_wrong_order(struct kunit *test, enum nebula_errc code)
{
	struct nebula_stack *s = nebula_stack_create("conn", .capacity = SZ_4K);
	void *older, *newer;

	ASSERT_STACK(test, s);
	older = nebula_stack_alloc(s, 100, 8);
	newer = nebula_stack_alloc(s, 100, 8);
	KUNIT_EXPECT_EQ(test, nebula_stack_free(s, older), -EINVAL);
	KUNIT_EXPECT_EQ(test, nebula_stack_free(s, newer), 0);
	nebula_stack_destroy(s);
}

static void restore_after_a_reset(struct kunit *test, enum nebula_errc code)
{
	struct nebula_bump *b = nebula_bump_create("conn", .capacity = PAGE_SIZE);
	struct nebula_checkpoint cp;

	ASSERT_BUMP(test, b);
	KUNIT_EXPECT_NOT_NULL(test, nebula_bump_alloc(b, 100, 8));
	cp = nebula_bump_checkpoint(b);
	nebula_bump_reset(b);
	KUNIT_EXPECT_EQ(test, nebula_bump_restore(b, cp), -ESTALE);
	nebula_bump_destroy(b);
}

static void restore_on_another(struct kunit *test, enum nebula_errc code)
{
	struct nebula_bump *b = nebula_bump_create("conn", .capacity = PAGE_SIZE), other;
	struct nebula_checkpoint cp;
	u8 buffer[64];

	ASSERT_BUMP(test, b);
	nebula_bump_init(&other, buffer, sizeof(buffer));
	cp = nebula_bump_checkpoint(&other);
	KUNIT_EXPECT_EQ(test, nebula_bump_restore(b, cp), -EINVAL);
	nebula_bump_destroy(b);
}

static void write_behind_the_end(struct kunit *test, enum nebula_errc code)
{
	struct nebula_pool *p = pool_create(test, NEBULA_REDZONE);
	u8 *obj = nebula_pool_alloc(p);

	KUNIT_ASSERT_NOT_NULL(test, obj);
	OPTIMIZER_HIDE_VAR(obj);
	obj[64] ^= 1;
	nebula_pool_free(p, obj);
	nebula_pool_destroy(p);
}

static void write_after_free(struct kunit *test, enum nebula_errc code)
{
	struct nebula_pool *p = pool_create(test, NEBULA_POISON);
	struct held *h = held_create(test, p, 2);
	u8 *obj = nebula_pool_alloc(p);

	KUNIT_ASSERT_NOT_NULL(test, obj);
	nebula_pool_free(p, obj);
	OPTIMIZER_HIDE_VAR(obj);
	obj[12] ^= 1;
	KUNIT_EXPECT_EQ(test, held_take(h, 2), 2U);
	held_give(h, 2);
	nebula_pool_destroy(p);
}

static void wait_in_vain(struct kunit *test, enum nebula_errc code)
{
	struct nebula_pool *p = pool_create(test, 0);
	struct held *h = held_create(test, p, 2);

	KUNIT_EXPECT_EQ(test, held_take(h, 2), 2U);
	KUNIT_EXPECT_EQ(test, PTR_ERR(nebula_pool_alloc_wait(p, 1)), (long)-ETIMEDOUT);
	held_give(h, 2);
	nebula_pool_destroy(p);
}

static void wait_with_a_signal(struct kunit *test, enum nebula_errc code)
{
	struct nebula_pool *p = pool_create(test, 0);
	struct held *h = held_create(test, p, 2);

	KUNIT_EXPECT_EQ(test, held_take(h, 2), 2U);
	allow_signal(SIGUSR1);
	send_sig(SIGUSR1, current, 1);
	KUNIT_EXPECT_EQ(test, PTR_ERR(nebula_pool_alloc_wait(p, MAX_SCHEDULE_TIMEOUT)),
			(long)-ERESTARTSYS);
	flush_signals(current);
	disallow_signal(SIGUSR1);
	held_give(h, 2);
	nebula_pool_destroy(p);
}

static void reset_the_peak_of_the_kernel(struct kunit *test, enum nebula_errc code)
{
	KUNIT_EXPECT_EQ(test, nebula_peak_reset(nebula_system_allocator()), -EOPNOTSUPP);
}

static void leave_a_block_behind(struct kunit *test, enum nebula_errc code)
{
	struct nebula_pool *p = pool_create(test, 0);

	KUNIT_EXPECT_NOT_NULL(test, nebula_pool_alloc(p));
	nebula_pool_destroy(p);
}

static void charge_budget(struct kunit *test, size_t charged, size_t given_back)
{
	struct nebula_budget *b = nebula_budget_create("conn", .limit = 1000, .per_alloc = 2000);
	int ret;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, b);
	ret = nebula_budget_charge(b, charged);
	if (!ret && given_back != charged)
		KUNIT_EXPECT_EQ(test, nebula_budget_uncharge(b, given_back), -ERANGE);
	if (!ret)
		KUNIT_EXPECT_EQ(test, nebula_budget_uncharge(b, charged), 0);
	KUNIT_EXPECT_EQ(test, nebula_budget_destroy(b), 0);
}

static void exceed_a_budget(struct kunit *test, enum nebula_errc code)
{
	charge_budget(test, 1001, 0);
}

static void charge_too_much_at_once(struct kunit *test, enum nebula_errc code)
{
	charge_budget(test, 2001, 0);
}

static void give_back_more_than_charged(struct kunit *test, enum nebula_errc code)
{
	charge_budget(test, 10, 11);
}

static void have_a_budget_above_itself(struct kunit *test, enum nebula_errc code)
{
	static const struct nebula_budget_node node = { "conn", 0, { .limit = 1 } };
	struct nebula_budget *made[1] = { };
	struct nebula_budget_tree tree = { &node, made, 1 };

	KUNIT_EXPECT_EQ(test, nebula_budget_tree_create_of(&tree, sizeof(node), NEBULA_ABI,
							   THIS_MODULE), -ELOOP);
}

static int fail_to_compute(struct nebula_cache *c, const void *key, void *value, void *data)
{
	void *inner;

	if (!data)
		return -EIO;
	inner = nebula_cache_get_or_compute(c, key);
	/* The error of a computation is another record. */
	return IS_ERR(inner) ? 0 : -EIO;
}

static void compute_once(struct kunit *test, void *data, int err)
{
	struct nebula_cache *c = nebula_cache_create("conn", .key_size = 8, .value_size = 8,
						     .entries = 1, .compute = fail_to_compute,
						     .data = data);
	const u64 key = 1;
	void *value;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, c);
	value = nebula_cache_get_or_compute(c, &key);
	KUNIT_EXPECT_EQ(test, PTR_ERR_OR_ZERO(value), err);
	nebula_cache_put(c, value);
	nebula_cache_destroy(c);
}

static void have_a_computation_fail(struct kunit *test, enum nebula_errc code)
{
	compute_once(test, NULL, -EIO);
}

static void have_a_computation_ask_for_itself(struct kunit *test, enum nebula_errc code)
{
	compute_once(test, test, 0);
}

#define IN_TEST		" in kunit_try_catch["

static const struct provocation provocations[] = {
	{ NEBULA_E_OUT_OF_MEMORY, ask_for_too_much,
	  "conn: OUT_OF_MEMORY (-ENOMEM)" IN_TEST,
	  "   requested: 9.76 KiB (align 8)\n"
	  "   state:     used 0 bytes of 4.00 KiB (0.0%), available 4.00 KiB, peak 0 bytes\n",
	  .detail = NEBULA_D_TOO_LARGE },
	{ NEBULA_E_POOL_EXHAUSTED, exhaust,
	  "conn: POOL_EXHAUSTED (-ENOMEM)" IN_TEST,
	  "   requested: 64 bytes (align 8)\n"
	  "   state:     used 128 bytes of 128 bytes (100.0%), available 0 bytes, peak 128 bytes\n",
	  .detail = NEBULA_D_FULL },
	{ NEBULA_E_BACKING_FAILED, have_the_kernel_refuse,
	  "conn: BACKING_FAILED (-ENOMEM)" IN_TEST,
	  "   requested: 1.00 MiB\n"
	  "   at fault:  create\n" },
	{ NEBULA_E_INVALID_LAYOUT, ask_a_pool_for_more_than_a_block,
	  "conn: INVALID_LAYOUT (-EINVAL)" IN_TEST,
	  "   requested: 65 bytes (align 8)\n"
	  "   at fault:  .block_size\n"
	  "   state:     used 0 bytes of 128 bytes (0.0%), available 128 bytes, peak 0 bytes\n",
	  .detail = NEBULA_D_BLOCK_SIZE },
	{ NEBULA_E_INVALID_ALIGNMENT, align_to_three,
	  "conn: INVALID_ALIGNMENT (-EINVAL)" IN_TEST,
	  "   requested: 10 bytes (align 3)\n",
	  .detail = NEBULA_D_NEXT_POWER },
	{ NEBULA_E_SIZE_OVERFLOW, ask_for_a_negative_size,
	  "conn: SIZE_OVERFLOW (-EOVERFLOW)" IN_TEST },
	{ NEBULA_E_EXCEEDS_MAX, ask_for_more_blocks_than_there_are,
	  "conn: EXCEEDS_MAX (-E2BIG)" IN_TEST,
	  "   at fault:  bulk\n"
	  "   state:     used 0 bytes of 128 bytes (0.0%), available 128 bytes, peak 0 bytes\n",
	  .detail = NEBULA_D_BULK },
	{ NEBULA_E_INVALID_CONFIG, forget_a_field,
	  "conn: INVALID_CONFIG (-EINVAL)" IN_TEST,
	  "   at fault:  .blocks\n" },
	{ NEBULA_E_INVALID_STATE, take_a_checkpoint_of_a_shared_one,
	  "conn: INVALID_STATE (-EBUSY)" IN_TEST,
	  "   at fault:  checkpoint\n",
	  .detail = NEBULA_D_SHARED },
	{ NEBULA_E_WRONG_CONTEXT, grow_with_interrupts_off,
	  "conn: WRONG_CONTEXT (-EPERM)" IN_TEST,
	  "   at fault:  grow\n" },
	{ NEBULA_E_DOUBLE_FREE, free_twice,
	  "conn: DOUBLE_FREE (-EINVAL)" IN_TEST,
	  "   pointer:   ",
	  .detail = NEBULA_D_UNTRACKED },
	{ NEBULA_E_FOREIGN_POINTER, free_what_is_not_its_own,
	  "conn: FOREIGN_POINTER (-EINVAL)" IN_TEST,
	  "   pointer:   " },
	{ NEBULA_E_MISALIGNED_POINTER, free_a_member,
	  "conn: MISALIGNED_POINTER (-EINVAL)" IN_TEST,
	  "   pointer:   " },
	{ NEBULA_E_LIFO_VIOLATION, free_in_the_wrong_order,
	  "conn: LIFO_VIOLATION (-EINVAL)" IN_TEST,
	  "   pointer:   " },
	{ NEBULA_E_STALE_CHECKPOINT, restore_after_a_reset,
	  "conn: STALE_CHECKPOINT (-ESTALE)" IN_TEST },
	{ NEBULA_E_FOREIGN_CHECKPOINT, restore_on_another,
	  "conn: FOREIGN_CHECKPOINT (-EINVAL)" IN_TEST },
	{ NEBULA_E_CORRUPTION, write_behind_the_end,
	  "conn: CORRUPTION (-EFAULT)" IN_TEST,
	  "   requested: 64 bytes\n"
	  "   at fault:  zone behind the block\n"
	  "   pointer:   ",
	  .detail = NEBULA_D_UNTRACKED },
	{ NEBULA_E_USE_AFTER_FREE, write_after_free,
	  "conn: USE_AFTER_FREE (-EFAULT)" IN_TEST,
	  "   requested: 64 bytes\n"
	  "   at fault:  written at offset 12\n",
	  .detail = NEBULA_D_UNTRACKED },
	{ NEBULA_E_BUDGET_EXCEEDED, exceed_a_budget,
	  "conn: BUDGET_EXCEEDED (-ENOMEM)" IN_TEST,
	  "   requested: 1001 bytes\n"
	  "   at fault:  conn\n"
	  "   state:     used 0 bytes of 1000 bytes (0.0%), available 1000 bytes, peak 0 bytes\n" },
	{ NEBULA_E_BUDGET_PER_ALLOC, charge_too_much_at_once,
	  "conn: BUDGET_PER_ALLOC (-E2BIG)" IN_TEST,
	  "   requested: 1.95 KiB\n" },
	{ NEBULA_E_UNCHARGE_UNDERFLOW, give_back_more_than_charged,
	  "conn: UNCHARGE_UNDERFLOW (-ERANGE)" IN_TEST,
	  "   requested: 11 bytes\n" },
	{ NEBULA_E_CYCLE, have_a_budget_above_itself,
	  "conn: CYCLE (-ELOOP)" IN_TEST,
	  "   at fault:  .parent\n" },
	{ NEBULA_E_RECURSION, have_a_computation_ask_for_itself,
	  "conn: RECURSION (-EDEADLK)" IN_TEST,
	  "   at fault:  get_or_compute\n" },
	{ NEBULA_E_COMPUTE_FAILED, have_a_computation_fail,
	  "conn: COMPUTE_FAILED (-EIO)" IN_TEST,
	  "   at fault:  get_or_compute\n" },
	{ NEBULA_E_TIMED_OUT, wait_in_vain,
	  "conn: TIMED_OUT (-ETIMEDOUT)" IN_TEST,
	  "   at fault:  alloc_wait\n" },
	{ NEBULA_E_INTERRUPTED, wait_with_a_signal,
	  "conn: INTERRUPTED (-EINTR)" IN_TEST,
	  "   at fault:  alloc_wait\n" },
	{ NEBULA_E_NOT_SUPPORTED, reset_the_peak_of_the_kernel,
	  "system: NOT_SUPPORTED (-EOPNOTSUPP)" IN_TEST,
	  "   at fault:  peak_reset\n" },
	{ NEBULA_E_LEAK, leave_a_block_behind,
	  "conn: LEAK (-EBUSY)" IN_TEST,
	  "   requested: 64 bytes\n"
	  "   at fault:  1 blocks live\n",
	  .detail = NEBULA_D_UNTRACKED },
};

/* Those that were heard of. */
static DECLARE_BITMAP(heard, NEBULA_E_NR);

static unsigned int heard_of_any(void)
{
	unsigned int code, n = 0;

	for (code = 0; code < NEBULA_E_NR; code++)
		n += fixture_heard(code, NULL);
	return n;
}

static void expect_report(struct kunit *test, const struct provocation *p,
			  const struct nebula_error *err)
{
	char *report = kunit_kzalloc(test, REPORT_SIZE, GFP_KERNEL);
	const char *head;

	KUNIT_ASSERT_NOT_NULL(test, report);
	nebula_error_snprint(report, REPORT_SIZE, err);
	head = strstr(report, "] ");
	KUNIT_ASSERT_NOT_NULL(test, head);
	KUNIT_EXPECT_EQ_MSG(test, strncmp(head + 2, p->head, strlen(p->head)), 0,
			    "no '%s' in:\n%s", p->head, report);
	if (p->lines)
		expect_in_text(test, report, p->lines);
	KUNIT_EXPECT_EQ_MSG(test, err->detail, p->detail, "%s", nebula_errc_name(p->code));
	kunit_kfree(test, report);
}

static void codes_are_reported(struct kunit *test)
{
	const struct provocation *p;
	struct nebula_error err;
	unsigned int before;

	fixture_listen(test);
	for (p = provocations; p < provocations + ARRAY_SIZE(provocations); p++) {
		before = heard_of_any();
		p->provoke(test, p->code);
		KUNIT_EXPECT_EQ_MSG(test, heard_of_any(), before + 1, "%s",
				    nebula_errc_name(p->code));
		if (!fixture_heard(p->code, &err)) {
			KUNIT_FAIL(test, "%s was not heard of", nebula_errc_name(p->code));
			continue;
		}
		__set_bit(err.code, heard);
		expect_report(test, p, &err);
	}
}

/* A code that is new needs a row above. */
static void codes_were_all_provoked(struct kunit *test)
{
	unsigned int code;

	for_each_clear_bit(code, heard, NEBULA_E_NR)
		KUNIT_EXPECT_EQ_MSG(test, code, (unsigned int)NEBULA_OK, "%s was not",
				    nebula_errc_name(code));
}

static struct kunit_case cases[] = {
	KUNIT_CASE(codes_are_reported),
	KUNIT_CASE(codes_were_all_provoked),
	{ }
};

static struct kunit_suite suite = {
	.name = "nebula_codes",
	.init = fixture_init,
	.exit = fixture_exit,
	.test_cases = cases,
};

kunit_test_suite(suite);
