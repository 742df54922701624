# SPDX-License-Identifier: Apache-2.0
"""Makes tests/golden/text: small tokenizer folders of our own with what transformers' AutoTokenizer gives for them, and
hashes of what it gives for the texts of the shared data folder and for random texts.

    python tests/oracle/text_make_golden.py SHARED
"""

import json
import os
import shutil
import sys

os.environ.setdefault("HF_HUB_OFFLINE", "1")
import text_common as common  # noqa: E402
import transformers  # noqa: E402

transformers.logging.set_verbosity_error()
FOLDERS = os.path.join(common.GOLDEN, "folders")
N_RANDOM_SHARED = 100000
N_RANDOM_OWN = 20000

WORDS = """[PAD] [UNK] [CLS] [SEP] [MASK] film ##nya bagus sekali tidak suka ku ##ku rumah makan ##an enak di ##per
##tanggung ##jawab ##kan per ke ##puas a b c d e ##a ##b ##c ##d ##e é ##é e\u0301 # ## ##- . , ! ? - _ [ ] mask 中 文 한
\u1112\u1161\u11ab i ##i \u0307 İ ß ss A B Film Bagus <unk> @@nya @@an kota ##kota Kota""".split()

TEXTS = [
    "", " ", "film", "Film", "filmnya", "filmnya BAGUS sekali!", "tidak suka", "dipertanggungjawabkan",
    "[MASK]", "film [MASK] bagus", "film[MASK]bagus", " [MASK] ", "[mask]", "[MASK", "[[MASK]]", "[CLS] film [SEP]",
    "é", "e\u0301", "aéb", "É", "a\u0301\u0323b", "中文film中", "한", "\u1112\u1161\u11ab", "İ", "i\u0307", "ß", "ẞ",
    "a\x00b", "a\ufffdb", "a\u200bb", "a\tb\nc\r\nd", "a\u00a0b", "a\u3000b", "a\u0085b", "a b", "a-b_c", "##a", "a##b",
    "a" * 99, "a" * 100, "a" * 101, "a" * 5, "a" * 6, "😀", "a😀b", "film 😀 nya", "\ue000a", "Kota", "kota", "KOTA",
    "<x>", "film<x>", "film <x> film", "a<x>b", "film  <l>  film", "film  <r>  film", "film <w> film", "film<w>film",
    "a<w>", "<w>a", "é<w>", "_<w>", "<w><w>", "<X> <N> <n> A\u0301N", "<l><r><l>", "<r> <l>", "<r>  <r>  x", "<xx><xxx>",
    "<new>", "film <new> nya", "<e1><e2>", "<image> <img>", "a a  a", "\u2028a\u2029", "bagus.", "bagus...", "¿bagus?",
    "a\u0f71\u0f72\u0f73b", "\u0345\u0301a\u0345\u0301", "\u1d15e\u0301", "Åé中İ", "@@nya film@@nya",
]
PAIRS = [("film bagus sekali", "tidak suka"), ("a b c d e", "a b c d e"), ("a b c d e a b", "a"), ("a", "a b c d e a b"),
         ("", "film"), ("film", ""), ("", ""), ("[MASK] é", "中[MASK]")]


def added(index, content, **flags):
    token = {"id": index, "content": content, "single_word": False, "lstrip": False, "rstrip": False,
             "normalized": False, "special": False}
    token.update(flags)
    return token


def specials(vocab):
    return [added(vocab[t], t, special=True) for t in WORDS[:5] if t in vocab]


def template(single, pair, tokens):
    def pieces(text):
        out = []
        for word in text.split():
            name, type_id = word.rsplit(":", 1)
            kind = "Sequence" if name[0] == "$" else "SpecialToken"
            out.append({kind: {"id": name.lstrip("$"), "type_id": int(type_id)}})
        return out

    return {"type": "TemplateProcessing", "single": pieces(single), "pair": pieces(pair),
            "special_tokens": {n: {"id": n, "ids": i, "tokens": [n] * len(i)} for n, i in tokens.items()}}


def bert_normalizer(lowercase=True, strip_accents=None, chinese=True, clean=True):
    return {"type": "BertNormalizer", "clean_text": clean, "handle_chinese_chars": chinese,
            "strip_accents": strip_accents, "lowercase": lowercase}


def tokenizer_json(words=None, **changes):
    vocab = {t: i for i, t in enumerate(words or WORDS)}
    root = {
        "version": "1.0", "truncation": None, "padding": None, "added_tokens": specials(vocab),
        "normalizer": bert_normalizer(), "pre_tokenizer": {"type": "BertPreTokenizer"},
        "post_processor": template("[CLS]:0 $A:0 [SEP]:0", "[CLS]:0 $A:0 [SEP]:0 $B:1 [SEP]:1", {"[CLS]": [2], "[SEP]": [3]}),
        "decoder": {"type": "WordPiece", "prefix": "##", "cleanup": True},
        "model": {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##",
                  "max_input_chars_per_word": 100, "vocab": vocab},
    }
    for key, value in changes.items():
        if key in ("unk_token", "continuing_subword_prefix", "max_input_chars_per_word"):
            root["model"][key] = value
        elif key == "more":
            root["added_tokens"] += value
        else:
            root[key] = value
    return root


