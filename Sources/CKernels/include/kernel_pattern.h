/* Where a pattern matches in a text, in time proportional to the text's bytes times the pattern's steps, whatever the two are.
 *
 * A pattern is a small automaton: steps with one or two successors, the first one preferred. Of all matches the leftmost is
 * taken, and of those that begin there the one whose choices are preferred, as a backtracking matcher would (Perl, ICU).
 * Nothing is tried that could fail: one pass from the text's end to its start notes at each place which steps still lead to
 * a match; from the start on each choice is then made once (Frisch and Cardelli, "Greedy regular expression matching", ICALP
 * 2004). The passes' sets of steps are kept as states of an automaton that is made as it is needed and begun anew when its
 * room is used up.
 *
 * A text is UTF-8. A byte that is no part of a character is a character of class 0, which no set contains.
 * Memory is the caller's: kernel_pattern_scratch_bytes, about a megabyte and at most a 1,024th of the longest text times
 * an eighth of the steps. No kernel here allocates. One version; tests compare with another implementation. */
#ifndef KERNEL_PATTERN_H
#define KERNEL_PATTERN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    KERNEL_PATTERN_MATCH = 0,     /* the end; step 0 and no other */
    KERNEL_PATTERN_CHARACTER = 1, /* one character of set `argument`, then `next` */
    KERNEL_PATTERN_CHOICE = 2,    /* `next`, and where that leads to no match, `other` */
    KERNEL_PATTERN_MARK = 3,      /* notes the place as mark `argument`, then `next` */
    KERNEL_PATTERN_ASSERTION = 4  /* `next`, where the assertion `argument` holds */
};

/* What holds between two characters. A line ends at U+000A … U+000D, U+0085, U+2028, U+2029; \r\n is one end. */
enum {
    KERNEL_PATTERN_TEXT_START = 0,
    KERNEL_PATTERN_TEXT_END = 1,
    KERNEL_PATTERN_LAST_LINE_END = 2, /* the text's end, and before the line end that it ends in */
    KERNEL_PATTERN_LINE_START = 3,    /* the text's start, and after a line end that is not the text's end */
    KERNEL_PATTERN_LINE_END = 4,      /* the text's end, and before a line end */
    KERNEL_PATTERN_WORD_EDGE = 5,     /* between a word's character and another or an end of the text */
    KERNEL_PATTERN_NO_WORD_EDGE = 6,
    KERNEL_PATTERN_ASSERTIONS = 7
};

/* Flags of a class of characters, which all of its characters have. */
enum { KERNEL_PATTERN_WORD = 1, KERNEL_PATTERN_LINE = 2 };

enum { KERNEL_PATTERN_STEPS = 4096, KERNEL_PATTERN_CLASSES = 16384, KERNEL_PATTERN_MARKS = 64 };

typedef struct {
    uint16_t kind, argument, next, other;
} kernel_pattern_step;

/* A character's class is class_of[i] of the last i with firsts[i] <= its scalar value. Set s holds class c when bit c of the
 * set_words words from sets + s * set_words on is set. Step 0 is the match. The arrays belong to the caller. */
typedef struct {
    const kernel_pattern_step *steps;
    uint32_t step_count, start;
    const uint32_t *firsts; /* ascending, the first is 0 */
    const uint16_t *class_of;
    uint32_t range_count;
    const uint8_t *class_flags;
    uint32_t class_count;
    const uint64_t *sets;
    uint32_t set_count, set_words;
    uint32_t mark_count; /* two a group, the whole match included: marks 0 and 1 */
} kernel_pattern;

/* Every index within its bounds. Nothing below looks again. */
bool kernel_pattern_is_sound(const kernel_pattern *pattern);

/* A search through texts of at most `longest` bytes, one after the other. */
typedef struct kernel_pattern_search kernel_pattern_search;

size_t kernel_pattern_scratch_bytes(const kernel_pattern *pattern, size_t longest);

/* scratch: that many bytes, aligned for 16; the search lies in it and points to the pattern. */
kernel_pattern_search *kernel_pattern_search_make(const kernel_pattern *pattern, size_t longest, void *scratch);

/* Takes up a text of at most `longest` bytes, which stays in place until the next one. Whether it has a match at all. */
bool kernel_pattern_search_text(kernel_pattern_search *search, const uint8_t *text, size_t count);

/* The first match that begins at byte `from` or later. False when there is none. Each call's `from` is not before the end of
 * the match that the call before found. marks: mark_count elements; SIZE_MAX for a group that has no part in the match. */
bool kernel_pattern_search_next(kernel_pattern_search *search, size_t from, size_t *marks);

/* The first byte of the character after the one that begins at byte `place`, which is below the text's length. */
size_t kernel_pattern_search_after(const kernel_pattern_search *search, size_t place);

#endif
