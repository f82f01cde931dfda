/* SPDX-License-Identifier: GPL-2.0-only */
/* How an error is recorded, counted, and passed on. */
#ifndef _NEBULA_MODULE_ERROR_ERROR_H
#define _NEBULA_MODULE_ERROR_ERROR_H

#include <linux/gfp.h>
#include <linux/types.h>
#include <nebula/error.h>

struct module;
struct nebula_budget;
struct nebula_registration;
struct nebula_text;
struct nebula_usage;

/* What is known where an error is noticed. */
struct nebula_failure {
	enum nebula_errc code;	/* what went wrong */
	/* what exactly, as far as the state of the allocator does not tell, see detail.c */
	enum nebula_detail detail;
	struct nebula_allocator *allocator;	/* whose it is, or NULL */
	enum nebula_kind kind;	/* used without @allocator */
	const char *name;	/* used without @allocator */
	size_t size;		/* bytes asked for, or 0 */
	size_t align;		/* alignment asked for, or 0 */
	size_t need;		/* what would have sufficed, see struct nebula_error, or 0 */
	size_t overhead;	/* bytes that the debug flags put around the object */
	const void *pointer;	/* what was freed or resized, or NULL */
	size_t offset;		/* as in struct nebula_error */
	unsigned long block;	/* as in struct nebula_error, plus 1; 0 where it is in no block */
	size_t value;		/* as in struct nebula_error */
	size_t limit;		/* likewise */
	/* more was asked for, or came since; that need not be on its way any more */
	bool growth_pending;
	/* how full @allocator was when it refused, or NULL for how full it is now */
	const struct nebula_usage *usage;
	/* of what is not made without it, or NULL; without @allocator */
	const struct nebula_budget *budget;
	/* field, operation or limit at fault, for people to read, or NULL */
	const char *what;
	/* call stack to show instead of this one, innermost first, or NULL */
	const unsigned long *entries;
	unsigned int nr_entries;	/* valid entries of @entries */
};

/* How many errors there were. */
struct nebula_error_counts {
	u64 recorded;	/* those that got a record */
	/* those that were counted instead: they equal a record, or came in a flood */
	u64 repeated;
	u64 quiet;	/* refusals that are in the statistics alone, see quiet.c */
	u64 lost;	/* of @recorded, those that were dropped: two at once met in a slot */
	u64 unheard;	/* of @recorded, those that went by before the notifiers had their turn */
};

int nebula_error_record(const struct nebula_failure *f);
void nebula_errors_render(struct nebula_text *t, const struct nebula_registration *reg);
void nebula_errors_clear(void);
void nebula_errors_visit(void (*fn)(const struct nebula_error *err, void *data), void *data);
void nebula_error_counts(struct nebula_error_counts *c);

/* quiet.c: what is refused in between is only counted, as far as a correct caller may meet it. */

struct nebula_quiet;

struct nebula_quiet *nebula_quiet_enter(void);
void nebula_quiet_exit(struct nebula_quiet *q);

/* For a call with flags: __GFP_NOWARN says that the caller copes. */
static inline struct nebula_quiet *nebula_quiet_enter_gfp(gfp_t gfp)
{
	return gfp & __GFP_NOWARN ? nebula_quiet_enter() : NULL;
}

/* deliver.c */

void nebula_error_forget(struct module *gone);
void nebula_error_flush(void);
void nebula_error_flush_log(void);
void nebula_error_exit(void);

/* detail.c */

size_t nebula_detail_most(const struct nebula_error *err);
enum nebula_detail nebula_detail_of(const struct nebula_error *err);

/* nebula_fail() - record an error of allocator @a; evaluates to its negative errno */
#define nebula_fail(a, errc, ...)							\
	nebula_error_record(&(const struct nebula_failure){				\
		.allocator = (a), .code = (errc), ##__VA_ARGS__ })

#endif /* _NEBULA_MODULE_ERROR_ERROR_H */
