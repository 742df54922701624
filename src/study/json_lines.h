/* A file of JSON lines, one object at a time; memory is that of the longest line.
 * Includes: base. Called by: study/verify, study/compare_study. */
#ifndef TB_STUDY_JSON_LINES_H
#define TB_STUDY_JSON_LINES_H

#include "base/json.h"
#include "base/text.h"

typedef struct tb_json_lines {
    tb_source *source;
    uint64_t at; /* of the next chunk of the file */
    char *data;
    size_t begin, end, capacity; /* unread bytes */
    uint64_t number;             /* of the last line, from 1 */
    tb_text where;               /* "FILE: line 7", for messages */
} tb_json_lines;

timbang_status tb_json_lines_open(const char *path, tb_json_lines *lines, tb_error *err);
void tb_json_lines_close(tb_json_lines *lines); /* a zeroed one is fine */
/* The next line, to be decref'd; NULL at the end. What is no object is an error that names the line. */
timbang_status tb_json_lines_next(tb_json_lines *lines, json_t **object, tb_error *err);

#endif
