"""Which of many short texts to keep: no near copies, and some of every kind.

A module of its own because scikit-learn takes seconds to load.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from sklearn.cluster import KMeans
from sklearn.feature_extraction.text import TfidfVectorizer


def varied(
    written: Sequence[str],
    known: Sequence[str],
    *,
    max_similarity: float,
    num_kept: int,
    num_clusters: int,
    seed: int,
) -> tuple[list[int], int]:
    """Which texts to keep (in order), and how many were near copies.

    Args:
        written: The texts.
        known: Others they must not repeat.
        max_similarity: Cosine from which a text is a near copy of an earlier one.
        num_kept: How many to keep at most.
        num_clusters: K of k-means.
        seed: Of where the clusters start.
    """
    rows = features([*known, *written])
    copies = near_copies(rows, max_similarity)[len(known) :]
    distinct = [index for index, copy in enumerate(copies) if not copy]
    if not distinct:
        return [], len(copies)
    places = [len(known) + index for index in distinct]
    chosen = nearest_to_centroids(rows[places], num_kept, num_clusters, seed)
    return [distinct[place] for place in chosen], sum(copies)


def features(texts: Sequence[str]) -> Any:
    """TF-IDF of character n-grams within words, [texts, n-grams], rows of length 1.

    Characters rather than words, so that languages that write no blanks have features too.
    """
    return TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 4)).fit_transform(texts)


def near_copies(rows: Any, max_similarity: float) -> list[bool]:
    """Per text whether its cosine to an earlier one, itself no copy, reaches a limit."""
    similarity = (rows @ rows.T).toarray() + 1e-9  # equal texts reach 1 whatever the rounding
    kept: list[int] = []
    copies = []
    for row in similarity:
        copies.append(bool(kept) and bool(row[kept].max() >= max_similarity))
        if not copies[-1]:
            kept.append(len(copies) - 1)
    return copies


def nearest_to_centroids(rows: Any, num_kept: int, num_clusters: int, seed: int) -> list[int]:
    """Texts to keep: of each cluster its share, those nearest to its centroid; in order.

    Shares are in proportion to the clusters' sizes and add up to ``num_kept`` (at most all): what
    is left after rounding down goes to the largest remainders.
    """
    total = rows.shape[0]
    if num_kept >= total:
        return list(range(total))
    clusters = min(num_clusters, total)
    means = KMeans(clusters, n_init=1, random_state=seed % 2**32).fit(rows)
    labels = means.labels_
    distances = means.transform(rows)[np.arange(total), labels]
    sizes = np.bincount(labels, minlength=clusters)
    shares = sizes * num_kept / total
    quota = np.floor(shares).astype(int)
    by_remainder = np.argsort(quota - shares, kind="stable")
    quota[by_remainder[: num_kept - quota.sum()]] += 1
    kept: list[int] = []
    for cluster in range(clusters):
        members = np.flatnonzero(labels == cluster)
        kept += members[np.argsort(distances[members], kind="stable")][: quota[cluster]].tolist()
    return sorted(kept)
