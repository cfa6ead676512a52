"""Measure the bundled demo model against the goals that its model card states.

Run from the root of the repository::

    python scripts/measure_demo.py

It prints one table and exits with status 1 if a goal is missed. The goals: on held-out files of the
standard library a perplexity of at most a third of a bigram model's, at least one previous-token head
with a score of 0.9 or more, and at least one induction head with a score of 0.8 or more.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Sequence
from pathlib import Path

import torch
from demo_corpus import Document, documents, random_tokens, repeated
from torch import Tensor
from torch.nn import functional as F
from transformers import AutoModelForCausalLM, AutoTokenizer, PreTrainedModel, PreTrainedTokenizerBase

DEMO_FOLDER = Path(__file__).resolve().parent.parent / "core" / "faa_core" / "models" / "demo"
GOAL_PERPLEXITY_RATIO = 1 / 3
GOAL_PREVIOUS_TOKEN = 0.9
GOAL_INDUCTION = 0.8


def load(folder: Path = DEMO_FOLDER) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    """Load the model in float32, with the attention that can return its weights, and its tokenizer."""
    model = AutoModelForCausalLM.from_pretrained(
        folder, dtype=torch.float32, attn_implementation="eager", local_files_only=True
    )
    return model.eval(), AutoTokenizer.from_pretrained(folder, local_files_only=True)


def encode(tokenizer: PreTrainedTokenizerBase, corpus: Sequence[Document]) -> list[Tensor]:
    """Encode documents without special tokens, one tensor of ids each."""
    texts = [document.text for document in corpus]
    encoded = tokenizer(texts, add_special_tokens=False, verbose=False)["input_ids"]
    return [torch.tensor(ids, dtype=torch.long) for ids in encoded]


@torch.inference_mode()
def perplexity(model: PreTrainedModel, texts: Sequence[Tensor], context: int, bos: int) -> float:
    """Return the perplexity per token, in windows that do not overlap.

    Each window is BOS and the next ``context - 1`` tokens of a document, so every token is predicted
    exactly once and the first ones of a window with little context: the result is not flattered.

    Args:
        model: The model to measure.
        texts: Token ids of each document, without BOS.
        context: Length of a window, BOS included.
        bos: Id of the BOS token.
    """
    windows = [window for ids in texts for window in ids.split(context - 1)]
    windows.sort(key=len)  # so that a batch needs little padding
    loss, count = 0.0, 0
    batch_size = max(1, 8192 // context)
    for first in range(0, len(windows), batch_size):
        batch = windows[first : first + batch_size]
        rows = torch.nn.utils.rnn.pad_sequence(batch, batch_first=True, padding_value=-100)
        inputs = F.pad(rows, (1, -1), value=bos).clamp(min=0)  # padding is at the end: no mask needed
        logits = model(inputs).logits.float()
        loss += F.cross_entropy(logits.flatten(0, 1), rows.flatten(), reduction="sum").item()
        count += int((rows >= 0).sum())
    return math.exp(loss / count)


def bigram_perplexity(
    training: Sequence[Tensor], held_out: Sequence[Tensor], vocab_size: int, bos: int
) -> tuple[float, str]:
    """Return the perplexity of the best of several bigram models, and its smoothing in words.

    Add-k, interpolation with the unigram model, and interpolated absolute discounting with a unigram or
    a Kneser-Ney lower order are tried over a grid of their parameter. The winner is picked on the
    held-out text itself, which favours the bigram.

    Args:
        training: Token ids of each training document, without BOS.
        held_out: Token ids of each held-out document, without BOS.
        vocab_size: Size of the vocabulary.
        bos: Id that stands before the first token of every document.
    """
    counts = _pair_counts(training, vocab_size, bos)
    seen = _pair_counts(held_out, vocab_size, bos)
    left, right = seen.nonzero(as_tuple=True)
    weight = seen[left, right]

    row_total = counts.sum(1).clamp(min=1)[left]
    pair = counts[left, right]
    followers = (counts > 0).sum(1).double()[left]
    unigram = counts.sum(0) + 1
    unigram = (unigram / unigram.sum())[right]
    continuation = (counts > 0).sum(0).double() + 1
    continuation = (continuation / continuation.sum())[right]

    candidates: dict[str, Tensor] = {}
    for k in (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0):
        candidates[f"add-k, k = {k}"] = (pair + k) / (row_total + k * vocab_size)
    for share in (0.5, 0.6, 0.7, 0.8, 0.9, 0.95):
        candidates[f"interpolated, {share} bigram"] = share * pair / row_total + (1 - share) * unigram
    for discount in (0.5, 0.6, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95):
        kept = (pair - discount).clamp(min=0) / row_total
        # A token that never occurs in training has no followers: all its mass goes to the lower order.
        spare = torch.where(followers > 0, discount * followers / row_total, 1.0)
        candidates[f"absolute discounting, d = {discount}"] = kept + spare * unigram
        candidates[f"interpolated Kneser-Ney, d = {discount}"] = kept + spare * continuation
    losses = {name: float(-(weight @ chance.log()) / weight.sum()) for name, chance in candidates.items()}
    best = min(losses, key=losses.__getitem__)
    return math.exp(losses[best]), best


def _pair_counts(texts: Sequence[Tensor], vocab_size: int, bos: int) -> Tensor:
    before = torch.cat([F.pad(ids, (1, -1), value=bos) for ids in texts])
    pairs = before * vocab_size + torch.cat(list(texts))
    return torch.bincount(pairs, minlength=vocab_size**2).double().view(vocab_size, vocab_size)


@torch.inference_mode()
def offset_scores(model: PreTrainedModel, rows: Tensor, offset: int, first: int) -> Tensor:
    """Return, for every head, the mean attention from position ``i`` to ``i - offset`` for ``i >= first``.

    Args:
        model: A model that runs eager attention.
        rows: Token ids, batch by position, of equal length and without padding.
        offset: Distance to the attended position.
        first: First position that counts.

    Returns:
        A layers by heads matrix.
    """
    total = torch.zeros(model.config.num_hidden_layers, model.config.num_attention_heads)
    for row in rows:  # one by one: the attention of a long row is large
        attentions = model(row[None], output_attentions=True).attentions
        for layer, weights in enumerate(attentions):
            total[layer] += weights[0].diagonal(-offset, -2, -1)[:, first - offset :].mean(-1)
    return total / len(rows)


def previous_token_scores(
    model: PreTrainedModel, texts: Sequence[Tensor], bos: int, context: int = 256, rows: int = 16
) -> Tensor:
    """Return the mean of ``A[i, i - 1]`` over ``i >= 1`` for every head, on the starts of texts."""
    windows = [F.pad(ids[: context - 1], (1, 0), value=bos) for ids in texts if len(ids) >= context - 1]
    return offset_scores(model, torch.stack(windows[:rows]), offset=1, first=1)


def induction_scores(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, segment: int, draws: int = 8, seed: int = 0
) -> Tensor:
    """Return the prefix-matching score of every head on ``[BOS] r r`` with ``r`` random.

    At position ``i`` of the second copy an induction head looks at ``i - segment + 1``: the token after
    the earlier occurrence of the current one.

    Args:
        model: A model that runs eager attention.
        tokenizer: Its tokenizer, for the special tokens.
        segment: Length of ``r`` in tokens.
        draws: Number of random segments to average over.
        seed: Seed of the draws.
    """
    generator = torch.Generator().manual_seed(seed)
    special = set(tokenizer.all_special_ids)
    vocab_size = model.config.vocab_size
    drawn = [random_tokens(vocab_size, special, segment, generator) for _ in range(draws)]
    rows = torch.stack([repeated(tokens, 2 * segment) for tokens in drawn])
    rows = F.pad(rows, (1, 0), value=tokenizer.bos_token_id)
    return offset_scores(model, rows, offset=segment - 1, first=segment + 1)


def best_head(scores: Tensor) -> tuple[float, str]:
    """Return the highest score and its head, written ``layer.head`` and counted from zero."""
    layer, head = divmod(int(scores.argmax()), scores.shape[1])
    return float(scores[layer, head]), f"{layer}.{head}"


def _print_heads(title: str, scores: Tensor) -> None:
    print(f"\n{title}")
    print("  layer " + "".join(f"   h{head}" for head in range(scores.shape[1])))
    for layer, row in enumerate(scores.tolist()):
        print(f"  {layer:>5} " + "".join(f" {value:.2f}" for value in row))


def main() -> int:
    """Print the measurements; return 0 when every goal is met and 1 otherwise."""
    parser = argparse.ArgumentParser(description="Measure the bundled demo model.")
    parser.add_argument("--model", type=Path, default=DEMO_FOLDER, help="folder of the model")
    parser.add_argument("--threads", type=int, default=0, help="CPU threads (default: PyTorch's choice)")
    options = parser.parse_args()
    if options.threads:
        torch.set_num_threads(options.threads)

    model, tokenizer = load(options.model)
    corpus = documents()
    training = encode(tokenizer, [document for document in corpus if not document.held_out])
    held_out = encode(tokenizer, [document for document in corpus if document.held_out])
    bos = tokenizer.bos_token_id
    print(f"training  {len(training):>5} documents  {sum(map(len, training)):>9,} tokens")
    print(f"held out  {len(held_out):>5} documents  {sum(map(len, held_out)):>9,} tokens\n")

    bigram, smoothing = bigram_perplexity(training, held_out, model.config.vocab_size, bos)
    print(f"{'measurement':<56} {'value':>8}  goal")
    print(f"{f'bigram perplexity ({smoothing})':<56} {bigram:>8.2f}")
    checks: list[bool] = []

    def report(name: str, value: float, goal: float | None = None, at_most: bool = False) -> None:
        verdict = ""
        if goal is not None:
            met = value <= goal if at_most else value >= goal
            checks.append(met)
            verdict = f"{'<=' if at_most else '>='} {goal:.2f}  {'met' if met else 'MISSED'}"
        print(f"{name:<56} {value:>8.3f}  {verdict}".rstrip())

    limit = bigram * GOAL_PERPLEXITY_RATIO
    for context in (256, 512, 1024):
        value = perplexity(model, held_out, context, bos)
        report(f"held-out perplexity, context {context}", value, limit, at_most=True)
    previous = previous_token_scores(model, held_out, bos)
    value, head = best_head(previous)
    report(f"best previous-token head: {head}", value, GOAL_PREVIOUS_TOKEN)
    induction: dict[int, Tensor] = {}
    for segment in (50, 100, 200, 512):
        induction[segment] = induction_scores(model, tokenizer, segment)
        value, head = best_head(induction[segment])
        goal = GOAL_INDUCTION if segment == 50 else None
        report(f"best induction head, n = {segment}: {head}", value, goal)

    _print_heads("previous-token score of every head, held-out text", previous)
    _print_heads("induction score of every head, n = 50", induction[50])
    _print_heads("induction score of every head, n = 512", induction[512])
    print("\nall goals met" if all(checks) else "\na goal is MISSED")
    return 0 if all(checks) else 1


if __name__ == "__main__":
    sys.exit(main())
