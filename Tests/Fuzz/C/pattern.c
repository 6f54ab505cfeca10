/* Patterns: steps and a text from the input; every match and mark is what a search that tries one way after the other finds,
 * and arbitrary bytes end. The first byte is how many steps there are, four bytes each; the rest is the text. */
#include "CKernels.h"
#include "fuzz.h"

enum { STEPS = 24, PIECES = 40, MARKS = 6, SETS = 5 };

static const uint32_t firsts[] = {0,    '\n', '\r', '\r' + 1, 'a',    'b',        'c',     'd',
                                  0x85, 0x86, 0xe9, 0xea,     0x2028, 0x2029 + 1, 0x1f600, 0x1f601};
static const uint16_t class_of[] = {1, 2, 2, 1, 3, 4, 5, 1, 2, 1, 6, 1, 2, 1, 7, 1};
static const uint8_t class_flags[] = {0, 0, KERNEL_PATTERN_LINE, 1, 1, 1, 1, 0};
static const uint64_t sets[SETS] = {0x08, 0xfe, 0x18, 0xf6, 0x60};
/* What texts are made of, and the class of each; \r\n is two characters. */
static const struct {
    const char *text;
    uint16_t class;
} pieces[] = {
    {"a", 3}, {"b", 4}, {"c", 5}, {"\n", 2}, {"\r", 2}, {"\xc3\xa9", 6}, {"\xf0\x9f\x98\x80", 7}, {"\xe2\x80\xa8", 2},
    {"-", 1}};

/* The text by its characters: where each begins, the end too. */
static struct {
    size_t count, places[PIECES + 1];
    uint16_t classes[PIECES];
    char signs[PIECES];
} text;
static const kernel_pattern *pattern;
static uint8_t tried[STEPS][PIECES + 1];
static size_t marks[MARKS], end;

static bool holds(unsigned assertion, size_t at)
{
    const bool first = at == 0, last = at == text.count;
    const unsigned left = first ? 0 : class_flags[text.classes[at - 1]],
                   right = last ? 0 : class_flags[text.classes[at]];
    const bool inside = !first && !last && text.signs[at - 1] == '\r' && text.signs[at] == '\n';
    const bool before_last =
        !last && !inside && right == KERNEL_PATTERN_LINE &&
        (at + 1 == text.count || (at + 2 == text.count && text.signs[at] == '\r' && text.signs[at + 1] == '\n'));
    switch (assertion) {
    case KERNEL_PATTERN_TEXT_START: return first;
    case KERNEL_PATTERN_TEXT_END: return last;
    case KERNEL_PATTERN_LAST_LINE_END: return last || before_last;
    case KERNEL_PATTERN_LINE_START: return first || (!last && !inside && left == KERNEL_PATTERN_LINE);
    case KERNEL_PATTERN_LINE_END: return last || (!inside && right == KERNEL_PATTERN_LINE);
    case KERNEL_PATTERN_WORD_EDGE: return (left & 1) != (right & 1);
    default: return (left & 1) == (right & 1);
    }
}

static bool leads(unsigned step, size_t at)
{
    if (tried[step][at]) return false;
    tried[step][at] = 1;
    const kernel_pattern_step *here = &pattern->steps[step];
    switch (here->kind) {
    case KERNEL_PATTERN_MATCH: end = at; return true;
    case KERNEL_PATTERN_CHARACTER:
        return at < text.count && (sets[here->argument] >> text.classes[at] & 1) && leads(here->next, at + 1);
    case KERNEL_PATTERN_CHOICE: return leads(here->next, at) || leads(here->other, at);
    case KERNEL_PATTERN_MARK: {
        const size_t before = marks[here->argument];
        marks[here->argument] = text.places[at];
        if (leads(here->next, at)) return true;
        marks[here->argument] = before;
        return false;
    }
    default: return holds(here->argument, at) && leads(here->next, at);
    }
}

/* The first match from character `at` on; its start, or SIZE_MAX. */
static size_t expected(size_t at)
{
    memset(tried, 0, sizeof tried);
    for (; at <= text.count; at++) {
        for (size_t i = 0; i < MARKS; i++) marks[i] = SIZE_MAX;
        if (leads(pattern->start, at)) return at;
    }
    return SIZE_MAX;
}

