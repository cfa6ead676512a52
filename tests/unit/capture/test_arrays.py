from __future__ import annotations

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from faa_core.capture.opening import open_source
from faa_core.errors import ArrayFileError
from faa_core.reference import parse

N = 150


def causal(*shape):
    *outer, n, _ = shape
    weights = np.tril(np.random.default_rng(0).random((*outer, n, n)) + 0.1)
    return (weights / weights.sum(-1, keepdims=True)).astype(np.float32)


def open_file(path):
    return open_source(parse(str(path)), "cpu", "auto", lambda *report: None)


def maps_of(path, sink):
    source = open_file(path)
    encoded = source.encode("", False)
    assert source.capture(encoded, sink) == ()
    for support in sink.supports:
        assert not support.mask().logical_not().logical_and(torch.zeros(())).any()
    return source, encoded, sink.maps


@pytest.mark.parametrize(
    ("shape", "layers", "heads"),
    [
        ((N, N), 1, 1),
        ((4, N, N), 1, 4),
        ((3, 4, N, N), 3, 4),
        ((1, 4, N, N), 1, 4),
        ((3, 1, 4, N, N), 3, 4),
        ((1, 3, 4, N, N), 3, 4),
    ],
)
@pytest.mark.parametrize("suffix", [".npy", ".npz", ".safetensors"])
def test_every_shape_in_every_format(shape, layers, heads, suffix, tmp_path, sink):
    path, array = tmp_path / f"attention{suffix}", causal(*shape)
    if suffix == ".npy":
        np.save(path, array)
    elif suffix == ".npz":
        np.savez_compressed(path, attention=array)
    else:
        save_file({"attention": torch.from_numpy(array)}, path)
    source, _, maps = maps_of(path, sink)
    assert (source.info.architecture, source.info.route) == ("array", "file")
    assert [(info.kind, info.heads, info.pattern) for info in source.info.layers] == [
        ("decoder", heads, "causal")
    ] * layers
    assert np.array_equal(torch.stack(maps).numpy(), array.reshape(layers, heads, N, N))
    assert all(support.stop.tolist() == list(range(1, N + 1)) for support in sink.supports)
    assert torch.equal(sink.sources[-1].rows(100, 140), maps[-1][:, 100:140])


def test_one_array_for_each_layer_in_the_order_of_their_numbers(tmp_path, sink):
    path = tmp_path / "layers.npz"
    arrays = {f"layer_{index}": causal(2, 8, 8) * (index + 1) for index in range(12)}
    np.savez(path, **arrays)
    _, _, maps = maps_of(path, sink)
    assert [round(float(one[0, 0, 0])) for one in maps] == list(range(1, 13))


def test_square_with_anything_above_the_diagonal_is_bidirectional(tmp_path, sink):
    array = causal(2, 70, 70)
    array[1, 3, 60] = 1e-30
    np.save(tmp_path / "a.npy", array)
    source, _, _ = maps_of(tmp_path / "a.npy", sink)
    assert [(info.kind, info.pattern) for info in source.info.layers] == [("encoder", "bidirectional")]
    assert sink.supports[0].stop.tolist() == [70] * 70


def test_maps_that_are_not_square_are_cross_attention(tmp_path, sink):
    np.savez(tmp_path / "a.npz", attention=np.full((2, 3, 5), 0.2, np.float32), tokens=np.array(list("abcde")))
    source, encoded, maps = maps_of(tmp_path / "a.npz", sink)
    assert [(info.kind, info.pattern) for info in source.info.layers] == [("cross", "cross")]
    assert encoded.tokens.pieces == ("a", "b", "c", "d", "e")
    assert encoded.tokens.ids == ()
    assert encoded.decoder_tokens.pieces == ("0", "1", "2")
    assert maps[0].shape == (2, 3, 5)


def test_tokens_are_numbers_where_the_file_names_none(tmp_path):
    np.save(tmp_path / "a.npy", causal(3, 3))
    assert open_file(tmp_path / "a.npy").encode("ignored", False).tokens.pieces == ("0", "1", "2")


