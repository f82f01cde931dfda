// SPDX-License-Identifier: GPL-2.0-only
/*
 * The command line, see usage.h.
 */
#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include "usage.h"

#ifndef NEBULACTL_VERSION
#define NEBULACTL_VERSION	"unknown"
#endif

#define BIT(command)	(1U << COMMAND_##command)
#define EVERY		(~0U)

#define MAX_OPTIONS	24

const char *const sort_names[SORT_NR] = {
	[SORT_USED]	= "used",
	[SORT_FULL]	= "full",
	[SORT_PEAK]	= "peak",
	[SORT_LIVE]	= "live",
	[SORT_ALLOCS]	= "allocs",
	[SORT_RATE]	= "rate",
	[SORT_FAILURES]	= "failures",
	[SORT_NAME]	= "name",
	[SORT_KIND]	= "kind",
};

const struct command_spec usage_commands[COMMAND_NR] = {
	[COMMAND_LIST] = { "list", "", "all allocators: use, peak, counts",
		"Lists all allocators, those that use most first. Columns that do not fit the terminal are left out, "
		"the least important first.", 0, 0, false },
	[COMMAND_SHOW] = { "show", "NAME", "one allocator, budget or cache in full",
		"Shows how an allocator was created, what it did and holds, and its newest error. NAME may be that of "
		"a budget or a cache too; where two have the same name, say allocator:NAME, budget:NAME or cache:NAME.",
		1, 1, true },
	[COMMAND_ERRORS] = { "errors", "[NAME]", "reports of what went wrong, newest last",
		"Prints the reports that the module keeps, of all allocators or of NAME. With --follow it goes on, and "
		"prints new ones as they come, until it is interrupted.", 0, 1, true },
	[COMMAND_LIVE] = { "live", "NAME", "live objects, by call site where they are tracked",
		"Shows what is allocated and not freed. By call site it is known of allocators with NEBULA_TRACK.",
		1, 1, true },
	[COMMAND_MAP] = { "map", "NAME", "which parts of its memory are in use",
		"Draws the regions of an allocator: used, partly used, held, and free.",
		1, 1, true },
	[COMMAND_BUDGETS] = { "budgets", "", "the tree of budgets, with bars",
		"Shows budgets below their parents: what is charged, the limit, the state, and refusals.",
		0, 0, false },
	[COMMAND_CACHES] = { "caches", "", "caches: entries, hits, computing times",
		"Shows caches of computed values: how full, how often a value was found, and how long computing took.",
		0, 0, false },
	[COMMAND_VALIDATE] = { "validate", "[NAME]", "check links, zones and poison of one or all",
		"Has the module check an allocator, or with --all every one. Prints ok, busy, or each fault. Status 1 "
		"when there are faults.", 0, 1, true },
	[COMMAND_DIFF] = { "diff", "A B", "what changed between two saved copies",
		"Compares two copies or recordings: allocators that came and went, what grew, new failures and "
		"errors. Of a recording, A is the first frame and B the last: with the same one twice it says what "
		"happened in it.", 2, 2, false },
	[COMMAND_TOP] = { "top", "", "full-screen live view",
		"Shows all allocators on the whole screen, with rates, bars and how use developed, errors as they "
		"come, and what is known of the selected one. See KEYS.", 0, 0, false },
	[COMMAND_RECORD] = { "record", "FILE", "save what there is, again and again",
		"Writes a recording to FILE, a frame each --interval seconds (1), until it is interrupted or --count "
		"frames were written. With --all it has live, map and validate too, which cost the module more. "
		"Every command reads a recording with --root.", 1, 1, false },
	[COMMAND_REPLAY] = { "replay", "FILE", "play a recording in the view of top",
		"Plays a recording: space stops it, left and right go back and forth. Without a terminal it prints the "
		"list of each frame.", 1, 1, false },
	[COMMAND_EXPORT] = { "export", "", "for Prometheus, or a report for a browser",
		"With --prometheus it prints what node_exporter's textfile collector reads; with --html a report in one "
		"file that needs nothing else to be shown. With --output the file is replaced as a whole, never "
		"seen half written.", 0, 0, false },
};

