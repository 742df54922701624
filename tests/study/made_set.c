/* SPDX-License-Identifier: Apache-2.0
 * A data set of made-up texts. */
#include "made_set.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

void made_set_begin(made_set *set, const char *const *labels, size_t n_labels, const int32_t *truth, size_t n,
                    bool restrict_labels)
{
    tb_error err = {0};
    *set = (made_set){.n_labels = n_labels};
    set->labels = calloc(n_labels, sizeof *set->labels);
    for (size_t l = 0; l < n_labels; l++)
        set->labels[l] = tb_strdup(labels[l], &err);
    set->data = (tb_dataset){.name = tb_strdup("made", &err), .n = n, .has_labels = true};
    set->data.rows = calloc(n, sizeof *set->data.rows);
    assert_int_equal(tb_arena_create(0, &set->data.arena, &err), TIMBANG_OK);
    for (size_t i = 0; i < n; i++) {
        char text[40];
        int length = snprintf(text, sizeof text, "text %zu", i);
        set->data.rows[i] = (tb_row){
            .text = tb_arena_strndup(set->data.arena, text, (size_t)length, &err),
            .text_length = (size_t)length,
            .label = set->labels[truth[i]],
            .line = i + 1,
        };
    }
    if (tb_task_make(&set->data, (const char *const *)set->labels, n_labels, restrict_labels, &set->task, &err))
        fail_msg("%s", err.text);
}

void made_set_end(made_set *set)
{
    tb_task_free(&set->task);
    tb_arena_free(set->data.arena);
    free(set->data.rows);
    free(set->data.name);
    for (size_t l = 0; l < set->n_labels; l++)
        free(set->labels[l]);
    free(set->labels);
}
