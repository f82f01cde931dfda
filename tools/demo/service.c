// SPDX-License-Identifier: GPL-2.0-only
/*
 * The service: takes a request, keeps the answer until the next one.
 *
 * Two arenas and a stack, made once. Everything that a request leads to lives in the first, between
 * a checkpoint and the rewind to it: there is no other cleanup, on no path. The second holds the
 * latest answer. What is needed only to decode or to print something lies on the stack, in the
 * frame of the function that does it, see field.c. All have one owner at a time; here that is the
 * task that holds the mutex.
 */
#include <linux/err.h>
#include <linux/errno.h>
#include <linux/mutex.h>
#include <linux/seq_file.h>
#include <linux/uaccess.h>

#include <nebula/nebula.h>

#include "http.h"
#include "response.h"
#include "service.h"
#include "tenant.h"
#include "text.h"

#define EXHAUST_BLOCK	SZ_4K

#define FRAMES		3
#define FRAME_BLOCK	SZ_8K

/* Room for the parts of an answer, and for its first line. */
#define ANSWER_ARENA	(HTTP_STACK + SZ_4K)

static DEFINE_MUTEX(service_lock);
static struct nebula_bump *arena;	/* guarded by service_lock */
static struct nebula_stack *stack;	/* guarded by service_lock */
static struct nebula_bump *answers;	/* guarded by service_lock */
static const char *answer;		/* in @answers; NULL before the first */

/* What could not be made is an ERR_PTR(), which destroy does not mind. */
int service_init(enum nebula_preset preset)
{
	struct nebula_budget *budget;
	int err = tenant_init();

	if (err)
		return err;
	budget = tenant_all();
	arena = nebula_bump_create("request", .capacity = HTTP_ARENA, .budget = budget);
	stack = nebula_stack_create("frames", .capacity = HTTP_STACK, .preset = preset,
				    .budget = budget);
	answers = nebula_bump_create("answer", .capacity = ANSWER_ARENA, .budget = budget);
	err = PTR_ERR_OR_ZERO(arena) ?: PTR_ERR_OR_ZERO(stack) ?: PTR_ERR_OR_ZERO(answers);
	if (err)
		service_exit();
	return err;
}

void service_exit(void)
{
	nebula_bump_destroy(answers);
	nebula_stack_destroy(stack);
	nebula_bump_destroy(arena);
	tenant_exit();
}

/* The latest answer ends here, so its string is not shown any more. */
static void forget_answer(void)
{
	answer = NULL;
	nebula_bump_reset(answers);
}

/* The only copy of the request's text; the parser cuts its spans out of it. */
static int copy_request(struct http_request *req, const char __user *text, struct span *copy)
{
	char *kernel_text = nebula_bump_alloc(req->arena, req->size, 1);

	if (!kernel_text)
		return -ENOMEM;
	if (copy_from_user(kernel_text, text, req->size))
		return -EFAULT;
	*copy = (struct span){ kernel_text, kernel_text + req->size };
	return 0;
}

/* The tenant that the request is for is charged while it is served. */
static int serve_tenant(struct http_request *req)
{
	struct nebula_budget *tenant = tenant_enter(req->host, req->size);
	int status;

	if (IS_ERR(tenant))
		return PTR_ERR(tenant);
	status = http_route(req);
	tenant_leave(tenant, req->size);
	return status;
}

static int parse_and_route(struct http_request *req, struct span text)
{
	int status = http_request_parse(req, text);

	return status ? status : serve_tenant(req);
}

static int answer_request(const char __user *user_text, size_t size)
{
	size_t before = nebula_bump_used(arena);
	struct http_request *req;
	struct span text;
	int status;

	req = http_request_create(arena, stack);
	if (!req)
		return -ENOMEM;
	req->size = size;
	if (size > HTTP_MAX_REQUEST) {
		status = http_refuse(req, HTTP_CONTENT_TOO_LARGE,
				     "the request is over 32 KiB (RFC 9110 15.5.14)");
	} else {
		status = copy_request(req, user_text, &text);
		if (status)
			return status;
		status = parse_and_route(req, text);
		if (status < 0)
			return status;
	}
	forget_answer();
	answer = response_print(answers, req, status, before);
	return answer ? 0 : -ENOMEM;
}

