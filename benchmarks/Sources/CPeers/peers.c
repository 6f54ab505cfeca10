#include "CPeers.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/params.h>
#include <string.h>
#include <time.h>

#if defined(__x86_64__)
#include <x86intrin.h>

uint64_t peer_ticks(void) { return __rdtsc(); }

double peer_cycles_per_tick(void)
{
    enum { CHAIN = 16, TIMES = 20000 };
    double best = 0;
    for (int attempt = 0; attempt < 20; attempt++) {
        uint64_t x = 3;
        const uint64_t start = __rdtsc();
        for (int i = 0; i < TIMES; i++) __asm__ volatile(".rept 16\n\timul %0, %0\n\t.endr" : "+r"(x));
        const double ratio = 3.0 * CHAIN * TIMES / (double)(__rdtsc() - start);
        best = ratio > best ? ratio : best; /* an interrupted attempt shows fewer cycles in a tick */
    }
    return best;
}
#else
uint64_t peer_ticks(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

double peer_cycles_per_tick(void) { return 0; }
#endif

const char *peer_compiler(void) { return __VERSION__; }
const char *peer_openssl(void) { return OPENSSL_VERSION_TEXT; }

/* One context, initialised again without a key for each value: OpenSSL's best practice. */
static void evp_mac(const char *name, OSSL_PARAM *parameters, const uint8_t key[32], const uint8_t *bytes,
                    const int32_t *offsets, size_t rows, uint8_t *out, size_t width)
{
    EVP_MAC *mac = EVP_MAC_fetch(NULL, name, NULL);
    EVP_MAC_CTX *context = EVP_MAC_CTX_new(mac);
    EVP_MAC_init(context, key, 32, parameters);
    for (size_t i = 0; i < rows; i++) {
        size_t count;
        EVP_MAC_init(context, NULL, 0, NULL);
        EVP_MAC_update(context, bytes + offsets[i], (size_t)(offsets[i + 1] - offsets[i]));
        EVP_MAC_final(context, out + width * i, &count, width);
    }
    EVP_MAC_CTX_free(context);
    EVP_MAC_free(mac);
}

void peer_hmac_evp_mac(const uint8_t key[32], const uint8_t *bytes, const int32_t *offsets, size_t rows, uint8_t *out)
{
    char digest[] = "SHA256";
    OSSL_PARAM parameters[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
                               OSSL_PARAM_construct_end()};
    evp_mac("HMAC", parameters, key, bytes, offsets, rows, out, 32);
}

void peer_cmac_evp_mac(const uint8_t key[32], const uint8_t *bytes, const int32_t *offsets, size_t rows, uint8_t *out)
{
    char cipher[] = "AES-256-CBC";
    OSSL_PARAM parameters[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_CIPHER, cipher, 0),
                               OSSL_PARAM_construct_end()};
    evp_mac("CMAC", parameters, key, bytes, offsets, rows, out, 16);
}

void peer_hmac_one_shot(const uint8_t key[32], const uint8_t *bytes, const int32_t *offsets, size_t rows, uint8_t *out)
{
    for (size_t i = 0; i < rows; i++)
        HMAC(EVP_sha256(), key, 32, bytes + offsets[i], (size_t)(offsets[i + 1] - offsets[i]), out + 32 * i, NULL);
}

void peer_copy(const uint8_t *bytes, const int32_t *offsets, size_t rows, uint8_t *out)
{
    for (size_t i = 0; i < rows; i++) memcpy(out + 32 * i, bytes + offsets[i], (size_t)(offsets[i + 1] - offsets[i]));
}
