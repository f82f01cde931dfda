// SPDX-License-Identifier: GPL-2.0-only
/*
 * Owners: an allocator belongs to the module that made it. When that is unloaded and has left it
 * behind, it is reported (LEAK) and taken down here.
 *
 * Unless another module is known to use it. Then it stays, listed as an orphan, until that ends:
 *
 *  - It is a part of a composite, a task waits for a block, a reserve holds blocks, or a scope on
 *    it is open.
 *  - With NEBULA_TRACK, the call stack of a live object shows code of another module, or it cannot
 *    be decided: a frame has no symbol, a stack shows no module, a list of call sites overflowed,
 *    the objects kept changing, or there was no memory for the list. Without NEBULA_TRACK live
 *    objects are taken to be those of the unloaded module.
 *
 * Orphans are checked again whenever a module is unloaded or a composite destroyed.
 *
 * What consists of the module's own code, an allocator of a client's own kind, cannot be kept; so a
 * composite of another module made of one holds the module, see compose.c.
 *
 * All that one module left behind goes together, after one grace period; its budgets after that,
 * because what is charged to them is given back only then. A budget stays while budgets below it or
 * regions of allocators that stay are charged to it.
 *
 * Process context only.
 */
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/notifier.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/string.h>
#include "core/chunk.h"
#include "core/later.h"
#include "debugfs/sites.h"
#include "error/error.h"
#include "error/symbols.h"
#include "unload.h"

/* What is shown as at fault. */
#define UNLOADED	"owner unloaded"

/* One at a time takes down what was left behind. */
static DEFINE_MUTEX(leaving);

static const struct nebula_kind_ops *ops_of(const struct nebula_registration *reg)
{
	return reg->allocator->ops;
}

static bool is_budget(const struct nebula_registration *reg)
{
	return reg->allocator->ops->kind == NEBULA_KIND_BUDGET;
}

/* What is live by call site, as far as that is known; else NULL. */
static struct nebula_sites *sites_of(const struct nebula_registration *reg)
{
	if (!ops_of(reg)->sites || !(reg->allocator->flags & NEBULA_TRACK))
		return NULL;
	return ops_of(reg)->sites(reg->allocator);
}

/* Does another module have any of its live objects, as far as those are tracked? */
static bool has_objects_of_others(const struct nebula_registration *reg)
{
	struct nebula_sites *sites;
	struct nebula_stats st;
	bool own;

	if (!(reg->allocator->flags & NEBULA_TRACK))
		return false;
	nebula_allocator_stats_read(reg->allocator, &st);
	if (!st.live)
		return false;
	sites = sites_of(reg);
	/* An overwritten guard ends the list early: whose the other objects are is not known. */
	own = sites && sites->count >= st.live && nebula_sites_of_gone(sites);
	kvfree(sites);
	return !own;
}

/* Does a module use it that was not unloaded? */
static bool is_needed(const struct nebula_registration *reg)
{
	const struct nebula_kind_ops *ops = ops_of(reg);

	return atomic_read(&reg->allocator->users) ||
	       (ops->in_use && ops->in_use(reg->allocator)) || has_objects_of_others(reg);
}

/* A call site each. */
static void report_live(const struct nebula_registration *reg, const struct nebula_stats *st)
{
	struct nebula_sites *sites = sites_of(reg);

	if (sites)
		nebula_sites_report_leaks(reg->allocator, sites, st->live, st->used, "objects");
	kvfree(sites);
}

static enum nebula_detail detail_of(const struct nebula_registration *reg, bool kept,
				    const struct nebula_stats *st)
{
	if (kept)
		return NEBULA_D_UNLOADED_KEPT;
	if (st->live && !(reg->allocator->flags & NEBULA_TRACK))
		return NEBULA_D_UNLOADED_UNTRACKED;
	return NEBULA_D_UNLOADED;
}

/* The newest record is that of the whole, with where it was made. */
static void report(const struct nebula_registration *reg, bool kept)
{
	unsigned long entries[NEBULA_CALLERS_MAX + 1] = { NEBULA_ENTRY_CREATED };
	char what[NEBULA_WHAT_SIZE];
	struct nebula_stats st;

	nebula_allocator_stats_read(reg->allocator, &st);
	if (st.live && (kept || !ops_of(reg)->reports_live))
		report_live(reg, &st);
	if (kept)
		strscpy(what, UNLOADED ", kept for others", sizeof(what));
	else if (ops_of(reg)->show)
		strscpy(what, UNLOADED, sizeof(what));
	else
		snprintf(what, sizeof(what), UNLOADED ", %u live", (u32)st.live);
	memcpy(entries + 1, reg->created, reg->nr_created * sizeof(*entries));
	nebula_fail(reg->allocator, NEBULA_E_LEAK, .size = st.used,
		    .detail = detail_of(reg, kept, &st), .what = what,
		    .entries = entries, .nr_entries = reg->nr_created + 1);
}

/*
 * Waits for what is on its way back into these: callbacks of clients that free, and what was given
 * to free_rcu. Once, however many they are, unless there is more to come after that.
 */
