/* From the names of a file to the names of a BERT classifier: prefixes, gamma and beta, what is left out, what is
 * refused. Includes: formats/state_dict.h. Called by: formats/weights, model, quant, api. */
#include "formats/state_dict.h"

#include "formats/store.h"

#include <stdlib.h>
#include <string.h>

struct named {
    const char *canonical;
    const tb_tensor *tensor;
};

struct tb_state_dict {
    tb_checkpoint *checkpoint;
    tb_arena *arena;
    const char **canonical; /* of checkpoint tensor i; NULL: left out */
    struct named *sorted;   /* by canonical name */
    size_t n;
    size_t observers, other, unknown;
    const char *first_unknown;
    size_t layers;          /* of the highest encoder layer, plus 1 */
    const char *last_layer; /* the tensor that says so, as in the file */
};

enum name_class { NAME_KNOWN, NAME_UNKNOWN, NAME_OBSERVER, NAME_OTHER };

static bool starts(const char *text, const char *with)
{
    return strncmp(text, with, strlen(with)) == 0;
}

static bool is_one_of(const char *text, size_t length, const char *const *names)
{
    for (; *names; names++)
        if (strlen(*names) == length && memcmp(*names, text, length) == 0)
            return true;
    return false;
}

/* Calls for every part between dots: true if some part is one of names. */
static bool has_part(const char *name, const char *const *names)
{
    for (;;) {
        size_t length = strcspn(name, ".");
        if (is_one_of(name, length, names))
            return true;
        if (!name[length])
            return false;
        name += length + 1;
    }
}

static bool has_part_starting(const char *name, const char *prefix)
{
    for (;;) {
        if (starts(name, prefix))
            return true;
        name += strcspn(name, ".");
        if (!*name)
            return false;
        name++;
    }
}

/* The path of a module of BERT: true, and *suffix is what follows it ("weight", "bias", "weight_scale"). */
static bool is_module(const char *name, const char **suffix)
{
    static const char *const fixed[] = {"embeddings.word_embeddings.",
                                        "embeddings.position_embeddings.",
                                        "embeddings.token_type_embeddings.",
                                        "embeddings.LayerNorm.",
                                        "pooler.dense.",
                                        "classifier."};
    static const char *const in_layer[] = {
        "attention.self.query.",       "attention.self.key.", "attention.self.value.", "attention.output.dense.",
        "attention.output.LayerNorm.", "intermediate.dense.", "output.dense.",         "output.LayerNorm."};
    for (size_t i = 0; i < sizeof fixed / sizeof fixed[0]; i++)
        if (starts(name, fixed[i])) {
            *suffix = name + strlen(fixed[i]);
            return true;
        }
    if (!starts(name, "encoder.layer."))
        return false;
    name += strlen("encoder.layer.");
    size_t digits = strspn(name, "0123456789");
    if (digits == 0 || digits > 6 || name[digits] != '.' || (name[0] == '0' && digits > 1))
        return false;
    name += digits + 1;
    for (size_t i = 0; i < sizeof in_layer / sizeof in_layer[0]; i++)
        if (starts(name, in_layer[i])) {
            *suffix = name + strlen(in_layer[i]);
            return true;
        }
    return false;
}

/* Buffers that fake quantization and observers put beside the weights in training. */
static bool is_observer(const char *name)
{
    static const char *const parts[] = {"weight_fake_quant",
                                        "weight_post_process",
                                        "activation_fake_quant",
                                        "fake_quant_enabled",
                                        "observer_enabled",
                                        "min_val",
                                        "max_val",
                                        "min_vals",
                                        "max_vals",
                                        "eps",
                                        "histogram",
                                        NULL};
    return has_part_starting(name, "activation_post_process") || has_part(name, parts);
}

