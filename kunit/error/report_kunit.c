// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reports, to the letter: of records made by hand, so that nothing in them depends on when and
 * where they are printed.
 */
#include <linux/limits.h>
#include <linux/slab.h>
#include <linux/sched/clock.h>
#include <linux/string.h>
#include "../../module/error/codes.h"
#include "../../module/error/error.h"
#include "../fixture.h"
#include "report_table.h"

#define REPORT_SIZE	NEBULA_REPORT_SIZE

static char *print(struct kunit *test, const struct nebula_error *err)
{
	char *report = kunit_kzalloc(test, REPORT_SIZE, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, report);
	KUNIT_EXPECT_EQ(test, nebula_error_snprint(report, REPORT_SIZE, err),
			(int)strlen(report));
	return report;
}

/* As it would have been recorded: with the detail that the state adds, and no block. */
static struct nebula_error recorded(const struct report_row *row)
{
	struct nebula_error err = row->err;

	err.block = -1;
	err.detail = nebula_detail_of(&err);
	return err;
}

/* Code, kind and state make the detail, and that chooses the row. */
static void report_chooses_advice(struct kunit *test)
{
	const struct report_row *row = report_rows;
	const struct nebula_advice *advice;
	struct nebula_error err;

	for (; row < report_rows + report_rows_nr; row++) {
		err = recorded(row);
		advice = nebula_errc_advice(&err);
		KUNIT_EXPECT_EQ_MSG(test, err.detail, row->detail, "%s", row->why);
		KUNIT_EXPECT_EQ_MSG(test, advice->kind, row->row_kind, "%s", row->why);
		KUNIT_EXPECT_EQ_MSG(test, advice->detail, row->row_detail, "%s", row->why);
	}
}

/* The words of @values stand in @text, in their order. Writes to @values. */
static bool has_in_order(const char *text, char *values)
{
	char *word;

	while ((word = strsep(&values, " "))) {
		text = strstr(text, word);
		if (!text)
			return false;
		text += strlen(word);
	}
	return true;
}

static void report_computes_values(struct kunit *test)
{
	const struct report_row *row = report_rows;
	struct nebula_error err;
	char *report, *values;

	for (; row < report_rows + report_rows_nr; row++) {
		if (!row->values)
			continue;
		err = recorded(row);
		report = print(test, &err);
		values = kstrdup(row->values, GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, values);
		KUNIT_EXPECT_TRUE_MSG(test, has_in_order(strstr(report, "suggest:") ?: "", values),
				      "%s: no '%s' in:\n%s", row->why, row->values, report);
		kfree(values);
		kunit_kfree(test, report);
	}
}

/* Those up to the one that always holds. */
static unsigned int rows_of(enum nebula_errc code)
{
	const struct nebula_advice *advice = nebula_errc_info(code)->advice;
	unsigned int n = 1;

	for (; advice->kind || advice->detail; advice++)
		n++;
	return n;
}

static unsigned long rows_reported(enum nebula_errc code)
{
	const struct nebula_advice *advice = nebula_errc_info(code)->advice;
	const struct report_row *row = report_rows;
	struct nebula_error err;
	unsigned long seen = 0;

	for (; row < report_rows + report_rows_nr; row++) {
		if (row->err.code != code)
			continue;
		err = recorded(row);
		seen |= BIT(nebula_errc_advice(&err) - advice);
	}
	return seen;
}

/* No advice that nothing leads to, and none that the test above does not read. */
static void report_reaches_all_advice(struct kunit *test)
{
	unsigned long all, seen;
	unsigned int code;

	for (code = 0; code < NEBULA_E_NR; code++) {
		KUNIT_ASSERT_LT(test, rows_of(code), (unsigned int)BITS_PER_LONG);
		all = BIT(rows_of(code)) - 1;
		seen = rows_reported(code);
		KUNIT_EXPECT_EQ_MSG(test, seen, all, "%s", nebula_errc_name(code));
	}
}

/* Nothing is left of the words that stand for something. */
static void report_has_no_tokens(struct kunit *test)
{
	const struct report_row *row = report_rows;
	struct nebula_error err;
	char *report;

	for (; row < report_rows + report_rows_nr; row++) {
		err = recorded(row);
		report = print(test, &err);
		KUNIT_EXPECT_NULL_MSG(test, strpbrk(report, "{}"), "%s", report);
		kunit_kfree(test, report);
	}
}

/* A record, and all of its report. */
struct whole {
	const char *why;		/* for the reader of a failure */
	struct nebula_error err;	/* the record */
	const char *text;		/* the report */
};

/* Of advice as little as there is: what it says is none of the layout's. */
#define SUGGESTS(state)	"   suggest:   " state ":\n"
#define ITEM(item)	"              " item "\n"

