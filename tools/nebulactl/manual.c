// SPDX-License-Identifier: GPL-2.0-only
/*
 * The man page and the completions, printed from the tables of usage.c.
 */
#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include "usage.h"

/* Texts of the man page that are about no single command; "" begins a paragraph. */
static const char *const keys[][2] = {
	{ "arrows, PgUp, PgDn, Home, End", "select an allocator; the mouse does too" },
	{ "Enter", "show or hide the detail pane" },
	{ "s, S", "sort by the next, or the previous, column; a click on its title sorts by it" },
	{ "r", "reverse the order" },
	{ "/", "filter by name, kind or owner as you type; Escape takes the filter away" },
	{ "e", "show or hide the newest errors" },
	{ "v", "validate the selected allocator" },
	{ "m", "what the detail pane shows: statistics, map, live objects, errors" },
	{ "Space", "hold still, or go on" },
	{ "Left, Right", "of a recording: one frame back or forth" },
	{ "+, -", "look more often, or less" },
	{ "h, ?", "these keys" },
	{ "q", "end" },
};

static const char *const statuses[][2] = {
	{ "0", "All is well." },
	{ "1", "Faults were found, or malformed files: each with a message, file and line." },
	{ "2", "The command line is wrong, or a name means more than one." },
	{ "3", "What was asked for is not there: debugfs, the module, the allocator, a file." },
};

static const char *const examples[][2] = {
	{ "nebulactl top", "Watch all allocators." },
	{ "nebulactl list --sort failures --filter nebula_demo",
	  "Which allocators of a module refuse most." },
	{ "nebulactl validate --all --json", "Check everything, for a script." },
	{ "nebulactl record --interval 5 --count 720 hour.rec",
	  "Record an hour; nebulactl diff hour.rec hour.rec says what grew in it." },
	{ "nebulactl export --prometheus --output /var/lib/prometheus/node-exporter/nebula.prom",
	  "For the textfile collector of node_exporter; from a timer." },
	{ "nebulactl list --root saved/",
	  "Read a copy, made with cp -r or taken from another machine." },
};

const char *const (*usage_keys(size_t *nr))[2]
{
	*nr = sizeof(keys) / sizeof(*keys);
	return keys;
}

/* Text for troff: dashes are dashes, and no line begins with a dot. */
static void put_troff(const char *text)
{
	if (*text == '.' || *text == '\'')
		fputs("\\&", stdout);
	for (; *text; text++) {
		if (*text == '-')
			fputs("\\-", stdout);
		else if (*text == '\\')
			fputs("\\e", stdout);
		else
			putchar(*text);
	}
	putchar('\n');
}

static void put_pairs(const char *section, const char *const (*pairs)[2], size_t nr)
{
	size_t i;

	printf(".SH %s\n", section);
	for (i = 0; i < nr; i++) {
		fputs(".TP\n.B ", stdout);
		put_troff(pairs[i][0]);
		put_troff(pairs[i][1]);
	}
}

#define PUT_PAIRS(section, pairs) put_pairs(section, pairs, sizeof(pairs) / sizeof(*(pairs)))

static void put_option(const struct option_spec *o)
{
	fputs(".TP\n.BI \\-\\-", stdout);
	fputs(o->name, stdout);
	if (o->arg)
		printf(" \" %s\"", o->arg);
	putchar('\n');
	put_troff(o->help);
}

void usage_man(void)
{
	const struct option_spec *o;
	size_t i;

	puts(".\\\" Printed by nebulactl --help-man.");
	puts(".TH NEBULACTL 8 \"\" \"nebula_memory\" \"System administration\"");
	puts(".SH NAME\nnebulactl \\- show what the allocators of nebula_memory do");
	puts(".SH SYNOPSIS\n.B nebulactl\n.I COMMAND\n.RI [ OPTIONS ]");
	puts(".SH DESCRIPTION");
	puts("Reads the files of nebula_memory in debugfs, a saved copy of them, or a recording, and shows");
	puts("them as tables, trees, maps, JSON, metrics, a report for a browser, or a live view. It never");
	puts("writes to debugfs, and no allocation waits for it.");
	puts(".PP\nOn a terminal tables are as wide as it is: columns that do not fit are left out.");
	puts("What a colour says is said by a word or a number too.");
	puts(".SH COMMANDS");
	for (i = 0; i < COMMAND_NR; i++) {
		printf(".TP\n.BI \"%s \" \"%s\"\n", usage_commands[i].name, usage_commands[i].args);
		put_troff(usage_commands[i].text);
	}
	puts(".SH OPTIONS");
	for (o = usage_options; o->name; o++)
		put_option(o);
	PUT_PAIRS("KEYS OF TOP AND REPLAY", keys);
	PUT_PAIRS("EXIT STATUS", statuses);
	puts(".SH ENVIRONMENT");
	puts(".TP\n.B COLUMNS\nThe width of tables, in place of the terminal's.");
	puts(".TP\n.B NO_COLOR\nWhen it is set, \\-\\-color auto means never.");
	puts(".TP\n.B NEBULACTL_DEBUGFS\nWhere debugfs is mounted, in place of /sys/kernel/debug.");
	puts(".SH FILES");
	puts(".TP\n.I /sys/kernel/debug/nebula_memory\nWhat is read; for root only.");
	puts(".TP\n.I PREFIX/share/nebulactl/nebulactl.schema.json\nDescribes what \\-\\-json prints.");
	puts(".TP\n.I PREFIX/share/nebulactl/nebulactl.grafana.json\nA dashboard for the metrics.");
	PUT_PAIRS("EXAMPLES", examples);
	puts(".SH SEE ALSO\n.BR nebula_bump_create (9),\n.BR nebula_pool_create (9)");
}

