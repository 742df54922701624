"""Timbang's quantization-aware training in PyTorch: BERT modules whose forward pass sees what `timbang quantize` will make
of the masters, and whose backward pass goes straight through (docs/training.md, "Training elsewhere").

    model = AutoModelForSequenceClassification.from_pretrained(...)
    qat_pytorch.prepare(model, "int8")       # or int4, int4-g64, int4-g128, each also with -e4 or -e8
    ... train as usual; biases and LayerNorm stay float ...
    model.save_pretrained("master")          # the float masters, a plain Hugging Face folder

and then `timbang quantize master --to int8 -o DIR` has the integers that the last forward pass used. Roundings are
Timbang's own, operation by operation (src/quant/round.c, src/quant/two_level.c, docs/numerics.md); products of integers are
exact with exact=True (in float64), else float products of the rounded values, which suits a GPU.
"""
import math
import re

import torch
from torch import nn

SMALLEST = 2.0 ** -149
MULTIPLIERS = 15
CHANNEL_CANDIDATES, CHANNEL_FIRST, CHANNEL_STEP = 20, 0.80, 0.025
ROW_CANDIDATES, ROW_FIRST, ROW_STEP = 37, 0.30, 0.02
REFINEMENTS, CLIP_LIMIT, LANES = 3, 0.66, 16



def _over(x, number):
    """x / number in one rounding: PyTorch may multiply by the reciprocal of a plain number."""
    return torch.div(x, torch.full_like(x, number))


def _into(number, x):
    """number / x in one rounding."""
    return torch.div(torch.full_like(x, number), x)


# ---- Eight bits: the largest magnitude decides ----


def round_s8_rows(w):
    """(q in -127..127 as float, scale [rows]) of w [rows, columns]: scale = absmax / 127, q = rint(w / scale)."""
    absmax = w.abs().amax(1)
    scale = _over(absmax, 127)
    scale = torch.where((scale == 0) & (absmax > 0), torch.full_like(scale, SMALLEST), scale)
    scale = torch.where(absmax == 0, torch.ones_like(scale), scale)
    return torch.clamp(w / scale[:, None], -127, 127).round(), scale


def round_tokens(x):
    """(q in -127..127 as float, scale) of activations, a scale for each token: scale = absmax / 127,
    q = rint(x * (127 / absmax)); a token of (nearly) nothing is zeros."""
    absmax = x.abs().amax(-1, keepdim=True)
    tiny = absmax < 2.0 ** -100
    inverse = _into(127, torch.where(tiny, torch.ones_like(absmax), absmax))
    scale = torch.where(tiny, torch.zeros_like(absmax), _over(absmax, 127))
    q = torch.clamp((x * inverse).round(), -127, 127)
    return torch.where(tiny, torch.zeros_like(q), q), scale


# ---- Four bits: scales by squared error ----


def importance_of(gamma, beta):
    """How much column i of a linear behind a LayerNorm matters: gamma^2 + beta^2, relative to the mean, 1/16 to 16."""
    square = (gamma.double() ** 2 + beta.double() ** 2).tolist()
    mean = 0.0
    for value in square:
        mean += value / len(square)
    return torch.tensor([min(16.0, max(1 / 16, value / mean)) if mean > 0 else 1.0 for value in square],
                        dtype=torch.float32, device=gamma.device)


def _storable(scale):
    """Nearest positive values with 20 significant bits, multiples of the smallest float. float64."""
    exponent = torch.frexp(scale).exponent - 20
    step = torch.ldexp(torch.ones_like(scale), torch.clamp(exponent, min=-149))
    return torch.where(scale <= SMALLEST, torch.full_like(scale, SMALLEST), (scale / step).round() * step)


def _round4(w, step):
    """float64 of w float64: rint(w / step) in -8..7."""
    return torch.clamp(w / step, -8, 7).round()


