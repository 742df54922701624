/* SPDX-License-Identifier: Apache-2.0
 * The style sheet of report.html; the drawings bring their own (report/figures.h). Pieces, because C promises no longer
 * string than 4095 characters. Includes: report/html.h. Called by: report/html. */
#include "report/html.h"

const char *const tb_html_style[] = {
    /* Colors: the same surfaces as the drawings have. */
    ":root{color-scheme:light dark;--page:#fff;--ink:#1b1f24;--soft:#59626d;--line:#d9dee3;--row:#f5f7f9;"
    "--accent:#1f5fa8;--warn:#9a3d06;--warn-page:#fdf4e7;--warn-line:#d98a3d;--shade:rgba(0,0,0,.16)}"
    "@media screen and (prefers-color-scheme:dark){:root{--page:#14171b;--ink:#e5e7ea;--soft:#a2abb5;--line:#343b43;"
    "--row:#1d2228;--accent:#84b8ef;--warn:#f29a5e;--warn-page:#271f16;--warn-line:#a5642b;--shade:rgba(255,255,255,.2)"
    "}}",
    /* Type and page */
    "*{box-sizing:border-box}html{scroll-padding-top:1rem}body{margin:0;background:var(--page);color:var(--ink);"
    "font:1rem/1.55 system-ui,-apple-system,'Segoe UI',Roboto,'Noto Sans',sans-serif;overflow-wrap:break-word}"
    "main,header,footer{max-width:80rem;margin:0 auto;padding:0 clamp(1rem,4vw,2.5rem)}main:focus{outline:0}"
    "header{padding-top:2.5rem}h1{font-size:clamp(1.6rem,5vw,2.2rem);line-height:1.15;margin:0 0 "
    ".4rem;letter-spacing:-.015em}"
    "h2{font-size:1.45rem;line-height:1.25;margin:3.5rem 0 .6rem;padding-top:1.1rem;border-top:2px solid var(--ink)}"
    "h2 small{font-size:.95rem;font-weight:400;color:var(--soft)}"
    "h3{font-size:1.1rem;margin:2.2rem 0 .5rem}h4{font-size:1rem;margin:1.2rem 0 .3rem}p{margin:.55rem "
    "0;max-width:46rem}"
    ".soft,figcaption,caption,.facts dt,.model{color:var(--soft)}.soft,figcaption{font-size:.9rem}"
    "a{color:var(--accent)}code{font:.88em ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;overflow-wrap:anywhere}"
    "pre{margin:.5rem 0 .2rem;overflow-x:auto}pre code{overflow-wrap:normal}ul{padding-left:1.2rem;max-width:54rem}"
    "li{margin:.45rem 0}:focus-visible{outline:2px solid var(--accent);outline-offset:2px}"
    ".skip{position:absolute;left:-99rem}.skip:focus{left:1rem;top:.5rem;background:var(--page);padding:.3rem .6rem}"
    "nav ul{display:flex;flex-wrap:wrap;gap:.2rem 1.3rem;list-style:none;padding:.6rem 0;margin:.8rem 0 0;"
    "max-width:none;border-top:1px solid var(--line)}nav li{margin:0}"
    ".lead{font-size:1.15rem;line-height:1.5}.mark,td.low{color:var(--warn);font-weight:600}"
    ".note{background:var(--warn-page);border-left:3px solid var(--warn-line);padding:.5rem .9rem;margin:.8rem 0;"
    "max-width:54rem;font-size:.95rem}.note p,.note ul{margin:.2rem 0}.note li{margin:.15rem 0}"
    ".answer{margin:1.6rem 0}.answer h3{margin:0 0 .2rem}",
    /* Tables: they scroll inside their own box, the first column stays. */
    ".scroll{overflow-x:auto;margin:.6rem 0 1.2rem;max-width:max-content;"
    /* a shade at the right edge while there is more to the right */
    "background:linear-gradient(to left,var(--page) 1.2rem,transparent) right/2.4rem 100% no-repeat local,"
    "linear-gradient(to left,var(--shade),transparent) right 1px top 0/.7rem 100% no-repeat scroll}"
    "table{border-collapse:collapse;font-size:.88rem;font-variant-numeric:tabular-nums;white-space:nowrap}"
    "caption{text-align:left;font-size:.9rem;padding-bottom:.35rem}caption>span{position:sticky;left:0;"
    "display:inline-block;max-width:min(46rem,calc(100vw - 3rem));white-space:normal}"
    "th,td{padding:.28rem .55rem;text-align:right;vertical-align:baseline}"
    "thead th{color:var(--soft);font-weight:500;border-bottom:1px solid var(--soft);vertical-align:bottom}"
    "tbody tr:last-child>*{border-bottom:1px solid var(--soft)}"
    "th[scope=row],thead th:first-child{text-align:left;font-weight:500;position:sticky;left:0;background:var(--page);"
    "max-width:16rem;overflow:hidden;text-overflow:ellipsis}th:first-child{padding-left:0}"
    "tr.group th{text-align:left;font-weight:600;padding:.75rem .65rem .2rem 0}"
    "tr.group th>span{position:sticky;left:0}tr+tr.group th{border-top:1px solid var(--line)}"
    "tr.base>*{color:var(--soft);font-weight:400}"
    "tbody tr:not(.group):hover td{background:var(--row)}th.said,td.said{text-align:left}.model{font-weight:400}"
    /* Flipped texts: one body of rows each. */
    ".flips tbody tr.group th{white-space:normal;font-weight:400;padding-top:.9rem;border-top:1px solid var(--line)}"
    ".flips tbody tr:last-child>*{border-bottom:0}.flips .text{display:inline-block;"
    "max-width:min(50rem,calc(100vw - 3rem))}.flips tr.flip td.said,.flips tr.flip th{font-weight:650}",
    /* Figures: side by side where there is room; a narrow screen scrolls them in their box. */
    "figure{margin:1rem 0 1.6rem}figcaption{margin-top:.5rem;max-width:46rem}.drawing{overflow-x:auto}"
    ".drawing>svg{min-width:21rem}"
    ".pair{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,27rem),1fr));gap:0 2.5rem}"
    ".pair>*{min-width:0}",
    /* Confusion matrices, folded parts, facts */
    ".matrices{display:flex;flex-wrap:wrap;gap:0 2.2rem}.matrices .scroll{min-width:0}"
    ".matrices caption{white-space:normal;font-weight:600;color:var(--ink)}.matrices td{min-width:3rem}.matrices "
    "td.hit{font-weight:650}"
    ".matrices th[scope=row]{position:static;color:var(--soft)}.matrices thead th:first-child{font-size:.85em}"
    "details{margin:.7rem 0}summary{cursor:pointer;color:var(--accent);padding:.2rem 0;font-weight:500}"
    ".facts{display:grid;grid-template-columns:minmax(10rem,max-content) minmax(0,1fr);gap:.2rem 1.2rem;margin:.4rem 0 "
    "1.2rem;font-size:.94rem}.facts dd{margin:0}"
    "footer{margin-top:4rem;padding-bottom:3rem;color:var(--soft);font-size:.88rem}"
    "@media(max-width:38rem){.facts{grid-template-columns:minmax(0,1fr)}.facts dd{margin-bottom:.5rem}"
    "th[scope=row],thead th:first-child{max-width:9.5rem}th,td{padding:.3rem .5rem}}",
    /* Paper: everything unfolded but long lists of texts, tables as wide as they are but smaller. */
    "@page{margin:14mm}@media print{:root{color-scheme:light}html{font-size:9.5pt}nav,.skip{display:none}"
    "header,main,footer{max-width:none;padding:0}header{padding-top:0}h2{margin-top:1.6rem}"
    "h2,h3,h4,summary,caption,thead{break-after:avoid}figure,tr,.note,.answer li,.scroll,.flips "
    "tbody{break-inside:avoid}"
    ".scroll,.drawing{overflow:visible;background:none}.pair{display:block}.flips .scroll{break-inside:auto}"
    "table{font-size:6.6pt}th,td{padding:.14rem .34rem}th[scope=row],caption>span,tr.group th>span{position:static}"
    "caption>span,.flips .text{max-width:100%}.flips table{font-size:7.5pt}"
    "summary{list-style:none;color:var(--ink);font-weight:600}"
    "details:not(.flips)::details-content{content-visibility:visible;display:block;block-size:auto;opacity:1}}",
    NULL,
};
