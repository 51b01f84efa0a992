"""The network as torch trains it. ``signalbox.tagger.network`` computes the same in numpy."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from signalbox.tagger.features import MEASURES, PATCHES
from workbench.training.batches import Batch


@dataclass(frozen=True)
class Shape:
    """Of the network. ``heads``: how many numbers each gives."""

    rows: int
    heads: Mapping[str, int]
    width: int = 128
    attention_heads: int = 4
    layers: int = 2
    inner: int = 256
    mixed: int = 256
    dropped: float = 0.2


class Network(nn.Module):
    """Patches of summed embeddings → a small transformer → (first, mean of the patches, maximum) → heads."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        width = shape.width
        self.embedding = nn.EmbeddingBag(shape.rows, width, mode="sum", include_last_offset=True)
        self.position = nn.Embedding(max(PATCHES.values()), width)
        self.segment = nn.Embedding(len(PATCHES), width)
        self.measures = nn.Linear(MEASURES, width)
        self.blocks = nn.ModuleList([Block(shape) for _ in range(shape.layers)])
        self.norm = nn.LayerNorm(width)
        self.mix = nn.Linear(3 * width, shape.mixed)
        self.heads = nn.ModuleDict({name: nn.Linear(shape.mixed, count) for name, count in shape.heads.items()})
        self.dropout = nn.Dropout(shape.dropped)
        nn.init.normal_(self.embedding.weight, 0, 0.1)
        nn.init.normal_(self.position.weight, 0, 0.02)
        nn.init.normal_(self.segment.weight, 0, 0.02)

    def forward(self, batch: Batch) -> dict[str, Tensor]:
        """Logits of each head, shape (conversations, its count)."""
        patches = self.embedding(batch["ids"], batch["offsets"], per_sample_weights=batch["weights"])
        size, length = batch["mask"].shape
        padded = patches.new_zeros(size * length, patches.shape[1]).index_copy(0, batch["slots"], patches)
        padded = padded.view(size, length, -1)
        mask = batch["mask"].unsqueeze(-1)
        mean = (padded * mask).sum(1) / mask.sum(1).clamp(min=1).sqrt()
        first = self.measures(batch["measures"]).unsqueeze(1)
        placed = padded + self.position(batch["positions"]) + self.segment(batch["segments"])
        hidden = self.dropout(torch.cat([first, placed], 1))
        seen = torch.cat([batch["mask"].new_ones(size, 1), batch["mask"]], 1)
        for block in self.blocks:
            hidden = block(hidden, seen)
        hidden = self.norm(hidden)
        most = hidden[:, 1:].masked_fill(~mask, -10.0).amax(1)
        mixed = torch.relu(self.mix(self.dropout(torch.cat([hidden[:, 0], mean, most], -1))))
        return {name: head(self.dropout(mixed)) for name, head in self.heads.items()}


class Block(nn.Module):
    """Attention and a two-layer perceptron, each after a layer norm and added to what came in."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        width = shape.width
        self.heads = shape.attention_heads
        self.norm_attention, self.norm_inner = nn.LayerNorm(width), nn.LayerNorm(width)
        self.queries_keys_values = nn.Linear(width, 3 * width)
        self.attended = nn.Linear(width, width)
        self.inner, self.outer = nn.Linear(width, shape.inner), nn.Linear(shape.inner, width)
        self.dropout = nn.Dropout(shape.dropped)

    def forward(self, hidden: Tensor, seen: Tensor) -> Tensor:
        size, length, width = hidden.shape
        shared = self.queries_keys_values(self.norm_attention(hidden))
        query, key, value = shared.view(size, length, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        scores = query @ key.transpose(-1, -2) / math.sqrt(width // self.heads)
        weights = scores.masked_fill(~seen[:, None, None, :], -1e9).softmax(-1)
        hidden = hidden + self.dropout(self.attended((weights @ value).transpose(1, 2).reshape(size, length, width)))
        return hidden + self.dropout(self.outer(torch.relu(self.inner(self.norm_inner(hidden)))))
