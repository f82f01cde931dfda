// SPDX-License-Identifier: GPL-2.0-only
/*
 * This module shows how to serve requests from an arena: all objects of a request are allocated
 * one behind the other and given back at once, however parsing ends.
 *
 * It parses HTTP/1.1 requests written to /sys/kernel/debug/nebula_demo/request and answers in
 * /sys/kernel/debug/nebula_demo/response. Read service.c first.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/module.h>
#include <linux/printk.h>

#include "files.h"
#include "service.h"

static int __init demo_init(void)
{
	int err = service_init();

	if (err) {
		pr_err("no arena: %d\n", err);
		return err;
	}
	files_init();
	return 0;
}

static void __exit demo_exit(void)
{
	files_exit();
	service_exit();
}

module_init(demo_init);
module_exit(demo_exit);

MODULE_DESCRIPTION("HTTP requests parsed in a nebula_memory arena");
MODULE_LICENSE("GPL");
