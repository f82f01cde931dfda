/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What holds for the creation of every kind of allocator: a configuration is refused for a reason
 * that is recorded, and whatever fails, nothing is left behind.
 */
#ifndef _NEBULA_KUNIT_MAKER_H
#define _NEBULA_KUNIT_MAKER_H

#include "../fixture.h"

/* How allocators of a kind come and go. */
struct maker {
	enum nebula_kind kind;				/* the kind */
	size_t cfg_size;				/* bytes of its configuration */
	/* makes one of a configuration, or ERR_PTR() */
	void *(*create)(const char *name, const void *cfg, size_t cfg_size, unsigned int abi);
	void (*destroy)(void *made);			/* takes it down */
	/* sees that one made of a configuration serves */
	void (*use)(struct kunit *test, void *made, const void *cfg);
	struct nebula_allocator *(*common)(void *made);	/* the common part of one */
};

/* A configuration that has to be refused, and how. */
struct refusal {
	const char *why;	/* for the reader of a failure */
	const char *what;	/* field that the record names */
	enum nebula_errc code;	/* code of the record */
	int err;		/* errno returned */
	/* the configuration; no field is a constant where it is used, so it compiles */
	const void *cfg;
};

/* Rows of a table of them; @type is the configuration's. */
#define REFUSE_INVALID(type, field, reason, ...)						\
	{ reason, field, NEBULA_E_INVALID_CONFIG, -EINVAL, &(const type) { __VA_ARGS__ } }
#define REFUSE_OVERFLOW(type, field, reason, ...)						\
	{ reason, field, NEBULA_E_SIZE_OVERFLOW, -EOVERFLOW, &(const type) { __VA_ARGS__ } }

/* One made of @cfg, as a client of this build makes it. */
void *maker_create(const struct maker *maker, const char *name, const void *cfg);

/* All rows are refused; so is a configuration that is right, by a name that is not. */
void expect_refusals(struct kunit *test, const struct maker *maker, const struct refusal *rows,
		     unsigned int n);
void expect_names_refused(struct kunit *test, const struct maker *maker, const void *cfg);

/* A client that was built against other headers is refused. */
void expect_abi_refused(struct kunit *test, const struct maker *maker, const void *cfg);

/* A configuration that is NULL is refused. */
void expect_none_refused(struct kunit *test, const struct maker *maker);

/* Neither made nor taken down in atomic context. */
void expect_atomic_refused(struct kunit *test, const struct maker *maker, const void *cfg);

/* Every step of making it fails once, until none is left to fail: nothing stays behind. */
void expect_unwound(struct kunit *test, const struct maker *maker, const void *cfg);

#endif /* _NEBULA_KUNIT_MAKER_H */
