// SPDX-License-Identifier: GPL-2.0-only
/*
 * What is at an address of code: the symbol. Records and live objects outlive the modules whose
 * code is in their call stacks, and others are loaded to the same place. So a symbol is looked up
 * for an address and a time: symbols in records of a module are saved when it is unloaded, and
 * modules.c has those of init text. An address without a symbol is shown hashed.
 */
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/string.h>
#include <linux/sched/clock.h>
#include "../core/allocator.h"
#include "error.h"
#include "symbols.h"

#define SLOTS	256

/* A symbol of a module that has gone. */
struct kept {
	/*
	 * When the module was unloaded, local_clock(); 0: none, or it is being written. Written
	 * last.
	 */
	u64 until_ns;
	u64 since_ns;			/* when it was loaded */
	unsigned long addr;		/* its address */
	char text[NEBULA_SYMBOL_SIZE];	/* the symbol */
};

static struct kept slots[SLOTS];

/* Lock: keeping. */
static unsigned int next_slot;
static DEFINE_MUTEX(keeping);

static bool lookup(char buf[NEBULA_SYMBOL_SIZE], unsigned long addr, u64 time_ns)
{
	const struct kept *k;
	u64 until;

	for (k = slots; k < slots + SLOTS; k++) {
		/* Pairs with the release in keep(). */
		until = smp_load_acquire(&k->until_ns);
		if (until < time_ns || READ_ONCE(k->addr) != addr ||
		    READ_ONCE(k->since_ns) > time_ns)
			continue;
		/* A copy that raced with a writer is noticed below. */
		data_race(memcpy(buf, k->text, NEBULA_SYMBOL_SIZE));
		buf[NEBULA_SYMBOL_SIZE - 1] = '\0';
		/* Pairs with smp_wmb() in keep(). */
		smp_rmb();
		if (READ_ONCE(k->until_ns) == until)
			return true;
	}
	return false;
}

/* False when the kernel has no symbol there. */
static bool describe(char buf[NEBULA_SYMBOL_SIZE], unsigned long addr)
{
	snprintf(buf, NEBULA_SYMBOL_SIZE, "%pS", (void *)addr);
	return strncmp(buf, "0x", 2);
}

/*
 * What was at @addr of a call stack that was taken at @time_ns, local_clock(), or before, in @buf.
 * Any context.
 */
const char *nebula_symbol(char buf[NEBULA_SYMBOL_SIZE], unsigned long addr, u64 time_ns)
{
	bool is_later;

	if (nebula_modules_symbol(buf, addr, time_ns, &is_later) || lookup(buf, addr, time_ns) ||
	    (!is_later && describe(buf, addr)))
		return buf;
	snprintf(buf, NEBULA_SYMBOL_SIZE, "%p [unloaded]", (void *)addr);
	return buf;
}

static struct kept *slot_for(unsigned long addr, u64 since_ns)
{
	struct kept *k;

	for (k = slots; k < slots + SLOTS; k++)
		if (k->until_ns && k->addr == addr && k->since_ns == since_ns)
			return k;
	return &slots[next_slot++ % SLOTS];
}

static void keep(unsigned long addr, u64 since_ns)
{
	struct kept *k = slot_for(addr, since_ns);
	char text[NEBULA_SYMBOL_SIZE];

	if (!describe(text, addr))
		return;
	WRITE_ONCE(k->until_ns, 0);
	smp_wmb();	/* Pairs with smp_rmb() in lookup(). */
	WRITE_ONCE(k->since_ns, since_ns);
	WRITE_ONCE(k->addr, addr);
	data_race(memcpy(k->text, text, sizeof(text)));	/* see above */
	/* Pairs with the acquire in lookup(). */
	smp_store_release(&k->until_ns, local_clock());
}

/* A module that goes. */
struct going {
	const struct module *mod;	/* the module */
	u64 since_ns;			/* when it was loaded: what is older was never in it */
};

static void keep_of_record(const struct nebula_error *err, void *data)
{
	const struct going *going = data;
	unsigned int i;

	for (i = 0; err->time_ns >= going->since_ns && i < err->nr_entries; i++)
		if (within_module(err->entries[i], going->mod))
			keep(err->entries[i], going->since_ns);
}

/* A module goes: what records say of its code stays readable. Process context. */
void nebula_symbols_keep(const struct module *gone)
{
	struct going going = { gone, nebula_modules_since(gone) };

	mutex_lock(&keeping);
	nebula_errors_visit(keep_of_record, &going);
	mutex_unlock(&keeping);
}