static const struct whole wholes[] = {
	{ "all there can be",
	  { .seq = 7, .time_ns = 12345678999ULL, .code = NEBULA_E_UNCHARGE_UNDERFLOW,
	    .kind = NEBULA_KIND_POOL, .name = "conn", .size = 512, .align = 8, .overhead = 96,
	    .used = 4089446, .available = 104858, .capacity = SZ_4M, .peak = SZ_4M, .unit = 512,
	    .utilisation = 975, .context = NEBULA_IN_SOFTIRQ, .cpu = 3, .pid = 23,
	    .pointer = (void *)-12L, .comm = "kworker/0:1", .what = "bulk" },
	  "[   12.345678] conn: UNCHARGE_UNDERFLOW (-ERANGE) in kworker/0:1[23], softirq, cpu 3\n"
	  "   requested: 512 bytes (align 8), and 96 bytes for the debug flags\n"
	  "   at fault:  bulk\n"
	  "   pointer:   ERR_PTR(-12)\n"
	  "   state:     used 3.89 MiB of 4.00 MiB (97.5%), available 102.40 KiB, peak 4.00 MiB\n"
	  SUGGESTS("512 bytes were given back, and 0 were outstanding")
	  ITEM("1. give back exactly what was charged, once")
	  ITEM("2. give it back to the budget that was charged, not to one above it") },
	{ "as little as there can be",
	  { .code = NEBULA_E_CYCLE, .name = "net" },
	  "[    0.000000] net: CYCLE (-ELOOP) in [0], task, cpu 0\n"
	  SUGGESTS("parents or parts form a cycle")
	  ITEM("1. build from the leaves to the root") },
	{ "an alignment alone",
	  { .code = NEBULA_E_CYCLE, .name = "conn", .align = 3, .time_ns = 999,
	    .context = NEBULA_IN_HARDIRQ, .cpu = 127, .pid = 1, .comm = "init" },
	  "[    0.000000] conn: CYCLE (-ELOOP) in init[1], hardirq, cpu 127\n"
	  "   requested: align 3\n"
	  SUGGESTS("parents or parts form a cycle")
	  ITEM("1. build from the leaves to the root") },
	{ "a day later, in an NMI",
	  { .code = NEBULA_E_CYCLE, .name = "conn", .size = 1,
	    .time_ns = 86400ULL * NSEC_PER_SEC + 1000, .context = NEBULA_IN_NMI, .pid = 4194304,
	    .comm = "fifteen_letters", .what = "written at offset 0" },
	  "[86400.000001] conn: CYCLE (-ELOOP) in fifteen_letters[4194304], nmi, cpu 0\n"
	  "   requested: 1 bytes\n"
	  "   at fault:  written at offset 0\n"
	  SUGGESTS("parents or parts form a cycle")
	  ITEM("1. build from the leaves to the root") },
	{ "in no context that there is, of a kind that there is not",
	  { .code = NEBULA_E_NR, .kind = NEBULA_KIND_NR, .context = NEBULA_IN_NMI + 1,
	    .name = "conn", .cpu = -1, .time_ns = U64_MAX },
	  "[18446744073.709551] conn: UNKNOWN (-EINVAL) in [0], ?, cpu -1\n"
	  SUGGESTS("unknown code") },
};

static void report_is_complete(struct kunit *test)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(wholes); i++)
		KUNIT_EXPECT_STREQ_MSG(test, print(test, &wholes[i].err), wholes[i].text, "%s",
				       wholes[i].why);
}

/* The largest record there can be fits, and no reader has to cut it. */
static void report_of_extremes_fits(struct kunit *test)
{
	struct nebula_error err;
	unsigned int code, i;
	char *report;

	memset(&err, 0xff, sizeof(err));
	memset(err.name, 'n', sizeof(err.name) - 1);
	memset(err.what, 'w', sizeof(err.what) - 1);
	memset(err.comm, 'c', sizeof(err.comm) - 1);
	err.name[sizeof(err.name) - 1] = '\0';
	err.what[sizeof(err.what) - 1] = '\0';
	err.comm[sizeof(err.comm) - 1] = '\0';
	err.context = NEBULA_IN_NMI;
	err.growth_pending = true;
	err.buffer = true;
	err.first = true;
	err.nr_entries = NEBULA_BACKTRACE_MAX;
	for (i = 0; i < NEBULA_BACKTRACE_MAX; i++)
		err.entries[i] = (unsigned long)report_of_extremes_fits;
	for (code = 0; code <= NEBULA_E_NR; code++) {
		err.code = code;
		err.kind = code % NEBULA_KIND_NR;
		report = print(test, &err);
		KUNIT_EXPECT_LT(test, strlen(report), (size_t)REPORT_SIZE - 1);
		kunit_kfree(test, report);
	}
}