/* name has no prefix any more. */
static enum name_class classify(const char *name)
{
    static const char *const suffixes[] = {"weight",
                                           "bias",
                                           "weight_packed",
                                           "weight_scale",
                                           "weight_shape",
                                           "weight_zero_point",
                                           "weight_g_idx",
                                           "weight_global_scale",
                                           "input_scale",
                                           "input_zero_point",
                                           "output_scale",
                                           "output_zero_point",
                                           NULL};
    const char *suffix;
    if (is_module(name, &suffix) && is_one_of(suffix, strlen(suffix), suffixes))
        return NAME_KNOWN;
    if (is_observer(name))
        return NAME_OBSERVER;
    if (starts(name, "cls.") || strcmp(name, "embeddings.position_ids") == 0 ||
        strcmp(name, "embeddings.token_type_ids") == 0)
        return NAME_OTHER;
    return NAME_UNKNOWN;
}

/* Wrappers put their own names before: DataParallel "module.", torch.compile "_orig_mod.", training scripts "model.".
 */
static const char *without_prefix(const char *name)
{
    static const char *const prefixes[] = {"module.", "model.", "_orig_mod.", "bert."};
    for (size_t i = 0; i < sizeof prefixes / sizeof prefixes[0];) {
        bool found = starts(name, prefixes[i]);
        name += found ? strlen(prefixes[i]) : 0;
        i = found ? 0 : i + 1; /* wrappers nest in any order */
    }
    return name;
}

/* "...LayerNorm.gamma" of checkpoints from TensorFlow is "...LayerNorm.weight", beta is bias. */
static const char *with_modern_norm(const char *name, tb_arena *arena, tb_error *err)
{
    static const struct {
        const char *old, *new;
    } pairs[] = {{"LayerNorm.gamma", "LayerNorm.weight"}, {"LayerNorm.beta", "LayerNorm.bias"}};
    size_t n = strlen(name);
    for (size_t i = 0; i < 2; i++) {
        size_t old = strlen(pairs[i].old), new = strlen(pairs[i].new);
        if (n < old || strcmp(name + n - old, pairs[i].old) != 0)
            continue;
        char *made = tb_arena_alloc(arena, n - old + new + 1, 1, err);
        if (!made)
            return NULL;
        memcpy(made, name, n - old);
        memcpy(made + n - old, pairs[i].new, new + 1);
        return made;
    }
    return name;
}

static timbang_status refuse(const tb_state_dict *state, const char *name, tb_error *err)
{
    const char *file = tb_checkpoint_name(state->checkpoint);
    static const char *const packed[] = {"_packed_params", NULL};
    if (has_part_starting(name, "lora_"))
        return tb_fail_lora(err, file, name);
    if (has_part(name, packed))
        return tb_fail_torch_quantized(err, file, name);
    return TIMBANG_OK;
}

/* name is known, so at most six digits follow. */
static void note_layer(tb_state_dict *state, const char *name, const char *in_file)
{
    static const char in_layer[] = "encoder.layer.";
    if (!starts(name, in_layer))
        return;
    size_t layer = 0;
    for (const char *c = name + strlen(in_layer); *c >= '0' && *c <= '9'; c++)
        layer = layer * 10 + (size_t)(*c - '0');
    if (layer < state->layers)
        return;
    state->layers = layer + 1;
    state->last_layer = in_file;
}

static timbang_status map_one(tb_state_dict *state, size_t i, tb_error *err)
{
    const tb_tensor *tensor = tb_checkpoint_tensor(state->checkpoint, i);
    TB_TRY(refuse(state, tensor->name, err));
    const char *name = with_modern_norm(without_prefix(tensor->name), state->arena, err);
    if (!name)
        return err->status;
    switch (classify(name)) {
    case NAME_OBSERVER:
        state->observers++;
        return TIMBANG_OK;
    case NAME_OTHER:
        state->other++;
        return TIMBANG_OK;
    case NAME_UNKNOWN:
        name = tensor->name;
        if (state->unknown++ == 0)
            state->first_unknown = name;
        break;
    case NAME_KNOWN:
        note_layer(state, name, tensor->name);
        break;
    }
    state->canonical[i] = name;
    state->sorted[state->n++] = (struct named){name, tensor};
    return TIMBANG_OK;
}

static int compare_named(const void *a, const void *b)
{
    const struct named *x = a, *y = b;
    int order = strcmp(x->canonical, y->canonical);
    return order ? order : strcmp(x->tensor->name, y->tensor->name);
}

