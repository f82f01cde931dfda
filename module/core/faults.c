// SPDX-License-Identifier: GPL-2.0-only
/*
 * Faults that a look at an allocator finds, see faults.h.
 */
#include <linux/minmax.h>
#include "faults.h"

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

/* Lines for debugfs' validate. Process context. */
void nebula_faults_render(const struct nebula_faults *faults, struct nebula_text *t)
{
	unsigned int i;

	for (i = 0; i < min_t(unsigned int, faults->nr, NEBULA_FAULTS_SHOWN); i++)
		nebula_text_printf(t, "%s at %p: %s\n", faults->of[i], faults->at[i],
				   faults->what[i]);
	if (faults->nr > NEBULA_FAULTS_SHOWN)
		nebula_text_printf(t, "... and %u more\n", faults->nr - NEBULA_FAULTS_SHOWN);
}
