"""A key-value cache whose rows are slots: a finished row's place is taken by a new one.

Rows are aligned on the right. Hugging Face's dynamic cache copies itself at every token; this one
writes into spare columns, and forgets columns on the left by moving its start.

Shapes: B slots, H key-value heads, T columns (tokens), D head size, K new rows.
"""

from typing import Any

from torch import Tensor
from transformers.cache_utils import Cache, CacheLayerMixin

_ROOM = 64
"""Spare columns of a new buffer, at least."""


class _SlotLayer(CacheLayerMixin):  # type: ignore[misc]  # transformers has no types
    """One layer's keys and values: columns ``start`` to ``end`` of two buffers.

    What lies in a row before its first token is of an earlier row, or was never written to; the
    attention mask gives it no weight, and it is finite: every column between ``start`` and ``end``
    was written in every slot.
    """

    is_sliding = False

    def __init__(self) -> None:
        super().__init__()
        self.start = self.end = 0

    def lazy_initialization(self, key_states: Tensor, value_states: Tensor) -> None:
        self._adopt(key_states, value_states)

    def update(
        self, key_states: Tensor, value_states: Tensor, *args: Any, **kwargs: Any
    ) -> tuple[Tensor, Tensor]:
        """Appends columns; returns all that is held."""
        if not self.is_initialized:
            self.lazy_initialization(key_states, value_states)
            return self.held()
        end = self.end + key_states.shape[2]
        if end > self.keys.shape[2]:
            self._adopt(*self.held())
            end = self.end + key_states.shape[2]
        self.keys[:, :, self.end : end] = key_states
        self.values[:, :, self.end : end] = value_states
        self.end = end
        return self.held()

    def held(self) -> tuple[Tensor, Tensor]:
        """Keys and values that count, [B, H, T, D] each."""
        columns = slice(self.start, self.end)
        return self.keys[:, :, columns], self.values[:, :, columns]

    def keep(self, slots: Tensor) -> None:
        """Leaves only these slots."""
        keys, values = self.held()
        self._adopt(keys.index_select(0, slots), values.index_select(0, slots))

    def put(self, slots: Tensor, other: "_SlotLayer") -> None:
        """Writes the rows of another layer into slots; they are not longer than what is held."""
        keys_KHTD, values_KHTD = other.held()
        first = self.end - keys_KHTD.shape[2]
        self.keys[slots, :, first : self.end] = keys_KHTD
        self.values[slots, :, first : self.end] = values_KHTD

    def get_mask_sizes(self, query_length: int) -> tuple[int, int]:
        """Columns the next attention sees, and how many the mask lacks before them."""
        return self.end - self.start + query_length, 0

    def get_seq_length(self) -> int:
        return self.end - self.start

    def get_max_length(self) -> int:
        return -1

    def _adopt(self, keys_BHTD: Tensor, values_BHTD: Tensor) -> None:
        """Copies columns into new buffers with spare ones behind them."""
        self.keys, self.values = (_roomy(keys_BHTD), _roomy(values_BHTD))
        self.start, self.end = 0, keys_BHTD.shape[2]
        self.is_initialized = True


class SlotCache:
    """The layers of a model's cache, together.

    Attributes:
        cache: As the model wants it.
    """

    def __init__(self) -> None:
        self.cache = Cache(layer_class_to_replicate=_SlotLayer)

    def __len__(self) -> int:
        return int(self.cache.get_seq_length())

    def forget(self, columns: int) -> None:
        """Drops columns on the left, which no row uses any more."""
        for layer in self.cache.layers:
            layer.start += columns

    def keep(self, slots: Tensor) -> None:
        """Leaves only these slots."""
        for layer in self.cache.layers:
            layer.keep(slots)

    def put(self, slots: Tensor, other: "SlotCache") -> None:
        """Writes the rows of another cache into slots, aligned on the right."""
        for mine, theirs in zip(self.cache.layers, other.cache.layers, strict=True):
            mine.put(slots, theirs)


def _roomy(filled_BHTD: Tensor) -> Tensor:
    """A buffer that begins with ``filled`` and has spare columns behind it."""
    slots, heads, length, size = filled_BHTD.shape
    buffer = filled_BHTD.new_empty(slots, heads, length + max(_ROOM, length // 2), size)
    buffer[:, :, :length] = filled_BHTD
    return buffer