def test_half_precision_and_big_endian_files(tmp_path, sink):
    array = causal(2, 8, 8)
    save_file({"a": torch.from_numpy(array).to(torch.bfloat16)}, tmp_path / "a.safetensors")
    np.save(tmp_path / "b.npy", array.astype(np.float16))
    np.save(tmp_path / "c.npy", array.astype(">f4"))
    np.save(tmp_path / "d.npy", array.astype(np.float64))
    for name, dtype in (
        ("a.safetensors", "bfloat16"),
        ("b.npy", "float16"),
        ("c.npy", "float32"),
        ("d.npy", "float64"),
    ):
        source, _, maps = maps_of(tmp_path / name, sink)
        assert source.info.dtype == dtype
        assert maps[-1].dtype == torch.float32
        assert np.allclose(maps[-1].numpy(), array, atol=4e-3)


def test_values_are_passed_on_unjudged(tmp_path, sink):
    array = causal(4, 4)
    array[2, 1], array[3, 0] = np.nan, -1
    np.save(tmp_path / "a.npy", array)
    _, _, maps = maps_of(tmp_path / "a.npy", sink)
    assert np.array_equal(maps[0][0].numpy(), array, equal_nan=True)


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"a": np.zeros(5, np.float32)}, r"a has the shape \[5\]"),
        ({"a": np.zeros((2, 0, 0), np.float32)}, r"a has the shape \[2, 0, 0\]"),
        ({"a": np.zeros((1,) * 6, np.float32)}, "a has the shape"),
        ({"a": np.zeros((3, 2, 4, 5, 5), np.float32)}, r"a \[3, 2, 4, 5, 5\] holds a batch"),
        ({"a": np.zeros((5, 5), np.int64)}, r"a \[5, 5\] holds int64"),
        ({"a": np.zeros((5, 5), np.complex64)}, r"a \[5, 5\] holds complex64"),
        (
            {"a": np.zeros((2, 5, 5), np.float32), "b": np.zeros((2, 6, 6), np.float32)},
            "b has maps of 6 x 6, but a of 5 x 5",
        ),
        ({"a": np.zeros((5, 5), np.float32), "tokens": np.array(["x"])}, "names 1 tokens, but the maps have 5 keys"),
        ({"a": np.zeros((5, 5), np.float32), "tokens": np.arange(5)}, r"tokens \[5\] holds int64"),
        ({"tokens": np.array(["x"])}, "holds no attention"),
    ],
)
def test_what_is_no_attention_is_named_with_its_shape(arrays, message, tmp_path):
    np.savez(tmp_path / "a.npz", **arrays)
    with pytest.raises(ArrayFileError, match=message) as caught:
        open_file(tmp_path / "a.npz")
    assert caught.value.hint


def test_pickles_are_refused_and_never_run(tmp_path):
    ran = tmp_path / "ran"

    class Evil:
        def __reduce__(self):
            return ran.touch, ()

    array = np.array([Evil()], dtype=object)
    np.save(tmp_path / "a.npy", array, allow_pickle=True)
    np.savez(tmp_path / "b.npz", attention=array)
    for name in ("a.npy", "b.npz"):
        with pytest.raises(ArrayFileError, match="cannot be read"):
            open_file(tmp_path / name)
    assert not ran.exists()


@pytest.mark.parametrize("suffix", [".npy", ".npz", ".safetensors"])
def test_damaged_and_missing_files(suffix, tmp_path):
    path = tmp_path / f"a{suffix}"
    with pytest.raises(ArrayFileError, match="There is no file"):
        open_file(path)
    path.write_bytes(b"not an array")
    with pytest.raises(ArrayFileError, match="cannot be read"):
        open_file(path)
    path.write_bytes(b"")
    with pytest.raises(ArrayFileError, match="cannot be read"):
        open_file(path)
