/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The command line: what there is, what it means, and where it is explained. --help, the man page
 * and the completions of bash and zsh are all printed from the same tables.
 */
#ifndef NEBULACTL_USAGE_H
#define NEBULACTL_USAGE_H

#include <stdbool.h>
#include <stddef.h>
#include "attributes.h"
#include "paint.h"

/* Exit codes. */
enum status {
	STATUS_OK,		/* all is well */
	STATUS_FAULTS,		/* faults were found, or files are malformed */
	STATUS_USAGE,		/* the command line is wrong */
	STATUS_UNAVAILABLE,	/* what was asked for is not there */
};

enum command {
	COMMAND_LIST, COMMAND_SHOW, COMMAND_ERRORS, COMMAND_LIVE, COMMAND_MAP, COMMAND_BUDGETS,
	COMMAND_CACHES, COMMAND_VALIDATE, COMMAND_DIFF, COMMAND_TOP, COMMAND_RECORD,
	COMMAND_REPLAY, COMMAND_EXPORT, COMMAND_NR
};

/* Orders of list and top. */
enum sort_key {
	SORT_USED, SORT_FULL, SORT_PEAK, SORT_LIVE, SORT_ALLOCS, SORT_RATE, SORT_FAILURES,
	SORT_NAME, SORT_KIND, SORT_NR
};

extern const char *const sort_names[SORT_NR];

struct options {
	enum command command;
	const char *command_name;
	const char *args[2];	/* what follows the command */
	size_t nr_args;
	const char *root;	/* NULL: debugfs */
	const char *output;	/* NULL: standard output */
	const char *filter;	/* part of a name, kind or owner; NULL: all */
	enum color_mode color;
	enum sort_key sort;
	double interval;	/* seconds; 0: what suits the command */
	unsigned long count;	/* 0: without end */
	bool json, follow, all, prometheus, html;
};

/*
 * Takes the command line apart. Returns true; false when the program has to end with *@status:
 * after a message, or what --help, --version and their like print.
 */
bool usage_parse(int argc, char **argv, struct options *opt, enum status *status);

/* "nebulactl COMMAND: MESSAGE", and how to get help. Returns STATUS_USAGE. */
__printf(2, 3) enum status usage_error(const struct options *opt, const char *fmt, ...);

/* manual.c: the long forms, to standard output. */
void usage_man(void);
void usage_bash(void);
void usage_zsh(void);

/* The keys of top: what to press, and what it does. */
const char *const (*usage_keys(size_t *nr))[2];

/* What manual.c prints them from. */
struct command_spec {
	const char *name;	/* its name */
	const char *args;	/* its arguments, as shown */
	const char *help;	/* one line */
	const char *text;	/* a paragraph for the man page */
	size_t min, max;	/* arguments */
	bool names;		/* is an argument the name of an allocator, a budget or a cache? */
};

struct option_spec {
	const char *name;	/* without its dashes */
	const char *arg;	/* what it takes, as shown; NULL: nothing */
	const char *help;	/* one line */
	unsigned int commands;	/* bits of the commands that take it */
};

extern const struct command_spec usage_commands[COMMAND_NR];
extern const struct option_spec usage_options[];

#endif
