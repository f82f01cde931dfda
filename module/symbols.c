// SPDX-License-Identifier: GPL-2.0-only
/*
 * What is at an address of code: the symbol. Records outlive the modules whose code is in their
 * call stacks, and then nobody could tell any more; so what they were called is kept when a module
 * goes. What cannot be told is shown hashed: a raw address is nobody's business.
 *
 * A slot's seq is the newest record there was when the module went, 0 while it is written. Later
 * records are of whatever was loaded to the same place.
 */
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/string.h>
#include "internal.h"

#define SLOTS	256

/**
 * struct kept - a symbol of a module that has gone
 * @seq: newest record it is valid for; 0: none. Written last.
 * @addr: its address.
 * @text: what it was called.
 */
struct kept {
	u64 seq;
	unsigned long addr;
	char text[NEBULA_SYMBOL_SIZE];
};

static struct kept slots[SLOTS];

/* Lock: keeping. */
static unsigned int next_slot;
static DEFINE_MUTEX(keeping);

static bool lookup(char buf[NEBULA_SYMBOL_SIZE], unsigned long addr, u64 seq)
{
	const struct kept *k;
	u64 before;

	for (k = slots; k < slots + SLOTS; k++) {
		/* Pairs with the release in keep(). */
		before = smp_load_acquire(&k->seq);
		if (before < seq || READ_ONCE(k->addr) != addr)
			continue;
		/* A copy that raced with a writer is noticed below. */
		data_race(memcpy(buf, k->text, NEBULA_SYMBOL_SIZE));
		buf[NEBULA_SYMBOL_SIZE - 1] = '\0';
		/* Pairs with smp_wmb() in keep(). */
		smp_rmb();
		if (READ_ONCE(k->seq) == before)
			return true;
	}
	return false;
}

/* False when nobody knows. */
static bool describe(char buf[NEBULA_SYMBOL_SIZE], unsigned long addr)
{
	snprintf(buf, NEBULA_SYMBOL_SIZE, "%pS", (void *)addr);
	return strncmp(buf, "0x", 2);
}

/* What is at @addr of a call stack in the record with number @seq, in @buf. Any context. */
const char *nebula_symbol(char buf[NEBULA_SYMBOL_SIZE], unsigned long addr, u64 seq)
{
	if (!lookup(buf, addr, seq) && !describe(buf, addr))
		snprintf(buf, NEBULA_SYMBOL_SIZE, "%p, of a module that has gone", (void *)addr);
	return buf;
}

static struct kept *slot_for(unsigned long addr)
{
	struct kept *k;

	for (k = slots; k < slots + SLOTS; k++)
		if (k->seq && k->addr == addr)
			return k;
	return &slots[next_slot++ % SLOTS];
}

static void keep(unsigned long addr, u64 seq)
{
	char text[NEBULA_SYMBOL_SIZE];
	struct kept *k = slot_for(addr);

	if (!describe(text, addr))
		return;
	WRITE_ONCE(k->seq, 0);
	smp_wmb();	/* Pairs with smp_rmb() in lookup(). */
	WRITE_ONCE(k->addr, addr);
	data_race(memcpy(k->text, text, sizeof(text)));	/* see above */
	smp_store_release(&k->seq, seq);	/* Pairs with the acquire in lookup(). */
}

static void keep_of_record(const struct nebula_error *err, void *data)
{
	const struct module *gone = data;
	unsigned int i;

	for (i = 0; i < err->nr_entries; i++)
		if (within_module(err->entries[i], gone))
			keep(err->entries[i], err->seq);
}

/* A module goes: what records say of its code stays readable. Process context. */
void nebula_symbols_keep(const struct module *gone)
{
	mutex_lock(&keeping);
	nebula_errors_visit(keep_of_record, (void *)gone);
	mutex_unlock(&keeping);
}
