// SPDX-License-Identifier: GPL-2.0-only
/*
 * Faults that an inspection finds, see inspect.h.
 */
#include <linux/minmax.h>
#include "inspect.h"

/* Any context. */
void nebula_faults_add(struct nebula_faults *faults, const char *of, const void *at,
		       const char *what)
{
	const unsigned int i = faults->nr++;

	if (i >= NEBULA_FAULTS_SHOWN)
		return;
	faults->of[i] = of;
	faults->at[i] = at;
	faults->what[i] = what;
}

/* Process context. */
void nebula_faults_render(const struct nebula_faults *faults, struct nebula_text *t)
{
	unsigned int i;

	for (i = 0; i < min_t(unsigned int, faults->nr, NEBULA_FAULTS_SHOWN); i++)
		nebula_text_printf(t, "%s at %p: %s\n", faults->of[i], faults->at[i],
				   faults->what[i]);
	if (faults->nr > NEBULA_FAULTS_SHOWN)
		nebula_text_printf(t, "... and %u more\n", faults->nr - NEBULA_FAULTS_SHOWN);
}

/* An inspection came to nothing: its file says why, or cannot be opened. Process context. */
void nebula_inspect_failed(struct nebula_text *t, int err)
{
	if (err == -EBUSY)
		nebula_text_printf(t, "busy\n");
	else if (err == -ENOMEM)
		t->failed = true;
}

/* Debugfs' validate of an allocator whose kind has one. Process context. */
void nebula_validate_render(struct nebula_allocator *a, struct nebula_text *t)
{
	const int ret = a->ops->validate(a, t);

	if (ret < 0)
		nebula_inspect_failed(t, ret);
	else if (!ret)
		nebula_text_printf(t, "ok\n");
}
