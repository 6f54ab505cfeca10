/* Patterns: see kernel_pattern.h. Sets of steps are bit sets of `words` words; a set at a place holds the steps from which a
 * match can be reached there. */
#include "kernel_pattern.h"

#include <string.h>

enum {
    BLOCK = 1024,              /* bytes of text whose sets are held at a time */
    STATE_LIMIT = 4096,        /* states of the automaton */
    STATE_BYTES = 1024 * 1024, /* and their bytes */
    NO_CHARACTER = 0xffff      /* in `classes`: no character begins at this byte */
};

/* Where the pass from the end came to a block's first character. */
typedef struct {
    size_t place;
    uint16_t has_start; /* a match begins in the block */
} milestone;

struct kernel_pattern_search {
    const kernel_pattern *pattern;
    size_t words, longest;
    bool loops;                                      /* some step's successor lies above it */
    uint32_t asserted;                               /* a bit for each assertion that the pattern uses */
    uint16_t ascii[128];                             /* classes */
    uint8_t columns[1 << KERNEL_PATTERN_ASSERTIONS]; /* of what holds at a place, as far as it is asked */
    size_t column_count;                             /* classes times the above */
    /* The automaton: state i (from 1 on) has set states + i * words; edges[i * column_count + column] is its successor towards
     * the text's start, 0 where it is not known yet. table: states by the hash of their sets. */
    uint64_t *states;
    uint16_t *edges, *table;
    size_t state_limit, state_count, table_size;
    uint64_t *fresh;
    /* The text, and what the pass from its end left. */
    const uint8_t *text;
    size_t count, last_line_end;
    milestone *milestones;
    uint64_t *milestone_sets;
    /* The block at hand. */
    size_t block; /* SIZE_MAX: none */
    uint64_t *sets;
    uint16_t *classes;
    /* One step of a match. */
    uint32_t *seen, seen_now;
    struct {
        uint32_t step;
        size_t mark;
    } *pending;
};

static inline bool has(const uint64_t *set, size_t bit) { return set[bit >> 6] >> (bit & 63) & 1; }

bool kernel_pattern_is_sound(const kernel_pattern *p)
{
    if (p->step_count < 1 || p->step_count > KERNEL_PATTERN_STEPS || p->start >= p->step_count) return false;
    if (p->class_count < 1 || p->class_count > KERNEL_PATTERN_CLASSES || p->range_count < 1 || p->firsts[0] != 0)
        return false;
    if (p->set_words != (p->class_count + 63) / 64 || p->mark_count < 2 || p->mark_count > KERNEL_PATTERN_MARKS)
        return false;
    for (size_t i = 0; i < p->range_count; i++)
        if (p->class_of[i] >= p->class_count || (i > 0 && p->firsts[i] <= p->firsts[i - 1])) return false;
    for (size_t i = 0; i < p->set_count; i++)
        if (p->sets[i * p->set_words] & 1) return false;
    for (size_t i = 0; i < p->step_count; i++) {
        const kernel_pattern_step *step = &p->steps[i];
        if (step->kind > KERNEL_PATTERN_ASSERTION || (step->kind == KERNEL_PATTERN_MATCH) != (i == 0)) return false;
        if (step->next >= p->step_count || step->other >= p->step_count) return false;
        if (step->kind == KERNEL_PATTERN_CHARACTER && step->argument >= p->set_count) return false;
        if (step->kind == KERNEL_PATTERN_MARK && step->argument >= p->mark_count) return false;
        if (step->kind == KERNEL_PATTERN_ASSERTION && step->argument >= KERNEL_PATTERN_ASSERTIONS) return false;
    }
    return true;
}

/* Room. The parts of the scratch in order; with `base` NULL their sizes are added up alone. */

static size_t take(void **part, uint8_t *base, size_t used, size_t bytes)
{
    if (base) *part = base + used;
    return used + (bytes + 15) / 16 * 16;
}

