"""A forward pass of BERT in PyTorch whose values are those of docs/numerics.md, to the last bit, and whose gradients are
PyTorch's own: every operation is computed twice, by PyTorch for autograd and by the contract for its value. With it the
integers of a quantized activation are the engine's, so gradients can be compared without the noise of rounding ties."""
import math

import numpy
import torch
from torch import nn


class Value(torch.autograd.Function):
    """The contract's value; the gradient goes to PyTorch's."""

    @staticmethod
    def forward(ctx, made, exact):
        return exact

    @staticmethod
    def backward(ctx, grad):
        return grad, None


def number(text):
    return torch.tensor(float.fromhex(text), dtype=torch.float32)


def fma(a, b, c):
    """a * b + c with one rounding, for float32. The product is exact in float64, the sum is not always: where it falls on
    the middle between two floats and has lost something, the lost part decides."""
    a, b, c = torch.broadcast_tensors(torch.as_tensor(a), torch.as_tensor(b), torch.as_tensor(c))
    product, c = a.double() * b.double(), c.double()
    total = product + c
    middle = (total.view(torch.int64) & 0x1FFFFFFF) == 0x10000000
    if bool(middle.any()):
        back = total - product
        lost = (product - (total - back)) + (c - back)
        away = torch.where(lost > 0, torch.full_like(total, math.inf), torch.full_like(total, -math.inf))
        total = torch.where(middle & (lost != 0), torch.nextafter(total, away), total)
    return total.float()


def sum16(x):
    """Sums of the last dimension in 16 lanes and a tree."""
    return tree([x[..., i:i + 16] for i in range(0, x.shape[-1], 16)], lambda lane, part: lane + part, x)


def tree(parts, add, x):
    lane = torch.zeros(*x.shape[:-1], 16)
    for part in parts:
        n = part.shape[-1]
        lane = torch.cat([add(lane[..., :n], part), lane[..., n:]], -1)
    for half in (8, 4, 2, 1):
        lane = lane[..., :half] + lane[..., half:2 * half]
    return lane[..., 0]


def exp(x):
    t = torch.minimum(number("0x1.64p+6"), x)
    t = torch.maximum(number("-0x1.ap+6"), t)
    z = fma(t, number("0x1.715476p+0"), number("0x1.8p+23"))
    u = z.view(torch.int32) - 0x4B400000 + 256
    n = z - number("0x1.8p+23")
    r = fma(n, number("-0x1.62e4p-1"), t)
    r = fma(n, number("-0x1.7f7d1cp-20"), r)
    p = number("0x1.6a524ep-10").expand_as(r)
    for c in ("0x1.12396ep-7", "0x1.5558aap-5", "0x1.555492p-3", "0x1.fffffcp-2", "0x1p+0", "0x1p+0"):
        p = fma(p, r, number(c))
    h = u >> 1
    return (p * ((h - 1) << 23).view(torch.float32)) * ((u - h - 1) << 23).view(torch.float32)


def erf(x):
    a = x.abs()
    s = a * a
    p = number("-0x1.3a479cp-11").expand_as(s)
    for c in ("0x1.4749dap-8", "-0x1.b68e62p-6", "0x1.ce1ab4p-4", "-0x1.8126e8p-2", "0x1.06eba6p-3"):
        p = fma(p, s, number(c))
    small = fma(p, a, a)
    t = torch.minimum(number("0x1p+2"), a)
    p = number("-0x1.7b164ep-17").expand_as(t)
    for c in ("0x1.532f4ep-12", "-0x1.ddc84p-9", "0x1.8569a6p-6", "-0x1.b32c88p-4", "-0x1.453204p-1", "-0x1.077964p-3"):
        p = fma(p, t, number(c))
    large = 1 - exp(fma(p, t, -t))
    return torch.copysign(torch.where(a < number("0x1.d8p-1"), small, large), x)


