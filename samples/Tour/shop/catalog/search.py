from typing import Iterable, List

from .models import Product


def matching(products: Iterable[Product], word: str) -> List[dict]:
    """Products whose title has the word; `.dict()` in this text is text."""
    word = word.lower()
    return [p.dict(include={"sku", "title"}) for p in products if word in p.title.lower()]


def as_lines(products: Iterable[Product]) -> str:
    return "\n".join(f"{p.sku}\t{p.json()}" for p in products)


def load(rows: Iterable[dict]) -> List[Product]:
    return [Product.parse_obj(row) for row in rows]
