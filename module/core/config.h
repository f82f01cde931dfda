/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the configurations of all kinds have in common, and how one is refused.
 */
#ifndef _NEBULA_MODULE_CONFIG_H
#define _NEBULA_MODULE_CONFIG_H

#include "allocator.h"
#include "context.h"
#include "region.h"
#include "text.h"

/* Why a configuration is not accepted. */
struct nebula_refusal {
	enum nebula_errc code;		/* NEBULA_OK when it is */
	enum nebula_detail detail;	/* as in struct nebula_failure */
	const char *field;		/* at fault */
	size_t value;			/* as in struct nebula_error */
	size_t limit;			/* likewise */
	const struct nebula_budget *budget;	/* of what is not made without it, or NULL */
};

#define NEBULA_REFUSE(errc, name, ...)							\
	((struct nebula_refusal){ .code = (errc), .field = (name), ##__VA_ARGS__ })
/* Why no memory could be had, from what nebula_region_map() returned. */
#define NEBULA_REFUSE_BACKING(err)	nebula_config_refuse_backing(err)
#define NEBULA_ACCEPT		NEBULA_REFUSE(NEBULA_OK, NULL)

/* The fields that all configurations have, and what came with them. */
struct nebula_config_common {
	const void *cfg;	/* the configuration */
	const char *name;
	struct module *owner;
	enum nebula_preset preset;
	u32 flags;
	u32 known_flags;	/* those that the kind has */
	enum nebula_backing backing;
	gfp_t gfp;
	int node;
	void *buffer;
	size_t buffer_size;
	struct nebula_budget *budget;
	bool keeps;		/* objects keep what is in them while they are free */
	unsigned long caller;	/* address in the client that asks for it */
};

int nebula_config_refuse(enum nebula_kind kind, const char *name, size_t size,
			 struct nebula_refusal r);
struct nebula_refusal nebula_config_refuse_backing(int err);

/* Fills in the above from a configuration of any kind, in the function that the client called. */
#define NEBULA_CONFIG_COMMON(allocator_name, config, module, known)			\
	((struct nebula_config_common){							\
		.cfg = (config), .name = (allocator_name), .owner = (module),		\
		.known_flags = (known), .preset = (config)->preset,			\
		.flags = (config)->flags, .backing = (config)->backing,			\
		.gfp = (config)->gfp, .node = (config)->node,				\
		.buffer = (config)->buffer, .buffer_size = (config)->buffer_size,	\
		.budget = (config)->budget, .caller = _RET_IP_ })

/* How allocators of a kind are made, see nebula_config_make(). Process context; all may sleep. */
struct nebula_maker {
	enum nebula_kind kind;
	/* What nebula_config_check() leaves. */
	struct nebula_refusal (*check)(const struct nebula_config_common *c);
	/* The allocator, registered; or NULL, with nothing left of it and an errno in *@err. */
	struct nebula_allocator *(*make)(const struct nebula_config_common *c, int *err);
	/* What was at fault then, as the configuration had passed the checks. */
	struct nebula_refusal (*refusal)(int err);
};

struct nebula_allocator *nebula_config_make(const struct nebula_maker *m,
					    const struct nebula_config_common *c, size_t size);

/* nebula_abi_ and the number. */
#define NEBULA_ABI_SYMBOL	__PASTE(nebula_abi_, NEBULA_ABI)

extern const u8 NEBULA_ABI_SYMBOL;

struct nebula_refusal nebula_config_check(const struct nebula_config_common *c);
bool nebula_config_is_ours(const char *name, struct module *owner, unsigned int abi,
			   size_t size, size_t our_size);
int nebula_config_admit(enum nebula_kind kind, const char *name, const void *cfg,
			struct module *owner, unsigned int abi, size_t size, size_t our_size);
void nebula_config_request(struct nebula_region_request *req,
			   const struct nebula_config_common *c);

u32 nebula_config_flags(const struct nebula_config_common *c);
void nebula_config_describe(const struct nebula_allocator *a, struct nebula_text *t);

static inline gfp_t nebula_config_gfp(gfp_t gfp)
{
	return nebula_gfp_complete(gfp ?: GFP_KERNEL);
}

/* The last step of a nebula_maker. Returns 0 or -ENOMEM. */
static inline int nebula_config_register(struct nebula_allocator *a,
					 const struct nebula_config_common *c)
{
	return nebula_allocator_register_at(a, c->name, c->owner, nebula_config_gfp(c->gfp),
					    c->caller);
}

#endif /* _NEBULA_MODULE_CONFIG_H */