/* Each unit begins where the one before ends, and none is rounded up into the next. */
static void report_of_sizes_at_the_ends_of_units(struct kunit *test)
{
	static const struct {
		size_t size;
		const char *text;
	} rows[] = {
		{ 1, " 1 bytes\n" }, { 1023, " 1023 bytes\n" }, { 1024, " 1.00 KiB\n" },
		{ 1025, " 1.00 KiB\n" }, { 1034, " 1.00 KiB\n" }, { 1035, " 1.01 KiB\n" },
		{ 1536, " 1.50 KiB\n" }, { SZ_1M - 1, " 1023.99 KiB\n" }, { SZ_1M, " 1.00 MiB\n" },
		{ SZ_1G - 1, " 1023.99 MiB\n" }, { SZ_1G, " 1.00 GiB\n" },
		{ BIT_ULL(40) - 1, " 1023.99 GiB\n" }, { BIT_ULL(40), " 1.00 TiB\n" },
		{ BIT_ULL(50), " 1.00 PiB\n" }, { BIT_ULL(60), " 1.00 EiB\n" },
		{ SIZE_MAX, " 15.99 EiB\n" },
	};
	struct nebula_error err = { .code = NEBULA_E_LEAK, .kind = NEBULA_KIND_BUMP };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		err.size = rows[i].size;
		KUNIT_EXPECT_NOT_NULL_MSG(test, strstr(print(test, &err), rows[i].text), "%zu:%s",
					  rows[i].size, print(test, &err));
	}
}

/* A pointer is named, hashed, with the block that it is in, and how far from its start. */
static void report_names_pointers(struct kunit *test)
{
	struct nebula_error err = {
		.code = NEBULA_E_MISALIGNED_POINTER, .kind = NEBULA_KIND_POOL, .name = "conn",
		.pointer = test, .offset = 8, .block = 3,
	};
	char line[80];

	snprintf(line, sizeof(line), "   pointer:   %p, 8 bytes into block 3\n", test);
	expect_in_text(test, print(test, &err), line);
	err.offset = 0;
	snprintf(line, sizeof(line), "   pointer:   %p, block 3\n", test);
	expect_in_text(test, print(test, &err), line);
	err.block = -1;
	err.offset = 96;
	snprintf(line, sizeof(line), "   pointer:   %p, 96 bytes into the memory\n", test);
	expect_in_text(test, print(test, &err), line);
	err.pointer = NULL;
	KUNIT_EXPECT_NULL(test, strstr(print(test, &err), "pointer: "));
}

/* Cut anywhere, it is the beginning of the whole, in whole lines, and says that it was cut. */
static void report_is_cut(struct kunit *test)
{
	static const char *const note = "   (cut)\n";
	char *cut = kunit_kzalloc(test, REPORT_SIZE, GFP_KERNEL);
	const char *whole = wholes[0].text;
	const int len = strlen(whole);
	int size, n, lines;

	KUNIT_ASSERT_NOT_NULL(test, cut);
	KUNIT_EXPECT_EQ(test, nebula_error_snprint(NULL, 0, &wholes[0].err), 0);
	for (size = 1; size <= len; size++) {
		memset(cut, 'x', REPORT_SIZE);
		n = nebula_error_snprint(cut, size, &wholes[0].err);
		KUNIT_ASSERT_LT(test, n, size);
		KUNIT_ASSERT_EQ(test, cut[n], '\0');
		KUNIT_ASSERT_EQ(test, cut[size], 'x');
		if (size <= (int)strlen(note)) {
			KUNIT_ASSERT_EQ(test, n, 0);
			continue;
		}
		lines = n - (int)strlen(note);
		KUNIT_ASSERT_GE(test, lines, 0);
		KUNIT_ASSERT_STREQ(test, cut + lines, note);
		KUNIT_ASSERT_EQ(test, memcmp(cut, whole, lines), 0);
		KUNIT_ASSERT_TRUE(test, !lines || cut[lines - 1] == '\n');
	}
	KUNIT_ASSERT_EQ(test, nebula_error_snprint(cut, len + 1, &wholes[0].err), len);
	KUNIT_EXPECT_STREQ(test, cut, whole);
}

#define NAME_20(x)	CONCATENATE(a_name_of_20_letters_, x)
#define NAME_40(x)	NAME_20(CONCATENATE(another_20_letters__, x))
#define NAME_80(x)	NAME_40(CONCATENATE(of_four_times_twenty_letters_in_one_row_, x))
#define NAME_LONG	NAME_80(CONCATENATE(and_as_many_more_as_it_takes_to_be_the_longest, _shown))

static noinline void NAME_LONG(void)
{
	barrier();
}

