"""Loops, conditionals, assertions, and the layers of language models."""

import unittest

import numpy as np
import tensorrt_bindings as trt

from .support import Session
from .test_effects import Case
from .test_layers import floats, out

SOFTMAX = trt.AttentionNormalizationOp.SOFTMAX


def silu(v):
    return v / (1 + np.exp(-v))


class Control(Case):
    def test_loop_backwards(self):
        x = floats(3, 4)

        def build(s, x):
            n = s.network
            loop = n.add_loop()
            loop.add_trip_limit(s.constant(np.array(4, np.int32)), trt.TripLimit.COUNT)
            column = loop.add_iterator(x)
            column.axis, column.reverse = 1, True
            total = loop.add_recurrence(s.constant(np.zeros(3, np.float32)))
            following = n.add_elementwise(out(total), out(column), trt.ElementWiseOperation.SUM)
            total.set_input(1, out(following))
            every = loop.add_loop_output(out(following), trt.LoopOutput.REVERSE)
            every.axis = 1
            every.set_input(1, s.constant(np.array(4, np.int32)))
            return out(every)

        self.same(build, {"x": x}, x[:, ::-1].cumsum(1)[:, ::-1])

    def test_a_loop_in_a_loop(self):
        x = floats(2, 3)

        def build(s, x):
            n = s.network
            outer = n.add_loop()
            outer.add_trip_limit(s.constant(np.array(2, np.int32)), trt.TripLimit.COUNT)
            row = outer.add_iterator(x)
            inner = n.add_loop()
            inner.add_trip_limit(s.constant(np.array(3, np.int32)), trt.TripLimit.COUNT)
            item = inner.add_iterator(out(row))
            product = inner.add_recurrence(s.constant(np.array(1, np.float32)))
            following = n.add_elementwise(out(product), out(item), trt.ElementWiseOperation.PROD)
            product.set_input(1, out(following))
            last = inner.add_loop_output(out(product), trt.LoopOutput.LAST_VALUE)
            every = outer.add_loop_output(out(last), trt.LoopOutput.CONCATENATE)
            every.set_input(1, s.constant(np.array(2, np.int32)))
            return out(every)

        self.same(build, {"x": x}, x.prod(1))

    def test_assertion(self):
        for holds in (True, False):
            s = Session()
            x = s.network.add_input("x", trt.float32, (1,))
            layer = s.network.add_assertion(s.constant(np.array(holds)), "sizes differ")
            self.assertEqual((layer.message, layer.num_outputs), ("sizes differ", 0))
            layer.message = "sizes are not equal"
            s.network.mark_output(s.network.add_identity(x).get_output(0))
            plan = s.builder.build_serialized_network(s.network, s.config)
            self.assertEqual(plan is not None, holds)
            if not holds:
                self.assertIn("sizes are not equal", s.log.errors()[-1])

    def test_collectives_need_company(self):
        s = Session()
        x = s.network.add_input("x", trt.float32, (1,))
        reduce = trt.CollectiveOperation.ALL_REDUCE
        self.assertIsNone(s.network.add_dist_collective(x, reduce, trt.ReduceOperation.SUM, -1, None))
        self.assertIn("one device", s.log.errors()[-1])


