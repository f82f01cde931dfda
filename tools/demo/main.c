// SPDX-License-Identifier: GPL-2.0-only
/*
 * This module shows how to serve requests from an arena and a stack, and connections from a pool:
 * all objects of a request are allocated one behind the other and given back at once, however
 * parsing ends; what is needed only to decode one of them ends with the function that decodes;
 * connections come and go one by one, in any order, in tasks and in hard interrupts.
 *
 * It parses HTTP/1.1 requests written to /sys/kernel/debug/nebula_demo/request and answers in
 * /sys/kernel/debug/nebula_demo/response. Read service.c first, then field.c and
 * text.c, then conn.c and wire.c.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/module.h>
#include <linux/printk.h>

#include <nebula/config.h>

#include "conn.h"
#include "files.h"
#include "service.h"
#include "wire.h"

static bool debug;
module_param(debug, bool, 0400);
MODULE_PARM_DESC(debug, "make stack and pools with the development preset (default: no)");

static int __init demo_init(void)
{
	enum nebula_preset preset = debug ? NEBULA_DEVELOPMENT : NEBULA_PRODUCTION;
	int err;

	err = service_init(preset);
	if (err)
		goto failed;
	err = conn_init(preset);
	if (err)
		goto stop_service;
	err = wire_init(preset);
	if (err)
		goto stop_conn;
	files_init();
	return 0;

stop_conn:
	conn_exit();
stop_service:
	service_exit();
failed:
	pr_err("no memory to serve from: %d\n", err);
	return err;
}

static void __exit demo_exit(void)
{
	files_exit();
	wire_exit();
	conn_exit();
	service_exit();
}

module_init(demo_init);
module_exit(demo_exit);

MODULE_DESCRIPTION("HTTP requests parsed in a nebula_memory arena, connections from a pool");
MODULE_LICENSE("GPL");
