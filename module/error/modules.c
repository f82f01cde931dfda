// SPDX-License-Identifier: GPL-2.0-only
/*
 * Modules: whose code is at an address, or was when a call stack was taken.
 *
 * Call stacks outlive the code in them: init text is freed when a module goes live, the rest when
 * it is unloaded, and the next module is loaded to the same place. So each module that is loaded
 * after us is put into a list, with where its text lies, from when to when, and with the symbols of
 * its init text, which the kernel forgets. Those unloaded last stay in the list.
 *
 * A module that was loaded before us cannot have used us in its init function. It comes into the
 * list when it is unloaded; the kernel has its symbols until then.
 *
 * Lookups take no lock and may run in any context: the list is read under RCU, newest first.
 */
#include <linux/kernel.h>
#include <linux/math.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/overflow.h>
#include <linux/rculist.h>
#include <linux/sched/clock.h>
#include <linux/slab.h>
#include <linux/string.h>
#include "../compat.h"
#include "../core/allocator.h"
#include "symbols.h"

/* Modules that have gone, and are still known. */
#define GONE_MAX	64

/* Two CPUs may read their clocks so far apart, where the kernel has no better one. */
#define CLOCK_SLACK	(2 * (u64)TICK_NSEC)

/* Code of a module. */
struct text {
	unsigned long start;	/* first address */
	unsigned long size;	/* bytes */
};

/* A function in init text. */
struct init_symbol {
	unsigned long addr;	/* where it began */
	const char *name;	/* in the names of the module */
};

/* A module that is there, or was. */
struct known_module {
	struct list_head node;		/* In the list. Lock: knowing; read under RCU. */
	struct rcu_head rcu;		/* to be freed */
	const struct module *mod;	/* The module, compared only. Lock: knowing. */
	char name[MODULE_NAME_LEN];	/* Its name. Invariant. */
	struct text core;		/* Its text. Invariant. */
	struct text init;		/* Its init text. Invariant. */
	/* local_clock() before its first instruction; 0: before we were loaded. Invariant. */
	u64 came_ns;
	u64 init_ended_ns;		/* when @init went; U64_MAX before */
	u64 gone_ns;			/* when it went; U64_MAX before */
	unsigned int nr_symbols;	/* Of @symbols. Invariant. */
	struct init_symbol symbols[];	/* Of @init; the names follow. Invariant. */
};

/* Newest first. Lock: knowing; read under RCU. */
static LIST_HEAD(known);
static unsigned int nr_gone;
static DEFINE_MUTEX(knowing);

static bool is_in(const struct text *t, unsigned long addr)
{
	return addr - t->start < t->size;
}

static bool is_live(const struct known_module *m)
{
	return READ_ONCE(m->gone_ns) == U64_MAX;
}

/* What a person would call a function: no sections, and no marks of the assembler. */
static bool __maybe_unused is_name(const char *name)
{
	return *name && *name != '$' && strncmp(name, ".L", 2);
}

/* The symbols of init text: how many, and the bytes of their names; written to @m unless NULL. */
static unsigned int read_symbols(struct module *mod, const struct text *init,
				 struct known_module *m, char *names, size_t *bytes)
{
	unsigned int nr = 0;
#ifdef CONFIG_KALLSYMS
	/* Nothing changes them while the module's notifiers run. */
	const struct mod_kallsyms *k = rcu_dereference_protected(mod->kallsyms, true);
	const char *name;
	unsigned int i;
	size_t len;

	*bytes = 0;
	for (i = 1; i < k->num_symtab; i++) {
		name = k->strtab + k->symtab[i].st_name;
		if (k->symtab[i].st_shndx == SHN_UNDEF || !is_name(name) ||
		    !is_in(init, k->symtab[i].st_value))
			continue;
		len = strlen(name) + 1;
		if (m) {
			m->symbols[nr].addr = k->symtab[i].st_value;
			m->symbols[nr].name = memcpy(names + *bytes, name, len);
		}
		*bytes += len;
		nr++;
	}
#else
	*bytes = 0;
#endif
	return nr;
}

static struct known_module *know(struct module *mod, bool has_init, u64 came_ns)
{
	struct text init = { };
	struct known_module *m;
	unsigned int nr = 0;
	size_t bytes = 0;

	if (has_init) {
		compat_module_init_text(mod, &init.start, &init.size);
		nr = read_symbols(mod, &init, NULL, NULL, &bytes);
	}
	m = kvzalloc(size_add(struct_size(m, symbols, nr), bytes), GFP_KERNEL);
	if (!m)
		return NULL;
	m->mod = mod;
	strscpy(m->name, mod->name, sizeof(m->name));
	compat_module_text(mod, &m->core.start, &m->core.size);
	m->init = init;
	m->came_ns = came_ns;
	m->init_ended_ns = U64_MAX;
	m->gone_ns = U64_MAX;
	if (nr)
		m->nr_symbols = read_symbols(mod, &init, m, (char *)&m->symbols[nr], &bytes);
	mutex_lock(&knowing);
	list_add_rcu(&m->node, &known);
	mutex_unlock(&knowing);
	return m;
}

static struct known_module *find_live(const struct module *mod)
{
	struct known_module *m;

	mutex_lock(&knowing);
	list_for_each_entry(m, &known, node)
		if (m->mod == mod && is_live(m))
			break;
	mutex_unlock(&knowing);
	return list_entry_is_head(m, &known, node) ? NULL : m;
}

/*
 * A module is loaded, its init function was not called yet. Process context; sleeps. Returns 0, or
 * -ENOMEM: it must not be loaded.
 */