static timbang_status map_names(tb_state_dict *state, tb_error *err)
{
    size_t n = tb_checkpoint_n(state->checkpoint);
    TB_TRY(tb_arena_create(0, &state->arena, err));
    state->canonical = tb_calloc(n, sizeof *state->canonical, err);
    state->sorted = state->canonical ? tb_calloc(n, sizeof *state->sorted, err) : NULL;
    if (!state->sorted)
        return err->status;
    for (size_t i = 0; i < n; i++)
        TB_TRY(map_one(state, i, err));
    if (state->n)
        qsort(state->sorted, state->n, sizeof *state->sorted, compare_named);
    for (size_t i = 1; i < state->n; i++)
        if (strcmp(state->sorted[i - 1].canonical, state->sorted[i].canonical) == 0)
            return tb_fail(err, TIMBANG_FORMAT, "%s: the tensors %s and %s are both %s; one of them must go",
                           tb_checkpoint_name(state->checkpoint), state->sorted[i - 1].tensor->name,
                           state->sorted[i].tensor->name, state->sorted[i].canonical);
    return TIMBANG_OK;
}

timbang_status tb_state_dict_open(tb_checkpoint *checkpoint, tb_state_dict **state, tb_error *err)
{
    tb_state_dict *made = tb_calloc(1, sizeof *made, err);
    if (!made) {
        tb_checkpoint_close(checkpoint);
        return err->status;
    }
    made->checkpoint = checkpoint;
    timbang_status status = map_names(made, err);
    if (status != TIMBANG_OK) {
        tb_state_dict_close(made);
        return status;
    }
    *state = made;
    return TIMBANG_OK;
}

void tb_state_dict_close(tb_state_dict *state)
{
    if (!state)
        return;
    tb_checkpoint_close(state->checkpoint);
    tb_arena_free(state->arena);
    free((void *)state->canonical);
    free(state->sorted);
    free(state);
}

const tb_checkpoint *tb_state_dict_checkpoint(const tb_state_dict *state)
{
    return state->checkpoint;
}

const tb_tensor *tb_state_dict_find(const tb_state_dict *state, const char *name)
{
    size_t low = 0, high = state->n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(state->sorted[middle].canonical, name);
        if (order == 0)
            return state->sorted[middle].tensor;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

timbang_status tb_state_dict_require(const tb_state_dict *state, const char *name, uint32_t rank, const uint64_t *shape,
                                     const tb_tensor **tensor, tb_error *err)
{
    const tb_tensor *found = tb_state_dict_find(state, name);
    const char *file = tb_checkpoint_name(state->checkpoint);
    char expected[160], actual[160];
    tb_dims_text(rank, shape, expected);
    if (!found)
        return tb_fail(err, TIMBANG_MISMATCH, "%s: has no tensor %s, which should be %s", file, name, expected);
    bool same = found->rank == rank;
    for (uint32_t i = 0; i < rank && same; i++)
        same = found->shape[i] == shape[i];
    if (!same)
        return tb_fail(err, TIMBANG_MISMATCH, "%s: tensor %s is %s; by config.json it should be %s", file, found->name,
                       tb_shape_text(found, actual), expected);
    *tensor = found;
    return TIMBANG_OK;
}

timbang_status tb_state_dict_check_layers(const tb_state_dict *state, size_t n_layers, tb_error *err)
{
    if (state->layers <= n_layers)
        return TIMBANG_OK;
    return tb_fail(err, TIMBANG_MISMATCH,
                   "%s: holds %s of layer %zu, but config.json says num_hidden_layers %zu (layers 0 to %zu)",
                   tb_checkpoint_name(state->checkpoint), state->last_layer, state->layers - 1, n_layers, n_layers - 1);
}

size_t tb_state_dict_skipped_observers(const tb_state_dict *state)
{
    return state->observers;
}

size_t tb_state_dict_skipped_other(const tb_state_dict *state)
{
    return state->other;
}

size_t tb_state_dict_unknown(const tb_state_dict *state, const char **first_name)
{
    if (first_name)
        *first_name = state->first_unknown;
    return state->unknown;
}

const char *tb_state_dict_canonical(const tb_state_dict *state, size_t i)
{
    return state->canonical[i];
}
