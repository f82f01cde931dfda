// SPDX-License-Identifier: GPL-2.0-only
/*
 * nebulactl export: metrics or a report, to standard output or to a file that is replaced whole.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "json.h"
#include "read.h"
#include "view.h"

static void put(struct view *v, FILE *out)
{
	struct snapshot snap;
	json_t *json;

	read_snapshot(v->source, READ_ALL, &snap, &v->ps);
	list_sort(&snap, &v->opt);
	if (v->opt.json) {
		json = json_begin("export", source_name(v->source), snap.time);
		json_add_snapshot(json, &snap);
		json_end(json, &v->ps, out);
	} else if (v->opt.html) {
		report_html(out, v, &snap);
	} else {
		metrics_prometheus(out, &snap);
	}
}

/* Beside the file, so that renaming it is one step; readable for all, as the collector needs it. */
static enum status put_file(struct view *v)
{
	char *temporary = arena_printf(&v->arena, "%s.XXXXXX", v->opt.output);
	int fd = mkstemp(temporary);
	FILE *out = fd < 0 ? NULL : fdopen(fd, "w");
	bool failed;

	if (!out) {
		fprintf(stderr, "nebulactl: %s: %s\n", v->opt.output, strerror(errno));
		return STATUS_UNAVAILABLE;
	}
	put(v, out);
	failed = fflush(out) || ferror(out) || fchmod(fd, 0644);
	failed |= fclose(out) != 0;
	if (!failed && !rename(temporary, v->opt.output))
		return STATUS_OK;
	fprintf(stderr, "nebulactl: %s: %s\n", v->opt.output, strerror(errno));
	unlink(temporary);
	return STATUS_UNAVAILABLE;
}

enum status view_export(struct view *v)
{
	if (v->opt.json + v->opt.html + v->opt.prometheus != 1)
		return usage_error(&v->opt, "export takes one of --prometheus, --html and --json");
	if (v->opt.output)
		return put_file(v);
	put(v, v->out);
	return STATUS_OK;
}
