/* SPDX-License-Identifier: GPL-2.0-only */
/* What the parser made of a request, as JSON on its stack; NULL when the stack is exhausted. */
#ifndef NEBULA_DEMO_DESCRIBE_H
#define NEBULA_DEMO_DESCRIBE_H

#include "http.h"

const char *describe_request(struct http_request *req);
const char *describe_problem(struct http_request *req, int status);

#endif
