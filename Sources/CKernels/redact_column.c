/* The search in a column: a scan over the bytes of all rows at once says where something may begin (redact_scan_blocks.h),
 * and the search of a row (redact.c) looks there and nowhere else, with the results of looking everywhere. */
#include "dispatch.h"
#include "redact_scan.h"

#include <string.h>

/* Bytes that are scanned at a time: they are still in the nearest cache when the candidates are looked at. */
enum { WINDOW = 16384, WORDS = WINDOW / 64 };

/* Where the search of a row stands; as in kernel_find_entities, which looks at every position. */
struct row_search {
    text text;
    size_t next; /* position to go on from */
    size_t looked;
    kernel_entity email; /* found ahead; kind 0: none */
};

struct findings {
    kernel_row_entity *out;
    size_t capacity, count;
};

static inline void put(struct findings *findings, size_t row, kernel_entity entity)
{
    if (findings->count < findings->capacity)
        findings->out[findings->count] = (kernel_row_entity){(uint32_t)row, entity.start, entity.end, entity.kind};
    findings->count++;
}

/* The first candidate from bit `from` on; `end`, or `from` when that is behind it, when there is none before `end`. */
static inline size_t next_candidate(const uint64_t *candidates, size_t from, size_t end)
{
    if (from >= end) return from;
    size_t word = from / 64;
    uint64_t bits = candidates[word] & ~(uint64_t)0 << from % 64;
    while (bits == 0) {
        if (++word * 64 >= end) return end;
        bits = candidates[word];
    }
    const size_t found = 64 * word + (size_t)__builtin_ctzll(bits);
    return found < end ? found : end;
}

/* Looks at the candidates of a row in front of bit `end`. Bit 0 is position `origin` of the row, which may be negative. */
static void search_row(struct row_search *search, const uint64_t *candidates, ptrdiff_t origin, size_t end, size_t row,
                       uint32_t wanted, struct findings *findings)
{
    text t = search->text;
    const size_t limit = (size_t)((ptrdiff_t)end + origin);
    kernel_entity email = search->email;
    size_t i = search->next;
    for (;;) {
        while (!email.kind && search->looked < t.length) {
            const uint8_t *mark = memchr(t.bytes + search->looked, '@', t.length - search->looked);
            search->looked = mark ? (size_t)(mark - t.bytes) + 1 : t.length;
            if (mark && !redact_find_email(t, search->looked - 1, &email)) email.kind = 0;
        }
        i = (size_t)((ptrdiff_t)next_candidate(candidates, (size_t)((ptrdiff_t)i - origin), end) + origin);
        if (email.kind && i >= email.start) {
            put(findings, row, email);
            i = t.floor = email.end;
            if (search->looked < i) search->looked = i;
            email.kind = 0;
            continue;
        }
        if (i >= limit) break;
        const int starts = redact_is_start(t, i);
        uint32_t kind = 0;
        const size_t found = starts ? redact_match(t, i, wanted, &kind) : 0;
        if (found &&
            (!email.kind || found <= email.start || redact_shorten_email(t, found, search->looked - 1, &email))) {
            put(findings, row, (kernel_entity){(uint32_t)i, (uint32_t)found, kind});
            i = found;
            t.floor = (uint32_t)found;
            continue;
        }
        const size_t skipped = starts && starts_digits(t, i) ? redact_run_of_fours(t, i) : i;
        i = skipped > i ? skipped : i + 1;
    }
    search->text = t;
    search->email = email;
    search->next = i;
}

/* Sets a bit for each row that begins in `count` bytes from `start` on; `*row` is the first that may. */
static void mark_starts(const int32_t *offsets, size_t rows, size_t start, size_t count, size_t *row, uint64_t *starts)
{
    memset(starts, 0, 8 * ((count + 63) / 64));
    size_t r = *row;
    while (r < rows && (size_t)offsets[r] < start) r++;
    *row = r;
    for (; r < rows && (size_t)offsets[r] < start + count; r++) {
        const size_t bit = (size_t)offsets[r] - start;
        starts[bit / 64] |= (uint64_t)1 << bit % 64;
    }
}

static inline int is_null(const uint8_t *validity, size_t row)
{
    return validity && !(validity[row >> 3] >> (row & 7) & 1);
}

size_t scan_column(const struct scan_version *scan, const uint8_t *bytes, const int32_t *offsets,
                   const uint8_t *validity, size_t rows, uint32_t wanted, kernel_row_entity *out, size_t capacity)
{
    uint64_t starts[WORDS], candidates[WORDS];
    struct findings findings = {out, capacity, 0};
    struct row_search search;
    int is_open = 0; /* `search` is of `row`, which goes on */
    size_t row = 0, first_row = 0;
    const size_t all = rows > 0 ? (size_t)offsets[rows] : 0;
    for (size_t start = rows > 0 ? (size_t)offsets[0] : 0; start < all;) {
        /* The first window ends where lines of the cache do, and so the next ones begin there. */
        const size_t room = WINDOW - ((uintptr_t)(bytes + start) & 63);
        const size_t count = all - start < room ? all - start : room;
        /* The next window begins where this one does not know enough. */
        const size_t known = start + count < all ? count - SCAN_REACH : count;
        mark_starts(offsets, rows, start, count, &first_row, starts);
        scan->candidates(bytes + start, count, starts, wanted, candidates);
        for (size_t bit = 0;;) {
            if (!is_open) {
                bit = next_candidate(candidates, bit, known);
                if (bit >= known) break;
                while ((size_t)offsets[row + 1] <= start + bit) row++;
                const size_t begin = (size_t)offsets[row], length = (size_t)offsets[row + 1] - begin;
                search = (struct row_search){{bytes + begin, (uint32_t)length, 0}, start + bit - begin, 0, {0, 0, 0}};
                if (!(wanted & KERNEL_ENTITY_EMAIL)) search.looked = length;
                is_open = !is_null(validity, row);
            }
            const size_t end = (size_t)offsets[row + 1] - start;
            if (is_open)
                search_row(&search, candidates, (ptrdiff_t)start - (ptrdiff_t)offsets[row], end < known ? end : known,
                           row, wanted, &findings);
            if (end > known) break;
            is_open = 0;
            bit = end;
        }
        start += known;
    }
    return findings.count;
}

size_t kernel_find_entities_i32(const uint8_t *bytes, const int32_t *offsets, const uint8_t *validity, size_t rows,
                                uint32_t wanted, kernel_row_entity *out, size_t capacity)
{
    return scan_column(kernel_chosen(SLOT_ENTITIES), bytes, offsets, validity, rows, wanted, out, capacity);
}

void kernel_entity_candidates(const uint8_t *bytes, size_t count, const uint64_t *starts, uint32_t wanted,
                              uint64_t *out)
{
    const struct scan_version *scan = kernel_chosen(SLOT_ENTITIES);
    scan->candidates(bytes, count, starts, wanted, out);
}