static void put_bash_words(unsigned int command)
{
	const struct option_spec *o;

	for (o = usage_options; o->name; o++)
		if (o->commands & 1U << command)
			printf(" --%s", o->name);
}

void usage_bash(void)
{
	size_t i;

	puts("# bash completion of nebulactl, printed by nebulactl --help-bash");
	puts("_nebulactl()");
	puts("{");
	puts("\tlocal cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} command='' options='' names='' root=() i");
	puts("\tfor ((i = 1; i < COMP_CWORD; i++)); do");
	puts("\t\tcase ${COMP_WORDS[i]} in");
	puts("\t\t--root) root=(--root \"${COMP_WORDS[i+1]}\") ;;");
	fputs("\t\t", stdout);
	for (i = 0; i < COMMAND_NR; i++)
		printf("%s%s", i ? " | " : "", usage_commands[i].name);
	puts(") [ -n \"$command\" ] || command=${COMP_WORDS[i]} ;;");
	puts("\t\tesac");
	puts("\tdone");
	puts("\tcase $prev in");
	puts("\t--root | --output) mapfile -t COMPREPLY < <(compgen -f -- \"$cur\"); return ;;");
	puts("\t--color) mapfile -t COMPREPLY < <(compgen -W 'auto always never' -- \"$cur\"); return ;;");
	fputs("\t--sort) mapfile -t COMPREPLY < <(compgen -W '", stdout);
	for (i = 0; i < SORT_NR; i++)
		printf("%s%s", i ? " " : "", sort_names[i]);
	puts("' -- \"$cur\"); return ;;");
	puts("\t--filter | --interval | --count) return ;;");
	puts("\tesac");
	puts("\tcase $command in");
	fputs("\t'') options='", stdout);
	for (i = 0; i < COMMAND_NR; i++)
		printf("%s ", usage_commands[i].name);
	puts("--root --color --help --version' ;;");
	for (i = 0; i < COMMAND_NR; i++) {
		printf("\t%s) options='", usage_commands[i].name);
		put_bash_words(i);
		putchar('\'');
		if (usage_commands[i].names)
			fputs(" names=$(nebulactl list --json \"${root[@]}\" 2>/dev/null | "
			      "sed -n 's/^      \"name\": \"\\(.*\\)\",$/\\1/p')", stdout);
		puts(" ;;");
	}
	puts("\tesac");
	puts("\tmapfile -t COMPREPLY < <(compgen -W \"$options $names\" -- \"$cur\")");
	puts("\tcase $command in");
	puts("\tdiff | replay | record) mapfile -t -O \"${#COMPREPLY[@]}\" COMPREPLY < <(compgen -f -- \"$cur\") ;;");
	puts("\tesac");
	puts("}");
	puts("complete -o filenames -F _nebulactl nebulactl");
}

/* Quotes end a zsh word, brackets and colons have a meaning in it. */
static void put_zsh(const char *text)
{
	for (; *text; text++) {
		if (*text == '\'')
			fputs("'\\''", stdout);
		else if (strchr("[]:\\", *text))
			printf("\\%c", *text);
		else
			putchar(*text);
	}
}

static const char *zsh_action(const char *option)
{
	if (!strcmp(option, "root") || !strcmp(option, "output"))
		return "_files";
	if (!strcmp(option, "color"))
		return "(auto always never)";
	if (!strcmp(option, "sort"))
		return "(used full peak live allocs rate failures name kind)";
	return " ";
}

static void put_zsh_options(unsigned int command)
{
	const struct option_spec *o;

	for (o = usage_options; o->name; o++) {
		if (!(o->commands & 1U << command))
			continue;
		printf(" \\\n\t\t\t'--%s[", o->name);
		put_zsh(o->help);
		putchar(']');
		if (o->arg)
			printf(":%s:%s", o->arg, zsh_action(o->name));
		putchar('\'');
	}
}

void usage_zsh(void)
{
	size_t i;

	puts("#compdef nebulactl\n# zsh completion of nebulactl, printed by nebulactl --help-zsh\n");
	puts("_nebulactl_names() {");
	puts("\tlocal -a names root");
	puts("\tlocal i=${words[(I)--root]}");
	puts("\t((i)) && root=(--root ${words[i+1]})");
	puts("\tnames=(${(f)\"$(nebulactl list --json $root 2>/dev/null | "
	     "sed -n 's/^      \"name\": \"\\(.*\\)\",$/\\1/p')\"})");
	puts("\t_describe name names");
	puts("}\n");
	puts("_nebulactl() {");
	puts("\tlocal -a commands");
	puts("\tcommands=(");
	for (i = 0; i < COMMAND_NR; i++) {
		printf("\t\t'%s:", usage_commands[i].name);
		put_zsh(usage_commands[i].help);
		puts("'");
	}
	puts("\t)");
	puts("\tif ((CURRENT == 2)); then\n\t\t_describe command commands\n\t\treturn\n\tfi");
	puts("\tcase $words[2] in");
	for (i = 0; i < COMMAND_NR; i++) {
		printf("\t%s)\n\t\tshift words\n\t\t((CURRENT--))\n\t\t_arguments",
		       usage_commands[i].name);
		put_zsh_options(i);
		if (usage_commands[i].names)
			fputs(" \\\n\t\t\t'1:name:_nebulactl_names'", stdout);
		else if (usage_commands[i].max)
			fputs(" \\\n\t\t\t'*:file:_files'", stdout);
		puts("\n\t\t;;");
	}
	puts("\tesac");
	puts("}\n\n_nebulactl \"$@\"");
}
