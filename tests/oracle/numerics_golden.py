# SPDX-License-Identifier: Apache-2.0
"""Writes tests/golden/numerics.txt: what mpmath, NumPy and PyTorch say about the functions of src/kernels.

    python tests/oracle/numerics_golden.py > tests/golden/numerics.txt

One record a line group; floats that go in are their 32 bits in hex, results are doubles unless said otherwise:
    exp|erf|tanh X Y                       mpmath, 40 digits
    gelu|gelu_new X Y                      PyTorch, float64
    layernorm N EPS, then N x: X GAMMA BETA Y   PyTorch, float64
    softmax N SCALE, then N x: X Y              PyTorch, float64
    quantize N SCALE, then N x: X Q             NumPy, float32 (SCALE as bits)
    f16 X H, bf16 X H                      NumPy, PyTorch (H as bits)
"""
import mpmath
import numpy as np
import torch

mpmath.mp.dps = 40


def bits(x):
    return f"{np.float32(x).view(np.uint32):08x}"


def emit(*fields):
    print(" ".join(f if isinstance(f, str) else f"{float(f):.17g}" for f in fields))


def scalars(rng):
    edge = [0.0, -0.0, 1e-45, -1e-40, 1e-20, 0.25, 0.5, 0.625, 0.921875, 1.0, 2.0, 3.84, 4.0, 9.0, 10.0, 20.0, 87.5]
    near = [np.nextafter(np.float32(e), np.float32(0)) for e in (0.625, 0.921875, 1.3037, 4.0)]
    x = np.array(edge + [-e for e in edge] + near, np.float32)
    x = np.concatenate([x, rng.normal(0, 1, 80), rng.normal(0, 4, 80), rng.normal(0, 0.01, 20)]).astype(np.float32)
    exp_only = np.array([-87.3, -88.0, -95.0, -100.0, -103.2, -103.9, -104.5, 88.7, 88.72283], np.float32)
    for name, function, values in (
        ("exp", mpmath.exp, np.concatenate([x, exp_only])),
        ("erf", mpmath.erf, x),
        ("tanh", mpmath.tanh, x),
    ):
        for v in values:
            emit(name, bits(v), function(mpmath.mpf(float(v))))
    t = torch.tensor(x.astype(np.float64))
    for name, y in (
        ("gelu", torch.nn.functional.gelu(t)),
        ("gelu_new", torch.nn.functional.gelu(t, approximate="tanh")),
    ):
        for v, r in zip(x, y):
            emit(name, bits(v), r)


def rows(rng):
    for n in (1, 7, 16, 33, 128):
        x = (rng.normal(0.3, 2, n)).astype(np.float32)
        gamma = rng.normal(1, 0.3, n).astype(np.float32)
        beta = rng.normal(0, 0.3, n).astype(np.float32)
        eps = 1e-5
        wide = [torch.tensor(v.astype(np.float64)) for v in (x, gamma, beta)]
        y = torch.nn.functional.layer_norm(wide[0], (n,), wide[1], wide[2], float(np.float32(eps)))
        emit("layernorm", str(n), np.float32(eps))
        for i in range(n):
            emit(bits(x[i]), bits(gamma[i]), bits(beta[i]), y[i])
    for n in (1, 5, 16, 40, 129):
        x = rng.normal(0, 8, n).astype(np.float32)
        scale = np.float32(0.35355338)
        y = torch.softmax(torch.tensor(x.astype(np.float64)) * float(scale), 0)
        emit("softmax", str(n), scale)
        for i in range(n):
            emit(bits(x[i]), y[i])


def quantization(rng):
    for n in (1, 20, 64, 100):
        x = rng.normal(0, 3, n).astype(np.float32)
        if n == 20:
            x[0] = 127.0
            x[1:8] = [0.5, 1.5, 2.5, -0.5, -1.5, -2.5, 126.5]
        absmax = np.max(np.abs(x))
        q = np.rint(x * (np.float32(127) / absmax)).astype(np.int64)
        emit("quantize", str(n), bits(absmax / np.float32(127)))
        for v, r in zip(x, q):
            emit(bits(v), str(r))


def halves(rng):
    x = np.concatenate([
        [0.0, -0.0, 1.0, 65504.0, 65519.99, 65520.0, 1e6, -np.inf, 2.0**-24, 2.0**-25, 1.0001 * 2.0**-25, 3 * 2.0**-25,
         2.0**-14, 2.0**-14 - 2.0**-26, 1 + 2.0**-11, 1 + 3 * 2.0**-11, 1 + 2.0**-8, 1 + 3 * 2.0**-8, 3.4028235e38,
         1e-40, 1e-45],
        rng.normal(0, 1, 40), rng.normal(0, 1e-5, 20), rng.normal(0, 3e4, 20),
    ]).astype(np.float32)
    with np.errstate(over="ignore"):
        half = x.astype(np.float16).view(np.uint16)
    bfloat = torch.tensor(x).to(torch.bfloat16).view(torch.int16).numpy().view(np.uint16)
    for v, h, b in zip(x, half, bfloat):
        emit("f16", bits(v), f"{h:04x}")
        emit("bf16", bits(v), f"{b:04x}")


if __name__ == "__main__":
    generator = np.random.default_rng(20240601)
    scalars(generator)
    rows(generator)
    quantization(generator)
    halves(generator)
