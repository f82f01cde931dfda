// SPDX-License-Identifier: GPL-2.0-only
/*
 * Shows how a budget for each tenant and a cache in front of a slow lookup go together: the host
 * that a request names tells which tenant it is for, finding that out takes a while, and the tenant
 * is charged for the request while it is served.
 */
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/module.h>
#include <linux/string.h>

#include <nebula/nebula.h>

#include "tenant.h"

#define HOST_MAX	32
#define HOSTS		16

/* All that the service has is charged to the first, with what its tenants have. */
NEBULA_BUDGET_TREE(tenants,
		   (all,   none, SZ_1M,   strict),
		   (gold,  all,  SZ_256K, loose),
		   (other, all,  SZ_128K, loose, .per_alloc = SZ_64K));

static struct nebula_cache *by_host;

struct nebula_budget *tenant_all(void)
{
	return tenants.all;
}

/* As a database would: slowly. */
static int find_tenant(struct nebula_cache *c, const void *key, void *value, void *unused)
{
	const char *host = key;

	usleep_range(200, 500);
	*(struct nebula_budget **)value = strstarts(host, "api.") ? tenants.gold : tenants.other;
	return 0;
}

int tenant_init(void)
{
	int err = nebula_budget_tree_create(&tenants);

	if (err)
		return err;
	by_host = nebula_cache_create("tenants", .key_size = HOST_MAX,
				      .value_size = sizeof(struct nebula_budget *),
				      .entries = HOSTS, .compute = find_tenant,
				      .flags = NEBULA_CACHE_DEDUP, .budget = tenants.all);
	if (IS_ERR(by_host))
		nebula_budget_tree_destroy(&tenants);
	return PTR_ERR_OR_ZERO(by_host);
}

void tenant_exit(void)
{
	nebula_cache_destroy(by_host);
	nebula_budget_tree_destroy(&tenants);
}

/* Returns the tenant that was charged, or ERR_PTR(). */
struct nebula_budget *tenant_enter(const char *host, size_t bytes)
{
	char key[HOST_MAX] = "";
	struct nebula_budget **found, *tenant;
	int err;

	strscpy_pad(key, host ?: "", sizeof(key));
	found = nebula_cache_get_or_compute(by_host, key);
	if (IS_ERR(found))
		return ERR_CAST(found);
	tenant = *found;
	nebula_cache_put(by_host, found);
	err = nebula_budget_charge(tenant, bytes);
	return err ? ERR_PTR(err) : tenant;
}

void tenant_leave(struct nebula_budget *tenant, size_t bytes)
{
	nebula_budget_uncharge(tenant, bytes);
}
