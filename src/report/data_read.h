/* The parts of reading results.json: each fills its members of the report and leaves the first failure in fields.
 * Includes: base, report/data.h, report/fields.h. Called by: report/data*. */
#ifndef TB_REPORT_DATA_READ_H
#define TB_REPORT_DATA_READ_H

#include "report/data.h"
#include "report/fields.h"

enum { TB_READ_WHERE = 240, TB_READ_MAX_CLASSES = 256, TB_READ_MAX_ITEMS = 1 << 20 };

/* Room for n items of one array of the record, zeroed; NULL only after a failure. */
void *tb_read_room(tb_report *r, tb_fields *f, size_t n, size_t size);
/* An array with its number of items, which is bounded; NULL and 0 after a failure. */
const json_t *tb_read_array(tb_fields *f, const json_t *object, const char *where, const char *key, size_t *n);
/* An array of strings. */
const char **tb_read_strings(tb_report *r, tb_fields *f, const json_t *object, const char *where, const char *key,
                             size_t *n);
/* "WHERE.key" and "WHERE.key[i]" for messages. */
const char *tb_read_inner(char out[TB_READ_WHERE], const char *where, const char *key);
const char *tb_read_item(char out[TB_READ_WHERE], const char *where, const char *key, size_t i);
/* Indices of what the members `model` and `data` of an object name, and of a variant of that model. */
size_t tb_read_model(const tb_report *r, tb_fields *f, const json_t *object, const char *where);
size_t tb_read_set(const tb_report *r, tb_fields *f, const json_t *object, const char *where);
size_t tb_read_variant(const tb_report *r, tb_fields *f, const json_t *object, const char *where, size_t model);
tb_interval tb_read_interval(tb_fields *f, const json_t *object, const char *where, const char *key);

void tb_read_results(tb_report *r, tb_fields *f);                                          /* data_results.c */
void tb_read_against(tb_report *r, tb_fields *f, const json_t *item, const char *where,    /* data_tests.c */
                     tb_report_result *result);                                            /* after its classes */
void tb_read_resident(tb_report *r, tb_fields *f, const json_t *resident, size_t variant); /* data_measured.c */
void tb_read_measured(tb_report *r, tb_fields *f);
void tb_read_flips(tb_report *r, tb_fields *f);  /* data_flips.c */
void tb_read_nulls(tb_report *r, tb_fields *f);  /* data_luck.c */
void tb_read_groups(tb_report *r, tb_fields *f); /* data_luck.c */
/* {mean, sd, values [n]}, and the interval where there is one. (data_luck.c) */
tb_report_spread tb_read_spread(tb_report *r, tb_fields *f, const json_t *item, const char *where, const char *key,
                                size_t n, bool interval);
void tb_read_training(tb_fields *f, const json_t *item, const char *where, tb_report_training *training);
void tb_read_roadmap(tb_report *r, tb_fields *f); /* data_roadmap.c: after models and sets */

#endif
