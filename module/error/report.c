// SPDX-License-Identifier: GPL-2.0-only
/*
 * The report of an error, one printer for log, debugfs and clients: what happened, the state, what
 * to do about it (see codes.c), and where. Any context.
 */
#include <linux/err.h>
#include <linux/export.h>
#include <linux/kernel.h>
#include <linux/log2.h>
#include <linux/math64.h>
#include <linux/minmax.h>
#include <linux/mmzone.h>
#include <linux/string.h>
#include "../compat.h"
#include "codes.h"
#include "error.h"
#include "symbols.h"

static const char *const context_names[] = {
	[NEBULA_IN_TASK]	= "task",
	[NEBULA_IN_SOFTIRQ]	= "softirq",
	[NEBULA_IN_HARDIRQ]	= "hardirq",
	[NEBULA_IN_NMI]		= "nmi",
};

static_assert(ARRAY_SIZE(context_names) == NEBULA_IN_NMI + 1);

const char *nebula_context_name(enum nebula_context context)
{
	return context < ARRAY_SIZE(context_names) ? context_names[context] : "?";
}

/* The last line of a report that did not fit. */
#define CUT	"   (cut)\n"

/* A buffer being filled. */
struct sink {
	char *buf;	/* zero-terminated text */
	size_t size;	/* bytes of @buf */
	size_t len;	/* characters in @buf; never more than fit */
	size_t lines;	/* of them, those of whole lines behind which @CUT still fits */
	bool cut;	/* something did not fit; nothing is put any more */
};

static __printf(2, 3) void put(struct sink *s, const char *fmt, ...)
{
	va_list args;
	size_t n;

	if (s->cut)
		return;
	va_start(args, fmt);
	n = vsnprintf(s->buf + s->len, s->size - s->len, fmt, args);
	va_end(args);
	s->cut = n >= s->size - s->len;
	s->len = min(s->len + n, s->size - 1);
	if (!s->cut && s->len + strlen(CUT) < s->size && s->buf[s->len - !!s->len] == '\n')
		s->lines = s->len;
}

/* A report ends with a whole line, also one that is cut. */
static int finish(struct sink *s)
{
	if (s->cut) {
		s->len = s->lines;
		s->buf[s->len] = '\0';
		if (s->len + strlen(CUT) < s->size)
			s->len += strscpy(s->buf + s->len, CUT, s->size - s->len);
	}
	return s->len;
}

static void put_text(struct sink *s, const struct nebula_error *err, const char *text);

static void put_bytes(struct sink *s, size_t bytes)
{
	char buf[NEBULA_BYTES_SIZE];

	put(s, "%s", nebula_bytes_str(buf, bytes));
}

/* To be copied into a configuration, so exact. */
static void put_exact(struct sink *s, size_t bytes)
{
	char buf[NEBULA_BYTES_SIZE];

	if (bytes < 1024)
		put(s, "%zu", bytes);
	else
		put(s, "%zu (%s)", bytes, nebula_bytes_str(buf, bytes));
}

static void put_blocks(struct sink *s, const struct nebula_error *err, size_t bytes)
{
	if (err->kind == NEBULA_KIND_POOL)
		put(s, "%zu", err->unit ? bytes / err->unit : 0);
	else
		put_exact(s, bytes);
}

static void token_size(struct sink *s, const struct nebula_error *err)
{
	put_bytes(s, err->size);
}

static void token_bytes(struct sink *s, const struct nebula_error *err)
{
	put_exact(s, err->size);
}

static void token_align(struct sink *s, const struct nebula_error *err)
{
	put(s, "%zu", err->align);
}

/* Only asked for where that is at most a page. */
static void token_pow2(struct sink *s, const struct nebula_error *err)
{
	put(s, "%lu", roundup_pow_of_two(min(err->align, PAGE_SIZE)));
}

static void token_name(struct sink *s, const struct nebula_error *err)
{
	put(s, "%s", err->name);
}

/* debug= knows the name that was given, without the number that tells equal ones apart. */
static void token_pattern(struct sink *s, const struct nebula_error *err)
{
	const char *dot = strrchr(err->name, '.');

	if (dot && dot > err->name && dot[1] && !dot[1 + strspn(dot + 1, "0123456789")])
		put(s, "%.*s*", (int)(dot - err->name), err->name);
	else
		put(s, "%s", err->name);
}

static void token_kind(struct sink *s, const struct nebula_error *err)
{
	put(s, "%s", nebula_kind_name(err->kind));
}

/* Where the fields of its configuration, and what it can be asked, are described. */
static void token_header(struct sink *s, const struct nebula_error *err)
{
	static const char *const headers[NEBULA_KIND_NR] = {
		[NEBULA_KIND_NONE]	= "config.h",
		[NEBULA_KIND_BUMP]	= "bump.h",
		[NEBULA_KIND_POOL]	= "pool.h",
		[NEBULA_KIND_STACK]	= "stack.h",
		[NEBULA_KIND_SCRATCH]	= "scratch.h",
		[NEBULA_KIND_CUSTOM]	= "custom.h",
		[NEBULA_KIND_FALLBACK]	= "compose.h",
		[NEBULA_KIND_SPLIT]	= "compose.h",
		[NEBULA_KIND_SYSTEM]	= "compose.h",
		[NEBULA_KIND_BUDGET]	= "budget.h",
		[NEBULA_KIND_CACHE]	= "cache.h",
	};

	put(s, "%s", err->kind < NEBULA_KIND_NR ? headers[err->kind] : "nebula.h");
}