const struct option_spec usage_options[] = {
	{ "root", "DIR", "read a saved copy of debugfs, or a recording", EVERY & ~BIT(DIFF) },
	{ "json", NULL, "print JSON, as nebulactl.schema.json describes it", EVERY & ~BIT(TOP) },
	{ "color", "WHEN", "auto, always or never (auto: on a terminal)", EVERY },
	{ "sort", "KEY", "used, full, peak, live, allocs, rate, failures, name or kind",
	  BIT(LIST) | BIT(TOP) | BIT(REPLAY) },
	{ "filter", "TEXT", "only those whose name, kind or owner has TEXT in it",
	  BIT(LIST) | BIT(TOP) | BIT(REPLAY) },
	{ "follow", NULL, "go on with new errors as they come", BIT(ERRORS) },
	{ "all", NULL, "every allocator; of record: every file", BIT(VALIDATE) | BIT(RECORD) },
	{ "interval", "SECONDS", "time between two looks (1)",
	  BIT(ERRORS) | BIT(TOP) | BIT(RECORD) | BIT(REPLAY) },
	{ "count", "N", "end after N looks",
	  BIT(ERRORS) | BIT(TOP) | BIT(RECORD) | BIT(REPLAY) },
	{ "prometheus", NULL, "print metrics for Prometheus", BIT(EXPORT) },
	{ "html", NULL, "print a report for a browser", BIT(EXPORT) },
	{ "output", "FILE", "print to FILE", BIT(EXPORT) },
	{ "help", NULL, "print this, or what a command does", EVERY },
	{ "version", NULL, "print the version", EVERY },
	{ }
};

static void print_options(unsigned int commands)
{
	const struct option_spec *o;
	char left[64];

	for (o = usage_options; o->name; o++) {
		if (!(o->commands & commands))
			continue;
		snprintf(left, sizeof(left), "--%s%s%s", o->name, o->arg ? " " : "",
			 o->arg ?: "");
		printf("  %-20s %s\n", left, o->help);
	}
}

static void print_help(void)
{
	char left[64];
	size_t i;

	puts("nebulactl shows what the allocators of nebula_memory do.\n");
	puts("usage: nebulactl COMMAND [OPTIONS]\n");
	for (i = 0; i < COMMAND_NR; i++) {
		snprintf(left, sizeof(left), "%s %s", usage_commands[i].name,
			 usage_commands[i].args);
		printf("  %-20s %s\n", left, usage_commands[i].help);
	}
	putchar('\n');
	print_options(EVERY);
	puts("\nExit status: 0 ok, 1 faults or malformed files found, 2 usage, 3 not available.");
	puts("man nebulactl has more; nebulactl COMMAND --help is about one.");
}

/* A text in lines of up to 78 columns. */
static void print_wrapped(const char *text)
{
	size_t column = 0, len;

	while (*text) {
		len = strcspn(text, " ");
		if (column && column + 1 + len > 78) {
			putchar('\n');
			column = 0;
		}
		column += printf("%s%.*s", column ? " " : "", (int)len, text);
		text += len + (text[len] == ' ');
	}
	putchar('\n');
}

static void print_command_help(enum command command)
{
	const struct command_spec *c = &usage_commands[command];

	printf("usage: nebulactl %s%s%s [OPTIONS]\n\n", c->name, *c->args ? " " : "", c->args);
	print_wrapped(c->text);
	putchar('\n');
	print_options(1U << command);
}

enum status usage_error(const struct options *opt, const char *fmt, ...)
{
	va_list args;

	fputs("nebulactl: ", stderr);
	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
	fprintf(stderr, "\nnebulactl %s%s--help says what there is\n",
		opt->command_name ?: "", opt->command_name ? " " : "");
	return STATUS_USAGE;
}

/* --help-man and its like, for the Makefile. */
static bool print_form(const char *arg)
{
	static const struct {
		const char *name;
		void (*print)(void);
	} forms[] = {
		{ "--help-man", usage_man }, { "--help-bash", usage_bash },
		{ "--help-zsh", usage_zsh }, { "--help", print_help }, { "help", print_help },
		{ "-h", print_help },
	};
	size_t i;

	for (i = 0; i < sizeof(forms) / sizeof(*forms); i++) {
		if (strcmp(forms[i].name, arg))
			continue;
		forms[i].print();
		return true;
	}
	if (strcmp(arg, "--version") && strcmp(arg, "version"))
		return false;
	puts("nebulactl " NEBULACTL_VERSION);
	return true;
}

static bool find_command(const char *name, struct options *opt)
{
	size_t i;

	for (i = 0; i < COMMAND_NR; i++) {
		if (strcmp(usage_commands[i].name, name))
			continue;
		opt->command = i;
		opt->command_name = usage_commands[i].name;
		return true;
	}
	return false;
}

static bool take_number(const char *arg, double low, double high, double *value)
{
	char *end;

	errno = 0;
	*value = strtod(arg, &end);
	return end != arg && !*end && !errno && *value >= low && *value <= high;
}

static bool take_sort(const char *arg, enum sort_key *key)
{
	size_t i;

	for (i = 0; i < SORT_NR; i++) {
		if (strcmp(sort_names[i], arg))
			continue;
		*key = i;
		return true;
	}
	return false;
}

