// SPDX-License-Identifier: GPL-2.0-only
/*
 * Test fixture, see fixture.h.
 */
#include <linux/cpumask.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/module.h>
#include <linux/notifier.h>
#include <linux/slab.h>
#include <linux/sort.h>
#include <linux/string.h>
#include <linux/workqueue.h>
#include "../module/compat.h"
#include "../module/core/chunk.h"
#include "../module/core/inject.h"
#include "../module/error/error.h"
#include "../module/pool/hooks.h"
#include "fixture.h"

int fixture_init(struct kunit *test)
{
	struct fixture *f = kunit_kzalloc(test, sizeof(*f), GFP_KERNEL);

	if (!f)
		return -ENOMEM;
	nebula_chunks_flush();
	nebula_region_totals(&f->before);
	prandom_seed_state(&f->random, FIXTURE_SEED);
	test->priv = f;
	return 0;
}

/* What was heard of each code, and the newest of it. Only the notifier and its flush touch them. */
static unsigned int heard_count[NEBULA_E_NR];
static struct nebula_error heard_newest[NEBULA_E_NR];

static int hear(struct notifier_block *nb, unsigned long code, void *data)
{
	const struct nebula_error *err = data;

	heard_count[code] += max(err->repeated, 1ULL);
	heard_newest[code] = *err;
	return NOTIFY_OK;
}

static struct notifier_block listener = { .notifier_call = hear };

/* Whatever the test did, every byte is back at the backing allocators. */
void fixture_exit(struct kunit *test)
{
	nebula_fault_disarm();
	nebula_error_notifier_unregister(&listener);
	nebula_chunks_flush();
	KUNIT_EXPECT_EQ(test, fixture_regions(test), 0);
	KUNIT_EXPECT_EQ(test, fixture_region_bytes(test), 0);
}

u32 fixture_random(struct kunit *test, u32 below)
{
	struct fixture *f = test->priv;

	return prandom_u32_state(&f->random) % below;
}

bool fixture_has_nolock(void)
{
	void *p = compat_zalloc_nolock(64);

	kfree(p);
	return p;
}

s64 fixture_regions(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct nebula_region_totals now;

	nebula_region_totals(&now);
	return (now.mapped - now.unmapped) - (f->before.mapped - f->before.unmapped);
}

s64 fixture_region_bytes(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct nebula_region_totals now;

	nebula_region_totals(&now);
	return (now.mapped_bytes - now.unmapped_bytes) -
	       (f->before.mapped_bytes - f->before.unmapped_bytes);
}

enum nebula_errc fixture_last_code(const struct nebula_allocator *a)
{
	struct nebula_error err;

	return nebula_allocator_last_error(a, &err) ? err.code : NEBULA_OK;
}

/* The text of a file is what was rendered when it was opened, and hangs on it. */
const char *fixture_file(struct kunit *test, const struct nebula_allocator *a, const char *name)
{
	const struct nebula_text *text;
	struct file *filp;
	char *path, *copy;

	path = kasprintf(GFP_KERNEL, "/sys/kernel/debug/nebula_memory/allocators/%s/%s",
			 a->reg->name, name);
	KUNIT_ASSERT_NOT_NULL(test, path);
	filp = filp_open(path, O_RDONLY, 0);
	kfree(path);
	KUNIT_ASSERT_FALSE_MSG(test, IS_ERR(filp), "no %s: %ld", name, PTR_ERR(filp));
	text = filp->private_data;
	copy = kunit_kzalloc(test, text->len + 1, GFP_KERNEL);
	if (copy)
		memcpy(copy, text->buf, text->len);
	filp_close(filp, NULL);
	/* What a kernel thread closes is let go of later, and holds the module until then. */
	flush_delayed_fput();
	KUNIT_ASSERT_NOT_NULL(test, copy);
	return copy;
}

static bool says(const char *text, const char *key, const char *value)
{
	const size_t key_len = strlen(key), value_len = strlen(value);
	const char *line, *found;

	for (line = text; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (strncmp(line, key, key_len) || line[key_len] != ':')
			continue;
		found = skip_spaces(line + key_len + 1);
		return !strncmp(found, value, value_len) && found[value_len] == '\n';
	}
	return false;
}

void expect_says(struct kunit *test, const char *text, const char *key, const char *value)
{
	KUNIT_EXPECT_TRUE_MSG(test, says(text, key, value), "no '%s: %s' in:\n%s", key, value,
			      text);
}

void expect_in_text(struct kunit *test, const char *text, const char *words)
{
	KUNIT_EXPECT_NOT_NULL_MSG(test, strstr(text, words), "no '%s' in:\n%s", words, text);
}

static u8 stamp_byte(u32 id, size_t i)
{
	return (id * 2654435761U >> (8 * (i % 4))) ^ i;
}

void fixture_stamp(void *p, size_t size, u32 id)
{
	size_t i;

	for (i = 0; i < size; i++)
		((u8 *)p)[i] = stamp_byte(id, i);
}