static size_t lay_out(struct kernel_pattern_search *s, const kernel_pattern *p, size_t longest, uint8_t *base)
{
    s->pattern = p;
    s->longest = longest;
    s->words = (p->step_count + 63) / 64;
    s->asserted = 0;
    s->loops = false;
    for (size_t i = 0; i < p->step_count; i++) {
        const kernel_pattern_step *step = &p->steps[i];
        if (step->kind == KERNEL_PATTERN_ASSERTION) s->asserted |= 1u << step->argument;
        if (step->kind != KERNEL_PATTERN_CHARACTER && (step->next > i || step->other > i)) s->loops = true;
    }
    size_t kinds = 1;
    for (uint32_t left = s->asserted; left; left &= left - 1) kinds *= 2;
    s->column_count = p->class_count * kinds;
    s->state_limit = STATE_BYTES / (s->column_count * sizeof *s->edges + s->words * sizeof *s->states);
    if (s->state_limit > STATE_LIMIT) s->state_limit = STATE_LIMIT;
    if (s->state_limit < 4) s->state_limit = 4;
    for (s->table_size = 16; s->table_size < 2 * s->state_limit;) s->table_size *= 2;
    const size_t blocks = longest / BLOCK + 1;
    size_t used = (sizeof *s + 15) / 16 * 16;
    used = take((void **)&s->states, base, used, (s->state_limit + 1) * s->words * sizeof *s->states);
    used = take((void **)&s->edges, base, used, (s->state_limit + 1) * s->column_count * sizeof *s->edges);
    used = take((void **)&s->table, base, used, s->table_size * sizeof *s->table);
    used = take((void **)&s->fresh, base, used, s->words * sizeof *s->fresh);
    used = take((void **)&s->milestones, base, used, blocks * sizeof *s->milestones);
    used = take((void **)&s->milestone_sets, base, used, blocks * s->words * sizeof *s->milestone_sets);
    used = take((void **)&s->sets, base, used, BLOCK * s->words * sizeof *s->sets);
    used = take((void **)&s->classes, base, used, BLOCK * sizeof *s->classes);
    used = take((void **)&s->seen, base, used, p->step_count * sizeof *s->seen);
    used = take((void **)&s->pending, base, used, (2 * p->step_count + 2) * sizeof *s->pending);
    return used;
}

size_t kernel_pattern_scratch_bytes(const kernel_pattern *pattern, size_t longest)
{
    struct kernel_pattern_search search;
    return lay_out(&search, pattern, longest, NULL);
}

static void forget_states(struct kernel_pattern_search *s)
{
    s->state_count = 0;
    memset(s->table, 0, s->table_size * sizeof *s->table);
}

static uint16_t class_of(const kernel_pattern *p, uint32_t scalar)
{
    size_t low = 0, high = p->range_count;
    while (high - low > 1) {
        const size_t middle = (low + high) / 2;
        if (p->firsts[middle] <= scalar)
            low = middle;
        else
            high = middle;
    }
    return p->class_of[low];
}

kernel_pattern_search *kernel_pattern_search_make(const kernel_pattern *pattern, size_t longest, void *scratch)
{
    struct kernel_pattern_search *s = scratch;
    lay_out(s, pattern, longest, scratch);
    for (uint32_t i = 0; i < 128; i++) s->ascii[i] = class_of(pattern, i);
    for (uint32_t truths = 0; truths < 1 << KERNEL_PATTERN_ASSERTIONS; truths++) {
        uint32_t column = 0, bit = 0;
        for (uint32_t kind = 0; kind < KERNEL_PATTERN_ASSERTIONS; kind++)
            if (s->asserted >> kind & 1) column |= (truths >> kind & 1) << bit++;
        s->columns[truths] = (uint8_t)column;
    }
    memset(s->seen, 0, pattern->step_count * sizeof *s->seen);
    s->seen_now = 0;
    forget_states(s);
    return s;
}

/* Characters, from the end. */

static bool is_continuation(uint8_t byte) { return (byte & 0xc0) == 0x80; }

/* The character that ends before byte `end` (above 0): its class, and where it begins. */
static uint16_t character_before(const struct kernel_pattern_search *s, size_t end, size_t *begin)
{
    const uint8_t *text = s->text;
    if (text[end - 1] < 128) {
        *begin = end - 1;
        return s->ascii[text[end - 1]];
    }
    size_t first = end - 1;
    while (first > 0 && end - first < 4 && is_continuation(text[first])) first--;
    const uint8_t lead = text[first];
    const size_t length = lead >= 0xf0 && lead < 0xf8 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc0 ? 2 : 0;
    if (length != end - first || lead >= 0xf8) {
        *begin = end - 1;
        return 0;
    }
    uint32_t scalar = lead & (0xff >> (length + 1));
    for (size_t i = first + 1; i < end; i++) scalar = scalar << 6 | (text[i] & 0x3f);
    *begin = first;
    return class_of(s->pattern, scalar);
}

