/* SPDX-License-Identifier: Apache-2.0
 * Would another order of a model's labels fit the data far better? The best assignment by the Hungarian method.
 * Includes: eval/metrics.h. Called by: study. */
#include "eval/metrics.h"

/* Minimum-cost assignment of n columns to n rows, O(n^3), by shortest augmenting paths (Kuhn 1955; Jonker and
 * Volgenant 1987). cost of row i and column j is -confusion[i][j]. Index 0 of the arrays is a sentinel. On return
 * row_of[j] is the row of column j - 1, from 1. */
static void assign(const size_t *confusion, size_t n, size_t row_of[TB_MAX_CLASSES + 1])
{
    double row_potential[TB_MAX_CLASSES + 1] = {0}, column_potential[TB_MAX_CLASSES + 1] = {0};
    size_t previous[TB_MAX_CLASSES + 1] = {0};
    for (size_t j = 0; j <= n; j++)
        row_of[j] = 0;
    for (size_t i = 1; i <= n; i++) {
        double shortest[TB_MAX_CLASSES + 1];
        bool done[TB_MAX_CLASSES + 1] = {false};
        for (size_t j = 0; j <= n; j++)
            shortest[j] = 1e300;
        row_of[0] = i;
        size_t column = 0;
        do {
            done[column] = true;
            size_t row = row_of[column], next = 0;
            double step = 1e300;
            for (size_t j = 1; j <= n; j++) {
                if (done[j])
                    continue;
                double cost = -(double)confusion[(row - 1) * n + j - 1];
                double length = cost - row_potential[row] - column_potential[j];
                if (length < shortest[j]) {
                    shortest[j] = length;
                    previous[j] = column;
                }
                if (shortest[j] < step) {
                    step = shortest[j];
                    next = j;
                }
            }
            for (size_t j = 0; j <= n; j++) {
                if (done[j]) {
                    row_potential[row_of[j]] += step;
                    column_potential[j] -= step;
                } else {
                    shortest[j] -= step;
                }
            }
            column = next;
        } while (row_of[column] != 0);
        while (column != 0) {
            row_of[column] = row_of[previous[column]];
            column = previous[column];
        }
    }
}

bool tb_better_label_order(const size_t *confusion, size_t n_classes, size_t *order, double *accuracy)
{
    if (n_classes < 2 || n_classes > TB_MAX_CLASSES)
        return false;
    size_t row_of[TB_MAX_CLASSES + 1];
    assign(confusion, n_classes, row_of);

    size_t total = 0, gained = 0, lost = 0, right = 0;
    for (size_t j = 0; j < n_classes; j++) {
        size_t row = row_of[j + 1] - 1;
        for (size_t i = 0; i < n_classes; i++)
            total += confusion[i * n_classes + j];
        right += confusion[row * n_classes + j];
        if (row != j) {
            gained += confusion[row * n_classes + j];
            lost += confusion[j * n_classes + j];
        }
    }
    if (total == 0 || gained <= lost || (double)(gained - lost) <= 0.2 * (double)total)
        return false;
    if (!(tb_binomial_two_sided_half(lost, gained + lost) < 1e-6))
        return false;
    for (size_t j = 0; j < n_classes; j++)
        order[j] = row_of[j + 1] - 1;
    *accuracy = (double)right / (double)total;
    return true;
}
