/* A tb_report made of round numbers, without a record: as many models, sets, variants and classes as asked. */
#ifndef TB_TESTS_FAKE_REPORT_H
#define TB_TESTS_FAKE_REPORT_H

#include "report/data.h"

typedef struct fake_shape {
    size_t models, sets, variants, classes, null_models;
    bool no_fp32;      /* the variants begin with fp16: nothing is compared */
    bool no_timings;   /* all latencies are NaN */
    bool no_bootstrap; /* and so no intervals from it */
    bool groups;       /* the models are seeds of one recipe */
    bool untrained;    /* the last model's head */
    const char *names; /* put before every name, or NULL */
    double spread;     /* of the accuracies; 0: all variants alike */
    uint64_t rows;
    tb_report_lang lang;
} fake_shape;

/* Free with fake_report_free. */
tb_report *fake_report(const fake_shape *shape);
void fake_report_free(tb_report *report);

#endif
