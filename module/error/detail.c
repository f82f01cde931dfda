// SPDX-License-Identifier: GPL-2.0-only
/*
 * The detail of a record, by which its advice is chosen, see codes.c. The code that notices an
 * error knows what was tried; what the allocator looked like was read once, for the record. Both
 * together make the detail, so that advice and state of one report never contradict each other. Any
 * context.
 */
#include <linux/err.h>
#include <linux/export.h>
#include <linux/log2.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include "../core/allocator.h"
#include "error.h"

#define FULL_PERMILLE	900

/*
 * How much of what nebula_error.need counts an allocator can have. Any context. Returns blocks of a
 * pool, else bytes: the limit of the kind, or what the machine has.
 */
size_t nebula_detail_most(const struct nebula_error *err)
{
	const size_t ram = (size_t)totalram_pages() << PAGE_SHIFT;

	switch (err->kind) {
	case NEBULA_KIND_POOL:
		return min_t(size_t, NEBULA_POOL_BLOCKS_MAX, ram / max_t(size_t, err->unit, 1));
	case NEBULA_KIND_STACK:
		return min(NEBULA_STACK_CAPACITY_MAX, ram);
	case NEBULA_KIND_SCRATCH:
		return min(NEBULA_SCRATCH_SIZE_MAX, ram);
	default:
		return min(NEBULA_CAPACITY_MAX, ram);
	}
}
EXPORT_SYMBOL_FOR_NEBULA_KUNIT(nebula_detail_most);

static bool is_impossible(const struct nebula_error *err)
{
	return err->need > nebula_detail_most(err);
}

/* Why a request did not fit. */
static enum nebula_detail space_detail(const struct nebula_error *err)
{
	if (err->utilisation >= FULL_PERMILLE)
		return err->buffer && err->kind != NEBULA_KIND_STACK ? NEBULA_D_FULL_BUFFER
								     : NEBULA_D_FULL;
	return err->size + err->overhead > err->available ? NEBULA_D_TOO_LARGE
							   : NEBULA_D_FRAGMENTED;
}

static bool has_space_of_its_own(const struct nebula_error *err)
{
	return err->kind == NEBULA_KIND_BUMP || err->kind == NEBULA_KIND_STACK ||
	       err->kind == NEBULA_KIND_SCRATCH;
}

static enum nebula_detail memory_detail(const struct nebula_error *err)
{
	if (err->detail == NEBULA_D_INJECTED || !has_space_of_its_own(err))
		return err->detail;
	if (!err->capacity)
		return NEBULA_D_NO_MEMORY;
	if (is_impossible(err))
		return NEBULA_D_IMPOSSIBLE;
	if (err->align > (err->unit ?: err->capacity))
		return NEBULA_D_ALIGNMENT;
	if (err->growth_pending)
		return NEBULA_D_OUTRUN;
	if (err->detail == NEBULA_D_AT_LIMIT || err->kind == NEBULA_KIND_SCRATCH)
		return err->detail;
	return space_detail(err);
}

static enum nebula_detail blocks_detail(const struct nebula_error *err)
{
	if (err->detail == NEBULA_D_INJECTED || err->detail == NEBULA_D_RESERVE_EMPTY)
		return err->detail;
	if (err->growth_pending)
		return NEBULA_D_OUTRUN;
	if (err->detail)
		return err->detail;
	if (err->unit && err->available >= err->unit)
		return err->waiters ? NEBULA_D_PROMISED : NEBULA_D_CAME_BACK;
	return err->buffer ? NEBULA_D_FULL_BUFFER : NEBULA_D_FULL;
}

static enum nebula_detail limit_detail(const struct nebula_error *err)
{
	const bool many = err->detail == NEBULA_D_BULK || err->detail == NEBULA_D_RESERVE;

