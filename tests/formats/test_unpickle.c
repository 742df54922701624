/* The restricted unpickler: opcodes of all protocols, limits, and everything that it refuses. */
#include "help.h"

#include "formats/unpickle.h"

struct unpickled {
    tb_pickle_heap heap;
    tb_value *root;
    uint64_t end;
    tb_error err;
};

static timbang_status unpickle(struct unpickled *u, const void *bytes, size_t size)
{
    tb_source *source = NULL;
    *u = (struct unpickled){0};
    assert_ok(tb_source_memory("P", bytes, size, &source, &u->err), &u->err);
    assert_ok(tb_pickle_heap_init(&u->heap, "P", &u->err), &u->err);
    timbang_status status = tb_unpickle(&u->heap, source, 0, size, &u->root, &u->end, &u->err);
    tb_source_close(source);
    return status;
}

/* A short picture of a value: i5 s'a' (tuple) [list] {dict} <set> n(one) t/f(bool) d(ouble) L(ong) b(ytes) S(torage)
 * T(ensor) G(lobal). */
static void picture(const tb_value *value, char *out, size_t room, int depth)
{
    size_t n = strlen(out);
    if (depth > 8 || room - n < 64)
        return;
    static const char *const brackets[] = {
        [TB_VALUE_TUPLE] = "()", [TB_VALUE_LIST] = "[]", [TB_VALUE_DICT] = "{}", [TB_VALUE_SET] = "<>"};
    switch (value->kind) {
    case TB_VALUE_NONE:
        strcat(out, "n");
        break;
    case TB_VALUE_BOOL:
        strcat(out, value->as.integer ? "t" : "f");
        break;
    case TB_VALUE_INT:
        snprintf(out + n, room - n, "i%lld", (long long)value->as.integer);
        break;
    case TB_VALUE_LONG:
        snprintf(out + n, room - n, "L%u", (unsigned)value->count);
        break;
    case TB_VALUE_FLOAT:
        strcat(out, "d");
        break;
    case TB_VALUE_STRING:
        snprintf(out + n, room - n, "'%s'", value->as.text);
        break;
    case TB_VALUE_BYTES:
        snprintf(out + n, room - n, "b%u", (unsigned)value->count);
        break;
    case TB_VALUE_GLOBAL:
        strcat(out, "G");
        break;
    case TB_VALUE_STORAGE:
        snprintf(out + n, room - n, "S%s:%llu", value->as.storage->key, (unsigned long long)value->as.storage->numel);
        break;
    case TB_VALUE_TENSOR:
        strcat(out, "T");
        break;
    default:
        strncat(out, brackets[value->kind], 1);
        for (uint32_t i = 0; i < value->count; i++) {
            if (i)
                strcat(out, " ");
            picture(value->as.items[i], out, room, depth + 1);
        }
        strcat(out, brackets[value->kind] + 1);
    }
}

#define BYTES(text) (text), sizeof(text) - 1

static void check(const char *bytes, size_t size, const char *want)
{
    struct unpickled u;
    char text[1024] = "";
    if (unpickle(&u, bytes, size) != TIMBANG_OK)
        fail_msg("%s: %s", want, u.err.text);
    picture(u.root, text, sizeof text, 0);
    assert_string_equal(text, want);
    assert_int_equal(u.end, size);
    tb_pickle_heap_free(&u.heap);
}