/* What holds at a place, between a character of class `left` that ends there and one of class `right`. */
static uint32_t truths_at(const struct kernel_pattern_search *s, size_t place, uint16_t left, uint16_t right)
{
    const uint8_t *flags = s->pattern->class_flags;
    const bool is_first = place == 0, is_last = place == s->count;
    const uint32_t before = is_first ? 0 : flags[left], behind = is_last ? 0 : flags[right];
    const bool is_inside_pair = !is_first && !is_last && s->text[place - 1] == '\r' && s->text[place] == '\n';
    const bool is_edge = (before ^ behind) & KERNEL_PATTERN_WORD;
    uint32_t truths = (uint32_t)is_first << KERNEL_PATTERN_TEXT_START | (uint32_t)is_last << KERNEL_PATTERN_TEXT_END;
    truths |= (uint32_t)(is_last || place == s->last_line_end) << KERNEL_PATTERN_LAST_LINE_END;
    truths |= (uint32_t)(is_first || (!is_last && !is_inside_pair && (before & KERNEL_PATTERN_LINE)))
              << KERNEL_PATTERN_LINE_START;
    truths |= (uint32_t)(is_last || (!is_inside_pair && (behind & KERNEL_PATTERN_LINE))) << KERNEL_PATTERN_LINE_END;
    truths |= (uint32_t)is_edge << KERNEL_PATTERN_WORD_EDGE | (uint32_t)!is_edge << KERNEL_PATTERN_NO_WORD_EDGE;
    return truths;
}

/* The automaton, towards the text's start. */

/* The steps that lead to a match from a place where `truths` hold and a character of class `right` stands, behind which `after`
 * is the set; NULL at the text's end. Steps are numbered from the match on, so one pass meets successors before those that
 * they follow, but for loops. */
static void set_before(const struct kernel_pattern_search *s, const uint64_t *after, uint16_t right, uint32_t truths,
                       uint64_t *set)
{
    const kernel_pattern *p = s->pattern;
    memset(set, 0, s->words * sizeof *set);
    bool again = true;
    while (again) {
        again = false;
        for (size_t i = 0; i < p->step_count; i++) {
            const kernel_pattern_step *step = &p->steps[i];
            bool leads = false;
            switch (step->kind) {
            case KERNEL_PATTERN_MATCH: leads = true; break;
            case KERNEL_PATTERN_CHARACTER:
                leads = after && has(after, step->next) && has(p->sets + (size_t)step->argument * p->set_words, right);
                break;
            case KERNEL_PATTERN_CHOICE: leads = has(set, step->next) || has(set, step->other); break;
            case KERNEL_PATTERN_MARK: leads = has(set, step->next); break;
            default: leads = has(set, step->next) && (truths >> step->argument & 1); break;
            }
            if (leads && !has(set, i)) {
                set[i >> 6] |= (uint64_t)1 << (i & 63);
                again = s->loops;
            }
        }
    }
}

static size_t hash_of(const uint64_t *set, size_t words)
{
    uint64_t hash = 0;
    for (size_t i = 0; i < words; i++) {
        hash = (hash ^ set[i]) * 0x9e3779b97f4a7c15u;
        hash ^= hash >> 29;
    }
    return (size_t)hash;
}

/* The state of the set `fresh`. *forgot: the room was used up, and all other states are gone. */
static uint16_t state_of_fresh(struct kernel_pattern_search *s, bool *forgot)
{
    const size_t mask = s->table_size - 1;
    size_t slot = hash_of(s->fresh, s->words) & mask;
    for (; s->table[slot]; slot = (slot + 1) & mask)
        if (memcmp(s->states + s->table[slot] * s->words, s->fresh, s->words * sizeof *s->fresh) == 0)
            return s->table[slot];
    *forgot = s->state_count == s->state_limit;
    if (*forgot) {
        forget_states(s);
        slot = hash_of(s->fresh, s->words) & mask;
    }
    const uint16_t state = (uint16_t)++s->state_count;
    s->table[slot] = state;
    memcpy(s->states + state * s->words, s->fresh, s->words * sizeof *s->fresh);
    memset(s->edges + state * s->column_count, 0, s->column_count * sizeof *s->edges);
    return state;
}