int nebula_modules_coming(struct module *mod)
{
	return know(mod, true, local_clock()) ? 0 : -ENOMEM;
}

/*
 * The init function of a module has returned. If that has loaded us, we see the module for the
 * first time. Process context; sleeps.
 */
void nebula_modules_live(struct module *mod)
{
	struct known_module *m = mod == THIS_MODULE ? NULL : find_live(mod);

	if (!m && mod != THIS_MODULE)
		m = know(mod, true, 0);
	if (m)
		WRITE_ONCE(m->init_ended_ns, local_clock());
}

/* The one that went first is forgotten. Lock: knowing. */
static void forget_one(void)
{
	struct known_module *m, *first = NULL;

	list_for_each_entry(m, &known, node)
		if (!is_live(m) && (!first || m->gone_ns < first->gone_ns))
			first = m;
	list_del_rcu(&first->node);
	kvfree_rcu(first, rcu);
	nr_gone--;
}

/* A module is unloaded: its exit function has returned. Process context; sleeps. */
void nebula_modules_going(struct module *mod)
{
	struct known_module *m = find_live(mod) ?: know(mod, false, 0);
	const u64 now = local_clock();

	if (!m)
		return;
	if (m->init_ended_ns == U64_MAX)
		WRITE_ONCE(m->init_ended_ns, now);
	mutex_lock(&knowing);
	WRITE_ONCE(m->gone_ns, now);
	if (nr_gone++ == GONE_MAX)
		forget_one();
	mutex_unlock(&knowing);
}

/* May code of it have run at @addr at a time between these? */
static bool may_have_run(const struct known_module *m, unsigned long addr, u64 oldest_ns,
			 u64 newest_ns)
{
	u64 end;

	if (is_in(&m->core, addr))
		end = READ_ONCE(m->gone_ns);
	else if (is_in(&m->init, addr))
		end = READ_ONCE(m->init_ended_ns);
	else
		return false;
	return newest_ns + CLOCK_SLACK >= m->came_ns &&
	       (end == U64_MAX || oldest_ns <= end + CLOCK_SLACK);
}

/*
 * Whose code ran at an address. In doubt between several it is that of one that is still there. Any
 * context. Returns whose.
 */
enum nebula_code nebula_modules_whose(unsigned long addr, u64 oldest_ns, u64 newest_ns)
{
	enum nebula_code whose = NEBULA_CODE_UNKNOWN;
	char symbol[NEBULA_SYMBOL_SIZE];
	const struct known_module *m;

	rcu_read_lock();
	list_for_each_entry_rcu(m, &known, node) {
		if (!may_have_run(m, addr, oldest_ns, newest_ns))
			continue;
		whose = is_live(m) ? NEBULA_CODE_LIVE : NEBULA_CODE_GONE;
		if (whose == NEBULA_CODE_LIVE)
			break;
	}
	rcu_read_unlock();
	if (whose != NEBULA_CODE_UNKNOWN)
		return whose;
	if (within_module(addr, THIS_MODULE))
		return NEBULA_CODE_KERNEL;
	/* A symbol of a module has that in brackets; where nothing is there is no symbol. */
	snprintf(symbol, sizeof(symbol), "%ps", (void *)addr);
	if (!strncmp(symbol, "0x", 2))
		return NEBULA_CODE_UNKNOWN;
	return strchr(symbol, '[') ? NEBULA_CODE_LIVE : NEBULA_CODE_KERNEL;
}

static void put_init_symbol(char buf[NEBULA_SYMBOL_SIZE], const struct known_module *m,
			    unsigned long addr)
{
	unsigned long end = m->init.start + m->init.size;
	const struct init_symbol *s, *best = NULL;

	for (s = m->symbols; s < m->symbols + m->nr_symbols; s++) {
		if (s->addr <= addr && (!best || s->addr > best->addr))
			best = s;
		if (s->addr > addr)
			end = min(end, s->addr);
	}
	if (best)
		snprintf(buf, NEBULA_SYMBOL_SIZE, "%s+0x%lx/0x%lx [%s]", best->name,
			 addr - best->addr, end - best->addr, m->name);
	else
		snprintf(buf, NEBULA_SYMBOL_SIZE, "init+0x%lx/0x%lx [%s]", addr - m->init.start,
			 m->init.size, m->name);
}

/* What the list says of an address. Any context. Returns true with @buf filled in. */
bool nebula_modules_symbol(char buf[NEBULA_SYMBOL_SIZE], unsigned long addr, u64 time_ns,
			   bool *is_later)
{
	const struct known_module *m;
	bool found = false;

	*is_later = false;
	rcu_read_lock();
	list_for_each_entry_rcu(m, &known, node) {
		if (!is_in(&m->core, addr) && !is_in(&m->init, addr))
			continue;
		if (m->came_ns > time_ns) {
			*is_later = true;
			continue;
		}
		found = is_in(&m->init, addr);
		if (found)
			put_init_symbol(buf, m, addr);
		break;
	}
	rcu_read_unlock();
	return found;
}

/*
 * When a module was loaded. Any context. Returns local_clock() before its first instruction; 0 when
 * that was before we were loaded.
 */
u64 nebula_modules_since(const struct module *mod)
{
	const struct known_module *m;
	u64 since = 0;

	rcu_read_lock();
	list_for_each_entry_rcu(m, &known, node) {
		if (m->mod != mod)
			continue;
		since = m->came_ns;
		break;
	}
	rcu_read_unlock();
	return since;
}

/* No lookup runs any more. Process context. */
void nebula_modules_exit(void)
{
	struct known_module *m, *next;

	list_for_each_entry_safe(m, next, &known, node)
		kvfree(m);
}
