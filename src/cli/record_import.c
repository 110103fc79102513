/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/record_private.h"

int record_import_word(struct record_call *k)
{
	return cli_usage(k->c, "import needs a FILE");
}
