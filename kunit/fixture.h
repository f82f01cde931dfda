/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the suites share: every test starts with a note of what is mapped and ends with the same,
 * errors are looked up in the allocator's own record, and memory handed out is checked by its
 * content.
 */
#ifndef _NEBULA_KUNIT_FIXTURE_H
#define _NEBULA_KUNIT_FIXTURE_H

#include <kunit/test.h>
#include <linux/prandom.h>
#include <nebula/nebula.h>
#include "../module/core/allocator.h"
#include "../module/core/region.h"

/* Random numbers are the same in every run. */
#define FIXTURE_SEED	0x6e6562756c61ULL

/* Per test. */
struct fixture {
	struct nebula_region_totals before;	/* what was mapped when the test began */
	struct rnd_state random;		/* for the test's use */
};

int fixture_init(struct kunit *test);
void fixture_exit(struct kunit *test);

u32 fixture_random(struct kunit *test, u32 below);

/* Regions mapped now, over those at the beginning of the test; bytes likewise. */
s64 fixture_regions(struct kunit *test);
/* Has this kernel memory without a lock? */
bool fixture_has_nolock(void);
s64 fixture_region_bytes(struct kunit *test);

enum nebula_errc fixture_last_code(const struct nebula_allocator *a);

/* The newest error of an allocator has this code. */
#define EXPECT_ERROR(test, a, errc)								\
	KUNIT_EXPECT_STREQ(test, nebula_errc_name(fixture_last_code(nebula_allocator_of(a))),	\
			   nebula_errc_name(errc))

/*
 * Records of any allocator, also of one that is gone or never was, from fixture_listen() to the end
 * of the test: how many there are of a code, and the newest of them where @err is given.
 */
void fixture_listen(struct kunit *test);
unsigned int fixture_heard(enum nebula_errc code, struct nebula_error *err);

/*
 * What is read now from a file that an allocator has in debugfs; it goes with the test. It has to
 * have a line "key: value", or somewhere these words.
 */
const char *fixture_file(struct kunit *test, const struct nebula_allocator *a, const char *name);
void expect_says(struct kunit *test, const char *text, const char *key, const char *value);
void expect_in_text(struct kunit *test, const char *text, const char *words);

/* Content that is different for every object, so that overlap shows. */
void fixture_stamp(void *p, size_t size, u32 id);
bool fixture_stamped(const void *p, size_t size, u32 id);

#define ASSERT_BUMP(test, b)	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, b)
#define ASSERT_POOL(test, p)	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, p)
#define ASSERT_STACK(test, s)	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, s)

/* Blocks of a pool that a test holds. */
struct held {
	struct nebula_pool *pool;	/* whose they are */
	void **blocks;			/* the blocks, each stamped with its place in here */
	unsigned int count;		/* how many */
	unsigned int room;		/* how many there can be */
};

/*
 * Take up to @n blocks while there are any, all that are in whatever CPU's cache, or give @n back.
 * Any context; those that name a CPU or go to all of them task context only.
 */
unsigned int held_most(const struct nebula_pool *p);	/* blocks that can be live at once */
struct held *held_create(struct kunit *test, struct nebula_pool *p, unsigned int room);
unsigned int held_take(struct held *h, unsigned int n);
unsigned int held_take_on(int cpu, struct held *h, unsigned int n);
void held_take_all(struct held *h);
void held_give(struct held *h, unsigned int n);
void held_give_on(int cpu, struct held *h, unsigned int n);

/* Each block has its content, none overlaps another. They are in order of address then. */
void held_verify(struct kunit *test, struct held *h);

/* No block is live; all of @n can be had, each once, and given back. Leaves no other record. */
void expect_whole(struct kunit *test, struct nebula_pool *p, unsigned int n);

/* How often this code was recorded against a pool, and how often any. */
u64 fixture_failures(const struct nebula_pool *p, enum nebula_errc code);
u64 fixture_failed(const struct nebula_pool *p);

/* Two CPUs; where there is no second one the test is skipped. */
int fixture_cpu(void);
int fixture_other_cpu(struct kunit *test);

#endif /* _NEBULA_KUNIT_FIXTURE_H */