/* Returns 0 when there is an answer, whatever its status. */
int service_request(const char __user *text, size_t size)
{
	struct nebula_checkpoint start;
	int err, rewind_err;

	if (mutex_lock_interruptible(&service_lock))
		return -ERESTARTSYS;
	/* Whatever a bug has left there, a request begins with an empty stack. */
	nebula_stack_reset(stack);
	start = nebula_bump_checkpoint(arena);
	err = answer_request(text, size);
	rewind_err = nebula_bump_restore(arena, start);
	mutex_unlock(&service_lock);
	return err ?: rewind_err;
}

static unsigned int fill_arena(void)
{
	unsigned int blocks = 0;

	while (nebula_bump_alloc(arena, EXHAUST_BLOCK, sizeof(long)))
		blocks++;
	return blocks;
}

static const char *print_exhaustion(unsigned int blocks, size_t full, bool usable)
{
	struct nebula_error error = {};
	struct text t = TEXT(stack);

	guard(nebula_stack)(stack);
	nebula_last_error(arena, &error);
	text_printf(&t, "exhausted: NULL after %u blocks of %u bytes, %zu of %zu bytes used\n",
		    blocks, EXHAUST_BLOCK, full, nebula_bump_capacity(arena));
	text_printf(&t, "recorded:  %s (%pe)\n", nebula_errc_name(error.code),
		    ERR_PTR(nebula_errc_to_errno(error.code)));
	text_printf(&t, "rewound:   %zu bytes used\n", nebula_bump_used(arena));
	text_printf(&t, "usable:    %s, %zu bytes in one piece\n", usable ? "yes" : "no", full);
	return text_keep(&t, answers);
}

/* Allocates until there is nothing left, rewinds, and takes as much once more in one piece. */
int service_exhaust(void)
{
	struct nebula_checkpoint start;
	unsigned int blocks;
	bool usable;
	size_t full;
	int err;

	if (mutex_lock_interruptible(&service_lock))
		return -ERESTARTSYS;
	start = nebula_bump_checkpoint(arena);
	blocks = fill_arena();
	full = nebula_bump_used(arena);
	err = nebula_bump_restore(arena, start);
	usable = nebula_bump_alloc(arena, full, 1);
	err = err ?: nebula_bump_restore(arena, start);

	forget_answer();
	answer = print_exhaustion(blocks, full, usable);
	mutex_unlock(&service_lock);
	return err;
}

static const char *print_refusal(int err, size_t before)
{
	struct nebula_error error = {};
	struct text t = TEXT(stack);

	guard(nebula_stack)(stack);
	nebula_last_error(stack, &error);
	text_printf(&t, "freed:     the middle one of %u objects: %pe\n", FRAMES, ERR_PTR(err));
	text_printf(&t, "recorded:  %s\n", nebula_errc_name(error.code));
	text_printf(&t, "used:      %zu bytes before and %zu after\n", before, error.used);
	return text_keep(&t, answers);
}

/*
 * A bug to be shown: of frames that lie in each other the middle one's object is freed first. They
 * are left as they are, to be looked at, until the next request resets the stack.
 */
int service_free_middle(void)
{
	void *objects[FRAMES];
	unsigned int i;
	size_t before;
	int err;

	if (mutex_lock_interruptible(&service_lock))
		return -ERESTARTSYS;
	nebula_stack_reset(stack);
	for (i = 0; i < FRAMES; i++) {
		nebula_stack_mark(stack);
		objects[i] = nebula_stack_alloc(stack, FRAME_BLOCK << i, sizeof(long));
	}
	before = nebula_stack_used(stack);
	err = nebula_stack_free(stack, objects[FRAMES / 2]);

	forget_answer();
	answer = print_refusal(err, before);
	mutex_unlock(&service_lock);
	return answer ? 0 : -ENOMEM;
}

int service_show(struct seq_file *m)
{
	if (mutex_lock_interruptible(&service_lock))
		return -ERESTARTSYS;
	if (answer)
		seq_puts(m, answer);
	mutex_unlock(&service_lock);
	return 0;
}
