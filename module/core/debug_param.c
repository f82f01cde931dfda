// SPDX-License-Identifier: GPL-2.0-only
/*
 * The module parameter debug: debug flags by name, without a rebuild of the module that creates the
 * allocator.
 *
 *	debug=RPT			all three for all allocators
 *	debug=RPT,parser*,conn		for those whose names match
 *	debug="T,conn;RP,scratch-*"	several rules; all that match add up
 *
 * R is NEBULA_REDZONE, P is NEBULA_POISON, T is NEBULA_TRACK. Patterns may have * and ?. What was
 * created before a change keeps its flags.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/ctype.h>
#include <linux/export.h>
#include <linux/glob.h>
#include <linux/moduleparam.h>
#include <linux/mutex.h>
#include <linux/printk.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/sysfs.h>
#include "config.h"
#include "debug_param.h"

#define RULES_SIZE	256

/* Rules in force. Lock: rules_lock. */
static char rules[RULES_SIZE];
static DEFINE_MUTEX(rules_lock);

/* The flags that a rule's letters stand for; 0 when one of them stands for none. */
static u32 flags_of(const char *letters, size_t len)
{
	u32 flags = 0;

	for (; len; len--, letters++) {
		if (*letters == 'R')
			flags |= NEBULA_REDZONE;
		else if (*letters == 'P')
			flags |= NEBULA_POISON;
		else if (*letters == 'T')
			flags |= NEBULA_TRACK;
		else
			return 0;
	}
	return flags;
}

static bool is_pattern(const char *s, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		if (!isascii(s[i]) || (!isalnum(s[i]) && !strchr("_.-*?", s[i])))
			return false;
	return len && len <= NEBULA_NAME_MAX;
}

static bool matches(const char *pattern, size_t len, const char *name)
{
	char copy[NEBULA_NAME_MAX + 1];

	memcpy(copy, pattern, len);
	copy[len] = '\0';
	return glob_match(copy, name);
}

/* The pattern that @patterns begins with, and what comes behind it; NULL at the end. */
static const char *next_pattern(const char *patterns, size_t *len)
{
	if (!*patterns)
		return NULL;
	*len = strcspn(patterns, ",");
	return patterns + *len + (patterns[*len] == ',');
}

/* Patterns, separated by commas, or none at all. */
bool nebula_patterns_valid(const char *patterns)
{
	const char *next;
	size_t len;

	while ((next = next_pattern(patterns, &len))) {
		/* Behind a comma there has to be another one. */
		if (!is_pattern(patterns, len) || (patterns[len] && !*next))
			return false;
		patterns = next;
	}
	return true;
}

/* Does one of the patterns, which are valid, match @name? */
bool nebula_patterns_match(const char *patterns, const char *name)
{
	const char *next;
	size_t len;

	while ((next = next_pattern(patterns, &len))) {
		if (matches(patterns, len, name))
			return true;
		patterns = next;
	}
	return false;
}

/*
 * The flags that rules give to @name, or, without one, to any allocator at all. -EINVAL when they
 * are no rules.
 */
int nebula_debug_flags_of(const char *text, const char *name)
{
	u32 all = 0, flags;
	size_t len;
	bool hit;

	while (*text) {
		len = strcspn(text, ",;");
		flags = flags_of(text, len);
		if (!flags)
			return -EINVAL;
		hit = text[len] != ',';
		for (text += len; *text == ','; text += len) {
			len = strcspn(++text, ",;");
			if (!is_pattern(text, len))
				return -EINVAL;
			hit |= !name || matches(text, len, name);
		}
		all |= hit ? flags : 0;
		if (*text == ';' && !*++text)
			return -EINVAL;
	}
	return all;
}
EXPORT_SYMBOL_FOR_NEBULA_KUNIT(nebula_debug_flags_of);

/* The debug flags that the parameter gives to an allocator. Process context; sleeps. */
u32 nebula_debug_flags(const char *name)
{
	int flags;

	mutex_lock(&rules_lock);
	flags = nebula_debug_flags_of(rules, name);
	mutex_unlock(&rules_lock);
	return flags;
}

static int set_rules(const char *val, const struct kernel_param *kp)
{
	char copy[RULES_SIZE];

	if (strscpy(copy, val, sizeof(copy)) < 0 || nebula_debug_flags_of(strim(copy), NULL) < 0) {
		pr_err("debug=%s: write letters of RPT, then patterns: debug=RPT,parser*,conn\n",
		       val);
		return -EINVAL;
	}
	mutex_lock(&rules_lock);
	strscpy(rules, strim(copy), sizeof(rules));
	mutex_unlock(&rules_lock);
	return 0;
}

static int get_rules(char *buf, const struct kernel_param *kp)
{
	int len;

	mutex_lock(&rules_lock);
	len = sysfs_emit(buf, "%s\n", rules);
	mutex_unlock(&rules_lock);
	return len;
}

static const struct kernel_param_ops rules_ops = {
	.set = set_rules,
	.get = get_rules,
};

module_param_cb(debug, &rules_ops, NULL, 0600);
MODULE_PARM_DESC(debug, "debug flags by name: letters of RPT (redzone, poison, track), patterns");
