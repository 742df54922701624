/* SHA-256 (FIPS 180-4), for the hashes of models, data and recipes in records.
 * Includes: nothing of ours. Called by: quant, study. */
#ifndef TB_BASE_SHA256_H
#define TB_BASE_SHA256_H

#include <stddef.h>
#include <stdint.h>

typedef struct tb_sha256 {
    uint32_t state[8];
    uint64_t bytes;
    uint8_t block[64];
} tb_sha256;

void tb_sha256_init(tb_sha256 *hash);
void tb_sha256_update(tb_sha256 *hash, const void *bytes, size_t size);
void tb_sha256_final(tb_sha256 *hash, char hex[65]);

#endif
