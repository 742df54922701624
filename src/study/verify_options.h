/* The options of a study from its results.json. Includes: base. Called by: study/verify. */
#ifndef TB_STUDY_VERIFY_OPTIONS_H
#define TB_STUDY_VERIFY_OPTIONS_H

#include "base/json.h"

typedef struct tb_recorded_options {
    timbang_study_options options;
    json_t *root; /* results.json; all strings are its own */
    timbang_named_path *models, *data;
    const char **variants, **labels;
} tb_recorded_options;

/* file: out/results.json, for messages. A study with --anonymous, or one that read standard input, cannot be repeated.
 */
timbang_status tb_recorded_options_read(const char *file, tb_recorded_options *recorded, tb_error *err);
void tb_recorded_options_free(tb_recorded_options *recorded); /* a zeroed one is fine */

#endif