def tanh(x):
    a = x.abs()
    s = a * a
    p = number("-0x1.750ce2p-8").expand_as(s)
    for c in ("0x1.51f8cep-6", "-0x1.b835a4p-5", "0x1.1106f6p-3", "-0x1.555532p-2"):
        p = fma(p, s, number(c))
    small = fma(p * s, a, a)
    below = exp(a + a) + 1
    large = 1 - torch.div(torch.full_like(below, 2), below)
    return torch.copysign(torch.where(a < number("0x1.4p-1"), small, large), x)


def gelu(x):
    return (0.5 * x) * (1 + erf(x * number("0x1.6a09e6p-1")))


def root(x):
    """PyTorch's own square root is not always correctly rounded."""
    return torch.as_tensor(numpy.sqrt(x.numpy()))


def layernorm(x, gamma, beta, eps):
    total = sum16(x)
    n = torch.full_like(total, x.shape[-1])  # PyTorch may multiply by the reciprocal of a single number
    mean = torch.div(total, n)
    d = x - mean[..., None]
    parts = [d[..., i:i + 16] for i in range(0, d.shape[-1], 16)]
    var = tree(parts, lambda lane, part: fma(part, part, lane), d)
    var = torch.div(var, n)
    rstd = torch.div(torch.ones_like(var), root(var + torch.tensor(eps, dtype=torch.float32)))
    return (d * rstd[..., None]) * gamma + beta


def softmax(x, scale):
    v = x * scale
    e = exp(v - v.amax(-1, keepdim=True))
    return e * torch.div(torch.ones(1), sum16(e))[..., None]


def product(a, b):
    """a [.., m, k] . b [.., k, n]: one chain of fused multiply-adds over k."""
    total = torch.zeros(*a.shape[:-1], b.shape[-1])
    for k in range(a.shape[-1]):
        total = fma(a[..., :, k:k + 1], b[..., k:k + 1, :], total)
    return total


class ExactBert:
    """The modules of a BertForSequenceClassification that qat_pytorch.prepare made, with gelu; one text at a time."""

    def __init__(self, model):
        assert model.config.hidden_act == "gelu"
        self.model, self.config = model, model.config

    def norm(self, x, module):
        made = nn.functional.layer_norm(x, x.shape[-1:], module.weight, module.bias, module.eps)
        return Value.apply(made, layernorm(x.detach(), module.weight.detach(), module.bias.detach(), module.eps))

    def attention(self, own, x):
        n, heads = x.shape[0], self.config.num_attention_heads
        d = x.shape[1] // heads
        q, k, v = (part(x).reshape(n, heads, d).transpose(0, 1) for part in (own.query, own.key, own.value))
        scale = torch.div(torch.ones(()), root(torch.tensor(float(d))))
        scores = q @ k.transpose(1, 2)
        scores = Value.apply(scores, product(q.detach(), k.detach().transpose(1, 2)))
        mix = Value.apply(torch.softmax(scores * scale, -1), softmax(scores.detach(), scale))
        context = Value.apply(mix @ v, product(mix.detach(), v.detach()))
        return context.transpose(0, 1).reshape(n, -1)

    def __call__(self, ids):
        bert = self.model.bert
        e = bert.embeddings
        ids = torch.tensor(ids)
        x = (e.word_embeddings(ids) + e.token_type_embeddings(torch.zeros_like(ids))) + \
            e.position_embeddings(torch.arange(len(ids)))
        x = self.norm(x, e.LayerNorm)
        for layer in bert.encoder.layer:
            context = self.attention(layer.attention.self, x)
            between = self.norm(layer.attention.output.dense(context) + x, layer.attention.output.LayerNorm)
            wide = layer.intermediate.dense(between)
            wide = Value.apply(nn.functional.gelu(wide), gelu(wide.detach()))
            x = self.norm(layer.output.dense(wide) + between, layer.output.LayerNorm)
        pooled = bert.pooler.dense(x[:1])
        pooled = Value.apply(torch.tanh(pooled), tanh(pooled.detach()))
        return self.model.classifier(pooled)[0]
