/* Repeats a finished study from its record and compares logits bit by bit.
 * Includes: base, study/study.h. Called by: api. */
#ifndef TB_STUDY_VERIFY_H
#define TB_STUDY_VERIFY_H

#include "study/study.h"

/* job->options is ignored: it is made from out/results.json. Files are looked for where the record says, relative to
 * the working directory. Nothing is timed; variants are made in a temporary folder that is gone afterwards.
 * *json: as timbang_verify in timbang.h describes it; json_decref. */
timbang_status tb_study_verify(const tb_study_job *job, const char *out, json_t **json, tb_error *err);

#endif
