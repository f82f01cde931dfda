// SPDX-License-Identifier: GPL-2.0-only
/*
 * The detail of a record, by which its advice is chosen, see errc.c. Where an error is noticed it
 * is known what was tried; the state of the allocator was read once, for the record. Here the two
 * become one detail. Any context.
 */
#include <linux/export.h>
#include "internal.h"

#define FULL_PERMILLE	900

/* Why a request did not fit. */
static enum nebula_detail space_detail(const struct nebula_error *err)
{
	if (err->capacity && err->utilisation >= FULL_PERMILLE)
		return err->buffer ? NEBULA_D_FULL_BUFFER : NEBULA_D_FULL;
	return err->size + err->overhead > err->available ? NEBULA_D_TOO_LARGE
							   : NEBULA_D_FRAGMENTED;
}

static enum nebula_detail memory_detail(const struct nebula_error *err)
{
	if (err->detail == NEBULA_D_INJECTED || err->detail == NEBULA_D_NO_PART)
		return err->detail;
	if (err->growth_pending)
		return NEBULA_D_OUTRUN;
	if (err->detail == NEBULA_D_AT_LIMIT)
		return err->detail;
	return space_detail(err);
}

static enum nebula_detail blocks_detail(const struct nebula_error *err)
{
	if (err->detail == NEBULA_D_INJECTED || err->detail == NEBULA_D_RESERVE)
		return err->detail;
	if (err->growth_pending)
		return NEBULA_D_OUTRUN;
	if (err->detail)
		return err->detail;
	if (err->unit && err->available >= err->unit)
		return NEBULA_D_PROMISED;
	return err->buffer ? NEBULA_D_FULL_BUFFER : NEBULA_D_FULL;
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

static bool has_object_stacks(const struct nebula_error *err)
{
	unsigned int i;

	for (i = 0; i < err->nr_entries; i++)
		if (err->entries[i] == NEBULA_ENTRY_ALLOCATED ||
		    err->entries[i] == NEBULA_ENTRY_FREED)
			return true;
	return false;
}

/**
 * nebula_detail_of() - the detail of a record
 * @err: the record, complete but for its detail, which is that of where the error was noticed.
 *
 * Context: any.
 * Return: the detail to report.
 */
enum nebula_detail nebula_detail_of(const struct nebula_error *err)
{
	switch (err->code) {
	case NEBULA_E_OUT_OF_MEMORY:
		return memory_detail(err);
	case NEBULA_E_POOL_EXHAUSTED:
		return blocks_detail(err);
	case NEBULA_E_BACKING_FAILED:
		return err->detail || err->size ? err->detail : NEBULA_D_OWN_DATA;
	case NEBULA_E_WRONG_CONTEXT:
		return context_detail(err);
	case NEBULA_E_DOUBLE_FREE:
	case NEBULA_E_CORRUPTION:
	case NEBULA_E_LEAK:
		return !err->detail && has_object_stacks(err) ? NEBULA_D_STACKS : err->detail;
	default:
		return err->detail;
	}
}
EXPORT_SYMBOL_FOR_NEBULA_KUNIT(nebula_detail_of);
