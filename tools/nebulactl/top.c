// SPDX-License-Identifier: GPL-2.0-only
/*
 * nebulactl top and replay: reads every interval, and reacts to keys and the mouse in between.
 */
#include <curses.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "attributes.h"
#include "json.h"
#include "read.h"
#include "top.h"

#define INTERVAL_MIN	0.1
#define INTERVAL_MAX	60

#define KEY_ESCAPE	27

/* Seconds between two clicks on an allocator that show what is known of it. */
#define DOUBLE_CLICK	0.4

/* Escape sequences of a terminal come within so many milliseconds. */
#define ESCAPE_MS	50

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

static void reverse(struct snapshot *snap)
{
	size_t i, n = snap->nr_allocators;
	struct allocator a;

	for (i = 0; i < n / 2; i++) {
		a = snap->allocator[i];
		snap->allocator[i] = snap->allocator[n - 1 - i];
		snap->allocator[n - 1 - i] = a;
	}
}

static const struct history *sort_history;

static int by_rate(const void *a, const void *b)
{
	const struct allocator *x = a, *y = b;
	const struct past *p = history_find(sort_history, x->name);
	const struct past *q = history_find(sort_history, y->name);
	const double r = p ? p->rate : 0, s = q ? q->rate : 0;

	return r < s ? 1 : r > s ? -1 : strcmp(x->name, y->name);
}

/* The cursor stays on the allocator, or where it was if that has gone. */
static void find_selected(struct top *t)
{
	const struct snapshot *snap = &t->snap;
	size_t i;

	for (i = 0; i < snap->nr_allocators; i++)
		if (!strcmp(snap->allocator[i].name, t->selected))
			t->cursor = i;
	if (t->cursor >= snap->nr_allocators)
		t->cursor = snap->nr_allocators ? snap->nr_allocators - 1 : 0;
	if (snap->nr_allocators)
		snprintf(t->selected, sizeof(t->selected), "%s", snap->allocator[t->cursor].name);
}

static void arrange(struct top *t)
{
	t->view->opt.filter = *t->filter ? t->filter : NULL;
	list_sort(&t->snap, &t->view->opt);
	if (t->view->opt.sort == SORT_RATE && t->snap.nr_allocators) {
		sort_history = &t->history;
		qsort(t->snap.allocator, t->snap.nr_allocators, sizeof(*t->snap.allocator),
		      by_rate);
	}
	if (t->reversed)
		reverse(&t->snap);
	find_selected(t);
}

static void read_again(struct top *t)
{
	arena_free(&t->arena);
	t->ps = (struct problems){ .arena = &t->arena };
	read_snapshot(t->source, READ_ALL, &t->snap, &t->ps);
	t->gone = !t->snap.info.nr && !t->snap.nr_allocators;
}

/* Reads, remembers, and brings it into order. */
static void look(struct top *t)
{
	read_again(t);
	history_add(&t->history, &t->snap);
	arrange(t);
}

/* What the filter left out, and another order, need all of it again; it is no look. */
static void look_again(struct top *t)
{
	read_again(t);
	arrange(t);
}

/* Goes to a frame of the recording; what came before it is looked at, too. */
static void go_to(struct top *t, size_t frame)
{
	size_t i = frame >= HISTORY_LEN ? frame - HISTORY_LEN + 1 : 0;

	history_clear(&t->history);
	for (; i < frame; i++) {
		source_seek(t->source, i);
		read_again(t);
		history_add(&t->history, &t->snap);
	}
	t->frame = frame;
	source_seek(t->source, frame);
	look(t);
}

/* The interval is over. */
static void tick(struct top *t)
{
	if (t->held)
		return;
	if (source_frames(t->source) == 1) {
		if (source_is_live(t->source))
			look(t);
	} else if (t->frame + 1 < source_frames(t->source)) {
		source_seek(t->source, ++t->frame);
		look(t);
	} else {
		t->held = true;
	}
}

__printf(3, 4) static void say(struct top *t, bool bad, const char *fmt, ...);

static void say(struct top *t, bool bad, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(t->message, sizeof(t->message), fmt, args);
	va_end(args);
	t->message_bad = bad;
}

static void validate(struct top *t)
{
	struct verdicts verdicts;
	size_t i, faults = 0, busy = 0, ok = 0;
	const char *first = NULL;
	struct problems ps = { .arena = &t->pane_arena };

	if (!t->snap.nr_allocators)
		return;
	if (read_validate(t->source, t->selected, &verdicts, &ps)) {
		say(t, true, "%s cannot be validated: no such file", t->selected);
		return;
	}
	for (i = 0; i < verdicts.nr; i++) {
		const struct verdict *v = &verdicts.of[i];

		faults += v->nr_faults + v->more;
		busy += v->state == VERDICT_BUSY;
		ok += v->state == VERDICT_OK;
		first = first ?: v->nr_faults ? v->fault[0] : NULL;
	}
	if (faults)
		say(t, true, "%s: %zu faults, the first: %s", t->selected, faults, first ?: "?");
	else
		say(t, busy, "%s: %s", t->selected, busy ? "busy, it kept changing" :
		    ok ? "ok" : "nothing to check");
}

