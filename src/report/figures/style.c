/* SPDX-License-Identifier: Apache-2.0
 * The style sheet of the figures: one list of colors gives the page its variables and the files their concrete values,
 * because librsvg knows no variables. Eight label colors (after Tol's light scheme, told apart by the color-blind)
 * carry dark text in both modes. Includes: report/figures/svg.h. Called by: report/figures, report/html. */
#include "report/figures/svg.h"

#include <string.h>

/* name, light, dark */
#define SURFACES(X)                                                                                                    \
    X(page, "#ffffff", "#14171b")                                                                                      \
    X(ink, "#1b1f24", "#e5e7ea")                                                                                       \
    X(soft, "#59626d", "#a2abb5")                                                                                      \
    X(line, "#8b949e", "#6b7580")                                                                                      \
    X(grid, "#e6e9ed", "#2a3037")                                                                                      \
    X(band, "#e9eef4", "#222a33")                                                                                      \
    X(box, "#f5f7f9", "#1d2228")                                                                                       \
    X(accent, "#1f5fa8", "#84b8ef")                                                                                    \
    X(pale, "#a9c5e4", "#3f6187")                                                                                      \
    X(alarm, "#b8480c", "#f29a5e")                                                                                     \
    X(palealarm, "#eab899", "#7d4a2b")                                                                                 \
    X(inside, "#15181c", "#15181c")
#define CATEGORIES(X)                                                                                                  \
    X(k0, "#8fb4dc", "#8fb4dc")                                                                                        \
    X(k1, "#e6d677", "#e6d677")                                                                                        \
    X(k2, "#f2a5ae", "#f2a5ae")                                                                                        \
    X(k3, "#8fcb9e", "#8fcb9e")                                                                                        \
    X(k4, "#a3dff2", "#a3dff2")                                                                                        \
    X(k5, "#d3a0c4", "#d3a0c4")                                                                                        \
    X(k6, "#cbcbcb", "#cbcbcb")                                                                                        \
    X(k7, "#e0b48c", "#e0b48c")
#define SHADES(X)                                                                                                      \
    X(s0, "#d3e2f1", "#22405e")                                                                                        \
    X(s1, "#a6c7e3", "#32618d")                                                                                        \
    X(s2, "#6fa3d0", "#4d87bf")                                                                                        \
    X(s3, "#3a7ab8", "#80b1e1")                                                                                        \
    X(s4, "#134b86", "#c8e0fa")

#define LIGHT(name, light, dark) "--f-" #name ":" light ";"
#define DARK(name, light, dark)  "--f-" #name ":" dark ";"
#define FILL(name, light, dark)  ".tbf .f-" #name "{fill:var(--f-" #name ")}"

