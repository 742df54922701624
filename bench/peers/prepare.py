"""Makes what the engines of run.py load: a classifier of BERT-base's size with random weights of a realistic scale, as a
Hugging Face folder, as ONNX (FP32; INT8 dynamic per channel, plain and fused; INT4 in blocks of 128), for OpenVINO
(INT8 by NNCF) and for CTranslate2, and Timbang's own INT8 and INT4 folders.

usage: prepare.py FOLDER --tokenizer DIR [--timbang PROGRAM]
DIR has a WordPiece tokenizer of at most 50000 entries. What is there already stays as it is. Some minutes, 3 GB.
"""
import argparse
import pathlib
import shutil
import subprocess

import numpy as np

VOCABULARY, LABELS = 50000, ["positive", "neutral", "negative"]


def make_checkpoint(out, tokenizer):
    import torch
    from transformers import BertConfig, BertForSequenceClassification
    torch.manual_seed(0)
    config = BertConfig(vocab_size=VOCABULARY, num_labels=len(LABELS), id2label=dict(enumerate(LABELS)),
                        label2id={label: i for i, label in enumerate(LABELS)})
    BertForSequenceClassification._from_config(config).eval().save_pretrained(out)
    for name in ("vocab.txt", "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json"):
        if (tokenizer / name).exists():
            shutil.copyfile(tokenizer / name, out / name)


def make_onnx(base):
    import torch
    from transformers import AutoModelForSequenceClassification

    class Logits(torch.nn.Module):
        def __init__(self, model):
            super().__init__()
            self.model = model

        def forward(self, input_ids, attention_mask):
            return self.model(input_ids=input_ids, attention_mask=attention_mask).logits

    model = AutoModelForSequenceClassification.from_pretrained(base / "hf", attn_implementation="eager").eval()
    ids = torch.randint(5, VOCABULARY, (2, 16))
    axes = {0: "batch", 1: "tokens"}
    torch.onnx.export(Logits(model), (ids, torch.ones_like(ids)), base / "fp32.onnx",
                      input_names=["input_ids", "attention_mask"], output_names=["logits"],
                      dynamic_axes={"input_ids": axes, "attention_mask": axes, "logits": {0: "batch"}},
                      opset_version=17, dynamo=False)


def make_ort(base):
    """ONNX Runtime's own tools: fused graph, dynamic INT8 per channel, blockwise INT4."""
    import onnx
    from onnxruntime.quantization import QuantType, quantize_dynamic
    from onnxruntime.quantization.matmul_nbits_quantizer import MatMulNBitsQuantizer
    from onnxruntime.transformers import optimizer
    fused = optimizer.optimize_model(str(base / "fp32.onnx"), "bert", num_heads=12, hidden_size=768, opt_level=0)
    fused.save_model_to_file(str(base / "fp32_opt.onnx"))
    quantize_dynamic(base / "fp32.onnx", base / "int8.onnx", weight_type=QuantType.QInt8, per_channel=True)
    quantize_dynamic(base / "fp32_opt.onnx", base / "int8_opt.onnx", weight_type=QuantType.QInt8, per_channel=True,
                     extra_options={"DefaultTensorType": onnx.TensorProto.FLOAT})
    blocks = MatMulNBitsQuantizer(onnx.load(base / "fp32_opt.onnx"), block_size=128, is_symmetric=True,
                                  accuracy_level=4)
    blocks.process()
    blocks.model.save_model_to_file(str(base / "int4_opt.onnx"))


def make_openvino(base):
    import nncf
    import openvino
    rng = np.random.default_rng(0)
    data = [{"input_ids": rng.integers(5, VOCABULARY, (1, 32)), "attention_mask": np.ones((1, 32), np.int64)}
            for _ in range(32)]
    model = openvino.Core().read_model(base / "fp32.onnx")
    quantized = nncf.quantize(model, nncf.Dataset(data), model_type=nncf.ModelType.TRANSFORMER, subset_size=32)
    openvino.save_model(quantized, base / "ov_int8.xml")


def make_ctranslate2(base):
    import ctranslate2
    import transformers
    transformers.BertConfig.position_embedding_type = "absolute"  # the converter asks for what newer versions dropped
    # In float32: loading quantizes where it is asked to, and what is stored as INT8 is no FP32 any more.
    ctranslate2.converters.TransformersConverter(str(base / "hf")).convert(str(base / "ct2"))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--tokenizer", type=pathlib.Path, required=True)
    parser.add_argument("--timbang", default="build/cli/timbang")
    args = parser.parse_args()
    base = args.folder
    base.mkdir(parents=True, exist_ok=True)

    def once(made, how, *arguments):
        if not (base / made).exists():
            print("making", made, flush=True)
            how(*arguments)

    once("hf", make_checkpoint, base / "hf", args.tokenizer)
    once("fp32.onnx", make_onnx, base)
    once("int4_opt.onnx", make_ort, base)
    once("ov_int8.xml", make_openvino, base)
    once("ct2", make_ctranslate2, base)
    for scheme in ("int8", "int4", "fp16", "bf16"):
        once(f"timbang_{scheme}", subprocess.run,
             [args.timbang, "quantize", base / "hf", "--to", scheme, "-o", base / f"timbang_{scheme}", "--quiet"])


if __name__ == "__main__":
    main()
