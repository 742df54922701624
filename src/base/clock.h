/* Time and the machine: a monotonic clock in milliseconds, wall time as ISO 8601 text, the processor's name, peak
 * resident memory.
 * Includes: nothing of ours. Called by: progress, eval, study, bench. */
#ifndef TB_BASE_CLOCK_H
#define TB_BASE_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

double tb_now_ms(void);
void tb_wall_time(char out[32]);       /* "2026-01-31T12:00:00Z" */
void tb_cpu_name(char out[128]);       /* as the system gives it, else the architecture */
uint64_t tb_peak_resident_bytes(void); /* of this process, since the last reset that worked; 0 where unknown */
/* The peak starts again from what is resident now (Linux's /proc/self/clear_refs). False where that is impossible: then
 * the peak is that of the whole process so far. */
bool tb_peak_resident_reset(void);

#endif
