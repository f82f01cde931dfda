// SPDX-License-Identifier: GPL-2.0-only
/*
 * nebula_memory: region allocators for other kernel modules. Here is only the ladder of inits and
 * its reverse.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/cpuhotplug.h>
#include <linux/init.h>
#include <linux/module.h>
#include "compose/system.h"
#include "core/allocator.h"
#include "core/chunk.h"
#include "core/guard_page.h"
#include "core/memops.h"
#include "core/region.h"
#include "debugfs/files.h"
#include "error/error.h"
#include "pool/hooks.h"
#include "unload.h"

static enum cpuhp_state hotplug;

static int cpu_prepare(unsigned int cpu)
{
	nebula_registry_cpu_prepare(cpu);
	return 0;
}

static int cpu_dead(unsigned int cpu)
{
	nebula_registry_cpu_dead(cpu);
	return 0;
}

static int __init nebula_init(void)
{
	int ret;

	nebula_memops_init();
	nebula_debugfs_init();
	ret = nebula_cache_init();
	if (ret)
		goto err_cache;
	ret = nebula_owner_init();
	if (ret)
		goto err_owner;
	ret = cpuhp_setup_state_nocalls(CPUHP_BP_PREPARE_DYN, "nebula:cpu", cpu_prepare,
					cpu_dead);
	if (ret < 0)
		goto err_hotplug;
	hotplug = ret;
	ret = nebula_pool_init();
	if (ret)
		goto err_pool;
	ret = nebula_guard_page_init();
	if (ret)
		goto err_guard_page;
	pr_info("version %s, abi %u%s\n", NEBULA_VERSION, NEBULA_ABI,
		IS_ENABLED(CONFIG_DEBUG_FS) ? "" : ", no debugfs: reports are in this log only");
	return 0;

err_guard_page:
	nebula_pool_exit();
err_pool:
	cpuhp_remove_state_nocalls(hotplug);
err_hotplug:
	nebula_owner_exit();
err_owner:
	nebula_cache_exit();
err_cache:
	nebula_debugfs_exit();
	return ret;
}

static void __exit nebula_exit(void)
{
	nebula_pool_exit();
	cpuhp_remove_state_nocalls(hotplug);
	nebula_system_exit();
	nebula_owner_exit();
	nebula_cache_exit();
	nebula_debugfs_exit();
	nebula_guard_page_exit();
	nebula_chunks_flush();
	nebula_error_exit();
}

module_init(nebula_init);
module_exit(nebula_exit);

MODULE_LICENSE("GPL");
MODULE_AUTHOR("The authors of nebula_memory");
MODULE_DESCRIPTION("Region allocators for kernel modules: bump, pool, stack");
MODULE_VERSION(NEBULA_VERSION);
