/* SPDX-License-Identifier: GPL-2.0-only */
/* What any context asks to have done in process context after a grace period. */
#ifndef _NEBULA_MODULE_CORE_LATER_H
#define _NEBULA_MODULE_CORE_LATER_H

#include <linux/llist.h>

struct nebula_later {
	struct llist_node node;				/* any context, until @run is called */
	void (*run)(struct nebula_later *later);	/* may free what this is part of */
};

void nebula_later(struct nebula_later *later, void (*run)(struct nebula_later *later));
void nebula_later_flush(void);

#endif /* _NEBULA_MODULE_CORE_LATER_H */