	if ((many || err->detail == NEBULA_D_GROW) && is_impossible(err))
		return NEBULA_D_IMPOSSIBLE;
	return many && err->flags & NEBULA_GROW ? NEBULA_D_AT_LIMIT : err->detail;
}

static enum nebula_detail alignment_detail(const struct nebula_error *err)
{
	if (is_power_of_2(err->align))
		return NEBULA_D_OBJECT_ALIGN;
	return err->align && err->align < PAGE_SIZE ? NEBULA_D_NEXT_POWER : NEBULA_D_NONE;
}

static enum nebula_detail layout_detail(const struct nebula_error *err)
{
	return err->detail == NEBULA_D_BLOCK_ALIGN && err->align > PAGE_SIZE ? NEBULA_D_PAGE_ALIGN
									     : err->detail;
}

static enum nebula_detail context_detail(const struct nebula_error *err)
{
	if (err->detail == NEBULA_D_MAY_MIGRATE)
		return err->detail;
	if (err->context == NEBULA_IN_NMI)
		return NEBULA_D_NMI;
	if (err->detail == NEBULA_D_GROWTH)
		return err->detail;
	if (err->context == NEBULA_IN_HARDIRQ || err->context == NEBULA_IN_SOFTIRQ)
		return NEBULA_D_INTERRUPT;
	return err->detail;
}

static bool has_stack(const struct nebula_error *err, unsigned long mark)
{
	unsigned int i;

	for (i = 0; i < err->nr_entries; i++)
		if (err->entries[i] == mark)
			return true;
	return false;
}

/* The debug= parameter would have added the call stacks, which this kind keeps. */
static bool is_untracked(const struct nebula_error *err)
{
	const bool named = err->name[0] && err->name[0] != '(';

	if (!named || err->flags & NEBULA_TRACK)
		return false;
	return err->kind == NEBULA_KIND_POOL ||
	       (err->code == NEBULA_E_CORRUPTION && has_space_of_its_own(err));
}

/* What is known of the object that the record is about. */
static enum nebula_detail object_detail(const struct nebula_error *err)
{
	const bool freed = err->code == NEBULA_E_DOUBLE_FREE ||
			   err->code == NEBULA_E_USE_AFTER_FREE;

	if (err->detail)
		return err->detail;
	if (has_stack(err, freed ? NEBULA_ENTRY_FREED : NEBULA_ENTRY_ALLOCATED))
		return NEBULA_D_STACKS;
	return is_untracked(err) ? NEBULA_D_UNTRACKED : NEBULA_D_NONE;
}

/* The detail of a record. Any context. Returns the detail to report. */
enum nebula_detail nebula_detail_of(const struct nebula_error *err)
{
	if (err->detail == NEBULA_D_BUDGET)
		return err->detail;
	switch (err->code) {
	case NEBULA_E_OUT_OF_MEMORY:
		return memory_detail(err);
	case NEBULA_E_POOL_EXHAUSTED:
		return blocks_detail(err);
	case NEBULA_E_BACKING_FAILED:
		return err->detail || err->size ? err->detail : NEBULA_D_OWN_DATA;
	case NEBULA_E_INVALID_LAYOUT:
		return layout_detail(err);
	case NEBULA_E_INVALID_ALIGNMENT:
		return alignment_detail(err);
	case NEBULA_E_EXCEEDS_MAX:
		return limit_detail(err);
	case NEBULA_E_WRONG_CONTEXT:
		return context_detail(err);
	case NEBULA_E_FOREIGN_POINTER:
		return IS_ERR(err->pointer) ? NEBULA_D_ERR_PTR : err->detail;
	case NEBULA_E_DOUBLE_FREE:
	case NEBULA_E_CORRUPTION:
	case NEBULA_E_USE_AFTER_FREE:
	case NEBULA_E_LEAK:
		return object_detail(err);
	default:
		return err->detail;
	}
}
EXPORT_SYMBOL_FOR_NEBULA_KUNIT(nebula_detail_of);
