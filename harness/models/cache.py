"""A key-value cache whose rows come and go: kept in buffers with room, padded on the left.

Hugging Face's dynamic cache copies itself at every token; this one writes into spare columns.

Shapes: B rows, H key-value heads, T columns (tokens), D head size.
"""

from typing import Any

from torch import Tensor
from transformers.cache_utils import Cache, CacheLayerMixin

_ROOM = 64
"""Spare columns of a new buffer, and the least by which a full one grows."""


class _GrowingLayer(CacheLayerMixin):  # type: ignore[misc]  # transformers has no types
    """One layer's keys and values, [B, H, T, D] views of buffers with spare columns."""

    is_sliding = False

    def __init__(self) -> None:
        super().__init__()
        self.length = 0

    def lazy_initialization(self, key_states: Tensor, value_states: Tensor) -> None:
        """Makes buffers for the first tokens."""
        self.adopt(_roomy(key_states), _roomy(value_states), key_states.shape[2])

    def adopt(self, keys: Tensor, values: Tensor, length: int) -> None:
        """Takes buffers whose first ``length`` columns are filled."""
        self.keys, self.values, self.length = keys, values, length
        self.is_initialized = True

    def update(
        self, key_states: Tensor, value_states: Tensor, *args: Any, **kwargs: Any
    ) -> tuple[Tensor, Tensor]:
        """Appends columns; returns all that is held."""
        if not self.is_initialized:
            self.lazy_initialization(key_states, value_states)
            return self.held()
        end = self.length + key_states.shape[2]
        if end > self.keys.shape[2]:
            self.adopt(_roomy(self.held()[0], end), _roomy(self.held()[1], end), self.length)
        self.keys[:, :, self.length : end] = key_states
        self.values[:, :, self.length : end] = value_states
        self.length = end
        return self.held()

    def held(self) -> tuple[Tensor, Tensor]:
        """Keys and values so far, [B, H, T, D]."""
        return self.keys[:, :, : self.length], self.values[:, :, : self.length]

    def get_mask_sizes(self, query_length: int) -> tuple[int, int]:
        """Columns the next attention sees, and how many were dropped before them."""
        return self.length + query_length, 0

    def get_seq_length(self) -> int:
        """Columns held."""
        return self.length

    def get_max_length(self) -> int:
        """No limit."""
        return -1


def new_cache() -> Cache:
    """An empty cache for a model whose layers are all attention."""
    return Cache(layer_class_to_replicate=_GrowingLayer)


def rebatch(cache: Cache, rows: Tensor, start: int, other: Cache | None) -> Cache:
    """The chosen rows of a cache, without its first columns, and all rows of another below them.

    Args:
        cache: Where the rows are.
        rows: Indices of the rows to keep.
        start: Columns to drop on the left; all kept rows have padding there.
        other: Rows to put below; both are aligned on the right.
    """
    joined = new_cache()
    for index, layer in enumerate(cache.layers):
        below = None if other is None else other.layers[index].held()
        keys, values = (
            _join(held[rows, :, start:], None if below is None else below[which])
            for which, held in enumerate(layer.held())
        )
        made = _GrowingLayer()
        lengths = [layer.length - start, 0 if other is None else other.layers[index].length]
        made.adopt(keys, values, max(lengths))
        joined.layers.append(made)
    return joined


def _join(above_BHTD: Tensor, below_BHTD: Tensor | None) -> Tensor:
    if below_BHTD is None:
        return _roomy(above_BHTD)
    num_above, heads, length, size = above_BHTD.shape
    other = below_BHTD.shape[2]
    columns = max(length, other)
    # Zeros: a masked column counts 0 times what is in memory there, and 0 * NaN is NaN.
    joined = above_BHTD.new_zeros(num_above + below_BHTD.shape[0], heads, columns + _ROOM, size)
    joined[:num_above, :, columns - length : columns] = above_BHTD
    joined[num_above:, :, columns - other : columns] = below_BHTD
    return joined


def _roomy(filled_BHTD: Tensor, columns: int = 0) -> Tensor:
    """A buffer that begins with ``filled`` and has spare columns behind it."""
    rows, heads, length, size = filled_BHTD.shape
    wanted = max(columns, length) + max(_ROOM, length // 2)
    buffer = filled_BHTD.new_zeros(rows, heads, wanted, size)
    buffer[:, :, :length] = filled_BHTD
    return buffer
