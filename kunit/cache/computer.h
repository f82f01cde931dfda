/* SPDX-License-Identifier: GPL-2.0-only */
/* What caches under test compute with, and what tests ask of them. */
#ifndef _NEBULA_KUNIT_CACHE_COMPUTER_H
#define _NEBULA_KUNIT_CACHE_COMPUTER_H

#include <kunit/test.h>
#include <linux/atomic.h>
#include <linux/completion.h>
#include <nebula/cache.h>

#define VALUE_SIZE	48

/**
 * struct computer - what a cache under test computes with
 * @computed: how often it was called. Any context.
 * @released: how often a value was dropped. Any context.
 * @err: what it returns.
 * @interrupt: so many calls return -EINTR, if @gathered tasks sleep. Any context.
 * @gather: it returns only once so many tasks sleep for its result.
 * @inner: key that it asks for, unless 0: of key @outer, the other way round of key @inner.
 * @outer: see there.
 * @inner_err: what that came to.
 * @met: computations that have begun, of those that meet. Any context.
 * @chain: each key asks for the one below it, down to 1.
 * @dies: the first computation ends its kernel thread, which completes this; or NULL.
 */
struct computer {
	atomic_t computed;
	atomic_t released;
	int err;
	atomic_t interrupt;
	unsigned int gather;
	u64 inner;
	u64 outer;
	int inner_err;
	atomic_t met;
	bool chain;
	struct completion *dies;
};

struct computer *computer_create(struct kunit *test);
int computer_compute(struct nebula_cache *c, const void *key, void *value, void *data);
void computer_release(struct nebula_cache *c, const void *key, void *value, void *data);

#define CACHE(test, by, n, ...)								\
({											\
	struct nebula_cache *__c = nebula_cache_create("cache", .key_size = 8,		\
		.value_size = VALUE_SIZE, .entries = (n), .compute = computer_compute,		\
		.release = computer_release, .data = (by), ##__VA_ARGS__);			\
											\
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, __c);					\
	__c;										\
})

/* How many tasks sleep for a value. */
u64 cache_waits(struct nebula_cache *c);

/* The value of a key, which is right, or an error. */
int cache_ask(struct kunit *test, struct nebula_cache *c, u64 key);

bool cache_has(struct nebula_cache *c, u64 key);
void expect_computed(struct kunit *test, const struct computer *by, int n);

/* Each value that was made was dropped, once. */
void cache_end(struct kunit *test, struct nebula_cache *c, const struct computer *by, int n);

#endif /* _NEBULA_KUNIT_CACHE_COMPUTER_H */
