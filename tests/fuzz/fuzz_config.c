/* libFuzzer entry: a config.json, and what is written back from it, which must be read again. Seeds: any config.json.
 */
#include "formats/config.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    tb_error err;
    tb_config config = {0}, again = {0};
    if (tb_config_parse("F/config.json", (const char *)data, size, &config, &err) != TIMBANG_OK)
        return 0;
    json_t *json = tb_config_to_json(&config, NULL, "float16", &err);
    char *text = NULL;
    if (json && tb_json_text(json, &text, &err) == TIMBANG_OK) {
        if (tb_config_parse("F/again.json", text, strlen(text), &again, &err) != TIMBANG_OK ||
            again.n_labels != config.n_labels || again.hidden_size != config.hidden_size)
            __builtin_trap();
    }
    free(text);
    json_decref(json);
    tb_config_free(&again);
    tb_config_free(&config);
    return 0;
}