def wide_words():
    """A vocabulary in which normalized letters, marks and syllables can be told apart."""
    chars = list(range(0x21, 0x7F)) + list(range(0xA1, 0x250)) + list(range(0x300, 0x370)) + list(range(0x390, 0x460))
    chars += list(range(0x5D0, 0x5F0)) + list(range(0x900, 0xA00)) + list(range(0x1100, 0x1113))
    chars += list(range(0x1161, 0x1176)) + list(range(0x11A8, 0x11C3)) + list(range(0xF40, 0xFC0)) + [0x1F600, 0x4E00]
    chars += list(range(0x1D157, 0x1D173)) + list(range(0x2000, 0x2070)) + list(range(0x302A, 0x3030))
    words = WORDS[:5] + [chr(c) for c in chars] + ["##" + chr(c) for c in chars]
    words += ["bagus", "sekali", "film", "##nya", "cerita", "##an", "kecewa", "meng", "##kan", "orang", "tidak", "yang"]
    return list(dict.fromkeys(words))


FAST = {"tokenizer_class": "PreTrainedTokenizerFast"}
BERT = {"tokenizer_class": "BertTokenizer"}
MORE = [
    added(200, "<x>"), added(201, "<xx>"), added(202, "<xx><x"), added(203, "<l>", lstrip=True),
    added(204, "<r>", rstrip=True), added(205, "<w>", single_word=True), added(206, "<N>", normalized=True),
    added(207, "<n>", normalized=False), added(208, "ÁN", normalized=True), added(209, "Kota", normalized=True),
    added(210, "<s>", special=True), added(211, "  ", normalized=False),
]


