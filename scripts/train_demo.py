"""Train the demo model that the application bundles, on the CPU, from nothing but the standard library.

Run from the root of the repository::

    python scripts/train_demo.py --output core/faa_core/models/demo

The architecture is the ``LlamaForCausalLM`` of transformers at a small size. Three rows in four are text
of the training split (see ``demo_corpus``); the fourth is a segment of random tokens repeated, because
text alone, in so small a quantity, does not make the model grow clean induction heads. Rows are 256
tokens long for most of the run and 512 and 1,024 at its end, always with the same number of tokens a
step, so that long contexts work too. Every row starts with BOS.
"""

from __future__ import annotations

import argparse
import math
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import torch
from demo_corpus import BOS, EOS, Document, documents, repeated_random
from measure_demo import best_head, encode, induction_scores, perplexity, previous_token_scores
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from torch import Tensor
from torch.nn import functional as F
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

VOCAB_SIZE = 2048
MAX_POSITIONS = 1280  # the longest training row has 1,025 tokens; the rest is room to generate
TOKENS_PER_STEP = 2048
# Share of the run at which each row length (BOS not counted) begins.
ROW_LENGTHS = ((0.0, 256), (0.80, 512), (0.92, 1024))
RANDOM_ROW_EVERY = 4
PEAK_RATE = 2e-3
WARM_UP_STEPS = 100
WEIGHT_DECAY = 0.05
LOG_EVERY = 50
SCORE_EVERY = 500
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
    """Draws batches: rows of text from one long stream, and rows of repeated random tokens."""

    stream: Tensor
    bos: int
    special_ids: set[int]
    generator: torch.Generator
    rows_drawn: int = 0

    def draw(self, row_length: int) -> tuple[Tensor, Tensor]:
        """Return the inputs and the labels of one step, for rows of BOS and ``row_length`` tokens."""
        inputs, labels = [], []
        for _ in range(TOKENS_PER_STEP // row_length):
            self.rows_drawn += 1
            if self.rows_drawn % RANDOM_ROW_EVERY == 0:
                tokens, targets = self._random_row(row_length)
            else:
                tokens = targets = self._text_row(row_length)
            inputs.append(F.pad(tokens, (1, 0), value=self.bos))
            labels.append(targets)
        return torch.stack(inputs), torch.stack(labels)

    def _text_row(self, length: int) -> Tensor:
        start = self._integer(0, len(self.stream) - length)
        return self.stream[start : start + length]

    def _random_row(self, length: int) -> tuple[Tensor, Tensor]:
        segment = self._integer(length // 8, length // 2)
        tokens = repeated_random(VOCAB_SIZE, self.special_ids, segment, length, self.generator)
        targets = tokens.clone()
        targets[:segment] = IGNORED  # the first copy is noise: there is nothing to learn from it
        return tokens, targets

    def _integer(self, low: int, high: int) -> int:
        return int(torch.randint(low, high + 1, (), generator=self.generator))


def row_length_at(progress: float) -> int:
    """Return the row length at this share of the run."""
    return [length for start, length in ROW_LENGTHS if progress >= start][-1]


def learning_rate_at(step: int, steps: int) -> float:
    """Return the learning rate: linear warm-up, then a cosine down to a fiftieth of the peak."""
    warm_up = min(1.0, (step + 1) / WARM_UP_STEPS)
    cosine = 0.5 * (1 + math.cos(math.pi * step / steps))
    return PEAK_RATE * warm_up * (0.02 + 0.98 * cosine)


def optimizer_for(model: LlamaForCausalLM) -> torch.optim.AdamW:
    """Return AdamW with weight decay on the matrices and none on the norms."""
    matrices = [p for p in model.parameters() if p.ndim > 1]
    norms = [p for p in model.parameters() if p.ndim <= 1]
    groups = [{"params": matrices, "weight_decay": WEIGHT_DECAY}, {"params": norms, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=PEAK_RATE, betas=(0.9, 0.95), fused=True)


def log_scores(
    model: LlamaForCausalLM, tokenizer: PreTrainedTokenizerFast, held_out: list[Tensor], step: int
) -> None:
    """Log a quick look at a few held-out texts and at the best heads."""
    model.eval()
    bos = tokenizer.bos_token_id
    model.set_attn_implementation("eager")  # the default attention does not return its weights
    previous, previous_head = best_head(previous_token_scores(model, held_out, bos, rows=4))
    induction, induction_head = best_head(induction_scores(model, tokenizer, segment=50, draws=4))
    model.set_attn_implementation("sdpa")
    log(
        f"step {step:>5}  perplexity of a few held-out texts {perplexity(model, held_out[:8], 256, bos):6.2f}"
        f"  previous-token head {previous_head} {previous:.2f}  induction head {induction_head} {induction:.2f}"
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
    optimizer = optimizer_for(model)
    began = time.perf_counter()
    model.train()
    for step in range(steps):
        for group in optimizer.param_groups:
            group["lr"] = learning_rate_at(step, steps)
        inputs, labels = batches.draw(row_length_at(step / steps))
        logits = model(input_ids=inputs[:, :-1], use_cache=False).logits
        loss = F.cross_entropy(logits.flatten(0, 1), labels.flatten(), ignore_index=IGNORED)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
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
