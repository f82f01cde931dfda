// SPDX-License-Identifier: GPL-2.0-only
/*
 * One input of the fuzzer: its first byte says which file it is, the rest is what the file says. It
 * is read as a part of a recording, and every view that shows it is drawn. A first byte that names
 * no file makes the rest the recording itself.
 *
 * With REPLAY it is a program that takes inputs from files.
 */
#include <locale.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "view.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Files by their first byte. */
static const char *const files[] = {
	"info", "errors", "allocators/x/info", "allocators/x/stats", "allocators/x/errors",
	"allocators/x/live", "allocators/x/map", "allocators/x/validate", "budgets/x", "caches/x",
};

#define NR_FILES	(sizeof(files) / sizeof(*files))

/* What is there beside the file, so that the views come to it. */
static const char others[] =
	"file allocators/x/info 28\n# nebula info v1\nkind: pool\n\n"
	"file allocators/x/stats 32\n# nebula stats v1\nallocs: 1\npeak\n";

static void draw(struct source *s, enum status (*run)(struct view *), const char *name,
		 struct options opt, FILE *out)
{
	struct view v = { .opt = opt, .source = s, .out = out, .width = 60 };

	v.opt.command_name = "fuzz";
	if (name) {
		v.opt.args[0] = name;
		v.opt.nr_args = 1;
	}
	v.ps.arena = &v.arena;
	source_seek(s, source_frames(s) - 1);
	run(&v);
	arena_free(&v.arena);
}

static void draw_all(struct source *s, FILE *out)
{
	const struct options plain = { }, json = { .json = true }, all = { .all = true };
	const struct options html = { .html = true }, metrics = { .prometheus = true };
	const struct options follow = { .follow = true };

	draw(s, view_list, NULL, plain, out);
	draw(s, view_list, NULL, json, out);
	draw(s, view_show, "allocator:x", plain, out);
	draw(s, view_show, "budget:x", plain, out);
	draw(s, view_show, "cache:x", plain, out);
	draw(s, view_errors, NULL, plain, out);
	draw(s, view_errors, NULL, follow, out);
	draw(s, view_live, "x", plain, out);
	draw(s, view_live, "x", json, out);
	draw(s, view_map, "x", plain, out);
	draw(s, view_map, "x", json, out);
	draw(s, view_validate, NULL, all, out);
	draw(s, view_budgets, NULL, plain, out);
	draw(s, view_caches, NULL, json, out);
	draw(s, view_caches, NULL, plain, out);
	draw(s, view_export, NULL, html, out);
	draw(s, view_export, NULL, metrics, out);
	draw(s, view_export, NULL, json, out);
}

/* The recording of an input; freed by the caller. */
static char *recording_of(const uint8_t *data, size_t size, size_t *len)
{
	char *text = NULL;
	FILE *out = open_memstream(&text, len);

	if (!out)
		abort();
	if (data[0] < 'a' || data[0] >= 'a' + NR_FILES) {
		fwrite(data + 1, 1, size - 1, out);
	} else {
		fprintf(out, "# nebula recording v1\nframe 1.5\n%sfile %s %zu\n", others,
			files[data[0] - 'a'], size - 1);
		fwrite(data + 1, 1, size - 1, out);
		fputc('\n', out);
	}
	fclose(out);
	return text;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static FILE *out;
	struct source *s;
	char *text;
	size_t len;
	FILE *in;

	if (!size)
		return 0;
	if (!out) {
		setlocale(LC_CTYPE, "C.UTF-8");
		paint_setup(COLOR_ALWAYS);
		out = fopen("/dev/null", "w");
	}
	text = recording_of(data, size, &len);
	in = len ? fmemopen(text, len, "r") : NULL;
	if (in) {
		s = source_open_stream(in, "fuzz");
		/* What is wrapped is a recording, whatever it says. */
		if (!s && data[0] >= 'a' && data[0] < 'a' + (int)NR_FILES)
			abort();
		if (s)
			draw_all(s, out);
		source_close(s);
		fclose(in);
	}
	free(text);
	return 0;
}

#ifdef REPLAY
/* Inputs from the files that are named. */
int main(int argc, char **argv)
{
	static uint8_t data[1 << 20];
	size_t len;
	FILE *file;
	int i;

	for (i = 1; i < argc; i++) {
		file = fopen(argv[i], "r");
		if (!file) {
			perror(argv[i]);
			return 1;
		}
		len = fread(data, 1, sizeof(data), file);
		fclose(file);
		LLVMFuzzerTestOneInput(data, len);
	}
	printf("%d inputs\n", argc - 1);
	return 0;
}
#endif