static void test_opcodes(void **state)
{
    (void)state;
    check(BYTES("N."), "n");
    check(BYTES("\x80\x02\x88."), "t");
    check(BYTES("I00\n."), "f");
    check(BYTES("I01\n."), "t");
    check(BYTES("I-12\n."), "i-12");
    check(BYTES("I0\n."), "i0");
    check(BYTES("L77L\n."), "i77");
    check(BYTES("L119547037146038801333356L\n."), "L24");
    check(BYTES("J\xfe\xff\xff\xff."), "i-2");
    check(BYTES("J\xff\xff\xff\x7f."), "i2147483647");
    check(BYTES("K\xff."), "i255");
    check(BYTES("M\xe9\x03."), "i1001");
    check(BYTES("\x8a\x00."), "i0");
    check(BYTES("\x8a\x01\xff."), "i-1");
    check(BYTES("\x8a\x02\x00\x80."), "i-32768");
    check(BYTES("\x8a\x08\xff\xff\xff\xff\xff\xff\xff\x7f."), "i9223372036854775807");
    check(BYTES("\x8a\x08\0\0\0\0\0\0\0\x80."), "i-9223372036854775808");
    check(BYTES("\x8a\x09\0\0\0\0\0\0\0\0\x01."), "L9");
    check(BYTES("\x8b\x02\0\0\0\x01\x02."), "i513");
    check(BYTES("F1.5\n."), "d");
    check(BYTES("Fnan\n."), "d");
    check(BYTES("G?\xf0\0\0\0\0\0\0."), "d");
    check(BYTES("S'ab'\n."), "'ab'");
    check(BYTES("S\"a'b\"\n."), "'a'b'");
    check(BYTES("Vcaf\xe9 \\u00e9\\U0001f600\n."), "'caf\xc3\xa9 \xc3\xa9\xf0\x9f\x98\x80'");
    check(BYTES("X\x02\0\0\0ab."), "'ab'");
    check(BYTES("U\x02"
                "ab."),
          "'ab'");
    check(BYTES("T\x02\0\0\0ab."), "'ab'");
    check(BYTES("\x8c\x02"
                "ab."),
          "'ab'");
    check(BYTES("\x8d\x02\0\0\0\0\0\0\0ab."), "'ab'");
    check(BYTES("B\x02\0\0\0ab."), "b2");
    check(BYTES("C\x02"
                "ab."),
          "b2");
    check(BYTES("\x8e\x02\0\0\0\0\0\0\0ab."), "b2");
    check(BYTES("\x96\x02\0\0\0\0\0\0\0ab."), "b2");
    check(BYTES(")."), "()");
    check(BYTES("(K\x01K\x02t."), "(i1 i2)");
    check(BYTES("K\x01\x85."), "(i1)");
    check(BYTES("K\x01K\x02\x86."), "(i1 i2)");
    check(BYTES("K\x01K\x02K\x03\x87."), "(i1 i2 i3)");
    check(BYTES("]K\x01"
                "a."),
          "[i1]");
    check(BYTES("](K\x01K\x02"
                "e."),
          "[i1 i2]");
    check(BYTES("(K\x01K\x02l."), "[i1 i2]");
    check(BYTES("}K\x01Ns."), "{i1 n}");
    check(BYTES("}(K\x01NK\x02Nu."), "{i1 n i2 n}");
    check(BYTES("(K\x01Nd."), "{i1 n}");
    check(BYTES("\x8f(K\x01\x90."), "<i1>");
    check(BYTES("(K\x01\x91."), "<i1>");
    check(BYTES("K\x05q\x03"
                "0Nh\x03\x86."),
          "(n i5)");
    check(BYTES("K\x05r\x03\0\0\0"
                "0Nj\x03\0\0\0\x86."),
          "(n i5)");
    check(BYTES("K\x05p700\n0Ng700\n\x86."), "(n i5)");
    check(BYTES("\x80\x04\x95\x06\0\0\0\0\0\0\0K\x05\x94h\0\x86."), "(i5 i5)");
    check(BYTES("K\x01"
                "2\x86."),
          "(i1 i1)");
    check(BYTES("K\x01(K\x02K\x03"
                "1."),
          "i1");
    check(BYTES("K\x01(0."), "i1");
    check(BYTES("(((tttq\0."), "((()))");
}

static void test_torch(void **state)
{
    (void)state;
    check(BYTES("ccollections\nOrderedDict\n)R."), "{}");
    check(BYTES("ccollections\nOrderedDict\n(]]U\x01"
                "aaK\x01"
                "aatR."),
          "{'a' i1}");
    check(BYTES("ccollections\nOrderedDict\n)R}U\x09_metadataK\x01sb."), "{}");
    check(BYTES("\x8c\x0b"
                "collections\x8c\x0bOrderedDict\x93)R."),
          "{}");
#define ID(type, key, size)                                                                                            \
    "(U\x07storagec" type "U\x01" key "U\x03"                                                                          \
    "cpuK" size "tQ"
    check(BYTES(ID("torch\nFloatStorage\n", "7", "\x0c") "."), "S7:12");
    check(BYTES(ID("torch.storage\nUntypedStorage\n", "7", "\x0c") "."), "S7:12");
    check(BYTES("P('storage', <class 'torch.HalfStorage'>, '31', 'cpu', 600)\n."), "S31:600");
    check(BYTES("P('storage', <class 'torch.HalfStorage'>, '31', 'cuda:0', 600, None)\n."), "S31:600");
    check(BYTES("ctorch._utils\n_rebuild_tensor_v2\n(" ID("torch\nFloatStorage\n", "7", "\x0c") "K\0))\x89NtR."), "T");
    check(BYTES("ctorch._utils\n_rebuild_tensor_v2\n(" ID("torch\nFloatStorage\n", "7", "\x0c") "K\0))\x89N}tR."), "T");
    check(BYTES("ctorch._utils\n_rebuild_parameter\n(ctorch._utils\n_rebuild_tensor_v2\n(" ID(
              "torch\nFloatStorage\n", "7", "\x0c") "K\0))\x89NtR\x88NtR."),
          "T");
}