class _Rows:
    """Rows of one matrix, or of several with as many columns, and the search's view of them: x, scaled by a power of two
    so that the largest magnitude of a row is in [1, 2). All rows are searched at once; every figure of a row is made by
    the same operations in the same order as for that row alone."""

    def __init__(self, w, importance, group, exact):
        self.w, self.h, self.group, self.exact = w.double(), importance, group, exact
        self.rows, self.columns = w.shape
        self.groups = self.columns // group
        self.exponent = torch.frexp(w.abs().amax(1).double()).exponent - 1
        x = torch.ldexp(self.w, -self.exponent[:, None]).float()
        self.x = x.reshape(self.rows, self.groups, group)
        self.hx = self.h.expand(self.rows, self.columns).reshape(self.rows, self.groups, group)
        high, low = _over(self.x.amax(2).clamp(min=0), 7), _over(self.x.amin(2).clamp(max=0), -8)
        self.cover = torch.where(high > low, high, low)

    def unscaled(self, scale):
        return torch.ldexp(scale, self.exponent)

    def error(self, t):
        """[rows, groups] float32 of scales t [rows, groups]: sum of (x - t clamp(rint(x / t), -8, 7))^2 h, in 16 lanes and
        a tree."""
        r = torch.clamp(self.x * _into(1, t)[:, :, None], -8, 7).round()
        d = self.x - r * t[:, :, None]
        d = d * d * self.hx
        pad = -self.group % LANES
        lanes = nn.functional.pad(d, (0, pad)).reshape(self.rows, self.groups, -1, LANES)
        total = lanes[:, :, 0]
        for i in range(1, lanes.shape[2]):
            total = total + lanes[:, :, i]
        for half in (8, 4, 2, 1):
            total = total[..., :half] + total[..., half:2 * half]
        return total[..., 0]

    def sum_in_order(self, terms):
        """float64 sums over the last dimension, ascending; in any order where exactness is not asked for."""
        if not self.exact:
            return terms.sum(-1)
        total = torch.zeros(terms.shape[:-1], dtype=torch.float64, device=terms.device)
        for i in range(terms.shape[-1]):
            total = total + terms[..., i]
        return total

    def multipliers(self, s):
        """Best multiplier of each group for scaled channel scales s [rows] float32, and the sum of errors [rows]."""
        ratio = self.cover / s[:, None]
        low = ratio * torch.tensor(CLIP_LIMIT, dtype=torch.float32, device=ratio.device)
        first = low.clamp(1, MULTIPLIERS).int()
        last = torch.where(ratio >= MULTIPLIERS, torch.full_like(ratio, MULTIPLIERS), ratio.floor() + 1).int()
        best = torch.full_like(ratio, math.inf)
        m = torch.ones_like(first)
        for k in range(int(first.min()), int(last.max()) + 1):
            error = self.error((s * k)[:, None].expand_as(ratio))
            better = (first <= k) & (k <= last) & (error < best)
            best, m = torch.where(better, error, best), torch.where(better, torch.full_like(m, k), m)
        return m, self.sum_in_order(best.double())

    def least_squares(self, scale, m):
        """Channel scales with the least squared error for the integers that scale [rows] and m [rows, groups] give."""
        k = m.double().repeat_interleave(self.group, 1)
        p = _round4(self.w, scale[:, None] * k) * k
        h = self.h.double().expand(self.rows, self.columns)
        cross, square = self.sum_in_order(self.w * p * h), self.sum_in_order(p * p * h)
        good = (square > 0) & (cross > 0)
        return torch.where(good, cross / torch.where(good, square, torch.ones_like(square)), scale)


