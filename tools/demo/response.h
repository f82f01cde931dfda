/* SPDX-License-Identifier: GPL-2.0-only */
/* The answer to a request, ready to be sent. */
#ifndef NEBULA_DEMO_RESPONSE_H
#define NEBULA_DEMO_RESPONSE_H

#include "http.h"

struct nebula_bump;

const char *response_print(struct nebula_bump *answers, struct http_request *req, int status,
			   size_t before);

#endif
