/* SPDX-License-Identifier: Apache-2.0 */
#include "route/directory_private.h"
#include "record/codes.h"

bool country_known(str cc)
{
	return code_country(cc);
}
