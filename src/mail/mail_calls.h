/* SPDX-License-Identifier: Apache-2.0 */
/* mail_calls.h: the questions that ronda-mail answers (base/calls.h). */
#ifndef RONDA_MAIL_MAIL_CALLS_H
#define RONDA_MAIL_MAIL_CALLS_H

enum mail_call {
	MAIL_COMPOSE = 1, /* letter.h */
	MAIL_PARSE = 2,   /* parse.h */
};

#endif
