// SPDX-License-Identifier: GPL-2.0-only
/*
 * Keeps the places, see meeting.h. A write to its parameter purge makes addresses that modules had
 * free for other modules at once, one to recover ends what a leaver did to memory.
 */
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/vmalloc.h>
#include "../../module/core/inject.h"
#include "meeting.h"

static void *places[MEETING_NR];

void nebula_meeting_leave(enum meeting_place place, void *allocator)
{
	places[place] = allocator;
}
EXPORT_SYMBOL_GPL(nebula_meeting_leave);

void *nebula_meeting_find(enum meeting_place place)
{
	return places[place];
}
EXPORT_SYMBOL_GPL(nebula_meeting_find);

static int purge(const char *value, const struct kernel_param *kp)
{
	vm_unmap_aliases();
	return 0;
}

static const struct kernel_param_ops purge_ops = { .set = purge };
module_param_cb(purge, &purge_ops, NULL, 0200);

static int recover(const char *value, const struct kernel_param *kp)
{
	nebula_fault_disarm();
	return 0;
}

static const struct kernel_param_ops recover_ops = { .set = recover };
module_param_cb(recover, &recover_ops, NULL, 0200);

MODULE_DESCRIPTION("Where modules meet that use nebula_memory");
MODULE_LICENSE("GPL");
