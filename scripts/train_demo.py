"""Train the demo model that the application bundles, on the CPU, from nothing but the standard library.

Run from the root of the repository::

    python scripts/train_demo.py --output core/faa_core/models/demo

The architecture is the ``LlamaForCausalLM`` of transformers at a small size. Most rows are text of the
training split (see ``demo_corpus``); some are a segment that is repeated to fill the row, because text
alone, in so small a quantity, does not make the model grow clean induction heads. The segment is text in
three of four such rows and random tokens in the fourth. Rows are short at first, 256 tokens long for most
of the run, and 512 and 1,024 at its end, always with the same number of tokens a step, so that long
contexts work too. Every row starts with BOS.

On a machine that other work shares, set ``OMP_WAIT_POLICY=passive``: threads that wait then sleep.
"""

from __future__ import annotations

import argparse
import math
import sys
import time
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import torch
from demo_corpus import BOS, EOS, Document, documents, random_tokens, repeated
from measure_demo import best_head, encode, induction_scores, perplexity, previous_token_scores
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from torch import Tensor
from torch.nn import functional as F
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

VOCAB_SIZE = 2048
MAX_POSITIONS = 1280  # the longest training row has 1,025 tokens; the rest is room to generate
TOKENS_PER_STEP = 2048
# Schedules: pairs of the share of the run at which a setting begins, and the setting.
# Row lengths, BOS not counted. Attention spreads over fewer positions in a short row, so that the signal
# from the one that matters is stronger and the heads form earlier.
ROW_LENGTHS = ((0.0, 64), (0.20, 256), (0.80, 512), (0.92, 1024))
# One row in so many is a repeated segment.
REPEATED_ROW_EVERY = ((0.0, 2), (0.3, 4))
# Of the repeated rows, one in so many is random tokens. Copying is learned first on text, whose tokens the
# model soon knows; in trials with random tokens alone no induction head had appeared by 4 million tokens.
RANDOM_OF_REPEATED = 4
PEAK_RATE = 1e-2  # of AdamW
MUON_RATE_FACTOR = 2
MUON_MOMENTUM = 0.95
WARM_UP_STEPS = 100
WEIGHT_DECAY = 0.05
LOG_EVERY = 50
SCORE_EVERY = 250
IGNORED = -100  # the label that cross_entropy leaves out


def log(message: str) -> None:
    """Write one line of progress to stderr."""
    print(message, file=sys.stderr, flush=True)


