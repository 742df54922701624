/* SPDX-License-Identifier: Apache-2.0
 * The style sheet of report.html. Pieces, because C promises no longer string than 4095 characters.
 * Includes: report/html.h. Called by: report/html. */
#include "report/html.h"

const char *const tb_html_style[] = {
    /* Colors. The eight label colors carry dark text in both modes. */
    ":root{color-scheme:light "
    "dark;--page:#fcfcfa;--card:#fff;--ink:#1b1f24;--soft:#59626d;--line:#dadee3;--grid:#e6e9ed;"
    "--accent:#1f5fa8;--warn:#8a4b00;--warn-page:#fdf3e1;"
    "--k0:#8fb4dc;--k1:#e6d677;--k2:#f2a5ae;--k3:#8fcb9e;--k4:#a3dff2;--k5:#d3a0c4;--k6:#cbcbcb;--k7:#e0b48c}"
    "@media(prefers-color-scheme:dark){:root{--page:#14171b;--card:#1a1e23;--ink:#e5e7ea;--soft:#a2abb5;--line:#343b43;"
    "--grid:#2a3037;--accent:#84b8ef;--warn:#f0b860;--warn-page:#2c2416}}",
    /* Type and page. */
    "*{box-sizing:border-box}body{margin:0;background:var(--page);color:var(--ink);"
    "font:1rem/1.55 system-ui,-apple-system,'Segoe UI',Roboto,'Noto Sans',sans-serif;overflow-wrap:break-word}"
    "main,header,footer{max-width:76rem;margin:0 auto;padding:0 clamp(1rem,4vw,2.5rem)}"
    "header{padding-top:2.5rem}h1{font-size:1.9rem;line-height:1.2;margin:0 0 .3rem;letter-spacing:-.01em}"
    "h2{font-size:1.35rem;line-height:1.3;margin:3rem 0 .4rem;padding-top:1rem;border-top:1px solid var(--line)}"
    "h3{font-size:1.05rem;margin:2rem 0 .5rem}p{margin:.5rem 0;max-width:44rem}"
    ".soft,figcaption,.facts dt{color:var(--soft)}.soft,figcaption{font-size:.9rem}"
    "a{color:var(--accent)}code{font:.86em ui-monospace,SFMono-Regular,Menlo,monospace;overflow-wrap:anywhere}"
    "ul{padding-left:1.2rem;max-width:52rem}li{margin:.3rem 0}"
    ".note{background:var(--warn-page);border-left:3px solid var(--warn);padding:.45rem .8rem;margin:.5rem 0;"
    "max-width:52rem;font-size:.94rem}.note b{color:var(--warn)}"
    ".lead{font-size:1.06rem}.lead li{margin:.55rem 0}.mark{color:var(--warn);font-weight:600}",
    /* Tables: they scroll inside their own box, the first column stays. */
    ".scroll{overflow-x:auto;margin:.6rem 0 1rem;-webkit-overflow-scrolling:touch}"
    "table{border-collapse:collapse;font-size:.92rem;font-variant-numeric:tabular-nums;white-space:nowrap}"
    "th,td{padding:.32rem .7rem;text-align:right;vertical-align:baseline}"
    "thead th{color:var(--soft);font-weight:500;border-bottom:1px solid var(--line);vertical-align:bottom}"
    "th[scope=row],thead th:first-child{text-align:left;font-weight:500;position:sticky;left:0;background:var(--page);"
    "max-width:16rem;overflow:hidden;text-overflow:ellipsis}th:first-child{padding-left:0}"
    "tr.group th{text-align:left;font-weight:600;padding:.75rem .7rem .2rem 0}"
    "tr.group th>span{position:sticky;left:0}tr+tr.group th{border-top:1px solid var(--line)}"
    "tbody tr:not(.group):hover td{background:var(--card)}"
    ".model{color:var(--soft);font-weight:400}td.low{color:var(--warn);font-weight:600}",
    /* Figures: rows of label, strip, value; text keeps its size at any width. */
    "figure{margin:1rem 0 1.4rem}figcaption{margin-bottom:.5rem;max-width:52rem}"
    ".rows{display:grid;grid-template-columns:minmax(6rem,max-content) minmax(8rem,1fr) max-content;column-gap:1rem;"
    "grid-auto-flow:dense;align-items:center;font-size:.92rem;font-variant-numeric:tabular-nums}"
    ".rows>.name{grid-column:1;max-width:18rem;overflow:hidden;text-overflow:ellipsis;white-space:nowrap}"
    ".rows>.strip{grid-column:2}.rows>.value{grid-column:3;white-space:nowrap;text-align:right}.rows "
    "svg{display:block;width:100%;overflow:visible}"
    ".rows>.gap{grid-column:1/-1;height:.3rem}.rows>.group{grid-column:1/-1;font-weight:600;padding-top:.55rem}"
    "svg text{fill:var(--soft);font-size:12px}svg .in{fill:#15181c;font-size:12px}"
    ".grid{stroke:var(--grid)}.base{stroke:var(--soft);stroke-dasharray:3 3}.ref{stroke:var(--accent);opacity:.55}"
    ".bar{stroke:var(--accent);stroke-width:3;stroke-linecap:round;opacity:.45}.dot{fill:var(--accent)}"
    ".k0{fill:var(--k0);background:var(--k0)}.k1{fill:var(--k1);background:var(--k1)}"
    ".k2{fill:var(--k2);background:var(--k2)}.k3{fill:var(--k3);background:var(--k3)}"
    ".k4{fill:var(--k4);background:var(--k4)}.k5{fill:var(--k5);background:var(--k5)}"
    ".k6{fill:var(--k6);background:var(--k6)}.k7{fill:var(--k7);background:var(--k7)}"
    ".legend{display:flex;flex-wrap:wrap;gap:.2rem 1.1rem;font-size:.9rem;margin:.2rem 0 .6rem}"
    ".legend "
    "i{display:inline-block;width:.85em;height:.85em;border-radius:2px;margin-right:.4em;vertical-align:-.08em}",
    /* Confusion matrices, folded parts, facts. */
    ".matrices{display:flex;flex-wrap:wrap;gap:1rem 2rem}.matrices table{margin:0}"
    ".matrices caption{text-align:left;font-weight:500;padding-bottom:.2rem;white-space:normal}"
    ".matrices td{min-width:3rem}.matrices td.hit{font-weight:650}"
    ".matrices th[scope=row]{position:static;color:var(--soft)}"
    "details{margin:.6rem 0}summary{cursor:pointer;color:var(--accent);padding:.15rem 0}"
    ".facts{display:grid;grid-template-columns:max-content minmax(0,1fr);gap:.2rem 1.2rem;margin:.4rem 0 1.4rem;"
    "font-size:.94rem}.facts dd{margin:0}footer{margin-top:4rem;padding-bottom:3rem;color:var(--soft);font-size:.88rem}"
    "@media(max-width:38rem){.rows{grid-template-columns:minmax(0,1fr) max-content}"
    ".rows>.name{max-width:none}.rows>.strip{grid-column:1/-1;margin-bottom:.35rem}.rows>.value{grid-column:2}"
    ".facts{grid-template-columns:minmax(0,1fr)}"
    ".facts dd{margin-bottom:.5rem}th[scope=row],thead th:first-child{max-width:9.5rem}}"
    "@media print{body{font-size:10pt}h2{break-after:avoid}figure,table{break-inside:avoid}.scroll{overflow:visible}}",
    NULL,
};