static void search_characters(kernel_pattern_search *search, const uint8_t *bytes)
{
    const bool any = kernel_pattern_search_text(search, bytes, text.places[text.count]);
    for (size_t at = 0; at <= text.count;) {
        size_t found[MARKS];
        const bool is_found = any && kernel_pattern_search_next(search, text.places[at], found);
        const size_t start = expected(at);
        MUST(is_found == (start != SIZE_MAX));
        if (!is_found) return;
        marks[0] = text.places[start];
        marks[1] = text.places[end];
        MUST(memcmp(found, marks, sizeof marks) == 0);
        if (end < text.count) MUST(kernel_pattern_search_after(search, marks[1]) == text.places[end + 1]);
        at = end > start ? end : end + 1;
    }
}

static void search_bytes(kernel_pattern_search *search, const uint8_t *bytes, size_t count)
{
    size_t found[MARKS], from = 0;
    if (!kernel_pattern_search_text(search, bytes, count)) return;
    while (from <= count && kernel_pattern_search_next(search, from, found)) {
        MUST(from <= found[0] && found[0] <= found[1] && found[1] <= count);
        if (found[0] == found[1] && found[1] == count) return;
        from = found[0] < found[1] ? found[1] : kernel_pattern_search_after(search, found[1]);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t total)
{
    if (total < 1) return 0;
    kernel_pattern_step steps[STEPS] = {{0, 0, 0, 0}};
    const size_t step_count = 2 + input[0] % (STEPS - 2);
    if (total < 1 + 4 * (step_count - 1)) return 0;
    for (size_t i = 1; i < step_count; i++) {
        const uint8_t *bytes = input + 1 + 4 * (i - 1);
        kernel_pattern_step *step = &steps[i];
        step->kind = (uint16_t)(1 + bytes[0] % 4);
        step->argument = step->kind == KERNEL_PATTERN_CHARACTER ? bytes[1] % SETS
                         : step->kind == KERNEL_PATTERN_MARK    ? 2 + bytes[1] % (MARKS - 2)
                                                                : bytes[1] % KERNEL_PATTERN_ASSERTIONS;
        step->next = bytes[2] % step_count;
        step->other = bytes[3] % step_count;
    }
    const kernel_pattern made = {.steps = steps,
                                 .step_count = (uint32_t)step_count,
                                 .start = (uint32_t)step_count - 1,
                                 .firsts = firsts,
                                 .class_of = class_of,
                                 .range_count = sizeof firsts / sizeof *firsts,
                                 .class_flags = class_flags,
                                 .class_count = sizeof class_flags,
                                 .sets = sets,
                                 .set_count = SETS,
                                 .set_words = 1,
                                 .mark_count = MARKS};
    pattern = &made;
    MUST(kernel_pattern_is_sound(pattern));

    const uint8_t *rest = input + 1 + 4 * (step_count - 1);
    const size_t rest_count = total - (size_t)(rest - input);
    uint8_t bytes[4 * PIECES];
    text.count = 0;
    text.places[0] = 0;
    for (size_t i = 0; i < rest_count && text.count < PIECES; i++) {
        const size_t piece = rest[i] % (sizeof pieces / sizeof *pieces), length = strlen(pieces[piece].text);
        memcpy(bytes + text.places[text.count], pieces[piece].text, length);
        text.classes[text.count] = pieces[piece].class;
        text.signs[text.count] = pieces[piece].text[0];
        text.count++;
        text.places[text.count] = text.places[text.count - 1] + length;
    }
    const size_t longest = rest_count > sizeof bytes ? rest_count : sizeof bytes;
    void *scratch = aligned_alloc(16, (kernel_pattern_scratch_bytes(pattern, longest) + 15) / 16 * 16);
    kernel_pattern_search *search = kernel_pattern_search_make(pattern, longest, scratch);
    uint8_t *characters = padded(bytes, text.places[text.count], 0);
    search_characters(search, characters);
    uint8_t *any = padded(rest, rest_count, 0);
    search_bytes(search, any, rest_count);
    free(any);
    free(characters);
    free(scratch);
    return 0;
}