class Language(Case):
    def test_attention(self):
        q, k, v = floats(1, 2, 3, 4), floats(1, 2, 5, 4), floats(1, 2, 5, 4)
        mask = floats(1, 1, 3, 5) > 0
        mask[..., 0] = True

        def build(s, q, k, v, mask):
            n = s.network
            plain = n.add_attention(q, k, v, trt.AttentionNormalizationOp.NONE, False)
            late = n.add_attention(q, k, k, SOFTMAX, False)
            self.assertTrue(late.set_input(2, v))
            late.mask, late.decomposable = mask, True
            self.assertEqual((late.num_inputs, late.num_outputs, late.num_ranks), (4, 1, 1))
            self.assertEqual(late.get_input(2).name, "v")
            self.assertEqual(late.mask.name, "mask")
            self.assertTrue(late.decomposable and not late.causal)
            late.name, late.metadata = "attend", "mine"
            self.assertEqual((late.name, late.metadata, late.norm_op), ("attend", "mine", SOFTMAX))
            late.num_ranks = 1
            layer = [layer for layer in n if layer.name == "attend"][0]
            layer.__class__ = trt.IAttentionOutputLayer
            self.assertEqual(layer.attention.name, "attend")
            return [plain.get_output(0), late.get_output(0)]

        scores = q @ k.transpose(0, 1, 3, 2)
        e = np.where(mask, np.exp(scores), 0)
        want = [scores @ v, e / e.sum(-1, keepdims=True) @ v]
        self.same(build, {"q": q, "k": k, "v": v, "mask": mask}, want)

    def test_quantized_attention_is_refused(self):
        s = Session()
        x = s.network.add_input("x", trt.float32, (1, 1, 2, 4))
        layer = s.network.add_attention(x, x, x, SOFTMAX, False)
        scale = s.constant(np.array(0.5, np.float32))
        layer.normalization_quantize_scale = scale
        layer.normalization_quantize_to_type = trt.fp8
        self.assertEqual(layer.normalization_quantize_scale.name, scale.name)
        self.assertEqual(layer.normalization_quantize_to_type, trt.fp8)

    def test_rotary(self):
        x, c, i = floats(1, 2, 3, 6), floats(5, 2), floats(5, 2)
        at = np.array([[4, 0, 2]], np.int64)

        def build(s, x, c, i, at):
            layer = s.network.add_rotary_embedding(x, c, i, False, 0)
            layer.interleaved, layer.rotary_embedding_dim = True, 4
            layer.set_input(3, at)
            return out(layer)

        a, b = x[..., 0:4:2], x[..., 1:4:2]
        cc, ss = c[at[0]], i[at[0]]
        want = x.copy()
        want[..., 0:4:2], want[..., 1:4:2] = a * cc - b * ss, a * ss + b * cc
        self.same(build, {"x": x, "c": c, "i": i, "at": at}, want)

    def test_cache(self):
        cache, update = floats(1, 1, 4, 2), floats(1, 1, 1, 2)

        def build(s, cache, update, at):
            start = s.constant(np.array([0], np.int32))
            layer = s.network.add_kv_cache_update(cache, update, start, trt.KVCacheMode.LINEAR)
            layer.set_input(2, at)
            self.assertEqual(layer.cache_mode, trt.KVCacheMode.LINEAR)
            return out(layer)

        want = cache.copy()
        want[0, 0, 2] = update[0, 0, 0]
        self.same(build, {"cache": cache, "update": update, "at": np.array([2], np.int32)}, want)

    def experts(self, s, x, kind=trt.MoEActType.SILU):
        chosen = s.constant(np.zeros((1, 3, 1), np.int32))
        layer = s.network.add_moe(x, chosen, s.constant(np.ones((1, 3, 1), np.float32)))
        layer.set_gated_weights(*(s.constant(w) for w in self.weights), kind)
        return layer

    weights = (floats(2, 4, 5), floats(2, 4, 5), floats(2, 5, 4))

    def test_experts(self):
        x = floats(1, 3, 4)
        biases = (floats(2, 5), floats(2, 5), floats(2, 4))

        def build(s, x):
            layer = self.experts(s, x)
            layer.set_gated_biases(*(s.constant(b) for b in biases))
            layer.set_swiglu_params(0.5, 2.0, 1.0)
            read = (layer.swiglu_param_limit, layer.swiglu_param_alpha, layer.swiglu_param_beta)
            self.assertEqual(read, (0.5, 2.0, 1.0))
            plain = self.experts(s, x, trt.MoEActType.NONE)
            self.assertEqual(plain.activation_type, trt.MoEActType.NONE)
            plain.set_input(0, x)
            return [out(layer), out(plain)]

        (w, u, d), (bw, bu, bd) = [t[0] for t in self.weights], [b[0] for b in biases]
        gate = np.minimum(x @ w + bw, 0.5)
        up = np.clip(x @ u + bu, -0.5, 0.5)
        clipped = (gate / (1 + np.exp(-2 * gate)) * (up + 1)) @ d + bd
        self.same(build, {"x": x}, [clipped, (x @ w * (x @ u)) @ d])

    def test_quantized_experts_are_refused(self):
        for dynamic in (True, False):
            s = Session()
            x = s.network.add_input("x", trt.float32, (1, 3, 4))
            layer = self.experts(s, x)
            scale = s.constant(np.array(1, np.float32))
            if dynamic:
                layer.set_quantization_dynamic_dbl_q(scale, trt.fp4, (1, 1, 16), trt.fp8)
                self.assertEqual(tuple(layer.quantization_block_shape), (1, 1, 16))
                self.assertEqual(layer.dyn_q_output_scale_type, trt.fp8)
            else:
                layer.set_quantization_static(scale, trt.fp8)
            self.assertEqual(layer.quantization_to_type, trt.fp4 if dynamic else trt.fp8)
            s.network.mark_output(out(layer))
            self.assertIsNone(s.builder.build_serialized_network(s.network, s.config))
            self.assertIn("quantized experts", s.log.errors()[-1])


if __name__ == "__main__":
    unittest.main()