bool fixture_stamped(const void *p, size_t size, u32 id)
{
	size_t i;

	for (i = 0; i < size; i++)
		if (((const u8 *)p)[i] != stamp_byte(id, i))
			return false;
	return true;
}

u64 fixture_failures(const struct nebula_pool *p, enum nebula_errc code)
{
	struct nebula_stats st;

	nebula_stats_read(p, &st);
	return st.failures[code];
}

u64 fixture_failed(const struct nebula_pool *p)
{
	struct nebula_stats st;

	nebula_stats_read(p, &st);
	return st.failed;
}

void fixture_listen(struct kunit *test)
{
	nebula_error_flush();
	memset(heard_count, 0, sizeof(heard_count));
	memset(heard_newest, 0, sizeof(heard_newest));
	KUNIT_ASSERT_EQ(test, nebula_error_notifier_register(&listener), 0);
}

unsigned int fixture_heard(enum nebula_errc code, struct nebula_error *err)
{
	nebula_error_flush();
	if (err)
		*err = heard_newest[code];
	return heard_count[code];
}

int fixture_cpu(void)
{
	return cpumask_first(cpu_online_mask);
}

int fixture_other_cpu(struct kunit *test)
{
	int cpu = cpumask_next(fixture_cpu(), cpu_online_mask);

	if (cpu >= nr_cpu_ids)
		kunit_skip(test, "there is one CPU only");
	return cpu;
}

unsigned int held_most(const struct nebula_pool *p)
{
	return p->common.flags & NEBULA_STRICT ? nebula_pool_capacity(p) : p->blocks;
}

struct held *held_create(struct kunit *test, struct nebula_pool *p, unsigned int room)
{
	struct held *h = kunit_kzalloc(test, sizeof(*h), GFP_KERNEL);

	ASSERT_POOL(test, p);
	KUNIT_ASSERT_NOT_NULL(test, h);
	h->pool = p;
	h->room = room;
	h->blocks = kunit_kcalloc(test, room, sizeof(*h->blocks), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, h->blocks);
	return h;
}

unsigned int held_take(struct held *h, unsigned int n)
{
	unsigned int taken;
	void *obj;

	for (taken = 0; taken < n && h->count < h->room; taken++) {
		obj = nebula_pool_alloc(h->pool);
		if (!obj)
			break;
		fixture_stamp(obj, h->pool->block_size, h->count);
		h->blocks[h->count++] = obj;
	}
	return taken;
}

void held_give(struct held *h, unsigned int n)
{
	while (n-- && h->count)
		nebula_pool_free(h->pool, h->blocks[--h->count]);
}

/* What another CPU does. */
struct errand {
	struct held *held;	/* with these blocks */
	unsigned int n;		/* how many of them */
};

static long take(void *data)
{
	struct errand *e = data;

	return held_take(e->held, e->n);
}

static long give(void *data)
{
	struct errand *e = data;

	held_give(e->held, e->n);
	return 0;
}

unsigned int held_take_on(int cpu, struct held *h, unsigned int n)
{
	struct errand e = { h, n };

	return work_on_cpu(cpu, take, &e);
}

void held_take_all(struct held *h)
{
	int cpu;

	for_each_online_cpu(cpu)
		held_take_on(cpu, h, UINT_MAX);
}

void held_give_on(int cpu, struct held *h, unsigned int n)
{
	struct errand e = { h, n };

	work_on_cpu(cpu, give, &e);
}

static int by_address(const void *a, const void *b)
{
	const void *left = *(void *const *)a, *right = *(void *const *)b;

	return left < right ? -1 : left > right;
}

void held_verify(struct kunit *test, struct held *h)
{
	const size_t size = h->pool->block_size;
	unsigned int i;

	for (i = 0; i < h->count; i++) {
		if (!fixture_stamped(h->blocks[i], size, i)) {
			KUNIT_FAIL(test, "block %u of %u was overwritten", i, h->count);
			return;
		}
	}
	sort(h->blocks, h->count, sizeof(*h->blocks), by_address, NULL);
	for (i = 0; i < h->count; i++) {
		fixture_stamp(h->blocks[i], size, i);
		if (i && (size_t)(h->blocks[i] - h->blocks[i - 1]) < size) {
			KUNIT_FAIL(test, "blocks %u and %u of %u overlap", i - 1, i, h->count);
			return;
		}
	}
}

void expect_whole(struct kunit *test, struct nebula_pool *p, unsigned int n)
{
	struct held *h = held_create(test, p, n);

	KUNIT_EXPECT_EQ(test, nebula_pool_used(p), 0U);
	KUNIT_EXPECT_EQ(test, held_take(h, n), n);
	KUNIT_EXPECT_EQ(test, nebula_pool_used(p), h->count);
	held_verify(test, h);
	KUNIT_EXPECT_EQ(test, nebula_validate(p), 0U);
	held_give(h, n);
	KUNIT_EXPECT_EQ(test, nebula_pool_used(p), 0U);
	KUNIT_EXPECT_EQ(test, nebula_validate(p), 0U);
}

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("KUnit suites of nebula_memory");