static void move_cursor(struct top *t, long by)
{
	const long last = (long)t->snap.nr_allocators - 1;
	long to = (long)t->cursor + by;

	if (last < 0)
		return;
	to = to < 0 ? 0 : to > last ? last : to;
	t->cursor = to;
	snprintf(t->selected, sizeof(t->selected), "%s", t->snap.allocator[to].name);
}

static void step(struct top *t, bool forth)
{
	const size_t frames = source_frames(t->source);

	if (frames == 1) {
		say(t, false, "only a recording goes back and forth");
		return;
	}
	t->held = true;
	if (forth && t->frame + 1 < frames)
		go_to(t, t->frame + 1);
	else if (!forth && t->frame)
		go_to(t, t->frame - 1);
}

static void sort_by(struct top *t, enum sort_key key)
{
	t->reversed = t->view->opt.sort == key && !t->reversed;
	t->view->opt.sort = key;
	look_again(t);
	say(t, false, "sorted by %s%s", sort_names[key], t->reversed ? ", reversed" : "");
}

static void take_mouse(struct top *t)
{
	struct top_layout l;
	enum sort_key key;
	MEVENT event;

	if (getmouse(&event) != OK)
		return;
	top_layout(t, &l);
	if (event.bstate & BUTTON4_PRESSED) {
		move_cursor(t, -1);
	} else if (event.bstate & BUTTON5_PRESSED) {
		move_cursor(t, 1);
	} else if (event.y == l.list - 1) {
		key = top_title_at(t, event.x);
		if (key != SORT_NR)
			sort_by(t, key);
	} else if (event.y >= l.list && event.y < l.list + l.list_rows) {
		move_cursor(t, (long)(t->first + event.y - l.list) - (long)t->cursor);
		if (event.y == t->pressed_row && now() - t->pressed < DOUBLE_CLICK)
			t->pane = t->pane ? PANE_NONE : PANE_STATS;
		t->pressed_row = event.y;
		t->pressed = now();
	}
}

static void take_filter_key(struct top *t, int key)
{
	const size_t len = strlen(t->filter);

	if (key == '\n' || key == KEY_ENTER) {
		t->typing = false;
	} else if (key == KEY_ESCAPE) {
		t->typing = false;
		t->filter[0] = '\0';
	} else if ((key == KEY_BACKSPACE || key == 127 || key == '\b') && len) {
		t->filter[len - 1] = '\0';
	} else if (key >= ' ' && key <= '~' && len + 1 < sizeof(t->filter)) {
		t->filter[len] = key;
		t->filter[len + 1] = '\0';
	} else {
		return;
	}
	look_again(t);
}

static void change_interval(struct top *t, double by)
{
	t->interval = fmin(fmax(t->interval * by, INTERVAL_MIN), INTERVAL_MAX);
	say(t, false, "every %.1f s", t->interval);
}

static void take_view_key(struct top *t, int key)
{
	const enum sort_key sort = t->view->opt.sort;

	switch (key) {
	case 's':
		t->reversed = false;
		sort_by(t, (sort + 1) % SORT_NR);
		break;
	case 'S':
		t->reversed = false;
		sort_by(t, (sort + SORT_NR - 1) % SORT_NR);
		break;
	case 'r':
		sort_by(t, sort);
		break;
	case '/':
		t->typing = true;
		break;
	case KEY_ESCAPE:
		t->filter[0] = '\0';
		t->pane = PANE_NONE;
		look_again(t);
		break;
	case '\n':
	case KEY_ENTER:
		t->pane = t->pane ? PANE_NONE : PANE_STATS;
		break;
	case 'm':
		t->pane = t->pane + 1 < PANE_NR ? t->pane + 1 : PANE_STATS;
		break;
	case 'e':
		t->errors = !t->errors;
		break;
	case 'v':
		validate(t);
		break;
	case 'h':
	case '?':
		t->help = true;
		break;
	case KEY_MOUSE:
		take_mouse(t);
		break;
	}
}