def folders():
    vocab_text = "\n".join(WORDS) + "\n"
    mask = {"content": "[MASK]", "lstrip": True, "normalized": False, "rstrip": False, "single_word": False}
    out = {
        "json-bert": {"tokenizer.json": tokenizer_json(), "tokenizer_config.json": {
            **BERT, "do_lower_case": True, "model_max_length": 1000000000000000019884624838656, "never_split": None}},
        "json-alone": {"tokenizer.json": tokenizer_json(normalizer=bert_normalizer(False))},
        "json-type": {"tokenizer.json": tokenizer_json(normalizer=bert_normalizer(False)), "config.json": {"model_type": "bert"}},
        "json-conflict": {"tokenizer.json": tokenizer_json(max_input_chars_per_word=5, normalizer=bert_normalizer(False, True)),
                          "tokenizer_config.json": {"tokenizer_class": "BertTokenizerFast", "strip_accents": False}},
        "json-cased": {"tokenizer.json": tokenizer_json(), "tokenizer_config.json": {**BERT, "do_lower_case": False}},
        "json-cased-strip": {"tokenizer.json": tokenizer_json(),
                             "tokenizer_config.json": {**BERT, "do_lower_case": False, "strip_accents": True}},
        "json-no-chinese": {"tokenizer.json": tokenizer_json(),
                            "tokenizer_config.json": {**BERT, "tokenize_chinese_chars": False}},
        "json-more": {"tokenizer.json": tokenizer_json(more=MORE), "tokenizer_config.json": BERT},
        "json-convbert": {"tokenizer.json": tokenizer_json(normalizer=bert_normalizer(False), post_processor=None),
                          "tokenizer_config.json": {"tokenizer_class": "ConvBertTokenizer"}},
        "json-nul": {"tokenizer.json": tokenizer_json(WORDS + ["\x00", "a\x00b", "##\x00"], normalizer=bert_normalizer(clean=False)),
                     "tokenizer_config.json": {**FAST, "x\x00y": "\x00"}},
        "fast-more": {"tokenizer.json": tokenizer_json(more=MORE), "tokenizer_config.json": FAST},
        "fast-more-cased": {"tokenizer.json": tokenizer_json(more=MORE, normalizer=bert_normalizer(False, False)),
                            "tokenizer_config.json": FAST},
        "fast-decoder": {"tokenizer.json": tokenizer_json(more=MORE[:3]), "tokenizer_config.json": {
            **FAST, "mask_token": "[MASK]", "pad_token": "<pad>", "added_tokens_decoder": {
                "4": {**mask, "special": True}, "90": added(0, "<new>", rstrip=True) | {}, "70": added(0, "<x>", lstrip=True)}}},
        "fast-no-normalizer": {"tokenizer.json": tokenizer_json(normalizer=None), "tokenizer_config.json": FAST},
        "fast-lowercase": {"tokenizer.json": tokenizer_json(normalizer={"type": "Lowercase"}), "tokenizer_config.json": FAST},
        "fast-sequence": {"tokenizer.json": tokenizer_json(normalizer={"type": "Sequence", "normalizers": [bert_normalizer()]}),
                          "tokenizer_config.json": FAST},
        "fast-dirty": {"tokenizer.json": tokenizer_json(normalizer=bert_normalizer(clean=False, chinese=False)),
                       "tokenizer_config.json": FAST},
        "fast-whitespace": {"tokenizer.json": tokenizer_json(pre_tokenizer={"type": "Whitespace"}), "tokenizer_config.json": FAST},
        "fast-spaces": {"tokenizer.json": tokenizer_json(pre_tokenizer={"type": "WhitespaceSplit"}), "tokenizer_config.json": FAST},
        "fast-no-split": {"tokenizer.json": tokenizer_json(pre_tokenizer=None), "tokenizer_config.json": FAST},
        "fast-prefix": {"tokenizer.json": tokenizer_json(unk_token="<unk>", continuing_subword_prefix="@@",
                                                         max_input_chars_per_word=5), "tokenizer_config.json": FAST},
        "fast-empty-prefix": {"tokenizer.json": tokenizer_json(continuing_subword_prefix="", max_input_chars_per_word=1000000000000),
                              "tokenizer_config.json": FAST},
        "fast-bert-processing": {"tokenizer.json": tokenizer_json(post_processor={
            "type": "BertProcessing", "sep": ["[SEP]", 3], "cls": ["[CLS]", 2]}), "tokenizer_config.json": FAST},
        "fast-no-template": {"tokenizer.json": tokenizer_json(post_processor=None), "tokenizer_config.json": FAST},
        "fast-odd-template": {"tokenizer.json": tokenizer_json(post_processor=template(
            "[CLS]:1 $A:3 [SEP]:0 [SEP]:2", "$A:1 [SEP]:0 $B:7 [CLS]:4", {"[CLS]": [2, 5], "[SEP]": [3]})),
            "tokenizer_config.json": FAST},
        "fast-left": {"tokenizer.json": tokenizer_json(truncation={
            "direction": "Left", "max_length": 3, "strategy": "OnlyFirst", "stride": 1}, padding={
            "strategy": {"Fixed": 12}, "direction": "Right", "pad_to_multiple_of": None, "pad_id": 0, "pad_type_id": 0,
            "pad_token": "<new>"}), "tokenizer_config.json": FAST},
        "json-left": {"tokenizer.json": tokenizer_json(truncation={
            "direction": "Right", "max_length": 3, "strategy": "OnlyFirst", "stride": 1}),
            "tokenizer_config.json": {**BERT, "truncation_side": "left"}},
        "fast-split-special": {"tokenizer.json": tokenizer_json(more=MORE), "tokenizer_config.json": {**FAST, "split_special_tokens": True}},
        "vocab-type": {"vocab.txt": vocab_text, "config.json": {"model_type": "bert", "vocab_size": len(WORDS)}},
        "vocab-config": {"vocab.txt": vocab_text, "tokenizer_config.json": {
            **BERT, "do_lower_case": False, "strip_accents": False, "added_tokens_decoder": {
                "3": added(0, "[SEP]", special=True), "400": added(0, "<x>", single_word=True),
                "100": added(0, "Kota", normalized=True), "101": added(0, "<new>", special=True, lstrip=True)}}},
        "vocab-special-map": {"vocab.txt": vocab_text, "tokenizer_config.json": {**BERT, "mask_token": "[UNK]"},
                              "special_tokens_map.json": {"mask_token": mask, "cls_token": "[CLS]",
                                                          "additional_special_tokens": ["<e1>", "<e2>"]},
                              "added_tokens.json": {"<new>": 90, "<e1>": 91, "film": 92}},
        "vocab-extra": {"vocab.txt": vocab_text, "tokenizer_config.json": {
            **BERT, "image_token": "<image>", "bos_token": "<s>", "additional_special_tokens": ["<e1>", "[MASK]"],
            "mask_token": {"__type": "AddedToken", **mask}}},
        "vocab-extra-map": {"vocab.txt": vocab_text, "tokenizer_config.json": {
            **BERT, "extra_special_tokens": {"img": "<img>", "image": "<image>"}}},
        "vocab-roles": {"vocab.txt": vocab_text.replace("[CLS]", "<s>").replace("[UNK]", "<what>"), "tokenizer_config.json": {
            **BERT, "unk_token": "<unk>", "cls_token": "<s>", "sep_token": "[SEP]", "pad_token": "[PAD]", "mask_token": "<new>"}},
        "vocab-repeats": {"vocab.txt": vocab_text.replace("sekali\n", "bagus\n").replace("suka\n", "suka \t\r\n")
                          .replace("rumah\n", "\n\u3000\n") + "film\nsuka", "tokenizer_config.json": BERT},
        "vocab-spaces": {"vocab.txt": vocab_text.replace("\n", "\r\n"), "tokenizer_config.json": BERT},
    }
    for name, lower, strip in (("wide-lower", True, None), ("wide-cased", False, False), ("wide-keep", True, False), ("wide-strip", False, True)):
        out[name] = {"vocab.txt": "\n".join(wide_words()) + "\n", "tokenizer_config.json": {
            **BERT, "do_lower_case": lower, "strip_accents": strip, "added_tokens_decoder": {
                "9000": added(0, "<Kota>", normalized=True), "9001": added(0, "A\u0301X", normalized=True, single_word=True),
                "9002": added(0, "<x>", lstrip=True, rstrip=True), "9003": added(0, "<y>", single_word=True)}}}
    return out


