/* The floating-point environment of the contract: round to nearest even, denormals kept, exceptions masked.
 * Includes: nothing of ours. Called by: the pool for its threads, the public interface around each call. */
#ifndef TB_BASE_FP_H
#define TB_BASE_FP_H

#include <stdint.h>

typedef struct tb_fp_state {
    uint64_t control;
} tb_fp_state;

tb_fp_state tb_fp_enter(void);       /* sets the contract's environment; returns the caller's */
void tb_fp_leave(tb_fp_state saved); /* restores it */

#endif
