from decimal import Decimal
from typing import List, Optional

from pydantic import BaseModel, Extra, Field, validator


class Price(BaseModel):
    amount: Decimal = Field(..., ge=0)
    currency: str = Field("EUR", regex="^[A-Z]{3}$")

    class Config:
        allow_mutation = False


class Product(BaseModel):
    sku: str
    title: str
    price: Price
    sale_price: Optional[Price]
    tags: List[str] = []

    class Config:
        extra = Extra.forbid

    @validator("sku")
    def sku_is_upper_case(cls, value):
        return value.upper()

    @validator("sale_price")
    def sale_is_cheaper(cls, value, values):
        if value and "price" in values and value.amount >= values["price"].amount:
            raise ValueError("a sale price must be below the price")
        return value