static void take_key(struct top *t, int key)
{
	struct top_layout l;

	t->message[0] = '\0';
	if (t->help) {
		t->help = key == KEY_RESIZE;
		return;
	}
	if (t->typing) {
		take_filter_key(t, key);
		return;
	}
	top_layout(t, &l);
	switch (key) {
	case 'q':
		t->ended = true;
		break;
	case KEY_UP:
	case 'k':
		move_cursor(t, -1);
		break;
	case KEY_DOWN:
	case 'j':
		move_cursor(t, 1);
		break;
	case KEY_PPAGE:
		move_cursor(t, -l.list_rows);
		break;
	case KEY_NPAGE:
		move_cursor(t, l.list_rows);
		break;
	case KEY_HOME:
		move_cursor(t, -(long)t->cursor);
		break;
	case KEY_END:
		move_cursor(t, t->snap.nr_allocators);
		break;
	case KEY_LEFT:
		step(t, false);
		break;
	case KEY_RIGHT:
		step(t, true);
		break;
	case ' ':
		t->held = !t->held;
		if (!t->held && source_frames(t->source) > 1 &&
		    t->frame + 1 == source_frames(t->source))
			go_to(t, 0);
		break;
	case '+':
		change_interval(t, 0.5);
		break;
	case '-':
		change_interval(t, 2);
		break;
	default:
		take_view_key(t, key);
	}
}

static void begin_screen(const struct top *t)
{
	set_escdelay(ESCAPE_MS);
	cbreak();
	noecho();
	keypad(stdscr, TRUE);
	curs_set(0);
	mousemask(BUTTON1_PRESSED | BUTTON4_PRESSED | BUTTON5_PRESSED, NULL);
	/* Else ncurses waits for what becomes of a button, and keys wait with it. */
	mouseinterval(0);
	if (t->view->opt.color == COLOR_NEVER || !has_colors() || start_color() != OK)
		return;
	use_default_colors();
	init_pair(PAINT_GOOD, COLOR_GREEN, -1);
	init_pair(PAINT_WARN, COLOR_YELLOW, -1);
	init_pair(PAINT_BAD, COLOR_RED, -1);
	init_pair(PAINT_NOTE, COLOR_CYAN, -1);
	init_pair(TOP_COLOR_BAR, COLOR_BLACK, COLOR_CYAN);
}

/* --count says how many times it looks. */
static void loop(struct top *t)
{
	unsigned long looks = 1;
	double due = now() + t->interval, left;
	int key;

	while (!t->ended) {
		top_draw(t);
		left = due - now();
		timeout(left > 0 ? (int)ceil(left * 1000) : 0);
		key = getch();
		if (key != ERR)
			take_key(t, key);
		if (now() < due)
			continue;
		if (t->view->opt.count && looks++ >= t->view->opt.count)
			break;
		tick(t);
		due = now() + t->interval;
	}
}

/* Without a terminal: the list, of a recording that of each frame. */
static enum status print_frames(struct view *v, struct source *s)
{
	const size_t frames = source_frames(s);
	struct snapshot snap;
	size_t i;
	json_t *json;

	for (i = 0; i < frames && (!v->opt.count || i < v->opt.count); i++) {
		source_seek(s, i);
		read_snapshot(s, READ_ALL, &snap, &v->ps);
		list_sort(&snap, &v->opt);
		if (v->opt.json) {
			json = json_begin("replay", source_name(s), snap.time);
			json_add_snapshot(json, &snap);
			json_end(json, &v->ps, v->out);
			continue;
		}
		fprintf(v->out, "%sframe %zu of %zu, at %.3f\n", i ? "\n" : "", i + 1, frames,
			snap.time);
		list_print(v, &snap);
	}
	return STATUS_OK;
}

static enum status run(struct view *v, struct source *s)
{
	struct top t = {
		.view = v, .source = s, .interval = v->opt.interval ?: 1, .errors = true,
	};
	SCREEN *screen;

	if (v->opt.filter)
		snprintf(t.filter, sizeof(t.filter), "%s", v->opt.filter);
	screen = newterm(NULL, stdout, stdin);
	if (!screen) {
		fprintf(stderr, "nebulactl: the terminal \"%s\" is not known: set TERM\n",
			getenv("TERM") ?: "");
		return STATUS_UNAVAILABLE;
	}
	begin_screen(&t);
	if (source_frames(s) > 1)
		go_to(&t, 0);
	else
		look(&t);
	loop(&t);
	endwin();
	delscreen(screen);
	problems_print(&t.ps);
	history_clear(&t.history);
	arena_free(&t.pane_arena);
	arena_free(&t.arena);
	return STATUS_OK;
}

enum status view_top(struct view *v)
{
	if (isatty(STDOUT_FILENO) && isatty(STDIN_FILENO))
		return run(v, v->source);
	fputs("nebulactl: top needs a terminal; nebulactl list prints the same once\n", stderr);
	return STATUS_UNAVAILABLE;
}

enum status view_replay(struct view *v)
{
	struct source *s = source_open(v->opt.args[0]);
	enum status status;

	if (!s)
		return STATUS_UNAVAILABLE;
	if (!v->opt.json && isatty(STDOUT_FILENO) && isatty(STDIN_FILENO))
		status = run(v, s);
	else
		status = print_frames(v, s);
	source_close(s);
	return status;
}