static void refused(const char *bytes, size_t size, timbang_status expected, const char *text)
{
    struct unpickled u;
    timbang_status status = unpickle(&u, bytes, size);
    assert_refused(text, status, &u.err, expected, text);
    assert_memory_equal(u.err.text, "P: ", 3);
    tb_pickle_heap_free(&u.heap);
}

static void test_refused_globals(void **state)
{
    (void)state;
    refused(BYTES("cos\nsystem\n(S'id'\ntR."), TIMBANG_UNSUPPORTED, "os.system");
    refused(BYTES("cposix\nsystem\n."), TIMBANG_UNSUPPORTED, "posix.system");
    refused(BYTES("c__builtin__\neval\n."), TIMBANG_UNSUPPORTED, "__builtin__.eval");
    refused(BYTES("\x8c\x08"
                  "builtins\x8c\x04"
                  "exec\x93."),
            TIMBANG_UNSUPPORTED, "builtins.exec");
    refused(BYTES("(S'id'\nios\nsystem\n."), TIMBANG_UNSUPPORTED, "os.system");
    refused(BYTES("(ios\n\x1b[31msystem\n."), TIMBANG_UNSUPPORTED, "os.?[31msystem");
    refused(BYTES("ctorch\nload\n."), TIMBANG_UNSUPPORTED, "torch.load");
    refused(BYTES("ctorch.storage\n_load_from_bytes\n."), TIMBANG_UNSUPPORTED, "torch.storage._load_from_bytes");
    refused(BYTES("ctorch._utils\n_rebuild_sparse_tensor\n."), TIMBANG_UNSUPPORTED, "_rebuild_sparse_tensor");
    refused(BYTES("ctorch._utils\n_rebuild_parameter_with_state\n."), TIMBANG_UNSUPPORTED, "with_state");
    refused(BYTES("ccollections\nOrderedDict.fromkeys\n."), TIMBANG_UNSUPPORTED, "collections.OrderedDict.fromkeys");
    refused(BYTES("ccollections\ndefaultdict\n."), TIMBANG_UNSUPPORTED, "collections.defaultdict");
    refused(BYTES("ctorch\nComplexFloatStorage\n."), TIMBANG_UNSUPPORTED, "torch.ComplexFloatStorage");
    refused(BYTES("cargparse\nNamespace\n."), TIMBANG_UNSUPPORTED, "model.state_dict()");
    static const char *const quantized[] = {"torch\nper_tensor_affine",
                                            "torch\nqint8",
                                            "torch\nQInt8Storage",
                                            "torch._utils\n_rebuild_qtensor",
                                            "torch\nper_channel_affine",
                                            "torch.ao.nn.quantized.dynamic.modules.linear\nLinear",
                                            "torch.nn.quantized.modules.linear\nLinearPackedParams"};
    for (size_t i = 0; i < sizeof quantized / sizeof quantized[0]; i++) {
        char bytes[200];
        snprintf(bytes, sizeof bytes, "c%s\n.", quantized[i]);
        refused(bytes, strlen(bytes), TIMBANG_UNSUPPORTED, "torch-quantized pickle");
        refused(bytes, strlen(bytes), TIMBANG_UNSUPPORTED, "float checkpoint");
    }
    refused(BYTES("ccollections\nOrderedDict\n)\x81."), TIMBANG_UNSUPPORTED, "builds an object (opcode 0x81");
    refused(BYTES("ccollections\nOrderedDict\n)}\x92."), TIMBANG_UNSUPPORTED, "opcode 0x92");
    refused(BYTES("(ccollections\nOrderedDict\no."), TIMBANG_UNSUPPORTED, "opcode 0x6f");
    refused(BYTES("\x82\x01."), TIMBANG_UNSUPPORTED, "opcode 0x82");
    refused(BYTES("\x97."), TIMBANG_UNSUPPORTED, "opcode 0x97");
    refused(BYTES("U\x01xQ."), TIMBANG_UNSUPPORTED, "no tensor storage");
    refused(BYTES("(U\x06moduleNNNNtQ."), TIMBANG_UNSUPPORTED, "no tensor storage");
    refused(BYTES("(U\x07storageU\x01xU\x01kU\x03"
                  "cpuK\x01tQ."),
            TIMBANG_UNSUPPORTED, "no tensor storage");
    refused(BYTES(ID("torch\nFloatStorage\n", "/", "\x0c") "."), TIMBANG_UNSUPPORTED, "no tensor storage");
    refused(BYTES("P('storage', <class 'os.system'>, '31', 'cpu', 600)\n."), TIMBANG_UNSUPPORTED, "os.system");
    refused(BYTES("P('storage', <class 'torch.HalfStorage'>, '../31', 'cpu', 600)\n."), TIMBANG_UNSUPPORTED,
            "no tensor storage");
    refused(BYTES("P('storage', <class 'torch.HalfStorage'>, '31', 'cpu', -6)\n."), TIMBANG_UNSUPPORTED,
            "no tensor storage");
    refused(BYTES("Pfile\n."), TIMBANG_UNSUPPORTED, "no tensor storage");
}

