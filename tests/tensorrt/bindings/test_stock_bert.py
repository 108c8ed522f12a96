"""The parts of BERT in TensorRT's library, against numbers by NumPy."""

import numpy as np
from onnx import TensorProto

from .stock_case import StockCase

FLOAT, INT32, INT8 = TensorProto.FLOAT, TensorProto.INT32, TensorProto.INT8
RNG = np.random.default_rng(17)


def normal(*shape):
    return RNG.standard_normal(shape, np.float32)


def layer_norm(x, axis, gamma, beta):
    """In f64; gamma and beta lie along the axis."""
    x = np.asarray(x, np.float64)
    shape = [1] * x.ndim
    shape[axis] = -1
    x = (x - x.mean(axis, keepdims=True)) / x.std(axis, keepdims=True)
    return x * gamma.reshape(shape) + beta.reshape(shape)


def attention(q, k, v):
    """[s, width] each."""
    scores = q @ k.T / np.sqrt(q.shape[1])
    weights = np.exp(scores - scores.max(1, keepdims=True))
    return weights / weights.sum(1, keepdims=True) @ v


def floats(array):
    return [float(v) for v in np.ravel(array)]


class StockBertTest(StockCase):
    def test_skip_layer_norm(self):
        fields = {n: normal(16) for n in ("gamma", "beta", "bias")}
        lists = {n: floats(values) for n, values in fields.items()}
        for shape, axis, versions in (
            ((4, 2, 16, 1, 1), 2, "156"),
            ((7, 16, 1, 1), 1, "26"),
            ((1, 16, 7, 1), 1, "3478"),
        ):
            x, skip = normal(*shape), normal(*shape)
            for version in versions:
                interleaved = version in "3478"
                total = x + skip
                if not interleaved:
                    total = total + fields["bias"].reshape([16 if i == axis else 1 for i in range(len(shape))])
                given = {n: v for n, v in lists.items() if n != "bias" or not interleaved}
                found = self.run_node(
                    "CustomSkipLayerNormPluginDynamic",
                    {"x": x, "s": skip},
                    results=2 if version in "48" else 1,
                    plugin_version=version,
                    **given,
                )
                wanted = layer_norm(total, axis, fields["gamma"], fields["beta"])
                np.testing.assert_allclose(found[0], wanted, rtol=1e-4, atol=1e-5)
                if version in "48":
                    np.testing.assert_allclose(found[1], total, rtol=1e-6)

    def test_fully_connected(self):
        x, w = normal(3, 2, 8, 1, 1), normal(8, 5)
        (found,) = self.run_node(
            "CustomFCPluginDynamic", {"x": x}, out_dims=5, type_id=0, W=floats(w)
        )
        np.testing.assert_allclose(found[..., 0, 0], x[..., 0, 0] @ w, rtol=1e-4, atol=1e-5)

    def embeddings(self):
        tables = {
            "word_embeddings": normal(11, 8),
            "token_type_embeddings": normal(2, 8),
            "position_embeddings": normal(6, 8),
            "layernorm_gamma": normal(8),
            "layernorm_beta": normal(8),
        }
        return tables, {f"bert_embeddings_{n}": floats(t) for n, t in tables.items()}

    def test_embeddings(self):
        tables, fields = self.embeddings()
        words = RNG.integers(0, 11, (6, 3)).astype(np.int32)
        segments = RNG.integers(0, 2, (6, 3)).astype(np.int32)
        mask = (np.arange(6)[:, None] < [2, 6, 0]).astype(np.int32)
        total = tables["word_embeddings"][words] + tables["token_type_embeddings"][segments]
        total = total + tables["position_embeddings"][:, None]
        wanted = layer_norm(total, 2, tables["layernorm_gamma"], tables["layernorm_beta"])
        for version in ("1", "6"):
            found, counts = self.run_node(
                "CustomEmbLayerNormPluginDynamic",
                {"w": words, "s": segments, "m": mask},
                results=[FLOAT, INT32],
                plugin_version=version,
                output_fp16=0,
                **fields,
            )
            self.assertEqual(found.shape, (6, 3, 8, 1, 1))
            np.testing.assert_allclose(found[..., 0, 0], wanted, rtol=1e-4, atol=1e-5)
            np.testing.assert_array_equal(counts, [[2], [6], [0]])

    def test_embeddings_of_various_lengths(self):
        tables, fields = self.embeddings()
        bounds = np.array([0, 4, 5, 10], np.int32)
        words = RNG.integers(0, 11, 10).astype(np.int32)
        segments = RNG.integers(0, 2, 10).astype(np.int32)
        position = np.concatenate([np.arange(n) for n in np.diff(bounds)])
        total = tables["word_embeddings"][words] + tables["token_type_embeddings"][segments]
        total = total + tables["position_embeddings"][position]
        wanted = layer_norm(total, 1, tables["layernorm_gamma"], tables["layernorm_beta"])
        feeds = {"w": words, "s": segments, "b": bounds, "n": np.zeros(5, np.int32)}
        for version in "2345":
            found, other = self.run_node(
                "CustomEmbLayerNormPluginDynamic",
                feeds,
                results=2,
                plugin_version=version,
                output_fp16=0,
                **fields,
            )
            np.testing.assert_allclose(found[:, :, 0, 0], wanted, rtol=1e-4, atol=1e-5)
            if version in "35":
                np.testing.assert_allclose(other[:, :, 0, 0], total, rtol=1e-6)

    def test_attention(self):
        s, b, heads, width = 5, 2, 3, 4
        qkv = normal(s, b, heads, 3, width)
        counts = np.array([[3], [5]], np.int32)
        for version, masked in (("1", 1), ("4", 0), ("2", 1), ("5", 0)):
            wanted = np.zeros((s, b, heads, width))
            for i, h in np.ndindex(b, heads):
                q, k, v = (qkv[:, i, h, j] for j in range(3))
                n = counts[i, 0] if masked else s
                wanted[:, i, h] = attention(q, k[:n], v[:n])
            feeds = {"x": qkv.reshape(s, b, -1, 1, 1)}
            if masked:
                feeds["m"] = counts if version == "1" else counts[:, 0]
            (found,) = self.run_node(
                "CustomQKVToContextPluginDynamic",
                feeds,
                plugin_version=version,
                type_id=0,
                hidden_size=heads * width,
                num_heads=heads,
                has_mask=masked,
            )
            np.testing.assert_allclose(found.reshape(wanted.shape), wanted, rtol=1e-4, atol=1e-5)

    def test_attention_of_various_lengths(self):
        bounds, heads, width = np.array([0, 3, 4, 9], np.int32), 2, 4
        total = bounds[-1]
        qkv = normal(total, heads, 3, width)
        wanted = np.zeros((total, heads, width))
        for start, end in zip(bounds, bounds[1:]):
            for h in range(heads):
                q, k, v = (qkv[start:end, h, j] for j in range(3))
                wanted[start:end, h] = attention(q, k, v)
        longest = np.zeros(5, np.int32)
        sizes = {"hidden_size": heads * width, "num_heads": heads}
        for version in "25":
            (found,) = self.run_node(
                "CustomQKVToContextPluginDynamic",
                {
                    "x": qkv.reshape(total, -1, 1, 1),
                    "m": np.zeros(1, np.int32),
                    "b": bounds,
                    "n": longest,
                },
                plugin_version=version,
                type_id=0,
                has_mask=1,
                var_seqlen=1,
                **sizes,
            )
            np.testing.assert_allclose(found.reshape(wanted.shape), wanted, rtol=1e-4, atol=1e-5)
        inner = qkv.transpose(2, 1, 3, 0).reshape(1, -1, total, 1)  # queries, keys, values
        outer = wanted.transpose(1, 2, 0).reshape(1, -1, total, 1)
        for version in "36":
            (found,) = self.run_node(
                "CustomQKVToContextPluginDynamic",
                {"x": np.ascontiguousarray(inner), "b": bounds, "n": longest},
                plugin_version=version,
                **sizes,
            )
            np.testing.assert_allclose(found, outer, rtol=1e-4, atol=1e-5)

    def test_attention_of_integers(self):
        bounds, heads, width = np.array([0, 3, 7], np.int32), 2, 4
        total = bounds[-1]
        x = RNG.integers(-128, 128, (1, 3 * heads * width, total, 1)).astype(np.int8)
        qkv = x.reshape(3, heads, width, total) * 0.02
        wanted = np.zeros((heads, width, total))
        for start, end in zip(bounds, bounds[1:]):
            for h in range(heads):
                part = [qkv[j, h, :, start:end].T for j in range(3)]
                wanted[h, :, start:end] = attention(*part).T
        (found,) = self.run_node(
            "CustomQKVToContextPluginDynamic",
            {"x": x, "b": bounds, "n": np.zeros(4, np.int32)},
            results=[INT8],
            plugin_version="6",
            hidden_size=heads * width,
            num_heads=heads,
            use_explicit_int8=1,
            input_qkv_scale=0.02,
            output_ctx_scale=0.025,
        )
        np.testing.assert_allclose(found.reshape(wanted.shape) * 0.025, wanted, atol=0.0126)