/* The longest symbols that are shown, as often as there is room for, are no reason to cut. */
static void report_of_long_symbols_fits(struct kunit *test)
{
	struct nebula_error err = {
		.code = NEBULA_E_POOL_EXHAUSTED, .kind = NEBULA_KIND_POOL, .size = 64, .unit = 64,
		.capacity = SZ_4K, .used = SZ_4K, .nr_entries = NEBULA_BACKTRACE_MAX,
	};
	unsigned int i, lines = 0;
	const char *report, *c;

	/* What lies where the module is now, not where another one was before. */
	err.time_ns = local_clock();
	memset(err.name, 'n', sizeof(err.name) - 1);
	memset(err.comm, '\n', sizeof(err.comm) - 1);
	for (i = 0; i < NEBULA_BACKTRACE_MAX; i++)
		err.entries[i] = (unsigned long)NAME_LONG;
	report = print(test, &err);
	KUNIT_EXPECT_GT(test, strlen(report), (size_t)2048);
	KUNIT_EXPECT_NULL(test, strstr(report, "(cut)"));
	for (c = report; (c = strstr(c, "a_name_of_20_letters_")); c++)
		lines++;
	KUNIT_EXPECT_EQ(test, lines, NEBULA_BACKTRACE_MAX + 0U);
	KUNIT_EXPECT_EQ(test, report[strlen(report) - 1], '\n');
}

static void expect_lines(struct kunit *test, const struct nebula_error *err, const char *lines)
{
	const char *from = strstr(print(test, err), "   backtrace: ");

	KUNIT_ASSERT_NOT_NULL(test, from);
	KUNIT_EXPECT_STREQ(test, from, lines);
}

/* Several call stacks, each behind what it is of; what is known by name is shown by name. */
static void report_shows_call_stacks(struct kunit *test)
{
	const unsigned long here = (unsigned long)report_shows_call_stacks;
	struct nebula_error err = {
		.code = NEBULA_E_CYCLE, .name = "conn", .time_ns = local_clock(), .nr_entries = 8,
		.entries = { here, here, NEBULA_ENTRY_ALLOCATED, here, NEBULA_ENTRY_FREED, here,
			     NEBULA_ENTRY_CREATED, here },
	};
	char *lines = kunit_kzalloc(test, REPORT_SIZE, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, lines);
	snprintf(lines, REPORT_SIZE,
		 "   backtrace: %pS\n"
		 "              %pS\n"
		 "   allocated: %pS\n"
		 "   freed:     %pS\n"
		 "   created:   %pS\n",
		 (void *)here, (void *)here, (void *)here, (void *)here, (void *)here);
	expect_in_text(test, lines, __func__);
	expect_lines(test, &err, lines);
}

/* An address without a symbol is shown, but not where it is. */
static void report_tells_no_address(struct kunit *test)
{
	static const unsigned long nobodys[] = {
		0xffff888012345678UL, 0xfffffffffffe8e40UL, 0x7fff5a5a5a58UL, 0xdeadbeefUL,
	};
	struct nebula_error err = { .code = NEBULA_E_CYCLE, .name = "conn" };
	char raw[20], *report;
	unsigned int i;

	err.nr_entries = ARRAY_SIZE(nobodys);
	memcpy(err.entries, nobodys, sizeof(nobodys));
	report = print(test, &err);
	for (i = 0; i < ARRAY_SIZE(nobodys); i++) {
		snprintf(raw, sizeof(raw), "%lx", nobodys[i]);
		KUNIT_EXPECT_NULL_MSG(test, strstr(report, raw), "%s in:\n%s", raw, report);
		snprintf(raw, sizeof(raw), "%p", (void *)nobodys[i]);
		expect_in_text(test, report, raw);
	}
	KUNIT_EXPECT_NULL_MSG(test, strstr(report, "0xffff"), "%s", report);
	KUNIT_EXPECT_NULL_MSG(test, strstr(report, " ffff"), "%s", report);
	expect_in_text(test, report, " [unloaded]\n");
}

static struct kunit_case cases[] = {
	KUNIT_CASE(report_of_sizes_at_the_ends_of_units),
	KUNIT_CASE(report_chooses_advice),
	KUNIT_CASE(report_computes_values),
	KUNIT_CASE(report_reaches_all_advice),
	KUNIT_CASE(report_has_no_tokens),
	KUNIT_CASE(report_is_complete),
	KUNIT_CASE(report_of_extremes_fits),
	KUNIT_CASE(report_names_pointers),
	KUNIT_CASE(report_is_cut),
	KUNIT_CASE(report_of_long_symbols_fits),
	KUNIT_CASE(report_shows_call_stacks),
	KUNIT_CASE(report_tells_no_address),
	{ }
};

static struct kunit_suite suite = {
	.name = "nebula_report",
	.init = fixture_init,
	.exit = fixture_exit,
	.test_cases = cases,
};

kunit_test_suite(suite);
