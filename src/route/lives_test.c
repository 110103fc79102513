/* SPDX-License-Identifier: Apache-2.0 */
#include "record/outbox.h"
#include "route/findings_world.h"
#include "route/lives.h"
int main(void) { return 0; }