def train_tokenizer(corpus: list[Document]) -> PreTrainedTokenizerFast:
    """Train a byte-level BPE on the training split; it puts BOS before every text it encodes."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCAB_SIZE,
        special_tokens=[BOS, EOS],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator((document.text for document in corpus), trainer)
    bos = (BOS, tokenizer.token_to_id(BOS))
    tokenizer.post_processor = processors.Sequence(
        [
            # Offsets keep the leading space of a token: a token is shown exactly as it stands in the text.
            processors.ByteLevel(trim_offsets=False),
            processors.TemplateProcessing(single=f"{BOS} $A", pair=f"{BOS} $A $B", special_tokens=[bos]),
        ]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token=BOS,
        eos_token=EOS,
        pad_token=EOS,
        clean_up_tokenization_spaces=False,
        model_max_length=MAX_POSITIONS,
    )


def model_config(tokenizer: PreTrainedTokenizerFast) -> LlamaConfig:
    """Return the configuration of the demo model."""
    return LlamaConfig(
        architectures=["LlamaForCausalLM"],
        vocab_size=VOCAB_SIZE,
        hidden_size=128,
        intermediate_size=384,
        num_hidden_layers=4,
        num_attention_heads=8,
        num_key_value_heads=8,
        head_dim=32,
        max_position_embeddings=MAX_POSITIONS,
        tie_word_embeddings=True,
        initializer_range=0.02,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
        use_cache=True,
    )


@dataclass
class Batches:
    """Draws batches: rows of text from one long stream, and rows that repeat a segment."""

    stream: Tensor
    bos: int
    special_ids: set[int]
    generator: torch.Generator
    rows_drawn: int = 0

    def draw(self, progress: float) -> tuple[Tensor, Tensor]:
        """Return the inputs and the labels of one step, at this share of the run."""
        row_length = setting_at(ROW_LENGTHS, progress)
        inputs, labels = [], []
        for _ in range(TOKENS_PER_STEP // row_length):
            self.rows_drawn += 1
            if self.rows_drawn % setting_at(REPEATED_ROW_EVERY, progress) == 0:
                tokens, targets = self._repeated_row(row_length)
            else:
                tokens = targets = self._text_row(row_length)
            inputs.append(F.pad(tokens, (1, 0), value=self.bos))
            labels.append(targets)
        return torch.stack(inputs), torch.stack(labels)

    def _text_row(self, length: int) -> Tensor:
        start = self._integer(0, len(self.stream) - length)
        return self.stream[start : start + length]

    def _repeated_row(self, length: int) -> tuple[Tensor, Tensor]:
        random = self._integer(0, RANDOM_OF_REPEATED - 1) == 0
        segment = self._integer(length // 8, length // 2)
        if not random:
            tokens = repeated(self._text_row(segment), length)
            return tokens, tokens
        drawn = random_tokens(VOCAB_SIZE, self.special_ids, segment, self.generator)
        tokens = repeated(drawn, length)
        targets = tokens.clone()
        targets[:segment] = IGNORED  # the first copy is noise: there is nothing to learn from it
        return tokens, targets

    def _integer(self, low: int, high: int) -> int:
        return int(torch.randint(low, high + 1, (), generator=self.generator))


def setting_at(schedule: tuple[tuple[float, int], ...], progress: float) -> int:
    """Return the setting that a schedule gives at this share of the run."""
    return [setting for start, setting in schedule if progress >= start][-1]


def learning_rate_at(step: int, steps: int) -> float:
    """Return the learning rate: linear warm-up, then a cosine down to a fiftieth of the peak."""
    warm_up = min(1.0, (step + 1) / WARM_UP_STEPS)
    cosine = 0.5 * (1 + math.cos(math.pi * step / steps))
    return PEAK_RATE * warm_up * (0.02 + 0.98 * cosine)


class MuonAndAdamW:
    """Muon for the matrices inside the layers, AdamW for the embeddings and the norms.

    Muon replaces the momentum of a matrix by the nearest matrix with equal singular values, so that a
    step also moves the directions with small gradients. In trials with AdamW alone no previous-token head
    had appeared after 5 million tokens; with Muon one had by 3.1 million.
    """

    def __init__(self, model: LlamaForCausalLM) -> None:
        parameters = list(model.parameters())
        embeddings = model.get_input_embeddings().weight
        others = [p for p in parameters if p.ndim == 1 or p is embeddings]
        self._adamw = torch.optim.AdamW(others, betas=(0.9, 0.95), weight_decay=0.0, fused=True)
        # Matrices of one shape are updated together: on a CPU one large product beats many small ones.
        self._matrices: dict[tuple[int, int], list[Tensor]] = defaultdict(list)
        for p in parameters:
            if p.ndim == 2 and p is not embeddings:
                self._matrices[p.shape[0], p.shape[1]].append(p)
        self._momentum = {shape: torch.zeros(len(ps), *shape) for shape, ps in self._matrices.items()}

    @torch.no_grad()
    def step(self, rate: float) -> None:
        """Update the parameters from their gradients."""
        for group in self._adamw.param_groups:
            group["lr"] = rate
        self._adamw.step()
        for shape, matrices in self._matrices.items():
            gradient = torch.stack([p.grad for p in matrices])
            momentum = self._momentum[shape].lerp_(gradient, 1 - MUON_MOMENTUM)
            updates = orthogonalised(gradient.lerp(momentum, MUON_MOMENTUM))  # Nesterov
            scale = MUON_RATE_FACTOR * rate * max(1, shape[0] / shape[1]) ** 0.5
            for p, update in zip(matrices, updates, strict=True):
                p.mul_(1 - rate * WEIGHT_DECAY)
                p.add_(update, alpha=-scale)


def orthogonalised(matrices: Tensor) -> Tensor:
    """Bring the singular values of each matrix close to one, by a Newton-Schulz iteration."""
    x = matrices / (matrices.norm(dim=(1, 2), keepdim=True) + 1e-7)
    tall = x.shape[1] > x.shape[2]
    if tall:  # work on the small side
        x = x.mT.contiguous()
    for _ in range(5):
        gram = x @ x.mT
        x = 3.4445 * x + (-4.7750 * gram + 2.0315 * (gram @ gram)) @ x
    return x.mT if tall else x


def log_scores(
    model: LlamaForCausalLM,
    tokenizer: PreTrainedTokenizerFast,
    texts: list[Tensor],
    step: int,
) -> None:
    """Log a quick look at a few held-out texts and at the best heads."""
    model.eval()
    bos = tokenizer.bos_token_id
    model.set_attn_implementation("eager")  # the default attention does not return its weights
    previous, previous_head = best_head(previous_token_scores(model, texts, bos, rows=4))
    induction, induction_head = best_head(induction_scores(model, tokenizer, segment=50, draws=4))
    model.set_attn_implementation("sdpa")
    log(
        f"step {step:>5}  perplexity of a few held-out texts {perplexity(model, texts[:8], 256, bos):6.2f}"
        f"  previous-token head {previous_head} {previous:.2f}"
        f"  induction head {induction_head} {induction:.2f}"
    )
    model.train()


def train(
    model: LlamaForCausalLM,
    tokenizer: PreTrainedTokenizerFast,
    batches: Batches,
    held_out: list[Tensor],
    steps: int,
) -> None:
    """Train the model in place for this number of steps."""
    optimizer = MuonAndAdamW(model)
    began = time.perf_counter()
    model.train()
    for step in range(steps):
        inputs, labels = batches.draw(step / steps)
        logits = model(input_ids=inputs[:, :-1], use_cache=False).logits
        loss = F.cross_entropy(logits.flatten(0, 1), labels.flatten(), ignore_index=IGNORED)
        model.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step(learning_rate_at(step, steps))
        if (step + 1) % LOG_EVERY == 0:
            log(f"step {step + 1:>5}  loss {loss.item():.3f}  {time.perf_counter() - began:6.0f} s")
        if (step + 1) % SCORE_EVERY == 0:
            log_scores(model, tokenizer, held_out, step + 1)


def main() -> None:
    """Train the tokenizer and the model and write both to a folder."""
    parser = argparse.ArgumentParser(description="Train the demo model on the Python standard library.")
    parser.add_argument("--output", type=Path, required=True, help="folder to write the model to")
    parser.add_argument("--steps", type=int, default=4000, help="optimiser steps of 2,048 tokens")
    parser.add_argument("--seed", type=int, default=0, help="seed of the weights and of the batches")
    parser.add_argument("--threads", type=int, default=2, help="CPU threads")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.set_flush_denormal(True)  # tiny gradients would otherwise slow the CPU down

    corpus = documents()
    training = [document for document in corpus if not document.held_out]
    tokenizer = train_tokenizer(training)
    special_ids = set(tokenizer.all_special_ids)
    end = torch.tensor([tokenizer.eos_token_id])
    stream = torch.cat([part for ids in encode(tokenizer, training) for part in (ids, end)])
    held_out = encode(tokenizer, [document for document in corpus if document.held_out])
    log(f"{len(training)} training documents, {len(stream):,} tokens; {len(held_out)} held-out documents")

    # Seeded right before the weights are drawn: with seed 0 they are what `from_config` gives after
    # `torch.manual_seed(0)`, the untrained counterpart of the demo model.
    torch.manual_seed(options.seed)
    model = LlamaForCausalLM._from_config(model_config(tokenizer), dtype=torch.float32)
    generator = torch.Generator().manual_seed(options.seed)
    batches = Batches(stream, tokenizer.bos_token_id, special_ids, generator)
    log(f"{model.num_parameters():,} parameters, {options.steps} steps")
    began = time.perf_counter()
    train(model, tokenizer, batches, held_out, options.steps)
    log(f"trained on {options.steps * TOKENS_PER_STEP:,} tokens in {time.perf_counter() - began:.0f} s")

    tokenizer.save_pretrained(options.output)
    model.eval().to(torch.float16).save_pretrained(options.output)


if __name__ == "__main__":
    main()