const char *const tb_figure_style[] = {
    ".tbf{" SURFACES(LIGHT) CATEGORIES(LIGHT) SHADES(LIGHT) "display:block;height:auto}",
    "@media screen and (prefers-color-scheme:dark){.tbf{" SURFACES(DARK) CATEGORIES(DARK) SHADES(DARK) "}}",
    CATEGORIES(FILL) SHADES(FILL),
    /* Text */
    ".tbf text{font-family:Helvetica,Arial,\"Liberation Sans\",\"Noto Sans\",sans-serif;font-weight:400;"
    "fill:var(--f-ink)}"
    ".tbf .f-name{font-size:13px}.tbf .f-strong{font-size:13px;font-weight:700}"
    ".tbf .f-value{font-size:12px;font-variant-numeric:tabular-nums}"
    ".tbf .f-soft{font-size:12px;fill:var(--f-soft)}"
    ".tbf .f-tick{font-size:11px;fill:var(--f-soft);font-variant-numeric:tabular-nums}"
    ".tbf .f-inside{font-size:11px;fill:var(--f-inside);font-variant-numeric:tabular-nums}",
    /* Lines */
    ".tbf line,.tbf path{fill:none}"
    ".tbf .f-grid{stroke:var(--f-grid);stroke-width:1}.tbf .f-axis{stroke:var(--f-line);stroke-width:1}"
    ".tbf .f-zero{stroke:var(--f-ink);stroke-width:1}"
    ".tbf .f-ref{stroke:var(--f-soft);stroke-width:1.2}"
    ".tbf .f-base{stroke:var(--f-soft);stroke-width:1.2;stroke-dasharray:3 3}"
    ".tbf .f-thin{stroke:var(--f-accent);stroke-width:1.5}"
    ".tbf .f-thick{stroke:var(--f-pale);stroke-width:6}"
    ".tbf .f-thin-alarm{stroke:var(--f-alarm);stroke-width:1.5}"
    ".tbf .f-thick-alarm{stroke:var(--f-palealarm);stroke-width:6}"
    ".tbf .f-mark{stroke:var(--f-inside);stroke-width:1.2;stroke-dasharray:2 2}"
    ".tbf .f-flow{stroke:var(--f-line);stroke-width:1.5}",
    /* Areas and marks */
    ".tbf .f-page{fill:var(--f-page)}"
    ".tbf .f-band{fill:var(--f-band)}"
    ".tbf .f-box{fill:var(--f-box);stroke:var(--f-line);stroke-width:1}"
    ".tbf .f-frame{fill:none;stroke:var(--f-grid);stroke-width:1}"
    ".tbf .f-dot{fill:var(--f-accent)}.tbf .f-dot-alarm{fill:var(--f-alarm)}"
    ".tbf .f-dot-ref{fill:var(--f-soft)}.tbf .f-tip{fill:var(--f-line)}"
    ".tbf .f-hollow{fill:var(--f-page);stroke:var(--f-accent);stroke-width:1.5}"
    ".tbf .f-hollow-alarm{fill:var(--f-page);stroke:var(--f-alarm);stroke-width:1.5}"
    ".tbf .f-bar{fill:var(--f-pale)}.tbf .f-bar-alarm{fill:var(--f-palealarm)}.tbf .f-bar-ref{fill:var(--f-grid)}"
    ".tbf .f-gap{stroke:var(--f-page);stroke-width:1}.tbf .f-mid{stroke:var(--f-ink);stroke-width:2}"
    ".tbf .f-ring{stroke:var(--f-ink);stroke-width:.8}",
    NULL,
};

static const struct {
    const char *name, *light, *dark;
} palette[] = {
#define ENTRY(name, light, dark) {#name, light, dark},
    SURFACES(ENTRY) CATEGORIES(ENTRY) SHADES(ENTRY)};

static const char *color_of(const char *name, size_t length, bool dark)
{
    for (size_t i = 0; i < sizeof palette / sizeof palette[0]; i++)
        if (strlen(palette[i].name) == length && memcmp(palette[i].name, name, length) == 0)
            return dark ? palette[i].dark : palette[i].light;
    return "#808080";
}

enum { FIRST_RULE = 2 }; /* the pieces before it define the variables */

static void put_rules(tb_text *out, bool dark)
{
    static const char open[] = "var(--f-";
    for (size_t i = FIRST_RULE; tb_figure_style[i]; i++) {
        const char *at = tb_figure_style[i];
        for (const char *next; (next = strstr(at, open)); at = strchr(next, ')') + 1) {
            const char *name = next + sizeof open - 1;
            tb_text_append(out, at, (size_t)(next - at));
            tb_text_puts(out, color_of(name, strcspn(name, ")"), dark));
        }
        tb_text_puts(out, at);
        tb_text_putc(out, '\n');
    }
}

void tb_figure_put_style(tb_text *out, bool dark_too)
{
    tb_text_puts(out, "<style>\n");
    put_rules(out, false);
    if (dark_too) {
        tb_text_puts(out, "@media (prefers-color-scheme:dark){\n");
        put_rules(out, true);
        tb_text_puts(out, "}\n");
    }
    tb_text_puts(out, "</style>\n");
}

const char *tb_svg_color(size_t i)
{
    static const char *const names[TB_SVG_COLORS] = {"f-k0", "f-k1", "f-k2", "f-k3", "f-k4", "f-k5", "f-k6", "f-k7"};
    return names[i % TB_SVG_COLORS];
}

const char *tb_svg_shade(size_t i)
{
    static const char *const names[TB_SVG_SHADES] = {"f-s0", "f-s1", "f-s2", "f-s3", "f-s4"};
    return names[i < TB_SVG_SHADES ? i : TB_SVG_SHADES - 1];
}
