/* SPDX-License-Identifier: Apache-2.0
 * A program that loads no libraries (a static one) writes no PDF.
 * Includes: report/figures/svg.h. Called by: report/figures/write.c. */
#include "report/figures/svg.h"

timbang_status tb_pdf_open(tb_pdf **pdf, tb_error *err)
{
    (void)err;
    *pdf = NULL;
    return TIMBANG_OK;
}

void tb_pdf_close(tb_pdf *pdf)
{
    (void)pdf;
}

timbang_status tb_pdf_write(const tb_pdf *pdf, const tb_text *svg, const tb_pdf_page *page, const char *path,
                            tb_error *err)
{
    (void)pdf, (void)svg, (void)page;
    return tb_fail(err, TIMBANG_INTERNAL, "%s: this build writes no PDF", path);
}
