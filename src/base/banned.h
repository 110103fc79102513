/* SPDX-License-Identifier: Apache-2.0 */
/* banned.h: calls that do not compile here; included before every source by
 * the build. Each has a bounded or checked replacement in base/. */
#ifndef RONDA_BASE_BANNED_H
#define RONDA_BASE_BANNED_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#undef strcpy
#undef strcat
#undef strncpy
#undef strncat
#undef strtok
#undef strtok_r
#undef sprintf
#undef vsprintf
#undef gets
#undef atoi
#undef atol
#undef atoll
#undef gmtime
#undef localtime
#undef ctime
#undef asctime
#undef system
#undef popen
#undef alloca
#undef strdupa
#undef mktemp
#undef tmpnam
#undef rand
#undef srand
#pragma GCC poison strcpy strcat strncpy strncat strtok strtok_r sprintf vsprintf gets atoi atol atoll
#pragma GCC poison gmtime localtime ctime asctime system popen alloca strdupa mktemp tmpnam
/* OpenSSL's headers name arguments so: only the calls are poisoned. */
#define rand() ((struct rand_is_banned_use_random_bytes)0)
#define srand(seed) ((struct srand_is_banned_use_random_bytes)0)

#endif