def _in_parts(search, w, importance, most=1 << 22):
    """Runs a search over a few rows at a time, which bounds its memory; importance [columns] or [rows, columns]."""
    rows = max(1, most // w.shape[1])
    parts = [search(w[i:i + rows], importance if importance.dim() == 1 else importance[i:i + rows])
             for i in range(0, w.shape[0], rows)]
    return tuple(torch.cat(part) for part in zip(*parts))


def _without_zero_rows(w, importance, search):
    """(q, m, scale) of search on rows that are not zero; a row of zeros has scale 1 and multipliers 1."""
    some = (w != 0).any(1)
    if bool(some.all()):
        return search(w, importance)
    q, m, scale = search(w[some], importance if importance.dim() == 1 else importance[some]) if bool(some.any()) else \
        (w.new_zeros(0, w.shape[1]), torch.zeros(0, 1, dtype=torch.int32, device=w.device), w.new_zeros(0))
    all_q, all_scale = torch.zeros_like(w), torch.ones(w.shape[0], dtype=torch.float32, device=w.device)
    all_m = torch.ones(w.shape[0], m.shape[1], dtype=m.dtype, device=w.device)
    all_q[some], all_m[some], all_scale[some] = q, m, scale
    return all_q, all_m, all_scale


def _search_two_levels(w, importance, group, exact):
    rows = _Rows(w, importance, group, exact)
    unit = _over(rows.unscaled(rows.cover.amax(1).double()), MULTIPLIERS)
    best = torch.full_like(unit, 1e300)
    scale, m = torch.zeros_like(unit), torch.ones(rows.rows, rows.groups, dtype=torch.int32, device=w.device)

    def attempt(candidate, alive):
        nonlocal best, scale, m
        stored = _storable(candidate)
        found, total = rows.multipliers(torch.ldexp(stored, -rows.exponent).float())
        better = alive & (total < best)
        changed = better & (stored != scale)
        best, scale = torch.where(better, total, best), torch.where(better, stored, scale)
        m = torch.where(better[:, None], found, m)
        return changed

    alive = torch.ones_like(unit, dtype=torch.bool)
    for i in range(CHANNEL_CANDIDATES):
        attempt(unit * (CHANNEL_FIRST + CHANNEL_STEP * i), alive)
    for _ in range(REFINEMENTS):
        if not bool(alive.any()):
            break
        alive = attempt(rows.least_squares(scale, m), alive)
    common = m[:, 0]
    for i in range(1, rows.groups):
        common = torch.gcd(common, m[:, i])
    m = m // common[:, None]
    scale = torch.where(common > 1, _storable(scale * common), scale)
    q = _round4(rows.w, scale[:, None] * m.double().repeat_interleave(group, 1))
    return q.float(), m, scale.float()


def round_two_level(w, importance=None, group=32, exact=True):
    """(q in -8..7, multipliers 1..15 [rows, groups], scale [rows]) of w [rows, columns], as tb_quantize_s4_two_level."""
    h = torch.ones(w.shape[1], device=w.device) if importance is None else importance

    def some(w, importance):
        return _in_parts(lambda a, b: _search_two_levels(a, b, group, exact), w, importance)
    q, m, scale = _without_zero_rows(w, h, some)
    return q, m.expand(-1, w.shape[1] // group), scale


def _search_row_scale(w, importance, exact):
    rows = _Rows(w, importance, w.shape[1], exact)
    unit = rows.unscaled(rows.cover[:, 0].double())
    best, scale = torch.full_like(unit, 1e300), torch.zeros_like(unit)
    one = torch.ones(rows.rows, 1, dtype=torch.int32, device=w.device)

    def attempt(candidate, alive):
        nonlocal best, scale
        stored = candidate.float().double()
        stored = torch.where(stored == 0, torch.full_like(stored, SMALLEST), stored)
        total = rows.error(torch.ldexp(stored, -rows.exponent).float()[:, None])[:, 0].double()
        better = alive & (total < best)
        changed = better & (stored != scale)
        best, scale = torch.where(better, total, best), torch.where(better, stored, scale)
        return changed

    alive = torch.ones_like(unit, dtype=torch.bool)
    for i in range(ROW_CANDIDATES):
        attempt(unit * (ROW_FIRST + ROW_STEP * i), alive)
    for _ in range(REFINEMENTS):
        if not bool(alive.any()):
            break
        alive = attempt(rows.least_squares(scale, one), alive)
    return _round4(rows.w, scale[:, None]).float(), one, scale.float()


def round_s4_rows(w, exact=True):
    """(q in -8..7, scale [rows]), as tb_quantize_s4_row."""
    def some(w, importance):
        return _in_parts(lambda a, b: _search_row_scale(a, b, exact), w, importance)
    q, _, scale = _without_zero_rows(w, torch.ones(w.shape[1], device=w.device), some)
    return q, scale


# ---- Straight through ----


class StraightThrough(torch.autograd.Function):
    """Forward the rounded values, backward to the masters unchanged: scales are constants."""

    @staticmethod
    def forward(ctx, master, rounded):
        return rounded

    @staticmethod
    def backward(ctx, grad):
        return grad, None


class IntegerProduct(torch.autograd.Function):
    """Forward ((float)(q_x . q_w) * scale_x) * scale_w + bias, which is the integer kernels' arithmetic; backward dX through
    the rounded weights, dW through the rounded inputs."""

    @staticmethod
    def forward(ctx, x, weight, bias, w_q, w_scale, exact):
        x_q, x_scale = round_tokens(x)
        ctx.save_for_backward(x_q * x_scale, w_q * w_scale[:, None])
        if exact:
            sums = (x_q.double() @ w_q.double().T).float()
            return (sums * x_scale) * w_scale + bias
        return nn.functional.linear(x_q * x_scale, w_q * w_scale[:, None], bias)

    @staticmethod
    def backward(ctx, grad):
        x, w = ctx.saved_tensors
        flat = grad.reshape(-1, grad.shape[-1])
        return grad @ w, flat.T @ x.reshape(-1, x.shape[-1]), flat.sum(0), None, None, None


class _Rounded(nn.Module):
    """Keeps the rounding of a weight until the weight, or what its importance comes from, changes."""

    def versions(self):
        return (self.weight._version, self.weight.data_ptr(), *(p._version for p in self.importance_from()))

    def importance_from(self):
        return ()

    @torch.no_grad()
    def rounded(self):
        """(integers times multipliers as float, scale [rows])"""
        if getattr(self, "_kept_for", None) != self.versions():
            self._kept, self._kept_for = self.round(self.weight.detach()), self.versions()
        return self._kept


class QuantizedLinear(_Rounded):
    def __init__(self, linear, bits, group, norm, exact):
        super().__init__()
        self.weight, self.bias = linear.weight, linear.bias
        self.bits, self.group, self.exact = bits, group, exact
        self.norm = [norm] if norm is not None else []  # a list: the LayerNorm is no child of this module

    def importance_from(self):
        return (self.norm[0].weight, self.norm[0].bias) if self.norm and self.bits == 4 else ()

    def parts(self, w):
        """(q, multipliers or None, scale): what a quantized file holds."""
        if self.bits == 8:
            q, scale = round_s8_rows(w)
            return q, None, scale
        importance = importance_of(*(p.detach() for p in self.importance_from())) if self.norm else None
        return round_two_level(w, importance, self.group, self.exact)

    def round(self, w):
        q, m, scale = self.parts(w)
        return (q if m is None else q * m.float().repeat_interleave(self.group, 1)), scale

    def forward(self, x):
        return IntegerProduct.apply(x, self.weight, self.bias, *self.rounded(), self.exact)


class QuantizedEmbedding(_Rounded):
    def __init__(self, embedding, bits, exact):
        super().__init__()
        self.weight, self.bits, self.exact = embedding.weight, bits, exact

    def parts(self, w):
        q, scale = round_s8_rows(w) if self.bits == 8 else round_s4_rows(w, self.exact)
        return q, None, scale

    def round(self, w):
        q, _, scale = self.parts(w)
        return q, scale

    def forward(self, ids):
        q, scale = self.rounded()
        return nn.functional.embedding(ids, StraightThrough.apply(self.weight, q * scale[:, None]))


def prepare(model, scheme, exact=True):
    """Replaces linears and embeddings of a BertForSequenceClassification by quantized ones, which keep its parameters and
    their names. Returns the model. pooler and classifier have 8 bits in every scheme."""
    found = re.fullmatch(r"(int8|int4)(?:-g(32|64|128))?(?:-e([48]))?", scheme)
    if not found or (found.group(1) == "int8" and found.group(2)):
        raise ValueError(f"scheme {scheme!r}: int8, int4, int4-g64, int4-g128, each also with -e4 or -e8")
    bits, group = int(found.group(1)[-1]), int(found.group(2) or 32)
    word_bits = int(found.group(3) or 8)
    bert = model.bert
    e = bert.embeddings
    e.word_embeddings = QuantizedEmbedding(e.word_embeddings, word_bits, exact)
    e.position_embeddings = QuantizedEmbedding(e.position_embeddings, 8, exact)
    e.token_type_embeddings = QuantizedEmbedding(e.token_type_embeddings, 8, exact)
    before = e.LayerNorm
    for layer in bert.encoder.layer:
        own, between = layer.attention.self, layer.attention.output.LayerNorm
        for name in ("query", "key", "value"):
            setattr(own, name, QuantizedLinear(getattr(own, name), bits, group, before, exact))
        layer.attention.output.dense = QuantizedLinear(layer.attention.output.dense, bits, group, None, exact)
        layer.intermediate.dense = QuantizedLinear(layer.intermediate.dense, bits, group, between, exact)
        layer.output.dense = QuantizedLinear(layer.output.dense, bits, group, None, exact)
        before = layer.output.LayerNorm
    bert.pooler.dense = QuantizedLinear(bert.pooler.dense, 8, 0, None, exact)
    model.classifier = QuantizedLinear(model.classifier, 8, 0, None, exact)
    return model


def quantized_modules(model):
    return {name: module for name, module in model.named_modules() if isinstance(module, _Rounded)}