static void flush_all(struct list_head *all)
{
	struct nebula_registration *reg;
	bool again;

	do {
		rcu_barrier();
		again = false;
		list_for_each_entry(reg, all, leaving)
			if (ops_of(reg)->flush)
				again |= ops_of(reg)->flush(reg->allocator);
	} while (again);
}

/* It is unregistered; from now on only @retired leads to it. */
static void retire(struct nebula_registration *reg, struct list_head *retired)
{
	list_move_tail(&reg->leaving, retired);
	reg->retired = true;
	ops_of(reg)->retire(reg->allocator);
	cond_resched();
}

static void release_all(struct list_head *retired)
{
	struct nebula_registration *reg, *next;

	if (list_empty(retired))
		return;
	/* For all of them: walks of their memory run under RCU or with preemption off. */
	synchronize_rcu();
	nebula_chunks_flush();
	list_for_each_entry_safe(reg, next, retired, leaving) {
		ops_of(reg)->release(reg->allocator);
		nebula_registration_free(reg);
		cond_resched();
	}
}

static bool is_orphan(const struct nebula_registration *reg, const void *unused)
{
	return reg->orphan;
}

/* The newest first: what it is made of is older, and becomes free as it goes. */
static void reap_orphans(struct list_head *orphans, bool budgets)
{
	struct nebula_registration *reg, *next;
	LIST_HEAD(retired);

	list_for_each_entry_safe(reg, next, orphans, leaving) {
		if (is_budget(reg) != budgets)
			continue;
		if (is_needed(reg))
			list_del(&reg->leaving);
		else
			retire(reg, &retired);
	}
	release_all(&retired);
}

/* Takes down the orphans that are not needed any more. Lock: leaving. */
static void reap(void)
{
	LIST_HEAD(orphans);

	nebula_registry_collect(&orphans, is_orphan, NULL);
	if (list_empty(&orphans))
		return;
	flush_all(&orphans);
	reap_orphans(&orphans, false);
	reap_orphans(&orphans, true);
}

/* A composite was destroyed: what it was made of may be an orphan that waited for that. */
void nebula_owner_reap(void)
{
	mutex_lock(&leaving);
	reap();
	mutex_unlock(&leaving);
}

static bool belongs_to(const struct nebula_registration *reg, const void *owner)
{
	return reg->owner == owner && !reg->orphan;
}

static void make_orphan(struct nebula_registration *reg)
{
	list_del(&reg->leaving);
	if (ops_of(reg)->orphan)
		ops_of(reg)->orphan(reg->allocator);
	nebula_registry_orphan(reg);
}

/* The newest first, because it may be made of older ones. */
static void take_down(struct list_head *left, bool budgets)
{
	struct nebula_registration *reg, *next;
	LIST_HEAD(retired);
	bool kept;

	list_for_each_entry_safe(reg, next, left, leaving) {
		if (is_budget(reg) != budgets)
			continue;
		kept = is_needed(reg);
		report(reg, kept);
		if (kept)
			make_orphan(reg);
		else
			retire(reg, &retired);
	}
	release_all(&retired);
}

/* Lock: leaving. */
static void leave(const struct module *owner)
{
	LIST_HEAD(left);

	nebula_registry_collect(&left, belongs_to, owner);
	if (list_empty(&left))
		return;
	flush_all(&left);
	take_down(&left, false);
	take_down(&left, true);
}

static void module_goes(struct module *mod)
{
	/* Before the lock: of two modules that go at once, neither keeps what the other left. */
	nebula_modules_going(mod);
	/* What it destroyed is not left behind. */
	nebula_later_flush();
	nebula_budget_forget(mod);
	mutex_lock(&leaving);
	leave(mod);
	reap();
	mutex_unlock(&leaving);
	nebula_error_forget(mod);
	/* While it can be told what its code is called. */
	nebula_symbols_keep(mod);
	/* Notifiers of other modules may sleep: nothing here waits for one. */
	nebula_error_flush_log();
}

static int watch_modules(struct notifier_block *nb, unsigned long state, void *data)
{
	switch (state) {
	case MODULE_STATE_COMING:
		return notifier_from_errno(nebula_modules_coming(data));
	case MODULE_STATE_LIVE:
		nebula_modules_live(data);
		return NOTIFY_OK;
	case MODULE_STATE_GOING:
		module_goes(data);
		return NOTIFY_OK;
	default:
		return NOTIFY_DONE;
	}
}

static struct notifier_block module_watch = { .notifier_call = watch_modules };

int nebula_owner_init(void)
{
	return register_module_notifier(&module_watch);
}

/* All clients have been unloaded. */
void nebula_owner_exit(void)
{
	struct nebula_registration *reg, *next;
	LIST_HEAD(orphans);
	LIST_HEAD(retired);

	unregister_module_notifier(&module_watch);
	nebula_registry_collect(&orphans, is_orphan, NULL);
	flush_all(&orphans);
	list_for_each_entry_safe(reg, next, &orphans, leaving)
		retire(reg, &retired);
	release_all(&retired);
	nebula_modules_exit();
}