static void test_malformed(void **state)
{
    (void)state;
    refused(BYTES(""), TIMBANG_FORMAT, "ends too early");
    refused(BYTES("."), TIMBANG_FORMAT, "one value");
    refused(BYTES("NN."), TIMBANG_FORMAT, "one value");
    refused(BYTES("(N."), TIMBANG_FORMAT, "one value");
    refused(BYTES("N"), TIMBANG_FORMAT, "ends too early");
    refused(BYTES("\xff."), TIMBANG_FORMAT, "no pickle opcode");
    refused(BYTES("\x80\x06N."), TIMBANG_FORMAT, "newer than 5");
    refused(BYTES("\x95\xff\xff\xff\xff\xff\xff\xff\xffN."), TIMBANG_FORMAT, "frame is longer");
    refused(BYTES("0."), TIMBANG_FORMAT, "more from the stack");
    refused(BYTES("1."), TIMBANG_FORMAT, "a mark is missing");
    refused(BYTES("2."), TIMBANG_FORMAT, "more from the stack");
    refused(BYTES("t."), TIMBANG_FORMAT, "a mark is missing");
    refused(BYTES("K\x01(\x85."), TIMBANG_FORMAT, "more from the stack");
    refused(BYTES("K\x01(a."), TIMBANG_FORMAT, "more from the stack");
    refused(BYTES("NNa."), TIMBANG_FORMAT, "no list");
    refused(BYTES("]NNs."), TIMBANG_FORMAT, "no dict");
    refused(BYTES("}(Nu."), TIMBANG_FORMAT, "no dict");
    refused(BYTES("(Nd."), TIMBANG_FORMAT, "no value");
    refused(BYTES("h\x05."), TIMBANG_FORMAT, "never set");
    refused(BYTES("j\xff\xff\xff\xff."), TIMBANG_FORMAT, "never set");
    refused(BYTES("Nr\xff\xff\xff\xff."), TIMBANG_FORMAT, "memo number is too large");
    refused(BYTES("Np99999999999\n."), TIMBANG_FORMAT, "memo number is too large");
    refused(BYTES("Np-1\n."), TIMBANG_FORMAT, "not decimal");
    refused(BYTES("q\0."), TIMBANG_FORMAT, "more from the stack");
    refused(BYTES("X\x05\0\0\0"
                  "ab."),
            TIMBANG_FORMAT, "string is longer");
    refused(BYTES("X\xff\xff\xff\xff"
                  "ab."),
            TIMBANG_FORMAT, "string is longer");
    refused(BYTES("\x8d\xff\xff\xff\xff\xff\xff\xff\xff"
                  "ab."),
            TIMBANG_FORMAT, "string is longer");
    refused(BYTES("\x8b\xff\xff\xff\xff."), TIMBANG_FORMAT, "integer is too long");
    refused(BYTES("\x8a\x05"
                  "a."),
            TIMBANG_FORMAT, "ends too early");
    refused(BYTES("Iab\n."), TIMBANG_FORMAT, "not decimal");
    refused(BYTES("I\n."), TIMBANG_FORMAT, "not decimal");
    refused(BYTES("Sab\n."), TIMBANG_FORMAT, "not plain");
    refused(BYTES("S'a\\x00'\n."), TIMBANG_FORMAT, "not plain");
    refused(BYTES("V\\uZZZZ\n."), TIMBANG_FORMAT, "hexadecimal");
    refused(BYTES("V\\ud800\n."), TIMBANG_FORMAT, "no character");
    refused(BYTES("V\\u12\n."), TIMBANG_FORMAT, "hexadecimal");
    refused(BYTES("N)R."), TIMBANG_FORMAT, "no function");
    refused(BYTES("ccollections\nOrderedDict\nNR."), TIMBANG_FORMAT, "no function");
    refused(BYTES("ccollections\nOrderedDict\n(NtR."), TIMBANG_FORMAT, "no list of pairs");
    refused(BYTES("ccollections\nOrderedDict\n(](NetR."), TIMBANG_FORMAT, "no list of pairs");
    refused(BYTES("ctorch\nFloatStorage\n)R."), TIMBANG_FORMAT, "a storage is called");
    refused(BYTES("ctorch._utils\n_rebuild_tensor_v2\n)R."), TIMBANG_FORMAT, "a tensor is not made");
    refused(BYTES("ctorch._utils\n_rebuild_parameter\n(NNNtR."), TIMBANG_FORMAT, "a parameter is not made");
    refused(BYTES("NNb."), TIMBANG_FORMAT, "state is set");
    refused(BYTES("NN\x93."), TIMBANG_FORMAT, "no string");
    refused(BYTES("ctorch._utils\n_rebuild_tensor_v2\n(" ID(
                "torch\nFloatStorage\n", "7",
                "\x0c") "K\0(K\1K\1K\1K\1K\1K\1K\1K\1K\1t(K\1K\1K\1K\1K\1K\1K\1K\1K\1t\x89NtR."),
            TIMBANG_FORMAT, "9 dimensions");
    refused(BYTES("ctorch._utils\n_rebuild_tensor_v2\n(" ID("torch\nFloatStorage\n", "7", "\x0c") "K\0(K\1t)\x89NtR."),
            TIMBANG_FORMAT, "a tensor is not made");
}

