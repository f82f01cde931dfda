// SPDX-License-Identifier: GPL-2.0-only
/*
 * This module shows how to serve requests from one arena: what a request is parsed into, the reply,
 * and the text of a refusal are allocated without a thought of freeing them; reset gives all of it
 * back, however the request ended. A request that needs too much fails by itself, and the next one
 * has the whole arena again.
 *
 * A request is a rule for packets, words of key=value: action=drop source=10.0.0.1 port=80 tag=lab
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/err.h>
#include <linux/kstrtox.h>
#include <linux/list.h>
#include <linux/module.h>
#include <linux/printk.h>
#include <linux/slab.h>
#include <linux/string.h>

#include <nebula/nebula.h>

/* Whole pages, whatever their size. */
#define ARENA_SIZE	SZ_64K

static const char no_memory[] = "the request is too long";

struct tag {
	struct list_head node;
	const char *name;
};

/* All that it points to is in the same arena. */
struct rule {
	const char *action;
	const char *source;
	u16 port;
	struct list_head tags;
};

/* What is wrong with a word. Functions return it, or NULL when nothing is. */
static const char *refuse(struct nebula_bump *arena, const char *word, const char *why)
{
	return nebula_bump_asprintf(arena, "'%s' %s", word, why) ?: no_memory;
}

static const char *add_tag(struct nebula_bump *arena, struct rule *rule, const char *name)
{
	struct tag *tag = nebula_new(arena, *tag, .name = name);

	if (!tag)
		return no_memory;
	list_add_tail(&tag->node, &rule->tags);
	return NULL;
}

static const char *parse_word(struct nebula_bump *arena, struct rule *rule, char *value)
{
	const char *key = strsep(&value, "=");

	if (!value || !*value)
		return refuse(arena, key, "has no value");
	if (!strcmp(key, "tag"))
		return add_tag(arena, rule, value);
	if (!strcmp(key, "action"))
		rule->action = value;
	else if (!strcmp(key, "source"))
		rule->source = value;
	else if (strcmp(key, "port"))
		return refuse(arena, key, "is unknown");
	else if (kstrtou16(value, 10, &rule->port))
		return refuse(arena, value, "is no port");
	return NULL;
}

/* The words stay in the copy of the text, so nothing of them is copied again. */
static const char *parse(struct nebula_bump *arena, struct rule *rule, const char *text)
{
	char *copy = nebula_bump_strdup(arena, text), *word;
	const char *wrong = copy ? NULL : no_memory;

	INIT_LIST_HEAD(&rule->tags);
	while (!wrong && (word = strsep(&copy, " ")))
		if (*word)
			wrong = parse_word(arena, rule, word);
	if (!wrong && !rule->action)
		wrong = refuse(arena, "action", "is missing");
	return wrong;
}

/* The newest object of an arena grows in place. */
static char *append(struct nebula_bump *arena, char *reply, const char *before, const char *what)
{
	size_t len = strlen(reply), more = strlen(before) + strlen(what);
	char *longer = nebula_bump_realloc(arena, reply, len + 1, len + more + 1, 1);

	if (longer)
		snprintf(longer + len, more + 1, "%s%s", before, what);
	return longer;
}

static const char *describe(struct nebula_bump *arena, const struct rule *rule)
{
	const char *source = rule->source ?: "anywhere";
	const struct tag *tag;
	char *reply;

	if (rule->port)
		reply = nebula_bump_asprintf(arena, "%s packets from %s to port %u", rule->action,
					     source, rule->port);
	else
		reply = nebula_bump_asprintf(arena, "%s packets from %s", rule->action, source);
	list_for_each_entry(tag, &rule->tags, node)
		if (reply)
			reply = append(arena, reply, ", ", tag->name);
	return reply ?: no_memory;
}

static void serve(struct nebula_bump *arena, const char *text)
{
	struct rule *rule = nebula_zalloc_obj(arena, *rule);
	const char *wrong = rule ? parse(arena, rule, text) : no_memory;

	pr_info("> %.50s\n", text);
	if (wrong)
		pr_info("< refused: %s\n", wrong);
	else
		pr_info("< %s\n", describe(arena, rule));
	pr_info("  %zu bytes of the arena\n", nebula_bump_used(arena));
	nebula_bump_reset(arena);
}

/* More tags than the arena has room for. */
static int serve_long(struct nebula_bump *arena)
{
	char *text __free(kfree) = kmalloc(ARENA_SIZE / 2, GFP_KERNEL);
	size_t len = 0;

	if (!text)
		return -ENOMEM;
	while (len < ARENA_SIZE / 2 - 1)
		len += scnprintf(text + len, ARENA_SIZE / 2 - len, "tag=lab ");
	serve(arena, text);
	return 0;
}

static int __init request_arena_init(void)
{
	struct nebula_bump *arena __free(nebula_bump) =
		nebula_bump_create("requests", .capacity = ARENA_SIZE);
	int err;

	if (IS_ERR(arena))
		return PTR_ERR(arena);
	serve(arena, "action=drop source=10.0.0.1 port=80");
	serve(arena, "action=count tag=lab tag=guest tag=night");
	serve(arena, "action=drop port=http");
	serve(arena, "action=drop source=");
	serve(arena, "action=drop colour=red");
	serve(arena, "source=10.0.0.1");
	err = serve_long(arena);
	serve(arena, "action=accept");
	pr_info("at most %zu bytes of %zu were in use\n", nebula_bump_peak(arena),
		nebula_bump_capacity(arena));
	return err;
}

static void __exit request_arena_exit(void)
{
}

module_init(request_arena_init);
module_exit(request_arena_exit);

MODULE_DESCRIPTION("nebula_memory sample: requests, each parsed and answered in an arena");
MODULE_LICENSE("GPL");
