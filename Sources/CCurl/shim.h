/* libcurl's easy interface. Its options take a variable number of arguments, which Swift cannot call: one function for
 * each type of argument. Each returns what libcurl returned. */
#ifndef CCURL_SHIM_H
#define CCURL_SHIM_H

#include <curl/curl.h>

static inline CURLcode curl_shim_set_long(CURL *handle, CURLoption option, long value)
{
    return curl_easy_setopt(handle, option, value);
}

static inline CURLcode curl_shim_set_size(CURL *handle, CURLoption option, curl_off_t value)
{
    return curl_easy_setopt(handle, option, value);
}

/* libcurl copies the text, but for CURLOPT_POSTFIELDS. */
static inline CURLcode curl_shim_set_text(CURL *handle, CURLoption option, const char *text)
{
    return curl_easy_setopt(handle, option, text);
}

/* The bytes of a request; libcurl keeps the pointer until the transfer ends. Without bytes it is given a pointer too: for
 * none it would ask a callback. */
static inline CURLcode curl_shim_set_body(CURL *handle, const void *bytes, curl_off_t count)
{
    CURLcode code = curl_easy_setopt(handle, CURLOPT_POSTFIELDSIZE_LARGE, count);
    return code == CURLE_OK ? curl_easy_setopt(handle, CURLOPT_POSTFIELDS, count > 0 ? bytes : "") : code;
}

static inline CURLcode curl_shim_set_headers(CURL *handle, const struct curl_slist *headers)
{
    return curl_easy_setopt(handle, CURLOPT_HTTPHEADER, headers);
}

/* CURLOPT_HEADERFUNCTION or CURLOPT_WRITEFUNCTION, with what it is called with. */
static inline CURLcode curl_shim_set_receiver(CURL *handle, CURLoption option, CURLoption context_option,
                                              curl_write_callback receiver, void *context)
{
    CURLcode code = curl_easy_setopt(handle, option, receiver);
    return code == CURLE_OK ? curl_easy_setopt(handle, context_option, context) : code;
}

static inline CURLcode curl_shim_status(CURL *handle, long *status)
{
    return curl_easy_getinfo(handle, CURLINFO_RESPONSE_CODE, status);
}

/* CURL_GLOBAL_DEFAULT is an expression of macros. */
static inline CURLcode curl_shim_start(void) { return curl_global_init(CURL_GLOBAL_DEFAULT); }

#endif