static uint16_t state_before(struct kernel_pattern_search *s, uint16_t state, uint16_t right, uint32_t truths)
{
    const size_t kinds = s->column_count / s->pattern->class_count;
    uint16_t *edge = s->edges + state * s->column_count + right * kinds + s->columns[truths];
    if (*edge) return *edge;
    set_before(s, s->states + state * s->words, right, truths, s->fresh);
    bool forgot = false;
    const uint16_t found = state_of_fresh(s, &forgot);
    if (!forgot) *edge = found;
    return found;
}

/* The pass from the end. */

typedef struct {
    size_t place;
    uint16_t state;
    uint16_t left;     /* class of the character that ends at `place` */
    size_t left_begin; /* and where it begins */
} walk;

static void look_left(const struct kernel_pattern_search *s, walk *w)
{
    w->left = 0;
    if (w->place > 0) w->left = character_before(s, w->place, &w->left_begin);
}

static walk walk_from_end(struct kernel_pattern_search *s)
{
    walk w = {.place = s->count};
    look_left(s, &w);
    set_before(s, NULL, 0, truths_at(s, w.place, w.left, 0), s->fresh);
    bool forgot = false;
    w.state = state_of_fresh(s, &forgot);
    return w;
}

static walk walk_from_milestone(struct kernel_pattern_search *s, size_t block)
{
    walk w = {.place = s->milestones[block].place};
    look_left(s, &w);
    memcpy(s->fresh, s->milestone_sets + block * s->words, s->words * sizeof *s->fresh);
    bool forgot = false;
    w.state = state_of_fresh(s, &forgot);
    return w;
}

/* One character towards the start; returns its class. */
static uint16_t step_left(struct kernel_pattern_search *s, walk *w)
{
    const uint16_t right = w->left;
    w->place = w->left_begin;
    look_left(s, w);
    const uint32_t truths = s->asserted ? truths_at(s, w->place, w->left, right) : 0;
    w->state = state_before(s, w->state, right, truths);
    return right;
}

static void hold(struct kernel_pattern_search *s, const walk *w, uint16_t class)
{
    const size_t slot = w->place % BLOCK;
    memcpy(s->sets + slot * s->words, s->states + w->state * s->words, s->words * sizeof *s->sets);
    s->classes[slot] = class;
}

static size_t line_end_at_the_end(const uint8_t *text, size_t count)
{
    if (count >= 2 && text[count - 2] == '\r' && text[count - 1] == '\n') return count - 2;
    if (count >= 1 && text[count - 1] >= '\n' && text[count - 1] <= '\r') return count - 1;
    if (count >= 2 && text[count - 2] == 0xc2 && text[count - 1] == 0x85) return count - 2;
    if (count >= 3 && text[count - 3] == 0xe2 && text[count - 2] == 0x80 && (text[count - 1] | 1) == 0xa9)
        return count - 3;
    return count;
}

bool kernel_pattern_search_text(kernel_pattern_search *s, const uint8_t *text, size_t count)
{
    s->text = text;
    s->count = count;
    s->last_line_end = line_end_at_the_end(text, count);
    s->block = SIZE_MAX;
    const bool is_short = count < BLOCK; /* one block: what it needs is held as it comes */
    bool any = false;
    walk w = walk_from_end(s);
    if (is_short) memset(s->classes, 0xff, sizeof *s->classes * (count + 1));
    size_t block = count / BLOCK;
    s->milestones[block].has_start = 0;
    for (uint16_t class = 0;; class = step_left(s, &w)) {
        if (w.place / BLOCK != block) s->milestones[block = w.place / BLOCK].has_start = 0;
        if (has(s->states + w.state * s->words, s->pattern->start)) s->milestones[block].has_start = any = true;
        if (is_short) hold(s, &w, class);
        /* A block is at least as long as any character, so each has one that begins in it. */
        if (w.place == 0 || w.left_begin / BLOCK != block) {
            s->milestones[block].place = w.place;
            memcpy(s->milestone_sets + block * s->words, s->states + w.state * s->words, s->words * sizeof *s->fresh);
        }
        if (w.place == 0) break;
    }
    if (is_short) s->block = 0;
    return any;
}

