/* SPDX-License-Identifier: Apache-2.0
 * Runs AMX instructions on CPUs that have none: each raises an illegal-instruction signal, whose handler decodes and
 * emulates it, and checks what the processor would check. So the AMX level's own machine code is tested everywhere.
 * Called by: test_amx.c. */
#ifndef TB_TEST_AMX_TRAPS_H
#define TB_TEST_AMX_TRAPS_H

#include <stdbool.h>
#include <stddef.h>

/* Until somebody else sets a handler. False where signals cannot be handled so. */
bool amx_traps_install(void);
/* Instructions emulated so far. */
size_t amx_traps_count(void);
/* Whether tiles are configured now: nobody may leave them so. */
bool amx_traps_configured(void);
/* What the processor would have refused, or NULL. */
const char *amx_traps_error(void);

#endif
