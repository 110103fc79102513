/* SPDX-License-Identifier: Apache-2.0 */
/* classes.h: as what a finding is told (classes.def). */
#ifndef RONDA_NOTIFY_CLASSES_H
#define RONDA_NOTIFY_CLASSES_H

#include "base/str.h"

/* "open-dns"; "other" for what has no class of its own. Never NULL. */
const char *class_of(str type, str identifier);
const char *class_at(size_t i); /* NULL behind the last */
bool class_is(str name);
/* Its events hold addresses that infect or cheat who opens them. */
bool class_is_live(str name);
/* "open-dns" of "tell.open-dns"; "" of a template that tells no findings. */
str class_of_template(str template);

#endif