static void token_what(struct sink *s, const struct nebula_error *err)
{
	put(s, "%s", err->what[0] ? err->what : "memory");
}

static void token_unit(struct sink *s, const struct nebula_error *err)
{
	put(s, "%zu", err->unit);
}

/* The field that says how much there is. */
static void token_field(struct sink *s, const struct nebula_error *err)
{
	if (err->kind == NEBULA_KIND_POOL)
		put(s, ".blocks");
	else if (err->buffer)
		put(s, "the size of the buffer");
	else
		put(s, err->kind == NEBULA_KIND_SCRATCH ? ".per_cpu_size" : ".capacity");
}

static void token_need(struct sink *s, const struct nebula_error *err)
{
	if (err->kind == NEBULA_KIND_POOL)
		put(s, "%zu", err->need);
	else
		put_exact(s, err->need);
}

static void token_now(struct sink *s, const struct nebula_error *err)
{
	if (err->kind == NEBULA_KIND_SCRATCH)
		put_exact(s, err->unit);
	else
		put_blocks(s, err, err->promised ?: err->capacity);
}

static void token_max(struct sink *s, const struct nebula_error *err)
{
	put_blocks(s, err, err->max_capacity);
}

static void token_max_field(struct sink *s, const struct nebula_error *err)
{
	put(s, err->kind == NEBULA_KIND_POOL ? ".max_blocks" : ".max_capacity");
}

static void token_most(struct sink *s, const struct nebula_error *err)
{
	if (err->kind == NEBULA_KIND_POOL)
		put(s, "%zu", nebula_detail_most(err));
	else
		put_bytes(s, nebula_detail_most(err));
}

/* What there is now, in the unit of what is needed. */
static size_t amount_now(const struct nebula_error *err)
{
	const size_t bytes = err->promised ?: err->capacity;

	if (err->kind == NEBULA_KIND_SCRATCH)
		return err->unit;
	if (err->kind == NEBULA_KIND_POOL)
		return err->unit ? bytes / err->unit : 0;
	return bytes;
}

/*
 * How to make the allocator larger. What would have sufficed need not be known, and while the error
 * was recorded growth may have brought that much.
 */
static void token_raise(struct sink *s, const struct nebula_error *err)
{
	if (!err->need)
		put_text(s, err, "raise {field} above {now}");
	else if (err->need > amount_now(err))
		put_text(s, err, "raise {field} to {need} or more (now {now})");
	else
		put_text(s, err, "raise {field} to {need} or more (it has {now} by now)");
}

/* The largest piece that the page allocator gives. */
static void token_largest(struct sink *s, const struct nebula_error *err)
{
	put_exact(s, PAGE_SIZE << COMPAT_MAX_PAGE_ORDER);
}

static void token_value(struct sink *s, const struct nebula_error *err)
{
	put(s, "%zu", err->value);
}

static void token_limit(struct sink *s, const struct nebula_error *err)
{
	put(s, "%zu", err->limit);
}

/* What a word in braces stands for. */
struct token {
	const char *word;	/* the word, braces included */
	/* writes what it stands for */
	void (*put)(struct sink *s, const struct nebula_error *err);
};

static const struct token tokens[] = {
	{ "{size}",	token_size },
	{ "{bytes}",	token_bytes },
	{ "{align}",	token_align },
	{ "{pow2}",	token_pow2 },
	{ "{name}",	token_name },
	{ "{pattern}",	token_pattern },
	{ "{kind}",	token_kind },
	{ "{header}",	token_header },
	{ "{what}",	token_what },
	{ "{unit}",	token_unit },
	{ "{field}",	token_field },
	{ "{need}",	token_need },
	{ "{now}",	token_now },
	{ "{max}",	token_max },
	{ "{max_field}", token_max_field },
	{ "{most}",	token_most },
	{ "{raise}",	token_raise },
	{ "{largest}",	token_largest },
	{ "{value}",	token_value },
	{ "{limit}",	token_limit },
};

/* Whichever word @text begins with is put; returns what comes behind it. */
static const char *put_token(struct sink *s, const struct nebula_error *err, const char *text)
{
	unsigned int i;
	size_t len;

	for (i = 0; i < ARRAY_SIZE(tokens); i++) {
		len = strlen(tokens[i].word);
		if (strncmp(text, tokens[i].word, len))
			continue;
		tokens[i].put(s, err);
		return text + len;
	}
	put(s, "%c", *text);
	return text + 1;
}

static void put_text(struct sink *s, const struct nebula_error *err, const char *text)
{
	while (*text) {
		const int plain = strcspn(text, "{");

		put(s, "%.*s", plain, text);
		text += plain;
		if (*text)
			text = put_token(s, err, text);
	}
}