static void test_limits(void **state)
{
    (void)state;
    size_t n = 5 << 20;
    char *bytes = malloc(n);
    assert_non_null(bytes);
    memset(bytes, '(', 2000);
    refused(bytes, 2000, TIMBANG_FORMAT, "nested too deeply");
    memset(bytes, 'N', n);
    refused(bytes, n, TIMBANG_FORMAT, "stack grows too high");
    for (size_t i = 0; i + 1 < n; i += 2) /* push and pop: the stack stays low, the values count */
        memcpy(bytes + i, "N0", 2);
    char *more = malloc(4 * n);
    for (int i = 0; i < 4; i++)
        memcpy(more + (size_t)i * n, bytes, n);
    refused(more, 4 * n, TIMBANG_FORMAT, "more than 4194304 values");
    /* One list appended to itself again and again. */
    memcpy(more, "]q\0", 3);
    for (size_t i = 3; i + 3 < 4 * n; i += 3)
        memcpy(more + i, "h\0a", 3);
    refused(more, 4 * n, TIMBANG_FORMAT, "more than 4194304 values");
    memset(more, 'a', 4 * n);
    more[0] = 'V';
    refused(more, 4 * n, TIMBANG_FORMAT, "text line is too long");
    more[0] = 'c';
    refused(more, 4 * n, TIMBANG_FORMAT, "text line is too long");
    free(more);
    free(bytes);
    check(BYTES("]q\0h\0a."), "[[[[[[[[[]]]]]]]]]"); /* a list in itself is read, and never followed */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_opcodes),   cmocka_unit_test(test_torch),  cmocka_unit_test(test_refused_globals),
        cmocka_unit_test(test_malformed), cmocka_unit_test(test_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
