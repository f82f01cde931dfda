// SPDX-License-Identifier: GPL-2.0-only
/*
 * Owners: an allocator belongs to the module that made it. When that is unloaded and has left it
 * behind, nobody else will take it down, so it is reported (LEAK) and taken down here.
 *
 * Unless others need it: as a part of a composite of theirs, or, as far as NEBULA_TRACK knows, for
 * objects that they allocated from it. Then it is kept, and listed as an orphan, until they do not
 * need it any more. What consists of the module's own code, an allocator of a client's own kind,
 * cannot be kept; so a composite of another module made of one holds the module, see compose.c.
 *
 * Process context only.
 */
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/notifier.h>
#include <linux/string.h>
#include "sites.h"

/* What is at fault, see errc.c. */
#define UNLOADED	"owner unloaded"

const char *nebula_owner_name(const struct nebula_registration *reg)
{
	return reg->orphan ? "(orphan)" : module_name(reg->owner);
}

/* One at a time takes orphans down. */
static DEFINE_MUTEX(reaping);

static const struct nebula_kind_ops *ops_of(const struct nebula_registration *reg)
{
	return nebula_kind_ops(reg->allocator->kind);
}

/* What is live by call site, as far as that is known; else NULL. */
static struct nebula_sites *sites_of(const struct nebula_registration *reg)
{
	if (!ops_of(reg)->sites || !(reg->allocator->flags & NEBULA_TRACK))
		return NULL;
	return ops_of(reg)->sites(reg->allocator);
}

/* Somebody but @gone, which goes, needs it; NULL: somebody at all. */
static bool is_needed(const struct nebula_registration *reg, const struct module *gone)
{
	struct nebula_sites *sites;
	bool needed;

	if (atomic_read(&reg->allocator->users))
		return true;
	sites = sites_of(reg);
	needed = sites && nebula_sites_of_others(sites, gone);
	kvfree(sites);
	return needed;
}

/* A call site each. */
static void report_live(const struct nebula_registration *reg, const struct nebula_stats *st)
{
	struct nebula_sites *sites = sites_of(reg);

	if (sites)
		nebula_sites_report_leaks(reg->allocator, sites, st->live, st->used, "objects");
	kvfree(sites);
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
	else
		snprintf(what, sizeof(what), UNLOADED ", %u live", (u32)st.live);
	memcpy(entries + 1, reg->created, reg->nr_created * sizeof(*entries));
	nebula_fail(reg->allocator, NEBULA_E_LEAK, .size = st.used, .detail = NEBULA_D_UNLOADED,
		    .what = what,
		    .entries = entries, .nr_entries = reg->nr_created + 1);
}

static void reclaim(struct nebula_registration *reg)
{
	ops_of(reg)->reclaim(reg->allocator);
}

static bool is_orphan_below(const struct nebula_registration *reg, const void *id)
{
	return reg->orphan && reg->id < *(const u64 *)id;
}

/*
 * Takes down the orphans that nobody but @gone, which goes, needs any more; NULL: nobody at all.
 * Those that others are made of become free as these go.
 */
static void reap(const struct module *gone)
{
	struct nebula_registration *reg;
	u64 below = U64_MAX;

	mutex_lock(&reaping);
	while ((reg = nebula_registry_newest(is_orphan_below, &below))) {
		below = reg->id;
		if (is_needed(reg, gone))
			continue;
		reclaim(reg);
		below = U64_MAX;
	}
	mutex_unlock(&reaping);
}

/* A composite was destroyed: what it was made of may be an orphan that waited for that. */
void nebula_owner_reap(void)
{
	reap(NULL);
}

static bool is_of(const struct nebula_registration *reg, const void *owner)
{
	return reg->owner == owner && !reg->orphan;
}

/* The newest first, because it may be made of older ones. */
static void leave(const struct module *owner)
{
	struct nebula_registration *reg;
	bool kept;

	while ((reg = nebula_registry_newest(is_of, owner))) {
		kept = is_needed(reg, owner);
		report(reg, kept);
		if (!kept) {
			reclaim(reg);
			continue;
		}
		if (ops_of(reg)->orphan)
			ops_of(reg)->orphan(reg->allocator);
		nebula_registry_orphan(reg);
	}
}

static int watch_modules(struct notifier_block *nb, unsigned long state, void *data)
{
	if (state != MODULE_STATE_GOING)
		return NOTIFY_DONE;
	leave(data);
	reap(data);
	nebula_error_forget(data);
	/* While it can be told what its code is called. */
	nebula_symbols_keep(data);
	nebula_error_flush();
	return NOTIFY_OK;
}

static struct notifier_block module_watch = { .notifier_call = watch_modules };

int nebula_owner_init(void)
{
	return register_module_notifier(&module_watch);
}

/* There are no clients any more, so nobody needs what they have left behind. */
void nebula_owner_exit(void)
{
	const u64 any = U64_MAX;
	struct nebula_registration *reg;

	unregister_module_notifier(&module_watch);
	while ((reg = nebula_registry_newest(is_orphan_below, &any)))
		reclaim(reg);
}
