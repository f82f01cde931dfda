/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A table of allocators, each kind in each of its modes, for tests of what all of them have in
 * common.
 */
#ifndef _NEBULA_KUNIT_SUBJECTS_H
#define _NEBULA_KUNIT_SUBJECTS_H

#include "fixture.h"

/* A kind of allocator, in one of its modes. */
struct subject {
	const char *name;	/* for the reader of a failure */
	enum nebula_errc too_large;	/* recorded for a gigabyte */
	size_t block;	/* bytes of every object, whatever was asked for; 0 when it is that */
	bool shared;	/* any number of CPUs may use it at once */
	bool parts;	/* it is made of others, whose bytes it reports */
	bool exact_peak;	/* its peak is exact whenever nothing is under way */
	bool tracks;	/* it counts sizes with NEBULA_TRACK */
	/* One, with more flags; any task may sleep. Or ERR_PTR(). */
	struct nebula_allocator *(*create)(unsigned int flags);
	void (*destroy)(struct nebula_allocator *a);	/* takes it down */
	/* gives all back, where single objects never are; else NULL */
	void (*reset)(struct nebula_allocator *a);
	/*
	 * Some use of its inline functions, all of it given back afterwards as far as it can be;
	 * what is refused does not matter. Preemption is off.
	 */
	void (*turn)(struct nebula_allocator *a, u32 random);
};

extern const struct subject subjects[];
extern const unsigned int nr_subjects;

/*
 * What cannot be, whatever is in flight, by name: a count that wrapped, more in use than there is,
 * a peak outside of what it can be; else NULL.
 */
const char *subject_insane(const struct nebula_stats *st);

/* NULL without any of that name. */
const struct subject *subject_named(const char *name);

/* One of them without more flags; ends the test when there is none to be had. */
struct nebula_allocator *subject_create(struct kunit *test, const struct subject *s);

#endif /* _NEBULA_KUNIT_SUBJECTS_H */