static void put_time(struct sink *s, u64 ns)
{
	u32 rest;
	u64 seconds = div_u64_rem(ns, NSEC_PER_SEC, &rest);

	put(s, "[%5llu.%06u]", seconds, rest / 1000);
}

static void put_code(struct sink *s, const struct nebula_error *err)
{
	const struct nebula_errc_info *info = nebula_errc_info(err->code);

	put_time(s, err->time_ns);
	put(s, " %s: %s (%s%s)", err->name, info->name, info->errno ? "-" : "", info->errno_name);
}

static void put_head(struct sink *s, const struct nebula_error *err)
{
	char comm[NEBULA_COMM_SIZE];

	put_code(s, err);
	put(s, " in %s[%d], %s, cpu %d\n", nebula_comm_str(comm, err->comm), err->pid,
	    nebula_context_name(err->context), err->cpu);
	if (err->repeated)
		put(s, "   repeated %llu times\n", err->repeated);
}

static void put_request(struct sink *s, const struct nebula_error *err)
{
	if (err->size || err->align) {
		put(s, "   requested: ");
		if (err->size)
			put_bytes(s, err->size);
		if (err->size && err->align)
			put(s, " (align %zu)", err->align);
		else if (err->align)
			put(s, "align %zu", err->align);
		if (err->overhead)
			put(s, ", and %zu bytes for the debug flags", err->overhead);
		put(s, "\n");
	}
	if (err->what[0])
		put(s, "   at fault:  %s\n", err->what);
}

/* Never where it is: addresses are printed hashed, see %p. */
static void put_pointer(struct sink *s, const struct nebula_error *err)
{
	if (!err->pointer)
		return;
	if (IS_ERR(err->pointer)) {
		put(s, "   pointer:   ERR_PTR(%ld)\n", PTR_ERR(err->pointer));
		return;
	}
	put(s, "   pointer:   %p", err->pointer);
	if (err->block >= 0 && err->offset)
		put(s, ", %zu bytes into block %ld", err->offset, err->block);
	else if (err->block >= 0)
		put(s, ", block %ld", err->block);
	else if (err->offset)
		put(s, ", %zu bytes into the memory", err->offset);
	put(s, "\n");
}

static void put_state(struct sink *s, const struct nebula_error *err)
{
	char used[NEBULA_BYTES_SIZE], capacity[NEBULA_BYTES_SIZE];
	char available[NEBULA_BYTES_SIZE], peak[NEBULA_BYTES_SIZE];

	if (!err->capacity)
		return;
	put(s, "   state:     used %s of %s (%u.%u%%), available %s, peak %s\n",
	    nebula_bytes_str(used, err->used), nebula_bytes_str(capacity, err->capacity),
	    err->utilisation / 10, err->utilisation % 10,
	    nebula_bytes_str(available, err->available), nebula_bytes_str(peak, err->peak));
}

static void put_advice(struct sink *s, const struct nebula_error *err)
{
	const struct nebula_advice *advice = nebula_errc_advice(err);
	unsigned int i;

	put(s, "   suggest:   ");
	put_text(s, err, advice->state ?: nebula_errc_info(err->code)->message);
	put(s, ":\n");
	for (i = 0; i < NEBULA_ADVICE_MAX && advice->items[i]; i++) {
		put(s, "              %u. ", i + 1);
		put_text(s, err, advice->items[i]);
		put(s, "\n");
	}
}

/* Stacks one after another, each behind what marks it. */
static void put_backtrace(struct sink *s, const struct nebula_error *err)
{
	static const char *const marks[] = {
		[NEBULA_ENTRY_ALLOCATED]	= "allocated:",
		[NEBULA_ENTRY_FREED]		= "freed:",
		[NEBULA_ENTRY_CREATED]		= "created:",
	};
	const char *label = "backtrace:";
	char symbol[NEBULA_SYMBOL_SIZE];
	unsigned int i;

	for (i = 0; i < err->nr_entries; i++) {
		if (err->entries[i] < ARRAY_SIZE(marks)) {
			label = marks[err->entries[i]] ?: label;
		} else {
			put(s, "   %-10s %s\n", label,
			    nebula_symbol(symbol, err->entries[i], err->time_ns));
			label = "";
		}
	}
}

int nebula_error_snprint(char *buf, size_t size, const struct nebula_error *err)
{
	struct sink s = { .buf = buf, .size = size };

	if (!size)
		return 0;
	buf[0] = '\0';
	put_head(&s, err);
	put_request(&s, err);
	put_pointer(&s, err);
	put_state(&s, err);
	put_advice(&s, err);
	put_backtrace(&s, err);
	return finish(&s);
}
EXPORT_SYMBOL_GPL(nebula_error_snprint);

/* That a record repeated, in one line. As nebula_error_snprint(). */
int nebula_error_snprint_repeats(char *buf, size_t size, const struct nebula_error *err)
{
	struct sink s = { .buf = buf, .size = size };

	buf[0] = '\0';
	put_code(&s, err);
	put(&s, " repeated %llu times\n", err->repeated);
	return finish(&s);
}