def write_folders():
    shutil.rmtree(FOLDERS, ignore_errors=True)
    for name, files in folders().items():
        os.makedirs(os.path.join(FOLDERS, name))
        for file, content in files.items():
            with open(os.path.join(FOLDERS, name, file), "w", encoding="utf-8", newline="") as f:
                f.write(content if isinstance(content, str) else json.dumps(content) + "\n")


def case(tokenizer, texts, text, pair, most):
    """[text, pair or -1, maximum length, ids, type ids, begins, ends]; texts by their place in the list of texts."""
    # A list: for a single text transformers takes an empty pair for none.
    second = None if pair is None else [pair]
    e = tokenizer([text], second, truncation=True, max_length=most, return_offsets_mapping=True).encodings[0]
    places = [texts.setdefault(t, len(texts)) if t is not None else -1 for t in (text, pair)]
    return places + [most, e.ids, e.type_ids, [o[0] for o in e.offsets], [o[1] for o in e.offsets]]


def make_cases():
    texts, folders_out = {}, []
    for name in folders():
        if name.startswith("wide"):
            continue
        tokenizer = transformers.AutoTokenizer.from_pretrained(os.path.join(FOLDERS, name))
        backend = tokenizer.backend_tokenizer
        rows = [case(tokenizer, texts, text, None, 512) for text in TEXTS]
        for text in ("filmnya bagus sekali!", "a b c", ""):
            rows += [case(tokenizer, texts, text, None, most) for most in (4, 5, 6, 7)]
        rows += [case(tokenizer, texts, a, b, most) for a, b in PAIRS for most in (4, 5, 6, 7, 8, 512)]
        ids = backend.get_vocab(with_added_tokens=True)
        about = {
            "vocab_size": max(ids.values()) + 1,
            "pad": tokenizer.pad_token_id if tokenizer.pad_token else ids.get("[PAD]", -1),
            "unk": backend.token_to_id(backend.model.unk_token),
            "mask": tokenizer.mask_token_id if tokenizer.mask_token else ids.get("[MASK]", -1),
        }
        lines = ",\n".join(json.dumps(row, separators=(",", ":")) for row in rows)
        folders_out.append("%s: {%s, \"cases\": [\n%s\n]}" % (json.dumps(name), json.dumps(about)[1:-1], lines))
    with open(os.path.join(common.GOLDEN, "cases.json"), "w", encoding="ascii", newline="\n") as f:
        f.write("{\"texts\": %s,\n\"folders\": {\n" % json.dumps(list(texts)))
        f.write(",\n".join(folders_out) + "\n}}\n")


def make_hashes(shared):
    out = {"block": common.BLOCK, "max_length": 512, "own": {}, "shared": {}}
    texts = common.random_texts(N_RANDOM_SHARED)
    for name in ("wide-lower", "wide-cased", "wide-keep", "wide-strip"):
        tokenizer = transformers.AutoTokenizer.from_pretrained(os.path.join(FOLDERS, name))
        out["own"][name] = {"random": common.block_hashes(common.encode_all(tokenizer, texts[:N_RANDOM_OWN]))}
    for name, place in common.TOKENIZERS.items():
        tokenizer = transformers.AutoTokenizer.from_pretrained(os.path.join(shared, place))
        entry = out["shared"][name] = {"folder": place}
        for data in common.DATA_FILES:
            entry[data] = common.block_hashes(common.encode_all(tokenizer, common.data_lines(shared, data)))
        entry["random"] = common.block_hashes(common.encode_all(tokenizer, texts))
    with open(os.path.join(common.GOLDEN, "hashes.json"), "w", encoding="ascii", newline="\n") as f:
        json.dump(out, f, indent=1)
        f.write("\n")


def main():
    write_folders()
    make_cases()
    if len(sys.argv) > 1:
        make_hashes(sys.argv[1])


if __name__ == "__main__":
    main()