/* Makes the sets of a block again, from the first character of the block behind it. */
static void open_block(struct kernel_pattern_search *s, size_t block)
{
    if (s->block == block) return;
    memset(s->classes, 0xff, BLOCK * sizeof *s->classes);
    const bool is_last = block == s->count / BLOCK;
    walk w = is_last ? walk_from_end(s) : walk_from_milestone(s, block + 1);
    if (is_last) hold(s, &w, 0);
    while (w.place > s->milestones[block].place) {
        const uint16_t class = step_left(s, &w);
        hold(s, &w, class);
    }
    s->block = block;
}

/* The match, from its start. */

/* From `step` at the place at hand along the preferred choices to the next character that leads to the match, or to the match:
 * that step. Marks on the way are noted. */
static uint32_t choose(struct kernel_pattern_search *s, uint32_t step, size_t place, size_t *marks)
{
    const kernel_pattern *p = s->pattern;
    if (p->steps[step].kind == KERNEL_PATTERN_CHARACTER) return step; /* most of them */
    const uint64_t *set = s->sets + place % BLOCK * s->words;
    if (++s->seen_now == 0) {
        memset(s->seen, 0, p->step_count * sizeof *s->seen);
        s->seen_now = 1;
    }
    enum { UNDO = 0x10000 }; /* and the mark's index: puts back what a way that led nowhere noted */
    size_t count = 0;
    s->pending[count++].step = step;
    while (count > 0) {
        const uint32_t at = s->pending[--count].step;
        if (at >= UNDO) {
            marks[at - UNDO] = s->pending[count].mark;
            continue;
        }
        if (s->seen[at] == s->seen_now || !has(set, at)) continue;
        s->seen[at] = s->seen_now;
        const kernel_pattern_step *here = &p->steps[at];
        switch (here->kind) {
        case KERNEL_PATTERN_MATCH:
        case KERNEL_PATTERN_CHARACTER: return at;
        case KERNEL_PATTERN_CHOICE: s->pending[count++].step = here->other; break;
        case KERNEL_PATTERN_MARK:
            s->pending[count].step = UNDO + here->argument;
            s->pending[count++].mark = marks[here->argument];
            marks[here->argument] = place;
            break;
        default: break;
        }
        s->pending[count++].step = here->next;
    }
    return 0; /* not met with: a step of the set leads to a match along steps that are different from each other */
}

size_t kernel_pattern_search_after(const kernel_pattern_search *s, size_t place)
{
    /* Within the block its classes say where characters begin; behind it, the milestone does. */
    const size_t block = place / BLOCK;
    if (s->block == block) {
        while (++place < s->count && place / BLOCK == block)
            if (s->classes[place % BLOCK] != NO_CHARACTER) return place;
        return place >= s->count ? s->count : s->milestones[block + 1].place;
    }
    size_t end = place + 1;
    while (end < s->count && end < place + 4 && is_continuation(s->text[end])) end++;
    return end;
}

bool kernel_pattern_search_next(kernel_pattern_search *s, size_t from, size_t *marks)
{
    const kernel_pattern *p = s->pattern;
    size_t place = from;
    while (place <= s->count) {
        const size_t block = place / BLOCK;
        if (!s->milestones[block].has_start) {
            place = (block + 1) * BLOCK;
            continue;
        }
        open_block(s, block);
        if (s->classes[place % BLOCK] != NO_CHARACTER && has(s->sets + place % BLOCK * s->words, p->start)) break;
        place++;
    }
    if (place > s->count) return false;
    for (size_t i = 0; i < p->mark_count; i++) marks[i] = SIZE_MAX;
    marks[0] = place;
    uint32_t step = p->start;
    for (;;) {
        open_block(s, place / BLOCK);
        step = choose(s, step, place, marks);
        if (step == 0) break;
        step = p->steps[step].next;
        place = kernel_pattern_search_after(s, place);
    }
    marks[1] = place;
    return true;
}