static bool take_color(const char *arg, enum color_mode *mode)
{
	if (!strcmp(arg, "auto"))
		*mode = COLOR_AUTO;
	else if (!strcmp(arg, "always"))
		*mode = COLOR_ALWAYS;
	else if (!strcmp(arg, "never"))
		*mode = COLOR_NEVER;
	else
		return false;
	return true;
}

/* false: the value is none. */
static bool take_option(struct options *opt, const char *name, const char *arg)
{
	double n;

	if (!strcmp(name, "root")) {
		opt->root = arg;
	} else if (!strcmp(name, "json")) {
		opt->json = true;
	} else if (!strcmp(name, "color")) {
		return take_color(arg, &opt->color);
	} else if (!strcmp(name, "sort")) {
		return take_sort(arg, &opt->sort);
	} else if (!strcmp(name, "filter")) {
		opt->filter = *arg ? arg : NULL;
	} else if (!strcmp(name, "follow")) {
		opt->follow = true;
	} else if (!strcmp(name, "all")) {
		opt->all = true;
	} else if (!strcmp(name, "interval")) {
		return take_number(arg, 0.05, 86400, &opt->interval);
	} else if (!strcmp(name, "count")) {
		if (!take_number(arg, 1, 1e9, &n) || n != (unsigned long)n)
			return false;
		opt->count = n;
	} else if (!strcmp(name, "prometheus")) {
		opt->prometheus = true;
	} else if (!strcmp(name, "html")) {
		opt->html = true;
	} else if (!strcmp(name, "output")) {
		opt->output = arg;
	}
	return true;
}

/* The options behind the command; false when the program has to end. */
static bool take_options(int argc, char **argv, struct options *opt, enum status *status)
{
	struct option longs[MAX_OPTIONS] = { };
	const struct option_spec *o;
	size_t i;
	int c, at = 0;

	for (i = 0; usage_options[i].name; i++)
		longs[i] = (struct option){ usage_options[i].name,
					    usage_options[i].arg ? required_argument : no_argument,
					    NULL, 1 };
	opterr = 0;
	while ((c = getopt_long(argc, argv, ":h", longs, &at)) != -1) {
		/* Of what is no option @at means nothing. */
		o = c == 1 ? &usage_options[at] : usage_options;
		if (c == 'h' || (c == 1 && !strcmp(o->name, "help"))) {
			print_command_help(opt->command);
			*status = STATUS_OK;
			return false;
		}
		if (c == ':')
			*status = usage_error(opt, "%s needs a value", argv[optind - 1]);
		else if (c != 1)
			*status = usage_error(opt, "there is no option %s", argv[optind - 1]);
		else if (!(o->commands & 1U << opt->command))
			*status = usage_error(opt, "%s does not take --%s", opt->command_name,
					      o->name);
		else if (!strcmp(o->name, "version"))
			*status = print_form("--version") ? STATUS_OK : STATUS_USAGE;
		else if (!take_option(opt, o->name, optarg))
			*status = usage_error(opt, "--%s takes %s: %s, not \"%s\"", o->name,
					      o->arg, o->help, optarg);
		else
			continue;
		return false;
	}
	return true;
}

/* Arguments in number. */
static bool take_arguments(int argc, char **argv, struct options *opt, enum status *status)
{
	const struct command_spec *c = &usage_commands[opt->command];
	const size_t nr = argc - optind;
	size_t i;

	if (nr < c->min) {
		*status = usage_error(opt, "%s needs %s", c->name, c->args);
		return false;
	}
	if (nr > c->max) {
		*status = usage_error(opt, "%s does not take \"%s\"", c->name,
				      argv[optind + c->max]);
		return false;
	}
	for (i = 0; i < nr; i++)
		opt->args[i] = argv[optind + i];
	opt->nr_args = nr;
	return true;
}

bool usage_parse(int argc, char **argv, struct options *opt, enum status *status)
{
	int i = 1;

	*opt = (struct options){ };
	*status = STATUS_OK;
	if (argc < 2) {
		*status = usage_error(opt, "no command");
		return false;
	}
	if (print_form(argv[1]))
		return false;
	/* Options may stand before the command too. */
	while (i < argc && !find_command(argv[i], opt)) {
		if (argv[i][0] != '-') {
			*status = usage_error(opt, "there is no command \"%s\"", argv[i]);
			return false;
		}
		i += !strchr(argv[i], '=') && (!strcmp(argv[i], "--root") ||
					       !strcmp(argv[i], "--color")) ? 2 : 1;
	}
	if (i >= argc) {
		*status = usage_error(opt, "no command");
		return false;
	}
	/* Where the command stood, its place is closed up. */
	memmove(&argv[i], &argv[i + 1], (argc - i) * sizeof(*argv));
	argc--;
	return take_options(argc, argv, opt, status) && take_arguments(argc, argv, opt, status);
}
