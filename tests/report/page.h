/* What every report.html must be: well-formed, ids and what names them, headings, tables, nothing from the network. */
#ifndef TB_TESTS_REPORT_PAGE_H
#define TB_TESTS_REPORT_PAGE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* strstr for loops over a whole page: sanitizers measure both strings at every call of that. */
static inline const char *find(const char *at, const char *text)
{
    size_t n = strlen(text);
    for (; *at; at++)
        if (*at == text[0] && strncmp(at, text, n) == 0)
            return at;
    return NULL;
}

static inline void must_say(const char *page, const char *const *texts)
{
    for (size_t i = 0; texts[i]; i++)
        if (!strstr(page, texts[i]))
            fail_msg("the page does not say: %s", texts[i]);
}

static inline bool is_void(const char *name)
{
    static const char *const names[] = {"meta", "br", "line", "rect", "circle", "path", "polygon", "use"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strcmp(name, names[i]) == 0)
            return true;
    return false;
}

/* One tag at text ("<..."): its name, whether it closes, its end. Attributes must be quoted. */
static inline const char *read_tag(const char *text, char name[32], bool *closes, bool *alone)
{
    const char *at = text + 1;
    *closes = *at == '/';
    at += *closes;
    size_t n = strcspn(at, " />\n\t");
    assert_true(n > 0 && n < 32);
    memcpy(name, at, n);
    name[n] = '\0';
    at += n;
    while (*at && *at != '>') {
        if (*at == '"') {
            at = strchr(at + 1, '"');
            assert_non_null(at);
        }
        assert_true(*at != '<');
        at++;
    }
    assert_true(*at == '>');
    *alone = at[-1] == '/';
    return at + 1;
}

/* Every id of a list ("a b") is one of the page's. */
static inline void check_ids(const char *page, const char *list)
{
    while (*list != '"') {
        char id[160];
        size_t n = strcspn(list, " \"");
        snprintf(id, sizeof id, " id=\"%.*s\"", (int)n, list);
        if (!find(page, id))
            fail_msg("nothing has%s", id);
        list += n + (list[n] == ' ');
    }
}

/* Every element is closed, in order; ids stand once; every link and label within the page has its place. */
static inline void check_structure(const char *page)
{
    enum { DEEPEST = 64 };
    char stack[DEEPEST][32], name[32];
    size_t depth = 0;
    const char *at = strstr(page, "<html");
    while ((at = strchr(at, '<')) != NULL) {
        bool closes, alone;
        const char *next = read_tag(at, name, &closes, &alone);
        if (closes) {
            if (depth == 0 || strcmp(stack[depth - 1], name) != 0)
                fail_msg("</%s> closes <%s>: %.80s", name, depth ? stack[depth - 1] : "", at);
            depth--;
        } else if (!alone && !is_void(name)) {
            assert_true(depth < DEEPEST);
            memcpy(stack[depth++], name, sizeof name);
            if (strcmp(name, "style") == 0 || strcmp(name, "script") == 0) {
                next = strstr(next, "</");
                assert_non_null(next);
            }
        }
        at = next;
    }
    assert_int_equal(depth, 0);

    for (at = page; (at = find(at, " id=\"")) != NULL; at++) {
        char id[128];
        size_t n = strcspn(at + 5, "\"");
        assert_true(n + 6 < sizeof id);
        memcpy(id, at, n + 6);
        id[n + 6] = '\0';
        if (find(at + 1, id))
            fail_msg("%s stands twice", id);
    }
    for (at = page; (at = find(at, "href=\"")) != NULL; at++) {
        char id[128] = " id=\"";
        assert_true(at[6] == '#');
        size_t n = strcspn(at + 7, "\"");
        assert_true(n + 7 < sizeof id);
        memcpy(id + 5, at + 7, n + 1);
        id[n + 6] = '\0';
        if (!strstr(page, id))
            fail_msg("nothing has%s", id);
    }
    static const char labelled[] = "aria-labelledby=\"";
    for (at = page; (at = find(at, labelled)) != NULL; at++)
        check_ids(page, at + sizeof labelled - 1);
}

/* h1, then no heading more than one level below the one before. */
static inline void check_headings(const char *page)
{
    int last = 0;
    for (const char *at = page; (at = find(at, "<h")) != NULL; at++) {
        if (at[2] < '1' || at[2] > '6' || at[3] != '>')
            continue;
        int level = at[2] - '0';
        if (level > last + 1)
            fail_msg("h%d after h%d: %.60s", level, last, at);
        assert_true((level == 1) == (last == 0));
        last = level;
    }
    assert_true(last > 1);
}

static inline void check_tables_and_figures(const char *page)
{
    for (const char *at = page; (at = find(at, "<table>")) != NULL; at++)
        if (strncmp(at, "<table><caption>", 16) != 0)
            fail_msg("a table has no caption: %.80s", at);
    for (const char *at = page; (at = find(at, "<th")) != NULL; at++)
        if (at[3] != 'e' && strncmp(at, "<th scope=\"", 11) != 0)
            fail_msg("a head has no scope: %.80s", at);
    static const char box[] = " tabindex=\"0\"", named[] = " tabindex=\"0\" aria-labelledby=\"";
    for (const char *at = page; (at = find(at, box)) != NULL; at++)
        if (strncmp(at, named, sizeof named - 1) != 0)
            fail_msg("a box that scrolls is not named by its caption: %.80s", at);
    for (const char *at = page; (at = find(at, "<svg ")) != NULL; at++) {
        const char *end = find(at, "</svg>"), *title = find(at, "<title"), *desc = find(at, "<desc");
        assert_true(end && title && desc && title < end && desc < end);
        assert_non_null(find(at, "role=\"img\""));
    }
}

/* What stands before the record. */
static inline void check_page(const char *page)
{
    check_headings(page);
    check_tables_and_figures(page);
    static const char *const forbidden[] = {"src=\"",      "@import", "url(", "https://", "onerror=\"",
                                            "javascript:", ">nan",    ">inf", "NaN",      "-nan"};
    for (size_t i = 0; i < sizeof forbidden / sizeof forbidden[0]; i++)
        if (strstr(page, forbidden[i]))
            fail_msg("the page has %s: %.100s", forbidden[i], strstr(page, forbidden[i]));
    for (const char *at = page; (at = find(at, "http://")) != NULL; at++)
        if (strncmp(at, "http://www.w3.org/2000/svg\"", 27) != 0)
            fail_msg("the page wants the network: %.80s", at);
}

#endif
