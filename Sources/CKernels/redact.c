/* The search of one text: at each place, what is surest first. */
#include "redact.h"

#include <string.h>

static inline uint8_t lower(uint8_t c) { return is_alpha(c) ? c | 0x20 : c; }

int redact_word_within(text t, size_t from, size_t to, const redact_words *words)
{
    if (to > t.length) to = t.length;
    for (size_t i = from; i < to; i++) {
        const uint8_t first = (uint8_t)((t.bytes[i] | 0x20) - 'a');
        if (first >= 26 || !(words->firsts >> first & 1)) continue;
        for (const char *const *word = words->list; *word; word++) {
            size_t k = 0;
            while ((*word)[k] && i + k < to && lower(t.bytes[i + k]) == (uint8_t)(*word)[k]) k++;
            if ((*word)[k] == 0) return 1;
        }
    }
    return 0;
}

size_t redact_run_of_fours(text t, size_t i)
{
    size_t end = i, groups = 0;
    for (;;) {
        size_t digits = 0;
        while (digits < 5 && is_digit(at(t, end + digits))) digits++;
        if (digits != 4) return i;
        if (groups > 0 && redact_match_usual_card(t, end)) return groups >= 3 ? end : i;
        end += 4;
        groups++;
        if ((at(t, end) != ' ' && at(t, end) != '-') || !is_digit(at(t, end + 1)) || groups > 8) break;
        end++;
    }
    return groups >= 3 && !is_alnum(at(t, end)) ? end : i;
}

size_t redact_match(text t, size_t i, uint32_t wanted, uint32_t *kind)
{
    const uint8_t c = t.bytes[i];
    size_t end;
    if (is_alpha(c) && (wanted & KERNEL_ENTITY_IBAN) && (end = redact_match_iban(t, i))) {
        *kind = KERNEL_ENTITY_IBAN;
        return end;
    }
    const int starts = starts_digits(t, i);
    if (wanted & KERNEL_ENTITY_IP) {
        *kind = KERNEL_ENTITY_IP;
        if (starts && starts_word(t, i) && (end = redact_match_ipv4(t, i))) return end;
        if ((is_hex(c) || c == ':') && (end = redact_match_ipv6(t, i))) return end;
    }
    if (starts) {
        if ((wanted & KERNEL_ENTITY_CARD) && (end = redact_match_card(t, i))) {
            *kind = KERNEL_ENTITY_CARD;
            return end;
        }
        if ((wanted & KERNEL_ENTITY_SSN) && (end = redact_match_ssn(t, i))) {
            *kind = KERNEL_ENTITY_SSN;
            return end;
        }
        if (redact_run_of_fours(t, i) > i) return 0;
    }
    if ((wanted & KERNEL_ENTITY_PHONE) && (c == '+' || c == '(' || starts) && (end = redact_match_phone(t, i))) {
        *kind = KERNEL_ENTITY_PHONE;
        return end;
    }
    return 0;
}

size_t kernel_find_entities(const uint8_t *bytes, size_t length, uint32_t wanted, kernel_entity *out, size_t capacity)
{
    text t = {bytes, (uint32_t)length, 0};
    size_t count = 0, i = 0;
    /* The next e-mail address, found ahead, because its local part may look like something else. */
    kernel_entity email = {0, 0, 0};
    size_t looked = wanted & KERNEL_ENTITY_EMAIL ? 0 : length;
    while (i < length && count < capacity) {
        while (!email.kind && looked < length) {
            const uint8_t *mark = memchr(bytes + looked, '@', length - looked);
            looked = mark ? (size_t)(mark - bytes) + 1 : length;
            if (mark && !redact_find_email(t, looked - 1, &email)) email.kind = 0;
        }
        if (email.kind && i >= email.start) {
            out[count++] = email;
            i = t.floor = email.end;
            if (looked < i) looked = i;
            email.kind = 0;
            continue;
        }
        const int starts = redact_is_start(t, i);
        uint32_t kind = 0;
        const size_t end = starts ? redact_match(t, i, wanted, &kind) : 0;
        if (end && (!email.kind || end <= email.start || redact_shorten_email(t, end, looked - 1, &email))) {
            out[count++] = (kernel_entity){(uint32_t)i, (uint32_t)end, kind};
            i = end;
            t.floor = (uint32_t)end;
            continue;
        }
        const size_t skipped = starts && starts_digits(t, i) ? redact_run_of_fours(t, i) : i;
        i = skipped > i ? skipped : i + 1;
    }
    return count;
}
